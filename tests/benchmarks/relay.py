"""relay: events from the outbox through handlers to a channel's signed webhook, end to end."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.benchmarks import goods, house, report

PRODUCTS = 500
LONGEST_WAIT = 30.0  # seconds


class _Receiver(BaseHTTPRequestHandler):
    """A channel's endpoint that answers at once and remembers when it heard what."""

    protocol_version = "HTTP/1.1"
    heard: list[tuple[float, dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((time.time(), json.loads(body)))
        self.send_response(204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def _receiver() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def run(seconds: float) -> dict[str, object]:
    """A backlog of events is handled in batches (throughput); then single changes reach the webhook (latency)."""
    from datetime import timedelta

    with house.ready(), _receiver() as port:
        from commerce import clock, ids
        from commerce.actors import Actor
        from commerce.channels import endpoints
        from commerce.transactions import transaction
        from inventory import reservations
        from inventory.reservations import ReservationRequest

        by = Actor.system("benchmark")
        shop = goods.shop(products=PRODUCTS, pieces=1_000_000, listed=True)
        with transaction():
            endpoints.add(shop.channel_id, f"http://127.0.0.1:{port}/hook", ["availability.changed"], by=by)

        def change(product_id: int) -> float:
            at = clock.now()
            wish = ReservationRequest(
                ids.new(), shop.channel_id, shop.location_id, ((product_id, 1),), at + timedelta(minutes=15)
            )
            with transaction():
                reservations.reserve([wish], by=by, at=at)
            return time.time()

        backlog = int(min(20_000, 600 * seconds))
        for number in range(backlog // 100):
            at = clock.now()
            wishes = [
                ReservationRequest(
                    ids.new(), shop.channel_id, shop.location_id,
                    ((shop.product_ids[(number * 100 + one) % PRODUCTS], 1),), at + timedelta(minutes=15),
                )
                for one in range(100)
            ]  # fmt: skip
            with transaction():
                reservations.reserve(wishes, by=by, at=at)
        with house.database() as cursor:
            cursor.execute("SELECT count(*) FROM commerce_outboxmessage")
            waiting = cursor.fetchone()[0]
            with house.processes([sys.executable, "manage.py", "relay_outbox"]):
                _wait(lambda: _open(cursor) < waiting, 0.005)  # the process starts; its first work starts the clock
                started = time.time()
                _wait(lambda: _open(cursor) <= waiting * 0.01, 0.02)
                took = time.time() - started
                _wait(lambda: not _undelivered(cursor), 0.02)
                latencies = []
                for number in range(int(20 * max(seconds / 10, 1))):
                    before = len(_Receiver.heard)
                    changed_at = change(shop.product_ids[number % PRODUCTS])
                    _wait(lambda before=before: len(_Receiver.heard) > before, 0.002)
                    latencies.append((_Receiver.heard[-1][0] - changed_at) * 1000)
        in_order = _versions_only_grow()
        clean = goods.books_are_clean() and in_order
    latencies.sort()
    figures = {
        "per_second": round(waiting / took, 1),
        "p50_ms": round(latencies[len(latencies) // 2], 1),
        "p95_ms": round(latencies[int(len(latencies) * 0.95)], 1),
        "p99_ms": round(latencies[-1], 1),
    }
    return report.show(
        "relay", "events", figures, {}, {}, verified=clean,
        goals={"2,000 ms ÷ p99 from commit to the channel's webhook": (2_000 / figures["p99_ms"], 1)},
        notes=(f"{waiting:,} events of stock in the backlog; latency is commit → webhook received, two hops",),
    )  # fmt: skip


def _wait(fact: Callable[[], bool], pause: float) -> None:
    """Wait until a fact holds. Raises: TimeoutError, so that a relay that stands still ends the benchmark."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not fact():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the relay stood still for {LONGEST_WAIT:.0f} s")
        time.sleep(pause)


def _open(cursor: Any) -> int:
    """How many stock events no handler has finished yet."""
    cursor.execute(
        "SELECT count(*) FROM commerce_outboxmessage m WHERE event_type = 'inventory.stock_changed' AND NOT EXISTS"
        " (SELECT FROM commerce_outboxdelivery d WHERE d.message_id = m.id AND d.state <> 'pending')"
    )
    return int(cursor.fetchone()[0])


def _undelivered(cursor: Any) -> int:
    cursor.execute(
        "SELECT (SELECT count(*) FROM commerce_outboxmessage WHERE position IS NULL)"
        " + (SELECT count(*) FROM commerce_outboxdelivery WHERE state = 'pending')"
    )
    return int(cursor.fetchone()[0])


def _versions_only_grow() -> bool:
    """Whether the channel heard each product's figures in order."""
    newest: dict[str, int] = {}
    for _, message in _Receiver.heard:
        data = message["data"]
        if data["version"] <= newest.get(data["sku"], 0):
            return False
        newest[data["sku"]] = data["version"]
    return bool(newest)
