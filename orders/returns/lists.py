"""Returns as screens and channels read them: a bounded number of SQL queries however many there are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from inventory.places import locations
from orders import errors, totals
from orders.models import OrderRefund, Return, ReturnLine
from orders.return_states import RETURN_OVER, ReturnAction, ReturnState, return_actions

MOST_LISTED = 100
LONGEST_TEXT = 80


@dataclass(frozen=True, slots=True)
class LineView:
    """Units of an order line that come back: what they cost as priced, what was found, what was paid back."""

    id: UUID
    order_line_id: UUID
    line_number: int
    product_id: int
    sku: str
    name: str
    quantity: int
    worth_minor: int
    reason: str
    sellable: int
    quality_control: int
    damaged: int
    missing: int
    restocked_at: datetime | None
    deduction_minor: int
    deduction_reason: str
    refund_minor: int | None
    is_exchanged: bool
    is_void: bool


@dataclass(frozen=True, slots=True)
class ReturnView:
    """A return with its lines."""

    id: UUID
    number: str
    order_id: UUID
    order_number: str
    external_reference: str
    contact_name: str
    channel_id: int
    currency: str
    state: ReturnState
    origin: str
    location_id: int | None
    label: str
    keeps_goods: bool
    overridden: str
    note: str
    version: int
    announced_at: datetime
    received_at: datetime | None
    changed_at: datetime
    lines: tuple[LineView, ...]

    @property
    def location(self) -> locations.LocationRef | None:
        return locations.by_id(self.location_id) if self.location_id else None

    @property
    def live(self) -> list[LineView]:
        return [line for line in self.lines if not line.is_void]

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.live)

    @property
    def refund_minor(self) -> int:
        return sum(line.refund_minor or 0 for line in self.lines)

    @property
    def worth_minor(self) -> int:
        return sum(line.worth_minor for line in self.live)

    @property
    def is_refundable(self) -> bool:
        """Whether its money is due: the goods are looked at, or stay with the customer."""
        is_due = self.keeps_goods or self.state in (ReturnState.INSPECTED, ReturnState.SETTLED)
        return is_due and any(line.refund_minor is None and not line.is_exchanged for line in self.live)

    @property
    def allowed_actions(self) -> list[str]:
        """What may happen next; settling follows by itself."""
        found = [one.value for one in return_actions(self.state) if one is not ReturnAction.SETTLE]
        return [*found, "refund"] if self.is_refundable else found


_FIELDS = {
    "id": "id", "number": "number", "order_id": "order_id", "order_number": "order__number",
    "external_reference": "order__external_reference", "contact_name": "order__contact_name",
    "channel_id": "order__channel_id", "currency": "order__currency", "state": "state", "origin": "origin",
    "location_id": "location_id", "label": "label", "keeps_goods": "keeps_goods", "overridden": "overridden",
    "note": "note", "version": "version", "announced_at": "announced_at", "received_at": "received_at",
    "changed_at": "changed_at",
}  # fmt: skip


def select(
    *,
    channel_id: int | None = None,
    order_id: UUID | None = None,
    state: str = "",
    is_open: bool = False,
    location_id: int | None = None,
    text: str = "",
) -> QuerySet[Return, dict[str, Any]]:
    """Return the rows of returns that fit, unordered, for a pager; `views` makes them whole.

    A place sees what came in there and what is on its way to nobody knows where. `text` is a number of a return or an
    order, or of the parcel.
    """
    chosen = Return.objects.all()
    if channel_id is not None:
        chosen = chosen.filter(order__channel_id=channel_id)
    if order_id is not None:
        chosen = chosen.filter(order_id=order_id)
    if state:
        chosen = chosen.filter(state=state)
    if is_open:
        chosen = chosen.exclude(state__in=[one.value for one in RETURN_OVER])
    if location_id is not None:
        chosen = chosen.filter(Q(location_id=location_id) | Q(location__isnull=True))
    if text:
        said = text.strip().upper()[:LONGEST_TEXT]
        chosen = chosen.filter(Q(number=said) | Q(order__number=said) | Q(label=text.strip()[:LONGEST_TEXT]))
    return chosen.values("id", "changed_at")


def views(rows: Sequence[dict[str, Any]]) -> list[ReturnView]:
    """Return returns with their lines, in the order of the rows, in two SQL queries."""
    wanted = [row["id"] for row in rows]
    if not wanted:
        return []
    lines: dict[UUID, list[LineView]] = defaultdict(list)
    for line in (
        ReturnLine.objects.filter(of_return_id__in=wanted)
        .select_related("order_line__product")
        .order_by("of_return_id", "order_line__line_number", "first_unit", "id")
    ):
        lines[line.of_return_id].append(_line(line))
    found = {row["id"]: row for row in Return.objects.filter(pk__in=wanted).values(*dict.fromkeys(_FIELDS.values()))}
    return [
        ReturnView(
            **{name: found[one][column] for name, column in _FIELDS.items() if name != "state"},
            state=ReturnState(found[one]["state"]),
            lines=tuple(lines[one]),
        )
        for one in wanted
    ]


def one(return_id: UUID, *, channel_id: int | None = None) -> ReturnView:
    """Return one return. Raises: ReturnNotFound."""
    rows = list(select(channel_id=channel_id).filter(pk=return_id))
    if not rows:
        raise errors.ReturnNotFound("There is no such return.", returned=str(return_id))
    return views(rows)[0]


def of_order(order_id: UUID) -> list[ReturnView]:
    """Return the returns of an order, the newest first."""
    return views(list(select(order_id=order_id).order_by("-announced_at", "-id")[:MOST_LISTED]))


@dataclass(frozen=True, slots=True)
class RefundView:
    """Money given back, or asked for."""

    id: UUID
    kind: str
    amount_minor: int
    uncovered_minor: int
    reason: str
    asked_by: str
    asked_by_id: str
    asked_at: datetime
    is_granted: bool | None
    decided_by: str


def refunds(order_ids: Iterable[UUID]) -> list[RefundView]:
    """Return what was given back of orders, or waits for a decision, oldest first."""
    rows = OrderRefund.objects.filter(order_id__in=list(order_ids)).order_by("asked_at", "id")
    return [
        RefundView(
            row.pk, row.kind, row.amount_minor, row.uncovered_minor, row.reason, row.asked_by, row.asked_by_id,
            row.asked_at, row.is_granted, row.decided_by,
        )
        for row in rows
    ]  # fmt: skip


def _line(line: ReturnLine) -> LineView:
    ordered = line.order_line
    return LineView(
        id=line.pk,
        order_line_id=ordered.pk,
        line_number=ordered.line_number,
        product_id=ordered.product_id,
        sku=ordered.product.sku,
        name=ordered.product.name,
        quantity=line.quantity,
        worth_minor=totals.of_units_minor(ordered.total_minor, ordered.quantity, line.first_unit, line.quantity),
        reason=line.reason,
        sellable=line.sellable,
        quality_control=line.quality_control,
        damaged=line.damaged,
        missing=line.missing,
        restocked_at=line.restocked_at,
        deduction_minor=line.deduction_minor,
        deduction_reason=line.deduction_reason,
        refund_minor=line.refund_minor,
        is_exchanged=line.is_exchanged,
        is_void=line.is_void,
    )
