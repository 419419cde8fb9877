"""Who works on an order, until when, and whether they may: two clerks can't pick the same order."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractUser

from commerce import clock
from commerce.actors import Actor
from commerce.errors import NotAllowed
from commerce.roles import Permission
from commerce.transactions import transaction_required
from inventory.places import locations
from orders import errors, events, fulfilment
from orders.fulfilment import Work
from orders.lifecycle import Action, State
from orders.models import Fulfilment

# Long enough to walk to a far shelf and back, short enough that a forgotten phone doesn't cost a promise.
LEASE_MINUTES = 15


def permit(user: AbstractUser, work: Work, permission: Permission) -> None:
    """Make sure that this person may do this where the goods are (law 17). Raises: NotAllowed."""
    location_id = work.fulfilment.location_id
    if permission not in locations.access(user).permissions_at(location_id):
        raise NotAllowed(
            f"This needs the right '{permission}' at {locations.by_id(location_id).name}.",
            permission=str(permission),
            location=locations.by_id(location_id).code,
        )


def is_free(work: Work, user: AbstractUser, *, at: datetime) -> bool:
    """Say whether this person may take the lease: nobody holds it, it ran out, or it is theirs."""
    held = work.fulfilment
    return held.lease_holder_id in (None, user.pk) or held.lease_expires_at is None or held.lease_expires_at <= at


def check(work: Work, user: AbstractUser, *, at: datetime) -> None:
    """Make sure that nobody else works on it. Raises: AlreadyTaken naming who and until when."""
    if is_free(work, user, at=at):
        return
    held = work.fulfilment
    holder, until = held.lease_holder, held.lease_expires_at
    name = (holder.get_full_name() or holder.get_username()) if holder else ""
    raise errors.AlreadyTaken(
        f"{name} works on this order until {until:%H:%M} UTC.",
        holder=name,
        until=clock.utc_text(until) if until else None,
    )


def lease(user: AbstractUser, *, at: datetime) -> dict[str, Any]:
    """Return the columns of a fresh lease."""
    return {"lease_holder": user, "lease_expires_at": at + timedelta(minutes=LEASE_MINUTES)}


def renewed(held: Fulfilment, user: AbstractUser, *, at: datetime) -> dict[str, Any]:
    """Return the columns of a lease that goes on: one that was given for longer, such as a wave's, is not cut short."""
    fresh = lease(user, at=at)
    if held.lease_holder_id == user.pk and held.lease_expires_at is not None:
        fresh["lease_expires_at"] = max(held.lease_expires_at, fresh["lease_expires_at"])
    return fresh


@transaction_required
def release_stale(fulfilment_id: UUID, *, by: Actor, at: datetime) -> None:
    """End a lease that ran out: an accepted order goes back to the queue, a begun one keeps its progress for anyone.

    Raises: AlreadyTaken when it runs again, MoveNotAllowed when there is none, FulfilmentNotFound.
    """
    work = fulfilment.claim(fulfilment_id)
    held = work.fulfilment
    if held.lease_expires_at is None:
        raise errors.MoveNotAllowed("Nobody holds a lease on this order.", state=held.state)
    if held.lease_expires_at > at:
        raise errors.AlreadyTaken("The lease was extended.", until=clock.utc_text(held.lease_expires_at))
    before = {"lease_holder": held.lease_holder_id}
    if held.state == State.ACCEPTED:
        fulfilment.advance(work, held, Action.RELEASE, at=at)
        told: type[events.OrderEvent] | None = events.FulfilmentReleased
    else:
        fulfilment.amend(work, held, at=at, lease_holder=None, lease_expires_at=None)
        told = None
    fulfilment.conclude(
        work, verb="orders.leases.release_stale", event=told, by=by, at=at, before=before, reason="lease ran out"
    )
