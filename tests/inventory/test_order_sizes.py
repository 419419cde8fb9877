"""From a forecast to an order: levels, roundings, order days, promotions; and goods shared between stores."""

from datetime import date

import pytest

from inventory.replenishment import balancing, order_sizes, series
from inventory.replenishment.balancing import Shortage, Surplus
from inventory.replenishment.order_sizes import Terms
from inventory.replenishment.series import Day
from inventory.replenishment.spread import Spread

UNKNOWN = Spread({})
WEEKLY = Terms(service_level=0.95, review_days=7, lead_time_days=14)
MONDAY = date(2026, 6, 1)


def test_levels_cover_lead_time_and_review_with_safety_above() -> None:
    said = order_sizes.levels(30.0, WEEKLY, UNKNOWN)
    assert said.cover_days == 21
    assert said.reorder_point == 30 + said.safety_stock
    assert said.target_level == said.reorder_point
    assert said.safety_stock >= said.safety_for_demand > 0


def test_a_higher_service_level_and_a_shaky_supplier_need_more_safety() -> None:
    usual = order_sizes.levels(30.0, WEEKLY, UNKNOWN)
    careful = order_sizes.levels(30.0, Terms(service_level=0.99, review_days=7, lead_time_days=14), UNKNOWN)
    shaky = order_sizes.levels(
        30.0, Terms(service_level=0.95, review_days=7, lead_time_days=14, lead_time_deviation_days=6), UNKNOWN
    )
    assert careful.safety_stock > usual.safety_stock
    assert shaky.safety_stock > usual.safety_stock
    assert shaky.safety_for_lead_time == pytest.approx(1.645 * 6 * 30 / 21, rel=0.01)


def test_without_demand_only_the_least_safety_stock_is_kept() -> None:
    assert order_sizes.levels(0.0, WEEKLY, UNKNOWN).target_level == 0
    kept = Terms(service_level=0.95, review_days=7, lead_time_days=14, safety_stock=4)
    assert order_sizes.levels(0.0, kept, UNKNOWN).target_level == 4


def test_a_rule_that_names_its_point_is_obeyed() -> None:
    terms = Terms(service_level=0.95, review_days=7, lead_time_days=7, reorder_point=10, target_level=24)
    said = order_sizes.levels(14.0, terms, UNKNOWN)
    assert (said.reorder_point, said.target_level) == (10, 24)
    assert order_sizes.quantity(11, said, terms) == 0
    assert order_sizes.quantity(10, said, terms) == 14


@pytest.mark.parametrize(
    ("position", "minimum", "case", "lot", "ordered"),
    [(20, 1, 1, 1, 0), (15, 1, 1, 1, 5), (15, 1, 6, 1, 6), (15, 10, 6, 1, 12), (15, 1, 4, 6, 12), (-3, 1, 1, 1, 23)],
)
def test_orders_are_whole_cases_and_lots_and_at_least_the_minimum(
    position: int, minimum: int, case: int, lot: int, ordered: int
) -> None:
    terms = Terms(
        service_level=0.95, review_days=7, lead_time_days=7, reorder_point=19, target_level=20,
        minimum_order=minimum, case_pack=case, lot_size=lot,
    )  # fmt: skip
    assert order_sizes.quantity(position, order_sizes.levels(5.0, terms, UNKNOWN), terms) == ordered


def test_the_supplier_is_asked_on_a_day_it_takes_orders() -> None:
    assert order_sizes.order_day(MONDAY, [], None, None) == MONDAY
    assert order_sizes.order_day(MONDAY, [3], None, None) == date(2026, 6, 3)
    assert order_sizes.order_day(MONDAY, [3], date(2026, 6, 2), date(2026, 6, 9)) == date(2026, 6, 10)
    assert order_sizes.order_day(MONDAY, [9], None, None) == MONDAY  # a calendar without a day


def test_a_promotion_multiplies_only_its_days() -> None:
    weeks = [(date(2026, 6, 1), date(2026, 6, 2), 3.0)]
    assert order_sizes.expected_demand(7.0, MONDAY, 7, weeks) == pytest.approx(5 + 2 * 3)
    assert order_sizes.expected_demand(7.0, MONDAY, 10.5, []) == pytest.approx(10.5)
    both = [*weeks, (date(2026, 6, 1), date(2026, 6, 7), 2.0)]
    assert order_sizes.factor_on(MONDAY, both) == 3.0


# --- weeks of demand ---------------------------------------------------------------------------------------------------


def test_days_with_nothing_on_hand_are_censored_and_not_zero() -> None:
    days = {date(2026, 6, 2): Day(sold=4, delta=-4), date(2026, 6, 15): Day(came_in=20, delta=20)}
    days[date(2026, 6, 17)] = Day(sold=7, delta=-7)
    said = series.weeks(days, opening=4, first=MONDAY, until=date(2026, 6, 21))
    assert said == [None, None, 7.0]  # sold out on the second day: two days say too little; then none; then a full week


def test_a_week_in_stock_for_four_days_is_scaled_up() -> None:
    days = {date(2026, 6, 4): Day(sold=8, delta=-8)}
    assert series.weeks(days, opening=8, first=MONDAY, until=date(2026, 6, 7)) == [14.0]


def test_a_product_begins_with_its_first_piece() -> None:
    days = {date(2026, 6, 9): Day(came_in=50, delta=50), date(2026, 6, 10): Day(sold=5, delta=-5)}
    said = series.weeks(days, opening=0, first=MONDAY, until=date(2026, 6, 21))
    assert said == [pytest.approx(5 * 7 / 6), 0.0]


def test_what_came_back_on_the_same_day_was_never_wanted() -> None:
    days = {MONDAY: Day(sold=74_215, returned=74_215, delta=0), date(2026, 6, 3): Day(sold=3, delta=-3)}
    days[date(2026, 6, 5)] = Day(returned=2, delta=2)  # came back later: it was demand all the same
    assert series.weeks(days, opening=100_000, first=MONDAY, until=date(2026, 6, 7)) == [3.0]


def test_a_promotion_is_taken_out_of_the_past() -> None:
    days = {MONDAY: Day(sold=12, delta=-12)}
    said = series.weeks(
        days, opening=50, first=MONDAY, until=date(2026, 6, 7), factor=lambda day: 3.0 if day == MONDAY else 1.0
    )
    assert said == [4.0]


# --- between stores ----------------------------------------------------------------------------------------------------


def shortage(place: int, pieces: int, **values: float) -> Shortage:
    facts = {"step": 1, "priority": 5, "days_left": 3.0, "radius_km": 100} | values
    return Shortage(place, pieces, **facts)  # type: ignore[arg-type]


def test_goods_come_from_the_nearest_that_can_spare_them() -> None:
    planned = balancing.moves([shortage(1, 10)], [Surplus(2, 4), Surplus(3, 20)], {(2, 1): 5.0, (3, 1): 50.0})
    assert [(move.from_location_id, move.pieces) for move in planned] == [(2, 4), (3, 6)]


def test_nothing_travels_too_far_or_where_it_may_not() -> None:
    assert balancing.moves([shortage(1, 5, radius_km=40)], [Surplus(2, 9)], {(2, 1): 41.0}) == []
    assert balancing.moves([shortage(1, 5)], [Surplus(2, 9)], {}) == []


def test_scarce_goods_go_to_the_higher_priority_and_then_to_the_emptier_shelf() -> None:
    near = {(9, 1): 1.0, (9, 2): 1.0, (9, 3): 1.0}
    wants = [shortage(1, 5, days_left=1.0), shortage(2, 5, priority=1, days_left=6.0), shortage(3, 5, days_left=0.5)]
    planned = balancing.moves(wants, [Surplus(9, 8)], near)
    assert [(move.to_location_id, move.pieces) for move in planned] == [(2, 5), (3, 3)]


def test_only_whole_cases_move() -> None:
    assert balancing.moves([shortage(1, 10, step=6)], [Surplus(2, 30)], {(2, 1): 1.0})[0].pieces == 6
    assert balancing.moves([shortage(1, 10, step=6)], [Surplus(2, 5)], {(2, 1): 1.0}) == []
