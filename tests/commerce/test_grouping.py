"""Requests that wait together are settled together; whatever goes wrong, everyone gets an answer."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection

from commerce import grouping, integrity
from commerce.errors import Busy, Conflict
from commerce.models import Quota

pytestmark = pytest.mark.django_db(transaction=True)
LONGEST = 20.0  # seconds until a caller that got no answer counts as forgotten


def all_at_once(combiner: grouping.Combiner[Any, Any], requests: Sequence[Any]) -> list[Any]:
    """Submit from a thread each; return the answer or the exception of each."""
    outcomes: list[Any] = ["no answer"] * len(requests)

    def submit(place: int) -> None:
        try:
            outcomes[place] = combiner.submit(requests[place])
        except Exception as error:
            outcomes[place] = error

    threads = [threading.Thread(target=submit, args=(place,), daemon=True) for place in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST)
    return outcomes


@pytest.fixture
def combined() -> Callable[[Callable[[Sequence[Any]], Any]], grouping.Combiner[Any, Any]]:
    """Make a combiner whose writer closes its connection after each group, so that the database can be emptied."""

    def combine(settle: Callable[[Sequence[Any]], Any]) -> grouping.Combiner[Any, Any]:
        combiner = grouping.Combiner("tests", settle)
        serve = combiner._serve

        def serve_and_close(group: Any) -> None:
            try:
                serve(group)
            finally:
                connection.close()

        combiner._serve = serve_and_close  # type: ignore[method-assign]
        return combiner

    return combine


def keep(keys: Sequence[str]) -> None:
    Quota.objects.bulk_create([Quota(key=key, limit=1) for key in keys])


def test_a_refusal_belongs_to_its_own_request(combined: Any) -> None:
    def settle(requests: Sequence[int]) -> list[Any]:
        return [Conflict("odd") if one % 2 else one for one in requests]

    outcomes = all_at_once(combined(settle), range(10))
    assert [type(one) for one in outcomes] == [int, Conflict] * 5


def test_a_poisoned_request_fails_alone(combined: Any) -> None:
    def settle(requests: Sequence[str]) -> Sequence[str]:
        keep(requests)
        if "bad" in requests:
            raise KeyError("bad")
        return requests

    outcomes = all_at_once(combined(settle), ["a", "bad", "b", "c"])
    assert [str(one) for one in outcomes] == ["a", "'bad'", "b", "c"]
    assert sorted(Quota.objects.values_list("key", flat=True)) == ["a", "b", "c"]


def test_too_few_answers_are_a_fault_of_ours_and_change_nothing(combined: Any) -> None:
    def settle(requests: Sequence[str]) -> list[str]:
        keep(requests)
        return []

    outcomes = all_at_once(combined(settle), ["a", "b"])
    assert [type(one) for one in outcomes] == [RuntimeError, RuntimeError]
    assert not Quota.objects.exists()


def test_when_the_database_is_lost_nobody_is_tried_again(combined: Any) -> None:
    tried: list[str] = []

    def settle(requests: Sequence[str]) -> Sequence[str]:
        tried.extend(requests)
        connection.connection.close()
        keep(requests)
        return requests

    outcomes = all_at_once(combined(settle), ["a", "b", "c"])
    assert [type(one) for one in outcomes] == [Busy] * 3
    assert sorted(tried) == ["a", "b", "c"]


def test_a_fault_in_the_writer_leaves_nobody_waiting_and_the_next_are_served(combined: Any) -> None:
    combiner = combined(lambda requests: requests)
    serve, faults = combiner._serve, [RuntimeError("out of luck")]

    def serve_badly_once(group: Any) -> None:
        if faults:
            raise faults.pop()
        serve(group)

    combiner._serve = serve_badly_once
    assert [type(one) for one in all_at_once(combiner, ["a"])] == [Busy]
    assert all_at_once(combiner, ["b"]) == ["b"]


def test_a_constraint_that_one_request_breaks_is_its_own_even_when_it_says_busy(
    combined: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(integrity._refusals, "quota_not_overbooked", lambda: Busy("taken a moment ago"))

    def settle(requests: Sequence[str]) -> Sequence[str]:
        keep(requests)
        Quota.objects.filter(key="greedy").update(committed=2)
        return requests

    outcomes = all_at_once(combined(settle), ["a", "greedy", "b"])
    assert [str(one) for one in outcomes] == ["a", "taken a moment ago", "b"]
    assert sorted(Quota.objects.values_list("key", flat=True)) == ["a", "b"]


def test_the_next_group_waits_for_those_who_come_back_but_who_is_alone_never_waits(
    combined: Any, monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., object]
) -> None:
    monkeypatch.setattr(grouping, "GATHERING_SHARE", 1e9)
    monkeypatch.setattr(grouping, "LONGEST_GATHERING_SECONDS", LONGEST / 2)
    sizes: list[int] = []
    gate = threading.Event()

    def settle(requests: Sequence[int]) -> Sequence[int]:
        sizes.append(len(requests))
        gate.wait(LONGEST)
        return requests

    combiner = combined(settle)

    def arrive(number: int) -> threading.Thread:
        caller = threading.Thread(target=combiner.submit, args=(number,), daemon=True)
        caller.start()
        return caller

    gate.set()
    for number in range(2):
        combiner.submit(number)
    gate.clear()
    callers = [arrive(0)]
    eventually(lambda: sizes == [1, 1, 1], within=LONGEST / 4)
    sizes.clear()
    for number in range(1, 4):
        callers.append(arrive(number))
        eventually(lambda number=number: len(combiner._waiting) == number)
    gate.set()
    callers[0].join(LONGEST)
    callers.append(arrive(0))  # who was answered comes back, to the three that came meanwhile
    eventually(lambda: sizes == [4], within=LONGEST / 4)
    for caller in callers:
        caller.join(LONGEST)
    for number in range(1, 4):
        callers.append(arrive(number))
        eventually(lambda number=number: len(combiner._waiting) == number)
    callers.append(arrive(4))
    eventually(lambda: sizes == [4, 4], within=LONGEST / 4)
    for caller in callers:
        caller.join(LONGEST)
    assert not any(caller.is_alive() for caller in callers)
