"""Deciding about what was counted: a second person posts a difference, leaves the books as they are, or has it counted anew.

Nobody decides about what they counted themselves (law 15); a trigger refuses it, whatever the code believes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from commerce import audit, catalog
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory.counting import CountAction, CountState, FindingKind, FindingState, ItemState
from inventory.errors import CountNotFound, CountStateWrong, SecondPersonNeeded
from inventory.models import CountFinding, CountItem, CountRecord, StockCount
from inventory.reconciliation import discrepancies
from inventory.reconciling import DiscrepancyState
from inventory.stocktaking import counts, figures, settlement
from inventory.stocktaking.lists import CountRef
from inventory.stocktaking.settlement import Settled


@transaction_required
def approve(count_id: UUID, seen: Mapping[int, int], *, note: str = "", by: Actor, at: datetime) -> Settled:
    """Post the differences of items as they were seen (pieces by product); one that is another by now stays in review.

    Items that were decided before stay as they are. The count ends when nothing of it waits any more.
    Raises: SecondPersonNeeded when `by` counted one of them; CountNotFound, CountStateWrong.
    """
    row = counts.locked(count_id)
    counts.require(row, CountAction.REVIEW, done=(CountState.POSTED,))
    items = _in_review(row, seen)
    _refuse_own(items, by)
    settled = settlement.settle(row, items, approved=seen, note=note, by=by, at=at) if items else Settled()
    _record("approve", row, [item for item in items if item.state != ItemState.REVIEW], note, by)
    _finish(row, by=by, at=at)
    return settled


@transaction_required
def leave(count_id: UUID, product_ids: Sequence[int], *, note: str, by: Actor, at: datetime) -> int:
    """Decide that the books stand as they are, with a reason; return about how many items.

    Raises: InvalidInput without a note; SecondPersonNeeded, CountNotFound, CountStateWrong.
    """
    if not note.strip():
        raise InvalidInput(
            "Say why the books stand as they are; the reason stays with the count.",
            errors=[{"field": "note", "value": "", "message": "is empty"}],
        )
    row = counts.locked(count_id)
    counts.require(row, CountAction.REVIEW, done=(CountState.POSTED,))
    items = _in_review(row, product_ids)
    _refuse_own(items, by)
    for item in items:
        if item.discrepancy_id is not None:
            discrepancies.settle(item.discrepancy_id, how=DiscrepancyState.ACCEPTED, note=note, by=by, at=at)
        item.state, item.settled_at, item.note, item.discrepancy_id = ItemState.LEFT.value, at, note.strip()[:200], None
        item.approver_kind, item.approver_id = by.kind.value, by.id
    CountItem.objects.bulk_update(
        items, ["state", "settled_at", "note", "discrepancy_id", "approver_kind", "approver_id"], batch_size=500
    )
    _record("leave", row, items, note, by)
    _finish(row, by=by, at=at)
    return len(items)


@transaction_required
def recount(count_id: UUID, product_ids: Sequence[int], *, note: str = "", by: Actor, at: datetime) -> int:
    """Have items counted anew from nothing; return how many. The count is open again until it is handed in.

    Raises: CountNotFound, CountStateWrong.
    """
    row = counts.locked(count_id)
    counts.require(row, CountAction.REVIEW, done=(CountState.POSTED,))
    items = _in_review(row, product_ids)
    if not items:
        return 0
    discrepancies.settle_vanished(
        [item.discrepancy_id for item in items if item.discrepancy_id], note=f"{row.number}: counted anew", by=by, at=at
    )
    _record("recount", row, items, note, by)
    for item in items:
        item.state, item.round, item.asked_at, item.records = ItemState.OPEN.value, item.round + 1, at, 0
        item.counted = item.counted_at = item.expected = item.discrepancy_id = None
        item.is_uncertain = item.is_impossible = item.needs_approval = False
        item.note = note[:200]
    CountItem.objects.bulk_update(
        items,
        [
            "state", "round", "asked_at", "records", "counted", "counted_at", "expected", "discrepancy_id", "is_uncertain",
            "is_impossible", "needs_approval", "note",
        ],
        batch_size=500,
    )  # fmt: skip
    row.state = CountState.OPEN.value
    row.save(update_fields=["state"])
    return len(items)


# --- findings -------------------------------------------------------------------------------------------------------


@transaction_required
def take_finding(finding_id: UUID, product_id: int, *, by: Actor, at: datetime) -> CountRef:
    """Say what product a finding is: it counts from now on as its finder's figure, as of when it was found.

    Its quantity is in pieces of that product. Taken again it changes nothing. Raises: CountNotFound; CountStateWrong when
    that product was settled, or the count ended; NotGoods.
    """
    finding, row = _finding(finding_id)
    if finding.state == FindingState.TAKEN and finding.product_id == product_id:
        return CountRef.of(row)
    _require_open(finding)
    counts.require(row, CountAction.COUNT)
    counts.movements.refuse_charges([product_id])
    item = figures.take(finding, product_id, finding.quantity, at=at)
    if item is None:
        raise CountStateWrong(
            "This product was settled in this count already. Begin a new count of it, then dismiss the finding.",
            state=row.state,
        )
    finding.product_id = product_id
    _settle_finding(finding, FindingState.TAKEN, by, at)
    if row.state == CountState.IN_REVIEW:
        settlement.compare(row, [item], by=by, at=at)
    audit.record(
        "inventory.count_review.take_finding", "count", row.pk, by=by,
        after={"text": finding.text, "product_id": product_id, "pieces": finding.quantity},
    )  # fmt: skip
    return CountRef.of(row)


@transaction_required
def dismiss_finding(finding_id: UUID, *, by: Actor, at: datetime) -> CountRef:
    """Say that a finding is nothing to be counted. The count ends when nothing of it waits any more.

    Dismissed again it changes nothing. Raises: CountNotFound; CountStateWrong when it was taken.
    """
    finding, row = _finding(finding_id)
    if finding.state == FindingState.DISMISSED:
        return CountRef.of(row)
    _require_open(finding)
    _settle_finding(finding, FindingState.DISMISSED, by, at)
    audit.record(
        "inventory.count_review.dismiss_finding", "count", row.pk, by=by,
        after={"text": finding.text, "pieces": finding.quantity, "kind": FindingKind(finding.kind)},
    )  # fmt: skip
    _finish(row, by=by, at=at)
    return CountRef.of(row)


def _finding(finding_id: UUID) -> tuple[CountFinding, StockCount]:
    count_id = CountFinding.objects.filter(pk=finding_id).values_list("count_id", flat=True).first()
    if count_id is None:
        raise CountNotFound("There is no such finding; look at the count again.")
    row = counts.locked(count_id)
    return CountFinding.objects.select_for_update(of=("self",)).select_related("count").get(pk=finding_id), row


def _require_open(finding: CountFinding) -> None:
    if finding.state != FindingState.OPEN:
        raise CountStateWrong(f"Somebody else decided about this finding ({finding.state}).", state=finding.state)


def _settle_finding(finding: CountFinding, state: FindingState, by: Actor, at: datetime) -> None:
    finding.state, finding.settled_at = state.value, at
    finding.settled_by_kind, finding.settled_by_id = by.kind.value, by.id
    finding.save(update_fields=["state", "settled_at", "settled_by_kind", "settled_by_id", "product_id"])


# --- items ----------------------------------------------------------------------------------------------------------


def _in_review(row: StockCount, product_ids: Iterable[int]) -> list[CountItem]:
    items = CountItem.objects.select_for_update().filter(
        count_id=row.pk, product_id__in=list(product_ids), state=ItemState.REVIEW.value
    )
    return list(items.order_by("id"))


def _refuse_own(items: Sequence[CountItem], by: Actor) -> None:
    rounds = {item.pk: item for item in items}
    records = CountRecord.objects.filter(item_id__in=list(rounds), counter_kind=by.kind.value, counter_id=by.id)
    own = {
        rounds[item_id].product_id
        for item_id, number in records.values_list("item_id", "round")
        if number == rounds[item_id].round
    }
    if own:
        names = sorted(product.sku for product in catalog.products_by_id(own).values())
        raise SecondPersonNeeded(
            f"You counted {names[0]} yourself, so somebody else has to decide about its difference.",
            skus=names,
            sku=names[0],
        )


def _record(verb: str, row: StockCount, items: Sequence[CountItem], note: str, by: Actor) -> None:
    audit.record_many(
        [
            audit.AuditRow(
                verb=f"inventory.count_review.{verb}", object_type="count", object_id=row.pk, reason=note,
                after={
                    "product_id": item.product_id, "counted": item.counted, "expected": item.expected, "state": item.state,
                    "posted": item.posted, "short": item.short,
                },
            )
            for item in items
        ],
        by=by,
    )  # fmt: skip


def _finish(row: StockCount, *, by: Actor, at: datetime) -> None:
    """End a count that was handed in once nothing waits; one that is being counted goes on."""
    if row.state == CountState.IN_REVIEW:
        settlement.finish(row, by=by, at=at)
