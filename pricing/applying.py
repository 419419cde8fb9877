"""Which price anyone could have for one piece of a product, when: the prices that were applied, in the sense of the law. [pure]

`stretches` goes through the rules of a time and asks for the price wherever it may change: as prices, rates, versions and
promotions begin and end, and as the hours of promotions open and close. What it finds is exact to the instant, whoever
asks and whenever.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from pricing import prior_price, quotes
from pricing.claims import Exemption
from pricing.errors import NoPrice, NoTaxRate
from pricing.listing import Item
from pricing.prior_price import Applied, PriorPrice, Unknown
from pricing.promotions import windows
from pricing.promotions.index import ancestry
from pricing.promotions.terms import Conditions, Promotion
from pricing.quotes import Facts, Prior, Ruleset
from pricing.terms import StepKind

# Local time decides what a day is; the zones of the countries where we sell.
ZONES = {"DE": "Europe/Berlin", "AT": "Europe/Vienna", "CH": "Europe/Zurich", "LI": "Europe/Vaduz"}
USUAL_ZONE = "Europe/Berlin"
MOST_CHANGES = 20_000  # of one product: a promotion with hours opens and closes some 700 times a year


@dataclass(frozen=True, slots=True)
class Stretch:
    """The price of one piece from an instant on, VAT included, and what it came from; None is not on offer.

    `promotions` are those that reduced it, as (id, name).
    """

    from_at: datetime
    amount_minor: int | None
    is_reduced: bool = False
    announced_at: datetime | None = None
    price_list: str = ""
    listed_minor: int | None = None
    tax_basis_points: int = 0
    promotions: tuple[tuple[str, str], ...] = ()
    ruleset_version: str = ""

    def says_the_same(self, other: "Stretch") -> bool:
        """Whether another one says nothing new."""
        return replace(self, from_at=other.from_at, ruleset_version=other.ruleset_version) == other


@dataclass(frozen=True, slots=True)
class Ruled:
    """The rules of a time, `[starts_at, ends_at)`, with the promotions that anyone gets."""

    starts_at: datetime
    ends_at: datetime
    ruleset: Ruleset


def zone_of(country: str) -> str:
    """Return the time zone of a country's days."""
    return ZONES.get(country, USUAL_ZONE)


def stretches(item: Item, times: Sequence[Ruled], facts: Facts = quotes.NOTHING_KNOWN) -> list[Stretch]:
    """Return the prices of one piece of a product in the order of time, each from where it begins or changes on."""
    found: list[Stretch] = []
    for one in times:
        for at in [one.starts_at, *turns(item, one)]:
            seen = price_at(item, one.ruleset, at, facts)
            if not found or not found[-1].says_the_same(seen):
                found.append(seen)
    return found


def turns(item: Item, ruled: Ruled) -> list[datetime]:
    """Return the instants inside a time at which the price of a product may change."""
    ruleset, start, end = ruled.ruleset, ruled.starts_at, ruled.ends_at
    instants: set[datetime | None] = set()
    for entry in ruleset.prices.get(item.product_id, ()):
        instants |= {entry.valid_from, entry.valid_until}
    for rate in ruleset.rates:
        if rate.tax_class == item.tax_class:
            instants |= {rate.valid_from, rate.valid_until}
    for promotion in ruleset.promotions.on(item.sku, item.category):
        if means(promotion, item):
            instants |= set(of_promotion(promotion.conditions, start, end))
    return sorted(at for at in instants if at is not None and start < at < end)[:MOST_CHANGES]


def of_promotion(terms: Conditions, start: datetime, end: datetime) -> list[datetime]:
    """Return when a promotion begins, ends, opens or closes inside a time."""
    found = [at for at in (terms.valid_from, terms.valid_until) if at is not None and start < at < end]
    if not terms.hours:
        return found
    zone = windows.zone(terms.zone)
    first = max(start, terms.valid_from or start).astimezone(zone).date() - timedelta(days=1)
    last = min(end, terms.valid_until or end).astimezone(zone).date() + timedelta(days=1)
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        for hours in terms.hours:
            for moment in (hours.starts, hours.ends):
                for fold in (0, 1):  # an hour that the clock strikes twice opens and closes twice
                    at = datetime.combine(day, moment, tzinfo=zone).replace(fold=fold)
                    if start < at < end:
                        found.append(at.astimezone(start.tzinfo))
    return found


def means(promotion: Promotion, item: Item) -> bool:
    """Whether a promotion is for a product."""
    goods, above = promotion.goods, {*ancestry(item.category)}
    named = item.sku in goods.products or not above.isdisjoint(goods.categories)
    if (goods.products or goods.categories) and not named:
        return False
    return item.sku not in goods.except_products and above.isdisjoint(goods.except_categories)


def price_at(item: Item, ruleset: Ruleset, at: datetime, facts: Facts = quotes.NOTHING_KNOWN) -> Stretch:
    """Return the price of one piece at an instant, as it begins there."""
    try:
        quote = quotes.quote([replace(item, quantity=1)], ruleset, at, facts=facts)
    except (NoPrice, NoTaxRate):
        return Stretch(at, None)
    line = quote.lines[0]
    terms = {one.reference: one for one in ruleset.promotions.promotions}
    cuts = [terms[step.reference] for step in line.steps if step.kind == StepKind.DISCOUNT and step.amount_minor]
    told = [one.announced_at for one in cuts if one.announced_at is not None]
    price = next(step for step in line.steps if step.kind == StepKind.PRICE)
    return Stretch(
        at, line.total_minor, bool(cuts), min(told, default=None), price.reference.removeprefix("price_list:"),
        line.unit_price_minor, line.tax_basis_points, tuple((one.id, one.name) for one in cuts), quote.ruleset_version,
    )  # fmt: skip


# --- what the law makes of them -----------------------------------------------------------------------------------------


def history(found: Iterable[Stretch]) -> tuple[Applied, ...]:
    """Return prices as the prior price looks at them: with their ends, without the times without offer."""
    seen = list(found)
    ends: list[datetime | None] = [later.from_at for _earlier, later in pairwise(seen)]
    return tuple(
        Applied(one.amount_minor, one.from_at, until_at, one.is_reduced, one.announced_at)
        for one, until_at in zip(seen, [*ends, None], strict=True)
        if one.amount_minor is not None
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """What anyone pays for one piece at an instant, and, where that is announced as reduced, its prior price."""

    stretch: Stretch
    prior: PriorPrice | Unknown | None = None

    @property
    def prior_minor(self) -> int | None:
        return self.prior.amount_minor if isinstance(self.prior, PriorPrice) else None

    @property
    def saving_basis_points(self) -> int | None:
        """The percentage that may be announced at most."""
        if self.prior_minor is None or self.stretch.amount_minor is None:
            return None
        return prior_price.saving_basis_points(self.prior_minor, self.stretch.amount_minor)


def standing(found: Sequence[Stretch], at: datetime, *, time_zone: str) -> Standing | None:
    """Return what holds at an instant by the prices of a product in the order of time; None before the first of them."""
    before = [one for one in found if one.from_at <= at]
    if not before:
        return None
    now = before[-1]
    if now.amount_minor is None or not now.is_reduced:
        return Standing(now)
    begun = now.from_at
    for earlier in reversed(before[:-1]):  # one reduction may be noted in several pieces
        if earlier.amount_minor != now.amount_minor or not earlier.is_reduced:
            break
        begun = earlier.from_at
    announced_at = min(now.announced_at or begun, begun)
    prior = prior_price.prior_price(history(before), now.amount_minor, announced_at=announced_at, time_zone=time_zone)
    return Standing(now, prior)


def named(seen: Standing, exemption: str = "") -> Prior | None:
    """Return what a quote names of a reduction: prior price and saving, or why it needs none; nothing where it saves nothing."""
    if seen.stretch.is_reduced and exemption:
        return None, None, exemption
    prior, saving = seen.prior_minor, seen.saving_basis_points
    return (prior, saving, "") if prior is not None and saving else None


@dataclass(frozen=True, slots=True)
class Naming:
    """What is named of a product's price from an instant on, if all the promotions (by id) that reduced it are there."""

    from_at: datetime
    prior: Prior | None = None
    promotions: tuple[str, ...] = ()


def namings(
    found: Sequence[Stretch], exemptions: Sequence[Exemption], *, since: datetime, until: datetime, time_zone: str
) -> tuple[Naming, ...]:
    """Return what is named within `[since, until)`, each from where it begins; nothing where nothing is reduced then."""
    edges = {one.from_at for one in found} | {
        at for one in exemptions for at in (one.starts_at, one.ends_at) if at is not None
    }
    told: list[Naming] = []
    for at in [since, *sorted(edge for edge in edges if since < edge < until)]:
        seen = standing(found, at, time_zone=time_zone)
        why = next((one.kind.value for one in exemptions if one.holds(at)), "")
        prior = named(seen, why) if seen else None
        names = tuple(identifier for identifier, _name in seen.stretch.promotions) if seen and prior else ()
        if not told or (told[-1].prior, told[-1].promotions) != (prior, names):
            told.append(Naming(at, prior, names))
    return tuple(told) if any(one.prior for one in told) else ()


def planned(
    found: Sequence[Stretch], amount_minor: int, *, announced_at: datetime, time_zone: str
) -> PriorPrice | Unknown:
    """Return the prior price of a reduction to `amount_minor` that would first be announced at an instant."""
    return prior_price.prior_price(history(found), amount_minor, announced_at=announced_at, time_zone=time_zone)


def by_product(rows: Iterable[tuple[int, Stretch]]) -> Mapping[int, tuple[Stretch, ...]]:
    """Return prices by product; `rows` come in the order of time."""
    found: dict[int, list[Stretch]] = {}
    for product_id, one in rows:
        found.setdefault(product_id, []).append(one)
    return {product_id: tuple(ones) for product_id, ones in found.items()}
