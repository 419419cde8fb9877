"""Deciding about counts: two people above the limits, recounts, and what is missing although it is promised."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection

from commerce import clock
from commerce.errors import InvalidInput
from commerce.transactions import savepoint, transaction
from inventory import allocations
from inventory.counting import CountState, FindingKind
from inventory.errors import CountStateWrong, SecondPersonNeeded
from inventory.models import CountItem, CountRecord, Discrepancy
from inventory.reconciliation import discrepancies
from inventory.stock import EntryKind
from inventory.stocktaking import rules  # fmt: skip
from inventory.stocktaking.rules import Policy
from tests.inventory.conftest import BY, Shelf
from tests.inventory.counting import ANA, BEN, CHEF, Counting

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def sell(shelf: Shelf, pieces: int) -> None:
    """Let pieces leave for a customer now."""
    allocation = shelf.allocate(pieces)
    with transaction():
        allocations.leave([(allocation, pieces)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())


def on_hand(shelf: Shelf) -> int:
    return shelf.figure().on_hand


# --- two people ---------------------------------------------------------------------------------------------------------


def test_above_the_limits_a_second_person_decides(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 4)
    assert counting.hand_in().in_review == 1
    assert on_hand(shelf) == 10
    assert Discrepancy.objects.get().kind == "count_variance"
    with pytest.raises(SecondPersonNeeded):
        counting.approve({shelf.product_id: -6}, by=ANA)
    counting.approve({shelf.product_id: -6})
    assert on_hand(shelf) == 4
    assert Discrepancy.objects.get().state == "repaired"
    assert counting.item(shelf.product_id).approver_id == CHEF.id


def test_the_database_refuses_an_approver_who_counted(shelf: Shelf) -> None:
    """Prove the law without the code that explains it."""
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 4)
    counting.hand_in()
    item = counting.item(shelf.product_id)
    with transaction(), pytest.raises(SecondPersonNeeded), savepoint():
        CountItem.objects.filter(pk=item.pk).update(approver_kind=ANA.kind.value, approver_id=ANA.id)
    with (
        pytest.raises(DatabaseError, match="count_item_large_is_approved"),
        transaction(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "UPDATE inventory_countitem SET state = 'posted', posted = -6, settled_at = now() WHERE id = %s", [item.pk]
        )


def test_figures_are_never_changed_or_deleted(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 4)
    for sql in ("UPDATE inventory_countrecord SET quantity = 1", "DELETE FROM inventory_countrecord"):
        with pytest.raises(DatabaseError, match="journal"), transaction(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_what_is_settled_is_not_counted_on_in_the_database_either(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 8)
    counting.hand_in()
    with pytest.raises(CountStateWrong), transaction():
        CountRecord.objects.create(
            id=uuid4(), item=counting.item(shelf.product_id), round=1, quantity=1, mode="add", text="x", counter_kind="staff",
            counter_id="1", counted_at=clock.now(), recorded_at=clock.now(), place=0,
        )  # fmt: skip


def test_limits_are_those_of_the_place_then_of_the_house(shelf: Shelf) -> None:
    with transaction():
        rules.set_policy(None, Policy(approve_above_pieces=0), by=BY, at=clock.now())
    strict = Counting.begin(shelf.store.id)
    strict.count(shelf.sku, 9)
    assert strict.hand_in().in_review == 1
    strict.leave(shelf.product_id)
    with transaction():
        rules.set_policy(shelf.store.id, Policy(approve_above_pieces=20), by=BY, at=clock.now())
    loose = Counting.begin(shelf.store.id)
    loose.count(shelf.sku, 1)
    assert loose.hand_in().posted == 1


def test_the_books_may_stand_with_a_reason(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 2)
    counting.hand_in()
    with pytest.raises(InvalidInput):
        counting.leave(shelf.product_id, note=" ")
    with pytest.raises(SecondPersonNeeded):
        counting.leave(shelf.product_id, by=ANA)
    counting.leave(shelf.product_id)
    assert on_hand(shelf) == 10
    assert counting.ref.state is CountState.POSTED
    assert Discrepancy.objects.get().state == "accepted"


def test_a_recount_begins_from_nothing_and_old_figures_do_not_join_it(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    before = clock.now()
    counting.count(shelf.sku, 2)
    counting.hand_in()
    assert counting.recount(shelf.product_id) == 1
    assert counting.ref.state is CountState.OPEN
    assert Discrepancy.objects.get().state == "vanished"
    assert counting.count(shelf.sku, 3, by=BEN, at=before).finding is FindingKind.LATE
    counting.count(shelf.sku, 9, by=BEN)
    assert counting.hand_in().posted == 1
    assert on_hand(shelf) == 9
    assert counting.ref.state is CountState.IN_REVIEW  # the late figure waits for a person


# --- below what is promised ---------------------------------------------------------------------------------------------


def test_counting_below_what_is_promised_posts_what_is_free_and_opens_an_exception(shelf: Shelf) -> None:
    shelf.allocate(6)
    shelf.reserve(2)
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 5)
    assert counting.hand_in().posted == 1
    figure = shelf.figure()
    assert (figure.on_hand, figure.allocated, figure.held) == (8, 6, 2)
    item = counting.item(shelf.product_id)
    assert (item.posted, item.short) == (-2, -3)
    found = Discrepancy.objects.get()
    assert (found.kind, found.expected, found.found, found.state) == ("count_below_promised", 8, 5, "open")
    assert found.owner_role == "store_manager"


def test_its_repair_books_the_rest_once_promises_allow_and_a_new_count_ends_it(shelf: Shelf) -> None:
    allocation = shelf.allocate(8)
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 6)
    counting.hand_in()
    found = Discrepancy.objects.get()
    assert (on_hand(shelf), found.expected, found.found) == (8, 8, 6)
    with transaction():
        allocations.release([(allocation, 8)], by=BY, at=clock.now(), reason="cancelled")
        assert discrepancies.repair([found.id], reason="counted", by=CHEF, at=clock.now())[found.id].booked == -2
    assert on_hand(shelf) == 6


def test_counted_again_the_open_exception_of_before_is_over(shelf: Shelf) -> None:
    shelf.allocate(8)
    first = Counting.begin(shelf.store.id)
    first.count(shelf.sku, 6)
    first.hand_in()
    second = Counting.begin(shelf.store.id)
    second.count(shelf.sku, 8)  # they were found
    assert second.hand_in().right == 1
    assert Discrepancy.objects.get().state == "vanished"


def test_expired_baskets_are_free_to_be_missing(shelf: Shelf) -> None:
    shelf.reserve(10, minutes=-1, at=clock.now())
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 6)
    assert counting.hand_in().posted == 1
    assert counting.item(shelf.product_id).short == 0
    assert on_hand(shelf) == 6


def test_a_count_that_more_goods_left_than_it_saw_books_nothing_and_asks(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 3)
    sell(shelf, 6)
    assert counting.hand_in().in_review == 1
    item = counting.item(shelf.product_id)
    assert item.is_impossible
    assert on_hand(shelf) == 4
    assert Discrepancy.objects.get().kind == "negative_surprise"
    assert counting.approve({shelf.product_id: -7}).posted == 0  # nobody can approve what can't be
    assert on_hand(shelf) == 4
