"""Validity ranges of one thing's values, and how a new value takes its place among them without an overlap. [pure]"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

_BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """A value in force within `[starts_at, ends_at)`; None is open. `id` is None for what is not stored yet."""

    value: int
    starts_at: datetime | None
    ends_at: datetime | None
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to store so that the new values hold: rows to delete, to shorten (by id), to add."""

    deleted: tuple[Span, ...] = ()
    shortened: tuple[Span, ...] = ()
    added: tuple[Span, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.deleted or self.shortened or self.added)


def is_before(left: datetime | None, right: datetime | None) -> bool:
    """Whether a start lies before another start; an open start lies before all others."""
    return right is not None and (left is None or left < right)


def ends_after(left: datetime | None, right: datetime | None) -> bool:
    """Whether an end lies after another end; an open end lies after all others."""
    return right is not None and (left is None or left > right)


def touches(one: Span, other: Span) -> bool:
    """Whether two spans share an instant."""
    starts_in_time = one.starts_at is None or other.ends_at is None or one.starts_at < other.ends_at
    ends_in_time = other.starts_at is None or one.ends_at is None or other.starts_at < one.ends_at
    return starts_in_time and ends_in_time


def overlap(spans: Sequence[Span]) -> tuple[Span, Span] | None:
    """Return the first two of some spans that share an instant, or None."""
    in_order = sorted(spans, key=lambda span: span.starts_at or _BEGINNING)
    for one, other in pairwise(in_order):
        if touches(one, other):
            return one, other
    return None


def plan(existing: Iterable[Span], wanted: Sequence[Span]) -> Plan:
    """Lay `wanted` over `existing`: what they cover gives way, what sticks out on either side stays in force.

    A wanted span that says what already holds changes nothing. `wanted` must not overlap itself.
    """
    kept = list(existing)
    before = {span.id: span for span in kept}
    added: list[Span] = []
    for new in wanted:
        if any(_says_the_same(old, new) for old in kept):
            continue
        rest: list[Span] = []
        for old in kept:
            rest.extend(_outside(old, new) if touches(old, new) else [old])
        kept = rest
        added.append(new)
    left = {span.id: span for span in kept if span.id is not None}
    return Plan(
        deleted=tuple(span for identifier, span in before.items() if identifier not in left),
        shortened=tuple(span for identifier, span in left.items() if span != before[identifier]),
        added=(*added, *(span for span in kept if span.id is None)),
    )


def _says_the_same(old: Span, new: Span) -> bool:
    covers = not is_before(new.starts_at, old.starts_at) and not ends_after(new.ends_at, old.ends_at)
    return covers and old.value == new.value


def _outside(old: Span, new: Span) -> list[Span]:
    """Return what of `old` lies before and after `new`. The earlier part keeps the row, the later one becomes new."""
    parts = []
    if is_before(old.starts_at, new.starts_at):
        parts.append(replace(old, ends_at=new.starts_at))
    if ends_after(old.ends_at, new.ends_at):
        parts.append(replace(old, starts_at=new.ends_at, id=None if parts else old.id))
    return parts


def primitives(spans: Iterable[Span]) -> list[dict[str, int | str | None]]:
    """Return spans as the audit stores them."""
    return [
        {
            "value": span.value,
            "from": span.starts_at.isoformat() if span.starts_at else None,
            "until": span.ends_at.isoformat() if span.ends_at else None,
        }
        for span in spans
    ]
