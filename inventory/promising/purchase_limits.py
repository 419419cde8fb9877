"""Purchase limits: how many pieces of a product one customer may have while a drop lasts.

A customer is known by the e-mail address and by the name their channel has for them; each is counted under a keyed hash, so
that no address can be read back, and each of them must have room. What is taken is a claim on a quota (`commerce.quotas`),
which can't be overbooked: held with a reservation, for good with an order, given back when the order is cancelled.
Limits are read from a copy in this process, at most FRESH_FOR_SECONDS old.
"""

import hashlib
import hmac
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from commerce import audit, catalog, clock, queries, quotas
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotFound, QuotaExhausted
from commerce.quotas import HoldRequest
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.errors import PurchaseLimitReached, SharingStateWrong
from inventory.models import PurchaseLimit

FRESH_FOR_SECONDS = 1.0
KEPT_AFTER_END = timedelta(hours=1)  # questions about a moment ago still meet what ended just now
MOST_ACTIVE = 1_000  # every process keeps all of them
MOST_PIECES = 10_000
LONGEST_NAME = 80
MOST_LISTED = 200
PREFIX = "purchase_limit:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a limit is to say: at most `quantity` pieces per customer from start to end, on all channels or on some."""

    name: str
    product_id: int
    quantity: int
    starts_at: datetime
    ends_at: datetime
    channel_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as decisions read it."""

    id: int
    name: str
    product_id: int
    quantity: int
    starts_at: datetime
    ends_at: datetime
    channel_ids: frozenset[int]

    def holds(self, channel_id: int, at: datetime) -> bool:
        """Whether the limit is in force on a channel at an instant."""
        return self.starts_at <= at < self.ends_at and (not self.channel_ids or channel_id in self.channel_ids)

    def key(self, identity: str) -> str:
        """Return the name of the quota that counts one customer."""
        return f"{PREFIX}{self.id}:{identity}"


@dataclass(frozen=True, slots=True)
class Use:
    """A claim that a reservation or an order has on a limit."""

    hold_id: UUID
    limit_id: int
    key: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who wants what: `cause_id` is the reservation's or the order's, `wanted` pieces by product, `identities` hashes.

    An order may stand on a reservation, whose claims it takes over.
    """

    cause_id: UUID
    channel_id: int
    wanted: Mapping[int, int]
    identities: tuple[str, ...]
    reservation_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(slots=True)
class Share:
    """What one buyer needs of limits: `locks` name all quotas it touches, `requests` what is to be taken of them now."""

    buyer: Buyer
    locks: list[HoldRequest] = field(default_factory=list)
    requests: list[HoldRequest] = field(default_factory=list)
    wanted: dict[str, tuple[Limit, int]] = field(default_factory=dict)
    own: list[Use] = field(default_factory=list)  # of its reservation


_INSERT = """
INSERT INTO inventory_purchaselimituse (hold_id, limit_id, cause_id, key, quantity, created_at)
SELECT u.*, %s FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::text[], %s::int[]) AS u
"""

_USES = """
SELECT cause_id, hold_id, limit_id, key, quantity FROM inventory_purchaselimituse
WHERE cause_id = ANY(%s::uuid[]) ORDER BY key
"""


@transaction_required
def make(wanted: Draft, *, by: Actor, at: datetime) -> int:
    """Let a limit hold in its time and return its id. Raises: InvalidInput naming each field."""
    _check(wanted, at=at)
    row = PurchaseLimit.objects.create(
        name=wanted.name.strip(), product_id=wanted.product_id, quantity=wanted.quantity,
        channel_ids=sorted(set(wanted.channel_ids)), starts_at=wanted.starts_at, ends_at=wanted.ends_at, author=by.label,
        created_at=at,
    )  # fmt: skip
    audit.record(
        "inventory.purchase_limits.make", "purchase_limit", row.pk, by=by,
        after={"name": row.name, "product_id": row.product_id, "quantity": row.quantity, "channel_ids": row.channel_ids,
               "starts_at": row.starts_at, "ends_at": row.ends_at},
    )  # fmt: skip
    forget()
    return row.pk


@transaction_required
def end(limit_id: int, *, by: Actor, at: datetime, reason: str = "") -> None:
    """End a limit before its time. Raises: NotFound, SharingStateWrong."""
    row = PurchaseLimit.objects.select_for_update().filter(pk=limit_id).first()
    if row is None:
        raise NotFound(f"There is no purchase limit {limit_id}.", limit=limit_id)
    if row.ended_at is not None or row.ends_at <= at:
        raise SharingStateWrong("This limit has ended already.", state="ended")
    PurchaseLimit.objects.filter(pk=row.pk).update(ended_at=at)
    audit.record(
        "inventory.purchase_limits.end", "purchase_limit", row.pk, by=by, after={"ended_at": at}, reason=reason
    )
    forget()


def listed(*, at_most: int = MOST_LISTED) -> list[PurchaseLimit]:
    """Return the limits, newest first, with their products."""
    return list(PurchaseLimit.objects.select_related("product").order_by("-pk")[:at_most])


def identities(*, email: str = "", channel_id: int, channel_customer_id: str = "") -> tuple[str, ...]:
    """Return the keyed hashes under which a customer is counted: by address everywhere, by the channel's name for them."""
    names = []
    if email.strip():
        names.append(f"email:{email.strip().casefold()}")
    if channel_customer_id.strip():
        names.append(f"channel:{channel_id}:{channel_customer_id.strip()}")
    return tuple(
        hmac.new(settings.SECRET_KEY.encode(), name.encode(), hashlib.sha256).hexdigest()[:40] for name in names
    )


def holding(product_ids: Iterable[int], *, channel_id: int, at: datetime) -> list[Limit]:
    """Return the limits that are in force for products on a channel."""
    known = _current()
    if not known:
        return []
    return [limit for product_id in product_ids for limit in known.get(product_id, ()) if limit.holds(channel_id, at)]


def shares(buyers: Sequence[Buyer], *, at: datetime) -> dict[UUID, Share]:
    """Return what buyers need of limits, by their cause; those that no limit is about are missing.

    Costs nothing where no limit is in force. A buyer whom nobody named has no quotas: see `unnamed`.
    """
    found: dict[UUID, Share] = {}
    for buyer in buyers:
        limits = holding(buyer.wanted, channel_id=buyer.channel_id, at=at)
        if limits:
            found[buyer.cause_id] = Share(
                buyer,
                wanted={
                    limit.key(identity): (limit, buyer.wanted[limit.product_id])
                    for limit in limits
                    for identity in buyer.identities
                },
            )
    if not found:
        return found
    own = _uses([share.buyer.reservation_id for share in found.values() if share.buyer.reservation_id])
    for share in found.values():
        share.own = own.get(share.buyer.reservation_id, []) if share.buyer.reservation_id else []
        has = {use.key: use.quantity for use in share.own}
        for key, (limit, quantity) in share.wanted.items():
            request = HoldRequest(
                key, limit.quantity, quantity, f"limit:{share.buyer.cause_id}", share.buyer.expires_at
            )
            share.locks.append(request)
            if quantity > has.get(key, 0):
                more = quantity - has.get(key, 0)
                share.requests.append(HoldRequest(key, limit.quantity, more, request.purpose, request.expires_at))
    return found


class Taking:
    """Locked quotas while reservations are decided one by one: what limits allow is taken before goods are."""

    def __init__(self, buyers: Sequence[Buyer], *, at: datetime) -> None:
        """Lock the quotas that the buyers touch, before any stock level is locked."""
        self._at = at
        self._shares = shares(buyers, at=at)
        self._taken: dict[UUID, list[UUID]] = {}
        self._claims = quotas.Claims([one for share in self._shares.values() for one in share.locks], at=at)

    def take(self, cause_id: UUID) -> PurchaseLimitReached | None:
        """Take what a buyer needs, or return why they can't have it."""
        share = self._shares.get(cause_id)
        if share is None or not share.requests:
            return None
        try:
            self._taken[cause_id] = self._claims.take(share.requests)
        except QuotaExhausted as exhausted:
            return refusal(share, exhausted)
        return None

    def give_back(self, cause_id: UUID) -> None:
        """Undo a `take` that is not written yet."""
        self._claims.give_back(self._taken.pop(cause_id, []))

    def write(self) -> None:
        """Store what was taken, once."""
        self._claims.write()
        settle([(self._shares[cause_id], hold_ids) for cause_id, hold_ids in self._taken.items()], at=self._at)
        self._taken = {}


def unnamed(share: Share) -> InvalidInput | None:
    """Return the refusal of an order for limited goods by a customer whom nobody named."""
    if share.buyer.identities:
        return None
    message = "This product is limited per customer: say who orders, by e-mail address or by the channel's customer id."
    return InvalidInput(message, errors=[{"field": "customer.email", "value": "", "message": message}])


def refusal(share: Share, exhausted: QuotaExhausted) -> PurchaseLimitReached | None:
    """Return what to tell a buyer when a quota was exhausted, or None when it is not of a limit."""
    key = exhausted.detail.get("key", "")
    if key not in share.wanted:
        return None
    limit, wanted = share.wanted[key]
    has = sum(use.quantity for use in share.own if use.key == key)
    left = int(exhausted.detail["left"]) + has
    sku = catalog.products_by_id([limit.product_id])[limit.product_id].sku
    some = f"{left} more" if left else "none more"
    return PurchaseLimitReached(
        f"{limit.name}: one customer may have {limit.quantity} of {sku}, {some} now; {wanted} were wanted.",
        errors=[{"field": "lines", "value": sku, "message": f"at most {limit.quantity} per customer, {left} left"}],
        limit=limit.id, name=limit.name, sku=sku, per_customer=limit.quantity, wanted=wanted, left=left,
    )  # fmt: skip


@transaction_required
def settle(taken: Sequence[tuple[Share, Sequence[UUID]]], *, at: datetime) -> None:
    """Remember what was taken for whom; claims of reservations become those of their orders, what they leave is free."""
    rows = [
        (hold_id, share.wanted[request.key][0].id, share.buyer.cause_id, request.key, request.quantity)
        for share, hold_ids in taken
        for hold_id, request in zip(hold_ids, share.requests, strict=True)
    ]
    kept, let_go = [], []
    for share, _ in taken:
        for use in share.own:
            wanted = share.wanted.get(use.key)
            if wanted is not None and wanted[1] >= use.quantity:
                kept.append((use.hold_id, share.buyer.cause_id))
                continue
            let_go.append(use.hold_id)
            if wanted is not None:
                request = HoldRequest(use.key, wanted[0].quantity, wanted[1], f"limit:{share.buyer.cause_id}")
                quotas.release([use.hold_id])
                (hold_id,) = quotas.book([request], at=at)
                rows.append((hold_id, wanted[0].id, share.buyer.cause_id, use.key, wanted[1]))
    if kept:
        quotas.commit([hold_id for hold_id, _cause in kept], at=at)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE inventory_purchaselimituse u SET cause_id = k.cause_id"
                " FROM unnest(%s::uuid[], %s::uuid[]) AS k (hold_id, cause_id) WHERE u.hold_id = k.hold_id",
                [[hold_id for hold_id, _cause in kept], [cause for _hold, cause in kept]],
            )
    quotas.release(let_go)
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [at, *columns])


@transaction_required
def give_back(cause_id: UUID) -> None:
    """Give the customer back what a reservation or an order took of limits. Giving back again changes nothing."""
    uses = _uses([cause_id]).get(cause_id, [])
    if uses:
        quotas.release([use.hold_id for use in uses])


@transaction_required
def resize(cause_id: UUID, deltas: Mapping[int, int], *, at: datetime) -> None:
    """Let an order have so many pieces more or fewer of products that were counted for it, by product.

    Raises: PurchaseLimitReached; what was counted stays as it was then.
    """
    uses = _uses([cause_id]).get(cause_id, [])
    if not uses:
        return
    limits = {row.pk: row for row in PurchaseLimit.objects.filter(pk__in={use.limit_id for use in uses})}
    for use in uses:
        limit = limits[use.limit_id]
        delta = deltas.get(limit.product_id, 0)
        if not delta:
            continue
        wanted = max(use.quantity + delta, 0)
        quotas.release([use.hold_id])
        if not wanted:
            with connection.cursor() as cursor:
                cursor.execute("UPDATE inventory_purchaselimituse SET quantity = 0 WHERE hold_id = %s", [use.hold_id])
            continue
        try:
            (hold_id,) = quotas.book([HoldRequest(use.key, limit.quantity, wanted, f"limit:{cause_id}")], at=at)
        except QuotaExhausted as exhausted:
            left = int(exhausted.detail["left"]) - use.quantity
            raise PurchaseLimitReached(
                f"{limit.name}: one customer may have {limit.quantity}; {max(left, 0)} more now, {delta} were wanted.",
                errors=[{"field": "lines", "value": delta, "message": f"at most {limit.quantity} per customer"}],
                limit=limit.pk,
                name=limit.name,
                per_customer=limit.quantity,
                wanted=delta,
                left=max(left, 0),
            ) from exhausted
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE inventory_purchaselimituse SET hold_id = %s, quantity = %s WHERE hold_id = %s",
                [hold_id, wanted, use.hold_id],
            )


def counted(cause_id: UUID) -> dict[int, int]:
    """Return how many pieces of each product are counted for an order."""
    uses = _uses([cause_id]).get(cause_id, [])
    products = dict(PurchaseLimit.objects.filter(pk__in={use.limit_id for use in uses}).values_list("id", "product_id"))
    return dict(sorted((products[use.limit_id], use.quantity) for use in uses))  # of several limits the larger count


@transaction_required
def extend(reservation_id: UUID, expires_at: datetime) -> None:
    """Let the claims of a reservation live as long as it does."""
    uses = _uses([reservation_id]).get(reservation_id, [])
    if uses:
        quotas.extend([use.hold_id for use in uses], expires_at)


def may_be_limited() -> bool:
    """Whether any limit may be in force, as this process knows: where there is none, nobody has to ask."""
    return bool(_current())


def forget() -> None:
    """Look again at the next question, after a write."""
    global _copy
    _copy = (0.0, {})


_copy: tuple[float, Mapping[int, tuple[Limit, ...]]] = (0.0, {})
_lock = threading.Lock()


def _current() -> Mapping[int, tuple[Limit, ...]]:
    """Return this process's copy of the limits that have not ended, by product. One thread looks anew, the others go on."""
    global _copy
    now = time.monotonic()
    if _copy[0] and now - _copy[0] <= FRESH_FOR_SECONDS:
        return _copy[1]
    if _lock.acquire(blocking=not _copy[0]):
        try:
            if not _copy[0] or now - _copy[0] > FRESH_FOR_SECONDS:
                _copy = (now, _read())
        finally:
            _lock.release()
    return _copy[1]


def _read() -> Mapping[int, tuple[Limit, ...]]:
    found: dict[int, list[Limit]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, name, product_id, quantity, starts_at, ends_at, channel_ids FROM inventory_purchaselimit"
            " WHERE ended_at IS NULL AND ends_at > %s ORDER BY id",
            [clock.now() - KEPT_AFTER_END],
        )
        for row in cursor.fetchall():
            limit_id, name, product_id, quantity, starts_at, ends_at, channel_ids = row
            found[product_id].append(
                Limit(limit_id, name, product_id, quantity, starts_at, ends_at, frozenset(channel_ids))
            )
    return {product_id: tuple(limits) for product_id, limits in found.items()}


def _uses(cause_ids: Iterable[UUID]) -> dict[UUID, list[Use]]:
    wanted = list(cause_ids)
    found: dict[UUID, list[Use]] = defaultdict(list)
    if wanted:
        with connection.cursor() as cursor:
            cursor.execute(_USES, [ledger.uuids(wanted)])
            for cause_id, *use in cursor.fetchall():
                found[cause_id].append(Use(*use))
    return found


def _check(wanted: Draft, *, at: datetime) -> None:
    found: list[dict[str, Any]] = []

    def wrong(name: str, value: object, message: str) -> None:
        found.append({"field": name, "value": str(value), "message": message})

    if not wanted.name.strip() or len(wanted.name) > LONGEST_NAME:
        wrong("name", wanted.name, f"A limit has a name of up to {LONGEST_NAME} characters.")
    product = catalog.products_by_id([wanted.product_id]).get(wanted.product_id)
    if product is None or not product.has_stock:
        wrong("product", wanted.product_id, "There are no goods of this id.")
    if not 1 <= wanted.quantity <= MOST_PIECES:
        wrong("quantity", wanted.quantity, f"A customer may have 1 to {MOST_PIECES} pieces.")
    if wanted.ends_at <= wanted.starts_at:
        wrong("ends_at", wanted.ends_at.isoformat(), "The end must come after the start.")
    elif wanted.ends_at <= at:
        wrong("ends_at", wanted.ends_at.isoformat(), "The end lies in the past.")
    if unknown := set(wanted.channel_ids) - {channel.id for channel in queries.channels()}:
        wrong("channels", sorted(unknown), "There is no such channel.")
    if not found and PurchaseLimit.objects.filter(ended_at__isnull=True, ends_at__gt=at).count() >= MOST_ACTIVE:
        wrong("name", wanted.name, f"{MOST_ACTIVE} limits hold already; end some first.")
    if found:
        raise InvalidInput(found[0]["message"], errors=found)
