"""Locations: the writer of places and staff assignments, and the small cache that hot paths read them from."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AnonymousUser
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from commerce import audit, clock, outbox
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import PERMISSIONS, Permission, Role
from commerce.transactions import transaction_required
from inventory.errors import LocationUnknown
from inventory.events import LocationChanged
from inventory.models import Location, PostalPlace, StaffAssignment
from inventory.places import geography

if TYPE_CHECKING:
    from commerce.models import User

UNKNOWN_FOR_SECONDS = 1.0  # wrong codes sent in a loop cost one query a second, not one each
FRESH_FOR_SECONDS = 5.0  # how long a process may answer from its own copy of the locations


@dataclass(frozen=True, slots=True)
class LocationRef:
    """A location as other modules and rooms read it."""

    id: int
    code: str
    name: str
    kind: str
    capabilities: frozenset[str]
    street: str
    postal_code: str
    city: str
    country: str
    region: str
    latitude: float | None
    longitude: float | None
    time_zone: str
    opening_hours: str
    pickup_slot_minutes: int
    pickup_slot_capacity: int
    pickup_lead_minutes: int
    pickup_horizon_days: int
    pickup_keep_days: int
    is_active: bool

    def distance_to(self, latitude: float, longitude: float) -> float | None:
        """Kilometres to a point, or None when this location has no coordinates."""
        if self.latitude is None or self.longitude is None:
            return None
        return geography.distance_km(self.latitude, self.longitude, latitude, longitude)


_FIELDS = [field for field in LocationRef.__dataclass_fields__ if field != "capabilities"]
_lock = Lock()
_cached: tuple[float, dict[int, LocationRef], dict[str, LocationRef]] = (0.0, {}, {})


def _all() -> tuple[dict[int, LocationRef], dict[str, LocationRef]]:
    global _cached
    read_at, by_id, by_code = _cached
    if time.monotonic() - read_at > FRESH_FOR_SECONDS or not by_id:
        with _lock:
            if _cached[0] != read_at:  # another thread has just read them
                return _cached[1:]
            refs = [
                LocationRef(
                    **{field: getattr(row, field) for field in _FIELDS}, capabilities=frozenset(row.capabilities)
                )
                for row in Location.objects.order_by("code")
            ]
            by_id, by_code = {ref.id: ref for ref in refs}, {ref.code: ref for ref in refs}
            _cached = (time.monotonic(), by_id, by_code)
    return by_id, by_code


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _cached
    _cached = (0.0, {}, {})


def ref(code: str) -> LocationRef:
    """Return the active location with this code; a new one is known within a second. Raises: LocationUnknown."""
    found = _all()[1].get(code)
    if found is None and time.monotonic() - _cached[0] > UNKNOWN_FOR_SECONDS:
        forget()
        found = _all()[1].get(code)
    if found is None or not found.is_active:
        raise LocationUnknown(
            f"There is no active location {code!r}; GET /api/v1/locations lists them.",
            errors=[{"field": "location", "value": code, "message": "no active location has this code"}],
        )
    return found


def by_id(location_id: int) -> LocationRef:
    """Return a location, active or not, by its id; one that another process has just added is read at once.

    Raises: KeyError.
    """
    found = _all()[0].get(location_id)
    if found is None:  # ids come from rows, so our copy is too old
        forget()
        found = _all()[0][location_id]
    return found


def active() -> list[LocationRef]:
    """Return all active locations, by code."""
    return [location for location in _all()[0].values() if location.is_active]


def every() -> list[LocationRef]:
    """Return all locations, active or not, by code."""
    return list(_all()[0].values())


def serving(country: str) -> list[LocationRef]:
    """Return the active locations from which goods reach a channel's country without customs."""
    return [location for location in active() if geography.same_customs_area(location.country, country)]


def place(country: str, postal_code: str) -> tuple[float, float] | None:
    """Return where a postal code lies (latitude, longitude), or None when it isn't known."""
    return places([(country, postal_code)]).get((country, postal_code))


def places(codes: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[float, float]]:
    """Return where postal codes lie, by (country, postal code) as asked; those that aren't known are missing."""
    wanted = {code: (code[0], code[1].strip()) for code in codes}
    known = {
        (country, postal_code): (latitude, longitude)
        for country, postal_code, latitude, longitude in PostalPlace.objects.filter(
            country__in={country for country, _ in wanted.values()},
            postal_code__in={postal_code for _, postal_code in wanted.values()},
        ).values_list("country", "postal_code", "latitude", "longitude")
    }
    return {code: known[stripped] for code, stripped in wanted.items() if stripped in known}


def nearest(locations: list[LocationRef], latitude: float, longitude: float) -> list[tuple[LocationRef, float]]:
    """Return the locations that have coordinates with their distance in km, nearest first, ties by code."""
    measured = [(location, location.distance_to(latitude, longitude)) for location in locations]
    return sorted(
        [(location, distance) for location, distance in measured if distance is not None],
        key=lambda pair: (pair[1], pair[0].code),
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Where a person works and what they may do there (law 17)."""

    locations: tuple[LocationRef, ...]
    everywhere: frozenset[Permission]
    at: dict[int, frozenset[Permission]]

    def permissions_at(self, location_id: int | None) -> frozenset[Permission]:
        """Return what the person may do at a location; without one, what they may do everywhere."""
        return self.everywhere | (self.at.get(location_id, frozenset()) if location_id else frozenset())

    def may_anywhere(self, permission: Permission) -> bool:
        return permission in self.everywhere or any(permission in granted for granted in self.at.values())


def access(user: "User | AnonymousUser") -> Access:
    """Return what `user` may see and do, from their assignments, in one query."""
    if not user.is_authenticated or not user.is_active:
        return Access((), frozenset(), {})
    if user.is_superuser:
        return Access(tuple(active()), frozenset(Permission), {})
    everywhere: set[Permission] = set()
    at: dict[int, set[Permission]] = {}
    for location_id, role in StaffAssignment.objects.filter(user_id=user.pk).values_list("location_id", "role"):
        granted = PERMISSIONS[Role(role)]
        if location_id is None:
            everywhere |= granted
        else:
            at.setdefault(location_id, set()).update(granted)
    locations = [location for location in active() if everywhere or location.id in at]
    return Access(tuple(locations), frozenset(everywhere), {key: frozenset(granted) for key, granted in at.items()})


@transaction_required
def add_location(*, by: Actor, **values: Any) -> LocationRef:
    """Create a location. Raises: InvalidInput naming each field that is wrong."""
    location = Location(**values)
    _validate(location)
    location.save()
    audit.record("inventory.locations.add_location", "location", location.pk, by=by, after=_facts(location))
    forget()
    return by_id(location.pk)


@transaction_required
def change_location(location_id: int, *, by: Actor, **values: Any) -> LocationRef:
    """Change a location's master data. Raises: InvalidInput naming each field that is wrong."""
    location = Location.objects.select_for_update().get(pk=location_id)
    at, before = clock.now(), _facts(location)
    for name, value in values.items():
        setattr(location, name, value)
    _validate(location)
    location.save()
    audit.record(
        "inventory.locations.change_location", "location", location.pk, by=by, before=before, after=_facts(location)
    )
    if (before["is_active"], before["country"]) != (location.is_active, location.country):
        outbox.publish(
            [LocationChanged(aggregate_sequence=int(at.timestamp() * 1000), occurred_at=at, location_id=location.pk)],
            by=by,
        )
    forget()
    return by_id(location.pk)


@dataclass(slots=True)
class Loaded:
    """What came of loading places: how many were new, changed, as before; (code, reason) of refusals and of hours left out."""

    added: int = 0
    changed: int = 0
    same: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)


@transaction_required
def load(rows: Sequence[Mapping[str, Any]], *, by: Actor) -> Loaded:
    """Add or change many places by their code, each on its own merit; loading the same again changes nothing.

    What people set up here stays: whether a place that exists is active, what it can do, its pickup windows. Opening hours that
    can't be read are left out, which means closed.
    """
    done = Loaded()
    known = {
        row.code: row for row in Location.objects.select_for_update().filter(code__in=[row["code"] for row in rows])
    }
    fresh, changed, signed = [], [], []
    for values in rows:
        row = known.get(values["code"])
        before = _facts(row) if row is not None else None
        row = row or Location(**values)
        for name in _LOADED if before is not None else ():
            setattr(row, name, values[name])
        try:
            _validate_hours(row)
        except InvalidInput as wrong:
            if wrong.errors[0]["field"] == "opening_hours":
                done.remarks.append((row.code, f"opening hours can't be read and were left out: {row.opening_hours}"))
                row.opening_hours = ""
        try:
            _validate(row, is_new=False)
        except InvalidInput as wrong:
            done.refused.append((row.code, "; ".join(f"{one['field']}: {one['message']}" for one in wrong.errors)))
            continue
        if before is None:
            fresh.append(row)
        elif _facts(row) == before:
            done.same += 1
        else:
            changed.append(row)
            signed.append(_signed_load(row, before))
    if fresh:
        bulk_create_with_history(fresh, Location, batch_size=500, default_change_reason="load")
        signed += [_signed_load(row, None) for row in fresh]
    if changed:
        bulk_update_with_history(changed, Location, list(_LOADED), default_change_reason="load")
    audit.record_many(signed, by=by)
    done.added, done.changed = len(fresh), len(changed)
    forget()
    return done


_LOADED = (
    "name", "street", "postal_code", "city", "country", "latitude", "longitude", "opening_hours", "time_zone",
)  # fmt: skip


def _signed_load(row: Location, before: dict[str, Any] | None) -> audit.AuditRow:
    return audit.AuditRow(
        verb="inventory.locations.load", object_type="location", object_id=row.pk, before=before, after=_facts(row)
    )


@transaction_required
def assign(user: "User", role: Role, location_id: int | None = None, *, by: Actor) -> None:
    """Give a person a role at a location, or everywhere. Giving it twice changes nothing."""
    _, created = StaffAssignment.objects.get_or_create(user=user, location_id=location_id, role=role.value)
    if created:
        audit.record(
            "inventory.locations.assign", "user", user.pk, by=by, after={"role": role.value, "location_id": location_id}
        )


@transaction_required
def unassign(user: "User", role: Role, location_id: int | None = None, *, by: Actor) -> None:
    """Take a role from a person. Taking what they don't have changes nothing."""
    gone, _ = StaffAssignment.objects.filter(user=user, location_id=location_id, role=role.value).delete()
    if gone:
        audit.record(
            "inventory.locations.unassign",
            "user",
            user.pk,
            by=by,
            before={"role": role.value, "location_id": location_id},
        )


@transaction_required
def set_places(rows: list[tuple[str, str, str, float, float]]) -> int:
    """Store where postal codes lie: (country, postal code, place, latitude, longitude). Newest wins."""
    PostalPlace.objects.bulk_create(
        [
            PostalPlace(country=country, postal_code=code, place=name, latitude=latitude, longitude=longitude)
            for country, code, name, latitude, longitude in rows
        ],
        update_conflicts=True,
        unique_fields=["country", "postal_code"],
        update_fields=["place", "latitude", "longitude"],
        batch_size=2_000,
    )
    return len(rows)


def _validate(location: Location, *, is_new: bool = True) -> None:
    from django.core.exceptions import ValidationError

    try:
        location.full_clean(
            validate_unique=is_new, validate_constraints=is_new
        )  # many at once leave those to the database
    except ValidationError as error:
        raise InvalidInput(
            "The location is not valid.",
            errors=[
                {"field": field, "value": str(getattr(location, field, "")), "message": " ".join(messages)}
                for field, messages in error.message_dict.items()
            ],
        ) from error
    _validate_hours(location)


def _validate_hours(location: Location) -> None:
    """Opening hours and time zone must mean something, or no pickup window could be promised truthfully."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    import opening_hours

    try:
        ZoneInfo(location.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidInput(
            f"{location.time_zone!r} is no time zone; write one such as Europe/Berlin.",
            errors=[{"field": "time_zone", "value": location.time_zone, "message": "not an IANA time zone"}],
        ) from error
    if location.opening_hours and not opening_hours.validate(location.opening_hours):
        raise InvalidInput(
            f"{location.opening_hours!r} can't be read as opening hours; write them like Mo-Sa 09:00-20:00; PH off.",
            errors=[{"field": "opening_hours", "value": location.opening_hours, "message": "not in OSM syntax"}],
        )


def _facts(location: Location) -> dict[str, Any]:
    return {
        field.attname: getattr(location, field.attname) for field in location._meta.fields if field.name != "created_at"
    }
