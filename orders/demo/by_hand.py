"""Decisions about prices that people of the demo took themselves: at tills and on the phone, and goods exempt from prior prices."""

from datetime import datetime, timedelta

from commerce import clock
from commerce.actors import Actor
from orders.demo.retailer import ACTOR, Retailer
from pricing import exemptions, quoting
from pricing.claims import ExemptionKind
from pricing.exemptions import Named
from pricing.quotes import BasketLine, ChannelTerms
from pricing.quoting import Override, Shopper

# SKU, pieces, per cent off, who, where, why; the rules of the house allow a tenth.
SET_BY_HAND = [
    ("LAMP-03", 1, 10, "manager.berlin", "till", "Kratzer am Fuß, letzte am Lager"),
    ("TASS-01", 4, 8, "clerk.berlin", "till", "Eine Tasse mit Glasurfehler"),
    ("KERZ-01", 4, 5, "clerk.steglitz", "till", "Preis am Regal war noch der alte"),
    ("SEIF-01", 3, 10, "clerk.berlin", "till", "Verpackung geöffnet"),
    ("TASS-05", 2, 10, "service", "web-de", "Telefon: kam beim ersten Mal beschädigt an"),
    ("HAND-03", 2, 7, "service", "web-de", "Telefon: Entschuldigung für die späte Lieferung"),
]
EXEMPT = ("HONI-01", timedelta(days=21), "Mindesthaltbarkeit läuft in drei Wochen ab; steht auf dem Regalschild")


def decide(shop: Retailer, *, now: datetime) -> None:
    """Set some prices by hand, and exempt a product from prior prices. Needs an open transaction, prices and promotions."""
    at = clock.now()  # the rules of the house are in force since a moment ago
    for sku, pieces, percent, username, code, reason in SET_BY_HAND:
        channel = shop.channels[code]
        terms = ChannelTerms(channel.channel_id, channel.currency, channel.country)
        product_id = shop.products[sku]
        listed = quoting.price([BasketLine(product_id, 1)], channel=terms, at=at).lines[0].unit_price_minor
        by_hand = Override(-(-listed * (100 - percent) // 100), reason)
        quoting.give(
            [BasketLine(product_id, pieces, override=by_hand)], channel=terms, at=at, shopper=Shopper(),
            by=Actor.staff(shop.staff[username]),
        )  # fmt: skip
    sku, lasts, reason = EXEMPT
    exemptions.exempt(
        Named(shop.products[sku]), ExemptionKind.SHORT_SHELF_LIFE, reason=reason, valid_until=now + lasts,
        by=ACTOR,
    )  # fmt: skip
