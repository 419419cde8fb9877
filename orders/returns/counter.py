"""The return at the counter: goods and customer are here, so everything is settled at once. With goods in exchange, net."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import cancellation, errors, events, fulfilment
from orders.amendments import additions
from orders.lifecycle import Method
from orders.models import ReturnLine
from orders.return_states import Origin, Reason
from orders.returns import files, refunding, units
from orders.returns.files import Coming, Found
from orders.returns.refunding import Deduction, Refunded


@dataclass(frozen=True, slots=True)
class Brought:
    """Units that somebody lays on the counter, why, and in what condition they are."""

    order_line_id: UUID
    reason: Reason
    sellable: int = 0
    quality_control: int = 0
    damaged: int = 0
    deduction: Deduction | None = None

    @property
    def quantity(self) -> int:
        return self.sellable + self.quality_control + self.damaged


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it: the return, what is given back, and what the goods in exchange cost more."""

    return_id: UUID
    refunded: Refunded
    more_minor: int = 0


@transaction_required
def take_back(
    order_id: UUID,
    brought: Sequence[Brought],
    location_id: int,
    *,
    by: Actor,
    at: datetime,
    overridden: str = "",
    channel_id: int | None = None,
) -> Taken:
    """Take goods back over the counter: announced, received, looked at, booked and refunded in one go.

    Raises: NotReturnable, InvalidInput, OrderNotFound.
    """
    return_id, deductions = _into_the_books(
        order_id, brought, location_id, by=by, at=at, overridden=overridden, channel_id=channel_id
    )
    return Taken(return_id, refunding.refund(return_id, deductions, by=by, at=at))


@transaction_required
def exchange(
    order_id: UUID,
    brought: Sequence[Brought],
    wanted: Mapping[int, int],
    location_id: int,
    *,
    by: Actor,
    at: datetime,
    overridden: str = "",
    channel_id: int | None = None,
) -> Taken:
    """Take goods back and give others for them, at today's price: the customer gets or pays the difference only.

    What came back is called off the order, what goes out instead is a line of it, waiting at this place to be picked and
    handed over. Raises: NotReturnable, InsufficientStock, InvalidInput, OrderNotFound, and what pricing refuses.
    """
    if not wanted:
        message = "Say what the customer gets instead."
        raise InvalidInput(message, errors=[{"field": "wanted", "value": None, "message": message}])
    if any(one.deduction for one in brought):
        message = "Goods are exchanged at their price; take them back with a deduction instead."
        raise InvalidInput(message, errors=[{"field": "deduction", "value": None, "message": message}])
    return_id, _ = _into_the_books(
        order_id, brought, location_id, by=by, at=at, overridden=overridden, channel_id=channel_id, is_exchange=True
    )
    work = fulfilment.claim_order(order_id)
    before = work.order.total_minor
    pieces = Counter[UUID]()
    for one in brought:
        pieces[one.order_line_id] += one.quantity
    cancellation.cancel_pieces(work, pieces)
    part = fulfilment.open_at(work, location_id, Method.PICKUP, at=at)
    work.focus = part
    additions.add(work, wanted, priced_at=at, by=by, at=at, only_at=part)
    difference = work.order.total_minor - before
    fulfilment.conclude(
        work,
        verb="orders.returns.counter.exchange",
        event=events.OrderChanged,
        told={
            "amendment_id": return_id,
            "difference_minor": difference,
            "pieces_added": sum(wanted.values()),
            "pieces_cancelled": sum(pieces.values()),
            "is_readdressed": False,
        },
        by=by,
        at=at,
        before={"total_minor": before},
        after={"total_minor": work.order.total_minor},
    )
    file = files.claim(return_id)
    files.settle_if_done(file, by=by, at=at)
    return Taken(return_id, Refunded(None, max(-difference, 0), 0, 0), max(difference, 0))


def _into_the_books(
    order_id: UUID,
    brought: Sequence[Brought],
    location_id: int,
    *,
    by: Actor,
    at: datetime,
    overridden: str,
    channel_id: int | None,
    is_exchange: bool = False,
) -> tuple[UUID, dict[UUID, Deduction]]:
    coming = [Coming(one.order_line_id, one.quantity, one.reason) for one in brought]
    if is_exchange:
        _refuse_unfinished(order_id, coming)
    return_id = files.announce(
        order_id, coming, origin=Origin.COUNTER, by=by, at=at, overridden=overridden, channel_id=channel_id,
        is_exchange=is_exchange,
    )  # fmt: skip
    files.receive(return_id, location_id, by=by, at=at)
    found: dict[UUID, Found] = {}
    deductions: dict[UUID, Deduction] = {}
    for one in brought:
        rows = list(ReturnLine.objects.filter(of_return_id=return_id, order_line_id=one.order_line_id).order_by("id"))
        left = {"sellable": one.sellable, "quality_control": one.quality_control, "damaged": one.damaged}
        for row in rows:
            room, counts = row.quantity, {}
            for name, count in left.items():
                counts[name] = min(count, room)
                room -= counts[name]
            left = {name: count - counts[name] for name, count in left.items()}
            found[row.pk] = Found(**counts)
        if one.deduction is not None:
            deductions[rows[0].pk] = one.deduction
    work = fulfilment.claim_order(order_id)
    is_goods = {row for row in found if units.goods(work, ReturnLine.objects.get(pk=row).order_line_id)}
    files.inspect(return_id, {row: seen for row, seen in found.items() if row in is_goods}, by=by, at=at)
    return return_id, deductions


def _refuse_unfinished(order_id: UUID, coming: Sequence[Coming]) -> None:
    """An exchange takes the last units of a line off the order, so all of the line must have been delivered."""
    work = fulfilment.claim_order(order_id)
    there = units.of_order(work)
    for one in coming:
        line = work.order_lines.get(one.order_line_id)
        if line is None:
            continue
        exchanged = sum(
            ReturnLine.objects.filter(order_line=line, is_exchanged=True, is_void=False).values_list(
                "quantity", flat=True
            )
        )
        if there[line.id].delivered - exchanged != line.quantity - line.cancelled:
            raise errors.NotReturnable(
                f"Not all of {line.product.sku} was delivered yet; take these back and let the rest come, or wait.",
                lines=[{"line": str(line.id), "sku": line.product.sku, "why": "not_all_delivered"}],
            )
