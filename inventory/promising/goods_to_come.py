"""Goods to come: what is on its way to a place and from which day on it can be had, of goods and of kits made of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from inventory.availability import Figure
from inventory.promising.queues import Queue


@dataclass(frozen=True, slots=True)
class Coming:
    """Pieces that are on their way and the day they are expected on; a late one is expected on no day any more.

    Of a kit: how many whole kits more can be made once a component has come, and with which it came.
    """

    expected_on: date
    quantity: int
    source: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class AtDate:
    """How many pieces may be had on a day and after it, without those that wait already."""

    on: date
    available: int


@dataclass(frozen=True, slots=True)
class Goods:
    """What a channel may have of goods at a place now, how many wait there, and what comes; nothing where they never were."""

    available: int = 0
    waiting: int = 0
    backorderable: int = 0
    coming: Sequence[Coming] = ()
    queue: Queue | None = None

    @classmethod
    def of(cls, figure: Figure | None, coming: Sequence[Coming], queue: Queue | None = None) -> "Goods":
        """Return what a figure says, with what comes; without a figure there is none."""
        if figure is None:
            return cls(coming=coming)
        return cls(figure.available, figure.waiting, figure.backorderable, coming, queue)

    @property
    def safety(self) -> int:
        """Pieces of what comes that a policy promises to nobody."""
        return self.queue.terms.safety if self.queue is not None and self.queue.terms is not None else 0

    def by_date(self) -> tuple[AtDate, ...]:
        """Return how much may be had from each day on which something comes; who waits comes first."""
        return by_date(self.available, self.coming, behind=self.waiting + self.safety)

    def first_on(self, pieces: int, channel_id: int | None) -> date | None:
        """Return the day on which a channel can have more pieces than are there now, or None when nobody knows."""
        if self.queue is not None:
            missing = pieces - self.available
            return self.queue.promise(missing, channel_id) if self.backorderable >= missing else None
        return next((one.on for one in self.by_date() if one.available >= pieces), None)


Part = tuple[Goods, int]  # a component at a place, and its pieces in one kit


def by_date(available: int, coming: Sequence[Coming], *, behind: int = 0) -> tuple[AtDate, ...]:
    """Return how much may be had from each day on which something comes, less the pieces that are owed `behind` it."""
    total, found = -behind, []
    for one in coming:
        if one.is_late:
            continue
        total += one.quantity
        if total > 0:
            found.append(AtDate(one.expected_on, available + total))
    return tuple(found)


def of_kit(parts: Sequence[Part]) -> tuple[Coming, ...]:
    """Return the whole kits that can be made besides those that can be made now, as what is in them comes.

    What is late is counted after everything that has a day.
    """
    events = [
        (one.is_late, one.expected_on, place, one) for place, (goods, _) in enumerate(parts) for one in goods.coming
    ]
    come = [-goods.waiting - goods.safety for goods, _ in parts]

    def kits() -> int:
        return min(
            (goods.available + max(more, 0)) // pieces for (goods, pieces), more in zip(parts, come, strict=True)
        )

    made, found = kits(), defaultdict[tuple[date, str, bool], int](int)
    for is_late, on, place, one in sorted(events, key=lambda event: event[:3]):
        come[place] += one.quantity
        if (now := kits()) > made:
            found[on, one.source, is_late] += now - made
            made = now
    return tuple(Coming(on, count, source, is_late) for (on, source, is_late), count in sorted(found.items()))


def kit_first_on(parts: Sequence[Part], channel_id: int | None) -> date | None:
    """Return the day on which one more kit can be made than now, where none can; None when nobody knows."""
    days = [goods.first_on(pieces, channel_id) for goods, pieces in parts if goods.available < pieces]
    known = [day for day in days if day is not None]
    return max(known) if known and len(known) == len(days) else None
