"""Quotes given to channels: priced now, signed, kept, and honoured until they expire."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.core.signing import BadSignature, Signer
from django.db import connection

from commerce import audit, catalog, ids
from commerce.actors import Actor
from commerce.errors import InvalidInput, UnknownProduct
from commerce.transactions import transaction_required
from pricing import quotes, rules
from pricing.errors import QuoteExpired, QuoteForged, QuoteMismatch, QuoteNotFound
from pricing.quotes import BasketLine, ChannelTerms

__all__ = ["BasketLine", "ChannelTerms", "GivenQuote", "give", "given", "price", "redeem"]

MOST_LINES = 200  # a basket, not a catalogue
HIGHEST_QUANTITY = 1_000_000
SHORTEST = timedelta(seconds=60)
LONGEST = timedelta(seconds=3600)
USUAL = timedelta(seconds=900)

_signer = Signer(salt="pricing.quote", sep="|")

_KEEP = """
INSERT INTO pricing_quote (id, channel_id, ruleset_version, basket_hash, document, signature, quoted_at, expires_at)
VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s)
"""
_FIND = "SELECT expires_at, signature, document::text FROM pricing_quote WHERE id = %s AND channel_id = %s"


@dataclass(frozen=True, slots=True)
class GivenQuote:
    """A quote with its promise: these amounts hold until `expires_at`."""

    id: UUID
    quote: quotes.Quote
    signature: str
    expires_at: datetime


def price(
    lines: Sequence[BasketLine], *, channel: ChannelTerms, at: datetime, customer_group: str = ""
) -> quotes.Quote:
    """Return what a basket costs on a channel at an instant; nothing is stored. Lines of one product count as one.

    Raises: NoPrice, NoTaxRate, UnknownProduct, InvalidInput.
    """
    basket = _summed(lines)
    products = catalog.products_by_id(basket)
    if len(products) < len(basket):
        unknown = sorted(set(basket) - set(products))
        raise UnknownProduct(f"There is no product with the id {unknown[0]}.", product_ids=unknown)
    items = [
        quotes.Item(product_id, products[product_id].sku, products[product_id].tax_class, quantity)
        for product_id, quantity in basket.items()
    ]
    return quotes.quote(items, rules.ruleset(channel, basket.keys(), at), at, customer_group=customer_group)


@transaction_required
def give(
    lines: Sequence[BasketLine],
    *,
    channel: ChannelTerms,
    at: datetime,
    by: Actor,
    customer_group: str = "",
    ttl: timedelta = USUAL,
) -> GivenQuote:
    """Price a basket, sign the result and keep it for `ttl` (60 seconds to an hour).

    Raises: what `price` raises, InvalidInput for a `ttl` out of bounds.
    """
    if not SHORTEST <= ttl <= LONGEST:
        message = f"A quote holds for {SHORTEST.seconds} to {LONGEST.seconds} seconds."
        raise InvalidInput(message, errors=[{"field": "ttl_seconds", "value": ttl.total_seconds(), "message": message}])
    priced = price(lines, channel=channel, at=at, customer_group=customer_group)
    identifier, expires_at, document = ids.new(), at + ttl, priced.document()
    signature = _signer.signature(_signed_text(identifier, channel.channel_id, expires_at, document))
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            [
                str(identifier),
                channel.channel_id,
                priced.ruleset_version,
                _basket_hash({line.product_id: line.quantity for line in priced.lines}),
                quotes.canonical(document).decode(),
                signature,
                at,
                expires_at,
            ],
        )
    audit.record(
        "pricing.quoting.give",
        "quote",
        identifier,
        by=by,
        after={
            "total_minor": priced.total_minor,
            "currency": priced.currency,
            "ruleset_version": priced.ruleset_version,
            "expires_at": expires_at,
        },
    )
    return GivenQuote(identifier, priced, signature, expires_at)


def given(quote_id: UUID, *, channel_id: int) -> GivenQuote:
    """Return a quote that was given to this channel, expired or not.

    Raises: QuoteNotFound (also for another channel's quote), QuoteForged.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [str(quote_id), channel_id])
        row = cursor.fetchone()
    if row is None:
        raise QuoteNotFound("There is no such quote on this channel.", quote=str(quote_id))
    expires_at, signature, document = row[0], row[1], orjson.loads(row[2])
    try:
        _signer.unsign(f"{_signed_text(quote_id, channel_id, expires_at, document)}|{signature}")
    except BadSignature as error:
        raise QuoteForged("The quote is not as it was given; ask for a new one.", quote=str(quote_id)) from error
    return GivenQuote(quote_id, quotes.from_document(document), signature, expires_at)


def redeem(quote_id: UUID, *, channel_id: int, lines: Sequence[BasketLine], at: datetime) -> quotes.Quote:
    """Return a quote exactly as it was given, whatever prices are now, if it still holds and is for this basket.

    The order of lines does not matter, nor whether one product's pieces are on one line or several.

    Raises: QuoteNotFound, QuoteExpired, QuoteMismatch, QuoteForged, InvalidInput.
    """
    basket = _summed(lines)
    found = given(quote_id, channel_id=channel_id)
    if at >= found.expires_at:
        raise QuoteExpired(
            f"The quote held until {_instant(found.expires_at)}; ask for a new one.",
            quote=str(quote_id),
            expired_at=_instant(found.expires_at),
        )
    quoted = {line.product_id: line.quantity for line in found.quote.lines}
    if basket != quoted:
        wrong = [one for one in basket | quoted if basket.get(one, 0) != quoted.get(one, 0)]
        names = {product_id: product.sku for product_id, product in catalog.products_by_id(wrong).items()}
        differences = [
            {"sku": names.get(one, ""), "quoted": quoted.get(one, 0), "wanted": basket.get(one, 0)} for one in wrong
        ]
        raise QuoteMismatch(
            "The quote is for another basket; send the quoted products and quantities, or ask for a new quote.",
            quote=str(quote_id),
            differences=sorted(differences, key=lambda one: str(one["sku"])),
        )
    return found.quote


def _summed(lines: Sequence[BasketLine]) -> dict[int, int]:
    """Check a basket and return pieces per product, in the order in which products first appear."""
    if not 1 <= len(lines) <= MOST_LINES:
        raise _invalid("lines", len(lines), f"A basket has 1 to {MOST_LINES} lines.")
    basket: dict[int, int] = {}
    for position, line in enumerate(lines):
        basket[line.product_id] = quantity = basket.get(line.product_id, 0) + line.quantity
        if line.quantity < 1 or quantity > HIGHEST_QUANTITY:
            message = f"A product is bought in 1 to {HIGHEST_QUANTITY} pieces."
            raise _invalid(f"lines[{position}].quantity", line.quantity, message)
    return basket


def _basket_hash(basket: dict[int, int]) -> bytes:
    return hashlib.sha256(repr(sorted(basket.items())).encode()).digest()


def _signed_text(identifier: UUID, channel_id: int, expires_at: datetime, document: dict[str, Any]) -> str:
    """Return what the signature covers: the document, whom it was given to, and how long it holds."""
    promise = {"id": str(identifier), "channel": channel_id, "expires_at": _instant(expires_at), "quote": document}
    return quotes.canonical(promise).decode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": name, "value": value, "message": message}])
