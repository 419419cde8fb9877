"""What staff type on the stock pages: a delivery with its lines, and a correction."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from commerce import catalog
from commerce.product_refs import ProductRef
from commerce.staff import shell
from inventory import movements
from inventory.staff import words

MOST_PIECES_PER_LINE = 99_999  # more is a slip of the scanner, not a delivery to a store
LONGEST_NOTE = 60  # characters; the journal's reason holds 80


@dataclass(frozen=True, slots=True)
class DeliveryLine:
    """One product of a delivery as it stands in the form; `quantity` is None while it can't be read."""

    product: ProductRef
    typed: str
    quantity: int | None
    error: str = ""
    is_fresh: bool = False  # the line that the last scan changed


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery while it is scanned. `id` is minted with the empty form, so that sending it twice books once."""

    id: UUID
    note: str
    lines: tuple[DeliveryLine, ...] = ()
    error: str = ""

    @property
    def pieces(self) -> int:
        return sum(line.quantity or 0 for line in self.lines)

    @property
    def is_complete(self) -> bool:
        return bool(self.lines) and not self.error and not any(line.error for line in self.lines)

    @classmethod
    def new(cls) -> "Delivery":
        return cls(uuid4(), "")

    @classmethod
    def from_form(cls, data: QueryDict) -> "Delivery":
        """Read a delivery as the form sends it; the same product twice is summed; what is unknown or a
        charge falls out."""
        skus, typed = [shell.typed(sku) for sku in data.getlist("sku")], data.getlist("quantity")
        products = catalog.ids_of(skus[: movements.MOST_LINES])
        lines: dict[str, DeliveryLine] = {}
        for sku, text in zip(skus, typed, strict=False):
            if sku not in products or not products[sku].has_stock:
                continue
            line = _line(products[sku], text)
            before = lines.get(sku)
            if before and before.quantity and line.quantity:
                line = _line(products[sku], str(before.quantity + line.quantity))
            lines[sku] = line
        return cls(
            _uuid(data.get("delivery_id")), shell.typed(data.get("note", ""))[:LONGEST_NOTE], tuple(lines.values())
        )

    def with_scan(self, product: ProductRef, pieces: int) -> "Delivery":
        """Return the delivery with one scan more: its line counts up, or a new line comes first."""
        others = [replace(line, is_fresh=False) for line in self.lines if line.product.id != product.id]
        before = next((line.quantity or 0 for line in self.lines if line.product.id == product.id), 0)
        if not before and len(others) >= movements.MOST_LINES:
            return replace(
                self, error=_now("A delivery has at most %(n)s lines. Book this one in first.") % {"n": len(others)}
            )
        line = replace(_line(product, str(before + pieces)), is_fresh=True)
        return replace(self, lines=(line, *others), error="")

    def without(self, sku: str) -> "Delivery":
        return replace(self, lines=tuple(line for line in self.lines if line.product.sku != sku))

    def checked(self) -> "Delivery":
        """Return the delivery with a sentence where something is missing."""
        if not self.lines:
            return replace(self, error=_now("Nothing was scanned yet. Scan the goods first, then book them in."))
        return self


def _line(product: ProductRef, text: str) -> DeliveryLine:
    text = text.strip()
    quantity = int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
    if quantity is None or quantity < 1:
        return DeliveryLine(product, text, None, _now("Enter a whole number from 1, or remove the line."))
    if quantity > MOST_PIECES_PER_LINE:
        sentence = _now("More than %(n)s pieces of one product: check the number.") % {"n": MOST_PIECES_PER_LINE}
        return DeliveryLine(product, text, None, sentence)
    return DeliveryLine(product, text, quantity)


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        return uuid4()


class AdjustmentForm(forms.Form):
    """A correction of what is on hand: more or fewer pieces, with a reason."""

    MORE, FEWER = "more", "fewer"

    adjustment_id = forms.UUIDField(widget=forms.HiddenInput)
    sku = forms.CharField(max_length=64, widget=forms.HiddenInput)
    direction = forms.ChoiceField(label=_("Direction"), choices=[(FEWER, _("Fewer")), (MORE, _("More"))])
    quantity = forms.IntegerField(
        label=_("Pieces"),
        min_value=1,
        max_value=MOST_PIECES_PER_LINE,
        error_messages={
            "required": _("Enter how many pieces."),
            "invalid": _("Enter a whole number."),
            "min_value": _("Enter a whole number from 1."),
            "max_value": _("That is too many: check the number."),
        },
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off", "data-scan-guard": ""}),
    )
    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=[("", _("Choose a reason")), *words.REASONS.items()],
        error_messages={"required": _("Choose a reason; it stays in the journal.")},
    )

    @classmethod
    def empty(cls, sku: str) -> "AdjustmentForm":
        return cls(initial={"adjustment_id": uuid4(), "sku": sku, "direction": cls.FEWER})

    @property
    def delta(self) -> int:
        values: Mapping[str, Any] = self.cleaned_data
        pieces: int = values["quantity"]
        return pieces if values["direction"] == self.MORE else -pieces
