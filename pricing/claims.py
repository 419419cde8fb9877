"""Reductions that promotions announce, held against the prior prices of the products they are for. [pure]

What anyone gets on one piece is announced as a reduction: quotes and packs name its prior price. A percentage, an amount of
money off and a lower fixed price are claims alike, each true only against the lowest price of 30 days (C-330/23).

§ 11 (4) PAngV exempts reductions that are granted individually, and those of perishable goods or goods with a short shelf
life that are reduced because they are about to spoil or expire, if that is made known. Which goods that are is data, with
a reason; prices for some (coupons, groups, prices by hand) are individual in the first place and never asked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pricing import prior_price
from pricing.promotions import public
from pricing.promotions.index import ancestry
from pricing.promotions.terms import AmountOff, Conditions, FixedPrice, Level, PercentOff, Promotion


class ExemptionKind(StrEnum):
    """Why reductions of some goods need name no prior price."""

    PERISHABLE = "perishable"  # about to spoil
    SHORT_SHELF_LIFE = "short_shelf_life"  # about to expire
    INDIVIDUAL = "individual"  # each price is agreed with its customer


@dataclass(frozen=True, slots=True)
class Exemption:
    """Within `[starts_at, ends_at)` reductions need name no prior price; None is open."""

    kind: ExemptionKind
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    reason: str = ""

    def holds(self, at: datetime) -> bool:
        """Whether it holds at an instant."""
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)

    def covers(self, begins: datetime, ends: datetime | None) -> bool:
        """Whether it holds from one instant until another one; None: for good."""
        return self.holds(begins) and (self.ends_at is None or (ends is not None and ends <= self.ends_at))


class Exemptions:
    """Exemptions by what they are for: a product's own comes before those of its categories, the deepest first."""

    __slots__ = ("_by_what",)

    def __init__(self, rows: Iterable[tuple[int | None, str, Exemption]] = ()) -> None:
        """`rows` say what each is for: (product, category, exemption)."""
        found: dict[int | str, tuple[Exemption, ...]] = {}
        for product_id, category, one in rows:
            key = category if product_id is None else product_id
            found[key] = (*found.get(key, ()), one)
        self._by_what = found

    def __bool__(self) -> bool:
        return bool(self._by_what)

    def all_of(self, product_id: int, category: str) -> tuple[Exemption, ...]:
        """Return all that is or was said of a product, what counts first."""
        if not self._by_what:
            return ()
        keys: list[int | str] = [product_id, *ancestry(category)]
        return tuple(one for key in keys for one in self._by_what.get(key, ()))

    def of(self, product_id: int, category: str, at: datetime) -> Exemption | None:
        """Return the exemption that a product has at an instant."""
        return next((one for one in self.all_of(product_id, category) if one.holds(at)), None)


@dataclass(frozen=True, slots=True)
class Past:
    """What anyone paid for one piece of a product on a channel, as the prior price looks at it.

    `listed_minor` is the price of one piece by the lists of its market.
    """

    channel: str
    country: str
    time_zone: str
    history: tuple[prior_price.Applied, ...]
    currency: str = "EUR"
    listed_minor: int | None = None
    exemptions: tuple[Exemption, ...] = ()  # what counts first comes first


@dataclass(frozen=True, slots=True)
class Untrue:
    """A reduction that may not be said of an article, and what may; a prior price of None: nothing at all.

    `truth` is the percentage that may be said, in basis points.
    """

    sku: str
    truth: int
    prior_minor: int | None
    price_minor: int
    channel: str = ""
    currency: str = "EUR"


def announces(promotion: Promotion) -> bool:
    """Whether a promotion announces that one piece costs less: by a percentage, an amount, or a fixed price."""
    benefit = promotion.benefit
    return isinstance(benefit, PercentOff | FixedPrice) or (
        isinstance(benefit, AmountOff) and benefit.level is not Level.ORDER
    )


def is_true(promotion: Promotion, *, prior_minor: int, price_minor: int) -> bool:
    """Whether what a promotion announces of one piece may be said, by its prior price."""
    benefit = promotion.benefit
    if isinstance(benefit, PercentOff):
        return prior_price.is_true(benefit.basis_points, prior_minor=prior_minor, amount_minor=price_minor)
    saved = prior_price.saving_minor(prior_minor, price_minor)
    return saved >= benefit.amount_minor if isinstance(benefit, AmountOff) and price_minor else saved > 0


def claimed(promotion: Promotion) -> int:
    """Return the percentage that a promotion is announced with, in basis points; nothing where it names none."""
    return promotion.benefit.basis_points if isinstance(promotion.benefit, PercentOff) else 0


def is_for(terms: Conditions, *, country: str, currency: str, channel: str | None = None) -> bool:
    """Whether a promotion may hold in a market, or on a channel of it."""
    return (
        (channel is None or not terms.channels or channel in terms.channels)
        and (not terms.countries or country in terms.countries)
        and (not terms.currencies or currency in terms.currencies)
    )


def exempt(exemptions: Sequence[Exemption], begins: datetime, ends: datetime | None) -> Exemption | None:
    """Return the exemption that covers a promotion from its beginning to its end, if there is one."""
    return next((one for one in exemptions if one.covers(begins, ends)), None)


def untrue(
    promotion: Promotion, sku: str, pasts: Sequence[Past], price_minor: int | None, *, begins: datetime
) -> Untrue | None:
    """Return what is untrue of what a promotion announces on the channel where it is worst, or None where it may be said.

    `price_minor` is what one piece would cost where a channel's own past and lists don't say.
    """
    terms = promotion.conditions
    announced_at = promotion.announced_at or max(begins, terms.valid_from or begins)
    found: list[Untrue] = []
    for past in pasts:
        if not is_for(terms, channel=past.channel, country=past.country, currency=past.currency):
            continue
        amount = _price(promotion, past, announced_at, price_minor)
        if amount is None:
            continue
        answer = prior_price.prior_price(past.history, amount, announced_at=announced_at, time_zone=past.time_zone)
        prior_minor = answer.amount_minor if isinstance(answer, prior_price.PriorPrice) else None
        if prior_minor is None or not is_true(promotion, prior_minor=prior_minor, price_minor=amount):
            truth = prior_price.saving_basis_points(prior_minor, amount) if prior_minor else 0
            found.append(Untrue(sku, truth, prior_minor, amount, past.channel, past.currency))
    return min(found, key=lambda one: (one.truth, one.channel), default=None)


def _price(promotion: Promotion, past: Past, announced_at: datetime, otherwise: int | None) -> int | None:
    """Return what one piece would cost on a channel: by its price then, by its lists, or what is told of it otherwise.

    None where it would cost what it costs without: a fixed price that is no lower announces nothing.
    """
    before = [one for one in past.history if one.from_at < announced_at]
    listed = before[-1].amount_minor if before and not before[-1].is_reduced else past.listed_minor
    if listed is None:
        return otherwise
    price = public.single_price(promotion, listed)
    return None if price == listed and isinstance(promotion.benefit, FixedPrice) else price
