"""The outbox against a dictionary: whoever fails, is parked, retried or dismissed, nothing is lost, doubled or overtaken."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Max
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from commerce import clock, deliveries, events, inbox, outbox
from commerce.models import InboxMessage, OutboxDelivery, OutboxMessage
from tests.commerce import facts
from tests.machines.examples import SECONDS_TO_SHRINK, Done, RolledBack, bounded, outcome

SINGLE, BATCH = "tests.single", "tests.batch"
# Who hears what. The first takes one message at a time, the second all that are due.
HEARS = {SINGLE: ("bell.rung", "bells.left"), BATCH: ("bell.rung", "bell.sold", "bells.left")}
SUBSCRIBERS = tuple(HEARS)
BELLS = ("a", "b", "c")
STATE_TYPES = {"bells.left"}
OPEN = ("pending", "parked")
PAUSES_SECONDS = (0.4, 0.5, 2, 10, 60, 600)
MAKERS: dict[str, Callable[[str, int], events.Event]] = {
    "bell.rung": facts.rung,
    "bell.sold": facts.sold,
    "bells.left": facts.left,
}

subscribers = st.sampled_from(SUBSCRIBERS)
bells = st.sampled_from(BELLS)


@dataclass
class Message:
    bell: str
    sequence: int
    type: str


@dataclass
class Delivery:
    """A message on its way to one subscriber; the model's own account of what the queue must do with it."""

    message: Message
    state: str = "pending"
    attempts: int = 0
    next_at: datetime | None = None


class OutboxMachine(RolledBack):
    def __init__(self) -> None:
        super().__init__()
        self._isolated = events.isolated()
        self._isolated.__enter__()
        facts.declare()
        for cls in (facts.BellRung, facts.BellSold, facts.BellsLeft):
            if cls.type in HEARS[SINGLE]:
                events.subscribe(cls, name=SINGLE, handler=self._single)
            if cls.type in HEARS[BATCH]:
                events.subscribe(cls, name=BATCH, handler=self._batch, batch=True)
        self.last_position = OutboxMessage.objects.aggregate(Max("position"))["position__max"] or 0
        self.sequences = dict.fromkeys(BELLS, 0)
        self.unsequenced: list[Message] = []
        self.placed = 0
        self.queues: dict[str, list[Delivery]] = {name: [] for name in SUBSCRIBERS}
        self.heard: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.deaf: set[tuple[str, str]] = set()  # (subscriber, bell): fails on every message of that bell

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self._isolated.__exit__(None, None, None)

    # --- the handlers, whose effect is a row ----------------------------------------------------------------------------

    def _hear(self, subscriber: str, message: events.Received) -> None:
        bell = message.payload["bell"]
        is_new = inbox.receive(
            f"{subscriber}:{bell}", str(message.message_id), {"n": message.aggregate_sequence, "type": message.type}
        )
        assert is_new, "the effect of an earlier attempt stayed"
        if (subscriber, bell) in self.deaf:
            raise ValueError(f"can't hear {bell}")

    def _single(self, message: events.Received) -> None:
        self._hear(SINGLE, message)

    def _batch(self, messages: list[events.Received]) -> None:
        for message in messages:
            self._hear(BATCH, message)

    # --- what happens ---------------------------------------------------------------------------------------------------

    @rule(told=st.lists(st.tuples(bells, st.sampled_from(sorted(MAKERS))), min_size=1, max_size=5))
    def publish(self, told: list[tuple[str, str]]) -> None:
        written = []
        for bell, event_type in told:
            self.sequences[bell] += 1
            written.append(MAKERS[event_type](bell, self.sequences[bell]))
            self.unsequenced.append(Message(bell, self.sequences[bell], event_type))
        assert isinstance(self.attempt(outbox.publish, written, by=facts.RINGER), Done)

    @rule(bell=bells)
    def publish_in_vain(self, bell: str) -> None:
        """What is rolled back was never said."""

        def fail() -> None:
            outbox.publish([facts.rung(bell, 999)], by=facts.RINGER)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            self.attempt(fail)

    @rule(at_most=st.sampled_from([1, 3, 1000]))
    def sequence(self, at_most: int) -> None:
        batch, self.unsequenced = self.unsequenced[:at_most], self.unsequenced[at_most:]
        assert self._now(deliveries.sequence_batch, at_most=at_most) == len(batch)
        self.placed += len(batch)
        for name, queue in self.queues.items():
            for message in batch:
                if message.type not in HEARS[name]:
                    continue
                if message.type in STATE_TYPES:  # the newest value of a bell makes older ones needless
                    for older in queue:
                        if older.state in OPEN and (older.message.bell, older.message.type) == (
                            message.bell,
                            message.type,
                        ):
                            older.state = "superseded"
                queue.append(Delivery(message, next_at=self.now))

    @rule(at_most=st.sampled_from([1, 2, 500]))
    def deliver(self, at_most: int) -> None:
        expected = sum(self._deliver(name, at_most) for name in SUBSCRIBERS)
        assert self._now(deliveries.deliver_batch, at_most=at_most) == expected

    def _deliver(self, name: str, at_most: int) -> int:
        """Each bell goes on until its first message that fails, is put off or parked; return how many were done."""
        claimed: list[Delivery] = []
        stopped: set[str] = set()
        for one in self.queues[name]:
            if one.state not in OPEN or one.message.bell in stopped:
                continue
            assert one.next_at is not None
            if one.state == "parked" or one.next_at > self.now:
                stopped.add(one.message.bell)
            elif len(claimed) < at_most:
                claimed.append(one)
        done = 0
        failed: set[str] = set()
        for one in claimed:
            bell = one.message.bell
            if bell in failed:
                continue
            if (name, bell) in self.deaf:
                failed.add(bell)
                self._put_off(one)
                continue
            one.state, one.attempts, done = "done", one.attempts + 1, done + 1
            self.heard[name, bell].append(one.message.sequence)
        return done

    def _put_off(self, one: Delivery) -> None:
        schedule = deliveries.HANDLER_RETRY_SECONDS
        if one.attempts >= len(schedule):
            one.state, one.next_at = "parked", self.now
        else:
            one.next_at = self.now + timedelta(seconds=schedule[one.attempts])
        one.attempts += 1

    @rule(subscriber=subscribers, bell=bells)
    def break_handler(self, subscriber: str, bell: str) -> None:
        self.deaf.add((subscriber, bell))

    @precondition(lambda self: self.deaf)
    @rule(data=st.data())
    def mend_handler(self, data: Any) -> None:
        self.deaf.discard(data.draw(st.sampled_from(sorted(self.deaf))))

    @rule(seconds=st.sampled_from(PAUSES_SECONDS))
    def wait_a_while(self, seconds: float) -> None:
        self.wait(seconds)

    @rule(subscriber=subscribers, bell=bells, event_type=st.sampled_from(["bell.rung", "bells.left"]))
    def fail_until_parked(self, subscriber: str, bell: str, event_type: str) -> None:
        """A handler that is broken for so long that a message uses up its attempts."""
        self.break_handler(subscriber, bell)
        self.publish([(bell, event_type), (bell, "bell.rung")])
        self.sequence(1000)
        for _ in range(len(deliveries.HANDLER_RETRY_SECONDS) + 1):
            self.deliver(500)
            self.wait(max(deliveries.HANDLER_RETRY_SECONDS))

    # --- what a person does about it ----------------------------------------------------------------------------------

    @precondition(lambda self: any(queue for queue in self.queues.values()))
    @rule(data=st.data(), verb=st.sampled_from(["retry", "dismiss"]))
    def decide(self, data: Any, verb: str) -> None:
        """Only what is parked can be tried again or given up."""
        name = data.draw(st.sampled_from([name for name in SUBSCRIBERS if self.queues[name]]))
        parked = [number for number, one in enumerate(self.queues[name]) if one.state == "parked"]
        number = data.draw(
            st.sampled_from(parked) if parked else st.integers(0, len(self.queues[name]) - 1), label="number"
        )
        one = self.queues[name][number]
        delivery_id = OutboxDelivery.objects.filter(subscriber=name).order_by("id").values_list("id", flat=True)[number]
        if verb == "retry":
            came = self.attempt(outbox.retry, delivery_id, by=facts.RINGER)
        else:
            came = self.attempt(outbox.dismiss, delivery_id, by=facts.RINGER, reason="nobody needs it")
        assert outcome(came) == ("done" if one.state == "parked" else "conflict")
        if one.state == "parked" and verb == "retry":
            self._again(one)
        elif one.state == "parked":
            one.state = "dismissed"

    @rule(subscriber=subscribers)
    def retry_all(self, subscriber: str) -> None:
        parked = [one for one in self.queues[subscriber] if one.state == "parked"]
        assert self.attempt(outbox.retry_all, subscriber, by=facts.RINGER) == Done(len(parked))
        for one in parked:
            self._again(one)

    def _again(self, one: Delivery) -> None:
        one.state, one.attempts, one.next_at = "pending", 0, self.now

    # --- what must be true ------------------------------------------------------------------------------------------------

    @invariant()
    def queues_are_those_of_the_dictionary(self) -> None:
        stored: dict[str, list[tuple[str, str, int, int, datetime | None]]] = {name: [] for name in SUBSCRIBERS}
        for name, bell, state, attempts, sequence, next_at in (
            OutboxDelivery.objects.filter(subscriber__in=SUBSCRIBERS)
            .order_by("id")
            .values_list(
                "subscriber", "aggregate", "state", "attempts", "message__aggregate_sequence", "next_attempt_at"
            )
        ):
            stored[name].append((bell, state, attempts, sequence, next_at if state in OPEN else None))
        assert stored == {
            name: [
                (
                    f"bell:{one.message.bell}",
                    one.state,
                    one.attempts,
                    one.message.sequence,
                    one.next_at if one.state in OPEN else None,
                )
                for one in queue
            ]
            for name, queue in self.queues.items()
        }

    @invariant()
    def each_was_heard_once_and_in_order(self) -> None:
        heard: dict[tuple[str, str], list[int]] = defaultdict(list)
        for source, payload in InboxMessage.objects.order_by("id").values_list("source", "payload"):
            name, _, bell = source.partition(":")
            if name in SUBSCRIBERS:
                heard[name, bell].append(payload["n"])
        assert heard == self.heard
        assert all(numbers == sorted(set(numbers)) for numbers in heard.values())

    @invariant()
    def positions_have_no_gap(self) -> None:
        positions = OutboxMessage.objects.filter(position__gt=self.last_position).order_by("id")
        expected = list(range(self.last_position + 1, self.last_position + self.placed + 1))
        assert list(positions.values_list("position", flat=True)) == expected

    def at_the_end(self) -> None:
        """With every handler well and everything tried again, nothing is missing that was not given up by a person."""
        self.deaf.clear()
        self.sequence(1000)
        for name in SUBSCRIBERS:
            self.retry_all(name)
        self.wait(max(deliveries.HANDLER_RETRY_SECONDS))
        self.deliver(500)
        self.queues_are_those_of_the_dictionary()
        self.each_was_heard_once_and_in_order()
        assert outbox.parked_count() == 0
        for name, queue in self.queues.items():
            assert {one.state for one in queue} <= {"done", "superseded", "dismissed"}
            for bell in BELLS:
                about = [one for one in queue if one.message.bell == bell]
                owed = [one for one in about if one.message.type not in STATE_TYPES and one.state != "dismissed"]
                assert {one.message.sequence for one in owed} <= set(self.heard.get((name, bell), []))
                values = [one for one in about if one.message.type in STATE_TYPES]
                if values and values[-1].state != "dismissed":  # the newest value arrived, whatever came before it
                    assert values[-1].message.sequence in self.heard.get((name, bell), [])

    def _now(self, step: Any, **options: Any) -> int:
        """Take a step of the relay, which opens its own transactions, at the machine's time."""
        with clock.frozen(self.now):
            return int(step(**options))


@pytest.mark.slow
@pytest.mark.timeout(SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_the_outbox_is_a_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "JITTER", 0.0)  # so that the model can say when
    run_state_machine_as_test(OutboxMachine, settings=bounded(examples=50, steps=40))
