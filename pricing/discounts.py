"""Discounts on a whole order, and how every discount is shared over lines without losing a cent. [pure]

Shares follow the largest remainder on the current line amounts: ties go to the larger line, then to the lower line
number. A discount never exceeds what it is given on, so no line falls below zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from commerce import money
from pricing import rounding


@dataclass(frozen=True, slots=True)
class OrderDiscount:
    """Money or a percentage off the whole order, at most `cap_minor`. Higher `priority` is applied first.

    Exactly one of `amount_minor` and `basis_points` (30 % = 3000) is given. `reference` identifies it in the steps.
    """

    reference: str
    reason: str
    priority: int = 0
    amount_minor: int | None = None
    basis_points: int | None = None
    cap_minor: int | None = None

    def __post_init__(self) -> None:
        if (self.amount_minor is None) == (self.basis_points is None):
            raise ValueError("A discount is an amount or a percentage, one of the two.")
        if (self.amount_minor or 0) < 0 or (self.cap_minor or 0) < 0:
            raise ValueError("A discount and its cap are not negative.")
        if not 0 <= (self.basis_points or 0) <= rounding.BASIS_POINTS:
            raise ValueError("A percentage lies between 0 and 100 % (10,000 basis points).")


def granted(discount: OrderDiscount, order_minor: int) -> int:
    """Return what `discount` takes off an order amount: rounded once, within its cap, never more than the order."""
    if discount.basis_points is not None:
        wanted = rounding.percentage(order_minor, discount.basis_points)
    else:
        wanted = discount.amount_minor or 0
    if discount.cap_minor is not None:
        wanted = min(wanted, discount.cap_minor)
    return min(wanted, order_minor)


def allocate(discount_minor: int, line_amounts: Sequence[int]) -> list[int]:
    """Share an order discount over the current line amounts (largest remainder); the shares sum to it exactly.

    Raises: ValueError when the discount is negative or larger than the lines together.
    """
    if not 0 <= discount_minor <= sum(line_amounts):
        raise ValueError("A discount lies between nothing and the sum of the lines.")
    return money.split_minor(discount_minor, line_amounts) if line_amounts else []


def in_order(discounts: Sequence[OrderDiscount]) -> list[OrderDiscount]:
    """Return discounts as they are applied: the higher priority first, then by reference."""
    return sorted(discounts, key=lambda discount: (-discount.priority, discount.reference))


def share_bundle(price_minor: int, single_amounts: Sequence[int]) -> list[int]:
    """Share the price of a bundle over its parts by what they cost singly; the shares sum to the price exactly."""
    return money.split_minor(price_minor, single_amounts)
