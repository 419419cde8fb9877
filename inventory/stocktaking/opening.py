"""Counts that the rules begin by themselves: each night one per place that has something due and none of its own running."""

from datetime import datetime
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from commerce.actors import Actor
from commerce.transactions import transaction, transaction_required
from inventory.counting import CountKind, CountState
from inventory.models import StockCount
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.stock import LocationKind
from inventory.stocktaking import counts, rules

SOURCE = "nightly"  # how lists tell these counts from those that a person began
COUNTED_BY_US = frozenset({LocationKind.STORE.value, LocationKind.WAREHOUSE.value, LocationKind.MICRO_FULFILMENT.value})
_NAMESPACE = UUID("6d0c1f0e-5f7e-5d3b-9a55-0f6b7c1f2a44")  # of ids made from a place and a day


def open_due(*, by: Actor, at: datetime) -> int:
    """Begin a directed count at every place whose rules want one; return how many began.

    One per place and day of the place, however often this runs, and none while a directed one is open there: nobody finds a
    heap of them after a week. Each is about at most the rules' `items_at_once`. Owns its transactions, one per place.
    """
    begun = 0
    for place in locations.active():
        if place.kind in COUNTED_BY_US:
            with transaction():
                begun += _open_at(place, by=by, at=at)
    return begun


@transaction_required
def _open_at(place: LocationRef, *, by: Actor, at: datetime) -> bool:
    count_id = uuid5(_NAMESPACE, f"{place.id}:{at.astimezone(ZoneInfo(place.time_zone)).date().isoformat()}")
    running = StockCount.objects.filter(
        location_id=place.id, kind=CountKind.DIRECTED.value, state=CountState.OPEN.value
    )
    if not rules.policy(place.id).opens_at_night or running.exists():
        return False
    if StockCount.objects.filter(pk=count_id).exists():
        return False
    if not rules.due(place.id, at=at, at_most=1):
        return False
    counts.begin(count_id, location_id=place.id, kind=CountKind.DIRECTED, source=SOURCE, by=by, at=at)
    return True
