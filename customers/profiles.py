"""Customer profiles and the identifiers that point to them: found or made, changed, always signed.

The audit names kinds of identifiers and ids, never a name or an address, so that erasure never has to touch it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from commerce import audit, clock, ids, integrity
from commerce.actors import Actor
from commerce.postgresql import prepared
from commerce.transactions import transaction_required
from customers import identifiers, matching
from customers.errors import IdentifierNotFound, IdentifierTaken, InvalidIdentifier, ProfileNotFound
from customers.identifiers import Identifier, IdentifierKind
from customers.matching import Match
from customers.models import Identifier as IdentifierRow
from customers.models import Profile

LONGEST_NAME = 160
LOOKS_BACK = 50  # audit entries of a profile in which a possible duplicate counts as told already
ATTEMPTS = 5  # to settle with others who make the same people at the same moment

_FIND = """
SELECT found.kind, found.scope, found.value, found.profile_id, found.is_verified, profile.name = '',
       EXISTS (SELECT FROM customers_identifier AS other WHERE other.profile_id = found.profile_id AND other.kind = 'email')
FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted (kind, scope, value)
JOIN customers_identifier AS found USING (kind, scope, value)
JOIN customers_profile AS profile ON profile.id = found.profile_id
"""
# Sorted, so that two transactions with the same people wait for each other in one order. Who comes second gets nothing
# back for what the first one made, and looks again.
_ADD_IDENTIFIERS = """
INSERT INTO customers_identifier (profile_id, kind, scope, value, is_verified, source, created_at)
SELECT profile_id, kind, scope, value, kind = 'channel_customer', source, %s::timestamptz
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[]) AS fresh (profile_id, kind, scope, value, source)
ORDER BY kind, scope, value
ON CONFLICT ON CONSTRAINT identifier_points_to_one_profile DO NOTHING
RETURNING kind, scope, value
"""
_ADD_PROFILES = """
INSERT INTO customers_profile (id, name, language, country, created_at, updated_at)
SELECT id, name, language, country, %s::timestamptz, %s::timestamptz
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[]) AS fresh (id, name, language, country)
"""
# Locked in one order, for the same reason; not against those who only point to the profile.
_NAME = """
WITH nameless AS MATERIALIZED (
    SELECT profile.id, given.name
    FROM unnest(%s::uuid[], %s::text[]) AS given (id, name) JOIN customers_profile AS profile ON profile.id = given.id
    WHERE profile.name = '' ORDER BY profile.id FOR NO KEY UPDATE OF profile
)
UPDATE customers_profile AS profile SET name = nameless.name, updated_at = %s
FROM nameless WHERE profile.id = nameless.id
"""
_WITHDRAW = """
DELETE FROM customers_identifier USING unnest(%s::text[], %s::text[], %s::text[]) AS ours (kind, scope, value)
WHERE customers_identifier.kind = ours.kind AND customers_identifier.scope = ours.scope
    AND customers_identifier.value = ours.value
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone as a channel describes them. Everything may be empty; what can't be read identifies nobody."""

    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "de"
    country: str = ""
    channel_code: str = ""
    channel_customer_id: str = ""


def recognise(
    *,
    name: str,
    email: str,
    phone: str,
    language: str,
    country: str,
    channel_code: str,
    channel_customer_id: str,
    by: Actor,
    at: datetime,
) -> UUID | None:
    """Return the profile of a person, made if they are new; None when nothing identifies them.

    Someone known costs one query. Race-safe: first orders of one person at the same moment give one profile.
    """
    person = Person(
        name=name,
        email=email or "",
        phone=phone or "",
        language=language,
        country=country,
        channel_code=channel_code,
        channel_customer_id=channel_customer_id or "",
    )
    return recognise_many([person], by=[by], at=at)[0]


@transaction_required
def recognise_many(people: Sequence[Person], *, by: Sequence[Actor], at: datetime) -> list[UUID | None]:
    """Return the profile of each person, in their order; several descriptions of one person give one profile.

    `by` says for each person who describes them. All of a transaction's people belong into one call: new ones are written
    in one order, so that two transactions with the same people wait for each other, never crosswise.
    """
    if len(people) != len(by):
        raise ValueError(f"{len(people)} people are described by {len(by)} actors.")
    wanted = [_identifiers_of(person) for person in people]
    keys = sorted({identifier for identifiers_ in wanted for identifier in identifiers_})
    if not keys:
        return [None] * len(people)
    for _attempt in range(ATTEMPTS):
        known, nameless = _find(keys)
        plan = _plan(people, wanted, by, known, nameless)
        if _write(plan, at=at):
            return plan.profile_ids
    raise RuntimeError("Others kept making the same people; this can't happen while identifiers stay.")


@dataclass(slots=True)
class _Plan:
    """What recognising a batch comes to: whose profile each person is, what is new, and who said so."""

    profile_ids: list[UUID | None] = field(default_factory=list)
    made: dict[UUID, Person] = field(default_factory=dict)
    gained: dict[Identifier, tuple[UUID, Person, Actor]] = field(default_factory=dict)
    named: dict[UUID, tuple[str, Actor]] = field(default_factory=dict)
    possible_duplicates: dict[tuple[UUID, UUID], Actor] = field(default_factory=dict)


def _identifiers_of(person: Person) -> list[Identifier]:
    """Return what identifies a person; what can't be read (a shop's masked phone number) stays with the order only."""
    given = (
        (IdentifierKind.EMAIL, person.email),
        (IdentifierKind.PHONE, person.phone),
        (IdentifierKind.CHANNEL_CUSTOMER, person.channel_customer_id),
    )
    found = []
    for kind, text in given:
        if text:
            try:
                found.append(
                    identifiers.normalised(kind, text, country=person.country, channel_code=person.channel_code)
                )
            except ValueError:
                continue
    return found


def _find(keys: Sequence[Identifier]) -> tuple[dict[Identifier, Match], set[UUID]]:
    """Return what identifiers point to, and which of those profiles have no name yet."""
    known, nameless = {}, set()
    with connection.cursor() as cursor:
        prepared.execute(cursor, _FIND, _columns(keys))
        for kind, scope, value, profile_id, is_verified, is_nameless, has_email in cursor.fetchall():
            known[Identifier(kind, scope, value)] = Match(profile_id, is_verified, has_email)
            if is_nameless:
                nameless.add(profile_id)
    return known, nameless


def _plan(
    people: Sequence[Person],
    wanted: Sequence[Sequence[Identifier]],
    by: Sequence[Actor],
    known: Mapping[Identifier, Match],
    nameless: set[UUID],
) -> _Plan:
    """Decide person by person; what an earlier one of the batch brings counts for the later ones."""
    plan = _Plan()
    index = dict(known)
    for person, identifiers_, actor in zip(people, wanted, by, strict=True):
        if not identifiers_:
            plan.profile_ids.append(None)
            continue
        choice = matching.choose(identifiers_, index)
        profile_id = choice.profile_id
        if profile_id is None:
            profile_id = ids.new()
            plan.made[profile_id] = person
        elif profile_id in nameless and person.name:
            plan.named.setdefault(profile_id, (person.name[:LONGEST_NAME], actor))
        has_email = any(one.kind == IdentifierKind.EMAIL for one in identifiers_)
        for identifier in choice.gained:
            is_vouched_for = identifier.kind == IdentifierKind.CHANNEL_CUSTOMER
            index[identifier] = Match(profile_id, is_vouched_for, has_email)
            plan.gained[identifier] = (profile_id, person, actor)
        for other in choice.possible_duplicates:
            plan.possible_duplicates.setdefault((profile_id, other), actor)
        plan.profile_ids.append(profile_id)
    return plan


def _write(plan: _Plan, *, at: datetime) -> bool:
    """Store a plan; return False, with nothing stored, when someone else was quicker with one of the identifiers."""
    if plan.gained and not _gain(plan, at):
        return False
    with connection.cursor() as cursor:
        if plan.made:
            made = plan.made.items()
            prepared.execute(
                cursor,
                _ADD_PROFILES,
                [
                    at,
                    at,
                    [str(profile_id) for profile_id, _person in made],
                    [person.name[:LONGEST_NAME] for _profile_id, person in made],
                    [person.language for _profile_id, person in made],
                    [person.country for _profile_id, person in made],
                ],
            )
        if plan.named:
            names = [name for name, _actor in plan.named.values()]
            cursor.execute(_NAME, [[str(profile_id) for profile_id in plan.named], names, at])
    for actor, rows in _audited(plan).items():
        audit.record_many(rows, by=actor)
    return True


def _gain(plan: _Plan, at: datetime) -> bool:
    gained = sorted(plan.gained)
    owners = [str(plan.gained[one][0]) for one in gained]
    sources = [plan.gained[one][1].channel_code for one in gained]
    with connection.cursor() as cursor:
        prepared.execute(cursor, _ADD_IDENTIFIERS, [at, owners, *_columns(gained), sources])
        added = [Identifier(*row) for row in cursor.fetchall()]
        if len(added) == len(gained):
            return True
        if added:
            cursor.execute(_WITHDRAW, _columns(added))
    return False


def _audited(plan: _Plan) -> dict[Actor, list[audit.AuditRow]]:
    """Return what each actor's timeline rows say; a profile is told to have gained something once per actor."""
    rows: dict[Actor, list[audit.AuditRow]] = {}

    def tell(actor: Actor, profile_id: UUID, fact: dict[str, Any]) -> None:
        row = audit.AuditRow(
            verb="customers.profiles.recognise", object_type="customer", object_id=profile_id, after=fact
        )
        rows.setdefault(actor, []).append(row)

    kinds: dict[tuple[UUID, Actor], list[str]] = {}
    for identifier, (profile_id, _person, actor) in plan.gained.items():
        kinds.setdefault((profile_id, actor), []).append(identifier.kind)
    made = set(plan.made)
    for (profile_id, actor), gained in kinds.items():
        tell(actor, profile_id, {"is_new": profile_id in made, "gained": sorted(gained)})
        made.discard(profile_id)  # new to whoever brought it first
    enriched = {profile_id for profile_id, _actor in kinds}
    for profile_id, (_name, actor) in plan.named.items():
        if profile_id not in enriched:
            tell(actor, profile_id, {"named": True})
    for (profile_id, other), actor in sorted(plan.possible_duplicates.items(), key=lambda told: told[0]):
        fact = {"possible_duplicate": str(other)}
        if profile_id in plan.made or all(
            entry.after != fact for entry in audit.timeline("customer", profile_id, at_most=LOOKS_BACK)
        ):
            tell(actor, profile_id, fact)
    return rows


def _columns(keys: Iterable[Identifier]) -> list[list[str]]:
    keys = list(keys)
    return [[one.kind for one in keys], [one.scope for one in keys], [one.value for one in keys]]


# --- one profile at a time ------------------------------------------------------------------------------------------


@transaction_required
def change(
    profile_id: UUID, *, by: Actor, name: str | None = None, language: str | None = None, country: str | None = None
) -> None:
    """Change what a customer is called, which language they read, which country they live in.

    Raises: ProfileNotFound.
    """
    profile = _locked(profile_id)
    given = {"name": name[:LONGEST_NAME] if name is not None else None, "language": language, "country": country}
    changed = {field: value for field, value in given.items() if value is not None and getattr(profile, field) != value}
    if not changed:
        return
    for column, value in changed.items():
        setattr(profile, column, value)
    profile.updated_at = clock.now()
    profile.save(update_fields=[*changed, "updated_at"])
    audit.record(
        "customers.profiles.change", "customer", profile_id, by=by, after={"changed": sorted(changed)}
    )  # never the values: they are personal


@transaction_required
def add_identifier(
    profile_id: UUID,
    kind: IdentifierKind,
    text: str,
    *,
    by: Actor,
    channel_code: str = "",
    is_verified: bool = False,
    source: str = "staff",
) -> int:
    """Point an e-mail address, phone number or customer id to a profile; return its id. Again changes nothing but that
    it may become verified.

    Raises: ProfileNotFound, InvalidIdentifier, IdentifierTaken.
    """
    profile = _locked(profile_id)
    wanted = _read(IdentifierKind(kind), text, profile.country, channel_code)
    known = IdentifierRow.objects.filter(kind=wanted.kind, scope=wanted.scope, value=wanted.value).first()
    if known is not None and known.profile_id != profile_id:
        raise _taken()
    if known is not None and (known.is_verified or not is_verified):
        return known.pk
    if known is None:
        known = IdentifierRow(
            profile=profile, kind=wanted.kind, scope=wanted.scope, value=wanted.value, source=source,
            created_at=clock.now(),
        )  # fmt: skip
    known.is_verified = is_verified
    known.save()
    audit.record(
        "customers.profiles.add_identifier",
        "customer",
        profile_id,
        by=by,
        after={"identifier": known.pk, "kind": wanted.kind, "is_verified": is_verified},
    )
    return known.pk


@transaction_required
def change_identifier(profile_id: UUID, identifier_id: int, text: str, *, by: Actor) -> None:
    """Correct an identifier; what is corrected has to be verified anew.

    Raises: ProfileNotFound, IdentifierNotFound, InvalidIdentifier, IdentifierTaken.
    """
    profile = _locked(profile_id)
    known = _identifier(profile_id, identifier_id)
    wanted = _read(IdentifierKind(known.kind), text, profile.country, known.scope)
    if wanted.value == known.value:
        return
    if IdentifierRow.objects.filter(kind=wanted.kind, scope=wanted.scope, value=wanted.value).exists():
        raise _taken()
    known.value, known.is_verified = wanted.value, False
    known.save(update_fields=["value", "is_verified"])
    audit.record(
        "customers.profiles.change_identifier",
        "customer",
        profile_id,
        by=by,
        after={"identifier": known.pk, "kind": known.kind},
    )


@transaction_required
def remove_identifier(profile_id: UUID, identifier_id: int, *, by: Actor) -> None:
    """Let an identifier point to this profile no more. Raises: ProfileNotFound, IdentifierNotFound."""
    _locked(profile_id)
    known = _identifier(profile_id, identifier_id)
    known.delete()
    audit.record(
        "customers.profiles.remove_identifier",
        "customer",
        profile_id,
        by=by,
        before={"identifier": identifier_id, "kind": known.kind},
    )


def _locked(profile_id: UUID) -> Profile:
    profile = Profile.objects.select_for_update().filter(pk=profile_id).first()
    if profile is None:
        raise ProfileNotFound("There is no such customer.", profile=str(profile_id))
    return profile


def _identifier(profile_id: UUID, identifier_id: int) -> IdentifierRow:
    found = IdentifierRow.objects.filter(pk=identifier_id, profile_id=profile_id).first()
    if found is None:
        raise IdentifierNotFound("The customer has no such identifier.", identifier=identifier_id)
    return found


def _read(kind: IdentifierKind, text: str, country: str, channel_code: str) -> Identifier:
    try:
        return identifiers.normalised(kind, text, country=country, channel_code=channel_code)
    except ValueError as error:
        raise InvalidIdentifier(f"This can't be read: {error}.", kind=kind.value) from error


def _taken() -> IdentifierTaken:
    return IdentifierTaken("This belongs to another customer; look whether the two are one person.")


integrity.refuse("identifier_points_to_one_profile", _taken)
