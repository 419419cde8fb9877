"""Reservations: a checkout's claim on goods with an expiry. Placed, extended, consumed or released, once.

A hold counts until its expiry, swept or not (law 5): whoever locks a level first ends the holds whose time is over.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from commerce import clock, ids
from commerce.actors import Actor
from commerce.transactions import transaction_required
from inventory import expiry, kits, ledger
from inventory.errors import HoldEnded, HoldTooOld, InsufficientStock, PurchaseLimitReached
from inventory.holds import HoldRow, check_owner, check_usable, holds_of
from inventory.ledger import Level, LevelKey, Posting
from inventory.promise_dates import ClaimKind
from inventory.promising import backorders, purchase_limits
from inventory.promising.backorders import NewClaim
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


class ReservationRequest(NamedTuple):
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


class Reserved(NamedTuple):
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

_EXTEND = "UPDATE inventory_hold SET expires_at = %s WHERE id = ANY(%s::uuid[]) AND state = 'active'"


class Claim(NamedTuple):
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
    totals, takes = _asked(claims)
    limits = limits or _limits(claims, at=at)
    levels = ledger.lock(totals, at=at)
    postings = expiry.sweep(levels, by=by, at=at)
    room = Room(levels, postings, at=at)  # what was swept is posted below, but free already
    is_plenty = limits is None and room.serves_all(takes, totals)
    verdicts: list[Verdict] = []
    granted: list[Claim] = []
    waiting: list[NewClaim] = []
    for one in claims:
        if not is_plenty:
            refusal = _taken(one, room, levels, limits, waiting, at=at)
            if refusal is not None:
                verdicts.append(refusal)
                continue
        verdicts.append(one.reserved)
        granted.append(one)
        postings += one.postings
    backorders.add(waiting, at=at)
    ledger.post(levels, postings, by=by, at=at, besides=_insertion(granted, levels, at=at) if granted else None)
    if buffers.has_obligations():
        _count_guarantees(granted, at=at)
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
    postings = expiry.sweep(levels, by=by, at=at)
    holds = _of(reservation_id, channel_id)  # again, now that nobody else can end them
    if any(hold.state == "consumed" for hold in holds):
        raise HoldEnded("This reservation was already used by an order; cancel the order to free its goods.")
    active = [hold for hold in holds if hold.state == "active"]
    expiry.let_go([(hold.id, hold.key) for hold in active], levels, at=at)
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
    expiry.end([hold.id for hold in active], "released", at=at)


@transaction_required
def extend(reservation_id: UUID, expires_at: datetime, *, channel_id: int, by: Actor, at: datetime) -> Reserved:
    """Let a running reservation live until `expires_at`. Never revives an expired one and never shortens.

    Raises: HoldNotFound, HoldExpired, HoldEnded, HoldTooOld when that is more than LONGEST_LIFE after it was made.
    """
    holds = _of(reservation_id, channel_id)
    purchase_limits.extend(reservation_id, max(expires_at, holds[0].expires_at))  # undone with the rest if refused
    levels = ledger.lock({hold.key for hold in holds}, at=at)
    postings = expiry.sweep(levels, by=by, at=at)
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


def _taken(
    one: Claim,
    room: Room,
    levels: Mapping[LevelKey, Level],
    limits: Taking | None,
    waiting: list[NewClaim],
    *,
    at: datetime,
) -> InsufficientStock | PurchaseLimitReached | None:
    """Take the goods of a claim out of the room, what will wait for supply into `waiting`; or return why not."""
    request = one.request
    refusal = limits.take(request.id) if limits else None
    if refusal is not None:
        return refusal
    short, later = _short(room, request.channel_id, one.lines)
    if short:
        if limits:
            limits.give_back(request.id)
        return _refusal(short)
    for posting in one.postings:
        pieces = later.get(posting.key, 0)
        room.take(posting.key, posting.held, waiting=pieces, channel_id=request.channel_id)
        if pieces:
            waiting.append(
                NewClaim(
                    ClaimKind.HOLD, posting.id, levels[posting.key].id, request.channel_id, request.id, pieces, at,
                    request.expires_at, None,
                )
            )  # fmt: skip
    return None


def _asked(claims: Sequence[Claim]) -> tuple[dict[LevelKey, int], set[tuple[int | None, LevelKey, int]]]:
    """Return the pieces asked of each level, and who asks how many at once."""
    totals: dict[LevelKey, int] = defaultdict(int)
    takes: set[tuple[int | None, LevelKey, int]] = set()
    for one in claims:
        for key, pieces in one.lines.items():
            totals[key] += pieces
            takes.add((one.request.channel_id, key, pieces))
    return totals, takes


def _count_guarantees(granted: Sequence[Claim], *, at: datetime) -> None:
    """Count what was granted against what the channels are guaranteed."""
    takes: dict[int, list[Take]] = defaultdict(list)
    for one in granted:
        takes[one.request.channel_id] += [
            Take(posting.id, posting.key.product_id, posting.key.location_id, posting.held) for posting in one.postings
        ]
    for channel_id, taken in takes.items():
        obligations.take(channel_id, taken, at=at)


def _insertion(
    granted: Sequence[Claim], levels: Mapping[LevelKey, Level], *, at: datetime
) -> tuple[str, Sequence[Any]]:
    """Return the statement that inserts the holds of granted claims, and its parameters."""
    holds = [
        (
            posting.id, one.request.id, one.request.channel_id, levels[posting.key].id, posting.held,
            one.request.reference, one.request.expires_at,
        )
        for one in granted
        for posting in one.postings
    ]  # fmt: skip
    ids, reservations, channels, level_ids, quantities, references, expiries = zip(*holds, strict=True)
    return _INSERT_HOLDS, [
        at, ledger.uuids(ids), ledger.uuids(reservations), ledger.numbers(channels), ledger.numbers(level_ids),
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
