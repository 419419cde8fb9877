"""Routing by example: what is split and what is not, why places are out, what a parcel costs and when it arrives."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from orders.sourcing import decision, network, search
from orders.sourcing.criteria import Criterion, Reason, Refusal
from orders.sourcing.measuring import World
from orders.sourcing.network import Network, Place
from orders.sourcing.policy import Mode, Policy, Term
from orders.sourcing.problem import Line, Problem, Restriction
from orders.sourcing.tariffs import Tariffs, Zone
from tests.orders.test_sourcing_search import BANDS, BERLIN, MORNING, STANDARD, TARIFFS, TODAY


def place(number: int, **values: object) -> Place:
    defaults = {"latitude": 52.5, "longitude": 13.0 + number, "is_store": False}
    return Place(number, f"P{number}", f"Place {number}", "DE", MORNING, **(defaults | values))


def world_of(*found: Place, **shelves: dict[int, int]) -> World:
    net = Network(found, TARIFFS)
    return World(net, {int(product[1:]): network.shelf(net, pieces) for product, pieces in shelves.items()})


def order(*goods: tuple[int, int], value: int = 5_000, **values: object) -> Problem:
    lines = tuple(Line(str(number), (one,), 500, value // len(goods)) for number, one in enumerate(goods))
    return Problem(lines, "DE", TODAY, point=BERLIN, value_minor=value, **values)


CHEAPEST = Policy(Mode.WEIGHED, (Term(Criterion.COST, 1_000),), most_parts=3)


def test_an_order_that_no_place_has_whole_goes_in_two_parcels():
    world = world_of(place(1), place(2), p1={1: 5}, p2={2: 5})
    made = decision.decide(order((1, 1), (2, 1)), world, CHEAPEST)
    assert [share.place.code for share in made.shares] == ["P1", "P2"]
    assert made.tried == ((2, 780, 780_000),)


def test_a_small_order_is_never_split_and_says_so():
    world = world_of(place(1), place(2), p1={1: 5}, p2={2: 5})
    made = decision.decide(order((1, 1), (2, 1), value=1_999), world, replace(CHEAPEST, split_from_minor=2_000))
    assert (made.shares, made.refusal) == ((), Refusal.SPLIT_BELOW_VALUE)
    assert decision.decide(order((1, 1), (2, 1), value=2_000), world, replace(CHEAPEST, split_from_minor=2_000)).shares


@pytest.mark.parametrize(("saves", "parts"), [(210, 2), (211, 1)])
def test_a_split_that_is_not_needed_must_save_enough(saves, parts):
    """From far away 1,190 by express, in two near parcels 390 + 590 = 980: 210 saved."""
    world = world_of(place(1), place(2), place(3, latitude=48.1), p1={1: 5, 3: 5}, p2={2: 5, 3: 5})
    problem = order((1, 1), (2, 1))
    problem = replace(problem, lines=(replace(problem.lines[0], grams=900), replace(problem.lines[1], grams=1_100)))
    made = decision.decide(problem, world, replace(CHEAPEST, split_saves_minor=saves))
    assert len(made.shares) == parts
    assert [one[:2] for one in made.tried] == [(1, 1_190), (2, 980)]


def test_the_pieces_of_a_line_part_only_when_no_place_has_them_all_and_only_if_the_policy_says_so():
    world = world_of(place(1), place(2), p1={1: 3, 2: 2})
    assert decision.decide(order((1, 5)), world, CHEAPEST).refusal is Refusal.NOT_ENOUGH_STOCK
    made = decision.decide(order((1, 5)), world, replace(CHEAPEST, may_divide_lines=True))
    assert [share.goods for share in made.shares] == [{1: 3}, {1: 2}]
    assert made.was_divided
    many = decision.decide(
        order((1, 500)), world_of(place(1), place(2), p1={1: 300, 2: 290}), replace(CHEAPEST, may_divide_lines=True)
    )
    assert sorted(share.goods[1] for share in many.shares) == [200, 300]
    assert not many.is_exact


def test_a_kit_stays_whole():
    world = world_of(place(1), place(2), p1={1: 5}, p2={2: 5})
    kit = Problem((Line("kit", ((1, 1), (2, 1)), is_kit=True),), "DE", TODAY, point=BERLIN, value_minor=9_000)
    assert decision.decide(kit, world, replace(CHEAPEST, may_divide_lines=True)).refusal is Refusal.NOT_ENOUGH_STOCK


def test_two_lines_of_one_product_are_summed():
    world = world_of(place(1), place(2), p1={1: 3, 2: 1})
    made = decision.decide(order((1, 2), (1, 2)), world, CHEAPEST)
    assert made.refusal is Refusal.TOO_MANY_PARTS  # each line alone would fit at P1, both together don't
    assert decision.decide(order((1, 2), (1, 1)), world, CHEAPEST).shares[0].goods == {1: 3}


def test_the_losers_say_why():
    world = world_of(
        place(1), place(2, is_active=False), place(3, is_paused=True), place(4, is_closed=True), place(5, capacity_left=0),
        place(6, capabilities=frozenset({"pickup"})), place(7), place(8), place(9, takes_hazardous=False),
        Place(10, "X10", "Abroad", "CH", MORNING), p1=dict.fromkeys(range(1, 11), 5) | {8: 1},
    )  # fmt: skip
    problem = order((1, 2), rejected={"0": frozenset({7})}, area=frozenset({"DE", "AT"}))
    problem = replace(problem, lines=(replace(problem.lines[0], is_hazardous=True),))
    services = (replace(STANDARD, takes_hazardous=True),)
    world = World(Network(world.network.places, Tariffs(services)), world.shelves)
    made = decision.decide(problem, world, CHEAPEST)
    assert [share.place.code for share in made.shares] == ["P1"]
    assert made.excluded == {
        Reason.INACTIVE: ("P2",), Reason.PAUSED: ("P3",), Reason.CLOSED: ("P4",), Reason.OVER_CAPACITY: ("P5",),
        Reason.METHOD_NOT_OFFERED: ("P6",), Reason.REJECTED_BEFORE: ("P7",), Reason.HAZARDOUS: ("P9",),
        Reason.BEHIND_CUSTOMS: ("X10",), Reason.NO_CARRIER: ("X10",), Reason.NOT_ENOUGH_STOCK: ("P8",),
    }  # fmt: skip
    assert made.short == {"P8": {1: 1}}


def test_an_embargo_stops_goods_to_a_country_and_nobody_is_able():
    world = world_of(place(1), p1={1: 5})
    banned = Restriction(Reason.EMBARGO, frozenset({1}), frozenset({"DE"}))
    made = decision.decide(order((1, 1), restrictions=(banned,)), world, CHEAPEST)
    assert made.shares == ()
    assert made.excluded[Reason.EMBARGO] == ("P1",)
    elsewhere = Restriction(Reason.EMBARGO, frozenset({1}), frozenset({"AT"}))
    assert decision.decide(order((1, 1), restrictions=(elsewhere,)), world, CHEAPEST).shares


def test_overstock_is_preferred_and_last_pieces_are_left():
    net = Network([place(1, is_store=True), place(2, is_store=True)], TARIFFS)
    much = World(net, {1: network.shelf(net, {1: 9, 2: 9}, enough={1: 20, 2: 5})})
    policy = Policy(Mode.WEIGHED, (Term(Criterion.DISTANCE, 100), Term(Criterion.OVERSTOCK, 60_000)))
    assert decision.decide(order((1, 1)), much, policy).shares[0].place.code == "P2"
    last = World(net, {1: network.shelf(net, {1: 1, 2: 2})})
    policy = Policy(Mode.WEIGHED, (Term(Criterion.DISTANCE, 100), Term(Criterion.LAST_PIECES, 150_000)))
    assert decision.decide(order((1, 1)), last, policy).shares[0].place.code == "P2"


def test_what_is_promised_is_kept_by_a_dearer_service():
    world = world_of(place(1, latitude=48.1), p1={1: 5})
    made = decision.decide(order((1, 1), due_on=TODAY + timedelta(days=1)), world, CHEAPEST)
    assert made.shares[0].winner.way.service == "express"
    assert decision.decide(order((1, 1)), world, CHEAPEST).shares[0].winner.way.service == "standard"


def test_a_large_order_is_decided_by_the_heuristic_which_says_so():
    count = search.MOST_EXACT + 3
    half = count // 2
    shelves = {f"p{product}": {1: 5} if product <= half else {2: 5} for product in range(1, count + 1)}
    world = world_of(place(1), place(2), place(3), **shelves)
    made = decision.decide(order(*[(product, 1) for product in range(1, count + 1)]), world, CHEAPEST)
    assert [len(share.goods) for share in made.shares] == [half, count - half]
    assert not made.is_exact
    assert made.document()["exact"] is False


def test_a_consignment_beyond_the_last_band_is_several_parcels():
    zone = Zone("z", frozenset({"DE"}), 1, BANDS)
    assert [zone.cost_minor(grams) for grams in (0, 1_000, 1_001, 10_000, 10_001, 25_000)] == [
        390, 390, 590, 990, 990 + 390, 990 + 990 + 590,
    ]  # fmt: skip


def test_a_parcel_misses_the_cut_off_the_weekend_and_the_holiday():
    late = datetime(
        2026, 12, 24, 16, tzinfo=UTC
    )  # Christmas Eve after the cut-off: a Thursday before holidays and a Sunday
    assert STANDARD.leaves_on(late) == date(2026, 12, 28)
    assert STANDARD.leaves_on(late.replace(hour=14)) == date(2026, 12, 24)
    assert STANDARD.arrives_on(date(2026, 12, 24), 1, "DE") == date(2026, 12, 28)
    assert STANDARD.arrives_on(date(2026, 12, 24), 1, "GB") == date(2026, 12, 29)  # Boxing Day was kept on the Monday
