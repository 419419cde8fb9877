"""What a channel may take is decided under the lock, by what that channel may see."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction as django_transaction

from commerce import clock, ids
from commerce.transactions import transaction
from inventory import allocations, availability, expiry, reservations
from inventory.allocations import Demand
from inventory.errors import InsufficientStock
from inventory.models import Obligation
from inventory.reservations import ReservationRequest, Reserved
from inventory.sharing.scopes import ScopeIds
from tests.factories import inventory as make
from tests.inventory import promises
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import agreed, holding, retire

pytestmark = pytest.mark.django_db


def seen(shelf: Shelf, channel_id: int | None = None) -> availability.Figure:
    return availability.figures([shelf.product_id], channel_id=channel_id or shelf.channel_id, at=clock.now())[0]


def reserve_all(shelf: Shelf, *wanted: tuple[int, int]) -> list[object]:
    """Reserve (channel, pieces) in one call."""
    at = clock.now()
    requests = [
        ReservationRequest(
            ids.new(), channel, shelf.store.id, ((shelf.product_id, pieces),), at + timedelta(minutes=15)
        )
        for channel, pieces in wanted
    ]
    with transaction():
        return list(reservations.reserve(requests, by=BY, at=at))


def available(refusal: object) -> int:
    assert isinstance(refusal, InsufficientStock)
    return int(refusal.detail["lines"][0]["available"])


def test_a_buffer_keeps_pieces_from_the_web_and_the_refusal_says_what_the_web_sees(shelf: Shelf) -> None:
    holding("fixed", 4)
    figure = seen(shelf)
    assert (figure.on_hand, figure.free, figure.withheld, figure.available) == (10, 10, 4, 6)
    assert shelf.figure().available == 10, "the house itself sees all"
    assert available(shelf.reserve(7)) == 6
    assert not isinstance(shelf.reserve(6), InsufficientStock)
    with pytest.raises(InsufficientStock) as refused:
        shelf.allocate(1)
    assert available(refused.value) == 0
    with transaction():  # the house may promise what it keeps from its channels
        allocations.allocate([Demand(uuid4(), shelf.product_id, shelf.store.id, 4)], by=BY, at=clock.now())


def test_pieces_that_a_basket_holds_are_its_own_whatever_is_withheld_meanwhile(shelf: Shelf) -> None:
    held = shelf.reserve(8)
    holding("percentage", 100, words="percentage 100")
    shelf.allocate(8, reservation_id=held.id)
    assert shelf.figure().allocated == 8
    assert available(shelf.reserve(1)) == 0


def test_many_requests_of_several_channels_are_decided_one_after_the_other(shelf: Shelf) -> None:
    other = promises.another_channel()
    holding("fixed", 4)
    holding("fixed", 1, scope=ScopeIds(channel_id=other.pk))
    verdicts = reserve_all(
        shelf, (shelf.channel_id, 5), (shelf.channel_id, 2), (other.pk, 4), (other.pk, 1), (shelf.channel_id, 1)
    )
    assert [isinstance(one, InsufficientStock) for one in verdicts] == [False, True, False, True, True]
    assert [available(one) for one in verdicts if isinstance(one, InsufficientStock)] == [1, 0, 0]


def test_what_one_channel_was_guaranteed_is_counted_with_holds_and_orders(shelf: Shelf) -> None:
    other = promises.another_channel()
    obligation = agreed(shelf, 6)
    owed = lambda: Obligation.objects.get(pk=obligation).taken  # noqa: E731
    assert available(reserve_all(shelf, (other.pk, 5))[0]) == 4
    held = shelf.reserve(3)
    assert owed() == 3
    with transaction():
        reservations.release(held.id, channel_id=shelf.channel_id, by=BY, at=clock.now())
    assert owed() == 0
    held = shelf.reserve(3)
    allocation = shelf.allocate(2, reservation_id=held.id)
    assert owed() == 2, "a hold that became an order counts once, and what was not ordered not at all"
    with transaction():
        allocations.release([(allocation, 1)], by=BY, at=clock.now(), reason="test")
    assert owed() == 1
    shelf.reserve(1, minutes=1)
    with transaction():
        expiry.expire_due(by=BY, at=clock.now() + timedelta(minutes=2))
    assert owed() == 1


def test_alternatives_are_those_of_the_asking_channel(shelf: Shelf) -> None:
    near = make.store(latitude=52.53, longitude=13.38)
    make.receive(shelf.product_id, near.id, 30)
    rule = holding("fixed", 25)
    refusal = shelf.reserve(11)
    assert isinstance(refusal, InsufficientStock)
    of_channel = availability.explained(refusal, channel_id=shelf.channel_id, at=clock.now())
    assert of_channel.detail["alternatives"] == []
    assert availability.explained(refusal, at=clock.now()).detail["alternatives"][0]["available"] == 30
    retire(rule)


def test_figures_under_chance_are_what_reservations_grant(shelf: Shelf) -> None:
    """Whatever rules hold, a channel gets exactly the pieces that its figure said."""
    draw = random.Random(7)
    kinds = [("fixed", 3), ("percentage", 30), ("cap", 2), ("cut_off", 3), ("fixed", 1)]
    for kind, amount in kinds:
        rule = holding(kind, amount)
        while (left := seen(shelf).available) > 0:
            wanted = draw.randint(1, left)
            assert available(shelf.reserve(left + 1)) == left
            assert not isinstance(shelf.reserve(wanted), InsufficientStock)
        assert available(shelf.reserve(1)) == 0
        retire(rule)
        shelf.receive(6)


@pytest.mark.parametrize("rule", [("fixed", 3), ("percentage", 30), ("cap", 4), ("cut_off", 4), None], ids=str)
def test_what_is_decided_at_once_is_what_one_after_the_other_would_get(
    shelf: Shelf, rule: tuple[str, int] | None
) -> None:
    """Plenty for all is granted without looking at each; it must not differ by a single verdict."""
    draw = random.Random(11)
    other = promises.another_channel()
    if rule:
        holding(*rule)
    granted_whole = 0
    for most in (1, 1, 2, 2, 3, 5):
        wanted = [(draw.choice([shelf.channel_id, other.pk]), draw.randint(1, most)) for _ in range(draw.randint(1, 6))]
        with rolled_back():
            together = [isinstance(one, Reserved) for one in reserve_all(shelf, *wanted)]
        with rolled_back():
            singly = [isinstance(reserve_all(shelf, one)[0], Reserved) for one in wanted]
        assert together == singly, wanted
        granted_whole += all(together)
    assert granted_whole, "some of these must be served at once, or nothing was compared"


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what the block did."""
    outer = django_transaction.atomic()
    outer._from_testcase = True  # a wrapper of the test, as Django's own: verbs open their transaction in it
    with outer:
        yield
        django_transaction.set_rollback(True)
