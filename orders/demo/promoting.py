"""The demo's promotions: what a retailer has at any time of the year, published as the first version of the rules."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orders.demo.retailer import ACTOR, Retailer
from pricing import coupons, rulesets

BERLIN = ZoneInfo("Europe/Berlin")
WELCOME, BATCH = "WILLKOMMEN10", "newsletter"
CODES_OF_NEWSLETTER = 50


def promote(shop: Retailer, *, now: datetime) -> None:
    """Publish the demo's promotions and make the newsletter's codes. Needs an open transaction and prices."""
    rulesets.publish(_content(now), by=ACTOR, note="Aktionen des Hauses")
    coupons.make_batch(BATCH, CODES_OF_NEWSLETTER, by=ACTOR, prefix="NL-")


def black_friday(now: datetime) -> tuple[datetime, datetime]:
    """Return the next Black Friday week, Friday to the Monday after it, by Berlin's midnights."""
    year = now.astimezone(BERLIN).year
    while True:
        november = datetime(year, 11, 1, tzinfo=BERLIN)
        thursday = november + timedelta(days=(3 - november.weekday()) % 7 + 21)  # the fourth of November
        starts_at, ends_at = thursday + timedelta(days=1), thursday + timedelta(days=5)
        if ends_at > now:
            return starts_at, ends_at
        year += 1


def _content(now: datetime) -> dict[str, Any]:
    starts_at, ends_at = black_friday(now)
    return {
        "promotions": [
            {
                "id": "BLACK-FRIDAY", "name": "Black Friday: 20 % auf Licht und Wohnen", "group": "aktion",
                "benefit": {"kind": "percent_off", "basis_points": 2000},
                # Of the two whose prices have a past, 20 % could not be said.
                "goods": {"categories": ["Licht", "Wohnen"], "except_products": ["LAMP-02", "LICH-02"]},
                "conditions": {"valid_from": starts_at.isoformat(), "valid_until": ends_at.isoformat()},
            },
            {
                "id": "ANGEBOT-DER-WOCHE", "name": "Angebot der Woche: Lichterkette 15 % günstiger", "group": "aktion",
                "benefit": {"kind": "percent_off", "basis_points": 1500}, "goods": {"products": ["LICH-02"]},
                "conditions": {"valid_until": (now + timedelta(days=7)).isoformat()},
            },
            {
                "id": "GESCHIRR-3FUER2", "name": "3 für 2: Geschirr und Vorrat", "group": "aktion",
                "benefit": {"kind": "buy_get", "buy": 2, "get": 1},
                "goods": {"categories": ["Küche/Tisch", "Küche/Vorrat"]},
            },
            {
                "id": "GARTEN-SET", "name": "Pflanz-Set: Kübel, Erde und Dünger, 15 % günstiger", "group": "aktion",
                "benefit": {
                    "kind": "bundle", "reward": {"basis_points": 1500},
                    "parts": [{"goods": {"categories": ["Garten/Töpfe"]}},
                              {"goods": {"categories": ["Garten/Erden"]}, "quantity": 2}],
                },
            },
            {
                "id": "PERSONAL", "name": "Personalrabatt 15 %", "priority": -10, "group": "kunde",
                "benefit": {"kind": "percent_off", "basis_points": 1500}, "goods": {"except_categories": ["Bücher"]},
                "conditions": {"customer_groups": ["staff"]},
            },
            {
                "id": WELCOME, "name": "Willkommen: 10 € auf die erste Bestellung", "group": "kunde",
                "benefit": {"kind": "amount_off", "amount_minor": 1000}, "goods": {"except_categories": ["Bücher"]},
                "conditions": {"is_first_order": True, "minimum": {"amount_minor": 3000},
                               "coupon": {"codes": [WELCOME]}},
                "limits": {"uses_per_customer": 1, "budget_minor": 500_000},
            },
            {
                "id": "NEWSLETTER-5", "name": "Newsletter: 5 % mit dem eigenen Code", "group": "kunde",
                "benefit": {"kind": "percent_off", "basis_points": 500, "level": "order"},
                "goods": {"except_categories": ["Bücher"]},
                "conditions": {"coupon": {"batches": [BATCH]}}, "limits": {"uses_per_code": 1},
            },
            {
                "id": "VERSAND-49", "name": "Versandfrei ab 49 €", "phase": 9, "benefit": {"kind": "free_shipping"},
                "conditions": {"minimum": {"amount_minor": 4900}, "countries": ["DE", "AT"]},
            },
        ],
        "stacking": {
            "groups": [{"code": "aktion", "mode": "stack", "phase": 1}, {"code": "kunde", "mode": "best", "phase": 2}],
            "basket_cap_basis_points": 5000, "override_basis_points": 1000,
        },
    }  # fmt: skip
