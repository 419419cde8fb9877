"""Recognising people: found, made once, never merged by guess; every change signed without personal values."""

import json
from threading import Barrier, Thread
from uuid import uuid4

import pytest
from django.db import connection

from commerce import audit, clock, transactions
from commerce.actors import Actor
from customers import profiles
from customers.errors import IdentifierNotFound, IdentifierTaken, InvalidIdentifier, ProfileNotFound
from customers.identifiers import IdentifierKind
from customers.models import Identifier, Profile
from customers.profiles import Person
from tests.factories import customers as make

pytestmark = pytest.mark.django_db

BY = Actor.system("tests")


def story(profile_id):
    return [entry.after for entry in audit.timeline("customer", profile_id)]


def test_someone_new_gets_a_profile_and_is_known_the_next_time(django_assert_num_queries):
    ada = make.person(name="Ada", email=" Ada@Example.org", phone="030 123456", channel_customer_id="7")
    profile = Profile.objects.get(pk=ada)
    assert (profile.name, profile.language, profile.country) == ("Ada", "de", "DE")
    assert set(profile.identifiers.values_list("kind", "scope", "value", "is_verified")) == {
        ("email", "", "ada@example.org", False),
        ("phone", "", "+4930123456", False),
        ("channel_customer", "web", "7", True),
    }
    assert story(ada) == [{"is_new": True, "gained": ["channel_customer", "email", "phone"]}]
    with transactions.transaction(), django_assert_num_queries(1):
        again = profiles.recognise(
            name="A. Nother", email="ADA@example.org", phone="", language="en", country="AT", channel_code="app",
            channel_customer_id="", by=BY, at=clock.now(),
        )  # fmt: skip
    assert again == ada
    assert Profile.objects.get().name == "Ada"


def test_who_says_nothing_readable_is_nobody():
    assert make.person(name="Ada", email="", phone="") is None
    assert make.person(name="Ada", email="no address", phone="***") is None
    assert Profile.objects.count() == 0


def test_what_is_new_of_someone_known_is_added():
    ada = make.person(name="", email="ada@example.org")
    assert make.person(name="Ada", email="ada@example.org", phone="030 123456") == ada
    assert make.person(email="", phone="+4930123456", channel_customer_id="9") == ada
    assert Profile.objects.get().name == "Ada"
    assert Identifier.objects.filter(profile_id=ada).count() == 3
    assert [entry.get("gained") for entry in story(ada)] == [["email"], ["phone"], ["channel_customer"]]


def test_identifiers_of_two_people_are_not_merged_but_noted_once():
    ada = make.person(email="ada@example.org", phone="")
    bob = make.person(email="", phone="030 123456")
    for _ in range(2):
        assert make.person(email="ada@example.org", phone="030 123456") == ada
    assert [entry for entry in story(ada) if "possible_duplicate" in entry] == [{"possible_duplicate": str(bob)}]
    assert Profile.objects.count() == 2


def test_a_verified_identifier_decides_over_an_email():
    ada = make.person(email="ada@example.org")
    shop = make.person(email="", channel_customer_id="7")
    assert make.person(email="ada@example.org", channel_customer_id="7") == shop
    assert story(shop)[-1] == {"possible_duplicate": str(ada)}


def test_a_shared_phone_does_not_make_two_addresses_one_person():
    ada = make.person(email="ada@example.org", phone="030 123456")
    bob = make.person(email="bob@example.org", phone="030 123456")
    assert bob != ada
    assert {"possible_duplicate": str(ada)} in story(bob)
    assert make.person(email="", phone="030 123456") == ada


def test_a_batch_recognises_each_person_once():
    ada = make.person(email="ada@example.org")
    people = [
        Person(email="bob@example.org", name="Bob", channel_code="web"),
        Person(email="ada@example.org"),
        Person(),
        Person(email="BOB@example.org", phone="030 123456", country="DE"),
        Person(phone="+4930123456"),
    ]
    with transactions.transaction():
        found = profiles.recognise_many(people, by=[BY] * len(people), at=clock.now())
    assert found[1:3] == [ada, None]
    assert found[0] == found[3] == found[4] != ada
    assert Profile.objects.count() == 2


def test_each_person_of_a_batch_is_signed_by_who_described_them():
    eve = make.person(name="", email="eve@example.org", phone="")
    till, shop = Actor.system("till"), Actor.system("shop")
    people = [
        Person(email="bob@example.org", channel_code="web"),
        Person(email="BOB@example.org", phone="030 123456", country="DE"),
        Person(email="eve@example.org", name="Eve"),
        Person(email="eve@example.org", phone="030 123456", country="DE"),
    ]
    with transactions.transaction():
        bob, *_ = profiles.recognise_many(people, by=[till, shop, shop, till], at=clock.now())

    def told(profile_id):
        return [(entry.actor_id, entry.after) for entry in audit.timeline("customer", profile_id)]

    assert told(bob) == [
        ("till", {"is_new": True, "gained": ["email"]}),
        ("shop", {"is_new": False, "gained": ["phone"]}),
    ]
    assert told(eve)[1:] == [("till", {"possible_duplicate": str(bob)}), ("shop", {"named": True})]
    with transactions.transaction(), pytest.raises(ValueError, match="4 people are described by 1 actors"):
        profiles.recognise_many(people, by=[till], at=clock.now())


@pytest.mark.django_db(transaction=True)
def test_first_orders_of_one_person_at_once_give_one_profile():
    described = [
        {"email": "ada@example.org", "phone": ""},
        {"email": "ADA@example.org", "phone": "030 123456"},
        {"email": "ada@example.org", "channel_customer_id": "7"},
        {"email": "ada@example.org", "phone": "030 123456", "channel_customer_id": "7"},
    ] * 3
    start, found = Barrier(len(described)), []

    def order(details):
        try:
            start.wait(timeout=20)
            found.append(make.person(**details))
        finally:
            connection.close()

    threads = [Thread(target=order, args=(details,)) for details in described]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(found) == len(described)
    assert set(found) == {Profile.objects.get().pk}
    assert sorted(Identifier.objects.values_list("kind", flat=True)) == ["channel_customer", "email", "phone"]


def test_changes_are_signed_without_personal_values():
    ada = make.person(email="ada@example.org")
    with transactions.transaction():
        profiles.change(ada, name="Ada Lovelace", language="en", by=BY)
        phone = profiles.add_identifier(ada, IdentifierKind.PHONE, "030 123456", by=BY)
        profiles.change_identifier(ada, phone, "030 654321", by=BY)
        assert profiles.add_identifier(ada, IdentifierKind.PHONE, "+4930654321", is_verified=True, by=BY) == phone
        assert profiles.add_identifier(ada, IdentifierKind.PHONE, "+4930654321", by=BY) == phone
    assert Identifier.objects.get(pk=phone).is_verified
    with transactions.transaction():
        profiles.change_identifier(ada, phone, "030 777777", by=BY)
    assert not Identifier.objects.get(pk=phone).is_verified
    with transactions.transaction():
        profiles.remove_identifier(ada, phone, by=BY)
    entries = audit.timeline("customer", ada)
    assert [entry.verb.rsplit(".")[-1] for entry in entries] == [
        "recognise", "change", "add_identifier", "change_identifier", "add_identifier", "change_identifier",
        "remove_identifier",
    ]  # fmt: skip
    told = json.dumps([[entry.before, entry.after, entry.reason] for entry in entries])
    assert not any(secret in told for secret in ("Ada", "Lovelace", "ada@", "4930", "777777"))


def test_changes_that_cannot_be_are_refused():
    ada, bob = make.person(email="ada@example.org"), make.person(email="bob@example.org")
    his = Identifier.objects.get(profile_id=bob).pk
    refused = [
        (ProfileNotFound, lambda: profiles.change(uuid4(), name="X", by=BY)),
        (InvalidIdentifier, lambda: profiles.add_identifier(ada, IdentifierKind.EMAIL, "no address", by=BY)),
        (InvalidIdentifier, lambda: profiles.add_identifier(ada, IdentifierKind.CHANNEL_CUSTOMER, "7", by=BY)),
        (IdentifierTaken, lambda: profiles.add_identifier(ada, IdentifierKind.EMAIL, "BOB@example.org", by=BY)),
        (IdentifierTaken, lambda: profiles.change_identifier(bob, his, "ada@example.org", by=BY)),
        (IdentifierNotFound, lambda: profiles.change_identifier(ada, his, "new@example.org", by=BY)),
        (IdentifierNotFound, lambda: profiles.remove_identifier(ada, his, by=BY)),
    ]
    for error, attempt in refused:
        with pytest.raises(error) as refusal, transactions.transaction():
            attempt()
        assert "example.org" not in f"{refusal.value.message} {refusal.value.detail}"
    with pytest.raises(IdentifierTaken), transactions.transaction():  # the constraint, where Python did not look
        Identifier.objects.filter(pk=his).update(value="ada@example.org")
