"""Forecasts made again at every week of the past, each from what was known then: for ours and for the references."""

from dataclasses import dataclass
from typing import Any

import numpy

from inventory.replenishing import DemandClass
from inventory.replenishment import forecasting, series, spread
from tests.benchmarks.sales_series import Sales

REFERENCES = {"naive": "naive", "moving_average": "average_8_weeks", "croston": "croston"}
ONLY_REFERENCES = {"naive"}
SEASON = 52
AHEAD = 3  # weeks an order must cover: two of lead time and one until the next review


@dataclass(frozen=True, slots=True)
class Rolling:
    """Per product (row) and week (column): `rates[method][p, t]` pieces a week said from the weeks before t; NaN: too early.

    `sums[p, t]` are the pieces of weeks t to t + AHEAD − 1, `pieces` the weeks themselves, `scales` what MASE divides by.
    """

    sales: Sales
    pieces: Any
    sums: Any
    rates: dict[str, Any]
    scales: Any
    spreads: dict[int, spread.Spread]  # by week: what was known then
    methods: dict[str, int]  # how often each was chosen for ours


def made(sales: Sales, *, first: int) -> Rolling:
    """Make all forecasts for the weeks from `first` on."""
    products, length = len(sales.weeks), sales.length
    pieces = numpy.zeros((products, length))
    rates = {name: numpy.full((products, length), numpy.nan) for name in ["ours", *REFERENCES, "seasonal_naive"]}
    tried, kinds = [], []
    for product, (weeks, begin) in enumerate(zip(sales.weeks, sales.begins, strict=True)):
        pieces[product, begin:] = weeks
        origins = list(range(forecasting.FIRST_ORIGIN, length - begin))
        kind = series.classify(weeks[: max(first - begin, forecasting.FIRST_ORIGIN)])
        kinds.append(kind if kind in forecasting.CANDIDATES else DemandClass.LUMPY)
        names = dict.fromkeys([*forecasting.CANDIDATES[kinds[-1]], *REFERENCES.values()])
        tried.append(forecasting.try_methods(weeks, tuple(names), origins))
        for name, method in REFERENCES.items():
            rates[name][product, [begin + origin for origin in origins]] = tried[-1][method]
        for origin in origins:
            start = origin - SEASON if origin >= SEASON else origin - AHEAD
            rates["seasonal_naive"][product, begin + origin] = sum(weeks[start : start + AHEAD]) / AHEAD
    sums = numpy.full((products, length), numpy.nan)
    for week in range(length - AHEAD + 1):
        sums[:, week] = pieces[:, week : week + AHEAD].sum(axis=1)
    methods = _ours(sales, tried, kinds, first, rates["ours"])
    steps = [
        series.usual_step(weeks[: max(sales.split - begin, 2)])
        for weeks, begin in zip(sales.weeks, sales.begins, strict=True)
    ]
    spreads = _spreads(rates["ours"], sums, first, length)
    return Rolling(sales, pieces, sums, rates, numpy.maximum(steps, 1e-9), spreads, methods)


def _ours(
    sales: Sales, tried: list[dict[str, list[float]]], kinds: list[DemandClass], first: int, into: Any
) -> dict[str, int]:
    """Forecast as the product does, week by week: the leading combination of the class, or what was clearly better."""
    contest, methods = forecasting.Contest(), {}
    for week in range(forecasting.FIRST_ORIGIN, sales.length):
        leads = contest.leads()
        for product, (weeks, begin) in enumerate(zip(sales.weeks, sales.begins, strict=True)):
            origin = week - begin
            place = origin - forecasting.FIRST_ORIGIN
            if place < 0:
                continue
            method = leads.get(kinds[product], forecasting.QUICK)
            if week >= first:
                past = range(max(0, place - forecasting.OLDEST_ORIGIN), place, forecasting.ORIGIN_STEP)
                judged = {
                    name: [rates[p] for p in past]
                    for name, rates in tried[product].items()
                    if name not in ONLY_REFERENCES
                }
                origins = [p + forecasting.FIRST_ORIGIN for p in past]
                method, _errors = forecasting.choose(weeks[:origin], judged, origins, method)
                methods[method] = methods.get(method, 0) + 1
            into[product, week] = tried[product][method][place]
            done = place - AHEAD
            if done >= 0 and week % forecasting.ORIGIN_STEP == 0:
                one = {name: [tried[product][name][done]] for name in forecasting.COMBINATIONS}
                contest.judge(kinds[product], weeks[:origin], one, [done + forecasting.FIRST_ORIGIN])
    return methods


def _spreads(rates: Any, sums: Any, first: int, length: int) -> dict[int, spread.Spread]:
    """Return for each week what the forecasts that had come true by then say of the tail."""
    learning, known = spread.Learning(), {}
    for week in range(length):
        done = week - AHEAD  # forecasts made for weeks that are over now
        if done >= 0:
            told = ~numpy.isnan(rates[:, done])
            for rate, actual in zip(rates[told, done], sums[told, done], strict=True):
                learning.add(AHEAD, float(rate) * AHEAD, float(actual))
        if week >= first:
            known[week] = learning.spread()
    return known


def levels(rolling: Rolling, level: float, first: int) -> Any:
    """Return our order-up-to level per product and week: what demand of AHEAD weeks stays within at `level`."""
    up_to = numpy.zeros_like(rolling.pieces)
    for week in range(first, rolling.sales.length):
        known = rolling.spreads[week]
        for product, rate in enumerate(rolling.rates["ours"][:, week]):
            if rate == rate:
                up_to[product, week] = known.quantile(float(rate) * AHEAD, AHEAD * 7, level)
    return up_to
