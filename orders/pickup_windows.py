"""Pickup windows: the time slots in which customers may fetch, and how many orders each still takes.

A window lies wholly within opening hours. It is offered when the goods can be ready at its start: preparation takes the
location's lead minutes, counted only while it is open. Capacity is a quota per window, so it can't be overbooked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from commerce import clock, quotas
from commerce.errors import InvalidInput
from inventory.places.locations import LocationRef
from orders import opening
from orders.errors import WindowClosed, WindowFull
from orders.opening import Interval

# How far ahead preparation may reach: longer than any run of holidays, short enough to end for a place that never opens.
LONGEST_CLOSED_DAYS = 30
MOST_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Window:
    """A time slot at a location. Instants in UTC; `left` is how many more orders it takes; `ready_by` is the promise."""

    id: str
    starts_at: datetime
    ends_at: datetime
    capacity: int
    left: int
    ready_by: datetime


def opening_days(location: LocationRef, *, start: datetime, days: int) -> Iterator[tuple[Interval, ...]]:
    """Yield the opening intervals of a location for each local calendar day from the one of `start` on."""
    first = start.astimezone(ZoneInfo(location.time_zone)).date()
    for offset in range(days):
        yield opening.intervals_on(
            location.opening_hours,
            location.time_zone,
            location.country,
            location.region,
            first + timedelta(days=offset),
        )


def slots_of(intervals: tuple[Interval, ...], minutes: int) -> list[Interval]:
    """Cut opening intervals into slots of `minutes`; what remains of an interval at its end is no slot. [pure]"""
    length = timedelta(minutes=minutes)
    slots = []
    for opens, closes in intervals:
        start = opens
        while start + length <= closes:
            slots.append((start, start + length))
            start += length
    return slots


def earliest_ready(location: LocationRef, *, at: datetime) -> datetime | None:
    """Return when an order placed now can be ready: lead minutes after now, counted while the location is open.

    None when it does not open long enough in the next thirty days.
    """
    return ready_after(location, location.pickup_lead_minutes, at=at)


def ready_after(location: LocationRef, minutes: int, *, at: datetime) -> datetime | None:
    """Return when so many minutes of work are done at a location, counted while it is open; None when it opens too seldom."""
    missing = timedelta(minutes=minutes)
    for intervals in opening_days(location, start=at, days=LONGEST_CLOSED_DAYS):
        for opens, closes in intervals:
            begin = max(opens, at)
            if begin >= closes:
                continue
            if closes - begin >= missing:
                return begin + missing
            missing -= closes - begin
    return None


def windows_between(location: LocationRef, *, at: datetime, days: int) -> list[Interval]:
    """Return the windows that can be promised truthfully at `at`, within `days` local days and the location's horizon.

    Pure: it knows no capacity and asks no database.
    """
    ready = earliest_ready(location, at=at)
    if ready is None:
        return []
    reach = min(days, location.pickup_horizon_days + 1)
    return [
        slot
        for intervals in opening_days(location, start=at, days=reach)
        for slot in slots_of(intervals, location.pickup_slot_minutes)
        if slot[0] >= ready
    ]


def open_windows(location: LocationRef, *, at: datetime, days: int) -> list[Window]:
    """Return the location's windows of the next `days` local days (today is the first) with what is left of each."""
    slots = windows_between(location, at=at, days=days)
    usage = quotas.usage([key(location, start) for start, _ in slots], at=at) if slots else {}
    windows = []
    for start, end in slots:
        booked = usage.get(key(location, start))
        left = max(0, location.pickup_slot_capacity - (booked.used if booked else 0))
        windows.append(Window(window_id(location, start), start, end, location.pickup_slot_capacity, left, start))
    return windows


def find(location: LocationRef, starts_at: datetime, *, at: datetime) -> Interval:
    """Return the open window that starts then. Raises: WindowClosed naming the next windows that have room."""
    zone = ZoneInfo(location.time_zone)
    days_ahead = (starts_at.astimezone(zone).date() - at.astimezone(zone).date()).days
    if 0 <= days_ahead <= location.pickup_horizon_days:
        ready = earliest_ready(location, at=at)
        for slot in slots_of(next(opening_days(location, start=starts_at, days=1)), location.pickup_slot_minutes):
            if slot[0] == starts_at and ready is not None and ready <= starts_at:
                return slot
    raise WindowClosed(
        f"{location.name} has no open pickup window that starts at {clock.utc_text(starts_at)}.",
        errors=[{"field": "window", "value": window_id(location, starts_at), "message": "not an open window"}],
        window=window_id(location, starts_at),
        alternatives=alternatives(location, at=at),
    )


def booking(location: LocationRef, starts_at: datetime, *, purpose: str) -> quotas.HoldRequest:
    """Return the claim for one place in the window that starts then, for good; `purpose` says for what ("order:<id>")."""
    return quotas.HoldRequest(key(location, starts_at), location.pickup_slot_capacity, 1, purpose)


def full(location: LocationRef, starts_at: datetime, *, at: datetime) -> WindowFull:
    """Return the refusal of a window without room, naming the next ones that have some."""
    name = window_id(location, starts_at)
    return WindowFull(
        f"The pickup window at {clock.utc_text(starts_at)} at {location.name} is full.",
        errors=[{"field": "window", "value": name, "message": "full"}],
        window=name,
        alternatives=alternatives(location, at=at),
    )


def day_full(location: LocationRef, starts_at: datetime, *, at: datetime) -> WindowFull:
    """Return the refusal of a day that takes no more pickups, naming windows of the days after it."""
    name, zone = window_id(location, starts_at), ZoneInfo(location.time_zone)
    day = starts_at.astimezone(zone).date()
    days = location.pickup_horizon_days + 1
    later = [
        one
        for one in open_windows(location, at=at, days=days)
        if one.left and one.starts_at.astimezone(zone).date() != day
    ]
    return WindowFull(
        f"{location.name} takes no more of these orders on {day.isoformat()}; choose another day.",
        errors=[{"field": "window", "value": name, "message": "the day is full"}],
        window=name,
        alternatives=told(later),
    )


def alternatives(location: LocationRef, *, at: datetime) -> list[dict[str, object]]:
    """Return the next windows that have room, as primitives for a refusal."""
    days = location.pickup_horizon_days + 1
    return told([window for window in open_windows(location, at=at, days=days) if window.left])


def told(free: Sequence[Window]) -> list[dict[str, object]]:
    """Return the first of some windows as primitives for a refusal."""
    return [
        {
            "id": window.id,
            "starts_at": clock.utc_text(window.starts_at),
            "ends_at": clock.utc_text(window.ends_at),
            "left": window.left,
        }
        for window in free[:MOST_ALTERNATIVES]
    ]


def key(location: LocationRef, starts_at: datetime) -> str:
    """Return the quota key of a window."""
    return f"pickup:{window_id(location, starts_at)}"


def window_id(location: LocationRef, starts_at: datetime) -> str:
    """Return how a window is named outside: "BER01:2026-11-21T14:00:00Z"."""
    return f"{location.code}:{clock.utc_text(starts_at)}"


def parse_id(text: str, *, field: str = "window") -> tuple[str, datetime]:
    """Return (location code, start) of a window's name. Raises: InvalidInput."""
    code, _, start = text.partition(":")
    try:
        starts_at = datetime.fromisoformat(start)
        if code and starts_at.tzinfo is not None:
            return code, starts_at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(
        "A window is named by its id from GET /api/v1/pickup-windows, such as BER01:2026-11-21T14:00:00Z.",
        errors=[{"field": field, "value": text, "message": "not the id of a window"}],
    )
