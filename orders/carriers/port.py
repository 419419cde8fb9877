"""What every carrier can do for us, in our words: a label (for what comes back, too), cancelling it, where parcels are. [pure]"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orders.floor import Stage

__all__ = [
    "Address", "Carrier", "CarrierBusy", "CarrierError", "CarrierRefused", "CarrierUnclear", "LabelRequest", "MadeLabel", "Scan",
    "Stage",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """Where from or where to. `country` is ISO 3166-1 alpha-2."""

    name: str
    street: str
    postal_code: str
    city: str
    country: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """A label that we want. `reference` is ours and new with every attempt; `minimum_age` is checked at the door."""

    reference: str
    shipper: Address
    consignee: Address
    weight_grams: int
    minimum_age: int | None = None


@dataclass(frozen=True, slots=True)
class MadeLabel:
    """A label that the carrier made: its number there, and the document to print (PDF)."""

    tracking_number: str
    document: bytes


@dataclass(frozen=True, slots=True)
class Scan:
    """A point on a parcel's way; `expected_by` is when its carrier thought, at that point, that it would be there."""

    stage: Stage
    text: str
    place: str
    occurred_at: datetime
    expected_by: datetime | None = None


class CarrierError(Exception):
    """Something came between us and a label. The text is the carrier's, for people."""


class CarrierRefused(CarrierError):
    """The carrier said no for good: an address that isn't one, a weight that it doesn't take."""


class CarrierBusy(CarrierError):
    """The carrier did nothing and may be asked again later."""


class CarrierUnclear(CarrierError):
    """No answer came back: the label may have been made or not."""


class Carrier(Protocol):
    """One carrier. No method may be called inside a transaction."""

    code: str
    name: str

    def create(self, wanted: LabelRequest) -> MadeLabel:
        """Make a label. Raises: CarrierRefused, CarrierBusy, CarrierUnclear."""

    def create_return(self, wanted: LabelRequest) -> MadeLabel:
        """Make a label with which a customer (the shipper) sends something back at our cost. Raises: as `create`."""

    def cancel(self, tracking_number: str) -> None:
        """Cancel a label that nobody used; one that is unknown counts as cancelled. Raises: as `create`."""

    def track(self, tracking_number: str) -> Sequence[Scan]:
        """Return the points on a parcel's way so far. Raises: as `create`."""
