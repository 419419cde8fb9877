"""Real orders for routing: a retailer's invoices of a campaign, sent to German postal codes from stores of a chain.

The invoices are British and say nothing of weights, stock or stores; what is not in them is drawn by hashes, so that every run has
the same: a customer's postal code (each as likely as any), a product's weight (100 to 2,500 g), and which of the stores have
it. Costs are set: two services by weight and zone of the size that business customers pay, 1.40 for handling a parcel in a
store. Kept are the lines about the CAMPAIGN products that sell most, and there is a tenth more than is asked for: orders
compete in campaigns, and hardly else.
"""

import csv
import gzip
import hashlib
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime

from orders.sourcing import network
from orders.sourcing.criteria import Criterion
from orders.sourcing.measuring import World
from orders.sourcing.network import Network, Place
from orders.sourcing.policy import Mode, Policy, Term
from orders.sourcing.problem import Line, Problem
from orders.sourcing.tariffs import Service, Tariffs, Zone
from tests.benchmarks.sales_series import folder

STORES = 15  # that send parcels
MOST_LINES = 3
CAMPAIGN = 60  # products
OF_ALL = 6  # invoices that are read for each that is kept
CLUMP = 4  # pieces of a product that come to a store together
MOST_PIECES = 3
TODAY = date(2026, 11, 18)
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
HANDLING_MINOR = 140
POLICY = Policy(
    Mode.WEIGHED, (Term(Criterion.COST, 1_000), Term(Criterion.PARTS, 80_000)), most_parts=3, may_divide_lines=True
)
TARIFFS = Tariffs(
    (
        Service("standard", "Standard", "carrier", "DE", (
            Zone("region", frozenset({"DE"}), 1, ((2_000, 389), (5_000, 459), (10_000, 599), (31_500, 989)), 120),
            Zone("country", frozenset({"DE"}), 2, ((2_000, 549), (5_000, 629), (10_000, 799), (31_500, 1_349))),
        )),
        Service("express", "Express", "carrier", "DE", (
            Zone("country", frozenset({"DE"}), 1, ((2_000, 1_190), (10_000, 1_490), (31_500, 2_290))),
        )),
    )
)  # fmt: skip


def draw(*parts: object) -> int:
    """Return the number that stands for some words, the same in every run."""
    return int.from_bytes(hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=8).digest(), "big")


def stores() -> Network:
    """Return a fixed choice of the chain's German stores, with their real coordinates."""
    path = folder() / "stores" / "osm_lidl_germany_2024-01.json.gz"
    found = json.loads(gzip.decompress(path.read_bytes()))["elements"]
    chosen = sorted(found, key=lambda one: draw("store", one["id"]))[:STORES]
    places = []
    for number, one in enumerate(chosen, start=1):
        point = one.get("center", one)
        places.append(
            Place(
                number,
                f"S{number:03}",
                f"Store {number}",
                "DE",
                NOON,
                point["lat"],
                point["lon"],
                handling_minor=HANDLING_MINOR,
            )
        )
    return Network(places, TARIFFS)


def homes() -> list[tuple[float, float]]:
    """Return where German postal codes lie."""
    path = next((folder() / "postal-codes").glob("*DE*"))
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    points: dict[str, tuple[float, float]] = {}
    for row in csv.reader(raw.decode().splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        points.setdefault(row[1], (float(row[9]), float(row[10])))
    return list(points.values())


@dataclass(frozen=True)
class Invoice:
    number: str
    lines: tuple[tuple[str, int, int], ...]  # stock code, pieces, value in minor units
    customer: str = ""  # empty: nobody knows whose it was

    @property
    def home(self) -> str:
        """By what its postal code is drawn, where customers live in one place each."""
        return self.customer or self.number


def invoices(at_most: int) -> list[Invoice]:
    """Return sales in the order of time, cut to the campaign and to so many lines and pieces as a customer's parcel holds."""
    path = folder() / "online-retail" / "online_retail_2010-12_2011-09.csv.gz"
    lines: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    customers: dict[str, str] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            number, code = row.get("InvoiceNo") or row["Invoice"], row["StockCode"]
            if number.startswith("C") or not code[:5].isdigit() or int(row["Quantity"]) < 1:
                continue
            if number not in lines and len(lines) >= at_most * OF_ALL:
                break
            pieces = min(int(row["Quantity"]), MOST_PIECES)
            price = float(row.get("UnitPrice") or row.get("Price") or 0)
            lines[number][code] = (pieces, round(price * 100) * pieces)
            customers[number] = row.get("CustomerID") or row.get("Customer ID") or ""
    sold = Counter(code for goods in lines.values() for code in goods)
    campaign = {code for code, _count in sold.most_common(CAMPAIGN)}
    found = [
        Invoice(
            number,
            tuple((code, *facts) for code, facts in goods.items() if code in campaign)[:MOST_LINES],
            customers[number],
        )
        for number, goods in lines.items()
    ]
    return [one for one in found if one.lines][:at_most]


def problems(found: list[Invoice], points: list[tuple[float, float]], numbers: dict[str, int]) -> list[Problem]:
    """Return the invoices as problems; every twentieth is express."""
    return [
        Problem(
            tuple(
                Line(code, ((numbers[code], pieces),), pieces * (100 + draw("weight", code) % 2_400), value)
                for code, pieces, value in one.lines
            ),
            "DE", TODAY, point=points[draw("home", one.home) % len(points)],
            value_minor=sum(value for _code, _pieces, value in one.lines), is_express=draw("express", one.number) % 20 == 0,
            recipient=one.customer, id=one.number,
        )
        for one in found
    ]  # fmt: skip


def numbered(found: list[Invoice]) -> dict[str, int]:
    """Return a number for each stock code."""
    return {code: number for number, code in enumerate(sorted({line[0] for one in found for line in one.lines}))}


def scarce(net: Network, batch: list[Problem], *, percent: int, deals: str) -> World:
    """Return a world with so many percent of what a batch asks for, each product at some of the stores."""
    wanted: Counter[int] = Counter()
    for problem in batch:
        wanted.update(problem.wanted)
    shelves = {}
    for product, pieces in wanted.items():
        there: Counter[int] = Counter()
        for piece in range(max(pieces * percent // 100, pieces)):
            deal = draw(deals, product, piece // CLUMP) % 5
            there[1 + draw(deals, product, "store", deal) % net.size] += 1
        shelves[product] = network.shelf(net, there)
    return World(net, shelves)
