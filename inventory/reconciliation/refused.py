"""Statements that were refused: what a source sent, why it was not read, and whether it was heard since.

Who sends figures gets the refusal as the answer. Staff see it here, since a sender that nobody looks at goes on for weeks.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.models import RefusedStatement, StatementSource
from inventory.reconciliation.statements import Statement
from inventory.reconciling import Meaning

KEPT_FOR = timedelta(days=30)
MOST_KEPT = 200  # of one source: a sender that errs every minute fills no table
MOST_LISTED = 20
LONGEST_SENTENCE = 500


@dataclass(frozen=True, slots=True)
class Refused:
    """Figures of a source that were not read. It `stands` until newer ones of the same place and meaning were read."""

    source: str
    source_name: str
    reference: str
    location_id: int | None
    meaning: Meaning
    as_of: datetime
    code: str
    sentence: str
    facts: dict[str, Any]
    times: int
    last_at: datetime
    stands: bool


_NOTE = """
INSERT INTO inventory_refusedstatement AS r
    (source_id, reference, location_id, meaning, condition, as_of, code, sentence, facts, sent_by, times, first_at, last_at)
VALUES (%(source)s, %(reference)s, %(location)s, %(meaning)s, %(condition)s, %(as_of)s, %(code)s, %(sentence)s, %(facts)s,
        %(sent_by)s, 1, %(at)s, %(at)s)
ON CONFLICT ON CONSTRAINT refused_statement_once DO UPDATE
SET times = r.times + 1, last_at = greatest(r.last_at, excluded.last_at), as_of = excluded.as_of, code = excluded.code,
    sentence = excluded.sentence, facts = excluded.facts, sent_by = excluded.sent_by, location_id = excluded.location_id,
    meaning = excluded.meaning, condition = excluded.condition
"""

_CROWDED = """
DELETE FROM inventory_refusedstatement WHERE id IN (
    SELECT id FROM inventory_refusedstatement WHERE source_id = %s ORDER BY last_at DESC, id DESC OFFSET %s)
"""

_LISTED = """
SELECT * FROM (
    SELECT s.code AS source, s.name, r.reference, r.location_id, r.meaning, r.as_of, r.code, r.sentence, r.facts, r.times,
           r.last_at, NOT EXISTS (
               SELECT FROM inventory_stockstatement read
               WHERE read.source_id = r.source_id AND read.location_id IS NOT DISTINCT FROM r.location_id
                 AND read.meaning = r.meaning AND read.condition = r.condition AND read.received_at > r.last_at) AS stands
    FROM inventory_refusedstatement r JOIN inventory_statementsource s ON s.id = r.source_id
    WHERE (%(source)s::text IS NULL OR s.code = %(source)s)
      AND (%(places)s::bigint[] IS NULL OR r.location_id = ANY(%(places)s::bigint[]))
) AS refused
WHERE stands OR NOT %(only_standing)s
ORDER BY last_at DESC, reference LIMIT %(most)s
"""


@transaction_required
def note(
    statement: Statement, refusal: CommerceError, *, by: Actor, at: datetime, channel_id: int | None = None
) -> bool:
    """Keep that a statement was refused, and why; return whether it was kept.

    It is when the source is known and the caller's own: nobody fills another's page. What is only busy comes again.
    """
    if refusal.status >= 500:
        return False
    source = StatementSource.objects.filter(code=statement.source).first()
    if source is None or (channel_id is not None and source.channel_id != channel_id):
        return False
    facts = {name: value for name, value in refusal.detail.items() if isinstance(value, (str, int))}
    if refusal.errors:
        facts["field"] = str(refusal.errors[0].get("field", ""))
    with connection.cursor() as cursor:
        cursor.execute(
            _NOTE,
            {
                "source": source.pk, "reference": statement.reference, "location": statement.location_id,
                "meaning": statement.meaning.value, "condition": statement.condition.value, "as_of": statement.as_of,
                "code": refusal.code, "sentence": refusal.message[:LONGEST_SENTENCE], "facts": json.dumps(facts),
                "sent_by": by.label[:200], "at": at,
            },
        )  # fmt: skip
        cursor.execute(_CROWDED, [source.pk, MOST_KEPT])
    return True


@transaction_required
def forget(*, at: datetime, at_most: int) -> int:
    """Delete what was refused longer than KEPT_FOR ago; return how much."""
    old = RefusedStatement.objects.filter(last_at__lt=at - KEPT_FOR).order_by("last_at").values_list("id", flat=True)
    return RefusedStatement.objects.filter(id__in=list(old[:at_most])).delete()[0]


def listed(
    *,
    source: str | None = None,
    location_ids: Collection[int] | None = None,
    only_standing: bool = False,
    at_most: int = MOST_LISTED,
) -> list[Refused]:
    """Return what was refused, the newest first: of one source or all, of some places (not of none) or wherever."""
    parameters = {
        "source": source, "places": None if location_ids is None else ledger.numbers(location_ids),
        "only_standing": only_standing, "most": at_most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_LISTED, parameters)
        rows = cursor.fetchall()
    return [
        Refused(
            source, name, reference, place, Meaning(meaning), as_of, code, sentence, _facts(facts), times, at, stands
        )
        for source, name, reference, place, meaning, as_of, code, sentence, facts, times, at, stands in rows
    ]


def _facts(stored: Any) -> dict[str, Any]:
    return json.loads(stored) if isinstance(stored, str) else stored
