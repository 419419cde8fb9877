"""What there is to learn from in the demo: a campaign that is over, what was sold before and during it, and a price that moved.

The campaign's last days lie in the week of trade, whose orders were placed by quotes: its budget has figures. What was sold
before comes as the file of the tills that were there before Kontor, through the importer, after everything else.
"""

import csv
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from commerce import clock
from orders import past_baskets, sales_import, sales_mapping
from orders.demo import past, trade
from orders.demo.promoting import BERLIN
from orders.demo.retailer import ACTOR, NOWHERE, SEED, Retailer
from pricing import rulesets

CAMPAIGN = "KOCHWOCHEN"
CATEGORIES = ("Küche/Kochen", "Küche/Schneiden", "Küche/Backen")
PERCENT_OFF, BUDGET_MINOR = 15, 25_000
BEGAN_BEFORE, LASTED = timedelta(days=13), timedelta(days=12)
BASELINE_DAYS = 29
MAPPING = "ackerblau"
# Pieces a day before the campaign, and how that changed with it: its goods, their neighbours, and goods that have nothing to do
# with it.
SOLD = {
    "PFAN-01": (4.0, 1.8), "KTPF-01": (3.2, 1.7), "MESS-01": (3.6, 1.6), "BACK-01": (2.8, 1.8),
    "TASS-02": (4.4, 0.6), "TELL-01": (3.6, 0.65), "GTUC-01": (3.2, 0.7),
    "HTUC-01": (4.8, 1.0), "WERK-01": (4.0, 1.0), "KORB-01": (3.6, 1.0),
}  # fmt: skip
# What tills sold besides, until the week of trade took over: lines a day, of any goods.
LINES_A_DAY, MOST_PIECES = 16, 3
# By week, for more than a year: one whose price moved and whose sales answered, one that always cost the same.
WEEKS = 60
MOVED, STEADY = "KERZ-02", "DOSE-01"
A_WEEK, ANSWER, CHEAPER, WEEKS_OF_A_PRICE = 24.0, -1.9, 0.8, 5


def announce(shop: Retailer, *, now: datetime) -> None:
    """Publish the campaign as it began. Needs an open transaction and prices, before the week of trade."""
    begins = now - BEGAN_BEFORE
    with clock.frozen(begins):
        rulesets.publish(
            {
                "promotions": [
                    {
                        "id": CAMPAIGN, "name": f"Kochwochen: {PERCENT_OFF} % auf Töpfe, Messer und Backformen",
                        "benefit": {"kind": "percent_off", "basis_points": PERCENT_OFF * 100},
                        "goods": {"categories": list(CATEGORIES)}, "limits": {"budget_minor": BUDGET_MINOR},
                        "conditions": {"valid_until": (begins + LASTED).isoformat()},
                    }
                ]
            },
            by=ACTOR, note="Kochwochen",
        )  # fmt: skip


def remember(shop: Retailer, *, now: datetime) -> None:
    """Import what the tills of before sold. Owns its transactions: the importer's; needs the whole demo."""
    mapping = sales_mapping.parse(_mapping().read_text(encoding="utf-8"))
    with TemporaryDirectory() as folder, clock.frozen(now):
        path = Path(folder) / "kassen.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(["Bon", "Artikel", "Menge", "Zeit", "Preis"])
            for number, row in enumerate(sorted(_lines(shop, now)), 1):
                at, sku, pieces, cents = row
                writer.writerow([f"B{number:06}", sku, pieces, f"{at:%Y-%m-%d %H:%M}", f"{cents / 100:.2f}"])
        sales_import.import_files([path], mapping, by=ACTOR, rejects_in=Path(folder), watch=_Silent())


def _mapping() -> Path:
    return Path(past_baskets.__file__).parent / "mappings" / f"{MAPPING}.toml"


def _lines(shop: Retailer, now: datetime) -> Iterator[tuple[datetime, str, int, int]]:
    """Yield (when, SKU, pieces, cents of a piece), one line a day or week of each product."""
    dice = random.Random(SEED + 5)  # noqa: S311 (a demo, not a secret)
    begins = now - BEGAN_BEFORE
    first = begins.astimezone(BERLIN).date()
    last = (begins + LASTED - timedelta(microseconds=1)).astimezone(BERLIN).date()
    for sku, (a_day, rise) in SOLD.items():
        article = shop.articles[sku]
        for number in range(-BASELINE_DAYS, (last - first).days + 1):
            is_on = number >= 0
            pieces = _about(dice, a_day * (rise if is_on else 1.0))
            if pieces:
                share = 100 - PERCENT_OFF if is_on and article.category in CATEGORIES else 100
                yield _noon(first + timedelta(days=number)), sku, pieces, article.euro_cents * share // 100
    others = sorted(set(shop.articles) - NOWHERE - set(past.SOLD) - set(SOLD) - {MOVED, STEADY})
    day, over = first - timedelta(days=BASELINE_DAYS), (now - trade.HISTORY_DAYS * trade.DAY).astimezone(BERLIN).date()
    while day < over:
        for sku in dice.sample(others, LINES_A_DAY):
            yield _noon(day), sku, dice.randint(1, MOST_PIECES), shop.articles[sku].euro_cents
        day += timedelta(days=1)
    end = first - timedelta(days=BASELINE_DAYS + 7)
    for week in range(WEEKS):
        day = end - timedelta(weeks=WEEKS - 1 - week)
        season = 1 + 0.2 * ((week % 13) / 12 - 0.5)
        is_cheap = week // WEEKS_OF_A_PRICE % 2 == 1
        level = CHEAPER if is_cheap else 1.0
        for sku, of_price in ((MOVED, level), (STEADY, 1.0)):
            wanted = A_WEEK * season * of_price**ANSWER * dice.uniform(0.9, 1.1)
            yield _noon(day), sku, round(wanted), round(shop.articles[sku].euro_cents * of_price)


def _about(dice: random.Random, pieces: float) -> int:
    """Return whole pieces that come to so many on average."""
    return int(pieces + dice.random())


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001 (as tills write it; the mapping names the zone)


class _Silent:
    """Nobody watches."""

    def start(self, doing: str, total: int) -> None:
        """Say nothing."""

    def advance(self, rows: int) -> None:
        """Say nothing."""
