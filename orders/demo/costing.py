"""What the demo's goods cost, what its marketplace keeps, and what must be left: margins and floors have figures."""

from datetime import datetime, timedelta

from orders.demo.retailer import ACTOR, PRICES_SINCE, Retailer
from pricing import costs, floors

# Of a hundred cents on the price tag so many are the landed cost, by the first part of the category; else the usual.
SHARES, USUAL_SHARE = {"Bücher": 58, "Feinkost": 52, "Garten": 44, "Licht": 40}, 42
MARKETPLACE_KEEPS, MUST_BE_LEFT = 1_200, 500  # basis points: of the price, of net
FREIGHT_ROSE_BEFORE, FREIGHT_ROSE_BY = timedelta(days=25), 103  # per cent of what goods cost before


def reckon(shop: Retailer, *, now: datetime) -> None:
    """Set landed costs, the marketplace's fee and the least margin. Needs an open transaction and products."""
    entries = []
    for sku, article in shop.articles.items():
        share = SHARES.get(article.category.partition("/")[0], USUAL_SHARE)
        for currency, single in (("EUR", article.euro_cents), ("CHF", article.swiss_rappen)):
            before = single * share // 100
            entries += [
                costs.NewCost(shop.products[sku], before, currency, now - PRICES_SINCE),
                costs.NewCost(shop.products[sku], before * FREIGHT_ROSE_BY // 100, currency, now - FREIGHT_ROSE_BEFORE),
            ]
    costs.set_costs(entries, by=ACTOR)
    marketplace = shop.channels["marketplace"].channel_id
    costs.set_fee(marketplace, MARKETPLACE_KEEPS, valid_from=now - PRICES_SINCE, by=ACTOR)
    floors.set_margin(MUST_BE_LEFT, by=ACTOR)
