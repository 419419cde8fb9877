"""Statements planned once per connection say the same as ever, whatever becomes of the connection."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, DataError, connection

from commerce.postgresql import prepared
from commerce.transactions import transaction

pytestmark = pytest.mark.django_db(transaction=True)

_ADD = "SELECT %s::int + %s::int, %s::timestamptz"
AT = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def fresh() -> None:
    connection.close()


def _add(one: Any, other: Any) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        prepared.execute(cursor, _ADD, [one, other, AT])
        return cursor.fetchone()


def _names() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements ORDER BY name")
        return [row[0] for row in cursor.fetchall()]


def test_a_statement_is_prepared_once_and_takes_other_values_each_time() -> None:
    assert [_add(1, 2), _add(3, 4)] == [(3, AT), (7, AT)]
    assert _names() == ["kontor_1"]


def test_it_outlives_the_transaction_that_failed() -> None:
    with pytest.raises(DataError), transaction():
        _add(2_000_000_000, 2_000_000_000)
    assert _add(1, 1) == (2, AT)
    assert _names() == ["kontor_1"]


def test_a_new_connection_prepares_for_itself() -> None:
    _add(1, 2)
    connection.close()
    assert _add(5, 6) == (11, AT)


def test_it_is_prepared_anew_when_it_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    _add(1, 2)
    with connection.cursor() as cursor:
        prepared.execute(cursor, "SELECT %s::text", ["beside"])
        cursor.execute("SELECT min(prepare_time) FROM pg_prepared_statements WHERE name = 'kontor_1'")
        before = cursor.fetchone()[0]
        monkeypatch.setattr(prepared, "RENEWED_AFTER_SECONDS", -1.0)
        assert _add(3, 4) == (7, AT)
        cursor.execute("SELECT min(prepare_time) FROM pg_prepared_statements WHERE name = 'kontor_1'")
        assert cursor.fetchone()[0] > before
    assert _names() == ["kontor_1", "kontor_2"]


def test_what_is_no_constant_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_STATEMENTS", 2)
    with connection.cursor() as cursor:
        with pytest.raises(ValueError, match="percent"):
            prepared.execute(cursor, "SELECT 'a' LIKE 'a%'", [])
        prepared.execute(cursor, "SELECT %s::int + 1", [1])
        prepared.execute(cursor, "SELECT %s::int + 2", [1])
        with pytest.raises(RuntimeError, match="constant"):
            prepared.execute(cursor, "SELECT %s::int + 3", [1])


def test_a_plan_made_for_an_empty_table_is_good_for_a_full_one() -> None:
    by_number = "SELECT count(*) FROM lately WHERE number = %s::int"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE lately (number int PRIMARY KEY)")
        cursor.execute("ANALYZE lately")
        for number in range(10):  # PostgreSQL keeps one plan for all values from the sixth time on
            prepared.execute(cursor, by_number, [number])
        cursor.execute("INSERT INTO lately SELECT generate_series(1, 50000)")
        prepared.execute(cursor, by_number, [7])
        assert cursor.fetchone() == (1,)
        cursor.execute("EXPLAIN EXECUTE kontor_1 (7)")
        assert "Seq Scan" not in " ".join(row[0] for row in cursor.fetchall())


def test_a_parameter_with_a_name_may_come_twice_and_lists_keep_their_type() -> None:
    named = (
        "SELECT %(at)s::timestamptz, cardinality(%(ids)s::uuid[]), cardinality(%(none)s::bigint[]), %(at)s::timestamptz"
    )
    values = {"at": AT, "ids": ["01890000-0000-7000-8000-000000000001"], "none": [None, None]}
    with connection.cursor() as cursor:
        for _ in range(2):
            prepared.execute(cursor, named, values)
            assert cursor.fetchone() == (AT, 1, 2, AT)


def test_a_statement_that_only_adds_leaves_the_planner_as_it_is() -> None:
    with transaction(), connection.cursor() as cursor:
        for by_index, expected in ((False, "on"), (True, "off")):
            prepared.execute(cursor, "SELECT %s::text", ["so"], by_index=by_index)
            cursor.execute("SHOW enable_seqscan")
            assert cursor.fetchone()[0] == expected


def test_preparing_is_no_query_of_the_request_that_happens_to_do_it(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        _add(1, 2)
        _add(3, 4)


def test_one_that_could_not_be_made_anew_takes_nobody_elses_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _add(1, 2)
    with connection.cursor() as cursor:
        prepared.execute(cursor, "SELECT %s::text", ["beside"])
    with monkeypatch.context() as old, pytest.raises(DatabaseError), transaction():
        old.setattr(prepared, "RENEWED_AFTER_SECONDS", -1.0)
        with connection.cursor() as cursor, suppress(psycopg2.DataError):
            cursor.cursor.execute("SELECT 1 / 0")
        _add(3, 4)
    assert _add(5, 6) == (11, AT)
    assert len(set(_names())) == 3
