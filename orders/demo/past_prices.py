"""Prices of the demo that have a past: an offer with a prior price to name, and a lamp whose reduction can't be announced."""

from datetime import datetime, timedelta

from commerce import catalog, clock, queries
from orders.demo.retailer import ACTOR, Retailer
from pricing import applied_prices, pricelists, quoting
from pricing.pricelists import NewPrice
from pricing.quotes import BasketLine, ChannelTerms

OFFERED = "LICH-02"  # on offer today, by a promotion
LAMP = "LAMP-02"  # was cheaper some weeks ago: "-30 %" would not be true
RAISED_BEFORE, DIPPED_BEFORE, DIP_LASTED = timedelta(days=40), timedelta(days=18), timedelta(days=6)
PRICE_LIST = "eur-de"
DIP_PERCENT, EARLIER_PERCENT = 80, 90


def remember(shop: Retailer, *, now: datetime) -> None:
    """Give two products a history of prices, and write down what was applied. Needs prices and promotions."""
    for sku, begun, lasted, percent in (
        (OFFERED, RAISED_BEFORE, timedelta(days=15), EARLIER_PERCENT),
        (LAMP, DIPPED_BEFORE, DIP_LASTED, DIP_PERCENT),
    ):
        product = catalog.products_by_sku([sku]).get(sku)
        if product is None:
            continue
        with clock.frozen(now - begun):
            usual = _usual(product.id)
            entry = NewPrice(product.id, usual * percent // 100 // 5 * 5, 1, now - begun, now - begun + lasted)
            pricelists.set_prices(PRICE_LIST, [entry], by=ACTOR)
    for channel in queries.channels():
        applied_prices.catch_up(channel, until=now)


def _usual(product_id: int) -> int:
    channel = next(one for one in queries.channels() if one.code == "web-de")
    quote = quoting.price(
        [BasketLine(product_id, 1)],
        channel=ChannelTerms(channel.id, channel.currency, channel.country),
        at=clock.now(),
    )
    return quote.total_minor
