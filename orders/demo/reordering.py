"""How the demo reorders: rules by supplier, one of fixed levels, and a promotion before Christmas."""

from datetime import datetime, timedelta

from commerce.transactions import transaction_required
from inventory.replenishment import rules
from orders.demo.retailer import ACTOR, Retailer

BERLIN = "BER01"
FIXED = "KERZ-08"
FARTHEST_KM = 300  # stores give each other what is within a day's drive
LIGHTS = "Licht"

# Category: supplier, days on which it takes orders, days until it delivers, deviation, pieces per case.
RULES = {
    "Garten/Tiere": ("gartenwerk", [1, 4], 3, 1.0, 1),
    "Garten/Werkzeug": ("gartenwerk", [1, 4], 3, 1.0, 10),
    "Küche/Tisch": ("hausrat-nord", [2, 4], 5, 1.5, 6),
    "Wohnen/Deko": ("hausrat-nord", [2, 4], 5, 1.5, 6),
    LIGHTS: ("hausrat-nord", [2, 4], 5, 1.5, 1),
    "Bad": ("", [], 7, 2.0, 12),
    "Feinkost": ("", [], 2, 0.0, 6),
}


@transaction_required
def rule(shop: Retailer, *, now: datetime) -> None:
    """Write the rules and the promotion, which the planner reads in its next run. Needs suppliers."""
    for category, (supplier, weekdays, days, deviation, case) in RULES.items():
        rules.add_rule(
            name=f"{category} in den Filialen", category=category, supplier_code=supplier, order_weekdays=weekdays,
            lead_time_days=days, lead_time_deviation_days=deviation, case_pack=case, review_days=7,
            service_level_percent=95, transfer_radius_km=FARTHEST_KM, by=ACTOR, at=now,
        )  # fmt: skip
    rules.add_rule(
        name="Winteräpfel immer da", product_id=shop.products[FIXED], location_id=shop.locations[BERLIN].id,
        reorder_point=40, target_level=60, case_pack=6, supplier_code="hausrat-nord", lead_time_days=5, by=ACTOR, at=now,
    )  # fmt: skip
    rules.add_uplift(
        "Lichterwochen", factor=1.6, first_day=now.date(), last_day=now.date() + timedelta(days=28), category=LIGHTS,
        by=ACTOR,
    )  # fmt: skip
