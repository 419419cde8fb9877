"""From a forecast to an order: how far stock must reach, where to order again, how much, and on which day. [pure]

The order covers demand until the *next* one can arrive: lead time + review period. Safety has two parts at right angles:
demand above its expectation (from the spread of forecasts that came true), and a supplier later than usual.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil, hypot, lcm
from statistics import NormalDist

from inventory.replenishment.spread import Spread

FARTHEST_ORDER_DAY = 400  # days; a calendar that has no day in so long has none


@dataclass(frozen=True, slots=True)
class Terms:
    """How goods are reordered: days, pieces, and the probability (0 to 1) that demand until the next arrival is met."""

    service_level: float
    review_days: int
    lead_time_days: float
    lead_time_deviation_days: float = 0.0
    safety_stock: int = 0
    reorder_point: int | None = None
    target_level: int | None = None
    lot_size: int = 1
    case_pack: int = 1
    minimum_order: int = 1

    @property
    def step(self) -> int:
        """Return the pieces that an order comes in multiples of: whole lots of whole cases."""
        return lcm(self.lot_size, self.case_pack)


@dataclass(frozen=True, slots=True)
class Levels:
    """Where to order again and up to where, in pieces, with the parts it was worked out from."""

    reorder_point: int
    target_level: int
    expected: float  # pieces until the next order arrives
    safety_for_demand: float
    safety_for_lead_time: float
    safety_stock: int
    cover_days: float
    is_fixed: bool  # the rule names the reorder point itself


def levels(expected: float, terms: Terms, spread: Spread, *, waiting_days: int = 0) -> Levels:
    """Work out the levels for `expected` pieces over the days to cover (lead time + review + waiting for an order day)."""
    days = cover_days(terms, waiting_days)
    a_day = expected / days
    beyond = max(spread.quantile(expected, days, terms.service_level) - expected, 0.0)
    late = max(NormalDist().inv_cdf(terms.service_level), 0.0) * a_day * terms.lead_time_deviation_days
    safety = max(ceil(hypot(beyond, late) - 1e-9), terms.safety_stock) if expected > 0 else terms.safety_stock
    point = terms.reorder_point if terms.reorder_point is not None else ceil(expected - 1e-9) + safety
    target = terms.target_level
    if target is None:
        target = point if terms.reorder_point is None else point + ceil(a_day * terms.review_days)
    if terms.reorder_point is None:
        point = min(point, target)
    return Levels(point, target, expected, beyond, late, safety, days, terms.reorder_point is not None)


def cover_days(terms: Terms, waiting_days: int = 0) -> float:
    """Return the days that an order must cover."""
    return max(terms.lead_time_days + terms.review_days + waiting_days, 1.0)


def quantity(position: int, wanted: Levels, terms: Terms) -> int:
    """Return the pieces to order at a stock position (on hand + coming − promised): 0 while it reaches.

    At least the minimum order, in whole cases and lots, rounded up.
    """
    is_due = position <= wanted.reorder_point if wanted.is_fixed else position < wanted.reorder_point
    missing = wanted.target_level - position
    if not is_due or missing <= 0:
        return 0
    return rounded_up(max(missing, terms.minimum_order), terms.step)


def rounded_up(pieces: int, step: int) -> int:
    """Return the smallest multiple of `step` that is at least `pieces`."""
    return -(-pieces // step) * step


def order_day(today: date, weekdays: Sequence[int], closed_from: date | None, closed_until: date | None) -> date:
    """Return the first day from `today` on which the supplier takes orders: ISO weekdays (none: any), but for the closed days.

    A calendar without any such day within reach is answered with today: better an early order than none.
    """
    for offset in range(FARTHEST_ORDER_DAY):
        day = today + timedelta(days=offset)
        is_closed = closed_from is not None and closed_until is not None and closed_from <= day <= closed_until
        if not is_closed and (not weekdays or day.isoweekday() in weekdays):
            return day
    return today


def expected_demand(per_week: float, first: date, days: float, factors: Sequence[tuple[date, date, float]]) -> float:
    """Return the pieces expected in `days` from `first` on; promotions (first day, last day, factor) multiply their days."""
    whole = int(days)
    total = 0.0
    for offset in range(whole + 1):
        day = first + timedelta(days=offset)
        share = 1.0 if offset < whole else days - whole
        total += share * per_week / 7 * factor_on(day, factors)
    return total


def factor_on(day: date, factors: Sequence[tuple[date, date, float]]) -> float:
    """Return how many times as much sells on a day; promotions at the same time do not multiply each other, the largest counts."""
    return max([factor for first, last, factor in factors if first <= day <= last], default=1.0)
