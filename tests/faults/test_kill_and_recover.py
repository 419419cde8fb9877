"""Everything is killed while shops order: relay, web worker, PostgreSQL, Celery worker. Then all settles by itself.

The drama is played once, on an installation of its own with durable settings; each test asks one thing of what is left.
"""

import os
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg2
import pytest
import requests

from commerce.supervisor import processes_in
from tests.commerce.receiver import Got, Receiver, Reply, receiving
from tests.faults import scene
from tests.faults.clients import ANSWER_SECONDS, Shop, Shopper, figures
from tests.installation import Installation

pytestmark = [
    pytest.mark.slow,
    pytest.mark.faults,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="finds its victims through /proc"),
]

SHOPPERS = 4
LEASE_SECONDS = 30  # of a webhook: commerce.channels.delivery.LEASE
AT_ONCE = 8  # webhooks under way to one endpoint: commerce.channels.delivery.AT_ONCE_PER_ENDPOINT
SETTLED_SECONDS = LEASE_SECONDS + 30.0
NEWS = ["availability.changed", "order.placed"]


@dataclass
class Aftermath:
    """What happened, and what is left of it."""

    installation: Installation
    shops: list[Shop]
    shoppers: list[Shopper]
    receiver: Receiver
    recovered: dict[str, float] = field(default_factory=dict)  # seconds from the kill to the next success
    in_flight: list[str] = field(default_factory=list)  # webhook ids that were under way when the relay was killed
    while_gone: list[tuple[str, requests.Response, float]] = field(default_factory=list)
    health_while_gone: list[int] = field(default_factory=list)
    workers_before: set[int] = field(default_factory=set)
    workers_after: set[int] = field(default_factory=set)
    settled_after: float = 0.0

    def ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Ask the database, past the product."""
        with closing(psycopg2.connect(self.installation.database_url)) as session, session.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall()

    def acknowledged(self) -> list[Any]:
        return [wish for shopper in self.shoppers for wish in shopper.acknowledged]

    def attempts(self) -> Counter[str]:
        return sum((shopper.attempts for shopper in self.shoppers), Counter())

    def wait(self, fact: Callable[[], Any], *, within: float) -> Any:
        """Poll until a fact holds and return it; fail with what the installation said."""
        deadline, pause = time.monotonic() + within, threading.Event()
        while not (value := fact()):
            for shopper in self.shoppers:
                if shopper.failure:
                    raise shopper.failure
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {within} s: {value!r}\n{self.installation.says()[-4000:]}")
            pause.wait(0.05)
        return value

    def wait_for_orders(self, more: int, *, within: float = 45.0) -> None:
        """Wait until so many orders that began after now are acknowledged."""
        since = time.monotonic()
        self.wait(lambda: sum(wish.began_at > since for wish in self.acknowledged()) >= more, within=within)

    def kill(self, name: str, pid: int, recovered: Callable[[], Any]) -> None:
        """Kill a process without warning and note how long it takes until `recovered` holds."""
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self.wait(recovered, within=45)
        self.recovered[name] = time.monotonic() - began


@pytest.fixture(scope="module")
def aftermath(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aftermath]:
    installation = Installation(tmp_path_factory.mktemp("kontor"), KONTOR_WEB_WORKERS="2", KONTOR_WEB_THREADS="16")
    stop = threading.Event()
    with receiving() as receiver:
        after = Aftermath(installation, [], [], receiver)
        try:
            installation.start()
            after.wait(lambda: "Kontor is up" in installation.says(), within=300)
            after.wait(installation.is_whole, within=60)
            _open_shops(after)
            after.shoppers = [Shopper(f"shopper{n}", after.shops[n % 2], stop) for n in range(SHOPPERS)]
            for shopper in after.shoppers:
                shopper.start()
            _play(after)
            stop.set()
            for shopper in after.shoppers:
                shopper.join(timeout=120)
                assert not shopper.is_alive()
            _take_the_database_away(after)
            began = time.monotonic()
            after.wait(lambda: _waiting(after) == 0, within=SETTLED_SECONDS)
            after.settled_after = time.monotonic() - began
            print(f"\n{figures(after)}")
            yield after
        finally:
            stop.set()
            receiver.answer = lambda got: Reply(204)
            if installation.process:
                installation.stop()
            for shopper in after.shoppers:
                shopper.join(timeout=120)


def _open_shops(after: Aftermath) -> None:
    """Fill the store and have the first shop listen."""
    made = after.installation.manage("-m", "tests.faults.scene")
    assert made.returncode == 0, made.stderr
    told = orjson.loads(made.stdout)
    url = after.installation.url
    for key in told["keys"]:
        headers = {"Authorization": f"Bearer {key}"}
        found = requests.get(f"{url}/api/v1/pickup-windows", {"location": told["store"]}, headers=headers, timeout=30)
        window = found.json()["windows"][-1]["id"]
        after.shops.append(Shop(url, key, told["store"], window, tuple(told["skus"])))
    endpoint = {"url": after.receiver.url, "event_types": NEWS}
    listening = {"Authorization": f"Bearer {told['keys'][0]}"}
    added = requests.post(f"{url}/api/v1/webhook-endpoints", json=endpoint, headers=listening, timeout=30)
    assert added.status_code == 201, added.text


def _play(after: Aftermath) -> None:
    """Kill one after the other while the shops go on."""
    installation, receiver = after.installation, after.receiver
    after.wait_for_orders(15)

    # The relay, while a receiver takes its time: sent, but nobody has noted that it arrived.
    is_killed = threading.Event()
    held: list[str] = []

    def hold(got: Got) -> Reply:
        held.append(got.id)
        is_killed.wait(20)
        return Reply(204)

    receiver.answer = hold
    after.wait(lambda: len(held) >= 3, within=45)
    relay = installation.children()["relay"]
    after.in_flight = list(held)
    heard = 0

    def is_heard_again() -> bool:
        nonlocal heard
        if not is_killed.is_set() and installation.children().get("relay") not in (None, relay):
            receiver.answer = lambda got: Reply(204)
            heard = len(receiver.got)
            is_killed.set()
        return is_killed.is_set() and len(receiver.got) > heard

    after.kill("relay", relay, is_heard_again)

    # Both web workers, one after the other, each with requests in its hands.
    for victim in sorted(installation.web_workers()):
        after.wait_for_orders(5)
        with _requests_under_way(after):
            after.kill("web worker", victim, lambda victim=victim: victim not in installation.web_workers())
        began = time.monotonic()
        after.wait_for_orders(1)
        after.wait(lambda: len(installation.web_workers()) == 2, within=45)
        after.recovered["web worker"] = max(after.recovered["web worker"], time.monotonic() - began)

    # PostgreSQL, with transactions under way: it recovers, and nobody else has to be started again.
    after.wait_for_orders(10)
    workers = installation.web_workers()
    with _requests_under_way(after):
        killed_at = time.monotonic()
        os.kill(installation.children()["database"], signal.SIGKILL)
    after.wait_for_orders(1)
    after.recovered["database"] = time.monotonic() - killed_at
    assert installation.web_workers() == workers
    after.wait_for_orders(10)

    worker = installation.children()["worker"]
    after.kill("worker", worker, lambda: installation.children().get("worker") not in (None, worker))
    after.wait_for_orders(5)


@contextmanager
def _requests_under_way(after: Aftermath) -> Iterator[None]:
    """Hold all stock until requests wait for it (a web worker groups them: one waits for all); let go after the block."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    session = psycopg2.connect(after.installation.database_url)
    try:
        with session.cursor() as cursor:
            cursor.execute("SELECT FROM inventory_stocklevel FOR UPDATE")
        after.wait(lambda: after.ask(waiting)[0][0] >= 1, within=45)
        yield
    finally:
        session.close()


def _take_the_database_away(after: Aftermath) -> None:
    """Keep the supervisor from helping, kill PostgreSQL, ask all kinds of things, and let it help again."""
    installation, shop = after.installation, after.shops[0]
    assert installation.process
    after.workers_before = installation.web_workers()
    headers = {"Authorization": f"Bearer {shop.key}"}
    lines = [{"sku": shop.skus[0], "quantity": 1}]
    order = {**after.acknowledged()[0].body, "external_reference": "while-gone", "lines": lines}
    order.pop("reservation", None)
    hold = {"location": shop.store, "lines": lines, "ttl_seconds": 60}
    questions: list[tuple[str, str, Any]] = [
        ("GET", f"/availability?sku={shop.skus[0]}", None),
        ("POST", "/reservations", hold),
        ("POST", "/orders", order),
        ("GET", "/orders", None),
        ("GET", "/pickup-windows?location=" + shop.store, None),
    ]
    installation.process.send_signal(signal.SIGSTOP)
    try:
        os.kill(installation.children()["database"], signal.SIGKILL)
        after.wait(lambda: not processes_in(installation.cluster), within=10)  # its sessions follow in a moment
        for number in range(3):  # first on the connections that broke, then with none at all
            for method, path, body in questions:
                began = time.monotonic()
                answer = requests.request(
                    method, f"{shop.url}/api/v1{path}", json=body, timeout=ANSWER_SECONDS,
                    headers=headers | ({"Idempotency-Key": f"gone-{path}"} if body and number else {}),
                )  # fmt: skip
                after.while_gone.append((f"{method} {path}", answer, time.monotonic() - began))
        health = requests.get(f"{shop.url}/healthz", timeout=ANSWER_SECONDS)
        after.health_while_gone.append(health.status_code)
    finally:
        installation.process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    after.wait(
        lambda: requests.get(f"{shop.url}/api/v1/orders", headers=headers, timeout=ANSWER_SECONDS).status_code == 200,
        within=45,
    )
    after.recovered["database that was gone"] = time.monotonic() - began
    after.workers_after = installation.web_workers()


def _waiting(after: Aftermath) -> int:
    """Return how much is not yet delivered, or put off to a later time."""
    sql = """
        SELECT (SELECT count(*) FROM commerce_outboxmessage WHERE position IS NULL)
             + (SELECT count(*) FROM commerce_outboxdelivery WHERE state IN ('pending', 'parked'))
    """
    try:
        return int(after.ask(sql)[0][0])
    except psycopg2.OperationalError:
        return -1


# --- what is left -----------------------------------------------------------------------------------------------------


def test_every_acknowledged_order_is_there_once_and_no_other(aftermath):
    counted = dict(aftermath.ask("SELECT external_reference, count(*) FROM orders_order GROUP BY 1"))
    assert set(counted.values()) == {1}
    wishes = [wish for shopper in aftermath.shoppers for wish in shopper.wishes]
    ordered = {wish.reference for wish in wishes if wish.order}
    refused = {wish.reference for wish in wishes if wish.refusal}
    unknown = {wish.reference for wish in wishes if wish.kind == "hung up"}  # may have been placed; nobody was told
    assert len(ordered) >= 50
    assert ordered | refused | unknown == {wish.reference for wish in wishes}
    assert ordered <= set(counted)
    assert set(counted) - ordered <= unknown
    assert not refused & set(counted)
    numbers = dict(aftermath.ask("SELECT external_reference, number FROM orders_order"))
    assert all(wish.order["number"] == numbers[wish.reference] for wish in wishes if wish.order)


def test_an_order_sent_again_has_one_effect_and_one_answer(aftermath):
    assert sum(aftermath.attempts()[what] for what in ("201 replayed", "200 replayed", "409 replayed")) > 0
    for shopper in aftermath.shoppers:
        for wish in shopper.wishes:
            assert len(set(wish.answers)) <= 1, wish.reference
    twice = aftermath.ask(
        "SELECT reference, count(DISTINCT reservation_id) FROM inventory_hold GROUP BY 1 HAVING count(DISTINCT reservation_id) > 1"
    )
    assert twice == []


def test_no_order_is_half_there(aftermath):
    halves = aftermath.ask(
        """
        SELECT o.number, lines.pieces, promised.pieces, allocated.pieces, f.slot_hold_id, d.id, a.id, m.id
        FROM orders_order o
        LEFT JOIN LATERAL (SELECT sum(quantity) AS pieces FROM orders_orderline WHERE order_id = o.id) lines ON true
        LEFT JOIN orders_fulfilment f ON f.order_id = o.id
        LEFT JOIN LATERAL (
            SELECT sum(quantity) AS pieces FROM orders_fulfilmentline WHERE fulfilment_id = f.id) promised ON true
        LEFT JOIN LATERAL (
            SELECT sum(a.quantity) AS pieces FROM inventory_allocation a JOIN orders_orderline l ON l.id = a.demand_id
            WHERE l.order_id = o.id) allocated ON true
        LEFT JOIN orders_routingdecision d ON d.order_id = o.id
        LEFT JOIN commerce_auditentry a ON a.object_type = 'order' AND a.object_id = o.id::text
            AND a.verb = 'orders.placement.place'
        LEFT JOIN commerce_outboxmessage m ON m.aggregate = 'order:' || o.id AND m.event_type = 'order.placed'
        LEFT JOIN commerce_quotahold q ON q.id = f.slot_hold_id AND q.state = 'committed'
        WHERE lines.pieces IS NULL OR (lines.pieces, lines.pieces) IS DISTINCT FROM (promised.pieces, allocated.pieces)
           OR q.id IS NULL OR d.id IS NULL OR a.id IS NULL OR m.id IS NULL
        """
    )
    assert halves == []
    ((strays,),) = aftermath.ask(
        """
        SELECT count(*) FROM commerce_outboxmessage m WHERE event_type = 'order.placed'
           AND NOT EXISTS (SELECT FROM orders_order o WHERE m.aggregate = 'order:' || o.id)
        """
    )
    assert strays == 0


def test_the_scarce_product_is_not_sold_beyond_its_last_piece(aftermath):
    ((on_hand, allocated, held),) = aftermath.ask(
        """
        SELECT l.on_hand, l.allocated, l.held FROM inventory_stocklevel l JOIN commerce_product p ON p.id = l.product_id
        WHERE p.sku = %s
        """,
        aftermath.shops[0].skus[-1],
    )
    assert on_hand == scene.PIECES[-1]
    assert allocated + held <= on_hand
    refused = [wish.refusal for shopper in aftermath.shoppers for wish in shopper.wishes if wish.refusal]
    assert {refusal["code"] for refusal in refused} == {"insufficient_stock"}  # somebody came too late


def test_the_books_are_right(aftermath):
    proof = aftermath.installation.manage("verify_ledger")
    assert (proof.returncode, proof.stdout) == (0, ""), proof.stdout + proof.stderr


def test_every_fact_reached_every_handler_once(aftermath):
    states = dict(aftermath.ask("SELECT state, count(*) FROM commerce_outboxdelivery GROUP BY 1"))
    assert set(states) <= {"done", "superseded"}
    ((unplaced,),) = aftermath.ask("SELECT count(*) FROM commerce_outboxmessage WHERE position IS NULL")
    assert unplaced == 0
    positions = [row[0] for row in aftermath.ask("SELECT position FROM commerce_outboxmessage ORDER BY position")]
    assert positions == list(range(1, len(positions) + 1))
    ((orders, remembered),) = aftermath.ask(
        "SELECT (SELECT count(*) FROM orders_order), (SELECT count(*) FROM customers_orderhistory)"
    )
    assert orders == remembered


def test_the_shop_heard_of_every_order_and_the_newest_of_every_product(aftermath):
    shop, got = aftermath.shops[0], list(aftermath.receiver.got)
    placed = {str(row[0]) for row in aftermath.ask(
        "SELECT o.id FROM orders_order o JOIN commerce_outboxmessage m ON m.aggregate = 'order:' || o.id"
        " WHERE m.event_type = 'order.placed' AND o.channel_id = (SELECT channel_id FROM commerce_webhookendpoint)"
    )}  # fmt: skip
    heard = {one.document["data"]["order_id"] for one in got if one.document["type"] == "order.placed"}
    assert heard == placed
    newest: dict[str, tuple[int, int]] = {}
    for one in got:
        said = one.document
        if said["type"] == "availability.changed":
            value = (said["data"]["version"], said["data"]["available"])
            newest[said["data"]["sku"]] = max(newest.get(said["data"]["sku"], value), value)
    headers = {"Authorization": f"Bearer {shop.key}"}
    answer = requests.get(
        f"{shop.url}/api/v1/availability", {"sku": ",".join(shop.skus)}, headers=headers, timeout=ANSWER_SECONDS
    )
    now = {item["sku"]: item["total_available"] for item in answer.json()["items"]}
    assert {sku: available for sku, (_, available) in newest.items()} == now


def _webhooks(after: Aftermath, state: str) -> set[str]:
    """Return the ids of the webhooks in a state."""
    sql = """
        SELECT m.message_id FROM commerce_outboxdelivery d JOIN commerce_outboxmessage m ON m.id = d.message_id
        WHERE d.subscriber LIKE 'webhook:%%' AND d.state = %s
    """
    return {str(row[0]) for row in after.ask(sql, state)}


def test_webhooks_came_in_order_and_what_was_repeated_was_the_same(aftermath):
    bodies: dict[str, set[bytes]] = defaultdict(set)
    last: dict[str, int] = {}
    for got in list(aftermath.receiver.got):
        if got.id not in bodies:  # the first time that it came
            said = got.document
            assert said["aggregate_sequence"] > last.get(said["aggregate"], 0)
            last[said["aggregate"]] = said["aggregate_sequence"]
        bodies[got.id].add(got.body)
    assert all(len(different) == 1 for different in bodies.values())
    done, superseded = _webhooks(aftermath, "done"), _webhooks(aftermath, "superseded")
    assert done <= set(bodies) <= done | superseded


def test_what_was_under_way_when_the_relay_died_was_sent_again_under_the_same_id(aftermath):
    times = Counter(got.id for got in list(aftermath.receiver.got))
    assert len(aftermath.in_flight) >= 3
    newer_came = _webhooks(aftermath, "superseded")  # a figure that is out of date is not sent again
    again = [one for one in aftermath.in_flight if one not in newer_came]
    assert [times[one] for one in again if times[one] < 2] == []
    assert sum(count > 1 for count in times.values()) <= AT_ONCE  # nothing else was sent twice


def test_clients_were_told_to_come_again_and_never_that_we_had_a_fault(aftermath):
    answers = aftermath.attempts()
    kinds = {"200", "201", "409", "503", "200 replayed", "201 replayed", "409 replayed", "connection lost"}
    assert set(answers) <= kinds, answers
    assert answers["connection lost"] > 0  # of the web workers
    assert answers["503"] > 0  # of the database
    assert max(shopper.slowest for shopper in aftermath.shoppers) < ANSWER_SECONDS


def test_without_a_database_every_answer_is_a_503_at_once(aftermath):
    assert len(aftermath.while_gone) == 15
    for what, answer, seconds in aftermath.while_gone:
        assert answer.status_code == 503, f"{what}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"] == "application/problem+json", what
        assert int(answer.headers["Retry-After"]) >= 1, what
        assert answer.json()["code"] == "busy", what
        assert "psycopg" not in answer.text, what
        assert seconds < ANSWER_SECONDS, what
    assert aftermath.health_while_gone == [503]  # a load balancer looks elsewhere


def test_the_web_server_recovers_without_being_started_again(aftermath):
    assert aftermath.workers_after == aftermath.workers_before
    assert len(aftermath.workers_before) == 2


def test_recovery_is_a_matter_of_seconds(aftermath):
    assert set(aftermath.recovered) == {"relay", "web worker", "database", "worker", "database that was gone"}
    assert {name: seconds for name, seconds in aftermath.recovered.items() if seconds > 30} == {}
