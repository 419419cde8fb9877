"""What orders owe the books: nothing stays promised for work that is over, and history and journal say the same."""

from commerce.operations import checks
from orders.lifecycle import TERMINAL
from orders.sales_mapping import LineKind

_OVER = ", ".join(f"'{state.value}'" for state in sorted(TERMINAL))

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
    "orders: work that is over owns no held pickup window (law 7)",
    f"""
    SELECT 'fulfilment ' || f.id || ' (' || f.state || ')' AS what, 'no held window' AS expected,
           h.quantity || ' held until ' || h.expires_at AS found
    FROM orders_fulfilment f JOIN commerce_quotahold h ON h.id = f.slot_hold_id
    WHERE f.state IN ({_OVER}) AND h.state = 'held' ORDER BY f.id
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
    JOIN orders_fulfilment f ON f.id = line.fulfilment_id AND f.state NOT IN ({_OVER})
    JOIN inventory_allocation a ON a.id = line.allocation_id
    WHERE a.quantity - a.shipped - a.released <> greatest(line.quantity - line.rejected, 0) ORDER BY line.id
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
