"""Why a promise to a customer moves. [pure]"""

from enum import StrEnum


class PromiseReason(StrEnum):
    """What a customer is told as the reason."""

    SUPPLY_MOVED = "supply_moved"  # goods to come have another day
    MOVED = "moved"  # somebody moved the pickup
    LOAD = "load"  # more waits to be picked than was thought
    CARRIER = "carrier"  # what was sent to a store did not come on its day
    REROUTED = "rerouted"  # another place prepares it
    ROUTED = "routed"  # the place that was found for it needs longer
