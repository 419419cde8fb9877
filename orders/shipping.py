"""What leaves by carrier."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce.actors import Actor
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory import allocations
from inventory.stock import EntryKind
from orders import errors, events, fulfilment, leases
from orders.lifecycle import FETCHED, Action
from orders.packing import parcels
from orders.payments import following


@transaction_required
def ship(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime, tracking_number: str = "") -> None:
    """Note that the carrier took the goods: on hand falls now.

    A shipment that was packed leaves in its parcels, all of them.

    Raises: NotPaid, ParcelsChanged, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    leases.permit(user, work, Permission.WORK_PICKUPS)
    held = work.fulfilment
    if held.method in FETCHED:
        raise errors.MoveNotAllowed("Pickups are handed over against their code, not shipped.", method=held.method)
    fulfilment.require(held, Action.SHIP)
    following.require_paid(work.order.pk)
    packed = parcels.require_packed(work)
    allocations.leave(fulfilment.allocated_parts(work.lines_of(held)), kind=EntryKind.SHIPPED, by=by, at=at)
    parcels.let_go(packed, at=at)
    fulfilment.advance(work, held, Action.SHIP, at=at, is_on_shelf=False)
    fulfilment.conclude(
        work,
        verb="orders.shipping.ship",
        event=events.FulfilmentShipped,
        by=by,
        at=at,
        after={"tracking_number": tracking_number} if tracking_number else None,
    )
