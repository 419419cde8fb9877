"""Elasticities and results of campaigns: right where the truth is known, silent where the data say nothing."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import exp

import numpy
import pytest
from django.test import Client
from django.urls import reverse

from commerce import catalog, clock, transactions
from commerce.actors import Actor
from commerce.roles import Role
from inventory.places import locations
from orders import sales_learnt
from pricing import costs, rulesets, vat
from pricing.learning import campaigns, elasticity, findings, sales
from pricing.learning.campaigns import Day, Effect
from pricing.learning.elasticity import Elasticity, TooLittle, Week
from pricing.learning.sales import Given, Port, Sold
from pricing.promotions.terms import Conditions, Content, Goods, Limits, PercentOff, Promotion
from tests.factories import commerce as ground
from tests.factories import pricing

BY = Actor.system("tests")
FIRST = date(2026, 1, 5)  # a Monday


def weeks(
    true: float, *, count: int = 80, seed: int = 1, noise: float = 0.15, levels: tuple[int, ...] = (800, 1_000, 1_200)
):
    dice = random.Random(seed)
    found = []
    for number in range(count):
        price = levels[number // 5 % len(levels)]
        market = 10_000 * (1 + 0.5 * (number % 52 > 45))
        mean = 4_000 * (price / 1_000) ** true * (market / 10_000)
        found.append(Week(max(1, round(mean * exp(dice.gauss(0, noise)))), price, market))
    return found


@pytest.mark.parametrize("true", [-2.5, -1.0, -0.3])
def test_a_known_elasticity_lies_in_its_interval(true):
    found = [elasticity.fit(weeks(true, seed=seed)) for seed in range(40)]
    assert all(isinstance(one, Elasticity) for one in found)
    inside = sum(one.low <= true <= one.high for one in found)
    assert inside >= 34  # 95 % of 40 is 38; fewer than 34 happens once in a thousand times
    assert abs(float(numpy.mean([one.value for one in found])) - true) < 0.15


def test_a_season_is_not_taken_for_an_effect_of_the_price():
    seasonal = [
        Week(
            1_000 * (3 if number % 52 > 45 else 1),
            800 if number % 52 > 45 else 1_000,
            10_000 * (3 if number % 52 > 45 else 1) + number,
        )
        for number in range(104)
    ]
    assert elasticity.fit(seasonal) is TooLittle.SEASON


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (weeks(-2, count=19), TooLittle.FEW_WEEKS),
        (weeks(-2, levels=(1_000,)), TooLittle.ONE_PRICE),
        (weeks(-2, levels=(1_000, 1_001)), TooLittle.ONE_PRICE),
        (weeks(-2, noise=4.0, count=24), TooLittle.WIDE),
        ([], TooLittle.FEW_WEEKS),
        ([Week(0, 1_000)] * 50, TooLittle.FEW_WEEKS),
    ],
    ids=["few weeks", "one price", "a cent", "noise", "nothing", "no sales"],
)
def test_where_the_data_say_nothing_nothing_is_told(given, why):
    assert elasticity.fit(given) is why


def test_days_without_stock_do_not_look_like_weak_demand():
    sold = [Sold(1, FIRST + timedelta(days=day), 10, 10_000, 1_000.0) for day in range(14) if day not in (8, 9)]
    empty = {FIRST + timedelta(days=day) for day in (8, 9)}
    found = findings.weeks_of(sold, {0: 500, 1: 500}, empty, first=FIRST)
    assert [(week.pieces, week.days, week.pieces / week.days) for week in found] == [(70, 7, 10.0), (50, 5, 10.0)]


# --- campaigns ----------------------------------------------------------------------------------------------------------


def daily(mean: float, factor: float = 1.0, seed: int = 3, since: int = -28, until: int = 14) -> dict[date, Day]:
    dice = numpy.random.default_rng(seed)
    found = {}
    for day in range(since, until):
        pieces = int(dice.poisson(mean * (factor if day >= 0 else 1.0)))
        found[FIRST + timedelta(days=day)] = Day(pieces, pieces * 1_000)
    return found


LAST = FIRST + timedelta(days=13)


def test_what_a_campaign_brought_is_found_with_its_range():
    inside = 0
    for seed in range(40):
        found = campaigns.effect(daily(20, 1.5, seed), daily(200, 1.0, seed + 100), first=FIRST, last=LAST)
        assert isinstance(found, Effect)
        inside += found.low <= 0.5 * 20 * 14 <= found.high
    assert inside >= 34


def test_what_all_goods_did_is_not_ascribed_to_the_campaign():
    found = campaigns.effect(daily(20, 2.0), daily(500, 2.0, 5), first=FIRST, last=LAST)
    assert isinstance(found, Effect)
    assert abs(found.market - 2.0) < 0.1
    assert not found.is_clear


def test_days_without_stock_are_left_out_on_both_sides():
    sales_of = daily(20)
    empty = [FIRST + timedelta(days=day) for day in (-3, -2, 5, 6, 7)]
    found = campaigns.effect(
        {day: one for day, one in sales_of.items() if day not in empty}, {}, first=FIRST, last=LAST, left_out=empty
    )
    assert isinstance(found, Effect)
    assert (found.days, found.market) == (11, 1.0)
    assert not found.is_clear


@pytest.mark.parametrize(
    ("given", "left_out", "why"),
    [
        (daily(0.2), [], campaigns.TooLittle.FEW_SALES),
        (daily(20), [FIRST - timedelta(days=day) for day in range(1, 16)], campaigns.TooLittle.FEW_DAYS),
        (daily(20), [FIRST + timedelta(days=day) for day in range(14)], campaigns.TooLittle.NOT_BEGUN),
    ],
)
def test_a_campaign_that_says_nothing_says_so(given, left_out, why):
    assert campaigns.effect(given, {}, first=FIRST, last=LAST, left_out=left_out) is why


# --- what is asked of the rooms above, and the pages ------------------------------------------------------------------


@pytest.fixture
def told(db, monkeypatch) -> dict[str, int]:
    """A lamp that was on offer for two weeks, and a vase beside it that sold less meanwhile."""
    ids = {sku: ground.product(sku, category=category).id for sku, category in (
        ("LAMP", "Living/Lamps"), ("VASE", "Living/Lamps"), ("SPADE", "Garden"))}  # fmt: skip
    rows = [
        Sold(ids[sku], day, one.pieces, one.revenue_minor, 1_000.0)
        for sku, days in (("LAMP", daily(20, 2.0)), ("VASE", daily(20, 0.4, 9)), ("SPADE", daily(200, 1.0, 7)))
        for day, one in days.items()
    ]
    history = [
        Sold(ids["LAMP"], date(2024, 6, 3) + timedelta(days=7 * number), week.pieces, 0, week.price_minor)
        for number, week in enumerate(weeks(-2.0, count=60))
    ]

    def sold(product_ids, first, last):
        return [
            one for one in [*rows, *history]
            if first <= one.day <= last and (product_ids is None or one.product_id in product_ids)
        ]  # fmt: skip

    port = Port(
        sold, lambda product_ids, first, last: {}, lambda promotion, currency, first, last: Given(120, 24_000),
        lambda first, last, most: list(ids.values())[:most], lambda: (date(2024, 6, 3), LAST),
    )  # fmt: skip
    monkeypatch.setattr(sales, "_port", [port])
    with clock.frozen(datetime(2026, 1, 4, 23, tzinfo=UTC)), transactions.transaction():
        terms = Conditions(valid_until=datetime(2026, 1, 18, 23, tzinfo=UTC))
        rulesets.publish(
            Content(
                (
                    Promotion(
                        "LAMPS",
                        "Lamp weeks",
                        PercentOff(2_000),
                        Goods(products=("LAMP",)),
                        terms,
                        limits=Limits(budget_minor=48_000),
                    ),
                )
            ),
            by=BY,
        )
    return ids


def test_a_campaign_and_what_it_took_from_its_neighbours(told):
    at = datetime(2026, 1, 20, tzinfo=UTC)
    (campaign,) = findings.all_campaigns(at)
    found = findings.result(campaign, at=at)
    assert (found.first, found.last, found.products, found.given.discount_minor) == (FIRST, LAST, 1, 24_000)
    assert found.effect.is_clear
    assert found.effect.low > 0
    assert found.others.high < 0
    assert found.margin_minor is None


def test_money_of_two_currencies_is_never_added_up(told, monkeypatch):
    """What was sold for francs changes nothing that is told in euros, and has an answer of its own."""
    at, known = datetime(2026, 1, 20, tzinfo=UTC), sales.port()
    (campaign,) = findings.all_campaigns(at)
    before, answer = findings.result(campaign, at=at), findings.elasticities([told["LAMP"]], last=LAST)[told["LAMP"]]
    francs = [Sold(told["LAMP"], day, 1, 99_900, 99_900.0, currency="CHF") for day in daily(20, 2.0)]

    def sold(product_ids, first, last):
        wanted = [one for one in francs if first <= one.day <= last]
        return [*known.sold(product_ids, first, last), *wanted]

    monkeypatch.setattr(sales, "_port", [replace(known, sold=sold)])
    found = findings.result(campaign, at=at)
    assert (found.currency, list(found.currencies)) == ("EUR", ["EUR", "CHF"])
    assert found.effect == before.effect
    assert findings.elasticities([told["LAMP"]], last=LAST)[told["LAMP"]].currency == answer.currency == "EUR"
    swiss = findings.result(campaign, at=at, currency="CHF")
    assert swiss.currency == "CHF"
    assert swiss.effect != before.effect


def test_the_margin_of_a_campaign_takes_off_the_tax_of_its_goods(told):
    """Goods at 7 % keep 93.46 % of what was paid, whatever the standard rate is; what was paid with its tax counts as it is."""
    at = datetime(2026, 1, 20, tzinfo=UTC)
    (campaign,) = findings.all_campaigns(at)
    with transactions.transaction():
        costs.set_costs([costs.NewCost(told["LAMP"], 300, "EUR", datetime(2025, 1, 1, tzinfo=UTC))], by=BY)
    assert findings.result(campaign, at=at).margin_minor is None  # nobody knows its rate
    with transactions.transaction():
        catalog.change_product(told["LAMP"], tax_class="reduced", by=BY)
    pricing.standard_rates()
    found = findings.result(campaign, at=at)
    sold = sales.port().sold([told["LAMP"]], FIRST, LAST)
    assert found.margin_minor == sum(
        one.revenue_minor - vat.inside_gross(one.revenue_minor, 700) - 300 * one.pieces for one in sold
    )


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_pages_tell_what_was_learnt(told, language):
    person, client = ground.user(language=language), Client()
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    with clock.frozen(datetime(2026, 1, 20, tzinfo=UTC)):
        html = client.get(reverse("admin:pricing_results"), {"promotion": "LAMPS"}).content.decode()
        assert "Lamp weeks" in html
        assert ("not certain" if language == "en" else "nicht sicher") not in html
        assert ("50.0 %" if language == "en" else "50,0 %") in html
        assert client.get(reverse("admin:pricing_results"), {"promotion": "GONE"}).status_code == 404
        one = client.get(reverse("admin:pricing_elasticity"), {"sku": "LAMP"}).content.decode()
        assert "<circle" in one
        every = client.get(reverse("admin:pricing_elasticity")).content.decode()
        assert ("Not enough data" if language == "en" else "Nicht genug Daten") in every
        unknown = client.get(reverse("admin:pricing_elasticity"), {"sku": "GONE"}).content.decode()
        assert "GONE" in unknown
    clerk = Client()
    clerk.force_login(ground.user())
    assert clerk.get(reverse("admin:pricing_results")).status_code in (302, 403, 404)


@pytest.mark.django_db
def test_orders_answer_with_what_they_know():
    first, last = date(2026, 1, 1), date(2026, 1, 31)
    assert list(sales_learnt.sold(None, first, last)) == []
    assert list(sales_learnt.sold([1], first, last)) == []
    assert sales_learnt.best(first, last, 5) == []
    assert sales_learnt.span() is None
    assert sales_learnt.given("SALE", "EUR", first, last) == Given(0, 0)
    assert sales_learnt.empty_days([1], first, last) == {}
