"""Conditions: goods change between sellable, quality control and damaged without leaving their place."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce import ids
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import ledger, movements
from inventory.ledger import LevelKey, Posting
from inventory.stock import Condition, Counterparty, EntryKind


@dataclass(frozen=True, slots=True)
class Reclassification:
    """Goods that are in another condition than the books say. `id` names this line for ever, as in a receipt."""

    id: UUID
    product_id: int
    location_id: int
    quantity: int
    condition: Condition  # as the books have it
    to: Condition


@transaction_required
def reclassify(
    lines: Sequence[Reclassification],
    *,
    reason: str,
    source: str = "",
    occurred_at: datetime | None = None,
    by: Actor,
    at: datetime,
) -> int:
    """Book goods from one condition to another and return how many lines were new. Both sides bear one transfer id.

    Raises: NotFreeToMove when some are promised or not there; NotGoods; InvalidInput for goods in transit or the
    condition that they have already.
    """
    movements.check(lines)
    for number, line in enumerate(lines):
        movements.refuse_in_transit(line.to, field=f"lines[{number}].to")
        if line.to is line.condition:
            message = f"The goods are {line.to.replace('_', ' ')} already; choose another condition."
            errors = [{"field": f"lines[{number}].to", "value": line.to.value, "message": message}]
            raise InvalidInput(message, errors=errors)
    sides = {
        line.id: (
            LevelKey(line.product_id, line.location_id, line.condition.value),
            LevelKey(line.product_id, line.location_id, line.to.value),
        )
        for line in lines
    }
    levels = ledger.lock([key for pair in sides.values() for key in pair], at=at, create=True)
    fresh = movements.unbooked(lines)
    leaving: Counter[LevelKey] = Counter()
    for line in fresh:
        leaving[sides[line.id][0]] += line.quantity
    postings = movements.make_room(levels, leaving, by=by, at=at)
    for line in fresh:
        away, into = sides[line.id]
        postings += [
            Posting(
                entry_id, key, kind, on_hand=pieces, counterparty=Counterparty.LEVEL, transfer_id=line.id, reason=reason,
                source=source, occurred_at=occurred_at,
            )
            for entry_id, key, kind, pieces in (
                (line.id, away, EntryKind.MOVED_OUT, -line.quantity),
                (ids.new(), into, EntryKind.MOVED_IN, line.quantity),
            )
        ]  # fmt: skip
    ledger.post(levels, postings, by=by, at=at)
    movements.record(
        "inventory.conditions.reclassify",
        [(line.location_id, line.product_id, line.quantity) for line in fresh],
        reason,
        by,
    )
    return len(fresh)
