"""What screens and the API show of counts. Whoever counts sees no figure of the books; whoever reviews sees them all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import catalog
from commerce.actors import Actor
from inventory import shelves
from inventory.counting import ALLOWED, CountAction, CountKind, CountMode, CountState, FindingKind, ItemState
from inventory.errors import CountNotFound
from inventory.models import CountFinding, CountItem, CountRecord, StockCount
from inventory.stock import Condition
from inventory.variance import Counted, Moment, order_by_size, total

MOST_LISTED = 50
MOST_ON_A_PAGE = 500


@dataclass(frozen=True, slots=True)
class CountRef:
    """A count as other modules and screens read it."""

    id: UUID
    number: str
    location_id: int
    condition: Condition
    kind: CountKind
    state: CountState
    shelf: str
    category: str
    note: str
    source: str
    opened_at: datetime
    handed_in_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: StockCount) -> "CountRef":
        return cls(
            row.id, row.number, row.location_id, Condition(row.condition), CountKind(row.kind), CountState(row.state),
            row.shelf, row.category, row.note, row.source, row.opened_at, row.handed_in_at, row.ended_at,
        )  # fmt: skip

    @property
    def actions(self) -> frozenset[CountAction]:
        """What the count's state allows."""
        return ALLOWED[self.state]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a count is, in items. `wanted` were wanted from the start, `done` of them counted; `more` came up besides."""

    wanted: int = 0
    done: int = 0
    more: int = 0
    in_review: int = 0
    findings: int = 0

    @property
    def is_complete(self) -> bool:
        return self.done == self.wanted


@dataclass(frozen=True, slots=True)
class BlindItem:
    """An item as its counters see it: what it is, where it lies, what they counted of it themselves. Nothing of the books."""

    item_id: int
    product_id: int
    sku: str
    name: str
    gtins: tuple[str, ...]
    shelves: tuple[str, ...]
    is_directed: bool
    is_counted: bool
    is_again: bool  # it is to be counted anew
    own: int | None


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """An item as whoever decides sees it. `counters` are (kind, id) of those who counted it."""

    item: CountItem
    sku: str
    name: str
    pieces: int
    value_minor: int | None
    counters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FindingRow:
    finding: CountFinding
    name: str
    kind: FindingKind


def get(count_id: UUID, *, location_id: int | None = None) -> CountRef:
    """Return a count, at this place if one is given. Raises: CountNotFound."""
    row = StockCount.objects.filter(id=count_id).first()
    if row is None or (location_id is not None and row.location_id != location_id):
        raise CountNotFound("There is no such count here; look at the list of counts.")
    return CountRef.of(row)


def listed(
    *, location_id: int | None = None, states: Sequence[CountState] = tuple(CountState), at_most: int = MOST_LISTED
) -> list[CountRef]:
    """Return counts, at a place if one is given, those opened last first."""
    rows = StockCount.objects.filter(state__in=[state.value for state in states])
    if location_id is not None:
        rows = rows.filter(location_id=location_id)
    return [CountRef.of(row) for row in rows.order_by("-opened_at")[:at_most]]


_PROGRESS = """
SELECT i.count_id,
       count(*) FILTER (WHERE i.is_directed),
       count(*) FILTER (WHERE i.is_directed AND i.records > 0),
       count(*) FILTER (WHERE NOT i.is_directed AND i.records > 0),
       count(*) FILTER (WHERE i.state = 'review')
FROM inventory_countitem i WHERE i.count_id = ANY(%s) GROUP BY i.count_id
"""
_OPEN_FINDINGS = """
SELECT count_id, count(*) FROM inventory_countfinding WHERE count_id = ANY(%s) AND state = 'open' GROUP BY count_id
"""


def progress(count_ids: Iterable[UUID]) -> dict[UUID, Progress]:
    """Return how far counts are, with two queries however many there are."""
    wanted = list(count_ids)
    with connection.cursor() as cursor:
        cursor.execute(_PROGRESS, [wanted])
        items = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute(_OPEN_FINDINGS, [wanted])
        findings = dict(cursor.fetchall())
    found = {}
    for one in wanted:
        directed, done, more, in_review = items.get(one, (0, 0, 0, 0))
        found[one] = Progress(directed, done, more, in_review, findings.get(one, 0))
    return found


def figures_of(item_rounds: Iterable[tuple[int, int]]) -> dict[int, list[tuple[CountRecord, Counted]]]:
    """Return the figures of items (id, round), by item: as they are kept and as they are added up."""
    rounds = dict(item_rounds)
    found: dict[int, list[tuple[CountRecord, Counted]]] = {item_id: [] for item_id in rounds}
    for row in CountRecord.objects.filter(item_id__in=list(rounds)).order_by("recorded_at", "place"):
        if row.round != rounds[row.item_id]:
            continue
        found[row.item_id].append((row, counted(row, len(found[row.item_id]))))
    return found


def counted(row: CountRecord, place: int) -> Counted:
    """Return a record as the figure that it is."""
    when = Moment(row.counted_at, row.or_counted_at, row.is_time_doubtful)
    who = f"{row.counter_kind}:{row.counter_id}:{row.station}"
    return Counted(who, row.quantity, row.mode == CountMode.REPLACE, when, place)


def sheet(count: CountRef, *, by: Actor, station: str = "", at_most: int = MOST_ON_A_PAGE) -> list[BlindItem]:
    """Return the items of a count for one counter, blind: those to count first, by shelf, then those counted, newest first."""
    open_items = CountItem.objects.filter(count_id=count.id, state__in=[ItemState.OPEN.value, ItemState.REVIEW.value])
    items = list(open_items.order_by("records", "id")[:at_most])
    products = catalog.products_by_id(item.product_id for item in items)
    places = shelves.of(count.location_id, [item.product_id for item in items])
    own = _own([item for item in items if item.records], by, station)
    rows = [
        BlindItem(
            item.id, item.product_id, products[item.product_id].sku, products[item.product_id].name,
            products[item.product_id].gtins, tuple(places.get(item.product_id, ())), item.is_directed, item.records > 0,
            item.round > 1, own[item.id].quantity if item.id in own else None,
        )
        for item in items
    ]  # fmt: skip
    latest = {item_id: figure.last for item_id, figure in own.items()}
    return sorted(
        rows,
        key=lambda one: (
            one.is_counted,
            -latest[one.item_id].timestamp() if one.item_id in latest else 0.0,
            not one.shelves,
            one.shelves,
            one.name,
        ),
    )


def _own(items: Sequence[CountItem], by: Actor, station: str) -> dict[int, Any]:
    rounds = {item.id: item.round for item in items}
    mine: dict[int, list[Counted]] = {}
    rows = CountRecord.objects.filter(
        item_id__in=list(rounds), counter_kind=by.kind.value, counter_id=by.id, station=station
    )
    for place, row in enumerate(rows.order_by("recorded_at", "place")):
        if row.round == rounds[row.item_id]:
            mine.setdefault(row.item_id, []).append(counted(row, place))
    return {item_id: figure for item_id, figures in mine.items() if (figure := total(figures)) is not None}


def review(count_id: UUID, *, states: Sequence[ItemState] | None = None) -> list[ReviewItem]:
    """Return the items of a count with their differences, the largest value first; those without a figure are left out."""
    rows = CountItem.objects.filter(count_id=count_id, counted__isnull=False)
    if states is not None:
        rows = rows.filter(state__in=[state.value for state in states])
    items = {item.id: item for item in rows[:MOST_ON_A_PAGE]}
    products = catalog.products_by_id(item.product_id for item in items.values())
    who: dict[int, set[tuple[str, str]]] = {}
    for item_id, number, kind, counter in CountRecord.objects.filter(item_id__in=list(items)).values_list(
        "item_id", "round", "counter_kind", "counter_id"
    ):
        if number == items[item_id].round:
            who.setdefault(item_id, set()).add((kind, counter))
    pieces = {item.id: _pieces(item) for item in items.values()}
    order = order_by_size([(item.id, pieces[item.id], item.unit_value_minor) for item in items.values()])
    return [
        ReviewItem(
            items[item_id], products[items[item_id].product_id].sku, products[items[item_id].product_id].name,
            pieces[item_id],
            None if (unit := items[item_id].unit_value_minor) is None else pieces[item_id] * unit,
            tuple(sorted(who.get(item_id, ()))),
        )
        for item_id in order
    ]  # fmt: skip


def _pieces(item: CountItem) -> int:
    return (item.counted or 0) - (item.expected or 0)


def findings(count_id: UUID) -> list[FindingRow]:
    """Return what could not be taken as a count and waits for a person, in the order in which it came in."""
    rows = list(CountFinding.objects.filter(count_id=count_id, state="open").order_by("recorded_at", "id"))
    products = catalog.products_by_id(row.product_id for row in rows if row.product_id is not None)
    return [
        FindingRow(
            row,
            products[row.product_id].name if row.product_id is not None and row.product_id in products else "",
            FindingKind(row.kind),
        )
        for row in rows[:MOST_ON_A_PAGE]
    ]


def numbers(count_ids: Iterable[UUID]) -> dict[UUID, tuple[str, int]]:
    """Return the number and the place of counts."""
    rows = StockCount.objects.filter(id__in=list(count_ids)).values_list("id", "number", "location_id")
    return {row[0]: (row[1], row[2]) for row in rows}


def waiting(location_id: int) -> int:
    """Return how many counts of a place wait: to be counted, or to be decided about."""
    return StockCount.objects.filter(location_id=location_id, state__in=["open", "in_review"]).count()
