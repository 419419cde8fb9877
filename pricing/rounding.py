"""Rounding: half up on integers, declared per currency and stored on each quote. No float, no Decimal context. [pure]

Half up is the commercial rule: exactly half goes away from zero, so that a charge and its refund mirror each other.
"""

from dataclasses import dataclass

MODE = "half_up"
BASIS_POINTS = 10_000  # 100 %

# The smallest coin where it is larger than the minor unit. Switzerland withdrew its 1 and 2 centime coins, so cash is
# paid in steps of 0.05; paying by card is exact, hence an option and off unless asked for.
CASH_STEPS = {"CHF": 5}


@dataclass(frozen=True, slots=True)
class Rounding:
    """How one currency is rounded. `cash_step_minor` is 1 unless totals are rounded to a coin."""

    currency: str
    mode: str = MODE
    cash_step_minor: int = 1


def declared_for(currency: str, *, cash: bool = False) -> Rounding:
    """Return how `currency` is rounded; with `cash`, totals go to the nearest coin where there is no coin for a unit."""
    return Rounding(currency, cash_step_minor=CASH_STEPS.get(currency, 1) if cash else 1)


def half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded to a whole number, halves away from zero. `denominator` is positive."""
    if denominator <= 0:
        raise ValueError("the denominator must be positive")
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def percentage(amount_minor: int, basis_points: int) -> int:
    """Return `basis_points` (1 % = 100) of an amount in minor units, rounded once."""
    return half_up(amount_minor * basis_points, BASIS_POINTS)


def to_step(amount_minor: int, step_minor: int) -> int:
    """Return the multiple of `step_minor` nearest to the amount, halves away from zero."""
    return half_up(amount_minor, step_minor) * step_minor
