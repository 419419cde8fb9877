"""From a SKU, an id or a scanned code to the product it means. Hot paths are answered from a short memory.

What is remembered may be two seconds old; ids and SKUs never change, so only a name, a tax class or a barcode can lag
behind for that long.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection

from commerce import clock, gtin
from commerce.errors import UnknownProduct
from commerce.models import ProductGtin, ProductKind
from commerce.postgresql import prepared

Key = TypeVar("Key", str, int)

FRESH_FOR_SECONDS = 2.0
LONGEST_WRITE = timedelta(seconds=60)  # a change may commit that long after the instant it bears
UNKNOWN_REMEMBERED_SECONDS = 2.0  # new products sell at once, yet a wrong SKU sent in a loop costs no query each time
MOST_REMEMBERED = 200_000
READS_AHEAD = (
    100  # a new process asked for 10,000 products one by one spent a third of its work on being told of each once
)
READS_AHEAD_BELOW = (
    20_000  # of what is remembered; past it, what else is asked for comes from a catalogue too large to guess
)

_REFS = """
SELECT product.id, product.sku, product.name, product.kind, product.tax_class, product.is_active, product.category,
       coalesce((SELECT array_agg(gtin.gtin::text ORDER BY gtin.id) FROM commerce_productgtin gtin
                 WHERE gtin.product_id = product.id), '{}'),
       CASE WHEN product.kind = 'kit' THEN
           (SELECT array_agg(ARRAY[part.component_id, part.quantity] ORDER BY part.component_id)
            FROM commerce_kitcomponent part WHERE part.kit_id = product.id) END,
       product.minimum_age, product.weight_grams, product.length_mm, product.width_mm, product.height_mm
FROM commerce_product product WHERE """
_AHEAD = (
    _REFS
    + """product.id IN (
    SELECT wanted.id FROM commerce_product wanted WHERE {wanted}
    UNION (SELECT later.id FROM commerce_product later
           WHERE later.id > (SELECT min(wanted.id) FROM commerce_product wanted WHERE {wanted})
           ORDER BY later.id LIMIT """
    + f"{READS_AHEAD}))"
)
_READ = {
    "sku": _REFS + "product.sku = ANY(%(wanted)s::text[])",
    "id": _REFS + "product.id = ANY(%(wanted)s::bigint[])",
    "sku ahead": _AHEAD.replace("{wanted}", "wanted.sku = ANY(%(wanted)s::text[])"),
    "id ahead": _AHEAD.replace("{wanted}", "wanted.id = ANY(%(wanted)s::bigint[])"),
    "updated_at": _REFS + "product.updated_at >= %(wanted)s::timestamptz",
    # After an import, what was seen already is not told every two seconds for a minute.
    "unseen": _REFS
    + """product.updated_at >= %(wanted)s::timestamptz AND NOT pg_visible_in_snapshot(
        greatest(  -- the row's 32 bits, as near to the snapshot as they can be
            mod(product.xmin::text::bigint - mod(%(seen)s::bigint, 4294967296) + 6442450944, 4294967296)
            - 2147483648 + %(seen)s::bigint, 3)::text::xid8,
        %(since)s::text::pg_snapshot)""",
}
_SNAPSHOT = "SELECT now::text, pg_snapshot_xmax(now)::text::bigint FROM pg_current_snapshot() AS now"


@dataclass(frozen=True, slots=True)
class ProductRef:
    """What other rooms need to know about a product. `gtins` have 14 digits; `kind` is "goods", "charge" or "kit".

    `components` are those of a kit: (product id, pieces in one kit), by product id.
    """

    id: int
    sku: str
    name: str
    kind: str
    tax_class: str
    gtins: tuple[str, ...] = ()
    is_active: bool = True
    category: str = ""
    components: tuple[tuple[int, int], ...] = ()
    minimum_age: int | None = None  # who may have it, in years
    weight_grams: int | None = None
    volume_mm3: int | None = None  # of the box around it, where all three measures are known

    @property
    def has_stock(self) -> bool:
        return self.kind == ProductKind.GOODS

    @property
    def is_kit(self) -> bool:
        """Whether it stands for its components, which have the stock."""
        return self.kind == ProductKind.KIT


def products_by_sku(skus: Iterable[str]) -> dict[str, ProductRef]:
    """Return the products of `skus` as the database has them now, inactive ones too; unknown SKUs are missing."""
    return {ref.sku: ref for ref in _read("sku", list(skus))}


def products_by_id(product_ids: Iterable[int]) -> dict[int, ProductRef]:
    """Return products by id, from memory where they are known; unknown ids are missing."""
    return _memory.get("id", product_ids)


def ids_of(skus: Iterable[str]) -> dict[str, ProductRef]:
    """Return products by SKU like `products_by_sku`, from memory where they are known."""
    return _memory.get("sku", skus)


def known(skus: Sequence[str], *, at: str = "lines[{}].sku") -> dict[str, ProductRef]:
    """Return the products of all `skus`, or refuse naming each unknown one and its place (`at` with the position).

    Raises: UnknownProduct.
    """
    found = ids_of(skus)
    if len(found) < len(set(skus)):
        unknown = [(position, sku) for position, sku in enumerate(skus) if sku not in found]
        raise UnknownProduct(
            f"There is no product {unknown[0][1]}.",
            errors=[
                {"field": at.format(position), "value": sku, "message": "There is no product with this SKU."}
                for position, sku in unknown[:100]
            ],
            skus=sorted({sku for _position, sku in unknown})[:100],
        )
    return found


def product_by_barcode(text: str) -> tuple[ProductRef, int] | None:
    """Return the product a scan means and how many pieces of it, or None. A label may carry the SKU instead of a GTIN."""
    scanned = text.strip()
    try:
        code = gtin.normalise(scanned)
    except ValueError:
        code = None
    if code is not None:
        row = ProductGtin.objects.filter(gtin=code).values_list("product_id", "pieces").first()
        if row is not None:
            return products_by_id([row[0]])[row[0]], row[1]
    ref = products_by_sku([scanned]).get(scanned) if scanned and "\x00" not in scanned else None
    return (ref, 1) if ref is not None else None


def forget(skus: Iterable[str] | None = None) -> None:
    """Drop what this process remembers of products (all of them without `skus`)."""
    if skus is None:
        _memory.forget()
    else:
        _memory.drop(skus)


class _Memory:
    """What this process knows of products. Entries stay; once every few seconds one query asks what changed lately.

    So a catalogue of any size costs one query per product and process, ever, and a change is known everywhere within
    FRESH_FOR_SECONDS. While little is known, those that were added after a product are read with it: they mostly sell
    beside it. Unknown keys are remembered shortly.
    """

    def __init__(self) -> None:
        self.by_sku: dict[str, ProductRef] = {}
        self.by_id: dict[int, ProductRef] = {}
        self.unknown: dict[str | int, float] = {}
        self.looked_at = time.monotonic()
        self.looks = 0  # that ended: what was read before one of them may be older than what it found
        self.seen: tuple[str, int] | None = None  # the snapshot of the last look, and its end: what it showed is known
        self.lock = threading.Lock()
        self.looking = threading.Lock()

    def get(self, column: str, keys: Iterable[Key]) -> dict[Key, ProductRef]:
        now = time.monotonic()
        if now - self.looked_at > FRESH_FOR_SECONDS:
            self._refresh(now)
        looks = self.looks
        entries: dict[Any, ProductRef] = self.by_sku if column == "sku" else self.by_id
        found: dict[Key, ProductRef] = {}
        missing: list[Key] = []
        for key in keys:
            ref = entries.get(key)
            if ref is not None:
                found[key] = ref
            elif self.unknown.get(key, 0.0) < now:
                missing.append(key)
        if missing:
            # Not in a transaction: products that it added may never come to be, and nobody asked for those.
            is_cold = (
                len(entries) < READS_AHEAD_BELOW and len(missing) <= READS_AHEAD and not connection.in_atomic_block
            )
            fresh = _read(f"{column} ahead" if is_cold else column, list(dict.fromkeys(missing)))
            self._learn(fresh, looks)
            learned: dict[Any, ProductRef] = {ref.sku if column == "sku" else ref.id: ref for ref in fresh}
            with self.lock:
                if len(self.unknown) > MOST_REMEMBERED:
                    self.unknown.clear()
                for key in missing:
                    if key in learned:
                        found[key] = learned[key]
                    else:
                        self.unknown[key] = now + UNKNOWN_REMEMBERED_SECONDS
        return found

    def forget(self) -> None:
        with self.lock:
            self.by_sku, self.by_id, self.unknown = {}, {}, {}

    def drop(self, skus: Iterable[str]) -> None:
        with self.lock:
            for sku in skus:
                self.unknown.pop(sku, None)
                ref = self.by_sku.pop(sku, None)
                if ref is not None:
                    self.by_id.pop(ref.id, None)

    def _learn(self, refs: Sequence[ProductRef], looks: int) -> None:
        """Remember products that were read after so many looks, unless another one ended meanwhile."""
        with self.lock:
            if looks != self.looks:
                return
            if len(self.by_sku) + len(refs) > MOST_REMEMBERED:
                self.by_sku, self.by_id = {}, {}
            for ref in refs:
                self.by_sku[ref.sku] = self.by_id[ref.id] = ref

    def _refresh(self, now: float) -> None:
        """Read again what changed since the last look; one thread does it, the others go on."""
        if not self.looking.acquire(blocking=False):
            return
        try:
            since, self.looked_at = self.looked_at, now
            if not self.by_id:
                return
            begin = clock.now() - timedelta(seconds=now - since) - LONGEST_WRITE
            seen = self.seen if now - since < LONGEST_WRITE.total_seconds() else None
            with connection.cursor() as cursor:
                cursor.execute(_SNAPSHOT)
                snapshot = cursor.fetchone()
            changed = _read("unseen", begin, since=seen) if seen else _read("updated_at", begin)
            self._learn([ref for ref in changed if ref.id in self.by_id], self.looks)
            self.looks += 1
            self.seen = snapshot
        finally:
            self.looking.release()


_memory = _Memory()


def _read(
    column: str, wanted: Sequence[str] | Sequence[int] | datetime, *, since: tuple[str, int] | None = None
) -> list[ProductRef]:
    """Read products by SKU or id (`ahead`: and those after the first of them), or those that changed since an instant, or
    of these the `unseen`, which the snapshot `since` (with its end) did not show.
    """
    if not wanted:
        return []
    snapshot, seen = since or (None, None)
    params = {"wanted": wanted, "since": snapshot, "seen": seen}
    with connection.cursor() as cursor:
        prepared.execute(cursor, _READ[column], params, by_index=column.endswith("ahead"))
        return [
            ProductRef(
                product_id,
                sku,
                name,
                kind,
                tax_class,
                tuple(gtins),
                is_active,
                category,
                tuple((component_id, pieces) for component_id, pieces in components or ()),
                minimum_age,
                weight_grams,
                volume(*sides),
            )
            for (
                product_id, sku, name, kind, tax_class, is_active, category, gtins, components, minimum_age,
                weight_grams, *sides,
            ) in cursor.fetchall()
        ]  # fmt: skip


def volume(length_mm: int | None, width_mm: int | None, height_mm: int | None) -> int | None:
    """Return the volume of a box in mm³, or None when one of its measures is not known."""
    return length_mm * width_mm * height_mm if length_mm and width_mm and height_mm else None
