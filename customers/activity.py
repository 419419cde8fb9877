"""What a profile knows of its orders: a read model fed by order events, the newest event of each order wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce.transactions import transaction_required

# An order of a profile that is no more is left out, not an error: its events may arrive long after.
_REMEMBER = """
INSERT INTO customers_orderhistory AS history (order_id, profile_id, number, location, channel_id, status, total_minor,
                                               currency, pieces, placed_at, changed_at, sequence)
SELECT told.* FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::text[], %s::bigint[],
                          %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::bigint[])
     AS told (order_id, profile_id, number, location, channel_id, status, total_minor, currency, pieces, placed_at,
              changed_at, sequence)
JOIN customers_profile AS profile ON profile.id = told.profile_id
ORDER BY told.order_id
ON CONFLICT (order_id) DO UPDATE
SET profile_id = excluded.profile_id, number = excluded.number, location = excluded.location, status = excluded.status,
    total_minor = excluded.total_minor, currency = excluded.currency, pieces = excluded.pieces,
    placed_at = excluded.placed_at, changed_at = excluded.changed_at, sequence = excluded.sequence
WHERE excluded.sequence > history.sequence
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFact:
    """What an event says of an order; `sequence` is the order's version, `total_minor` what is still to be paid."""

    order_id: UUID
    profile_id: UUID
    number: str
    location: str
    channel_id: int
    status: str
    total_minor: int
    currency: str
    pieces: int
    placed_at: datetime
    changed_at: datetime
    sequence: int


@transaction_required
def remember(facts: Sequence[OrderFact]) -> None:
    """Take over what is newer than what is known. In any order, any number of times, the result is the same.

    Not signed: the events it repeats are.
    """
    newest: dict[UUID, OrderFact] = {}
    for fact in facts:
        known = newest.get(fact.order_id)
        if known is None or fact.sequence > known.sequence:
            newest[fact.order_id] = fact
    if not newest:
        return
    told = list(newest.values())
    columns = [
        [str(fact.order_id) for fact in told],
        [str(fact.profile_id) for fact in told],
        *(
            [getattr(fact, name) for fact in told]
            for name in (
                "number", "location", "channel_id", "status", "total_minor", "currency", "pieces", "placed_at",
                "changed_at", "sequence",
            )
        ),
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_REMEMBER, columns)
