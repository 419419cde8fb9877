"""What whoever picks needs to see: the lines of one fulfilment, what is open of each, and the barcodes that count for it."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime

from orders.models import FulfilmentLine
from orders.staff import board


@dataclass(frozen=True, slots=True)
class PickLine:
    """One product to pick: wanted = picked + rejected + open. `codes` are its barcodes with the pieces each stands for."""

    id: uuid.UUID
    sku: str
    name: str
    brand: str
    wanted: int
    picked: int
    rejected: int
    reject_reason: str
    codes: tuple[tuple[str, int], ...]

    @property
    def open(self) -> int:
        return self.wanted - self.picked - self.rejected

    @property
    def wanted_now(self) -> int:
        """What is still owed of it: wanted less what turned out missing."""
        return self.wanted - self.rejected

    @property
    def is_done(self) -> bool:
        return self.open == 0

    @property
    def initials(self) -> str:
        """Up to two letters to tell products apart at a glance where there is no picture."""
        parts = [part for part in self.name.replace("-", " ").split() if part[:1].isalnum()]
        return "".join(part[0] for part in parts[:2]).upper() or self.sku[:2].upper()

    @property
    def hue(self) -> int:
        """One of twelve tints for the tile, the same for a product everywhere."""
        return int(hashlib.sha256(self.sku.encode()).hexdigest()[:4], 16) % 12


@dataclass(frozen=True, slots=True)
class PickList:
    """A fulfilment under the hands of a clerk."""

    card: board.Card
    lines: list[PickLine]

    @property
    def current(self) -> PickLine | None:
        """The line to pick now: the first that is still open."""
        return next((line for line in self.lines if not line.is_done), None)

    @property
    def wanted(self) -> int:
        return sum(line.wanted_now for line in self.lines)

    @property
    def picked(self) -> int:
        return sum(line.picked for line in self.lines)

    @property
    def is_complete(self) -> bool:
        """Nothing is open and something is there to hand over."""
        return self.current is None and self.picked > 0


def read(fulfilment_id: uuid.UUID, location_id: int, *, at: datetime) -> PickList | None:
    """Return the lines of one pickup of a store in the order to pick them, or None when it isn't there."""
    found = board.card(fulfilment_id, location_id, at=at)
    if found is None:
        return None
    lines = (
        FulfilmentLine.objects.filter(fulfilment_id=fulfilment_id)
        .select_related("order_line__product")
        .prefetch_related("order_line__product__gtins")
        .order_by("order_line__line_number")
    )
    return PickList(found, [_pick_line(line) for line in lines])


def _pick_line(line: FulfilmentLine) -> PickLine:
    product = line.order_line.product
    return PickLine(
        id=line.id,
        sku=product.sku,
        name=product.name,
        brand=product.brand,
        wanted=line.quantity,
        picked=line.picked,
        rejected=line.rejected,
        reject_reason=line.reject_reason,
        codes=tuple((gtin.gtin, gtin.pieces) for gtin in product.gtins.all()),
    )
