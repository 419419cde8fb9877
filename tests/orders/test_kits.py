"""An order line of a kit is priced as one and owed in what is in it, from the order to the counter."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client

from commerce import catalog, clock, ids, kits
from commerce.models import AuditEntry, OutboxMessage
from commerce.operations import checks
from commerce.product_refs import ProductRef
from commerce.transactions import transaction
from inventory import availability, reservations
from inventory.errors import InsufficientStock
from inventory.models import StockLevel
from inventory.reservations import ReservationRequest, Reserved
from orders import cancellation, picking, pickup, placement, queries, shipping
from orders.errors import MoreThanWanted
from orders.models import FulfilmentLine
from orders.picking import Outcome, PutBack, RejectReason
from orders.queries import FulfilmentLineView, OrderView
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import pricing as prices

pytestmark = pytest.mark.django_db

KIT_MINOR = 2990
LAMP, CABLE, OTHER, SET = range(4)


@pytest.fixture
def shop() -> make.Shop:
    """Ten pieces of three products; the fourth is a kit of two of the first and one of the second."""
    made = make.shop(pieces=10)
    kit = ground.kit((made.products[LAMP], 2), (made.products[CABLE], 1), sku="SET", name="Reading corner")
    prices.prices({kit.id: KIT_MINOR}, price_list=prices.price_list("kits"))
    made.products.append(kit)
    return made


def stock(shop: make.Shop) -> list[tuple[int, int]]:
    """Return (on hand, allocated) of lamp and cable."""
    return [
        StockLevel.objects.values_list("on_hand", "allocated").get(
            product_id=shop.products[one].id, location=shop.store.id, condition="sellable"
        )
        for one in (LAMP, CABLE)
    ]


def line(order: OrderView, product: ProductRef) -> FulfilmentLineView:
    return next(one for one in queries.order(order.id).fulfilments[0].lines if one.product_id == product.id)


def owed(order: OrderView) -> dict[str, tuple[int, int, int]]:
    """Return (wanted, picked, rejected) of the goods by SKU."""
    lines = queries.order(order.id).fulfilments[0].lines
    return {one.sku: (one.quantity, one.picked, one.rejected) for one in lines}


def reject(shop: make.Shop, order: OrderView, product: int, pieces: int, reason: RejectReason) -> tuple[PutBack, ...]:
    wanted = line(order, shop.products[product])
    return shop.act(picking.reject_line, order.fulfilments[0], wanted.id, pieces, reason).put_back


def books_are_right() -> None:
    assert checks.run() == []


def test_a_kit_is_priced_as_one_line_and_owed_in_its_goods(shop: make.Shop) -> None:
    order = shop.place({SET: 2, LAMP: 1})
    kit_line = next(one for one in order.lines if one.sku == "SET")
    assert (kit_line.quantity, kit_line.unit_price_minor, order.total_minor) == (
        2,
        KIT_MINOR,
        2 * KIT_MINOR + make.PRICE_MINOR,
    )
    assert order.pieces == 3
    assert order == queries.order(order.id), "as answered, so stored"
    found = [
        (one.order_line_id == kit_line.id, one.sku, one.quantity, one.per_unit) for one in order.fulfilments[0].lines
    ]
    assert sorted(found) == sorted([
        (True, shop.products[LAMP].sku, 4, 2), (True, shop.products[CABLE].sku, 2, 1), (False, shop.products[LAMP].sku, 1, 1)
    ])  # fmt: skip
    assert stock(shop) == [(10, 5), (10, 2)]
    books_are_right()


def test_demand_is_summed_over_kits_and_pieces_and_the_refusal_names_both(shop: make.Shop) -> None:
    with pytest.raises(InsufficientStock) as refused:
        shop.place({SET: 4, LAMP: 3})
    lamp = shop.products[LAMP]
    assert refused.value.message.startswith(
        f"Only 10 of {lamp.sku} ({lamp.name}) are available at {shop.store.code}, 11 were wanted for 4 × SET, which it is in."
    )
    assert stock(shop) == [(10, 0), (10, 0)]


def test_a_parcel_goes_where_all_components_are(shop: make.Shop) -> None:
    lamps_only, both = goods.store(), goods.store()
    goods.receive(shop.products[LAMP].id, lamps_only.id, 100)
    for product in (LAMP, CABLE):
        goods.receive(shop.products[product].id, both.id, 40)
    ship_to = {"name": "E", "street": "S 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    assert shop.place({SET: 6}, method="ship", ship_to=ship_to).fulfilments[0].location_id == both.id
    with pytest.raises(InsufficientStock, match="which it is in"):
        shop.place({SET: 21}, method="ship", ship_to=ship_to)


def test_a_reserved_kit_is_ordered_from_its_reservation(shop: make.Shop) -> None:
    at = clock.now()
    wanted = ReservationRequest(
        ids.new(), shop.channel.pk, shop.store.id, ((shop.products[SET].id, 5),), at + timedelta(minutes=10)
    )
    with transaction():
        (held,) = reservations.reserve([wanted], by=ground.TESTER, at=at)
    assert isinstance(held, Reserved)
    with pytest.raises(InsufficientStock):
        shop.place({LAMP: 1})
    shop.place({SET: 5}, reservation_id=held.id)
    assert stock(shop) == [(10, 10), (10, 5)]
    assert not StockLevel.objects.exclude(held=0).exists()


def test_many_orders_at_once_share_the_last_components(shop: make.Shop) -> None:
    wishes = [placement.Wish(shop.incoming(one), shop.terms, ground.TESTER) for one in ({SET: 3}, {LAMP: 5}, {SET: 2})]
    with transaction():
        first, second, third = placement.place_many(wishes, at=clock.now())
    assert isinstance(first, placement.PlacedOrder)
    assert isinstance(second, InsufficientStock), "six lamps are in the kits of the first"
    assert isinstance(third, placement.PlacedOrder)
    assert stock(shop) == [(10, 10), (10, 5)]


def test_picking_scans_what_is_in_the_kit_and_the_counter_hands_it_over(shop: make.Shop) -> None:
    order = shop.accepted({SET: 1})
    work = order.fulfilments[0]
    assert shop.scan(work, SET).outcome is Outcome.WRONG_ITEM, "a kit does not lie on any shelf"
    assert [shop.scan(work, one).outcome for one in (LAMP, CABLE)] == [Outcome.PICKED, Outcome.PICKED]
    assert shop.scan(work, CABLE).outcome is Outcome.ALREADY_COMPLETE
    done = shop.scan(work, LAMP)
    assert (done.sku, done.is_everything_done) == (shop.products[LAMP].sku, True)
    shop.act(pickup.mark_ready, work)
    shop.act(pickup.hand_over, work, queries.order(order.id).fulfilments[0].pickup_code)
    assert stock(shop) == [(8, 0), (9, 0)]
    books_are_right()


def test_a_parcel_takes_its_components_along(shop: make.Shop) -> None:
    ship_to = {"name": "E", "street": "S 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    order = shop.place({SET: 2}, method="ship", ship_to=ship_to)
    work = order.fulfilments[0]
    shop.act(pickup.accept, work)
    for product in (LAMP, LAMP, LAMP, LAMP, CABLE, CABLE):
        shop.scan(work, product)
    shop.act(pickup.mark_ready, work)
    shop.act(shipping.ship, work)
    assert stock(shop) == [(6, 0), (8, 0)]
    books_are_right()


def test_a_missing_component_takes_its_whole_kit_and_gives_the_others_back(shop: make.Shop) -> None:
    order = shop.accepted({SET: 3})
    for product in (LAMP, LAMP, LAMP, LAMP, LAMP, CABLE, CABLE):
        shop.scan(order.fulfilments[0], product)
    back = reject(shop, order, CABLE, 1, RejectReason.DAMAGED)
    lamp, cable = shop.products[LAMP], shop.products[CABLE]
    assert back == (PutBack(lamp.sku, lamp.name, 1),)
    assert owed(order) == {lamp.sku: (6, 4, 2), cable.sku: (3, 2, 1)}
    assert stock(shop) == [(10, 4), (9, 2)], "the damaged cable is not for sale, the lamps are free again"
    now = queries.order(order.id)
    assert (now.lines[0].cancelled, now.total_minor, now.pieces) == (1, 2 * KIT_MINOR, 2)
    assert {one.reject_reason for one in now.fulfilments[0].lines} == {"damaged", "kit_incomplete"}
    told = OutboxMessage.objects.filter(event_type="fulfilment.line_rejected").latest("id").payload
    assert (told["sku"], told["rejected"], told["reason"], told["pieces"]) == ("SET", 1, "damaged", 2)
    kept = AuditEntry.objects.filter(verb="orders.picking.reject_line").latest("id").after
    assert (kept["sku"], kept["rejected"], kept["kit"], kept["kits"], kept["put_back"]) == (
        cable.sku,
        1,
        "SET",
        1,
        {lamp.sku: 1},
    )
    books_are_right()


def test_one_lamp_of_two_costs_the_kit_and_frees_the_other_lamp(shop: make.Shop) -> None:
    order = shop.accepted({SET: 2})
    assert reject(shop, order, LAMP, 1, RejectReason.OTHER) == ()
    assert stock(shop) == [(10, 2), (10, 1)]
    with pytest.raises(MoreThanWanted):
        reject(shop, order, LAMP, 3, RejectReason.OTHER)
    assert queries.order(order.id).total_minor == KIT_MINOR
    books_are_right()


def test_what_is_not_found_is_swept_and_what_was_given_back_is_not(shop: make.Shop) -> None:
    order = shop.accepted({SET: 2})
    shop.scan(order.fulfilments[0], LAMP)
    assert len(reject(shop, order, LAMP, 3, RejectReason.NOT_FOUND)) == 1
    lamp, cable = stock(shop)
    assert lamp == (1, 0), "three are missing and six more with them; the one in hand goes back"
    assert cable == (10, 0)
    now = queries.order(order.id)
    assert (now.fulfilments[0].state, now.total_minor) == ("rejected", 0)
    books_are_right()


def test_other_lines_of_the_same_goods_keep_theirs(shop: make.Shop) -> None:
    order = shop.accepted({SET: 1, LAMP: 2})
    kit_line = next(one for one in order.lines if one.sku == "SET")
    lamps = next(one for one in order.fulfilments[0].lines if one.order_line_id == kit_line.id and one.per_unit == 2)
    shop.act(picking.reject_line, order.fulfilments[0], lamps.id, 2, RejectReason.OTHER)
    now = queries.order(order.id)
    assert {one.sku: one.cancelled for one in now.lines} == {"SET": 1, shop.products[LAMP].sku: 0}
    assert now.total_minor == 2 * make.PRICE_MINOR
    assert stock(shop) == [(10, 2), (10, 0)]
    books_are_right()


def test_cancelling_frees_all_components(shop: make.Shop) -> None:
    order = shop.accepted({SET: 3})
    reject(shop, order, CABLE, 1, RejectReason.OTHER)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    assert stock(shop) == [(10, 0), (10, 0)]
    now = queries.order(order.id)
    assert (now.lines[0].cancelled, now.total_minor, now.pieces) == (3, 0, 0)
    books_are_right()


def test_what_nobody_fetched_goes_back_component_by_component(shop: make.Shop) -> None:
    order = shop.accepted({SET: 2})
    reject(shop, order, LAMP, 2, RejectReason.OTHER)
    for product in (LAMP, LAMP, CABLE):
        shop.scan(order.fulfilments[0], product)
    shop.act(pickup.mark_ready, order.fulfilments[0])
    late = clock.now() + timedelta(days=30)
    with transaction():
        pickup.mark_no_show(order.fulfilments[0].id, by=ground.TESTER, at=late)
    shop.act(pickup.return_to_stock, order.fulfilments[0])
    assert stock(shop) == [(10, 0), (10, 0)]
    assert queries.order(order.id).lines[0].cancelled == 2
    books_are_right()


def test_an_order_keeps_what_was_in_the_kit_when_it_was_placed(shop: make.Shop) -> None:
    order = shop.accepted({SET: 1})
    with transaction():
        kits.set_components(shop.products[SET].id, [(shop.products[OTHER].sku, 1)], by=ground.TESTER)
    assert {one.sku for one in queries.order(order.id).fulfilments[0].lines} == {
        shop.products[LAMP].sku, shop.products[CABLE].sku
    }  # fmt: skip
    reject(shop, order, CABLE, 1, RejectReason.OTHER)
    assert queries.order(order.id).status.value == "cancelled" or stock(shop) == [(10, 0), (10, 0)]
    assert [one.sku for one in shop.place({SET: 1}).fulfilments[0].lines] == [shop.products[OTHER].sku]


def test_a_kit_alone_is_goods_enough_and_an_inactive_one_is_not_sold(shop: make.Shop) -> None:
    assert shop.place({SET: 1}).total_minor == KIT_MINOR
    with transaction():
        catalog.change_product(shop.products[SET].id, is_active=False, by=ground.TESTER)
    with pytest.raises(Exception, match="not in the assortment"):
        shop.place({SET: 1})


def test_the_api_quotes_and_orders_a_kit(shop: make.Shop, client: Client) -> None:
    headers = ground.key(shop.channel).headers
    lines = [{"sku": "SET", "quantity": 2}]
    quote = client.post("/api/v1/quotes", {"lines": lines}, content_type="application/json", **headers)
    assert quote.status_code == 201, quote.content
    assert quote.json()["total_minor"] == 2 * KIT_MINOR
    body = {
        "external_reference": "W-1", "method": "ship", "lines": lines, "quote": quote.json()["id"],
        "customer": {"name": "Erika Beispiel", "email": "erika@example.org"},
        "ship_to": {"street": "Torstr. 1", "postal_code": "10115", "city": "Berlin", "country": "DE"},
    }  # fmt: skip
    answer = client.post(
        "/api/v1/orders", body, content_type="application/json", headers={"Idempotency-Key": "kit-order"}, **headers
    )
    assert answer.status_code == 201, answer.content
    document = answer.json()
    assert [(one["sku"], one["quantity"], one["total_minor"]) for one in document["lines"]] == [
        ("SET", 2, 2 * KIT_MINOR)
    ]
    goods_of = {
        one["sku"]: (one["line_number"], one["quantity"], one["per_unit"])
        for one in document["fulfilments"][0]["lines"]
    }
    assert goods_of == {shop.products[LAMP].sku: (1, 4, 2), shop.products[CABLE].sku: (1, 2, 1)}
    assert client.get(f"/api/v1/orders/{document['id']}", **headers).json() == document


def test_what_an_order_costs_in_statements_does_not_grow_with_kits(
    shop: make.Shop, django_assert_max_num_queries
) -> None:
    shop.place({LAMP: 1})
    shop.place({SET: 1})
    with django_assert_max_num_queries(40) as plain:
        shop.place({LAMP: 1, CABLE: 1})
    with django_assert_max_num_queries(len(plain)):
        shop.place({SET: 1})


def test_the_books_notice_half_a_kit(shop: make.Shop) -> None:
    order = shop.accepted({SET: 2})
    reject(shop, order, LAMP, 2, RejectReason.OTHER)
    row = FulfilmentLine.objects.get(pk=line(order, shop.products[CABLE]).id)
    FulfilmentLine.objects.filter(pk=row.pk).update(rejected=0)
    assert any("whole kits" in finding.check for finding in checks.run())


def test_availability_follows_orders(shop: make.Shop) -> None:
    shop.place({SET: 2})
    figure = availability.figures([shop.products[SET].id], location_ids=[shop.store.id], at=clock.now())[0]
    assert figure.available == 3
    assert isinstance(shop.place({SET: 3}).id, UUID)


# --- on the staff's screens -------------------------------------------------------------------------------------------


def test_the_picking_page_says_for_which_kit_and_what_to_put_back(shop: make.Shop, client: Client) -> None:
    client.force_login(shop.clerk)
    order = shop.accepted({SET: 1})
    work = order.fulfilments[0]
    shop.scan(work, LAMP)
    page = client.get(f"/staff/pickup/{work.id}/pick/").content.decode()
    assert "Reading corner" in page
    assert shop.products[LAMP].sku in page
    cable = line(order, shop.products[CABLE])
    answer = client.post(
        f"/staff/pickup/{work.id}/pick/{cable.id}/missing/", {"quantity": 1, "reason": "damaged"}, follow=True
    )
    assert f"1 × {shop.products[LAMP].name}" in answer.content.decode()
    assert queries.order(order.id).total_minor == 0


def test_the_order_page_shows_the_goods_and_the_price_once(shop: make.Shop, client: Client) -> None:
    client.force_login(shop.clerk)
    order = shop.place({SET: 2})
    page = client.get(f"/staff/orders/{order.id}/").content.decode()
    assert page.count("2 × Reading corner") == 2
    assert shop.products[LAMP].name in page
    assert shop.products[CABLE].name in page
