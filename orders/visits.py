"""What customers say about coming: on their way, here, in which car, or somebody else in their place; and forgetting it afterwards.

It is the customer's to say and the store's to see, for as long as the pickup takes. The journal only knows that something was said.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import errors, events, fulfilment, lifecycle, pickup
from orders.fulfilment import Work
from orders.lifecycle import State
from orders.models import Fulfilment, PickupVisit

LONGEST_DRIVE = 240  # minutes; who is farther away is not on the way yet
LONGEST_CAR, LONGEST_PLATE, LONGEST_NAME = 60, 15, 80
KEPT_FOR = timedelta(hours=2)  # after the hand-over, should a clerk have to run after the car
ERASED_AT_ONCE = 500
EXPECTED_FOR = timedelta(minutes=30)  # after the time of arrival somebody is no longer expected any minute

# A plate is letters, digits, and what stands between them, in any country of the region.
_PLATE = re.compile(r"[A-ZÄÖÜ0-9][A-ZÄÖÜ0-9 \-]{0,13}[A-ZÄÖÜ0-9]")


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of a visit; empty texts and None where nothing was said."""

    on_way_at: datetime | None = None
    eta_at: datetime | None = None
    car: str = ""
    plate: str = ""
    helper_name: str = ""
    moves: int = 0

    @property
    def vehicle(self) -> str:
        """The car and its plate, as a clerk looks for it."""
        return " · ".join(one for one in (self.car, self.plate) if one)


@transaction_required
def on_my_way(fulfilment_id: UUID, *, minutes: int, by: Actor, at: datetime) -> None:
    """Tell the store that the customer is on the way and how long it takes; saying it again corrects the time.

    Raises: InvalidInput for a time out of bounds, MoveNotAllowed unless it is a pickup that is still to be fetched,
    FulfilmentNotFound.
    """
    if not 1 <= minutes <= LONGEST_DRIVE:
        raise _invalid("minutes", str(minutes), f"Say in how many minutes you arrive, from 1 to {LONGEST_DRIVE}.")
    work = _collected(fulfilment_id, but=(State.ARRIVED,))
    _write(work, at=at, on_way_at=at, eta_at=at + timedelta(minutes=minutes))
    fulfilment.amend(work, work.fulfilment, at=at)
    fulfilment.conclude(
        work, verb="orders.visits.on_my_way", event=events.CustomerOnTheWay, told={"minutes": minutes}, by=by, at=at
    )


@transaction_required
def here(fulfilment_id: UUID, *, bay: str = "", car: str = "", plate: str = "", by: Actor, at: datetime) -> None:
    """Tell the store that the customer waits outside, where and in which car; saying it again corrects that.

    Raises: InvalidInput, MoveNotAllowed unless the pickup is ready, FulfilmentNotFound.
    """
    car, plate = car.strip(), " ".join(plate.upper().split())
    if len(car) > LONGEST_CAR:
        raise _invalid("car", car, f"Describe your car in at most {LONGEST_CAR} characters.")
    if plate and not _PLATE.fullmatch(plate):
        raise _invalid("plate", plate, "This is no number plate; letters and digits such as B-KO 1234.")
    pickup.arrive(fulfilment_id, by=by, at=at, bay=bay.strip())
    _write(fulfilment.claim(fulfilment_id), at=at, car=car, plate=plate)


@transaction_required
def seen_outside(fulfilment_id: UUID, *, bay: str, by: Actor, at: datetime) -> None:
    """Note that staff saw the customer outside, and where. What customers said of their car stays; all of it is erased after.

    Raises: InvalidInput, MoveNotAllowed unless the pickup is ready, FulfilmentNotFound.
    """
    pickup.arrive(fulfilment_id, by=by, at=at, bay=bay.strip())
    _write(fulfilment.claim(fulfilment_id), at=at)


@transaction_required
def name_helper(fulfilment_id: UUID, *, name: str, by: Actor, at: datetime) -> None:
    """Let somebody else collect: staff see the name and ask for it beside the code. An empty name takes it back.

    Raises: InvalidInput, MoveNotAllowed unless it is a pickup that is still to be fetched, FulfilmentNotFound.
    """
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME or not all(sign.isprintable() for sign in name):
        raise _invalid("name", name, f"A name has at most {LONGEST_NAME} characters.")
    work = _collected(fulfilment_id)
    _write(work, at=at, helper_name=name, helper_at=at if name else None)
    fulfilment.amend(work, work.fulfilment, at=at)
    fulfilment.conclude(work, verb="orders.visits.name_helper", by=by, at=at, after={"named": bool(name)})


@transaction_required
def count_move(work: Work, *, at: datetime) -> None:
    """Count that the customer moved a pickup themselves."""
    _write(work, at=at, moves=of(work.fulfilment.id).moves + 1)


def of(fulfilment_id: UUID) -> Visit:
    """Return what is known of the visit for a pickup."""
    row = PickupVisit.objects.filter(pk=fulfilment_id).first()
    if row is None:
        return Visit()
    return Visit(row.on_way_at, row.eta_at, row.car, row.plate, row.helper_name, row.moves)


@transaction_required
def erase_due(*, by: Actor, at: datetime) -> int:
    """Forget the personal details of visits that are over: car, plate, place, substitute. Return how many.

    Over is a pickup that ended longer than two hours ago. That it was done is in the journal; that nothing is left, the
    database holds (`pickup_visit_erased_is_empty`), and `left_over` counts what should not be there.
    """
    due = list(_over(at=at).values_list("pk", "fulfilment__order_id").order_by("pk")[:ERASED_AT_ONCE])
    ids = [fulfilment_id for fulfilment_id, _order_id in due]
    PickupVisit.objects.filter(pk__in=ids).update(
        car="", plate="", helper_name="", helper_at=None, eta_at=None, on_way_at=None, erased_at=at
    )
    fulfilment.forget_bays(ids)
    audit.record_many(
        [
            audit.AuditRow(
                verb="orders.visits.erase", object_type="order", object_id=order_id, after={"erased": "visit"}
            )
            for _fulfilment_id, order_id in due
        ],
        by=by,
    )
    return len(due)


def left_over(*, at: datetime) -> int:
    """Return how many visits hold details although they should be forgotten by now: none, once the task has run."""
    return _over(at=at).count()


def _over(*, at: datetime) -> Any:
    ended = [state.value for state in lifecycle.TERMINAL]
    return PickupVisit.objects.filter(
        erased_at__isnull=True, fulfilment__state__in=ended, fulfilment__changed_at__lte=at - KEPT_FOR
    )


def _collected(fulfilment_id: UUID, *, but: tuple[State, ...] = ()) -> Work:
    work = fulfilment.claim(fulfilment_id)
    held: Fulfilment = work.fulfilment
    if held.method not in lifecycle.COLLECTED or State(held.state) not in lifecycle.OPEN or State(held.state) in but:
        raise errors.MoveNotAllowed("Nobody has to come for this any more.", state=held.state, method=held.method)
    return work


def _write(work: Work, *, at: datetime, **changes: Any) -> None:
    PickupVisit.objects.update_or_create(
        fulfilment_id=work.fulfilment.id,
        defaults=changes,
        create_defaults={**changes, "created_at": at},
    )


def _invalid(field: str, value: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value[:80], "message": message}])
