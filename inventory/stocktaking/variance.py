"""The difference between what was counted and what the books said at that moment, and what of it can be booked.

Goods move while people count. So a figure is compared with the books as of when it was counted: a sale afterwards changes the
books and the shelf alike. When the books changed between the first and the last piece of an item, nobody knows whether a piece
was counted before it left; then the figure nearest to the count is taken, and the item says that it is uncertain. [pure]
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

CLOCKS_AGREE_WITHIN = timedelta(seconds=10)  # a request may take that long without its sender's clock being wrong


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was counted by our clock. `or_at` is the other candidate when a device's clock was changed meanwhile.

    Doubtful is what had to be moved into the time of the count, as it can't have been before or after it.
    """

    at: datetime
    or_at: datetime | None = None
    is_doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A figure of one counter for one item, in pieces. `place` orders figures of the same instant."""

    counter: str
    quantity: int
    is_replacing: bool
    moment: Moment
    place: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """What all counters together counted of an item, between `first` and `last`."""

    quantity: int
    first: datetime
    last: datetime
    counters: frozenset[str]
    is_doubtful: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A count compared with the books as of `at`, in pieces."""

    at: datetime
    counted: int
    expected: int
    is_uncertain: bool

    @property
    def pieces(self) -> int:
        return self.counted - self.expected


@dataclass(frozen=True, slots=True)
class Booking:
    """What of a difference can be booked now: `posted` (signed), and `short`: pieces that are missing but promised (≤ 0).

    Impossible is a count that would leave less than nothing: more left since then than it saw.
    """

    posted: int
    short: int = 0
    is_impossible: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Up to which difference one person may decide alone: pieces, and their value in minor units."""

    pieces: int
    value_minor: int


def moment(
    device_at: datetime,
    *,
    sent_at: datetime | None,
    known_offset: timedelta | None,
    received_at: datetime,
    opened_at: datetime,
) -> Moment:
    """Return when a device counted, by our clock.

    `sent_at` is the device's time when it sent the figure, so its clock is off by `received_at` − `sent_at`; `known_offset` is
    what our clock was ahead of the device's when it last heard from us before counting. If the two differ, the device's clock
    was changed in between, before or after the count: both instants are candidates. Nothing is counted before the count was
    opened, nor after it arrived here.
    """
    when_sent = received_at - sent_at.astimezone(UTC) if sent_at is not None else timedelta()
    offset = when_sent if known_offset is None else known_offset
    raw = [_shifted(device_at, offset)]
    if known_offset is not None and sent_at is not None and abs(known_offset - when_sent) > CLOCKS_AGREE_WITHIN:
        raw.append(_shifted(device_at, when_sent))
    kept = [min(max(one, opened_at), received_at) for one in raw]
    is_doubtful = len(raw) > 1 or abs(kept[0] - raw[0]) > CLOCKS_AGREE_WITHIN
    other = kept[1] if len(kept) > 1 and kept[1] != kept[0] else None
    return Moment(kept[0], other, is_doubtful)


def _shifted(device_at: datetime, offset: timedelta) -> datetime:
    """Shift an instant, in UTC: in the hour that a local clock goes through twice, adding would take the first for the second."""
    try:
        return device_at.astimezone(UTC) + offset
    except OverflowError:  # a clock at the end of all days; what it says is moved into the count's time anyway
        return device_at


def total(figures: Iterable[Counted]) -> Total | None:
    """Return what the figures of an item come to, or None without any.

    Each counter's figures add up, in the order in which they were counted; one that replaces ends that counter's earlier ones.
    The counters' sums add up: they count at different shelves.
    """
    standing: dict[str, list[Counted]] = {}
    for figure in sorted(figures, key=lambda one: (one.moment.at, one.place)):
        if figure.is_replacing:
            standing[figure.counter] = []
        standing.setdefault(figure.counter, []).append(figure)
    kept = [figure for own in standing.values() for figure in own]
    if not kept:
        return None
    moments = [one for figure in kept for one in (figure.moment.at, figure.moment.or_at) if one is not None]
    return Total(
        sum(figure.quantity for figure in kept),
        min(moments),
        max(moments),
        frozenset(standing),
        any(figure.moment.is_doubtful for figure in kept),
    )


def difference(counted: Total, on_hand_first: int, on_hand_last: int) -> Difference:
    """Compare a count with the books as of its first and its last piece; the nearer figure is taken, else the last."""
    is_first = abs(counted.quantity - on_hand_first) < abs(counted.quantity - on_hand_last)
    return Difference(
        counted.first if is_first else counted.last,
        counted.quantity,
        on_hand_first if is_first else on_hand_last,
        on_hand_first != on_hand_last,
    )


def booking(pieces: int, *, on_hand: int, free: int) -> Booking:
    """Return what of a difference can be booked at a level: never below nothing, never below what is promised or held."""
    if pieces >= 0:
        return Booking(pieces)
    if on_hand + pieces < 0:
        return Booking(0, is_impossible=True)
    posted = -min(-pieces, max(free, 0))
    return Booking(posted, pieces - posted)


def needs_second_person(pieces: int, unit_value_minor: int | None, limits: Limits) -> bool:
    """Say whether a difference is more than one person may decide alone. Without a known value only pieces are asked."""
    return abs(pieces) > limits.pieces or abs(pieces) * (unit_value_minor or 0) > limits.value_minor


def order_by_size(differences: Sequence[tuple[int, int, int | None]]) -> list[int]:
    """Return the ids of (id, pieces, unit value) with the largest value first; those without a value by pieces after it."""

    def size(one: tuple[int, int, int | None]) -> tuple[int, int, int]:
        _id, pieces, unit = one
        return (-abs(pieces) * (unit or 0), -abs(pieces), _id)

    return [one[0] for one in sorted(differences, key=size)]
