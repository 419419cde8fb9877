"""Where customers stand with us: their loyalty tier, and how much sooner their orders come. Said by people or a loyalty system.

It is what was agreed with a customer, never guessed from what they bought, so it needs no consent; segments made by profiling are
not kept here. The audit names the standing, never the person.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from commerce import audit, clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from customers.errors import ProfileNotFound
from customers.models import Profile, Standing

HIGHEST = 9  # how much sooner an order may come; routing counts no more
LONGEST_TIER, LONGEST_REASON = 40, 120


@dataclass(frozen=True, slots=True)
class Stands:
    """What is agreed with a customer: `tier` as the loyalty programme calls it ("" is none), `priority` 0 is as everybody."""

    tier: str = ""
    priority: int = 0
    reason: str = ""


USUAL = Stands()


@transaction_required
def say(profile_id: UUID, stands: Stands, *, by: Actor) -> None:
    """Keep where a customer stands from now on; as everybody ends it. Said again changes nothing.

    Raises: ProfileNotFound, InvalidInput naming each field that is wrong.
    """
    wrong: list[dict[str, Any]] = []
    if not 0 <= stands.priority <= HIGHEST:
        message = f"a whole number from 0 to {HIGHEST}"
        wrong.append({"field": "priority", "value": stands.priority, "message": message})
    for name, text, longest in (("tier", stands.tier, LONGEST_TIER), ("reason", stands.reason, LONGEST_REASON)):
        if len(text) > longest or "\x00" in text:
            wrong.append({"field": name, "value": text[:longest], "message": f"at most {longest} characters"})
    if wrong:
        raise InvalidInput("This standing can't be kept; nothing was changed.", errors=wrong)
    if not Profile.objects.select_for_update().filter(pk=profile_id).exists():
        raise ProfileNotFound("There is no such customer.", profile=str(profile_id))
    before = of(profile_id)
    if before == stands:
        return
    if stands == USUAL:
        Standing.objects.filter(profile_id=profile_id).delete()
    else:
        Standing.objects.update_or_create(
            profile_id=profile_id,
            defaults={
                "tier": stands.tier, "priority": stands.priority, "reason": stands.reason, "changed_at": clock.now(),
            },
        )  # fmt: skip
    audit.record("customers.standings.say", "customer", profile_id, by=by, before=_facts(before), after=_facts(stands))


def of(profile_id: UUID) -> Stands:
    """Return where a customer stands; as everybody where nothing was said."""
    row = Standing.objects.filter(profile_id=profile_id).first()
    return Stands(row.tier, row.priority, row.reason) if row else USUAL


def priorities(profile_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how much sooner orders come of those customers with whom that is agreed."""
    rows = Standing.objects.filter(profile_id__in=list(profile_ids), priority__gt=0)
    return dict(rows.values_list("profile_id", "priority"))


def exists(profile_id: UUID) -> bool:
    """Say whether there is such a customer."""
    return Profile.objects.filter(pk=profile_id).exists()


def _facts(stands: Stands) -> dict[str, Any]:
    return {"tier": stands.tier, "priority": stands.priority, "reason": stands.reason}
