"""What the packing table and its screens read: shipments that wait, their parcels, what is in them, papers. Reads only."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum

from inventory.places import locations
from orders import age_checks
from orders.floor import LabelState
from orders.lifecycle import COLLECTED, LEAVES_BY, SENT, Method, State
from orders.models import Fulfilment, FulfilmentLine, Parcel, ParcelLine, ShipLabel
from orders.packing import consignments, parcels
from orders.packing.consignments import Companion
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
    number: str = ""  # of its order, where several are packed together

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
    slips: dict[UUID, str] = field(default_factory=dict)  # whose goods are in it: order numbers by fulfilment
    strange: list[str] = field(default_factory=list)  # numbers of orders in it that do not travel with it any more
    strange_items: list[Item] = field(default_factory=list)  # their goods, to be taken out

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
    company: tuple[Companion, ...] = ()  # other orders that travel in the same parcels, picked or not yet

    @property
    def is_to_store(self) -> bool:
        return self.method == Method.SHIP_TO_STORE

    @property
    def may_pack(self) -> bool:
        return (State(self.state), Method(self.method)) in LEAVES_BY

    @property
    def later(self) -> list[Companion]:
        """Those that are not picked yet: they travel alone if the others leave now."""
        return [one for one in self.company if not one.is_ready]

    @property
    def has_strange(self) -> bool:
        return any(one.strange for one in self.parcels)

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
            and not self.has_strange
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
    company: tuple[Companion, ...] = ()


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
    """Return the shipments of a place that are picked and not gone, those due first in front. A bounded number of queries.

    Those that travel together and are picked stand once, by the one that is due first.
    """
    rows = list(
        Fulfilment.objects.filter(_PACKED, location_id=location_id)
        .order_by("promised_at", "id")
        .values_list("id", "order__number", "order__contact_name", "promised_at", "store_id")[:MOST_LISTED]
    )
    ids = [row[0] for row in rows]
    pieces = FulfilmentLine.objects.filter(fulfilment_id__in=ids).values("fulfilment_id").annotate(sum=Sum("picked"))
    sums = {row["fulfilment_id"]: row["sum"] for row in pieces}
    inside, labelled = _parcels_of(ids)
    together = consignments.companions(ids)
    found: list[Waiting] = []
    told: set[UUID] = set()
    for row_id, number, name, due, store_id in rows:
        if row_id in told:
            continue
        company = tuple(together.get(row_id, ()))
        here = [row_id, *(one.fulfilment_id for one in company if one.is_ready)]
        told.update(here)
        boxes = set().union(*(inside[one] for one in here))
        found.append(
            Waiting(
                row_id, number, name, due, sum(sums.get(one, 0) for one in here), len(boxes), len(boxes & labelled),
                locations.by_id(store_id).name if store_id else "", company,
            )
        )  # fmt: skip
    return found


def _parcels_of(fulfilment_ids: list[UUID]) -> tuple[dict[UUID, set[UUID]], set[UUID]]:
    """Return the parcels that shipments opened or lie in, and which of all those have a label. Three queries."""
    inside: dict[UUID, set[UUID]] = defaultdict(set)
    opened = Parcel.objects.filter(fulfilment_id__in=fulfilment_ids).values_list("fulfilment_id", "id")
    packed = ParcelLine.objects.filter(line__fulfilment_id__in=fulfilment_ids)
    for fulfilment_id, parcel_id in [*opened, *packed.values_list("line__fulfilment_id", "parcel_id")]:
        inside[fulfilment_id].add(parcel_id)
    known = {parcel_id for parcel_ids in inside.values() for parcel_id in parcel_ids}
    made = ShipLabel.objects.filter(parcel_id__in=known, state=LabelState.MADE.value)
    return inside, set(made.values_list("parcel_id", flat=True))


def station(fulfilment_id: UUID, location_id: int) -> Station | None:
    """Return a shipment of a place with its parcels, and those that are packed with it, or None when it isn't there.

    A bounded number of queries.
    """
    one = Fulfilment.objects.filter(pk=fulfilment_id, location_id=location_id).select_related("order").first()
    if one is None or one.method in COLLECTED:
        return None
    company = consignments.companions([one.id]).get(one.id, []) if one.state == State.READY else []
    here = [one.id, *(other.fulfilment_id for other in company if other.is_ready)]
    lines = list(
        FulfilmentLine.objects.filter(fulfilment__in=here, picked__gt=0)
        .select_related("product", "fulfilment__order")
        .prefetch_related("product__gtins")
        .order_by("fulfilment__promised_at", "fulfilment_id", "order_line__line_number", "product_id")
    )
    views = {row.id: _parcel(row) for row in parcels.of_table(here)}
    packed: dict[UUID, int] = defaultdict(int)
    inside = ParcelLine.objects.filter(parcel__in=views).order_by("id")
    for parcel_id, line_id, quantity, sku, name, number, owner in inside.values_list(
        "parcel_id", "line_id", "quantity", "line__product__sku", "line__product__name",
        "line__fulfilment__order__number", "line__fulfilment_id",
    ):  # fmt: skip
        packed[line_id] += quantity
        view = views[parcel_id]
        view.items.append(Item(sku, name, quantity))
        if owner in here:
            view.slips[owner] = number
            continue
        view.strange_items.append(Item(sku, name, quantity))
        if number not in view.strange:
            view.strange.append(number)
    for label in ShipLabel.objects.filter(parcel__in=views).annotate(
        has=Count("document", filter=Q(document__isnull=False))
    ).defer("document").order_by("-asked_at"):  # fmt: skip
        views[label.parcel_id].labels.append(
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
                line.fulfilment.order.number if len(here) > 1 else "",
            )
            for line in lines
        ],
        list(views.values()),
        age_checks.required(line.product_id for line in lines),
        tuple(company),
    )  # fmt: skip


def cut_offs(location_id: int, *, at: datetime) -> list[CutOff]:
    """Return what has to leave a place today and before, and tomorrow: by day where the place is. Three queries."""
    place = locations.by_id(location_id)
    zone = ZoneInfo(place.time_zone)
    unpicked = Q(state__in=["placed", "accepted", "picking"]) & ~Q(method__in=list(COLLECTED))
    rows = Fulfilment.objects.filter(unpicked | _PACKED, location_id=location_id)
    days: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    labelled = set(
        ParcelLine.objects.filter(
            line__fulfilment__location_id=location_id,
            line__fulfilment__state__in=[State.READY.value, State.PICKED.value],
            parcel__labels__state=LabelState.MADE.value,
        ).values_list("line__fulfilment_id", flat=True)
    )  # fmt: skip
    for fulfilment_id, state, promised_at in rows.values_list("id", "state", "promised_at")[:5000]:
        kind = 0 if state not in (State.READY, State.PICKED) else 2 if fulfilment_id in labelled else 1
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
    boxes = parcels.of_table([one.id]) if parcel_number else []
    parcel = next((box for box in boxes if box.number == parcel_number), None)
    if parcel_number and parcel is None:
        return None
    others: list[str] = []
    if parcel is not None:
        inside = ParcelLine.objects.filter(parcel=parcel).order_by("line__order_line__line_number", "id")
        own = inside.filter(line__fulfilment=one)
        rows = own.values_list("line__product_id", "line__product__sku", "line__product__name", "quantity")
        others = sorted(
            set(inside.exclude(line__fulfilment=one).values_list("line__fulfilment__order__number", flat=True))
        )
    else:
        lines = (
            FulfilmentLine.objects.filter(fulfilment=one)
            .annotate(owed=F("quantity") - F("rejected"))
            .filter(owed__gt=0)
        )
        rows = lines.order_by("order_line__line_number", "product_id").values_list(
            "product_id", "product__sku", "product__name", "owed"
        )
    found = list(rows)
    return Paper(
        order.number, order.contact_name, "de" if order.language == "de" else "en", place,
        [Item(sku, name, pieces) for _, sku, name, pieces in found], one.promised_at, one.keep_until, one.pickup_code,
        _address(one), f"{boxes.index(parcel) + 1} / {len(boxes)}" if parcel else "",
        parcel.weight_grams if parcel else None, age_checks.required(product_id for product_id, *_ in found),
        locations.by_id(one.store_id) if one.store_id else None, parcel.code if parcel else "", one.deliver_by, others,
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


def place_of(fulfilment_id: UUID) -> int | None:
    """Return the location of a shipment, or None when there is none."""
    return Fulfilment.objects.filter(pk=fulfilment_id).values_list("location_id", flat=True).first()


def shipment_of_parcel(parcel_id: UUID) -> UUID | None:
    """Return the shipment that a parcel belongs to, or None when there is no such parcel."""
    return Parcel.objects.filter(pk=parcel_id).values_list("fulfilment_id", flat=True).first()


def parcel_of_label(label_id: UUID) -> UUID | None:
    """Return the parcel that a label is of, or None when there is no such label."""
    return ShipLabel.objects.filter(pk=label_id).values_list("parcel_id", flat=True).first()


def label_document(label_id: UUID, location_id: int) -> bytes | None:
    """Return the document of a label of a place, if there is one."""
    row = ShipLabel.objects.filter(pk=label_id, parcel__fulfilment__location_id=location_id).first()
    return bytes(row.document) if row is not None and row.document is not None else None


def _parcel(row: Parcel) -> ParcelView:
    return ParcelView(row.id, row.number, row.weight_grams, row.closed_at is not None, row.left_at is not None)
