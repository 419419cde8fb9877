"""Many prices at once: what is stored is read and written set-wise, by COPY, under the same laws as single prices."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import StringIO

from django.db import connection

from commerce import audit
from commerce.actors import Actor
from commerce.transactions import transaction_required
from pricing import revisions, validity
from pricing.pricelists import GRACE

Key = tuple[int, int]  # product, from quantity

_EXISTING = """
SELECT entry.id, entry.product_id, entry.min_quantity, entry.amount_minor, lower(entry.valid), upper(entry.valid)
FROM pricing_priceentry AS entry
WHERE entry.price_list_id = %s AND entry.product_id = ANY(%s) AND (upper_inf(entry.valid) OR upper(entry.valid) > %s)
ORDER BY entry.id
"""
_DELETE = "DELETE FROM pricing_priceentry WHERE price_list_id = %s AND id = ANY(%s)"
_CLOSE = """
UPDATE pricing_priceentry AS entry SET valid = tstzrange(starts_at, ends_at)
FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[]) AS kept (id, starts_at, ends_at)
WHERE entry.id = kept.id
"""
_COPY = "COPY pricing_priceentry (price_list_id, product_id, min_quantity, amount_minor, valid) FROM STDIN"
# A file of a hundred thousand prices takes longer than a request may.
_PATIENCE = "SET LOCAL statement_timeout = '300s'; SET LOCAL idle_in_transaction_session_timeout = '300s'"


@transaction_required
def begin() -> None:
    """Keep other writers of prices waiting until this transaction ends, and have the time that many prices take."""
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
    revisions.renew()


def existing(list_id: int, wanted: Mapping[Key, Sequence[validity.Span]]) -> Mapping[Key, list[validity.Span]]:
    """Return what is in force or scheduled on a list from the first instant on that new prices touch."""
    starts = [span.starts_at for spans in wanted.values() for span in spans if span.starts_at]
    if not starts:
        return {}
    found: dict[Key, list[validity.Span]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_EXISTING, [list_id, sorted({product_id for product_id, _quantity in wanted}), min(starts)])
        for identifier, product_id, quantity, amount, starts_at, ends_at in cursor.fetchall():
            found[product_id, quantity].append(validity.Span(amount, starts_at, ends_at, identifier))
    return found


def repriced_past(before: Sequence[validity.Span], new: validity.Span, at: datetime) -> validity.Span | None:
    """Return the price that was already in force and that a new one would rewrite, or None."""
    if new.starts_at is None or new.starts_at >= at - GRACE:
        return None
    past = validity.Span(new.value, new.starts_at, min(at, new.ends_at or at))
    return next((old for old in before if old.value != new.value and validity.touches(old, past)), None)


@transaction_required
def write(code: str, list_id: int, plans: Mapping[Key, validity.Plan], *, digest: str, by: Actor) -> int:
    """Store plans of one list: delete, shorten, add, so that nothing overlaps at any step; return how many were added.

    The audit holds one row for all of them; the file itself is kept.
    """
    gone = [span.id for plan in plans.values() for span in plan.deleted]
    shortened = [span for plan in plans.values() for span in plan.shortened]
    added = sum(len(plan.added) for plan in plans.values())
    with connection.cursor() as cursor:
        if gone:
            cursor.execute(_DELETE, [list_id, gone])
        if shortened:
            ids = [span.id for span in shortened]
            starts = [span.starts_at for span in shortened]
            cursor.execute(_CLOSE, [ids, starts, [span.ends_at for span in shortened]])
        if added:
            cursor.cursor.copy_expert(_COPY, StringIO("".join(_lines(list_id, plans))))
    if plans:
        audit.record(
            "pricing.price_loading.write", "price_list", code, by=by, before={"gone": len(gone)},
            after={"shortened": len(shortened), "new": added, "digest": digest},
        )  # fmt: skip
    return added


def _lines(list_id: int, plans: Mapping[Key, validity.Plan]) -> Iterator[str]:
    for (product_id, quantity), plan in plans.items():
        for span in plan.added:
            lower = f'"{span.starts_at.isoformat()}"' if span.starts_at else ""
            upper = f'"{span.ends_at.isoformat()}"' if span.ends_at else ""
            bound = "[" if lower else "("
            yield f"{list_id}\t{product_id}\t{quantity}\t{span.value}\t{bound}{lower},{upper})\n"
