"""What it costs to send a parcel and when it arrives: carriers' services by weight, zone, calendar and cut-off. [pure]

A zone says to which countries and up to how far a parcel may go, how many working days of the carrier that takes, and what
it costs by weight. A consignment heavier than the last band goes in as many parcels as it takes. What is large and light is
charged by its volume where the carrier says by which divisor.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from commerce import public_holidays

LONGEST_SEARCH_DAYS = 40  # within which every carrier works on some day
WORKDAYS = frozenset({1, 2, 3, 4, 5})
PARCEL_DAYS = frozenset({1, 2, 3, 4, 5, 6})
GRAMS_IN_KG = 1_000
UNKNOWN_GRAMS = 500  # as which a piece counts whose weight nobody entered


@dataclass(frozen=True, slots=True)
class Bulk:
    """How heavy and how large goods are, as far as that is known: pieces without measures take no room."""

    grams: int = 0
    mm3: int = 0

    def __add__(self, other: "Bulk") -> "Bulk":
        return Bulk(self.grams + other.grams, self.mm3 + other.mm3)


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a service goes to and at what price. `bands` are (up to grams, minor units), by weight; `up_to_km` None is any.

    `per_kg` says for each band what every started kilogram costs besides. `minimum_minor` is the least that a consignment costs.
    """

    code: str
    countries: frozenset[str]
    days: int
    bands: tuple[tuple[int, int], ...]
    up_to_km: int | None = None
    minimum_minor: int = 0
    per_kg: tuple[int, ...] = ()
    _flat: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())  # the least from each band on
    _up_to: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        least, flat = 0, list[int]()
        for _up_to, minor in reversed(self.bands):
            least = min(least, minor) if flat else minor
            flat.append(least)
        object.__setattr__(self, "_flat", tuple(reversed(flat)))
        object.__setattr__(self, "_up_to", tuple(up_to for up_to, _minor in self.bands))

    def cost_minor(self, grams: int) -> int:
        """Return what a consignment costs; beyond the last band it is several parcels, all but one as heavy as may be.

        None costs more than a heavier one: where a later band is cheaper, it is declared at the weight from which that holds.
        """
        most = self._up_to[-1]
        whole, rest = divmod(max(grams, 1), most)
        total = (whole * self._parcel(most) if whole else 0) + (self._parcel(rest) if rest else 0)
        return max(total, self.minimum_minor)

    def _parcel(self, grams: int) -> int:
        first = bisect_left(self._up_to, grams)
        if not any(self.per_kg):
            return self._flat[first]
        found = []
        for number in range(first, len(self.bands)):
            declared = grams if number == first else self._up_to[number - 1]
            found.append(self.bands[number][1] + self.per_kg[number] * -(-declared // GRAMS_IN_KG))
        return min(found)


@dataclass(frozen=True, slots=True)
class Service:
    """What a carrier offers from one country: when it collects and delivers (ISO weekdays), for which methods, and where to.

    Parcels that are ready by `cut_off`, local time, leave on the same day if the carrier collects then. Where it has a
    `volume_divisor` (cm³ that count as one kilogram), what is larger than it is heavy is charged by its volume.
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
    volume_divisor: int | None = None

    def charged_grams(self, bulk: Bulk) -> int:
        """Return the weight that counts: that of the goods, or of their volume when it is more."""
        if not self.volume_divisor:
            return bulk.grams
        return max(bulk.grams, -(-bulk.mm3 // self.volume_divisor))  # 1000 mm³ are one cm³, 1000 g one kg

    def cost_minor(self, zone: Zone, bulk: Bulk) -> int:
        """Return what a consignment costs in one of its zones."""
        return zone.cost_minor(self.charged_grams(bulk))

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
        is_hazardous: bool = False, mm3: int = 0,
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
                found.append(
                    Option(service.code, zone.code, service.cost_minor(zone, Bulk(grams, mm3)), leaves, arrives)
                )
        return sorted(found, key=lambda one: (one.arrives_on, one.cost_minor, one.service))


def zone_for(zones: Sequence[Zone], km: int | None) -> Zone | None:
    """Return the first of some zones, the nearest first, that reaches so far; an unknown distance counts as far."""
    return next((zone for zone in zones if zone.up_to_km is None or (km is not None and km <= zone.up_to_km)), None)
