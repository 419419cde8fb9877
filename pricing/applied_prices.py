"""The log of applied prices: written by the clock, from what was in force when, so it doesn't matter when it is written.

A run looks at what began, ended or was written since the last one, on each channel. Instants are those at which prices
changed, not those of the run: a run that comes an hour late writes the same rows.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson
from django.db import connection
from psycopg2.extras import Json, execute_values

from commerce import catalog, clock, integrity, queries
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import applying, facts, rules, versions
from pricing.applying import Ruled, Stretch
from pricing.listing import Item
from pricing.models import AppliedPriceMark
from pricing.promotions import public
from pricing.promotions.index import Index
from pricing.promotions.terms import Promotion
from pricing.quotes import ChannelTerms, Facts
from pricing.rules import Era

FIRST_LOOK = timedelta(days=400)  # how far back the first run of a channel goes: a year, and the prior price before it
AT_ONCE = 2_000  # products, some hundred bytes of rules each
CHARGE = "charge"
_MOMENT = timedelta(microseconds=1)
_NEVER = Stretch(datetime.min.replace(tzinfo=UTC), None)

# Whoever writes prices holds the revision's row until they commit; past this statement nobody writes before its instant.
_SETTLE = "SELECT number FROM pricing_rulesetrevision FOR SHARE"
_FIRST = "SELECT min(lower(valid)) FROM pricing_priceentry"
_LAST_ENTRY = "SELECT coalesce(max(id), 0) FROM pricing_priceentry"
_TOUCHED = """
SELECT DISTINCT entry.product_id FROM pricing_priceentry AS entry
WHERE entry.id > %(entry)s OR (lower(entry.valid) > %(since)s AND lower(entry.valid) <= %(until)s)
   OR (upper(entry.valid) > %(since)s AND upper(entry.valid) <= %(until)s)
"""
_ALL = "SELECT DISTINCT product_id FROM pricing_priceentry"
# What changes prices of many products at once: lists, rates, currencies.
_CHANGED = """
SELECT EXISTS (SELECT 1 FROM pricing_historicalpricelist WHERE history_date > %(since)s AND history_date <= %(until)s)
    OR EXISTS (SELECT 1 FROM pricing_taxrate WHERE (lower(valid) > %(since)s AND lower(valid) <= %(until)s)
               OR (upper(valid) > %(since)s AND upper(valid) <= %(until)s))
    OR EXISTS (SELECT 1 FROM pricing_currencyrate WHERE (lower(valid) > %(since)s AND lower(valid) <= %(until)s)
               OR (upper(valid) > %(since)s AND upper(valid) <= %(until)s))
"""
_MEANT = """
SELECT product.id FROM commerce_product AS product
WHERE product.sku = ANY(%s) OR product.category = ANY(%s)
   OR EXISTS (SELECT 1 FROM unnest(%s::text[]) AS above WHERE starts_with(product.category, above || '/'))
"""
_LAST = """
SELECT wanted.id, last.amount_minor, last.is_reduced, last.announced_at, last.price_list, last.listed_minor,
       last.tax_basis_points, last.promotions, last.from_at
FROM unnest(%s::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
    SELECT * FROM pricing_appliedprice WHERE channel_id = %s AND product_id = wanted.id ORDER BY from_at DESC LIMIT 1
) AS last
"""
_WRITE = """
INSERT INTO pricing_appliedprice (channel_id, product_id, from_at, amount_minor, currency, is_reduced, announced_at,
    listed_minor, price_list, tax_basis_points, promotions, ruleset_version, written_at) VALUES %s
"""
_LOGGED = """
SELECT mark.logged_until, wanted.id, applied.from_at, applied.amount_minor, applied.is_reduced, applied.announced_at,
       applied.price_list, applied.listed_minor, applied.tax_basis_points, applied.promotions, applied.ruleset_version
FROM commerce_channel AS channel
JOIN pricing_appliedpricemark AS mark ON mark.channel_id = channel.id
CROSS JOIN unnest(%(products)s::bigint[]) AS wanted (id)
LEFT JOIN pricing_appliedprice AS applied ON applied.channel_id = channel.id AND applied.product_id = wanted.id
    AND applied.from_at >= coalesce((
        SELECT max(older.from_at) FROM pricing_appliedprice AS older
        WHERE older.channel_id = channel.id AND older.product_id = wanted.id AND older.from_at <= %(since)s), '-infinity')
WHERE channel.id = %(channel)s AND channel.currency = %(currency)s AND channel.country = %(country)s
ORDER BY wanted.id, applied.from_at
"""

integrity.refuse(
    "applied_price_in_order", lambda: InvalidInput("An applied price follows the ones before it; the past is written.")
)


@dataclass(frozen=True, slots=True)
class Log:
    """What is written down of some products on a channel, and up to when; None: nothing was ever written there."""

    until: datetime | None
    stretches: dict[int, tuple[Stretch, ...]]


@transaction_required
def settled() -> datetime:
    """Return the instant up to which prices stand: nobody can write another one for a time before it."""
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE)
    return clock.now()


@transaction_required
def catch_up(channel: queries.ChannelRef, *, until: datetime) -> int:
    """Write down what was applied on a channel up to an instant that is settled; return how many prices were new."""
    mark, is_new = AppliedPriceMark.objects.select_for_update().get_or_create(
        channel_id=channel.id, defaults={"logged_until": until - FIRST_LOOK}
    )
    terms = ChannelTerms(channel.id, channel.currency, channel.country)
    with connection.cursor() as cursor:
        if is_new:
            cursor.execute(_FIRST)
            (first,) = cursor.fetchone()
            mark.logged_until = max(until - FIRST_LOOK, min(first or until, until))
        since = mark.logged_until
        if since >= until:
            return 0
        cursor.execute(_LAST_ENTRY)
        (last_entry,) = cursor.fetchone()
    touched = _touched(terms, since, until, mark.entry_id, everything=is_new)
    written = 0
    for start in range(0, len(touched), AT_ONCE):
        written += _write(terms, touched[start : start + AT_ONCE], since=since, until=until, is_first=is_new)
    mark.logged_until, mark.entry_id = until, max(mark.entry_id, last_entry)
    mark.save()
    return written


def logged(channel: ChannelTerms, product_ids: Collection[int], *, since: datetime) -> Log:
    """Return what is written of products from an instant on, with what was in force then; in the channel's own currency."""
    with connection.cursor() as cursor:
        cursor.execute(
            _LOGGED,
            {
                "products": list(product_ids), "channel": channel.channel_id, "currency": channel.currency,
                "country": channel.country, "since": since,
            },
        )  # fmt: skip
        rows = cursor.fetchall()
    until = rows[0][0] if rows else None
    told = ((row[1], _stretch(*row[2:])) for row in rows if row[2] is not None)
    return Log(until, dict(applying.by_product(told)))


def derived(
    channel: ChannelTerms, product_ids: Collection[int], *, since: datetime, until: datetime
) -> dict[int, tuple[Stretch, ...]]:
    """Return what was or will be applied within `[since, until)`, from what is in force when; nothing is written."""
    times = rules.eras(channel, product_ids, since=since, until=until)
    return within(channel, times, product_ids)


def within(
    channel: ChannelTerms,
    times: Sequence[Era],
    product_ids: Collection[int],
    *,
    written: Mapping[int, Sequence[Stretch]] = {},
) -> dict[int, tuple[Stretch, ...]]:
    """Return what was or will be applied to products by the rules of some times.

    Products of which something is `written`, and for which nothing turns within a single time, are as they were.
    """
    ruled = [ruled_by(one) for one in times]
    costs = _costs(channel, ruled, product_ids)
    products = catalog.products_by_id(product_ids)
    found = {}
    for product_id in product_ids:
        product = products.get(product_id)
        if product is None or product.kind == CHARGE:
            continue
        item = Item(product.id, product.sku, product.tax_class, 1, product.category)
        if len(ruled) == 1 and written.get(product_id) and not applying.turns(item, ruled[0]):
            continue
        found[product_id] = tuple(applying.stretches(item, ruled, costs))
    return found


def ruled_by(era: Era) -> Ruled:
    """Return the rules of a time with the promotions that anyone gets."""
    ruleset, content = era.ruleset, versions.content(era.version)
    bare = ruleset.version.partition("+")[0]
    index = _public(era.version, era.channel, ruleset.country, ruleset.currency)
    return Ruled(
        era.starts_at,
        era.ends_at,
        replace(
            ruleset,
            version=f"{bare}+rules:{era.version[0]}" if era.version[0] else bare,
            promotions=index,
            policy=content.policy,
            tax_rounding=content.tax_rounding,
        ),
    )


_indexes: dict[tuple[versions.Key, str, str, str], Index] = {}


def _public(version: versions.Key, channel: str, country: str, currency: str) -> Index:
    key = (version, channel, country, currency)
    found = _indexes.get(key)
    if found is None:
        found = Index(public.only(versions.content(version)), channel=channel, country=country, currency=currency)
        for oldest in list(_indexes)[: len(_indexes) - versions.INDEXES_KEPT + 1]:
            _indexes.pop(oldest, None)
        _indexes[key] = found
    return found


def forget() -> None:
    """Drop what this process remembers."""
    _indexes.clear()


def _costs(channel: ChannelTerms, ruled: Sequence[Ruled], product_ids: Collection[int]) -> Facts:
    """Return costs where a margin floor asks for them, so that a price is not taken to be lower than it was."""
    return facts.known(ruled[-1].ruleset, channel, product_ids, ruled[-1].starts_at) if ruled else Facts()


def _touched(channel: ChannelTerms, since: datetime, until: datetime, entry_id: int, *, everything: bool) -> list[int]:
    """Return the products whose price may have changed within `(since, until]`."""
    bounds = {"since": since, "until": until, "entry": entry_id}
    with connection.cursor() as cursor:
        if not everything:
            cursor.execute(_CHANGED, bounds)
            (everything,) = cursor.fetchone()
        promotions = [] if everything else _turning(channel, since, until)
        if any(not (one.goods.products or one.goods.categories) for one in promotions):
            everything = True
        cursor.execute(_ALL if everything else _TOUCHED, bounds)
        found = {row[0] for row in cursor.fetchall()}
        if promotions and not everything:
            skus = [sku for one in promotions for sku in one.goods.products]
            categories = [category for one in promotions for category in one.goods.categories]
            cursor.execute(_MEANT, [skus, categories, categories])
            found |= {row[0] for row in cursor.fetchall()}
    return sorted(found)


def _turning(channel: ChannelTerms, since: datetime, until: datetime) -> list[Promotion]:
    """Return the public promotions that begin, end, open or close within a time, also because versions do."""
    _number, known = versions.known(channel.channel_id, since)
    code = known.channel
    indexes: dict[versions.Key, Index] = {}
    begins: list[datetime] = [since]
    for window in known.windows:
        begins += [
            at
            for at in (window.starts_at, window.ends_at, window.withdrawn_at)
            if at is not None and since < at <= until
        ]
    for at in begins:
        version = known.key_at(at)
        indexes[version] = _public(version, code, channel.country, channel.currency)
    found: dict[tuple[versions.Key, str], Promotion] = {}
    for version, index in indexes.items():
        for one in index.promotions:
            if len(indexes) > 1 or applying.of_promotion(one.conditions, since, until + _MOMENT):
                found[version, one.id] = one
    return list(found.values())


def _write(channel: ChannelTerms, product_ids: list[int], *, since: datetime, until: datetime, is_first: bool) -> int:
    found = derived(channel, product_ids, since=since, until=until + _MOMENT)
    with connection.cursor() as cursor:
        cursor.execute(_LAST, [product_ids, channel.channel_id])
        last = {row[0]: (_stretch(row[8], *row[1:8]), row[8]) for row in cursor.fetchall()}
        rows = [
            (
                channel.channel_id, product_id, one.from_at, one.amount_minor, channel.currency, one.is_reduced,
                one.announced_at, one.listed_minor, one.price_list, one.tax_basis_points, Json(one.promotions),
                one.ruleset_version, until,
            )
            for product_id, ones in found.items()
            for one in _news(ones, last.get(product_id))
        ]  # fmt: skip
        if rows:
            execute_values(cursor.cursor, _WRITE, rows, page_size=1_000)
    return len(rows)


def _news(ones: Iterable[Stretch], last: tuple[Stretch, datetime] | None) -> Iterator[Stretch]:
    """Yield what is to be written after the last row: nothing that it says already, nothing before it."""
    before = last[0] if last else _NEVER
    written = last[1] if last else None
    for one in ones:
        if before.says_the_same(one):
            continue
        if written is not None and one.from_at <= written:
            one = replace(one, from_at=written + _MOMENT)
        yield one
        before, written = one, one.from_at


def _stretch(
    from_at: datetime,
    amount_minor: int | None,
    is_reduced: bool,
    announced_at: datetime | None,
    price_list: str,
    listed_minor: int | None,
    tax_basis_points: int,
    promotions: str | list[list[str]] | None,
    ruleset_version: str = "",
) -> Stretch:
    named = orjson.loads(promotions) if isinstance(promotions, str) else promotions or []
    told = tuple((str(identifier), str(name)) for identifier, name in named)
    return Stretch(
        from_at, amount_minor, is_reduced, announced_at, price_list, listed_minor, tax_basis_points, told,
        ruleset_version,
    )  # fmt: skip
