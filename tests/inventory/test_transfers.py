"""Transfers: what leaves one place arrives at another, is lost with a reason, or comes back. Never more, never twice."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from commerce import catalog, clock, ids
from commerce.errors import InvalidInput
from commerce.models import AuditEntry, OutboxMessage
from commerce.transactions import transaction
from inventory import moving, queries
from inventory.errors import (
    DifferenceUnexplained,
    MoreThanSent,
    NotFreeToMove,
    NotGoods,
    NotOnTransfer,
    NotRepairable,
    TransferDiffers,
    TransferNotFound,
    TransferStateWrong,
)
from inventory.models import Discrepancy, StockEntry, Transfer, TransferLine
from inventory.moving import DifferenceReason, TransferState
from inventory.places.locations import LocationRef
from inventory.reconciliation import discrepancies
from inventory.stock import Condition
from inventory.transport import records, transfers
from inventory.transport.records import TransferRef
from inventory.transport.transfers import Arrival, Wanted
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.promises import in_days


@pytest.fixture
def other(db: None) -> LocationRef:
    return make.store()


def on_hand(product_id: int, location_id: int) -> dict[str, int]:
    """Return the pieces at a place by condition, where there are some."""
    rows = queries.levels(product_ids=[product_id], location_ids=[location_id])
    return {row["condition"]: row["on_hand"] for row in rows if row["on_hand"]}


def receive(transfer: TransferRef, *lines: Arrival) -> TransferRef:
    with transaction():
        return transfers.receive(transfer.id, lines, by=BY, at=clock.now())


def arrival(shelf: Shelf, pieces: int, condition: Condition | None = None) -> Arrival:
    return Arrival(ids.new(), shelf.product_id, pieces, condition)


def sum_of(transfer: TransferRef) -> int:
    return sum(StockEntry.objects.filter(transfer_id=transfer.id).values_list("on_hand_delta", flat=True))


# --- drafts ---------------------------------------------------------------------------------------------------------


def test_a_draft_moves_nothing_and_keeps_nothing_from_sale(shelf: Shelf, other: LocationRef) -> None:
    made = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4), is_sent=False)
    assert made.state is TransferState.DRAFT
    assert made.number.startswith("T-")
    assert shelf.figure().available == 10
    assert records.on_the_way([shelf.product_id]) == []


def test_the_same_draft_again_is_the_first_one(shelf: Shelf, other: LocationRef) -> None:
    made = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4), is_sent=False)
    places = {"origin_id": shelf.store.id, "destination_id": other.id}
    with transaction():
        again = transfers.draft(made.id, **places, lines=[Wanted(shelf.product_id, 9)], by=BY, at=clock.now())
    assert again == made
    turned = {"origin_id": other.id, "destination_id": shelf.store.id}
    with pytest.raises(TransferDiffers), transaction():
        transfers.draft(made.id, **turned, by=BY, at=clock.now())


def test_lines_of_one_product_are_summed_and_keep_the_largest_pack(shelf: Shelf, other: LocationRef) -> None:
    with transaction():
        made = transfers.draft(
            ids.new(), origin_id=shelf.store.id, destination_id=other.id, by=BY, at=clock.now(),
            lines=[Wanted(shelf.product_id, 24, 12), Wanted(shelf.product_id, 3)],
        )  # fmt: skip
    [line] = made.lines
    assert (line.quantity, line.pack) == (27, 12)
    assert moving.in_packs(line.quantity, line.pack) == "2 × 12 + 3"


def test_a_scan_counts_once_however_often_it_is_sent(shelf: Shelf, other: LocationRef) -> None:
    made = make.transfer(shelf.store.id, other.id, is_sent=False)
    first, second = ids.new(), ids.new()
    for scan_id, pieces in ((first, 1), (first, 1), (second, 12)):
        with transaction():
            after = transfers.scan(
                made.id, scan_id, shelf.product_id, pieces, pack=max(pieces, 1), by=BY, at=clock.now()
            )
    assert [(line.quantity, line.pack) for line in after.lines] == [(13, 12)]


def test_a_draft_can_be_changed_until_it_is_sent(shelf: Shelf, other: LocationRef) -> None:
    made = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4), is_sent=False)
    with transaction():
        changed = transfers.change(made.id, lines=[Wanted(shelf.product_id, 2)], by=BY, at=clock.now())
        transfers.send(made.id, by=BY, at=clock.now())
    assert [line.quantity for line in changed.lines] == [2]
    with pytest.raises(TransferStateWrong, match="is sent: receive it"), transaction():
        transfers.change(made.id, lines=[], by=BY, at=clock.now())


@pytest.mark.parametrize("pieces", [0, -1, 1_000_001])
def test_a_line_needs_pieces(shelf: Shelf, other: LocationRef, pieces: int) -> None:
    with pytest.raises(InvalidInput, match="A line has 1 to"):
        make.transfer(shelf.store.id, other.id, (shelf.product_id, pieces))


def test_a_transfer_leaves_its_place_for_an_open_one_and_carries_goods(shelf: Shelf, other: LocationRef) -> None:
    with pytest.raises(InvalidInput, match="another place"):
        make.transfer(shelf.store.id, shelf.store.id, (shelf.product_id, 1))
    with transaction():
        postage = catalog.add_product(sku="POSTAGE", name="Postage", kind="charge", by=BY)
    with pytest.raises(NotGoods):
        make.transfer(shelf.store.id, other.id, (postage.id, 1))
    closed = make.store(is_active=False)
    with pytest.raises(InvalidInput, match="is closed"):
        make.transfer(shelf.store.id, closed.id, (shelf.product_id, 1))
    assert not Transfer.objects.exists()


# --- sending --------------------------------------------------------------------------------------------------------


def test_sent_goods_are_in_transit_at_their_destination_with_a_day(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    assert sent.state is TransferState.SENT
    assert on_hand(shelf.product_id, shelf.store.id) == {"sellable": 6}
    assert on_hand(shelf.product_id, other.id) == {"in_transit": 4}
    assert sum_of(sent) == 0
    [coming] = records.on_the_way([shelf.product_id], location_ids=[other.id])
    assert (coming.number, coming.quantity, coming.expected_on) == (sent.number, 4, sent.expected_on)
    assert records.on_the_way(until=coming.expected_on - timedelta(days=1)) == []
    assert records.on_the_way(location_ids=[shelf.store.id]) == []


def test_sending_again_changes_nothing(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    with transaction():
        assert transfers.send(sent.id, by=BY, at=clock.now()) == sent
    assert on_hand(shelf.product_id, other.id) == {"in_transit": 4}


def test_only_what_is_free_is_sent_and_the_refusal_names_what_is_short(shelf: Shelf, other: LocationRef) -> None:
    shelf.allocate(5)
    shelf.reserve(3)
    draft = make.transfer(shelf.store.id, other.id, (shelf.product_id, 3), is_sent=False)
    with pytest.raises(NotFreeToMove, match="Lamp: 3 wanted, 2 free") as refusal, transaction():
        transfers.send(draft.id, by=BY, at=clock.now())
    assert refusal.value.detail["lines"] == [
        {"sku": shelf.sku, "condition": "sellable", "wanted": 3, "free": 2, "on_hand": 10, "allocated": 5, "held": 3}
    ]
    assert shelf.figure().on_hand == 10
    with transaction():  # the baskets' time is over
        transfers.send(draft.id, by=BY, at=clock.now() + timedelta(minutes=16))
    assert on_hand(shelf.product_id, other.id) == {"in_transit": 3}


def test_goods_are_sent_with_a_day_that_is_not_past_and_never_empty_handed(shelf: Shelf, other: LocationRef) -> None:
    places = {"origin_id": shelf.store.id, "destination_id": other.id}
    with transaction():
        draft = transfers.draft(ids.new(), **places, lines=[Wanted(shelf.product_id, 1)], by=BY, at=clock.now())
        empty = transfers.draft(ids.new(), **places, expected_on=in_days(0), by=BY, at=clock.now())
    with pytest.raises(InvalidInput, match="in the past"), transaction():
        transfers.send(draft.id, expected_on=in_days(-1), by=BY, at=clock.now())
    with pytest.raises(InvalidInput, match="nothing to send"), transaction():
        transfers.send(empty.id, by=BY, at=clock.now())


def test_the_day_can_move_while_the_goods_are_on_the_way(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    later = sent.expected_on + timedelta(days=3)
    with transaction():
        transfers.expect(sent.id, later, reason="the van broke down", by=BY, at=clock.now())
    assert [coming.expected_on for coming in records.on_the_way([shelf.product_id])] == [later]
    assert AuditEntry.objects.get(verb="inventory.transfers.expect").reason == "the van broke down"


def test_the_destination_hears_what_comes_when_and_when_it_does_not(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    with transaction():
        transfers.expect(sent.id, sent.expected_on + timedelta(days=1), reason="late", by=BY, at=clock.now())
    receive(sent, arrival(shelf, 1))
    close(sent, {shelf.product_id: DifferenceReason.LOST})
    today, later = (sent.expected_on + timedelta(days=days) for days in (0, 1))
    news = OutboxMessage.objects.filter(event_type="inventory.incoming_changed").order_by("id")
    told = [(one.payload["before"], one.payload["after"]) for one in news]
    first, second = today.isoformat(), later.isoformat()
    assert told == [({}, {first: 4}), ({first: 4}, {second: 4}), ({second: 4}, {second: 3}), ({second: 3}, {})]
    versions = [one.aggregate_sequence for one in news]
    assert versions == sorted(set(versions))


# --- receiving ------------------------------------------------------------------------------------------------------


def test_goods_arrive_in_parts_and_conditions_and_the_last_piece_ends_it(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    part = receive(sent, arrival(shelf, 1), arrival(shelf, 1, Condition.DAMAGED))
    assert part.state is TransferState.PARTLY_RECEIVED
    assert on_hand(shelf.product_id, other.id) == {"sellable": 1, "damaged": 1, "in_transit": 2}
    assert records.on_the_way([shelf.product_id])[0].quantity == 2
    done = receive(sent, arrival(shelf, 2))
    assert done.state is TransferState.RECEIVED
    assert done.ended_at is not None
    assert on_hand(shelf.product_id, other.id) == {"sellable": 3, "damaged": 1}
    assert sum_of(sent) == 0
    assert records.on_the_way() == []


def test_the_same_arrival_again_books_nothing_even_after_the_end(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    first, last = arrival(shelf, 1), arrival(shelf, 3)
    for line in (first, first, last, last, first):
        receive(sent, line)
    assert on_hand(shelf.product_id, other.id) == {"sellable": 4}
    with pytest.raises(TransferStateWrong, match="has ended"):
        receive(sent, arrival(shelf, 1))


def test_more_than_was_sent_is_refused_also_in_parts(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    receive(sent, arrival(shelf, 3))
    with pytest.raises(MoreThanSent, match="4 were sent and 1 are still on the way; 2") as refusal:
        receive(sent, arrival(shelf, 1), arrival(shelf, 1))
    assert refusal.value.detail["lines"] == [{"sku": shelf.sku, "sent": 4, "open": 1, "arrived": 2}]
    assert on_hand(shelf.product_id, other.id) == {"sellable": 3, "in_transit": 1}


def test_another_transfers_goods_in_transit_are_not_taken(shelf: Shelf, other: LocationRef) -> None:
    one = make.transfer(shelf.store.id, other.id, (shelf.product_id, 2))
    make.transfer(shelf.store.id, other.id, (shelf.product_id, 5))
    with pytest.raises(MoreThanSent):
        receive(one, arrival(shelf, 3))
    assert on_hand(shelf.product_id, other.id) == {"in_transit": 7}


def test_goods_that_were_not_sent_are_named(shelf: Shelf, other: LocationRef) -> None:
    with transaction():
        vase = catalog.add_product(sku="VASE", name="Vase", by=BY)
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    with pytest.raises(NotOnTransfer, match="Vase is not on transfer T-") as refusal:
        receive(sent, arrival(shelf, 1), Arrival(ids.new(), vase.id, 1))
    assert refusal.value.errors == [{"field": "lines[1]", "value": "VASE", "message": "was not sent"}]
    assert on_hand(shelf.product_id, other.id) == {"in_transit": 4}


def test_a_draft_and_an_unknown_transfer_are_not_received(shelf: Shelf, other: LocationRef) -> None:
    draft = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4), is_sent=False)
    with pytest.raises(TransferStateWrong, match="is draft: send it first"):
        receive(draft, arrival(shelf, 1))
    with pytest.raises(TransferNotFound), transaction():
        transfers.receive(ids.new(), [arrival(shelf, 1)], by=BY, at=clock.now())


def test_damaged_goods_travel_as_such(shelf: Shelf, other: LocationRef) -> None:
    places = {"origin_id": shelf.store.id, "destination_id": other.id, "condition": Condition.DAMAGED}
    with transaction():
        draft = transfers.draft(
            ids.new(),
            **places,
            lines=[Wanted(shelf.product_id, 1)],
            expected_on=clock.now().date(),
            by=BY,
            at=clock.now(),
        )
    with pytest.raises(NotFreeToMove, match="1 wanted, 0 free"), transaction():
        transfers.send(draft.id, by=BY, at=clock.now())
    with pytest.raises(InvalidInput, match="another transfer"), transaction():
        transfers.draft(ids.new(), **(places | {"condition": Condition.IN_TRANSIT}), by=BY, at=clock.now())


# --- differences ----------------------------------------------------------------------------------------------------


def close(sent: TransferRef, reasons: dict[int, DifferenceReason]) -> TransferRef:
    with transaction():
        return transfers.close(sent.id, reasons, note="counted twice", by=BY, at=clock.now())


def test_a_difference_needs_a_reason_and_is_written_off(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    receive(sent, arrival(shelf, 3))
    with pytest.raises(DifferenceUnexplained, match="1 of 4 Lamp did not arrive") as refusal:
        close(sent, {})
    assert refusal.value.detail["lines"] == [{"sku": shelf.sku, "sent": 4, "missing": 1}]
    done = close(sent, {shelf.product_id: DifferenceReason.LOST})
    assert done.state is TransferState.RECEIVED
    assert [(line.received, line.lost, line.difference_reason) for line in done.lines] == [(3, 1, "lost")]
    assert on_hand(shelf.product_id, other.id) == {"sellable": 3}
    entry = StockEntry.objects.get(kind="written_off")
    assert (entry.on_hand_delta, entry.counterparty, entry.reason) == (-1, "shrinkage", "lost")
    known = Discrepancy.objects.get()
    assert (known.kind, known.location_id, known.expected, known.found) == ("transfer_difference", other.id, 4, 3)
    assert close(sent, {}) == done
    assert Discrepancy.objects.count() == 1


def test_what_was_left_behind_is_back_where_it_should_have_left(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    receive(sent, arrival(shelf, 3))
    done = close(sent, {shelf.product_id: DifferenceReason.LEFT_BEHIND})
    assert [(line.received, line.lost, line.returned) for line in done.lines] == [(3, 0, 1)]
    assert on_hand(shelf.product_id, shelf.store.id) == {"sellable": 7}
    assert sum_of(sent) == 0
    assert not Discrepancy.objects.exists()


def test_a_difference_is_accepted_by_a_person_not_repaired(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    close(sent, {shelf.product_id: DifferenceReason.STOLEN})
    with pytest.raises(NotRepairable), transaction():
        discrepancies.repair([Discrepancy.objects.get().id], reason="x", by=BY, at=clock.now())
    assert on_hand(shelf.product_id, other.id) == {}


# --- cancelling -----------------------------------------------------------------------------------------------------


def test_a_cancelled_transfer_brings_its_goods_back(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    for _ in range(2):
        with transaction():
            done = transfers.cancel(sent.id, reason="wrong store", by=BY, at=clock.now())
    assert done.state is TransferState.CANCELLED
    assert on_hand(shelf.product_id, shelf.store.id) == {"sellable": 10}
    assert on_hand(shelf.product_id, other.id) == {}
    assert StockEntry.objects.filter(transfer_id=sent.id).count() == 4
    assert sum_of(sent) == 0
    with pytest.raises(TransferStateWrong):
        receive(sent, arrival(shelf, 1))


def test_what_arrived_in_part_is_closed_not_cancelled(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    receive(sent, arrival(shelf, 1))
    with pytest.raises(TransferStateWrong, match="receive the rest, or close it") as refusal, transaction():
        transfers.cancel(sent.id, by=BY, at=clock.now())
    assert refusal.value.detail["allowed_actions"] == ["receive", "close"]


# --- the database says no first -------------------------------------------------------------------------------------


def test_the_database_refuses_more_than_was_sent_and_a_past_that_changes(shelf: Shelf, other: LocationRef) -> None:
    sent = make.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    line, row = TransferLine.objects.filter(transfer_id=sent.id), Transfer.objects.filter(id=sent.id)
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: line.update(received=5), "transfer_line_not_more_than_sent"),
        (lambda: line.update(quantity=9), "transfer_line_stays"),
        (lambda: line.update(lost=1), "transfer_line_reason_known"),
        (line.delete, "transfer_line_stays"),
        (lambda: row.update(number="T-1"), "transfer_goes_on"),
        (lambda: row.update(state="draft"), "transfer_goes_on"),
        (lambda: row.update(expected_on=None), "transfer_on_the_way_is_expected"),
    ]
    for change, law in changes:
        with pytest.raises(IntegrityError) as broken, transaction():
            change()
        assert broken.value.__cause__.diag.constraint_name == law  # type: ignore[union-attr]
    receive(sent, arrival(shelf, 4))
    with pytest.raises(IntegrityError, match="goes on"), transaction():
        row.update(state="sent", ended_at=None)


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_who_receive_the_last_piece_at_once_receive_it_once() -> None:
    here, there = make.store(), make.store()
    with transaction():
        product = catalog.add_product(sku="LAST", name="Last", by=BY)
    make.receive(product.id, here.id, 5)
    sent = make.transfer(here.id, there.id, (product.id, 5))
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def take() -> None:
        start.wait()
        try:
            with transaction():
                transfers.receive(sent.id, [Arrival(ids.new(), product.id, 5)], by=BY, at=clock.now())
            outcomes.append("received")
        except TransferStateWrong:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["received", "refused", "refused", "refused"]
    assert on_hand(product.id, there.id) == {"sellable": 5}
