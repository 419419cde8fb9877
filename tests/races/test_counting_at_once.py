"""Counting at once: one figure from many devices, figures while others hand in, two who decide, and sales in between."""

from uuid import uuid4

import pytest

from commerce import clock, ids
from commerce.actors import Actor, ActorKind
from commerce.operations import checks
from inventory import allocations
from inventory.allocations import Demand
from inventory.counting import CountKind, CountState
from inventory.models import CountFinding, CountItem, CountRecord, StockEntry, StockLevel
from inventory.stock import EntryKind
from inventory.stocktaking import counts, lists, review
from inventory.stocktaking import figures as count_figures
from inventory.stocktaking.figures import Figure, Outcome
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.inventory.counting import Counting
from tests.races.crowds import in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

CROWD = 8
PEOPLE = [Actor(ActorKind.STAFF, str(7000 + number), f"Counter {number}") for number in range(CROWD)]


def counting_of(pieces: int) -> tuple[Counting, str, int]:
    product, store = ground.product(), goods.store()
    goods.receive(product.id, store.id, pieces)
    return Counting.begin(store.id, CountKind.STORE), product.sku, product.id


def test_one_figure_that_many_devices_send_counts_once() -> None:
    counting, sku, product_id = counting_of(10)
    figures = [Figure(id=uuid4(), text=text, quantity=3, counted_at=clock.now()) for text in (sku, "4006381333931")]

    def send(_: int) -> object:
        return count_figures.record(counting.ref.id, figures, by=PEOPLE[0], at=clock.now())

    outcomes = run_at_once(CROWD, in_transactions(send))
    assert summary(outcomes) == {"done": CROWD}
    assert sum(taken[0].outcome is Outcome.COUNTED for taken in outcomes) == 1
    assert (CountRecord.objects.count(), CountFinding.objects.count()) == (1, 1)
    assert counting.item(product_id).records == 1


def test_many_who_count_the_same_goods_wait_for_each_other_and_add_up() -> None:
    counting, sku, product_id = counting_of(5 * CROWD)

    def send(place: int) -> object:
        figures = [Figure(id=uuid4(), text=sku, quantity=1, counted_at=clock.now()) for _ in range(5)]
        return count_figures.record(counting.ref.id, figures, by=PEOPLE[place], at=clock.now())

    assert summary(run_at_once(CROWD, in_transactions(send))) == {"done": CROWD}
    assert counting.hand_in(by=PEOPLE[0]).right == 1
    assert counting.item(product_id).counted == 5 * CROWD


def test_a_figure_is_counted_or_found_but_never_lost_while_others_hand_in() -> None:
    """Whoever comes before the hand-in is in the count; whoever comes after is in the finds."""
    counting, sku, product_id = counting_of(CROWD)
    counting.count(sku, 1)

    def act(place: int) -> object:
        if place % 4 == 3:
            return counts.hand_in(counting.ref.id, by=PEOPLE[place], at=clock.now())
        figure = Figure(id=uuid4(), text=sku, quantity=1, counted_at=clock.now())
        return count_figures.record(counting.ref.id, [figure], by=PEOPLE[place], at=clock.now())

    assert summary(run_at_once(CROWD, in_transactions(act))) == {"done": CROWD}
    assert CountRecord.objects.count() + CountFinding.objects.count() == 1 + CROWD - CROWD // 4
    item = counting.item(product_id)
    if item.state in ("posted", "right"):
        assert StockLevel.objects.get(product_id=product_id).on_hand == item.counted == CountRecord.objects.count()
    assert StockEntry.objects.filter(kind="counted").count() <= 1
    assert checks.run() == []


def test_a_difference_that_two_approve_and_one_sends_back_is_decided_once() -> None:
    counting, sku, product_id = counting_of(20)
    counting.count(sku, 4)
    counting.hand_in()

    def decide(place: int) -> object:
        by, at = PEOPLE[place], clock.now()
        if place % 4 == 3:
            return review.recount(counting.ref.id, [product_id], by=by, at=at)
        return review.approve(counting.ref.id, {product_id: -16}, by=by, at=at)

    run_at_once(CROWD, in_transactions(decide))
    booked = StockEntry.objects.filter(kind="counted").count()
    item, level = CountItem.objects.get(), StockLevel.objects.get(product_id=product_id)
    assert (item.state, booked, level.on_hand) in (("posted", 1, 4), ("open", 0, 20))
    assert lists.get(counting.ref.id).state is (CountState.POSTED if booked else CountState.OPEN)
    assert checks.run() == []


def test_sales_while_it_is_handed_in_are_not_taken_for_losses() -> None:
    """Everything was counted right; whatever is sold before, while and after it is handed in, nothing is missing."""
    counting, sku, product_id = counting_of(40)
    counting.count(sku, 40)
    level = StockLevel.objects.get(product_id=product_id)

    def act(place: int) -> object:
        if place == 0:
            return counts.hand_in(counting.ref.id, by=PEOPLE[0], at=clock.now())
        demand = Demand(ids.new(), product_id, level.location_id, 2)
        made = allocations.allocate([demand], by=PEOPLE[place], at=clock.now())
        allocations.leave([(made[demand.demand_id], 2)], kind=EntryKind.HANDED_OVER, by=PEOPLE[place], at=clock.now())
        return None

    assert summary(run_at_once(CROWD, in_transactions(act))) == {"done": CROWD}
    assert counting.item(product_id).state == "right"
    level.refresh_from_db()
    assert level.on_hand == 40 - 2 * (CROWD - 1)
    assert not StockEntry.objects.filter(kind="counted").exists()
    assert checks.run() == []
