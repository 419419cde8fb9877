"""Rooms, layers and names: what `lint-imports` can't see, or could lose sight of."""

import ast
import tomllib

import pytest

from tests.house_rules.source import ROOT, Module, modules

LONGEST_FILE = 450  # past it a noun is missing
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "services", "service", "managers", "manager", "misc", "common"}

# Interfaces and wiring; what is left of a room are its topic modules.
OUTER = {
    "admin",
    "admin_base",
    "admin_journals",
    "admin_navigation",
    "admin_site",
    "admin_verbs",
    "admin_words",
    "api",
    "apps",
    "asgi",
    "celery",
    "demo",
}
OUTER |= {
    "admin_groups",
    "admin_supply",
    "admin_times",
    "formats",
    "management",
    "middleware",
    "models",
    "notice_admin",
    "postgresql",
    "settings",
}
OUTER |= {"staff", "urls", "wsgi"}


def _contracts() -> dict[str, dict[str, object]]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["id"]: contract for contract in configuration["contracts"]}


def test_the_contract_names_every_pure_module() -> None:
    assert _contracts()["pure"]["source_modules"] == sorted(module.name for module in modules() if module.is_pure)


def test_the_mark_of_pure_modules_ends_a_paragraph() -> None:
    assert not [module.name for module in modules() if "[pure]" in module.docstring and not module.is_pure]


def test_every_room_has_its_contracts_and_no_module_is_left_out() -> None:
    contracts = _contracts()
    for room in ("commerce", "inventory", "pricing", "customers", "orders"):
        assert contracts[f"models-{room}"]["allowed_importers"] == [room]
        assert contracts[f"inside-{room}"]["exhaustive"] is True
        assert contracts[f"inside-{room}"]["exhaustive_ignores"] == ["migrations"]


def test_no_module_is_named_for_nothing() -> None:
    assert not [module.name for module in modules() if EMPTY_NAMES & set(module.name.split("."))]


@pytest.mark.parametrize("ending", [".py", ".html", ".js"])
def test_no_file_is_too_long(ending: str) -> None:
    folders = ("commerce", "inventory", "pricing", "customers", "orders", "templates", "tests")
    files = [
        file for folder in folders for file in (ROOT / folder).rglob(f"*{ending}") if "migrations" not in file.parts
    ]
    assert files
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in files}
    assert not {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE}


def test_public_functions_of_topics_say_what_they_do() -> None:
    silent = []
    for module in modules():
        if OUTER & set(module.name.split(".")):
            continue
        for function in _public_functions(module):
            if not ast.get_docstring(function):
                silent.append(f"{module.name}.{function.name}")
    assert not silent


def test_no_signals() -> None:
    receivers = {"django.db.models.signals", "django.dispatch"}
    assert not [module.name for module in modules() if receivers & set(module.imports())]


def _public_functions(module: Module) -> list[ast.FunctionDef]:
    return [node for node in module.tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
