"""Ship to store: picked at one place, sent to another, fetched there; the books are exact whatever becomes of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock, relay
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.models import Allocation, StockLevel
from orders import arrivals, cancellation, errors, holds, pickup, queries, shipping, tasks, to_store
from orders.hold_kinds import HoldKind
from orders.lifecycle import State
from orders.models import Notice, Parcel
from orders.queries import FulfilmentView, OrderView
from orders.routing import worlds
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_options import ask, of
from tests.orders.test_orders_api import ORDERS, Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pictures():
    worlds.forget()
    yield
    worlds.forget()


@pytest.fixture
def store(shop) -> make.Shop:
    """A store without any of the goods, to which they can be sent."""
    place = goods.store(latitude=52.4, longitude=13.1, postal_code="14467", city="Potsdam")
    worlds.forget()
    return make.Shop(shop.channel, place, shop.products, make.clerk(place))


def place(shop: make.Shop, store: make.Shop, quantities: dict[int, int] | None = None, **values: Any) -> OrderView:
    asked = {"method": "ship_to_store", "location_id": store.store.id, "window_starts_at": None, **values}
    return shop.place(quantities, **asked)


def part(order: OrderView) -> FulfilmentView:
    return queries.order(order.id).fulfilments[0]


def sent(shop: make.Shop, order: OrderView, quantities: dict[int, int] | None = None) -> FulfilmentView:
    shop.act(pickup.accept, order.fulfilments[0])
    for position, quantity in (quantities or {0: 1}).items():
        for _ in range(quantity):
            shop.scan(order.fulfilments[0], position)
    shop.act(to_store.send, order.fulfilments[0])
    return part(order)


def waits(shop: make.Shop, store: make.Shop) -> OrderView:
    order = place(shop, store)
    store.act(arrivals.receive, sent(shop, order))
    return queries.order(order.id)


def on_hand(shop: make.Shop, product: int = 0) -> int:
    row = StockLevel.objects.filter(
        product_id=shop.products[product].id, location_id=shop.store.id, condition="sellable"
    ).first()
    return row.on_hand - row.allocated if row else 0


def test_it_is_offered_with_its_day_and_ordered_for_it(client, shop, store):
    api = Api(client, shop)
    [offered] = [
        one for one in ask(api, methods=["ship_to_store"])["options"] if one["locations"][0]["code"] == store.store.code
    ]
    body = api.body(method="ship_to_store", location=store.store.code, window=None)
    placed = api.post(ORDERS, body | {"lines": [{"sku": shop.products[0].sku, "quantity": 1}]}).json()["fulfilments"][0]
    assert placed["deliver_by"] == offered["ready_by"]
    assert (placed["location"], placed["store"]) == (shop.store.code, store.store.code)
    assert offered["cost_minor"] >= 0


def test_goods_are_picked_here_travel_and_are_fetched_there(client, shop, store):
    order = place(shop, store, {0: 2})
    assert order.fulfilments[0].allowed_actions == ["accept", "cancel"]
    assert (on_hand(shop), on_hand(store)) == (8, 0)
    under_way = sent(shop, order, {0: 2})
    assert (under_way.state, under_way.location_id) == (State.UNDER_WAY, store.store.id)
    assert under_way.allowed_actions == ["receive", "lose", "cancel"]
    with pytest.raises(errors.MoveNotAllowed):
        store.act(pickup.hand_over_checked, under_way, user=store.manager, reason="Ausweis gesehen")
    page = client.get(reverse("tracking", args=[order.tracking_token])).content.decode()
    assert store.store.name in page
    store.act(arrivals.receive, under_way)
    ready = part(order)
    assert ready.pickup_code
    assert ready.keep_until == clock.now() + timedelta(days=store.store.pickup_keep_days)
    with pytest.raises(errors.MoveNotAllowed):
        arrive(ready)
    relay.drain(within=20)
    assert Notice.objects.filter(order_id=order.id, code="pickup.ready").exists()
    assert store.act(pickup.hand_over, ready, ready.pickup_code).is_done
    assert queries.order(order.id).status == "completed"
    assert (on_hand(shop), on_hand(store)) == (8, 0)
    assert not checks.run()


def arrive(view: FulfilmentView) -> None:
    with transaction():
        pickup.arrive(view.id, by=ground.TESTER, at=clock.now())


def test_what_nobody_fetches_is_on_sale_at_the_store(shop, store):
    order = waits(shop, store)
    with clock.frozen(part(order).keep_until + timedelta(minutes=1)):
        assert tasks.mark_no_shows() == 1
        assert part(order).state == State.NO_SHOW
        store.act(pickup.return_to_stock, part(order))
    assert queries.order(order.id).total_minor == 0
    assert (on_hand(shop), on_hand(store)) == (9, 1)
    assert not checks.run()


@pytest.mark.parametrize("how_far", ["placed", "picked", "under_way", "waiting"])
def test_a_cancelled_one_comes_back_where_it_is(shop, store, how_far):
    order = place(shop, store)
    if how_far == "picked":
        shop.act(pickup.accept, order.fulfilments[0])
        shop.scan(order.fulfilments[0], 0)
    if how_far in ("under_way", "waiting"):
        under_way = sent(shop, order)
        if how_far == "waiting":
            store.act(arrivals.receive, under_way)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    left = part(order)
    if how_far in ("under_way", "waiting"):
        assert left.is_on_shelf, "somebody at the store takes it in"
        assert (on_hand(shop), on_hand(store)) == (9, 0)
        if how_far == "under_way":
            with pytest.raises(errors.MoveNotAllowed):  # nobody puts back what is still on the way
                store.act(pickup.put_back, left)
            with transaction():
                [parcel] = Parcel.objects.all()
                arrivals.arrive(parcel.id, user=store.clerk, by=store.by, at=clock.now())
        store.act(pickup.put_back, left)
        assert (on_hand(shop), on_hand(store)) == (9, 1)
    else:
        if left.is_on_shelf:
            shop.act(pickup.put_back, left)
        assert (on_hand(shop), on_hand(store)) == (10, 0)
    assert queries.order(order.id).total_minor == 0
    assert not [one for one in Allocation.objects.all() if one.quantity > one.shipped + one.released]
    assert not checks.run()


def test_it_goes_no_other_way(shop, store):
    order = place(shop, store, {0: 2})
    shop.act(pickup.accept, order.fulfilments[0])
    shop.scan(order.fulfilments[0], 0)
    with pytest.raises(errors.LinesStillOpen):
        shop.act(to_store.send, order.fulfilments[0])
    shop.scan(order.fulfilments[0], 0)
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(pickup.mark_ready, order.fulfilments[0])
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(shipping.ship, order.fulfilments[0])
    with transaction():
        holds.place(order.id, HoldKind.OTHER, "Rückfrage", by=shop.by, at=clock.now())
    with pytest.raises(errors.OrderOnHold):
        shop.act(to_store.send, order.fulfilments[0])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"location": None}, "location"),
        ({"window": "AT"}, "window"),
    ],
)
def test_an_order_that_names_no_store_or_a_window_is_refused(client, shop, store, values, field):
    api = Api(client, shop)
    body = api.body(method="ship_to_store", window=None, location=store.store.code)
    said = {name: value for name, value in (body | values).items() if value is not None}
    if "window" in said:
        said["window"] = f"{store.store.code}:2026-11-19T10:00:00Z"
    answer = api.post(ORDERS, said)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)


def test_a_store_that_hands_nothing_out_is_refused(client, shop):
    depot = goods.store(capabilities=["ship"])
    api = Api(client, shop)
    answer = api.post(ORDERS, api.body(method="ship_to_store", window=None, location=depot.code))
    assert (answer.status_code, answer.json()["code"]) == (409, "location_not_able")


def test_the_store_alone_has_it(client, shop):
    """Goods that lie only where they are wanted are no shipment: they are a pickup."""
    api = Api(client, shop)
    assert of(ask(api, methods=["pickup"]), "pickup")
    [refused] = ask(api, methods=["ship_to_store"])["not_offered"]
    assert refused["method"] == "ship_to_store"


def test_both_stores_see_it_when_it_is_their_turn(shop, store, signed_in):
    order = place(shop, store)
    here: Client = signed_in(shop.clerk)
    assert order.number in here.get(reverse("orders-staff:queue")).content.decode()
    shop.act(pickup.accept, order.fulfilments[0])
    shop.scan(order.fulfilments[0], 0)
    page = here.get(reverse("orders-staff:pick", args=[order.fulfilments[0].id])).content.decode()
    assert reverse("orders-staff:send-to-store", args=[order.fulfilments[0].id]) in page
    answer = here.post(reverse("orders-staff:send-to-store", args=[order.fulfilments[0].id]))
    assert answer.status_code == 302
    here.get(reverse("orders-staff:queue"))  # says once that it is on its way
    assert order.number not in here.get(reverse("orders-staff:queue")).content.decode()
    there: Client = signed_in(store.clerk)
    receive = reverse("orders-staff:receive", args=[order.fulfilments[0].id])
    arrivals_page = reverse("orders-staff:arrivals")
    assert f'href="{arrivals_page}"' in there.get(reverse("orders-staff:queue")).content.decode()
    assert receive in there.get(arrivals_page).content.decode()
    assert there.post(receive).status_code == 302
    assert part(order).state == State.READY
