"""Statements that are planned once per connection instead of each time.

Parsing and planning a statement of the hot path costs as much as running it: 16 holds took the server 1.0 ms, and take
0.5 ms this way. A plan outlives the statistics it was made from only shortly: PostgreSQL drops it when one of its tables is
analysed, and a statement is prepared anew every few seconds in case a table grows faster than that.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.db.backends.utils import CursorWrapper

RENEWED_AFTER_SECONDS = 30.0
MOST_STATEMENTS = 100  # of one connection; a statement is a constant of the code, so a hundred would be a mistake


def execute(cursor: CursorWrapper, sql: str, params: Sequence[Any]) -> None:
    """Execute one statement with `params` through a prepared one, which this connection makes when it has none.

    `sql` is a constant with %s for each parameter (one at least), no other percent sign, and a cast wherever the type of a
    parameter does not follow from its place.
    """
    known: dict[str, tuple[str, float]] = cursor.db.prepared
    call, prepared_at = known.get(sql, ("", 0.0))
    if time.monotonic() - prepared_at > RENEWED_AFTER_SECONDS or not call:
        call = _prepare(cursor, sql, known)
    cursor.execute(call, params)


def _prepare(cursor: CursorWrapper, sql: str, known: dict[str, tuple[str, float]]) -> str:
    """Prepare a statement, in the place of its older self, and return how it is called."""
    parts = sql.split("%s")
    if any("%" in part for part in parts):
        raise ValueError("A prepared statement has no percent sign besides its parameters.")
    older, _ = known.pop(sql, ("", 0.0))
    if older:
        name = older.split()[1]
        cursor.execute(f"DEALLOCATE {name}")
    else:
        if len(known) >= MOST_STATEMENTS:
            raise RuntimeError("More statements are prepared than the code can have: one of them is not a constant.")
        name = f"kontor_{len(known) + 1}"
    numbered = parts[0] + "".join(f"${number}{part}" for number, part in enumerate(parts[1:], 1))
    cursor.execute(f"PREPARE {name} AS {numbered}")
    call = f"EXECUTE {name} ({', '.join(['%s'] * (len(parts) - 1))})"
    known[sql] = (call, time.monotonic())
    return call
