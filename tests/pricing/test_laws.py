"""The laws of pricing over arbitrary baskets, rules and orders of input."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce.money import split_minor
from pricing import discounts, listing, quoted, quotes, rounding, tiers, validity, vat
from pricing.promotions.index import Index
from pricing.promotions.terms import Content
from pricing.terms import PriceBasis, TaxRounding, TierMode
from tests.pricing.worked import promotion

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
LIST_IDS = (1, 2, 3)

amounts = st.integers(0, 10_000_000)
quantities = st.integers(1, 5_000)
reductions = st.lists(
    st.tuples(st.sampled_from(("amount", "percentage")), st.integers(1, 10_000), st.none() | st.integers(1, 10_000)),
    max_size=3,
)
lists = st.builds(
    quotes.ListTerms,
    id=st.just(0),
    code=st.just(""),
    basis=st.sampled_from(PriceBasis),
    tier_mode=st.sampled_from(TierMode),
    is_for_channel=st.booleans(),
    is_for_country=st.booleans(),
    priority=st.integers(-1, 1),
)


def _promotion(place, kind, size, cap):
    if kind == "amount":
        return promotion(f"P{place}", "amount_off", amount_minor=size, cap_minor=cap)
    return promotion(f"P{place}", "percent_off", basis_points=size, level="order", cap_minor=cap)


@st.composite
def cases(draw):
    """A basket and a ruleset that has a price for every product of it."""
    count = draw(st.integers(1, 8))
    terms = []
    for list_id in LIST_IDS:
        drawn = draw(lists)
        terms.append(
            quotes.ListTerms(
                list_id, f"list-{list_id}", drawn.basis, drawn.tier_mode, drawn.is_for_channel, drawn.is_for_country,
                "", drawn.priority,
            )
        )  # fmt: skip
    prices = {}
    for product_id in range(1, count + 1):
        entries = [quotes.PriceTerms(draw(st.sampled_from(LIST_IDS)), 1, draw(amounts))]
        for list_id in draw(st.sets(st.sampled_from(LIST_IDS))):
            entries.append(quotes.PriceTerms(list_id, draw(st.integers(2, 100)), draw(amounts)))
        prices[product_id] = tuple(entries)
    items = [
        quotes.Item(
            product_id, f"S{draw(st.integers(0, 99)):02}-{product_id}", draw(st.sampled_from("ab")), draw(quantities)
        )
        for product_id in range(1, count + 1)
    ]
    ruleset = quotes.Ruleset(
        version="prices:1",
        channel_id=1,
        currency="CHF",
        country="CH",
        lists=tuple(terms),
        rates=(quotes.RateTerms("a", draw(st.integers(0, 3000))), quotes.RateTerms("b", 260)),
        prices=prices,
        promotions=Index(Content(tuple(_promotion(place, *one) for place, one in enumerate(draw(reductions))))),
        rounding=rounding.declared_for("CHF", cash=draw(st.booleans())),
        tax_rounding=draw(st.sampled_from(TaxRounding)),
    )
    return items, ruleset


@given(cases())
def test_steps_sum_to_the_total_and_no_line_is_negative(case):
    quote = quotes.quote(*case, AT)
    for line in quote.lines:
        assert sum(step.amount_minor for step in line.steps) == line.total_minor >= 0
        assert 0 <= line.tax_minor <= line.total_minor
    assert sum(line.total_minor for line in quote.lines) + sum(s.amount_minor for s in quote.steps) == quote.total_minor
    assert (
        sum(line.tax_minor for line in quote.lines) == sum(share.tax_minor for share in quote.taxes) == quote.tax_minor
    )
    assert all(share.net_minor + share.tax_minor == share.gross_minor for share in quote.taxes)
    assert sum(share.gross_minor for share in quote.taxes) == sum(line.total_minor for line in quote.lines)


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_input_changes_not_one_byte(case, random):
    items, ruleset = case
    shuffled = list(items)
    random.shuffle(shuffled)
    halved = [
        quotes.Item(item.product_id, item.sku, item.tax_class, pieces)
        for item in shuffled
        for pieces in (item.quantity // 2, item.quantity - item.quantity // 2)
        if pieces
    ]
    one, other = quotes.quote(items, ruleset, AT), quotes.quote(halved, ruleset, AT)
    assert quotes.canonical(one.document()) == quotes.canonical(other.document())
    assert quotes.from_document(one.document()) == one


@given(st.lists(amounts, min_size=1, max_size=50).filter(any), st.data())
def test_sharing_a_discount_loses_no_cent_and_leaves_no_line_below_zero(lines, data):
    discount = data.draw(st.integers(0, sum(lines)))
    shares = discounts.allocate(discount, lines)
    assert sum(shares) == discount
    assert all(0 <= share <= line for share, line in zip(shares, lines, strict=True))
    assert all(
        abs(Fraction(discount * line, sum(lines)) - share) < 1 for share, line in zip(shares, lines, strict=True)
    )


def test_a_discount_larger_than_its_lines_is_refused():
    for discount in (-1, 301):
        with pytest.raises(ValueError):
            discounts.allocate(discount, [100, 200])


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**5))
def test_half_up_is_the_nearest_and_halves_go_away_from_zero(numerator, denominator):
    exact, rounded = Fraction(numerator, denominator), rounding.half_up(numerator, denominator)
    assert abs(exact - rounded) <= Fraction(1, 2)
    assert rounding.half_up(-numerator, denominator) == -rounded
    if abs(exact - rounded) == Fraction(1, 2):
        assert abs(rounded) > abs(exact)


def test_swiss_cash_goes_to_the_nearest_five_centimes_and_only_when_asked():
    step = rounding.declared_for("CHF", cash=True).cash_step_minor
    assert [rounding.to_step(amount, step) for amount in (1002, 1003, 1007, 1008)] == [1000, 1005, 1005, 1010]
    assert rounding.declared_for("CHF").cash_step_minor == 1
    assert rounding.declared_for("EUR", cash=True).cash_step_minor == 1


@given(amounts, st.integers(0, 10_000))
def test_tax_inside_gross_and_on_net_agree(net, basis_points):
    gross = net + vat.on_net(net, basis_points)
    assert abs(gross - vat.inside_gross(gross, basis_points) - net) <= 1


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 2000)), min_size=1, max_size=5, unique_by=lambda t: t[0]))
def test_inversions_are_found_where_counting_finds_them(steps):
    found = [tiers.Tier(*step) for step in steps]
    in_order = sorted(found, key=lambda tier: tier.min_quantity)
    flagged = {q for i in tiers.inversions(found) for q in range(i.from_quantity, i.to_quantity + 1)}
    dearer = set()
    for upper in in_order[1:]:
        lower = in_order[in_order.index(upper) - 1]
        cheaper = upper.min_quantity * upper.amount_minor
        dearer |= {q for q in range(lower.min_quantity, upper.min_quantity) if q * lower.amount_minor > cheaper}
    assert flagged == dearer


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_a_split_never_loses_a_cent(total, weights):
    assert sum(split_minor(total, weights)) == total


HOURS = st.integers(0, 40)


def _span(start, length, value):
    return validity.Span(
        value, AT + timedelta(hours=start), AT + timedelta(hours=start + length) if length < 30 else None
    )


@given(st.lists(st.tuples(HOURS, st.integers(1, 35), st.integers(1, 3)), max_size=12))
def test_laying_prices_over_each_other_never_overlaps_and_the_last_one_rules(writes):
    stored, expected, numbers = {}, {}, iter(range(1, 1000))
    for start, length, value in writes:
        new = _span(start, length, value)
        plan = validity.plan(stored.values(), [new])
        for span in plan.deleted:
            del stored[span.id]
        for span in plan.shortened:
            assert validity.touches(stored[span.id], span)
            stored[span.id] = span
        for span in plan.added:
            number = next(numbers)
            stored[number] = validity.Span(span.value, span.starts_at, span.ends_at, number)
        for hour in range(start, 100 if length >= 30 else start + length):
            expected[hour] = value
        assert validity.overlap(list(stored.values())) is None
    for hour in range(80):
        instant = validity.Span(0, AT + timedelta(hours=hour), AT + timedelta(hours=hour, minutes=1))
        assert [span.value for span in stored.values() if validity.touches(span, instant)] == [
            expected[hour] for _ in range(hour in expected)
        ]


def test_what_is_told_is_written_in_its_canonical_form_at_once():
    told = (quoted.Quote, quoted.QuotedLine, quoted.Step, quoted.PromotionStep, quoted.NearPromotion, quoted.Offer,
            quoted.Coupon, vat.TaxShare, listing.Candidate)  # fmt: skip
    for kind in told:
        names = [field.name for field in fields(kind)]
        assert names == sorted(names), f"{kind.__name__}: its fields stand in the order of the alphabet"
        assert "__slots__" not in vars(kind), f"{kind.__name__}: what is written is its dictionary"


@given(cases())
def test_a_quote_and_its_document_have_the_same_bytes(case):
    quote = quotes.quote(*case, AT)
    assert quote.canonical() == quotes.canonical(quote.document())
