"""Discrepancies: what was found other than expected is kept open, with an owner and a date, until it is settled.

A repair is a compensating entry in the journal, never below what is promised: what can't be booked yet stays open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import audit, ids, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Role
from commerce.transactions import transaction_required
from inventory import expiry, ledger, timeline, valuation
from inventory.errors import DiscrepancyNotFound, DiscrepancySettled, NotRepairable
from inventory.ledger import LevelKey, Posting
from inventory.models import Discrepancy
from inventory.reconciling import REPAIRABLE, DiscrepancyKind, DiscrepancyState, Meaning, due
from inventory.stock import Condition, Counterparty, EntryKind

CAUSE = "discrepancy"  # the journal's cause type of a repair
MOST_AT_ONCE = 500
LONGEST_NOTE = 300
TRY_AGAIN_AFTER = timedelta(hours=1)  # what could not be put right by itself is looked at again once an hour

integrity.refuse(
    "discrepancy_of_source_once",
    lambda: DiscrepancySettled("Another statement of this source was read just now; send this one again."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDiscrepancy:
    """Something found other than expected, in pieces. `id` names it for ever: the same id again records nothing again.

    `expected` is what the books (or the order, or the note) say after everything that could be booked at once, `found` what
    the world says. `cause_type` and `cause_id` lead to the count, the transfer, the purchase order. Without a location it is
    about all places together. With `repair_at` the house puts it right by itself from then on.
    """

    id: UUID
    kind: DiscrepancyKind
    product_id: int
    location_id: int | None
    expected: int
    found: int
    source: str
    as_of: datetime
    cause_type: str = ""
    cause_id: str = ""
    suggested_cause: str = ""
    cause_facts: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    condition: Condition = Condition.SELLABLE
    meaning: Meaning = Meaning.ON_HAND
    owner_role: Role | None = None
    repair_window: timedelta | None = None
    repair_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair came to: pieces booked (signed), and pieces that are still to be booked when promises allow."""

    booked: int
    left: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A discrepancy that the house is to put right by itself."""

    id: UUID
    source: str
    product_id: int
    location_id: int | None


# --- recording ------------------------------------------------------------------------------------------------------


@transaction_required
def record(rows: Sequence[NewDiscrepancy], *, by: Actor, at: datetime) -> None:
    """Keep what was found other than expected, each valued at a piece's cost or price where one is known.

    Its owner is the place's manager (the merchandisers where it concerns all places), its window that of its kind unless the
    row says others. Raises: ValueError for a row without a difference.
    """
    if any(row.expected == row.found for row in rows):
        raise ValueError("a discrepancy differs")
    if not rows:
        return
    worth = valuation.of_pieces({row.product_id for row in rows}, at=at)
    known = set(Discrepancy.objects.filter(id__in=[row.id for row in rows]).values_list("id", flat=True))
    fresh = [row for row in {row.id: row for row in rows}.values() if row.id not in known]
    Discrepancy.objects.bulk_create(
        [
            Discrepancy(
                id=row.id, kind=DiscrepancyKind(row.kind).value, product_id=row.product_id, location_id=row.location_id,
                condition=Condition(row.condition).value, meaning=Meaning(row.meaning).value, expected=row.expected,
                found=row.found, unit_value_minor=worth[row.product_id].minor if row.product_id in worth else None,
                currency=worth[row.product_id].currency if row.product_id in worth else "",
                source=row.source[:40], as_of=row.as_of, since=row.as_of, cause_type=row.cause_type, cause_id=row.cause_id,
                suggested_cause=row.suggested_cause, cause_facts=dict(row.cause_facts), note=row.note[:LONGEST_NOTE],
                owner_role=(row.owner_role or _owner(row)).value, due_at=due(row.kind, at, row.repair_window),
                repair_at=row.repair_at, recorded_at=at,
            )
            for row in fresh
        ],
        batch_size=MOST_AT_ONCE,
    )  # fmt: skip
    audit.record_many(
        [
            audit.AuditRow(
                verb="inventory.discrepancies.record", object_type="discrepancy", object_id=row.id,
                after={
                    "kind": row.kind, "product_id": row.product_id, "location_id": row.location_id, "expected": row.expected,
                    "found": row.found, "source": row.source, "as_of": row.as_of, "suggested_cause": row.suggested_cause,
                },
            )
            for row in fresh
        ],
        by=by,
    )  # fmt: skip


def _owner(row: NewDiscrepancy) -> Role:
    return Role.MERCHANDISER if row.location_id is None else Role.STORE_MANAGER


@transaction_required
def open_of(
    source: str, *, location_id: int | None, condition: Condition, meaning: Meaning, product_ids: Sequence[int]
) -> dict[int, UUID]:
    """Lock the open differences of a source at a place and return their ids by product."""
    rows = Discrepancy.objects.select_for_update().filter(
        state=DiscrepancyState.OPEN.value, kind=DiscrepancyKind.STATEMENT_DIFFERENCE.value, source=source,
        location_id=location_id, condition=condition.value, meaning=meaning.value, product_id__in=product_ids,
    )  # fmt: skip
    return dict(rows.order_by("id").values_list("product_id", "id"))


@transaction_required
def follow(rows: Sequence[NewDiscrepancy], *, by: Actor, at: datetime) -> None:
    """Let open differences, by their ids, say what the source's newest statement says. Since when they are open stays.

    What was booked for the older figure is in our books by now, so it no longer counts as repaired.
    """
    newest = {row.id: row for row in rows}
    known = _locked(list(newest))
    before = [{"expected": row.expected, "found": row.found, "as_of": row.as_of} for row in known]
    for row in known:
        new = newest[row.id]
        row.expected, row.found, row.repaired, row.as_of = new.expected, new.found, 0, new.as_of
        row.suggested_cause, row.cause_facts = new.suggested_cause, dict(new.cause_facts)
        row.cause_type, row.cause_id = new.cause_type, new.cause_id
        row.repair_at = new.repair_at and (row.repair_at or new.repair_at)
    Discrepancy.objects.bulk_update(
        known,
        [
            "expected",
            "found",
            "repaired",
            "as_of",
            "suggested_cause",
            "cause_facts",
            "cause_type",
            "cause_id",
            "repair_at",
        ],
        batch_size=MOST_AT_ONCE,
    )
    audit.record_many(
        [
            audit.AuditRow(
                verb="inventory.discrepancies.follow", object_type="discrepancy", object_id=row.id, before=old,
                after={"expected": row.expected, "found": row.found, "as_of": row.as_of, "suggested_cause": row.suggested_cause},
            )
            for row, old in zip(known, before, strict=True)
            if (old["expected"], old["found"]) != (row.expected, row.found)
        ],
        by=by,
    )  # fmt: skip


# --- settling -------------------------------------------------------------------------------------------------------


@transaction_required
def settle(discrepancy_id: UUID, *, how: DiscrepancyState, note: str, by: Actor, at: datetime) -> None:
    """End a discrepancy without booking anything: accepted (our books stand), repaired elsewhere, or vanished.

    Settling it again in the same way changes nothing.
    Raises: DiscrepancyNotFound; DiscrepancySettled when it ended otherwise; InvalidInput for accepting without a note.
    """
    if how is DiscrepancyState.OPEN:
        raise ValueError("a settled discrepancy is not open")
    [row] = _locked([discrepancy_id])
    if row.state == how.value:
        return
    _refuse_settled(row)
    if how is DiscrepancyState.ACCEPTED and not note.strip():
        raise InvalidInput(
            "Say why the books stand as they are; the reason stays with the discrepancy.",
            errors=[{"field": "note", "value": "", "message": "is empty"}],
        )
    _end([row], how, note, by=by, at=at)


@transaction_required
def settle_vanished(rows: Sequence[UUID], *, note: str, by: Actor, at: datetime) -> None:
    """End the discrepancies that their source no longer sees. Those that ended already stay as they are."""
    _end(
        [row for row in _locked(rows) if row.state == DiscrepancyState.OPEN],
        DiscrepancyState.VANISHED,
        note,
        by=by,
        at=at,
    )


def _end(rows: Sequence[Discrepancy], how: DiscrepancyState, note: str, *, by: Actor, at: datetime) -> None:
    for row in rows:
        row.state, row.settled_at, row.repair_at = how.value, at, None
        row.settled_by, row.settled_note = by.label[:200], note.strip()[:LONGEST_NOTE]
    Discrepancy.objects.bulk_update(
        rows, ["state", "settled_at", "settled_by", "settled_note", "repair_at"], batch_size=MOST_AT_ONCE
    )
    audit.record_many(
        [
            audit.AuditRow(
                verb="inventory.discrepancies.settle", object_type="discrepancy", object_id=row.id,
                before={"state": "open"}, after={"state": how.value}, reason=note,
            )
            for row in rows
        ],
        by=by,
    )  # fmt: skip


# --- repairing ------------------------------------------------------------------------------------------------------


@transaction_required
def repair(discrepancy_ids: Sequence[UUID], *, reason: str, by: Actor, at: datetime) -> dict[UUID, Repair]:
    """Book what brings our books to what was found, as of when it was found, and return what came of each discrepancy.

    Absolute figures are compared anew, under the lock, with what our books say by now of their moment: what was reported
    late in the meantime is not booked twice. Pieces that are promised are never booked away: that rest stays open.
    Raises: DiscrepancyNotFound, DiscrepancySettled, NotRepairable; ValueError for more than MOST_AT_ONCE.
    """
    if len(discrepancy_ids) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} discrepancies at once, not {len(discrepancy_ids)}")
    # Levels before discrepancies: whoever records or settles one may hold its level already.
    levels = ledger.lock({_key(row) for row in _read(discrepancy_ids)}, at=at, create=True)
    rows = _locked(discrepancy_ids)
    for row in rows:
        _refuse_settled(row)
    before = {row.id: row.repaired for row in rows}
    _compare_anew(rows)
    postings = expiry.sweep(levels, by=by, at=at)
    free = {key: level.free - sum(p.held for p in postings if p.key == key) for key, level in levels.items()}
    done = {}
    for row in rows:
        key = _key(row)
        left = _left(row)
        booked = left if left > 0 else -min(-left, max(free[key], 0))
        if booked:
            postings.append(_posting(row, booked, reason))
            free[key] += booked
            row.repaired += booked
        done[row.id] = Repair(booked, left - booked)
    ledger.post(levels, postings, by=by, at=at)
    _keep(rows, before, reason, by=by, at=at)
    return done


def due_for_repair(*, at: datetime, at_most: int) -> list[Waiting]:
    """Return the discrepancies that the house is to put right by itself by now, the longest waiting first."""
    due_rows = Discrepancy.objects.filter(state=DiscrepancyState.OPEN.value, repair_at__lte=at)
    columns = due_rows.order_by("repair_at", "id").values_list("id", "source", "product_id", "location_id")
    return [Waiting(*row) for row in columns[:at_most]]


@transaction_required
def look_again(discrepancy_ids: Sequence[UUID], *, at: datetime) -> None:
    """Put off what the house did all it could about for now."""
    Discrepancy.objects.filter(id__in=discrepancy_ids, state=DiscrepancyState.OPEN.value).update(
        repair_at=at + TRY_AGAIN_AFTER
    )


def _keep(rows: Sequence[Discrepancy], before: Mapping[UUID, int], reason: str, *, by: Actor, at: datetime) -> None:
    for row in rows:
        if _left(row) == 0:
            row.state = (DiscrepancyState.REPAIRED if row.repaired else DiscrepancyState.VANISHED).value
            row.settled_at, row.settled_by, row.settled_note, row.repair_at = (
                at,
                by.label[:200],
                reason[:LONGEST_NOTE],
                None,
            )
        elif row.repair_at is not None:
            row.repair_at = at + TRY_AGAIN_AFTER
    Discrepancy.objects.bulk_update(
        rows, ["expected", "repaired", "state", "settled_at", "settled_by", "settled_note", "repair_at"],
        batch_size=MOST_AT_ONCE,
    )  # fmt: skip
    audit.record_many(
        [
            audit.AuditRow(
                verb="inventory.discrepancies.repair", object_type="discrepancy", object_id=row.id,
                before={"repaired": before[row.id]}, after={"repaired": row.repaired, "left": _left(row), "state": row.state},
                reason=reason,
            )
            for row in rows
        ],
        by=by,
    )  # fmt: skip


def _compare_anew(rows: Sequence[Discrepancy]) -> None:
    """Let `expected` of absolute figures say what our books say now of their moment, repairs of before left aside."""
    stated = [row for row in rows if row.kind == DiscrepancyKind.STATEMENT_DIFFERENCE]
    moments = [(_key(row), row.as_of) for row in stated]
    for row, ours in zip(stated, timeline.snapshots(moments), strict=True):
        row.expected = our_figure(ours, Meaning(row.meaning)) - row.repaired


def our_figure(ours: timeline.Snapshot, meaning: Meaning) -> int:
    """Return what an absolute figure of this meaning would be by our books; what may be sold is never negative."""
    if meaning is Meaning.ON_HAND:
        return ours.on_hand
    return max(ours.on_hand - ours.allocated - ours.held, 0)


def _posting(row: Discrepancy, pieces: int, reason: str) -> Posting:
    return Posting(
        ids.new(), _key(row), EntryKind.ADJUSTED, on_hand=pieces,
        counterparty=Counterparty.FOUND if pieces > 0 else Counterparty.SHRINKAGE, reason=reason[:80],
        cause_type=CAUSE, cause_id=str(row.id), source=row.source,
        occurred_at=row.as_of if row.kind == DiscrepancyKind.STATEMENT_DIFFERENCE else None,
    )  # fmt: skip


def _left(row: Discrepancy) -> int:
    return row.found - row.expected - row.repaired


def _key(row: Discrepancy) -> LevelKey:
    if row.location_id is None or DiscrepancyKind(row.kind) not in REPAIRABLE:
        raise NotRepairable(
            "This discrepancy was booked as it happened, or concerns no single place; settle it with a note instead.",
            kind=row.kind,
        )
    return LevelKey(row.product_id, row.location_id, row.condition)


def _read(discrepancy_ids: Sequence[UUID]) -> list[Discrepancy]:
    rows = list(Discrepancy.objects.filter(id__in=discrepancy_ids).order_by("id"))
    if len(rows) < len(set(discrepancy_ids)):
        raise DiscrepancyNotFound("There is no such discrepancy; look at the list again.")
    return rows


def _locked(discrepancy_ids: Sequence[UUID]) -> list[Discrepancy]:
    rows = list(Discrepancy.objects.select_for_update().filter(id__in=discrepancy_ids).order_by("id"))
    if len(rows) < len(set(discrepancy_ids)):
        raise DiscrepancyNotFound("There is no such discrepancy; look at the list again.")
    return rows


def _refuse_settled(row: Discrepancy) -> None:
    if row.state != DiscrepancyState.OPEN:
        raise DiscrepancySettled(f"This discrepancy was settled before ({row.state}).", state=row.state)
