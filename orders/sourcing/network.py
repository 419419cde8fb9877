"""The places that may serve, as columns: what is true of them for every order of a moment. [pure]"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from orders.sourcing.tariffs import Service, Tariffs, Zone

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EARTH_RADIUS_KM = 6371.0088  # mean radius, IUGG
NO_DAY = 9_999_999  # later than every day there is


@dataclass(frozen=True, slots=True)
class Place:
    """A location as routing sees it now. Amounts in minor units; `ready_at` is local: when goods ordered now can be collected."""

    id: int
    code: str
    name: str
    country: str
    ready_at: datetime
    latitude: float | None = None
    longitude: float | None = None
    capabilities: frozenset[str] = frozenset({"ship"})
    is_store: bool = True
    is_active: bool = True
    is_paused: bool = False
    is_closed: bool = False
    capacity_left: int | None = None  # orders that its day still takes
    load_percent: int = 0
    queue_minutes: int = 0
    handling_minor: int = 0
    handling_piece_minor: int = 0
    partner_basis_points: int = 0
    takes_returns: bool = True
    takes_hazardous: bool = True


@dataclass(frozen=True, slots=True)
class Roads:
    """One service from all places: on which days it collects there, as ordinals, and how far its zones reach."""

    service: Service
    serves: Bools
    leaves: tuple[date, ...]
    leave_of: Ints
    _reached: dict[str, tuple[list[Zone], Ints, Ints] | None] = field(default_factory=dict)

    def reached(self, country: str) -> tuple[list[Zone], Ints, Ints] | None:
        """Return the zones that reach a country, up to how many km, and the arrival by leaving day and zone, as ordinals."""
        if country not in self._reached:
            zones = self.service.zones_to(country)
            limits = np.array([NO_DAY if zone.up_to_km is None else zone.up_to_km for zone in zones], dtype=np.int64)
            arrivals = [
                [self.service.arrives_on(day, zone.days, country).toordinal() for zone in zones] for day in self.leaves
            ]
            self._reached[country] = (zones, limits, np.array(arrivals, dtype=np.int64)) if zones else None
        return self._reached[country]


class Network:
    """Places in the order of their codes, with their facts as columns. Made once for all orders of a moment."""

    def __init__(self, places: Sequence[Place], tariffs: Tariffs | None = None) -> None:
        self.places = tuple(sorted(places, key=lambda place: place.code))
        self.index = {place.id: number for number, place in enumerate(self.places)}
        self.size = len(self.places)
        self.tariffs = tariffs or Tariffs()
        self._with: dict[str, Bools] = {}
        self._from: dict[str, Bools] = {}

    def column(self, name: str) -> Ints:
        """Return one of the places' whole numbers as a column."""
        return np.array([int(getattr(place, name)) for place in self.places], dtype=np.int64)

    def flags(self, name: str) -> Bools:
        """Return one of the places' truths as a column."""
        return np.array([bool(getattr(place, name)) for place in self.places], dtype=np.bool_)

    @cached_property
    def is_out(self) -> dict[str, Bools]:
        """Which places take part in nothing now, by reason."""
        full = np.array(
            [one.capacity_left is not None and one.capacity_left < 1 for one in self.places], dtype=np.bool_
        )
        return {
            "inactive": ~self.flags("is_active"),
            "paused": self.flags("is_paused"),
            "closed": self.flags("is_closed"),
            "over_capacity": full,
        }

    @cached_property
    def is_in(self) -> Bools:
        """Which places take part in anything at all now."""
        out = np.zeros(self.size, dtype=np.bool_)
        for column in self.is_out.values():
            out |= column
        return ~out

    @cached_property
    def costs(self) -> dict[str, Ints]:
        """The columns that measures are made of."""
        names = ("load_percent", "queue_minutes", "handling_minor", "handling_piece_minor", "partner_basis_points")
        return {name: self.column(name) for name in names}

    @cached_property
    def ready_on(self) -> Ints:
        """The days on which goods ordered now can be ready, as ordinals."""
        return np.array([place.ready_at.toordinal() for place in self.places], dtype=np.int64)

    @cached_property
    def is_store(self) -> Bools:
        return self.flags("is_store")

    @cached_property
    def takes_returns(self) -> Bools:
        return self.flags("takes_returns")

    @cached_property
    def takes_hazardous(self) -> Bools:
        return self.flags("takes_hazardous")

    @cached_property
    def _radians(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        latitudes = [np.nan if place.latitude is None else place.latitude for place in self.places]
        longitudes = [np.nan if place.longitude is None else place.longitude for place in self.places]
        return np.radians(np.array(latitudes, dtype=np.float64)), np.radians(np.array(longitudes, dtype=np.float64))

    def kilometres(self, point: tuple[float, float], unknown: int) -> Ints:
        """Return the great-circle distance of every place to a point in whole km (haversine), `unknown` without coordinates."""
        phi, other = self._radians
        latitude, longitude = np.radians(point[0]), np.radians(point[1])
        chord = (
            np.sin((phi - latitude) / 2) ** 2 + np.cos(phi) * np.cos(latitude) * np.sin((other - longitude) / 2) ** 2
        )
        km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
        return np.where(np.isnan(km), unknown, np.rint(np.nan_to_num(km))).astype(np.int64)

    def offering(self, method: str) -> Bools:
        """Return which places offer a method."""
        if method not in self._with:
            self._with[method] = np.array([method in one.capabilities for one in self.places], dtype=np.bool_)
        return self._with[method]

    def within(self, area: frozenset[str]) -> Bools:
        """Return which places lie in one of some countries."""
        key = ",".join(sorted(area))
        if key not in self._from:
            self._from[key] = np.array([one.country in area for one in self.places], dtype=np.bool_)
        return self._from[key]

    @cached_property
    def countries(self) -> frozenset[str]:
        return frozenset(place.country for place in self.places)

    @cached_property
    def roads(self) -> tuple[Roads, ...]:
        """Every service as it serves the places."""
        made = []
        for origin, services in self.tariffs.by_origin.items():
            serves = self.within(frozenset({origin}))
            if not serves.any():
                continue
            for service in services:
                days = [service.leaves_on(one.ready_at) if one.country == origin else date.min for one in self.places]
                leaves = sorted(set(days) - {date.min})
                number = {day: place for place, day in enumerate(leaves)}
                leave_of = np.array([number.get(day, 0) for day in days], dtype=np.int64)
                made.append(Roads(service, serves, tuple(leaves), leave_of))
        return tuple(made)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One product at all places, in pieces: what may be had, what was guaranteed there to the channel that asks, what the
    place will sell itself until its next delivery, and from which number on it has too many (`NO_DAY`: unknown)."""

    available: Ints
    guaranteed: Ints | None = None
    ahead: Ints | None = None
    enough: Ints | None = None


def shelf(network: Network, available: Mapping[int, int], **more: Mapping[int, int]) -> Shelf:
    """Return a product's columns from pieces by place; places that aren't named have none, and enough of nothing."""
    columns = {"available": _column(network, available, 0)}
    for name, pieces in more.items():
        if pieces:
            columns[name] = _column(network, pieces, NO_DAY if name == "enough" else 0)
    return Shelf(**columns)


def _column(network: Network, pieces: Mapping[int, int], missing: int) -> Ints:
    column = np.full(network.size, missing, dtype=np.int64)
    for place_id, count in pieces.items():
        number = network.index.get(place_id)
        if number is not None:
            column[number] = count
    return column
