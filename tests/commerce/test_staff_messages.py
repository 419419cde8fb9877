"""The page for parked messages: what is shown, trying again, dropping for a reason, and who may."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.timezone import localtime

from commerce import clock, deliveries, events, outbox
from commerce.channels import endpoints
from commerce.models import AuditEntry, OutboxDelivery, WebhookEndpoint
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
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


def signed_in(role: Role, *, at_one_store: bool = False) -> Client:
    person, store, client = make.user(), make_inventory.store(), Client()
    with transaction():
        locations.assign(person, role, store.id if at_one_store else None, by=make.TESTER)
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


@pytest.fixture
def parked_webhook(deaf: Deaf) -> tuple[OutboxDelivery, WebhookEndpoint]:
    """A channel's message that gave up."""
    channel = make.channel()
    with transaction():
        endpoints.add(channel.pk, "http://127.0.0.1:9/kontor", [facts.BellSold.type], by=make.TESTER)
    facts.publish(facts.sold("a", 1, channel.pk))
    deliveries.sequence_batch()
    OutboxDelivery.objects.update(state="parked", attempts=10)
    return OutboxDelivery.objects.get(), WebhookEndpoint.objects.get()


def test_a_retry_says_when_a_receiver_is_left_alone_and_until_when(
    parked_webhook: tuple[OutboxDelivery, WebhookEndpoint],
) -> None:
    delivery, endpoint = parked_webhook
    client = signed_in(Role.ADMINISTRATOR)
    assert "left alone until" not in client.get(MESSAGES).content.decode()
    endpoint.open_until = clock.now() + timedelta(minutes=10)
    endpoint.save()
    says = f"left alone until {localtime(endpoint.open_until):%H:%M}"
    assert says in client.get(MESSAGES).content.decode()
    answer = client.post(f"{MESSAGES}{delivery.pk}/retry/", follow=True).content.decode()
    assert says in answer
    assert "on its way again" not in answer
    delivery.refresh_from_db()
    assert delivery.state == "pending"


def test_a_retry_says_that_a_receiver_is_switched_off(parked_webhook: tuple[OutboxDelivery, WebhookEndpoint]) -> None:
    delivery, endpoint = parked_webhook
    with transaction():
        endpoints.deactivate(endpoint.pk, by=make.TESTER, reason="gone")
    client = signed_in(Role.ADMINISTRATOR)
    assert "The receiver is switched off" in client.get(MESSAGES).content.decode()
    answer = client.post(f"{MESSAGES}{delivery.pk}/retry/", follow=True).content.decode()
    assert "The receiver is switched off" in answer
    assert "on its way again" not in answer


@pytest.mark.parametrize(
    ("role", "at_one_store"),
    [(role, False) for role in Role if role is not Role.ADMINISTRATOR] + [(Role.ADMINISTRATOR, True)],
)
def test_only_who_manages_messages_of_all_stores_may(
    parked: outbox.ParkedDelivery, role: Role, at_one_store: bool
) -> None:
    client = signed_in(role, at_one_store=at_one_store)
    rooms = client.get("/staff/more/").context["shell"].rooms_in_more
    assert "messages" not in {room.key for room in rooms}
    assert client.get(f"/admin/commerce/outboxdelivery/{parked.id}/change/", follow=True).status_code == 403
    assert client.get(MESSAGES).status_code == 403
    assert client.post(f"{MESSAGES}{parked.id}/retry/").status_code == 403
    assert client.post(f"{MESSAGES}{parked.id}/dismiss/", {"reason": "because I can"}).status_code == 403
    assert outbox.parked_count() == 1


def test_the_menu_counts_what_is_parked(parked: outbox.ParkedDelivery) -> None:
    rooms = signed_in(Role.ADMINISTRATOR).get("/staff/more/").context["shell"].rooms_in_more
    assert {room.key: room.waiting for room in rooms}["messages"] == 1
