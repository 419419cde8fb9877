"""What a customer sees and may do behind the link of their order, without an account.

The link's token is the key: 256 random bits, for this one order only.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders import (
    cancellation,
    errors,
    lifecycle,
    pickup_moves,
    pickup_windows,
    promise_history,
    queries,
    visits,
)
from orders.lifecycle import COLLECTED, FETCHED, Action, Method, OrderStatus, State
from orders.promise_history import Revision
from orders.queries import FulfilmentView, OrderView
from orders.visits import Visit

# Steps that a customer cares about, and the states in which each is the present one.
PICKUP_STEPS = {
    "received": frozenset({State.PLACED}),
    "preparing": frozenset({State.ACCEPTED, State.PICKING}),
    "ready": frozenset({State.READY, State.ARRIVED, State.NO_SHOW}),
    "collected": frozenset({State.HANDED_OVER}),
}
STORE_STEPS = {
    "received": frozenset({State.PLACED}),
    "preparing": frozenset({State.ACCEPTED, State.PICKING, State.PICKED}),
    "to_store": frozenset({State.UNDER_WAY}),
    "ready": frozenset({State.READY, State.NO_SHOW}),
    "collected": frozenset({State.HANDED_OVER}),
}
SHIPPING_STEPS = {
    "received": frozenset({State.PLACED}),
    "preparing": frozenset({State.ACCEPTED, State.PICKING, State.READY}),
    "shipped": frozenset({State.SHIPPED}),
}


NOTHING_SAID = Visit()


@dataclass(frozen=True, slots=True)
class Part:
    """What of an order goes one way, as its customer sees it."""

    fulfilment: FulfilmentView
    place: LocationRef
    goods: tuple[tuple[str, int], ...]  # (name, pieces) of what was ordered and is not given up
    as_of: datetime
    visit: Visit = NOTHING_SAID
    revisions: tuple[Revision, ...] = ()

    @property
    def status(self) -> OrderStatus:
        return lifecycle.order_status([self.fulfilment.state])

    @property
    def is_pickup(self) -> bool:
        return self.fulfilment.method in FETCHED

    @property
    def is_to_store(self) -> bool:
        return self.fulfilment.method == Method.SHIP_TO_STORE

    @property
    def steps(self) -> list[tuple[str, str]]:
        """Return the steps with where each stands: done, now or next; none for a part that ended otherwise."""
        steps = STORE_STEPS if self.is_to_store else PICKUP_STEPS if self.is_pickup else SHIPPING_STEPS
        names = list(steps)
        present = next((name for name, states in steps.items() if self.fulfilment.state in states), None)
        if present is None:
            return []
        place = names.index(present)
        is_over = place == len(names) - 1
        return [
            (name, "done" if number < place or is_over else "now" if number == place else "next")
            for number, name in enumerate(names)
        ]

    @property
    def shows_code(self) -> bool:
        """The code opens a pickup that is not over; it is shown from the start, so that it can be written down."""
        return bool(self.fulfilment.pickup_code) and State(self.fulfilment.state) in lifecycle.OPEN

    @property
    def may_arrive(self) -> bool:
        return self.fulfilment.method == Method.CURBSIDE and (
            Action.ARRIVE in self.fulfilment.allowed_actions or self.fulfilment.state == State.ARRIVED
        )

    @property
    def may_say_on_my_way(self) -> bool:
        """Whether it helps the store to know that somebody is coming: the goods are prepared or being prepared."""
        return self.fulfilment.method in COLLECTED and State(self.fulfilment.state) in (
            State.ACCEPTED,
            State.PICKING,
            State.READY,
            State.NO_SHOW,
        )

    @property
    def may_name_helper(self) -> bool:
        return self.fulfilment.method in COLLECTED and State(self.fulfilment.state) in lifecycle.OPEN

    @property
    def may_move(self) -> bool:
        return (
            self.fulfilment.method in COLLECTED
            and State(self.fulfilment.state) in pickup_moves.TO_OTHER_WINDOWS
            and self.visit.moves < pickup_moves.MOST_MOVES_BY_CUSTOMERS
        )

    @property
    def last_revision(self) -> Revision | None:
        """The last time that this part's promise moved, while it still matters: the step that led to what holds now."""
        if self.fulfilment.state == State.SHIPPED and self.arrives_by:  # the carrier's word moved the day
            late = [one for one in self.revisions if one.after == self.fulfilment.deliver_by]
            return late[-1] if late else None
        if State(self.fulfilment.state) in lifecycle.TERMINAL:
            return None
        led_here = [one for one in self.revisions if one.after == self.fulfilment.promised_at]
        return led_here[-1] if led_here else None

    @property
    def arrives_by(self) -> datetime | None:
        """By when what is sent is there, while that can be kept; a day that is over is no news."""
        one = self.fulfilment
        is_coming = self.status in (OrderStatus.OPEN, OrderStatus.IN_PROGRESS) or (
            not self.is_to_store and self.status in (OrderStatus.READY, OrderStatus.COMPLETED)
        )
        return one.deliver_by if is_coming and one.deliver_by and one.deliver_by > self.as_of else None

    @property
    def is_with_carrier(self) -> bool:
        """Whether its promise is a day, not an hour."""
        return self.fulfilment.state == State.SHIPPED

    @property
    def is_late(self) -> bool:
        """The promise is broken and the goods are not ready: say so rather than show a time that is past."""
        return self.fulfilment.promised_at < self.as_of and self.status in (OrderStatus.OPEN, OrderStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class Tracking:
    """An order as its customer sees it: each part of it, what is still to come first."""

    order: OrderView
    parts: tuple[Part, ...]
    as_of: datetime

    @property
    def place(self) -> LocationRef:
        """The place whose clock the page goes by where it speaks of the whole order."""
        return self.parts[0].place if self.parts else locations.active()[0]


def follow(token: str, *, at: datetime) -> Tracking:
    """Return the order behind a link. Raises: OrderNotFound."""
    order = queries.order_by_token(token)
    history = promise_history.of_order(order.id)
    parts = [
        Part(
            one,
            one.meeting_place,
            _goods(order, one),
            at,
            visits.of(one.id) if one.method in COLLECTED else NOTHING_SAID,
            tuple(step for step in history if step.fulfilment_id in (None, one.id)),
        )
        for one in order.fulfilments
    ]
    return Tracking(order, tuple(sorted(parts, key=lambda part: part.fulfilment.state in lifecycle.TERMINAL)), at)


def _goods(order: OrderView, one: FulfilmentView) -> tuple[tuple[str, int], ...]:
    """Return what was ordered of a fulfilment; the components of a kit count as the kit."""
    names = {line.id: line.name for line in order.lines}
    units = {line.order_line_id: (line.quantity - line.rejected) // line.per_unit for line in one.lines}
    return tuple((names[line_id], pieces) for line_id, pieces in units.items() if pieces)


@transaction_required
def cancel(token: str, *, at: datetime) -> None:
    """Cancel the order behind a link for its customer. Raises: CannotCancel, OrderNotFound."""
    order = queries.order_by_token(token)
    cancellation.cancel_order(order.id, by=_customer(order), at=at, reason="customer_asked")


@transaction_required
def on_my_way(token: str, fulfilment_id: UUID | None, *, minutes: int, at: datetime) -> None:
    """Tell the store that the customer is on the way. Raises: InvalidInput, MoveNotAllowed, OrderNotFound."""
    order = queries.order_by_token(token)
    visits.on_my_way(_pickup(order, fulfilment_id).id, minutes=minutes, by=_customer(order), at=at)


@transaction_required
def name_helper(token: str, fulfilment_id: UUID | None, *, name: str, at: datetime) -> None:
    """Let somebody else collect. Raises: InvalidInput, MoveNotAllowed, OrderNotFound."""
    order = queries.order_by_token(token)
    visits.name_helper(_pickup(order, fulfilment_id).id, name=name, by=_customer(order), at=at)


@transaction_required
def move(token: str, fulfilment_id: UUID | None, *, window: str, at: datetime) -> None:
    """Fetch a pickup in another window, perhaps at another store. Raises: what `pickup_moves.move` raises, OrderNotFound."""
    order = queries.order_by_token(token)
    code, starts_at = pickup_windows.parse_id(window)
    pickup_moves.move(
        _pickup(order, fulfilment_id).id,
        location_id=locations.ref(code).id,
        starts_at=starts_at,
        by=_customer(order),
        at=at,
        reason="customer_asked",
    )


def moving_choices(followed: Tracking, fulfilment_id: UUID) -> list[pickup_moves.Choice]:
    """Return where and when a part of the order could be fetched instead; none for a part that stays."""
    part = next((one for one in followed.parts if one.fulfilment.id == fulfilment_id and one.may_move), None)
    if part is None:
        return []
    return pickup_moves.choices(part.fulfilment, channel_id=followed.order.channel_id, at=followed.as_of)


def _pickup(order: OrderView, fulfilment_id: UUID | None) -> FulfilmentView:
    """Return the part that a customer speaks of: the one named, else the first that is fetched."""
    for one in order.fulfilments:
        if one.method in COLLECTED and fulfilment_id in (None, one.id):
            return one
    raise errors.MoveNotAllowed("Nothing of this order is fetched at a store.")


@transaction_required
def arrive(
    token: str, *, bay: str, at: datetime, fulfilment_id: UUID | None = None, car: str = "", plate: str = ""
) -> None:
    """Tell the store that the customer waits outside; of an order with several parts, for the one that is named.

    Raises: MoveNotAllowed, InvalidInput, OrderNotFound.
    """
    order = queries.order_by_token(token)
    parts = [one for one in order.fulfilments if fulfilment_id in (None, one.id)]
    outside = [one for one in parts if one.method == Method.CURBSIDE]
    if not outside:
        raise errors.MoveNotAllowed("This order is fetched at the counter.", method=parts[0].method if parts else None)
    waiting = next((one for one in outside if one.state == State.ARRIVED or Action.ARRIVE in one.allowed_actions), None)
    visits.here((waiting or outside[0]).id, bay=bay, car=car, plate=plate, by=_customer(order), at=at)


def _customer(order: OrderView) -> Actor:
    return Actor.customer(order.customer_id or order.id)
