"""Fifty pieces and two hundred who want one: exactly fifty get it, whichever way they come (laws 3 and 10)."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from commerce import clock, ids, quotas
from commerce.actors import Actor
from commerce.operations import checks
from commerce.quotas import HoldRequest
from inventory import availability, ledger, reservations
from inventory.errors import InsufficientStock
from inventory.ledger import Level, LevelKey
from inventory.reservations import ReservationRequest, Reserved
from tests.benchmarks import load
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.races.crowds import in_processes, in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

BY = Actor.system("race")
PIECES, WANTED = 50, 200


@dataclass(frozen=True)
class Scarce:
    """A product at one store, of which there is little."""

    product_id: int
    sku: str
    location_id: int
    code: str
    channel_id: int
    headers: dict[str, str]

    def reserve(self, pieces: int = 1) -> Reserved | InsufficientStock:
        now = clock.now()
        wanted = ReservationRequest(
            ids.new(), self.channel_id, self.location_id, ((self.product_id, pieces),), now + timedelta(minutes=15)
        )
        return reservations.reserve([wanted], by=BY, at=now)[0]

    def figure(self) -> tuple[int, int, int]:
        """Return (on hand, held, available)."""
        found = availability.figures([self.product_id], location_ids=[self.location_id], at=clock.now())[0]
        return found.on_hand, found.held, found.available


def scarce(pieces: int = PIECES) -> Scarce:
    product, place, channel = ground.product(), goods.store(), ground.channel()
    ground.listed(channel, product)
    goods.receive(product.id, place.id, pieces)
    headers = {"Authorization": f"Bearer {ground.key(channel).plain}"}
    return Scarce(product.id, product.sku, place.id, place.code, channel.pk, headers)


def is_sold_out(shelf: Scarce, pieces: int = PIECES) -> bool:
    return shelf.figure() == (pieces, pieces, 0) and checks.run() == []


def test_threads_take_exactly_what_there_is() -> None:
    shelf = scarce()
    take = in_transactions(lambda _: shelf.reserve())
    verdicts = [one for several in run_at_once(40, lambda place: [take(place) for _ in range(5)]) for one in several]
    assert summary(verdicts) == {"done": PIECES, "insufficient_stock": WANTED - PIECES}
    assert is_sold_out(shelf)


def test_processes_take_exactly_what_there_is() -> None:
    shelf = scarce()
    counted = in_processes(
        4, "reserve", product_id=shelf.product_id, location_id=shelf.location_id, channel_id=shelf.channel_id, times=50
    )
    assert sum(one.get("done", 0) for one in counted) == PIECES
    assert sum(one.get("insufficient_stock", 0) for one in counted) == WANTED - PIECES
    assert is_sold_out(shelf)


def test_requests_take_exactly_what_there_is(granian_port: int) -> None:
    """Two server processes with many threads each; whoever comes too late is told where else there is some."""
    shelf = scarce()
    elsewhere = goods.store()
    goods.receive(shelf.product_id, elsewhere.id, 5)
    body = json.dumps({"location": shelf.code, "lines": [{"sku": shelf.sku, "quantity": 1}]}).encode()
    request = load.request("POST", "/api/v1/reservations", body, **shelf.headers)
    outcome = load.run(
        granian_port, lambda connection, number: request, connections=64, seconds=60, at_most=WANTED, keep_bodies=True
    )
    assert outcome.broken == 0
    assert dict(outcome.statuses) == {201: PIECES, 409: WANTED - PIECES}
    documents = [json.loads(one) for one in outcome.bodies]
    refusals = [one for one in documents if "code" in one]
    assert {one["code"] for one in refusals} == {"insufficient_stock"}
    assert all([place["location"] for place in one["alternatives"]] == [elsewhere.code] for one in refusals)
    assert len({one["id"] for one in documents if "id" in one}) == PIECES
    assert is_sold_out(shelf)


# --- the disease, then the cure ---------------------------------------------------------------------------------------


def without_lock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the row lock away and let both sides read before either writes: what the lock is there against."""
    both_have_read = threading.Barrier(2)
    lock: Callable[..., dict[LevelKey, Level]] = ledger.lock

    def read_only(*arguments: Any, **options: Any) -> dict[LevelKey, Level]:
        levels = lock(*arguments, **options)
        both_have_read.wait(20)
        return levels

    assert "FOR UPDATE OF l" in ledger._LOCK
    monkeypatch.setattr(ledger, "_LOCK", ledger._LOCK.replace("FOR UPDATE OF l", ""))
    monkeypatch.setattr(ledger, "lock", read_only)


@pytest.mark.parametrize("pieces", [1, 10])
def test_without_the_lock_the_journal_catches_the_second(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    """The disease: both saw the same goods and both would be told yes. The next version of a level exists only once."""
    shelf = scarce(pieces)
    with monkeypatch.context() as patched:
        without_lock(patched)
        verdicts = run_at_once(2, in_transactions(lambda _: shelf.reserve()))
    assert summary(verdicts) == {"done": 1, IntegrityError.__name__: 1}
    assert shelf.figure() == (pieces, 1, pieces - 1)  # nothing oversold, nothing lost
    assert checks.run() == []


def test_with_the_lock_the_second_is_refused_kindly() -> None:
    """The cure: the second waits, sees what is left, and is told."""
    shelf = scarce(1)
    verdicts = run_at_once(2, in_transactions(lambda _: shelf.reserve()))
    assert summary(verdicts) == {"done": 1, "insufficient_stock": 1}
    refusal = next(one for one in verdicts if isinstance(one, InsufficientStock))
    assert refusal.detail["lines"] == [
        {"product_id": shelf.product_id, "location_id": shelf.location_id, "wanted": 1, "available": 0}
    ]
    assert is_sold_out(shelf, 1)


def _claim_a_slot(_: int) -> Any:
    return quotas.book([HoldRequest("race:slot", 1, 1, "race")], at=clock.now())


def test_without_the_lock_a_slot_is_still_not_overbooked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same disease at the quota primitive; here the CHECK constraint is the law, and its refusal has a name."""
    run_at_once(1, in_transactions(lambda _: quotas.hold(_expired_claim(), at=clock.now())))  # so that the row exists
    both_have_read = threading.Barrier(2)
    with monkeypatch.context() as patched:
        for name in [name for name, sql in vars(quotas).items() if isinstance(sql, str) and "FOR UPDATE" in sql]:
            patched.setattr(quotas, name, getattr(quotas, name).replace("FOR UPDATE", ""))
        locked = quotas._locked

        def read_only(*arguments: Any, **options: Any) -> Any:
            rows = locked(*arguments, **options)
            both_have_read.wait(20)
            return rows

        patched.setattr(quotas, "_locked", read_only)
        verdicts = run_at_once(2, in_transactions(_claim_a_slot))
    assert summary(verdicts) == {"done": 1, "quota_exhausted": 1}
    assert quotas.usage(["race:slot"], at=clock.now())["race:slot"].used == 1


def test_with_the_lock_a_slot_has_one_winner() -> None:
    verdicts = run_at_once(16, in_transactions(_claim_a_slot))
    assert summary(verdicts) == {"done": 1, "quota_exhausted": 15}
    assert checks.run() == []


def _expired_claim() -> list[HoldRequest]:
    return [HoldRequest("race:slot", 1, 1, "race", clock.now() - timedelta(seconds=1))]
