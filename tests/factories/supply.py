"""Suppliers and purchase orders for tests, made by the verbs that the product uses."""

from datetime import date, datetime
from itertools import count
from typing import Any
from uuid import UUID

from commerce import clock, ids
from commerce.actors import Actor
from commerce.transactions import transaction
from inventory.models import PurchaseOrder
from inventory.procurement import goods_in, purchase_orders, suppliers
from inventory.procurement.goods_in import Received, ReceivedLine
from inventory.procurement.purchase_orders import OrderLine
from inventory.procurement.suppliers import SupplierRef
from inventory.stock import Condition

TESTER = Actor.system("tests")
_numbers = count(1)


def supplier(code: str | None = None, **values: Any) -> SupplierRef:
    """A supplier in Berlin that takes orders on any day and delivers a week later."""
    number = next(_numbers)
    defaults = {"code": code or f"supplier-{number}", "name": f"Supplier {number}", "country": "DE", "region": "BE"}
    with transaction():
        return suppliers.add_supplier(by=TESTER, **(defaults | values))


def lines(*wanted: tuple[int, int] | tuple[int, int, date]) -> list[OrderLine]:
    """Lines of (product id, pieces) or (product id, pieces, day)."""
    return [
        OrderLine(product_id=line[0], quantity=line[1], expected_on=line[2] if len(line) > 2 else None)
        for line in wanted
    ]


def drafted(
    of: SupplierRef, location_id: int, *wanted: tuple[int, int] | tuple[int, int, date], at: datetime | None = None
) -> PurchaseOrder:
    """A draft of these lines."""
    with transaction():
        return purchase_orders.draft(
            ids.new(), supplier_id=of.id, location_id=location_id, lines=lines(*wanted), by=TESTER, at=at or clock.now()
        )


def ordered(
    of: SupplierRef, location_id: int, *wanted: tuple[int, int] | tuple[int, int, date], at: datetime | None = None
) -> PurchaseOrder:
    """An order that was given to the supplier."""
    draft = drafted(of, location_id, *wanted, at=at)
    with transaction():
        purchase_orders.approve(draft.pk, by=TESTER, at=at or clock.now())
        return purchase_orders.order(draft.pk, by=TESTER, at=at or clock.now())


def receive(
    order_id: UUID,
    *came: tuple[int, int],
    condition: Condition = Condition.SELLABLE,
    at: datetime | None = None,
    booking_ids: list[UUID] | None = None,
) -> Received:
    """Book (product id, pieces) in on an order."""
    booking_ids = booking_ids or [ids.new() for _ in came]
    with transaction():
        return goods_in.receive(
            order_id,
            [
                ReceivedLine(booking_id, product_id, pieces, condition)
                for booking_id, (product_id, pieces) in zip(booking_ids, came, strict=True)
            ],
            by=TESTER,
            at=at or clock.now(),
            source="tests",
        )
