"""The search for the best plan against trying everything, and the rules that hold whatever the numbers are.

`by_hand` measures a part with plain numbers, straight from what each criterion says it is; `everything` tries every way to give
every line to a place.
"""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from orders.sourcing import decision, measuring, network, search
from orders.sourcing.criteria import UNKNOWN_KM, Criterion
from orders.sourcing.measuring import Look, World
from orders.sourcing.network import Network, Place
from orders.sourcing.policy import Mode, Policy, Term
from orders.sourcing.problem import Line, Problem
from orders.sourcing.tariffs import Service, Tariffs, Zone

TODAY = date(2026, 11, 18)
MORNING = datetime(2026, 11, 18, 10, tzinfo=UTC)
BANDS = ((1_000, 390), (5_000, 590), (10_000, 990))
NEAR = Zone("near", frozenset({"DE"}), 1, BANDS, up_to_km=150)
FAR = Zone("far", frozenset({"DE", "AT"}), 2, ((1_000, 490), (10_000, 1_290)))
STANDARD = Service("standard", "Standard", "carrier", "DE", (NEAR, FAR))
EXPRESS = Service(
    "express", "Express", "carrier", "DE", (Zone("any", frozenset({"DE"}), 1, ((2_000, 1_190), (10_000, 1_990))),),
    volume_divisor=5_000,
)  # fmt: skip
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
        grams=sum(line.grams for line in lines), mm3=sum(line.mm3 for line in lines), method=problem.method, ready=place.ready_at,
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
        Criterion.OBLIGATION: -sum(
            min(int(shelf.guaranteed[number]), goods[product]) for product, (shelf, _there) in shelves.items()
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
            product: network.shelf(net, pieces(5), guaranteed=pieces(2), ahead=pieces(3), enough=pieces(4))
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
                mm3=draw(st.sampled_from([0, 0, 15_000_000])),
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

    def by_place(column) -> dict[int, int]:
        return dict(zip(ids, column.tolist(), strict=True))

    shelves = {
        product: network.shelf(
            net,
            by_place(shelf.available),
            guaranteed=by_place(shelf.guaranteed),
            ahead=by_place(shelf.ahead),
            enough=by_place(shelf.enough),
        )
        for product, shelf in world.shelves.items()
    }
    assert decision.decide(problem, World(net, shelves), policy).document() == first
