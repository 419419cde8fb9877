"""A draft tried on baskets of the past: what each would have cost by what is in force, and by the draft.

The days come again from the draft's beginning on: a basket of a Saturday at ten is bought on a Saturday at ten. Prices are
those that hold then, promotions are applied by the same functions that quotes are made with, so that the figures are those
of the quotes that are given later on the same baskets. Budgets and uses are counted from basket to basket.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from commerce import catalog
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from pricing import coupons, facts, limits, quotes, rounding, rules, vat
from pricing.promotions import engine
from pricing.promotions.basket import Line
from pricing.promotions.effects import Allowance, Candidate
from pricing.promotions.index import Situation
from pricing.promotions.terms import Content, Promotion
from pricing.quotes import ChannelTerms, Item, Prepared
from pricing.rules import Rules
from pricing.terms import TaxRounding
from pricing.trade import PastBasket

WEEK = timedelta(days=7)
TRADE = ZoneInfo("Europe/Berlin")
MOST_TOLD = 12  # winners, losers, promotions
MOST_COVERED = 12
MOST_REMEMBERED = 200_000  # lines, and amounts with their VAT
CHARGE = "charge"


def _by_sku(ref: ProductRef) -> tuple[str, int]:
    return ref.sku, ref.id


def _terms_of_lines(ruleset: quotes.Ruleset) -> tuple[object, ...]:
    """Return what of a version decides how a line looks before its promotions."""
    stacking = ruleset.promotions.stacking
    return (
        ruleset.policy, ruleset.promotions.needs_stock, stacking.minimum_margin_basis_points, stacking.channel_fee_basis_points,
    )  # fmt: skip


class Purse:
    """What promotions may still give while baskets come one after the other."""

    def __init__(self, content: Content, at: datetime) -> None:
        """Begin with what was taken of budgets and uses by now."""
        self._spent: dict[str, int] = defaultdict(int)
        for one in content.promotions:
            if one.limits.is_limited:
                for name, usage in limits.usage(one.id, at=at).items():
                    self._spent[f"{one.id}:{name}"] = usage.used

    def allowances(self, candidates: Sequence[Candidate], customer: str) -> dict[str, Allowance]:
        """Return what is left for each limited promotion of a basket."""
        found = {}
        for one in candidates:
            terms = one.promotion.limits
            if terms.is_limited:
                budget = terms.budget_minor
                if budget is not None:
                    budget = max(budget - self._spent[f"{one.promotion.id}:budget"], 0)
                has_uses = not (terms.uses_per_customer is not None and not customer)
                has_uses &= all(self._spent[key] < most for key, most in self._uses(one, customer))
                found[one.promotion.id] = Allowance(budget, has_uses)
        return found

    def take(self, effects: Sequence[Any], customer: str) -> None:
        """Count what was given."""
        for effect in effects:
            if effect.given_minor and effect.promotion.limits.is_limited:
                self._spent[f"{effect.promotion.id}:budget"] += effect.given_minor
                for key, _most in self._uses(effect.candidate, customer):
                    self._spent[key] += 1

    @staticmethod
    def _uses(one: Candidate, customer: str) -> list[tuple[str, int]]:
        terms, name = one.promotion.limits, one.promotion.id
        found = [(f"{name}:uses", terms.uses)]
        if customer:
            found.append((f"{name}:customer:{customer}", terms.uses_per_customer))
        if one.code:
            found.append((f"{name}:code:{one.code}", terms.uses_per_code))
        return [(key, most) for key, most in found if most is not None]


@dataclass(slots=True)
class Priced:
    """What a basket costs on one side: paid and net by line, what each promotion gave."""

    paid: list[int]
    net: list[int]
    given: list[tuple[Promotion, int]]

    @property
    def total_minor(self) -> int:
        return sum(self.paid)


@dataclass(slots=True)
class Sum:
    """Figures of one currency, before and after."""

    baskets: int = 0
    lines: int = 0
    units: int = 0
    cheaper: int = 0
    dearer: int = 0
    lines_changed: int = 0
    units_changed: int = 0
    paid: list[int] = field(default_factory=lambda: [0, 0])
    net: list[int] = field(default_factory=lambda: [0, 0])
    costed_net: list[int] = field(default_factory=lambda: [0, 0])  # of goods whose cost is known
    cost: int = 0
    changed_margin: list[int] = field(default_factory=lambda: [0, 0])
    days: dict[str, list[int]] = field(default_factory=dict)
    products: dict[int, list[int]] = field(default_factory=dict)  # units, paid before, paid after, lines changed
    promotions: dict[str, list[Any]] = field(default_factory=dict)  # name, baskets before/after, discount before/after


class Replay:
    """Baskets of the past, bought again under what is in force and under a draft."""

    def __init__(
        self, content: Content, *, since: datetime, at: datetime, effective_from: datetime | None = None,
        effective_to: datetime | None = None, until: datetime | None = None,
    ) -> None:  # fmt: skip
        """`since` to `until` is the span of the past; its days come again from the draft's beginning, or `at`, on."""
        self._content, self._at = content, at
        self._begins = max(at, effective_from or at)
        self._ends = effective_to
        self._weeks = -(-(self._begins - since) // WEEK)
        self._since, self._until = since, until
        self._lines: dict[Any, tuple[Any, Line]] = {}
        self._taxes: dict[tuple[int, int, bool], tuple[int, int]] = {}
        self._products: dict[int, ProductRef | None] = {}
        self._after: dict[tuple[int, str, str, int], quotes.Ruleset] = {}
        self._costs: dict[tuple[int, int], int | None] = {}
        self._purses = (Purse(content, at), Purse(content, at))
        self.sums: dict[str, Sum] = {}
        self.refused: dict[str, int] = defaultdict(int)
        self._channels: dict[str, dict[int, int]] = {}
        self._terms: dict[int, ChannelTerms] = {}

    def moved(self, placed_at: datetime) -> datetime:
        """Return when a basket is bought again: whole weeks later by the clock on the wall."""
        local = placed_at.astimezone(TRADE)
        return (local.replace(tzinfo=None) + self._weeks * WEEK).replace(tzinfo=TRADE)

    def take(self, baskets: Sequence[PastBasket]) -> None:
        """Price a portion of baskets both ways and add them up."""
        wanted = {product_id for one in baskets for product_id, _pieces in one.lines}
        missing = [product_id for product_id in wanted if product_id not in self._products]
        if missing:
            self._products.update(dict.fromkeys(missing))
            self._products.update(catalog.products_by_id(missing))
        for one in baskets:
            try:
                self._one(one)
            except CommerceError as refusal:
                self.refused[refusal.code] += 1

    def price(self, one: PastBasket) -> tuple[Prepared, Priced, Priced]:
        """Return a basket at list price, and what it costs by what is in force and by the draft. Raises: NoPrice, NoTaxRate."""
        at = self.moved(one.placed_at)
        terms = ChannelTerms(one.channel_id, one.currency, one.country)
        known = {product_id: self._products.get(product_id) for product_id, _pieces in one.lines}
        ids = [product_id for product_id, ref in known.items() if ref is not None]
        found = rules.ruleset(terms, ids, at)
        before, after = found.ruleset, self._ruleset(found, terms, at)
        codes = coupons.normalised(one.codes) if one.codes else ()
        batches: Mapping[str, str] = {}
        if codes and (before.promotions.has_batches or after.promotions.has_batches):
            batches = coupons.batches_of(codes, customer="", at=at)
        situation = Situation(is_first_order=one.is_first_order, codes=codes, batches=batches)
        pieces: dict[int, int] = {}
        for product_id, count in one.lines:
            pieces[product_id] = pieces.get(product_id, 0) + count
        goods = [(ref, pieces[ref.id]) for ref in sorted((ref for ref in known.values() if ref), key=_by_sku)]
        prepared = self._prepared(goods, found, before, terms, at, situation)
        if after is before:
            now = self._priced(prepared, before, 0, one.customer)
            if now.given:
                self._priced(prepared, before, 1, one.customer)  # its limits are used up on the other side, too
            return prepared, now, now
        if _terms_of_lines(before) == _terms_of_lines(after):
            candidates = tuple(after.promotions.candidates(prepared.lines, situation, at))
            drafted = replace(prepared, ruleset=after, candidates=candidates)
            is_alike = (
                before.promotions.stacking == after.promotions.stacking and before.tax_rounding is after.tax_rounding
            )
        else:
            drafted, is_alike = self._prepared(goods, found, after, terms, at, situation), False
        now = self._priced(prepared, before, 0, one.customer)
        if is_alike and self._are_same(prepared, drafted):
            return prepared, now, now
        return prepared, now, self._priced(drafted, after, 1, one.customer)

    def _ruleset(self, found: Rules, terms: ChannelTerms, at: datetime) -> quotes.Ruleset:
        if at < self._begins or (self._ends is not None and at >= self._ends):
            return found.ruleset
        key = (terms.channel_id, terms.currency, terms.country, found.known.key_at(at)[0])
        known = self._after.get(key)
        if known is None:
            same = {one.id: one for one in found.ruleset.promotions.promotions}
            promotions = tuple(same[one.id] if same.get(one.id) == one else one for one in self._content.promotions)
            known = self._after[key] = rules.instead(found, replace(self._content, promotions=promotions)).ruleset
        return replace(found.ruleset, promotions=known.promotions, policy=known.policy, tax_rounding=known.tax_rounding)

    def _prepared(
        self, goods: list[tuple[ProductRef, int]], found: Rules, ruleset: quotes.Ruleset, terms: ChannelTerms, at: datetime,
        situation: Situation,
    ) -> Prepared:  # fmt: skip
        """Return a basket at list price; what a line costs whenever it is bought is worked out once."""
        key = (terms, _terms_of_lines(ruleset))
        priced, missing = [], []
        for ref, count in goods:
            known = self._lines.get((key, ref.id, count))
            if known is None:
                missing.append((ref, count))
            else:
                priced.append(known)
        if missing:
            fresh = self._listed(goods if self._counts_families(ruleset) else missing, found, ruleset, terms, at)
            if len(missing) == len(goods) or self._counts_families(ruleset):
                priced = fresh
            else:
                priced = sorted([*priced, *fresh], key=lambda one: (one[1].sku, one[1].product_id))
            if not self._counts_families(ruleset):
                for one in fresh:
                    if self._is_lasting(ruleset, one[1].product_id):
                        self._lines[key, one[1].product_id, one[1].quantity] = one
        lines = tuple([line for _priced, line in priced])
        candidates = tuple(ruleset.promotions.candidates(lines, situation, at))
        return Prepared(ruleset, at, situation, tuple([one for one, _line in priced]), lines, candidates)

    def _listed(
        self,
        goods: list[tuple[ProductRef, int]],
        found: Rules,
        ruleset: quotes.Ruleset,
        terms: ChannelTerms,
        at: datetime,
    ) -> list[tuple[Any, Line]]:
        items = [
            Item(ref.id, ref.sku, ref.tax_class, count, ref.category, ref.kind == CHARGE,
                 found.terms[ref.id].family if ref.id in found.terms else "")
            for ref, count in goods
        ]  # fmt: skip
        known = facts.known(ruleset, terms, [ref.id for ref, _count in goods], self._at)
        prepared = quotes.prepare(items, ruleset, at, facts=known)
        return list(zip(prepared.priced, prepared.lines, strict=True))

    @staticmethod
    def _counts_families(ruleset: quotes.Ruleset) -> bool:
        return any(one.counts_family for one in ruleset.lists)

    def _is_lasting(self, ruleset: quotes.Ruleset, product_id: int) -> bool:
        """Whether no price or rate of a product begins or ends while the baskets are bought again."""
        if self._until is None or len(self._lines) >= MOST_REMEMBERED:
            return False
        first, last = self.moved(self._since), self.moved(self._until)
        edges = [edge for one in ruleset.prices.get(product_id, ()) for edge in (one.valid_from, one.valid_until)]
        edges += [edge for rate in ruleset.rates for edge in (rate.valid_from, rate.valid_until)]
        return not any(edge is not None and first < edge <= last for edge in edges)

    @staticmethod
    def _are_same(one: Prepared, other: Prepared) -> bool:
        """Whether the same promotions hold on both sides, none of which is limited."""
        if len(one.candidates) != len(other.candidates):
            return False
        return all(
            mine.promotion is theirs.promotion and not mine.promotion.limits.is_limited
            for mine, theirs in zip(one.candidates, other.candidates, strict=True)
        )

    def _priced(self, prepared: Prepared, ruleset: quotes.Ruleset, side: int, customer: str) -> Priced:
        candidates, purse = prepared.candidates, self._purses[side]
        amounts, given = [line.amount_minor for line in prepared.lines], []
        if candidates:
            left = purse.allowances(candidates, customer)
            if left:
                candidates = tuple(
                    replace(one, allowance=left[one.promotion.id]) if one.promotion.id in left else one
                    for one in candidates
                )
            outcome = engine.apply(prepared.lines, ruleset.promotions, candidates, tells=False)
            amounts = outcome.amounts
            if left:
                purse.take(outcome.effects, customer)
            given = [(effect.promotion, effect.given_minor) for effect in outcome.effects if effect.given_minor]
        if ruleset.tax_rounding is not TaxRounding.PER_LINE:
            return self._taxed(prepared, ruleset, amounts, given)
        paid, net = [], []
        for amount, line in zip(amounts, prepared.priced, strict=True):
            share = self._taxes.get((amount, line.basis_points, line.is_net))
            if share is None:
                tax = vat.of(vat.Taxable(amount, line.chosen.basis, line.basis_points))
                share = (amount + tax, amount) if line.is_net else (amount, amount - tax)
                if len(self._taxes) < MOST_REMEMBERED:
                    self._taxes[amount, line.basis_points, line.is_net] = share
            paid.append(share[0])
            net.append(share[1])
        return Priced(paid, net, given)

    @staticmethod
    def _taxed(prepared: Prepared, ruleset: quotes.Ruleset, amounts: list[int], given: list[Any]) -> Priced:
        """Return what is paid where VAT is rounded once for the document."""
        taxables = [
            vat.Taxable(amount, line.chosen.basis, line.basis_points)
            for amount, line in zip(amounts, prepared.priced, strict=True)
        ]
        taxes = vat.per_line(taxables, ruleset.tax_rounding)
        both = list(zip(amounts, taxes, prepared.priced, strict=True))
        paid = [amount + tax if line.is_net else amount for amount, tax, line in both]
        return Priced(paid, [one - tax for one, tax in zip(paid, taxes, strict=True)], given)

    # --- adding up ------------------------------------------------------------------------------------------------------

    def _one(self, one: PastBasket) -> None:
        prepared, before, after = self.price(one)
        found = self.sums.setdefault(one.currency, Sum())
        self._terms[one.channel_id] = ChannelTerms(one.channel_id, one.currency, one.country)
        channels = self._channels.setdefault(one.currency, defaultdict(int))
        channels[one.channel_id] += 1
        costs = self._costs_of(one, [line.product_id for line in prepared.lines])
        day = found.days.setdefault(one.placed_at.astimezone(TRADE).date().isoformat(), [0, 0])
        found.baskets += 1
        paid_before, paid_after = before.total_minor, after.total_minor
        found.cheaper += paid_after < paid_before
        found.dearer += paid_after > paid_before
        day[0] += paid_before
        day[1] += paid_after
        for place, line in enumerate(prepared.lines):
            old, new = before.paid[place], after.paid[place]
            found.lines += 1
            found.units += line.quantity
            found.paid[0] += old
            found.paid[1] += new
            found.net[0] += before.net[place]
            found.net[1] += after.net[place]
            product = found.products.setdefault(line.product_id, [0, 0, 0, 0])
            product[0] += line.quantity
            product[1] += old
            product[2] += new
            cost = costs.get(line.product_id)
            if cost is not None:
                found.cost += cost * line.quantity
                found.costed_net[0] += before.net[place]
                found.costed_net[1] += after.net[place]
            if old != new:
                found.lines_changed += 1
                found.units_changed += line.quantity
                product[3] += 1
                if cost is not None:
                    found.changed_margin[0] += before.net[place] - cost * line.quantity
                    found.changed_margin[1] += after.net[place] - cost * line.quantity
        for side, priced in enumerate((before, after)):
            for promotion, minor in priced.given:
                row = found.promotions.setdefault(promotion.id, [promotion.name, 0, 0, 0, 0])
                row[1 + side] += 1
                row[3 + side] += minor

    def _costs_of(self, one: PastBasket, ids: list[int]) -> dict[int, int]:
        missing = [product_id for product_id in ids if (one.channel_id, product_id) not in self._costs]
        if missing:
            fresh = facts.costs(ChannelTerms(one.channel_id, one.currency, one.country), missing, self._at)
            self._costs.update({(one.channel_id, product_id): fresh.get(product_id) for product_id in missing})
        found = {product_id: self._costs[one.channel_id, product_id] for product_id in ids}
        return {product_id: cost for product_id, cost in found.items() if cost is not None}

    def document(self, *, days: int) -> dict[str, Any]:
        """Return all figures as primitives, the currency with most baskets first."""
        inside = sorted(self.sums.items(), key=lambda one: (-one[1].baskets, one[0]))
        return {
            "currencies": [{"currency": code, **self._told(code, found, days)} for code, found in inside],
            "refused": dict(self.refused), "weeks_later": self._weeks, "begins": self._begins.isoformat(),
            "ends": self._ends.isoformat() if self._ends else None,
        }  # fmt: skip

    def _told(self, currency: str, found: Sum, days: int) -> dict[str, Any]:
        changed = [(product_id, *row) for product_id, row in found.products.items() if row[1] != row[2]]
        changed.sort(key=lambda row: (row[3] - row[2], row[0]))
        losers = [row for row in changed if row[3] < row[2]][:MOST_TOLD]
        winners = [row for row in reversed(changed) if row[3] > row[2]][:MOST_TOLD]
        is_costed = found.costed_net[0] > 0
        margin = [net - found.cost for net in found.costed_net]
        lost, kept = found.changed_margin
        return {
            "baskets": found.baskets, "lines": found.lines, "units": found.units, "cheaper": found.cheaper,
            "dearer": found.dearer, "lines_changed": found.lines_changed, "units_changed": found.units_changed,
            "paid": found.paid, "net": found.net, "margin": margin if is_costed else None,
            "costed_basis_points": rounding.half_up(found.costed_net[0] * 10_000, found.net[0]) if found.net[0] else 0,
            # How much more of the changed goods must be sold for the same margin.
            "break_even_basis_points": rounding.half_up((lost - kept) * 10_000, kept) if kept > 0 and lost > kept else None,
            "never_breaks_even": lost > kept and kept <= 0,
            "days": [[day, *row] for day, row in sorted(found.days.items())],
            "losers": [self._product(row) for row in losers], "winners": [self._product(row) for row in winners],
            "promotions": [
                {"id": name, "name": row[0], "baskets": row[1:3], "discount": row[3:5]}
                for name, row in sorted(found.promotions.items(), key=lambda one: (-abs(one[1][4] - one[1][3]), one[0]))
            ][:MOST_TOLD],
            "cover": self._cover(currency, [row for row in changed if row[4]], days),
        }  # fmt: skip

    def _product(self, row: Sequence[int]) -> dict[str, Any]:
        ref = self._products.get(row[0])
        return {
            "sku": ref.sku if ref else "", "name": ref.name if ref else "", "units": row[1], "paid": [row[2], row[3]],
        }  # fmt: skip

    def _cover(self, currency: str, changed: list[Any], days: int) -> list[dict[str, Any]]:
        """Return for how long the stock of the goods that change lasts at the pace of those days, the scarcest first."""
        channels = self._channels[currency]
        terms = self._terms[max(channels, key=lambda one: (channels[one], -one))]
        stock = facts.stock(terms, [row[0] for row in changed[:500]], self._at)
        rows = []
        for row in changed[:500]:
            if row[0] in stock and row[1]:
                available = stock[row[0]].available
                rows.append({**self._product(row), "available": available, "days": available * max(days, 1) // row[1]})
        return sorted(rows, key=lambda one: (one["days"], one["sku"]))[:MOST_COVERED]
