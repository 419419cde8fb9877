"""How far a match of a settlement line is. [pure]"""

from enum import StrEnum


class MatchState(StrEnum):
    """Automatic and confirmed ones count; a proposed one waits for a person; a rejected one is never proposed again."""

    AUTOMATIC = "automatic"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


AGES = ((2, "0-2"), (7, "3-7"), (30, "8-30"), (10_000, "31+"))  # days, as the ageing list shows them


def age_of(days: int) -> str:
    """Return the column of the ageing list for something that is so many days old."""
    return next(name for most, name in AGES if days <= most)
