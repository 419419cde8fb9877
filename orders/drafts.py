"""An order on its way to be placed: what can be decided of it without a lock."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce import catalog, context, ids
from commerce.actors import Actor
from commerce.channels.contracts import ChannelPricing, IncomingOrder, Portion
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from inventory import availability, kits
from inventory.allocations import Demand
from inventory.errors import InsufficientStock
from inventory.kits import Part
from inventory.places.locations import LocationRef
from inventory.promising.backorders import Waiting
from orders import channel_prices, intake, intake_terms, promises, routing
from orders.lifecycle import Method, State
from orders.queries import FulfilmentLineView, FulfilmentView
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
class Planned:
    """A fulfilment to come: what one place will do for the order by one method."""

    route: Route
    window: tuple[datetime, datetime] | None
    promised_at: datetime
    owed: tuple[FulfilmentLineView, ...]  # its share of the goods of each line, kits exploded (law 6)
    id: UUID = field(default_factory=ids.new)
    pickup_code: str = ""
    slot_hold_id: UUID | None = None
    day_hold_ids: tuple[UUID, ...] = ()
    deliver_by: datetime | None = None
    country: str = ""  # to which it is sent

    @property
    def location(self) -> LocationRef:
        return self.route.location

    @property
    def needed_by(self) -> date | None:
        """The day on which the goods have to be there: a pickup's, in the time of its place; a shipment waits."""
        return self.window[0].astimezone(ZoneInfo(self.location.time_zone)).date() if self.window else None

    def view(self) -> FulfilmentView:
        """Return the fulfilment as it will stand."""
        return FulfilmentView(
            id=self.id,
            location_id=self.location.id,
            method=self.route.method,
            state=State.PLACED.value,
            window_starts_at=self.window[0] if self.window else None,
            window_ends_at=self.window[1] if self.window else None,
            promised_at=self.promised_at,
            keep_until=None,
            pickup_code=self.pickup_code,
            failed_code_attempts=0,
            is_on_shelf=False,
            lease_holder_id=None,
            lease_holder="",
            lease_expires_at=None,
            arrived_at=None,
            bay="",
            version=1,
            lines=self.owed,
            deliver_by=self.deliver_by,
            store_id=self.route.store.id if self.route.store else None,
        )

    def demands(self) -> list[Demand]:
        needed_by = self.needed_by
        return [
            Demand(line.order_line_id, line.product_id, self.location.id, line.quantity, line.id, needed_by)
            for line in self.owed
        ]

    def await_goods(self, awaited: Mapping[UUID, Waiting], *, at: datetime) -> None:
        """Promise what waits for goods for when they are there. A pickup keeps its window; a day nobody knows is no promise."""
        waits = [awaited[line.id].promised_on for line in self.owed if line.id in awaited]
        days = [day for day in waits if day is not None]
        if days and self.window is None:
            late = self.sent(at=max(promises.end_of(self.location, max(days)), at))
            self.promised_at = max(self.promised_at, late.leaves_by)
            self.deliver_by = max(self.deliver_by or late.arrives_by, late.arrives_by)

    def sent(self, *, at: datetime) -> promises.Sent:
        """Return by when it leaves and arrives if its goods are there `at` an instant. Raises: TooLateToday."""
        if self.route.store is not None:
            return promises.to_store(self.location, self.route.store, promises.Basket.of(self.route.goods), at=at)
        way = self.route.way
        return promises.sent(
            self.location, self.route.method, promises.Basket.of(self.route.goods), country=self.country,
            way=promises.carriage(self.location, way.service, way.zone) if way else None, at=at,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A portion that gets its place later: its goods, kits exploded, by the ids under which stock promises them in all."""

    method: str
    is_express: bool
    promised_at: datetime
    deliver_by: date
    owed: tuple[FulfilmentLineView, ...]


@dataclass(slots=True, eq=False)
class Draft:
    """An order on its way: what is decided of it so far. It has a fulfilment to come for each place and method."""

    wish: Wish
    id: UUID
    number: str
    products: Mapping[int, ProductRef]
    goods: Mapping[int, int]
    quote: Quote
    line_ids: Mapping[int, UUID]
    planned: tuple[Planned, ...]
    unplaced: Unplaced | None = None
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

    def demands(self) -> list[Demand]:
        return [demand for planned in self.planned for demand in planned.demands()]


def price(wishes: Sequence[Wish], *, at: datetime) -> list[Quote | CommerceError]:
    """Price many orders: by the quotes they were given, else as of now; a quote or the refusal for each."""
    verdicts: dict[Wish, Quote | CommerceError] = {}
    for wish in wishes:
        if wish.order.pricing is not None:
            verdicts[wish] = _by_channel(wish, wish.order.pricing, at=at)
    wished, wishes = wishes, [wish for wish in wishes if wish not in verdicts]
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
    return [verdicts[wish] for wish in wished]


def _by_channel(wish: Wish, pricing: ChannelPricing, *, at: datetime) -> Quote | CommerceError:
    """Return the channel's own prices as a quote, or the refusal that names what doesn't add up."""
    order, channel = wish.order, wish.channel
    terms = intake_terms.of(channel.channel_id)
    try:
        if order.quote_id is not None:
            raise intake.invalid("quote", str(order.quote_id), "An order has our quote or prices of its own, not both.")
        products = intake.products(order.quantities())
        skus = {product_id: ref.sku for product_id, ref in products.items()}
        if pricing.shipping is not None and terms.shipping_product_id is not None:
            charges = catalog.products_by_id([terms.shipping_product_id])
            skus |= {product_id: ref.sku for product_id, ref in charges.items()}
        return channel_prices.quote(
            order.lines, pricing, skus=skus, shipping_id=terms.shipping_product_id, channel_id=channel.channel_id,
            channel_code=channel.channel_code, currency=channel.currency, country=channel.country,
            tolerance_minor=terms.tolerance_minor, at=at,
        )  # fmt: skip
    except CommerceError as refusal:
        return refusal


def draft(wish: Wish, number: int, quote: Quote | CommerceError, known: Survey, *, at: datetime) -> Draft:
    """Decide on place and promise of an order that is priced. Raises: its refusal."""
    order, channel = wish.order, wish.channel
    wanted = order.quantities()
    products = intake.products(wanted)
    portions = [(portion, kits.parts(products, portion.quantities)) for portion in order.portions()]
    portions = [(portion, parts) for portion, parts in portions if parts]  # charges alone are no work for anyone
    goods = Counter[int]()
    for _, parts in portions:
        for part in parts:
            goods[part.product_id] += part.quantity
    if not goods:
        raise intake.invalid("lines", None, "An order needs at least one product that is goods.")
    if isinstance(quote, CommerceError):
        raise quote
    line_ids = {line.product_id: ids.new() for line in quote.lines}
    if charges := [product_id for product_id in line_ids if product_id not in products]:  # shipping, by the channel
        products = {**products, **catalog.products_by_id(charges)}
    if unplaced := _unplaced(wish, portions, line_ids, products, at=at):
        return Draft(wish, ids.new(), f"K-{number}", products, goods, quote, line_ids, (), unplaced)
    planned: list[Planned] = []
    country = (order.ship_to or {}).get("country") or channel.country
    try:
        for portion, parts in portions:
            values = _values(quote, portion, wanted)
            for route in routing.route(order, portion, parts, channel=channel, known=known, values=values):
                owed = _owed(portion, parts, route, line_ids, products)
                planned.append(_planned(portion, route, owed, country, at=at))
    except InsufficientStock as refusal:
        raise availability.explained(refusal, asked=wanted.items(), channel_id=channel.channel_id, at=at) from refusal
    if len(planned) > 1:  # they are read in the order of their ids, which those of one millisecond don't keep
        for one, identifier in zip(planned, sorted(one.id for one in planned), strict=True):
            one.id = identifier
    return Draft(wish, ids.new(), f"K-{number}", products, goods, quote, line_ids, tuple(planned))


def _values(quote: Quote, portion: Portion, wanted: Mapping[int, int]) -> dict[int, int]:
    """Return what the products of a portion were sold for, in minor units; one that goes several ways by its pieces."""
    return {
        line.product_id: line.total_minor * portion.quantities[line.product_id] // wanted[line.product_id]
        for line in quote.lines
        if line.product_id in portion.quantities
    }


def _unplaced(
    wish: Wish,
    portions: Sequence[tuple[Portion, Sequence[Part]]],
    line_ids: Mapping[int, UUID],
    products: Mapping[int, ProductRef],
    *,
    at: datetime,
) -> Unplaced | None:
    """Return the order as one that gets its place later, if that is agreed and nothing of it has to be decided now."""
    if not intake_terms.of(wish.channel.channel_id).routes_later or len(portions) > 1:
        return None
    ((portion, parts),) = portions
    if portion.method != Method.SHIP or portion.location_id is not None or wish.order.reservation_id is not None:
        return None
    country = (wish.order.ship_to or {}).get("country") or wish.channel.country
    basket = promises.Basket.of_lines((part.product_id, part.quantity) for part in parts)
    last = promises.sent_by_anyone(country, basket, at=at)
    told = wish.order.deliver_by or last.arrives_by.date()
    return Unplaced(
        portion.method, wish.order.is_express, last.leaves_by, told, _owed(portion, parts, None, line_ids, products)
    )


def _owed(
    portion: Portion,
    parts: Sequence[Part],
    route: Route | None,
    line_ids: Mapping[int, UUID],
    products: Mapping[int, ProductRef],
) -> tuple[FulfilmentLineView, ...]:
    """Return the lines of a fulfilment to come, in the order of the customer's lines: the share of its place, kits whole."""
    if route is not None and route.units != portion.quantities:
        parts = [
            replace(part, quantity=route.units[part.line_product_id] * part.per_unit)
            for part in parts
            if route.units.get(part.line_product_id)
        ]
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


def _planned(
    portion: Portion, route: Route, owed: tuple[FulfilmentLineView, ...], country: str, *, at: datetime
) -> Planned:
    """Return what one place will do, with its promise: ready at the start of a window, or gone and there by a time."""
    if portion.window_starts_at is not None:
        basket = promises.Basket.of(route.goods)
        window = promises.fetched(route.location, portion.method, portion.window_starts_at, basket, at=at)
        return Planned(route, window, window[0], owed)
    planned = Planned(route, None, at, owed, country=country)
    promised = planned.sent(at=at)
    planned.promised_at, planned.deliver_by = promised.leaves_by, promised.arrives_by
    return planned


def by_actor(drafts: Iterable[Draft]) -> dict[Actor, list[Draft]]:
    """Return the drafts of each actor, in their order: one posting, one record is signed by one."""
    groups: dict[Actor, list[Draft]] = {}
    for draft in drafts:
        groups.setdefault(draft.wish.by, []).append(draft)
    return groups
