"""Places and stock for tests, made by the verbs that the product uses."""

from datetime import timedelta
from itertools import count
from typing import Any

from commerce import clock, ids
from commerce.actors import Actor
from commerce.transactions import transaction
from inventory import movements
from inventory.movements import Receipt
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.stock import Capability, LocationKind
from inventory.transport import transfers
from inventory.transport.records import TransferRef

TESTER = Actor.system("tests")
_numbers = count(1)


def store(code: str | None = None, **values: Any) -> LocationRef:
    """A store in Berlin that is always open, with pickup and shipping."""
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "code": code or f"S{number:03}",
        "name": f"Store {number}",
        "kind": LocationKind.STORE.value,
        "capabilities": [Capability.PICKUP.value, Capability.SHIP.value, Capability.CURBSIDE.value],
        "country": "DE",
        "region": "BE",
        "city": "Berlin",
        "postal_code": "10115",
        "latitude": 52.532,
        "longitude": 13.3849,
        "time_zone": "Europe/Berlin",
        "opening_hours": "24/7",
        "pickup_lead_minutes": 30,
    }
    with transaction():
        return locations.add_location(by=TESTER, **(defaults | values))


def receive(product_id: int, location_id: int, quantity: int) -> None:
    """Put pieces on the shelf."""
    with transaction():
        movements.receive(
            [Receipt(ids.new(), product_id, location_id, quantity)],
            by=TESTER,
            at=clock.now(),
            reason="test",
            source="tests",
        )


def transfer(origin_id: int, destination_id: int, *lines: tuple[int, int], is_sent: bool = True) -> TransferRef:
    """A transfer of (product, pieces) between two places that is on its way and expected tomorrow, or a draft of it."""
    at = clock.now()
    with transaction():
        made = transfers.draft(
            ids.new(),
            origin_id=origin_id,
            destination_id=destination_id,
            lines=[transfers.Wanted(product_id, pieces) for product_id, pieces in lines],
            expected_on=at.date() + timedelta(days=1),
            by=TESTER,
            at=at,
        )
        return transfers.send(made.id, by=TESTER, at=at) if is_sent else made
