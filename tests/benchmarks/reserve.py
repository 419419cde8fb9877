"""reserve-hot, reserve-spread, reserve-batch: holds through HTTP, each a durable commit with the full journal."""

import json
import random

from tests.benchmarks import goods, house, load, references, report

PLENTY = 1_000_000


def _single(shop: goods.Shop) -> load.MakeRequest:
    requests = [
        load.request(
            "POST", "/api/v1/reservations",
            json.dumps({"location": goods.LOCATION, "lines": [{"sku": sku, "quantity": 1}]}).encode(), **shop.headers,
        )
        for sku in shop.skus
    ]  # fmt: skip
    pick = random.Random(1).randrange
    return lambda connection, number: requests[pick(len(requests))]


def _plain(products: int) -> load.MakeRequest:
    requests = [
        load.request(
            "POST", "/reservations",
            json.dumps({"location": "BENCH", "lines": [{"sku": f"SKU-{number:05}", "quantity": 1}]}).encode(),
        )
        for number in range(products)
    ]  # fmt: skip
    pick = random.Random(1).randrange
    return lambda connection, number: requests[pick(len(requests))]


def _postgres(shop: goods.Shop) -> str:
    return references.RESERVE.format(
        first=shop.product_ids[0], last=shop.product_ids[-1], location=shop.location_id, channel=shop.channel_id
    )


def hot(seconds: float) -> dict[str, object]:
    """One product, one level: the row that everybody wants."""
    share = seconds / 5
    with house.ready():
        shop = goods.shop(products=1, pieces=PLENTY)
        postgres = references.pgbench(_postgres(shop), clients=8, seconds=share)
        with house.web() as port:
            ours = load.run(port, _single(shop), connections=64, seconds=share, warm_up=1.0)
            at_16 = load.run(port, _single(shop), connections=16, seconds=share, warm_up=0.3)
        with references.plain_django(products=1, pieces=PLENTY) as port:
            plain = load.run(port, _plain(1), connections=64, seconds=share, warm_up=1.0).figures(201)
        clean = goods.books_are_clean() and set(ours.statuses) == {201} == set(at_16.statuses)
    figures = ours.figures(201) | {f"at_16_{name}": value for name, value in at_16.figures(201).items()}
    ratios = {
        "vs_plain_django": figures["per_second"] / plain["per_second"],
        "vs_postgres": figures["per_second"] / postgres["per_second"],
        "at_16_vs_postgres": figures["at_16_per_second"] / postgres["per_second"],
    }
    return report.show(
        "reserve-hot", "reservations", figures, {"postgres": postgres, "plain_django": plain}, ratios, verified=clean,
        goals={
            "× plain_django": (ratios["vs_plain_django"], 10), "× postgres": (ratios["vs_postgres"], 1.5),
            "× postgres at 16 connections": (ratios["at_16_vs_postgres"], 0.8),
            "50 ms ÷ p99": (50 / max(figures["p99_ms"], 0.01), 1),
        },
    )  # fmt: skip


def spread(seconds: float) -> dict[str, object]:
    """10,000 levels, drawn evenly."""
    share = seconds / 5
    with house.ready():
        shop = goods.shop(products=10_000, pieces=100_000)
        postgres = references.pgbench(_postgres(shop), clients=8, seconds=share)
        with house.web() as port:
            ours = load.run(port, _single(shop), connections=64, seconds=share, warm_up=1.0)
        with references.plain_django(products=10_000, pieces=100_000) as port:
            plain = load.run(port, _plain(10_000), connections=64, seconds=share, warm_up=1.0).figures(201)
        clean = goods.books_are_clean() and set(ours.statuses) == {201}
    figures = ours.figures(201)
    ratios = {
        "vs_plain_django": figures["per_second"] / plain["per_second"],
        "vs_postgres": figures["per_second"] / postgres["per_second"],
    }
    return report.show(
        "reserve-spread", "reservations", figures, {"postgres": postgres, "plain_django": plain}, ratios, verified=clean,
        goals={"× plain_django": (ratios["vs_plain_django"], 8)},
    )  # fmt: skip


def batch(seconds: float) -> dict[str, object]:
    """100 holds per call, each with its own verdict: of one product (a drop), and of 1,000 drawn evenly."""
    share = seconds / 6  # the proof of so many entries takes its time, too
    with house.ready():
        shop = goods.shop(products=1_000, pieces=PLENTY)
        postgres = references.pgbench(_postgres(shop), clients=8, seconds=share)
        with house.web() as port:
            drop = load.run(port, _calls(shop, shop.skus[:1]), connections=4, seconds=share, warm_up=1.0)
            even = load.run(port, _calls(shop, shop.skus), connections=4, seconds=share, warm_up=0.5)
        clean = goods.books_are_clean() and set(drop.statuses) == {200} == set(even.statuses)
    calls = drop.figures(200)
    figures = calls | {
        "per_second": calls["per_second"] * 100,
        "calls_per_second": calls["per_second"],
        "spread_per_second": even.figures(200)["per_second"] * 100,
    }
    ratios = {
        "vs_postgres": figures["per_second"] / postgres["per_second"],
        "spread_vs_postgres": figures["spread_per_second"] / postgres["per_second"],
    }
    return report.show(
        "reserve-batch", "holds", figures, {"postgres": postgres}, ratios, verified=clean,
        goals={"holds per second": (figures["per_second"], 30_000)},
        notes=("per_second: all of one product; spread_per_second: 1,000 products, about 95 levels in each call",),
    )  # fmt: skip


def _calls(shop: goods.Shop, skus: list[str]) -> load.MakeRequest:
    """Batch calls whose holds are drawn from `skus`."""
    draw = random.Random(1)
    requests = [
        load.request(
            "POST", "/api/v1/reservations/batch",
            json.dumps(
                {"items": [
                    {"location": goods.LOCATION, "lines": [{"sku": draw.choice(skus), "quantity": 1}]} for _ in range(100)
                ]}
            ).encode(), **shop.headers,
        )
        for _ in range(50)
    ]  # fmt: skip
    return lambda connection, number: requests[number % len(requests)]
