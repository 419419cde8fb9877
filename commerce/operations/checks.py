"""Proofs that the books are right: set-based checks that rooms register and `verify_ledger` runs.

A check is a SELECT that returns what is wrong: (what, expected, found), and nothing when all is well. Rooms register theirs
in a module named `verification`, which is imported when checks are run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.module_loading import autodiscover_modules

from commerce import clock, transactions

MOST_FINDINGS = 100  # of one check: more would hide, not explain


@dataclass(frozen=True, slots=True)
class Check:
    """One law as a question to the database. `sql` may use %(at)s, the instant of the proof."""

    name: str  # "inventory: a level equals its last entry"
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the law says."""

    check: str
    what: str
    expected: str
    found: str


_checks: dict[str, Check] = {}


def register(name: str, sql: str) -> None:
    """Add a check. Its name is shown in findings; registering it again replaces it."""
    _checks[name] = Check(name, sql)


def registered() -> list[Check]:
    """Return all checks of all rooms, in the order of registration."""
    autodiscover_modules("verification")
    return list(_checks.values())


def run(
    checks: Sequence[Check] | None = None, *, at: datetime | None = None, watch: Callable[[Check], Any] | None = None
) -> list[Finding]:
    """Ask all checks (or the given ones) within one snapshot of the database, and return what they found.

    Safe while others write: the snapshot is one moment, at which every law holds. Reads only.
    """
    asked = registered() if checks is None else checks
    parameters = {"at": at or clock.now()}
    findings: list[Finding] = []
    joins_a_transaction = connection.in_atomic_block
    with transactions.savepoint() if joins_a_transaction else transactions.transaction(), connection.cursor() as cursor:
        if not joins_a_transaction:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '128MB'")
        for check in asked:
            if watch:
                watch(check)
            cursor.execute(f"SELECT * FROM ({check.sql}) finding LIMIT {MOST_FINDINGS}", parameters)
            findings += [Finding(check.name, *map(str, row)) for row in cursor.fetchall()]
    return findings


register(
    "quotas: held and committed are the sum of their holds (law 10)",
    """
    SELECT 'quota ' || q.key AS what,
           'held ' || coalesce(h.held, 0) || ', committed ' || coalesce(h.committed, 0) AS expected,
           'held ' || q.held || ', committed ' || q.committed AS found
    FROM commerce_quota q
    LEFT JOIN (
        SELECT quota_id, sum(quantity) FILTER (WHERE state = 'held') AS held,
               sum(quantity) FILTER (WHERE state = 'committed') AS committed
        FROM commerce_quotahold WHERE state IN ('held', 'committed') GROUP BY quota_id
    ) h ON h.quota_id = q.id
    WHERE q.held <> coalesce(h.held, 0) OR q.committed <> coalesce(h.committed, 0) ORDER BY q.key
    """,
)
register(
    "quotas: nothing is overbooked (law 10)",
    """
    SELECT 'quota ' || key AS what, 'at most ' || "limit" AS expected, (held + committed)::text AS found
    FROM commerce_quota WHERE held + committed > "limit" ORDER BY key
    """,
)
