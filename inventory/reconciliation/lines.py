"""Lines of a statement as a source writes them, SKUs and barcodes, made into products and pieces; faults stay single."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from commerce import catalog, gtin

SKU, GTIN = "sku", "gtin"


@dataclass(frozen=True, slots=True)
class Named:
    """A line as it was sent: a product by its SKU or barcode, and how many units of that."""

    by: str  # SKU or GTIN
    name: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that could not be read: its place among the lines, what it said, and why not."""

    place: int
    by: str
    name: str
    message: str


def resolved(lines: Sequence[Named]) -> tuple[dict[int, int], list[Rejected]]:
    """Return pieces by product id, and the lines that name no goods; with two queries for any number of lines.

    A product named by several names (pieces and cases) is summed; the same name again is rejected, for nobody can know which
    of its figures is meant.
    """
    skus = catalog.ids_of(dict.fromkeys(line.name for line in lines if line.by == SKU))
    codes = _barcodes([line.name for line in lines if line.by == GTIN])
    pieces: dict[int, int] = {}
    rejected: list[Rejected] = []
    seen: set[tuple[str, str]] = set()
    for place, line in enumerate(lines):
        if line.by == SKU:
            ref = skus.get(line.name)
            found = (ref.id, 1) if ref is not None else None
        else:
            found = codes.get(line.name)
        fault = ""
        if found is None:
            fault = "no product has this SKU" if line.by == SKU else "no product has this barcode"
        elif (line.by, line.name) in seen:
            fault = "was named before in this statement"
        elif not catalog.products_by_id([found[0]])[found[0]].has_stock:
            fault = "has no stock of its own"
        if fault or found is None:
            rejected.append(Rejected(place, line.by, line.name, fault))
            continue
        seen.add((line.by, line.name))
        pieces[found[0]] = pieces.get(found[0], 0) + line.quantity * found[1]
    return pieces, rejected


def _barcodes(texts: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return (product id, pieces) by barcode as it was written; unknown and malformed ones are missing."""
    normal: dict[str, str] = {}
    for text in texts:
        try:
            normal[text] = gtin.normalise(text)
        except ValueError:
            continue
    if not normal:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT gtin::text, product_id, pieces FROM commerce_productgtin WHERE gtin = ANY(%s)",
            [list(normal.values())],
        )
        known = {code: (product_id, pieces) for code, product_id, pieces in cursor.fetchall()}
    return {text: known[code] for text, code in normal.items() if code in known}
