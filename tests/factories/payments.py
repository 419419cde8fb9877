"""Payments for tests, brought along by the verbs that the product uses."""

from typing import Any
from uuid import UUID

from commerce import clock, ids
from commerce.transactions import transaction
from orders.paying import PayMethod, Picture
from orders.payments import ledger, refunds
from orders.payments.ledger import PaymentView
from tests.factories import commerce as ground


def payment(
    order_id: UUID | None,
    amount_minor: int,
    *,
    gateway: str = "manual",
    method: PayMethod = PayMethod.CARD,
    **picture: Any,
) -> PaymentView:
    """Add a payment; what is said of it (authorised=, captured=, …) has happened."""
    with transaction():
        made = ledger.add(
            ids.new(), order_id=order_id, gateway=gateway, method=method, currency="EUR", amount_minor=amount_minor,
            external_reference="" if order_id else f"R-{ids.new()}", by=ground.TESTER, at=clock.now(),
        )  # fmt: skip
    return observe(made.id, **picture) if picture else made


def observe(payment_id: UUID, **picture: Any) -> PaymentView:
    """Note a picture of the provider."""
    with transaction():
        return ledger.observe(payment_id, Picture(**picture), by=ground.TESTER, at=clock.now())


def owe(order_id: UUID, amount_minor: int, cause: tuple[str, object], **options: Any) -> refunds.Owed:
    """Owe the customer of an order an amount."""
    with transaction():
        return refunds.owe(
            order_id=order_id, amount_minor=amount_minor, reason="test", cause=cause, by=ground.TESTER, at=clock.now(),
            **options,
        )  # fmt: skip
