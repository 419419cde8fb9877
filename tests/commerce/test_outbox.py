"""The outbox and its queue: nothing lost, nothing twice, in order per aggregate, failures kept to themselves."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from commerce import clock, context, deliveries, events, inbox, outbox
from commerce.errors import Conflict, InvalidInput, NotFound
from commerce.models import AuditEntry, InboxMessage, OutboxDelivery, OutboxMessage
from commerce.transactions import TransactionMisuse, transaction
from tests.commerce import facts
from tests.commerce.facts import left, publish, rung, sold, states

pytestmark = pytest.mark.django_db(transaction=True)
BELLS = "tests.bells"


@pytest.fixture(autouse=True)
def _bells() -> Iterator[None]:
    with events.isolated():
        facts.declare()
        yield


class Ear:
    """A subscriber that writes down what it heard, in the database: so that a rollback makes it forget."""

    def __init__(self, *types: type[events.Event], batch: bool = False, name: str = BELLS) -> None:
        self.batches: list[int] = []
        self.deaf_to: set[str] = set()
        for cls in types or (facts.BellRung,):
            events.subscribe(cls, name=name, handler=self.take_all if batch else self.take, batch=batch)

    def take(self, message: events.Received) -> None:
        inbox.receive("ear", str(message.message_id), {"aggregate": message.aggregate, "n": message.aggregate_sequence})
        if message.payload.get("note") in self.deaf_to:
            raise ValueError(f"can't hear {message.payload['note']}")

    def take_all(self, messages: list[events.Received]) -> None:
        self.batches.append(len(messages))
        for message in messages:
            self.take(message)

    @property
    def heard(self) -> list[tuple[str, int]]:
        rows = InboxMessage.objects.filter(source="ear").order_by("id").values_list("payload", flat=True)
        return [(row["aggregate"], row["n"]) for row in rows]


def deliver() -> int:
    """Everything that is due, until nothing more happens."""
    total = 0
    while moved := deliveries.sequence_batch() + deliveries.deliver_batch():
        total += moved
    return total


# --- publishing and sequencing --------------------------------------------------------------------------------------


def test_facts_are_written_with_the_transaction_that_makes_them_true() -> None:
    context.bind("req-1")
    publish(rung("a", 1, note="ding"), sold("a", 2))
    context.bind("")
    first, second = OutboxMessage.objects.order_by("id")
    assert (first.event_type, first.aggregate, first.aggregate_sequence) == ("bell.rung", "bell:a", 1)
    assert first.payload == {"bell": "a", "note": "ding"}
    assert (first.actor_kind, first.actor_id, first.request_id) == ("system", "tests", "req-1")
    assert (first.position, first.schema_version, first.channel_id) == (None, 1, None)
    assert second.event_type == "bell.sold"
    with pytest.raises(ZeroDivisionError), transaction():
        outbox.publish([rung("b", 1)], by=facts.RINGER) or 1 / 0
    assert OutboxMessage.objects.count() == 2


def test_publishing_needs_a_transaction_and_a_registered_type() -> None:
    with pytest.raises(TransactionMisuse):
        outbox.publish([rung("a", 1)], by=facts.RINGER)
    with events.isolated():
        events._types.pop("bell.rung")
        with pytest.raises(LookupError, match=r"bell\.rung"):
            publish(rung("a", 1))


def test_positions_have_no_gaps_even_when_ids_have() -> None:
    Ear()
    publish(rung("a", 1))
    with pytest.raises(ZeroDivisionError), transaction():
        outbox.publish([rung("a", 2)], by=facts.RINGER) or 1 / 0
    publish(rung("a", 2), rung("b", 1))
    assert deliveries.sequence_batch(at_most=2) == 2
    assert deliveries.sequence_batch() == 1
    assert deliveries.sequence_batch() == 0
    assert list(OutboxMessage.objects.order_by("id").values_list("position", flat=True)) == [1, 2, 3]


def test_every_subscriber_gets_its_own_delivery_of_what_it_asked_for() -> None:
    one, other = Ear(name="tests.one"), Ear(facts.BellSold, name="tests.other")
    publish(rung("a", 1), sold("a", 2), left("a", 3))
    assert deliver()
    assert states("tests.one") == ["done"]
    assert states("tests.other") == ["done"]
    assert sorted(one.heard) == sorted(other.heard) == [("bell:a", 1), ("bell:a", 2)]


# --- delivering -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [False, True], ids=["one at a time", "in batches"])
def test_messages_of_an_aggregate_arrive_in_order_and_once(batch: bool) -> None:
    ear = Ear(batch=batch)
    publish(*(rung(bell, n) for n in range(1, 6) for bell in "abc"))
    assert deliver() == 30  # 15 sequenced, 15 delivered
    for bell in "abc":
        assert [n for aggregate, n in ear.heard if aggregate == f"bell:{bell}"] == [1, 2, 3, 4, 5]
    assert ear.batches == ([15] if batch else [])
    assert deliver() == 0


def test_a_message_carries_its_envelope_and_its_actor() -> None:
    taken: list[events.Received] = []
    events.subscribe(facts.BellSold, name=BELLS, handler=taken.append)
    publish(sold("a", 7, note="dong"))
    deliver()
    (message,) = taken
    stored = OutboxMessage.objects.get()
    assert (message.message_id, message.position, message.occurred_at) == (stored.message_id, 1, stored.occurred_at)
    assert (message.type, message.aggregate, message.aggregate_sequence) == ("bell.sold", "bell:a", 7)
    assert message.payload == {"bell": "a", "note": "dong"}
    assert (message.actor.kind, message.actor.id) == ("system", "tests")


@pytest.mark.parametrize("batch", [False, True], ids=["one at a time", "in batches"])
def test_a_poisoned_message_is_parked_and_its_neighbours_are_done(batch: bool) -> None:
    ear = Ear(batch=batch)
    ear.deaf_to = {"poison"}
    publish(*(rung(f"b{n}", 1, note="poison" if n == 5 else "") for n in range(12)), rung("b5", 2))
    start = clock.now()
    deliver()
    assert len(ear.heard) == 11
    assert ("bell:b5", 2) not in ear.heard
    poisoned = OutboxDelivery.objects.get(state="pending", attempts=1)
    assert "can't hear poison" in poisoned.last_error
    assert start + timedelta(seconds=0.5) <= poisoned.next_attempt_at <= clock.now() + timedelta(seconds=0.6)

    for days in range(1, len(deliveries.HANDLER_RETRY_SECONDS) + 1):
        with clock.frozen(start + timedelta(days=days)):
            assert deliver() == 0
    (parked,) = outbox.parked()
    assert (parked.aggregate, parked.attempts, parked.behind) == ("bell:b5", 8, 1)
    assert (parked.subscriber, parked.event_type, parked.url) == (BELLS, "bell.rung", "")
    assert "can't hear poison" in parked.last_error
    assert outbox.parked_count() == 1
    assert outbox.backlog().pending == 1

    with clock.frozen(start + timedelta(days=30)):
        ear.deaf_to.clear()
        assert deliver() == 0  # parked means that a person decides
        with transaction():
            outbox.retry(parked.id, by=facts.RINGER)
        deliver()
    assert ear.heard[-2:] == [("bell:b5", 1), ("bell:b5", 2)]
    assert outbox.parked_count() == 0
    entry = AuditEntry.objects.get(object_type="outbox_delivery")
    assert (entry.verb, entry.object_id) == ("commerce.outbox.retry", str(parked.id))


def test_a_handler_that_breaks_a_deferred_constraint_fails_alone() -> None:
    def handle(message: events.Received) -> None:
        if message.aggregate == "bell:bad":
            with connection.cursor() as cursor:
                cursor.execute(
                    "INSERT INTO commerce_listing (channel_id, product_id) VALUES (4711, 4711)"
                )  # no such rows: PostgreSQL would say so at commit

    events.subscribe(facts.BellRung, name=BELLS, handler=handle)
    publish(rung("good", 1), rung("bad", 1), rung("fine", 1))
    deliver()
    assert states(BELLS) == ["done", "pending", "done"]


def test_a_broken_handler_does_not_take_all_attempts_at_once() -> None:
    ear = Ear(batch=True)
    ear.deaf_to = {""}
    publish(*(rung(f"b{n}", 1) for n in range(200)))
    assert deliveries.sequence_batch() == 200
    assert deliveries.deliver_batch() == 0
    assert OutboxDelivery.objects.filter(attempts=1).count() == deliveries.FAILURES_PER_BATCH
    assert ear.heard == []


def test_what_a_handler_publishes_is_told_with_its_effect() -> None:
    ear = Ear(facts.BellSold, name="tests.second")

    def resell(message: events.Received) -> None:
        outbox.publish([sold("a", message.aggregate_sequence + 1)], by=facts.RINGER)

    events.subscribe(facts.BellRung, name="tests.first", handler=resell)
    publish(rung("a", 1))
    deliver()
    assert ear.heard == [("bell:a", 2)]


def test_a_handler_that_went_away_leaves_its_messages_open() -> None:
    Ear()
    publish(rung("a", 1))
    deliveries.sequence_batch()
    events._subscriptions.pop(("bell.rung", BELLS))
    assert deliver() == 0
    assert states(BELLS) == ["pending"]


# --- newest wins ----------------------------------------------------------------------------------------------------


def test_a_newer_state_supersedes_what_nobody_fetched_yet() -> None:
    ear = Ear(facts.BellsLeft, facts.BellRung)
    publish(left("a", 1), rung("a", 2), left("a", 3), left("b", 1))
    deliveries.sequence_batch()
    assert states(BELLS) == ["superseded", "pending", "pending", "pending"]
    publish(left("a", 4))
    deliver()
    assert states(BELLS) == ["superseded", "done", "superseded", "done", "done"]
    assert ear.heard == [("bell:a", 2), ("bell:b", 1), ("bell:a", 4)]


def test_a_newer_state_supersedes_a_parked_one() -> None:
    ear = Ear(facts.BellsLeft)
    publish(left("a", 1))
    deliveries.sequence_batch()
    OutboxDelivery.objects.update(state="parked")
    publish(left("a", 2))
    deliver()
    assert states(BELLS) == ["superseded", "done"]
    assert ear.heard == [("bell:a", 2)]


# --- people ---------------------------------------------------------------------------------------------------------


def park(*notes: str) -> list[int]:
    publish(*(rung("a", n, note) for n, note in enumerate(notes, start=1)))
    deliveries.sequence_batch()
    first = OutboxDelivery.objects.order_by("id").first()
    OutboxDelivery.objects.filter(pk=first.pk).update(state="parked", attempts=8, last_error="no")
    return list(OutboxDelivery.objects.order_by("id").values_list("id", flat=True))


def test_a_parked_message_can_be_dismissed_for_a_reason_and_what_waits_goes_on() -> None:
    ear = Ear()
    parked_id, _ = park("one", "two")
    assert deliver() == 0
    with pytest.raises(InvalidInput) as refusal, transaction():
        outbox.dismiss(parked_id, by=facts.RINGER, reason=" ")
    assert refusal.value.errors[0]["field"] == "reason"
    with transaction():
        outbox.dismiss(parked_id, by=facts.RINGER, reason="sold by hand")
    assert deliver() == 1
    assert ear.heard == [("bell:a", 2)]
    assert states(BELLS) == ["dismissed", "done"]
    assert AuditEntry.objects.get(verb="commerce.outbox.dismiss").reason == "sold by hand"


def test_only_what_is_parked_can_be_retried_or_dismissed() -> None:
    Ear()
    parked_id, pending_id = park("one", "two")
    with pytest.raises(Conflict), transaction():
        outbox.retry(pending_id, by=facts.RINGER)
    with pytest.raises(NotFound), transaction():
        outbox.dismiss(parked_id + 1000, by=facts.RINGER, reason="gone")
    with transaction():
        assert outbox.retry_all(BELLS, by=facts.RINGER) == 1
        assert outbox.retry_all("tests.nobody", by=facts.RINGER) == 0
    assert deliver() == 2


# --- keeping it small -----------------------------------------------------------------------------------------------


def test_old_messages_go_when_nobody_waits_for_them_and_positions_go_on() -> None:
    ear = Ear()
    ear.deaf_to = {"poison"}
    publish(rung("a", 1), rung("b", 1, note="poison"), rung("c", 1), rung("d", 1))
    deliver()
    assert outbox.prune(at=clock.now()) == 0
    assert (
        outbox.prune(at=clock.now() + outbox.KEPT_FOR + timedelta(minutes=1)) == 2
    )  # not b (open), not d (the newest)
    assert list(OutboxMessage.objects.order_by("id").values_list("aggregate", flat=True)) == ["bell:b", "bell:d"]
    publish(rung("e", 1))
    deliver()
    assert OutboxMessage.objects.get(aggregate="bell:e").position == 5


def test_the_queue_is_found_by_its_indexes_among_many_done_rows() -> None:
    Ear()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO commerce_outboxmessage (message_id, event_type, aggregate, aggregate_sequence, schema_version,"
            " payload, actor_kind, actor_id, request_id, occurred_at, position)"
            " SELECT gen_random_uuid(), 'bell.rung', 'bell:' || n % 1000, n, 1, '{}', 'system', 't', '', now(), n"
            " FROM generate_series(1, 100000) n"
        )
        cursor.execute(
            "INSERT INTO commerce_outboxdelivery (message_id, subscriber, aggregate, state, attempts, next_attempt_at,"
            " last_error, done_at) SELECT id, %s, aggregate, 'done', 1, now(), '', now() FROM commerce_outboxmessage",
            [BELLS],
        )
        cursor.execute("ANALYZE commerce_outboxmessage, commerce_outboxdelivery")
    publish(*(rung(f"{n}", 1) for n in range(50)))
    deliveries.sequence_batch()
    with pytest.raises(Explained), transaction(), connection.cursor() as cursor:
        cursor.execute(deliveries._BY_INDEX)
        given = {
            "name": BELLS,
            "at": clock.now(),
            "at_most": 500,
            "names": [BELLS],
            "limits": [4],
            "until": clock.now(),
        }
        for statement, wanted in (
            (deliveries._CLAIM, given),
            (deliveries._LEASE, given),
            (deliveries._DUE, [[BELLS], clock.now()]),
            (deliveries._IS_WAITING, []),
        ):
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement, wanted)
            (plan,) = cursor.fetchone()[0]
            scans = list(_nodes(plan["Plan"]))
            assert not [node for node in scans if node["Node Type"] == "Seq Scan"]
            assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] < 2000
        raise Explained  # the plans were made by running them
    assert deliver() == 50


class Explained(Exception):
    """Rolls back what was only explained."""


def _nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for part in plan.get("Plans", []):
        yield from _nodes(part)
