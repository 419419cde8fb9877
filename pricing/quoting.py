"""Quotes given to channels: priced now, signed, kept, and honoured until they expire."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.core.signing import BadSignature, Signer
from django.db import connection

from commerce import audit, catalog, ids
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput, UnknownProduct
from commerce.product_refs import ProductRef
from commerce.transactions import transaction_required
from pricing import quotes, rules
from pricing.errors import QuoteExpired, QuoteForged, QuoteMismatch, QuoteNotFound
from pricing.quotes import BasketLine, ChannelTerms, Situation

__all__ = [
    "BasketLine", "ChannelTerms", "GivenQuote", "Redemption", "give", "given", "price", "price_each", "prune", "redeem",
    "redeem_each",
]  # fmt: skip

MOST_LINES = 200  # a basket, not a catalogue
HIGHEST_QUANTITY = 1_000_000
SHORTEST = timedelta(seconds=60)
LONGEST = timedelta(seconds=3600)
USUAL = timedelta(seconds=900)
KEPT = timedelta(days=90)  # after it expired, for questions; what was ordered by it stands in the order

_signer = Signer(salt="pricing.quote", sep="|")

_KEEP = """
INSERT INTO pricing_quote (id, channel_id, ruleset_version, document, signature, quoted_at, expires_at)
VALUES (%s, %s, %s, %s::jsonb, %s, %s, %s)
"""
_FIND = "SELECT id, channel_id, expires_at, signature, document::text FROM pricing_quote WHERE id = ANY(%s::uuid[])"
_FORGET = """
DELETE FROM pricing_quote
WHERE id IN (SELECT id FROM pricing_quote WHERE expires_at <= %s ORDER BY expires_at LIMIT %s)
"""


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
    return _only(price_each([lines], channel=channel, at=at, customer_group=customer_group))


def price_each(
    baskets: Sequence[Sequence[BasketLine]], *, channel: ChannelTerms, at: datetime, customer_group: str = ""
) -> list[quotes.Quote | CommerceError]:
    """Do as `price` for many baskets of one channel, under one ruleset; a quote or the refusal for each."""
    products = catalog.products_by_id({line.product_id for lines in baskets for line in lines})
    ruleset = rules.ruleset(channel, products.keys(), at)
    situation = Situation(customer_group=customer_group)
    verdicts: list[quotes.Quote | CommerceError] = []
    for lines in baskets:
        try:
            verdicts.append(quotes.quote(_items(lines, products), ruleset, at, situation=situation))
        except CommerceError as refusal:
            verdicts.append(refusal)
    return verdicts


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
    return _opened(_stored([quote_id]).get(quote_id), quote_id, channel_id)


def redeem(quote_id: UUID, *, channel_id: int, lines: Sequence[BasketLine], at: datetime) -> quotes.Quote:
    """Return a quote exactly as it was given, whatever prices are now, if it still holds and is for this basket.

    The order of lines does not matter, nor whether one product's pieces are on one line or several.

    Raises: QuoteNotFound, QuoteExpired, QuoteMismatch, QuoteForged, InvalidInput.
    """
    return _only(redeem_each([Redemption(quote_id, channel_id, lines)], at=at))


@dataclass(frozen=True, slots=True)
class Redemption:
    """A channel's wish to buy a basket at the prices of a quote it was given."""

    quote_id: UUID
    channel_id: int
    lines: Sequence[BasketLine]


def redeem_each(wishes: Sequence[Redemption], *, at: datetime) -> list[quotes.Quote | CommerceError]:
    """Do as `redeem` for many, in one query; the quote or the refusal for each."""
    stored = _stored([wish.quote_id for wish in wishes]) if wishes else {}
    verdicts: list[quotes.Quote | CommerceError] = []
    for wish in wishes:
        try:
            found = _opened(stored.get(wish.quote_id), wish.quote_id, wish.channel_id)
            verdicts.append(_fitting(found, _summed(wish.lines), at=at))
        except CommerceError as refusal:
            verdicts.append(refusal)
    return verdicts


@transaction_required
def prune(*, at: datetime, at_most: int) -> int:
    """Forget up to `at_most` quotes that have been over for `KEPT`; return how many. Not signed: nothing was decided."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [at - KEPT, at_most])
        return int(cursor.rowcount)


def _fitting(found: GivenQuote, basket: dict[int, int], *, at: datetime) -> quotes.Quote:
    """Return the quote if it holds and is for the basket. Raises: QuoteExpired, QuoteMismatch."""
    if at >= found.expires_at:
        raise QuoteExpired(
            f"The quote held until {_instant(found.expires_at)}; ask for a new one.",
            quote=str(found.id),
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
            quote=str(found.id),
            differences=sorted(differences, key=lambda one: str(one["sku"])),
        )
    return found.quote


def _only(verdicts: list[quotes.Quote | CommerceError]) -> quotes.Quote:
    (verdict,) = verdicts
    if isinstance(verdict, CommerceError):
        raise verdict
    return verdict


def _stored(quote_ids: Sequence[UUID]) -> dict[UUID, tuple[int, datetime, str, str]]:
    """Return channel, expiry, signature and document of each quote that there is."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [[str(quote_id) for quote_id in quote_ids]])
        return {quote_id: tuple(row) for quote_id, *row in cursor.fetchall()}


def _opened(row: tuple[int, datetime, str, str] | None, quote_id: UUID, channel_id: int) -> GivenQuote:
    """Return a stored quote whose signature proves that nobody changed it. Raises: QuoteNotFound, QuoteForged."""
    if row is None or row[0] != channel_id:
        raise QuoteNotFound("There is no such quote on this channel.", quote=str(quote_id))
    expires_at, signature, document = row[1], row[2], orjson.loads(row[3])
    try:
        _signer.unsign(f"{_signed_text(quote_id, channel_id, expires_at, document)}|{signature}")
    except BadSignature as error:
        raise QuoteForged("The quote is not as it was given; ask for a new one.", quote=str(quote_id)) from error
    return GivenQuote(quote_id, quotes.from_document(document), signature, expires_at)


def _items(lines: Sequence[BasketLine], products: Mapping[int, ProductRef]) -> list[quotes.Item]:
    basket = _summed(lines)
    unknown = sorted(product_id for product_id in basket if product_id not in products)
    if unknown:
        raise UnknownProduct(f"There is no product with the id {unknown[0]}.", product_ids=unknown)
    return [
        quotes.Item(product_id, products[product_id].sku, products[product_id].tax_class, quantity)
        for product_id, quantity in basket.items()
    ]


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


def _signed_text(identifier: UUID, channel_id: int, expires_at: datetime, document: dict[str, Any]) -> str:
    """Return what the signature covers: the document, whom it was given to, and how long it holds."""
    promise = {"id": str(identifier), "channel": channel_id, "expires_at": _instant(expires_at), "quote": document}
    return quotes.canonical(promise).decode()


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": name, "value": value, "message": message}])
