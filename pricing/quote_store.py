"""Quotes as they are kept: signed, immutable rows that are forgotten when they have been over for long."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
from django.core.signing import BadSignature, Signer
from django.db import connection
from django.utils.crypto import salted_hmac

from commerce.transactions import transaction_required
from pricing import quotes
from pricing.errors import QuoteForged, QuoteNotFound

KEPT = timedelta(days=90)  # after it expired, for questions; what was ordered by it stands in the order

_signer = Signer(salt="pricing.quote", sep="|")
_mac = salted_hmac(f"{_signer.salt}signer", b"", _signer.key, algorithm=_signer.algorithm)

_KEEP = """
INSERT INTO pricing_quote (id, channel_id, ruleset_version, document, signature, quoted_at, expires_at)
SELECT id, channel_id, ruleset_version, document::jsonb, signature, quoted_at, expires_at
FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::timestamptz[])
     AS given (id, channel_id, ruleset_version, document, signature, quoted_at, expires_at)
"""
_FIND = "SELECT id, channel_id, expires_at, signature, document::text FROM pricing_quote WHERE id = ANY(%s::uuid[])"
_FORGET = """
DELETE FROM pricing_quote
WHERE id IN (SELECT id FROM pricing_quote WHERE expires_at <= %s ORDER BY expires_at LIMIT %s)
"""

Row = tuple[int, datetime, str, str]  # channel, expiry, signature, document


@dataclass(frozen=True, slots=True)
class GivenQuote:
    """A quote with its promise: these amounts hold until `expires_at`."""

    id: UUID
    quote: quotes.Quote
    signature: str
    expires_at: datetime


def signed(identifier: UUID, quote: quotes.Quote, expires_at: datetime) -> tuple[GivenQuote, str]:
    """Return a quote with our signature, and its document as it is kept."""
    document = quote.canonical().decode()
    signature = _signature(_signed_text(identifier, quote.channel_id, expires_at, document))
    return GivenQuote(identifier, quote, signature, expires_at), document


def _signature(text: str) -> str:
    """Return what `_signer` says of a text, without deriving its key again each time."""
    mac = _mac.copy()
    mac.update(text.encode())
    return base64.urlsafe_b64encode(mac.digest()).strip(b"=").decode()


@transaction_required
def keep(given: Sequence[tuple[GivenQuote, str]]) -> None:
    """Store quotes with their documents, in one statement."""
    if not given:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _KEEP,
            [
                [one.id for one, _document in given],
                [one.quote.channel_id for one, _document in given],
                [one.quote.ruleset_version for one, _document in given],
                [document for _one, document in given],
                [one.signature for one, _document in given],
                [one.quote.at for one, _document in given],
                [one.expires_at for one, _document in given],
            ],
        )


def stored(quote_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Return channel, expiry, signature and document of each quote that there is."""
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [[str(quote_id) for quote_id in quote_ids]])
        return {quote_id: tuple(row) for quote_id, *row in cursor.fetchall()}


def opened(row: Row | None, quote_id: UUID, channel_id: int) -> GivenQuote:
    """Return a stored quote whose signature proves that nobody changed it. Raises: QuoteNotFound, QuoteForged."""
    if row is None or row[0] != channel_id:
        raise QuoteNotFound(
            "There is no such quote on this channel; ask for one with POST /api/v1/quotes.", quote=str(quote_id)
        )
    expires_at, signature, document = row[1], row[2], orjson.loads(row[3])
    text = quotes.canonical(document).decode()
    try:
        _signer.unsign(f"{_signed_text(quote_id, channel_id, expires_at, text)}|{signature}")
    except BadSignature as error:
        raise QuoteForged("The quote is not as it was given; ask for a new one.", quote=str(quote_id)) from error
    return GivenQuote(quote_id, quotes.from_document(document), signature, expires_at)


@transaction_required
def prune(*, at: datetime, at_most: int) -> int:
    """Forget up to `at_most` quotes that have been over for `KEPT`; return how many. Not signed: nothing was decided."""
    with connection.cursor() as cursor:
        cursor.execute(_FORGET, [at - KEPT, at_most])
        return int(cursor.rowcount)


def instant(at: datetime) -> str:
    """Return an instant as it is written in documents."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _signed_text(identifier: UUID, channel_id: int, expires_at: datetime, document: str) -> str:
    """Return what the signature covers: the document, whom it was given to, and how long it holds.

    The same bytes as the canonical form of {"channel", "expires_at", "id", "quote"}, the document in its place.
    """
    promise = f'"channel":{channel_id},"expires_at":"{instant(expires_at)}","id":"{identifier}"'
    return f'{{{promise},"quote":{document}}}'
