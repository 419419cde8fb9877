"""What products need besides being picked, such as engraving or assembly: minutes by product, else by category.

Promises count it where they count everything else that a basket takes: while the place is open, by the work of its people. What is
said of a product goes before what is said of its category; where nothing is said, nothing is added.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from commerce import audit, catalog
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders.models import PreparationTime

FRESH_FOR_SECONDS = 5.0  # how long a process may go by its own copy
MOST_MINUTES = 14_400  # 240 hours of opening
MOST_AT_ONCE = 500
LONGEST_WHAT = 60
LONGEST_CATEGORY = 120

_Key = tuple[int | None, str]
_cached: tuple[float, dict[_Key, "Needed"]] = (0.0, {})


@dataclass(frozen=True, slots=True)
class Needed:
    """How long: `minutes` once for a product in an order, and `minutes_per_piece` for each; `what` says what for."""

    minutes: int
    minutes_per_piece: int
    what: str

    def of(self, pieces: int) -> int:
        return self.minutes + self.minutes_per_piece * pieces


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a product, or of a category. No minutes at all end what was said."""

    product_id: int | None
    category: str
    needed: Needed


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a product of a basket needs, as people are told."""

    product_id: int
    sku: str
    what: str
    minutes: int


def of(goods: Mapping[int, int]) -> list[Prepared]:
    """Return what products need of which so many pieces are wanted, those that need nothing left out."""
    known = _known()
    if not known or not goods:
        return []
    products = catalog.products_by_id(goods)
    found = []
    for product_id, pieces in goods.items():
        product = products.get(product_id)
        needed = known.get((product_id, "")) or (known.get((None, product.category)) if product else None)
        if product is not None and needed is not None and pieces:
            found.append(Prepared(product_id, product.sku, needed.what, needed.of(pieces)))
    return found


def minutes_of(goods: Mapping[int, int]) -> int:
    """Return how many minutes the preparation of all of a basket takes, one product after the other."""
    return sum(one.minutes for one in of(goods))


@transaction_required
def say(every: Sequence[Said], *, by: Actor) -> int:
    """Keep how long products and categories take, many at once; return how many changed. All or nothing.

    Raises: InvalidInput naming each line and field that is wrong.
    """
    _check(every)
    changed = 0
    for one in every:
        rows = PreparationTime.objects.select_for_update().filter(product_id=one.product_id, category=one.category)
        row = rows.order_by("pk").first()
        before, after = _facts(row) if row else None, _told(one) if one.needed.of(1) else None
        if before == after:
            continue
        if after is None and row is not None:
            number = row.pk
            row.delete()
        else:
            row, _made = PreparationTime.objects.update_or_create(
                product_id=one.product_id, category=one.category,
                defaults={
                    "minutes": one.needed.minutes, "minutes_per_piece": one.needed.minutes_per_piece,
                    "what": one.needed.what,
                },
            )  # fmt: skip
            number = row.pk
        audit.record("orders.preparation.say", "preparation_time", number, by=by, before=before, after=after)
        changed += 1
    forget()
    return changed


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _cached
    _cached = (0.0, {})


def _known() -> dict[_Key, Needed]:
    global _cached
    read_at, found = _cached
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        rows = PreparationTime.objects.values_list("product_id", "category", "minutes", "minutes_per_piece", "what")
        found = {(product_id, category): Needed(*needed) for product_id, category, *needed in rows}
        _cached = (time.monotonic(), found)
    return found


def _facts(row: PreparationTime) -> dict[str, Any]:
    return _told(Said(row.product_id, row.category, Needed(row.minutes, row.minutes_per_piece, row.what)))


def _told(one: Said) -> dict[str, Any]:
    return {
        "product_id": one.product_id, "category": one.category, "minutes": one.needed.minutes,
        "minutes_per_piece": one.needed.minutes_per_piece, "what": one.needed.what,
    }  # fmt: skip


def _check(every: Sequence[Said]) -> None:
    wrong: list[dict[str, Any]] = []
    if len(every) > MOST_AT_ONCE:
        wrong.append({"field": "items", "value": len(every), "message": f"at most {MOST_AT_ONCE} at once"})
    seen: set[_Key] = set()
    for number, one in enumerate(every):
        key = (one.product_id, one.category)
        if (one.product_id is None) == (not one.category):
            wrong.append(
                {"field": f"items[{number}]", "value": None, "message": "a product or a category, one of both"}
            )
        elif key in seen:
            wrong.append({"field": f"items[{number}]", "value": one.category or None, "message": "stands twice"})
        seen.add(key)
        for name in ("minutes", "minutes_per_piece"):
            value = getattr(one.needed, name)
            if not 0 <= value <= MOST_MINUTES:
                message = f"a whole number from 0 to {MOST_MINUTES}"
                wrong.append({"field": f"items[{number}].{name}", "value": value, "message": message})
        for name, text, longest in (
            ("what", one.needed.what, LONGEST_WHAT),
            ("category", one.category, LONGEST_CATEGORY),
        ):
            if len(text) > longest:
                message = f"at most {longest} characters"
                wrong.append({"field": f"items[{number}].{name}", "value": text[:longest], "message": message})
    if wrong:
        raise InvalidInput("These times can't hold; nothing was kept.", errors=wrong[:100])
