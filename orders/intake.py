"""Intake: whether an order can be understood, and whether it stands already."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from commerce import catalog, clock
from commerce.catalog import ProductRef
from commerce.channels.contracts import IncomingOrder
from commerce.errors import InvalidInput, UnknownProduct
from orders import errors
from orders.lifecycle import Method
from orders.queries import OrderView

METHODS = (Method.PICKUP, Method.CURBSIDE, Method.SHIP)  # that can be ordered
CLOCK_SKEW = timedelta(minutes=5)  # clocks of tills and shops are never quite right
OLDEST = timedelta(days=30)  # an order that waited longer in some queue needs a person, not a machine
MOST_LINES = 200
LONGEST_REFERENCE = 120


def check(order: IncomingOrder, *, at: datetime) -> None:
    """Make sure that the order makes sense by itself. Raises: InvalidInput naming the field."""
    if order.method not in METHODS:
        raise invalid("method", order.method, f"The method is one of: {', '.join(METHODS)}.")
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
    if order.method == Method.SHIP:
        for name in ("postal_code", "city", "country"):
            if not (order.ship_to or {}).get(name):
                raise invalid(
                    f"ship_to.{name}", None, "A shipment needs an address with postal_code, city and country."
                )
        if order.window_starts_at is not None:
            raise invalid(
                "window", clock.utc_text(order.window_starts_at), "A shipment has no pickup window; leave it out."
            )
    elif order.window_starts_at is None:
        raise invalid("window", None, "A pickup names a window from GET /api/v1/pickup-windows.")


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
    first = stands.fulfilments[0]
    differences = [
        name
        for name, before, now in (
            ("lines", {line.product_id: line.quantity for line in stands.lines}, order.quantities()),
            ("method", first.method, order.method),
            ("location", first.location_id, order.location_id or first.location_id),
            ("window", first.window_starts_at, order.window_starts_at),
            ("ship_to", stands.ship_to, dict(order.ship_to) if order.ship_to else None),
            ("quote", stands.quote_id, order.quote_id),
            ("customer.email", stands.contact_email, order.customer.email),
        )
        if before != now
    ]
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


def invalid(field: str, value: object, message: str) -> InvalidInput:
    """Return the refusal of one field."""
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
