"""availability: single products and 100 at once, read from the ledger itself."""

import json
import random

from tests.benchmarks import goods, house, load, references, report


def run(seconds: float) -> dict[str, object]:
    share = seconds / 5
    with house.ready():
        shop = goods.shop(products=5_000, pieces=1_000)
        draw = random.Random(1)
        singles = [load.request("GET", f"/api/v1/availability?sku={sku}", **shop.headers) for sku in shop.skus]
        bulks = [
            load.request(
                "POST",
                "/api/v1/availability/query",
                json.dumps({"skus": draw.sample(shop.skus, 100)}).encode(),
                **shop.headers,
            )
            for _ in range(100)
        ]
        with house.web() as port:
            single = load.run(
                port,
                lambda connection, number: singles[number % len(singles)],
                connections=32,
                seconds=share,
                warm_up=1.0,
            )
            bulk = load.run(
                port, lambda connection, number: bulks[number % len(bulks)], connections=8, seconds=share, warm_up=0.5
            )
        script = (
            f"\\set product random({shop.product_ids[0]}, {shop.product_ids[-1]})\n"
            "SELECT on_hand - allocated - held FROM inventory_stocklevel"
            f" WHERE product_id = :product AND location_id = {shop.location_id} AND condition = 'sellable';\n"
        )
        postgres = references.pgbench(script, clients=8, seconds=share)
        with references.plain_django(products=5_000, pieces=1_000) as port:
            plain_singles = [load.request("GET", f"/availability?sku={sku}") for sku in shop.skus]
            plain = load.run(
                port,
                lambda connection, number: plain_singles[number % 5_000],
                connections=32,
                seconds=share,
                warm_up=1.0,
            ).figures(200)
        clean = goods.books_are_clean() and set(single.statuses) == {200} == set(bulk.statuses)
    figures = single.figures(200)
    at_once = bulk.figures(200)
    figures |= {f"bulk_{name}": value for name, value in at_once.items() if name != "per_second"}
    figures["bulk_per_second"] = at_once["per_second"] * 100
    ratios = {
        "vs_plain_django": figures["per_second"] / plain["per_second"],
        "vs_postgres": figures["per_second"] / postgres["per_second"],
    }
    return report.show(
        "availability", "answers", figures, {"postgres": postgres, "plain_django": plain}, ratios, verified=clean,
        goals={
            "single answers per second": (figures["per_second"], 2_500),
            "answers per second in bulk": (figures["bulk_per_second"], 60_000),
        },
    )  # fmt: skip
