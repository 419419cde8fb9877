"""How far a dynamic buffer should be, and how far it may go in one step. [pure]

While news of a sale is on its way to a channel, the channel goes on selling from an old figure. So many pieces may be sold
twice in that time: what the channel sells per minute, times how many minutes its news take. A policy multiplies that by its
factor (100 % = as measured), adds its minimum, and stays at or below its maximum. It tightens and releases in steps of
limited size with a pause between them, so that one burst or one slow delivery doesn't swing what customers see.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a policy allows: pieces at least and at most, the factor in per cent, pieces and time per step."""

    minimum: int
    maximum: int
    factor_percent: int
    step_limit: int
    cool_down: timedelta


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a product at a place: pieces that were promised per minute, and seconds that news took."""

    pieces_per_minute: float
    lag_seconds: float


def target(bounds: Bounds, measured: Measured) -> int:
    """Return how many pieces should be kept back."""
    exposed = measured.pieces_per_minute * measured.lag_seconds / 60 * bounds.factor_percent / 100
    return min(bounds.minimum + ceil(round(exposed, 6)), bounds.maximum)


def step(bounds: Bounds, measured: Measured, *, now_kept: int) -> int:
    """Return how many pieces are kept back after the next step: towards the target, by no more than the limit."""
    wanted = target(bounds, measured)
    after = (
        min(now_kept + bounds.step_limit, wanted) if wanted > now_kept else max(now_kept - bounds.step_limit, wanted)
    )
    return min(max(after, bounds.minimum), bounds.maximum)


def may_step(bounds: Bounds, *, stepped_at: datetime | None, pinned_until: datetime | None, at: datetime) -> bool:
    """Whether a step may be made now: the pause is over and no person has pinned the buffer."""
    if pinned_until is not None and at < pinned_until:
        return False
    return stepped_at is None or at - stepped_at >= bounds.cool_down
