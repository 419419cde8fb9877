"""The desk of routing: versions, differences in words, trials with progress, the switch, the shadow."""

import pytest

from commerce import clock
from commerce.roles import Role
from commerce.transactions import transaction
from orders import tasks
from orders.models import RoutingPolicy, RoutingSimulation
from orders.routing import policies
from orders.sourcing.policy import BALANCED, FIRST
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
SHIP_TO = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


@pytest.fixture
def shop(noon):
    return make.shop()


@pytest.fixture
def desk(shop, client):
    """A client of somebody who may change routing everywhere."""
    from inventory.places import locations

    user = ground.user()
    with transaction():
        locations.assign(user, Role.MERCHANDISER, by=ground.TESTER)
    client.force_login(user)
    return client


def draft(policy=BALANCED) -> int:
    with transaction():
        return policies.draft("Careful", policy.document(), by=ground.TESTER, at=clock.now()).number


def text(answer) -> str:
    return answer.content.decode()


def test_an_empty_desk_says_what_decides(desk):
    assert "The built-in policy decides" in text(desk.get("/staff/routing/"))


def test_who_may_not_is_refused(shop, client):
    client.force_login(shop.clerk)
    assert client.get("/staff/routing/").status_code == 403


def test_a_version_is_written_tried_and_activated(shop, desk):
    form = {
        "name": "Near and cheap", "note": "because", "most_parts": "2", "split_from": "20", "split_saves": "1.50",
        "keep_at_stores": "1", "demand_days": "7", "overstock_days": "60", "term_cost": "1", "term_distance": "0.001",
    }  # fmt: skip
    answer = desk.post("/staff/routing/new/?mode=weighed", form)
    assert answer.status_code == 302, text(answer)
    content = RoutingPolicy.objects.get().content
    assert content["terms"] == [{"criterion": "cost", "rate": 1_000}, {"criterion": "distance", "rate": 100}]
    assert (content["split_from_minor"], content["split_saves_minor"]) == (2_000, 150)
    shop.place(method="ship", ship_to=SHIP_TO)
    assert desk.post("/staff/routing/1/activate/", {"reason": "now", "expected_live": "0"}).status_code == 409
    assert desk.post("/staff/routing/1/simulate/", {"days": "28"}).status_code == 302
    simulation = RoutingSimulation.objects.get()
    assert "Starts within seconds." in text(desk.get(f"/staff/routing/trials/{simulation.pk}/"))
    tasks.try_routing_policies()
    page = text(desk.get("/staff/routing/1/"))
    assert "Tried on past orders" in page
    assert "Split orders" in page
    assert "What changes against first-1" in page
    assert desk.post("/staff/routing/1/activate/", {"reason": ""}).status_code == 422
    assert desk.post("/staff/routing/1/activate/", {"reason": "now", "expected_live": "0"}).status_code == 302
    page = text(desk.get("/staff/routing/"))
    assert "Version 1 live: Near and cheap" in page


def test_a_form_that_makes_no_sense_keeps_what_was_typed(desk):
    answer = desk.post("/staff/routing/new/?mode=ranked", {"name": "Nothing counts", "most_parts": "9"})
    assert answer.status_code == 422
    assert "Nothing counts" in text(answer)
    assert RoutingPolicy.objects.count() == 0
    assert desk.get("/staff/routing/new/?from=77").status_code == 404


def test_the_shadow_is_followed_and_its_differences_are_listed(shop, desk):
    number = draft(FIRST)
    assert desk.post(f"/staff/routing/{number}/follow/").status_code == 302
    shop.place(method="ship", ship_to=SHIP_TO)
    page = text(desk.get("/staff/routing/differences/"))
    assert "No differences yet" in page
    assert "0 of 1 decision would have been another." in page
    assert desk.post(f"/staff/routing/{number}/follow/").status_code == 302
    assert "No version is followed." in text(desk.get("/staff/routing/"))


def test_what_is_not_there_is_not_found(desk):
    assert desk.get("/staff/routing/99/").status_code == 404
    assert desk.get("/staff/routing/trials/00000000-0000-0000-0000-000000000000/").status_code == 404
