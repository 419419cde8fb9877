"""The words of counting stock, and which products a count is worth most for. [pure]"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

A_SHARE, B_SHARE = 0.80, 0.95  # of a place's turnover: what makes the first four fifths is A, what comes to 95 % is B


class CountKind(StrEnum):
    """What a count is about: what the rules say is due, whatever is scanned, or everything on a shelf, of a category, here."""

    DIRECTED = "directed"
    FREE = "free"
    SHELF = "shelf"
    CATEGORY = "category"
    STORE = "store"


class CountState(StrEnum):
    OPEN = "open"
    IN_REVIEW = "in_review"
    POSTED = "posted"
    CANCELLED = "cancelled"


class ItemState(StrEnum):
    OPEN = "open"  # to be counted, or being counted
    REVIEW = "review"  # differs by more than one person may decide
    RIGHT = "right"  # the books were right
    POSTED = "posted"  # the difference is in the journal
    OVERTAKEN = "overtaken"  # a newer count or correction stands
    LEFT = "left"  # a second person decided that the books stand
    UNCOUNTED = "uncounted"  # nobody counted it before the count was handed in


class CountMode(StrEnum):
    """What a further figure of the same person for the same item means."""

    ADD = "add"  # more of it lies here
    REPLACE = "replace"  # what this person counted of it before was wrong


class Missing(StrEnum):
    """What a count that is handed in says of items that nobody counted."""

    LEAVE = "leave"  # nothing: the books stay
    NONE = "none"  # they were looked for and are not here


class CountReason(StrEnum):
    """Why a rule wants an item counted, most urgent first."""

    NOT_FOUND = "not_found"
    SURPRISE = "surprise"
    DUE = "due"


class ValueClass(StrEnum):
    A = "A"
    B = "B"
    C = "C"


class FindingKind(StrEnum):
    """Why something that was counted could not be taken as a count of an item; it is kept for a person to look at."""

    UNKNOWN = "unknown"  # no product has this code
    CHARGE = "charge"  # it has no stock of its own: a charge such as postage, or a kit
    LATE = "late"  # its item was settled before this came in


class FindingState(StrEnum):
    OPEN = "open"
    TAKEN = "taken"  # a person said what product it is
    DISMISSED = "dismissed"


class CountAction(StrEnum):
    COUNT = "count"
    HAND_IN = "hand_in"
    REVIEW = "review"
    CANCEL = "cancel"


ALLOWED: Mapping[CountState, frozenset[CountAction]] = MappingProxyType(
    {
        CountState.OPEN: frozenset({CountAction.COUNT, CountAction.HAND_IN, CountAction.REVIEW, CountAction.CANCEL}),
        CountState.IN_REVIEW: frozenset({CountAction.COUNT, CountAction.REVIEW, CountAction.CANCEL}),
        CountState.POSTED: frozenset(),
        CountState.CANCELLED: frozenset(),
    }
)
SETTLED = frozenset({ItemState.RIGHT, ItemState.POSTED, ItemState.OVERTAKEN, ItemState.LEFT, ItemState.UNCOUNTED})


def value_classes(
    outflow: Mapping[int, int], unit_values: Mapping[int, int], *, a_share: float = A_SHARE, b_share: float = B_SHARE
) -> dict[int, ValueClass]:
    """Return the class of every product of `outflow` (pieces that left) by its share of the turnover.

    `unit_values` are in minor units. A product whose value nobody knows counts with the median of those that are known; when
    none is, pieces are ranked. What never left is C.
    """
    known = sorted(unit_values[product_id] for product_id in outflow if product_id in unit_values)
    usual = known[len(known) // 2] if known else 1
    turnover = {product_id: pieces * unit_values.get(product_id, usual) for product_id, pieces in outflow.items()}
    total = sum(turnover.values())
    classes, before = {}, 0
    for product_id in sorted(turnover, key=lambda one: (-turnover[one], one)):
        share = before / total if total else 1.0
        if turnover[product_id] <= 0 or share >= b_share:
            classes[product_id] = ValueClass.C
        else:
            classes[product_id] = ValueClass.A if share < a_share else ValueClass.B
        before += turnover[product_id]
    return classes
