"""Who waits at a level, in the order in which they are served, what will come, and what a policy lets be promised besides."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from inventory import incoming, ledger, promise_dates
from inventory.ledger import LevelKey
from inventory.places import locations
from inventory.promise_dates import ClaimKind
from inventory.promising import policies
from inventory.promising.policies import Terms
from inventory.sharing import channel_priorities

_OPEN = """
SELECT id, claim_kind, claim_id, level_id, channel_id, demand_id, quantity - filled - released, since, promised_on
FROM inventory_backorder
WHERE level_id = ANY(%s::bigint[]) AND quantity > filled + released AND (expires_at IS NULL OR expires_at > %s)
ORDER BY level_id, since, id
"""


@dataclass(slots=True)
class Claim:
    """Pieces of one hold or allocation that wait, while they are looked at."""

    id: UUID
    kind: ClaimKind
    claim_id: UUID
    level_id: int
    channel_id: int | None
    demand_id: UUID
    pieces: int
    since: datetime
    promised_on: date | None
    has_lost: bool = False  # goods that were there for it
    rank: int = channel_priorities.LAST  # of its channel, as rules say


@dataclass(slots=True)
class Queue:
    """Who waits at a level, what will come, and what its policy allows; counted on while a batch is decided."""

    key: LevelKey
    limit: int
    terms: Terms | None
    supply: promise_dates.Supply
    today: date
    claims: list[Claim] = field(default_factory=list)
    waiting: int = 0

    def later(self, channel_id: int | None) -> int:
        """Return how many more pieces a channel may promise beyond what is there."""
        if self.terms is None or not self.terms.allows(channel_id):
            return 0
        left = min(self.limit, self.terms.cap) - self.waiting
        if self._otherwise(self.today) is None:
            left = min(left, promise_dates.covered(self.supply, safety=self.terms.safety) - self.waiting)
        return max(left, 0)

    def promise(self, pieces: int, channel_id: int | None = None) -> date | None:
        """Return the day on which so many pieces more, behind all who come before the channel, will be there."""
        mine = channel_priorities.rank(channel_id, self.key.product_id, self.key.location_id)
        behind = sum(claim.pieces for claim in self.claims if claim.rank > mine)
        return self.date_of(self.waiting - behind + pieces, since=self.today)

    def date_of(self, needed: int, *, since: date) -> date | None:
        """Return the day on which the `needed`-th waiting piece is there; None when nobody knows."""
        if self.terms is None:
            return promise_dates.date_of(needed, self.supply)
        return promise_dates.date_of(
            needed, self.supply, safety=self.terms.safety, release_on=self.terms.release_on,
            otherwise=self._otherwise(since),
        )  # fmt: skip

    def _otherwise(self, since: date) -> date | None:
        if self.terms is None:
            return None
        return promise_dates.fallback(
            release_on=self.terms.release_on, lead_days=self.terms.lead_days, since=since, today=self.today
        )


def queues(levels: Iterable[tuple[int, LevelKey, int]], *, at: datetime) -> dict[LevelKey, Queue]:
    """Return the queues of levels, given as (id, key, backorder limit), in three queries however many there are."""
    wanted = {level_id: (key, limit) for level_id, key, limit in levels}
    if not wanted:
        return {}
    products = {key.product_id for key, _limit in wanted.values()}
    winners = policies.terms_of(products, at=at)
    supply: dict[tuple[int, int], list[tuple[date, int]]] = defaultdict(list)
    places = {key.location_id for key, _limit in wanted.values()}
    for one in incoming.expected(products, location_ids=places):
        supply[one.product_id, one.location_id].append((one.expected_on, one.quantity))
    found = {}
    for key, limit in wanted.values():
        today = today_at(key.location_id, at)
        coming = promise_dates.dated(supply[key.product_id, key.location_id], today=today)
        found[key] = Queue(key, limit, winners.at(key.product_id, key.location_id), coming, today)
    for claim in opened(wanted, at=at):
        queue = found[wanted[claim.level_id][0]]
        queue.claims.append(claim)
        queue.waiting += claim.pieces
    if channel_priorities.are_named():
        for queue in found.values():
            put_in_order(queue.claims, queue.key)
    return found


def put_in_order(claims: list[Claim], key: LevelKey) -> None:
    """Put those who wait in the order in which they are served."""
    for claim in claims:
        claim.rank = channel_priorities.rank(claim.channel_id, key.product_id, key.location_id)
    claims.sort(key=lambda claim: (claim.rank, claim.since, claim.id))


def today_at(location_id: int, at: datetime) -> date:
    """Return the date on the wall of a place."""
    return at.astimezone(ZoneInfo(locations.by_id(location_id).time_zone)).date()


def opened(level_ids: Iterable[int], *, at: datetime) -> list[Claim]:
    """Return who waits at levels, the oldest first; baskets whose time is over wait no more."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [ledger.numbers(level_ids), at])
        return [Claim(row[0], ClaimKind(row[1]), *row[2:]) for row in cursor.fetchall()]
