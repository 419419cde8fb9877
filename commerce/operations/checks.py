"""Proofs that the books are right: set-based questions that rooms register and `verify_ledger` runs.

A check is a SELECT that returns what is wrong: (what, expected, found), and nothing when all is well. A journal that only
grows is too long for one statement, so a pass proves several laws at once over it, portion by portion, with bounded memory;
what was proven before and is sealed since need not be proven again. Rooms register theirs in a module named `verification`,
which is imported when checks are run.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.module_loading import autodiscover_modules

from commerce import clock, transactions

MOST_FINDINGS = 100  # of one check: more would hide, not explain
BEGINNING, END = -(2**63), 2**63 - 1  # where the first portion begins and the last ends: no key escapes


@dataclass(frozen=True, slots=True)
class Check:
    """One law as a question to the database. `sql` may use %(at)s, the instant of the proof.

    `fresh` is the same question about what is not proven yet, where that is less.
    """

    name: str  # "inventory: a level equals its last entry"
    sql: str
    fresh: str = ""

    @property
    def names(self) -> list[str]:
        return [self.name]


@dataclass(frozen=True, slots=True)
class Question:
    """How a pass goes over a journal: `portions` returns (last key, rows) of each portion in order of the key; `sql` returns
    (law, what, expected, found) for the keys in (%(after)s, %(until)s].
    """

    portions: str
    sql: str


@dataclass(frozen=True, slots=True)
class Pass:
    """Several laws proven while a journal is read once. `laws` names each by the word that the questions answer with."""

    laws: Mapping[str, str]
    whole: Question
    fresh: Question  # about what is not proven yet

    @property
    def names(self) -> list[str]:
        return list(self.laws.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the law says."""

    check: str
    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Step:
    """How far a proof is: what is being proven, and of a pass how many rows of how many were read."""

    name: str
    rows: int = 0
    all_rows: int = 0


_checks: dict[str, Check | Pass] = {}


def register(name: str, sql: str, *, fresh: str = "") -> None:
    """Add a check. Its name is shown in findings; registering it again replaces it."""
    _checks[name] = Check(name, sql, fresh)


def register_pass(name: str, proof: Pass) -> None:
    """Add a pass over a journal; registering it again replaces it."""
    _checks[name] = proof


def registered() -> list[Check | Pass]:
    """Return all checks of all rooms, in the order of registration."""
    autodiscover_modules("verification")
    return list(_checks.values())


def run(
    checks: Sequence[Check | Pass] | None = None,
    *,
    at: datetime | None = None,
    is_fresh: bool = False,
    watch: Callable[[Step], Any] | None = None,
) -> list[Finding]:
    """Ask all checks (or the given ones) and return what they found; `is_fresh` leaves out what was proven and sealed before.

    Safe while others write: each check, and each portion of a pass, reads one moment at which every law holds; none keeps a
    moment for longer, so that a proof of minutes holds up no cleaning of the tables. Reads only.
    """
    asked = registered() if checks is None else checks
    parameters = {"at": at or clock.now()}
    findings: list[Finding] = []
    for check in asked:
        if isinstance(check, Pass):
            findings += _go_through(check, check.fresh if is_fresh else check.whole, parameters, watch)
            continue
        if watch:
            watch(Step(check.name))
        sql = check.fresh if is_fresh and check.fresh else check.sql
        with _one_moment() as cursor:
            cursor.execute(f"SELECT * FROM ({sql}) finding LIMIT {MOST_FINDINGS}", parameters)
            findings += [Finding(check.name, *map(str, row)) for row in cursor.fetchall()]
    return findings


def _go_through(
    proof: Pass, question: Question, parameters: dict[str, Any], watch: Callable[[Step], Any] | None
) -> list[Finding]:
    with _one_moment() as cursor:
        cursor.execute(question.portions, parameters)
        portions = [(int(key), int(rows)) for key, rows in cursor.fetchall()]
    name, all_rows = " · ".join(law.partition(": ")[2] for law in proof.names), sum(rows for _, rows in portions)
    findings: list[Finding] = []
    done, after = 0, BEGINNING
    for number, (key, rows) in enumerate(portions or [(END, 0)], 1):
        if watch:
            watch(Step(name, done, all_rows))
        until = key if number < len(portions) else END
        with _one_moment() as cursor:
            cursor.execute(
                f"SELECT * FROM ({question.sql}) finding LIMIT {MOST_FINDINGS}",
                parameters | {"after": after, "until": until},
            )
            findings += [Finding(proof.laws[law], *map(str, row)) for law, *row in cursor.fetchall()]
        done, after = done + rows, until
        if len(findings) >= MOST_FINDINGS:
            break
    if watch:
        watch(Step(name, done, all_rows))
    return findings


@contextmanager
def _one_moment() -> Iterator[CursorWrapper]:
    """Read one snapshot of the database: a transaction of its own, or a part of the caller's."""
    joins_a_transaction = connection.in_atomic_block
    with transactions.savepoint() if joins_a_transaction else transactions.transaction(), connection.cursor() as cursor:
        if not joins_a_transaction:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'")
        yield cursor


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
