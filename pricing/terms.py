"""The words of pricing, as enums that models store. [pure]"""

from enum import StrEnum


class PriceBasis(StrEnum):
    GROSS = "gross"
    NET = "net"


class TierMode(StrEnum):
    """How tiers apply: one price for all units, or each unit at its own step's price."""

    ALL_UNITS = "all_units"
    GRADUATED = "graduated"
