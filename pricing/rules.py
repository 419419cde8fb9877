"""The only bridge from tables to the frozen rulesets that `quotes` computes with, cached per process.

A ruleset is cached per channel, currency and country, at one revision; the prices of a product join it when the product
is first asked for. A price on the hot path thus costs no SQL at all, or one tiny query per second and process.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import connection

from commerce import clock
from pricing import revisions, rounding, versions
from pricing.quotes import ChannelTerms, ListTerms, PriceTerms, RateTerms, Ruleset
from pricing.terms import PriceBasis, TierMode

RULESETS_KEPT = 64  # channels × countries of one retailer fit many times over
PRODUCTS_KEPT = 50_000  # per ruleset, a few hundred bytes each
ATTEMPTS = 5  # to read header and prices at one revision while someone changes prices
# Prices that ended longer ago are of no use to today's quotes; older instants are read without the cache.
LOOKS_BACK = timedelta(days=1)

# One statement sees one snapshot, so what it returns belongs to the revision it returns.
_LISTS = """
SELECT (SELECT number FROM pricing_rulesetrevision), list.id, list.code, list.basis, list.tier_mode,
       list.channel_id IS NOT NULL, list.country <> '', list.customer_group, list.priority
FROM (SELECT 1) AS always
LEFT JOIN pricing_pricelist AS list ON list.is_active AND list.currency = %(currency)s
    AND (list.channel_id IS NULL OR list.channel_id = %(channel)s) AND list.country IN ('', %(country)s)
ORDER BY list.id
"""
_RATES = """
SELECT (SELECT number FROM pricing_rulesetrevision), rate.tax_class, rate.basis_points, lower(rate.valid), upper(rate.valid)
FROM (SELECT 1) AS always LEFT JOIN pricing_taxrate AS rate ON rate.country = %(country)s
ORDER BY rate.tax_class, lower(rate.valid) NULLS FIRST
"""
_PRICES = """
SELECT (SELECT number FROM pricing_rulesetrevision), wanted.id, entry.price_list_id, entry.min_quantity,
       entry.amount_minor, lower(entry.valid), upper(entry.valid)
FROM unnest(%(products)s::bigint[]) AS wanted (id)
LEFT JOIN pricing_priceentry AS entry ON entry.product_id = wanted.id AND entry.price_list_id = ANY(%(lists)s::bigint[])
    AND (upper_inf(entry.valid) OR upper(entry.valid) > %(since)s)
ORDER BY wanted.id, entry.price_list_id, entry.min_quantity, lower(entry.valid) NULLS FIRST
"""


@dataclass(slots=True)
class _Loaded:
    """A ruleset without prices, and the prices loaded for it so far: those that end after `since`."""

    revision: int
    header: Ruleset
    since: datetime
    known: versions.Known
    headers: dict[versions.Key, Ruleset] = field(default_factory=dict)  # by the version in force
    prices: dict[int, tuple[PriceTerms, ...]] = field(default_factory=dict)


class _Changed(Exception):
    """Prices changed between two statements."""


_cache: dict[tuple[int, str, str], _Loaded] = {}


def ruleset(channel: ChannelTerms, product_ids: Collection[int], at: datetime) -> Ruleset:
    """Return what decides prices on a channel at an instant, with the prices of some products.

    At most `revisions.TRUSTED_SECONDS` behind the database, and always of one revision.
    """
    for _attempt in range(ATTEMPTS):
        revision, is_committed = revisions.current()
        try:
            loaded = _loaded(channel, revision, keep=is_committed, at=at)
            return replace(_in_force(loaded, at), prices=_prices(loaded, product_ids))
        except _Changed:
            revisions.forget()
    raise RuntimeError("Prices changed faster than they could be read.")


def _loaded(channel: ChannelTerms, revision: int, *, keep: bool, at: datetime) -> _Loaded:
    key = (channel.channel_id, channel.currency, channel.country)
    found = _cache.get(key)
    if found is not None and found.revision == revision and keep and found.since <= at:
        return found
    since = clock.now() - LOOKS_BACK
    number, known = versions.known(channel.channel_id, min(since, at))
    if number not in (revision, -1):  # -1: a channel that nobody made, as tests of prices have
        raise _Changed
    fresh = _Loaded(revision, _header(channel, revision), min(since, at), known)
    if keep and since <= at:
        _cache.pop(key, None)
        for oldest in list(_cache)[: len(_cache) - RULESETS_KEPT + 1]:  # a list: other threads add meanwhile
            _cache.pop(oldest, None)
        _cache[key] = fresh
    return fresh


def _in_force(loaded: _Loaded, at: datetime) -> Ruleset:
    """Return the ruleset with the promotions of the version that is in force at an instant."""
    version = loaded.known.key_at(at)
    found = loaded.headers.get(version)
    if found is None:
        header = loaded.header
        index = versions.index(version, loaded.known.channel, header.country, header.currency)
        content = versions.content(version)
        found = loaded.headers[version] = replace(
            header,
            version=f"{header.version}+rules:{version[0]}" if version[0] else header.version,
            promotions=index,
            policy=content.policy,
            tax_rounding=content.tax_rounding,
        )
    return found


def _header(channel: ChannelTerms, revision: int) -> Ruleset:
    parameters = {"channel": channel.channel_id, "currency": channel.currency, "country": channel.country}
    lists = [
        ListTerms(identifier, code, PriceBasis(basis), TierMode(mode), for_channel, for_country, group, priority)
        for identifier, code, basis, mode, for_channel, for_country, group, priority in _rows(
            _LISTS, parameters, revision
        )
        if identifier is not None
    ]
    rates = [RateTerms(*row) for row in _rows(_RATES, parameters, revision) if row[0] is not None]
    return Ruleset(
        version=f"prices:{revision}",
        channel_id=channel.channel_id,
        currency=channel.currency,
        country=channel.country,
        lists=tuple(lists),
        rates=tuple(rates),
        rounding=rounding.declared_for(channel.currency),
    )


def _prices(loaded: _Loaded, product_ids: Collection[int]) -> dict[int, tuple[PriceTerms, ...]]:
    """Return the prices of some products, loading in one statement what is not known yet."""
    known = loaded.prices
    missing = [product_id for product_id in product_ids if product_id not in known]
    if missing:
        found: dict[int, list[PriceTerms]] = {product_id: [] for product_id in missing}
        lists = [terms.id for terms in loaded.header.lists]
        parameters = {"products": missing, "lists": lists, "since": loaded.since}
        for product_id, list_id, *entry in _rows(_PRICES, parameters, loaded.revision):
            if list_id is not None:
                found[product_id].append(PriceTerms(list_id, *entry))
        if len(known) + len(found) > PRODUCTS_KEPT:
            known = loaded.prices = {product_id: known[product_id] for product_id in product_ids if product_id in known}
        known.update({product_id: tuple(terms) for product_id, terms in found.items()})
    return {product_id: known[product_id] for product_id in product_ids}


def _rows(sql: str, parameters: dict[str, object], revision: int) -> list[tuple]:
    """Return a statement's rows without their revision. Raises _Changed when that is not the one expected."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    if rows and (rows[0][0] or 0) != revision:
        raise _Changed
    return [row[1:] for row in rows]
