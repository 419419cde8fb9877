"""Stored holds: what a reservation has of which levels, and whether it still counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import clock
from inventory import ledger
from inventory.errors import HoldEnded, HoldExpired, HoldNotFound
from inventory.ledger import LevelKey

_OF_RESERVATIONS = """
SELECT h.reservation_id, h.id, h.level_id, h.quantity, h.state, h.expires_at, h.channel_id,
       l.product_id, l.location_id, l.condition, h.reference, h.created_at
FROM inventory_hold h JOIN inventory_stocklevel l ON l.id = h.level_id
WHERE h.reservation_id = ANY(%s::uuid[])
ORDER BY l.product_id
"""

_UNSWEPT = """
SELECT level_id, sum(quantity)::bigint FROM inventory_hold
WHERE level_id = ANY(%s::bigint[]) AND state = 'active' AND expires_at <= %s GROUP BY level_id
"""


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One stored hold with the key of its level."""

    id: UUID
    level_id: int
    quantity: int
    state: str
    expires_at: datetime
    channel_id: int
    key: LevelKey
    reference: str
    created_at: datetime


def holds_of(reservation_ids: Iterable[UUID]) -> dict[UUID, list[HoldRow]]:
    """Return the stored holds of each reservation that exists, whatever became of them, in one query."""
    found: dict[UUID, list[HoldRow]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OF_RESERVATIONS, [ledger.uuids(reservation_ids)])
        for (
            reservation_id,
            hold_id,
            level_id,
            quantity,
            state,
            expires_at,
            channel_id,
            *key,
            reference,
            created_at,
        ) in cursor.fetchall():
            found.setdefault(reservation_id, []).append(
                HoldRow(
                    hold_id, level_id, quantity, state, expires_at, channel_id, LevelKey(*key), reference, created_at
                )
            )
    return found


def unswept(level_ids: Iterable[int], *, at: datetime) -> dict[int, int]:
    """Return the pieces of holds whose time is over, but that nobody ended yet, by level, where there are any."""
    wanted = list(level_ids)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_UNSWEPT, [ledger.numbers(wanted), at])
        return dict(cursor.fetchall())


def check_usable(holds: Sequence[HoldRow], *, reservation_id: UUID, channel_id: int | None, at: datetime) -> None:
    """Make sure that a reservation still counts; its holds must have been read while their levels were locked. [pure]

    Raises: HoldNotFound for one that isn't there or is another channel's, HoldExpired, HoldEnded.
    """
    check_owner(holds, reservation_id, channel_id)
    if any(hold.state in ("consumed", "released") for hold in holds):
        used = any(hold.state == "consumed" for hold in holds)
        raise HoldEnded(
            f"This reservation was {'already used by an order' if used else 'released before'};"
            " reserve again or order from free stock."
        )
    if any(hold.state == "expired" or hold.expires_at <= at for hold in holds):
        raise HoldExpired(
            f"The reservation expired at {clock.utc_text(holds[0].expires_at)}; reserve again or order from free stock.",
            reservation=str(reservation_id),
            expired_at=clock.utc_text(holds[0].expires_at),
        )


def check_owner(holds: Sequence[HoldRow], reservation_id: UUID, channel_id: int | None) -> None:
    """Make sure that there is a reservation and that it is the channel's. Raises: HoldNotFound."""
    if not holds or (channel_id is not None and holds[0].channel_id != channel_id):
        raise HoldNotFound(
            f"There is no reservation {reservation_id} of this channel; POST /api/v1/reservations makes one.",
            reservation=str(reservation_id),
        )
