"""Backorders: pieces promised beyond what is on hand, first come, first served, with dates that stay honest.

Where rules name priorities of channels, whose priority is better is served first, and within one the oldest promise.

Of a level, `waiting` pieces of its holds and allocations have no goods yet: on hand = free + held + promised − waiting.
Whenever pieces become free there, by goods that arrive or promises that end, they go to those who wait, in the order of
their promises (`settle`, called by the ledger under the level's lock). Should goods vanish, the youngest promises wait
again. Dates come from dated deliveries, less what a policy keeps for safety; each revision is a row, and is told.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from commerce import catalog, ids, integrity, outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import holds, ledger
from inventory.errors import GoodsAwaited, StockRuleViolated
from inventory.events import PromiseRevised
from inventory.ledger import Level, LevelKey
from inventory.places import locations
from inventory.promise_dates import ClaimKind, Why
from inventory.promising.queues import Claim, Queue, opened, put_in_order, queues, today_at
from inventory.sharing import buffers
from inventory.stock import Condition

integrity.refuse(
    "backorder_not_overdrawn", lambda: StockRuleViolated("More was to be filled or released than still waits.")
)

MOST_LISTED = 50
ALL = 2**62  # of what waits for a claim, however much that is

_INSERT = """
INSERT INTO inventory_backorder
    (id, claim_kind, claim_id, level_id, channel_id, demand_id, quantity, filled, released, since, expires_at, promised_on)
SELECT b.id, b.claim_kind, b.claim_id, b.level_id, b.channel_id, b.demand_id, b.quantity, 0, 0, b.since, b.expires_at,
       b.promised_on
FROM unnest(%s::uuid[], %s::text[], %s::uuid[], %s::bigint[], %s::bigint[], %s::uuid[], %s::bigint[], %s::timestamptz[],
            %s::timestamptz[], %s::date[])
    AS b (id, claim_kind, claim_id, level_id, channel_id, demand_id, quantity, since, expires_at, promised_on)
ON CONFLICT (claim_id) DO UPDATE SET quantity = inventory_backorder.quantity + excluded.quantity
RETURNING id, claim_id, channel_id, promised_on
"""

_FILL = """
UPDATE inventory_backorder b SET filled = b.filled + f.pieces
FROM unnest(%s::uuid[], %s::bigint[]) AS f (id, pieces) WHERE b.id = f.id
"""

_RELEASE = """
UPDATE inventory_backorder b SET released = b.released + least(r.pieces, b.quantity - b.filled - b.released)
FROM unnest(%s::uuid[], %s::bigint[]) AS r (claim_id, pieces)
WHERE b.claim_id = r.claim_id AND b.quantity > b.filled + b.released
"""

_EXTEND = "UPDATE inventory_backorder SET expires_at = %s WHERE claim_id = ANY(%s::uuid[]) AND expires_at IS NOT NULL"

_REVISE = """
WITH revised AS (
    UPDATE inventory_backorder b SET promised_on = r.promised_on
    FROM unnest(%(ids)s::uuid[], %(dates)s::date[]) AS r (id, promised_on) WHERE b.id = r.id RETURNING b.id
)
INSERT INTO inventory_promiseddate (backorder_id, revision, promised_on, reason, told_at)
SELECT r.id, 1 + coalesce((SELECT max(d.revision) FROM inventory_promiseddate d WHERE d.backorder_id = r.id), 0),
       r.promised_on, r.reason, %(at)s
FROM unnest(%(ids)s::uuid[], %(dates)s::date[], %(reasons)s::text[]) AS r (id, promised_on, reason)
RETURNING backorder_id, revision
"""

_COVERED = """
SELECT c.kind, c.id, c.demand_id, c.channel_id, c.since, c.expires_at, c.pieces - coalesce(b.quantity - b.filled - b.released, 0)
FROM (
    SELECT 'allocation' AS kind, id, demand_id, NULL::bigint AS channel_id, created_at AS since,
           NULL::timestamptz AS expires_at, quantity - shipped - released AS pieces
    FROM inventory_allocation WHERE level_id = %(level)s AND quantity > shipped + released
    UNION ALL
    SELECT 'hold', id, reservation_id, channel_id, created_at, expires_at, quantity
    FROM inventory_hold WHERE level_id = %(level)s AND state = 'active' AND expires_at > %(at)s
) c LEFT JOIN inventory_backorder b ON b.claim_id = c.id
WHERE c.pieces > coalesce(b.quantity - b.filled - b.released, 0) ORDER BY c.since DESC, c.id DESC
"""

_WAITING = """
SELECT claim_id, quantity - filled - released FROM inventory_backorder
WHERE claim_id = ANY(%s::uuid[]) AND quantity > filled + released
"""

_OF_DEMANDS = """
SELECT demand_id, sum(quantity - filled - released)::bigint, max(promised_on), bool_and(promised_on IS NOT NULL)
FROM inventory_backorder
WHERE demand_id = ANY(%s::uuid[]) AND quantity > filled + released AND claim_kind = 'allocation'
GROUP BY demand_id
"""


@dataclass(frozen=True, slots=True)
class NewClaim:
    """Pieces of a hold or allocation that are promised beyond what is there."""

    kind: ClaimKind
    claim_id: UUID
    level_id: int
    channel_id: int | None
    demand_id: UUID
    pieces: int
    since: datetime
    expires_at: datetime | None
    promised_on: date | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of an order line waits: pieces, and the day they are promised for; None when nobody knows."""

    pieces: int
    promised_on: date | None


@transaction_required
def add(claims: Sequence[NewClaim], *, at: datetime) -> None:
    """Let pieces wait. Their levels are locked, and the postings of their holds or allocations follow."""
    if not claims:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                [ids.new() for _claim in claims], [claim.kind.value for claim in claims],
                [claim.claim_id for claim in claims], [claim.level_id for claim in claims],
                [claim.channel_id for claim in claims], [claim.demand_id for claim in claims],
                [claim.pieces for claim in claims], [claim.since for claim in claims],
                [claim.expires_at for claim in claims], [claim.promised_on for claim in claims],
            ],
        )  # fmt: skip
        made = {claim_id: backorder_id for backorder_id, claim_id, *_ in cursor.fetchall()}
    _date(
        [
            (made[claim.claim_id], claim.promised_on, Why.PROMISED)
            for claim in claims
            if claim.kind is ClaimKind.ALLOCATION
        ],
        at=at,
    )


@transaction_required
def release(parts: Mapping[UUID, int]) -> None:
    """Let pieces of holds or allocations (by their ids) wait no longer: at most so many as still do."""
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(_RELEASE, [list(parts), list(parts.values())])


@transaction_required
def extend(hold_ids: Iterable[UUID], expires_at: datetime) -> None:
    """Let what waits for holds wait as long as they live."""
    with connection.cursor() as cursor:
        cursor.execute(_EXTEND, [expires_at, ledger.uuids(hold_ids)])


def waiting(claim_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Return how many pieces of holds or allocations still wait, where any do."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [ledger.uuids(claim_ids)])
        return dict(cursor.fetchall())


def waiting_at(level_ids: Iterable[int], *, at: datetime) -> dict[int, int]:
    """Return how many pieces wait at levels, where any do."""
    found: dict[int, int] = defaultdict(int)
    wanted = list(level_ids)
    for claim in opened(wanted, at=at) if wanted else []:
        found[claim.level_id] += claim.pieces
    return found


def listed_at(product_id: int, location_id: int, *, at: datetime, at_most: int = MOST_LISTED) -> list[Claim]:
    """Return who waits for a product at a place, in the order in which they will be served."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM inventory_stocklevel WHERE product_id = %s AND location_id = %s AND condition = 'sellable'"
            " AND backorder_limit > 0",
            [product_id, location_id],
        )
        level_ids = [row[0] for row in cursor.fetchall()]
    claims = opened(level_ids, at=at) if level_ids else []
    put_in_order(claims, LevelKey(product_id, location_id))
    return claims[:at_most]


def of_demands(demand_ids: Iterable[UUID]) -> dict[UUID, Waiting]:
    """Return what waits of order lines, where anything does, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_DEMANDS, [ledger.uuids(demand_ids)])
        return {
            demand_id: Waiting(pieces, promised_on if is_known else None)
            for demand_id, pieces, promised_on, is_known in cursor.fetchall()
        }


def refusal(demand_id: UUID, waiting: int, *, of: int, way_out: str) -> GoodsAwaited:
    """Return the refusal to pick or hand over what an order line still waits for: how much, until when, and what to do."""
    wait = of_demands([demand_id]).get(demand_id)
    on = wait.promised_on if wait is not None else None
    when = f"they are expected on {on.isoformat()}" if on else "nobody knows yet when they come"
    return GoodsAwaited(
        f"{waiting} of {of} pieces are not there yet; {when}. {way_out}", waiting=waiting,
        promised_on=on.isoformat() if on else None,
    )  # fmt: skip


@transaction_required
def settle(levels: Sequence[Level], *, by: Actor, at: datetime) -> None:
    """Give what is free at locked levels to those who wait there, in order; let the youngest wait for what vanished.

    Only those levels are looked at that may have promised more than they have.
    """
    limited = [level for level in levels if level.backorder_limit and level.key.condition == Condition.SELLABLE]
    if not limited:
        return
    waiting_at = queues([(level.id, level.key, level.backorder_limit) for level in limited], at=at)
    over = holds.unswept([level.id for level in limited if level.may_have_expired_holds], at=at)
    for level in limited:
        queue = waiting_at[level.key]
        free = level.on_hand - level.allocated - level.held + over.get(level.id, 0) + queue.waiting
        if free < 0:
            _uncover(level, queue, -free, at=at)
        elif free > 0 and queue.claims:
            _fill(level, queue, free, at=at, by=by)
        _revise(queue, by=by, at=at)


@transaction_required
def revise(product_ids: Iterable[int], *, by: Actor, at: datetime) -> int:
    """Look again by when all that waits of some products can be there; return how many promises were revised."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT l.product_id, l.location_id, l.condition FROM inventory_stocklevel l"
            " JOIN inventory_backorder b ON b.level_id = l.id"
            " WHERE l.product_id = ANY(%s::bigint[]) AND b.quantity > b.filled + b.released",
            [ledger.numbers(product_ids)],
        )
        keys = [LevelKey(*row) for row in cursor.fetchall()]
    if not keys:
        return 0
    levels = ledger.lock(keys, at=at)
    waiting_at = queues([(level.id, key, level.backorder_limit) for key, level in levels.items()], at=at)
    return sum(_revise(queue, by=by, at=at) for queue in waiting_at.values())


def late(*, at: datetime, at_most: int) -> list[int]:
    """Return products with promises whose day has passed while their pieces still wait."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT l.product_id FROM inventory_backorder b JOIN inventory_stocklevel l ON l.id = b.level_id"
            " WHERE b.quantity > b.filled + b.released AND b.claim_kind = 'allocation' AND b.promised_on < %s"
            " ORDER BY l.product_id LIMIT %s",
            [timezone.localdate(at), at_most],
        )
        return [row[0] for row in cursor.fetchall()]


def _fill(level: Level, queue: Queue, free: int, *, by: Actor, at: datetime) -> None:
    """Hand free pieces to those who wait, in order; none gets what is withheld from its channel."""
    filled: list[tuple[Claim, int]] = []
    for claim in queue.claims:
        figure = (level.key.product_id, level.key.location_id, level.on_hand, free)
        pieces = min(claim.pieces, free - buffers.withheld(claim.channel_id, [figure], at=at)[0])
        if pieces > 0:
            filled.append((claim, pieces))
            claim.pieces -= pieces
            queue.waiting -= pieces
            free -= pieces
    if not filled:
        return
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [[claim.id for claim, _pieces in filled], [pieces for _claim, pieces in filled]])
    done = [claim for claim, _pieces in filled if not claim.pieces]
    queue.claims = [claim for claim in queue.claims if claim.pieces]
    _tell(queue, [(claim, queue.today, Why.GOODS_ARRIVED) for claim in done], by=by, at=at)


def _uncover(level: Level, queue: Queue, missing: int, *, at: datetime) -> None:
    """Let the youngest promises and baskets wait for pieces that are not there any more."""
    known = {claim.claim_id: claim for claim in queue.claims}
    with connection.cursor() as cursor:
        cursor.execute(_COVERED, {"level": level.id, "at": at})
        for kind, claim_id, demand_id, channel, since, expires_at, covered in cursor.fetchall():
            pieces = min(covered, missing)
            if pieces <= 0:
                break
            missing -= pieces
            row = [ids.new(), kind, claim_id, level.id, channel, demand_id, pieces, since, expires_at, None]
            cursor.execute(_INSERT, [[value] for value in row])
            made, _, channel_id, on = cursor.fetchone()
            if claim_id not in known:
                known[claim_id] = Claim(
                    made, ClaimKind(kind), claim_id, level.id, channel_id, demand_id, 0, since, on
                )  # fmt: skip
                queue.claims.append(known[claim_id])
            known[claim_id].pieces += pieces
            known[claim_id].has_lost = True
            queue.waiting += pieces
    put_in_order(queue.claims, queue.key)


def _revise(queue: Queue, *, by: Actor, at: datetime) -> int:
    """Work out the dates of all who wait at a level; store and tell those that differ from what was promised."""
    ahead, changed, newest = 0, [], None
    for claim in queue.claims:
        ahead += claim.pieces
        is_overtaken = newest is not None and newest > claim.since
        newest = max(newest, claim.since) if newest is not None else claim.since
        if claim.kind is ClaimKind.HOLD:
            continue  # gets its date with its order
        on = queue.date_of(ahead, since=today_at(queue.key.location_id, claim.since))
        if claim.has_lost or on != claim.promised_on:
            is_later = on is None or (claim.promised_on is not None and on > claim.promised_on)
            why = Why.OVERTAKEN if is_overtaken and is_later else Why.SUPPLY_MOVED
            changed.append((claim, on, Why.GOODS_MISSING if claim.has_lost else why))
    _tell(queue, changed, by=by, at=at)
    return len(changed)


def _tell(queue: Queue, changes: Sequence[tuple[Claim, date | None, Why]], *, by: Actor, at: datetime) -> None:
    promised = [change for change in changes if change[0].kind is ClaimKind.ALLOCATION]
    if not promised:
        return
    revisions = _date([(claim.id, on, why) for claim, on, why in promised], at=at)
    product = catalog.products_by_id([queue.key.product_id])[queue.key.product_id]
    outbox.publish(
        [
            PromiseRevised(
                aggregate_sequence=revisions[claim.id], channel_id=claim.channel_id, occurred_at=at,
                backorder_id=str(claim.id), order_line=str(claim.demand_id), sku=product.sku,
                location=locations.by_id(queue.key.location_id).code, waiting=claim.pieces, reason=why.value,
                promised_on=on.isoformat() if on else None,
                promised_before=claim.promised_on.isoformat() if claim.promised_on else None,
            )
            for claim, on, why in promised
        ],
        by=by,
    )  # fmt: skip


def _date(rows: Sequence[tuple[UUID, date | None, Why]], *, at: datetime) -> dict[UUID, int]:
    """Store the next date of backorders and return the number of its revision."""
    if not rows:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            _REVISE,
            {
                "ids": [row[0] for row in rows], "dates": [row[1] for row in rows],
                "reasons": [row[2].value for row in rows], "at": at,
            },
        )  # fmt: skip
        return dict(cursor.fetchall())


ledger.settles_by(settle)
