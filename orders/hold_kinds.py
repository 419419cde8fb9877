"""Kinds of holds: why work on an order may have to stand still, and who may let it go on. [pure]"""

from collections.abc import Iterable
from enum import StrEnum

from commerce.roles import Permission


class HoldKind(StrEnum):
    FRAUD = "fraud"
    PAYMENT = "payment"
    ADDRESS = "address"
    CUSTOMER_ASKED = "customer_asked"
    GOODS = "goods"
    OTHER = "other"


# What is about money takes a second look by someone who answers for it; anyone who serves the customer settles the rest.
RELEASED_WITH: dict[HoldKind, Permission] = {
    HoldKind.FRAUD: Permission.RELEASE_RISK_HOLDS,
    HoldKind.PAYMENT: Permission.RELEASE_RISK_HOLDS,
    HoldKind.ADDRESS: Permission.HOLD_ORDERS,
    HoldKind.CUSTOMER_ASKED: Permission.HOLD_ORDERS,
    HoldKind.GOODS: Permission.HOLD_ORDERS,
    HoldKind.OTHER: Permission.HOLD_ORDERS,
}


def may_release(kind: HoldKind | str, permissions: Iterable[Permission]) -> bool:
    """Say whether somebody with these rights may let an order go on that is held for this."""
    return RELEASED_WITH[HoldKind(kind)] in set(permissions)
