"""The search for the best plan against trying everything, and the rules that hold whatever the numbers are.

`by_hand` measures a part with plain numbers, straight from what each criterion says it is; `everything` tries every way to give
every line to a place.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.sourcing import decision, measuring, network, search
from orders.sourcing.criteria import UNKNOWN_KM, Criterion, Reason, Refusal
from orders.sourcing.measuring import Look, World
from orders.sourcing.network import Network, Place
from orders.sourcing.policy import Mode, Policy, Term
from orders.sourcing.problem import Line, Problem, Restriction
from orders.sourcing.tariffs import Service, Tariffs, Zone

TODAY = date(2026, 11, 18)
MORNING = datetime(2026, 11, 18, 10, tzinfo=UTC)
BANDS = ((1_000, 390), (5_000, 590), (10_000, 990))
NEAR = Zone("near", frozenset({"DE"}), 1, BANDS, up_to_km=150)
FAR = Zone("far", frozenset({"DE", "AT"}), 2, ((1_000, 490), (10_000, 1_290)))
STANDARD = Service("standard", "Standard", "carrier", "DE", (NEAR, FAR))
EXPRESS = Service(
    "express", "Express", "carrier", "DE", (Zone("any", frozenset({"DE"}), 1, ((2_000, 1_190), (10_000, 1_990))),)
)
TARIFFS = Tariffs((STANDARD, EXPRESS))
BERLIN = (52.52, 13.40)


# --- by hand ------------------------------------------------------------------------------------------------------------


def by_hand(
    problem: Problem, world: World, policy: Policy, place: Place, lines: list[Line]
) -> dict[Criterion, int] | None:
    """Return the measures of a part, or nothing when the place can't serve it."""
    if not place.is_active or place.is_paused or place.is_closed or problem.method not in place.capabilities:
        return None
    if place.capacity_left is not None and place.capacity_left < 1:
        return None
    if any(place.id in problem.rejected.get(line.id, ()) for line in lines):
        return None
    if any(line.is_hazardous for line in lines) and not place.takes_hazardous:
        return None
    goods: dict[int, int] = {}
    for line in lines:
        for product, pieces in line.goods:
            goods[product] = goods.get(product, 0) + pieces
    number = world.network.index[place.id]
    for product, pieces in goods.items():
        if product not in world.shelves or int(world.shelves[product].available[number]) < pieces:
            return None
    km = UNKNOWN_KM if problem.point is None else int(world.network.kilometres(problem.point, UNKNOWN_KM)[number])
    options = TARIFFS.options(
        origin=place.country, country=problem.country, km=km if km != UNKNOWN_KM else None,
        grams=sum(line.grams for line in lines), method=problem.method, ready=place.ready_at,
        is_hazardous=any(line.is_hazardous for line in problem.lines),
    )  # fmt: skip
    if not options:
        return None
    due = problem.due_on or date.max
    option = min(options, key=lambda one: (max(one.arrives_on - due, timedelta(0)), one.cost_minor, one.service))
    pieces, days = sum(goods.values()), (option.arrives_on - TODAY).days
    shelves = {product: (world.shelves[product], int(world.shelves[product].available[number])) for product in goods}

    def below(kept: int, there: int, taken: int) -> int:
        return max(kept - (there - taken), 0) - max(kept - there, 0)

    return {
        Criterion.LATE: max(0, (option.arrives_on - due).days),
        Criterion.DAYS: days,
        Criterion.PRIORITY: days * problem.priority,
        Criterion.COST: option.cost_minor + place.handling_minor + pieces * place.handling_piece_minor,
        Criterion.DISTANCE: km,
        Criterion.PARTS: 1,
        Criterion.MARGIN: sum((line.value_minor * place.partner_basis_points + 5_000) // 10_000 for line in lines),
        Criterion.OVERSTOCK: -sum(
            min(max(there - int(shelf.enough[number]), 0), goods[product])
            for product, (shelf, there) in shelves.items()
        ),
        Criterion.LAST_PIECES: sum(
            below(policy.keep_at_stores if place.is_store else 0, there, goods[product])
            for product, (_shelf, there) in shelves.items()
        ),
        Criterion.DEMAND_AHEAD: sum(
            below(int(shelf.ahead[number]), there, goods[product]) for product, (shelf, there) in shelves.items()
        ),
        Criterion.OBLIGATION: sum(
            below(int(shelf.owed[number]), there, goods[product]) for product, (shelf, there) in shelves.items()
        ),
        Criterion.LOAD: place.load_percent,
        Criterion.QUEUE: place.queue_minutes,
        Criterion.RETURNS: 0 if place.takes_returns else sum(line.return_permille * line.pieces for line in lines),
        Criterion.SPARE: -sum(there for _shelf, there in shelves.values()),
    }


def scored(values: list[dict[Criterion, int]], policy: Policy) -> tuple[int, ...]:
    """Return the score of a plan's parts as a tuple that compares as the policy says."""
    if policy.mode is Mode.WEIGHED:
        return (sum(one[term.criterion] * term.rate for one in values for term in policy.terms),)
    return tuple(sum(-(-one[term.criterion] // term.step) for one in values) for term in policy.terms)


def everything(problem: Problem, world: World, policy: Policy) -> Iterator[tuple[int, tuple[int, ...], int]]:
    """Yield (parts, score, cost) of every way to serve the order."""
    places = world.network.places
    for choice in itertools.product(range(len(places)), repeat=len(problem.lines)):
        used = sorted(set(choice))
        if len(used) > policy.most_parts:
            continue
        values = []
        for number in used:
            lines = [line for line, place in zip(problem.lines, choice, strict=True) if place == number]
            values.append(by_hand(problem, world, policy, places[number], lines))
        if None not in values:
            yield len(used), scored(values, policy), sum(one[Criterion.COST] for one in values)


def allowed(problem: Problem, policy: Policy, plans: dict[int, tuple[tuple[int, ...], int]]) -> tuple[int, ...] | None:
    """Return the score that the thresholds leave, from the best plan of each number of parts as (score, cost)."""
    if problem.value_minor < policy.split_from_minor:
        plans = {parts: plan for parts, plan in plans.items() if parts == 1}
    if not plans:
        return None
    least = min(plans)
    chosen = plans[least]
    for parts in sorted(plans):
        saved = plans[least][0][0] - plans[parts][0][0]
        if policy.mode is Mode.RANKED:
            saved = (plans[least][1] - plans[parts][1]) * 1_000
        if (
            parts > least
            and saved >= (parts - least) * policy.split_saves_minor * 1_000
            and plans[parts][0] < chosen[0]
        ):
            chosen = plans[parts]
    return chosen[0]


def as_number(score: tuple[int, ...]) -> int:
    total = 0
    for one in score:
        total = (total << measuring.RADIX_BITS) + one
    return total


# --- worlds -------------------------------------------------------------------------------------------------------------

PRODUCTS = 3
counts = st.integers(0, 4)


@st.composite
def places(draw: st.DrawFn, number: int) -> Place:
    return Place(
        number, f"P{number}", f"Place {number}", draw(st.sampled_from(["DE", "DE", "DE", "CH"])),
        MORNING.replace(hour=draw(st.sampled_from([10, 17]))),
        latitude=draw(st.sampled_from([52.5, 48.1, 51.0, None])), longitude=13.0,
        capabilities=draw(st.sampled_from([frozenset({"ship"}), frozenset({"ship"}), frozenset({"pickup"})])),
        is_store=draw(st.booleans()), is_active=draw(st.integers(0, 9)) > 0, is_closed=draw(st.integers(0, 9)) == 0,
        capacity_left=draw(st.sampled_from([None, None, 5, 0])), load_percent=draw(st.integers(0, 100)),
        queue_minutes=draw(st.integers(0, 60)), handling_minor=draw(st.integers(0, 200)),
        handling_piece_minor=draw(st.integers(0, 20)), partner_basis_points=draw(st.sampled_from([0, 0, 1_500])),
        takes_returns=draw(st.booleans()), takes_hazardous=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def worlds(draw: st.DrawFn) -> World:
    found = [draw(places(number)) for number in range(1, draw(st.integers(1, 5)) + 1)]
    net = Network(found, TARIFFS)
    ids = [place.id for place in found]

    def pieces(most: int) -> dict[int, int]:
        return {one: draw(st.integers(0, most)) for one in ids}

    return World(
        net,
        {
            product: network.shelf(net, pieces(5), owed=pieces(2), ahead=pieces(3), enough=pieces(4))
            for product in range(1, PRODUCTS + 1)
        },
    )


@st.composite
def orders(draw: st.DrawFn, *, most_lines: int = 4) -> Problem:
    lines = []
    for number in range(draw(st.integers(1, most_lines))):
        goods = {
            draw(st.integers(1, PRODUCTS)): draw(st.integers(1, 3)) for _ in range(draw(st.sampled_from([1, 1, 1, 2])))
        }
        lines.append(
            Line(
                str(number), tuple(sorted(goods.items())), draw(st.integers(0, 6_000)), draw(st.integers(0, 9_000)),
                draw(st.sampled_from([0, 120])), draw(st.integers(0, 9)) == 0, is_kit=len(goods) > 1,
            )
        )  # fmt: skip
    rejected = {line.id: frozenset({draw(st.integers(1, 5))}) for line in lines if draw(st.integers(0, 5)) == 0}
    return Problem(
        tuple(lines), "DE", TODAY, point=draw(st.sampled_from([BERLIN, None])), value_minor=sum(one.value_minor for one in lines),
        due_on=draw(st.sampled_from([None, TODAY + timedelta(days=1), TODAY + timedelta(days=2)])),
        priority=draw(st.integers(0, 3)), rejected=rejected,
    )  # fmt: skip


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    mode = draw(st.sampled_from(Mode))
    chosen = draw(st.lists(st.sampled_from(Criterion), min_size=1, max_size=len(Criterion), unique=True))
    terms = tuple(
        Term(one, rate=draw(st.integers(0, 90_000)))
        if mode is Mode.WEIGHED
        else Term(one, step=draw(st.sampled_from([1, 1, 50])))
        for one in chosen
    )
    return Policy(
        mode, terms, most_parts=draw(st.integers(1, 4)), split_saves_minor=draw(st.sampled_from([0, 0, 150, 600])),
        split_from_minor=draw(st.sampled_from([0, 0, 6_000])), keep_at_stores=draw(st.integers(0, 2)),
    )  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(orders(), worlds(), policies())
def test_the_plan_is_the_best_of_all_there_are(problem: Problem, world: World, policy: Policy):
    tried: dict[int, tuple[tuple[int, ...], int]] = {}
    for parts, score, cost in everything(problem, world, policy):
        if parts not in tried or score < tried[parts][0]:
            tried[parts] = (score, cost)
    found = search.search(Look(problem, world, policy))
    assert found.is_exact
    if problem.value_minor >= policy.split_from_minor:
        assert {parts: plan.score for parts, plan in found.best.items()} == {
            parts: as_number(score) for parts, (score, _cost) in tried.items()
        }
    if (
        policy.mode is Mode.WEIGHED or policy.split_saves_minor == 0
    ):  # equal scores may cost differently in a ranked policy
        expected = allowed(problem, policy, tried)
        assert (found.chosen.score if found.chosen else None) == (None if expected is None else as_number(expected))
    assert (found.chosen is None) == (found.refusal is not None)


@settings(max_examples=150, deadline=None)
@given(orders(), worlds(), policies())
def test_what_is_decided_can_be_done_and_is_all_that_was_asked(problem: Problem, world: World, policy: Policy):
    made = decision.decide(problem, world, replace(policy, may_divide_lines=True))
    taken: dict[int, dict[int, int]] = {}
    for share in made.shares:
        place = share.place
        assert place.is_active
        assert not place.is_closed
        assert place.capacity_left != 0
        assert problem.method in place.capabilities
        assert place.id not in taken
        taken[place.id] = share.goods
        for line_id in share.lines:
            assert place.id not in problem.rejected.get(line_id, ())
        number = world.network.index[place.id]
        assert all(world.shelves[product].available[number] >= pieces for product, pieces in share.goods.items())
    if made.shares:
        sums: dict[int, int] = {}
        for goods in taken.values():
            for product, pieces in goods.items():
                sums[product] = sums.get(product, 0) + pieces
        assert sums == problem.wanted
        assert len(made.shares) <= policy.most_parts
        if len(made.shares) > 1:
            assert problem.value_minor >= policy.split_from_minor
        for line in problem.lines:
            if line.is_kit:
                assert sum(line.id in share.lines for share in made.shares) == 1
    else:
        assert made.refusal is not None


@settings(max_examples=60, deadline=None)
@given(orders(), worlds(), policies(), st.randoms())
def test_neither_the_order_of_places_nor_asking_again_changes_anything(problem, world, policy, dice):
    first = decision.decide(problem, world, policy).document()
    shuffled = list(world.network.places)
    dice.shuffle(shuffled)
    net = Network(shuffled, TARIFFS)
    ids = [place.id for place in world.network.places]
    shelves = {
        product: network.shelf(
            net, dict(zip(ids, shelf.available.tolist(), strict=True)), owed=dict(zip(ids, shelf.owed.tolist(), strict=True)),
            ahead=dict(zip(ids, shelf.ahead.tolist(), strict=True)), enough=dict(zip(ids, shelf.enough.tolist(), strict=True)),
        )
        for product, shelf in world.shelves.items()
    }  # fmt: skip
    assert decision.decide(problem, World(net, shelves), policy).document() == first


# --- by example -----------------------------------------------------------------------------------------------------------


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
