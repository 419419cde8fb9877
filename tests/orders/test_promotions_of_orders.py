"""Promotions from the quote to the order and back: limits, floors by real costs, stock, and the demo's own rules."""

from datetime import UTC, datetime, timedelta

import pytest

from commerce import clock
from commerce.errors import CommerceError
from commerce.transactions import transaction
from orders import cancellation, placement
from orders.demo import promoting
from pricing import facts, limits, quoting, rulesets
from pricing.promotions import documents
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db


def publish(*promotions, **stacking):
    with transaction():
        rulesets.publish({"promotions": list(promotions), "stacking": stacking}, by=ground.TESTER)


@pytest.fixture
def shop():
    with clock.frozen(make.NOON):
        facts.forget()
        yield make.shop()
        facts.forget()


def give(shop, **shopper):
    terms = quoting.ChannelTerms(shop.terms.channel_id, shop.terms.currency, shop.terms.country)
    with transaction():
        return quoting.give(
            [quoting.BasketLine(shop.products[0].id, 1)], channel=terms, at=clock.now(), by=ground.TESTER,
            shopper=quoting.Shopper(**shopper),
        )  # fmt: skip


def place(shop, quote_id, quantities=None):
    wish = placement.Wish(shop.incoming(quantities or {0: 1}, quote_id=quote_id), shop.terms, ground.TESTER)
    with transaction():
        return placement.place_many([wish], at=clock.now())[0]


def used():
    found = limits.usage("ONE", at=clock.now()).get("uses")
    return found.used if found else 0


ONE = {"id": "ONE", "name": "One", "benefit": {"kind": "amount_off", "amount_minor": 100}, "limits": {"uses": 1}}


def test_an_order_settles_what_its_quote_holds_and_a_cancelled_one_gives_it_back(shop):
    publish(ONE)
    given = give(shop)
    assert given.quote.discount_minor == 100
    placed = place(shop, given.id)
    assert placed.order.total_minor == given.quote.total_minor
    again = place(shop, given.id)
    assert isinstance(again, CommerceError)
    assert again.code == "quote_used"
    with clock.frozen(make.NOON + timedelta(hours=2)):
        assert used() == 1
        with transaction():
            cancellation.cancel_order(placed.order.id, by=ground.TESTER, at=clock.now())
        assert used() == 0
        assert give(shop).quote.discount_minor == 100


def test_an_order_that_can_not_be_placed_leaves_its_quote_as_it_was(shop):
    publish(ONE)
    given = give(shop)
    refused = place(shop, given.id, {0: 10_000})
    assert isinstance(refused, CommerceError)
    assert place(shop, given.id).order.total_minor == given.quote.total_minor


def test_two_orders_by_one_quote_in_one_group_only_the_first_is_placed(shop):
    publish(ONE)
    given = give(shop)
    wishes = [placement.Wish(shop.incoming({0: 1}, quote_id=given.id), shop.terms, ground.TESTER) for _ in range(2)]
    with transaction():
        first, second = placement.place_many(wishes, at=clock.now())
    assert first.order.total_minor == given.quote.total_minor
    assert second.code == "quote_used"


def test_stock_decides_where_a_promotion_asks_for_it(shop):
    less = {"id": "LESS", "name": "Less", "benefit": {"kind": "percent_off", "basis_points": 1000}}
    publish({**less, "conditions": {"stock": {"least_available": 10}}})
    assert give(shop).quote.discount_minor > 0  # ten are there
    facts.forget()
    publish({**less, "conditions": {"stock": {"least_available": 11}}})
    assert give(shop).quote.discount_minor == 0
    facts.forget()
    publish({**less, "conditions": {"stock": {"least_cover_days": 60}}})
    assert give(shop).quote.discount_minor > 0  # nobody buys it


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 6, 1, tzinfo=UTC), "2026-11-27"),
        (datetime(2026, 11, 30, 22, tzinfo=UTC), "2026-11-27"),
        (datetime(2026, 12, 1, tzinfo=UTC), "2027-11-26"),
    ],
)
def test_the_demos_black_friday_is_the_next_one(now, day):
    starts_at, ends_at = promoting.black_friday(now)
    assert (starts_at.date().isoformat(), (ends_at - starts_at).days) == (day, 4)
    assert documents.content_from(promoting._content(now)).promotions


def test_the_demos_promotions_are_published_with_their_codes(shop):
    with transaction():
        promoting.promote(None, now=clock.now())
    assert rulesets.in_force(clock.now()).number == 1
    given = give(shop, customer_group="staff")
    assert given.quote.discount_minor == (given.quote.lines[0].unit_price_minor * 15 + 50) // 100
