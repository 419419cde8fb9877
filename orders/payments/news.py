"""Facts of payments, told to whoever listens. Sequence: the payment's version. No personal values. [pure]"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from commerce import events


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFact(events.Event):
    """What every fact of a payment says; the amounts are its sums after it."""

    type: ClassVar[str] = ""

    payment_id: UUID
    order_id: UUID | None

    @property
    def aggregate(self) -> str:
        return f"payment:{self.payment_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentChanged(PaymentFact):
    """Money moved, or could not: `kinds` name what happened, the amounts are the payment's sums after it."""

    type: ClassVar[str] = "payment.changed"
    is_public: ClassVar[bool] = True

    kinds: list[str]
    status: str
    currency: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    released_minor: int


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentNeedsPerson(PaymentFact):
    """A payment can't go on by itself; `concern` says why, and is empty when a person dealt with it."""

    type: ClassVar[str] = "payment.needs_person"

    concern: str


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class RefundOwed(events.Event):
    """A customer is owed money for a cause; `amount_minor` will be released or refunded."""

    type: ClassVar[str] = "refund.owed"
    is_public: ClassVar[bool] = True

    owed_id: UUID
    order_id: UUID
    amount_minor: int
    uncovered_minor: int
    currency: str
    cause_type: str
    cause_id: str

    @property
    def aggregate(self) -> str:
        return f"order:{self.order_id}:refunds"
