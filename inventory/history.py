"""The ledger's bulk door: past movements of goods, in time order, with the smallest opening that explains them.

A history says what left and what came back, but rarely what was there before. So each level gets a receipt marked
`derived_opening`: the fewest pieces with which its on hand never falls below zero in the whole history. Everything is
set-based: rows arrive by COPY (or INSERT … SELECT) in a temporary table of this connection, and one statement works out
versions, values after and openings and writes the journal.

Recording is idempotent by the movements' ids, and the end state does not depend on the order of recording. The journal only
grows, so a part of the history that is recorded later follows what is there (its `occurred_at` says when it was), and when
the whole then needs a larger opening, a further derived receipt comes first; a smaller one, a correction comes last.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.events import StockChanged
from inventory.ledger import LevelKey
from inventory.stock import Condition, Counterparty, EntryKind

DERIVED_OPENING = "derived_opening"  # the reason of the receipts that no file states
MOST_LEVELS = 5_000  # at once: all are locked together and each tells one event

# Where callers put the history of the levels they touch: the new movements, and the earlier ones of the same source, which
# are recognised by id and only count towards the opening. `delta` is the change of on hand; `sequence` orders movements of
# the same instant. The table is private to the connection; `open_inbox` makes and empties it.
INBOX = "pg_temp.inventory_past_movement"
INBOX_COLUMNS = (
    "id", "product_id", "location_id", "condition", "kind", "delta", "counterparty", "reason", "cause_type", "cause_id",
    "occurred_at", "sequence",
)  # fmt: skip

_OPEN = f"""
CREATE TEMP TABLE IF NOT EXISTS inventory_past_movement (
    id uuid NOT NULL, product_id bigint NOT NULL, location_id bigint NOT NULL, condition varchar(16) NOT NULL,
    kind varchar(12) NOT NULL, delta integer NOT NULL CHECK (delta <> 0), counterparty varchar(12) NOT NULL,
    reason varchar(80) NOT NULL, cause_type varchar(20) NOT NULL, cause_id varchar(64) NOT NULL,
    occurred_at timestamptz NOT NULL, sequence bigint NOT NULL
);
TRUNCATE {INBOX};
"""

# A UUID version 7 (RFC 9562) of the past: it sorts by when the opening was, as movements do.
_OPENING_ID = """(lpad(to_hex(floor(extract(epoch FROM p.begins_at) * 1000)::bigint), 12, '0') || '7'
                || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid"""

_LEVELS = f"SELECT DISTINCT product_id, location_id, condition FROM {INBOX}"

_RECORD = f"""
WITH moves AS MATERIALIZED (
    SELECT m.id, l.id AS level_id, e.id IS NULL AS is_new, m.kind, m.delta, m.counterparty, m.reason, m.cause_type,
           m.cause_id, m.occurred_at,
           sum(m.delta) OVER history AS whole,
           sum(m.delta) FILTER (WHERE e.id IS NULL) OVER history AS running,
           count(*) FILTER (WHERE e.id IS NULL) OVER history AS place
    FROM {INBOX} m
    JOIN inventory_stocklevel l USING (product_id, location_id, condition)
    LEFT JOIN inventory_stockentry e ON e.id = m.id
    WINDOW history AS (PARTITION BY l.id ORDER BY m.occurred_at, m.sequence, m.id ROWS UNBOUNDED PRECEDING)
), sums AS (
    SELECT level_id, min(occurred_at) AS begins_at, count(*) FILTER (WHERE is_new) AS new_entries,
           greatest(0, -min(whole)) AS needed,  -- the opening that the whole history needs
           min(running) FILTER (WHERE is_new) AS deepest, sum(delta) FILTER (WHERE is_new) AS total
    FROM moves GROUP BY level_id HAVING count(*) FILTER (WHERE is_new) > 0
), levels AS (
    SELECT l.id, l.product_id, l.location_id, l.condition, l.on_hand, l.allocated, l.held, l.version, s.*,
           greatest(%(at)s, l.changed_at) AS recorded_at,  -- never before the entry before
           greatest(0, l.allocated + l.held - l.backorder_limit) AS promised,
           CASE WHEN l.version = 0 THEN 0 ELSE (
               SELECT coalesce(sum(on_hand_delta), 0) FROM inventory_stockentry e
               WHERE e.level_id = l.id AND e.reason = '{DERIVED_OPENING}' AND e.source = %(source)s) END AS opened
    FROM sums s JOIN inventory_stocklevel l ON l.id = s.level_id
), opening AS (
    SELECT *, greatest(0, needed - opened, promised - (on_hand + deepest))::bigint AS more FROM levels
), plan AS MATERIALIZED (
    SELECT *, greatest(0, least(opened + more - needed, on_hand + more + total - promised))::bigint AS less FROM opening
), changed AS (
    UPDATE inventory_stocklevel l
    SET on_hand = p.on_hand + p.more + p.total - p.less, changed_at = p.recorded_at,
        version = p.version + p.new_entries + (p.more > 0)::int + (p.less > 0)::int
    FROM plan p WHERE l.id = p.id
    RETURNING l.id, l.product_id, l.location_id, l.condition, l.on_hand, l.allocated, l.held, l.version
), written AS (
    INSERT INTO inventory_stockentry
        (id, level_id, version, kind, on_hand_delta, allocated_delta, held_delta, on_hand_after, allocated_after, held_after,
         counterparty, reason, cause_type, cause_id, actor_kind, actor_id, source, occurred_at, recorded_at)
    SELECT entry.id, entry.level_id, entry.version, entry.kind, entry.delta, 0, 0, entry.on_hand, p.allocated, p.held,
           entry.counterparty, entry.reason, entry.cause_type, entry.cause_id, %(actor_kind)s, %(actor_id)s, %(source)s,
           entry.occurred_at, p.recorded_at
    FROM (
        SELECT {_OPENING_ID} AS id, p.id AS level_id, p.version + 1 AS version, '{EntryKind.RECEIVED}' AS kind,
               p.more AS delta, p.on_hand + p.more AS on_hand, '{Counterparty.SUPPLIER}' AS counterparty,
               '{DERIVED_OPENING}' AS reason, 'import' AS cause_type, '' AS cause_id, p.begins_at AS occurred_at
        FROM plan p WHERE p.more > 0
        UNION ALL
        SELECT m.id, m.level_id, p.version + (p.more > 0)::int + m.place, m.kind, m.delta, p.on_hand + p.more + m.running,
               m.counterparty, m.reason, m.cause_type, m.cause_id, m.occurred_at
        FROM moves m JOIN plan p ON p.id = m.level_id WHERE m.is_new
        UNION ALL
        SELECT {_OPENING_ID}, p.id, p.version + (p.more > 0)::int + p.new_entries + 1, '{EntryKind.CORRECTED}',
               -p.less, p.on_hand + p.more + p.total - p.less, '{Counterparty.SUPPLIER}', '{DERIVED_OPENING}', 'import', '',
               p.begins_at
        FROM plan p WHERE p.less > 0
    ) entry JOIN plan p ON p.id = entry.level_id
    ORDER BY entry.level_id, entry.version
)
SELECT c.*, p.new_entries, p.more - p.less AS opened FROM changed c JOIN plan p ON p.id = c.id ORDER BY c.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMovement:
    """One movement that happened before it is recorded. `id` names it for ever; `delta` is the change of on hand."""

    id: UUID
    product_id: int
    location_id: int
    kind: EntryKind
    delta: int
    counterparty: Counterparty
    occurred_at: datetime
    sequence: int = 0
    condition: Condition = Condition.SELLABLE
    reason: str = ""
    cause_type: str = ""
    cause_id: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording wrote: levels touched, movements that were new, and pieces that derived openings brought."""

    levels: int
    movements: int
    opening_pieces: int


@transaction_required
def open_inbox() -> None:
    """Make the connection's inbox for past movements, empty."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN)


@transaction_required
def stage(movements: Iterable[PastMovement]) -> None:
    """Put movements into the open inbox by COPY, streaming."""
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {INBOX} ({', '.join(INBOX_COLUMNS)}) FROM STDIN", _Stream(map(_line, movements)))


@transaction_required
def record(*, source: str, by: Actor, at: datetime) -> Recorded:
    """Write the inbox into the journal and empty it: gapless versions in time order, levels exact, never below zero.

    Needs in the inbox the whole history of `source` for every level in it, recorded or not. Movements that are in the
    journal already (by id) are not written again. Levels are locked in key order, what is promised on them stays covered,
    and each tells one `inventory.stock_changed`.
    Raises: ValueError for more than MOST_LEVELS levels; Busy (through the transaction).
    """
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {INBOX}")  # or the plan is made for a table of unknown size
        cursor.execute(_LEVELS)
        keys = [LevelKey(*row) for row in cursor.fetchall()]
        if len(keys) > MOST_LEVELS:
            raise ValueError(f"at most {MOST_LEVELS} levels at once, not {len(keys)}")
        ledger.lock(keys, at=at, create=True)
        cursor.execute(_RECORD, {"source": source, "at": at, "actor_kind": by.kind.value, "actor_id": by.id})
        rows = cursor.fetchall()
        cursor.execute(f"TRUNCATE {INBOX}")
    outbox.publish(
        [
            StockChanged(
                aggregate_sequence=version,
                occurred_at=at,
                level_id=level_id,
                product_id=product_id,
                location_id=location_id,
                condition=condition,
                on_hand=on_hand,
                allocated=allocated,
                held=held,
            )
            for level_id, product_id, location_id, condition, on_hand, allocated, held, version, _, _ in rows
        ],
        by=by,
    )
    return Recorded(len(rows), sum(row[8] for row in rows), sum(row[9] for row in rows))


class _Stream:
    """Lines as the file that COPY reads from, a block at a time."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines

    def read(self, size: int = -1) -> str:
        block, length = [], 0
        for line in self.lines:
            block.append(line)
            length += len(line)
            if 0 <= size - 1_000 < length:
                break
        return "".join(block)


def _line(movement: PastMovement) -> str:
    values = (
        movement.id, movement.product_id, movement.location_id, movement.condition.value, movement.kind.value, movement.delta,
        movement.counterparty.value, movement.reason, movement.cause_type, movement.cause_id,
        movement.occurred_at.isoformat(), movement.sequence,
    )  # fmt: skip
    return "\t".join(_escaped(str(value)) for value in values) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
