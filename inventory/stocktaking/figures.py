"""What people and devices counted: every figure is kept once, with its counter and its moment, and nothing of it is lost.

A figure that can't be taken as a count of an item (an unknown barcode, a charge, one that came in after the end) is kept as a
finding, which a person looks at.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import connection
from django.db.models import F

from commerce import audit, catalog
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.product_refs import ProductRef
from commerce.transactions import transaction_required
from inventory.counting import CountAction, CountMode, CountState, FindingKind, ItemState
from inventory.errors import CountNotFound
from inventory.models import CountFinding, CountItem, CountRecord, StockCount
from inventory.stocktaking import settlement
from inventory.stocktaking.lists import CountRef
from inventory.stocktaking.variance import Moment, moment

MOST_AT_ONCE = 500
MOST_PIECES = 1_000_000
LONGEST_TEXT = 80
LONGEST_STATION = 40

_ADD_ITEMS = """
INSERT INTO inventory_countitem
    (count_id, product_id, location_id, condition, is_directed, reason, value_class, state, round, asked_at, records, posted,
     short, currency, is_uncertain, is_impossible, needs_approval, approver_kind, approver_id, note)
SELECT %s, product_id, %s, %s, %s, reason, value_class, 'open', 1, %s, 0, 0, 0, '', false, false, false, '', '', ''
FROM unnest(%s::bigint[], %s::text[], %s::text[]) WITH ORDINALITY AS wanted (product_id, reason, value_class, place)
ORDER BY place
ON CONFLICT ON CONSTRAINT count_item_once DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """Something that a device counted. `id` names it for ever: sent again, it counts once.

    `text` is what was scanned or typed, a barcode or an SKU; `quantity` is in pieces, or in packs for the barcode of a case
    pack. `counted_at` and `sent_at` are times of the device's clock; `known_offset` is what ours was ahead of it before.
    """

    id: UUID
    text: str
    quantity: int
    counted_at: datetime
    mode: CountMode = CountMode.ADD
    sent_at: datetime | None = None
    known_offset: timedelta | None = None


class Outcome(StrEnum):
    COUNTED = "counted"
    KNOWN = "known"  # it came in before
    FINDING = "finding"  # kept for a person to look at
    DIFFERS = "differs"  # its id belongs to something else; nothing was kept


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a figure. A finding says its kind; a product is named wherever one is known."""

    id: UUID
    outcome: Outcome
    product: ProductRef | None = None
    pieces: int = 0
    finding: FindingKind | None = None


@transaction_required
def record(count_id: UUID, figures: Sequence[Figure], *, station: str = "", by: Actor, at: datetime) -> list[Taken]:
    """Keep what a device counted, in the order given, and say what became of each figure.

    Any number of people and devices may count the same items at once: each replaces only their own figures. What comes in
    again changes nothing; what can't be taken is kept as a finding, whatever state the count is in.
    Raises: CountNotFound; InvalidInput for a quantity that can't be.
    """
    _check(figures)
    count = _shared(count_id)
    known = _known(figures)
    fresh = {figure.id: figure for figure in figures if figure.id not in known}
    products = {text: catalog.product_by_barcode(text) for text in {figure.text for figure in fresh.values()}}
    items = _items(count, {found[0].id for found in products.values() if found is not None and found[0].has_stock})
    twins = (
        _known(list(fresh.values())) if fresh else {}
    )  # who came at the same time with the same figures waited for the items
    taken: list[Taken] = []
    records: list[CountRecord] = []
    findings: list[CountFinding] = []
    for figure in figures:
        found = products.get(figure.text)
        product, pieces = (found[0], figure.quantity * found[1]) if found else (None, figure.quantity)
        earlier = known.get(figure.id) or twins.get(figure.id)
        if earlier is not None:
            is_same = earlier == (count_id, figure.text[:LONGEST_TEXT])
            taken.append(Taken(figure.id, Outcome.KNOWN if is_same else Outcome.DIFFERS, product, pieces))
            continue
        known[figure.id] = (count_id, figure.text[:LONGEST_TEXT])
        when = moment(
            figure.counted_at, sent_at=figure.sent_at, known_offset=figure.known_offset, received_at=at,
            opened_at=min(count.opened_at, at),
        )  # fmt: skip
        item = items.get(product.id) if product else None
        kind = _why_not(count, product, item, when)
        if kind is None and item is not None:
            records.append(_record(item, figure, pieces, when, station, len(records), by=by, at=at))
            taken.append(Taken(figure.id, Outcome.COUNTED, product, pieces))
        else:
            kind = kind or FindingKind.UNKNOWN
            findings.append(_finding(count, figure, product, pieces, kind, when, station, by=by, at=at))
            taken.append(Taken(figure.id, Outcome.FINDING, product, pieces, kind))
    _keep(count, records, findings, by=by, at=at)
    return taken


@transaction_required
def not_here(count_id: UUID, items: Sequence[CountItem], *, by: Actor, at: datetime) -> None:
    """Keep that items were looked for and are not here: a figure of nothing, by whoever says so."""
    _insert(
        [
            CountRecord(
                id=settlement.named(item, "none"), item=item, round=item.round, quantity=0, mode=CountMode.ADD.value,
                text="–", counter_kind=by.kind.value, counter_id=by.id, station="", counted_at=at, recorded_at=at,
                place=place % 32_000,
            )
            for place, item in enumerate(items)
        ]
    )  # fmt: skip


@transaction_required
def take(finding: CountFinding, product_id: int, pieces: int, *, at: datetime) -> CountItem | None:
    """Keep a finding as a count of a product, as its finder's own. Returns None if that item is settled already."""
    item = _items(finding.count, {product_id})[product_id]
    if not _is_going_on(finding.count, item):
        return None
    _insert(
        [
            CountRecord(
                id=settlement.named(item, f"finding:{finding.id}"), item=item, round=item.round, quantity=pieces,
                mode=finding.mode, text=finding.text, counter_kind=finding.counter_kind, counter_id=finding.counter_id,
                station=finding.station, counted_at=finding.counted_at, or_counted_at=finding.or_counted_at,
                is_time_doubtful=finding.is_time_doubtful, recorded_at=at, place=0,
            )
        ]
    )  # fmt: skip
    return CountItem.objects.get(pk=item.pk)


@transaction_required
def want(count: StockCount, wanted: Mapping[int, tuple[str, str]], *, is_directed: bool, at: datetime) -> None:
    """Put products on a count, with (reason, value class) each; those that are on it stay as they are."""
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_ITEMS,
            [
                count.id, count.location_id, count.condition, is_directed, at, list(wanted),
                [reason for reason, _ in wanted.values()], [value_class for _, value_class in wanted.values()],
            ],
        )  # fmt: skip


def _check(figures: Sequence[Figure]) -> None:
    if len(figures) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} figures at once, not {len(figures)}")
    for number, figure in enumerate(figures):
        if not 0 <= figure.quantity <= MOST_PIECES:
            message = f"Pieces are counted from 0 to {MOST_PIECES}; check the number."
            raise InvalidInput(
                message, errors=[{"field": f"records[{number}].quantity", "value": figure.quantity, "message": message}]
            )


def _shared(count_id: UUID) -> StockCount:
    """Return the count; nobody can hand it in or end it until our transaction does, while others may count as well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM inventory_stockcount WHERE id = %s FOR SHARE", [count_id])
        if cursor.fetchone() is None:
            raise CountNotFound("There is no such count; look at the list of counts.")
    return StockCount.objects.get(pk=count_id)


def _known(figures: Iterable[Figure]) -> dict[UUID, tuple[UUID, str]]:
    """Return the count and the text of those that came in before, as figures or findings."""
    ids = [figure.id for figure in figures]
    records = CountRecord.objects.filter(id__in=ids).values_list("id", "item__count_id", "text")
    findings = CountFinding.objects.filter(id__in=ids).values_list("id", "count_id", "text")
    return {row[0]: (row[1], row[2]) for row in (*records, *findings)}


def _items(count: StockCount, product_ids: Iterable[int]) -> dict[int, CountItem]:
    """Return the locked items of products, in the order of their keys; what is not on a count that goes on is put on it."""
    wanted = sorted(product_ids)
    if not wanted:
        return {}
    if CountAction.COUNT in CountRef.of(count).actions:
        want(count, dict.fromkeys(wanted, ("", "")), is_directed=False, at=count.opened_at)
    rows = CountItem.objects.select_for_update().filter(count_id=count.id, product_id__in=wanted).order_by("id")
    return {item.product_id: item for item in rows}


def _why_not(count: StockCount, product: ProductRef | None, item: CountItem | None, when: Moment) -> FindingKind | None:
    """Say why a figure can't be taken, or None."""
    if product is None:
        return FindingKind.UNKNOWN
    if not product.has_stock:
        return FindingKind.CHARGE
    if item is None or not _is_going_on(count, item):
        return FindingKind.LATE
    return FindingKind.LATE if max(when.at, when.or_at or when.at) < item.asked_at else None


def _is_going_on(count: StockCount, item: CountItem) -> bool:
    """Whether an item may still be counted: also one that nobody counted in time, as long as the count is looked at."""
    if item.state == ItemState.UNCOUNTED:
        return count.state == CountState.IN_REVIEW
    return item.state in (ItemState.OPEN, ItemState.REVIEW)


def _record(
    item: CountItem, figure: Figure, pieces: int, when: Moment, station: str, place: int, *, by: Actor, at: datetime
) -> CountRecord:
    return CountRecord(
        id=figure.id, item=item, round=item.round, quantity=pieces, mode=figure.mode.value, text=figure.text[:LONGEST_TEXT],
        counter_kind=by.kind.value, counter_id=by.id, station=station[:LONGEST_STATION], counted_at=when.at,
        or_counted_at=when.or_at, is_time_doubtful=when.is_doubtful, recorded_at=at, place=place,
    )  # fmt: skip


def _finding(
    count: StockCount, figure: Figure, product: ProductRef | None, pieces: int, kind: FindingKind, when: Moment,
    station: str, *, by: Actor, at: datetime,
) -> CountFinding:  # fmt: skip
    return CountFinding(
        id=figure.id, count=count, kind=kind.value, text=figure.text[:LONGEST_TEXT], quantity=pieces, mode=figure.mode.value,
        product_id=product.id if product else None, counter_kind=by.kind.value, counter_id=by.id,
        station=station[:LONGEST_STATION], counted_at=when.at, or_counted_at=when.or_at,
        is_time_doubtful=when.is_doubtful, recorded_at=at,
    )  # fmt: skip


def _keep(
    count: StockCount, records: Sequence[CountRecord], findings: Sequence[CountFinding], *, by: Actor, at: datetime
) -> None:
    if not records and not findings:
        return
    _insert(records)
    CountFinding.objects.bulk_create(findings, ignore_conflicts=True)  # a twin of a finding waits for no item
    audit.record(
        "inventory.counts.record", "count", count.id, by=by, after={"figures": len(records), "findings": len(findings)}
    )
    if records and count.state == CountState.IN_REVIEW:
        touched = CountItem.objects.filter(pk__in={record.item_id for record in records})
        settlement.compare(count, list(touched.order_by("id")), by=by, at=at)


def _insert(records: Sequence[CountRecord]) -> None:
    CountItem.objects.filter(pk__in={record.item_id for record in records}, state=ItemState.UNCOUNTED.value).update(
        state=ItemState.OPEN.value, settled_at=None
    )
    CountRecord.objects.bulk_create(records)
    many: dict[int, int] = {}
    for record in records:
        many[record.item_id] = many.get(record.item_id, 0) + 1
    by_number: dict[int, list[int]] = {}
    for item_id, number in many.items():
        by_number.setdefault(number, []).append(item_id)
    for number, item_ids in by_number.items():
        CountItem.objects.filter(pk__in=item_ids).update(records=F("records") + number)
