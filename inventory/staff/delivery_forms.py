"""What is counted of a delivery on the screen, against what was ordered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

from django.http import QueryDict
from django.utils.translation import gettext as _now

from commerce import catalog
from commerce.product_refs import ProductRef
from commerce.staff import shell
from inventory.models import PurchaseOrderLine
from inventory.procurement import goods_in
from inventory.staff.forms import MOST_PIECES_PER_LINE
from inventory.stock import Condition

MOST_PRODUCTS = goods_in.MOST_LINES // 2  # each may come in two conditions


@dataclass(frozen=True, slots=True)
class CountLine:
    """One product: pieces ordered, come before, and counted now: intact and damaged. None while it can't be read."""

    product: ProductRef
    ordered: int
    came: int
    intact: int | None = 0
    damaged: int | None = 0
    typed: tuple[str, str] = ("", "")
    error: str = ""
    is_fresh: bool = False  # the line that the last scan changed

    @property
    def left(self) -> int:
        return max(self.ordered - self.came, 0)

    @property
    def counted(self) -> int:
        return (self.intact or 0) + (self.damaged or 0)

    @property
    def over(self) -> int:
        return max(self.counted - self.left, 0)

    @property
    def missing(self) -> int:
        return max(self.left - self.counted, 0)

    @property
    def is_right(self) -> bool:
        return self.counted == self.left and not self.error


@dataclass(frozen=True, slots=True)
class Count:
    """A delivery while it is counted. `id` is minted with the empty form, so that sending it twice books once."""

    id: UUID
    lines: tuple[CountLine, ...]
    error: str = ""
    stranger: ProductRef | None = None  # scanned, but not on the order
    stranger_pieces: int = 1
    is_damaged: bool = False  # what is scanned next

    @classmethod
    def of(cls, ordered: Iterable[PurchaseOrderLine]) -> "Count":
        """Return the empty count of an order, in the order of its lines."""
        sums: dict[int, tuple[int, int]] = {}
        for line in ordered:
            quantity, received = sums.get(line.product_id, (0, 0))
            sums[line.product_id] = quantity + line.quantity, received + line.received
        products = catalog.products_by_id(sums)
        return cls(
            uuid4(),
            tuple(CountLine(products[product_id], *numbers) for product_id, numbers in sums.items() if numbers[0]),
        )

    def filled(self, data: QueryDict) -> "Count":
        """Return the count as the form sends it; products beyond the order come last."""
        known = {line.product.sku: line for line in self.lines}
        skus = [shell.typed(sku) for sku in data.getlist("sku")][:MOST_PRODUCTS]
        others = catalog.ids_of([sku for sku in skus if sku not in known])
        for sku, intact, damaged in zip(skus, data.getlist("intact"), data.getlist("damaged"), strict=False):
            if sku not in known:
                product = others.get(sku)
                if product is None or not product.has_stock:
                    continue
                known[sku] = CountLine(product, 0, 0)
            known[sku] = _read(known[sku], intact, damaged)
        return replace(
            self, id=_uuid(data.get("delivery_id")), lines=tuple(known.values()), is_damaged=data.get("as") == "damaged"
        )

    def with_scan(self, product: ProductRef, pieces: int, *, is_wanted: bool = False) -> "Count":
        """Return the count with one scan more. What is not on the order has to be wanted first."""
        at = next((number for number, line in enumerate(self.lines) if line.product.id == product.id), None)
        if at is None and not is_wanted:
            return replace(self, stranger=product, stranger_pieces=pieces)
        if at is None and len(self.lines) >= MOST_PRODUCTS:
            return replace(
                self, error=_now("A booking has at most %(n)s products. Book these in first.") % {"n": MOST_PRODUCTS}
            )
        lines = [replace(line, is_fresh=False) for line in self.lines]
        line = lines.pop(at) if at is not None else CountLine(product, 0, 0)
        if self.is_damaged:
            line = _read(line, str(line.intact or 0), str((line.damaged or 0) + pieces))
        else:
            line = _read(line, str((line.intact or 0) + pieces), str(line.damaged or 0))
        return replace(self, lines=(replace(line, is_fresh=True), *lines), error="", stranger=None)

    def as_ordered(self) -> "Count":
        """Return the count with everything that is still to come, intact."""
        return replace(
            self, lines=tuple(_read(line, str(line.left), "0") for line in self.lines), error="", stranger=None
        )

    def checked(self) -> "Count":
        """Return the count with a sentence where something is missing."""
        if not self.pieces and not any(line.error for line in self.lines):
            return replace(self, error=_now("Nothing was counted yet. Scan the goods first, then book them in."))
        return self

    @property
    def pieces(self) -> int:
        return sum(line.counted for line in self.lines)

    @property
    def left(self) -> int:
        return sum(line.left for line in self.lines)

    @property
    def over(self) -> int:
        return sum(line.over for line in self.lines)

    @property
    def is_complete(self) -> bool:
        """Whether it can be booked."""
        return bool(self.pieces) and not self.error and not any(line.error for line in self.lines)

    def counted(self) -> Sequence[tuple[ProductRef, Condition, int]]:
        """Return what is to be booked."""
        return [
            (line.product, condition, pieces)
            for line in self.lines
            for condition, pieces in ((Condition.SELLABLE, line.intact), (Condition.DAMAGED, line.damaged))
            if pieces
        ]


def _read(line: CountLine, intact: str, damaged: str) -> CountLine:
    numbers = [_number(text) for text in (intact, damaged)]
    error = ""
    if None in numbers:
        error = _now("Enter whole numbers; 0 when none came.")
    elif sum(number or 0 for number in numbers) > MOST_PIECES_PER_LINE:
        error = _now("More than %(n)s pieces of one product: check the number.") % {"n": MOST_PIECES_PER_LINE}
    return replace(line, intact=numbers[0], damaged=numbers[1], typed=(intact.strip(), damaged.strip()), error=error)


def _number(text: str) -> int | None:
    text = text.strip() or "0"
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return uuid4()
