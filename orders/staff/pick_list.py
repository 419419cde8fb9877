"""What whoever picks needs to see: the lines of one fulfilment, what is open of each, and the barcodes that count for it."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from inventory import availability, shelves
from inventory.promising import backorders
from orders import preparation, shortages
from orders.models import FulfilmentLine
from orders.preparation import Prepared
from orders.staff import board


@dataclass(frozen=True, slots=True)
class PickLine:
    """One product to pick: wanted = picked + rejected + open. `codes` are its barcodes with the pieces each stands for.

    `free` is what the store has of it beyond all promises and baskets: "not found" takes that off the books as well.
    """

    id: uuid.UUID
    product_id: int
    sku: str
    name: str
    brand: str
    wanted: int
    picked: int
    rejected: int
    free: int
    codes: tuple[tuple[str, int], ...]
    shelves: tuple[str, ...] = ()  # where it lies, the place to look at first in front
    kit: str = ""  # the name of the kit that it goes into
    waiting: int = 0  # of the open ones, those that were promised from goods to come
    promised_on: date | None = None  # the day those are expected on, if anyone knows
    others: int = 0  # other open orders of the store that still want it
    others_pieces: int = 0
    questioned_at: datetime | None = None  # since when a colleague has found nothing of it
    preparation: Prepared | None = None  # what it needs besides being picked
    takes_substitutes: bool = False  # its customer agreed to other goods when ordering

    @property
    def open(self) -> int:
        return self.wanted - self.picked - self.rejected

    @property
    def wanted_now(self) -> int:
        """What is still owed of it: wanted less what turned out missing."""
        return self.wanted - self.rejected

    @property
    def is_done(self) -> bool:
        return self.open == 0

    @property
    def there(self) -> int:
        """What can be picked now."""
        return max(self.open - self.waiting, 0)


@dataclass(frozen=True, slots=True)
class PickList:
    """A fulfilment under the hands of a clerk."""

    card: board.Card
    lines: list[PickLine]

    @property
    def current(self) -> PickLine | None:
        """The line to pick now: the first of which something is there, else the first that is still open."""
        still_open = [line for line in self.lines if not line.is_done]
        return next((line for line in still_open if line.there), next(iter(still_open), None))

    @property
    def wanted(self) -> int:
        return sum(line.wanted_now for line in self.lines)

    @property
    def picked(self) -> int:
        return sum(line.picked for line in self.lines)

    @property
    def is_complete(self) -> bool:
        """Nothing is open and something is there to hand over."""
        return self.current is None and self.picked > 0


def read(fulfilment_id: uuid.UUID, location_id: int, *, at: datetime) -> PickList | None:
    """Return the lines of one pickup of a store in the order to pick them, or None when it isn't there."""
    found = board.card(fulfilment_id, location_id, at=at)
    if found is None:
        return None
    lines = (
        FulfilmentLine.objects.filter(fulfilment_id=fulfilment_id)
        .select_related("product", "order_line__product")
        .prefetch_related("product__gtins")
        .order_by("order_line__line_number", "product_id")
    )
    wanted = [line.product_id for line in lines if line.picked + line.rejected < line.quantity]
    figures = availability.figures(wanted, location_ids=[location_id], at=at) if wanted else []
    free = {figure.product_id: figure.available for figure in figures}
    places = shelves.of(location_id, [line.product_id for line in lines])
    waits = backorders.waiting(line.allocation_id for line in lines)
    days = backorders.of_demands(line.order_line_id for line in lines) if waits else {}
    others = shortages.others(location_id, wanted, beside=fulfilment_id) if wanted else {}
    prepared = {one.product_id: one for one in preparation.of({line.product_id: line.quantity for line in lines})}
    questions = shortages.questioned(location_id, wanted, at=at) if wanted else {}
    return PickList(
        found,
        [
            _pick_line(
                line,
                free.get(line.product_id, 0),
                places.get(line.product_id, []),
                waits.get(line.allocation_id, 0),
                days.get(line.order_line_id),
                others.get(line.product_id, (0, 0)),
                questions.get(line.product_id),
                prepared.get(line.product_id),
            )
            for line in lines
        ],
    )


def _pick_line(
    line: FulfilmentLine,
    free: int,
    places: list[str],
    waiting: int,
    wait: backorders.Waiting | None,
    others: tuple[int, int],
    question: shortages.Question | None,
    prepared: Prepared | None,
) -> PickLine:
    product = line.product
    return PickLine(
        id=line.id,
        product_id=line.product_id,
        sku=product.sku,
        name=product.name,
        brand=product.brand,
        wanted=line.quantity - line.called_off,
        picked=line.picked,
        rejected=line.short,
        free=free,
        codes=tuple((gtin.gtin, gtin.pieces) for gtin in product.gtins.all()),
        shelves=tuple(places),
        kit=line.order_line.product.name if line.is_of_kit else "",
        waiting=waiting,
        promised_on=wait.promised_on if waiting and wait is not None else None,
        others=others[0],
        others_pieces=others[1],
        questioned_at=question.since if question else None,
        preparation=prepared,
        takes_substitutes=line.order_line.takes_substitutes,
    )
