"""Which promotions a basket has to ask: found by product, category and coupon, not by trying all of them. [pure]"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from pricing.promotions import asked, public, windows
from pricing.promotions.basket import Line
from pricing.promotions.effects import Allowance, Candidate
from pricing.promotions.terms import (
    AmountOff,
    Bundle,
    BuyGet,
    Content,
    FixedPrice,
    FreeShipping,
    Gift,
    Goods,
    Group,
    PercentOff,
    Promotion,
    Stacking,
    Stock,
    Tiered,
)

NO_LIMIT = Allowance()
_ON_GOODS_ALONE = (PercentOff, AmountOff, FixedPrice, Tiered)
CATEGORIES_KEPT = 4_096  # with those above them


@dataclass(frozen=True, slots=True)
class Situation:
    """Who buys, where and how, as far as promotions ask.

    `codes` are normalised; `batches` says which of them belong to a batch that was made. `allowances` says what is left
    of limits, by promotion; one that is missing has no limit.
    """

    customer_group: str = ""
    segments: frozenset[str] = frozenset()
    loyalty_tier: str = ""
    is_first_order: bool | None = None
    location: str = ""
    payment_method: str = ""
    codes: tuple[str, ...] = ()
    batches: Mapping[str, str] = field(default_factory=dict)
    allowances: Mapping[str, Allowance] = field(default_factory=dict)


NOBODY = Situation()


@dataclass(slots=True)
class Slot:
    """Promotions that are applied at one place of the order: one, or a group. Nobody changes one."""

    key: tuple[int, int, str]
    group: Group | None
    candidates: tuple[Candidate, ...]


class Index:
    """The promotions of one version that can hold on a channel, in a country and currency."""

    __slots__ = (
        "_anything",
        "_asks",
        "_by_category",
        "_by_code",
        "_by_prefix",
        "_by_sku",
        "_found_by",
        "_gifts",
        "_groups",
        "_keys",
        "_meant",
        "_near_by_category",
        "_near_by_sku",
        "_place",
        "asked",
        "has_batches",
        "has_limits",
        "needs_stock",
        "promotions",
        "public",
        "stacking",
    )

    def __init__(self, content: Content, *, channel: str = "", country: str = "", currency: str = "") -> None:
        self.stacking: Stacking = content.stacking
        self._groups = {group.code: group for group in content.stacking.groups}
        able = [one for one in content.promotions if _is_for(one, channel, country, currency)]
        able.sort(key=self._key)
        self.promotions: tuple[Promotion, ...] = tuple(able)
        self._place = {one.id: place for place, one in enumerate(able)}
        self._keys = {one.id: self._key(one)[:3] for one in able}
        self._asks = [_asks(one) for one in able]
        self._found_by: dict[int, Goods] = {}  # by place: goods whose lines are those that it was found by
        self.asked = asked.by(able)
        self.has_limits = any(one.limits.is_limited for one in able)
        self.needs_stock = any(one.conditions.stock is not None for one in able)
        self.has_batches = any(one.conditions.coupon is not None and one.conditions.coupon.batches for one in able)
        self.public = frozenset(one.id for one in able if public.is_public(one))
        self._by_sku: dict[str, list[int]] = {}
        self._by_category: dict[str, list[int]] = {}
        self._anything: list[int] = []
        self._meant: dict[int, Meant] = {}  # by the identity of goods that this index keeps alive
        self._gifts: list[int] = []
        self._near_by_sku: dict[str, list[int]] = {}  # what of a promotion is not what it is found by
        self._near_by_category: dict[str, list[int]] = {}
        self._by_code: dict[str, list[int]] = {}
        self._by_prefix: list[tuple[str, int]] = []
        for place, one in enumerate(able):
            self._enter(place, one)

    def _key(self, one: Promotion) -> tuple[int, int, str, int, str]:
        group = self._groups.get(one.group) if one.group else None
        if group is not None:
            return group.phase, -group.priority, f"group:{group.code}", -one.priority, one.id
        return one.phase, -one.priority, one.id, 0, one.id

    def _enter(self, place: int, one: Promotion) -> None:
        coupon = one.conditions.coupon
        if coupon is not None:
            for code in coupon.codes:
                self._by_code.setdefault(code, []).append(place)
            self._by_prefix.extend((prefix, place) for prefix in coupon.prefixes)
            for batch in coupon.batches:
                self._by_code.setdefault(f"batch:{batch}", []).append(place)
            return
        self._enter_nearby(place, one)
        goods = one.benefit.parts[0].goods if isinstance(one.benefit, Bundle) else one.goods
        if isinstance(one.benefit, Gift | FreeShipping) or not (goods.products or goods.categories):
            self._anything.append(place)
            return
        if not (goods.except_products or goods.except_categories):
            self._found_by[place] = goods
        for sku in goods.products:
            self._by_sku.setdefault(sku, []).append(place)
        for category in goods.categories:
            self._by_category.setdefault(category, []).append(place)

    def _enter_nearby(self, place: int, one: Promotion) -> None:
        """Enter what a basket may hold of a promotion whose own goods it lacks."""
        benefit, others = one.benefit, list[Goods]()
        if isinstance(benefit, Gift):
            self._gifts.append(place)
        elif isinstance(benefit, Bundle):
            others = [part.goods for part in benefit.parts[1:]]
        elif isinstance(benefit, BuyGet) and benefit.rewarded is not None:
            others = [benefit.rewarded]
        for goods in others:
            for sku in goods.products:
                self._near_by_sku.setdefault(sku, []).append(place)
            for category in goods.categories:
                self._near_by_category.setdefault(category, []).append(place)

    def unlocked(self, codes: Iterable[str], batches: Mapping[str, str] = {}) -> dict[int, str]:
        """Return the promotions that codes unlock, by place, each with the first code that does."""
        found: dict[int, str] = {}
        for code in codes:
            places = list(self._by_code.get(code, ()))
            if code in batches:
                places += self._by_code.get(f"batch:{batches[code]}", ())
            places += [place for prefix, place in self._by_prefix if code.startswith(prefix) and code != prefix]
            for place in places:
                found.setdefault(place, code)
        return found

    def candidates(
        self, lines: Sequence[Line], situation: Situation, at: datetime, *, unlocked: Mapping[int, str] | None = None
    ) -> list[Candidate]:
        """Return the promotions that hold for somebody at an instant and mean goods of the basket, in their order."""
        if unlocked is None:
            unlocked = self.unlocked(situation.codes, situation.batches) if situation.codes else {}
        hits: dict[int, list[int]] = {}
        by_sku, by_category = self._by_sku, self._by_category
        for position, line in enumerate(lines):
            found_by: Sequence[int] = by_sku.get(line.sku, ())
            if by_category:
                found_by = [*found_by, *(one for name in ancestry(line.category) for one in by_category.get(name, ()))]
            if not found_by:
                continue
            is_goods = not (line.is_charge or line.is_fixed)
            for place in found_by:
                found_at = hits.setdefault(place, [])
                if is_goods and (not found_at or found_at[-1] != position):
                    found_at.append(position)
        places = sorted({*self._anything, *unlocked, *hits})
        if not places:
            return []
        matcher = Matcher(lines, self._meant)
        for place, found_at in hits.items():
            if place in self._found_by:
                matcher.know(self._found_by[place], found_at)
        found = []
        for place in places:
            promotion = self.promotions[place]
            if self._asks[place] and not (
                is_for_buyer(promotion, situation) and windows.holds(promotion.conditions, at)
            ):
                continue
            allowance = situation.allowances.get(promotion.id, NO_LIMIT)
            candidate = matcher.candidate(promotion, unlocked.get(place, ""), allowance)
            if candidate is not None:
                found.append(candidate)
        return found

    def nearby(
        self, lines: Sequence[Line], situation: Situation, at: datetime, candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """Return promotions that would hold if some goods came into the basket: gifts, sets of which it holds a part, and
        those that a code unlocked.

        None that is limited or asks for stock: whether anything of those is left is asked only for what is in the basket.
        """
        unlocked = self.unlocked(situation.codes, situation.batches) if situation.codes else {}
        places = {*self._gifts, *unlocked}
        if self._near_by_sku or self._near_by_category:
            for line in lines:
                places.update(self._near_by_sku.get(line.sku, ()))
                for name in ancestry(line.category):
                    places.update(self._near_by_category.get(name, ()))
        known = {self._place[one.promotion.id] for one in candidates}
        places -= known
        if not places:
            return []
        matcher = Matcher(lines, self._meant)
        found = []
        for place in sorted(places):
            promotion = self.promotions[place]
            if promotion.conditions.stock is not None or promotion.limits.is_limited:
                continue
            if self._asks[place] and not (
                is_for_buyer(promotion, situation) and windows.holds(promotion.conditions, at)
            ):
                continue
            one = matcher.candidate(promotion, unlocked.get(place, ""), NO_LIMIT, needs_goods=False)
            if one is not None:
                found.append(one)
        return found

    def on(self, sku: str, category: str) -> list[Promotion]:
        """Return the promotions without a coupon that may mean a product, in their order."""
        places = {*self._anything, *self._by_sku.get(sku, ())}
        for name in ancestry(category):
            places.update(self._by_category.get(name, ()))
        return [self.promotions[place] for place in sorted(places)]

    def slots(self, candidates: Iterable[Candidate]) -> list[Slot]:
        """Return candidates by where they are applied. `candidates` come in their order."""
        together: list[list[Candidate]] = []
        last: tuple[int, int, str] | None = None
        for one in candidates:
            key = self._keys[one.promotion.id]
            if key == last:
                together[-1].append(one)
            else:
                together.append([one])
                last = key
        return [
            Slot(self._keys[ones[0].promotion.id], self._groups.get(ones[0].promotion.group), tuple(ones))
            for ones in together
        ]

    def place_of(self, promotion_id: str) -> int:
        """Return where in the order a promotion stands."""
        return self._place[promotion_id]


@lru_cache(maxsize=CATEGORIES_KEPT)
def ancestry(category: str) -> tuple[str, ...]:
    """Return a category and those above it: "Garden/Tools" lies in "Garden/Tools" and in "Garden"."""
    found = [category] if category else []
    while "/" in category:
        category = category.rpartition("/")[0]
        found.append(category)
    return tuple(found)


@lru_cache(maxsize=CATEGORIES_KEPT)
def _above(category: str) -> frozenset[str]:
    return frozenset(ancestry(category))


def _is_for(promotion: Promotion, channel: str, country: str, currency: str) -> bool:
    terms = promotion.conditions
    return (
        (not terms.channels or channel in terms.channels)
        and (not terms.countries or country in terms.countries)
        and (not terms.currencies or currency in terms.currencies)
    )


def _asks(promotion: Promotion) -> bool:
    """Whether a promotion asks when, by whom, where or how is bought."""
    terms = promotion.conditions
    return bool(
        terms.valid_from or terms.valid_until or terms.hours or terms.customer_groups or terms.segments
        or terms.except_segments or terms.loyalty_tiers or terms.is_first_order is not None or terms.locations
        or terms.payment_methods
    )  # fmt: skip


def is_for_buyer(promotion: Promotion, situation: Situation) -> bool:
    """Whether a promotion is meant for who buys, where they buy and how they pay."""
    terms = promotion.conditions
    return not (
        (terms.customer_groups and situation.customer_group not in terms.customer_groups)
        or (terms.segments and not situation.segments.intersection(terms.segments))
        or (terms.except_segments and situation.segments.intersection(terms.except_segments))
        or (terms.loyalty_tiers and situation.loyalty_tier not in terms.loyalty_tiers)
        or (terms.is_first_order is not None and situation.is_first_order is not terms.is_first_order)
        or (terms.locations and situation.location not in terms.locations)
        or (terms.payment_methods and situation.payment_method not in terms.payment_methods)
    )


class Meant:
    """Goods in a form in which a line is looked up at once."""

    __slots__ = ("categories", "except_categories", "except_products", "is_everything", "products")

    def __init__(self, goods: Goods) -> None:
        self.is_everything = goods.is_everything
        self.products, self.categories = frozenset(goods.products), frozenset(goods.categories)
        self.except_products = frozenset(goods.except_products)
        self.except_categories = frozenset(goods.except_categories)

    def holds(self, sku: str, above: frozenset[str]) -> bool:
        """Whether a product in some categories is meant."""
        if (self.products or self.categories) and not (sku in self.products or not above.isdisjoint(self.categories)):
            return False
        return sku not in self.except_products and above.isdisjoint(self.except_categories)


class Matcher:
    """Finds the lines that goods mean, once for goods that several promotions mean."""

    def __init__(self, lines: Sequence[Line], meant: dict[int, Meant]) -> None:
        self._lines = lines
        self._meant = meant
        self._known: dict[int, tuple[int, ...]] = {}
        self._all = tuple(place for place, line in enumerate(lines) if not (line.is_charge or line.is_fixed))

    def know(self, goods: Goods, positions: Sequence[int]) -> None:
        """Learn which lines some goods mean from who found them already."""
        self._known[id(goods)] = tuple(positions)

    def positions(self, goods: Goods) -> tuple[int, ...]:
        """Return the positions of the lines that are meant. `goods` belong to a promotion of the index."""
        meant = self._meant.get(id(goods))
        if meant is None:
            meant = self._meant[id(goods)] = Meant(goods)
        if meant.is_everything:
            return self._all
        known = self._known.get(id(goods))
        if known is None:
            lines = self._lines
            known = tuple([one for one in self._all if meant.holds(lines[one].sku, _above(lines[one].category))])
            self._known[id(goods)] = known
        return known

    def candidate(
        self, promotion: Promotion, code: str, allowance: Allowance, *, needs_goods: bool = True
    ) -> Candidate | None:
        """Return a promotion with its lines, or None when none of them is in the basket and it `needs_goods`."""
        benefit, stock, minimum = promotion.benefit, promotion.conditions.stock, promotion.conditions.minimum
        if stock is None and type(benefit) in _ON_GOODS_ALONE:
            positions = self.positions(promotion.goods)
            if needs_goods and not positions:
                return None
            counted = self.positions(minimum.goods) if minimum is not None else ()
            return Candidate(promotion, positions, (), counted, code, allowance)
        parts: tuple[tuple[int, ...], ...] = ()
        if isinstance(benefit, FreeShipping):
            positions = self._charges(benefit)
        else:
            positions = self._in_stock(self.positions(promotion.goods), stock)
        if isinstance(benefit, Bundle):
            parts = tuple(self._in_stock(self.positions(part.goods), stock) for part in benefit.parts)
            positions = tuple(sorted({one for part in parts for one in part}))
        elif isinstance(benefit, BuyGet) and benefit.rewarded is not None:
            parts = (self._in_stock(self.positions(benefit.rewarded), stock),)
        elif isinstance(benefit, Gift):
            parts = (tuple(one for one in self._all if self._lines[one].sku == benefit.sku),)
        if needs_goods and not positions and not isinstance(benefit, FreeShipping):
            return None
        counted = self.positions(minimum.goods) if minimum is not None else ()
        return Candidate(promotion, positions, parts, counted, code, allowance)

    def _charges(self, terms: FreeShipping) -> tuple[int, ...]:
        wanted = frozenset(terms.categories)
        return tuple(
            place
            for place, line in enumerate(self._lines)
            if line.is_charge and not line.is_fixed and (not wanted or not _above(line.category).isdisjoint(wanted))
        )

    def _in_stock(self, positions: tuple[int, ...], terms: Stock | None) -> tuple[int, ...]:
        if terms is None:
            return positions
        return tuple(one for one in positions if _has(terms, self._lines[one]))


def _has(terms: Stock, line: Line) -> bool:
    facts = line.stock
    if facts is None:
        return False
    if terms.least_available is not None and facts.available < terms.least_available:
        return False
    if terms.least_cover_days is not None and (facts.cover_days is None or facts.cover_days < terms.least_cover_days):
        return False
    return terms.most_cover_days is None or (facts.cover_days is not None and facts.cover_days <= terms.most_cover_days)
