"""From a SKU, an id or a scanned code to the product it means. Hot paths are answered from a short memory.

What is remembered may be up to 15 seconds old; ids and SKUs never change, so only a name, a tax class or a barcode can
lag behind for that long.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db import connection

from commerce import gtin
from commerce.errors import UnknownProduct
from commerce.models import ProductGtin, ProductKind

Key = TypeVar("Key", str, int)

REMEMBERED_SECONDS = 15.0
UNKNOWN_REMEMBERED_SECONDS = 2.0  # new products sell at once, yet a wrong SKU sent in a loop costs no query each time
MOST_REMEMBERED = 200_000

_REFS = """
SELECT product.id, product.sku, product.name, product.kind, product.tax_class, product.is_active,
       coalesce((SELECT array_agg(gtin.gtin::text ORDER BY gtin.id) FROM commerce_productgtin gtin
                 WHERE gtin.product_id = product.id), '{}')
FROM commerce_product product WHERE product.%s = ANY(%%s)
"""


@dataclass(frozen=True, slots=True)
class ProductRef:
    """What other rooms need to know about a product. `gtins` have 14 digits; `kind` is "goods" or "charge"."""

    id: int
    sku: str
    name: str
    kind: str
    tax_class: str
    gtins: tuple[str, ...] = ()
    is_active: bool = True

    @property
    def has_stock(self) -> bool:
        return self.kind == ProductKind.GOODS


def products_by_sku(skus: Iterable[str]) -> dict[str, ProductRef]:
    """Return the products of `skus` as the database has them now, inactive ones too; unknown SKUs are missing."""
    return {ref.sku: ref for ref in _read("sku", list(skus))}


def products_by_id(product_ids: Iterable[int]) -> dict[int, ProductRef]:
    """Return products by id, from memory when they were read in the last 15 seconds; unknown ids are missing."""
    return _by_id.get(product_ids)


def ids_of(skus: Iterable[str]) -> dict[str, ProductRef]:
    """Return products by SKU like `products_by_sku`, from memory when they were read in the last 15 seconds."""
    return _by_sku.get(skus)


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
    _by_sku.forget(skus)
    _by_id.forget(None)


class _Memory(Generic[Key]):
    """A bounded memory of products by one of their keys. Misses are remembered too, much shorter."""

    def __init__(self, column: str, key_of: Callable[[ProductRef], Key]) -> None:
        self.column = column
        self.key_of: Callable[[ProductRef], Key] = key_of
        self.entries: dict[Key, tuple[float, ProductRef | None]] = {}
        self.lock = threading.Lock()

    def get(self, keys: Iterable[Key]) -> dict[Key, ProductRef]:
        now = time.monotonic()
        found: dict[Key, ProductRef] = {}
        missing: list[Key] = []
        for key in dict.fromkeys(keys):
            entry = self.entries.get(key)
            if entry is None or entry[0] < now:
                missing.append(key)
            elif entry[1] is not None:
                found[key] = entry[1]
        if missing:
            found.update(self._learn(missing, now))
        return found

    def _learn(self, keys: list[Key], now: float) -> dict[Key, ProductRef]:
        fresh = {self.key_of(ref): ref for ref in _read(self.column, keys)}
        with self.lock:
            if len(self.entries) + len(keys) > MOST_REMEMBERED:
                self.entries.clear()
            for key in keys:
                ref = fresh.get(key)
                kept = UNKNOWN_REMEMBERED_SECONDS if ref is None else REMEMBERED_SECONDS
                self.entries[key] = (now + kept, ref)
        return fresh

    def forget(self, keys: Iterable[Key] | None) -> None:
        with self.lock:
            if keys is None:
                self.entries.clear()
            else:
                for key in keys:
                    self.entries.pop(key, None)


_by_sku: _Memory[str] = _Memory("sku", lambda ref: ref.sku)
_by_id: _Memory[int] = _Memory("id", lambda ref: ref.id)


def _read(column: str, keys: Sequence[str] | Sequence[int]) -> list[ProductRef]:
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_REFS % column, [list(keys)])
        return [
            ProductRef(product_id, sku, name, kind, tax_class, tuple(gtins), is_active)
            for product_id, sku, name, kind, tax_class, is_active, gtins in cursor.fetchall()
        ]
