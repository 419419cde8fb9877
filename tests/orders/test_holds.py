"""Holds: an order stands still for each reason until that is settled; nothing gets past, not even code that forgets to ask."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse

from commerce import clock
from commerce.actors import Actor, ActorKind
from commerce.errors import InvalidInput, NotAllowed
from commerce.models import OutboxMessage
from commerce.operations import checks
from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.places import locations
from orders import cancellation, errors, holds, picking, pickup, queries, shipping, tasks
from orders.lifecycle import MOVES, NOT_WHILE_HELD, STOPPED_BY_HOLD, TERMINAL, Action
from orders.models import Order
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
BERLIN = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def hold(order, kind="fraud", reason="", **options):
    with transaction():
        return holds.place(order.id, kind, reason, by=options.pop("by", ground.TESTER), at=clock.now(), **options)


def release(order, kind="fraud", reason="", **options):
    with transaction():
        return holds.release(order.id, kind, reason, by=options.pop("by", ground.TESTER), at=clock.now(), **options)


def test_a_held_order_stands_still_until_it_is_released(shop):
    order = shop.place({0: 2})
    hold(order, "fraud", "three orders in an hour")
    with pytest.raises(errors.OrderOnHold, match=r"three orders in an hour.*release_risk_holds") as refused:
        shop.act(pickup.accept, order.fulfilments[0])
    assert refused.value.detail["holds"][0]["kind"] == "fraud"
    assert queries.order(order.id).fulfilments[0].allowed_actions == [Action.CANCEL]
    release(order, reason="called the customer")
    shop.act(pickup.accept, order.fulfilments[0])
    told = OutboxMessage.objects.filter(event_type__startswith="order.h").order_by("aggregate_sequence")
    assert [(one.event_type, one.payload["kind"]) for one in told] == [
        ("order.held", "fraud"),
        ("order.hold_released", "fraud"),
    ]


def test_several_holds_stop_it_at_once_and_each_ends_by_itself(shop):
    order = shop.place()
    first = hold(order, "address", "no house number")
    hold(order, "payment")
    assert hold(order, "address", "said again") == first
    assert queries.order(order.id).held_for == ["address", "payment"]
    assert release(order, "payment") == ["address"]
    with pytest.raises(errors.OrderOnHold):
        shop.act(pickup.accept, order.fulfilments[0])
    assert release(order, "address") == []
    with pytest.raises(errors.HoldUnknown):
        release(order, "address")
    shop.act(pickup.accept, order.fulfilments[0])


def test_held_while_it_is_picked_nothing_is_scanned_rejected_or_made_ready(shop):
    order = shop.accepted({0: 2})
    part = order.fulfilments[0]
    shop.scan(part)
    hold(order, "customer_asked")
    for attempt in (
        lambda: shop.scan(part),
        lambda: shop.act(picking.reject_line, part, part.lines[0].id, 1, "other"),
        lambda: shop.act(picking.set_picked, part, part.lines[0].id, 0),
        lambda: shop.act(pickup.mark_ready, part),
    ):
        with pytest.raises(errors.OrderOnHold):
            attempt()
    shop.act(pickup.release, part)  # the clerk is not kept waiting with it
    assert queries.order(order.id).fulfilments[0].state == "placed"
    release(order, "customer_asked")
    shop.act(pickup.accept, part)
    assert queries.order(order.id).fulfilments[0].lines[0].picked == 1


def test_ready_goods_of_a_held_order_are_neither_handed_over_nor_shipped(shop):
    order = shop.ready()
    hold(order, "payment")
    with pytest.raises(errors.OrderOnHold):
        shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    with pytest.raises(errors.OrderOnHold):
        shop.act(pickup.hand_over_checked, order.fulfilments[0], user=shop.manager, reason="identity card")
    parcel = shop.ready(method="ship", ship_to=BERLIN)
    hold(parcel, "address")
    with pytest.raises(errors.OrderOnHold):
        shop.act(shipping.ship, parcel.fulfilments[0])


def test_a_pickup_is_kept_as_much_longer_as_nobody_could_fetch_it(shop):
    order = shop.ready()
    kept = order.fulfilments[0].keep_until
    hold(order, "payment")
    with clock.frozen(kept + timedelta(hours=1)):
        assert tasks.mark_no_shows() == 0
        release(order, "payment")
        assert queries.order(order.id).fulfilments[0].keep_until > clock.now()
        assert tasks.mark_no_shows() == 0


def test_cancelling_ends_the_holds_and_the_books_agree(shop):
    order = shop.place()
    hold(order)
    hold(order, "other", "see the note")
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    assert queries.order(order.id).held_for == []
    assert not [one for one in holds.of_orders([order.id], open_only=False)[order.id] if one.is_open]
    with pytest.raises(errors.CannotHold):
        hold(order, "payment")
    held = shop.place()
    hold(held, "payment")
    assert checks.run() == []
    Order.objects.filter(pk=held.id).update(held_for=[])
    assert [one.what for one in checks.run() if "held for" in one.check] == [f"order {held.number}"]


def test_the_database_refuses_what_forgets_to_ask(shop):
    order = shop.place()
    hold(order)
    for state in sorted(NOT_WHILE_HELD):
        with pytest.raises(errors.OrderOnHold), transaction(), connection.cursor() as cursor:
            cursor.execute("UPDATE orders_fulfilment SET state = %s WHERE order_id = %s", [state.value, str(order.id)])


def test_an_order_on_hold_always_has_a_way_out():
    for (source, action), target in MOVES.items():
        if action not in STOPPED_BY_HOLD:
            assert target not in NOT_WHILE_HELD
        assert source in TERMINAL or any(one is source and way not in STOPPED_BY_HOLD for one, way in MOVES), (
            f"{source} is a dead end while it is held"
        )


@pytest.mark.parametrize(("kind", "reason"), [("because", ""), ("fraud", "x" * 201)])
def test_kinds_are_known_and_reasons_are_short(shop, kind, reason):
    order = shop.place()
    with pytest.raises(InvalidInput):
        hold(order, kind, reason)


def test_another_channels_order_does_not_exist_and_a_channel_releases_only_its_own(shop):
    order = shop.place()
    with pytest.raises(errors.OrderNotFound):
        hold(order, channel_id=ground.channel().pk)
    with transaction(), pytest.raises(errors.OrderNotFound):
        holds.place(uuid4(), "fraud", by=ground.TESTER, at=clock.now())
    hold(order, "fraud")
    with pytest.raises(NotAllowed):
        release(order, "fraud", by=Actor(ActorKind.CHANNEL, shop.channel.code, "Shop"))


# --- doors ----------------------------------------------------------------------------------------------------------


def test_the_api_holds_and_releases_what_the_channel_placed(shop, client):
    order = shop.place()
    headers = ground.key(shop.channel, Scope.ORDERS_READ, Scope.ORDERS_WRITE).headers
    address = f"/api/v1/orders/{order.id}/holds"
    placed = client.post(
        address,
        json.dumps({"kind": "address", "reason": "asks for another one"}),
        content_type="application/json",
        **headers,
    )
    assert placed.status_code == 200, placed.content
    assert placed.json()["held_for"] == ["address"]
    hold(order, "fraud")
    assert client.post(f"{address}/fraud/release", "{}", content_type="application/json", **headers).status_code == 403
    freed = client.post(f"{address}/address/release", "{}", content_type="application/json", **headers).json()
    assert freed["held_for"] == ["fraud"]
    assert client.get(f"/api/v1/orders/{order.id}", **headers).json()["held_for"] == ["fraud"]
    assert [one["released_at"] is None for one in client.get(address, **headers).json()["holds"]] == [False, True]
    wrong = client.post(address, json.dumps({"kind": "mood"}), content_type="application/json", **headers)
    assert wrong.status_code == 400
    assert wrong.json()["errors"][0]["field"] == "kind"


def agent():
    user = ground.user()
    with transaction():
        locations.assign(user, Role.SERVICE_AGENT, None, by=ground.TESTER)
    return user


def test_an_agent_holds_on_screen_and_a_manager_releases_what_is_about_money(shop, signed_in):
    order = shop.place()
    service, manager = signed_in(agent()), signed_in(shop.manager)
    page = reverse("orders-staff:order", args=[order.id])
    done = service.post(
        reverse("orders-staff:hold", args=[order.id]), {"hold-kind": "fraud", "hold-reason": "card of somebody else"}
    )
    assert done["Location"] == page
    text = service.get(page).content.decode()
    assert "card of somebody else" in text
    assert "A store manager releases it" in text
    assert reverse("orders-staff:accept", args=[order.fulfilments[0].id]) not in text
    queue = signed_in(shop.clerk).get(reverse("orders-staff:queue")).content.decode()
    assert "On hold" in queue
    assert reverse("orders-staff:accept", args=[order.fulfilments[0].id]) not in queue
    ending = reverse("orders-staff:release-hold", args=[order.id])
    assert service.post(ending, {"release-kind": "fraud"}).status_code == 403
    assert manager.post(ending, {"release-kind": "fraud", "release-reason": "checked"})["Location"] == page
    assert queries.order(order.id).held_for == []
    assert "Hold released" in manager.get(page).content.decode()


def test_who_may_not_hold_is_refused_and_nothing_typed_is_lost(shop, signed_in):
    order = shop.place()
    address = reverse("orders-staff:hold", args=[order.id])
    assert signed_in(shop.clerk).post(address, {"hold-kind": "other"}).status_code == 403
    missing = signed_in(shop.manager).post(address, {"hold-reason": "wait for the call"})
    assert missing.status_code == 422
    assert "wait for the call" in missing.content.decode()
    elsewhere = make.shop()
    assert signed_in(elsewhere.manager).post(address, {"hold-kind": "other"}).status_code == 404


def test_the_picking_page_and_the_counter_say_why_nothing_goes_on(shop, signed_in):
    picking_one, ready_one = shop.accepted(), shop.ready()
    for order in (picking_one, ready_one):
        hold(order, "payment")
    client = signed_in(shop.clerk)
    picking_page = client.get(reverse("orders-staff:pick", args=[picking_one.fulfilments[0].id])).content.decode()
    counter_page = client.get(reverse("orders-staff:hand-over", args=[ready_one.fulfilments[0].id])).content.decode()
    for text in (picking_page, counter_page):
        assert "On hold: Payment unclear" in text
        assert "until it is released" in text
