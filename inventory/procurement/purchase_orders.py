"""Purchase orders: drafted, approved and ordered by the house, or announced by a supplier or ERP; changed, cancelled.

What comes of them is booked in `goods_in`. Locks: stock levels before the order, as everywhere.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import incoming
from inventory.errors import (
    AnnouncementOutdated,
    PurchaseOrderNotFound,
    PurchaseOrderStateWrong,
    ReferenceTaken,
)
from inventory.models import PurchaseOrder, PurchaseOrderLine
from inventory.procurement import checks, suppliers
from inventory.procurement.suppliers import SupplierRef
from inventory.purchasing import (
    COMING,
    MOVES,
    Awaited,
    PurchaseOrderSource,
    PurchaseOrderState,
    allowed_actions,
    counted_against,
)

LONGEST_REFERENCE = 64
LONGEST_NOTE = 200

integrity.refuse(
    "purchase_order_reference_once",
    lambda: ReferenceTaken("The supplier's reference names another purchase order already.", number=""),
)

Pieces = Mapping[int, incoming.Days]  # of each product, still to come


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """Pieces of a product wanted on a day (None: when the supplier's calendar delivers next), at a cost of one piece in minor
    units of the supplier's currency (None: as its terms say)."""

    product_id: int
    quantity: int
    expected_on: date | None = None
    unit_cost_minor: int | None = None


# --- the house orders -----------------------------------------------------------------------------------------------


@transaction_required
def draft(
    order_id: UUID,
    *,
    supplier_id: int,
    location_id: int,
    lines: Sequence[OrderLine],
    by: Actor,
    at: datetime,
    reference: str = "",
    note: str = "",
) -> PurchaseOrder:
    """Write down what is to be ordered; nothing is on its way yet. The same id again returns the order as it is.

    Raises: InvalidInput naming each line, NotGoods, OrderTermsMissed when the supplier takes other quantities, ReferenceTaken.
    """
    known = PurchaseOrder.objects.filter(pk=order_id).first()
    if known is not None:
        return known
    supplier = suppliers.by_id(supplier_id)
    checks.lines(lines, at)
    checks.quantities(supplier, lines)
    taken = PurchaseOrder.objects.filter(supplier_id=supplier_id, reference=reference).first() if reference else None
    if taken is not None:
        raise ReferenceTaken(
            f"{reference} is {taken.number} already; leave it out or name another.", number=taken.number
        )
    return _made(
        order_id, supplier, location_id, _dated(supplier, lines, at), by=by, at=at, state=PurchaseOrderState.DRAFT,
        source=PurchaseOrderSource.PLANNER, reference=reference, note=note[:LONGEST_NOTE], verb="draft",
    )  # fmt: skip


@transaction_required
def change(
    order_id: UUID, lines: Sequence[OrderLine], *, by: Actor, at: datetime, is_announced: bool = False
) -> PurchaseOrder:
    """Give an order exactly these lines. An approved one has to be approved again; one on its way is changed as confirmed.

    What came already counts against the new lines; an order whose pieces have all come is received with that.
    Raises: as draft; PurchaseOrderNotFound, PurchaseOrderStateWrong, ReceivedAlready.
    """
    row = locked(order_id)
    supplier = suppliers.by_id(row.supplier_id)
    checks.lines(lines, at)
    if row.source == PurchaseOrderSource.PLANNER and not is_announced:  # what a supplier announces, it delivers
        checks.quantities(supplier, lines)
    return _changed(row, _dated(supplier, lines, at), by=by, at=at)


@transaction_required
def approve(order_id: UUID, *, by: Actor, at: datetime) -> PurchaseOrder:
    """Let a draft be ordered. Approving again changes nothing.

    Raises: PurchaseOrderNotFound, PurchaseOrderStateWrong, OrderTermsMissed below the supplier's minimum order value.
    """
    row = locked(order_id)
    if row.state == PurchaseOrderState.APPROVED:
        return row
    target = moved(row, "approve")
    checks.value(suppliers.by_id(row.supplier_id), list(row.lines.all()))
    return keep(row, target, "approve", by=by, at=at, approver=by.label, approved_at=at)


@transaction_required
def order(order_id: UUID, *, by: Actor, at: datetime) -> PurchaseOrder:
    """Say that an approved order was given to the supplier: its goods are on their way from now on. Again changes nothing.

    A line that was expected before the supplier's calendar can deliver is expected when it can.
    Raises: PurchaseOrderNotFound, PurchaseOrderStateWrong.
    """
    row = locked(order_id)
    if row.state in COMING:
        return row
    target = moved(row, "order")
    possible = suppliers.next_delivery(suppliers.by_id(row.supplier_id), at=at)
    if possible is not None:
        row.lines.filter(expected_on__lt=possible.delivered_on).update(expected_on=possible.delivered_on)
    return keep(row, target, "order", by=by, at=at, ordered_at=at)


@transaction_required
def cancel(order_id: UUID, *, reason: str, by: Actor, at: datetime) -> PurchaseOrder:
    """Call an order off of which nothing has come. Cancelling again changes nothing.

    Raises: PurchaseOrderNotFound, PurchaseOrderStateWrong (once something came it is closed short instead), InvalidInput.
    """
    row = locked(order_id)
    if row.state == PurchaseOrderState.CANCELLED:
        return row
    target = moved(row, "cancel")
    return keep(row, target, "cancel", by=by, at=at, reason=said(reason), closed_at=at)


# --- others announce ------------------------------------------------------------------------------------------------


@transaction_required
def announce(
    order_id: UUID,
    *,
    supplier_id: int,
    reference: str,
    location_id: int,
    lines: Sequence[OrderLine],
    by: Actor,
    at: datetime,
    as_of: datetime | None = None,
    ordered_at: datetime | None = None,
    note: str = "",
) -> PurchaseOrder:
    """Take what a supplier or ERP says is coming, under its own `reference`; said again, the order follows the newest word.

    `order_id` names it when it is new. The same again changes nothing. `as_of` says how new the word is.
    Raises: InvalidInput, NotGoods, AnnouncementOutdated, PurchaseOrderStateWrong, ReceivedAlready; ReferenceTaken when the
    reference is known for another place.
    """
    if not reference or len(reference) > LONGEST_REFERENCE:
        raise checks.invalid("reference", reference, f"A reference of 1 to {LONGEST_REFERENCE} characters is needed.")
    checks.instants(as_of, ordered_at, at)
    checks.lines(lines, at)
    row = PurchaseOrder.objects.select_for_update().filter(supplier_id=supplier_id, reference=reference).first()
    supplier = suppliers.by_id(supplier_id)
    wanted = _dated(supplier, lines, at)
    if row is None:
        return _made(
            order_id, supplier, location_id, wanted, by=by, at=at, state=PurchaseOrderState.ORDERED,
            source=PurchaseOrderSource.ANNOUNCED, reference=reference, note=note[:LONGEST_NOTE], verb="announce",
            announced_as_of=as_of, ordered_at=ordered_at,
        )  # fmt: skip
    if row.location_id != location_id:
        raise ReferenceTaken(
            f"{reference} is {row.number} for another place; announce it under a reference of its own.",
            number=row.number,
        )
    _refuse_older(row, as_of)
    if _same(row, wanted):
        return row
    return _changed(row, wanted, by=by, at=at, announced_as_of=as_of or row.announced_as_of)


@transaction_required
def call_off(
    supplier_id: int, reference: str, *, reason: str, by: Actor, at: datetime, as_of: datetime | None = None
) -> PurchaseOrder:
    """Take a supplier's or ERP's word that a delivery doesn't come; as cancel. Raises: besides, AnnouncementOutdated."""
    row = locked(find_announced(supplier_id, reference).pk)
    _refuse_older(row, as_of)
    return cancel(row.pk, reason=reason, by=by, at=at)


def _refuse_older(row: PurchaseOrder, as_of: datetime | None) -> None:
    """Refuse a word that is older than the last one. Raises: AnnouncementOutdated."""
    if as_of is not None and row.announced_as_of is not None and as_of < row.announced_as_of:
        raise AnnouncementOutdated(
            f"{row.reference} was changed by a newer announcement; this one of {as_of.isoformat()} is not applied.",
            known_as_of=row.announced_as_of.isoformat(),
        )


# --- reading --------------------------------------------------------------------------------------------------------


def find(order_id: UUID) -> PurchaseOrder:
    """Return an order as it is stored, with its supplier and place. Raises: PurchaseOrderNotFound."""
    row = PurchaseOrder.objects.select_related("supplier", "location").filter(pk=order_id).first()
    if row is None:
        raise PurchaseOrderNotFound(f"There is no purchase order {order_id}.", purchase_order=str(order_id))
    return row


def find_announced(supplier_id: int, reference: str) -> PurchaseOrder:
    """Return the order that a supplier's own reference names. Raises: PurchaseOrderNotFound."""
    rows = PurchaseOrder.objects.select_related("supplier", "location")
    row = rows.filter(supplier_id=supplier_id, reference=reference).first() if reference else None
    if row is None:
        raise PurchaseOrderNotFound(f"No delivery is known under {reference!r} of this supplier.", reference=reference)
    return row


# --- what goods_in shares -------------------------------------------------------------------------------------------


def locked(order_id: UUID) -> PurchaseOrder:
    """Lock an order until the transaction ends. Raises: PurchaseOrderNotFound."""
    row = PurchaseOrder.objects.select_for_update().filter(pk=order_id).first()
    if row is None:
        raise PurchaseOrderNotFound(f"There is no purchase order {order_id}.", purchase_order=str(order_id))
    return row


def moved(row: PurchaseOrder, action: str) -> PurchaseOrderState:
    """Return where an action leads from the order's state. Raises: PurchaseOrderStateWrong."""
    state = PurchaseOrderState(row.state)
    target = MOVES.get((state, action))
    if target is None:
        way_out = (
            "; close it short instead" if (action, state) == ("cancel", PurchaseOrderState.PARTLY_RECEIVED) else ""
        )
        raise PurchaseOrderStateWrong(
            f"{row.number} is {state.value.replace('_', ' ')}, so it can't {_VERBS[action]}{way_out}.",
            state=state.value, number=row.number, allowed_actions=allowed_actions(state),
        )  # fmt: skip
    return target


_VERBS = {
    "approve": "be approved", "cancel": "be cancelled", "change": "be changed", "close": "be closed short",
    "order": "be ordered", "receive": "take goods; receive them without an order",
}  # fmt: skip


def awaited(row: PurchaseOrder) -> list[Awaited]:
    """Return the order's lines by their number, as goods count against them."""
    fields = ("number", "product_id", "quantity", "received", "expected_on")
    return [Awaited(*line) for line in row.lines.order_by("number").values_list(*fields)]


def still_to_come(row: PurchaseOrder, lines: Sequence[Awaited] | None = None) -> Pieces:
    """Return the pieces that the order still brings, by product and day: none unless it is on its way."""
    days: dict[int, Counter[date]] = {}
    if PurchaseOrderState(row.state) in COMING:
        for line in awaited(row) if lines is None else lines:
            if line.left:
                days.setdefault(line.product_id, Counter())[line.expected_on] += line.left
    return days


def keep(
    row: PurchaseOrder,
    state: PurchaseOrderState,
    verb: str,
    *,
    by: Actor,
    at: datetime,
    before: Pieces | None = None,
    facts: Mapping[str, Any] | None = None,
    **values: Any,
) -> PurchaseOrder:
    """Store the order's new state and values, audit them and tell what changed of the goods on their way.

    `before` is what was still to come, where lines were changed ahead of this.
    """
    earlier = row.state
    if before is None:
        before = still_to_come(row)
    row.state, row.version, row.changed_at = state.value, row.version + 1, at
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=["state", "version", "changed_at", *values])
    audit.record(
        f"inventory.purchase_orders.{verb}", "purchase_order", row.pk, by=by, before={"state": earlier},
        after={"state": row.state, **(facts or {})}, reason=row.reason if verb in ("cancel", "close") else "",
    )  # fmt: skip
    incoming.tell(
        incoming.PURCHASE_ORDER, row.pk, row.location_id, before=before, after=still_to_come(row), version=row.version,
        by=by, at=at,
    )  # fmt: skip
    return row


def said(reason: str) -> str:
    """Return a reason as it is kept. Raises: InvalidInput when there is none."""
    if not reason.strip():
        raise checks.invalid("reason", "", "Say why; the reason stays with the order.")
    return reason.strip()[:LONGEST_NOTE]


# --- writing --------------------------------------------------------------------------------------------------------


def _made(
    order_id: UUID, supplier: SupplierRef, location_id: int, lines: Sequence[PurchaseOrderLine], *, by: Actor, at: datetime,
    state: PurchaseOrderState, source: PurchaseOrderSource, verb: str, **values: Any,
) -> PurchaseOrder:  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('inventory_purchase_order_number')")
        number = f"PO-{cursor.fetchone()[0]}"
    row = PurchaseOrder.objects.create(
        pk=order_id, number=number, supplier_id=supplier.id, location_id=location_id, state=state.value, source=source.value,
        currency=supplier.currency, author=by.label[:200], created_at=at, changed_at=at, **values,
    )  # fmt: skip
    for line in lines:
        line.order = row
    PurchaseOrderLine.objects.bulk_create(lines)
    audit.record(
        f"inventory.purchase_orders.{verb}", "purchase_order", row.pk, by=by,
        after={"state": row.state, "supplier": supplier.code, "location_id": location_id, "lines": _facts(lines)},
    )  # fmt: skip
    incoming.tell(
        incoming.PURCHASE_ORDER,
        row.pk,
        location_id,
        before={},
        after=still_to_come(row),
        version=row.version,
        by=by,
        at=at,
    )
    return row


def _changed(
    row: PurchaseOrder, lines: list[PurchaseOrderLine], *, by: Actor, at: datetime, **values: Any
) -> PurchaseOrder:
    target = moved(row, "change")
    if target is PurchaseOrderState.DRAFT:
        values |= {"approver": "", "approved_at": None}
    old = list(row.lines.order_by("number"))
    before = still_to_come(row)
    received = Counter[int]()
    came_at: dict[int, datetime] = {}
    for line in old:
        received[line.product_id] += line.received
        if line.received_at is not None:
            came_at[line.product_id] = max(line.received_at, came_at.get(line.product_id, line.received_at))
    # What came without having been ordered stays on the order, or counts against the line that orders it now.
    ordered = {line.product_id for line in lines}
    besides = [line for line in old if not line.quantity and line.product_id not in ordered]
    lines += [_unordered(line, number) for number, line in enumerate(besides, len(lines) + 1)]
    checks.not_fewer_than_received(lines, received)
    plan = [Awaited(line.number, line.product_id, line.quantity, 0, line.expected_on) for line in lines]
    counts: dict[int, int] = {}
    for product_id, pieces in received.items():
        counts |= counted_against(plan, product_id, pieces)
    for line in lines:
        line.order, line.received = row, counts.get(line.number, 0)
        line.received_at = came_at.get(line.product_id) if line.received else None
    row.lines.all().delete()
    PurchaseOrderLine.objects.bulk_create(lines)
    if target in COMING and all(line.received >= line.quantity for line in lines):
        target, values = PurchaseOrderState.RECEIVED, {**values, "closed_at": at}
    return keep(row, target, "change", by=by, at=at, before=before, facts={"lines": _facts(lines)}, **values)


def _unordered(line: PurchaseOrderLine, number: int) -> PurchaseOrderLine:
    return PurchaseOrderLine(
        number=number, product_id=line.product_id, quantity=0, unit_cost_minor=line.unit_cost_minor,
        expected_on=line.expected_on,
    )  # fmt: skip


def _dated(supplier: SupplierRef, lines: Sequence[OrderLine], at: datetime) -> list[PurchaseOrderLine]:
    """Return rows with the supplier's costs and next delivery where the lines leave them open."""
    costs = suppliers.terms(supplier.id, {line.product_id for line in lines})
    possible = suppliers.next_delivery(supplier, at=at)
    if possible is None and any(line.expected_on is None for line in lines):
        sentence = f"{supplier.name} delivers on no day within a year; say when the goods come."
        raise checks.invalid("expected_on", None, sentence)
    return [
        PurchaseOrderLine(
            number=number, product_id=line.product_id, quantity=line.quantity,
            expected_on=line.expected_on or possible.delivered_on,  # type: ignore[union-attr]
            unit_cost_minor=line.unit_cost_minor if line.unit_cost_minor is not None
            else costs[line.product_id].unit_cost_minor if line.product_id in costs else None,
        )
        for number, line in enumerate(lines, 1)
    ]  # fmt: skip


def _same(row: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> bool:
    def said_of(some: Sequence[PurchaseOrderLine]) -> list[tuple[int, int, date]]:
        return sorted((line.product_id, line.quantity, line.expected_on) for line in some if line.quantity)

    return said_of(list(row.lines.all())) == said_of(lines)


def _facts(lines: Sequence[PurchaseOrderLine]) -> list[list[Any]]:
    return [[line.product_id, line.quantity, line.expected_on.isoformat()] for line in lines]
