"""The words of what routing keeps: roles of policies, states of simulations, occasions, kinds of restrictions. [pure]"""

from enum import StrEnum


class Role(StrEnum):
    """What a policy is switched to: it decides, or it is asked beside the one that does."""

    LIVE = "live"
    SHADOW = "shadow"


class SimulationState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Occasion(StrEnum):
    """Why something was routed."""

    PLACED = "placed"
    BATCHED = "batched"
    REROUTED = "rerouted"


class RestrictionKind(StrEnum):
    EMBARGO = "embargo"  # may not be sent
    HAZARDOUS = "hazardous"  # needs a place and a carrier that take such goods
