"""place-order: price, window, goods, order, journal, routing record and outbox in one commit, through HTTP."""

import json
import random
from itertools import count

from tests.benchmarks import goods, house, load, references, report

PLACES = 12
SHIP_TO = {"street": "Torstraße 1", "postal_code": "10119", "city": "Berlin", "country": "DE"}


def _orders(shop: goods.Shop, way: dict[str, object], prefix: str) -> load.MakeRequest:
    draw, numbers = random.Random(1), count()

    def make(connection: int, number: int) -> bytes:
        reference = next(numbers)
        body = {
            **way,
            "external_reference": f"{prefix}-{reference}",
            "lines": [{"sku": sku, "quantity": 1} for sku in draw.sample(shop.skus, 2)],
            "customer": {"name": "Bench Mark", "email": f"customer{reference % 5_000}@example.com"},
        }
        headers = shop.headers | {"Idempotency-Key": f"{prefix}-{reference}"}
        return load.request("POST", "/api/v1/orders", json.dumps(body).encode(), **headers)

    return make


def _plain_orders() -> load.MakeRequest:
    draw, numbers = random.Random(1), count()

    def make(connection: int, number: int) -> bytes:
        lines = [{"sku": f"SKU-{one:05}", "quantity": 1} for one in sorted(draw.sample(range(2_000), 2))]
        body = {"external_reference": f"B-{next(numbers)}", "location": "BENCH", "lines": lines}
        return load.request("POST", "/orders", json.dumps(body).encode())

    return make


def run(seconds: float) -> dict[str, object]:
    share = seconds / 4
    with house.ready():
        shop = goods.shop(products=2_000, pieces=100_000, locations=PLACES, prices=True)
        with house.web() as port:
            pickup = {"method": "pickup", "window": _window(port, shop)}
            ours = load.run(port, _orders(shop, pickup, "P"), connections=16, seconds=share, warm_up=2.0)
            ship = {"method": "ship", "ship_to": SHIP_TO}
            shipped = load.run(port, _orders(shop, ship, "S"), connections=16, seconds=share, warm_up=2.0)
        with references.plain_django(products=2_000, pieces=100_000) as port:
            plain = load.run(port, _plain_orders(), connections=16, seconds=share, warm_up=1.0).figures(201)
        clean = goods.books_are_clean() and set(ours.statuses) == set(shipped.statuses) == {201}
    figures = ours.figures(201)
    routed = shipped.figures(201)
    figures |= {"shipped_per_second": routed["per_second"], "shipped_p99_ms": routed["p99_ms"]}
    ratios = {"vs_plain_django": figures["per_second"] / plain["per_second"]}
    return report.show(
        "place-order", "orders", figures, {"plain_django": plain}, ratios, verified=clean,
        goals={"orders per second": (figures["per_second"], 370), "shipped per second": (routed["per_second"], 300)},
        notes=("ours: two lines, price, VAT, pickup window, customer, routing record, audit, idempotency key",
               f"shipped: the same to a door, from whichever of {PLACES} places routing finds best, with the day promised",
               "plain_django: two lines and the stock only; no price list, window, customer or routing"),
    )  # fmt: skip


def _window(port: int, shop: goods.Shop) -> str:
    answer = load.run(
        port, lambda connection, number: load.request("GET", f"/api/v1/pickup-windows?location={goods.LOCATION}", **shop.headers),
        connections=1, seconds=5, at_most=1, keep_bodies=True,
    )  # fmt: skip
    windows = json.loads(answer.bodies[0])["windows"]
    return str(windows[len(windows) // 2]["id"])
