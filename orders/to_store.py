"""Ship to store: one place picks and packs, the parcels travel to the store that the customer chose, and wait there to be fetched.

They leave the shelves for this customer when they are sent, as any parcel does: nobody else can be sold them on the way. What
comes back (nobody fetched it, or it was called off on the way) is booked in where it is then, at the store.
"""

from datetime import datetime
from uuid import UUID, uuid5

from django.contrib.auth.models import AbstractUser

from commerce.actors import Actor
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory import allocations
from inventory import returns as stock_returns
from inventory.places import locations
from inventory.returns import ReturnLine
from inventory.stock import Condition, EntryKind
from orders import errors, events, fulfilment, leases, lifecycle, pickup_codes
from orders.fulfilment import Work
from orders.lifecycle import Action, Method, State
from orders.models import Fulfilment
from orders.packing import parcels


@transaction_required
def finish(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Note that all is picked: whoever is at the packing table packs it for its store.

    Raises: LinesStillOpen, AlreadyTaken, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    _finish(work, user, at=at)
    fulfilment.conclude(work, verb="orders.to_store.finish", by=by, at=at)


@transaction_required
def send(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Send what was picked to the store, in its parcels: on hand falls here, and from now on the order is the store's.

    What nobody packed goes into one parcel, so that its store can say of each piece whether it came.
    Raises: LinesStillOpen, ParcelsChanged, AlreadyTaken, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = require_to_store(work)
    if held.state == State.PICKING:
        _finish(work, user, at=at)
    fulfilment.require(held, Action.SEND_TO_STORE)
    packed = parcels.require_packed(parcels.alone(work)) or parcels.pack_at_once(work, at=at)
    origin = locations.by_id(held.location_id)
    allocations.leave(fulfilment.allocated_parts(work.lines_of(held)), kind=EntryKind.SHIPPED, by=by, at=at)
    parcels.let_go(packed, at=at)
    fulfilment.advance(
        work, held, Action.SEND_TO_STORE, at=at, location_id=held.store_id, origin_id=origin.id, is_on_shelf=False,
        promised_at=max(held.deliver_by or at, at), lease_holder=None, lease_expires_at=None,
    )  # fmt: skip
    fulfilment.conclude(
        work, verb="orders.to_store.send", event=events.FulfilmentSentToStore, by=by, at=at,
        after={"from": origin.code, "parcels": len(packed)}, reason=origin.code,
    )  # fmt: skip


def make_ready(work: Work, *, verb: str, by: Actor, at: datetime) -> None:
    """Call goods that came to their store ready: the customer is told, with the code, and how long they are kept."""
    place = locations.by_id(work.fulfilment.location_id)
    [code] = pickup_codes.draw([place.id])
    fulfilment.move(
        work, Action.RECEIVE, verb=verb, event=events.FulfilmentReady, by=by, at=at,
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


def require_to_store(work: Work) -> Fulfilment:
    """Return the fulfilment at hand, which is to be fetched at a store to which it is sent. Raises: MoveNotAllowed."""
    held = work.fulfilment
    if held.method != Method.SHIP_TO_STORE:
        raise errors.MoveNotAllowed(f"This order goes out as '{held.method}', not to a store.", method=held.method)
    return held


def _finish(work: Work, user: AbstractUser, *, at: datetime) -> None:
    held = require_to_store(work)
    leases.check(work, user, at=at)
    fulfilment.require(held, Action.FINISH_PICKING)
    fulfilment.require_finished(work)
    fulfilment.advance(work, held, Action.FINISH_PICKING, at=at, lease_holder=None, lease_expires_at=None)
