"""What is wrong with a set of promotions before anyone sees its prices: findings that block, and findings to answer for. [pure]

Every pair of promotions is looked at once; which goods two share is a bit set over the catalogue, so 200 promotions on
10,000 products take a fraction of a second.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import combinations

from pricing import claims, prior_price, rounding
from pricing.assortment import COUNTRY, CURRENCY, Article, Universe, goods_of
from pricing.promotions import public, windows
from pricing.promotions.terms import (
    AmountOff,
    Base,
    Bundle,
    BuyGet,
    Conditions,
    Content,
    FixedPrice,
    Gift,
    Goods,
    Mode,
    PercentOff,
    Promotion,
    Tiered,
)

DEEP = 7_000  # basis points that a single promotion takes off: a slip of the finger costs a day's margin
WARNED_DEPTH = 5_000  # basis points; two promotions that together take half off are looked at by a person
MOST_FINDINGS = 500
MOST_SKUS_NAMED = 20
STEP = timedelta(minutes=15)  # how fine the hours of a window are looked at


class Severity(StrEnum):
    ERROR = "error"  # can't be submitted
    WARNING = "warning"  # needs a reason


class Code(StrEnum):
    """What is wrong. The words are the screens'."""

    IMPOSSIBLE_WINDOW = "impossible_window"
    NO_GOODS = "no_goods"
    UNKNOWN_GOODS = "unknown_goods"
    NEVER_WINS = "never_wins"
    DOUBLE_DISCOUNT = "double_discount"
    DEEP_DISCOUNT = "deep_discount"
    BELOW_COST = "below_cost"
    BELOW_ZERO_EFFECT = "no_effect"
    COUPON_COLLISION = "coupon_collision"
    TIER_INVERSION = "tier_inversion"
    UNTRUE_CLAIM = "untrue_claim"
    EXEMPT_CLAIM = "exempt_claim"
    UNKNOWN_EXCLUSION = "unknown_exclusion"


SEVERITIES = {
    Code.IMPOSSIBLE_WINDOW: Severity.ERROR,
    Code.NO_GOODS: Severity.ERROR,
    Code.UNKNOWN_GOODS: Severity.WARNING,
    Code.NEVER_WINS: Severity.WARNING,
    Code.DOUBLE_DISCOUNT: Severity.WARNING,
    Code.DEEP_DISCOUNT: Severity.WARNING,
    Code.BELOW_COST: Severity.WARNING,
    Code.BELOW_ZERO_EFFECT: Severity.WARNING,
    Code.COUPON_COLLISION: Severity.ERROR,
    Code.TIER_INVERSION: Severity.ERROR,
    Code.UNTRUE_CLAIM: Severity.ERROR,
    Code.EXEMPT_CLAIM: Severity.WARNING,
    Code.UNKNOWN_EXCLUSION: Severity.ERROR,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with one promotion or a pair. `facts` are numbers and names for the sentence."""

    code: Code
    promotions: tuple[str, ...]
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        return SEVERITIES[self.code]

    @property
    def key(self) -> str:
        """What a reason is given for: the same finding about the same promotions."""
        return ":".join([self.code.value, *self.promotions])


def check(
    content: Content,
    articles: Sequence[Article],
    *,
    effective_from: datetime,
    effective_to: datetime | None = None,
    looks_at_claims: bool = True,
) -> list[Finding]:
    """Return what is wrong with a content in a window, errors first; at most MOST_FINDINGS."""
    universe = Universe(articles)
    found = [*_windows(content, effective_from, effective_to), *_exclusions(content), *_coupons(content)]
    for promotion in content.promotions:
        found += _alone(promotion, universe, effective_from, effective_to, looks_at_claims=looks_at_claims)
    found += _pairs(content, universe, effective_from)
    found.sort(key=lambda one: (one.severity is Severity.WARNING, one.code, one.promotions))
    return found[:MOST_FINDINGS]


def depth(promotion: Promotion) -> int | None:
    """Return how deep a promotion cuts into one piece at most, in basis points, or None where that is an amount of money."""
    benefit = promotion.benefit
    if isinstance(benefit, PercentOff):
        return benefit.basis_points
    if isinstance(benefit, Tiered):
        return max((tier.basis_points or 0 for tier in benefit.tiers), default=0) or None
    if isinstance(benefit, BuyGet) and benefit.reward.basis_points is not None:
        pieces = benefit.get if benefit.rewarded is not None else benefit.buy + benefit.get
        share = benefit.get if benefit.rewarded is None else pieces
        return benefit.reward.basis_points * share // pieces
    if isinstance(benefit, Bundle) and benefit.reward.basis_points is not None:
        return benefit.reward.basis_points
    return None


# --- one promotion ------------------------------------------------------------------------------------------------------


def _windows(content: Content, begins: datetime, ends: datetime | None) -> Iterator[Finding]:
    for one in content.promotions:
        terms = one.conditions
        first = max(begins, terms.valid_from) if terms.valid_from else begins
        last = min((end for end in (ends, terms.valid_until) if end is not None), default=None)
        if last is not None and last <= first:
            facts = {"begins": first.isoformat(), "ends": last.isoformat()}
            yield Finding(Code.IMPOSSIBLE_WINDOW, (one.id,), facts)
        elif terms.hours and last is not None and not _ever_open(terms, first, last):
            yield Finding(
                Code.IMPOSSIBLE_WINDOW,
                (one.id,),
                {"begins": first.isoformat(), "ends": last.isoformat(), "hours": True},
            )


def _ever_open(terms: Conditions, first: datetime, last: datetime) -> bool:
    if last - first >= timedelta(days=8):
        return True  # each weekday comes, and with it its hours
    at = first
    while at < last:
        if windows.is_open(terms.hours, at, terms.zone):
            return True
        at += STEP
    return windows.is_open(terms.hours, last - timedelta(seconds=1), terms.zone)


def _exclusions(content: Content) -> Iterator[Finding]:
    known = {one.id for one in content.promotions} | {f"group:{group.code}" for group in content.stacking.groups}
    for one in content.promotions:
        for name in one.excludes:
            if name not in known:
                yield Finding(Code.UNKNOWN_EXCLUSION, (one.id,), {"name": name})


def _coupons(content: Content) -> Iterator[Finding]:
    """Codes that unlock two promotions by accident. Two promotions that share a code on purpose name exactly the same coupon."""
    holders = [(one.id, one.conditions.coupon) for one in content.promotions if one.conditions.coupon is not None]
    for (first, one), (second, other) in combinations(holders, 2):
        if one == other:
            continue
        shared = set(one.codes) & set(other.codes)
        shared |= {
            code for code in one.codes for prefix in other.prefixes if code.startswith(prefix) and code != prefix
        }
        shared |= {
            code for code in other.codes for prefix in one.prefixes if code.startswith(prefix) and code != prefix
        }
        shared |= {max(a, b) for a in one.prefixes for b in other.prefixes if a.startswith(b) or b.startswith(a)}
        shared |= set(one.batches) & set(other.batches)
        if shared:
            yield Finding(Code.COUPON_COLLISION, (first, second), {"codes": sorted(shared)[:MOST_SKUS_NAMED]})


def _alone(
    promotion: Promotion, universe: Universe, begins: datetime, ends: datetime | None, *, looks_at_claims: bool
) -> Iterator[Finding]:
    name = (promotion.id,)
    unknown = sorted({text for goods in goods_of(promotion) for text in universe.unknown(goods)})
    wants = [universe.meant(goods) for goods in goods_of(promotion)]
    if isinstance(promotion.benefit, Gift) and not universe.meant(Goods(products=(promotion.benefit.sku,))):
        yield Finding(Code.NO_GOODS, name, {"names": [promotion.benefit.sku]})
    elif wants and not all(wants):
        yield Finding(Code.NO_GOODS, name, {"names": unknown[:MOST_SKUS_NAMED]})
    elif unknown:
        yield Finding(Code.UNKNOWN_GOODS, name, {"names": unknown[:MOST_SKUS_NAMED], "count": len(unknown)})
    share = depth(promotion) or 0
    if share >= DEEP and not isinstance(promotion.benefit, BuyGet | Bundle):
        yield Finding(Code.DEEP_DISCOUNT, name, {"depth": share})
    if _gives_nothing(promotion):
        yield Finding(Code.BELOW_ZERO_EFFECT, name)
    if isinstance(promotion.benefit, Tiered) and (step := _inversion(promotion.benefit)):
        yield Finding(Code.TIER_INVERSION, name, {"at_least": step[0], "before_minor": step[1], "after_minor": step[2]})
    if wants and all(wants):
        articles = list(universe.of(wants[0]))
        below = [(one.sku, where) for one in articles if (where := _below_cost_in(promotion, one)) is not None]
        if below:
            facts = {"skus": [sku for sku, _ in below[:MOST_SKUS_NAMED]], "count": len(below)}
            places = sorted({where for _, where in below if where})
            yield Finding(Code.BELOW_COST, (promotion.id,), facts | ({"places": places} if places else {}))
        if (
            looks_at_claims
            and claims.announces(promotion)
            and public.is_public(promotion)
            and not _gives_nothing(promotion)
        ):
            yield from _claims(promotion, articles, begins, ends)


def _gives_nothing(promotion: Promotion) -> bool:
    benefit = promotion.benefit
    return (isinstance(benefit, PercentOff) and benefit.basis_points == 0) or (
        isinstance(benefit, BuyGet | Bundle) and benefit.reward.basis_points == 0
    )


def _inversion(terms: Tiered) -> tuple[int, int, int] | None:
    """Return the first tier from which on less is given than just before it, with both discounts, or None."""
    for lower, higher in zip(terms.tiers, terms.tiers[1:], strict=False):
        before, after = (
            tier.amount_minor
            if tier.amount_minor is not None
            else rounding.percentage(higher.at_least, tier.basis_points or 0)
            for tier in (lower, higher)
        )
        if after < before:
            return higher.at_least, before, after
    return None


def _below_cost_in(promotion: Promotion, article: Article) -> str | None:
    """Return the market in which a single piece falls below its cost ("" is the usual one); None where it falls in none."""
    terms = promotion.conditions
    prices = []
    if claims.is_for(terms, country=COUNTRY, currency=CURRENCY):
        prices = [("", article.price_minor, article.cost_minor)]
    prices += [
        (f"{one.currency} · {one.country}", one.price_minor, one.cost_minor)
        for one in article.markets
        if claims.is_for(terms, country=one.country, currency=one.currency)
    ]
    for where, listed, cost in prices:
        price = public.single_price(promotion, listed) if listed is not None else None
        if price is not None and cost is not None and price < cost:
            return where
    return None


def _claims(
    promotion: Promotion, articles: Sequence[Article], begins: datetime, ends: datetime | None
) -> Iterator[Finding]:
    """Look at what would be announced with an untrue percentage, and at what the law exempts from naming a prior price."""
    terms, claimed = promotion.conditions, claims.claimed(promotion)
    first = max(begins, terms.valid_from or begins)
    last = min((end for end in (ends, terms.valid_until) if end is not None), default=None)
    untrue: list[claims.Untrue] = []
    exempt: list[Article] = []
    for article in articles:
        if claims.exempt(article.exemptions, first, last):
            exempt.append(article)
        elif found := _untrue(promotion, article):
            untrue.append(found)
    if untrue:
        worst = min(untrue, key=lambda one: (one.truth, one.sku))
        facts = {
            "sku": worst.sku, "claimed": claimed, "true": worst.truth, "count": len(untrue), "currency": worst.currency,
            "prior_minor": worst.prior_minor, "price_minor": worst.price_minor, "channel": worst.channel,
        }  # fmt: skip
        if not claimed:
            saved = prior_price.saving_minor(worst.prior_minor, worst.price_minor) if worst.prior_minor else 0
            benefit = promotion.benefit
            facts |= {"true_minor": saved} | (
                {"claimed_minor": benefit.amount_minor} if isinstance(benefit, AmountOff) else {}
            )
        yield Finding(Code.UNTRUE_CLAIM, (promotion.id,), facts)
    if exempt:
        kinds = sorted({one.kind.value for article in exempt for one in article.exemptions if one.covers(first, last)})
        skus = [one.sku for one in exempt]
        facts = {"claimed": claimed, "skus": skus[:MOST_SKUS_NAMED], "count": len(skus), "kinds": kinds}
        yield Finding(Code.EXEMPT_CLAIM, (promotion.id,), facts)


def _untrue(promotion: Promotion, article: Article) -> claims.Untrue | None:
    if article.untrue is not None:
        return article.untrue.get(promotion.id)
    price = public.single_price(promotion, article.price_minor) if article.price_minor is not None else None
    prior = article.prior_minor
    if price is None or prior == 0 or (isinstance(promotion.benefit, FixedPrice) and price == article.price_minor):
        return None
    if prior and claims.is_true(promotion, prior_minor=prior, price_minor=price):
        return None
    return claims.Untrue(article.sku, prior_price.saving_basis_points(prior, price) if prior else 0, prior, price)


# --- pairs ------------------------------------------------------------------------------------------------------------


def _pairs(content: Content, universe: Universe, begins: datetime) -> Iterator[Finding]:
    modes = {group.code: group.mode for group in content.stacking.groups}
    bits = {}
    for one in content.promotions:
        meant = 0
        for goods in goods_of(one):
            meant |= universe.meant(goods)
        bits[one.id] = meant
    for first, second in combinations(content.promotions, 2):
        shared = bits[first.id] & bits[second.id]
        if not shared or not _can_meet(first.conditions, second.conditions, begins):
            continue
        same_group = first.group and first.group == second.group
        mode = modes.get(first.group, Mode.STACK) if same_group else Mode.STACK
        if mode is Mode.STACK and not _exclude(first, second):
            together = _together(first, second)
            if together is not None and together >= WARNED_DEPTH:
                facts = {"depth": together, "count": shared.bit_count()}
                yield Finding(Code.DOUBLE_DISCOUNT, (first.id, second.id), facts)
        elif mode is Mode.BEST:
            for weaker, stronger in ((first, second), (second, first)):
                if _always_beats(stronger, weaker, bits):
                    yield Finding(Code.NEVER_WINS, (weaker.id, stronger.id))
                    break


def _can_meet(one: Conditions, other: Conditions, begins: datetime) -> bool:
    first = max(start or begins for start in (one.valid_from, other.valid_from))
    ends = [end for end in (one.valid_until, other.valid_until) if end is not None]
    if ends and min(ends) <= first:
        return False
    return all(
        not mine or not theirs or set(mine) & set(theirs)
        for mine, theirs in (
            (one.channels, other.channels),
            (one.countries, other.countries),
            (one.currencies, other.currencies),
            (one.locations, other.locations),
            (one.payment_methods, other.payment_methods),
            (one.customer_groups, other.customer_groups),
            (one.loyalty_tiers, other.loyalty_tiers),
        )
    ) and not (
        one.is_first_order is not None
        and other.is_first_order is not None
        and one.is_first_order != other.is_first_order
    )


def _exclude(first: Promotion, second: Promotion) -> bool:
    return any(
        other.id in one.excludes or (other.group and f"group:{other.group}" in one.excludes)
        for one, other in ((first, second), (second, first))
    )


def _together(first: Promotion, second: Promotion) -> int | None:
    """Return how much two percentages take off together, in basis points; None where money is involved."""
    one, other = depth(first), depth(second)
    if one is None or other is None:
        return None
    if Base.ORIGINAL in (first.base, second.base):
        return min(one + other, rounding.BASIS_POINTS)
    left = (rounding.BASIS_POINTS - one) * (rounding.BASIS_POINTS - other)
    return rounding.BASIS_POINTS - left // rounding.BASIS_POINTS


def _always_beats(stronger: Promotion, weaker: Promotion, bits: Mapping[str, int]) -> bool:
    """Whether whoever could have the weaker one always has the stronger: on the same goods, with no more asked for."""
    if not (isinstance(stronger.benefit, PercentOff) and isinstance(weaker.benefit, PercentOff)):
        return False
    if (
        stronger.benefit.basis_points <= weaker.benefit.basis_points
        or stronger.benefit.level is not weaker.benefit.level
    ):
        return False
    asks_nothing = stronger.conditions in (Conditions(), weaker.conditions)
    covers = bits[weaker.id] & ~bits[stronger.id] == 0
    return (
        asks_nothing
        and covers
        and not stronger.limits.is_limited
        and stronger.cap_minor is None
        and stronger.base is weaker.base
    )
