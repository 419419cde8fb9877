"""What happened here, told to whoever wants to know: written with the fact, delivered after it, never lost.

`commerce.deliveries` is the queue behind it and `commerce.relay` the process that works on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from commerce import audit, clock, context, deliveries, events, ids
from commerce.actors import Actor
from commerce.errors import Conflict, InvalidInput, NotFound
from commerce.postgresql import prepared
from commerce.transactions import durable, transaction, transaction_required

KEPT_FOR = timedelta(days=30)  # how far back a channel can replay; what is still undelivered stays longer
PRUNED_AT_ONCE = 2000  # messages per transaction, so that pruning never holds anyone up
MOST_LISTED = 200

_PUBLISH = """
INSERT INTO commerce_outboxmessage (message_id, event_type, aggregate, aggregate_sequence, schema_version, channel_id,
                                    payload, actor_kind, actor_id, request_id, occurred_at)
SELECT message_id, event_type, aggregate, aggregate_sequence, schema_version, channel_id, payload, %s::text, %s::text, request_id,
       occurred_at
FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::text[], %s::bigint[], %s::smallint[], %s::bigint[], %s::jsonb[],
            %s::timestamptz[])
     WITH ORDINALITY AS fact (request_id, message_id, event_type, aggregate, aggregate_sequence, schema_version, channel_id,
                              payload, occurred_at, place)
ORDER BY place
"""


@transaction_required
def publish(facts: Sequence[events.Event], *, by: Actor, request_ids: Sequence[str] | None = None) -> None:
    """Write facts into the outbox in the order given, in the caller's transaction and one statement.

    The request is the one at hand, unless `request_ids` names that of each fact.

    Raises: LookupError when an event's type was never registered.
    """
    if not facts:
        return
    known = events.types()
    for fact in facts:
        if fact.type not in known:
            raise LookupError(f"Event type {fact.type!r} is not registered.")
    with connection.cursor() as cursor:
        prepared.execute(
            cursor,
            _PUBLISH,
            [
                by.kind.value,
                by.id,
                list(request_ids) if request_ids is not None else [context.request_id()] * len(facts),
                [str(ids.new()) for _ in facts],
                [fact.type for fact in facts],
                [fact.aggregate for fact in facts],
                [fact.aggregate_sequence for fact in facts],
                [fact.schema_version for fact in facts],
                [fact.channel_id for fact in facts],
                [orjson.dumps(fact.payload()).decode() for fact in facts],
                [fact.occurred_at for fact in facts],
            ],
            by_index=False,
        )


def telling(
    event: type[events.Event],
    *,
    source: str,
    aggregate: str,
    sequence: str,
    request_id: str,
    payload: Mapping[str, str],
) -> str:
    """Return the INSERT that tells one `event` per row of `source`, for writers whose one statement has those rows.

    `aggregate`, `sequence`, `request_id` and the values of `payload` are SQL expressions over the rows. The statement takes the
    parameters `told_by` gives. Raises: ValueError when the payload is not exactly the event's fields.
    """
    if set(payload) != {field.name for field in fields(event)} - events.ENVELOPE:
        raise ValueError(f"The payload of {event.type} has other fields.")
    facts = ", ".join(f"'{name}', {value}" for name, value in payload.items())
    return (
        "INSERT INTO commerce_outboxmessage (message_id, event_type, aggregate, aggregate_sequence, schema_version, payload,"
        " actor_kind, actor_id, request_id, occurred_at)"
        f" SELECT gen_random_uuid(), '{event.type}', {aggregate}, {sequence}, {event.schema_version},"
        f" jsonb_build_object({facts}), %s::text, %s::text, {request_id}, %s::timestamptz FROM {source}"
    )


def told_by(by: Actor, at: datetime) -> list[Any]:
    """Return the parameters of a statement made by `telling`."""
    return [by.kind.value, by.id, at]


# --- what gave up and needs a person --------------------------------------------------------------------------------

_PARKED = """
SELECT delivery.id, delivery.subscriber, coalesce(endpoint.url, ''), message.message_id, message.event_type,
       delivery.aggregate, message.aggregate_sequence, delivery.attempts, delivery.last_error, message.occurred_at,
       delivery.next_attempt_at,
       (SELECT count(*) FROM (
            SELECT FROM commerce_outboxdelivery later
            WHERE later.subscriber = delivery.subscriber AND later.aggregate = delivery.aggregate
              AND later.id > delivery.id AND later.state IN ('pending', 'parked') LIMIT 100) AS behind),
       NOT coalesce(endpoint.is_active, true), CASE WHEN endpoint.open_until > %(at)s THEN endpoint.open_until END
FROM commerce_outboxdelivery delivery
JOIN commerce_outboxmessage message ON message.id = delivery.message_id
LEFT JOIN commerce_webhookendpoint endpoint ON 'webhook:' || endpoint.id = delivery.subscriber
WHERE delivery.state = 'parked' AND (%(only)s::bigint IS NULL OR delivery.id = %(only)s)
ORDER BY delivery.id LIMIT %(at_most)s
"""
_COUNT_PARKED = "SELECT count(*) FROM commerce_outboxdelivery WHERE state = 'parked'"
_BACKLOG = """
SELECT (SELECT count(*) FROM commerce_outboxmessage WHERE position IS NULL),
       (SELECT count(*) FROM commerce_outboxdelivery WHERE state = 'pending'),
       (SELECT count(*) FROM commerce_outboxdelivery WHERE state = 'parked'),
       (SELECT occurred_at FROM commerce_outboxmessage WHERE id = least(
            (SELECT min(id) FROM commerce_outboxmessage WHERE position IS NULL),
            (SELECT min(message_id) FROM commerce_outboxdelivery WHERE state = 'pending')))
"""
_LOCK = "SELECT id, state, subscriber, attempts FROM commerce_outboxdelivery WHERE id = %s FOR UPDATE"
_LOCK_PARKED_OF = """
SELECT id, state, subscriber, attempts FROM commerce_outboxdelivery
WHERE state = 'parked' AND subscriber = %s ORDER BY id LIMIT %s FOR UPDATE
"""
_RETRY = """
UPDATE commerce_outboxdelivery SET state = 'pending', attempts = 0, next_attempt_at = %s, leased_until = NULL WHERE id = ANY(%s)
"""
_DISMISS = (
    "UPDATE commerce_outboxdelivery SET state = 'dismissed', done_at = %s, leased_until = NULL WHERE id = ANY(%s)"
)
_OPEN_OF = """
SELECT id, state, subscriber, attempts FROM commerce_outboxdelivery
WHERE subscriber = %s AND state IN ('pending', 'parked') ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True, slots=True)
class ParkedDelivery:
    """A delivery that gave up. `behind` counts what waits for it, up to 100; `url` is set for webhooks.

    Tried again, it still waits while its endpoint `is_switched_off`, or until `rests_until` when that is set: after many
    failures an endpoint is left alone for a while.
    """

    id: int
    subscriber: str
    url: str
    message_id: UUID
    event_type: str
    aggregate: str
    aggregate_sequence: int
    attempts: int
    last_error: str
    occurred_at: datetime
    parked_at: datetime
    behind: int
    is_switched_off: bool
    rests_until: datetime | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far behind the relay is: messages without a place, open deliveries, and since when the oldest waits."""

    unsequenced: int
    pending: int
    parked: int
    oldest_at: datetime | None


def parked(*, only: int | None = None) -> list[ParkedDelivery]:
    """Return the parked deliveries, oldest first and at most MOST_LISTED; or `only` the one of that id."""
    with connection.cursor() as cursor:
        cursor.execute(_PARKED, {"at": clock.now(), "only": only, "at_most": MOST_LISTED})
        return [ParkedDelivery(*row) for row in cursor.fetchall()]


def parked_count() -> int:
    """Return how many deliveries are parked: the badge in the menu."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_PARKED)
        return cursor.fetchone()[0]


def backlog() -> Backlog:
    """Return how much waits to be delivered."""
    with connection.cursor() as cursor:
        cursor.execute(_BACKLOG)
        return Backlog(*cursor.fetchone())


@transaction_required
def retry(delivery_id: int, *, by: Actor) -> None:
    """Have a parked delivery tried again at once, with all its attempts before it.

    Raises: NotFound; Conflict when it is not parked (any more).
    """
    _retry([_locked(delivery_id)], by=by)


@transaction_required
def retry_all(subscriber: str, *, by: Actor, at_most: int = MOST_LISTED) -> int:
    """Have the oldest parked deliveries of one subscriber tried again; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_PARKED_OF, [subscriber, at_most])
        rows = cursor.fetchall()
    _retry(rows, by=by)
    return len(rows)


@transaction_required
def dismiss(delivery_id: int, *, by: Actor, reason: str) -> None:
    """Give up a parked delivery for good, for a reason; what waits behind it goes on.

    Raises: NotFound; Conflict when it is not parked (any more); InvalidInput without a reason.
    """
    if not reason.strip():
        raise InvalidInput(
            "Dropping a message needs a reason.",
            errors=[{"field": "reason", "value": reason, "message": "Say in a few words why nobody needs it."}],
        )
    _dismiss([_locked(delivery_id)], by=by, reason=reason.strip())


@transaction_required
def dismiss_all(subscriber: str, *, by: Actor, reason: str) -> int:
    """Give up everything open for a subscriber that no longer exists; return how many deliveries that were."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN_OF, [subscriber])
        rows = cursor.fetchall()
    _dismiss(rows, by=by, reason=reason)
    return len(rows)


def _locked(delivery_id: int) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [delivery_id])
        row = cursor.fetchone()
    if row is None:
        raise NotFound(f"There is no delivery {delivery_id}.", delivery=delivery_id)
    if row[1] != deliveries.PARKED:
        raise Conflict("This message is not parked any more; someone was faster.", delivery=delivery_id, state=row[1])
    return row


def _retry(rows: Sequence[tuple[Any, ...]], *, by: Actor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_RETRY, [clock.now(), [row[0] for row in rows]])
    audit.record_many([_audited("retry", row, state=deliveries.PENDING) for row in rows], by=by)


def _dismiss(rows: Sequence[tuple[Any, ...]], *, by: Actor, reason: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_DISMISS, [clock.now(), [row[0] for row in rows]])
    audit.record_many([_audited("dismiss", row, state="dismissed", reason=reason) for row in rows], by=by)


def _audited(verb: str, row: tuple[Any, ...], *, state: str, reason: str = "") -> audit.AuditRow:
    delivery_id, was, subscriber, attempts = row
    return audit.AuditRow(
        verb=f"commerce.outbox.{verb}",
        object_type="outbox_delivery",
        object_id=delivery_id,
        before={"state": was, "subscriber": subscriber, "attempts": attempts},
        after={"state": state},
        reason=reason,
    )


# --- keeping it small -----------------------------------------------------------------------------------------------

# The newest message stays whatever its age: the next position is counted from it.
_PRUNE = """
WITH batch AS MATERIALIZED (
    SELECT id, occurred_at FROM commerce_outboxmessage WHERE id > %(after)s AND position IS NOT NULL ORDER BY id LIMIT %(at_most)s
), old AS (
    SELECT id FROM batch WHERE occurred_at < %(before)s
      AND id <> (SELECT id FROM commerce_outboxmessage WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1)
      AND NOT EXISTS (SELECT FROM commerce_outboxdelivery delivery
                      WHERE delivery.message_id = batch.id AND delivery.state IN ('pending', 'parked'))
), deliveries AS (
    DELETE FROM commerce_outboxdelivery delivery USING old WHERE delivery.message_id = old.id
), messages AS (
    DELETE FROM commerce_outboxmessage message USING old WHERE message.id = old.id RETURNING message.id
)
SELECT (SELECT count(*) FROM messages), (SELECT max(id) FROM batch), (SELECT count(*) FROM batch WHERE occurred_at < %(before)s)
"""


@durable
def prune(*, at: datetime, at_most: int = 100_000) -> int:
    """Delete messages past KEPT_FOR that nobody waits for, with their deliveries, in short transactions of its own.

    Stops at the first batch that is all younger. Returns how many messages were deleted.
    """
    deleted, after = 0, 0
    while deleted < at_most:
        with transaction(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(_PRUNE, {"after": after, "at_most": PRUNED_AT_ONCE, "before": at - KEPT_FOR})
            count, last, old = cursor.fetchone()
        deleted += count
        if last is None or not old:
            break
        after = last
    return deleted
