"""What the rooms above know of trade that decisions about prices need. They register who can be asked."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class PastBasket:
    """What somebody bought on a channel, as far as prices depend on it. `customer` tells buyers apart, nothing more."""

    reference: str
    placed_at: datetime
    channel_id: int
    currency: str
    country: str
    lines: tuple[tuple[int, int], ...]  # product, pieces
    customer: str = ""
    codes: tuple[str, ...] = ()
    is_first_order: bool | None = None


# revenue(product_ids, since, until): what these products took in, VAT included, in minor units, by currency and country.
Revenue = Callable[[Collection[int], datetime, datetime], Mapping[tuple[str, str], int]]
# baskets(since, until, at_once): what was bought in a span, the oldest first, in portions that fit the memory.
Baskets = Callable[[datetime, datetime, int], Iterator[list[PastBasket]]]
# count(since, until): how many baskets that are.
Count = Callable[[datetime, datetime], int]

_revenue: list[Revenue] = []
_baskets: list[tuple[Baskets, Count]] = []


def reckons_by(*, revenue: Revenue | None = None, baskets: Baskets | None = None, count: Count | None = None) -> None:
    """Let `revenue` say what products took in, `baskets` what was bought and `count` how much of that there is."""
    if revenue is not None:
        _revenue[:] = [revenue]
    if baskets is not None and count is not None:
        _baskets[:] = [(baskets, count)]


def revenue(product_ids: Collection[int], *, since: datetime, until: datetime) -> Mapping[tuple[str, str], int] | None:
    """Return what products took in, in minor units, by currency and country; None when nobody knows."""
    if not _revenue:
        return None
    return _revenue[0](product_ids, since, until)


def baskets(*, since: datetime, until: datetime, at_once: int) -> Iterator[list[PastBasket]]:
    """Yield what was bought in a span, in portions; nothing when nobody knows."""
    if _baskets:
        yield from _baskets[0][0](since, until, at_once)


def count(*, since: datetime, until: datetime) -> int:
    """Return how many baskets were bought in a span."""
    return _baskets[0][1](since, until) if _baskets else 0
