"""Baskets with the same products in opposite order never wait for each other for ever, and lose nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from commerce import clock, ids
from commerce.actors import Actor
from commerce.operations import checks
from inventory import allocations, availability, movements, reservations
from inventory.allocations import Demand
from inventory.movements import Adjustment
from inventory.reservations import ReservationRequest
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.races.crowds import in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

BY = Actor.system("race")
THREADS, TIMES, PIECES = 16, 12, 1_000


def test_crossing_baskets_are_all_served() -> None:
    """Reservations, orders and corrections of the same goods, each in an order of its own."""
    channel, place = ground.channel(), goods.store()
    products = [ground.product().id for _ in range(4)]
    for product in products:
        goods.receive(product, place.id, PIECES)

    def cross(number: int) -> list[object]:
        turned = products[number % 4 :] + products[: number % 4]
        wanted = turned if number % 2 else turned[::-1]

        def reserve(_: int) -> object:
            now = clock.now()
            lines = tuple((product, 1) for product in wanted)
            request = ReservationRequest(ids.new(), channel.pk, place.id, lines, now + timedelta(minutes=15))
            return reservations.reserve([request], by=BY, at=now)[0]

        def allocate(_: int) -> object:
            demands = [Demand(uuid4(), product, place.id, 1) for product in wanted]
            return allocations.allocate(demands, by=BY, at=clock.now())

        def adjust(_: int) -> object:
            lines = [Adjustment(ids.new(), product, place.id, 1, "found") for product in wanted]
            return movements.adjust(lines, by=BY, at=clock.now())

        verbs = [in_transactions(verb) for verb in (reserve, allocate, adjust)]
        return [verbs[(number + turn) % 3](turn) for turn in range(TIMES)]

    outcomes = [one for several in run_at_once(THREADS, cross) for one in several]
    assert summary(outcomes) == {"done": THREADS * TIMES}
    each = THREADS * TIMES // 3
    for figure in availability.figures(products, location_ids=[place.id], at=clock.now()):
        assert (figure.on_hand, figure.held, figure.allocated) == (PIECES + each, each, each)
        assert figure.version == 1 + 3 * each
    assert checks.run() == []
