"""Packing: parcels by scan, labels that are made once whatever the carrier does, papers that can be read, news of parcels."""

import base64
import re
import threading
import zlib
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import requests
import zxingcpp
from django.db import connection
from django.test import Client
from django.urls import reverse
from PIL import Image, ImageDraw

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.places import locations
from orders import errors, queries, shipping
from orders.carriers import dhl_double, directory
from orders.carriers.dhl import Dhl
from orders.carriers.port import CarrierRefused, CarrierUnclear, Scan, Stage
from orders.floor import LabelState
from orders.models import Fulfilment, Order, Parcel, ParcelNews, ShipLabel
from orders.packing import journeys, labels, lists, papers, parcels
from orders.packing.papers import Item
from orders.picking import Outcome
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


@pytest.fixture
def carrier(monkeypatch):
    """A DHL of this test's own, that does as it is told."""
    double = dhl_double.Double()
    monkeypatch.setattr(directory, "double", lambda: double)
    return double


@pytest.fixture
def shipment(shop):
    """A picked shipment of two and one pieces."""
    with transaction():
        locations.change_location(
            shop.store.id, street="Hauptstraße 5", postal_code="10115", city="Berlin", by=ground.TESTER
        )
    return shop.ready({0: 2, 1: 1}, method="ship", ship_to=HOME)


def act(shop, verb, *args, **options):
    with transaction():
        return verb(*args, user=shop.clerk, by=Actor.staff(shop.clerk), at=clock.now(), **options)


def scan(shop, order, product=0, scan_id=None):
    work = order.fulfilments[0].id
    return act(shop, parcels.scan_into, work, scan_id or uuid4(), shop.products[product].gtins[0])


def packed(shop, order) -> Parcel:
    """Everything in one closed parcel."""
    act(shop, parcels.pack_rest_of, order.fulfilments[0].id)
    parcel = Parcel.objects.get()
    act(shop, parcels.close, parcel.id, weight_grams=1200)
    return parcel


def ask(shop, parcel, code="dhl"):
    return labels.ask(parcel.id, code, user=shop.clerk, by=Actor.staff(shop.clerk))


def cancel(shop, label_id):
    return labels.cancel(label_id, user=shop.clerk, by=Actor.staff(shop.clerk))


# --- parcels ----------------------------------------------------------------------------------------------------------


def test_what_was_picked_goes_into_parcels_once(shop, shipment):
    seen = uuid4()
    assert scan(shop, shipment, scan_id=seen).outcome is Outcome.PICKED
    assert scan(shop, shipment, scan_id=seen).is_replay
    assert scan(shop, shipment).outcome is Outcome.PICKED
    assert scan(shop, shipment).outcome is Outcome.ALREADY_COMPLETE
    assert scan(shop, shipment, 2).outcome is Outcome.WRONG_ITEM
    first = Parcel.objects.get()
    act(shop, parcels.close, first.id, weight_grams=800)
    with pytest.raises(errors.ParcelsChanged):
        act(shop, parcels.scan, first.id, uuid4(), shop.products[1].gtins[0])
    with pytest.raises(errors.ParcelsChanged):  # one piece is still on the table
        shop.act(shipping.ship, shipment.fulfilments[0])
    scan(shop, shipment, 1)
    second = Parcel.objects.get(number=2)
    with pytest.raises(errors.ParcelsChanged):  # and this parcel is open
        shop.act(shipping.ship, shipment.fulfilments[0])
    act(shop, parcels.close, second.id, weight_grams=300)
    shop.act(shipping.ship, shipment.fulfilments[0])
    assert Parcel.objects.filter(left_at__isnull=False).count() == 2
    assert checks.run() == []


def test_a_parcel_can_be_unpacked_until_it_has_a_label(shop, shipment, carrier):
    parcel = packed(shop, shipment)
    act(shop, parcels.empty, parcel.id)
    assert lists.station(shipment.fulfilments[0].id, shop.store.id).left == 3
    parcel = packed(shop, shipment)
    made = ask(shop, parcel)
    with pytest.raises(errors.ParcelsChanged):
        act(shop, parcels.empty, parcel.id)
    assert cancel(shop, made.id).state is LabelState.CANCELLED
    act(shop, parcels.empty, parcel.id)


@pytest.mark.parametrize("grams", [0, -1, 31_501])
def test_a_weight_that_no_carrier_takes_is_refused(shop, shipment, grams):
    act(shop, parcels.pack_rest_of, shipment.fulfilments[0].id)
    with pytest.raises(InvalidInput) as refused:
        act(shop, parcels.close, Parcel.objects.get().id, weight_grams=grams)
    assert refused.value.errors[0]["field"] == "weight_grams"


def test_a_pickup_is_not_packed_and_nothing_before_it_is_picked(shop):
    with pytest.raises(errors.MoveNotAllowed):
        act(shop, parcels.open_parcel, shop.ready().fulfilments[0].id)
    with pytest.raises(errors.MoveNotAllowed):
        act(shop, parcels.open_parcel, shop.accepted(method="ship", ship_to=HOME).fulfilments[0].id)


def test_a_shipment_without_parcels_leaves_as_before(shop, shipment):
    shop.act(shipping.ship, shipment.fulfilments[0], tracking_number="123")
    assert Fulfilment.objects.get().state == "shipped"


# --- labels -----------------------------------------------------------------------------------------------------------


def test_a_label_is_made_once_and_asking_again_gives_the_same(shop, shipment, carrier):
    parcel = packed(shop, shipment)
    first, second = ask(shop, parcel), ask(shop, parcel)
    assert first.state is LabelState.MADE
    assert first == second
    assert len(carrier.made) == 1
    assert lists.label_document(first.id, shop.store.id).startswith(b"%PDF")
    assert lists.label_document(first.id, shop.store.id + 1) is None


def test_a_busy_carrier_is_asked_again_a_few_times(shop, shipment, carrier):
    parcel = packed(shop, shipment)
    carrier.faults.extend([dhl_double.BUSY, dhl_double.SLOW])
    assert ask(shop, parcel).state is LabelState.MADE
    cancel(shop, ShipLabel.objects.get().id)
    carrier.faults.extend([dhl_double.BUSY] * 3)
    assert ask(shop, parcel).state is LabelState.REFUSED
    assert carrier.made == {}


@pytest.mark.parametrize("fault", [dhl_double.LOST, dhl_double.BROKEN, dhl_double.GARBLED])
def test_an_answer_that_never_came_is_unclear_and_the_parcel_gets_another_label(shop, shipment, carrier, fault):
    parcel = packed(shop, shipment)
    carrier.faults.append(fault)
    assert ask(shop, parcel).state is LabelState.UNCLEAR
    made = ask(shop, parcel)
    assert made.state is LabelState.MADE
    rows = ShipLabel.objects.order_by("asked_at")
    assert [row.state for row in rows] == ["unclear", "made"]
    assert len({row.reference for row in rows}) == 2, "each attempt can be told from the other in the carrier's portal"
    assert rows[0].tracking_number == ""


def test_what_the_carrier_refuses_is_said_in_its_words(shop, shipment, carrier):
    Order.objects.update(ship_to={**HOME, "postal_code": "1011"})
    parcel = packed(shop, shipment)
    refused = ask(shop, parcel)
    assert (refused.state, "5 digits" in refused.said) == (LabelState.REFUSED, True)
    Order.objects.update(ship_to={**HOME, "country": "US"})
    assert "US" in ask(shop, parcel).said
    Order.objects.update(ship_to={"postal_code": "10115"})
    with pytest.raises(InvalidInput):
        ask(shop, parcel)
    with pytest.raises(InvalidInput):
        ask(shop, parcel, "pigeon")


def test_who_asked_and_went_away_leaves_nothing_open(shop, shipment, carrier):
    parcel = packed(shop, shipment)
    row = ShipLabel.objects.create(
        parcel=parcel, carrier="dhl", reference="K-1-gone", asked_by=shop.clerk, asked_at=clock.now()
    )
    assert labels.watch(by=ground.TESTER) == 0
    with clock.frozen(make.NOON + timedelta(minutes=3)):
        assert labels.watch(by=ground.TESTER) == 1
    row.refresh_from_db()
    assert row.state == "unclear"
    made = ask(shop, parcel)
    carrier.faults.append(dhl_double.LOST)
    assert cancel(shop, made.id).state is LabelState.CANCELLING
    with clock.frozen(make.NOON + timedelta(minutes=9)):
        labels.watch(by=ground.TESTER)
    assert ShipLabel.objects.get(pk=made.id).state == "cancelled"
    assert carrier.made == {}


def test_a_label_from_elsewhere_is_noted_by_hand(shop, shipment):
    parcel = packed(shop, shipment)
    by = Actor.staff(shop.clerk)
    for name, number in (("", "1"), ("GLS", ""), ("GLS", "9" * 81), ("x" * 41, "1")):
        with pytest.raises(InvalidInput):
            labels.note(parcel.id, name, number, user=shop.clerk, by=by)
    assert labels.note(parcel.id, "GLS", " 4711 ", user=shop.clerk, by=by).tracking_number == "4711"
    with pytest.raises(errors.ParcelsChanged):
        labels.note(parcel.id, "GLS", "4712", user=shop.clerk, by=by)


def test_the_carrier_checks_the_age_at_the_door(shop, shipment, carrier):
    with transaction():
        catalog.change_product(shop.products[1].id, by=ground.TESTER, minimum_age=18)
    ask(shop, packed(shop, shipment))
    [made] = carrier.made.values()
    assert made["services"] == {"visualCheckOfAge": "A18"}
    assert made["details"]["weight"] == {"uom": "g", "value": 1200}
    assert made["consignee"]["country"] == "DEU"


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_one_label(noon, monkeypatch):
    shop = make.shop()
    with transaction():
        locations.change_location(shop.store.id, street="Hauptstraße 5", by=ground.TESTER)
    order = shop.ready({0: 1}, method="ship", ship_to=HOME)
    parcel = packed(shop, order)
    double = dhl_double.Double()
    monkeypatch.setattr(directory, "double", lambda: double)
    start, got = threading.Barrier(2), []

    def one() -> None:
        try:
            start.wait(10)
            with clock.frozen(make.NOON):
                got.append(ask(shop, parcel).state)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(double.made) == 1
    assert ShipLabel.objects.count() == 1
    assert set(got) <= {LabelState.MADE, LabelState.ASKED}


def test_the_client_refuses_what_it_can_not_trust():
    double = dhl_double.Double()
    client = Dhl(dhl_double.ACCOUNT, double.session())
    with pytest.raises(CarrierRefused):
        Dhl(dhl_double.ACCOUNT.__class__(dhl_double.URL, "wrong", "x", "y", "1"), double.session()).track("1")
    double.faults.append(dhl_double.GARBLED)
    with pytest.raises(CarrierUnclear):
        double.made["1"] = {"at": clock.now(), "consignee": {"city": "Berlin"}}
        client.track("1")
    assert client.track("unknown") == []
    client.cancel("unknown")
    assert isinstance(double.session(), requests.Session)


# --- on its way -------------------------------------------------------------------------------------------------------


def test_news_of_a_parcel_come_once_and_never_go_back(shop, shipment, carrier):
    parcel = packed(shop, shipment)
    ask(shop, parcel)
    shop.act(shipping.ship, shipment.fulfilments[0])
    with clock.frozen(make.NOON + timedelta(hours=1)):
        assert journeys.look() == 1
        assert journeys.look() == 0, "not again within half an hour"
    parcel.refresh_from_db()
    assert parcel.stage == "announced"
    page = Client().get(f"/track/{shipment.tracking_token}/").content.decode()
    assert ShipLabel.objects.get().tracking_number in page
    late = [
        Scan(Stage.DELIVERED, "Zugestellt", "Berlin", make.NOON + timedelta(hours=30)),
        Scan(Stage.UNDER_WAY, "Im Paketzentrum", "Berlin", make.NOON + timedelta(hours=9)),
    ]
    for _ in range(2):
        with transaction():
            journeys.note(parcel, late, at=clock.now())
    assert (parcel.stage, ParcelNews.objects.count()) == ("delivered", 3)
    with transaction():
        journeys.note(parcel, late[1:], at=clock.now())
    assert parcel.stage == "delivered"


# --- papers -----------------------------------------------------------------------------------------------------------


def squares(pdf: bytes) -> Image.Image:
    """Return what the only page of a PDF fills in black as a picture, four dots to the point."""
    [stream] = re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL)
    drawn = zlib.decompress(base64.a85decode(stream.strip().removesuffix(b"~>"))).decode("latin-1")
    picture = Image.new("L", (1200, 1700), 255)
    pen = ImageDraw.Draw(picture)
    for x, y, width, height in re.findall(r"n ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re f\b", drawn):
        left, bottom, right, top = (
            4 * value for value in (float(x), float(y), float(x) + float(width), float(y) + float(height))
        )
        pen.rectangle((left, 1700 - top, right - 1, 1700 - bottom - 1), fill=0)
    return picture


@pytest.mark.parametrize("language", ["de", "en"])
def test_papers_are_one_page_and_a_scanner_reads_them(shop, shipment, language):
    pickup = shop.ready({2: 1})
    Order.objects.update(language=language)
    paper = lists.paper(pickup.fulfilments[0].id, shop.store.id)
    label = papers.pickup_label(paper)
    packed(shop, shipment)
    slip = papers.packing_slip(lists.paper(shipment.fulfilments[0].id, shop.store.id, parcel_number=1))
    for document in (label, slip):
        assert document.startswith(b"%PDF")
        assert re.search(rb"/Count (\d+)", document)[1] == b"1"
        assert len(document) < 60_000
    assert paper.pickup_code
    assert paper.pickup_code.encode() not in label
    assert zxingcpp.read_barcode(squares(label)).text == pickup.number


def test_papers_hold_whatever_a_name_is(shop):
    order = shop.ready({0: 1})
    paper = lists.paper(order.fulfilments[0].id, shop.store.id)
    long = [Item("SKU-" + "9" * 60, "Ein sehr langer Name " * 12, 999) for _ in range(80)]
    for name in ("", "Łukasz Żółć 王", "x" * 400, "<b>&amp;"):
        strange = replace(paper, name=name, items=long, address=(name, name, name), parcel="1 / 2", weight_grams=12)
        assert papers.pickup_label(strange).startswith(b"%PDF")
        assert papers.packing_slip(strange).startswith(b"%PDF")


# --- screens ----------------------------------------------------------------------------------------------------------


def test_a_shipment_goes_over_the_packing_table(shop, shipment, carrier, signed_in, django_assert_max_num_queries):
    work, browser = shipment.fulfilments[0].id, signed_in(shop.clerk)
    assert shipment.number in browser.get(reverse("orders-staff:packing")).content.decode()
    table = reverse("orders-staff:pack", args=[work])
    assert browser.get(table).status_code == 200
    with django_assert_max_num_queries(30):
        browser.get(table)
    scanned = browser.post(f"{table}scan/", {"scan_id": str(uuid4()), "text": shop.products[0].gtins[0]})
    assert scanned.status_code == 200
    wrong = browser.post(f"{table}scan/", {"scan_id": str(uuid4()), "text": shop.products[2].gtins[0]})
    assert "Wrong item" in wrong.content.decode()
    browser.post(f"{table}rest/")
    parcel = Parcel.objects.get()
    for weight in ("", "abc", "0", "99", "-1"):
        browser.post(f"{table}close/", {"parcel": parcel.id, "weight": weight})
        assert Parcel.objects.get().closed_at is None
    browser.post(f"{table}close/", {"parcel": parcel.id, "weight": "1.25"})
    assert Parcel.objects.get().weight_grams == 1250
    browser.post(f"{table}ask/", {"parcel": parcel.id, "carrier": "dhl"})
    label = ShipLabel.objects.get()
    document = browser.get(reverse("orders-staff:ship-label", args=[label.id]))
    assert document["Content-Type"] == "application/pdf"
    slip = browser.get(reverse("orders-staff:packing-slip", args=[work]) + "?parcel=1")
    assert slip.content.startswith(b"%PDF")
    for number in ("9", "0", "x", "1' OR"):
        assert browser.get(reverse("orders-staff:packing-slip", args=[work]), {"parcel": number}).status_code in (
            200,
            404,
        )
    browser.post(f"{table}ask/", {"parcel": str(uuid4()), "carrier": "dhl"})
    assert browser.post(f"{table}leave/").status_code == 302
    assert queries.order(shipment.id).fulfilments[0].state == "shipped"
    assert "has left" in browser.get(table).content.decode()


def test_the_packing_table_of_another_store_does_not_exist(shop, shipment, signed_in):
    stranger = signed_in(make.clerk(goods.store()))
    table = reverse("orders-staff:pack", args=[shipment.fulfilments[0].id])
    for address in (table, f"{table}slip/"):
        assert stranger.get(address).status_code == 404
    for name in ("scan", "rest", "close", "leave"):
        assert stranger.post(f"{table}{name}/").status_code == 404


def test_the_board_counts_what_has_to_leave(shop, shipment):
    shop.place(method="ship", ship_to=HOME)
    with clock.frozen(make.NOON + timedelta(days=3)):
        [today] = lists.cut_offs(shop.store.id, at=clock.now())
        assert (today.to_pick, today.to_pack, today.total) == (1, 1, 2)
