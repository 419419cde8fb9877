"""Which units of an order were delivered, came back, and may still come back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from orders import lifecycle, totals
from orders.fulfilment import Work
from orders.lifecycle import State
from orders.models import FulfilmentLine, OrderLine, ReturnLine


@dataclass(frozen=True, slots=True)
class Units:
    """A run of units of an order line, counted from 0."""

    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Returnable:
    """How much of a line the customer has, since when, and which of its units are free to come back."""

    line: OrderLine
    delivered: int
    delivered_at: datetime | None
    free: tuple[Units, ...]

    @property
    def left(self) -> int:
        return sum(run.count for run in self.free)

    @property
    def is_charge(self) -> bool:
        """Whether it is money only, such as postage: it comes back with all goods or not at all."""
        return self.delivered_at is None


def of_order(work: Work) -> dict[UUID, Returnable]:
    """Return what may come back of each line of an order, void returns left out."""
    delivered, at = Counter[UUID](), dict[UUID, datetime]()
    is_work = {line.order_line_id for line in work.lines}
    for one in work.fulfilments:
        if State(one.state) not in lifecycle.DELIVERED:
            continue
        counted: dict[UUID, FulfilmentLine] = {}
        for line in work.lines_of(one):
            counted.setdefault(line.order_line_id, line)  # the components of a kit all count the same kits
        for line_id, line in counted.items():
            delivered[line_id] += line.units
            at[line_id] = max(at.get(line_id, one.changed_at), one.changed_at)
    taken: dict[UUID, list[tuple[int, int]]] = {}
    for row in ReturnLine.objects.filter(of_return__order=work.order, is_void=False):
        taken.setdefault(row.order_line_id, []).append((row.first_unit, row.quantity))
    return {
        line.id: Returnable(
            line,
            there := delivered[line.id] if line.id in is_work else line.quantity - line.cancelled,
            at.get(line.id) if line.id in is_work else None,
            tuple(_free(there, taken.get(line.id, []))),
        )
        for line in work.order_lines.values()
    }


def _free(count: int, taken: Sequence[tuple[int, int]]) -> list[Units]:
    found, at = [], 0
    for first, quantity in sorted(taken):
        if first > at:
            found.append(Units(at, min(first, count) - at))
        at = max(at, first + quantity)
    if at < count:
        found.append(Units(at, count - at))
    return [run for run in found if run.count > 0]


def choose(free: Sequence[Units], units: int, *, from_end: bool = False) -> list[Units]:
    """Return runs of so many free units, the first ones first, or the last ones last."""
    chosen, left = [], units
    for run in reversed(free) if from_end else free:
        some = min(run.count, left)
        if some:
            chosen.append(Units(run.first + run.count - some if from_end else run.first, some))
        left -= some
    return chosen


def worth(line: OrderLine, run: Units) -> int:
    """Return what a run of units costs as priced."""
    return totals.of_units_minor(line.total_minor, line.quantity, run.first, run.count)


def goods(work: Work, line_id: UUID) -> Mapping[int, int]:
    """Return what lies in one unit of an order line: pieces by product, of a kit its components."""
    return {line.product_id: line.per_unit for line in work.lines if line.order_line_id == line_id}
