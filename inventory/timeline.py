"""Looking back: what was there at any past moment, and everything that happened at a level or a place.

The past is the world's: a sale that the till reported an hour late counts from when it happened, not from when we heard of
it. So a figure of the past may still change, with each late report; the ledger's own past (version by version) never does.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from inventory.ledger import LevelKey

MOST_MOMENTS = 5_000  # of one question; each costs about twenty looks into an index


class Snapshot(NamedTuple):
    """A level's values at a moment, in pieces. `version` is its last entry that was recorded by then, 0 for none.

    `held` is what baskets held by the journal, expired ones included until they were swept.
    """

    on_hand: int = 0
    allocated: int = 0
    held: int = 0
    version: int = 0


NOTHING = Snapshot()

_AT = """
SELECT w.place, was.on_hand, was.allocated, was.held, was.version
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[]) WITH ORDINALITY
    AS w (product_id, location_id, condition, moment, place)
JOIN inventory_stocklevel l
    ON (l.product_id, l.location_id, l.condition) = (w.product_id, w.location_id, w.condition)
CROSS JOIN LATERAL inventory_level_at(l.id, l.version, w.moment) AS was
"""


def levels_at(keys: Sequence[LevelKey], *, at: datetime) -> dict[LevelKey, Snapshot]:
    """Return what was there at one moment, for every key (nothing for a level that never was), with one query.

    Raises: ValueError for more than MOST_MOMENTS keys.
    """
    wanted = list(dict.fromkeys(keys))
    return dict(zip(wanted, snapshots([(key, at) for key in wanted]), strict=True))


def on_hand_at(moments: Sequence[tuple[LevelKey, datetime]]) -> list[int]:
    """Return how many pieces were on hand, each level at its own moment, in the order asked, with one query.

    Raises: ValueError for more than MOST_MOMENTS moments.
    """
    return [snapshot.on_hand for snapshot in snapshots(moments)]


def snapshots(moments: Sequence[tuple[LevelKey, datetime]]) -> list[Snapshot]:
    """Return the values of levels, each at its own moment, in the order asked, with one query.

    Raises: ValueError for more than MOST_MOMENTS moments.
    """
    if len(moments) > MOST_MOMENTS:
        raise ValueError(f"at most {MOST_MOMENTS} moments at once, not {len(moments)}")
    found = [NOTHING] * len(moments)
    if not moments:
        return found
    columns = [
        [key.product_id for key, _ in moments],
        [key.location_id for key, _ in moments],
        [str(key.condition) for key, _ in moments],
        [moment for _, moment in moments],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_AT, columns)
        for place, *values in cursor.fetchall():
            found[place - 1] = Snapshot(*values)
    return found
