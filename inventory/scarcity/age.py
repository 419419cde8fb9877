"""How old a figure is for a channel: how late the world reaches us, and how late we reach the channel."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.db import connection

from commerce import queries
from inventory import availability, ledger
from inventory.availability import Figure
from inventory.models import FeedFigure

LATENESS_OVER = timedelta(days=1)  # what was reported late lately will be again
LAG_OVER = timedelta(minutes=10)
FRESH_FOR_SECONDS = 10.0

# The oldest sale that came late counts: until the next report we know as little as then.
_LATE = """
SELECT level_id, extract(epoch FROM max(recorded_at - occurred_at))
FROM inventory_stockentry
WHERE level_id = ANY(%s::bigint[]) AND occurred_at < recorded_at AND occurred_at > %s
GROUP BY level_id
"""
# A partner who keeps goods for us moves them unseen: of its place our figure is as old as its last statement.
_STATED = """
SELECT s.location_id, max(t.as_of)
FROM inventory_statementsource s JOIN inventory_stockstatement t ON t.source_id = s.id AND t.location_id = s.location_id
WHERE s.is_active AND s.kind = 'logistics'
GROUP BY s.location_id
"""

_lag: tuple[float, Mapping[int, float]] = (0.0, {})
_stated: tuple[float, Mapping[int, datetime]] = (0.0, {})


def of_channel(channel_id: int, *, at: datetime) -> float:
    """Return how many seconds the channel's news of availability took lately, at worst; 0 for one that only asks."""
    global _lag
    read_at, lags = _lag
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        lags = queries.webhook_lag("availability.changed", since=at - LAG_OVER, at=at)
        _lag = (time.monotonic(), lags)
    return lags.get(channel_id, 0.0)


def of_levels(figures: Sequence[Figure], *, at: datetime) -> dict[int, float]:
    """Return by level how many seconds its goods' movements were reported late at worst, within a day; one query."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, [ledger.numbers(figure.level_id for figure in figures), at - LATENESS_OVER])
        return {level_id: float(seconds) for level_id, seconds in cursor.fetchall()}


def of_places(*, at: datetime) -> dict[int, float]:
    """Return by location how many seconds ago a partner who keeps goods there for us last stated them."""
    global _stated
    read_at, stated = _stated
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        with connection.cursor() as cursor:
            cursor.execute(_STATED)
            stated = dict(cursor.fetchall())
        _stated = (time.monotonic(), stated)
    return {location_id: max((at - as_of).total_seconds(), 0.0) for location_id, as_of in stated.items()}


def told_otherwise(
    channel_id: int, figures: Iterable[Figure], serving: frozenset[int], *, products: Iterable[int]
) -> set[int]:
    """Return the products of which the channel was last told another number than it would be now: its shop still shows that."""
    seen: dict[int, list[Figure]] = defaultdict(list)
    for figure in figures:
        if figure.location_id in serving:
            seen[figure.product_id].append(figure)
    told = FeedFigure.objects.filter(channel_id=channel_id, product_id__in=list(products), version__gt=0)
    return {
        product_id
        for product_id, available in told.values_list("product_id", "available")
        if availability.total(seen[product_id]) != available
    }


def forget() -> None:
    """Measure again at the next question."""
    global _lag, _stated
    _lag, _stated = (0.0, {}), (0.0, {})
