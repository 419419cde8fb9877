"""Goods that come on a purchase order: booked in parts, more or fewer than ordered, damaged ones apart; closed short."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.db import connection
from django.utils import timezone

from commerce import audit
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.errors import PurchaseOrderStateWrong
from inventory.ledger import LevelKey, Posting
from inventory.models import PurchaseOrder, PurchaseOrderLine
from inventory.procurement import checks, purchase_orders
from inventory.purchasing import Awaited, PurchaseOrderState, counted_against
from inventory.reconciliation import discrepancies
from inventory.reconciliation.discrepancies import NewDiscrepancy
from inventory.reconciling import DiscrepancyKind
from inventory.stock import Condition, Counterparty, EntryKind

CAUSE = "purchase_order"  # the journal's cause type; the cause is the order's id
MOST_LINES = 500  # in one booking
MOST_PIECES = 1_000_000


@dataclass(frozen=True, slots=True)
class ReceivedLine:
    """Pieces that came, in one condition. `id` names this booking for ever: the same id again books nothing again."""

    id: UUID
    product_id: int
    quantity: int
    condition: Condition = Condition.SELLABLE


@dataclass(frozen=True, slots=True)
class Received:
    """What a booking came to: the order after it, how many lines were new, and pieces by product beyond what was ordered."""

    order: PurchaseOrder
    booked_lines: int
    over: dict[int, int]


@transaction_required
def receive(
    order_id: UUID,
    lines: Sequence[ReceivedLine],
    *,
    by: Actor,
    at: datetime,
    source: str = "",
    occurred_at: datetime | None = None,
) -> Received:
    """Book goods in that came on an order, in any condition; the order is received when every line has what was ordered.

    What was not ordered, or more of it than was, is booked all the same (it is there) and becomes a discrepancy.
    Raises: PurchaseOrderNotFound, PurchaseOrderStateWrong when nothing is to come on it, InvalidInput, NotGoods.
    """
    _check(lines)
    location_id = purchase_orders.find(order_id).location_id  # never changes
    levels = ledger.lock([_key(line, location_id) for line in lines], at=at, create=True)
    row = purchase_orders.locked(order_id)
    fresh = _new(row, lines)
    if not fresh:
        return Received(row, 0, {})
    purchase_orders.moved(row, "receive")
    stored = {line.number: line for line in row.lines.order_by("number")}
    held = purchase_orders.awaited(row)
    before = purchase_orders.still_to_come(row, held)
    pieces = Counter[int]()
    for line in fresh:
        pieces[line.product_id] += line.quantity
    moment = occurred_at or at
    ledger.post(
        levels,
        [
            Posting(
                line.id, _key(line, location_id), EntryKind.RECEIVED, on_hand=line.quantity,
                counterparty=Counterparty.SUPPLIER, reason=row.number, cause_type=CAUSE, cause_id=str(order_id), source=source,
                occurred_at=occurred_at,
            )
            for line in fresh
        ],
        by=by,
        at=at,
    )  # fmt: skip
    over = _count(row, stored, held, pieces, moment)
    _record_over(row, fresh, held, over, source=source, by=by, at=at)
    is_complete = all(line.received >= line.quantity for line in stored.values())
    state = PurchaseOrderState.RECEIVED if is_complete else PurchaseOrderState.PARTLY_RECEIVED
    values = {"closed_at": at} if is_complete and row.closed_at is None else {}
    _audit(row, fresh, by)
    kept = purchase_orders.keep(
        row, state, "receive", by=by, at=at, before=before, facts={"pieces": dict(pieces)}, **values
    )
    return Received(kept, len(fresh), over)


@transaction_required
def close(order_id: UUID, *, reason: str, by: Actor, at: datetime, source: str = "") -> PurchaseOrder:
    """Give up what has not come of an order; each product that is missing becomes a discrepancy. Again changes nothing.

    Raises: PurchaseOrderNotFound, PurchaseOrderStateWrong, InvalidInput without a reason.
    """
    row = purchase_orders.locked(order_id)
    if row.state == PurchaseOrderState.CLOSED_SHORT:
        return row
    target = purchase_orders.moved(row, "close")
    kept_reason = purchase_orders.said(reason)
    lines = purchase_orders.awaited(row)
    ordered, came = _sums(lines)
    discrepancies.record(
        [
            NewDiscrepancy(
                id=uuid5(order_id, f"under:{product_id}"), kind=DiscrepancyKind.UNDER_DELIVERY, product_id=product_id,
                location_id=row.location_id, expected=pieces, found=came[product_id], source=source or CAUSE, as_of=at,
                cause_type=CAUSE, cause_id=str(order_id), note=kept_reason,
            )
            for product_id, pieces in sorted(ordered.items())
            if came[product_id] < pieces
        ],
        by=by,
        at=at,
    )  # fmt: skip
    return purchase_orders.keep(row, target, "close", by=by, at=at, reason=kept_reason, closed_at=at)


def _count(
    row: PurchaseOrder,
    stored: dict[int, PurchaseOrderLine],
    held: list[Awaited],
    pieces: Counter[int],
    moment: datetime,
) -> dict[int, int]:
    """Count the pieces against the order's lines and return what is over by product; `stored` has the lines after it."""
    ordered, came = _sums(held)
    over = {}
    for product_id, quantity in sorted(pieces.items()):
        parts = counted_against(held, product_id, quantity)
        if not parts:  # nobody ordered it
            number = max(stored, default=0) + 1
            stored[number] = PurchaseOrderLine(
                order=row, number=number, product_id=product_id, quantity=0, expected_on=timezone.localdate(moment)
            )
            parts = {number: quantity}
        for number, part in parts.items():
            line = stored[number]
            if line.received < line.quantity or line.received_at is None:  # lead times end with the last ordered piece
                line.received_at = max(moment, line.received_at or moment)
            line.received += part
        beyond = came[product_id] + quantity - max(ordered[product_id], came[product_id])
        if beyond > 0:
            over[product_id] = beyond
    PurchaseOrderLine.objects.bulk_create([line for line in stored.values() if line.pk is None])
    touched = [line for line in stored.values() if line.product_id in pieces]
    PurchaseOrderLine.objects.bulk_update(touched, ["received", "received_at"])
    return over


def _record_over(
    row: PurchaseOrder, fresh: Sequence[ReceivedLine], held: Sequence[Awaited], over: dict[int, int], *, source: str, by: Actor,
    at: datetime,
) -> None:  # fmt: skip
    ordered, came = _sums(held)
    first = {line.product_id: line for line in reversed(fresh)}
    discrepancies.record(
        [
            NewDiscrepancy(
                id=uuid5(first[product_id].id, "over"), kind=DiscrepancyKind.OVER_DELIVERY, product_id=product_id,
                location_id=row.location_id, expected=max(ordered[product_id], came[product_id]),
                found=max(ordered[product_id], came[product_id]) + beyond, source=source or CAUSE, as_of=at,
                cause_type=CAUSE, cause_id=str(row.pk), condition=first[product_id].condition,
            )
            for product_id, beyond in over.items()
        ],
        by=by,
        at=at,
    )  # fmt: skip


def _sums(lines: Sequence[Awaited]) -> tuple[Counter[int], Counter[int]]:
    """Return the pieces ordered and received of each product."""
    ordered, came = Counter[int](), Counter[int]()
    for line in lines:
        ordered[line.product_id] += line.quantity
        came[line.product_id] += line.received
    return ordered, came


def _key(line: ReceivedLine, location_id: int) -> LevelKey:
    return LevelKey(line.product_id, location_id, line.condition.value)


def _check(lines: Sequence[ReceivedLine]) -> None:
    if not 1 <= len(lines) <= MOST_LINES:
        raise checks.invalid("lines", len(lines), f"1 to {MOST_LINES} lines are booked at once.")
    for number, line in enumerate(lines):
        if not 1 <= line.quantity <= MOST_PIECES:
            raise checks.invalid(
                f"lines[{number}].quantity", line.quantity, f"1 to {MOST_PIECES} pieces are booked at once."
            )
        if line.condition is Condition.IN_TRANSIT:
            raise checks.invalid(
                f"lines[{number}].condition", line.condition.value, "What has come is not in transit any more."
            )
    checks.goods([line.product_id for line in lines])


def _new(row: PurchaseOrder, lines: Sequence[ReceivedLine]) -> list[ReceivedLine]:
    """Return the lines that were not booked before. Raises: PurchaseOrderStateWrong for an id booked for something else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, cause_type = %s AND cause_id = %s FROM inventory_stockentry WHERE id = ANY(%s::uuid[])",
            [CAUSE, str(row.pk), ledger.uuids(line.id for line in lines)],
        )
        known = dict(cursor.fetchall())
    if not all(known.values()):
        raise PurchaseOrderStateWrong(
            "A booking with this id exists already, and for something else; send a fresh id.",
            state=row.state, number=row.number, allowed_actions=[],
        )  # fmt: skip
    return [line for line in {line.id: line for line in lines}.values() if line.id not in known]


def _audit(row: PurchaseOrder, lines: Sequence[ReceivedLine], by: Actor) -> None:
    audit.record_many(
        [
            audit.AuditRow(
                verb="inventory.goods_in.receive", object_type="location", object_id=row.location_id,
                after={"product_id": line.product_id, "pieces": line.quantity, "condition": line.condition.value},
                reason=row.number,
            )
            for line in lines
        ],
        by=by,
    )  # fmt: skip
