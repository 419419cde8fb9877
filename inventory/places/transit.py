"""Days on the road between our places, and of a parcel to a customer: kept as data, with a rule of thumb where nothing is said.

The narrowest counts: this pair, any place to that one, so many km from here, so many km from anywhere; of a parcel from here
to the country, then from anywhere to it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import DuplicateCode, InvalidInput, NotFound
from commerce.transactions import transaction_required
from inventory.models import TransitTime
from inventory.places import geography, locations
from inventory.places.locations import LocationRef

LONGEST_DAYS = 90
FARTHEST_KM = 5_000
FRESH_FOR_SECONDS = 5.0  # how long a process may answer from its own copy

# Where nothing is said: between our places by distance, parcels by borders.
NEAR_KM, NEAR_DAYS, FAR_DAYS = 200, 1, 2
PARCEL_DAYS_AT_HOME, PARCEL_DAYS_IN_CUSTOMS_AREA = 2, 5

integrity.refuse(
    "transit_time_once", lambda: DuplicateCode("Something is said about this way already; change that line.")
)


@dataclass(frozen=True, slots=True)
class Time:
    """What is said about a way. Exactly one of destination, `up_to_km` and country; no origin: from everywhere."""

    id: int
    origin_id: int | None
    destination_id: int | None
    up_to_km: int | None
    country: str
    days: int


@transaction_required
def add(
    *,
    days: int,
    origin_id: int | None = None,
    destination_id: int | None = None,
    up_to_km: int | None = None,
    country: str = "",
    by: Actor,
) -> int:
    """Say how many days goods are on the road, and return the line's id. Raises: InvalidInput, DuplicateCode."""
    row = TransitTime(
        origin_id=origin_id, destination_id=destination_id, up_to_km=up_to_km, country=country.strip().upper(), days=days
    )  # fmt: skip
    _check(row)
    row.save(force_insert=True)
    audit.record("inventory.transit.add", "transit_time", row.pk, by=by, after=_facts(row))
    forget()
    return row.pk


@transaction_required
def change(time_id: int, *, by: Actor, **values: Any) -> None:
    """Say otherwise about a way. Raises: NotFound, InvalidInput, DuplicateCode."""
    row = TransitTime.objects.select_for_update().filter(pk=time_id).order_by("pk").first()
    if row is None:
        raise NotFound(f"There is no transit time {time_id}.", transit_time=time_id)
    before = _facts(row)
    for name, value in values.items():
        if name not in before:
            raise TypeError(f"a transit time has no {name}")
        setattr(row, name, value.strip().upper() if name == "country" else value)
    _check(row)
    if _facts(row) != before:
        row.save()
        audit.record("inventory.transit.change", "transit_time", row.pk, by=by, before=before, after=_facts(row))
        forget()


@transaction_required
def remove(time_id: int, *, by: Actor) -> None:
    """Say nothing about a way any more. Removing what is not there changes nothing."""
    row = TransitTime.objects.select_for_update().filter(pk=time_id).order_by("pk").first()
    if row is not None:
        before = _facts(row)
        row.delete()
        audit.record("inventory.transit.remove", "transit_time", time_id, by=by, before=before)
        forget()


def transfer_days(origin: LocationRef, destination: LocationRef) -> int:
    """Return how many days goods travel from one of our places to another."""
    known = _known()
    for from_id in (origin.id, None):
        if (found := known.pairs.get((from_id, destination.id))) is not None:
            return found
    km = None
    if destination.latitude is not None and destination.longitude is not None:
        km = origin.distance_to(destination.latitude, destination.longitude)
    for from_id in (origin.id, None):
        for up_to_km, days in known.distances.get(from_id, ()):
            if km is not None and km <= up_to_km:
                return days
    return NEAR_DAYS if km is not None and km <= NEAR_KM else FAR_DAYS


def arrival(origin_id: int, destination_id: int, *, at: datetime) -> date:
    """Return the day, on the wall of the destination, on which goods that leave now arrive."""
    days = transfer_days(locations.by_id(origin_id), locations.by_id(destination_id))
    return today(destination_id, at=at) + timedelta(days=days)


def today(location_id: int, *, at: datetime) -> date:
    """Return the day on the wall of a place."""
    return at.astimezone(ZoneInfo(locations.by_id(location_id).time_zone)).date()


def parcel_days(origin: LocationRef, country: str) -> int:
    """Return how many days a parcel travels from one of our places to a customer of a country, at worst."""
    known = _known()
    for from_id in (origin.id, None):
        if (found := known.parcels.get((from_id, country))) is not None:
            return found
    return PARCEL_DAYS_AT_HOME if origin.country == country else PARCEL_DAYS_IN_CUSTOMS_AREA


def listed() -> list[Time]:
    """Return all that is said, parcels last."""
    rows = TransitTime.objects.order_by("country", "destination_id", "up_to_km", "origin_id", "id")
    return [_time(row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Known:
    pairs: dict[tuple[int | None, int], int]
    distances: dict[int | None, Sequence[tuple[int, int]]]  # (up to km, days), the nearest first
    parcels: dict[tuple[int | None, str], int]


_lock = Lock()
_remembered: tuple[float, _Known | None] = (0.0, None)


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _remembered
    _remembered = (0.0, None)


def _known() -> _Known:
    global _remembered
    read_at, known = _remembered
    if known is None or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        with _lock:
            times = listed()
            distances: dict[int | None, list[tuple[int, int]]] = {}
            for one in times:
                if one.up_to_km is not None:
                    distances.setdefault(one.origin_id, []).append((one.up_to_km, one.days))
            known = _Known(
                {(one.origin_id, one.destination_id): one.days for one in times if one.destination_id is not None},
                {origin: sorted(steps) for origin, steps in distances.items()},
                {(one.origin_id, one.country): one.days for one in times if one.country},
            )
            _remembered = (time.monotonic(), known)
    return known


def faults_of(**values: Any) -> list[dict[str, Any]]:
    """Return what makes no way of these values, each with its field."""
    return _faults(TransitTime(**values))


def _faults(row: TransitTime) -> list[dict[str, Any]]:
    errors = []
    said = (row.destination_id is not None, row.up_to_km is not None, bool(row.country))
    if sum(said) != 1:
        errors.append(
            _fault(
                "destination", row.destination_id, "Say one of: to which place, up to how many km, or to which country."
            )
        )
    if not 0 <= row.days <= LONGEST_DAYS:
        errors.append(_fault("days", row.days, f"0 to {LONGEST_DAYS} days."))
    if row.up_to_km is not None and not 1 <= row.up_to_km <= FARTHEST_KM:
        errors.append(_fault("up_to_km", row.up_to_km, f"1 to {FARTHEST_KM} km."))
    if row.country and not (len(row.country) == 2 and row.country.isascii() and row.country.isalpha()):
        errors.append(_fault("country", row.country, "A country is two letters, such as DE."))
    if row.origin_id is not None and row.origin_id == row.destination_id:
        errors.append(_fault("destination", row.destination_id, "Goods don't travel to where they are."))
    if not errors and row.origin_id is not None:
        origin = locations.by_id(row.origin_id)
        other = locations.by_id(row.destination_id).country if row.destination_id is not None else row.country
        if other and not geography.same_customs_area(origin.country, other):
            errors.append(_fault("destination", other, f"A customs border lies between {origin.code} and there."))
    return errors


def _check(row: TransitTime) -> None:
    if errors := _faults(row):
        raise InvalidInput(str(errors[0]["message"]), errors=errors)
    twin = TransitTime.objects.filter(
        origin_id=row.origin_id, destination_id=row.destination_id, up_to_km=row.up_to_km, country=row.country
    ).exclude(pk=row.pk)
    if twin.exists():
        raise DuplicateCode("Something is said about this way already; change that line.")


def _fault(field: str, value: object, message: str) -> dict[str, Any]:
    return {"field": field, "value": value, "message": message}


def _facts(row: TransitTime) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("origin_id", "destination_id", "up_to_km", "country", "days")}


def _time(row: TransitTime) -> Time:
    return Time(row.pk, row.origin_id, row.destination_id, row.up_to_km, row.country, row.days)
