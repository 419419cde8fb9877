"""What holds for all orders of a few seconds: the policies that decide, what carriers offer, what places can and may do.

Every process keeps a copy; a change made elsewhere is seen within FRESH_FOR_SECONDS.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from orders.models import (
    RoutingNode,
    RoutingPolicy,
    RoutingRestriction,
    RoutingSwitch,
    ShippingRate,
    ShippingService,
    ShippingZone,
)
from orders.sourcing import policy as policies
from orders.sourcing.policy import Policy
from orders.sourcing.standing import Role
from orders.sourcing.tariffs import Service, Tariffs, Zone

FRESH_FOR_SECONDS = 5.0
BUILT_IN = "first-1"  # how decisions name the policy that holds before any was activated


@dataclass(frozen=True, slots=True)
class Node:
    """What routing knows of a location besides its master data. Amounts in minor units."""

    is_paused: bool = False
    orders_per_day: int | None = None
    people: int = 1
    pieces_per_hour: int = 60
    handling_minor: int = 0
    handling_piece_minor: int = 0
    partner_basis_points: int = 0
    takes_returns: bool = True
    takes_hazardous: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """A restriction as it is kept: of one product or category (neither: of all), to a country, from a place."""

    id: int
    kind: str
    product_id: int | None
    category: str
    country: str
    location_id: int | None
    note: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The copy. `label` is how decisions name the live policy, `shadow` what is asked beside it."""

    policy: Policy = policies.FIRST
    label: str = BUILT_IN
    shadow: Policy | None = None
    shadow_label: str = ""
    tariffs: Tariffs = field(default_factory=Tariffs)
    nodes: Mapping[int, Node] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()


_lock = Lock()
_cached: tuple[float, Standing] = (0.0, Standing())


def now() -> Standing:
    """Return what holds, at most a few seconds old."""
    global _cached
    read_at, found = _cached
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        with _lock:
            found = _read()
            _cached = (time.monotonic(), found)
    return found


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _cached
    _cached = (0.0, Standing())


def label(number: int) -> str:
    """Return how decisions name a version."""
    return f"v{number}"


def _read() -> Standing:
    newest: dict[str, int | None] = {}
    for role in Role:
        newest[role.value] = (
            RoutingSwitch.objects.filter(role=role.value).order_by("-id").values_list("policy_id", flat=True).first()
        )
    contents = dict(
        RoutingPolicy.objects.filter(number__in=[one for one in newest.values() if one]).values_list(
            "number", "content"
        )
    )
    live, shadow = newest[Role.LIVE.value], newest[Role.SHADOW.value]
    return Standing(
        policies.read(contents[live]) if live else policies.FIRST,
        label(live) if live else BUILT_IN,
        policies.read(contents[shadow]) if shadow else None,
        label(shadow) if shadow else "",
        tariffs(),
        {
            row.pop("location_id"): Node(**row)
            for row in RoutingNode.objects.values("location_id", *Node.__dataclass_fields__)
        },
        tuple(Rule(*row) for row in RoutingRestriction.objects.order_by("id").values_list(*_RULE)),
    )


_RULE = ("id", "kind", "product_id", "category", "country", "location_id", "note")


def tariffs() -> Tariffs:
    """Return what carriers offer, as the tables say now; services without a zone or rates offer nothing."""
    rates: dict[int, list[tuple[int, int, int]]] = {}
    for zone_id, *rate in ShippingRate.objects.order_by("zone_id", "up_to_grams").values_list(
        "zone_id", "up_to_grams", "cost_minor", "per_kg_minor"
    ):
        rates.setdefault(zone_id, []).append((rate[0], rate[1], rate[2]))
    zones: dict[int, list[Zone]] = {}
    for row in ShippingZone.objects.order_by("service_id", "code"):
        if row.pk in rates:
            zones.setdefault(row.service_id, []).append(zone_of(row, rates[row.pk]))
    return Tariffs(
        tuple(
            Service(
                row.code, row.name, row.carrier, row.origin, tuple(zones[row.pk]), frozenset(row.methods), row.cut_off,
                frozenset(row.collects_on), frozenset(row.delivers_on), row.takes_hazardous, row.volume_divisor,
            )
            for row in ShippingService.objects.filter(is_active=True).order_by("code")
            if row.pk in zones
        )
    )  # fmt: skip


def zone_of(row: ShippingZone, rates: Iterable[tuple[int, int, int]]) -> Zone:
    """Return a zone as it is written down, with its rates: (up to grams, cost, for each started kilogram)."""
    known = list(rates)
    return Zone(
        row.code, frozenset(row.countries), row.days, tuple((up_to, cost) for up_to, cost, _per_kg in known), row.up_to_km,
        row.minimum_minor, tuple(per_kg for _up_to, _cost, per_kg in known) if any(one[2] for one in known) else (),
    )  # fmt: skip
