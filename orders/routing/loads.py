"""The work that waits at places: pieces still to pick, by when they are due. What is due sooner is picked sooner."""

import time
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from django.db import connection

from orders.lifecycle import State
from orders.models import OPEN_STATES

FRESH_FOR_SECONDS = 2.0  # how long a process may answer from its own picture

_TO_PICK = [State.PLACED.value, State.ACCEPTED.value, State.PICKING.value]
# The partial index of the queue covers what is open.
_WORK = f"""
SELECT f.location_id, date_bin('15 minutes', f.promised_at, TIMESTAMPTZ '2000-01-01'),
       sum(line.quantity - line.picked - line.rejected)::bigint
FROM orders_fulfilment f JOIN orders_fulfilmentline line ON line.fulfilment_id = f.id
WHERE f.state = ANY(%s) AND f.state IN ({", ".join(f"'{state}'" for state in OPEN_STATES)})
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What waits at a place: quarters of an hour in which something is due, with the pieces due until the end of each."""

    due: tuple[datetime, ...] = ()
    pieces: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        return self.pieces[-1] if self.pieces else 0

    def before(self, due: datetime | None) -> int:
        """Return the pieces that are picked before something that is due then; all of them without a time."""
        if due is None:
            return self.total
        number = bisect_right(self.due, due)
        return self.pieces[number - 1] if number else 0


NOTHING = Load()
_lock = Lock()
_cached: tuple[float, Mapping[int, Load] | None] = (0.0, None)


def now() -> Mapping[int, Load]:
    """Return what waits at every place that has work, at most some seconds old."""
    global _cached
    read_at, found = _cached
    if found is None or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        with _lock:
            found = _read()
            _cached = (time.monotonic(), found)
    return found


def forget() -> None:
    """Drop this process's picture."""
    global _cached
    _cached = (0.0, None)


def _read() -> dict[int, Load]:
    rows: dict[int, tuple[list[datetime], list[int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_WORK, [_TO_PICK])
        for location_id, due, pieces in cursor.fetchall():
            days, sums = rows.setdefault(location_id, ([], []))
            days.append(due)
            sums.append(pieces + (sums[-1] if sums else 0))
    return {location_id: Load(tuple(days), tuple(sums)) for location_id, (days, sums) in rows.items()}
