"""Where customers stand with us: loyalty tier, group, segments, and how much sooner their orders come. Said, never guessed.

People or a loyalty system say what was agreed with a customer, so it needs no consent; segments that are made by profiling need
one and aren't taken here (Art. 22 GDPR, § 25 TDDDG). It goes when its profile goes. The audit names the standing, never the person.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import audit, clock
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from customers import identifiers
from customers.errors import ProfileNotFound
from customers.identifiers import IdentifierKind
from customers.models import Profile, Standing

HIGHEST = 9  # how much sooner an order may come; routing counts no more
LONGEST_TIER, LONGEST_REASON = 40, 120
LONGEST_GROUP, LONGEST_SEGMENT, MOST_SEGMENTS = 40, 120, 50

_BUYERS = """
SELECT found.scope, found.value, found.profile_id, standing.tier, standing.customer_group, standing.segments
FROM unnest(%s::text[], %s::text[]) AS wanted (scope, value)
JOIN customers_identifier AS found ON found.kind = %s AND found.scope = wanted.scope AND found.value = wanted.value
LEFT JOIN customers_standing AS standing ON standing.profile_id = found.profile_id
"""


@dataclass(frozen=True, slots=True)
class Stands:
    """What is agreed with a customer: `tier` as the loyalty programme calls it ("" is none), `priority` 0 is as everybody."""

    tier: str = ""
    priority: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Groups:
    """To whom a customer belongs: the group whose price lists they get ("" is not kept here), and segments (None: not kept)."""

    customer_group: str = ""
    segments: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Buyer:
    """A customer as prices ask for them: who, and what is kept of them."""

    profile_id: UUID
    tier: str
    groups: Groups


USUAL = Stands()
UNKNOWN = Groups()


@transaction_required
def say(profile_id: UUID, stands: Stands, *, by: Actor) -> None:
    """Keep where a customer stands from now on; as everybody ends it, but for groups. Said again changes nothing.

    Raises: ProfileNotFound, InvalidInput naming each field that is wrong.
    """
    wrong: list[dict[str, Any]] = []
    if not 0 <= stands.priority <= HIGHEST:
        message = f"a whole number from 0 to {HIGHEST}"
        wrong.append({"field": "priority", "value": stands.priority, "message": message})
    for name, text, longest in (("tier", stands.tier, LONGEST_TIER), ("reason", stands.reason, LONGEST_REASON)):
        wrong += _too_long(name, text, longest)
    if wrong:
        raise InvalidInput("This standing can't be kept; nothing was changed.", errors=wrong)
    _lock(profile_id)
    before, groups = _kept(profile_id)
    if before == stands:
        return
    _keep(profile_id, stands, groups)
    audit.record("customers.standings.say", "customer", profile_id, by=by, before=asdict(before), after=asdict(stands))


@transaction_required
def assign(profile_id: UUID, groups: Groups, *, by: Actor) -> None:
    """Keep to which group and segments a customer belongs, instead of those before. Said again changes nothing.

    Raises: ProfileNotFound, InvalidInput naming each field that is wrong.
    """
    named = tuple(sorted({one.strip() for one in groups.segments})) if groups.segments is not None else None
    wrong = _too_long("customer_group", groups.customer_group, LONGEST_GROUP)
    for one in named or ():
        wrong += _too_long("segments", one, LONGEST_SEGMENT)
    if named is not None and (len(named) > MOST_SEGMENTS or "" in named):
        message = f"up to {MOST_SEGMENTS} names of segments, none of them empty"
        wrong.append({"field": "segments", "value": len(named), "message": message})
    if wrong:
        raise InvalidInput("These groups can't be kept; nothing was changed.", errors=wrong)
    _lock(profile_id)
    stands, before = _kept(profile_id)
    after = Groups(groups.customer_group.strip(), named)
    if before == after:
        return
    _keep(profile_id, stands, after)
    audit.record(
        "customers.standings.assign", "customer", profile_id, by=by, before=asdict(before), after=asdict(after)
    )


def of(profile_id: UUID) -> Stands:
    """Return where a customer stands; as everybody where nothing was said."""
    return _kept(profile_id)[0]


def groups_of(profile_id: UUID) -> Groups:
    """Return to which group and segments a customer belongs; unknown where nothing was said."""
    return _kept(profile_id)[1]


def buyers(named: Collection[tuple[str, str]]) -> Mapping[tuple[str, str], Buyer]:
    """Return the customers that channels name, by (code of the channel, its customer id) as given; in one query."""
    asked: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for channel_code, text in named:
        try:
            one = identifiers.normalised(IdentifierKind.CHANNEL_CUSTOMER, text, channel_code=channel_code)
        except ValueError:  # what can't be read names nobody
            continue
        asked.setdefault((one.scope, one.value), []).append((channel_code, text))
    if not asked:
        return {}
    with connection.cursor() as cursor:
        columns = [[scope for scope, _ in asked], [value for _, value in asked]]
        cursor.execute(_BUYERS, [*columns, IdentifierKind.CHANNEL_CUSTOMER.value])
        rows = cursor.fetchall()
    found = {}
    for scope, value, profile_id, tier, customer_group, segments in rows:
        groups = Groups(customer_group or "", tuple(segments) if segments is not None else None)
        for name in asked[scope, value]:
            found[name] = Buyer(profile_id, tier or "", groups)
    return found


def priorities(profile_ids: Collection[UUID]) -> dict[UUID, int]:
    """Return how much sooner orders come of those customers with whom that is agreed."""
    rows = Standing.objects.filter(profile_id__in=list(profile_ids), priority__gt=0)
    return dict(rows.values_list("profile_id", "priority"))


def exists(profile_id: UUID) -> bool:
    """Say whether there is such a customer."""
    return Profile.objects.filter(pk=profile_id).exists()


def _too_long(name: str, text: str, longest: int) -> list[dict[str, Any]]:
    if len(text) <= longest and "\x00" not in text:
        return []
    return [{"field": name, "value": text[:longest], "message": f"at most {longest} characters"}]


def _lock(profile_id: UUID) -> None:
    if not Profile.objects.select_for_update().filter(pk=profile_id).exists():
        raise ProfileNotFound("There is no such customer.", profile=str(profile_id))


def _kept(profile_id: UUID) -> tuple[Stands, Groups]:
    row = Standing.objects.filter(profile_id=profile_id).first()
    if row is None:
        return USUAL, UNKNOWN
    segments = tuple(row.segments) if row.segments is not None else None
    return Stands(row.tier, row.priority, row.reason), Groups(row.customer_group, segments)


def _keep(profile_id: UUID, stands: Stands, groups: Groups) -> None:
    if (stands, groups) == (USUAL, UNKNOWN):
        Standing.objects.filter(profile_id=profile_id).delete()
        return
    Standing.objects.update_or_create(
        profile_id=profile_id,
        defaults={
            "tier": stands.tier, "priority": stands.priority, "reason": stands.reason,
            "customer_group": groups.customer_group,
            "segments": list(groups.segments) if groups.segments is not None else None, "changed_at": clock.now(),
        },
    )  # fmt: skip
