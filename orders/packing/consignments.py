"""Orders of one customer that travel in one parcel: decided when they get their place, and undone wherever one can't come along.

A new order may come into the parcel of one that has its place already, as long as nobody picks that and both are ready in time.

Nobody waits for anybody: a shipment that is cancelled, on hold, sent elsewhere by a new address or not picked in time does not
travel with the others, and what of it lies in their parcels has to be taken out before these are labelled or leave.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F

from commerce import ids, integrity, product_refs
from commerce.transactions import transaction_required
from orders import errors
from orders.floor import Parting
from orders.lifecycle import SENT, Method, State
from orders.models import Consignment, ConsignmentPart, Fulfilment, FulfilmentLine
from orders.sourcing.problem import OpenParcel
from orders.sourcing.tariffs import UNKNOWN_GRAMS, Bulk

ALONG = frozenset(
    {State.PLACED, State.ACCEPTED, State.PICKING, State.READY}
)  # in which a shipment may still come along

OPEN = frozenset({State.PLACED, State.ACCEPTED})  # in which nobody picks it yet, so that others may join it
MOST_JOINED = 6  # orders in one parcel
MOST_WAITING = 1_000  # shipments that are looked at for one batch

integrity.refuse(
    "parcel_line_of_its_shipment",
    lambda: errors.ParcelsChanged("These goods belong to an order that does not travel in this parcel."),
)


@dataclass(frozen=True, slots=True)
class Companion:
    """A shipment that travels with another one, as screens name it."""

    fulfilment_id: UUID
    order_id: UUID
    number: str
    state: str
    promised_at: datetime

    @property
    def is_ready(self) -> bool:
        return self.state == State.READY


@transaction_required
def join(consignment_id: UUID, fulfilment_id: UUID, *, location_id: int, customer_id: UUID, at: datetime) -> None:
    """Let a shipment that was just opened travel with the others of a consignment; the first one makes it."""
    Consignment.objects.bulk_create(
        [Consignment(id=consignment_id, location_id=location_id, customer_id=customer_id, made_at=at)],
        ignore_conflicts=True,
    )
    ConsignmentPart.objects.create(consignment_id=consignment_id, fulfilment_id=fulfilment_id)


def orders_beside(fulfilment_ids: Iterable[UUID]) -> set[UUID]:
    """Return the orders of shipments and of those that travel with them: who wants to join them claims these first."""
    rows = list(Fulfilment.objects.filter(pk__in=set(fulfilment_ids)).select_related("order"))
    return {one.order_id for company in companies(rows).values() for one in company} if rows else set()


@transaction_required
def join_beside(
    other_id: UUID, fulfilment_id: UUID, *, claimed: Container[UUID], customer_id: UUID, at: datetime
) -> bool:  # fmt: skip
    """Let a shipment that was just opened travel with another one that waits for its picker, or alone; say which.

    Decided on what is so under the claims of all orders concerned (`claimed`): whoever picks, holds, cancels or joins one of them
    was before or comes after. One that came along since those were claimed is claimed by nobody, so nobody joins then.
    """
    other = Fulfilment.objects.filter(pk=other_id).select_related("order").first()
    mine = Fulfilment.objects.select_related("order").get(pk=fulfilment_id)
    if other is None or not _same_target(mine, other):
        return False
    there = ConsignmentPart.objects.filter(fulfilment_id=other_id).first()
    if there is not None:
        Consignment.objects.select_for_update().get(pk=there.consignment_id)
    together = company(other)
    if len(together) >= MOST_JOINED or (there is not None and there.parted_at is not None):
        return False
    if not all(one.order_id in claimed and _may_be_joined(one, at=at) for one in together):
        return False
    if there is None:
        new = Consignment.objects.create(
            id=ids.new(), location_id=other.location_id, customer_id=customer_id, made_at=at
        )
        there = ConsignmentPart.objects.create(consignment=new, fulfilment_id=other_id)
    ConsignmentPart.objects.create(consignment_id=there.consignment_id, fulfilment_id=fulfilment_id)
    return True


def _may_be_joined(one: Fulfilment, *, at: datetime) -> bool:
    """Whether nobody picks a shipment yet, and it is held for nothing."""
    is_leased = one.lease_expires_at is not None and one.lease_expires_at > at
    return one.state in OPEN and not one.order.held_for and not is_leased and one.method == Method.SHIP


def waiting(customer_ids: Iterable[UUID], *, at: datetime) -> dict[str, tuple[OpenParcel, ...]]:
    """Return what waits at places for customers and nobody picks yet, by recipient, so that others may join. Four queries."""
    rows = list(
        Fulfilment.objects.filter(
            order__customer_id__in=set(customer_ids), method=Method.SHIP.value, state__in=OPEN, order__held_for=[],
            promised_at__gt=at,
        )
        .exclude(lease_expires_at__gt=at)
        .select_related("order")
        .order_by("promised_at", "id")[:MOST_WAITING]
    )  # fmt: skip
    if not rows:
        return {}
    bulks: dict[UUID, Bulk] = defaultdict(Bulk)
    for fulfilment_id, pieces, weight, *sides in FulfilmentLine.objects.filter(fulfilment__in=rows).values_list(
        "fulfilment_id", F("quantity") - F("rejected"), "product__weight_grams", "product__length_mm",
        "product__width_mm", "product__height_mm",
    ):  # fmt: skip
        mm3 = product_refs.volume(*sides) or 0
        bulks[fulfilment_id] += Bulk(pieces * (UNKNOWN_GRAMS if weight is None else weight), pieces * mm3)
    is_row = {one.id for one in rows}
    parted = set(
        ConsignmentPart.objects.filter(fulfilment__in=rows, parted_at__isnull=False).values_list("fulfilment_id", flat=True)
    )  # fmt: skip
    found: dict[str, list[OpenParcel]] = defaultdict(list)
    counted: set[UUID] = set()
    company = companies(rows)
    for one in rows:
        together = company[one.id]
        order = one.order
        to = recipient(order.channel_id, order.customer_id, order.contact_name, order.ship_to)
        is_open = all(other.id in is_row for other in together) and len(together) < MOST_JOINED
        if to and is_open and one.id not in counted and one.id not in parted:
            names = tuple(other.order.number for other in together)
            bulk = sum((bulks[other.id] for other in together), Bulk())
            leaves_by = min(other.promised_at for other in together)
            found[to].append(OpenParcel(str(one.id), one.location_id, bulk.grams, names, leaves_by, bulk.mm3))
        counted.update(other.id for other in together)
    return {to: tuple(parcels) for to, parcels in found.items()}


@transaction_required
def part(fulfilment_ids: Iterable[UUID], because: Parting, *, at: datetime) -> None:
    """Let shipments travel alone from now on. Said again changes nothing."""
    ConsignmentPart.objects.filter(fulfilment_id__in=list(fulfilment_ids), parted_at__isnull=True).update(
        parted_at=at, parted_because=because.value
    )


def companies(fulfilments: Sequence[Fulfilment]) -> dict[UUID, list[Fulfilment]]:
    """Return for each shipment, with its order, those that travel with it now, itself first. One query.

    Only those come along that are still here, held for nothing, and go to the same name and address.
    """
    there = ConsignmentPart.objects.filter(
        consignment__parts__fulfilment__in=fulfilments,
        parted_at__isnull=True,
        fulfilment__state__in=ALONG,
        fulfilment__method__in=SENT,
        fulfilment__order__held_for=[],
    )
    groups: dict[UUID, list[Fulfilment]] = defaultdict(list)
    group_of: dict[UUID, UUID] = {}
    for row in (
        there.select_related("fulfilment__order").order_by("fulfilment__promised_at", "fulfilment_id").distinct()
    ):
        groups[row.consignment_id].append(row.fulfilment)
        group_of[row.fulfilment_id] = row.consignment_id
    found = {}
    for one in fulfilments:
        others = groups[group_of[one.id]] if one.id in group_of else []
        found[one.id] = [one, *(other for other in others if other.id != one.id and _same_target(one, other))]
    return found


def company(fulfilment: Fulfilment) -> list[Fulfilment]:
    """Return a shipment and those that travel with it now. One query."""
    return companies([fulfilment])[fulfilment.id]


def companions(fulfilment_ids: Sequence[UUID]) -> dict[UUID, list[Companion]]:
    """Return for each of some shipments those others that travel with it, for screens. Two queries."""
    rows = list(Fulfilment.objects.filter(pk__in=list(fulfilment_ids), consigned__isnull=False).select_related("order"))
    if not rows:
        return {}
    return {
        key: [Companion(one.id, one.order_id, one.order.number, one.state, one.promised_at) for one in those[1:]]
        for key, those in companies(rows).items()
        if len(those) > 1
    }


def members(fulfilment_ids: Iterable[UUID]) -> list[UUID]:
    """Return the shipments that ever were in a consignment with one of these, and these."""
    ids = list(fulfilment_ids)
    rows = ConsignmentPart.objects.filter(consignment__parts__fulfilment_id__in=ids)
    return list({*ids, *rows.values_list("fulfilment_id", flat=True)})


def recipient(channel_id: int, customer_id: UUID | None, name: str, ship_to: dict[str, str] | None) -> str:
    """Return whose orders may travel as one parcel, and where to; nothing for a customer nobody knows."""
    to = ship_to or {}
    if customer_id is None or not to.get("street") or not to.get("postal_code"):
        return ""
    return "|".join((str(channel_id), str(customer_id), *_target(name, to)))


def _same_target(one: Fulfilment, other: Fulfilment) -> bool:
    return (
        one.location_id == other.location_id
        and one.order.channel_id == other.order.channel_id
        and _target(one.order.contact_name, one.order.ship_to or {})
        == _target(other.order.contact_name, other.order.ship_to or {})
    )


def _target(name: str, to: dict[str, str]) -> tuple[str, ...]:
    """Return a name and an address as they compare: without case and blanks."""
    parts = (name, to.get("street", ""), to.get("postal_code", ""), to.get("city", ""), to.get("country", ""))
    return tuple("".join(str(part or "").split()).casefold() for part in parts)
