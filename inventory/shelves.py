"""Shelves: where a product lies at a location, so that pickers find it. No quantities: the ledger counts per location."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection

from commerce import audit, catalog, locks
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory import ledger, movements
from inventory.models import ShelfPlace

if TYPE_CHECKING:
    from commerce.models import AuditEntry

MOST_PRODUCTS = 500
MOST_MOVES_LISTED = 20
MOST_SHELVES = 20  # of one product at one place; more means that nobody puts anything away
_PLACE = "shelf_place"  # what the audit calls a product at a location
_CODE = re.compile(r"[A-Z0-9ÄÖÜ](?:[A-Z0-9ÄÖÜ./ -]{0,18}[A-Z0-9ÄÖÜ])?")


@dataclass(frozen=True, slots=True)
class Placing:
    """Where goods lie from now on: on `shelf`, besides where else they lie or instead of `away_from`; without a shelf they
    are only taken off that.
    """

    product_id: int
    shelf: str = ""
    away_from: str = ""
    is_primary: bool = False


_OF = """
SELECT product_id, array_agg(shelf ORDER BY is_primary DESC, placed_at DESC, shelf) FROM inventory_shelfplace
WHERE location_id = %s AND product_id = ANY(%s::bigint[]) GROUP BY product_id
"""
_ON = """
SELECT product_id FROM inventory_shelfplace WHERE location_id = %s AND shelf = %s ORDER BY placed_at DESC, product_id LIMIT %s
"""


def code(text: str) -> str:
    """Return a shelf's code as it is kept: in capitals, without outer or double blanks.

    Raises: InvalidInput when it can't be one, or is the barcode or SKU of goods.
    """
    shelf = " ".join(text.upper().split())
    if not _CODE.fullmatch(shelf):
        raise _invalid(
            text, "A shelf’s code has up to 20 letters and digits, with . / - or blanks between, such as A-03-2."
        )
    if catalog.product_by_barcode(text) is not None:
        raise _invalid(text, "That is a product, not a shelf. Scan the shelf first, then the goods that lie there.")
    return shelf


def of(location_id: int, product_ids: Iterable[int]) -> dict[int, list[str]]:
    """Return the shelves of products at a location, the one to look at first in front; products without any are missing."""
    with connection.cursor() as cursor:
        cursor.execute(_OF, [location_id, ledger.numbers(product_ids)])
        return dict(cursor.fetchall())


def on(location_id: int, shelf: str, *, at_most: int = MOST_PRODUCTS) -> list[int]:
    """Return the products that lie on a shelf, those put there last first."""
    with connection.cursor() as cursor:
        cursor.execute(_ON, [location_id, shelf, at_most])
        return [row[0] for row in cursor.fetchall()]


def moves(location_id: int, product_id: int, *, at_most: int = MOST_MOVES_LISTED) -> "list[AuditEntry]":
    """Return what was done with a product's shelves at a location, newest first: who, when, why, before and after."""
    return audit.timeline(_PLACE, _place(location_id, product_id), at_most=at_most)[::-1]


def is_known(location_id: int, shelf: str) -> bool:
    """Say whether anything lies on a shelf of this code at the location: a code that nobody used may be a slip."""
    return ShelfPlace.objects.filter(location_id=location_id, shelf=shelf).exists()


@transaction_required
def arrange(location_id: int, placings: Sequence[Placing], *, reason: str = "", by: Actor, at: datetime) -> None:
    """Put goods away, move them between shelves and take them off, in this order, all or nothing. Again changes nothing.

    Raises: InvalidInput naming the line, NotGoods.
    """
    if len(placings) > MOST_PRODUCTS:
        raise ValueError(f"at most {MOST_PRODUCTS} lines at once, not {len(placings)}")
    movements.refuse_charges([one.product_id for one in placings])
    for number, one in enumerate(placings):
        try:
            if not one.away_from:
                put_away(
                    location_id, one.shelf, [one.product_id], is_primary=one.is_primary, reason=reason, by=by, at=at
                )
            elif not one.shelf:
                take_off(location_id, one.product_id, code(one.away_from), reason=reason, by=by, at=at)
            else:
                relocate(
                    location_id,
                    one.product_id,
                    away_from=code(one.away_from),
                    to=one.shelf,
                    reason=reason,
                    by=by,
                    at=at,
                )
        except InvalidInput as refusal:
            errors = [error | {"field": f"lines[{number}].{error['field']}"} for error in refusal.errors]
            raise InvalidInput(refusal.message, errors=errors) from None


@transaction_required
def put_away(
    location_id: int,
    shelf: str,
    product_ids: Sequence[int],
    *,
    is_primary: bool = False,
    reason: str = "",
    by: Actor,
    at: datetime,
) -> int:
    """Note that products lie on a shelf now, besides where else they lie; return for how many that is new.

    Its first shelf is where pickers look first, and so is this one when `is_primary` is set. The same again changes nothing.
    Raises: InvalidInput for a code that is none, or more than MOST_SHELVES; NotGoods.
    """
    shelf = code(shelf)
    if len(product_ids) > MOST_PRODUCTS:
        raise ValueError(f"at most {MOST_PRODUCTS} products at once, not {len(product_ids)}")
    movements.refuse_charges(product_ids)
    before = _locked(location_id, product_ids)
    fresh = 0
    for product_id in dict.fromkeys(product_ids):
        places = before.get(product_id, [])
        known = next((place for place in places if place.shelf == shelf), None)
        first = next((place for place in places if place.is_primary), None)
        becomes_first = first is None or (is_primary and first is not known)
        if known is not None and not becomes_first:
            continue
        if known is None and len(places) >= MOST_SHELVES:
            raise _invalid(shelf, f"A product lies on at most {MOST_SHELVES} shelves; take it off some first.")
        if first is not None and becomes_first:
            first.is_primary = False
            first.save(update_fields=["is_primary"])
        if known is not None:
            known.is_primary = True
            known.save(update_fields=["is_primary"])
        else:
            ShelfPlace.objects.create(
                location_id=location_id, product_id=product_id, shelf=shelf, is_primary=becomes_first, placed_at=at
            )
            fresh += 1
        _audit("put_away", location_id, product_id, places, reason=reason, by=by)
    return fresh


@transaction_required
def relocate(
    location_id: int, product_id: int, *, away_from: str, to: str, reason: str = "", by: Actor, at: datetime
) -> None:
    """Note that a product moved from one shelf to another; pickers look there first if they did before.

    The same again changes nothing. Raises: InvalidInput when it lies on neither.
    """
    to = code(to)
    places = _locked(location_id, [product_id]).get(product_id, [])
    old = next((place for place in places if place.shelf == away_from), None)
    new = next((place for place in places if place.shelf == to), None)
    if old is None or old is new:
        if new is None:
            raise _invalid(away_from, f"The product does not lie on {away_from}; put it away on {to} instead.")
        return
    was_primary = old.is_primary
    old.delete()
    if new is None:
        ShelfPlace.objects.create(
            location_id=location_id, product_id=product_id, shelf=to, is_primary=was_primary, placed_at=at
        )
    elif was_primary:
        new.is_primary = True
        new.save(update_fields=["is_primary"])
    _audit("relocate", location_id, product_id, places, reason=reason, by=by)


@transaction_required
def take_off(location_id: int, product_id: int, shelf: str, *, reason: str = "", by: Actor, at: datetime) -> None:
    """Note that a product lies on a shelf no more; the one it was put on last is the first to look at then.

    Taking it off again changes nothing.
    """
    places = _locked(location_id, [product_id]).get(product_id, [])
    gone = next((place for place in places if place.shelf == shelf), None)
    if gone is None:
        return
    gone.delete()
    left = [place for place in places if place is not gone]
    if gone.is_primary and left:
        left[0].is_primary = True
        left[0].save(update_fields=["is_primary"])
    _audit("take_off", location_id, product_id, places, reason=reason, by=by)


def _locked(location_id: int, product_ids: Sequence[int]) -> dict[int, list[ShelfPlace]]:
    """Wait for others who put these products away here, then return their places, the newest first."""
    locks.hold(locks.Purpose.SHELVES, str(location_id))
    places: dict[int, list[ShelfPlace]] = {}
    rows = ShelfPlace.objects.filter(location_id=location_id, product_id__in=set(product_ids))
    for place in rows.order_by("-placed_at", "-id"):
        places.setdefault(place.product_id, []).append(place)
    return places


def _audit(
    verb: str, location_id: int, product_id: int, before: Sequence[ShelfPlace], *, reason: str, by: Actor
) -> None:
    audit.record(
        f"inventory.shelves.{verb}", _PLACE, _place(location_id, product_id), by=by, reason=reason,
        before={"shelves": sorted(place.shelf for place in before)},
        after={"shelves": of(location_id, [product_id]).get(product_id, [])},
    )  # fmt: skip


def _place(location_id: int, product_id: int) -> str:
    return f"{location_id}:{product_id}"


def _invalid(value: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": "shelf", "value": value, "message": message}])
