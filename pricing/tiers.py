"""Tiers: prices that depend on the quantity, either for all units or each unit at its own step. [pure]"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pricing.terms import TierMode


@dataclass(frozen=True, slots=True)
class Tier:
    """From `min_quantity` pieces on, one piece costs `amount_minor`."""

    min_quantity: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Part:
    """So many pieces at one price."""

    quantity: int
    amount_minor: int

    @property
    def total_minor(self) -> int:
        return self.quantity * self.amount_minor


@dataclass(frozen=True, slots=True)
class Inversion:
    """From `from_quantity` to `to_quantity` pieces cost more than `cheaper_quantity` pieces do."""

    from_quantity: int
    to_quantity: int
    cheaper_quantity: int
    total_minor: int  # of `to_quantity` pieces
    cheaper_total_minor: int


def parts(
    tiers: Sequence[Tier], quantity: int, mode: TierMode, *, before: int = 0, whole: int | None = None
) -> tuple[Part, ...]:
    """Return what `quantity` pieces cost, as parts of one price each; nothing when no tier covers the quantity.

    Where the variants of a family count together, `whole` is how many pieces they are and `before` how many of them
    come before these.
    """
    steps = sorted(tiers, key=lambda tier: tier.min_quantity)
    if whole is not None:
        return _of_family(steps, quantity, mode, before, whole)
    reached = [tier for tier in steps if tier.min_quantity <= quantity]
    if not reached:
        return ()
    if mode is TierMode.ALL_UNITS:
        return (Part(quantity, reached[-1].amount_minor),)
    if reached[0].min_quantity > 1:
        return ()  # the first pieces would have no price
    ends = [tier.min_quantity for tier in reached[1:]] + [quantity + 1]
    return tuple(Part(end - tier.min_quantity, tier.amount_minor) for tier, end in zip(reached, ends, strict=True))


def _of_family(steps: Sequence[Tier], quantity: int, mode: TierMode, before: int, whole: int) -> tuple[Part, ...]:
    if mode is TierMode.ALL_UNITS:
        reached = [tier for tier in steps if tier.min_quantity <= whole]
        return (Part(quantity, reached[-1].amount_minor),) if reached else ()
    if not steps or steps[0].min_quantity > before + 1:
        return ()
    found = []
    ends = [tier.min_quantity - 1 for tier in steps[1:]] + [before + quantity]
    for tier, end in zip(steps, ends, strict=True):
        pieces = min(end, before + quantity) - max(before, tier.min_quantity - 1)
        if pieces > 0:
            found.append(Part(pieces, tier.amount_minor))
    return tuple(found)


def total_minor(tiers: Sequence[Tier], quantity: int, mode: TierMode) -> int | None:
    """Return what `quantity` pieces cost in all, or None when no tier covers the quantity."""
    found = parts(tiers, quantity, mode)
    return sum(part.total_minor for part in found) if found else None


def inversions(tiers: Sequence[Tier], mode: TierMode = TierMode.ALL_UNITS) -> list[Inversion]:
    """Find quantities for which buying more costs less, which customers find and complain about.

    Only tiers for all units can be inverted: with graduated ones every further piece adds its own price.
    """
    if mode is not TierMode.ALL_UNITS:
        return []
    steps = sorted(tiers, key=lambda tier: tier.min_quantity)
    found = []
    for lower, upper in pairwise(steps):
        last = upper.min_quantity - 1
        cheaper = upper.min_quantity * upper.amount_minor
        if last * lower.amount_minor > cheaper:
            first = max(lower.min_quantity, cheaper // lower.amount_minor + 1)
            found.append(Inversion(first, last, upper.min_quantity, last * lower.amount_minor, cheaper))
    return found
