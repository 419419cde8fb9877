"""Parcels between places of ours, as both sides see them: what comes to a store, and what it sent elsewhere. Reads only."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import Q

from orders.floor import LabelState, Stage
from orders.lifecycle import State
from orders.models import Fulfilment, Parcel, ShipLabel

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """A parcel to a store. `carrier_says` is its stage where a carrier has it."""

    id: UUID
    number: int
    code: str
    tracking_number: str
    left_at: datetime
    arrived_at: datetime | None
    lost_at: datetime | None
    carrier_says: str

    @property
    def is_coming(self) -> bool:
        return self.arrived_at is None and self.lost_at is None

    @property
    def is_said_to_be_here(self) -> bool:
        return self.is_coming and self.carrier_says == Stage.DELIVERED


@dataclass(slots=True)
class Consignment:
    """An order's parcels on the way between two places. `due_at` is by when its customer was told that it is there."""

    fulfilment_id: UUID
    order_id: UUID
    number: str
    name: str
    origin: str
    store: str
    due_at: datetime
    is_late: bool
    is_called_off: bool
    is_on_hold: bool
    parcels: list[OnItsWay] = field(default_factory=list)

    @property
    def here(self) -> int:
        return sum(1 for one in self.parcels if one.arrived_at and not one.lost_at)

    @property
    def coming(self) -> int:
        return sum(1 for one in self.parcels if one.is_coming)

    @property
    def is_partly_here(self) -> bool:
        return bool(self.here and self.coming) and not self.is_called_off


def to(location_id: int, *, at: datetime) -> list[Consignment]:
    """Return what is on its way to a store, those due first in front; what was called off on the way too. Three queries."""
    called_off = Q(state=State.CANCELLED.value, is_on_shelf=True)
    chosen = Q(state=State.UNDER_WAY.value) | called_off
    return _read(chosen & Q(location_id=location_id, store_id=location_id), at=at)


def sent_from(location_id: int, *, at: datetime) -> list[Consignment]:
    """Return what a place sent to stores and is not there yet, those due first in front. Three queries."""
    return _read(Q(state=State.UNDER_WAY.value, origin_id=location_id), at=at)


def _read(chosen: Q, *, at: datetime) -> list[Consignment]:
    rows = list(
        Fulfilment.objects.filter(chosen)
        .select_related("order", "origin", "store")
        .order_by("promised_at", "id")[:MOST_LISTED]
    )
    parcels: dict[UUID, list[OnItsWay]] = defaultdict(list)
    sent = Parcel.objects.filter(fulfilment__in=rows, left_at__isnull=False).order_by("number")
    labels = {
        label.parcel_id: label.tracking_number
        for label in ShipLabel.objects.filter(parcel__in=sent, state=LabelState.MADE.value).defer("document")
    }
    for one in sent:
        parcels[one.fulfilment_id].append(
            OnItsWay(
                one.pk, one.number, one.code, labels.get(one.pk, ""), one.left_at, one.arrived_at, one.lost_at, one.stage
            )
        )  # fmt: skip
    return [
        Consignment(
            row.pk, row.order_id, row.order.number, row.order.contact_name, row.origin.name if row.origin else "",
            row.store.name if row.store else "", row.promised_at, row.promised_at < at,
            row.state == State.CANCELLED, bool(row.order.held_for), parcels[row.pk],
        )
        for row in rows
    ]  # fmt: skip
