"""Nothing limited is ever overbooked: refusals, expiry, replays, a plain model, and threads against each other."""

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce import clock, quotas
from commerce.errors import NotFound
from commerce.models import Quota, QuotaHold
from commerce.quotas import HoldRequest, QuotaExhausted, QuotaHoldExpired
from commerce.transactions import TransactionMisuse, savepoint, transaction

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=15)
KEY = "pickup:BER01:2026-11-21T14:00:00Z"


def wish(quantity: int = 1, *, key: str = KEY, limit: int = 3, until: datetime | None = LATER) -> HoldRequest:
    return HoldRequest(key, limit, quantity, "test", until)


def used(key: str = KEY, at: datetime = NOW) -> int:
    return quotas.usage([key], at=at)[key].used


@pytest.mark.django_db
def test_holds_up_to_the_limit_and_says_what_is_left_when_it_refuses() -> None:
    with transaction():
        ids = quotas.hold([wish(2)], at=NOW)
    assert len(ids) == 1
    assert quotas.usage([KEY], at=NOW)[KEY] == quotas.Usage(3, 2)
    with pytest.raises(QuotaExhausted) as refusal, transaction():
        quotas.hold([wish(2)], at=NOW)
    assert refusal.value.detail == {"key": KEY, "wanted": 2, "left": 1}
    with transaction():
        quotas.book([wish(1, until=None)], at=NOW)
    assert used() == 3


@pytest.mark.django_db
def test_takes_all_of_a_call_or_nothing_and_sums_per_key() -> None:
    other = "pickup:BER02:x"
    with pytest.raises(QuotaExhausted) as refusal, transaction():
        quotas.hold([wish(1, key=other), wish(2), wish(2)], at=NOW)
    assert refusal.value.detail["wanted"] == 4
    with transaction():
        assert quotas.usage([KEY, other], at=NOW) == {}
        ids = quotas.hold([wish(2), wish(1, key=other), wish(1)], at=NOW)
    rows = {row.id: row for row in QuotaHold.objects.select_related("quota")}
    assert [(rows[i].quota.key, rows[i].quantity) for i in ids] == [(KEY, 2), (other, 1), (KEY, 1)]


@pytest.mark.django_db
def test_an_expired_hold_never_counts_swept_or_not() -> None:
    with transaction():
        first = quotas.hold([wish(3)], at=NOW)
    assert used(at=LATER) == 0
    with transaction():
        quotas.hold([wish(3, until=LATER + timedelta(minutes=1))], at=LATER)
    assert QuotaHold.objects.get(pk=first[0]).state == "expired"
    with pytest.raises(QuotaHoldExpired), transaction():
        quotas.commit(first, at=LATER)


@pytest.mark.django_db
def test_commit_and_release_are_harmless_when_repeated() -> None:
    with transaction():
        one, two = quotas.hold([wish(1), wish(1)], at=NOW)
    for _ in range(2):
        with transaction():
            quotas.commit([one], at=NOW)
    assert (Quota.objects.get(key=KEY).held, Quota.objects.get(key=KEY).committed) == (1, 1)
    for _ in range(2):
        with transaction():
            quotas.release([one, two])
    assert used() == 0
    with pytest.raises(QuotaHoldExpired), transaction():
        quotas.commit([two], at=NOW)
    with pytest.raises(NotFound), transaction():
        quotas.commit([uuid4()], at=NOW)


@pytest.mark.django_db
def test_commit_takes_all_or_none() -> None:
    with transaction():
        short, long = quotas.hold([wish(1, until=NOW + timedelta(minutes=1)), wish(1)], at=NOW)
    with pytest.raises(QuotaHoldExpired), transaction():
        quotas.commit([long, short], at=NOW + timedelta(minutes=2))
    assert QuotaHold.objects.get(pk=long).state == "held"


@pytest.mark.django_db
def test_the_limit_follows_the_caller_but_never_below_what_is_taken() -> None:
    with transaction():
        quotas.book([wish(2, until=None)], at=NOW)
    with pytest.raises(QuotaExhausted) as refusal, transaction():
        quotas.book([wish(1, limit=1, until=None)], at=NOW)
    assert refusal.value.detail["left"] == 0
    assert Quota.objects.get(key=KEY).limit == 3
    with transaction():
        quotas.book([wish(5, limit=8, until=None)], at=NOW)
    assert quotas.usage([KEY], at=NOW)[KEY] == quotas.Usage(8, 7)


@pytest.mark.django_db
def test_expire_due_sweeps_what_ended_and_nothing_else() -> None:
    with transaction():
        quotas.hold([wish(1), wish(1, until=LATER + timedelta(hours=1)), wish(1, key="other")], at=NOW)
    with transaction():
        assert quotas.expire_due(at=LATER) == 2
    with transaction():
        assert quotas.expire_due(at=LATER) == 0
    assert Quota.objects.get(key=KEY).held == 1


@pytest.mark.django_db
def test_the_constraint_is_the_law_when_python_is_wrong() -> None:
    with transaction():
        quotas.book([wish(3, until=None)], at=NOW)
    with pytest.raises(QuotaExhausted), transaction():
        Quota.objects.filter(key=KEY).update(committed=4)
    with pytest.raises(IntegrityError), transaction():
        Quota.objects.filter(key=KEY).update(held=-1)


@pytest.mark.django_db
def test_many_claims_are_decided_one_by_one_and_written_at_once() -> None:
    other = "pickup:BER02:x"
    with transaction():
        quotas.hold([wish(2)], at=NOW)  # over by LATER
    with transaction():
        claims = quotas.Claims([wish(until=None), wish(until=None, key=other)], at=LATER)
        first = claims.take([wish(2, until=None)])
        with pytest.raises(QuotaExhausted) as refusal:
            claims.take([wish(1, until=None, key=other), wish(2, until=None)])
        assert refusal.value.detail == {"key": KEY, "wanted": 2, "left": 1}
        claims.give_back(first)
        kept = claims.take([wish(3, until=LATER + timedelta(minutes=1))])
        claims.write()
    assert {row.id: (row.quantity, row.state) for row in QuotaHold.objects.exclude(state="expired")} == {
        kept[0]: (3, "held")
    }
    assert (Quota.objects.get(key=KEY).held, Quota.objects.get(key=other).committed) == (3, 0)


@pytest.mark.django_db
def test_programming_errors_are_not_refusals() -> None:
    with pytest.raises(ValueError), transaction():
        quotas.hold([wish(until=None)], at=NOW)
    with pytest.raises(ValueError), transaction():
        quotas.book([wish(0, until=None)], at=NOW)
    with pytest.raises(ValueError), transaction():
        quotas.book([wish()], at=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_verb_refuses_to_run_without_a_transaction() -> None:
    with pytest.raises(TransactionMisuse):
        quotas.hold([wish()], at=NOW)


@pytest.mark.django_db
def test_a_hold_costs_two_round_trips_once_the_quota_exists(django_assert_num_queries) -> None:
    with transaction():
        quotas.hold([wish(1, key=f"k{n}", limit=100) for n in range(20)], at=NOW)
    with transaction(), django_assert_num_queries(2):
        quotas.hold([wish(1, key=f"k{n}", limit=100) for n in range(20)], at=NOW)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hold"), st.sampled_from("ab"), st.integers(1, 4), st.integers(1, 6)),
        st.tuples(st.just("book"), st.sampled_from("ab"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("commit"), st.integers(0, 9), st.just(0), st.just(0)),
        st.tuples(st.just("release"), st.integers(0, 9), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 4), st.just(0), st.just(0)),
        st.tuples(st.just("sweep"), st.just(0), st.just(0), st.just(0)),
    ),
    max_size=25,
)


class _UndoneError(Exception):
    """Rolls an example back."""


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_agrees_with_a_plain_model(steps: list[tuple]) -> None:
    limit = 6
    claims: list[dict] = []  # what a notebook would hold: key, quantity, state, end
    at = NOW

    def taken(key: str) -> int:
        return sum(
            claim["quantity"]
            for claim in claims
            if claim["key"] == key
            and (claim["state"] == "committed" or (claim["state"] == "held" and claim["end"] > at))
        )

    try:
        with transaction():
            for step, which, quantity, minutes in steps:
                if step in ("hold", "book"):
                    end = at + timedelta(minutes=minutes) if step == "hold" else None
                    request = HoldRequest(which, limit, quantity, "test", end)
                    verb = quotas.hold if step == "hold" else quotas.book
                    if taken(which) + quantity > limit:
                        with pytest.raises(QuotaExhausted) as refused, savepoint():
                            verb([request], at=at)
                        assert refused.value.detail["left"] == limit - taken(which)
                    else:
                        (claim_id,) = verb([request], at=at)
                        state = "held" if step == "hold" else "committed"
                        claims.append({"id": claim_id, "key": which, "quantity": quantity, "state": state, "end": end})
                elif step == "wait":
                    at += timedelta(minutes=which)
                elif step == "sweep":
                    quotas.expire_due(at=at)
                elif claims:
                    claim = claims[which % len(claims)]
                    if step == "release":
                        quotas.release([claim["id"]])
                        claim["state"] = "released"
                        continue
                    is_good = claim["state"] == "committed" or (claim["state"] == "held" and claim["end"] > at)
                    try:
                        quotas.commit([claim["id"]], at=at)
                    except QuotaHoldExpired:
                        assert not is_good
                    else:
                        assert is_good
                        claim["state"] = "committed"
                for key, usage in quotas.usage(["a", "b"], at=at).items():
                    assert usage.used == taken(key)
            raise _UndoneError
    except _UndoneError:
        pass


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_thirty_threads_for_ten_places_get_exactly_ten() -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(30)

    def attempt() -> None:
        ready.wait()
        try:
            with transaction():
                quotas.hold([wish(1, limit=10, until=clock.now() + timedelta(hours=1))], at=clock.now())
            outcomes.append("held")
        except QuotaExhausted:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("held"), outcomes.count("refused")) == (10, 20)
    assert used(at=clock.now()) == 10


@pytest.mark.races
@pytest.mark.django_db(transaction=True)
def test_threads_that_create_and_lock_crosswise_never_wait_for_each_other() -> None:
    outcomes: list[str] = []
    ready = threading.Barrier(8)

    def attempt(number: int) -> None:
        ready.wait()
        try:
            for turn in range(15):
                keys = [f"q{turn}-a", f"q{turn}-b", f"q{turn}-{number % 3}"]
                with transaction():
                    quotas.book([wish(1, key=key, limit=1000, until=None) for key in keys[:: (-1) ** number]], at=NOW)
            outcomes.append("done")
        except Exception as fault:  # the assertion below shows it
            outcomes.append(repr(fault))
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["done"] * 8
    assert quotas.usage(["q0-a"], at=NOW)["q0-a"].used == 8
