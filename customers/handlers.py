"""What customers do when something happens elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from commerce.events import Received
from customers import activity

# Everything that is told of an order; each carries the order's summary.
ORDER_EVENTS = (
    "order.placed",
    "order.cancelled",
    "order.changed",
    "order.held",
    "order.hold_released",
    "order.shortage_asked",
    "order.substitute_proposed",
    "order.shortage_settled",
    "fulfilment.routed",
    "fulfilment.promised",
    "fulfilment.delayed",
    "fulfilment.accepted",
    "fulfilment.released",
    "fulfilment.picking",
    "fulfilment.line_rejected",
    "fulfilment.rejected",
    "fulfilment.ready",
    "fulfilment.moved",
    "fulfilment.on_the_way",
    "fulfilment.arrived",
    "fulfilment.handed_over",
    "fulfilment.shipped",
    "fulfilment.sent_to_store",
    "fulfilment.no_show",
    "fulfilment.returned_to_stock",
)


def remember_orders(messages: Sequence[Received]) -> None:
    """Keep the order history of profiles up to date. Orders of nobody we know are passed over."""
    activity.remember([_fact(message) for message in messages if message.payload["customer_id"] and message.channel_id])


def _fact(message: Received) -> activity.OrderFact:
    told = message.payload
    return activity.OrderFact(
        order_id=UUID(told["order_id"]),
        profile_id=UUID(told["customer_id"]),
        number=told["number"],
        location=told["location"] or "",
        channel_id=message.channel_id or 0,
        status=told["status"],
        total_minor=told["total_minor"],
        currency=told["currency"],
        pieces=told["pieces"],
        placed_at=datetime.fromisoformat(told["placed_at"]),
        changed_at=message.occurred_at,
        sequence=message.aggregate_sequence,
    )
