"""Events of the tests' own, and ways to publish them and to look at what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from commerce import clock, events, outbox
from commerce.actors import Actor
from commerce.models import OutboxDelivery
from commerce.transactions import transaction

RINGER = Actor.system("tests")


@dataclass(frozen=True, slots=True, kw_only=True)
class BellRung(events.Event):
    """Nobody outside hears it."""

    type: ClassVar[str] = "bell.rung"
    bell: str
    note: str = ""

    @property
    def aggregate(self) -> str:
        return f"bell:{self.bell}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BellSold(events.Event):
    """A channel may hear it."""

    type: ClassVar[str] = "bell.sold"
    is_public: ClassVar[bool] = True
    bell: str
    note: str = ""

    @property
    def aggregate(self) -> str:
        return f"bell:{self.bell}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BellsLeft(events.Event):
    """A channel may hear it, and only the newest number matters."""

    type: ClassVar[str] = "bells.left"
    is_public: ClassVar[bool] = True
    is_state: ClassVar[bool] = True
    bell: str
    left: int

    @property
    def aggregate(self) -> str:
        return f"bell:{self.bell}"


def declare() -> None:
    """Register them; do so within `events.isolated()`."""
    for cls in (BellRung, BellSold, BellsLeft):
        events.register(cls)


def rung(bell: str, sequence: int, note: str = "") -> BellRung:
    return BellRung(aggregate_sequence=sequence, occurred_at=clock.now(), bell=bell, note=note)


def sold(bell: str, sequence: int, channel_id: int | None = None, note: str = "") -> BellSold:
    return BellSold(aggregate_sequence=sequence, occurred_at=clock.now(), channel_id=channel_id, bell=bell, note=note)


def left(bell: str, sequence: int, channel_id: int | None = None) -> BellsLeft:
    return BellsLeft(
        aggregate_sequence=sequence, occurred_at=clock.now(), channel_id=channel_id, bell=bell, left=100 - sequence
    )


def publish(*facts: events.Event) -> None:
    with transaction():
        outbox.publish(facts, by=RINGER)


def states(subscriber: str) -> list[str]:
    """The states of a subscriber's deliveries, oldest first."""
    return list(OutboxDelivery.objects.filter(subscriber=subscriber).order_by("id").values_list("state", flat=True))


def heard(messages: Sequence[events.Received]) -> list[tuple[str, int]]:
    return [(message.aggregate, message.aggregate_sequence) for message in messages]


def later(seconds: float) -> datetime:
    from datetime import timedelta

    return clock.now() + timedelta(seconds=seconds)
