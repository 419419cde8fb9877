"""The next wave, as a pure function: limits hold, nothing is lost or taken twice, and a walk passes every shelf once."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from orders.waves import composing
from orders.waves.composing import Candidate, Rule

NOON = datetime(2026, 11, 18, 11, tzinfo=UTC)


def candidate(number: int, *, due: int = 0, pieces: int = 1, way: str = "counter", shelves: str = "", grams: int = 0):
    found = frozenset(shelves.split())
    return Candidate(UUID(int=number), way, NOON + timedelta(minutes=due), pieces, grams, found)


candidates = st.lists(
    st.builds(
        candidate,
        st.integers(0, 60),
        due=st.integers(-300, 900),
        pieces=st.integers(1, 60),
        way=st.sampled_from(["counter", "carrier"]),
        shelves=st.sampled_from(["", "A-1", "A-2 B-1", "C-10 C-9"]),
        grams=st.integers(0, 30_000),
    ),
    max_size=40,
    unique_by=lambda one: one.id,
)


@settings(max_examples=150, deadline=None)
@given(candidates, st.randoms())
def test_a_wave_keeps_its_limits_and_begins_with_what_is_due_first(waiting, dice):
    wave = composing.compose(waiting)
    assert bool(wave) == bool(waiting)
    if not wave:
        return
    first = min(waiting, key=lambda one: (one.due_at, str(one.id)))
    assert first == wave[0]
    assert len({one.id for one in wave}) == len(wave) <= composing.MOST_ORDERS
    assert {one.way_out for one in wave} == {first.way_out}
    assert max(one.due_at for one in wave) <= first.due_at + composing.HORIZON
    assert len(wave) == 1 or sum(one.pieces for one in wave) <= composing.MOST_PIECES
    assert len(wave) == 1 or sum(one.grams for one in wave) <= composing.MOST_GRAMS
    shuffled = list(waiting)
    dice.shuffle(shuffled)
    assert composing.compose(shuffled) == wave, "the order of asking changes nothing"


def test_orders_on_the_same_shelves_come_along_first():
    far = [candidate(number, due=1, shelves=f"Z-{number}") for number in range(2, 6)]
    near = candidate(9, due=60, shelves="A-1")
    wave = composing.compose([candidate(1, shelves="A-1"), *far, near], Rule(most_orders=2))
    assert [one.id.int for one in wave] == [1, 9]


def test_a_large_order_is_picked_alone():
    assert len(composing.compose([candidate(1, pieces=31), candidate(2)])) == 1
    assert [one.id.int for one in composing.compose([candidate(1), candidate(2, pieces=31)])] == [1]


def test_a_walk_goes_down_one_aisle_and_up_the_next():
    shelves = {"a": "A-10", "b": "A-2", "c": "B-1", "d": "B-3", "e": "", "f": "C-1"}
    assert composing.walk(shelves) == ["b", "a", "d", "c", "f", "e"]


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.integers(0, 99), st.sampled_from(["", "A", "A-1", "B-2-1", "12", "Ü 3", "A.1/2"])))
def test_a_walk_passes_everything_once(shelves):
    assert sorted(composing.walk(shelves)) == sorted(shelves)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 50), st.lists(st.integers(0, 9), max_size=8))
def test_pieces_are_dealt_out_and_none_is_made(pieces, wanted):
    dealt = composing.share(pieces, list(enumerate(wanted)))
    assert sum(given for _, given in dealt) == min(pieces, sum(wanted))
    assert all(0 < given <= wanted[key] for key, given in dealt)
