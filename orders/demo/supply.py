"""The demo's suppliers and what is on its way: a delivery for today, one that is late, one announced, drafts to decide on."""

from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from inventory.procurement import goods_in, purchase_orders, suppliers
from inventory.procurement.goods_in import ReceivedLine
from inventory.procurement.purchase_orders import OrderLine
from inventory.procurement.suppliers import SupplierRef, Term
from inventory.purchasing import OrderTerms
from orders.demo.retailer import ACTOR, Retailer, minted, minted_at

BERLIN = "BER01"
WAREHOUSE = "LAGER-DE"
COST_PERCENT = 52  # of the shelf price

SUPPLIERS = {
    "gartenwerk": (
        "Gartenwerk Havelland GmbH",
        ("Garten/",),
        {"region": "BB", "order_weekdays": [1, 4], "delivery_weekdays": [1, 2, 3, 4, 5], "cut_off": time(14), "lead_time_days": 3},
    ),
    "hausrat-nord": (
        "Hausrat Nord KG",
        ("Küche/", "Wohnen/", "Licht/"),
        {"region": "HH", "delivery_weekdays": [2, 4], "cut_off": time(12), "lead_time_days": 5, "minimum_order_minor": 15_000},
    ),
}  # fmt: skip


def stock_up(shop: Retailer, *, now: datetime) -> None:
    """Add suppliers with terms, and orders in every state. Needs an open transaction, goods and trade."""
    found = {code: _supplier(shop, code) for code in SUPPLIERS}
    garden = [sku for sku in shop.well_stocked(BERLIN, 3) if shop.articles[sku].category.startswith("Garten/")][:18]
    today = now.astimezone(ZoneInfo(shop.locations[BERLIN].time_zone)).date()
    _ordered(shop, found["gartenwerk"], BERLIN, garden[:5], ordered_at=now - timedelta(days=16), day=today)
    late = _ordered(
        shop,
        found["gartenwerk"],
        BERLIN,
        garden[5:8],
        ordered_at=now - timedelta(days=18),
        day=today - timedelta(days=2),
    )
    first = shop.products[garden[5]]
    pieces = [ReceivedLine(minted_at(now, "delivery", garden[5]), first, _pieces(shop, garden[5]))]
    goods_in.receive(late, pieces, by=ACTOR, at=now, source="demo")
    _ordered(
        shop,
        found["gartenwerk"],
        WAREHOUSE,
        garden[8:16],
        ordered_at=now - timedelta(days=2),
        day=today + timedelta(days=3),
    )
    purchase_orders.announce(
        minted("announced", BERLIN), supplier_id=found["gartenwerk"].id, reference="LS-20417",
        location_id=shop.locations[BERLIN].id, by=ACTOR, at=now, as_of=now, ordered_at=now - timedelta(days=3),
        lines=[
            OrderLine(product_id=shop.products[sku], quantity=_pieces(shop, sku), expected_on=today + timedelta(days=2))
            for sku in garden[8:11]
        ],
    )  # fmt: skip
    for number, skus in enumerate((garden[11:14], garden[14:16])):
        draft = minted("purchase order", BERLIN, number)
        purchase_orders.draft(
            draft, supplier_id=found["gartenwerk"].id, location_id=shop.locations[BERLIN].id, by=ACTOR, at=now,
            lines=[OrderLine(product_id=shop.products[sku], quantity=_pieces(shop, sku)) for sku in skus],
        )  # fmt: skip
        if number:
            purchase_orders.approve(draft, by=ACTOR, at=now)


def _supplier(shop: Retailer, code: str) -> SupplierRef:
    name, categories, days = SUPPLIERS[code]
    made = suppliers.add_supplier(code=code, name=name, country="DE", by=ACTOR, **days)
    terms = [
        Term(
            product_id=shop.products[article.sku], unit_cost_minor=article.euro_cents * COST_PERCENT // 100,
            quantities=OrderTerms(case_pack=article.case_of or 1),
        )
        for article in shop.articles.values()
        if article.category.startswith(categories) and article.sku in shop.products
    ]  # fmt: skip
    suppliers.set_terms(made.id, terms, by=ACTOR)
    return made


def _ordered(
    shop: Retailer, supplier: SupplierRef, place: str, skus: list[str], *, ordered_at: datetime, day: date
) -> UUID:
    order_id = minted("purchase order", place, day)
    purchase_orders.draft(
        order_id, supplier_id=supplier.id, location_id=shop.locations[place].id, by=ACTOR, at=ordered_at,
        lines=[
            OrderLine(product_id=shop.products[sku], quantity=_pieces(shop, sku), expected_on=day) for sku in skus
        ],
    )  # fmt: skip
    purchase_orders.approve(order_id, by=ACTOR, at=ordered_at)
    purchase_orders.order(order_id, by=ACTOR, at=ordered_at)
    return order_id


def _pieces(shop: Retailer, sku: str) -> int:
    return OrderTerms(case_pack=shop.articles[sku].case_of or 1).fitting(8)
