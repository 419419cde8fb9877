"""Movements that people and systems report: goods received, stock adjusted. Each idempotent by its caller-minted id."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from django.db import connection

from commerce import audit, catalog
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import expiry, kits, ledger
from inventory.errors import NotFreeToMove, NotGoods, StockRuleViolated
from inventory.ledger import Level, LevelKey, Posting
from inventory.stock import Condition, Counterparty, EntryKind


class Named(Protocol):
    """A line that its caller gave an id."""

    @property
    def id(self) -> UUID: ...


class StockLine(Named, Protocol):
    """A line about one product in one condition."""

    @property
    def product_id(self) -> int: ...
    @property
    def condition(self) -> Condition: ...


Line = TypeVar("Line", "Receipt", "Adjustment")
NamedLine = TypeVar("NamedLine", bound=Named)

MOST_LINES = 500
MOST_PIECES = 1_000_000


@dataclass(frozen=True, slots=True)
class Receipt:
    """Goods that came in. `id` names this line for ever: the same id again books nothing again."""

    id: UUID
    product_id: int
    location_id: int
    quantity: int
    condition: Condition = Condition.SELLABLE


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction of what is on hand by `delta` pieces, with a reason. `id` as in Receipt."""

    id: UUID
    product_id: int
    location_id: int
    delta: int
    reason: str
    condition: Condition = Condition.SELLABLE


@transaction_required
def receive(
    lines: Sequence[Receipt],
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
    source: str = "",
    occurred_at: datetime | None = None,
) -> int:
    """Book goods in from a supplier and return how many lines were new (a replayed line books nothing)."""
    check(lines)
    if any(line.quantity < 1 for line in lines):
        raise ValueError("a receipt has at least one piece per line")
    levels = _lock(lines, at=at)
    fresh = unbooked(lines)
    ledger.post(
        levels,
        [
            Posting(
                line.id, LevelKey(line.product_id, line.location_id, line.condition.value), EntryKind.RECEIVED,
                on_hand=line.quantity, counterparty=Counterparty.SUPPLIER, reason=reason, source=source,
                occurred_at=occurred_at,
            )
            for line in fresh
        ],
        by=by,
        at=at,
    )  # fmt: skip
    record(
        "inventory.movements.receive",
        [(line.location_id, line.product_id, line.quantity) for line in fresh],
        reason,
        by,
    )
    return len(fresh)


@transaction_required
def adjust(
    lines: Sequence[Adjustment], *, by: Actor, at: datetime, source: str = "", occurred_at: datetime | None = None
) -> int:
    """Correct what is on hand, up (found) or down (shrinkage), and return how many lines were new.

    Where a backorder policy gives room, the youngest promises wait for new goods instead.
    Raises: StockRuleViolated when a level would fall below what is promised or held, that room included.
    """
    check(lines)
    if any(line.delta == 0 for line in lines):
        raise ValueError("an adjustment changes something")
    levels = _lock(lines, at=at)
    fresh = unbooked(lines)
    postings = expiry.sweep(levels, by=by, at=at)
    left = {key: level.free - sum(p.held for p in postings if p.key == key) for key, level in levels.items()}
    for number, line in enumerate(fresh):
        key = LevelKey(line.product_id, line.location_id, line.condition.value)
        left[key] += line.delta
        if left[key] < 0:
            level = levels[key]
            raise StockRuleViolated(
                f"Only {max(left[key] - line.delta, 0)} of {level.on_hand} pieces are free; {level.allocated} are promised to "
                "orders and others are in baskets. Cancel or move those first, or adjust by less.",
                errors=[{"field": f"lines[{number}]", "value": line.delta, "message": "below what is promised"}],
                on_hand=level.on_hand,
                allocated=level.allocated,
                held=level.held,
            )
    postings += [
        Posting(
            line.id, LevelKey(line.product_id, line.location_id, line.condition.value), EntryKind.ADJUSTED,
            on_hand=line.delta, counterparty=Counterparty.FOUND if line.delta > 0 else Counterparty.SHRINKAGE,
            reason=line.reason, source=source, occurred_at=occurred_at,
        )
        for line in fresh
    ]  # fmt: skip
    ledger.post(levels, postings, by=by, at=at)
    record(
        "inventory.movements.adjust",
        [(line.location_id, line.product_id, line.delta) for line in fresh],
        fresh[0].reason if fresh else "",
        by,
    )
    return len(fresh)


def check(lines: Sequence[StockLine]) -> None:
    """Make sure that the lines can be booked at all. Raises: NotGoods, InvalidInput."""
    if len(lines) > MOST_LINES:
        raise ValueError(f"at most {MOST_LINES} lines at once, not {len(lines)}")
    refuse_charges([line.product_id for line in lines])
    for number, line in enumerate(lines):
        refuse_in_transit(line.condition, field=f"lines[{number}].condition")


def refuse_charges(product_ids: Sequence[int]) -> None:
    """Make sure that all products are goods. Raises: NotGoods, with the place of each that is not."""
    products = catalog.products_by_id(set(product_ids))
    charges = [
        (number, products[product_id])
        for number, product_id in enumerate(product_ids)
        if product_id in products and not products[product_id].has_stock
    ]
    if charges:
        raise NotGoods(
            kits.no_stock(charges[0][1]),
            errors=[
                {"field": f"lines[{number}]", "value": product.sku, "message": kits.no_stock(product)}
                for number, product in charges
            ],
        )


def refuse_in_transit(condition: Condition, *, field: str = "condition") -> None:
    """Goods in transit belong to transfers, which alone move them. Raises: InvalidInput."""
    if condition is Condition.IN_TRANSIT:
        message = "Goods in transit belong to a transfer: receive, close or cancel that."
        raise InvalidInput(message, errors=[{"field": field, "value": condition.value, "message": message}])


def make_room(
    levels: dict[LevelKey, Level], leaving: Mapping[LevelKey, int], *, by: Actor, at: datetime
) -> list[Posting]:
    """Make sure that pieces of locked levels are free to leave, and return the postings that end expired holds there.

    Free is what is really there and promised to nobody: backorders don't count. Raises: NotFreeToMove, naming each level.
    """
    postings = expiry.sweep(levels, by=by, at=at)
    free = {key: level.on_hand - level.allocated - level.held for key, level in levels.items()}
    for posting in postings:
        free[posting.key] -= posting.held
    short = [key for key, pieces in leaving.items() if free[key] < pieces]
    if short:
        names = catalog.products_by_id([key.product_id for key in short])
        lines: list[dict[str, Any]] = [
            {
                "sku": names[key.product_id].sku, "condition": key.condition, "wanted": leaving[key],
                "free": max(free[key], 0), "on_hand": levels[key].on_hand, "allocated": levels[key].allocated,
                "held": levels[key].on_hand - levels[key].allocated - free[key],
            }
            for key in short
        ]  # fmt: skip
        first = names[short[0].product_id]
        raise NotFreeToMove(
            f"{first.name}: {lines[0]['wanted']} wanted, {lines[0]['free']} free; of {lines[0]['on_hand']} on hand "
            f"{lines[0]['allocated']} are promised to orders and {lines[0]['held']} are in baskets. Take fewer, or free some.",
            lines=lines,
            name=first.name,
            wanted=lines[0]["wanted"],
            free=lines[0]["free"],
            on_hand=lines[0]["on_hand"],
            allocated=lines[0]["allocated"],
            held=lines[0]["held"],
        )
    return postings


def _lock(lines: Sequence[Line], *, at: datetime) -> dict[LevelKey, Level]:
    keys = {LevelKey(line.product_id, line.location_id, line.condition.value) for line in lines}
    return ledger.lock(keys, at=at, create=True)


def unbooked(lines: Sequence[NamedLine]) -> list[NamedLine]:
    """Return the lines that were not booked before. Their levels must be locked: a twin that runs now waits there."""
    known = booked(line.id for line in lines)
    return [line for line in lines if line.id not in known]


def booked(entry_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of the ids that name an entry of the journal."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM inventory_stockentry WHERE id = ANY(%s::uuid[])", [ledger.uuids(entry_ids)])
        return {row[0] for row in cursor.fetchall()}


def record(verb: str, lines: Sequence[tuple[int, int, int]], reason: str, by: Actor) -> None:
    """Record what a verb moved in the audit of the places: lines are (location, product, pieces)."""
    audit.record_many(
        [
            audit.AuditRow(
                verb=verb, object_type="location", object_id=str(location_id), after={"product_id": product_id, "pieces": pieces},
                reason=reason,
            )
            for location_id, product_id, pieces in lines
        ],
        by=by,
    )  # fmt: skip
