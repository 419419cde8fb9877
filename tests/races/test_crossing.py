"""Who wants the same things in opposite order never waits for the other for ever, and loses nothing: goods, and customers."""

import threading
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from commerce import clock, ids
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer
from commerce.operations import checks
from customers import profiles
from customers.models import Profile
from customers.profiles import Person
from inventory import allocations, availability, movements, reservations
from inventory.allocations import Demand
from inventory.models import StockEntry
from inventory.movements import Adjustment
from inventory.reservations import ReservationRequest
from orders import placement
from orders.models import Order
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
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


def test_groups_of_several_actors_with_each_others_goods_are_all_served() -> None:
    """The disease: one actor after the other, crosswise, one side has to lose. The cure: all levels of a group at once."""
    channel, place = ground.channel(), goods.store()
    first, second = (ground.product().id for _ in range(2))
    for product in (first, second):
        goods.receive(product, place.id, PIECES)
    ada, bob = Actor.system("ada"), Actor.system("bob")
    halfway = threading.Barrier(2)

    def wish(product: int) -> ReservationRequest:
        until = clock.now() + timedelta(minutes=15)
        return ReservationRequest(ids.new(), channel.pk, place.id, ((product, 1),), until)

    @in_transactions
    def one_by_one(number: int) -> object:
        mine, other = (first, second) if number else (second, first)
        reservations.reserve([wish(mine)], by=ada, at=clock.now())
        halfway.wait(timeout=20)
        return reservations.reserve([wish(other)], by=bob, at=clock.now())[0]

    assert summary(run_at_once(2, one_by_one)) == {"done": 1, "busy": 1}

    def together(number: int) -> list[object]:
        @in_transactions
        def group(_: int) -> object:
            mine, other = (first, second) if number % 2 else (second, first)
            wishes = {ada: [wish(mine)], bob: [wish(other), wish(mine)]}
            verdicts = reservations.reserve_for(wishes, at=clock.now())
            assert [one.id for of in wishes.values() for one in of] == list(verdicts)
            return verdicts

        return [group(turn) for turn in range(TIMES)]

    outcomes = [one for several in run_at_once(4, together) for one in several]
    assert summary(outcomes) == {"done": 4 * TIMES}
    figures = availability.figures([first, second], location_ids=[place.id], at=clock.now())
    assert sum(figure.held for figure in figures) == 2 + 3 * 4 * TIMES
    assert set(StockEntry.objects.filter(kind="held").values_list("actor_id", flat=True)) == {"ada", "bob"}
    assert checks.run() == []


def test_new_customers_of_two_groups_are_written_in_one_order() -> None:
    """The disease: described one after the other, crosswise, one side has to lose. The cure: all of a group at once."""
    ada, bob = (Person(email=f"{name}@example.org", phone=f"030 12345{number}", country="DE")
                for number, name in enumerate(("ada", "bob")))  # fmt: skip
    halfway = threading.Barrier(2)

    @in_transactions
    def one_by_one(place: int) -> list[UUID | None]:
        first, second = (ada, bob) if place else (bob, ada)
        found = profiles.recognise_many([first], by=[BY], at=clock.now())
        halfway.wait(timeout=20)
        return found + profiles.recognise_many([second], by=[BY], at=clock.now())

    assert summary(run_at_once(2, one_by_one)) == {"done": 1, "busy": 1}

    for turn in range(TIMES):
        people = [Person(email=f"{name}{turn}@example.org") for name in "abcdefgh"]

        @in_transactions
        def together(place: int, people: list[Person] = people) -> list[UUID | None]:
            described = people[place:] + people[:place]
            found = profiles.recognise_many(described, by=[BY] * len(described), at=clock.now())
            return found[-place:] + found[:-place] if place else found

        seen = run_at_once(4, together)
        assert summary(seen) == {"done": 4}, seen
        assert all(one == seen[0] for one in seen)
    assert Profile.objects.count() == 2 + 8 * TIMES


def test_groups_with_each_others_new_customers_are_all_placed() -> None:
    """Two groups for two stores, so that only the customers cross: what one channel sells to Ada, the other sells to Bob."""
    with clock.frozen(make.NOON):
        shops = [make.shop(pieces=1_000, pickup_slot_capacity=1_000) for _ in range(2)]
        channels = [shop.terms for shop in shops]
        for turn in range(TIMES):
            emails = [f"{name}{turn}@example.org" for name in ("ada", "bob")]

            @in_transactions
            def place(number: int, emails: list[str] = emails) -> list[placement.Verdict]:
                wishes = [
                    placement.Wish(
                        replace(shops[number].incoming(), customer=IncomingCustomer(name="Somebody", email=email)),
                        channel,
                        Actor.system(channel.channel_code),
                    )
                    for channel, email in zip(channels, emails if number else emails[::-1], strict=True)
                ]
                return placement.place_many(wishes, at=clock.now())

            assert summary([one for group in run_at_once(2, place) for one in group]) == {"done": 4}
    assert (Order.objects.count(), Profile.objects.count()) == (4 * TIMES, 2 * TIMES)
