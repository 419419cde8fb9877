"""A routing policy as a value: what counts, how much, and when an order may be split. [pure]

A ranked policy compares plans by its first criterion, equal ones by the next. A weighed one gives every criterion a price,
in thousandths of a minor unit for each unit of the measure, so that a plan's score is money and says what it is made of.
Both are exact: whole numbers only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from orders.sourcing.criteria import Criterion

MOST_PARTS = 4  # parcels of one order; more is no delivery, it is a series
MOST_RATE = 100_000_000  # thousandths of a minor unit: 1,000 EUR per unit
MOST_STEP = 1_000_000
MOST_MINOR = 100_000_000
MOST_ATTEMPTS = 10
MOST_DAYS = 60
MOST_KEPT = 1_000
LONGEST_NAME = 80


class Mode(StrEnum):
    RANKED = "ranked"
    WEIGHED = "weighed"


@dataclass(frozen=True, slots=True)
class Term:
    """A criterion of a policy: `rate` is its price in a weighed one, `step` what counts as equal in a ranked one."""

    criterion: Criterion
    rate: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """What counts and what is allowed. Amounts in minor units.

    An order is split where no place can send all of it, or where every further part saves `split_saves_minor`; below
    `split_from_minor` it is never split. `may_divide_lines` lets the pieces of one line part, if no place has them all. A place
    keeps `keep_at_stores` pieces of a product on its shelf, where it is a store. Lines that were rejected are asked for elsewhere
    `most_attempts` times in all.
    """

    mode: Mode
    terms: tuple[Term, ...]
    most_parts: int = 1
    split_saves_minor: int = 0
    split_from_minor: int = 0
    may_divide_lines: bool = False
    keep_at_stores: int = 1
    demand_days: int = 7
    overstock_days: int = 60
    most_attempts: int = 3

    def document(self) -> dict[str, Any]:
        """Return the policy as it is stored and as the API shows it; `read` makes it again."""
        values = {
            field.name: getattr(self, field.name) for field in fields(self) if field.name not in ("mode", "terms")
        }
        name = "rate" if self.mode is Mode.WEIGHED else "step"
        terms = [{"criterion": one.criterion.value, name: getattr(one, name)} for one in self.terms]
        return {"mode": self.mode.value, "terms": terms, **values}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a policy's document: the field, its value, and what would be right."""

    field: str
    value: Any
    message: str


class PolicyFaulty(ValueError):
    """The document of a policy can't be read; `faults` name every field that is wrong."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


# What a policy without anything said does: the nearest place that has everything, then the one that keeps most.
FIRST = Policy(
    Mode.RANKED,
    (Term(Criterion.LATE), Term(Criterion.PARTS), Term(Criterion.DISTANCE), Term(Criterion.SPARE)),
)
# A weighed policy to begin with: what a shop of ours would pay for each of these.
BALANCED = Policy(
    Mode.WEIGHED,
    (
        Term(Criterion.LATE, 500_000),  # a day late: 5.00
        Term(Criterion.COST, 1_000),  # a cent is a cent
        Term(Criterion.DISTANCE, 100),  # 100 km: 0.10, so that of equal ones the nearer sends
        Term(Criterion.PARTS, 80_000),  # another parcel to unpack: 0.80
        Term(Criterion.MARGIN, 1_000),
        Term(Criterion.OVERSTOCK, 60_000),  # 0.60 saved for a piece that would be marked down
        Term(Criterion.LAST_PIECES, 150_000),  # 1.50 for an empty shelf
        Term(Criterion.DEMAND_AHEAD, 90_000),
        Term(
            Criterion.OBLIGATION, 10_000
        ),  # what waits for the channel goes first, so that the rest is free for others
        Term(Criterion.LOAD, 500),
        Term(Criterion.QUEUE, 400),
        Term(Criterion.RETURNS, 100),
        Term(Criterion.PRIORITY, 20_000),
    ),
    most_parts=3,
    split_saves_minor=100,
    split_from_minor=2_000,
    may_divide_lines=True,
)

_BOUNDS: dict[str, tuple[int, int]] = {
    "most_parts": (1, MOST_PARTS),
    "split_saves_minor": (0, MOST_MINOR),
    "split_from_minor": (0, MOST_MINOR),
    "keep_at_stores": (0, MOST_KEPT),
    "demand_days": (0, MOST_DAYS),
    "overstock_days": (1, 365),
    "most_attempts": (1, MOST_ATTEMPTS),
}


def read(document: Mapping[str, Any]) -> Policy:
    """Return the policy that a document means. Raises: PolicyFaulty naming every field that is wrong."""
    faults: list[Fault] = []
    known = {field.name for field in fields(Policy)}
    faults += [
        Fault(name, value, f"not a part of a policy; those are {', '.join(sorted(known))}")
        for name, value in document.items()
        if name not in known
    ]
    mode = str(document.get("mode"))
    if mode not in tuple(Mode):
        faults.append(Fault("mode", document.get("mode"), f"one of {', '.join(Mode)}"))
    terms = _terms(document.get("terms"), Mode(mode) if mode in tuple(Mode) else Mode.RANKED, faults)
    values: dict[str, Any] = {}
    for name, (least, most) in _BOUNDS.items():
        if name in document:
            values[name] = _whole(name, document[name], least, most, faults)
    if "may_divide_lines" in document:
        values["may_divide_lines"] = document["may_divide_lines"]
        if not isinstance(document["may_divide_lines"], bool):
            faults.append(Fault("may_divide_lines", document["may_divide_lines"], "true or false"))
    if faults:
        raise PolicyFaulty(faults)
    return Policy(Mode(mode), terms, **values)


def _terms(given: object, mode: Mode, faults: list[Fault]) -> tuple[Term, ...]:
    if not isinstance(given, list) or not given:
        faults.append(Fault("terms", given, "a list of at least one criterion"))
        return ()
    found: list[Term] = []
    name = "rate" if mode is Mode.WEIGHED else "step"
    least, most = (0, MOST_RATE) if mode is Mode.WEIGHED else (1, MOST_STEP)
    for place, one in enumerate(given[: len(Criterion) + 1]):
        where = f"terms[{place}]"
        if not isinstance(one, dict) or one.get("criterion") not in tuple(Criterion):
            faults.append(Fault(f"{where}.criterion", one, f"one of {', '.join(Criterion)}"))
            continue
        if odd := set(one) - {"criterion", name}:
            faults.append(
                Fault(f"{where}.{min(odd)}", one[min(odd)], f"a {mode} policy has 'criterion' and '{name}' here")
            )
        value = _whole(f"{where}.{name}", one.get(name, 1), least, most, faults)
        found.append(Term(Criterion(one["criterion"]), **{name: value}))
    twice = sorted({one.criterion for one in found if [two.criterion for two in found].count(one.criterion) > 1})
    if twice:
        faults.append(Fault("terms", twice[0].value, "every criterion stands once"))
    return tuple(found)


def _whole(name: str, value: object, least: int, most: int, faults: list[Fault]) -> int:
    if value.__class__ is not int or not least <= int(str(value)) <= most:
        faults.append(Fault(name, value, f"a whole number from {least} to {most}"))
        return least
    return int(str(value))


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two policies: what, and its value before and after (None: not there)."""

    name: str
    before: Any
    after: Any


def differences(before: Policy, after: Policy) -> list[Change]:
    """Return what a policy says otherwise than another: settings by name, criteria as "term.NAME", their order as "order"."""
    changes = [
        Change(field.name, getattr(before, field.name), getattr(after, field.name))
        for field in fields(Policy)
        if field.name != "terms" and getattr(before, field.name) != getattr(after, field.name)
    ]
    first, second = ({one.criterion: _weight(policy, one) for one in policy.terms} for policy in (before, after))
    changes += [
        Change(f"term.{criterion.value}", first.get(criterion), second.get(criterion))
        for criterion in Criterion
        if first.get(criterion) != second.get(criterion)
    ]
    common = first.keys() & second.keys()
    orders = [[one.criterion.value for one in policy.terms if one.criterion in common] for policy in (before, after)]
    if orders[0] != orders[1] and before.mode is after.mode is Mode.RANKED:
        changes.append(Change("order", orders[0], orders[1]))
    return changes


def _weight(policy: Policy, term: Term) -> int:
    return term.rate if policy.mode is Mode.WEIGHED else term.step
