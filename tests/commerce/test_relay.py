"""The relay as a process: quick when idle, safe beside others, and alive after its database was gone."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from commerce import clock, deliveries, events, inbox, outbox, relay
from commerce.channels import endpoints
from commerce.models import InboxMessage, OutboxDelivery, OutboxMessage
from commerce.transactions import TransactionMisuse, transaction
from tests.commerce import facts
from tests.commerce.facts import publish, rung, sold, states
from tests.commerce.receiver import receiving
from tests.factories import commerce as factory

pytestmark = pytest.mark.django_db(transaction=True)
BELLS = "tests.bells"
Eventually = Callable[..., object]


@pytest.fixture(autouse=True)
def _bells() -> Iterator[None]:
    with events.isolated():
        facts.declare()
        yield


def note_down(messages: list[events.Received]) -> None:
    """A batch handler whose effect is a row per message; its ids show the order."""
    for message in messages:
        assert inbox.receive(
            "bells", str(message.message_id), {"a": message.aggregate, "n": message.aggregate_sequence}
        )


def noted() -> list[tuple[str, int]]:
    rows = InboxMessage.objects.order_by("id").values_list("payload", flat=True)
    return [(row["a"], row["n"]) for row in rows]


@contextmanager
def running(relays: int = 1) -> Iterator[None]:
    stop = threading.Event()
    threads = [threading.Thread(target=relay.run, args=(stop,)) for _ in range(relays)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in threads)


def test_an_idle_relay_hands_a_fact_to_handlers_and_receivers_at_once(eventually: Eventually) -> None:
    events.subscribe(facts.BellSold, name=BELLS, handler=note_down, batch=True)
    channel_id = factory.channel().pk
    with receiving() as receiver, running():
        with transaction():
            endpoints.add(channel_id, receiver.url, ["bell.sold"], by=facts.RINGER)
        took = []
        for n in range(1, 6):
            began = time.monotonic()
            publish(sold("a", n, channel_id))
            eventually(lambda n=n: len(receiver.got) == n)
            took.append(receiver.got[-1].at - began)
        eventually(lambda: OutboxDelivery.objects.filter(state="done").count() == 10)
    assert sorted(took)[2] < 0.3
    assert noted() == [("bell:a", n) for n in range(1, 6)]


@pytest.mark.races
def test_two_relays_deliver_everything_once_and_in_order(eventually: Eventually) -> None:
    events.subscribe(facts.BellSold, name=BELLS, handler=note_down, batch=True)
    channel_id = factory.channel().pk
    with receiving() as receiver:
        with transaction():
            endpoints.add(channel_id, receiver.url, ["bell.sold"], by=facts.RINGER)
        with running(relays=2):
            for n in range(1, 16):
                publish(*(sold(f"{bell}", n, channel_id) for bell in range(10)))
            eventually(lambda: OutboxDelivery.objects.filter(state="done").count() == 300, within=30)
    everything = noted()
    assert len(everything) == 150
    assert len({got.id for got in receiver.got}) == len(receiver.got) == 150
    for bell in range(10):
        assert [n for aggregate, n in everything if aggregate == f"bell:{bell}"] == list(range(1, 16))
        assert receiver.sequences(f"bell:{bell}") == list(range(1, 16))
    assert sorted(OutboxMessage.objects.values_list("position", flat=True)) == list(range(1, 151))


@pytest.mark.races
def test_without_the_subscriber_s_lock_two_relays_would_overtake_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disease: the row locks alone let a second relay take the next message while the first is still at work."""
    started, go_on = threading.Event(), threading.Event()
    finished: list[int] = []

    def slow(message: events.Received) -> None:
        if message.aggregate_sequence == 1 and not started.is_set():
            started.set()
            go_on.wait(10)
        finished.append(message.aggregate_sequence)

    events.subscribe(facts.BellRung, name=BELLS, handler=slow)
    publish(rung("a", 1), rung("a", 2))
    deliveries.sequence_batch()

    def first() -> None:
        try:
            deliveries.deliver_to(BELLS, at_most=1)
        finally:
            connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(10)
    assert deliveries.deliver_to(BELLS) == 0  # with the lock: nothing happens while the first is at work
    with monkeypatch.context() as patched:
        patched.setattr(deliveries.locks, "try_hold", lambda purpose, name="": True)
        patched.setattr(deliveries, "_CLAIM", deliveries._CLAIM.replace("FOR UPDATE", "FOR UPDATE SKIP LOCKED"))
        deliveries.deliver_to(BELLS)
    assert finished == [2]
    go_on.set()
    thread.join()
    assert finished == [2, 1]


def test_a_relay_that_dies_at_work_leaves_no_half_effect(eventually: Eventually) -> None:
    """Its database session is ended while the handler is at work: the effect and the end of the delivery go together."""
    died = threading.Event()

    def fatal(messages: list[events.Received]) -> None:
        note_down(messages)
        if not died.is_set():
            died.set()
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    events.subscribe(facts.BellRung, name=BELLS, handler=fatal, batch=True)
    publish(*(rung("a", n) for n in range(1, 6)))
    with running():
        eventually(lambda: states(BELLS) == ["done"] * 5)
    assert died.is_set()
    assert noted() == [("bell:a", n) for n in range(1, 6)]
    assert set(OutboxDelivery.objects.values_list("attempts", flat=True)) == {1}  # the message was not to blame


def test_a_relay_outlasts_a_database_that_ends_its_sessions(eventually: Eventually) -> None:
    events.subscribe(facts.BellRung, name=BELLS, handler=note_down, batch=True)
    with running():
        publish(rung("a", 1))
        eventually(lambda: states(BELLS) == ["done"])
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'kontor'"
            )
        publish(rung("a", 2))
        eventually(lambda: states(BELLS) == ["done", "done"])
    assert noted() == [("bell:a", 1), ("bell:a", 2)]


def test_a_stuck_queue_does_not_keep_the_others_waiting(eventually: Eventually) -> None:
    def stuck(message: events.Received) -> None:
        raise ValueError("never")

    events.subscribe(facts.BellRung, name="tests.a-stuck", handler=stuck)
    events.subscribe(facts.BellRung, name="tests.z-well", handler=note_down, batch=True)
    with running():
        publish(*(rung("a", n) for n in range(1, 4)))
        eventually(lambda: states("tests.z-well") == ["done"] * 3)
    assert states("tests.a-stuck") == ["pending"] * 3


def test_draining_delivers_what_follows_from_what_it_delivers_and_leaves_the_rest() -> None:
    def resell(message: events.Received) -> None:
        if message.payload["note"] == "no":
            raise ValueError("no")
        outbox.publish([sold("a", message.aggregate_sequence)], by=facts.RINGER)

    events.subscribe(facts.BellRung, name="tests.first", handler=resell)
    events.subscribe(facts.BellSold, name="tests.second", handler=note_down, batch=True)
    publish(rung("a", 1), rung("b", 1, note="no"))
    call_command("relay_outbox", "--once", verbosity=0)
    assert noted() == [("bell:a", 1)]
    assert states("tests.first") == ["done", "pending"]
    with pytest.raises(TransactionMisuse), transaction():
        relay.drain()


def test_the_command_runs_until_it_is_told_to_stop() -> None:
    environment = os.environ | {"DATABASE_URL": _test_database(), "DJANGO_SETTINGS_MODULE": "commerce.settings"}
    process = subprocess.Popen(
        [sys.executable, "manage.py", "relay_outbox"], cwd=settings.BASE_DIR, env=environment, stderr=subprocess.PIPE
    )
    try:
        publish(rung("a", 1))
        deadline = clock.now().timestamp() + 30
        while OutboxMessage.objects.filter(position__isnull=True).exists():
            assert clock.now().timestamp() < deadline, "the command sequenced nothing"
            threading.Event().wait(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0, process.stderr.read() if process.stderr else ""
    finally:
        process.kill()
        process.communicate()


def _test_database() -> str:
    given = connection.get_connection_params()
    return f"postgresql://{given.get('user', '')}@/{given['dbname']}?host={given['host']}"
