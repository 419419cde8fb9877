"""Statements that are planned once per connection instead of each time.

Parsing and planning a statement of the hot path costs as much as running it: 16 holds took the server 1.0 ms, and take
0.5 ms this way. A plan that is kept must be good for tables of any size, also when it was made while they were empty, so
statements that look for rows are planned to look into indexes. Besides, PostgreSQL plans anew when a table was analysed,
and a statement is prepared anew every few seconds.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper

RENEWED_AFTER_SECONDS = 30.0
MOST_STATEMENTS = 100  # of one connection; a statement is a constant of the code, so a hundred would be a mistake

# For the rest of the transaction: PostgreSQL may plan at any execution.
_BY_INDEX = "SET LOCAL enable_seqscan = off; "
# Without it the server plans for the very values each time, as long as it thinks that plan the better one: with short lists
# that was for ever, and ten times the work of running it (availability of one product: 0.20 ms to plan, 0.02 ms to run).
_AS_PLANNED = "SET LOCAL plan_cache_mode = force_generic_plan; "
_PARAMETER = re.compile(r"(%s|%\(\w+\)s)((?:::\w+(?:\[])?)?)")  # with its cast, which the call needs as well


def execute(
    cursor: CursorWrapper,
    sql: str,
    params: Sequence[Any] | Mapping[str, Any],
    *,
    by_index: bool = True,
    besides: str = "",
) -> None:
    """Execute one statement with `params` through a prepared one, which this connection makes when it has none.

    `sql` is a constant with %s or %(name)s for each parameter (one at least), no other percent sign, and a cast wherever the
    type of a parameter does not follow from its place. With `by_index`, what follows in the transaction is planned by index,
    too; a statement that only adds rows does without. `besides` is a second statement, said after it in the same round trip,
    whose parameters follow.
    """
    said = f"{call(cursor, sql)}; {call(cursor, besides)}" if besides else call(cursor, sql)
    cursor.execute(f"{_BY_INDEX if by_index else ''}{_AS_PLANNED}{said}", params)


def call(cursor: CursorWrapper, sql: str) -> str:
    """Return how the prepared statement of `sql` is called, for a caller that says several in one round trip."""
    known: dict[str, tuple[str, str, float]] = cursor.db.prepared
    prepared = known.get(sql)
    if prepared is None or time.monotonic() - prepared[2] > RENEWED_AFTER_SECONDS:
        prepared = _prepare(cursor, sql, known)
    return prepared[1]


def _prepare(cursor: CursorWrapper, sql: str, known: dict[str, tuple[str, str, float]]) -> tuple[str, str, float]:
    """Prepare a statement, in the place of its older self; return its name, how it is called, and when that was."""
    numbers: dict[str, int] = {}
    arguments: list[str] = []

    def number(match: re.Match[str]) -> str:
        written, cast = match.groups()
        if written == "%s" or written not in numbers:
            arguments.append(written + cast)
            numbers[written] = len(arguments)
        return f"${numbers[written]}{cast}"

    numbered = _PARAMETER.sub(number, sql)
    if "%" in numbered:
        raise ValueError("A prepared statement has no percent sign besides its parameters.")
    older = known.pop(sql, None)
    if older is None and len(known) >= MOST_STATEMENTS:
        raise RuntimeError("More statements are prepared than the code can have: one of them is not a constant.")
    name = older[0] if older else f"kontor_{next(cursor.db.prepared_numbers)}"
    # Past Django's wrapper, which counts and logs what a request asks: how old a connection is, is no part of that.
    with cursor.db.wrap_database_errors:
        if older:
            cursor.cursor.execute(f"DEALLOCATE {name}")
        cursor.cursor.execute(f"PREPARE {name} AS {numbered}")
    call = f"EXECUTE {name} ({', '.join(arguments)})"
    known[sql] = prepared = (name, call, time.monotonic())
    return prepared
