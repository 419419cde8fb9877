"""Baskets and rules for tests of the pure engine, in as few words as the cases are told in."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pricing import quotes
from pricing.promotions import documents
from pricing.promotions.index import NOBODY, Index, Situation
from pricing.promotions.terms import Content, Promotion, Stacking
from pricing.quotes import Quote
from pricing.terms import PriceBasis, TierMode

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
STANDARD, REDUCED = "standard", "reduced"


def promotion(code: str, kind: str, /, **terms) -> Promotion:
    """Return a promotion made of its document; what its benefit knows goes into it."""
    of_benefit = {
        "basis_points", "amount_minor", "level", "buy", "get", "policy", "most_sets", "reward", "rewarded", "parts", "tiers",
        "measure", "counted", "sku", "quantity", "at_most_minor",
    }  # fmt: skip
    benefit = {name: terms.pop(name) for name in list(terms) if name in of_benefit}
    return documents.from_document({"id": code, "name": code, "benefit": {"kind": kind, **benefit}, **terms})


def stacking(*groups: str, **terms) -> Stacking:
    """Return a stacking with groups said as "code:mode"."""
    named = [dict(zip(("code", "mode"), group.split(":"), strict=True)) for group in groups]
    return documents.content_from({"stacking": {"groups": named, **terms}}).stacking


def quoted(
    *lines: Sequence,
    promotions: Sequence[Promotion] = (),
    stacking: Stacking | None = None,
    at: datetime = AT,
    situation: Situation = NOBODY,
    costs: Mapping[int, int] | None = None,
    stock=None,
    categories: Mapping[int, str] | None = None,
    charges: Sequence[int] = (),
    basis: PriceBasis = PriceBasis.GROSS,
    **rules,
) -> Quote:
    """Quote lines of (amount, quantity[, tax class]) in EUR on one list for everybody; they are products 1, 2, …"""
    items, prices = [], {}
    for number, (amount, quantity, *tax_class) in enumerate(lines, 1):
        category = (categories or {}).get(number, "")
        items.append(
            quotes.Item(
                number, f"SKU-{number:03}", *(tax_class or [STANDARD]), quantity, category, is_charge=number in charges
            )
        )
        prices[number] = (quotes.PriceTerms(1, 1, amount),)
    ruleset = quotes.Ruleset(
        version="prices:1",
        channel_id=1,
        currency="EUR",
        country="DE",
        lists=(quotes.ListTerms(1, "all", basis, TierMode.ALL_UNITS),),
        rates=(quotes.RateTerms(STANDARD, 1900), quotes.RateTerms(REDUCED, 700)),
        prices=prices,
        promotions=Index(
            Content(tuple(promotions), stacking or Stacking()), channel="web", country="DE", currency="EUR"
        ),
        **rules,
    )
    return quotes.quote(items, ruleset, at, situation=situation, facts=quotes.Facts(costs or {}, stock or {}))


def discounts_of(quote: Quote) -> list[int]:
    """Return what is taken off each line."""
    return [-sum(step.amount_minor for step in line.steps if step.kind == "discount") for line in quote.lines]


def verdicts_of(quote: Quote) -> dict[str, str]:
    """Return what became of each promotion."""
    return {one.promotion: one.verdict for one in quote.promotions}
