"""Refusals of baskets that hold something without a price or a tax rate: every product named, with the way out. [pure]"""

from collections.abc import Sequence
from datetime import datetime

from pricing.errors import NoPrice, NoTaxRate
from pricing.listing import Item


def no_price(items: Sequence[Item], *, currency: str, country: str, at: datetime) -> NoPrice:
    """Return the refusal that names every product without a price."""
    skus = [item.sku for item in items]
    way_out = "Give it a price on a list of this channel, or take it out of the basket."
    return NoPrice(
        f"There is no {currency} price for {', '.join(skus)} on this channel. {way_out}",
        errors=[{"field": "lines", "value": sku, "message": f"{sku} has no price here. {way_out}"} for sku in skus],
        skus=skus,
        currency=currency,
        country=country,
        at=at.isoformat(),
    )


def no_rate(items: Sequence[Item], *, country: str, at: datetime) -> NoTaxRate:
    """Return the refusal that names every product without a tax rate."""
    classes = sorted({item.tax_class for item in items})
    return NoTaxRate(
        f"{country} has no VAT rate for tax class {', '.join(classes)} at that time; set one first.",
        errors=[
            {"field": "lines", "value": item.sku, "message": f"No VAT rate for tax class {item.tax_class}."}
            for item in items
        ],
        country=country,
        tax_classes=classes,
        at=at.isoformat(),
    )
