"""How often one may try to sign in: failures are counted per name and address, and per address, for a while.

The counters are quotas, so they hold across processes and restarts. Names and addresses are spread over a fixed number
of buckets: nobody can fill the table by inventing names, and no personal value is stored.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest

from commerce import quotas, transactions

FORGOTTEN_AFTER = timedelta(minutes=15)
FAILURES_PER_NAME = 5  # a tired clerk needs three, a guesser needs thousands
FAILURES_PER_ADDRESS = 60  # a whole store may share one address
BUCKETS = 4096
KEYS = "sign-in:"  # what all keys of these quotas begin with


def address_of(request: HttpRequest) -> str:
    """Return who asks: what the outermost of our proxies saw. What a caller itself writes into the header counts nothing."""
    passed = [one.strip() for one in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if 0 < settings.PROXIES <= len(passed) and passed[-settings.PROXIES]:
        return str(passed[-settings.PROXIES])
    return str(request.META.get("REMOTE_ADDR", ""))


def begin(name: str, address: str, *, at: datetime) -> Sequence[UUID]:
    """Count an attempt before the password is looked at, so that parallel guesses count too.

    Raises: quotas.QuotaExhausted when this name from this address, or this address, failed too often.
    """
    expires_at = at + FORGOTTEN_AFTER
    requests = [
        quotas.HoldRequest(key=key, limit=limit, quantity=1, purpose="sign-in", expires_at=expires_at)
        for key, limit in (
            (f"{KEYS}name:{_bucket(name.strip().casefold(), address)}", FAILURES_PER_NAME),
            (f"{KEYS}address:{_bucket(address)}", FAILURES_PER_ADDRESS),
        )
    ]
    with transactions.transaction():
        return quotas.hold(requests, at=at)


def succeeded(attempt: Sequence[UUID]) -> None:
    """Take back the count of an attempt that was right."""
    with transactions.transaction():
        quotas.release(attempt)


@transactions.transaction_required
def prune(*, at: datetime, at_most: int = 5000) -> int:
    """Delete up to `at_most` counts that were forgotten or taken back; return how many."""
    return quotas.forget(KEYS, before=at - FORGOTTEN_AFTER, at_most=at_most)


def _bucket(*parts: str) -> int:
    digest = hashlib.sha256("\x00".join((settings.SECRET_KEY, *parts)).encode()).digest()
    return int.from_bytes(digest[:4], "big") % BUCKETS
