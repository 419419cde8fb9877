"""The verbs of the exceptions desk: open a case once, take it, put it off, act on it, settle it.

A case belongs to the fact that caused it: it is opened and cleared in the transaction of the verb that saw the cause come or go.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.contrib.auth.models import AbstractUser
from django.db import connection

from commerce import audit, ids, outbox
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import events
from orders.desk import SAID_BY_PEOPLE, UNSETTLED, CaseState, Outcome, Severity
from orders.errors import CaseNotFound, CaseStateWrong
from orders.exceptions import kinds
from orders.exceptions.cases import UNSETTLED_STATES
from orders.exceptions.cases import one as read
from orders.models import DeskCase

LONGEST_KEY = 200
LONGEST_NOTE = 200
LARGEST_FACTS = 4_000  # characters of JSON
LONGEST_SNOOZE = timedelta(days=14)  # whoever waits longer has forgotten it

_RANK = "array_position(ARRAY['low', 'normal', 'high', 'critical'], {})"
# One statement, so that two who see the same cause at once make one case. A cause that is seen again may be worse or more
# urgent than before, never milder.
_OPEN = f"""
INSERT INTO orders_deskcase (id, kind, key, severity, state, subject_type, subject_id, order_id, location_id, role, owner_id, facts,
    seen, escalations, opened_at, last_seen_at, due_at, snooze_reason, outcome, note, version)
VALUES (%s, %s, %s, %s, 'open', %s, %s, %s, %s, %s, NULL, %s, 1, 0, %s, %s, %s, '', '', '', 1)
ON CONFLICT (key) WHERE NOT state = 'settled' DO UPDATE SET
    facts = orders_deskcase.facts || excluded.facts, seen = orders_deskcase.seen + 1,
    last_seen_at = greatest(orders_deskcase.last_seen_at, excluded.last_seen_at),
    due_at = greatest(orders_deskcase.opened_at, least(orders_deskcase.due_at, excluded.due_at)),
    severity = CASE WHEN {_RANK.format("excluded.severity")} > {_RANK.format("orders_deskcase.severity")}
               THEN excluded.severity ELSE orders_deskcase.severity END,
    version = orders_deskcase.version + 1
RETURNING id, xmax = 0
"""


@transaction_required
def open(
    kind: str,
    *,
    subject: tuple[str, object],
    order_id: UUID | None = None,
    location_id: int | None = None,
    facts: dict[str, Any] | None = None,
    severity: Severity | None = None,
    due_at: datetime | None = None,
    key: str = "",
    by: Actor,
    at: datetime,
) -> UUID:
    """Put something that needs a person on the desk and return its case: one per key while that is not settled.

    Reported again, the case counts it, takes the newest facts and the earlier deadline, and may become more severe. `key` is
    made of kind and subject when none is given; severity and deadline come from the kind. `facts` hold no personal values.
    Raises: kinds.UnknownKind, ValueError for a key or facts out of bounds (both are faults of the code that calls).
    """
    known = kinds.get(kind)
    key = key or key_of(kind, subject)
    written = orjson.dumps(facts or {}, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    if len(key) > LONGEST_KEY or len(written) > LARGEST_FACTS:
        raise ValueError(f"The case {key[:80]!r} is out of bounds.")
    due_at = max(due_at or at + known.within, at)
    severity = severity or known.severity
    with connection.cursor() as cursor:
        cursor.execute(
            _OPEN,
            [
                ids.new(), kind, key, severity.value, subject[0], str(subject[1]), order_id, location_id, known.role.value,
                written, at, at, due_at,
            ],
        )  # fmt: skip
        case_id, is_new = cursor.fetchone()
    if is_new:
        audit.record(
            "orders.exceptions.open",
            "exception",
            case_id,
            by=by,
            after={"kind": kind, "severity": severity.value, "due_at": due_at, "subject": f"{subject[0]}:{subject[1]}"},
        )
        outbox.publish([told(events.ExceptionOpened, DeskCase.objects.get(pk=case_id), at=at)], by=by)
    return UUID(str(case_id))


def key_of(kind: str, subject: tuple[str, object]) -> str:
    """Return the key of a case that is named by what it is about."""
    return f"{kind}:{subject[0]}:{subject[1]}"


@transaction_required
def resolve(
    key: str = "",
    *,
    kind: str = "",
    subject: tuple[str, object] | None = None,
    outcome: Outcome = Outcome.CLEARED,
    by: Actor,
    at: datetime,
) -> int:
    """Settle the unsettled case of a key, or those of a kind, a subject or both, because the cause is gone.

    Return how many there were; none is fine. Raises: ValueError when neither is named.
    """
    rows = DeskCase.objects.filter(state__in=UNSETTLED_STATES)
    if key:
        rows = rows.filter(key=key)
    elif subject is not None:
        rows = rows.filter(subject_type=subject[0], subject_id=str(subject[1]))
        rows = rows.filter(kind=kind) if kind else rows
    else:
        raise ValueError("Say which case: by its key, or by its subject.")
    found = list(rows.select_for_update().order_by("id"))
    for row in found:
        _settle(row, outcome, by=by, at=at)
    return len(found)


@transaction_required
def clear(case_ids: Collection[UUID], *, by: Actor, at: datetime) -> int:
    """Settle these cases because their cause is gone; those that are settled already stay. Return how many were."""
    found = list(
        DeskCase.objects.filter(pk__in=list(case_ids), state__in=UNSETTLED_STATES).select_for_update().order_by("id")
    )
    for row in found:
        _settle(row, Outcome.CLEARED, by=by, at=at)
    return len(found)


@transaction_required
def take(case_id: UUID, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Make this person the owner, who is seen to work on it; whoever had it before gives it up.

    Raises: CaseStateWrong when it is settled, CaseNotFound.
    """
    row = _locked(case_id)
    before = row.owner_id
    if before == user.pk and row.state == CaseState.OPEN.value:
        return
    amend(row, owner_id=user.pk, state=CaseState.OPEN.value, snoozed_until=None, snooze_reason="")
    _record("take", row, by=by, before={"owner": before}, after={"owner": user.pk})


@transaction_required
def give_back(case_id: UUID, *, by: Actor, at: datetime) -> None:
    """Leave a case to whoever comes next. Raises: CaseStateWrong, CaseNotFound."""
    row = _locked(case_id)
    if row.owner_id is None:
        return
    before = row.owner_id
    amend(row, owner_id=None)
    _record("give_back", row, by=by, before={"owner": before}, after={"owner": None})


@transaction_required
def snooze(case_id: UUID, *, until: datetime, reason: str, by: Actor, at: datetime) -> None:
    """Put a case off until an instant, with a reason; then it is open again, and due.

    Raises: InvalidInput for no reason or a time that is past or too far, CaseStateWrong, CaseNotFound.
    """
    if not reason.strip():
        raise _invalid("reason", reason, "Say why it can wait; whoever looks next has to know.")
    if not at < until <= at + LONGEST_SNOOZE:
        raise _invalid(
            "until", until.isoformat(), f"Choose a time from now on, at most {LONGEST_SNOOZE.days} days ahead."
        )
    row = _locked(case_id)
    amend(
        row,
        state=CaseState.SNOOZED.value,
        snoozed_until=until,
        snooze_reason=reason.strip()[:LONGEST_NOTE],
        due_at=max(row.due_at, until),
    )
    _record("snooze", row, by=by, after={"until": until}, reason=reason)


@transaction_required
def settle(case_id: UUID, *, outcome: Outcome, note: str, by: Actor, at: datetime) -> None:
    """Say how a case ended. Raises: InvalidInput without a note, CaseStateWrong when it is settled, CaseNotFound."""
    if outcome not in SAID_BY_PEOPLE:
        raise _invalid("outcome", outcome.value, "Choose how it ended: done, accepted as it is, or a mistake.")
    if not note.strip():
        raise _invalid("note", note, "Say in a sentence how it ended; it stays with the case.")
    _settle(_locked(case_id), outcome, note=note.strip()[:LONGEST_NOTE], by=by, at=at)


@transaction_required
def act(case_id: UUID, code: str, *, user: AbstractUser, by: Actor, at: datetime) -> None:
    """Take a suggested action: the verb of its topic runs in this transaction, and the case is settled if that ends it.

    Raises: InvalidInput for an action that the kind does not have, CaseStateWrong, CaseNotFound, and what the verb raises.
    """
    case = read(case_id)
    if case is None:
        raise CaseNotFound("There is no such exception.", case=str(case_id))
    if case.is_settled:
        raise _wrong_state(case.state)
    known = kinds.known(case.kind)
    action = known.action(code) if known else None
    if action is None or action.perform is None or not action.is_offered(case):
        raise _invalid("action", code, "This is not offered here; choose one of the buttons.")
    action.perform(case, user=user, by=by, at=at)
    row = DeskCase.objects.select_for_update().get(pk=case_id)  # after the verb's own locks: goods before the desk
    if row.state == CaseState.SETTLED.value:  # the verb has cleared it
        return
    if action.settles:
        _settle(row, Outcome.ACTED, note=code, by=by, at=at)
    else:
        amend(row, owner_id=row.owner_id or user.pk)
        _record("act", row, by=by, after={"action": code})


# --- how it is written ------------------------------------------------------------------------------------------------


def _locked(case_id: UUID) -> DeskCase:
    row = DeskCase.objects.select_for_update().filter(pk=case_id).first()
    if row is None:
        raise CaseNotFound("There is no such exception.", case=str(case_id))
    if CaseState(row.state) not in UNSETTLED:
        raise _wrong_state(row.state)
    return row


def _settle(row: DeskCase, outcome: Outcome, *, note: str = "", by: Actor, at: datetime) -> None:
    before = row.state
    amend(
        row,
        state=CaseState.SETTLED.value,
        outcome=outcome.value,
        note=note,
        settled_at=at,
        snoozed_until=None,
        snooze_reason="",
    )
    _record("settle", row, by=by, before={"state": before}, after={"outcome": outcome.value}, reason=note)
    outbox.publish([told(events.ExceptionSettled, row, at=at)], by=by)


def amend(row: DeskCase, **changes: Any) -> None:
    """Write columns of a case that is locked; its version grows by one."""
    row.version += 1
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=["version", *changes])


def _record(verb: str, row: DeskCase, *, by: Actor, **said: Any) -> None:
    audit.record(f"orders.exceptions.{verb}", "exception", row.pk, by=by, **said)


def told(event: type[events.ExceptionEvent], row: DeskCase, *, at: datetime) -> events.ExceptionEvent:
    """Return what an event of this case says, as of its present version."""
    return event(
        aggregate_sequence=row.version,
        occurred_at=at,
        case_id=row.pk,
        kind=row.kind,
        severity=row.severity,
        role=row.role,
        location_id=row.location_id,
        order_id=row.order_id,
        due_at=row.due_at,
        outcome=row.outcome,
    )


def _wrong_state(state: str) -> CaseStateWrong:
    return CaseStateWrong("This exception is settled already; look at how it ended.", state=state)


def _invalid(field: str, value: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value[:LONGEST_NOTE], "message": message}])
