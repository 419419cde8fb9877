"""The words of buying: what a purchase order goes through, which quantities a supplier takes, how goods count against lines.
[pure]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import lcm


class PurchaseOrderState(StrEnum):
    DRAFT = "draft"
    APPROVED = "approved"
    ORDERED = "ordered"
    PARTLY_RECEIVED = "partly_received"
    RECEIVED = "received"
    CLOSED_SHORT = "closed_short"
    CANCELLED = "cancelled"


class PurchaseOrderSource(StrEnum):
    PLANNER = "planner"  # the house orders
    ANNOUNCED = "announced"  # a supplier or ERP says that goods are coming


_State = PurchaseOrderState

# What may be done in which state, and where it leads. Receiving ends in `received` when every line has what was ordered.
MOVES: dict[tuple[PurchaseOrderState, str], PurchaseOrderState] = {
    (_State.DRAFT, "change"): _State.DRAFT,
    (_State.DRAFT, "approve"): _State.APPROVED,
    (_State.DRAFT, "cancel"): _State.CANCELLED,
    (_State.APPROVED, "change"): _State.DRAFT,  # what was approved was something else
    (_State.APPROVED, "order"): _State.ORDERED,
    (_State.APPROVED, "cancel"): _State.CANCELLED,
    (_State.ORDERED, "change"): _State.ORDERED,
    (_State.ORDERED, "receive"): _State.PARTLY_RECEIVED,
    (_State.ORDERED, "close"): _State.CLOSED_SHORT,
    (_State.ORDERED, "cancel"): _State.CANCELLED,
    (_State.PARTLY_RECEIVED, "change"): _State.PARTLY_RECEIVED,
    (_State.PARTLY_RECEIVED, "receive"): _State.PARTLY_RECEIVED,
    (_State.PARTLY_RECEIVED, "close"): _State.CLOSED_SHORT,
    (_State.RECEIVED, "receive"): _State.RECEIVED,  # more came than was ordered
}
COMING = frozenset({_State.ORDERED, _State.PARTLY_RECEIVED})  # goods of these are on their way


def allowed_actions(state: PurchaseOrderState) -> list[str]:
    """Return what may be done with an order in this state."""
    return [action for (where, action) in MOVES if where is state]


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """In which quantities a supplier sells a product, in pieces: whole lots of whole cases, and a minimum."""

    case_pack: int = 1
    lot_size: int = 1
    minimum_order: int = 1

    @property
    def step(self) -> int:
        """Return the pieces that an order comes in multiples of."""
        return lcm(self.case_pack, self.lot_size)

    def fitting(self, quantity: int) -> int:
        """Return the smallest quantity of at least `quantity` pieces that the supplier takes."""
        wanted = max(quantity, self.minimum_order)
        return -(-wanted // self.step) * self.step


@dataclass(frozen=True, slots=True)
class Awaited:
    """A line as goods are counted against it: pieces ordered and received, in the order in which they are expected."""

    number: int
    product_id: int
    quantity: int
    received: int
    expected_on: date

    @property
    def left(self) -> int:
        """Return the pieces that are still to come."""
        return max(self.quantity - self.received, 0)


def counted_against(lines: Sequence[Awaited], product_id: int, pieces: int) -> dict[int, int]:
    """Say which lines (by number) take how many of `pieces`: those expected first fill first, the last takes what is over.

    Empty when no line is about the product.
    """
    own = sorted(
        (line for line in lines if line.product_id == product_id), key=lambda line: (line.expected_on, line.number)
    )
    taken: dict[int, int] = {}
    for line in own:
        part = min(line.left, pieces)
        if part:
            taken[line.number] = part
            pieces -= part
    if pieces and own:
        taken[own[-1].number] = taken.get(own[-1].number, 0) + pieces
    return taken
