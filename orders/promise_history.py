"""Which dates a customer was promised, one after the other, and why each moved: read from the journal, which never changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce import audit


@dataclass(frozen=True, slots=True)
class Revision:
    """A promise that moved: from when to when, told when. `reason` is a code, or nothing."""

    before: datetime
    after: datetime
    reason: str
    revised_at: datetime
    fulfilment_id: UUID | None

    @property
    def is_later(self) -> bool:
        return self.after > self.before


REASON_OF_VERB = {
    "orders.waiting.follow": "supply_moved",
    "orders.pickup_moves.move": "moved",
}


def of_order(order_id: UUID) -> list[Revision]:
    """Return the revisions of an order's promises, oldest first; those that changed nothing are left out."""
    return revisions(audit.timeline("order", order_id))


def revisions(entries: Iterable[Any]) -> list[Revision]:
    """Return the revisions among the entries of a journal: whatever verb wrote down another `promised_at`."""
    found = []
    for entry in entries:
        before, after = _instant(entry.before), _instant(entry.after)
        if before is None or after is None or before == after:
            continue
        told = entry.after or {}
        reason = str(told.get("promise_reason") or REASON_OF_VERB.get(entry.verb, ""))
        found.append(Revision(before, after, reason, entry.recorded_at, _id(told.get("fulfilment_id"))))
    return found


def _instant(facts: dict[str, Any] | None) -> datetime | None:
    given = (facts or {}).get("promised_at")
    if not isinstance(given, str):
        return None
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        return None


def _id(given: object) -> UUID | None:
    try:
        return UUID(str(given)) if given else None
    except ValueError:
        return None
