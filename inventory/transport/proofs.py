"""The proofs of transfers: what their lines say was sent, came, got lost or went back is what the journal booked."""

from commerce.operations import checks

checks.register(
    "inventory: what a transfer says of its goods is what the journal booked for it (law 7)",
    """
    SELECT 'transfer ' || coalesce(t.number, j.id::text) || ', ' || p.sku AS what,
           coalesce(j.sent, 0) || ' sent, ' || coalesce(j.received, 0) || ' received, ' || coalesce(j.lost, 0) || ' lost, '
               || coalesce(j.returned, 0) || ' returned' AS expected,
           coalesce(l.sent, 0) || ' sent, ' || coalesce(l.received, 0) || ' received, ' || coalesce(l.lost, 0) || ' lost, '
               || coalesce(l.returned, 0) || ' returned' AS found
    FROM (
        SELECT line.transfer_id AS id, line.product_id, line.quantity AS sent, line.received, line.lost, line.returned
        FROM inventory_transferline line JOIN inventory_transfer sent ON sent.id = line.transfer_id
        WHERE sent.sent_at IS NOT NULL
    ) l
    FULL JOIN (
        SELECT moved.id, level.product_id,
               -sum(e.on_hand_delta) FILTER (WHERE level.location_id = moved.origin_id AND e.kind = 'moved_out') AS sent,
               sum(e.on_hand_delta) FILTER (
                   WHERE level.location_id = moved.destination_id AND e.kind = 'moved_in' AND level.condition <> 'in_transit'
               ) AS received,
               -sum(e.on_hand_delta) FILTER (WHERE e.kind = 'written_off') AS lost,
               sum(e.on_hand_delta) FILTER (WHERE level.location_id = moved.origin_id AND e.kind = 'moved_in') AS returned
        FROM inventory_stockentry e
        JOIN inventory_stocklevel level ON level.id = e.level_id
        JOIN inventory_transfer moved ON moved.id::text = e.cause_id
        WHERE e.cause_type = 'transfer' GROUP BY moved.id, level.product_id
    ) j ON j.id = l.id AND j.product_id = l.product_id
    JOIN commerce_product p ON p.id = coalesce(l.product_id, j.product_id)
    LEFT JOIN inventory_transfer t ON t.id = coalesce(l.id, j.id)
    WHERE (coalesce(l.sent, 0), coalesce(l.received, 0), coalesce(l.lost, 0), coalesce(l.returned, 0))
       <> (coalesce(j.sent, 0), coalesce(j.received, 0), coalesce(j.lost, 0), coalesce(j.returned, 0))
    ORDER BY 1
    """,
)
checks.register(
    "inventory: goods in transit are what open transfers still bring (law 4)",
    """
    SELECT p.sku || ' to ' || place.code AS what, coalesce(t.pieces, 0) || ' on the way' AS expected,
           coalesce(l.on_hand, 0) || ' in transit' AS found
    FROM (
        SELECT product_id, location_id, on_hand FROM inventory_stocklevel WHERE condition = 'in_transit' AND on_hand <> 0
    ) l
    FULL JOIN (
        SELECT line.product_id, sent.destination_id AS location_id,
               sum(line.quantity - line.received - line.lost - line.returned) AS pieces
        FROM inventory_transfer sent JOIN inventory_transferline line ON line.transfer_id = sent.id
        WHERE sent.state IN ('sent', 'partly_received') GROUP BY line.product_id, sent.destination_id
    ) t ON t.product_id = l.product_id AND t.location_id = l.location_id
    JOIN commerce_product p ON p.id = coalesce(l.product_id, t.product_id)
    JOIN inventory_location place ON place.id = coalesce(l.location_id, t.location_id)
    WHERE coalesce(l.on_hand, 0) <> coalesce(t.pieces, 0) ORDER BY 1
    """,
)
checks.register(
    "inventory: a transfer's state is what its lines say",
    """
    SELECT 'transfer ' || t.number AS what,
           CASE WHEN t.sent_at IS NULL THEN 'nothing moved' WHEN l.open = 0 THEN 'received or cancelled' ELSE 'on the way' END
               AS expected, replace(t.state, '_', ' ') AS found
    FROM inventory_transfer t
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(quantity - received - lost - returned), 0) AS open, coalesce(sum(received), 0) AS came,
               coalesce(sum(received + lost + returned), 0) AS settled
        FROM inventory_transferline WHERE transfer_id = t.id
    ) l
    WHERE (t.sent_at IS NULL AND (t.state NOT IN ('draft', 'cancelled') OR l.settled > 0))
       OR (t.sent_at IS NOT NULL AND (t.state IN ('received', 'cancelled')) <> (l.open = 0))
       OR (t.state = 'cancelled' AND l.came > 0) OR (t.state = 'sent' AND l.settled > 0)
    ORDER BY t.number
    """,
)
