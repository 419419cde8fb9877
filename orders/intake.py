"""Intake: whether an order can be understood, and whether it stands already."""

import zlib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from commerce import catalog, clock
from commerce.catalog import ProductRef
from commerce.channels.contracts import IncomingOrder, Portion
from commerce.errors import InvalidInput, UnknownProduct
from orders import errors
from orders.gateways import directory
from orders.lifecycle import COLLECTED, SENT, Method
from orders.queries import FulfilmentView, OrderView

METHODS = (Method.PICKUP, Method.CURBSIDE, Method.SHIP, Method.SAME_DAY, Method.SHIP_TO_STORE)  # that can be ordered
CLOCK_SKEW = timedelta(minutes=5)  # clocks of tills and shops are never quite right
OLDEST = timedelta(days=30)  # an order that waited longer in some queue needs a person, not a machine
LATEST = timedelta(days=365)  # that anybody promises a delivery for
A_DAY = timedelta(days=1)  # west of here it is still yesterday
MOST_LINES = 200
MOST_PAYMENTS = 10  # more than a few gift cards and a card is a mistake of some machine
MOST_DISCOUNTS = 20  # of a line
LONGEST_REFERENCE = 120


def check(order: IncomingOrder, *, at: datetime) -> None:
    """Make sure that the order makes sense by itself. Raises: InvalidInput naming the field, GatewayUnknown."""
    if len(order.external_reference) > LONGEST_REFERENCE:
        raise invalid("external_reference", order.external_reference, f"At most {LONGEST_REFERENCE} characters.")
    if len(order.lines) > MOST_LINES:
        raise invalid("lines", len(order.lines), f"An order has at most {MOST_LINES} lines.")
    if order.occurred_at is not None:
        if order.occurred_at > at + CLOCK_SKEW:
            raise invalid(
                "occurred_at",
                clock.utc_text(order.occurred_at),
                f"This lies in the future; our clock says {clock.utc_text(at)}. Check yours, or leave it out.",
            )
        if order.occurred_at < at - OLDEST:
            raise invalid(
                "occurred_at",
                clock.utc_text(order.occurred_at),
                f"This is more than {OLDEST.days} days ago; leave it out.",
            )
    if order.deliver_by is not None and not at.date() - A_DAY <= order.deliver_by <= at.date() + LATEST:
        raise invalid(
            "deliver_by",
            order.deliver_by.isoformat(),
            f"A day from today on, within {LATEST.days} days; or leave it out.",
        )
    for portion in order.portions():
        _check_portion(order, portion)
    for payment in order.payments:
        directory.of(payment.provider)


def _check_portion(order: IncomingOrder, portion: Portion) -> None:
    """Make sure that what goes one way can. Raises: InvalidInput naming the field, of the line if that said it."""
    first = order.lines[portion.lines[0]]

    def named(name: str, is_said: object) -> str:
        return f"lines[{portion.lines[0]}].{name}" if is_said else name

    if portion.method not in METHODS:
        field = named("method", first.method)
        raise invalid(field, portion.method or None, f"The method is one of: {', '.join(METHODS)}.")
    if portion.method in COLLECTED:
        if portion.window_starts_at is None:
            field = named("window", first.method or first.location_id)
            raise invalid(field, None, "A pickup names a window from GET /api/v1/pickup-windows.")
        return
    if portion.window_starts_at is not None:
        field = named("window", first.window_starts_at)
        raise invalid(field, clock.utc_text(portion.window_starts_at), "A shipment has no pickup window; leave it out.")
    if portion.method == Method.SHIP_TO_STORE:
        if portion.location_id is None:
            raise invalid(named("location", first.method), None, "Name the store to which it is sent.")
        return
    for name in ("postal_code", "city", "country"):
        if not (order.ship_to or {}).get(name):
            raise invalid(f"ship_to.{name}", None, "A shipment needs an address with postal_code, city and country.")


def products(wanted: Mapping[int, int]) -> dict[int, ProductRef]:
    """Return the products of an order. Raises: UnknownProduct for those that are not sold (any more)."""
    found = catalog.products_by_id(wanted)
    missing = [product_id for product_id in wanted if product_id not in found or not found[product_id].is_active]
    if missing:
        names = [found[one].sku if one in found else str(one) for one in missing]
        raise UnknownProduct(
            f"{', '.join(names)} can't be ordered: not in the assortment.",
            errors=[{"field": "lines", "value": name, "message": "not in the assortment"} for name in names],
            skus=names,
        )
    return found


def same(stands: OrderView, order: IncomingOrder) -> OrderView:
    """Return the order that stands under this reference if it is the same. Raises: DuplicateReference naming what differs."""
    if stands.asked is not None:
        now = asked(order)
        differences = [name for name in now if now[name] != stands.asked.get(name, "")]
    else:  # an order from before that was kept
        differences = _differences(stands, order)
    if differences:
        raise errors.DuplicateReference(
            f"Order {stands.number} has this reference already and differs in {', '.join(differences)}; "
            "use a new reference for a new order.",
            errors=[
                {"field": name, "value": None, "message": "differs from the order that stands"} for name in differences
            ],
            order=str(stands.id),
            number=stands.number,
        )
    return stands


def asked(order: IncomingOrder) -> dict[str, str]:
    """Return digests of what a channel asks for, field by field, by which the same order is known again.

    The order itself may be changed, rerouted and split meanwhile. Digests are short: they tell two orders apart, not people.
    """
    portions = order.portions()
    one = portions[0] if len(portions) == 1 else None
    ways = (
        None
        if one
        else sorted(
            (
                portion.method,
                portion.location_id or 0,
                clock.utc_text(portion.window_starts_at) if portion.window_starts_at else "",
                sorted(portion.quantities.items()),
            )
            for portion in portions
        )
    )
    said: dict[str, object] = {
        "lines": sorted(order.quantities().items()),
        "method": one and one.method,
        "location": one and one.location_id,
        "window": clock.utc_text(one.window_starts_at) if one and one.window_starts_at else None,
        "fulfilment": ways,
        "ship_to": sorted(order.ship_to.items()) if order.ship_to else None,
        "quote": str(order.quote_id) if order.quote_id else None,
        "lines.takes_substitutes": sorted(order.substitutable()),
        "customer.email": order.customer.email,
        "pricing": repr(order.pricing) + repr([line.price for line in order.lines]) if order.pricing else None,
    }
    return {name: _digest(value) for name, value in said.items()}


def _digest(value: object) -> str:
    """Return 32 bits of a value: too few to find a person by, enough to see that something is another."""
    return zlib.crc32(repr(value).encode()).to_bytes(4, "big").hex() if value else ""


def _differences(stands: OrderView, order: IncomingOrder) -> list[str]:
    return [
        *_differing_ways(stands, order),
        *(
            name
            for name, before, now in (
                ("lines", {line.product_id: line.quantity for line in stands.lines}, order.quantities()),
                ("ship_to", stands.ship_to, dict(order.ship_to) if order.ship_to else None),
                ("quote", stands.quote_id, order.quote_id),
                ("customer.email", stands.contact_email, order.customer.email),
            )
            if before != now
        ),
    ]


def _differing_ways(stands: OrderView, order: IncomingOrder) -> list[str]:
    """Return what differs between how an order is fulfilled and how it was asked to be; all of it, if it goes several ways."""
    portions = order.portions()
    if len(portions) == 1 and len({_way(one) for one in stands.fulfilments}) == 1:
        first, asked = stands.fulfilments[0], portions[0]
        return [
            name
            for name, before, now in (
                ("method", first.method, asked.method),
                ("location", first.location_id, asked.location_id or first.location_id),
                ("window", first.window_starts_at, asked.window_starts_at),
            )
            if before != now
        ]
    product_of = {line.id: line.product_id for line in stands.lines}
    goods = {product_of[line.order_line_id] for one in stands.fulfilments for line in one.lines}  # not the charges
    before: dict[Way, Counter[int]] = {}
    for one in stands.fulfilments:
        units = {product_of[line.order_line_id]: line.quantity // line.per_unit for line in one.lines}
        before.setdefault(_way(one), Counter()).update(units)
    now = {
        _way(portion): Counter({product: pieces for product, pieces in portion.quantities.items() if product in goods})
        for portion in portions
    }
    return [] if before == {way: units for way, units in now.items() if units} else ["fulfilment"]


Way = tuple[str, int | None, datetime | None]


def _way(one: FulfilmentView | Portion) -> Way:
    """Return method, place and window, as far as a customer chooses them: from where it is sent is for us to say."""
    return one.method, None if one.method in SENT else one.location_id, one.window_starts_at


def invalid(field: str, value: object, message: str) -> InvalidInput:
    """Return the refusal of one field."""
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
