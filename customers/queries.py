"""Lists for screens: a profile with what points to it and what it bought, and finding a profile."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from commerce.money import Money
from customers import identifiers
from customers.errors import ProfileNotFound
from customers.identifiers import IdentifierKind
from customers.models import Identifier, OrderHistory, Profile

MOST_ORDERS = 50  # on a panel, newest first
MOST_FOUND = 25
SHORTEST_NAME = 2  # characters of a name that are worth searching for
# States of an order of which nothing was sold in the end.
UNSOLD = frozenset({"cancelled", "rejected", "returned"})


@dataclass(frozen=True, slots=True)
class PanelIdentifier:
    """One way to reach or recognise a customer, masked unless it may be seen."""

    id: int
    kind: str
    channel_code: str
    shown: str
    is_verified: bool


@dataclass(frozen=True, slots=True)
class PanelOrder:
    """One order as the profile knows it."""

    order_id: UUID
    number: str
    channel: str
    status: str
    total: Money
    pieces: int
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Panel:
    """A customer at a glance. Totals leave out what was not sold in the end, per currency; `orders` are the latest."""

    id: UUID
    name: str
    language: str
    country: str
    created_at: datetime
    identifiers: tuple[PanelIdentifier, ...]
    orders: tuple[PanelOrder, ...]
    order_count: int
    totals: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A profile in a list of results."""

    id: UUID
    name: str
    country: str
    identifiers: tuple[PanelIdentifier, ...]
    last_order: PanelOrder | None


def profile_panel(profile_id: UUID, *, is_open: bool = False, places: Collection[str] | None = None) -> Panel:
    """Return a customer's panel; `is_open` shows e-mail addresses and numbers whole, to those who may view customers.

    With `places` (codes of locations) only who bought there exists, and only what they bought there is shown (law 17).
    Raises: ProfileNotFound.
    """
    profile = Profile.objects.filter(_of(places), pk=profile_id).first()
    if profile is None:
        raise ProfileNotFound("There is no such customer.", profile=str(profile_id))
    history = _history(places).filter(profile_id=profile_id)
    sums: dict[str, int] = defaultdict(int)
    order_count = 0
    for status, currency, total in history.values_list("status", "currency", "total_minor"):
        if status not in UNSOLD:
            order_count += 1
            sums[currency] += total
    latest = history.select_related("channel").order_by("-placed_at", "number")[:MOST_ORDERS]
    return Panel(
        id=profile.id,
        name=profile.name,
        language=profile.language,
        country=profile.country,
        created_at=profile.created_at,
        identifiers=_identifiers([profile_id], is_open=is_open).get(profile_id, ()),
        orders=tuple(_order(row) for row in latest),
        order_count=order_count,
        totals=tuple(Money(total, currency) for currency, total in sorted(sums.items())),
    )


def search(
    text: str, *, country: str = "", at_most: int = MOST_FOUND, places: Collection[str] | None = None
) -> list[Found]:
    """Find customers by e-mail address, phone number, customer id, order number, or part of the name; by name last.

    With `places` only who bought there is found (law 17).
    """
    text = text.strip()
    if not text or "\x00" in text:
        return []
    profile_ids = _by_identifier(text, country, places) or _by_order(text, places) or _by_name(text, at_most, places)
    return _found(profile_ids[:at_most], places)


def visible(profile_ids: Collection[UUID], *, places: Collection[str] | None) -> set[UUID]:
    """Return which of the profiles bought at one of the places; all that exist without `places`."""
    return set(Profile.objects.filter(_of(places), pk__in=profile_ids).values_list("pk", flat=True))


def _history(places: Collection[str] | None) -> QuerySet[OrderHistory]:
    rows = OrderHistory.objects.all()
    return rows if places is None else rows.filter(location__in=list(places))


def _of(places: Collection[str] | None, column: str = "pk") -> Q:
    """Return the condition that a profile, named by `column`, bought at one of the places."""
    return Q() if places is None else Q(Exists(_history(places).filter(profile_id=OuterRef(column))))


def _by_identifier(text: str, country: str, places: Collection[str] | None) -> list[UUID]:
    wanted = Q()
    for kind in IdentifierKind:
        try:
            if kind is IdentifierKind.CHANNEL_CUSTOMER:
                wanted |= Q(kind=kind.value, value=identifiers.reference(text))
            else:
                value = identifiers.normalised(kind, text, country=country).value
                wanted |= Q(kind=kind.value, scope="", value=value)
        except ValueError:
            continue
    if not wanted:
        return []
    found = Identifier.objects.filter(wanted).filter(_of(places, "profile_id"))
    rows = found.order_by("profile_id").values_list("profile_id", flat=True)
    return list(dict.fromkeys(rows[:MOST_FOUND]))


def _by_order(text: str, places: Collection[str] | None) -> list[UUID]:
    return list(_history(places).filter(number=text.upper()).values_list("profile_id", flat=True)[:1])


def _by_name(text: str, at_most: int, places: Collection[str] | None) -> list[UUID]:
    if len(text) < SHORTEST_NAME:
        return []
    rows = Profile.objects.filter(_of(places), name__icontains=text).order_by("name", "id")
    return list(rows.values_list("id", flat=True)[:at_most])


def _found(profile_ids: Sequence[UUID], places: Collection[str] | None) -> list[Found]:
    profiles = Profile.objects.in_bulk(profile_ids)
    reached = _identifiers(profile_ids, is_open=False)
    latest: dict[UUID, PanelOrder] = {}
    rows = _history(places).filter(profile_id__in=profile_ids).select_related("channel")
    for row in rows.order_by("profile_id", "-placed_at").distinct("profile_id"):
        latest[row.profile_id] = _order(row)
    return [
        Found(one, profiles[one].name, profiles[one].country, reached.get(one, ()), latest.get(one))
        for one in profile_ids
        if one in profiles
    ]


def _identifiers(profile_ids: Sequence[UUID], *, is_open: bool) -> dict[UUID, tuple[PanelIdentifier, ...]]:
    found: dict[UUID, list[PanelIdentifier]] = defaultdict(list)
    for row in Identifier.objects.filter(profile_id__in=profile_ids).order_by("kind", "id"):
        shown = row.value if is_open else identifiers.masked(row.kind, row.value)
        found[row.profile_id].append(PanelIdentifier(row.pk, row.kind, row.scope, shown, row.is_verified))
    return {profile_id: tuple(rows) for profile_id, rows in found.items()}


def _order(row: OrderHistory) -> PanelOrder:
    return PanelOrder(
        order_id=row.order_id,
        number=row.number,
        channel=row.channel.name,
        status=row.status,
        total=Money(row.total_minor, row.currency),
        pieces=row.pieces,
        placed_at=row.placed_at,
    )
