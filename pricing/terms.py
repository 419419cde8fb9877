"""The words of pricing, as enums that models store. [pure]"""

from enum import StrEnum


class PriceBasis(StrEnum):
    GROSS = "gross"
    NET = "net"


class TierMode(StrEnum):
    """How tiers apply: one price for all units, or each unit at its own step's price."""

    ALL_UNITS = "all_units"
    GRADUATED = "graduated"


class TaxRounding(StrEnum):
    """Where the tax is rounded: on every line, or once per rate on the document."""

    PER_LINE = "per_line"
    PER_DOCUMENT = "per_document"


class StepKind(StrEnum):
    """What moves an amount on its way from the price list to the total."""

    PRICE = "price"
    DISCOUNT = "discount"
    OVERRIDE = "override"  # set by hand at a till or in the call centre
    TAX = "tax"  # only on top of net prices; gross prices contain it
    ROUNDING = "rounding"  # to a coin, where a document asks for it


class Verdict(StrEnum):
    """Why a price was taken, or why not."""

    CHOSEN = "chosen"
    LESS_SPECIFIC = "less_specific"
    LOWER_PRIORITY = "lower_priority"
    LATER_LIST = "later_list"  # equal in everything else: the list that was there first wins
    NOT_VALID_THEN = "not_valid_then"
    QUANTITY_TOO_SMALL = "quantity_too_small"
    DEARER = "dearer"  # where the lowest price wins


class PricePolicy(StrEnum):
    """Which of several lists that have a price wins."""

    MOST_SPECIFIC = "most_specific"
    LOWEST = "lowest"
