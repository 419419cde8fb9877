"""What a campaign brought: pieces and money beside what would have come without it, with an interval. [pure]

The baseline is what the same goods sold a day in the four weeks before, scaled by what goods outside the campaign did
meanwhile (difference in differences). Days without stock are left out on both sides. The interval follows from how much
days differ before: variance of a day × days × (1 + days / days before), by the t distribution.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from math import sqrt

BASELINE_DAYS = 28
LEAST_BASELINE_DAYS = 14
LEAST_BASELINE_PIECES = 20
LEAST_CONTROL_PIECES = 50  # below it, the market says nothing and is taken as unchanged
CONFIDENCE = 0.95


class TooLittle(StrEnum):
    """Why an effect is not told."""

    NOT_BEGUN = "not_begun"
    FEW_DAYS = "few_days"
    FEW_SALES = "few_sales"


@dataclass(frozen=True, slots=True)
class Day:
    """What some goods sold on a day: pieces, and what was paid, VAT included."""

    pieces: int
    revenue_minor: int


_NOTHING = Day(0, 0)


@dataclass(frozen=True, slots=True)
class Effect:
    """What goods sold beside what was to be expected of them; `pieces` more, with the interval of that."""

    days: int
    sold: int
    expected: float
    low: float  # of the pieces that came or went on top
    high: float
    revenue_minor: int
    expected_revenue_minor: int
    market: float  # what goods outside did, 1.0 is unchanged

    @property
    def pieces(self) -> float:
        return self.sold - self.expected

    @property
    def uplift(self) -> float | None:
        """The share on top, 0.25 for a quarter more."""
        return self.pieces / self.expected if self.expected > 0 else None

    @property
    def is_clear(self) -> bool:
        return self.low > 0 or self.high < 0


def effect(
    sales: Mapping[date, Day],
    control: Mapping[date, Day],
    *,
    first: date,
    last: date,
    left_out: Collection[date] = (),
) -> Effect | TooLittle:
    """Return what goods sold from `first` to `last` beside their baseline, or why that can't be told."""
    from scipy import stats  # here, so that web workers stay light

    during = [day for day in _days(first, last) if day not in left_out]
    before = [
        day for day in _days(first - timedelta(days=BASELINE_DAYS), first - timedelta(days=1)) if day not in left_out
    ]
    if not during:
        return TooLittle.NOT_BEGUN
    if len(before) < LEAST_BASELINE_DAYS:
        return TooLittle.FEW_DAYS
    base = [sales.get(day, _NOTHING) for day in before]
    if sum(day.pieces for day in base) < LEAST_BASELINE_PIECES:
        return TooLittle.FEW_SALES
    market = _market(control, before, during)
    usual = _per_weekday(before, base)
    expected = market * sum(usual[day.weekday()] for day in during)
    sold = [sales.get(day, _NOTHING) for day in during]
    pieces = sum(day.pieces for day in sold)
    residuals = [day.pieces - usual[at.weekday()] for at, day in zip(before, base, strict=True)]
    degrees = max(len(before) - len({day.weekday() for day in before}), 1)
    variance = max(sum(one * one for one in residuals) / degrees, sum(day.pieces for day in base) / len(base))
    spread = market * sqrt(variance * len(during) * (1 + len(during) / len(before)))
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, degrees)) * spread
    price = sum(day.revenue_minor for day in base) / max(sum(day.pieces for day in base), 1)
    return Effect(
        len(during), pieces, expected, pieces - expected - reach, pieces - expected + reach,
        sum(day.revenue_minor for day in sold), round(expected * price), market,
    )  # fmt: skip


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _per_weekday(days: Sequence[date], sales: Sequence[Day]) -> dict[int, float]:
    """Return the usual pieces of each weekday; of one that wasn't seen, those of any day."""
    whole = sum(day.pieces for day in sales) / len(sales)
    found: dict[int, list[int]] = {}
    for at, day in zip(days, sales, strict=True):
        found.setdefault(at.weekday(), []).append(day.pieces)
    return {weekday: sum(found[weekday]) / len(found[weekday]) if weekday in found else whole for weekday in range(7)}


def _market(control: Mapping[date, Day], before: Sequence[date], during: Sequence[date]) -> float:
    """Return how goods outside the campaign changed, a day; unchanged where they sell too little to say."""
    earlier = sum(control.get(day, _NOTHING).pieces for day in before)
    later = sum(control.get(day, _NOTHING).pieces for day in during)
    if earlier < LEAST_CONTROL_PIECES:
        return 1.0
    return (later / len(during)) / (earlier / len(before))
