"""Price packs: what a till needs to sell while it is cut off, signed, for a while; and the comparison afterwards."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db import connection

from commerce import audit, catalog, ids
from commerce.actors import Actor
from commerce.errors import CommerceError, InvalidInput
from commerce.product_refs import ProductRef
from commerce.transactions import transaction_required
from pricing import applying, exemptions, offline, prior_prices, quote_store, quotes, quoting, rules, versions
from pricing.errors import PricePackForged
from pricing.promotions import public
from pricing.promotions.index import ancestry
from pricing.quotes import BasketLine, ChannelTerms
from pricing.quoting import Shopper

MOST_PRODUCTS = 50_000
MOST_SALES = 500
PRODUCTS_AT_ONCE = 2_000  # whose past is read together
SHORTEST, LONGEST = timedelta(hours=1), timedelta(hours=72)
USUAL = timedelta(hours=24)

AGREES, DIFFERS, OUTSIDE, REFUSED = "agrees", "differs", "outside_the_pack", "refused"

_signer = Signer(salt="pricing.pack", sep="|")
_PRICED = """
SELECT DISTINCT entry.product_id FROM pricing_priceentry AS entry
JOIN pricing_pricelist AS list ON list.id = entry.price_list_id AND list.is_active
WHERE upper_inf(entry.valid) OR upper(entry.valid) > %s
ORDER BY entry.product_id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Sale:
    """What a till sold while it was cut off: when, to whom, and what it asked for in all."""

    reference: str
    at: datetime
    lines: Sequence[BasketLine]
    total_minor: int
    shopper: Shopper = field(default_factory=Shopper)


@dataclass(frozen=True, slots=True)
class Compared:
    """A sale beside what we would have asked for at that instant; `difference_minor` is what the till took more."""

    reference: str
    verdict: str
    total_minor: int
    ours_minor: int | None = None
    difference_minor: int = 0
    message: str = ""


def make(channel: ChannelTerms, *, at: datetime, ttl: timedelta = USUAL) -> dict[str, Any]:
    """Return a pack that holds until `at + ttl`: header, signature of the header, contents (their digest is in it).

    Raises: InvalidInput for a `ttl` out of bounds, or more products than a pack holds.
    """
    if not SHORTEST <= ttl <= LONGEST:
        message = "A price pack holds for 1 to 72 hours."
        raise InvalidInput(message, errors=[{"field": "hours", "value": ttl / timedelta(hours=1), "message": message}])
    with connection.cursor() as cursor:
        cursor.execute(_PRICED, [at, MOST_PRODUCTS + 1])
        product_ids = [product_id for (product_id,) in cursor.fetchall()]
    if len(product_ids) > MOST_PRODUCTS:
        raise InvalidInput(
            f"A price pack holds {MOST_PRODUCTS} products, and more have a price: ask for quotes instead."
        )
    contents = _contents(channel, product_ids, at, at + ttl)
    document = offline.document(contents)
    header = {
        "pack": str(ids.new()),
        "channel_id": channel.channel_id,
        "currency": channel.currency,
        "country": channel.country,
        "made_at": quote_store.instant(at),
        "expires_at": quote_store.instant(at + ttl),
        "products": len(contents.products),
        "versions": [one.number for one in contents.versions],
        "digest": hashlib.sha256(quotes.canonical(document)).hexdigest(),
    }
    return {"header": header, "signature": _signer.signature(_signed_text(header)), "contents": document}


def _contents(channel: ChannelTerms, product_ids: Sequence[int], at: datetime, until: datetime) -> offline.Contents:
    known = rules.ruleset(channel, product_ids, at)
    products = catalog.products_by_id(product_ids)
    entries = known.ruleset.prices
    held = [
        offline.Version(
            window.number,
            window.starts_at,
            min((one for one in (window.ends_at, window.withdrawn_at) if one is not None), default=None),
            versions.content(window.key),
        )
        for window in known.known.windows
        if window.starts_at < until
    ]
    named = _namings(channel, products, held, at, until)
    sold = [
        offline.Product(
            one.id, one.sku, one.tax_class, one.category, one.kind == quoting.CHARGE, terms.family if terms else "",
            terms.content if terms else None, entries[one.id], named.get(one.id, ()),
        )
        for one in sorted(products.values(), key=lambda product: product.sku)
        for terms in (known.terms.get(one.id),)
        if one.is_active and entries.get(one.id)
    ]  # fmt: skip
    return offline.Contents(
        channel.channel_id, known.known.channel, channel.currency, channel.country, known.ruleset.lists,
        known.ruleset.rates, tuple(held), tuple(sold),
    )  # fmt: skip


def _namings(
    channel: ChannelTerms, products: Mapping[int, ProductRef], held: Sequence[offline.Version], at: datetime, until: datetime
) -> dict[int, tuple[applying.Naming, ...]]:  # fmt: skip
    """Return prior prices and savings of what is announced as reduced while a pack holds, by product."""
    goods = [one.goods for version in held for one in version.content.promotions if public.is_public(one)]
    skus = {sku for one in goods for sku in one.products}
    categories = {category for one in goods for category in one.categories}
    is_all = any(not (one.products or one.categories) for one in goods)
    reduced = [
        one.id
        for one in products.values()
        if is_all or one.sku in skus or not categories.isdisjoint(ancestry(one.category))
    ]
    exempt, zone = exemptions.current(), applying.zone_of(channel.country)
    found = {}
    for start in range(0, len(reduced), PRODUCTS_AT_ONCE):
        portion = reduced[start : start + PRODUCTS_AT_ONCE]
        for product_id, past in prior_prices.history(channel, portion, until).items():
            freed = exempt.all_of(product_id, products[product_id].category)
            said = applying.namings(past, freed, since=at, until=until, time_zone=zone)
            if said:
                found[product_id] = said
    return found


@transaction_required
def reconcile(
    header: Mapping[str, Any], signature: str, sales: Sequence[Sale], *, channel: ChannelTerms, by: Actor
) -> list[Compared]:
    """Compare what was sold by a pack with what we would have asked for at each instant, and record what differs.

    Raises: PricePackForged for a header that is not ours, or another channel's.
    """
    try:
        _signer.unsign(f"{_signed_text(header)}|{signature}")
        made_at, expires_at = (datetime.fromisoformat(header[name]) for name in ("made_at", "expires_at"))
    except (BadSignature, KeyError, TypeError, ValueError) as error:
        raise PricePackForged("The header of the pack is not as it was given; send it unchanged.") from error
    if header["channel_id"] != channel.channel_id:
        raise PricePackForged("The pack was given to another channel.", channel=header["channel_id"])
    found = [_compared(sale, made_at, expires_at, channel) for sale in sales]
    counts = Counter(one.verdict for one in found)
    audit.record(
        "pricing.packs.reconcile", "price_pack", header["pack"], by=by,
        after={
            **counts,
            "difference_minor": sum(one.difference_minor for one in found),
            "references": [one.reference for one in found if one.verdict != AGREES][:100],
        },
    )  # fmt: skip
    return found


def _compared(sale: Sale, made_at: datetime, expires_at: datetime, channel: ChannelTerms) -> Compared:
    if not made_at <= sale.at < expires_at:
        message = f"The pack held from {made_at.isoformat()} to {expires_at.isoformat()}."
        return Compared(sale.reference, OUTSIDE, sale.total_minor, message=message)
    try:
        ours = quoting.price(sale.lines, channel=channel, at=sale.at, shopper=sale.shopper).total_minor
    except CommerceError as refusal:
        return Compared(sale.reference, REFUSED, sale.total_minor, message=refusal.message)
    difference = sale.total_minor - ours
    return Compared(sale.reference, DIFFERS if difference else AGREES, sale.total_minor, ours, difference)


def _signed_text(header: Mapping[str, Any]) -> str:
    return quotes.canonical(dict(header)).decode()
