"""By when pieces that wait can be there: from dated supply, in the order in which they were promised. [pure]

Supply is (date, pieces); what should have come before today has no date any more, so it promises nothing. A date is
never before the day on which enough has come for all who were first, less what a policy keeps for safety.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum

Supply = Sequence[tuple[date, int]]


class PolicyKind(StrEnum):
    BACKORDER = "backorder"
    PREORDER = "preorder"


class ClaimKind(StrEnum):
    HOLD = "hold"
    ALLOCATION = "allocation"


class Why(StrEnum):
    """Why a date was promised or revised."""

    PROMISED = "promised"  # the first date
    SUPPLY_MOVED = "supply_moved"
    GOODS_ARRIVED = "goods_arrived"
    GOODS_MISSING = "goods_missing"  # what was there for it is gone
    OVERTAKEN = "overtaken"  # a younger promise comes first by the priority of its channel


def dated(supply: Iterable[tuple[date, int]], *, today: date) -> list[tuple[date, int]]:
    """Return the supply that can still be believed, by date."""
    return sorted((on, pieces) for on, pieces in supply if on >= today and pieces > 0)


def covered(supply: Supply, *, safety: int = 0) -> int:
    """Return how many pieces dated supply can promise."""
    return max(sum(pieces for _on, pieces in supply) - safety, 0)


def fallback(*, release_on: date | None, lead_days: int | None, since: date, today: date) -> date | None:
    """Return the date that holds without dated supply, or None when there is none or it has passed."""
    on = release_on if release_on is not None else None if lead_days is None else since + timedelta(days=lead_days)
    return on if on is not None and on >= today else None


def date_of(
    needed: int, supply: Supply, *, safety: int = 0, release_on: date | None = None, otherwise: date | None = None
) -> date | None:
    """Return the day on which the `needed`-th waiting piece is there; `otherwise` where supply doesn't reach so far.

    `supply` is in order of dates. Nothing is promised before `release_on`.
    """
    there = -safety
    for on, pieces in supply:
        there += pieces
        if there >= needed:
            return on if release_on is None else max(on, release_on)
    return otherwise
