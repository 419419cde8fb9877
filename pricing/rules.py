"""The only bridge from tables to the frozen rulesets that `quotes` computes with, cached per process.

A ruleset is cached per channel, currency and country, at one revision; the prices of a product join it when the product
is first asked for. A price on the hot path thus costs no SQL at all, or one tiny query per second and process.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import connection

from commerce import clock
from pricing import formulas, revisions, rounding, versions
from pricing.formulas import DatedRate, Formula
from pricing.listing import Content
from pricing.promotions.index import Index
from pricing.promotions.terms import Content as Promotions
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
       list.channel_id IS NOT NULL, list.country <> '', list.customer_group, list.priority, list.contract,
       list.counts_family, list.base_list_id IS NOT NULL,
       EXISTS (SELECT 1 FROM pricing_marginrule) OR EXISTS (SELECT 1 FROM pricing_channelfee)
FROM (SELECT 1) AS always
LEFT JOIN {lists} AS list ON list.is_active AND list.currency = %(currency)s
    AND (list.channel_id IS NULL OR list.channel_id = %(channel)s) AND list.country IN ('', %(country)s)
ORDER BY list.id
"""
# The lists that lists are computed from, however many steps down; a base need not be for sale here itself.
_FORMULAS = """
WITH RECURSIVE used (id) AS (
    SELECT unnest(%(lists)s::bigint[])
    UNION SELECT list.base_list_id FROM used JOIN {lists} AS list ON list.id = used.id
    WHERE list.base_list_id IS NOT NULL
)
SELECT (SELECT number FROM pricing_rulesetrevision), list.id, list.currency, base.id, base.code, base.currency,
       list.formula_basis_points, list.formula_add_minor, list.formula_rounding
FROM (SELECT 1) AS always LEFT JOIN (
    used JOIN {lists} AS list ON list.id = used.id JOIN pricing_pricelist AS base ON base.id = list.base_list_id
) ON true
ORDER BY list.id
"""
_TODAYS_LISTS = "pricing_pricelist"
# The lists as their versions say they were at an instant; before its first version a list is taken to be as it began.
_LISTS_THEN = """(
    SELECT DISTINCT ON (id) * FROM pricing_historicalpricelist
    ORDER BY id, history_date > %(then)s, CASE WHEN history_date <= %(then)s THEN history_date END DESC, history_date,
             history_id DESC
)"""
_LISTS_CHANGED = """
SELECT (SELECT number FROM pricing_rulesetrevision), changed.history_date
FROM (SELECT 1) AS always LEFT JOIN pricing_historicalpricelist AS changed
    ON changed.history_date > %(since)s AND changed.history_date <= %(until)s
ORDER BY changed.history_date
"""
_CURRENCIES = """
SELECT (SELECT number FROM pricing_rulesetrevision), rate.base, rate.quote, rate.millionths, lower(rate.valid),
       upper(rate.valid)
FROM (SELECT 1) AS always LEFT JOIN pricing_currencyrate AS rate ON true
ORDER BY rate.base, rate.quote, lower(rate.valid) NULLS FIRST
"""
_RATES = """
SELECT (SELECT number FROM pricing_rulesetrevision), rate.tax_class, rate.basis_points, lower(rate.valid), upper(rate.valid)
FROM (SELECT 1) AS always LEFT JOIN pricing_taxrate AS rate ON rate.country = %(country)s
ORDER BY rate.tax_class, lower(rate.valid) NULLS FIRST
"""
_PRICES = """
SELECT (SELECT number FROM pricing_rulesetrevision), wanted.id, entry.price_list_id, entry.min_quantity,
       entry.amount_minor, lower(entry.valid), upper(entry.valid), terms.family, terms.content_amount, terms.content_unit
FROM unnest(%(products)s::bigint[]) AS wanted (id)
LEFT JOIN pricing_productterms AS terms ON terms.product_id = wanted.id
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
    terms: dict[int, ProductTerms] = field(default_factory=dict)
    computed: tuple[_Computed, ...] = ()  # a base before what is computed from it
    rates: tuple[DatedRate, ...] = ()


@dataclass(frozen=True, slots=True)
class _Computed:
    """A list that is computed from another one."""

    list_id: int
    currency: str
    base_code: str
    base_currency: str
    formula: Formula


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """The family of a product and the content of one piece."""

    family: str = ""
    content: Content | None = None


class _Changed(Exception):
    """Prices changed between two statements."""


_cache: dict[tuple[int, str, str], _Loaded] = {}


@dataclass(frozen=True, slots=True)
class Rules:
    """A ruleset, and what pricing knows of some products besides their prices; those without are missing."""

    ruleset: Ruleset
    terms: Mapping[int, ProductTerms]
    known: versions.Known  # what is in force and what is to come
    since: datetime  # prices that ended before are not among them


def ruleset(channel: ChannelTerms, product_ids: Collection[int], at: datetime) -> Rules:
    """Return what decides prices on a channel at an instant, with the prices of some products.

    At most `revisions.TRUSTED_SECONDS` behind the database, and always of one revision.
    """
    for _attempt in range(ATTEMPTS):
        revision, is_committed = revisions.current()
        try:
            loaded = _loaded(channel, revision, keep=is_committed, at=at)
            prices = _prices(loaded, product_ids)
            return Rules(replace(_in_force(loaded, at), prices=prices), loaded.terms, loaded.known, loaded.since)
        except _Changed:
            revisions.forget()
    raise RuntimeError("Prices changed faster than they could be read.")


def instead(found: Rules, content: Promotions) -> Rules:
    """Return rules with other promotions than those in force, for what is not published yet."""
    ruleset = found.ruleset
    index = Index(content, channel=found.known.channel, country=ruleset.country, currency=ruleset.currency)
    header = ruleset.version.partition("+")[0]
    return replace(
        found,
        ruleset=replace(
            ruleset,
            version=f"{header}+draft",
            promotions=index,
            policy=content.policy,
            tax_rounding=content.tax_rounding,
        ),
    )


def _loaded(channel: ChannelTerms, revision: int, *, keep: bool, at: datetime) -> _Loaded:
    key = (channel.channel_id, channel.currency, channel.country)
    found = _cache.get(key)
    if found is not None and found.revision == revision and keep and found.since <= at:
        return found
    since = clock.now() - LOOKS_BACK
    number, known = versions.known(channel.channel_id, min(since, at))
    if number not in (revision, -1):  # -1: a channel that nobody made, as tests of prices have
        raise _Changed
    header, is_computed = _header(channel, revision)
    computed = _computed(header, revision) if is_computed else ()
    fresh = _Loaded(
        revision, header, min(since, at), known, computed=computed, rates=_currency_rates(computed, revision)
    )
    if keep and since <= at:
        _cache.pop(key, None)
        for oldest in list(_cache)[: len(_cache) - RULESETS_KEPT + 1]:  # a list: other threads add meanwhile
            _cache.pop(oldest, None)
        _cache[key] = fresh
    return fresh


def _currency_rates(computed: tuple[_Computed, ...], revision: int) -> tuple[DatedRate, ...]:
    if not any(one.currency != one.base_currency for one in computed):
        return ()
    return tuple(DatedRate(*row) for row in _rows(_CURRENCIES, {}, revision) if row[0] is not None)


@dataclass(frozen=True, slots=True)
class Era:
    """The rules of a time in which lists and versions were the same: within `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime
    ruleset: Ruleset  # without promotions
    version: versions.Key
    channel: str


def eras(channel: ChannelTerms, product_ids: Collection[int], *, since: datetime, until: datetime) -> list[Era]:
    """Return what decided prices within `[since, until)`, one time after the other, with the prices of some products.

    As it was then: lists that were switched off or computed otherwise meanwhile count as they did. Reads all of it.
    """
    for _attempt in range(ATTEMPTS):
        revision, _is_committed = revisions.current()
        try:
            return _eras(channel, product_ids, since, until, revision)
        except _Changed:
            revisions.forget()
    raise RuntimeError("Prices changed faster than they could be read.")


def _eras(
    channel: ChannelTerms, product_ids: Collection[int], since: datetime, until: datetime, revision: int
) -> list[Era]:
    number, known = versions.known(channel.channel_id, since)
    if number not in (revision, -1):
        raise _Changed
    bounds: dict[str, object] = {"since": since, "until": until}
    changed = [row[0] for row in _rows(_LISTS_CHANGED, bounds, revision) if row[0] is not None]
    found: list[Era] = []
    begins = [since, *changed]
    for starts_at, ends_at in zip(begins, [*changed, until], strict=True):
        if starts_at >= ends_at:
            continue
        header, is_computed = _header(channel, revision, then=starts_at)
        computed = _computed(header, revision, then=starts_at) if is_computed else ()
        loaded = _Loaded(revision, header, since, known, computed=computed, rates=_currency_rates(computed, revision))
        ruleset = replace(header, prices=_prices(loaded, product_ids))
        found += within(ruleset, known, since=starts_at, until=ends_at)
    return found


def within(ruleset: Ruleset, known: versions.Known, *, since: datetime, until: datetime) -> list[Era]:
    """Return the times within `[since, until)` in which one version each is in force, by what is known of versions."""
    turns = sorted(
        {
            at
            for window in known.windows
            for at in (window.starts_at, window.ends_at, window.withdrawn_at)
            if at is not None and since < at < until
        }
    )
    return [
        Era(starts_at, ends_at, ruleset, known.key_at(starts_at), known.channel)
        for starts_at, ends_at in zip([since, *turns], [*turns, until], strict=True)
    ]


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


def _header(channel: ChannelTerms, revision: int, *, then: datetime | None = None) -> tuple[Ruleset, bool]:
    """Return a ruleset without prices, and whether any of its lists is computed from another one; now, or `then`."""
    parameters = {
        "channel": channel.channel_id, "currency": channel.currency, "country": channel.country, "then": then,
    }  # fmt: skip
    lists_of = _LISTS.format(lists=_LISTS_THEN if then else _TODAYS_LISTS)
    found = _rows(lists_of, parameters, revision)
    rows = [row for row in found if row[0] is not None]
    lists = [
        ListTerms(identifier, code, PriceBasis(basis), TierMode(mode), *others)
        for identifier, code, basis, mode, *others, _is_computed, _has_floors in rows
    ]
    rates = [RateTerms(*row) for row in _rows(_RATES, parameters, revision) if row[0] is not None]
    header = Ruleset(
        version=f"prices:{revision}",
        channel_id=channel.channel_id,
        currency=channel.currency,
        country=channel.country,
        lists=tuple(lists),
        rates=tuple(rates),
        rounding=rounding.declared_for(channel.currency),
        has_floors=any(row[-1] for row in found),
    )
    return header, any(row[-2] for row in rows)


def _computed(header: Ruleset, revision: int, *, then: datetime | None = None) -> tuple[_Computed, ...]:
    """Return the lists that are computed, each after the one it is computed from."""
    found = {
        list_id: _Computed(list_id, currency, code, base_currency, Formula(base_id, *formula))
        for list_id, currency, base_id, code, base_currency, *formula in _rows(
            _FORMULAS.format(lists=_LISTS_THEN if then else _TODAYS_LISTS),
            {"lists": [terms.id for terms in header.lists], "then": then},
            revision,
        )
        if list_id is not None
    }
    in_order: list[_Computed] = []
    while found:
        ready = [one for one in found.values() if one.formula.base not in found]
        if not ready:  # a circle, which the database refuses
            break
        in_order.extend(ready)
        for one in ready:
            del found[one.list_id]
    return tuple(in_order)


def _prices(loaded: _Loaded, product_ids: Collection[int]) -> dict[int, tuple[PriceTerms, ...]]:
    """Return the prices of some products, loading in one statement what is not known yet."""
    known = loaded.prices
    missing = [product_id for product_id in product_ids if product_id not in known]
    if missing:
        found: dict[int, list[PriceTerms]] = {product_id: [] for product_id in missing}
        lists = [terms.id for terms in loaded.header.lists]
        bases = [one.formula.base for one in loaded.computed]
        parameters = {"products": missing, "lists": [*lists, *bases], "since": loaded.since}
        terms: dict[int, ProductTerms] = {}
        for product_id, list_id, *entry, family, amount, unit in _rows(_PRICES, parameters, loaded.revision):
            if list_id is not None:
                found[product_id].append(PriceTerms(list_id, *entry))
            if family is not None:
                terms[product_id] = ProductTerms(family, Content(amount, unit) if amount else None)
        if len(known) + len(found) > PRODUCTS_KEPT:
            known = loaded.prices = {product_id: known[product_id] for product_id in product_ids if product_id in known}
            loaded.terms = {product_id: one for product_id, one in loaded.terms.items() if product_id in known}
        loaded.terms.update(terms)
        known.update({product_id: _with_computed(loaded, entries) for product_id, entries in found.items()})
    return {product_id: known[product_id] for product_id in product_ids}


def _with_computed(loaded: _Loaded, entries: list[PriceTerms]) -> tuple[PriceTerms, ...]:
    """Return a product's entries with those that follow from formulas, of lists that are for sale here."""
    for one in loaded.computed:
        of_base = [entry for entry in entries if entry.list_id == one.formula.base]
        base = [entry for entry in of_base if not entry.via] or of_base  # what was set comes before what was computed
        entries = entries + formulas.derived(
            base, one.list_id, one.formula, code=one.base_code, currency=one.currency, base_currency=one.base_currency,
            rates=loaded.rates,
        )  # fmt: skip
    if loaded.computed:
        here = {terms.id for terms in loaded.header.lists}
        entries = [entry for entry in entries if entry.list_id in here]
    return tuple(entries)


def _rows(sql: str, parameters: dict[str, object], revision: int) -> list[tuple]:
    """Return a statement's rows without their revision. Raises _Changed when that is not the one expected."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    if rows and (rows[0][0] or 0) != revision:
        raise _Changed
    return [row[1:] for row in rows]
