"""Ship to store: one place picks, the goods travel to the store that the customer chose, and wait there to be fetched.

They leave the shelves for this customer when they are sent, as any parcel does: nobody else can be sold them on the way. What
comes back (nobody fetched it, or it was called off on the way) is booked in where it is then, at the store.
"""

from datetime import datetime
from uuid import UUID, uuid5

from django.contrib.auth.models import AbstractUser

from commerce.actors import Actor
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory import allocations, locations
from inventory import returns as stock_returns
from inventory.returns import ReturnLine
from inventory.stock import Condition, EntryKind
from orders import errors, events, fulfilment, leases, lifecycle, pickup_codes
from orders.fulfilment import Work
from orders.lifecycle import Action, Method
from orders.models import Fulfilment


@transaction_required
def send(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Send what was picked to the store: on hand falls here, and from now on the order is the store's.

    Raises: LinesStillOpen, AlreadyTaken, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    leases.check(work, user, at=at)
    held = _require_to_store(work)
    fulfilment.require(held, Action.SEND_TO_STORE)
    fulfilment.require_finished(work)
    origin = locations.by_id(held.location_id)
    allocations.leave(fulfilment.allocated_parts(work.lines_of(held)), kind=EntryKind.SHIPPED, by=by, at=at)
    fulfilment.move(
        work, Action.SEND_TO_STORE, verb="orders.to_store.send", event=events.FulfilmentSentToStore, by=by, at=at,
        reason=origin.code, location_id=held.store_id, promised_at=max(held.deliver_by or at, at),
        lease_holder=None, lease_expires_at=None,
    )  # fmt: skip


@transaction_required
def receive(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Note that the goods are at the store: the customer is told, with the code, and how long they are kept.

    Raises: MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = _require_to_store(work)
    fulfilment.require(held, Action.RECEIVE)
    place = locations.by_id(held.location_id)
    [code] = pickup_codes.draw([place.id])
    fulfilment.move(
        work, Action.RECEIVE, verb="orders.to_store.receive", event=events.FulfilmentReady, by=by, at=at,
        pickup_code=code, is_on_shelf=True, keep_until=lifecycle.kept_until(at, place.pickup_keep_days, place.time_zone),
    )  # fmt: skip


def book_in(work: Work, one: Fulfilment, *, by: Actor, at: datetime) -> None:
    """Put goods that had left for this order back on sale at the store where they are."""
    stock_returns.return_to_stock(
        [
            ReturnLine(
                uuid5(line.id, "back from the store's shelf"), line.product_id, one.location_id, line.picked,
                Condition.SELLABLE,
            )
            for line in work.lines_of(one)
            if line.picked
        ],
        reason="sent to the store and not fetched", cause_type="fulfilment", cause_id=one.pk.hex, by=by, at=at,
    )  # fmt: skip


def _require_to_store(work: Work) -> Fulfilment:
    held = work.fulfilment
    if held.method != Method.SHIP_TO_STORE:
        raise errors.MoveNotAllowed(f"This order goes out as '{held.method}', not to a store.", method=held.method)
    return held
