"""One primitive for everything limited: hold, then commit or release, with an expiry (laws 5 and 10).

A pickup window, a coupon, a promotion's budget, a node's day: each is a row named by its key. All rows of a call are
locked in key order by one statement, the decision is made in Python, the outcome written by one statement; the CHECK
`quota_not_overbooked` is the law should Python ever be wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection

from commerce import clock, integrity
from commerce.errors import NotFound, QuotaExhausted, QuotaHoldExpired
from commerce.transactions import transaction_required

__all__ = [
    "HoldRequest",
    "QuotaExhausted",
    "QuotaHoldExpired",
    "Usage",
    "book",
    "commit",
    "expire_due",
    "hold",
    "release",
    "usage",
]

# Locks only when every row exists: a caller that still has to create rows must not hold others meanwhile, else two
# callers could wait for each other.
_LOCK = """
SELECT key, id, "limit", held, committed FROM commerce_quota
WHERE key = ANY(%s) AND (SELECT count(*) FROM commerce_quota WHERE key = ANY(%s)) = %s
ORDER BY key COLLATE "C" FOR UPDATE
"""
_CREATE = """
INSERT INTO commerce_quota (key, "limit", held, committed)
SELECT key, quota_limit, 0, 0 FROM unnest(%s::text[], %s::bigint[]) AS wanted (key, quota_limit)
ORDER BY key COLLATE "C" ON CONFLICT (key) DO NOTHING
"""
_LOCK_OF_HOLDS = """
SELECT id FROM commerce_quota WHERE id IN (SELECT quota_id FROM commerce_quotahold WHERE id = ANY(%s::uuid[]))
ORDER BY key COLLATE "C" FOR UPDATE
"""
_SWEEP = """
WITH ended AS (
    UPDATE commerce_quotahold SET state = 'expired'
    WHERE quota_id = ANY(%s) AND state = 'held' AND expires_at <= %s RETURNING quota_id, quantity
), freed AS (SELECT quota_id, sum(quantity)::bigint AS quantity, count(*) AS holds FROM ended GROUP BY quota_id)
UPDATE commerce_quota quota SET held = quota.held - freed.quantity FROM freed WHERE quota.id = freed.quota_id
RETURNING quota.key, quota.held, freed.holds
"""
_WRITE = """
WITH placed AS (
    INSERT INTO commerce_quotahold (id, quota_id, quantity, state, expires_at, purpose, created_at)
    SELECT id, quota_id, quantity, %s, expires_at, purpose, %s
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[])
         AS wanted (id, quota_id, quantity, expires_at, purpose)
)
UPDATE commerce_quota quota
SET "limit" = wanted.quota_limit, held = quota.held + wanted.held,
    committed = quota.committed + wanted.committed
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS wanted (id, quota_limit, held, committed)
WHERE quota.id = wanted.id
"""
# The quota rows are locked by now and every change of a hold happens under that lock, so a plain read is current.
_COMMIT = """
WITH settled AS (
    UPDATE commerce_quotahold SET state = 'committed', expires_at = NULL
    WHERE id = ANY(%s::uuid[]) AND state = 'held' RETURNING quota_id, quantity
), moved AS (SELECT quota_id, sum(quantity)::bigint AS quantity FROM settled GROUP BY quota_id)
UPDATE commerce_quota quota SET held = quota.held - moved.quantity, committed = quota.committed + moved.quantity
FROM moved WHERE quota.id = moved.quota_id
"""
_RELEASE = """
WITH claims AS (
    SELECT id, quota_id, quantity, state FROM commerce_quotahold
    WHERE id = ANY(%s::uuid[]) AND state IN ('held', 'committed')
), ended AS (
    UPDATE commerce_quotahold hold SET state = 'released' FROM claims WHERE hold.id = claims.id
), freed AS (
    SELECT quota_id, coalesce(sum(quantity) FILTER (WHERE state = 'held'), 0)::bigint AS held,
           coalesce(sum(quantity) FILTER (WHERE state = 'committed'), 0)::bigint AS committed
    FROM claims GROUP BY quota_id
)
UPDATE commerce_quota quota SET held = quota.held - freed.held, committed = quota.committed - freed.committed
FROM freed WHERE quota.id = freed.quota_id
"""
_USAGE = """
SELECT quota.key, quota."limit", quota.committed + quota.held - coalesce((
    SELECT sum(quantity) FROM commerce_quotahold hold
    WHERE hold.quota_id = quota.id AND hold.state = 'held' AND hold.expires_at <= %s), 0)::bigint
FROM commerce_quota quota WHERE quota.key = ANY(%s)
"""
_DUE = """
SELECT DISTINCT quota_id FROM (
    SELECT quota_id FROM commerce_quotahold WHERE state = 'held' AND expires_at <= %s ORDER BY expires_at LIMIT %s
) due
"""


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """A claim of `quantity` on the quota `key`, which has `limit` in all. A hold needs `expires_at`, a booking none."""

    key: str
    limit: int
    quantity: int
    purpose: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a quota there is and how much of it is taken (expired holds don't count)."""

    limit: int
    used: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(slots=True)
class _Row:
    id: int
    limit: int
    held: int
    committed: int


@transaction_required
def hold(requests: Sequence[HoldRequest], *, at: datetime) -> list[UUID]:
    """Hold every request until its `expires_at`, or none; return the ids of the holds in the order asked.

    A quota that has no row yet is created; the limit given is written when it differs.

    Raises: QuotaExhausted.
    """
    if any(request.expires_at is None for request in requests):
        raise ValueError("A hold needs an expiry; a claim without one is a booking.")
    return _place(requests, state="held", at=at)


@transaction_required
def book(requests: Sequence[HoldRequest], *, at: datetime) -> list[UUID]:
    """Commit every request at once without a hold before it, or none; return the ids in the order asked.

    Raises: QuotaExhausted.
    """
    return _place(requests, state="committed", at=at)


@transaction_required
def commit(hold_ids: Sequence[UUID], *, at: datetime | None = None) -> None:
    """Settle holds for good. Committing again changes nothing. All or none.

    Raises: QuotaHoldExpired when one ended before, NotFound for an id that never was.
    """
    if not hold_ids:
        return
    at = at or clock.now()
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_OF_HOLDS, [list(hold_ids)])
        cursor.execute(
            "SELECT id, state, expires_at FROM commerce_quotahold WHERE id = ANY(%s::uuid[])", [list(hold_ids)]
        )
        found = {hold_id: (state, expires_at) for hold_id, state, expires_at in cursor.fetchall()}
        for hold_id in hold_ids:
            if hold_id not in found:
                raise NotFound(f"There is no hold {hold_id}.", hold=str(hold_id))
            state, expires_at = found[hold_id]
            if state != "committed" and (state != "held" or expires_at <= at):
                raise QuotaHoldExpired(f"The hold {hold_id} ended; please ask for a new one.", hold=str(hold_id))
        cursor.execute(_COMMIT, [list(hold_ids)])


@transaction_required
def release(hold_ids: Sequence[UUID]) -> None:
    """Give back what was held or committed. Releasing again, or what expired, changes nothing."""
    if not hold_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_OF_HOLDS, [list(hold_ids)])
        cursor.execute(_RELEASE, [list(hold_ids)])


def usage(keys: Iterable[str], *, at: datetime) -> dict[str, Usage]:
    """Return limit and use of each quota that exists; a key nobody ever claimed is missing from the answer."""
    with connection.cursor() as cursor:
        cursor.execute(_USAGE, [at, list(keys)])
        return {key: Usage(limit, used) for key, limit, used in cursor.fetchall()}


@transaction_required
def expire_due(*, at: datetime, at_most: int = 500) -> int:
    """Sweep holds that ended by `at`, for the quotas of the oldest `at_most` of them; return how many were swept.

    Readers never wait for this: an expired hold does not count, swept or not.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [at, at_most])
        quota_ids = [quota_id for (quota_id,) in cursor.fetchall()]
        if not quota_ids:
            return 0
        cursor.execute(
            'SELECT id FROM commerce_quota WHERE id = ANY(%s) ORDER BY key COLLATE "C" FOR UPDATE', [quota_ids]
        )
        cursor.execute(_SWEEP, [quota_ids, at])
        return sum(holds for _key, _held, holds in cursor.fetchall())


def _place(requests: Sequence[HoldRequest], *, state: str, at: datetime) -> list[UUID]:
    if not requests:
        return []
    wanted, limits = _sums(requests)
    rows = _locked(limits)
    short = [key for key in wanted if _left(rows[key], limits[key]) < wanted[key]]
    if short:
        _sweep({key: rows[key] for key in short}, at=at)
        for key in short:
            if (left := _left(rows[key], limits[key])) < wanted[key]:
                raise QuotaExhausted(
                    f"Of {key} {wanted[key]} wanted, {left} left.", key=key, wanted=wanted[key], left=left
                )
    ids = [uuid4() for _request in requests]
    keys = list(wanted)
    nothing = [0] * len(keys)
    amounts = [wanted[key] for key in keys]
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                state,
                at,
                ids,
                [rows[request.key].id for request in requests],
                [request.quantity for request in requests],
                [request.expires_at if state == "held" else None for request in requests],
                [request.purpose for request in requests],
                [rows[key].id for key in keys],
                [limits[key] for key in keys],
                amounts if state == "held" else nothing,
                amounts if state == "committed" else nothing,
            ],
        )
    return ids


def _sums(requests: Sequence[HoldRequest]) -> tuple[dict[str, int], dict[str, int]]:
    """Sum the demand per quota; should callers disagree about a limit, the smaller one holds."""
    wanted: dict[str, int] = {}
    limits: dict[str, int] = {}
    for request in requests:
        if request.quantity < 1:
            raise ValueError(f"A claim on {request.key} is at least 1, not {request.quantity}.")
        wanted[request.key] = wanted.get(request.key, 0) + request.quantity
        limits[request.key] = min(limits.get(request.key, request.limit), request.limit)
    return wanted, limits


def _locked(limits: dict[str, int]) -> dict[str, _Row]:
    """Lock the rows of all keys in key order, creating those that don't exist yet."""
    keys = list(limits)
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [keys, keys, len(keys)])
        found = cursor.fetchall()
        if not found:
            cursor.execute(_CREATE, [keys, [max(0, limits[key]) for key in keys]])
            cursor.execute(_LOCK, [keys, keys, len(keys)])
            found = cursor.fetchall()
    return {key: _Row(*rest) for key, *rest in found}


def _left(row: _Row, limit: int) -> int:
    return max(0, limit - row.held - row.committed)


def _sweep(rows: dict[str, _Row], *, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SWEEP, [[row.id for row in rows.values()], at])
        for key, held, _holds in cursor.fetchall():
            rows[key].held = held


integrity.refuse("quota_not_overbooked", lambda: QuotaExhausted("Nothing is left of what was asked for."))
