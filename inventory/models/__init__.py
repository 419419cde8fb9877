"""Tables of goods. One module per topic; each table says what it is, what can never happen, and who writes it."""

from inventory.models.counts import CountFinding, CountItem, CountPolicy, CountRecord, StockCount
from inventory.models.moving import ShelfPlace, Transfer, TransferLine, TransferScan
from inventory.models.places import Location, LocationGroup, LocationGroupMember, PostalPlace, StaffAssignment
from inventory.models.promising import (
    Backorder,
    BackorderPolicy,
    PromisedDate,
    PurchaseLimit,
    PurchaseLimitUse,
    UnroutedDemand,
)
from inventory.models.reconciling import Discrepancy, StatementPolicy, StatementSource, StockStatement
from inventory.models.reordering import (
    DemandDay,
    DemandForecast,
    DemandMark,
    ForecastSpread,
    PromotionUplift,
    ReplenishmentAlert,
    ReplenishmentProposal,
    ReplenishmentRule,
)
from inventory.models.scarcity import ScarcityClaim, ScarcityPolicy, ScarcityWording, WaitingEntry, WaitingOffer
from inventory.models.seals import JournalSeal, SealedLevel
from inventory.models.sharing import (
    BufferRule,
    BufferStep,
    DynamicBuffer,
    DynamicPolicy,
    Obligation,
    ObligationShare,
    ObligationTake,
    SharingVersion,
)
from inventory.models.stock import Allocation, FeedFigure, Hold, HoldState, StockEntry, StockLevel
from inventory.models.supply import PurchaseOrder, PurchaseOrderLine, Supplier, SupplierClosure, SupplierTerm

__all__ = [
    "Allocation",
    "Backorder",
    "BackorderPolicy",
    "BufferRule",
    "BufferStep",
    "CountFinding",
    "CountItem",
    "CountPolicy",
    "CountRecord",
    "DemandDay",
    "DemandForecast",
    "DemandMark",
    "Discrepancy",
    "DynamicBuffer",
    "DynamicPolicy",
    "FeedFigure",
    "ForecastSpread",
    "Hold",
    "HoldState",
    "JournalSeal",
    "Location",
    "LocationGroup",
    "LocationGroupMember",
    "Obligation",
    "ObligationShare",
    "ObligationTake",
    "PostalPlace",
    "PromisedDate",
    "PromotionUplift",
    "PurchaseLimit",
    "PurchaseLimitUse",
    "PurchaseOrder",
    "PurchaseOrderLine",
    "ReplenishmentAlert",
    "ReplenishmentProposal",
    "ReplenishmentRule",
    "ScarcityClaim",
    "ScarcityPolicy",
    "ScarcityWording",
    "SealedLevel",
    "SharingVersion",
    "ShelfPlace",
    "StaffAssignment",
    "StatementPolicy",
    "StatementSource",
    "StockCount",
    "StockEntry",
    "StockLevel",
    "StockStatement",
    "Supplier",
    "SupplierClosure",
    "SupplierTerm",
    "Transfer",
    "TransferLine",
    "TransferScan",
    "UnroutedDemand",
    "WaitingEntry",
    "WaitingOffer",
]
