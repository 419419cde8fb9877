"""Each key has its requests per minute, over all processes together.

A process leases a part of the minute from the database and spends it in memory, so most requests cost no query. What is
left of a lease when the minute ends is lost, and a key near its limit may be refused by one process while another still
has some: the limit may be missed by a few leases, and is never exceeded.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import clock
from commerce.api.authentication import Credential
from commerce.errors import TooManyRequests
from commerce.models import RateWindow

LEASES_PER_MINUTE = 20  # so that a busy key asks the database about every three seconds
MOST_BUCKETS = 10_000

_LEASE = """
INSERT INTO commerce_ratewindow (key_id, minute, used) VALUES (%s, %s, %s)
ON CONFLICT (key_id, minute) DO UPDATE SET used = commerce_ratewindow.used + excluded.used
WHERE commerce_ratewindow.used < %s
RETURNING used
"""


@dataclass(slots=True)
class _Bucket:
    minute: int = -1
    left: int = 0
    used_elsewhere: int = 0
    is_empty: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)


_buckets: dict[UUID, _Bucket] = {}


def take(credential: Credential) -> dict[str, str]:
    """Take one request from the key's minute; return the headers that tell what is left of it.

    Raises: TooManyRequests with `retry_after_seconds`.
    """
    bucket = _buckets.get(credential.key_id)
    if bucket is None:
        if len(_buckets) >= MOST_BUCKETS:
            _buckets.clear()
        bucket = _buckets.setdefault(credential.key_id, _Bucket())
    minute, second = divmod(int(clock.now().timestamp()), 60)
    limit = credential.requests_per_minute
    with bucket.lock:
        if bucket.minute != minute:
            bucket.minute, bucket.left, bucket.is_empty = minute, 0, False
        if bucket.left == 0 and not bucket.is_empty:
            _lease(bucket, credential.key_id, limit)
        if bucket.left == 0:
            raise TooManyRequests(
                f"This key has {limit} requests per minute; please go on in {60 - second} seconds.",
                limit=limit,
                retry_after_seconds=60 - second,
            )
        bucket.left -= 1
        remaining = limit - bucket.used_elsewhere + bucket.left
    return headers(limit, max(0, remaining), 60 - second)


def headers(limit: int, remaining: int, seconds: int) -> dict[str, str]:
    """Return the rate-limit headers of an answer."""
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(seconds),
    }


def forget() -> None:
    """Drop every lease of this process."""
    _buckets.clear()


def prune(*, at: datetime) -> int:
    """Delete the windows of past minutes; return how many."""
    return RateWindow.objects.filter(minute__lt=int(at.timestamp()) // 60 - 1).delete()[0]


def _lease(bucket: _Bucket, key_id: UUID, limit: int) -> None:
    chunk = max(1, limit // LEASES_PER_MINUTE)
    with connection.cursor() as cursor:
        cursor.execute(_LEASE, [key_id, bucket.minute, chunk, limit])
        row = cursor.fetchone()
    if row is None:
        bucket.is_empty = True
        return
    # The last lease of a minute may reach past the limit; only what lies within counts.
    bucket.left = max(0, chunk - max(0, row[0] - limit))
    bucket.used_elsewhere = min(row[0], limit)
