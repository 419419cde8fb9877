"""Who did what to which object: one row per change, in the transaction of the change, never altered after.

Values are primitives and hold no personal data, so that erasure never has to touch them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection
from django.utils.functional import Promise

from commerce import clock, context
from commerce.actors import Actor
from commerce.models import AuditEntry
from commerce.postgresql import prepared
from commerce.transactions import transaction_required

LONGEST_REASON = 200
LONGEST_LABEL = 200
LONGEST_TIMELINE = 500  # a page nobody scrolls further on

_INSERT = """
INSERT INTO commerce_auditentry (verb, object_type, object_id, actor_kind, actor_id, actor_label,
                                 before, after, reason, request_id, recorded_at)
SELECT verb, object_type, object_id, %s::text, %s::text, %s::text, before::jsonb, after::jsonb, reason, request_id, %s::timestamptz
FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[]) WITH ORDINALITY
     AS row (verb, object_type, object_id, before, after, reason, request_id, place)
ORDER BY place
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One change to record: the verb's dotted name, the object, and what differs before and after.

    The request is the one at hand; who works for several at once says for which.
    """

    verb: str
    object_type: str
    object_id: object
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    reason: str = ""
    request_id: str = field(default_factory=context.request_id)


def record(
    verb: str,
    object_type: str,
    object_id: object,
    *,
    by: Actor,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Record one change in the caller's transaction."""
    row = AuditRow(verb=verb, object_type=object_type, object_id=object_id, before=before, after=after, reason=reason)
    record_many([row], by=by)


@transaction_required
def record_many(rows: Sequence[AuditRow], *, by: Actor) -> None:
    """Record many changes of one actor in the caller's transaction, with one INSERT, in the order given."""
    if not rows:
        return
    values = [
        by.kind.value,
        by.id,
        by.label[:LONGEST_LABEL],
        clock.now(),
        [row.verb for row in rows],
        [row.object_type for row in rows],
        [str(row.object_id) for row in rows],
        [_json(row.before) for row in rows],
        [_json(row.after) for row in rows],
        [row.reason[:LONGEST_REASON] for row in rows],
        [row.request_id for row in rows],
    ]
    with connection.cursor() as cursor:
        prepared.execute(cursor, _INSERT, values, by_index=False)


def timeline(object_type: str, object_id: object, *, at_most: int = LONGEST_TIMELINE) -> list[AuditEntry]:
    """Return what happened to an object, oldest first (the latest `at_most` entries)."""
    latest = AuditEntry.objects.filter(object_type=object_type, object_id=str(object_id)).order_by("-id")[:at_most]
    return list(reversed(latest))


def _json(values: dict[str, Any] | None) -> str | None:
    return None if values is None else orjson.dumps(values, default=_primitive, option=orjson.OPT_NON_STR_KEYS).decode()


def _primitive(value: object) -> object:
    """Say as a primitive what JSON has no word for; instants, UUIDs, enums and dataclasses it has."""
    if isinstance(value, Decimal | Promise):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=str)
    if isinstance(value, bytes | memoryview):
        raise TypeError("The audit holds no raw bytes: they may be a secret.")
    return str(value)
