"""Experiments: who meets which variant, what came of it, and guardrails that stop them.

A unit's variant follows from a salted hash, so it needs no memory and stays when a variant's share grows. Guardrails compare
each variant with the control, among those who ordered, by intervals that may be looked at any time (`sequential`); alpha is
shared out over all variants and guardrails, so a harmless experiment is stopped with at most that probability.
"""

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import audit
from commerce.actors import Actor
from commerce.errors import Conflict, InvalidInput, NotFound
from commerce.experiment_tables import ExperimentState
from commerce.models import Experiment, ExperimentOutcome, ExperimentUnit, ExperimentVariant
from commerce.operations import sequential
from commerce.operations.sequential import Interval
from commerce.transactions import transaction_required

DRAFT, RUNNING, STOPPED = str(ExperimentState.DRAFT), str(ExperimentState.RUNNING), str(ExperimentState.STOPPED)
BUCKETS = 10_000
MOST_VARIANTS = 8
MOST_OUTCOMES = 500
FRESH_FOR_SECONDS = 2.0  # how long a process may assign from its own copy after an experiment was stopped
ALPHA_BASIS_POINTS = 500
MATURES = timedelta(days=3)


class Metric(StrEnum):
    ORDER = "order"
    CANCELLATION = "cancellation"
    RETURN = "return"
    COMPLAINT = "complaint"


GUARDS = (Metric.CANCELLATION, Metric.RETURN, Metric.COMPLAINT)


class ExperimentNotFound(NotFound):
    """There is no experiment of this key."""

    code = "experiment_not_found"
    title = "Experiment not found"


class ExperimentStateWrong(Conflict):
    """An experiment in this `state` can't do this: only a draft starts, only a running one grows or stops."""

    code = "experiment_state_wrong"
    title = "Not in this state of the experiment"


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """A variant to be: its share of all units in basis points, and what is different in it."""

    name: str
    share: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_control: bool = False


@dataclass(frozen=True, slots=True)
class Assignment:
    """The variant that a unit meets."""

    experiment_id: int
    variant_id: int
    variant: str
    settings: Mapping[str, Any]
    unit: UUID


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a unit did. `unit` is the reference under which it met the experiment."""

    unit: str
    metric: Metric
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Guard:
    """How a variant stands against the control: (how many of how many who ordered), and the difference's interval."""

    metric: Metric
    bad: int
    orders: int
    control_bad: int
    control_orders: int
    interval: Interval
    tolerated: float

    @property
    def is_broken(self) -> bool:
        """Whether it is worse than tolerated, as surely as the experiment asks for."""
        return self.interval.low > self.tolerated


@dataclass(frozen=True, slots=True)
class Standing:
    """A variant so far: who met it, who ordered, the interval of the difference in orders, and its guardrails."""

    name: str
    is_control: bool
    share: int
    settings: Mapping[str, Any]
    units: int
    orders: int
    effect: Interval | None
    guards: tuple[Guard, ...]


@transaction_required
def draft(
    key: str,
    name: str,
    variants: Sequence[VariantSpec],
    *,
    guardrails: Mapping[Metric, int],
    matures: timedelta = MATURES,
    alpha_basis_points: int = ALPHA_BASIS_POINTS,
    by: Actor,
    at: datetime,
) -> int:
    """Write an experiment down and return its id; it assigns nobody before it starts.

    `guardrails` say by how many basis points more of those who ordered may cancel, return or complain than in the control.
    Raises: InvalidInput, also for a key that is taken.
    """
    _check(key, name, variants, guardrails, alpha_basis_points)
    row = Experiment.objects.create(
        key=key, name=name, salt=secrets.token_hex(16), created_at=at, author=by.label,
        guardrails={metric.value: tolerated for metric, tolerated in guardrails.items()},
        matures_seconds=int(matures.total_seconds()), alpha_basis_points=alpha_basis_points,
    )  # fmt: skip
    position = 0
    for spec in variants:
        ranges = [[position, position + spec.share]] if spec.share else []
        position += spec.share
        ExperimentVariant.objects.create(
            experiment=row, name=spec.name, is_control=spec.is_control, settings=dict(spec.settings), buckets=ranges
        )
    _signed("draft", row, by=by, after={"key": key, "variants": {one.name: one.share for one in variants}})
    return row.pk


@transaction_required
def start(key: str, *, by: Actor, at: datetime) -> None:
    """Begin to assign. Raises: ExperimentNotFound, ExperimentStateWrong."""
    row = _locked(key, DRAFT)
    Experiment.objects.filter(pk=row.pk).update(state=RUNNING, started_at=at)
    _signed("start", row, by=by)


@transaction_required
def grow(key: str, variant: str, share: int, *, by: Actor) -> None:
    """Give a variant more units, from those that met none yet; nobody changes their variant.

    Raises: ExperimentNotFound, ExperimentStateWrong, InvalidInput for less than it has or more than is left.
    """
    row = _locked(key, RUNNING)
    variants = list(row.variants.order_by("pk"))
    chosen = next((one for one in variants if one.name == variant), None)
    used = sum(_share(one.buckets) for one in variants)
    more = share - _share(chosen.buckets) if chosen else 0
    if chosen is None or more < 0 or used + more > BUCKETS:
        raise InvalidInput(
            "A variant can only grow, by what no variant has yet.",
            errors=[{"field": "share", "value": share, "message": f"{BUCKETS - used} of {BUCKETS} are left"}],
        )
    if more:
        ExperimentVariant.objects.filter(pk=chosen.pk).update(buckets=[*chosen.buckets, [used, used + more]])
        _signed("grow", row, by=by, before={variant: share - more}, after={variant: share})


@transaction_required
def stop(key: str, *, reason: str, by: Actor, at: datetime, facts: Mapping[str, Any] | None = None) -> None:
    """Assign nobody any more, for ever. Raises: ExperimentNotFound, ExperimentStateWrong, InvalidInput without a reason."""
    if not reason.strip():
        raise InvalidInput("Say why it stops.", errors=[{"field": "reason", "value": reason, "message": "is empty"}])
    row = _locked(key, RUNNING)
    Experiment.objects.filter(pk=row.pk).update(
        state=STOPPED, stopped_at=at, stop_reason=reason[:200], stop_facts=facts and dict(facts)
    )
    _signed("stop", row, by=by, after=facts and dict(facts), reason=reason)


@transaction_required
def guard(*, by: Actor, at: datetime) -> list[str]:
    """Stop every running experiment of which a variant breaks a guardrail; return the keys of those."""
    stopped = []
    for row in Experiment.objects.filter(state=RUNNING).order_by("pk"):
        broken = [
            (variant, guardrail)
            for variant in standings(row, at=at)
            for guardrail in variant.guards
            if guardrail.is_broken
        ]
        if not broken:
            continue
        variant, worst = broken[0]
        reason = (
            f"{variant.name}: {worst.metric.value} {worst.bad}/{worst.orders},"
            f" control {worst.control_bad}/{worst.control_orders}"
        )
        stop(row.key, reason=reason, by=by, at=at, facts={
            "variant": variant.name, "metric": worst.metric.value, "low": round(worst.interval.low, 6),
            "high": round(worst.interval.high, 6), "tolerated": worst.tolerated,
        })  # fmt: skip
        stopped.append(row.key)
    return stopped


# --- who meets what -------------------------------------------------------------------------------------------------

_cached: tuple[float, dict[str, tuple[int, str, list[tuple[int, int, int, str, dict[str, Any]]]]]] = (0.0, {})


def assigned(key: str, unit: str) -> Assignment | None:
    """Return the variant that a unit meets; None when the experiment doesn't run, or leaves this unit alone."""
    experiment = _running().get(key) if key and unit else None
    if experiment is None:
        return None
    experiment_id, salt, ranges = experiment
    hashed = hash_of(salt, unit)
    bucket = hashed.int % BUCKETS
    for low, high, variant_id, name, settings in ranges:
        if low <= bucket < high:
            return Assignment(experiment_id, variant_id, name, settings, hashed)
    return None


def hash_of(salt: str, unit: str) -> UUID:
    """Return what stands for a unit in an experiment. [pure]"""
    return UUID(bytes=hashlib.blake2b(unit.encode(), digest_size=16, key=salt.encode()).digest())


@transaction_required
def expose(assignment: Assignment, *, at: datetime) -> None:
    """Note that a unit met its variant; the first time counts."""
    ExperimentUnit.objects.bulk_create(
        [
            ExperimentUnit(
                experiment_id=assignment.experiment_id, variant_id=assignment.variant_id, unit=assignment.unit, exposed_at=at
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip


@transaction_required
def report(key: str, outcomes: Sequence[Outcome], *, by: Actor, at: datetime) -> int:
    """Note what units did and return how many of these outcomes were new; the first of a metric counts.

    What a unit did before it met the experiment, or without ever meeting it, says nothing of it and isn't counted.
    Raises: ExperimentNotFound, InvalidInput for too many or for the future.
    """
    row = _found(key)
    if len(outcomes) > MOST_OUTCOMES or any(one.occurred_at > at + timedelta(minutes=5) for one in outcomes):
        raise InvalidInput(
            f"Send up to {MOST_OUTCOMES} outcomes that have happened.",
            errors=[{"field": "outcomes", "value": len(outcomes), "message": "too many, or in the future"}],
        )
    hashes = {one.unit: hash_of(row.salt, one.unit) for one in outcomes}
    met = dict(
        ExperimentUnit.objects.filter(experiment=row, unit__in=hashes.values()).values_list("unit", "exposed_at")
    )
    before = ExperimentOutcome.objects.filter(experiment=row, unit__in=met).count()
    ExperimentOutcome.objects.bulk_create(
        [
            ExperimentOutcome(
                experiment=row, unit=hashes[one.unit], metric=one.metric.value, occurred_at=one.occurred_at
            )
            for one in sorted(outcomes, key=lambda one: (hashes[one.unit], one.metric, one.occurred_at))
            if hashes[one.unit] in met and one.occurred_at >= met[hashes[one.unit]]
        ],
        ignore_conflicts=True,
    )
    new = ExperimentOutcome.objects.filter(experiment=row, unit__in=met).count() - before
    if new:
        _signed("report", row, by=by, after={"outcomes": new})
    return new


def forget() -> None:
    """Look again at the next question which experiments run."""
    global _cached
    _cached = (0.0, {})


def _running() -> dict[str, tuple[int, str, list[tuple[int, int, int, str, dict[str, Any]]]]]:
    global _cached
    read_at, found = _cached
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        found = {}
        for one in ExperimentVariant.objects.filter(experiment__state=RUNNING).select_related("experiment"):
            _, _, ranges = found.setdefault(one.experiment.key, (one.experiment_id, one.experiment.salt, []))
            ranges += [(low, high, one.pk, one.name, one.settings) for low, high in one.buckets]
        _cached = (time.monotonic(), found)
    return found


# --- how it stands --------------------------------------------------------------------------------------------------

_COUNTS = """
SELECT u.variant_id, count(*), count(o.id),
       count(*) FILTER (WHERE o.occurred_at <= %(ripe)s),
       count(*) FILTER (WHERE o.occurred_at <= %(ripe)s AND c.occurred_at <= o.occurred_at + %(window)s),
       count(*) FILTER (WHERE o.occurred_at <= %(ripe)s AND r.occurred_at <= o.occurred_at + %(window)s),
       count(*) FILTER (WHERE o.occurred_at <= %(ripe)s AND p.occurred_at <= o.occurred_at + %(window)s)
FROM commerce_experimentunit u
LEFT JOIN commerce_experimentoutcome o ON (o.experiment_id, o.unit, o.metric) = (u.experiment_id, u.unit, 'order')
LEFT JOIN commerce_experimentoutcome c ON (c.experiment_id, c.unit, c.metric) = (u.experiment_id, u.unit, 'cancellation')
LEFT JOIN commerce_experimentoutcome r ON (r.experiment_id, r.unit, r.metric) = (u.experiment_id, u.unit, 'return')
LEFT JOIN commerce_experimentoutcome p ON (p.experiment_id, p.unit, p.metric) = (u.experiment_id, u.unit, 'complaint')
WHERE u.experiment_id = %(experiment)s
GROUP BY u.variant_id
"""


def standings(row: Experiment, *, at: datetime) -> list[Standing]:
    """Return how each variant stands, the control first.

    Of an order counts what happened within `matures_seconds` of it, once these are over: so each order is one trial with one
    result, and slow complaints can't make a young variant look harmless, nor an old control.
    """
    window = timedelta(seconds=row.matures_seconds)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"experiment": row.pk, "ripe": at - window, "window": window})
        counts = {variant_id: tuple(rest) for variant_id, *rest in cursor.fetchall()}
    variants = sorted(row.variants.all(), key=lambda one: (not one.is_control, one.pk))
    nothing = (0,) * 6
    control = counts.get(variants[0].pk, nothing)
    others = max(len(variants) - 1, 1)
    alpha = row.alpha_basis_points / 10_000
    each = alpha / (others * max(len(row.guardrails), 1))
    found = []
    for one in variants:
        mine = counts.get(one.pk, nothing)
        guards = () if one.is_control else tuple(
            Guard(
                metric, mine[3 + place], mine[2], control[3 + place], control[2],
                sequential.difference((mine[3 + place], mine[2]), (control[3 + place], control[2]), alpha=each),
                row.guardrails[metric.value] / 10_000,
            )
            for place, metric in enumerate(GUARDS) if metric.value in row.guardrails
        )  # fmt: skip
        effect = None
        if not one.is_control:
            effect = sequential.difference((mine[1], mine[0]), (control[1], control[0]), alpha=alpha / others)
        found.append(
            Standing(
                one.name, one.is_control, _share(one.buckets), one.settings, mine[0], mine[1], effect, guards,
            )
        )  # fmt: skip
    return found


def listed() -> list[Experiment]:
    """Return all experiments, the newest first."""
    return list(Experiment.objects.prefetch_related("variants").order_by("-pk")[:200])


# --- inside ---------------------------------------------------------------------------------------------------------


def _found(key: str) -> Experiment:
    row = Experiment.objects.filter(key=key).first()
    if row is None:
        raise ExperimentNotFound(f"There is no experiment {key!r}.", key=key)
    return row


def _locked(key: str, state: str) -> Experiment:
    row = Experiment.objects.select_for_update().filter(key=key).first() or _found(key)
    if row.state != state:
        raise ExperimentStateWrong(f"The experiment {key!r} is {row.state}.", state=row.state)
    return row


def _share(ranges: Sequence[Sequence[int]]) -> int:
    return sum(high - low for low, high in ranges)


def _signed(verb: str, row: Experiment, *, by: Actor, reason: str = "", **values: Any) -> None:
    forget()
    audit.record(f"commerce.experiments.{verb}", "experiment", row.pk, by=by, reason=reason, **values)


def _check(key: str, name: str, variants: Sequence[VariantSpec], guardrails: Mapping[Metric, int], alpha: int) -> None:
    errors: list[dict[str, Any]] = []
    if not key or not name:
        errors.append({"field": "key", "value": key, "message": "a key and a name are needed"})
    elif Experiment.objects.filter(key=key).exists():
        errors.append({"field": "key", "value": key, "message": "is taken"})
    names = {one.name for one in variants}
    if not 2 <= len(names) == len(variants) <= MOST_VARIANTS or sum(one.is_control for one in variants) != 1:
        message = f"2 to {MOST_VARIANTS} variants of different names, of which one is the control"
        errors.append({"field": "variants", "value": len(variants), "message": message})
    if any(one.share < 0 for one in variants) or sum(one.share for one in variants) > BUCKETS:
        errors.append({"field": "variants", "value": None, "message": f"shares are 0 to {BUCKETS} together"})
    if not guardrails or any(metric not in GUARDS or not 0 <= most <= BUCKETS for metric, most in guardrails.items()):
        message = "at least one of cancellation, return, complaint, each with 0 to 10,000 basis points"
        errors.append({"field": "guardrails", "value": None, "message": message})
    if not 1 <= alpha <= 2_000:
        errors.append({"field": "alpha_basis_points", "value": alpha, "message": "1 to 2,000"})
    if errors:
        raise InvalidInput("This experiment can't be drafted.", errors=errors)
