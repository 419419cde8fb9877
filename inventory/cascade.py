"""The cascade: how many pieces of what is free a channel must not see, from rules, and why. [pure]

A rule says how much (`kind` and `amount`), why (`purpose`), for whom and what (`scope`) and when (`window`):

- fixed: keep `amount` pieces back. percentage: keep `amount` per cent of what is on hand back, rounded up to whole pieces.
- cut_off: what is left is shown only if it is at least `amount` pieces. cap: at most `amount` pieces are shown.
- buffer: safety against figures that lag behind. holdback: stock for people who walk in; tills never hear of it.
  measured: what a dynamic policy keeps back at the moment; a buffer that was measured instead of chosen.

For one figure (a channel, a product, a place) the rules that match and run at the instant are reduced like this:

1. Of each purpose and kind the most specific rule wins. Specificity compares the product first (a product, a category, all),
   then the place (a place, a group, all), then the channel (one, all). Equals: the higher priority, then the stricter amount,
   then the older rule. So a rule for less can loosen a rule for more, and the order in which rules come changes nothing.
2. Different kinds combine in this order. What a purpose keeps back is the larger of its fixed and its percentage winner:
   both are floors under the same pieces. Buffer and measured are one purpose here, so the larger of them counts.
   Holdback and buffer add up: a piece for a walk-in customer is no safety for anyone else.
   left = free − holdback − buffer − what is still owed to other channels, never below 0
   cut-off: less than its amount left → 0. Then cap: at most its amount.
3. withheld = free − left: never below 0, never above free.

More pieces at a place never mean that fewer are shown (with the same rules at the same instant).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, tzinfo
from enum import StrEnum


class RuleKind(StrEnum):
    FIXED = "fixed"
    PERCENTAGE = "percentage"
    CAP = "cap"
    CUT_OFF = "cut_off"


class Purpose(StrEnum):
    BUFFER = "buffer"
    HOLDBACK = "holdback"
    MEASURED = "measured"


class RuleState(StrEnum):
    DRAFT = "draft"
    ACTIVE = "active"
    RETIRED = "retired"


OBLIGATION = "obligation"  # the kind of what is withheld for another channel, beside those of rules
MOST_PIECES = 1_000_000_000  # a larger amount is a slip of the hand


@dataclass(frozen=True, slots=True)
class Scope:
    """What a rule is about. Nothing given means all: channels, places, products."""

    channel_id: int | None = None
    location_ids: frozenset[int] | None = None
    is_group: bool = False  # the places are meant together, as a group
    product_id: int | None = None
    category: str = ""

    @property
    def rank(self) -> tuple[int, int, int]:
        """How specific: product, place, channel; larger wins."""
        product = 2 if self.product_id is not None else 1 if self.category else 0
        place = 0 if self.location_ids is None else 1 if self.is_group else 2
        return product, place, int(self.channel_id is not None)

    def covers(self, product_id: int, category: str, location_id: int) -> bool:
        """Whether a product at a place is meant."""
        return (
            (self.product_id is None or self.product_id == product_id)
            and (not self.category or self.category == category)
            and (self.location_ids is None or location_id in self.location_ids)
        )

    def may_meet(self, other: "Scope") -> bool:
        """Whether some figure may be in both scopes. A product and a category are taken to meet: the category may hold it."""
        return (
            (self.channel_id is None or other.channel_id is None or self.channel_id == other.channel_id)
            and (
                self.location_ids is None or other.location_ids is None or bool(self.location_ids & other.location_ids)
            )
            and (self.product_id is None or other.product_id is None or self.product_id == other.product_id)
            and (not self.category or not other.category or self.category == other.category)
        )


@dataclass(frozen=True, slots=True)
class Window:
    """When a rule runs: from `starts_at` until before `ends_at`; each day from `daily_from` until before `daily_until`, as
    the clock on the wall of the place shows it. Later than its end, the daily time goes over midnight.

    The wall clock decides, so an hour that a change of clocks skips is just missing, and one that comes twice counts twice.
    """

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    daily_from: time | None = None
    daily_until: time | None = None

    @property
    def is_daily(self) -> bool:
        return self.daily_from is not None and self.daily_until is not None

    def spans(self, at: datetime) -> bool:
        """Whether the instant lies between start and end, whatever the time of day."""
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)

    def is_running(self, at: datetime, zone: tzinfo) -> bool:
        """Whether a rule runs at an instant, at a place in this time zone."""
        if not self.spans(at):
            return False
        if self.daily_from is None or self.daily_until is None:
            return True
        clock = at.astimezone(zone).time()
        if self.daily_from < self.daily_until:
            return self.daily_from <= clock < self.daily_until
        return clock >= self.daily_from or clock < self.daily_until

    def may_meet(self, other: "Window") -> bool:
        """Whether both may run at one instant; times of day are taken to meet."""
        return (self.ends_at is None or other.starts_at is None or other.starts_at < self.ends_at) and (
            other.ends_at is None or self.starts_at is None or self.starts_at < other.ends_at
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `levels` are the pieces that a dynamic policy keeps back at single products and places instead of `amount`."""

    id: int
    name: str
    purpose: Purpose
    kind: RuleKind
    amount: int
    scope: Scope = field(default_factory=Scope)
    priority: int = 0
    window: Window = field(default_factory=Window)
    levels: Mapping[tuple[int, int], int] | None = None

    @property
    def strictness(self) -> int:
        """Larger withholds more, among rules of one kind."""
        return -self.amount if self.kind is RuleKind.CAP else self.amount

    def withholds_everything(self) -> bool:
        """Whether nothing is left of any stock while the rule wins: a percentage of 100, a cap of 0."""
        return (self.kind is RuleKind.PERCENTAGE and self.amount >= 100) or (
            self.kind is RuleKind.CAP and self.amount == 0
        )

    def at(self, product_id: int, location_id: int) -> "Rule":
        """Return the rule with the amount that counts for a product at a place."""
        amount = self.levels.get((product_id, location_id), self.amount) if self.levels else self.amount
        return self if amount == self.amount else replace(self, amount=amount)


@dataclass(frozen=True, slots=True)
class Taken:
    """Pieces that one rule, or an obligation (`rule` None), takes from what is free."""

    rule: Rule | None
    pieces: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The rules that won for one figure, at most one per purpose and kind."""

    holdback_fixed: Rule | None = None
    holdback_percentage: Rule | None = None
    buffer_fixed: Rule | None = None
    buffer_percentage: Rule | None = None
    measured: Rule | None = None
    cut_off: Rule | None = None
    cap: Rule | None = None

    def withheld(self, on_hand: int, free: int, owed: int = 0) -> int:
        """Return how many of `free` pieces are withheld; `owed` is what other channels still have a right to."""
        if free <= 0:
            return 0
        left = free - self._kept(self.holdback_fixed, self.holdback_percentage, None, on_hand) - owed
        left -= self._kept(self.buffer_fixed, self.buffer_percentage, self.measured, on_hand)
        if left <= 0 or (self.cut_off is not None and left < self.cut_off.amount):
            return free
        if self.cap is not None and left > self.cap.amount:
            return free - self.cap.amount
        return free - left

    @staticmethod
    def _kept(fixed: Rule | None, percentage: Rule | None, measured: Rule | None, on_hand: int) -> int:
        kept = fixed.amount if fixed is not None else 0
        if percentage is not None:
            kept = max(kept, share(on_hand, percentage.amount))
        return max(kept, measured.amount) if measured is not None else kept

    def explain(self, on_hand: int, free: int, owed: int = 0) -> list[Taken]:
        """Return who takes how much, in the order of the cascade; the pieces sum to `withheld` of the same figure."""
        left, taken = max(free, 0), []

        def take(rule: Rule | None, pieces: int) -> None:
            nonlocal left
            pieces = min(pieces, left)
            if pieces > 0:
                taken.append(Taken(rule, pieces))
                left -= pieces

        take(*_larger([self.holdback_fixed, self.holdback_percentage], on_hand))
        take(*_larger([self.buffer_fixed, self.buffer_percentage, self.measured], on_hand))
        take(None, owed)
        if self.cut_off is not None and left < self.cut_off.amount:
            take(self.cut_off, left)
        if self.cap is not None:
            take(self.cap, left - self.cap.amount)
        return taken


NOTHING = Terms()


def share(on_hand: int, percentage: int) -> int:
    """Return a percentage of pieces, rounded up to whole ones."""
    return -(-on_hand * percentage // 100) if on_hand > 0 else 0


def settle(rules: Iterable[Rule], product_id: int, location_id: int) -> Terms | None:
    """Reduce the rules that match a figure and run now to those that win, or return None when there are none."""
    winners: dict[tuple[Purpose, RuleKind], Rule] = {}
    for rule in rules:
        there, place = rule.at(product_id, location_id), (rule.purpose, rule.kind)
        # Caps and cut-offs are of one kind whatever they are for: two purposes can't show two numbers.
        if rule.kind in (RuleKind.CAP, RuleKind.CUT_OFF):
            place = (Purpose.BUFFER, rule.kind)
        best = winners.get(place)
        if best is None or _strength(there) > _strength(best):
            winners[place] = there
    if not winners:
        return None
    return Terms(
        holdback_fixed=winners.get((Purpose.HOLDBACK, RuleKind.FIXED)),
        holdback_percentage=winners.get((Purpose.HOLDBACK, RuleKind.PERCENTAGE)),
        buffer_fixed=winners.get((Purpose.BUFFER, RuleKind.FIXED)),
        buffer_percentage=winners.get((Purpose.BUFFER, RuleKind.PERCENTAGE)),
        measured=winners.get((Purpose.MEASURED, RuleKind.FIXED)),
        cut_off=winners.get((Purpose.BUFFER, RuleKind.CUT_OFF)),
        cap=winners.get((Purpose.BUFFER, RuleKind.CAP)),
    )


def applies_to(rule: Rule, channel_id: int, *, is_till: bool) -> bool:
    """Whether a channel hears of a rule at all: holdbacks are for people at the till, so tills never do."""
    if rule.purpose is Purpose.HOLDBACK and is_till:
        return False
    return rule.scope.channel_id is None or rule.scope.channel_id == channel_id


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two rules of which it can't be meant that both hold: `how` is equal_rank, loosens, or cap_below_cut_off."""

    how: str
    rule: Rule
    other: Rule


def contradictions(rule: Rule, others: Iterable[Rule]) -> list[Contradiction]:
    """Return the rules that may meet `rule` at some figure and say something that doesn't fit together with it.

    equal_rank: the same kind, as specific, the same priority, another amount (the stricter one wins).
    loosens: the more specific of two rules of one kind shows more than the broader one meant to.
    cap_below_cut_off: a channel may see at most n, and nothing below more than n.
    """
    found = []
    for other in others:
        if other.id == rule.id or not rule.scope.may_meet(other.scope) or not rule.window.may_meet(other.window):
            continue
        if other.kind is rule.kind and (other.purpose is rule.purpose or rule.kind in (RuleKind.CAP, RuleKind.CUT_OFF)):
            if other.amount == rule.amount:
                continue
            if (other.scope.rank, other.priority) == (rule.scope.rank, rule.priority):
                found.append(Contradiction("equal_rank", rule, other))
            else:
                winner, loser = (rule, other) if _strength(rule) > _strength(other) else (other, rule)
                if winner.strictness < loser.strictness:
                    found.append(Contradiction("loosens", winner, loser))
        elif {rule.kind, other.kind} == {RuleKind.CAP, RuleKind.CUT_OFF}:
            cap, cut_off = (rule, other) if rule.kind is RuleKind.CAP else (other, rule)
            if cap.amount < cut_off.amount:
                found.append(Contradiction("cap_below_cut_off", cap, cut_off))
    return found


def _strength(rule: Rule) -> tuple[tuple[int, int, int], int, int, int]:
    return rule.scope.rank, rule.priority, rule.strictness, -rule.id


def _larger(rules: Iterable[Rule | None], on_hand: int) -> tuple[Rule | None, int]:
    """Return the rule that keeps the most back, with its pieces; of equals the first."""
    kept = [
        (rule, share(on_hand, rule.amount) if rule.kind is RuleKind.PERCENTAGE else rule.amount)
        for rule in rules
        if rule is not None
    ]
    return max(kept, key=lambda pair: pair[1], default=(None, 0))
