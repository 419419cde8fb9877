"""Counting against the books, without a database: moments, sums, differences, bookings, value classes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.counting import ALLOWED, CountAction, CountState, ValueClass, value_classes
from inventory.stocktaking import variance
from inventory.stocktaking.variance import Counted, Limits, Moment

TEN = datetime(2026, 11, 21, 10, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def at(minutes: float) -> datetime:
    return TEN + minutes * MINUTE


def figure(who: str, quantity: int, minutes: float, *, replaces: bool = False, place: int = 0) -> Counted:
    return Counted(who, quantity, replaces, Moment(at(minutes)), place)


# --- what was counted -------------------------------------------------------------------------------------------------


def test_figures_of_a_counter_add_up_and_counters_add_up() -> None:
    total = variance.total([figure("ana", 3, 1), figure("ana", 2, 4), figure("ben", 7, 2)])
    assert total is not None
    assert (total.quantity, total.first, total.last) == (12, at(1), at(4))
    assert total.counters == {"ana", "ben"}


def test_a_replacing_figure_ends_only_the_own_earlier_ones() -> None:
    total = variance.total([figure("ana", 3, 1), figure("ben", 7, 2), figure("ana", 5, 3, replaces=True)])
    assert total is not None
    assert (total.quantity, total.first) == (12, at(2))


def test_figures_count_in_the_order_in_which_they_were_counted_not_in_which_they_arrived() -> None:
    arrived_late = figure("ana", 3, 1, place=2)
    total = variance.total([figure("ana", 5, 3, replaces=True, place=0), figure("ana", 1, 4, place=1), arrived_late])
    assert total is not None
    assert total.quantity == 6


def test_nothing_counted_is_not_zero_and_zero_counted_is() -> None:
    assert variance.total([]) is None
    none_here = variance.total([figure("ana", 0, 1)])
    assert none_here is not None
    assert none_here.quantity == 0


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 9), st.booleans()), min_size=1, max_size=12))
def test_any_sequence_comes_to_what_keeping_a_tally_per_counter_comes_to(rows: list[tuple[str, int, bool]]) -> None:
    tally: dict[str, int] = {}
    for who, quantity, is_replacing in rows:
        tally[who] = quantity if is_replacing else tally.get(who, 0) + quantity
    figures = [figure(who, quantity, n, replaces=new) for n, (who, quantity, new) in enumerate(rows)]
    total = variance.total(reversed(figures))
    assert total is not None
    assert total.quantity == sum(tally.values())


# --- when it was counted ----------------------------------------------------------------------------------------------


def moment(device_at: datetime, *, sent_at: datetime | None = None, offset: timedelta | None = None) -> Moment:
    return variance.moment(device_at, sent_at=sent_at, known_offset=offset, received_at=at(60), opened_at=at(0))


def test_a_clock_that_is_wrong_all_the_time_is_put_right() -> None:
    for wrong in (-7 * HOUR, 40 * MINUTE, timedelta(days=400)):
        found = moment(at(20) + wrong, sent_at=at(60) + wrong, offset=-wrong)
        assert found == Moment(at(20))
        assert moment(at(20) + wrong, sent_at=at(60) + wrong) == Moment(at(20))


def test_a_clock_that_was_changed_in_between_leaves_two_candidates() -> None:
    """At midnight of a clock change somebody sets the device an hour back by hand, after counting."""
    found = moment(at(20), sent_at=at(60) - 10 * MINUTE, offset=timedelta())
    assert found == Moment(at(20), at(30), is_doubtful=True)


def test_a_slow_connection_is_no_wrong_clock() -> None:
    assert moment(at(20), sent_at=at(60) - 4 * SECOND, offset=timedelta()) == Moment(at(20))


@pytest.mark.parametrize(("device_at", "kept"), [(at(-300), at(0)), (at(300), at(60))])
def test_nothing_is_counted_before_the_count_began_or_after_it_arrived(device_at: datetime, kept: datetime) -> None:
    assert moment(device_at) == Moment(kept, is_doubtful=True)


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    opened, received = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 3, tzinfo=UTC)
    found = [
        variance.moment(
            datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin), sent_at=received.astimezone(berlin),
            known_offset=timedelta(), received_at=received, opened_at=opened,
        ).at
        for fold in (0, 1)
    ]  # fmt: skip
    assert found == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]


def test_clocks_at_the_end_of_all_days_break_nothing() -> None:
    for device_at in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)):
        for offset in (timedelta(days=3_650), -timedelta(days=3_650)):
            assert at(0) <= moment(device_at, offset=offset).at <= at(60)
            assert at(0) <= moment(device_at, sent_at=device_at, offset=offset).at <= at(60)


# --- the difference ---------------------------------------------------------------------------------------------------


def test_a_difference_is_that_of_the_moment() -> None:
    total = variance.total([figure("ana", 8, 1)])
    assert total is not None
    found = variance.difference(total, 10, 10)
    assert (found.pieces, found.at, found.is_uncertain) == (-2, at(1), False)


@pytest.mark.parametrize(
    ("counted", "first", "last", "pieces", "moment"),
    [(8, 8, 7, 0, at(1)), (7, 8, 7, 0, at(9)), (5, 8, 7, -2, at(9)), (9, 8, 7, 1, at(1)), (0, 1, 1, -1, at(9))],
)
def test_what_moves_while_it_is_counted_gets_the_nearer_figure(
    counted: int, first: int, last: int, pieces: int, moment: datetime
) -> None:
    total = variance.total([figure("ana", counted, 1), figure("ben", 0, 9)])
    assert total is not None
    found = variance.difference(total, first, last)
    assert (found.pieces, found.at) == (pieces, moment)
    assert found.is_uncertain is (first != last)


@pytest.mark.parametrize(
    ("pieces", "on_hand", "free", "posted", "short", "is_impossible"),
    [
        (4, 10, 0, 4, 0, False),
        (-4, 10, 10, -4, 0, False),
        (-4, 10, 3, -3, -1, False),
        (-4, 10, 0, 0, -4, False),
        (-4, 10, -2, 0, -4, False),  # backorders are promised beyond what is here
        (-10, 10, 10, -10, 0, False),
        (-11, 10, 10, 0, 0, True),
    ],
)
def test_what_is_booked_never_goes_below_what_is_promised_or_there(
    pieces: int, on_hand: int, free: int, posted: int, short: int, is_impossible: bool
) -> None:
    assert variance.booking(pieces, on_hand=on_hand, free=free) == variance.Booking(posted, short, is_impossible)


def test_a_second_person_is_needed_above_pieces_or_value() -> None:
    limits = Limits(pieces=5, value_minor=5_000)
    assert not variance.needs_second_person(-5, 1_000, limits)
    assert variance.needs_second_person(-5, 1_001, limits)
    assert variance.needs_second_person(6, 1, limits)
    assert not variance.needs_second_person(5, None, limits)
    assert variance.needs_second_person(-6, None, limits)


def test_differences_stand_by_value_then_pieces() -> None:
    assert variance.order_by_size([(1, 2, 100), (2, -9, None), (3, -3, 100), (4, 1, None)]) == [3, 1, 2, 4]


# --- value classes ----------------------------------------------------------------------------------------------------


def test_classes_follow_turnover_and_what_never_sold_is_c() -> None:
    classes = value_classes({1: 100, 2: 10, 3: 5, 4: 0}, {1: 100, 2: 100, 3: 50, 4: 9_999})
    assert classes == {1: ValueClass.A, 2: ValueClass.B, 3: ValueClass.C, 4: ValueClass.C}


def test_without_any_value_pieces_are_ranked_and_an_unknown_one_counts_as_usual() -> None:
    assert value_classes({1: 90, 2: 9, 3: 1}, {})[1] is ValueClass.A
    assert value_classes({1: 1, 2: 1, 3: 90}, {1: 500, 2: 500})[3] is ValueClass.A
    assert value_classes({}, {}) == {}
    assert value_classes({1: 0}, {}) == {1: ValueClass.C}


def test_a_count_that_is_over_allows_nothing() -> None:
    assert not ALLOWED[CountState.POSTED] | ALLOWED[CountState.CANCELLED]
    assert CountAction.COUNT in ALLOWED[CountState.IN_REVIEW]
    assert CountAction.HAND_IN not in ALLOWED[CountState.IN_REVIEW]
