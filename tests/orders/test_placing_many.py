"""Many orders at once: the same outcome as one after the other, and a refusal harms nobody else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from commerce import clock
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.models import AuditEntry, OutboxMessage
from commerce.transactions import transaction
from customers.models import Profile
from inventory.models import Hold
from orders import placement, queries
from orders.models import Order
from tests.factories import commerce as ground
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
