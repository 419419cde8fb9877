"""The places that a message about scarcity speaks of, and how they are called truthfully."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commerce.errors import InvalidInput
from inventory.places import groups as location_groups
from inventory.places import locations
from inventory.places.locations import LocationRef


@dataclass(frozen=True, slots=True)
class Place:
    """One location, a group, or all that serve a channel. `kind` is location, group or all."""

    kind: str
    code: str
    name: str
    location_ids: frozenset[int]
    time_zone: str

    @property
    def key(self) -> str:
        """The place as a claim keeps it."""
        return f"{self.kind}:{self.code}" if self.code else self.kind


def everywhere(country: str) -> Place:
    """Return all places that serve a country together."""
    serving = locations.serving(country)
    return Place("all", "", "", frozenset(one.id for one in serving), _zone(serving))


def at(code: str, country: str) -> Place:
    """Return the place of a location that serves the country. Raises: LocationUnknown, InvalidInput."""
    one = locations.ref(code)
    if one not in locations.serving(country):
        raise _unknown("location", code, "does not serve your channel")
    return of_location(one)


def of_location(one: LocationRef) -> Place:
    """Return the place of a location. It is called by its city only if no other place of ours is there."""
    alone = one.city and sum(other.city == one.city for other in locations.active()) == 1
    return Place("location", one.code, one.city if alone else one.name, frozenset({one.id}), one.time_zone)


def group(code: str, country: str) -> Place:
    """Return a group of places, those of it that serve the country. Raises: InvalidInput."""
    found = next((one for one in groups(country) if one.code == code), None)
    if found is None:
        raise _unknown("group", code, "is no group of places that serve your channel")
    return found


def groups(country: str) -> list[Place]:
    """Return all groups with at least one place that serves the country."""
    serving = {one.id: one for one in locations.serving(country)}
    members = location_groups.members()
    found = []
    for row in location_groups.listed():
        there = [serving[one] for one in sorted(members.get(row.pk, frozenset())) if one in serving]
        if there:
            found.append(Place("group", row.code, row.name, frozenset(one.id for one in there), _zone(there)))
    return found


def near(country: str, postal_code: str, *, channel_country: str) -> Place:
    """Return the location next to a postal code. Raises: InvalidInput when nobody knows where that is."""
    origin = locations.place(country, postal_code)
    nearest = locations.nearest(locations.serving(channel_country), *origin) if origin else []
    if not nearest:
        raise _unknown("postal_code", postal_code, "is no postal code that we know")
    return of_location(nearest[0][0])


def others(here: Place, country: str, *, known: Sequence[Place]) -> list[Place]:
    """Return the places that goods could be had from instead of here, in the order in which they are named.

    Next to a location: other locations, the nearest first. Next to a group: the groups apart from it.
    """
    if here.kind == "group":
        return [one for one in known if not one.location_ids & here.location_ids]
    if here.kind == "all":
        return []
    mine = locations.by_id(next(iter(here.location_ids)))
    rest = [one for one in locations.serving(country) if one.id != mine.id]
    if mine.latitude is not None and mine.longitude is not None:
        near_by = [one for one, _ in locations.nearest(rest, mine.latitude, mine.longitude)]
        rest = near_by + [one for one in rest if one not in near_by]
    return [of_location(one) for one in rest]


def _zone(places: Iterable[LocationRef]) -> str:
    return next((one.time_zone for one in places), "UTC")


def _unknown(field: str, value: str, message: str) -> InvalidInput:
    return InvalidInput(f"{value} {message}.", errors=[{"field": field, "value": value, "message": message}])
