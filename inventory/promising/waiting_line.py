"""The order of those who wait: by the priority of their channel where rules name one, and then who joined first."""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models import Q

from inventory import ledger
from inventory.models import WaitingEntry
from inventory.sharing import channel_priorities
from inventory.waiting import Free, Waiter, WaitingState

LONGEST_LINE = 2_000  # looked at for one serving; the next goes on

_LINE = """
SELECT id, channel_id, product_id, location_id, quantity FROM inventory_waitingentry
WHERE state = 'waiting' AND product_id = ANY(%s::bigint[]) AND channel_id = ANY(%s::bigint[])
  AND (location_id IS NULL OR location_id = ANY(%s::bigint[])) AND quantity <= %s
ORDER BY {rank}joined_at, id LIMIT %s
"""
# Who is named by no rule comes last; the parameters are channels, products, places (none: any) and ranks.
_RANK = """coalesce((
    SELECT r.rank FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::int[]) AS r (channel_id, product_id, location_id, rank)
    WHERE (r.channel_id, r.product_id) = (inventory_waitingentry.channel_id, inventory_waitingentry.product_id)
      AND r.location_id IS NOT DISTINCT FROM inventory_waitingentry.location_id
), 9), """


def of(free: Free, product_ids: Iterable[int]) -> list[Waiter]:
    """Return who waits for one of the products and could be given something of what is free, in their order."""
    products, places = set(product_ids), {place for _, _, place in free}
    ranks = _ranks((one, place) for one in products for place in places)
    parameters: list[Any] = [
        ledger.numbers(products), ledger.numbers({channel_id for channel_id, _, _ in free}),
        ledger.numbers(places), max(free.values()),
    ]  # fmt: skip
    if ranks:
        parameters += [[row[column] for row in ranks] for column in range(4)]
    with connection.cursor() as cursor:
        cursor.execute(_LINE.format(rank=_RANK if ranks else ""), [*parameters, LONGEST_LINE])
        return [Waiter(*row) for row in cursor.fetchall()]


def ahead(row: WaitingEntry) -> int:
    """Count those who come before and could be given the same pieces."""
    if row.state != WaitingState.WAITING.value:
        return 0
    before = WaitingEntry.objects.filter(product_id=row.product_id, state=WaitingState.WAITING.value).filter(
        Q(joined_at__lt=row.joined_at) | Q(joined_at=row.joined_at, id__lt=row.id)
    )
    found = channel_priorities.ranking(row.product_id, row.location_id)
    if found is not None:
        mine = found.ranks.get(row.channel_id, channel_priorities.LAST)
        sooner = [channel_id for channel_id, rank in found.ranks.items() if rank < mine]
        alike = Q(channel_id__in=[channel_id for channel_id, rank in found.ranks.items() if rank == mine])
        if mine == channel_priorities.LAST:
            alike |= ~Q(channel_id__in=list(found.ranks))
        waiting = WaitingEntry.objects.filter(product_id=row.product_id, state=WaitingState.WAITING.value)
        before = before.filter(alike) | waiting.filter(channel_id__in=sooner)
    if row.location_id is not None:
        before = before.filter(Q(location_id=row.location_id) | Q(location_id__isnull=True))
    return before.count()


def _ranks(goods: Iterable[tuple[int, int]]) -> list[tuple[int, int, int | None, int]]:
    """Return (channel, product, place or any, rank) of all whom rules let come sooner, for products at places."""
    if not channel_priorities.are_named():
        return []
    asked = {(product_id, place) for product_id, location_id in goods for place in (location_id, None)}
    return [
        (channel_id, product_id, place, rank)
        for product_id, place in sorted(asked, key=str)
        if (found := channel_priorities.ranking(product_id, place)) is not None
        for channel_id, rank in sorted(found.ranks.items())
    ]
