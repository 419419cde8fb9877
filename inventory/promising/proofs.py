"""The proofs of promises: what is promised beyond what is there waits, within its limit, and for a claim that stands."""

from commerce.operations import checks

_WAITING = """
    SELECT level_id, sum(quantity - filled - released) AS pieces FROM inventory_backorder
    WHERE quantity > filled + released GROUP BY level_id
"""

checks.register(
    "inventory: what is promised beyond what is there waits for goods, within the level's limit (law 3)",
    f"""
    SELECT p.sku || ' at ' || place.code || ', ' || l.condition AS what,
           'from ' || greatest(l.allocated + l.held - l.on_hand, 0) || ' to ' || l.backorder_limit || ' waiting' AS expected,
           coalesce(w.pieces, 0) || ' waiting' AS found
    FROM inventory_stocklevel l
    JOIN commerce_product p ON p.id = l.product_id
    JOIN inventory_location place ON place.id = l.location_id
    LEFT JOIN ({_WAITING}) w ON w.level_id = l.id
    WHERE (l.backorder_limit > 0 OR w.pieces > 0)
      AND (coalesce(w.pieces, 0) < l.allocated + l.held - l.on_hand OR coalesce(w.pieces, 0) > l.backorder_limit)
    ORDER BY l.id
    """,
)
checks.register(
    "inventory: no more waits for a hold or an order line than it still has (law 7)",
    """
    SELECT b.claim_kind || ' ' || b.claim_id AS what, 'at most ' || coalesce(a.pieces, h.pieces, 0) AS expected,
           (b.quantity - b.filled - b.released) || ' waiting' AS found
    FROM inventory_backorder b
    LEFT JOIN LATERAL (
        SELECT quantity - shipped - released AS pieces FROM inventory_allocation WHERE id = b.claim_id
    ) a ON b.claim_kind = 'allocation'
    LEFT JOIN LATERAL (
        SELECT quantity AS pieces FROM inventory_hold WHERE id = b.claim_id AND state = 'active'
    ) h ON b.claim_kind = 'hold'
    WHERE b.quantity - b.filled - b.released > coalesce(a.pieces, h.pieces, 0) ORDER BY b.id
    """,
)
