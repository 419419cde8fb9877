"""staff-queue: the page of the pickup queue of a store with 2,000 open orders, as the web server gives it to a clerk.

Measured is the whole answer of the server (sign-in session, shell, queue, rendering), one request after the other; beside it the
board that open pages ask for, new and unchanged, and the next wave out of all that waits.
"""

import time
from uuid import uuid4

from tests.benchmarks import goods, house, load, report

ORDERS, AT_ONCE, PRODUCTS = 2_000, 100, 400
BOUND_MS = 300.0
WARM_UP_SECONDS = 4.0


def run(seconds: float) -> dict[str, object]:
    with house.ready():
        shop = goods.shop(products=PRODUCTS, pieces=100_000, prices=True)
        placed = _orders(shop)
        cookie, user_id = _clerk(shop)
        with house.database() as cursor:
            cursor.execute("VACUUM ANALYZE")
        headers = {"Cookie": cookie}
        page = load.request("GET", "/staff/pickup/", **headers)
        board = load.request("GET", "/staff/pickup/board/", **headers)
        with house.web() as port:
            load.run(port, lambda c, n: page, connections=4, seconds=WARM_UP_SECONDS)  # every worker has its templates
            first = load.run(port, lambda c, n: page, connections=1, seconds=seconds / 3, warm_up=1.0)
            renewed = load.run(port, lambda c, n: board, connections=1, seconds=seconds / 3, warm_up=0.5)
        waves = _waves(shop.location_id, seconds / 6)
        clean = goods.books_are_clean() and set(first.statuses) == {200} and set(renewed.statuses) == {200}
    figures = first.figures(200) | {
        "open_orders": float(placed),
        "board_p50_ms": renewed.figures(200)["p50_ms"],
        "next_wave_p50_ms": waves,
    }
    return report.show(
        "staff-queue", "pages", figures, {}, {}, verified=clean and bool(user_id),
        goals={f"p99 under {BOUND_MS:.0f} ms (times)": (BOUND_MS / figures["p99_ms"], 1.0)},
        notes=("one page: session, shell, 2,000 open orders in their columns, the first cards of each rendered",),
    )  # fmt: skip


def _orders(shop: goods.Shop) -> int:
    """Place pickups through the product's own verb, many at once; a part of them is in work."""
    from commerce import clock
    from commerce.actors import Actor
    from commerce.channels.contracts import IncomingCustomer, IncomingLine, IncomingOrder
    from commerce.transactions import transaction
    from inventory.places import locations
    from orders import pickup_windows, placement

    place = locations.by_id(shop.location_id)
    windows = pickup_windows.windows_between(place, at=clock.now(), days=3)
    channel = placement.Channel(shop.channel_id, "bench", "DE", "EUR")
    by, placed = Actor.system("benchmark"), 0
    for start in range(0, ORDERS, AT_ONCE):
        wishes = [
            placement.Wish(
                IncomingOrder(
                    external_reference=f"Q-{number}",
                    method="pickup",
                    lines=tuple(
                        IncomingLine(product_id=shop.product_ids[(number * 7 + one) % PRODUCTS], quantity=1 + one)
                        for one in range(3)
                    ),
                    customer=IncomingCustomer(name=f"Person {number}", email=f"p{number}@example.com"),
                    location_id=place.id,
                    window_starts_at=windows[number % len(windows)][0],
                ),
                channel,
                by,
            )
            for number in range(start, start + AT_ONCE)
        ]
        with transaction():
            verdicts = placement.place_many(wishes, at=clock.now())
        placed += sum(1 for verdict in verdicts if isinstance(verdict, placement.PlacedOrder))
    return placed


def _clerk(shop: goods.Shop) -> tuple[str, int]:
    """A clerk of the store who is signed in, and has taken some orders."""
    from django.conf import settings
    from django.test import Client

    from commerce import accounts, clock
    from commerce.actors import Actor
    from commerce.roles import Role
    from commerce.transactions import transaction
    from inventory.places import locations
    from orders.models import Fulfilment
    from orders.waves import rounds

    by = Actor.system("benchmark")
    with transaction():
        user = accounts.add_user("bench", "a long enough pass phrase", "Bench Mark", "en", by=by)
        locations.assign(user, Role.CLERK, shop.location_id, by=by)
    wanted = list(Fulfilment.objects.order_by("promised_at").values_list("id", flat=True)[:120])
    for start in range(0, len(wanted), 12):
        with transaction():
            rounds.begin(
                uuid4(), shop.location_id, wanted[start : start + 12], user=user, by=Actor.staff(user), at=clock.now()
            )
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}", user.pk


def _waves(location_id: int, seconds: float) -> float:
    from orders.waves import lists

    took, until = [], time.perf_counter() + seconds
    while len(took) < 5 or time.perf_counter() < until:
        started = time.perf_counter()
        lists.suggest(location_id)
        took.append((time.perf_counter() - started) * 1_000)
    return round(sorted(took)[len(took) // 2], 2)
