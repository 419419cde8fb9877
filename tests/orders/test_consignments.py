"""Orders of one customer in one parcel: decided, picked and packed together, and undone when one can't come along."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.db import transaction as atomic
from django.urls import reverse

from commerce import clock
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer
from commerce.errors import InvalidInput
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.places import locations
from orders import cancellation, errors, holds, intake_terms, pickup, queries, shipping, tasks
from orders.carriers import dhl_double, directory
from orders.floor import LabelState, Parting
from orders.hold_kinds import HoldKind
from orders.intake_terms import Terms
from orders.models import Consignment, ConsignmentPart, Fulfilment, Order, Parcel, ParcelLine, RoutingDecision
from orders.packing import journeys, labels, lists, parcels
from orders.queries import OrderView
from orders.routing import worlds
from orders.waves import lists as waves
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
WHO = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", channel_customer_id="c-1")


@pytest.fixture(autouse=True)
def _agreed(shop, monkeypatch):
    double = dhl_double.Double()
    monkeypatch.setattr(directory, "double", lambda: double)
    with transaction():
        intake_terms.agree(shop.channel.pk, Terms(routes_later=True), by=ground.TESTER)
        locations.change_location(shop.store.id, street="Hauptstraße 5", by=ground.TESTER)
    worlds.forget()
    yield
    intake_terms.forget()
    worlds.forget()


def ship(shop, quantities=None, *, customer=WHO, ship_to=HOME, **values) -> OrderView:
    return shop.place(quantities, method="ship", ship_to=ship_to, customer=customer, **values)


@pytest.fixture
def pair(shop) -> tuple[OrderView, OrderView]:
    """Two orders of one customer that got their place together."""
    first, second = ship(shop, {0: 2}), ship(shop, {1: 1})
    assert tasks.route_accepted() == 2
    return queries.order(first.id), queries.order(second.id)


def picked(shop, order: OrderView) -> OrderView:
    work = order.fulfilments[0]
    shop.act(pickup.accept, work)
    for line in work.lines:
        position = next(number for number, one in enumerate(shop.products) if one.sku == line.sku)
        for _ in range(line.quantity):
            shop.scan(work, position)
    shop.act(pickup.mark_ready, work)
    return queries.order(order.id)


def work_of(order: OrderView):
    return order.fulfilments[0].id


def act(shop, verb, *args, **options):
    with transaction():
        return verb(*args, user=shop.clerk, by=Actor.staff(shop.clerk), at=clock.now(), **options)


def packed(shop, order: OrderView) -> Parcel:
    act(shop, parcels.pack_rest_of, work_of(order))
    parcel = Parcel.objects.get()
    act(shop, parcels.close, parcel.id, weight_grams=1_500)
    return parcel


def states(*orders: OrderView) -> list[str]:
    return [queries.order(one.id).fulfilments[0].state for one in orders]


# --- decided together -------------------------------------------------------------------------------------------------


def test_orders_of_one_customer_to_one_address_become_one_consignment(shop, pair):
    assert ConsignmentPart.objects.count() == 2
    outcomes = [row.outcome for row in RoutingDecision.objects.order_by("order__number")]
    assert [one["together"][0]["orders"] for one in outcomes] == [[pair[1].number], [pair[0].number]]
    shared = [one["together"][0] for one in outcomes]
    assert sum(one["share_minor"] for one in shared) == shared[0]["cost_minor"] == shared[1]["cost_minor"]
    assert [one["cost_minor"] for one in outcomes] == [one["share_minor"] for one in shared]
    assert checks.run() == []


@pytest.mark.parametrize(
    "other",
    [
        {"customer": replace(WHO, channel_customer_id="c-2", email="otto@example.org")},
        {"ship_to": {**HOME, "street": "Ackerstraße 2"}},
        {"customer": replace(WHO, name="Otto Beispiel")},
        {"ship_to": {"postal_code": "10115", "city": "Berlin", "country": "DE"}},
    ],
    ids=["another customer", "another address", "another name", "no street"],
)
def test_others_travel_alone(shop, other):
    ship(shop)
    ship(shop, **other)
    assert tasks.route_accepted() == 2
    assert Consignment.objects.count() == 0


def test_the_same_address_is_the_same_however_it_is_written(shop):
    ship(shop)
    ship(shop, ship_to={**HOME, "street": "ACKERSTRASSE  1"})
    assert tasks.route_accepted() == 2
    assert ConsignmentPart.objects.count() == 2


def test_the_database_refuses_strangers_in_a_consignment_and_in_a_parcel(shop, pair):
    stranger = ship(shop, customer=replace(WHO, channel_customer_id="c-9", email="x@example.org"))
    assert tasks.route_accepted() == 1
    stranger = picked(shop, queries.order(stranger.id))
    consignment = Consignment.objects.get()
    with pytest.raises(IntegrityError, match="one customer"), atomic.atomic():
        ConsignmentPart.objects.create(consignment=consignment, fulfilment_id=work_of(stranger))
    first = picked(shop, pair[0])
    parcel = packed(shop, first)
    line = Fulfilment.objects.get(pk=work_of(stranger)).lines.get()
    with pytest.raises(IntegrityError, match="own shipment"), atomic.atomic():
        ParcelLine.objects.create(parcel=parcel, line=line, quantity=1)


# --- picked and packed together ---------------------------------------------------------------------------------------


def test_a_wave_takes_both_however_far_apart_their_goods_lie(shop, pair):
    Fulfilment.objects.filter(pk=work_of(pair[1])).update(promised_at=clock.now() + timedelta(days=3))
    assert set(waves.suggest(shop.store.id).fulfilment_ids) == {work_of(one) for one in pair}


def test_one_parcel_one_label_two_slips_and_both_leave(shop, pair, signed_in):
    first, second = picked(shop, pair[0]), picked(shop, pair[1])
    assert [(one.number, len(one.company)) for one in lists.waiting(shop.store.id)] == [(first.number, 1)]
    seen = uuid4()
    scanned = act(shop, parcels.scan_into, work_of(first), seen, shop.products[1].gtins[0])
    assert (scanned.pieces, scanned.sku) == (1, shop.products[1].sku), "the other order's goods"
    parcel = packed(shop, first)
    made = labels.ask(parcel.id, "dhl", user=shop.clerk, by=Actor.staff(shop.clerk))
    assert made.state is LabelState.MADE
    table = lists.station(work_of(second), shop.store.id)
    assert table.may_leave
    assert set(table.parcels[0].slips.values()) == {first.number, second.number}
    slips = [lists.paper(work_of(one), shop.store.id, parcel_number=1) for one in (first, second)]
    assert [[item.sku for item in one.items] for one in slips] == [[shop.products[0].sku], [shop.products[1].sku]]
    assert slips[0].together_with == [second.number]
    browser = signed_in(shop.clerk)
    page = browser.get(reverse("orders-staff:pack", args=[work_of(second)])).content.decode()
    assert first.number in page
    browser.post(reverse("orders-staff:pack-leave", args=[work_of(second)]))
    assert states(first, second) == ["shipped", "shipped"]
    for order, other in ((first, second), (second, first)):
        (told,) = journeys.of_fulfilments([work_of(order)])
        assert (told["tracking_number"], told["orders"]) == (made.tracking_number, [other.number])
    assert checks.run() == []


def test_who_is_not_picked_when_the_others_leave_travels_alone(shop, pair):
    first = picked(shop, pair[0])
    table = lists.station(work_of(first), shop.store.id)
    assert [one.number for one in table.later] == [pair[1].number]
    packed(shop, first)
    shop.act(shipping.ship, work_of(first))
    assert states(*pair) == ["shipped", "placed"]
    assert ConsignmentPart.objects.get(fulfilment_id=work_of(pair[1])).parted_because == Parting.LATE
    second = picked(shop, pair[1])
    assert lists.station(work_of(second), shop.store.id).company == ()
    act(shop, parcels.pack_rest_of, work_of(second))
    box = Parcel.objects.get(fulfilment_id=work_of(second))
    act(shop, parcels.close, box.id, weight_grams=200)
    shop.act(shipping.ship, work_of(second))
    assert checks.run() == []


def test_unpacked_one_leaves_alone(shop, pair):
    first = picked(shop, pair[0])
    picked(shop, pair[1])
    shop.act(shipping.ship, work_of(first))
    assert states(*pair) == ["shipped", "ready"]
    assert ConsignmentPart.objects.get(fulfilment_id=work_of(first)).parted_because == Parting.SENT
    assert checks.run() == []


def _cancel(shop, order):
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())


def _hold(shop, order):
    with transaction():
        holds.place(order.id, HoldKind.FRAUD, by=ground.TESTER, at=clock.now(), reason="odd")


def _readdress(shop, order):
    Order.objects.filter(pk=order.id).update(ship_to={**HOME, "street": "Woanders 9"})


@pytest.mark.parametrize("leaves", [_cancel, _hold, _readdress], ids=["cancelled", "on hold", "sent elsewhere"])
@pytest.mark.parametrize("host", [0, 1], ids=["the one that opened the parcel", "the other one"])
def test_what_can_not_come_along_is_taken_out_first(shop, pair, leaves, host):
    orders = [picked(shop, one) for one in pair]
    parcel = packed(shop, orders[0])
    gone, stays = orders[host], orders[1 - host]
    leaves(shop, gone)
    table = lists.station(work_of(stays), shop.store.id)
    assert (table.has_strange, table.may_leave, table.company) == (True, False, ())
    assert {item.sku for item in table.parcels[0].strange_items} == {line.sku for line in gone.lines}
    with pytest.raises(errors.ParcelsChanged, match=gone.number):
        shop.act(shipping.ship, work_of(stays))
    with pytest.raises(errors.ParcelsChanged):
        labels.ask(parcel.id, "dhl", user=shop.clerk, by=Actor.staff(shop.clerk))
    assert act(shop, parcels.take_out, work_of(stays)) == sum(line.quantity for line in gone.lines)
    parcel.refresh_from_db()
    assert (parcel.fulfilment_id, parcel.closed_at) == (work_of(stays), None)
    act(shop, parcels.close, parcel.id, weight_grams=700)
    shop.act(shipping.ship, work_of(stays))
    assert states(stays) == ["shipped"]
    assert states(gone) == ["cancelled" if leaves is _cancel else "ready"]
    assert checks.run() == []


def test_a_labelled_parcel_is_opened_only_after_its_label_is_cancelled(shop, pair):
    first, second = picked(shop, pair[0]), picked(shop, pair[1])
    parcel = packed(shop, first)
    made = labels.ask(parcel.id, "dhl", user=shop.clerk, by=Actor.staff(shop.clerk))
    _cancel(shop, second)
    with pytest.raises(errors.ParcelsChanged, match="label"):
        act(shop, parcels.take_out, work_of(first))
    assert labels.cancel(made.id, user=shop.clerk, by=Actor.staff(shop.clerk)).state is LabelState.CANCELLED
    assert act(shop, parcels.take_out, work_of(first)) == 1


def test_the_packing_table_may_send_without_one(shop, pair, signed_in):
    first, second = picked(shop, pair[0]), picked(shop, pair[1])
    packed(shop, first)
    browser = signed_in(shop.clerk)
    browser.post(reverse("orders-staff:pack-without", args=[work_of(first)]), {"other": str(work_of(second))})
    table = lists.station(work_of(first), shop.store.id)
    assert (table.company, table.has_strange, table.parcels[0].is_closed) == ((), False, False)
    with pytest.raises(InvalidInput) as refused:
        act(shop, parcels.send_without, work_of(first), work_of(second))
    assert refused.value.errors[0]["field"] == "other"


def test_what_one_order_owes_stays_its_own(shop, pair):
    """Cancelling one after both left is refused for each alone; what is captured and given back goes by order."""
    first, second = picked(shop, pair[0]), picked(shop, pair[1])
    packed(shop, first)
    shop.act(shipping.ship, work_of(second))
    for one in (first, second):
        with pytest.raises(errors.CannotCancel):
            _cancel(shop, one)
    totals = {one.number: queries.order(one.id).total_minor for one in (first, second)}
    assert totals == {first.number: 2 * make.PRICE_MINOR, second.number: make.PRICE_MINOR}


def test_the_books_say_when_a_parcel_holds_what_did_not_leave(shop, pair):
    first = picked(shop, pair[0])
    picked(shop, pair[1])
    packed(shop, first)
    shop.act(shipping.ship, work_of(first))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_parcelline SET quantity = quantity + 1 WHERE line_id IN "
                       "(SELECT id FROM orders_fulfilmentline WHERE fulfilment_id = %s)", [work_of(first)])  # fmt: skip
    assert any("parcel" in str(one) for one in checks.run())
