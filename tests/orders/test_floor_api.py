"""A warehouse with its own devices: waves, scans, shorts, parcels, labels and the carrier through the API alone."""

from uuid import uuid4

import pytest
from django.test import Client

from commerce.operations import checks
from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.places import locations
from orders import queries
from orders.carriers import dhl_double, directory
from orders.models import Parcel, ShipLabel, Wave
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


class Device:
    """A warehouse's system with the key of somebody."""

    def __init__(self, shop, person, *scopes):
        self.key = ground.key(shop.channel, *scopes, person=person)
        self.client = Client()

    def get(self, path, **parameters):
        return self.client.get(f"/api/v1/{path}", parameters, **self.key.headers)

    def post(self, path, body=None, **headers):
        return self.client.post(
            f"/api/v1/{path}", body or {}, content_type="application/json", **self.key.headers, **headers
        )

    def does(self, path, body=None, *, status=200):
        answer = self.post(path, body, HTTP_IDEMPOTENCY_KEY=uuid4().hex)
        assert answer.status_code == status, answer.content
        return answer.json()


@pytest.fixture
def carrier(monkeypatch):
    double = dhl_double.Double()
    monkeypatch.setattr(directory, "double", lambda: double)
    return double


@pytest.fixture
def shop(shop):
    with transaction():
        locations.change_location(
            shop.store.id, street="Hauptstraße 5", postal_code="10115", city="Berlin", by=ground.TESTER
        )
    return shop


@pytest.fixture
def device(shop):
    return Device(shop, shop.clerk, Scope.FULFILMENT_PICK, Scope.FULFILMENT_PACK)


def begun(device, shop, *orders):
    wanted = [str(order.fulfilments[0].id) for order in orders]
    body = {"id": str(uuid4()), "location": shop.store.code, "fulfilments": wanted}
    return device.does("waves", body, status=201)


def scanned(device, wave, shop, product=0, **more):
    body = {"scan_id": str(uuid4()), "text": shop.products[product].gtins[0]} | more
    return device.does(f"waves/{wave['id']}/scans", body)


def test_a_whole_day_of_a_warehouse_through_the_api(shop, device, carrier):
    order = shop.place({0: 2, 1: 1, 2: 1}, method="ship", ship_to=HOME)
    suggested = device.get("waves", location=shop.store.code).json()["next"]
    assert suggested["fulfilments"] == [str(order.fulfilments[0].id)]
    assert (suggested["pieces"], suggested["way_out"]) == (4, "carrier")
    body = {"id": str(uuid4()), "location": shop.store.code, "fulfilments": suggested["fulfilments"]}
    wave = device.does("waves", body, status=201)
    assert (wave["is_own"], wave["left_out"], len(wave["stops"])) == (True, 0, 3)
    assert device.get(f"waves/{wave['id']}/pick-list").content.startswith(b"%PDF")

    for product, pieces in ((0, 2), (1, 1)):
        for _ in range(pieces):
            assert scanned(device, wave, shop, product)["placed"][0]["pieces"] == 1
    following = device.get(f"waves/{wave['id']}/next").json()["next"]
    assert (following["sku"], following["wanted"]) == (shop.products[2].sku, 1)
    short = {"sku": shop.products[2].sku, "quantity": 1, "reason": "damaged"}
    assert device.does(f"waves/{wave['id']}/shorts", short) == {"put_back": [], "next": None}
    assert device.does(f"waves/{wave['id']}/finish") == {"ready": 1, "back": 0}

    [waiting] = device.get("shipments", location=shop.store.code).json()["items"]
    table = f"shipments/{waiting['fulfilment']}"
    assert (waiting["pieces"], device.get(table).json()["left"]) == (3, 3)
    seen = {"scan_id": str(uuid4()), "text": shop.products[0].gtins[0]}
    packed = device.does(f"{table}/scans", seen)
    assert packed["outcome"] == "picked"
    first = packed["shipment"]["parcels"][0]["id"]
    device.does(f"parcels/{first}/close", {"weight_grams": 900})
    opened = device.does(f"{table}/parcels")
    assert len(opened["parcels"]) == len(device.does(f"{table}/parcels")["parcels"]) == 2
    second = opened["parcels"][1]["id"]
    assert device.does(f"{table}/rest")["left"] == 0
    refused = device.post(f"{table}/hand-over")
    assert (refused.status_code, refused.json()["code"]) == (409, "parcels_changed")
    device.does(f"parcels/{second}/close", {"weight_grams": 1200})
    made = [device.does(f"parcels/{parcel}/label", {"carrier": "dhl"}) for parcel in (first, second)]
    assert device.does(f"parcels/{second}/label", {"carrier": "dhl"}) == made[1]
    assert len(carrier.made) == 2
    label = device.get(f"ship-labels/{made[0]['id']}")
    assert (label["Content-Type"], label["Cache-Control"], label.content[:4]) == (
        "application/pdf", "private, no-store", b"%PDF",
    )  # fmt: skip
    assert device.get(f"parcels/{first}/slip").content.startswith(b"%PDF")
    gone = device.does(f"{table}/hand-over")
    assert (gone["state"], [parcel["has_left"] for parcel in gone["parcels"]]) == ("shipped", [True, True])

    view = queries.order(order.id)
    assert [line.cancelled for line in view.lines] == [0, 0, 1]
    assert view.total_minor == 3 * shop.price_minor
    assert {line.picked for line in view.fulfilments[0].lines} == {0, 1, 2}
    assert device.get("shipments", location=shop.store.code).json()["items"] == []
    assert checks.run() == []


def test_what_is_sent_twice_counts_once(shop, device, carrier):
    order = shop.place({0: 2}, method="ship", ship_to=HOME)
    body = {"id": str(uuid4()), "location": shop.store.code, "fulfilments": [str(order.fulfilments[0].id)]}
    key = {"HTTP_IDEMPOTENCY_KEY": uuid4().hex}
    first, second = device.post("waves", body, **key), device.post("waves", body, **key)
    assert second["Idempotency-Replayed"] == "true"
    assert first.content == second.content
    wave = device.does("waves", body, status=201)
    assert Wave.objects.count() == 1
    scan_id = str(uuid4())
    answers = [scanned(device, wave, shop, scan_id=scan_id) for _ in range(2)]
    assert answers[0] == answers[1]
    assert device.get(f"waves/{wave['id']}").json()["picked"] == 1
    assert scanned(device, wave, shop)["next"] is None
    assert scanned(device, wave, shop)["outcome"] == "already_complete"
    assert scanned(device, wave, shop, 1)["outcome"] == "wrong_item"
    assert [device.does(f"waves/{wave['id']}/finish")["ready"] for _ in range(2)] == [1, 0]
    table, into = f"shipments/{order.fulfilments[0].id}", {"scan_id": scan_id, "text": shop.products[0].gtins[0]}
    assert [device.does(f"{table}/scans", into)["shipment"]["left"] for _ in range(2)] == [1, 1]
    assert Parcel.objects.count() == 1


def test_labels_are_noted_cancelled_and_made_anew(shop, device, carrier):
    order = shop.ready({0: 1}, method="ship", ship_to=HOME)
    table = f"shipments/{order.fulfilments[0].id}"
    parcel = device.does(f"{table}/rest")["parcels"][0]["id"]
    assert device.post(f"parcels/{parcel}/label", {"carrier": "dhl"}).json()["code"] == "parcels_changed"
    device.does(f"parcels/{parcel}/empty")
    device.does(f"{table}/rest")
    assert device.does(f"parcels/{parcel}/close", {"weight_grams": 500})["parcels"][0]["weight_grams"] == 500
    noted = device.does(f"parcels/{parcel}/label", {"carrier": "Bote", "tracking_number": "B-1"})
    assert (noted["state"], noted["tracking_number"], noted["has_document"]) == ("made", "B-1", False)
    assert device.get(f"ship-labels/{noted['id']}").status_code == 404
    assert device.post(f"parcels/{parcel}/empty").json()["code"] == "parcels_changed"
    assert device.does(f"ship-labels/{noted['id']}/cancel")["state"] == "cancelled"
    unknown = device.post(f"parcels/{parcel}/label", {"carrier": "pigeon"})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "carrier")
    assert device.does(f"parcels/{parcel}/label", {"carrier": "dhl"})["has_document"]
    assert ShipLabel.objects.filter(state="made").count() == 1


def test_a_wave_is_taken_over_with_a_reason_by_who_may(shop, device):
    wave = begun(device, shop, shop.place({0: 1}))
    chief = Device(shop, shop.manager, Scope.FULFILMENT_PICK)
    other = Device(shop, make.clerk(shop.store), Scope.FULFILMENT_PICK)
    scan = {"scan_id": str(uuid4()), "text": shop.products[0].gtins[0]}
    assert other.post(f"waves/{wave['id']}/scans", scan).json()["code"] == "already_taken"
    assert other.post(f"waves/{wave['id']}/take-over", {"reason": "quick"}).json()["code"] == "not_allowed"
    assert chief.post(f"waves/{wave['id']}/take-over", {"reason": " "}).status_code == 400
    assert chief.does(f"waves/{wave['id']}/take-over", {"reason": "shift ended"})["is_own"]
    assert device.get(f"waves/{wave['id']}").json()["is_own"] is False
    assert [one["number"] for one in device.get("waves", location=shop.store.code).json()["items"]] == [wave["number"]]


def test_a_key_works_only_for_a_person_and_only_where_they_work(shop, device, carrier):
    order = shop.ready({0: 1}, method="ship", ship_to=HOME)
    wave = begun(device, shop, shop.place({0: 1}))
    table = f"shipments/{order.fulfilments[0].id}"
    parcel = device.does(f"{table}/rest")["parcels"][0]["id"]
    device.does(f"parcels/{parcel}/close", {"weight_grams": 500})
    label = device.does(f"parcels/{parcel}/label", {"carrier": "dhl"})["id"]
    scan = {"scan_id": str(uuid4()), "text": shop.products[0].gtins[0]}
    short = {"sku": shop.products[0].sku, "quantity": 1, "reason": "other"}
    reads = [
        f"waves/{wave['id']}", f"waves/{wave['id']}/next", f"waves/{wave['id']}/pick-list", table,
        f"ship-labels/{label}", f"parcels/{parcel}/slip",
    ]  # fmt: skip
    writes = [
        (f"waves/{wave['id']}/scans", scan), (f"waves/{wave['id']}/shorts", short), (f"waves/{wave['id']}/finish", {}),
        (f"waves/{wave['id']}/take-over", {"reason": "mine"}), (f"{table}/parcels", {}), (f"{table}/scans", scan),
        (f"{table}/rest", {}), (f"{table}/take-out", {}), (f"{table}/without", {"other": str(uuid4())}),
        (f"{table}/hand-over", {}), (f"parcels/{parcel}/close", {"weight_grams": 1}), (f"parcels/{parcel}/empty", {}),
        (f"parcels/{parcel}/label", {"carrier": "dhl"}), (f"ship-labels/{label}/cancel", {}),
    ]  # fmt: skip
    stranger = Device(shop, make.clerk(goods.store(), role=Role.STORE_MANAGER))
    nobody = Device(shop, None)
    for path in reads:
        assert device.get(path).status_code == 200, path
        assert stranger.get(path).json()["code"] == "fulfilment_not_found", path
        assert nobody.get(path).json()["code"] == "not_allowed", path
    for path, body in writes:
        assert stranger.post(path, body).json()["code"] == "fulfilment_not_found", path
        assert nobody.post(path, body).json()["code"] == "not_allowed", path
    place = {"location": shop.store.code}
    begin = {"id": str(uuid4()), "fulfilments": [str(uuid4())]} | place
    for refused in (stranger.get("waves", **place), stranger.get("shipments", **place), stranger.post("waves", begin)):
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert "does not work at" in refused.json()["detail"]
    assert "acts for a person" in nobody.get("waves", **place).json()["detail"]
    elsewhere = stranger.post("waves", begin | {"id": wave["id"], "location": _own(stranger)})
    assert elsewhere.json()["code"] == "fulfilment_not_found"


def _own(device):
    return locations.access(device.key.key.person).locations[0].code


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("waves", {"id": "x", "location": "X", "fulfilments": []}, "id"),
        ("waves/{wave}/scans", {"scan_id": "1", "text": "4"}, "scan_id"),
        ("waves/{wave}/scans", {"scan_id": str(uuid4()), "text": ""}, "text"),
        ("waves/{wave}/scans", {"scan_id": str(uuid4()), "text": "4", "scanned_at": "2026-11-18T12:00:00"}, "scanned_at"),
        ("waves/{wave}/shorts", {"sku": "no", "quantity": 1, "reason": "other"}, "sku"),
        ("waves/{wave}/shorts", {"sku": "no", "quantity": 0, "reason": "other"}, "quantity"),
        ("waves/{wave}/shorts", {"sku": "no", "quantity": 1, "reason": "lost"}, "reason"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_by_the_name_of_its_field(shop, device, path, body, field):
    wave = begun(device, shop, shop.place({0: 1}))
    answer = device.post(path.format(wave=wave["id"]), body)
    assert answer.status_code in (400, 404, 422), answer.content
    assert field in [one["field"] for one in answer.json()["errors"]]


def test_pickups_are_not_packed(shop, device):
    order = shop.ready({0: 1})
    assert device.get(f"shipments/{order.fulfilments[0].id}").status_code == 400
    assert device.post(f"shipments/{order.fulfilments[0].id}/rest").json()["code"] == "move_not_allowed"
