"""What was sold, as the rooms above know it: figures by day, days without stock, discounts of promotions. [pure]"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Sold:
    """What a product sold on a local day in a currency: pieces, what was paid with VAT, the median price of a piece by line.

    `net_minor` is what was paid without the VAT that stood on it; `untaxed_minor` is the part of what was paid whose VAT
    nobody wrote down, such as invoices from before.
    """

    product_id: int
    day: date
    pieces: int
    revenue_minor: int
    price_minor: float
    net_minor: int = 0
    untaxed_minor: int | None = None  # None: all of it
    currency: str = "EUR"

    @property
    def without_tax_minor(self) -> int:
        return self.revenue_minor if self.untaxed_minor is None else self.untaxed_minor


@dataclass(frozen=True, slots=True)
class Given:
    """What a promotion took off the orders of a time and a currency."""

    orders: int
    discount_minor: int


# sold(product_ids or None for all, first, last), empty_days(product_ids, first, last) by product,
# given(promotion, currency, first, last), best(first, last, at_most): the products that sold most lines.
SoldBy = Callable[[Collection[int] | None, date, date], Iterable[Sold]]
EmptyDays = Callable[[Collection[int], date, date], dict[int, frozenset[date]]]
GivenBy = Callable[[str, str, date, date], Given]
Best = Callable[[date, date, int], Sequence[int]]
Span = Callable[[], tuple[date, date] | None]


@dataclass(frozen=True, slots=True)
class Port:
    """Who answers. `span` is the first and last day with sales."""

    sold: SoldBy
    empty_days: EmptyDays
    given: GivenBy
    best: Best
    span: Span


_port: list[Port] = []


def reckons_by(port: Port) -> None:
    """Let a room above say what was sold."""
    _port[:] = [port]


def port() -> Port | None:
    """Return who knows what was sold; None where nobody does."""
    return _port[0] if _port else None
