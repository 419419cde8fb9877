"""Facts of orders, told to whoever listens: our own rooms, and the channel that placed the order.

All of them belong to the aggregate `order:<id>`; `aggregate_sequence` is the order's version after the change, so that a
receiver can drop what is older than what it knows. They hold ids and primitives, no personal values. [pure]
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from commerce import events


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent(events.Event):
    """What every event of an order says. `pieces` and `total_minor` count what is still to be delivered."""

    type: ClassVar[str] = ""
    is_public: ClassVar[bool] = True

    order_id: UUID
    number: str
    external_reference: str
    customer_id: UUID | None
    status: str
    total_minor: int
    currency: str
    pieces: int
    placed_at: datetime
    location: str | None
    fulfilment_id: UUID | None
    state: str | None

    @property
    def aggregate(self) -> str:
        return f"order:{self.order_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReceived(events.Event):
    """An order was taken in at the door and waits to be placed; it is in the inbox."""

    type: ClassVar[str] = "order.received"

    message_id: int

    @property
    def aggregate(self) -> str:
        return f"received-order:{self.message_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(OrderEvent):
    """An order stands: price, goods and window are settled."""

    type: ClassVar[str] = "order.placed"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentRouted(OrderEvent):
    """An order that was accepted without a place has its places now: `parts` of them, promised by `promised_at`."""

    type: ClassVar[str] = "fulfilment.routed"

    promised_at: datetime
    parts: int


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderEvent):
    """An order was cancelled by its customer, its channel or staff; its goods and window are free again."""

    type: ClassVar[str] = "order.cancelled"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChanged(OrderEvent):
    """An order that stands was changed as asked: fewer or more pieces, another address, other parts."""

    type: ClassVar[str] = "order.changed"

    amendment_id: UUID
    difference_minor: int
    pieces_added: int
    pieces_cancelled: int
    is_readdressed: bool


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHeld(OrderEvent):
    """Work on an order stands still, for `kind`."""

    type: ClassVar[str] = "order.held"

    kind: str


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHoldReleased(OrderEvent):
    """An order is not held for `kind` any longer; `held_for` is what else it is held for."""

    type: ClassVar[str] = "order.hold_released"

    kind: str
    held_for: list[str]


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnChanged(events.Event):
    """A return was announced, sent, received, inspected, refunded, settled, refused or called off: `state` says where it is."""

    type: ClassVar[str] = "return.changed"
    is_public: ClassVar[bool] = True

    return_id: UUID
    number: str
    order_id: UUID
    order_number: str
    external_reference: str
    state: str
    location: str | None
    pieces: int
    refund_minor: int
    currency: str

    @property
    def aggregate(self) -> str:
        return f"return:{self.return_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentAccepted(OrderEvent):
    """A location took the order on."""

    type: ClassVar[str] = "fulfilment.accepted"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentReleased(OrderEvent):
    """The order went back to the queue of its location."""

    type: ClassVar[str] = "fulfilment.released"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentPicking(OrderEvent):
    """Picking began."""

    type: ClassVar[str] = "fulfilment.picking"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentLineRejected(OrderEvent):
    """Pieces of a line won't be delivered (of a kit: whole kits); the order's total is lower by their price."""

    type: ClassVar[str] = "fulfilment.line_rejected"

    sku: str
    rejected: int
    reason: str


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentRejected(OrderEvent):
    """Nothing of the order could be picked at the location."""

    type: ClassVar[str] = "fulfilment.rejected"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentReady(OrderEvent):
    """The goods wait for their customer or carrier."""

    type: ClassVar[str] = "fulfilment.ready"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentArrived(OrderEvent):
    """The customer waits outside."""

    type: ClassVar[str] = "fulfilment.arrived"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentHandedOver(OrderEvent):
    """The goods left with the customer."""

    type: ClassVar[str] = "fulfilment.handed_over"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentSentToStore(OrderEvent):
    """Goods left for the store at which their customer fetches them; `location` is that store."""

    type: ClassVar[str] = "fulfilment.sent_to_store"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentShipped(OrderEvent):
    """The goods left with a carrier."""

    type: ClassVar[str] = "fulfilment.shipped"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentNoShow(OrderEvent):
    """Nobody came while the order was kept."""

    type: ClassVar[str] = "fulfilment.no_show"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentReturnedToStock(OrderEvent):
    """The goods that nobody collected can be sold again."""

    type: ClassVar[str] = "fulfilment.returned_to_stock"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentPromised(OrderEvent):
    """Something of an order is promised anew: its goods come earlier or later, are there, or a place did not get to it
    (`waiting` is 0)."""

    type: ClassVar[str] = "fulfilment.promised"

    promised_at: datetime
    waiting: int


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class FulfilmentDelayed(OrderEvent):
    """What is with its carrier comes on a later day than was told, as the carrier says."""

    type: ClassVar[str] = "fulfilment.delayed"

    promised_before: datetime
    deliver_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionEvent(events.Event):
    """What every event of an exception says: which case, of which kind, how bad, whose turn, by when."""

    type: ClassVar[str] = ""

    case_id: UUID
    kind: str
    severity: str
    role: str
    location_id: int | None
    order_id: UUID | None
    due_at: datetime
    outcome: str

    @property
    def aggregate(self) -> str:
        return f"exception:{self.case_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionOpened(ExceptionEvent):
    """Something needs a person."""

    type: ClassVar[str] = "exception.opened"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionEscalated(ExceptionEvent):
    """Nobody settled it in time: the role above has it now."""

    type: ClassVar[str] = "exception.escalated"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionSettled(ExceptionEvent):
    """Its cause is gone, or somebody said how it ended."""

    type: ClassVar[str] = "exception.settled"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class ShortageAsked(OrderEvent):
    """Pieces could not be found and no other place can serve them by itself: their customer may choose on the order's page."""

    type: ClassVar[str] = "order.shortage_asked"

    sku: str
    units: int
    outcome: str


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class SubstituteProposed(OrderEvent):
    """Somebody at the shelf proposes other goods for missing pieces. `outcome` is open (the customer is asked until `answer_by`)
    or accepted (they agreed when they ordered); without a yes it ends as refused, lapsed or withdrawn."""

    type: ClassVar[str] = "order.substitute_proposed"

    proposal_id: UUID
    sku: str
    units: int
    instead_sku: str
    amount_minor: int
    instead_of_minor: int
    answer_by: datetime | None
    outcome: str


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class ShortageSettled(OrderEvent):
    """What became of pieces that could not be found; `outcome` is rerouted (they are owed again), declined or ended."""

    type: ClassVar[str] = "order.shortage_settled"

    sku: str
    units: int
    outcome: str


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class PickQuestioned(events.Event):
    """A shelf was found empty while another order still wants pieces from it."""

    type: ClassVar[str] = "pick.questioned"

    shortage_id: UUID
    line_id: UUID

    @property
    def aggregate(self) -> str:
        return f"shortage:{self.shortage_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationWanted(events.Event):
    """We know no address of the customer: the channel that placed the order is asked to tell them."""

    type: ClassVar[str] = "notification.wanted"
    is_public: ClassVar[bool] = True

    order_id: UUID
    number: str
    external_reference: str
    notice_id: UUID
    message: str
    language: str
    tracking_url: str

    @property
    def aggregate(self) -> str:
        return f"order:{self.order_id}"


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerOnTheWay(OrderEvent):
    """The customer is on the way to a pickup and arrives in about so many minutes."""

    type: ClassVar[str] = "fulfilment.on_the_way"

    minutes: int


@events.register
@dataclass(frozen=True, slots=True, kw_only=True)
class PickupMoved(OrderEvent):
    """A pickup is fetched in another window, perhaps at another store: `location` and `window_starts_at` hold from now on."""

    type: ClassVar[str] = "fulfilment.moved"

    from_location: str
    from_window_starts_at: datetime | None
    window_starts_at: datetime
