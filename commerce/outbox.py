"""What happened here, told to whoever wants to know: written with the fact, delivered after it, never lost."""

from collections.abc import Sequence
from uuid import uuid4

import orjson
from django.db import connection

from commerce import context, events
from commerce.actors import Actor
from commerce.transactions import transaction_required

_PUBLISH = """
INSERT INTO commerce_outboxmessage (message_id, event_type, aggregate, aggregate_sequence, schema_version, channel_id,
                                    payload, actor_kind, actor_id, request_id, occurred_at)
SELECT message_id, event_type, aggregate, aggregate_sequence, schema_version, channel_id, payload, %s, %s, %s, occurred_at
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::smallint[], %s::bigint[], %s::jsonb[], %s::timestamptz[])
     WITH ORDINALITY AS fact (message_id, event_type, aggregate, aggregate_sequence, schema_version, channel_id, payload,
                              occurred_at, place)
ORDER BY place
"""


@transaction_required
def publish(facts: Sequence[events.Event], *, by: Actor) -> None:
    """Write facts into the outbox in the order given, in the caller's transaction and one statement.

    Raises: LookupError when an event's type was never registered.
    """
    if not facts:
        return
    known = events.types()
    for fact in facts:
        if fact.type not in known:
            raise LookupError(f"Event type {fact.type!r} is not registered.")
    with connection.cursor() as cursor:
        cursor.execute(
            _PUBLISH,
            [
                by.kind.value,
                by.id,
                context.request_id(),
                [str(uuid4()) for _ in facts],
                [fact.type for fact in facts],
                [fact.aggregate for fact in facts],
                [fact.aggregate_sequence for fact in facts],
                [fact.schema_version for fact in facts],
                [fact.channel_id for fact in facts],
                [orjson.dumps(fact.payload()).decode() for fact in facts],
                [fact.occurred_at for fact in facts],
            ],
        )
