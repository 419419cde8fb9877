"""From a draft to the rules in force: the lifecycle as a table, and how many approvals a draft needs and why. [pure]

A draft is written, submitted, approved and published; from then on it is a ruleset version, whose standing follows from the
clock. The table, the database CHECK and the diagram of the README are compared by a test.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST_EMERGENCY = timedelta(hours=24)  # time for a second person to look; after it the emergency ends by itself
MOST_APPROVALS = 5


class State(StrEnum):
    """What is stored of a draft."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    PUBLISHED = "published"
    DISCARDED = "discarded"


class Standing(StrEnum):
    """Where a version stands at an instant: computed, never stored."""

    SCHEDULED = "scheduled"
    ACTIVE = "active"
    SUPERSEDED = "superseded"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """What may be done with a draft."""

    EDIT = "edit"
    SUBMIT = "submit"
    PUBLISH_IN_EMERGENCY = "publish_in_emergency"
    TAKE_BACK = "take_back"
    REJECT = "reject"
    APPROVE = "approve"
    PUBLISH = "publish"
    DISCARD = "discard"


# Whether the last approval was given is decided by `missing`; until then an approval leaves the draft submitted.
MOVES: dict[tuple[State, Action], State] = {
    (State.DRAFT, Action.EDIT): State.DRAFT,
    (State.DRAFT, Action.SUBMIT): State.SUBMITTED,
    (
        State.DRAFT,
        Action.PUBLISH_IN_EMERGENCY,
    ): State.SUBMITTED,  # in force for some hours, approved or called off within
    (State.DRAFT, Action.DISCARD): State.DISCARDED,
    (State.SUBMITTED, Action.TAKE_BACK): State.DRAFT,
    (State.SUBMITTED, Action.REJECT): State.DRAFT,
    (State.SUBMITTED, Action.APPROVE): State.APPROVED,
    (State.APPROVED, Action.TAKE_BACK): State.DRAFT,
    (State.APPROVED, Action.PUBLISH): State.PUBLISHED,
}


def allowed_actions(state: str) -> list[Action]:
    """Return what may be done in a state, in the order of the table."""
    return [action for (begin, action) in MOVES if begin == state]


def after(state: str, action: Action) -> State | None:
    """Return the state that an action leads to, or None where it is not allowed."""
    return MOVES.get((State(state), action))


def diagram() -> str:
    """Return the lifecycle as the README draws it."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.DRAFT}"]
    lines += [f"    {begin} --> {end}: {action}" for (begin, action), end in MOVES.items() if begin != end]
    lines += [f"    {state} --> [*]" for state in (State.PUBLISHED, State.DISCARDED)]
    return "\n".join(lines)


def standing(
    effective_from: datetime,
    effective_to: datetime | None,
    withdrawn_at: datetime | None,
    *,
    in_force: bool,
    at: datetime,
) -> Standing:
    """Return where a published version stands at an instant. `in_force` says that it is the one that decides then."""
    if withdrawn_at is not None and withdrawn_at <= at:
        return Standing.WITHDRAWN
    if at < effective_from:
        return Standing.SCHEDULED
    if in_force:
        return Standing.ACTIVE
    return Standing.SUPERSEDED


# --- how many approvals -------------------------------------------------------------------------------------------


class Measure(StrEnum):
    """What a threshold looks at."""

    ANY_CHANGE = "any_change"
    DEPTH = "depth"  # the deepest discount of what changes, in basis points
    PRODUCTS = "products"  # products that what changes touches
    REVENUE = "revenue"  # what those products took in in the last weeks, in minor units
    MARGIN = "margin"  # the lowest margin of net that what changes leaves, in basis points; below the threshold counts


class Rank(StrEnum):
    """Who approves: a colleague who knows prices, or somebody who answers for them."""

    COLLEAGUE = "colleague"
    LEAD = "lead"


@dataclass(frozen=True, slots=True)
class Threshold:
    """From `limit` on (for margins: below it), so many approvals of a rank are needed."""

    measure: Measure
    limit: int
    rank: Rank
    approvals: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a draft decides how many approvals it needs. None is not known, which counts as too much.

    `…_in` says in which currency and country that is; "" is everywhere.
    """

    changes: int
    deepest_basis_points: int
    products: int
    revenue_minor: int | None = None
    lowest_margin_basis_points: int | None = None
    deepest_in: str = ""
    margin_in: str = ""
    revenue_in: str = ""

    def value(self, measure: Measure) -> int | None:
        """Return what a threshold looks at."""
        return {
            Measure.ANY_CHANGE: self.changes,
            Measure.DEPTH: self.deepest_basis_points,
            Measure.PRODUCTS: self.products,
            Measure.REVENUE: self.revenue_minor,
            Measure.MARGIN: self.lowest_margin_basis_points,
        }[measure]

    def place(self, measure: Measure) -> str:
        """Return where that is."""
        places = {Measure.DEPTH: self.deepest_in, Measure.MARGIN: self.margin_in, Measure.REVENUE: self.revenue_in}
        return places.get(measure, "")


@dataclass(frozen=True, slots=True)
class Reason:
    """A threshold that was reached, by what, and where; `value` is None where nobody knows."""

    threshold: Threshold
    value: int | None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """How many approvals of each rank a draft needs, and why. Every draft needs one of somebody else at least."""

    approvals: Mapping[Rank, int]
    reasons: tuple[Reason, ...]


def assess(facts: Facts, thresholds: Iterable[Threshold]) -> Need:
    """Return the approvals that a draft needs: the most that any reached threshold asks for, of each rank."""
    reasons = tuple(
        Reason(one, facts.value(one.measure), facts.place(one.measure))
        for one in sorted(thresholds, key=lambda one: (one.measure, one.limit, one.rank))
        if _is_reached(one, facts.value(one.measure))
    )
    needed = {
        rank: max((one.threshold.approvals for one in reasons if one.threshold.rank is rank), default=0)
        for rank in Rank
    }
    if not any(needed.values()):
        needed[Rank.COLLEAGUE] = 1
    return Need({rank: count for rank, count in needed.items() if count}, reasons)


def _is_reached(threshold: Threshold, value: int | None) -> bool:
    if value is None:
        return True
    if threshold.measure is Measure.MARGIN:
        return value < threshold.limit
    return value >= threshold.limit


def missing(needed: Mapping[Rank, int], given: Sequence[frozenset[Rank]]) -> dict[Rank, int]:
    """Return the approvals still missing by rank. A lead's counts for a lead first, and for a colleague where none is needed."""
    leads = sum(Rank.LEAD in ranks for ranks in given)
    colleagues = len(given) - leads
    spare = max(leads - needed.get(Rank.LEAD, 0), 0)
    open_now = {
        Rank.COLLEAGUE: max(needed.get(Rank.COLLEAGUE, 0) - colleagues - spare, 0),
        Rank.LEAD: max(needed.get(Rank.LEAD, 0) - leads, 0),
    }
    return {rank: count for rank, count in open_now.items() if count}
