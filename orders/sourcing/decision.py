"""A decision with everything it was made of: the parts of the plan, the losers by rank, and who was out for what. [pure]"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from orders.sourcing.criteria import UNKNOWN_KM, Criterion, Reason, Refusal
from orders.sourcing.measuring import Block, Look, Way, World
from orders.sourcing.network import Place
from orders.sourcing.policy import Mode, Policy
from orders.sourcing.problem import Problem
from orders.sourcing.search import Found, Part, search

MOST_KEPT = 10  # losers of each part that are told one by one; how many there were is told in any case
MOST_CLOSE = 5  # of those that lack stock, told with what is there
MOST_NAMED = 60  # places named for one reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that could serve a part: its rank there, its measures, its score, and how it would send."""

    place: Place
    rank: int
    values: Mapping[Criterion, int]
    score: int
    way: Way | None

    def document(self) -> dict[str, Any]:
        """Return the candidate as the decision keeps it."""
        km = self.values.get(Criterion.DISTANCE, UNKNOWN_KM)
        return {
            "location": self.place.code,
            "name": self.place.name,
            "rank": self.rank,
            "distance_km": None if km == UNKNOWN_KM else km,
            "values": {criterion.value: value for criterion, value in sorted(self.values.items())},
            "service": self.way.service if self.way else None,
            "arrives_on": date.fromordinal(self.way.arrives_on).isoformat() if self.way else None,
        }


@dataclass(frozen=True, slots=True)
class Share:
    """What one place of the plan serves: pieces by product of each line, why it won, and who would have been next."""

    place: Place
    lines: Mapping[str, Mapping[int, int]]
    winner: Candidate
    losers: tuple[Candidate, ...]
    able: int

    @property
    def goods(self) -> dict[int, int]:
        """Pieces by product of all its lines."""
        found: dict[int, int] = {}
        for goods in self.lines.values():
            for product, pieces in goods.items():
                found[product] = found.get(product, 0) + pieces
        return found

    def document(self) -> dict[str, Any]:
        return {
            "location": self.place.code,
            "name": self.place.name,
            "lines": {line: {str(one): count for one, count in goods.items()} for line, goods in self.lines.items()},
            "winner": self.winner.document(),
            "losers": [one.document() for one in self.losers],
            "able": self.able,
        }


@dataclass(frozen=True, slots=True)
class Together:
    """A parcel that an order shares with others, by their names: what it costs, and what of that is this order's.

    One that `waited` for its carrier already costs only what it costs more for what comes in.
    """

    place: Place
    others: tuple[str, ...]
    cost_minor: int
    share_minor: int
    waited: bool = False

    def document(self) -> dict[str, Any]:
        return {
            "location": self.place.code,
            "orders": list(self.others),
            "cost_minor": self.cost_minor,
            "share_minor": self.share_minor,
            **({"waited": True} if self.waited else {}),
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Where an order is served from, or why nowhere.

    `tried` says what the best plan of every number of parts came to: (parts, cost in minor units, score). `score` of a weighed
    policy is in thousandths of a minor unit.
    """

    policy: Policy
    shares: tuple[Share, ...]
    refusal: Refusal | None
    excluded: Mapping[Reason, tuple[str, ...]]
    short: Mapping[str, Mapping[int, int]]  # by place, of those that lack only stock: what is there of what lacks
    tried: tuple[tuple[int, int, int], ...] = ()
    cost_minor: int = 0
    score: int = 0
    is_exact: bool = True
    was_divided: bool = False
    looked_at: int = 0
    together: tuple[Together, ...] = ()  # the parcels that it shares with other orders

    def document(self) -> dict[str, Any]:
        """Return the decision as it is kept for ever."""
        weighed = self.policy.mode is Mode.WEIGHED
        return {
            "shares": [share.document() for share in self.shares],
            "refusal": self.refusal.value if self.refusal else None,
            "excluded": {
                reason.value: {"count": len(codes), "locations": list(codes[:MOST_NAMED])}
                for reason, codes in self.excluded.items()
            },
            "short": {code: {str(one): pieces for one, pieces in goods.items()} for code, goods in self.short.items()},
            "tried": [
                {"parts": parts, "cost_minor": cost, **({"score": score} if weighed else {})}
                for parts, cost, score in self.tried
            ],
            "cost_minor": self.cost_minor,
            "score": self.score if weighed else None,
            "terms": [[one.criterion.value, one.rate if weighed else one.step] for one in self.policy.terms],
            "mode": self.policy.mode.value,
            "exact": self.is_exact,
            "divided": self.was_divided,
            "looked_at": self.looked_at,
            **({"together": [one.document() for one in self.together]} if self.together else {}),
        }


def decide(problem: Problem, world: World, policy: Policy) -> Decision:
    """Decide from where an order is served, and say why."""
    look = Look(problem, world, policy)
    found = search(look)
    return explain(look, found)


def of_chosen(place: Place, method: str, lines: Mapping[str, Mapping[int, int]], policy: Policy) -> Decision:
    """Decide on what a customer fetches at the place that they chose: only whether it can be."""
    out = {
        Reason.INACTIVE: not place.is_active,
        Reason.PAUSED: place.is_paused,
        Reason.METHOD_NOT_OFFERED: method not in place.capabilities,
    }
    excluded = {reason: (place.code,) for reason, is_out in out.items() if is_out}
    if excluded:
        return Decision(policy, (), Refusal.NOBODY_ABLE, excluded, {})
    return Decision(policy, (Share(place, lines, Candidate(place, 1, {}, 0, None), (), 1),), None, {}, {})


def explain(look: Look, found: Found) -> Decision:
    """Return what a search found as a decision with all that it was made of."""
    plan, number_of = found.chosen, found.look
    excluded, short = _excluded(look, is_served=plan is not None)
    return Decision(
        look.policy,
        tuple(_share(number_of, part) for part in plan.parts) if plan else (),
        found.refusal,
        excluded,
        short,
        tuple((parts, one.cost_minor, one.score) for parts, one in sorted(found.best.items())),
        plan.cost_minor if plan else 0,
        plan.score if plan else 0,
        found.is_exact,
        found.was_divided,
        found.looked_at,
    )


def _share(look: Look, part: Part) -> Share:
    lines: dict[str, dict[int, int]] = {}
    for number in part.units:
        line = look.lines[number]
        goods = lines.setdefault(line.id, {})
        for product, pieces in line.goods:
            goods[product] = goods.get(product, 0) + pieces
    ranked = part.block.ranked(MOST_KEPT + 1)
    candidates = {
        place: _candidate(look, part.block, place, rank, score) for rank, (score, place) in enumerate(ranked, start=1)
    }
    winner = candidates.pop(part.place, None) or _candidate(look, part.block, part.place, 0, part.score)
    losers = tuple(candidates.values())
    return Share(winner.place, lines, winner, losers[:MOST_KEPT], int(part.block.places.size))


def _candidate(look: Look, block: Block, place: int, rank: int, score: int) -> Candidate:
    return Candidate(look.network.places[place], rank, block.values(place), score, look.way(block, place))


def _excluded(look: Look, *, is_served: bool) -> tuple[dict[Reason, tuple[str, ...]], dict[str, dict[int, int]]]:
    """Return who is out for what; the pieces that lack are told where nobody serves the order, or for the few that were close."""
    places, problem = look.network.places, look.problem
    asked = look._among(problem.only) if problem.only is not None else None
    reasons: dict[Reason, Any] = dict(look.barred)
    for line in look.lines:
        for reason, column in look.line_bars(line).items():
            known = reasons.get(reason)
            reasons[reason] = column if known is None else known | column
    found: dict[Reason, tuple[str, ...]] = {}
    out = ~look.open
    for reason, column in reasons.items():
        shown = column if asked is None else column & asked
        numbers = shown.nonzero()[0]
        if numbers.size:
            found[reason] = tuple(places[number].code for number in numbers.tolist())
            out = out | column
    short: dict[str, dict[int, int]] = {}
    if problem.judges_stock:
        lacking = ~out
        has_all = lacking.copy()
        for product, pieces in problem.wanted.items():
            has_all &= look.available(product) >= pieces
        numbers = (lacking & ~has_all).nonzero()[0]
        if numbers.size:
            found[Reason.NOT_ENOUGH_STOCK] = tuple(places[number].code for number in numbers.tolist())
            nearest = numbers[np.argsort(look.km[numbers], kind="stable")[: MOST_CLOSE if is_served else MOST_NAMED]]
            for number in nearest.tolist():
                short[places[number].code] = _lack(look, number)
    return found, short


def _lack(look: Look, number: int) -> dict[int, int]:
    wanted = look.problem.wanted
    there = {product: int(look.available(product)[number]) for product in wanted}
    return {product: there[product] for product, pieces in wanted.items() if there[product] < pieces}


def nearly(decision: Decision) -> tuple[str, Mapping[int, int]] | None:
    """Return the place that lacks only stock and least of it, with what is there of what lacks; for a refusal that helps."""
    order: Sequence[str] = list(decision.short)
    return min(
        ((code, decision.short[code]) for code in order),
        key=lambda one: (len(one[1]), order.index(one[0])),
        default=None,
    )
