"""Dynamic buffers: policies by which a buffer follows measured demand and the channel's lag, step by step.

Every step is a row with the measurements that caused it, is in the audit, and can be taken back by a person, who thereby
pins the buffer for a while. `tightening` says how far a step goes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import audit, ids, locks, queries
from commerce.actors import Actor, ActorKind
from commerce.errors import InvalidInput, NotFound
from commerce.transactions import transaction_required
from inventory.cascade import MOST_PIECES, RuleState, Scope
from inventory.errors import SharingStateWrong
from inventory.events import AvailabilityChanged
from inventory.models import BufferStep, DynamicBuffer, DynamicPolicy
from inventory.sharing import buffers, news, scopes, tightening
from inventory.sharing.scopes import ScopeIds
from inventory.sharing.tightening import Bounds, Measured

MEASURED_OVER = timedelta(minutes=5)
CLOCKS_DIFFER_BY = timedelta(minutes=1)  # between the processes that mint ids
MOST_STEPS = 1_000  # in one run, the largest first; the next run does the others
PINNED_FOR = timedelta(hours=4)
LONGEST_PIN = timedelta(days=7)
LONGEST_NAME = 80
MOST_LISTED = 200
MOST_STEPS_LISTED = 200

# Ids are minted in the order of time, so the rows of the last minutes are the end of an index.
_HELD = """
SELECT h.channel_id, l.product_id, l.location_id, sum(h.quantity)::bigint
FROM inventory_hold h JOIN inventory_stocklevel l ON l.id = h.level_id
WHERE h.id >= %s AND h.created_at > %s AND h.created_at <= %s
GROUP BY h.channel_id, l.product_id, l.location_id
"""

_ALLOCATED = """
SELECT e.actor_kind, e.actor_id, l.product_id, l.location_id, sum(e.allocated_delta + e.held_delta)::bigint
FROM inventory_stockentry e JOIN inventory_stocklevel l ON l.id = e.level_id
WHERE e.id >= %s AND e.recorded_at > %s AND e.recorded_at <= %s AND e.kind = 'allocated'
GROUP BY e.actor_kind, e.actor_id, l.product_id, l.location_id
"""

_Key = tuple[int, int]  # product_id, location_id
_Demand = Mapping[tuple[int | None, int, int], int]  # channel (None: nobody knows which), product, place → pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft:
    """What a policy says; see `tightening`."""

    name: str
    minimum: int
    maximum: int
    factor_percent: int = 100
    step_limit: int = 1
    cool_down_seconds: int = 300
    scope: ScopeIds = field(default_factory=ScopeIds)


# --- policies --------------------------------------------------------------------------------------------------------


@transaction_required
def draft(wanted: PolicyDraft, *, by: Actor, at: datetime) -> int:
    """Write a new policy down and return its id. It does nothing yet. Raises: InvalidInput naming each field."""
    _check(wanted)
    scope = wanted.scope
    row = DynamicPolicy.objects.create(
        name=wanted.name.strip(), minimum=wanted.minimum, maximum=wanted.maximum, factor_percent=wanted.factor_percent,
        step_limit=wanted.step_limit, cool_down_seconds=wanted.cool_down_seconds, state=RuleState.DRAFT.value,
        author=by.label, created_at=at, channel_id=scope.channel_id, location_id=scope.location_id,
        group_id=scope.group_id, product_id=scope.product_id, category=scope.category,
    )  # fmt: skip
    audit.record("inventory.dynamic_buffers.draft", "dynamic_policy", row.pk, by=by, after=_facts(row))
    return row.pk


@transaction_required
def discard(policy_id: int, *, by: Actor) -> None:
    """Throw a draft away. Raises: NotFound, SharingStateWrong."""
    row = _locked(policy_id, RuleState.DRAFT)
    audit.record("inventory.dynamic_buffers.discard", "dynamic_policy", row.pk, by=by, before=_facts(row))
    DynamicPolicy.objects.filter(pk=row.pk).delete()


@transaction_required
def activate(policy_id: int, *, by: Actor, at: datetime) -> None:
    """Let a policy keep its minimum back from now on, and more as demand and lag want. Raises: NotFound, SharingStateWrong."""
    row = _locked(policy_id, RuleState.DRAFT)
    DynamicPolicy.objects.filter(pk=row.pk).update(state=RuleState.ACTIVE.value, activator=by.label, activated_at=at)
    audit.record(
        "inventory.dynamic_buffers.activate", "dynamic_policy", row.pk, by=by, before={"state": "draft"},
        after={"state": "active", **_facts(row)},
    )  # fmt: skip
    _holds_anew(row, by=by, at=at)


@transaction_required
def retire(policy_id: int, *, by: Actor, at: datetime, reason: str = "") -> None:
    """End a policy for good; nothing is kept back by it any more. Raises: NotFound, SharingStateWrong."""
    row = _locked(policy_id, RuleState.ACTIVE)
    DynamicPolicy.objects.filter(pk=row.pk).update(state=RuleState.RETIRED.value, retired_at=at)
    audit.record(
        "inventory.dynamic_buffers.retire", "dynamic_policy", row.pk, by=by, before={"state": "active"},
        after={"state": "retired"}, reason=reason,
    )  # fmt: skip
    _holds_anew(row, by=by, at=at)


# --- steps -----------------------------------------------------------------------------------------------------------


@transaction_required
def step_all(*, by: Actor, at: datetime) -> int:
    """Measure demand and lag and make the steps that the active policies want now; return how many.

    One run at a time: another one that starts meanwhile does nothing.
    """
    policies = list(DynamicPolicy.objects.filter(state=RuleState.ACTIVE.value).order_by("pk"))
    if not policies or not locks.try_hold(locks.Purpose.BEAT_TASK, "dynamic buffers"):
        return 0
    demand, lag = _demand(at), queries.webhook_lag(AvailabilityChanged.type, since=at - MEASURED_OVER, at=at)
    kept: dict[int, dict[_Key, DynamicBuffer]] = defaultdict(dict)
    for row in DynamicBuffer.objects.filter(policy__in=policies).select_for_update():
        kept[row.policy_id][row.product_id, row.location_id] = row
    steps = [one for policy in policies for one in _steps(policy, demand, lag, kept[policy.pk], by=by, at=at)]
    steps.sort(key=lambda one: (-abs(one.after - one.before), one.policy_id, one.product_id, one.location_id))
    _write(steps[:MOST_STEPS], pins={}, by=by, at=at)
    return min(len(steps), MOST_STEPS)


@transaction_required
def undo(step_id: UUID, *, by: Actor, at: datetime, pin_for: timedelta = PINNED_FOR) -> UUID:
    """Take the latest step of a buffer back and pin the buffer: no measured step before then. Return the new step's id.

    Undoing a step twice gives the first answer. Raises: NotFound; SharingStateWrong when later steps stand on it or its
    policy has been retired; InvalidInput for a pin that is too long.
    """
    if not timedelta(0) < pin_for <= LONGEST_PIN:
        raise InvalidInput(
            "A buffer is pinned for up to seven days.",
            errors=[{"field": "pin_for", "value": str(pin_for), "message": "up to seven days"}],
        )
    row = BufferStep.objects.select_related("policy").filter(pk=step_id).first()
    if row is None:
        raise NotFound(f"There is no step {step_id}.", step=str(step_id))
    buffer = DynamicBuffer.objects.select_for_update().get(
        policy_id=row.policy_id, product_id=row.product_id, location_id=row.location_id
    )
    done = BufferStep.objects.filter(undoes=step_id).first()
    if done is not None:
        return done.pk
    latest = _steps_of(row.policy_id).filter(product_id=row.product_id, location_id=row.location_id).first()
    if row.policy.state != RuleState.ACTIVE.value or latest is None or latest.pk != row.pk or row.cause == "undone":
        raise SharingStateWrong("Only the latest measured step of an active policy can be taken back.", state="later")
    step = BufferStep(
        id=ids.new(), policy_id=row.policy_id, product_id=row.product_id, location_id=row.location_id, before=buffer.pieces,
        after=row.before, cause="undone", undoes=row.pk, inputs={"pinned_minutes": int(pin_for.total_seconds() // 60)},
        actor=by.label, stepped_at=at,
    )  # fmt: skip
    _write([step], pins={(row.policy_id, row.product_id, row.location_id): at + pin_for}, by=by, at=at)
    return step.pk


def policies(state: RuleState, *, at_most: int = MOST_LISTED) -> list[DynamicPolicy]:
    """Return the policies in a state, newest first, with what their scopes name."""
    rows = DynamicPolicy.objects.select_related("channel", "location", "group", "product")
    return list(rows.filter(state=state.value).order_by("-pk")[:at_most])


def stored(policy_id: int) -> DynamicPolicy:
    """Return a policy as it is stored, with what its scope names. Raises: NotFound."""
    rows = DynamicPolicy.objects.select_related("channel", "location", "group", "product")
    row = rows.filter(pk=policy_id).first()
    if row is None:
        raise NotFound(f"There is no policy {policy_id}.", policy=policy_id)
    return row


def steps_of(policy_id: int, *, at_most: int = MOST_STEPS_LISTED) -> list[BufferStep]:
    """Return the latest steps of a policy, newest first, with product and place."""
    return list(_steps_of(policy_id).select_related("product", "location")[:at_most])


def kept_by(policy_id: int, *, at_most: int = MOST_LISTED) -> list[DynamicBuffer]:
    """Return what a policy keeps back now, the most first, with product and place."""
    rows = DynamicBuffer.objects.filter(policy_id=policy_id).select_related("product", "location")
    return list(rows.order_by("-pieces", "pk")[:at_most])


# --- within ----------------------------------------------------------------------------------------------------------


def _demand(at: datetime) -> _Demand:
    """Return what was promised in the last minutes: holds, and allocations as far as no hold became them."""
    since = at - MEASURED_OVER
    first = _first_id(since - CLOCKS_DIFFER_BY)
    by_code = {channel.code: channel.id for channel in queries.channels()}
    demand: dict[tuple[int | None, int, int], int] = defaultdict(int)
    with connection.cursor() as cursor:
        cursor.execute(_HELD, [first, since, at])
        for channel_id, product_id, location_id, pieces in cursor.fetchall():
            demand[channel_id, product_id, location_id] += pieces
        cursor.execute(_ALLOCATED, [first, since, at])
        for kind, actor_id, product_id, location_id, pieces in cursor.fetchall():
            if pieces > 0:
                known = by_code.get(actor_id) if kind == ActorKind.CHANNEL.value else None
                demand[known, product_id, location_id] += pieces
    return demand


def _first_id(at: datetime) -> UUID:
    """Return the smallest id that could be minted at an instant."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _steps(
    policy: DynamicPolicy,
    demand: _Demand,
    lag: Mapping[int, float],
    kept: Mapping[_Key, DynamicBuffer],
    *,
    by: Actor,
    at: datetime,
) -> list[BufferStep]:
    bounds = _bounds(policy)
    scope = scopes.resolved(scopes.of(policy))
    pieces = _in_scope(scope, demand)
    seconds = lag.get(scope.channel_id, 0.0) if scope.channel_id is not None else max(lag.values(), default=0.0)
    steps = []
    for key in sorted(pieces.keys() | kept.keys()):
        row = kept.get(key)
        stepped_at, pinned_until = (row.stepped_at, row.pinned_until) if row else (None, None)
        if not tightening.may_step(bounds, stepped_at=stepped_at, pinned_until=pinned_until, at=at):
            continue
        measured = Measured(pieces.get(key, 0) / (MEASURED_OVER.total_seconds() / 60), seconds)
        before = row.pieces if row else policy.minimum
        after = tightening.step(bounds, measured, now_kept=before)
        if after != before:
            steps.append(
                BufferStep(
                    id=ids.new(), policy_id=policy.pk, product_id=key[0], location_id=key[1], before=before, after=after,
                    cause="tightened" if after > before else "released", actor=by.label, stepped_at=at,
                    inputs={
                        "pieces_per_minute": round(measured.pieces_per_minute, 2),
                        "lag_seconds": round(measured.lag_seconds, 1),
                        "target": tightening.target(bounds, measured),
                        "factor_percent": policy.factor_percent,
                    },
                )
            )  # fmt: skip
    return steps


def _in_scope(scope: Scope, demand: _Demand) -> dict[_Key, int]:
    """Return the demand that a policy is about, by product and place."""
    pieces: dict[_Key, int] = defaultdict(int)
    for (channel_id, product_id, location_id), promised in demand.items():
        if scope.channel_id is not None and scope.channel_id != channel_id:
            continue
        if scope.covers(product_id, buffers.category_of(product_id) if scope.category else "", location_id):
            pieces[product_id, location_id] += promised
    return pieces


def _write(
    steps: Sequence[BufferStep], *, pins: Mapping[tuple[int, int, int], datetime], by: Actor, at: datetime
) -> None:
    if not steps:
        return
    BufferStep.objects.bulk_create(steps)
    DynamicBuffer.objects.bulk_create(
        [
            DynamicBuffer(
                policy_id=one.policy_id, product_id=one.product_id, location_id=one.location_id, pieces=one.after,
                stepped_at=at, pinned_until=pins.get((one.policy_id, one.product_id, one.location_id)),
            )
            for one in steps
        ],
        update_conflicts=True,
        unique_fields=["policy", "product", "location"],
        update_fields=["pieces", "stepped_at", "pinned_until"],
    )  # fmt: skip
    audit.record_many(
        [
            audit.AuditRow(
                verb="inventory.dynamic_buffers.undo" if one.cause == "undone" else "inventory.dynamic_buffers.step",
                object_type="dynamic_policy",
                object_id=one.policy_id,
                before={"product_id": one.product_id, "location_id": one.location_id, "pieces": one.before},
                after={"pieces": one.after, "cause": one.cause, **one.inputs},
            )
            for one in steps
        ],
        by=by,
    )
    news.bump(at=at)
    products: dict[int, set[int]] = defaultdict(set)
    for one in steps:
        products[one.policy_id].add(one.product_id)
    for policy_id, product_ids in sorted(products.items()):
        news.tell_products("dynamic_policy", policy_id, product_ids, by=by, at=at)
    buffers.forget()


def _steps_of(policy_id: int) -> Any:
    return BufferStep.objects.filter(policy_id=policy_id).order_by("-stepped_at", "-pk")


def _bounds(policy: DynamicPolicy) -> Bounds:
    return Bounds(
        policy.minimum, policy.maximum, policy.factor_percent, policy.step_limit,
        timedelta(seconds=policy.cool_down_seconds),
    )  # fmt: skip


def _locked(policy_id: int, state: RuleState) -> DynamicPolicy:
    row = DynamicPolicy.objects.select_for_update().filter(pk=policy_id).first()
    if row is None:
        raise NotFound(f"There is no policy {policy_id}.", policy=policy_id)
    if row.state != state.value:
        raise SharingStateWrong(f"This policy is {row.state}, not {state.value}.", state=row.state)
    return row


def _holds_anew(row: DynamicPolicy, *, by: Actor, at: datetime) -> None:
    news.bump(at=at)
    scope = scopes.resolved(scopes.of(row))
    news.tell("dynamic_policy", row.pk, [scope], by=by, at=at)
    buffers.forget()


def _check(wanted: PolicyDraft) -> None:
    found = scopes.problems(wanted.scope)

    def wrong(name: str, value: object, message: str) -> None:
        found.append({"field": name, "value": str(value), "message": message})

    if not wanted.name.strip() or len(wanted.name) > LONGEST_NAME:
        wrong("name", wanted.name, f"A policy has a name of up to {LONGEST_NAME} characters.")
    if not 0 <= wanted.minimum <= MOST_PIECES:
        wrong("minimum", wanted.minimum, "At least 0 pieces are kept back.")
    if not max(wanted.minimum, 1) <= wanted.maximum <= MOST_PIECES:
        wrong("maximum", wanted.maximum, "The most that may be kept back is at least 1, and no less than the least.")
    if not 1 <= wanted.factor_percent <= 10_000:
        wrong("factor_percent", wanted.factor_percent, "The factor lies between 1 and 10,000 per cent.")
    if not 1 <= wanted.step_limit <= MOST_PIECES:
        wrong("step_limit", wanted.step_limit, "A step changes at least 1 piece.")
    if not 10 <= wanted.cool_down_seconds <= 86_400:
        wrong("cool_down_seconds", wanted.cool_down_seconds, "Between two steps lie 10 seconds to a day.")
    scopes.check(found)


def _facts(row: DynamicPolicy) -> dict[str, Any]:
    names = (
        "name", "minimum", "maximum", "factor_percent", "step_limit", "cool_down_seconds", "channel_id", "location_id",
        "group_id", "product_id", "category",
    )  # fmt: skip
    return {name: value for name in names if (value := getattr(row, name)) not in (None, "")}
