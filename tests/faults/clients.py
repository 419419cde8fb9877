"""Shops that never give up: each order is sent again with its key until there is an answer, whatever breaks meanwhile."""

import itertools
import json
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

ANSWER_SECONDS = 10.0  # a request that hangs longer has failed the promise
GIVES_UP_AFTER = 90.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.5
BETWEEN_ORDERS = 0.08
MOST_ORDERS = 1_500  # of one shopper: more than it gets to, also where all takes long


@dataclass(frozen=True)
class Shop:
    """What a client must know of a shop and its store."""

    url: str
    key: str
    store: str
    window: str
    skus: tuple[str, ...]


@dataclass
class Wish:
    """One order that a shopper wants: what became of it, and what it took."""

    reference: str
    kind: str
    body: dict[str, Any]
    began_at: float = 0.0
    acknowledged_at: float | None = None
    order: dict[str, Any] | None = None
    refusal: dict[str, Any] | None = None
    reservation: dict[str, Any] | None = None
    answers: list[bytes] = field(default_factory=list)  # of everyone who sent it and was answered for good


class Unanswered(Exception):
    """No answer for good came in time."""


class Shopper(threading.Thread):
    """Places orders one after the other until told to stop, in every way that networks make people do it.

    Some hold the goods first, some send an order twice at once, some ask again after the answer, some hang up before it.
    """

    KINDS = ("direct", "held", "twice", "asked again", "hung up", "direct")

    def __init__(self, name: str, shop: Shop, stop: threading.Event) -> None:
        super().__init__(name=name)
        self.shop, self.stop = shop, stop
        self.wishes: list[Wish] = []
        self.attempts: Counter[str] = Counter()  # what came back, by status or kind of failure
        self.slowest = 0.0
        self.failure: BaseException | None = None
        self._random = random.Random(name)
        self._sessions = threading.local()
        self._lock = threading.Lock()

    def run(self) -> None:
        try:
            for number, kind in zip(range(MOST_ORDERS), itertools.cycle(self.KINDS), strict=False):
                if self.stop.wait(BETWEEN_ORDERS):
                    return
                self._want(number, kind)
        except BaseException as failure:  # the test tells it
            self.failure = failure

    @property
    def acknowledged(self) -> list[Wish]:
        return [wish for wish in list(self.wishes) if wish.order is not None]

    # --- one order ----------------------------------------------------------------------------------------------------

    def _want(self, number: int, kind: str) -> None:
        sku = self.shop.skus[-1] if number % 4 == 0 else self._random.choice(self.shop.skus[:-1])
        lines = [{"sku": sku, "quantity": self._random.randint(1, 3)}]
        reference = f"{self.name}-{number}"
        body = {
            "external_reference": reference,
            "method": "pickup",
            "location": self.shop.store,
            "window": self.shop.window,
            "lines": lines,
            "customer": {"name": "Erika Beispiel", "email": f"{self.name}-{number % 7}@example.org"},
        }
        wish = Wish(reference, kind, body, began_at=time.monotonic())
        self.wishes.append(wish)
        if kind == "hung up":
            self._send_and_hang_up(body, key=f"order-{reference}")
            return
        if kind == "held":
            held = {"location": self.shop.store, "lines": lines, "ttl_seconds": 600, "reference": reference}
            answer = self.insist("POST", "/reservations", held, key=f"hold-{reference}")
            if answer.status_code != 201:
                wish.refusal = answer.json()
                return
            wish.reservation = answer.json()
            body["reservation"] = wish.reservation["id"]
        if kind == "twice":
            twin = threading.Thread(target=self._twin, args=(wish,))
            twin.start()
            self._order(wish)
            twin.join()
        else:
            self._order(wish)
        if kind == "asked again":
            self._order(wish)

    def _order(self, wish: Wish) -> None:
        answer = self.insist("POST", "/orders", wish.body, key=f"order-{wish.reference}")
        with self._lock:
            wish.answers.append(answer.content)
            if answer.status_code in (200, 201):
                wish.order = answer.json()
                wish.acknowledged_at = wish.acknowledged_at or time.monotonic()
            else:
                wish.refusal = answer.json()

    def _twin(self, wish: Wish) -> None:
        try:
            self._order(wish)
        except BaseException as failure:
            self.failure = failure

    def insist(self, method: str, path: str, body: Any = None, *, key: str = "") -> requests.Response:
        """Send a request with its key until it is answered for good. Raises: Unanswered."""
        deadline, pause = time.monotonic() + GIVES_UP_AFTER, FIRST_PAUSE
        while time.monotonic() < deadline:
            answer = self.attempt(method, path, body, key=key)
            if answer is not None and not _asks_to_come_again(answer):
                return answer
            self.stop_free_wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise Unanswered(f"{method} {path} {key}: no answer within {GIVES_UP_AFTER} s")

    def attempt(self, method: str, path: str, body: Any = None, *, key: str = "") -> requests.Response | None:
        """Send a request once; None when the connection failed."""
        if not hasattr(self._sessions, "session"):
            self._sessions.session = requests.Session()
        headers = {"Authorization": f"Bearer {self.shop.key}", **({"Idempotency-Key": key} if key else {})}
        began = time.monotonic()
        answer: requests.Response | None = None
        try:
            answer = self._sessions.session.request(
                method, f"{self.shop.url}/api/v1{path}", json=body, headers=headers, timeout=ANSWER_SECONDS
            )
            what = str(answer.status_code)
            if answer.headers.get("Idempotency-Replayed"):
                what += " replayed"
        except requests.Timeout:
            what = "timed out"
        except requests.RequestException:
            what = "connection lost"
        with self._lock:
            self.attempts[what] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
        return answer

    @staticmethod
    def stop_free_wait(seconds: float) -> None:
        """Pause between two attempts; an order that was begun is finished even when the shopper shall stop."""
        threading.Event().wait(seconds)

    def _send_and_hang_up(self, body: dict[str, Any], *, key: str) -> None:
        """Send an order and close the connection without reading the answer."""
        content = json.dumps(body).encode()
        address = urlsplit(self.shop.url)
        head = (
            f"POST /api/v1/orders HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {self.shop.key}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        try:
            with socket.create_connection(
                (str(address.hostname), int(address.port or 80)), timeout=ANSWER_SECONDS
            ) as line:
                line.sendall(head.encode() + content)
        except OSError:
            self.attempts["connection lost"] += 1


def figures(after: Any) -> str:
    """Return what happened in numbers, for whoever reads the log."""
    recovered = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in after.recovered.items())
    slowest = max(shopper.slowest for shopper in after.shoppers)
    gone = max(seconds for _, _, seconds in after.while_gone)
    return (
        f"{len(after.acknowledged())} orders acknowledged; answers {dict(after.attempts())}; slowest {slowest:.1f} s\n"
        f"recovered: {recovered}\nsettled {after.settled_after:.0f} s after; "
        f"{len(after.in_flight)} webhooks were under way when the relay was killed; "
        f"slowest 503 while the database was gone {gone:.2f} s"
    )


def _asks_to_come_again(answer: requests.Response) -> bool:
    """Whether an answer says "not now" rather than yes or no."""
    if answer.status_code == 409:
        return bool(answer.json()["code"] == "request_in_progress")
    return answer.status_code == 429 or answer.status_code >= 500
