"""Days on the road: what is said of a way, the narrowest first, and who goes by it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db import transaction as django_transaction
from django.test import Client
from django.urls import reverse

from commerce import clock, ids
from commerce.errors import DuplicateCode, InvalidInput, NotFound
from commerce.models import AuditEntry
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import TransitTime
from inventory.places import locations, transit
from inventory.places.locations import LocationRef
from inventory.promising import promises
from inventory.transport import transfers
from inventory.transport.transfers import Wanted
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.promises import today

pytestmark = pytest.mark.django_db


def say(days: int, **way: Any) -> int:
    with transaction():
        return transit.add(days=days, by=BY, **way)


@pytest.fixture
def munich(db: None) -> LocationRef:
    return make.store(latitude=48.137, longitude=11.575, city="Munich", postal_code="80331")


@pytest.fixture
def berlin(db: None) -> LocationRef:
    return make.store()


def test_the_narrowest_that_is_said_counts(berlin: LocationRef, munich: LocationRef) -> None:
    near = make.store(latitude=52.4, longitude=13.06)
    assert (transit.transfer_days(berlin, near), transit.transfer_days(berlin, munich)) == (1, 2)
    say(5, up_to_km=600)
    say(3, up_to_km=100)
    assert (transit.transfer_days(berlin, near), transit.transfer_days(berlin, munich)) == (3, 5)
    say(4, origin_id=berlin.id, up_to_km=600)
    assert (transit.transfer_days(berlin, munich), transit.transfer_days(munich, berlin)) == (4, 5)
    say(7, destination_id=munich.id)
    assert transit.transfer_days(berlin, munich) == 7
    pair = say(0, origin_id=berlin.id, destination_id=munich.id)
    assert transit.transfer_days(berlin, munich) == 0
    with transaction():
        transit.change(pair, days=6, by=BY)
    assert transit.transfer_days(berlin, munich) == 6
    with transaction():
        transit.remove(pair, by=BY)
        transit.remove(pair, by=BY)
    assert transit.transfer_days(berlin, munich) == 7
    verbs = list(
        AuditEntry.objects.filter(object_type="transit_time", object_id=str(pair)).values_list("verb", flat=True)
    )
    assert sorted(verbs) == ["inventory.transit.add", "inventory.transit.change", "inventory.transit.remove"]


def test_parcels_take_what_is_said_of_the_country(berlin: LocationRef, munich: LocationRef) -> None:
    assert (transit.parcel_days(berlin, "DE"), transit.parcel_days(berlin, "AT")) == (2, 5)
    say(3, country="at")
    say(1, origin_id=munich.id, country="AT")
    assert (transit.parcel_days(berlin, "AT"), transit.parcel_days(munich, "AT")) == (3, 1)


def test_a_place_that_nobody_knows_where_it_is_counts_as_far_away(berlin: LocationRef) -> None:
    lost = make.store(latitude=None, longitude=None)
    say(9, up_to_km=5_000)
    assert transit.transfer_days(berlin, lost) == transit.FAR_DAYS


@pytest.mark.parametrize(
    ("way", "field"),
    [
        ({}, "destination"),
        ({"country": "DE", "up_to_km": 5}, "destination"),
        ({"country": "Germany"}, "country"),
        ({"country": "DE", "days": -1}, "days"),
        ({"country": "DE", "days": 91}, "days"),
        ({"up_to_km": 0}, "up_to_km"),
    ],
)
def test_what_makes_no_way_is_refused_with_its_field(way: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused, transaction():
        transit.add(**({"days": 2} | way), by=BY)
    assert [error["field"] for error in refused.value.errors] == [field]
    assert not TransitTime.objects.exists()


def test_nothing_travels_to_itself_or_through_customs_and_a_way_is_said_once(berlin: LocationRef) -> None:
    zurich = make.store(country="CH", region="ZH")
    for way in ({"destination_id": berlin.id}, {"destination_id": zurich.id}, {"country": "CH"}):
        with pytest.raises(InvalidInput), transaction():
            transit.add(days=1, origin_id=berlin.id, by=BY, **way)
    first = say(1, up_to_km=10)
    with pytest.raises(DuplicateCode), transaction():
        transit.add(days=2, up_to_km=10, by=BY)
    with pytest.raises(NotFound), transaction():
        transit.change(first + 1, days=2, by=BY)


def test_the_database_refuses_half_a_way(berlin: LocationRef) -> None:
    for law, values in [
        ("transit_time_says_where_to", {"days": 1}),
        ("transit_time_sane", {"days": 91, "country": "DE"}),
        ("transit_time_between_two_places", {"days": 1, "origin_id": berlin.id, "destination_id": berlin.id}),
    ]:
        with pytest.raises(IntegrityError, match=law), django_transaction.atomic():
            TransitTime.objects.create(**values)


def test_a_transfer_without_a_day_is_expected_when_the_way_says(shelf: Shelf, munich: LocationRef) -> None:
    say(4, origin_id=shelf.store.id, destination_id=munich.id)
    with transaction():
        draft = transfers.draft(
            ids.new(), origin_id=shelf.store.id, destination_id=munich.id, lines=[Wanted(shelf.product_id, 1)], by=BY,
            at=clock.now(),
        )  # fmt: skip
        sent = transfers.send(draft.id, by=BY, at=clock.now())
    assert sent.expected_on == today() + timedelta(days=4)


def test_promises_of_delivery_go_by_it(shelf: Shelf) -> None:
    at = clock.now()

    def arrives() -> Any:
        found = promises.promise(shelf.product_id, shelf.store.id, channel_id=None, country="DE", at=at)
        assert found is not None
        assert found.earliest_delivery is not None
        return found.earliest_delivery.arrives_on

    before = arrives()
    say(6, origin_id=shelf.store.id, country="DE")
    assert arrives() == before + timedelta(days=4)


def test_the_admin_keeps_them_and_says_what_is_wrong_beside_the_field(berlin: LocationRef, munich: LocationRef) -> None:
    person, client = shop.user(), Client()
    with transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    add = reverse("admin:inventory_transittime_add")
    form = {"origin": berlin.id, "destination": munich.id, "up_to_km": "", "country": "", "days": "3"}
    assert client.post(add, form).status_code == 302
    assert transit.transfer_days(berlin, munich) == 3
    row = TransitTime.objects.get()
    refused = client.post(add, form | {"destination": berlin.id})
    assert "Goods don&#x27;t travel to where they are." in refused.content.decode()
    change = reverse("admin:inventory_transittime_change", args=[row.pk])
    assert client.post(change, form | {"days": "5"}).status_code == 302
    listed = client.get(reverse("admin:inventory_transittime_changelist")).content.decode()
    assert f"{berlin.name} → {munich.name}" in listed
    action = {"action": "take_off", "_selected_action": [row.pk]}
    client.post(reverse("admin:inventory_transittime_changelist"), action)
    assert not TransitTime.objects.exists()
