"""What came in from outside: taken once per source and event id, however often it is sent."""

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
_SETTLE = """
UPDATE commerce_inboxmessage SET done_at = %s, last_error = '' WHERE source = %s AND event_id = %s AND done_at IS NULL
"""
_FAIL = "UPDATE commerce_inboxmessage SET last_error = %s WHERE source = %s AND event_id = %s AND done_at IS NULL"
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
