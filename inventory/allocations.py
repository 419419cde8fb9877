"""Allocations: promises to order lines. Made from a reservation or from free stock, and ended by goods leaving or release.

Turning a hold into an allocation is one journal entry with both deltas, so the promise is never larger or smaller for a
moment (law 5). Goods leave only from the allocation that promised them (law 7).

`Promises` decides on many orders under one lock of all their levels; `allocate` is its batch of one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from django.db import connection

from commerce import ids, integrity
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import ledger, reservations
from inventory.errors import AllocationOverdrawn, HoldElsewhere, InsufficientStock
from inventory.ledger import Level, LevelKey, Posting
from inventory.stock import Counterparty, EntryKind

integrity.refuse(
    "allocation_not_overdrawn", lambda: AllocationOverdrawn("More was to leave or be released than is still promised.")
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What one order line needs from one location. `demand_id` is the order line's id; `quantity` in pieces."""

    demand_id: UUID
    product_id: int
    location_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Part:
    """A stored allocation, the level it promises from, and the pieces of it that a verb is about."""

    allocation_id: UUID
    demand_id: UUID
    key: LevelKey
    quantity: int
    open: int


_INSERT = """
INSERT INTO inventory_allocation (id, level_id, demand_id, quantity, shipped, released, created_at)
SELECT a.id, a.level_id, a.demand_id, a.quantity, 0, 0, %s
FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::bigint[]) AS a (id, level_id, demand_id, quantity)
"""

_READ = """
SELECT a.id, a.demand_id, l.product_id, l.location_id, l.condition, a.quantity - a.shipped - a.released
FROM inventory_allocation a JOIN inventory_stocklevel l ON l.id = a.level_id
WHERE a.id = ANY(%s::uuid[])
"""

_MOVE = """
UPDATE inventory_allocation a SET {column} = a.{column} + p.quantity
FROM unnest(%s::uuid[], %s::bigint[]) AS p (id, quantity) WHERE a.id = p.id
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What one order wants promised, all or nothing, signed by `by`; perhaps from a reservation of its channel."""

    demands: Sequence[Demand]
    by: Actor
    reservation_id: UUID | None = None
    channel_id: int | None = None


@transaction_required
def allocate(
    demands: Sequence[Demand],
    *,
    by: Actor,
    at: datetime,
    reservation_id: UUID | None = None,
    channel_id: int | None = None,
) -> dict[UUID, UUID]:
    """Promise goods to order lines, all or nothing, and return the allocation of each demand.

    With a reservation its holds are consumed first; what the order wants beyond them comes from free stock, what it does
    not want is released. Raises: InsufficientStock naming every short line; HoldNotFound, HoldExpired, HoldEnded,
    HoldElsewhere when the reservation can't serve.
    """
    wish = Wish(demands, by, reservation_id, channel_id)
    promises = Promises([wish], at=at)
    allocated = promises.make(wish)
    promises.write()
    return allocated


class Promises:
    """Locked levels while orders are decided one by one in memory; `write` stores what was promised at once.

    An order gets all it wants or nothing; one that is refused leaves no trace and fails no neighbour, and what it leaves
    of its reservation the next one may have. `write` has to follow even when nothing was promised: holds that expired
    were ended under the lock.
    """

    def __init__(self, wishes: Sequence[Wish], *, at: datetime) -> None:
        """Lock the levels of all `wishes` that may come, and of their reservations, until the transaction ends."""
        self._at = at
        reserved = [wish.reservation_id for wish in wishes if wish.reservation_id]
        keys = {LevelKey(demand.product_id, demand.location_id) for wish in wishes for demand in wish.demands}
        if reserved:
            keys |= {hold.key for holds in reservations.holds_of(reserved).values() for hold in holds}
        self._levels = ledger.lock(keys, at=at)
        self._holds = reservations.holds_of(reserved) if reserved else {}  # again, now that nobody else can end them
        self._free = {key: level.free for key, level in self._levels.items()}
        self._signed: list[tuple[Actor, Posting]] = []
        self._allocations: list[tuple[UUID, int, UUID, int]] = []
        self._consumed: list[UUID] = []
        if wishes:
            for posting in reservations.sweep(self._levels, by=wishes[0].by, at=at):
                self._post(posting, by=wishes[0].by)

    def make(self, wish: Wish) -> dict[UUID, UUID]:
        """Promise what an order wants and return the allocation of each demand.

        Raises: InsufficientStock naming every short line, HoldNotFound, HoldExpired, HoldEnded, HoldElsewhere; nothing
        is promised then.
        """
        wanted: dict[LevelKey, int] = defaultdict(int)
        for demand in wish.demands:
            wanted[LevelKey(demand.product_id, demand.location_id)] += demand.quantity
        held = self._held_for(wish, wanted)
        self._refuse_short(wanted, held)
        allocated = {}
        for demand in wish.demands:
            key = LevelKey(demand.product_id, demand.location_id)
            from_hold = min(held.get(key, 0), demand.quantity)
            if from_hold:
                held[key] -= from_hold
            allocation_id = allocated[demand.demand_id] = ids.new()
            self._allocations.append((allocation_id, self._levels[key].id, demand.demand_id, demand.quantity))
            self._post(
                Posting(
                    ids.new(), key, EntryKind.ALLOCATED, allocated=demand.quantity, held=-from_hold,
                    cause_type="order_line", cause_id=demand.demand_id.hex,
                ),
                by=wish.by,
            )  # fmt: skip
        if wish.reservation_id:
            self._consume(wish.reservation_id, held, by=wish.by)
        return allocated

    def write(self) -> None:
        """Store levels, journal, allocations and the end of the reservations that were used."""
        # What is given back comes first, so that no entry in between promises more than there is.
        self._signed.sort(key=lambda signed: signed[1].allocated + signed[1].held > 0)
        for by, run in groupby(self._signed, key=lambda signed: signed[0]):
            postings = [posting for _, posting in run]
            for start in range(0, len(postings), ledger.MOST_POSTINGS):
                ledger.post(self._levels, postings[start : start + ledger.MOST_POSTINGS], by=by, at=self._at)
        if self._allocations:
            allocation_ids, level_ids, demand_ids, quantities = zip(*self._allocations, strict=True)
            with connection.cursor() as cursor:
                cursor.execute(
                    _INSERT,
                    [
                        self._at, ledger.uuids(allocation_ids), ledger.numbers(level_ids), ledger.uuids(demand_ids),
                        ledger.numbers(quantities),
                    ],
                )  # fmt: skip
        if self._consumed:
            reservations.end(self._consumed, "consumed", at=self._at)

    def _held_for(self, wish: Wish, wanted: dict[LevelKey, int]) -> dict[LevelKey, int]:
        """Return what the order's reservation holds for it."""
        held: dict[LevelKey, int] = defaultdict(int)
        if wish.reservation_id:
            holds = self._holds.get(wish.reservation_id, [])
            reservations.check_usable(
                holds, reservation_id=wish.reservation_id, channel_id=wish.channel_id, at=self._at
            )
            for hold in holds:
                held[hold.key] += hold.quantity
            places = {key.location_id for key in held}
            if not any(key.location_id in places for key in wanted):
                raise HoldElsewhere("The reservation holds goods at another location; order there or reserve here.")
        return held

    def _refuse_short(self, wanted: dict[LevelKey, int], held: dict[LevelKey, int]) -> None:
        """Refuse when a level can't serve the sum of its demands beyond what the reservation holds (law 6)."""
        short = []
        for key, quantity in wanted.items():
            available = max(self._free.get(key, 0), 0) + held.get(key, 0)
            if available < quantity:
                short.append(
                    {
                        "product_id": key.product_id,
                        "location_id": key.location_id,
                        "wanted": quantity,
                        "available": available,
                    }
                )
        if short:
            raise InsufficientStock("There is not enough stock for this.", lines=short)

    def _consume(self, reservation_id: UUID, left: dict[LevelKey, int], *, by: Actor) -> None:
        """End a reservation that an order used; what the order left of it is free again."""
        for key, pieces in left.items():
            if pieces:
                self._post(
                    Posting(
                        ids.new(), key, EntryKind.RELEASED, held=-pieces, reason="not ordered",
                        cause_type="reservation", cause_id=reservation_id.hex,
                    ),
                    by=by,
                )  # fmt: skip
        used = self._holds[reservation_id]
        self._consumed += [hold.id for hold in used]
        self._holds[reservation_id] = [replace(hold, state="consumed") for hold in used]

    def _post(self, posting: Posting, *, by: Actor) -> None:
        self._free[posting.key] -= posting.allocated + posting.held
        self._signed.append((by, posting))


@transaction_required
def release(parts: Sequence[tuple[UUID, int]], *, by: Actor, at: datetime, reason: str) -> None:
    """Take promises back: the pieces are free again. Raises: AllocationOverdrawn."""
    levels, found = _lock(parts, at=at)
    ledger.post(
        levels,
        [
            Posting(
                ids.new(), part.key, EntryKind.DEALLOCATED, allocated=-part.quantity, reason=reason,
                cause_type="order_line", cause_id=part.demand_id.hex,
            )
            for part in found
        ],
        by=by,
        at=at,
    )  # fmt: skip
    _move("released", found)


@transaction_required
def leave(parts: Sequence[tuple[UUID, int]], *, kind: EntryKind, by: Actor, at: datetime) -> None:
    """Let goods leave to the customer (`kind` handed_over or shipped): on hand falls now, not before.

    Raises: AllocationOverdrawn.
    """
    if kind not in (EntryKind.HANDED_OVER, EntryKind.SHIPPED):
        raise ValueError(f"goods leave by handover or shipment, not by {kind}")
    levels, found = _lock(parts, at=at)
    ledger.post(
        levels,
        [
            Posting(
                ids.new(), part.key, kind, on_hand=-part.quantity, allocated=-part.quantity,
                counterparty=Counterparty.CUSTOMER, cause_type="order_line", cause_id=part.demand_id.hex,
            )
            for part in found
        ],
        by=by,
        at=at,
    )  # fmt: skip
    _move("shipped", found)


@transaction_required
def not_found(parts: Sequence[tuple[UUID, int]], *, by: Actor, at: datetime) -> None:
    """End promises whose goods are not on the shelf, and take what can't be there off the books.

    The missing pieces go to shrinkage, and so does the rest of that level which nobody was promised: a shelf that lacks
    a promised piece has no free one either, and selling it again would be a lie until someone counts.
    Raises: AllocationOverdrawn.
    """
    levels, found = _lock(parts, at=at)
    postings = reservations.sweep(levels, by=by, at=at)
    postings += [
        Posting(
            ids.new(), part.key, EntryKind.ADJUSTED, on_hand=-part.quantity, allocated=-part.quantity,
            counterparty=Counterparty.SHRINKAGE, reason="not_found", cause_type="order_line", cause_id=part.demand_id.hex,
        )
        for part in found
    ]  # fmt: skip
    for key, level in levels.items():
        swept = -sum(posting.held for posting in postings if posting.key == key and posting.kind is EntryKind.EXPIRED)
        rest = min(level.free - level.backorder_limit + swept, level.on_hand)
        if rest > 0:
            postings.append(
                Posting(
                    ids.new(), key, EntryKind.ADJUSTED, on_hand=-rest, counterparty=Counterparty.SHRINKAGE,
                    reason="not_found_rest", cause_type="order_line",
                    cause_id=next(part.demand_id.hex for part in found if part.key == key),
                )
            )  # fmt: skip
    ledger.post(levels, postings, by=by, at=at)
    _move("released", found)


def _lock(parts: Sequence[tuple[UUID, int]], *, at: datetime) -> tuple[dict[LevelKey, Level], list[Part]]:
    """Lock the levels of the allocations and return both; the open pieces are read under the lock."""
    wanted = dict(parts)
    if len(wanted) != len(parts) or min(wanted.values(), default=1) < 1:
        raise ValueError("each allocation once, with at least one piece")
    levels = ledger.lock({part.key for part in _read(wanted)}, at=at)
    found = _read(wanted)
    if len(found) != len(wanted):
        raise AllocationOverdrawn("An allocation is unknown.")
    for part in found:
        if part.quantity > part.open:
            raise AllocationOverdrawn(
                f"{part.quantity} pieces were to leave or be released, but only {part.open} are still promised.",
                allocation=str(part.allocation_id),
            )
    return levels, found


def _read(wanted: dict[UUID, int]) -> list[Part]:
    with connection.cursor() as cursor:
        cursor.execute(_READ, [ledger.uuids(wanted)])
        return [Part(row[0], row[1], LevelKey(*row[2:5]), wanted[row[0]], row[5]) for row in cursor.fetchall()]


def _move(column: str, parts: Sequence[Part]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVE.format(column=column),
            [ledger.uuids(part.allocation_id for part in parts), ledger.numbers(part.quantity for part in parts)],
        )
