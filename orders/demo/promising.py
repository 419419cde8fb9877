"""What the demo promises beyond its shelves: a backorder with goods on their way, a preorder, and a drop with a limit."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from commerce.actors import Actor
from inventory.procurement import purchase_orders, suppliers
from inventory.procurement.purchase_orders import OrderLine
from inventory.promise_dates import PolicyKind
from inventory.promising import policies, purchase_limits
from orders.demo import places, trade
from orders.demo.retailer import ACTOR, Retailer, minted

WAREHOUSE = "LAGER-DE"
BACKORDERED, PREORDERED, DROPPED = "IGEL-02", "FEUE-03", "KERZ-08"
CAP = 20


def promise(shop: Retailer, *, now: datetime) -> None:
    """Let more be promised than is there, and less than one wants. Needs an open transaction, suppliers and trade."""
    warehouse = shop.locations[WAREHOUSE]
    today = now.astimezone(ZoneInfo(warehouse.time_zone)).date()
    ordered_at = now - timedelta(days=4)
    coming = minted("purchase order", BACKORDERED)
    purchase_orders.draft(
        coming, supplier_id=suppliers.ref("gartenwerk").id, location_id=warehouse.id, by=ACTOR, at=ordered_at,
        lines=[OrderLine(product_id=shop.products[BACKORDERED], quantity=12, expected_on=today + timedelta(days=6))],
    )  # fmt: skip
    purchase_orders.approve(coming, by=ACTOR, at=ordered_at)
    purchase_orders.order(coming, by=ACTOR, at=ordered_at)
    merch = Actor.staff(shop.staff["merch"])
    policies.make(
        policies.Draft(
            name="Insektenhotels nachliefern", kind=PolicyKind.BACKORDER, cap=CAP, safety=1,
            product_id=shop.products[BACKORDERED], location_id=warehouse.id, lead_days=14,
        ),
        by=merch, at=now,
    )  # fmt: skip
    policies.make(
        policies.Draft(
            name="Feuerschale 80 vorbestellen", kind=PolicyKind.PREORDER, cap=CAP, product_id=shop.products[PREORDERED],
            location_id=warehouse.id, release_on=today + timedelta(days=21),
        ),
        by=merch, at=now,
    )  # fmt: skip
    purchase_limits.make(
        purchase_limits.Draft(
            name="Winteräpfel: zwei für jeden", product_id=shop.products[DROPPED], quantity=2,
            starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=7),
        ),
        by=merch, at=now,
    )  # fmt: skip
    trade.play(shop, _waiting(now), now=now, progress=lambda steps: None)


def _waiting(now: datetime) -> list[trade.Story]:
    """Customers who took what is to come: they have a day."""
    _, postal_code, city, *_ = places.POSTAL_PLACES[0]
    return [
        trade.Story(
            f"B-{number + 1:05d}", "web-de", WAREHOUSE, [(sku, pieces)], 200 + number, now,
            ship_to={"street": f"Ahornweg {number + 1}", "postal_code": postal_code, "city": city, "country": "DE"},
        )
        for number, (sku, pieces) in enumerate([(BACKORDERED, 2), (BACKORDERED, 1), (PREORDERED, 1)])
    ]  # fmt: skip
