"""What tests of promises make again and again: policies, limits, and deliveries that are on their way."""

from datetime import date, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from commerce import clock
from commerce.models import Channel
from commerce.transactions import transaction
from inventory.promising import policies, promises, purchase_limits
from tests.factories import commerce as ground
from tests.factories import supply
from tests.inventory.conftest import BY, Shelf

_numbers = count(1)


def today() -> date:
    """The day in the stores of the tests, which have another one than UTC for an hour or two each night."""
    return clock.now().astimezone(ZoneInfo("Europe/Berlin")).date()


def in_days(days: int) -> date:
    return today() + timedelta(days=days)


def policy(shelf: Shelf, cap: int = 10, *, kind: str = "backorder", **values: Any) -> int:
    defaults: dict[str, Any] = {"name": "More to come", "product_id": shelf.product_id, "location_id": shelf.store.id}
    with transaction():
        return policies.make(policies.Draft(kind=kind, cap=cap, **(defaults | values)), by=BY, at=clock.now())


def limit(shelf: Shelf, quantity: int = 2, **values: Any) -> int:
    at = clock.now()
    defaults: dict[str, Any] = {
        "name": "The drop", "product_id": shelf.product_id, "starts_at": at - timedelta(hours=1),
        "ends_at": at + timedelta(hours=1),
    }  # fmt: skip
    with transaction():
        return purchase_limits.make(purchase_limits.Draft(quantity=quantity, **(defaults | values)), by=BY, at=at)


def another_channel(**values: Any) -> Channel:
    return ground.channel(f"promises-{next(_numbers)}", **values)


def expected(shelf: Shelf, pieces: int, days: int) -> Any:
    """A purchase order that brings pieces to the shelf in so many days."""
    made = supply.ordered(supply.supplier(), shelf.store.id, (shelf.product_id, pieces, in_days(days)))
    promises.forget()
    return made
