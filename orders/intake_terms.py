"""What is agreed with each channel about its orders: whose prices, who chooses the place, and when it is chosen."""

import time
from dataclasses import asdict, dataclass
from typing import Any

from commerce import audit, catalog
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders.models import IntakeTerms

FRESH_FOR_SECONDS = 5.0  # how long a process may go by its own copy
LARGEST_TOLERANCE_MINOR = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the orders of a channel; as it is written here where nothing was agreed."""

    may_price: bool = False
    tolerance_minor: int = 0
    may_choose_place: bool = False
    routes_later: bool = False
    shipping_product_id: int | None = None


USUAL = Terms()
_cached: tuple[float, dict[int, Terms]] = (0.0, {})


def of(channel_id: int) -> Terms:
    """Return what holds for a channel's orders, at most a few seconds old."""
    global _cached
    read_at, found = _cached
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        names = list(Terms.__dataclass_fields__)
        rows = IntakeTerms.objects.values_list("channel_id", *names)
        found = {channel: Terms(*values) for channel, *values in rows}
        _cached = (time.monotonic(), found)
    return found.get(channel_id, USUAL)


def forget() -> None:
    """Read again at the next question."""
    global _cached
    _cached = (0.0, {})


@transaction_required
def agree(channel_id: int, terms: Terms, *, by: Actor) -> int:
    """Agree on terms with a channel from now on; return the row's id. Said again changes nothing. Raises: InvalidInput."""
    if not 0 <= terms.tolerance_minor <= LARGEST_TOLERANCE_MINOR:
        message = f"A tolerance is 0 to {LARGEST_TOLERANCE_MINOR} cents: what rounding explains, no more."
        raise InvalidInput(
            message, errors=[{"field": "tolerance_minor", "value": terms.tolerance_minor, "message": message}]
        )
    if terms.shipping_product_id is not None:
        charge = catalog.products_by_id([terms.shipping_product_id]).get(terms.shipping_product_id)
        if charge is None or charge.has_stock or charge.is_kit:
            message = "Shipping costs are kept as a charge: choose a product without stock."
            value = charge.sku if charge else None
            raise InvalidInput(message, errors=[{"field": "shipping_product", "value": value, "message": message}])
    row = IntakeTerms.objects.select_for_update().filter(channel_id=channel_id).first()
    before = {name: getattr(row, name) for name in Terms.__dataclass_fields__} if row else None
    after: dict[str, Any] = asdict(terms)
    if before != after:
        row, _ = IntakeTerms.objects.update_or_create(channel_id=channel_id, defaults=after)
        audit.record("orders.intake_terms.agree", "channel", channel_id, by=by, before=before, after=after)
    forget()
    if row is None:  # pragma: no cover (either it was there or it was made)
        raise LookupError(channel_id)
    return int(row.pk)
