"""Prices and rates for tests, made by the verbs of pricing."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Any

from commerce import transactions
from commerce.actors import Actor
from pricing import pricelists, taxes

BY = Actor.system("tests")
SINCE = datetime(2026, 1, 1, tzinfo=UTC)  # prices of tests are in force long before any test's "now"


def price_list(code: str = "standard", **terms: Any) -> str:
    """Open a price list (EUR, gross, for everybody unless said otherwise) and return its code."""
    with transactions.transaction():
        pricelists.add_list(code, **{"name": code, "currency": "EUR", "by": BY} | terms)
    return code


def prices(amounts: Mapping[int, int], *, price_list: str = "standard", valid_from: datetime = SINCE) -> None:
    """Give products (by id) a price per piece in minor units."""
    entries = [pricelists.NewPrice(product_id, amount, 1, valid_from) for product_id, amount in amounts.items()]
    with transactions.transaction():
        pricelists.set_prices(price_list, entries, by=BY)


def standard_rates() -> None:
    """Set the VAT rates of Germany, Austria and Switzerland."""
    with transactions.transaction():
        taxes.set_standard_rates(by=BY)


def clock(text: str) -> time:
    """Return a time of the day."""
    return time.fromisoformat(text)
