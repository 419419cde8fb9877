"""Orders handed in at the door, and workers that are killed while they place them: each order stands once, none is lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from commerce import clock
from commerce.models import InboxMessage, OutboxDelivery
from commerce.operations import checks
from commerce.transactions import transaction
from orders import received
from orders.models import Order
from tests import servers
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

ORDERS, PIECES, AT_ONCE = 240, 200, 40


def hand_in(shop: make.Shop) -> None:
    for start in range(0, ORDERS, AT_ONCE):
        events = {
            f"event-{number}": {
                "external_reference": f"R-{number}",
                "method": "ship",
                "lines": [{"sku": shop.products[0].sku, "quantity": 1}],
                "customer": {"name": "Erika Beispiel", "email": f"erika{number}@example.org"},
                "ship_to": {"postal_code": "10115", "city": "Berlin", "country": "DE"},
            }
            for number in range(start, start + AT_ONCE)
        }
        for _twice in range(2):  # shops send again what they are not sure of
            with transaction():
                received.take_in(events, channel=shop.terms, by=ground.TESTER, at=clock.now())


def test_workers_that_are_killed_lose_and_double_nothing() -> None:
    shop = make.shop(pieces=PIECES)
    hand_in(shop)
    assert InboxMessage.objects.count() == ORDERS
    command = [sys.executable, "-m", "tests.races.jobs", "drain", json.dumps({"within": 60})]
    killed = 0
    for _victim in range(2):
        before = Order.objects.count()
        with servers.started(command, stdin=subprocess.PIPE) as worker:
            worker.wait_for("ready", within=60)
            worker.process.stdin.write(b"go\n")
            worker.process.stdin.flush()
            deadline, pause = time.monotonic() + 30, threading.Event()
            while Order.objects.count() == before and worker.process.poll() is None and time.monotonic() < deadline:
                pause.wait(0.002)
                if OutboxDelivery.objects.filter(state="pending").exists():
                    break  # at work on its first batch
            os.kill(worker.process.pid, signal.SIGKILL)
            killed += 1
    with servers.started(command, stdin=subprocess.PIPE) as worker:
        worker.wait_for("ready", within=60)
        worker.process.stdin.write(b"go\n")
        worker.process.stdin.flush()
        assert worker.process.wait(120) == 0, worker.printed()
    assert killed == 2
    assert Order.objects.count() == PIECES, "as many as there are goods"
    assert Order.objects.values("external_reference").distinct().count() == PIECES
    open_ones = InboxMessage.objects.filter(done_at__isnull=True)
    assert open_ones.count() == ORDERS - PIECES
    assert all(one.last_error.startswith("insufficient_stock: ") for one in open_ones)
    assert not OutboxDelivery.objects.filter(subscriber="orders.intake").exclude(state="done").exists()
    assert not checks.run()
