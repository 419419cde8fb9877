"""verify_ledger proves transfers: silent over right ones, and it names each that says other than the journal."""

from collections.abc import Callable

import pytest
from django.db import connection

from commerce import clock, ids
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.moving import DifferenceReason
from inventory.stock import Condition
from inventory.transport import transfers
from inventory.transport.records import TransferRef
from inventory.transport.transfers import Arrival
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf

BOOKED = "what a transfer says of its goods is what the journal booked for it (law 7)"
ON_THE_WAY = "goods in transit are what open transfers still bring (law 4)"
STATE = "a transfer's state is what its lines say"


@pytest.fixture
def sent(shelf: Shelf) -> TransferRef:
    """A transfer of which one of four pieces arrived."""
    made = make.transfer(shelf.store.id, make.store().id, (shelf.product_id, 4))
    with transaction():
        return transfers.receive(made.id, [Arrival(ids.new(), shelf.product_id, 1)], by=BY, at=clock.now())


@pytest.fixture
def forge(sent: TransferRef) -> Callable[[str], None]:
    """Write what no program of ours could write: with triggers off, as someone at the database might."""

    def write(sql: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
            cursor.execute(sql, {"transfer": sent.id})
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

    return write


def broken() -> set[str]:
    return {finding.check.removeprefix("inventory: ") for finding in checks.run()}


def test_right_transfers_print_nothing(shelf: Shelf, sent: TransferRef) -> None:
    assert broken() == set()
    reasons = {shelf.product_id: DifferenceReason.LOST}
    with transaction():
        transfers.receive(sent.id, [Arrival(ids.new(), shelf.product_id, 1, Condition.DAMAGED)], by=BY, at=clock.now())
        transfers.close(sent.id, reasons, by=BY, at=clock.now())
    behind = make.transfer(shelf.store.id, sent.destination_id, (shelf.product_id, 2))
    back = make.transfer(shelf.store.id, sent.destination_id, (shelf.product_id, 2))
    draft = make.transfer(shelf.store.id, sent.destination_id, is_sent=False)
    with transaction():
        transfers.close(behind.id, {shelf.product_id: DifferenceReason.LEFT_BEHIND}, by=BY, at=clock.now())
        transfers.cancel(back.id, by=BY, at=clock.now())
        transfers.cancel(draft.id, by=BY, at=clock.now())
    assert broken() == set()


LINE = "UPDATE inventory_transferline SET {} WHERE transfer_id = %(transfer)s"
STATES = "UPDATE inventory_transfer SET {} WHERE id = %(transfer)s"


@pytest.mark.parametrize(
    ("sql", "laws"),
    [
        (LINE.format("received = 2"), {BOOKED, ON_THE_WAY}),
        (LINE.format("returned = 1"), {BOOKED, ON_THE_WAY}),
        (LINE.format("quantity = 3"), {BOOKED, ON_THE_WAY}),
        (STATES.format("state = 'received', ended_at = now()"), {ON_THE_WAY, STATE}),
        (STATES.format("state = 'sent'"), {STATE}),
        (STATES.format("state = 'draft', sent_at = NULL"), {BOOKED, ON_THE_WAY, STATE}),
    ],
)
def test_a_transfer_that_says_other_than_the_journal_is_named(
    forge: Callable[[str], None], sql: str, laws: set[str]
) -> None:
    forge(sql)
    assert broken() == laws


def test_the_finding_names_the_transfer_and_both_figures(
    forge: Callable[[str], None], sent: TransferRef, shelf: Shelf
) -> None:
    forge(LINE.format("received = 2"))
    [finding] = [finding for finding in checks.run() if finding.check.endswith(BOOKED)]
    assert finding.what == f"transfer {sent.number}, {shelf.sku}"
    assert finding.expected == "4 sent, 1 received, 0 lost, 0 returned"
    assert finding.found == "4 sent, 2 received, 0 lost, 0 returned"
