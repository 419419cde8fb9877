"""The laws of stock asked of the database, the slow and obvious way: each row that comes back is a breach."""

from collections import Counter
from datetime import datetime
from uuid import UUID

from django.db import connection

from inventory.stock import Condition
from tests.machines.goods_model import Key

_BROKEN = """
SELECT 'a level is the sum of its entries, without a gap' AS law, l.id::text AS what
FROM inventory_stocklevel l LEFT JOIN (
    SELECT level_id, sum(on_hand_delta) AS on_hand, sum(allocated_delta) AS allocated, sum(held_delta) AS held,
           count(*) AS entries, min(version) AS first, max(version) AS last
    FROM inventory_stockentry GROUP BY level_id
) e ON e.level_id = l.id
WHERE (l.on_hand, l.allocated, l.held, l.version)
      IS DISTINCT FROM (coalesce(e.on_hand, 0), coalesce(e.allocated, 0), coalesce(e.held, 0), coalesce(e.entries, 0))
   OR (e.entries IS NOT NULL AND (e.first, e.last) <> (1, e.entries))
UNION ALL
SELECT 'nothing is below zero or promised twice', l.id::text FROM inventory_stocklevel l
WHERE least(on_hand, allocated, held) < 0 OR allocated + held > on_hand + backorder_limit
UNION ALL
SELECT 'what leaves one level arrives at another', transfer_id::text FROM inventory_stockentry
WHERE transfer_id IS NOT NULL GROUP BY transfer_id HAVING sum(on_hand_delta) <> 0
UNION ALL
SELECT 'every movement names where from and where to', id::text FROM inventory_stockentry
WHERE (on_hand_delta <> 0) <> (counterparty <> '')
UNION ALL
SELECT 'what was promised as there is there', l.id::text FROM inventory_stocklevel l
WHERE l.condition = 'sellable' AND l.on_hand < l.allocated
    + (SELECT coalesce(sum(h.quantity), 0) FROM inventory_hold h
       WHERE h.level_id = l.id AND h.state = 'active' AND h.expires_at > %(at)s)
    - (SELECT coalesce(sum(b.quantity - b.filled - b.released), 0) FROM inventory_backorder b
       WHERE b.level_id = l.id AND (b.expires_at IS NULL OR b.expires_at > %(at)s))
UNION ALL
SELECT 'no more waits for goods than is promised', b.id::text FROM inventory_backorder b
LEFT JOIN inventory_hold h ON h.id = b.claim_id AND h.state = 'active'
LEFT JOIN inventory_allocation a ON a.id = b.claim_id
WHERE b.quantity - b.filled - b.released > coalesce(h.quantity, a.quantity - a.shipped - a.released, 0)
UNION ALL
SELECT 'what was taken of a guarantee is the sum of its takes', o.id::text FROM inventory_obligation o
WHERE o.taken <> (SELECT coalesce(sum(t.quantity), 0) FROM inventory_obligationtake t WHERE t.obligation_id = o.id)
UNION ALL
SELECT 'no customer has more than a limit allows', u.key FROM inventory_purchaselimituse u
JOIN inventory_purchaselimit l ON l.id = u.limit_id JOIN commerce_quotahold h ON h.id = u.hold_id
WHERE h.state = 'committed' OR (h.state = 'held' AND h.expires_at > %(at)s)
GROUP BY u.key, l.quantity HAVING sum(u.quantity) > l.quantity
"""

# All that a verb may change, but for the sweeping of expired holds: whoever locks a level may do that, also in vain.
_STATE = """
SELECT (SELECT count(*) FROM inventory_stockentry WHERE kind <> 'expired'),
       (SELECT sum(hashtext((id, on_hand, allocated, backorder_limit)::text)::bigint) FROM inventory_stocklevel WHERE version > 0),
       (SELECT sum(hashtext((id, shipped, released)::text)::bigint) FROM inventory_allocation),
       (SELECT sum(hashtext((id, state, ended_at)::text)::bigint) FROM inventory_transfer),
       (SELECT sum(hashtext((id, received, lost, returned)::text)::bigint) FROM inventory_transferline),
       (SELECT sum(hashtext((id, state, version)::text)::bigint) FROM inventory_purchaseorder),
       (SELECT sum(hashtext((id, received)::text)::bigint) FROM inventory_purchaseorderline),
       (SELECT sum(hashtext((id, state, posted, records)::text)::bigint) FROM inventory_countitem),
       (SELECT sum(hashtext((id, state)::text)::bigint) FROM inventory_stockcount),
       (SELECT sum(hashtext((id, routed, withdrawn)::text)::bigint) FROM inventory_unrouteddemand),
       (SELECT sum(hashtext((id, state, subscriber)::text)::bigint) FROM inventory_waitingentry),
       (SELECT sum(hashtext((location_id, product_id, shelf, is_primary)::text)::bigint) FROM inventory_shelfplace),
       (SELECT count(*) FROM inventory_countrecord), (SELECT count(*) FROM inventory_discrepancy),
       (SELECT count(*) FROM commerce_auditentry)
"""
_LEVELS = "SELECT product_id, location_id, condition, on_hand, allocated, backorder_limit FROM inventory_stocklevel"
_FLOWS = """
SELECT counterparty, sum(on_hand_delta)::bigint FROM inventory_stockentry
WHERE on_hand_delta <> 0 AND counterparty <> 'level' GROUP BY counterparty
"""
_WAITING = """
SELECT l.product_id, l.location_id, sum(b.quantity - b.filled - b.released)::bigint
FROM inventory_backorder b JOIN inventory_stocklevel l ON l.id = b.level_id LEFT JOIN inventory_hold h ON h.id = b.claim_id
WHERE (b.expires_at IS NULL OR b.expires_at > %s) AND (%s::uuid IS NULL OR h.reservation_id = %s::uuid)
GROUP BY l.product_id, l.location_id HAVING sum(b.quantity - b.filled - b.released) > 0
"""
_WAITING_OF = (
    "SELECT coalesce(sum(quantity - filled - released), 0)::bigint FROM inventory_backorder WHERE claim_id = %s"
)
_TAKEN = "SELECT id, taken FROM inventory_obligation"
_UNENDED = "SELECT DISTINCT reservation_id FROM inventory_hold WHERE state = 'active'"


def broken(*, at: datetime) -> list[tuple[str, str]]:
    """Return the breaches of laws: (law, what breaks it)."""
    with connection.cursor() as cursor:
        cursor.execute(_BROKEN, {"at": at})
        return cursor.fetchall()


def state() -> tuple[int | None, ...]:
    """Return what differs as soon as anything was written, but for expired holds."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE)
        return cursor.fetchone()


def levels() -> dict[Key, tuple[int, int, int]]:
    """Return (on hand, allocated, backorder limit) of every level."""
    with connection.cursor() as cursor:
        cursor.execute(_LEVELS)
        return {Key(row[0], row[1], Condition(row[2])): row[3:] for row in cursor.fetchall()}


def flows() -> Counter[str]:
    """Return the pieces that came over each boundary, less those that went."""
    with connection.cursor() as cursor:
        cursor.execute(_FLOWS)
        return Counter(dict(cursor.fetchall()))


def waiting(*, at: datetime, of_basket: UUID | None = None) -> Counter[Key]:
    """Return how many promised pieces have no goods at each level, of all or of one basket."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [at, of_basket, of_basket])
        return Counter({Key(product, place): pieces for product, place, pieces in cursor.fetchall()})


def waiting_of(claim_id: UUID) -> int:
    """Return how many pieces of a hold or an allocation have no goods."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING_OF, [claim_id])
        return cursor.fetchone()[0]


def taken() -> dict[int, int]:
    """Return what was taken of each guarantee."""
    with connection.cursor() as cursor:
        cursor.execute(_TAKEN)
        return dict(cursor.fetchall())


def unended_baskets() -> list[UUID]:
    """Return the baskets that nobody ended, swept or not."""
    with connection.cursor() as cursor:
        cursor.execute(_UNENDED)
        return [row[0] for row in cursor.fetchall()]
