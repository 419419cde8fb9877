"""Pickup codes: what a customer says at the counter. Nobody can guess one, and no two open orders of a store share one."""

import secrets
from collections.abc import Sequence

from django.db import connection

from commerce import integrity
from commerce.errors import Busy
from commerce.postgresql import prepared
from orders.models import OPEN_STATES

# No 0/O, 1/I/L, 2/Z, 5/S, 8/B: a code is read out over a counter.
ALPHABET = "ACDEFGHJKMNPQRTUVWXY34679"
LENGTH = 6
# Among 20,000 open orders of a store one in 12,000 draws hits a code that is given out; five in a row never do.
ATTEMPTS = 5

# Scalar, so that each code is one look into the index of open codes, however many fulfilments there are.
_TAKEN = f"""
SELECT wanted.place - 1
FROM unnest(%s::bigint[], %s::text[]) WITH ORDINALITY AS wanted (location_id, code, place)
WHERE (SELECT TRUE FROM orders_fulfilment given
       WHERE given.location_id = wanted.location_id AND given.pickup_code = wanted.code AND given.pickup_code <> ''
         AND given.state IN ({", ".join(f"'{state}'" for state in OPEN_STATES)}))
"""

integrity.refuse(
    "pickup_code_once_per_location", lambda: Busy("The pickup code was taken a moment ago; please send it again.")
)


def draw(location_ids: Sequence[int]) -> list[str]:
    """Return a free code for an order at each of the locations, in their order, in one query.

    Should someone else draw the same one at this very moment, the constraint `pickup_code_once_per_location` says so.
    """
    codes = [new() for _ in location_ids]
    for _attempt in range(ATTEMPTS):
        taken = _taken(location_ids, codes)
        if not taken:
            break
        for position in taken:
            codes[position] = new()
    return codes


def new() -> str:
    """Return a code that nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def _taken(location_ids: Sequence[int], codes: Sequence[str]) -> set[int]:
    """Return the positions of the codes that an open order, or an earlier one of these, has at the location."""
    if not codes:
        return set()
    with connection.cursor() as cursor:
        prepared.execute(cursor, _TAKEN, [list(location_ids), list(codes)])
        taken = {position for (position,) in cursor.fetchall()}
    earlier: set[tuple[int, str]] = set()
    for position, code in enumerate(zip(location_ids, codes, strict=True)):
        if code in earlier:
            taken.add(position)
        earlier.add(code)
    return taken
