"""The page for parked messages: what is shown, trying again, dropping for a reason, and who may."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from commerce import clock, deliveries, events, outbox
from commerce.models import AuditEntry
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import locations
from tests.commerce import facts
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGES = "/staff/messages/"
SUBSCRIBER = "tests.deaf"


class Deaf:
    """A subscriber that can't hear until it is healed."""

    is_healed = False

    def __call__(self, message: events.Received) -> None:
        if not self.is_healed:
            raise ValueError("the bell is too quiet <for me>")


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    with events.isolated():
        facts.declare()
        subscriber = Deaf()
        events.subscribe(facts.BellRung, name=SUBSCRIBER, handler=subscriber)
        yield subscriber


def deliver() -> None:
    while deliveries.sequence_batch() + deliveries.deliver_batch():
        pass


@pytest.fixture
def parked(deaf: Deaf) -> outbox.ParkedDelivery:
    """A message that gave up, with another one waiting behind it."""
    facts.publish(facts.rung("a", 1, "ding & dong"), facts.rung("a", 2))
    start = clock.now()
    for days in range(len(deliveries.HANDLER_RETRY_SECONDS) + 1):
        with clock.frozen(start + timedelta(days=days)):
            deliver()
    (one,) = outbox.parked()
    return one


def signed_in(role: Role) -> Client:
    person, store, client = make.user(), make_inventory.store(), Client()
    with transaction():
        locations.assign(person, role, store.id, by=make.TESTER)
    client.force_login(person)
    return client


def test_a_parked_message_shows_what_happened_to_whom_why_and_what_it_carries(parked: outbox.ParkedDelivery) -> None:
    page = signed_in(Role.ADMINISTRATOR).get(MESSAGES).content.decode()
    for text in ("bell.rung", SUBSCRIBER, "the bell is too quiet &lt;for me&gt;", "bell:a", "ding &amp; dong"):
        assert text in page, text
    assert "1 message behind it goes on" in page


def test_trying_again_delivers_it_and_what_waited_behind(parked: outbox.ParkedDelivery, deaf: Deaf) -> None:
    client = signed_in(Role.ADMINISTRATOR)
    deaf.is_healed = True
    answer = client.post(f"{MESSAGES}{parked.id}/retry/", follow=True)
    assert "on its way again" in answer.content.decode()
    deliver()
    assert facts.states(SUBSCRIBER) == ["done", "done"]
    assert "Nothing is parked" in client.get(MESSAGES).content.decode()


def test_dropping_needs_a_reason_and_keeps_it(parked: outbox.ParkedDelivery, deaf: Deaf) -> None:
    client = signed_in(Role.ADMINISTRATOR)
    refused = client.post(f"{MESSAGES}{parked.id}/dismiss/", {"reason": " x "})
    assert refused.status_code == 422
    assert "Say why it may be dropped" in refused.content.decode()
    assert outbox.parked_count() == 1
    deaf.is_healed = True
    client.post(f"{MESSAGES}{parked.id}/dismiss/", {"reason": "Told them by phone"})
    deliver()
    assert facts.states(SUBSCRIBER) == ["dismissed", "done"]
    entry = AuditEntry.objects.get(verb="commerce.outbox.dismiss", object_id=str(parked.id))
    assert (entry.actor_kind, entry.reason) == ("staff", "Told them by phone")


def test_who_comes_too_late_is_told_so(parked: outbox.ParkedDelivery) -> None:
    client = signed_in(Role.ADMINISTRATOR)
    client.post(f"{MESSAGES}{parked.id}/dismiss/", {"reason": "first"})
    late = client.post(f"{MESSAGES}{parked.id}/retry/", follow=True)
    assert "changed in the meantime" in late.content.decode()
    unknown = client.post(f"{MESSAGES}999999/dismiss/", {"reason": "nothing there"}, follow=True)
    assert "doesn’t exist" in unknown.content.decode()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_who_manages_messages_may(parked: outbox.ParkedDelivery, role: Role) -> None:
    client = signed_in(role)
    assert client.get(MESSAGES).status_code == 403
    assert client.post(f"{MESSAGES}{parked.id}/retry/").status_code == 403
    assert client.post(f"{MESSAGES}{parked.id}/dismiss/", {"reason": "because I can"}).status_code == 403
    assert outbox.parked_count() == 1


def test_the_menu_counts_what_is_parked(parked: outbox.ParkedDelivery) -> None:
    rooms = signed_in(Role.ADMINISTRATOR).get("/staff/more/").context["shell"].rooms_in_more
    assert {room.key: room.waiting for room in rooms}["messages"] == 1
