"""Reservations: a checkout's claim on goods with an expiry. Placed, extended, consumed or released, once.

A hold counts until its expiry, swept or not (law 5): whoever locks a level first ends the holds whose time is over.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import clock, ids, outbox
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import kits, ledger
from inventory.errors import HoldEnded, HoldTooOld, InsufficientStock, PurchaseLimitReached
from inventory.events import ReservationExpired
from inventory.holds import HoldRow, check_owner, check_usable, holds_of
from inventory.ledger import Level, LevelKey, Posting
from inventory.promise_dates import ClaimKind
from inventory.promising import backorders, purchase_limits
from inventory.promising.backorders import ALL, NewClaim
from inventory.promising.purchase_limits import Buyer, Taking
from inventory.room import Room
from inventory.sharing import buffers, obligations
from inventory.sharing.obligations import Take
from inventory.stock import EntryKind

MOST_REQUESTS = 500
MOST_LINES = 100
SHORTEST_SECONDS = 60
LONGEST_SECONDS = 3_600
DEFAULT_SECONDS = 900
LONGEST_LIFE = timedelta(
    hours=4
)  # from its making, however often it is extended: goods are not kept from sale for ever


@dataclass(frozen=True, slots=True)
class ReservationRequest:
    """What a checkout wants to hold at one location. `lines` are (product_id, quantity in pieces); of kits, in kits.

    `request_id` says whose request it is where many are served at once; `identities` who buys, as limits count them.
    """

    id: UUID
    channel_id: int
    location_id: int
    lines: tuple[tuple[int, int], ...]
    expires_at: datetime
    reference: str = ""
    request_id: str = ""
    identities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reserved:
    """A granted reservation; `lines` are summed per product, and name what is in a kit in its place."""

    id: UUID
    location_id: int
    lines: tuple[tuple[int, int], ...]
    expires_at: datetime
    reference: str
    state: str = "active"


Verdict = Reserved | InsufficientStock | PurchaseLimitReached


_INSERT_HOLDS = """
INSERT INTO inventory_hold
    (id, reservation_id, channel_id, level_id, quantity, state, reference, created_at, expires_at)
SELECT h.id, h.reservation_id, h.channel_id, h.level_id, h.quantity, 'active', h.reference, %s::timestamptz, h.expires_at
FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[])
    AS h (id, reservation_id, channel_id, level_id, quantity, reference, expires_at)
"""

_END_EXPIRED = """
UPDATE inventory_hold SET state = 'expired', ended_at = %s
WHERE level_id = ANY(%s::bigint[]) AND state = 'active' AND expires_at <= %s
RETURNING id, reservation_id, channel_id, level_id, quantity, reference, expires_at, id = (
    SELECT first.id FROM inventory_hold first WHERE first.reservation_id = inventory_hold.reservation_id
    ORDER BY first.id LIMIT 1)
"""

_END = "UPDATE inventory_hold SET state = %s, ended_at = %s WHERE id = ANY(%s::uuid[]) AND state = 'active'"

_EXTEND = "UPDATE inventory_hold SET expires_at = %s WHERE id = ANY(%s::uuid[]) AND state = 'active'"


@dataclass(frozen=True, slots=True)
class Claim:
    """A request with all that can be said of it before any level is locked; a hold bears the id of its posting."""

    request: ReservationRequest
    lines: Mapping[LevelKey, int]  # kits exploded
    reserved: Reserved  # the verdict if everything is there
    postings: list[Posting]


def claim(requests: Sequence[ReservationRequest]) -> list[Claim]:
    """Prepare requests for `reserve`: whoever wants the same goods waits from the lock on, so little is left to do there.

    Raises: ValueError for more than MOST_REQUESTS, or one without lines or pieces.
    """
    if len(requests) > MOST_REQUESTS:
        raise ValueError(f"at most {MOST_REQUESTS} reservations at once, not {len(requests)}")
    made = kits.among({product_id for request in requests for product_id, _ in request.lines})
    return [_claimed(request, _summed(request, made)) for request in requests]


@transaction_required
def reserve(
    requests: Sequence[ReservationRequest | Claim], *, by: Actor, at: datetime, limits: Taking | None = None
) -> list[Verdict]:
    """Hold goods for many checkouts at once; each gets all of its lines or a refusal, and no one fails a neighbour.

    A channel gets no more than it may see, and beyond that what a backorder policy lets it promise. Requests are served in
    the order given. Returns one verdict per request. The refusal is returned, not raised: it
    names every short line with wanted and available pieces (by product id; interfaces add names and alternatives), or the
    limit per customer that is reached. `limits` are the caller's, who locked other levels before.
    """
    claims = _claims(requests)
    limits = limits or _limits(claims, at=at)
    levels = ledger.lock({key for one in claims for key in one.lines}, at=at)
    postings = sweep(levels, by=by, at=at)
    room = Room(levels, postings, at=at)  # what was swept is posted below, but free already
    verdicts: list[Verdict] = []
    holds: list[tuple[UUID, UUID, int, int, int, str, datetime]] = []
    waiting: list[NewClaim] = []
    takes: dict[int, list[Take]] = {}
    guaranteed = buffers.has_obligations()
    for one in claims:
        request = one.request
        refusal = limits.take(request.id) if limits else None
        if refusal is not None:
            verdicts.append(refusal)
            continue
        short, later = _short(room, request.channel_id, one.lines)
        if short:
            if limits:
                limits.give_back(request.id)
            verdicts.append(_refusal(short))
            continue
        for posting in one.postings:
            pieces = later.get(posting.key, 0) if later else 0
            room.take(posting.key, posting.held, waiting=pieces, channel_id=request.channel_id)
            if pieces:
                waiting.append(
                    NewClaim(
                        ClaimKind.HOLD, posting.id, levels[posting.key].id, request.channel_id, request.id, pieces, at,
                        request.expires_at, None,
                    )
                )  # fmt: skip
            holds.append(
                (
                    posting.id, request.id, request.channel_id, levels[posting.key].id, posting.held, request.reference,
                    request.expires_at,
                )
            )  # fmt: skip
        postings += one.postings
        verdicts.append(one.reserved)
        if guaranteed:
            takes.setdefault(request.channel_id, []).extend(
                Take(posting.id, posting.key.product_id, posting.key.location_id, posting.held)
                for posting in one.postings
            )
    backorders.add(waiting, at=at)
    ledger.post(levels, postings, by=by, at=at, besides=_insertion(holds, at=at) if holds else None)
    for channel_id, taken in takes.items():
        obligations.take(channel_id, taken, at=at)
    if limits:
        limits.write()
    return verdicts


@transaction_required
def reserve_for(groups: Mapping[Actor, Sequence[ReservationRequest | Claim]], *, at: datetime) -> dict[UUID, Verdict]:
    """Do as `reserve` for several actors, each of whom signs for their own; return the verdicts by request id.

    The levels of all are locked first, so that two such calls never wait for each other crosswise.
    """
    limits = None
    claims = {by: _claims(requests) for by, requests in groups.items()}
    if len(groups) > 1:
        limits = _limits([one for claimed in claims.values() for one in claimed], at=at)
        ledger.lock({key for claimed in claims.values() for one in claimed for key in one.lines}, at=at)
    verdicts: dict[UUID, Verdict] = {}
    for by, claimed in claims.items():
        found = reserve(claimed, by=by, at=at, limits=limits)
        verdicts |= zip((one.request.id for one in claimed), found, strict=True)
    return verdicts


@transaction_required
def release(reservation_id: UUID, *, channel_id: int | None, by: Actor, at: datetime) -> None:
    """Give a reservation's goods free again. Releasing what is already released or expired changes nothing.

    Raises: HoldNotFound for an unknown id or another channel's; HoldEnded when an order used it.
    """
    holds = _of(reservation_id, channel_id)
    if not any(hold.state == "consumed" for hold in holds):
        purchase_limits.give_back(
            reservation_id
        )  # of the quotas, which come before stock; undone with the rest if refused
    levels = ledger.lock({hold.key for hold in holds}, at=at)
    postings = sweep(levels, by=by, at=at)
    holds = _of(reservation_id, channel_id)  # again, now that nobody else can end them
    if any(hold.state == "consumed" for hold in holds):
        raise HoldEnded("This reservation was already used by an order; cancel the order to free its goods.")
    active = [hold for hold in holds if hold.state == "active"]
    _let_go([(hold.id, hold.key) for hold in active], levels, at=at)
    postings += [
        Posting(
            ids.new(),
            hold.key,
            EntryKind.RELEASED,
            held=-hold.quantity,
            cause_type="reservation",
            cause_id=reservation_id.hex,
        )
        for hold in active
    ]
    ledger.post(levels, postings, by=by, at=at)
    end([hold.id for hold in active], "released", at=at)


@transaction_required
def extend(reservation_id: UUID, expires_at: datetime, *, channel_id: int, by: Actor, at: datetime) -> Reserved:
    """Let a running reservation live until `expires_at`. Never revives an expired one and never shortens.

    Raises: HoldNotFound, HoldExpired, HoldEnded, HoldTooOld when that is more than LONGEST_LIFE after it was made.
    """
    holds = _of(reservation_id, channel_id)
    purchase_limits.extend(reservation_id, max(expires_at, holds[0].expires_at))  # undone with the rest if refused
    levels = ledger.lock({hold.key for hold in holds}, at=at)
    postings = sweep(levels, by=by, at=at)
    holds = _of(reservation_id, channel_id)  # again, now that nobody else can end them
    check_usable(holds, reservation_id=reservation_id, channel_id=channel_id, at=at)
    latest = holds[0].created_at + LONGEST_LIFE
    if expires_at > latest:
        raise HoldTooOld(
            f"A reservation lives for {LONGEST_LIFE // timedelta(hours=1)} hours at most, this one until"
            f" {clock.utc_text(latest)}; order from it, or release it and reserve again.",
            reservation=str(reservation_id),
            latest=clock.utc_text(latest),
        )
    until = max([expires_at, *(hold.expires_at for hold in holds)])
    postings += [
        Posting(ids.new(), hold.key, EntryKind.EXTENDED, cause_type="reservation", cause_id=reservation_id.hex)
        for hold in holds
    ]
    ledger.post(levels, postings, by=by, at=at)
    with connection.cursor() as cursor:
        cursor.execute(_EXTEND, [until, ledger.uuids(hold.id for hold in holds)])
    if any(level.backorder_limit for level in levels.values()):
        backorders.extend([hold.id for hold in holds], until)
    return Reserved(
        reservation_id,
        holds[0].key.location_id,
        tuple((hold.key.product_id, hold.quantity) for hold in holds),
        until,
        holds[0].reference,
    )


def read(reservation_id: UUID, *, channel_id: int, at: datetime) -> Reserved:
    """Return a channel's reservation as it stands at `at`. Raises: HoldNotFound."""
    holds = _of(reservation_id, channel_id)
    state = holds[0].state
    if state == "active" and holds[0].expires_at <= at:
        state = "expired"
    return Reserved(
        reservation_id,
        holds[0].key.location_id,
        tuple((hold.key.product_id, hold.quantity) for hold in holds),
        holds[0].expires_at,
        holds[0].reference,
        state,
    )


@transaction_required
def sweep(levels: dict[LevelKey, Level], *, by: Actor, at: datetime) -> list[Posting]:
    """End the expired holds of locked levels and return the postings that free them; the caller posts them first."""
    suspects = {level.id: level for level in levels.values() if level.may_have_expired_holds}
    if not suspects:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_END_EXPIRED, [at, ledger.numbers(sorted(suspects)), at])
        rows = cursor.fetchall()
    outbox.publish(
        [
            ReservationExpired(
                aggregate_sequence=1, channel_id=channel_id, occurred_at=at, reservation_id=str(reservation_id),
                reference=reference, expired_at=expires_at,
            )
            for _, reservation_id, channel_id, _, _, reference, expires_at, is_first in rows
            if is_first  # its levels may be swept by several transactions: the first hold speaks for all, once
        ],
        by=by,
    )  # fmt: skip
    _let_go([(row[0], suspects[row[3]].key) for row in rows], levels, at=at)
    return [
        Posting(
            ids.new(), suspects[level_id].key, EntryKind.EXPIRED, held=-quantity,
            cause_type="reservation", cause_id=reservation_id.hex,
        )
        for _, reservation_id, _, level_id, quantity, *_ in rows
    ]  # fmt: skip


@transaction_required
def expire_due(*, by: Actor, at: datetime, at_most: int = 200) -> int:
    """Sweep the holds whose time is over, at most `at_most` levels at once, and return how many levels were swept."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT l.product_id, l.location_id, l.condition FROM inventory_hold h"
            " JOIN inventory_stocklevel l ON l.id = h.level_id"
            " WHERE h.state = 'active' AND h.expires_at <= %s LIMIT %s",
            [at, at_most],
        )
        keys = [LevelKey(*row) for row in cursor.fetchall()]
    levels = ledger.lock(keys, at=at)
    ledger.post(levels, sweep(levels, by=by, at=at), by=by, at=at)
    return len(keys)


def end(hold_ids: Iterable[UUID], state: str, *, at: datetime) -> None:
    """Mark holds of locked levels as ended; the entries that say so are posted by the caller."""
    with connection.cursor() as cursor:
        cursor.execute(_END, [state, at, ledger.uuids(hold_ids)])


def _claims(requests: Sequence[ReservationRequest | Claim]) -> Sequence[Claim]:
    """Return the claims of requests; those that were prepared before as they are."""
    fresh = iter(claim([one for one in requests if isinstance(one, ReservationRequest)]))
    return [one if isinstance(one, Claim) else next(fresh) for one in requests]


def _limits(claims: Sequence[Claim], *, at: datetime) -> Taking | None:
    """Lock what limits per customer have to say about requests whose buyers are named, if any limit is in force."""
    if not purchase_limits.may_be_limited():
        return None
    buyers = [
        Buyer(
            one.request.id, one.request.channel_id, {key.product_id: pieces for key, pieces in one.lines.items()},
            one.request.identities, expires_at=one.request.expires_at,
        )
        for one in claims
        if one.request.identities
    ]  # fmt: skip
    return Taking(buyers, at=at) if buyers else None


def _let_go(holds: Sequence[tuple[UUID, LevelKey]], levels: Mapping[LevelKey, Level], *, at: datetime) -> None:
    """Count back what ended holds had taken of a guarantee, and let nothing wait for them any more."""
    obligations.give_back([(hold_id, None) for hold_id, _key in holds], at=at)
    backorders.release({hold_id: ALL for hold_id, key in holds if levels[key].backorder_limit})


def _short(
    room: Room, channel_id: int, lines: Mapping[LevelKey, int]
) -> tuple[dict[LevelKey, tuple[int, int]], dict[LevelKey, int]]:
    """Return the levels that can't serve a request, with (wanted, what the channel may have), and what would wait where."""
    short, later = {}, {}
    for key, quantity in lines.items():
        now = room.now(channel_id, key)
        if now < quantity:
            there = now + room.later(channel_id, key)
            if there < quantity:
                short[key] = (quantity, there)
            later[key] = quantity - now
    return short, later


def _insertion(
    holds: Sequence[tuple[UUID, UUID, int, int, int, str, datetime]], *, at: datetime
) -> tuple[str, Sequence[Any]]:
    """Return the statement that inserts `holds`, and its parameters."""
    ids, reservations, channels, levels, quantities, references, expiries = zip(*holds, strict=True)
    return _INSERT_HOLDS, [
        at, ledger.uuids(ids), ledger.uuids(reservations), ledger.numbers(channels), ledger.numbers(levels),
        ledger.numbers(quantities), ledger.texts(references), ledger.instants(expiries),
    ]  # fmt: skip


def _of(reservation_id: UUID, channel_id: int | None) -> list[HoldRow]:
    holds = holds_of([reservation_id]).get(reservation_id, [])
    check_owner(holds, reservation_id, channel_id)
    return holds


def _summed(request: ReservationRequest, made: Mapping[int, kits.Components]) -> dict[LevelKey, int]:
    """Sum demand per level, the kits `made` exploded, before any check (law 6)."""
    lines: dict[LevelKey, int] = defaultdict(int)
    for product_id, quantity in kits.exploded(request.lines, made) if made else request.lines:
        if quantity < 1:
            raise ValueError(f"a reservation line needs at least one piece, not {quantity}")
        lines[LevelKey(product_id, request.location_id)] += quantity
    if not lines:
        raise ValueError("a reservation needs at least one line")
    return lines


def _claimed(request: ReservationRequest, lines: dict[LevelKey, int]) -> Claim:
    cause_id = request.id.hex
    postings = [
        Posting(
            ids.new(), key, EntryKind.HELD, held=quantity, cause_type="reservation", cause_id=cause_id,
            request_id=request.request_id,
        )
        for key, quantity in lines.items()
    ]  # fmt: skip
    products = tuple([(key.product_id, quantity) for key, quantity in lines.items()])
    reserved = Reserved(request.id, request.location_id, products, request.expires_at, request.reference)
    return Claim(request, lines, reserved, postings)


def _refusal(short: dict[LevelKey, tuple[int, int]]) -> InsufficientStock:
    return InsufficientStock(
        "There is not enough stock for this.",
        lines=[
            {"product_id": key.product_id, "location_id": key.location_id, "wanted": wanted, "available": available}
            for key, (wanted, available) in short.items()
        ],
    )
