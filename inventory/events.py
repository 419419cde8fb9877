"""Facts that the inventory room tells."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from commerce import events


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class StockChanged(events.Event):
    """A stock level changed; carries its newest values. One per level and statement, however many entries that wrote."""

    type: ClassVar[str] = "inventory.stock_changed"

    level_id: int
    product_id: int
    location_id: int
    condition: str
    on_hand: int
    allocated: int
    held: int

    @property
    def aggregate(self) -> str:
        return f"stock_level:{self.level_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityChanged(events.Event):
    """What a channel may sell of a product changed. Newest wins; `version` only grows, so late news can be dropped.

    `backorderable` pieces besides may be promised from goods to come.
    """

    type: ClassVar[str] = "availability.changed"
    is_public: ClassVar[bool] = True
    is_state: ClassVar[bool] = True

    product_id: int
    sku: str
    version: int
    available: int
    backorderable: int
    locations: dict[str, int]
    as_of: datetime

    @property
    def aggregate(self) -> str:
        return f"listing:{self.channel_id}:{self.product_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationExpired(events.Event):
    """A checkout's time was over before it became an order; its goods are free again."""

    type: ClassVar[str] = "reservation.expired"
    is_public: ClassVar[bool] = True

    reservation_id: str
    reference: str
    expired_at: datetime

    @property
    def aggregate(self) -> str:
        return f"reservation:{self.reservation_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class LocationChanged(events.Event):
    """A location opened, closed or moved to another country: channels may sell other goods than before."""

    type: ClassVar[str] = "inventory.location_changed"

    location_id: int

    @property
    def aggregate(self) -> str:
        return f"location:{self.location_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class SharingChanged(events.Event):
    """What is withheld from channels changed: a rule, a dynamic policy, an obligation, a group of places.

    Affected are the named products; without any the category's; without that all, at the named places if there are some.
    """

    type: ClassVar[str] = "inventory.sharing_changed"

    cause: str
    cause_id: int
    product_ids: list[int]
    category: str
    location_ids: list[int] | None

    @property
    def aggregate(self) -> str:
        return f"{self.cause}:{self.cause_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingChanged(events.Event):
    """What is on its way to a place changed: ordered, announced, earlier, later, more, fewer, received or cancelled.

    `before` and `after` are the pieces still to come of this source, by the day they are expected on (YYYY-MM-DD).
    """

    type: ClassVar[str] = "inventory.incoming_changed"

    product_id: int
    location_id: int
    source: str
    reference: str
    before: dict[str, int]
    after: dict[str, int]

    @property
    def aggregate(self) -> str:
        return f"incoming:{self.reference}:{self.product_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseRevised(events.Event):
    """By when pieces of an order line that wait for goods are promised changed; no date: nobody knows.

    `reason` is supply_moved, goods_arrived (`waiting` is 0), goods_missing, or overtaken (a channel that comes first by its
    priority); dates are days (YYYY-MM-DD) at the place.
    """

    type: ClassVar[str] = "promise.revised"
    is_public: ClassVar[bool] = True

    backorder_id: str
    order_line: str
    sku: str
    location: str
    waiting: int
    promised_on: str | None
    promised_before: str | None
    reason: str

    @property
    def aggregate(self) -> str:
        return f"backorder:{self.backorder_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class CountPosted(events.Event):
    """A count is over: everything that was counted is settled, and what differed is in the journal or was decided otherwise.

    `counted` and `differing` are numbers of items; `found`, `missing` and `short` are pieces that were booked up and down, and
    that are missing but promised, so not booked yet.
    """

    type: ClassVar[str] = "inventory.count_posted"

    count_id: str
    number: str
    location_id: int
    counted: int
    differing: int
    found: int
    missing: int
    short: int

    @property
    def aggregate(self) -> str:
        return f"count:{self.count_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingListOffered(events.Event):
    """Goods are held for someone who waited: order from `reservation_id` before `expires_at`, or they go to the next."""

    type: ClassVar[str] = "waiting_list.offered"
    is_public: ClassVar[bool] = True

    entry_id: str
    sku: str
    location: str
    quantity: int
    reservation_id: str
    expires_at: datetime

    @property
    def aggregate(self) -> str:
        return f"waiting:{self.entry_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingListEnded(events.Event):
    """Someone waits no longer; `state` is taken, missed (the offer's time was over), declined or left."""

    type: ClassVar[str] = "waiting_list.ended"
    is_public: ClassVar[bool] = True

    entry_id: str
    sku: str
    state: str

    @property
    def aggregate(self) -> str:
        return f"waiting:{self.entry_id}"
