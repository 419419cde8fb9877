"""Settling what was counted: compared with the books as of its own moment, posted, or put before a second person.

Nothing is corrected twice: where a newer count or correction stands in the journal, an older count posts nothing. Nothing that
is promised is booked away: what is missing of it stays open as a discrepancy, so that its orders can be looked after.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from django.db import connection

from commerce import outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import expiry, ledger, timeline, valuation
from inventory.counting import CountState, ItemState
from inventory.events import CountPosted
from inventory.ledger import LevelKey, Posting
from inventory.models import CountFinding, CountItem, StockCount
from inventory.reconciliation import discrepancies
from inventory.reconciliation.discrepancies import NewDiscrepancy
from inventory.reconciling import DiscrepancyKind, DiscrepancyState
from inventory.stock import Condition, Counterparty, EntryKind
from inventory.stocktaking import lists, rules, variance
from inventory.stocktaking.variance import Difference, Total

CAUSE = "count"  # the journal's cause type
SOURCE = "count"
MOMENTS_AT_ONCE = timeline.MOST_MOMENTS // 2

_FIGURES = (
    "state", "counted", "counted_at", "expected", "posted", "short", "unit_value_minor", "currency", "is_uncertain",
    "is_impossible", "needs_approval", "approver_kind", "approver_id", "discrepancy_id", "note", "settled_at",
)  # fmt: skip

# What was recorded after a level's version of the moment, and happened after it: somebody put the same books right since.
_CORRECTED_SINCE = """
SELECT w.place FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) WITH ORDINALITY
    AS w (level_id, version, moment, place)
WHERE EXISTS (
    SELECT 1 FROM inventory_stockentry e
    WHERE e.level_id = w.level_id AND e.version > w.version AND e.kind IN ('counted', 'adjusted', 'corrected')
      AND e.on_hand_delta <> 0 AND e.occurred_at > w.moment
)
"""


@dataclass(frozen=True, slots=True)
class Compared:
    """An item's count against the books: the difference as of its moment, and whether something newer stands."""

    total: Total
    difference: Difference
    is_overtaken: bool


@dataclass(slots=True)
class Settled:
    """What settling came to. `changed` are product ids whose difference is not the one that was approved."""

    posted: int = 0
    right: int = 0
    overtaken: int = 0
    in_review: int = 0
    changed: list[int] = field(default_factory=list)


def named(item: CountItem, what: str) -> UUID:
    """Return the id of something that an item's round has once."""
    return uuid5(item.count_id, f"{item.product_id}:{item.round}:{what}")


def key_of(item: CountItem) -> LevelKey:
    """Return the level that an item is about."""
    return LevelKey(item.product_id, item.location_id, item.condition)


@transaction_required
def settle(
    count: StockCount,
    items: Sequence[CountItem],
    *,
    approved: Mapping[int, int] | None = None,
    note: str = "",
    by: Actor,
    at: datetime,
) -> Settled:
    """Settle items that have figures; the count's row is locked by the caller, their levels are locked here.

    Without `approved`, differences within the place's limits are posted and larger ones put before a second person. With it
    (pieces by product, as they were seen), `by` is that person; a difference that is another one by now stays in review.
    """
    done = Settled()
    levels = ledger.lock({key_of(item) for item in items}, at=at, create=True)
    compared = _compared(items, {key: level.id for key, level in levels.items()})
    worth = valuation.of_pieces({item.product_id for item in items}, at=at)
    limits = rules.policy(count.location_id).limits
    postings = expiry.sweep(levels, by=by, at=at)
    free = {key: level.free - sum(p.held for p in postings if p.key == key) for key, level in levels.items()}
    on_hand = {key: level.on_hand for key, level in levels.items()}
    opened: list[NewDiscrepancy] = []
    ended: list[tuple[CountItem, UUID]] = []
    for item in items:
        one, key, unit = compared[item.pk], key_of(item), worth.get(item.product_id)
        pieces = one.difference.pieces
        _show(item, one, unit)
        is_large = variance.needs_second_person(pieces, item.unit_value_minor, limits)
        item.needs_approval = is_large or item.state == ItemState.REVIEW
        booking = variance.booking(pieces, on_hand=on_hand[key], free=free[key])
        before = item.discrepancy_id
        if pieces == 0:
            _end(item, ItemState.RIGHT, note, at)
            done.right += 1
        elif one.is_overtaken:
            _end(item, ItemState.OVERTAKEN, note, at)
            done.overtaken += 1
        elif booking.is_impossible:
            item.state, item.is_impossible = ItemState.REVIEW.value, True
            opened += _once(item, _impossible(item, count, on_hand[key], pieces))
            done.in_review += 1
        elif approved is None and item.needs_approval:
            item.state = ItemState.REVIEW.value
            opened += _once(item, _large(item, count))
            done.in_review += 1
        elif approved is not None and approved.get(item.product_id) != pieces:
            item.state = ItemState.REVIEW.value
            done.in_review += 1
            done.changed.append(item.product_id)
        else:
            item.posted, item.short = booking.posted, booking.short
            if approved is not None:
                item.approver_kind, item.approver_id = by.kind.value, by.id
            _end(item, ItemState.POSTED, note, at)
            done.posted += 1
            if booking.posted:
                postings.append(_posting(item, count))
                free[key] += booking.posted
                on_hand[key] += booking.posted
            item.discrepancy_id = None
            if booking.short:
                opened += _once(item, _below_promised(item, count, on_hand[key]))
        if item.state != ItemState.REVIEW and item.discrepancy_id == before:
            item.discrepancy_id = None
        if before is not None and item.discrepancy_id != before:
            ended.append((item, before))
    ledger.post(levels, postings, by=by, at=at)
    discrepancies.record(opened, by=by, at=at)
    _end_discrepancies(count, items, ended, by=by, at=at)
    CountItem.objects.bulk_update(items, _FIGURES, batch_size=500)
    return done


@transaction_required
def compare(count: StockCount, items: Sequence[CountItem], *, by: Actor, at: datetime) -> None:
    """Show anew how items differ that were counted on after the count was handed in: a second person decides about them."""
    ids = {key: level.id for key, level in ledger.lock({key_of(item) for item in items}, at=at, create=True).items()}
    worth = valuation.of_pieces({item.product_id for item in items}, at=at)
    compared = _compared(items, ids)
    for item in items:
        _show(item, compared[item.pk], worth.get(item.product_id))
        item.state, item.needs_approval, item.is_impossible = ItemState.REVIEW.value, True, False
    CountItem.objects.bulk_update(items, _FIGURES, batch_size=500)


@transaction_required
def finish(count: StockCount, *, by: Actor, at: datetime) -> None:
    """End a count that was handed in as soon as nothing of it waits for a person, and tell what came of it."""
    items = CountItem.objects.filter(count_id=count.pk)
    waits = items.filter(state__in=[ItemState.OPEN.value, ItemState.REVIEW.value]).exists()
    if waits or CountFinding.objects.filter(count_id=count.pk, state="open").exists():
        count.state = CountState.IN_REVIEW.value
        count.save(update_fields=["state", "handed_in_at"])
        return
    count.state, count.ended_at = CountState.POSTED.value, at
    count.save(update_fields=["state", "handed_in_at", "ended_at"])
    rows = list(items.filter(counted__isnull=False).values_list("posted", "short", "counted", "expected", "state"))
    outbox.publish(
        [
            CountPosted(
                aggregate_sequence=1, occurred_at=at, count_id=str(count.pk), number=count.number,
                location_id=count.location_id, counted=len(rows), differing=sum(row[2] != row[3] for row in rows),
                found=sum(max(row[0], 0) for row in rows), missing=sum(max(-row[0], 0) for row in rows),
                short=sum(-row[1] for row in rows),
            )
        ],
        by=by,
    )  # fmt: skip


# --- comparing ------------------------------------------------------------------------------------------------------


def _compared(items: Sequence[CountItem], level_ids: Mapping[LevelKey, int]) -> dict[int, Compared]:
    figures = lists.figures_of((item.pk, item.round) for item in items)
    totals = {}
    for item in items:
        counted = variance.total(figure for _row, figure in figures[item.pk])
        if counted is None:
            raise ValueError(f"item {item.pk} was not counted")
        totals[item.pk] = counted
    books: dict[int, tuple[timeline.Snapshot, timeline.Snapshot]] = {}
    for portion in _portions(items, MOMENTS_AT_ONCE):
        moments = [
            (key_of(item), moment) for item in portion for moment in (totals[item.pk].first, totals[item.pk].last)
        ]
        found = timeline.snapshots(moments)
        books |= {item.pk: (found[2 * n], found[2 * n + 1]) for n, item in enumerate(portion)}
    differences = {
        pk: variance.difference(totals[pk], first.on_hand, last.on_hand) for pk, (first, last) in books.items()
    }
    versions = {pk: first.version for pk, (first, _last) in books.items()}
    newer = _corrected_since(
        [(item.pk, level_ids[key_of(item)], versions[item.pk], totals[item.pk].last) for item in items]
    )
    return {pk: Compared(totals[pk], differences[pk], pk in newer) for pk in totals}


def _corrected_since(rows: Sequence[tuple[int, int, int, datetime]]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_CORRECTED_SINCE, [[row[1] for row in rows], [row[2] for row in rows], [row[3] for row in rows]])
        return {rows[place - 1][0] for (place,) in cursor.fetchall()}


def _portions(items: Sequence[CountItem], size: int) -> Iterable[Sequence[CountItem]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _show(item: CountItem, one: Compared, unit: valuation.UnitValue | None) -> None:
    item.counted, item.expected, item.counted_at = one.difference.counted, one.difference.expected, one.difference.at
    item.is_uncertain = one.difference.is_uncertain or one.total.is_doubtful
    item.unit_value_minor, item.currency = (unit.minor, unit.currency) if unit else (None, "")


def _end(item: CountItem, state: ItemState, note: str, at: datetime) -> None:
    item.state, item.settled_at, item.is_impossible = state.value, at, False
    item.note = note[:200] or item.note


# --- booking --------------------------------------------------------------------------------------------------------


def _posting(item: CountItem, count: StockCount) -> Posting:
    return Posting(
        named(item, "entry"), key_of(item), EntryKind.COUNTED, on_hand=item.posted,
        counterparty=Counterparty.FOUND if item.posted > 0 else Counterparty.SHRINKAGE,
        reason=f"count {count.number}", cause_type=CAUSE, cause_id=str(count.pk), source=SOURCE,
        occurred_at=item.counted_at,
    )  # fmt: skip


def _once(item: CountItem, new: NewDiscrepancy) -> list[NewDiscrepancy]:
    """Let the item stand for a discrepancy, unless it does for this one already."""
    if item.discrepancy_id == new.id:
        return []
    item.discrepancy_id = new.id
    return [new]


def _discrepancy(
    item: CountItem, count: StockCount, kind: DiscrepancyKind, expected: int, found: int
) -> NewDiscrepancy:
    return NewDiscrepancy(
        id=named(item, kind.value), kind=kind, product_id=item.product_id, location_id=item.location_id,
        expected=expected, found=found, source=SOURCE, as_of=item.counted_at, cause_type=CAUSE, cause_id=str(count.pk),
        note=count.number, condition=Condition(item.condition),
    )  # fmt: skip


def _large(item: CountItem, count: StockCount) -> NewDiscrepancy:
    return _discrepancy(item, count, DiscrepancyKind.COUNT_VARIANCE, item.expected or 0, item.counted or 0)


def _below_promised(item: CountItem, count: StockCount, on_hand: int) -> NewDiscrepancy:
    return _discrepancy(item, count, DiscrepancyKind.COUNT_BELOW_PROMISED, on_hand, on_hand + item.short)


def _impossible(item: CountItem, count: StockCount, on_hand: int, pieces: int) -> NewDiscrepancy:
    return _discrepancy(item, count, DiscrepancyKind.NEGATIVE_SURPRISE, on_hand, on_hand + pieces)


def _end_discrepancies(
    count: StockCount, items: Sequence[CountItem], ended: Sequence[tuple[CountItem, UUID]], *, by: Actor, at: datetime
) -> None:
    """End what items stood for, and what an earlier count left open of the goods that were counted now."""
    posted = [one for item, one in ended if item.state == ItemState.POSTED]
    vanished = [one for item, one in ended if item.state != ItemState.POSTED]
    for one in posted:
        discrepancies.settle(one, how=DiscrepancyState.REPAIRED, note=count.number, by=by, at=at)
    decided = [item for item in items if item.state in (ItemState.POSTED, ItemState.RIGHT)]
    earlier = CountItem.objects.filter(
        location_id=count.location_id, condition=count.condition, product_id__in=[item.product_id for item in decided],
        state=ItemState.POSTED.value, short__lt=0, discrepancy_id__isnull=False,
    ).exclude(count_id=count.pk)  # fmt: skip
    vanished += earlier.values_list("discrepancy_id", flat=True)
    if vanished:
        discrepancies.settle_vanished(vanished, note=count.number, by=by, at=at)
