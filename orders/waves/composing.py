"""Which orders go into the next wave, and in which order its shelves are walked. [pure]

A wave begins with the order that is due first and gathers others of the same way out whose goods lie near: the more shelves
they share, the less is walked. Large orders are picked on their own. Orders that travel as one parcel go into one wave.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

MOST_ORDERS = 12  # totes on a trolley
MOST_PIECES = 80
MOST_GRAMS = 60_000  # what one person pushes
MOST_PIECES_OF_ONE = 30  # more is picked alone
HORIZON = timedelta(hours=4)  # how much later than the first an order may be due and still come along

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Rule:
    """The limits of a wave."""

    most_orders: int = MOST_ORDERS
    most_pieces: int = MOST_PIECES
    most_grams: int = MOST_GRAMS
    horizon: timedelta = HORIZON


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order that waits: when it is due, how it leaves, how much it is and on which shelves it lies."""

    id: UUID
    way_out: str
    due_at: datetime
    pieces: int
    grams: int = 0
    shelves: frozenset[str] = field(default_factory=frozenset)
    consignment: UUID | None = None  # with whose other orders it travels


@dataclass(frozen=True, slots=True)
class _Unit:
    """What goes into a wave as a whole: an order, or those that travel as one parcel."""

    orders: tuple[Candidate, ...]
    due_at: datetime
    pieces: int
    grams: int
    shelves: frozenset[str]

    @property
    def turn(self) -> tuple[datetime, str]:
        return self.due_at, str(self.orders[0].id)


def _units(candidates: Sequence[Candidate]) -> list[_Unit]:
    groups: dict[tuple[UUID, str], list[Candidate]] = {}
    for one in sorted(candidates, key=lambda one: (one.due_at, str(one.id))):
        groups.setdefault((one.consignment or one.id, one.way_out), []).append(one)
    return [
        _Unit(
            tuple(group), group[0].due_at, sum(one.pieces for one in group), sum(one.grams for one in group),
            frozenset().union(*(one.shelves for one in group)),
        )
        for group in groups.values()
    ]  # fmt: skip


def compose(candidates: Sequence[Candidate], rule: Rule | None = None) -> list[Candidate]:
    """Return the orders of the next wave, those due first in front; none when nothing waits.

    Every one leaves the same way and is due within the horizon of the first; the limits hold unless the first order alone is
    beyond them, which is then picked alone.
    """
    rule = rule or Rule()
    waiting = sorted(_units(candidates), key=lambda one: one.turn)
    if not waiting:
        return []
    first = waiting[0]
    wave, shelves, pieces, grams = [*first.orders], set(first.shelves), first.pieces, first.grams
    if first.pieces > MOST_PIECES_OF_ONE:
        return wave
    left = [
        one
        for one in waiting[1:]
        if one.orders[0].way_out == first.orders[0].way_out
        and one.pieces <= MOST_PIECES_OF_ONE
        and one.due_at <= first.due_at + rule.horizon
    ]
    while left and len(wave) < rule.most_orders:
        fitting = [
            one
            for one in left
            if pieces + one.pieces <= rule.most_pieces
            and grams + one.grams <= rule.most_grams
            and len(wave) + len(one.orders) <= rule.most_orders
        ]
        if not fitting:
            break
        best = min(fitting, key=lambda one: (len(one.shelves - shelves), *one.turn))
        wave.extend(best.orders)
        left.remove(best)
        shelves |= best.shelves
        pieces, grams = pieces + best.pieces, grams + best.grams
    return sorted(wave, key=lambda one: (one.due_at, str(one.id)))


def walk(shelf_of: Mapping[Key, str]) -> list[Key]:
    """Return what lies on shelves in the order of one walk: aisle by aisle, every second one backwards, unknown ones last.

    A shelf's code is read in parts: A-03-2 is aisle A, bay 3, level 2.
    """
    known = {key: _parts(shelf) for key, shelf in shelf_of.items() if shelf}
    aisles = sorted({parts[0] for parts in known.values()})
    turned = {aisle: number % 2 == 1 for number, aisle in enumerate(aisles)}
    path: list[Key] = []
    for aisle in aisles:
        here = sorted(
            (key for key, parts in known.items() if parts[0] == aisle), key=lambda key: (known[key][1:], str(key))
        )
        path += reversed(here) if turned[aisle] else here
    return path + sorted((key for key, shelf in shelf_of.items() if not shelf), key=str)


def share(pieces: int, wanting: Iterable[tuple[Key, int]]) -> list[tuple[Key, int]]:
    """Deal pieces out to those who want some, the first ones first; nobody gets more than they want."""
    dealt = []
    for key, wanted in wanting:
        given = min(pieces, wanted)
        if given > 0:
            dealt.append((key, given))
            pieces -= given
    return dealt


def _parts(shelf: str) -> tuple[tuple[int, int, str], ...]:
    """Return a code as parts that compare as people count: numbers by value, words by letter."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|[^\W\d_]+", shelf))
