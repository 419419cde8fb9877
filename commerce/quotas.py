"""One primitive for everything limited: hold, then commit or release, with an expiry (laws 5 and 10).

A pickup window, a coupon, a promotion's budget, a node's day: each is a row named by its key. All rows of a call are
locked in key order by one statement, the decisions are made in Python, their outcome written by one statement (`Claims`);
the CHECK `quota_not_overbooked` is the law should Python ever be wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import clock, ids, integrity
from commerce.errors import NotFound, QuotaExhausted, QuotaHoldExpired
from commerce.postgresql import prepared
from commerce.transactions import transaction_required

__all__ = [
    "Claims",
    "HoldRequest",
    "QuotaExhausted",
    "QuotaHoldExpired",
    "Usage",
    "book",
    "commit",
    "expire_due",
    "extend",
    "forget",
    "hold",
    "release",
    "usage",
]

# Locks only when every row exists: a caller that still has to create rows must not hold others meanwhile, else two
# callers could wait for each other.
_LOCK = """
SELECT key, id, "limit", held, committed FROM commerce_quota
WHERE key = ANY(%s::text[]) AND (SELECT count(*) FROM commerce_quota WHERE key = ANY(%s::text[])) = %s::int
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
    SELECT id, quota_id, quantity, CASE WHEN expires_at IS NULL THEN 'committed' ELSE 'held' END, expires_at, purpose,
        %s::timestamptz
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
_FORGET = """
DELETE FROM commerce_quotahold WHERE id IN (
    SELECT hold.id FROM commerce_quota quota JOIN commerce_quotahold hold ON hold.quota_id = quota.id
    WHERE starts_with(quota.key, %s) AND hold.state IN ('released', 'expired') AND hold.created_at < %s LIMIT %s)
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
    """A locked quota; `held` and `committed` are as stored, `newly_…` what was taken since."""

    id: int
    limit: int
    held: int
    committed: int
    newly_held: int = 0
    newly_committed: int = 0

    def left(self, limit: int) -> int:
        return max(0, limit - self.held - self.committed - self.newly_held - self.newly_committed)

    def add(self, request: HoldRequest, times: int = 1) -> None:
        if request.expires_at is None:
            self.newly_committed += times * request.quantity
        else:
            self.newly_held += times * request.quantity


class Claims:
    """Locked quotas while claims on them are decided one by one in memory; `write` stores what was taken at once.

    A claim is one or several requests and gets all of them or nothing. What was refused or given back leaves no trace, so
    that a caller can decide on several things together. A quota that has no row yet is created; the limit given is
    written when it differs and something was taken. Should callers disagree about a limit, the smaller one holds.
    """

    def __init__(self, requests: Iterable[HoldRequest], *, at: datetime) -> None:
        """Lock the quotas of all `requests` that may come, in key order, until the transaction ends."""
        self._at = at
        self._limits: dict[str, int] = {}
        for request in requests:
            self._limits[request.key] = min(self._limits.get(request.key, request.limit), request.limit)
        self._rows = _locked(self._limits) if self._limits else {}
        self._taken: dict[UUID, HoldRequest] = {}
        self._swept: set[str] = set()

    def left(self, key: str, *, wanted: int = 1) -> int:
        """Return how much of a locked quota is left now. Holds whose time is over are ended where less than `wanted` is."""
        if self._left(key) < wanted and key not in self._swept:
            self._sweep([key])
        return self._left(key)

    def take(self, requests: Sequence[HoldRequest]) -> list[UUID]:
        """Take all of `requests`, held until their expiry or committed without one; return their ids in the order asked.

        Raises: QuotaExhausted, with nothing taken.
        """
        wanted = _sums(requests)
        short = [key for key, quantity in wanted.items() if self._left(key) < quantity]
        if short:
            self._sweep([key for key in short if key not in self._swept])
            for key in short:
                if (left := self._left(key)) < wanted[key]:
                    raise QuotaExhausted(
                        f"Of {key} {wanted[key]} wanted, {left} left.", key=key, wanted=wanted[key], left=left
                    )
        made = [ids.new() for _request in requests]
        for identifier, request in zip(made, requests, strict=True):
            self._taken[identifier] = request
            self._rows[request.key].add(request)
        return made

    def give_back(self, taken: Iterable[UUID]) -> None:
        """Undo a `take` that is not written yet."""
        for identifier in taken:
            request = self._taken.pop(identifier)
            self._rows[request.key].add(request, times=-1)

    def write(self) -> None:
        """Store what was taken, in one statement."""
        if not self._taken:
            return
        changed = {key: row for key, row in self._rows.items() if row.newly_held or row.newly_committed}
        requests = self._taken.values()
        with connection.cursor() as cursor:
            prepared.execute(
                cursor,
                _WRITE,
                [
                    self._at,
                    list(self._taken),
                    [self._rows[request.key].id for request in requests],
                    [request.quantity for request in requests],
                    [request.expires_at for request in requests],
                    [request.purpose for request in requests],
                    [row.id for row in changed.values()],
                    [self._limits[key] for key in changed],
                    [row.newly_held for row in changed.values()],
                    [row.newly_committed for row in changed.values()],
                ],
            )

    def _left(self, key: str) -> int:
        return self._rows[key].left(self._limits[key])

    def _sweep(self, keys: Sequence[str]) -> None:
        """End the holds of some quotas whose time is over."""
        if keys:
            self._swept.update(keys)
            with connection.cursor() as cursor:
                cursor.execute(_SWEEP, [[self._rows[key].id for key in keys], self._at])
                for key, held, _holds in cursor.fetchall():
                    self._rows[key].held = held


@transaction_required
def hold(requests: Sequence[HoldRequest], *, at: datetime) -> list[UUID]:
    """Hold every request until its `expires_at`, or none; return the ids of the holds in the order asked.

    A quota that has no row yet is created; the limit given is written when it differs.

    Raises: QuotaExhausted.
    """
    if any(request.expires_at is None for request in requests):
        raise ValueError("A hold needs an expiry; a claim without one is a booking.")
    return _place(requests, at=at)


@transaction_required
def book(requests: Sequence[HoldRequest], *, at: datetime) -> list[UUID]:
    """Commit every request at once without a hold before it, or none; return the ids in the order asked.

    Raises: QuotaExhausted.
    """
    if any(request.expires_at is not None for request in requests):
        raise ValueError("A booking is for good; a claim with an expiry is a hold.")
    return _place(requests, at=at)


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


@transaction_required
def extend(hold_ids: Sequence[UUID], expires_at: datetime) -> None:
    """Let running holds live until an instant. Those that are committed or ended stay as they are."""
    if not hold_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_OF_HOLDS, [list(hold_ids)])
        cursor.execute(
            "UPDATE commerce_quotahold SET expires_at = %s WHERE id = ANY(%s::uuid[]) AND state = 'held'",
            [expires_at, list(hold_ids)],
        )


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


@transaction_required
def forget(prefix: str, *, before: datetime, at_most: int) -> int:
    """Delete up to `at_most` ended holds, placed before an instant, of quotas whose keys begin so; return how many.

    For claims that nobody refers to any more. What still counts is never deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [prefix, before, at_most])
        return cursor.rowcount


def _place(requests: Sequence[HoldRequest], *, at: datetime) -> list[UUID]:
    claims = Claims(requests, at=at)
    taken = claims.take(requests)
    claims.write()
    return taken


def _sums(requests: Sequence[HoldRequest]) -> dict[str, int]:
    """Sum the demand per quota before any check (law 6)."""
    wanted: dict[str, int] = {}
    for request in requests:
        if request.quantity < 1:
            raise ValueError(f"A claim on {request.key} is at least 1, not {request.quantity}.")
        wanted[request.key] = wanted.get(request.key, 0) + request.quantity
    return wanted


def _locked(limits: dict[str, int]) -> dict[str, _Row]:
    """Lock the rows of all keys in key order, creating those that don't exist yet."""
    keys = list(limits)
    with connection.cursor() as cursor:
        prepared.execute(cursor, _LOCK, [keys, keys, len(keys)])
        found = cursor.fetchall()
        if not found:
            cursor.execute(_CREATE, [keys, [max(0, limits[key]) for key in keys]])
            prepared.execute(cursor, _LOCK, [keys, keys, len(keys)])
            found = cursor.fetchall()
    return {key: _Row(*rest) for key, *rest in found}


integrity.refuse("quota_not_overbooked", lambda: QuotaExhausted("Nothing is left of what was asked for."))
