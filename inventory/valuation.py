"""What a piece of a product is worth, for sums that people sort by: from whoever knows a cost or a price.

Topics and rooms that know one register themselves; of those that know a product, the one with the lowest order is asked.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

COSTS, PRICES = 10, 20  # orders: what we paid says more of a loss than what we ask for


class UnitValue(NamedTuple):
    """The worth of one piece, in minor units of a currency."""

    minor: int
    currency: str


Source = Callable[[list[int], datetime], Mapping[int, UnitValue]]

_sources: dict[str, tuple[int, Source]] = {}


def register(name: str, source: Source, *, order: int) -> None:
    """Let `source(product_ids, at)` say what pieces are worth; what it doesn't know it leaves out. Again replaces it."""
    _sources[name] = (order, source)


def of_pieces(product_ids: Iterable[int], *, at: datetime) -> dict[int, UnitValue]:
    """Return what one piece of each product is worth; products whose worth nobody knows are missing."""
    left = sorted(set(product_ids))
    known: dict[int, UnitValue] = {}
    for _order, source in sorted(_sources.values(), key=lambda one: one[0]):
        if not left:
            break
        known |= source(left, at)
        left = [product_id for product_id in left if product_id not in known]
    return known
