"""A request sent twice has one effect and one answer (law 8).

The first answer is stored in the transaction of its effect, under an advisory lock on credential and key: a replay gets
the stored bytes, the same key with another request is refused, and a request still running is said to be so. A business
refusal is an answer too; what only says "not now" or "not you" is not, so it can be sent again with the same key.

`begin` and `store` are the batch of one; the grouped path asks for a whole batch with `begin_all` and `store_all`.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from commerce import clock, integrity, locks
from commerce.errors import CommerceError, IdempotencyKeyReused, InvalidInput, RequestInProgress
from commerce.models import IdempotencyKey
from commerce.postgresql import prepared
from commerce.transactions import transaction_required

HEADER = "Idempotency-Key"
LONGEST_KEY = 200
REPLAYED = "Idempotency-Replayed"
KEPT_REFUSALS = frozenset({404, 409, 410, 422})

_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")

# Two statements in one round trip. The second takes its snapshot after the locks are ours, so an answer that another
# transaction stored just before it let go of the lock is always seen.
_LOCK = """
SELECT set_config('kontor.idempotency', array_agg(pg_try_advisory_xact_lock(%s::int, number) ORDER BY place)::text, true)
FROM unnest(%s::int[]) WITH ORDINALITY AS wanted (number, place)
"""
_KNOWN = """
SELECT (current_setting('kontor.idempotency')::boolean[])[wanted.place], stored.request_hash, stored.status, stored.body,
       stored.content_type
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted (credential, key, place)
LEFT JOIN commerce_idempotencykey stored
    ON stored.credential = wanted.credential AND stored.key = wanted.key AND stored.expires_at > %s::timestamptz
ORDER BY wanted.place
"""
_STORE = """
INSERT INTO commerce_idempotencykey (credential, key, request_hash, status, body, content_type, created_at, expires_at)
SELECT credential, key, request_hash, status, body, content_type, %s::timestamptz, %s::timestamptz
FROM unnest(%s::text[], %s::text[], %s::bytea[], %s::int[], %s::bytea[], %s::text[])
     AS answer (credential, key, request_hash, status, body, content_type)
ON CONFLICT (credential, key) DO UPDATE
SET request_hash = excluded.request_hash, status = excluded.status, body = excluded.body,
    content_type = excluded.content_type, created_at = excluded.created_at, expires_at = excluded.expires_at
WHERE commerce_idempotencykey.expires_at <= excluded.created_at
"""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that carries an idempotency key: whose it is, the key, and the hash of what is asked."""

    credential: str
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer that was given first."""

    status: int
    body: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to store for an attempt that `begin` let through."""

    attempt: Attempt
    status: int
    body: bytes
    content_type: str = "application/json"


def key_of(meta: Mapping[str, Any]) -> str | None:
    """Return the idempotency key among the headers of a request (WSGI names), or None when there is none.

    Raises: InvalidInput for one that is empty, too long or not printable.
    """
    key = meta.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not _PRINTABLE.fullmatch(key):
        message = f"An idempotency key has 1 to {LONGEST_KEY} printable ASCII characters; a UUID is a good one."
        raise InvalidInput(message, errors=[{"field": HEADER, "value": key[:LONGEST_KEY], "message": message}])
    return str(key)


def hash_of(method: str, path: str, body: bytes) -> bytes:
    """Return what makes a request the same request: method, full path and the bytes of the body."""
    return hashlib.sha256(b"\n".join((method.encode(), path.encode(), body))).digest()


def begin(credential: str, key: str, body_hash: bytes) -> Replay | None:
    """Take the lock of a key until the transaction ends; return the first answer if there is one.

    Raises: RequestInProgress, IdempotencyKeyReused.
    """
    verdict = begin_all([Attempt(credential, key, body_hash)])[0]
    if isinstance(verdict, CommerceError):
        raise verdict
    return verdict


@transaction_required
def begin_all(attempts: Sequence[Attempt]) -> list[Replay | CommerceError | None]:
    """Do as `begin` for many in one round trip; a verdict for each: None (go on), the replay, or the refusal."""
    if not attempts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"{prepared.call(cursor, _LOCK)}; {prepared.call(cursor, _KNOWN)}",
            [
                int(locks.Purpose.IDEMPOTENCY),
                [locks.number(f"{attempt.credential}:{attempt.key}") for attempt in attempts],
                [attempt.credential for attempt in attempts],
                [attempt.key for attempt in attempts],
                clock.now(),
            ],
        )
        rows = cursor.fetchall()
    verdicts: list[Replay | CommerceError | None] = []
    # A session may take its own lock again, so twins inside one batch are told apart here.
    running: set[tuple[str, str]] = set()
    for attempt, (is_ours, request_hash, status, body, content_type) in zip(attempts, rows, strict=True):
        if status is not None:
            verdicts.append(
                Replay(status, bytes(body), content_type)
                if bytes(request_hash) == attempt.request_hash
                else IdempotencyKeyReused(
                    "This idempotency key was used before with another request; send a new key with a new request.",
                    key=attempt.key,
                )
            )
        elif not is_ours or (attempt.credential, attempt.key) in running:
            verdicts.append(_in_progress(attempt.key))
        else:
            running.add((attempt.credential, attempt.key))
            verdicts.append(None)
    return verdicts


def store(
    credential: str, key: str, body_hash: bytes, *, status: int, body: bytes, content_type: str = "application/json"
) -> None:
    """Store the first answer to a request that `begin` let through, in the same transaction."""
    store_all([Answer(Attempt(credential, key, body_hash), status, body, content_type)])


@transaction_required
def store_all(answers: Sequence[Answer]) -> None:
    """Store many first answers with one INSERT.

    Raises: RequestInProgress should another answer stand there already; the caller's transaction must then fail.
    """
    if not answers:
        return
    now = clock.now()
    with connection.cursor() as cursor:
        prepared.execute(
            cursor,
            _STORE,
            [
                now,
                now + settings.IDEMPOTENCY_KEPT_FOR,
                [answer.attempt.credential for answer in answers],
                [answer.attempt.key for answer in answers],
                [answer.attempt.request_hash for answer in answers],
                [answer.status for answer in answers],
                [answer.body for answer in answers],
                [answer.content_type for answer in answers],
            ],
            by_index=False,
        )
        if cursor.rowcount != len(answers):
            raise _in_progress(answers[0].attempt.key)


def is_kept(refusal: CommerceError) -> bool:
    """Whether a refusal is an answer for good, so that a replay gets it again."""
    return refusal.status in KEPT_REFUSALS and not isinstance(refusal, RequestInProgress | IdempotencyKeyReused)


@transaction_required
def prune(*, at: datetime, at_most: int = 5000) -> int:
    """Delete up to `at_most` answers whose time is over; return how many."""
    due = IdempotencyKey.objects.filter(expires_at__lte=at).order_by("expires_at").values("pk")[:at_most]
    return IdempotencyKey.objects.filter(pk__in=due).delete()[0]


def _in_progress(key: str = "") -> RequestInProgress:
    return RequestInProgress(
        "The first request with this idempotency key is still running; ask again shortly.",
        key=key,
        retry_after_seconds=1,
    )


integrity.refuse("idempotency_key_once", _in_progress)
