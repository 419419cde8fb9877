"""Holds: an order stands still for a reason until somebody lets it go on; several reasons at once, each released by itself.

While an order is held, nothing of it is accepted, picked, made ready, handed over or shipped (`fulfilment.require`, and
the trigger `held_order_stands_still`). It can still be given back to the queue, changed and cancelled.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from commerce import ids, integrity
from commerce.actors import Actor, ActorKind
from commerce.errors import Conflict, InvalidInput, NotAllowed
from commerce.transactions import transaction_required
from orders import errors, events, fulfilment, lifecycle
from orders.fulfilment import Work
from orders.hold_kinds import HoldKind
from orders.lifecycle import OrderStatus, State
from orders.models import Order, OrderHold

LONGEST_REASON = 200

integrity.refuse(
    "held_order_stands_still",
    lambda: errors.OrderOnHold("The order was put on hold at the same moment; look at it again."),
)
integrity.refuse(
    "order_hold_once_per_kind",
    lambda: Conflict("The order was put on hold for this at the same moment; look at it again."),
)


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold as screens and channels read it."""

    id: UUID
    kind: HoldKind
    reason: str
    placed_by: str
    placed_at: datetime
    released_by: str
    release_reason: str
    released_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.released_at is None


@transaction_required
def place(
    order_id: UUID,
    kind: HoldKind | str,
    reason: str = "",
    *,
    by: Actor,
    at: datetime,
    channel_id: int | None = None,
) -> UUID:
    """Let work on an order stand still and return the hold. Held for the same already, it stays as it was.

    `reason` is for colleagues and names nobody. With `channel_id`, an order of another channel does not exist.
    Raises: CannotHold when the order is over, InvalidInput, OrderNotFound.
    """
    wanted = _kind(kind)
    reason = _reason(reason)
    work = _claim(order_id, channel_id)
    order = work.order
    standing = OrderHold.objects.filter(order=order, kind=wanted.value, released_at__isnull=True).first()
    if standing is not None:
        return standing.pk
    is_over = all(State(one.state) in lifecycle.TERMINAL for one in work.fulfilments)
    if is_over and (
        work.fulfilments or work.status is OrderStatus.CANCELLED
    ):  # what is being routed can be stopped, too
        raise errors.CannotHold(
            f"Order {order.number} is {work.status}: nothing of it is left to hold.", status=work.status.value
        )
    hold = OrderHold.objects.create(
        id=ids.new(),
        order=order,
        kind=wanted.value,
        reason=reason,
        placed_by_kind=by.kind.value,
        placed_by_id=by.id[:64],
        placed_by=by.label[:200],
        placed_at=at,
    )
    order.held_for = sorted({*order.held_for, wanted.value})
    _touch(work, at=at)
    fulfilment.conclude(
        work,
        verb="orders.holds.place",
        event=events.OrderHeld,
        told={"kind": wanted.value},
        by=by,
        at=at,
        after={"hold": wanted.value, "held_for": order.held_for},
        reason=reason,
    )
    return hold.pk


@transaction_required
def release(
    order_id: UUID,
    kind: HoldKind | str,
    reason: str = "",
    *,
    by: Actor,
    at: datetime,
    channel_id: int | None = None,
) -> list[str]:
    """Let an order go on as far as this kind of hold stopped it, and return what it is still held for.

    A pickup that was ready is kept for its customer as much longer as nobody could fetch it. A channel releases only
    what it placed itself. Raises: HoldUnknown, NotAllowed, InvalidInput, OrderNotFound.
    """
    wanted = _kind(kind)
    reason = _reason(reason)
    work = _claim(order_id, channel_id)
    order = work.order
    hold = OrderHold.objects.filter(order=order, kind=wanted.value, released_at__isnull=True).first()
    if hold is None:
        raise errors.HoldUnknown(
            f"Order {order.number} is not held for '{wanted}'.", kind=wanted.value, held_for=list(order.held_for)
        )
    if by.kind is ActorKind.CHANNEL and (hold.placed_by_kind, hold.placed_by_id) != (by.kind.value, by.id):
        raise NotAllowed(
            f"This hold was placed by {hold.placed_by}; a channel releases only holds of its own.", kind=wanted.value
        )
    hold.released_at = max(at, hold.placed_at)
    hold.released_by, hold.release_reason = by.label[:200], reason
    hold.save(update_fields=["released_at", "released_by", "release_reason"])
    order.held_for = sorted(set(order.held_for) - {wanted.value})
    _touch(work, at=at)
    if not order.held_for:
        _keep_longer(work, at=at)
    fulfilment.conclude(
        work,
        verb="orders.holds.release",
        event=events.OrderHoldReleased,
        told={"kind": wanted.value, "held_for": list(order.held_for)},
        by=by,
        at=at,
        before={"hold": wanted.value},
        after={"released": wanted.value, "held_for": order.held_for},
        reason=reason,
    )
    return list(order.held_for)


def of_orders(order_ids: Iterable[UUID], *, open_only: bool = True) -> Mapping[UUID, list[Hold]]:
    """Return the holds of orders, the oldest first, in one SQL query."""
    rows = OrderHold.objects.filter(order_id__in=list(order_ids)).order_by("placed_at", "id")
    if open_only:
        rows = rows.filter(released_at__isnull=True)
    found: dict[UUID, list[Hold]] = {}
    for row in rows:
        found.setdefault(row.order_id, []).append(_view(row))
    return found


def _view(row: OrderHold) -> Hold:
    return Hold(
        row.pk,
        HoldKind(row.kind),
        row.reason,
        row.placed_by,
        row.placed_at,
        row.released_by,
        row.release_reason,
        row.released_at,
    )


def _claim(order_id: UUID, channel_id: int | None) -> Work:
    work = fulfilment.claim_order(order_id)
    if channel_id is not None and work.order.channel_id != channel_id:
        raise errors.OrderNotFound("There is no such order.", order=str(order_id))
    return work


def _touch(work: Work, *, at: datetime) -> None:
    """Let every queue that shows a part of the order see that it looks different now."""
    for one in work.fulfilments:
        if State(one.state) not in lifecycle.TERMINAL:
            fulfilment.amend(work, one, at=at)


def _keep_longer(work: Work, *, at: datetime) -> None:
    """Give the time back in which nobody could fetch what was ready."""
    since = _held_since(work.order, at=at)
    for one in work.fulfilments:
        if State(one.state) in (State.READY, State.ARRIVED) and one.keep_until is not None:
            fulfilment.amend(work, one, at=at, keep_until=one.keep_until + max(at - since, timedelta()))


def _held_since(order: Order, *, at: datetime) -> datetime:
    """Return when the holds began that just ended: the first of those that were open without a gap until now."""
    since = at
    for placed_at, released_at in (
        OrderHold.objects.filter(order=order).order_by("-released_at").values_list("placed_at", "released_at")
    ):
        if released_at < since:
            break
        since = min(since, placed_at)
    return since


def _kind(kind: HoldKind | str) -> HoldKind:
    try:
        return HoldKind(kind)
    except ValueError as error:
        known = ", ".join(HoldKind)
        raise InvalidInput(
            f"An order is held for one of: {known}.",
            errors=[{"field": "kind", "value": str(kind)[:40], "message": f"one of {known}"}],
        ) from error


def _reason(reason: str) -> str:
    if len(reason) > LONGEST_REASON:
        raise InvalidInput(
            f"A reason has at most {LONGEST_REASON} characters.",
            errors=[{"field": "reason", "value": reason[:LONGEST_REASON], "message": "too long"}],
        )
    return reason.strip()
