"""How far demand goes beyond its forecast, learned from all forecasts that have come true. [pure]

One product has too few past lead times to know its own tail; hundreds of products of a like size know it together. So
every forecast that has come true leaves actual ÷ expected in the class of its size, and a quantile of the class times the
expectation of today is the demand that is exceeded only so often (conformal prediction, with classes for the size).
"""

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log, sqrt
from statistics import NormalDist

SIZES = (0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0)  # pieces expected; the borders of the classes
LEVELS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.875, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 0.999)
HORIZONS = (1, 2, 3, 4, 6, 8, 12)  # weeks ahead that are learned; those between are interpolated
LEAST_OBSERVATIONS = 100  # of a class, before its quantiles count; until then the class next to it answers
MOST_KEPT = 5_000  # per class and horizon, drawn evenly from all: memory stays bounded
HALF_A_PIECE = 0.5  # added to both sides, so that expecting nearly nothing divides by something
# What demand varies by when nothing is known: mean + share × mean², as of a negative binomial.
SHARE_OF_SQUARE = 0.3


def size_of(expected: float) -> int:
    """Return the class of an expectation in pieces."""
    return bisect_right(SIZES, expected)


@dataclass(slots=True)
class Sample:
    """Ratios seen, an even draw of at most MOST_KEPT; the same observations in the same order give the same draw."""

    seen: int = 0
    kept: list[float] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 (a sample, not a secret)

    def add(self, ratio: float) -> None:
        self.seen += 1
        if len(self.kept) < MOST_KEPT:
            self.kept.append(ratio)
        elif (place := self.dice.randrange(self.seen)) < MOST_KEPT:
            self.kept[place] = ratio

    def quantiles(self) -> list[float]:
        """Return the ratio at each of LEVELS."""
        ranked = sorted(self.kept)
        return [_interpolated(ranked, level * (len(ranked) - 1)) for level in LEVELS]


class Learning:
    """Collects forecasts that came true."""

    def __init__(self) -> None:
        self.samples: dict[tuple[int, int], Sample] = {}

    def add(self, weeks_ahead: int, expected: float, actual: float) -> None:
        """Note that `expected` pieces in so many weeks were `actual` ones."""
        ratio = (actual + HALF_A_PIECE) / (expected + HALF_A_PIECE)
        self.samples.setdefault((weeks_ahead, size_of(expected)), Sample()).add(ratio)

    def spread(self) -> "Spread":
        return Spread({key: (sample.seen, sample.quantiles()) for key, sample in self.samples.items()})


class Spread:
    """Quantiles of actual ÷ expected by (weeks ahead, size class), with how many observations each rests on."""

    def __init__(self, known: Mapping[tuple[int, int], tuple[int, Sequence[float]]]) -> None:
        self.known = known

    def quantile(self, expected: float, days: float, level: float) -> float:
        """Return the pieces that demand of `days` stays within with probability `level`, where `expected` are expected."""
        weeks = days / 7
        below = max([h for h in HORIZONS if h <= weeks], default=HORIZONS[0])
        above = min([h for h in HORIZONS if h >= weeks], default=HORIZONS[-1])
        low, high = self._ratio(below, expected, level), self._ratio(above, expected, level)
        share = (weeks - below) / (above - below) if above > below else 0.0
        ratio = low + (high - low) * share
        if weeks < HORIZONS[0]:  # a shorter time varies more for its size
            ratio = 1 + (ratio - 1) / sqrt(max(weeks, 1 / 7))
        return max((expected + HALF_A_PIECE) * ratio - HALF_A_PIECE, 0.0)

    def observations(self, expected: float, days: float) -> int:
        """Return on how many forecasts that came true the answer for `days` rests; 0 when it is assumed."""
        horizon = min(HORIZONS, key=lambda known: abs(known - days / 7))
        return self._nearest(horizon, expected)[0]

    def _nearest(self, weeks: int, expected: float) -> tuple[int, Sequence[float]]:
        """Return (observations, quantiles) of the class of the expectation, or of the nearest that has enough; else (0, ())."""
        size = size_of(expected)
        enough = [
            key for key, (seen, _quantiles) in self.known.items() if key[0] == weeks and seen >= LEAST_OBSERVATIONS
        ]
        if not enough:
            return 0, ()
        return self.known[min(enough, key=lambda key: (abs(key[1] - size), key[1]))]

    def _ratio(self, weeks: int, expected: float, level: float) -> float:
        seen, quantiles = self._nearest(weeks, expected)
        if not seen:
            return assumed_ratio(expected, level)
        if level <= LEVELS[0]:
            return quantiles[0]
        if level >= LEVELS[-1]:
            return quantiles[-1]
        place = bisect_right(LEVELS, level) - 1
        share = (level - LEVELS[place]) / (LEVELS[place + 1] - LEVELS[place])
        return quantiles[place] + (quantiles[place + 1] - quantiles[place]) * share


def assumed_ratio(expected: float, level: float) -> float:
    """Return the ratio for a house that has no history yet: a log-normal with the variance of a negative binomial."""
    mean = expected + HALF_A_PIECE
    variance = mean + SHARE_OF_SQUARE * mean**2
    width = log(1 + variance / mean**2)
    return exp(NormalDist().inv_cdf(level) * sqrt(width) - width / 2)


def _interpolated(ranked: Sequence[float], place: float) -> float:
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)
