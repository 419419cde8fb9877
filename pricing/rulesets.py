"""Versions of the rules: published once, numbered without gaps, in force from an instant on, never changed.

A version takes effect at its instant on all workers: every process knows what is to come, and chooses by the quote's own
instant. What was in force at an instant stays so: a version begins when it is published or later, and is withdrawn from
then on only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, QuerySet

from commerce import audit, clock, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from pricing import revisions
from pricing.errors import RulesetInThePast, RulesetNotFound, RulesetWithdrawn
from pricing.models import RulesetVersion, RulesetWithdrawal
from pricing.promotions import documents
from pricing.promotions.terms import Content

GRACE = timedelta(minutes=1)  # "from now on" said by a caller a moment ago is not the past
LONGEST_NOTE = 200


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it is told. `content` is its document."""

    number: int
    content: Mapping[str, Any]
    note: str
    of_number: int | None
    effective_from: datetime
    effective_to: datetime | None
    published_by: str
    published_at: datetime
    withdrawn_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether its window holds an instant, and it is not withdrawn by then."""
        return (
            self.effective_from <= at
            and (self.effective_to is None or at < self.effective_to)
            and (self.withdrawn_at is None or at < self.withdrawn_at)
        )


@transaction_required
def publish(
    content: Content | Mapping[str, Any],
    *,
    by: Actor,
    effective_from: datetime | None = None,
    effective_to: datetime | None = None,
    note: str = "",
    of_number: int | None = None,
) -> int:
    """Publish promotions and their stacking as the next version, from now on unless said otherwise; return its number.

    Raises: RulesetInThePast, InvalidInput naming path, value and way out of every fault.
    """
    document = documents.document(content) if isinstance(content, Content) else dict(content)
    checked = documents.document(documents.content_from(document))
    if len(note) > LONGEST_NOTE:
        raise _invalid("note", note, f"A note has up to {LONGEST_NOTE} characters.")
    revisions.renew()
    at = clock.now()  # after the wait for other writers
    starts_at = effective_from or at
    if starts_at < at - GRACE:
        raise RulesetInThePast(
            f"Rules can't hold since {starts_at.isoformat()}: quotes were given by others then. Let them hold from now on.",
            effective_from=starts_at.isoformat(),
        )
    starts_at = max(starts_at, at)
    if effective_to is not None and effective_to <= starts_at:
        raise _invalid("effective_to", effective_to.isoformat(), "A version ends after it begins; set a later end.")
    number = (RulesetVersion.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    RulesetVersion.objects.create(
        number=number, content=checked, note=note, of_number=of_number, effective_from=starts_at,
        effective_to=effective_to, published_by=by.label, published_at=at,
    )  # fmt: skip
    audit.record(
        "pricing.rulesets.publish", "ruleset", number, by=by, reason=note,
        after={"promotions": len(checked.get("promotions", ())), "effective_from": starts_at, "effective_to": effective_to,
               "of_number": of_number},
    )  # fmt: skip
    return number


@transaction_required
def roll_back(to: int, *, by: Actor, note: str = "") -> int:
    """Publish what an older version says as a new one, from now on; return its number. Raises: RulesetNotFound."""
    found = version(to)
    return publish(found.content, by=by, note=note, of_number=to)


@transaction_required
def withdraw(number: int, *, by: Actor, reason: str) -> None:
    """End a version now, or call off one that is to come; what was in force before it holds again.

    Raises: RulesetNotFound, RulesetWithdrawn.
    """
    revisions.renew()
    at = clock.now()
    found = version(number)
    if found.withdrawn_at is not None or (found.effective_to is not None and found.effective_to <= at):
        raise RulesetWithdrawn(f"Version {number} is over already.", number=number)
    RulesetWithdrawal.objects.create(
        version_id=number, withdrawn_at=at, withdrawn_by=by.label, reason=reason[:LONGEST_NOTE]
    )
    audit.record("pricing.rulesets.withdraw", "ruleset", number, by=by, after={"withdrawn_at": at}, reason=reason)


def version(number: int) -> Version:
    """Return a version. Raises: RulesetNotFound."""
    row = _rows().filter(pk=number).first()
    if row is None:
        raise RulesetNotFound(f"There is no version {number} of the rules.", number=number)
    return _told(row)


def in_force(at: datetime) -> Version | None:
    """Return the version that is in force at an instant, by what is published now."""
    for row in _rows().filter(effective_from__lte=at).order_by("-effective_from", "-number"):
        told = _told(row)
        if told.holds(at):
            return told
    return None


def _rows() -> QuerySet[RulesetVersion]:
    return RulesetVersion.objects.select_related("withdrawal")


def _told(row: RulesetVersion) -> Version:
    withdrawal = getattr(row, "withdrawal", None)
    return Version(
        row.number, row.content, row.note, row.of_number, row.effective_from, row.effective_to, row.published_by,
        row.published_at, withdrawal.withdrawn_at if withdrawal else None,
    )  # fmt: skip


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])


integrity.refuse(
    "ruleset_version_not_in_the_past", lambda: RulesetInThePast("Rules hold from when they are published, or later.")
)
integrity.refuse(
    "ruleset_version_ends_after_it_begins", lambda: _invalid("effective_to", None, "A version ends after it begins.")
)
integrity.refuse(
    "pricing_rulesetwithdrawal_pkey", lambda: RulesetWithdrawn("This version was withdrawn by someone else just now.")
)
