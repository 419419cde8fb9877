"""Ways to get a basket before it is ordered: ranked, never earlier than possible, later under load, and true when it is ordered."""

from datetime import UTC, datetime, timedelta

import pytest

from commerce import clock
from commerce.transactions import transaction
from orders import pickup_windows
from orders.models import Order
from orders.routing import nodes, worlds
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_orders_api import ORDERS, Api

pytestmark = pytest.mark.django_db

OPTIONS = "/api/v1/fulfilment-options"
HERE = {"postal_code": "10115", "country": "DE"}


@pytest.fixture
def api(client, shop):
    worlds.forget()
    yield Api(client, shop)
    worlds.forget()


def ask(api: Api, quantity: int = 1, **values) -> dict:
    body = {"lines": [{"sku": api.shop.products[0].sku, "quantity": quantity}], "destination": HERE, **values}
    answer = api.post(OPTIONS, body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def of(told: dict, method: str) -> dict:
    return next(one for one in told["options"] if one["method"] == method)


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_every_way_is_told_earliest_first_with_place_time_and_cost(api, shop):
    told = ask(api)
    assert [one["rank"] for one in told["options"]] == list(range(1, len(told["options"]) + 1))
    assert {one["method"] for one in told["options"]} == {"pickup", "curbside", "ship"}
    refused = {one["method"]: one["code"] for one in told["not_offered"]}
    assert refused == {"same_day": "no_able_location", "ship_to_store": "no_able_location"}
    fetched, sent = of(told, "pickup"), of(told, "ship")
    assert fetched["locations"][0]["code"] == shop.store.code
    assert fetched["ready_by"] == fetched["windows"][0]["starts_at"]
    assert instant(sent["ready_by"]) <= instant(sent["deliver_by"])
    assert told["options"][-1]["method"] == "ship", "what is there today comes first"
    assert not Order.objects.exists()


def test_what_was_offered_can_be_ordered(api, shop):
    window = of(ask(api), "pickup")["windows"][0]["id"]
    assert api.post(ORDERS, api.body(window=window, location=None)).status_code == 201


def speed(shop: make.Shop, pieces: int) -> None:
    with transaction():
        nodes.set_node(shop.store.id, people=1, pieces_per_hour=pieces, by=ground.TESTER)
    worlds.forget()


def test_under_load_and_for_large_baskets_it_is_later_never_earlier(api, shop):
    speed(shop, 2)
    small, large = of(ask(api, 1), "pickup"), of(ask(api, 4), "pickup")
    assert instant(small["ready_by"]) >= make.NOON + timedelta(minutes=60)
    assert instant(large["ready_by"]) >= make.NOON + timedelta(minutes=150)
    speed(shop, 1_000)
    shop.place({0: 6})
    speed(shop, 2)
    told = of(ask(api, 1), "pickup")
    assert instant(told["ready_by"]) >= make.NOON + timedelta(minutes=30 + 180 + 30)
    early = pickup_windows.window_id(shop.store, make.NOON + timedelta(hours=2))
    one = [{"sku": shop.products[0].sku, "quantity": 1}]
    refused = api.post(ORDERS, api.body(window=early, location=None, lines=one))
    assert (refused.status_code, refused.json()["code"]) == (409, "window_closed")
    assert refused.json()["alternatives"][0]["id"] == told["windows"][0]["id"], "what is offered is what is promised"
    placed = api.post(ORDERS, api.body(window=told["windows"][0]["id"], location=None, lines=one)).json()
    assert placed["fulfilments"][0]["promised_at"] == told["ready_by"]


def test_what_can_not_be_says_why(api, shop):
    told = ask(api, 11)
    assert told["options"] == []
    assert {one["method"]: one["code"] for one in told["not_offered"]} == {
        "pickup": "not_enough_stock", "curbside": "not_enough_stock", "ship": "insufficient_stock",
        "same_day": "no_able_location", "ship_to_store": "no_able_location",
    }  # fmt: skip


def test_a_delivery_today_is_offered_while_it_can_be(api, shop):
    place = goods.store(capabilities=["same_day"], opening_hours="Mo-Su 08:00-20:00")
    goods.receive(shop.products[0].id, place.id, 5)
    worlds.forget()
    today = of(ask(api, methods=["same_day"]), "same_day")
    assert instant(today["deliver_by"]).date() == make.NOON.date()
    with clock.frozen(datetime(2026, 11, 18, 20, 0, tzinfo=UTC)):
        worlds.forget()
        assert [one["code"] for one in ask(api, methods=["same_day"])["not_offered"]] == ["too_late_today"]


def test_stores_far_away_are_not_offered_unless_they_are_named(api, shop):
    far = goods.store(latitude=48.1, longitude=11.6)
    goods.receive(shop.products[0].id, far.id, 5)
    codes = [one["locations"][0]["code"] for one in ask(api, methods=["pickup"])["options"]]
    named = ask(api, methods=["pickup"], locations=[far.code])
    assert [one["locations"][0]["code"] for one in named["options"]] == [far.code]
    assert shop.store.code in codes


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"methods": ["drone"]}, "methods"),
        ({"lines": []}, "lines"),
        ({"destination": {"postal_code": "1", "country": "Germany"}}, "destination.country"),
        ({"basket": 1}, "basket"),
    ],
)
def test_a_question_that_makes_no_sense_is_named(api, values, field):
    body = {"lines": [{"sku": api.shop.products[0].sku, "quantity": 1}], **values}
    answer = api.post(OPTIONS, body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field)


# --- how it may be paid ----------------------------------------------------------------------------------------------------


def later(one: dict) -> dict:
    return next(each for each in one["payments"] if each["method"] == "pay_later")


def test_ways_to_pay_are_told_before_the_order_as_its_order_is_told(api):
    told = ask(api, 2)
    ship, pickup = of(told, "ship"), of(told, "pickup")
    assert told["total_minor"] == 2 * make.PRICE_MINOR
    assert (later(ship)["is_offered"], later(ship)["reason"]) == (True, "")
    assert later(ship)["fee_minor"] == 71 + 35  # 2.99 % of 23.80 EUR and 0.35 EUR
    assert (later(pickup)["is_offered"], later(pickup)["reason"]) == (False, "nothing_sent")
    home = {"street": "Ackerstraße 1", "city": "Berlin", **HERE}
    for one, options in ((ship, {"method": "ship", "ship_to": home}), (pickup, {})):
        order = api.shop.place({0: 2}, **options)
        answer = api.client.get(f"/api/v1/orders/{order.id}/payments", **api.headers).json()
        assert answer["offers"] == one["payments"]


@pytest.mark.parametrize(
    ("total", "reason"), [(99, "amount_too_low"), (100, ""), (400_000, ""), (400_001, "amount_too_high")]
)
def test_who_quoted_says_what_it_costs_and_hears_why_not(api, total, reason):
    told = ask(api, total_minor=total)
    assert told["total_minor"] == total
    assert (later(of(told, "ship"))["is_offered"], later(of(told, "ship"))["reason"]) == (not reason, reason)


def test_paying_later_is_for_countries_where_it_is_known(api):
    assert later(of(ask(api, destination={"postal_code": "75001", "country": "FR"}), "ship"))["reason"] == "country"
    assert (
        api.post(OPTIONS, {"lines": [{"sku": api.shop.products[0].sku, "quantity": 1}], "total_minor": 0}).status_code
        == 400
    )


def test_goods_without_a_price_have_no_way_to_pay(api):
    product = ground.product()
    goods.receive(product.id, api.shop.store.id, 3)
    answer = api.post(OPTIONS, {"lines": [{"sku": product.sku, "quantity": 1}], "destination": HERE}).json()
    assert answer["total_minor"] is None
    assert {len(one["payments"]) for one in answer["options"]} == {0}
