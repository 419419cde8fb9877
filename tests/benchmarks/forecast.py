"""forecast: rolling-origin backtest on real sales: how near the expectation comes, and how well the order quantile fits.

Every week of the second part is forecast from the weeks before it. MASE compares each of the next three weeks with what was
expected, over the naive error of the first part; the pinball loss judges the quantile that an order would go up to. The
references say their quantile as it is usually done: mean + z × the standard deviation of their own past errors.
"""

from statistics import NormalDist
from typing import Any

import numpy

from tests.benchmarks import report, rolling, sales_series
from tests.benchmarks.rolling import AHEAD, Rolling

ORDER_LEVEL = 0.95
PRODUCTS_A_SECOND = 11  # of measuring time, for each of the two data sets
LEAST_ERRORS = 4


def run(seconds: float) -> dict[str, Any]:
    most = max(int(seconds * PRODUCTS_A_SECOND), 50)
    ours: report.Figures = {}
    references: dict[str, report.Figures] = {}
    ratios: report.Figures = {}
    notes = []
    is_causal = True
    for short, sales in (("retail", sales_series.online_retail()), ("uci", sales_series.uci_weekly())):
        part = sales_series.sample(sales, most)
        made = rolling.made(part, first=part.split)
        figures = _figures(made)
        for name, values in figures.items():
            into = ours if name == "ours" else references.setdefault(name, {})
            into |= {f"{short}_{metric}": value for metric, value in values.items()}
        for name, values in figures.items():
            if name != "ours":
                ratios[f"{short}_mase_vs_{name}"] = values["mase"] / figures["ours"]["mase"]
                ratios[f"{short}_pinball_vs_{name}"] = values["pinball"] / figures["ours"]["pinball"]
        chosen = ", ".join(f"{name} {count}" for name, count in sorted(made.methods.items(), key=lambda one: -one[1]))
        notes.append(
            f"{sales.name}: {len(part.weeks)} of {len(sales.weeks)} products with sales in ≥ "
            f"{sales_series.LEAST_WEEKS_WITH_SALES} weeks of the first {sales.split}; weeks {sales.split + 1} to {sales.length} "
            f"are forecast, {AHEAD} ahead. Chosen: {chosen}"
        )
        is_causal &= _looks_only_back(part)
    notes.append("seasonal naive takes the same weeks a year before; where there is none, the last three weeks")
    best = min(values for metric, values in ratios.items() if "pinball" in metric)
    return report.show(
        "forecast", "scaled error", ours, references, ratios, verified=is_causal,
        goals={"smallest gain in pinball loss over any reference": (best, 1.0)}, notes=tuple(notes),
    )  # fmt: skip


def _figures(made: Rolling) -> dict[str, report.Figures]:
    split, end = made.sales.split, made.sales.length - AHEAD + 1
    actual = made.sums[:, split:end]
    scale = made.scales[:, None]
    told = ~numpy.isnan(numpy.stack([rates[:, split:end] for rates in made.rates.values()])).any(axis=0)
    figures = {}
    for name, rates in made.rates.items():
        expected = rates[:, split:end]
        weeks = [numpy.abs(made.pieces[:, split + ahead : end + ahead] - expected) / scale for ahead in range(AHEAD)]
        up_to = (
            rolling.levels(made, ORDER_LEVEL, split)[:, split:end]
            if name == "ours"
            else _usual_quantile(made, name)[:, split:end]
        )
        beyond = actual - up_to
        loss = numpy.where(beyond > 0, ORDER_LEVEL * beyond, (ORDER_LEVEL - 1) * beyond) / scale
        figures[name] = {
            "mase": round(float(numpy.mean(numpy.stack(weeks)[:, told])), 4),
            "pinball": round(float(loss[told].mean()), 4),
            "covered_percent": round(100 * float((beyond <= 0)[told].mean()), 2),
            "bias_percent": round(100 * float((expected[told] * AHEAD).sum() / actual[told].sum() - 1), 2),
        }
    return figures


def _usual_quantile(made: Rolling, name: str) -> Any:
    """Return mean + z × the deviation of the method's own errors that were known then, never below zero."""
    errors = made.sums - made.rates[name] * AHEAD
    z = NormalDist().inv_cdf(ORDER_LEVEL)
    up_to = numpy.full_like(errors, numpy.nan)
    for week in range(made.sales.split, made.sales.length):
        past = errors[:, : max(week - AHEAD + 1, 0)]
        known = (~numpy.isnan(past)).sum(axis=1)
        deviation = numpy.sqrt(numpy.nansum(past**2, axis=1) / numpy.maximum(known, 1))
        expected = made.rates[name][:, week] * AHEAD
        up_to[:, week] = numpy.maximum(expected + z * numpy.where(known >= LEAST_ERRORS, deviation, expected), 0.0)
    return up_to


def _looks_only_back(sales: sales_series.Sales) -> bool:
    """Whether forecasts stay the same when everything after them is another: what a backtest must never get wrong."""
    few = sales_series.sample(sales, 12)
    changed = []
    for weeks, begin in zip(few.weeks, few.begins, strict=True):
        known = few.split - begin
        changed.append([*weeks[:known], *(week * 7 + 1 for week in weeks[known:])])
    other = sales_series.Sales(few.name, changed, few.begins, few.values, few.length, few.split)
    said, again = (rolling.made(one, first=one.split) for one in (few, other))
    return all(
        numpy.array_equal(said.rates[name][:, : few.split + 1], again.rates[name][:, : few.split + 1], equal_nan=True)
        for name in said.rates
    )
