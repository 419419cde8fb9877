"""What the packing table and its screens read: shipments that wait, their parcels, what is in them, papers. Reads only."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum

from inventory import locations
from orders import age_checks
from orders.floor import LabelState
from orders.lifecycle import COLLECTED, LEAVES_BY, SENT, Method, State
from orders.models import Fulfilment, FulfilmentLine, Parcel, ParcelLine, ShipLabel
from orders.packing.papers import Item, Paper

MOST_LISTED = 100
# Picked and not gone: for a carrier, or for another store.
_PACKED = Q(state=State.READY.value, method__in=list(SENT)) | Q(state=State.PICKED.value)


@dataclass(slots=True)
class PackLine:
    """A line at the packing table: picked, and of those packed."""

    id: UUID
    sku: str
    name: str
    picked: int
    packed: int
    codes: tuple[tuple[str, int], ...]

    @property
    def left(self) -> int:
        return self.picked - self.packed


@dataclass(frozen=True, slots=True)
class LabelView:
    """A label as a screen shows it; `has_document` says whether there is one to print."""

    id: UUID
    carrier: str
    state: str
    tracking_number: str
    said: str
    reference: str
    has_document: bool


@dataclass(slots=True)
class ParcelView:
    """A parcel with what is in it and its labels, the one that counts in front."""

    id: UUID
    number: int
    weight_grams: int | None
    is_closed: bool
    has_left: bool
    items: list[Item] = field(default_factory=list)
    labels: list[LabelView] = field(default_factory=list)

    @property
    def label(self) -> LabelView | None:
        living = (LabelState.ASKED, LabelState.MADE, LabelState.CANCELLING)
        return next((one for one in self.labels if one.state in living), None)

    @property
    def pieces(self) -> int:
        return sum(item.pieces for item in self.items)


@dataclass(frozen=True, slots=True)
class Station:
    """A shipment at the packing table."""

    fulfilment_id: UUID
    order_id: UUID
    number: str
    name: str
    address: tuple[str, ...]
    promised_at: datetime
    state: str
    method: str
    lines: list[PackLine]
    parcels: list[ParcelView]
    minimum_age: int | None

    @property
    def is_to_store(self) -> bool:
        return self.method == Method.SHIP_TO_STORE

    @property
    def may_pack(self) -> bool:
        return (State(self.state), Method(self.method)) in LEAVES_BY

    @property
    def open_parcel(self) -> ParcelView | None:
        return next((one for one in self.parcels if not one.is_closed), None)

    @property
    def left(self) -> int:
        return sum(line.left for line in self.lines)

    @property
    def picked(self) -> int:
        return sum(line.picked for line in self.lines)

    @property
    def may_leave(self) -> bool:
        """Everything is in closed parcels, and each has its label; our own van takes parcels without one."""
        filled = [one for one in self.parcels if one.items]
        return (
            not self.left
            and bool(filled)
            and all(one.is_closed for one in filled)
            and (self.is_to_store or all(one.label and one.label.state == LabelState.MADE for one in filled))
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """A shipment that waits for the packing table or for the carrier."""

    fulfilment_id: UUID
    number: str
    name: str
    promised_at: datetime
    pieces: int
    parcels: int
    labelled: int
    store: str = ""  # to which it travels


@dataclass(frozen=True, slots=True)
class CutOff:
    """What has to leave a place by the end of a day: how many shipments are in which state."""

    day: date
    to_pick: int
    to_pack: int
    to_hand: int
    left: int

    @property
    def total(self) -> int:
        return self.to_pick + self.to_pack + self.to_hand + self.left


def waiting(location_id: int) -> list[Waiting]:
    """Return the shipments of a place that are picked and not gone, those due first in front. Three queries."""
    rows = list(
        Fulfilment.objects.filter(_PACKED, location_id=location_id)
        .order_by("promised_at", "id")
        .values_list("id", "order__number", "order__contact_name", "promised_at", "store_id")[:MOST_LISTED]
    )
    ids = [row[0] for row in rows]
    pieces = FulfilmentLine.objects.filter(fulfilment_id__in=ids).values("fulfilment_id").annotate(sum=Sum("picked"))
    sums = {row["fulfilment_id"]: row["sum"] for row in pieces}
    made = Count("labels", filter=Q(labels__state=LabelState.MADE.value))
    parcels: dict[UUID, list[int]] = defaultdict(list)
    rows_of = Parcel.objects.filter(fulfilment_id__in=ids).annotate(made=made)
    for fulfilment_id, labelled in rows_of.values_list("fulfilment_id", "made"):
        parcels[fulfilment_id].append(labelled)
    return [
        Waiting(
            row_id,
            number,
            name,
            due,
            sums.get(row_id, 0),
            len(parcels[row_id]),
            sum(1 for many in parcels[row_id] if many),
            locations.by_id(store_id).name if store_id else "",
        )
        for row_id, number, name, due, store_id in rows
    ]


def station(fulfilment_id: UUID, location_id: int) -> Station | None:
    """Return a shipment of a place with its parcels, or None when it isn't there. A bounded number of queries."""
    one = Fulfilment.objects.filter(pk=fulfilment_id, location_id=location_id).select_related("order").first()
    if one is None or one.method in COLLECTED:
        return None
    lines = list(
        FulfilmentLine.objects.filter(fulfilment=one, picked__gt=0)
        .select_related("product")
        .prefetch_related("product__gtins")
        .order_by("order_line__line_number", "product_id")
    )
    parcels = {row.id: _parcel(row) for row in Parcel.objects.filter(fulfilment=one).order_by("number")}
    packed: dict[UUID, int] = defaultdict(int)
    inside = ParcelLine.objects.filter(parcel__in=parcels).order_by("id")
    for row in inside.values_list("parcel_id", "line_id", "quantity", "line__product__sku", "line__product__name"):
        parcel_id, line_id, quantity, sku, name = row
        packed[line_id] += quantity
        parcels[parcel_id].items.append(Item(sku, name, quantity))
    for label in ShipLabel.objects.filter(parcel__in=parcels).annotate(
        has=Count("document", filter=Q(document__isnull=False))
    ).defer("document").order_by("-asked_at"):  # fmt: skip
        parcels[label.parcel_id].labels.append(
            LabelView(
                label.id,
                label.carrier,
                label.state,
                label.tracking_number,
                label.said,
                label.reference,
                bool(label.has),
            )
        )
    return Station(
        one.id, one.order_id, one.order.number, one.order.contact_name, _address(one), one.promised_at, one.state, one.method,
        [
            PackLine(
                line.id, line.product.sku, line.product.name, line.picked, packed[line.id],
                tuple((gtin.gtin, gtin.pieces) for gtin in line.product.gtins.all()),
            )
            for line in lines
        ],
        list(parcels.values()),
        age_checks.required(line.product_id for line in lines),
    )  # fmt: skip


def cut_offs(location_id: int, *, at: datetime) -> list[CutOff]:
    """Return what has to leave a place today and before, and tomorrow: by day where the place is. Two queries."""
    place = locations.by_id(location_id)
    zone = ZoneInfo(place.time_zone)
    unpicked = Q(state__in=["placed", "accepted", "picking"]) & ~Q(method__in=list(COLLECTED))
    rows = Fulfilment.objects.filter(unpicked | _PACKED, location_id=location_id)
    days: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    labelled = Count("parcels", filter=Q(parcels__labels__state=LabelState.MADE.value), distinct=True)
    for state, promised_at, labels in rows.annotate(made=labelled).values_list("state", "promised_at", "made")[:5000]:
        kind = 0 if state not in (State.READY, State.PICKED) else 2 if labels else 1
        days[max(promised_at.astimezone(zone).date(), at.astimezone(zone).date())][kind] += 1
    midnight = datetime.combine(at.astimezone(zone).date(), time.min, zone)
    gone = Fulfilment.objects.filter(location_id=location_id, state=State.SHIPPED.value, changed_at__gt=midnight)
    sent = (
        Parcel.objects.filter(fulfilment__origin_id=location_id, left_at__gt=midnight)
        .values("fulfilment_id")
        .distinct()
    )
    days[at.astimezone(zone).date()][3] = gone.count() + sent.count()
    return [CutOff(day, *counts) for day, counts in sorted(days.items())[:3]]


def paper(fulfilment_id: UUID, location_id: int, *, parcel_number: int | None = None) -> Paper | None:
    """Return what the papers of an order at a place say: all that was picked, or what is in one parcel."""
    one = Fulfilment.objects.filter(pk=fulfilment_id, location_id=location_id).select_related("order").first()
    if one is None:
        return None
    order, place = one.order, locations.by_id(location_id)
    parcel = Parcel.objects.filter(fulfilment=one, number=parcel_number).first() if parcel_number else None
    if parcel_number and parcel is None:
        return None
    if parcel is not None:
        inside = ParcelLine.objects.filter(parcel=parcel).order_by("line__order_line__line_number", "id")
        rows = inside.values_list("line__product_id", "line__product__sku", "line__product__name", "quantity")
        parcels = Parcel.objects.filter(fulfilment=one).count()
    else:
        lines = (
            FulfilmentLine.objects.filter(fulfilment=one)
            .annotate(owed=F("quantity") - F("rejected"))
            .filter(owed__gt=0)
        )
        rows = lines.order_by("order_line__line_number", "product_id").values_list(
            "product_id", "product__sku", "product__name", "owed"
        )
        parcels = 0
    found = list(rows)
    return Paper(
        order.number, order.contact_name, "de" if order.language == "de" else "en", place,
        [Item(sku, name, pieces) for _, sku, name, pieces in found], one.promised_at, one.keep_until, one.pickup_code,
        _address(one), f"{parcel.number} / {parcels}" if parcel else "",
        parcel.weight_grams if parcel else None, age_checks.required(product_id for product_id, *_ in found),
        locations.by_id(one.store_id) if one.store_id else None, parcel.code if parcel else "", one.deliver_by,
    )  # fmt: skip


def _address(one: Fulfilment) -> tuple[str, ...]:
    """Return where a shipment goes: to its store, or to the customer's address."""
    if one.store_id is not None:
        store = locations.by_id(one.store_id)
        return tuple(
            part
            for part in (store.name, store.street, f"{store.postal_code} {store.city}".strip(), store.country)
            if part
        )
    to = one.order.ship_to or {}
    address = [to.get("street", ""), f"{to.get('postal_code', '')} {to.get('city', '')}".strip(), to.get("country", "")]
    return tuple(part for part in address if part)


def label_document(label_id: UUID, location_id: int) -> bytes | None:
    """Return the document of a label of a place, if there is one."""
    row = ShipLabel.objects.filter(pk=label_id, parcel__fulfilment__location_id=location_id).first()
    return bytes(row.document) if row is not None and row.document is not None else None


def _parcel(row: Parcel) -> ParcelView:
    return ParcelView(row.id, row.number, row.weight_grams, row.closed_at is not None, row.left_at is not None)
