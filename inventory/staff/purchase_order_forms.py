"""A purchase order while it is written on the screen: a supplier, and goods with pieces and days."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid4

from django.http import QueryDict
from django.utils.translation import gettext as _now

from commerce import catalog
from commerce.product_refs import ProductRef
from commerce.staff import shell
from inventory.models import PurchaseOrderLine
from inventory.procurement import checks, purchase_orders
from inventory.procurement.purchase_orders import OrderLine


@dataclass(frozen=True, slots=True)
class WantedLine:
    """One product as it stands in the form; None is what can't be read, or a day that is left to the supplier's calendar."""

    product: ProductRef
    typed: str
    typed_day: str = ""
    quantity: int | None = None
    expected_on: date | None = None
    error: str = ""
    is_fresh: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order while it is written. `id` is minted with the empty form, so that sending it twice makes one order."""

    id: UUID
    supplier: str = ""
    reference: str = ""
    note: str = ""
    lines: tuple[WantedLine, ...] = ()
    error: str = ""

    @classmethod
    def new(cls) -> "Wanted":
        return cls(uuid4())

    @classmethod
    def of(cls, order_id: UUID, lines: Iterable[PurchaseOrderLine]) -> "Wanted":
        """Return the form of an order as it stands."""
        ordered = [line for line in lines if line.quantity]
        products = catalog.products_by_id({line.product_id for line in ordered})
        return cls(
            order_id,
            lines=tuple(
                _line(products[line.product_id], str(line.quantity), line.expected_on.isoformat()) for line in ordered
            ),
        )

    @classmethod
    def from_form(cls, data: QueryDict) -> "Wanted":
        """Read an order as the form sends it; unknown goods and charges fall out."""
        skus = [shell.typed(sku) for sku in data.getlist("sku")][: checks.MOST_LINES]
        products = catalog.ids_of(skus)
        lines = tuple(
            _line(products[sku], quantity, day)
            for sku, quantity, day in zip(skus, data.getlist("quantity"), data.getlist("expected_on"), strict=False)
            if sku in products and products[sku].has_stock
        )
        try:
            order_id = UUID(data.get("order_id", ""))
        except ValueError:
            order_id = uuid4()
        return cls(
            order_id, shell.typed(data.get("supplier", "")),
            shell.typed(data.get("reference", ""))[: purchase_orders.LONGEST_REFERENCE],
            shell.typed(data.get("note", ""))[: purchase_orders.LONGEST_NOTE], lines,
        )  # fmt: skip

    def with_scan(self, product: ProductRef, pieces: int) -> "Wanted":
        """Return the order with one scan more: the product's first line counts up, or a new line comes first."""
        lines = [replace(line, is_fresh=False) for line in self.lines]
        at = next((number for number, line in enumerate(lines) if line.product.id == product.id), None)
        if at is None and len(lines) >= checks.MOST_LINES:
            return replace(self, error=_now("An order has at most %(n)s lines. Make another one.") % {"n": len(lines)})
        old = lines.pop(at) if at is not None else WantedLine(product, "0", quantity=0)
        line = replace(_line(product, str((old.quantity or 0) + pieces), old.typed_day), is_fresh=True)
        return replace(self, lines=(line, *lines), error="")

    def without(self, sku: str) -> "Wanted":
        return replace(self, lines=tuple(line for line in self.lines if line.product.sku != sku))

    def checked(self) -> "Wanted":
        """Return the order with a sentence where something is missing."""
        return (
            self if self.lines else replace(self, error=_now("Nothing is on the order yet. Scan or type goods first."))
        )

    @property
    def pieces(self) -> int:
        return sum(line.quantity or 0 for line in self.lines)

    @property
    def is_complete(self) -> bool:
        return bool(self.lines) and not self.error and not any(line.error for line in self.lines)

    def order_lines(self) -> list[OrderLine]:
        """Return what is to be ordered."""
        return [
            OrderLine(product_id=line.product.id, quantity=line.quantity or 0, expected_on=line.expected_on)
            for line in self.lines
        ]


def _line(product: ProductRef, text: str, day: str) -> WantedLine:
    text, day = text.strip(), day.strip()
    quantity = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
    try:
        expected_on = date.fromisoformat(day) if day else None
    except ValueError:
        return WantedLine(
            product, text, day, quantity, error=_now("Enter a day, or leave it to the supplier’s calendar.")
        )
    if quantity is None or quantity < 1:
        return WantedLine(
            product, text, day, None, expected_on, _now("Enter a whole number from 1, or remove the line.")
        )
    if quantity > checks.MOST_PIECES:
        sentence = _now("More than %(n)s pieces of one product: check the number.") % {"n": checks.MOST_PIECES}
        return WantedLine(product, text, day, None, expected_on, sentence)
    return WantedLine(product, text, day, quantity, expected_on)
