"""Which promotions make a price that anyone can have for one piece, as the law on reductions looks at it. [pure]

A reduction for everyone names its prior price (art. 6a of directive 98/6/EC); a coupon, a price for members or one that
needs more pieces is none of that kind (Commission notice 2021/C 526/02, nos. 2.1 and 2.2).
"""

from dataclasses import replace

from pricing import rounding
from pricing.promotions.terms import AmountOff, Content, FixedPrice, Level, PercentOff, Promotion


def is_public(promotion: Promotion) -> bool:
    """Whether anyone gets a promotion on a single piece: without a code, a basket, a group, a place or a way to pay."""
    benefit, terms = promotion.benefit, promotion.conditions
    lowers_a_piece = isinstance(benefit, PercentOff | FixedPrice) or (
        isinstance(benefit, AmountOff) and benefit.level is not Level.ORDER
    )
    return lowers_a_piece and not (
        terms.coupon or terms.segments or terms.customer_groups or terms.loyalty_tiers or terms.payment_methods
        or terms.locations or terms.minimum or terms.is_first_order is not None
    )  # fmt: skip


def only(content: Content) -> Content:
    """Return a content with its public promotions only. Stock is taken to be there, limits to be left."""
    return replace(
        content,
        promotions=tuple(
            replace(one, conditions=replace(one.conditions, stock=None)) for one in content.promotions if is_public(one)
        ),
    )


def single_price(promotion: Promotion, price_minor: int) -> int | None:
    """Return what one piece costs by a promotion that anyone gets on it alone, or None where that depends on the basket."""
    benefit = promotion.benefit
    if isinstance(benefit, PercentOff):
        return price_minor - rounding.percentage(price_minor, benefit.basis_points)
    if isinstance(benefit, AmountOff) and benefit.level is not Level.ORDER:
        return max(price_minor - benefit.amount_minor, 0)
    if isinstance(benefit, FixedPrice):
        return min(price_minor, benefit.amount_minor)
    return None
