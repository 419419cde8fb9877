"""Lists of the orders room for screens and the API: read only, a bounded number of SQL queries however many orders."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from commerce import audit
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders import lifecycle, totals
from orders.errors import OrderNotFound
from orders.lifecycle import OrderStatus, State
from orders.models import Fulfilment, FulfilmentLine, Order, OrderLine, RoutingDecision, UnroutedPortion

# One look into an index for the number, and one per channel for its reference; each is unique, so little is found.
_NAMED = """
SELECT id FROM orders_order WHERE number = upper(%(text)s)
UNION
SELECT theirs.id FROM commerce_channel channel
CROSS JOIN LATERAL (
    SELECT id FROM orders_order WHERE channel_id = channel.id AND external_reference = %(text)s LIMIT 1
) theirs
"""

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
    takes_substitutes: bool = False

    @property
    def remaining_minor(self) -> int:
        return totals.remaining_minor(self.total_minor, self.quantity, self.cancelled)


@dataclass(frozen=True, slots=True)
class FulfilmentLineView:
    """What a fulfilment owes of a line, in pieces of its goods: of a kit, one for each of its components."""

    id: UUID
    order_line_id: UUID
    quantity: int
    picked: int
    rejected: int
    reject_reason: str
    product_id: int
    sku: str
    name: str
    per_unit: int
    called_off: int = 0  # of what was rejected: not missing, but not wanted here any more

    @property
    def short(self) -> int:
        """Pieces that were not there."""
        return self.rejected - self.called_off

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
    is_held: bool = False  # its order is on hold
    deliver_by: datetime | None = None  # by when what is sent arrives, as the customer was told
    store_id: int | None = None  # to which it is sent, to be fetched there

    @property
    def location(self) -> LocationRef:
        return locations.by_id(self.location_id)

    @property
    def meeting_place(self) -> LocationRef:
        """Where its customer meets the goods, or from where they are sent."""
        return locations.by_id(self.store_id or self.location_id)

    @property
    def allowed_actions(self) -> list[lifecycle.Action]:
        return lifecycle.allowed_actions(self.state, self.method, is_held=self.is_held)


@dataclass(frozen=True, slots=True)
class UnroutedView:
    """What of an order was accepted and is being routed: its goods have no place yet, their promise stands all the same.

    `refusal` is the code of why the last look found no place.
    """

    method: str
    is_express: bool
    promised_at: datetime
    accepted_at: datetime
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order with its lines and fulfilments; one that is being routed has none of these yet."""

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
    price_source: str
    asked: dict[str, str] | None
    pricing: dict[str, Any]
    tracking_token: str
    version: int
    placed_at: datetime
    changed_at: datetime
    lines: tuple[LineView, ...]
    fulfilments: tuple[FulfilmentView, ...]
    held_for: list[str] = field(default_factory=list)  # kinds of its open holds
    unrouted: tuple[UnroutedView, ...] = ()

    @property
    def status(self) -> OrderStatus:
        return lifecycle.order_status((one.state for one in self.fulfilments), is_given_up=not self.pieces)

    @property
    def pieces(self) -> int:
        """Pieces still to be delivered or delivered: what was not cancelled."""
        return sum(line.quantity - line.cancelled for line in self.lines)

    @property
    def allowed_actions(self) -> list[lifecycle.OrderAction]:
        """What may be done with the order as a whole."""
        parts = [(one.state, one.method) for one in self.fulfilments]
        found = lifecycle.order_actions(parts, held_for=self.held_for, is_returnable=True)
        return [lifecycle.OrderAction.CANCEL, *found] if not parts and self.pieces else found

    @property
    def is_cancellable(self) -> bool:
        if not self.fulfilments:
            return self.pieces > 0
        return lifecycle.is_cancellable(one.state for one in self.fulfilments)


_ORDER_FIELDS = [name for name in OrderView.__dataclass_fields__ if name not in ("lines", "fulfilments", "unrouted")]
_FULFILMENT_FIELDS = [
    name for name in FulfilmentView.__dataclass_fields__ if name not in ("lines", "lease_holder", "is_held")
]


def order(order_id: UUID, *, channel_id: int | None = None) -> OrderView:
    """Return one order. With `channel_id`, an order of another channel does not exist (law 17). Raises: OrderNotFound."""
    found = views(select(channel_id=channel_id).filter(pk=order_id))
    if not found:
        raise OrderNotFound(f"There is no order {order_id}.", order=str(order_id))
    return found[0]


def orders(order_ids: Iterable[UUID]) -> dict[UUID, OrderView]:
    """Return those orders that there are, by id, in four SQL queries; without ids in none."""
    wanted = list(order_ids)
    return {view.id: view for view in views(select().filter(pk__in=wanted))} if wanted else {}


def ids_named(text: str) -> list[UUID]:
    """Return the orders that are called so: by their number, in any letter case, or by a channel's reference."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED, {"text": text})
        return [order_id for (order_id,) in cursor.fetchall()]


def orders_of_lines(line_ids: Iterable[UUID]) -> dict[UUID, tuple[UUID, str]]:
    """Return the order (id, number) that each line belongs to, of those lines that there are."""
    rows = OrderLine.objects.filter(pk__in=list(line_ids)).values_list("id", "order_id", "order__number")
    return {line_id: (order_id, number) for line_id, order_id, number in rows}


def order_by_token(token: str) -> OrderView:
    """Return the order whose tracking link this is. Raises: OrderNotFound."""
    found = views(select().filter(tracking_token=token)) if "\x00" not in token else []  # PostgreSQL can't look for NUL
    if not found:
        raise OrderNotFound("There is no order behind this link.")
    return found[0]


def select(
    *,
    channel_id: int | None = None,
    location_ids: Iterable[int] | None = None,
    with_unrouted: bool = False,
    status: OrderStatus | None = None,
    placed_after: datetime | None = None,
    external_reference: str = "",
) -> QuerySet[Order, dict[str, Any]]:
    """Return the rows of orders that fit, unordered, for a pager; `views` makes them whole.

    Of places only orders of which a part is there, `with_unrouted` also those that are nowhere yet.
    """
    chosen = Order.objects.all()
    if channel_id is not None:
        chosen = chosen.filter(channel_id=channel_id)
    if location_ids is not None:
        parts = Fulfilment.objects.filter(order_id=OuterRef("pk"))
        there = Q(Exists(parts.filter(location_id__in=list(location_ids))))
        chosen = chosen.filter(there | Q(~Exists(parts)) if with_unrouted else there)
    if status is not None:
        chosen = chosen.filter(status=status.value)
    if placed_after is not None:
        chosen = chosen.filter(placed_at__gt=placed_after)
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
            "unit_price_minor", "total_minor", "tax_minor", "tax_basis_points", "takes_substitutes",
        )
    ):  # fmt: skip
        lines[order_id].append(LineView(*values))
    fulfilments: dict[UUID, list[FulfilmentView]] = defaultdict(list)
    for order_id, view in _fulfilment_views(Fulfilment.objects.filter(order_id__in=ids)):
        fulfilments[order_id].append(view)
    waiting = _unrouted(order_id for order_id in ids if order_id not in fulfilments)
    return [
        OrderView(
            **row,
            lines=tuple(lines[row["id"]]),
            fulfilments=tuple(fulfilments[row["id"]]),
            unrouted=tuple(waiting.get(row["id"], ())),
        )
        for row in rows
    ]


def _unrouted(order_ids: Iterable[UUID]) -> dict[UUID, list[UnroutedView]]:
    """Return what is being routed of orders that have no fulfilment; nothing is asked where all have one."""
    found: dict[UUID, list[UnroutedView]] = {}
    if wanted := list(order_ids):
        rows = UnroutedPortion.objects.filter(order_id__in=wanted, routed_at__isnull=True, withdrawn_at__isnull=True)
        for order_id, *values in rows.order_by("accepted_at", "id").values_list(
            "order_id", "method", "is_express", "promised_at", "accepted_at", "refusal"
        ):
            found.setdefault(order_id, []).append(UnroutedView(*values))
    return found


def _fulfilment_views(chosen: QuerySet[Fulfilment]) -> list[tuple[UUID, FulfilmentView]]:
    rows = list(
        chosen.order_by("order_id", "created_at", "id").values(
            "order_id",
            "order__held_for",
            *_FULFILMENT_FIELDS,
            "lease_holder__first_name",
            "lease_holder__last_name",
            "lease_holder__username",
        )
    )
    lines: dict[UUID, list[FulfilmentLineView]] = defaultdict(list)
    for fulfilment_id, *values in (
        FulfilmentLine.objects.filter(fulfilment_id__in=[row["id"] for row in rows])
        .order_by("fulfilment_id", "order_line__line_number", "product_id")
        .values_list(
            "fulfilment_id", "id", "order_line_id", "quantity", "picked", "rejected", "reject_reason", "product_id",
            "product__sku", "product__name", "per_unit", "called_off",
        )
    ):  # fmt: skip
        lines[fulfilment_id].append(FulfilmentLineView(*values))
    return [
        (
            row["order_id"],
            FulfilmentView(
                **{name: row[name] for name in _FULFILMENT_FIELDS},
                lease_holder=_person(row),
                lines=tuple(lines[row["id"]]),
                is_held=bool(row["order__held_for"]),
            ),
        )
        for row in rows
    ]


def _person(row: dict[str, Any]) -> str:
    full = f"{row['lease_holder__first_name'] or ''} {row['lease_holder__last_name'] or ''}".strip()
    return full or row["lease_holder__username"] or ""


# --- the order screen -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoutingView:
    """Why the order is where it is. `outcome` is a decision's document (`orders.sourcing.decision`), None of those made before it.

    `shadow` is what another policy would have done with the same inputs, where one was asked.
    """

    policy_version: str
    chosen: str | None
    inputs: dict[str, Any]
    candidates: list[dict[str, Any]]
    decided_at: datetime
    outcome: dict[str, Any] | None = None
    shadow: dict[str, Any] | None = None
    shadow_differs: bool = False
    occasion: str = ""
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class OrderPage:
    """Everything the order screen shows of this room: the order, its routing decisions, and what happened to it."""

    order: OrderView
    routing: tuple[RoutingView, ...]
    timeline: tuple[Any, ...]  # commerce.models.AuditEntry, oldest first


def decisions(order_id: UUID) -> tuple[RoutingView, ...]:
    """Return the routing decisions of an order, the oldest first."""
    return tuple(
        RoutingView(
            one.policy_version, locations.by_id(one.chosen_id).code if one.chosen_id else None, one.inputs, one.candidates,
            one.decided_at, one.outcome, one.shadow, one.shadow_differs, one.occasion, one.attempt,
        )
        for one in RoutingDecision.objects.filter(order_id=order_id).order_by("decided_at", "id")
    )  # fmt: skip


def order_page(order_id: UUID) -> OrderPage:
    """Return an order with its routing and timeline, in six SQL queries. Raises: OrderNotFound."""
    found = order(order_id)
    routing = decisions(order_id)
    return OrderPage(found, routing, tuple(audit.timeline("order", order_id)))


# --- what time does to orders ----------------------------------------------------------------------------------------


def stale_leases(*, at: datetime, at_most: int) -> list[UUID]:
    """Return fulfilments in work whose lease ran out, the longest first."""
    return list(
        Fulfilment.objects.filter(state__in=[State.ACCEPTED, State.PICKING], lease_expires_at__lte=at)
        .order_by("lease_expires_at", "id")
        .values_list("id", flat=True)[:at_most]
    )


def no_longer_kept(*, at: datetime, at_most: int) -> list[UUID]:
    """Return ready fulfilments that are not kept any longer, the longest first; an order on hold waits for its release."""
    return list(
        Fulfilment.objects.filter(state=State.READY, keep_until__lte=at, order__held_for=[])
        .order_by("keep_until", "id")
        .values_list("id", flat=True)[:at_most]
    )
