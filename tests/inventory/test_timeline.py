"""Looking back: what was there at any moment of the past, late reports counted where they belong."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection

from commerce import clock, ids
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import history, movements, timeline
from inventory.ledger import LevelKey
from inventory.movements import Adjustment, Receipt
from inventory.stock import Counterparty, EntryKind
from inventory.timeline import Snapshot
from tests.inventory.conftest import BY, Shelf

HOUR = timedelta(hours=1)


def key(shelf: Shelf) -> LevelKey:
    return LevelKey(shelf.product_id, shelf.store.id)


def adjust(shelf: Shelf, delta: int, *, at: datetime, occurred_at: datetime | None = None) -> None:
    line = Adjustment(ids.new(), shelf.product_id, shelf.store.id, delta, "other")
    with transaction():
        movements.adjust([line], by=BY, at=at, occurred_at=occurred_at)


def test_every_moment_has_the_values_of_its_last_entry(shelf: Shelf) -> None:
    start = clock.now() + HOUR
    for hour in range(1, 40):  # 10, 11, 12 …: one piece more each hour
        adjust(shelf, 1, at=start + hour * HOUR)
    second = timedelta(seconds=1)
    moments = [start + hour * HOUR + shift for hour in range(1, 40) for shift in (-second, timedelta(0), second)]
    expected = [10 + hour - (shift < 0) for hour in range(1, 40) for shift in (-1, 0, 1)]
    assert timeline.on_hand_at([(key(shelf), moment) for moment in moments]) == expected


def test_before_the_first_entry_and_where_nothing_ever_was_there_is_nothing(shelf: Shelf) -> None:
    long_ago = clock.now() - 24 * HOUR
    damaged = LevelKey(shelf.product_id, shelf.store.id, "damaged")
    assert timeline.levels_at([key(shelf), damaged], at=long_ago) == {key(shelf): Snapshot(), damaged: Snapshot()}
    assert timeline.on_hand_at([(damaged, clock.now()), (key(shelf), clock.now())]) == [0, 10]
    assert timeline.on_hand_at([]) == []


def test_holds_and_promises_of_the_moment_are_told(shelf: Shelf) -> None:
    start = clock.now()
    shelf.reserve(3, at=start + HOUR, minutes=600)
    shelf.allocate(2, at=start + 2 * HOUR)
    found = [timeline.levels_at([key(shelf)], at=start + hours * HOUR)[key(shelf)] for hours in (0.5, 1, 2)]
    assert found == [Snapshot(10, 0, 0, 1), Snapshot(10, 0, 3, 2), Snapshot(10, 2, 3, 3)]


def test_a_late_report_counts_from_when_it_happened(shelf: Shelf) -> None:
    """The till was offline: a sale of hour 1 is told at hour 5, after another of hour 3."""
    start = clock.now()
    adjust(shelf, -1, at=start + 3 * HOUR)
    adjust(shelf, -4, at=start + 5 * HOUR, occurred_at=start + 1 * HOUR)
    by_hour = [timeline.on_hand_at([(key(shelf), start + hour * HOUR)])[0] for hour in (0.9, 1, 2, 3, 4, 5, 6)]
    assert by_hour == [10, 6, 6, 5, 5, 5, 5]


def test_what_is_recorded_ahead_of_its_time_does_not_count_yet(shelf: Shelf) -> None:
    start = clock.now()
    adjust(shelf, 7, at=start + HOUR, occurred_at=start + HOUR + timedelta(minutes=5))
    moments = [start + HOUR, start + HOUR + timedelta(minutes=4), start + HOUR + timedelta(minutes=5)]
    assert timeline.on_hand_at([(key(shelf), moment) for moment in moments]) == [10, 10, 17]


def test_long_ago_and_shortly_ago_are_told_alike(shelf: Shelf) -> None:
    """Behind more than a thousand later entries late reports are found by another way; both see the same."""
    start = clock.now()
    adjust(shelf, 2_000, at=start + HOUR)
    adjust(shelf, -3, at=start + 4 * HOUR, occurred_at=start + 2 * HOUR)
    moments = [(key(shelf), start + hours * HOUR) for hours in (1, 1.5, 2, 3, 4, 5)]
    before = timeline.on_hand_at(moments)
    assert before == [2_010, 2_010, 2_007, 2_007, 2_007, 2_007]
    lines = [Adjustment(ids.new(), shelf.product_id, shelf.store.id, -1, "other") for _ in range(1_001)]
    for line in lines:
        with transaction():
            movements.adjust([line], by=BY, at=start + 10 * HOUR)
    assert timeline.on_hand_at(moments) == before


def test_many_levels_at_many_moments_cost_one_query(shelf: Shelf, django_assert_num_queries: object) -> None:
    with transaction():
        movements.receive(
            [Receipt(ids.new(), shelf.product_id, shelf.store.id, 5)],
            by=BY,
            at=clock.now() + HOUR,
            reason="",
            source="",
        )
    moments = [(key(shelf), clock.now() + minute * timedelta(minutes=1)) for minute in range(0, 120, 5)]
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert set(timeline.on_hand_at(moments)) == {10, 15}


def test_a_question_has_a_bound(shelf: Shelf) -> None:
    with pytest.raises(ValueError, match="at most"):
        timeline.on_hand_at([(key(shelf), clock.now())] * (timeline.MOST_MOMENTS + 1))


def test_late_reports_are_found_without_reading_the_journal(shelf: Shelf) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        # Of a few rows any index is as good; what counts is that this one can be used, so the other is out of sight.
        cursor.execute("UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'stock_entry_version_once'::regclass")
        cursor.execute(
            "EXPLAIN SELECT sum(on_hand_delta) FROM inventory_stockentry WHERE level_id = 1 AND occurred_at < recorded_at"
            " AND occurred_at <= now() AND version > 5"
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "stock_entry_late_by_level" in plan


# --- the order of time ------------------------------------------------------------------------------------------------


def journal(shelf: Shelf) -> list[tuple[datetime, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.recorded_at, e.occurred_at FROM inventory_stockentry e JOIN inventory_stocklevel l ON l.id = e.level_id"
            " WHERE l.product_id = %s ORDER BY e.version",
            [shelf.product_id],
        )
        return cursor.fetchall()


def test_a_slower_clock_records_at_the_moment_of_the_entry_before(shelf: Shelf) -> None:
    start = clock.now()
    adjust(shelf, 1, at=start + HOUR)
    adjust(shelf, 1, at=start)
    adjust(shelf, 1, at=start + timedelta(minutes=30), occurred_at=start)
    adjust(shelf, 1, at=start + 2 * HOUR)
    told = journal(shelf)[1:]
    assert [recorded for recorded, _ in told] == [start + HOUR] * 3 + [start + 2 * HOUR]
    assert [occurred for _, occurred in told] == [start + HOUR, start + HOUR, start, start + 2 * HOUR]
    assert checks.run() == []


def test_history_is_not_recorded_before_what_is_there(shelf: Shelf) -> None:
    start = clock.now()
    adjust(shelf, 1, at=start + HOUR)
    past = history.PastMovement(
        id=ids.new(), product_id=shelf.product_id, location_id=shelf.store.id, kind=EntryKind.SHIPPED, delta=-1,
        counterparty=Counterparty.CUSTOMER, occurred_at=start - 24 * HOUR,
    )  # fmt: skip
    with transaction():
        history.open_inbox()
        history.stage([past])
        history.record(source="test", by=BY, at=start)
    assert {recorded for recorded, _ in journal(shelf)[1:]} == {start + HOUR}
    assert checks.run() == []


def test_the_database_refuses_an_entry_before_the_one_before(shelf: Shelf) -> None:
    adjust(shelf, 1, at=clock.now() + HOUR)
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="does not continue the one before it"):
        cursor.execute(
            """
            WITH level AS (
                UPDATE inventory_stocklevel SET version = version + 1 WHERE product_id = %s RETURNING *
            )
            INSERT INTO inventory_stockentry (id, level_id, version, kind, on_hand_delta, allocated_delta, held_delta,
                on_hand_after, allocated_after, held_after, counterparty, reason, cause_type, cause_id, actor_kind, actor_id,
                source, occurred_at, recorded_at)
            SELECT gen_random_uuid(), id, version, 'extended', 0, 0, 0, on_hand, allocated, held, '', '', '', '', 'system', 'x',
                '', now(), now()
            FROM level
            """,
            [shelf.product_id],
        )
