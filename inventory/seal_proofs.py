"""Proofs of the sealed journal, as people read them: its segments, and when they were last proven, by whom, with what result."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from commerce import audit
from commerce.actors import Actor
from commerce.operations.checks import Finding
from commerce.transactions import durable, transaction
from inventory import seals

MOST_LISTED = 50
MOST_LEVELS = 50  # of one segment, on one page
MOST_KEPT = 20  # findings of one proof; the command prints them all
_OBJECT = ("journal", "seals")

_PAGE = """
SELECT number, hash, previous, sealed_at, entries, cardinality(level_ids) FROM inventory_journalseal
WHERE number < %s ORDER BY number DESC LIMIT %s
"""
_LEVELS = """
SELECT p.sku, p.name, place.name, l.condition, part.from_version + 1, part.to_version
FROM inventory_journalseal s,
     unnest(s.level_ids, s.from_versions, s.to_versions) WITH ORDINALITY AS part (level_id, from_version, to_version, row)
JOIN inventory_stocklevel l ON l.id = part.level_id
JOIN commerce_product p ON p.id = l.product_id JOIN inventory_location place ON place.id = l.location_id
WHERE s.number = %s ORDER BY part.row LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment: the entries from the `first` to the `last` that were ever sealed, counted from 1."""

    number: int
    hash: str
    previous: str
    sealed_at: datetime
    entries: int
    levels: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Span:
    """The entries of one level in a segment: its versions, both inclusive."""

    sku: str
    product: str
    place: str
    condition: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proven when, and by whom: all segments up to `number`. `found` counts what did not match."""

    proven_at: datetime
    actor_kind: str
    actor_id: str
    number: int
    hash: str
    entries: int
    found: int
    findings: tuple[Finding, ...]


@durable
def prove(*, by: Actor, watch: Callable[[int, int], Any] | None = None) -> list[Finding]:
    """Work out every seal again, keep for the record what that said, and return what differs. Reads a segment at a time."""
    newest = seals.newest()
    findings = seals.verify(watch=watch)
    with transaction():
        audit.record(
            "inventory.seals.prove", *_OBJECT, by=by,
            after={
                "number": newest.number if newest else 0,
                "hash": newest.hash if newest else seals.BEGINNING,
                "entries": seals.sealed(up_to=newest.number) if newest else 0,
                "found": len(findings),
                "findings": [[one.check, one.what, one.expected, one.found] for one in findings[:MOST_KEPT]],
            },
        )  # fmt: skip
    return findings


def last() -> Proof | None:
    """Return the last proof of the whole chain that was kept."""
    kept = audit.timeline(*_OBJECT, at_most=1)
    if not kept:
        return None
    row, said = kept[0], kept[0].after or {}
    findings = tuple(Finding(*one) for one in said["findings"])
    return Proof(
        row.recorded_at, row.actor_kind, row.actor_id, said["number"], said["hash"], said["entries"], said["found"], findings
    )  # fmt: skip


def segments(*, before: int | None = None, at_most: int = MOST_LISTED) -> list[Segment]:
    """Return sealed segments, newest first, those before one's number."""
    with connection.cursor() as cursor:
        cursor.execute(_PAGE, [before if before is not None else 2**62, at_most])
        rows = cursor.fetchall()
    counted = seals.sealed(up_to=rows[0][0]) if rows else 0
    found = []
    for number, seal_hash, previous, sealed_at, entries, levels in rows:
        first = counted - entries + 1
        found.append(Segment(number, seal_hash, previous, sealed_at, entries, levels, first, counted))
        counted -= entries
    return found


def segment(number: int) -> Segment | None:
    """Return one segment."""
    found = segments(before=number + 1, at_most=1)
    return found[0] if found and found[0].number == number else None


def spans(number: int) -> list[Span]:
    """Return which entries of which levels a segment seals, at most MOST_LEVELS."""
    with connection.cursor() as cursor:
        cursor.execute(_LEVELS, [number, MOST_LEVELS])
        return [Span(*row) for row in cursor.fetchall()]
