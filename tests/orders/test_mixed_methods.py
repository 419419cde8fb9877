"""One order, several ways: its lines are shipped, fetched and brought, from several places and in several windows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from commerce import clock, quotas
from commerce.channels.contracts import IncomingLine, IncomingOrder
from commerce.errors import CommerceError, InvalidInput
from commerce.models import QuotaHold
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import availability
from inventory.errors import InsufficientStock
from orders import cancellation, picking, pickup, pickup_windows, queries, shipping, totals
from orders.errors import DuplicateReference, TooLateToday, WindowFull
from orders.lifecycle import OrderStatus, State
from orders.models import RoutingDecision
from orders.queries import FulfilmentView, OrderView
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import pricing as prices
from tests.orders.test_orders_api import ORDERS, Api

pytestmark = pytest.mark.django_db

ADDRESS = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
FETCHED_HERE, BROUGHT_OUT, SENT = range(3)


@pytest.fixture
def other(shop) -> make.Shop:
    """A second store with the same goods."""
    place = goods.store(capabilities=["pickup", "curbside", "same_day"])
    for product in shop.products:
        goods.receive(product.id, place.id, 10)
    return make.Shop(shop.channel, place, shop.products, make.clerk(place))


def window(shop: make.Shop, number: int = 0) -> datetime:
    return pickup_windows.windows_between(shop.store, at=clock.now(), days=8)[number][0]


def line(shop: make.Shop, product: int, quantity: int = 1, **way) -> IncomingLine:
    return IncomingLine(product_id=shop.products[product].id, quantity=quantity, **way)


def fetched(shop: make.Shop, product: int, quantity: int = 1, *, number: int = 0, method: str = "pickup"):
    return line(
        shop, product, quantity, method=method, location_id=shop.store.id, window_starts_at=window(shop, number)
    )


def sent(shop: make.Shop, product: int, quantity: int = 1, method: str = "ship") -> IncomingLine:
    return line(shop, product, quantity, method=method)


def incoming(shop: make.Shop, *lines: IncomingLine, **values) -> IncomingOrder:
    order = replace(shop.incoming(), method="", location_id=None, window_starts_at=None, lines=lines, ship_to=ADDRESS)
    return replace(order, **values)


def mixed(shop: make.Shop, other: make.Shop) -> IncomingOrder:
    return incoming(
        shop, fetched(shop, 0, 2), fetched(other, 1, number=1, method="curbside"), sent(shop, 2, 3), sent(shop, 0)
    )


def place(shop: make.Shop, order: IncomingOrder) -> OrderView:
    return shop.place(**{name: getattr(order, name) for name in IncomingOrder.__dataclass_fields__})


def part(view: OrderView, method: str) -> FulfilmentView:
    return next(one for one in view.fulfilments if one.method == method)


def available(shop: make.Shop, product: int) -> int:
    (found,) = [
        one
        for one in availability.figures([shop.products[product].id], at=clock.now())
        if one.location_id == shop.store.id
    ]
    return found.available


def taken(shop: make.Shop, start: datetime) -> int:
    usage = quotas.usage([pickup_windows.key(shop.store, start)], at=clock.now())
    return sum(one.used for one in usage.values())


def goods_of(one: FulfilmentView) -> dict[str, int]:
    return {line.sku: line.quantity for line in one.lines}


def test_each_way_is_a_fulfilment_with_its_place_its_window_and_its_goods(shop, other):
    view = place(shop, mixed(shop, other))
    here, out, parcel = view.fulfilments
    skus = [product.sku for product in shop.products]
    assert [one.method for one in view.fulfilments] == ["pickup", "curbside", "ship"]
    assert [one.location_id for one in view.fulfilments] == [shop.store.id, other.store.id, shop.store.id]
    assert [goods_of(one) for one in view.fulfilments] == [{skus[0]: 2}, {skus[1]: 1}, {skus[0]: 1, skus[2]: 3}]
    assert (here.window_starts_at, out.window_starts_at) == (window(shop), window(other, 1))
    assert parcel.window_starts_at is None
    assert here.pickup_code != out.pickup_code
    assert parcel.pickup_code == ""
    assert {one.product_id: one.quantity for one in view.lines} == {
        shop.products[0].id: 3, shop.products[1].id: 1, shop.products[2].id: 3,
    }  # fmt: skip
    assert view.total_minor == 7 * make.PRICE_MINOR
    assert [available(shop, product) for product in range(3)] == [7, 10, 7]
    assert [available(other, product) for product in range(3)] == [10, 9, 10]
    assert (taken(shop, window(shop)), taken(other, window(other, 1))) == (1, 1)
    assert RoutingDecision.objects.filter(order_id=view.id).count() == 3
    assert replace(queries.order(view.id), pricing={}) == replace(view, pricing={})
    assert not checks.run()


def test_a_window_that_is_full_refuses_all_of_it(shop, other):
    for _ in range(other.store.pickup_slot_capacity):
        other.place({1: 1}, location_id=other.store.id, window_starts_at=window(other, 1), lines=other.lines({2: 1}))
    before = QuotaHold.objects.count()
    with pytest.raises(WindowFull) as refused:
        place(shop, mixed(shop, other))
    assert refused.value.detail["window"] == pickup_windows.window_id(other.store, window(other, 1))
    assert refused.value.detail["alternatives"]
    assert [available(shop, product) for product in range(3)] == [10, 10, 10]
    assert QuotaHold.objects.count() == before


def test_goods_that_lack_for_one_way_refuse_all_of_it(shop, other):
    with pytest.raises(InsufficientStock) as refused:
        place(shop, incoming(shop, fetched(shop, 0, 6), fetched(other, 1), sent(shop, 0, 5)))
    assert [one["sku"] for one in refused.value.detail["lines"]] == [shop.products[0].sku]
    assert (taken(shop, window(shop)), taken(other, window(other))) == (0, 0)
    assert (available(shop, 0), available(other, 1)) == (10, 10)


def test_the_same_order_again_is_the_one_that_stands_and_another_way_is_another_order(shop, other):
    order = mixed(shop, other)
    first = place(shop, order)
    assert place(shop, order).id == first.id
    assert place(shop, replace(order, lines=tuple(reversed(order.lines)))).id == first.id
    for lines in (
        (*order.lines[:3], fetched(shop, 0)),  # fetched instead of sent
        (fetched(shop, 0, 2, number=2), *order.lines[1:]),  # at another time
        (fetched(shop, 0, 1), *order.lines[1:3], sent(shop, 0, 2)),  # as many pieces, otherwise divided
    ):
        with pytest.raises(DuplicateReference) as refused:
            place(shop, replace(order, lines=lines))
        assert [one["field"] for one in refused.value.errors] == ["fulfilment"]


def test_cancelling_frees_every_window_and_all_goods(shop, other):
    view = place(shop, mixed(shop, other))
    with transaction():
        cancellation.cancel_order(view.id, by=ground.TESTER, at=clock.now())
    found = queries.order(view.id)
    assert {one.state for one in found.fulfilments} == {State.CANCELLED}
    assert (found.status, found.total_minor, found.pieces) == (OrderStatus.CANCELLED, 0, 0)
    assert (taken(shop, window(shop)), taken(other, window(other, 1))) == (0, 0)
    assert [available(shop, product) for product in range(3)] == [10, 10, 10]
    assert not checks.run()


def test_each_part_has_a_life_of_its_own(shop, other):
    view = place(shop, mixed(shop, other))
    here, out, parcel = view.fulfilments
    shop.act(pickup.accept, here)
    shop.scan(here, 0)
    shop.act(picking.reject_line, here, here.lines[0].id, 1, "other")
    shop.act(pickup.mark_ready, here)
    shop.act(pickup.hand_over, here, here.pickup_code)
    other.act(pickup.accept, out)
    other.act(picking.reject_line, out, out.lines[0].id, 1, "other")
    found = queries.order(view.id)
    assert [one.state for one in found.fulfilments] == [State.HANDED_OVER, State.REJECTED, State.PLACED]
    assert found.status == OrderStatus.OPEN, "what is least done counts"
    assert found.total_minor == 5 * make.PRICE_MINOR
    assert not found.is_cancellable, "something of it has left"
    shop.act(pickup.accept, parcel)
    for product, pieces in ((0, 1), (2, 3)):
        for _ in range(pieces):
            shop.scan(parcel, product)
    shop.act(pickup.mark_ready, parcel)
    shop.act(shipping.ship, parcel)
    done = queries.order(view.id)
    assert done.status == OrderStatus.COMPLETED
    assert [one.cancelled for one in sorted(done.lines, key=lambda one: one.sku)] == [1, 1, 0]
    assert done.total_minor == sum(
        totals.remaining_minor(one.total_minor, one.quantity, one.cancelled) for one in done.lines
    )
    assert (taken(shop, window(shop)), taken(other, window(other, 1))) == (1, 0)
    assert not checks.run()


def test_kits_go_their_way_as_a_whole(shop, other):
    kit = ground.kit((shop.products[0], 2), (shop.products[1], 1), sku="SET-MIXED", name="Reading corner")
    prices.prices({kit.id: 2990}, price_list=prices.price_list("kits-mixed"))
    shop.products.append(kit)
    view = place(shop, incoming(shop, fetched(shop, 3), sent(shop, 3, 2), sent(shop, 0)))
    here, parcel = view.fulfilments
    assert [(one.sku, one.quantity) for one in here.lines] == [
        (shop.products[0].sku, 2), (shop.products[1].sku, 1),
    ]  # fmt: skip
    assert sorted((one.quantity, one.per_unit) for one in parcel.lines) == [(1, 1), (2, 1), (4, 2)]
    shop.act(pickup.accept, here)
    shop.act(picking.reject_line, here, here.lines[0].id, 1, "other")
    found = queries.order(view.id)
    assert found.fulfilments[0].state == State.REJECTED
    assert found.total_minor == view.total_minor - 2990
    assert not checks.run()


def test_what_a_line_does_not_say_the_order_says(shop, other):
    order = shop.incoming(ship_to=ADDRESS)
    lines = (line(shop, 0), line(shop, 1, method="curbside"), sent(shop, 2))
    view = place(shop, replace(order, lines=lines))
    assert [(one.method, one.window_starts_at) for one in view.fulfilments] == [
        ("pickup", order.window_starts_at), ("curbside", order.window_starts_at), ("ship", None),
    ]  # fmt: skip
    assert taken(shop, order.window_starts_at) == 2


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        (lambda shop, other: [line(shop, 0)], "method"),
        (lambda shop, other: [sent(shop, 0), line(shop, 1, method="drone")], "lines[1].method"),
        (lambda shop, other: [sent(shop, 0), line(shop, 1, method="pickup")], "lines[1].window"),
        (
            lambda shop, other: [fetched(shop, 0), line(shop, 1, method="pickup", location_id=other.store.id)],
            "lines[1].window",
        ),
        (
            lambda shop, other: [sent(shop, 0), line(shop, 1, method="ship", window_starts_at=window(shop))],
            "lines[1].window",
        ),
    ],
)
def test_a_line_that_makes_no_sense_is_named(shop, other, lines, field):
    with pytest.raises(InvalidInput) as refused:
        place(shop, incoming(shop, *lines(shop, other)))
    assert refused.value.errors[0]["field"] == field


def test_what_is_brought_today_leaves_today_or_is_refused(shop, other):
    view = place(shop, incoming(shop, sent(shop, 0, method="same_day")))
    (one,) = view.fulfilments
    assert (one.location_id, one.promised_at) == (other.store.id, make.NOON + timedelta(minutes=30))
    late = datetime(2026, 11, 18, 22, 45, tzinfo=UTC)  # a quarter to midnight in Berlin
    with clock.frozen(late), pytest.raises(TooLateToday) as refused:
        place(shop, incoming(shop, sent(shop, 0, method="same_day")))
    assert refused.value.detail["location"] == other.store.code


def test_one_refusal_of_many_orders_takes_no_neighbour_along(shop, other):
    from tests.orders.test_placing_many import place_many

    orders = [mixed(shop, other), incoming(shop, fetched(shop, 0, 9), sent(shop, 1)), mixed(shop, other)]
    verdicts = place_many(shop, *orders)
    assert [isinstance(one, CommerceError) for one in verdicts] == [False, True, False]
    assert (taken(shop, window(shop)), taken(other, window(other, 1))) == (2, 2)
    assert not checks.run()


# --- over HTTP ------------------------------------------------------------------------------------------------------


@pytest.fixture
def api(client, shop) -> Api:
    return Api(client, shop)


def test_a_channel_mixes_ways_in_one_request(api, shop, other):
    skus = [product.sku for product in shop.products]
    body = api.body(
        ship_to=ADDRESS,
        lines=[
            {"sku": skus[0], "quantity": 1},
            {"sku": skus[1], "quantity": 2, "method": "ship"},
            {
                "sku": skus[2], "quantity": 1, "method": "curbside",
                "window": pickup_windows.window_id(other.store, window(other, 1)),
            },
        ],
    )  # fmt: skip
    answer = api.post(ORDERS, body)
    assert answer.status_code == 201, answer.content
    parts = answer.json()["fulfilments"]
    assert [(one["method"], one["location"]) for one in parts] == [
        ("pickup", shop.store.code), ("ship", shop.store.code), ("curbside", other.store.code),
    ]  # fmt: skip
    assert [one["window"] is not None for one in parts] == [True, False, True]
    again = api.post(ORDERS, body)
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"method": "ship", "location": "X"}, "lines[0].location"),
        ({"window": "nonsense"}, "lines[0].window"),
        ({"method": "drone"}, "lines[0].method"),
        ({"colour": "red"}, "lines[0].colour"),
    ],
)
def test_a_line_of_a_request_that_makes_no_sense_is_named(api, shop, said, field):
    body = api.body(lines=[{"sku": shop.products[0].sku, "quantity": 1} | said])
    answer = api.post(ORDERS, body)
    assert answer.status_code == 400, answer.content
    assert field in [one["field"] for one in answer.json()["errors"]]


def test_a_request_without_any_method_says_so(api):
    answer = api.post(ORDERS, api.body(method=None))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "method")


# --- what people see ------------------------------------------------------------------------------------------------


def test_the_customer_sees_each_part_and_announces_the_one_outside(shop, other):
    view = place(shop, mixed(shop, other))
    out = part(view, "curbside")
    other.act(pickup.accept, out)
    other.scan(out, 1)
    other.act(pickup.mark_ready, out)
    page = Client().get(f"/track/{view.tracking_token}/").content.decode()
    for one in view.fulfilments[:2]:
        assert one.pickup_code in page
        assert one.location.name in page
    assert page.count('class="track-part"') == 3
    answer = Client().post(f"/track/{view.tracking_token}/arrive", {"bay": "7", "part": str(out.id)})
    assert answer.status_code == 302
    assert part(queries.order(view.id), "curbside").state == State.ARRIVED


def test_the_order_page_shows_each_part_with_its_promise(shop, other, signed_in):
    view = place(shop, mixed(shop, other))
    page = signed_in(shop.manager).get(f"/staff/orders/{view.id}/").content.decode()
    assert page.count('id="part-') == 3
    assert other.store.name in page
    assert "€23.80" in page, "each part shows what its own pieces come to"
