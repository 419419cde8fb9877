"""Rules of buffers and holdbacks: drafted, previewed, activated by someone who saw what they change, and retired.

What an active rule says never changes: it is retired and another one made, so that what held when can be read later.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotFound
from commerce.transactions import transaction_required
from inventory import cascade
from inventory.cascade import MOST_PIECES, Contradiction, Purpose, Rule, RuleKind, RuleState
from inventory.errors import ConfirmationNeeded, PreviewNeeded, SharingStateWrong
from inventory.models import BufferRule
from inventory.places import locations
from inventory.sharing import buffers, effects, news, scopes
from inventory.sharing.effects import Effect
from inventory.sharing.scopes import ScopeIds

PREVIEW_HOLDS = timedelta(minutes=30)  # then the stock is another
LONGEST_NAME = 80
HIGHEST_PRIORITY = 1_000
MOST_ACTIVE = 5_000  # every process keeps all of them
MOST_LISTED = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a rule says. `amount` is in pieces, or in per cent of what is on hand; times of day are the place's own."""

    name: str
    purpose: str
    kind: str
    amount: int
    scope: ScopeIds = field(default_factory=ScopeIds)
    priority: int = 0
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    daily_from: time | None = None
    daily_until: time | None = None


@transaction_required
def draft(wanted: Draft, *, by: Actor, at: datetime) -> int:
    """Write a new rule down and return its id. It does nothing yet. Raises: InvalidInput naming each field."""
    _check(wanted)
    row = BufferRule.objects.create(**_values(wanted), state=RuleState.DRAFT.value, author=by.label, created_at=at)
    audit.record("inventory.buffer_rules.draft", "buffer_rule", row.pk, by=by, after=_facts(row))
    return row.pk


@transaction_required
def change(rule_id: int, wanted: Draft, *, by: Actor) -> None:
    """Change what a draft says; what was previewed of it before counts no more.

    Raises: NotFound, SharingStateWrong, InvalidInput.
    """
    row = _locked(rule_id, RuleState.DRAFT)
    _check(wanted)
    before, values = _facts(row), _values(wanted)
    BufferRule.objects.filter(pk=row.pk).update(**values, preview=None, previewed_at=None)
    audit.record(
        "inventory.buffer_rules.change", "buffer_rule", row.pk, by=by, before=before, after=_facts(BufferRule(**values))
    )


@transaction_required
def propose(wanted: Draft, *, rule_id: int | None = None, by: Actor, at: datetime) -> int:
    """Write a rule down, or anew what a draft says, and measure what it would change; return its id.

    Raises: InvalidInput; NotFound, SharingStateWrong for a `rule_id` that is no draft.
    """
    if rule_id is None:
        rule_id = draft(wanted, by=by, at=at)
    else:
        change(rule_id, wanted, by=by)
    preview(rule_id, at=at)
    return rule_id


@transaction_required
def discard(rule_id: int, *, by: Actor) -> None:
    """Throw a draft away. Raises: NotFound, SharingStateWrong."""
    row = _locked(rule_id, RuleState.DRAFT)
    audit.record("inventory.buffer_rules.discard", "buffer_rule", row.pk, by=by, before=_facts(row))
    BufferRule.objects.filter(pk=row.pk, state=RuleState.DRAFT.value).delete()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a draft would change, what it contradicts, and what has to be written to activate it ("" if nothing)."""

    effect: Effect
    contradictions: Sequence[Contradiction]
    words: str


@transaction_required
def preview(rule_id: int, *, at: datetime) -> Preview:
    """Measure what a draft would change now and keep the figures with it, so that it may be activated.

    Raises: NotFound, SharingStateWrong.
    """
    row = _locked(rule_id, RuleState.DRAFT)
    rule = buffers.rule_of(row)
    effect = effects.effect(rule, at=at)
    BufferRule.objects.filter(pk=row.pk).update(preview=effect.facts(), previewed_at=at)
    words = rule.name if rule.withholds_everything() or effect.is_everything else ""
    return Preview(effect, _contradictions(rule), words)


@transaction_required
def activate(rule_id: int, *, words: str = "", by: Actor, at: datetime) -> None:
    """Let a rule hold from now on (or from its start). The channels are told what changes for them.

    Raises: NotFound, SharingStateWrong; PreviewNeeded without a preview of the last PREVIEW_HOLDS; ConfirmationNeeded when
    it withholds everything and `words` are not its name; InvalidInput when its end has passed.
    """
    row = _locked(rule_id, RuleState.DRAFT)
    if not is_seen(row, at=at):
        raise PreviewNeeded("Look at what this rule would change before you activate it.", rule=row.pk)
    rule = buffers.rule_of(row)
    if row.ends_at is not None and row.ends_at <= at:
        raise InvalidInput(
            "This rule has ended before it began to hold; give it a later end.",
            errors=[{"field": "ends_at", "value": row.ends_at.isoformat(), "message": "lies in the past"}],
        )
    if (
        rule.withholds_everything() or row.preview["is_everything"]
    ) and words.strip().casefold() != row.name.casefold():
        raise ConfirmationNeeded(
            f"This rule withholds everything in its scope. Write {row.name!r} to confirm that.", words=row.name
        )
    if BufferRule.objects.filter(state=RuleState.ACTIVE.value).count() >= MOST_ACTIVE:
        raise SharingStateWrong(f"{MOST_ACTIVE} rules are active already; retire some first.", state="active")
    BufferRule.objects.filter(pk=row.pk).update(state=RuleState.ACTIVE.value, activator=by.label, activated_at=at)
    audit.record(
        "inventory.buffer_rules.activate", "buffer_rule", row.pk, by=by,
        before={"state": "draft"}, after={"state": "active", **_facts(row), "preview": row.preview},
    )  # fmt: skip
    _holds_anew(rule, by=by, at=at)


@transaction_required
def retire(rule_id: int, *, by: Actor, at: datetime, reason: str = "") -> None:
    """End an active rule for good; the channels are told. Raises: NotFound, SharingStateWrong."""
    row = _locked(rule_id, RuleState.ACTIVE)
    BufferRule.objects.filter(pk=row.pk).update(state=RuleState.RETIRED.value, retired_at=at)
    audit.record(
        "inventory.buffer_rules.retire", "buffer_rule", row.pk, by=by, before={"state": "active"},
        after={"state": "retired"}, reason=reason,
    )  # fmt: skip
    _holds_anew(buffers.rule_of(row), by=by, at=at)


@transaction_required
def tell_starts_and_ends(*, since: datetime, by: Actor, at: datetime) -> int:
    """Have the channels told about rules that started or ended after `since`, by date or by time of day; return how many.

    A rule that ran and ended in between has changed nothing that lasts.
    """
    turned = [rule for rule in map(buffers.rule_of, _timed(since)) if _turned(rule, since, at)]
    for rule in turned:
        news.tell("buffer_rule", rule.id, [rule.scope], by=by, at=at)
    return len(turned)


def stored(rule_id: int) -> BufferRule:
    """Return a rule as it is stored, with what its scope names. Raises: NotFound."""
    row = _with_names().filter(pk=rule_id).first()
    if row is None:
        raise NotFound(f"There is no rule {rule_id}.", rule=rule_id)
    return row


def listed(state: RuleState, *, at_most: int = MOST_LISTED) -> list[BufferRule]:
    """Return the rules in a state, newest first, with what their scopes name."""
    return list(_with_names().filter(state=state.value).order_by("-pk")[:at_most])


def warnings(row: BufferRule) -> list[Contradiction]:
    """Return which active rules a rule contradicts."""
    return _contradictions(buffers.rule_of(row))


def needs_words(row: BufferRule) -> bool:
    """Whether a rule withholds everything, by what it says or as it was measured, so that its name has to be written."""
    return buffers.rule_of(row).withholds_everything() or bool(row.preview and row.preview["is_everything"])


def is_seen(row: BufferRule, *, at: datetime) -> bool:
    """Whether what was measured of a rule is fresh enough to activate it by."""
    return row.preview is not None and row.previewed_at is not None and at - row.previewed_at <= PREVIEW_HOLDS


def _with_names() -> QuerySet[BufferRule]:
    return BufferRule.objects.select_related("channel", "location", "group", "product")


def _contradictions(rule: Rule) -> list[Contradiction]:
    """Contradictions are sought among rules that people made: what is measured adapts."""
    rows = BufferRule.objects.filter(state=RuleState.ACTIVE.value).exclude(pk=rule.id)
    return cascade.contradictions(rule, map(buffers.rule_of, rows))


def _holds_anew(rule: Rule, *, by: Actor, at: datetime) -> None:
    news.bump(at=at)
    news.tell("buffer_rule", rule.id, [rule.scope], by=by, at=at)
    buffers.forget()


def _timed(since: datetime) -> list[BufferRule]:
    rows = BufferRule.objects.filter(state=RuleState.ACTIVE.value).exclude(
        starts_at__isnull=True, ends_at__isnull=True, daily_from__isnull=True
    )
    return [row for row in rows if row.ends_at is None or row.ends_at > since]


def _turned(rule: Rule, since: datetime, at: datetime) -> bool:
    """Whether a rule runs at one of the instants and not at the other, at some place of its scope."""
    places = [
        place for place in locations.active() if rule.scope.location_ids is None or place.id in rule.scope.location_ids
    ]
    zones = {place.time_zone for place in places}
    return any(
        rule.window.is_running(since, buffers.zone(name)) != rule.window.is_running(at, buffers.zone(name))
        for name in sorted(zones)
    )


def _locked(rule_id: int, state: RuleState) -> BufferRule:
    row = BufferRule.objects.select_for_update().filter(pk=rule_id).first()
    if row is None:
        raise NotFound(f"There is no rule {rule_id}.", rule=rule_id)
    if row.state != state.value:
        raise SharingStateWrong(f"This rule is {row.state}, not {state.value}.", state=row.state)
    return row


def _check(wanted: Draft) -> None:
    """Refuse what no rule can say, all of it at once. Raises: InvalidInput."""
    found = scopes.problems(wanted.scope)

    def wrong(name: str, value: object, message: str) -> None:
        found.append({"field": name, "value": str(value), "message": message})

    if not wanted.name.strip() or len(wanted.name) > LONGEST_NAME:
        wrong("name", wanted.name, f"A rule has a name of up to {LONGEST_NAME} characters.")
    if wanted.purpose not in (Purpose.BUFFER.value, Purpose.HOLDBACK.value):
        wrong("purpose", wanted.purpose, "A rule is a buffer or a holdback.")
    if wanted.kind not in [kind.value for kind in RuleKind]:
        wrong("kind", wanted.kind, "A rule is fixed, a percentage, a cap or a cut-off.")
    elif wanted.kind == RuleKind.PERCENTAGE.value and not 1 <= wanted.amount <= 100:
        wrong("amount", wanted.amount, "A percentage lies between 1 and 100: more than all can't be kept back.")
    elif not (0 if wanted.kind == RuleKind.CAP.value else 1) <= wanted.amount <= MOST_PIECES:
        wrong("amount", wanted.amount, "Give a whole number of pieces from 1 (a cap may be 0).")
    if abs(wanted.priority) > HIGHEST_PRIORITY:
        wrong("priority", wanted.priority, f"A priority lies between -{HIGHEST_PRIORITY} and {HIGHEST_PRIORITY}.")
    if wanted.starts_at and wanted.ends_at and wanted.ends_at <= wanted.starts_at:
        wrong("ends_at", wanted.ends_at.isoformat(), "The end must come after the start.")
    if (wanted.daily_from is None) != (wanted.daily_until is None):
        wrong("daily_until", wanted.daily_until, "Daily hours need both a start and an end.")
    elif wanted.daily_from is not None and wanted.daily_from == wanted.daily_until:
        wrong("daily_until", wanted.daily_until, "Daily hours that end when they start say nothing; leave both empty.")
    elif any(one is not None and (one.second or one.microsecond) for one in (wanted.daily_from, wanted.daily_until)):
        wrong("daily_from", wanted.daily_from, "Daily hours are given in whole minutes.")
    to_channel = wanted.scope.channel_id
    if wanted.purpose == Purpose.HOLDBACK.value and to_channel is not None and buffers.is_till(to_channel):
        wrong("channel", to_channel, "Nothing is held back from a till: holdbacks are for its customers.")
    scopes.check(found)


def _values(wanted: Draft) -> dict[str, Any]:
    return {
        "name": wanted.name.strip(),
        "purpose": wanted.purpose,
        "kind": wanted.kind,
        "amount": wanted.amount,
        "priority": wanted.priority,
        "starts_at": wanted.starts_at,
        "ends_at": wanted.ends_at,
        "daily_from": wanted.daily_from,
        "daily_until": wanted.daily_until,
        "channel_id": wanted.scope.channel_id,
        "location_id": wanted.scope.location_id,
        "group_id": wanted.scope.group_id,
        "product_id": wanted.scope.product_id,
        "category": wanted.scope.category,
    }


_CONTENT = (
    "name", "purpose", "kind", "amount", "priority", "starts_at", "ends_at", "daily_from", "daily_until",
    "channel_id", "location_id", "group_id", "product_id", "category",
)  # fmt: skip


def _facts(row: BufferRule) -> dict[str, Any]:
    """Return what a rule says, without what it doesn't."""
    values = {name: getattr(row, name) for name in _CONTENT}
    return {name: value for name, value in values.items() if value not in (None, "")}
