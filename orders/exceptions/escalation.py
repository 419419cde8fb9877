"""What time does to cases: put-off ones come back, overdue ones go up, those whose cause is gone are settled."""

from collections import defaultdict
from datetime import datetime
from uuid import UUID

from commerce import audit, outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from orders import events
from orders.desk import CaseState, escalated
from orders.exceptions import casework, kinds
from orders.exceptions.cases import UNSETTLED_STATES
from orders.models import DeskCase

MOST_AT_ONCE = 500
MOST_WATCHED = 5_000  # cases whose cause is asked for in one go
MOST_ESCALATIONS = 5  # by then the administrator has it and it is critical; more steps would only make noise


@transaction_required
def wake(*, by: Actor, at: datetime) -> int:
    """Open cases again whose time to wait is over. Return how many."""
    rows = list(
        DeskCase.objects.filter(state=CaseState.SNOOZED.value, snoozed_until__lte=at)
        .select_for_update(skip_locked=True)
        .order_by("id")[:MOST_AT_ONCE]
    )
    for row in rows:
        casework.amend(row, state=CaseState.OPEN.value, snoozed_until=None, snooze_reason="")
        audit.record("orders.exceptions.wake", "exception", row.pk, by=by)
    return len(rows)


@transaction_required
def escalate(*, by: Actor, at: datetime) -> int:
    """Hand overdue cases to the role above, more severe and with a new deadline. Return how many.

    The owner stays who it is: going up means that more people see it, not that one may forget it.
    """
    rows = list(
        DeskCase.objects.filter(state=CaseState.OPEN.value, due_at__lte=at, escalations__lt=MOST_ESCALATIONS)
        .select_for_update(skip_locked=True)
        .order_by("id")[:MOST_AT_ONCE]
    )
    news = []
    for row in rows:
        known = kinds.known(row.kind)
        within = known.within if known else row.due_at - row.opened_at
        step = escalated(row.role, row.severity, within=within, at=at)
        before = {"role": row.role, "severity": row.severity}
        casework.amend(
            row,
            role=step.role.value,
            severity=step.severity.value,
            due_at=max(step.due_at, row.opened_at),
            escalations=row.escalations + 1,
        )
        audit.record(
            "orders.exceptions.escalate",
            "exception",
            row.pk,
            by=by,
            before=before,
            after={"role": row.role, "severity": row.severity, "due_at": row.due_at},
        )
        news.append(casework.told(events.ExceptionEscalated, row, at=at))
    outbox.publish(news, by=by)
    return len(rows)


@transaction_required
def clear_gone(*, by: Actor, at: datetime) -> int:
    """Settle cases whose kind says that the cause is gone. Return how many. One question per kind."""
    subjects: dict[str, dict[UUID, str]] = defaultdict(dict)
    watched = [kind.code for kind in kinds.every() if kind.remains is not None]
    for case_id, kind, subject_id in (
        DeskCase.objects.filter(state__in=UNSETTLED_STATES, kind__in=watched)
        .order_by("last_seen_at", "id")
        .values_list("id", "kind", "subject_id")[:MOST_WATCHED]
    ):
        subjects[kind][case_id] = subject_id
    gone: list[UUID] = []
    for kind, cases in subjects.items():
        remains = kinds.get(kind).remains
        still = {str(one) for one in remains(list(dict.fromkeys(cases.values())))} if remains else set(cases.values())
        gone += [case_id for case_id, subject_id in cases.items() if subject_id not in still]
    return casework.clear(gone, by=by, at=at) if gone else 0
