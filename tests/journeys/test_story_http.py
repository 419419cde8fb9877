"""The whole story over real HTTP: from a shop's first question to a customer walking out, and every other way it may end.

Web server and relay are processes of their own; webhooks go to real receivers, which check every signature.
"""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from commerce import clock, ids, outbox
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import availability, queries, reservations
from inventory import tasks as stock_tasks
from inventory.places.locations import LocationRef
from inventory.reservations import ReservationRequest, Reserved
from orders import queries as order_queries
from orders import tasks as order_tasks
from tests.commerce.receiver import receiving
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import pricing as prices
from tests.journeys.people import Clerk, Customer, Kontor, Listener, Town, WebShop, now, words

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.django_db(transaction=True),
]

TOWNS = 8  # one for each test
PROMISED_SECONDS = 2.0
MACHINE_SECONDS = 1.0  # beside the promise, for a machine of two cores that runs other tests as well

Eventually = Callable[..., Any]


@pytest.fixture
def _django_db_helper(kontor: Kontor) -> None:
    """Not a transaction or an empty database for each test, as the mark would have it: the running product keeps its own."""


@dataclass
class Scene:
    """One town while its story is told: its shops, what each of them hears, its people."""

    kontor: Kontor
    town: Town
    web: WebShop
    rival: WebShop
    listeners: dict[str, Listener]
    deaf: Listener
    eventually: Eventually

    def clerk(self, name: str = "clerk") -> Clerk:
        return self.kontor.clerk(getattr(self.town, name))

    def soon(self, what: str, fact: Callable[[], Any], *, since: float) -> Any:
        """Wait for what is promised within two seconds of `since`, note how long it took, and return the fact."""
        found = self.eventually(fact, within=max(0.0, since + PROMISED_SECONDS + MACHINE_SECONDS - now()))
        self.kontor.note(what, now() - since)
        return found

    def all_hear(self, product: Any, available: int, *, since: float) -> None:
        """Every channel that lists the product is told what is left of it now; a channel that doesn't is not."""
        for listener in self.listeners.values():
            self.soon("webhook", lambda one=listener: _says(one, product, available), since=since)
        assert self.deaf.heard() == []

    def figure(self, product: Any, store: LocationRef | None = None) -> availability.Figure:
        place = store or self.town.mitte
        return availability.figures([product.id], location_ids=[place.id], at=clock.now())[0]


def _says(listener: Listener, product: Any, available: int) -> bool:
    news = listener.newest(product)
    return news is not None and news.data["available"] == available


@pytest.fixture
def scene(kontor: Kontor, eventually: Eventually) -> Iterator[Scene]:
    """A town with everybody listening. After the story the books must be right and nothing may wait or be stuck."""
    town = kontor.next_town()
    with ExitStack() as stack:
        web, rival = kontor.shop(town.web), kontor.shop(town.rival)
        shops = {"web": web, "rival": rival, "listening": kontor.shop(town.listening)}
        listeners = {name: shop.listen(stack.enter_context(receiving())) for name, shop in shops.items()}
        deaf = kontor.shop(town.elsewhere).listen(stack.enter_context(receiving()))
        yield Scene(kontor, town, web, rival, listeners, deaf, eventually)
        eventually(lambda: outbox.backlog().pending == 0, within=15)
        assert outbox.backlog().parked == 0
        assert checks.run() == []
        for listener in listeners.values():
            assert listener.is_in_order()
            for product in town.products:
                news = listener.newest(product)
                assert news is None or news.data["available"] == web.available(product)


def pieces_of(scene: Scene, product: Any) -> tuple[int, int, int]:
    """Return what Mitte has of a product: on hand, allocated, held."""
    figure = scene.figure(product)
    return figure.on_hand, figure.allocated, figure.held


def left_of(shop: WebShop, town: Town, window: str) -> int:
    """Return how many pickups a window still takes."""
    answer = shop.get("/pickup-windows", location=town.mitte.code, days=2).json()
    return next(one["left"] for one in answer["windows"] if one["id"] == window)


def test_from_the_first_question_to_the_customer_walking_out(scene):
    town, web, eventually = scene.town, scene.web, scene.eventually
    lamp, vase, rug, chair, _ = town.products
    clerk, colleague, stranger, manager = (scene.clerk(name) for name in ("clerk", "colleague", "stranger", "manager"))

    # --- the shop asks ---
    skus = ",".join(product.sku for product in (lamp, vase, rug))
    asked = web.get("/availability", sku=skus, country="DE", postal_code="10115", radius_km=20).json()
    assert [item["sku"] for item in asked["items"]] == skus.split(",")
    for item, pieces in zip(asked["items"], (5, 4, 4), strict=True):
        near, far = item["locations"]
        assert (near["location"], near["available"], far["location"], far["available"]) == (
            town.mitte.code, pieces, town.west.code, 20,
        )  # fmt: skip
        assert near["distance_km"] < 1 < far["distance_km"] < 10
        assert 0 <= near["age_seconds"] < 1
        assert near["changed_at"] < asked["as_of"]
    windows = web.get("/pickup-windows", location=town.mitte.code, days=2).json()["windows"]
    assert all(0 < window["left"] <= window["capacity"] == 4 for window in windows)
    window = windows[1]["id"]

    # --- it holds the goods, asks for the price, and orders ---
    wanted = [{"sku": lamp.sku, "quantity": 2}, {"sku": vase.sku, "quantity": 2}, {"sku": rug.sku, "quantity": 1}]
    held = web.post("/reservations", {"location": town.mitte.code, "lines": wanted, "ttl_seconds": 600})
    changed_at = now()
    assert held.status_code == 201, held.text
    scene.all_hear(lamp, 23, since=changed_at)
    assert pieces_of(scene, lamp) == (5, 0, 2)
    quote = web.post("/quotes", {"lines": wanted}).json()
    assert quote["total_minor"] == 5 * 1190

    body = {
        "external_reference": "web-4711", "method": "pickup", "location": town.mitte.code, "window": window,
        "reservation": held.json()["id"], "quote": quote["id"], "lines": wanted,
        "customer": {"name": "Erika Beispiel", "email": "erika@example.org", "language": "en"},
    }  # fmt: skip
    assert "K-" not in clerk.queue()
    key = uuid.uuid4().hex
    placed = web.post("/orders", body, key=key)
    placed_at = now()
    assert placed.status_code == 201, placed.text
    order = placed.json()
    number, work, code = order["number"], order["fulfilments"][0]["id"], order["fulfilments"][0]["pickup_code"]
    assert order["totals"]["total_minor"] == quote["total_minor"]
    assert pieces_of(scene, lamp) == (5, 2, 0)
    assert left_of(web, town, window) == windows[1]["left"] - 1

    again = web.post("/orders", body, key=key)
    assert (again.status_code, again.content) == (201, placed.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    other = web.post("/orders", {**body, "external_reference": "web-4712"}, key=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(web.get("/orders").json()["items"]) == 1

    # --- the store sees it within two seconds, and only this store ---
    scene.soon("queue", lambda: number in clerk.queue(), since=placed_at)
    assert number not in stranger.queue()
    assert stranger.http.get(f"{stranger.url}/staff/pickup/{work}/pick/").status_code == 404
    customer = Customer(order)
    assert "We have received your order" in customer.look()
    assert code in customer.look()

    # --- accepted: a lease; picked: wrong item is a hard stop, one piece is not there ---
    clerk.step(work, "accept")
    assert "is working on this order" in colleague.step(work, "accept")
    assert order_queries.order(order["id"]).fulfilments[0].lease_holder_id == town.clerk.pk
    assert "Your order is being prepared" in customer.look()
    stop = clerk.scan(work, chair.gtins[0])
    assert "Wrong item" in stop
    assert chair.sku in stop
    for product in (lamp, lamp, vase, rug):
        assert "Wrong item" not in clerk.scan(work, product.gtins[0])
    assert f"{number} is ready." not in clerk.step(work, "ready")  # a piece is neither picked nor reported
    assert order_queries.order(order["id"]).fulfilments[0].state == "picking"
    since = now()
    clerk.missing(work, vase, 1)
    assert "1 piece is not delivered and not charged" in customer.look()
    # One of four was picked; one is missing, so nobody believes in the two others on that shelf: 20 are left elsewhere.
    assert pieces_of(scene, vase) == (1, 1, 0)
    scene.all_hear(vase, 20, since=since)
    assert f"{number} is ready." in clerk.step(work, "ready")
    assert "Ready for pickup" in customer.look()

    # --- handed over against the code: on hand falls now, not before ---
    assert [pieces_of(scene, one) for one in (lamp, vase, rug)] == [(5, 2, 0), (1, 1, 0), (4, 1, 0)]
    assert "4 tries are left" in clerk.step(work, "hand-over", code="WRONG1")
    assert pieces_of(scene, lamp) == (5, 2, 0)
    assert f"{number} is handed over" in clerk.step(work, "hand-over", code=code)
    assert [pieces_of(scene, one) for one in (lamp, vase, rug)] == [(3, 0, 0), (0, 0, 0), (3, 0, 0)]
    assert "Collected – thank you!" in customer.look()
    assert code not in customer.look()
    assert number not in clerk.queue()

    # --- the journals say who did what, and when ---
    entries = list(reversed(queries.journal_of(lamp.id, town.mitte.id)))
    assert [(entry.kind, entry.on_hand_after, entry.allocated_after, entry.held_after) for entry in entries] == [
        ("received", 5, 0, 0), ("held", 5, 0, 2), ("allocated", 5, 2, 0), ("handed_over", 3, 0, 0),
    ]  # fmt: skip
    assert [(entry.actor_kind, entry.actor_id) for entry in entries[1:]] == [
        *[("channel", town.channels["Web"].code)] * 2, ("staff", str(town.clerk.pk)),
    ]  # fmt: skip
    story = words(manager.get(f"/staff/orders/{order['id']}/")).partition("Timeline")[2]
    steps = [
        "Order placed", "Accepted for picking", "Scanned a wrong item", "Pieces missing", "Ready for pickup",
        "Wrong pickup code", "Handed over",
    ]  # fmt: skip
    assert [step for step in steps if step not in story] == []
    assert town.clerk.get_full_name() in story

    # --- the customer's profile, and what the shops heard ---
    profile = order_queries.order(order["id"]).customer_id
    eventually(lambda: number in manager.get(f"/staff/customers/{profile}/"))
    assert "Completed" in manager.get(f"/staff/customers/{profile}/")
    heard = scene.listeners["web"]
    eventually(lambda: "fulfilment.handed_over" in heard.of_order(order["id"]))
    assert heard.of_order(order["id"]) == [
        "order.placed", "fulfilment.accepted", "fulfilment.picking", "fulfilment.line_rejected", "fulfilment.ready",
        "fulfilment.handed_over",
    ]  # fmt: skip
    assert scene.listeners["rival"].heard("order.placed") == []
    for product, available in ((lamp, 23), (vase, 20), (rug, 23)):
        scene.all_hear(product, available, since=now())


def test_a_kit_is_sold_as_one_and_goes_out_as_what_is_in_it(scene):
    town, web, clerk = scene.town, scene.web, scene.clerk()
    lamp, vase = town.products[:2]
    kit = ground.kit((lamp, 2), (vase, 1), name="Sideboard set")
    prices.prices({kit.id: 2990}, price_list=f"town-{town.mitte.code}")
    for name in ("Web", "Rival", "Listening"):
        ground.listed(town.channels[name], kit)
    scene.all_hear(kit, 12, since=now())  # two here, ten over there

    # --- held and quoted as one; every channel hears of the kit and of what is in it ---
    wanted = [{"sku": kit.sku, "quantity": 2}]
    held = web.post("/reservations", {"location": town.mitte.code, "lines": wanted, "ttl_seconds": 600})
    since = now()
    assert held.status_code == 201, held.text
    assert {line["sku"]: line["quantity"] for line in held.json()["lines"]} == {lamp.sku: 4, vase.sku: 2}
    for product, available in ((kit, 10), (lamp, 21), (vase, 22)):
        scene.all_hear(product, available, since=since)
    quote = web.post("/quotes", {"lines": wanted}).json()
    assert quote["total_minor"] == 2 * 2990
    refused = web.post("/orders", web.order(town.mitte, [(kit, 1)]), key=uuid.uuid4().hex).json()
    assert (refused["lines"][0]["sku"], refused["lines"][0]["kit"]) == (lamp.sku, kit.sku)
    order = web.place(town.mitte, [(kit, 2)], reservation=held.json()["id"], quote=quote["id"])
    assert [pieces_of(scene, one) for one in (lamp, vase)] == [(5, 4, 0), (4, 2, 0)]

    # --- picked by its components; a broken vase costs one kit, whose lamps go back ---
    work = order["fulfilments"][0]["id"]
    clerk.step(work, "accept")
    assert "Wrong item" in clerk.scan(work, kit.gtins[0])
    for product in (lamp, lamp, lamp, vase):
        assert "Wrong item" not in clerk.scan(work, product.gtins[0])
    since = now()
    told = words(clerk.get(f"/staff/pickup/{work}/pick/"))
    assert "Sideboard set" in told
    clerk.missing(work, vase, 1, reason="damaged")
    scene.all_hear(kit, 11, since=since)
    assert web.get(f"/orders/{order['id']}").json()["totals"]["total_minor"] == 2990
    assert [pieces_of(scene, one) for one in (lamp, vase)] == [(5, 2, 0), (3, 1, 0)]
    assert "is ready." in clerk.step(work, "ready")
    assert "is handed over" in clerk.step(work, "hand-over", code=order["fulfilments"][0]["pickup_code"])
    assert [pieces_of(scene, one) for one in (lamp, vase)] == [(3, 0, 0), (2, 0, 0)]


def test_two_shops_race_for_the_last_piece(scene):
    town = scene.town
    last, barrier = town.products[4], threading.Barrier(2)
    bodies = [(shop, shop.order(town.mitte, [(last, 1)])) for shop in (scene.web, scene.rival)]

    def order(shop: WebShop, body: dict[str, Any]) -> Any:
        barrier.wait(timeout=10)
        return shop.post("/orders", body, key=body["external_reference"])

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda one: order(*one), bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    loser = [answer.status_code for answer in answers].index(409)
    refusal = answers[loser].json()
    assert (refusal["code"], refusal["type"]) == ("insufficient_stock", "/problems/insufficient_stock")
    assert refusal["lines"] == [
        {"sku": last.sku, "name": last.name, "location": town.mitte.code, "wanted": 1, "available": 0}
    ]
    nearest = refusal["alternatives"][0]
    assert (nearest["sku"], nearest["location"], nearest["name"], nearest["available"]) == (
        last.sku, town.west.code, "Berlin Charlottenburg", 20,
    )  # fmt: skip
    assert 1 < nearest["distance_km"] < 10
    assert last.sku in refusal["detail"]

    shop, body = bodies[loser]
    repeated = shop.post("/orders", body, key=body["external_reference"])
    assert (repeated.status_code, repeated.content) == (409, answers[loser].content)
    assert pieces_of(scene, last) == (1, 1, 0)
    moved = {**body, "location": town.west.code, "window": shop.window(town.west)}
    assert shop.post("/orders", moved, key=uuid.uuid4().hex).status_code == 201  # as the refusal advised
    scene.all_hear(last, 19, since=now())


def test_the_customer_cancels_behind_the_link(scene):
    town, web = scene.town, scene.web
    lamp, clerk = town.products[0], scene.clerk()
    window = web.window(town.mitte, 1)
    order = web.place(town.mitte, [(lamp, 3)], window=window)
    assert left_of(web, town, window) == 3
    placed_at = now()
    scene.all_hear(lamp, 22, since=placed_at)
    scene.soon("queue", lambda: order["number"] in clerk.queue(), since=placed_at)
    clerk.step(order["fulfilments"][0]["id"], "accept")
    clerk.scan(order["fulfilments"][0]["id"], lamp.gtins[0])

    customer = Customer(order)
    since = now()
    assert "This order is cancelled" in words(customer.cancel().text)
    scene.all_hear(lamp, 25, since=since)
    assert pieces_of(scene, lamp) == (5, 0, 0)
    scene.eventually(lambda: "order.cancelled" in scene.listeners["web"].of_order(order["id"]))
    assert web.get(f"/orders/{order['id']}").json()["status"] == "cancelled"
    assert left_of(web, town, window) == 4

    # What was picked lies on the pickup shelf: the queue says so until somebody has put it back.
    assert "nobody collects these" in clerk.queue()
    assert f"{order['number']} is off the pickup shelf." in clerk.step(order["fulfilments"][0]["id"], "put-back")
    assert order["number"] not in clerk.queue()
    assert "can’t be handed over" in clerk.step(order["fulfilments"][0]["id"], "hand-over", code="ANY123")
    entry = queries.journal_of(lamp.id, town.mitte.id)[0]
    assert (entry.kind, entry.actor_kind) == ("deallocated", "customer")


def test_too_late_to_cancel_is_said_on_the_page(scene):
    lamp, clerk = scene.town.products[0], scene.clerk()
    order = scene.web.place(scene.town.mitte, [(lamp, 1)])
    clerk.make_ready(order, lamp)
    customer = Customer(order)
    assert "Cancel this order" in customer.look()
    clerk.step(order["fulfilments"][0]["id"], "hand-over", code=order["fulfilments"][0]["pickup_code"])
    refused = customer.cancel()
    assert refused.status_code == 409
    assert "It is too late to cancel this order" in words(refused.text)
    assert pieces_of(scene, lamp) == (4, 0, 0)


def test_a_hold_expires_and_its_goods_are_free_at_once(scene):
    town, web = scene.town, scene.web
    lamp = town.products[0]
    at = clock.now()
    wish = ReservationRequest(
        ids.new(), town.channels["Web"].pk, town.mitte.id, ((lamp.id, 4),), at + timedelta(seconds=1.5), "basket 7"
    )
    with transaction():
        (held,) = reservations.reserve([wish], by=ground.TESTER, at=at)
    assert isinstance(held, Reserved)
    assert web.get(f"/reservations/{held.id}").json()["state"] == "active"
    refused = scene.rival.post("/orders", scene.rival.order(town.mitte, [(lamp, 2)]))
    assert (refused.status_code, refused.json()["lines"][0]["available"]) == (409, 1)

    # Nobody has swept it yet, and still it counts no longer.
    scene.eventually(lambda: web.get(f"/reservations/{held.id}").json()["state"] == "expired", within=5)
    assert web.available(lamp) == 25
    late = web.post("/orders", web.order(town.mitte, [(lamp, 4)], reservation=str(held.id)))
    assert (late.status_code, late.json()["code"]) == (410, "hold_expired")

    since = now()
    stock_tasks.expire_reservations()
    scene.all_hear(lamp, 25, since=since)
    scene.eventually(lambda: scene.listeners["web"].heard("reservation.expired"))
    (told,) = scene.listeners["web"].heard("reservation.expired")
    assert (told.data["reservation_id"], told.data["reference"]) == (str(held.id), "basket 7")
    assert scene.listeners["rival"].heard("reservation.expired") == []
    assert pieces_of(scene, lamp) == (5, 0, 0)
    assert [entry.kind for entry in queries.journal_of(lamp.id, town.mitte.id)] == ["expired", "held", "received"]


def test_the_clerk_finds_nothing_of_it(scene):
    town, web = scene.town, scene.web
    rug, clerk = town.products[2], scene.clerk()
    order = web.place(town.mitte, [(rug, 2)])
    work = order["fulfilments"][0]["id"]
    clerk.step(work, "accept")
    since = now()
    clerk.missing(work, rug, 2)
    scene.all_hear(rug, 20, since=since)
    assert pieces_of(scene, rug) == (0, 0, 0)  # four were believed to be there; the shelf is empty
    customer = Customer(order)
    assert "the goods could not be found" in customer.look()
    assert "2 pieces are not delivered and not charged" in customer.look()
    assert order["fulfilments"][0]["pickup_code"] not in customer.look()
    document = web.get(f"/orders/{order['id']}").json()
    assert (document["status"], document["totals"]["total_minor"]) == ("rejected", 0)
    assert order["number"] not in clerk.queue()
    scene.eventually(lambda: "fulfilment.rejected" in scene.listeners["web"].of_order(order["id"]))
    entries = queries.journal_of(rug.id, town.mitte.id, at_most=2)
    assert {(one.kind, one.reason, one.on_hand_delta) for one in entries} == {
        ("adjusted", "not_found", -2), ("adjusted", "not_found_rest", -2),
    }  # fmt: skip
    assert {(one.actor_kind, one.actor_id) for one in entries} == {("staff", str(town.clerk.pk))}


def test_nobody_comes_and_the_goods_go_back_on_sale(scene):
    town = scene.town
    lamp, clerk = town.products[0], scene.clerk()
    shop = make.Shop(town.channels["Web"], town.mitte, town.products, town.clerk)
    with clock.frozen(clock.now() - timedelta(days=9)):
        order = shop.ready({0: 2})
    scene.all_hear(lamp, 23, since=now())
    work = str(order.fulfilments[0].id)
    customer = Customer({"tracking_url": f"{scene.kontor.url}/track/{order.tracking_token}/"})
    assert "Abholbereit" in customer.look()

    order_tasks.mark_no_shows()
    assert "Liegt noch bereit" in customer.look()
    assert pieces_of(scene, lamp) == (5, 2, 0)  # still promised, until somebody has it in their hands
    assert "nobody collects these" in clerk.queue()
    assert order.number in clerk.queue()
    since = now()
    assert f"{order.number} is back on the shelf" in clerk.step(work, "return-to-stock")
    scene.all_hear(lamp, 25, since=since)
    assert pieces_of(scene, lamp) == (5, 0, 0)
    assert order.number not in clerk.queue()
    document = scene.web.get(f"/orders/{order.id}").json()
    assert (document["status"], document["totals"]["total_minor"]) == ("returned", 0)
    kinds = ["fulfilment.ready", "fulfilment.no_show", "fulfilment.returned_to_stock"]
    scene.eventually(lambda: scene.listeners["web"].of_order(str(order.id))[-3:] == kinds)
    again = clerk.step(work, "hand-over", code=order.fulfilments[0].pickup_code)
    assert "can’t be handed over" in again
