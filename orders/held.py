"""What is said of an order that is held: for what, why, and who may let it go on."""

from orders import errors
from orders.hold_kinds import RELEASED_WITH, HoldKind
from orders.models import Order, OrderHold


def on_hold(order: Order) -> errors.OrderOnHold:
    """Return the refusal of work on an order that is held: for what, why, and who may let it go on."""
    open_holds = OrderHold.objects.filter(order=order, released_at__isnull=True).order_by("placed_at", "id")
    holds = [
        {"kind": one.kind, "reason": one.reason, "released_with": RELEASED_WITH[HoldKind(one.kind)].value}
        for one in open_holds
    ]
    said = "; ".join(
        f"{one['kind']}{': ' + one['reason'] if one['reason'] else ''} (released with the right '{one['released_with']}')"
        for one in holds
    )
    return errors.OrderOnHold(f"Order {order.number} is on hold for {said}.", number=order.number, holds=holds)
