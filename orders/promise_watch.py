"""Promises that were not kept: the customer is told a new one before they stand at the counter, and never too often.

What waits for goods is promised anew by its supply (`orders.waiting`); this is about work that a place did not get to.
"""

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory.places import locations
from inventory.promising import backorders
from orders import events, fulfilment, lifecycle, promise_history, promises
from orders.fulfilment import Work
from orders.lifecycle import Method, State
from orders.models import Fulfilment
from orders.promise_reasons import PromiseReason

UNREADY = (State.PLACED, State.ACCEPTED, State.PICKING, State.PICKED, State.UNDER_WAY)
IN_WORK = (State.ACCEPTED, State.PICKING, State.PICKED)
GRACE = timedelta(minutes=5)  # nobody has begun it
GRACE_IN_WORK = timedelta(minutes=30)  # somebody is at it: soon it is ready, and no news is better
GRACE_ON_THE_WAY = timedelta(hours=2)  # to a store: the van may stand in its yard
MOST_REVISIONS = 3  # of one part for this reason; after that a person speaks to the customer


def due(*, at: datetime, at_most: int) -> list[UUID]:
    """Return parts of orders whose promise is over and not kept, the oldest first; what is held waits for its release."""
    told = Count(
        "promise_revisions",
        filter=Q(promise_revisions__reason__in=[PromiseReason.LOAD.value, PromiseReason.CARRIER.value]),
    )
    rows = Fulfilment.objects.filter(
        Q(state=State.PLACED.value, promised_at__lte=at - GRACE)
        | Q(state__in=[one.value for one in IN_WORK], promised_at__lte=at - GRACE_IN_WORK)
        | Q(state=State.UNDER_WAY.value, promised_at__lte=at - GRACE_ON_THE_WAY),
        order__held_for=[],
    )
    chosen = rows.annotate(told=told).filter(told__lt=MOST_REVISIONS)
    return list(chosen.order_by("promised_at", "id").values_list("id", flat=True)[:at_most])


@transaction_required
def revise(fulfilment_id: UUID, *, by: Actor, at: datetime) -> bool:
    """Promise a part of an order anew whose promise is over; say whether it was.

    Raises: FulfilmentNotFound, Busy.
    """
    work = fulfilment.claim(fulfilment_id)
    one = work.fulfilment
    if State(one.state) not in UNREADY or one.promised_at > at - GRACE or work.order.held_for:
        return False
    reason = PromiseReason.CARRIER if one.state == State.UNDER_WAY else PromiseReason.LOAD
    if reason is PromiseReason.LOAD and backorders.of_demands(line.order_line_id for line in work.lines_of(one)):
        return False
    before = one.promised_at
    promised_at, deliver_by = _anew(work, one, at=at)
    if promised_at is None or promised_at <= before:
        return False
    promise_history.keep(one, before, promised_at, reason, by=by, at=at)
    fulfilment.amend(work, one, at=at, promised_at=promised_at, deliver_by=deliver_by)
    fulfilment.conclude(
        work,
        verb="orders.promise_watch.revise",
        event=events.FulfilmentPromised,
        told={"promised_at": promised_at, "waiting": 0},
        by=by,
        at=at,
        before={"promised_at": before},
        after={"promised_at": promised_at},
        reason=reason.value,
    )
    return True


def _anew(work: Work, one: Fulfilment, *, at: datetime) -> tuple[datetime | None, datetime | None]:
    place = locations.by_id(one.location_id)
    if one.state == State.UNDER_WAY:  # it did not come in time: the next day on which its store is open
        there_by = promises.taken_in(place, at.astimezone(ZoneInfo(place.time_zone)).date() + timedelta(days=1))
        return there_by, there_by
    missing = [line for line in work.lines_of(one) if line.missing]
    basket = promises.Basket.of_lines((line.product_id, line.missing) for line in missing)
    if one.method in lifecycle.COLLECTED:  # it is overdue, so it is the next
        return promises.ready_at(place, one.method, basket, due=at, at=at), None
    if one.store_id is not None:
        found = promises.to_store(place, locations.by_id(one.store_id), basket, at=at)
        return found.leaves_by, found.arrives_by
    country = (work.order.ship_to or {}).get("country") or place.country
    found = promises.sent(place, Method.SHIP, basket, country=country, at=at)
    return found.leaves_by, found.arrives_by
