"""What was bought, for whoever tries prices on it: orders, and sales from before Kontor; and what products took in.

Read through a cursor of the server's, in portions: a year of baskets never lies in memory at once.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

from django.db import connection

from orders import sales_mapping
from pricing import trade
from pricing.trade import PastBasket

_MAPPINGS = Path(__file__).parent / "mappings"

_ORDERS = """
SELECT bought.id::text, bought.placed_at, bought.channel_id, bought.currency, channel.country, goods.lines,
       coalesce(bought.customer_id::text, ''),
       CASE jsonb_typeof(bought.pricing->'coupons') WHEN 'array'
            THEN ARRAY(SELECT one->>'code' FROM jsonb_array_elements(bought.pricing->'coupons') AS one) ELSE '{}' END,
       CASE WHEN bought.customer_id IS NULL THEN NULL ELSE NOT EXISTS (
            SELECT 1 FROM orders_order AS earlier
            WHERE earlier.customer_id = bought.customer_id AND earlier.placed_at < bought.placed_at
              AND earlier.status NOT IN ('cancelled', 'rejected')) END
FROM orders_order AS bought
JOIN commerce_channel AS channel ON channel.id = bought.channel_id
CROSS JOIN LATERAL (
    SELECT array_agg(ARRAY[line.product_id, line.quantity - line.cancelled] ORDER BY line.line_number) AS lines
    FROM orders_orderline AS line WHERE line.order_id = bought.id AND line.quantity > line.cancelled) AS goods
WHERE bought.placed_at >= %(since)s AND bought.placed_at < %(until)s AND goods.lines IS NOT NULL
ORDER BY bought.placed_at, bought.id
"""
# An invoice from before Kontor is a basket of its mapping's channel, bought when its first line was: spans that follow each
# other have each invoice once. Codes and coupons of then mean nothing now.
_SALES = """
SELECT sale.invoice, min(sale.occurred_at), channel.id, channel.currency, channel.country,
       array_agg(ARRAY[sale.product_id, sale.quantity] ORDER BY sale.line_number),
       coalesce(min(sale.customer_reference), ''), '{}'::text[], NULL::boolean
FROM orders_pastsale AS sale
JOIN orders_pastsalesfile AS file ON file.id = sale.file_id
JOIN unnest(%(sources)s::text[], %(codes)s::text[]) AS known (source, code) ON known.source = file.source
JOIN commerce_channel AS channel ON channel.code = known.code
WHERE sale.kind = 'sale' AND sale.quantity > 0
  AND sale.occurred_at >= %(since)s - interval '1 day' AND sale.occurred_at < %(until)s + interval '1 day'
GROUP BY sale.invoice, channel.id HAVING min(sale.occurred_at) >= %(since)s AND min(sale.occurred_at) < %(until)s ORDER BY 2, 1
"""
_COUNT = """
SELECT (SELECT count(*) FROM orders_order AS bought
        WHERE bought.placed_at >= %(since)s AND bought.placed_at < %(until)s AND EXISTS (
            SELECT 1 FROM orders_orderline AS line WHERE line.order_id = bought.id AND line.quantity > line.cancelled))
     + (SELECT count(*) FROM (
        SELECT 1 FROM orders_pastsale AS sale JOIN orders_pastsalesfile AS file ON file.id = sale.file_id
        WHERE sale.kind = 'sale' AND sale.quantity > 0 AND file.source = ANY(%(sources)s::text[])
          AND sale.occurred_at >= %(since)s - interval '1 day' AND sale.occurred_at < %(until)s + interval '1 day'
        GROUP BY sale.invoice, file.source
        HAVING min(sale.occurred_at) >= %(since)s AND min(sale.occurred_at) < %(until)s) AS invoices)
"""
_REVENUE = """
SELECT bought.currency, channel.country, sum(line.total_minor * (line.quantity - line.cancelled) / line.quantity)
FROM orders_order AS bought JOIN orders_orderline AS line ON line.order_id = bought.id
JOIN commerce_channel AS channel ON channel.id = bought.channel_id
WHERE bought.placed_at >= %(since)s AND bought.placed_at < %(until)s AND line.product_id = ANY(%(products)s::bigint[])
GROUP BY bought.currency, channel.country
"""


def register() -> None:
    """Let pricing try drafts on what was bought, and know what products took in."""
    trade.reckons_by(revenue=revenue, baskets=baskets, count=count)


def baskets(since: datetime, until: datetime, at_once: int) -> Iterator[list[PastBasket]]:
    """Yield what was bought in a span, orders first, each kind the oldest first."""
    parameters = {"since": since, "until": until, **sources()}
    for statement in (_ORDERS, _SALES):
        with connection.chunked_cursor() as cursor:
            cursor.execute(statement, parameters)
            while rows := cursor.fetchmany(at_once):
                yield [_basket(*row) for row in rows]


def count(since: datetime, until: datetime) -> int:
    """Return how many baskets `baskets` yields."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"since": since, "until": until, **sources()})
        return int(cursor.fetchone()[0])


def revenue(product_ids: Collection[int], since: datetime, until: datetime) -> Mapping[tuple[str, str], int]:
    """Return what products took in by currency and country, VAT included; what was cancelled doesn't count."""
    with connection.cursor() as cursor:
        cursor.execute(_REVENUE, {"since": since, "until": until, "products": list(product_ids)})
        return {(currency, country): int(minor) for currency, country, minor in cursor.fetchall()}


def _basket(
    reference: str, placed_at: datetime, channel_id: int, currency: str, country: str, lines: list[list[int]],
    customer: str, codes: list[str], is_first_order: bool | None,
) -> PastBasket:  # fmt: skip
    goods = tuple((product_id, pieces) for product_id, pieces in lines)
    known = tuple(code for code in codes if code)
    return PastBasket(reference, placed_at, channel_id, currency, country, goods, customer, known, is_first_order)


@cache
def sources() -> dict[str, list[str]]:
    """Return the mappings that come along, with the channel that each sells on."""
    found = [sales_mapping.parse(path.read_text()) for path in sorted(_MAPPINGS.glob("*.toml"))]
    return {"sources": [one.name for one in found], "codes": [str(one.channel["code"]) for one in found]}
