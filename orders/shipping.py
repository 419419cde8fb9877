"""What leaves by carrier."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import allocations
from inventory.stock import EntryKind
from orders import events, fulfilment
from orders.floor import Parting
from orders.lifecycle import Action
from orders.packing import consignments, parcels
from orders.payments import following


@transaction_required
def ship(fulfilment_id: UUID, *, user: AbstractUser, by: Actor, at: datetime, tracking_number: str = "") -> None:
    """Note that the carrier took the goods: on hand falls now.

    A shipment that was packed leaves in its parcels, all of them, and with it the others in them. One of its consignment that
    is not picked yet travels alone then, as does one that leaves unpacked.

    Raises: NotPaid, ParcelsChanged, MoveNotAllowed, NotAllowed, FulfilmentNotFound.
    """
    table = parcels.claim(fulfilment_id, user)
    fulfilment.require(table.work.fulfilment, Action.SHIP)
    packed = parcels.require_packed(table)
    leaving = table.works if packed else [table.work]
    for work in leaving:
        following.require_paid(work.order.pk)
    if packed:
        consignments.part([work.fulfilment.id for work in table.later], Parting.LATE, at=at)
    elif len(table.works) + len(table.later) > 1:
        consignments.part([fulfilment_id], Parting.SENT, at=at)
    lines = [line for work in leaving for line in work.lines_of(work.fulfilment)]
    allocations.leave(fulfilment.allocated_parts(lines), kind=EntryKind.SHIPPED, by=by, at=at)
    parcels.let_go(packed, at=at)
    after = {"tracking_number": tracking_number} if tracking_number else {}
    for work in leaving:
        others = [one.order.number for one in leaving if one is not work]
        fulfilment.advance(work, work.fulfilment, Action.SHIP, at=at, is_on_shelf=False)
        fulfilment.conclude(
            work,
            verb="orders.shipping.ship",
            event=events.FulfilmentShipped,
            by=by,
            at=at,
            after={**after, **({"together_with": others} if others else {})} or None,
        )
