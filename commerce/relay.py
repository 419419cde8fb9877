"""The relay: turns committed facts into delivered ones, as a process of its own or for a moment within a task.

Any number of relays may run at once, and any of them may die at any moment; see `commerce.deliveries` for why nothing is
lost or done twice. One thread sequences and serves the handlers, a second one sends webhooks, so that a slow receiver
never delays our own rooms.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, connection

from commerce import deliveries, events, logs, transactions
from commerce.channels import delivery
from commerce.errors import CommerceError

log = logs.get(__name__)

IDLE_SECONDS = 0.025  # between two looks at an empty outbox: one query each
LONGEST_REST = 2.0  # of a subscriber whose due messages all wait behind others
BROKEN_REST = 0.5  # of a subscriber whose delivery raised, so that the others get their turn first
LONGEST_RECONNECT_SECONDS = 5.0
STOP_SECONDS = 10.0  # for the answers of webhooks under way


@dataclass(slots=True)
class _Handlers:
    """Serves the handlers in turn. One whose queue is stuck is looked at less often: at most a tenth of the time."""

    resting_until: dict[str, float] = field(default_factory=dict)

    def step(self) -> int:
        done = 0
        for name in deliveries.due(deliveries.handlers()):
            began = time.monotonic()
            if began < self.resting_until.get(name, 0.0):
                continue
            self.resting_until[name] = began + BROKEN_REST  # stays so only when this raises
            delivered = deliveries.deliver_to(name)
            now = time.monotonic()
            self.resting_until[name] = now + (0.0 if delivered else min(LONGEST_REST, 9 * (now - began)))
            done += delivered
        return done


@transactions.durable
def drain(*, within: float = 60.0) -> int:
    """Sequence and deliver until nothing is due any more, for about so many seconds; return how much was moved.

    What is put off to a later time or parked is left alone.
    """
    deadline, moved = time.monotonic() + within, 0
    while time.monotonic() < deadline:
        step = deliveries.sequence_batch() + deliveries.deliver_batch()
        step += delivery.deliver_due(within=max(0.1, deadline - time.monotonic()))
        if not step:
            break
        moved += step
    return moved


@transactions.durable
def run(stop: threading.Event) -> None:
    """Sequence and deliver until `stop` is set; outlast a database that goes away and comes back."""
    _warn_of_the_unheard()
    nudge = threading.Event()
    sender = threading.Thread(target=_send_webhooks, args=(stop, nudge), name="webhooks")
    sender.start()
    handlers = _Handlers()

    def step() -> bool:
        sequenced = deliveries.sequence_batch()
        if sequenced:
            nudge.set()
        return bool(sequenced + handlers.step())

    try:
        while not stop.is_set():
            if not _outlasting(stop, step):
                stop.wait(IDLE_SECONDS)
    finally:
        stop.set()
        nudge.set()
        sender.join()
        connection.close()


def _send_webhooks(stop: threading.Event, nudge: threading.Event) -> None:
    pump = delivery.Pump()
    try:
        while not stop.is_set():
            if _outlasting(stop, lambda: bool(pump.step())):
                continue
            if pump.is_idle:
                nudge.wait(IDLE_SECONDS)
            else:
                pump.wait(IDLE_SECONDS)
            nudge.clear()
        _outlasting(stop, lambda: bool(pump.finish(within=STOP_SECONDS)))
    finally:
        pump.close()
        connection.close()


def _outlasting(stop: threading.Event, step: Callable[[], bool]) -> bool:
    """Take a step; when the database is gone or too busy, wait and try again until it works or the relay shall stop."""
    pause = 0.1
    while True:
        try:
            return step()
        except (DatabaseError, InterfaceError, CommerceError) as error:
            log.warning("relay waits", error=deliveries.error_text(error), seconds=pause)
            connection.close()
        except Exception:
            log.exception("relay step failed")  # a bug of ours; the next step may have other work
            connection.close()
        if stop.wait(pause):
            return False
        pause = min(2 * pause, LONGEST_RECONNECT_SECONDS)


def _warn_of_the_unheard() -> None:
    """Say which subscriptions name an event that nobody has registered: a typing error, or a room that is missing."""
    for subscription in events.subscriptions():
        if subscription.event_type not in events.types():
            log.warning(
                "subscription to an unknown event", subscriber=subscription.name, event_type=subscription.event_type
            )
