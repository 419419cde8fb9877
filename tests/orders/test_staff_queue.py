"""The queue of a busy store: the number of queries and the size of the page stay the same however many orders are open."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commerce import clock
from commerce.actors import Actor
from commerce.transactions import transaction
from orders import placement
from orders.waves import lists, rounds
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
MANY = 400


def place(shop: make.Shop, many: int) -> None:
    wishes = [placement.Wish(shop.incoming({0: 1, 1: 1}), shop.terms, Actor.system("test")) for _ in range(many)]
    with transaction():
        placement.place_many(wishes, at=clock.now())


def test_the_queue_costs_the_same_with_hundreds_of_orders(noon, signed_in):
    shop = make.shop(pieces=0, pickup_slot_capacity=10_000)
    for product in shop.products:
        goods.receive(product.id, shop.store.id, 2 * MANY)
    place(shop, 30)
    browser = signed_in(shop.clerk)
    costs, sizes = [], []
    for more in (0, MANY):
        place(shop, more) if more else None
        browser.get(reverse("orders-staff:queue"))
        with CaptureQueriesContext(
            connection,
        ) as seen:
            page = browser.get(reverse("orders-staff:queue"))
        costs.append(len(seen))
        sizes.append(len(page.content))
    assert costs[1] <= costs[0] <= 16
    assert sizes[1] < sizes[0] * 1.2
    with CaptureQueriesContext(connection) as seen:
        suggestion = lists.suggest(shop.store.id)
    assert len(seen) <= 4
    with transaction():
        rounds.begin(uuid4(), shop.store.id, suggestion.fulfilment_ids, user=shop.clerk, by=shop.by, at=clock.now())
    with CaptureQueriesContext(connection) as seen:
        browser.get(reverse("orders-staff:waves"))
    assert len(seen) <= 20
