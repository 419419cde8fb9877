"""Room: what channels may still take of locked levels, while many wishes are decided one by one in memory.

Of what is free a channel may take what is not withheld from it; beyond that, what a policy lets it promise from goods to
come. Where demand was accepted before anyone knew from where, nobody takes the last pieces of the network from it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from commerce.transactions import transaction_required
from inventory import availability
from inventory.ledger import Level, LevelKey, Posting
from inventory.promising import demands, queues
from inventory.promising.queues import Queue
from inventory.sharing import buffers


class Room:
    """What is left of locked levels. Every figure is in pieces; nothing is written here."""

    @transaction_required
    def __init__(self, levels: Mapping[LevelKey, Level], swept: Sequence[Posting], *, at: datetime) -> None:
        """Look at `levels`, which the caller has locked; `swept` are the postings of expired holds, yet to be posted."""
        self._levels, self._at = levels, at
        self._free = {key: level.on_hand - level.allocated - level.held for key, level in levels.items()}
        self._swept: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))  # pieces by product and place
        for posting in swept:
            self._free[posting.key] -= posting.held
            self._swept[posting.key.product_id][posting.key.location_id] -= posting.held
        limited = [(level.id, key, level.backorder_limit) for key, level in levels.items() if level.backorder_limit]
        self._queues: dict[LevelKey, Queue] = queues.queues(limited, at=at) if limited else {}
        for key, queue in self._queues.items():
            self._free[key] += queue.waiting
        asked = {key.product_id for key, level in levels.items() if level.has_unrouted}
        self._unrouted = demands.claim(asked) if asked else {}
        self._network: dict[tuple[int, int | None, str], int] = {}
        self._taken: dict[tuple[int, str], int] = defaultdict(int)

    def now(self, channel_id: int | None, key: LevelKey, *, ahead: Mapping[int, int] | None = None) -> int:
        """Return the pieces that a channel may have at once; 0 where there is no such level.

        `ahead`, of one whose own demand had no place until now: by product, what channels that come first still need.
        What others wait for takes nothing from it.
        """
        free = self._shown(channel_id, key, self._free.get(key, 0))
        if free and self._unrouted and key.product_id in self._unrouted:
            return min(free, self._in_all(channel_id, key, ahead))
        return free

    def serves_all(self, takes: Iterable[tuple[int | None, LevelKey, int]], totals: Mapping[LevelKey, int]) -> bool:
        """Return whether all takes (channel, level, pieces) would get their pieces at once, in whatever order they came.

        `totals` are their pieces by level. What a channel sees never falls when more is free, so it is enough that each
        take would be served as the last. False says nothing: those have to be looked at one by one.
        """
        return not self._unrouted and all(
            self._shown(channel_id, key, self._free.get(key, 0) - totals[key] + pieces) >= pieces
            for channel_id, key, pieces in takes
        )

    def _shown(self, channel_id: int | None, key: LevelKey, free: int) -> int:
        """Return how many of a level's free pieces a channel sees."""
        if free <= 0:
            return 0
        if channel_id is None:
            return free
        figure = (key.product_id, key.location_id, self._levels[key].on_hand, free)
        return free - buffers.withheld(channel_id, [figure], at=self._at)[0]

    def later(
        self,
        channel_id: int | None,
        key: LevelKey,
        *,
        held: int = 0,
        needed_by: date | None = None,
        pieces: int = 0,
    ) -> int:
        """Return the pieces that a channel may have from goods to come, `held` of which it has; none if `pieces` of them
        would be there after `needed_by`.
        """
        queue = self._queues.get(key)
        if queue is None:
            return held
        left = queue.later(channel_id) + held
        if needed_by is not None and left:
            on = queue.promise(max(min(pieces, left) - held, 0), channel_id)
            if on is None or on > needed_by:
                return 0
        return left

    def take(self, key: LevelKey, pieces: int, *, waiting: int = 0, channel_id: int | None = None) -> date | None:
        """Count pieces as promised, `waiting` of them beyond what is there; return the day on which those will be there."""
        on = None
        if waiting:
            on = self._queues[key].promise(waiting, channel_id)
            self._queues[key].waiting += waiting
        self._free[key] -= pieces - waiting
        self._count(key, pieces - waiting)
        return on

    def give(self, key: LevelKey, pieces: int, *, waiting: int = 0) -> None:
        """Count pieces as free again that were promised, `waiting` of them beyond what was there."""
        if waiting:
            self._queues[key].waiting -= waiting
        self._free[key] += pieces - waiting
        self._count(key, waiting - pieces)

    def _count(self, key: LevelKey, pieces: int) -> None:
        if self._unrouted and key.product_id in self._unrouted:
            self._taken[key.product_id, demands.area_of(key.location_id)] += pieces

    def _in_all(self, channel_id: int | None, key: LevelKey, ahead: Mapping[int, int] | None) -> int:
        """Return what a channel may take of a product anywhere in the customs area, less the demand without a place."""
        area = demands.area_of(key.location_id)
        known = (key.product_id, channel_id, area)
        if known not in self._network:
            freed = self._swept.get(key.product_id, availability.NOTHING_FREED)
            self._network[known] = availability.there_in_all(
                key.product_id, channel_id=channel_id, country=area, at=self._at, freed=freed
            )
        needed = self._unrouted[key.product_id].get(area, 0) if ahead is None else ahead.get(key.product_id, 0)
        return max(self._network[known] - needed - self._taken[key.product_id, area], 0)
