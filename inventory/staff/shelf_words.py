"""What was done with a product's shelves, in the reader's words: from where to where, why, who and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from commerce.staff import people
from inventory import shelves

VERBS: dict[str, tuple[Any, str]] = {
    "inventory.shelves.put_away": (_("Put away"), "archive"),
    "inventory.shelves.relocate": (_("Shelf changed"), "arrow-right-left"),
    "inventory.shelves.take_off": (_("Taken off a shelf"), "x"),
}


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that was done: where the goods lay before and after, the shelf to look at first in front."""

    label: Any
    icon: str
    before: str
    after: str
    reason: str
    who: str
    at: datetime


def moves(location_id: int, product_id: int) -> list[Move]:
    """Return what was done with a product's shelves at a location, newest first."""
    found = shelves.moves(location_id, product_id)
    who = people.names((one.actor_kind, one.actor_id) for one in found)
    return [
        Move(
            *VERBS[one.verb], ", ".join((one.before or {}).get("shelves", [])), ", ".join((one.after or {}).get("shelves", [])),
            one.reason, who[one.actor_kind, one.actor_id], one.recorded_at,
        )
        for one in found
    ]  # fmt: skip
