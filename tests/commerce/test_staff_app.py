"""Kontor as an app, and what browsers are told: manifest, service worker, offline page, page security."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client

from commerce.staff import installable, security
from commerce.staff.security import PageSecurityMiddleware
from tests.factories import commerce as make


def test_the_manifest_names_icons_that_exist_and_starts_at_the_staff_pages(client: Client) -> None:
    answer = client.get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = json.loads(answer.content)
    assert (manifest["start_url"], manifest["display"]) == ("/staff/", "standalone")
    sizes = {icon["sizes"] for icon in manifest["icons"] if icon["type"] == "image/png"}
    assert {"192x192", "512x512"} <= sizes
    assert "maskable" in {icon["purpose"] for icon in manifest["icons"]}
    for icon in manifest["icons"]:
        assert finders.find(icon["src"].removeprefix(settings.STATIC_URL)), icon["src"]


def test_the_service_worker_keeps_static_files_and_the_offline_page_only(client: Client) -> None:
    answer = client.get("/service-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "no-cache" in answer["Cache-Control"]
    shell = json.loads(re.search(r"SHELL = (\[.*\])", answer.content.decode()).group(1))  # type: ignore[union-attr]
    assert all(url.startswith(settings.STATIC_URL) for url in shell)
    assert 'OFFLINE = "/offline/"' in answer.content.decode()
    for url in shell:
        assert finders.find(url.removeprefix(settings.STATIC_URL)), url


def test_the_service_worker_has_another_version_when_a_file_of_the_shell_changes(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = installable.version()
    assert before in client.get("/service-worker.js").content.decode()
    (tmp_path / "kontor.css").write_text("body { color: red }")
    monkeypatch.setattr(installable.finders, "find", lambda name: str(tmp_path / "kontor.css"))
    assert installable.version.__wrapped__() != before


def test_the_offline_page_speaks_both_languages_and_knows_nobody(client: Client, db: None) -> None:
    person = make.user(name="Secretive Person")
    client.force_login(person)
    page = client.get("/offline/").content.decode()
    assert "Keine Verbindung" in page
    assert "No connection" in page
    assert "Secretive" not in page


@pytest.mark.django_db
def test_pages_carry_a_strict_policy_and_staff_pages_are_kept_nowhere(client: Client) -> None:
    client.force_login(make.user())
    page = PageSecurityMiddleware(lambda request: client.get(request.path_info))
    answers = {path: page(client.get(path).wsgi_request) for path in ("/staff/more/", "/offline/", "/staff/sign-in/")}
    for path, answer in answers.items():
        assert answer["Content-Security-Policy"] == security.STRICT, path
        assert "unsafe" not in answer["Content-Security-Policy"]
    assert "no-store" in answers["/staff/more/"]["Cache-Control"]


def test_no_page_of_ours_needs_inline_scripts_or_styles() -> None:
    """The policy would silently break them, so they are found here instead."""
    templates = [
        file
        for file in Path(settings.BASE_DIR, "templates").rglob("*.html")
        if "admin" not in file.parts
        and file.name != "mail.html"  # mails bring their styles along, and no policy reads them
    ]
    assert templates
    for file in templates:
        text = re.sub(r"\{#.*?#\}", "", file.read_text(), flags=re.DOTALL)
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=|hx-on|javascript:", text), file
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", text), file


def test_a_page_that_does_not_exist_says_so(client: Client) -> None:
    answer = client.get("/nowhere/", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    assert "This page doesn’t exist" in answer.content.decode()
