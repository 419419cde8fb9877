"""Returns to stock: goods that a customer brought back, in the condition they are in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger, movements
from inventory.ledger import LevelKey, Posting
from inventory.stock import Condition, Counterparty, EntryKind


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Goods that came back. `id` names this line for ever: the same id again books nothing again."""

    id: UUID
    product_id: int
    location_id: int
    quantity: int
    condition: Condition


@transaction_required
def return_to_stock(
    lines: Sequence[ReturnLine],
    *,
    reason: str = "",
    cause_type: str = "",
    cause_id: str = "",
    source: str = "",
    occurred_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> int:
    """Book goods back from customers and return how many lines were new. Only sellable ones may be promised again.

    Raises: NotGoods; InvalidInput for goods in transit.
    """
    movements.check(lines)
    keys = {line.id: LevelKey(line.product_id, line.location_id, line.condition.value) for line in lines}
    levels = ledger.lock(keys.values(), at=at, create=True)
    fresh = movements.unbooked(lines)
    ledger.post(
        levels,
        [
            Posting(
                line.id, keys[line.id], EntryKind.RETURNED, on_hand=line.quantity, counterparty=Counterparty.CUSTOMER,
                reason=reason, cause_type=cause_type, cause_id=cause_id, source=source, occurred_at=occurred_at,
            )
            for line in fresh
        ],
        by=by,
        at=at,
    )  # fmt: skip
    movements.record(
        "inventory.returns.return_to_stock",
        [(line.location_id, line.product_id, line.quantity) for line in fresh],
        reason,
        by,
    )
    return len(fresh)
