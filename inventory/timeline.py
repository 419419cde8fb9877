"""Looking back: what was there at any past moment, and everything that happened at a level or a place.

The past is the world's: a sale that the till reported an hour late counts from when it happened, not from when we heard of
it. So a figure of the past may still change, with each late report; the ledger's own past (version by version) never does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from commerce import clock
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

    @property
    def free(self) -> int:
        """Pieces that were neither promised nor in a basket."""
        return self.on_hand - self.allocated - self.held


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


# --- what happened --------------------------------------------------------------------------------------------------

PAGE = 50
LARGEST_PAGE = 500
# A location's entries are looked for further and further back, in windows of the journal: four hours at first, a day and a
# half, about a year in the sixth. A page that found too few by then says how to go on.
FIRST_WINDOW = timedelta(hours=4)
WIDENING = 6
MOST_WINDOWS = 5


class Position(NamedTuple):
    """A place in a timeline, newest first: the last entry that was shown, or how far back was looked (level 0)."""

    recorded_at: datetime
    level_id: int = 0
    version: int = 0

    def __str__(self) -> str:
        return f"{self.recorded_at.astimezone(UTC).isoformat()}~{self.level_id}~{self.version}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read a position as `str` writes it. Raises: ValueError."""
        try:
            instant, level_id, version = text.split("~")
            found = cls(datetime.fromisoformat(instant), int(level_id), int(version))
        except ValueError as error:
            raise ValueError(f"no position: {text!r}") from error
        if found.recorded_at.tzinfo is None or not 0 <= found.level_id < 2**63 or not 0 <= found.version < 2**63:
            raise ValueError(f"no position: {text!r}")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What of a timeline is wanted. Times are those of recording, `since` inclusive, `until` exclusive."""

    kinds: Sequence[str] = ()
    condition: str = ""
    actor: tuple[str, str] | None = None  # kind and id
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the journal as it is looked back at; values before are those after minus the deltas."""

    id: UUID
    level_id: int
    version: int
    product_id: int
    sku: str
    name: str
    location_id: int
    condition: str
    kind: str
    on_hand_delta: int
    allocated_delta: int
    held_delta: int
    on_hand_after: int
    allocated_after: int
    held_after: int
    counterparty: str
    transfer_id: UUID | None
    corrects: UUID | None
    reason: str
    cause_type: str
    cause_id: str
    actor_kind: str
    actor_id: str
    source: str
    occurred_at: datetime
    recorded_at: datetime

    @property
    def position(self) -> Position:
        return Position(self.recorded_at, self.level_id, self.version)

    @property
    def is_late(self) -> bool:
        """Whether it was reported more than a minute after it happened."""
        return self.recorded_at - self.occurred_at > timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, newest first, and where older ones go on; `older` may be set on a page without entries."""

    entries: list[Entry]
    older: Position | None


_COLUMNS = """
    e.id, e.level_id, e.version, l.product_id, p.sku, p.name, l.location_id, l.condition, e.kind, e.on_hand_delta,
    e.allocated_delta, e.held_delta, e.on_hand_after, e.allocated_after, e.held_after, e.counterparty, e.transfer_id, e.corrects,
    e.reason, e.cause_type, e.cause_id, e.actor_kind, e.actor_id, e.source, e.occurred_at, e.recorded_at
"""
_WANTED = """
    (%(kinds)s::text[] = '{}' OR e.kind = ANY (%(kinds)s::text[]))
    AND (%(actor_kind)s = '' OR (e.actor_kind = %(actor_kind)s AND e.actor_id = %(actor_id)s))
    AND (e.recorded_at, e.level_id, e.version) < (%(before)s, %(before_level)s, %(before_version)s)
"""
_ORDER = "e.recorded_at DESC, e.level_id DESC, e.version DESC LIMIT %(limit)s"
_OF_PRODUCT = f"""
SELECT {_COLUMNS}
FROM inventory_stocklevel l
JOIN commerce_product p ON p.id = l.product_id
CROSS JOIN LATERAL inventory_level_at(l.id, l.version, %(before)s) AS was
CROSS JOIN LATERAL (
    SELECT * FROM inventory_stockentry e
    WHERE e.level_id = l.id AND e.version <= was.version AND e.recorded_at >= %(since)s
      AND {_WANTED}
    ORDER BY e.version DESC LIMIT %(limit)s
) e
WHERE l.product_id = %(product)s AND l.location_id = %(location)s AND (%(condition)s = '' OR l.condition = %(condition)s)
ORDER BY {_ORDER}
"""
_OF_LOCATION = f"""
SELECT {_COLUMNS}
FROM inventory_stockentry e
JOIN inventory_stocklevel l ON l.id = e.level_id AND l.location_id = %(location)s
JOIN commerce_product p ON p.id = l.product_id
WHERE e.recorded_at >= %(since)s AND e.recorded_at <= %(before)s AND (%(condition)s = '' OR l.condition = %(condition)s)
  AND {_WANTED}
ORDER BY {_ORDER}
"""
# The newest change of a place, and its first entry's time: a window outside of both need not be looked through.
_BOUNDS = """
SELECT max(l.changed_at), min((SELECT e.recorded_at FROM inventory_stockentry e WHERE e.level_id = l.id AND e.version = 1))
FROM inventory_stocklevel l WHERE l.location_id = %s AND l.version > 0
"""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def of_product(
    product_id: int,
    location_id: int,
    *,
    filters: Filters = Filters(),
    before: Position | None = None,
    at_most: int = PAGE,
) -> Page:
    """Return what happened to a product at a place, newest first, all conditions together: one query."""
    parameters = _parameters(filters, before, at_most) | {"product": product_id, "location": location_id}
    with connection.cursor() as cursor:
        cursor.execute(_OF_PRODUCT, parameters)
        return _page([Entry(*row) for row in cursor.fetchall()], at_most)


def of_location(
    location_id: int, *, filters: Filters = Filters(), before: Position | None = None, at_most: int = PAGE
) -> Page:
    """Return what happened at a place, newest first, all products together: few queries over windows of time."""
    parameters = _parameters(filters, before, at_most) | {"location": location_id}
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS, [location_id])
        newest, oldest = cursor.fetchone()
        if newest is None:
            return Page([], None)
        lower, upper, window = max(parameters["since"], oldest), min(parameters["before"], newest), FIRST_WINDOW
        found: list[Entry] = []
        for _ in range(MOST_WINDOWS):
            since = max(lower, upper - window)
            cursor.execute(
                _OF_LOCATION,
                parameters | {"since": since, "limit": at_most + 1 - len(found)} | _not_after(parameters, upper),
            )
            found += [Entry(*row) for row in cursor.fetchall()]
            if len(found) > at_most or since <= lower:
                return _page(found, at_most)
            upper, window = since, window * WIDENING
            parameters |= {"before": since, "before_level": 0, "before_version": 0}
    return Page(found, Position(upper))


def _not_after(parameters: dict[str, Any], upper: datetime) -> dict[str, Any]:
    """Begin at the newest change where the wanted end lies behind it."""
    if parameters["before"] <= upper:
        return {}
    return {"before": upper, "before_level": 2**63 - 1, "before_version": 2**63 - 1}


def _parameters(filters: Filters, before: Position | None, at_most: int) -> dict[str, Any]:
    if not 1 <= at_most <= LARGEST_PAGE:
        raise ValueError(f"a page has 1 to {LARGEST_PAGE} entries, not {at_most}")
    end = Position(filters.until or clock.now() + timedelta(days=1))
    start = min(before, end) if before else end
    actor_kind, actor_id = filters.actor or ("", "")
    return {
        "kinds": list(filters.kinds), "condition": filters.condition, "actor_kind": actor_kind, "actor_id": actor_id,
        "since": filters.since or _BEGINNING, "limit": at_most + 1,
        "before": start.recorded_at, "before_level": start.level_id, "before_version": start.version,
    }  # fmt: skip


def _page(found: list[Entry], at_most: int) -> Page:
    shown = found[:at_most]
    return Page(shown, shown[-1].position if len(found) > at_most else None)
