"""The canonical data model: what every channel says, whatever platform it runs on. [pure]

An interface or a translator makes these from a request or a platform's own document; rooms take nothing else.
Amounts are integers in minor units of the currency, quantities are pieces, instants are aware.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

PICKUP = "pickup"
CURBSIDE = "curbside"
SHIP = "ship"
SAME_DAY = "same_day"
SHIP_TO_STORE = "ship_to_store"

FETCHED = frozenset({PICKUP, CURBSIDE})  # at a place and in a window that the customer chose


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingLine:
    """A product and how many pieces of it. Raises: ValueError when that is not one piece or more.

    A method, place or window of its own goes before the order's. `price` is the channel's own, where it names prices.
    With `takes_substitutes` the customer agrees to other goods, never dearer, should these be missing.
    """

    product_id: int
    quantity: int
    method: str = ""
    location_id: int | None = None
    window_starts_at: datetime | None = None
    price: "LinePrice | None" = None
    takes_substitutes: bool = False

    def __post_init__(self) -> None:
        if self.quantity.__class__ is not int or self.quantity < 1:
            raise ValueError(f"A quantity is a whole number of at least 1, not {self.quantity!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What a promotion of the channel took off, above zero, in the basis of its prices."""

    name: str
    amount_minor: int
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinePrice:
    """What a channel sold a line for: per piece before discounts, and for all pieces after them, in the basis of its prices."""

    unit_price_minor: int
    total_minor: int
    tax_minor: int
    tax_basis_points: int
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingPrice:
    """What a channel charged for shipping, in the basis of its prices."""

    amount_minor: int
    tax_minor: int
    tax_basis_points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPricing:
    """What a channel's order came to: `total_minor` is what the customer pays, VAT included, whatever the basis.

    With `is_gross` the amounts of lines and shipping contain VAT, without it VAT comes on top. Every line has a price then.
    """

    currency: str
    is_gross: bool
    total_minor: int
    tax_minor: int
    shipping: ShippingPrice | None = None


PAID_STATES = ("pending", "authorised", "captured")  # pending: begun where it was ordered, no money is held yet


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingPayment:
    """A payment that the channel says was made: by which provider it is known under which reference, how far it is."""

    provider: str
    reference: str
    method: str
    amount_minor: int
    status: str

    def __post_init__(self) -> None:
        if self.amount_minor < 1 or self.status not in PAID_STATES:
            raise ValueError(f"A payment of {self.amount_minor!r}, {self.status!r}, is none.")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingCustomer:
    """Who orders, as far as the channel says. Anything may be missing; `customers.profiles` makes sense of it."""

    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = ""
    channel_customer_id: str = ""


@dataclass(frozen=True, slots=True)
class Portion:
    """What of an order goes one way: by one method, for one place and window where the customer chose them.

    `quantities` are pieces by product, sorted by product; `lines` the positions of the order's lines that go this way.
    """

    method: str
    location_id: int | None
    window_starts_at: datetime | None
    quantities: Mapping[int, int]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingOrder:
    """An order as a channel hands it over.

    `external_reference` is the channel's own and unique there. What is fetched names its location and window; what is
    sent has an address (street, postal_code, city, country). Method, location and window of the order hold for all its
    lines that say nothing else. A reservation or quote given earlier is redeemed by it. With `pricing` the channel's own
    prices hold instead of ours. A shipment that names a place is sent from there, as its channel decided.
    """

    external_reference: str
    method: str
    lines: tuple[IncomingLine, ...]
    customer: IncomingCustomer = field(default_factory=IncomingCustomer)
    location_id: int | None = None
    window_starts_at: datetime | None = None
    reservation_id: UUID | None = None
    quote_id: UUID | None = None
    ship_to: Mapping[str, str] | None = None
    occurred_at: datetime | None = None
    pricing: ChannelPricing | None = None
    payments: tuple[IncomingPayment, ...] = ()
    is_express: bool = False
    deliver_by: date | None = None  # the day that the channel told its customer

    def __post_init__(self) -> None:
        if not self.external_reference:
            raise ValueError("An order needs the channel's reference.")
        if not self.lines:
            raise ValueError("An order needs at least one line.")

    def quantities(self) -> dict[int, int]:
        """Return the pieces wanted of each product, lines of one product summed, sorted by product."""
        return _summed(self.lines)

    def substitutable(self) -> frozenset[int]:
        """Return the products of which every line takes substitutes."""
        known = {line.product_id for line in self.lines if line.takes_substitutes}
        return frozenset(known - {line.product_id for line in self.lines if not line.takes_substitutes})

    def portions(self) -> tuple[Portion, ...]:
        """Return what goes which way, in the order of the lines; most orders go one way."""
        ways: dict[tuple[str, int | None, datetime | None], list[int]] = {}
        for position, line in enumerate(self.lines):
            ways.setdefault(self._way(line), []).append(position)
        return tuple(
            Portion(*way, _summed([self.lines[position] for position in positions]), tuple(positions))
            for way, positions in ways.items()
        )

    def _way(self, line: IncomingLine) -> tuple[str, int | None, datetime | None]:
        """Return method, place and window of a line: the order's place serves what is fetched, its window goes with it."""
        method, location_id, starts_at = line.method or self.method, line.location_id, line.window_starts_at
        if location_id is None and (method == self.method or {method, self.method} <= FETCHED | {SHIP_TO_STORE}):
            location_id = self.location_id
        if starts_at is None and location_id == self.location_id and method in FETCHED | {self.method}:
            starts_at = self.window_starts_at
        return method, location_id, starts_at


def _summed(lines: Iterable[IncomingLine]) -> dict[int, int]:
    wanted: dict[int, int] = {}
    for line in sorted(lines, key=lambda line: line.product_id):
        wanted[line.product_id] = wanted.get(line.product_id, 0) + line.quantity
    return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class StockUpdate:
    """A figure of stock from outside, absolute, and when its source looked.

    `expected` is the figure that the source believes we have: the update holds only while that is so.
    """

    product_id: int
    location_id: int
    on_hand: int
    as_of: datetime
    expected: int | None = None
    source_event_id: str = ""

    def __post_init__(self) -> None:
        if self.on_hand < 0:
            raise ValueError(f"Stock on hand can't be {self.on_hand}.")
        if self.as_of.tzinfo is None:
            raise ValueError("An instant needs a time zone.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceUpdate:
    """A price from outside for one piece from `minimum_quantity` pieces on, gross, valid in [valid_from, valid_to)."""

    product_id: int
    currency: str
    unit_price_minor: int
    valid_from: datetime
    valid_to: datetime | None = None
    minimum_quantity: int = 1

    def __post_init__(self) -> None:
        if self.unit_price_minor < 0:
            raise ValueError(f"A price can't be {self.unit_price_minor}.")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("A price must end after it begins.")
