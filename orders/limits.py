"""What an order uses up of limits, promotions' and purchase limits', for as long as anything of it stands.

An order that is called off gives back at once (`cancellation`). One that comes to less or to nothing in another way (pieces not
found, nobody came, changed) does so by the event that tells it, in a transaction of its own: limits are locked before goods,
and those verbs hold goods already.
"""

from collections import Counter
from datetime import datetime
from uuid import UUID

from commerce import clock
from commerce.events import Received
from commerce.transactions import transaction_required
from inventory.promising import purchase_limits
from orders import fulfilment, shortages
from orders.fulfilment import Work
from orders.lifecycle import OrderStatus
from pricing import limits as promotion_limits

# Events after which an order may stand for less than it counts for.
FOLLOWED = (
    "fulfilment.line_rejected",
    "fulfilment.rejected",
    "fulfilment.returned_to_stock",
    "order.cancelled",
    "order.changed",
    "order.shortage_settled",
)


def follow_event(message: Received) -> None:
    """React to an event of an order."""
    settle(UUID(message.payload["order_id"]), at=clock.now())


@transaction_required
def settle(order_id: UUID, *, at: datetime) -> None:
    """Give back what an order counts for beyond what stands of it: all of it when nothing does. Again changes nothing.

    Pieces that another place may still serve stand until that is settled.
    """
    work = fulfilment.claim_order(order_id)
    standing = _standing(work)
    if not any(standing.values()):
        promotion_limits.give_back(order_id)
        purchase_limits.give_back(order_id)
        return
    counted = purchase_limits.counted(order_id)
    too_much = {
        product: standing[product] - pieces for product, pieces in counted.items() if pieces > standing[product]
    }
    if too_much:
        purchase_limits.resize(order_id, too_much, at=at)


def _standing(work: Work) -> Counter[int]:
    """Return the pieces of each product that the order still comes to, or may come to again."""
    found: Counter[int] = Counter()
    for line in work.order_lines.values():
        found[line.product_id] += line.quantity - line.cancelled
    if work.status not in (OrderStatus.CANCELLED, OrderStatus.RETURNED):
        for line_id, units in shortages.pending_of(work.order.pk).items():
            found[work.order_lines[line_id].product_id] += units
    return found
