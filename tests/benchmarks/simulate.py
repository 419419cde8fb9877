"""simulate: a draft tried on real invoices of a year, beside what is in force; baskets per second of one process.

The invoices come in by `import_sales`; each product costs what it was sold for most often. Six promotions are in force, the
draft changes two of them and adds a third. Every hundredth basket is quoted anew afterwards: the totals are the same.
"""

import subprocess
import sys
import time
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.benchmarks import house, report
from tests.benchmarks.sales_series import folder

FILE = "online_retail_2010-12_2011-09.csv.gz"
BEGINS = datetime(2010, 12, 1, tzinfo=ZoneInfo("Europe/London"))
CHECKED_EACH = 100
_PRICES = """
SELECT product_id, round(mode() WITHIN GROUP (ORDER BY unit_price) * 100)::bigint FROM orders_pastsale
WHERE kind = 'sale' AND quantity > 0 AND unit_price > 0 GROUP BY product_id
"""


def run(seconds: float) -> dict[str, Any]:
    """Import, publish, replay for `seconds` at most, compare with quotes."""
    path = folder() / "online-retail" / FILE
    if not path.exists():
        raise SystemExit(
            f"{FILE} is not in {path.parent}: set KONTOR_SHARED_DATA to the folder with online-retail in it."
        )
    with house.ready():
        done = subprocess.run(
            [sys.executable, "manage.py", "import_sales", str(path), "--mapping", "online-retail"],
            cwd=house.ROOT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stdout[-2_000:] + done.stderr[-2_000:])
        figures, clean = _replayed(seconds)
    return report.show(
        "simulate", "baskets", figures, {}, {}, verified=clean,
        goals={"baskets per second, both ways": (figures["per_second"], 2_000)},
        notes=("the rate is that of pricing both ways and adding up, reading from the database included",),
    )  # fmt: skip


def _replayed(seconds: float) -> tuple[dict[str, float], bool]:
    from commerce import catalog, clock, queries
    from commerce.transactions import transaction
    from pricing import quoting, rulesets, simulations, taxes, trade
    from pricing.promotions import documents
    from pricing.quoting import BasketLine, ChannelTerms
    from pricing.replaying import Replay
    from tests.factories import pricing as make

    with house.database() as cursor:
        cursor.execute(_PRICES)
        prices = dict(cursor.fetchall())
    channel = next(one for one in queries.channels() if one.code == "online-retail")
    with transaction():
        taxes.set_rate("GB", "standard", 2_000, valid_from=None, by=make.BY)
    make.price_list(currency="GBP")
    make.prices({product: max(minor, 1) for product, minor in prices.items()})
    skus = sorted(ref.sku for ref in catalog.products_by_id(prices).values())
    before, after = (
        documents.content_from(_content(skus, 1_000)),
        documents.content_from(_content(skus, 1_500, more=True)),
    )
    with transaction():
        rulesets.publish(before, by=make.BY)
    at = clock.now() + timedelta(seconds=1)
    replay = Replay(after, since=BEGINS, until=BEGINS + timedelta(days=365), at=at)
    checked = []
    baskets = lines = 0
    began = time.perf_counter()
    for portion in trade.baskets(since=BEGINS, until=BEGINS + timedelta(days=365), at_once=simulations.AT_ONCE):
        replay.take(portion)
        baskets += len(portion)
        lines += sum(len(one.lines) for one in portion)
        checked += portion[::CHECKED_EACH]
        if time.perf_counter() - began > seconds:
            break
    took = time.perf_counter() - began
    terms = ChannelTerms(channel.id, channel.currency, channel.country)
    clean, compared = bool(checked), 0
    for one in checked:
        bought = [BasketLine(product, pieces) for product, pieces in one.lines if product in prices]
        if len(bought) == len(one.lines):
            _prepared, _now, said = replay.price(one)
            quote = quoting.try_out(bought, channel=terms, at=replay.moved(one.placed_at), content=after)
            clean &= said.total_minor == quote.total_minor
            compared += 1
    facts = {
        "per_second": round(baskets / took, 1), "baskets": float(baskets), "lines_per_second": round(lines / took, 1),
        "changed_percent": 100 * sum(one.cheaper + one.dearer for one in replay.sums.values()) / max(baskets, 1),
        "compared": float(compared),
    }  # fmt: skip
    return facts, clean and compared > 0


def _content(skus: list[str], basis_points: int, *, more: bool = False) -> dict[str, Any]:
    promotions: list[dict[str, Any]] = [
        {"id": f"P{number}", "name": f"P{number}", "group": "sale", "goods": {"products": skus[number::6][:120]},
         "benefit": {"kind": "percent_off", "basis_points": basis_points if number < 2 else 1_000}}
        for number in range(4)
    ]  # fmt: skip
    promotions += [
        {"id": "THREE", "name": "Three for two", "goods": {"products": skus[5::40]},
         "benefit": {"kind": "buy_get", "buy": 2, "get": 1}},
        {"id": "MORE", "name": "More", "phase": 2,
         "benefit": {"kind": "tiered", "tiers": [{"at_least": 50_000, "basis_points": 300}]}},
    ]  # fmt: skip
    if more:
        promotions.append({"id": "NEW", "name": "New", "group": "sale", "goods": {"products": skus[7::25]},
                           "benefit": {"kind": "amount_off", "amount_minor": 20, "level": "unit"}})  # fmt: skip
    return {"promotions": promotions, "stacking": {"groups": [{"code": "sale", "mode": "best"}]}}
