"""The file of a return, from its announcement to the inspected goods: which units come back, where, in what condition.

Every verb holds the order first (`fulfilment.claim_order`), so that two counters can't take the same unit back; what would
get past that, the exclusion `returned_unit_once` and the trigger `return_line_was_delivered` refuse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.db import connection

from commerce import audit, ids, integrity, outbox
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import returns as stock_returns
from inventory.places import geography, locations
from inventory.returns import ReturnLine as StockLine
from inventory.stock import Condition
from orders import errors, events, fulfilment
from orders.fulfilment import Work
from orders.models import Return, ReturnLine
from orders.return_states import (
    RETURN_MOVES,
    Origin,
    ReturnAction,
    ReturnState,
    return_actions,
)
from orders.returns import chances, units
from orders.returns.chances import Coming

LONGEST_NOTE = 200
LONGEST_LABEL = 80
MOST_LINES = 100
# What a unit becomes on the shelf, by what was found.
CONDITIONS = {
    "sellable": Condition.SELLABLE,
    "quality_control": Condition.QUALITY_CONTROL,
    "damaged": Condition.DAMAGED,
}

integrity.refuse(
    "returned_unit_once",
    lambda: errors.NotReturnable("Some of these units came back at the same moment already; look at the order again."),
)
integrity.refuse(
    "return_line_was_delivered", lambda: errors.NotReturnable("More was to come back than the customer has.")
)


@dataclass(frozen=True, slots=True)
class Found:
    """What an inspection found of a return line: units by condition; `missing` ones were not in the parcel."""

    sellable: int = 0
    quality_control: int = 0
    damaged: int = 0
    missing: int = 0

    @property
    def total(self) -> int:
        return self.sellable + self.quality_control + self.damaged + self.missing


@dataclass(slots=True)
class File:
    """A return under change, with its order and its lines."""

    row: Return
    work: Work
    lines: list[ReturnLine]

    @property
    def live(self) -> list[ReturnLine]:
        return [line for line in self.lines if not line.is_void]


@transaction_required
def announce(
    order_id: UUID,
    coming: Sequence[Coming],
    *,
    origin: Origin,
    by: Actor,
    at: datetime,
    keeps_goods: bool = False,
    overridden: str = "",
    note: str = "",
    channel_id: int | None = None,
    is_exchange: bool = False,
) -> UUID:
    """Announce that units come back, and return the return. Units are chosen, the first free ones first.

    `overridden` says why goods are taken whose time is over; who may say so is for the caller to check. With all goods of
    an order withdrawn, what was charged for sending them comes back too. Raises: NotReturnable naming each line and until
    when it could have come back; InvalidInput, OrderNotFound.
    """
    _check(coming, note, overridden)
    work = fulfilment.claim_order(order_id)
    order = work.order
    if channel_id is not None and order.channel_id != channel_id:
        raise errors.OrderNotFound("There is no such order.", order=str(order_id))
    there = units.of_order(work)
    chances.refuse(work, there, coming, overridden=overridden, at=at)
    row = Return.objects.create(
        id=ids.new(), number=_number(), order=order, origin=origin.value, keeps_goods=keeps_goods,
        overridden=overridden[:LONGEST_NOTE], note=note, announced_at=at, changed_at=at,
    )  # fmt: skip
    lines = []
    for one in coming:
        for run in units.choose(there[one.order_line_id].free, one.quantity, from_end=is_exchange):
            lines.append(
                ReturnLine.objects.create(
                    id=ids.new(),
                    of_return=row,
                    order_line_id=one.order_line_id,
                    first_unit=run.first,
                    quantity=run.count,
                    reason=one.reason.value,
                    is_exchanged=is_exchange,
                )
            )
    file = File(row, work, lines)
    conclude(file, "announce", by=by, at=at, reason=overridden or note)
    return row.pk


@transaction_required
def send(return_id: UUID, label: str = "", *, by: Actor, at: datetime, channel_id: int | None = None) -> None:
    """Note that the goods are on their way back, by which parcel. Raises: ReturnStateWrong, ReturnNotFound."""
    file = claim(return_id, channel_id=channel_id)
    _step(file, ReturnAction.SEND)
    file.row.label = label[:LONGEST_LABEL]
    conclude(file, "send", by=by, at=at)


@transaction_required
def label(return_id: UUID, number: str, *, by: Actor, at: datetime) -> None:
    """Note by which parcel goods will come, or that there is none; goods that came already keep theirs. Raises: ReturnNotFound."""
    file = claim(return_id)
    if ReturnState(file.row.state) is not ReturnState.ANNOUNCED or file.row.label == number:
        return
    file.row.label = number[:LONGEST_LABEL]
    conclude(file, "label", by=by, at=at, after={"label": file.row.label})


@transaction_required
def receive(return_id: UUID, location_id: int, *, by: Actor, at: datetime, channel_id: int | None = None) -> None:
    """Note that the goods are here, at any place of the customs area they were delivered in. Nothing is booked before
    somebody has looked at them.

    Raises: NotReturnable across customs, ReturnStateWrong, ReturnNotFound.
    """
    file = claim(return_id, channel_id=channel_id)
    _step(file, ReturnAction.RECEIVE)
    place = locations.by_id(location_id)
    sent_from = {locations.by_id(one.location_id).country for one in file.work.fulfilments}
    if not any(geography.same_customs_area(place.country, country) for country in sent_from):
        raise errors.NotReturnable(
            f"{place.name} is on the other side of customs; send the goods back to a store in {', '.join(sorted(sent_from))}."
        )
    file.row.location_id = location_id
    file.row.received_at = at
    conclude(file, "receive", by=by, at=at)


@transaction_required
def inspect(
    return_id: UUID, found: Mapping[UUID, Found], *, by: Actor, at: datetime, channel_id: int | None = None
) -> None:
    """Note in what condition the units are and book them back where they are, each once; kits as what is in them.

    What was announced and is not there is missing and is neither booked nor refunded: its units are free again.
    Raises: InvalidInput when a line isn't counted whole, ReturnStateWrong, ReturnNotFound.
    """
    file = claim(return_id, channel_id=channel_id)
    _step(file, ReturnAction.INSPECT)
    goods_lines = [line for line in file.live if units.goods(file.work, line.order_line_id)]
    _check_found(goods_lines, found)
    booked: list[StockLine] = []
    for line in goods_lines:
        seen = found[line.id]
        line.sellable, line.quality_control = seen.sellable, seen.quality_control
        line.damaged, line.missing = seen.damaged, seen.missing
        if seen.missing:
            _leave_out(file, line, seen.missing)
        for name, condition in CONDITIONS.items():
            for product_id, per_unit in units.goods(file.work, line.order_line_id).items():
                if count := getattr(seen, name):
                    entry = uuid5(line.id, f"{name}:{product_id}")
                    place = file.row.location_id or 0
                    booked.append(StockLine(entry, product_id, place, count * per_unit, condition))
        line.restocked_at = at
        line.save()
    if booked:
        stock_returns.return_to_stock(
            booked, reason="customer return", cause_type="return", cause_id=file.row.pk.hex, by=by, at=at
        )
    conclude(file, "inspect", by=by, at=at, after={"pieces": sum(line.quantity for line in booked)})
    settle_if_done(file, by=by, at=at)


@transaction_required
def refuse(return_id: UUID, reason: str, *, by: Actor, at: datetime) -> None:
    """Refuse goods that are here: they stay the customer's and nothing is refunded. Needs a reason.

    Raises: InvalidInput without one, ReturnStateWrong, ReturnNotFound.
    """
    if not reason.strip():
        message = "Say why the goods are not taken back; the customer reads it."
        raise InvalidInput(message, errors=[{"field": "reason", "value": reason, "message": message}])
    file = claim(return_id)
    _step(file, ReturnAction.REFUSE)
    _void(file)
    conclude(file, "refuse", by=by, at=at, reason=reason[:LONGEST_NOTE])


@transaction_required
def cancel(return_id: UUID, reason: str = "", *, by: Actor, at: datetime, channel_id: int | None = None) -> None:
    """Call a return off that did not arrive. Raises: ReturnStateWrong, ReturnNotFound."""
    file = claim(return_id, channel_id=channel_id)
    if any(line.refund_id for line in file.live):
        raise errors.ReturnStateWrong(
            "This return was refunded already, so it can't be called off.", state=file.row.state
        )
    _step(file, ReturnAction.CANCEL)
    _void(file)
    conclude(file, "cancel", by=by, at=at, reason=reason[:LONGEST_NOTE])


def claim(return_id: UUID, *, channel_id: int | None = None) -> File:
    """Let this transaction be the only one that changes the return and its order. Raises: ReturnNotFound."""
    order_id = Return.objects.filter(pk=return_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise errors.ReturnNotFound("There is no such return.", returned=str(return_id))
    work = fulfilment.claim_order(order_id)
    if channel_id is not None and work.order.channel_id != channel_id:
        raise errors.ReturnNotFound("There is no such return.", returned=str(return_id))
    row = Return.objects.get(pk=return_id)
    row.order = work.order
    lines = list(ReturnLine.objects.filter(of_return=row).order_by("id"))
    return File(row, work, lines)


def settle_if_done(file: File, *, by: Actor, at: datetime) -> bool:
    """Settle a return once its goods are booked and its money is decided, whichever came first; return whether it is."""
    state = ReturnState(file.row.state)
    if (state, ReturnAction.SETTLE) not in RETURN_MOVES or (
        state is ReturnState.ANNOUNCED and not file.row.keeps_goods
    ):
        return False
    if any(line.refund_id is None and not line.is_exchanged and worth(file, line) for line in file.live):
        return False
    _step(file, ReturnAction.SETTLE)
    conclude(file, "settle", by=by, at=at)
    return True


def worth(file: File, line: ReturnLine) -> int:
    """Return what the units of a return line cost as priced."""
    return units.worth(file.work.order_lines[line.order_line_id], units.Units(line.first_unit, line.quantity))


def is_due(file: File) -> bool:
    """Whether the goods of a return are settled, so that its money may be: inspected, or left with the customer."""
    return file.row.keeps_goods or ReturnState(file.row.state) in (ReturnState.INSPECTED, ReturnState.SETTLED)


def conclude(
    file: File, verb: str, *, by: Actor, at: datetime, reason: str = "", after: dict[str, object] | None = None
) -> None:
    """Raise the version of a return, write it, record who did what and tell it."""
    row, order = file.row, file.work.order
    row.version += 1
    row.changed_at = max(row.changed_at, at)
    row.save()
    place = locations.by_id(row.location_id).code if row.location_id else None
    audit.record(
        f"orders.returns.files.{verb}", "order", order.pk, by=by, reason=reason,
        after={"return": row.number, "return_state": row.state, "return_id": str(row.pk), **(after or {})},
    )  # fmt: skip
    refunded = sum(line.refund_minor or 0 for line in file.lines)
    outbox.publish(
        [
            events.ReturnChanged(
                aggregate_sequence=row.version,
                channel_id=order.channel_id,
                occurred_at=at,
                return_id=row.pk,
                number=row.number,
                order_id=order.pk,
                order_number=order.number,
                external_reference=order.external_reference,
                state=row.state,
                location=place,
                pieces=sum(line.quantity for line in file.live),
                refund_minor=refunded,
                currency=order.currency,
            )
        ],
        by=by,
    )


def _step(file: File, action: ReturnAction) -> None:
    target = RETURN_MOVES.get((ReturnState(file.row.state), action))
    if target is None:
        possible = [one.value for one in return_actions(file.row.state)]
        raise errors.ReturnStateWrong(
            f"'{action}' is not possible while return {file.row.number} is '{file.row.state}'"
            + (f"; possible: {', '.join(possible)}." if possible else ": it is finished."),
            state=file.row.state,
            allowed_actions=possible,
        )
    file.row.state = target.value


def _void(file: File) -> None:
    for line in file.lines:
        line.is_void = True
        line.save(update_fields=["is_void"])


def _leave_out(file: File, line: ReturnLine, missing: int) -> None:
    """Free the units that were announced and did not come; a line of which nothing came is void."""
    if missing == line.quantity:
        line.is_void = True
        return
    line.quantity -= missing
    line.missing = 0
    file.row.note = (f"{file.row.note} " if file.row.note else "") + f"{missing} missing"
    file.row.note = file.row.note[:LONGEST_NOTE]


def _check_found(lines: Sequence[ReturnLine], found: Mapping[UUID, Found]) -> None:
    known = {line.id: line for line in lines}
    for line_id, seen in found.items():
        if line_id not in known:
            raise _invalid("lines", str(line_id), "The return has no such line.")
        if min(seen.sellable, seen.quality_control, seen.damaged, seen.missing) < 0 or (
            seen.total != known[line_id].quantity
        ):
            raise _invalid(
                "lines", seen.total, f"{known[line_id].quantity} units come back; say of each in what condition it is."
            )
    left_out = [line for line in lines if line.id not in found]
    if left_out:
        raise _invalid("lines", str(left_out[0].id), "Say of every line in what condition it is.")


def _number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('orders_return_number')")
        return f"R-{cursor.fetchone()[0]}"


def _check(coming: Sequence[Coming], note: str, overridden: str) -> None:
    if not 1 <= len(coming) <= MOST_LINES:
        raise _invalid("lines", len(coming), f"A return has 1 to {MOST_LINES} lines.")
    if len({one.order_line_id for one in coming}) != len(coming):
        raise _invalid("lines", None, "Name each line of the order once.")
    for one in coming:
        if one.quantity < 1:
            raise _invalid("lines.quantity", one.quantity, "At least one unit comes back.")
    for name, text in (("note", note), ("override", overridden)):
        if len(text) > LONGEST_NOTE:
            raise _invalid(name, text[:LONGEST_NOTE], f"At most {LONGEST_NOTE} characters.")


def _invalid(field: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
