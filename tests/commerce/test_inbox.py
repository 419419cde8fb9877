"""The inbox: once per source and event id."""

import threading

import pytest
from django.db import connection

from commerce import clock, inbox
from commerce.models import InboxMessage
from commerce.transactions import TransactionMisuse, transaction

pytestmark = pytest.mark.django_db(transaction=True)


def take(source: str, event_id: str) -> bool:
    with transaction():
        return inbox.receive(source, event_id, {"n": 1})


def test_a_message_is_taken_in_once_per_source() -> None:
    assert take("shop-a", "evt_1")
    assert not take("shop-a", "evt_1")
    assert take("shop-b", "evt_1")
    assert take("shop-a", "evt_2")
    assert InboxMessage.objects.count() == 3


def test_a_message_whose_effect_failed_is_taken_in_again() -> None:
    with pytest.raises(ZeroDivisionError), transaction():
        assert inbox.receive("shop-a", "evt_1", {}) / 0
    assert take("shop-a", "evt_1")


def test_work_is_settled_once_and_its_errors_are_kept_until_then() -> None:
    take("shop-a", "evt_1")
    with transaction():
        assert inbox.fail("shop-a", "evt_1", "no such product")
    assert InboxMessage.objects.get().last_error == "no such product"
    with transaction():
        assert inbox.settle("shop-a", "evt_1")
        assert not inbox.settle("shop-a", "evt_1")
        assert not inbox.fail("shop-a", "evt_1", "too late")
    message = InboxMessage.objects.get()
    assert message.done_at is not None
    assert message.last_error == ""


def test_settled_messages_are_forgotten_in_the_end_and_open_ones_never() -> None:
    take("shop-a", "evt_1")
    take("shop-a", "evt_2")
    with transaction():
        inbox.settle("shop-a", "evt_1")
    for at, gone in ((clock.now(), 0), (clock.now() + 2 * inbox.KEPT_FOR, 1)):
        with transaction():
            assert inbox.prune(at=at) == gone
    assert InboxMessage.objects.get().event_id == "evt_2"


def test_receiving_needs_the_transaction_of_its_effect() -> None:
    with pytest.raises(TransactionMisuse):
        inbox.receive("shop-a", "evt_1", {})


@pytest.mark.races
def test_of_many_at_once_one_takes_the_message() -> None:
    taken: list[bool] = []
    together = threading.Barrier(8)

    def attempt() -> None:
        try:
            together.wait()
            taken.append(take("shop-a", "evt_1"))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]
