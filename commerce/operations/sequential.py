"""Rates that may be looked at any time: intervals that hold at every look at once, not only at the last one. [pure]

The interval is Robbins' confidence sequence for a Bernoulli rate: all rates p at which the likelihood ratio of a uniform
mixture over p stays below 1/alpha. The ratio is a martingale, so by Ville's inequality the true rate ever leaves the interval
with a probability of at most alpha, however often and for whatever reason one looks. It is exact for small numbers too,
where approximations by the normal distribution are not, and refusals and complaints are rare.
"""

import math
from dataclasses import dataclass

_STEPS = 60  # of halving: finer than a float


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds that hold together at any time."""

    low: float
    high: float


def rate(successes: int, trials: int, *, alpha: float) -> Interval:
    """Return the interval of a rate after `successes` in `trials`; the whole of [0, 1] before there are any.

    Raises: ValueError for more successes than trials, or an alpha outside (0, 1).
    """
    if not 0 <= successes <= trials or not 0 < alpha < 1:
        raise ValueError(f"{successes} of {trials} at {alpha} is no rate")
    if not trials:
        return Interval(0.0, 1.0)
    failures, best = trials - successes, successes / trials
    mixture = math.lgamma(successes + 1) + math.lgamma(failures + 1) - math.lgamma(trials + 2)
    border = mixture + math.log(alpha)  # of the log likelihood: below it, a rate is ruled out

    def is_in(p: float) -> bool:
        likelihood = (successes * math.log(p) if successes else 0.0) + (failures * math.log1p(-p) if failures else 0.0)
        return likelihood >= border

    def bound(outside: float) -> float:
        inside = best
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if is_in(middle) else (inside, middle)
        return outside

    return Interval(bound(0.0) if successes else 0.0, bound(1.0) if failures else 1.0)


def difference(worse: tuple[int, int], than: tuple[int, int], *, alpha: float) -> Interval:
    """Return the interval of the difference of two rates, each (successes, trials): half of alpha for either."""
    first, second = rate(*worse, alpha=alpha / 2), rate(*than, alpha=alpha / 2)
    return Interval(first.low - second.high, first.high - second.low)
