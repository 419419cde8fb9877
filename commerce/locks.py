"""Advisory locks, named in one place so that no two purposes share a number by accident."""

import hashlib
from enum import IntEnum

from django.db import connection


class Purpose(IntEnum):
    """The first key of every two-key advisory lock. Numbers are forever."""

    OUTBOX_SEQUENCER = 1
    IDEMPOTENCY = 2
    IMPORT = 3
    DEMO = 4
    BEAT_TASK = 5
    ORDER = 6
    OUTBOX_SUBSCRIBER = 7
    JOURNAL_SEAL = 8
    SHELVES = 9
    PRODUCT_IN_ALL = 10
    WAITING_LIST = 11
    ROUTING_POLICY = 21


def number(name: str) -> int:
    """Map a name to a stable signed 32-bit lock number. A collision only makes two names wait for each other."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big", signed=True)


def hold(purpose: Purpose, name: str = "") -> None:
    """Wait for the lock and keep it until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [int(purpose), number(name)])


def try_hold(purpose: Purpose, name: str = "") -> bool:
    """Take the lock until the transaction ends if it is free; say whether it was."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [int(purpose), number(name)])
        return bool(cursor.fetchone()[0])
