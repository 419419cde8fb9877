"""The worked cases of pricing, by their numbers, as far as quotes compute them."""

from datetime import UTC, datetime

import pytest

from pricing import discounts, quotes, tiers, vat
from pricing.discounts import OrderDiscount
from pricing.terms import PriceBasis, TaxRounding, TierMode

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
STANDARD, REDUCED = "standard", "reduced"


def quoted(*lines, promotions=(), **rules):
    """Quote lines of (amount, quantity[, tax class]) in EUR on one gross list for everybody."""
    items, prices = [], {}
    for number, (amount, quantity, *tax_class) in enumerate(lines, 1):
        items.append(quotes.Item(number, f"SKU-{number}", *(tax_class or [STANDARD]), quantity))
        prices[number] = (quotes.PriceTerms(1, 1, amount),)
    ruleset = quotes.Ruleset(
        version="prices:1",
        channel_id=1,
        currency="EUR",
        country="DE",
        lists=(quotes.ListTerms(1, "all", rules.pop("basis", PriceBasis.GROSS), TierMode.ALL_UNITS),),
        rates=(quotes.RateTerms(STANDARD, 1900), quotes.RateTerms(REDUCED, 700)),
        prices=prices,
        promotions=tuple(promotions),
        **rules,
    )
    return quotes.quote(items, ruleset, AT)


def discounts_of(quote):
    return [-sum(step.amount_minor for step in line.steps if step.kind == "discount") for line in quote.lines]


def test_p1_a_coupon_is_shared_over_three_equal_lines():
    quote = quoted((1000, 1), (1000, 1), (1000, 1), promotions=[OrderDiscount("c", "coupon", amount_minor=1000)])
    assert discounts_of(quote) == [334, 333, 333]
    assert quote.total_minor == 2000


def test_p2_an_order_percentage_is_rounded_once_then_shared():
    quote = quoted((105, 1), (105, 1), (105, 1), promotions=[OrderDiscount("p", "10 %", basis_points=1000)])
    assert discounts_of(quote) == [11, 11, 10]
    assert quote.total_minor == 283


@pytest.mark.parametrize(("first", "second", "total"), [(10, 5, 7500), (5, 10, 7600)])
def test_p4_discounts_compound_in_priority_order(first, second, total):
    rules = [
        OrderDiscount("a", "20 %", priority=first, basis_points=2000),
        OrderDiscount("b", "5.00 off", priority=second, amount_minor=500),
    ]
    assert quoted((10000, 1), promotions=rules).total_minor == total


def test_p7_tiers_for_all_units_or_graduated_and_the_inversion_between_them():
    steps = [tiers.Tier(1, 1000), tiers.Tier(10, 900), tiers.Tier(50, 750)]
    assert tiers.total_minor(steps, 55, TierMode.ALL_UNITS) == 41250
    assert tiers.total_minor(steps, 55, TierMode.GRADUATED) == 49500
    (found,) = tiers.inversions(steps)
    assert (found.from_quantity, found.to_quantity, found.cheaper_quantity) == (42, 49, 50)
    assert (found.total_minor, found.cheaper_total_minor) == (44100, 37500)
    assert tiers.inversions(steps, TierMode.GRADUATED) == []


def test_p8_a_percentage_with_a_cap():
    rule = OrderDiscount("c", "30 %, at most 25.00", basis_points=3000, cap_minor=2500)
    quote = quoted((7000, 1), (3000, 1), (2000, 1), promotions=[rule])
    assert discounts_of(quote) == [1458, 625, 417]
    assert quote.total_minor == 9500


def test_p9_vat_per_rate_after_the_discount():
    rule = OrderDiscount("p", "10 %", basis_points=1000)
    quote = quoted((2140, 1, REDUCED), (11900, 1), promotions=[rule])
    assert discounts_of(quote) == [214, 1190]
    assert quote.taxes == (vat.TaxShare(1900, 9000, 1710, 10710), vat.TaxShare(700, 1800, 126, 1926))
    assert quote.total_minor == 12636
    assert quote.tax_minor == 1836


def test_p10_the_price_of_a_bundle_is_shared_by_single_prices():
    assert discounts.share_bundle(7500, [4990, 2990, 990]) == [4172, 2500, 828]


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
    quote = quoted((500, 1), (0, 2), promotions=[OrderDiscount("c", "coupon", amount_minor=100_000)])
    assert quote.total_minor == 0
    assert [line.total_minor for line in quote.lines] == [0, 0]


@pytest.mark.parametrize(
    "broken", [{}, {"amount_minor": 1, "basis_points": 1}, {"amount_minor": -1}, {"basis_points": 10001}]
)
def test_a_discount_that_makes_no_sense_is_refused(broken):
    with pytest.raises(ValueError):
        OrderDiscount("x", "broken", **broken)
