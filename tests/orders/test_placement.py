"""Placing an order: everything is settled together, or nothing is."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import clock, ids, quotas
from commerce.channels.contracts import IncomingCustomer, IncomingLine
from commerce.errors import CommerceError, InvalidInput, UnknownProduct
from commerce.models import AuditEntry, OutboxMessage
from commerce.transactions import transaction
from customers.models import Profile
from inventory import availability, reservations
from inventory import errors as stock_errors
from inventory.models import Allocation
from inventory.reservations import ReservationRequest
from orders import errors, pickup_codes, pickup_windows, placement, queries
from orders.models import Fulfilment, Order, RoutingDecision
from pricing import quoting
from pricing.errors import NoPrice
from pricing.quotes import BasketLine, ChannelTerms
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = pytest.mark.django_db

# The statements of one placement; the goal of 370 orders a second rests on it. (Three of them only read prices that this
# test has not committed; a process keeps committed ones.)
MOST_ROUND_TRIPS = 16  # one of them reads which promotions are in force, once per process and revision


def available(shop: make.Shop, product: int = 0) -> int:
    found = availability.figures([shop.products[product].id], location_ids=[shop.store.id], at=clock.now())
    return found[0].available if found else 0


def left(shop: make.Shop, starts_at) -> int:
    windows = pickup_windows.open_windows(shop.store, at=clock.now(), days=8)
    return next(window.left for window in windows if window.starts_at == starts_at)


def is_untouched(shop: make.Shop) -> bool:
    """Nothing of a refused order may stay: no order, no claim on goods or window, no news, no audit."""
    return (
        not Order.objects.exists()
        and not Fulfilment.objects.exists()
        and not Allocation.objects.exists()
        and not OutboxMessage.objects.filter(event_type="order.placed").exists()
        and not AuditEntry.objects.filter(object_type="order").exists()
        and not Profile.objects.exists()
        and available(shop) == 10
    )


def reserve(shop: make.Shop, pieces: int, *, minutes: int = 15, channel_id: int | None = None):
    request = ReservationRequest(
        ids.new(),
        channel_id or shop.channel.pk,
        shop.store.id,
        ((shop.products[0].id, pieces),),
        clock.now() + timedelta(minutes=minutes),
    )
    with transaction():
        return reservations.reserve([request], by=ground.TESTER, at=clock.now())[0].id


def test_an_order_settles_price_goods_and_window(shop):
    order = shop.place({0: 2, 1: 1})
    read = queries.order(order.id)
    assert replace(read, pricing={}) == replace(order, pricing={})  # what was answered is what stands
    assert read.pricing["total_minor"] == order.pricing["total_minor"]
    assert order.number.startswith("K-")
    assert (order.status.value, order.currency, order.total_minor, order.pieces) == ("open", "EUR", 3570, 3)
    assert sum(line.total_minor for line in order.lines) == order.total_minor
    work = order.fulfilments[0]
    assert work.promised_at == work.window_starts_at
    assert len(work.pickup_code) == 6
    assert len(order.tracking_token) == 43
    assert (available(shop, 0), available(shop, 1), available(shop, 2)) == (8, 9, 10)
    assert left(shop, work.window_starts_at) == 9
    on_hand = availability.figures([shop.products[0].id], location_ids=[shop.store.id], at=clock.now())[0].on_hand
    assert on_hand == 10  # it falls at handover


def test_an_order_is_told_recorded_and_explained(shop):
    order = shop.place()
    told = OutboxMessage.objects.get(event_type="order.placed")
    assert told.aggregate == f"order:{order.id}"
    assert (told.aggregate_sequence, told.channel_id) == (1, shop.channel.pk)
    assert told.payload == {
        "order_id": str(order.id),
        "number": order.number,
        "external_reference": order.external_reference,
        "customer_id": str(order.customer_id),
        "status": "open",
        "total_minor": 1190,
        "currency": "EUR",
        "pieces": 1,
        "placed_at": "2026-11-18T11:00:00Z",
        "location": shop.store.code,
        "fulfilment_id": str(order.fulfilments[0].id),
        "state": "placed",
    }
    page = queries.order_page(order.id)
    assert [entry.verb for entry in page.timeline] == ["orders.placement.place"]
    assert page.routing[0].chosen == shop.store.code
    assert page.routing[0].policy_version == "first-1"
    assert page.routing[0].outcome["shares"][0]["winner"]["rank"] == 1


def test_lines_of_one_product_are_summed(shop):
    product = shop.products[0].id
    order = shop.place(
        lines=(IncomingLine(product_id=product, quantity=2), IncomingLine(product_id=product, quantity=3))
    )
    assert [(line.quantity, line.total_minor) for line in order.lines] == [(5, 5950)]


def test_placing_takes_few_round_trips(shop):
    known = IncomingCustomer(name="Erika Beispiel", email="erika@example.org")
    shop.place(customer=known)  # the caches of processes are warm in life
    order = shop.incoming({0: 1, 1: 1, 2: 1}, customer=known)
    with CaptureQueriesContext(connection) as spoken, transaction():
        placement.place(order, channel=shop.terms, by=ground.TESTER, at=clock.now())
    statements = [query["sql"] for query in spoken if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= MOST_ROUND_TRIPS, "\n".join(
        statement.replace("\n", " ")[:100] for statement in statements
    )


# --- what it may build on -------------------------------------------------------------------------------------------


def test_a_reservation_becomes_the_order_without_a_gap(shop):
    held = reserve(shop, 10)
    assert available(shop) == 0
    shop.place({0: 9}, reservation_id=held)
    assert available(shop) == 1  # the piece that was held and not ordered is free again


def test_a_reservation_is_used_once(shop):
    held = reserve(shop, 2)
    shop.place({0: 2}, reservation_id=held)
    with pytest.raises(stock_errors.HoldEnded):
        shop.place({0: 2}, reservation_id=held)


def test_an_expired_reservation_is_refused(shop):
    held = reserve(shop, 2, minutes=10)
    with clock.frozen(make.NOON + timedelta(minutes=11)), pytest.raises(stock_errors.HoldExpired):
        shop.place({0: 2}, reservation_id=held)


def test_a_foreign_or_unknown_reservation_does_not_exist(shop):
    foreign = reserve(shop, 2, channel_id=ground.channel().pk)
    for reservation in (foreign, uuid4()):
        for method in ("pickup", "ship"):
            address = {"postal_code": "10115", "city": "Berlin", "country": "DE"} if method == "ship" else None
            with pytest.raises(stock_errors.HoldNotFound):
                shop.place({0: 2}, reservation_id=reservation, method=method, ship_to=address)


def test_a_quote_is_honoured(shop):
    terms = ChannelTerms(shop.channel.pk, "EUR", "DE")
    with transaction():
        given = quoting.give(
            [BasketLine(shop.products[0].id, 2)],
            channel=terms,
            at=clock.now(),
            by=ground.TESTER,
            ttl=timedelta(minutes=10),
        )
    order = shop.place({0: 2}, quote_id=given.id)
    assert (order.quote_id, order.total_minor) == (given.id, given.quote.total_minor)
    with pytest.raises(Exception, match="another basket") as refused:
        shop.place({0: 1}, quote_id=given.id)
    assert refused.value.code == "quote_mismatch"


def test_a_known_customer_is_recognised(shop):
    same = IncomingCustomer(name="Erika Beispiel", email="erika@example.org")
    first, second = shop.place(customer=same), shop.place(customer=same)
    assert first.customer_id == second.customer_id is not None


def test_refusals_write_instants_as_the_api_does(shop):
    late = make.NOON + timedelta(hours=1)
    for values, field in (
        ({"occurred_at": late}, "occurred_at"),
        ({"occurred_at": make.NOON - timedelta(days=31)}, "occurred_at"),
        ({"method": "ship", "ship_to": ADDRESS, "location_id": None, "window_starts_at": late}, "window"),
        ({"window_starts_at": late - timedelta(hours=2)}, "window"),
    ):
        with pytest.raises(CommerceError) as refused:
            shop.place(**values)
        (error,) = refused.value.errors
        assert error["field"] == field
        assert error["value"].endswith("Z")
        assert "+00:00" not in f"{refused.value.message}{refused.value.errors}{refused.value.detail}"


def test_an_order_that_stands_is_told_however_late_it_is_asked_for_again(shop):
    order = shop.incoming(occurred_at=make.NOON - timedelta(days=29))

    def place(one):
        with transaction():
            return placement.place(one, channel=shop.terms, by=ground.TESTER, at=clock.now())

    first = place(order)
    with clock.frozen(make.NOON + timedelta(days=40)):
        again = place(order)
        assert (again.order.id, again.is_known) == (first.order.id, True)
        with pytest.raises(errors.DuplicateReference):
            place(replace(order, lines=shop.lines({0: 2})))


def test_a_charge_is_sold_without_stock(shop):
    from tests.factories import pricing as prices

    postage = ground.product(kind="charge")
    prices.prices({postage.id: 490}, price_list=prices.price_list("postage"))
    order = shop.place(lines=(*shop.lines(), IncomingLine(product_id=postage.id, quantity=1)))
    assert order.total_minor == 1680
    assert len(order.fulfilments[0].lines) == 1
    with pytest.raises(InvalidInput):
        shop.place(lines=(IncomingLine(product_id=postage.id, quantity=1),))


# --- again ----------------------------------------------------------------------------------------------------------


def test_the_same_order_again_is_the_order_that_stands(shop):
    order = shop.incoming({0: 2})
    with transaction():
        first = placement.place(order, channel=shop.terms, by=ground.TESTER, at=clock.now())
    with transaction():
        again = placement.place(order, channel=shop.terms, by=ground.TESTER, at=clock.now())
    assert (first.is_known, again.is_known) == (False, True)
    assert again.order.id == first.order.id
    assert available(shop) == 8


def test_another_order_under_the_same_reference_is_refused(shop):
    first = shop.place({0: 2}, external_reference="A-1")
    with pytest.raises(errors.DuplicateReference) as refused:
        shop.place({0: 3}, external_reference="A-1")
    assert refused.value.detail["number"] == first.number
    assert "lines" in [error["field"] for error in refused.value.errors]
    assert available(shop) == 8


def test_a_reference_belongs_to_its_channel(shop):
    shop.place(external_reference="A-1")
    shop.channel = ground.channel()
    shop.place(external_reference="A-1")
    assert Order.objects.count() == 2


# --- refusals leave nothing behind ----------------------------------------------------------------------------------


def test_too_little_stock_is_said_with_names_and_alternatives(shop):
    other = goods.store(latitude=52.4, longitude=13.1)
    goods.receive(shop.products[0].id, other.id, 50)
    with pytest.raises(stock_errors.InsufficientStock) as refused:
        shop.place({0: 11, 1: 1})
    detail = refused.value.detail
    assert [(line["sku"], line["wanted"], line["available"]) for line in detail["lines"]] == [
        (shop.products[0].sku, 11, 10)
    ]
    assert detail["alternatives"][0]["location"] == other.code
    assert is_untouched(shop)


def test_a_full_window_is_refused_and_takes_no_goods(db, noon):
    shop = make.shop(pickup_slot_capacity=1)
    shop.place({1: 1}, external_reference="first")
    with pytest.raises(errors.WindowFull) as refused:
        shop.place()
    assert refused.value.detail["alternatives"]
    assert available(shop) == 10
    assert Order.objects.count() == 1


def test_a_window_that_is_not_open_is_refused(shop):
    with pytest.raises(errors.WindowClosed):
        shop.place(window_starts_at=clock.now())
    assert is_untouched(shop)


@pytest.mark.parametrize(
    ("values", "reason"), [({"capabilities": ["ship"]}, "method_not_offered"), ({"is_active": False}, "inactive")]
)
def test_a_store_that_can_not_is_refused(db, noon, values, reason):
    shop = make.shop(**values)
    with pytest.raises(errors.LocationNotAble) as refused:
        shop.place()
    assert refused.value.detail["reasons"] == [reason]
    assert is_untouched(shop)


def test_a_product_without_a_price_is_refused(shop):
    unpriced = ground.product()
    goods.receive(unpriced.id, shop.store.id, 5)
    with pytest.raises(NoPrice):
        shop.place(lines=(IncomingLine(product_id=unpriced.id, quantity=1),))
    assert is_untouched(shop)


def test_an_unknown_product_is_refused(shop):
    with pytest.raises(UnknownProduct):
        shop.place(lines=(IncomingLine(product_id=999_999_999, quantity=1),))
    assert is_untouched(shop)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"occurred_at": make.NOON + timedelta(minutes=6)}, "occurred_at"),
        ({"occurred_at": make.NOON - timedelta(days=31)}, "occurred_at"),
        ({"method": "drone"}, "method"),
        ({"window_starts_at": None}, "window"),
        ({"location_id": None}, "location"),
        ({"method": "ship"}, "ship_to.postal_code"),
        ({"method": "ship", "ship_to": {"postal_code": "1", "city": "B"}}, "ship_to.country"),
        ({"external_reference": "x" * 121}, "external_reference"),
    ],
)
def test_what_can_not_be_understood_is_refused_by_field(shop, values, field):
    with pytest.raises(InvalidInput) as refused:
        shop.place(**values)
    assert refused.value.errors[0]["field"] == field
    assert is_untouched(shop)


def test_a_clock_a_little_ahead_is_forgiven_and_the_past_is_kept(shop):
    ahead = shop.place(occurred_at=make.NOON + timedelta(minutes=4))
    assert ahead.placed_at == make.NOON + timedelta(minutes=4)
    assert shop.place(occurred_at=make.NOON - timedelta(days=2)).placed_at == make.NOON - timedelta(days=2)


def test_an_open_pickup_code_is_never_given_twice_at_a_store(shop, monkeypatch):
    monkeypatch.setattr(pickup_codes, "new", iter(["AAAAAA", "AAAAAA", "CCCCCC"]).__next__)  # what luck will do one day
    codes = [shop.place().fulfilments[0].pickup_code for _ in range(2)]
    assert codes == ["AAAAAA", "CCCCCC"]


def test_a_pickup_code_that_someone_else_takes_at_this_moment_is_refused(shop, monkeypatch):
    monkeypatch.setattr(pickup_codes, "new", lambda: "AAAAAA")
    shop.place()
    with pytest.raises(Exception, match="pickup code") as refused:
        shop.place()
    assert refused.value.code == "busy"
    assert Order.objects.count() == 1


# --- shipping -------------------------------------------------------------------------------------------------------

ADDRESS = {"street": "Marienplatz 1", "postal_code": "80331", "city": "München", "country": "DE"}


def test_a_shipment_goes_out_from_the_nearest_place_that_has_everything(shop):
    from inventory.places import locations

    with transaction():
        locations.set_places([("DE", "80331", "München", 48.137, 11.576)])
    nearest = goods.store(latitude=48.1, longitude=11.6, capabilities=["pickup"])
    near = goods.store(latitude=48.4, longitude=11.0)
    for place in (nearest, near):
        goods.receive(shop.products[0].id, place.id, 5)
    order = shop.place({0: 2}, method="ship", ship_to=ADDRESS)
    assert order.fulfilments[0].location_id == near.id
    assert (order.fulfilments[0].window_starts_at, order.fulfilments[0].pickup_code) == (None, "")
    decision = RoutingDecision.objects.get(order_id=order.id)
    [share] = decision.outcome["shares"]
    assert (share["winner"]["location"], share["winner"]["rank"]) == (near.code, 1)
    assert [(loser["location"], loser["rank"]) for loser in share["losers"]] == [(shop.store.code, 2)]
    assert decision.outcome["excluded"]["method_not_offered"] == {"count": 1, "locations": [nearest.code]}


def test_a_shipment_that_nobody_can_serve_alone_says_what_lacks(shop):
    with pytest.raises(stock_errors.InsufficientStock) as refused:
        shop.place({0: 11}, method="ship", ship_to=ADDRESS)
    assert refused.value.detail["lines"][0]["available"] == 10
    assert is_untouched(shop)


def test_a_shipment_across_the_border_of_customs_has_no_location(shop):
    with pytest.raises(errors.NoAbleLocation):
        shop.place(method="ship", ship_to=ADDRESS | {"country": "CH"})
    assert is_untouched(shop)


def test_a_shipment_uses_the_goods_that_were_held_for_it(shop):
    held = reserve(shop, 10)
    order = shop.place({0: 10}, method="ship", ship_to=ADDRESS, reservation_id=held)
    assert order.fulfilments[0].location_id == shop.store.id
    assert available(shop) == 0


def test_a_routing_decision_can_not_be_changed(shop):
    shop.place()
    with pytest.raises(Exception, match="journal"), transaction():
        RoutingDecision.objects.update(policy_version="other")


def test_quota_keys_are_those_of_windows(shop):
    order = shop.place()
    key = f"pickup:{shop.store.code}:{clock.utc_text(order.fulfilments[0].window_starts_at)}"
    assert quotas.usage([key], at=clock.now())[key].used == 1
