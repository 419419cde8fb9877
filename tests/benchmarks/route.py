"""route: from where orders are served. Rates with all that the live path does, exactness, and orders decided together.

The reference does what most systems do: it walks the places by distance and takes the first that has everything.
"""

import itertools
import random
from dataclasses import replace
from time import perf_counter, process_time
from typing import Any

import numpy

from tests.benchmarks import house, real_orders, report, route_stream

GROUP = 100  # orders that are surveyed together, as waiting requests are placed together
LOCATIONS = 200
PRODUCTS = 1_000
BATCH = 100
WORKER_BATCH = 200  # as orders.unrouted.MOST_AT_ONCE
STOCKED = (110, 150, 200)  # percent of what is asked for
SMALL = 150  # cases that are tried in full


def run(seconds: float) -> dict[str, Any]:
    with house.ready():
        live = _live(seconds / 3)
    exact, tried = _exact()
    ours, greedy, facts = _together(seconds / 3)
    saved_by = {}
    for percent in STOCKED:
        saved_by |= route_stream.saved(int(seconds * 100), percent, WORKER_BATCH)
    figures = live | ours | saved_by | {"exact_share": exact / tried}
    saved = min(figures[f"saved_with_{percent}_percent_in_stock"] for percent in STOCKED)
    halves = route_stream.saved(int(seconds * 100), STOCKED[1], BATCH)
    figures[f"saved_in_batches_of_{BATCH}"] = halves[f"saved_with_{STOCKED[1]}_percent_in_stock"]
    figures["saved_of_separate_batches_percent"] = 100 * (1 - facts["together"] / facts["one_by_one"])
    return report.show(
        "route", "orders", figures, {"nearest_able": greedy},
        {"cost_of_nearest_able": facts["nearest"] / facts["one_by_one_there"]},
        verified=exact == tried and facts["never_worse"],
        goals={
            "single-line orders per second of one core": (figures["single_line_per_cpu_second"], 1_000),
            "5 lines over 200 locations per second of one core": (figures["five_lines_per_cpu_second"], 50),
            "exact of all that were tried": (figures["exact_share"], 1.0),
            "percent saved in batches, the least of three stocks": (saved, 5.0),
        },
        notes=(
            f"live: survey of the database for {GROUP} orders at once, weighed policy with splits, record as rows; 200 locations",
            f"exact: {tried} cases with 1 to 4 lines and 2 to 5 places against every way there is",
            f"together: {facts['orders']:.0f} real invoices in batches of {BATCH}, {facts['served']:.0f} served both ways; "
            "costs and stock are set as in real_orders.py; of batches that serve more together only the number is told",
            f"saved: orders in their order of time, stock for {route_stream.FILLED} of them, {STOCKED} percent of "
            f"what is asked for, batches of {WORKER_BATCH} as the worker decides at once; a buyer's parcel waits while "
            f"{route_stream.WAITS} more orders come in; one by one each goes alone, and beside it what that saves if it may join",
            f"unserved one by one {facts['unserved_before']:.0f}, together {facts['unserved']:.0f}",
        ),
    )  # fmt: skip


# --- the live path --------------------------------------------------------------------------------------------------------


def _live(seconds: float) -> dict[str, float]:
    from commerce import catalog, clock
    from commerce.actors import Actor
    from commerce.channels.contracts import IncomingLine, IncomingOrder
    from commerce.transactions import transaction
    from inventory import kits, movements
    from inventory.places import locations
    from orders import routing
    from orders.drafts import Channel
    from orders.routing import carriers
    from orders.sourcing.policy import BALANCED
    from tests.benchmarks import goods

    shop = goods.shop(products=PRODUCTS, pieces=1, locations=1)
    by, dice = Actor.system("benchmark"), random.Random(1)
    with transaction():
        locations.set_places([("DE", "10115", "Berlin", 52.53, 13.38)])
        for service in real_orders.TARIFFS.services:
            carriers.set_service(
                service.code, name=service.name, carrier=service.carrier, origin="DE", zones=service.zones, by=by
            )
        made = [
            locations.add_location(
                code=f"N{number:03}", name=f"Node {number}", kind="store", country="DE", latitude=47.5 + dice.random() * 7,
                longitude=6.5 + dice.random() * 8, capabilities=["ship"], opening_hours="Mo-Su 00:00-24:00", by=by,
            )
            for number in range(LOCATIONS - 1)
        ]  # fmt: skip
    for place in made:
        with transaction():
            movements.receive(
                [goods_in(product_id, place.id, dice) for product_id in dice.sample(shop.product_ids, PRODUCTS // 2)],
                by=by,
                at=clock.now(),
            )
    channel = Channel(shop.channel_id, "bench", "DE", "EUR")
    products = catalog.products_by_id(shop.product_ids)
    figures: dict[str, float] = {}
    for name, count in (("single_line", 1), ("five_lines", 5)):
        done, began, began_cpu = 0, perf_counter(), process_time()
        while perf_counter() - began < seconds / 2:
            group = [
                IncomingOrder(
                    external_reference=f"R{done}-{number}", method="ship",
                    lines=tuple(IncomingLine(product_id=one, quantity=1) for one in dice.sample(shop.product_ids, count)),
                    ship_to={"postal_code": "10115", "city": "Berlin", "country": "DE"},
                )
                for number in range(GROUP)
            ]  # fmt: skip
            known = routing.survey([(order, channel) for order in group], at=clock.now())
            known = replace(known, known=replace(known.known, policy=replace(BALANCED, split_from_minor=0)))
            for order in group:
                [portion] = order.portions()
                try:
                    found = routing.route(
                        order, portion, kits.parts(products, portion.quantities), channel=channel, known=known
                    )
                except Exception:
                    continue
                routing.recording_rows([(found[0].verdict.id, one) for one in found])
            done += GROUP
        figures[f"{name}_per_second"] = done / (perf_counter() - began)
        figures[f"{name}_per_cpu_second"] = done / (process_time() - began_cpu)
    return figures


def goods_in(product_id: int, location_id: int, dice: random.Random) -> Any:
    from commerce import ids
    from inventory.movements import Receipt

    return Receipt(ids.new(), product_id, location_id, dice.randint(1, 9))


# --- exactness ------------------------------------------------------------------------------------------------------------


def _exact() -> tuple[int, int]:
    """Return how many of some small cases were decided best, every way being tried by hand."""
    from orders.sourcing import network, search
    from orders.sourcing.criteria import Criterion
    from orders.sourcing.measuring import Look, World
    from orders.sourcing.network import Network, Place
    from orders.sourcing.policy import Mode, Policy, Term
    from orders.sourcing.problem import Line, Problem

    policy = Policy(
        Mode.WEIGHED,
        (Term(Criterion.COST, 1_000), Term(Criterion.DISTANCE, 100), Term(Criterion.PARTS, 80_000)),
        most_parts=4,
    )
    dice, best = random.Random(2), 0
    for _ in range(SMALL):
        places = [
            Place(number, f"P{number}", "", "DE", real_orders.NOON, 48 + 5 * dice.random(), 7 + 7 * dice.random())
            for number in range(dice.randint(2, 5))
        ]
        net = Network(places, real_orders.TARIFFS)
        lines = tuple(Line(str(one), ((one, 1),), dice.randint(100, 6_000)) for one in range(dice.randint(1, 4)))
        world = World(
            net,
            {
                line.goods[0][0]: network.shelf(net, {place.id: dice.randint(0, 1) for place in places})
                for line in lines
            },
        )
        problem = Problem(lines, "DE", real_orders.TODAY, point=(52.5, 13.4), value_minor=9_999)
        least = min((cost for cost in _every_way(problem, world, places)), default=None)
        found = search.search(Look(problem, world, policy)).chosen
        best += (found.score if found else None) == least
    return best, SMALL


def _every_way(problem: Any, world: Any, places: list[Any]) -> Any:
    km = [int(one) for one in world.network.kilometres(problem.point, 0)]
    for choice in itertools.product(range(len(places)), repeat=len(problem.lines)):
        if any(
            not world.shelves[line.goods[0][0]].available[place]
            for line, place in zip(problem.lines, choice, strict=True)
        ):
            continue
        total = 0
        for place in set(choice):
            grams = sum(line.grams for line, at in zip(problem.lines, choice, strict=True) if at == place)
            options = real_orders.TARIFFS.options(
                origin="DE", country="DE", km=km[place], grams=grams, method="ship", ready=places[place].ready_at
            )
            total += min(one.cost_minor for one in options) * 1_000 + km[place] * 100 + 80_000
        yield total


# --- together -------------------------------------------------------------------------------------------------------------


def _together(seconds: float) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    from orders.sourcing import batch

    net, points = real_orders.stores(), real_orders.homes()
    found = real_orders.invoices(max(int(seconds * 100), 3 * BATCH))
    numbers = real_orders.numbered(found)
    facts = dict.fromkeys(
        ("orders", "served", "unserved", "unserved_before", "one_by_one", "together", "nearest", "one_by_one_there"),
        0.0,
    )
    facts["never_worse"] = True
    began, nearest_served = process_time(), 0
    for start in range(0, len(found), BATCH):
        asked = real_orders.problems(found[start : start + BATCH], points, numbers)
        world = real_orders.scarce(net, asked, percent=110, deals=f"stock{start}")
        made = batch.plan_batch(asked, world, real_orders.POLICY)
        facts["orders"] += len(asked)
        facts["unserved"] += made.total.unserved
        facts["unserved_before"] += made.one_by_one.unserved
        facts["never_worse"] = facts["never_worse"] and made.total.rank <= made.one_by_one.rank
        if made.total.unserved == made.one_by_one.unserved:
            facts["served"] += len(asked) - made.total.unserved
            facts["together"] += made.total.cost_minor
            facts["one_by_one"] += made.one_by_one.cost_minor
        served, cost, theirs = _nearest(asked, world, made)
        nearest_served += served
        facts["nearest"] += cost
        facts["one_by_one_there"] += theirs
    facts["one_by_one"] = facts["one_by_one"] or 1.0
    facts["one_by_one_there"] = facts["one_by_one_there"] or 1.0
    ours = {
        "together_per_cpu_second": len(found) / (process_time() - began),
        "served_percent": 100 * (1 - facts["unserved"] / facts["orders"]),
    }
    return ours, {"served_percent": 100 * nearest_served / facts["orders"]}, facts


def _nearest(asked: list[Any], world: Any, made: Any) -> tuple[int, float, float]:
    """Walk the places by distance for every order and take the first that has everything; return how many were served, what that
    cost, and what the same orders cost us."""
    left = {product: shelf.available.copy() for product, shelf in world.shelves.items()}
    served, cost, ours = 0, 0.0, 0.0
    for problem, decided in zip(asked, made.decisions, strict=True):
        km = world.network.kilometres(problem.point, 0)
        for place in numpy.argsort(km, kind="stable").tolist():
            if all(left[product][place] >= pieces for product, pieces in problem.wanted.items()):
                for product, pieces in problem.wanted.items():
                    left[product][place] -= pieces
                options = real_orders.TARIFFS.options(
                    origin="DE", country="DE", km=int(km[place]), grams=sum(line.grams for line in problem.lines), method="ship",
                    ready=real_orders.NOON,
                )  # fmt: skip
                served += 1
                if decided.shares:
                    cost += min(one.cost_minor for one in options) + real_orders.HANDLING_MINOR
                    ours += decided.cost_minor
                break
    return served, cost, ours
