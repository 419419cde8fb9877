"""Waiting for goods: the states of someone who waits, and who of those in line is offered what is free. [pure]"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class WaitingState(StrEnum):
    """Where someone who waits stands. All but the first two are final."""

    WAITING = "waiting"
    OFFERED = "offered"  # a reservation holds goods for them
    TAKEN = "taken"  # they ordered from it
    MISSED = "missed"  # its time was over
    DECLINED = "declined"  # they gave it back
    LEFT = "left"


RUNNING = frozenset({WaitingState.WAITING, WaitingState.OFFERED})


@dataclass(frozen=True, slots=True)
class Waiter:
    """Someone in line who wants `quantity` pieces, at one place or (None) at any that serves the channel."""

    id: UUID
    channel_id: int
    product_id: int
    location_id: int | None
    quantity: int


@dataclass(frozen=True, slots=True)
class Pick:
    """Who is offered goods, and from where."""

    waiter: Waiter
    location_id: int


Free = Mapping[tuple[int, int, int], int]  # (channel, product, place) → pieces that the channel may have there
Components = Sequence[tuple[int, int]]  # (product, pieces in one kit)
NO_KITS: Mapping[int, Components] = {}


def picks(line: Sequence[Waiter], free: Free, made: Mapping[int, Components] = NO_KITS) -> list[Pick]:
    """Go through the line in its order and give each what they want while it lasts; never more than is free.

    Of who waits for a kit (`made`: what is in each) the components must be free at one place, and are taken from those who
    wait for them alone as well.

    Who wants more than there is keeps their place and stops nobody: what is free is on sale to strangers as well, so holding
    it back from those behind would only favour those who never waited. Any place: the one with the most left.
    """
    places: dict[tuple[int, int], list[int]] = defaultdict(list)
    for channel_id, product_id, location_id in sorted(free):
        places[channel_id, product_id].append(location_id)
    taken: dict[tuple[int, int], int] = defaultdict(int)  # by product and place: channels share the goods
    found = []
    for waiter in line:
        parts = made.get(waiter.product_id, ((waiter.product_id, 1),))
        able = [
            (
                min(
                    (free.get((waiter.channel_id, one, place), 0) - taken[one, place]) // pieces
                    for one, pieces in parts
                ),
                -place,
            )
            for place in places[waiter.channel_id, parts[0][0]]
            if waiter.location_id in (None, place)
        ]
        most, negative_place = max(able, default=(0, 0))
        if most >= waiter.quantity:
            for one, pieces in parts:
                taken[one, -negative_place] += waiter.quantity * pieces
            found.append(Pick(waiter, -negative_place))
    return found
