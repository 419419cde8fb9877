"""Goods that move while others want them: nothing arrives twice, leaves twice, is corrected twice, or is lost in a count."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from commerce import clock, ids
from commerce.actors import Actor
from commerce.operations import checks
from inventory import allocations, availability, corrections, movements, reservations
from inventory.allocations import Demand
from inventory.counting import CountKind
from inventory.errors import InsufficientStock
from inventory.models import CountItem, StockEntry, StockLevel
from inventory.movements import Receipt
from inventory.reservations import ReservationRequest
from inventory.stock import Condition, EntryKind
from inventory.stocktaking import counts, figures
from inventory.stocktaking.figures import Figure
from inventory.transport import transfers
from inventory.transport.transfers import Arrival
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.races.crowds import in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

BY = Actor.system("race")
CROWD = 8


def on_hand(product_id: int, location_id: int, condition: Condition = Condition.SELLABLE) -> int:
    level = StockLevel.objects.filter(product_id=product_id, location_id=location_id, condition=condition.value).first()
    return level.on_hand if level else 0


def test_what_was_sent_arrives_once_however_many_receive_it() -> None:
    """Everybody at the door books the whole delivery in, each with a phone of their own."""
    product, origin, destination = ground.product(), goods.store(), goods.store()
    goods.receive(product.id, origin.id, 10)
    sent = goods.transfer(origin.id, destination.id, (product.id, 10))

    def receive(_: int) -> object:
        return transfers.receive(sent.id, [Arrival(ids.new(), product.id, 10)], by=BY, at=clock.now())

    assert summary(run_at_once(CROWD, in_transactions(receive))) == {"done": 1, "transfer_state_wrong": CROWD - 1}
    assert on_hand(product.id, destination.id) == 10
    assert on_hand(product.id, destination.id, Condition.IN_TRANSIT) == on_hand(product.id, origin.id) == 0
    assert checks.run() == []


def test_parts_are_received_until_all_is_there() -> None:
    """More parts come in at once than were sent: those that are too many are refused, none of the others is lost."""
    product, origin, destination = ground.product(), goods.store(), goods.store()
    goods.receive(product.id, origin.id, 10)
    sent = goods.transfer(origin.id, destination.id, (product.id, 10))

    def receive(_: int) -> object:
        return transfers.receive(sent.id, [Arrival(ids.new(), product.id, 3)], by=BY, at=clock.now())

    assert summary(run_at_once(CROWD, in_transactions(receive))) == {"done": 3, "more_than_sent": CROWD - 3}
    assert on_hand(product.id, destination.id) == 9
    assert on_hand(product.id, destination.id, Condition.IN_TRANSIT) == 1
    assert checks.run() == []


def test_one_arrival_that_is_sent_many_times_is_booked_once() -> None:
    product, origin, destination = ground.product(), goods.store(), goods.store()
    goods.receive(product.id, origin.id, 10)
    sent = goods.transfer(origin.id, destination.id, (product.id, 10))
    arrival = Arrival(ids.new(), product.id, 4)

    def receive(_: int) -> object:
        return transfers.receive(sent.id, [arrival], by=BY, at=clock.now())

    assert summary(run_at_once(CROWD, in_transactions(receive))) == {"done": CROWD}
    assert on_hand(product.id, destination.id) == 4
    assert checks.run() == []


def test_goods_leave_or_are_reserved_but_never_both() -> None:
    channel, product, origin, destination = ground.channel(), ground.product(), goods.store(), goods.store()
    goods.receive(product.id, origin.id, 10)
    drafts = [goods.transfer(origin.id, destination.id, (product.id, 3), is_sent=False) for _ in range(CROWD // 2)]

    def send_or_reserve(number: int) -> object:
        now = clock.now()
        if number % 2:
            return transfers.send(drafts[number // 2].id, by=BY, at=now)
        wanted = ReservationRequest(ids.new(), channel.pk, origin.id, ((product.id, 3),), now + timedelta(minutes=15))
        return reservations.reserve([wanted], by=BY, at=now)[0]

    outcomes = run_at_once(CROWD, in_transactions(send_or_reserve))
    assert summary(outcomes).get("done") == 3
    assert set(summary(outcomes)) <= {"done", "not_free_to_move", "insufficient_stock"}
    left = sum(not isinstance(one, Exception) for one in outcomes[1::2])
    held = sum(not isinstance(one, Exception) for one in outcomes[::2])
    [figure] = availability.figures([product.id], location_ids=[origin.id], at=clock.now())
    assert (figure.on_hand, figure.held, figure.available) == (10 - 3 * left, 3 * held, 1)
    assert on_hand(product.id, destination.id, Condition.IN_TRANSIT) == 3 * left
    assert checks.run() == []


def test_transfers_that_cross_are_all_sent_and_received() -> None:
    """Two places send each other the same goods, named in opposite order: nobody waits for the other for ever."""
    products = [ground.product().id for _ in range(3)]
    places = [goods.store().id for _ in range(2)]
    for product in products:
        for place in places:
            goods.receive(product, place, 100)
    drafts = []
    for number in range(CROWD):
        turned = products if number % 4 < 2 else products[::-1]
        origin, destination = places if number % 2 else places[::-1]
        drafts.append(goods.transfer(origin, destination, *((product, 2) for product in turned), is_sent=False))

    def send(number: int) -> object:
        return transfers.send(drafts[number].id, by=BY, at=clock.now())

    def receive(number: int) -> object:
        lines = [Arrival(ids.new(), line.product_id, line.quantity) for line in drafts[number].lines]
        return transfers.receive(drafts[number].id, lines, by=BY, at=clock.now())

    def travel(number: int) -> list[object]:
        return [in_transactions(verb)(number) for verb in (send, receive)]

    outcomes = [one for several in run_at_once(CROWD, travel) for one in several]
    assert summary(outcomes) == {"done": 2 * CROWD}
    assert {on_hand(product, place) for product in products for place in places} == {100}
    assert checks.run() == []


def test_a_count_is_posted_while_its_goods_are_sold() -> None:
    """Three pieces are missing as of the count. Whoever comes first, they are booked away or left open, never sold."""
    product, place = ground.product(), goods.store()
    goods.receive(product.id, place.id, 10)
    count_id = ids.new()

    def begin(_: int) -> object:
        return counts.begin(count_id, location_id=place.id, kind=CountKind.FREE, by=BY, at=clock.now())

    def count(_: int) -> object:
        now = clock.now()
        figure = Figure(id=uuid4(), text=product.gtins[0], quantity=7, counted_at=now)
        return figures.record(count_id, [figure], by=BY, at=now)

    for verb in (begin, count):
        assert summary([in_transactions(verb)(0)]) == {"done": 1}

    def sell_or_post(number: int) -> object:
        now = clock.now()
        if number == CROWD // 2:
            return counts.hand_in(count_id, by=BY, at=now)
        demand = Demand(uuid4(), product.id, place.id, 2)
        [allocation] = allocations.allocate([demand], by=BY, at=now).values()
        allocations.leave([(allocation, 2)], kind=EntryKind.HANDED_OVER, by=BY, at=now)
        return allocation

    outcomes = run_at_once(CROWD, in_transactions(sell_or_post))
    sold = sum(isinstance(one, UUID) for one in outcomes)
    assert all(isinstance(one, UUID | tuple | InsufficientStock) for one in outcomes), summary(outcomes)
    item = CountItem.objects.get(count_id=count_id)
    assert (item.counted, item.expected) == (7, 10)  # as of when it was counted, whatever was sold since
    assert on_hand(product.id, place.id) == 10 - 2 * sold + item.posted
    if item.state == "posted":
        assert item.posted + item.short == -3
    else:  # more was sold by then than the count had seen
        assert (item.state, item.is_impossible, item.posted) == ("review", True, 0)
        assert 10 - 2 * sold < 3
    assert checks.run() == []


@pytest.mark.parametrize("is_one", [False, True])
def test_an_entry_is_corrected_once_however_many_see_that_it_is_wrong(is_one: bool) -> None:
    """Several people correct it, or one correction comes in several times."""
    product, place = ground.product(), goods.store()
    wrong = ids.new()

    def receive(_: int) -> object:
        return movements.receive([Receipt(wrong, product.id, place.id, 5)], by=BY, at=clock.now())

    assert in_transactions(receive)(0) == 1
    goods.receive(product.id, place.id, 50)
    own = [ids.new()] * CROWD if is_one else [ids.new() for _ in range(CROWD)]

    def correct(number: int) -> object:
        return corrections.correct(wrong, id=own[number], reason="typed twice", by=BY, at=clock.now())

    outcomes = run_at_once(CROWD, in_transactions(correct))
    assert summary(outcomes) == ({"done": CROWD} if is_one else {"done": 1, "not_correctable": CROWD - 1})
    assert outcomes.count(True) == 1
    assert on_hand(product.id, place.id) == 50
    assert StockEntry.objects.filter(corrects=wrong).count() == 1
    assert checks.run() == []
