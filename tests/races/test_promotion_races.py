"""Many who want the last of a promotion at once: one gets it, and no budget is overspent by a cent."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from commerce import catalog, clock, transactions
from commerce.actors import Actor
from commerce.models import Quota
from pricing import limits, quotes, quoting, rulesets
from pricing.promotions.terms import Content
from tests.factories import pricing as make
from tests.pricing.worked import promotion

pytestmark = [pytest.mark.races, pytest.mark.django_db(transaction=True)]

BY = Actor.system("tests")
THREADS = 16


@pytest.fixture
def shop():
    with transactions.transaction():
        channel = catalog.add_channel(code="web-de", name="Web", kind="web", country="DE", currency="EUR", by=BY)
        mug = catalog.add_product(sku="MUG", name="Mug", by=BY)
    make.standard_rates()
    make.price_list("standard")
    make.prices({mug.id: 10000})
    return quotes.ChannelTerms(channel.pk, "EUR", "DE"), mug.id


def publish(*promotions):
    with transactions.transaction():
        rulesets.publish(Content(promotions), by=BY)


def at_once(work, count):
    def alone(number):
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as crowd:
        return list(crowd.map(alone, range(count)))


def give(shop, quantity=1, **shopper):
    with transactions.transaction():
        return quoting.give(
            [quoting.BasketLine(shop[1], quantity)], channel=shop[0], at=clock.now(), by=BY,
            shopper=quoting.Shopper(**shopper),
        )  # fmt: skip


def test_of_two_hundred_who_redeem_a_code_for_one_exactly_one_does(shop):
    publish(
        promotion("P", "percent_off", basis_points=1000, conditions={"coupon": {"codes": ["ONCE"]}}, limits={"uses": 1})
    )
    given = at_once(lambda _number: give(shop, codes=("once",)), 200)
    winners = [one for one in given if one.quote.discount_minor]
    assert len(winners) == 1
    assert {one.quote.coupons[0].verdict for one in given if one not in winners} == {"used_up"}

    def order(_number):
        with transactions.transaction():
            ordering = limits.Ordering([winners[0].id], at=clock.now())
            refusal = ordering.take(winners[0].id, quoting.ids.new())
            ordering.write()
        return refusal

    refusals = at_once(order, 40)
    assert [one for one in refusals if one is None] == [None]


def test_a_budget_is_spent_to_the_last_cent_and_no_further(shop):
    publish(promotion("P", "percent_off", basis_points=333, limits={"budget_minor": 12_345}))
    numbers = random.Random(5)
    pieces = [numbers.randrange(1, 6) for _ in range(80)]
    given = at_once(lambda number: give(shop, pieces[number]), len(pieces))
    spent = sum(one.quote.discount_minor for one in given)
    quota = Quota.objects.get(key="promotion:P:budget")
    assert spent == quota.held + quota.committed == 12_345


def test_two_orders_that_both_want_the_rest_of_a_budget_one_gets_it(shop):
    publish(promotion("P", "amount_off", amount_minor=800, limits={"budget_minor": 800, "grant": "all_or_nothing"}))
    given = at_once(lambda _number: give(shop), 2)
    assert sorted(one.quote.discount_minor for one in given) == [0, 800]
