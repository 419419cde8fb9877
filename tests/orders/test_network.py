"""What routing goes by, seen and edited in the admin and by API: written through verbs, refused by field, audited."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as some

from commerce.models import AuditEntry
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from orders import method_terms
from orders.models import MethodTerms, RoutingNode, RoutingRestriction, ShippingService
from orders.routing import standing, worlds
from orders.sourcing import tariff_text
from orders.sourcing.tariffs import Zone
from tests.factories import commerce as ground
from tests.orders.test_orders_api import Api

pytestmark = pytest.mark.django_db

TARIFF = "de; DE; ; 2; 2000; 4,29\nde; ; ; ; 10000; 6,69\neu; AT NL; 900; 4; 2000; 9,49"


@pytest.fixture(autouse=True)
def _pictures():
    standing.forget()
    worlds.forget()
    method_terms.forget()
    yield
    standing.forget()
    worlds.forget()
    method_terms.forget()


@pytest.fixture
def desk(shop) -> Client:
    """The browser of somebody who may manage routing everywhere."""
    person, client = ground.user(), Client()
    with transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=ground.TESTER)
    client.force_login(person)
    return client


def url(page: str, *args: object) -> str:
    return reverse(f"admin:orders_{page}", args=args)


def act(desk: Client, page: str, action: str, key: int) -> None:
    desk.post(url(f"{page}_changelist"), {"action": action, "_selected_action": [str(key)]})


class Hand(Api):
    """A channel's hand that also writes and takes away."""

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(path, body, content_type="application/json", **self.headers)

    def delete(self, path: str) -> Any:
        return self.client.delete(path, **self.headers)


def service(**changes: Any) -> dict[str, Any]:
    return {
        "code": "de-standard", "name": "Paket", "carrier": "Blaue Post", "origin": "de", "methods": ["ship"],
        "cut_off": "16:00", "collects_on": ["1", "2", "3", "4", "5"], "delivers_on": ["1", "2", "3", "4", "5", "6"],
        "is_active": "on", "tariff": TARIFF, **changes,
    }  # fmt: skip


def test_a_carriers_tariff_is_pasted_changed_and_audited(desk):
    answer = desk.post(url("shippingservice_add"), service())
    assert answer.status_code == 302, answer.context["errors"]
    (found,) = standing.tariffs().services
    assert [(zone.code, zone.up_to_km, zone.bands) for zone in found.zones] == [
        ("de", None, ((2000, 429), (10000, 669))), ("eu", 900, ((2000, 949),)),
    ]  # fmt: skip
    row = ShippingService.objects.get()
    page = desk.get(url("shippingservice_change", row.pk)).content.decode()
    assert "de; DE; ; 2; 2000; 4,29" in page
    desk.post(url("shippingservice_change", row.pk), service(tariff=TARIFF.replace("4,29", "4,49")))
    assert standing.tariffs().services[0].zones[0].bands[0] == (2000, 449)
    assert AuditEntry.objects.filter(verb="orders.routing.carriers.set_service").count() == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tariff": "de; DE; ; 2; 2000; -4,29"}, "no cost below 0"),
        ({"tariff": "de; DE; ; 2; 2000; vier"}, "“vier” is no price"),
        ({"tariff": "de; DE; ; 2; 5000; 4\nde; ; ; ; 2000; 3"}, "each heavier than the one before"),
        ({"tariff": "de; XX; ; 2; 5000; 4"}, "XX is no country"),
        ({"tariff": "de; ; ; 2; 5000; 4"}, "to which countries"),
        ({"tariff": "de; DE"}, "six columns"),
        ({"tariff": "de; DE; ; 2; 5000; 4; kilo; 3"}, "“kilo” is no price of a kilogram"),
        ({"tariff": "de; DE; ; 2; 5000; 4; 1; least"}, "“least” is no least charge"),
        ({"volume_divisor": "499"}, "500 to 50000 cm³ count"),
        ({"origin": "Deutschland"}, "2"),
    ],
)
def test_a_tariff_that_makes_no_sense_is_said_by_line(desk, changes, sentence):
    answer = desk.post(url("shippingservice_add"), service(**changes))
    assert answer.status_code == 200
    assert sentence in answer.content.decode().replace("&quot;", '"')
    assert not ShippingService.objects.exists()


def test_places_show_their_work_and_are_paused(desk, shop):
    desk.post(url("routingnode_add"), {
        "location": shop.store.id, "people": 2, "pieces_per_hour": 30, "handling_minor": 100, "handling_piece_minor": 10,
        "partner_basis_points": 0, "takes_returns": "on", "takes_hazardous": "on", "orders_per_day": 40,
    })  # fmt: skip
    shop.place({0: 3})
    worlds.forget()
    page = desk.get(url("routingnode_changelist")).content.decode()
    assert "3 pieces, 3 min" in page
    assert "0 of 40" in page
    act(desk, "routingnode", "pause", shop.store.id)
    assert RoutingNode.objects.get().is_paused
    bad = desk.post(
        url("routingnode_change", shop.store.id), {"people": 0, "pieces_per_hour": 30, "handling_minor": -1}
    )
    assert bad.status_code == 200
    assert RoutingNode.objects.get().people == 2


def test_terms_and_restrictions_are_said_and_taken_back(desk, shop):
    said = {"location": "", "method": "same_day", "cut_off": "14:00", "minutes": 5, "minutes_per_line": 1}
    desk.post(url("methodterms_add"), said)
    assert method_terms.of(shop.store.id, "same_day").minutes == 5
    act(desk, "methodterms", "end_them", MethodTerms.objects.get().pk)
    assert method_terms.of(shop.store.id, "same_day") == method_terms.USUAL
    rule = {"kind": "embargo", "country": "ch", "location": shop.store.id, "note": "Zoll"}
    desk.post(url("routingrestriction_add"), rule)
    assert RoutingRestriction.objects.get().country == "CH"
    refused = desk.post(url("routingrestriction_add"), {"kind": "embargo", "country": "zz"})
    assert refused.status_code == 200
    act(desk, "routingrestriction", "lift", RoutingRestriction.objects.get().pk)
    assert not RoutingRestriction.objects.exists()


def test_clerks_don_t_see_them(shop, signed_in):
    client = signed_in(shop.clerk)
    for page in ("routingnode", "methodterms", "shippingservice", "routingrestriction"):
        assert client.get(url(f"{page}_changelist")).status_code in (302, 403)


# --- API ------------------------------------------------------------------------------------------------------------------


def test_the_api_reads_and_writes_the_network(client, shop):
    api = Hand(client, shop)
    said = api.put(f"/api/v1/routing/nodes/{shop.store.code}", {"people": 3, "orders_per_day": 7})
    assert said.status_code == 200, said.content
    assert (said.json()["people"], said.json()["taken_today"], said.json()["is_known"]) == (3, 0, True)
    listed = api.get("/api/v1/routing/nodes").json()["items"]
    assert [one["people"] for one in listed if one["location"] == shop.store.code] == [3]
    wrong = api.put(f"/api/v1/routing/nodes/{shop.store.code}", {"people": 20_000})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "people")

    terms = api.put("/api/v1/routing/method-terms", {"method": "ship", "orders_per_day": 5, "cut_off": "15:00"})
    assert terms.status_code == 200, terms.content
    assert [one["method"] for one in api.get("/api/v1/routing/method-terms").json()["items"]] == ["ship"]
    assert api.delete(f"/api/v1/routing/method-terms/{terms.json()['id']}").status_code == 204
    assert api.delete(f"/api/v1/routing/method-terms/{terms.json()['id']}").status_code == 404

    body = {
        "name": "Paket", "carrier": "Blaue Post", "origin": "DE", "methods": ["ship"], "cut_off": "16:00",
        "collects_on": [1, 2, 3, 4, 5], "delivers_on": [1, 2, 3, 4, 5, 6],
        "zones": [{"code": "de", "countries": ["DE"], "days": 2, "rates": [{"up_to_grams": 2000, "cost_minor": 429}]}],
    }  # fmt: skip
    assert api.put("/api/v1/routing/services/de-standard", body).status_code == 200
    assert [one["code"] for one in api.get("/api/v1/routing/services").json()["items"]] == ["de-standard"]
    unknown = api.put(
        "/api/v1/routing/services/de-standard", body | {"zones": [body["zones"][0] | {"countries": ["XX"]}]}
    )
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "zones.de.countries")

    made = api.post("/api/v1/routing/restrictions", {"kind": "embargo", "country": "CH", "sku": shop.products[0].sku})
    assert (made.status_code, made.json()["sku"]) == (201, shop.products[0].sku)
    assert len(api.get("/api/v1/routing/restrictions").json()["items"]) == 1
    assert api.delete(f"/api/v1/routing/restrictions/{made.json()['id']}").status_code == 204
    nothing = api.post("/api/v1/routing/restrictions", {"kind": "embargo"})
    assert (nothing.status_code, nothing.json()["errors"][0]["field"]) == (400, "product")


# --- text -----------------------------------------------------------------------------------------------------------------

_ZONES = some.lists(
    some.builds(
        Zone,
        some.text("abcde", min_size=1, max_size=4),
        some.frozensets(some.sampled_from(["DE", "AT", "CH"]), min_size=1),
        some.integers(0, 30),
        some.lists(some.integers(1, 40_000), min_size=1, max_size=4, unique=True).map(
            lambda grams: tuple((one, one % 5_000) for one in sorted(grams))
        ),
        some.none() | some.integers(1, 900),
        some.integers(0, 900),
    ),
    max_size=4,
    unique_by=lambda zone: zone.code,
)


@given(_ZONES)
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read(zones):
    assert tariff_text.read(tariff_text.write(zones)) == (zones, [])


@given(some.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_or_its_faults_are_named(text):
    zones, faults = tariff_text.read(text)
    assert not (zones and faults)
