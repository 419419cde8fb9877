"""When suppliers take orders and deliver: weekdays, cut-off, holidays, closed weeks, and the nights on which clocks change."""

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import public_holidays
from inventory.procurement import calendar as supplier_calendar
from inventory.procurement.calendar import Calendar

BERLIN = {"time_zone": "Europe/Berlin", "country": "DE", "region": "BE"}
WORKDAYS = frozenset({1, 2, 3, 4, 5})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_an_order_after_the_cut_off_counts_for_the_next_order_day() -> None:
    calendar = Calendar(**BERLIN, order_weekdays=frozenset({1, 4}), cut_off=time(14), lead_time_days=2)
    in_time = supplier_calendar.next_delivery(calendar, at("2026-11-23T12:59"))  # a Monday, 13:59 in Berlin
    assert in_time is not None
    assert (in_time.order_on, in_time.delivered_on) == (date(2026, 11, 23), date(2026, 11, 25))
    assert in_time.order_by.isoformat() == "2026-11-23T14:00:00+01:00"
    too_late = supplier_calendar.next_delivery(calendar, at("2026-11-23T13:01"))
    assert too_late is not None
    assert (too_late.order_on, too_late.delivered_on) == (date(2026, 11, 26), date(2026, 11, 28))


def test_a_delivery_waits_for_the_next_delivery_day_that_is_no_holiday() -> None:
    calendar = Calendar(**BERLIN, delivery_weekdays=WORKDAYS, lead_time_days=3)
    ordered_before_christmas = supplier_calendar.next_delivery(calendar, at("2026-12-22T08:00"))
    assert ordered_before_christmas is not None
    assert ordered_before_christmas.delivered_on == date(2026, 12, 28)  # 25 and 26 are holidays, then a weekend


def test_holidays_follow_the_region() -> None:
    reformation_day = date(2025, 10, 31)
    assert public_holidays.is_public_holiday(reformation_day, country="DE", region="BB")
    assert not public_holidays.is_public_holiday(reformation_day, country="DE", region="BE")
    assert not public_holidays.is_public_holiday(reformation_day, country="XX", region="")
    brandenburg = Calendar("Europe/Berlin", "DE", "BB", order_weekdays=frozenset({5}))
    found = supplier_calendar.next_delivery(brandenburg, at("2025-10-30T10:00"))
    assert found is not None
    assert found.order_on == date(2025, 11, 7)


def test_closed_weeks_are_jumped_and_a_calendar_without_any_day_says_so() -> None:
    closed = Calendar(**BERLIN, closures=((date(2026, 7, 20), date(2026, 8, 9)),))
    found = supplier_calendar.next_delivery(closed, at("2026-07-20T10:00"))
    assert found is not None
    assert found.order_on == date(2026, 8, 10)
    for_ever = Calendar(**BERLIN, closures=((date(2026, 1, 1), date(2030, 12, 31)),))
    assert supplier_calendar.next_delivery(for_ever, at("2026-07-20T10:00")) is None


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-03-28T23:30", date(2026, 3, 29)),  # 00:30 in Berlin, in the night that loses an hour
        ("2026-03-29T21:59", date(2026, 3, 29)),  # 23:59, summer time by now
        ("2026-03-29T22:00", date(2026, 3, 30)),
        ("2026-10-24T22:30", date(2026, 10, 25)),  # 00:30 in the night that has 02:30 twice
        ("2026-10-25T22:59", date(2026, 10, 25)),
        ("2026-10-25T23:00", date(2026, 10, 26)),
    ],
)
def test_the_day_is_the_suppliers_also_when_clocks_change(instant: str, day: date) -> None:
    found = supplier_calendar.next_delivery(Calendar(**BERLIN), at(instant))
    assert found is not None
    assert found.order_on == day


@given(
    start=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    order_days=st.frozensets(st.integers(1, 7)),
    delivery_days=st.frozensets(st.integers(1, 7)),
    lead=st.integers(0, 60),
)
def test_whatever_the_calendar_orders_and_deliveries_are_on_its_days_and_in_order(
    start: date, order_days: frozenset[int], delivery_days: frozenset[int], lead: int
) -> None:
    calendar = Calendar(**BERLIN, order_weekdays=order_days, delivery_weekdays=delivery_days, lead_time_days=lead)
    found = supplier_calendar.next_delivery(calendar, datetime.combine(start, time(12), tzinfo=UTC))
    assert found is not None
    assert start <= found.order_on <= found.delivered_on
    assert (found.delivered_on - found.order_on).days >= lead
    assert not order_days or found.order_on.isoweekday() in order_days
    assert not delivery_days or found.delivered_on.isoweekday() in delivery_days
    assert supplier_calendar.is_working_day(calendar, found.delivered_on)


def test_usual_days_are_those_of_a_week_without_holidays() -> None:
    calendar = Calendar(**BERLIN, order_weekdays=frozenset({2, 5}), delivery_weekdays=WORKDAYS, lead_time_days=4)
    assert supplier_calendar.usual_days(calendar) == 5.0  # Tuesday to Monday, Friday to Tuesday
    assert supplier_calendar.usual_days(Calendar(**BERLIN, lead_time_days=3)) == 3.0


def test_closed_days_delay_a_delivery_beyond_its_usual_day() -> None:
    calendar = Calendar(**BERLIN, delivery_weekdays=WORKDAYS, lead_time_days=3)
    assert supplier_calendar.closed_days(calendar, date(2026, 12, 14)) == 0
    assert supplier_calendar.closed_days(calendar, date(2026, 12, 22)) == 3  # the 25th becomes the 28th
    never = Calendar(**BERLIN, closures=((date(2026, 1, 1), date(2029, 1, 1)),))
    assert supplier_calendar.closed_days(never, date(2026, 12, 22)) == 0


def test_a_rule_may_leave_out_order_days_but_never_all() -> None:
    calendar = Calendar(**BERLIN, order_weekdays=frozenset({1, 4}))
    assert supplier_calendar.narrowed(calendar, [4], None, None).order_weekdays == {4}
    assert supplier_calendar.narrowed(calendar, [], None, None).order_weekdays == {1, 4}
    assert supplier_calendar.narrowed(calendar, [3], None, None).order_weekdays == {1, 4}
    closed = supplier_calendar.narrowed(calendar, [], date(2026, 11, 23), date(2026, 11, 25))
    assert supplier_calendar.order_day(closed, date(2026, 11, 23)) == date(2026, 11, 26)
