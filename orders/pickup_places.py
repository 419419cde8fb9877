"""Places in pickup windows and on the days of a location, when parts of an order end or go elsewhere.

Parts of one order that are fetched in the same window are one visit and hold one place. When the part that holds it ends, the
place goes to another part that is still fetched then; the last one gives it back. Shipments of one place do so with its day.
"""

from collections.abc import Sequence
from datetime import datetime

from commerce import quotas
from orders import fulfilment, lifecycle
from orders.fulfilment import Work
from orders.lifecycle import COLLECTED, State
from orders.models import Fulfilment


def give_up(work: Work, leaving: Sequence[Fulfilment], *, keeps_days: bool = False, at: datetime) -> None:
    """Let parts give up the places they hold: to parts that stay in the same window, or for everybody. `conclude` has to follow.

    With `keeps_days` only the places in windows are given up. To be called before goods are locked: places are quotas.
    """
    free = []
    for one in leaving:
        days = [] if keeps_days else list(one.day_hold_ids)
        if one.slot_hold_id is None and not days:
            continue
        heir = next((other for other in work.fulfilments if other not in leaving and _shares_place(one, other)), None)
        if heir is None:
            free += [*([one.slot_hold_id] if one.slot_hold_id else []), *days]
            continue
        hold_id = one.slot_hold_id
        fulfilment.amend(work, one, at=at, slot_hold_id=None, **({} if keeps_days else {"day_hold_ids": []}))
        fulfilment.amend(work, heir, at=at, slot_hold_id=hold_id, day_hold_ids=days)
    quotas.release(free)


def _shares_place(one: Fulfilment, other: Fulfilment) -> bool:
    """Whether a part without a place of its own comes with another: to the same location, in the same window or by carrier."""
    return (
        not other.holds
        and State(other.state) not in lifecycle.TERMINAL
        and other.location_id == one.location_id
        and other.window_starts_at == one.window_starts_at
        and (other.method in COLLECTED) == (one.method in COLLECTED)
        # Whoever was exchanged to, waits at the counter without a window, and needs no day of the carrier.
        and (one.window_starts_at is not None or one.method not in COLLECTED)
    )
