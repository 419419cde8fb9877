"""Rules compiled for one channel: what it must not see of many figures, in microseconds and fewer. [pure]

A plan holds for a span of time in which no rule starts or ends. It finds the rules of a product and place once and
remembers who won, so that the next question about the same level is a look into two dictionaries.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from inventory import cascade
from inventory.cascade import NOTHING, Rule, Taken, Terms

FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
MOST_REMEMBERED = 500_000  # levels; then a plan starts afresh

Figure = tuple[int, int, int, int]  # product_id, location_id, on_hand, free
Owed = Mapping[int, Mapping[int, int]]  # product_id → location_id → pieces that other channels have a right to


class Placed:
    """Rules by the places that they name; `is_local` says that those which name none may still differ from place to place."""

    __slots__ = ("anywhere", "by_place", "is_local")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.anywhere: list[Rule] = []
        self.by_place: dict[int, list[Rule]] = {}
        self.is_local = False
        for rule in rules:
            if rule.scope.location_ids is None:
                self.anywhere.append(rule)
                self.is_local = self.is_local or rule.window.is_daily or bool(rule.levels)
            else:
                for location_id in rule.scope.location_ids:
                    self.by_place.setdefault(location_id, []).append(rule)


class Places(dict[int, Terms | None]):
    """What holds for one product (or for all that no rule names) at each place; worked out when first asked for."""

    __slots__ = ("is_local", "of_all", "own", "plan", "product_id", "usual")

    def __init__(self, plan: "Plan", product_id: int, own: Placed, of_all: Placed) -> None:
        super().__init__()
        self.plan, self.product_id, self.own, self.of_all = plan, product_id, own, of_all
        self.is_local = own.is_local or of_all.is_local
        self.usual: list[Terms | None] = []  # what holds where no rule names the place, once that is known

    def __missing__(self, location_id: int) -> Terms | None:
        here = [*self.own.by_place.get(location_id, ()), *self.of_all.by_place.get(location_id, ())]
        if not here and not self.is_local and self.usual:
            terms = self.usual[0]
        else:
            rules = [*here, *self.own.anywhere, *self.of_all.anywhere]
            terms = self.plan.settle(rules, self.product_id, location_id)
            if not here and not self.is_local:
                self.usual.append(terms)
        self[location_id] = terms
        return terms


_NONE = Placed(())


class Plan:
    """The rules of one channel from `since` until before `until`."""

    def __init__(
        self,
        rules: Iterable[Rule],
        *,
        channel_id: int,
        is_till: bool,
        at: datetime,
        zone_of: Callable[[int], tzinfo],
        category_of: Callable[[int], str],
    ) -> None:
        """Compile `rules` for a channel at an instant. `zone_of` names a place's time zone, `category_of` a product's category."""
        self.since, self.until = FIRST, LAST
        self._at, self._zone_of, self._category_of = at, zone_of, category_of
        self._by_product: dict[int, list[Rule]] = {}
        self._by_category: dict[str, list[Rule]] = {}
        self._of_all: list[Rule] = []
        for rule in rules:
            if cascade.applies_to(rule, channel_id, is_till=is_till):
                self._narrow(rule, at)
                if rule.window.spans(at):
                    self._sort_in(rule)
        self._placed_of_all = Placed(self._of_all)
        self._common = Places(self, 0, _NONE, self._placed_of_all)  # all products that no rule names
        self._known: dict[int, Places] = {}

    def _narrow(self, rule: Rule, at: datetime) -> None:
        """Let the plan end where the rule starts or ends. Times of day are whole minutes of every time zone there is."""
        for edge in (rule.window.starts_at, rule.window.ends_at):
            if edge is not None and edge <= at:
                self.since = max(self.since, edge)
            elif edge is not None:
                self.until = min(self.until, edge)
        if rule.window.is_daily:
            minute = at.replace(second=0, microsecond=0)
            self.since, self.until = max(self.since, minute), min(self.until, minute + timedelta(minutes=1))

    def _sort_in(self, rule: Rule) -> None:
        if rule.scope.product_id is not None:
            self._by_product.setdefault(rule.scope.product_id, []).append(rule)
        elif rule.scope.category:
            self._by_category.setdefault(rule.scope.category, []).append(rule)
        else:
            self._of_all.append(rule)

    def holds_at(self, at: datetime) -> bool:
        return self.since <= at < self.until

    def places(self, product_id: int) -> Places:
        """Return what holds for a product at each place."""
        known = self._known.get(product_id)
        if known is None:
            if len(self._known) * max(len(self._common), 1) > MOST_REMEMBERED:
                self._known = {}
            known = self._known[product_id] = self._find(product_id)
        return known

    def _find(self, product_id: int) -> Places:
        own = list(self._by_product.get(product_id, ()))
        if self._by_category:
            own += self._by_category.get(self._category_of(product_id), ())
        if not own and not any(rule.levels for rule in self._of_all):
            return self._common
        return Places(self, product_id, Placed(own), self._placed_of_all)

    def settle(self, rules: Sequence[Rule], product_id: int, location_id: int) -> Terms | None:
        """Return who wins of rules that are about the product and the place, as far as they run there now."""
        matching = [
            rule
            for rule in rules
            if not rule.window.is_daily or rule.window.is_running(self._at, self._zone_of(location_id))
        ]
        return cascade.settle(matching, product_id, location_id) if matching else None

    def withheld(self, figures: Sequence[Figure], owed: Owed) -> list[int]:
        """Return for each figure how many of its free pieces the channel must not see."""
        found = [0] * len(figures)
        last, places, others = None, self._common, None  # figures mostly come product by product
        for index, (product_id, location_id, on_hand, free) in enumerate(figures):
            if product_id != last:
                last, places, others = product_id, self.places(product_id), owed.get(product_id)
            terms = places[location_id]
            if others is not None:
                pieces = others.get(location_id, 0)
                if pieces or terms is not None:
                    found[index] = (terms or NOTHING).withheld(on_hand, free, pieces)
            elif terms is not None:
                found[index] = terms.withheld(on_hand, free)
        return found

    def explain(self, figure: Figure, owed: Owed) -> list[Taken]:
        """Return who takes how many pieces from one figure; they sum to what `withheld` says."""
        product_id, location_id, on_hand, free = figure
        terms = self.places(product_id)[location_id] or NOTHING
        return terms.explain(on_hand, free, owed.get(product_id, {}).get(location_id, 0))
