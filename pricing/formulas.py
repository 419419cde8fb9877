"""Prices that are computed from those of another list: a share, an addition, another currency, rounded by a named rule. [pure]"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from commerce import money
from pricing import rounding
from pricing.listing import PriceTerms

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Formula:
    """A list's prices: so many basis points of another list's, plus an amount, rounded by a name of `rounding.NAMED`."""

    base: int
    basis_points: int
    add_minor: int = 0
    rounding: str = "exact"


@dataclass(frozen=True, slots=True)
class DatedRate:
    """What one unit of a currency is in another one, in millionths, within `[valid_from, valid_until)`."""

    base: str
    quote: str
    millionths: int
    valid_from: datetime | None
    valid_until: datetime | None


def circle(list_id: int, bases: Mapping[int, int]) -> list[int]:
    """Return the lists on the way from a list back to itself, or nothing. `bases` says what each list is computed from."""
    way = [list_id]
    while (following := bases.get(way[-1])) is not None:
        if following in way:
            return way[way.index(following) :]
        way.append(following)
    return []


def price(amount_minor: int, formula: Formula, *, currency: str, base_currency: str, millionths: int = MILLION) -> int:
    """Return the price by a formula: converted, multiplied and rounded once, then the addition, then the named rounding."""
    shift = money.exponent(currency) - money.exponent(base_currency)
    numerator = amount_minor * formula.basis_points * millionths * 10 ** max(0, shift)
    exact = rounding.half_up(numerator, rounding.BASIS_POINTS * MILLION * 10 ** max(0, -shift))
    return max(0, rounding.NAMED[formula.rounding](max(0, exact + formula.add_minor)))


def derived(
    entries: Sequence[PriceTerms],
    list_id: int,
    formula: Formula,
    *,
    code: str,
    currency: str,
    base_currency: str,
    rates: Sequence[DatedRate] = (),
) -> list[PriceTerms]:
    """Return what a list's formula makes of the entries of its base; in another currency, for each rate's time apart."""
    name = f"{formula.basis_points / 100:g} % of {code}"
    if currency == base_currency:
        return [
            replace(
                entry,
                list_id=list_id,
                amount_minor=price(entry.amount_minor, formula, currency=currency, base_currency=base_currency),
                via=name,
            )
            for entry in entries
        ]
    found = []
    for entry in entries:
        for rate in rates:
            if (rate.base, rate.quote) != (base_currency, currency):
                continue
            starts = [one for one in (entry.valid_from, rate.valid_from) if one is not None]
            ends = [one for one in (entry.valid_until, rate.valid_until) if one is not None]
            start, end = max(starts, default=None), min(ends, default=None)
            if start is not None and end is not None and start >= end:
                continue
            amount = price(
                entry.amount_minor, formula, currency=currency, base_currency=base_currency, millionths=rate.millionths
            )
            via = f"{name} at {rate.millionths / MILLION:g}"
            found.append(PriceTerms(list_id, entry.min_quantity, amount, start, end, via))
    return found
