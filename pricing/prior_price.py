"""The prior price of a reduction: the lowest price of the 30 days before it was first announced. [pure]

Law: directive 98/6/EC art. 6a, § 11 PAngV. Whoever announces a reduction names the lowest price that was applied in the
30 days before; a percentage refers to that price as well (Court of Justice, C-330/23 of 26 September 2024). For steps
down without a break, the prior price of the first step stays the one to name (art. 6a (5), § 11 (2) PAngV).

How this module counts: the 30 days are whole local days before the day of the announcement, and the part of that day before
it; a price that was in force as they began counts, however old (it was applied then); a price that had ended by then does
not. A rise, a return to a price that isn't announced as reduced, or a time without offer ends a run of steps: the next
reduction looks at 30 days of its own, the old low included. What was never offered before has no prior price, so nothing
about it can be announced as reduced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from pricing.rounding import BASIS_POINTS

DAYS = 30


@dataclass(frozen=True, slots=True)
class Applied:
    """A price that anyone could have, VAT included, for one piece, within [`from_at`, `until_at`); None is open.

    `is_reduced` says that it was announced as a reduction, `announced_at` when, if that was before it began. Prices for
    some (coupons, groups, loyalty) are none.
    """

    amount_minor: int
    from_at: datetime
    until_at: datetime | None = None
    is_reduced: bool = False
    announced_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it was applied at an instant."""
        return self.from_at <= at and (self.until_at is None or at < self.until_at)


class Unknown(StrEnum):
    """Why there is no prior price."""

    NEVER_OFFERED = "never_offered"  # new: there is no price before this one
    NOT_ON_OFFER = "not_on_offer"  # there was an earlier price, but none in the 30 days


@dataclass(frozen=True, slots=True)
class PriorPrice:
    """The lowest price of the 30 days, and what proves it.

    `anchored_at` is the announcement of the first step, `since` the first instant that was looked at. `evidence` are the
    prices that were applied between the two, `lowest` the first of them that was as low; `is_carried_in` says that it was
    older than the 30 days and still in force as they began. `is_shorter` says that the goods were on offer for less.
    """

    amount_minor: int
    anchored_at: datetime
    since: datetime
    lowest: Applied
    evidence: tuple[Applied, ...]
    is_carried_in: bool
    is_shorter: bool
    steps: int = 1


def prior_price(
    history: Sequence[Applied], amount_minor: int, *, announced_at: datetime, time_zone: str
) -> PriorPrice | Unknown:
    """Return the prior price of a reduction to `amount_minor` that is first announced at `announced_at`.

    `history` are the prices of one product on one channel in the order of time, which don't overlap; what begins at the
    announcement or later plays no part. `time_zone` is that of the channel's country. Raises: ValueError when they overlap.
    """
    _check(history)
    before = list(history)
    anchor, limit, steps = announced_at, amount_minor, 1
    while True:
        while before and before[-1].from_at >= anchor:
            before.pop()
        if not before or not _leads_to(before[-1], anchor, limit):
            return _lowest(before, anchor, steps, time_zone)
        step = before.pop()
        steps += step.amount_minor != limit  # a step may be noted in several pieces
        anchor, limit = step.announced_at or step.from_at, step.amount_minor


def _leads_to(price: Applied, anchor: datetime, amount_minor: int) -> bool:
    """Whether a price is the step before: announced as reduced, not lower, and without a break until then."""
    is_unbroken = price.until_at is None or price.until_at >= anchor
    return price.is_reduced and is_unbroken and price.amount_minor >= amount_minor


def _lowest(before: Sequence[Applied], anchor: datetime, steps: int, time_zone: str) -> PriorPrice | Unknown:
    if not before:
        return Unknown.NEVER_OFFERED
    zone = ZoneInfo(time_zone)
    first_day = anchor.astimezone(zone).date() - timedelta(days=DAYS)
    since = datetime.combine(first_day, time(), tzinfo=zone)
    evidence = tuple(price for price in before if price.until_at is None or price.until_at > since)
    if not evidence:
        return Unknown.NOT_ON_OFFER
    lowest = min(evidence, key=lambda price: price.amount_minor)
    return PriorPrice(
        amount_minor=lowest.amount_minor,
        anchored_at=anchor,
        since=since,
        lowest=lowest,
        evidence=evidence,
        is_carried_in=lowest.from_at < since,
        is_shorter=before[0].from_at > since,
        steps=steps,
    )


def _check(history: Sequence[Applied]) -> None:
    for earlier, later in pairwise(history):
        if earlier.until_at is None or later.from_at < earlier.until_at:
            raise ValueError(f"Prices overlap: one begins at {later.from_at} while the one before still holds.")


# --- what may be said ------------------------------------------------------------------------------------------------


def saving_minor(prior_minor: int, amount_minor: int) -> int:
    """Return what is saved against the prior price; nothing where the price isn't lower."""
    return max(prior_minor - amount_minor, 0)


def saving_basis_points(prior_minor: int, amount_minor: int) -> int:
    """Return the percentage (12.5 % = 1250) that may be claimed at most: rounded down, since more would be untrue."""
    return saving_minor(prior_minor, amount_minor) * BASIS_POINTS // prior_minor if prior_minor > 0 else 0


def is_true(claimed_basis_points: int, *, prior_minor: int, amount_minor: int) -> bool:
    """Whether "-x %" may be said: not more than what is really saved against the prior price."""
    return 0 < claimed_basis_points * prior_minor <= BASIS_POINTS * saving_minor(prior_minor, amount_minor)
