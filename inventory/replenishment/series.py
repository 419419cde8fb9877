"""What days of a level's journal say about demand: weeks, with the ones nobody could buy in left out, and their class. [pure]

A day on which nothing was on hand and nothing came in says nothing about demand: it is censored, not zero. A week is
scaled up to seven days by the days it could sell on, and left out when those are too few.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from inventory.replenishing import DemandClass

DAYS = 7
LEAST_DAYS_IN_STOCK = 3  # of a week, or scaling it up would be guessing
LEAST_WEEKS = 8
LEAST_SALES = 4  # weeks with a sale, before a class says anything
# Cuts of Syntetos, Boylan and Croston, "On the categorization of demand patterns" (2005).
MOST_INTERVAL = 1.32
MOST_VARIATION = 0.49

Weeks = list[float | None]


@dataclass(frozen=True, slots=True)
class Day:
    """One day's movements of a level, in pieces. `delta` is the change of on hand, `came_in` all that was added."""

    sold: int = 0
    returned: int = 0
    came_in: int = 0
    delta: int = 0

    @property
    def demand(self) -> int:
        """Pieces that customers took; what came back on the same day was never wanted. Later returns don't count."""
        return max(self.sold - self.returned, 0)


def weeks(
    days: Mapping[date, Day],
    *,
    opening: int,
    first: date,
    until: date,
    factor: Callable[[date], float] = lambda day: 1.0,
) -> Weeks:
    """Return demand in pieces a week, oldest first, in whole weeks that end with `until`; None where it can't be told.

    `opening` is what was on hand before `first`; the series begins with the first week in which the product was there.
    `factor` says how much more sold on a day because of a promotion; that is taken out.
    """
    start = until - timedelta(days=DAYS * ((until - first).days // DAYS + 1) - 1)
    if start < first:
        start += timedelta(days=DAYS)
    on_hand = opening + sum(day.delta for when, day in days.items() if when < start)
    has_begun = on_hand > 0 or any(when < start for when in days)
    series: Weeks = []
    while start <= until:
        taken, in_stock = 0.0, 0
        for offset in range(DAYS):
            when = start + timedelta(days=offset)
            day = days.get(when)
            if on_hand > 0 or (day is not None and (day.came_in > 0 or day.sold > 0)):
                in_stock += 1
                has_begun = True
            if day is not None:
                taken += day.demand / factor(when)
                on_hand += day.delta
        if has_begun:
            told = in_stock >= LEAST_DAYS_IN_STOCK
            series.append(taken * DAYS / in_stock if told else None)
        start += timedelta(days=DAYS)
    return series


def observed(series: Sequence[float | None]) -> list[float]:
    """Return the weeks that say something about demand."""
    return [week for week in series if week is not None]


def classify(series: Sequence[float | None]) -> DemandClass:
    """Say how a product sells, from the interval between weeks with sales and the variation of their sizes."""
    known = observed(series)
    sales = [week for week in known if week > 0]
    if not sales:
        return DemandClass.NONE
    if len(known) < LEAST_WEEKS or len(sales) < LEAST_SALES:
        return DemandClass.NEW
    interval = len(known) / len(sales)
    mean = sum(sales) / len(sales)
    variation = sum((sale - mean) ** 2 for sale in sales) / len(sales) / mean**2
    if interval <= MOST_INTERVAL:
        return DemandClass.SMOOTH if variation <= MOST_VARIATION else DemandClass.ERRATIC
    return DemandClass.INTERMITTENT if variation <= MOST_VARIATION else DemandClass.LUMPY


def usual_step(series: Sequence[float]) -> float:
    """Return the mean change from one week to the next, in pieces: the error of the naive forecast, which MASE divides by."""
    steps = [abs(after - before) for before, after in pairwise(series)]
    return sum(steps) / len(steps) if steps else 0.0
