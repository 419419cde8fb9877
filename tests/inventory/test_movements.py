"""Receiving and adjusting: exact, idempotent by line id, and never below what is promised."""

import threading

import pytest
from django.db import connection

from commerce import catalog, clock, ids
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory import movements
from inventory.errors import NotGoods, StockRuleViolated
from inventory.movements import Adjustment, Receipt
from tests.inventory.conftest import BY, Shelf


def test_the_same_receipt_line_books_once(shelf: Shelf) -> None:
    line = Receipt(ids.new(), shelf.product_id, shelf.store.id, 5)
    booked = []
    for _ in range(2):
        with transaction():
            booked.append(movements.receive([line], by=BY, at=clock.now(), reason="delivery note 7", source="tests"))
    assert booked == [1, 0]
    assert shelf.figure().on_hand == 15


def test_an_adjustment_moves_both_ways_and_names_the_other_side(shelf: Shelf) -> None:
    with transaction():
        movements.adjust(
            [
                Adjustment(ids.new(), shelf.product_id, shelf.store.id, -4, "broken"),
                Adjustment(ids.new(), shelf.product_id, shelf.store.id, 1, "found behind the shelf"),
            ],
            by=BY,
            at=clock.now(),
        )
    assert shelf.figure().on_hand == 7
    assert AuditEntry.objects.filter(verb="inventory.movements.adjust", object_id=str(shelf.store.id)).count() == 2


def test_an_adjustment_below_what_is_promised_is_refused_with_the_numbers(shelf: Shelf) -> None:
    shelf.allocate(4)
    shelf.reserve(3)
    with (
        pytest.raises(StockRuleViolated, match=r"Only 3 of 10 pieces are free; 4 are promised") as refusal,
        transaction(),
    ):
        movements.adjust([Adjustment(ids.new(), shelf.product_id, shelf.store.id, -4, "stolen")], by=BY, at=clock.now())
    assert refusal.value.errors[0]["field"] == "lines[0]"
    assert shelf.figure().on_hand == 10


def test_a_charge_has_no_stock(shelf: Shelf) -> None:
    with transaction():
        postage = catalog.add_product(sku="POSTAGE", name="Postage", kind="charge", by=BY)
    with pytest.raises(NotGoods, match="POSTAGE is a charge"), transaction():
        movements.receive([Receipt(ids.new(), postage.id, shelf.store.id, 1)], by=BY, at=clock.now())


def test_expired_holds_do_not_stand_in_the_way_of_an_adjustment(shelf: Shelf) -> None:
    held = shelf.reserve(10, minutes=1)
    with transaction():
        movements.adjust(
            [Adjustment(ids.new(), shelf.product_id, shelf.store.id, -10, "water damage")], by=BY, at=held.expires_at
        )
    assert shelf.figure(held.expires_at).on_hand == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.races
def test_the_same_delivery_sent_twice_at_once_books_once(shelf: Shelf) -> None:
    line = Receipt(ids.new(), shelf.product_id, shelf.store.id, 5)
    start, booked = threading.Barrier(4), []

    def book() -> None:
        start.wait()
        try:
            with transaction():
                booked.append(movements.receive([line], by=BY, at=clock.now()))
        finally:
            connection.close()

    clerks = [threading.Thread(target=book) for _ in range(4)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert sorted(booked) == [0, 0, 0, 1]
    assert shelf.figure().on_hand == 15
