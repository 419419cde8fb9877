"""What a draft touches: the catalogue with its prices as conflicts look at it, and the facts that approvals go by."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pricing import claims, conflicts, differences, market_prices, rounding, trade
from pricing.approving import Facts
from pricing.assortment import COUNTRY, CURRENCY, Article, Market, Universe, goods_of
from pricing.market_prices import Markets
from pricing.promotions import public
from pricing.promotions.terms import AmountOff, Content, FixedPrice, Level, Promotion

REVENUE_OF = timedelta(days=28)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The articles that may be discounted, with their prices in every market, and their ids by SKU."""

    articles: tuple[Article, ...]
    ids: Mapping[str, int]
    markets: Markets


def catalogue(at: datetime) -> Catalogue:
    """Return what can be discounted, with the prices that anyone pays at an instant."""
    markets = market_prices.read(at)
    return Catalogue(articles_of(markets), {one.sku: one.id for one in markets.products}, markets)


def articles_of(markets: Markets) -> tuple[Article, ...]:
    """Return products as conflicts look at them, with what they cost wherever we sell them."""
    usual = markets.of((CURRENCY, COUNTRY))
    others = [(place, markets.of(place)) for place in markets.places if place != (CURRENCY, COUNTRY)]
    return tuple(
        Article(
            one.sku, one.category, *usual[one.id],
            markets=tuple(Market(*place, *here[one.id]) for place, here in others if here[one.id][0] is not None),
        )
        for one in markets.products
    )  # fmt: skip


def facts(before: Content, after: Content, known: Catalogue, *, at: datetime) -> Facts:
    """Return what decides how many approvals it takes to go from one content to another: where it is strictest."""
    difference = differences.between(before, after)
    old = {one.id: one for one in before.promotions}
    new = {one.id: one for one in after.promotions}
    touched = [
        one
        for change in difference.changes
        for one in (old.get(change.promotion_id), new.get(change.promotion_id))
        if one
    ]
    universe = Universe(known.articles)
    bits = 0
    for one in touched:
        for goods in goods_of(one):
            bits |= universe.meant(goods)
    ids = [known.ids[one.sku] for one in universe.of(bits)]
    changed = [new[one.promotion_id] for one in difference.changes if one.promotion_id in new]
    deepest, deepest_in = max((_depth(one, universe) for one in changed), default=(0, ""))
    margin, margin_in = min(
        (found for one in changed for found in _margins(one, universe)), default=(rounding.BASIS_POINTS, "")
    )
    revenue, revenue_in = _revenue(touched, ids, known.markets, at)
    return Facts(
        changes=len(difference.changes) + len(difference.settings), deepest_basis_points=deepest, products=len(ids),
        revenue_minor=revenue, lowest_margin_basis_points=margin, deepest_in=deepest_in, margin_in=margin_in,
        revenue_in=revenue_in,
    )  # fmt: skip


def _prices(promotion: Promotion, articles: Iterable[Article]) -> Iterator[tuple[int, int | None, str]]:
    """Yield price, cost and place of each article in each market where a promotion may hold."""
    terms = promotion.conditions
    for article in articles:
        usual = Market(CURRENCY, COUNTRY, article.price_minor, article.cost_minor)
        for one in (usual, *article.markets):
            if one.price_minor and claims.is_for(terms, country=one.country, currency=one.currency):
                yield one.price_minor, one.cost_minor, f"{one.currency} · {one.country}"


def _depth(promotion: Promotion, universe: Universe) -> tuple[int, str]:
    """Return how deep a promotion cuts into a piece at most, and where; money off is measured on the cheapest piece."""
    share = conflicts.depth(promotion)
    if share is not None:
        return share, ""
    benefit, whole = promotion.benefit, rounding.BASIS_POINTS
    if isinstance(benefit, AmountOff) and benefit.level is Level.ORDER:
        minimum = promotion.conditions.minimum
        if minimum and minimum.amount_minor:
            return min(whole * benefit.amount_minor // minimum.amount_minor, whole), ""
    if not isinstance(benefit, AmountOff | FixedPrice):
        return 0, ""
    found = []
    for price, _cost, place in _prices(promotion, universe.of(universe.meant(promotion.goods))):
        off = benefit.amount_minor if isinstance(benefit, AmountOff) else max(price - benefit.amount_minor, 0)
        found.append((min(whole * off // price, whole), place))
    return max(found, default=(0, ""))


def _margins(promotion: Promotion, universe: Universe) -> Iterator[tuple[int, str]]:
    """Yield the margins that are left on one piece, of gross, where its cost is known."""
    for listed, cost, place in _prices(promotion, universe.of(universe.meant(promotion.goods))):
        price = public.single_price(promotion, listed)
        if cost is not None and price is not None:
            yield rounding.BASIS_POINTS * (price - cost) // max(price, 1), place


def _revenue(
    touched: Sequence[Promotion], ids: Sequence[int], markets: Markets, at: datetime
) -> tuple[int | None, str]:
    """Return what products took in lately wherever a change reaches them, in the usual currency, and where that was.

    A currency without a rate counts unit by unit: rather a look too many than one too few.
    """
    if not ids:
        return 0, ""
    found = trade.revenue(ids, since=at - REVENUE_OF, until=at)
    if found is None:
        return None, ""
    total, places = 0, []
    for (currency, country), minor in sorted(found.items()):
        if minor and any(claims.is_for(one.conditions, country=country, currency=currency) for one in touched):
            converted = markets.converted(minor, currency, CURRENCY)
            total += minor if converted is None else converted
            places.append(f"{currency} · {country}")
    return total, ", ".join(places)
