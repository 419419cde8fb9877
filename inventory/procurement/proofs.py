"""The proofs of supply: what orders say of the goods that came is what the journal booked for them."""

from commerce.operations import checks

checks.register(
    "inventory: what came on a purchase order is what the journal booked for it (law 2)",
    """
    SELECT 'purchase order ' || coalesce(o.number, j.cause_id) || ', ' || p.sku AS what,
           coalesce(j.pieces, 0) || ' received' AS expected, coalesce(l.pieces, 0) || ' received' AS found
    FROM (
        SELECT order_id::text AS cause_id, product_id, sum(received) AS pieces FROM inventory_purchaseorderline
        WHERE received > 0 GROUP BY order_id, product_id
    ) l
    FULL JOIN (
        SELECT e.cause_id, level.product_id, sum(e.on_hand_delta) AS pieces
        FROM inventory_stockentry e JOIN inventory_stocklevel level ON level.id = e.level_id
        WHERE e.cause_type = 'purchase_order' AND e.kind = 'received' GROUP BY e.cause_id, level.product_id
    ) j ON j.cause_id = l.cause_id AND j.product_id = l.product_id
    JOIN commerce_product p ON p.id = coalesce(l.product_id, j.product_id)
    LEFT JOIN inventory_purchaseorder o ON o.id::text = coalesce(l.cause_id, j.cause_id)
    WHERE coalesce(l.pieces, 0) <> coalesce(j.pieces, 0) ORDER BY 1
    """,
)
checks.register(
    "inventory: a purchase order's state is what its lines say",
    """
    SELECT 'purchase order ' || o.number AS what,
           CASE WHEN l.came = 0 THEN 'ordered' WHEN l.is_whole THEN 'received' ELSE 'partly_received' END AS expected,
           o.state AS found
    FROM inventory_purchaseorder o
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(received), 0) AS came, coalesce(bool_and(received >= quantity), false) AS is_whole
        FROM inventory_purchaseorderline WHERE order_id = o.id
    ) l
    WHERE (o.state IN ('draft', 'approved', 'ordered', 'cancelled') AND l.came > 0)
       OR (o.state = 'partly_received' AND (l.came = 0 OR l.is_whole))
       OR (o.state = 'received' AND NOT l.is_whole)
    ORDER BY o.number
    """,
)
