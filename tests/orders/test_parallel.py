"""Several people and shops at once: each order changes in one way, and stock is exact."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from commerce import clock
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import transaction
from inventory import availability
from orders import cancellation, pickup, placement, queries
from orders.models import Order
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]


def at_once(*verbs: Callable[[], object]) -> list[str]:
    """Run the verbs in threads of their own, each in a transaction; return "done" or the code of the refusal of each."""
    outcomes = [""] * len(verbs)
    start = threading.Barrier(len(verbs))

    def run(number: int) -> None:
        start.wait()
        try:
            with transaction():
                verbs[number]()
            outcomes[number] = "done"
        except CommerceError as refusal:
            outcomes[number] = refusal.code
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(verbs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def figure(shop: make.Shop):
    return availability.figures([shop.products[0].id], location_ids=[shop.store.id], at=clock.now())[0]


@pytest.fixture
def shop(noon: None) -> make.Shop:
    return make.shop()


def placing(shop: make.Shop, order) -> Callable[[], object]:
    return lambda: placement.place(order, channel=shop.terms, by=ground.TESTER, at=clock.now())


def test_thirty_orders_for_ten_pieces_are_ten_orders(noon):
    shop = make.shop(pickup_slot_capacity=100)
    outcomes = at_once(*[placing(shop, shop.incoming()) for _ in range(30)])
    assert sorted(outcomes) == ["done"] * 10 + ["insufficient_stock"] * 20
    assert (figure(shop).available, Order.objects.count()) == (0, 10)


def test_a_window_for_three_takes_three(noon):
    shop = make.shop(pickup_slot_capacity=3)
    outcomes = at_once(*[placing(shop, shop.incoming()) for _ in range(8)])
    assert sorted(outcomes) == ["done"] * 3 + ["window_full"] * 5
    assert figure(shop).available == 7


def test_orders_with_crossing_products_never_wait_for_each_other_for_ever(noon):
    shop = make.shop(pieces=100, pickup_slot_capacity=100)
    orders = [shop.incoming(wanted) for _ in range(8) for wanted in ({0: 1, 1: 1, 2: 1}, {2: 1, 1: 1, 0: 1})]
    assert at_once(*[placing(shop, order) for order in orders]) == ["done"] * 16


def test_one_reference_at_once_is_one_order(shop):
    order = shop.incoming()
    outcomes = at_once(*[placing(shop, order) for _ in range(6)])
    assert set(outcomes) <= {"done", "request_in_progress"}
    assert "done" in outcomes
    assert (Order.objects.count(), figure(shop).available) == (1, 9)


def test_two_clerks_take_one_order_once(shop):
    order = shop.place()
    clerks = [shop.clerk, make.clerk(shop.store), make.clerk(shop.store)]
    outcomes = at_once(
        *[
            lambda user=user: pickup.accept(order.fulfilments[0].id, user=user, by=Actor.staff(user), at=clock.now())
            for user in clerks
        ]
    )
    assert sorted(outcomes) == ["already_taken", "already_taken", "done"]


def test_cancelled_or_handed_over_but_never_both(shop):
    order = shop.ready()
    work = order.fulfilments[0]
    outcomes = at_once(
        lambda: cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now()),
        lambda: pickup.hand_over(work.id, work.pickup_code, user=shop.clerk, by=shop.by, at=clock.now()),
    )
    after = queries.order(order.id)
    if after.status.value == "cancelled":
        assert outcomes == ["done", "move_not_allowed"]
        assert (figure(shop).on_hand, figure(shop).allocated) == (10, 0)
    else:
        assert outcomes == ["cannot_cancel", "done"]
        assert (figure(shop).on_hand, figure(shop).allocated) == (9, 0)


def test_cancelling_twice_at_once_gives_the_goods_back_once(shop):
    order = shop.place({0: 4})
    verbs = [lambda: cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())] * 4
    assert at_once(*verbs) == ["done"] * 4
    assert (figure(shop).available, figure(shop).allocated) == (10, 0)
