"""verify_ledger's other questions: only what is new, only the seals, and the hash that somebody wrote down."""

import re
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from commerce.operations import checks
from inventory import tasks, verification
from tests.factories import inventory as make
from tests.inventory.conftest import Shelf

HASH = re.compile(r"hash ([0-9a-f]{64})")


@pytest.fixture
def forge(shelf: Shelf) -> Callable[[str], None]:
    """Change the shelf's entries as someone at the database might, with triggers off."""

    def write(change: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
            cursor.execute(
                f"UPDATE inventory_stockentry SET {change} AND level_id IN"
                " (SELECT id FROM inventory_stocklevel WHERE product_id = %s)",
                [shelf.product_id],
            )
            assert cursor.rowcount == 1
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    return write


def verify(*options: str) -> tuple[int, str]:
    output = StringIO()
    try:
        call_command("verify_ledger", *options, stdout=output, verbosity=0)
    except SystemExit as ended:
        return int(ended.code or 0), output.getvalue()
    return 0, output.getvalue()


def test_the_worker_seals_what_waits(shelf: Shelf) -> None:
    shelf.reserve(2)
    assert tasks.seal_journal() == 2
    assert tasks.seal_journal() == 0
    assert verify("--seals")[0] == 0


def test_what_is_wrong_is_left_out_and_said(shelf: Shelf, forge: Callable[[str], None]) -> None:
    forge("on_hand_after = 11 WHERE version = 1")
    output = StringIO()
    with pytest.raises(SystemExit):
        call_command("seal_journal", stdout=output, verbosity=0)
    assert "There is nothing to seal." in output.getvalue()
    assert "expected version 1: 10 on hand" in output.getvalue()
    assert tasks.seal_journal() == 0


def test_the_seals_are_proven_and_their_hash_is_printed(shelf: Shelf, forge: Callable[[str], None]) -> None:
    assert "Nothing is sealed yet" in verify("--seals")[1]
    shelf.allocate(1)
    output = StringIO()
    call_command("seal_journal", stdout=output, verbosity=0)
    assert output.getvalue().startswith("2 entries sealed. Newest seal: 1, hash ")
    known = HASH.findall(output.getvalue())[0]
    shelf.allocate(1)
    code, report = verify("--seals")
    assert code == 0
    assert HASH.findall(report) == [known]
    assert "1 entries wait for their seal." in report
    assert verify("--expect", known)[0] == 0
    code, report = verify("--expect", "f" * 64)
    assert code == 1
    assert "the hash that was written down is in the chain" in report
    forge("reason = 'rewritten' WHERE version = 2")
    assert verify()[0] == 0, "the books agree all the same"
    code, report = verify("--seals")
    assert code == 1
    assert f"({shelf.sku} at {shelf.store.code}, sellable), entries 1 to 2" in report


def test_a_fresh_proof_reads_what_came_after_the_seals(shelf: Shelf, forge: Callable[[str], None]) -> None:
    shelf.allocate(1)
    tasks.seal_journal()
    shelf.allocate(2)
    shelf.allocate(3)
    assert verify("--since-proof") == (0, "")
    forge("allocated_after = 0 WHERE version = 2")  # sealed: the seals' business, and of who proves the whole
    code, report = verify("--since-proof")
    assert code == 1, "the first new entry does not continue it"
    assert "entry 3" in report
    forge("allocated_after = 1 WHERE version = 2")
    forge("on_hand_after = -1 WHERE version = 1")
    assert verify("--since-proof") == (0, "")
    code, report = verify()
    assert code == 1
    assert all(law in report for law in ("(law 2)", "(law 3)"))


@pytest.mark.parametrize("is_fresh", [False, True])
def test_portions_leave_nothing_out(shelf: Shelf, forge: Callable[[str], None], is_fresh: bool) -> None:
    """With portions of one level each, a breach in any of them is found, and the progress adds up."""
    for _ in range(3):
        make.receive(shelf.product_id, make.store().id, 1)
    small = {"size": 1, "proven": "0", "marks": ""}
    laws = next(check for check in checks.registered() if isinstance(check, checks.Pass))
    question = checks.Question(verification._PORTIONS.format(**small), (laws.fresh if is_fresh else laws.whole).sql)
    proof = checks.Pass(laws.laws, whole=question, fresh=question)
    with connection.cursor() as cursor:
        cursor.execute(verification._PORTIONS.format(**small | {"size": 3}))
        assert [rows for _, rows in cursor.fetchall()] == [3, 1]
    steps: list[checks.Step] = []
    assert checks.run([proof], is_fresh=is_fresh, watch=steps.append) == []
    assert [step.rows for step in steps] == [0, 1, 2, 3, 4]
    assert {step.all_rows for step in steps} == {4}
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM inventory_stocklevel WHERE product_id = %s ORDER BY id", [shelf.product_id])
        levels = [level for (level,) in cursor.fetchall()]
    for level in levels:
        forge(f"on_hand_after = 77 WHERE level_id = {level}")
        (finding,) = checks.run([proof], is_fresh=is_fresh)
        assert finding.what == f"level {level}, entry 1"
        forge(f"on_hand_after = on_hand_delta WHERE level_id = {level}")


def test_an_entry_without_a_level_is_found_wherever_it_lies(shelf: Shelf) -> None:
    for level in (10**15, -5):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
            cursor.execute(
                "INSERT INTO inventory_stockentry SELECT (jsonb_populate_record(e, jsonb_build_object('level_id', %s::bigint,"
                " 'id', gen_random_uuid()))).* FROM inventory_stockentry e LIMIT 1",
                [level],
            )
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    orphans = [finding.what for finding in checks.run() if "belongs to a level" in finding.check]
    assert orphans == ["level -5, entry 1", f"level {10**15}, entry 1"]
