"""Giving up on pieces of a line: what that means for the books, for the order's totals, and for the kit they belong to."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import ids
from commerce.actors import Actor
from inventory import allocations, conditions
from inventory.conditions import Reclassification
from inventory.counting import CountKind
from inventory.stock import Condition
from inventory.stocktaking import counts, lists
from orders import cancellation, errors, fulfilment, pickup_places, shortages
from orders.floor import RejectReason
from orders.fulfilment import Work
from orders.models import FulfilmentLine

INCOMPLETE = "kit_incomplete"  # why the other components of a kit are rejected


@dataclass(frozen=True, slots=True)
class PutBack:
    """Pieces that were picked and are not delivered, because their kit lacks something."""

    sku: str
    name: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """What a rejection came to. `units` are those of the order line: pieces, or kits; `is_last` says that nothing is left."""

    units: int
    put_back: tuple[PutBack, ...]
    is_last: bool
    shortage_id: UUID


def reject(
    work: Work,
    line: FulfilmentLine,
    quantity: int,
    reason: RejectReason,
    *,
    user: AbstractUser | None,
    by: Actor,
    at: datetime,
) -> Rejected:
    """Let the books follow the reason and take the pieces off the order; the caller takes the steps of the lifecycle.

    Not found opens a count of the product, unless one waits for it already. Raises: MoreThanWanted.
    """
    if not 1 <= quantity <= line.missing:
        raise errors.MoreThanWanted(
            f"{line.missing} pieces of this line are still to pick, so {quantity} can't be rejected"
            + ("; lower what is picked first." if line.picked else "."),
            missing=line.missing,
        )
    held = work.fulfilment
    count_id = _count(work, line, by=by, at=at) if reason is RejectReason.NOT_FOUND else None  # before any level
    units = -(-quantity // line.per_unit)  # a kit that lacks one piece is lost as a whole
    kin = work.kin(line)
    gone = {one.id: units * one.per_unit for one in kin}
    is_last = all(one.quantity == one.rejected + gone.get(one.id, 0) for one in work.lines_of(held))
    if is_last:  # nobody will come for it: the window has room for someone else
        pickup_places.give_up(work, [held], at=at)
    rest = [(one.allocation_id, gone[one.id] - (quantity if one is line else 0)) for one in kin]
    if line.is_of_kit:
        allocations.lock([allocation_id for allocation_id, _ in rest], at=at)
    _settle_stock(work, line, quantity, reason, by=by, at=at)
    if any(pieces for _, pieces in rest):
        allocations.release([part for part in rest if part[1]], by=by, at=at, reason=INCOMPLETE)
    put_back = []
    for one in kin:
        back = max(one.picked + one.rejected + gone[one.id] - one.quantity, 0)
        fulfilment.count(one, picked=-back, rejected=gone[one.id], reason=reason.value if one is line else INCOMPLETE)
        if back:
            put_back.append(PutBack(one.product.sku, one.product.name, back))
    before = {one.id: one.cancelled for one in work.order_lines.values()}
    cancellation.cancel_pieces(work, {line.order_line_id: units})
    if is_last:
        cancellation.cancel_rest(work, [held])
    off = {
        one.id: one.cancelled - before[one.id] for one in work.order_lines.values() if one.cancelled > before[one.id]
    }
    shortage_id = shortages.record(
        work, line, quantity, units, reason, restores=off, count_id=count_id, user=user, at=at
    )
    return Rejected(units, tuple(put_back), is_last, shortage_id)


def _count(work: Work, line: FulfilmentLine, *, by: Actor, at: datetime) -> UUID | None:
    """Have the product counted where it was not found; a count that waits for it already is enough."""
    location_id = work.fulfilment.location_id
    if lists.awaited(location_id, [line.product_id]):
        return None
    note = work.order.number
    begun = counts.begin(
        ids.new(), location_id=location_id, kind=CountKind.DIRECTED, product_ids=[line.product_id], note=note,
        source="picking", by=by, at=at,
    )  # fmt: skip
    return begun.id


def _settle_stock(
    work: Work, line: FulfilmentLine, quantity: int, reason: RejectReason, *, by: Actor, at: datetime
) -> None:
    parts = [(line.allocation_id, quantity)]
    if reason is RejectReason.NOT_FOUND:
        allocations.not_found(parts, by=by, at=at)
        return
    allocations.release(parts, by=by, at=at, reason=reason.value)
    if reason is RejectReason.DAMAGED:
        moved = Reclassification(
            ids.new(), line.product_id, work.fulfilment.location_id, quantity, Condition.SELLABLE, Condition.DAMAGED
        )
        conditions.reclassify([moved], reason=reason.value, by=by, at=at)
