"""Experiments: who meets what never changes, outcomes count once, guardrails stop what does harm and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client

from commerce import tasks
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.models import AuditEntry, Experiment, ExperimentOutcome, ExperimentUnit
from commerce.operations import experiments
from commerce.operations.experiments import (
    ExperimentNotFound,
    ExperimentStateWrong,
    Metric,
    Outcome,
    VariantSpec,
)
from commerce.transactions import transaction
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")
T0 = datetime(2026, 11, 1, 9, tzinfo=UTC)
LATER = T0 + timedelta(days=5)
HALVES = [VariantSpec("control", 5_000, is_control=True), VariantSpec("loud", 5_000, {"few": 10})]


def running(key: str = "x", variants: list[VariantSpec] = HALVES, tolerated: int = 200, **values: Any) -> None:
    with transaction():
        guardrails = {Metric.CANCELLATION: tolerated, Metric.COMPLAINT: tolerated}
        experiments.draft(key, "X", variants, guardrails=guardrails, by=BY, at=T0, **values)
        experiments.start(key, by=BY, at=T0)


def met(key: str, units: range) -> dict[str, list[str]]:
    """Expose units and return them by variant."""
    found: dict[str, list[str]] = {}
    with transaction():
        for number in units:
            assignment = experiments.assigned(key, f"u{number}")
            if assignment is not None:
                experiments.expose(assignment, at=T0)
                found.setdefault(assignment.variant, []).append(f"u{number}")
    return found


def report(key: str, units: list[str], metric: Metric, at: datetime = T0 + timedelta(hours=1)) -> int:
    new = 0
    with transaction():
        for start in range(0, len(units), experiments.MOST_OUTCOMES):
            part = [Outcome(unit, metric, at) for unit in units[start : start + experiments.MOST_OUTCOMES]]
            new += experiments.report(key, part, by=BY, at=LATER)
    return new


def guard(at: datetime = LATER) -> list[str]:
    with transaction():
        return experiments.guard(by=BY, at=at)


def test_units_are_shared_out_by_weight_and_stay() -> None:
    running()
    variants = [experiments.assigned("x", f"u{number}").variant for number in range(2_000)]  # type: ignore[union-attr]
    assert 900 < variants.count("loud") < 1_100
    assert variants == [experiments.assigned("x", f"u{number}").variant for number in range(2_000)]  # type: ignore[union-attr]
    assert experiments.assigned("x", "") is None
    assert experiments.assigned("nothing", "u1") is None


def test_another_experiment_shares_out_independently() -> None:
    running("x"), running("y")
    both = [(experiments.assigned("x", f"u{n}"), experiments.assigned("y", f"u{n}")) for n in range(2_000)]
    same = sum(one.variant == other.variant for one, other in both)  # type: ignore[union-attr]
    assert 850 < same < 1_150


def test_growing_takes_from_nobody() -> None:
    running(variants=[VariantSpec("control", 1_000, is_control=True), VariantSpec("loud", 1_000)])
    before = {n: found.variant for n in range(3_000) if (found := experiments.assigned("x", f"u{n}"))}
    with transaction():
        experiments.grow("x", "loud", 4_000, by=BY)
        experiments.grow("x", "control", 5_000, by=BY)
    after = {n: found.variant for n in range(3_000) if (found := experiments.assigned("x", f"u{n}"))}
    assert {n: after[n] for n in before} == before
    assert len(after) > 4 * len(before)
    for variant, share in (("loud", 3_999), ("loud", 5_001), ("none", 9)):
        with pytest.raises(InvalidInput), transaction():
            experiments.grow("x", variant, share, by=BY)


def test_outcomes_count_once_and_only_of_those_who_met_it_before() -> None:
    running()
    units = met("x", range(10))
    one = next(iter(units.values()))[0]
    assert report("x", [one, one, "stranger"], Metric.ORDER) == 1
    assert report("x", [one], Metric.ORDER) == 0
    assert report("x", [one], Metric.COMPLAINT, at=T0 - timedelta(days=1)) == 0
    with pytest.raises(InvalidInput), transaction():
        experiments.report("x", [Outcome(one, Metric.ORDER, LATER + timedelta(days=1))], by=BY, at=LATER)
    with pytest.raises(ExperimentNotFound):
        report("y", [one], Metric.ORDER)
    assert one not in str(ExperimentUnit.objects.values_list()) + str(ExperimentOutcome.objects.values_list())


def harm(share_loud: float, share_control: float, units: int = 3_000, metric: Metric = Metric.CANCELLATION) -> None:
    groups = met("x", range(units))
    for variant, share in (("loud", share_loud), ("control", share_control)):
        report("x", groups[variant], Metric.ORDER)
        report("x", groups[variant][: int(share * len(groups[variant]))], metric)


def test_a_variant_that_does_harm_stops_the_experiment_with_its_reason() -> None:
    running()
    harm(0.30, 0.05)
    assert guard() == ["x"]
    row = Experiment.objects.get()
    assert (row.state, row.stopped_at) == ("stopped", LATER)
    assert row.stop_reason.startswith("loud: cancellation ")
    assert row.stop_facts["low"] > row.stop_facts["tolerated"] == 0.02
    assert experiments.assigned("x", "u1") is None
    assert AuditEntry.objects.filter(verb="commerce.experiments.stop", reason=row.stop_reason).exists()
    assert guard() == []


@pytest.mark.parametrize(("loud", "control"), [(0.06, 0.05), (0.05, 0.30), (0.0, 0.0)])
def test_what_does_no_harm_or_too_little_to_be_sure_goes_on(loud: float, control: float) -> None:
    running()
    harm(loud, control)
    assert guard() == []
    assert Experiment.objects.get().state == "running"


def test_few_orders_stop_nothing_however_bad_they_look() -> None:
    running()
    harm(1.0, 0.0, units=8)
    assert guard() == []


def test_a_complaint_stops_it_as_well_and_orders_have_to_ripen_first() -> None:
    running()
    harm(0.30, 0.0, metric=Metric.COMPLAINT)
    assert guard(T0 + timedelta(days=2)) == []  # three days are not over
    assert tasks.guard_experiments() == ["x"]  # the worker's round


def test_standings_name_units_orders_and_the_effect() -> None:
    running()
    groups = met("x", range(400))
    report("x", groups["loud"][:50], Metric.ORDER)
    control, loud = experiments.standings(Experiment.objects.get(), at=LATER)
    assert (control.is_control, control.effect, control.orders, loud.orders) == (True, None, 0, 50)
    assert loud.effect is not None
    assert 0 < loud.effect.low < 50 / len(groups["loud"]) < loud.effect.high


@pytest.mark.parametrize(
    "change",
    [
        {"variants": HALVES[:1]}, {"variants": [HALVES[0], HALVES[0]]}, {"variants": [VariantSpec("a", 1), VariantSpec("b", 1)]},
        {"variants": [HALVES[0], VariantSpec("b", 5_001)]}, {"variants": [HALVES[0], VariantSpec("b", -1)]},
        {"guardrails": {}}, {"guardrails": {Metric.ORDER: 1}}, {"guardrails": {Metric.RETURN: 10_001}},
        {"alpha_basis_points": 0}, {"key": ""},
    ],
)  # fmt: skip
def test_experiments_that_prove_nothing_are_refused(change: dict[str, Any]) -> None:
    values = {"key": "x", "name": "X", "variants": HALVES, "guardrails": {Metric.RETURN: 100}} | change
    with pytest.raises(InvalidInput), transaction():
        experiments.draft(values.pop("key"), values.pop("name"), values.pop("variants"), by=BY, at=T0, **values)


def test_an_experiment_runs_once() -> None:
    running()
    with pytest.raises(ExperimentStateWrong), transaction():
        experiments.start("x", by=BY, at=T0)
    with pytest.raises(InvalidInput), transaction():
        experiments.stop("x", reason=" ", by=BY, at=T0)
    with transaction():
        experiments.stop("x", reason="done", by=BY, at=T0)
    with pytest.raises(ExperimentStateWrong), transaction():
        experiments.stop("x", reason="again", by=BY, at=T0)
    with pytest.raises(IntegrityError), transaction():
        Experiment.objects.update(stop_reason="nicer")


def test_outcomes_over_the_api() -> None:
    running()
    (unit, *_), key = next(iter(met("x", range(5)).values())), ground.key()
    body = {"outcomes": [{"unit": unit, "metric": "order", "occurred_at": "2026-11-01T10:00:00Z"}]}

    def post(path: str, document: object) -> Any:
        return Client().post(
            f"/api/v1/experiments/{path}/outcomes", document, content_type="application/json", **key.headers
        )

    assert post("x", body).json() == {"new": 1}
    assert post("x", body).json() == {"new": 0}
    assert post("y", body).json()["code"] == "experiment_not_found"
    assert post("x", {"outcomes": [body["outcomes"][0] | {"metric": "joy"}]}).status_code == 400
