"""Products from a table (CSV or XLSX) with what they need besides being picked, each row on its own merit, every fault by its line.

A row names a product by its SKU: a new one is added, a known one changed, the same again changes nothing. An empty cell leaves
what is known; 0 minutes of preparation end it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from commerce import catalog
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from commerce.transactions import savepoint, transaction
from orders import preparation
from orders.models import PreparationTime
from orders.preparation import Needed, Said
from pricing.exchange import tables

AT_ONCE = 200
LONGEST_VALUE = 200  # of a cell in a fault
# Heading of each column, and what else it may be called.
NAMES: dict[str, tuple[str, ...]] = {
    "sku": ("sku", "artikelnummer", "artikel-nr", "artikelnr", "artikel"),
    "name": ("name", "bezeichnung"),
    "brand": ("brand", "marke"),
    "category": ("category", "kategorie", "warengruppe"),
    "tax_class": ("tax_class", "tax class", "steuerklasse"),
    "gtin": ("gtin", "ean", "barcode"),
    "weight_grams": ("weight_grams", "weight in g", "gewicht in g", "gewicht_g"),
    "length_mm": ("length_mm", "length in mm", "länge in mm"),
    "width_mm": ("width_mm", "width in mm", "breite in mm"),
    "height_mm": ("height_mm", "height in mm", "höhe in mm"),
    "minimum_age": ("minimum_age", "minimum age", "mindestalter"),
    "preparation_minutes": ("preparation_minutes", "preparation in minutes", "vorbereitung in minuten", "vorbereitungszeit"),
    "preparation_minutes_per_piece": (
        "preparation_minutes_per_piece", "preparation per piece", "vorbereitung je stück", "vorbereitungszeit je stück",
    ),
    "preparation_for": ("preparation_for", "preparation for", "vorbereitung wofür"),
}  # fmt: skip
TEXTS = ("name", "brand", "category", "tax_class")
NUMBERS = ("weight_grams", "length_mm", "width_mm", "height_mm", "minimum_age")
PREPARATION = {
    "minutes": "preparation_minutes", "minutes_per_piece": "preparation_minutes_per_piece", "what": "preparation_for",
}  # fmt: skip
WHOLE = (*NUMBERS, "preparation_minutes", "preparation_minutes_per_piece")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line, and the way out."""

    line: int
    field: str
    value: str
    message: str


@dataclass(slots=True)
class Loaded:
    """What came of a file: products added, changed and as they were, and its faults; a row with a fault was left out whole."""

    added: int = 0
    changed: int = 0
    same: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """A row that can be read: only what its cells say."""

    line: int
    sku: str
    values: Mapping[str, Any]


def read(content: bytes) -> Iterator[Row | list[Fault]]:
    """Yield the rows of a file, or what is wrong with each. Raises: pricing.exchange.tables.UnreadableFile."""
    rows = tables.rows(content)
    _line, first = next(rows)
    places, faults = _heading(first)
    if faults:
        yield faults
        return
    seen: set[str] = set()
    for line, cells in rows:
        found = {name: str(cells[place]).strip() if place < len(cells) else "" for name, place in places.items()}
        row = _row(line, {name: text for name, text in found.items() if text})
        if isinstance(row, Row) and row.sku in seen:
            yield [Fault(line, "sku", row.sku, "This product stands twice in the file; keep one row.")]
            continue
        if isinstance(row, Row):
            seen.add(row.sku)
        yield row


def load(rows: Iterable[Row | list[Fault]], *, by: Actor, is_trial: bool = False) -> Loaded:
    """Add and change the products of a file, some hundred in a transaction; on trial, only say what would come of it."""
    done, waiting = Loaded(), iter(rows)
    while batch := list(islice(waiting, AT_ONCE)):
        try:
            with transaction():
                _load(batch, done, by=by)
                if is_trial:
                    raise _OnlyTried
        except _OnlyTried:
            catalog.forget([row.sku for row in batch if isinstance(row, Row)])
            preparation.forget()
    return done


class _OnlyTried(Exception):
    """Takes back what was only tried."""


def _load(batch: Sequence[Row | list[Fault]], done: Loaded, *, by: Actor) -> None:
    known = catalog.products_by_sku([row.sku for row in batch if isinstance(row, Row)])
    said = {
        row.product_id: Needed(row.minutes, row.minutes_per_piece, row.what)
        for row in PreparationTime.objects.filter(product_id__in=[ref.id for ref in known.values()])
    }
    facts = catalog.facts(ref.id for ref in known.values())
    for row in batch:
        if not isinstance(row, Row):
            done.faults += row
            continue
        product = known.get(row.sku)
        try:
            with savepoint():
                has_changed = (
                    _change(row, product, facts[product.id], by=by) if product else _add(row, by=by)
                ) | _prepare(row, said.get(product.id) if product else None, by=by)
        except CommerceError as refusal:
            done.faults += _faults(row, refusal)
            continue
        if product is None:
            done.added += 1
        elif has_changed:
            done.changed += 1
        else:
            done.same += 1


def _add(row: Row, *, by: Actor) -> bool:
    gtins = [row.values["gtin"]] if "gtin" in row.values else []
    catalog.add_product(sku=row.sku, gtins=gtins, by=by, **({"name": ""} | _values(row)))
    return True


def _change(row: Row, product: ProductRef, facts: Mapping[str, Any], *, by: Actor) -> bool:
    """Write down what differs; return whether anything did."""
    changes = {name: value for name, value in _values(row).items() if facts[name] != value}
    if changes:
        catalog.change_product(product.id, by=by, **changes)
    is_new_code = "gtin" in row.values and catalog.add_gtin(product.id, row.values["gtin"], by=by) not in product.gtins
    return bool(changes) or is_new_code


def _values(row: Row) -> dict[str, Any]:
    return {name: row.values[name] for name in (*TEXTS, *NUMBERS) if name in row.values}


def _prepare(row: Row, said: Needed | None, *, by: Actor) -> bool:
    """Say what the product needs besides being picked, as far as the row does; return whether that was new."""
    needed = {name: row.values[column] for name, column in PREPARATION.items() if column in row.values}
    if not needed:
        return False
    product = catalog.products_by_sku([row.sku])[row.sku]
    old = said or Needed(0, 0, "")
    return bool(preparation.say([Said(product.id, "", replace(old, **needed))], by=by))


def _heading(cells: Sequence[object]) -> tuple[dict[str, int], list[Fault]]:
    by_name = {name: column for column, names in NAMES.items() for name in names}
    places: dict[str, int] = {}
    faults = []
    for place, cell in enumerate(cells):
        said = " ".join(str(cell).strip().lower().split())
        column = by_name.get(said)
        if column is None and said:
            faults.append(
                Fault(1, said[:LONGEST_VALUE], "", f"No column is called so; the known ones are: {', '.join(NAMES)}.")
            )
        elif column in places:
            faults.append(Fault(1, str(column), said, "This column stands twice; leave one out."))
        elif column is not None:
            places[column] = place
    if "sku" not in places:
        faults.append(Fault(1, "sku", "", "There is no column for it; call it sku or Artikelnummer."))
    return places, faults


def _row(line: int, cells: Mapping[str, str]) -> Row | list[Fault]:
    values: dict[str, Any] = {}
    faults = []
    for name, text in cells.items():
        if name not in WHOLE:
            values[name] = text
        elif text.isascii() and text.isdecimal() and len(text) < 10:
            values[name] = int(text)
        else:
            faults.append(Fault(line, name, text[:LONGEST_VALUE], "A whole number is expected, such as 15."))
    if not cells.get("sku"):
        faults.append(Fault(line, "sku", "", "The row names no product."))
    return faults or Row(line, values.pop("sku"), values)


def _faults(row: Row, refusal: CommerceError) -> list[Fault]:
    found = []
    for one in refusal.errors or [{"field": "sku", "value": row.sku, "message": refusal.message}]:
        name = str(one["field"]).removeprefix("items[0].")
        value = "" if one["value"] is None else str(one["value"])
        found.append(Fault(row.line, PREPARATION.get(name, name), value[:LONGEST_VALUE], str(one["message"])))
    return found
