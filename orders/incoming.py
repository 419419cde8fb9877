"""A document of the orders API as the canonical order: SKUs, places and windows looked up, whether it comes in now or was kept."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from commerce import catalog
from commerce.channels.contracts import (
    ChannelPricing,
    Discount,
    IncomingCustomer,
    IncomingLine,
    IncomingOrder,
    IncomingPayment,
    LinePrice,
    ShippingPrice,
)
from inventory.places import locations
from orders import intake, intake_terms, pickup_windows
from orders.intake_terms import Terms
from orders.lifecycle import FETCHED


def order(body: Mapping[str, Any], *, channel_id: int) -> IncomingOrder:
    """Return the order that a checked body means; instants and ids may be texts. Raises: InvalidInput, UnknownProduct,
    LocationUnknown."""
    terms = intake_terms.of(channel_id)
    products = catalog.known([line["sku"] for line in body["lines"]])
    method = body.get("method", "")
    methods = {line.get("method") or method for line in body["lines"]}
    if "" in methods:
        raise intake.invalid("method", None, "Say it for the order or for each of its lines.")
    location_id, starts_at = _place(body, is_fetched=bool({*methods, method} & FETCHED), terms=terms)
    quote, reservation = body.get("quote"), body.get("reservation")
    return IncomingOrder(
        external_reference=body["external_reference"],
        method=method,
        lines=tuple(
            _line(products[line["sku"]].id, line, method=method, terms=terms, at=f"lines[{number}].")
            for number, line in enumerate(body["lines"])
        ),
        customer=IncomingCustomer(**body.get("customer", {})),
        location_id=location_id,
        window_starts_at=starts_at,
        reservation_id=UUID(str(reservation)) if reservation else None,
        quote_id=UUID(str(quote)) if quote else None,
        ship_to=body.get("ship_to"),
        occurred_at=_instant(body.get("occurred_at")),
        pricing=_pricing(body["pricing"], terms) if "pricing" in body else None,
        payments=tuple(IncomingPayment(**payment) for payment in body.get("payments", ())),
        is_express=body.get("is_express", False),
        deliver_by=_day(body.get("deliver_by")),
    )


def _line(product_id: int, said: Mapping[str, Any], *, method: str, terms: Terms, at: str) -> IncomingLine:
    if len(said) == 2:  # as nearly all
        return IncomingLine(product_id=product_id, quantity=said["quantity"])
    own = said.get("method", "")
    location_id, starts_at = _place(said, is_fetched=(own or method) in FETCHED, terms=terms, at=at)
    return IncomingLine(
        product_id=product_id,
        quantity=said["quantity"],
        method=own,
        location_id=location_id,
        window_starts_at=starts_at,
        price=_price(said["price"]) if "price" in said else None,
        takes_substitutes=said.get("takes_substitutes", False),
    )


def _place(
    said: Mapping[str, Any], *, is_fetched: bool, terms: Terms, at: str = ""
) -> tuple[int | None, datetime | None]:
    """Return the place and the start of the window that an order or a line names."""
    code, starts_at = said.get("location"), None
    if not is_fetched:
        for name in ("location", "window"):
            if name in said and not (name == "location" and terms.may_choose_place):
                raise intake.invalid(f"{at}{name}", said[name], "A shipment is routed by us; leave it out.")
    if "window" in said:
        of_window, starts_at = pickup_windows.parse_id(said["window"], field=f"{at}window")
        if code is not None and code != of_window:
            raise intake.invalid(f"{at}window", said["window"], f"This window belongs to {of_window}, not to {code}.")
        code = of_window
    return (locations.ref(code).id if code is not None else None), starts_at


def _pricing(said: Mapping[str, Any], terms: Terms) -> ChannelPricing:
    if not terms.may_price:
        message = "Orders of this channel are priced by us; leave it out, or agree on it in the channel's intake terms."
        raise intake.invalid("pricing", said["total_minor"], message)
    shipping = said.get("shipping")
    return ChannelPricing(**{**said, "shipping": ShippingPrice(**shipping) if shipping else None})


def _price(said: Mapping[str, Any]) -> LinePrice:
    discounts = tuple(Discount(**discount) for discount in said.get("discounts", ()))
    return LinePrice(**{**said, "discounts": discounts})


def _day(said: date | str | None) -> date | None:
    return date.fromisoformat(said) if isinstance(said, str) else said


def _instant(said: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(said) if isinstance(said, str) else said
