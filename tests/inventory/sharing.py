"""What tests of sharing make again and again: rules that hold, and what a channel sees of a shelf."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from commerce import catalog, clock
from commerce.models import Channel
from commerce.transactions import transaction
from inventory.sharing import buffer_rules, buffers, obligations
from inventory.sharing.buffer_rules import Draft
from inventory.sharing.obligations import Agreement
from inventory.sharing.scopes import ScopeIds
from tests.factories import commerce as ground
from tests.inventory.conftest import BY, Shelf

_numbers = count(1)


def another_channel(**values: Any) -> Channel:
    """A channel whose code no shelf's channel has."""
    return ground.channel(f"other-{next(_numbers)}", **values)


def drafted(kind: str = "fixed", amount: int = 2, *, scope: ScopeIds | None = None, **values: Any) -> int:
    defaults: dict[str, Any] = {"name": f"{kind} {amount}", "purpose": "buffer"}
    with transaction():
        return buffer_rules.draft(
            Draft(kind=kind, amount=amount, scope=scope or ScopeIds(), **(defaults | values)), by=BY, at=clock.now()
        )


def activate(rule_id: int, *, words: str = "", at: datetime | None = None) -> None:
    with transaction():
        buffer_rules.preview(rule_id, at=at or clock.now())
    with transaction():
        buffer_rules.activate(rule_id, words=words, by=BY, at=at or clock.now())


def holding(kind: str = "fixed", amount: int = 2, *, words: str = "", **values: Any) -> int:
    """A rule that is active."""
    rule_id = drafted(kind, amount, **values)
    activate(rule_id, words=words)
    return rule_id


def retire(rule_id: int) -> None:
    with transaction():
        buffer_rules.retire(rule_id, by=BY, at=clock.now())


def agreed(shelf: Shelf, quantity: int, *, channel_id: int | None = None, hours: float = 24, **scope: Any) -> int:
    """A guarantee that runs, of the shelf's product to its channel unless said otherwise."""
    at = clock.now()
    wanted = ScopeIds(channel_id=channel_id or shelf.channel_id, **(scope or {"product_id": shelf.product_id}))
    agreement = Agreement(
        name="Guaranteed", scope=wanted, quantity=quantity, starts_at=at - timedelta(hours=1),
        ends_at=at + timedelta(hours=hours),
    )  # fmt: skip
    with transaction():
        return obligations.agree(agreement, by=BY, at=at)


def seen(shelf: Shelf, *, channel_id: int | None = None, location_id: int | None = None, free: int = 10) -> int:
    """Return how many of `free` pieces a channel sees of the shelf's product."""
    figure = (shelf.product_id, location_id or shelf.store.id, free, free)
    return free - buffers.withheld(channel_id or shelf.channel_id, [figure], at=clock.now())[0]


def categorised(shelf: Shelf, category: str) -> None:
    with transaction():
        catalog.change_product(shelf.product_id, category=category, by=BY)
