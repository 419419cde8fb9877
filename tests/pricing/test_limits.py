"""Budgets and uses of promotions: held by quotes, an order's for good, free again, never overspent."""

from datetime import UTC, datetime, timedelta

import pytest

from commerce import catalog, clock, quotas, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput
from pricing import coupons, limits, quotes, quoting, rulesets
from pricing.errors import CouponExists
from pricing.promotions.terms import Content
from tests.factories import pricing as make
from tests.pricing.worked import promotion

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop():
    with clock.frozen(NOW):
        with transactions.transaction():
            channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
            mug = catalog.add_product(sku="MUG", name="Mug", by=BY)
        make.standard_rates()
        make.price_list("standard")
        make.prices({mug.id: 10000})
        yield quotes.ChannelTerms(channel.pk, "EUR", "DE"), mug.id


def publish(*promotions):
    with transactions.transaction():
        rulesets.publish(Content(promotions), by=BY)


def give(shop, quantity=1, at=NOW, **shopper):
    with transactions.transaction():
        return quoting.give(
            [quoting.BasketLine(shop[1], quantity)], channel=shop[0], at=at, by=BY, shopper=quoting.Shopper(**shopper)
        )


def left(promotion_id="P", kind="budget"):
    found = limits.usage(promotion_id, at=clock.now()).get(kind)
    return None if found is None else found.left


def off(given):
    return given.quote.discount_minor


@pytest.mark.parametrize(("grant", "granted"), [("partial", 800), ("all_or_nothing", 0)])
def test_p14_what_is_left_of_a_budget_is_granted_or_nothing(shop, grant, granted):
    publish(promotion("P", "amount_off", amount_minor=1500, limits={"budget_minor": 10000, "grant": grant}))
    with transactions.transaction():
        quotas.book([quotas.HoldRequest("promotion:P:budget", 10000, 9200, "before")], at=NOW)
    given = give(shop)
    assert off(given) == granted
    assert left() == 800 - granted
    assert off(give(shop)) == 0
    if granted:
        (told,) = given.quote.promotions
        assert (told.discount_minor, told.forfeited_minor, told.forfeit_reason) == (800, 700, "budget")


def test_a_quote_that_expires_gives_back_what_it_held(shop):
    publish(promotion("P", "amount_off", amount_minor=1000, limits={"budget_minor": 1000}))
    assert off(give(shop)) == 1000
    assert off(give(shop)) == 0
    with clock.frozen(NOW + quoting.USUAL):
        assert left() == 1000
        assert off(give(shop, at=clock.now())) == 1000


def test_an_order_takes_over_what_its_quote_holds_once_and_gives_it_back_when_cancelled(shop):
    publish(promotion("P", "amount_off", amount_minor=1000, limits={"uses": 1}))
    given = give(shop)
    assert given.quote.is_limited
    order_id = given.id  # any id will do for an order
    with transactions.transaction():
        ordering = limits.Ordering([given.id], at=NOW)
        assert ordering.take(given.id, order_id) is None
        assert ordering.take(given.id, order_id).code == "quote_used"
        ordering.write()
    with transactions.transaction():
        assert limits.Ordering([given.id], at=NOW).take(given.id, order_id).code == "quote_used"
    later = NOW + timedelta(days=1)
    with clock.frozen(later):
        assert left(kind="uses") == 0
        assert off(give(shop, at=later)) == 0
        with transactions.transaction():
            limits.give_back(order_id)
            limits.give_back(order_id)
        assert left(kind="uses") == 1
        assert off(give(shop, at=later)) == 1000


def test_what_takes_nothing_off_uses_nothing_up(shop):
    publish(
        promotion("P", "amount_off", amount_minor=1000, limits={"uses": 5}, conditions={"minimum": {"quantity": 3}}),
    )
    given = give(shop)
    assert not given.quote.is_limited
    assert left(kind="uses") is None or left(kind="uses") == 5
    assert [one.missing_quantity for one in given.quote.near] == [2]


def test_a_customer_has_a_promotion_so_often_and_nobody_without_a_name(shop):
    publish(promotion("P", "amount_off", amount_minor=1000, limits={"uses_per_customer": 1}))
    assert off(give(shop)) == 0
    assert off(give(shop, customer="Anna@Example.org ")) == 1000
    assert off(give(shop, customer="anna@example.org")) == 0
    assert off(give(shop, customer="bert@example.org")) == 1000


def test_an_order_without_a_quote_is_not_given_what_is_limited(shop):
    publish(promotion("P", "amount_off", amount_minor=1000, limits={"uses": 1}))
    assert quoting.price([quoting.BasketLine(shop[1], 1)], channel=shop[0], at=NOW).total_minor == 10000
    assert left(kind="uses") is None


@pytest.mark.parametrize("typed", ["SOMMER10", " sommer 10 ", "Sommer\u00a010", "ｓｏｍｍｅｒ１０"])
def test_a_code_is_known_however_it_is_typed(shop, typed):
    publish(promotion("P", "percent_off", basis_points=1000, conditions={"coupon": {"codes": ["Sommer 10"]}}))
    given = give(shop, codes=(typed,))
    assert off(given) == 1000
    assert [(one.code, one.verdict, one.promotion) for one in given.quote.coupons] == [("SOMMER10", "applied", "P")]


def test_codes_of_a_batch_are_used_once_each_and_by_their_customer(shop):
    publish(
        promotion("P", "percent_off", basis_points=1000, conditions={"coupon": {"batches": ["june"]}},
                  limits={"uses_per_code": 1}),
    )  # fmt: skip
    with transactions.transaction():
        made = coupons.make_batch("june", 3, by=BY, prefix="ju-")
        coupons.add("june", {"for anna": "anna"}, by=BY, valid_until=NOW + timedelta(days=1))
    assert len({*made}) == 3
    assert all(code.startswith("JU-") for code in made)
    assert off(give(shop, codes=(made[0].lower(),))) == 1000
    again = give(shop, codes=(made[0],))
    assert (off(again), again.quote.coupons[0].verdict) == (0, "used_up")
    assert off(give(shop, codes=(made[1],))) == 1000
    assert off(give(shop, codes=("FORANNA",), customer="bert")) == 0
    assert off(give(shop, codes=("FORANNA",), customer="anna")) == 1000
    unknown = give(shop, codes=("NEVER",))
    assert (off(unknown), unknown.quote.coupons[0].verdict) == (0, "unknown")
    with pytest.raises(CouponExists), transactions.transaction():
        coupons.add("july", {made[0]: ""}, by=BY)


def test_a_prefix_unlocks_by_all_that_follows_it_but_not_alone(shop):
    publish(promotion("P", "percent_off", basis_points=1000, conditions={"coupon": {"prefixes": ["VIP-"]}}))
    assert off(give(shop, codes=("vip-7",))) == 1000
    assert off(give(shop, codes=("VIP-",))) == 0


def test_too_many_codes_are_refused(shop):
    with pytest.raises(InvalidInput) as refusal:
        give(shop, codes=tuple(f"C{number}" for number in range(21)))
    assert refusal.value.errors[0]["field"] == "coupons"
