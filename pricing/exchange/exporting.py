"""Prices, costs and promotions as they are, in rows that can be read again and then say nothing new."""

from collections.abc import Iterator

from django.db import connection

from commerce import clock
from pricing.exchange import cells, columns, promotion_rows, tables
from pricing.file_states import Kind

FORMATS = ("csv", "xlsx")
AT_ONCE = 5_000
MOST_ROWS = tables.MOST_ROWS

_PRICES = """
SELECT list.code, product.sku, entry.min_quantity, entry.amount_minor, list.currency, lower(entry.valid), upper(entry.valid)
FROM pricing_priceentry AS entry JOIN pricing_pricelist AS list ON list.id = entry.price_list_id
JOIN commerce_product AS product ON product.id = entry.product_id
WHERE (%(list)s = '' OR list.code = %(list)s) AND (upper_inf(entry.valid) OR upper(entry.valid) > %(at)s)
ORDER BY list.code, product.sku, entry.min_quantity, lower(entry.valid) NULLS FIRST LIMIT %(most)s
"""
_COSTS = """
SELECT product.sku, cost.amount_minor, cost.currency, lower(cost.valid)
FROM pricing_landedcost AS cost JOIN commerce_product AS product ON product.id = cost.product_id
WHERE upper_inf(cost.valid) OR upper(cost.valid) > %(at)s
ORDER BY product.sku, cost.currency, lower(cost.valid) NULLS FIRST LIMIT %(most)s
"""


def as_csv(kind: Kind, price_list: str = "") -> Iterator[str]:
    """Yield a file in pieces: UTF-8 with its mark, semicolons, points in amounts."""
    return tables.as_csv(columns.EXPORTED[kind], _rows(kind, price_list))


def as_sheet(kind: Kind, price_list: str = "") -> bytes:
    """Return a workbook; every cell is text."""
    return tables.as_sheet(columns.EXPORTED[kind], _rows(kind, price_list))


def _rows(kind: Kind, price_list: str) -> Iterator[list[str]]:
    if kind is Kind.PROMOTIONS:
        yield from promotion_rows.export()
        return
    with connection.cursor() as cursor:
        sql = _PRICES if kind is Kind.PRICES else _COSTS
        cursor.execute(sql, {"list": price_list, "at": clock.now(), "most": MOST_ROWS})
        while rows := cursor.fetchmany(AT_ONCE):
            for row in rows:
                yield _price(*row) if kind is Kind.PRICES else _cost(*row)


def _price(code: str, sku: str, quantity: int, minor: int, currency: str, begins: object, ends: object) -> list[str]:
    times = [cells.instant_text(at) for at in (begins, ends)]  # type: ignore[arg-type]
    return [code, cells.guarded(sku), str(quantity), cells.amount_text(minor, currency), currency, *times]


def _cost(sku: str, minor: int, currency: str, begins: object) -> list[str]:
    return [cells.guarded(sku), cells.amount_text(minor, currency), currency, cells.instant_text(begins)]  # type: ignore[arg-type]
