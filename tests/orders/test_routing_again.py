"""What a place could not serve is served by the next best of the policy, not by the one that rejected it; the record says why."""

from datetime import timedelta

import pytest

from commerce import clock
from orders.models import RoutingDecision, Shortage
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_shortages import HOME, another, follow, reject

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(noon):
    return make.shop()


def test_the_decision_about_another_place_is_kept_with_who_was_not_asked_again(shop):
    other = another(shop, 5)
    order = shop.accepted({0: 1}, method="ship", ship_to=HOME)
    reject(shop, order)
    follow()
    assert Shortage.objects.get().state == "rerouted"
    again = RoutingDecision.objects.get(order_id=order.id, occasion="rerouted")
    assert (again.chosen_id, again.attempt) == (other.id, 1)
    assert again.inputs["beside"] == [shop.store.code]
    assert [share["location"] for share in again.outcome["shares"]] == [other.code]


@pytest.mark.parametrize(("come", "state"), [(0, "asked"), (4, "rerouted")])
def test_a_place_is_asked_again_only_after_goods_came_in(shop, come, state):
    order = shop.accepted({0: 1}, method="ship", ship_to=HOME)
    reject(shop, order, 1, "other")
    with clock.frozen(make.NOON + timedelta(hours=1)):
        if come:
            goods.receive(shop.products[0].id, shop.store.id, come)
        assert [one.value for one in follow()] == [state]
    row = Shortage.objects.get()
    assert (row.new_fulfilment.location_id if row.new_fulfilment else None) == (shop.store.id if come else None)
