"""What is kept in the repository: where things lie, and what must never be in them."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import lucide
import pytest

from tests.house_rules.source import ROOT, Module, kept, modules

FOLDERS = {"commerce", "inventory", "orders", "pricing", "customers", "templates", "tests", ".ci"}
FILES = {
    "manage.py",
    "pyproject.toml",
    "README.md",
    "Makefile",
    "requirements.lock",
    ".gitignore",
    ".pre-commit-config.yaml",
}
FILES |= {"LICENSE", "CHANGELOG.md"}
TEXTS = {".py", ".md", ".toml", ".html", ".js", ".css", ".po", ".yaml", ".lock", ".csv", ".sh", ".txt", ""}

# Written apart, so that this file does not hold what it forbids.
REGISTRY_HOSTS = re.compile("|".join(["pypi" + r"\.org", "python" + "hosted", "artif" + "actory", "index" + "-url ?="]))
MACHINE_PATHS = re.compile("|".join(rf"(?<![\w.])/{name}/\w" for name in ("home", "Users", "work", "root")))
LIBRARY_VERSION = re.compile(r"^[a-z0-9][a-z0-9._-]*==[^\s\\]+ \\$")
INLINE_HANDLER = re.compile(r"<[^>]*\son[a-z]+\s*=", re.IGNORECASE)
REMOTE_PART = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//", re.IGNORECASE)


def _texts() -> list[Path]:
    return [path for path in kept() if path.suffix in TEXTS]


def test_the_top_level_is_what_it_is() -> None:
    seen = {path.relative_to(ROOT).parts for path in kept()}
    assert {parts[0] for parts in seen if len(parts) > 1} == FOLDERS
    assert {parts[0] for parts in seen if len(parts) == 1} == FILES


def test_nothing_names_a_registry() -> None:
    assert not [str(path.relative_to(ROOT)) for path in _texts() if REGISTRY_HOSTS.search(path.read_text())]


def test_nothing_names_a_place_on_somebodys_machine() -> None:
    found = {
        str(path.relative_to(ROOT)): places
        for path in _texts()
        if path.suffix != ".lock" and (places := MACHINE_PATHS.findall(path.read_text()))
    }
    assert not found


def test_the_lock_pins_everything_with_hashes_and_names_no_address() -> None:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith((" ", "#"))]
    assert len(pins) > 50
    assert not [line for line in pins if not LIBRARY_VERSION.match(line)]
    assert not [line for line in lines if "://" in line]
    for place, line in enumerate(lines):
        if line in pins:
            assert lines[place + 1].strip().startswith("--hash=sha256:"), line


def test_templates_run_no_script_of_their_own_and_fetch_nothing_from_elsewhere() -> None:
    wrong = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        text = path.read_text()
        scripts = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", text)
        if scripts or INLINE_HANDLER.search(text) or REMOTE_PART.search(text):
            wrong.append(str(path.relative_to(ROOT)))
    assert not wrong


def test_every_icon_exists() -> None:
    """A name that the set doesn't have breaks a page the moment its state comes up, and no sooner."""
    named = {
        (name, str(path.relative_to(ROOT)))
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for name in re.findall(r"\blucide \"([^\"]+)\"", path.read_text())
    }
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Word"):
                icons = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "icon")]
            elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("MenuEntry"):
                icons = [word.value for word in node.keywords if word.arg == "icon"]
            else:
                continue
            named |= {(icon.value, module.name) for icon in icons if isinstance(icon, ast.Constant)}
    assert ("octagon-x", "templates/orders/wrong_scan.html") in named
    assert ("mail-warning", "commerce.staff.rooms") in named
    missing = []
    for name, where in sorted(named):
        try:
            lucide._load_icon(name)
        except lucide.IconDoesNotExist:
            missing.append(f"{where}: {name}")
    assert not missing


def test_tests_wait_for_facts_and_never_sleep() -> None:
    """What needs a pause waits for an event with a deadline. Benchmarks pass time; a browser may pause as people do."""
    sleepers = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if "benchmarks" in path.parts:
            continue
        for node in ast.walk(Module(path).tree):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name in {"time.sleep", "sleep"}:
                sleepers.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not sleepers


def test_nothing_is_left_unfinished() -> None:
    marks = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "raise NotImple" + "mentedError"]))
    assert not [
        str(path.relative_to(ROOT)) for path in _texts() if path.suffix != ".po" and marks.search(path.read_text())
    ]


@pytest.mark.slow
def test_production_settings_have_nothing_to_complain_about() -> None:
    done = _check(
        KONTOR_SECRET_KEY="k" * 20 + "".join(map(str, range(40))),
        KONTOR_ALLOWED_HOSTS="kontor.example.com",
        KONTOR_PUBLIC_URL="https://kontor.example.com",
    )
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


@pytest.mark.slow
def test_production_does_not_start_without_a_secret() -> None:
    done = _check(KONTOR_ALLOWED_HOSTS="kontor.example.com")
    assert done.returncode != 0
    assert "KONTOR_SECRET_KEY must be set" in done.stderr


@pytest.mark.slow
def test_production_does_not_start_without_the_address_that_customers_reach() -> None:
    done = _check(KONTOR_SECRET_KEY="k" * 50, KONTOR_ALLOWED_HOSTS="kontor.example.com", KONTOR_PUBLIC_URL="")
    assert done.returncode != 0
    assert "KONTOR_PUBLIC_URL must be set" in done.stderr


def _check(**environment: str) -> subprocess.CompletedProcess[str]:
    # Browser tests of the same process allow what production must not.
    ours = ("KONTOR_SECRET", "DJANGO_ALLOW_ASYNC_UNSAFE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=inherited
        | {"KONTOR_ENV": "production", "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
        | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
