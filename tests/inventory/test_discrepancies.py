"""Discrepancies: kept with owner and date, put right by compensating entries, never below what is promised."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError

from commerce import audit, clock, ids
from commerce.errors import InvalidInput
from commerce.transactions import transaction
from inventory import movements, queries, valuation
from inventory.errors import DiscrepancyNotFound, DiscrepancySettled, NotRepairable
from inventory.models import Discrepancy
from inventory.movements import Adjustment
from inventory.reconciliation import discrepancies
from inventory.reconciliation.discrepancies import NewDiscrepancy, Repair
from inventory.reconciling import DiscrepancyKind, DiscrepancyState, Meaning
from inventory.valuation import UnitValue
from tests.inventory.conftest import BY, Shelf

HOUR = timedelta(hours=1)


def found(shelf: Shelf, pieces: int, **values: Any) -> UUID:
    """Somebody says that there are `pieces` of the ten on our books, as of now."""
    at = clock.now()
    defaults: dict[str, Any] = {
        "id": ids.new(),
        "kind": DiscrepancyKind.STATEMENT_DIFFERENCE,
        "product_id": shelf.product_id,
        "location_id": shelf.store.id,
        "expected": 10,
        "found": pieces,
        "source": "till",
        "as_of": at,
    }
    row = NewDiscrepancy(**(defaults | values))
    with transaction():
        discrepancies.record([row], by=BY, at=at)
    return row.id


def repair(*discrepancy_ids: UUID) -> list[Repair]:
    with transaction():
        done = discrepancies.repair(discrepancy_ids, reason="missing", by=BY, at=clock.now())
    return [done[one] for one in discrepancy_ids]


def row(discrepancy_id: UUID) -> Discrepancy:
    return Discrepancy.objects.get(pk=discrepancy_id)


@pytest.fixture
def worth() -> Any:
    """A piece of anything is worth 2.50 euros."""
    before = dict(valuation._sources)
    valuation.register("tests", lambda wanted, at: {one: UnitValue(250, "EUR") for one in wanted}, order=1)
    yield
    valuation._sources.clear()
    valuation._sources.update(before)


def test_it_has_an_owner_a_date_and_a_value(shelf: Shelf, worth: None) -> None:
    made = row(found(shelf, 7))
    assert (made.owner_role, made.unit_value_minor, made.currency, made.state) == ("store_manager", 250, "EUR", "open")
    assert made.due_at - made.recorded_at == timedelta(days=1)
    everywhere = row(found(shelf, 7, location_id=None, meaning=Meaning.AVAILABLE))
    assert everywhere.owner_role == "merchandiser"


def test_the_same_id_is_recorded_once_and_its_first_figures_stay(shelf: Shelf) -> None:
    one = found(shelf, 7)
    found(shelf, 3, id=one)
    assert (row(one).found, Discrepancy.objects.count()) == (7, 1)
    assert [entry.verb for entry in audit.timeline("discrepancy", one)] == ["inventory.discrepancies.record"]


def test_what_does_not_differ_is_no_discrepancy(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match="differs"):
        found(shelf, 10)
    one = found(shelf, 9)
    with pytest.raises(IntegrityError, match="discrepancy_open_has_a_rest"), transaction():
        Discrepancy.objects.filter(pk=one).update(found=10)


@pytest.mark.parametrize(("pieces", "kind"), [(7, "shrinkage"), (12, "found")])
def test_a_repair_is_an_entry_that_names_its_cause_and_other_side(shelf: Shelf, pieces: int, kind: str) -> None:
    one = found(shelf, pieces)
    assert repair(one) == [Repair(pieces - 10, 0)]
    assert shelf.figure().on_hand == pieces
    [entry] = queries.journal_of_causes("discrepancy", [str(one)])
    assert (entry.kind, entry.on_hand_delta, entry.reason) == ("adjusted", pieces - 10, "missing")
    assert (row(one).state, row(one).repaired) == ("repaired", pieces - 10)
    with pytest.raises(DiscrepancySettled):
        repair(one)
    assert shelf.figure().on_hand == pieces


def test_promised_pieces_stay_and_the_rest_stays_open_until_they_are_free(shelf: Shelf) -> None:
    shelf.allocate(6)
    held = shelf.reserve(2)
    one = found(shelf, 5)
    assert repair(one) == [Repair(-2, -3)]
    assert (shelf.figure().on_hand, row(one).state, row(one).repaired) == (8, "open", -2)
    assert repair(one) == [Repair(0, -3)]
    with transaction():
        done = discrepancies.repair([one], reason="missing", by=BY, at=held.expires_at)  # the basket's time is over
    assert done[one] == Repair(-2, -1)
    assert (shelf.figure(held.expires_at).on_hand, row(one).state) == (6, "open")


def test_two_differences_of_one_level_share_what_is_free(shelf: Shelf) -> None:
    shelf.allocate(7)
    one, other = found(shelf, 8), found(shelf, 8, source="erp", kind=DiscrepancyKind.COUNT_BELOW_PROMISED)
    booked = sorted(done.booked for done in repair(one, other))
    assert booked == [-2, -1]
    assert shelf.figure().on_hand == 7


def test_what_was_reported_late_in_the_meantime_is_not_booked_twice(shelf: Shelf) -> None:
    one = found(shelf, 7)
    late = Adjustment(ids.new(), shelf.product_id, shelf.store.id, -2, "sale of the offline till")
    with transaction():
        movements.adjust([late], by=BY, at=clock.now(), occurred_at=row(one).as_of)
    assert repair(one) == [Repair(-1, 0)]
    assert shelf.figure().on_hand == 7
    again = found(shelf, 5)
    late = Adjustment(ids.new(), shelf.product_id, shelf.store.id, -2, "sale of the offline till")
    with transaction():
        movements.adjust([late], by=BY, at=clock.now(), occurred_at=row(again).as_of)
    assert repair(again) == [Repair(0, 0)]
    assert row(again).state == DiscrepancyState.VANISHED


def test_what_moved_since_the_figure_was_taken_is_left_alone(shelf: Shelf) -> None:
    one = found(shelf, 7)
    shelf.receive(5)
    assert repair(one) == [Repair(-3, 0)]
    assert shelf.figure().on_hand == 12


def test_what_was_booked_as_it_happened_is_settled_with_a_note(shelf: Shelf) -> None:
    one = found(shelf, 12, kind=DiscrepancyKind.OVER_DELIVERY)
    with pytest.raises(NotRepairable):
        repair(one)
    with pytest.raises(InvalidInput, match="Say why"), transaction():
        discrepancies.settle(one, how=DiscrepancyState.ACCEPTED, note=" ", by=BY, at=clock.now())
    for _ in range(2):  # again changes nothing
        with transaction():
            discrepancies.settle(one, how=DiscrepancyState.ACCEPTED, note="we keep them", by=BY, at=clock.now())
    assert (row(one).state, row(one).settled_note) == ("accepted", "we keep them")
    assert len(audit.timeline("discrepancy", one)) == 2
    with pytest.raises(DiscrepancySettled), transaction():
        discrepancies.settle(one, how=DiscrepancyState.REPAIRED, note="", by=BY, at=clock.now())


def test_an_unknown_one_is_said_to_be_unknown(db: None) -> None:
    with pytest.raises(DiscrepancyNotFound):
        repair(ids.new())
