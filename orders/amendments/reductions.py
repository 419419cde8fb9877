"""Fewer pieces: they leave the work that is least far, their goods are free again, picked ones are put back."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.actors import Actor
from inventory import allocations
from orders import cancellation, errors, fulfilment, lifecycle, pickup_places
from orders.fulfilment import Work
from orders.lifecycle import Action, State
from orders.models import Fulfilment, FulfilmentLine

CANCELLED = "cancelled"  # why pieces of a fulfilment line are not owed any more
# Pieces go first where nobody has touched them yet.
LEAST_FAR = [State.PLACED, State.ACCEPTED, State.PICKING, State.NO_SHOW, State.PICKED, State.READY, State.ARRIVED]


@dataclass(frozen=True, slots=True)
class PutBack:
    """Picked pieces that somebody has to put back on the shelf."""

    fulfilment_id: UUID
    location_id: int
    sku: str
    name: str
    pieces: int


def open_units(work: Work) -> dict[UUID, int]:
    """Return how many units of each order line are not delivered yet and could still be called off."""
    found = Counter[UUID]()
    for one in work.fulfilments:
        if _is_here(one):
            for order_line_id, kin in kinds(work, one.id).items():
                found[order_line_id] += kin[0].units
    return dict(found)


def _is_here(one: Fulfilment) -> bool:
    """Whether pieces of it can be called off: what travels to a store is called off as a whole, or comes back from there."""
    return (State(one.state), Action.CANCEL) in lifecycle.MOVES and not lifecycle.has_left(one.state, one.method)


def kinds(work: Work, fulfilment_id: UUID) -> dict[UUID, list[FulfilmentLine]]:
    """Return the lines of a fulfilment by order line: one of goods, several of a kit."""
    found: dict[UUID, list[FulfilmentLine]] = defaultdict(list)
    for line in work.lines:
        if line.fulfilment_id == fulfilment_id:
            found[line.order_line_id].append(line)
    return found


def reduce(work: Work, fewer: Mapping[UUID, int], *, by: Actor, at: datetime) -> list[PutBack]:
    """Take units off order lines and off the work on them; fulfilments without any left are cancelled.

    Raises: CannotChange naming the lines of which fewer are still here, with the way out.
    """
    open_now, short = open_units(work), []
    for line_id, units in fewer.items():
        line = work.order_lines[line_id]
        is_work = any(one.order_line_id == line_id for one in work.lines)
        left = open_now.get(line_id, 0) if is_work else line.quantity - line.cancelled
        if units > left:
            short.append({"line": str(line_id), "sku": line.product.sku, "wanted": units, "left": left})
    if short:
        first = short[0]
        raise errors.CannotChange(
            f"{first['wanted']} pieces of {first['sku']} were to be called off, but only {first['left']} have not left yet; "
            "take the others back as a return.",
            lines=short,
        )
    taken = _choose(work, fewer)
    ending = [
        one
        for one in work.fulfilments
        if any(line.fulfilment_id == one.id for line, _ in taken)
        and all(line.rejected + dict_of(taken).get(line.id, 0) == line.quantity for line in work.lines_of(one))
    ]
    pickup_places.give_up(work, ending, at=at)
    if taken:
        allocations.release([(line.allocation_id, pieces) for line, pieces in taken], by=by, at=at, reason=CANCELLED)
    back = _count_off(work, taken)
    touched = {line.fulfilment_id for line, _ in taken}
    for one in work.fulfilments:
        if one in ending:
            is_on_shelf = one.is_on_shelf or any(each.fulfilment_id == one.id for each in back)
            fulfilment.advance(work, one, Action.CANCEL, at=at, is_on_shelf=is_on_shelf)
        elif one.id in touched:
            has_goods = any(line.picked for line in work.lines_of(one))
            fulfilment.amend(work, one, at=at, is_on_shelf=has_goods and one.is_on_shelf)
    cancellation.cancel_pieces(work, fewer)
    if ending and all(State(one.state) in lifecycle.UNDELIVERED for one in work.fulfilments):
        cancellation.cancel_rest(work, [])  # nothing is delivered, so nothing is charged for it either
    return back


def dict_of(taken: list[tuple[FulfilmentLine, int]]) -> dict[UUID, int]:
    """Return the pieces taken off each fulfilment line."""
    return {line.id: pieces for line, pieces in taken}


def _choose(work: Work, fewer: Mapping[UUID, int]) -> list[tuple[FulfilmentLine, int]]:
    """Return (fulfilment line, pieces) to take off, from the work that is least far."""
    taken: list[tuple[FulfilmentLine, int]] = []
    for line_id, units in fewer.items():
        left = units
        for one in sorted(
            (one for one in work.fulfilments if _is_here(one)),
            key=lambda one: LEAST_FAR.index(State(one.state)),
        ):
            kin = kinds(work, one.id).get(line_id)
            if kin is None or left == 0:
                continue
            some = min(left, kin[0].units)
            if some:
                taken += [(line, some * line.per_unit) for line in kin]
            left -= some
    return taken


def _count_off(work: Work, taken: list[tuple[FulfilmentLine, int]]) -> list[PutBack]:
    places = {one.id: one.location_id for one in work.fulfilments}
    back = []
    for line, pieces in taken:
        put = max(line.picked + line.rejected + pieces - line.quantity, 0)
        fulfilment.count(line, picked=-put, called_off=pieces, reason=CANCELLED)
        if put:
            back.append(
                PutBack(line.fulfilment_id, places[line.fulfilment_id], line.product.sku, line.product.name, put)
            )
    return back
