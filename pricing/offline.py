"""A price pack as a till keeps it: all that decides prices for a while, in one document, and the same prices from it. [pure]

A till that is cut off prices by the pack as we would: the same lists, rates, promotions and versions to come, each from its
instant on; and it names the same prior prices and savings. What is limited of promotions is not in its power to grant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pricing import quotes, rounding
from pricing.applying import Naming
from pricing.listing import Content, Item, ListTerms, PriceTerms, RateTerms
from pricing.promotions import codes, documents
from pricing.promotions.effects import Allowance
from pricing.promotions.index import Index, Situation
from pricing.promotions.terms import Content as Promotions
from pricing.terms import PriceBasis, TierMode

NOTHING = Allowance(0, has_uses=False)


@dataclass(frozen=True, slots=True)
class Version:
    """Promotions that hold within `[starts_at, ends_at)`; None is open."""

    number: int
    starts_at: datetime | None
    ends_at: datetime | None
    content: Promotions


@dataclass(frozen=True, slots=True)
class Product:
    """A product with what pricing needs to know of it, its entries on the lists of the pack, and its prior prices."""

    product_id: int
    sku: str
    tax_class: str
    category: str
    is_charge: bool
    family: str
    content: Content | None
    entries: tuple[PriceTerms, ...]
    namings: tuple[Naming, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a pack holds for one channel, currency and country. Of the versions the first that holds is in force."""

    channel_id: int
    channel: str
    currency: str
    country: str
    lists: tuple[ListTerms, ...]
    rates: tuple[RateTerms, ...]
    versions: tuple[Version, ...]
    products: tuple[Product, ...]


def document(contents: Contents) -> dict[str, Any]:
    """Return contents as JSON-able primitives."""
    return {
        "channel_id": contents.channel_id,
        "channel": contents.channel,
        "currency": contents.currency,
        "country": contents.country,
        "lists": [
            [one.id, one.code, one.basis, one.tier_mode, one.is_for_channel, one.is_for_country, one.customer_group,
             one.priority, one.contract, one.counts_family]
            for one in contents.lists
        ],
        "rates": [[one.tax_class, one.basis_points, *_window(one)] for one in contents.rates],
        "versions": [
            [one.number, _text(one.starts_at), _text(one.ends_at), documents.document(one.content)]
            for one in contents.versions
        ],
        "products": [
            [one.product_id, one.sku, one.tax_class, one.category, one.is_charge, one.family,
             [one.content.amount, one.content.unit] if one.content else None,
             [[entry.list_id, entry.min_quantity, entry.amount_minor, *_window(entry), entry.via] for entry in one.entries],
             [[_text(said.from_at), *(said.prior or (None, None, "")), said.promotions] for said in one.namings]]
            for one in contents.products
        ],
    }  # fmt: skip


def opened(given: Mapping[str, Any]) -> Contents:
    """Make the contents of their document again."""
    return Contents(
        channel_id=given["channel_id"],
        channel=given["channel"],
        currency=given["currency"],
        country=given["country"],
        lists=tuple(
            ListTerms(identifier, code, PriceBasis(basis), TierMode(mode), *others)
            for identifier, code, basis, mode, *others in given["lists"]
        ),
        rates=tuple(RateTerms(name, points, _at(start), _at(end)) for name, points, start, end in given["rates"]),
        versions=tuple(
            Version(number, _at(start), _at(end), documents.content_from(content))
            for number, start, end, content in given["versions"]
        ),
        products=tuple(_product(row) for row in given["products"]),
    )


def _product(row: Sequence[Any]) -> Product:
    product_id, sku, tax_class, category, is_charge, family, content, entries, *namings = row
    terms = tuple(
        PriceTerms(list_id, least, amount, _at(start), _at(end), via)
        for list_id, least, amount, start, end, via in entries
    )
    held = Content(*content) if content else None
    told = tuple(
        Naming(datetime.fromisoformat(start), (prior, saving, why) if prior or why else None, tuple(promotions))
        for start, prior, saving, why, promotions in (namings[0] if namings else ())  # packs of before have none
    )
    return Product(product_id, sku, tax_class, category, is_charge, family, held, terms, told)


class Till:
    """Prices by a pack."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._products = {one.sku: one for one in contents.products}
        self._indexes: dict[int, Index] = {}

    def price(
        self, basket: Mapping[str, int], at: datetime, *, situation: Situation | None = None, contract: str = ""
    ) -> quotes.Quote:
        """Return what pieces by SKU cost at an instant. Raises: KeyError for a product that is not in the pack."""
        contents = self._contents
        version = next((one for one in contents.versions if _holds(one, at)), None)
        number = version.number if version else 0
        content = version.content if version else Promotions()
        if number not in self._indexes:
            self._indexes[number] = Index(
                content,
                channel=contents.channel,
                country=contents.country,
                currency=contents.currency,
            )
        products = [self._products[sku] for sku in basket]
        ruleset = quotes.Ruleset(
            version=f"pack:{number}",
            channel_id=contents.channel_id,
            currency=contents.currency,
            country=contents.country,
            lists=contents.lists,
            rates=contents.rates,
            prices={one.product_id: one.entries for one in products},
            promotions=self._indexes[number],
            rounding=rounding.declared_for(contents.currency),
            tax_rounding=content.tax_rounding,
            policy=content.policy,
        )
        items = [
            Item(
                one.product_id, one.sku, one.tax_class, basket[one.sku], one.category, one.is_charge, one.family,
                one.content,
            )
            for one in products
        ]  # fmt: skip
        prepared = quotes.prepare(items, ruleset, at, situation=situation or Situation(), contract=contract)
        if priors := self._priors(prepared):
            prepared = replace(prepared, priors=priors)
        return quotes.finish(prepared, {one.promotion.id: NOTHING for one in prepared.limited}).quote

    def _priors(self, prepared: quotes.Prepared) -> dict[int, quotes.Prior]:
        """Return what is named of the products whose reduction this basket gets; of what is limited nothing is granted."""
        places = {one.promotion.id: one.positions for one in prepared.candidates if not one.promotion.limits.is_limited}
        found: dict[int, quotes.Prior] = {}
        for position, line in enumerate(prepared.lines):
            said = [one for one in self._products[line.sku].namings if one.from_at <= prepared.at]
            if said and said[-1].prior and all(position in places.get(name, ()) for name in said[-1].promotions):
                found[line.product_id] = said[-1].prior
        return found


def situation(*, coupons: Sequence[str] = (), **terms: Any) -> Situation:
    """Return a buyer as a till knows one, coupon codes as they were typed."""
    return Situation(codes=tuple(dict.fromkeys(map(codes.normalised, coupons))), **terms)


def _holds(version: Version, at: datetime) -> bool:
    return (version.starts_at is None or version.starts_at <= at) and (version.ends_at is None or at < version.ends_at)


def _window(terms: RateTerms | PriceTerms) -> tuple[str | None, str | None]:
    return _text(terms.valid_from), _text(terms.valid_until)


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text is not None else None
