"""What pricing learns from: daily sales of orders and of the past, days without stock, discounts that promotions gave."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from inventory.replenishment import demand
from orders import past_baskets
from pricing.learning import sales
from pricing.learning.sales import Given, Port, Sold

ZONE = ZoneInfo("Europe/Berlin")
AT_ONCE = 5_000

# Lines of orders as they were kept, and lines of invoices from before; prices of a line are what one piece was paid with.
_LINES = """
    SELECT line.product_id, placed.placed_at AS at, line.quantity - line.cancelled AS pieces,
           line.total_minor * (line.quantity - line.cancelled) / line.quantity AS paid,
           line.total_minor::numeric / line.quantity AS price,
           (line.total_minor - line.tax_minor) * (line.quantity - line.cancelled) / line.quantity AS net, placed.currency
    FROM orders_order AS placed JOIN orders_orderline AS line ON line.order_id = placed.id
    WHERE placed.placed_at >= %(since)s AND placed.placed_at < %(until)s AND line.quantity > line.cancelled
    UNION ALL
    SELECT sale.product_id, sale.occurred_at, sale.quantity, round(sale.quantity * sale.unit_price * 100),
           sale.unit_price * 100, NULL, channel.currency
    FROM orders_pastsale AS sale JOIN orders_pastsalesfile AS file ON file.id = sale.file_id
    JOIN unnest(%(sources)s::text[], %(codes)s::text[]) AS known (source, code) ON known.source = file.source
    JOIN commerce_channel AS channel ON channel.code = known.code
    WHERE sale.occurred_at >= %(since)s AND sale.occurred_at < %(until)s AND sale.kind = 'sale' AND sale.quantity > 0
      AND sale.unit_price > 0
"""
_SOLD = f"""
SELECT product_id, (at AT TIME ZONE %(zone)s)::date AS day, sum(pieces), sum(paid),
       percentile_cont(0.5) WITHIN GROUP (ORDER BY price::float8), coalesce(sum(net), 0),
       coalesce(sum(paid) FILTER (WHERE net IS NULL), 0), currency
FROM ({_LINES}) AS line
WHERE %(products)s::bigint[] IS NULL OR product_id = ANY(%(products)s::bigint[])
GROUP BY product_id, day, currency ORDER BY product_id, day, currency
"""
_BEST = (
    f"SELECT product_id FROM ({_LINES}) AS line GROUP BY product_id ORDER BY count(*) DESC, product_id LIMIT %(most)s"
)
_GIVEN = """
SELECT count(*), coalesce(sum((told->>'discount_minor')::bigint), 0)
FROM orders_order AS placed, jsonb_array_elements(coalesce(placed.pricing->'promotions', '[]')) AS told
WHERE placed.placed_at >= %(since)s AND placed.placed_at < %(until)s AND told->>'promotion' = %(promotion)s
  AND placed.currency = %(currency)s AND (told->>'discount_minor')::bigint > 0
"""
_SPAN = """
SELECT min(at), max(at) FROM (
    SELECT min(placed_at) AS at FROM orders_order UNION ALL SELECT max(placed_at) FROM orders_order
    UNION ALL SELECT min(occurred_at) FROM orders_pastsale UNION ALL SELECT max(occurred_at) FROM orders_pastsale
) AS ends
"""


def register() -> None:
    """Let pricing learn."""
    sales.reckons_by(Port(sold, empty_days, given, best, span))


def sold(product_ids: Collection[int] | None, first: date, last: date) -> Iterator[Sold]:
    """Yield what products sold by local day and currency, also what was imported of the past; None is all."""
    wanted = None if product_ids is None else list(product_ids)
    with connection.cursor() as cursor:
        cursor.execute(_SOLD, {**_bounds(first, last), "zone": ZONE.key, "products": wanted})
        while rows := cursor.fetchmany(AT_ONCE):
            for product_id, day, pieces, paid, price, net, untaxed, currency in rows:
                yield Sold(product_id, day, int(pieces), int(paid), float(price), int(net), int(untaxed), currency)


def best(first: date, last: date, at_most: int) -> Sequence[int]:
    """Return the products with the most lines."""
    with connection.cursor() as cursor:
        cursor.execute(_BEST, {**_bounds(first, last), "most": at_most})
        return [row[0] for row in cursor.fetchall()]


def given(promotion: str, currency: str, first: date, last: date) -> Given:
    """Return in how many orders of a currency a promotion took part, and what it took off them."""
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, {**_bounds(first, last), "promotion": promotion, "currency": currency})
        count, discount = cursor.fetchone()
    return Given(int(count), int(discount))


def span() -> tuple[date, date] | None:
    """Return the first and the last day on which anything was sold."""
    with connection.cursor() as cursor:
        cursor.execute(_SPAN)
        first, last = cursor.fetchone()
    return (first.astimezone(ZONE).date(), last.astimezone(ZONE).date()) if first else None


def empty_days(product_ids: Collection[int], first: date, last: date) -> dict[int, frozenset[date]]:
    """Return the days on which a product was nowhere on hand; products without any are missing."""
    goods: dict[int, list[demand.Good]] = {}
    for portion in demand.goods(product_ids=product_ids):
        for good in portion:
            goods.setdefault(good.product_id, []).append(good)
    found: dict[int, frozenset[date]] = {}
    for product_id, ones in goods.items():
        histories = demand.histories(ones, first=first, until=last)
        days = [frozenset(demand.days_without_stock(one, first=first, until=last)) for one in histories]
        empty = frozenset.intersection(*days) if days else frozenset()
        if empty:
            found[product_id] = empty
    return found


def _bounds(first: date, last: date) -> dict[str, Any]:
    return {
        **past_baskets.sources(),
        "since": datetime.combine(first, time(), tzinfo=ZONE),
        "until": datetime.combine(last + timedelta(days=1), time(), tzinfo=ZONE),
    }
