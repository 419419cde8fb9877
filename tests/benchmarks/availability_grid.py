"""availability-grid: 500 products × 100 places as one channel sees them, beside the same figures through the ORM.

The reference is what one writes first: model objects with their expired holds annotated, the rules applied object by object.
Both answer the same question; a sample of their figures is compared.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks import goods, house, load, report

PRODUCTS, PLACES, PIECES = 500, 100, 40
BOUND_MS = 150.0


def run(seconds: float) -> dict[str, object]:
    with house.ready():
        shop = goods.shop(products=PRODUCTS, pieces=PIECES, locations=PLACES)
        from commerce import clock
        from inventory import availability
        from inventory.places import locations
        from inventory.sharing import buffers

        places = [place.id for place in locations.active()]

        def ours() -> list[availability.Figure]:
            return availability.figures(
                shop.product_ids, channel_id=shop.channel_id, location_ids=places, at=clock.now()
            )

        def of_the_house() -> int:
            return len(availability.figures(shop.product_ids, location_ids=places, at=clock.now()))

        def plain() -> dict[tuple[int, int], int]:
            from django.db.models import OuterRef, Subquery, Sum
            from django.db.models.functions import Coalesce

            from inventory.models import Hold, StockLevel

            at = clock.now()
            expired = Hold.objects.filter(level=OuterRef("pk"), state="active", expires_at__lte=at).order_by()
            rows = StockLevel.objects.filter(
                product_id__in=shop.product_ids, location_id__in=places, condition="sellable"
            ).annotate(expired=Coalesce(Subquery(expired.values("level").annotate(n=Sum("quantity")).values("n")), 0))
            found = {}
            for row in rows:
                free = max(row.on_hand - row.allocated - row.held + row.expired, 0)
                figure = (row.product_id, row.location_id, row.on_hand, free)
                found[row.product_id, row.location_id] = free - buffers.withheld(shop.channel_id, [figure], at=at)[0]
            return found

        agree = {(one.product_id, one.location_id): one.available for one in ours()} == plain()
        channel, house_itself, reference = (
            _timed(ours, seconds / 5), _timed(of_the_house, seconds / 10), _timed(plain, seconds / 5)
        )  # fmt: skip
        codes = [place.code for place in locations.active()]
        body = json.dumps({"skus": shop.skus, "locations": codes}).encode()
        call = load.request("POST", "/api/v1/availability/query", body, **shop.headers)
        with house.web() as port:
            http = load.run(port, lambda connection, number: call, connections=1, seconds=seconds / 5, warm_up=1.0)
        clean = agree and set(http.statuses) == {200} and goods.books_are_clean()
    figures = _figures(channel) | {
        "of_the_house_p50_ms": _figures(house_itself)["p50_ms"],
        "over_http_p50_ms": http.figures(200)["p50_ms"],
        "figures": float(PRODUCTS * PLACES),
    }
    plain_figures = _figures(reference)
    return report.show(
        "availability-grid", "grids", figures, {"plain_orm": plain_figures},
        {"vs_plain_orm": plain_figures["p50_ms"] / figures["p50_ms"]}, verified=clean,
        goals={f"p95 under {BOUND_MS:.0f} ms (times)": (BOUND_MS / figures["p95_ms"], 1.0)},
        notes=("one grid is 50,000 figures of one channel with buffers, a holdback and a guarantee in force",),
    )  # fmt: skip


def _timed(work: Callable[[], Any], seconds: float) -> list[float]:
    for _ in range(2):
        work()
    took, until = [], time.perf_counter() + seconds
    while len(took) < 5 or time.perf_counter() < until:
        started = time.perf_counter()
        work()
        took.append((time.perf_counter() - started) * 1_000)
    return took


def _figures(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    return {
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p95_ms": round(ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)], 2),
        "per_second": round(len(took) / sum(took) * 1_000, 2),
    }
