"""A draft tried on baskets of the past: what each would have cost by what is in force, and by the draft.

The days come again from the draft's beginning on: a basket of a Saturday at ten is bought on a Saturday at ten. Prices are
those that hold then, promotions are applied by the same functions that quotes are made with, so that the figures are those
of the quotes that are given later on the same baskets. Budgets and uses are counted from basket to basket.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from commerce import catalog
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from pricing import coupons, facts, portions, purses, quotes, rounding, rules, vat, versions
from pricing.portions import Sum
from pricing.promotions import engine
from pricing.promotions.basket import Line
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


@dataclass(slots=True)
class _Listed:
    """A line at list price, with what is paid and what of that is net while no promotion touches it."""

    priced: Any
    line: Line
    paid: int
    net: int


def _by_line(one: _Listed) -> tuple[str, int]:
    return one.line.sku, one.line.product_id


@dataclass(slots=True)
class Priced:
    """What a basket costs on one side: paid and net by line, what each promotion gave."""

    paid: list[int]
    net: list[int]
    given: list[tuple[Promotion, int]]

    @property
    def total_minor(self) -> int:
        return sum(self.paid)


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
        self._lines: dict[Any, dict[tuple[int, int], _Listed]] = {}  # by what lines look the same under
        self._lines_kept = 0
        self._wanted: dict[ChannelTerms, set[int]] = {}  # the products of the portion at hand
        self._found: dict[ChannelTerms, dict[versions.Key, Rules]] = {}  # what decides their prices
        self._drafted: dict[int, quotes.Ruleset] = {}  # instead, by the identity of the former
        self._taxes: dict[tuple[int, int, bool], tuple[int, int]] = {}
        self._products: dict[int, ProductRef | None] = {}
        self._after: dict[tuple[int, str, str, int], quotes.Ruleset] = {}
        self._costs: dict[ChannelTerms, dict[int, int | None]] = {}
        self._purses = (purses.Purse(content, at), purses.Purse(content, at))
        self.sums: dict[str, Sum] = {}
        self.refused: dict[str, int] = defaultdict(int)
        self._channels: dict[str, dict[int, int]] = {}
        self._terms: dict[int, ChannelTerms] = {}
        self._span = (self.moved(since), self.moved(until)) if until is not None else None

    def moved(self, placed_at: datetime) -> datetime:
        """Return when a basket is bought again: whole weeks later by the clock on the wall."""
        local = placed_at.astimezone(TRADE)
        return (local.replace(tzinfo=None) + self._weeks * WEEK).replace(tzinfo=TRADE)

    def take(self, baskets: Sequence[PastBasket]) -> None:
        """Price a portion of baskets both ways and add them up."""
        self._learn(baskets)
        for one in baskets:
            try:
                self._one(one)
            except CommerceError as refusal:
                self.refused[refusal.code] += 1

    def _learn(self, baskets: Sequence[PastBasket]) -> None:
        """Read what is known of the products of a portion, all at once."""
        self._found.clear()
        self._drafted.clear()
        wanted: dict[ChannelTerms, set[int]] = {}
        for one in baskets:
            terms = ChannelTerms(one.channel_id, one.currency, one.country)
            wanted.setdefault(terms, set()).update([product_id for product_id, _pieces in one.lines])
        missing = [one for one in set[int]().union(*wanted.values()) if one not in self._products]
        if missing:
            self._products.update(dict.fromkeys(missing))
            self._products.update(catalog.products_by_id(missing))
        for terms, products in wanted.items():
            costs = self._costs.setdefault(terms, {})
            unknown = [one for one in products if one not in costs and self._products[one] is not None]
            if unknown:
                fresh = facts.costs(terms, unknown, self._at)
                costs.update({one: fresh.get(one) for one in unknown})
        self._wanted = wanted

    def _rules(self, terms: ChannelTerms, products: Sequence[int], at: datetime) -> Rules:
        """Return what decides prices at an instant, with the prices of all products of the portion."""
        here = self._found.setdefault(terms, {})
        for found in here.values():  # any of them knows which version is in force when
            known = here.get(found.known.key_at(at))
            if known is not None:
                return known
            break
        wanted = self._wanted.get(terms, products)
        found = rules.ruleset(terms, [one for one in wanted if self._products.get(one) is not None], at)
        return here.setdefault(found.known.key_at(at), found)

    def price(self, one: PastBasket) -> tuple[Prepared, Priced, Priced]:
        """Return a basket at list price, and what it costs by what is in force and by the draft. Raises: NoPrice, NoTaxRate."""
        at = self.moved(one.placed_at)
        terms = ChannelTerms(one.channel_id, one.currency, one.country)
        found = self._rules(terms, [product_id for product_id, _pieces in one.lines], at)
        before, after = found.ruleset, self._ruleset(found, terms, at)
        codes = coupons.normalised(one.codes) if one.codes else ()
        batches: Mapping[str, str] = {}
        if codes and (before.promotions.has_batches or after.promotions.has_batches):
            batches = coupons.batches_of(codes, customer="", at=at)
        situation = Situation(is_first_order=one.is_first_order, codes=codes, batches=batches)
        pieces: dict[int, int] = {}
        for product_id, count in one.lines:
            pieces[product_id] = pieces.get(product_id, 0) + count
        refs = [ref for ref in map(self._products.get, pieces) if ref is not None]
        refs.sort(key=_by_sku)
        goods = [(ref, pieces[ref.id]) for ref in refs]
        prepared, listed = self._prepared(goods, found, before, terms, at, situation)
        if after is before:
            now = self._priced(prepared, listed, 0, one.customer)
            if now.given and before.promotions.has_limits:
                self._priced(prepared, listed, 1, one.customer)  # its limits are used up on the other side, too
            return prepared, now, now
        drafted_listed = listed
        if _terms_of_lines(before) == _terms_of_lines(after):
            candidates = tuple(after.promotions.candidates(prepared.lines, situation, at))
            drafted = replace(prepared, ruleset=after, candidates=candidates)
            is_alike = (
                before.promotions.stacking == after.promotions.stacking and before.tax_rounding is after.tax_rounding
            )
        else:
            drafted, drafted_listed = self._prepared(goods, found, after, terms, at, situation)
            is_alike = False
        now = self._priced(prepared, listed, 0, one.customer)
        if is_alike and self._are_same(prepared, drafted):
            return prepared, now, now
        return prepared, now, self._priced(drafted, drafted_listed, 1, one.customer)

    def _ruleset(self, found: Rules, terms: ChannelTerms, at: datetime) -> quotes.Ruleset:
        if at < self._begins or (self._ends is not None and at >= self._ends):
            return found.ruleset
        drafted = self._drafted.get(id(found))  # which `_found` keeps alive
        if drafted is None:
            drafted = self._drafted[id(found)] = self._instead(found, terms, at)
        return drafted

    def _instead(self, found: Rules, terms: ChannelTerms, at: datetime) -> quotes.Ruleset:
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
    ) -> tuple[Prepared, list[_Listed]]:  # fmt: skip
        """Return a basket at list price; what a line costs whenever it is bought is worked out once."""
        lasting = self._lines.setdefault((terms, _terms_of_lines(ruleset)), {})
        listed: list[_Listed] = []
        missing = []
        for ref, count in goods:
            known = lasting.get((ref.id, count))
            if known is None:
                missing.append((ref, count))
            else:
                listed.append(known)
        if missing:
            counts_families = any(one.counts_family for one in ruleset.lists)
            fresh = self._listed(goods if counts_families else missing, found, ruleset, terms, at)
            listed = fresh if counts_families else sorted([*listed, *fresh], key=_by_line)
            for one in () if counts_families else fresh:
                if self._is_lasting(ruleset, one.line.product_id):
                    lasting[one.line.product_id, one.line.quantity] = one
                    self._lines_kept += 1
        lines = tuple([one.line for one in listed])
        candidates = tuple(ruleset.promotions.candidates(lines, situation, at))
        return Prepared(ruleset, at, situation, tuple([one.priced for one in listed]), lines, candidates), listed

    def _listed(
        self,
        goods: list[tuple[ProductRef, int]],
        found: Rules,
        ruleset: quotes.Ruleset,
        terms: ChannelTerms,
        at: datetime,
    ) -> list[_Listed]:
        ids = [ref.id for ref, _count in goods]
        if any(one not in ruleset.prices for one in ids):  # a basket that is not of the portion at hand
            found = rules.ruleset(terms, ids, at)
            ruleset = replace(ruleset, prices=found.ruleset.prices)
        items = [
            Item(ref.id, ref.sku, ref.tax_class, count, ref.category, ref.kind == CHARGE,
                 found.terms[ref.id].family if ref.id in found.terms else "")
            for ref, count in goods
        ]  # fmt: skip
        known = facts.known(ruleset, terms, ids, self._at)
        prepared = quotes.prepare(items, ruleset, at, facts=known)
        return [
            _Listed(priced, line, *self._share(line.amount_minor, priced))
            for priced, line in zip(prepared.priced, prepared.lines, strict=True)
        ]

    def _is_lasting(self, ruleset: quotes.Ruleset, product_id: int) -> bool:
        """Whether no price or rate of a product begins or ends while the baskets are bought again."""
        if self._span is None or self._lines_kept >= MOST_REMEMBERED:
            return False
        first, last = self._span
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

    def _priced(self, prepared: Prepared, listed: Sequence[_Listed], side: int, customer: str) -> Priced:
        ruleset, candidates, purse = prepared.ruleset, prepared.candidates, self._purses[side]
        amounts, given = [line.amount_minor for line in prepared.lines], []
        if candidates:
            left = purse.allowances(candidates, customer) if ruleset.promotions.has_limits else {}
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
        for amount, one in zip(amounts, listed, strict=True):
            if amount == one.line.amount_minor:
                paid.append(one.paid)
                net.append(one.net)
            else:
                share = self._share(amount, one.priced)
                paid.append(share[0])
                net.append(share[1])
        return Priced(paid, net, given)

    def _share(self, amount: int, line: Any) -> tuple[int, int]:
        """Return what is paid of an amount, and what of that is net."""
        is_net = line.is_net
        share = self._taxes.get((amount, line.basis_points, is_net))
        if share is None:
            tax = vat.of(vat.Taxable(amount, line.chosen.basis, line.basis_points))
            share = (amount + tax, amount) if is_net else (amount, amount - tax)
            if len(self._taxes) < MOST_REMEMBERED:
                self._taxes[amount, line.basis_points, is_net] = share
        return share

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
        costs = self._costs[self._terms[one.channel_id]]
        day = found.days.setdefault(one.placed_at.astimezone(TRADE).date().isoformat(), [0, 0])
        found.baskets += 1
        paid_before, paid_after = before.total_minor, after.total_minor
        found.cheaper += paid_after < paid_before
        found.dearer += paid_after > paid_before
        day[0] += paid_before
        day[1] += paid_after
        found.lines += len(prepared.lines)
        found.paid[0] += paid_before
        found.paid[1] += paid_after
        found.net[0] += sum(before.net)
        found.net[1] += sum(after.net)
        products, units = found.products, 0
        for line, old, new, old_net, new_net in zip(
            prepared.lines, before.paid, after.paid, before.net, after.net, strict=True
        ):
            product_id, count = line.product_id, line.quantity
            units += count
            product = products.get(product_id)
            if product is None:
                product = products[product_id] = [0, 0, 0, 0]
            product[0] += count
            product[1] += old
            product[2] += new
            cost = costs.get(product_id)
            if cost is not None:
                found.cost += cost * count
                found.costed_net[0] += old_net
                found.costed_net[1] += new_net
            if old != new:
                found.lines_changed += 1
                found.units_changed += count
                product[3] += 1
                if cost is not None:
                    found.changed_margin[0] += old_net - cost * count
                    found.changed_margin[1] += new_net - cost * count
        found.units += units
        for side, priced in enumerate((before, after)):
            for promotion, minor in priced.given:
                row = found.promotions.setdefault(promotion.id, [promotion.name, 0, 0, 0, 0])
                row[1 + side] += 1
                row[3 + side] += minor

    def kept(self) -> dict[str, Any]:
        """Return what was added up so far, for `absorb`: figures, and what limits have left."""
        return {
            **portions.document(self.sums, self.refused, self._channels, self._terms),
            "purses": [one.spent() for one in self._purses],
        }

    def absorb(self, kept: Mapping[str, Any]) -> None:
        """Add what another portion of the same baskets came to."""
        self._terms.update(portions.add(kept, self.sums, self.refused, self._channels))
        met = {one for each in self.sums.values() for one in each.products} - self._products.keys()
        self._products.update(catalog.products_by_id(met))

    def go_on(self, kept: Mapping[str, Any]) -> None:
        """Begin with the limits as an earlier portion left them."""
        for purse, spent in zip(self._purses, kept["purses"], strict=True):
            purse.set_spent(spent)

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
