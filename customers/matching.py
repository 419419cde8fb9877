"""Which profile a person belongs to, decided from the identifiers they came with. [pure]

An identifier points to one profile. Someone whose identifiers point to several is not merged: the strongest one decides,
and the others are possible duplicates for a person to look at. A phone is often a family's, so it alone does not make two
different e-mail addresses one person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from customers.identifiers import Identifier, IdentifierKind

# Among equally verified identifiers, the stronger kind decides.
STRENGTH = {
    IdentifierKind.EMAIL: 4,
    IdentifierKind.CHANNEL_CUSTOMER: 3,
    IdentifierKind.LOYALTY: 2,
    IdentifierKind.PHONE: 1,
}


@dataclass(frozen=True, slots=True)
class Match:
    """What an identifier points to now."""

    profile_id: UUID
    is_verified: bool
    has_email: bool  # whether the profile has an e-mail address, this one or another


@dataclass(frozen=True, slots=True)
class Choice:
    """The profile found (None: a new one is needed), what it gains, and which other profiles may be the same person."""

    profile_id: UUID | None
    gained: tuple[Identifier, ...]
    possible_duplicates: tuple[UUID, ...]


def choose(identifiers: Sequence[Identifier], known: Mapping[Identifier, Match]) -> Choice:
    """Decide for one person."""
    found = {identifier: known[identifier] for identifier in identifiers if identifier in known}
    gained = tuple(identifier for identifier in identifiers if identifier not in known)
    brings_new_email = any(identifier.kind == IdentifierKind.EMAIL for identifier in gained)
    able = [
        identifier
        for identifier, match in found.items()
        if not (identifier.kind == IdentifierKind.PHONE and brings_new_email and match.has_email)
    ]
    decisive = max(
        able, key=lambda one: (found[one].is_verified, STRENGTH[IdentifierKind(one.kind)], one), default=None
    )
    chosen = found[decisive].profile_id if decisive else None
    others = {match.profile_id for match in found.values()} - {chosen}
    return Choice(chosen, gained, tuple(sorted(others)))
