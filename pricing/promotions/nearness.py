"""Which benefit is near: what a basket lacks for the next one, and which gifts it may still take. [pure]"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from pricing.promotions import effects
from pricing.promotions.basket import Basket
from pricing.promotions.effects import Candidate
from pricing.promotions.terms import Bundle, BuyGet, FreeShipping, Gift, Measure, Tiered

MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Near:
    """What is missing for a promotion, or for its next tier: money, pieces, or pieces of the goods named."""

    promotion_id: str
    name: str
    missing_minor: int = 0
    missing_quantity: int = 0
    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """A gift that a promotion gives and that is not in the basket yet."""

    promotion_id: str
    sku: str
    quantity: int


def near(
    candidates: Sequence[Candidate],
    basket: Basket,
    applied: Collection[str],
    nearby: Callable[[], Sequence[Candidate]] = tuple,
) -> list[Near]:
    """Return what promotions that hold for this buyer still lack, the nearest first; then, where there is room, those of
    which the basket holds none of the goods that are meant (`nearby`)."""
    told = _lacks(candidates, basket, applied)
    if len(told) < MOST_TOLD:
        told += _lacks(nearby(), basket, ())
    return told[:MOST_TOLD]


def _lacks(candidates: Sequence[Candidate], basket: Basket, applied: Collection[str]) -> list[Near]:
    found = []
    for one in candidates:
        if one.allowance.has_uses:
            lack = _lack(one, basket, is_applied=one.promotion.id in applied)
            if lack is not None:
                found.append(lack)
    found.sort(key=_nearest)
    return found


def _nearest(lack: Near) -> tuple[bool, int, int, str]:
    return lack.missing_minor == 0, lack.missing_minor, lack.missing_quantity, lack.promotion_id


def offers(candidates: Sequence[Candidate], basket: Basket) -> list[Offer]:
    """Return the gifts that the basket has earned and does not hold."""
    found = []
    for one in candidates:
        benefit = one.promotion.benefit
        if isinstance(benefit, Gift) and one.allowance.has_uses and effects.reaches(one, basket):
            there = sum(basket.lines[position].quantity for position in one.parts[0])
            if there < benefit.quantity:
                found.append(Offer(one.promotion.id, benefit.sku, benefit.quantity - there))
    return found


def _lack(one: Candidate, basket: Basket, *, is_applied: bool) -> Near | None:
    promotion, benefit, minimum = one.promotion, one.promotion.benefit, one.promotion.conditions.minimum
    if minimum is not None and not is_applied:
        money, pieces = _asked_besides(one, basket)
        if (money or pieces) and (one.positions or isinstance(benefit, FreeShipping | Bundle | BuyGet)):
            goods = minimum.goods
            return Near(promotion.id, promotion.name, money, pieces, goods.products, goods.categories)
    if isinstance(benefit, FreeShipping):
        return None
    if not one.positions and not isinstance(benefit, Bundle | BuyGet):
        money, pieces = _asked_besides(one, basket)
        goods = promotion.goods
        return Near(promotion.id, promotion.name, money, max(pieces, 1), goods.products, goods.categories)
    if isinstance(benefit, Tiered):
        value = effects.measured(one, benefit, basket)
        above = min((tier.at_least for tier in benefit.tiers if tier.at_least > value), default=None)
        if above is None:
            return None
        money, pieces = (0, above - value) if benefit.measure is Measure.QUANTITY else (above - value, 0)
        return Near(promotion.id, promotion.name, money, pieces, promotion.goods.products, promotion.goods.categories)
    if is_applied:
        return None
    if isinstance(benefit, BuyGet):
        free = sum(basket.free(position) for position in one.positions)
        if benefit.rewarded is None:
            missing, goods = benefit.buy + benefit.get - free, promotion.goods
        elif free < benefit.buy:
            missing, goods = benefit.buy - free, promotion.goods
        else:
            there = sum(basket.free(position) for position in one.parts[0])
            missing, goods = benefit.get - there, benefit.rewarded
        return Near(promotion.id, promotion.name, 0, missing, goods.products, goods.categories) if missing > 0 else None
    if isinstance(benefit, Bundle):
        for part, positions in zip(benefit.parts, one.parts, strict=True):
            missing = part.quantity - sum(basket.free(position) for position in positions)
            if missing > 0:
                return Near(promotion.id, promotion.name, 0, missing, part.goods.products, part.goods.categories)
    return None


def _asked_besides(one: Candidate, basket: Basket) -> tuple[int, int]:
    """Return money and pieces that the minimum of a promotion still asks for."""
    minimum = one.promotion.conditions.minimum
    if minimum is None:
        return 0, 0
    amount, quantity = effects.held(minimum, one.minimum, basket)
    return max(0, minimum.amount_minor - amount), max(0, minimum.quantity - quantity)
