"""What a draft touches: the catalogue with its prices as conflicts look at it, and the facts that approvals go by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from commerce import queries
from pricing import applying, assortment, claims, conflicts, differences, exemptions, prior_prices, rounding, trade
from pricing.approving import Facts
from pricing.assortment import Article, Market
from pricing.claims import Exemptions, Past
from pricing.promotions import public
from pricing.promotions.terms import AmountOff, Content, FixedPrice, Level, PercentOff, Promotion
from pricing.quotes import ChannelTerms

CURRENCY, COUNTRY = "EUR", "DE"  # the usual market: what depths and margins are measured in
REVENUE_OF = timedelta(days=28)

# The lowest price of one piece that anyone gets, by the lists in force; net lists are made gross by the rate in force.
_ARTICLES = """
SELECT product.id, product.sku, product.category, min(
    CASE list.basis WHEN 'gross' THEN entry.amount_minor
         ELSE (2 * entry.amount_minor * (10000 + rate.basis_points) + 10000) / 20000 END),
    min((2 * cost.amount_minor * (10000 + rate.basis_points) + 10000) / 20000)
FROM commerce_product AS product
LEFT JOIN pricing_priceentry AS entry ON entry.product_id = product.id AND entry.min_quantity = 1 AND entry.valid @> %(at)s
    AND entry.price_list_id IN (
        SELECT id FROM pricing_pricelist WHERE is_active AND customer_group = '' AND contract = '' AND currency = %(currency)s
            AND country IN ('', %(country)s))
LEFT JOIN pricing_pricelist AS list ON list.id = entry.price_list_id
LEFT JOIN pricing_taxrate AS rate ON rate.country = %(country)s AND rate.tax_class = product.tax_class AND rate.valid @> %(at)s
LEFT JOIN pricing_landedcost AS cost ON cost.product_id = product.id AND cost.currency = %(currency)s
    AND cost.valid @> %(at)s
WHERE product.is_active AND product.kind <> 'charge'
GROUP BY product.id ORDER BY product.id
"""


MOST_MARKETS = 12  # currencies and countries of channels whose prices are looked at
MOST_PASTS = 60_000  # pasts of a product on a channel that are looked at for one draft
PASTS_AT_ONCE = 2_000  # products


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The articles that may be discounted, and their ids by SKU."""

    articles: tuple[Article, ...]
    ids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Looked:
    """The articles as conflicts look at them, and what of the percentages announced was held against prices of the past.

    `channels` are those that the percentages reach, by code; `pasts` how many pasts of a product on a channel there are to
    look at, `looked_at` how many of them were.
    """

    articles: tuple[Article, ...]
    channels: tuple[str, ...] = ()
    products: int = 0
    pasts: int = 0
    looked_at: int = 0

    @property
    def left_out(self) -> int:
        return self.pasts - self.looked_at


def catalogue(at: datetime) -> Catalogue:
    """Return what can be discounted, with the price that anyone pays at an instant."""
    rows = _rows(at, CURRENCY, COUNTRY)
    return Catalogue(
        tuple(Article(sku, category, price, cost) for _, sku, category, price, cost in rows),
        {row[1]: row[0] for row in rows},
    )


def _rows(at: datetime, currency: str, country: str) -> list[tuple[int, str, str, int | None, int | None]]:
    with connection.cursor() as cursor:
        cursor.execute(_ARTICLES, {"at": at, "currency": currency, "country": country})
        rows: list[tuple[int, str, str, int | None, int | None]] = cursor.fetchall()
    return rows


def looked_at(known: Catalogue, content: Content, *, at: datetime, at_most: int = MOST_PASTS) -> Looked:
    """Return the articles with their prices in every currency and country of our channels, and the past of those announced.

    Those that would be announced as reduced have what was applied to them on each channel that the promotion reaches; what is
    known to come until the last of them begins (`at`, or later by its own window) is among it.
    """
    channels = sorted((one for one in queries.channels() if one.is_active), key=lambda one: one.code)
    markets = sorted({(one.currency, one.country) for one in channels})[:MOST_MARKETS]
    prices = {
        (currency, country): {row[0]: (row[3], row[4]) for row in _rows(at, currency, country)}
        for currency, country in markets
    }
    exempt = exemptions.current()
    told = [one for one in content.promotions if isinstance(one.benefit, PercentOff) and public.is_public(one)]
    last = max([at, *(one.conditions.valid_from for one in told if one.conditions.valid_from is not None)])
    reached: list[tuple[queries.ChannelRef, list[int]]] = []
    for channel in channels:
        here = [
            one
            for one in told
            if claims.is_for(one.conditions, channel=channel.code, country=channel.country, currency=channel.currency)
        ]
        meant = assortment.meant_by(here, known.articles) if here else []
        if meant and (channel.currency, channel.country) in prices:
            reached.append((channel, [known.ids[one.sku] for one in meant]))
    pasts: dict[int, list[Past]] = {}
    left = at_most
    for channel, products in reached:
        listed = prices[channel.currency, channel.country]
        for start in range(0, min(len(products), left), PASTS_AT_ONCE):
            portion = products[start : min(start + PASTS_AT_ONCE, left)]
            for product_id, past in _pasts(channel, portion, listed, last).items():
                pasts.setdefault(product_id, []).append(past)
        left -= min(len(products), left)
    articles = tuple(
        _seen(one, known.ids[one.sku], prices, tuple(pasts.get(known.ids[one.sku], ())), exempt)
        for one in known.articles
    )
    everything = sum(len(products) for _channel, products in reached)
    return Looked(
        articles, tuple(channel.code for channel, _products in reached),
        len(set[int]().union(*(products for _channel, products in reached))), everything, everything - max(everything - at_most, 0),
    )  # fmt: skip


def _pasts(
    channel: queries.ChannelRef, product_ids: Sequence[int], listed: Mapping[int, tuple[int | None, int | None]], at: datetime
) -> dict[int, Past]:  # fmt: skip
    """Return what was applied to products on a channel, and what is to come until an instant."""
    terms, zone = ChannelTerms(channel.id, channel.currency, channel.country), applying.zone_of(channel.country)
    found = {}
    for product_id, ones in prior_prices.history(terms, product_ids, at).items():
        past = applying.history(ones)
        if past:
            price = listed.get(product_id, (None, None))[0]
            found[product_id] = Past(channel.code, channel.country, zone, past, channel.currency, price)
    return found


def _seen(
    article: Article,
    product_id: int,
    prices: Mapping[tuple[str, str], Mapping[int, tuple[int | None, int | None]]],
    pasts: tuple[Past, ...],
    exempt: Exemptions,
) -> Article:
    markets = tuple(
        Market(*market, *here[product_id])
        for market, here in prices.items()
        if market != (CURRENCY, COUNTRY) and here.get(product_id, (None, None))[0] is not None
    )
    freed = exempt.all_of(product_id, article.category)
    if not (markets or pasts or freed):
        return article
    return replace(article, markets=markets, pasts=pasts, exemptions=freed)


def facts(before: Content, after: Content, known: Catalogue, *, at: datetime) -> Facts:
    """Return what decides how many approvals it takes to go from one content to another."""
    difference = differences.between(before, after)
    old = {one.id: one for one in before.promotions}
    new = {one.id: one for one in after.promotions}
    touched = [
        one
        for change in difference.changes
        for one in (old.get(change.promotion_id), new.get(change.promotion_id))
        if one
    ]
    deepest = max(
        (_depth(new[one.promotion_id], known) for one in difference.changes if one.promotion_id in new), default=0
    )
    articles = assortment.meant_by(touched, known.articles)
    ids = [known.ids[one.sku] for one in articles]
    return Facts(
        changes=len(difference.changes) + len(difference.settings),
        deepest_basis_points=deepest,
        products=len(ids),
        revenue_minor=trade.revenue(ids, since=at - REVENUE_OF, until=at) if ids else 0,
        lowest_margin_basis_points=_lowest_margin(
            [new[one.promotion_id] for one in difference.changes if one.promotion_id in new], known
        ),
    )


def _depth(promotion: Promotion, known: Catalogue) -> int:
    """Return how deep a promotion cuts into a piece at most; money off is measured on the cheapest piece it is for."""
    share = conflicts.depth(promotion)
    if share is not None:
        return share
    benefit = promotion.benefit
    prices = [one.price_minor for one in assortment.meant_by([promotion], known.articles) if one.price_minor]
    if isinstance(benefit, FixedPrice):
        return max(
            (rounding.BASIS_POINTS * max(price - benefit.amount_minor, 0) // price for price in prices), default=0
        )
    if isinstance(benefit, AmountOff):
        minimum = promotion.conditions.minimum
        least = (
            minimum.amount_minor
            if minimum and minimum.amount_minor and benefit.level is Level.ORDER
            else min(prices, default=0)
        )
        return min(rounding.BASIS_POINTS * benefit.amount_minor // least, rounding.BASIS_POINTS) if least else 0
    return 0


def _lowest_margin(promotions: Sequence[Promotion], known: Catalogue) -> int | None:
    """Return the lowest margin that is left on one piece, of gross; the best there is where no cost is known."""
    margins = [
        rounding.BASIS_POINTS * (price - article.cost_minor) // max(price, 1)
        for promotion in promotions
        for article in assortment.meant_by([promotion], known.articles)
        if article.cost_minor is not None and article.price_minor is not None
        and (price := public.single_price(promotion, article.price_minor)) is not None
    ]  # fmt: skip
    return min(margins, default=rounding.BASIS_POINTS)
