"""Many orders at once: the same outcome as one after the other, and a refusal harms nobody else."""

import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import clock, context, idempotency
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.models import AuditEntry, OutboxMessage
from commerce.transactions import transaction
from customers.models import Profile
from inventory.models import Hold
from orders import placement, queries
from orders.api import placing
from orders.models import Order
from pricing import quoting
from pricing.quotes import BasketLine, ChannelTerms
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_placement import available, left, reserve

pytestmark = pytest.mark.django_db


def place_many(shop: make.Shop, *orders, channels=None) -> list[placement.Verdict]:
    terms = channels or [shop.terms] * len(orders)
    wishes = [
        placement.Wish(order, channel, Actor.system(channel.channel_code))
        for order, channel in zip(orders, terms, strict=True)
    ]
    with transaction():
        return placement.place_many(wishes, at=clock.now())


def codes(verdicts) -> list[str]:
    return [verdict.code if isinstance(verdict, CommerceError) else "placed" for verdict in verdicts]


def test_each_gets_its_own_order_as_it_stands(shop):
    verdicts = place_many(shop, shop.incoming({0: 1}), shop.incoming({1: 2, 2: 1}))
    for verdict in verdicts:
        assert replace(queries.order(verdict.order.id), pricing={}) == replace(verdict.order, pricing={})
    assert OutboxMessage.objects.filter(event_type="order.placed").count() == 2
    assert AuditEntry.objects.filter(verb="orders.placement.place").count() == 2
    assert [available(shop, product) for product in range(3)] == [9, 8, 9]


def test_earlier_ones_are_served_first_and_only_those_without_goods_are_refused(shop):
    wanted = [{0: 6}, {0: 6}, {0: 4}, {0: 1, 1: 1}, {1: 9}]
    verdicts = place_many(shop, *[shop.incoming(quantities) for quantities in wanted])
    assert codes(verdicts) == ["placed", "insufficient_stock", "placed", "insufficient_stock", "placed"]
    assert verdicts[1].detail["lines"][0]["wanted"] == 6
    assert [line["sku"] for line in verdicts[3].detail["lines"]] == [shop.products[0].sku]
    assert (available(shop, 0), available(shop, 1)) == (0, 1)
    start = verdicts[0].order.fulfilments[0].window_starts_at
    assert left(shop, start) == 7  # refused orders gave their places back
    assert (Order.objects.count(), Profile.objects.count()) == (3, 3)


def test_a_full_window_refuses_the_later_ones(db, noon):
    shop = make.shop(pickup_slot_capacity=2)
    verdicts = place_many(shop, *[shop.incoming() for _ in range(4)])
    assert codes(verdicts) == ["placed", "placed", "window_full", "window_full"]
    assert available(shop) == 8


def test_twins_are_one_order_and_impostors_are_refused(shop):
    order = shop.incoming({0: 1})
    verdicts = place_many(shop, order, order, replace(order, lines=shop.lines({0: 2})))
    assert codes(verdicts) == ["placed", "placed", "duplicate_reference"]
    assert (verdicts[0].is_known, verdicts[1].is_known) == (False, True)
    assert verdicts[0].order.id == verdicts[1].order.id
    assert available(shop) == 9


def test_what_can_not_be_understood_harms_nobody(shop):
    verdicts = place_many(shop, replace(shop.incoming(), method="drone"), shop.incoming())
    assert codes(verdicts) == ["invalid_input", "placed"]


def test_reservations_and_channels_may_be_mixed(shop):
    held = reserve(shop, 8)
    other = ground.channel()
    theirs = replace(shop.terms, channel_id=other.pk, channel_code=other.code)
    verdicts = place_many(
        shop,
        shop.incoming({0: 2}),
        shop.incoming({0: 8}, reservation_id=held),
        shop.incoming({0: 8}, reservation_id=held),
        shop.incoming({1: 1}),
        channels=[shop.terms, shop.terms, theirs, theirs],
    )
    assert codes(verdicts) == ["placed", "placed", "hold_not_found", "placed"]
    assert available(shop) == 0
    assert Hold.objects.get().state == "consumed"
    assert {verdict.order.channel_id for verdict in verdicts if not isinstance(verdict, CommerceError)} == {
        shop.channel.pk,
        other.pk,
    }


def test_a_refusal_in_a_group_does_not_sweep_by_halves(shop):
    reserve(shop, 5, minutes=1)
    with clock.frozen(make.NOON + timedelta(minutes=2)):
        verdicts = place_many(shop, shop.incoming({0: 11}), shop.incoming({0: 10}))
        assert codes(verdicts) == ["insufficient_stock", "placed"]
        assert verdicts[0].detail["lines"][0]["available"] == 10
        assert available(shop) == 0
    assert Hold.objects.get().state == "expired"


def test_three_who_want_the_last_piece_are_one_order_and_two_refusals(db, noon):
    shop = make.shop(pieces=1)
    verdicts = place_many(shop, *[shop.incoming() for _ in range(3)])
    assert codes(verdicts) == ["placed", "insufficient_stock", "insufficient_stock"]


def test_who_gets_no_goods_keeps_nobody_from_the_window(db, noon):
    shop = make.shop(pickup_slot_capacity=1)
    verdicts = place_many(shop, shop.incoming({0: 11}), shop.incoming({0: 10}), shop.incoming({1: 1}))
    assert codes(verdicts) == ["insufficient_stock", "placed", "window_full"]
    assert available(shop, 1) == 10


def test_a_twin_is_tried_itself_when_the_first_is_refused(shop):
    order = shop.incoming({0: 11})
    verdicts = place_many(shop, order, replace(order, lines=shop.lines({0: 1})), order)
    assert codes(verdicts) == ["insufficient_stock", "placed", "duplicate_reference"]
    assert verdicts[1].is_known is False


def test_an_order_that_stands_is_found_in_a_group(shop):
    order = shop.incoming({0: 1})
    placed = place_many(shop, order)[0].order
    verdicts = place_many(shop, shop.incoming({0: 1}), order, replace(order, lines=shop.lines({0: 2})))
    assert codes(verdicts) == ["placed", "placed", "duplicate_reference"]
    assert (verdicts[1].is_known, verdicts[1].order.id) == (True, placed.id)


def test_what_a_reservation_leaves_goes_to_the_next(shop):
    held = reserve(shop, 10)
    verdicts = place_many(
        shop, shop.incoming({0: 1}), shop.incoming({0: 4}, reservation_id=held), shop.incoming({0: 6})
    )
    assert codes(verdicts) == ["insufficient_stock", "placed", "placed"]
    assert available(shop) == 0


def test_shipments_of_a_group_are_routed_past_what_earlier_ones_take(shop):
    address = {"street": "Marienplatz 1", "postal_code": "80331", "city": "München", "country": "DE"}
    goods.receive(shop.products[0].id, goods.store(capabilities=["ship"]).id, 10)
    wanted = [{"method": "ship", "ship_to": address}] * 2
    verdicts = place_many(shop, *[shop.incoming({0: 6}, **values) for values in wanted])
    assert codes(verdicts) == ["placed", "placed"]
    assert len({verdict.order.fulfilments[0].location_id for verdict in verdicts}) == 2


def test_quotes_of_a_group_are_each_their_own(shop):
    terms = ChannelTerms(shop.channel.pk, "EUR", "DE")
    with transaction():
        given = quoting.give([BasketLine(shop.products[0].id, 2)], channel=terms, at=clock.now(), by=ground.TESTER)
    verdicts = place_many(
        shop,
        shop.incoming({0: 2}, quote_id=given.id),
        shop.incoming({0: 1}, quote_id=given.id),
        shop.incoming({0: 2}, quote_id=uuid4()),
        shop.incoming({0: 2}),
    )
    assert codes(verdicts) == ["placed", "quote_mismatch", "quote_not_found", "placed"]
    assert verdicts[0].order.quote_id == given.id


def test_each_order_names_the_request_that_placed_it(shop):
    with context.bound("request-1"):
        first = placement.Wish(shop.incoming(), shop.terms, ground.TESTER)
    with context.bound("request-2"):
        second = placement.Wish(shop.incoming(), shop.terms, ground.TESTER)
    with transaction():
        verdicts = placement.place_many([first, second], at=clock.now())
    for verdict, request_id in zip(verdicts, ["request-1", "request-2"], strict=True):
        recorded = AuditEntry.objects.get(object_type="order", object_id=str(verdict.order.id))
        told = OutboxMessage.objects.get(aggregate=f"order:{verdict.order.id}")
        assert (recorded.request_id, told.request_id) == (request_id, request_id)


@pytest.mark.usefixtures("_nothing_grows_old")
def test_a_group_takes_as_many_statements_as_one_order(shop):
    place_many(shop, shop.incoming({0: 1, 1: 1}))
    spoken = []
    for size in (1, 8):
        orders = [shop.incoming({0: 1, 1: 1}) for _ in range(size)]
        with CaptureQueriesContext(connection) as captured:
            assert codes(place_many(shop, *orders)) == ["placed"] * size
        spoken.append([query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]])
    assert len(spoken[0]) == len(spoken[1]), "\n".join(sql.replace("\n", " ")[:100] for sql in spoken[1])


def test_one_idempotency_key_twice_in_a_group_has_one_effect(shop):
    attempt = idempotency.Attempt("key-1", "checkout", b"1" * 32)
    order = shop.incoming()
    waiting = [placing._Waiting(placement.Wish(order, shop.terms, ground.TESTER), attempt) for _ in range(2)]
    with transaction():
        first, second = placing._settle(waiting)
    assert first.status_code == 201
    assert second.code == "request_in_progress"
    with transaction():
        again = placing._settle(waiting[:1])[0]
    assert (again.status_code, again.headers["Idempotency-Replayed"], again.content) == (201, "true", first.content)
    assert (Order.objects.count(), available(shop)) == (1, 9)


def test_a_refusal_in_a_group_is_kept_for_its_key_and_names_its_request(db, noon):
    shop = make.shop(pieces=1)
    attempts = [idempotency.Attempt("key-1", f"checkout-{number}", b"1" * 32) for number in range(2)]
    waiting = []
    for attempt in attempts:
        with context.bound(f"request-of-{attempt.key}"):
            waiting.append(placing._Waiting(placement.Wish(shop.incoming(), shop.terms, ground.TESTER), attempt))
    with transaction():
        placed, refused = placing._settle(waiting)
    assert (placed.status_code, refused.status_code) == (201, 409)
    document = json.loads(refused.content)
    assert (document["code"], document["request_id"]) == ("insufficient_stock", "request-of-checkout-1")
    goods.receive(shop.products[0].id, shop.store.id, 5)
    with transaction():
        again = placing._settle(waiting[1:])[0]
    assert (again.status_code, again.content) == (409, refused.content)
