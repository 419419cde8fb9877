"""The laws of the journal hold even against code that ignores the ledger."""

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import clock, ids
from commerce.transactions import TransactionMisuse
from inventory import ledger
from inventory.errors import StockRuleViolated
from inventory.ledger import LevelKey, Posting
from inventory.models import StockEntry, StockLevel
from inventory.stock import Counterparty, EntryKind
from tests.inventory.conftest import BY, Shelf


def run(sql: str, parameters: list[object] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_every_posting_leaves_an_entry_with_the_values_after(shelf: Shelf) -> None:
    shelf.receive(5)
    first, second = StockEntry.objects.order_by("version").filter(level__product_id=shelf.product_id)
    assert (first.version, first.on_hand_delta, first.on_hand_after) == (1, 10, 10)
    assert (second.version, second.on_hand_delta, second.on_hand_after) == (2, 5, 15)
    assert second.counterparty == Counterparty.SUPPLIER.value
    assert (second.actor_kind, second.actor_id) == ("system", "tests")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE inventory_stockentry SET reason = 'rewritten'",
        "DELETE FROM inventory_stockentry",
        "TRUNCATE inventory_stockentry CASCADE",
    ],
)
def test_the_journal_cannot_be_rewritten(shelf: Shelf, sql: str) -> None:
    with pytest.raises(IntegrityError, match="is a journal"), transaction.atomic():
        run(sql)


@pytest.mark.parametrize(
    ("sql", "constraint"),
    [
        (
            "UPDATE inventory_stocklevel SET on_hand = -1, backorder_limit = 5 WHERE product_id = %s",
            "stock_level_on_hand_not_negative",
        ),
        ("UPDATE inventory_stocklevel SET held = -1 WHERE product_id = %s", "stock_level_held_not_negative"),
        ("UPDATE inventory_stocklevel SET allocated = -1 WHERE product_id = %s", "stock_level_allocated_not_negative"),
        ("UPDATE inventory_stocklevel SET allocated = 6, held = 5 WHERE product_id = %s", "stock_level_not_oversold"),
    ],
)
def test_no_code_can_oversell(shelf: Shelf, sql: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        run(sql, [shelf.product_id])


def test_a_level_cannot_change_without_its_journal(shelf: Shelf) -> None:
    with pytest.raises(IntegrityError, match="differs from its journal"), transaction.atomic():
        run("UPDATE inventory_stocklevel SET on_hand = 11 WHERE product_id = %s", [shelf.product_id])


def test_a_level_with_a_journal_cannot_go_or_change_its_key(shelf: Shelf) -> None:
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        run("DELETE FROM inventory_stocklevel WHERE product_id = %s", [shelf.product_id])
    with pytest.raises(IntegrityError, match="never deleted or renamed"), transaction.atomic():
        run("UPDATE inventory_stocklevel SET condition = 'damaged' WHERE product_id = %s", [shelf.product_id])


@pytest.mark.parametrize(
    ("version", "on_hand_after"),
    [(3, 11), (2, 12), (1, 11)],  # a gap, a wrong sum, a version twice
)
def test_an_entry_continues_the_one_before_it(shelf: Shelf, version: int, on_hand_after: int) -> None:
    level = StockLevel.objects.get(product_id=shelf.product_id)
    with pytest.raises(IntegrityError, match=r"does not continue|stock_entry_version_once"), transaction.atomic():
        insert_entry(level.pk, version=version, on_hand_delta=1, on_hand_after=on_hand_after)


def test_an_entry_needs_a_level_and_an_origin(shelf: Shelf) -> None:
    with pytest.raises(IntegrityError, match="without its stock level"), transaction.atomic():
        insert_entry(10**9, version=1, on_hand_delta=1, on_hand_after=1)
    level = StockLevel.objects.get(product_id=shelf.product_id)
    with pytest.raises(IntegrityError, match="without its stock level"), transaction.atomic():
        insert_entry(level.pk, version=2, on_hand_delta=1, on_hand_after=11)
    with pytest.raises(IntegrityError, match="stock_entry_goods_conserved"), transaction.atomic():
        insert_entry(level.pk, version=2, on_hand_delta=1, on_hand_after=11, counterparty="")


def test_the_ledger_explains_before_the_constraint_has_to(shelf: Shelf) -> None:
    key = LevelKey(shelf.product_id, shelf.store.id)
    with pytest.raises(StockRuleViolated, match="3 pieces more were to leave"), transaction.atomic():
        levels = ledger.lock([key], at=clock.now())
        leave = Posting(ids.new(), key, EntryKind.SHIPPED, on_hand=-13, counterparty=Counterparty.CUSTOMER)
        ledger.post(levels, [leave], by=BY, at=clock.now())
    assert shelf.figure().on_hand == 10


@pytest.mark.django_db(transaction=True)
def test_verbs_refuse_to_run_outside_a_transaction() -> None:
    with pytest.raises(TransactionMisuse):
        ledger.lock([], at=clock.now())


def insert_entry(
    level_id: int, *, version: int, on_hand_delta: int, on_hand_after: int, counterparty: str = "found"
) -> None:
    run(
        "INSERT INTO inventory_stockentry (id, level_id, version, kind, on_hand_delta, allocated_delta, held_delta,"
        " on_hand_after, allocated_after, held_after, counterparty, reason, cause_type, cause_id, actor_kind, actor_id, source,"
        " occurred_at, recorded_at) VALUES (gen_random_uuid(), %s, %s, 'adjusted', %s, 0, 0, %s, 0, 0, %s, '', '', '',"
        " 'system', 'x', '', clock_timestamp(), clock_timestamp())",
        [level_id, version, on_hand_delta, on_hand_after, counterparty],
    )
