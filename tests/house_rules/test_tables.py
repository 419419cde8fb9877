"""Tables: each has one writer, its laws have names that exist, and migrations can be undone."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader

from commerce import integrity
from tests.house_rules.source import ROOMS, Module, modules
from tests.house_rules.source import migrations as migration_files

WRITES = {"create", "bulk_create", "get_or_create", "update_or_create", "update", "bulk_update", "delete"}
WRITE_SQL = re.compile(
    r"\b(?:INSERT\s+INTO|DELETE\s+FROM|UPDATE|TRUNCATE|COPY)\s+(?:ONLY\s+)?\"?([a-z_]+)\"?", re.IGNORECASE
)
NAMED = re.compile(rf"\b(?:{'|'.join(ROOMS)})(?:\.[a-z_]+)+")


def tables() -> dict[str, type[models.Model]]:
    """Return our models by the name of their class."""
    return {
        model.__name__: model
        for model in apps.get_models()
        if model._meta.app_label in ROOMS and not hasattr(model, "history_object")
    }


def writers(model: type[models.Model]) -> set[str]:
    """Return the modules that a model's docstring names behind "Written by"."""
    text = (model.__doc__ or "").partition("Written by:")[2]
    return set(NAMED.findall(" ".join(text.split())))


def written(module: Module) -> Iterator[tuple[str, str]]:
    """Yield (model, how) for every write that the code of a module shows."""
    ours, by_table = tables(), {model._meta.db_table: name for name, model in tables().items()}
    imported = {
        alias.asname or alias.name: alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith(".models")
        for alias in node.names
        if alias.name in ours
    }
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in imported:
            yield imported[node.func.id], f"{node.func.id}(…)"
        if isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            root = _root(node.func.value)
            if root in imported:
                yield imported[root], f"{root}….{node.func.attr}(…)"
    for text in module.texts():
        for table in WRITE_SQL.findall(text):
            if table in by_table:
                yield by_table[table], f"SQL on {table}"


def _root(node: ast.expr) -> str:
    """Return the name that a chain of calls and attributes begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def test_every_table_names_its_writer_and_the_writer_exists() -> None:
    names = {module.name for module in modules()}
    assert not [name for name, model in tables().items() if not writers(model)]
    assert not {name: left for name, model in tables().items() if (left := writers(model) - names)}


def test_writers_belong_to_the_room_of_their_table() -> None:
    assert not {
        name: others
        for name, model in tables().items()
        if (others := {writer for writer in writers(model) if not writer.startswith(model._meta.app_label + ".")})
    }


def test_nobody_else_writes_to_a_table() -> None:
    allowed = {name: writers(model) for name, model in tables().items()}
    trespassers = defaultdict(set)
    for module in modules():
        for model, how in written(module):
            if module.name not in allowed[model]:
                trespassers[f"{model} by {module.name}"].add(how)
    assert not trespassers


def test_every_writer_is_seen_writing() -> None:
    """Keep the rule above honest: were it blind to some way of writing, its writer would look idle."""
    seen = defaultdict(set)
    for module in modules():
        for model, _how in written(module):
            seen[model].add(module.name)
    saving = {
        module.name for module in modules() if re.search(r"\.(save|delete|create_user|bulk_create)\(", module.text)
    }
    idle = {
        f"{name} by {writer}"
        for name, model in tables().items()
        for writer in writers(model)
        if writer not in seen[name] and writer not in saving
    }
    assert not idle


def test_only_writers_save_rows() -> None:
    """`row.save()` doesn't say what row it is, so whoever calls it must be the writer of some table."""
    known = {writer for model in tables().values() for writer in writers(model)}
    strangers = []
    for module in modules():
        for node in ast.walk(module.tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "save"):
                continue
            writes_nothing = any(word.arg == "commit" and ast.unparse(word.value) == "False" for word in node.keywords)
            if module.name not in known and not writes_nothing:
                strangers.append(f"{module.name}:{node.lineno}")
    assert not strangers


@pytest.mark.django_db
def test_registered_constraints_exist() -> None:
    for module in modules():
        if "integrity.refuse(" in module.text:
            import_module(module.name)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class WHERE relkind = 'i'"
            " UNION SELECT tgname FROM pg_trigger"
        )
        known = {name for (name,) in cursor.fetchall()}
    registered = set(integrity._refusals)
    assert registered
    assert not registered - known


def test_every_constraint_of_ours_has_a_name_that_reads() -> None:
    unnamed = [
        f"{name}: {constraint.name}"
        for name, model in tables().items()
        for constraint in model._meta.constraints
        if not re.fullmatch(r"[a-z][a-z0-9_]+", constraint.name)
    ]
    assert not unnamed


def test_migrations_are_named_for_what_they_do() -> None:
    assert not [
        module.name for module in migration_files() if re.search(r"_auto_|_alter_|_remove_.*_and_more", module.name)
    ]


def test_migrations_import_nothing_of_the_rooms_but_their_own_kind() -> None:
    """A migration is history: what it did must not change with today's models."""
    wrong = {}
    for module in migration_files():
        found = {
            name
            for name in module.imports()
            if name.partition(".")[0] in ROOMS and ".migrations" not in name and name.partition(".")[0] != name
        }
        if found:
            wrong[module.name] = found
    assert not wrong


def test_migrations_can_be_undone() -> None:
    stuck = []
    for (room, name), migration in MigrationLoader(None).graph.nodes.items():
        if room in ROOMS:
            stuck += [f"{room}.{name}: {operation}" for operation in migration.operations if not operation.reversible]
    assert not stuck


def test_schema_and_data_are_never_changed_in_one_migration() -> None:
    mixed = []
    for (room, name), migration in MigrationLoader(None).graph.nodes.items():
        kinds = {isinstance(operation, migrations.RunPython) for operation in migration.operations}
        if room in ROOMS and kinds == {True, False}:
            mixed.append(f"{room}.{name}")
    assert not mixed


def test_migrations_are_one_line_per_room() -> None:
    graph = MigrationLoader(None).graph
    assert {room: len(graph.leaf_nodes(room)) for room in ROOMS} == dict.fromkeys(ROOMS, 1)


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
