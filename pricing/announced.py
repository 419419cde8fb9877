"""What a draft would announce, held against what was applied: on every channel it reaches, however many goods that are.

A page looks at the first `MOST_PASTS` pasts and says so; whoever submits a draft has all of them looked at. What is read of
the past is judged portion by portion and not kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from commerce import queries
from pricing import applying, claims, exemptions, market_prices, prior_prices
from pricing.assortment import COUNTRY, CURRENCY, Article, Universe
from pricing.claims import Past, Untrue
from pricing.impact import Catalogue, articles_of
from pricing.market_prices import Markets
from pricing.promotions import public
from pricing.promotions.terms import Content, Promotion
from pricing.quotes import ChannelTerms

MOST_PASTS = 60_000  # pasts of a product on a channel that a page looks at
PASTS_AT_ONCE = 2_000  # products


@dataclass(frozen=True, slots=True)
class Looked:
    """The articles as conflicts look at them, and what of the reductions announced was held against prices of the past.

    `channels` are those that they reach, by code; `pasts` how many pasts of a product on a channel there are to look at,
    `looked_at` how many of them were.
    """

    articles: tuple[Article, ...]
    channels: tuple[str, ...] = ()
    products: int = 0
    pasts: int = 0
    looked_at: int = 0

    @property
    def left_out(self) -> int:
        return self.pasts - self.looked_at


@dataclass(frozen=True, slots=True)
class _Reach:
    """A channel, and the articles that are announced as reduced there, each by which promotions."""

    channel: queries.ChannelRef
    goods: Mapping[int, tuple[Promotion, ...]]


def looked_at(known: Catalogue, content: Content, *, at: datetime, at_most: int | None = MOST_PASTS) -> Looked:
    """Return the articles with their prices in every currency and country, and what would be untrue of those announced.

    What was applied counts, and what is known to come until the last promotion begins (`at`, or later by its own window).
    """
    told = [one for one in content.promotions if claims.announces(one) and public.is_public(one)]
    last = max([at, *(one.conditions.valid_from for one in told if one.conditions.valid_from is not None)])
    markets = market_prices.read(at)
    reaches = list(_reaches(known, told))
    untrue: dict[str, dict[str, Untrue | None]] = {}
    skus = {product_id: sku for sku, product_id in known.ids.items()}
    left = sum(len(one.goods) for one in reaches) if at_most is None else at_most
    for reach in reaches:
        wanted = list(reach.goods)[:left]
        left -= len(wanted)
        for start in range(0, len(wanted), PASTS_AT_ONCE):
            for product_id, past in _pasts(reach.channel, wanted[start : start + PASTS_AT_ONCE], markets, last):
                seen = untrue.setdefault(skus[product_id], {})
                for promotion in reach.goods[product_id]:
                    otherwise = _usual_price(promotion, product_id, markets)
                    found = claims.untrue(promotion, skus[product_id], [past], otherwise, begins=at)
                    seen[promotion.id] = _worse(seen.get(promotion.id), found)
    exempt = exemptions.current()
    articles = tuple(
        replace(one, untrue=untrue.get(one.sku), exemptions=exempt.all_of(known.ids[one.sku], one.category))
        for one in articles_of(markets)
    )
    everything = sum(len(one.goods) for one in reaches)
    return Looked(
        articles, tuple(one.channel.code for one in reaches), len(set[int]().union(*(one.goods for one in reaches))),
        everything, everything if at_most is None else min(everything, at_most),
    )  # fmt: skip


def _reaches(known: Catalogue, told: Sequence[Promotion]) -> Iterator[_Reach]:
    """Yield each channel on which something is announced, in the order of their codes."""
    universe = Universe(known.articles)
    goods = {one.id: [known.ids[article.sku] for article in universe.of(universe.meant(one.goods))] for one in told}
    for channel in sorted((one for one in queries.channels() if one.is_active), key=lambda one: one.code):
        here: dict[int, tuple[Promotion, ...]] = {}
        for one in told:
            if claims.is_for(one.conditions, channel=channel.code, country=channel.country, currency=channel.currency):
                for product_id in goods[one.id]:
                    here[product_id] = (*here.get(product_id, ()), one)
        if here:
            yield _Reach(channel, dict(sorted(here.items())))


def _pasts(
    channel: queries.ChannelRef, product_ids: Sequence[int], markets: Markets, at: datetime
) -> Iterator[tuple[int, Past]]:
    """Yield what was applied to products on a channel, and what is to come until an instant."""
    terms, zone = ChannelTerms(channel.id, channel.currency, channel.country), applying.zone_of(channel.country)
    listed = markets.of((channel.currency, channel.country))
    for product_id, ones in prior_prices.history(terms, product_ids, at).items():
        if past := applying.history(ones):
            price = listed.get(product_id, (None, None))[0]
            yield product_id, Past(channel.code, channel.country, zone, past, channel.currency, price)


def _usual_price(promotion: Promotion, product_id: int, markets: Markets) -> int | None:
    price = markets.of((CURRENCY, COUNTRY)).get(product_id, (None, None))[0]
    return public.single_price(promotion, price) if price is not None else None


def _worse(one: Untrue | None, other: Untrue | None) -> Untrue | None:
    known = [found for found in (one, other) if found is not None]
    return min(known, key=lambda found: (found.truth, found.channel), default=None)
