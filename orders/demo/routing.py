"""How the demo's orders find their places: carriers and what they ask, what places can do, and policies that are tried."""

from dataclasses import replace
from datetime import datetime, time, timedelta

from commerce.actors import Actor
from orders import method_terms
from orders.demo.retailer import Retailer
from orders.method_terms import Terms
from orders.routing import carriers, nodes, policies, simulations
from orders.sourcing.criteria import Criterion
from orders.sourcing.policy import BALANCED, Mode, Policy, Term
from orders.sourcing.standing import RestrictionKind
from orders.sourcing.tariffs import Zone

# Invented carriers; their prices are of the size that business customers paid for parcels in 2026.
_SAME_DAY = frozenset({"same_day"})
_SERVICES = [
    ("de-standard", "Paket Standard", "Blaue Post", "DE", [
        Zone("region", frozenset({"DE"}), 1, ((2_000, 389), (5_000, 459), (10_000, 599), (31_500, 989)), 120),
        Zone("de", frozenset({"DE"}), 2, ((2_000, 429), (5_000, 499), (10_000, 669), (31_500, 1_149))),
        Zone("eu", frozenset({"AT", "NL", "BE", "LU", "DK", "PL", "CZ"}), 4, ((2_000, 949), (10_000, 1_349), (31_500, 2_190))),
    ], time(16), frozenset({"ship"})),
    ("de-express", "Express bis 12 Uhr", "Blaue Post", "DE", [
        Zone("de", frozenset({"DE"}), 1, ((2_000, 1_190), (10_000, 1_490), (31_500, 2_290))),
    ], time(18), frozenset({"ship"})),
    ("de-kurier", "Kurier am selben Tag", "Radbote", "DE", [
        Zone("city", frozenset({"DE"}), 0, ((5_000, 790), (15_000, 1_190)), 25),
    ], time(17), _SAME_DAY),
    ("at-standard", "Paket Österreich", "Rote Post", "AT", [
        Zone("at", frozenset({"AT"}), 1, ((2_000, 445), (10_000, 695), (31_500, 1_095))),
        Zone("eu", frozenset({"DE", "IT", "SI", "CZ", "HU"}), 3, ((2_000, 990), (10_000, 1_390), (31_500, 2_290))),
    ], time(15), frozenset({"ship"})),
    ("ch-economy", "PostPac Economy", "Gelbe Post", "CH", [
        Zone("ch", frozenset({"CH", "LI"}), 2, ((2_000, 650), (10_000, 890), (30_000, 1_690))),
    ], time(17), frozenset({"ship"})),
    ("ch-priority", "PostPac Priority", "Gelbe Post", "CH", [
        Zone("ch", frozenset({"CH", "LI"}), 1, ((2_000, 790), (10_000, 1_050), (30_000, 1_990))),
    ], time(17), frozenset({"ship"})),
]  # fmt: skip
_BY_VOLUME = {"de-express": 5_000, "ch-priority": 5_000}  # what travels fast is charged by its volume, as is usual
_TERMS = {
    "same_day": Terms(cut_off=time(15), minutes=15, minutes_per_line=1),
    "ship": Terms(minutes_per_line=1),
    "ship_to_store": Terms(minutes=10, minutes_per_line=1),
}
NEAREST = Policy(
    Mode.RANKED,
    (Term(Criterion.LATE), Term(Criterion.PARTS), Term(Criterion.DISTANCE), Term(Criterion.SPARE)),
    most_parts=2,
    split_from_minor=3_000,
)  # fmt: skip
CAREFUL = replace(BALANCED, split_saves_minor=150)
WEEK = timedelta(days=7)
_UNHURRIED = 500  # people, so that the week of trade gets the windows that its stories ask for
NOTES = {
    "first": "Was alles hat und am nächsten liegt, liefert",
    "second": "Filialregale schonen, Überbestand abbauen",
}


def equip(shop: Retailer, *, now: datetime) -> None:
    """Say what carriers ask and places can do, and let a first policy decide. Needs an open transaction, before trade."""
    by = _author(shop)
    for code, name, carrier, origin, zones, cut_off, methods in _SERVICES:
        carriers.set_service(
            code, name=name, carrier=carrier, origin=origin, zones=zones, cut_off=cut_off, methods=methods,
            volume_divisor=_BY_VOLUME.get(code), by=by,
        )  # fmt: skip
    for code, place in shop.locations.items():
        is_store = place.kind == "store"
        nodes.set_node(
            place.id, people=_UNHURRIED, pieces_per_hour=110,
            handling_minor=140 if is_store else 60, handling_piece_minor=25 if is_store else 9,
            takes_returns=is_store or code == "LAGER-DE", orders_per_day=40 if is_store else 2_000, by=by,
        )  # fmt: skip
    for method, terms in _TERMS.items():
        method_terms.agree(None, method, terms, by=by)
    nodes.restrict(RestrictionKind.EMBARGO, country="CH", location_id=shop.locations["LAGER-DE"].id, by=by,
                   note="Zoll: Sendungen in die Schweiz nur ab Egerkingen")  # fmt: skip
    begun = now - WEEK
    first = policies.draft("Nah zuerst", NEAREST.document(), note=NOTES["first"], by=by, at=begun)
    _try(first.number, at=begun, shop=shop)
    policies.activate(first.number, by=by, at=begun)
    second = policies.draft(
        "Bestand schonen", CAREFUL.document(), based_on=first.number, note=NOTES["second"], by=by, at=begun
    )
    policies.follow(second.number, reason="vor dem Weihnachtsgeschäft vergleichen", by=by, at=begun)


def consider(shop: Retailer, *, now: datetime) -> None:
    """Say how fast people really are, and try the second policy on the week's parcels. Needs an open transaction, after trade."""
    for place in shop.locations.values():
        is_store = place.kind == "store"
        nodes.set_node(
            place.id, people=2 if is_store else 12, pieces_per_hour=45 if is_store else 110, by=_author(shop)
        )
    _try(2, at=now, shop=shop)


def _try(number: int, *, at: datetime, shop: Retailer) -> None:
    asked = simulations.ask(number, since=at - WEEK, until=at + timedelta(minutes=1), by=_author(shop), at=at)
    simulations.carry_out(asked.id, at=at)


def _author(shop: Retailer) -> Actor:
    return Actor.staff(shop.staff["merch"])
