"""Transfers: goods on their way between our places. Drafted, sent, received in parts, closed or cancelled.

What was sent lies at the destination in condition `in_transit`, so no piece is ever nowhere. A transfer's row is locked
before its levels; whoever holds levels never asks for a transfer, so nobody waits crosswise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from commerce import audit, ids
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import incoming, ledger, movements, moving
from inventory.errors import TransferDiffers, TransferNotFound, TransferStateWrong
from inventory.ledger import LevelKey, Posting
from inventory.models import Transfer, TransferLine, TransferScan
from inventory.moving import DifferenceReason, TransferAction, TransferState
from inventory.places import transit
from inventory.stock import Condition, Counterparty, EntryKind
from inventory.transport import checks, differences
from inventory.transport.records import CAUSE, TransferRef, get

MOST_LINES = 500
MOST_PIECES = 1_000_000  # of one product

_INSERT = """
INSERT INTO inventory_transfer
    (id, number, origin_id, destination_id, condition, state, expected_on, note, reference, source, version, created_at)
VALUES (%s, 'T-' || nextval('inventory_transfer_number'), %s, %s, %s, 'draft', %s, %s, %s, %s, 0, %s)
ON CONFLICT (id) DO NOTHING RETURNING number
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line to draft: pieces of a product, and how many of them a case pack holds (1: single pieces)."""

    product_id: int
    quantity: int
    pack: int = 1


@dataclass(frozen=True, slots=True)
class Arrival:
    """Goods of a transfer that came in, as they are. `id` names this receipt for ever: sent again it books nothing again.

    Without a condition they arrived as they left.
    """

    id: UUID
    product_id: int
    quantity: int
    condition: Condition | None = None


# --- drafts ---------------------------------------------------------------------------------------------------------


@transaction_required
def draft(
    transfer_id: UUID,
    *,
    origin_id: int,
    destination_id: int,
    lines: Sequence[Wanted] = (),
    expected_on: date | None = None,
    condition: Condition = Condition.SELLABLE,
    note: str = "",
    reference: str = "",
    source: str = "",
    by: Actor,
    at: datetime,
) -> TransferRef:
    """Write down what is to go from one place to another. Nothing moves yet, and nothing is kept from sale.

    The same id again returns the transfer as it is by now. Lines of one product are summed. Raises: InvalidInput,
    NotGoods, TransferDiffers when the id belongs to a transfer between other places.
    """
    checks.places(origin_id, destination_id)
    if condition is Condition.IN_TRANSIT:
        raise checks.invalid(
            "condition", condition.value, "Goods in transit belong to another transfer; receive that first."
        )
    summed = _summed(lines)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [
            transfer_id, origin_id, destination_id, condition.value, expected_on, note, reference, source, at,
        ])  # fmt: skip
        is_new = cursor.fetchone() is not None
    if not is_new:
        known = get(transfer_id)
        if (known.origin_id, known.destination_id, known.condition) != (origin_id, destination_id, condition):
            raise TransferDiffers(f"This id belongs to transfer {known.number}, which is between other places.")
        return known
    _write_lines(transfer_id, summed)
    made = get(transfer_id)
    audit.record(
        "inventory.transfers.draft", "transfer", transfer_id, by=by, reason=note,
        after={"number": made.number, "from": origin_id, "to": destination_id, "pieces": made.pieces, "lines": len(summed)},
    )  # fmt: skip
    return made


@transaction_required
def change(
    transfer_id: UUID,
    *,
    lines: Sequence[Wanted] | None = None,
    expected_on: date | None = None,
    note: str | None = None,
    by: Actor,
    at: datetime,
) -> TransferRef:
    """Replace a draft's lines (those given), its expected date or its note. Raises: TransferStateWrong."""
    row, before = _locked(transfer_id, TransferAction.CHANGE)
    if lines is not None:
        summed = _summed(lines)
        TransferLine.objects.filter(transfer_id=transfer_id).delete()
        _write_lines(transfer_id, summed)
    row.expected_on = expected_on or row.expected_on
    row.note = row.note if note is None else note
    row.save(update_fields=["expected_on", "note", "version"])
    after = get(transfer_id)
    if after != before:
        audit.record(
            "inventory.transfers.change", "transfer", transfer_id, by=by, reason=after.note,
            before={"pieces": before.pieces, "lines": len(before.lines), "expected_on": before.expected_on},
            after={"pieces": after.pieces, "lines": len(after.lines), "expected_on": after.expected_on},
        )  # fmt: skip
    return after


@transaction_required
def scan(
    transfer_id: UUID, scan_id: UUID, product_id: int, pieces: int, *, pack: int = 1, by: Actor, at: datetime
) -> TransferRef:
    """Count a scan into a draft; a known `scan_id` counts once. Raises: TransferStateWrong, NotGoods, InvalidInput."""
    row, before = _locked(transfer_id, TransferAction.CHANGE)
    if TransferScan.objects.filter(pk=scan_id).exists():
        return before
    known = [Wanted(line.product_id, line.quantity, line.pack) for line in before.lines]
    line = _summed([*known, Wanted(product_id, pieces, pack)])[product_id]
    TransferScan.objects.create(id=scan_id, transfer=row)
    TransferLine.objects.update_or_create(
        transfer=row,
        product_id=product_id,
        defaults={"quantity": line.quantity, "pack": line.pack},
        create_defaults={
            "id": ids.new(), "quantity": line.quantity, "pack": line.pack, "position": _next_position(transfer_id)
        },
    )  # fmt: skip
    return _done("scan", row, before, by=by, at=at, facts={"product_id": product_id, "pieces": line.quantity})


# --- on the way -----------------------------------------------------------------------------------------------------


@transaction_required
def send(transfer_id: UUID, *, expected_on: date | None = None, by: Actor, at: datetime) -> TransferRef:
    """Let all goods of a draft leave; from now on they are at the destination, in transit. Sent again changes nothing.

    Only what nobody was promised leaves. Without a day it is expected after as many as transit times say.
    Raises: NotFreeToMove naming each product that is short; InvalidInput without lines or for a day that has passed;
    TransferStateWrong when it was cancelled.
    """
    row, before = _locked(transfer_id, TransferAction.SEND, done=(*moving.ON_THE_WAY, TransferState.RECEIVED))
    if before.state is not TransferState.DRAFT:
        return before
    checks.places(before.origin_id, before.destination_id)
    if not before.lines:
        raise checks.invalid("lines", "", "There is nothing to send; add goods first.")
    day = expected_on or before.expected_on or transit.arrival(before.origin_id, before.destination_id, at=at)
    checks.day(day, before.destination_id, at=at)
    leaving = {_at_origin(before, line.product_id): line.quantity for line in before.lines}
    arriving = {_in_transit(before, line.product_id): line.quantity for line in before.lines}
    levels = ledger.lock([*leaving, *arriving], at=at, create=True)
    postings = movements.make_room(levels, leaving, by=by, at=at)
    postings += _moves(before, leaving, arriving)
    ledger.post(levels, postings, by=by, at=at)
    row.state, row.expected_on, row.sent_at = TransferState.SENT.value, day, at
    row.save(update_fields=["state", "expected_on", "sent_at", "version"])
    TransferScan.objects.filter(transfer=row).delete()
    return _done("send", row, before, by=by, at=at, facts={"pieces": before.pieces, "expected_on": day})


@transaction_required
def expect(transfer_id: UUID, expected_on: date, *, reason: str, by: Actor, at: datetime) -> TransferRef:
    """Say that goods on the way come on another day.

    Raises: TransferStateWrong when they are not on the way; InvalidInput for a day that has passed.
    """
    row, before = _locked(transfer_id, TransferAction.RECEIVE)
    if before.expected_on == expected_on:
        return before
    checks.day(expected_on, before.destination_id, at=at)
    row.expected_on = expected_on
    row.save(update_fields=["expected_on", "version"])
    return _done("expect", row, before, by=by, at=at, facts={"expected_on": expected_on}, reason=reason)


@transaction_required
def receive(
    transfer_id: UUID, lines: Sequence[Arrival], *, by: Actor, at: datetime, occurred_at: datetime | None = None
) -> TransferRef:
    """Book in what arrived, in as many parts as it takes; the last piece ends the transfer.

    A known arrival id books nothing again, also when the transfer has ended. Raises: NotOnTransfer for goods that were
    not sent; MoreThanSent; TransferStateWrong. All or nothing.
    """
    if len(lines) > MOST_LINES or any(line.quantity < 1 for line in lines):
        raise ValueError("a receipt has 1 to 500 lines of at least one piece")
    row, before = _locked(transfer_id, TransferAction.RECEIVE, done=tuple(TransferState))
    wanted = {(line.product_id, line.condition or before.condition) for line in lines}
    if any(condition is Condition.IN_TRANSIT for _product_id, condition in wanted):
        raise checks.invalid("condition", Condition.IN_TRANSIT.value, "Goods that arrived are not in transit any more.")
    keys = {LevelKey(product_id, before.destination_id, condition.value) for product_id, condition in wanted}
    levels = ledger.lock(
        keys | {_in_transit(before, product_id) for product_id, _condition in wanted}, at=at, create=True
    )
    fresh = movements.unbooked(lines)
    if not fresh:
        return before
    _require(before, TransferAction.RECEIVE)
    arrived = differences.check_arrivals(before, fresh)
    postings = []
    for line in fresh:
        key = LevelKey(line.product_id, before.destination_id, (line.condition or before.condition).value)
        taken = _in_transit(before, line.product_id)
        postings += [
            _posting(before, ids.new(), taken, -line.quantity, occurred_at),
            _posting(before, line.id, key, line.quantity, occurred_at),
        ]
    ledger.post(levels, postings, by=by, at=at)
    for stored in row.lines.filter(product_id__in=arrived):
        stored.received += arrived[stored.product_id]
        stored.save(update_fields=["received"])
    pieces = sum(arrived.values())
    _end(row, TransferState.RECEIVED if pieces == before.open_pieces else TransferState.PARTLY_RECEIVED, at=at)
    return _done("receive", row, before, by=by, at=at, facts={"pieces": pieces, "left": before.open_pieces - pieces})


@transaction_required
def close(
    transfer_id: UUID, reasons: Mapping[int, DifferenceReason], *, note: str = "", by: Actor, at: datetime
) -> TransferRef:
    """End a transfer of which not everything arrived, with a reason per product that is short.

    Pieces that were left behind are back at their place; the others are written off, and their loss is a discrepancy of
    the destination. Closing a received transfer changes nothing. Raises: DifferenceUnexplained naming each product
    without a reason; TransferStateWrong.
    """
    row, before = _locked(transfer_id, TransferAction.CLOSE, done=(TransferState.RECEIVED,))
    if before.state is TransferState.RECEIVED:
        return before
    short = [line for line in before.lines if line.open]
    differences.require_reasons(short, reasons)
    back = {
        _at_origin(before, line.product_id): line.open for line in short if not reasons[line.product_id].goods_are_gone
    }
    taken = {_in_transit(before, line.product_id): line.open for line in short}
    levels = ledger.lock([*back, *taken], at=at, create=True)
    postings = _moves(before, {_in_transit(before, key.product_id): pieces for key, pieces in back.items()}, back)
    lost = [line for line in short if reasons[line.product_id].goods_are_gone]
    entries = {line.product_id: ids.new() for line in lost}
    postings += [
        Posting(
            entries[line.product_id], _in_transit(before, line.product_id), EntryKind.WRITTEN_OFF, on_hand=-line.open,
            counterparty=Counterparty.SHRINKAGE, reason=reasons[line.product_id].value, cause_type=CAUSE,
            cause_id=str(before.id),
        )
        for line in lost
    ]  # fmt: skip
    ledger.post(levels, postings, by=by, at=at)
    for stored in row.lines.filter(product_id__in=[line.product_id for line in short]):
        reason = reasons[stored.product_id]
        rest = stored.quantity - stored.received - stored.lost - stored.returned
        stored.lost, stored.returned = (rest, 0) if reason.goods_are_gone else (0, rest)
        stored.difference_reason = reason.value
        stored.save(update_fields=["lost", "returned", "difference_reason"])
    _end(row, TransferState.RECEIVED, at=at)
    differences.keep_losses(before, lost, reasons, note, by=by, at=at)
    facts = {"lost": sum(line.open for line in lost), "left_behind": sum(back.values())}
    return _done("close", row, before, by=by, at=at, facts=facts, reason=note)


@transaction_required
def cancel(transfer_id: UUID, *, reason: str = "", by: Actor, at: datetime) -> TransferRef:
    """End a draft, or bring goods that are on the way back to where they left. Cancelled again changes nothing.

    Raises: TransferStateWrong when some of it was received already.
    """
    row, before = _locked(transfer_id, TransferAction.CANCEL, done=(TransferState.CANCELLED,))
    if before.state is TransferState.CANCELLED:
        return before
    if before.state is TransferState.SENT:
        taken = {_in_transit(before, line.product_id): line.open for line in before.lines}
        back = {_at_origin(before, line.product_id): line.open for line in before.lines}
        levels = ledger.lock([*taken, *back], at=at, create=True)
        ledger.post(levels, _moves(before, taken, back), by=by, at=at)
        for stored in row.lines.all():
            stored.returned = stored.quantity
            stored.save(update_fields=["returned"])
    _end(row, TransferState.CANCELLED, at=at)
    TransferScan.objects.filter(transfer=row).delete()
    return _done("cancel", row, before, by=by, at=at, facts={"pieces": before.pieces}, reason=reason)


# --- parts of the verbs ---------------------------------------------------------------------------------------------


def _locked(
    transfer_id: UUID, action: TransferAction, *, done: Sequence[TransferState] = ()
) -> tuple[Transfer, TransferRef]:
    """Lock a transfer and return it, if its state allows the action or is one in which that is done already.

    Raises: TransferNotFound, TransferStateWrong.
    """
    row = Transfer.objects.select_for_update().filter(pk=transfer_id).first()
    if row is None:
        raise TransferNotFound("There is no such transfer.", transfer=str(transfer_id))
    before = get(transfer_id)
    if before.state not in done:
        _require(before, action)
    row.version += 1  # of the change that follows
    return row, before


def _require(transfer: TransferRef, action: TransferAction) -> None:
    if action not in transfer.allowed_actions:
        raise TransferStateWrong(
            f"Transfer {transfer.number} is {transfer.state.replace('_', ' ')}: {_WAYS_OUT[transfer.state]}",
            transfer=str(transfer.id),
            number=transfer.number,
            state=transfer.state.value,
            allowed_actions=[allowed.value for allowed in transfer.allowed_actions],
        )


_WAYS_OUT = {
    TransferState.DRAFT: "send it first.",
    TransferState.SENT: "receive it, close it with a reason for what is missing, or cancel it.",
    TransferState.PARTLY_RECEIVED: "receive the rest, or close it with a reason for what is missing.",
    TransferState.RECEIVED: "it has ended; make another transfer for what is to go on.",
    TransferState.CANCELLED: "it has ended; make another transfer.",
}


def _summed(lines: Sequence[Wanted]) -> dict[int, Wanted]:
    """Return the lines by product, pieces summed, the largest pack that was scanned. Raises: InvalidInput, NotGoods."""
    movements.refuse_charges([line.product_id for line in lines])
    found: dict[int, Wanted] = {}
    for number, line in enumerate(lines):
        before = found.get(line.product_id, Wanted(line.product_id, 0))
        found[line.product_id] = Wanted(line.product_id, before.quantity + line.quantity, max(before.pack, line.pack))
        if line.quantity < 1 or found[line.product_id].quantity > MOST_PIECES:
            raise checks.invalid(f"lines[{number}].quantity", line.quantity, f"A line has 1 to {MOST_PIECES} pieces.")
    if len(found) > MOST_LINES:
        raise checks.invalid(
            "lines", len(found), f"A transfer has at most {MOST_LINES} products; send the rest with another."
        )
    return found


def _write_lines(transfer_id: UUID, lines: Mapping[int, Wanted]) -> None:
    TransferLine.objects.bulk_create(
        TransferLine(
            id=ids.new(), transfer_id=transfer_id, product_id=line.product_id, position=position, quantity=line.quantity,
            pack=line.pack,
        )
        for position, line in enumerate(lines.values(), start=1)
    )  # fmt: skip


def _next_position(transfer_id: UUID) -> int:
    last = TransferLine.objects.filter(transfer_id=transfer_id).order_by("-position").first()
    return last.position + 1 if last else 1


def _at_origin(transfer: TransferRef, product_id: int) -> LevelKey:
    return LevelKey(product_id, transfer.origin_id, transfer.condition.value)


def _in_transit(transfer: TransferRef, product_id: int) -> LevelKey:
    return LevelKey(product_id, transfer.destination_id, Condition.IN_TRANSIT.value)


def _moves(transfer: TransferRef, taken: Mapping[LevelKey, int], put: Mapping[LevelKey, int]) -> list[Posting]:
    """Return the two sides of goods that change their place."""
    return [_posting(transfer, ids.new(), key, -pieces) for key, pieces in taken.items()] + [
        _posting(transfer, ids.new(), key, pieces) for key, pieces in put.items()
    ]


def _posting(
    transfer: TransferRef, entry_id: UUID, key: LevelKey, pieces: int, occurred_at: datetime | None = None
) -> Posting:
    return Posting(
        entry_id, key, EntryKind.MOVED_IN if pieces > 0 else EntryKind.MOVED_OUT, on_hand=pieces,
        counterparty=Counterparty.LEVEL, transfer_id=transfer.id, reason=transfer.number, cause_type=CAUSE,
        cause_id=str(transfer.id), occurred_at=occurred_at,
    )  # fmt: skip


def _end(row: Transfer, state: TransferState, *, at: datetime) -> None:
    row.state = state.value
    row.ended_at = None if state in moving.OPEN else at
    row.save(update_fields=["state", "ended_at", "version"])


def _done(
    verb: str,
    row: Transfer,
    before: TransferRef,
    *,
    by: Actor,
    at: datetime,
    facts: Mapping[str, object],
    reason: str = "",
) -> TransferRef:
    """Record what was done, tell what that means for the destination, and return the transfer as it is now."""
    after = get(before.id)
    audit.record(
        f"inventory.transfers.{verb}", "transfer", before.id, by=by, reason=reason,
        before={"state": before.state.value}, after={"state": after.state.value, **facts},
    )  # fmt: skip
    incoming.tell(
        incoming.TRANSFER, before.id, before.destination_id, before=before.coming, after=after.coming,
        version=row.version, by=by, at=at,
    )  # fmt: skip
    return after
