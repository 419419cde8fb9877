"""Random promotions on random baskets against paper and pencil, and the laws that hold for all of them."""

import random as randomness

from hypothesis import given, settings
from hypothesis import strategies as st

from pricing import quotes
from pricing.promotions import documents
from pricing.promotions.index import Index
from pricing.promotions.terms import Content, Stacking
from pricing.terms import PriceBasis, TierMode
from tests.pricing import reference
from tests.pricing.worked import AT, discounts_of, promotion, quoted, stacking

KINDS = (
    "percent_line",
    "percent_unit",
    "percent_order",
    "amount_order",
    "amount_unit",
    "fixed_price",
    "per_set",
    "overall",
    "tiered",
)
prices = st.integers(0, 4000)


@st.composite
def baskets(draw):
    return [(draw(prices), draw(st.integers(1, 4))) for _ in range(draw(st.integers(1, 4)))]


@st.composite
def rules(draw, count, name):
    """A promotion as the reference knows it."""
    lines = sorted(draw(st.sets(st.integers(0, count - 1), min_size=1)))
    found = {"name": name, "kind": draw(st.sampled_from(KINDS)), "lines": lines}
    found["percent"] = draw(st.integers(1, 100))
    found["amount"] = draw(st.integers(1, 2500))
    found["price"] = draw(st.integers(0, 2000))
    found["buy"], found["get"] = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    found["original"] = draw(st.booleans()) if found["kind"] in ("percent_line", "percent_order", "tiered") else False
    found["steps"] = [(1000, draw(st.integers(1, 20))), (4000, draw(st.integers(21, 60)))]
    found["cap"] = draw(st.none() | st.integers(1, 1500))
    found["minimum"] = draw(st.none() | st.integers(1, 8000))
    return found


@st.composite
def cases(draw):
    lines = draw(baskets())
    slots = []
    for number in range(draw(st.integers(1, 3))):
        mode = draw(st.sampled_from(("stack", "in_order", "best", "lowest")))
        members = [draw(rules(len(lines), f"{number}{letter}")) for letter in "ABC"[: draw(st.integers(1, 3))]]
        slots.append((mode, members))
    names = [one["name"] for _mode, members in slots for one in members]
    for _mode, members in slots:
        for one in members:
            one["excludes"] = sorted(draw(st.sets(st.sampled_from(names), max_size=1)) - {one["name"]})
    floors = [draw(st.none() | st.integers(0, 4000)) for _ in lines]
    return lines, slots, floors, draw(st.none() | st.integers(0, 6000))


def engine_terms(rule, group, *, group_mates=()):
    """Return the promotion that a rule of the reference means."""
    kind = rule["kind"]
    terms = {"group": group, "goods": {"products": [f"SKU-{line + 1:03}" for line in rule["lines"]]}}
    terms["cap_minor"] = rule["cap"]
    terms["excludes"] = rule.get("excludes", [])
    if rule["original"]:
        terms["base"] = "original"
    if rule["minimum"]:
        terms["conditions"] = {"minimum": {"amount_minor": rule["minimum"]}}
    name, points = rule["name"], rule["percent"] * 100
    if kind == "percent_line":
        return promotion(name, "percent_off", basis_points=points, **terms)
    if kind == "percent_unit":
        return promotion(name, "percent_off", basis_points=points, level="unit", **terms)
    if kind == "percent_order":
        return promotion(name, "percent_off", basis_points=points, level="order", **terms)
    if kind == "amount_order":
        return promotion(name, "amount_off", amount_minor=rule["amount"], **terms)
    if kind == "amount_unit":
        return promotion(name, "amount_off", amount_minor=rule["amount"], level="unit", **terms)
    if kind == "fixed_price":
        return promotion(name, "fixed_price", amount_minor=rule["price"], **terms)
    if kind == "tiered":
        tiers = [{"at_least": step, "basis_points": percent * 100} for step, percent in rule["steps"]]
        return promotion(name, "tiered", tiers=tiers, **terms)
    policy = "per_set" if kind == "per_set" else "cheapest_overall"
    sizes = {"buy": rule["buy"], "get": rule["get"]}
    return promotion(name, "buy_get", **sizes, policy=policy, reward={"basis_points": points}, **terms)


def priced(lines, slots, floors, cap, **options):
    promotions = [engine_terms(rule, f"G{n}") for n, (_mode, members) in enumerate(slots) for rule in members]
    groups = [{"code": f"G{n}", "mode": mode, "priority": -n} for n, (mode, _members) in enumerate(slots)]
    margin = {"minimum_margin_basis_points": 0} if any(one is not None for one in floors) else {}
    terms = documents.content_from({"stacking": {"groups": groups, "basket_cap_minor": cap, **margin}}).stacking
    # Without VAT and margin the floor of a line is what its pieces cost us.
    costs = {place + 1: one for place, one in enumerate(floors) if one is not None}
    free = [(price, quantity, "zero") for price, quantity in lines]
    return _without_vat(free, promotions, terms, costs)


def _without_vat(lines, promotions, terms, costs):
    items, entries = [], {}
    for number, (price, quantity, tax_class) in enumerate(lines, 1):
        items.append(quotes.Item(number, f"SKU-{number:03}", tax_class, quantity))
        entries[number] = (quotes.PriceTerms(1, 1, price),)
    everything = quotes.ListTerms(1, "all", PriceBasis.GROSS, TierMode.ALL_UNITS)
    untaxed = quotes.RateTerms("zero", 0)
    index = Index(Content(tuple(promotions), terms))
    ruleset = quotes.Ruleset("v", 1, "EUR", "DE", (everything,), (untaxed,), entries, index)
    return quotes.quote(items, ruleset, AT, facts=quotes.Facts(costs))


@settings(max_examples=400, deadline=None)
@given(cases())
def test_the_engine_agrees_with_paper_and_pencil(case):
    lines, slots, costs, cap = case
    floors = [None if cost is None else cost * quantity for cost, (_p, quantity) in zip(costs, lines, strict=True)]
    quote = priced(lines, slots, costs, cap)
    assert not quote.is_approximate
    assert quote.total_minor == reference.total(lines, slots, floors, cap)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_amounts_always_sum_and_no_line_falls_below_zero_or_its_floor(case):
    lines, slots, costs, cap = case
    quote = priced(lines, slots, costs, cap)
    cuts = discounts_of(quote)
    assert sum(cuts) == sum(one.discount_minor for one in quote.promotions) == quote.discount_minor
    assert cap is None or sum(cuts) <= cap
    for line, cost, (price, quantity) in zip(quote.lines, costs, lines, strict=True):
        assert sum(step.amount_minor for step in line.steps) == line.total_minor
        assert line.total_minor >= min(price * quantity, (cost or 0) * quantity)
        assert sum(count for count, _minor in line.pieces) == quantity
        assert sum(count * minor for count, minor in line.pieces) == line.total_minor
        assert all(minor >= 0 for _count, minor in line.pieces)
    for one in quote.promotions:
        steps = [step for line in quote.lines for step in line.steps if step.reference == f"promotion:{one.promotion}"]
        assert sum(-step.amount_minor for step in steps) == one.discount_minor
        if one.verdict == "applied":
            assert sum(step.forfeited_minor for step in steps) == one.forfeited_minor


@settings(max_examples=150, deadline=None)
@given(cases(), st.data())
def test_one_promotion_more_in_a_best_group_never_raises_the_price(case, data):
    lines, slots, costs, cap = case
    best = [place for place, (mode, _members) in enumerate(slots) if mode == "best"]
    if not best:
        slots, best = [*slots, ("best", [])], [len(slots)]
    place = data.draw(st.sampled_from(best))
    more = data.draw(rules(len(lines), "9Z"))
    mode, members = slots[place]
    richer = [*slots[:place], (mode, [*members, more]), *slots[place + 1 :]]
    assert priced(lines, richer, costs, cap).total_minor <= priced(lines, slots, costs, cap).total_minor


@settings(max_examples=100, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_promotions_and_lines_changes_not_one_byte(case, random):
    lines, slots, _costs, cap = case
    promotions = [engine_terms(rule, f"G{n}") for n, (_mode, members) in enumerate(slots) for rule in members]
    groups = [f"G{n}:{mode}" for n, (mode, _members) in enumerate(slots)]
    one = quoted(*lines, promotions=promotions, stacking=stacking(*groups, basket_cap_minor=cap))
    random.shuffle(promotions)
    other = quoted(*lines, promotions=promotions, stacking=stacking(*groups, basket_cap_minor=cap))
    assert quotes.canonical(one.document()) == quotes.canonical(other.document())
    assert quotes.from_document(one.document()) == one


@settings(max_examples=150, deadline=None)
@given(cases())
def test_a_promotion_survives_its_document(case):
    for _mode, members in case[1]:
        for rule in members:
            terms = engine_terms(rule, "")
            assert documents.from_document(documents.document(terms)) == terms
            content = Content((terms,), Stacking())
            assert not terms.excludes or documents.document(content)
    assert documents.content_from(documents.document(Content())) == Content()


@st.composite
def bundle_cases(draw):
    lines = draw(st.lists(st.tuples(st.integers(1, 3000), st.integers(1, 3)), min_size=1, max_size=4))
    places = st.sets(st.integers(0, len(lines) - 1), min_size=1).map(sorted)
    bundles = draw(
        st.lists(
            st.tuples(st.lists(st.tuples(places, st.integers(1, 2)), min_size=1, max_size=2), st.integers(0, 4000)),
            min_size=1,
            max_size=2,
        )
    )
    return lines, bundles


@settings(max_examples=300, deadline=None)
@given(bundle_cases())
def test_bundles_that_overlap_save_the_most_that_is_possible(case):
    lines, bundles = case
    promotions = [
        promotion(
            f"B{number}",
            "bundle",
            parts=[
                {"goods": {"products": [f"SKU-{place + 1:03}" for place in places]}, "quantity": quantity}
                for places, quantity in parts
            ],
            reward={"price_minor": price},
        )
        for number, (parts, price) in enumerate(bundles)
    ]
    quote = quoted(*lines, promotions=promotions)
    saved = sum(discounts_of(quote))
    if quote.is_approximate:
        assert saved <= reference.best_bundles(lines, bundles)
    else:
        assert saved == reference.best_bundles(lines, bundles)


def test_a_huge_overlap_is_bounded_flagged_and_the_same_every_time():
    random = randomness.Random(7)
    lines = [(random.randrange(500, 5000), random.randrange(1, 400)) for _ in range(25)]
    promotions = [
        promotion(
            f"B{number}",
            "bundle",
            parts=[
                {"goods": {"products": [f"SKU-{random.randrange(1, 26):03}" for _ in range(8)]}, "quantity": quantity}
                for quantity in (2, 3)
            ],
            reward={"price_minor": random.randrange(3000, 9000)},
        )
        for number in range(6)
    ]
    one, other = (quoted(*lines, promotions=list(order)) for order in (promotions, promotions[::-1]))
    assert one.is_approximate
    assert sum(discounts_of(one)) > 0
    assert quotes.canonical(one.document()) == quotes.canonical(other.document())
