"""The laws of stock, proven over the whole journal: set-based, each a SELECT of what breaks it.

The journal is read once, a portion of levels at a time. What is sealed was proven when it was sealed (`inventory.seals`), so
a fresh proof reads what came after the seals.
"""

from collections.abc import Sequence

from django.db import connection

from commerce.operations import checks
from inventory.procurement import proofs as supply_proofs  # noqa: F401 (their own proofs)
from inventory.promising import proofs as promise_proofs  # noqa: F401
from inventory.transport import proofs as transfer_proofs  # noqa: F401

_LEVEL = "'level ' || l.id || ' (' || p.sku || ' at ' || place.code || ', ' || l.condition || ')'"
_NAMES = """
    JOIN commerce_product p ON p.id = l.product_id
    JOIN inventory_location place ON place.id = l.location_id
"""

# --- the journal, read once in the order of levels and versions --------------------------------------------------------

# Each entry beside the one before it; `start` is what a level was before its first entry that is read.
_READ = """
    SELECT e.level_id, e.version, e.on_hand_delta, e.allocated_delta, e.held_delta, e.on_hand_after, e.allocated_after,
           e.held_after, e.counterparty, e.transfer_id, e.recorded_at,
           lag(e.version, 1, {start}.version) OVER entries AS version_before,
           lag(e.on_hand_after, 1, {start}.on_hand) OVER entries AS on_hand_before,
           lag(e.allocated_after, 1, {start}.allocated) OVER entries AS allocated_before,
           lag(e.held_after, 1, {start}.held) OVER entries AS held_before,
           lag(e.recorded_at, 1, {start}.recorded_at) OVER entries AS recorded_before
    FROM {entries} WINDOW entries AS (PARTITION BY e.level_id ORDER BY e.version)
"""
_JUDGE = """
SELECT breach.law, 'level ' || entry.level_id || ', entry ' || entry.version AS what, breach.expected, breach.found
FROM ({read}) entry
CROSS JOIN LATERAL (
    SELECT 'chain' AS law,
           'version ' || version_before + 1 || ': ' || on_hand_before + on_hand_delta || ' on hand, '
               || allocated_before + allocated_delta || ' allocated, ' || held_before + held_delta || ' held' AS expected,
           'version ' || version || ': ' || on_hand_after || ' on hand, ' || allocated_after || ' allocated, '
               || held_after || ' held' AS found
    WHERE version <> version_before + 1 OR on_hand_after <> on_hand_before + on_hand_delta
       OR allocated_after <> allocated_before + allocated_delta OR held_after <> held_before + held_delta
    UNION ALL
    SELECT 'time', 'not before ' || recorded_before, recorded_at::text WHERE recorded_at < recorded_before
    UNION ALL
    SELECT 'sign', 'nothing below 0',
           on_hand_after || ' on hand, ' || allocated_after || ' allocated, ' || held_after || ' held'
    WHERE on_hand_after < 0 OR allocated_after < 0 OR held_after < 0
    UNION ALL
    SELECT 'boundary', CASE WHEN on_hand_delta = 0 THEN 'no counterparty' WHEN counterparty = 'level' THEN 'a transfer'
                            ELSE 'a counterparty' END,
           on_hand_delta || ' pieces, counterparty ' || coalesce(nullif(counterparty, ''), 'none')
    WHERE (on_hand_delta <> 0) <> (counterparty <> '') OR (counterparty = 'level' AND transfer_id IS NULL)
    UNION ALL
    SELECT 'orphan', 'a level ' || entry.level_id, 'none'
    WHERE version_before = 0 AND NOT EXISTS (SELECT FROM inventory_stocklevel l WHERE l.id = entry.level_id)
) breach
-- Asked once more before the parts, so that of a right entry nothing else is worked out.
WHERE version <> version_before + 1 OR on_hand_after <> on_hand_before + on_hand_delta
   OR allocated_after <> allocated_before + allocated_delta OR held_after <> held_before + held_delta
   OR recorded_at < recorded_before OR on_hand_after < 0 OR allocated_after < 0 OR held_after < 0
   OR (on_hand_delta <> 0) <> (counterparty <> '') OR (counterparty = 'level' AND transfer_id IS NULL) OR version_before = 0
"""
_NOTHING = """(SELECT 0::bigint AS version, 0::bigint AS on_hand, 0::bigint AS allocated, 0::bigint AS held,
    NULL::timestamptz AS recorded_at) nothing"""
_WHOLE = _JUDGE.format(
    read=_READ.format(
        start="nothing",
        entries=f"inventory_stockentry e CROSS JOIN {_NOTHING} WHERE e.level_id > %(after)s AND e.level_id <= %(until)s",
    )
)
_SPANS = """
(
    SELECT s.level_id, s.from_version AS version, coalesce(b.on_hand_after, 0) AS on_hand,
           coalesce(b.allocated_after, 0) AS allocated, coalesce(b.held_after, 0) AS held, b.recorded_at, s.to_version
    FROM ({spans}) s
    LEFT JOIN inventory_stockentry b ON b.level_id = s.level_id AND b.version = s.from_version
) span
CROSS JOIN LATERAL (
    SELECT * FROM inventory_stockentry of_level
    WHERE of_level.level_id = span.level_id AND of_level.version > span.version AND of_level.version <= span.to_version
) e
"""
_UNSEALED = f"""
    SELECT l.id AS level_id, coalesce(m.version, 0) AS from_version, {checks.END} AS to_version
    FROM inventory_stocklevel l LEFT JOIN inventory_sealedlevel m ON m.level_id = l.id
    WHERE l.version > coalesce(m.version, 0)
"""
_FRESH = _JUDGE.format(
    read=_READ.format(
        start="span",
        entries=_SPANS.format(spans=f"{_UNSEALED} AND l.id > %(after)s AND l.id <= %(until)s"),
    )
)
_GIVEN = _JUDGE.format(
    read=_READ.format(
        start="span",
        entries=_SPANS.format(
            spans="SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS given (level_id, from_version, to_version)"
        ),
    )
)
_PORTIONS = """
SELECT max(id), sum(entries) FROM (
    SELECT l.id, l.version - {proven} AS entries, div(sum(l.version - {proven}) OVER (ORDER BY l.id) - 1, {size}) AS portion
    FROM inventory_stocklevel l {marks} WHERE l.version > {proven}
) level GROUP BY portion ORDER BY portion
"""
ENTRIES_AT_ONCE = 250_000  # of a portion; a level with more is a portion of its own, read in order all the same

LAWS = {
    "chain": "inventory: versions have no gap and every entry continues the one before it (law 2)",
    "time": "inventory: entries of a level are recorded in the order of time (law 2)",
    "sign": "inventory: no entry left a level below zero (law 3)",
    "boundary": "inventory: every movement of goods names where from and where to (law 4)",
    "orphan": "inventory: every entry belongs to a level",
}
checks.register_pass(
    "inventory: the journal",
    checks.Pass(
        LAWS,
        whole=checks.Question(_PORTIONS.format(proven="0", marks="", size=ENTRIES_AT_ONCE), _WHOLE),
        fresh=checks.Question(
            _PORTIONS.format(
                proven="coalesce(m.version, 0)",
                marks="LEFT JOIN inventory_sealedlevel m ON m.level_id = l.id",
                size=ENTRIES_AT_ONCE,
            ),
            _FRESH,
        ),
    ),
)


def breaches(
    level_ids: Sequence[int], from_versions: Sequence[int], to_versions: Sequence[int]
) -> dict[int, checks.Finding]:
    """Prove the entries of versions (from, to] of each level; return the first breach of every level that has one."""
    found: dict[int, checks.Finding] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT split_part(what, ' ', 2)::text, finding.* FROM ({_GIVEN}) finding",
            [list(level_ids), list(from_versions), list(to_versions)],
        )
        for level, law, *row in cursor.fetchall():
            found.setdefault(int(level.rstrip(",")), checks.Finding(LAWS[law], *map(str, row)))
    return found


# --- levels ---------------------------------------------------------------------------------------------------------

checks.register(
    # Every entry continues the one before it, from nothing on: so the last one is the sum of all.
    "inventory: a level is the sum of its entries (law 2)",
    f"""
    SELECT {_LEVEL} AS what,
           coalesce(e.on_hand_after, 0) || ' on hand, ' || coalesce(e.allocated_after, 0) || ' allocated, '
               || coalesce(e.held_after, 0) || ' held, version ' || coalesce(e.version, 0) AS expected,
           l.on_hand || ' on hand, ' || l.allocated || ' allocated, ' || l.held || ' held, version ' || l.version AS found
    FROM inventory_stocklevel l {_NAMES}
    LEFT JOIN LATERAL (
        SELECT version, on_hand_after, allocated_after, held_after FROM inventory_stockentry of_level
        WHERE of_level.level_id = l.id ORDER BY of_level.version DESC LIMIT 1
    ) e ON true
    WHERE l.on_hand <> coalesce(e.on_hand_after, 0) OR l.allocated <> coalesce(e.allocated_after, 0)
       OR l.held <> coalesce(e.held_after, 0) OR l.version <> coalesce(e.version, 0)
    ORDER BY l.id
    """,
)
checks.register(
    "inventory: nothing is below zero or promised twice (law 3)",
    f"""
    SELECT {_LEVEL} AS what, 'allocated + held at most on hand + ' || l.backorder_limit AS expected,
           l.on_hand || ' on hand, ' || l.allocated || ' allocated, ' || l.held || ' held' AS found
    FROM inventory_stocklevel l {_NAMES}
    WHERE l.on_hand < 0 OR l.allocated < 0 OR l.held < 0 OR l.allocated + l.held > l.on_hand + l.backorder_limit
    ORDER BY l.id
    """,
)
checks.register(
    "inventory: held is the sum of active holds, expired but unswept ones included (law 5)",
    f"""
    SELECT {_LEVEL} AS what, coalesce(h.quantity, 0) || ' held' AS expected, l.held || ' held' AS found
    FROM inventory_stocklevel l {_NAMES}
    LEFT JOIN (SELECT level_id, sum(quantity) AS quantity FROM inventory_hold WHERE state = 'active' GROUP BY level_id) h
        ON h.level_id = l.id
    WHERE l.held <> coalesce(h.quantity, 0) ORDER BY l.id
    """,
)
checks.register(
    "inventory: allocated is the sum of what allocations still promise (law 7)",
    f"""
    SELECT {_LEVEL} AS what, coalesce(a.quantity, 0) || ' allocated' AS expected, l.allocated || ' allocated' AS found
    FROM inventory_stocklevel l {_NAMES}
    LEFT JOIN (
        SELECT level_id, sum(quantity - shipped - released) AS quantity FROM inventory_allocation
        WHERE quantity > shipped + released GROUP BY level_id
    ) a ON a.level_id = l.id
    WHERE l.allocated <> coalesce(a.quantity, 0) ORDER BY l.id
    """,
)
checks.register(
    "inventory: what leaves one level arrives at another (law 4)",
    """
    SELECT 'transfer ' || transfer_id AS what, 'a sum of 0' AS expected, sum(on_hand_delta)::text AS found
    FROM inventory_stockentry WHERE transfer_id IS NOT NULL GROUP BY transfer_id HAVING sum(on_hand_delta) <> 0
    """,
    fresh=f"""
    SELECT 'transfer ' || transfer_id AS what, 'a sum of 0' AS expected, sum(on_hand_delta)::text AS found
    FROM inventory_stockentry WHERE transfer_id IN (
        SELECT e.transfer_id FROM ({_UNSEALED}) s
        JOIN inventory_stockentry e ON e.level_id = s.level_id AND e.version > s.from_version
        WHERE e.transfer_id IS NOT NULL
    ) GROUP BY transfer_id HAVING sum(on_hand_delta) <> 0
    """,
)
checks.register(
    "inventory: charges have no stock",
    f"""
    SELECT {_LEVEL} AS what, 'no level' AS expected, 'version ' || l.version AS found
    FROM inventory_stocklevel l {_NAMES} WHERE p.kind = 'charge' AND l.version > 0 ORDER BY l.id
    """,
)
