"""`manage.py doctor` finds what is wrong, says the way out, and gives the verdict by its exit code."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from commerce.management.commands import doctor
from commerce.management.commands.doctor import Verdict

pytestmark = pytest.mark.django_db


def _found(what: str) -> doctor.Finding:
    return next(finding for finding in doctor.examine() if finding.what == what)


def test_says_line_by_line_what_is_well() -> None:
    out = io.StringIO()
    with contextlib.suppress(CommandError):  # the test cluster is not durable, and says so
        call_command("doctor", stdout=out, no_color=True)
    said = out.getvalue()
    assert re.search(r"^ok    PostgreSQL +\d+", said, re.MULTILINE)
    assert re.search(r"^ok    tables +all migrations are applied", said, re.MULTILINE)
    assert re.search(r"^ok    clocks", said, re.MULTILINE)
    assert re.search(r"\d+ checks, \d+ failures, \d+ warnings", said)


def test_a_database_that_loses_commits_is_a_failure() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        is_durable = cursor.fetchone()[0] == "on"
        cursor.execute("SET LOCAL synchronous_commit = off")
    finding = _found("durability")
    assert finding.verdict is Verdict.FAIL
    assert "synchronous_commit" in finding.says
    assert is_durable or "fsync" in finding.says
    with pytest.raises(CommandError):
        call_command("doctor", stdout=io.StringIO())


def test_a_database_that_does_not_know_an_umlaut_is_noticed() -> None:
    """As a database with the locale C: there, upper() is what this one does to ASCII alone."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT upper('ü') = 'Ü'")
        knows = cursor.fetchone()[0]
    assert _found("letters").verdict is (Verdict.OK if knows else Verdict.WARN)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION public.upper(text) RETURNS text LANGUAGE sql"
            ' AS $$ SELECT pg_catalog.upper($1 COLLATE "C") $$'
        )
        cursor.execute("SET LOCAL search_path = public, pg_catalog")
    finding = _found("letters")
    assert finding.verdict is Verdict.WARN
    assert "C.UTF-8" in finding.way_out


def test_a_missing_trigger_is_a_failure() -> None:
    assert _found("laws").verdict is Verdict.OK
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE commerce_auditentry DISABLE TRIGGER audit_is_immutable")
    finding = _found("laws")
    assert finding.verdict is Verdict.FAIL
    assert "audit_is_immutable" in finding.says
    assert finding.way_out


def test_knows_every_trigger_that_migrations_make() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        there = {name for (name,) in cursor.fetchall()}
    assert doctor.laws() == there
    assert {"audit_is_immutable", "stock_entry_continues_chain", "stock_level_is_its_journal"} <= there


def test_a_broker_that_can_not_be_written_is_a_failure(settings: Any, tmp_path: Path) -> None:
    assert _found("broker").verdict is Verdict.OK
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"data_folder_in": str(tmp_path / "gone")}
    finding = _found("broker")
    assert finding.verdict is Verdict.FAIL
    assert "writable" in finding.way_out


def test_a_full_disk_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _found("disk").verdict in (Verdict.OK, Verdict.WARN)
    monkeypatch.setattr(doctor, "FREE_TO_NOTICE", 10**18)
    monkeypatch.setattr(doctor, "FREE_TO_ACT_ON", 10**18)
    assert _found("disk").verdict is Verdict.FAIL
