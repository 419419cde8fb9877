"""What is wrong with promotions before anyone buys by them, each from a set that is right but for it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pricing import conflicts, differences
from pricing.assortment import Article
from pricing.conflicts import Code, Severity
from pricing.differences import Kind
from pricing.promotions.terms import (
    AmountOff,
    Base,
    BuyGet,
    Conditions,
    Content,
    Coupon,
    FixedPrice,
    Gift,
    Goods,
    Group,
    Hours,
    Minimum,
    Mode,
    PercentOff,
    Promotion,
    Stacking,
    Tier,
    Tiered,
)

BEGINS = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
ARTICLES = [
    Article("LAMP", "Living/Lamps", 10_000, 6_000, 10_000),
    Article("VASE", "Living", 2_000, 1_500, 2_000),
    Article("SPADE", "Garden/Tools", 3_000, 1_000, 2_500),
]
LAMPS = Goods(categories=("Living/Lamps",))
FINE = Promotion("lamps", "Lamps 20 %", PercentOff(2_000), LAMPS)


def found(
    *promotions: Promotion, stacking: Stacking | None = None, until: datetime | None = None
) -> dict[Code, tuple[str, ...]]:
    content = Content(promotions, stacking or Stacking())
    answers = conflicts.check(content, ARTICLES, effective_from=BEGINS, effective_to=until)
    return {one.code: one.promotions for one in answers}


def test_what_is_right_has_no_findings():
    assert found(FINE) == {}


@pytest.mark.parametrize(
    ("promotion", "code"),
    [
        (replace(FINE, conditions=Conditions(valid_until=BEGINS)), Code.IMPOSSIBLE_WINDOW),
        (replace(FINE, goods=Goods(products=("GONE",))), Code.NO_GOODS),
        (replace(FINE, goods=Goods(products=("LAMP", "GONE"))), Code.UNKNOWN_GOODS),
        (replace(FINE, benefit=PercentOff(0)), Code.BELOW_ZERO_EFFECT),
        (replace(FINE, benefit=PercentOff(4_100), conditions=Conditions(coupon=Coupon(("A",)))), Code.BELOW_COST),
        (replace(FINE, benefit=FixedPrice(5_999)), Code.BELOW_COST),
        (replace(FINE, benefit=Gift("GONE")), Code.NO_GOODS),
        (replace(FINE, excludes=("nobody",)), Code.UNKNOWN_EXCLUSION),
        (replace(FINE, goods=Goods(products=("SPADE",))), Code.UNTRUE_CLAIM),
        (
            replace(FINE, benefit=Tiered((Tier(5_000, basis_points=2_000), Tier(6_000, amount_minor=500)))),
            Code.TIER_INVERSION,
        ),
    ],
)
def test_one_promotion_alone(promotion, code):
    assert found(promotion) == {code: ("lamps",)}


def test_hours_that_never_come_within_a_short_window():
    monday_only = replace(FINE, conditions=Conditions(hours=(Hours((1,)),)))  # the first of December 2026 is a Tuesday
    assert found(monday_only, until=BEGINS + timedelta(days=2)) == {Code.IMPOSSIBLE_WINDOW: ("lamps",)}
    assert found(monday_only, until=BEGINS + timedelta(days=8)) == {}


def test_an_untrue_percentage_names_the_true_one():
    (finding,) = conflicts.check(
        Content((replace(FINE, goods=Goods(products=("SPADE",))),)), ARTICLES, effective_from=BEGINS
    )
    assert (finding.severity, dict(finding.facts)) == (
        Severity.ERROR, {
            "sku": "SPADE", "claimed": 2_000, "true": 400, "count": 1, "currency": "EUR", "prior_minor": 2_500,
            "price_minor": 2_400, "channel": "",
        },
    )  # fmt: skip


def test_a_percentage_for_some_is_no_claim():
    for terms in (
        Conditions(coupon=Coupon(("A",))),
        Conditions(segments=("club",)),
        Conditions(minimum=Minimum(5_000)),
    ):
        assert found(replace(FINE, goods=Goods(products=("SPADE",)), conditions=terms)) == {}


def test_two_that_together_take_too_much_off():
    other = Promotion(
        "all", "40 % on all", PercentOff(4_000), Goods(products=("LAMP",)), conditions=Conditions(segments=("club",))
    )
    assert found(FINE, other) == {Code.DOUBLE_DISCOUNT: ("lamps", "all")}
    (finding,) = conflicts.check(Content((FINE, other)), ARTICLES, effective_from=BEGINS)
    assert finding.facts["depth"] == 5_200
    assert found(FINE, replace(other, base=Base.ORIGINAL)) == {Code.DOUBLE_DISCOUNT: ("lamps", "all")}
    assert found(FINE, replace(other, excludes=("lamps",))) == {}
    assert found(FINE, replace(other, goods=Goods(products=("VASE",)))).keys() == {Code.BELOW_COST}
    assert found(
        FINE, replace(other, conditions=replace(other.conditions, valid_until=BEGINS + timedelta(days=1)))
    ).keys() == {Code.DOUBLE_DISCOUNT}
    groups = Stacking((Group("g", Mode.BEST),))
    assert found(replace(FINE, group="g"), replace(other, group="g"), stacking=groups) == {}


def test_one_that_never_wins():
    groups = Stacking((Group("g", Mode.BEST),))
    weaker = replace(FINE, id="weaker", group="g", benefit=PercentOff(1_000))
    assert found(replace(FINE, group="g"), weaker, stacking=groups) == {Code.NEVER_WINS: ("weaker", "lamps")}
    asking = replace(FINE, group="g", conditions=Conditions(minimum=Minimum(20_000)))
    assert found(asking, weaker, stacking=groups) == {}


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        (Coupon(("A1",)), Coupon(("A1", "B")), True),
        (Coupon(("SOMMER26",)), Coupon(prefixes=("SOM",)), True),
        (Coupon(prefixes=("SOM",)), Coupon(prefixes=("SOMMER",)), True),
        (Coupon(("A1",)), Coupon(("A1",)), False),  # the same coupon on purpose: two benefits
        (Coupon(("A1",)), Coupon(("A2",)), False),
        (Coupon(batches=("x",)), Coupon(batches=("x", "y")), True),
    ],
)
def test_codes_that_unlock_two(one, other, collide):
    first = replace(FINE, conditions=Conditions(coupon=one))
    second = Promotion("vases", "Vases", AmountOff(100), Goods(products=("VASE",)), conditions=Conditions(coupon=other))
    assert (Code.COUPON_COLLISION in found(first, second)) is collide


def test_errors_come_first_and_many_promotions_take_no_time_to_speak_of():
    articles = [Article(f"S{number}", f"C{number % 50}", 1_000) for number in range(10_000)]
    promotions = tuple(
        Promotion(f"p{number:03}", "P", PercentOff(3_000), Goods(categories=(f"C{number % 50}",)))
        for number in range(200)
    )
    answers = conflicts.check(Content((replace(FINE, id="a"), *promotions)), articles, effective_from=BEGINS)
    assert answers[0].code is Code.NO_GOODS
    assert len(answers) == 1 + 50 * 6  # four of each category, two by two


def test_differences_name_every_field():
    before = Content((FINE, replace(FINE, id="gone")))
    changed = replace(FINE, benefit=PercentOff(2_500), conditions=Conditions(minimum=Minimum(5_000)))
    after = Content((changed, Promotion("new", "3 for 2", BuyGet(2, 1))), Stacking(basket_cap_minor=10_000))
    found = differences.between(before, after)
    assert [(one.kind, one.promotion_id) for one in found.changes] == [
        (Kind.REMOVED, "gone"), (Kind.CHANGED, "lamps"), (Kind.ADDED, "new"),
    ]  # fmt: skip
    assert [(one.path, one.before, one.after) for one in found.changes[1].fields] == [
        ("benefit.basis_points", 2_000, 2_500),
        ("conditions", None, {"minimum": {"amount_minor": 5_000}}),
    ]
    assert [one.path for one in found.settings] == ["stacking"]
    assert differences.between(after, after).is_empty
