"""Simulations: a draft tried on what was bought, beside what is in force; asked for, run by workers, found again.

The span is divided into parts of some thousand baskets. Each is claimed, run and kept by itself, by as many workers as are
free, so a worker that is killed costs the work on one part. Where limits are used up from basket to basket, parts follow each
other, and each begins with the limits as the one before left them. Added up they are what one run over all would say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.db.models.functions import Greatest

from commerce import audit, clock, ids, queries
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction, transaction_required
from pricing import trade, versions
from pricing.errors import DraftNotFound, SimulationNotFound, TooManySimulations
from pricing.models import RulesetDraft, RulesetSimulation, RulesetSimulationPart
from pricing.promotions import documents
from pricing.replaying import Replay
from pricing.simulation_states import SimulationState

AT_ONCE = 250  # baskets between two words of progress
LONGEST_SPAN = timedelta(days=400)
USUAL_SPAN = timedelta(days=28)
PART = 2_000  # baskets, about: what a worker that is killed loses at most, a second or two
MOST_PARTS = 200
MOST_CLAIMED = 20  # simulations under way that a worker looks through for a part
GIVEN_UP_AFTER = timedelta(seconds=90)  # a part whose worker said nothing for so long is begun anew
LONGEST_RUN = timedelta(minutes=4)  # of one part: a worker's task is ended after five; what was not reached is said
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
    """Run the next part of the simulation that waits longest, in short transactions of its own; say whether there was one."""
    with transaction():
        claim = _claimed(at=at)
    if claim is None:
        return False
    try:
        done, left_out, kept = _run_part(claim)
    except Exception as error:
        with transaction():
            _end(claim.row.pk, SimulationState.FAILED, problem=f"{type(error).__name__}: {error}"[:200])
        raise
    with transaction():
        _keep(claim, done, left_out, kept)
    return True


@transaction_required
def carry_out(simulation_id: UUID) -> SimulationRef:
    """Run a simulation that waits here and now, in the caller's transaction: for few baskets."""
    row = RulesetSimulation.objects.select_for_update().get(pk=simulation_id, state=SimulationState.WAITING.value)
    row.state, row.started_at = SimulationState.RUNNING.value, clock.now()
    row.save(update_fields=["state", "started_at"])
    total, replay = trade.count(since=row.since, until=row.until), _replay(row)
    done = _replayed(replay, row.since, row.until, lambda done: _keep_progress(row.pk, done, max(total, done)))
    _end(row.pk, SimulationState.DONE, result=_result(row, replay, done, max(total - done, 0)))
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


@dataclass(frozen=True, slots=True)
class _Claim:
    """A part of a simulation that is ours until we fall silent, and what the parts before it left of limits."""

    row: RulesetSimulation
    part: RulesetSimulationPart
    before: dict[str, Any] | None


def _claimed(*, at: datetime) -> _Claim | None:
    """Take the next part that waits, or whose worker fell silent, of the simulations under way, the oldest first."""
    open_now = [SimulationState.WAITING.value, SimulationState.RUNNING.value]
    rows = RulesetSimulation.objects.filter(state__in=open_now).order_by("created_at")
    for row in rows.select_for_update(skip_locked=True)[:MOST_CLAIMED]:
        if not row.parts.exists():
            _divide(row, at=at)
        parts = row.parts.defer("kept").order_by("number")
        left = [one for one in parts if one.state != SimulationState.DONE.value]
        for part in left[:1] if row.is_in_order else left:
            if part.told_at is not None and part.told_at > at - GIVEN_UP_AFTER:
                continue
            part.state, part.told_at, part.done, part.attempt = SimulationState.RUNNING.value, at, 0, part.attempt + 1
            part.save(update_fields=["state", "told_at", "done", "attempt"])
            before = row.parts.filter(number=part.number - 1).first() if row.is_in_order and part.number else None
            return _Claim(row, part, before.kept if before else None)
    return None


def _divide(row: RulesetSimulation, *, at: datetime) -> None:
    """Begin a simulation: divide its span into parts of about as many baskets."""
    row.state, row.started_at, row.done = SimulationState.RUNNING.value, at, 0
    row.total = trade.count(since=row.since, until=row.until)
    row.is_in_order = _has_limits(row, at)
    row.save(update_fields=["state", "started_at", "done", "total", "is_in_order"])
    count = min(max(-(-row.total // PART), 1), MOST_PARTS)
    edges = [row.since + (row.until - row.since) * number / count for number in range(count)]
    RulesetSimulationPart.objects.bulk_create(
        [
            RulesetSimulationPart(simulation=row, number=number, since=since, until=until)
            for number, (since, until) in enumerate(zip(edges, [*edges[1:], row.until], strict=True))
        ]
    )


def _has_limits(row: RulesetSimulation, at: datetime) -> bool:
    """Whether anything limited may be used up on either side: then one basket depends on those before it."""
    contents = [documents.content_from(row.content)]
    for channel in queries.channels():
        _number, known = versions.known(channel.id, at)
        contents += [versions.content(window.key) for window in known.windows]
        break  # versions are the same for all channels
    return any(one.limits.is_limited for content in contents for one in content.promotions)


def _run_part(claim: _Claim) -> tuple[int, int, dict[str, Any]]:
    """Price the baskets of a part; return how many were done and left out, and what they came to."""
    part, replay = claim.part, _replay(claim.row)
    if claim.before is not None:
        replay.go_on(claim.before)
    done = _replayed(replay, part.since, part.until, lambda done: _tell(claim, done))
    left_out = max(trade.count(since=part.since, until=part.until) - done, 0)
    return done, left_out, replay.kept()


def _replay(row: RulesetSimulation) -> Replay:
    return Replay(
        documents.content_from(row.content), since=row.since, at=row.started_at or row.created_at,
        effective_from=row.effective_from, effective_to=row.effective_to, until=row.until,
    )  # fmt: skip


def _replayed(replay: Replay, since: datetime, until: datetime, tell: Callable[[int], None]) -> int:
    done, begun_at = 0, clock.now()
    for portion in trade.baskets(since=since, until=until, at_once=AT_ONCE):
        replay.take(portion)
        done += len(portion)
        tell(done)
        if clock.now() - begun_at > LONGEST_RUN:
            break
    return done


def _keep(claim: _Claim, done: int, left_out: int, kept: dict[str, Any]) -> None:
    """Keep what a part came to, unless it is somebody else's by now; with the last one the result stands."""
    row = RulesetSimulation.objects.select_for_update().get(pk=claim.row.pk)
    if row.state != SimulationState.RUNNING.value:
        return
    ours = row.parts.filter(pk=claim.part.pk, attempt=claim.part.attempt, state=SimulationState.RUNNING.value)
    ours.update(state=SimulationState.DONE.value, done=done, left_out=left_out, kept=kept, told_at=clock.now())
    _count(row.pk)
    if row.parts.exclude(state=SimulationState.DONE.value).exists():
        return
    replay, counted, missed = _replay(row), 0, 0
    for part in row.parts.order_by("number").iterator(chunk_size=10):
        replay.absorb(part.kept)
        counted, missed = counted + part.done, missed + part.left_out
    _end(row.pk, SimulationState.DONE, result=_result(row, replay, counted, missed))


def _result(row: RulesetSimulation, replay: Replay, done: int, left_out: int) -> dict[str, Any]:
    days = max((row.until - row.since).days, 1)
    return {**replay.document(days=days), "baskets": done, "left_out": left_out, "days": days}


def _end(
    simulation_id: UUID, state: SimulationState, *, result: dict[str, Any] | None = None, problem: str = ""
) -> None:
    RulesetSimulation.objects.filter(pk=simulation_id, state=SimulationState.RUNNING.value).update(
        state=state.value, result=result, problem=problem, ended_at=clock.now()
    )
    RulesetSimulationPart.objects.filter(simulation_id=simulation_id).delete()


def _keep_progress(simulation_id: UUID, done: int, total: int) -> None:
    RulesetSimulation.objects.filter(pk=simulation_id).update(done=done, total=total)


def _tell(claim: _Claim, done: int) -> None:
    with transaction():
        claim.row.parts.filter(pk=claim.part.pk, attempt=claim.part.attempt).update(done=done, told_at=clock.now())
        _count(claim.row.pk)


def _count(simulation_id: UUID) -> None:
    done = RulesetSimulationPart.objects.filter(simulation_id=simulation_id).aggregate(done=Sum("done"))["done"] or 0
    RulesetSimulation.objects.filter(pk=simulation_id).update(done=done, total=Greatest("total", done))
