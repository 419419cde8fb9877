"""What orders owe the books is proved by questions that find it when it is wrong."""

from importlib import import_module

import pytest
from django.db import connection

from commerce import clock
from commerce.models import QuotaHold
from commerce.operations import checks
from commerce.transactions import transaction
from orders import cancellation, picking, pickup
from orders.lifecycle import State, order_status
from orders.models import Fulfilment, Order
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db


def found(about: str) -> list[str]:
    return [finding.what for finding in checks.run() if about in finding.check]


def stories(shop: make.Shop) -> list[Order]:
    """Orders that got so far: new, in work, ready, fetched, missed, put back, given up, cancelled."""
    shop.place()
    shop.accepted()
    shop.ready()
    fetched = shop.ready().fulfilments[0]
    shop.act(pickup.hand_over, fetched, fetched.pickup_code)
    for is_returned in (False, True):
        missed = shop.ready().fulfilments[0]
        with clock.frozen(missed.keep_until):
            with transaction():
                pickup.mark_no_show(missed.id, by=ground.TESTER, at=clock.now())
            if is_returned:
                shop.act(pickup.return_to_stock, missed)
    lost = shop.accepted().fulfilments[0]
    shop.act(picking.reject_line, lost, lost.lines[0].id, 1, "other")
    unwanted = shop.place()
    with transaction():
        cancellation.cancel_order(unwanted.id, by=ground.TESTER, at=clock.now())
    return list(Order.objects.order_by("number"))


def test_every_order_says_what_its_fulfilments_come_to(shop):
    orders = stories(shop)
    assert [order.status for order in orders] == [
        "open", "in_progress", "ready", "completed", "not_collected", "returned", "rejected", "cancelled"
    ]  # fmt: skip
    for order in orders:
        assert order.status == order_status(order.fulfilments.values_list("state", flat=True))
    assert checks.run() == []


def test_a_status_that_is_not_so_is_found(shop):
    order = shop.place()
    Order.objects.filter(pk=order.id).update(status="ready")
    assert found("what its fulfilments come to") == [f"order {order.number}"]


@pytest.mark.parametrize("state", State)
def test_the_question_knows_every_state(shop, state):
    order = shop.place()
    Fulfilment.objects.filter(order_id=order.id).update(state=state)
    Order.objects.filter(pk=order.id).update(status=order_status([state]))
    assert found("what its fulfilments come to") == []


def test_orders_from_before_the_column_get_their_status(shop):
    expected = [(order.number, order.status) for order in stories(shop)]
    Order.objects.update(status="open")
    with connection.cursor() as cursor:
        cursor.execute(import_module("orders.migrations.0007_status_of_orders_that_stand").FILL)
    assert list(Order.objects.order_by("number").values_list("number", "status")) == expected


def test_a_place_in_a_window_that_nobody_uses_or_someone_lost_is_found(shop):
    kept, gone = shop.place(), shop.place()
    with transaction():
        cancellation.cancel_order(gone.id, by=ground.TESTER, at=clock.now())
    assert found("given back when nobody will come") == []
    for order, state in ((kept, "released"), (gone, "committed")):
        QuotaHold.objects.filter(purpose=f"order:{order.id}").update(state=state)
    assert len(found("given back when nobody will come")) == 2
