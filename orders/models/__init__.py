"""Tables of orders. One module per topic; each table says what it is, what can never happen, and who writes it."""

from orders.models.carriers import (
    RoutingNode,
    RoutingRestriction,
    ShippingRate,
    ShippingService,
    ShippingZone,
)
from orders.models.changes import OrderAmendment, OrderHold
from orders.models.collecting import PickupReminder, PickupVisit
from orders.models.desk import DeskCase
from orders.models.floor import Proposal, Shortage, Wave, WaveScan, WaveTote
from orders.models.intake import IntakeTerms
from orders.models.notifications import Notice, NoticeTemplate, PushDevice
from orders.models.packing import (
    Consignment,
    ConsignmentPart,
    Parcel,
    ParcelLine,
    ParcelNews,
    ParcelScan,
    ShipLabel,
)
from orders.models.past import PastSale, PastSalesFile
from orders.models.payments import (
    GiftCard,
    GiftCardEntry,
    OwedRefund,
    OwedRefundPart,
    Payment,
    PaymentEvent,
    PaymentRequest,
)
from orders.models.placed import Order, OrderLine
from orders.models.promising import MethodTerms, PreparationTime, PromiseRevision
from orders.models.returns import GoodwillLimit, OrderRefund, Return, ReturnLabel, ReturnLine, ReturnPolicy
from orders.models.routing import (
    RoutingDecision,
    RoutingPolicy,
    RoutingSimulation,
    RoutingSwitch,
)
from orders.models.settlements import SettlementFile, SettlementLine, SettlementMatch
from orders.models.unrouted import UnroutedLine, UnroutedPortion
from orders.models.work import OPEN_STATES, Fulfilment, FulfilmentLine, PickScan

__all__ = [
    "OPEN_STATES",
    "Consignment",
    "ConsignmentPart",
    "DeskCase",
    "Fulfilment",
    "FulfilmentLine",
    "GiftCard",
    "GiftCardEntry",
    "GoodwillLimit",
    "IntakeTerms",
    "MethodTerms",
    "Notice",
    "NoticeTemplate",
    "Order",
    "OrderAmendment",
    "OrderHold",
    "OrderLine",
    "OrderRefund",
    "OwedRefund",
    "OwedRefundPart",
    "Parcel",
    "ParcelLine",
    "ParcelNews",
    "ParcelScan",
    "PastSale",
    "PastSalesFile",
    "Payment",
    "PaymentEvent",
    "PaymentRequest",
    "PickScan",
    "PickupReminder",
    "PickupVisit",
    "PreparationTime",
    "PromiseRevision",
    "Proposal",
    "PushDevice",
    "Return",
    "ReturnLabel",
    "ReturnLine",
    "ReturnPolicy",
    "RoutingDecision",
    "RoutingNode",
    "RoutingPolicy",
    "RoutingRestriction",
    "RoutingSimulation",
    "RoutingSwitch",
    "SettlementFile",
    "SettlementLine",
    "SettlementMatch",
    "ShipLabel",
    "ShippingRate",
    "ShippingService",
    "ShippingZone",
    "Shortage",
    "UnroutedLine",
    "UnroutedPortion",
    "Wave",
    "WaveScan",
    "WaveTote",
]
