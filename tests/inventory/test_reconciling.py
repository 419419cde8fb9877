"""Why a difference may be there: each rule on its own, and none where nothing speaks for it."""

from typing import Any

import pytest

from inventory.reconciling import Cause, Decision, Difference, Suggestion, is_right_by_itself, suggest


def one(ours: int, theirs: int, **facts: Any) -> Difference:
    return Difference(1, "LAMP", "lamps", ours, theirs, **facts)


def cause(ours: int, theirs: int, **facts: Any) -> Suggestion:
    return suggest([one(ours, theirs, **facts)])[0]


@pytest.mark.parametrize(
    ("difference", "expected", "facts"),
    [
        (one(8, -8), Cause.SIGN_FLIPPED, {"theirs": -8}),
        (one(36, 3, packs=(6, 12)), Cause.CASE_PACK, {"pack": 12, "cases": 3}),
        (one(3, 36, packs=(12,)), Cause.CASE_PACK, {"pack": 12, "cases": 3}),
        (one(25, 250), Cause.UNIT_ERROR, {"factor": 10}),
        (one(2_000, 2), Cause.UNIT_ERROR, {"factor": 1000}),
        (one(30, 20, arrived=10), Cause.LATE_RECEIPT, {"arrived": 10}),
        (one(20, 30, on_the_way=12), Cause.ARRIVAL_NOT_BOOKED, {"on_the_way": 12}),
        (one(20, 22, left=2), Cause.DEPARTURE_NOT_BOOKED, {"left": 2}),
        (one(20, 19, losses=2), Cause.SHRINKAGE, {"times": 3}),
        (one(20, 18, sold_a_day=2.0, hours_unreported=24.0), Cause.SALE_NOT_REPORTED, {"a_week": 14, "hours": 24}),
        (one(20, 18, minutes_since_told=3.2), Cause.NEWS_ON_THE_WAY, {"minutes": 3}),
    ],
    ids=lambda value: value.value if isinstance(value, Cause) else None,
)
def test_facts_that_speak_for_a_cause_suggest_it(
    difference: Difference, expected: Cause, facts: dict[str, int | str]
) -> None:
    [found] = suggest([difference])
    assert (found.cause, dict(found.facts)) == (expected, facts)


@pytest.mark.parametrize(
    "difference",
    [
        one(20, 17),
        one(1, 10),  # ten times one: as likely nine pieces
        one(0, 5),
        one(30, 15, arrived=10),  # more is missing than arrived
        one(20, 40, on_the_way=12, left=3),
        one(20, 19, losses=1),
        one(20, 10, sold_a_day=1.0, hours_unreported=24.0),
        one(20, 18, minutes_since_told=90.0),
        one(35, 3, packs=(12,)),
    ],
)
def test_where_nothing_speaks_for_a_cause_none_is_made_up(difference: Difference) -> None:
    assert suggest([difference]) == [Suggestion()]


def test_neighbours_that_differ_by_the_same_pieces_up_and_down_were_swapped() -> None:
    blue, red = Difference(1, "CUP-BLUE", "cups", 10, 7), Difference(2, "CUP-RED", "cups", 4, 7)
    lamp = Difference(3, "LAMP", "lamps", 10, 7)
    found = suggest([blue, lamp, red])
    assert [one.cause for one in found] == [Cause.SWAPPED, Cause.UNKNOWN, Cause.SWAPPED]
    assert found[0].facts == {"sku": "CUP-RED", "pieces": 3}


def test_among_many_candidates_nobody_was_swapped_for_sure() -> None:
    cups = [Difference(number, f"CUP-{number}", "cups", 10, theirs) for number, theirs in enumerate((9, 9, 11))]
    assert {one.cause for one in suggest(cups)} == {Cause.UNKNOWN}
    unsorted = [Difference(1, "A", "", 10, 9), Difference(2, "B", "", 10, 11)]
    assert {one.cause for one in suggest(unsorted)} == {Cause.UNKNOWN}


@pytest.mark.parametrize(
    ("decision", "delta", "right"),
    [
        (Decision.THEIRS, -50, True),
        (Decision.TOLERANCE, -2, True),
        (Decision.TOLERANCE, 3, False),
        (Decision.OURS, 1, False),
        (Decision.ASK, 1, False),
    ],
)
def test_who_is_right_by_itself(decision: Decision, delta: int, right: bool) -> None:
    assert is_right_by_itself(decision, delta, 2) is right
