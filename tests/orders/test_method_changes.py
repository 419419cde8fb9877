"""Another way to the customer: looked at, then confirmed; goods, windows, days and promise change together or not at all."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.errors import InvalidInput
from commerce.models import Quota
from commerce.operations import checks
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.stock import Capability
from orders import errors, lifecycle, pickup, promise_history, queries
from orders.amendments.wishes import Amendment, MethodChange
from orders.lifecycle import Method, OrderAction, State
from orders.models import RoutingDecision
from orders.queries import OrderView
from orders.routing import nodes, standing, worlds
from orders.sourcing.standing import RestrictionKind
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_amendments import BERLIN, confirm, figure, left, preview
from tests.orders.test_orders_api import Api

pytestmark = pytest.mark.django_db
EVERY = [one.value for one in Capability]


@pytest.fixture(autouse=True)
def _pictures():
    for one in (worlds, standing):
        one.forget()
    yield
    for one in (worlds, standing):
        one.forget()


@pytest.fixture
def shop(db, noon) -> make.Shop:
    return make.shop(capabilities=EVERY, latitude=52.5, longitude=13.4, postal_code="10115", city="Berlin")


@pytest.fixture
def other(shop):
    """A second store, with a few pieces of the first product."""
    place = goods.store(
        capabilities=EVERY, latitude=52.4, longitude=13.1, postal_code="14467", city="Potsdam", name="Potsdam Kanal"
    )
    goods.receive(shop.products[0].id, place.id, 4)
    worlds.forget()
    return place


def way(order: OrderView, method: Method | str, location: str = "", window: Any = None) -> Amendment:
    return Amendment(methods=(MethodChange(order.fulfilments[0].id, str(method), location, window),))


def window(shop: make.Shop, number: int = 2) -> Any:
    from orders import pickup_windows

    return pickup_windows.windows_between(shop.store, at=clock.now(), days=8)[number][0]


def test_a_pickup_becomes_a_parcel_with_the_address_of_the_same_change(shop):
    order = shop.place({0: 2})
    starts_at = order.fulfilments[0].window_starts_at
    before = left(shop, starts_at)
    with pytest.raises(errors.CannotChange, match="no address"):
        preview(order, way(order, Method.SHIP))
    wanted = Amendment(ship_to=BERLIN, methods=way(order, Method.SHIP).methods)
    seen = preview(order, wanted)
    [part] = seen.document["fulfilments"]
    assert (part["method_before"], part["method"]) == ("pickup", "ship")
    assert {"method_changed", "address_changed"} <= set(seen.document["consequences"])
    assert queries.order(order.id) == order, "a preview does nothing"
    after = confirm(order, wanted, seen.basis)
    [part] = after.fulfilments
    assert (part.method, part.state, part.window_starts_at, part.pickup_code) == ("ship", State.PLACED, None, "")
    assert part.deliver_by > part.promised_at > clock.now()
    assert left(shop, starts_at) == before + 1, "its window is free for somebody else"
    assert after.total_minor == order.total_minor
    assert figure(shop).allocated == 2
    assert [one.reason for one in promise_history.of_order(order.id)] == ["moved"]
    assert not checks.run()


def test_a_parcel_becomes_a_pickup_and_a_kerbside_one_and_goes_home_again(shop):
    order = shop.place(method="ship", ship_to=BERLIN)
    starts_at = window(shop)
    before = left(shop, starts_at)
    order = confirm(order, way(order, Method.PICKUP, shop.store.code, starts_at))
    assert (order.fulfilments[0].method, order.fulfilments[0].promised_at) == ("pickup", starts_at)
    assert order.fulfilments[0].pickup_code
    assert left(shop, starts_at) == before - 1
    order = confirm(order, way(order, Method.CURBSIDE, shop.store.code, starts_at))
    assert order.fulfilments[0].method == "curbside"
    assert left(shop, starts_at) == before - 1, "the same place in the same window"
    order = confirm(order, way(order, Method.SAME_DAY))
    assert order.fulfilments[0].promised_at.date() == clock.now().date()
    assert left(shop, starts_at) == before
    assert not checks.run()


def test_it_goes_to_another_store_and_from_there_home(shop, other):
    order = shop.place(method="ship", ship_to=BERLIN)
    came_from = order.fulfilments[0].location_id
    order = confirm(order, way(order, Method.SHIP_TO_STORE, other.code))
    [part] = order.fulfilments
    assert (part.method, part.store_id, part.location_id) == ("ship_to_store", other.id, shop.store.id)
    assert part.deliver_by
    order = confirm(order, way(order, Method.SHIP))
    assert (order.fulfilments[0].method, order.fulfilments[0].store_id) == ("ship", None)
    assert came_from in (shop.store.id, other.id)
    kept = RoutingDecision.objects.filter(order_id=order.id).order_by("decided_at")
    assert kept.count() >= 2, "why it comes from there is kept each time"
    assert not checks.run()


def test_a_pickup_at_another_store_takes_its_goods_from_there(shop, other):
    order = shop.place(method="ship", ship_to=BERLIN)
    order = confirm(
        order, way(order, Method.PICKUP, other.code, window(make.Shop(shop.channel, other, shop.products, shop.clerk)))
    )
    assert order.fulfilments[0].location_id == other.id
    assert figure(shop).allocated == 0
    with pytest.raises(stock_error()):
        big = shop.place({0: 6}, method="ship", ship_to=BERLIN)
        preview(
            big, way(big, Method.PICKUP, other.code, window(make.Shop(shop.channel, other, shop.products, shop.clerk)))
        )
    assert not checks.run()


def stock_error() -> type[Exception]:
    from inventory.errors import InsufficientStock

    return InsufficientStock


@pytest.mark.parametrize(
    ("method", "location", "starts", "error", "said"),
    [
        ("pickup", "", None, errors.CannotChange, "window"),
        ("ship", "", None, errors.CannotChange, "that way already"),
        ("drone", "", None, InvalidInput, "method is one of"),
        ("ship_to_store", "depot", None, errors.LocationNotAble, "hands nothing out"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_way_out(shop, method, location, starts, error, said):
    depot = goods.store(capabilities=["ship"])
    order = shop.place(method="ship", ship_to=BERLIN)
    with pytest.raises(error, match=said):
        preview(order, way(order, method, depot.code if location else "", starts))
    assert queries.order(order.id).version == order.version


def test_what_somebody_picks_keeps_its_way(shop):
    order = shop.accepted()
    with pytest.raises(errors.CannotChange, match="accepted"):
        preview(order, Amendment(ship_to=BERLIN, methods=way(order, Method.SHIP).methods))
    shop.act(pickup.release, order.fulfilments[0])
    confirm(order, Amendment(ship_to=BERLIN, methods=way(order, Method.SHIP).methods))


def test_too_late_today_and_full_days_are_said(shop):
    order = shop.place()
    with transaction():
        nodes.set_node(shop.store.id, orders_per_day=1, by=ground.TESTER)
    worlds.forget()
    shop.place(method="ship", ship_to=BERLIN)
    with pytest.raises((errors.CannotChange, errors.AddressNotServed)):
        preview(order, Amendment(ship_to=BERLIN, methods=way(order, Method.SHIP).methods))
    assert not Quota.objects.filter(held__gt=0).exists()
    assert not checks.run()


# --- the address ------------------------------------------------------------------------------------------------------


def embargo(shop: make.Shop, **values: Any) -> None:
    with transaction():
        nodes.restrict(
            RestrictionKind.EMBARGO, product_id=shop.products[0].id, note="Rückruf", by=ground.TESTER, **values
        )
    standing.forget()
    worlds.forget()


def readdressed() -> Amendment:
    return Amendment(ship_to={**BERLIN, "street": "Weg 2"})


def test_another_address_is_held_against_what_may_be_sent_now(shop, other):
    order = shop.place(method="ship", ship_to=BERLIN)
    place = order.fulfilments[0].location_id
    embargo(shop, location_id=place)
    after = confirm(order, readdressed())
    assert after.fulfilments[0].location_id == ({shop.store.id, other.id} - {place}).pop(), "another place sends it"
    assert not checks.run()


def test_an_address_that_nobody_may_serve_is_refused_with_the_reason(shop, other):
    order = shop.place(method="ship", ship_to=BERLIN)
    embargo(shop, country="DE")
    with pytest.raises(errors.AddressNotServed, match="embargo"):
        preview(order, readdressed())


def test_what_is_being_picked_is_not_taken_elsewhere(shop, other):
    order = shop.place(method="ship", ship_to=BERLIN)
    picks = make.clerk(shop.store, other)
    shop.act(pickup.accept, order.fulfilments[0], user=picks)
    confirm(order, readdressed())
    embargo(shop, location_id=order.fulfilments[0].location_id)
    with pytest.raises(errors.AddressNotServed):
        preview(order, Amendment(ship_to={**BERLIN, "street": "Weg 3"}))


# --- doors ------------------------------------------------------------------------------------------------------------


def test_what_may_be_done_says_so(shop):
    order = shop.place()
    assert {OrderAction.CHANGE_METHOD, OrderAction.MOVE} <= set(order.allowed_actions)
    ready = shop.ready()
    assert OrderAction.CHANGE_METHOD not in ready.allowed_actions
    assert OrderAction.MOVE in ready.allowed_actions
    for state in lifecycle.OPEN:
        for method in Method:
            actions = lifecycle.allowed_actions(state, method)
            reachable = (state, method) not in NOT_REACHED
            assert actions or not reachable, (state, method)


# Where a method never comes to.
NOT_REACHED = {
    (State.ARRIVED, Method.SHIP), (State.ARRIVED, Method.SAME_DAY), (State.NO_SHOW, Method.SHIP), (State.NO_SHOW, Method.SAME_DAY),
}  # fmt: skip


def test_a_channel_previews_and_confirms_it(client: Client, shop):
    api = Api(client, shop)
    order = shop.place()
    url = f"/api/v1/orders/{order.id}/amendments"
    asked = {"methods": [{"fulfilment": str(order.fulfilments[0].id), "method": "ship"}], "ship_to": BERLIN}
    seen = api.post(url, asked)
    assert seen.status_code == 200, seen.content
    done = api.post(url, asked | {"basis": seen.json()["preview"]["basis"]})
    assert done.json()["order"]["fulfilments"][0]["method"] == "ship"
    wrong = api.post(url, {"methods": [{"fulfilment": str(order.fulfilments[0].id), "method": "drone"}]})
    assert wrong.status_code == 400


def test_staff_choose_it_in_the_form(shop, other, signed_in):
    order = shop.place()
    desk: Client = signed_in(make.clerk(shop.store, role=Role.STORE_MANAGER))
    url = reverse("orders-staff:change", args=[order.id])
    page = desk.get(url).content.decode()
    assert f'value="ship_to_store:{other.code}"' in page
    assert 'value="curbside:' in page
    typed = {"way-1": f"ship_to_store:{other.code}", "reason": "customer_asked"}
    seen = desk.post(url, typed | {"step": "preview"})
    assert seen.status_code == 200, seen.content.decode()[:3000]
    basis = seen.content.decode().split('name="basis" value="')[1].split('"')[0]
    assert desk.post(url, typed | {"step": "confirm", "basis": basis}).status_code == 302
    assert queries.order(order.id).fulfilments[0].method == "ship_to_store"
    for nonsense in ("drone", "pickup:x", "pickup:X:9", "ship_to_store:NOWHERE", "x" * 90):
        assert desk.post(url, typed | {"way-1": nonsense, "step": "preview"}).status_code == 422
    with clock.frozen(clock.now() + timedelta(days=9)):
        assert desk.get(url).status_code == 200
