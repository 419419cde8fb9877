"""Obligations: what a channel was guaranteed for a time. What of it is not taken yet, the other channels don't see.

`take` and `give_back` are called by whoever promises or frees goods, in the same transaction and under the locks of the
stock levels, so `taken` is exact. Lock order: stock levels, then obligations by id.

A guarantee about one product at one place is withheld there to the piece. A broader one is spread over the levels in its
scope in proportion to what is free, and drawn anew every few seconds (`spread_due`): together never more than is owed.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F

from commerce import audit
from commerce.actors import Actor
from commerce.errors import NotFound
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.cascade import MOST_PIECES
from inventory.errors import SharingStateWrong
from inventory.models import Obligation, ObligationShare
from inventory.sharing import buffers, news, owing, scopes
from inventory.sharing.scopes import ScopeIds

LONGEST_NAME = 80
MOST_LEVELS = 20_000  # over which one obligation is spread
MOST_LIVE = 500  # every process keeps all of them
MOST_LISTED = 200

_FREE = """
SELECT l.product_id, l.location_id, l.on_hand - l.allocated - l.held
FROM inventory_stocklevel l JOIN commerce_product p ON p.id = l.product_id
WHERE {condition} AND l.on_hand > l.allocated + l.held
ORDER BY l.on_hand - l.allocated - l.held DESC, l.id LIMIT %s
"""

_TAKE = """
INSERT INTO inventory_obligationtake (obligation_id, cause_id, product_id, location_id, quantity, taken_at)
SELECT t.*, %s FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[], %s::bigint[], %s::bigint[]) AS t
"""

_OPEN = """
SELECT obligation_id, cause_id, product_id, location_id, sum(quantity)::bigint FROM inventory_obligationtake
WHERE cause_id = ANY(%s::uuid[]) GROUP BY obligation_id, cause_id, product_id, location_id HAVING sum(quantity) > 0
ORDER BY obligation_id, cause_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What a channel is guaranteed: `quantity` pieces of the product or category in the scope, from start to end."""

    name: str
    scope: ScopeIds
    quantity: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Take:
    """Pieces that a hold or allocation (`cause_id`) takes at a level."""

    cause_id: UUID
    product_id: int
    location_id: int
    quantity: int


@transaction_required
def agree(wanted: Agreement, *, by: Actor, at: datetime) -> int:
    """Guarantee a channel a quantity and return the obligation's id; from its start the others don't see what is owed.

    Raises: InvalidInput naming each field.
    """
    _check(wanted, at=at)
    scope = wanted.scope
    row = Obligation.objects.create(
        name=wanted.name.strip(), quantity=wanted.quantity, starts_at=wanted.starts_at, ends_at=wanted.ends_at,
        author=by.label, created_at=at, channel_id=scope.channel_id, location_id=scope.location_id,
        group_id=scope.group_id, product_id=scope.product_id, category=scope.category,
    )  # fmt: skip
    audit.record(
        "inventory.obligations.agree", "obligation", row.pk, by=by,
        after={
            "name": row.name, "channel_id": row.channel_id, "quantity": row.quantity, "product_id": row.product_id,
            "category": row.category, "location_id": row.location_id, "group_id": row.group_id,
            "starts_at": row.starts_at, "ends_at": row.ends_at,
        },
    )  # fmt: skip
    _spread(row)
    _holds_anew(row, by=by, at=at)
    return row.pk


@transaction_required
def end(obligation_id: int, *, by: Actor, at: datetime, reason: str = "") -> None:
    """End a guarantee before its time; what is owed of it is free for all again. Raises: NotFound, SharingStateWrong."""
    row = Obligation.objects.select_for_update().filter(pk=obligation_id).first()
    if row is None:
        raise NotFound(f"There is no obligation {obligation_id}.", obligation=obligation_id)
    if row.ended_at is not None or row.ends_at <= at:
        raise SharingStateWrong("This obligation has ended already.", state="ended")
    Obligation.objects.filter(pk=row.pk).update(ended_at=at)
    ObligationShare.objects.filter(obligation=row).delete()
    audit.record(
        "inventory.obligations.end", "obligation", row.pk, by=by, before={"taken": row.taken},
        after={"ended_at": at}, reason=reason,
    )  # fmt: skip
    _holds_anew(row, by=by, at=at)


@transaction_required
def take(channel_id: int | None, takes: Sequence[Take], *, at: datetime) -> int:
    """Count pieces that a channel just got promised against what it was guaranteed; return how many pieces counted.

    Costs nothing where no live obligation to the channel is about the products. A piece counts once: for the obligation
    that ends first of those it fits. Call `give_back` for holds that an allocation uses up before taking for the allocation.
    """
    if channel_id is None or not takes:
        return 0
    live = [
        one
        for one in buffers.live_obligations({one.product_id for one in takes}, at=at)
        if one.channel_id == channel_id
    ]
    if not live:
        return 0
    live.sort(key=lambda one: (one.window.ends_at, one.id))
    rows = []
    for wanted in takes:
        category = buffers.category_of(wanted.product_id)
        for one in live:
            if one.scope.covers(wanted.product_id, category, wanted.location_id):
                rows.append((one.id, wanted))
                break
    _write(rows, at=at)
    return sum(wanted.quantity for _, wanted in rows)


@transaction_required
def give_back(parts: Sequence[tuple[UUID, int | None]], *, at: datetime) -> int:
    """Count pieces back that ended holds or allocations had taken; return how many pieces counted.

    `parts` are (cause id, pieces), or None for all that the cause still has. What never was taken changes nothing.
    """
    if not parts or not buffers.has_obligations():
        return 0
    wanted = dict(parts)
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, [ledger.uuids(wanted)])
        found = cursor.fetchall()
    rows = []
    for obligation_id, cause_id, product_id, location_id, taken in found:
        asked = wanted[cause_id]
        pieces = taken if asked is None else min(asked, taken)
        if pieces > 0:
            rows.append((obligation_id, Take(cause_id, product_id, location_id, -pieces)))
    _write(rows, at=at)
    return -sum(one.quantity for _, one in rows)


@transaction_required
def spread_due(*, by: Actor, at: datetime) -> int:
    """Draw anew where the pieces owed to broad guarantees are kept; return how many obligations moved theirs."""
    moved = 0
    for row in Obligation.objects.filter(ended_at__isnull=True, starts_at__lte=at, ends_at__gt=at).order_by("pk"):
        changed = _spread(row)
        if changed:
            moved += 1
            news.tell_products("obligation", row.pk, changed, by=by, at=at)
    if moved:
        news.bump(at=at)
        buffers.forget()
    return moved


@transaction_required
def tell_starts_and_ends(*, since: datetime, by: Actor, at: datetime) -> int:
    """Have the channels told about guarantees that began or ended after `since`; return how many."""
    rows = [
        row
        for row in Obligation.objects.filter(ended_at__isnull=True, starts_at__lte=at, ends_at__gt=since)
        if since < row.starts_at or row.ends_at <= at
    ]
    for row in rows:
        news.tell("obligation", row.pk, [scopes.resolved(scopes.of(row))], by=by, at=at)
    return len(rows)


def listed(*, at_most: int = MOST_LISTED) -> list[Obligation]:
    """Return the obligations, newest first, with what their scopes name."""
    rows = Obligation.objects.select_related("channel", "location", "group", "product")
    return list(rows.order_by("-pk")[:at_most])


def shares_of(
    channel_ids: Iterable[int], product_ids: Iterable[int], *, at: datetime
) -> dict[int, dict[int, dict[int, int]]]:
    """Return what is kept where for channels of what they were guaranteed: pieces by channel, product and location."""
    found: dict[int, dict[int, dict[int, int]]] = {}
    for channel_id, product_id, location_id, pieces in ObligationShare.objects.filter(
        obligation__channel_id__in=list(channel_ids), product_id__in=list(product_ids),
        obligation__ended_at__isnull=True, obligation__starts_at__lte=at, obligation__ends_at__gt=at,
    ).values_list("obligation__channel_id", "product_id", "location_id", "pieces"):  # fmt: skip
        there = found.setdefault(channel_id, {}).setdefault(product_id, {})
        there[location_id] = there.get(location_id, 0) + pieces
    return found


def stored(obligation_id: int) -> Obligation:
    """Return an obligation with what its scope names. Raises: NotFound."""
    row = Obligation.objects.select_related("channel", "location", "group", "product").filter(pk=obligation_id).first()
    if row is None:
        raise NotFound(f"There is no obligation {obligation_id}.", obligation=obligation_id)
    return row


def _check(wanted: Agreement, *, at: datetime) -> None:
    found = scopes.problems(wanted.scope)

    def wrong(name: str, value: object, message: str) -> None:
        found.append({"field": name, "value": str(value), "message": message})

    if not wanted.name.strip() or len(wanted.name) > LONGEST_NAME:
        wrong("name", wanted.name, f"An obligation has a name of up to {LONGEST_NAME} characters.")
    if wanted.scope.channel_id is None:
        wrong("channel", "", "An obligation names the channel that it is to.")
    if wanted.scope.product_id is None and not wanted.scope.category:
        wrong("product", "", "An obligation is about a product or a category.")
    if not 1 <= wanted.quantity <= MOST_PIECES:
        wrong("quantity", wanted.quantity, "Give a whole number of pieces from 1.")
    if wanted.ends_at <= wanted.starts_at:
        wrong("ends_at", wanted.ends_at.isoformat(), "The end must come after the start.")
    elif wanted.ends_at <= at:
        wrong("ends_at", wanted.ends_at.isoformat(), "The end lies in the past.")
    if Obligation.objects.filter(ended_at__isnull=True, ends_at__gt=at).count() >= MOST_LIVE:
        wrong("name", wanted.name, f"{MOST_LIVE} obligations hold already; end some first.")
    scopes.check(found)


def _write(rows: Iterable[tuple[int, Take]], *, at: datetime) -> None:
    """Add takes to the journal and to the sums of their obligations, locked in the order of their ids."""
    rows = sorted(rows, key=lambda row: (row[0], row[1].cause_id))
    if not rows:
        return
    sums: dict[int, int] = defaultdict(int)
    for obligation_id, one in rows:
        sums[obligation_id] += one.quantity
    for obligation_id in sorted(sums):
        if sums[obligation_id]:
            Obligation.objects.filter(pk=obligation_id).update(taken=F("taken") + sums[obligation_id])
    takes = [one for _, one in rows]
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE,
            [
                at, ledger.numbers(obligation_id for obligation_id, _ in rows),
                ledger.uuids(one.cause_id for one in takes), ledger.numbers(one.product_id for one in takes),
                ledger.numbers(one.location_id for one in takes), ledger.numbers(one.quantity for one in takes),
            ],
        )  # fmt: skip


def _spread(row: Obligation) -> set[int]:
    """Draw anew where an obligation's owed pieces are kept; return the products for which that changed."""
    scope = scopes.resolved(scopes.of(row))
    condition, parameters = scopes.levels_in(scope)
    with connection.cursor() as cursor:
        cursor.execute(_FREE.format(condition=condition), [*parameters, MOST_LEVELS])
        free = {(product_id, location_id): pieces for product_id, location_id, pieces in cursor.fetchall()}
    wanted = owing.spread(row.quantity - row.taken, free)
    had = {
        (product_id, location_id): pieces
        for product_id, location_id, pieces in ObligationShare.objects.filter(obligation=row).values_list(
            "product_id", "location_id", "pieces"
        )
    }
    products = {key[0] for key in wanted.keys() | had.keys() if wanted.get(key) != had.get(key)}
    if products:
        ObligationShare.objects.filter(obligation=row, product_id__in=products).delete()
        ObligationShare.objects.bulk_create(
            [
                ObligationShare(obligation=row, product_id=key[0], location_id=key[1], pieces=pieces)
                for key, pieces in sorted(wanted.items())
                if key[0] in products
            ]
        )
    return products


def _holds_anew(row: Obligation, *, by: Actor, at: datetime) -> None:
    news.bump(at=at)
    news.tell("obligation", row.pk, [scopes.resolved(scopes.of(row))], by=by, at=at)
    buffers.forget()
