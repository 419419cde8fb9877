"""Lists of the orders room for screens and the API: read only, a bounded number of SQL queries however many orders."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum

from commerce import audit, clock
from inventory import locations
from inventory.locations import LocationRef
from orders import lifecycle, totals
from orders.errors import FulfilmentNotFound, OrderNotFound
from orders.lifecycle import OrderStatus, State
from orders.models import Fulfilment, FulfilmentLine, Order, OrderLine, RoutingDecision

# --- orders, as the API, the tracking page and the order screen read them ------------------------------------------


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of an order. `total_minor` and `tax_minor` are as priced for `quantity`; `remaining_minor` is what is owed."""

    id: UUID
    line_number: int
    product_id: int
    sku: str
    name: str
    quantity: int
    cancelled: int
    unit_price_minor: int
    total_minor: int
    tax_minor: int
    tax_basis_points: int

    @property
    def remaining_minor(self) -> int:
        return totals.remaining_minor(self.total_minor, self.quantity, self.cancelled)


@dataclass(frozen=True, slots=True)
class FulfilmentLineView:
    """What a fulfilment owes of a line, in pieces."""

    id: UUID
    order_line_id: UUID
    quantity: int
    picked: int
    rejected: int
    reject_reason: str

    @property
    def missing(self) -> int:
        return self.quantity - self.picked - self.rejected


@dataclass(frozen=True, slots=True)
class FulfilmentView:
    """A fulfilment with its lines. `lease_holder` is a person's name."""

    id: UUID
    location_id: int
    method: str
    state: str
    window_starts_at: datetime | None
    window_ends_at: datetime | None
    promised_at: datetime
    keep_until: datetime | None
    pickup_code: str
    failed_code_attempts: int
    is_on_shelf: bool
    lease_holder_id: int | None
    lease_holder: str
    lease_expires_at: datetime | None
    arrived_at: datetime | None
    bay: str
    version: int
    lines: tuple[FulfilmentLineView, ...]

    @property
    def location(self) -> LocationRef:
        return locations.by_id(self.location_id)

    @property
    def allowed_actions(self) -> list[lifecycle.Action]:
        return lifecycle.allowed_actions(self.state)


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with its lines and fulfilments."""

    id: UUID
    number: str
    channel_id: int
    external_reference: str
    customer_id: UUID | None
    contact_name: str
    contact_email: str
    contact_phone: str
    ship_to: dict[str, Any] | None
    language: str
    currency: str
    total_minor: int
    tax_minor: int
    quote_id: UUID | None
    pricing: dict[str, Any]
    tracking_token: str
    version: int
    placed_at: datetime
    changed_at: datetime
    lines: tuple[LineView, ...]
    fulfilments: tuple[FulfilmentView, ...]

    @property
    def status(self) -> OrderStatus:
        return lifecycle.order_status(one.state for one in self.fulfilments)

    @property
    def pieces(self) -> int:
        """Pieces still to be delivered or delivered: what was not cancelled."""
        return sum(line.quantity - line.cancelled for line in self.lines)

    @property
    def is_cancellable(self) -> bool:
        return lifecycle.is_cancellable(one.state for one in self.fulfilments)


_ORDER_FIELDS = [name for name in OrderView.__dataclass_fields__ if name not in ("lines", "fulfilments")]
_FULFILMENT_FIELDS = [name for name in FulfilmentView.__dataclass_fields__ if name not in ("lines", "lease_holder")]


def order(order_id: UUID, *, channel_id: int | None = None) -> OrderView:
    """Return one order. With `channel_id`, an order of another channel does not exist (law 17). Raises: OrderNotFound."""
    found = views(select(channel_id=channel_id).filter(pk=order_id))
    if not found:
        raise OrderNotFound(f"There is no order {order_id}.", order=str(order_id))
    return found[0]


def order_by_token(token: str) -> OrderView:
    """Return the order whose tracking link this is. Raises: OrderNotFound."""
    found = views(select().filter(tracking_token=token))
    if not found:
        raise OrderNotFound("There is no order behind this link.")
    return found[0]


def select(
    *,
    channel_id: int | None = None,
    location_ids: Iterable[int] | None = None,
    status: OrderStatus | None = None,
    placed_after: datetime | None = None,
    placed_before: datetime | None = None,
    external_reference: str = "",
) -> QuerySet[Order, dict[str, Any]]:
    """Return the rows of orders that fit, unordered, for a pager; `views` makes them whole."""
    chosen = Order.objects.all()
    if channel_id is not None:
        chosen = chosen.filter(channel_id=channel_id)
    if location_ids is not None:
        chosen = chosen.filter(Exists(_fulfilments(location_id__in=list(location_ids))))
    if status is not None:
        chosen = chosen.filter(_has_status(status))
    if placed_after is not None:
        chosen = chosen.filter(placed_at__gt=placed_after)
    if placed_before is not None:
        chosen = chosen.filter(placed_at__lt=placed_before)
    if external_reference:
        chosen = chosen.filter(external_reference=external_reference)
    return chosen.values(*_ORDER_FIELDS)


def views(rows: Sequence[dict[str, Any]]) -> list[OrderView]:
    """Return orders with all their parts from their rows, in three more SQL queries, in the order of the rows."""
    ids = [row["id"] for row in rows]
    if not ids:
        return []
    lines: dict[UUID, list[LineView]] = defaultdict(list)
    for order_id, *values in (
        OrderLine.objects.filter(order_id__in=ids)
        .order_by("order_id", "line_number")
        .values_list(
            "order_id", "id", "line_number", "product_id", "product__sku", "product__name", "quantity", "cancelled",
            "unit_price_minor", "total_minor", "tax_minor", "tax_basis_points",
        )
    ):  # fmt: skip
        lines[order_id].append(LineView(*values))
    fulfilments: dict[UUID, list[FulfilmentView]] = defaultdict(list)
    for order_id, view in _fulfilment_views(Fulfilment.objects.filter(order_id__in=ids)):
        fulfilments[order_id].append(view)
    return [OrderView(**row, lines=tuple(lines[row["id"]]), fulfilments=tuple(fulfilments[row["id"]])) for row in rows]


def _fulfilment_views(chosen: QuerySet[Fulfilment]) -> list[tuple[UUID, FulfilmentView]]:
    rows = list(
        chosen.order_by("order_id", "created_at", "id").values(
            "order_id",
            *_FULFILMENT_FIELDS,
            "lease_holder__first_name",
            "lease_holder__last_name",
            "lease_holder__username",
        )
    )
    lines: dict[UUID, list[FulfilmentLineView]] = defaultdict(list)
    for fulfilment_id, *values in (
        FulfilmentLine.objects.filter(fulfilment_id__in=[row["id"] for row in rows])
        .order_by("fulfilment_id", "order_line__line_number")
        .values_list("fulfilment_id", "id", "order_line_id", "quantity", "picked", "rejected", "reject_reason")
    ):
        lines[fulfilment_id].append(FulfilmentLineView(*values))
    return [
        (
            row["order_id"],
            FulfilmentView(
                **{name: row[name] for name in _FULFILMENT_FIELDS},
                lease_holder=_person(row),
                lines=tuple(lines[row["id"]]),
            ),
        )
        for row in rows
    ]


def _person(row: dict[str, Any]) -> str:
    full = f"{row['lease_holder__first_name'] or ''} {row['lease_holder__last_name'] or ''}".strip()
    return full or row["lease_holder__username"] or ""


def _fulfilments(**conditions: Any) -> QuerySet[Fulfilment]:
    return Fulfilment.objects.filter(order_id=OuterRef("pk"), **conditions)


def _has_status(status: OrderStatus) -> Q:
    """Return the condition that an order has a status: some fulfilment says so, and none says something that comes first."""
    before: list[str] = []
    for one, group in lifecycle.STATUS_OF.items():
        states = [state.value for state in group]
        if one is status:
            return Q(Exists(_fulfilments(state__in=states))) & ~Q(Exists(_fulfilments(state__in=before)))
        before += states
    raise LookupError(f"{status} has no states")


# --- the order screen -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoutingView:
    """Why the order is where it is. Candidates are {location, name, able, reasons, distance_km, rank}."""

    policy_version: str
    chosen: str | None
    inputs: dict[str, Any]
    candidates: list[dict[str, Any]]
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Everything the order screen shows of this room: the order, its routing decisions, and what happened to it."""

    order: OrderView
    routing: tuple[RoutingView, ...]
    timeline: tuple[Any, ...]  # commerce.models.AuditEntry, oldest first


def order_page(order_id: UUID) -> OrderPage:
    """Return an order with its routing and timeline, in six SQL queries. Raises: OrderNotFound."""
    found = order(order_id)
    routing = tuple(
        RoutingView(
            one.policy_version,
            locations.by_id(one.chosen_id).code if one.chosen_id else None,
            one.inputs,
            one.candidates,
            one.decided_at,
        )
        for one in RoutingDecision.objects.filter(order_id=order_id).order_by("decided_at")
    )
    return OrderPage(found, routing, tuple(audit.timeline("order", order_id)))


def fulfilment_location(fulfilment_id: UUID) -> int:
    """Return where a fulfilment is, so that a screen can check who may see it. Raises: FulfilmentNotFound."""
    found = Fulfilment.objects.filter(pk=fulfilment_id).values_list("location_id", flat=True).first()
    if found is None:
        raise FulfilmentNotFound("There is no such fulfilment.", fulfilment=str(fulfilment_id))
    return found


def stale_leases(*, at: datetime, at_most: int) -> list[UUID]:
    """Return fulfilments in work whose lease ran out, the longest first."""
    return list(
        Fulfilment.objects.filter(state__in=[State.ACCEPTED, State.PICKING], lease_expires_at__lte=at)
        .order_by("lease_expires_at", "id")
        .values_list("id", flat=True)[:at_most]
    )


def overdue(*, at: datetime, at_most: int) -> list[UUID]:
    """Return ready fulfilments that are not kept any longer, the longest first."""
    return list(
        Fulfilment.objects.filter(state=State.READY, keep_until__lte=at)
        .order_by("keep_until", "id")
        .values_list("id", flat=True)[:at_most]
    )


# --- the pickup queue -------------------------------------------------------------------------------------------------

MOST_CARDS = 2_000  # far more than a store prepares in a day; a screen shows them in parts


@dataclass(frozen=True, slots=True)
class QueueCard:
    """One order as the queue shows it. `minutes_left` until the promise; below zero it is late."""

    fulfilment_id: UUID
    order_id: UUID
    number: str
    method: str
    state: str
    contact_name: str
    pickup_code: str
    promised_at: datetime
    minutes_left: int
    window_starts_at: datetime | None
    window_ends_at: datetime | None
    keep_until: datetime | None
    items: int
    pieces: int
    picked: int
    rejected: int
    is_on_shelf: bool
    arrived_at: datetime | None
    bay: str
    lease_holder_id: int | None
    lease_holder: str
    lease_expires_at: datetime | None
    placed_at: datetime
    version: int

    @property
    def column(self) -> str:
        return _COLUMN_OF[State(self.state)]

    @property
    def allowed_actions(self) -> list[lifecycle.Action]:
        return lifecycle.allowed_actions(self.state)

    @property
    def is_late(self) -> bool:
        return self.minutes_left < 0 and self.column in ("new", "picking")


@dataclass(frozen=True, slots=True)
class Queue:
    """What a location has to do: new · picking · ready · waiting (outside) · put_back (to be put back on sale)."""

    cards: tuple[QueueCard, ...]
    as_of: datetime
    columns: dict[str, tuple[QueueCard, ...]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(cards) for name, cards in self.columns.items()}


COLUMNS = ("new", "picking", "ready", "waiting", "put_back")
_COLUMN_OF = {
    State.PLACED: "new",
    State.ACCEPTED: "picking",
    State.PICKING: "picking",
    State.READY: "ready",
    State.ARRIVED: "waiting",
    State.NO_SHOW: "put_back",
    State.CANCELLED: "put_back",
    State.REJECTED: "put_back",
    State.RETURNED_TO_STOCK: "put_back",
    State.HANDED_OVER: "ready",
    State.SHIPPED: "ready",
}
_IN_QUEUE = Q(
    state__in=[State.PLACED, State.ACCEPTED, State.PICKING, State.READY, State.ARRIVED, State.NO_SHOW]
) | Q(is_on_shelf=True)  # fmt: skip

_CARD_FIELDS = (
    "id", "order_id", "order__number", "order__contact_name", "order__placed_at", "method", "state", "pickup_code",
    "promised_at", "window_starts_at", "window_ends_at", "keep_until", "is_on_shelf", "arrived_at", "bay",
    "lease_holder_id", "lease_expires_at", "version", "lease_holder__first_name", "lease_holder__last_name",
    "lease_holder__username",
)  # fmt: skip


def pickup_queue(location_id: int, at: datetime, *, at_most: int = MOST_CARDS) -> Queue:
    """Return what a location has to do, sorted by time to promise, in two SQL queries."""
    rows = list(
        Fulfilment.objects.filter(_IN_QUEUE, location_id=location_id)
        .order_by("promised_at", "id")
        .values(*_CARD_FIELDS)[:at_most]
    )
    counts = _line_counts([row["id"] for row in rows])
    cards = tuple(_card(row, counts.get(row["id"], (0, 0, 0, 0)), at=at) for row in rows)
    columns = {name: tuple(card for card in cards if card.column == name) for name in COLUMNS}
    return Queue(cards, at, columns)


def queue_card(fulfilment_id: UUID, at: datetime) -> QueueCard:
    """Return one fulfilment as the queue shows it, in or out of the queue. Raises: FulfilmentNotFound."""
    row = Fulfilment.objects.filter(pk=fulfilment_id).values(*_CARD_FIELDS).first()
    if row is None:
        raise FulfilmentNotFound("There is no such fulfilment.", fulfilment=str(fulfilment_id))
    return _card(row, _line_counts([fulfilment_id]).get(fulfilment_id, (0, 0, 0, 0)), at=at)


def waiting_count(location_id: int) -> int:
    """Return how many orders of a location nobody has taken on yet, or whose customers wait outside."""
    return Fulfilment.objects.filter(location_id=location_id, state__in=[State.PLACED, State.ARRIVED]).count()


def queue_version(location_id: int) -> str:
    """Return a text that changes whenever the location's queue does, so that a screen reloads only then."""
    found = Fulfilment.objects.filter(_IN_QUEUE, location_id=location_id).aggregate(
        cards=Count("id"), versions=Sum("version"), newest=Max("changed_at")
    )
    newest = found["newest"].timestamp() if found["newest"] else 0
    return f"{found['cards']}-{found['versions'] or 0}-{newest}"


def _line_counts(fulfilment_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int, int, int]]:
    """Return (items, pieces, picked, rejected) by fulfilment."""
    return {
        row[0]: row[1:]
        for row in FulfilmentLine.objects.filter(fulfilment_id__in=fulfilment_ids)
        .values_list("fulfilment_id")
        .annotate(Count("id"), Sum("quantity"), Sum("picked"), Sum("rejected"))
    }


def _card(row: dict[str, Any], counts: tuple[int, int, int, int], *, at: datetime) -> QueueCard:
    return QueueCard(
        fulfilment_id=row["id"],
        order_id=row["order_id"],
        number=row["order__number"],
        method=row["method"],
        state=row["state"],
        contact_name=row["order__contact_name"],
        pickup_code=row["pickup_code"],
        promised_at=row["promised_at"],
        minutes_left=int((row["promised_at"] - at).total_seconds() // 60),
        window_starts_at=row["window_starts_at"],
        window_ends_at=row["window_ends_at"],
        keep_until=row["keep_until"],
        items=counts[0],
        pieces=counts[1],
        picked=counts[2],
        rejected=counts[3],
        is_on_shelf=row["is_on_shelf"],
        arrived_at=row["arrived_at"],
        bay=row["bay"],
        lease_holder_id=row["lease_holder_id"],
        lease_holder=_person(row),
        lease_expires_at=row["lease_expires_at"],
        placed_at=row["order__placed_at"],
        version=row["version"],
    )


# --- picking ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PickLine:
    """One item to pick, in pieces. `gtins` are the barcodes that count for it."""

    line_id: UUID
    line_number: int
    product_id: int
    sku: str
    name: str
    brand: str
    category: str
    gtins: tuple[str, ...]
    quantity: int
    picked: int
    rejected: int
    reject_reason: str

    @property
    def missing(self) -> int:
        return self.quantity - self.picked - self.rejected


@dataclass(frozen=True, slots=True)
class PickList:
    """A fulfilment as whoever picks it needs it."""

    card: QueueCard
    location_id: int
    lines: tuple[PickLine, ...]

    @property
    def next_line(self) -> PickLine | None:
        return next((line for line in self.lines if line.missing), None)

    @property
    def is_everything_done(self) -> bool:
        return self.next_line is None


def pick_list(fulfilment_id: UUID, at: datetime | None = None) -> PickList:
    """Return what is to be picked, in the order of the customer's lines, in five SQL queries. Raises: FulfilmentNotFound."""
    card = queue_card(fulfilment_id, at or clock.now())
    rows = list(
        FulfilmentLine.objects.filter(fulfilment_id=fulfilment_id)
        .order_by("order_line__line_number")
        .values_list(
            "id", "order_line__line_number", "order_line__product_id", "order_line__product__sku",
            "order_line__product__name", "order_line__product__brand", "order_line__product__category", "quantity",
            "picked", "rejected", "reject_reason",
        )
    )  # fmt: skip
    gtins: dict[int, list[str]] = defaultdict(list)
    for product_id, gtin in (
        FulfilmentLine.objects.filter(fulfilment_id=fulfilment_id, order_line__product__gtins__isnull=False)
        .annotate(gtin=F("order_line__product__gtins__gtin"))
        .order_by("gtin")
        .values_list("order_line__product_id", "gtin")
    ):
        gtins[product_id].append(gtin)
    lines = tuple(PickLine(*row[:7], tuple(gtins[row[2]]), *row[7:]) for row in rows)
    return PickList(card, fulfilment_location(fulfilment_id), lines)
