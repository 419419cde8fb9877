"""What no promotion may cut through, applied last: the margin floor of each line, then the cap of the basket. [pure]

What goes over is taken back from the promotion that was applied last, then from the one before it.
"""

from collections.abc import Sequence

from pricing import discounts, rounding
from pricing.promotions.basket import Basket, Line
from pricing.promotions.effects import BASKET_CAP, MARGIN_FLOOR, Effect
from pricing.promotions.terms import Stacking

WHOLE = rounding.BASIS_POINTS


def floor_minor(
    cost_minor: int,
    quantity: int,
    *,
    tax_basis_points: int,
    is_net: bool,
    margin_basis_points: int,
    fee_basis_points: int,
) -> int | None:
    """Return the least that pieces may cost, in the basis of their line, rounded once; None where no price is enough.

    With net price n, VAT rate r, fee f of the gross price and margin m of the net one: n − f·n·(1 + r) − cost = m·n.
    """
    left = (WHOLE - margin_basis_points) * WHOLE - fee_basis_points * (WHOLE + tax_basis_points)
    if left <= 0:
        return None
    numerator = cost_minor * quantity * WHOLE * WHOLE
    if is_net:
        return rounding.half_up(numerator, left)
    return rounding.half_up(numerator * (WHOLE + tax_basis_points), left * WHOLE)


def are_set(stacking: Stacking, lines: Sequence[Line]) -> bool:
    """Whether there is anything that promotions may not cut through."""
    return (
        stacking.basket_cap_minor is not None
        or stacking.basket_cap_basis_points is not None
        or any(line.floor_minor is not None for line in lines)
    )


def limit(effects: Sequence[Effect], basket: Basket, stacking: Stacking) -> None:
    """Take back what goes through a floor or over the cap, and put the basket's amounts right."""
    for position, line in enumerate(basket.lines):
        if line.floor_minor is None:
            continue
        short = min(line.floor_minor, line.amount_minor) - basket.amounts[position]
        for effect in reversed(effects):
            if short <= 0:
                break
            minor = effect.cuts.get(position, 0)
            back = min(minor, short)
            if back:
                effect.reduce({**effect.cuts, position: minor - back}, MARGIN_FLOOR)
                basket.cut({position: -back})
                short -= back
    cap = _cap(basket, stacking)
    if cap is None:
        return
    over = sum(effect.given_minor for effect in effects) - cap
    for effect in reversed(effects):
        if over <= 0:
            return
        given = effect.given_minor
        back = min(given, over)
        positions = sorted(effect.cuts)
        kept = discounts.allocate(given - back, [effect.cuts[one] for one in positions])
        basket.cut({one: share - effect.cuts[one] for one, share in zip(positions, kept, strict=True)})
        effect.reduce(dict(zip(positions, kept, strict=True)), BASKET_CAP)
        over -= back


def _cap(basket: Basket, stacking: Stacking) -> int | None:
    caps = []
    if stacking.basket_cap_minor is not None:
        caps.append(stacking.basket_cap_minor)
    if stacking.basket_cap_basis_points is not None:
        goods = sum(line.amount_minor for line in basket.lines if not line.is_charge)
        caps.append(rounding.percentage(goods, stacking.basket_cap_basis_points))
    return min(caps, default=None)
