"""Statements that are planned once per connection instead of each time.

Parsing and planning a statement of the hot path costs as much as running it: 16 holds took the server 1.0 ms, and take
0.5 ms this way. A plan that is kept must be good for tables of any size, also when it was made while they were empty, so
these statements are planned to look into indexes. Besides, PostgreSQL plans anew when a table was analysed, and a
statement is prepared anew every few seconds.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper

RENEWED_AFTER_SECONDS = 30.0
MOST_STATEMENTS = 100  # of one connection; a statement is a constant of the code, so a hundred would be a mistake

# For the rest of the transaction: PostgreSQL may plan at any execution.
_BY_INDEX = "SET LOCAL enable_seqscan = off; "


def execute(cursor: CursorWrapper, sql: str, params: Sequence[Any]) -> None:
    """Execute one statement with `params` through a prepared one, which this connection makes when it has none.

    `sql` is a constant with %s for each parameter (one at least), no other percent sign, and a cast wherever the type of a
    parameter does not follow from its place. What follows in the transaction is planned by index, too.
    """
    known: dict[str, tuple[str, str, float]] = cursor.db.prepared
    prepared = known.get(sql)
    if prepared is None or time.monotonic() - prepared[2] > RENEWED_AFTER_SECONDS:
        prepared = _prepare(cursor, sql, known)
    cursor.execute(prepared[1], params)


def _prepare(cursor: CursorWrapper, sql: str, known: dict[str, tuple[str, str, float]]) -> tuple[str, str, float]:
    """Prepare a statement, in the place of its older self; return its name, how it is called, and when that was."""
    parts = sql.split("%s")
    if any("%" in part for part in parts):
        raise ValueError("A prepared statement has no percent sign besides its parameters.")
    older = known.pop(sql, None)
    if older is not None:
        name = older[0]
        cursor.execute(f"DEALLOCATE {name}")
    else:
        if len(known) >= MOST_STATEMENTS:
            raise RuntimeError("More statements are prepared than the code can have: one of them is not a constant.")
        name = f"kontor_{len(known) + 1}"
    numbered = parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], 1))
    cursor.execute(f"PREPARE {name} AS {numbered}")
    call = f"{_BY_INDEX}EXECUTE {name} ({', '.join(['%s'] * (len(parts) - 1))})"
    known[sql] = prepared = (name, call, time.monotonic())
    return prepared
