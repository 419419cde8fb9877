"""What the stock page shows: one product at this store and elsewhere, its last movements, and what a search finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import catalog
from commerce.product_refs import ProductRef
from commerce.staff import people, shell
from inventory import availability, corrections, queries
from inventory.availability import Figure
from inventory.places import geography, locations
from inventory.places.locations import LocationRef
from inventory.staff import words

PRINTED_LENGTHS = (8, 12, 13, 14)  # GTIN-8, UPC-A, EAN-13, case packs
MOST_FOUND = 50
MOST_WORDS = 8
MOST_ELSEWHERE = 12
MOST_MOVEMENTS = 15
MOST_RECENT = 12


@dataclass(frozen=True, slots=True)
class Here:
    """A product's figures at the store at hand, in pieces. A product that was never here has zeros and no date."""

    on_hand: int = 0
    allocated: int = 0
    held: int = 0
    available: int = 0
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    location: LocationRef
    distance_km: float | None
    available: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One of the numbers that a movement changed, before and after."""

    what: str  # "on_hand", "allocated", "held"
    before: int
    after: int
    delta: int


@dataclass(frozen=True, slots=True)
class Movement:
    recorded_at: datetime
    label: Any
    icon: str
    reason: Any
    who: str
    changes: list[Change]
    correctable: UUID | None  # the entry's id where its opposite could put it right


@dataclass(frozen=True, slots=True)
class Hit:
    """A product in a list, with what is here of it."""

    sku: str
    name: str
    on_hand: int
    available: int
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the page says about one product."""

    product: ProductRef
    pieces: int
    here: Here
    elsewhere: list[Elsewhere]
    elsewhere_total: int
    movements: list[Movement]

    @property
    def components(self) -> list[tuple[ProductRef, int]]:
        """Return what is in a kit, with the pieces in one."""
        found = catalog.products_by_id([component_id for component_id, _ in self.product.components])
        return [(found[component_id], pieces) for component_id, pieces in self.product.components]

    @property
    def barcodes(self) -> list[str]:
        """Return the barcodes as they are printed: without the zeros that fill them up to 14 digits."""
        return [_printed(code) for code in self.product.gtins]


def card(product: ProductRef, store: shell.Store, *, pieces: int, at: datetime) -> Card:
    """Return the product's card, read with three queries however many stores there are."""
    figures = {figure.location_id: figure for figure in availability.figures([product.id], at=at)}
    here = figures.get(store.id)
    others = _elsewhere(list(figures.values()), locations.by_id(store.id))
    return Card(
        product=product,
        pieces=pieces,
        here=Here(here.on_hand, here.allocated, here.held, here.available, here.changed_at) if here else Here(),
        elsewhere=others[:MOST_ELSEWHERE],
        elsewhere_total=sum(other.available for other in others),
        movements=_movements(product.id, store.id),
    )


def _elsewhere(figures: Sequence[Figure], here: LocationRef) -> list[Elsewhere]:
    """Return the places that have some, nearest first; goods never cross a customs border for a customer's pickup."""
    found = []
    for figure in figures:
        place = locations.by_id(figure.location_id)
        is_reachable = place.is_active and geography.same_customs_area(place.country, here.country)
        if place.id == here.id or figure.available < 1 or not is_reachable:
            continue
        known = here.latitude is not None and here.longitude is not None
        distance = place.distance_to(here.latitude, here.longitude) if known else None  # type: ignore[arg-type]
        found.append(Elsewhere(place, distance, figure.available, figure.changed_at))
    return sorted(found, key=lambda one: (one.distance_km is None, one.distance_km or 0, one.location.code))


def _movements(product_id: int, location_id: int) -> list[Movement]:
    rows = queries.journal_of(product_id, location_id, at_most=MOST_MOVEMENTS)
    who = people.names((row.actor_kind, row.actor_id) for row in rows)
    return [
        Movement(
            recorded_at=row.recorded_at,
            label=words.kind(row.kind),
            icon=words.icon(row.kind),
            reason=words.reason(row.reason),
            who=who[row.actor_kind, row.actor_id],
            changes=[
                Change(what, after - delta, after, delta)
                for what, delta, after in (
                    ("on_hand", row.on_hand_delta, row.on_hand_after),
                    ("allocated", row.allocated_delta, row.allocated_after),
                    ("held", row.held_delta, row.held_after),
                )
                if delta
            ],
            correctable=None if corrections.obstacle(row.kind, row.cause_type, row.on_hand_delta) else row.id,
        )
        for row in rows
    ]


# Upper case on both sides, as the index `product_by_part_of_name` has it.
_SEARCH = """
SELECT p.id, p.sku, p.name FROM commerce_product p
LEFT JOIN inventory_stocklevel l ON l.product_id = p.id AND l.location_id = %s AND l.condition = 'sellable'
WHERE p.kind IN ('goods', 'kit') AND p.is_active AND (upper(p.sku) LIKE upper(%s) OR ({words}))
ORDER BY coalesce(l.on_hand, 0) > 0 DESC, p.name, p.sku LIMIT %s
"""
_RECENT = """
SELECT p.id, p.sku, p.name FROM inventory_stocklevel l JOIN commerce_product p ON p.id = l.product_id
WHERE l.location_id = %s AND l.condition = 'sellable' ORDER BY l.changed_at DESC, p.sku LIMIT %s
"""


def search(text: str, store: shell.Store, *, at: datetime) -> list[Hit]:
    """Return the goods whose SKU starts with `text`, or whose name holds all its words; what is here comes first."""
    patterns = [f"%{_literal(part)}%" for part in text.split()[:MOST_WORDS]]
    if not patterns:
        return []
    sql = _SEARCH.format(words=" AND ".join(["upper(p.name) LIKE upper(%s)"] * len(patterns)))
    return _hits(sql, [store.id, f"{_literal(text.strip())}%", *patterns, MOST_FOUND], store, at)


def recent(store: shell.Store, *, at: datetime) -> list[Hit]:
    """Return the products whose stock changed last at the store."""
    return _hits(_RECENT, [store.id, MOST_RECENT], store, at)


def _hits(sql: str, parameters: list[Any], store: shell.Store, at: datetime) -> list[Hit]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        products = cursor.fetchall()
    ids = [product_id for product_id, _sku, _name in products]
    here = {figure.product_id: figure for figure in availability.figures(ids, location_ids=[store.id], at=at)}
    return [
        Hit(
            sku,
            name,
            here[product_id].on_hand if product_id in here else 0,
            here[product_id].available if product_id in here else 0,
            here[product_id].changed_at if product_id in here else None,
        )
        for product_id, sku, name in products
    ]


def _printed(code: str) -> str:
    digits = code.lstrip("0")
    return digits.zfill(next(length for length in PRINTED_LENGTHS if length >= len(digits)))


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
