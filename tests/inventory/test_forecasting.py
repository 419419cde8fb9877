"""Forecasts from weeks: classes, methods, short histories, and a tail that is learned."""

import random

import pytest

from inventory.replenishing import DemandClass
from inventory.replenishment import forecasting, series, spread

STEADY = [10.0, 12.0, 9.0, 11.0] * 10
SELDOM = [0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 2.0, 0.0] * 6


@pytest.mark.parametrize(
    ("weeks", "kind"),
    [
        (STEADY, DemandClass.SMOOTH),
        ([1.0, 30.0, 2.0, 1.0, 25.0] * 8, DemandClass.ERRATIC),
        (SELDOM, DemandClass.INTERMITTENT),
        ([0.0, 0.0, 1.0, 0.0, 40.0, 0.0, 0.0, 2.0] * 6, DemandClass.LUMPY),
        ([5.0, 0.0, 2.0], DemandClass.NEW),
        ([0.0] * 40, DemandClass.NONE),
        ([], DemandClass.NONE),
    ],
)
def test_a_series_has_the_class_of_syntetos_and_boylan(weeks: list[float], kind: DemandClass) -> None:
    assert series.classify(weeks) == kind


def test_a_steady_series_is_forecast_near_its_mean() -> None:
    said = forecasting.forecast(STEADY)
    assert said.per_week == pytest.approx(10.5, rel=0.1)
    assert said.note == ""
    assert set(forecasting.COMBINATIONS) <= set(said.errors)


def test_a_series_that_sells_seldom_is_not_forecast_as_its_last_sale() -> None:
    assert 0.2 < forecasting.forecast(SELDOM).per_week < 1.5


@pytest.mark.parametrize("weeks", [[3.0, 0.0, 4.0], [1.0], [None, 2.0, None, 1.0, 3.0]])
def test_three_sales_give_their_mean_and_say_that_the_history_is_short(weeks: list[float | None]) -> None:
    known = [week for week in weeks if week is not None]
    said = forecasting.forecast(weeks)
    assert (said.method, said.note) == (forecasting.MEAN, "short")
    assert said.per_week == pytest.approx(sum(known) / len(known))


@pytest.mark.parametrize("weeks", [[], [None] * 5, [0.0] * 60])
def test_no_sales_give_nothing_and_say_so(weeks: list[float | None]) -> None:
    said = forecasting.forecast(weeks)
    assert (said.method, said.per_week, said.note) == (forecasting.NOTHING, 0.0, "none")


def test_weeks_that_nobody_could_buy_in_are_left_out() -> None:
    with_gaps = [week if place % 3 else None for place, week in enumerate(STEADY)]
    assert forecasting.forecast(with_gaps).per_week == pytest.approx(10.7, rel=0.15)


def test_one_huge_sale_is_cut_to_a_big_week_and_earlier_weeks_stay() -> None:
    weeks = [*STEADY, 5_000.0, 10.0]
    cut = forecasting.capped(weeks)
    assert cut[: len(STEADY)] == STEADY
    assert cut[-2] == pytest.approx(2 * 12.0)
    assert forecasting.forecast(weeks).per_week < 20


def test_forecasts_look_only_back() -> None:
    names = (*forecasting.PARTS, "croston", "sba", "adida", "ets")
    one = forecasting.try_methods([*STEADY, 1.0, 1.0], names, [20, 40])
    other = forecasting.try_methods([*STEADY, 900.0, 900.0], names, [20, 40])
    assert one == other


def test_a_method_wins_only_when_it_is_clearly_better() -> None:
    known = [10.0] * 40
    origins = list(range(8, 36, 2))
    right, wrong = [10.0] * len(origins), [14.0] * len(origins)
    nearly = [13.8] * len(origins)
    assert forecasting.choose(known, {"lead": wrong, "tsb": right}, origins, "lead")[0] == "tsb"
    assert forecasting.choose(known, {"lead": wrong, "tsb": nearly}, origins, "lead")[0] == "lead"
    few = origins[:3]
    assert forecasting.choose(known, {"lead": wrong[:3], "tsb": right[:3]}, few, "lead")[0] == "lead"


def test_the_leading_combination_is_decided_by_all_products_of_a_class() -> None:
    contest = forecasting.Contest()
    dice = random.Random(3)
    for _ in range(6):
        moving = [float(level) for level in (5, 40, 10, 60) for _ in range(15)]
        forecasting.forecast(moving, contest=contest)
    quick = contest.leads()
    steady = forecasting.Contest()
    for _ in range(6):
        forecasting.forecast([float(dice.randint(5, 20)) for _ in range(52)], contest=steady)
    assert forecasting.QUICK in quick.values()
    assert steady.leads() == {DemandClass.SMOOTH: forecasting.STEADY}


def test_the_tail_is_what_forecasts_that_came_true_say() -> None:
    learning, dice = spread.Learning(), random.Random(5)
    for _ in range(4_000):
        learning.add(3, 10.0, float(sum(dice.random() < 0.1 for _ in range(100))))  # about 10, seldom above 15
    known = learning.spread()
    assert known.quantile(10.0, 21, 0.95) == pytest.approx(15, abs=1)
    assert known.quantile(10.0, 21, 0.5) == pytest.approx(10, abs=1)
    assert known.quantile(10.0, 21, 0.99) >= known.quantile(10.0, 21, 0.95)
    assert known.observations(10.0, 21) == 4_000


def test_without_a_history_the_tail_is_assumed_and_grows_with_the_level() -> None:
    nothing = spread.Spread({})
    said = [nothing.quantile(10.0, 14, level) for level in (0.5, 0.8, 0.95, 0.99)]
    assert said == sorted(said)
    assert said[0] < 10 < said[2]
    assert nothing.observations(10.0, 14) == 0


def test_a_size_without_observations_is_answered_by_the_one_next_to_it() -> None:
    learning = spread.Learning()
    for number in range(spread.LEAST_OBSERVATIONS):
        learning.add(3, 10.0, 9.0 + number % 3)
        learning.add(3, 1.5, 30.0)
    known = learning.spread()
    assert known.quantile(20.0, 21, 0.95) == pytest.approx(22, abs=1)
    assert known.observations(20.0, 21) == spread.LEAST_OBSERVATIONS


def test_the_sample_of_a_class_is_bounded() -> None:
    learning = spread.Learning()
    for number in range(spread.MOST_KEPT * 2):
        learning.add(1, 5.0, number % 11)
    (sample,) = learning.samples.values()
    assert (sample.seen, len(sample.kept)) == (spread.MOST_KEPT * 2, spread.MOST_KEPT)
