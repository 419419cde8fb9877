"""Transfers as others read them: one with its lines, those of a place, and the goods on their way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import connection

from inventory import ledger, moving
from inventory.errors import TransferNotFound
from inventory.models import Transfer, TransferLine
from inventory.moving import TransferAction, TransferState
from inventory.stock import Condition

MOST_LISTED = 200
CAUSE = "transfer"  # the journal's cause type of everything that transfers move; the cause is the transfer's id


@dataclass(frozen=True, slots=True)
class LineRef:
    """A line as others read it, in pieces. `open` is what is still on the way (of a draft: what is to be sent)."""

    product_id: int
    quantity: int
    pack: int
    received: int
    lost: int
    returned: int
    difference_reason: str

    @property
    def open(self) -> int:
        return self.quantity - self.received - self.lost - self.returned


@dataclass(frozen=True, slots=True)
class TransferRef:
    """A transfer with its lines, as others read it."""

    id: UUID
    number: str
    origin_id: int
    destination_id: int
    condition: Condition
    state: TransferState
    expected_on: date | None
    note: str
    reference: str
    source: str
    created_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None
    lines: tuple[LineRef, ...]

    @property
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def open_pieces(self) -> int:
        return sum(line.open for line in self.lines)

    @property
    def coming(self) -> dict[int, dict[date, int]]:
        """Return the pieces that are on their way, by product and the day they are expected on."""
        if self.state not in moving.ON_THE_WAY or self.expected_on is None:
            return {}
        return {line.product_id: {self.expected_on: line.open} for line in self.lines if line.open}

    @property
    def allowed_actions(self) -> list[TransferAction]:
        return moving.allowed_actions(self.state)


def get(transfer_id: UUID) -> TransferRef:
    """Return a transfer with its lines. Raises: TransferNotFound."""
    row = Transfer.objects.filter(pk=transfer_id).first()
    if row is None:
        raise TransferNotFound("There is no such transfer.", transfer=str(transfer_id))
    return ref(row, TransferLine.objects.filter(transfer_id=transfer_id).order_by("position"))


def ref(row: Transfer, lines: Iterable[TransferLine]) -> TransferRef:
    """Return a stored transfer as others read it."""
    return TransferRef(
        row.id, row.number, row.origin_id, row.destination_id, Condition(row.condition), TransferState(row.state),
        row.expected_on, row.note, row.reference, row.source, row.created_at, row.sent_at, row.ended_at,
        tuple(
            LineRef(
                line.product_id, line.quantity, line.pack, line.received, line.lost, line.returned, line.difference_reason
            )
            for line in lines
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """Pieces of a product that a sent transfer still brings to a place."""

    transfer_id: UUID
    number: str
    product_id: int
    origin_id: int
    destination_id: int
    expected_on: date
    quantity: int


_ON_THE_WAY = """
SELECT t.id, t.number, line.product_id, t.origin_id, t.destination_id, t.expected_on,
       line.quantity - line.received - line.lost - line.returned
FROM inventory_transfer t JOIN inventory_transferline line ON line.transfer_id = t.id
WHERE t.state IN ('sent', 'partly_received') AND line.quantity > line.received + line.lost + line.returned
"""


def on_the_way(
    product_ids: Iterable[int] | None = None,
    *,
    location_ids: Iterable[int] | None = None,
    until: date | None = None,
) -> list[OnTheWay]:
    """Return what open transfers still bring, the earliest first, in one query: of these products, to these places."""
    sql, parameters = _ON_THE_WAY, []
    if product_ids is not None:
        sql += " AND line.product_id = ANY(%s::bigint[])"
        parameters.append(ledger.numbers(product_ids))
    if location_ids is not None:
        sql += " AND t.destination_id = ANY(%s::bigint[])"
        parameters.append(ledger.numbers(location_ids))
    if until is not None:
        sql += " AND t.expected_on <= %s"
        parameters.append(until.isoformat())
    with connection.cursor() as cursor:
        cursor.execute(sql + " ORDER BY t.expected_on, t.number, line.position", parameters)
        return [OnTheWay(*row) for row in cursor.fetchall()]


def coming(location_id: int, *, at_most: int = MOST_LISTED) -> list[TransferRef]:
    """Return the transfers on their way to a place, those expected first on top."""
    rows = Transfer.objects.filter(destination_id=location_id, state__in=moving.ON_THE_WAY)
    return _with_lines(rows.order_by("expected_on", "number")[:at_most])


def going(location_id: int, *, at_most: int = MOST_LISTED) -> list[TransferRef]:
    """Return the drafts of a place and what is on its way from there, the newest first."""
    rows = Transfer.objects.filter(origin_id=location_id, state__in=moving.OPEN)
    return _with_lines(rows.order_by("-created_at")[:at_most])


def ended(location_id: int, *, at_most: int = 20) -> list[TransferRef]:
    """Return the transfers from or to a place that ended last."""
    rows = Transfer.objects.filter(ended_at__isnull=False)
    from_here = rows.filter(origin_id=location_id).order_by("-created_at")[:at_most]
    to_here = rows.filter(destination_id=location_id).order_by("-created_at")[:at_most]
    found = {row.id: row for row in (*from_here, *to_here)}
    return _with_lines(sorted(found.values(), key=lambda row: row.ended_at or row.created_at, reverse=True)[:at_most])


def listed(
    *,
    states: Sequence[TransferState] | None = None,
    origin_id: int | None = None,
    destination_id: int | None = None,
    after: UUID | None = None,
    at_most: int = 50,
) -> list[TransferRef]:
    """Return transfers by id after `after` (keyset paging; ids that sort by time come oldest first)."""
    rows = Transfer.objects.order_by("id")
    if states is not None:
        rows = rows.filter(state__in=[state.value for state in states])
    if origin_id is not None:
        rows = rows.filter(origin_id=origin_id)
    if destination_id is not None:
        rows = rows.filter(destination_id=destination_id)
    if after is not None:
        rows = rows.filter(id__gt=after)
    return _with_lines(rows[:at_most])


def count_coming(location_id: int) -> int:
    """Return how many transfers are on their way to a place."""
    return Transfer.objects.filter(destination_id=location_id, state__in=moving.ON_THE_WAY).count()


def numbers(transfer_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the numbers of transfers by id; unknown ones are missing."""
    return dict(Transfer.objects.filter(id__in=transfer_ids).values_list("id", "number"))


def _with_lines(found: Iterable[Transfer]) -> list[TransferRef]:
    rows = list(found)
    lines: dict[UUID, list[TransferLine]] = {row.id: [] for row in rows}
    for line in TransferLine.objects.filter(transfer_id__in=lines).order_by("position"):
        lines[line.transfer_id].append(line)
    return [ref(row, lines[row.id]) for row in rows]
