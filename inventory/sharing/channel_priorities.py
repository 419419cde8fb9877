"""Whose turn it is when goods are scarce: the priorities of channels that replenishment rules name, as every queue asks for them.

1 comes first, 9 last; a channel that no rule names is 9. Of the active rules that name any priorities the narrowest that covers
the goods and the place decides, so a rule that says nothing of channels changes nothing. Within one priority the oldest comes
first, as it does everywhere while no rule names a channel.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from commerce import queries
from inventory.models import ReplenishmentRule
from inventory.places import groups
from inventory.sharing import buffers

FIRST, LAST = 1, 9
FRESH_FOR_SECONDS = 5.0  # how long a process may answer from its own copy


@dataclass(frozen=True, slots=True)
class Ranking:
    """The priorities that hold for a product at a place, by channel id, and the rule that says so."""

    rule_id: int
    rule: str
    ranks: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class _Rule:
    product_id: int | None
    category: str
    location_id: int | None
    group_id: int | None
    ranking: Ranking

    def covers(self, product_id: int, category: str, location_id: int | None) -> bool:
        if self.product_id not in (None, product_id) or self.category not in ("", category):
            return False
        if self.location_id is not None:
            return self.location_id == location_id
        return self.group_id is None or location_id in groups.members().get(self.group_id, frozenset())


_lock = Lock()
_remembered: tuple[float, tuple[_Rule, ...]] = (0.0, ())


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _remembered
    _remembered = (0.0, ())


def are_named() -> bool:
    """Whether any rule names a channel's priority: where none does, nobody has to ask further."""
    return bool(_rules())


def ranking(product_id: int, location_id: int | None) -> Ranking | None:
    """Return what holds for a product at a place, or wherever it is (None); None where no rule names a channel."""
    rules = _rules()
    if not rules:
        return None
    category = buffers.category_of(product_id)
    return next((one.ranking for one in rules if one.covers(product_id, category, location_id)), None)


def rank(channel_id: int | None, product_id: int, location_id: int | None) -> int:
    """Return when it is a channel's turn: FIRST to LAST, where who is named nowhere stands."""
    found = ranking(product_id, location_id)
    return LAST if found is None or channel_id is None else found.ranks.get(channel_id, LAST)


def _rules() -> tuple[_Rule, ...]:
    """Return the rules that name channels, the narrowest first, of equals the oldest."""
    global _remembered
    read_at, rules = _remembered
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        with _lock:
            rows = list(ReplenishmentRule.objects.filter(is_active=True).exclude(channel_priorities={}).order_by("id"))
            codes = {channel.code: channel.id for channel in queries.channels()} if rows else {}
            rules = tuple(sorted((_read(row, codes) for row in rows), key=_width))
            _remembered = (time.monotonic(), rules)
    return rules


def _read(row: ReplenishmentRule, codes: Mapping[str, int]) -> _Rule:
    ranks = {codes[code]: rank for code, rank in row.channel_priorities.items() if code in codes}
    return _Rule(row.product_id, row.category, row.location_id, row.group_id, Ranking(row.pk, row.name, ranks))


def _width(rule: _Rule) -> tuple[int, int, int]:
    goods = 0 if rule.product_id is not None else 1 if rule.category else 2
    places = 0 if rule.location_id is not None else 1 if rule.group_id is not None else 2
    return goods, places, rule.ranking.rule_id
