"""The queue between a fact and those who want it: gives committed messages their place, addresses them, settles them.

Order is kept per subscriber and aggregate. A handler's queue is worked on by one relay at a time (an advisory lock), its
writes and the end of its deliveries commit together, so an effect happens exactly once. A webhook's delivery is leased,
sent outside any transaction and settled after; when a relay dies in between, the lease ends and it is sent again.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import DatabaseError, InterfaceError, connection

from commerce import clock, events, locks, logs, transactions
from commerce.actors import Actor, ActorKind
from commerce.models import DeliveryState

log = logs.get(__name__)

PENDING, DONE, PARKED = str(DeliveryState.PENDING), str(DeliveryState.DONE), str(DeliveryState.PARKED)

MESSAGES_PER_SEQUENCING = 1000  # one short transaction; others wait for the sequencer's lock
MESSAGES_PER_BATCH = 500  # what a batch handler gets at most: one transaction of some 100 ms
SINGLES_PER_BATCH = 100  # of a handler that takes one message after the other: nobody shall wait long for its locks
FAILURES_PER_BATCH = 20  # when that many fail, the handler is broken, not the messages: the rest waits its turn
HANDLER_RETRY_SECONDS = (0.5, 2, 10, 30, 60, 300, 600)  # 17 minutes outlast a deployment; then it needs a person
JITTER = 0.2  # those that failed together don't come back together
LONGEST_ERROR = 2000
_random = secrets.SystemRandom()

# A table that fills and empties within seconds has misleading statistics. Every statement of the queue has its index and
# must walk along it; the settings are put before such a statement, and taken back before anyone else's runs.
_SETTINGS = ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin")
_BY_INDEX = "".join(f"SET LOCAL {name} = off; " for name in _SETTINGS)
_BY_CHOICE = "".join(f"SET LOCAL {name} TO DEFAULT; " for name in _SETTINGS)

_IS_WAITING = "SELECT EXISTS (SELECT FROM commerce_outboxmessage WHERE position IS NULL)"

_SEQUENCE = """
WITH unsequenced AS MATERIALIZED (
    SELECT id FROM commerce_outboxmessage WHERE position IS NULL ORDER BY id LIMIT %(at_most)s
), placed AS MATERIALIZED (
    SELECT id, row_number() OVER (ORDER BY id) + (SELECT coalesce(max(position), 0) FROM commerce_outboxmessage) AS place
    FROM unsequenced
), sequenced AS (
    UPDATE commerce_outboxmessage message SET position = placed.place FROM placed WHERE message.id = placed.id
    RETURNING message.id, message.event_type, message.aggregate, message.channel_id
), addressed AS (
    SELECT sequenced.id, event_type, aggregate, handler.name AS subscriber
    FROM sequenced JOIN unnest(%(types)s::text[], %(names)s::text[]) AS handler (event_type, name) USING (event_type)
    UNION ALL
    SELECT sequenced.id, event_type, aggregate, 'webhook:' || endpoint.id
    FROM sequenced JOIN commerce_webhookendpoint endpoint USING (channel_id)
    WHERE event_type = ANY(%(public)s) AND event_type = ANY(endpoint.event_types) AND endpoint.is_active
), ranked AS MATERIALIZED (
    SELECT *, event_type = ANY(%(state)s)
        AND row_number() OVER (PARTITION BY subscriber, aggregate, event_type ORDER BY id DESC) > 1 AS is_outdated
    FROM addressed
), overtaken AS (
    SELECT open.id FROM ranked CROSS JOIN LATERAL (
        SELECT older.id FROM commerce_outboxdelivery older JOIN commerce_outboxmessage fact ON fact.id = older.message_id
        WHERE older.subscriber = ranked.subscriber AND older.aggregate = ranked.aggregate
          AND older.state IN ('pending', 'parked') AND (older.leased_until IS NULL OR older.leased_until <= %(at)s)
          AND fact.event_type = ranked.event_type
        FOR UPDATE OF older SKIP LOCKED) AS open
    WHERE ranked.event_type = ANY(%(state)s) AND NOT ranked.is_outdated
), superseded AS (
    UPDATE commerce_outboxdelivery older SET state = 'superseded', done_at = %(at)s, leased_until = NULL
    FROM overtaken WHERE older.id = overtaken.id
), delivered AS (
    INSERT INTO commerce_outboxdelivery
        (message_id, subscriber, aggregate, state, attempts, next_attempt_at, last_error, done_at)
    SELECT id, subscriber, aggregate, CASE WHEN is_outdated THEN 'superseded' ELSE 'pending' END, 0, %(at)s, '',
           CASE WHEN is_outdated THEN %(at)s::timestamptz END
    FROM ranked ORDER BY id, subscriber
)
SELECT count(*) FROM sequenced
"""

_DUE = """
SELECT wanted.name FROM unnest(%s::text[]) AS wanted (name)
CROSS JOIN LATERAL (
    SELECT FROM commerce_outboxdelivery
    WHERE subscriber = wanted.name AND state = 'pending' AND next_attempt_at <= %s ORDER BY id LIMIT 1
) AS due
"""

_CLAIMED = """
    delivery.id, delivery.subscriber, delivery.attempts, message.message_id, message.position, message.event_type,
    message.aggregate, message.aggregate_sequence, message.schema_version, message.channel_id, message.payload::text,
    message.occurred_at, message.actor_kind, message.actor_id
"""

# Plain FOR UPDATE: the subscriber's lock keeps other relays away, and skipping a row that a person just dismisses would
# let a later message of its aggregate overtake it.
_CLAIM = f"""
WITH delivery AS MATERIALIZED (
    SELECT * FROM commerce_outboxdelivery candidate
    WHERE subscriber = %(name)s AND state = 'pending' AND next_attempt_at <= %(at)s
      AND NOT EXISTS (
        SELECT FROM commerce_outboxdelivery earlier
        WHERE earlier.subscriber = candidate.subscriber AND earlier.aggregate = candidate.aggregate
          AND earlier.id < candidate.id AND earlier.state IN ('pending', 'parked')
          AND (earlier.state = 'parked' OR earlier.next_attempt_at > %(at)s) OFFSET 0)
    ORDER BY id LIMIT %(at_most)s FOR UPDATE
)
SELECT {_CLAIMED} FROM delivery JOIN commerce_outboxmessage message ON message.id = delivery.message_id ORDER BY delivery.id
"""

_LEASE = f"""
WITH due AS (
    SELECT found.id FROM unnest(%(names)s::text[], %(limits)s::int[]) AS wanted (name, at_most)
    CROSS JOIN LATERAL (
        SELECT delivery.id FROM commerce_outboxdelivery delivery
        WHERE delivery.subscriber = wanted.name AND delivery.state = 'pending' AND delivery.next_attempt_at <= %(at)s
          AND (delivery.leased_until IS NULL OR delivery.leased_until <= %(at)s)
          AND NOT EXISTS (
            SELECT FROM commerce_outboxdelivery earlier
            WHERE earlier.subscriber = delivery.subscriber AND earlier.aggregate = delivery.aggregate
              AND earlier.id < delivery.id AND earlier.state IN ('pending', 'parked') OFFSET 0)
        ORDER BY delivery.id LIMIT wanted.at_most FOR UPDATE SKIP LOCKED
    ) AS found
), delivery AS (
    UPDATE commerce_outboxdelivery leased SET leased_until = %(until)s FROM due WHERE leased.id = due.id RETURNING leased.*
)
SELECT {_CLAIMED} FROM delivery JOIN commerce_outboxmessage message ON message.id = delivery.message_id ORDER BY delivery.id
"""

_SETTLE = """
UPDATE commerce_outboxdelivery delivery
SET state = verdict.state, attempts = delivery.attempts + 1, next_attempt_at = verdict.next_attempt_at, leased_until = NULL,
    last_error = verdict.error, done_at = CASE WHEN verdict.state = 'done' THEN %(at)s::timestamptz END
FROM unnest(%(ids)s::bigint[], %(states)s::text[], %(nexts)s::timestamptz[], %(errors)s::text[], %(leases)s::timestamptz[])
     AS verdict (id, state, next_attempt_at, error, leased_until)
WHERE delivery.id = verdict.id AND delivery.state = 'pending'
  AND delivery.leased_until IS NOT DISTINCT FROM verdict.leased_until
RETURNING delivery.id
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in hand. `leased_until` is None when it is locked by the transaction at hand instead of leased."""

    id: int
    subscriber: str
    attempts: int
    message: events.Received
    leased_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an attempt: done, or a time for the next one, or parked; with the error in the latter cases."""

    claimed: Claimed
    state: str
    next_attempt_at: datetime
    error: str = ""


def sequence_batch(*, at_most: int = MESSAGES_PER_SEQUENCING) -> int:
    """Give the oldest committed messages their gapless positions and address them to everyone who wants them.

    One relay at a time does so. A newer state event supersedes older ones that are still open for the same subscriber,
    unless one is on its way just now. Returns how many messages were sequenced.
    """
    with connection.cursor() as cursor:
        cursor.execute(_IS_WAITING)
        if not cursor.fetchone()[0]:
            return 0
    wanted = events.subscriptions()
    with transactions.transaction(), connection.cursor() as cursor:
        locks.hold(locks.Purpose.OUTBOX_SEQUENCER)
        cursor.execute(
            _BY_INDEX + _SEQUENCE,
            {
                "at": clock.now(),
                "at_most": at_most,
                "types": [subscription.event_type for subscription in wanted],
                "names": [subscription.name for subscription in wanted],
                "public": events.public_types(),
                "state": events.state_types(),
            },
        )
        return cursor.fetchone()[0]


def due(names: Iterable[str]) -> list[str]:
    """Return which of the subscribers have a delivery whose time has come."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [sorted(set(names)), clock.now()])
        return [name for (name,) in cursor.fetchall()]


def handlers() -> set[str]:
    """Return the names of all subscribers that are handlers of ours."""
    return {subscription.name for subscription in events.subscriptions()}


def deliver_batch(*, at_most: int = MESSAGES_PER_BATCH) -> int:
    """Have every handler with due messages work on a batch of them; return how many were done."""
    return sum(deliver_to(name, at_most=at_most) for name in due(handlers()))


def deliver_to(name: str, *, at_most: int = MESSAGES_PER_BATCH) -> int:
    """Have one handler work on its oldest due messages, in one transaction with their end; return how many were done.

    A message that fails is put off, or parked after its last attempt, without its neighbours; messages of the same
    aggregate wait behind it. Does nothing when another relay serves this subscriber just now.
    """
    with transactions.transaction(), connection.cursor() as cursor:
        if not locks.try_hold(locks.Purpose.OUTBOX_SUBSCRIBER, name):
            return 0
        if not all(wanted.batch for wanted in events.subscriptions() if wanted.name == name):
            at_most = min(at_most, SINGLES_PER_BATCH)
        cursor.execute(_BY_INDEX + _CLAIM, {"name": name, "at": clock.now(), "at_most": at_most})
        claimed = [_claimed(row) for row in cursor.fetchall()]
        if not claimed:
            return 0
        cursor.execute(_BY_CHOICE)
        done: list[Claimed] = []
        failed: dict[str, tuple[Claimed, Exception]] = {}
        _attempt(claimed, done, failed)
        at = clock.now()
        verdicts = [Verdict(one, DONE, at) for one in done]
        verdicts += [put_off(one, error_text(error), HANDLER_RETRY_SECONDS, at=at) for one, error in failed.values()]
        if len(settle(verdicts)) < len(verdicts):
            raise RuntimeError(f"Deliveries to {name} changed while they were locked.")  # rolls their effects back
    return len(done)


def lease(limits: dict[str, int], *, until: datetime) -> list[Claimed]:
    """Lease due deliveries, at most so many per subscriber, oldest first; nobody else gets them before `until`.

    Never leases a delivery while an earlier one of its aggregate is open. Needs a transaction, to be committed before
    anything is sent.
    """
    with connection.cursor() as cursor:
        names, most = list(limits), list(limits.values())
        cursor.execute(_BY_INDEX + _LEASE, {"names": names, "limits": most, "at": clock.now(), "until": until})
        leased = [_claimed(row, leased_until=until) for row in cursor.fetchall()]
        cursor.execute(_BY_CHOICE)
        return leased


@transactions.transaction_required
def settle(verdicts: Sequence[Verdict]) -> set[int]:
    """Write what came of deliveries in one statement; return the ids of those that were still ours to settle."""
    if not verdicts:
        return set()
    for verdict in verdicts:
        if verdict.error:
            _tell(verdict)
    with connection.cursor() as cursor:
        cursor.execute(
            _BY_INDEX + _SETTLE,
            {
                "at": clock.now(),
                "ids": [verdict.claimed.id for verdict in verdicts],
                "states": [verdict.state for verdict in verdicts],
                "nexts": [verdict.next_attempt_at for verdict in verdicts],
                "errors": [verdict.error[:LONGEST_ERROR] for verdict in verdicts],
                "leases": [verdict.claimed.leased_until for verdict in verdicts],
            },
        )
        return {delivery_id for (delivery_id,) in cursor.fetchall()}


def put_off(claimed: Claimed, error: str, schedule: Sequence[float], *, at: datetime) -> Verdict:
    """Decide when a failed delivery is tried again: after the schedule's next pause, or never without a person."""
    if claimed.attempts >= len(schedule):
        return Verdict(claimed, PARKED, at, error)
    pause = schedule[claimed.attempts] * _random.uniform(1, 1 + JITTER)
    return Verdict(claimed, PENDING, at + timedelta(seconds=pause), error)


def error_text(error: BaseException) -> str:
    """Return an error as one line for the person who will look at it."""
    return " ".join(f"{type(error).__name__}: {error}".replace("\x00", "").split())[:LONGEST_ERROR]


def _attempt(claimed: list[Claimed], done: list[Claimed], failed: dict[str, tuple[Claimed, Exception]]) -> None:
    """Have the handlers take a batch; halve it until those that fail stand alone (`failed`, by aggregate)."""
    if len(failed) >= FAILURES_PER_BATCH:
        return
    try:
        with transactions.savepoint():
            _handle(claimed)
            connection.check_constraints()  # deferred ones must fail here, where it is known whose fault it is
    except (DatabaseError, InterfaceError) as error:
        if connection.connection is None or connection.connection.closed:
            raise  # the database is gone; no message is to blame
        _divide(claimed, error, done, failed)
    except Exception as error:
        _divide(claimed, error, done, failed)
    else:
        done.extend(claimed)


def _divide(
    claimed: list[Claimed], error: Exception, done: list[Claimed], failed: dict[str, tuple[Claimed, Exception]]
) -> None:
    if len(claimed) == 1:
        failed[claimed[0].message.aggregate] = (claimed[0], error)
        return
    middle = len(claimed) // 2
    _attempt(claimed[:middle], done, failed)
    rest = [one for one in claimed[middle:] if one.message.aggregate not in failed]
    if rest:
        _attempt(rest, done, failed)


def _handle(claimed: Sequence[Claimed]) -> None:
    """Call the handlers in order, batch handlers with as many neighbours as belong to them."""
    batch: list[events.Received] = []
    batch_handler: events.Handler | None = None
    for one in claimed:
        wanted = events.subscription(one.message.type, one.subscriber)
        if batch_handler is not None and (wanted is None or wanted.handler is not batch_handler):
            batch_handler(batch)
            batch, batch_handler = [], None
        if wanted is None:
            raise LookupError(f"{one.subscriber} no longer subscribes to {one.message.type}.")
        if wanted.batch:
            batch.append(one.message)
            batch_handler = wanted.handler
        else:
            wanted.handler(one.message)
    if batch_handler is not None:
        batch_handler(batch)


def _claimed(row: Sequence[Any], *, leased_until: datetime | None = None) -> Claimed:
    (delivery_id, subscriber, attempts, *message) = row
    return Claimed(delivery_id, subscriber, attempts, _received(message), leased_until)


def _received(row: Sequence[Any]) -> events.Received:
    message_id, position, event_type, aggregate, sequence, version, channel_id, payload, occurred_at, kind, actor_id = (
        row
    )
    return events.Received(
        message_id, position, event_type, aggregate, sequence, version, channel_id, orjson.loads(payload),
        occurred_at, Actor(ActorKind(kind), actor_id, actor_id),
    )  # fmt: skip


def _tell(verdict: Verdict) -> None:
    parked = verdict.state == PARKED
    (log.error if parked else log.warning)(
        "delivery parked" if parked else "delivery failed",
        subscriber=verdict.claimed.subscriber,
        message_id=str(verdict.claimed.message.message_id),
        event_type=verdict.claimed.message.type,
        attempts=verdict.claimed.attempts + 1,
        error=verdict.error,
    )
