"""A channel's own public events in the order of their positions: what webhooks push, to be pulled again from anywhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce import events
from commerce.models import OutboxMessage


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """One event as its channel reads it."""

    id: UUID
    position: int
    type: str
    aggregate: str
    sequence: int
    schema_version: int
    occurred_at: datetime
    data: dict[str, Any]


def read(channel_id: int, *, after: int, types: Iterable[str] = (), limit: int) -> list[StreamedEvent]:
    """Return up to `limit` events of the channel past position `after`, of the given public types or of all, oldest first.

    Positions are given once an event is committed and have no gaps, so a reader that goes on from the last position it
    saw misses nothing, ever.
    """
    wanted = set(types) or set(events.public_types())
    rows = (
        OutboxMessage.objects.filter(channel_id=channel_id, position__gt=after, event_type__in=sorted(wanted))
        .order_by("position")
        .values_list(
            "message_id", "position", "event_type", "aggregate", "aggregate_sequence", "schema_version",
            "occurred_at", "payload",
        )[:limit]
    )  # fmt: skip
    return [StreamedEvent(*row) for row in rows]
