"""The verbs of the counter: take an order on, call it ready, hand it over, and what happens when nobody comes.

They serve every method; what leaves by carrier leaves through `orders.shipping`.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory import allocations
from inventory.places import locations
from inventory.stock import EntryKind
from orders import age_checks, arrivals, cancellation, errors, events, fulfilment, leases, lifecycle, to_store
from orders.fulfilment import Work
from orders.lifecycle import Action, Method, State
from orders.payments import following

# Enough for a slip of the thumb, far too few to guess one of 244 million codes.
MOST_CODE_ATTEMPTS = 5
LONGEST_BAY = 40


class HandoverOutcome(StrEnum):
    HANDED_OVER = "handed_over"
    WRONG_CODE = "wrong_code"


@dataclass(frozen=True, slots=True)
class Handover:
    """What came of showing a code. A wrong one is an outcome, not an error: the attempt is counted, and that stays."""

    outcome: HandoverOutcome
    attempts_left: int

    @property
    def is_done(self) -> bool:
        return self.outcome is HandoverOutcome.HANDED_OVER


@transaction_required
def accept(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Take an order on: its lease is this person's, what was picked before stays picked. Accepting again extends it.

    An order in work whose lease ran out can be taken by anyone. Raises: AlreadyTaken, MoveNotAllowed, NotAllowed,
    FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = work.fulfilment
    if held.state in (State.ACCEPTED, State.PICKING):
        leases.check(work, user, at=at)
        fulfilment.amend(work, held, at=at, **leases.lease(user, at=at))
        fulfilment.conclude(work, verb="orders.pickup.accept", by=by, at=at)
        return
    fulfilment.advance(work, held, Action.ACCEPT, at=at, **leases.lease(user, at=at))
    if any(line.picked or line.rejected for line in work.lines_of(held)):
        fulfilment.advance(work, held, Action.PICK, at=at)
    fulfilment.conclude(work, verb="orders.pickup.accept", event=events.FulfilmentAccepted, by=by, at=at)


@transaction_required
def release(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime, reason: str = "") -> None:
    """Give an order back to the queue; what was picked stays picked for whoever takes it next.

    Raises: AlreadyTaken when someone else works on it, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    leases.check(work, user, at=at)
    fulfilment.move(
        work, Action.RELEASE, verb="orders.pickup.release", event=events.FulfilmentReleased, by=by, at=at, reason=reason
    )


@transaction_required
def take_over(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime, reason: str = "") -> None:
    """Take the lease from whoever holds it. Needs the right to take over.

    Raises: MoveNotAllowed when nobody works on it, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.TAKE_OVER_PICKUPS)
    held = work.fulfilment
    if held.state not in (State.ACCEPTED, State.PICKING):
        raise errors.MoveNotAllowed(
            f"Nobody picks an order that is '{held.state}', so there is nothing to take over.", state=held.state
        )
    previous = held.lease_holder_id
    fulfilment.amend(work, held, at=at, **leases.lease(user, at=at))
    fulfilment.conclude(
        work,
        verb="orders.pickup.take_over",
        by=by,
        at=at,
        before={"lease_holder": previous},
        after={"lease_holder": user.pk},
        reason=reason,
    )


@transaction_required
def mark_ready(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Call an order ready: every line is picked or rejected. From now on it is kept for its customer.

    Raises: LinesStillOpen, AlreadyTaken, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    leases.check(work, user, at=at)
    held = work.fulfilment
    fulfilment.require(held, Action.MARK_READY)
    if held.method == Method.SHIP_TO_STORE:
        raise errors.MoveNotAllowed("This order goes to its store first; send it there.", method=held.method)
    fulfilment.require_finished(work)
    fulfilment.move(
        work,
        Action.MARK_READY,
        verb="orders.pickup.mark_ready",
        event=events.FulfilmentReady,
        by=by,
        at=at,
        keep_until=keep_until(work, ready_at=at),
    )


def keep_until(work: Work, *, ready_at: datetime) -> datetime | None:
    """Return until when a pickup is kept: the location's days, counted on its calendar, after the window or the late start."""
    held = work.fulfilment
    if held.method not in lifecycle.COLLECTED or held.window_ends_at is None:
        return None
    place = locations.by_id(held.location_id)
    return lifecycle.kept_until(max(held.window_ends_at, ready_at), place.pickup_keep_days, place.time_zone)


@transaction_required
def arrive(fulfilment_id: UUID, *, by: Actor, at: datetime, bay: str = "") -> None:
    """Note that the customer waits outside, and in which bay. Saying it again only changes the bay.

    Raises: MoveNotAllowed unless it is a pickup that is ready, InvalidInput, FulfilmentNotFound.
    """
    if len(bay) > LONGEST_BAY:
        raise InvalidInput(
            f"A bay has at most {LONGEST_BAY} characters.",
            errors=[{"field": "bay", "value": bay, "message": "too long"}],
        )
    work = fulfilment.claim(fulfilment_id)
    _require_pickup(work)
    if work.fulfilment.method not in lifecycle.COLLECTED:
        raise errors.MoveNotAllowed(
            "This order is fetched inside; nobody waits for it outside.", method=work.fulfilment.method
        )
    if work.fulfilment.state == State.ARRIVED:
        fulfilment.amend(work, work.fulfilment, at=at, bay=bay)
        fulfilment.conclude(work, verb="orders.pickup.arrive", by=by, at=at)
        return
    fulfilment.advance(work, work.fulfilment, Action.ARRIVE, at=at, arrived_at=at, bay=bay)
    # The audit is for ever and a bay is often a number plate: only the fulfilment knows it.
    fulfilment.conclude(work, verb="orders.pickup.arrive", event=events.FulfilmentArrived, by=by, at=at)


@transaction_required
def hand_over(
    fulfilment_id: UUID, code: str, *, user: AbstractUser, by: Actor, at: datetime, is_of_age: bool = False
) -> Handover:
    """Hand the goods to whoever shows the pickup code: on hand falls now. A wrong code is counted and changes nothing else.

    `is_of_age` says that whoever collects was seen to be old enough. Raises: TooManyCodeAttempts after five wrong codes (then
    `hand_over_checked`), NotPaid, AgeNotConfirmed, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = work.fulfilment
    _require_pickup(work)
    fulfilment.require(held, Action.HAND_OVER)
    if held.failed_code_attempts >= MOST_CODE_ATTEMPTS:
        raise errors.TooManyCodeAttempts(
            f"The code was wrong {held.failed_code_attempts} times. Someone who may take orders over must check who "
            "collects and hand over without it.",
            attempts=held.failed_code_attempts,
        )
    if not hmac.compare_digest(normalised(code).encode(), held.pickup_code.encode()):
        attempts = held.failed_code_attempts + 1
        fulfilment.amend(work, held, at=at, failed_code_attempts=attempts)
        fulfilment.conclude(work, verb="orders.pickup.wrong_code", by=by, at=at, after={"attempts": attempts})
        return Handover(HandoverOutcome.WRONG_CODE, MOST_CODE_ATTEMPTS - attempts)
    _leave(work, verb="orders.pickup.hand_over", by=by, at=at, is_of_age=is_of_age)
    return Handover(HandoverOutcome.HANDED_OVER, MOST_CODE_ATTEMPTS - held.failed_code_attempts)


@transaction_required
def hand_over_checked(
    fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime, reason: str, is_of_age: bool = False
) -> None:
    """Hand the goods over without the code, because this person checked who collects, and how (`reason`).

    Needs the right to take over. Raises: InvalidInput without a reason, NotPaid, AgeNotConfirmed, MoveNotAllowed,
    NotAllowed, FulfilmentNotFound.
    """
    if not reason.strip():
        raise InvalidInput(
            "Say how you made sure that this is the customer, such as: saw the order confirmation and an identity card.",
            errors=[{"field": "reason", "value": reason, "message": "must be given"}],
        )
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.TAKE_OVER_PICKUPS)
    _require_pickup(work)
    _leave(work, verb="orders.pickup.hand_over_checked", by=by, at=at, reason=reason, is_of_age=is_of_age)


def normalised(code: str) -> str:
    """Return a code as it is stored: people type lower case, spaces and hyphens."""
    return "".join(character for character in code.upper() if character.isalnum())


def _require_pickup(work: Work) -> None:
    if work.fulfilment.method not in lifecycle.FETCHED:
        raise errors.MoveNotAllowed(
            f"This order goes out as '{work.fulfilment.method}'; nobody comes for it.",
            method=work.fulfilment.method,
        )


def _leave(work: Work, *, verb: str, is_of_age: bool, by: Actor, at: datetime, reason: str = "") -> None:
    held = work.fulfilment
    fulfilment.require(held, Action.HAND_OVER)
    going = [line for line in work.lines_of(held) if line.quantity > line.rejected]
    following.require_paid(work.order.pk)
    checked = age_checks.require((line.product_id for line in going), is_of_age=is_of_age)
    parts = fulfilment.allocated_parts(going)
    if not lifecycle.has_left(held.state, held.method):  # what came from another place left its shelves there
        allocations.leave(parts, kind=EntryKind.HANDED_OVER, by=by, at=at)
    fulfilment.advance(work, held, Action.HAND_OVER, at=at, is_on_shelf=False)
    fulfilment.conclude(work, verb=verb, event=events.FulfilmentHandedOver, by=by, at=at, after=checked, reason=reason)


@transaction_required
def mark_no_show(fulfilment_id: UUID, *, by: Actor, at: datetime) -> None:
    """Note that nobody came while the order was kept. The goods stay promised until someone returns them to stock.

    Raises: StillKept, MoveNotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    held = work.fulfilment
    fulfilment.require(held, Action.MARK_NO_SHOW)
    if held.keep_until is None or held.keep_until > at:
        raise errors.StillKept(
            "The order is still kept for its customer.",
            keep_until=clock.utc_text(held.keep_until) if held.keep_until else None,
        )
    fulfilment.move(
        work, Action.MARK_NO_SHOW, verb="orders.pickup.mark_no_show", event=events.FulfilmentNoShow, by=by, at=at
    )


@transaction_required
def return_to_stock(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime, reason: str = "") -> None:
    """Put the goods of a no-show back on sale; nothing of the order is owed any more.

    Raises: MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = work.fulfilment
    fulfilment.require(held, Action.RETURN_TO_STOCK)
    if lifecycle.has_left(held.state, held.method):
        to_store.book_in(work, held, by=by, at=at)
    else:
        parts = fulfilment.allocated_parts(work.lines_of(held))
        allocations.release(parts, by=by, at=at, reason="not collected")
    cancellation.cancel_rest(work, [held])
    fulfilment.move(
        work,
        Action.RETURN_TO_STOCK,
        verb="orders.pickup.return_to_stock",
        event=events.FulfilmentReturnedToStock,
        by=by,
        at=at,
        reason=reason,
        is_on_shelf=False,
    )


@transaction_required
def put_back(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Note that the picked goods of a cancelled order left the pickup shelf; they have been on sale since it was cancelled.

    Raises: MoveNotAllowed when nothing of a cancelled order lies there, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = work.fulfilment
    if held.state != State.CANCELLED or not held.is_on_shelf:
        raise errors.MoveNotAllowed("Nothing of this order waits to be put back.", state=held.state)
    if held.method == Method.SHIP_TO_STORE and held.location_id == held.store_id:
        arrivals.require_all_here(held)
        to_store.book_in(work, held, by=by, at=at)
    fulfilment.amend(work, held, at=at, is_on_shelf=False)
    fulfilment.conclude(work, verb="orders.pickup.put_back", by=by, at=at)
