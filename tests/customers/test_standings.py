"""Where customers stand: said by people or a system, audited without a name, and counted by routing."""

from uuid import uuid4

import pytest
from django.db import IntegrityError
from django.test import Client

from commerce import clock
from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.transactions import savepoint, transaction
from customers import standings
from customers.errors import ProfileNotFound
from customers.models import Standing
from customers.standings import USUAL, Stands
from orders.routing import importance
from tests.factories import commerce as ground
from tests.factories import customers as people

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
