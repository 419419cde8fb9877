"""What screens and the API show of counts. Whoever counts sees no figure of the books; whoever reviews sees them all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, F, Max, Q

from commerce import catalog
from commerce.actors import Actor
from inventory import shelves
from inventory.counting import ALLOWED, CountAction, CountKind, CountMode, CountState, FindingKind, ItemState
from inventory.errors import CountNotFound
from inventory.models import CountFinding, CountItem, CountRecord, StockCount
from inventory.stock import Condition
from inventory.stocktaking.variance import Counted, Moment, order_by_size, total

MOST_LISTED = 50
MOST_ON_A_PAGE = 500
MOST_TO_COUNT = 100  # shown at once: each scan sends the list anew
MOST_OWN = 30

_GOING_ON = [ItemState.OPEN.value, ItemState.REVIEW.value]


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
    is_again: bool  # it is to be counted anew
    own: int | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one counter sees of a count: the next items to count and how many there are, and what they counted."""

    left: list[BlindItem]
    left_total: int
    own: list[BlindItem]


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


def sheet(count: CountRef, *, by: Actor, station: str = "", at_most: int = MOST_TO_COUNT) -> Sheet:
    """Return a count for one counter, blind: what nobody counted yet, by shelf, and what they counted themselves, newest first."""
    rows = CountItem.objects.filter(count_id=count.id, state__in=_GOING_ON)
    left = list(rows.filter(Q(is_directed=True) | Q(round__gt=1), records=0))
    mine = CountRecord.objects.filter(
        item__count_id=count.id, counter_kind=by.kind.value, counter_id=by.id, station=station, round=F("item__round")
    )
    latest = mine.values("item_id").annotate(last=Max("recorded_at")).order_by("-last", "-item_id")[:MOST_OWN]
    own_ids = [row["item_id"] for row in latest]
    own = {item.id: item for item in CountItem.objects.filter(pk__in=own_ids, state__in=_GOING_ON)}
    figures: dict[int, list[Counted]] = {}
    for place, record in enumerate(mine.filter(item_id__in=list(own)).order_by("recorded_at", "place")):
        figures.setdefault(record.item_id, []).append(counted(record, place))
    everything = [*left, *own.values()]
    products = catalog.products_by_id(item.product_id for item in everything)
    places = shelves.of(count.location_id, [item.product_id for item in everything])

    def blind(item: CountItem, pieces: int | None) -> BlindItem:
        product = products[item.product_id]
        where = tuple(places.get(item.product_id, ()))
        return BlindItem(item.id, product.id, product.sku, product.name, product.gtins, where, item.round > 1, pieces)

    to_count = sorted(
        (blind(item, None) for item in left), key=lambda one: (not one.shelves, one.shelves, one.name, one.sku)
    )
    counted_by_me = [
        blind(own[item_id], figure.quantity)
        for item_id in own_ids
        if item_id in own and (figure := total(figures.get(item_id, ()))) is not None
    ]
    return Sheet(to_count[:at_most], len(to_count), counted_by_me)


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


def outcomes(count_id: UUID) -> dict[ItemState, int]:
    """Return how many items of a count are in each state."""
    rows = CountItem.objects.filter(count_id=count_id).values("state").annotate(many=Count("id"))
    found = {row["state"]: row["many"] for row in rows}
    return {state: found.get(state.value, 0) for state in ItemState}


def numbers(count_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return what people call counts, by their ids."""
    return dict(StockCount.objects.filter(id__in=list(count_ids)).values_list("id", "number"))


def awaited(location_id: int, product_ids: Iterable[int]) -> set[int]:
    """Return those products that a count at the place waits for: to be counted, or to be decided about."""
    items = CountItem.objects.filter(
        location_id=location_id,
        product_id__in=list(product_ids),
        state__in=_GOING_ON,
        condition=Condition.SELLABLE.value,
    )
    return set(items.values_list("product_id", flat=True))


def counted_pieces(items: Iterable[tuple[UUID, int]]) -> dict[tuple[UUID, int], int]:
    """Return how many pieces were counted of (count, product), of those items that are settled."""
    wanted = set(items)
    rows = CountItem.objects.filter(count_id__in={count_id for count_id, _ in wanted}, counted__isnull=False)
    found = rows.values_list("count_id", "product_id", "counted")
    return {
        (count_id, product_id): counted for count_id, product_id, counted in found if (count_id, product_id) in wanted
    }


def waiting(location_id: int) -> int:
    """Return how many counts of a place wait: to be counted, or to be decided about."""
    return StockCount.objects.filter(location_id=location_id, state__in=["open", "in_review"]).count()
