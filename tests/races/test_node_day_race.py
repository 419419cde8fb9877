"""The last turn of a place's day: many orders want it at the same moment, one has it, and a cancelled one gives it back."""

import pytest

from commerce import clock, quotas
from commerce.operations import checks
from commerce.transactions import transaction
from orders import cancellation, placement
from orders.models import Order
from orders.routing import nodes, worlds
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.orders.test_mixed_methods import ADDRESS
from tests.races.crowds import in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

CROWD = 8
TURNS = 2


def test_the_last_turn_of_a_day_is_taken_once() -> None:
    shop = make.shop(pieces=10 * CROWD)
    with transaction():
        nodes.set_node(shop.store.id, orders_per_day=TURNS, by=ground.TESTER)
    worlds.forget()
    at = clock.now()
    orders = [shop.incoming(method="ship", ship_to=ADDRESS) for _ in range(CROWD)]

    def place(number: int) -> placement.PlacedOrder:
        return placement.place(orders[number], channel=shop.terms, by=ground.TESTER, at=at)

    outcomes = run_at_once(CROWD, in_transactions(place))
    told = summary(outcomes)
    assert told.pop("done") == TURNS
    assert set(told) <= {"busy", "no_able_location"}, "whoever came later is told to try again, or that the day is full"
    key = worlds.day_key(shop.store, at=at)
    assert (Order.objects.count(), quotas.usage([key], at=at)[key].used) == (TURNS, TURNS)
    first = next(one for one in outcomes if isinstance(one, placement.PlacedOrder))
    with transaction():
        cancellation.cancel_order(first.order.id, by=ground.TESTER, at=clock.now())
    assert quotas.usage([key], at=at)[key].used == TURNS - 1
    assert not checks.run()
    worlds.forget()
