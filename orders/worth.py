"""What a piece of goods is worth by its price, for rooms that may not ask for prices themselves."""

from collections.abc import Mapping
from datetime import datetime

from commerce import queries
from inventory import valuation
from inventory.valuation import UnitValue
from pricing import quoting
from pricing.quotes import BasketLine, ChannelTerms, Quote

MARKETPLACE = "marketplace"  # its prices hold its fee, so they say least about the goods


def register() -> None:
    """Let discrepancies and counts be valued by price where no cost is known."""
    valuation.register("prices", prices, order=valuation.PRICES)


def prices(product_ids: list[int], at: datetime) -> Mapping[int, UnitValue]:
    """Return the price of one piece as our first channel asks for it, by product; products without one are missing."""
    active = [channel for channel in queries.channels() if channel.is_active]
    if not active:
        return {}
    first = min(active, key=lambda channel: (channel.kind == MARKETPLACE, channel.id))
    terms = ChannelTerms(first.id, first.currency, first.country)
    verdicts = quoting.price_each([[BasketLine(one, 1)] for one in product_ids], channel=terms, at=at)
    return {
        product_id: UnitValue(verdict.total_minor, verdict.currency)
        for product_id, verdict in zip(product_ids, verdicts, strict=True)
        if isinstance(verdict, Quote)
    }
