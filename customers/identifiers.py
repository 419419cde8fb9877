"""Kinds of identifiers and how each is normalised. [pure]"""

from enum import StrEnum


class IdentifierKind(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    LOYALTY = "loyalty"
    CHANNEL_CUSTOMER = "channel_customer"
