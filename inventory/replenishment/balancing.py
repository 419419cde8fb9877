"""Goods from where there are too many to where they are missing, nearest first. [pure]"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortage:
    """A place that wants `pieces`. Lower `priority` is served first, then the one whose goods last the fewest days."""

    location_id: int
    pieces: int
    step: int
    priority: int
    days_left: float
    radius_km: int


@dataclass(frozen=True, slots=True)
class Surplus:
    """A place that can spare `pieces`: what it has free above its own target."""

    location_id: int
    pieces: int


@dataclass(frozen=True, slots=True)
class Move:
    from_location_id: int
    to_location_id: int
    pieces: int
    distance_km: float


def moves(
    shortages: Sequence[Shortage], surpluses: Sequence[Surplus], distances: dict[tuple[int, int], float]
) -> list[Move]:
    """Share the surpluses out. Nobody gets more than it wants, nobody gives more than it can spare, and nothing goes too far.

    `distances` holds km by (from, to) for pairs between which goods may travel. Only whole cases move (`step`), and a
    shortage is not split over many places for single pieces: each move takes what it can from the nearest.
    """
    left = {surplus.location_id: surplus.pieces for surplus in surpluses}
    planned = []
    for shortage in sorted(shortages, key=lambda one: (one.priority, one.days_left, one.location_id)):
        wanted = shortage.pieces
        near = sorted(
            (distances[giver, shortage.location_id], giver)
            for giver in left
            if giver != shortage.location_id and (giver, shortage.location_id) in distances
        )
        for km, giver in near:
            if wanted <= 0 or km > shortage.radius_km:
                break
            pieces = min(left[giver], wanted) // shortage.step * shortage.step
            if pieces > 0:
                planned.append(Move(giver, shortage.location_id, pieces, km))
                left[giver] -= pieces
                wanted -= pieces
    return planned
