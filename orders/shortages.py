"""Shortages: pieces that somebody could not pick, each with what became of it. Settled once, and looked for only so often."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractUser
from django.db.models import Count, F, QuerySet

from commerce import ids, outbox
from commerce.actors import Actor
from inventory.stocktaking import lists
from orders import errors, events
from orders.floor import RejectReason, ShortageState
from orders.fulfilment import Work
from orders.lifecycle import State
from orders.models import FulfilmentLine, Shortage

MOST_QUESTIONED = 200  # lines of other orders that one empty shelf may touch at once; the rest is told to its pickers
REMEMBERED = timedelta(
    days=3
)  # that long a picker is told that a colleague found nothing, unless it was counted before
UNPICKED = (State.PLACED.value, State.ACCEPTED.value, State.PICKING.value)


def record(
    work: Work,
    line: FulfilmentLine,
    pieces: int,
    units: int,
    reason: RejectReason,
    *,
    restores: Mapping[UUID, int],
    count_id: UUID | None,
    user: AbstractUser | None,
    at: datetime,
) -> UUID:
    """Keep what could not be picked, and what that took off the order, until something becomes of it."""
    made = Shortage.objects.create(
        id=ids.new(), order=work.order, fulfilment=work.fulfilment, line=line, location_id=work.fulfilment.location_id,
        product_id=line.product_id, pieces=pieces, units=units, reason=reason.value, count_id=count_id, rejected_by=user,
        restores={str(line_id): count for line_id, count in restores.items()}, rejected_at=at, next_attempt_at=at,
    )  # fmt: skip
    return made.id


def question_others(shortage_id: UUID, *, by: Actor, at: datetime) -> int:
    """Have the same product given up elsewhere in open orders of the place, each in a transaction of its own; return how many.

    What was picked stays picked, and what a colleague is picking right now is left to them.
    """
    row = Shortage.objects.get(pk=shortage_id)
    lines = _others(row.location_id, row.product_id).exclude(fulfilment_id=row.fulfilment_id)
    found = list(lines.order_by("fulfilment__promised_at", "id").values_list("id", flat=True)[:MOST_QUESTIONED])
    questions = [
        events.PickQuestioned(aggregate_sequence=number, occurred_at=at, shortage_id=shortage_id, line_id=line_id)
        for number, line_id in enumerate(found, start=1)
    ]
    outbox.publish(questions, by=by)
    return len(found)


def others(location_id: int, product_ids: Iterable[int], *, beside: UUID) -> dict[int, tuple[int, int]]:
    """Return how many other open orders of a place still want pieces of each product, and how many pieces."""
    rows = (
        FulfilmentLine.objects.filter(
            fulfilment__location_id=location_id, fulfilment__state__in=UNPICKED, product_id__in=list(product_ids)
        )
        .exclude(fulfilment_id=beside)
        .values_list("product_id", "fulfilment_id", "quantity", "picked", "rejected")[:5000]
    )
    orders: dict[int, set[UUID]] = {}
    pieces: dict[int, int] = {}
    for product_id, fulfilment_id, quantity, picked, rejected in rows:
        if quantity > picked + rejected:
            orders.setdefault(product_id, set()).add(fulfilment_id)
            pieces[product_id] = pieces.get(product_id, 0) + quantity - picked - rejected
    return {product_id: (len(found), pieces[product_id]) for product_id, found in orders.items()}


@dataclass(frozen=True, slots=True)
class Question:
    """What a picker is told of a product: a colleague found nothing of it, when, and that a count waits for it."""

    product_id: int
    since: datetime


def questioned(location_id: int, product_ids: Iterable[int], *, at: datetime) -> dict[int, Question]:
    """Return those products of which somebody found nothing at the place lately and which nobody has counted since."""
    wanted = lists.awaited(location_id, product_ids)
    rows = (
        Shortage.objects.filter(
            location_id=location_id, product_id__in=wanted, reason=RejectReason.NOT_FOUND.value,
            rejected_at__gt=at - REMEMBERED,
        )
        .order_by("product_id", "-rejected_at")
        .values_list("product_id", "rejected_at")
    ) if wanted else []  # fmt: skip
    found: dict[int, Question] = {}
    for product_id, rejected_at in rows:
        found.setdefault(product_id, Question(product_id, rejected_at))
    return found


def of_order(order_id: UUID) -> list[Shortage]:
    """Return the shortages of an order, the latest first."""
    return list(
        Shortage.objects.filter(order_id=order_id).select_related("line__order_line__product").order_by("-rejected_at")
    )


def pending_of(order_id: UUID) -> dict[UUID, int]:
    """Return the units by order line that are off an order and may still come on again, charges included."""
    over = [state.value for state in ShortageState if state.is_over]
    found: dict[UUID, int] = {}
    for restores in (
        Shortage.objects.filter(order_id=order_id).exclude(state__in=over).values_list("restores", flat=True)
    ):
        for line_id, units in restores.items():
            found[UUID(line_id)] = found.get(UUID(line_id), 0) + units
    return found


def open_of(fulfilment_id: UUID) -> list[UUID]:
    """Return the shortages of a fulfilment that nothing has become of yet."""
    rows = Shortage.objects.filter(fulfilment_id=fulfilment_id, state=ShortageState.OPEN.value)
    return list(rows.order_by("rejected_at", "id").values_list("id", flat=True))


def due(*, at: datetime, at_most: int) -> list[UUID]:
    """Return shortages whose next look, or whose end, is due, the longest first."""
    rows = Shortage.objects.filter(next_attempt_at__lte=at).order_by("next_attempt_at", "id")
    return list(rows.values_list("id", flat=True)[:at_most])


def get(shortage_id: UUID) -> Shortage:
    """Return a shortage with its line. Raises: FulfilmentNotFound."""
    found = Shortage.objects.select_related("line__order_line__product").filter(pk=shortage_id).first()
    if found is None:
        raise errors.FulfilmentNotFound("There is no such shortage.", shortage=str(shortage_id))
    return found


def places_tried(row: Shortage) -> set[int]:
    """Return the places that could not serve this order line: none of them is asked again."""
    return set(
        Shortage.objects.filter(line__order_line_id=row.line.order_line_id).values_list("location_id", flat=True)
    )


def change(row: Shortage, state: ShortageState, *, at: datetime, **changes: object) -> None:
    """Write what became of a shortage; whoever calls has claimed its order."""
    row.state = state.value
    row.settled_at = at if state.is_over else None
    changes = {"next_attempt_at": None, **changes} if state.is_over else changes
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(update_fields=["state", "settled_at", *changes])


def found_later(*, location_id: int, since: datetime) -> dict[int | None, int]:
    """Return how many shortages of each person a later count contradicted: the goods were there after all."""
    rows = list(
        Shortage.objects.filter(
            location_id=location_id, rejected_at__gte=since, reason=RejectReason.NOT_FOUND.value, count_id__isnull=False
        ).values_list("rejected_by_id", "count_id", "product_id")
    )
    counted = lists.counted_pieces((count_id, product_id) for _, count_id, product_id in rows)
    late: dict[int | None, int] = {}
    for person, count_id, product_id in rows:
        if counted.get((count_id, product_id), 0) > 0:
            late[person] = late.get(person, 0) + 1
    return late


def reported(*, location_id: int, since: datetime) -> dict[int | None, int]:
    """Return how many shortages each person reported."""
    rows = Shortage.objects.filter(location_id=location_id, rejected_at__gte=since).values("rejected_by_id")
    return {row["rejected_by_id"]: row["many"] for row in rows.annotate(many=Count("id"))}


def _others(location_id: int, product_id: int) -> QuerySet[FulfilmentLine]:
    return FulfilmentLine.objects.filter(
        fulfilment__location_id=location_id,
        fulfilment__state__in=UNPICKED,
        product_id=product_id,
        quantity__gt=F("picked") + F("rejected"),
    )
