"""Rates between currencies, dated: what lists in one currency are computed with from lists in another."""

import re
from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from psycopg2.extras import DateTimeTZRange

from commerce import audit, clock, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import revisions, validity
from pricing.errors import PriceInThePast, PriceOverlap
from pricing.models import CurrencyRate
from pricing.pricelists import GRACE

HIGHEST_MILLIONTHS = 10**12
_CLOSE = "UPDATE pricing_currencyrate SET valid = tstzrange(%s, %s) WHERE id = %s"


@transaction_required
def set_rate(base: str, quote: str, millionths: int, *, by: Actor, valid_from: datetime | None = None) -> bool:
    """Set what one unit of `base` is in `quote` (0.9345 is 934500), from now on or a later instant; return if it is new.

    Raises: PriceInThePast, InvalidInput.
    """
    wrong: list[dict[str, object]] = [
        {"field": name, "value": value, "message": "A currency is its three-letter ISO code, such as EUR."}
        for name, value in (("base", base), ("quote", quote))
        if not re.fullmatch(r"[A-Z]{3}", value)
    ]
    if base == quote:
        wrong.append({"field": "quote", "value": quote, "message": "A rate is between two currencies."})
    if not 1 <= millionths <= HIGHEST_MILLIONTHS:
        wrong.append({"field": "millionths", "value": millionths, "message": "A rate is positive: 0.9345 is 934500."})
    if wrong:
        raise InvalidInput(" ".join(str(one["message"]) for one in wrong), errors=wrong)
    revisions.renew()
    at = clock.now()
    starts_at = valid_from or at
    rows = CurrencyRate.objects.filter(base=base, quote=quote).order_by("id")
    existing = [
        validity.Span(rate, valid.lower, valid.upper, identifier)
        for identifier, rate, valid in rows.values_list("id", "millionths", "valid")
    ]
    past = validity.Span(millionths, starts_at, at)
    if starts_at < at - GRACE and any(old.value != millionths and validity.touches(old, past) for old in existing):
        raise PriceInThePast(
            f"There was another rate from {base} to {quote} since {starts_at.isoformat()}; let it start now or later.",
            base=base,
            quote=quote,
            valid_from=starts_at.isoformat(),
        )
    plan = validity.plan(existing, [validity.Span(millionths, starts_at, None)])
    if plan.is_empty:
        return False
    _write(base, quote, plan.deleted, plan.shortened, plan.added)
    audit.record(
        "pricing.currencies.set_rate", "currency_rate", f"{base}:{quote}", by=by,
        before={"gone": validity.primitives(plan.deleted)},
        after={"kept": validity.primitives(plan.shortened), "new": validity.primitives(plan.added)},
    )  # fmt: skip
    return True


def _write(
    base: str,
    quote: str,
    deleted: Sequence[validity.Span],
    shortened: Sequence[validity.Span],
    added: Sequence[validity.Span],
) -> None:
    CurrencyRate.objects.filter(id__in=[span.id for span in deleted]).delete()
    with connection.cursor() as cursor:
        for span in shortened:
            cursor.execute(_CLOSE, [span.starts_at, span.ends_at, span.id])
    CurrencyRate.objects.bulk_create(
        [
            CurrencyRate(
                base=base, quote=quote, millionths=span.value, valid=DateTimeTZRange(span.starts_at, span.ends_at, "[)")
            )
            for span in added
        ]
    )


integrity.refuse("currency_rate_no_overlap", lambda: PriceOverlap("Two rates of a currency hold at the same time."))
