"""Placing an order: price, customer, window, goods, order, routing, audit and news, all in one transaction or not at all.

Locks are taken in the house's order (quotas → stock → order) and late; the rows of the order are written by one statement
that its writers put together (`orders.fulfilment` and `orders.routing` own their parts of it).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson
from django.db import connection

from commerce import audit, ids, integrity, outbox
from commerce.actors import Actor
from commerce.catalog import ProductRef
from commerce.channels.contracts import IncomingOrder
from commerce.errors import Busy
from commerce.transactions import transaction_required
from customers import profiles
from inventory import allocations, availability
from inventory.allocations import Demand
from inventory.errors import InsufficientStock
from inventory.locations import LocationRef
from orders import events, fulfilment, intake, pickup_windows, routing
from orders.lifecycle import Method, OrderStatus, State
from orders.queries import FulfilmentLineView, FulfilmentView, LineView, OrderView
from pricing import quoting
from pricing.quotes import BasketLine, ChannelTerms, Quote

SHIPS_WITHIN = timedelta(hours=24)
# No 0/O, 1/I/L, 2/Z, 5/S, 8/B: a code is read out over a counter.
CODE_ALPHABET = "ACDEFGHJKMNPQRTUVWXY34679"
CODE_LENGTH = 6

integrity.refuse(
    "order_arrives_once",
    lambda: Busy("Another request is placing an order with this reference right now; send it again to get that order."),
)
integrity.refuse(
    "pickup_code_once_per_location", lambda: Busy("The pickup code was taken a moment ago; please send it again.")
)

# The number is drawn with the look for an earlier order; an order that is refused leaves a gap, which numbers may have.
_BEGIN = """
SELECT nextval('orders_order_number'),
       (SELECT id FROM orders_order WHERE channel_id = %s AND external_reference = %s)
"""
_PLACE = f"""
WITH placed AS (
    INSERT INTO orders_order (id, number, channel_id, external_reference, customer_id, contact_name, contact_email,
        contact_phone, ship_to, language, currency, total_minor, tax_minor, quote_id, pricing, tracking_token, version,
        placed_at, changed_at)
    VALUES (%(order_id)s, %(number)s, %(channel_id)s, %(external_reference)s, %(customer_id)s, %(contact_name)s,
        %(contact_email)s, %(contact_phone)s, %(ship_to)s::jsonb, %(language)s, %(currency)s, %(total_minor)s,
        %(tax_minor)s, %(quote_id)s, %(pricing)s::jsonb, %(tracking_token)s, 1, %(placed_at)s, %(at)s)
), placed_lines AS (
    INSERT INTO orders_orderline (id, order_id, line_number, product_id, quantity, cancelled, unit_price_minor,
        total_minor, tax_minor, tax_basis_points)
    SELECT id, %(order_id)s, line_number, product_id, quantity, 0, unit_price_minor, total_minor, tax_minor, basis_points
    FROM unnest(%(order_line_ids)s::uuid[], %(line_numbers)s::int[], %(product_ids)s::bigint[], %(line_quantities)s::int[],
        %(unit_prices)s::bigint[], %(totals)s::bigint[], %(taxes)s::bigint[], %(basis_points)s::int[])
        AS line(id, line_number, product_id, quantity, unit_price_minor, total_minor, tax_minor, basis_points)
), {fulfilment.OPENING_SQL}, {routing.RECORDING_SQL}
SELECT 1
"""


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
class PlacedOrder:
    """The order that stands, and whether it stood before."""

    order: OrderView
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class _Promise:
    window: tuple[datetime, datetime] | None
    promised_at: datetime
    slot_hold_id: UUID | None
    pickup_code: str


@transaction_required
def place(order: IncomingOrder, *, channel: OrderingChannel, by: Actor, at: datetime) -> PlacedOrder:
    """Place an order or change nothing: what was promised about price, window and goods holds from now on.

    The same channel and reference again returns the order that stands, if it is the same order.
    Raises: DuplicateReference, InvalidInput, UnknownProduct, WindowClosed, WindowFull, LocationNotAble, NoAbleLocation,
    InsufficientStock, HoldNotFound, HoldExpired, HoldEnded, HoldElsewhere, and what pricing refuses.
    """
    intake.check(order, at=at)
    wanted = order.quantities()
    products = intake.products(wanted)
    number, known_id = _begin(order, channel)
    if known_id is not None:
        return PlacedOrder(intake.known(known_id, order, wanted), is_known=True)

    goods = {product_id: quantity for product_id, quantity in wanted.items() if products[product_id].has_stock}
    if not goods:
        raise intake.invalid("lines", None, "An order needs at least one product that is goods.")
    quote = _price(order, wanted, channel, at=at)
    route = routing_of(order, goods, channel, at=at)
    customer_id = _recognise(order, channel, by=by, at=at)
    order_id = ids.new()
    promise = _promise(order, order_id, route.location, at=at)
    line_ids = {line.product_id: ids.new() for line in quote.lines}
    allocated = _allocate(order, goods, line_ids, route.location, channel, by=by, at=at)

    view = _view(
        order, order_id, f"K-{number}", channel, quote, customer_id, promise, route.location, line_ids, products, at
    )
    _write(
        view, quote, route, promise, {line_ids[product_id]: allocated[line_ids[product_id]] for product_id in goods}, at
    )
    audit.record(
        "orders.placement.place",
        "order",
        order_id,
        by=by,
        after={
            "state": State.PLACED.value,
            "number": view.number,
            "location": route.location.code,
            "method": order.method,
            "total_minor": view.total_minor,
            "currency": view.currency,
            "pieces": view.pieces,
        },
    )
    outbox.publish([_placed(view, route.location, at=at)], by=by)
    return PlacedOrder(view)


def routing_of(
    order: IncomingOrder, goods: Mapping[int, int], channel: OrderingChannel, *, at: datetime
) -> routing.Route:
    """Return where the order goes; a lack of stock is said with names. Raises: what `routing.route` raises."""
    try:
        return routing.route(order, goods, country=channel.country, at=at)
    except InsufficientStock as refusal:
        raise availability.explained(refusal, at=at) from refusal


def _begin(order: IncomingOrder, channel: OrderingChannel) -> tuple[int, UUID | None]:
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [channel.channel_id, order.external_reference])
        number, known_id = cursor.fetchone()
    return number, known_id


# --- what the order consumes ------------------------------------------------------------------------------------------


def _price(order: IncomingOrder, wanted: Mapping[int, int], channel: OrderingChannel, *, at: datetime) -> Quote:
    basket = [BasketLine(product_id, quantity) for product_id, quantity in wanted.items()]
    if order.quote_id is not None:
        return quoting.redeem(order.quote_id, channel_id=channel.channel_id, lines=basket, at=at)
    terms = ChannelTerms(channel.channel_id, channel.currency, channel.country)
    return quoting.price(basket, channel=terms, at=at)


def _recognise(order: IncomingOrder, channel: OrderingChannel, *, by: Actor, at: datetime) -> UUID | None:
    customer = order.customer
    return profiles.recognise(
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
        language=customer.language or channel.language,
        country=channel.country,
        channel_code=channel.channel_code,
        channel_customer_id=customer.channel_customer_id,
        by=by,
        at=at,
    )


def _promise(order: IncomingOrder, order_id: UUID, place: LocationRef, *, at: datetime) -> _Promise:
    """Take a place in the window and say by when the order is ready: at its start, or shipped within a day."""
    if order.method == Method.SHIP or order.window_starts_at is None:
        ready = pickup_windows.earliest_ready(place, at=at)
        return _Promise(None, max(at + SHIPS_WITHIN, ready or at), None, "")
    window = pickup_windows.find(place, order.window_starts_at, at=at)
    slot = pickup_windows.book(place, window[0], purpose=f"order:{order_id}", at=at)
    return _Promise(window, window[0], slot, new_code())


def new_code() -> str:
    """Return a pickup code that nobody can guess; the database makes sure that an open one is not given twice."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))


def _allocate(
    order: IncomingOrder,
    goods: Mapping[int, int],
    line_ids: Mapping[int, UUID],
    place: LocationRef,
    channel: OrderingChannel,
    *,
    by: Actor,
    at: datetime,
) -> dict[UUID, UUID]:
    demands = [Demand(line_ids[product_id], product_id, place.id, quantity) for product_id, quantity in goods.items()]
    try:
        return allocations.allocate(
            demands, by=by, at=at, reservation_id=order.reservation_id, channel_id=channel.channel_id
        )
    except InsufficientStock as refusal:
        raise availability.explained(refusal, at=at) from refusal


# --- what is written --------------------------------------------------------------------------------------------------


def _view(
    order: IncomingOrder,
    order_id: UUID,
    number: str,
    channel: OrderingChannel,
    quote: Quote,
    customer_id: UUID | None,
    promise: _Promise,
    place: LocationRef,
    line_ids: Mapping[int, UUID],
    products: Mapping[int, ProductRef],
    at: datetime,
) -> OrderView:
    """Return the order as it will stand, so that it need not be read back."""
    lines = tuple(
        LineView(
            line_ids[line.product_id],
            line_number,
            line.product_id,
            line.sku,
            products[line.product_id].name,
            line.quantity,
            0,
            line.unit_price_minor,
            line.total_minor,
            line.tax_minor,
            line.tax_basis_points,
        )
        for line_number, line in enumerate(quote.lines, start=1)
    )
    work = FulfilmentView(
        id=ids.new(),
        location_id=place.id,
        method=str(order.method),
        state=State.PLACED.value,
        window_starts_at=promise.window[0] if promise.window else None,
        window_ends_at=promise.window[1] if promise.window else None,
        promised_at=promise.promised_at,
        keep_until=None,
        pickup_code=promise.pickup_code,
        failed_code_attempts=0,
        is_on_shelf=False,
        lease_holder_id=None,
        lease_holder="",
        lease_expires_at=None,
        arrived_at=None,
        bay="",
        version=1,
        lines=tuple(
            FulfilmentLineView(ids.new(), line.id, line.quantity, 0, 0, "")
            for line in lines
            if products[line.product_id].has_stock
        ),
    )
    return OrderView(
        id=order_id,
        number=number,
        channel_id=channel.channel_id,
        external_reference=order.external_reference,
        customer_id=customer_id,
        contact_name=order.customer.name,
        contact_email=order.customer.email,
        contact_phone=order.customer.phone,
        ship_to=dict(order.ship_to) if order.ship_to else None,
        language=order.customer.language or channel.language,
        currency=quote.currency,
        total_minor=quote.total_minor,
        tax_minor=quote.tax_minor,
        quote_id=order.quote_id,
        pricing=quote.document(),
        tracking_token=secrets.token_urlsafe(32),
        version=1,
        placed_at=(order.occurred_at or at).astimezone(UTC),
        changed_at=at,
        lines=lines,
        fulfilments=(work,),
    )


def _write(
    view: OrderView,
    quote: Quote,
    route: routing.Route,
    promise: _Promise,
    allocated: Mapping[UUID, UUID],
    at: datetime,
) -> None:
    work = view.fulfilments[0]
    parameters: dict[str, Any] = {
        "at": at,
        "order_id": view.id,
        "number": view.number,
        "channel_id": view.channel_id,
        "external_reference": view.external_reference,
        "customer_id": view.customer_id,
        "contact_name": view.contact_name,
        "contact_email": view.contact_email,
        "contact_phone": view.contact_phone,
        "ship_to": orjson.dumps(view.ship_to).decode() if view.ship_to else None,
        "language": view.language,
        "currency": view.currency,
        "total_minor": view.total_minor,
        "tax_minor": view.tax_minor,
        "quote_id": view.quote_id,
        "pricing": orjson.dumps(view.pricing).decode(),
        "tracking_token": view.tracking_token,
        "placed_at": view.placed_at,
        "order_line_ids": [line.id for line in view.lines],
        "line_numbers": [line.line_number for line in view.lines],
        "product_ids": [line.product_id for line in view.lines],
        "line_quantities": [line.quantity for line in view.lines],
        "unit_prices": [line.unit_price_minor for line in view.lines],
        "totals": [line.total_minor for line in view.lines],
        "taxes": [line.tax_minor for line in view.lines],
        "basis_points": [line.tax_basis_points for line in view.lines],
        **fulfilment.opening_parameters(work, slot_hold_id=promise.slot_hold_id, allocated=allocated),
        **route.parameters(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PLACE, parameters)


def _placed(view: OrderView, place: LocationRef, *, at: datetime) -> events.OrderPlaced:
    return events.OrderPlaced(
        aggregate_sequence=view.version,
        channel_id=view.channel_id,
        occurred_at=at,
        order_id=view.id,
        number=view.number,
        external_reference=view.external_reference,
        customer_id=view.customer_id,
        status=OrderStatus.OPEN.value,
        total_minor=view.total_minor,
        currency=view.currency,
        pieces=view.pieces,
        placed_at=view.placed_at,
        location=place.code,
        fulfilment_id=view.fulfilments[0].id,
        state=State.PLACED.value,
    )
