"""What one promotion would take off a basket as it stands. [pure]"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pricing import discounts, rounding
from pricing.promotions import sets
from pricing.promotions.basket import Basket
from pricing.promotions.terms import (
    AmountOff,
    Base,
    Bundle,
    BuyGet,
    FixedPrice,
    FreeShipping,
    Gift,
    Grant,
    Level,
    Measure,
    Minimum,
    PercentOff,
    Policy,
    Promotion,
    Tier,
    Tiered,
)

# Why less was granted than the benefit says.
PROMOTION_CAP, BUDGET, MARGIN_FLOOR, BASKET_CAP = "promotion_cap", "budget", "margin_floor", "basket_cap"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a promotion's limits for this basket; None is no limit."""

    budget_minor: int | None = None
    has_uses: bool = True


@dataclass(slots=True, eq=False)
class Candidate:
    """A promotion that holds here and now, with the lines that its goods, parts and thresholds mean.

    Nobody changes one; it is not frozen because every basket makes dozens, and frozen ones cost four times as much.
    """

    promotion: Promotion
    positions: tuple[int, ...]
    parts: tuple[tuple[int, ...], ...] = ()  # of a bundle, or what a "buy X get Y" rewards besides
    minimum: tuple[int, ...] = ()
    code: str = ""  # the coupon that unlocked it
    allowance: Allowance = Allowance()

    @property
    def reads(self) -> set[int]:
        """The lines whose amounts it depends on."""
        return {*self.positions, *self.minimum, *(one for part in self.parts for one in part)}


@dataclass(slots=True, eq=False)
class Effect:
    """What a promotion takes off lines, by position; `forfeits` is what it would have taken more, by line and reason."""

    candidate: Candidate
    cuts: dict[int, int]
    taken: dict[int, int] = field(default_factory=dict)
    sets: int = 1
    forfeits: dict[int, tuple[int, str]] = field(default_factory=dict)
    is_approximate: bool = False

    @property
    def promotion(self) -> Promotion:
        return self.candidate.promotion

    @property
    def given_minor(self) -> int:
        return sum(self.cuts.values())

    @property
    def forfeited_minor(self) -> int:
        return sum(minor for minor, _reason in self.forfeits.values())

    def worth(self, basket: Basket) -> int:
        """Return what it takes off what is paid, weighted so that net and gross lines compare."""
        return basket.worth(self.cuts)

    def reduce(self, kept: Mapping[int, int], reason: str) -> None:
        """Leave only `kept` of the cuts; what goes is forfeited for a reason (the last one stays)."""
        for position, minor in self.cuts.items():
            gone = minor - kept.get(position, 0)
            if gone:
                self.forfeits[position] = (self.forfeits.get(position, (0, ""))[0] + gone, reason)
        self.cuts = {position: minor for position, minor in kept.items() if minor}

    def copy(self) -> Effect:
        """Return an effect that can be reduced on its own."""
        return Effect(self.candidate, dict(self.cuts), self.taken, self.sets, dict(self.forfeits), self.is_approximate)


def of(candidate: Candidate, basket: Basket) -> Effect | None:
    """Return what a promotion takes off a basket now, within its own cap and limits, or None for nothing.

    Whether the basket reaches the promotion's minimum is asked for here: earlier discounts may have taken it below.
    """
    if not reaches(candidate, basket):
        return None
    benefit = candidate.promotion.benefit
    if isinstance(benefit, PercentOff):
        effect = _percent(candidate, benefit.basis_points, benefit.level, basket)
    elif isinstance(benefit, AmountOff):
        effect = _amount(candidate, benefit.amount_minor, benefit.level, basket)
    elif isinstance(benefit, FixedPrice):
        effect = _fixed_price(candidate, benefit, basket)
    elif isinstance(benefit, Tiered):
        effect = _tiered(candidate, benefit, basket)
    elif isinstance(benefit, BuyGet):
        rewarded = None if benefit.rewarded is None else candidate.parts[0]
        effect = _of_sets(candidate, sets.buy_get(benefit, basket, candidate.positions, rewarded))
    elif isinstance(benefit, Bundle):
        effect = _of_sets(candidate, sets.bundles([sets.Wanted(benefit, candidate.parts)], basket)[0])
    elif isinstance(benefit, Gift):
        effect = _gift(candidate, benefit, basket)
    else:
        effect = _free_shipping(candidate, benefit, basket)
    return limited(effect, basket) if effect is not None else None


def of_bundles(candidates: Sequence[Candidate], basket: Basket) -> list[Effect | None]:
    """Do as `of` for bundles that share the pieces of a basket for the best total."""
    able = [one for one in candidates if reaches(one, basket)]
    wanted = [sets.Wanted(one.promotion.benefit, one.parts) for one in able]  # type: ignore[arg-type]
    found = dict(zip(able, sets.bundles(wanted, basket), strict=True)) if able else {}
    effects = []
    for one in candidates:
        effect = _of_sets(one, found[one]) if one in found else None
        effects.append(limited(effect, basket) if effect is not None else None)
    return effects


def reaches(candidate: Candidate, basket: Basket) -> bool:
    """Whether a basket holds what a promotion asks for at least."""
    minimum = candidate.promotion.conditions.minimum
    if minimum is None:
        return True
    amount, quantity = held(minimum, candidate.minimum, basket)
    return amount >= minimum.amount_minor and quantity >= minimum.quantity


def held(minimum: Minimum, positions: Sequence[int], basket: Basket) -> tuple[int, int]:
    """Return money and pieces of the goods that a minimum counts."""
    quantity = sum(basket.lines[one].quantity for one in positions) if minimum.quantity else 0
    return _sum(positions, minimum.counted, basket), quantity


def measured(candidate: Candidate, terms: Tiered, basket: Basket) -> int:
    """Return what the tiers of a promotion look at."""
    if terms.measure is Measure.QUANTITY:
        return sum(basket.lines[one].quantity for one in candidate.positions)
    return _sum(candidate.positions, terms.counted, basket)


def _sum(positions: Sequence[int], base: Base, basket: Basket) -> int:
    if base is Base.ORIGINAL:
        return sum(map(basket.original.__getitem__, positions))
    return sum(map(basket.amounts.__getitem__, positions))


def limited(effect: Effect, basket: Basket) -> Effect | None:
    """Return an effect within its promotion's cap and budget, or None where nothing is left of it."""
    promotion, allowance = effect.promotion, effect.candidate.allowance
    if not allowance.has_uses:
        return None
    if promotion.cap_minor is not None:
        _keep(effect, promotion.cap_minor, PROMOTION_CAP, basket)
    budget = allowance.budget_minor
    if budget is not None and budget < effect.given_minor:
        if promotion.limits.grant is Grant.ALL_OR_NOTHING:
            return None
        _keep(effect, budget, BUDGET, basket)
    return effect if effect.cuts else None


def _keep(effect: Effect, most_minor: int, reason: str, basket: Basket) -> None:
    """Leave at most so much of an effect, allocated as it was: what is for the order by what lines cost, else by cuts."""
    if effect.given_minor <= most_minor:
        return
    positions = sorted(effect.cuts)
    is_by_amount = isinstance(effect.promotion.benefit, PercentOff | AmountOff | Tiered)
    weights = [basket.amounts[one] if is_by_amount else effect.cuts[one] for one in positions]
    shares = discounts.allocate(max(0, most_minor), weights)
    if any(share > effect.cuts[one] for one, share in zip(positions, shares, strict=True)):
        shares = discounts.allocate(max(0, most_minor), [effect.cuts[one] for one in positions])
    effect.reduce(dict(zip(positions, shares, strict=True)), reason)


def ceiling(candidate: Candidate, basket: Basket) -> int:
    """Return the most that a promotion can be worth on what may be left of a basket, in weighted units.

    A benefit gives less on less: what it gives now is the most, but for those that may give more on less.
    """
    promotion = candidate.promotion
    benefit, allowance = promotion.benefit, candidate.allowance
    if not allowance.has_uses:
        return 0
    if isinstance(benefit, BuyGet) and (benefit.policy is Policy.CHEAPEST_OVERALL or benefit.rewarded is not None):
        return _whole(candidate, basket)  # its cheapest piece may be used up by another one
    if allowance.budget_minor is not None and promotion.limits.grant is Grant.ALL_OR_NOTHING:
        return min(_whole(candidate, basket), allowance.budget_minor * _heaviest(candidate, basket))
    if isinstance(benefit, Tiered):
        if not reaches(candidate, basket):
            return 0
        value = measured(candidate, benefit, basket)
        best = max((_of_tier(candidate, tier, basket) for tier in benefit.tiers if tier.at_least <= value), default=0)
        return min(best * _heaviest(candidate, basket), _whole(candidate, basket)) if best else 0
    effect = of(candidate, basket)
    if effect is None:
        return 0
    return _whole(candidate, basket) if effect.is_approximate else effect.worth(basket)


def _heaviest(candidate: Candidate, basket: Basket) -> int:
    return basket.weight or max((basket.lines[one].weight for one in candidate.reads), default=0)


def _whole(candidate: Candidate, basket: Basket) -> int:
    """Return what all goods of a promotion cost now, as heavy as the heaviest of them."""
    positions = {*candidate.positions, *(one for part in candidate.parts for one in part)}
    return sum(map(basket.amounts.__getitem__, positions)) * _heaviest(candidate, basket)


def _of_tier(candidate: Candidate, tier: Tier, basket: Basket) -> int:
    if tier.basis_points is None:
        return tier.amount_minor or 0
    return rounding.percentage(_sum(candidate.positions, candidate.promotion.base, basket), tier.basis_points)


# --- benefits -------------------------------------------------------------------------------------------------------


def _shared(candidate: Candidate, minor: int, basket: Basket) -> Effect | None:
    """Return an effect that takes an amount off the goods as a whole, allocated on what their lines cost now."""
    positions = candidate.positions
    amounts = [basket.amounts[one] for one in positions]
    minor = min(minor, sum(amounts))
    if minor <= 0:
        return None
    shares = discounts.allocate(minor, amounts)
    return Effect(candidate, {one: share for one, share in zip(positions, shares, strict=True) if share})


def _on_lines(candidate: Candidate, cuts: Mapping[int, int], basket: Basket) -> Effect | None:
    found = {}
    for position, minor in cuts.items():
        minor = min(minor, basket.amounts[position])
        if minor > 0:
            found[position] = minor
    return Effect(candidate, found) if found else None


def _percent(candidate: Candidate, basis_points: int, level: Level, basket: Basket) -> Effect | None:
    is_original = candidate.promotion.base is Base.ORIGINAL
    if level is Level.ORDER:
        base = _sum(candidate.positions, candidate.promotion.base, basket)
        return _shared(candidate, rounding.percentage(base, basis_points), basket)
    lines, amounts = basket.lines, basket.amounts
    if level is Level.UNIT:  # rounded for each piece
        of_pieces = {
            one: sum(
                count * rounding.percentage(amount, basis_points)
                for count, amount in (lines[one].runs if is_original else basket.runs(one))
            )
            for one in candidate.positions
        }
        return _on_lines(candidate, of_pieces, basket)
    cuts = {}
    for one in candidate.positions:
        now = amounts[one]
        minor = ((lines[one].amount_minor if is_original else now) * basis_points * 2 + 10_000) // 20_000
        if minor > now:
            minor = now
        if minor > 0:
            cuts[one] = minor
    return Effect(candidate, cuts) if cuts else None


def _amount(candidate: Candidate, minor: int, level: Level, basket: Basket) -> Effect | None:
    if level is Level.ORDER:
        return _shared(candidate, minor, basket)
    if level is Level.LINE:
        return _on_lines(candidate, dict.fromkeys(candidate.positions, minor), basket)
    cuts = {one: sum(count * min(minor, amount) for count, amount in basket.runs(one)) for one in candidate.positions}
    return _on_lines(candidate, cuts, basket)


def _fixed_price(candidate: Candidate, terms: FixedPrice, basket: Basket) -> Effect | None:
    cuts = {
        one: sum(count * max(0, amount - terms.amount_minor) for count, amount in basket.runs(one))
        for one in candidate.positions
    }
    return _on_lines(candidate, cuts, basket)


def reached(terms: Tiered, value: int) -> Tier | None:
    """Return the highest tier that a value reaches."""
    return max((tier for tier in terms.tiers if tier.at_least <= value), key=lambda tier: tier.at_least, default=None)


def _tiered(candidate: Candidate, terms: Tiered, basket: Basket) -> Effect | None:
    tier = reached(terms, measured(candidate, terms, basket))
    if tier is None:
        return None
    if tier.basis_points is not None:
        return _percent(candidate, tier.basis_points, Level.ORDER, basket)
    return _shared(candidate, tier.amount_minor or 0, basket)


def _of_sets(candidate: Candidate, found: sets.Found) -> Effect | None:
    if not found.cuts:
        return None
    return Effect(candidate, found.cuts, found.taken, found.sets, is_approximate=found.is_approximate)


def _gift(candidate: Candidate, terms: Gift, basket: Basket) -> Effect | None:
    wanted, cuts, taken = terms.quantity, dict[int, int](), dict[int, int]()
    for pool in reversed(basket.pools(candidate.parts[0])):
        count = min(wanted, pool.pieces)
        if count:
            cuts[pool.position] = cuts.get(pool.position, 0) + count * pool.amount_minor
            taken[pool.position] = taken.get(pool.position, 0) + count
            wanted -= count
    cuts = {position: minor for position, minor in cuts.items() if minor}
    return Effect(candidate, cuts, taken) if cuts else None


def _free_shipping(candidate: Candidate, terms: FreeShipping, basket: Basket) -> Effect | None:
    charges = sum(basket.amounts[one] for one in candidate.positions)
    most = charges if terms.at_most_minor is None else min(charges, terms.at_most_minor)
    return _shared(candidate, most, basket)
