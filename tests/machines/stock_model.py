"""Stock as a plain dictionary: what the ledger must say, computed the slow and obvious way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from commerce.errors import CommerceError

Key = tuple[int, int]  # (product id, location id)
Short = dict[Key, tuple[int, int]]  # what lacks: (wanted, available)


@dataclass
class Basket:
    """A reservation. `ended` is empty while it counts, if its time is not over."""

    channel_id: int
    location_id: int
    lines: dict[int, int]
    expires_at: datetime
    ended: str = ""

    def state(self, at: datetime) -> str:
        return self.ended or ("expired" if self.expires_at <= at else "active")


@dataclass
class Promise:
    """An allocation and how much of it is still owed."""

    key: Key
    open: int


@dataclass
class Stock:
    """What is where, what is promised, and what baskets hold. Every method decides first and changes only if it may."""

    on_hand: Counter[Key] = field(default_factory=Counter)
    allocated: Counter[Key] = field(default_factory=Counter)
    baskets: dict[UUID, Basket] = field(default_factory=dict)

    def held(self, key: Key, at: datetime) -> int:
        return sum(
            basket.lines.get(key[0], 0)
            for basket in self.baskets.values()
            if basket.location_id == key[1] and basket.state(at) == "active"
        )

    def free(self, key: Key, at: datetime) -> int:
        return self.on_hand[key] - self.allocated[key] - self.held(key, at)

    def figure(self, key: Key, at: datetime) -> tuple[int, int, int, int]:
        """Return (on hand, allocated, held, available)."""
        return self.on_hand[key], self.allocated[key], self.held(key, at), self.free(key, at)

    def reserve(self, basket_id: UUID, basket: Basket, *, at: datetime) -> Short:
        """Hold the goods of a basket or say what lacks."""
        wanted = {(product, basket.location_id): pieces for product, pieces in basket.lines.items()}
        short = {key: (pieces, self.free(key, at)) for key, pieces in wanted.items() if self.free(key, at) < pieces}
        if not short:
            self.baskets[basket_id] = basket
        return short

    def refusal_of(self, basket_id: UUID, channel_id: int | None, at: datetime) -> str:
        """Return why a reservation can't serve, or nothing when it can."""
        basket = self.baskets.get(basket_id)
        if basket is None or channel_id not in (None, basket.channel_id):
            return "hold_not_found"
        return {"active": "", "expired": "hold_expired"}.get(basket.state(at), "hold_ended")

    def allocate(
        self, demands: Iterable[tuple[Key, int]], *, at: datetime, basket_id: UUID | None, channel_id: int | None
    ) -> str | Short:
        """Promise goods, from a basket first; return the code of the refusal or what lacks, nothing when it is done."""
        wanted: Counter[Key] = Counter()
        for key, pieces in demands:
            wanted[key] += pieces
        held: dict[Key, int] = {}
        if basket_id is not None:
            if code := self.refusal_of(basket_id, channel_id, at):
                return code
            basket = self.baskets[basket_id]
            held = {(product, basket.location_id): pieces for product, pieces in basket.lines.items()}
            if not any(location == basket.location_id for _, location in wanted):
                return "hold_elsewhere"
        short = {
            key: (pieces, self.free(key, at) + held.get(key, 0))
            for key, pieces in wanted.items()
            if self.free(key, at) + held.get(key, 0) < pieces
        }
        if short:
            return short
        self.allocated.update(wanted)
        if basket_id is not None:
            self.baskets[basket_id].ended = "consumed"
        return {}

    def leave(self, parts: Mapping[Key, int]) -> None:
        self.on_hand.subtract(parts)
        self.allocated.subtract(parts)

    def not_found(self, parts: Mapping[Key, int], *, at: datetime) -> None:
        """The missing pieces go, and with them whatever of their shelf nobody was promised."""
        self.leave(parts)
        for key in parts:
            self.on_hand[key] -= self.free(key, at)


def short_of(refusal: CommerceError) -> Short:
    """Return what a refusal says that lacks."""
    return {
        (line["product_id"], line["location_id"]): (line["wanted"], line["available"])
        for line in refusal.detail["lines"]
    }
