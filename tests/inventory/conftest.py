"""A store with stock, for the tests of this room."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

import pytest

from commerce import catalog, clock, ids
from commerce.actors import Actor
from commerce.transactions import transaction
from inventory import allocations, availability, reservations
from inventory.allocations import Demand
from inventory.availability import Figure
from inventory.places.locations import LocationRef
from inventory.reservations import ReservationRequest, Reserved
from tests.factories import inventory as make

BY = Actor.system("tests")
_numbers = count(1)


@dataclass(frozen=True)
class Shelf:
    """One product at one store, seen by one channel."""

    product_id: int
    sku: str
    store: LocationRef
    channel_id: int

    def receive(self, pieces: int) -> None:
        make.receive(self.product_id, self.store.id, pieces)

    def reserve(self, pieces: int, *, minutes: float = 15, at: datetime | None = None) -> Reserved | Exception:
        at = at or clock.now()
        wanted = ReservationRequest(
            ids.new(), self.channel_id, self.store.id, ((self.product_id, pieces),), at + timedelta(minutes=minutes)
        )
        with transaction():
            return reservations.reserve([wanted], by=BY, at=at)[0]

    def allocate(self, pieces: int, *, reservation_id: UUID | None = None, at: datetime | None = None) -> UUID:
        demand = Demand(uuid4(), self.product_id, self.store.id, pieces)
        with transaction():
            return allocations.allocate(
                [demand], by=BY, at=at or clock.now(), reservation_id=reservation_id, channel_id=self.channel_id
            )[demand.demand_id]

    def figure(self, at: datetime | None = None) -> Figure:
        return availability.figures([self.product_id], location_ids=[self.store.id], at=at or clock.now())[0]


@pytest.fixture
def shelf(db: None) -> Shelf:
    number = next(_numbers)
    with transaction():
        product = catalog.add_product(sku=f"SHELF-{number}", name="Lamp", by=BY)
        channel = catalog.add_channel(
            code=f"shop-{number}", name="Shop", kind="web", country="DE", currency="EUR", by=BY
        )
    store = make.store()
    made = Shelf(product.id, product.sku, store, channel.pk)
    made.receive(10)
    return made
