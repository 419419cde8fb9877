"""Orders that wait for goods, that see what their channel sees, and that count against limits per customer."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse

from commerce import catalog, clock, relay
from commerce.channels.contracts import IncomingCustomer
from commerce.errors import InvalidInput
from commerce.models import OutboxMessage
from commerce.transactions import transaction
from inventory import availability
from inventory.errors import GoodsAwaited, InsufficientStock, PurchaseLimitReached
from inventory.promising import policies, purchase_limits
from inventory.promising import promises as promising
from inventory.sharing import buffer_rules
from inventory.sharing.buffer_rules import Draft
from inventory.sharing.scopes import ScopeIds
from orders import cancellation, errors, picking, pickup, placement, promises, queries, shipping
from orders.api import documents
from orders.staff import pick_list
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import supply

pytestmark = pytest.mark.django_db
SHIPPED: dict[str, Any] = {
    "method": "ship", "ship_to": {"postal_code": "10115", "city": "Berlin", "country": "DE"},
}  # fmt: skip


def backorders(shop: make.Shop, cap: int = 10, **values: Any) -> int:
    defaults: dict[str, Any] = {
        "name": "More to come", "kind": "backorder", "product_id": shop.products[0].id, "location_id": shop.store.id,
    }  # fmt: skip
    with transaction():
        return policies.make(policies.Draft(cap=cap, **(defaults | values)), by=ground.TESTER, at=clock.now())


def limited(shop: make.Shop, quantity: int) -> None:
    at = clock.now()
    with transaction():
        purchase_limits.make(
            purchase_limits.Draft(
                name="The drop", product_id=shop.products[0].id, quantity=quantity, starts_at=at,
                ends_at=at + timedelta(days=1),
            ),
            by=ground.TESTER,
            at=at,
        )  # fmt: skip


def withheld(pieces: int, **scope: Any) -> None:
    with transaction():
        rule = buffer_rules.draft(
            Draft(name="Kept", purpose="buffer", kind="fixed", amount=pieces, scope=ScopeIds(**scope)),
            by=ground.TESTER, at=clock.now(),
        )  # fmt: skip
        buffer_rules.preview(rule, at=clock.now())
    with transaction():
        buffer_rules.activate(rule, words="", by=ground.TESTER, at=clock.now())


def document(order: Any) -> dict[str, Any]:
    return documents.orders([queries.order(order.id)])[0]


def test_an_order_that_waits_says_so_on_its_lines_and_is_promised_for_when_its_goods_are_there(shop: make.Shop) -> None:
    backorders(shop, lead_days=7)
    order = shop.place({0: 12, 1: 1}, **SHIPPED)
    first, second = document(order)["lines"]
    day = make.NOON.date() + timedelta(days=7)
    assert (first["waiting"], first["promised_on"]) == (2, day)
    assert (second["waiting"], second["promised_on"]) == (0, None)
    assert order.fulfilments[0].promised_at == promises.shipped_by(shop.store, day, at=clock.now())
    ordinary = shop.place({1: 1}, **SHIPPED)
    assert ordinary.fulfilments[0].promised_at < order.fulfilments[0].promised_at


def test_goods_that_are_not_there_do_not_leave_and_the_promise_follows_them(shop: make.Shop) -> None:
    backorders(shop)
    supply.ordered(supply.supplier(), shop.store.id, (shop.products[0].id, 5, make.NOON.date() + timedelta(days=14)))
    order = shop.place({0: 12}, **SHIPPED)
    version = order.version
    first = order.fulfilments[0]
    assert document(order)["lines"][0]["promised_on"] == make.NOON.date() + timedelta(days=14)
    goods.receive(shop.products[0].id, shop.store.id, 2)
    relay.drain(within=10)
    after = queries.order(order.id)
    assert document(order)["lines"][0]["waiting"] == 0
    assert after.fulfilments[0].promised_at < first.promised_at
    assert after.version > version, "who holds an older copy is told by its ETag"
    told = OutboxMessage.objects.filter(event_type="fulfilment.promised").latest("id")
    assert (told.channel_id, told.payload["waiting"]) == (shop.channel.pk, 0)


def test_what_is_not_there_yet_is_neither_picked_nor_leaves(shop: make.Shop) -> None:
    backorders(shop, lead_days=3)
    order = shop.accepted({0: 11, 1: 1}, **SHIPPED)
    work = order.fulfilments[0]
    line = work.lines[0]
    for _ in range(10):
        shop.scan(work)
    day = (make.NOON.date() + timedelta(days=3)).isoformat()
    with pytest.raises(
        GoodsAwaited, match=f"1 of 1 pieces are not there yet; they are expected on {day}. Pick the others"
    ):
        shop.scan(work)
    with pytest.raises(GoodsAwaited):
        shop.act(picking.set_picked, work, line.id, 11, reason="no_barcode")
    shop.act(picking.set_picked, work, line.id, 9, reason="no_barcode")
    shop.act(picking.set_picked, work, line.id, 10, reason="no_barcode")
    found = pick_list.read(work.id, shop.store.id, at=clock.now())
    assert found is not None
    assert (found.card.awaited, found.lines[0].there, found.lines[0].promised_on) == (1, 0, date.fromisoformat(day))
    assert found.current is found.lines[1], "what is there comes first"
    shop.scan(work, 1)
    with pytest.raises(errors.LinesStillOpen):
        shop.act(pickup.mark_ready, work)
    goods.receive(shop.products[0].id, shop.store.id, 1)
    shop.scan(work)
    shop.act(pickup.mark_ready, work)
    shop.act(shipping.ship, work)
    assert queries.order(order.id).fulfilments[0].state == "shipped"


def test_a_case_pack_counts_only_what_is_there(shop: make.Shop) -> None:
    backorders(shop, lead_days=3)
    order = shop.accepted({0: 12}, **SHIPPED)
    with transaction():
        case = catalog.add_gtin(shop.products[0].id, ground.barcode(987_654), pieces=24, by=ground.TESTER)
    assert shop.act(picking.scan, order.fulfilments[0], uuid4(), case).pieces == 10


def test_the_queue_and_the_picking_page_say_what_an_order_waits_for(shop: make.Shop) -> None:
    backorders(shop, lead_days=3)
    order = shop.accepted({0: 11}, **SHIPPED)
    client = Client()
    client.force_login(shop.clerk)
    queue = client.get(reverse("orders-staff:queue")).content.decode()
    assert "waits for 1 piece to come" in queue
    page = client.get(reverse("orders-staff:pick", args=[order.fulfilments[0].id])).content.decode()
    assert "1 piece is not there yet" in page
    shop.act(picking.set_picked, order.fulfilments[0], order.fulfilments[0].lines[0].id, 10, reason="no_barcode")
    stopped = client.post(
        reverse("orders-staff:scan", args=[order.fulfilments[0].id]),
        {"scan_id": str(uuid4()), "text": shop.products[0].gtins[0], "scanned_at": clock.now().isoformat()},
    )
    assert stopped.status_code == 409
    assert "the order waits for 1 of them" in stopped.content.decode()


def test_a_pickup_gets_goods_to_come_only_when_they_are_there_by_its_window(shop: make.Shop) -> None:
    backorders(shop, lead_days=3)
    with pytest.raises(InsufficientStock) as refused:
        shop.place({0: 11})
    assert refused.value.detail["lines"][0]["available"] == 10


def test_routing_looks_for_goods_that_are_there_before_goods_to_come(shop: make.Shop) -> None:
    far = goods.store(latitude=48.14, longitude=11.58)
    goods.receive(shop.products[0].id, far.id, 12)
    backorders(shop, lead_days=3)
    assert shop.place({0: 12}, **SHIPPED).fulfilments[0].location_id == far.id
    assert shop.place({0: 12}, **SHIPPED).fulfilments[0].location_id == shop.store.id


def test_orders_are_routed_and_refused_by_what_their_channel_sees(shop: make.Shop) -> None:
    far = goods.store(latitude=48.14, longitude=11.58)
    goods.receive(shop.products[0].id, far.id, 10)
    withheld(8, location_id=shop.store.id)
    assert shop.place({0: 5}, **SHIPPED).fulfilments[0].location_id == far.id
    with pytest.raises(InsufficientStock) as refused:
        shop.place({0: 4})
    assert refused.value.detail["lines"][0]["available"] == 2
    assert refused.value.detail["alternatives"][0]["available"] == 5


def test_an_order_counts_against_the_limit_and_its_cancellation_gives_it_back(shop: make.Shop) -> None:
    limited(shop, 3)
    erika = IncomingCustomer(name="Erika Beispiel", email="erika@example.org")
    order = shop.place({0: 2}, customer=erika)
    with pytest.raises(PurchaseLimitReached, match="1 more now; 2 were wanted"):
        shop.place({0: 2}, customer=erika)
    with pytest.raises(InvalidInput, match="limited per customer"):
        shop.place({0: 1}, customer=IncomingCustomer(name="Somebody"))
    shop.place({1: 5}, customer=erika)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    shop.place({0: 3}, customer=erika)


def test_a_basket_that_becomes_an_order_counts_once(client: Any, shop: make.Shop) -> None:
    limited(shop, 2)
    headers = ground.key(shop.channel).headers
    body = {
        "location": shop.store.code, "lines": [{"sku": shop.products[0].sku, "quantity": 2}],
        "customer": {"email": "erika@example.org"},
    }  # fmt: skip

    def reserve() -> Any:
        return client.post("/api/v1/reservations", body, content_type="application/json", **headers)

    held = reserve()
    assert held.status_code == 201
    refused = reserve()
    assert (refused.status_code, refused.json()["code"], refused.json()["left"]) == (409, "purchase_limit_reached", 0)
    erika = IncomingCustomer(name="Erika Beispiel", email="Erika@example.org")
    order = shop.place({0: 2}, customer=erika, reservation_id=UUID(held.json()["id"]))
    assert reserve().status_code == 409
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    again = reserve()
    assert again.status_code == 201
    smaller = shop.place({0: 1}, customer=erika, reservation_id=UUID(again.json()["id"]))
    assert smaller.pieces == 1
    body["lines"] = [{"sku": shop.products[0].sku, "quantity": 1}]
    assert reserve().status_code == 201, "what the order left of its basket may be had again"
    assert reserve().status_code == 409


def test_neighbours_in_a_group_share_one_customers_limit(shop: make.Shop) -> None:
    limited(shop, 3)
    erika = IncomingCustomer(name="Erika Beispiel", email="erika@example.org")
    wishes = [
        placement.Wish(shop.incoming({0: 2}, customer=erika), shop.terms, ground.TESTER),
        placement.Wish(shop.incoming({0: 2}, customer=erika), shop.terms, ground.TESTER),
        placement.Wish(shop.incoming({0: 1}, customer=erika), shop.terms, ground.TESTER),
    ]
    with transaction():
        verdicts = placement.place_many(wishes, at=clock.now())
    assert [type(one).__name__ for one in verdicts] == ["PlacedOrder", "PurchaseLimitReached", "PlacedOrder"]


def test_a_figure_explains_itself_and_says_from_when(client: Any, shop: make.Shop) -> None:
    withheld(4)
    product = shop.products[0]
    supply.ordered(supply.supplier(), shop.store.id, (product.id, 6, make.NOON.date() + timedelta(days=14)))
    promising.forget()
    headers = ground.key(shop.channel).headers
    answer = client.get(f"/api/v1/availability?sku={product.sku}&explain=1", **headers).json()
    (place,) = answer["items"][0]["locations"]
    day = (make.NOON.date() + timedelta(days=14)).isoformat()
    assert (place["available"], place["withheld"], place["held"]) == (6, 4, 0)
    assert place["incoming"] == [{"expected_on": day, "quantity": 6, "source": "purchase_order", "is_late": False}]
    assert place["available_to_promise_at"] == [{"on": day, "available": 12}]
    parts = place["explanation"]["parts"]
    assert [(part["what"], part["pieces"]) for part in parts] == [("on_hand", 10), ("withheld", -4)]
    assert parts[1]["text"] == "4 withheld: “Kept” keeps 4 pieces back"
    assert sum(part["pieces"] for part in parts) == place["available"]
    pickup_at = datetime.fromisoformat(place["explanation"]["earliest_pickup"])
    assert pickup_at >= make.NOON
    assert place["explanation"]["earliest_delivery"]["arrives_on"] == "2026-11-21"
    shop.place({0: 6})
    sold_out = client.get(f"/api/v1/availability?sku={product.sku}&explain=1", **headers).json()
    (place,) = sold_out["items"][0]["locations"]
    assert place["available"] == 0
    assert place["explanation"]["earliest_pickup"][:10] >= day, "not before the goods are there"
    unknown = client.get(f"/api/v1/availability?sku={product.sku}&explain=2", **headers)
    assert unknown.status_code == 400


def test_the_parts_of_any_figure_sum_to_it(shop: make.Shop) -> None:
    backorders(shop, 5, lead_days=3)
    withheld(1)
    shop.place({0: 11}, **SHIPPED)
    shop.place({1: 3})
    found = availability.figures([product.id for product in shop.products], channel_id=shop.channel.pk, at=clock.now())
    for promise in promising.promises(found, channel_id=shop.channel.pk, country="DE", at=clock.now()):
        assert sum(part.pieces for part in promise.parts) == promise.figure.available
        assert promise.figure.available >= 0
