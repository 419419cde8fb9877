"""An order on its way to be placed: what can be decided of it without a lock."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from commerce import ids
from commerce.actors import Actor
from commerce.channels.contracts import IncomingOrder
from commerce.product_refs import ProductRef
from inventory import availability
from inventory.allocations import Demand
from inventory.errors import InsufficientStock
from orders import intake, pickup_windows, routing
from orders.routing import Route
from pricing import quoting
from pricing.quotes import BasketLine, ChannelTerms, Quote

SHIPS_WITHIN = timedelta(hours=24)


class OrderingChannel(Protocol):
    """What of a channel decides an order; a `commerce.api.authentication.Credential` is one."""

    @property
    def channel_id(self) -> int: ...
    @property
    def channel_code(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def language(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Channel:
    """An ordering channel for callers that have no credential: tills, the demo, tests."""

    channel_id: int
    channel_code: str
    country: str
    currency: str
    language: str = "de"


@dataclass(frozen=True, slots=True)
class Wish:
    """An order that someone wants placed."""

    order: IncomingOrder
    channel: OrderingChannel
    by: Actor


@dataclass(slots=True, eq=False)
class Draft:
    """An order on its way: what is decided of it so far."""

    wish: Wish
    id: UUID
    number: str
    products: Mapping[int, ProductRef]
    goods: Mapping[int, int]
    quote: Quote
    route: Route
    window: tuple[datetime, datetime] | None
    promised_at: datetime
    line_ids: Mapping[int, UUID]
    slot_hold_id: UUID | None = None
    allocated: dict[UUID, UUID] = field(default_factory=dict)
    customer_id: UUID | None = None

    @property
    def order(self) -> IncomingOrder:
        return self.wish.order

    def demands(self) -> list[Demand]:
        return [
            Demand(self.line_ids[product_id], product_id, self.route.location.id, quantity)
            for product_id, quantity in self.goods.items()
        ]


def draft(wish: Wish, number: int, *, at: datetime) -> Draft:
    """Decide on price, place and promise of an order. Raises: its refusal."""
    order, channel = wish.order, wish.channel
    intake.check(order, at=at)
    wanted = order.quantities()
    products = intake.products(wanted)
    goods = {product_id: quantity for product_id, quantity in wanted.items() if products[product_id].has_stock}
    if not goods:
        raise intake.invalid("lines", None, "An order needs at least one product that is goods.")
    quote = _price(order, wanted, channel, at=at)
    try:
        route = routing.route(order, goods, country=channel.country, at=at)
    except InsufficientStock as refusal:
        raise availability.explained(refusal, at=at) from refusal
    window, promised_at = _promise(order, route, at=at)
    line_ids = {line.product_id: ids.new() for line in quote.lines}
    return Draft(wish, ids.new(), f"K-{number}", products, goods, quote, route, window, promised_at, line_ids)


def _price(order: IncomingOrder, wanted: Mapping[int, int], channel: OrderingChannel, *, at: datetime) -> Quote:
    basket = [BasketLine(product_id, quantity) for product_id, quantity in wanted.items()]
    if order.quote_id is not None:
        return quoting.redeem(order.quote_id, channel_id=channel.channel_id, lines=basket, at=at)
    terms = ChannelTerms(channel.channel_id, channel.currency, channel.country)
    return quoting.price(basket, channel=terms, at=at)


def _promise(order: IncomingOrder, route: Route, *, at: datetime) -> tuple[tuple[datetime, datetime] | None, datetime]:
    """Return the window and by when the order is ready: at its start, or shipped within a day or once the place can."""
    if order.window_starts_at is None:
        ready = pickup_windows.earliest_ready(route.location, at=at)
        return None, max(at + SHIPS_WITHIN, ready or at)
    window = pickup_windows.find(route.location, order.window_starts_at, at=at)
    return window, window[0]


def by_actor(drafts: Iterable[Draft]) -> dict[Actor, list[Draft]]:
    """Return the drafts of each actor, in their order: one posting, one record is signed by one."""
    groups: dict[Actor, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.wish.by, []).append(draft)
    return groups
