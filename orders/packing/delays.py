"""Parcels to homes that come on another day than was told: the carrier's word moves the promise, and the customer hears it once.

Only later days count: what comes earlier keeps its promise. Without a word of the carrier nothing is promised anew; the customer's
page then says that the parcel is late.
"""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory.places import locations
from orders import events, fulfilment, promise_history, promises
from orders.fulfilment import Work
from orders.lifecycle import SENT, State
from orders.models import Fulfilment, Parcel, ParcelLine, PromiseRevision
from orders.promise_reasons import PromiseReason

MOST_REVISIONS = 3  # of one part because of its carrier; after that a person speaks to the customer


@transaction_required
def follow(parcel_id: UUID, expected_by: datetime, *, by: Actor, at: datetime) -> int:
    """Promise for the day that the carrier named what is in a parcel and was promised for an earlier one; return how many parts.

    News of a day that was told already change nothing. Raises: Busy.
    """
    inside = ParcelLine.objects.filter(parcel_id=parcel_id).values_list("line__fulfilment_id", flat=True)
    own = Parcel.objects.filter(pk=parcel_id).values_list("fulfilment_id", flat=True)
    done = 0
    for fulfilment_id in sorted({*inside, *own}):
        work = fulfilment.claim(fulfilment_id)
        day = _later_day(work.fulfilment, expected_by)
        if day is not None and _told(fulfilment_id) < MOST_REVISIONS:
            _promise(work, day, by=by, at=at)
            done += 1
    return done


def _later_day(one: Fulfilment, expected_by: datetime) -> datetime | None:
    """Return the end of the day that the carrier names, if that is later than what the customer was told."""
    if one.state != State.SHIPPED or one.method not in SENT or one.deliver_by is None:
        return None
    place = locations.by_id(one.location_id)
    zone = ZoneInfo(place.time_zone)
    day = expected_by.astimezone(zone).date()
    return promises.end_of(place, day) if day > one.deliver_by.astimezone(zone).date() else None


def _promise(work: Work, deliver_by: datetime, *, by: Actor, at: datetime) -> None:
    one, before = work.fulfilment, work.fulfilment.deliver_by or deliver_by
    promise_history.keep(one, before, deliver_by, PromiseReason.CARRIER, by=by, at=at)
    fulfilment.amend(work, one, at=at, deliver_by=deliver_by)
    fulfilment.conclude(
        work, verb="orders.packing.delays.follow", event=events.FulfilmentDelayed, by=by, at=at,
        told={"promised_before": before, "deliver_by": deliver_by},
        before={"deliver_by": before}, after={"deliver_by": deliver_by}, reason=PromiseReason.CARRIER.value,
    )  # fmt: skip


def _told(fulfilment_id: UUID) -> int:
    rows = PromiseRevision.objects.filter(fulfilment_id=fulfilment_id, reason=PromiseReason.CARRIER.value)
    return rows.count()
