"""What each channel may be told about how few are left: its policy, and wordings of our own. Both are checked when written."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from inventory.models import ScarcityPolicy, ScarcityWording
from inventory.scarcity import words
from inventory.scarcity.words import Wording
from inventory.scarcity_facts import Kind, Terms, Tone

FRESH_FOR_SECONDS = 2.0  # how long a process may answer from its own copy
LONGEST_AGE_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for a channel; a channel without one of its own has the house's."""

    terms: Terms = field(default_factory=Terms)
    experiment: str = ""
    is_active: bool = True


@transaction_required
def set_policy(channel_id: int, policy: Policy, *, by: Actor, at: datetime) -> None:
    """Let a channel be told by these terms from now on. Raises: InvalidInput."""
    _check(policy.terms)
    before = ScarcityPolicy.objects.select_for_update().filter(channel_id=channel_id).first()
    values = asdict(policy.terms) | {"experiment": policy.experiment, "is_active": policy.is_active}
    ScarcityPolicy.objects.update_or_create(channel_id=channel_id, defaults=values | {"changed_at": at})
    audit.record(
        "inventory.scarcity_terms.set_policy", "channel", channel_id, by=by, after=values,
        before=before and {name: getattr(before, name) for name in values},
    )  # fmt: skip
    forget()


@transaction_required
def set_wording(
    kind: Kind, tone: Tone, locale: str, wording: Wording, *, variant: str = "", by: Actor, at: datetime
) -> None:
    """Say a kind of message in other words, to everyone or in a variant of an experiment. Raises: InvalidInput."""
    errors = [
        {"field": field, "value": text, "message": fault}
        for field, text in (("one", wording.one), ("other", wording.other))
        if (fault := words.fault(kind, tone, text))
    ]
    if locale not in words.LOCALES:
        errors.append({"field": "locale", "value": locale, "message": f"is none of {', '.join(words.LOCALES)}"})
    if errors:
        raise InvalidInput(str(errors[0]["message"]), errors=errors)
    key = {"kind": kind.value, "tone": tone.value, "locale": locale, "variant": variant}
    before = ScarcityWording.objects.filter(**key).values("one", "other").first()
    after = {"one": wording.one, "other": wording.other}
    ScarcityWording.objects.update_or_create(**key, defaults=after | {"changed_at": at})
    name = ":".join(part for part in (kind.value, tone.value, locale, variant) if part)
    audit.record("inventory.scarcity_terms.set_wording", "scarcity_wording", name, by=by, before=before, after=after)
    forget()


def of_channel(channel_id: int) -> Policy:
    """Return what holds for a channel, at most a few seconds old."""
    return _read()[0].get(channel_id, Policy())


def wording(kind: Kind, tone: Tone, locale: str, variant: str = "") -> Wording:
    """Return the words for a variant, else our own, else the house's; at most a few seconds old."""
    own = _read()[1]
    key = (kind.value, tone.value, locale)
    return own.get((*key, variant)) or own.get((*key, "")) or words.HOUSE[kind, tone, locale]


@transaction_required
def remove_wording(wording_id: int, *, by: Actor) -> None:
    """Say it in the house's words again. Removing what is not there changes nothing."""
    row = ScarcityWording.objects.select_for_update().filter(pk=wording_id).first()
    if row is None:
        return
    name = ":".join(part for part in (row.kind, row.tone, row.locale, row.variant) if part)
    before = {"one": row.one, "other": row.other}
    row.delete()
    audit.record("inventory.scarcity_terms.remove_wording", "scarcity_wording", name, by=by, before=before)
    forget()


def wordings() -> list[ScarcityWording]:
    """Return all wordings of our own."""
    return list(ScarcityWording.objects.order_by("kind", "tone", "locale", "variant"))


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _cached
    _cached = (0.0, {}, {})


_cached: tuple[float, dict[int, Policy], dict[tuple[str, str, str, str], Wording]] = (0.0, {}, {})


def _read() -> tuple[Mapping[int, Policy], Mapping[tuple[str, str, str, str], Wording]]:
    global _cached
    read_at, policies, own = _cached
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        policies = {
            row.channel_id: Policy(
                Terms(row.few, row.fresh_seconds, row.soft_seconds, row.shown_seconds), row.experiment, row.is_active
            )
            for row in ScarcityPolicy.objects.all()
        }
        own = {
            (row.kind, row.tone, row.locale, row.variant): Wording(row.one, row.other)
            for row in ScarcityWording.objects.all()
        }
        _cached = (time.monotonic(), policies, own)
    return policies, own


def _check(terms: Terms) -> None:
    faults: list[tuple[str, Any, str]] = []
    if not 1 <= terms.few <= 100:
        faults.append(("few", terms.few, "few means 1 to 100 pieces"))
    if terms.shown_seconds < 1:
        faults.append(("shown_seconds", terms.shown_seconds, "a message is shown for a second at least"))
    if terms.fresh_seconds < terms.shown_seconds:
        message = "is shorter than a message is shown: no number could ever be told"
        faults.append(("fresh_seconds", terms.fresh_seconds, message))
    if not terms.fresh_seconds <= terms.soft_seconds <= LONGEST_AGE_SECONDS:
        faults.append(("soft_seconds", terms.soft_seconds, "is at least the age of a number, and at most a day"))
    if faults:
        errors = [{"field": field, "value": value, "message": message} for field, value, message in faults]
        raise InvalidInput(f"{faults[0][0]}: {faults[0][2]}", errors=errors)
