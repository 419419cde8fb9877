"""Allocations: promises to order lines. Made from a reservation or from free stock, and ended by goods leaving or release.

Turning a hold into an allocation is one journal entry with both deltas, so the promise is never larger or smaller for a
moment (law 5). Goods leave only from the allocation that promised them (law 7).

`Promises` decides on many orders under one lock of all their levels; `allocate` is its batch of one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

from django.db import connection

from commerce import ids, integrity
from commerce.actors import Actor
from commerce.postgresql import prepared
from commerce.transactions import transaction_required
from inventory import expiry, ledger, reservations
from inventory.errors import AllocationOverdrawn, HoldElsewhere, InsufficientStock
from inventory.holds import HoldRow
from inventory.ledger import Level, LevelKey, Posting
from inventory.promise_dates import ClaimKind
from inventory.promising import backorders
from inventory.promising.backorders import ALL, NewClaim, Waiting
from inventory.room import Room
from inventory.sharing import buffers, obligations
from inventory.sharing.obligations import Take
from inventory.stock import Counterparty, EntryKind

integrity.refuse(
    "allocation_not_overdrawn", lambda: AllocationOverdrawn("More was to leave or be released than is still promised.")
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What one order line needs of one kind of goods from one location. `demand_id` is the order line's id; `quantity` in
    pieces. Where a line needs several kinds or places, because it is a kit's or split, `id` tells their allocations apart.
    Goods to come may serve it where a policy allows that, if they are there by `needed_by`, a day at the place.
    """

    demand_id: UUID
    product_id: int
    location_id: int
    quantity: int
    id: UUID | None = None
    needed_by: date | None = None


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
SELECT a.id, a.level_id, a.demand_id, a.quantity, 0, 0, %s::timestamptz
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
    """What one order wants promised, all or nothing, signed by `by`; perhaps from a reservation of its channel, or where
    it was accepted without a place before (`ahead`: `demands.ahead_of`).
    """

    demands: Sequence[Demand]
    by: Actor
    reservation_id: UUID | None = None
    channel_id: int | None = None
    ahead: Mapping[int, int] | None = None


@transaction_required
def allocate(
    demands: Sequence[Demand],
    *,
    by: Actor,
    at: datetime,
    reservation_id: UUID | None = None,
    channel_id: int | None = None,
) -> dict[UUID, UUID]:
    """Promise goods to order lines, all or nothing, and return the allocation of each demand, by its `id` or `demand_id`.

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
    were ended under the lock. `waiting` says for each order line that got goods to come how many, and by when;
    `awaited` says it for each demand.
    """

    def __init__(self, wishes: Sequence[Wish], *, at: datetime) -> None:
        """Lock the levels of all `wishes` that may come, and of their reservations, until the transaction ends."""
        self._at = at
        self._by = wishes[0].by if wishes else None
        reserved = [wish.reservation_id for wish in wishes if wish.reservation_id]
        keys = {LevelKey(demand.product_id, demand.location_id) for wish in wishes for demand in wish.demands}
        if reserved:
            keys |= {hold.key for holds in reservations.holds_of(reserved).values() for hold in holds}
        self._levels = ledger.lock(keys, at=at)
        self._holds = reservations.holds_of(reserved) if reserved else {}  # again, now that nobody else can end them
        self._signed: list[tuple[Actor, Posting]] = []
        self._allocations: list[tuple[UUID, int, UUID, int]] = []
        self._consumed: list[UUID] = []
        self._claims: list[NewClaim] = []
        self._takes: dict[int, list[Take]] = defaultdict(list)
        self.waiting: dict[UUID, Waiting] = {}
        self.awaited: dict[UUID, Waiting] = {}
        swept = expiry.sweep(self._levels, by=wishes[0].by, at=at) if wishes else []
        self._signed += [(wishes[0].by, posting) for posting in swept]
        self._room = Room(self._levels, swept, at=at)
        self._held_waiting: dict[UUID, int] = {}
        if self._holds and any(level.backorder_limit for level in self._levels.values()):
            self._held_waiting = backorders.waiting(hold.id for holds in self._holds.values() for hold in holds)

    def make(self, wish: Wish) -> dict[UUID, UUID]:
        """Promise what an order wants and return the allocation of each demand, by its `id` or `demand_id`.

        Raises: InsufficientStock naming every short line, HoldNotFound, HoldExpired, HoldEnded, HoldElsewhere; nothing
        is promised then.
        """
        wanted: dict[LevelKey, int] = defaultdict(int)
        for demand in wish.demands:
            wanted[LevelKey(demand.product_id, demand.location_id)] += demand.quantity
        holds = self._usable(wish, wanted)
        there = self._decide(wish, wanted, holds)
        left: dict[LevelKey, int] = defaultdict(int)  # of the reservation
        for hold in holds:
            left[hold.key] += hold.quantity
            self._room.give(hold.key, hold.quantity, waiting=self._held_waiting.get(hold.id, 0))
        days = {
            key: self._room.take(key, quantity, waiting=quantity - there[key], channel_id=wish.channel_id)
            for key, quantity in wanted.items()
        }
        since = min((hold.created_at for hold in holds), default=self._at)
        allocated = {}
        for demand in wish.demands:
            key = LevelKey(demand.product_id, demand.location_id)
            allocation_id = allocated[demand.id or demand.demand_id] = ids.new()
            self._allocations.append((allocation_id, self._levels[key].id, demand.demand_id, demand.quantity))
            from_hold = min(left[key], demand.quantity)
            left[key] -= from_hold
            self._signed.append(
                (
                    wish.by,
                    Posting(
                        ids.new(), key, EntryKind.ALLOCATED, allocated=demand.quantity, held=-from_hold,
                        cause_type="order_line", cause_id=demand.demand_id.hex,
                    ),
                )
            )  # fmt: skip
            awaited = demand.quantity - min(demand.quantity, there[key])
            there[key] -= demand.quantity - awaited
            if awaited:
                self.waiting[demand.demand_id] = _together(self.waiting.get(demand.demand_id), awaited, days[key])
                self.awaited[demand.id or demand.demand_id] = Waiting(awaited, days[key])
                self._claims.append(
                    NewClaim(
                        ClaimKind.ALLOCATION, allocation_id, self._levels[key].id, wish.channel_id, demand.demand_id,
                        awaited, since, None, days[key],
                    )
                )  # fmt: skip
            if wish.channel_id is not None:
                self._takes[wish.channel_id].append(
                    Take(allocation_id, demand.product_id, demand.location_id, demand.quantity)
                )
        if wish.reservation_id:
            self._consume(wish.reservation_id, left, by=wish.by)
        return allocated

    def write(self) -> None:
        """Store levels, journal, allocations, what waits, and the end of the reservations that were used."""
        if self._by is None:
            return
        backorders.release({hold_id: ALL for hold_id in self._consumed if hold_id in self._held_waiting})
        backorders.add(self._claims, at=self._at)
        # What is given back comes first, so that no entry in between promises more than there is.
        self._signed.sort(key=lambda signed: signed[1].allocated + signed[1].held > 0)
        for by, run in groupby(self._signed, key=lambda signed: signed[0]):
            ledger.post(self._levels, [posting for _, posting in run], by=by, at=self._at, settles=False)
        if self._allocations:
            allocation_ids, level_ids, demand_ids, quantities = zip(*self._allocations, strict=True)
            with connection.cursor() as cursor:
                rows = ledger.uuids(allocation_ids), ledger.numbers(level_ids), ledger.uuids(demand_ids)
                prepared.execute(cursor, _INSERT, [self._at, *rows, ledger.numbers(quantities)])
        if self._consumed:
            expiry.end(self._consumed, "consumed", at=self._at)
        if buffers.has_obligations():
            obligations.give_back([(hold_id, None) for hold_id in self._consumed], at=self._at)
            for channel_id, takes in sorted(self._takes.items()):
                obligations.take(channel_id, takes, at=self._at)
        ledger.settle(self._levels, {posting.key for _, posting in self._signed}, by=self._by, at=self._at)

    def _usable(self, wish: Wish, wanted: Mapping[LevelKey, int]) -> list[HoldRow]:
        """Return the holds of the order's reservation, if it has one."""
        if not wish.reservation_id:
            return []
        holds = self._holds.get(wish.reservation_id, [])
        reservations.check_usable(holds, reservation_id=wish.reservation_id, channel_id=wish.channel_id, at=self._at)
        places = {hold.key.location_id for hold in holds}
        if not any(key.location_id in places for key in wanted):
            raise HoldElsewhere("The reservation holds goods at another location; order there or reserve here.")
        return holds

    def _decide(self, wish: Wish, wanted: Mapping[LevelKey, int], holds: Sequence[HoldRow]) -> dict[LevelKey, int]:
        """Return how many of the wanted pieces are there at each level; the others wait for goods.

        Raises: InsufficientStock when a level can't serve the sum of its demands (law 6).
        """
        there, short = {}, []
        needed_by: dict[LevelKey, date] = {}
        for demand in wish.demands:
            if demand.needed_by is not None:
                key = LevelKey(demand.product_id, demand.location_id)
                needed_by[key] = min(needed_by.get(key, demand.needed_by), demand.needed_by)
        for key, quantity in wanted.items():
            held = sum(hold.quantity for hold in holds if hold.key == key)
            awaited = sum(self._held_waiting.get(hold.id, 0) for hold in holds if hold.key == key)
            now = self._room.now(wish.channel_id, key, ahead=wish.ahead) + held - awaited
            there[key] = min(now, quantity)
            if now >= quantity:
                continue
            pieces = quantity - now
            later = self._room.later(wish.channel_id, key, held=awaited, needed_by=needed_by.get(key), pieces=pieces)
            if now + later < quantity:
                short.append(
                    {
                        "product_id": key.product_id, "location_id": key.location_id, "wanted": quantity,
                        "available": now + later,
                    }
                )  # fmt: skip
        if short:
            raise InsufficientStock("There is not enough stock for this.", lines=short)
        return there

    def _consume(self, reservation_id: UUID, left: Mapping[LevelKey, int], *, by: Actor) -> None:
        """End a reservation that an order used; what the order left of it is free again."""
        for key, pieces in left.items():
            if pieces:
                self._signed.append(
                    (
                        by,
                        Posting(
                            ids.new(), key, EntryKind.RELEASED, held=-pieces, reason="not ordered",
                            cause_type="reservation", cause_id=reservation_id.hex,
                        ),
                    )
                )  # fmt: skip
        used = self._holds[reservation_id]
        self._consumed += [hold.id for hold in used]
        self._holds[reservation_id] = [replace(hold, state="consumed") for hold in used]


@transaction_required
def lock(allocation_ids: Iterable[UUID], *, at: datetime) -> None:
    """Lock the levels of allocations at once, for several verbs about them that follow in this transaction."""
    ledger.lock({part.key for part in _read(dict.fromkeys(allocation_ids, 0))}, at=at)


@transaction_required
def release(parts: Sequence[tuple[UUID, int]], *, by: Actor, at: datetime, reason: str) -> None:
    """Take promises back: the pieces are free again, those first that still wait for goods. Raises: AllocationOverdrawn."""
    levels, found = _lock(parts, at=at)
    _let_go(levels, found, at=at)
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

    Raises: AllocationOverdrawn; GoodsAwaited when pieces were promised from goods that are not there yet.
    """
    if kind not in (EntryKind.HANDED_OVER, EntryKind.SHIPPED):
        raise ValueError(f"goods leave by handover or shipment, not by {kind}")
    levels, found = _lock(parts, at=at)
    _refuse_awaited(levels, found)
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
    postings = expiry.sweep(levels, by=by, at=at)
    awaited = _awaited(levels, found)
    missing = set()
    for part in found:
        there = min(part.quantity, part.open - awaited.get(part.allocation_id, 0))  # what never came can't be missed
        if there:
            missing.add(part.key)
            postings.append(
                Posting(
                    ids.new(), part.key, EntryKind.ADJUSTED, on_hand=-there, allocated=-there,
                    counterparty=Counterparty.SHRINKAGE, reason="not_found", cause_type="order_line",
                    cause_id=part.demand_id.hex,
                )
            )  # fmt: skip
        if part.quantity > there:
            postings.append(
                Posting(
                    ids.new(), part.key, EntryKind.DEALLOCATED, allocated=there - part.quantity, reason="not_there_yet",
                    cause_type="order_line", cause_id=part.demand_id.hex,
                )
            )  # fmt: skip
            backorders.release({part.allocation_id: part.quantity - there})
    obligations.give_back([(part.allocation_id, part.quantity) for part in found], at=at)
    waiting = backorders.waiting_at([level.id for level in levels.values() if level.backorder_limit], at=at)
    for key in sorted(missing):
        level = levels[key]
        gone = sum(-posting.held - posting.allocated + posting.on_hand for posting in postings if posting.key == key)
        free = level.on_hand - level.allocated - level.held + waiting.get(level.id, 0) + gone
        rest = min(free, level.on_hand + sum(posting.on_hand for posting in postings if posting.key == key))
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


def _together(before: Waiting | None, pieces: int, on: date | None) -> Waiting:
    """Return what waits of an order line, with pieces more of it: all of it is there on the last day, if all are known."""
    if before is None:
        return Waiting(pieces, on)
    days = (before.promised_on, on)
    return Waiting(before.pieces + pieces, None if None in days else max(day for day in days if day is not None))


def _let_go(levels: Mapping[LevelKey, Level], parts: Sequence[Part], *, at: datetime) -> None:
    """Count back what promises that end had taken of a guarantee, and let less wait for them."""
    obligations.give_back([(part.allocation_id, part.quantity) for part in parts], at=at)
    backorders.release({part.allocation_id: part.quantity for part in parts if levels[part.key].backorder_limit})


def _awaited(levels: Mapping[LevelKey, Level], parts: Sequence[Part]) -> dict[UUID, int]:
    """Return how many pieces of each part are not there yet."""
    limited = [part.allocation_id for part in parts if levels[part.key].backorder_limit]
    return backorders.waiting(limited) if limited else {}


def _refuse_awaited(levels: Mapping[LevelKey, Level], parts: Sequence[Part]) -> None:
    """Make sure that what leaves is there. Raises: GoodsAwaited."""
    awaited = _awaited(levels, parts)
    for part in parts:
        waiting = awaited.get(part.allocation_id, 0)
        if part.quantity > part.open - waiting:
            raise backorders.refusal(part.demand_id, waiting, of=part.open, way_out="Hand over the others, or wait.")


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
