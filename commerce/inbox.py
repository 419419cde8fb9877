"""What came in from outside: taken once per source and event id, however often it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import connection

from commerce import clock
from commerce.transactions import transaction_required

KEPT_FOR = timedelta(days=90)  # a sender that repeats itself after that is a new one
LONGEST_ERROR = 2000

_RECEIVE = """
INSERT INTO commerce_inboxmessage (source, event_id, payload, received_at, last_error)
VALUES (%s, %s, %s::jsonb, %s, '') ON CONFLICT ON CONSTRAINT inbox_event_once DO NOTHING RETURNING id
"""
_RECEIVE_MANY = """
INSERT INTO commerce_inboxmessage (source, event_id, payload, received_at, last_error)
SELECT %s, new.event_id, new.payload::jsonb, %s, '' FROM unnest(%s::text[], %s::text[]) AS new (event_id, payload)
ORDER BY new.event_id ON CONFLICT ON CONSTRAINT inbox_event_once DO NOTHING RETURNING event_id, id
"""
_READ = """
SELECT id, source, event_id, payload::text, done_at, last_error FROM commerce_inboxmessage WHERE {which} ORDER BY id
"""
_SETTLE_MANY = """
UPDATE commerce_inboxmessage message SET done_at = %s, last_error = '', payload = settled.payload::jsonb
FROM unnest(%s::bigint[], %s::text[]) AS settled (id, payload)
WHERE message.id = settled.id AND message.done_at IS NULL
"""
_SETTLE = """
UPDATE commerce_inboxmessage SET done_at = %s, last_error = '' WHERE source = %s AND event_id = %s AND done_at IS NULL
"""
_FAIL = "UPDATE commerce_inboxmessage SET last_error = %s WHERE source = %s AND event_id = %s AND done_at IS NULL"
_ERASE = """
UPDATE commerce_inboxmessage SET payload = '{"is_erased": true}', done_at = %s, last_error = split_part(last_error, ':', 1)
WHERE id IN (
    SELECT id FROM commerce_inboxmessage
    WHERE done_at IS NULL AND last_error <> '' AND starts_with(source, %s) AND received_at < %s
    ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_PRUNE = """
DELETE FROM commerce_inboxmessage
WHERE id IN (SELECT id FROM commerce_inboxmessage WHERE done_at < %s ORDER BY id LIMIT %s)
"""


@transaction_required
def receive(source: str, event_id: str, payload: dict[str, Any]) -> bool:
    """Take in a message unless it was taken in before; say whether it is new.

    Taken in together with its effect, in one transaction, the effect happens once. A second sender waits for the
    first one's transaction: if that fails, the message is the second one's.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RECEIVE, [source, event_id, orjson.dumps(payload).decode(), clock.now()])
        return cursor.fetchone() is not None


@dataclass(frozen=True, slots=True)
class Message:
    """What came in, how far it is, and why it is no further."""

    id: int
    source: str
    event_id: str
    payload: dict[str, Any]
    done_at: datetime | None
    last_error: str


@transaction_required
def receive_many(source: str, payloads: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """Take in messages by their event ids; return the ids of those that are new, by event id. As `receive`, for many."""
    with connection.cursor() as cursor:
        cursor.execute(
            _RECEIVE_MANY,
            [source, clock.now(), list(payloads), [orjson.dumps(one).decode() for one in payloads.values()]],
        )
        return dict(cursor.fetchall())


def read(message_ids: Sequence[int]) -> list[Message]:
    """Return messages by their ids, oldest first; those that are gone are missing."""
    return _read("id = ANY(%s::bigint[])", [list(message_ids)])


def find(source: str, event_id: str) -> Message | None:
    """Return the message that a source sent under an id."""
    return next(iter(_read("source = %s AND event_id = %s", [source, event_id])), None)


def _read(which: str, parameters: list[Any]) -> list[Message]:
    with connection.cursor() as cursor:
        cursor.execute(_READ.format(which=which), parameters)
        return [
            Message(key, source, event_id, orjson.loads(payload), done_at, error)
            for key, source, event_id, payload, done_at, error in cursor.fetchall()
        ]


@transaction_required
def settle_many(results: Mapping[int, dict[str, Any]]) -> int:
    """Mark the work of messages as done and keep what came of each instead of what it said, which may name people."""
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE_MANY, [clock.now(), list(results), [orjson.dumps(one).decode() for one in results.values()]]
        )
        return cursor.rowcount


@transaction_required
def erase_failed(prefix: str, *, before: datetime, at: datetime, at_most: int = 500) -> list[int]:
    """Erase what messages said that came in before an instant and could not be worked on; return their ids.

    Only messages of sources that begin with `prefix`. That there was one stays, with the code of why it failed; its work is over.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ERASE, [at, prefix, before, at_most])
        return sorted(key for (key,) in cursor.fetchall())


@transaction_required
def settle(source: str, event_id: str) -> bool:
    """Mark a message's work as done; say whether it was open until now."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, [clock.now(), source, event_id])
        return bool(cursor.rowcount)


@transaction_required
def fail(source: str, event_id: str, error: str) -> bool:
    """Keep why a message could not be worked on yet; say whether it is open."""
    with connection.cursor() as cursor:
        cursor.execute(_FAIL, [error[:LONGEST_ERROR], source, event_id])
        return bool(cursor.rowcount)


@transaction_required
def prune(*, at: datetime, at_most: int = 5000) -> int:
    """Forget up to `at_most` messages that were settled longer than KEPT_FOR ago; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(_PRUNE, [at - KEPT_FOR, at_most])
        return cursor.rowcount
