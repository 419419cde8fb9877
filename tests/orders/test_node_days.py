"""The day of a place: so many shipments and no more, given back by those that are cancelled; and places that channels choose."""

import pytest

from commerce import clock, quotas
from commerce.operations import checks
from commerce.transactions import transaction
from orders import cancellation, intake_terms
from orders.intake_terms import Terms
from orders.queries import OrderView
from orders.routing import nodes, worlds
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_mixed_methods import ADDRESS, place
from tests.orders.test_orders_api import ORDERS, Api

pytestmark = pytest.mark.django_db


@pytest.fixture
def far(shop) -> make.Shop:
    """A second store with the same goods, far away."""
    store = goods.store(latitude=48.1, longitude=11.6, postal_code="80331", city="München")
    for product in shop.products:
        goods.receive(product.id, store.id, 10)
    return make.Shop(shop.channel, store, shop.products, make.clerk(store))


@pytest.fixture
def _limit(shop, far):
    with transaction():
        nodes.set_node(shop.store.id, orders_per_day=1, by=ground.TESTER)
    worlds.forget()
    yield
    worlds.forget()


def ship(shop: make.Shop) -> OrderView:
    order = shop.incoming(method="ship", ship_to=ADDRESS)
    worlds.forget()  # the picture of a place's day may be two seconds old
    return place(shop, order)


def used(shop: make.Shop) -> int:
    key = worlds.day_key(shop.store, at=clock.now())
    return sum(one.used for one in quotas.usage([key], at=clock.now()).values())


@pytest.mark.usefixtures("_limit")
def test_a_place_whose_day_is_full_is_passed_over_and_a_cancelled_order_gives_its_turn_back(shop, far):
    first, second = ship(shop), ship(shop)
    assert [one.fulfilments[0].location_id for one in (first, second)] == [shop.store.id, far.store.id]
    assert used(shop) == 1
    with transaction():
        cancellation.cancel_order(first.id, by=ground.TESTER, at=clock.now())
    assert used(shop) == 0
    assert ship(shop).fulfilments[0].location_id == shop.store.id
    assert not checks.run()


@pytest.mark.usefixtures("_limit")
def test_pickups_don_t_count_towards_shipments(shop):
    shop.place()
    assert used(shop) == 0


def test_a_marketplace_decides_from_where_it_is_sent(client, shop, far):
    api = Api(client, shop)
    body = api.body(method="ship", location=far.store.code, window=None, ship_to=ADDRESS)
    assert api.post(ORDERS, body).json()["errors"][0]["field"] == "location"
    with transaction():
        intake_terms.agree(shop.channel.pk, Terms(may_choose_place=True), by=ground.TESTER)
    answer = api.post(ORDERS, body)
    assert answer.status_code == 201, answer.content
    assert answer.json()["fulfilments"][0]["location"] == far.store.code
    too_many = api.body(
        method="ship", location=far.store.code, window=None, ship_to=ADDRESS,
        lines=[{"sku": shop.products[0].sku, "quantity": 11}],
    )  # fmt: skip
    assert api.post(ORDERS, too_many).json()["code"] == "insufficient_stock"
    intake_terms.forget()
