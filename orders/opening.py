"""When a place is open, in real instants: OSM opening hours, public holidays per country and region, daylight saving. [pure]

A public holiday is closed unless the expression has a rule of its own for it ("PH 10:00-14:00", "Su,PH off"); which days
are holidays follows from country and region (1 November is one in Bavaria, not in Berlin).
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, State

from commerce import public_holidays

Interval = tuple[datetime, datetime]  # from, to; in UTC

# A rule's days, such as "Mo-Fr,PH" or "PH,Su", then the rest: "10:00-14:00" or "off".
_RULE = re.compile(r"^\s*(?P<days>(?:[A-Z][a-z]|PH|SH)(?:\s*[-,]\s*(?:[A-Z][a-z]|PH|SH))*)\s*:?\s+(?P<rest>.+?)\s*$")
_HOLIDAY = "PH"


@lru_cache(maxsize=2_000)
def _parsed(expression: str, time_zone: str) -> OpeningHours:
    return OpeningHours(expression, timezone=ZoneInfo(time_zone))


@lru_cache(maxsize=2_000)
def holiday_rule(expression: str) -> str:
    """Return the hours that the expression has for public holidays ("10:00-14:00"), or "off". The last such rule wins."""
    found = "off"
    for rule in expression.split(";"):
        matched = _RULE.match(rule)
        if matched and _HOLIDAY in re.split(r"\s*,\s*", matched["days"]):
            found = matched["rest"]
    return found


@lru_cache(maxsize=50_000)
def intervals_on(expression: str, time_zone: str, country: str, region: str, on: date) -> tuple[Interval, ...]:
    """Return when a place is open on one local calendar day, in UTC; hours past midnight belong to the next day.

    Without opening hours it is never open. Raises: opening_hours.ParserError for an expression that can't be read.
    """
    if not expression:
        return ()
    if public_holidays.is_public_holiday(on, country=country, region=region):
        rest = holiday_rule(expression)
        if rest in ("off", "closed"):
            return ()
        expression = f"Mo-Su {rest}"
    zone = ZoneInfo(time_zone)
    begin = datetime(on.year, on.month, on.day, tzinfo=zone)
    next_day = on + timedelta(days=1)
    end = datetime(next_day.year, next_day.month, next_day.day, tzinfo=zone)
    return tuple(
        (start.astimezone(UTC), stop.astimezone(UTC))
        for start, stop, state, _comments in _parsed(expression, time_zone).intervals(begin, end)
        if state == State.OPEN
    )
