"""webhook-orders: shops hand in orders at a steady pace; workers place them, one of which is killed in the middle.

The pace is the goal's, doubled. An order's time runs from its reception on disk until another connection sees it placed.
"""

import json
import os
import signal
import sys
import threading
import time
from typing import Any

from tests.benchmarks import goods, house, load, report

GOAL_PER_HOUR = 30_000
PACE_PER_SECOND = 2 * GOAL_PER_HOUR / 3600
PER_REQUEST = 5  # orders that a shop hands in at once
LONGEST_REST = 30.0  # seconds for what is left after the last request
SENT_AGAIN = 10  # every so many requests is sent twice, as shops do


class _Watch(threading.Thread):
    """Sees from a connection of its own when messages are done, a look every few milliseconds."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: dict[int, float] = {}  # message → seconds from reception to being seen
        self.over = threading.Event()

    def run(self) -> None:
        last = 0.0
        with house.database() as cursor:
            while not self.over.is_set():
                cursor.execute(
                    "SELECT id, extract(epoch FROM clock_timestamp() - received_at)::float, extract(epoch FROM done_at)::float"
                    " FROM commerce_inboxmessage WHERE done_at >= to_timestamp(%s)",
                    [last - 5],
                )
                for message_id, took, done_at in cursor.fetchall():
                    self.seen.setdefault(message_id, took)
                    last = max(last, done_at)
                self.over.wait(0.01)


def run(seconds: float) -> dict[str, object]:
    """Hand in, kill a worker at half-time, wait for the rest, and prove the books."""
    with house.ready():
        shop = goods.shop(products=2_000, pieces=100_000, locations=3, prices=True)
        relay = [sys.executable, "manage.py", "relay_outbox"]
        with house.web() as port, house.processes(relay, relay) as workers:
            watch = _Watch()
            watch.start()
            _hand_in(port, shop, 0)
            _wait_for(watch, PER_REQUEST)  # the workers are up; now the clock runs
            first = set(watch.seen)
            began = time.monotonic()
            wanted = int(PACE_PER_SECOND * seconds)
            handed, is_killed = PER_REQUEST, False
            while handed - PER_REQUEST < wanted:
                for _ in range(2 if handed // PER_REQUEST % SENT_AGAIN == 0 else 1):
                    _hand_in(port, shop, handed)
                handed += PER_REQUEST
                if not is_killed and handed >= wanted / 2:
                    is_killed = True
                    os.kill(workers[0].pid, signal.SIGKILL)
                time.sleep(max(began + (handed - PER_REQUEST) / PACE_PER_SECOND - time.monotonic(), 0))
            _wait_for(watch, handed)
            took = time.monotonic() - began
            watch.over.set()
            watch.join()
        placed, references = _placed()
        clean = goods.books_are_clean() and placed == references == handed == len(watch.seen)
    times = sorted(1000 * each for message, each in watch.seen.items() if message not in first)
    figures = {
        "per_second": round(len(times) / took, 1),
        "p50_ms": round(times[len(times) // 2], 1),
        "p95_ms": round(times[int(len(times) * 0.95)], 1),
        "p99_ms": round(times[int(len(times) * 0.99)], 1),
    }
    return report.show(
        "webhook-orders", "orders", figures, {}, {}, verified=clean,
        goals={
            f"orders per hour ÷ {GOAL_PER_HOUR:,}": (len(times) / took * 3600 / GOAL_PER_HOUR, 1),
            "2,000 ms ÷ p99 from reception to placed": (2_000 / figures["p99_ms"], 1),
        },
        notes=(f"{placed:,} of {handed:,} orders stand, each once; one of two workers was killed at half-time",
               "shipments, routed; latency is reception on disk → seen placed by another connection"),
    )  # fmt: skip


def _hand_in(port: int, shop: goods.Shop, first: int) -> None:
    body = _request(shop, first)
    answer = load.run(port, lambda connection, number: body, connections=1, seconds=10, at_most=1)
    if set(answer.statuses) != {202}:
        raise RuntimeError(f"The door answered {dict(answer.statuses)}.")


def _wait_for(watch: _Watch, orders: int) -> None:
    deadline = time.monotonic() + LONGEST_REST
    while len(watch.seen) < orders and time.monotonic() < deadline:
        time.sleep(0.02)


def _request(shop: goods.Shop, first: int) -> bytes:
    events = [
        {
            "event_id": f"event-{number}",
            "order": {
                "external_reference": f"W-{number}",
                "method": "ship",
                "lines": [
                    {"sku": shop.skus[(number * 7 + one * 31) % len(shop.skus)], "quantity": 1} for one in range(2)
                ],
                "customer": {"name": "Bench Mark", "email": f"customer{number % 5_000}@example.com"},
                "ship_to": {"postal_code": "10115", "city": "Berlin", "country": "DE"},
            },
        }
        for number in range(first, first + PER_REQUEST)
    ]
    body = json.dumps({"events": events}).encode()
    return load.request("POST", "/api/v1/order-inbox", body, **shop.headers)


def _placed() -> tuple[Any, Any]:
    with house.database() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT external_reference) FROM orders_order")
        placed, references = cursor.fetchone()
    return placed, references
