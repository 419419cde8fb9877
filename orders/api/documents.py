"""How orders and windows read outside: one function each, for every answer that holds one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings

from inventory.places.locations import LocationRef
from inventory.promising import backorders
from inventory.promising.backorders import Waiting
from orders import pickup_windows
from orders.pickup_windows import Window
from orders.queries import FulfilmentView, LineView, OrderView

Waits = Mapping[UUID, Waiting]  # by order line


def orders(views: Sequence[OrderView]) -> list[dict[str, Any]]:
    """Return orders as their channel reads them; what waits of their lines is read for all of them at once."""
    waits = backorders.of_demands(line.id for view in views for line in view.lines) if views else {}
    return [order(view, waits) for view in views]


def order(view: OrderView, waits: Waits) -> dict[str, Any]:
    """Return an order as its channel reads it; `waits` say which of its lines wait for goods."""
    lines = {line.id: line for line in view.lines}
    return {
        "id": view.id,
        "number": view.number,
        "external_reference": view.external_reference,
        "status": view.status.value,
        "version": view.version,
        "placed_at": view.placed_at,
        "changed_at": view.changed_at,
        "currency": view.currency,
        "price_source": view.price_source,
        "totals": {
            "ordered_minor": view.pricing.get("total_minor", view.total_minor),
            "total_minor": view.total_minor,
            "tax_minor": view.tax_minor,
            "pieces": view.pieces,
        },
        "quote": view.quote_id,
        "customer": {
            "id": view.customer_id,
            "name": view.contact_name,
            "email": view.contact_email,
            "phone": view.contact_phone,
            "language": view.language,
        },
        "ship_to": view.ship_to,
        "lines": [_line(line, waits.get(line.id)) for line in view.lines],
        "fulfilments": [_fulfilment(one, lines) for one in view.fulfilments],
        "unrouted": [
            {
                "method": one.method,
                "is_express": one.is_express,
                "promised_at": one.promised_at,
                "accepted_at": one.accepted_at,
            }
            for one in view.unrouted
        ],
        "is_cancellable": view.is_cancellable,
        "held_for": view.held_for,
        "allowed_actions": [action.value for action in view.allowed_actions],
        "tracking_url": tracking_url(view.tracking_token),
    }


def tracking_url(token: str) -> str:
    """Return the address of an order's public page."""
    return f"{settings.PUBLIC_URL}/track/{token}/"


def _line(line: LineView, wait: Waiting | None) -> dict[str, Any]:
    return {
        "id": line.id,
        "line_number": line.line_number,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "cancelled": line.cancelled,
        "unit_price_minor": line.unit_price_minor,
        "total_minor": line.total_minor,
        "tax_minor": line.tax_minor,
        "tax_basis_points": line.tax_basis_points,
        "remaining_minor": line.remaining_minor,
        "takes_substitutes": line.takes_substitutes,
        "waiting": wait.pieces if wait else 0,
        "promised_on": wait.promised_on if wait else None,
    }


def _fulfilment(one: FulfilmentView, lines: dict[Any, LineView]) -> dict[str, Any]:
    place = one.location
    window = None
    if one.window_starts_at is not None:
        window = {
            "id": pickup_windows.window_id(place, one.window_starts_at),
            "starts_at": one.window_starts_at,
            "ends_at": one.window_ends_at,
        }
    return {
        "id": one.id,
        "location": place.code,
        "location_name": place.name,
        "store": one.meeting_place.code if one.store_id else None,
        "method": one.method,
        "state": one.state,
        "window": window,
        "promised_at": one.promised_at,
        "deliver_by": one.deliver_by,
        "keep_until": one.keep_until,
        "pickup_code": one.pickup_code or None,
        "arrived_at": one.arrived_at,
        "bay": one.bay,
        "allowed_actions": [action.value for action in one.allowed_actions],
        "lines": [
            {
                "line_number": lines[line.order_line_id].line_number,
                "sku": line.sku,
                "quantity": line.quantity,
                "per_unit": line.per_unit,
                "picked": line.picked,
                "rejected": line.rejected,
                "called_off": line.called_off,
                "reject_reason": line.reject_reason,
            }
            for line in one.lines
        ],
    }


def windows(location: LocationRef, found: list[Window], *, as_of: datetime) -> dict[str, Any]:
    """Return a location's pickup windows as channels read them."""
    return {
        "location": location.code,
        "name": location.name,
        "time_zone": location.time_zone,
        "as_of": as_of,
        "windows": [
            {
                "id": window.id,
                "starts_at": window.starts_at,
                "ends_at": window.ends_at,
                "capacity": window.capacity,
                "left": window.left,
                "ready_by": window.ready_by,
            }
            for window in found
        ],
    }
