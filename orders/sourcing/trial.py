"""A policy tried on orders of the past, beside another: what each came to, and where they would have differed. [pure]"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orders.sourcing.criteria import UNKNOWN_KM, Criterion
from orders.sourcing.decision import Decision

MOST_DIFFERENCES = 50  # told one by one, those with the largest difference in cost
MOST_PLACES = 60


@dataclass(slots=True)
class Tally:
    """What the decisions of one policy come to. Costs in minor units."""

    orders: int = 0
    served: int = 0
    cost_minor: int = 0
    parcels: int = 0
    kilometres: int = 0
    parcels_with_distance: int = 0
    days: int = 0
    parcels_with_days: int = 0
    late: int = 0
    inexact: int = 0
    parts: Counter[int] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)

    def add(self, decision: Decision, *, asked_on: int) -> None:
        """Count one decision; `asked_on` is the day of the question, as an ordinal."""
        self.orders += 1
        self.inexact += not decision.is_exact
        if decision.refusal is not None:
            self.refusals[decision.refusal.value] += 1
            return
        self.served += 1
        self.cost_minor += decision.cost_minor
        self.parts[len(decision.shares)] += 1
        is_late = False
        for share in decision.shares:
            self.parcels += 1
            self.places[share.place.code] += 1
            km = share.winner.values.get(Criterion.DISTANCE, UNKNOWN_KM)
            if km != UNKNOWN_KM:
                self.kilometres += km
                self.parcels_with_distance += 1
            if share.winner.way is not None:
                self.days += share.winner.way.arrives_on - asked_on
                self.parcels_with_days += 1
            is_late = is_late or share.winner.values.get(Criterion.LATE, 0) > 0
        self.late += is_late

    def document(self) -> dict[str, Any]:
        """Return the tally as it is kept, with the rates that people ask for."""
        split = sum(count for parts, count in self.parts.items() if parts > 1)
        return {
            "orders": self.orders,
            "served": self.served,
            "split": split,
            "split_permille": _per(split * 1_000, self.served),
            "cost_minor": self.cost_minor,
            "cost_per_order_minor": _per(self.cost_minor, self.served),
            "parcels": self.parcels,
            "km_per_parcel": _per(self.kilometres, self.parcels_with_distance),
            "days_per_parcel_percent": _per(self.days * 100, self.parcels_with_days),
            "late": self.late,
            "inexact": self.inexact,
            "parts": {str(parts): count for parts, count in sorted(self.parts.items())},
            "refusals": dict(self.refusals),
            "places": dict(self.places.most_common(MOST_PLACES)),
        }


def _per(total: int, count: int) -> int:
    """Return a mean rounded half up; nothing counted is 0."""
    return (2 * total + count) // (2 * count) if count else 0


@dataclass(slots=True)
class Trial:
    """Two policies side by side: the candidate and the one it would replace."""

    candidate: Tally = field(default_factory=Tally)
    beside: Tally = field(default_factory=Tally)
    same: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: Mapping[str, str], candidate: Decision, beside: Decision, *, asked_on: int) -> None:
        """Count both decisions on an order, which `name` tells by its id and number."""
        self.candidate.add(candidate, asked_on=asked_on)
        self.beside.add(beside, asked_on=asked_on)
        sent = [{share.place.code: share.goods for share in one.shares} for one in (candidate, beside)]
        if sent[0] == sent[1]:
            self.same += 1
            return
        self.differences.append(
            {
                **name,
                "before": list(sent[1]),
                "after": list(sent[0]),
                "cost_before_minor": beside.cost_minor,
                "cost_after_minor": candidate.cost_minor,
            }
        )
        if len(self.differences) > 4 * MOST_DIFFERENCES:
            self._trim()

    def _trim(self) -> None:
        self.differences.sort(key=lambda one: (-abs(one["cost_after_minor"] - one["cost_before_minor"]), one["number"]))
        del self.differences[MOST_DIFFERENCES:]

    def document(self) -> dict[str, Any]:
        """Return the trial as it is kept."""
        self._trim()
        return {
            "candidate": self.candidate.document(),
            "beside": self.beside.document(),
            "same": self.same,
            "differing": self.candidate.orders - self.same,
            "differences": self.differences,
        }
