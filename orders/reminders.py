"""The ladder of reminders: ready, the day before the pickup ends, its last day; as data, per channel and location.

"Ready" is told with its event. The other steps are so many hours before the end; each is sent once per end, so that a pickup
that is moved is reminded of anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import queries
from orders.lifecycle import FETCHED, State
from orders.models import Fulfilment, PickupReminder
from orders.notifications import Planned, catalogue, plan

AT_ONCE = 200
FARTHEST = timedelta(hours=720)
MESSAGES = ("pickup.reminder", "pickup.last_day")


@dataclass(frozen=True, slots=True)
class Step:
    """A message so many hours before the end."""

    message: str
    hours_before: int


# Where nobody says otherwise.
USUAL = (Step("pickup.reminder", 30), Step("pickup.last_day", 8))


def ladder(rows: Iterable[PickupReminder], *, location_id: int, channel_id: int) -> tuple[Step, ...]:
    """Return the steps for an order: those for its location and channel, else for its location, its channel, everywhere."""
    given = list(rows)
    for place, channel in ((location_id, channel_id), (location_id, None), (None, channel_id), (None, None)):
        own = [row for row in given if (row.location_id, row.channel_id) == (place, channel)]
        if own:
            return tuple(Step(row.message, row.hours_before) for row in own if row.is_active)
    return USUAL


def due_step(steps: Iterable[Step], *, keep_until: datetime, at: datetime) -> Step | None:
    """Return the latest step whose time has come; an earlier one that was missed is not caught up on."""
    come = [step for step in steps if keep_until - timedelta(hours=step.hours_before) <= at < keep_until]
    return min(come, key=lambda step: step.hours_before, default=None)


@transaction_required
def plan_due(*, at: datetime, after: UUID | None = None) -> tuple[int, UUID | None]:
    """Plan the reminders that are due for the next pickups after `after`; return how many are new, and where to go on."""
    waiting = Fulfilment.objects.filter(
        state=State.READY.value,
        method__in=[one.value for one in FETCHED],
        keep_until__gt=at,
        keep_until__lte=at + FARTHEST,
    )
    if after is not None:
        waiting = waiting.filter(pk__gt=after)
    rows = list(
        waiting.order_by("pk").values_list("id", "order_id", "location_id", "order__channel_id", "keep_until")[:AT_ONCE]
    )
    given = list(PickupReminder.objects.all())
    wanted = []
    for fulfilment_id, order_id, location_id, channel_id, keep_until in rows:
        step = due_step(ladder(given, location_id=location_id, channel_id=channel_id), keep_until=keep_until, at=at)
        message = catalogue.get(step.message) if step else None
        if message is not None:
            event = f"{fulfilment_id}:{keep_until:%Y%m%dT%H%M}"
            wanted.append(Planned(message, queries.order(order_id), event, {"fulfilment_id": str(fulfilment_id)}))
    done = plan(wanted, at=at) if wanted else 0
    return done, rows[-1][0] if len(rows) == AT_ONCE else None


@transaction_required
def set_step(
    *,
    message: str,
    hours_before: int,
    location_id: int | None = None,
    channel_id: int | None = None,
    is_active: bool = True,
    by: Actor,
) -> int:
    """Write a step of a ladder; the same message, location and channel again replaces it. Raises: InvalidInput."""
    if message not in MESSAGES:
        raise InvalidInput(
            "Choose one of the reminders.", errors=[{"field": "message", "value": message, "message": "unknown"}]
        )
    if not 1 <= hours_before <= 720:
        raise InvalidInput(
            "A reminder is sent 1 to 720 hours before the pickup ends.",
            errors=[{"field": "hours_before", "value": str(hours_before), "message": "out of bounds"}],
        )
    row, _new = PickupReminder.objects.update_or_create(
        message=message,
        location_id=location_id,
        channel_id=channel_id,
        defaults={"hours_before": hours_before, "is_active": is_active},
    )
    audit.record(
        "orders.reminders.set_step", "pickup_reminder", row.pk, by=by,
        after={"message": message, "hours_before": hours_before, "location": location_id, "channel": channel_id,
               "is_active": is_active},
    )  # fmt: skip
    return int(row.pk)
