"""An order on its way to be placed: what can be decided of it without a lock."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce import catalog, context, ids
from commerce.actors import Actor
from commerce.channels.contracts import IncomingOrder
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from inventory import availability, kits
from inventory.allocations import Demand
from inventory.backorders import Waiting
from inventory.errors import InsufficientStock
from inventory.kits import Part
from orders import intake, pickup_windows, promise_times, routing
from orders.queries import FulfilmentLineView
from orders.routing import OrderingChannel, Route, Survey
from pricing import quoting
from pricing.quotes import BasketLine, ChannelTerms, Quote
from pricing.quoting import Redemption


@dataclass(frozen=True, slots=True)
class Channel:
    """An ordering channel for callers that have no credential: tills, the demo, tests."""

    channel_id: int
    channel_code: str
    country: str
    currency: str
    language: str = "de"


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """An order that someone wants placed, and the request that said so."""

    order: IncomingOrder
    channel: OrderingChannel
    by: Actor
    request_id: str = field(default_factory=context.request_id)

    @property
    def reference(self) -> tuple[int, str]:
        """What the order is known by: its channel and the channel's reference."""
        return self.channel.channel_id, self.order.external_reference

    def basket(self) -> list[BasketLine]:
        return [BasketLine(product_id, quantity) for product_id, quantity in self.order.quantities().items()]


@dataclass(slots=True, eq=False)
class Draft:
    """An order on its way: what is decided of it so far."""

    wish: Wish
    id: UUID
    number: str
    products: Mapping[int, ProductRef]
    goods: Mapping[int, int]
    owed: tuple[FulfilmentLineView, ...]  # the goods of each line, kits exploded (law 6)
    quote: Quote
    route: Route
    window: tuple[datetime, datetime] | None
    promised_at: datetime
    line_ids: Mapping[int, UUID]
    pickup_code: str = ""
    slot_hold_id: UUID | None = None
    allocated: dict[UUID, UUID] = field(default_factory=dict)
    waiting: dict[UUID, Waiting] = field(default_factory=dict)  # by order line: pieces from goods to come
    customer_id: UUID | None = None
    first: "Draft | None" = None  # the order that took this one's reference in the same group

    @property
    def order(self) -> IncomingOrder:
        return self.wish.order

    @property
    def reference(self) -> tuple[int, str]:
        return self.wish.reference

    @property
    def needed_by(self) -> date | None:
        """The day on which the goods have to be there: a pickup's, in the time of its place; a shipment waits."""
        return self.window[0].astimezone(ZoneInfo(self.route.location.time_zone)).date() if self.window else None

    def await_goods(self, waiting: dict[UUID, Waiting], *, at: datetime) -> None:
        """Let the order wait for goods to come, and promise it for when they are there. A day nobody knows is no promise."""
        self.waiting = waiting
        days = [one.promised_on for one in waiting.values() if one.promised_on is not None]
        if days and self.window is None:
            self.promised_at = max(self.promised_at, promise_times.shipped_by(self.route.location, max(days), at=at))

    def demands(self) -> list[Demand]:
        return [
            Demand(line.order_line_id, line.product_id, self.route.location.id, line.quantity, line.id)
            for line in self.owed
        ]


def price(wishes: Sequence[Wish], *, at: datetime) -> list[Quote | CommerceError]:
    """Price many orders: by the quotes they were given, else as of now; a quote or the refusal for each."""
    verdicts: dict[Wish, Quote | CommerceError] = {}
    redeeming = [wish for wish in wishes if wish.order.quote_id]
    redemptions = [
        Redemption(wish.order.quote_id, wish.channel.channel_id, wish.basket())
        for wish in redeeming
        if wish.order.quote_id
    ]
    verdicts |= zip(redeeming, quoting.redeem_each(redemptions, at=at), strict=True)
    fresh: dict[ChannelTerms, list[Wish]] = {}
    for wish in wishes:
        if not wish.order.quote_id:
            terms = ChannelTerms(wish.channel.channel_id, wish.channel.currency, wish.channel.country)
            fresh.setdefault(terms, []).append(wish)
    for terms, group in fresh.items():
        baskets = [wish.basket() for wish in group]
        verdicts |= zip(group, quoting.price_each(baskets, channel=terms, at=at), strict=True)
    return [verdicts[wish] for wish in wishes]


def draft(wish: Wish, number: int, quote: Quote | CommerceError, known: Survey, *, at: datetime) -> Draft:
    """Decide on place and promise of an order that is priced. Raises: its refusal."""
    order, channel = wish.order, wish.channel
    wanted = order.quantities()
    products = intake.products(wanted)
    parts = kits.parts(products, wanted)
    goods = Counter[int]()
    for part in parts:
        goods[part.product_id] += part.quantity
    if not goods:
        raise intake.invalid("lines", None, "An order needs at least one product that is goods.")
    if isinstance(quote, CommerceError):
        raise quote
    try:
        route = routing.route(order, goods, channel=channel, known=known)
    except InsufficientStock as refusal:
        raise availability.explained(refusal, asked=wanted.items(), channel_id=channel.channel_id, at=at) from refusal
    window, promised_at = _promise(order, route, at=at)
    line_ids = {line.product_id: ids.new() for line in quote.lines}
    owed = _owed(parts, line_ids, products)
    return Draft(wish, ids.new(), f"K-{number}", products, goods, owed, quote, route, window, promised_at, line_ids)


def _owed(
    parts: Sequence[Part], line_ids: Mapping[int, UUID], products: Mapping[int, ProductRef]
) -> tuple[FulfilmentLineView, ...]:
    """Return the lines of the fulfilment to come, in the order of the customer's lines."""
    if any(part.product_id not in products for part in parts):
        products = {**products, **catalog.products_by_id(part.product_id for part in parts)}
    place = {product_id: number for number, product_id in enumerate(line_ids)}
    return tuple(
        FulfilmentLineView(
            ids.new(), line_ids[part.line_product_id], part.quantity, 0, 0, "", part.product_id,
            products[part.product_id].sku, products[part.product_id].name, part.per_unit,
        )
        for part in sorted(parts, key=lambda part: (place[part.line_product_id], part.product_id))
    )  # fmt: skip


def _promise(order: IncomingOrder, route: Route, *, at: datetime) -> tuple[tuple[datetime, datetime] | None, datetime]:
    """Return the window and by when the order is ready: at its start, or shipped within a day or once the place can."""
    if order.window_starts_at is None:
        return None, promise_times.ships_by(route.location, at)
    window = pickup_windows.find(route.location, order.window_starts_at, at=at)
    return window, window[0]


def by_actor(drafts: Iterable[Draft]) -> dict[Actor, list[Draft]]:
    """Return the drafts of each actor, in their order: one posting, one record is signed by one."""
    groups: dict[Actor, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.wish.by, []).append(draft)
    return groups
