"""A later order of a customer comes into the parcel that waits for its picker, or travels alone where that can't be."""

from datetime import timedelta

import pytest
from django.urls import reverse

from commerce import clock, ids
from commerce.operations import checks
from commerce.transactions import transaction
from orders import cancellation, holds, pickup, queries, shipping, tasks
from orders.hold_kinds import HoldKind
from orders.models import Consignment, ConsignmentPart, Fulfilment, Order, RoutingDecision
from orders.packing import consignments, lists
from tests.factories import commerce as ground
from tests.orders import test_consignments as together

pytestmark = pytest.mark.django_db
_agreed = together._agreed


def placed(shop, quantities=None, **values):
    """An order that has its place."""
    order = together.ship(shop, quantities, **values)
    assert tasks.route_accepted() == 1
    return queries.order(order.id)


def decision_on(order) -> dict:
    return RoutingDecision.objects.get(order_id=order.id).outcome


def parts() -> int:
    return ConsignmentPart.objects.count()


def test_a_later_order_comes_into_the_parcel_that_waits(shop, signed_in):
    first = placed(shop, {0: 2})
    assert parts() == 0
    second = placed(shop, {1: 1})
    assert {row.fulfilment_id for row in ConsignmentPart.objects.all()} == {
        together.work_of(one) for one in (first, second)
    }
    [note] = decision_on(second)["together"]
    assert (note["orders"], note["waited"], note["share_minor"]) == ([first.number], True, note["cost_minor"])
    assert decision_on(second)["cost_minor"] == note["cost_minor"]
    third = placed(shop, {0: 1})
    assert (parts(), Consignment.objects.count()) == (3, 1)
    assert decision_on(third)["together"][0]["orders"] == [first.number, second.number]
    assert checks.run() == []
    page = signed_in(shop.clerk).get(reverse("orders-staff:order", args=[second.id])).content.decode()
    assert "Comes into the parcel that waits" in page
    other = signed_in(shop.clerk).get(reverse("orders-staff:order", args=[first.id])).content.decode()
    assert "In one parcel with" in other
    assert second.number in other


def test_both_are_picked_and_leave_as_one_parcel(shop):
    first, second = placed(shop, {0: 2}), placed(shop, {1: 1})
    orders = [together.picked(shop, one) for one in (first, second)]
    assert [len(one.company) for one in lists.waiting(shop.store.id)] == [1]
    together.packed(shop, orders[1])
    shop.act(shipping.ship, together.work_of(orders[0]))
    assert together.states(*orders) == ["shipped", "shipped"]
    assert checks.run() == []


def _hold(shop, order):
    with transaction():
        holds.place(order.id, HoldKind.FRAUD, by=ground.TESTER, at=clock.now(), reason="odd")


def _cancel(shop, order):
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())


def _begin(shop, order):
    shop.act(pickup.accept, order.fulfilments[0])
    shop.scan(order.fulfilments[0], 0)


def _readdress(shop, order):
    Order.objects.filter(pk=order.id).update(ship_to={**together.HOME, "street": "Woanders 9"})


def _hurry(shop, order):
    soon = clock.now() + timedelta(seconds=1)
    Fulfilment.objects.filter(order_id=order.id).update(promised_at=soon)


def _packed(shop, order):
    together.packed(shop, together.picked(shop, order))


@pytest.mark.parametrize(
    "changes", [_hold, _cancel, _begin, _readdress, _hurry, _packed],
    ids=["on hold", "cancelled", "being picked", "another address", "leaves before", "packed"],
)  # fmt: skip
def test_what_can_not_be_joined_is_left_alone(shop, changes):
    first = placed(shop, {0: 1})
    changes(shop, first)
    second = placed(shop, {1: 1})
    assert parts() == 0
    assert "together" not in decision_on(second)
    assert checks.run() == []


def test_express_and_strangers_join_nobody(shop):
    placed(shop, {0: 1})
    placed(shop, {0: 1}, is_express=True)
    placed(shop, {0: 1}, ship_to={**together.HOME, "street": "Ackerstraße 2"})
    assert parts() == 0


def test_the_others_go_on_when_the_one_that_came_in_is_cancelled(shop):
    first, second = placed(shop, {0: 2}), placed(shop, {1: 1})
    _cancel(shop, second)
    together.packed(shop, together.picked(shop, first))
    shop.act(shipping.ship, together.work_of(first))
    assert together.states(first, second) == ["shipped", "cancelled"]
    assert checks.run() == []


def test_one_that_left_or_parted_meanwhile_is_joined_by_nobody(shop):
    first, _second = placed(shop, {0: 1}), placed(shop, {1: 1})
    third = placed(shop, {0: 1}, ship_to={**together.HOME, "street": "Ackerstraße 2"})
    customer = Order.objects.get(pk=first.id).customer_id
    with transaction():
        together.parcels.consignments.part([together.work_of(first)], together.Parting.CHOSEN, at=clock.now())
    for beside in (together.work_of(first), ids.new()):
        with transaction():
            consignments.join_beside(
                beside, together.work_of(third), claimed={first.id, third.id}, customer_id=customer, at=clock.now()
            )
    assert parts() == 2


def test_a_parcel_takes_only_so_many_orders(shop, monkeypatch):
    monkeypatch.setattr(consignments, "MOST_JOINED", 2)
    for _ in range(3):
        placed(shop, {0: 1})
    assert (parts(), Consignment.objects.count()) == (2, 1)
