"""The goods that promotions mean: the catalogue, with what is known of the price of one piece, as bits. [pure]"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pricing import claims
from pricing.promotions.index import ancestry
from pricing.promotions.terms import Bundle, BuyGet, FreeShipping, Gift, Goods, Promotion

CURRENCY, COUNTRY = "EUR", "DE"  # the usual market; what limits in money are said in


@dataclass(frozen=True, slots=True)
class Market:
    """What one piece costs in a currency and country: listed, and to us, with VAT; None is not known."""

    currency: str
    country: str
    price_minor: int | None = None
    cost_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """What is known of a product: its listed price and its cost with VAT, for one piece; None is not known.

    `prior_minor` is the lowest price of the 30 days before, as `prior_price` finds it, None where a reduction may not be
    announced, and 0 where nobody looked. `untrue` says what was found on the channels, by promotion, for its own instant.
    `price_minor` and `cost_minor` are of the usual market, `markets` the currencies and countries besides it. `exemptions`
    free it from naming prior prices.
    """

    sku: str
    category: str = ""
    price_minor: int | None = None
    cost_minor: int | None = None
    prior_minor: int | None = 0
    untrue: Mapping[str, claims.Untrue | None] | None = None
    markets: tuple[Market, ...] = ()
    exemptions: tuple[claims.Exemption, ...] = ()


class Universe:
    """The catalogue as bits: which articles a promotion means."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self.articles = articles
        self.everything = (1 << len(articles)) - 1
        self._places = {one.sku: place for place, one in enumerate(articles)}
        in_category: dict[str, list[int]] = {}
        for place, one in enumerate(articles):
            for category in ancestry(one.category):
                in_category.setdefault(category, []).append(place)
        self._by_category = {category: self._bits(places) for category, places in in_category.items()}

    def meant(self, goods: Goods) -> int:
        """Return the articles that are meant, as bits."""
        bits = self.everything
        if goods.products or goods.categories:
            bits = self._named(goods.products, goods.categories)
        return bits & ~self._named(goods.except_products, goods.except_categories)

    def unknown(self, goods: Goods) -> list[str]:
        """Return the SKUs and categories that name nothing."""
        return [name for name in goods.products if name not in self._places] + [
            name for name in goods.categories if name not in self._by_category
        ]

    def of(self, bits: int) -> Iterator[Article]:
        """Yield the articles that bits stand for."""
        for place, byte in enumerate(bits.to_bytes(len(self.articles) // 8 + 1, "little")):
            for bit in range(8) if byte else ():
                if byte >> bit & 1:
                    yield self.articles[place * 8 + bit]

    def _named(self, skus: Iterable[str], categories: Iterable[str]) -> int:
        bits = self._bits(self._places[sku] for sku in skus if sku in self._places)
        for category in categories:
            bits |= self._by_category.get(category, 0)
        return bits

    def _bits(self, places: Iterable[int]) -> int:
        found = bytearray(len(self.articles) // 8 + 1)
        for place in places:
            found[place // 8] |= 1 << place % 8
        return int.from_bytes(found, "little")


def goods_of(promotion: Promotion) -> list[Goods]:
    """Return all goods that a promotion looks for; of a gift and of charges there are none."""
    benefit = promotion.benefit
    if isinstance(benefit, Gift | FreeShipping):
        return []
    if isinstance(benefit, Bundle):
        return [part.goods for part in benefit.parts]
    if isinstance(benefit, BuyGet) and benefit.rewarded is not None:
        return [promotion.goods, benefit.rewarded]
    return [promotion.goods]


def meant_by(promotions: Sequence[Promotion], articles: Sequence[Article]) -> list[Article]:
    """Return the articles that any of some promotions means."""
    universe, bits = Universe(articles), 0
    for one in promotions:
        for goods in goods_of(one):
            bits |= universe.meant(goods)
    return list(universe.of(bits))
