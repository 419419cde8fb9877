"""Kits have no stock: every door explodes them into what is in them, before anything is checked (law 6)."""

from datetime import timedelta

import pytest
from django.test import Client

from commerce import catalog, clock, ids, relay
from commerce import kits as catalogue
from commerce.models import OutboxMessage
from commerce.product_refs import ProductRef
from commerce.transactions import transaction
from inventory import availability, kits, reservations
from inventory.availability import Figure
from inventory.errors import InsufficientStock, NotGoods
from inventory.models import Hold, StockLevel
from inventory.places.locations import LocationRef
from inventory.promising import promises
from inventory.reservations import ReservationRequest, Reserved
from tests.factories import commerce as ground
from tests.factories import inventory as make

pytestmark = pytest.mark.django_db


class Set:
    """A kit of two lamps and a cable, with ten lamps and four cables at a store."""

    def __init__(self) -> None:
        self.lamp = ground.product("LAMP", name="Lamp")
        self.cable = ground.product("CABLE", name="Cable")
        self.kit: ProductRef = ground.kit((self.lamp, 2), (self.cable, 1), sku="SET", name="Reading corner")
        self.store: LocationRef = make.store("BER01")
        self.channel = ground.channel()
        make.receive(self.lamp.id, self.store.id, 10)
        make.receive(self.cable.id, self.store.id, 4)

    def figure(self, product: ProductRef) -> Figure:
        return availability.figures([product.id], location_ids=[self.store.id], at=clock.now())[0]

    def reserve(self, *lines: tuple[ProductRef, int]) -> reservations.Verdict:
        at = clock.now()
        wanted = ReservationRequest(
            ids.new(), self.channel.pk, self.store.id, tuple((product.id, pieces) for product, pieces in lines),
            at + timedelta(minutes=10),
        )  # fmt: skip
        with transaction():
            return reservations.reserve([wanted], by=ground.TESTER, at=at)[0]


@pytest.fixture
def corner() -> Set:
    return Set()


def test_as_many_kits_are_available_as_the_scarcest_component_makes(corner: Set) -> None:
    figure = corner.figure(corner.kit)
    assert (figure.on_hand, figure.allocated, figure.held, figure.available) == (4, 0, 0, 4)
    assert isinstance(corner.reserve((corner.lamp, 5)), Reserved)
    figure = corner.figure(corner.kit)
    assert (figure.on_hand, figure.allocated, figure.available) == (4, 2, 2), "five lamps make two kits"
    both = availability.figures([corner.kit.id, corner.lamp.id], at=clock.now())
    assert {one.product_id: one.available for one in both} == {corner.kit.id: 2, corner.lamp.id: 5}


def test_a_place_that_lacks_a_component_has_no_kit(corner: Set) -> None:
    other = make.store("MUC01")
    make.receive(corner.lamp.id, other.id, 50)
    assert {one.location_id for one in availability.figures([corner.kit.id], at=clock.now())} == {corner.store.id}


def test_its_level_is_that_of_the_scarcest_component(corner: Set) -> None:
    cables = StockLevel.objects.get(product_id=corner.cable.id)
    assert (corner.figure(corner.kit).level_id, corner.figure(corner.kit).version) == (cables.id, cables.version)


def test_a_reservation_holds_what_is_in_it(corner: Set) -> None:
    reserved = corner.reserve((corner.kit, 3), (corner.lamp, 1))
    assert isinstance(reserved, Reserved)
    assert dict(reserved.lines) == {corner.lamp.id: 7, corner.cable.id: 3}
    held = dict(Hold.objects.values_list("level__product__sku", "quantity"))
    assert held == {"LAMP": 7, "CABLE": 3}
    assert corner.figure(corner.kit).available == 1
    assert not StockLevel.objects.filter(product_id=corner.kit.id).exists()


def test_demand_is_summed_over_kits_and_single_pieces(corner: Set) -> None:
    refusal = corner.reserve((corner.kit, 4), (corner.lamp, 3))
    assert isinstance(refusal, InsufficientStock)
    assert [(line["product_id"], line["wanted"], line["available"]) for line in refusal.detail["lines"]] == [
        (corner.lamp.id, 11, 10)
    ]
    assert not Hold.objects.exists()


def test_a_changed_kit_leaves_earlier_reservations_as_they_are(corner: Set) -> None:
    reserved = corner.reserve((corner.kit, 1))
    with transaction():
        catalogue.set_components(corner.kit.id, [("CABLE", 2)], by=ground.TESTER)
    assert dict(reservations.read(reserved.id, channel_id=corner.channel.pk, at=clock.now()).lines) == {
        corner.lamp.id: 2,
        corner.cable.id: 1,
    }
    assert corner.figure(corner.kit).available == 1, "three free cables"


def test_the_api_reserves_kits_and_names_kit_component_and_where_else(corner: Set, client: Client) -> None:
    other = make.store("HAM01")
    make.receive(corner.lamp.id, other.id, 100)
    make.receive(corner.cable.id, other.id, 100)
    headers = ground.key(corner.channel).headers

    def post(quantity: int):
        return client.post(
            "/api/v1/reservations",
            {"location": "BER01", "lines": [{"sku": "SET", "quantity": quantity}]},
            content_type="application/json",
            headers={"Idempotency-Key": f"kits-{quantity}"},
            **headers,
        )

    granted = post(2)
    assert granted.status_code == 201, granted.content
    assert {line["sku"]: line["quantity"] for line in granted.json()["lines"]} == {"LAMP": 4, "CABLE": 2}
    refused = post(3).json()
    assert refused["code"] == "insufficient_stock"
    assert refused["detail"].startswith(
        "Only 2 of CABLE (Cable) are available at BER01, 3 were wanted for 3 × SET, which it is in."
    )
    assert refused["lines"] == [
        {
            "sku": "CABLE",
            "name": "Cable",
            "location": "BER01",
            "wanted": 3,
            "available": 2,
            "kit": "SET",
            "kits_wanted": 3,
        }
    ]
    assert [(one["sku"], one["location"], one["available"]) for one in refused["alternatives"]] == [
        ("SET", "HAM01", 50)
    ]
    shown = client.get("/api/v1/availability?sku=SET&explain=1", **headers).json()["items"][0]
    assert shown["total_available"] == 52
    here = next(one for one in shown["locations"] if one["location"] == "BER01")
    assert here["available"] == 2 == sum(part["pieces"] for part in here["explanation"]["parts"])


def test_the_explanation_of_a_kit_sums_to_its_figure(corner: Set) -> None:
    corner.reserve((corner.lamp, 7))
    promise = promises.promise(
        corner.kit.id, corner.store.id, channel_id=corner.channel.pk, country="DE", at=clock.now()
    )
    assert promise is not None
    assert [(part.what.value, part.pieces) for part in promise.parts] == [("on_hand", 4), ("allocated", -3)]
    assert promise.figure.available == 1


def test_channels_hear_of_a_kit_when_a_component_moves_and_when_it_is_changed(corner: Set) -> None:
    with transaction():
        catalog.list_products(corner.channel, [corner.kit], by=ground.TESTER)
    relay.drain()

    def told() -> tuple[str, int]:
        newest = OutboxMessage.objects.filter(event_type="availability.changed").latest("id")
        return newest.payload["sku"], newest.payload["available"]

    assert told() == ("SET", 4)
    corner.reserve((corner.cable, 1))
    relay.drain()
    assert told() == ("SET", 3)
    with transaction():
        catalogue.set_components(corner.kit.id, [("LAMP", 1)], by=ground.TESTER)
    relay.drain()
    assert told() == ("SET", 10)


@pytest.mark.parametrize("quantity", [1, 5])
def test_a_kit_is_neither_received_nor_stated(corner: Set, quantity: int) -> None:
    with pytest.raises(NotGoods) as refused:
        make.receive(corner.kit.id, corner.store.id, quantity)
    assert refused.value.message == (
        "SET is a kit and has no stock of its own; name what is in it instead: 2 × LAMP (Lamp), 1 × CABLE (Cable)."
    )


def test_lines_without_a_kit_are_left_as_they_are(corner: Set, django_assert_num_queries) -> None:
    lines = ((corner.lamp.id, 2), (corner.cable.id, 1))
    kits.explode(((corner.kit.id, 1), *lines))
    with django_assert_num_queries(0):
        assert kits.explode(lines) is lines
        assert list(kits.explode(((corner.kit.id, 2), *lines))) == [
            (corner.lamp.id, 4), (corner.cable.id, 2), *lines
        ]  # fmt: skip
