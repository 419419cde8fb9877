"""Lists of discrepancies for screens and the API: read only, bounded, with their sums."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from inventory.reconciling import REPAIRABLE, DiscrepancyKind

MOST_LISTED = 200
NOWHERE = 0  # stands for "all places together" among location ids


@dataclass(frozen=True, slots=True)
class Listed:
    """A discrepancy as a person reads it. `left` are the pieces that still differ (signed), `value_minor` their worth."""

    id: UUID
    kind: str
    product_id: int
    sku: str
    name: str
    location_id: int | None
    condition: str
    meaning: str
    expected: int
    found: int
    repaired: int
    unit_value_minor: int | None
    currency: str
    source: str
    as_of: datetime
    since: datetime
    cause_type: str
    cause_id: str
    suggested_cause: str
    cause_facts: dict[str, Any]
    note: str
    owner_role: str
    due_at: datetime
    repair_at: datetime | None
    state: str
    recorded_at: datetime
    settled_at: datetime | None
    settled_by: str
    settled_note: str
    source_name: str  # of an outside source; empty for what we found ourselves

    @property
    def left(self) -> int:
        return self.found - self.expected - self.repaired

    @property
    def value_minor(self) -> int | None:
        return None if self.unit_value_minor is None else self.left * self.unit_value_minor

    @property
    def is_repairable(self) -> bool:
        """Whether an entry in the journal could put it right."""
        return self.state == "open" and self.location_id is not None and DiscrepancyKind(self.kind) in REPAIRABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which discrepancies are wanted; empty means all. `location_ids` may hold NOWHERE; None is everywhere."""

    location_ids: Sequence[int] | None = None
    sources: Sequence[str] | None = None
    state: str = "open"
    kind: str = ""
    cause: str | None = None
    source: str = ""
    sku: str = ""
    overdue_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sum:
    """What discrepancies of one currency come to; those whose worth nobody knows have no currency and no value."""

    currency: str
    discrepancies: int
    fewer: int  # pieces that are missing
    more: int  # pieces that are too many
    lost_minor: int
    gained_minor: int
    overdue: int


_COLUMNS = """d.id, d.kind, d.product_id, p.sku, p.name, d.location_id, d.condition, d.meaning, d.expected, d.found, d.repaired,
       d.unit_value_minor, d.currency, d.source, d.as_of, d.since, d.cause_type, d.cause_id, d.suggested_cause, d.cause_facts,
       d.note, d.owner_role, d.due_at, d.repair_at, d.state, d.recorded_at, d.settled_at, d.settled_by, d.settled_note,
       coalesce((SELECT s.name FROM inventory_statementsource s WHERE s.code = d.source), '')"""
_FACTS = list(Listed.__dataclass_fields__).index("cause_facts")
_FROM = " FROM inventory_discrepancy d JOIN commerce_product p ON p.id = d.product_id WHERE "
_LEFT = "(d.found - d.expected - d.repaired)"
_ORDERS = {
    "value": f"abs({_LEFT} * d.unit_value_minor) DESC NULLS LAST, abs({_LEFT}) DESC, d.id",
    "pieces": f"abs({_LEFT}) DESC, d.id",
    "age": "d.since, d.id",
    "due": "d.due_at, d.id",
    "id": "d.id",
}
ORDERS = tuple(_ORDERS)


def listed(
    filters: Filters, *, order: str = "value", after: UUID | None = None, at_most: int = MOST_LISTED
) -> list[Listed]:
    """Return the discrepancies that `filters` want; `order` is one of ORDERS, by "id" they can be paged with `after`."""
    condition, parameters = _where(filters)
    if after is not None:
        condition, parameters = f"{condition} AND d.id > %s", [*parameters, after]
    sql = f"SELECT {_COLUMNS}{_FROM}{condition} ORDER BY {_ORDERS[order]} LIMIT %s"
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, at_most])
        return [_row(row) for row in cursor.fetchall()]


def one(discrepancy_id: UUID) -> Listed | None:
    """Return a discrepancy, or None."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_COLUMNS}{_FROM} d.id = %s", [discrepancy_id])
        row = cursor.fetchone()
    return _row(row) if row else None


def sums(filters: Filters, *, at: datetime) -> list[Sum]:
    """Return what the wanted discrepancies come to, by currency, the one with most of them first."""
    condition, parameters = _where(filters)
    sql = f"""
    SELECT d.currency, count(*), coalesce(sum(-{_LEFT}) FILTER (WHERE {_LEFT} < 0), 0)::bigint,
           coalesce(sum({_LEFT}) FILTER (WHERE {_LEFT} > 0), 0)::bigint,
           coalesce(sum(-{_LEFT} * d.unit_value_minor) FILTER (WHERE {_LEFT} < 0), 0)::bigint,
           coalesce(sum({_LEFT} * d.unit_value_minor) FILTER (WHERE {_LEFT} > 0), 0)::bigint,
           count(*) FILTER (WHERE d.due_at < %s)
    {_FROM}{condition} GROUP BY d.currency ORDER BY count(*) DESC, d.currency
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [at, *parameters])
        return [Sum(*row) for row in cursor.fetchall()]


def count_open(location_id: int) -> int:
    """Return how many discrepancies wait at a place."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM inventory_discrepancy WHERE location_id = %s AND state = 'open'", [location_id]
        )
        return int(cursor.fetchone()[0])


def _row(row: Sequence[Any]) -> Listed:
    values = list(row)
    values[_FACTS] = orjson.loads(values[_FACTS])  # Django leaves documents of raw queries as text
    return Listed(*values)


def _where(filters: Filters) -> tuple[str, list[Any]]:
    parts, parameters = ["d.state = %s"], [filters.state]
    wanted: list[tuple[str, Any]] = [
        ("d.kind = %s", filters.kind or None),
        ("d.suggested_cause = %s", filters.cause),
        ("d.source = %s", filters.source or None),
        ("p.sku = %s", filters.sku or None),
        ("d.source = ANY(%s)", None if filters.sources is None else list(filters.sources)),
        ("d.due_at < %s", filters.overdue_at),
    ]
    if filters.location_ids is not None:
        nowhere = " OR d.location_id IS NULL" if NOWHERE in filters.location_ids else ""
        wanted.append((f"(d.location_id = ANY(%s){nowhere})", [one for one in filters.location_ids if one]))
    for part, value in wanted:
        if value is not None:
            parts.append(part)
            parameters.append(value)
    return " AND ".join(parts), parameters
