"""Lists of the exceptions desk for screens and the API: read only, a bounded number of queries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case as Whichever
from django.db.models import Count, IntegerField, Q, QuerySet, Value, When

from orders.desk import UNSETTLED, CaseState, Severity, rank
from orders.models import DeskCase

MOST_LISTED = 200
UNSETTLED_STATES = [state.value for state in UNSETTLED]


@dataclass(frozen=True, slots=True)
class Case:
    """A case as everybody reads it. `owner` is a person's name; `location_id` None means that it belongs to no place."""

    id: UUID
    kind: str
    key: str
    severity: str
    state: str
    subject_type: str
    subject_id: str
    order_id: UUID | None
    location_id: int | None
    role: str
    owner_id: int | None
    facts: dict[str, Any]
    seen: int
    escalations: int
    opened_at: datetime
    last_seen_at: datetime
    due_at: datetime
    snoozed_until: datetime | None
    snooze_reason: str
    outcome: str
    note: str
    settled_at: datetime | None
    version: int
    order_number: str = ""
    owner: str = ""

    @property
    def is_settled(self) -> bool:
        return self.state == CaseState.SETTLED.value

    def is_overdue(self, at: datetime) -> bool:
        """Whether its deadline is over and nobody settled it."""
        return self.state == CaseState.OPEN.value and self.due_at <= at


@dataclass(frozen=True, slots=True)
class Filters:
    """Which cases are wanted. `location_ids` None means everywhere, those without a place included."""

    location_ids: Collection[int] | None
    states: Collection[str] = (CaseState.OPEN.value,)
    kind: str = ""
    severity: str = ""
    roles: Collection[str] = ()
    owner_id: int | None = None
    overdue_at: datetime | None = None
    order_id: UUID | None = None


_FIELDS = [name for name in Case.__dataclass_fields__ if name not in ("order_number", "owner")]
_NAMES = ("order__number", "owner__first_name", "owner__last_name", "owner__username")


def select(filters: Filters) -> QuerySet[DeskCase]:
    """Return the rows that fit, unordered."""
    rows = DeskCase.objects.filter(state__in=list(filters.states))
    if filters.location_ids is not None:
        rows = rows.filter(location_id__in=list(filters.location_ids))
    for name in ("kind", "severity"):
        if value := getattr(filters, name):
            rows = rows.filter(**{name: value})
    if filters.roles:
        rows = rows.filter(role__in=list(filters.roles))
    if filters.owner_id is not None:
        rows = rows.filter(owner_id=filters.owner_id)
    if filters.order_id is not None:
        rows = rows.filter(order_id=filters.order_id)
    if filters.overdue_at is not None:
        rows = rows.filter(state=CaseState.OPEN.value, due_at__lte=filters.overdue_at)
    return rows


def listed(filters: Filters, *, at_most: int = MOST_LISTED) -> list[Case]:
    """Return the cases that fit, the most severe first, then by deadline. One query."""
    harm = Whichever(
        *[When(severity=one.value, then=Value(rank(one))) for one in Severity], output_field=IntegerField()
    )
    rows = select(filters).annotate(harm=harm).order_by("-harm", "due_at", "id")
    return [_case(row) for row in rows.values(*_FIELDS, *_NAMES)[:at_most]]


def of_order(order_id: UUID) -> list[Case]:
    """Return what an order waits for, for its page."""
    return listed(Filters(location_ids=None, states=UNSETTLED_STATES, order_id=order_id))


def one(case_id: UUID) -> Case | None:
    """Return one case, or None."""
    rows = DeskCase.objects.filter(pk=case_id).values(*_FIELDS, *_NAMES)
    return next((_case(row) for row in rows), None)


def rows_of(values: list[dict[str, Any]]) -> list[Case]:
    """Return cases from rows that hold `columns()`."""
    return [_case(row) for row in values]


def columns() -> tuple[str, ...]:
    """Return the columns that a case is made of."""
    return (*_FIELDS, *_NAMES)


def counts(filters: Filters, *, at: datetime) -> dict[str, int]:
    """Return how many fit in all, how many are overdue and how many are critical. One query."""
    found = select(filters).aggregate(
        total=Count("id"),
        overdue=Count("id", filter=Q(state=CaseState.OPEN.value, due_at__lte=at)),
        critical=Count("id", filter=Q(severity=Severity.CRITICAL.value)),
    )
    return {name: int(value) for name, value in found.items()}


def waiting(location_id: int) -> int:
    """Return how many open cases wait at a place: the counter in the menu."""
    return DeskCase.objects.filter(location_id=location_id, state=CaseState.OPEN.value).count()


def _case(row: dict[str, Any]) -> Case:
    full = f"{row['owner__first_name'] or ''} {row['owner__last_name'] or ''}".strip()
    return Case(
        **{name: row[name] for name in _FIELDS},
        order_number=row["order__number"] or "",
        owner=full or row["owner__username"] or "",
    )
