"""Groups of places: kept by one verb, edited in the admin by who shares, and heard of by rules and channels."""

import pytest
from django.test import Client
from django.urls import reverse

from commerce.errors import InvalidInput
from commerce.models import AuditEntry, OutboxMessage
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import LocationGroup
from inventory.places import groups, locations
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.inventory.conftest import BY

pytestmark = pytest.mark.django_db


def grouped(code: str, *location_ids: int, name: str = "West") -> int:
    with transaction():
        return groups.set_group(code, name, location_ids, by=BY)


def signed_in(role: Role) -> Client:
    person = ground.user()
    with transaction():
        locations.assign(person, role, by=BY)
    client = Client()
    client.force_login(person)
    return client


def test_a_group_has_exactly_the_places_it_was_given() -> None:
    one, two, three = (make.store().id for _ in range(3))
    group = grouped("west", one, two)
    assert groups.members()[group] == {one, two}
    assert grouped("west", two, three) == group
    assert groups.members()[group] == {two, three}
    grouped("west")
    assert groups.members()[group] == frozenset()
    assert [one.code for one in groups.listed()] == ["west"]


def test_what_stays_the_same_is_neither_audited_nor_told() -> None:
    store = make.store()
    grouped("west", store.id)
    grouped("west", store.id)
    assert AuditEntry.objects.filter(object_type="location_group").count() == 1
    assert not OutboxMessage.objects.filter(event_type="inventory.sharing_changed").exists()
    grouped("west", store.id, name="Wild West")
    assert AuditEntry.objects.filter(object_type="location_group").count() == 2
    assert not OutboxMessage.objects.filter(event_type="inventory.sharing_changed").exists()


def test_places_that_come_or_go_are_told() -> None:
    one, two = make.store().id, make.store().id
    group = grouped("west", one)
    grouped("west", two)
    told = OutboxMessage.objects.get(event_type="inventory.sharing_changed")
    assert (told.payload["cause"], told.payload["cause_id"]) == ("location_group", group)
    assert told.payload["location_ids"] == [one, two]


@pytest.mark.parametrize(("code", "name"), [("", "West"), ("west", "")])
def test_a_group_needs_a_code_and_a_name(code: str, name: str) -> None:
    with pytest.raises(InvalidInput):
        grouped(code, name=name)


def test_the_admin_keeps_groups_through_the_verb() -> None:
    one, two = make.store(), make.store()
    client = signed_in(Role.MERCHANDISER)
    client.post(reverse("admin:inventory_locationgroup_add"), {"code": "west", "name": "West", "places": [one.id]})
    group = LocationGroup.objects.get(code="west")
    page = client.get(reverse("admin:inventory_locationgroup_change", args=[group.pk]))
    assert page.context["adminform"].form.initial["places"] == [one.id]
    client.post(
        reverse("admin:inventory_locationgroup_change", args=[group.pk]), {"name": "West", "places": [one.id, two.id]}
    )
    groups.forget()
    assert groups.members()[group.pk] == {one.id, two.id}
    client.post(
        reverse("admin:inventory_locationgroup_change", args=[group.pk]), {"name": "Coast", "places": [one.id, two.id]}
    )
    group.refresh_from_db()
    assert group.name == "Coast"
    assert f"{one.code}, {two.code}" in client.get(reverse("admin:inventory_locationgroup_changelist")).content.decode()
    verbs = AuditEntry.objects.filter(object_type="location_group").values_list("verb", flat=True)
    assert list(verbs) == ["inventory.location_groups.set_group"] * 3


def test_who_does_not_share_keeps_no_groups() -> None:
    client = signed_in(Role.STORE_MANAGER)
    assert client.get(reverse("admin:inventory_locationgroup_add")).status_code in (302, 403)
    assert not LocationGroup.objects.exists()
