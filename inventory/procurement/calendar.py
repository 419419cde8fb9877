"""When a supplier takes orders and delivers: weekdays, a cut-off in its own time, public holidays and closed weeks. [pure]"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commerce import public_holidays

FARTHEST_DAYS = 400  # a calendar that has no day within this has none


@dataclass(frozen=True, slots=True)
class Calendar:
    """ISO weekdays (none: any), the last minute for an order of the day, and days on which nothing happens.

    `lead_time_days` are calendar days from the order to the delivery; a day without deliveries moves it to the next with.
    """

    time_zone: str
    country: str
    region: str = ""
    order_weekdays: frozenset[int] = frozenset()
    delivery_weekdays: frozenset[int] = frozenset()
    cut_off: time | None = None
    lead_time_days: int = 0
    closures: tuple[tuple[date, date], ...] = ()  # first and last day


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an order given now comes to: the day it counts for, the last moment for that day, and the day of delivery."""

    order_on: date
    order_by: datetime
    delivered_on: date


def next_delivery(calendar: Calendar, at: datetime) -> Delivery | None:
    """Return when an order given at `at` would be delivered; None when the supplier takes none within a year."""
    zone = ZoneInfo(calendar.time_zone)
    here = at.astimezone(zone)
    is_too_late = calendar.cut_off is not None and here.time() > calendar.cut_off
    order_on = _first(here.date() + timedelta(days=int(is_too_late)), calendar, calendar.order_weekdays)
    if order_on is None:
        return None
    delivered_on = delivery_day(calendar, order_on)
    if delivered_on is None:
        return None
    last = calendar.cut_off or time(23, 59, 59)
    return Delivery(order_on, datetime.combine(order_on, last, tzinfo=zone), delivered_on)


def delivery_day(calendar: Calendar, order_on: date) -> date | None:
    """Return the day on which an order of `order_on` is delivered."""
    return _first(order_on + timedelta(days=calendar.lead_time_days), calendar, calendar.delivery_weekdays)


def order_day(calendar: Calendar, start: date) -> date | None:
    """Return the first day from `start` on for which an order counts; None when there is none within a year."""
    return _first(start, calendar, calendar.order_weekdays)


def narrowed(
    calendar: Calendar, order_weekdays: Sequence[int], closed_from: date | None, closed_until: date | None
) -> Calendar:
    """Return the calendar with fewer order days, as a rule wants them, and closed days besides.

    Days on which the supplier takes no orders are none: when none is left, the supplier's own hold.
    """
    wanted = frozenset(order_weekdays)
    both = wanted & calendar.order_weekdays if calendar.order_weekdays else wanted
    closed = ((closed_from, closed_until),) if closed_from is not None and closed_until is not None else ()
    return replace(
        calendar, order_weekdays=both or calendar.order_weekdays, closures=(*calendar.closures, *closed)
    )  # fmt: skip


def usual_days(calendar: Calendar) -> float:
    """Return the days from an order to its delivery on average over the order days of a week in which nobody is closed."""
    days = calendar.order_weekdays or range(1, 8)
    deliveries = calendar.delivery_weekdays or range(1, 8)
    waits = [
        next(
            calendar.lead_time_days + later
            for later in range(8)
            if (day + calendar.lead_time_days + later - 1) % 7 + 1 in deliveries
        )
        for day in days
    ]
    return sum(waits) / len(waits)


def closed_days(calendar: Calendar, order_on: date) -> int:
    """Return by how many days closed times and holidays delay the delivery of an order of that day."""
    delivered_on = delivery_day(calendar, order_on)
    if delivered_on is None:
        return 0
    first = order_on + timedelta(days=calendar.lead_time_days)
    open_on = next(
        first + timedelta(days=later)
        for later in range(8)
        if not calendar.delivery_weekdays or (first + timedelta(days=later)).isoweekday() in calendar.delivery_weekdays
    )
    return (delivered_on - open_on).days


def is_working_day(calendar: Calendar, day: date) -> bool:
    """Say whether the supplier is there at all: no public holiday of its region, no closed week."""
    if any(first <= day <= last for first, last in calendar.closures):
        return False
    return not public_holidays.is_public_holiday(day, country=calendar.country, region=calendar.region)


def _first(start: date, calendar: Calendar, weekdays: frozenset[int]) -> date | None:
    for offset in range(FARTHEST_DAYS):
        day = start + timedelta(days=offset)
        if (not weekdays or day.isoweekday() in weekdays) and is_working_day(calendar, day):
            return day
    return None
