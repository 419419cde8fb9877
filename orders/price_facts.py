"""What prices need to know of goods: costs for the margin floor, stock and its cover for promotions that depend on it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection

from inventory import availability
from inventory.procurement import unit_costs
from pricing import facts
from pricing.promotions.basket import StockFacts
from pricing.quotes import ChannelTerms

LOOKS_BACK_DAYS = 28  # four whole weeks: each weekday counts alike
ENDLESS_DAYS = 9_999  # goods that nobody bought last for ever

_SOLD = """
SELECT line.product_id, sum(line.quantity - line.cancelled)
FROM orders_order AS placed JOIN orders_orderline AS line ON line.order_id = placed.id
WHERE placed.placed_at >= %s AND placed.placed_at < %s AND line.product_id = ANY(%s)
GROUP BY line.product_id
"""


def register() -> None:
    """Let pricing ask for costs and stock."""
    facts.register_costs(costs)
    facts.register_stock(stock)


def costs(product_ids: list[int], channel: ChannelTerms, at: datetime) -> Mapping[int, int]:
    """Return what a piece costs us, where that is known in the channel's currency."""
    known = unit_costs.latest(product_ids, at)
    return {product_id: cost.minor for product_id, cost in known.items() if cost.currency == channel.currency}


def stock(product_ids: list[int], channel: ChannelTerms, at: datetime) -> Mapping[int, StockFacts]:
    """Return what the channel may sell of products now, and for how many days that lasts at the last four weeks' pace."""
    seen: dict[int, list[availability.Figure]] = {product_id: [] for product_id in product_ids}
    for figure in availability.figures(product_ids, channel_id=channel.channel_id, at=at):
        seen[figure.product_id].append(figure)
    with connection.cursor() as cursor:
        cursor.execute(_SOLD, [at - timedelta(days=LOOKS_BACK_DAYS), at, product_ids])
        sold = dict(cursor.fetchall())
    found = {}
    for product_id, figures in seen.items():
        available = availability.total(figures)
        pace = int(sold.get(product_id) or 0)
        cover = min(ENDLESS_DAYS, available * LOOKS_BACK_DAYS // pace) if pace > 0 else ENDLESS_DAYS
        found[product_id] = StockFacts(available, cover)
    return found
