"""What the pickup queue reads: the orders of a store by promise, and who holds what.

Reads only, with a number of queries that does not grow with the queue.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Case, CharField, Count, F, Max, Q, QuerySet, Sum, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import formats, timezone
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _

from inventory.promising import backorders
from orders import visits
from orders.lifecycle import Method, State
from orders.models import Fulfilment, FulfilmentLine
from orders.staff import words

COLUMNS: dict[str, tuple[list[str], words.Text, str]] = {
    "new": ([State.PLACED.value], _("New"), "inbox"),
    "picking": ([State.ACCEPTED.value, State.PICKING.value], _("Picking"), "scan-barcode"),
    "ready": ([State.READY.value, State.PICKED.value, State.UNDER_WAY.value], _("Ready"), "package-check"),
    "outside": ([State.ARRIVED.value], _("Waiting outside"), "car"),
}
PUT_BACK = "put_back"  # not a column of promises but a task list: goods on the pickup shelf that nobody will collect
IN_COLUMNS = [state for states, _title, _icon in COLUMNS.values() for state in states]

FIRST_SHOWN = 25  # cards of a column that one look can take in
STEP = 25
MOST_SHOWN = 75  # more would be slower to read than to search
SOON_MINUTES = 30  # from here on a promise is in danger
WAITS_LONG = 5  # minutes that somebody may wait outside before it is too long

# The words of the clock; the page gets them too, so that it can let the clock tick.
MINUTES = _("%(minutes)s min")
HOURS = _("%(hours)s h %(minutes)s min")
DAYS = _("%(days)s d %(hours)s h")
LATE = _("%(time)s late")
WAITING = _("waiting %(time)s")
CLOCK_WORDS = {"minutes": MINUTES, "hours": HOURS, "days": DAYS, "late": LATE, "waiting": WAITING}


@dataclass(frozen=True, slots=True)
class Clock:
    """A promise clock: what it says and how urgent it is. The page lets it tick on by the same words."""

    text: str
    urgency: str  # calm, soon, late
    is_waiting: bool

    @classmethod
    def of(cls, due_at: datetime, *, at: datetime, is_waiting: bool = False) -> "Clock":
        """Say how far away `due_at` is, in full minutes: time left, time late, or time somebody has waited."""
        minutes = int((due_at - at).total_seconds() // 60)
        if is_waiting:
            return cls(
                WAITING % {"time": _span(max(-minutes - 1, 0))}, "soon" if minutes > -WAITS_LONG else "late", True
            )
        if minutes < 0:
            return cls(LATE % {"time": _span(-minutes)}, "late", False)
        return cls(_span(minutes), "soon" if minutes < SOON_MINUTES else "calm", False)


def _span(minutes: int) -> str:
    if minutes < 60:
        return MINUTES % {"minutes": minutes}
    if minutes < 24 * 60:
        return HOURS % {"hours": minutes // 60, "minutes": f"{minutes % 60:02}"}
    return DAYS % {"days": minutes // (24 * 60), "hours": minutes % (24 * 60) // 60}


@dataclass(frozen=True, slots=True)
class Card:
    """One fulfilment as the queue shows it. `items` are different products, `pieces` are what has to be carried."""

    id: uuid.UUID
    order_id: uuid.UUID
    number: str
    name: str
    column: str
    state: str
    method: str
    version: int
    promised_at: datetime
    window_ends_at: datetime | None
    keep_until: datetime | None
    arrived_at: datetime | None
    bay: str
    holder_id: int | None
    holder: str
    held_until: datetime | None
    items: int
    pieces: int
    picked: int
    rejected: int
    awaited: int  # pieces that were promised from goods to come: nobody can pick them yet
    held_for: list[str]
    at: datetime
    eta_at: datetime | None = None  # when the customer said to be here
    vehicle: str = ""  # the car that they come in
    helper: str = ""  # who collects in their place
    was_sent: bool = False  # from another place, to be fetched here

    @property
    def is_expected(self) -> bool:
        """Whether the customer is on the way here, and not given up for this time."""
        return (
            self.eta_at is not None
            and self.column in ("picking", "ready")
            and self.at < self.eta_at + visits.EXPECTED_FOR
        )

    @property
    def state_word(self) -> words.Word:
        return words.word(words.STATES, self.state)

    @property
    def method_word(self) -> words.Word:
        """Where the goods are handed over: whoever waits outside isn't served at the counter."""
        return words.word(words.METHODS, Method.CURBSIDE if self.column == "outside" else self.method)

    @property
    def is_on_hold(self) -> bool:
        """Whether nothing of it may move towards its customer for now."""
        return bool(self.held_for)

    @property
    def hold_words(self) -> str:
        """What the order is held for."""
        return ", ".join(str(words.word(words.HOLDS, kind).text) for kind in self.held_for)

    @property
    def due_at(self) -> datetime:
        """What the clock is about: the promise or, once somebody waits outside, since when."""
        return self.arrived_at if self.column == "outside" and self.arrived_at else self.promised_at

    @property
    def clock(self) -> Clock:
        return Clock.of(self.due_at, at=self.at, is_waiting=self.column == "outside")

    @property
    def is_today(self) -> bool:
        """Whether the clock's instant is today where the store is."""
        return timezone.localdate(self.due_at) == timezone.localdate(self.at)

    @property
    def due(self) -> str:
        """The clock's instant as the store's clocks show it, with its day unless that is today."""
        due_at = timezone.localtime(self.due_at)
        if self.is_today:
            return formats.time_format(due_at)
        return formats.date_format(due_at, pgettext("day and time of a promise, as a date format", "D j M, H:i"))

    @property
    def size(self) -> str:
        """How much it is: different products and pieces."""
        items = ngettext("%(items)s item", "%(items)s items", self.items) % {"items": self.items}
        pieces = ngettext("%(pieces)s piece", "%(pieces)s pieces", self.pieces) % {"pieces": self.pieces}
        return f"{items}, {pieces}"

    @property
    def progress(self) -> str:
        return gettext("%(picked)s of %(pieces)s picked") % {"picked": self.picked, "pieces": self.pieces}

    @property
    def is_held(self) -> bool:
        """Whether somebody's lease still runs."""
        return self.holder_id is not None and self.held_until is not None and self.held_until > self.at

    @property
    def look(self) -> str:
        """A text that differs whenever the card would look different (but for its clock)."""
        return f"{self.version}.{int(self.is_held)}.{int(self.is_today)}.{self.awaited}"


@dataclass(slots=True)
class Column:
    """A column of the queue: its first cards by promise, how many there are in all, and how many more to show next."""

    key: str
    title: words.Text
    icon: str
    cards: list[Card] = field(default_factory=list)
    total: int = 0
    shown: int = FIRST_SHOWN

    @property
    def more(self) -> int:
        return max(self.total - len(self.cards), 0)

    @property
    def next_shown(self) -> int:
        """How many cards to show next; as many as now when it is enough for one page."""
        return min(self.shown + STEP, MOST_SHOWN)

    @property
    def can_grow(self) -> bool:
        return self.more > 0 and self.next_shown > self.shown


@dataclass(frozen=True, slots=True)
class Board:
    """A store's queue at one instant."""

    columns: list[Column]
    put_back: Column
    at: datetime

    @property
    def waiting(self) -> int:
        """How many orders wait for somebody to do something."""
        return sum(column.total for column in self.columns)

    @property
    def is_empty(self) -> bool:
        return not self.waiting and not self.put_back.total


def _in_queue(location_id: int) -> QuerySet[Fulfilment]:
    # The OR has the shape of the partial index `fulfilment_queue`.
    live = Q(state__in=["placed", "accepted", "picking", "picked", "under_way", "ready", "arrived", "no_show"]) | Q(
        is_on_shelf=True
    )
    columns = Q(state__in=IN_COLUMNS) | _to_put_back()
    return Fulfilment.objects.filter(live, columns, location_id=location_id)


def _to_put_back() -> Q:
    return Q(state=State.NO_SHOW.value) | Q(state=State.CANCELLED.value, is_on_shelf=True)


def version(location_id: int, *, at: datetime) -> str:
    """Return a text that differs whenever the queue of a store would look different. One query, no rows fetched.

    A fulfilment that leaves changes the count or hides behind one that came, whose change is newer; every change of
    one raises its version. A lease that runs out and a new day change the picture without a write, so they count too.
    """
    figures = _in_queue(location_id).aggregate(
        rows=Count("id"),
        versions=Sum("version"),
        newest=Max("changed_at"),
        lapsed=Count("id", filter=Q(lease_expires_at__lte=at)),
    )
    figures["today"] = timezone.localdate(at).isoformat()
    if not figures["rows"]:
        figures["minute"] = at.replace(second=0, microsecond=0)  # the empty page shows the next windows and their load
    return hashlib.sha256(repr(sorted(figures.items())).encode()).hexdigest()[:20]


def waiting(location_id: int) -> int:
    """Return how many new orders wait at a store: the counter in the menu."""
    return Fulfilment.objects.filter(location_id=location_id, state=State.PLACED.value).count()


def read(location_id: int, *, at: datetime, shown: Mapping[str, int] | None = None) -> Board:
    """Return the queue of a store, each column's first cards by promise. Three queries, however long the queue is."""
    shown = shown or {}
    columns = {
        key: Column(key, title, icon, shown=_bounded(shown.get(key))) for key, (_s, title, icon) in COLUMNS.items()
    }
    put_back = Column(PUT_BACK, _("Put back"), "undo-2", shown=_bounded(shown.get(PUT_BACK)))
    everything = {**columns, PUT_BACK: put_back}

    which = Case(
        *[When(state__in=states, then=Value(key)) for key, (states, _title, _icon) in COLUMNS.items()],
        default=Value(PUT_BACK),
        output_field=CharField(),
    )
    limits = Q()
    for key, column in everything.items():
        limits |= Q(column=key, place__lte=column.shown)
    # Whoever waits outside is served in the order of their arrival, whatever they were promised.
    since = Case(When(state=State.ARRIVED.value, then=F("arrived_at")), default=F("promised_at"))
    order = [F("since").asc(), F("id").asc()]
    rows = (
        _in_queue(location_id)
        .annotate(column=which, since=since)
        .annotate(
            place=Window(RowNumber(), partition_by=[F("column")], order_by=order),
            total=Window(Count("id"), partition_by=[F("column")]),
        )
        .filter(limits)
        .order_by("since", "id")
        .values(*_CARD_FIELDS, "column", "total")
    )
    found = list(rows)
    sums = _sums(row["id"] for row in found)
    for row in found:
        column = everything[row["column"]]
        column.total = row["total"]
        column.cards.append(_card(row, sums.get(row["id"], {}), at=at))
    return Board(list(columns.values()), put_back, at)


def card(fulfilment_id: uuid.UUID, location_id: int, *, at: datetime) -> Card | None:
    """Return one pickup of a store as a card, or None when it isn't there."""
    rows = Fulfilment.objects.filter(pk=fulfilment_id, location_id=location_id).values(*_CARD_FIELDS)
    for row in rows:
        return _card(row, _sums([row["id"]]).get(row["id"], {}), at=at)
    return None


def by_code(code: str, location_id: int) -> uuid.UUID | None:
    """Return the fulfilment that a store keeps for `code`, or None."""
    if not code:
        return None  # a parcel has no code: nobody comes for it
    kept = [State.READY.value, State.ARRIVED.value, State.NO_SHOW.value]
    return (
        Fulfilment.objects.filter(location_id=location_id, pickup_code=code, state__in=kept)
        .order_by("promised_at")
        .values_list("id", flat=True)
        .first()
    )


_CARD_FIELDS = (
    "id",
    "order_id",
    "order__number",
    "order__contact_name",
    "order__held_for",
    "state",
    "method",
    "store_id",
    "location_id",
    "version",
    "promised_at",
    "visit__eta_at",
    "visit__car",
    "visit__plate",
    "visit__helper_name",
    "window_ends_at",
    "keep_until",
    "arrived_at",
    "bay",
    "lease_holder_id",
    "lease_holder__first_name",
    "lease_holder__last_name",
    "lease_holder__username",
    "lease_expires_at",
)


def window_text(starts_at: datetime, ends_at: datetime) -> str:
    """Return a pickup window as the store's clocks show it: its day, from and until."""
    start, end = timezone.localtime(starts_at), timezone.localtime(ends_at)
    return f"{formats.date_format(start, 'D')} {formats.date_format(start, 'SHORT_DATE_FORMAT')}, {start:%H:%M}–{end:%H:%M}"


def _bounded(wanted: int | None) -> int:
    return min(max(wanted or FIRST_SHOWN, FIRST_SHOWN), MOST_SHOWN)


def _sums(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, dict[str, Any]]:
    rows = (
        FulfilmentLine.objects.filter(fulfilment_id__in=list(ids))
        .values("fulfilment_id")
        .annotate(
            items=Count("id"),
            pieces=Sum("quantity"),
            done=Sum("picked"),
            gone=Sum("rejected"),
            called_off=Sum("called_off"),
            allocations=ArrayAgg("allocation_id"),
        )
        .order_by()
    )
    found = {row["fulfilment_id"]: row for row in rows}
    waits = backorders.waiting(one for row in found.values() for one in row["allocations"])
    for row in found.values():
        row["awaited"] = sum(waits.get(one, 0) for one in row["allocations"])
    return found


def _card(row: dict[str, Any], sums: dict[str, Any], *, at: datetime) -> Card:
    full = f"{row['lease_holder__first_name'] or ''} {row['lease_holder__last_name'] or ''}".strip()
    state = row["state"]
    column = row.get("column") or next((key for key, (states, *_r) in COLUMNS.items() if state in states), PUT_BACK)
    return Card(
        id=row["id"],
        order_id=row["order_id"],
        number=row["order__number"],
        name=row["order__contact_name"],
        column=column,
        state=state,
        method=row["method"],
        version=row["version"],
        promised_at=row["promised_at"],
        eta_at=row["visit__eta_at"],
        vehicle=" · ".join(one for one in (row["visit__car"], row["visit__plate"]) if one),
        helper=row["visit__helper_name"] or "",
        was_sent=row["store_id"] is not None and row["store_id"] == row["location_id"],
        window_ends_at=row["window_ends_at"],
        keep_until=row["keep_until"],
        arrived_at=row["arrived_at"],
        bay=row["bay"],
        holder_id=row["lease_holder_id"],
        holder=full or row["lease_holder__username"] or "",
        held_until=row["lease_expires_at"],
        items=sums.get("items", 0),
        pieces=sums.get("pieces", 0) - sums.get("gone", 0),
        picked=sums.get("done", 0),
        rejected=sums.get("gone", 0) - sums.get("called_off", 0),
        awaited=sums.get("awaited", 0),
        held_for=row["order__held_for"],
        at=at,
    )
