"""What somebody wants changed about an order, as one wish. [pure]"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

MOST_LINES = 100  # an order has no more
MOST_DIVISIONS = 20
LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Division:
    """Units of order lines that leave a fulfilment for one of their own."""

    fulfilment_id: UUID
    units: Mapping[UUID, int]  # by order line


@dataclass(frozen=True, slots=True)
class Union:
    """A fulfilment whose goods join another of the same place, method and window."""

    fulfilment_id: UUID
    into: UUID


@dataclass(frozen=True, slots=True)
class MethodChange:
    """A fulfilment that is to go out another way: a pickup names its store and window, what is sent to a store that store."""

    fulfilment_id: UUID
    method: str
    location: str = ""  # a code
    window_starts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Amendment:
    """What is wanted: how many units of which lines, goods besides, another address, other parcels.

    `quantities` says how many of a line are wanted in all; lines that are not named stay as they are. What goes beyond
    what was ordered becomes a line of its own, priced as of the day of the order; `additions` are priced as of now.
    """

    quantities: Mapping[UUID, int] = field(default_factory=dict)
    additions: Mapping[int, int] = field(default_factory=dict)  # pieces by product
    ship_to: Mapping[str, Any] | None = None
    divisions: tuple[Division, ...] = ()
    unions: tuple[Union, ...] = ()
    reason: str = ""
    methods: tuple[MethodChange, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.quantities or self.additions or self.ship_to or self.divisions or self.unions or self.methods)
