"""The price of a basket, as a pure function that explains itself. [pure]

`quote(basket, ruleset, at)` chooses a price per product, applies promotions, computes VAT, and leaves every amount as a
step, so that steps always sum to the total. The same basket under the same ruleset at the same instant gives the same
bytes, in whatever order the basket was filled: lines are numbered by SKU, what is given back comes after what is bought.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from commerce.money import Money
from pricing import listing, rounding, tiers, vat
from pricing.errors import NoPrice, NoTaxRate
from pricing.listing import Item, ListTerms, PriceTerms, RateTerms
from pricing.promotions import basket as baskets
from pricing.promotions import engine, guards
from pricing.promotions.basket import Line, StockFacts
from pricing.promotions.index import NOBODY, Index, Situation
from pricing.promotions.terms import Content as Promotions
from pricing.promotions.terms import FreeShipping
from pricing.quoted import (
    Coupon,
    NearPromotion,
    Offer,
    PromotionStep,
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

NO_PROMOTIONS = Index(Promotions())
RETURNED = ListTerms(0, "", PriceBasis.GROSS, TierMode.ALL_UNITS)


@dataclass(frozen=True, slots=True)
class BasketLine:
    """So many pieces of a product; a negative number is given back, for `paid_minor` in all where that is known."""

    product_id: int
    quantity: int
    paid_minor: int | None = None


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


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of products at that moment: the cost of a piece (net, landed), and stock. What is missing is unknown."""

    costs: Mapping[int, int] = field(default_factory=dict)
    stock: Mapping[int, StockFacts] = field(default_factory=dict)


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

    @property
    def is_net(self) -> bool:
        return self.chosen.basis is PriceBasis.NET


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

    Raises: NoPrice, NoTaxRate (naming every product concerned).
    """
    items = _canonical_items(basket)
    lists = listing.in_order(ruleset.lists, customer_group=situation.customer_group, contract=contract)
    priced = _price_all(items, lists, ruleset, at)
    sold = [line for line in priced if line.item.quantity > 0]
    lines = [_line(line, ruleset, facts) for line in sold]
    outcome = engine.apply(lines, ruleset.promotions, at, situation)
    amounts = [*outcome.amounts, *(line.amount_minor for line in priced[len(sold) :])]
    cuts: list[list[Step]] = [[] for _ in priced]
    for effect in outcome.effects:
        promotion = effect.promotion
        for position in sorted({*effect.cuts, *effect.forfeits}):
            forfeited, why = effect.forfeits.get(position, (0, ""))
            minor = effect.cuts.get(position, 0)
            cuts[position].append(
                Step(StepKind.DISCOUNT.value, -minor, promotion.name, promotion.reference, forfeited, why)
            )
    taxables = [
        vat.Taxable(amount, line.chosen.basis, line.basis_points) for amount, line in zip(amounts, priced, strict=True)
    ]
    taxes = vat.per_line(taxables, ruleset.tax_rounding)
    pieces = [*outcome.pieces, *(() for _ in priced[len(sold) :])]
    finished = tuple(
        _finished(line, ruleset.currency, steps, amount, tax, runs)
        for line, steps, amount, tax, runs in zip(priced, cuts, amounts, taxes, pieces, strict=True)
    )
    exact = sum(line.total_minor for line in finished)
    total = rounding.to_step(exact, ruleset.rounding.cash_step_minor)
    coin = Step(StepKind.ROUNDING.value, total - exact, "to the nearest coin", f"cash:{ruleset.currency}")
    return Quote(
        channel_id=ruleset.channel_id,
        currency=ruleset.currency,
        country=ruleset.country,
        at=at,
        ruleset_version=ruleset.version,
        lines=finished,
        steps=(coin,) if coin.amount_minor else (),
        total_minor=total,
        tax_minor=sum(taxes),
        taxes=vat.summary(taxables, taxes),
        rounding=ruleset.rounding.mode,
        tax_rounding=ruleset.tax_rounding.value,
        promotions=_told(outcome, ruleset.promotions),
        near=tuple(
            NearPromotion(
                one.promotion_id, one.name, one.missing_minor, one.missing_quantity, one.products, one.categories
            )
            for one in outcome.near
        ),
        offers=tuple(Offer(one.promotion_id, one.sku, one.quantity) for one in outcome.offers),
        coupons=_coupons(situation, outcome, ruleset.promotions),
        has_free_shipping=_has_free_shipping(outcome),
        is_approximate=outcome.is_approximate,
    )


def _canonical_items(basket: Iterable[Item]) -> list[Item]:
    merged: dict[tuple[bool, int], Item] = {}
    for item in basket:
        if item.quantity == 0:
            raise ValueError(f"{item.sku}: a line has at least one piece, or gives one back; not {item.quantity}")
        key = (item.quantity < 0, item.product_id)
        known = merged.get(key)
        if known is not None:
            paid = None
            if item.paid_minor is not None and known.paid_minor is not None:
                paid = item.paid_minor + known.paid_minor
            elif item.paid_minor is not None or known.paid_minor is not None:
                raise ValueError(
                    f"{item.sku}: say of all pieces that are given back what was paid for them, or of none"
                )
            item = Item(
                item.product_id, item.sku, item.tax_class, item.quantity + known.quantity, item.category, item.is_charge,
                item.family, item.content, paid,
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
                priced.append(_Priced(item, RETURNED, (), (), basis_points, -item.paid_minor))
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
            amount = amount if item.quantity > 0 else -amount
            priced.append(_Priced(item, choice.chosen, choice.parts, choice.candidates, basis_points, amount))
    if without_price:
        raise _no_price(without_price, ruleset, at)
    if without_rate:
        raise _no_rate(without_rate, ruleset, at)
    return priced


def _line(priced: _Priced, ruleset: Ruleset, facts: Facts) -> Line:
    """Return a line as promotions see it."""
    item, stacking = priced.item, ruleset.promotions.stacking
    floor = None
    if stacking.minimum_margin_basis_points is not None and item.product_id in facts.costs:
        floor = guards.floor_minor(
            facts.costs[item.product_id],
            item.quantity,
            tax_basis_points=priced.basis_points,
            is_net=priced.is_net,
            margin_basis_points=stacking.minimum_margin_basis_points,
            fee_basis_points=stacking.channel_fee_basis_points,
        )
        if floor is None:
            floor = priced.amount_minor  # no price is enough, so nothing is given away
    return Line(
        product_id=item.product_id,
        sku=item.sku,
        category=item.category,
        amount_minor=priced.amount_minor,
        runs=tuple((part.quantity, part.amount_minor) for part in priced.parts),
        quantity=item.quantity,
        weight=rounding.BASIS_POINTS + (priced.basis_points if priced.is_net else 0),
        is_charge=item.is_charge,
        floor_minor=floor,
        stock=facts.stock.get(item.product_id),
    )


def _finished(
    line: _Priced, currency: str, cuts: Sequence[Step], amount_minor: int, tax_minor: int, pieces: baskets.Runs
) -> QuotedLine:
    item = line.item
    steps = _price_steps(line, currency)
    steps.extend(cuts)
    total = amount_minor
    if line.is_net:
        total += tax_minor
        pieces = baskets.after_adding(pieces, tax_minor)
        steps.append(Step(StepKind.TAX.value, tax_minor, "VAT on a net price", f"tax_class:{item.tax_class}"))
    unit_price = listing.unit_price(total, item.quantity, item.content)
    return QuotedLine(
        product_id=item.product_id,
        sku=item.sku,
        quantity=item.quantity,
        basis=line.chosen.basis.value,
        unit_price_minor=rounding.half_up(line.amount_minor * (1 if item.quantity > 0 else -1), abs(item.quantity)),
        total_minor=total,
        tax_minor=tax_minor,
        tax_basis_points=line.basis_points,
        steps=tuple(steps),
        candidates=line.candidates,
        pieces=pieces,
        reference_price_minor=unit_price[0] if unit_price else None,
        reference_amount=unit_price[1] if unit_price else "",
    )


def _price_steps(line: _Priced, currency: str) -> list[Step]:
    kind, sign = StepKind.PRICE.value, 1 if line.item.quantity > 0 else -1
    if not line.parts:
        return [Step(kind, line.amount_minor, "given back for what was paid", "returned")]
    reference = f"price_list:{line.chosen.code}"
    return [
        Step(
            kind,
            sign * part.total_minor,
            f"{sign * part.quantity} × {Money(part.amount_minor, currency)}",
            reference,
        )
        for part in line.parts
    ]


def _told(outcome: engine.Outcome, index: Index) -> tuple[PromotionStep, ...]:
    """Return what was applied, in order, then what could have given something, in the order of the rules."""
    told = [
        PromotionStep(
            promotion=effect.promotion.id,
            name=effect.promotion.name,
            verdict=engine.APPLIED,
            discount_minor=effect.given_minor,
            forfeited_minor=effect.forfeited_minor,
            forfeit_reason=next((why for _minor, why in effect.forfeits.values()), ""),
            sets=effect.sets,
            coupon=effect.candidate.code,
        )
        for effect in outcome.effects
    ]
    names = {one.promotion.id: one for one in outcome.candidates}
    for one in sorted(outcome.considered, key=lambda one: (index.place_of(one.promotion_id), one.verdict)):
        candidate = names[one.promotion_id]
        told.append(
            PromotionStep(
                promotion=one.promotion_id,
                name=candidate.promotion.name,
                verdict=one.verdict,
                discount_minor=0,
                forfeited_minor=one.minor,
                forfeit_reason=one.verdict,
                sets=0,
                coupon=candidate.code,
                by=one.by,
            )
        )
    return tuple(told)


def _coupons(situation: Situation, outcome: engine.Outcome, index: Index) -> tuple[Coupon, ...]:
    """Say of each code that was given what came of it."""
    if not situation.codes:
        return ()
    verdicts: dict[str, list[tuple[str, str]]] = {}
    applied = {effect.promotion.id for effect in outcome.effects if effect.cuts}
    heard = {one.promotion_id: one.verdict for one in outcome.considered}
    candidates = {one.promotion.id for one in outcome.candidates}
    unlocked = index.unlocked(situation.codes, situation.batches)
    for place, code in sorted(unlocked.items()):
        name = index.promotions[place].id
        if name in applied:
            verdict = engine.APPLIED
        elif name in candidates:
            verdict = heard.get(name, engine.NO_EFFECT)
        else:
            verdict = "not_now"  # another buyer, another time, or none of its goods
        verdicts.setdefault(code, []).append((verdict, name))
    found = []
    for code in situation.codes:
        of_code = verdicts.get(code, [("unknown", "")])
        best = next((one for one in of_code if one[0] == engine.APPLIED), of_code[0])
        found.append(Coupon(code, best[0], best[1]))
    return tuple(found)


def _has_free_shipping(outcome: engine.Outcome) -> bool:
    """Whether the basket has earned free shipping, for channels that work out their charges themselves."""
    lacking = {one.promotion_id for one in outcome.near} | {one.promotion_id for one in outcome.considered}
    return any(
        isinstance(one.promotion.benefit, FreeShipping)
        and one.promotion.id not in lacking
        and one.allowance.has_uses
        and outcome.reaches(one)
        for one in outcome.candidates
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
