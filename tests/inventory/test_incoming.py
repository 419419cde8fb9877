"""What is on its way: purchase orders and transfers in one answer, and two clerks who book the same delivery at once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from commerce import clock, ids
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import incoming
from inventory.models import Discrepancy, StockLevel
from inventory.procurement import goods_in, purchase_orders
from inventory.procurement.goods_in import ReceivedLine
from tests.factories import commerce as shop
from tests.factories import inventory as places
from tests.factories import supply as make
from tests.inventory.conftest import Shelf


@pytest.mark.django_db
def test_orders_and_transfers_are_in_one_answer_and_one_query(shelf: Shelf, django_assert_num_queries: object) -> None:
    other, stranger = places.store(), shop.product()
    days = [clock.now().date() + timedelta(days=number) for number in (20, 30)]
    order = make.ordered(
        make.supplier(),
        other.id,
        (shelf.product_id, 12, days[0]),
        (shelf.product_id, 8, days[1]),
        (stranger.id, 1, days[0]),
    )
    make.drafted(make.supplier(), other.id, (shelf.product_id, 99, days[0]))
    transfer = places.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    places.transfer(shelf.store.id, other.id, (shelf.product_id, 2), is_sent=False)
    with django_assert_num_queries(1):  # type: ignore[operator]
        found = incoming.expected([shelf.product_id], location_ids=[other.id])
    assert transfer.expected_on is not None
    assert [(one.expected_on, one.quantity, one.source, one.reference) for one in found] == sorted(
        [
            (days[0], 12, "purchase_order", str(order.pk)),
            (days[1], 8, "purchase_order", str(order.pk)),
            (transfer.expected_on, 4, "transfer", str(transfer.id)),
        ]
    )
    assert incoming.expected([shelf.product_id], location_ids=[shelf.store.id]) == []
    assert incoming.expected([], location_ids=[other.id]) == []
    assert {one.product_id for one in incoming.expected([shelf.product_id, stranger.id])} == {
        shelf.product_id,
        stranger.id,
    }
    assert days[1] not in {one.expected_on for one in incoming.expected([shelf.product_id], until=days[0])}


@pytest.mark.django_db
def test_what_is_late_is_still_on_its_way(shelf: Shelf) -> None:
    order = make.ordered(make.supplier(), shelf.store.id, (shelf.product_id, 3))
    yesterday = clock.now().date() - timedelta(days=1)
    with transaction():
        purchase_orders.change(order.pk, make.lines((shelf.product_id, 3, yesterday)), by=make.TESTER, at=clock.now())
    [late] = incoming.expected([shelf.product_id], location_ids=[shelf.store.id], until=yesterday)
    assert (late.expected_on, late.quantity) == (yesterday, 3)


@pytest.mark.django_db(transaction=True)
def test_two_clerks_who_book_the_same_delivery_lose_nothing(shelf: Shelf) -> None:
    """Each books six of ten pieces: twelve came, two are over, and one of the two is told so."""
    order = make.ordered(make.supplier(), shelf.store.id, (shelf.product_id, 10))
    start, over, failures = threading.Barrier(2), [], []

    def book() -> None:
        try:
            start.wait(5)
            with transaction():
                done = goods_in.receive(
                    order.pk, [ReceivedLine(ids.new(), shelf.product_id, 6)], by=make.TESTER, at=clock.now()
                )
            over.append(done.over)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    clerks = [threading.Thread(target=book) for _ in range(2)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join(20)
    assert not failures
    assert sorted(over, key=len) == [{}, {shelf.product_id: 2}]
    assert purchase_orders.find(order.pk).lines.get().received == 12
    assert StockLevel.objects.get(product_id=shelf.product_id, location_id=shelf.store.id).on_hand == 22
    assert [(row.expected, row.found) for row in Discrepancy.objects.all()] == [(10, 12)]
    assert checks.run() == []
