"""The sealed journal: whatever is changed behind the triggers' back is found, to the level and its versions."""

from collections.abc import Callable

import pytest
from django.db import IntegrityError, connection

from commerce import clock, ids
from commerce.operations.checks import Finding
from commerce.transactions import transaction
from inventory import movements, seals
from inventory.movements import Adjustment
from inventory.seals import Seal
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf

Forge = Callable[[str], None]


def seal(*, most: int = 1_000) -> Seal | None:
    with transaction():
        sealing = seals.seal_next(by=BY, at=clock.now(), most=most)
    assert sealing.refused == {}
    return sealing.seal


def adjust(shelf: Shelf, times: int, delta: int = 1) -> None:
    for _ in range(times):
        with transaction():
            movements.adjust(
                [Adjustment(ids.new(), shelf.product_id, shelf.store.id, delta, "other")], by=BY, at=clock.now()
            )


def level(shelf: Shelf) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM inventory_stocklevel WHERE product_id = %s", [shelf.product_id])
        return int(cursor.fetchone()[0])


@pytest.fixture
def forge(shelf: Shelf) -> Forge:
    """Write what no program of ours could write: with triggers off, as a superuser might."""

    def write(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
            cursor.execute(sql, {"level": level(shelf)})
            assert cursor.rowcount == 1, "the forgery itself must work"
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    return write


def test_every_entry_is_sealed_once_in_bounded_segments(shelf: Shelf) -> None:
    adjust(shelf, 6)  # seven entries with the receipt
    made = [seal(most=3), seal(most=3), seal(most=3), seal(most=3)]
    assert [one and (one.number, one.entries) for one in made] == [(1, 3), (2, 3), (3, 1), None]
    assert seals.unsealed() == 0
    assert seals.newest() == made[2]
    assert seals.verify() == []


def test_a_seal_holds_many_levels_and_goes_on_where_the_last_ended(shelf: Shelf) -> None:
    other = make.store()
    make.receive(shelf.product_id, other.id, 4)
    first = seal()
    adjust(shelf, 2)
    second = seal()
    assert first
    assert second
    assert (first.entries, second.entries) == (2, 2)
    assert first.hash != second.hash
    assert seals.verify(expect=first.hash) == []
    assert seals.verify(expect=second.hash.upper()) == []


def test_nothing_new_is_no_seal(db: None) -> None:
    assert seal() is None
    assert seals.newest() is None
    assert seals.verify() == []


def test_the_digest_is_of_the_rows_however_a_session_writes_times(shelf: Shelf) -> None:
    adjust(shelf, 1)
    seen = set()
    for setting in ("timezone = 'Asia/Kathmandu'", "datestyle = 'German'", "timezone = 'UTC'"):
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL {setting}")
            cursor.execute(
                "SELECT entries, digest FROM inventory_seal_digests(ARRAY[%s], ARRAY[0], ARRAY[2])", [level(shelf)]
            )
            seen.add(cursor.fetchone())
            cursor.execute("SET LOCAL datestyle = 'ISO'")
    assert len(seen) == 1
    assert seen.pop()[0] == 2


ENTRY = "WHERE level_id = %(level)s AND version = 2"


@pytest.mark.parametrize(
    "forgery",
    [
        f"UPDATE inventory_stockentry SET reason = 'other words' {ENTRY}",
        f"UPDATE inventory_stockentry SET occurred_at = occurred_at - interval '1 microsecond' {ENTRY}",
        f"UPDATE inventory_stockentry SET actor_id = 'somebody else' {ENTRY}",
        f"UPDATE inventory_stockentry SET on_hand_delta = on_hand_delta + 1, on_hand_after = on_hand_after + 1 {ENTRY}",
        f"UPDATE inventory_stockentry SET corrects = gen_random_uuid() {ENTRY}",
        f"DELETE FROM inventory_stockentry {ENTRY}",
    ],
)
def test_a_changed_or_lost_entry_is_found_with_its_level_and_versions(shelf: Shelf, forge: Forge, forgery: str) -> None:
    seal()
    adjust(shelf, 2)
    seal()  # versions 2 and 3
    adjust(shelf, 2)
    seal()
    forge(forgery)
    (finding,) = seals.verify()
    assert finding.check == seals.SEALS
    assert finding.what.startswith(
        f"seal 2, level {level(shelf)} ({shelf.sku} at {shelf.store.code}, sellable), entries 2 to 3"
    )
    assert finding.expected.startswith("2 entries")
    assert finding.found.startswith("1 entries" if forgery.startswith("DELETE") else "2 entries")


@pytest.mark.parametrize(
    ("forgery", "checks"),
    [
        ("UPDATE inventory_journalseal SET sealed_at = sealed_at + interval '1 second' WHERE number = 2", {seals.SEALS}),
        ("UPDATE inventory_journalseal SET entries = entries + 1 WHERE number = 2", {seals.SEALS}),
        ("UPDATE inventory_journalseal SET hash = repeat('a', 64) WHERE number = 2", {seals.SEALS, seals.CHAIN}),
        ("UPDATE inventory_journalseal SET previous = repeat('a', 64) WHERE number = 2", {seals.SEALS, seals.CHAIN}),
        ("DELETE FROM inventory_journalseal WHERE number = 2", {seals.CHAIN, seals.MARKS}),
        ("DELETE FROM inventory_journalseal WHERE number = 3", {seals.MARKS}),
        ("UPDATE inventory_journalseal SET from_versions[1] = from_versions[1] + 1 WHERE number = 2", {seals.SEALS, seals.MARKS}),
        ("UPDATE inventory_journalseal SET digests = digests[2:] WHERE number = 2", {seals.SEALS}),
        ("UPDATE inventory_sealedlevel SET version = version + 1 WHERE level_id = %(level)s", {seals.MARKS}),
        ("DELETE FROM inventory_sealedlevel WHERE level_id = %(level)s", {seals.MARKS}),
    ],
)  # fmt: skip
def test_a_changed_or_lost_seal_is_found(shelf: Shelf, forge: Forge, forgery: str, checks: set[str]) -> None:
    for _ in range(3):
        adjust(shelf, 2)
        seal()
    forge(forgery)
    assert {finding.check for finding in seals.verify()} == checks


def test_a_chain_written_anew_is_found_by_the_hash_that_was_written_down(shelf: Shelf, forge: Forge) -> None:
    adjust(shelf, 2)
    known = seal()
    assert known
    forge("DELETE FROM inventory_journalseal WHERE number = 1")
    forge("DELETE FROM inventory_sealedlevel WHERE level_id = %(level)s")
    forge(f"UPDATE inventory_stockentry SET reason = 'as if' {ENTRY}")
    seal()
    assert seals.verify() == []
    (finding,) = seals.verify(expect=known.hash)
    assert finding.check == seals.KNOWN


def test_what_is_wrong_is_not_sealed_and_the_rest_is(shelf: Shelf, forge: Forge) -> None:
    other = make.store()
    make.receive(shelf.product_id, other.id, 4)
    adjust(shelf, 3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM inventory_stocklevel WHERE location_id = %s", [other.id])
        whole = cursor.fetchone()[0]
        cursor.execute("SELECT id FROM inventory_stocklevel WHERE location_id = %s", [shelf.store.id])
        wrong = cursor.fetchone()[0]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
        cursor.execute(
            "UPDATE inventory_stockentry SET on_hand_after = 99 WHERE level_id = %s AND version = 2", [wrong]
        )
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    with transaction():
        sealing = seals.seal_next(by=BY, at=clock.now())
    assert sealing.seal
    assert sealing.seal.entries == 1
    assert set(sealing.refused) == {wrong}
    assert isinstance(sealing.refused[wrong], Finding)
    with transaction():
        again = seals.seal_next(by=BY, at=clock.now(), without=sealing.refused)
    assert again.seal is None
    assert again.refused == {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT level_id FROM inventory_sealedlevel")
        assert cursor.fetchall() == [(whole,)]


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE inventory_journalseal SET entries = 5",
        "DELETE FROM inventory_journalseal",
        "TRUNCATE inventory_journalseal",
        "UPDATE inventory_sealedlevel SET version = version - 1",
        "UPDATE inventory_sealedlevel SET version = version",
        "DELETE FROM inventory_sealedlevel",
    ],
)
def test_the_database_refuses_to_unseal(shelf: Shelf, sql: str) -> None:
    adjust(shelf, 1)
    seal()
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute(sql)
