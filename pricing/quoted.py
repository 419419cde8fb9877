"""A quote as it is given: what a basket costs and why, as a document that makes the same quote again. [pure]

The fields of all that is told stand in the order of the alphabet, and the classes have no slots: what is written of them
is the canonical form at once, and is written in a fifth of the time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from pricing import vat
from pricing.listing import Candidate
from pricing.promotions.basket import Runs


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change of an amount, and why. `reference` names the rule ("price_list:web-de", "promotion:SUMMER").

    `forfeited_minor` is what a promotion would have taken off more, had not its cap, a budget, the margin floor or the
    basket's cap stood in its way (`forfeit_reason`).
    """

    amount_minor: int
    forfeit_reason: str = ""
    forfeited_minor: int = 0
    kind: str
    reason: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class QuotedLine:
    """One product of a quote. `total_minor` is what is paid, VAT included; its steps sum to it.

    `unit_price_minor` is the listed price per piece (the average, rounded, where tiers are graduated), in `basis`.
    `pieces` says what each piece is paid with, first piece first, as (pieces, minor units of each). The reference price
    (Grundpreis) is that of what is paid. `prior_price_exemption` says why a reduced price names no prior price (§ 11 (4) PAngV).
    """

    basis: str
    candidates: tuple[Candidate, ...]
    pieces: Runs = ()
    prior_price_exemption: str = ""
    prior_price_minor: int | None = None
    product_id: int
    quantity: int
    reference_amount: str = ""
    reference_price_minor: int | None = None
    savings_basis_points: int | None = None
    sku: str
    steps: tuple[Step, ...]
    tax_basis_points: int
    tax_minor: int
    total_minor: int
    unit_price_minor: int

    def refund_minor(self, returned: int, quantity: int) -> int:
        """Return what the next `quantity` pieces given back are worth when `returned` came back before.

        Whichever pieces come back, in whatever order: all of them together are worth what was paid.
        """
        return self._paid(returned + quantity) - self._paid(returned)

    def _paid(self, first: int) -> int:
        total = 0
        for count, minor in self.pieces:
            total += min(count, first) * minor
            first -= min(count, first)
        return total


@dataclass(frozen=True, kw_only=True)
class PromotionStep:
    """What a promotion did in the basket as a whole: applied, or why not; discount and forfeited sum to what it promised.

    `sets` counts how often a bundle or "buy X get Y" was there; `by` names the promotion that stood in its way.
    """

    by: str = ""
    coupon: str = ""
    discount_minor: int
    forfeit_reason: str = ""
    forfeited_minor: int = 0
    name: str
    promotion: str
    sets: int = 1
    verdict: str


@dataclass(frozen=True, kw_only=True)
class NearPromotion:
    """What is missing for the next benefit: money or pieces, of the goods named (none named: any)."""

    categories: tuple[str, ...] = ()
    missing_minor: int = 0
    missing_quantity: int = 0
    name: str
    products: tuple[str, ...] = ()
    promotion: str


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A gift that is earned and not in the basket yet."""

    promotion: str
    quantity: int
    sku: str


@dataclass(frozen=True, kw_only=True)
class Coupon:
    """What came of a code."""

    code: str
    promotion: str = ""
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """Who bought, as far as prices asked: `is_from_profile` says that our own profile had its say, `overruled` names what the
    channel said otherwise.
    """

    customer_group: str = ""
    is_first_order: bool | None = None
    is_from_profile: bool = False
    loyalty_tier: str = ""
    overruled: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What a basket costs and why. `steps` are those of the document as a whole; with the lines they sum to the total.

    `is_limited`: a promotion of which there is only so much took part, and holds on until the quote expires.
    `is_approximate`: the basket had more ways to share its promotions than could be tried; the best of those tried counts.
    """

    at: datetime
    buyer: Buyer | None = None
    channel_id: int
    country: str
    coupons: tuple[Coupon, ...] = ()
    currency: str
    has_free_shipping: bool = False
    is_approximate: bool = False
    is_limited: bool = False
    lines: tuple[QuotedLine, ...]
    near: tuple[NearPromotion, ...] = ()
    offers: tuple[Offer, ...] = ()
    promotions: tuple[PromotionStep, ...] = ()
    rounding: str
    ruleset_version: str
    steps: tuple[Step, ...]
    tax_minor: int
    tax_rounding: str
    taxes: tuple[vat.TaxShare, ...]
    total_minor: int

    def line_of(self, product_id: int) -> QuotedLine:
        """Return the line of a product. Raises KeyError when it is not in the basket."""
        for line in self.lines:
            if line.product_id == product_id:
                return line
        raise KeyError(product_id)

    @property
    def discount_minor(self) -> int:
        """What all promotions take off, in the bases of their lines."""
        return sum(one.discount_minor for one in self.promotions)

    def document(self) -> dict[str, Any]:
        """Return the quote as JSON-able primitives, from which `from_document` makes the same quote again."""
        document: dict[str, Any] = orjson.loads(self.canonical())
        return document

    def canonical(self) -> bytes:
        """Return the canonical bytes of its document."""
        return orjson.dumps(self, option=orjson.OPT_UTC_Z)


def from_document(document: Mapping[str, Any]) -> Quote:
    """Make a quote from its document again, also from one that was written before there were promotions."""
    fields = dict(document)
    fields["at"] = datetime.fromisoformat(fields["at"])
    fields["lines"] = tuple(_line_from(line) for line in fields["lines"])
    for name, kind in _LISTS.items():
        fields[name] = tuple(kind(**one) for one in fields.get(name, ()))
    fields["near"] = tuple(
        NearPromotion(**one | {"products": tuple(one["products"]), "categories": tuple(one["categories"])})
        for one in fields.get("near", ())
    )
    if buyer := fields.get("buyer"):
        fields["buyer"] = Buyer(
            **buyer | {"overruled": tuple(buyer["overruled"]), "segments": tuple(buyer["segments"])}
        )
    return Quote(**fields)


_LISTS: dict[str, type] = {
    "steps": Step, "taxes": vat.TaxShare, "promotions": PromotionStep, "offers": Offer, "coupons": Coupon,
}  # fmt: skip


def _line_from(document: Mapping[str, Any]) -> QuotedLine:
    fields = dict(document)
    fields["steps"] = tuple(Step(**step) for step in fields["steps"])
    fields["candidates"] = tuple(Candidate(**candidate) for candidate in fields["candidates"])
    fields["pieces"] = tuple((count, minor) for count, minor in fields.get("pieces", ()))
    return QuotedLine(**fields)


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the one byte form of a document: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
