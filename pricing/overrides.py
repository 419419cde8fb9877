"""Prices that were set by hand at a till or in the call centre, kept with who, why and how much, and summed up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count
from django.db.models import Sum as Sum_

from commerce.transactions import transaction_required
from pricing import quotes
from pricing.models import PriceOverride

MOST_SUMS = 50
LONGEST_REASON, LONGEST_LABEL = 200, 200


@dataclass(frozen=True, slots=True)
class Sum:
    """What somebody took off (or put on) by hand in a time, in one currency."""

    set_by: str
    currency: str
    count: int
    difference_minor: int


@transaction_required
def keep(given: Sequence[tuple[UUID, quotes.Quote, str]]) -> None:
    """Keep the prices of quotes that were set by hand: (id, quote, who asked for it), if there are any."""
    PriceOverride.objects.bulk_create(
        [
            PriceOverride(
                quote_id=quote_id, channel_id=quote.channel_id, sku=line.sku, quantity=line.quantity,
                difference_minor=step.amount_minor, currency=quote.currency, reason=step.reason[:LONGEST_REASON],
                set_by=by[:LONGEST_LABEL], set_at=quote.at,
            )
            for quote_id, quote, by in given
            for line in quote.lines
            for step in line.steps
            if step.kind == quotes.OVERRIDE
        ]
    )  # fmt: skip


def sums(*, since: datetime) -> list[Sum]:
    """Return what was set by hand since an instant, by person and currency, the most taken off first."""
    rows = (
        PriceOverride.objects.filter(set_at__gte=since)
        .values("set_by", "currency")
        .annotate(count=Count("id"), difference=Sum_("difference_minor"))
        .order_by("difference", "set_by")[:MOST_SUMS]
    )
    return [Sum(row["set_by"], row["currency"], row["count"], row["difference"]) for row in rows]
