"""Promotions that make no sense are refused by path, value and way out; what each condition asks for is what it gets."""

from datetime import UTC, datetime, time

import pytest

from commerce.errors import InvalidInput
from pricing.promotions import codes, documents, windows
from pricing.promotions.basket import StockFacts
from pricing.promotions.index import Situation
from pricing.promotions.terms import Hours
from tests.pricing.worked import discounts_of, promotion, quoted, stacking, verdicts_of

TEN = {"kind": "percent_off", "basis_points": 1000}


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"id": ""}, "id"),
        ({"id": "two words"}, "id"),
        ({"name": " "}, "name"),
        ({"benefit": None}, "benefit"),
        ({"benefit": {"kind": "magic"}}, "benefit.kind"),
        ({"benefit": {"kind": "percent_off", "basis_points": 10001}}, "benefit.basis_points"),
        ({"benefit": {"kind": "percent_off", "basis_points": -1}}, "benefit.basis_points"),
        ({"benefit": {"kind": "percent_off", "basis_points": 10.5}}, "benefit.basis_points"),
        ({"benefit": {"kind": "percent_off", "basis_points": True}}, "benefit.basis_points"),
        ({"benefit": {"kind": "amount_off", "amount_minor": 0}}, "benefit.amount_minor"),
        ({"benefit": {"kind": "buy_get", "buy": 0, "get": 1}}, "benefit.buy"),
        ({"benefit": {"kind": "bundle", "parts": [], "reward": {"price_minor": 1}}}, "benefit.parts"),
        ({"benefit": {"kind": "bundle", "parts": [{}], "reward": {"price_minor": 1, "amount_minor": 1}}}, "benefit.reward"),
        ({"benefit": {"kind": "tiered", "tiers": [{"at_least": 2, "basis_points": 1}, {"at_least": 1, "basis_points": 2}]}},
         "benefit.tiers"),
        ({"conditions": {"valid_from": "2026-03-02", "valid_until": "2026-03-01"}}, "conditions.valid_until"),
        ({"conditions": {"valid_from": "2026-03-01", "valid_until": "2026-03-01"}}, "conditions.valid_until"),
        ({"conditions": {"valid_from": "soon"}}, "conditions.valid_from"),
        ({"conditions": {"zone": "Europe/Nowhere"}}, "conditions.zone"),
        ({"conditions": {"zone": "../etc"}}, "conditions.zone"),
        ({"conditions": {"hours": [{"weekdays": [0]}]}}, "conditions.hours[0].weekdays"),
        ({"conditions": {"hours": [{"starts": "25:00"}]}}, "conditions.hours[0].starts"),
        ({"conditions": {"coupon": {}}}, "conditions.coupon"),
        ({"conditions": {"coupon": {"codes": ["   "]}}}, "conditions.coupon.codes[0]"),
        ({"conditions": {"coupon": {"prefixes": ["A"]}}}, "conditions.coupon.prefixes"),
        ({"conditions": {"minimum": {}}}, "conditions.minimum"),
        ({"limits": {"budget_minor": 0}}, "limits.budget_minor"),
        ({"excludes": ["A"]}, "excludes"),
        ({"discount": 5}, "discount"),
        ({"goods": {"products": "SKU"}}, "goods.products"),
        ({"goods": []}, "goods"),
        ({"phase": 0}, "phase"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named_with_its_value_and_a_way_out(wrong, path):
    with pytest.raises(InvalidInput) as refusal:
        documents.from_document({"id": "A", "name": "A", "benefit": TEN} | wrong)
    errors = {error["field"]: error for error in refusal.value.errors}
    assert path in errors
    assert errors[path]["message"].endswith((".", "?"))


def test_all_faults_are_told_at_once_also_what_does_not_fit_together():
    one = {"id": "A", "name": "A", "benefit": TEN}
    with pytest.raises(InvalidInput) as refusal:
        documents.content_from(
            {
                "promotions": [one, one, {**one, "id": "B", "group": "G", "excludes": ["NONE"]}],
                "stacking": {},
                "more": 1,
            }
        )
    assert [error["field"] for error in refusal.value.errors] == [
        "more", "promotions[1].id", "promotions[2].group", "promotions[2].excludes",
    ]  # fmt: skip


def test_a_document_leaves_out_what_is_as_usual_and_lists_are_sorted():
    terms = promotion("A", "percent_off", basis_points=1000, goods={"products": ["B", "A", "B"]})
    assert documents.document(terms) == {
        "id": "A", "name": "A", "benefit": {"kind": "percent_off", "basis_points": 1000},
        "goods": {"products": ["A", "B"]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("hours", "at", "is_open"),
    [
        (Hours((1,), time(17), time(20)),
         datetime(2026, 6, 1, 15, tzinfo=UTC), True),  # Monday, 17:00 in Berlin
        (Hours((1,), time(17), time(20)), datetime(2026, 6, 1, 18, tzinfo=UTC), False),
        (Hours((1,), time(17), time(20)), datetime(2026, 6, 2, 15, tzinfo=UTC), False),
        (Hours((5,), time(22), time(2)),
         datetime(2026, 6, 5, 23, 30, tzinfo=UTC), True),  # Saturday, 1:30: Friday's night
        (Hours((5,), time(22), time(2)),
         datetime(2026, 6, 4, 23, 30, tzinfo=UTC), False),
        (Hours((7,), time(2), time(3)),
         datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), False),  # the hour that the clock skips
        (Hours((7,), time(2), time(3)),
         datetime(2026, 3, 29, 1, tzinfo=UTC), False),
        (Hours((7,), time(2), time(3)),
         datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),  # the hour that it strikes twice
        (Hours((7,), time(2), time(3)),
         datetime(2026, 10, 25, 1, 30, tzinfo=UTC), True),
        (Hours((3,)), datetime(2026, 6, 3, 21, 59, tzinfo=UTC), True),
        (Hours((3,)), datetime(2026, 6, 3, 22, tzinfo=UTC), False),
    ],
)  # fmt: skip
def test_hours_of_the_week_go_by_the_clock_on_the_wall(hours, at, is_open):
    assert windows.is_open([hours], at, "Europe/Berlin") is is_open


@pytest.mark.parametrize(
    ("conditions", "fits", "fits_not"),
    [
        ({"customer_groups": ["staff"]}, Situation(customer_group="staff"), Situation()),
        (
            {"segments": ["vip", "gold"]},
            Situation(segments=frozenset({"gold"})),
            Situation(segments=frozenset({"new"})),
        ),
        ({"except_segments": ["blocked"]}, Situation(), Situation(segments=frozenset({"blocked"}))),
        ({"loyalty_tiers": ["gold"]}, Situation(loyalty_tier="gold"), Situation(loyalty_tier="silver")),
        ({"is_first_order": True}, Situation(is_first_order=True), Situation()),
        ({"is_first_order": False}, Situation(is_first_order=False), Situation(is_first_order=True)),
        ({"locations": ["BER01"]}, Situation(location="BER01"), Situation(location="BER02")),
        ({"payment_methods": ["invoice"]}, Situation(payment_method="invoice"), Situation(payment_method="card")),
        ({"coupon": {"codes": ["a b"]}}, Situation(codes=("AB",)), Situation(codes=("A",))),
    ],
)
def test_a_condition_lets_in_whom_it_names(conditions, fits, fits_not):
    rule = promotion("P", "percent_off", basis_points=1000, conditions=conditions)
    totals = [quoted((1000, 1), promotions=[rule], situation=one).total_minor for one in (fits, fits_not)]
    assert totals == [900, 1000]


@pytest.mark.parametrize(
    ("stock", "facts", "total"),
    [
        ({"least_available": 5}, StockFacts(5), 900),
        ({"least_available": 5}, StockFacts(4), 1000),
        ({"least_cover_days": 60}, StockFacts(9, 60), 900),
        ({"least_cover_days": 60}, StockFacts(9, 59), 1000),
        ({"least_cover_days": 60}, StockFacts(9, None), 1000),
        ({"most_cover_days": 10}, StockFacts(9, 11), 1000),
        ({"least_available": 1}, None, 1000),
    ],
)
def test_stock_decides_by_line(stock, facts, total):
    rule = promotion("P", "percent_off", basis_points=1000, conditions={"stock": stock})
    quote = quoted((1000, 1), promotions=[rule], stock={1: facts} if facts else {})
    assert quote.total_minor == total


def test_groups_in_their_modes():
    rules = [
        promotion("A", "percent_off", basis_points=1000, priority=1, group="G"),
        promotion("B", "percent_off", basis_points=2000, group="G"),
    ]
    totals = {
        mode: quoted((1000, 1), promotions=rules, stacking=stacking(f"G:{mode}")).total_minor
        for mode in ("stack", "in_order", "best", "lowest")
    }
    assert totals == {"stack": 720, "in_order": 900, "best": 800, "lowest": 900}


def test_promotions_that_exclude_each_other_never_meet_whoever_says_so():
    early = promotion("A", "percent_off", basis_points=1000, priority=2)
    late = promotion("B", "percent_off", basis_points=2000, priority=1, excludes=["A"])
    quote = quoted((1000, 1), promotions=[early, late])
    assert (quote.total_minor, verdicts_of(quote)) == (900, {"A": "applied", "B": "excluded"})
    early = promotion("A", "percent_off", basis_points=1000, priority=2, excludes=["group:G"])
    late = promotion("B", "percent_off", basis_points=2000, group="G")
    quote = quoted((1000, 1), promotions=[early, late], stacking=stacking("G:stack"))
    assert discounts_of(quote) == [100]


def test_a_later_threshold_is_not_missed_by_a_deeper_discount_before_it():
    """The larger discount of the group would take the basket below the threshold that is worth more."""
    rules = [
        promotion("SMALL", "amount_off", amount_minor=500, group="G"),
        promotion("LARGE", "amount_off", amount_minor=1100, group="G"),
        promotion("MORE", "percent_off", basis_points=2000, phase=2, conditions={"minimum": {"amount_minor": 9000}}),
    ]
    quote = quoted((10000, 1), promotions=rules, stacking=stacking("G:best"))
    assert quote.total_minor == 7600
    assert verdicts_of(quote) == {"SMALL": "applied", "MORE": "applied", "LARGE": "beaten"}


def test_the_caps_of_a_basket_take_back_the_last_first():
    rules = [promotion(name, "percent_off", basis_points=3000, priority=-place) for place, name in enumerate("ABC")]
    quote = quoted((10000, 1), promotions=rules, stacking=stacking(basket_cap_basis_points=5000))
    assert quote.total_minor == 5000
    told = {one.promotion: (one.discount_minor, one.forfeited_minor, one.forfeit_reason) for one in quote.promotions}
    assert told == {"A": (3000, 0, ""), "B": (2000, 100, "basket_cap"), "C": (0, 1470, "basket_cap")}


def test_an_empty_basket_costs_nothing():
    quote = quoted(promotions=[promotion("A", "amount_off", amount_minor=500)])
    assert (quote.total_minor, quote.lines) == (0, ())


@pytest.mark.parametrize("typed", ["", " ", "\u00a0\u200b"])
def test_a_code_of_blanks_is_none(typed):
    assert codes.normalised(typed) == ""
