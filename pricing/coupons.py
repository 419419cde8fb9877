"""Coupon codes that are made by the batch: hard to guess, each known by its one form, perhaps for one customer only."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import connection

from commerce import audit, clock, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import limits
from pricing.errors import CouponExists
from pricing.models import CouponCode
from pricing.promotions import codes

MOST_AT_ONCE = 100_000
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # what people don't mix up when they read it aloud
LENGTH = 12  # of a million codes one is met after 10^12 tries: 36 years at a thousand a second

_FIND = "SELECT code, batch, customer, valid_until FROM pricing_couponcode WHERE code = ANY(%s)"


@transaction_required
def make_batch(
    batch: str, count: int, *, by: Actor, prefix: str = "", valid_until: datetime | None = None
) -> list[str]:
    """Make so many codes that nobody had before and return them. Raises: InvalidInput."""
    _check(batch, count)
    start = codes.normalised(prefix)
    made: set[str] = set()
    while len(made) < count:
        made.add(start + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH)))
    _store(batch, dict.fromkeys(sorted(made), ""), valid_until, by)
    return sorted(made)


@transaction_required
def add(batch: str, given: Mapping[str, str], *, by: Actor, valid_until: datetime | None = None) -> list[str]:
    """Add codes to a batch, each for a customer ("" for whoever has it); return them as they are compared.

    Raises: CouponExists, InvalidInput.
    """
    _check(batch, len(given))
    rows = {codes.normalised(code): limits.identity(customer) for code, customer in given.items()}
    for place, code in enumerate(given):
        if not 3 <= len(codes.normalised(code)) <= codes.LONGEST:
            message = f"A code has 3 to {codes.LONGEST} characters without its blanks."
            raise InvalidInput(message, errors=[{"field": f"codes[{place}]", "value": code, "message": message}])
    _store(batch, rows, valid_until, by)
    return list(rows)


def batches_of(given: Sequence[str], *, customer: str, at: datetime) -> dict[str, str]:
    """Return the batch of each code that was made, is valid and is this customer's (a hash) or anybody's."""
    if not given:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [list(given)])
        return {
            code: batch
            for code, batch, owner, valid_until in cursor.fetchall()
            if owner in ("", customer) and (valid_until is None or at < valid_until)
        }


def normalised(given: Iterable[str]) -> tuple[str, ...]:
    """Return codes as they are compared, each once, in the order given."""
    return tuple(dict.fromkeys(code for code in map(codes.normalised, given) if code))


def _store(batch: str, rows: Mapping[str, str], valid_until: datetime | None, by: Actor) -> None:
    at = clock.now()
    CouponCode.objects.bulk_create(
        [
            CouponCode(code=code, batch=batch, customer=customer, made_at=at, valid_until=valid_until)
            for code, customer in rows.items()
        ],
        batch_size=5_000,
    )
    audit.record("pricing.coupons.add", "coupon_batch", batch, by=by, after={"codes": len(rows), "until": valid_until})


def _check(batch: str, count: int) -> None:
    if not batch or len(batch) > 40 or not batch.replace("-", "").replace("_", "").isalnum():
        message = "A batch has a name of 1 to 40 letters, digits, hyphens or underscores."
        raise InvalidInput(message, errors=[{"field": "batch", "value": batch, "message": message}])
    if not 1 <= count <= MOST_AT_ONCE:
        message = f"1 to {MOST_AT_ONCE} codes are made at once."
        raise InvalidInput(message, errors=[{"field": "count", "value": count, "message": message}])


integrity.refuse("pricing_couponcode_pkey", lambda: CouponExists("One of these codes exists already; choose others."))
