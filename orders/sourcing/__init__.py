"""From where an order is served: candidates in, a ranking out, with the reasons of each that lost. [pure]

The first policy: a location must be active, able to do the method and have the whole order; of those the nearest wins,
then the one that keeps most of what is asked for, then the lower code. A pickup has one candidate: the store that the
customer chose.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

POLICY_VERSION = "first-1"


class Reason(StrEnum):
    """Why a location can't serve the order."""

    INACTIVE = "inactive"
    METHOD_NOT_OFFERED = "method_not_offered"
    NOT_ENOUGH_STOCK = "not_enough_stock"
    BEHIND_CUSTOMS = "behind_customs"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location as the decision sees it. `available` is in pieces by product; `distance_km` to the customer, if known."""

    location_id: int
    code: str
    name: str
    is_active: bool
    capabilities: frozenset[str]
    available: Mapping[int, int] = field(default_factory=dict)
    distance_km: float | None = None
    is_within_customs: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a candidate. `rank` counts the able ones from 1; `short` names what lacks: {product: available}."""

    candidate: Candidate
    reasons: tuple[Reason, ...]
    short: Mapping[int, int]
    rank: int | None

    @property
    def is_able(self) -> bool:
        return not self.reasons

    def document(self) -> dict[str, Any]:
        """Return the verdict as the routing decision keeps it."""
        distance = self.candidate.distance_km
        return {
            "location": self.candidate.code,
            "name": self.candidate.name,
            "able": self.is_able,
            "reasons": [reason.value for reason in self.reasons],
            "short": {str(product): available for product, available in self.short.items()},
            "distance_km": None if distance is None else round(distance, 1),
            "rank": self.rank,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """Every verdict, the able ones by rank first, then the others by distance."""

    verdicts: tuple[Verdict, ...]

    @property
    def chosen(self) -> Candidate | None:
        first = self.verdicts[0] if self.verdicts else None
        return first.candidate if first and first.is_able else None

    @property
    def nearly(self) -> Verdict | None:
        """The best of those that lack only stock, for a refusal that says what is missing."""
        lacking = [one for one in self.verdicts if one.reasons == (Reason.NOT_ENOUGH_STOCK,)]
        return min(lacking, key=lambda one: (len(one.short), *_nearness(one.candidate)), default=None)


def decide(candidates: Sequence[Candidate], *, method: str, wanted: Mapping[int, int] | None = None) -> Decision:
    """Rank the candidates for an order that wants `wanted` pieces by product.

    Without `wanted` stock is not judged here: the ledger does that under its lock.
    """
    judged = [(candidate, *_judge(candidate, method=method, wanted=wanted or {})) for candidate in candidates]
    able = sorted((one for one in judged if not one[1]), key=lambda one: _preference(one[0], wanted or {}))
    unable = sorted((one for one in judged if one[1]), key=lambda one: _nearness(one[0]))
    return Decision(
        tuple(Verdict(candidate, (), {}, rank) for rank, (candidate, _, _) in enumerate(able, start=1))
        + tuple(Verdict(candidate, reasons, short, None) for candidate, reasons, short in unable)
    )


def _judge(
    candidate: Candidate, *, method: str, wanted: Mapping[int, int]
) -> tuple[tuple[Reason, ...], dict[int, int]]:
    reasons = []
    if not candidate.is_active:
        reasons.append(Reason.INACTIVE)
    if method not in candidate.capabilities:
        reasons.append(Reason.METHOD_NOT_OFFERED)
    if not candidate.is_within_customs:
        reasons.append(Reason.BEHIND_CUSTOMS)
    short = {
        product: candidate.available.get(product, 0)
        for product, quantity in wanted.items()
        if candidate.available.get(product, 0) < quantity
    }
    if short:
        reasons.append(Reason.NOT_ENOUGH_STOCK)
    return tuple(reasons), short


def _nearness(candidate: Candidate) -> tuple[float, str]:
    return (float("inf") if candidate.distance_km is None else candidate.distance_km, candidate.code)


def _preference(candidate: Candidate, wanted: Mapping[int, int]) -> tuple[float, int, str]:
    spare = sum(candidate.available.get(product, 0) for product in wanted)
    distance, code = _nearness(candidate)
    return distance, -spare, code
