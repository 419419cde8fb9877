"""Products are found by a part of their name through an index, whoever asks: a channel, or staff at the counter."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.places import locations
from tests.factories import commerce as ground
from tests.factories import inventory as goods

pytestmark = pytest.mark.django_db

INDEX = "product_by_part_of_name"
# What suits a table of a few rows. An index that can't serve the words leaves only a whole scan, and that is seen.
CHOICES = ("enable_seqscan", "enable_indexscan", "enable_indexonlyscan")

Ask = Callable[[str], str]


@pytest.fixture
def channel(client: Client) -> Ask:
    """Return how a channel searches; the answer's text."""
    key = ground.key(None, Scope.CATALOG_READ)
    return lambda text: client.get("/api/v1/products", {"q": text}, **key.headers).content.decode()


@pytest.fixture
def counter(client: Client) -> Ask:
    """Return how a clerk searches; the page."""
    clerk, store = ground.user(), goods.store()
    with transaction():
        locations.assign(clerk, Role.CLERK, store.id, by=ground.TESTER)
    client.force_login(clerk)
    return lambda text: client.get("/staff/stock/", {"q": text}).content.decode()


def plans(ask: Ask, text: str) -> list[str]:
    """Return how the database reads products for a search, when it has a reason to care."""
    asked: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if "LIKE" in sql and "commerce_product" in sql:
            asked.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(note))
        ask(text)
    found = []
    with connection.cursor() as cursor:
        for choice in CHOICES:
            cursor.execute(f"SET LOCAL {choice} = off")
        for sql, parameters in asked:
            cursor.execute(f"EXPLAIN {sql}", parameters)
            found.append("\n".join(line for (line,) in cursor.fetchall()))
        for choice in CHOICES:
            cursor.execute(f"SET LOCAL {choice} TO DEFAULT")
    return found


@pytest.mark.parametrize("door", ["channel", "counter"])
def test_names_and_skus_are_searched_by_their_index(door: str, request: pytest.FixtureRequest) -> None:
    ask = request.getfixturevalue(door)
    (plan,) = plans(ask, "kettle steel")
    assert plan.count(f"Bitmap Index Scan on {INDEX}") == 2, plan  # by SKU, or by name
    conditions = " ".join(line for line in plan.splitlines() if "Index Cond" in line)
    assert ("upper((sku)" in conditions, "upper((name)" in conditions) == (True, True)
    assert "Seq Scan on commerce_product" not in plan


@pytest.mark.parametrize("door", ["channel", "counter"])
@pytest.mark.parametrize("text", ["kessel", "KESSEL", "übertopf", "ÜBERTOPF", "töpf", "kp-4", "KP-47"])
def test_a_part_of_the_name_or_the_beginning_of_the_sku_finds(
    door: str, text: str, request: pytest.FixtureRequest
) -> None:
    """In capitals or not, umlauts as well."""
    ask = request.getfixturevalue(door)
    if not text.isascii() and not _knows_umlauts():
        reason = "this cluster was made before it learned the capitals of umlauts: remove the tests' data folder"
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    wanted = {
        "KP-4711": "Wasserkessel aus Stahl",
        "TO-1": "Übertopf, groß",
        "TO-2": "Kräutertöpfe",
    }
    for sku, name in wanted.items():
        ground.product(sku, name=name)
    page = ask(text)
    found = {sku for sku in wanted if sku in page}
    assert (
        found
        == {
            "kessel": {"KP-4711"},
            "übertopf": {"TO-1"},
            "töpf": {"TO-2"},
            "kp-4": {"KP-4711"},
            "kp-47": {"KP-4711"},
        }[text.lower()]
    )


def _knows_umlauts() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT upper('ü') = 'Ü'")
        return bool(cursor.fetchone()[0])
