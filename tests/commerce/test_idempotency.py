"""One effect and one answer, also when the same request comes many times at once or many come in one batch."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from commerce import clock, idempotency
from commerce.errors import IdempotencyKeyReused, InvalidInput, RequestInProgress
from commerce.idempotency import Answer, Attempt, Replay
from commerce.models import Channel, IdempotencyKey
from commerce.transactions import transaction
from tests.factories import commerce as factories

HASH, OTHER = idempotency.hash_of("POST", "/x", b"{}"), idempotency.hash_of("POST", "/x", b"[]")


def attempt(key: str, request_hash: bytes = HASH, credential: str = "c1") -> Attempt:
    return Attempt(credential, key, request_hash)


@pytest.mark.django_db
def test_a_batch_is_judged_in_one_round_trip(django_assert_num_queries) -> None:
    with transaction():
        idempotency.store_all([Answer(attempt("done"), 201, b'{"a":1}'), Answer(attempt("old"), 200, b"{}")])
    attempts = [
        attempt("done"),
        attempt("done", OTHER),
        attempt("new"),
        attempt("new"),
        attempt("new", credential="c2"),
        attempt("done", credential="c2"),
    ]
    with transaction(), django_assert_num_queries(1):
        verdicts = idempotency.begin_all(attempts)
    assert verdicts[0] == Replay(201, b'{"a":1}', "application/json")
    assert isinstance(verdicts[1], IdempotencyKeyReused)
    assert verdicts[2] is None
    assert isinstance(verdicts[3], RequestInProgress)  # its twin in the same batch runs first
    assert verdicts[4:] == [None, None]


@pytest.mark.django_db
def test_an_answer_is_never_overwritten_before_its_time() -> None:
    now = clock.now()
    with clock.frozen(now), transaction():
        idempotency.store("c", "k", HASH, status=201, body=b"1")
    with pytest.raises(RequestInProgress), clock.frozen(now), transaction():
        idempotency.store("c", "k", HASH, status=201, body=b"2")
    later = now + timedelta(hours=49)
    with clock.frozen(later), transaction():
        assert idempotency.begin("c", "k", OTHER) is None
        idempotency.store("c", "k", OTHER, status=201, body=b"3")
    assert bytes(IdempotencyKey.objects.get().body) == b"3"


@pytest.mark.django_db
def test_old_answers_are_pruned_in_portions() -> None:
    now = clock.now()
    with transaction():
        idempotency.store_all([Answer(attempt(f"k{n}"), 200, b"") for n in range(5)])
    with transaction():
        assert idempotency.prune(at=now) == 0
        assert idempotency.prune(at=now + timedelta(days=3), at_most=3) == 3
        assert idempotency.prune(at=now + timedelta(days=3)) == 2


@pytest.mark.parametrize("key", ["a", "550e8400-e29b-41d4-a716-446655440000", "order 17 / 2", "x" * 200])
def test_printable_keys_are_taken(key: str) -> None:
    assert idempotency.key_of({"HTTP_IDEMPOTENCY_KEY": key}) == key


@pytest.mark.parametrize("key", ["", " ", "x" * 201, " a", "a ", "é", "a\x00"])
def test_other_keys_are_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        idempotency.key_of({"HTTP_IDEMPOTENCY_KEY": key})


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_the_same_key_thirty_times_at_once_has_one_effect() -> None:
    outcomes: list[object] = []
    ready = threading.Barrier(30)

    def send() -> None:
        ready.wait()
        try:
            with transaction():
                replay = idempotency.begin("c", "same", HASH)
                if replay is None:
                    factories.catalog.add_channel(
                        code=f"c-{uuid4().hex}", name="x", kind="web", country="DE", currency="EUR", by=factories.TESTER
                    )
                    idempotency.store("c", "same", HASH, status=201, body=b"made")
            outcomes.append(replay.body if replay else "effect")
        except RequestInProgress:
            outcomes.append("in progress")
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("effect") == 1
    assert set(outcomes) <= {"effect", b"made", "in progress"}
    assert len(outcomes) == 30
    assert Channel.objects.count() == 1
