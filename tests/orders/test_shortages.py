"""Short picks: what they do to the books and the order, who serves the pieces instead, and what their customer may choose."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from commerce import clock, relay
from commerce.errors import CommerceError, InvalidInput
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.models import StockLevel
from inventory.stocktaking import lists
from orders import cancellation, errors, picking, pickup, queries, rerouting, shortage_choices, shortages, tasks
from orders.floor import ShortageState
from orders.handlers import FLOOR
from orders.models import Fulfilment, Order, Shortage
from orders.sourcing import policy as policies
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def on_hand(shop: make.Shop, product: int = 0, condition: str = "sellable") -> int:
    """Pieces at the shop's store."""
    rows = StockLevel.objects.filter(
        product_id=shop.products[product].id, location_id=shop.store.id, condition=condition
    )
    return sum(row.on_hand for row in rows)


def reject(shop: make.Shop, order, pieces: int = 1, reason: str = "not_found", line: int = 0, **options):
    work = order.fulfilments[0]
    return shop.act(picking.reject_line, work, work.lines[line].id, pieces, reason, **options)


def follow() -> list[ShortageState]:
    """Let every open shortage take its next step."""
    states = []
    for row in Shortage.objects.order_by("rejected_at"):
        with transaction():
            states.append(rerouting.follow(row.id, by=FLOOR, at=clock.now()))
    return states


def choose(order, choice: str, location: str = "") -> ShortageState:
    row = Shortage.objects.filter(order_id=order.id).latest("rejected_at")
    with transaction():
        return shortage_choices.choose(order.tracking_token, row.id, choice, location=location, at=clock.now())


def another(shop: make.Shop, pieces: int = 10, **values):
    """Another store that has the shop's products."""
    place = goods.store(**values)
    for product in shop.products:
        goods.receive(product.id, place.id, pieces)
    return place


# --- the books --------------------------------------------------------------------------------------------------------


def test_not_found_empties_the_shelf_and_opens_one_count(shop):
    order, again = shop.accepted({0: 2}), shop.accepted({0: 1})
    reject(shop, order, 2)
    assert on_hand(shop) == 1  # what the other order was promised
    assert lists.awaited(shop.store.id, [shop.products[0].id]) == {shop.products[0].id}
    reject(shop, again, 1)
    assert lists.waiting(shop.store.id) == 1, "one count is enough"
    assert checks.run() == []


def test_damaged_pieces_lie_with_the_damaged_goods(shop):
    reject(shop, shop.accepted({0: 2}), 1, "damaged")
    assert (on_hand(shop), on_hand(shop, condition="damaged")) == (9, 1)
    assert lists.waiting(shop.store.id) == 0
    assert checks.run() == []


# --- others at the same shelf -----------------------------------------------------------------------------------------


def test_an_empty_shelf_is_given_up_in_the_other_orders_but_not_under_a_colleagues_hands(shop):
    order, placed, busy = shop.accepted({0: 2}), shop.place({0: 1, 1: 1}), shop.accepted({0: 3})
    only = shop.place({0: 1})
    begun = shop.accepted({0: 2})
    shop.scan(begun.fulfilments[0])
    shop.act(pickup.release, begun.fulfilments[0])
    reject(shop, order, 2, is_shelf_empty=True)
    relay.drain(within=10)
    left = {one.order_id: one for one in Fulfilment.objects.all()}
    assert left[only.id].state == "rejected"
    assert left[placed.id].state == "placed"
    assert queries.order(placed.id).lines[0].cancelled == 1
    assert (left[begun.id].state, queries.order(begun.id).lines[0].cancelled) == ("placed", 1), "what was picked stays"
    assert queries.order(busy.id).lines[0].cancelled == 0
    assert on_hand(shop) == 4, "three under a colleague's hands, one on the pickup shelf"
    assert checks.run() == []


def test_the_next_picker_is_told_until_somebody_has_counted(shop, signed_in):
    order, other = shop.accepted({0: 1}), shop.accepted({0: 1})
    reject(shop, order)
    page = signed_in(shop.clerk).get(f"/staff/pickup/{other.fulfilments[0].id}/pick/").content.decode()
    assert "A colleague found none at" in page
    with clock.frozen(make.NOON + timedelta(days=4)):
        assert shortages.questioned(shop.store.id, [shop.products[0].id], at=clock.now()) == {}


# --- somebody else serves them ----------------------------------------------------------------------------------------


def test_a_parcel_is_served_by_the_next_place_and_costs_the_same(shop):
    order = shop.accepted({0: 2, 1: 1}, method="ship", ship_to=HOME)
    place = another(shop, latitude=52.6)
    reject(shop, order, 2)
    assert queries.order(order.id).total_minor == make.PRICE_MINOR
    relay.drain(within=10)
    now = queries.order(order.id)
    assert (now.total_minor, now.tax_minor) == (order.total_minor, order.tax_minor)
    assert [(one.location_id, one.state) for one in now.fulfilments] == [
        (shop.store.id, "picking"), (place.id, "placed"),
    ]  # fmt: skip
    assert [line.quantity for line in now.fulfilments[1].lines] == [2]
    assert Shortage.objects.get().state == "rerouted"
    assert checks.run() == []


def test_a_whole_parcel_that_nobody_found_comes_alive_again_elsewhere(shop):
    order = shop.accepted({0: 1}, method="ship", ship_to=HOME)
    another(shop)
    reject(shop, order)
    assert queries.order(order.id).status == "rejected"
    relay.drain(within=10)
    assert (queries.order(order.id).status, Order.objects.get().status) == ("open", "open")
    assert queries.order(order.id).total_minor == order.total_minor
    assert checks.run() == []


def test_attempts_are_bounded_and_no_place_is_asked_twice(shop):
    order = shop.accepted({0: 1}, method="ship", ship_to=HOME)
    for _ in range(4):
        another(shop)
    asked = []
    for _ in range(5):
        work = queries.order(order.id).fulfilments[-1]
        if work.state not in ("placed", "accepted"):
            break
        clerk = make.clerk(work.location)
        asked.append(work.location_id)
        if work.state == "placed":
            shop.act(pickup.accept, work, user=clerk)
        shop.act(picking.reject_line, work, work.lines[0].id, 1, "other", user=clerk if len(asked) > 1 else shop.clerk)
        follow()
    assert len(asked) == len(set(asked)) == policies.FIRST.most_attempts
    assert sorted(one.state for one in Shortage.objects.all()) == ["asked", "rerouted", "rerouted"]
    assert queries.order(order.id).total_minor == 0
    assert checks.run() == []


# --- the customer chooses ---------------------------------------------------------------------------------------------


@pytest.fixture
def asked(shop):
    """An order for pickup of which the store found nothing; another store has it."""
    order = shop.accepted({0: 2})
    shop.second = another(shop, code="OTHER", latitude=52.6)
    reject(shop, order, 2)
    assert follow() == [ShortageState.ASKED]
    return order


def test_another_store_hands_it_over_under_a_code_of_its_own(shop, asked):
    assert choose(asked, "elsewhere", "OTHER") is ShortageState.REROUTED
    now = queries.order(asked.id)
    work = now.fulfilments[-1]
    assert (work.location_id, work.method, work.state) == (shop.second.id, "pickup", "placed")
    assert work.pickup_code
    assert work.window_starts_at
    assert now.total_minor == asked.total_minor
    with pytest.raises(errors.ChoiceOver):
        choose(asked, "decline")
    assert checks.run() == []


def test_doing_without_settles_it_and_saying_so_again_changes_nothing(shop, asked):
    assert choose(asked, "decline") is ShortageState.DECLINED
    version = Order.objects.get().version
    assert choose(asked, "decline") is ShortageState.DECLINED
    assert Order.objects.get().version == version
    assert queries.order(asked.id).total_minor == 0


def test_who_waits_gets_it_when_it_comes_and_nobody_waits_for_ever(shop, asked):
    assert choose(asked, "wait") is ShortageState.WAITING
    with clock.frozen(make.NOON + timedelta(hours=1)):
        assert tasks.follow_shortages() == 1
        assert Shortage.objects.get().state == "waiting"
    goods.receive(shop.products[0].id, shop.store.id, 5)
    with clock.frozen(make.NOON + timedelta(hours=2)):
        tasks.follow_shortages()
        assert Shortage.objects.get().state == "rerouted"
        assert queries.order(asked.id).fulfilments[-1].location_id == shop.store.id
    assert checks.run() == []


def test_waiting_and_asking_end(shop, asked):
    other = shop.accepted({1: 1})
    reject(shop, other)
    follow()
    choose(asked, "wait")
    with clock.frozen(make.NOON + timedelta(days=15)):
        tasks.follow_shortages()
    assert {one.state for one in Shortage.objects.all()} == {"ended"}


@pytest.mark.parametrize("choice", ["", "ELSEWHERE", "keep", "\x00"])
def test_a_choice_that_is_none_is_refused(asked, choice):
    with pytest.raises(InvalidInput) as refused:
        choose(asked, choice)
    assert refused.value.errors[0]["field"] == "choice"


def test_nobody_chooses_for_somebody_else(shop, asked):
    other = shop.place({1: 1})
    row = Shortage.objects.get()
    with pytest.raises(errors.OrderNotFound), transaction():
        shortage_choices.choose(other.tracking_token, row.id, "decline", at=clock.now())
    with pytest.raises(errors.OrderNotFound), transaction():
        shortage_choices.choose(asked.tracking_token, uuid4(), "decline", at=clock.now())


def test_a_cancelled_order_is_not_brought_back(shop):
    order = shop.accepted({0: 1, 1: 1}, method="ship", ship_to=HOME)
    another(shop)
    reject(shop, order)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    assert follow() == [ShortageState.ENDED]
    assert queries.order(order.id).total_minor == 0
    assert checks.run() == []


def test_the_page_of_the_order_offers_what_can_be_had(shop, asked):
    page = Client().get(f"/track/{asked.tracking_token}/")
    text = page.content.decode()
    assert "elsewhere:OTHER" in text
    assert 'value="wait"' in text
    assert 'value="decline"' in text
    row = Shortage.objects.get()
    answer = Client().post(f"/track/{asked.tracking_token}/choose/{row.id}", {"choice": "elsewhere:OTHER"})
    assert answer.status_code == 302
    late = Client().post(f"/track/{asked.tracking_token}/choose/{row.id}", {"choice": "wait"})
    assert late.status_code == 409
    assert Client().post(f"/track/{asked.tracking_token}/choose/{row.id}", {"choice": "nonsense"}).status_code == 400


# --- at once ----------------------------------------------------------------------------------------------------------


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_pickers_at_one_empty_shelf_leave_whole_books(noon):
    """Both report the same shelf empty at the same moment, each with the other's order in view."""
    shop = make.shop()
    orders = [shop.place({0: 2}) for _ in range(5)]
    pickers = [make.clerk(shop.store), make.clerk(shop.store)]
    for order, picker in zip(orders, pickers, strict=False):
        shop.act(pickup.accept, order.fulfilments[0], user=picker)
    start, refused = threading.Barrier(2), []

    def report(order, picker):
        try:
            start.wait(10)
            with clock.frozen(make.NOON):
                reject(shop, order, 2, user=picker, is_shelf_empty=True)
        except CommerceError as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=report, args=pair) for pair in zip(orders, pickers, strict=False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert set(refused) <= {"busy"}
    relay.drain(within=20)
    assert checks.run() == []
    assert {one.state for one in Fulfilment.objects.all()} == {"rejected"} or refused
    assert Shortage.objects.count() + 2 * len(refused) >= 5
