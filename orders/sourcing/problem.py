"""What routing is asked: the lines of an order, where they go, and what is forbidden. [pure]"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from orders.sourcing.criteria import Reason
from orders.sourcing.tariffs import Bulk


@dataclass(frozen=True, slots=True)
class Line:
    """Goods that stay together: pieces by product (several products only for a kit). Amounts, weight and volume are of the whole
    line."""

    id: str
    goods: tuple[tuple[int, int], ...]
    grams: int = 0
    value_minor: int = 0
    return_permille: int = 0  # of a piece: how many of a thousand come back
    is_hazardous: bool = False
    is_kit: bool = False
    mm3: int = 0

    @property
    def bulk(self) -> Bulk:
        return Bulk(self.grams, self.mm3)

    @property
    def pieces(self) -> int:
        return sum(pieces for _product, pieces in self.goods)


@dataclass(frozen=True, slots=True)
class Restriction:
    """What may not be sent: these products, to these countries, from these places; an empty set means all of them."""

    reason: Reason
    products: frozenset[int] = frozenset()
    countries: frozenset[str] = frozenset()
    places: frozenset[int] = frozenset()

    def meets(self, line: Line, country: str) -> bool:
        """Whether it is about goods of a line that go to a country."""
        return (not self.countries or country in self.countries) and (
            not self.products or any(product in self.products for product, _pieces in line.goods)
        )


@dataclass(frozen=True, slots=True)
class OpenParcel:
    """What waits at a place for the same recipient and is not packed yet: by an id, so many grams, of which orders.

    What is ready later than it `leaves_by` does not come into it.
    """

    id: str
    place_id: int
    grams: int
    orders: tuple[str, ...] = ()
    leaves_by: datetime | None = None
    mm3: int = 0

    @property
    def bulk(self) -> Bulk:
        return Bulk(self.grams, self.mm3)


@dataclass(frozen=True, slots=True)
class Problem:
    """One order, or what is left of it, that needs places. `only` are the places that may be asked at all, if not all.

    `rejected` are places by line that refused it before, without new evidence. Without `judges_stock` the pieces that are
    there decide nothing: the ledger does, under its lock. `due_on` is the day that was promised, `asked_on` today, `leave_on`
    the day until which goods must be ready, if any.
    """

    lines: tuple[Line, ...]
    country: str
    asked_on: date
    method: str = "ship"
    point: tuple[float, float] | None = None
    value_minor: int = 0
    due_on: date | None = None
    leave_on: date | None = None
    priority: int = 0
    area: frozenset[str] = frozenset()  # countries from which goods may come; empty: any
    only: frozenset[int] | None = None
    rejected: Mapping[str, frozenset[int]] = field(default_factory=dict)
    restrictions: Sequence[Restriction] = ()
    judges_stock: bool = True
    is_express: bool = False
    recipient: str = ""  # whose orders to one address may travel as one parcel; empty: this one travels alone
    open_parcels: tuple[OpenParcel, ...] = ()  # that it may come into, in a batch
    id: str = ""

    @property
    def wanted(self) -> dict[int, int]:
        """Pieces by product, summed over the lines (law 6)."""
        found: dict[int, int] = {}
        for line in self.lines:
            for product, pieces in line.goods:
                found[product] = found.get(product, 0) + pieces
        return found
