"""How sales answer to the price of a product: log-log regression over weeks, with an interval, or why none can be told. [pure]

log(pieces a day) = a + b · log(price) + c · log(market) + e: b is the elasticity, -2 means that a price 1 % lower sells some
2 % more. `market` is what all other products sold in the week, so that Christmas is not taken for an effect of prices.
Errors of neighbouring weeks are alike, so the interval uses the covariance of Newey and West (Econometrica 55, 1987) with
the t distribution. The price of a week is the median over its sales: their mean would fall when large orders come, which
looks like an effect of the price. What is found is a connection in what happened; only an experiment proves a cause.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, floor, log

import numpy
from numpy.typing import NDArray

LEAST_WEEKS = 20
LEAST_LEVELS = 2  # prices that differ by more than LEVEL
LEAST_WEEKS_OF_A_LEVEL = 4
LEVEL = 0.02  # prices within 2 % are one level
LEAST_SPREAD = 0.03  # standard deviation of log prices
MOST_ALIKE = 0.9  # correlation of price and market past which nobody can tell the two apart
WIDEST = 4.0  # an interval wider than that says nothing
CONFIDENCE = 0.95

Array = NDArray[numpy.float64]


class TooLittle(StrEnum):
    """Why no elasticity is told."""

    FEW_WEEKS = "few_weeks"
    ONE_PRICE = "one_price"
    SEASON = "season"
    WIDE = "wide"


@dataclass(frozen=True, slots=True)
class Week:
    """A week of a product: pieces sold on days with stock, the median price, what the others sold, and days with stock."""

    pieces: int
    price_minor: float
    market: float = 0.0
    days: int = 7


@dataclass(frozen=True, slots=True)
class Elasticity:
    """What one per cent of price does to pieces, with its interval at 95 %, and the points it was found from."""

    value: float
    low: float
    high: float
    weeks: int
    r_squared: float
    points: tuple[tuple[float, float], ...]  # (price, pieces a day), the market taken out
    constant: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves no doubt about the direction."""
        return self.high < 0 or self.low > 0

    def pieces_at(self, price_minor: float) -> float:
        """Return the pieces a day that go with a price, in a market as it is on average."""
        return exp(self.constant + self.value * log(price_minor))


def fit(weeks: Sequence[Week]) -> Elasticity | TooLittle:
    """Return the elasticity of a product, or why it can't be told. Weeks come in order; those without sales don't count."""
    from scipy import stats  # here, so that web workers stay light

    used = [week for week in weeks if week.pieces > 0 and week.price_minor > 0 and week.days > 0]
    if len(used) < LEAST_WEEKS:
        return TooLittle.FEW_WEEKS
    prices = numpy.log(numpy.array([week.price_minor for week in used], dtype=float))
    if not _has_levels(prices) or float(prices.std()) < LEAST_SPREAD:
        return TooLittle.ONE_PRICE
    pieces = numpy.log(numpy.array([week.pieces / week.days for week in used], dtype=float))
    columns = [numpy.ones_like(prices), prices]
    market = numpy.array([week.market for week in used], dtype=float)
    if (market > 0).all() and float(numpy.log(market).std()) > 0:
        logs = numpy.log(market)
        if abs(float(numpy.corrcoef(prices, logs)[0, 1])) > MOST_ALIKE:
            return TooLittle.SEASON
        columns.append(logs - logs.mean())
    design: Array = numpy.column_stack(columns)
    count, width = design.shape
    if numpy.linalg.matrix_rank(design) < width or count <= width + 2:
        return TooLittle.ONE_PRICE
    found, *_ = numpy.linalg.lstsq(design, pieces, rcond=None)
    errors = pieces - design @ found
    spread = float(numpy.sqrt(_newey_west(design, errors)[1, 1]))
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, count - width)) * spread
    value = float(found[1])
    if not numpy.isfinite(reach) or 2 * reach > WIDEST:
        return TooLittle.WIDE
    total = float(((pieces - pieces.mean()) ** 2).sum())
    plain = pieces - (design[:, 2] * found[2] if width > 2 else 0.0)
    points = tuple((float(exp(x)), float(exp(y))) for x, y in zip(prices, plain, strict=True))
    return Elasticity(
        value, value - reach, value + reach, count, 1 - float((errors**2).sum()) / total if total else 0.0, points,
        float(found[0]),
    )  # fmt: skip


def _has_levels(prices: Array) -> bool:
    """Whether there are prices that differ, each in force for some weeks."""
    levels = Counter(round(float(price) / LEVEL) for price in prices)
    return sum(count >= LEAST_WEEKS_OF_A_LEVEL for count in levels.values()) >= LEAST_LEVELS


def _newey_west(design: Array, errors: Array) -> Array:
    """Return the covariance of coefficients under errors that are unequal and alike in neighbouring weeks."""
    count, width = design.shape
    lags = floor(4 * (count / 100) ** (2 / 9))
    scores = design * errors[:, None]
    middle = scores.T @ scores
    for lag in range(1, lags + 1):
        weight = 1 - lag / (lags + 1)
        part = scores[lag:].T @ scores[:-lag]
        middle += weight * (part + part.T)
    bread = numpy.linalg.inv(design.T @ design)
    covariance: Array = bread @ middle @ bread * count / (count - width)
    return covariance
