"""What a process of a race does: `python -m tests.races.jobs NAME JSON`. It says "ready", waits for a line, works, prints JSON."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any


def reserve(*, product_id: int, location_id: int, channel_id: int, times: int) -> dict[str, int]:
    """Ask for one piece so many times, each in a transaction of its own; count the verdicts."""
    from datetime import timedelta

    from commerce import clock, ids
    from commerce.actors import Actor
    from commerce.transactions import transaction
    from inventory import reservations
    from inventory.reservations import ReservationRequest
    from tests.races.crowds import summary

    verdicts: list[Any] = []
    for _ in range(times):
        now = clock.now()
        wanted = ReservationRequest(ids.new(), channel_id, location_id, ((product_id, 1),), now + timedelta(minutes=15))
        with transaction():
            verdicts += reservations.reserve([wanted], by=Actor.system("race"), at=now)
    return summary(verdicts)


def relay(*, deliveries: int, within: float) -> dict[str, int]:
    """Relay until so many deliveries are done by all relays together; the handlers write down what they hear, and who heard."""
    from commerce import events, inbox
    from commerce import relay as outbox_relay
    from commerce.models import OutboxDelivery
    from tests.commerce import facts

    heard = {"single": 0, "batch": 0}

    def note(name: str, message: events.Received) -> None:
        payload = {"n": message.aggregate_sequence, "pid": os.getpid()}
        if not inbox.receive(f"{name}:{message.aggregate}", str(message.message_id), payload):
            raise AssertionError("heard twice")
        heard[name] += 1

    def batch(messages: list[events.Received]) -> None:
        for message in messages:
            note("batch", message)

    facts.declare()
    events.subscribe(facts.BellRung, name="tests.single", handler=lambda message: note("single", message))
    events.subscribe(facts.BellRung, name="tests.batch", handler=batch, batch=True)
    stop = threading.Event()
    thread = threading.Thread(target=outbox_relay.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + within
    while OutboxDelivery.objects.filter(state="done").count() < deliveries and time.monotonic() < deadline:
        stop.wait(0.05)
    stop.set()
    thread.join()
    return heard


def drain(*, within: float) -> int:
    """Relay whatever is there until nothing is left to do; return how much was moved."""
    from commerce import relay as outbox_relay

    return outbox_relay.drain(within=within)


JOBS: dict[str, Callable[..., Any]] = {"reserve": reserve, "relay": relay, "drain": drain}


def main(name: str, arguments: str) -> None:
    import django

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(JOBS[name](**json.loads(arguments))), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
