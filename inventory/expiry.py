"""Expiry: how holds end. Whoever locks a level first ends the holds there whose time is over, swept or not (law 5)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import ids, outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.events import ReservationExpired
from inventory.ledger import Level, LevelKey, Posting
from inventory.promising import backorders
from inventory.promising.backorders import ALL
from inventory.sharing import obligations
from inventory.stock import EntryKind

_END_EXPIRED = """
UPDATE inventory_hold SET state = 'expired', ended_at = %s
WHERE level_id = ANY(%s::bigint[]) AND state = 'active' AND expires_at <= %s
RETURNING id, reservation_id, channel_id, level_id, quantity, reference, expires_at, id = (
    SELECT first.id FROM inventory_hold first WHERE first.reservation_id = inventory_hold.reservation_id
    ORDER BY first.id LIMIT 1)
"""

_END = "UPDATE inventory_hold SET state = %s, ended_at = %s WHERE id = ANY(%s::uuid[]) AND state = 'active'"


@transaction_required
def sweep(levels: dict[LevelKey, Level], *, by: Actor, at: datetime) -> list[Posting]:
    """End the expired holds of locked levels and return the postings that free them; the caller posts them first."""
    suspects = {level.id: level for level in levels.values() if level.may_have_expired_holds}
    if not suspects:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_END_EXPIRED, [at, ledger.numbers(sorted(suspects)), at])
        rows = cursor.fetchall()
    outbox.publish(
        [
            ReservationExpired(
                aggregate_sequence=1, channel_id=channel_id, occurred_at=at, reservation_id=str(reservation_id),
                reference=reference, expired_at=expires_at,
            )
            for _, reservation_id, channel_id, _, _, reference, expires_at, is_first in rows
            if is_first  # its levels may be swept by several transactions: the first hold speaks for all, once
        ],
        by=by,
    )  # fmt: skip
    let_go([(row[0], suspects[row[3]].key) for row in rows], levels, at=at)
    return [
        Posting(
            ids.new(), suspects[level_id].key, EntryKind.EXPIRED, held=-quantity,
            cause_type="reservation", cause_id=reservation_id.hex,
        )
        for _, reservation_id, _, level_id, quantity, *_ in rows
    ]  # fmt: skip


@transaction_required
def expire_due(*, by: Actor, at: datetime, at_most: int = 200) -> int:
    """Sweep the holds whose time is over, at most `at_most` levels at once, and return how many levels were swept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT l.product_id, l.location_id, l.condition FROM inventory_hold h"
            " JOIN inventory_stocklevel l ON l.id = h.level_id"
            " WHERE h.state = 'active' AND h.expires_at <= %s LIMIT %s",
            [at, at_most],
        )
        keys = [LevelKey(*row) for row in cursor.fetchall()]
    levels = ledger.lock(keys, at=at)
    ledger.post(levels, sweep(levels, by=by, at=at), by=by, at=at)
    return len(keys)


def end(hold_ids: Iterable[UUID], state: str, *, at: datetime) -> None:
    """Mark holds of locked levels as ended; the entries that say so are posted by the caller."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [state, at, ledger.uuids(hold_ids)])


def let_go(holds: Sequence[tuple[UUID, LevelKey]], levels: Mapping[LevelKey, Level], *, at: datetime) -> None:
    """Count back what ended holds had taken of a guarantee, and let nothing wait for them any more."""
    obligations.give_back([(hold_id, None) for hold_id, _key in holds], at=at)
    backorders.release({hold_id: ALL for hold_id, key in holds if levels[key].backorder_limit})
