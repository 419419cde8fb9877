"""The revision of prices and rates: every write renews it, every reader can ask cheaply whether its copy still holds."""

import time

from django.db import connection
from django.db import transaction as django_transaction

from commerce import transactions

# A process may price by what it learned this long ago. Prices that start or end by the clock are exact all the same:
# their instants are part of what it knows.
TRUSTED_SECONDS = 1.0

# With an index on nothing but its key, this one-row table is read in microseconds.
_RENEW = """
INSERT INTO pricing_rulesetrevision AS revision (id, number, written_in)
VALUES (1, nextval('pricing_ruleset_number'), pg_current_xact_id()::text::bigint)
ON CONFLICT (id) DO UPDATE SET number = excluded.number, written_in = excluded.written_in
"""
_READ = """
SELECT number, written_in = coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0)
FROM pricing_rulesetrevision
"""

# (revision, trusted until) as this process last saw it committed; replaced as a whole, so threads need no lock.
_known: tuple[int, float] = (0, 0.0)


@transactions.transaction_required
def renew() -> None:
    """Give prices and rates a new revision, and keep other writers of them waiting until this transaction ends.

    Call it before reading what is about to be changed.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RENEW)
    forget()
    django_transaction.on_commit(forget)


def forget() -> None:
    """Make this process ask again at the next price."""
    global _known
    _known = (0, 0.0)


def current() -> tuple[int, bool]:
    """Return the revision in force, at most `TRUSTED_SECONDS` old, and whether it is committed.

    What this transaction itself wrote may still be rolled back, so it is neither remembered nor worth remembering.
    """
    global _known
    number, until = _known
    if time.monotonic() < until:
        return number, True
    asked_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        row = cursor.fetchone()
    number, is_own = row or (0, False)
    if not is_own:
        _known = (number, asked_at + TRUSTED_SECONDS)
    return number, not is_own
