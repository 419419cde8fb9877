"""What a customer has of an order and may bring back, until when; and the refusal of what may not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory.places import locations
from orders import errors, fulfilment
from orders.fulfilment import Work
from orders.return_states import Reason
from orders.returns import policies, units


@dataclass(frozen=True, slots=True)
class Coming:
    """Units of an order line that come back, and why."""

    order_line_id: UUID
    quantity: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Chance:
    """What may come back of an order line: how many, what the next one is worth, until when."""

    line_id: UUID
    line_number: int
    sku: str
    name: str
    product_id: int
    left: int
    each_minor: int
    until: datetime | None
    is_late: bool
    is_excluded: bool
    why: str


@transaction_required
def of_order(order_id: UUID, *, at: datetime) -> list[Chance]:
    """Return what the customer has of an order and may bring back, charges left out. Raises: OrderNotFound."""
    work = fulfilment.claim_order(order_id)
    rules = policies.for_products(
        {line.product_id for line in work.order_lines.values()},
        channel_id=work.order.channel_id,
        country=_country(work),
    )
    found = []
    for one in units.of_order(work).values():
        if one.delivered_at is None or not one.delivered:
            continue
        policy = rules[one.line.product_id]
        until = policy.until(one.delivered_at)
        each = units.worth(one.line, units.Units(one.free[0].first, 1)) if one.free else 0
        found.append(
            Chance(
                one.line.id,
                one.line.line_number,
                one.line.product.sku,
                one.line.product.name,
                one.line.product_id,
                one.left,
                each,
                until,
                until < at,
                policy.days == 0,
                policy.reason,
            )
        )
    return sorted(found, key=lambda chance: chance.line_number)


def refuse(
    work: Work,
    there: Mapping[UUID, units.Returnable],
    coming: Sequence[Coming],
    *,
    overridden: str,
    at: datetime,
) -> None:
    """Make sure that these units may come back. Raises: NotReturnable naming each line and why; InvalidInput."""
    order = work.order
    rules = policies.for_products(
        {line.product_id for line in work.order_lines.values()},
        channel_id=order.channel_id,
        country=_country(work),
    )
    wrong = []
    for one in coming:
        found = there.get(one.order_line_id)
        if found is None:
            raise _invalid("lines", str(one.order_line_id), "The order has no such line.")
        about = {
            "line": str(one.order_line_id),
            "sku": found.line.product.sku,
            "wanted": one.quantity,
            "left": found.left,
        }
        if one.quantity > found.left:
            wrong.append({**about, "why": "not_delivered_or_back_already"})
            continue
        if found.delivered_at is None or overridden:
            continue
        policy = policies.for_reason(rules[found.line.product_id], one.reason)
        if policy.days == 0:
            wrong.append({**about, "why": "excluded", "reason": policy.reason})
        elif policy.until(found.delivered_at) < at:
            wrong.append({**about, "why": "too_late", "until": policy.until(found.delivered_at).date().isoformat()})
    if wrong:
        first = wrong[0]
        why = {
            "not_delivered_or_back_already": f"{first['left']} of them can come back, not {first['wanted']}",
            "excluded": "it is excluded from returns" + (f" ({first.get('reason')})" if first.get("reason") else ""),
            "too_late": f"it could come back until {first.get('until')}",
        }[str(first["why"])]
        raise errors.NotReturnable(
            f"{first['sku']}: {why}. A store manager may take it all the same, with a reason.", lines=wrong
        )


def _country(work: Work) -> str:
    if work.order.ship_to:
        return str(work.order.ship_to.get("country", ""))
    return locations.by_id(work.fulfilments[0].location_id).country


def _invalid(field: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
