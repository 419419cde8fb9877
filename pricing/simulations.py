"""Simulations: a draft tried on what was bought, beside what is in force; asked for, run by a worker, found again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import audit, clock, ids
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction, transaction_required
from pricing import trade
from pricing.errors import DraftNotFound, SimulationNotFound, TooManySimulations
from pricing.models import RulesetDraft, RulesetSimulation
from pricing.promotions import documents
from pricing.replaying import Replay
from pricing.simulation_states import SimulationState

AT_ONCE = 250  # baskets between two words of progress
LONGEST_SPAN = timedelta(days=400)
USUAL_SPAN = timedelta(days=28)
GIVEN_UP_AFTER = timedelta(minutes=15)  # a worker that was killed leaves its simulation to the next one
LONGEST_RUN = timedelta(minutes=4)  # a worker's task is ended after five; what was not reached is said
MOST_OPEN = 3  # of one draft


@dataclass(frozen=True, slots=True)
class SimulationRef:
    """A simulation as pages and the API read it."""

    id: UUID
    draft_id: UUID
    revision: int
    since: datetime
    until: datetime
    state: SimulationState
    total: int
    done: int
    result: dict[str, Any] | None
    problem: str
    asked_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.state in (SimulationState.DONE, SimulationState.FAILED)

    @property
    def percent(self) -> int:
        return min(self.done * 100 // self.total, 100) if self.total else 0


@transaction_required
def ask(draft_id: UUID, *, since: datetime, until: datetime, by: Actor) -> SimulationRef:
    """Have a draft, as it stands, tried on what was bought in a span; a worker does it within seconds.

    Raises: DraftNotFound, InvalidInput for a span that can't be, TooManySimulations.
    """
    draft = RulesetDraft.objects.select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise DraftNotFound(f"There is no draft {draft_id}.", draft=str(draft_id))
    if not since < until or until - since > LONGEST_SPAN:
        message = f"The span begins before it ends, by at most {LONGEST_SPAN.days} days; choose other days."
        raise InvalidInput(message, errors=[{"field": "since", "value": since.isoformat(), "message": message}])
    waiting = [SimulationState.WAITING.value, SimulationState.RUNNING.value]
    if RulesetSimulation.objects.filter(draft=draft, state__in=waiting).count() >= MOST_OPEN:
        raise TooManySimulations(
            "Simulations of this draft are under way; wait for their results.", draft=str(draft_id)
        )
    row = RulesetSimulation.objects.create(
        id=ids.new(), draft=draft, revision=draft.revision, content=draft.content, effective_from=draft.effective_from,
        effective_to=draft.effective_to, since=since, until=until, asked_by=by.label, created_at=clock.now(),
    )  # fmt: skip
    audit.record(
        "pricing.simulations.ask", "ruleset_draft", draft.pk, by=by,
        after={"simulation": str(row.pk), "since": since.isoformat(), "until": until.isoformat()},
    )  # fmt: skip
    return _ref(row)


def run_next(*, at: datetime) -> bool:
    """Run the simulation that waits longest, in short transactions of its own; say whether there was one."""
    with transaction():
        row = _claimed(at=at)
    if row is None:
        return False
    try:
        result = _run(row, _tell)
    except Exception as error:
        with transaction():
            _end(row.pk, SimulationState.FAILED, problem=f"{type(error).__name__}: {error}"[:200])
        raise
    with transaction():
        _end(row.pk, SimulationState.DONE, result=result)
    return True


@transaction_required
def carry_out(simulation_id: UUID) -> SimulationRef:
    """Run a simulation that waits here and now, in the caller's transaction: for few baskets."""
    row = RulesetSimulation.objects.select_for_update().get(pk=simulation_id, state=SimulationState.WAITING.value)
    row.state, row.started_at = SimulationState.RUNNING.value, clock.now()
    row.save(update_fields=["state", "started_at"])
    _end(row.pk, SimulationState.DONE, result=_run(row, _keep_progress))
    return get(simulation_id)


def get(simulation_id: UUID) -> SimulationRef:
    """Return a simulation. Raises: SimulationNotFound."""
    row = RulesetSimulation.objects.defer("content").filter(pk=simulation_id).first()
    if row is None:
        raise SimulationNotFound("There is no such simulation.", simulation=str(simulation_id))
    return _ref(row)


def of_draft(draft_id: UUID, *, at_most: int = 10) -> list[SimulationRef]:
    """Return the simulations of a draft, the newest first."""
    rows = RulesetSimulation.objects.defer("content").filter(draft_id=draft_id).order_by("-created_at")
    return [_ref(row) for row in rows[:at_most]]


def _ref(row: RulesetSimulation) -> SimulationRef:
    return SimulationRef(
        row.pk, row.draft_id, row.revision, row.since, row.until, SimulationState(row.state), row.total, row.done, row.result,
        row.problem, row.asked_by, row.created_at, row.started_at, row.ended_at,
    )  # fmt: skip


# --- running ------------------------------------------------------------------------------------------------------------


def _claimed(*, at: datetime) -> RulesetSimulation | None:
    waiting = RulesetSimulation.objects.filter(state=SimulationState.WAITING.value)
    given_up = RulesetSimulation.objects.filter(state=SimulationState.RUNNING.value, started_at__lt=at - GIVEN_UP_AFTER)
    row = (waiting | given_up).order_by("created_at").select_for_update(skip_locked=True).first()
    if row is not None:
        row.state, row.started_at, row.done = SimulationState.RUNNING.value, at, 0
        row.save(update_fields=["state", "started_at", "done"])
    return row


def _end(
    simulation_id: UUID, state: SimulationState, *, result: dict[str, Any] | None = None, problem: str = ""
) -> None:
    RulesetSimulation.objects.filter(pk=simulation_id, state=SimulationState.RUNNING.value).update(
        state=state.value, result=result, problem=problem, ended_at=clock.now()
    )


def _run(row: RulesetSimulation, tell: Callable[[UUID, int, int], None]) -> dict[str, Any]:
    at = row.started_at or row.created_at
    total = trade.count(since=row.since, until=row.until)
    tell(row.pk, 0, total)
    replay = Replay(
        documents.content_from(row.content), since=row.since, at=at, effective_from=row.effective_from,
        effective_to=row.effective_to, until=row.until,
    )  # fmt: skip
    done = 0
    for portion in trade.baskets(since=row.since, until=row.until, at_once=AT_ONCE):
        replay.take(portion)
        done += len(portion)
        tell(row.pk, done, max(total, done))
        if clock.now() - at > LONGEST_RUN:
            break
    days = max((row.until - row.since).days, 1)
    return {**replay.document(days=days), "baskets": done, "left_out": max(total - done, 0), "days": days}


def _keep_progress(simulation_id: UUID, done: int, total: int) -> None:
    RulesetSimulation.objects.filter(pk=simulation_id).update(done=done, total=total)


def _tell(simulation_id: UUID, done: int, total: int) -> None:
    with transaction():
        _keep_progress(simulation_id, done, total)
