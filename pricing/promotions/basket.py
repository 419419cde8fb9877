"""A basket while promotions work on it: what each line and each piece still costs, and which pieces are used up. [pure]

Pieces of a line are kept as runs of equal ones, first piece first, so that 9,999 of them cost no more than one. A cut is
shared over the pieces by largest remainder (ties: the dearer, then the earlier piece), and only when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pricing import rounding

Runs = tuple[tuple[int, int], ...]  # (pieces, what one of them costs)


class StockFacts(NamedTuple):
    """What is known of a product's stock: pieces to sell, and for how many days they last (None: nobody knows)."""

    available: int
    cover_days: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A line as promotions see it, at list price. `weight` turns its basis into what is paid (gross: 10,000)."""

    product_id: int
    sku: str
    category: str
    amount_minor: int
    runs: Runs
    quantity: int
    weight: int = rounding.BASIS_POINTS
    is_charge: bool = False
    is_fixed: bool = False  # no promotion touches it
    floor_minor: int | None = None
    stock: StockFacts | None = None


class Pool(NamedTuple):
    """Equal pieces of one line that are not used up."""

    amount_minor: int
    position: int
    pieces: int


Chain = tuple["Chain", int] | None  # cuts since the runs were worked out, newest first


class Basket:
    """The running amounts of some lines. `copy` is cheap, so that alternatives can be tried."""

    __slots__ = ("_pending", "_runs", "amounts", "lines", "original", "taken", "weight")

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        weights = {line.weight for line in lines}
        self.weight = weights.pop() if len(weights) == 1 else 0  # that of all lines; 0 where they differ
        self.original = [line.amount_minor for line in lines]
        self.amounts = self.original[:]
        self.taken = [0] * len(lines)
        self._runs: list[Runs] = [line.runs for line in lines]
        self._pending: list[Chain] = [None] * len(lines)

    def copy(self) -> Basket:
        """Return a basket that goes its own way from here."""
        other = Basket.__new__(Basket)
        other.lines, other.original, other.weight = self.lines, self.original, self.weight
        other.amounts = self.amounts[:]
        other.taken = self.taken[:]
        other._runs = self._runs[:]
        other._pending = self._pending[:]
        return other

    def cut(self, cuts: Mapping[int, int]) -> None:
        """Take amounts off lines, by position."""
        for position, minor in cuts.items():
            self.amounts[position] -= minor
            self._pending[position] = (self._pending[position], minor)

    def take(self, pieces: Mapping[int, int]) -> None:
        """Use up pieces of lines, by position."""
        for position, count in pieces.items():
            self.taken[position] += count

    def worth(self, cuts: Mapping[int, int]) -> int:
        """Return what amounts, by position, are of what is paid, weighted so that net and gross lines compare."""
        if self.weight:
            return sum(cuts.values()) * self.weight
        return sum(minor * self.lines[position].weight for position, minor in cuts.items())

    def total(self) -> int:
        """Return what is left to pay, weighted so that net and gross lines compare."""
        if self.weight:
            return sum(self.amounts) * self.weight
        return sum(amount * line.weight for amount, line in zip(self.amounts, self.lines, strict=True))

    def runs(self, position: int) -> Runs:
        """Return what the pieces of a line cost now, first piece first."""
        chain = self._pending[position]
        if chain is not None:
            cuts: list[int] = []
            while chain is not None:
                chain, minor = chain
                cuts.append(minor)
            runs = self._runs[position]
            for minor in reversed(cuts):
                runs = after_cut(runs, minor)
            self._runs[position] = runs
            self._pending[position] = None
        return self._runs[position]

    def free(self, position: int) -> int:
        """Return how many pieces of a line are not used up."""
        return self.lines[position].quantity - self.taken[position]

    def pools(self, positions: Iterable[int]) -> list[Pool]:
        """Return the pieces of lines that are not used up, the dearest first, then by line."""
        found: list[Pool] = []
        for position in positions:
            gone = self.taken[position]
            for count, amount in sorted(self.runs(position), key=lambda run: -run[1]):
                left = count - gone
                if left > 0:
                    found.append(Pool(amount, position, left))
                    gone = 0
                else:
                    gone -= count
        found.sort(key=lambda pool: (-pool.amount_minor, pool.position))
        return found


def after_cut(runs: Runs, minor: int) -> Runs:
    """Return pieces after a cut was shared over them by what they cost; nothing is lost, no piece falls below zero."""
    return _shared(runs, minor, -1)


def after_adding(runs: Runs, minor: int) -> Runs:
    """Return pieces after an amount, such as the tax on net prices, was shared over them by what they cost."""
    return _shared(runs, minor, 1)


def _shared(runs: Runs, minor: int, sign: int) -> Runs:
    whole = sum(count * amount for count, amount in runs)
    if minor == 0 or whole <= 0:
        return runs
    if len(runs) == 1:
        ((count, amount),) = runs
        share, more = divmod(minor, count)
        if not more:
            return ((count, amount + sign * share),)
        return ((more, amount + sign * (share + 1)), (count - more, amount + sign * share))
    shares = [minor * amount // whole for _count, amount in runs]
    missing = minor - sum(share * count for share, (count, _amount) in zip(shares, runs, strict=True))
    extra = [0] * len(runs)
    for position in sorted(range(len(runs)), key=lambda i: (-(minor * runs[i][1] % whole), -runs[i][1], i)):
        extra[position] = min(missing, runs[position][0])
        missing -= extra[position]
        if not missing:
            break
    parts: list[tuple[int, int]] = []
    for share, more, (count, amount) in zip(shares, extra, runs, strict=True):
        if more:
            parts.append((more, amount + sign * (share + 1)))
        if count > more:
            parts.append((count - more, amount + sign * share))
    return joined(parts)


def joined(parts: Iterable[tuple[int, int]]) -> Runs:
    """Return runs with equal neighbours as one."""
    runs: list[tuple[int, int]] = []
    for count, amount in parts:
        if runs and runs[-1][1] == amount:
            runs[-1] = (runs[-1][0] + count, amount)
        elif count:
            runs.append((count, amount))
    return tuple(runs)
