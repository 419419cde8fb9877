"""Rounding: half up on integers, declared per currency and stored on each quote. No float, no Decimal context. [pure]

Half up is the commercial rule: exactly half goes away from zero, so that a charge and its refund mirror each other.
"""

from collections.abc import Callable
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


def _ending(ending: int, step: int) -> Callable[[int], int]:
    def nearest(amount_minor: int) -> int:
        return max(ending, half_up(amount_minor - ending, step) * step + ending)

    return nearest


# How computed prices are made to look like prices; the name is kept with the formula. Ties go up, never below the ending.
NAMED: dict[str, Callable[[int], int]] = {
    "exact": lambda amount_minor: amount_minor,
    "ends_99": _ending(99, 100),  # 12.48 → 11.99, 12.49 → 12.99
    "ends_95": _ending(95, 100),
    "ends_90": _ending(90, 100),
    "ends_9": _ending(9, 10),  # 12.34 → 12.29, 12.35 → 12.39
    "five": lambda amount_minor: to_step(amount_minor, 5),
    "ten": lambda amount_minor: to_step(amount_minor, 10),
    "whole": lambda amount_minor: to_step(amount_minor, 100),
}


def to_step(amount_minor: int, step_minor: int) -> int:
    """Return the multiple of `step_minor` nearest to the amount, halves away from zero."""
    return half_up(amount_minor, step_minor) * step_minor
