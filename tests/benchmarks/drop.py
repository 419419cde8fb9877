"""drop: a thousand buyers at once want one of a hundred pieces, through HTTP with several worker processes.

Every buyer has a connection of their own and sends one reservation; nobody waits for another. The shelf has a hundred
pieces for the channel after what is withheld from it. Rounds are repeated with a fresh product each.
"""

import json
from collections import Counter

from tests.benchmarks import goods, house, load, references, report

BUYERS, PIECES = 1_000, 100
WITHHELD = 3 + 5  # safety and walk-in; one in a hundred is less than the safety that it competes with: see `goods`
MOST_ROUNDS = 20
BOUND_MS = 1_000.0


def run(seconds: float) -> dict[str, object]:
    with house.ready():
        from commerce import clock
        from inventory import availability

        shop = goods.shop(products=MOST_ROUNDS + 21, pieces=PIECES + WITHHELD)
        dropped = list(zip(shop.skus, shop.product_ids, strict=True))[20:-1]  # others have rules of their own
        seen = availability.figures(
            [product_id for _, product_id in dropped], channel_id=shop.channel_id, at=clock.now()
        )
        exact = all(figure.available == PIECES for figure in seen)
        ours, rounds = load.Outcome(), 0
        with house.web() as port:
            _warm(port, shop)
            for sku, product_id in dropped:
                outcome = load.run(
                    port, _buyer(shop, sku), connections=BUYERS, seconds=20.0, at_most=BUYERS, keep_bodies=False
                )
                held = availability.figures([product_id], channel_id=shop.channel_id, at=clock.now())[0]
                exact = exact and (held.held, held.available) == (PIECES, 0)
                exact = exact and outcome.statuses == Counter({201: PIECES, 409: BUYERS - PIECES})
                _add(ours, outcome)
                rounds += 1
                if ours.seconds > seconds / 2:
                    break
        with references.plain_django(products=1, pieces=PIECES) as port:
            body = json.dumps({"location": goods.LOCATION, "lines": [{"sku": "SKU-00000", "quantity": 1}]}).encode()
            call = load.request("POST", "/reservations", body)
            plain = load.run(port, lambda connection, number: call, connections=BUYERS, seconds=60.0, at_most=BUYERS)
        clean = exact and not ours.broken and goods.books_are_clean()
    figures = ours.figures() | {"rounds": float(rounds), "granted_in_a_round": ours.statuses[201] / rounds}
    reference = plain.figures() | {"granted_in_a_round": float(plain.statuses[201])}
    return report.show(
        "drop", "answers", figures, {"plain_django": reference},
        {"vs_plain_django": reference["p99_ms"] / figures["p99_ms"]}, verified=clean,
        goals={f"p99 under {BOUND_MS:.0f} ms (times)": (BOUND_MS / figures["p99_ms"], 1.0)},
        notes=(f"{BUYERS} connections at once, {PIECES} pieces, {house.WORKERS} worker processes; every round exact: {exact}",),
    )  # fmt: skip


def _buyer(shop: goods.Shop, sku: str) -> load.MakeRequest:
    body = json.dumps({"location": goods.LOCATION, "lines": [{"sku": sku, "quantity": 1}]}).encode()
    call = load.request("POST", "/api/v1/reservations", body, **shop.headers)
    return lambda connection, number: call


def _warm(port: int, shop: goods.Shop) -> None:
    """Let every worker have its connections and plans, on a product that nobody counts."""
    load.run(port, _buyer(shop, shop.skus[0]), connections=64, seconds=1.5)


def _add(total: load.Outcome, one: load.Outcome) -> None:
    total.seconds += one.seconds
    total.statuses += one.statuses
    total.latencies += one.latencies
    total.broken += one.broken
