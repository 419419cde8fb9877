"""Past movements in bulk: exact, never below zero, idempotent, and the same whatever the order of recording."""

import random
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pytest

from commerce import clock, ids
from commerce.models import OutboxMessage
from commerce.operations import checks
from commerce.transactions import TransactionMisuse, transaction
from inventory import history
from inventory.history import DERIVED_OPENING, PastMovement, Recorded
from inventory.models import StockEntry, StockLevel
from inventory.stock import Counterparty, EntryKind
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf

START = datetime(2024, 1, 2, 9, 0, tzinfo=UTC)
SOURCE = "import:tests"


def moved(shelf: Shelf, delta: int, minute: int, **values: object) -> PastMovement:
    """A sale or a return of the shelf's product, `minute` minutes after the start."""
    return PastMovement(
        id=ids.new(),
        product_id=shelf.product_id,
        location_id=values.pop("location_id", shelf.store.id),  # type: ignore[arg-type]
        kind=EntryKind.SHIPPED if delta < 0 else EntryKind.RETURNED,
        delta=delta,
        counterparty=Counterparty.CUSTOMER,
        occurred_at=START + timedelta(minutes=minute),
        cause_type="invoice",
        cause_id="4711",
        **values,  # type: ignore[arg-type]
    )


def record(movements: list[PastMovement]) -> Recorded:
    with transaction():
        history.open_inbox()
        history.stage(movements)
        return history.record(source=SOURCE, by=BY, at=clock.now())


def entries(location_id: int) -> list[StockEntry]:
    return list(StockEntry.objects.filter(level__location_id=location_id).order_by("version"))


def smallest_opening(deltas: list[int]) -> int:
    return max(0, -min(accumulate(deltas)))


@pytest.fixture
def past(shelf: Shelf) -> Shelf:
    """The shelf's product at a place where nothing was ever booked."""
    return Shelf(shelf.product_id, shelf.sku, make.store(), shelf.channel_id)


def test_a_history_gets_the_smallest_opening_and_gapless_versions_in_time_order(past: Shelf) -> None:
    outcome = record([moved(past, -3, 20), moved(past, 2, 10), moved(past, -5, 0), moved(past, 4, 30)])
    assert outcome == Recorded(levels=1, movements=4, opening_pieces=6)
    written = entries(past.store.id)
    assert [entry.on_hand_delta for entry in written] == [6, -5, 2, -3, 4]
    assert [entry.on_hand_after for entry in written] == [6, 1, 3, 0, 4]
    assert [entry.version for entry in written] == [1, 2, 3, 4, 5]
    opening = written[0]
    assert (opening.kind, opening.reason, opening.counterparty) == ("received", DERIVED_OPENING, "supplier")
    assert (opening.source, opening.occurred_at) == (SOURCE, START)
    assert written[1].cause_id == "4711"
    assert written[1].recorded_at > written[1].occurred_at
    assert past.figure().on_hand == 4
    assert checks.run() == []


def test_goods_that_came_before_they_left_need_no_opening(past: Shelf) -> None:
    assert record([moved(past, 5, 0), moved(past, -5, 1)]).opening_pieces == 0
    assert [entry.on_hand_after for entry in entries(past.store.id)] == [5, 0]


def test_within_an_instant_the_sequence_decides(past: Shelf) -> None:
    record([moved(past, 4, 0, sequence=2), moved(past, -4, 0, sequence=1)])
    assert [entry.on_hand_delta for entry in entries(past.store.id)] == [4, -4, 4]


def test_the_same_history_again_writes_nothing(past: Shelf) -> None:
    movements = [moved(past, -5, 0), moved(past, 2, 10)]
    record(movements)
    assert record(movements) == Recorded(0, 0, 0)
    assert len(entries(past.store.id)) == 3


def test_a_later_part_that_needs_more_brings_a_further_opening_first(past: Shelf) -> None:
    first, second = [moved(past, -5, 0)], [moved(past, -2, 60)]
    record(first)
    assert record(first + second) == Recorded(1, 1, 2)
    assert [(entry.on_hand_delta, entry.reason) for entry in entries(past.store.id)] == [
        (5, DERIVED_OPENING),
        (-5, ""),
        (2, DERIVED_OPENING),
        (-2, ""),
    ]


def test_an_earlier_part_that_explains_more_takes_opening_back(past: Shelf) -> None:
    earlier, later = [moved(past, 5, 0)], [moved(past, -5, 60)]
    assert record(later).opening_pieces == 5
    assert record(earlier + later).opening_pieces == -5
    last = entries(past.store.id)[-1]
    assert (last.kind, last.on_hand_delta, last.on_hand_after) == ("corrected", -5, 0)
    assert checks.run() == []


@pytest.mark.parametrize("seed", range(8))
def test_the_end_state_does_not_depend_on_how_the_history_arrives(past: Shelf, seed: int) -> None:
    dice = random.Random(seed)
    history_of_it = [moved(past, dice.choice([-1, 1]) * dice.randint(1, 9), minute) for minute in range(30)]
    deltas = [movement.delta for movement in history_of_it]
    arrived: list[PastMovement] = []
    waiting = dice.sample(history_of_it, len(history_of_it))
    while waiting:
        part = [waiting.pop() for _ in range(min(len(waiting), dice.randint(1, 9)))]
        arrived += part
        record(dice.sample(arrived, len(arrived)))
    assert past.figure().on_hand == smallest_opening(deltas) + sum(deltas)
    openings = [entry.on_hand_delta for entry in entries(past.store.id) if entry.reason == DERIVED_OPENING]
    assert sum(openings) == smallest_opening(deltas)
    assert min(entry.on_hand_after for entry in entries(past.store.id)) >= 0
    assert checks.run() == []


def test_what_is_promised_on_a_living_level_stays_covered(shelf: Shelf) -> None:
    shelf.allocate(4)
    shelf.reserve(3)
    record([moved(shelf, -10, 0)])
    figure = shelf.figure()
    assert (figure.on_hand, figure.allocated, figure.held, figure.available) == (10, 4, 3, 3)
    assert checks.run() == []


def test_every_level_tells_its_newest_value_once(past: Shelf) -> None:
    record([moved(past, -5, 0), moved(past, 2, 10)])
    level = StockLevel.objects.get(location_id=past.store.id)
    told = OutboxMessage.objects.get(aggregate=f"stock_level:{level.pk}")
    assert (told.payload["on_hand"], told.aggregate_sequence) == (2, level.version)


def test_texts_survive_the_copy(past: Shelf) -> None:
    record([moved(past, -1, 0, reason="a\tb\\c\nd")])
    assert entries(past.store.id)[-1].reason == "a\tb\\c\nd"


@pytest.mark.django_db(transaction=True)
def test_it_needs_its_callers_transaction() -> None:
    with pytest.raises(TransactionMisuse):
        history.open_inbox()
