"""stock-simulation: how much stock each way of reordering needs for the same fill rate, over real sales.

Every week a product is reviewed; what is ordered arrives two weeks later; what is not there is lost. Stock is the mean of
a week's begin and end, in pieces, and at sales price. Ours orders up to the quantile of the forecast of that week. The
references have levels that stay as they are, tuned on the first part, in three ways; the one that needs least is compared.
Every way has one dial, turned until 95 % of the pieces wanted in the second part are delivered: equal service, then stock.
"""

from collections.abc import Callable
from typing import Any

import numpy

from tests.benchmarks import report, rolling, sales_series
from tests.benchmarks.rolling import AHEAD, Rolling

FILL = 0.95
LEAD_WEEKS = AHEAD - 1
WARM_UP = 8  # weeks before the second part in which the rules are in force already
PRODUCTS_A_SECOND = 11
TURNS = 11  # of the dial
GOAL_PERCENT = 15.0
FILL_GRID = numpy.linspace(0.02, 1.5, 38)
HINDSIGHT_GRID = numpy.linspace(0.0, 1.2, 61)
HIGHEST_PRICE, PRICE_TURNS = 50.0, 50  # of a missing piece, in pieces of stock

Figures = dict[str, float]
Dial = Callable[[float], Any]


def run(seconds: float) -> dict[str, Any]:
    most = max(int(seconds * PRODUCTS_A_SECOND), 50)
    ours: Figures = {}
    references: dict[str, Figures] = {}
    ratios: Figures = {}
    goals, notes = {}, []
    is_conserved = True
    for short, sales in (("retail", sales_series.online_retail()), ("uci", sales_series.uci_weekly())):
        part = sales_series.sample(sales, most)
        made = rolling.made(part, first=part.split - WARM_UP)
        ways: dict[str, tuple[Dial, float, float]] = {
            "ours": (lambda level, made=made: rolling.levels(made, level, made.sales.split - WARM_UP), 0.6, 0.999),
            "fixed_quantile": (lambda dial, made=made: _quantile(made, dial), 0.3, 2.0),
            "fixed_mean_and_z": (lambda dial, made=made: _mean_and_z(made, dial), -1.0, 8.0),
            "fixed_by_product": (_by_product(made), 0.5, 6.0),
        }
        for name, (levels, low, high) in ways.items():
            dial = _turned(made, levels, low, high)
            outcome = _simulated(made, levels(dial))
            is_conserved &= outcome.is_conserved
            figures = {
                "fill_percent": 100 * outcome.fill, "stock": outcome.stock, "stock_value": outcome.value / 100, "dial": dial,
            }  # fmt: skip
            into = ours if name == "ours" else references.setdefault(name, {})
            into |= {f"{short}_{metric}": round(value, 2) for metric, value in figures.items()}
        best = min(references, key=lambda name: references[name][f"{short}_stock"])
        saved = 100 * (1 - ours[f"{short}_stock"] / references[best][f"{short}_stock"])
        saved_value = 100 * (
            1 - ours[f"{short}_stock_value"] / min(r[f"{short}_stock_value"] for r in references.values())
        )
        ours[f"{short}_less_stock_percent"] = round(saved, 2)
        ours[f"{short}_less_value_percent"] = round(saved_value, 2)
        for name, figures in references.items():
            ratios[f"{short}_stock_vs_{name}"] = figures[f"{short}_stock"] / ours[f"{short}_stock"]
        goals[f"{sales.name}: % less stock than the best fixed reorder point ({best})"] = (saved, GOAL_PERCENT)
        ours[f"{short}_hindsight_stock"] = round(hindsight(made.pieces, made.sales.split), 2)
        promised = _simulated(made, rolling.levels(made, FILL, made.sales.split - WARM_UP))
        notes.append(
            f"{sales.name}: {len(part.weeks)} of {len(sales.weeks)} products, weeks {sales.split + 1} to {sales.length}; "
            f"at a service level of 95 %, not turned, ours fills {100 * promised.fill:.1f} % from {promised.stock:,.0f} pieces; "
            f"fixed points set by who knew the second part would need {ours[f'{short}_hindsight_stock']:,.0f}"
        )
    return report.show(
        "stock-simulation", "pieces on hand, mean", ours, references, ratios, verified=is_conserved, goals=goals,
        notes=tuple(notes),
    )  # fmt: skip


def hindsight(pieces: Any, split: int) -> float:
    """Return the stock of the best fixed points that can be set by who knows what is going to be sold.

    Nobody can order so. It says what is to be had at all: no choice of one level per product that fills FILL of all pieces
    together needs less (the bound of Lagrange, with one price for a piece that is missing).
    """
    first, products = split - WARM_UP, numpy.arange(len(pieces))
    sums = sum(pieces[:, first + ahead : pieces.shape[1] - AHEAD + 1 + ahead] for ahead in range(AHEAD))
    filled, stock = [], []
    for share in HINDSIGHT_GRID:
        level = numpy.ceil(sums.max(axis=1) * share)
        on_hand, on_the_way = level.copy(), [numpy.zeros_like(level) for _ in range(LEAD_WEEKS)]
        sold, held = numpy.zeros_like(level), numpy.zeros_like(level)
        for week in range(first, pieces.shape[1]):
            on_the_way.append(numpy.maximum(level - on_hand - sum(on_the_way), 0.0))
            begin = on_hand + on_the_way.pop(0)
            taken = numpy.minimum(begin, pieces[:, week])
            on_hand = begin - taken
            if week >= split:
                sold, held = sold + taken, held + (begin + on_hand) / 2
        filled.append(sold)
        stock.append(held / (pieces.shape[1] - split))
    goal, low, high = FILL * pieces[:, split:].sum(), 0.0, HIGHEST_PRICE
    all_filled, all_stock, least = numpy.array(filled), numpy.array(stock), 0.0
    for _ in range(PRICE_TURNS):
        price = (low + high) / 2
        costs = all_stock - price * all_filled
        chosen = numpy.argmin(costs, axis=0)
        least = max(least, float(costs[chosen, products].sum() + price * goal))
        low, high = (price, high) if all_filled[chosen, products].sum() < goal else (low, price)
    return least


class _Outcome:
    def __init__(self, *, filled: float, wanted: float, stock: float, value: float, is_conserved: bool) -> None:
        self.fill, self.stock, self.value, self.is_conserved = filled / wanted, stock, value, is_conserved


def _simulated(made: Rolling, up_to: Any) -> _Outcome:
    """Run the weeks: order up to the level, receive what was ordered LEAD_WEEKS ago, sell what is there."""
    first, split, length = made.sales.split - WARM_UP, made.sales.split, made.sales.length
    on_hand = numpy.ceil(up_to[:, first])
    on_the_way = [numpy.zeros_like(on_hand) for _ in range(LEAD_WEEKS)]
    filled = wanted = stock = value = 0.0
    brought, sold = on_hand.sum(), 0.0
    prices = numpy.asarray(made.sales.values)
    for week in range(first, length):
        position = on_hand + sum(on_the_way)
        on_the_way.append(numpy.maximum(numpy.ceil(up_to[:, week] - 1e-9) - position, 0.0))
        arrived = on_the_way.pop(0)
        begin = on_hand + arrived
        taken = numpy.minimum(begin, made.pieces[:, week])
        on_hand = begin - taken
        brought, sold = brought + arrived.sum(), sold + taken.sum()
        if week >= split:
            filled, wanted = filled + taken.sum(), wanted + made.pieces[:, week].sum()
            mean = (begin + on_hand) / 2
            stock, value = stock + mean.sum(), value + (mean * prices).sum()
    weeks = length - split
    is_conserved = bool(abs(brought - sold - on_hand.sum()) < 1e-3 and (on_hand >= 0).all())
    return _Outcome(filled=filled, wanted=wanted, stock=stock / weeks, value=value / weeks, is_conserved=is_conserved)


def _turned(made: Rolling, levels: Dial, low: float, high: float) -> float:
    """Return the smallest turn of the dial that fills FILL of what was wanted."""
    for _ in range(TURNS):
        middle = (low + high) / 2
        if _simulated(made, levels(middle)).fill < FILL:
            low = middle
        else:
            high = middle
    return high


def _constant(made: Rolling, levels: Any) -> Any:
    return numpy.repeat(numpy.asarray(levels, dtype=float)[:, None], made.sales.length, axis=1)


def _windows(made: Rolling) -> list[Any]:
    """Return per product the sums of AHEAD weeks in the first part, from its first sale on."""
    split = made.sales.split
    return [
        made.sums[p, min(begin, split - AHEAD - 4) : split - AHEAD + 1] for p, begin in enumerate(made.sales.begins)
    ]


def _quantile(made: Rolling, dial: float) -> Any:
    """Levels at one quantile of what lead times of the first part took; past the largest, a multiple of it."""
    return _constant(made, [max(dial, 1.0) * numpy.quantile(window, min(dial, 1.0)) for window in _windows(made)])


def _mean_and_z(made: Rolling, dial: float) -> Any:
    """Levels at the textbook's mean + z × standard deviation of the first part's weeks."""
    split = made.sales.split
    weeks = [made.pieces[p, min(begin, split - 5) : split] for p, begin in enumerate(made.sales.begins)]
    return _constant(made, [max(w.mean() * AHEAD + dial * w.std() * AHEAD**0.5, 0.0) for w in weeks])


def _by_product(made: Rolling) -> Dial:
    """The level with which each product, simulated over the first part, would just have filled 95 %; the dial scales them."""
    split = made.sales.split
    most = numpy.maximum([window.max() for window in _windows(made)], 1.0)
    chosen = numpy.ceil(most * FILL_GRID[-1])
    wanted = numpy.maximum(made.pieces[:, :split].sum(axis=1), 1e-9)
    for share in FILL_GRID[::-1]:
        level = numpy.ceil(most * share)
        on_hand, on_the_way = level.copy(), [numpy.zeros_like(level) for _ in range(LEAD_WEEKS)]
        filled = numpy.zeros_like(level)
        for week in range(split):
            on_the_way.append(numpy.maximum(level - on_hand - sum(on_the_way), 0.0))
            begin = on_hand + on_the_way.pop(0)
            taken = numpy.minimum(begin, made.pieces[:, week])
            on_hand, filled = begin - taken, filled + taken
        chosen = numpy.where(filled >= FILL * wanted, level, chosen)
    return lambda dial: _constant(made, chosen * dial)
