"""Which list price a product has, why it was taken, and why every other one lost. [pure]"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pricing import rounding, tiers
from pricing.terms import PriceBasis, PricePolicy, TierMode, Verdict

_CHOSEN = Verdict.CHOSEN.value


@dataclass(frozen=True, slots=True)
class Content:
    """How much one piece holds, for its unit price: 500 g, 0.75 l as 750 ml; `unit` is g, ml, cm, cm2, cm3 or piece."""

    amount: int
    unit: str


@dataclass(frozen=True, slots=True)
class Override:
    """A price for each piece that was set by hand, in the basis of the list, and why."""

    unit_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class Item:
    """A basket line with what pricing needs to know of the product.

    A negative quantity is given back, at `paid_minor` for all its pieces if that is known, else at today's price.
    """

    product_id: int
    sku: str
    tax_class: str
    quantity: int
    category: str = ""
    is_charge: bool = False
    family: str = ""
    content: Content | None = None
    paid_minor: int | None = None
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class ListTerms:
    """A price list that applies to the ruleset's channel and country, as far as prices go."""

    id: int
    code: str
    basis: PriceBasis
    tier_mode: TierMode
    is_for_channel: bool = False
    is_for_country: bool = False
    customer_group: str = ""
    priority: int = 0
    contract: str = ""
    counts_family: bool = False  # its tiers count the variants of a family together

    @property
    def specificity(self) -> tuple[bool, bool, bool, bool]:
        """A contract beats a customer group, that a list for all, then one for the channel, then one for the country."""
        return bool(self.contract), bool(self.customer_group), self.is_for_channel, self.is_for_country


@dataclass(frozen=True, slots=True)
class PriceTerms:
    """One entry of a price list, valid within `[valid_from, valid_until)`; None is open. `via` says how it was computed."""

    list_id: int
    min_quantity: int
    amount_minor: int
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    via: str = ""


@dataclass(frozen=True, slots=True)
class RateTerms:
    """The rate of a tax class, valid within `[valid_from, valid_until)`."""

    tax_class: str
    basis_points: int
    valid_from: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True)
class Candidate:
    """A price that was considered, what the line would have cost by it, and why it was taken or lost.

    It is told with a quote: see `quoted` for the order of its fields.
    """

    price_list: str
    total_minor: int | None
    verdict: str
    via: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The list that was taken for an item, what its pieces cost by it, and what became of all lists."""

    chosen: ListTerms | None
    parts: tuple[tiers.Part, ...]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many pieces of a family come before an item's, and how many they are in all."""

    before: int
    whole: int


def holds(terms: PriceTerms | RateTerms, at: datetime) -> bool:
    """Whether terms are valid at an instant: from the first instant on, up to but not including the last."""
    return (terms.valid_from is None or terms.valid_from <= at) and (
        terms.valid_until is None or at < terms.valid_until
    )


def in_order(lists: Sequence[ListTerms], *, customer_group: str, contract: str) -> list[ListTerms]:
    """Return the lists that a customer may buy from, the one that wins first."""
    able = [
        terms for terms in lists if terms.customer_group in ("", customer_group) and terms.contract in ("", contract)
    ]
    return sorted(able, key=lambda terms: (*(not flag for flag in terms.specificity), -terms.priority, terms.id))


def families(items: Sequence[Item]) -> Mapping[int, Counted]:
    """Return, by position, how the pieces of a family are counted; items without a family are missing."""
    sums: dict[str, int] = {}
    before: dict[int, int] = {}
    for position, item in enumerate(items):
        if item.family and item.quantity > 0:
            before[position] = sums.get(item.family, 0)
            sums[item.family] = before[position] + item.quantity
    return {position: Counted(count, sums[items[position].family]) for position, count in before.items()}


def choose(
    item: Item,
    lists: Sequence[ListTerms],
    entries: Sequence[PriceTerms],
    at: datetime,
    *,
    policy: PricePolicy = PricePolicy.MOST_SPECIFIC,
    tax_basis_points: int = 0,
    family: Counted | None = None,
) -> Choice:
    """Return the list whose price counts for an item, and what became of the others. `lists` come best first.

    Prices of net lists are compared with the tax on top.
    """
    chosen: ListTerms | None = None
    chosen_parts: tuple[tiers.Part, ...] = ()
    least = 0
    candidates: list[tuple[ListTerms, int | None, Verdict | None, str]] = []
    quantity = abs(item.quantity)
    if len(entries) == 1 and family is None:  # the usual case: one list has one price for it
        (entry,) = entries
        for terms in lists:
            if (
                terms.id == entry.list_id
                and entry.min_quantity <= quantity
                and entry.min_quantity == 1
                and holds(entry, at)
            ):
                told = Candidate(terms.code, quantity * entry.amount_minor, _CHOSEN, entry.via)
                return Choice(terms, (tiers.Part(quantity, entry.amount_minor),), (told,))
    for terms in lists:
        offered = [entry for entry in entries if entry.list_id == terms.id]
        if not offered:
            continue
        valid = [entry for entry in offered if holds(entry, at)]
        if len(valid) > 1 and any(entry.via for entry in valid):  # what was set comes before what was computed
            valid = [entry for entry in valid if not entry.via] or valid
        steps = [tiers.Tier(entry.min_quantity, entry.amount_minor) for entry in valid]
        if family is not None and terms.counts_family:
            parts = tiers.parts(steps, quantity, terms.tier_mode, before=family.before, whole=family.whole)
        else:
            parts = tiers.parts(steps, quantity, terms.tier_mode)
        total = sum(part.total_minor for part in parts) if parts else None
        via = valid[0].via if valid else ""
        if total is None:
            verdict = Verdict.QUANTITY_TOO_SMALL if valid else Verdict.NOT_VALID_THEN
            candidates.append((terms, None, verdict, via))
            continue
        weight = rounding.BASIS_POINTS + (tax_basis_points if terms.basis is PriceBasis.NET else 0)
        if chosen is None or (policy is PricePolicy.LOWEST and total * weight < least):
            chosen, chosen_parts, least = terms, parts, total * weight
        candidates.append((terms, total, None, via))
    return Choice(
        chosen,
        chosen_parts,
        tuple(
            Candidate(terms.code, total, (verdict or _verdict(terms, chosen, policy)).value, via)
            for terms, total, verdict, via in candidates
        ),
    )


def _verdict(terms: ListTerms, chosen: ListTerms | None, policy: PricePolicy) -> Verdict:
    if chosen is None or terms is chosen:
        return Verdict.CHOSEN
    if policy is PricePolicy.LOWEST:
        return Verdict.DEARER
    if terms.specificity != chosen.specificity:
        return Verdict.LESS_SPECIFIC
    return Verdict.LOWER_PRIORITY if terms.priority != chosen.priority else Verdict.LATER_LIST


# --- unit price -----------------------------------------------------------------------------------------------------

# § 5 PAngV: per kilogram, litre, metre, square or cubic metre; by the piece where goods are offered so.
REFERENCES = {
    "g": (1000, "kg"),
    "ml": (1000, "l"),
    "cm": (100, "m"),
    "cm2": (10_000, "m²"),
    "cm3": (1_000_000, "m³"),
    "piece": (1, "piece"),
}


def unit_price(total_minor: int, quantity: int, content: Content | None) -> tuple[int, str] | None:
    """Return what a reference amount costs (Grundpreis), rounded once, and its name; None for goods without a content."""
    if content is None or quantity == 0:
        return None
    reference, name = REFERENCES[content.unit]
    return rounding.half_up(total_minor * reference, quantity * content.amount), name
