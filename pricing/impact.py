"""What a draft touches: the catalogue with its prices as conflicts look at it, and the facts that approvals go by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import connection

from commerce import queries
from pricing import applying, conflicts, differences, prior_prices, rounding, trade
from pricing.approving import Facts
from pricing.claims import Past
from pricing.conflicts import Article
from pricing.promotions import public
from pricing.promotions.terms import AmountOff, Content, FixedPrice, Level, PercentOff, Promotion
from pricing.quotes import ChannelTerms

CURRENCY, COUNTRY = "EUR", "DE"  # where reductions are looked at; other countries follow from the same promotions
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
        SELECT id FROM pricing_pricelist WHERE is_active AND customer_group = '' AND currency = %(currency)s
            AND country IN ('', %(country)s))
LEFT JOIN pricing_pricelist AS list ON list.id = entry.price_list_id
LEFT JOIN pricing_taxrate AS rate ON rate.country = %(country)s AND rate.tax_class = product.tax_class AND rate.valid @> %(at)s
LEFT JOIN pricing_landedcost AS cost ON cost.product_id = product.id AND cost.currency = %(currency)s
    AND cost.valid @> %(at)s
WHERE product.is_active AND product.kind <> 'charge'
GROUP BY product.id ORDER BY product.id
"""


# Products whose past is looked at for one draft. Each costs some tenths of a millisecond per channel.
MOST_PASTS = 5_000


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The articles that may be discounted, and their ids by SKU."""

    articles: tuple[Article, ...]
    ids: Mapping[str, int]


def catalogue(at: datetime) -> Catalogue:
    """Return what can be discounted, with the price that anyone pays at an instant."""
    with connection.cursor() as cursor:
        cursor.execute(_ARTICLES, {"at": at, "currency": CURRENCY, "country": COUNTRY})
        rows = cursor.fetchall()
    return Catalogue(
        tuple(Article(sku, category, price, cost) for _, sku, category, price, cost in rows),
        {row[1]: row[0] for row in rows},
    )


def with_pasts(known: Catalogue, content: Content, *, at: datetime) -> tuple[Article, ...]:
    """Return the articles, those that would be announced as reduced with what was applied to them on each channel.

    What is known to come until the last of them begins (`at`, or later by its own window) is among it.
    """
    claims = [one for one in content.promotions if isinstance(one.benefit, PercentOff) and public.is_public(one)]
    meant = [one.sku for one in conflicts.meant_by(claims, known.articles)][:MOST_PASTS] if claims else []
    if not meant:
        return known.articles
    ids = [known.ids[sku] for sku in meant]
    at = max([at, *(one.conditions.valid_from for one in claims if one.conditions.valid_from is not None)])
    pasts: dict[int, list[Past]] = {}
    for channel in queries.channels():
        if not channel.is_active or (channel.currency, channel.country) != (CURRENCY, COUNTRY):
            continue
        terms = ChannelTerms(channel.id, channel.currency, channel.country)
        for product_id, found in prior_prices.history(terms, ids, at).items():
            past = applying.history(found)
            if past:
                zone = applying.zone_of(channel.country)
                pasts.setdefault(product_id, []).append(Past(channel.code, channel.country, zone, past))
    return tuple(
        replace(one, pasts=tuple(pasts.get(known.ids[one.sku], ()))) if known.ids[one.sku] in pasts else one
        for one in known.articles
    )


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
    articles = conflicts.meant_by(touched, known.articles)
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
    prices = [one.price_minor for one in conflicts.meant_by([promotion], known.articles) if one.price_minor]
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
        for article in conflicts.meant_by([promotion], known.articles)
        if article.cost_minor is not None and article.price_minor is not None
        and (price := public.single_price(promotion, article.price_minor)) is not None
    ]  # fmt: skip
    return min(margins, default=rounding.BASIS_POINTS)
