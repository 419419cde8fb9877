"""How every discount is shared over lines without losing a cent. [pure]

Shares follow the largest remainder on the current line amounts: ties go to the larger line, then to the lower line
number. A discount never exceeds what it is given on, so no line falls below zero.
"""

from collections.abc import Sequence

from commerce import money


def allocate(discount_minor: int, line_amounts: Sequence[int]) -> list[int]:
    """Share an order discount over the current line amounts (largest remainder); the shares sum to it exactly.

    Raises: ValueError when the discount is negative or larger than the lines together.
    """
    if not 0 <= discount_minor <= sum(line_amounts):
        raise ValueError("A discount lies between nothing and the sum of the lines.")
    return money.split_minor(discount_minor, line_amounts) if line_amounts else []


def share_bundle(price_minor: int, single_amounts: Sequence[int]) -> list[int]:
    """Share the price of a bundle over its parts by what they cost singly; the shares sum to the price exactly."""
    return money.split_minor(price_minor, single_amounts)
