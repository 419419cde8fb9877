"""Real weekly sales for the benchmarks of forecasts: pieces by product and week, read from where the data lies."""

import csv
import gzip
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.benchmarks import house

INVOICES = ("online_retail_2009-12_2010-12.csv.gz", "online_retail_2010-12_2011-09.csv.gz")
GOODS = re.compile(r"^\d{5}")  # what else stands in the column is postage, fees and tests
LEAST_WEEKS_WITH_SALES = 10  # in the part that is learned from; a product that hardly sold has no rule worth tuning


@dataclass(frozen=True, slots=True)
class Sales:
    """`weeks[product]` are pieces a week from the product's first sale on, `begins[product]` the number of that week.

    Everything before week `split` may be learned from; what comes after is predicted. `values` are pence a piece.
    """

    name: str
    weeks: list[list[float]]
    begins: list[int]
    values: list[float]
    length: int
    split: int


def folder() -> Path:
    """Return where the data sets lie: KONTOR_SHARED_DATA, or ../shared/data."""
    return Path(os.environ.get("KONTOR_SHARED_DATA", house.ROOT.parent / "shared" / "data"))


def _file(*parts: str) -> Path:
    path = folder().joinpath(*parts)
    if not path.exists():
        raise SystemExit(
            f"{path.name} is not in {path.parent}: set KONTOR_SHARED_DATA to the folder with {parts[0]} in it."
        )
    return path


def online_retail() -> Sales:
    """Two years of a gift retailer's invoices: sales less what was cancelled on the same day; the first year is learned from."""
    sold: dict[tuple[str, int], float] = defaultdict(float)
    prices: dict[str, float] = {}
    first: date | None = None
    last = 0
    for code, day, pieces, price in _lines():
        first = first or day
        last = max(last, (day - first).days)
        sold[code, (day - first).days] += pieces
        if price > 0:
            prices[code] = price
    by_code: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for (code, day_number), pieces in sold.items():
        by_code[code][day_number // 7] += max(pieces, 0.0)
    length = (last + 1) // 7  # whole weeks
    series = {code: [weeks.get(week, 0.0) for week in range(length)] for code, weeks in sorted(by_code.items())}
    return _sales("online-retail", series, prices, length, split=53)


def _lines() -> Iterator[tuple[str, date, float, float]]:
    """Yield (stock code, day, pieces, price) of goods; an invoice that stands in both files comes once."""
    earlier: set[str] = set()
    for name in INVOICES:
        seen: set[str] = set()
        with gzip.open(_file("online-retail", name), "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                invoice, code = row["InvoiceNo"], row["StockCode"].upper()
                if invoice in earlier or not GOODS.match(code):
                    continue
                seen.add(invoice)
                pieces, price = int(row["Quantity"]), float(row["UnitPrice"])
                is_cancelled = invoice.startswith("C") and pieces < 0
                if is_cancelled or (pieces > 0 and price > 0 and not invoice.startswith("C")):
                    yield (
                        code,
                        date.fromisoformat(row["InvoiceDate"][:10]),
                        float(pieces),
                        0.0 if is_cancelled else price,
                    )
        earlier |= seen


def uci_weekly() -> Sales:
    """One year of weekly sales of 811 products without dates or prices; the first half is learned from."""
    with gzip.open(
        _file("uci-weekly-sales", "sales_transactions_weekly.csv.gz"), "rt", encoding="utf-8", newline=""
    ) as lines:
        series = {row["Product_Code"]: [float(row[f"W{week}"]) for week in range(52)] for row in csv.DictReader(lines)}
    return _sales("uci-weekly-sales", series, {}, 52, split=26)


def _sales(name: str, series: dict[str, list[float]], prices: dict[str, float], length: int, *, split: int) -> Sales:
    chosen = {
        code: weeks for code, weeks in series.items() if sum(w > 0 for w in weeks[:split]) >= LEAST_WEEKS_WITH_SALES
    }
    begins = [next(week for week, pieces in enumerate(weeks) if pieces > 0) for weeks in chosen.values()]
    return Sales(
        name,
        [weeks[begin:] for weeks, begin in zip(chosen.values(), begins, strict=True)],
        begins,
        [100 * prices.get(code, 1.0) for code in chosen],
        length,
        split,
    )


def sample(sales: Sales, most: int) -> Sales:
    """Return at most so many products, spread evenly over all of them by their code."""
    step = max(len(sales.weeks) / most, 1.0)
    kept = sorted({int(number * step) for number in range(min(most, len(sales.weeks)))})
    return Sales(
        sales.name,
        [sales.weeks[i] for i in kept],
        [sales.begins[i] for i in kept],
        [sales.values[i] for i in kept],
        sales.length,
        sales.split,
    )
