"""Policies of routing: written as versions that never change, tried, switched live or into the shadow, and gone back to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from commerce import audit, integrity, locks
from commerce.actors import Actor
from commerce.errors import Conflict, InvalidInput
from commerce.transactions import transaction_required
from orders import errors
from orders.models import RoutingPolicy, RoutingSimulation, RoutingSwitch
from orders.routing import standing
from orders.sourcing import policy as policies
from orders.sourcing.policy import Policy
from orders.sourcing.standing import Role, SimulationState

LONGEST_NOTE = 200
MOST_LISTED = 100

integrity.refuse(
    "routing_policy_live_was_tried",
    lambda: errors.PolicyUntried("A policy goes live after it was simulated on past orders."),
)


@dataclass(frozen=True, slots=True)
class PolicyRef:
    """A version of a policy as pages and the API read it. `is_tried` says that a simulation of it came to its end."""

    number: int
    name: str
    policy: Policy
    based_on: int | None
    restores: int | None
    note: str
    author: str
    created_at: datetime
    is_live: bool
    is_shadow: bool
    is_tried: bool
    was_live: bool


@transaction_required
def draft(
    name: str, content: Mapping[str, Any], *, based_on: int | None = None, note: str = "", by: Actor, at: datetime
) -> PolicyRef:
    """Write a new version. Nothing is decided by it before it is switched live.

    Raises: InvalidInput naming every field that is wrong; PolicyNotFound for a base that isn't there.
    """
    name, note = name.strip(), note.strip()
    faults = []
    if not name or len(name) > policies.LONGEST_NAME:
        faults.append({"field": "name", "value": name, "message": f"1 to {policies.LONGEST_NAME} characters"})
    if len(note) > LONGEST_NOTE:
        faults.append({"field": "note", "value": note[:40], "message": f"at most {LONGEST_NOTE} characters"})
    try:
        meant = policies.read(content)
    except policies.PolicyFaulty as faulty:
        faults += [{"field": one.field, "value": one.value, "message": one.message} for one in faulty.faults]
    if faults:
        raise InvalidInput("The policy can't be used like this; nothing was kept.", errors=faults)
    if based_on is not None:
        _row(based_on)
    return _write(name, meant, based_on=based_on, restores=None, note=note, by=by, at=at)


@transaction_required
def activate(number: int, *, reason: str = "", expected_live: int | None = None, by: Actor, at: datetime) -> PolicyRef:
    """Let a version decide from now on. Activating the live one changes nothing.

    With `expected_live`, only if that version is still the live one. Raises: PolicyUntried before it was simulated,
    PolicyNotFound, Conflict.
    """
    locks.hold(locks.Purpose.ROUTING_POLICY)
    row, live = _row(number), _newest(Role.LIVE)
    if expected_live is not None and (live.policy_id if live else 0) != expected_live:
        raise Conflict(
            "Another policy went live meanwhile; look at the differences again.", live=live and live.policy_id
        )
    if live is not None and live.policy_id == number:
        return get(number)
    tried = (
        RoutingSimulation.objects.filter(policy_id=number, state=SimulationState.DONE.value)
        .order_by("-ended_at")
        .first()
    )
    if tried is None and row.restores_id is None:
        raise errors.PolicyUntried(
            f"Version {number} was not simulated yet; try it on past orders first.", policy=number
        )
    _switch(Role.LIVE, number, simulation=tried, goes_back=row.restores_id is not None, reason=reason, by=by, at=at)
    shadow = _newest(Role.SHADOW)
    if shadow is not None and shadow.policy_id == number:  # what is live has nothing to be compared with
        _switch(Role.SHADOW, None, reason="went live", by=by, at=at)
    return get(number)


@transaction_required
def follow(number: int | None, *, reason: str = "", by: Actor, at: datetime) -> None:
    """Ask a version beside the live one from now on, and note where they differ; None ends that.

    Raises: PolicyNotFound; Conflict for the version that is live.
    """
    locks.hold(locks.Purpose.ROUTING_POLICY)
    shadow, live = _newest(Role.SHADOW), _newest(Role.LIVE)
    if (shadow.policy_id if shadow else None) == number:
        return
    if number is not None:
        _row(number)
        if live is not None and live.policy_id == number:
            raise Conflict("This version is live; compare it with another one.", policy=number)
    _switch(Role.SHADOW, number, reason=reason, by=by, at=at)


@transaction_required
def restore(number: int, *, reason: str, by: Actor, at: datetime) -> PolicyRef:
    """Go back to what an earlier version said: a new version with its content goes live at once.

    Raises: PolicyNotFound; PolicyUntried for a version that never was live; Conflict when it is live; InvalidInput
    without a reason.
    """
    if not reason.strip():
        raise InvalidInput("Say why you go back.", errors=[{"field": "reason", "value": reason, "message": "is empty"}])
    locks.hold(locks.Purpose.ROUTING_POLICY)
    row, live = _row(number), _newest(Role.LIVE)
    if live is not None and live.policy_id == number:
        raise Conflict("This version is live already.", policy=number)
    if not RoutingSwitch.objects.filter(role=Role.LIVE.value, policy_id=number).exists():
        raise errors.PolicyUntried(f"Version {number} never was live; simulate and activate it instead.", policy=number)
    made = _write(
        row.name, policies.read(row.content), based_on=live.policy_id if live else None, restores=number,
        note=reason.strip()[:LONGEST_NOTE], by=by, at=at,
    )  # fmt: skip
    _switch(Role.LIVE, made.number, goes_back=True, reason=reason.strip(), by=by, at=at)
    return get(made.number)


# --- reading ----------------------------------------------------------------------------------------------------------


def get(number: int) -> PolicyRef:
    """Return a version. Raises: PolicyNotFound."""
    return _refs([_row(number)])[0]


def listed(*, before: int | None = None, at_most: int = MOST_LISTED) -> list[PolicyRef]:
    """Return versions, the newest first, before a number if one is given."""
    rows = RoutingPolicy.objects.order_by("-number")
    return _refs(list((rows.filter(number__lt=before) if before else rows)[:at_most]))


def live() -> PolicyRef | None:
    """Return the version that decides, or None while only the built-in one does."""
    switch = _newest(Role.LIVE)
    return get(switch.policy_id) if switch and switch.policy_id else None


def switches(*, at_most: int = 20) -> list[RoutingSwitch]:
    """Return what was switched when and by whom, the newest first."""
    return list(RoutingSwitch.objects.select_related("policy").order_by("-id")[:at_most])


def _refs(rows: list[RoutingPolicy]) -> list[PolicyRef]:
    numbers = [row.number for row in rows]
    roles = {role: _newest(role) for role in Role}
    tried = set(
        RoutingSimulation.objects.filter(policy_id__in=numbers, state=SimulationState.DONE.value).values_list(
            "policy_id", flat=True
        )
    )
    lived = set(
        RoutingSwitch.objects.filter(policy_id__in=numbers, role=Role.LIVE.value).values_list("policy_id", flat=True)
    )

    def holds(role: Role, number: int) -> bool:
        switch = roles[role]
        return switch is not None and switch.policy_id == number

    return [
        PolicyRef(
            row.number, row.name, policies.read(row.content), row.based_on_id, row.restores_id, row.note, row.author,
            row.created_at, holds(Role.LIVE, row.number), holds(Role.SHADOW, row.number), row.number in tried,
            row.number in lived,
        )
        for row in rows
    ]  # fmt: skip


def _row(number: int) -> RoutingPolicy:
    row = RoutingPolicy.objects.filter(number=number).first()
    if row is None:
        raise errors.PolicyNotFound(f"There is no version {number} of the routing policy.", policy=number)
    return row


def _newest(role: Role) -> RoutingSwitch | None:
    return RoutingSwitch.objects.filter(role=role.value).order_by("-id").first()


# --- writing ----------------------------------------------------------------------------------------------------------


def _write(
    name: str, meant: Policy, *, based_on: int | None, restores: int | None, note: str, by: Actor, at: datetime
) -> PolicyRef:
    locks.hold(locks.Purpose.ROUTING_POLICY)
    number = (RoutingPolicy.objects.aggregate(newest=Max("number"))["newest"] or 0) + 1
    RoutingPolicy.objects.create(
        number=number, name=name, content=meant.document(), based_on_id=based_on, restores_id=restores, note=note,
        author=by.label, created_at=at,
    )  # fmt: skip
    audit.record(
        "orders.routing.policies.draft" if restores is None else "orders.routing.policies.restore",
        "routing_policy", number, by=by, reason=note,
        after={"name": name, "based_on": based_on, "restores": restores, **meant.document()},
    )  # fmt: skip
    return get(number)


def _switch(
    role: Role, number: int | None, *, simulation: RoutingSimulation | None = None, goes_back: bool = False,
    reason: str, by: Actor, at: datetime,
) -> None:  # fmt: skip
    before = _newest(role)
    RoutingSwitch.objects.create(
        role=role.value, policy_id=number, simulation=simulation, goes_back=goes_back, reason=reason[:LONGEST_NOTE],
        switched_by=by.label, switched_at=at,
    )  # fmt: skip
    audit.record(
        "orders.routing.policies.activate" if role is Role.LIVE else "orders.routing.policies.follow",
        "routing_policy", number or (before.policy_id if before else 0) or 0, by=by, reason=reason,
        before={role.value: before.policy_id if before else None}, after={role.value: number},
    )  # fmt: skip
    standing.forget()


def tried_by(number: int) -> UUID | None:
    """Return the newest simulation of a version that came to its end."""
    return (
        RoutingSimulation.objects.filter(policy_id=number, state=SimulationState.DONE.value)
        .order_by("-ended_at")
        .values_list("id", flat=True)
        .first()
    )
