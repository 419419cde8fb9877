"""The laws of stock, proven over the whole journal: set-based, each a SELECT of what breaks it."""

from commerce.operations import checks

_LEVEL = "'level ' || l.id || ' (' || p.sku || ' at ' || place.code || ', ' || l.condition || ')'"
_NAMES = """
    JOIN commerce_product p ON p.id = l.product_id
    JOIN inventory_location place ON place.id = l.location_id
"""

checks.register(
    "inventory: versions have no gap and every entry continues the one before it (law 2)",
    """
    SELECT 'level ' || level_id || ', entry ' || version AS what,
           'version ' || place || ': ' || on_hand_before + on_hand_delta || ' on hand, ' || allocated_before + allocated_delta
               || ' allocated, ' || held_before + held_delta || ' held' AS expected,
           'version ' || version || ': ' || on_hand_after || ' on hand, ' || allocated_after || ' allocated, '
               || held_after || ' held' AS found
    FROM (
        SELECT level_id, version, on_hand_delta, allocated_delta, held_delta, on_hand_after, allocated_after, held_after,
               row_number() OVER entries AS place,
               lag(on_hand_after, 1, 0::bigint) OVER entries AS on_hand_before,
               lag(allocated_after, 1, 0::bigint) OVER entries AS allocated_before,
               lag(held_after, 1, 0::bigint) OVER entries AS held_before
        FROM inventory_stockentry WINDOW entries AS (PARTITION BY level_id ORDER BY version)
    ) entry
    WHERE version <> place OR on_hand_after <> on_hand_before + on_hand_delta
       OR allocated_after <> allocated_before + allocated_delta OR held_after <> held_before + held_delta
    """,
)
checks.register(
    "inventory: a level is the sum of its entries (law 2)",
    f"""
    SELECT {_LEVEL} AS what,
           coalesce(e.on_hand, 0) || ' on hand, ' || coalesce(e.allocated, 0) || ' allocated, ' || coalesce(e.held, 0)
               || ' held, version ' || coalesce(e.version, 0) AS expected,
           l.on_hand || ' on hand, ' || l.allocated || ' allocated, ' || l.held || ' held, version ' || l.version AS found
    FROM inventory_stocklevel l {_NAMES}
    LEFT JOIN (
        SELECT level_id, sum(on_hand_delta) AS on_hand, sum(allocated_delta) AS allocated, sum(held_delta) AS held,
               max(version) AS version
        FROM inventory_stockentry GROUP BY level_id
    ) e ON e.level_id = l.id
    WHERE l.on_hand <> coalesce(e.on_hand, 0) OR l.allocated <> coalesce(e.allocated, 0) OR l.held <> coalesce(e.held, 0)
       OR l.version <> coalesce(e.version, 0)
    ORDER BY l.id
    """,
)
checks.register(
    "inventory: a level says what its last entry says (law 2)",
    f"""
    SELECT {_LEVEL} AS what,
           e.on_hand_after || ' on hand, ' || e.allocated_after || ' allocated, ' || e.held_after || ' held' AS expected,
           l.on_hand || ' on hand, ' || l.allocated || ' allocated, ' || l.held || ' held' AS found
    FROM inventory_stocklevel l {_NAMES}
    JOIN inventory_stockentry e ON e.level_id = l.id AND e.version = l.version
    WHERE (l.on_hand, l.allocated, l.held) <> (e.on_hand_after, e.allocated_after, e.held_after) ORDER BY l.id
    """,
)
checks.register(
    "inventory: every entry belongs to a level",
    """
    SELECT 'entry ' || e.id AS what, 'a level ' || e.level_id AS expected, 'none' AS found
    FROM inventory_stockentry e WHERE NOT EXISTS (SELECT FROM inventory_stocklevel l WHERE l.id = e.level_id)
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
    "inventory: no entry left a level below zero (law 3)",
    """
    SELECT 'level ' || level_id || ', entry ' || version AS what, 'nothing below 0' AS expected,
           on_hand_after || ' on hand, ' || allocated_after || ' allocated, ' || held_after || ' held' AS found
    FROM inventory_stockentry WHERE on_hand_after < 0 OR allocated_after < 0 OR held_after < 0
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
)
checks.register(
    "inventory: every movement of goods names where from and where to (law 4)",
    """
    SELECT 'level ' || level_id || ', entry ' || version AS what,
           CASE WHEN on_hand_delta = 0 THEN 'no counterparty' WHEN counterparty = 'level' THEN 'a transfer'
                ELSE 'a counterparty' END AS expected,
           on_hand_delta || ' pieces, counterparty ' || coalesce(nullif(counterparty, ''), 'none') AS found
    FROM inventory_stockentry
    WHERE (on_hand_delta <> 0) <> (counterparty <> '') OR (counterparty = 'level' AND transfer_id IS NULL)
    """,
)
checks.register(
    "inventory: charges have no stock",
    f"""
    SELECT {_LEVEL} AS what, 'no level' AS expected, 'version ' || l.version AS found
    FROM inventory_stocklevel l {_NAMES} WHERE p.kind = 'charge' AND l.version > 0 ORDER BY l.id
    """,
)
