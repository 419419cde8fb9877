"""verify_ledger: silent over right books, and it names what is wrong when a law is broken behind the triggers' back."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection

from commerce import clock, quotas
from commerce.operations import checks
from commerce.transactions import transaction
from tests.inventory.conftest import Shelf

LEVEL = "SELECT id FROM inventory_stocklevel WHERE product_id = %(product)s"
FORGED = """
INSERT INTO inventory_stockentry (id, level_id, version, kind, on_hand_delta, allocated_delta, held_delta, on_hand_after,
    allocated_after, held_after, counterparty, transfer_id, reason, cause_type, cause_id, actor_kind, actor_id, source,
    occurred_at, recorded_at)
SELECT gen_random_uuid(), id, version + {step}, 'received', {delta}, 0, 0, on_hand + {after}, allocated, held,
    '{counterparty}', {transfer}, '', '', '', 'system', 'forger', '', now(), now()
FROM inventory_stocklevel WHERE product_id = %(product)s
"""


@pytest.fixture
def forge(shelf: Shelf) -> Callable[[str], None]:
    """Write what no program of ours could write: with triggers off, as someone at the database might."""

    def write(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
            cursor.execute(sql, {"product": shelf.product_id})
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    return write


def broken() -> set[str]:
    return {finding.check.split(": ", 1)[1].partition(" (")[0] for finding in checks.run()}


def test_right_books_print_nothing(shelf: Shelf) -> None:
    shelf.allocate(2)
    shelf.reserve(3)
    shelf.reserve(1, minutes=1, at=clock.now() - timedelta(minutes=5))  # expired, and nobody swept it
    output = StringIO()
    call_command("verify_ledger", stdout=output)
    assert output.getvalue() == ""


def test_a_broken_law_is_named_with_what_should_be_and_what_is(shelf: Shelf, forge: Callable[[str], None]) -> None:
    forge("UPDATE inventory_stocklevel SET on_hand = on_hand + 1 WHERE product_id = %(product)s")
    output = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger", stdout=output)
    assert ended.value.code == 1
    report = output.getvalue()
    assert "a level is the sum of its entries (law 2)" in report
    assert shelf.sku in report
    assert "10 on hand, 0 allocated, 0 held, version 1" in report
    assert "11 on hand, 0 allocated, 0 held, version 1" in report


@pytest.mark.parametrize(
    ("sql", "law"),
    [
        (FORGED.format(step=2, delta=1, after=1, counterparty="supplier", transfer="NULL"), "versions have no gap"),
        (FORGED.format(step=1, delta=1, after=5, counterparty="supplier", transfer="NULL"), "versions have no gap"),
        (
            FORGED.format(step=1, delta=1, after=1, counterparty="level", transfer="gen_random_uuid()"),
            "what leaves one level arrives at another",
        ),
        ("UPDATE inventory_stocklevel SET held = 2 WHERE product_id = %(product)s", "held is the sum of active holds"),
        (
            "UPDATE inventory_stocklevel SET allocated = 2 WHERE product_id = %(product)s",
            "allocated is the sum of what allocations still promise",
        ),
        (
            "UPDATE commerce_product SET kind = 'charge' WHERE id = %(product)s",
            "charges have no stock",
        ),
        (
            f"DELETE FROM inventory_stockentry WHERE level_id = ({LEVEL})",
            "a level is the sum of its entries",
        ),
    ],
)
def test_each_law_finds_its_breach(forge: Callable[[str], None], sql: str, law: str) -> None:
    assert broken() == set()
    forge(sql)
    assert any(name.startswith(law) for name in broken()), broken()


def test_a_quota_that_forgot_a_hold_is_found(db: None) -> None:
    at = clock.now()
    with transaction():
        quotas.hold([quotas.HoldRequest("pickup:X:1", 5, 2, "order:1", at + timedelta(minutes=5))], at=at)
    assert broken() == set()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE commerce_quota SET held = 1 WHERE key = 'pickup:X:1'")
    assert broken() == {"held and committed are the sum of their holds"}


def test_the_list_names_every_law_and_proves_nothing(db: None) -> None:
    output = StringIO()
    call_command("verify_ledger", "--list", stdout=output)
    names = output.getvalue().splitlines()
    assert len(names) == len(set(names)) == len([name for check in checks.registered() for name in check.names])
    assert {name.partition(":")[0] for name in names} >= {"inventory", "quotas", "orders"}


@pytest.mark.django_db(transaction=True)
def test_the_proof_reads_one_snapshot_and_writes_nothing() -> None:
    settings = "current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    (finding,) = checks.run([checks.Check("probe", f"SELECT 'what', {settings}")])
    assert (finding.expected, finding.found) == ("repeatable read", "on")
