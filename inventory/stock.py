"""The words of stock, as enums that models store. [pure]"""

from enum import StrEnum


class LocationKind(StrEnum):
    STORE = "store"
    WAREHOUSE = "warehouse"
    MICRO_FULFILMENT = "micro_fulfilment"
    PARTNER = "partner"


class Capability(StrEnum):
    SHIP = "ship"
    PICKUP = "pickup"
    CURBSIDE = "curbside"
    SAME_DAY = "same_day"


class Condition(StrEnum):
    SELLABLE = "sellable"
    DAMAGED = "damaged"
    QUALITY_CONTROL = "quality_control"
    IN_TRANSIT = "in_transit"


class EntryKind(StrEnum):
    RECEIVED = "received"
    HELD = "held"
    EXTENDED = "extended"
    RELEASED = "released"
    EXPIRED = "expired"
    ALLOCATED = "allocated"
    DEALLOCATED = "deallocated"
    SHIPPED = "shipped"
    HANDED_OVER = "handed_over"
    RETURNED = "returned"
    MOVED_OUT = "moved_out"
    MOVED_IN = "moved_in"
    COUNTED = "counted"
    ADJUSTED = "adjusted"
    WRITTEN_OFF = "written_off"
    CORRECTED = "corrected"


class Counterparty(StrEnum):
    """The other side of a movement (law 4): a boundary of the house, or another level of ours."""

    SUPPLIER = "supplier"
    CUSTOMER = "customer"
    SHRINKAGE = "shrinkage"
    FOUND = "found"
    LEVEL = "level"
