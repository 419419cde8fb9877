"""Backorder policies: how far beyond what is on hand may be promised, for whom, and by what date.

The cap of the policy that wins for a product and place is written to its stock level, where the database holds it. Which
one wins: about the product before about its category, about the place before about all, then the newest. Levels that are
new, and policies whose time is over, are met by `apply_due` every minute; a policy that ended counts no more at once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from commerce import audit, catalog, queries
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotFound
from commerce.transactions import transaction_required
from inventory import ledger
from inventory.errors import SharingStateWrong
from inventory.ledger import LevelKey
from inventory.models import BackorderPolicy
from inventory.places import locations
from inventory.promise_dates import PolicyKind
from inventory.sharing import news

LONGEST_NAME = 80
MOST_PIECES = 1_000_000
LONGEST_LEAD_DAYS = 730
MOST_ACTIVE = 2_000  # every decision about a level that has one reads those of its product
MOST_LEVELS = 20_000  # met by one policy at once
MOST_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a policy is to say. `cap` is per product and place; no channels means all; no place means all that have had it.

    A preorder is released on a day. A backorder waits for dated deliveries, less `safety` pieces of them; with `lead_days`
    it may also wait so many days when no delivery is known.
    """

    name: str
    kind: str
    cap: int
    product_id: int | None = None
    category: str = ""
    location_id: int | None = None
    channel_ids: tuple[int, ...] = ()
    safety: int = 0
    release_on: date | None = None
    lead_days: int | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the policy that won for a product and place allows."""

    policy_id: int
    name: str
    kind: str
    cap: int
    safety: int
    release_on: date | None
    lead_days: int | None
    channel_ids: frozenset[int]

    def allows(self, channel_id: int | None) -> bool:
        """Whether a channel may promise beyond what is there. The house itself may where all channels may."""
        return not self.channel_ids or channel_id in self.channel_ids


_LEVELS = """
SELECT l.product_id, l.location_id, l.backorder_limit,
       CASE WHEN l.backorder_limit > 0 THEN (
           SELECT coalesce(sum(b.quantity - b.filled - b.released), 0)::bigint FROM inventory_backorder b
           WHERE b.level_id = l.id AND b.quantity > b.filled + b.released) ELSE 0 END
FROM inventory_stocklevel l JOIN commerce_product p ON p.id = l.product_id
WHERE l.condition = 'sellable' AND ({conditions})
ORDER BY l.product_id, l.location_id LIMIT {most}
"""


@transaction_required
def make(wanted: Draft, *, by: Actor, at: datetime) -> int:
    """Let a policy hold from now on and return its id. Raises: InvalidInput naming each field."""
    _check(wanted, at=at)
    row = BackorderPolicy.objects.create(
        name=wanted.name.strip(), kind=wanted.kind, product_id=wanted.product_id, category=wanted.category,
        location_id=wanted.location_id, channel_ids=sorted(set(wanted.channel_ids)), cap=wanted.cap, safety=wanted.safety,
        release_on=wanted.release_on, lead_days=wanted.lead_days, until=wanted.until, author=by.label, created_at=at,
    )  # fmt: skip
    audit.record(
        "inventory.backorder_policies.make", "backorder_policy", row.pk, by=by,
        after={"name": row.name, "kind": row.kind, "product_id": row.product_id, "category": row.category,
               "location_id": row.location_id, "channel_ids": row.channel_ids, "cap": row.cap, "safety": row.safety,
               "release_on": row.release_on, "lead_days": row.lead_days, "until": row.until},
    )  # fmt: skip
    if row.product_id is not None and row.location_id is not None:
        ledger.lock([LevelKey(row.product_id, row.location_id)], at=at, create=True)
    _apply([row], row.pk, by=by, at=at)
    return row.pk


@transaction_required
def end(policy_id: int, *, by: Actor, at: datetime, reason: str = "") -> None:
    """End a policy: nothing more is promised by it; what was promised stays. Raises: NotFound, SharingStateWrong."""
    row = BackorderPolicy.objects.select_for_update().filter(pk=policy_id).first()
    if row is None:
        raise NotFound(f"There is no backorder policy {policy_id}.", policy=policy_id)
    if row.ended_at is not None:
        raise SharingStateWrong("This policy has ended already.", state="ended")
    BackorderPolicy.objects.filter(pk=row.pk).update(ended_at=at)
    audit.record(
        "inventory.backorder_policies.end", "backorder_policy", row.pk, by=by, after={"ended_at": at}, reason=reason
    )
    _apply([row], row.pk, by=by, at=at)


@transaction_required
def apply_due(*, by: Actor, at: datetime) -> int:
    """Bring the limits of levels in line with the policies that hold at `at`; return how many levels changed."""
    return _apply(list(_active(at)), 0, by=by, at=at)


def terms_of(product_ids: Iterable[int], *, at: datetime) -> "Winners":
    """Return the policies that may hold for products, in one query or two."""
    wanted = set(product_ids)
    products = catalog.products_by_id(wanted)
    categories = {product.category for product in products.values() if product.category}
    rows = _active(at).filter(Q(product_id__in=wanted) | Q(category__in=categories))
    return Winners(list(rows), {product_id: product.category for product_id, product in products.items()})


def listed(*, at_most: int = MOST_LISTED) -> list[BackorderPolicy]:
    """Return the policies, newest first, with what their scopes name."""
    return list(BackorderPolicy.objects.select_related("product", "location").order_by("-pk")[:at_most])


class Winners:
    """The policies of some products, asked for the one that holds at a place."""

    def __init__(self, rows: Sequence[BackorderPolicy], categories: Mapping[int, str]) -> None:
        self._rows, self._categories = rows, categories

    def at(self, product_id: int, location_id: int) -> Terms | None:
        """Return what holds for a product at a place, if anything does."""
        category = self._categories.get(product_id, "")
        matching = [
            row
            for row in self._rows
            if (row.product_id == product_id or (row.category != "" and row.category == category))
            and row.location_id in (None, location_id)
        ]
        if not matching:
            return None
        row = max(matching, key=lambda row: (row.product_id is not None, row.location_id is not None, row.pk))
        return Terms(
            row.pk, row.name, row.kind, row.cap, row.safety, row.release_on, row.lead_days, frozenset(row.channel_ids)
        )  # fmt: skip


def _active(at: datetime) -> Any:
    return BackorderPolicy.objects.filter(ended_at__isnull=True).exclude(until__lte=at).order_by("pk")


def _apply(rows: Sequence[BackorderPolicy], policy_id: int, *, by: Actor, at: datetime) -> int:
    """Write the caps that hold now to the levels in the scopes of `rows`, and to those that have a limit."""
    conditions, parameters = ["l.backorder_limit > 0"], []
    for row in rows:
        condition = "l.product_id = %s" if row.product_id is not None else "p.category = %s"
        parameters.append(row.product_id if row.product_id is not None else row.category)
        if row.location_id is not None:
            condition += " AND l.location_id = %s"
            parameters.append(row.location_id)
        conditions.append(f"({condition})")
    with connection.cursor() as cursor:
        cursor.execute(_LEVELS.format(conditions=" OR ".join(conditions), most=MOST_LEVELS), parameters)
        found = cursor.fetchall()
    winners = terms_of({product_id for product_id, *_ in found}, at=at)
    changing = []
    for product_id, location_id, limit, waiting in found:
        terms = winners.at(product_id, location_id)
        if max(terms.cap if terms else 0, waiting) != limit:
            changing.append(LevelKey(product_id, location_id))
    if not changing:
        return 0
    levels = ledger.lock(changing, at=at)
    still = _waiting({level.id for level in levels.values()})
    limits = {}
    for key, level in levels.items():
        terms = winners.at(key.product_id, key.location_id)
        missing = max(level.allocated + level.held - level.on_hand, 0)
        limits[key] = max(terms.cap if terms else 0, still.get(level.id, 0), missing)
    ledger.limit(levels, limits)
    news.tell_products("backorder_policy", policy_id, {key.product_id for key in limits}, by=by, at=at)
    return len(limits)


def _waiting(level_ids: Iterable[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT level_id, sum(quantity - filled - released)::bigint FROM inventory_backorder"
            " WHERE level_id = ANY(%s::bigint[]) AND quantity > filled + released GROUP BY level_id",
            [ledger.numbers(level_ids)],
        )
        return dict(cursor.fetchall())


def _check(wanted: Draft, *, at: datetime) -> None:
    found: list[dict[str, Any]] = []

    def wrong(name: str, value: object, message: str) -> None:
        found.append({"field": name, "value": str(value), "message": message})

    if not wanted.name.strip() or len(wanted.name) > LONGEST_NAME:
        wrong("name", wanted.name, f"A policy has a name of up to {LONGEST_NAME} characters.")
    if wanted.kind not in set(PolicyKind):
        wrong("kind", wanted.kind, f"The kind is one of: {', '.join(PolicyKind)}.")
    if (wanted.product_id is None) == (not wanted.category):
        wrong("product", "", "A policy is about a product or about a category.")
    if wanted.product_id is not None:
        product = catalog.products_by_id([wanted.product_id]).get(wanted.product_id)
        if product is None or not product.has_stock:
            wrong("product", wanted.product_id, "There are no goods of this id.")
    if wanted.category and wanted.category not in queries.categories():
        wrong("category", wanted.category, "No product has this category.")
    if wanted.location_id is not None and wanted.location_id not in {place.id for place in locations.active()}:
        wrong("location", wanted.location_id, "There is no active location of this id.")
    if unknown := set(wanted.channel_ids) - {channel.id for channel in queries.channels()}:
        wrong("channels", sorted(unknown), "There is no such channel.")
    if not 1 <= wanted.cap <= MOST_PIECES:
        wrong("cap", wanted.cap, f"A cap is 1 to {MOST_PIECES} pieces.")
    if not 0 <= wanted.safety <= MOST_PIECES:
        wrong("safety", wanted.safety, "Safety is a whole number of pieces from 0.")
    if wanted.kind == PolicyKind.PREORDER and wanted.release_on is None:
        wrong("release_on", "", "A preorder says on which day the goods are released.")
    if wanted.release_on is not None and wanted.release_on < timezone.localdate(at):
        wrong("release_on", wanted.release_on, "The release lies in the past.")
    if wanted.lead_days is not None and not 0 <= wanted.lead_days <= LONGEST_LEAD_DAYS:
        wrong("lead_days", wanted.lead_days, f"Lead time is 0 to {LONGEST_LEAD_DAYS} days.")
    if wanted.until is not None and wanted.until <= at:
        wrong("until", wanted.until.isoformat(), "The end lies in the past.")
    if not found and _active(at).count() >= MOST_ACTIVE:
        wrong("name", wanted.name, f"{MOST_ACTIVE} policies hold already; end some first.")
    if found:
        raise InvalidInput(found[0]["message"], errors=found)
