"""The price of a basket, as a pure function that explains itself. [pure]

`quote(basket, ruleset, at)` chooses a price per product, applies promotions, computes VAT, and leaves every amount as a
step, so that steps always sum to the total. The same basket under the same ruleset at the same instant gives the same
bytes, in whatever order the basket was filled: lines are numbered by SKU, what is given back comes after what is bought.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from commerce.money import Money
from pricing import listing, rounding, tiers, told, unpriced, vat
from pricing.errors import OverrideNotAllowed
from pricing.listing import Item, ListTerms, Override, PriceTerms, RateTerms
from pricing.promotions import basket as baskets
from pricing.promotions import engine, guards
from pricing.promotions.basket import Line, StockFacts
from pricing.promotions.effects import Allowance, Candidate, Effect
from pricing.promotions.index import NOBODY, Index, Situation
from pricing.promotions.terms import Content as Promotions
from pricing.quoted import (
    Buyer,
    Quote,
    QuotedLine,
    Step,
    canonical,
    from_document,
)
from pricing.rounding import Rounding
from pricing.terms import PriceBasis, PricePolicy, StepKind, TaxRounding, TierMode

__all__ = [
    "BasketLine", "ChannelTerms", "Facts", "Item", "ListTerms", "PriceTerms", "Quote", "QuotedLine", "RateTerms", "Ruleset",
    "Situation", "Step", "canonical", "from_document", "quote",
]  # fmt: skip

PRICE, DISCOUNT, OVERRIDE, TAX, ROUNDING = (
    StepKind.PRICE.value, StepKind.DISCOUNT.value, StepKind.OVERRIDE.value, StepKind.TAX.value, StepKind.ROUNDING.value,
)  # fmt: skip
BASES = {basis: basis.value for basis in PriceBasis}
AMOUNTS_KEPT = 65_536  # in words, as they stand in steps
NO_PROMOTIONS = Index(Promotions())
RETURNED = ListTerms(0, "", PriceBasis.GROSS, TierMode.ALL_UNITS)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many pieces of a product; a negative number is given back, for `paid_minor` in all where that is known."""

    product_id: int
    quantity: int
    paid_minor: int | None = None
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class ChannelTerms:
    """What of a channel decides its prices."""

    channel_id: int
    currency: str
    country: str


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that decides prices for one channel, currency and country, at one version.

    `prices` holds the entries of the products at hand; `promotions` those of the version that is in force.
    """

    version: str
    channel_id: int
    currency: str
    country: str
    lists: tuple[ListTerms, ...]
    rates: tuple[RateTerms, ...]
    prices: Mapping[int, tuple[PriceTerms, ...]] = field(default_factory=dict)
    promotions: Index = NO_PROMOTIONS
    rounding: Rounding = field(default_factory=lambda: Rounding("EUR"))
    tax_rounding: TaxRounding = TaxRounding.PER_LINE
    policy: PricePolicy = PricePolicy.MOST_SPECIFIC
    has_floors: bool = False  # margins or fees are set besides those of the version


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of products at that moment: the cost of a piece (net, landed), and stock. What is missing is unknown.

    `margins` are minimum margins of products, `fee_basis_points` what the channel keeps, where they are other than the
    version of the rules says.
    """

    costs: Mapping[int, int] = field(default_factory=dict)
    stock: Mapping[int, StockFacts] = field(default_factory=dict)
    margins: Mapping[int, int] = field(default_factory=dict)
    fee_basis_points: int | None = None


NOTHING_KNOWN = Facts()


@dataclass(frozen=True, slots=True)
class _Priced:
    """A line with its chosen price, before discounts and tax."""

    item: Item
    chosen: ListTerms
    parts: tuple[tiers.Part, ...]
    candidates: tuple[listing.Candidate, ...]
    basis_points: int
    amount_minor: int
    listed_minor: int  # before a price that was set by hand

    @property
    def is_net(self) -> bool:
        return self.chosen.basis is PriceBasis.NET


# Prior price, saving in basis points, and why none is named, of a product that is announced as reduced.
Prior = tuple[int | None, int | None, str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A basket at list price, with the promotions that hold for it; what is given back comes after what is bought."""

    ruleset: Ruleset
    at: datetime
    situation: Situation
    priced: tuple[_Priced, ...]
    lines: tuple[Line, ...]
    candidates: tuple[Candidate, ...]
    priors: Mapping[int, Prior] = field(default_factory=dict)
    buyer: Buyer | None = None

    @property
    def limited(self) -> tuple[Candidate, ...]:
        """The promotions of which there is only so much."""
        return tuple(one for one in self.candidates if one.promotion.limits.is_limited)


@dataclass(frozen=True, slots=True)
class Finished:
    """A quote, and what its promotions gave, for whoever counts that."""

    quote: Quote
    effects: Sequence[Effect]


def quote(
    basket: Iterable[Item],
    ruleset: Ruleset,
    at: datetime,
    *,
    situation: Situation = NOBODY,
    contract: str = "",
    facts: Facts = NOTHING_KNOWN,
) -> Quote:
    """Price a basket under a ruleset at an instant; several lines of one product count as one.

    Raises: NoPrice, NoTaxRate (naming every product concerned), OverrideNotAllowed.
    """
    prepared = prepare(basket, ruleset, at, situation=situation, contract=contract, facts=facts)
    return finish(prepared, situation.allowances).quote


def prepare(
    basket: Iterable[Item],
    ruleset: Ruleset,
    at: datetime,
    *,
    situation: Situation = NOBODY,
    contract: str = "",
    facts: Facts = NOTHING_KNOWN,
) -> Prepared:
    """Price a basket by lists, and find the promotions that hold for it. Raises: what `quote` raises."""
    items = _canonical_items(basket)
    lists = listing.in_order(ruleset.lists, customer_group=situation.customer_group, contract=contract)
    priced = _price_all(items, lists, ruleset, at)
    lines = tuple(_line(line, ruleset, facts) for line in priced if line.item.quantity > 0)
    candidates = ruleset.promotions.candidates(lines, situation, at)
    return Prepared(ruleset, at, situation, tuple(priced), lines, tuple(candidates))


def finish(prepared: Prepared, allowances: Mapping[str, Allowance]) -> Finished:
    """Apply the promotions of a prepared basket, as far as their limits allow, and compute VAT."""
    ruleset, priced, situation = prepared.ruleset, prepared.priced, prepared.situation
    candidates: Sequence[Candidate] = prepared.candidates
    if allowances:
        candidates = [
            replace(one, allowance=allowances[one.promotion.id]) if one.promotion.id in allowances else one
            for one in candidates
        ]

    def nearby() -> Sequence[Candidate]:
        return ruleset.promotions.nearby(prepared.lines, situation, prepared.at, candidates)

    outcome = engine.apply(prepared.lines, ruleset.promotions, candidates, nearby=nearby)
    given_back = priced[len(prepared.lines) :]
    amounts = [*outcome.amounts, *(line.amount_minor for line in given_back)]
    cuts: list[list[Step]] = [[] for _ in priced]
    for effect in outcome.effects:
        reason, reference = effect.promotion.name, effect.promotion.reference
        for position, minor in effect.cuts.items():  # each line has one step of a promotion, in whatever order of lines
            forfeited, why = effect.forfeits.get(position, (0, "")) if effect.forfeits else (0, "")
            cuts[position].append(
                Step(
                    kind=DISCOUNT, amount_minor=-minor, reason=reason, reference=reference, forfeited_minor=forfeited,
                    forfeit_reason=why,
                )
            )  # fmt: skip
        for position, (forfeited, why) in effect.forfeits.items():
            if position not in effect.cuts:
                cuts[position].append(
                    Step(
                        kind=DISCOUNT, amount_minor=0, reason=reason, reference=reference, forfeited_minor=forfeited,
                        forfeit_reason=why,
                    )
                )  # fmt: skip
    taxables = [
        vat.Taxable(amount, line.chosen.basis, line.basis_points) for amount, line in zip(amounts, priced, strict=True)
    ]
    taxes = vat.per_line(taxables, ruleset.tax_rounding)
    pieces = [*outcome.pieces, *(() for _ in given_back)]
    finished = tuple(
        _finished(line, ruleset.currency, steps, amount, tax, runs, prepared.priors)
        for line, steps, amount, tax, runs in zip(priced, cuts, amounts, taxes, pieces, strict=True)
    )
    exact = sum(line.total_minor for line in finished)
    total = rounding.to_step(exact, ruleset.rounding.cash_step_minor)
    coins: tuple[Step, ...] = ()
    if total != exact:
        reference = f"cash:{ruleset.currency}"
        coins = (Step(kind=ROUNDING, amount_minor=total - exact, reason="to the nearest coin", reference=reference),)
    made = Quote(
        channel_id=ruleset.channel_id,
        currency=ruleset.currency,
        country=ruleset.country,
        at=prepared.at,
        buyer=prepared.buyer,
        ruleset_version=ruleset.version,
        lines=finished,
        steps=coins,
        total_minor=total,
        tax_minor=sum(taxes),
        taxes=vat.summary(taxables, taxes),
        rounding=ruleset.rounding.mode,
        tax_rounding=ruleset.tax_rounding.value,
        promotions=told.promotions(outcome, ruleset.promotions),
        near=told.near(outcome),
        offers=told.offers(outcome),
        coupons=told.coupons(situation, outcome, ruleset.promotions),
        has_free_shipping=told.has_free_shipping(outcome),
        is_limited=any(one.given_minor and one.promotion.limits.is_limited for one in outcome.effects),
        is_approximate=outcome.is_approximate,
    )
    return Finished(made, outcome.effects)


def _canonical_items(basket: Iterable[Item]) -> list[Item]:
    merged: dict[tuple[bool, int], Item] = {}
    for item in basket:
        if item.quantity == 0:
            raise ValueError(f"{item.sku}: a line has at least one piece, or gives one back; not {item.quantity}")
        key = (item.quantity < 0, item.product_id)
        known = merged.get(key)
        if known is not None:
            if item.override != known.override:
                raise ValueError(f"{item.sku}: its pieces have one price; put them on one line")
            paid = None
            if item.paid_minor is not None and known.paid_minor is not None:
                paid = item.paid_minor + known.paid_minor
            elif item.paid_minor is not None or known.paid_minor is not None:
                raise ValueError(
                    f"{item.sku}: say of all pieces that are given back what was paid for them, or of none"
                )
            item = Item(
                item.product_id, item.sku, item.tax_class, item.quantity + known.quantity, item.category, item.is_charge,
                item.family, item.content, paid, item.override,
            )  # fmt: skip
        merged[key] = item
    return [item for _key, item in sorted(merged.items(), key=lambda one: (one[0][0], one[1].sku, one[1].product_id))]


def _price_all(items: Sequence[Item], lists: Sequence[ListTerms], ruleset: Ruleset, at: datetime) -> list[_Priced]:
    rates = {rate.tax_class: rate.basis_points for rate in ruleset.rates if listing.holds(rate, at)}
    families = listing.families(items) if any(terms.counts_family for terms in lists) else {}
    priced, without_price, without_rate = [], [], []
    for position, item in enumerate(items):
        basis_points = rates.get(item.tax_class)
        if item.paid_minor is not None:
            if basis_points is None:
                without_rate.append(item)
            else:
                priced.append(_Priced(item, RETURNED, (), (), basis_points, -item.paid_minor, -item.paid_minor))
            continue
        choice = listing.choose(
            item,
            lists,
            ruleset.prices.get(item.product_id, ()),
            at,
            policy=ruleset.policy,
            tax_basis_points=basis_points or 0,
            family=families.get(position),
        )
        if choice.chosen is None:
            without_price.append(item)
        elif basis_points is None:
            without_rate.append(item)
        else:
            amount = sum(part.total_minor for part in choice.parts)
            listed = amount = amount if item.quantity > 0 else -amount
            if item.override is not None and item.quantity > 0:
                amount = _set_by_hand(item, item.override, listed, ruleset)
            priced.append(_Priced(item, choice.chosen, choice.parts, choice.candidates, basis_points, amount, listed))
    if without_price:
        raise unpriced.no_price(without_price, currency=ruleset.currency, country=ruleset.country, at=at)
    if without_rate:
        raise unpriced.no_rate(without_rate, country=ruleset.country, at=at)
    return priced


def _set_by_hand(item: Item, override: listing.Override, listed_minor: int, ruleset: Ruleset) -> int:
    """Return what a line costs at a price set by hand. Raises: OverrideNotAllowed without a reason, or too deep."""
    amount = override.unit_minor * item.quantity
    most = ruleset.promotions.stacking.override_basis_points
    least = listed_minor - rounding.percentage(listed_minor, most)
    name = item.sku
    if not override.reason.strip():
        message = f"{name}: say why the price is set by hand."
        raise OverrideNotAllowed(
            message, errors=[{"field": "lines", "value": name, "message": message}], sku=name, limit_minor=least
        )
    if amount < least:
        message = (
            f"{name}: the rules allow {most / 100:g} % below the list, so at least {least} for this line; raise it."
        )
        raise OverrideNotAllowed(
            message,
            errors=[{"field": "lines", "value": override.unit_minor, "message": message}],
            sku=name,
            limit_minor=least,
        )
    return amount


def _line(priced: _Priced, ruleset: Ruleset, facts: Facts) -> Line:
    """Return a line as promotions see it."""
    item, stacking = priced.item, ruleset.promotions.stacking
    floor = None
    margin = facts.margins.get(item.product_id, stacking.minimum_margin_basis_points)
    if margin is not None and item.product_id in facts.costs:
        floor = guards.floor_minor(
            facts.costs[item.product_id],
            item.quantity,
            tax_basis_points=priced.basis_points,
            is_net=priced.is_net,
            margin_basis_points=margin,
            fee_basis_points=stacking.channel_fee_basis_points
            if facts.fee_basis_points is None
            else facts.fee_basis_points,
        )
        if floor is None:
            floor = priced.amount_minor  # no price is enough, so nothing is given away
    return Line(
        product_id=item.product_id,
        sku=item.sku,
        category=item.category,
        amount_minor=priced.amount_minor,
        runs=((item.quantity, item.override.unit_minor),)
        if item.override is not None
        else tuple((part.quantity, part.amount_minor) for part in priced.parts),
        quantity=item.quantity,
        weight=rounding.BASIS_POINTS + (priced.basis_points if priced.is_net else 0),
        is_charge=item.is_charge,
        is_fixed=item.override is not None,
        floor_minor=floor,
        stock=facts.stock.get(item.product_id),
    )


def _finished(
    line: _Priced,
    currency: str,
    cuts: Sequence[Step],
    amount_minor: int,
    tax_minor: int,
    pieces: baskets.Runs,
    priors: Mapping[int, Prior],
) -> QuotedLine:
    item = line.item
    steps = _price_steps(line, currency)
    if line.amount_minor != line.listed_minor and item.override is not None:
        minor = line.amount_minor - line.listed_minor
        steps.append(Step(kind=OVERRIDE, amount_minor=minor, reason=item.override.reason, reference="override"))
    steps.extend(cuts)
    total = amount_minor
    if line.is_net:
        total += tax_minor
        pieces = baskets.after_adding(pieces, tax_minor)
        reference = f"tax_class:{item.tax_class}"
        steps.append(Step(kind=TAX, amount_minor=tax_minor, reason="VAT on a net price", reference=reference))
    unit_price = listing.unit_price(total, item.quantity, item.content) if item.content is not None else None
    prior = priors.get(item.product_id) if item.quantity > 0 else None
    return QuotedLine(
        product_id=item.product_id,
        sku=item.sku,
        quantity=item.quantity,
        basis=BASES[line.chosen.basis],
        unit_price_minor=rounding.half_up(line.listed_minor * (1 if item.quantity > 0 else -1), abs(item.quantity)),
        total_minor=total,
        tax_minor=tax_minor,
        tax_basis_points=line.basis_points,
        steps=tuple(steps),
        candidates=line.candidates,
        pieces=pieces,
        reference_price_minor=unit_price[0] if unit_price else None,
        reference_amount=unit_price[1] if unit_price else "",
        prior_price_minor=prior[0] if prior else None,
        savings_basis_points=prior[1] if prior else None,
        prior_price_exemption=prior[2] if prior else "",
    )


def _price_steps(line: _Priced, currency: str) -> list[Step]:
    if not line.parts:
        reason = "given back for what was paid"
        return [Step(kind=PRICE, amount_minor=line.amount_minor, reason=reason, reference="returned")]
    sign, reference = 1 if line.item.quantity > 0 else -1, f"price_list:{line.chosen.code}"
    return [
        Step(
            kind=PRICE, amount_minor=sign * part.quantity * part.amount_minor,
            reason=f"{sign * part.quantity} × {_in_words(part.amount_minor, currency)}", reference=reference,
        )
        for part in line.parts
    ]  # fmt: skip


@lru_cache(maxsize=AMOUNTS_KEPT)
def _in_words(amount_minor: int, currency: str) -> str:
    return str(Money(amount_minor, currency))
