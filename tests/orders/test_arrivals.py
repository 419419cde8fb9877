"""Parcels to a store: packed and labelled at one place, taken in by scan at the other; partly here, lost, called off, found."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import zxingcpp
from django.test import Client
from django.urls import reverse

from commerce import clock, relay
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotAllowed
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.models import StockEntry
from inventory.places import locations
from orders import (
    arrivals,
    cancellation,
    errors,
    holds,
    picking,
    pickup,
    pickup_watch,
    promise_history,
    promise_watch,
    queries,
    shipping,
    shortages,
    to_store,
)
from orders.arrivals import Came
from orders.carriers.port import Scan, Stage
from orders.floor import LabelState, RejectReason, ShortageState
from orders.hold_kinds import HoldKind
from orders.lifecycle import State
from orders.models import DeskCase, Notice, Parcel
from orders.packing import coming, journeys, labels, lists, papers, parcels
from orders.queries import OrderView
from orders.routing import worlds
from orders.sourcing.policy import BALANCED
from orders.waves import rounds
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import pricing as prices
from tests.orders.test_packing import HOME, squares
from tests.orders.test_routing_policies import live
from tests.orders.test_to_store import on_hand, part, place

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pictures():
    worlds.forget()
    yield
    worlds.forget()


@pytest.fixture
def shop(shop) -> make.Shop:
    """A store with an address, as carriers want it."""
    with transaction():
        locations.change_location(
            shop.store.id, street="Hauptstraße 5", postal_code="10115", city="Berlin", by=ground.TESTER
        )
    return shop


@pytest.fixture
def store(shop) -> make.Shop:
    """A store without any of the goods, to which they can be sent."""
    there = goods.store(
        latitude=52.4, longitude=13.1, street="Am Kanal 1", postal_code="14467", city="Potsdam", name="Potsdam Kanal"
    )
    worlds.forget()
    return make.Shop(shop.channel, there, shop.products, make.clerk(there))


def act(shop: make.Shop, verb, *args, **options):
    with transaction():
        return verb(*args, user=shop.clerk, by=Actor.staff(shop.clerk), at=clock.now(), **options)


def picked(shop: make.Shop, store: make.Shop, quantities: dict[int, int]) -> OrderView:
    order = place(shop, store, quantities)
    shop.act(pickup.accept, order.fulfilments[0])
    for position, quantity in quantities.items():
        for _ in range(quantity):
            shop.scan(order.fulfilments[0], position)
    shop.act(to_store.finish, order.fulfilments[0])
    return queries.order(order.id)


def packed(shop: make.Shop, order: OrderView, *, split: bool) -> list[Parcel]:
    """Everything in closed parcels: one piece of the first product in the first one, the rest in a second."""
    work = order.fulfilments[0].id
    if split:
        act(shop, parcels.scan_into, work, uuid4(), shop.products[0].gtins[0])
        act(shop, parcels.close, Parcel.objects.get(fulfilment_id=work).id, weight_grams=700)
    act(shop, parcels.pack_rest_of, work)
    act(shop, parcels.close, Parcel.objects.get(fulfilment_id=work, closed_at__isnull=True).id, weight_grams=400)
    return list(Parcel.objects.filter(fulfilment_id=work).order_by("number"))


def sent(shop: make.Shop, store: make.Shop, quantities: dict[int, int] | None = None) -> tuple[OrderView, list[Parcel]]:
    """An order on its way in two parcels: the first holds one piece of the first product."""
    order = picked(shop, store, quantities or {0: 2})
    rows = packed(shop, order, split=True)
    shop.act(to_store.send, order.fulfilments[0])
    return queries.order(order.id), rows


def scan(store: make.Shop, parcel: Parcel) -> arrivals.Arrived:
    return act(store, arrivals.scan, store.store.id, parcel.code)


def booked(shop: make.Shop, kind: str) -> int:
    rows = StockEntry.objects.filter(kind=kind, level__location_id=shop.store.id)
    return sum(row.on_hand_delta for row in rows)


# --- packed here, taken in there ---------------------------------------------------------------------------------------


def test_it_is_packed_labelled_and_taken_in_parcel_by_parcel(shop, store):
    order = picked(shop, store, {0: 2, 1: 1})
    assert order.fulfilments[0].allowed_actions == ["send_to_store", "cancel"]
    assert order.status == "in_progress"
    [waiting] = lists.waiting(shop.store.id)
    assert (waiting.store, waiting.pieces) == (store.store.name, 3)
    with pytest.raises(errors.ParcelsChanged):  # packed in part, it does not leave
        act(shop, parcels.scan_into, order.fulfilments[0].id, uuid4(), shop.products[0].gtins[0])
        shop.act(to_store.send, order.fulfilments[0])
    first, second = packed(shop, order, split=True)
    made = labels.ask(second.id, "dhl", user=shop.clerk, by=shop.by)
    assert made.state is LabelState.MADE
    found = lists.station(order.fulfilments[0].id, shop.store.id)
    assert found.address[0] == store.store.name
    assert found.may_leave, "the van takes what has no carrier's label"
    shop.act(to_store.send, order.fulfilments[0])
    [expected] = coming.to(store.store.id, at=clock.now())
    assert (expected.origin, expected.here, expected.coming) == (shop.store.name, 0, 2)
    assert [one.number for one in coming.sent_from(shop.store.id, at=clock.now())] == [order.number]
    came = scan(store, first)
    assert (came.outcome, came.here, came.parcels) == (Came.PARTLY, 1, 2)
    assert scan(store, first).outcome is Came.AGAIN
    assert part(order).state == State.UNDER_WAY
    assert act(store, arrivals.scan, store.store.id, made.tracking_number).outcome is Came.READY
    assert part(order).state == State.READY
    assert not coming.to(store.store.id, at=clock.now())
    assert store.act(pickup.hand_over, part(order), part(order).pickup_code).is_done
    assert (on_hand(shop), on_hand(store)) == (8, 0)
    assert not checks.run()


def test_its_label_can_be_read_by_a_scanner(shop, store):
    order = picked(shop, store, {0: 1})
    [parcel] = packed(shop, order, split=False)
    paper = lists.paper(order.fulfilments[0].id, shop.store.id, parcel_number=1)
    assert (paper.store.name, paper.code) == (store.store.name, parcel.code)
    document = papers.transfer_label(paper)
    assert document.startswith(b"%PDF")
    assert zxingcpp.read_barcode(squares(document)).text == parcel.code
    assert re.fullmatch(r"K-\d+-[0-9A-F]{6}-1", parcel.code)


def test_what_nobody_packed_travels_in_one_parcel(shop, store):
    order = place(shop, store, {0: 2})
    shop.act(pickup.accept, order.fulfilments[0])
    for _ in range(2):
        shop.scan(order.fulfilments[0])
    shop.act(to_store.send, order.fulfilments[0])
    parcel = Parcel.objects.get()
    assert parcel.left_at
    assert parcel.weight_grams >= 1
    assert scan(store, parcel).outcome is Came.READY
    assert not checks.run()


def test_a_wave_leaves_it_to_the_packing_table(shop, store):
    order = place(shop, store)
    begun = act(shop, rounds.begin, uuid4(), shop.store.id, [order.fulfilments[0].id])
    assert begun.wave.way_out == "store"
    shop.scan(order.fulfilments[0])
    assert act(shop, rounds.finish, begun.wave.id) == {"ready": 1, "back": 0}
    assert part(order).state == State.PICKED


def test_several_places_send_what_one_does_not_have(shop, store):
    live(BALANCED)
    other = goods.store(latitude=52.5, longitude=13.3, postal_code="10585", city="Berlin")
    only_there = ground.product()
    goods.receive(only_there.id, other.id, 5)
    prices.prices({only_there.id: 990}, price_list=prices.price_list("elsewhere"))
    worlds.forget()
    shop.products.append(only_there)
    order = place(shop, store, {0: 2, 3: 1})  # worth splitting
    assert {one.location_id for one in order.fulfilments} == {shop.store.id, other.id}
    assert {one.store_id for one in order.fulfilments} == {store.store.id}
    assert len({one.deliver_by for one in order.fulfilments}) >= 1
    assert not checks.run()


# --- partly here, held, called off ------------------------------------------------------------------------------------


def test_the_customer_may_have_what_is_here_and_the_rest_follows(shop, store):
    order, (first, second) = sent(shop, store, {0: 2, 1: 1})
    with pytest.raises(errors.MoveNotAllowed):
        store.act(arrivals.give_out, order.fulfilments[0])
    scan(store, first)
    store.act(arrivals.give_out, order.fulfilments[0])
    ready, rest = sorted(queries.order(order.id).fulfilments, key=lambda one: one.state)
    assert (ready.state, rest.state) == (State.READY, State.UNDER_WAY)
    assert sum(line.quantity for line in ready.lines) == 1
    assert sum(line.quantity for line in rest.lines) == 2
    assert not checks.run()
    assert store.act(pickup.hand_over, ready, ready.pickup_code).is_done
    assert scan(store, second).outcome is Came.READY
    rest = next(one for one in queries.order(order.id).fulfilments if one.id == rest.id)
    assert store.act(pickup.hand_over, rest, rest.pickup_code).is_done
    assert queries.order(order.id).status == "completed"
    assert not checks.run()


def test_a_parcel_of_an_order_on_hold_is_taken_in_and_waits(shop, store):
    order, (first, second) = sent(shop, store)
    with transaction():
        holds.place(order.id, HoldKind.OTHER, "Rückfrage", by=shop.by, at=clock.now())
    scan(store, first)
    assert scan(store, second).outcome is Came.WAITS
    with pytest.raises(errors.OrderOnHold):
        store.act(arrivals.receive, order.fulfilments[0])
    with transaction():
        holds.release(order.id, HoldKind.OTHER, by=shop.by, at=clock.now())
    store.act(arrivals.receive, order.fulfilments[0])
    assert part(order).state == State.READY


def test_what_is_called_off_on_the_way_goes_on_the_shelf_when_all_of_it_is_here(shop, store):
    order, (first, second) = sent(shop, store)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    with pytest.raises(errors.MoveNotAllowed, match="2 parcels"):
        store.act(pickup.put_back, order.fulfilments[0])
    assert scan(store, first).outcome is Came.PARTLY
    assert lose(store, second).outcome is Came.PUT_BACK
    store.act(pickup.put_back, order.fulfilments[0])
    assert (on_hand(shop), on_hand(store)) == (8, 1)
    assert booked(store, "adjusted") == -1
    assert not checks.run()


def test_what_does_not_come_on_its_day_is_promised_anew_because_of_its_carrier(shop, store):
    order, _parcels = sent(shop, store)
    told = part(order).promised_at
    with clock.frozen(told + timedelta(hours=3)):
        [late] = promise_watch.due(at=clock.now(), at_most=9)
        with transaction():
            assert promise_watch.revise(late, by=ground.TESTER, at=clock.now())
        assert part(order).promised_at > clock.now()
        [revision] = promise_history.of_order(order.id)
        assert (revision.before, revision.reason) == (told, "carrier")
        relay.drain(within=20)
        assert Notice.objects.filter(order_id=order.id, code="promise.revised").exists()
        page = Client().get(reverse("tracking", args=[order.tracking_token])).content.decode()
        assert "the carrier needs longer" in page or "Paketdienst" in page
        with transaction():
            pickup_watch.look(by=ground.TESTER, at=clock.now())
        assert DeskCase.objects.filter(kind="pickup.late", order_id=order.id).exists(), "and somebody looks for it"


def test_parcels_that_come_on_different_days_are_shown_as_they_are(shop):
    order = shop.ready({0: 2}, method="ship", ship_to=HOME)
    first, second = packed(shop, order, split=True)
    for row in (first, second):
        assert labels.ask(row.id, "dhl", user=shop.clerk, by=shop.by).state is LabelState.MADE
    shop.act(shipping.ship, order.fulfilments[0])
    url = reverse("tracking", args=[order.tracking_token])
    with transaction():
        journeys.note(first, [Scan(Stage.DELIVERED, "Zugestellt", "Berlin", clock.now())], at=clock.now())
    page = Client().get(url).content.decode()
    assert "1 of 2 parcels delivered" in page or "1 von 2 Paketen zugestellt" in page
    with clock.frozen(clock.now() + timedelta(days=20)):
        page = Client().get(url).content.decode()
        assert page.count("is late. We are sorry") + page.count("kommt später") == 1, "only the one that is not there"


# --- lost and found ---------------------------------------------------------------------------------------------------


def lose(store: make.Shop, parcel: Parcel, reason: str = "Nachforschung ohne Ergebnis") -> arrivals.Arrived:
    return act(store, arrivals.lose, parcel.id, reason=reason)


def test_a_lost_parcel_is_written_off_and_sent_anew_from_elsewhere(shop, store):
    order, (first, second) = sent(shop, store)
    with pytest.raises(InvalidInput):
        lose(store, first, reason=" ")
    scan(store, second)
    assert lose(store, first).outcome is Came.READY
    assert part(order).state == State.READY
    assert queries.order(order.id).total_minor == make.PRICE_MINOR
    assert (booked(store, "returned"), booked(store, "adjusted")) == (1, -1)
    assert not checks.run()
    relay.drain(within=20)  # the place that sent it has more
    again = queries.order(order.id)
    assert again.total_minor == 2 * make.PRICE_MINOR
    new = next(one for one in again.fulfilments if one.state == State.PLACED)
    assert (new.method, new.location_id, new.store_id) == ("ship_to_store", shop.store.id, store.store.id)
    assert new.deliver_by > clock.now()
    assert not checks.run()


def test_when_nobody_has_it_any_more_the_customer_is_asked(shop, store):
    order, (first, second) = sent(shop, store, {0: 10})
    scan(store, second)
    lose(store, first)
    relay.drain(within=20)
    [shortage] = shortages.of_order(order.id)
    assert (shortage.state, shortage.reason) == (ShortageState.ASKED, RejectReason.LOST)
    assert Notice.objects.filter(order_id=order.id, code="pieces.asked").exists()
    page = Client().get(reverse("tracking", args=[order.tracking_token])).content.decode()
    assert reverse("tracking-choose", args=[order.tracking_token, shortage.id]) in page
    assert not checks.run()


def test_all_of_it_lost_ends_the_part(shop, store):
    order, rows = sent(shop, store)
    for row in rows:
        lose(store, row)
    assert part(order).state == State.REJECTED
    assert queries.order(order.id).total_minor == 0
    assert booked(store, "adjusted") == -2
    assert not checks.run()


def test_what_was_given_up_and_comes_after_all_is_on_sale(shop, store):
    _order, (first, second) = sent(shop, store)
    lose(store, first)
    assert scan(store, first).outcome is Came.FOUND
    assert scan(store, first).outcome is Came.AGAIN
    assert on_hand(store) == 1
    assert scan(store, second).outcome is Came.READY
    assert not checks.run()


def test_a_set_is_lost_as_a_whole(shop, store):
    kit = ground.kit((shop.products[0], 1), (shop.products[1], 1))
    prices.prices({kit.id: 2000}, price_list=prices.price_list("sets"))
    shop.products.append(kit)
    order = place(shop, store, {3: 2})
    work = order.fulfilments[0]
    shop.act(pickup.accept, work)
    for position in (0, 0, 1, 1):
        shop.scan(work, position)
    shop.act(to_store.finish, work)
    first, second = packed(shop, queries.order(order.id), split=True)  # one piece of a set in a parcel of its own
    shop.act(to_store.send, work)
    with pytest.raises(errors.MoveNotAllowed, match="set"):
        lose(store, first)
    scan(store, second)
    with pytest.raises(errors.MoveNotAllowed, match="set"):
        store.act(arrivals.give_out, work)
    assert lose(store, first).outcome is Came.READY
    assert queries.order(order.id).total_minor == 2000
    assert on_hand(store, 1) == 1, "the other piece of the lost set"
    assert not checks.run()


# --- who may, and what they see ----------------------------------------------------------------------------------------


def test_only_its_store_takes_it_in(shop, store):
    order, (first, _second) = sent(shop, store)
    with pytest.raises(errors.FulfilmentNotFound):
        act(shop, arrivals.scan, shop.store.id, first.code)
    with pytest.raises(errors.FulfilmentNotFound, match="another store"):
        act(store, arrivals.scan, store.store.id, "K-1-ABCDEF-1")
    with pytest.raises(NotAllowed):
        act(shop, arrivals.arrive, first.id)
    with pytest.raises(InvalidInput):
        act(store, arrivals.scan, store.store.id, "x" * 81)
    assert part(order).state == State.UNDER_WAY


def test_no_picker_says_that_goods_were_lost_on_the_way(shop, store):
    order = place(shop, store)
    shop.act(pickup.accept, order.fulfilments[0])
    with pytest.raises(InvalidInput, match="not_found, damaged, other"):
        shop.act(picking.reject_line, order.fulfilments[0], order.fulfilments[0].lines[0].id, 1, "lost")


def test_both_stores_do_it_on_their_screens(shop, store, signed_in):
    order = picked(shop, store, {0: 2})
    here: Client = signed_in(shop.clerk)
    pack = reverse("orders-staff:pack", args=[order.fulfilments[0].id])
    assert pack in here.get(reverse("orders-staff:queue")).content.decode()
    first, second = packed(shop, order, split=True)
    page = here.get(pack).content.decode()
    transfer = reverse("orders-staff:transfer-label", args=[order.fulfilments[0].id])
    assert transfer in page
    document = here.get(f"{transfer}?parcel=1")
    assert document["Content-Type"] == "application/pdf"
    assert here.get(transfer).status_code == 404, "which parcel is meant is not said"
    assert here.post(reverse("orders-staff:pack-leave", args=[order.fulfilments[0].id])).status_code == 302
    arriving = reverse("orders-staff:arrivals")
    assert store.store.name in here.get(arriving).content.decode()
    there: Client = signed_in(store.clerk)
    assert order.number in there.get(arriving).content.decode()
    scanned = there.post(reverse("orders-staff:arrival-scan"), {"text": first.code}, follow=True).content.decode()
    assert "1 of 2" in scanned
    assert reverse("orders-staff:give-out", args=[order.fulfilments[0].id]) in scanned
    tracking = Client().get(reverse("tracking", args=[order.tracking_token])).content.decode()
    assert "1 of 2 parcels are at your store" in tracking or "1 von 2 Paketen sind in Ihrer Filiale" in tracking
    lost = reverse("orders-staff:parcel-lost", args=[second.id])
    assert here.post(lost, {"reason": "weg"}).status_code == 404, "it is not on its way to this one"
    assert there.post(lost, {"reason": ""}).status_code == 302
    assert part(order).state == State.UNDER_WAY
    assert there.post(lost, {"reason": "Nachforschung ohne Ergebnis"}).status_code == 302
    assert part(order).state == State.READY
    with clock.frozen(clock.now() + timedelta(days=30)):
        assert there.get(arriving).status_code == 200
