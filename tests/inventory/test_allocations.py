"""Promises to order lines: made without a gap, left by goods or released, never more than promised."""

from uuid import UUID, uuid4

import pytest

from commerce import clock
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import transaction
from inventory import allocations
from inventory.allocations import Demand, Promises, Wish
from inventory.errors import AllocationOverdrawn, HoldExpired, InsufficientStock
from inventory.models import Allocation, StockEntry
from inventory.stock import EntryKind
from tests.inventory.conftest import BY, Shelf


def test_a_hold_becomes_an_allocation_in_one_entry(shelf: Shelf) -> None:
    held = shelf.reserve(10)
    shelf.allocate(10, reservation_id=held.id)
    last = StockEntry.objects.filter(level__product_id=shelf.product_id).latest("version")
    assert (last.kind, last.allocated_delta, last.held_delta) == ("allocated", 10, -10)
    assert shelf.figure().available == 0


def test_an_order_smaller_than_its_hold_gives_the_rest_back(shelf: Shelf) -> None:
    held = shelf.reserve(6)
    shelf.allocate(4, reservation_id=held.id)
    figure = shelf.figure()
    assert (figure.allocated, figure.held, figure.available) == (4, 0, 6)


def test_an_order_larger_than_its_hold_takes_the_rest_from_free_stock_or_is_refused(shelf: Shelf) -> None:
    held = shelf.reserve(6)
    shelf.allocate(9, reservation_id=held.id)
    assert shelf.figure().available == 1
    other = shelf.reserve(1)
    with pytest.raises(InsufficientStock) as refusal:
        shelf.allocate(2, reservation_id=other.id)
    assert refusal.value.detail["lines"][0]["available"] == 1
    assert shelf.figure().held == 1, "a refused order leaves the hold as it was"


def test_an_expired_hold_is_refused_even_when_the_goods_are_still_there(shelf: Shelf) -> None:
    held = shelf.reserve(6, minutes=1)
    with pytest.raises(HoldExpired, match="expired at"):
        shelf.allocate(6, reservation_id=held.id, at=held.expires_at)


def test_demand_of_all_lines_is_summed_before_the_check(shelf: Shelf) -> None:
    demands = [Demand(uuid4(), shelf.product_id, shelf.store.id, 6) for _ in range(2)]
    with pytest.raises(InsufficientStock) as refusal, transaction():
        allocations.allocate(demands, by=BY, at=clock.now())
    assert refusal.value.detail["lines"][0]["wanted"] == 12


def test_many_orders_are_decided_one_by_one_and_written_at_once(shelf: Shelf) -> None:
    held = shelf.reserve(6)
    others = Actor.system("others")

    def wish(pieces: int, by: Actor = BY, reservation_id: UUID | None = None) -> Wish:
        demand = Demand(uuid4(), shelf.product_id, shelf.store.id, pieces)
        return Wish([demand], by, reservation_id, shelf.channel_id)

    wishes = [wish(4), wish(1, others), wish(2, BY, held.id), wish(4, others), wish(1, BY, held.id), wish(1)]
    made, refused = [], {}
    with transaction():
        promises = Promises(wishes, at=clock.now())
        for number, one in enumerate(wishes):
            try:
                made.append(promises.make(one)[one.demands[0].demand_id])
            except CommerceError as refusal:
                refused[number] = refusal.code
        promises.write()
    # Four were free; the reservation's rest of four goes to the fourth wish, and nothing is left for the last.
    assert refused == {1: "insufficient_stock", 4: "hold_ended", 5: "insufficient_stock"}
    assert set(Allocation.objects.values_list("id", flat=True)) == set(made)
    figure = shelf.figure()
    assert (figure.allocated, figure.held, figure.available) == (10, 0, 0)
    entries = StockEntry.objects.filter(level__product_id=shelf.product_id, kind="allocated")
    assert sorted(entries.values_list("actor_id", "allocated_delta")) == [("others", 4), ("tests", 2), ("tests", 4)]


def test_a_group_that_gets_nothing_still_ends_the_holds_it_found_expired(shelf: Shelf) -> None:
    held = shelf.reserve(6, minutes=1)
    wish = Wish([Demand(uuid4(), shelf.product_id, shelf.store.id, 11)], BY)
    with transaction():
        promises = Promises([wish], at=held.expires_at)
        with pytest.raises(InsufficientStock) as refusal:
            promises.make(wish)
        promises.write()
    assert refusal.value.detail["lines"][0]["available"] == 10
    assert StockEntry.objects.filter(level__product_id=shelf.product_id).latest("version").kind == "expired"


def test_on_hand_falls_when_goods_leave_not_before(shelf: Shelf) -> None:
    allocation = shelf.allocate(3)
    assert shelf.figure().on_hand == 10
    with transaction():
        allocations.leave([(allocation, 3)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())
    figure = shelf.figure()
    assert (figure.on_hand, figure.allocated, figure.available) == (7, 0, 7)


@pytest.mark.parametrize("pieces", [4, 100])
def test_no_more_leaves_than_was_promised(shelf: Shelf, pieces: int) -> None:
    allocation = shelf.allocate(3)
    with pytest.raises(AllocationOverdrawn), transaction():
        allocations.leave([(allocation, pieces)], kind=EntryKind.SHIPPED, by=BY, at=clock.now())
    with pytest.raises(AllocationOverdrawn), transaction():
        allocations.release([(allocation, pieces)], by=BY, at=clock.now(), reason="test")
    assert shelf.figure().on_hand == 10


def test_released_pieces_are_free_again(shelf: Shelf) -> None:
    allocation = shelf.allocate(3)
    with transaction():
        allocations.release([(allocation, 2)], by=BY, at=clock.now(), reason="cancelled")
    assert shelf.figure().available == 9
    with pytest.raises(AllocationOverdrawn), transaction():
        allocations.release([(allocation, 2)], by=BY, at=clock.now(), reason="cancelled")


def test_what_is_not_found_is_not_sold_again(shelf: Shelf) -> None:
    other = shelf.allocate(2)
    held = shelf.reserve(1)
    missing = shelf.allocate(3)
    with transaction():
        allocations.not_found([(missing, 3)], by=BY, at=clock.now())
    figure = shelf.figure()
    assert figure.available == 0, "an empty shelf has no free pieces until someone counts"
    assert (figure.on_hand, figure.allocated, figure.held) == (3, 2, 1), "what others were promised stays theirs"
    with transaction():
        allocations.leave([(other, 2)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())
    assert held.id
    kinds = StockEntry.objects.filter(level__product_id=shelf.product_id, kind="adjusted").order_by("version")
    assert [(entry.on_hand_delta, entry.counterparty, entry.reason) for entry in kinds] == [
        (-3, "shrinkage", "not_found"),
        (-4, "shrinkage", "not_found_rest"),
    ]
