"""When a supplier takes orders and delivers: weekdays, a cut-off in its own time, public holidays and closed weeks. [pure]"""

from dataclasses import dataclass
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
