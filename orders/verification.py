"""What orders owe the books: nothing stays promised for work that is over, and history and journal say the same."""

from collections.abc import Iterable

from commerce.operations import checks
from orders.lifecycle import STATUS_OF, TERMINAL, Method, OrderStatus, State
from orders.sales_mapping import LineKind


def _listed(states: Iterable[State]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


_OVER = _listed(TERMINAL)
# Goods that travel to a store, or wait there, left the shelves for their customer when they were sent.
_LEFT_FOR_STORE = (
    f"f.method = '{Method.SHIP_TO_STORE}' AND f.state IN ({_listed([State.UNDER_WAY, State.READY, State.NO_SHOW])})"
)
_NOBODY_COMES = _listed([State.CANCELLED, State.REJECTED])
_STATUS = " ".join(
    f"WHEN bool_or(f.state IN ({_listed(states)})) THEN '{status}'" for status, states in STATUS_OF.items()
)

checks.register(
    "orders: the status of an order is what its fulfilments come to",
    f"""
    SELECT 'order ' || o.number AS what, computed.status AS expected, o.status AS found
    FROM orders_order o
    LEFT JOIN (
        SELECT f.order_id, CASE {_STATUS} END AS status FROM orders_fulfilment f GROUP BY f.order_id
    ) computed ON computed.order_id = o.id
    WHERE o.status <> coalesce(computed.status, CASE
        WHEN EXISTS (SELECT FROM orders_orderline line WHERE line.order_id = o.id AND line.quantity > line.cancelled)
        THEN '{OrderStatus.OPEN}' ELSE '{OrderStatus.CANCELLED}' END) ORDER BY o.number
    """,
)
checks.register(
    "orders: an order that stands is worked on somewhere or is being routed, and what is being routed is promised in all",
    f"""
    SELECT 'order ' || o.number AS what, 'a fulfilment or a portion without a place, promised' AS expected, 'neither' AS found
    FROM orders_order o WHERE o.status = '{OrderStatus.OPEN}'
      AND NOT EXISTS (SELECT FROM orders_fulfilment f WHERE f.order_id = o.id)
      AND NOT EXISTS (
        SELECT FROM orders_unroutedportion p WHERE p.order_id = o.id AND p.routed_at IS NULL AND p.withdrawn_at IS NULL)
    UNION ALL
    SELECT 'portion ' || p.id,
           CASE WHEN p.routed_at IS NULL AND p.withdrawn_at IS NULL THEN l.quantity ELSE 0 END || ' pieces promised',
           coalesce(d.quantity - d.routed - d.withdrawn, 0) || ' pieces promised'
    FROM orders_unroutedportion p JOIN orders_unroutedline l ON l.portion_id = p.id
    LEFT JOIN inventory_unrouteddemand d ON d.id = l.id
    WHERE coalesce(d.quantity - d.routed - d.withdrawn, 0)
          <> CASE WHEN p.routed_at IS NULL AND p.withdrawn_at IS NULL THEN l.quantity ELSE 0 END
    """,
)
checks.register(
    "orders: an order says what it is held for, and what is over is held for nothing",
    f"""
    SELECT 'order ' || o.number AS what, coalesce(array_to_string(open.kinds, ', '), 'nothing') AS expected,
           coalesce(nullif(array_to_string(o.held_for, ', '), ''), 'nothing') AS found
    FROM orders_order o
    LEFT JOIN (
        SELECT h.order_id, array_agg(h.kind ORDER BY h.kind) AS kinds FROM orders_orderhold h
        WHERE h.released_at IS NULL
          AND (EXISTS (SELECT FROM orders_fulfilment f WHERE f.order_id = h.order_id AND f.state NOT IN ({_OVER}))
               OR NOT EXISTS (SELECT FROM orders_fulfilment f WHERE f.order_id = h.order_id))
        GROUP BY h.order_id
    ) open ON open.order_id = o.id
    WHERE (o.held_for <> '{{}}' OR open.kinds IS NOT NULL) AND o.held_for IS DISTINCT FROM open.kinds::varchar[]
    ORDER BY o.number
    """,
)
checks.register(
    "orders: work that is over owns no allocation (law 7)",
    f"""
    SELECT 'fulfilment ' || f.id || ' (' || f.state || ')' AS what, 'nothing allocated' AS expected,
           sum(a.quantity - a.shipped - a.released) || ' pieces allocated' AS found
    FROM orders_fulfilment f
    JOIN orders_fulfilmentline line ON line.fulfilment_id = f.id
    JOIN inventory_allocation a ON a.id = line.allocation_id
    WHERE f.state IN ({_OVER}) AND a.quantity > a.shipped + a.released
    GROUP BY f.id, f.state ORDER BY f.id
    """,
)
checks.register(
    "orders: a place in a pickup window or a day is given back when nobody will come, and only then (law 10)",
    f"""
    SELECT 'fulfilment ' || f.id || ' (' || f.state || ')' AS what,
           CASE WHEN f.state IN ({_NOBODY_COMES}) THEN 'released' ELSE 'committed' END AS expected, h.state AS found
    FROM orders_fulfilment f
    CROSS JOIN LATERAL unnest(f.day_hold_ids || f.slot_hold_id) AS held (id)
    JOIN commerce_quotahold h ON h.id = held.id
    WHERE h.state <> CASE WHEN f.state IN ({_NOBODY_COMES}) THEN 'released' ELSE 'committed' END ORDER BY f.id
    """,
)
checks.register(
    "orders: an allocation promises to a line of a living fulfilment (law 7)",
    f"""
    SELECT 'allocation ' || a.id AS what, 'a fulfilment line of open work' AS expected, 'none' AS found
    FROM inventory_allocation a
    JOIN orders_orderline line ON line.id = a.demand_id
    WHERE a.quantity > a.shipped + a.released
      AND NOT EXISTS (
          SELECT FROM orders_fulfilmentline owed JOIN orders_fulfilment f ON f.id = owed.fulfilment_id
          WHERE owed.allocation_id = a.id AND f.state NOT IN ({_OVER}))
    ORDER BY a.id
    """,
)
checks.register(
    "orders: a fulfilment line is not promised more than its allocation left (law 7)",
    f"""
    SELECT 'fulfilment line ' || line.id AS what,
           greatest(line.quantity - line.rejected, 0) || ' pieces allocated' AS expected,
           a.quantity - a.shipped - a.released || ' pieces allocated' AS found
    FROM orders_fulfilmentline line
    JOIN orders_fulfilment f ON f.id = line.fulfilment_id AND f.state NOT IN ({_OVER}) AND NOT ({_LEFT_FOR_STORE})
    JOIN inventory_allocation a ON a.id = line.allocation_id
    WHERE a.quantity - a.shipped - a.released <> greatest(line.quantity - line.rejected, 0) ORDER BY line.id
    """,
)
checks.register(
    "orders: what travels to a store, or waits there, has left its shelves, and each piece of it is in one parcel",
    f"""
    SELECT 'fulfilment line ' || line.id AS what, line.picked || ' pieces in parcels, nothing allocated' AS expected,
           coalesce(packed.pieces, 0) || ' pieces in parcels, ' || a.quantity - a.shipped - a.released || ' allocated' AS found
    FROM orders_fulfilmentline line
    JOIN orders_fulfilment f ON f.id = line.fulfilment_id AND {_LEFT_FOR_STORE}
    JOIN orders_orderline wanted ON wanted.id = line.order_line_id
    JOIN inventory_allocation a ON a.id = line.allocation_id
    LEFT JOIN LATERAL (
        SELECT sum(inside.quantity) AS pieces FROM orders_parcelline inside
        JOIN orders_parcel parcel ON parcel.id = inside.parcel_id
        WHERE inside.line_id = line.id AND parcel.lost_at IS NULL) packed ON true
    WHERE a.quantity > a.shipped + a.released
       OR (f.origin_id IS NOT NULL AND wanted.product_id = line.product_id AND coalesce(packed.pieces, 0) <> line.picked)
    ORDER BY line.id
    """,
)
checks.register(
    "orders: what waits at a store to which it was sent has no parcel on the way any more",
    f"""
    SELECT 'parcel ' || p.id AS what, 'here or lost' AS expected, 'on its way' AS found
    FROM orders_parcel p JOIN orders_fulfilment f ON f.id = p.fulfilment_id
    WHERE f.method = '{Method.SHIP_TO_STORE}' AND p.left_at IS NOT NULL AND p.arrived_at IS NULL AND p.lost_at IS NULL
      AND (f.state NOT IN ('{State.UNDER_WAY}', '{State.CANCELLED}') OR f.state = '{State.CANCELLED}' AND NOT f.is_on_shelf)
    ORDER BY p.id
    """,
)
checks.register(
    "orders: of a kit whole kits are rejected, so its components lack the same number of them (law 6)",
    """
    SELECT 'fulfilment ' || fulfilment_id || ', order line ' || order_line_id AS what, 'as many kits of each component' AS expected,
           string_agg((quantity - rejected) / per_unit || '', ', ' ORDER BY product_id) AS found
    FROM orders_fulfilmentline GROUP BY fulfilment_id, order_line_id
    HAVING min((quantity - rejected) / per_unit) <> max((quantity - rejected) / per_unit) ORDER BY fulfilment_id
    """,
)
checks.register(
    "orders: every past movement of goods is in the journal, with its pieces",
    f"""
    SELECT 'past sale ' || sale.id || ' (' || sale.invoice || ', ' || sale.stock_code || ')' AS what,
           CASE sale.kind WHEN '{LineKind.CORRECTION}' THEN sale.quantity ELSE -sale.quantity END || ' pieces' AS expected,
           coalesce(e.on_hand_delta || ' pieces', 'no entry') AS found
    FROM orders_pastsale sale LEFT JOIN inventory_stockentry e ON e.id = sale.id
    WHERE sale.kind <> '{LineKind.CHARGE}' AND e.on_hand_delta IS DISTINCT FROM
          CASE sale.kind WHEN '{LineKind.CORRECTION}' THEN sale.quantity ELSE -sale.quantity END
    """,
)
checks.register(
    "orders: parcels that left hold what was shipped, all of it and nothing else",
    f"""
    SELECT 'fulfilment line ' || line.id AS what, CASE WHEN f.state = '{State.SHIPPED}' THEN line.picked ELSE 0 END
           || ' pieces in parcels that left' AS expected, coalesce(gone.pieces, 0) || ' pieces' AS found
    FROM orders_fulfilmentline line JOIN orders_fulfilment f ON f.id = line.fulfilment_id
         AND f.method <> '{Method.SHIP_TO_STORE}'
    LEFT JOIN (
        SELECT inside.line_id, sum(inside.quantity) AS pieces FROM orders_parcelline inside
        JOIN orders_parcel p ON p.id = inside.parcel_id WHERE p.left_at IS NOT NULL GROUP BY inside.line_id
    ) gone ON gone.line_id = line.id
    WHERE (gone.pieces IS NOT NULL OR EXISTS (
            SELECT FROM orders_fulfilmentline kin JOIN orders_parcelline inside ON inside.line_id = kin.id
            JOIN orders_parcel p ON p.id = inside.parcel_id AND p.left_at IS NOT NULL
            WHERE kin.fulfilment_id = line.fulfilment_id))
      AND coalesce(gone.pieces, 0) <> CASE WHEN f.state = '{State.SHIPPED}' THEN line.picked ELSE 0 END
    ORDER BY line.id
    """,
)
checks.register(
    "orders: what travels in one parcel is of one channel and one customer, from one place",
    """
    SELECT 'parcel ' || p.id AS what, 'one place, channel and customer' AS expected,
           count(DISTINCT (f.location_id, o.channel_id, o.customer_id)) || ' of them' AS found
    FROM orders_parcel p JOIN orders_parcelline inside ON inside.parcel_id = p.id
    JOIN orders_fulfilmentline line ON line.id = inside.line_id
    JOIN orders_fulfilment f ON f.id = line.fulfilment_id JOIN orders_order o ON o.id = f.order_id
    GROUP BY p.id HAVING count(DISTINCT f.id) > 1 AND count(DISTINCT (f.location_id, o.channel_id, o.customer_id)) > 1
    ORDER BY p.id
    """,
)
checks.register(
    "payments: the amounts of a payment are the sums of its events (law 12)",
    """
    SELECT 'payment ' || p.id AS what,
           concat_ws('/', sums.authorised, sums.captured, sums.released, sums.refunded, sums.events) AS expected,
           concat_ws('/', p.authorised_minor, p.captured_minor, p.released_minor, p.refunded_minor, p.version) AS found
    FROM orders_payment p LEFT JOIN LATERAL (
        SELECT coalesce(sum(amount_minor) FILTER (WHERE kind = 'authorised'), 0) AS authorised,
               coalesce(sum(amount_minor) FILTER (WHERE kind = 'captured'), 0) AS captured,
               coalesce(sum(amount_minor) FILTER (WHERE kind IN ('voided', 'expired')), 0) AS released,
               coalesce(sum(amount_minor) FILTER (WHERE kind = 'refunded'), 0) AS refunded,
               count(*) AS events
        FROM orders_paymentevent e WHERE e.payment_id = p.id) sums ON true
    WHERE (p.authorised_minor, p.captured_minor, p.released_minor, p.refunded_minor, p.version)
          IS DISTINCT FROM (sums.authorised, sums.captured, sums.released, sums.refunded, sums.events) ORDER BY p.id
    """,
)
checks.register(
    "payments: what is withheld and owed of a payment is the sum of the parts that are owed back (law 12)",
    """
    SELECT 'payment ' || p.id AS what, concat_ws('/', parts.withheld, parts.owed) AS expected,
           concat_ws('/', p.withheld_minor, p.owed_minor) AS found
    FROM orders_payment p LEFT JOIN LATERAL (
        SELECT coalesce(sum(amount_minor) FILTER (WHERE way = 'release'), 0) AS withheld,
               coalesce(sum(amount_minor) FILTER (WHERE way = 'refund' AND settled_at IS NULL), 0) AS owed
        FROM orders_owedrefundpart part WHERE part.payment_id = p.id) parts ON true
    WHERE (p.withheld_minor, p.owed_minor) IS DISTINCT FROM (parts.withheld, parts.owed) ORDER BY p.id
    """,
)
checks.register(
    "payments: the balance of a gift card is the sum of its movements",
    """
    SELECT 'gift card ' || card.id AS what, coalesce(sums.balance, 0) || '/' || coalesce(sums.held, 0) AS expected,
           card.balance_minor || '/' || card.held_minor AS found
    FROM orders_giftcard card LEFT JOIN LATERAL (
        SELECT sum(CASE WHEN kind IN ('issued', 'released', 'returned') THEN amount_minor
                        WHEN kind IN ('held', 'ended') THEN -amount_minor ELSE 0 END) AS balance,
               sum(CASE WHEN kind = 'held' THEN amount_minor
                        WHEN kind IN ('released', 'redeemed') THEN -amount_minor ELSE 0 END) AS held
        FROM orders_giftcardentry e WHERE e.gift_card_id = card.id) sums ON true
    WHERE (card.balance_minor, card.held_minor) IS DISTINCT FROM (coalesce(sums.balance, 0), coalesce(sums.held, 0))
    ORDER BY card.id
    """,
)
