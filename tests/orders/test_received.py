"""Orders handed in at the door: kept at once, placed by the relay, once; refusals wait for a person and are seen."""

from datetime import timedelta

import pytest

from commerce import clock, relay
from commerce.errors import CommerceError
from commerce.models import InboxMessage, OutboxDelivery
from commerce.roles import Role
from commerce.transactions import transaction
from orders import exceptions, queries, received, tasks
from orders.exceptions import cases
from orders.models import DeskCase, Order
from orders.received import Stage
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_orders_api import Api

pytestmark = pytest.mark.django_db

DOOR = "/api/v1/order-inbox"


@pytest.fixture
def api(client, shop) -> Api:
    return Api(client, shop)


def event(api: Api, number: int = 1, **values) -> dict:
    return {"event_id": f"E-{number}", "order": api.body(**values)}


def test_an_order_is_answered_at_once_and_placed_by_the_relay(api, shop):
    handed = {"events": [event(api)]}
    answer = api.post(DOOR, handed)
    assert (answer.status_code, answer.json()) == (202, {"events": [{"event_id": "E-1", "is_new": True}]})
    assert api.get(f"{DOOR}/E-1").json()["state"] == "waiting"
    assert not Order.objects.exists()
    assert api.post(DOOR, handed).json()["events"][0]["is_new"] is False
    relay.drain(within=10)
    told = api.get(f"{DOOR}/E-1").json()
    (order,) = Order.objects.all()
    assert (told["state"], told["order"]) == ("placed", str(order.id))
    assert queries.order(order.id).lines[0].quantity == 2
    assert InboxMessage.objects.get().payload == {"order_id": str(order.id)}, "nobody's name stays behind"


def test_a_refusal_is_seen_and_harms_no_neighbour(api, shop):
    many = [event(api, number, lines=[{"sku": shop.products[0].sku, "quantity": 4}]) for number in range(3)]
    api.post(DOOR, {"events": many})
    relay.drain(within=10)
    assert Order.objects.count() == 2
    told = api.get(f"{DOOR}/E-2").json()
    assert (told["state"], told["order"], told["refusal"]["code"]) == ("refused", None, "insufficient_stock")
    (case,) = DeskCase.objects.all()
    assert (case.kind, case.facts["reference"]) == (received.REFUSED, many[2]["order"]["external_reference"])
    assert not OutboxDelivery.objects.filter(subscriber="orders.intake").exclude(state="done").exists()


def test_a_person_places_it_once_it_can_be(api, shop):
    api.post(DOOR, {"events": [event(api, lines=[{"sku": shop.products[0].sku, "quantity": 11}])]})
    relay.drain(within=10)
    case = DeskCase.objects.get()
    agent = make.clerk(shop.store, role=Role.SERVICE_AGENT)
    goods.receive(shop.products[0].id, shop.store.id, 5)
    with transaction():
        exceptions.act(case.id, "try_again", user=agent, by=ground.TESTER, at=clock.now())
    assert Order.objects.get().status == "open"
    assert received.standing(shop.channel.code, "E-1").stage is Stage.PLACED
    assert cases.one(case.id).state == "settled"


def test_what_is_no_order_is_refused_at_the_door_with_its_field(api, shop):
    bad = event(api, 2)
    bad["order"]["lines"][0]["quantity"] = 0
    answer = api.post(DOOR, {"events": [event(api), bad]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "events[1].order.lines[0].quantity"
    assert not InboxMessage.objects.exists()
    twice = api.post(DOOR, {"events": [event(api), event(api)]})
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (400, "events")
    assert api.get(f"{DOOR}/unknown").status_code == 404


def test_a_product_that_is_not_there_any_more_is_for_a_person(api, shop):
    api.post(DOOR, {"events": [event(api, lines=[{"sku": "GONE", "quantity": 1}])]})
    relay.drain(within=10)
    assert api.get(f"{DOOR}/E-1").json()["refusal"]["code"] == "unknown_product"


def test_another_channel_knows_nothing_of_it(api, client, shop):
    api.post(DOOR, {"events": [event(api)]})
    other = make.Shop(ground.channel(), shop.store, shop.products, shop.clerk)
    assert Api(client, other).get(f"{DOOR}/E-1").status_code == 404


def test_whom_a_refused_order_named_is_erased_after_a_time(api, shop, settings):
    settings.REFUSED_ORDERS_DAYS = 30
    api.post(DOOR, {"events": [event(api, lines=[{"sku": shop.products[0].sku, "quantity": 11}]), event(api, 2)]})
    relay.drain(within=10)
    case = DeskCase.objects.get()
    with clock.frozen(make.NOON + timedelta(days=29)):
        assert tasks.erase_refused_orders() == 0
    with clock.frozen(make.NOON + timedelta(days=30, minutes=1)):
        assert tasks.erase_refused_orders() == 1
        assert tasks.erase_refused_orders() == 0
    kept = " ".join(str((one.payload, one.last_error)) for one in InboxMessage.objects.all())
    assert "erika" not in kept.lower()
    told = api.get(f"{DOOR}/E-1").json()
    assert (told["state"], told["refusal"]["code"]) == ("refused", "insufficient_stock")
    assert api.get(f"{DOOR}/E-2").json()["state"] == "placed"
    assert cases.one(case.id).state == "settled"
    manager = shop.manager
    with pytest.raises(CommerceError), transaction():
        exceptions.act(case.id, "try_again", user=manager, by=ground.TESTER, at=clock.now())
