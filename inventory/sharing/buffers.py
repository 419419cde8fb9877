"""Buffers: what a channel must not see of what is free, and why. Asked by everyone who promises, under locks, too.

Answers come from a copy of all active rules in this process. Once a second at most it asks for one token whether
anything changed; with live obligations it reads besides what was taken from them. What a process answers is thus at
most FRESH_FOR_SECONDS behind a commit; an obligation that was partly taken meanwhile is withheld a little too much,
never too little. Time zones of places and categories of products count within MOST_SECONDS.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from commerce import catalog, clock, queries
from commerce.queries import ChannelRef
from inventory.cascade import OBLIGATION, Purpose, Rule, RuleKind, RuleState, Scope, Taken, Window
from inventory.models import BufferRule, DynamicBuffer, DynamicPolicy, Obligation, ObligationShare
from inventory.places import groups as location_groups
from inventory.places import locations
from inventory.sharing import news, owing, scopes
from inventory.sharing.plan import FIRST, LAST, Figure, Owed, Plan

FRESH_FOR_SECONDS = 1.0
MOST_SECONDS = 60.0  # a copy is read anew after that, whatever the token says
KEPT_AFTER_END = timedelta(days=1)  # questions about a moment ago still meet what ended just now


@dataclass(frozen=True, slots=True)
class Withheld:
    """Pieces that one rule withholds. `rule_id` is a rule's, a dynamic policy's (kind measured), or an obligation's (kind
    obligation, 0 when several take part); `reason` is a plain English sentence without its subject.
    """

    rule_id: int
    name: str
    kind: str
    quantity: int
    reason: str


@dataclass(frozen=True, slots=True)
class Live:
    """An obligation that may hold, with where its owed pieces were kept when that was last drawn."""

    id: int
    channel_id: int
    scope: Scope
    quantity: int
    taken: int
    window: Window
    shares: Mapping[tuple[int, int], int]

    def kept(self) -> Mapping[tuple[int, int], int]:
        """Return at which levels how many pieces are withheld from others now."""
        owed = self.quantity - self.taken
        if owed <= 0:
            return {}
        places = self.scope.location_ids
        if self.scope.product_id is not None and places is not None and len(places) == 1:
            return {(self.scope.product_id, next(iter(places))): owed}
        return owing.trimmed(self.shares, owed)


@dataclass(slots=True)
class _Owed:
    """What a channel must leave to others, as long as no obligation starts or ends."""

    since: datetime
    until: datetime
    pieces: Owed


@dataclass(slots=True)
class _Copy:
    """All that is withheld, as this process read it; plans and sums are worked out per channel when asked for."""

    token: UUID | None
    read_at: float
    rules: list[Rule]
    live: list[Live]
    tills: frozenset[int]
    plans: dict[int, Plan] = field(default_factory=dict)
    owed: dict[int, _Owed] = field(default_factory=dict)


_EMPTY = _Copy(None, 0.0, [], [], frozenset())
_copy: _Copy = _EMPTY
_checked_at = 0.0  # 0: never
_lock = threading.Lock()


def withheld(channel_id: int | None, figures: Sequence[Figure], *, at: datetime) -> list[int]:
    """Return for each figure (product_id, location_id, on_hand, free) how many free pieces the channel must not see.

    Never below 0, never above free. Without a channel it is the house itself that asks: nothing is withheld.
    """
    if channel_id is None:
        return [0] * len(figures)
    copy = _current()
    if not copy.rules and not copy.live:
        return [0] * len(figures)
    return _plan(copy, channel_id, at).withheld(figures, _owed(copy, channel_id, at))


def explain(
    channel_id: int | None, product_id: int, location_id: int, *, on_hand: int, free: int, at: datetime
) -> list[Withheld]:
    """Return who withholds how many pieces of one figure, in the order of the cascade; they sum to what `withheld` says."""
    if channel_id is None:
        return []
    copy = _current()
    owed = _owed(copy, channel_id, at)
    taken = _plan(copy, channel_id, at).explain((product_id, location_id, on_hand, free), owed)
    return [_told(copy, one, channel_id, product_id, location_id, on_hand=on_hand, at=at) for one in taken]


def active_rules() -> list[Rule]:
    """Return the rules and dynamic policies that are active, running or not, as this process knows them."""
    return list(_current().rules)


def live_obligations(product_ids: Iterable[int], *, at: datetime) -> list[Live]:
    """Return the obligations that hold at an instant and are about one of the products, by id."""
    live = [one for one in _current().live if one.window.spans(at)]
    if not live:
        return []
    wanted = set(product_ids)
    categories = (
        {category_of(product_id) for product_id in wanted} if any(one.scope.category for one in live) else set()
    )
    return [
        one
        for one in live
        if (one.scope.product_id in wanted if one.scope.product_id is not None else one.scope.category in categories)
    ]


def compiled(rules: Iterable[Rule], channel: ChannelRef, *, at: datetime) -> Plan:
    """Compile rules for a channel: those that are active, or those that would be (previews)."""
    return Plan(
        rules, channel_id=channel.id, is_till=channel.is_till, at=at, zone_of=_zone, category_of=category_of
    )  # fmt: skip


def rule_of(row: BufferRule, groups: Mapping[int, frozenset[int]] | None = None) -> Rule:
    """Return a stored rule as the cascade reads it."""
    return Rule(
        row.pk,
        row.name,
        Purpose(row.purpose),
        RuleKind(row.kind),
        row.amount,
        scopes.resolved(scopes.of(row), groups),
        row.priority,
        Window(row.starts_at, row.ends_at, row.daily_from, row.daily_until),
    )


def zone(name: str) -> tzinfo:
    """Return a time zone by its name."""
    return ZoneInfo(name)


def category_of(product_id: int) -> str:
    """Return a product's category, "" without one."""
    product = catalog.products_by_id([product_id]).get(product_id)
    return product.category if product else ""


def is_anything_withheld() -> bool:
    """Whether any rule or obligation may hold for anyone, as this process knows: where there is none, nobody has to ask."""
    copy = _current()
    return bool(copy.rules or copy.live)


def has_obligations() -> bool:
    """Whether any obligation may still hold, as this process knows: where there is none, nobody has to count."""
    return bool(_current().live)


def is_till(channel_id: int) -> bool:
    """Whether a channel is a till: it sells what stands beside it to people who walked in."""
    return any(channel.is_till for channel in queries.channels() if channel.id == channel_id)


def forget() -> None:
    """Look for news at the next question, after a write; what has not changed stays."""
    global _checked_at
    _checked_at = 0.0


def reason(rule: Rule | None) -> str:
    """Say in English what a rule does to a figure; without one it is an obligation."""
    if rule is None:
        return "guaranteed to another channel"
    pieces = "1 piece" if rule.amount == 1 else f"{rule.amount} pieces"
    if rule.purpose is Purpose.MEASURED:
        return f"keeps {pieces} back, as demand and lag were measured"
    if rule.kind is RuleKind.FIXED:
        return f"keeps {pieces} back"
    if rule.kind is RuleKind.PERCENTAGE:
        return f"keeps {rule.amount} % of what is on hand back"
    return f"shows nothing below {pieces}" if rule.kind is RuleKind.CUT_OFF else f"shows at most {pieces}"


# --- the copy --------------------------------------------------------------------------------------------------------


def _current() -> _Copy:
    """Return this process's copy. One thread looks for news, the others go on; the very first read is waited for."""
    global _copy, _checked_at
    now = time.monotonic()
    if _checked_at and now - _checked_at <= FRESH_FOR_SECONDS:
        return _copy
    if not _lock.acquire(blocking=not _checked_at):
        return _copy
    try:
        if not _checked_at or now - _checked_at > FRESH_FOR_SECONDS:
            token = news.token()
            if token != _copy.token or (token is not None and now - _copy.read_at > MOST_SECONDS):
                _copy = _read(token, now)
            elif _copy.live:
                _copy = _with_takes(_copy)
            _checked_at = now
        return _copy
    finally:
        _lock.release()


def _read(token: UUID | None, now: float) -> _Copy:
    if token is None:
        return _Copy(None, now, [], [], frozenset())
    since, groups = clock.now() - KEPT_AFTER_END, location_groups.members()
    rules = [
        rule_of(row, groups)
        for row in BufferRule.objects.filter(state=RuleState.ACTIVE.value)
        if row.ends_at is None or row.ends_at > since
    ]
    rules += _measured(groups)
    tills = frozenset(channel.id for channel in queries.channels() if channel.is_till)
    return _Copy(token, now, rules, _live(since, groups), tills)


def _measured(groups: Mapping[int, frozenset[int]]) -> list[Rule]:
    """Return what dynamic policies keep back now, as rules of their own purpose."""
    policies = list(DynamicPolicy.objects.filter(state=RuleState.ACTIVE.value))
    levels: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
    if policies:
        rows = DynamicBuffer.objects.filter(policy__in=policies)
        for policy_id, product_id, location_id, pieces in rows.values_list(
            "policy_id", "product_id", "location_id", "pieces"
        ):
            levels[policy_id][product_id, location_id] = pieces
    return [
        Rule(
            policy.pk, policy.name, Purpose.MEASURED, RuleKind.FIXED, policy.minimum,
            scopes.resolved(scopes.of(policy), groups), levels=levels[policy.pk] or None,
        )
        for policy in policies
    ]  # fmt: skip


def _live(since: datetime, groups: Mapping[int, frozenset[int]]) -> list[Live]:
    rows = list(Obligation.objects.filter(ended_at__isnull=True, ends_at__gt=since).order_by("pk"))
    shares: dict[int, dict[tuple[int, int], int]] = defaultdict(dict)
    if rows:
        kept = ObligationShare.objects.filter(obligation__in=rows)
        for obligation_id, product_id, location_id, pieces in kept.values_list(
            "obligation_id", "product_id", "location_id", "pieces"
        ):
            shares[obligation_id][product_id, location_id] = pieces
    return [
        Live(
            row.pk, row.channel_id or 0, scopes.resolved(scopes.of(row), groups), row.quantity, row.taken,
            Window(row.starts_at, row.ends_at), shares[row.pk],
        )
        for row in rows
    ]  # fmt: skip


def _with_takes(copy: _Copy) -> _Copy:
    """Return the copy with what was taken meanwhile; the plans stay."""
    taken = dict(Obligation.objects.filter(pk__in=[one.id for one in copy.live]).values_list("pk", "taken"))
    live = [replace(one, taken=taken.get(one.id, one.taken)) for one in copy.live]
    return copy if live == copy.live else replace(copy, live=live, owed={})


def _plan(copy: _Copy, channel_id: int, at: datetime) -> Plan:
    plan = copy.plans.get(channel_id)
    if plan is None or not plan.holds_at(at):
        plan = copy.plans[channel_id] = Plan(
            copy.rules, channel_id=channel_id, is_till=channel_id in copy.tills, at=at,
            zone_of=_zone, category_of=category_of,
        )  # fmt: skip
    return plan


def _owed(copy: _Copy, channel_id: int, at: datetime) -> Owed:
    """Return what others than the channel have a right to, by product and place."""
    if not copy.live:
        return {}
    known = copy.owed.get(channel_id)
    if known is None or not known.since <= at < known.until:
        since, until = FIRST, LAST
        pieces: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for one in copy.live:
            for edge in (one.window.starts_at, one.window.ends_at):
                if edge is not None and edge <= at:
                    since = max(since, edge)
                elif edge is not None:
                    until = min(until, edge)
            if one.channel_id != channel_id and one.window.spans(at):
                for (product_id, location_id), kept in one.kept().items():
                    pieces[product_id][location_id] += kept
        known = copy.owed[channel_id] = _Owed(since, until, {key: dict(places) for key, places in pieces.items()})
    return known.pieces


def _told(
    copy: _Copy, taken: Taken, channel_id: int, product_id: int, location_id: int, *, on_hand: int, at: datetime
) -> Withheld:
    rule = taken.rule
    if rule is not None:
        kind = Purpose.MEASURED.value if rule.purpose is Purpose.MEASURED else rule.kind.value
        return Withheld(rule.id, rule.name, kind, taken.pieces, reason(rule))
    ids = [
        one.id
        for one in copy.live
        if one.channel_id != channel_id and one.window.spans(at) and (product_id, location_id) in one.kept()
    ]
    return Withheld(ids[0] if len(ids) == 1 else 0, "", OBLIGATION, taken.pieces, reason(None))


def _zone(location_id: int) -> tzinfo:
    return zone(locations.by_id(location_id).time_zone)
