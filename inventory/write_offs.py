"""Write-offs: goods that are gone, or of no use to anyone, leave the books for shrinkage, with a reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger, movements
from inventory.ledger import LevelKey, Posting
from inventory.moving import WriteOffReason
from inventory.stock import Condition, Counterparty, EntryKind


@dataclass(frozen=True, slots=True)
class WriteOff:
    """Goods to take off the books. `id` names this line for ever: the same id again books nothing again."""

    id: UUID
    product_id: int
    location_id: int
    quantity: int
    reason: WriteOffReason
    condition: Condition = Condition.SELLABLE


@transaction_required
def write_off(
    lines: Sequence[WriteOff],
    *,
    note: str = "",
    source: str = "",
    occurred_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> int:
    """Take goods off the books and return how many lines were new.

    Raises: NotFreeToMove when some are promised or not there; NotGoods; InvalidInput for goods in transit.
    """
    movements.check(lines)
    keys = {line.id: LevelKey(line.product_id, line.location_id, line.condition.value) for line in lines}
    levels = ledger.lock(keys.values(), at=at, create=True)
    fresh = movements.unbooked(lines)
    leaving: Counter[LevelKey] = Counter()
    for line in fresh:
        leaving[keys[line.id]] += line.quantity
    postings = movements.make_room(levels, leaving, by=by, at=at)
    postings += [
        Posting(
            line.id, keys[line.id], EntryKind.WRITTEN_OFF, on_hand=-line.quantity, counterparty=Counterparty.SHRINKAGE,
            reason=line.reason.value, source=source, occurred_at=occurred_at,
        )
        for line in fresh
    ]  # fmt: skip
    ledger.post(levels, postings, by=by, at=at)
    movements.record(
        "inventory.write_offs.write_off",
        [(line.location_id, line.product_id, -line.quantity) for line in fresh],
        note or (fresh[0].reason.value if fresh else ""),
        by,
    )
    return len(fresh)
