"""The orders API: what a channel asks and gets, and how it is refused."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import clock
from commerce.models import OutboxMessage
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory.places import locations
from orders import pickup, queries
from orders.models import Order
from pricing.models import PriceList
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import pricing as prices

pytestmark = pytest.mark.django_db

ORDERS = "/api/v1/orders"
WINDOWS = "/api/v1/pickup-windows"


class Api:
    """A channel's hand on the API."""

    def __init__(self, client, shop: make.Shop, *scopes: Scope) -> None:
        self.client, self.shop = client, shop
        self.headers = ground.key(shop.channel, *scopes).headers

    def get(self, path: str, parameters: dict | None = None, **headers):
        return self.client.get(path, parameters or {}, **self.headers, **headers)

    def post(self, path: str, body, **headers):
        return self.client.post(path, body, content_type="application/json", **self.headers, **headers)

    def window(self) -> str:
        return self.get(WINDOWS, {"location": self.shop.store.code}).json()["windows"][0]["id"]

    def body(self, **values) -> dict:
        defaults = {
            "external_reference": f"web-{uuid4().hex[:8]}",
            "method": "pickup",
            "location": self.shop.store.code,
            "window": self.window(),
            "lines": [{"sku": self.shop.products[0].sku, "quantity": 2}],
            "customer": {"name": "Erika Beispiel", "email": "erika@example.org"},
        }
        return {name: value for name, value in (defaults | values).items() if value is not None}


@pytest.fixture
def api(client, shop) -> Api:
    return Api(client, shop)


# --- windows --------------------------------------------------------------------------------------------------------


def test_windows_say_what_is_left_of_them(api, shop):
    answer = api.get(WINDOWS, {"location": shop.store.code, "days": 1})
    assert answer.status_code == 200
    document = answer.json()
    assert (document["location"], document["time_zone"]) == (shop.store.code, "Europe/Berlin")
    first = document["windows"][0]
    assert first == {
        "id": f"{shop.store.code}:2026-11-18T12:00:00Z",
        "starts_at": "2026-11-18T12:00:00Z",
        "ends_at": "2026-11-18T13:00:00Z",
        "capacity": 10,
        "left": 10,
        "ready_by": "2026-11-18T12:00:00Z",
    }
    shop.place()
    assert api.get(WINDOWS, {"location": shop.store.code}).json()["windows"][0]["left"] == 9


@pytest.mark.parametrize(
    ("parameters", "status", "field"),
    [
        ({}, 400, "location"),
        ({"location": "NOWHERE"}, 422, "location"),
        ({"location": "X", "days": "0"}, 400, "days"),
        ({"location": "X", "days": "1.5"}, 400, "days"),
        ({"location": "X", "when": "now"}, 400, "when"),
    ],
)
def test_windows_of_nowhere_are_refused(api, parameters, status, field):
    answer = api.get(WINDOWS, parameters)
    assert answer.status_code == status
    assert field in [error["field"] for error in answer.json()["errors"]]


# --- placing --------------------------------------------------------------------------------------------------------


def test_an_order_is_placed_and_read_again(api, shop):
    answer = api.post(ORDERS, api.body())
    assert answer.status_code == 201, answer.content
    order = answer.json()
    assert (order["status"], order["totals"]["total_minor"], order["currency"]) == ("open", 2380, "EUR")
    assert (order["lines"][0]["sku"], order["lines"][0]["quantity"]) == (shop.products[0].sku, 2)
    work = order["fulfilments"][0]
    assert (work["location"], work["state"], work["allowed_actions"]) == (
        shop.store.code,
        "placed",
        ["accept", "cancel"],
    )
    assert work["promised_at"] == work["window"]["starts_at"] == "2026-11-18T12:00:00Z"
    assert len(work["pickup_code"]) == 6
    assert order["tracking_url"].endswith("/")
    assert answer["Location"] == f"{ORDERS}/{order['id']}"
    read = api.get(answer["Location"])
    assert (read.status_code, read.json()) == (200, order)


def test_an_unchanged_order_is_not_sent_again(api, shop):
    order = shop.place()
    first = api.get(f"{ORDERS}/{order.id}")
    assert api.get(f"{ORDERS}/{order.id}", HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 304
    shop.act(pickup.accept, order.fulfilments[0])
    changed = api.get(f"{ORDERS}/{order.id}", HTTP_IF_NONE_MATCH=first["ETag"])
    assert (changed.status_code, changed.json()["status"]) == (200, "in_progress")


def test_the_same_key_gives_the_same_order_and_the_same_reference_too(api):
    body, key = api.body(), {"HTTP_IDEMPOTENCY_KEY": uuid4().hex}
    first, replay = api.post(ORDERS, body, **key), api.post(ORDERS, body, **key)
    assert (first.status_code, replay.status_code, replay.content) == (201, 201, first.content)
    assert replay["Idempotency-Replayed"] == "true"
    without_key = api.post(ORDERS, body)
    assert (without_key.status_code, without_key.json()["id"]) == (200, first.json()["id"])
    assert Order.objects.count() == 1
    reused = api.post(ORDERS, body | {"lines": [{"sku": body["lines"][0]["sku"], "quantity": 1}]}, **key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_a_replay_gets_the_first_answer_also_when_the_store_has_closed_since(api, shop):
    body, key = api.body(), {"HTTP_IDEMPOTENCY_KEY": uuid4().hex}
    first = api.post(ORDERS, body, **key)
    with transaction():
        locations.change_location(shop.store.id, is_active=False, by=ground.TESTER)
    replay = api.post(ORDERS, body, **key)
    assert (first.status_code, replay.status_code, replay.content) == (201, 201, first.content)
    other = api.post(ORDERS, body | {"external_reference": "another"}, **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    fresh = api.post(ORDERS, body | {"external_reference": "another"}, HTTP_IDEMPOTENCY_KEY=uuid4().hex)
    assert (fresh.status_code, fresh.json()["code"]) == (422, "unknown_location")
    assert Order.objects.count() == 1


def test_a_shipment_is_routed(api):
    address = {"street": "Am Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    answer = api.post(ORDERS, api.body(method="ship", location=None, window=None, ship_to=address))
    assert answer.status_code == 201, answer.content
    assert answer.json()["ship_to"] == address
    assert answer.json()["fulfilments"][0]["pickup_code"] is None


@pytest.mark.parametrize(
    ("values", "status", "code", "field"),
    [
        ({"lines": []}, 400, "invalid_input", "lines"),
        ({"lines": [{"sku": "NO-SUCH", "quantity": 1}]}, 422, "unknown_product", "lines[0].sku"),
        ({"lines": [{"sku": "A", "quantity": 0}]}, 400, "invalid_input", "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": -1}]}, 400, "invalid_input", "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": 1.5}]}, 400, "invalid_input", "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": 10**9}]}, 400, "invalid_input", "lines[0].quantity"),
        ({"lines": [{"sku": "A", "quantity": 1, "price": 1}]}, 400, "invalid_input", "lines[0].price"),
        ({"coupon": "X"}, 400, "invalid_input", "coupon"),
        ({"method": "drone"}, 400, "invalid_input", "method"),
        ({"location": "NOWHERE", "window": None}, 422, "unknown_location", "location"),
        ({"location": None, "window": "tomorrow"}, 400, "invalid_input", "window"),
        ({"window": "OTHER:2026-11-18T12:00:00Z"}, 400, "invalid_input", "window"),
        ({"window": None}, 400, "invalid_input", "window"),
        ({"reservation": "abc"}, 400, "invalid_input", "reservation"),
        ({"occurred_at": "2026-11-18T11:06:00Z"}, 400, "invalid_input", "occurred_at"),
        ({"occurred_at": "2026-11-18T11:00:00"}, 400, "invalid_input", "occurred_at"),
        ({"customer": {"email": "nobody"}}, 400, "invalid_input", "customer.email"),
        ({"method": "ship"}, 400, "invalid_input", "location"),
        ({"method": "ship", "location": None, "window": None}, 400, "invalid_input", "ship_to.postal_code"),
    ],
)
def test_bad_orders_are_refused_with_the_field_and_change_nothing(api, values, status, code, field):
    answer = api.post(ORDERS, api.body(**values))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert field in [error["field"] for error in problem["errors"]]
    assert not Order.objects.exists()
    assert not OutboxMessage.objects.filter(event_type="order.placed").exists()


def test_too_little_stock_names_product_wanted_available_and_elsewhere(api, shop):
    answer = api.post(ORDERS, api.body(lines=[{"sku": shop.products[0].sku, "quantity": 11}]))
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "insufficient_stock")
    assert problem["lines"][0]["wanted"] == 11
    assert problem["lines"][0]["available"] == 10
    assert problem["alternatives"] == []


def test_what_an_order_brings_along_and_can_not_use_is_named_with_its_field(api, shop, client):
    """Unknown, foreign, used, expired and elsewhere: each says which field, its value, and what to do instead."""
    line = {"lines": [{"sku": shop.products[0].sku, "quantity": 2}]}
    stranger = Api(client, make.Shop(ground.channel(), shop.store, shop.products, shop.clerk))
    held = [
        hand.post("/api/v1/reservations", {"location": shop.store.code, "ttl_seconds": 60, **line}).json()["id"]
        for hand in (stranger, api, api)
    ]
    quoted = [hand.post("/api/v1/quotes", line).json()["id"] for hand in (stranger, api)]
    assert api.post(ORDERS, api.body(reservation=held[1])).status_code == 201

    def said(field: str, value: str, **values) -> tuple[str, str]:
        answer = api.post(ORDERS, api.body(**{field: value}, **values))
        problem = answer.json()
        assert 400 <= answer.status_code < 500, problem
        [error] = problem["errors"]
        assert (error["field"], error["value"], error["message"]) == (field, value, problem["detail"])
        return problem["code"], problem["detail"]

    for nowhere in (str(uuid4()), held[0]):
        assert said("reservation", nowhere) == (
            "hold_not_found", f"There is no reservation {nowhere} of this channel; POST /api/v1/reservations makes one."
        )  # fmt: skip
    for nowhere in (str(uuid4()), quoted[0]):
        code, sentence = said("quote", nowhere)
        assert (code, "POST /api/v1/quotes" in sentence) == ("quote_not_found", True)
    assert said("reservation", held[1])[0] == "hold_ended"
    other_basket = [{"sku": shop.products[0].sku, "quantity": 3}]
    assert said("quote", quoted[1], lines=other_basket)[0] == "quote_mismatch"
    with clock.frozen(make.NOON + timedelta(minutes=2)):
        code, sentence = said("reservation", held[2])
    assert (code, "reserve again" in sentence) == ("hold_expired", True)


def test_a_stale_or_forged_quote_orders_nothing_and_says_the_way_out(api, shop):
    """What a quote promised is honoured to the cent while it holds, whatever prices are now; after it, or changed, never."""
    sku = shop.products[0].sku
    line = {"lines": [{"sku": sku, "quantity": 2}]}
    given, stale, bent = (api.post("/api/v1/quotes", {**line, "ttl_seconds": 600}).json() for _ in range(3))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # as somebody with the database in hand would
        cursor.execute(
            "UPDATE pricing_quote SET document = jsonb_set(document, '{total_minor}', '1') WHERE id = %s", [bent["id"]]
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    listed = PriceList.objects.get().code
    prices.prices({shop.products[0].id: 99_900}, price_list=listed, valid_from=clock.now())

    def said(quote: dict, at: timedelta) -> tuple[int, dict]:
        with clock.frozen(clock.now() + at):
            answer = api.post(ORDERS, api.body(quote=quote["id"], **line))
        return answer.status_code, answer.json()

    status, problem = said(bent, timedelta())
    assert (status, problem["code"]) == (422, "quote_forged")
    assert problem["errors"][0] == {"field": "quote", "value": bent["id"], "message": problem["detail"]}
    assert "ask for a new one" in problem["detail"]
    status, problem = said(stale, timedelta(seconds=600))
    assert (status, problem["code"]) == (410, "quote_expired")
    assert problem["errors"][0] == {"field": "quote", "value": stale["id"], "message": problem["detail"]}
    assert "ask for a new one" in problem["detail"]
    assert not Order.objects.exists()
    status, order = said(given, timedelta(seconds=30))
    assert (status, order["totals"]["total_minor"]) == (201, given["total_minor"])


@pytest.mark.parametrize("quantity", [-1, 0, 1_000_001])
def test_nobody_orders_pieces_that_can_not_be(api, shop, quantity):
    answer = api.post(ORDERS, api.body(lines=[{"sku": shop.products[0].sku, "quantity": quantity}]))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "lines[0].quantity")
    assert not Order.objects.exists()


# --- reading and cancelling -----------------------------------------------------------------------------------------


def test_a_channel_sees_its_own_orders_only(api, shop, client):
    order = shop.place()
    shop.channel = ground.channel()
    other = Api(client, shop)
    assert other.get(f"{ORDERS}/{order.id}").json()["code"] == "order_not_found"
    assert other.get(ORDERS).json()["items"] == []
    assert other.post(f"{ORDERS}/{order.id}/cancel", {}).status_code == 404
    assert [one["id"] for one in api.get(ORDERS).json()["items"]] == [str(order.id)]


def test_a_key_does_only_what_its_scopes_allow(client, shop):
    reading = Api(client, shop, Scope.ORDERS_READ)
    assert reading.get(ORDERS).status_code == 200
    assert reading.post(ORDERS, {}).json()["code"] == "missing_scope"
    assert reading.get(WINDOWS, {"location": shop.store.code}).status_code == 403
    assert client.get(ORDERS).status_code == 401


def test_orders_are_listed_in_pages_newest_first(api, shop):
    from datetime import timedelta

    from commerce import clock

    placed = []
    for minute in range(5):
        with clock.frozen(make.NOON + timedelta(minutes=minute // 2)):  # some at the same instant
            placed.append(shop.place())
    seen, cursor = [], None
    while True:
        page = api.get(ORDERS, {"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    expected = sorted(placed, key=lambda order: (order.placed_at, order.id), reverse=True)
    assert seen == [str(order.id) for order in expected]


def test_orders_are_filtered(api, shop):
    first, second = shop.place(external_reference="A-1"), shop.place(external_reference="A-2")
    shop.act(pickup.accept, second.fulfilments[0])

    def ids(**filters) -> set[str]:
        answer = api.get(ORDERS, filters)
        assert answer.status_code == 200, answer.content
        return {one["id"] for one in answer.json()["items"]}

    both = {str(first.id), str(second.id)}
    assert ids(status="open") == {str(first.id)}
    assert ids(status="in_progress") == {str(second.id)}
    assert ids(status="cancelled") == set()
    unknown = api.get(ORDERS, {"status": "foo"}).json()
    assert unknown["errors"][0]["message"].startswith(
        '"foo" is not a valid choice. The known ones are: open, in_progress,'
    )
    assert ids(external_reference="A-1") == {str(first.id)}
    assert ids(location=shop.store.code) == both
    assert ids(placed_after="2026-11-18T10:00:00Z") == both
    assert ids(placed_after="2026-11-18T11:00:00Z") == set()
    for wrong in ({"status": "lost"}, {"placed_after": "yesterday"}, {"cursor": "made-up"}, {"limit": "1000"}):
        assert api.get(ORDERS, wrong).status_code == 400


def test_a_page_costs_the_same_however_many_orders(api, shop):
    def cost() -> int:
        with CaptureQueriesContext(connection) as spoken:
            api.get(ORDERS)
        return len(spoken)

    shop.place()
    cost()
    alone = cost()
    for _ in range(4):
        shop.place({0: 1, 1: 1})
    assert cost() == alone


def test_an_order_is_cancelled_once_and_stays_so(api, shop):
    order = shop.place()
    address = f"{ORDERS}/{order.id}/cancel"
    first = api.post(address, {"reason": "customer_asked"})
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    assert (first.json()["totals"]["total_minor"], first.json()["totals"]["ordered_minor"]) == (0, 1190)
    assert api.post(address, {}).json() == first.json()


def test_what_was_handed_over_is_not_cancelled(api, shop):
    order = shop.ready()
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    refused = api.post(f"{ORDERS}/{order.id}/cancel", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_cancel")
    assert queries.order(order.id).status.value == "completed"


def test_cancelling_what_is_not_there(api):
    assert api.post(f"{ORDERS}/{uuid4()}/cancel", {}).json()["code"] == "order_not_found"
    assert api.get(f"{ORDERS}/{uuid4()}").json()["code"] == "order_not_found"
