"""Times of promotions: instants, and hours of the week in a local time. [pure]"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from pricing.promotions.terms import Conditions, Hours


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises: ValueError for one that is not known."""
    try:
        return ZoneInfo(name)
    except (KeyError, OSError) as error:  # not found, or no name of a file
        raise ValueError(f"{name} is no time zone") from error


def holds(conditions: Conditions, at: datetime) -> bool:
    """Whether a promotion holds at an instant: from its first on, up to but not including its last, and in its hours."""
    if conditions.valid_from is not None and at < conditions.valid_from:
        return False
    if conditions.valid_until is not None and at >= conditions.valid_until:
        return False
    return not conditions.hours or is_open(conditions.hours, at, conditions.zone)


def is_open(hours: Sequence[Hours], at: datetime, zone_name: str) -> bool:
    """Whether an instant lies in one of some hours of the week, by the clock on the wall there.

    An hour that the clock skips in spring is nobody's; one that it strikes twice in autumn counts twice.
    """
    local = at.astimezone(zone(zone_name))
    moment = local.time()
    today, yesterday = local.isoweekday(), (local - timedelta(days=1)).isoweekday()
    for one in hours:
        if one.starts == one.ends:
            if today in one.weekdays and one.starts <= moment:
                return True
            if yesterday in one.weekdays and moment < one.ends:
                return True
        elif one.starts < one.ends:
            if today in one.weekdays and one.starts <= moment < one.ends:
                return True
        elif (today in one.weekdays and moment >= one.starts) or (yesterday in one.weekdays and moment < one.ends):
            return True
    return False


def next_change(conditions: Conditions, at: datetime) -> datetime | None:
    """Return the next instant at which the validity of a promotion begins or ends, or None. Its hours don't count."""
    later = [one for one in (conditions.valid_from, conditions.valid_until) if one is not None and one > at]
    return min(later, default=None)
