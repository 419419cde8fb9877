"""Whose orders come sooner: reasons that rooms plug in, each with its own weight, asked once for many customers.

Routing knows no customers; whoever knows something (a segment, a promise that was broken) registers how much sooner counts. A
customer for whom several reasons hold gets the greatest of them, never their sum.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from uuid import UUID

from customers import standings
from orders.models import PromiseRevision
from orders.promise_reasons import PromiseReason

MOST = 9  # beyond which nothing counts sooner
LET_DOWN = "let_down"
LET_DOWN_PRIORITY = 1
AGREED = "agreed"
REMEMBERED = timedelta(days=90)  # how long a customer whom we let down comes sooner

Source = Callable[[Collection[UUID], datetime], Mapping[UUID, int]]
_sources: dict[str, Source] = {}


def register(reason: str, source: Source) -> None:
    """Let a reason count. Raises: ValueError when it has another source."""
    if _sources.setdefault(reason, source) is not source:
        raise ValueError(f"{reason!r} counts already.")


def of(customer_ids: Collection[UUID], *, at: datetime) -> dict[UUID, tuple[int, str]]:
    """Return how much sooner counts, and why, of those customers for whom anything does."""
    found: dict[UUID, tuple[int, str]] = {}
    if not customer_ids:
        return found
    for reason, source in sorted(_sources.items()):
        for customer_id, extra in source(customer_ids, at).items():
            bounded = min(extra, MOST)
            if bounded > found.get(customer_id, (0, ""))[0]:
                found[customer_id] = bounded, reason
    return found


def _let_down(customer_ids: Collection[UUID], at: datetime) -> dict[UUID, int]:
    """Return those to whom a place broke a promise lately."""
    rows = PromiseRevision.objects.filter(
        order__customer_id__in=list(customer_ids), reason=PromiseReason.LOAD.value, revised_at__gte=at - REMEMBERED
    )
    return dict.fromkeys(rows.values_list("order__customer_id", flat=True).distinct(), LET_DOWN_PRIORITY)


def _agreed(customer_ids: Collection[UUID], at: datetime) -> dict[UUID, int]:
    """Return those with whom it is agreed that their orders come sooner."""
    return standings.priorities(customer_ids)


register(LET_DOWN, _let_down)
register(AGREED, _agreed)
