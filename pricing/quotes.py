"""The price of a basket, as a pure function that explains itself. [pure]

`quote(basket, ruleset, at)` chooses a price per product, applies the order's discounts, computes VAT, and leaves every
amount as a step, so that steps always sum to the total. The same basket under the same ruleset at the same instant
gives the same bytes, in whatever order the basket was filled: lines are numbered by SKU.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from commerce.money import Money
from pricing import discounts, rounding, tiers, vat
from pricing.errors import NoPrice, NoTaxRate
from pricing.rounding import Rounding
from pricing.terms import PriceBasis, StepKind, TaxRounding, TierMode, Verdict

# --- what goes in ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many pieces of a product."""

    product_id: int
    quantity: int


@dataclass(frozen=True, slots=True)
class ChannelTerms:
    """What of a channel decides its prices."""

    channel_id: int
    currency: str
    country: str


@dataclass(frozen=True, slots=True)
class Item:
    """A basket line with what pricing needs to know of the product."""

    product_id: int
    sku: str
    tax_class: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ListTerms:
    """A price list that applies to the ruleset's channel and country, as far as prices go."""

    id: int
    code: str
    basis: PriceBasis
    tier_mode: TierMode
    is_for_channel: bool = False
    is_for_country: bool = False
    customer_group: str = ""
    priority: int = 0

    @property
    def specificity(self) -> tuple[bool, bool, bool]:
        """A list for a customer group beats one for all, then one for the channel, then one for the country."""
        return bool(self.customer_group), self.is_for_channel, self.is_for_country


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """One entry of a price list, valid within `[valid_from, valid_until)`; None is open."""

    list_id: int
    min_quantity: int
    amount_minor: int
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RateTerms:
    """The rate of a tax class, valid within `[valid_from, valid_until)`."""

    tax_class: str
    basis_points: int
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that decides prices for one channel, currency and country, at one version.

    `prices` holds the entries of the products at hand; `promotions` the discounts on the order, each one applied.
    """

    version: str
    channel_id: int
    currency: str
    country: str
    lists: tuple[ListTerms, ...]
    rates: tuple[RateTerms, ...]
    prices: Mapping[int, tuple[PriceTerms, ...]] = field(default_factory=dict)
    promotions: tuple[discounts.OrderDiscount, ...] = ()
    rounding: Rounding = field(default_factory=lambda: Rounding("EUR"))
    tax_rounding: TaxRounding = TaxRounding.PER_LINE


# --- what comes out -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One change of an amount, and why. `reference` names the rule ("price_list:web-de")."""

    kind: str
    amount_minor: int
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A price that was considered, what the line would have cost by it, and why it was taken or lost."""

    price_list: str
    total_minor: int | None
    verdict: str


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """One product of a quote. `total_minor` is what is paid, VAT included; its steps sum to it.

    `unit_price_minor` is the listed price per piece (the average, rounded, where tiers are graduated), in `basis`.
    """

    product_id: int
    sku: str
    quantity: int
    basis: str
    unit_price_minor: int
    total_minor: int
    tax_minor: int
    tax_basis_points: int
    steps: tuple[Step, ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """What a basket costs and why. `steps` are those of the document as a whole; with the lines they sum to the total."""

    channel_id: int
    currency: str
    country: str
    at: datetime
    ruleset_version: str
    lines: tuple[QuotedLine, ...]
    steps: tuple[Step, ...]
    total_minor: int
    tax_minor: int
    taxes: tuple[vat.TaxShare, ...]
    rounding: str
    tax_rounding: str

    def line_of(self, product_id: int) -> QuotedLine:
        """Return the line of a product. Raises KeyError when it is not in the basket."""
        for line in self.lines:
            if line.product_id == product_id:
                return line
        raise KeyError(product_id)

    def document(self) -> dict[str, Any]:
        """Return the quote as JSON-able primitives, from which `from_document` makes the same quote again."""
        document: dict[str, Any] = orjson.loads(orjson.dumps(self, option=orjson.OPT_UTC_Z))
        return document


def from_document(document: Mapping[str, Any]) -> Quote:
    """Make a quote from its document again."""
    fields = dict(document)
    fields["at"] = datetime.fromisoformat(fields["at"])
    fields["lines"] = tuple(_line_from(line) for line in fields["lines"])
    fields["steps"] = tuple(Step(**step) for step in fields["steps"])
    fields["taxes"] = tuple(vat.TaxShare(**share) for share in fields["taxes"])
    return Quote(**fields)


def _line_from(document: Mapping[str, Any]) -> QuotedLine:
    fields = dict(document)
    fields["steps"] = tuple(Step(**step) for step in fields["steps"])
    fields["candidates"] = tuple(Candidate(**candidate) for candidate in fields["candidates"])
    return QuotedLine(**fields)


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the one byte form of a document: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


# --- how ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Priced:
    """A line with its chosen price, before discounts and tax."""

    item: Item
    chosen: ListTerms
    parts: tuple[tiers.Part, ...]
    candidates: tuple[Candidate, ...]
    basis_points: int

    @property
    def amount_minor(self) -> int:
        return sum(part.total_minor for part in self.parts)


def quote(basket: Iterable[Item], ruleset: Ruleset, at: datetime, *, customer_group: str = "") -> Quote:
    """Price a basket under a ruleset at an instant; several lines of one product count as one.

    Raises: NoPrice, NoTaxRate (naming every product concerned).
    """
    items = _canonical_items(basket)
    lists = [terms for terms in ruleset.lists if terms.customer_group in ("", customer_group)]
    lists.sort(key=lambda terms: (*(not flag for flag in terms.specificity), -terms.priority, terms.id))
    priced = _price_all(items, lists, ruleset, at)

    amounts = [line.amount_minor for line in priced]
    cuts: list[list[Step]] = [[] for _ in priced]
    for discount in discounts.in_order(ruleset.promotions):
        off = discounts.granted(discount, sum(amounts))
        for position, share in enumerate(discounts.allocate(off, amounts)):
            if share:
                amounts[position] -= share
                cuts[position].append(Step(StepKind.DISCOUNT.value, -share, discount.reason, discount.reference))

    taxables = [
        vat.Taxable(amount, line.chosen.basis, line.basis_points) for amount, line in zip(amounts, priced, strict=True)
    ]
    taxes = vat.per_line(taxables, ruleset.tax_rounding)
    lines = tuple(
        _finished(line, ruleset.currency, steps, amount, tax)
        for line, steps, amount, tax in zip(priced, cuts, amounts, taxes, strict=True)
    )
    exact = sum(line.total_minor for line in lines)
    total = rounding.to_step(exact, ruleset.rounding.cash_step_minor)
    coin = Step(StepKind.ROUNDING.value, total - exact, "to the nearest coin", f"cash:{ruleset.currency}")
    return Quote(
        channel_id=ruleset.channel_id,
        currency=ruleset.currency,
        country=ruleset.country,
        at=at,
        ruleset_version=ruleset.version,
        lines=lines,
        steps=(coin,) if coin.amount_minor else (),
        total_minor=total,
        tax_minor=sum(taxes),
        taxes=vat.summary(taxables, taxes),
        rounding=ruleset.rounding.mode,
        tax_rounding=ruleset.tax_rounding.value,
    )


def _canonical_items(basket: Iterable[Item]) -> list[Item]:
    merged: dict[int, Item] = {}
    for item in basket:
        if item.quantity < 1:
            raise ValueError(f"{item.sku}: a basket holds at least one piece of a product, not {item.quantity}")
        known = merged.get(item.product_id)
        quantity = item.quantity + (known.quantity if known else 0)
        merged[item.product_id] = Item(item.product_id, item.sku, item.tax_class, quantity)
    return sorted(merged.values(), key=lambda item: (item.sku, item.product_id))


def _price_all(items: Sequence[Item], lists: Sequence[ListTerms], ruleset: Ruleset, at: datetime) -> list[_Priced]:
    rates = {rate.tax_class: rate.basis_points for rate in ruleset.rates if _holds(rate, at)}
    priced, without_price, without_rate = [], [], []
    for item in items:
        chosen, parts, candidates = _choose(item, lists, ruleset.prices.get(item.product_id, ()), at)
        basis_points = rates.get(item.tax_class)
        if chosen is None:
            without_price.append(item)
        elif basis_points is None:
            without_rate.append(item)
        else:
            priced.append(_Priced(item, chosen, parts, candidates, basis_points))
    if without_price:
        raise _no_price(without_price, ruleset, at)
    if without_rate:
        raise _no_rate(without_rate, ruleset, at)
    return priced


def _holds(terms: PriceTerms | RateTerms, at: datetime) -> bool:
    """Whether terms are valid at an instant: from the first instant on, up to but not including the last."""
    return (terms.valid_from is None or terms.valid_from <= at) and (
        terms.valid_until is None or at < terms.valid_until
    )


def _choose(
    item: Item, lists: Sequence[ListTerms], entries: Sequence[PriceTerms], at: datetime
) -> tuple[ListTerms | None, tuple[tiers.Part, ...], tuple[Candidate, ...]]:
    """Return the best list that has a price for this quantity, and what became of the others. `lists` come best first."""
    chosen: ListTerms | None = None
    chosen_parts: tuple[tiers.Part, ...] = ()
    candidates = []
    for terms in lists:
        offered = [entry for entry in entries if entry.list_id == terms.id]
        if not offered:
            continue
        valid = [tiers.Tier(entry.min_quantity, entry.amount_minor) for entry in offered if _holds(entry, at)]
        parts = tiers.parts(valid, item.quantity, terms.tier_mode)
        if not valid:
            verdict = Verdict.NOT_VALID_THEN
        elif not parts:
            verdict = Verdict.QUANTITY_TOO_SMALL
        elif chosen is None:
            chosen, chosen_parts, verdict = terms, parts, Verdict.CHOSEN
        elif terms.specificity != chosen.specificity:
            verdict = Verdict.LESS_SPECIFIC
        elif terms.priority != chosen.priority:
            verdict = Verdict.LOWER_PRIORITY
        else:
            verdict = Verdict.LATER_LIST
        total = sum(part.total_minor for part in parts) if parts else None
        candidates.append(Candidate(terms.code, total, verdict.value))
    return chosen, chosen_parts, tuple(candidates)


def _finished(line: _Priced, currency: str, cuts: Sequence[Step], amount_minor: int, tax_minor: int) -> QuotedLine:
    reference = f"price_list:{line.chosen.code}"
    steps = [
        Step(
            StepKind.PRICE.value, part.total_minor, f"{part.quantity} × {Money(part.amount_minor, currency)}", reference
        )
        for part in line.parts
    ]
    steps.extend(cuts)
    total = amount_minor
    if line.chosen.basis is PriceBasis.NET:
        total += tax_minor
        steps.append(Step(StepKind.TAX.value, tax_minor, "VAT on a net price", f"tax_class:{line.item.tax_class}"))
    return QuotedLine(
        product_id=line.item.product_id,
        sku=line.item.sku,
        quantity=line.item.quantity,
        basis=line.chosen.basis.value,
        unit_price_minor=rounding.half_up(line.amount_minor, line.item.quantity),
        total_minor=total,
        tax_minor=tax_minor,
        tax_basis_points=line.basis_points,
        steps=tuple(steps),
        candidates=line.candidates,
    )


def _no_price(items: Sequence[Item], ruleset: Ruleset, at: datetime) -> NoPrice:
    skus = [item.sku for item in items]
    way_out = "Give it a price on a list of this channel, or take it out of the basket."
    return NoPrice(
        f"There is no {ruleset.currency} price for {', '.join(skus)} on this channel. {way_out}",
        errors=[{"field": "lines", "value": sku, "message": f"{sku} has no price here. {way_out}"} for sku in skus],
        skus=skus,
        currency=ruleset.currency,
        country=ruleset.country,
        at=at.isoformat(),
    )


def _no_rate(items: Sequence[Item], ruleset: Ruleset, at: datetime) -> NoTaxRate:
    classes = sorted({item.tax_class for item in items})
    return NoTaxRate(
        f"{ruleset.country} has no VAT rate for tax class {', '.join(classes)} at that time; set one first.",
        errors=[
            {"field": "lines", "value": item.sku, "message": f"No VAT rate for tax class {item.tax_class}."}
            for item in items
        ],
        country=ruleset.country,
        tax_classes=classes,
        at=at.isoformat(),
    )
