"""Parcels that come to a store to be fetched there: taken in by scan, given out in part, reported lost, found again.

What was sent is ready when all of its parcels are here. Each of them is here, on the way or lost, so each piece is accounted for:
what is lost comes back into the books as goods to be looked into and is written off there in the same breath, and its order gets
the same from elsewhere or owes and costs less.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from django.contrib.auth.models import AbstractUser
from django.db.models import Sum

from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory import movements
from inventory import returns as stock_returns
from inventory.movements import Adjustment
from inventory.places import locations
from inventory.returns import ReturnLine
from inventory.stock import Condition
from orders import cancellation, errors, events, fulfilment, leases, pickup_places, shortages, to_store
from orders.floor import LabelState, RejectReason
from orders.fulfilment import Work
from orders.lifecycle import Action, State
from orders.models import Fulfilment, FulfilmentLine, Parcel, ParcelLine, ShipLabel
from orders.packing import parcels

LONGEST_SCAN = 80
LONGEST_REASON = 200
ON_ITS_WAY = frozenset({State.UNDER_WAY, State.CANCELLED})  # called off on the way: its parcels come all the same


class Came(StrEnum):
    """What the arrival of a parcel came to."""

    READY = "ready"  # it was the last one
    PARTLY = "partly"  # others are still on the way
    WAITS = "waits"  # all is here, but the order is on hold
    PUT_BACK = "put_back"  # called off on the way: all of it is here to go on the shelf
    FOUND = "found"  # it was lost and written off, and is on sale here now
    AGAIN = "again"  # it is here already


@dataclass(frozen=True, slots=True)
class Arrived:
    """What came of a scan: whose parcel it is, and how many of its order's parcels are here."""

    outcome: Came
    number: str
    fulfilment_id: UUID
    here: int
    parcels: int


@transaction_required
def scan(location_id: int, text: str, *, user: AbstractUser, by: Actor, at: datetime) -> Arrived:
    """Take in the parcel whose label was scanned: our transfer label, or its carrier's number. As `arrive`.

    Raises: FulfilmentNotFound when no parcel with this label is on its way to the store, InvalidInput, NotAllowed.
    """
    text = text.strip()
    if not text or len(text) > LONGEST_SCAN:
        raise InvalidInput(
            f"A scan has 1 to {LONGEST_SCAN} characters.",
            errors=[{"field": "text", "value": text[:LONGEST_SCAN], "message": "empty or too long"}],
        )
    parcel_id = _find(text, location_id)
    if parcel_id is None:
        place = locations.by_id(location_id)
        raise errors.FulfilmentNotFound(
            f"No parcel with the label '{text}' is on its way to {place.name}. Look whether it is meant for another store.",
            errors=[{"field": "text", "value": text, "message": "unknown here"}],
        )
    return arrive(parcel_id, user=user, by=by, at=at)


@transaction_required
def arrive(parcel_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> Arrived:
    """Note that a parcel is at its store; with the last one its order is ready. Noting it again changes nothing.

    Raises: MoveNotAllowed when it never left for a store, NotAllowed, FulfilmentNotFound.
    """
    work, parcel = _claimed(parcel_id, user)
    held, rows = work.fulfilment, _parcels(work.fulfilment)
    if parcel.arrived_at is not None:
        return _arrived(Came.AGAIN, work, rows)
    parcels.note_arrival(parcel, at=at)
    said = {"parcel": parcel.number, "parcels": len(rows)}
    if parcel.lost_at is not None:
        _book_found(work, parcel, by=by, at=at)
        fulfilment.amend(work, held, at=at)
        fulfilment.conclude(work, verb="orders.arrivals.find", by=by, at=at, after=said)
        return _arrived(Came.FOUND, work, rows)
    rows = _parcels(held)
    outcome = _outcome(work, rows)
    if outcome is Came.READY:
        to_store.make_ready(work, verb="orders.arrivals.arrive", by=by, at=at)
    else:
        fulfilment.amend(work, held, at=at)
        fulfilment.conclude(work, verb="orders.arrivals.arrive", by=by, at=at, after=said)
    return _arrived(outcome, work, rows)


@transaction_required
def receive(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Note that all that is still on the way to the store is here, and that it is ready.

    Raises: MoveNotAllowed, OrderOnHold, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = to_store.require_to_store(work)
    fulfilment.require(held, Action.RECEIVE)
    for row in _coming(_parcels(held)):
        parcels.note_arrival(row, at=at)
    to_store.make_ready(work, verb="orders.to_store.receive", by=by, at=at)


@transaction_required
def give_out(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> UUID:
    """Let the customer have what is here; what is still on the way becomes a part of its own, whose id is returned.

    Raises: MoveNotAllowed when nothing or everything is here, or a kit would be torn apart; OrderOnHold, NotAllowed.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = to_store.require_to_store(work)
    fulfilment.require(held, Action.RECEIVE)
    rows = _parcels(held)
    coming = _coming(rows)
    if not coming or not any(row.arrived_at and not row.lost_at for row in rows):
        raise errors.MoveNotAllowed(
            "All of its parcels are here: call it ready." if not coming else "None of its parcels is here yet.",
            parcels=len(rows),
        )
    later = _inside(coming)
    for line in work.lines_of(held):
        if later.get(line.id, 0) % line.per_unit or _splits_kit(work, line, later):
            raise errors.MoveNotAllowed(
                f"{line.order_line.product.name} is a set whose pieces come in several parcels. Wait for the others, or report "
                "them lost.",
                sku=line.order_line.product.sku,
            )
    rest = fulfilment.open_beside(work, held, state=State.UNDER_WAY, at=at)
    heirs: dict[UUID, FulfilmentLine] = {}
    for line in work.lines_of(held):
        pieces = later.get(line.id, 0)
        if pieces and pieces == line.quantity:
            fulfilment.hand_on(line, rest)
            heirs[line.id] = line
        elif pieces:
            heirs[line.id] = fulfilment.add_line(
                work, rest, line.order_line, product_id=line.product_id, quantity=pieces, per_unit=line.per_unit,
                allocation_id=line.allocation_id,
            )  # fmt: skip
            fulfilment.count(line, picked=-pieces)
            fulfilment.shrink(line, pieces)
            fulfilment.count(heirs[line.id], picked=pieces)
    parcels.hand_on(coming, rest, heirs)
    to_store.make_ready(work, verb="orders.arrivals.give_out", by=by, at=at)
    return rest.pk


@transaction_required
def lose(parcel_id: UUID, *, reason: str, user: AbstractUser, by: Actor, at: datetime) -> Arrived:
    """Give up a parcel that never came: its goods are written off, and its order gets them from elsewhere or does without.

    Of a kit whole kits are lost; their pieces that are here go on sale here. Giving it up again changes nothing.
    Raises: MoveNotAllowed when it is here, or a kit's other parcels are still on the way; InvalidInput without a reason,
    NotAllowed, FulfilmentNotFound.
    """
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidInput(
            "Say what is known of the parcel, such as: the carrier found nothing after a search.",
            errors=[{"field": "reason", "value": reason[:LONGEST_REASON], "message": "must be given"}],
        )
    work, parcel = _claimed(parcel_id, user)
    held, rows = work.fulfilment, _parcels(work.fulfilment)
    if parcel.lost_at is not None:
        return _arrived(Came.AGAIN, work, rows)
    if parcel.arrived_at is not None:
        raise errors.MoveNotAllowed("This parcel is here already.", parcel=parcel.number)
    lost = _inside([parcel])
    others = _inside([row for row in _coming(rows) if row.pk != parcel.pk])
    gone, extra = _units_gone(work, lost)
    torn = next((line for line in work.lines_of(held) if extra.get(line.id) and others.get(line.id)), None)
    if torn is not None and held.state == State.UNDER_WAY:
        raise errors.MoveNotAllowed(
            f"{torn.order_line.product.name} is a set whose other pieces are still on the way. Wait for them, or report those "
            "parcels first.",
            sku=torn.order_line.product.sku,
        )
    parcels.note_loss(parcel, at=at)
    said = {"parcel": parcel.number, "pieces": sum(lost.values())}
    if held.state == State.CANCELLED:  # it owes nobody anything any more
        _write_off(work, parcel, lost, by=by, at=at)
        for line in work.lines_of(held):
            if pieces := lost.get(line.id, 0):
                fulfilment.count(line, picked=-pieces)
        has_goods = any(line.picked for line in work.lines_of(held))
        fulfilment.amend(work, held, at=at, is_on_shelf=has_goods)
        fulfilment.conclude(work, verb="orders.arrivals.lose", by=by, at=at, after=said, reason=reason)
        return _arrived(_outcome(work, _parcels(held)), work, _parcels(held))
    _give_up(work, parcel, lost, gone, extra, user=user, by=by, at=at, said=said, reason=reason)
    rows = _parcels(held)
    if held.state == State.REJECTED:
        return _arrived(Came.AGAIN, work, rows)
    outcome = _outcome(work, rows)
    if outcome is Came.READY:
        to_store.make_ready(work, verb="orders.arrivals.lose", by=by, at=at)
    return _arrived(outcome, work, rows)


def require_all_here(one: Fulfilment) -> None:
    """Make sure that none of its parcels is still on the way. Raises: MoveNotAllowed naming how many are."""
    coming = _coming(_parcels(one))
    if coming:
        raise errors.MoveNotAllowed(
            f"{len(coming)} parcels of this order are still on the way. Scan them when they come, or report them lost.",
            parcels=[row.number for row in coming],
        )


# --- what is where ----------------------------------------------------------------------------------------------------


def _claimed(parcel_id: UUID, user: AbstractUser) -> tuple[Work, Parcel]:
    fulfilment_id = Parcel.objects.filter(pk=parcel_id).values_list("fulfilment_id", flat=True).first()
    if fulfilment_id is None:
        raise errors.FulfilmentNotFound("There is no such parcel.", parcel=str(parcel_id))
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held, parcel = to_store.require_to_store(work), Parcel.objects.get(pk=parcel_id)
    if parcel.left_at is None or held.location_id != held.store_id:
        raise errors.MoveNotAllowed("This parcel did not leave for its store yet.", state=held.state)
    if parcel.arrived_at is None and parcel.lost_at is None and State(held.state) not in ON_ITS_WAY:
        raise errors.MoveNotAllowed(f"This order is '{held.state}' already.", state=held.state)
    return work, parcel


def _find(text: str, location_id: int) -> UUID | None:
    """Return the parcel to a store that a label names: ours, or its carrier's number; None where none left for it."""
    rows = Parcel.objects.filter(
        fulfilment__store_id=location_id, fulfilment__location_id=location_id, left_at__isnull=False
    )
    ours = rows.filter(code=text.upper()).values_list("id", flat=True).first()
    labels = ShipLabel.objects.filter(tracking_number=text, state=LabelState.MADE.value, parcel__in=rows)
    return ours or labels.order_by("-asked_at").values_list("parcel_id", flat=True).first()


def _parcels(one: Fulfilment) -> list[Parcel]:
    return list(Parcel.objects.filter(fulfilment=one, left_at__isnull=False).order_by("number"))


def _coming(rows: list[Parcel]) -> list[Parcel]:
    return [row for row in rows if row.arrived_at is None and row.lost_at is None]


def _inside(rows: list[Parcel]) -> dict[UUID, int]:
    """Return the pieces by fulfilment line in parcels."""
    sums = ParcelLine.objects.filter(parcel__in=rows).values("line_id").annotate(pieces=Sum("quantity"))
    return {row["line_id"]: row["pieces"] for row in sums}


def _outcome(work: Work, rows: list[Parcel]) -> Came:
    if work.fulfilment.state == State.CANCELLED:
        return Came.PARTLY if _coming(rows) else Came.PUT_BACK
    if _coming(rows):
        return Came.PARTLY
    return Came.WAITS if work.order.held_for else Came.READY


def _arrived(outcome: Came, work: Work, rows: list[Parcel]) -> Arrived:
    here = sum(1 for row in rows if row.arrived_at is not None and row.lost_at is None)
    return Arrived(outcome, work.order.number, work.fulfilment.pk, here, len(rows))


def _splits_kit(work: Work, line: FulfilmentLine, later: dict[UUID, int]) -> bool:
    """Whether of a kit one component's pieces come later than another's."""
    return len({later.get(one.id, 0) // one.per_unit for one in work.kin(line)}) > 1


# --- what is lost -----------------------------------------------------------------------------------------------------


def _units_gone(work: Work, lost: dict[UUID, int]) -> tuple[dict[UUID, int], dict[UUID, int]]:
    """Return the units of each order line that can't be delivered, and the pieces by line that their kits lose besides."""
    gone: dict[UUID, int] = defaultdict(int)
    lines = work.lines_of(work.fulfilment)
    for line in lines:
        if pieces := lost.get(line.id, 0):
            gone[line.order_line_id] = max(gone[line.order_line_id], -(-pieces // line.per_unit))
    extra = {line.id: gone.get(line.order_line_id, 0) * line.per_unit - lost.get(line.id, 0) for line in lines}
    return gone, {line_id: pieces for line_id, pieces in extra.items() if pieces}


def _give_up(
    work: Work, parcel: Parcel, lost: dict[UUID, int], gone: dict[UUID, int], extra: dict[UUID, int], *,
    user: AbstractUser, by: Actor, at: datetime, said: dict[str, int], reason: str,
) -> None:  # fmt: skip
    held, lines = work.fulfilment, work.lines_of(work.fulfilment)
    off = {line.id: lost.get(line.id, 0) + extra.get(line.id, 0) for line in lines}
    is_last = all(line.quantity == line.rejected + off[line.id] for line in lines)
    if is_last:
        pickup_places.give_up(work, [held], at=at)
    _write_off(work, parcel, lost, by=by, at=at)
    _book(work, parcel, extra, Condition.SELLABLE, "its kit lost a piece on the way", by=by, at=at)
    for line in lines:
        if off[line.id]:
            fulfilment.count(line, picked=-off[line.id], rejected=off[line.id], reason=RejectReason.LOST.value)
    fulfilment.amend(work, held, at=at)
    last = list(gone)[-1]
    for order_line_id, units in gone.items():
        line = next(one for one in lines if one.order_line_id == order_line_id and lost.get(one.id))
        before = {one.id: one.cancelled for one in work.order_lines.values()}
        cancellation.cancel_pieces(work, {order_line_id: units})
        if is_last and order_line_id == last:
            cancellation.cancel_rest(work, [held])
        restores = {
            one.id: one.cancelled - before[one.id]
            for one in work.order_lines.values()
            if one.cancelled > before[one.id]
        }
        shortages.record(
            work, line, lost[line.id], units, RejectReason.LOST, restores=restores, count_id=None, user=user, at=at
        )
        sku = line.order_line.product.sku
        fulfilment.conclude(
            work, verb="orders.arrivals.lose", event=events.FulfilmentLineRejected, by=by, at=at, reason=reason,
            told={"sku": sku, "rejected": units, "reason": RejectReason.LOST.value}, after={"sku": sku, **said},
        )  # fmt: skip
    if is_last:
        fulfilment.move(
            work, Action.LOSE, verb="orders.picking.reject", event=events.FulfilmentRejected, by=by, at=at,
            reason=RejectReason.LOST.value, is_on_shelf=False,
        )  # fmt: skip


def _book(
    work: Work, parcel: Parcel, pieces: dict[UUID, int], condition: Condition, why: str, *, by: Actor, at: datetime
) -> None:
    held = work.fulfilment
    stock_returns.return_to_stock(
        [
            ReturnLine(uuid5(parcel.pk, f"{why} {line.id}"), line.product_id, held.location_id, pieces[line.id], condition)
            for line in work.lines_of(held)
            if pieces.get(line.id)
        ],
        reason=why, cause_type="parcel", cause_id=parcel.pk.hex, by=by, at=at,
    )  # fmt: skip


def _write_off(work: Work, parcel: Parcel, lost: dict[UUID, int], *, by: Actor, at: datetime) -> None:
    """Take lost goods back into the books, where nobody can be promised them, and write them off."""
    condition = Condition.QUALITY_CONTROL
    _book(work, parcel, lost, condition, "lost on the way to the store", by=by, at=at)
    _adjust(work, parcel, lost, -1, condition, "lost on the way to the store", by=by, at=at)


def _book_found(work: Work, parcel: Parcel, *, by: Actor, at: datetime) -> None:
    _adjust(work, parcel, _inside([parcel]), 1, Condition.SELLABLE, "came after it was given up", by=by, at=at)


def _adjust(
    work: Work, parcel: Parcel, pieces: dict[UUID, int], sign: int, condition: Condition, why: str, *, by: Actor, at: datetime
) -> None:  # fmt: skip
    held = work.fulfilment
    products: dict[int, int] = defaultdict(int)
    for line in work.lines_of(held):
        products[line.product_id] += pieces.get(line.id, 0)
    movements.adjust(
        [
            Adjustment(
                uuid5(parcel.pk, f"{why}, adjusted {product_id}"), product_id, held.location_id, sign * count, why, condition
            )
            for product_id, count in products.items()
            if count
        ],
        by=by,
        at=at,
    )  # fmt: skip
