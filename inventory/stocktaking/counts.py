"""Counts of stock: begun for what rules, a shelf or a person want counted, counted blindly by several people, handed in.

Goods that were picked for an order and not handed over yet still lie here and are on hand: whoever counts, counts the pickup
shelf too. A count's row is locked before its levels; whoever holds levels never asks for a count.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from commerce import audit, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import movements, shelves
from inventory.counting import CountAction, CountKind, CountState, ItemState, Missing
from inventory.errors import CountDiffers, CountNotFound, CountStateWrong, SecondPersonNeeded
from inventory.models import CountFinding, CountItem, StockCount
from inventory.reconciliation import discrepancies
from inventory.stock import Condition
from inventory.stocktaking import figures, rules, settlement
from inventory.stocktaking.lists import CountRef
from inventory.stocktaking.settlement import Settled

MOST_ITEMS = 5_000  # of one count; a larger store counts by category or shelf
LONGEST_NOTE = 200

integrity.refuse(
    "count_item_second_person",
    lambda: SecondPersonNeeded("Whoever counted an item can't decide about its difference; ask somebody else."),
)
integrity.refuse(
    "count_record_of_open_item",
    lambda: CountStateWrong("This item was settled just now; send the figure again and it is kept for a second look."),
)

_INSERT = """
INSERT INTO inventory_stockcount
    (id, number, location_id, condition, kind, shelf, category, state, note, source, opened_at)
VALUES (%s, 'C-' || nextval('inventory_count_number'), %s, %s, %s, %s, %s, 'open', %s, %s, %s)
ON CONFLICT (id) DO NOTHING RETURNING number
"""
_HERE = """
SELECT l.product_id FROM inventory_stocklevel l
JOIN commerce_product p ON p.id = l.product_id AND p.kind <> 'charge'
WHERE l.location_id = %s AND l.condition = %s AND l.on_hand > 0 AND (%s = '' OR p.category = %s)
ORDER BY p.category, p.name, l.product_id LIMIT %s
"""
_CATEGORIES = """
SELECT p.category, count(*) FROM inventory_stocklevel l JOIN commerce_product p ON p.id = l.product_id AND p.category <> ''
WHERE l.location_id = %s AND l.condition = 'sellable' AND l.on_hand > 0 GROUP BY p.category ORDER BY p.category LIMIT 200
"""


@transaction_required
def begin(
    count_id: UUID,
    *,
    location_id: int,
    kind: CountKind,
    condition: Condition = Condition.SELLABLE,
    shelf: str = "",
    category: str = "",
    product_ids: Sequence[int] = (),
    note: str = "",
    source: str = "",
    by: Actor,
    at: datetime,
) -> CountRef:
    """Begin a count at a place. The same id again returns the count as it is by now.

    A directed count is about `product_ids`, or about what the place's rules say is due. Those of a shelf, a category or the
    whole store are about everything that the books have there; a free one is about whatever is scanned.
    Raises: InvalidInput when there is nothing to count or too much of it, NotGoods, CountDiffers for an id of another count.
    """
    if condition is Condition.IN_TRANSIT:
        raise _invalid("condition", condition.value, "Goods in transit are not here yet, so nobody can count them.")
    shelf = shelves.code(shelf) if kind is CountKind.SHELF else ""
    category = category.strip() if kind is CountKind.CATEGORY else ""
    known = StockCount.objects.filter(pk=count_id).first()
    if known is None:
        wanted = _wanted(location_id, kind, condition, shelf, category, product_ids, at)
        with connection.cursor() as cursor:
            cursor.execute(
                _INSERT,
                [
                    count_id, location_id, condition.value, kind.value, shelf, category, note[:LONGEST_NOTE],
                    source[:40], at,
                ],
            )  # fmt: skip
            is_new = cursor.fetchone() is not None
        row = StockCount.objects.get(pk=count_id)
        if is_new:
            figures.want(row, wanted, is_directed=True, at=at)
            audit.record(
                "inventory.counts.begin", "count", count_id, by=by, reason=note,
                after={
                    "number": row.number, "location_id": location_id, "kind": kind, "condition": condition,
                    "shelf": shelf, "category": category, "items": len(wanted),
                },
            )  # fmt: skip
            return CountRef.of(row)
        known = row
    if (known.location_id, known.kind, known.condition, known.shelf, known.category) != (
        location_id, kind.value, condition.value, shelf, category,
    ):  # fmt: skip
        raise CountDiffers(f"This id belongs to count {known.number}, which is about something else; take a new id.")
    return CountRef.of(known)


@transaction_required
def hand_in(count_id: UUID, *, missing: Missing = Missing.LEAVE, by: Actor, at: datetime) -> tuple[CountRef, Settled]:
    """Compare everything that was counted with the books, post what one person may decide, and show the rest to a second.

    Items that nobody counted stay as they are, or count as not here with `missing` none. Handed in again it changes nothing.
    Raises: CountNotFound; CountStateWrong when it was cancelled; InvalidInput when nothing was counted.
    """
    row = locked(count_id)
    if row.state != CountState.OPEN:
        require(row, CountAction.HAND_IN, done=(CountState.IN_REVIEW, CountState.POSTED))
        return CountRef.of(row), Settled()
    items = list(CountItem.objects.filter(count_id=count_id, state=ItemState.OPEN.value).order_by("id"))
    uncounted = [item for item in items if not item.records]
    if missing is Missing.NONE and uncounted:
        figures.not_here(count_id, uncounted, by=by, at=at)
        counted = items
    else:
        counted = [item for item in items if item.records]
    has_findings = CountFinding.objects.filter(count_id=count_id).exists()
    has_settled = CountItem.objects.filter(count_id=count_id).exclude(state=ItemState.OPEN.value).exists()
    if not counted and not has_findings and not has_settled:
        raise InvalidInput(
            "Nothing was counted yet. Scan something first, or cancel the count.",
            errors=[{"field": "records", "value": 0, "message": "nothing was counted"}],
        )
    settled = settlement.settle(row, counted, by=by, at=at)
    if missing is Missing.LEAVE:
        _leave_uncounted(uncounted, at)
    row.handed_in_at = at
    settlement.finish(row, by=by, at=at)
    audit.record(
        "inventory.counts.hand_in", "count", count_id, by=by, before={"state": CountState.OPEN},
        after={
            "state": row.state, "counted": len(counted), "not_counted": len(items) - len(counted), "posted": settled.posted,
            "right": settled.right, "overtaken": settled.overtaken, "in_review": settled.in_review,
        },
    )  # fmt: skip
    return CountRef.of(row), settled


@transaction_required
def cancel(count_id: UUID, *, reason: str = "", by: Actor, at: datetime) -> CountRef:
    """End a count without booking what was not booked yet. What was counted stays readable. Again changes nothing.

    Raises: CountNotFound; CountStateWrong when everything of it was posted.
    """
    row = locked(count_id)
    require(row, CountAction.CANCEL, done=(CountState.CANCELLED,))
    if row.state == CountState.CANCELLED:
        return CountRef.of(row)
    before = row.state
    items = list(
        CountItem.objects.filter(count_id=count_id, state__in=[ItemState.OPEN.value, ItemState.REVIEW.value]).order_by(
            "id"
        )
    )
    discrepancies.settle_vanished(
        [item.discrepancy_id for item in items if item.discrepancy_id], note=f"{row.number} {reason}", by=by, at=at
    )
    _leave_uncounted(items, at)
    row.state, row.ended_at = CountState.CANCELLED.value, at
    row.save(update_fields=["state", "ended_at"])
    audit.record(
        "inventory.counts.cancel", "count", count_id, by=by, before={"state": before}, after={"state": row.state},
        reason=reason,
    )  # fmt: skip
    return CountRef.of(row)


def categories(location_id: int) -> list[tuple[str, int]]:
    """Return the categories of what is at a place, with how many products each."""
    with connection.cursor() as cursor:
        cursor.execute(_CATEGORIES, [location_id])
        return cursor.fetchall()


def locked(count_id: UUID) -> StockCount:
    """Return a count's locked row: nobody counts, decides or hands in at the same time. Raises: CountNotFound."""
    row = StockCount.objects.select_for_update().filter(pk=count_id).first()
    if row is None:
        raise CountNotFound("There is no such count; look at the list of counts.")
    return row


def require(row: StockCount, action: CountAction, *, done: Sequence[CountState] = ()) -> None:
    """Make sure that a count's state allows this, or is one of those after it. Raises: CountStateWrong."""
    if action not in CountRef.of(row).actions and row.state not in done:
        raise CountStateWrong(
            f"Count {row.number} is {row.state.replace('_', ' ')}, so this can't be done any more; begin a new count.",
            state=row.state,
            number=row.number,
        )


def _wanted(
    location_id: int,
    kind: CountKind,
    condition: Condition,
    shelf: str,
    category: str,
    product_ids: Sequence[int],
    at: datetime,
) -> Mapping[int, tuple[str, str]]:
    """Return the products of a new count with why they are wanted and their value class."""
    if kind is CountKind.FREE:
        return {}
    if kind is CountKind.DIRECTED:
        movements.refuse_charges(product_ids)
        wanted = dict.fromkeys(product_ids, ("", "")) or {
            one.product_id: (one.reason.value, one.value_class.value)
            for one in rules.due(location_id, at=at, condition=condition)
        }
        empty = "Nothing is due by the rules; count freely, or a shelf."
    elif kind is CountKind.SHELF:
        wanted = dict.fromkeys(shelves.on(location_id, shelf, at_most=MOST_ITEMS + 1), ("", ""))
        empty = f"No product is noted on shelf {shelf}; check its code, or count freely."
    else:
        if kind is CountKind.CATEGORY and not category:
            raise _invalid("category", "", "Say which category is to be counted.")
        with connection.cursor() as cursor:
            cursor.execute(_HERE, [location_id, condition.value, category, category, MOST_ITEMS + 1])
            wanted = {product_id: ("", "") for (product_id,) in cursor.fetchall()}
        empty = "The books have nothing of this here; count freely to find what is."
    if not wanted:
        raise _invalid("kind", kind.value, empty)
    if len(wanted) > MOST_ITEMS:
        raise _invalid(
            "kind",
            kind.value,
            f"That is more than {MOST_ITEMS} products for one count; count by category or shelf instead.",
        )
    return wanted


def _leave_uncounted(items: Sequence[CountItem], at: datetime) -> None:
    for item in items:
        item.state, item.settled_at, item.discrepancy_id = ItemState.UNCOUNTED.value, at, None
    CountItem.objects.bulk_update(items, ["state", "settled_at", "discrepancy_id"], batch_size=500)


def _invalid(field: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])
