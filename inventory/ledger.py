"""The ledger: the only writer of stock levels and of the journal.

One path for one and for many: lock all levels of the batch in key order, let the caller decide on the values under the
lock, write levels and entries in one statement. Everything above (reservations, allocations, movements) is a decision
about postings; nothing above can oversell, because CHECK constraints and triggers hold the laws of the journal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import connection

from commerce import context, integrity, outbox
from commerce.actors import Actor
from commerce.postgresql import prepared
from commerce.transactions import transaction_required
from inventory.errors import StockRuleViolated
from inventory.events import StockChanged
from inventory.stock import Condition, Counterparty, EntryKind

T = TypeVar("T")

MOST_POSTINGS = 5_000  # one statement's worth; more are written by several


class LevelKey(NamedTuple):
    product_id: int
    location_id: int
    condition: str = Condition.SELLABLE.value


@dataclass(slots=True)
class Level:
    """A locked level's values while a batch is decided; postings move them in memory before anything is written."""

    id: int
    key: LevelKey
    on_hand: int
    allocated: int
    held: int
    backorder_limit: int
    version: int
    may_have_expired_holds: bool
    changed_at: datetime  # when its newest entry was recorded
    has_unrouted: bool = False  # perhaps: demand without a place for its product has to be asked for

    @property
    def free(self) -> int:
        """Pieces that may still be promised."""
        return self.on_hand + self.backorder_limit - self.allocated - self.held


class Posting(NamedTuple):
    """One wanted change of one level: deltas in pieces, and why. `id` is minted by the caller."""

    id: UUID
    key: LevelKey
    kind: EntryKind
    on_hand: int = 0
    allocated: int = 0
    held: int = 0
    counterparty: Counterparty | None = None
    transfer_id: UUID | None = None
    corrects: UUID | None = None
    reason: str = ""
    cause_type: str = ""
    cause_id: str = ""
    source: str = ""
    occurred_at: datetime | None = None
    request_id: str = ""  # whose request it is where one transaction serves many; else the one at hand


# The oldest expiry is one look into an index; EXISTS would be planned as a hash over all active holds.
_LOCK = """
SELECT l.id, l.product_id, l.location_id, l.condition, l.on_hand, l.allocated, l.held, l.backorder_limit, l.version,
       l.held > 0 AND coalesce(
           (SELECT min(h.expires_at) FROM inventory_hold h WHERE h.level_id = l.id AND h.state = 'active') <= %s, false),
       l.changed_at, l.has_unrouted
FROM inventory_stocklevel l
WHERE (l.product_id, l.location_id, l.condition) IN (SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[]))
ORDER BY l.product_id, l.location_id, l.condition
FOR UPDATE OF l
"""

_CREATE = """
INSERT INTO inventory_stocklevel
    (product_id, location_id, condition, on_hand, allocated, held, backorder_limit, version, changed_at)
SELECT product_id, location_id, condition, 0, 0, 0, 0, 0, %s
FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) AS wanted (product_id, location_id, condition)
ORDER BY product_id, location_id, condition
ON CONFLICT ON CONSTRAINT stock_level_once DO NOTHING
"""

_LIMIT = """
UPDATE inventory_stocklevel l SET backorder_limit = w.backorder_limit
FROM unnest(%s::bigint[], %s::bigint[]) AS w (id, backorder_limit) WHERE l.id = w.id
"""

_MARK = "UPDATE inventory_stocklevel SET has_unrouted = %s WHERE id = ANY(%s::bigint[])"

_TELL = outbox.telling(
    StockChanged,
    source="levels ORDER BY id",
    aggregate="'stock_level:' || id",
    sequence="version",
    request_id="request_id",
    payload={
        "level_id": "id", "product_id": "product_id", "location_id": "location_id", "condition": "condition",
        "on_hand": "on_hand", "allocated": "allocated", "held": "held",
    },
)  # fmt: skip

_WRITE = f"""
WITH levels AS (
    UPDATE inventory_stocklevel l
    SET on_hand = w.on_hand, allocated = w.allocated, held = w.held, version = w.version, changed_at = %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
        AS w (id, on_hand, allocated, held, version, request_id)
    WHERE l.id = w.id
    RETURNING l.id, l.product_id, l.location_id, l.condition, l.on_hand, l.allocated, l.held, l.version,
              w.request_id
), told AS (
    {_TELL}
)
INSERT INTO inventory_stockentry
    (id, level_id, version, kind, on_hand_delta, allocated_delta, held_delta, on_hand_after, allocated_after, held_after,
     counterparty, transfer_id, corrects, reason, cause_type, cause_id, source, occurred_at,
     actor_kind, actor_id, recorded_at)
SELECT e.*, %s::text, %s::text, %s::timestamptz
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[],
            %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::uuid[], %s::uuid[], %s::text[], %s::text[],
            %s::text[], %s::text[], %s::timestamptz[]) AS e
"""

for _constraint, _sentence in {
    "stock_level_on_hand_not_negative": "There are fewer pieces on hand than were to leave.",
    "stock_level_allocated_not_negative": "More was to be released than is promised.",
    "stock_level_held_not_negative": "More was to be released than is held.",
    "stock_level_not_oversold": "More would be promised than is on hand.",
}.items():
    integrity.refuse(_constraint, lambda sentence=_sentence: StockRuleViolated(sentence))  # type: ignore[misc]


@transaction_required
def lock(keys: Iterable[LevelKey], *, at: datetime, create: bool = False) -> dict[LevelKey, Level]:
    """Lock the levels of `keys` in key order until the transaction ends and return their newest values.

    Levels that don't exist are missing in the answer, or are made with nothing on hand when `create` is set.
    Raises: Busy (through the transaction) when others hold them longer than the lock timeout.
    """
    wanted = sorted(set(keys))
    columns = _columns(wanted)
    with connection.cursor() as cursor:
        if create:
            cursor.execute(_CREATE, [at, *columns])
        prepared.execute(cursor, _LOCK, [at, *columns])
        rows = cursor.fetchall()
    locked = [Level(row[0], LevelKey(*row[1:4]), *row[4:]) for row in rows]
    return {level.key: level for level in locked}


_settle: Callable[..., None] | None = None


def settles_by(settle: Callable[..., None]) -> None:
    """Have `settle(levels, by=, at=)` called for levels with a backorder limit after goods or promises moved there."""
    global _settle
    _settle = settle


@transaction_required
def post(
    levels: dict[LevelKey, Level],
    postings: Sequence[Posting],
    *,
    by: Actor,
    at: datetime,
    settles: bool = True,
    besides: tuple[str, Sequence[Any]] | None = None,
) -> None:
    """Write `postings` to the locked `levels`, in order: values, journal and one event per touched level and statement.

    Guarantees that levels and journal agree and versions have no gap, and that what became free goes to those who wait
    for it; with `settles` off the caller sees to that. `besides` is a statement for `prepared` that is said in the same
    round trip. Raises: StockRuleViolated when a posting would bring a level below what is there or promised (callers check
    first and explain better).
    """
    for start in range(0, len(postings), MOST_POSTINGS):
        is_last = start + MOST_POSTINGS >= len(postings)
        _write(levels, postings[start : start + MOST_POSTINGS], by=by, at=at, besides=besides if is_last else None)
    if settles:
        settle(levels, {posting.key for posting in postings}, by=by, at=at)


def settle(levels: Mapping[LevelKey, Level], keys: Iterable[LevelKey], *, by: Actor, at: datetime) -> None:
    """Let what is free at some of the locked levels go to those who wait there."""
    limited = [levels[key] for key in sorted(keys) if levels[key].backorder_limit]
    if limited and _settle is not None:
        _settle(limited, by=by, at=at)


@transaction_required
def limit(levels: Mapping[LevelKey, Level], limits: Mapping[LevelKey, int]) -> None:
    """Set how many pieces may be promised beyond what is on hand, of locked levels. The journal says nothing of limits."""
    for key, pieces in limits.items():
        levels[key].backorder_limit = pieces
        _check(levels[key])
    with connection.cursor() as cursor:
        cursor.execute(_LIMIT, [numbers(levels[key].id for key in limits), numbers(limits.values())])


@transaction_required
def mark_unrouted(levels: Iterable[Level], *, has_unrouted: bool) -> None:
    """Say on locked levels whether demand without a place has to be asked for before their goods are promised."""
    wanted = [level for level in levels if level.has_unrouted is not has_unrouted]
    for level in wanted:
        level.has_unrouted = has_unrouted
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_MARK, [has_unrouted, numbers(level.id for level in wanted)])


def _write(
    levels: dict[LevelKey, Level],
    postings: Sequence[Posting],
    *,
    by: Actor,
    at: datetime,
    besides: tuple[str, Sequence[Any]] | None,
) -> None:
    """Write postings with one statement, so that levels and journal say the same after it."""
    touched: dict[int, Level] = {}
    asked: dict[int, str] = {}  # the news of a level names the last request that moved it
    after = []
    at_hand = context.request_id()
    # Looking back halves a level's versions by time, so recorded_at never runs backwards there: who waited for the lock, or
    # has a slower clock, records at the moment of the entry before.
    at = max(at, max(levels[posting.key].changed_at for posting in postings))
    for posting in postings:
        level = levels[posting.key]
        on_hand = level.on_hand = level.on_hand + posting.on_hand
        allocated = level.allocated = level.allocated + posting.allocated
        held = level.held = level.held + posting.held
        version = level.version = level.version + 1
        if on_hand < 0 or allocated < 0 or held < 0 or on_hand + level.backorder_limit < allocated + held:
            _check(level)
        touched[level.id] = level
        asked[level.id] = posting.request_id or at_hand
        after.append((level.id, version, on_hand, allocated, held))
    level_ids, versions, *amounts = zip(*after, strict=True)
    (
        entry_ids, _keys, kinds, *deltas, counterparties, transfer_ids, corrected, reasons, cause_types, cause_ids, sources,
        occurred, _requests,
    ) = zip(*postings, strict=True)  # fmt: skip
    changed = list(touched.values())
    for level in changed:
        level.changed_at = at
    told, extra = besides or ("", ())
    with connection.cursor() as cursor:
        prepared.execute(
            cursor, _WRITE,
            [
                at, numbers(level.id for level in changed), numbers(level.on_hand for level in changed),
                numbers(level.allocated for level in changed), numbers(level.held for level in changed),
                numbers(level.version for level in changed),
                texts(asked.values()),
                *outbox.told_by(by, at), by.kind.value, by.id, at,
                uuids(entry_ids), numbers(level_ids), numbers(versions), texts(kinds), *map(numbers, deltas),
                *map(numbers, amounts), texts([one or "" for one in counterparties]), uuids(transfer_ids), uuids(corrected),
                texts(reasons), texts(cause_types), texts(cause_ids), texts(sources),
                instants([one or at for one in occurred]), *extra,
            ],
            besides=told,
        )  # fmt: skip


def _check(level: Level) -> None:
    """Refuse kindly what the constraints would refuse anyway."""
    if level.on_hand < 0:
        raise StockRuleViolated(f"{-level.on_hand} pieces more were to leave than are on hand.")
    if level.allocated < 0 or level.held < 0:
        raise StockRuleViolated("More was to be released than is promised or held.")
    if level.free < 0:
        raise StockRuleViolated(f"{-level.free} pieces more would be promised than are on hand.")


def _columns(keys: Sequence[LevelKey]) -> list[str]:
    return [numbers(k.product_id for k in keys), numbers(k.location_id for k in keys), texts(k.condition for k in keys)]


def numbers(values: Iterable[int]) -> str:
    """Return a PostgreSQL array literal of whole numbers: several times faster than adapting a list element by element."""
    return "{" + ",".join(map(str, values)) + "}"


def uuids(values: Iterable[UUID | None]) -> str:
    """Return a PostgreSQL array literal of UUIDs."""
    # Without hyphens, which PostgreSQL can do without: a quarter of the time.
    return "{" + ",".join(["NULL" if value is None else f"{value.int:032x}" for value in values]) + "}"


def instants(values: Iterable[datetime]) -> str:
    """Return a PostgreSQL array literal of instants."""
    return _literal(list(values), lambda value: f'"{value.isoformat()}"')


def texts(values: Iterable[str]) -> str:
    """Return a PostgreSQL array literal of texts, quoted."""
    return _literal(list(values), _quoted)


def _literal(values: list[T], written: Callable[[T], str]) -> str:
    """Write each value once: kinds, sources, reasons and instants repeat, mostly one of them throughout."""
    if values and values.count(values[0]) == len(values):
        return "{" + ",".join([written(values[0])] * len(values)) + "}"
    known: dict[T, str] = {}
    return "{" + ",".join(known.get(v) or known.setdefault(v, written(v)) for v in values) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
