"""Elasticities of products and results of campaigns, from the sales of the rooms above."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median

from django.db import connection

from pricing import costs, rulesets, vat
from pricing.assortment import Article, meant_by
from pricing.learning import campaigns, elasticity, sales
from pricing.learning.campaigns import Effect
from pricing.learning.elasticity import Elasticity, TooLittle, Week
from pricing.learning.sales import Given, Port, Sold
from pricing.models import RulesetVersion
from pricing.promotions import documents
from pricing.promotions.index import ancestry
from pricing.promotions.terms import ZONE as USUAL_ZONE
from pricing.promotions.terms import Promotion
from pricing.promotions.windows import zone

WEEKS = 104  # two years: each season twice
MOST_PRODUCTS = 200  # on one page
MOST_VERSIONS = 200
COUNTRY = "DE"  # of sales whose VAT nobody wrote down
_RATES = """
SELECT product.id, rate.basis_points FROM commerce_product AS product
JOIN pricing_taxrate AS rate ON rate.tax_class = product.tax_class AND rate.country = %s AND rate.valid @> %s::timestamptz
WHERE product.id = ANY(%s)
"""
_ARTICLES = "SELECT id, sku, category FROM commerce_product WHERE kind <> 'charge'"


# --- elasticity -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """How the sales of a product answer to its price, or why that can't be told; in the currency most of it sold in."""

    found: Elasticity | TooLittle
    currency: str


def elasticities(product_ids: Sequence[int], *, last: date) -> dict[int, Answer]:
    """Return how the sales of products answer to their prices. Prices of two currencies are never compared."""
    known = sales.port()
    if known is None or not product_ids:
        return {}
    wanted = list(product_ids)[:MOST_PRODUCTS]
    first = last - timedelta(weeks=WEEKS) + timedelta(days=1)
    market = _market(known, first, last)
    by_product: dict[int, list[Sold]] = {product_id: [] for product_id in wanted}
    for one in known.sold(wanted, first, last):
        by_product[one.product_id].append(one)
    empty = known.empty_days(wanted, first, last)
    told = {}
    for product_id, ones in by_product.items():
        currency = next(iter(currencies_of(ones)), "")
        mine = [one for one in ones if one.currency == currency]
        weeks = weeks_of(mine, market, empty.get(product_id, frozenset()), first=first)
        told[product_id] = Answer(elasticity.fit(weeks), currency)
    return told


def currencies_of(ones: Iterable[Sold]) -> list[str]:
    """Return the currencies of sales, the one in which most pieces were sold first."""
    pieces: Counter[str] = Counter()
    for one in ones:
        pieces[one.currency] += one.pieces
    return sorted(pieces, key=lambda currency: (-pieces[currency], currency))


def weeks_of(ones: Sequence[Sold], market: Mapping[int, int], empty: Collection[date], *, first: date) -> list[Week]:
    """Return the weeks of a product in order, days without stock left out; `market` is what all products sold by week."""
    found: dict[int, list[Sold]] = {}
    for one in ones:
        if one.day not in empty and one.pieces > 0:
            found.setdefault((one.day - first).days // 7, []).append(one)
    gone: dict[int, int] = {}
    for day in empty:
        number = (day - first).days // 7
        gone[number] = gone.get(number, 0) + 1
    weeks = []
    for number, days in sorted(found.items()):
        pieces = sum(one.pieces for one in days)
        others = market.get(number, 0) - pieces
        weeks.append(Week(pieces, median(one.price_minor for one in days), max(others, 0), 7 - gone.get(number, 0)))
    return [week for week in weeks if week.days >= 4]


def _market(known: Port, first: date, last: date) -> dict[int, int]:
    found: dict[int, int] = {}
    for one in known.sold(None, first, last):
        number = (one.day - first).days // 7
        found[number] = found.get(number, 0) + max(one.pieces, 0)
    return found


# --- campaigns --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Campaign:
    """A promotion with the time in which it was in force."""

    promotion: Promotion
    number: int  # the version that says so last
    starts_at: datetime
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a campaign brought in one currency. Margins are net of VAT, fees not taken off; None where costs are unknown.

    `currencies` are all in which its goods were sold, the one with most pieces first.
    """

    campaign: Campaign
    first: date
    last: date
    products: int
    effect: Effect | campaigns.TooLittle
    others: Effect | campaigns.TooLittle  # goods of its categories that it is not for
    given: Given
    currency: str
    currencies: Sequence[str]
    margin_minor: int | None = None
    expected_margin_minor: int | None = None


def all_campaigns(at: datetime) -> list[Campaign]:
    """Return the promotions that have begun, the one that began last first."""
    found: dict[str, Campaign] = {}
    rows = RulesetVersion.objects.filter(effective_from__lte=at).order_by("-number")[:MOST_VERSIONS]
    for version in rows:
        withdrawal = rulesets.version(version.number).withdrawn_at
        for promotion in documents.content_from(version.content).promotions:
            terms = promotion.conditions
            starts_at = max(version.effective_from, terms.valid_from or version.effective_from)
            ends = [end for end in (version.effective_to, withdrawal, terms.valid_until) if end is not None]
            ends_at = min(ends, default=None)
            if starts_at > at or (ends_at is not None and ends_at <= starts_at):
                continue
            known = found.get(promotion.id)
            if known is None:
                found[promotion.id] = Campaign(promotion, version.number, starts_at, ends_at)
            elif terms == known.promotion.conditions and promotion.benefit == known.promotion.benefit:
                found[promotion.id] = Campaign(known.promotion, known.number, starts_at, known.ends_at)
    return sorted(found.values(), key=lambda one: (-one.starts_at.timestamp(), one.promotion.id))


def result(campaign: Campaign, *, at: datetime, currency: str = "") -> Result | None:
    """Return what a campaign brought until now, or None where nobody knows what was sold.

    Sales of one currency are looked at: of `currency` where its goods were sold in it, else of the one with most pieces.
    """
    known = sales.port()
    if known is None:
        return None
    local = zone(campaign.promotion.conditions.zone)
    first = campaign.starts_at.astimezone(local).date()
    until = min(campaign.ends_at or at, at)
    last = max((until - timedelta(microseconds=1)).astimezone(local).date(), first)
    since = first - timedelta(days=campaigns.BASELINE_DAYS)
    articles = _articles()
    ids = {one.sku: product_id for product_id, one in articles.items()}
    meant = {ids[one.sku] for one in meant_by([campaign.promotion], list(articles.values()))}
    near = _near(articles, meant)
    sold = list(known.sold(None, since, last))
    currencies = currencies_of(one for one in sold if one.product_id in meant) or currencies_of(sold) or ["EUR"]
    currency = currency if currency in currencies else currencies[0]
    daily: dict[int, dict[date, list[Sold]]] = {}
    for one in sold:
        if one.currency == currency:
            daily.setdefault(one.product_id, {}).setdefault(one.day, []).append(one)
    empty = _days_without(known, meant, since, last)
    mine = _summed(daily, meant)
    others = _summed(daily, near)
    control = _summed(daily, set(daily) - meant - near)
    found = campaigns.effect(mine, control, first=first, last=last, left_out=empty)
    beside = campaigns.effect(others, control, first=first, last=last)
    margin, expected = _margins(daily, meant, found, first, last, since, at, currency)
    return Result(
        campaign,
        first,
        last,
        len(meant),
        found,
        beside,
        known.given(campaign.promotion.id, currency, first, last),
        currency,
        currencies,
        margin,
        expected,
    )


def _articles() -> dict[int, Article]:
    with connection.cursor() as cursor:
        cursor.execute(_ARTICLES)
        return {product_id: Article(sku, category) for product_id, sku, category in cursor.fetchall()}


def _near(articles: Mapping[int, Article], meant: set[int]) -> set[int]:
    """Return the goods of the same categories that a campaign is not for: whose customers it may take."""
    categories = {one for product_id in meant for one in ancestry(articles[product_id].category)}
    return {
        product_id
        for product_id, one in articles.items()
        if product_id not in meant and not categories.isdisjoint(ancestry(one.category))
    }


def _days_without(known: Port, meant: set[int], first: date, last: date) -> frozenset[date]:
    """Return the days on which none of the goods was there."""
    empty = known.empty_days(sorted(meant), first, last) if meant else {}
    if len(empty) < len(meant) or not empty:
        return frozenset()
    return frozenset.intersection(*empty.values())


def _summed(daily: Mapping[int, Mapping[date, Sequence[Sold]]], products: set[int]) -> dict[date, campaigns.Day]:
    found: dict[date, campaigns.Day] = {}
    for product_id in products & set(daily):
        for day, ones in daily[product_id].items():
            before = found.get(day, campaigns.Day(0, 0))
            found[day] = campaigns.Day(
                before.pieces + sum(one.pieces for one in ones),
                before.revenue_minor + sum(one.revenue_minor for one in ones),
            )
    return found


def _rates(product_ids: Collection[int], day: date) -> dict[int, int]:
    """Return the VAT rates of products on a day, in basis points; those without one are missing."""
    with connection.cursor() as cursor:
        cursor.execute(_RATES, [COUNTRY, datetime.combine(day, time(12), tzinfo=zone(USUAL_ZONE)), list(product_ids)])
        return dict(cursor.fetchall())


def _margins(
    daily: Mapping[int, Mapping[date, Sequence[Sold]]],
    meant: set[int],
    found: Effect | campaigns.TooLittle,
    first: date,
    last: date,
    since: date,
    at: datetime,
    currency: str,
) -> tuple[int | None, int | None]:
    """Return the net margin of the goods in the campaign, and what was to be expected; None where a cost is missing."""
    sold = {product_id for product_id in meant if product_id in daily}
    known = costs.latest(sorted(sold), currency, at) if sold else {}
    if not sold or set(known) != sold or not isinstance(found, Effect):
        return None, None
    rates = _rates(sold, first)
    if any(one.without_tax_minor and product_id not in rates
           for product_id in sold for ones in daily[product_id].values() for one in ones):  # fmt: skip
        return None, None
    during, before, pieces_before = 0, 0, 0
    for product_id in sold:
        for day, ones in daily[product_id].items():
            for one in ones:
                untaxed = one.without_tax_minor
                net = one.net_minor + untaxed - (vat.inside_gross(untaxed, rates[product_id]) if untaxed else 0)
                margin = net - one.pieces * known[product_id]
                if first <= day <= last:
                    during += margin
                elif since <= day < first:
                    before += margin
                    pieces_before += one.pieces
    return during, round(found.expected * before / pieces_before) if pieces_before else None
