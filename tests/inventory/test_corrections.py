"""Returns, write-offs, conditions and corrections: each once, each with its other side, none below what is promised."""

from uuid import UUID

import pytest
from django.db import connection

from commerce import catalog, clock, ids
from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory import conditions, corrections, movements, queries, returns, write_offs
from inventory.conditions import Reclassification
from inventory.errors import EntryNotFound, NotCorrectable, NotFreeToMove, NotGoods
from inventory.models import StockEntry
from inventory.moving import WriteOffReason
from inventory.returns import ReturnLine
from inventory.stock import Condition
from inventory.write_offs import WriteOff
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf


def by_condition(shelf: Shelf) -> dict[str, int]:
    rows = queries.levels(product_ids=[shelf.product_id], location_ids=[shelf.store.id])
    return {row["condition"]: row["on_hand"] for row in rows if row["on_hand"]}


def bring_back(shelf: Shelf, pieces: int, condition: Condition, *, id: UUID | None = None) -> int:
    line = ReturnLine(id or ids.new(), shelf.product_id, shelf.store.id, pieces, condition)
    with transaction():
        return returns.return_to_stock([line], reason="did not fit", by=BY, at=clock.now())


def write_off(shelf: Shelf, *pieces: int, id: UUID | None = None, condition: Condition = Condition.SELLABLE) -> int:
    lines = [
        WriteOff(id or ids.new(), shelf.product_id, shelf.store.id, count, WriteOffReason.STOLEN, condition)
        for count in pieces
    ]
    with transaction():
        return write_offs.write_off(lines, by=BY, at=clock.now())


def reclassify(shelf: Shelf, pieces: int, before: Condition, to: Condition, *, id: UUID | None = None) -> int:
    line = Reclassification(id or ids.new(), shelf.product_id, shelf.store.id, pieces, before, to)
    with transaction():
        return conditions.reclassify([line], reason="box was wet", by=BY, at=clock.now())


def correct(entry: UUID, *, id: UUID | None = None) -> bool:
    with transaction():
        return corrections.correct(entry, id=id or ids.new(), reason="typed twice", by=BY, at=clock.now())


def newest(shelf: Shelf) -> StockEntry:
    return StockEntry.objects.filter(level__product_id=shelf.product_id).order_by("-recorded_at", "-id")[0]


# --- returns --------------------------------------------------------------------------------------------------------


def test_goods_come_back_by_condition_and_only_sellable_ones_are_available(shelf: Shelf) -> None:
    bring_back(shelf, 2, Condition.SELLABLE)
    bring_back(shelf, 3, Condition.QUALITY_CONTROL)
    bring_back(shelf, 1, Condition.DAMAGED)
    assert by_condition(shelf) == {"sellable": 12, "quality_control": 3, "damaged": 1}
    assert shelf.figure().available == 12
    assert set(StockEntry.objects.filter(kind="returned").values_list("counterparty", flat=True)) == {"customer"}


def test_the_same_return_books_once(shelf: Shelf) -> None:
    id = ids.new()
    assert [bring_back(shelf, 2, Condition.SELLABLE, id=id) for _ in range(2)] == [1, 0]
    assert shelf.figure().on_hand == 12


def test_nothing_but_a_transfer_moves_goods_in_transit(shelf: Shelf) -> None:
    receipt = movements.Receipt(ids.new(), shelf.product_id, shelf.store.id, 1, Condition.IN_TRANSIT)
    with pytest.raises(InvalidInput, match="belong to a transfer"), transaction():
        movements.receive([receipt], by=BY, at=clock.now())
    with pytest.raises(InvalidInput, match="belong to a transfer"):
        bring_back(shelf, 1, Condition.IN_TRANSIT)
    with pytest.raises(InvalidInput, match="belong to a transfer"):
        write_off(shelf, 1, condition=Condition.IN_TRANSIT)
    for before, to in ((Condition.IN_TRANSIT, Condition.SELLABLE), (Condition.SELLABLE, Condition.IN_TRANSIT)):
        with pytest.raises(InvalidInput, match="belong to a transfer"):
            reclassify(shelf, 1, before, to)
    assert by_condition(shelf) == {"sellable": 10}


# --- write-offs -----------------------------------------------------------------------------------------------------


def test_written_off_goods_go_to_shrinkage_with_a_reason_once(shelf: Shelf) -> None:
    id = ids.new()
    assert [write_off(shelf, 4, id=id) for _ in range(2)] == [1, 0]
    entry = newest(shelf)
    assert (entry.kind, entry.on_hand_delta, entry.counterparty, entry.reason) == (
        "written_off", -4, "shrinkage", "stolen",
    )  # fmt: skip
    assert shelf.figure().on_hand == 6


def test_what_is_promised_is_not_written_off_and_lines_are_summed(shelf: Shelf) -> None:
    shelf.allocate(5)
    shelf.reserve(2)
    with pytest.raises(
        NotFreeToMove, match="4 wanted, 3 free; of 10 on hand 5 are promised to orders and 2 are in bask"
    ):
        write_off(shelf, 2, 2)
    assert shelf.figure().on_hand == 10
    assert write_off(shelf, 2, 1) == 2


def test_a_charge_can_not_be_returned_or_written_off(shelf: Shelf) -> None:
    with transaction():
        postage = catalog.add_product(sku="POSTAGE", name="Postage", kind="charge", by=BY)
    charge = Shelf(postage.id, "POSTAGE", shelf.store, shelf.channel_id)
    for move in (lambda: bring_back(charge, 1, Condition.SELLABLE), lambda: write_off(charge, 1)):
        with pytest.raises(NotGoods):
            move()


# --- conditions -----------------------------------------------------------------------------------------------------


def test_goods_change_their_condition_and_both_sides_bear_one_transfer(shelf: Shelf) -> None:
    id = ids.new()
    booked = [reclassify(shelf, 3, Condition.SELLABLE, Condition.QUALITY_CONTROL, id=id) for _ in range(2)]
    assert booked == [1, 0]
    assert by_condition(shelf) == {"sellable": 7, "quality_control": 3}
    reclassify(shelf, 1, Condition.QUALITY_CONTROL, Condition.DAMAGED)
    reclassify(shelf, 2, Condition.QUALITY_CONTROL, Condition.SELLABLE)
    assert by_condition(shelf) == {"sellable": 9, "damaged": 1}
    sides = StockEntry.objects.filter(transfer_id=id).values_list("on_hand_delta", flat=True)
    assert sorted(sides) == [-3, 3]


def test_a_condition_changes_to_another_one_and_only_for_free_goods(shelf: Shelf) -> None:
    with pytest.raises(InvalidInput, match="are sellable already"):
        reclassify(shelf, 1, Condition.SELLABLE, Condition.SELLABLE)
    with pytest.raises(NotFreeToMove, match="1 wanted, 0 free"):
        reclassify(shelf, 1, Condition.DAMAGED, Condition.SELLABLE)
    shelf.allocate(8)
    with pytest.raises(NotFreeToMove, match="3 wanted, 2 free"):
        reclassify(shelf, 3, Condition.SELLABLE, Condition.DAMAGED)
    assert by_condition(shelf) == {"sellable": 10}


# --- corrections ----------------------------------------------------------------------------------------------------


def test_a_correction_is_the_opposite_and_names_what_it_corrects(shelf: Shelf) -> None:
    wrong = newest(shelf)
    assert correct(wrong.id)
    entry = newest(shelf)
    assert (entry.kind, entry.on_hand_delta, entry.counterparty, entry.corrects) == (
        "corrected", -10, "supplier", wrong.id,
    )  # fmt: skip
    assert shelf.figure().on_hand == 0
    assert AuditEntry.objects.get(verb="inventory.corrections.correct").reason == "typed twice"


def test_an_entry_is_corrected_once_and_the_same_correction_again_changes_nothing(shelf: Shelf) -> None:
    wrong, id = newest(shelf).id, ids.new()
    assert [correct(wrong, id=id), correct(wrong, id=id)] == [True, False]
    with pytest.raises(NotCorrectable, match="corrected already"):
        correct(wrong)
    with pytest.raises(NotCorrectable, match="book again what was right"):
        correct(id)
    assert shelf.figure().on_hand == 0


def test_the_database_lets_an_entry_be_corrected_once(shelf: Shelf) -> None:
    wrong = newest(shelf).id
    correct(wrong)
    shelf.receive(20)
    with (
        pytest.raises(NotCorrectable, match="corrected already"),
        transaction(),
        connection.cursor() as cursor,
    ):
        cursor.execute("ALTER TABLE inventory_stockentry DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO inventory_stockentry SELECT (jsonb_populate_record(e, jsonb_build_object('id', %s, 'version', 99))).*"
            " FROM inventory_stockentry e WHERE corrects = %s",
            [str(ids.new()), wrong],
        )


def test_goods_that_are_promised_meanwhile_are_not_taken_back(shelf: Shelf) -> None:
    wrong = newest(shelf).id
    shelf.allocate(3)
    with pytest.raises(NotFreeToMove, match="10 wanted, 7 free; of 10 on hand 3 are promised"):
        correct(wrong)
    assert shelf.figure().on_hand == 10


def test_both_sides_of_a_change_of_condition_are_corrected_together(shelf: Shelf) -> None:
    id = ids.new()
    reclassify(shelf, 3, Condition.SELLABLE, Condition.DAMAGED, id=id)
    assert correct(id)
    assert by_condition(shelf) == {"sellable": 10}
    other_side = StockEntry.objects.get(transfer_id=id, on_hand_delta=3)
    with pytest.raises(NotCorrectable, match="corrected already"):
        correct(other_side.id)


def test_what_belongs_to_a_document_or_moved_nothing_is_not_corrected_here(shelf: Shelf) -> None:
    with pytest.raises(EntryNotFound):
        correct(ids.new())
    shelf.reserve(1)
    with pytest.raises(NotCorrectable, match="moved no goods"):
        correct(newest(shelf).id)
    shelf.allocate(1)
    with pytest.raises(NotCorrectable, match="belongs to an order"):
        correct(newest(shelf).id)
    make.transfer(shelf.store.id, make.store().id, (shelf.product_id, 1))
    with pytest.raises(NotCorrectable, match="belongs to a transfer"):
        correct(StockEntry.objects.filter(cause_type="transfer")[0].id)
