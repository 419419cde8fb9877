"""What screens show of waves: the next one, those that go on, who has how much, and the stops of a walk. Reads only."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet, Sum

from inventory import shelves
from orders.lifecycle import State
from orders.models import ConsignmentPart, Fulfilment, FulfilmentLine, Wave, WaveTote
from orders.waves import composing, rounds
from orders.waves.composing import Candidate

MOST_LOOKED_AT = 300  # waiting orders, those due first; a wave takes twelve
MOST_OPEN = 30


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The next wave: its orders, and what it comes to."""

    fulfilment_ids: tuple[UUID, ...]
    way_out: str
    due_at: datetime
    last_due_at: datetime
    pieces: int
    shelves: int


@dataclass(frozen=True, slots=True)
class WaveView:
    """A wave as a list shows it. `until` is the end of its last lease that runs."""

    id: UUID
    number: str
    location_id: int
    way_out: str
    holder_id: int
    holder: str
    begun_at: datetime
    ended_at: datetime | None
    orders: int
    pieces: int
    picked: int
    due_at: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Share:
    """What one tote wants of a product."""

    tote: int
    number: str
    wanted: int
    picked: int

    @property
    def missing(self) -> int:
        return self.wanted - self.picked


@dataclass(slots=True)
class Stop:
    """One product of a walk: where it lies, how many pieces in all, and for which totes. `codes` are its barcodes."""

    product_id: int
    sku: str
    name: str
    brand: str
    shelves: tuple[str, ...]
    codes: tuple[tuple[str, int], ...]
    shares: list[Share] = field(default_factory=list)

    @property
    def id(self) -> int:
        return self.product_id

    @property
    def wanted(self) -> int:
        return sum(one.wanted for one in self.shares)

    @property
    def picked(self) -> int:
        return sum(one.picked for one in self.shares)

    @property
    def open(self) -> int:
        return self.wanted - self.picked

    @property
    def is_done(self) -> bool:
        return self.open == 0


@dataclass(frozen=True, slots=True)
class ToteView:
    """A tote: whose order it is, and how far it is."""

    tote: int
    fulfilment_id: UUID
    number: str
    name: str
    state: str
    due_at: datetime
    wanted: int
    picked: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A wave under the hands of its picker: stops in the order of the walk, and totes."""

    wave: WaveView
    stops: list[Stop]
    totes: list[ToteView]

    @property
    def current(self) -> Stop | None:
        return next((stop for stop in self.stops if not stop.is_done), None)

    @property
    def wanted(self) -> int:
        return sum(stop.wanted for stop in self.stops)

    @property
    def picked(self) -> int:
        return sum(stop.picked for stop in self.stops)

    @property
    def is_complete(self) -> bool:
        return self.current is None


@dataclass(frozen=True, slots=True)
class Load:
    """The open work of a person: orders and pieces under their lease."""

    person_id: int
    name: str
    orders: int
    pieces: int


def suggest(location_id: int, *, rule: composing.Rule | None = None) -> Suggestion | None:
    """Return the next wave of a place, or None when nothing waits. Four queries, however long the queue is."""
    rows = list(
        Fulfilment.objects.filter(location_id=location_id, state=State.PLACED.value, order__held_for=[])
        .order_by("promised_at", "id")
        .values_list("id", "method", "promised_at")[:MOST_LOOKED_AT]
    )
    lines: dict[UUID, list[tuple[int, int, int]]] = defaultdict(list)
    for fulfilment_id, product_id, missing, grams in (
        FulfilmentLine.objects.filter(fulfilment_id__in=[row[0] for row in rows])
        .values_list("fulfilment_id", "product_id", F("quantity") - F("picked") - F("rejected"), "product__weight_grams")
    ):  # fmt: skip
        if missing:
            lines[fulfilment_id].append((product_id, missing, (grams or 0) * missing))
    lies = shelves.of(location_id, {product_id for found in lines.values() for product_id, _, _ in found})
    parts = ConsignmentPart.objects.filter(fulfilment_id__in=[row[0] for row in rows], parted_at__isnull=True)
    together = dict(parts.values_list("fulfilment_id", "consignment_id"))
    candidates = [
        Candidate(
            fulfilment_id, rounds.way_out(method), promised_at, sum(missing for _, missing, _ in lines[fulfilment_id]),
            sum(grams for _, _, grams in lines[fulfilment_id]),
            frozenset(lies.get(product_id, [f"?{product_id}"])[0] for product_id, _, _ in lines[fulfilment_id]),
            together.get(fulfilment_id),
        )
        for fulfilment_id, method, promised_at in rows
        if lines[fulfilment_id]
    ]  # fmt: skip
    wave = composing.compose(candidates, rule)
    if not wave:
        return None
    return Suggestion(
        tuple(one.id for one in wave), wave[0].way_out, wave[0].due_at, wave[-1].due_at, sum(one.pieces for one in wave),
        len({shelf for one in wave for shelf in one.shelves}),
    )  # fmt: skip


def going_on(location_id: int) -> list[WaveView]:
    """Return the waves of a place that go on, the oldest first. Two queries."""
    return _views(Wave.objects.filter(location_id=location_id, ended_at__isnull=True).order_by("begun_at")[:MOST_OPEN])


def sheet(wave_id: UUID, location_id: int) -> Sheet | None:
    """Return a wave of a place with its walk, or None when it isn't there. A bounded number of queries."""
    views = _views(Wave.objects.filter(pk=wave_id, location_id=location_id))
    if not views:
        return None
    totes = list(
        WaveTote.objects.filter(wave_id=wave_id)
        .select_related("fulfilment__order")
        .order_by("tote")
    )  # fmt: skip
    by_fulfilment = {one.fulfilment_id: one for one in totes}
    lines = list(
        FulfilmentLine.objects.filter(fulfilment_id__in=by_fulfilment)
        .select_related("product")
        .prefetch_related("product__gtins")
    )
    lies = shelves.of(location_id, {line.product_id for line in lines})
    stops: dict[int, Stop] = {}
    sums: dict[UUID, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for line in sorted(lines, key=lambda one: by_fulfilment[one.fulfilment_id].tote):
        tote, product = by_fulfilment[line.fulfilment_id], line.product
        wanted, picked = line.quantity - line.rejected, line.picked
        before = sums[line.fulfilment_id]
        sums[line.fulfilment_id] = (before[0] + wanted, before[1] + picked)
        if not tote.is_open or not wanted:
            continue
        codes = tuple((gtin.gtin, gtin.pieces) for gtin in product.gtins.all())
        stop = stops.setdefault(
            line.product_id,
            Stop(product.id, product.sku, product.name, product.brand, tuple(lies.get(product.id, ())), codes),
        )
        stop.shares.append(Share(tote.tote, tote.fulfilment.order.number, wanted, picked))
    path = composing.walk({product_id: stop.shelves[0] if stop.shelves else "" for product_id, stop in stops.items()})
    return Sheet(
        views[0],
        [stops[product_id] for product_id in path],
        [
            ToteView(
                one.tote, one.fulfilment_id, one.fulfilment.order.number, one.fulfilment.order.contact_name,
                one.fulfilment.state, one.fulfilment.promised_at, *sums[one.fulfilment_id],
            )
            for one in totes
        ],
    )  # fmt: skip


def place_of(wave_id: UUID) -> int | None:
    """Return the location of a wave, or None when there is none."""
    return Wave.objects.filter(pk=wave_id).values_list("location_id", flat=True).first()


def loads(location_id: int, *, at: datetime) -> list[Load]:
    """Return who has how much open work at a place, the one with the least first: whom to give the next wave. One query."""
    rows = (
        Fulfilment.objects.filter(
            location_id=location_id,
            state__in=[State.ACCEPTED.value, State.PICKING.value],
            lease_expires_at__gt=at,
        )
        .values("lease_holder_id", "lease_holder__first_name", "lease_holder__last_name", "lease_holder__username")
        .annotate(
            orders=Count("id", distinct=True),
            pieces=Sum(F("lines__quantity") - F("lines__picked") - F("lines__rejected")),
        )
        .order_by("pieces", "lease_holder_id")
    )
    return [
        Load(
            row["lease_holder_id"],
            f"{row['lease_holder__first_name']} {row['lease_holder__last_name']}".strip()
            or row["lease_holder__username"],
            row["orders"],
            row["pieces"] or 0,
        )
        for row in rows
    ]


def _views(chosen: QuerySet[Wave]) -> list[WaveView]:
    waves = list(chosen.select_related("holder"))
    rows = (
        WaveTote.objects.filter(wave__in=waves)
        .values("wave_id")
        .annotate(
            orders=Count("fulfilment_id", distinct=True),
            pieces=Sum(F("fulfilment__lines__quantity") - F("fulfilment__lines__rejected")),
            picked=Sum("fulfilment__lines__picked"),
        )
    )
    sums = {row["wave_id"]: row for row in rows}
    ends: dict[UUID, tuple[datetime, datetime]] = {}
    for wave_id, promised_at, until in WaveTote.objects.filter(
        Q(is_open=True), wave__in=waves, fulfilment__lease_holder_id=F("wave__holder_id")
    ).values_list("wave_id", "fulfilment__promised_at", "fulfilment__lease_expires_at"):
        due, end = ends.get(wave_id, (promised_at, until))
        ends[wave_id] = (min(due, promised_at), max(end, until))
    return [
        WaveView(
            wave.id, wave.number, wave.location_id, wave.way_out, wave.holder_id,
            wave.holder.get_full_name() or wave.holder.get_username(), wave.begun_at, wave.ended_at,
            sums.get(wave.id, {}).get("orders", 0), sums.get(wave.id, {}).get("pieces", 0) or 0,
            sums.get(wave.id, {}).get("picked", 0) or 0, *ends.get(wave.id, (None, None)),
        )
        for wave in waves
    ]  # fmt: skip
