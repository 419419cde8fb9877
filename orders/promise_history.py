"""Which dates a customer was promised, one after the other, and why each moved: written with the change, never changed again."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce import ids
from commerce.actors import Actor
from commerce.transactions import transaction_required
from orders.models import Fulfilment, PromiseRevision
from orders.promise_reasons import PromiseReason


@dataclass(frozen=True, slots=True)
class Revision:
    """A promise that moved: from when to when, told when. `reason` is a code."""

    before: datetime
    after: datetime
    reason: str
    revised_at: datetime
    fulfilment_id: UUID | None

    @property
    def is_later(self) -> bool:
        return self.after > self.before


@transaction_required
def keep(one: Fulfilment, before: datetime, after: datetime, reason: PromiseReason, *, by: Actor, at: datetime) -> bool:
    """Write down that a fulfilment is promised for another instant than its customer was told; say whether it is."""
    if before == after:
        return False
    PromiseRevision.objects.create(
        id=ids.new(), order_id=one.order_id, fulfilment_id=one.pk, promised_before=before, promised_after=after,
        reason=reason.value, revised_by=by.label, revised_at=at,
    )  # fmt: skip
    return True


def of_order(order_id: UUID) -> list[Revision]:
    """Return the revisions of an order's promises, oldest first."""
    rows = PromiseRevision.objects.filter(order_id=order_id).order_by("revised_at", "id")
    return [
        Revision(*values)
        for values in rows.values_list("promised_before", "promised_after", "reason", "revised_at", "fulfilment_id")
    ]
