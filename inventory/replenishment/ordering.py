"""Approved proposals become drafts of purchase orders and transfers, which their own writers make."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from commerce import ids
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory.procurement import purchase_orders, suppliers
from inventory.procurement.purchase_orders import OrderLine
from inventory.transport import transfers
from inventory.transport.transfers import Wanted

NOTE = "replenishment"

# The document of each approved proposal, in the words of proposals: on its way, given up, or still waiting.
_FOLLOWED = """
SELECT p.id, CASE WHEN o.state = 'cancelled' THEN 'dismiss' ELSE 'order' END
FROM inventory_replenishmentproposal p JOIN inventory_purchaseorder o ON o.id::text = p.order_reference
WHERE p.state = 'approved' AND p.kind = 'purchase' AND o.state NOT IN ('draft', 'approved')
UNION ALL
SELECT p.id, CASE WHEN t.state = 'cancelled' THEN 'dismiss' ELSE 'order' END
FROM inventory_replenishmentproposal p JOIN inventory_transfer t ON t.id::text = p.order_reference
WHERE p.state = 'approved' AND p.kind = 'transfer' AND t.state <> 'draft'
"""


@dataclass(frozen=True, slots=True)
class Approved:
    """What was approved: so many pieces of a product, to a place, from a supplier (by code) or another place."""

    proposal_id: UUID
    product_id: int
    location_id: int
    from_location_id: int | None
    supplier_code: str
    quantity: int
    expected_on: date


@dataclass(frozen=True, slots=True)
class Drafted:
    """The document that a proposal became, and the pieces on it (whole cases and lots, as the supplier's terms say)."""

    reference: str
    quantity: int


@transaction_required
def draft(approved: Sequence[Approved], *, by: Actor, at: datetime) -> dict[UUID, Drafted]:
    """Draft one purchase order per supplier and place, and one transfer per pair of places; return each proposal's part.

    Proposals without a supplier, or with one that is not known (any more), are missing in the answer: someone orders by hand.
    """
    made: dict[UUID, Drafted] = {}
    purchases: dict[tuple[str, int], list[Approved]] = {}
    moves: dict[tuple[int, int], list[Approved]] = {}
    for one in sorted(approved, key=lambda one: (one.supplier_code, one.location_id, one.product_id)):
        if one.from_location_id is not None:
            moves.setdefault((one.from_location_id, one.location_id), []).append(one)
        elif one.supplier_code:
            purchases.setdefault((one.supplier_code, one.location_id), []).append(one)
    known = {supplier.code: supplier for supplier in suppliers.active()} if purchases else {}
    for (code, location_id), wanted in purchases.items():
        if code not in known:
            continue
        terms = suppliers.terms(known[code].id, {one.product_id for one in wanted})
        fitting = {
            one.product_id: terms[one.product_id].quantities.fitting(one.quantity)
            if one.product_id in terms
            else one.quantity
            for one in wanted
        }
        order = purchase_orders.draft(
            ids.new(), supplier_id=known[code].id, location_id=location_id, note=NOTE, by=by, at=at,
            lines=[OrderLine(product_id=one.product_id, quantity=fitting[one.product_id]) for one in wanted],
        )  # fmt: skip
        made |= {one.proposal_id: Drafted(str(order.pk), fitting[one.product_id]) for one in wanted}
    for (origin_id, destination_id), wanted in moves.items():
        transfer = transfers.draft(
            ids.new(), origin_id=origin_id, destination_id=destination_id, note=NOTE, source=NOTE, by=by, at=at,
            expected_on=max(one.expected_on for one in wanted),
            lines=[Wanted(one.product_id, one.quantity) for one in wanted],
        )  # fmt: skip
        made |= {one.proposal_id: Drafted(str(transfer.id), one.quantity) for one in wanted}
    return made


def followed() -> dict[UUID, str]:
    """Return what became of approved proposals by now: "order" when the document is on its way or done, "dismiss" if called off."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOWED)
        return dict(cursor.fetchall())
