"""Demand without a place: less for everyone in its customs area, exact between two places, until it is routed or withdrawn."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from commerce import clock, ids, relay
from commerce.errors import InvalidInput
from commerce.models import AuditEntry, OutboxMessage
from commerce.transactions import transaction
from inventory import allocations, availability, reservations, stock_feed
from inventory.allocations import Demand
from inventory.errors import DemandOverdrawn, InsufficientStock
from inventory.models import StockLevel, UnroutedDemand
from inventory.promising import demands
from inventory.promising.demands import Accepted
from inventory.reservations import ReservationRequest
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import holding


def accept(shelf: Shelf, pieces: int, *, demand_id: UUID | None = None, country: str = "DE") -> UUID:
    demand_id = demand_id or uuid4()
    with transaction():
        demands.accept(
            [Accepted(demand_id, shelf.channel_id, shelf.product_id, country, pieces)], by=BY, at=clock.now()
        )
    return demand_id


def total(shelf: Shelf) -> int:
    return availability.total(availability.figures([shelf.product_id], channel_id=shelf.channel_id, at=clock.now()))


@pytest.mark.django_db
def test_accepted_demand_is_less_in_all_at_no_place_in_particular(shelf: Shelf) -> None:
    other = make.store()
    make.receive(shelf.product_id, other.id, 6)
    assert total(shelf) == 16
    accept(shelf, 9)
    figures = availability.figures([shelf.product_id], channel_id=shelf.channel_id, at=clock.now())
    assert sorted((one.free, one.available, one.left_in_all) for one in figures) == [(6, 6, 7), (10, 7, 7)]
    assert total(shelf) == 7
    refusal = shelf.reserve(8)
    assert isinstance(refusal, InsufficientStock)
    assert refusal.detail["lines"][0]["available"] == 7
    assert not isinstance(shelf.reserve(7), InsufficientStock)
    assert total(shelf) == 0


@pytest.mark.django_db
def test_baskets_whose_time_is_over_take_nothing_from_the_last_pieces(shelf: Shelf) -> None:
    """Whoever promises first ends their holds, and must see those pieces as free before that is booked."""
    shelf.reserve(8)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        accept(shelf, 3)
        assert total(shelf) == 7
        assert not isinstance(shelf.reserve(7), InsufficientStock)
        assert total(shelf) == 0


@pytest.mark.django_db
def test_only_what_the_channel_may_have_can_be_accepted(shelf: Shelf) -> None:
    holding("fixed", 4)
    with pytest.raises(InsufficientStock) as refused:
        accept(shelf, 7)
    assert refused.value.detail["lines"][0]["available"] == 6
    explained = availability.explained(refused.value, channel_id=shelf.channel_id, at=clock.now())
    assert "available at all places together" in explained.message
    accept(shelf, 6)
    with pytest.raises(InsufficientStock):
        accept(shelf, 1)


@pytest.mark.django_db
def test_goods_behind_customs_serve_nobody_here(shelf: Shelf) -> None:
    swiss = make.store(country="CH", region="ZH")
    make.receive(shelf.product_id, swiss.id, 50)
    with pytest.raises(InsufficientStock):
        accept(shelf, 11)
    accept(shelf, 11, country="CH")
    assert total(shelf) == 10 + 39
    here = availability.figures([shelf.product_id], location_ids=[shelf.store.id], at=clock.now())
    assert here[0].available == 10


@pytest.mark.django_db
def test_the_same_line_is_accepted_once_routed_and_withdrawn_and_never_overdrawn(shelf: Shelf) -> None:
    one = accept(shelf, 4)
    accept(shelf, 4, demand_id=one)
    assert total(shelf) == 6
    with transaction():
        demands.route({one: 3}, by=BY, at=clock.now())
        allocations.allocate(
            [Demand(one, shelf.product_id, shelf.store.id, 3)], by=BY, at=clock.now(), channel_id=shelf.channel_id
        )
    assert total(shelf) == 6, "routed and allocated: the same pieces, now at a place"
    with pytest.raises(DemandOverdrawn), transaction():
        demands.withdraw({one: 2}, by=BY, at=clock.now())
    with transaction():
        demands.withdraw({one: 1}, by=BY, at=clock.now(), reason="changed their mind")
    assert total(shelf) == 7
    with pytest.raises(DemandOverdrawn), transaction():
        demands.route({uuid4(): 1}, by=BY, at=clock.now())
    verbs = AuditEntry.objects.filter(object_type="order_line").values_list("verb", flat=True)
    assert sorted(verbs) == ["inventory.demands.accept", "inventory.demands.route", "inventory.demands.withdraw"]
    with transaction():
        assert demands.unmark_done(at=clock.now()) == 1
    assert not StockLevel.objects.filter(has_unrouted=True).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("pieces", [0, -3, demands.MOST_PIECES + 1])
def test_numbers_that_make_no_sense_are_refused(shelf: Shelf, pieces: int) -> None:
    with pytest.raises(InvalidInput):
        accept(shelf, pieces)
    assert not UnroutedDemand.objects.exists()


@pytest.mark.django_db
def test_channels_are_told_what_is_left_in_all(shelf: Shelf) -> None:
    from commerce import catalog

    with transaction():
        catalog.list_products(shelf.channel_id, [shelf.product_id], by=BY)
        stock_feed.tell([shelf.product_id], at=clock.now())
    accept(shelf, 9)
    relay.drain(within=10)
    told = OutboxMessage.objects.filter(event_type="availability.changed").latest("id")
    assert (told.payload["available"], told.payload["locations"]) == (1, {shelf.store.code: 1})


@pytest.mark.django_db(transaction=True)
@pytest.mark.races
def test_two_places_never_give_the_same_last_piece_away(shelf: Shelf) -> None:
    """Two places have ten and five, and fourteen are promised in all: of two who reserve one there at once, one gets it."""
    other = make.store()
    make.receive(shelf.product_id, other.id, 5)
    accept(shelf, 14)
    start, verdicts, failures = threading.Barrier(2), [], []

    def buy(location_id: int) -> None:
        try:
            start.wait(5)
            at = clock.now()
            wanted = ReservationRequest(
                ids.new(), shelf.channel_id, location_id, ((shelf.product_id, 1),), at + timedelta(minutes=5)
            )
            with transaction():
                verdicts.append(reservations.reserve([wanted], by=BY, at=at)[0])
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=buy, args=(place,)) for place in (shelf.store.id, other.id)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not failures
    assert sorted(isinstance(one, InsufficientStock) for one in verdicts) == [False, True]
    demands.forget()
    assert total(shelf) == 0
