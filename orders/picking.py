"""Picking: what was scanned, what can't be found. Every scan counts once, however often a phone sends it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import catalog, clock, ids
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory.promising import backorders
from orders import errors, events, fulfilment, leases, rejections, shortages
from orders.floor import RejectReason
from orders.fulfilment import Work
from orders.lifecycle import Action, State
from orders.models import FulfilmentLine, PickScan
from orders.rejections import PutBack, Rejected

__all__ = [
    "Outcome",
    "PutBack",
    "RejectReason",
    "ScanOutcome",
    "Wanted",
    "reject_line",
    "scan",
    "set_picked",
    "still_wanted",
]

LONGEST_SCAN = 80
COUNTED = "counted"  # the outcome of pieces that were counted by hand, with the reason in place of what was scanned


class Outcome(StrEnum):
    PICKED = "picked"
    WRONG_ITEM = "wrong_item"
    ALREADY_COMPLETE = "already_complete"
    UNKNOWN_BARCODE = "unknown_barcode"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that still needs pieces."""

    line_id: UUID
    sku: str
    name: str
    missing: int


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """What a scan did. `line_id`, `sku` and `name` are those of what was scanned; `wanted` is what is still to pick."""

    scan_id: UUID
    outcome: Outcome
    scanned: str
    pieces: int
    line_id: UUID | None
    sku: str
    name: str
    picked: int
    quantity: int
    wanted: tuple[Wanted, ...]
    is_replay: bool = False

    @property
    def is_everything_done(self) -> bool:
        return not self.wanted


@transaction_required
def scan(
    fulfilment_id: UUID,
    scan_id: UUID,
    text: str,
    *,
    user: AbstractUser,
    by: Actor,
    at: datetime,
    at_most: int | None = None,
) -> ScanOutcome:
    """Count what was scanned towards the line that wants it, and extend the lease. A known `scan_id` gives its first outcome.

    A case pack counts its pieces, but never more than wanted, nor than `at_most`. `at` is the scanner's time.
    Raises: GoodsAwaited when what is left of the line was promised from goods to come; AlreadyTaken, MoveNotAllowed,
    InvalidInput, NotAllowed, FulfilmentNotFound.
    """
    text = text.strip()
    if not text or len(text) > LONGEST_SCAN:
        raise InvalidInput(
            f"A scan has 1 to {LONGEST_SCAN} characters.",
            errors=[{"field": "text", "value": text[:LONGEST_SCAN], "message": "empty or too long"}],
        )
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    known = PickScan.objects.filter(pk=scan_id).first()
    if known is not None:
        return _replayed(work, known)
    _require_picking(work, user, at=at)
    found = catalog.product_by_barcode(text)
    product, pieces = found if found is not None else (None, 0)
    line = _line_for(work, product.id) if product is not None else None
    if product is None:
        outcome, pieces = Outcome.UNKNOWN_BARCODE, 0
    elif line is None:
        outcome, pieces = Outcome.WRONG_ITEM, 0
    elif line.missing == 0:
        outcome, pieces = Outcome.ALREADY_COMPLETE, 0
    else:
        outcome, pieces = Outcome.PICKED, min(pieces, _there(line), pieces if at_most is None else at_most)
    if line is not None and pieces:
        fulfilment.count(line, picked=pieces)
    _work_on(
        work,
        verb="orders.picking.scan",
        user=user,
        by=by,
        at=at,
        after={"outcome": outcome.value, "scanned": text, "pieces": pieces, "sku": product.sku if product else None},
    )
    PickScan.objects.create(
        id=scan_id,
        fulfilment=work.fulfilment,
        line=line,
        scanned=text,
        pieces=pieces,
        outcome=outcome.value,
        scanned_by=user,
        scanned_at=at,
        recorded_at=clock.now(),
    )
    return ScanOutcome(
        scan_id,
        outcome,
        text,
        pieces,
        line.id if line else None,
        product.sku if product else "",
        product.name if product else "",
        line.picked if line else 0,
        line.quantity - line.rejected if line else 0,
        still_wanted(work),
    )


@transaction_required
def set_picked(
    fulfilment_id: UUID, line_id: UUID, picked: int, *, user: AbstractUser, by: Actor, at: datetime, reason: str = ""
) -> None:
    """Set by hand how many pieces of a line are picked, for a code that can't be read or a piece put back.

    Scanning is the rule, so more pieces need a `reason`, and are reported as counted by hand.
    Raises: MoreThanWanted; GoodsAwaited when some of them were promised from goods to come; AlreadyTaken, MoveNotAllowed,
    InvalidInput, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    _require_picking(work, user, at=at)
    line = work.line(line_id)
    if picked < 0:
        raise InvalidInput(
            "Pieces are counted from 0.", errors=[{"field": "picked", "value": picked, "message": "below zero"}]
        )
    if picked > line.quantity - line.rejected:
        raise errors.MoreThanWanted(
            f"{line.quantity - line.rejected} pieces are wanted, not {picked}.", wanted=line.quantity - line.rejected
        )
    before = line.picked
    if picked > before and not reason.strip():
        raise InvalidInput(
            "Say why these pieces are not scanned, such as: no barcode on them, barcode unreadable, scanner broken.",
            errors=[{"field": "reason", "value": reason, "message": "must be given"}],
        )
    if picked - before > line.missing - (waiting := _waiting(line)):
        raise _awaited(line, waiting)
    fulfilment.count(line, picked=picked - before)
    _work_on(
        work,
        verb="orders.picking.set_picked",
        user=user,
        by=by,
        at=at,
        before={"picked": before},
        after={"picked": picked, "sku": line.product.sku},
        reason=reason,
    )
    if picked > before:
        PickScan.objects.create(
            id=ids.new(), fulfilment=work.fulfilment, line=line, scanned=reason[:LONGEST_SCAN], pieces=picked - before,
            outcome=COUNTED, scanned_by=user, scanned_at=at, recorded_at=clock.now(),
        )  # fmt: skip


@transaction_required
def reject_line(
    fulfilment_id: UUID,
    line_id: UUID,
    quantity: int,
    reason: RejectReason | str,
    *,
    user: AbstractUser,
    by: Actor,
    at: datetime,
    is_shelf_empty: bool = False,
) -> Rejected:
    """Give up on pieces of a line: the books follow the reason, the order owes and costs less, its channel is told.

    A kit that lacks a piece is not delivered at all: its other pieces are free again, and those that were picked already
    are named as `put_back`. With nothing picked and nothing left to pick, the whole fulfilment is rejected. What another
    place can serve follows by itself (`orders.shortages`). With `is_shelf_empty`, pieces not found are not looked for again for
    other orders of the place: those are rejected as well.
    Raises: MoreThanWanted, AlreadyTaken, MoveNotAllowed, InvalidInput, NotAllowed, FulfilmentNotFound.
    """
    reason = _reason(reason)
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    _require_picking(work, user, at=at)
    line = work.line(line_id)
    was = rejections.reject(work, line, quantity, reason, user=user, by=by, at=at)
    sku, put_back = line.order_line.product.sku, {one.sku: one.pieces for one in was.put_back}
    kits = {"kit": sku, "kits": was.units, "put_back": put_back} if line.is_of_kit else {}
    _work_on(
        work,
        verb="orders.picking.reject_line",
        action=Action.REJECT_LINE,
        user=user,
        by=by,
        at=at,
        after={"sku": line.product.sku, "rejected": quantity, **kits},
        reason=reason.value,
        event=events.FulfilmentLineRejected,
        told={"sku": sku, "rejected": was.units, "reason": reason.value},
    )
    if was.is_last:
        fulfilment.move(
            work, Action.REJECT, verb="orders.picking.reject", event=events.FulfilmentRejected, by=by, at=at,
            reason=reason.value, is_on_shelf=False,
        )  # fmt: skip
    if is_shelf_empty and reason is RejectReason.NOT_FOUND:
        shortages.question_others(was.shortage_id, by=by, at=at)
    return was


def still_wanted(work: Work) -> tuple[Wanted, ...]:
    """Return what is still to pick, in the order of the customer's lines."""
    return tuple(
        Wanted(line.id, line.product.sku, line.product.name, line.missing)
        for line in work.lines_of(work.fulfilment)
        if line.missing
    )


def _there(line: FulfilmentLine) -> int:
    """Return how many pieces of a line can be picked now: those that still wait for goods lie on no shelf.

    Raises: GoodsAwaited when none can.
    """
    waiting = _waiting(line)
    if waiting >= line.missing > 0:
        raise _awaited(line, waiting)
    return line.missing - waiting


def _waiting(line: FulfilmentLine) -> int:
    return backorders.waiting([line.allocation_id]).get(line.allocation_id, 0)


def _awaited(line: FulfilmentLine, waiting: int) -> CommerceError:
    way_out = "Pick the others, or give the order back."
    return backorders.refusal(line.order_line_id, waiting, of=line.missing, way_out=way_out)


def _require_picking(work: Work, user: AbstractUser, *, at: datetime) -> None:
    fulfilment.require(work.fulfilment, Action.PICK)
    leases.check(work, user, at=at)


def _work_on(
    work: Work,
    *,
    verb: str,
    user: AbstractUser,
    by: Actor,
    at: datetime,
    action: Action = Action.PICK,
    event: type[events.OrderEvent] | None = None,
    **recorded: object,
) -> None:
    """Write the step: the lease starts anew (from our clock: the scanner's may be late), the shelf knows if it holds goods."""
    held = work.fulfilment
    begins = held.state == State.ACCEPTED
    has_goods = any(line.picked for line in work.lines_of(held))
    fulfilment.advance(
        work, held, action, at=at, is_on_shelf=has_goods, **leases.renewed(held, user, at=max(at, clock.now()))
    )
    fulfilment.conclude(
        work,
        verb=verb,
        by=by,
        at=at,
        event=event or (events.FulfilmentPicking if begins else None),
        **recorded,  # type: ignore[arg-type]
    )


def _reason(reason: RejectReason | str) -> RejectReason:
    try:
        found = RejectReason(reason)
        if found is RejectReason.LOST:
            raise ValueError("only what left can be lost")
        return found
    except ValueError as error:
        known = ", ".join(one for one in RejectReason if one is not RejectReason.LOST)
        raise InvalidInput(
            f"The reason is one of: {known}.",
            errors=[{"field": "reason", "value": reason, "message": f"one of {known}"}],
        ) from error


def _line_for(work: Work, product_id: int) -> FulfilmentLine | None:
    """Return the line that wants the product: one with pieces missing before one that is complete."""
    lines = [line for line in work.lines_of(work.fulfilment) if line.product_id == product_id]
    return next((line for line in lines if line.missing), lines[0] if lines else None)


def _replayed(work: Work, known: PickScan) -> ScanOutcome:
    if known.fulfilment_id != work.fulfilment.id:
        raise InvalidInput(
            "This scan id was used for another order; the scanner has to make a new id for each scan.",
            errors=[{"field": "scan_id", "value": str(known.pk), "message": "used for another order"}],
        )
    line = next((one for one in work.lines if one.id == known.line_id), None)
    found = catalog.product_by_barcode(known.scanned)
    return ScanOutcome(
        known.pk,
        Outcome(known.outcome),
        known.scanned,
        known.pieces,
        known.line_id,
        found[0].sku if found else "",
        found[0].name if found else "",
        line.picked if line else 0,
        line.quantity - line.rejected if line else 0,
        still_wanted(work),
        is_replay=True,
    )
