"""The worked cases of pricing, by their numbers. Budgets (P14) and prior prices (P12) need tables and stand with them."""

from datetime import UTC, datetime
from itertools import permutations

import pytest

from pricing import tiers, vat
from pricing.promotions.effects import Allowance
from pricing.promotions.index import Situation
from pricing.terms import PriceBasis, TaxRounding, TierMode
from tests.pricing.worked import REDUCED, discounts_of, promotion, quoted, stacking, verdicts_of

THREE_FOR_TWO = {"buy": 2, "get": 1}


def test_p1_a_coupon_is_shared_over_three_equal_lines():
    coupon = promotion("C", "amount_off", amount_minor=1000, conditions={"coupon": {"codes": ["TEN"]}})
    quote = quoted((1000, 1), (1000, 1), (1000, 1), promotions=[coupon], situation=Situation(codes=("TEN",)))
    assert discounts_of(quote) == [334, 333, 333]
    assert quote.total_minor == 2000


def test_p2_an_order_percentage_is_rounded_once_then_shared():
    ten = promotion("P", "percent_off", basis_points=1000, level="order")
    quote = quoted((105, 1), (105, 1), (105, 1), promotions=[ten])
    assert discounts_of(quote) == [11, 11, 10]
    assert quote.total_minor == 283


def test_p3_a_line_percentage_is_rounded_once_on_the_extended_line():
    quote = quoted((199, 7), promotions=[promotion("P", "percent_off", basis_points=1500)])
    assert discounts_of(quote) == [209]
    assert quote.total_minor == 1184


@pytest.mark.parametrize(("first", "second", "total"), [(10, 5, 7500), (5, 10, 7600)])
def test_p4_discounts_compound_in_priority_order(first, second, total):
    rules = [
        promotion("A", "percent_off", basis_points=2000, priority=first),
        promotion("B", "amount_off", amount_minor=500, priority=second),
    ]
    assert quoted((10000, 1), promotions=rules).total_minor == total


def test_p5_the_best_of_a_group_wins_and_the_others_are_told():
    rules = [
        promotion("A", "percent_off", basis_points=1500, group="G"),
        promotion("B", "amount_off", amount_minor=1200, group="G"),
        promotion("C", "buy_get", **THREE_FOR_TWO, group="G"),
    ]
    quote = quoted((2490, 3), promotions=rules, stacking=stacking("G:best"))
    assert quote.total_minor == 4980
    assert [(one.promotion, one.discount_minor, one.forfeited_minor) for one in quote.promotions] == [
        ("C", 2490, 0), ("A", 0, 1121), ("B", 0, 1200),
    ]  # fmt: skip


@pytest.mark.parametrize(("policy", "free", "total"), [("per_set", [2, 5], 8000), ("cheapest_overall", [4, 5], 9000)])
def test_p6_three_for_two_by_sets_or_the_cheapest_overall(policy, free, total):
    rule = promotion("T", "buy_get", **THREE_FOR_TWO, policy=policy)
    prices = [3000, 2500, 2000, 1500, 1000, 500]
    quote = quoted(*[(price, 1) for price in prices], promotions=[rule])
    assert quote.total_minor == total
    assert [position for position, minor in enumerate(discounts_of(quote)) if minor] == free


def test_p7_tiers_for_all_units_or_graduated_and_the_inversion_between_them():
    steps = [tiers.Tier(1, 1000), tiers.Tier(10, 900), tiers.Tier(50, 750)]
    assert tiers.total_minor(steps, 55, TierMode.ALL_UNITS) == 41250
    assert tiers.total_minor(steps, 55, TierMode.GRADUATED) == 49500
    (found,) = tiers.inversions(steps)
    assert (found.from_quantity, found.to_quantity, found.cheaper_quantity) == (42, 49, 50)
    assert (found.total_minor, found.cheaper_total_minor) == (44100, 37500)
    assert tiers.inversions(steps, TierMode.GRADUATED) == []


@pytest.mark.parametrize(("level", "total"), [("unit", 2865), ("line", 2864), ("order", 2864)])
def test_a_percentage_is_rounded_once_where_it_says(level, total):
    """5 % of 10.05 is 0.5025: three pieces get 0.50 each, or 1.51 together."""
    rule = promotion("U", "percent_off", basis_points=500, level=level)
    assert quoted((1005, 3), promotions=[rule]).total_minor == total


def test_a_percentage_of_the_original_price_of_each_piece_comes_after_another_cut():
    first = promotion("A", "amount_off", amount_minor=5, level="unit", priority=10)
    rule = promotion("U", "percent_off", basis_points=500, level="unit", base="original")
    assert quoted((1005, 3), promotions=[first, rule]).total_minor == 3 * (1005 - 5 - 50)


@pytest.mark.parametrize("level", ["order", "line"])
def test_p8_a_percentage_with_a_cap(level):
    rule = promotion("C", "percent_off", basis_points=3000, level=level, cap_minor=2500)
    quote = quoted((7000, 1), (3000, 1), (2000, 1), promotions=[rule])
    assert discounts_of(quote) == [1458, 625, 417]
    assert quote.total_minor == 9500
    (told,) = quote.promotions
    assert (told.discount_minor, told.forfeited_minor, told.forfeit_reason) == (2500, 1100, "promotion_cap")


def _share(basis_points, net, tax, gross):
    return vat.TaxShare(basis_points=basis_points, net_minor=net, tax_minor=tax, gross_minor=gross)


def test_p9_vat_per_rate_after_the_discount():
    rule = promotion("P", "percent_off", basis_points=1000, level="order")
    quote = quoted((2140, 1, REDUCED), (11900, 1), promotions=[rule])
    assert discounts_of(quote) == [214, 1190]
    assert quote.taxes == (_share(1900, 9000, 1710, 10710), _share(700, 1800, 126, 1926))
    assert quote.total_minor == 12636
    assert quote.tax_minor == 1836


def test_p10_the_price_of_a_bundle_is_shared_by_single_prices():
    parts = [{"goods": {"products": [f"SKU-00{number}"]}} for number in (1, 2, 3)]
    rule = promotion("B", "bundle", parts=parts, reward={"price_minor": 7500})
    quote = quoted((4990, 1), (2990, 1), (990, 1), promotions=[rule])
    assert [line.total_minor for line in quote.lines] == [4172, 2500, 828]


def test_p11_the_margin_floor_is_applied_last_and_told():
    rule = promotion("P", "percent_off", basis_points=4000)
    quote = quoted((2380, 1), promotions=[rule], costs={1: 1200}, stacking=stacking(minimum_margin_basis_points=2000))
    assert quote.total_minor == 1785
    (step,) = [step for step in quote.lines[0].steps if step.kind == "discount"]
    assert (step.amount_minor, step.forfeited_minor, step.forfeit_reason) == (-595, 357, "margin_floor")


@pytest.mark.parametrize(
    ("at", "total"),
    [
        (datetime(2026, 3, 28, 22, 59, 59, tzinfo=UTC), 10000),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), 8000),
        (datetime(2026, 3, 29, 21, 59, 59, tzinfo=UTC), 8000),
        (datetime(2026, 3, 29, 22, tzinfo=UTC), 10000),
    ],
)
def test_p13_a_day_in_berlin_has_23_hours_when_the_clock_changes(at, total):
    day = {"valid_from": "2026-03-29", "valid_until": "2026-03-30"}
    rule = promotion("P", "percent_off", basis_points=2000, conditions=day)
    assert quoted((10000, 1), promotions=[rule], at=at).total_minor == total


@pytest.mark.parametrize(("grant", "discount"), [("partial", 800), ("all_or_nothing", 0)])
def test_p14_a_budget_grants_what_it_holds_or_nothing(grant, discount):
    rule = promotion("P", "amount_off", amount_minor=1500, limits={"budget_minor": 10000, "grant": grant})
    quote = quoted((5000, 1), promotions=[rule], situation=Situation(allowances={"P": Allowance(budget_minor=800)}))
    assert sum(discounts_of(quote)) == discount


def test_p15_every_piece_knows_what_was_paid_for_it_and_all_of_them_come_to_the_whole():
    quote = quoted((2000, 3), promotions=[promotion("T", "buy_get", **THREE_FOR_TWO)])
    (line,) = quote.lines
    paid = [minor for count, minor in line.pieces for _ in range(count)]
    assert paid == [1333, 1333, 1334]
    for order in permutations((1, 1, 1)):
        returned = refunded = 0
        for pieces in order:
            refunded += line.refund_minor(returned, pieces)
            returned += pieces
        assert refunded == 4000


def test_net_prices_get_vat_on_top_as_a_step_of_its_own():
    quote = quoted((1000, 3), basis=PriceBasis.NET)
    assert [(step.kind, step.amount_minor) for step in quote.lines[0].steps] == [("price", 3000), ("tax", 570)]
    assert (quote.total_minor, quote.tax_minor) == (3570, 570)


def test_vat_rounded_once_per_document_differs_and_is_shared_over_the_lines():
    lines = [(99, 1)] * 3  # 0.158 VAT each: 3 × 0.16 = 0.48 by line, 0.47 on the whole
    assert quoted(*lines).tax_minor == 48
    by_document = quoted(*lines, tax_rounding=TaxRounding.PER_DOCUMENT)
    assert by_document.tax_minor == 47
    assert [line.tax_minor for line in by_document.lines] == [16, 16, 15]
    assert by_document.total_minor == 297


def test_a_discount_never_exceeds_the_order():
    quote = quoted((500, 1), (0, 2), promotions=[promotion("C", "amount_off", amount_minor=100_000)])
    assert quote.total_minor == 0
    assert [line.total_minor for line in quote.lines] == [0, 0]
    assert verdicts_of(quote) == {"C": "applied"}
