"""Tables of goods. One module per topic; each table says what it is, what can never happen, and who writes it."""

from inventory.models.places import Location, LocationGroup, LocationGroupMember, PostalPlace, StaffAssignment
from inventory.models.stock import Allocation, FeedFigure, Hold, HoldState, StockEntry, StockLevel

__all__ = [
    "Allocation",
    "FeedFigure",
    "Hold",
    "HoldState",
    "Location",
    "LocationGroup",
    "LocationGroupMember",
    "PostalPlace",
    "StaffAssignment",
    "StockEntry",
    "StockLevel",
]
