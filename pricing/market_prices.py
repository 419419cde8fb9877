"""What anyone pays for one piece of each product in every currency and country where we sell, and what it costs us there.

Lists that are computed by formula count as lists whose prices were set: a draft may cut through either.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import connection

from commerce import money, queries
from pricing import formulas, rounding
from pricing.formulas import Formula
from pricing.terms import PriceBasis

Place = tuple[str, str]  # currency and country

# Whether anyone may buy from a list, and in which country alone: its own, or that of the channel that it is for.
_LISTS = """
SELECT list.id, list.currency, coalesce(nullif(list.country, ''), channel.country, ''), list.basis,
       list.is_active AND list.customer_group = '' AND list.contract = '', list.base_list_id, base.currency,
       list.formula_basis_points, list.formula_add_minor, list.formula_rounding
FROM pricing_pricelist AS list
LEFT JOIN pricing_pricelist AS base ON base.id = list.base_list_id
LEFT JOIN commerce_channel AS channel ON channel.id = list.channel_id
ORDER BY list.id
"""
_PRODUCTS = """
SELECT id, sku, category, tax_class FROM commerce_product WHERE is_active AND kind <> 'charge' ORDER BY id
"""
_ENTRIES = """
SELECT price_list_id, product_id, amount_minor FROM pricing_priceentry
WHERE min_quantity = 1 AND valid @> %s AND price_list_id = ANY(%s)
"""
_RATES = "SELECT country, tax_class, basis_points FROM pricing_taxrate WHERE valid @> %s"
_CURRENCIES = "SELECT base, quote, millionths FROM pricing_currencyrate WHERE valid @> %s"
_COSTS = "SELECT currency, product_id, amount_minor FROM pricing_landedcost WHERE valid @> %s"


@dataclass(frozen=True, slots=True)
class Product:
    """A product that may be discounted."""

    id: int
    sku: str
    category: str
    tax_class: str


@dataclass(frozen=True, slots=True)
class _List:
    id: int
    currency: str
    country: str
    basis: str
    is_for_all: bool
    base: int | None
    base_currency: str | None
    formula: Formula | None


@dataclass(slots=True)
class Markets:
    """All that is needed to say what products cost anywhere at an instant."""

    products: tuple[Product, ...]
    places: tuple[Place, ...]
    _lists: Sequence[_List]
    _amounts: Mapping[int, Mapping[int, int]]  # by list and product
    _rates: Mapping[tuple[str, str], int]
    _currencies: Mapping[tuple[str, str], int]
    _costs: Mapping[str, Mapping[int, int]]
    _prices: dict[Place, dict[int, tuple[int | None, int | None]]] = field(default_factory=dict)

    def of(self, place: Place) -> Mapping[int, tuple[int | None, int | None]]:
        """Return the lowest price of one piece that anyone gets, and its cost, both with VAT, by product; None is unknown."""
        found = self._prices.get(place)
        if found is None:
            found = self._prices[place] = dict(self._read(place))
        return found

    def converted(self, minor: int, currency: str, into: str) -> int | None:
        """Return an amount in another currency by the rate in force, whichever way it is known; None where none is."""
        if currency == into:
            return minor
        shift = money.exponent(into) - money.exponent(currency)
        up, down = 10 ** max(0, shift), 10 ** max(0, -shift)
        if millionths := self._currencies.get((currency, into)):
            return rounding.half_up(minor * millionths * up, formulas.MILLION * down)
        if millionths := self._currencies.get((into, currency)):
            return rounding.half_up(minor * formulas.MILLION * up, millionths * down)
        return None

    def _read(self, place: Place) -> Iterator[tuple[int, tuple[int | None, int | None]]]:
        currency, country = place
        here = [
            (one.basis == PriceBasis.NET, self._amounts.get(one.id, {}))
            for one in self._lists
            if one.is_for_all and one.currency == currency and one.country in ("", country)
        ]
        for product in self.products:
            rate = self._rates.get((country, product.tax_class))
            least: int | None = None
            for is_net, amounts in here:
                amount = amounts.get(product.id)
                if amount is None or (is_net and rate is None):
                    continue
                gross = _gross(amount, rate or 0) if is_net else amount
                least = gross if least is None or gross < least else least
            cost = self._cost(product.id, currency) if least is not None and rate is not None else None
            yield product.id, (least, _gross(cost, rate) if cost is not None and rate is not None else None)

    def _cost(self, product_id: int, currency: str) -> int | None:
        """Return what a piece costs us in a currency: as it was said, else converted, the dearest that is known."""
        said = self._costs.get(currency, {}).get(product_id)
        if said is not None:
            return said
        elsewhere = [
            self.converted(costs[product_id], other, currency)
            for other, costs in self._costs.items()
            if product_id in costs
        ]
        return max((one for one in elsewhere if one is not None), default=None)


def read(at: datetime) -> Markets:
    """Return what decides prices everywhere at an instant, in a few statements."""
    lists = [
        _List(identifier, currency, country, basis, is_for_all, base, base_currency,
              Formula(base, *terms) if base is not None else None)
        for identifier, currency, country, basis, is_for_all, base, base_currency, *terms in _rows(_LISTS)
    ]  # fmt: skip
    currencies = {(base, quote): millionths for base, quote, millionths in _rows(_CURRENCIES, at)}
    amounts: dict[int, dict[int, int]] = {}
    for list_id, product_id, amount in _rows(_ENTRIES, at, [one.id for one in lists]):
        amounts.setdefault(list_id, {})[product_id] = amount
    for one in _bases_first(lists):
        amounts[one.id] = _computed(one, amounts.get(one.base or 0, {}), currencies) | amounts.get(one.id, {})
    costs: dict[str, dict[int, int]] = {}
    for currency, product_id, amount in _rows(_COSTS, at):
        costs.setdefault(currency, {})[product_id] = amount
    return Markets(
        tuple(Product(*row) for row in _rows(_PRODUCTS)), _places(lists), lists, amounts,
        {(country, tax_class): basis_points for country, tax_class, basis_points in _rows(_RATES, at)}, currencies, costs,
    )  # fmt: skip


def _places(lists: Sequence[_List]) -> tuple[Place, ...]:
    """Return the currencies and countries in which our channels can be asked for prices."""
    found: set[Place] = set()
    for channel in queries.channels():
        if channel.is_active:
            found.add((channel.currency, channel.country))
            found |= {
                (one.currency, channel.country)
                for one in lists
                if one.is_for_all and one.country in ("", channel.country)
            }
    return tuple(sorted(found))


def _bases_first(lists: Sequence[_List]) -> Iterator[_List]:
    """Yield the lists that are computed, each after the one it is computed from; of circles, which can't be, nothing."""
    waiting = {one.id: one for one in lists if one.formula is not None}
    while ready := [one for one in waiting.values() if one.base not in waiting]:
        yield from ready
        for one in ready:
            del waiting[one.id]


def _computed(one: _List, base: Mapping[int, int], currencies: Mapping[tuple[str, str], int]) -> dict[int, int]:
    base_currency, formula = one.base_currency or one.currency, one.formula
    millionths = formulas.MILLION if base_currency == one.currency else currencies.get((base_currency, one.currency))
    if millionths is None or formula is None:
        return {}
    return {
        product_id: formulas.price(
            amount, formula, currency=one.currency, base_currency=base_currency, millionths=millionths
        )
        for product_id, amount in base.items()
    }


def _gross(net_minor: int, rate: int) -> int:
    return rounding.half_up(net_minor * (rounding.BASIS_POINTS + rate), rounding.BASIS_POINTS)


def _rows(sql: str, *parameters: object) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters))
        rows: list[tuple] = cursor.fetchall()
    return rows
