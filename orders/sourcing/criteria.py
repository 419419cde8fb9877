"""What routing weighs, and why a place is out: the words of decisions and policies. [pure]"""

from enum import StrEnum


class Criterion(StrEnum):
    """A measure of one part (a place and what it sends), as a whole number; less is better, what is good is negative.

    Measures of the parts of a split add up, so that plans compare by their sums.
    """

    LATE = "late"  # days after the promised one
    DAYS = "days"  # on the way, until it arrives
    COST = "cost"  # to ship and to handle, in minor units
    DISTANCE = "distance"  # kilometres to the customer
    PARTS = "parts"  # parcels from different places: 1 each
    MARGIN = "margin"  # what of the goods' value stays with a partner, in minor units
    OVERSTOCK = "overstock"  # pieces beyond what the place should have: negative, each is good to lose
    LAST_PIECES = "last_pieces"  # pieces taken below what a place keeps for its shelf
    DEMAND_AHEAD = "demand_ahead"  # pieces taken that the place will sell itself until its next delivery
    OBLIGATION = (
        "obligation"  # pieces taken of what the channel was guaranteed there: negative, it is what they wait for
    )
    LOAD = "load"  # percent of the place's day that is taken
    QUEUE = "queue"  # minutes of work waiting per person there
    RETURNS = "returns"  # thousandths of a piece expected back at a place that takes none
    PRIORITY = "priority"  # days on the way times the customer's rank
    SPARE = "spare"  # pieces left there of what is asked for: negative, more is better


class Reason(StrEnum):
    """Why a place can't serve the order, or a line of it."""

    INACTIVE = "inactive"
    PAUSED = "paused"
    CLOSED = "closed"
    METHOD_NOT_OFFERED = "method_not_offered"
    BEHIND_CUSTOMS = "behind_customs"
    EMBARGO = "embargo"
    HAZARDOUS = "hazardous"
    OVER_CAPACITY = "over_capacity"
    NO_CARRIER = "no_carrier"
    REJECTED_BEFORE = "rejected_before"
    NOT_ENOUGH_STOCK = "not_enough_stock"


class Refusal(StrEnum):
    """Why an order has no plan although single places could serve parts of it, or none at all."""

    NOBODY_ABLE = "nobody_able"
    NOT_ENOUGH_STOCK = "not_enough_stock"
    SPLIT_BELOW_VALUE = "split_below_value"
    TOO_MANY_PARTS = "too_many_parts"
    TOO_MANY_ATTEMPTS = "too_many_attempts"


UNKNOWN_KM = 99_999  # as which a distance counts that nobody knows: never the nearer one
