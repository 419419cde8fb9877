"""By when goods that are there from an instant on can be fetched, leave, and arrive: the clock times of a promise.

A shipment is promised with so many days on the road as inventory's transit times say.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commerce import clock
from inventory import geography, locations, transit
from inventory.locations import LocationRef
from inventory.promising import Delivery
from inventory.stock import Capability
from orders import pickup_windows
from orders.errors import TooLateToday

SHIPS_WITHIN = timedelta(hours=24)


def ships_by(place: LocationRef, goods_at: datetime) -> datetime:
    """Return by when an order leaves: within a day of its goods, or once the place can prepare it."""
    ready = pickup_windows.earliest_ready(place, at=goods_at)
    return max(goods_at + SHIPS_WITHIN, ready or goods_at)


def ships_by_anyone(country: str, *, at: datetime) -> datetime:
    """Return by when an order leaves whichever place will send it: the slowest of those that ship there counts."""
    able = [place for place in locations.serving(country) if Capability.SHIP in place.capabilities]
    return max((ships_by(place, at) for place in able), default=at + SHIPS_WITHIN)


def leaves_today(place: LocationRef, *, at: datetime) -> datetime:
    """Return by when a same-day delivery leaves: once it is prepared, which must be today. Raises: TooLateToday."""
    ready = pickup_windows.earliest_ready(place, at=at)
    zone = ZoneInfo(place.time_zone)
    if ready is None or ready.astimezone(zone).date() != at.astimezone(zone).date():
        raise TooLateToday(
            f"{place.name} can't prepare this today any more; choose a shipment or a pickup, or order again tomorrow.",
            errors=[{"field": "method", "value": "same_day", "message": "too late for today"}],
            location=place.code,
            earliest_ready_at=clock.utc_text(ready) if ready else None,
        )
    return ready


def shipped_by(place: LocationRef, goods_on: date, *, at: datetime) -> datetime:
    """Return by when an order leaves whose goods come on a day: they may come at its very end."""
    end_of_day = datetime.combine(goods_on, time.max.replace(microsecond=0), ZoneInfo(place.time_zone))
    return ships_by(place, max(end_of_day, at))


def earliest_pickup(place: LocationRef, goods_at: datetime) -> datetime | None:
    """Return the start of the first pickup window with room, if the place offers pickup and has one in its horizon."""
    if Capability.PICKUP not in place.capabilities:
        return None
    windows = pickup_windows.open_windows(place, at=goods_at, days=place.pickup_horizon_days + 1)
    return next((window.starts_at for window in windows if window.left), None)


def earliest_delivery(place: LocationRef, goods_at: datetime, country: str) -> Delivery | None:
    """Return by when a shipment leaves and arrives, if the place ships and no customs border lies between."""
    if Capability.SHIP not in place.capabilities or not geography.same_customs_area(place.country, country):
        return None
    leaves = ships_by(place, goods_at)
    days = transit.parcel_days(place, country)
    return Delivery(leaves, leaves.astimezone(ZoneInfo(place.time_zone)).date() + timedelta(days=days))
