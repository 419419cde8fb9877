"""Many who order the same few pieces for the same window over HTTP, from two server processes that group what waits."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from commerce import clock, ids, quotas
from commerce.operations import checks
from commerce.transactions import transaction
from customers.models import Profile
from inventory import availability, reservations
from inventory.models import Hold
from inventory.reservations import ReservationRequest
from orders import pickup_windows
from orders.models import Order
from tests.benchmarks import load
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

CONNECTIONS = 40
PIECES = 10


@dataclass(frozen=True)
class Till:
    """A shop over HTTP: who orders there, of what, and for when."""

    port: int
    shop: make.Shop
    window: str
    headers: dict[str, str]

    def body(self, number: int, **values: Any) -> dict[str, Any]:
        return {
            "external_reference": f"race-{number}",
            "method": "pickup",
            "window": self.window,
            "lines": [{"sku": self.shop.products[0].sku, "quantity": 1}],
            "customer": {"name": "Erika Beispiel", "email": f"erika{number}@example.org"},
        } | values

    def at_once(self, bodies: list[dict[str, Any]], keys: list[str]) -> tuple[Counter[int], list[dict[str, Any]]]:
        """Send every body from a connection of its own; return how often each status came, and the documents."""
        requests = [
            load.request(
                "POST", "/api/v1/orders", json.dumps(body).encode(), **self.headers, **{"Idempotency-Key": key}
            )
            for body, key in zip(bodies, keys, strict=True)
        ]
        outcome = load.run(
            self.port,
            lambda connection, number: requests[number],
            connections=len(requests),
            seconds=60,
            at_most=len(requests),
            keep_bodies=True,
        )
        assert outcome.broken == 0
        return outcome.statuses, [json.loads(body) for body in outcome.bodies]

    def available(self) -> int:
        found = availability.figures([self.shop.products[0].id], location_ids=[self.shop.store.id], at=clock.now())
        return found[0].available

    def taken(self) -> int:
        key = f"pickup:{self.window}"
        return quotas.usage([key], at=clock.now())[key].used


def till(port: int, *, capacity: int) -> Till:
    shop = make.shop(pieces=PIECES, pickup_slot_capacity=capacity)
    start, _ = pickup_windows.windows_between(shop.store, at=clock.now(), days=3)[-1]
    window = pickup_windows.window_id(shop.store, start)
    return Till(port, shop, window, {"Authorization": f"Bearer {ground.key(shop.channel).plain}"})


def keys(number: int) -> list[str]:
    return [f"key-{one}" for one in range(number)]


def test_a_window_for_eight_takes_eight_of_forty_who_want_ten_pieces(granian_port: int) -> None:
    shop = till(granian_port, capacity=8)
    statuses, documents = shop.at_once([shop.body(number) for number in range(CONNECTIONS)], keys(CONNECTIONS))
    assert statuses == {201: 8, 409: CONNECTIONS - 8}
    assert {document["code"] for document in documents if "code" in document} == {"window_full"}
    assert (Order.objects.count(), Profile.objects.count()) == (8, 8)  # nobody is remembered for what they did not get
    assert (shop.taken(), shop.available()) == (8, PIECES - 8)
    assert checks.run() == []


def test_reserved_pieces_are_for_those_who_reserved_them(granian_port: int) -> None:
    shop = till(granian_port, capacity=1_000)
    held = [_reserve(shop.shop) for _ in range(4)]
    bodies = [shop.body(number) for number in range(CONNECTIONS - len(held))]
    bodies += [shop.body(1_000 + number, reservation=str(one)) for number, one in enumerate(held)]
    bodies = bodies[::2] + bodies[1::2]
    statuses, documents = shop.at_once(bodies, keys(CONNECTIONS))
    assert statuses == {201: PIECES, 409: CONNECTIONS - PIECES}
    assert {document["code"] for document in documents if "code" in document} == {"insufficient_stock"}
    placed = set(Order.objects.values_list("external_reference", flat=True))
    assert {f"race-{1_000 + number}" for number in range(len(held))} <= placed
    assert set(Hold.objects.values_list("state", flat=True)) == {"consumed"}
    assert (shop.taken(), shop.available()) == (PIECES, 0)
    assert checks.run() == []


def test_one_reference_from_everywhere_is_one_order(granian_port: int) -> None:
    shop = till(granian_port, capacity=100)
    statuses, documents = shop.at_once([shop.body(1)] * CONNECTIONS, keys(CONNECTIONS))
    assert statuses[201] == 1
    assert set(statuses) <= {200, 201, 409}
    assert {document["code"] for document in documents if "code" in document} <= {"request_in_progress"}
    assert len({document["id"] for document in documents if "id" in document}) == 1
    assert (Order.objects.count(), shop.taken(), shop.available()) == (1, 1, PIECES - 1)
    assert checks.run() == []


def test_one_key_from_everywhere_is_one_order(granian_port: int) -> None:
    shop = till(granian_port, capacity=100)
    statuses, documents = shop.at_once([shop.body(1)] * CONNECTIONS, ["the-key"] * CONNECTIONS)
    assert set(statuses) <= {201, 409}  # the first answer, told again; or: still running
    assert {document["code"] for document in documents if "code" in document} <= {"request_in_progress"}
    assert len({document["id"] for document in documents if "id" in document}) == 1
    assert (Order.objects.count(), shop.available()) == (1, PIECES - 1)
    assert checks.run() == []


def _reserve(shop: make.Shop) -> Any:
    request = ReservationRequest(
        ids.new(),
        shop.channel.pk,
        shop.store.id,
        ((shop.products[0].id, 1),),
        clock.now() + timedelta(minutes=15),
    )
    with transaction():
        return reservations.reserve([request], by=ground.TESTER, at=clock.now())[0].id
