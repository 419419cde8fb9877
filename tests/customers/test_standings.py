"""Where customers stand: said by people or a system, audited without a name, and counted by routing."""

from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.test import Client

from commerce import clock
from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.roles import Role
from commerce.transactions import savepoint, transaction
from customers import standings
from customers.errors import ProfileNotFound
from customers.models import Standing
from customers.standings import UNKNOWN, USUAL, Groups, Stands
from inventory.places import locations
from orders.routing import importance
from tests.factories import commerce as ground
from tests.factories import customers as people
from tests.factories import inventory as goods

pytestmark = pytest.mark.django_db


def say(profile_id, **values) -> None:
    with transaction():
        standings.say(profile_id, Stands(**values), by=ground.TESTER)


def test_what_is_agreed_counts_in_routing_until_it_ends_and_the_audit_names_nobody():
    one, other = people.person(name="Erika Beispiel"), people.person()
    say(one, tier="gold", priority=3, reason="framework contract")
    say(one, tier="gold", priority=3, reason="framework contract")
    assert standings.of(one) == Stands("gold", 3, "framework contract")
    assert importance.of({one, other}, at=clock.now()) == {one: (3, "agreed")}
    [entry] = AuditEntry.objects.filter(verb="customers.standings.say")
    assert "Erika" not in f"{entry.before} {entry.after}"
    say(one)
    assert (standings.of(one), importance.of({one}, at=clock.now())) == (USUAL, {})


@pytest.mark.parametrize("wrong", [{"priority": 10}, {"priority": -1}, {"tier": "x" * 41}, {"reason": "\x00"}])
def test_nonsense_is_refused_by_the_verb_and_by_the_database(wrong):
    one = people.person()
    with pytest.raises(InvalidInput) as refused:
        say(one, **wrong)
    assert refused.value.errors[0]["field"] in wrong
    with pytest.raises(IntegrityError), savepoint():
        Standing.objects.create(profile_id=one, priority=10, changed_at=clock.now())
    with pytest.raises(ProfileNotFound):
        say(uuid4(), priority=1)


def test_a_loyalty_system_says_it_and_a_shop_reads_it():
    one, key = people.person(), ground.key()
    address = f"/api/v1/customers/{one}/standing"

    def put(number: str, **body):
        headers = {**key.headers, "HTTP_IDEMPOTENCY_KEY": number}
        return Client().put(address, body, content_type="application/json", **headers)

    assert Client().get(address, **key.headers).json()["tier"] == ""
    assert put("1", tier="gold", priority=2).json() == {
        "customer": str(one), "tier": "gold", "priority": 2, "reason": ""
    }  # fmt: skip
    assert Client().get(address, **key.headers).json()["priority"] == 2
    assert put("2", priority=10).status_code in (400, 422)
    assert put("3", name="Erika").status_code in (400, 422)
    nobody = f"/api/v1/customers/{uuid4()}/standing"
    assert Client().get(nobody, **key.headers).json()["code"] == "profile_not_found"


def test_groups_and_segments_are_said_beside_the_standing_and_each_stays_when_the_other_changes():
    one, key = people.person(), ground.key()
    address = f"/api/v1/customers/{one}/segments"

    def put(number: str, **body):
        headers = {**key.headers, "HTTP_IDEMPOTENCY_KEY": number}
        return Client().put(address, body, content_type="application/json", **headers)

    say(one, tier="gold")
    assert Client().get(address, **key.headers).json()["segments"] is None
    answer = put("1", customer_group="staff", segments=["Club", " Club ", "Alumni"]).json()
    assert answer == {"customer": str(one), "customer_group": "staff", "segments": ["Alumni", "Club"]}
    say(one)
    assert standings.groups_of(one) == Groups("staff", ("Alumni", "Club"))
    entry = AuditEntry.objects.get(verb="customers.standings.assign")
    assert entry.after == {"customer_group": "staff", "segments": ["Alumni", "Club"]}
    assert put("2", segments=[]).json()["segments"] == []  # kept: in none
    assert Standing.objects.filter(profile_id=one).exists()
    assert put("3", segments=None).json()["segments"] is None
    assert not Standing.objects.filter(profile_id=one).exists()
    for number, wrong in enumerate([{"segments": [""]}, {"segments": ["x"] * 51}, {"segments": ["x" * 121]}, {}]):
        assert put(f"wrong {number}", **wrong).status_code in (400, 422)
    with pytest.raises(InvalidInput), transaction():
        standings.assign(one, Groups("x" * 41, tuple(f"s{number}" for number in range(51))), by=ground.TESTER)
    with pytest.raises(IntegrityError), savepoint():
        Standing.objects.create(profile_id=one, segments=["x"] * 51, changed_at=clock.now())
    assert standings.groups_of(one) == UNKNOWN
    nobody = f"/api/v1/customers/{uuid4()}/segments"
    assert Client().get(nobody, **key.headers).json()["code"] == "profile_not_found"


def test_the_admin_keeps_segments_with_commas_between_them_and_the_page_of_a_customer_shows_them(client):
    goods.store()
    one = people.person(name="Erika")
    user = ground.user()
    with transaction():
        locations.assign(user, Role.ADMINISTRATOR, None, by=ground.TESTER)
    client.force_login(user)
    form = {
        "profile": str(one),
        "tier": "gold",
        "customer_group": "",
        "segments": "Club, Staff ,",
        "priority": "0",
        "reason": "",
    }
    assert client.post("/admin/customers/standing/add/", form).status_code == 302
    assert (standings.of(one), standings.groups_of(one)) == (Stands("gold"), Groups("", ("Club", "Staff")))
    shown = client.get(f"/admin/customers/standing/{one}/change/").content.decode()
    assert 'value="Club, Staff"' in shown
    assert "Club, Staff" in client.get("/admin/customers/standing/").content.decode()
    page = client.get(f"/staff/customers/{one}/").content.decode()
    assert "gold" in page
    assert "Club, Staff" in page
    client.post(f"/admin/customers/standing/{one}/change/", form | {"segments": ""})
    assert standings.groups_of(one) == UNKNOWN
