"""What the promotions of a version ask about buyers: what nobody asks for needn't be kept. [pure]"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pricing.promotions.terms import Promotion


@dataclass(frozen=True, slots=True)
class Asked:
    """The groups, segments and loyalty tiers that are named, and whether a first order makes a difference."""

    groups: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    is_first_order: bool = False


def by(promotions: Iterable[Promotion]) -> Asked:
    """Return what some promotions ask about who buys."""
    terms = [one.conditions for one in promotions]
    return Asked(
        frozenset(name for one in terms for name in one.customer_groups),
        frozenset(name for one in terms for name in (*one.segments, *one.except_segments)),
        frozenset(name for one in terms for name in one.loyalty_tiers),
        any(one.is_first_order is not None for one in terms),
    )
