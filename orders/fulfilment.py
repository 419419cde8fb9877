"""The one writer of fulfilments: every step of the lifecycle goes through here.

How a change is made safe: `claim` lets one change of an order run at a time (an advisory lock, taken before quotas and
stock, so that nobody who holds goods ever waits for an order); the verb then settles quotas and stock; `advance` and
`conclude` write last, and `conclude` refuses when the order's version is not the one that was read. The version, the
audit entry and the event are written in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import F
from django.db.models.functions import Greatest

from commerce import audit, ids, locks, outbox
from commerce.actors import Actor
from commerce.errors import Conflict
from inventory.places import locations
from orders import errors, held, lifecycle, pickup_codes
from orders.events import OrderEvent
from orders.lifecycle import Action, Method, OrderStatus, State
from orders.models import Fulfilment, FulfilmentLine, Order, OrderHold, OrderLine
from orders.queries import FulfilmentView

# One statement of the placement writes all its rows; this is the part that this module owns. Rows travel as JSON.
OPENING_SQL = f"""
opening AS MATERIALIZED (
    SELECT opening.*, view.* FROM json_to_recordset(%(openings)s::json)
        AS opening (order_id uuid, slot_hold_id uuid, day_hold_ids uuid[], allocated json, view json),
        json_to_record(opening.view) AS view (id uuid, location_id bigint, method text, window_starts_at timestamptz,
            window_ends_at timestamptz, promised_at timestamptz, deliver_by timestamptz, store_id bigint, pickup_code text,
            lines json)
), opened AS (
    INSERT INTO orders_fulfilment (id, order_id, location_id, method, state, window_starts_at, window_ends_at, slot_hold_id,
        day_hold_ids, promised_at, deliver_by, store_id, keep_until, pickup_code, failed_code_attempts, is_on_shelf, bay, version,
        created_at, changed_at)
    SELECT id, order_id, location_id, method, '{State.PLACED}', window_starts_at, window_ends_at, slot_hold_id,
        day_hold_ids, promised_at, deliver_by, store_id, NULL, pickup_code, 0, FALSE, '', 1,
        %(at)s::timestamptz, %(at)s::timestamptz
    FROM opening
), opened_lines AS (
    INSERT INTO orders_fulfilmentline
        (id, fulfilment_id, order_line_id, product_id, allocation_id, quantity, per_unit, picked, rejected, reject_reason)
    SELECT line.id, opening.id, line.order_line_id, line.product_id, (opening.allocated ->> line.id::text)::uuid,
        line.quantity, line.per_unit, 0, 0, ''
    FROM opening, json_to_recordset(opening.lines)
        AS line (id uuid, order_line_id uuid, product_id bigint, quantity int, per_unit int)
)
"""


@dataclass(frozen=True, slots=True)
class Opening:
    """A fulfilment to open: as it will stand, with its claims on a window and on days, and the allocation of each line."""

    order_id: UUID
    view: FulfilmentView
    slot_hold_id: UUID | None
    day_hold_ids: Sequence[UUID]
    allocated: Mapping[UUID, UUID]


def opening_rows(openings: Sequence[Opening]) -> str:
    """Return the parameter of OPENING_SQL that is this module's."""
    return orjson.dumps(openings, option=orjson.OPT_NON_STR_KEYS).decode()


@dataclass(slots=True)
class Work:
    """One order under change: the rows as they were when it was claimed."""

    order: Order
    fulfilments: list[Fulfilment]
    order_lines: dict[UUID, OrderLine]
    lines: list[FulfilmentLine]
    focus: Fulfilment | None = None
    _before: dict[UUID, str] = field(default_factory=dict)

    @property
    def fulfilment(self) -> Fulfilment:
        """The fulfilment at hand."""
        if self.focus is None:
            raise LookupError("This work is about a whole order.")
        return self.focus

    @property
    def status(self) -> OrderStatus:
        """What the fulfilments come to now."""
        is_given_up = all(line.cancelled == line.quantity for line in self.order_lines.values())
        return lifecycle.order_status((one.state for one in self.fulfilments), is_given_up=is_given_up)

    def lines_of(self, fulfilment: Fulfilment) -> list[FulfilmentLine]:
        """Return the lines of one fulfilment in the order of the customer's lines."""
        return [line for line in self.lines if line.fulfilment_id == fulfilment.id]

    def kin(self, line: FulfilmentLine) -> list[FulfilmentLine]:
        """Return the lines of the same fulfilment and order line, which belong to the same kits; itself where there are none."""
        return [
            one
            for one in self.lines
            if (one.fulfilment_id, one.order_line_id) == (line.fulfilment_id, line.order_line_id)
        ]

    def line(self, line_id: UUID) -> FulfilmentLine:
        """Return a line of the fulfilment at hand. Raises: FulfilmentNotFound."""
        for line in self.lines_of(self.fulfilment):
            if line.id == line_id:
                return line
        raise errors.FulfilmentNotFound("This fulfilment has no such line.", line=str(line_id))


def claim(fulfilment_id: UUID) -> Work:
    """Let this transaction be the only one that changes the fulfilment's order, and read it.

    Raises: FulfilmentNotFound; Busy when another change takes too long.
    """
    order_id = Fulfilment.objects.filter(pk=fulfilment_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise errors.FulfilmentNotFound("There is no such fulfilment.", fulfilment=str(fulfilment_id))
    work = claim_order(order_id)
    work.focus = next(one for one in work.fulfilments if one.id == fulfilment_id)
    return work


def claim_order(order_id: UUID) -> Work:
    """Let this transaction be the only one that changes the order, and read it with all its parts.

    Raises: OrderNotFound; Busy when another change takes too long.
    """
    locks.hold(locks.Purpose.ORDER, str(order_id))
    return read(order_id)


def read(order_id: UUID) -> Work:
    """Return an order with all its parts as they are, to look at only: who changes it claims it. Raises: OrderNotFound."""
    order = Order.objects.filter(pk=order_id).first()
    if order is None:
        raise errors.OrderNotFound("There is no such order.", order=str(order_id))
    fulfilments = list(
        Fulfilment.objects.filter(order_id=order_id).select_related("lease_holder").order_by("created_at", "id")
    )
    order_lines = {line.id: line for line in OrderLine.objects.filter(order_id=order_id).select_related("product")}
    lines = list(
        FulfilmentLine.objects.filter(fulfilment__order_id=order_id)
        .select_related("product")
        .order_by("order_line__line_number", "product_id")
    )
    for one in fulfilments:
        one.order = order
    for line in lines:
        line.order_line = order_lines[line.order_line_id]
    return Work(order, fulfilments, order_lines, lines)


def require(fulfilment: Fulfilment, action: Action) -> State:
    """Return the state that `action` leads to.

    Raises: MoveNotAllowed naming the state and what is possible; OrderOnHold naming what the order is held for.
    """
    target = lifecycle.after(fulfilment.state, action)
    if target is None:
        possible = [str(one) for one in lifecycle.allowed_actions(fulfilment.state, fulfilment.method)]
        raise errors.MoveNotAllowed(
            f"'{action}' is not possible while this is '{fulfilment.state}'"
            + (f"; possible: {', '.join(possible)}." if possible else ": it is finished."),
            state=fulfilment.state,
            action=str(action),
            allowed_actions=possible,
        )
    if fulfilment.order.held_for and action in lifecycle.STOPPED_BY_HOLD:
        raise held.on_hold(fulfilment.order)
    return target


def advance(work: Work, fulfilment: Fulfilment, action: Action, *, at: datetime, **changes: Any) -> None:
    """Take one step of the lifecycle and write it. Terminal states end the lease.

    Raises: MoveNotAllowed.
    """
    target = require(fulfilment, action)
    if target in lifecycle.TERMINAL or target in (State.READY, State.PLACED, State.NO_SHOW):
        changes = {"lease_holder": None, "lease_expires_at": None, **changes}
    amend(work, fulfilment, at=at, state=target.value, **changes)


def amend(work: Work, fulfilment: Fulfilment, *, at: datetime, **changes: Any) -> None:
    """Write columns of a fulfilment. Its version grows by one; `conclude` has to follow."""
    work._before.setdefault(fulfilment.id, fulfilment.state)
    fulfilment.version += 1
    fulfilment.changed_at = max(fulfilment.changed_at, at)  # a scanner's time may be late
    for name, value in changes.items():
        setattr(fulfilment, name, value)
    fulfilment.save(update_fields=["version", "changed_at", *changes])


def forget_bays(fulfilment_ids: Sequence[UUID]) -> None:
    """Forget where customers waited for pickups that are over; that is no step of the lifecycle, so no version follows."""
    over = [state.value for state in lifecycle.TERMINAL]
    Fulfilment.objects.filter(pk__in=list(fulfilment_ids), state__in=over).exclude(bay="").update(bay="")


def open_beside(
    work: Work, other: Fulfilment, *, day_hold_ids: Sequence[UUID] = (), state: State = State.PLACED, at: datetime
) -> Fulfilment:
    """Open a fulfilment beside another of the order: same place, method, window and promise, nobody on it, no lines yet."""
    new = Fulfilment(
        id=ids.new(),
        order=work.order,
        location_id=other.location_id,
        method=other.method,
        state=state.value,
        origin_id=other.origin_id,
        window_starts_at=other.window_starts_at,
        window_ends_at=other.window_ends_at,
        promised_at=max(other.promised_at, at) if other.window_starts_at is None else other.promised_at,
        deliver_by=other.deliver_by,
        store_id=other.store_id,
        day_hold_ids=list(day_hold_ids),
        pickup_code=pickup_codes.draw([other.location_id])[0] if other.pickup_code else "",
        created_at=at,
        changed_at=at,
    )
    new.save(force_insert=True)
    work.fulfilments.append(new)
    return new


def open_at(work: Work, location_id: int, method: Method, *, at: datetime) -> Fulfilment:
    """Open a fulfilment for somebody who waits at a place now: no window, ready as soon as it is picked."""
    new = Fulfilment(
        id=ids.new(),
        order=work.order,
        location_id=location_id,
        method=method.value,
        state=State.PLACED.value,
        promised_at=at,
        pickup_code=pickup_codes.draw([location_id])[0] if method in lifecycle.COLLECTED else "",
        created_at=at,
        changed_at=at,
    )
    new.save(force_insert=True)
    work.fulfilments.append(new)
    return new


def add_line(
    work: Work,
    fulfilment: Fulfilment,
    order_line: OrderLine,
    *,
    product_id: int,
    quantity: int,
    per_unit: int,
    allocation_id: UUID,
) -> FulfilmentLine:
    """Let a fulfilment owe pieces that were promised for an order line; a version of the fulfilment has to follow."""
    line = FulfilmentLine(
        id=ids.new(),
        fulfilment=fulfilment,
        order_line=order_line,
        product_id=product_id,
        allocation_id=allocation_id,
        quantity=quantity,
        per_unit=per_unit,
    )
    line.save(force_insert=True)
    work.lines.append(line)
    return line


def hand_on(line: FulfilmentLine, other: Fulfilment) -> None:
    """Let another part of the order owe a line whole, with what is promised for it."""
    line.fulfilment = other
    line.save(update_fields=["fulfilment"])


def shrink(line: FulfilmentLine, pieces: int) -> None:
    """Let a line owe fewer pieces, because another part of the order owes them now."""
    line.quantity -= pieces
    line.save(update_fields=["quantity"])


def grow(line: FulfilmentLine, pieces: int, allocation_id: UUID) -> None:
    """Let a line owe more pieces, all of them promised by one allocation."""
    line.quantity += pieces
    line.allocation_id = allocation_id
    line.save(update_fields=["quantity", "allocation_id"])


def count(line: FulfilmentLine, *, picked: int = 0, rejected: int = 0, called_off: int = 0, reason: str = "") -> None:
    """Add to what was picked (may be negative: put back), rejected because it is missing, or called off, of a line."""
    line.picked, line.called_off = line.picked + picked, line.called_off + called_off
    line.rejected += rejected + called_off
    if reason and (rejected or not line.short):  # why pieces are missing stays when others are called off
        line.reject_reason = reason
    line.save(update_fields=["picked", "rejected", "called_off", "reject_reason"])


def conclude(
    work: Work,
    *,
    verb: str,
    by: Actor,
    at: datetime,
    event: type[OrderEvent] | None = None,
    told: dict[str, Any] | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Raise the order's version, write its status and totals, tell the event and record who did what.

    `told` are the event's own facts; `before` and `after` go to the audit beside the states.
    Raises: Conflict when someone changed the order past `claim`; nothing of this transaction may stay then.
    """
    order = work.order
    changed_at = max(order.changed_at, at)
    is_over = all(State(one.state) in lifecycle.TERMINAL for one in work.fulfilments)
    if order.held_for and is_over and (work.fulfilments or work.status is OrderStatus.CANCELLED):
        order.held_for = []  # what is over is held for nothing
        OrderHold.objects.filter(order=order, released_at__isnull=True).update(
            released_at=Greatest(F("placed_at"), changed_at), released_by=by.label, release_reason=work.status.value
        )
    written = Order.objects.filter(pk=order.pk, version=order.version).update(
        version=F("version") + 1,
        changed_at=changed_at,
        status=work.status.value,
        held_for=order.held_for,
        total_minor=order.total_minor,
        tax_minor=order.tax_minor,
    )
    if not written:
        raise Conflict(
            "The order was changed by someone else at the same moment; look at it again.", order=str(order.pk)
        )
    order.version += 1
    order.changed_at = changed_at
    focus = work.focus or (work.fulfilments[0] if work.fulfilments else None)
    states_before = {"state": work._before[focus.id]} if focus and focus.id in work._before else {}
    audit.record(
        verb,
        "order",
        order.pk,
        by=by,
        before={**states_before, **(before or {})} or None,
        after={**({"state": focus.state} if focus else {}), **(after or {})} or None,
        reason=reason,
    )
    work._before.clear()
    if event is not None:
        outbox.publish([event(**facts(work, at=at), **(told or {}))], by=by)


def facts(work: Work, *, at: datetime) -> dict[str, Any]:
    """Return what every event of this order says, as of its present version."""
    order, focus = work.order, work.focus or (work.fulfilments[0] if work.fulfilments else None)
    place = locations.by_id(focus.location_id) if focus else None
    return {
        "aggregate_sequence": order.version,
        "channel_id": order.channel_id,
        "occurred_at": at,
        "order_id": order.pk,
        "number": order.number,
        "external_reference": order.external_reference,
        "customer_id": order.customer_id,
        "status": work.status.value,
        "total_minor": order.total_minor,
        "currency": order.currency,
        "pieces": sum(line.quantity - line.cancelled for line in work.order_lines.values()),
        "placed_at": order.placed_at,
        "location": place.code if place else None,
        "fulfilment_id": focus.id if focus else None,
        "state": focus.state if focus else None,
    }


def require_finished(work: Work) -> None:
    """Make sure that every line at hand is picked or rejected. Raises: LinesStillOpen naming those that are not."""
    unfinished = [line for line in work.lines_of(work.fulfilment) if line.missing]
    if unfinished:
        pieces = sum(line.missing for line in unfinished)
        raise errors.LinesStillOpen(
            f"{pieces} pieces are neither picked nor rejected; scan them, or reject what can't be found.",
            lines=[{"line": str(one.id), "sku": one.product.sku, "missing": one.missing} for one in unfinished],
        )


def move(
    work: Work, action: Action, *, verb: str, event: type[OrderEvent], by: Actor, at: datetime, reason: str = "",
    **changes: Any,
) -> None:  # fmt: skip
    """Take one step with the fulfilment at hand and conclude: the whole of most verbs.

    Raises: MoveNotAllowed, Conflict.
    """
    advance(work, work.fulfilment, action, at=at, **changes)
    conclude(work, verb=verb, event=event, by=by, at=at, reason=reason)


def allocated_parts(lines: Sequence[FulfilmentLine]) -> list[tuple[UUID, int]]:
    """Return (allocation, pieces) for all that these lines still have allocated: what was not rejected."""
    return [(line.allocation_id, line.quantity - line.rejected) for line in lines if line.quantity > line.rejected]


def open_another(
    work: Work,
    *,
    location_id: int,
    method: Method,
    promised_at: datetime,
    lines: Sequence[tuple[UUID, UUID, int, int, int, UUID]],
    at: datetime,
    window: tuple[datetime, datetime] | None = None,
    slot_hold_id: UUID | None = None,
    day_hold_ids: Sequence[UUID] = (),
    deliver_by: datetime | None = None,
    pickup_code: str = "",
    store_id: int | None = None,
) -> Fulfilment:
    """Open one more fulfilment of an order that is claimed; it is the work's focus then, and `conclude` has to follow.

    `lines` are (id, order line, product, pieces, pieces per unit, allocation).
    """
    made = Fulfilment.objects.create(
        id=ids.new(),
        order=work.order, location_id=location_id, method=method.value, state=State.PLACED.value, promised_at=promised_at,
        window_starts_at=window[0] if window else None, window_ends_at=window[1] if window else None,
        slot_hold_id=slot_hold_id, day_hold_ids=list(day_hold_ids), deliver_by=deliver_by, pickup_code=pickup_code,
        store_id=store_id, created_at=at, changed_at=at,
    )  # fmt: skip
    products = {line.product_id: line.product for line in work.lines}
    for line_id, order_line_id, product_id, quantity, per_unit, allocation_id in lines:
        line = FulfilmentLine(
            id=line_id, fulfilment=made, order_line_id=order_line_id, product_id=product_id, quantity=quantity,
            per_unit=per_unit, allocation_id=allocation_id,
        )  # fmt: skip
        line.save(force_insert=True)
        line.order_line, line.product = work.order_lines[order_line_id], products[product_id]
        work.lines.append(line)
    work.fulfilments.append(made)
    work.focus = made
    return made
