"""What it costs to send a parcel and when it arrives: carriers' services by weight, zone, calendar and cut-off. [pure]

A zone says to which countries and up to how far a parcel may go, how many working days of the carrier that takes, and what
it costs by weight. A consignment heavier than the last band goes in as many parcels as it takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from commerce import public_holidays

LONGEST_SEARCH_DAYS = 40  # within which every carrier works on some day
WORKDAYS = frozenset({1, 2, 3, 4, 5})
PARCEL_DAYS = frozenset({1, 2, 3, 4, 5, 6})
UNKNOWN_GRAMS = 500  # as which a piece counts whose weight nobody entered


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a service goes to and at what price. `bands` are (up to grams, minor units), by weight; `up_to_km` None is any."""

    code: str
    countries: frozenset[str]
    days: int
    bands: tuple[tuple[int, int], ...]
    up_to_km: int | None = None

    def cost_minor(self, grams: int) -> int:
        """Return what a consignment costs; beyond the last band it is several parcels, all but one as heavy as may be."""
        most, top = self.bands[-1]
        whole, rest = divmod(max(grams, 1), most)
        return whole * top + (self._band(rest) if rest else 0)

    def _band(self, grams: int) -> int:
        return next(minor for up_to, minor in self.bands if grams <= up_to)


@dataclass(frozen=True, slots=True)
class Service:
    """What a carrier offers from one country: when it collects and delivers (ISO weekdays), for which methods, and where to.

    Parcels that are ready by `cut_off`, local time, leave on the same day if the carrier collects then.
    """

    code: str
    name: str
    carrier: str
    origin: str
    zones: tuple[Zone, ...]
    methods: frozenset[str] = frozenset({"ship"})
    cut_off: time = time(15)
    collects_on: frozenset[int] = WORKDAYS
    delivers_on: frozenset[int] = PARCEL_DAYS
    takes_hazardous: bool = False

    def zones_to(self, country: str) -> list[Zone]:
        """Return the zones that reach a country, the nearest first; one without a limit is the last."""
        found = [zone for zone in self.zones if country in zone.countries]
        return sorted(found, key=lambda zone: (zone.up_to_km is None, zone.up_to_km or 0, zone.code))

    def leaves_on(self, ready: datetime) -> date:
        """Return the day on which goods leave that are ready at a local instant."""
        day = ready.date() + timedelta(days=ready.time() > self.cut_off)
        return _next(day, self.collects_on, self.origin)

    def arrives_on(self, leaves_on: date, days: int, country: str) -> date:
        """Return the day on which a parcel arrives that left on a day, after so many days on which the carrier delivers."""
        day = leaves_on
        for _ in range(days):
            day = _next(day + timedelta(days=1), self.delivers_on, country)
        return day


@lru_cache(maxsize=20_000)
def _next(day: date, weekdays: frozenset[int], country: str) -> date:
    """Return the first day from `day` on that is one of the weekdays and no public holiday of the country."""
    for offset in range(LONGEST_SEARCH_DAYS):
        found = day + timedelta(days=offset)
        if found.isoweekday() in weekdays and not public_holidays.is_public_holiday(found, country=country, region=""):
            return found
    return day + timedelta(days=LONGEST_SEARCH_DAYS)


@dataclass(frozen=True, slots=True)
class Option:
    """One way to send a consignment: by which service, in which zone, for how much, leaving and arriving when."""

    service: str
    zone: str
    cost_minor: int
    leaves_on: date
    arrives_on: date


@dataclass(frozen=True, slots=True)
class Tariffs:
    """All services that may be used."""

    services: tuple[Service, ...] = ()
    by_origin: Mapping[str, tuple[Service, ...]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        grouped: dict[str, tuple[Service, ...]] = {}
        for service in sorted(self.services, key=lambda one: one.code):
            grouped[service.origin] = (*grouped.get(service.origin, ()), service)
        object.__setattr__(self, "by_origin", grouped)

    def options(
        self, *, origin: str, country: str, km: int | None, grams: int, method: str, ready: datetime,
        is_hazardous: bool = False,
    ) -> list[Option]:  # fmt: skip
        """Return every way from a place to a customer, the earliest first, then the cheapest. `ready` is local time."""
        found = []
        for service in self.by_origin.get(origin, ()):
            if method not in service.methods or (is_hazardous and not service.takes_hazardous):
                continue
            zone = zone_for(service.zones_to(country), km)
            if zone is not None:
                leaves = service.leaves_on(ready)
                arrives = service.arrives_on(leaves, zone.days, country)
                found.append(Option(service.code, zone.code, zone.cost_minor(grams), leaves, arrives))
        return sorted(found, key=lambda one: (one.arrives_on, one.cost_minor, one.service))


def zone_for(zones: Sequence[Zone], km: int | None) -> Zone | None:
    """Return the first of some zones, the nearest first, that reaches so far; an unknown distance counts as far."""
    return next((zone for zone in zones if zone.up_to_km is None or (km is not None and km <= zone.up_to_km)), None)
