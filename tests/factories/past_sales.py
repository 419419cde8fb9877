"""Sales of the past for tests: a level with weeks of history, written through the ledger's bulk door."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from commerce import ids
from commerce.actors import Actor
from commerce.transactions import transaction
from inventory import history
from inventory.history import PastMovement
from inventory.stock import Counterparty, EntryKind

TESTER = Actor.system("tests")


def sold(
    product_id: int, location_id: int, weeks: Sequence[float], *, until: datetime, left: int = 0, received: int = 0
) -> None:
    """Record that so many pieces were sold in each of the weeks that end with the day of `until`, oldest first.

    A week's pieces leave in the middle of it. Everything came in before the first week; `left` pieces stay.
    """
    begin = until - timedelta(weeks=len(weeks))
    total = received or int(sum(weeks)) + left
    moves = [
        move(product_id, location_id, EntryKind.RECEIVED, total, Counterparty.SUPPLIER, begin - timedelta(hours=20))
    ]
    moves += [
        move(
            product_id, location_id, EntryKind.HANDED_OVER, -int(pieces), Counterparty.CUSTOMER,
            begin + timedelta(weeks=week, days=3),
        )
        for week, pieces in enumerate(weeks)
        if pieces
    ]  # fmt: skip
    record(moves, at=until)


def record(moves: list[PastMovement], *, at: datetime) -> None:
    """Write past movements to the journal."""
    with transaction():
        history.open_inbox()
        history.stage(moves)
        history.record(source="tests", by=TESTER, at=at)


def move(
    product_id: int, location_id: int, kind: EntryKind, delta: int, counterparty: Counterparty, at: datetime
) -> PastMovement:
    return PastMovement(
        id=ids.new(), product_id=product_id, location_id=location_id, kind=kind, delta=delta, counterparty=counterparty,
        occurred_at=at, cause_type="import",
    )  # fmt: skip
