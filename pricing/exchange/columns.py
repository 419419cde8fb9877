"""What the columns of a file mean, in German and English, and rows made of them, every fault with its line. [pure]"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pricing.exchange import cells
from pricing.file_states import Kind

# Heading of each column as it is exported, and what else it may be called.
NAMES: dict[str, tuple[str, ...]] = {
    "sku": ("sku", "artikelnummer", "artikel", "artikel-nr", "artikelnr", "product", "item"),
    "price_list": ("price_list", "price list", "preisliste", "liste"),
    "min_quantity": ("min_quantity", "from quantity", "ab menge", "abmenge", "staffel", "menge"),
    "amount": ("amount", "price", "preis", "betrag", "vk", "verkaufspreis", "cost", "kosten", "einstand", "ek"),
    "currency": ("currency", "währung", "waehrung"),
    "valid_from": ("valid_from", "valid from", "from", "gültig ab", "gueltig ab", "gültig von", "ab", "von"),
    "valid_until": ("valid_until", "valid until", "until", "gültig bis", "gueltig bis", "bis"),
    "id": ("id", "code", "kennung"),
    "name": ("name", "bezeichnung"),
    "kind": ("kind", "art"),
    "percent": ("percent", "prozent", "rabatt"),
    "products": ("products", "produkte", "skus"),
    "categories": ("categories", "kategorien"),
    "document": ("document", "dokument"),
}  # fmt: skip
NEEDED = {
    Kind.PRICES: ("sku", "amount"),
    Kind.COSTS: ("sku", "amount"),
    Kind.PROMOTIONS: ("id",),
}
EXPORTED = {
    Kind.PRICES: ["price_list", "sku", "min_quantity", "amount", "currency", "valid_from", "valid_until"],
    Kind.COSTS: ["sku", "amount", "currency", "valid_from"],
    Kind.PROMOTIONS: [
        "id", "name", "kind", "percent", "amount", "products", "categories", "valid_from", "valid_until", "document",
    ],
}  # fmt: skip
LONGEST_VALUE = 200  # of a cell in a fault
HIGHEST_AMOUNT_MINOR = 10**12
HIGHEST_QUANTITY = 1_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a cell, and the way out."""

    line: int
    field: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of prices or costs as it was meant."""

    line: int
    sku: str
    price_list: str
    min_quantity: int
    amount_minor: int
    currency: str
    valid_from: datetime | None
    valid_until: datetime | None


def heading(found: Sequence[object], kind: Kind) -> tuple[dict[str, int], list[Fault]]:
    """Return where each column stands, and what is missing of the heading."""
    by_name = {name: field for field, names in NAMES.items() for name in names}
    places: dict[str, int] = {}
    faults = []
    for place, cell in enumerate(found):
        field = by_name.get(" ".join(str(cell).strip().lower().split()))
        if field is not None and field in places:
            faults.append(Fault(1, field, str(cell)[:LONGEST_VALUE], "This column stands twice; leave one out."))
        elif field is not None:
            places[field] = place
    for field in NEEDED[kind]:
        if field not in places:
            called = ", ".join(NAMES[field][:3])
            faults.append(Fault(1, field, "", f"There is no column for it; call it one of these: {called}."))
    return places, faults


def read(
    line: int, found: Sequence[object], places: Mapping[str, int], *, price_list: str, currencies: Mapping[str, str]
) -> Row | list[Fault]:
    """Return a row of prices (or of costs: `price_list` is empty), or all that is wrong with it.

    `currencies` says the currency of each price list; the one for "" is taken where a row of costs names none.
    """
    faults: list[Fault] = []

    def cell(field: str) -> object:
        place = places.get(field)
        return found[place] if place is not None and place < len(found) else ""

    def parsed(field: str, parse: Callable[[object], Any], default: Any) -> Any:
        value = cell(field)
        if value is None or not str(value).strip():
            return default
        try:
            return parse(value)
        except ValueError as error:
            faults.append(Fault(line, field, str(value)[:LONGEST_VALUE], str(error)))
            return default

    sku = _text(cell("sku"))
    if not sku:
        faults.append(Fault(line, "sku", "", "Say which product is meant."))
    named = _text(cell("price_list")) or price_list
    currency = _text(cell("currency")).upper()
    if named not in currencies:
        way_out = "Name one in the column price_list, or choose one for the whole file."
        faults.append(Fault(line, "price_list", named[:LONGEST_VALUE], f"There is no such price list. {way_out}"))
    elif named and currency and currency != currencies[named]:
        message = f"The list {named} is in {currencies[named]}; take a list in {currency}, or convert the price."
        faults.append(Fault(line, "currency", currency[:LONGEST_VALUE], message))
    kept = currency or currencies.get(named, "")
    amount = 0
    raw = cell("amount")
    if len(kept) != 3 or not kept.isascii() or not kept.isalpha():
        if named in currencies:
            message = "A currency is its three-letter ISO code, such as EUR."
            faults.append(Fault(line, "currency", kept[:LONGEST_VALUE], message))
    elif not str(raw).strip():
        faults.append(Fault(line, "amount", "", "Say the amount, such as 12.50."))
    else:
        amount = parsed("amount", lambda value: cells.amount_minor(value, kept), 0)
        if not 0 <= amount <= HIGHEST_AMOUNT_MINOR:
            faults.append(
                Fault(line, "amount", str(raw)[:LONGEST_VALUE], "An amount is not negative, and not that large.")
            )
    quantity = parsed("min_quantity", cells.whole, 1)
    if not 1 <= quantity <= HIGHEST_QUANTITY:
        faults.append(Fault(line, "min_quantity", str(quantity), "A price holds from 1 to 1,000,000 pieces on."))
    begins, ends = parsed("valid_from", cells.instant, None), parsed("valid_until", cells.instant, None)
    if begins is not None and ends is not None and ends <= begins:
        message = "It ends before it begins; set a later end or leave it out."
        faults.append(Fault(line, "valid_until", str(cell("valid_until"))[:LONGEST_VALUE], message))
    return faults or Row(line, sku, named, quantity, amount, kept, begins, ends)


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # a spreadsheet took a SKU for a number
    return str(cell if cell is not None else "").strip()


def rejects(faults: Sequence[Fault]) -> Iterator[list[str]]:
    """Yield faults as rows of a file, for whoever mends them."""
    for one in faults:
        yield [str(one.line), one.field, cells.guarded(one.value), one.message]


REJECTS = ["line", "field", "value", "message"]
