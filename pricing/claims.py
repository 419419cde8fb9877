"""Percentages that promotions announce, held against the prior prices of the products they are for. [pure]"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pricing import prior_price
from pricing.promotions import public
from pricing.promotions.terms import PercentOff, Promotion


@dataclass(frozen=True, slots=True)
class Past:
    """What anyone paid for one piece of a product on a channel, as the prior price looks at it."""

    channel: str
    country: str
    time_zone: str
    history: tuple[prior_price.Applied, ...]


@dataclass(frozen=True, slots=True)
class Untrue:
    """A percentage that may not be said of an article, and what may; a prior price of None: nothing at all."""

    sku: str
    truth: int
    prior_minor: int | None
    price_minor: int
    channel: str = ""


def claimed(promotion: Promotion) -> int:
    """Return the percentage that a promotion is announced with, in basis points; nothing where it names none."""
    return promotion.benefit.basis_points if isinstance(promotion.benefit, PercentOff) else 0


def untrue(
    promotion: Promotion, sku: str, pasts: Sequence[Past], price_minor: int, *, begins: datetime
) -> Untrue | None:
    """Return what is untrue of a promotion's percentage on the channel where it is worst, or None where it may be said.

    `price_minor` is what one piece would cost where a channel's own past doesn't say.
    """
    terms, share = promotion.conditions, claimed(promotion)
    announced_at = promotion.announced_at or max(begins, terms.valid_from or begins)
    found: list[Untrue] = []
    for past in pasts:
        if (terms.channels and past.channel not in terms.channels) or (
            terms.countries and past.country not in terms.countries
        ):
            continue
        before = [one for one in past.history if one.from_at < announced_at]
        here = None
        if before and not before[-1].is_reduced:
            here = public.single_price(promotion, before[-1].amount_minor)
        amount = price_minor if here is None else here
        answer = prior_price.prior_price(past.history, amount, announced_at=announced_at, time_zone=past.time_zone)
        prior_minor = answer.amount_minor if isinstance(answer, prior_price.PriorPrice) else None
        if prior_minor is None or not prior_price.is_true(share, prior_minor=prior_minor, amount_minor=amount):
            truth = prior_price.saving_basis_points(prior_minor, amount) if prior_minor else 0
            found.append(Untrue(sku, truth, prior_minor, amount, past.channel))
    return min(found, key=lambda one: (one.truth, one.channel), default=None)
