"""The people of the story, each with the one door they have: a shop its key, a clerk the staff pages, a customer a link."""

import html
import re
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests
from standardwebhooks import Webhook

from commerce.models import Channel, User
from commerce.product_refs import ProductRef
from inventory.places.locations import LocationRef
from tests.commerce.receiver import Receiver
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import pricing as prices

NEWS = (
    "availability.changed", "reservation.expired", "order.placed", "order.cancelled", "fulfilment.accepted",
    "fulfilment.picking", "fulfilment.line_rejected", "fulfilment.rejected", "fulfilment.ready",
    "fulfilment.handed_over", "fulfilment.no_show", "fulfilment.returned_to_stock",
)  # fmt: skip
PRICE_MINOR = 1190
ANSWER_SECONDS = 20.0  # no request of the story takes longer, on whatever machine


def words(page: str) -> str:
    """Return what a person reads on a page, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(head|script)\b.*?</\1>", " ", page))).split())


# --- the scene --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Town:
    """Two stores that are always open and a short walk apart, a few products, two shops that sell them and two that don't order."""

    mitte: LocationRef
    west: LocationRef
    products: list[ProductRef]
    web: ground.IssuedKey
    rival: ground.IssuedKey
    listening: ground.IssuedKey  # lists the products, orders nothing
    elsewhere: ground.IssuedKey  # lists none of them
    channels: dict[str, Channel]
    clerk: User
    colleague: User
    manager: User
    stranger: User  # works at the other store


def town(*, pieces: Sequence[int] = (5, 4, 4, 6, 1)) -> Town:
    """Build a town: so many pieces of each product at Mitte, twenty at Charlottenburg."""
    mitte = goods.store(name="Berlin Mitte", pickup_slot_capacity=4)
    west = goods.store(
        name="Berlin Charlottenburg", street="Kantstraße 1", postal_code="10585", latitude=52.5152, longitude=13.3057
    )
    products = [ground.product() for _ in pieces]
    for product, count in zip(products, pieces, strict=True):
        goods.receive(product.id, mitte.id, count)
        goods.receive(product.id, west.id, 20)
    prices.standard_rates()
    prices.prices({one.id: PRICE_MINOR for one in products}, price_list=prices.price_list(f"town-{mitte.code}"))
    channels = {name: ground.channel(name=name) for name in ("Web", "Rival", "Listening", "Elsewhere")}
    for name in ("Web", "Rival", "Listening"):
        ground.listed(channels[name], *products)
    web, rival, listening, elsewhere = (ground.key(one) for one in channels.values())
    return Town(
        mitte, west, products, web, rival, listening, elsewhere, channels,
        clerk=make.clerk(mitte), colleague=make.clerk(mitte), manager=make.clerk(mitte, role=make.Role.STORE_MANAGER),
        stranger=make.clerk(west),
    )  # fmt: skip


@dataclass
class Kontor:
    """The running product, the towns that are built on it, and how long what was promised took (seconds)."""

    url: str
    towns: list[Town]
    took: dict[str, list[float]] = field(default_factory=dict)

    def next_town(self) -> Town:
        return self.towns.pop(0)

    def shop(self, key: ground.IssuedKey) -> "WebShop":
        return WebShop(self.url, key.plain)

    def clerk(self, user: User) -> "Clerk":
        """A clerk who has signed in."""
        return Clerk(self.url, user)

    def note(self, what: str, seconds: float) -> None:
        self.took.setdefault(what, []).append(seconds)

    def figures(self) -> str:
        """Return how long each kind of promise took, at the median and at most."""
        return ", ".join(
            f"{what} {statistics.median(took):.2f} s, at most {max(took):.2f} s ({len(took)}×)"
            for what, took in self.took.items()
        )


# --- a shop -----------------------------------------------------------------------------------------------------------


class WebShop:
    """A channel's hand on the API."""

    def __init__(self, url: str, key: str) -> None:
        self.url = f"{url}/api/v1"
        self.http = requests.Session()
        self.http.headers["Authorization"] = f"Bearer {key}"

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return self.http.get(self.url + path, params=parameters, timeout=ANSWER_SECONDS)

    def post(self, path: str, body: dict[str, Any], *, key: str = "") -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(self.url + path, json=body, headers=headers, timeout=ANSWER_SECONDS)

    def listen(self, receiver: Receiver) -> "Listener":
        """Have all news sent to a receiver."""
        made = self.post("/webhook-endpoints", {"url": receiver.url, "event_types": list(NEWS)})
        assert made.status_code == 201, made.text
        return Listener(receiver, made.json()["secret"])

    def available(self, product: ProductRef) -> int:
        return int(self.get("/availability", sku=product.sku).json()["items"][0]["total_available"])

    def window(self, store: LocationRef, position: int = 0) -> str:
        return str(self.get("/pickup-windows", location=store.code).json()["windows"][position]["id"])

    def order(
        self, store: LocationRef, lines: dict[ProductRef, int] | list[tuple[ProductRef, int]], **more: Any
    ) -> dict:
        """Return the body of an order for pickup."""
        pairs = lines.items() if isinstance(lines, dict) else lines
        body: dict[str, Any] = {
            "external_reference": f"web-{uuid4().hex[:10]}",
            "method": "pickup",
            "location": store.code,
            "lines": [{"sku": product.sku, "quantity": quantity} for product, quantity in pairs],
            "customer": {"name": "Erika Beispiel", "email": f"{uuid4().hex[:10]}@example.org", "language": "en"},
        }
        return {**body, **({} if "window" in more else {"window": self.window(store)}), **more}

    def place(self, store: LocationRef, lines: list[tuple[ProductRef, int]], **more: Any) -> dict[str, Any]:
        """Place an order, which must succeed, and return its document."""
        placed = self.post("/orders", self.order(store, lines, **more), key=uuid4().hex)
        assert placed.status_code == 201, placed.text
        return dict(placed.json())


@dataclass(frozen=True, slots=True)
class News:
    """A webhook whose signature was found good."""

    id: str
    at: float
    type: str
    aggregate: str
    sequence: int
    data: dict[str, Any]


class Listener:
    """What a shop hears, with every signature checked by the library that receivers use."""

    def __init__(self, receiver: Receiver, secret: str) -> None:
        self._receiver, self._secret = receiver, Webhook(secret)

    def heard(self, kind: str = "") -> list[News]:
        """Return what was heard so far, of one type or all, as it came. Raises: WebhookVerificationError."""
        news = []
        for got in list(self._receiver.got):
            said = self._secret.verify(got.body, got.headers)
            news.append(News(got.id, got.at, said["type"], said["aggregate"], said["aggregate_sequence"], said["data"]))
        return [one for one in news if not kind or one.type == kind]

    def of_order(self, order_id: str) -> list[str]:
        """Return the types of an order's news in the order in which they came."""
        return [one.type for one in self.heard() if one.aggregate == f"order:{order_id}"]

    def newest(self, product: ProductRef) -> News | None:
        """Return the last that was heard of a product's availability."""
        found = [one for one in self.heard("availability.changed") if one.data["sku"] == product.sku]
        return found[-1] if found else None

    def is_in_order(self) -> bool:
        """Whether the news of every aggregate came in its own order, none of it twice."""
        last: dict[str, int] = {}
        for one in self.heard():
            if one.sequence <= last.get(one.aggregate, 0):
                return False
            last[one.aggregate] = one.sequence
        return True


# --- the store and its customer ---------------------------------------------------------------------------------------


class Clerk:
    """Someone at the counter with a browser, as far as HTTP goes: pages, forms, a session."""

    def __init__(self, url: str, user: User) -> None:
        self.url, self.user = url, user
        self.http = requests.Session()
        self.get("/staff/sign-in/")
        signed_in = self.post("/staff/sign-in/", username=user.username, password=ground.PASSWORD)
        assert "sign-in" not in signed_in.url, "sign-in failed"

    def get(self, path: str) -> str:
        answer = self.http.get(self.url + path, timeout=ANSWER_SECONDS)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def post(self, path: str, **form: Any) -> requests.Response:
        token = self.http.cookies["csrftoken"]
        return self.http.post(self.url + path, data={"csrfmiddlewaretoken": token, **form}, timeout=ANSWER_SECONDS)

    def queue(self) -> str:
        """Return what the queue of the store says now."""
        return words(self.get("/staff/pickup/board/"))

    def step(self, fulfilment_id: str, name: str, **form: Any) -> str:
        """Take a step with a pickup and return what the page says then."""
        return words(self.post(f"/staff/pickup/{fulfilment_id}/{name}/", **form).text)

    def scan(self, fulfilment_id: str, text: str) -> str:
        """Scan once and return what the page says."""
        return self.step(fulfilment_id, "pick/scan", text=text, scan_id=str(uuid4()))

    def missing(self, fulfilment_id: str, product: ProductRef, pieces: int, reason: str = "not_found") -> str:
        """Report pieces of a product that are not there."""
        page = self.get(f"/staff/pickup/{fulfilment_id}/pick/")
        lines = {sku: line for line, sku in re.findall(r'data-line="([^"]+)" data-sku="([^"]+)"', page)}
        return self.step(fulfilment_id, f"pick/{lines[product.sku]}/missing", quantity=pieces, reason=reason)

    def make_ready(self, order: dict[str, Any], *scans: ProductRef) -> None:
        """Accept an order, pick it by scanning, and mark it ready."""
        work = order["fulfilments"][0]["id"]
        self.step(work, "accept")
        for product in scans:
            self.scan(work, product.gtins[0])
        assert f"{order['number']} is ready." in self.step(work, "ready")


class Customer:
    """Somebody with the link to their order, and no account."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.link = order["tracking_url"]
        self.http = requests.Session()

    def look(self) -> str:
        """Return what the page says."""
        answer = self.http.get(self.link, timeout=ANSWER_SECONDS)
        assert answer.status_code == 200, answer.status_code
        return words(answer.text)

    def cancel(self) -> requests.Response:
        """Press the button that cancels the order, on the page as it was seen last."""
        if "csrftoken" not in self.http.cookies:
            self.look()
        token = self.http.cookies.get("csrftoken", "")
        return self.http.post(f"{self.link}cancel", data={"csrfmiddlewaretoken": token}, timeout=ANSWER_SECONDS)


def now() -> float:
    """Return the clock that receivers stamp their webhooks with."""
    return time.monotonic()
