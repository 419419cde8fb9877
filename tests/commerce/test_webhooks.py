"""Webhooks: who may get them and where, how they are signed, and what follows from every kind of answer."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from standardwebhooks import Webhook, WebhookVerificationError

from commerce import clock, deliveries, events, ids, outbox
from commerce.channels import addresses, delivery, endpoints, signing
from commerce.errors import InvalidInput
from commerce.models import AuditEntry, Channel, OutboxDelivery, WebhookEndpoint
from commerce.transactions import transaction
from tests.commerce import facts
from tests.commerce.facts import left, publish, rung, sold, states
from tests.commerce.receiver import Receiver, Reply, receiving
from tests.factories import commerce as factory

pytestmark = pytest.mark.django_db(transaction=True)
STORY = ("bell.sold", "bells.left")


@pytest.fixture(autouse=True)
def _bells() -> Iterator[None]:
    with events.isolated():
        facts.declare()
        yield


@pytest.fixture
def shop() -> Channel:
    return factory.channel()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def add(shop: Channel, url: str, *types: str) -> tuple[endpoints.Endpoint, str]:
    with transaction():
        return endpoints.add(shop.pk, url, types or STORY, by=facts.RINGER)


def subscriber(endpoint: endpoints.Endpoint) -> str:
    return f"webhook:{endpoint.id}"


def deliver(at: datetime | None = None) -> int:
    """Sequence, then send what is due (at another time, if one is given)."""
    with clock.frozen(at or clock.now()):
        while deliveries.sequence_batch():
            pass
        return delivery.deliver_due(within=20)


# --- the story ------------------------------------------------------------------------------------------------------


def test_a_channel_gets_its_public_events_signed_and_in_order(shop: Channel, receiver: Receiver) -> None:
    endpoint, secret = add(shop, receiver.url)
    other = factory.channel()
    publish(sold("a", 1, shop.pk), rung("a", 2), sold("b", 1, other.pk), sold("c", 1), sold("a", 3, shop.pk, note="é"))
    assert deliver() == 2
    first, second = receiver.got
    assert receiver.sequences("bell:a") == [1, 3]
    stored = OutboxDelivery.objects.get(message__aggregate_sequence=3).message
    assert second.document == {
        "id": str(stored.message_id),
        "type": "bell.sold",
        **dict.fromkeys(("occurred_at", "timestamp"), clock.utc_text(stored.occurred_at)),
        "data": {"bell": "a", "note": "é"},
        "position": 5,
        "aggregate": "bell:a",
        "aggregate_sequence": 3,
        "schema_version": 1,
    }
    assert second.id == str(stored.message_id)
    assert second.headers["content-type"] == "application/json"
    assert Webhook(secret).verify(second.body, second.headers) == second.document
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(second.body.replace(b"5", b"6"), second.headers)
    assert first.id != second.id
    assert states(subscriber(endpoint)) == ["done", "done"]
    assert deliver() == 0


def test_only_the_newest_state_is_sent(shop: Channel, receiver: Receiver) -> None:
    endpoint, _ = add(shop, receiver.url)
    publish(*(left("a", n, shop.pk) for n in range(1, 6)), left("b", 1, shop.pk))
    deliver()
    assert receiver.sequences("bell:a") == [5]
    assert receiver.sequences("bell:b") == [1]
    assert states(subscriber(endpoint)) == ["superseded"] * 4 + ["done"] * 2


def test_a_state_on_its_way_is_not_superseded_and_the_newer_one_follows_it(shop: Channel, receiver: Receiver) -> None:
    endpoint, _ = add(shop, receiver.url)
    publish(left("a", 1, shop.pk))
    deliveries.sequence_batch()
    (target,) = delivery.Pump()._ready()
    with transaction():
        (claimed,) = deliveries.lease({subscriber(endpoint): 4}, until=clock.now() + delivery.LEASE)
    publish(left("a", 2, shop.pk))
    assert deliver() == 0  # the first one is still out there
    delivery.record([(target, claimed, delivery.send(addresses.session(), target, claimed.message))])
    assert deliver() == 1
    assert receiver.sequences("bell:a") == [1, 2]
    assert states(subscriber(endpoint)) == ["done", "done"]


def test_aggregates_go_side_by_side_but_each_in_order(shop: Channel, receiver: Receiver) -> None:
    add(shop, receiver.url)
    receiver.answer = lambda got: Reply(200, delay=0.03)
    publish(*(sold(bell, n, shop.pk) for n in (1, 2, 3) for bell in "abcd"))
    assert deliver() == 12
    for bell in "abcd":
        assert receiver.sequences(f"bell:{bell}") == [1, 2, 3]
    assert 1 < receiver.most_at_once <= delivery.AT_ONCE_PER_ENDPOINT
    assert len({got.connection for got in receiver.got}) <= delivery.SENDERS


# --- answers that are no success ------------------------------------------------------------------------------------


def test_failures_are_retried_by_the_recommended_schedule_with_the_same_id_then_parked(
    shop: Channel, receiver: Receiver
) -> None:
    endpoint, _ = add(shop, receiver.url)
    receiver.answer = lambda got: Reply(500, body=b"<h1>out of order</h1>")
    publish(sold("a", 1, shop.pk), sold("a", 2, shop.pk))
    at = clock.now()
    for attempt in range(1, 11):
        assert deliver(at) == 1
        row = OutboxDelivery.objects.get(message__aggregate_sequence=1)
        assert row.attempts == attempt
        if attempt <= 9:
            pause = timedelta(seconds=delivery.RETRY_SECONDS[attempt - 1])
            assert at + pause <= row.next_attempt_at <= at + pause * 1.2
            WebhookEndpoint.objects.update(open_until=None)  # the breaker has a test of its own
            at = row.next_attempt_at + timedelta(seconds=1)
    assert len({got.id for got in receiver.got}) == 1
    (parked,) = outbox.parked()
    assert (parked.url, parked.attempts, parked.behind) == (receiver.url, 10, 1)
    assert parked.last_error.startswith("HTTP 500")
    assert "out of order" in parked.last_error

    receiver.answer = lambda got: Reply(200)
    with transaction(), clock.frozen(at):
        outbox.retry(parked.id, by=facts.RINGER)
    WebhookEndpoint.objects.update(open_until=None)
    assert deliver(at) == 2
    assert receiver.sequences("bell:a")[-2:] == [1, 2]
    assert states(subscriber(endpoint)) == ["done", "done"]
    assert endpoints.one(endpoint.id, channel_id=shop.pk).consecutive_failures == 0


def test_what_is_logged_and_shown_tells_no_secrets(shop: Channel, receiver: Receiver) -> None:
    add(shop, f"{receiver.url.replace('http:', 'https:')}?token=s3cret-of-theirs")  # it speaks no TLS
    publish(sold("a", 1, shop.pk))
    deliver()
    error = OutboxDelivery.objects.get().last_error
    assert "?…" in error
    assert "s3cret" not in error
    assert "whsec" not in repr(delivery.Target(ids.new(), "https://hooks.example/", ("whsec_x",), False))


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_asks_for_a_pause_gets_it_for_all_its_messages(
    shop: Channel, receiver: Receiver, status: int
) -> None:
    add(shop, receiver.url)
    receiver.answer = lambda got: Reply(status, {"Retry-After": "120"})
    publish(sold("a", 1, shop.pk))
    at = clock.now()
    assert deliver(at) == 1
    assert OutboxDelivery.objects.get().next_attempt_at == at + timedelta(seconds=120)
    receiver.answer = lambda got: Reply(200)
    publish(sold("b", 1, shop.pk))
    assert deliver(at + timedelta(seconds=119)) == 0
    assert deliver(at + timedelta(seconds=121)) == 2


def test_other_answers_do_not_set_the_pace(shop: Channel, receiver: Receiver) -> None:
    add(shop, receiver.url)
    receiver.answer = lambda got: Reply(404, {"Retry-After": "86400"})
    publish(sold("a", 1, shop.pk))
    at = clock.now()
    deliver(at)
    assert OutboxDelivery.objects.get().next_attempt_at <= at + timedelta(seconds=6)


def test_a_redirect_is_not_followed(shop: Channel, receiver: Receiver) -> None:
    add(shop, receiver.url)
    receiver.answer = lambda got: Reply(307, {"Location": receiver.url})
    publish(sold("a", 1, shop.pk))
    deliver()
    assert len(receiver.got) == 1
    assert OutboxDelivery.objects.get().last_error.startswith("HTTP 307")


def test_an_endpoint_that_is_gone_is_deactivated_and_goes_on_where_it_stopped_when_it_is_back(
    shop: Channel, receiver: Receiver
) -> None:
    endpoint, _ = add(shop, receiver.url)
    receiver.answer = lambda got: Reply(410)
    publish(sold("a", 1, shop.pk), sold("a", 2, shop.pk))
    at = clock.now()
    deliver(at)
    assert not endpoints.one(endpoint.id, channel_id=shop.pk).is_active
    assert AuditEntry.objects.get(verb="commerce.endpoints.deactivate").reason == "It answered 410 Gone."
    publish(sold("a", 3, shop.pk))
    assert deliver(at + timedelta(days=1)) == 0

    receiver.answer = lambda got: Reply(200)
    with transaction():
        endpoints.change(endpoint.id, channel_id=shop.pk, is_active=True, by=facts.RINGER)
    publish(sold("a", 4, shop.pk))
    deliver(at + timedelta(days=1))
    assert receiver.sequences("bell:a") == [1, 1, 2, 4]  # 3 happened while nobody wanted to hear it


def test_a_dead_endpoint_rests_is_probed_and_recovers_without_delaying_others(
    shop: Channel, receiver: Receiver
) -> None:
    dead, _ = add(shop, "http://127.0.0.1:9/nobody")
    add(shop, receiver.url)
    at = clock.now()
    publish(*(sold(f"b{n}", 1, shop.pk) for n in range(20)))
    deliver(at)
    assert len(receiver.got) == 20
    state = endpoints.one(dead.id, channel_id=shop.pk)
    assert delivery.BREAKER_FAILURES <= state.consecutive_failures < 20
    assert state.open_until is not None
    assert state.open_until > at

    tried = sum(OutboxDelivery.objects.filter(subscriber=subscriber(dead)).values_list("attempts", flat=True))
    assert deliver(at + timedelta(seconds=1)) == 0
    later = state.open_until + timedelta(seconds=1)
    assert deliver(later) == 1  # one probe only
    attempts = OutboxDelivery.objects.filter(subscriber=subscriber(dead)).values_list("attempts", flat=True)
    assert sum(attempts) == tried + 1

    receiver.got.clear()
    with transaction():
        endpoints.change(dead.id, channel_id=shop.pk, url=receiver.url, by=facts.RINGER)
    deliver(later + timedelta(days=1))
    assert len(receiver.got) == 20
    assert set(states(subscriber(dead))) == {"done"}


def test_an_endpoint_that_never_answers_is_given_up(shop: Channel) -> None:
    endpoint, _ = add(shop, "http://127.0.0.1:9/nobody")
    WebhookEndpoint.objects.update(consecutive_failures=delivery.GIVES_UP_AFTER - 1)
    publish(sold("a", 1, shop.pk))
    deliver()
    assert not endpoints.one(endpoint.id, channel_id=shop.pk).is_active
    assert "in a row" in AuditEntry.objects.get(verb="commerce.endpoints.deactivate").reason


def test_a_crash_between_sending_and_recording_sends_again_with_the_same_id(shop: Channel, receiver: Receiver) -> None:
    endpoint, _ = add(shop, receiver.url)
    publish(sold("a", 1, shop.pk), sold("a", 2, shop.pk))
    deliveries.sequence_batch()
    (target,) = delivery.Pump()._ready()
    at = clock.now()
    with transaction():
        leased = deliveries.lease({subscriber(endpoint): 4}, until=at + delivery.LEASE)
    assert [claimed.message.aggregate_sequence for claimed in leased] == [1]
    answer = delivery.send(addresses.session(), target, leased[0].message)
    assert answer.is_success  # and here the process dies

    assert deliver(at + delivery.LEASE / 2) == 0
    assert deliver(at + delivery.LEASE + timedelta(seconds=1)) == 2
    assert receiver.sequences("bell:a") == [1, 1, 2]
    assert receiver.got[0].id == receiver.got[1].id
    assert receiver.got[0].body == receiver.got[1].body

    delivery.record([(target, leased[0], delivery.Answer(500, "too late"))])  # the dead one's answer changes nothing
    assert states(subscriber(endpoint)) == ["done", "done"]


def test_a_slow_receiver_runs_into_the_limit(
    shop: Channel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "READ_SECONDS", 0.2)
    add(shop, receiver.url)
    receiver.answer = lambda got: Reply(200, delay=1.0)
    publish(sold("a", 1, shop.pk))
    deliver()
    row = OutboxDelivery.objects.get()
    assert (row.state, row.attempts) == ("pending", 1)
    assert "Timeout" in row.last_error


# --- secrets and signatures -----------------------------------------------------------------------------------------


def test_during_a_rotation_both_secrets_sign(shop: Channel, receiver: Receiver) -> None:
    endpoint, old = add(shop, receiver.url)
    with transaction():
        changed, new = endpoints.rotate_secret(
            endpoint.id, channel_id=shop.pk, overlap=timedelta(hours=1), by=facts.RINGER
        )
    assert old != new
    publish(sold("a", 1, shop.pk))
    deliver()
    (got,) = receiver.got
    assert len(got.headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(got.body, got.headers)

    assert changed.previous_secret_until is not None
    publish(sold("a", 2, shop.pk))
    deliver(changed.previous_secret_until + timedelta(seconds=1))
    assert len(receiver.got[1].headers["webhook-signature"].split(" ")) == 1
    with pytest.raises(InvalidInput), transaction():
        endpoints.rotate_secret(endpoint.id, channel_id=shop.pk, overlap=timedelta(days=8), by=facts.RINGER)


def test_secrets_are_encrypted_at_rest_and_survive_a_rotation_of_the_secret_key(
    shop: Channel, receiver: Receiver
) -> None:
    _, secret = add(shop, receiver.url)
    sealed = bytes(WebhookEndpoint.objects.get().secret)
    assert secret.encode() not in sealed
    assert signing.unseal(sealed) == secret
    with override_settings(SECRET_KEY="another " * 8, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert signing.unseal(sealed) == secret
    publish(sold("a", 1, shop.pk))
    with override_settings(SECRET_KEY="another " * 8, SECRET_KEY_FALLBACKS=[]):
        deliver()
    assert "SECRET_KEY" in OutboxDelivery.objects.get().last_error
    assert receiver.got == []


# --- where webhooks may go ------------------------------------------------------------------------------------------


def test_an_address_inside_our_network_is_refused(shop: Channel) -> None:
    with override_settings(WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES=False), pytest.raises(InvalidInput) as refusal:
        add(shop, "https://169.254.169.254/latest")
    (error,) = refusal.value.errors
    assert (error["field"], error["value"]) == ("url", "https://169.254.169.254/latest")
    assert "not a public address" in error["message"]


def test_a_name_that_changes_its_mind_gains_nothing(
    shop: Channel, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name leads to a public address when the endpoint is added, and into our network when it is connected to."""
    answers = {"address": "93.184.215.14"}
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *args, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers["address"], port))],
    )
    with override_settings(WEBHOOKS_MAY_REACH_PRIVATE_ADDRESSES=False):
        add(shop, receiver.url.replace("127.0.0.1", "rebinding.example"))
        answers["address"] = "127.0.0.1"
        publish(sold("a", 1, shop.pk))
        deliver()
    assert receiver.got == []
    assert "not a public address" in OutboxDelivery.objects.get().last_error


@pytest.mark.parametrize(
    ("beginning", "states"),
    [
        (b"HTTP/1.1 ", {"pending"}),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", {"done", "pending"}),  # how the connection ends decides whether that was said
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", {"done"}),  # it did say that it has the message
        (b"HTTP/1.1 500 Oh\r\nConnection: close\r\n\r\n", {"pending"}),
    ],
)
def test_a_receiver_that_drips_its_answer_is_cut_off(
    shop: Channel, monkeypatch: pytest.MonkeyPatch, beginning: bytes, states: set[str]
) -> None:
    monkeypatch.setattr(delivery, "LONGEST_ATTEMPT_SECONDS", 0.5)
    is_over = threading.Event()

    def drip(server: socket.socket) -> None:
        with server.accept()[0] as caller, suppress(OSError):
            caller.sendall(beginning)
            while not is_over.wait(0.05):
                caller.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        dripping = threading.Thread(target=drip, args=(server,), daemon=True)
        dripping.start()
        add(shop, f"http://127.0.0.1:{server.getsockname()[1]}/")
        publish(sold("a", 1, shop.pk))
        began = time.monotonic()
        deliver()
        took = time.monotonic() - began
        is_over.set()
        dripping.join()
    (row,) = OutboxDelivery.objects.filter(subscriber__startswith="webhook:")
    assert row.state in states
    assert row.attempts == 1
    assert took < 5
