"""Corrections: a wrong booking is answered by its opposite, which names it. Once, and never below what is promised."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import audit, ids, integrity
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger, movements
from inventory.errors import EntryNotFound, NotCorrectable
from inventory.ledger import LevelKey, Posting
from inventory.stock import Counterparty, EntryKind

# Why an entry can't be answered by its opposite. Who booked goods for a document corrects them there, so that the document
# and the journal go on saying the same: those obstacles are named as the journal's cause types.
_OBSTACLES = {
    "transfer": "This belongs to a transfer: receive, close or cancel that, or send the goods back with another one.",
    "purchase_order": "This came on a purchase order: adjust the stock by what was wrong, with a reason.",
    "order_line": "This belongs to an order: return its goods or cancel it, or adjust the stock.",
    "count": "This was counted: count again.",
    "discrepancy": "This put a discrepancy right: count the goods, or adjust the stock.",
    "correction": "This is a correction itself: book again what was right.",
    "no_goods": "This moved no goods by itself, so there is nothing to put back.",
}
_MOVES_GOODS = frozenset(
    {
        EntryKind.RECEIVED, EntryKind.RETURNED, EntryKind.ADJUSTED, EntryKind.WRITTEN_OFF, EntryKind.MOVED_IN,
        EntryKind.MOVED_OUT,
    }
)  # fmt: skip

integrity.refuse(
    "stock_entry_corrected_once", lambda: NotCorrectable("This entry was corrected already; nothing was booked twice.")
)


@dataclass(frozen=True, slots=True)
class EntryRef:
    """An entry of the journal with the level that it moved."""

    id: UUID
    key: LevelKey
    kind: EntryKind
    pieces: int
    counterparty: str
    transfer_id: UUID | None
    cause_type: str
    cause_id: str


# Both sides of a move: of a move's other entries (there are none but of documents) nothing is asked.
_ENTRIES = """
SELECT e.id, l.product_id, l.location_id, l.condition, e.kind, e.on_hand_delta, e.counterparty, e.transfer_id, e.cause_type,
       e.cause_id
FROM inventory_stockentry e JOIN inventory_stocklevel l ON l.id = e.level_id
WHERE e.id = %(entry)s
   OR e.transfer_id = (SELECT named.transfer_id FROM inventory_stockentry named WHERE named.id = %(entry)s)
ORDER BY e.id <> %(entry)s, e.id LIMIT 3
"""
_CORRECTED = "SELECT corrects FROM inventory_stockentry WHERE corrects = ANY(%s::uuid[])"


@transaction_required
def correct(entry_id: UUID, *, id: UUID, reason: str, source: str = "", by: Actor, at: datetime) -> bool:
    """Book the opposite of an entry, and of a move's other side with it, under the id `id`; say whether that is new.

    Raises: EntryNotFound; NotCorrectable for what moved no goods, belongs to a document or was corrected; NotFreeToMove
    when the goods that would leave are promised by now.
    """
    entries = _read(entry_id)
    _require_correctable(entries)
    levels = ledger.lock({entry.key for entry in entries}, at=at, create=True)
    if id in movements.booked([id]):
        return False
    _refuse_corrected(entries)
    leaving = {entry.key: entry.pieces for entry in entries if entry.pieces > 0}
    postings = movements.make_room(levels, leaving, by=by, at=at)
    postings += [
        Posting(
            id if entry.id == entry_id else ids.new(), entry.key, EntryKind.CORRECTED, on_hand=-entry.pieces,
            counterparty=Counterparty(entry.counterparty), transfer_id=id if entry.transfer_id else None, corrects=entry.id,
            reason=reason, source=source,
        )
        for entry in entries
    ]  # fmt: skip
    ledger.post(levels, postings, by=by, at=at)
    audit.record(
        "inventory.corrections.correct", "location", entries[0].key.location_id, by=by, reason=reason,
        after={"entry": str(entry_id), "product_id": entries[0].key.product_id, "pieces": -entries[0].pieces},
    )  # fmt: skip
    return True


def obstacle(kind: str, cause_type: str, on_hand_delta: int) -> str:
    """Return why an entry of this kind can't be corrected by its opposite, as one word; nothing when it can."""
    if kind == EntryKind.CORRECTED:
        return "correction"
    if cause_type in _OBSTACLES:
        return cause_type
    return "" if kind in _MOVES_GOODS and on_hand_delta else "no_goods"


def read(entry_id: UUID) -> EntryRef:
    """Return an entry of the journal. Raises: EntryNotFound."""
    return _read(entry_id)[0]


def _read(entry_id: UUID) -> list[EntryRef]:
    with connection.cursor() as cursor:
        cursor.execute(_ENTRIES, {"entry": entry_id})
        found = [EntryRef(row[0], LevelKey(*row[1:4]), EntryKind(row[4]), *row[5:]) for row in cursor.fetchall()]
    if not found:
        raise EntryNotFound("There is no such entry in the journal.", entry=str(entry_id))
    return found


def _require_correctable(entries: list[EntryRef]) -> None:
    reason = obstacle(entries[0].kind, entries[0].cause_type, entries[0].pieces)
    if reason:
        raise NotCorrectable(
            _OBSTACLES[reason], entry=str(entries[0].id), kind=entries[0].kind.value, cause=entries[0].cause_type
        )


def _refuse_corrected(entries: list[EntryRef]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_CORRECTED, [ledger.uuids(entry.id for entry in entries)])
        if cursor.fetchone() is not None:
            raise NotCorrectable(
                "This entry was corrected already; nothing was booked twice.", entry=str(entries[0].id)
            )
