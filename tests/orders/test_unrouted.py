"""Shipments that are accepted without a place: promised in all, routed together by a worker, once, with nothing left hanging."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock, ids
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import availability, write_offs
from inventory.errors import InsufficientStock
from inventory.models import UnroutedDemand
from inventory.moving import WriteOffReason
from inventory.replenishment import rules
from inventory.sharing import channel_priorities
from inventory.write_offs import WriteOff
from orders import cancellation, holds, intake_terms, pickup, queries, shipping, tasks, unrouted
from orders.hold_kinds import HoldKind
from orders.intake_terms import Terms
from orders.lifecycle import OrderAction, OrderStatus, State
from orders.models import DeskCase, RoutingDecision, UnroutedPortion
from orders.notices import NoticeChannel
from orders.notifications import catalogue, letters
from orders.paying import PaymentVerb
from orders.payments import following, ledger, requests
from orders.queries import OrderView
from orders.routing import worlds
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import payments as pay
from tests.orders.test_mixed_methods import ADDRESS, fetched, incoming, place, sent
from tests.orders.test_orders_api import ORDERS, Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _agreed(shop):
    with transaction():
        intake_terms.agree(shop.channel.pk, Terms(routes_later=True), by=ground.TESTER)
    worlds.forget()
    yield
    intake_terms.forget()
    worlds.forget()


def ship(shop: make.Shop, quantities: dict[int, int] | None = None, **values: Any) -> OrderView:
    return shop.place(quantities, method="ship", ship_to=ADDRESS, **values)


def in_all(shop: make.Shop, product: int = 0) -> int:
    return availability.left_in_all(shop.products[product].id, channel_id=shop.channel.pk, country="DE", at=clock.now())


def test_it_is_promised_at_once_and_gets_its_place_from_the_worker(shop):
    order = ship(shop, {0: 2, 1: 1})
    assert (order.status, order.fulfilments, len(order.unrouted)) == (OrderStatus.OPEN, (), 1)
    assert queries.order(order.id).unrouted == order.unrouted
    assert in_all(shop) == 8
    assert not checks.run()
    assert tasks.route_accepted() == 1
    found = queries.order(order.id)
    (work,) = found.fulfilments
    assert (work.method, work.state, work.location_id) == ("ship", State.PLACED, shop.store.id)
    assert {line.sku: line.quantity for line in work.lines} == {shop.products[0].sku: 2, shop.products[1].sku: 1}
    assert found.unrouted == ()
    assert (in_all(shop), UnroutedDemand.objects.filter(routed=0).count()) == (8, 0)
    assert RoutingDecision.objects.filter(order_id=order.id).count() == 1
    assert not checks.run()
    assert tasks.route_accepted() == 0, "once"


def test_what_is_promised_in_all_is_nobody_elses(shop):
    ship(shop, {0: 8})
    with pytest.raises(InsufficientStock):
        ship(shop, {0: 3})
    with pytest.raises(InsufficientStock):
        shop.place({0: 3})
    assert ship(shop, {0: 2}).status == OrderStatus.OPEN
    assert tasks.route_accepted() == 2
    assert not checks.run()


def test_a_group_takes_no_more_than_there_is(shop):
    from commerce.errors import CommerceError
    from tests.orders.test_placing_many import place_many

    orders = [shop.incoming({0: 4}, method="ship", ship_to=ADDRESS) for _ in range(4)]
    pickup = shop.incoming({0: 3})
    verdicts = place_many(shop, orders[0], pickup, *orders[1:], orders[1])
    assert [isinstance(one, CommerceError) for one in verdicts] == [False, False, True, True, True, True]
    assert in_all(shop) == 3
    assert not checks.run()


def test_cancelling_before_it_is_routed_leaves_nothing(shop):
    order = ship(shop, {0: 5})
    assert OrderAction.CANCEL in order.allowed_actions
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    found = queries.order(order.id)
    assert (found.status, found.total_minor, found.unrouted, found.allowed_actions) == (
        OrderStatus.CANCELLED,
        0,
        (),
        [],
    )
    assert in_all(shop) == 10
    assert tasks.route_accepted() == 0
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())  # again changes nothing
    assert not checks.run()


def test_express_comes_first(shop):
    usual, express = ship(shop), ship(shop, is_express=True)
    rows = {row.id: row.order_id for row in UnroutedPortion.objects.all()}
    assert [rows[one] for one in unrouted.due(at=clock.now())] == [express.id, usual.id]


def test_one_that_finds_no_place_is_looked_at_again_and_then_stands_on_the_desk(shop):
    other = goods.store(capabilities=["ship"])
    goods.receive(shop.products[0].id, other.id, 3)
    order = ship(shop, {0: 12})  # enough in all, at no place alone, and nobody splits it by the policy at hand
    routed = tasks.route_accepted()
    if routed:  # the policy at hand splits: both places serve it, every unit once
        found = queries.order(order.id)
        assert sum(line.quantity for work in found.fulfilments for line in work.lines) == 12
        assert not checks.run()
        return
    at = clock.now()
    for _look in range(6):
        at += timedelta(hours=1)
        with clock.frozen(at):
            tasks.route_accepted()
    row = UnroutedPortion.objects.get()
    assert (row.refusal, row.attempts >= 4) == ("insufficient_stock", True)
    assert DeskCase.objects.get().kind == unrouted.NO_PLACE
    goods.receive(shop.products[0].id, shop.store.id, 5)
    with clock.frozen(at + timedelta(hours=2)):
        worlds.forget()
        assert tasks.route_accepted() == 1
    assert DeskCase.objects.get().state == "settled"
    assert not checks.run()


def test_an_order_on_hold_waits(shop):
    order = ship(shop)
    with transaction():
        holds.place(order.id, HoldKind.FRAUD, "looked at", by=ground.TESTER, at=clock.now())
    assert tasks.route_accepted() == 0
    assert queries.order(order.id).unrouted


def test_what_has_to_be_decided_now_is(shop):
    assert shop.place().fulfilments
    assert place(shop, incoming(shop, fetched(shop, 0), sent(shop, 1))).unrouted == ()


def test_kits_are_promised_and_routed_in_their_goods(shop):
    from tests.factories import pricing as prices

    kit = ground.kit((shop.products[0], 2), (shop.products[1], 1), sku="SET-LATER", name="Reading corner")
    prices.prices({kit.id: 2990}, price_list=prices.price_list("kits-later"))
    shop.products.append(kit)
    order = ship(shop, {3: 2, 0: 1})
    assert (in_all(shop, 0), in_all(shop, 1)) == (5, 8)
    assert tasks.route_accepted() == 1
    (work,) = queries.order(order.id).fulfilments
    assert sorted((line.quantity, line.per_unit) for line in work.lines) == [(1, 1), (2, 1), (4, 2)]
    assert not checks.run()


def test_a_channel_its_staff_and_its_customer_see_that_it_is_being_routed(shop, client, signed_in):
    api = Api(client, shop)
    answer = api.post(ORDERS, api.body(method="ship", location=None, window=None, ship_to=ADDRESS))
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["fulfilments"], told["unrouted"][0]["method"], told["status"]) == ([], "ship", "open")
    assert api.get(f"{ORDERS}/{told['id']}").json()["unrouted"] == told["unrouted"]
    token = told["tracking_url"].rstrip("/").rpartition("/")[2]
    assert Client().get(f"/track/{token}/").status_code == 200
    number = told["number"].encode()
    assert number in signed_in(shop.manager).get(reverse("orders-staff:orders")).content, "by those who may call it off"
    assert number not in signed_in(shop.clerk).get(reverse("orders-staff:orders")).content
    assert b'id="unrouted-1"' in signed_in(shop.manager).get(f"/staff/orders/{told['id']}/").content


def test_when_goods_are_gone_the_channel_of_the_better_priority_gets_its_place(shop):
    """Both were promised; then goods were lost, and what is left goes by rule to who was accepted last."""
    first = replace(shop, channel=ground.channel())
    with transaction():
        intake_terms.agree(first.channel.pk, Terms(routes_later=True), by=ground.TESTER)
    usual, express = ship(shop, {0: 5}), ship(shop, {0: 2}, is_express=True)
    sooner = ship(first, {0: 3})
    with transaction():
        rules.add_rule(
            name="Who comes first", channel_priorities={first.channel.code: 1}, by=ground.TESTER, at=clock.now()
        )
        lost = WriteOff(ids.new(), shop.products[0].id, shop.store.id, 5, WriteOffReason.DAMAGED)
        write_offs.write_off([lost], by=ground.TESTER, at=clock.now())
    channel_priorities.forget()
    assert tasks.route_accepted() == 2
    assert [len(queries.order(one.id).fulfilments) for one in (sooner, express, usual)] == [1, 1, 0]
    assert in_all(shop) == 0
    assert not checks.run()


def test_who_comes_first_is_looked_at_even_where_more_are_due_than_one_look_takes(shop, monkeypatch):
    monkeypatch.setattr(unrouted, "MOST_AT_ONCE", 1)
    first = replace(shop, channel=ground.channel())
    with transaction():
        intake_terms.agree(first.channel.pk, Terms(routes_later=True), by=ground.TESTER)
        rules.add_rule(
            name="Who comes first", channel_priorities={first.channel.code: 1}, by=ground.TESTER, at=clock.now()
        )
    channel_priorities.forget()
    usual, sooner = ship(shop, {0: 2}), ship(first, {0: 2})
    assert unrouted.route_due(at=clock.now()) == 1
    assert [len(queries.order(one.id).fulfilments) for one in (sooner, usual)] == [1, 0]


def test_goods_of_who_comes_first_stay_theirs_while_they_are_not_looked_at(shop):
    first = replace(shop, channel=ground.channel())
    with transaction():
        intake_terms.agree(first.channel.pk, Terms(routes_later=True), by=ground.TESTER)
        rules.add_rule(
            name="Who comes first", channel_priorities={first.channel.code: 1}, by=ground.TESTER, at=clock.now()
        )
    channel_priorities.forget()
    usual, sooner = ship(shop, {0: 2}), ship(first, {0: 3})
    UnroutedPortion.objects.filter(order_id=sooner.id).update(next_at=clock.now() + timedelta(minutes=10))
    with transaction():
        lost = WriteOff(ids.new(), shop.products[0].id, shop.store.id, 6, WriteOffReason.DAMAGED)
        write_offs.write_off([lost], by=ground.TESTER, at=clock.now())
    assert tasks.route_accepted() == 0, "of four pieces three are somebody's"
    goods.receive(shop.products[0].id, shop.store.id, 1)
    with clock.frozen(clock.now() + unrouted.LOOKS_AGAIN[0]):
        assert tasks.route_accepted() == 1
    assert [len(queries.order(one.id).fulfilments) for one in (usual, sooner)] == [1, 0]


def test_its_customer_is_told_that_it_came_in_before_it_has_a_place(shop):
    order = queries.order(ship(shop).id)
    message = catalogue.get("order.confirmed")
    assert message is not None
    letter = letters.compose(message, order, channel=NoticeChannel.EMAIL, facts={}, reference="1")
    assert "Paket: Übergabe" in str(letter)
    assert order.number in str(letter)


def test_money_held_for_an_order_without_a_place_stays_and_is_taken_when_it_leaves(shop):
    order = ship(shop, {0: 2})
    paid = pay.payment(order.id, order.total_minor, gateway="demo", authorised=order.total_minor)
    for _ in range(2):
        with transaction():
            following.follow(order.id, by=ground.TESTER, at=clock.now())
    assert (requests.open_of(paid.id), ledger.get(paid.id).amounts.capturable) == ([], order.total_minor)
    assert tasks.route_accepted() == 1
    (work,) = queries.order(order.id).fulfilments
    shop.act(pickup.accept, work)
    for _ in range(2):
        shop.scan(work)
    shop.act(pickup.mark_ready, work)
    shop.act(shipping.ship, work)
    with transaction():
        following.follow(order.id, by=ground.TESTER, at=clock.now())
    assert ledger.get(paid.id).amounts.capturing == order.total_minor


def test_a_risky_payment_holds_an_order_that_has_no_place_yet(shop):
    order = ship(shop, {0: 2})
    pay.payment(order.id, order.total_minor, gateway="demo", authorised=order.total_minor, risk="elevated")
    with transaction():
        following.follow(order.id, by=ground.TESTER, at=clock.now())
    assert queries.order(order.id).held_for == [HoldKind.FRAUD]
    assert tasks.route_accepted() == 0, "work stands still until somebody looked"


def test_money_is_let_go_when_an_order_is_cancelled_before_it_had_a_place(shop):
    order = ship(shop, {0: 2})
    paid = pay.payment(order.id, order.total_minor, gateway="demo", authorised=order.total_minor)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    with transaction():
        following.follow(order.id, by=ground.TESTER, at=clock.now())
    assert [one.verb for one in requests.open_of(paid.id)] == [PaymentVerb.VOID]


def test_its_customer_finds_nothing_to_give_back_yet(shop, client):
    order = ship(shop, {0: 1})
    page = client.get(reverse("tracking-return", args=[order.tracking_token]))
    assert page.status_code == 200
