"""The words of the exceptions desk: how severe, in which state, whose turn it is when time is over. [pure]"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from commerce.roles import Role


class Severity(StrEnum):
    """How much harm waiting does. In this order: a list shows the last first."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class CaseState(StrEnum):
    OPEN = "open"
    SNOOZED = "snoozed"
    SETTLED = "settled"


class Outcome(StrEnum):
    """How a case ended: its cause went away, one of its actions was taken, or a person said so."""

    CLEARED = "cleared"
    ACTED = "acted"
    DONE = "done"
    ACCEPTED = "accepted"
    MISTAKEN = "mistaken"


UNSETTLED = frozenset({CaseState.OPEN, CaseState.SNOOZED})
SAID_BY_PEOPLE = frozenset({Outcome.DONE, Outcome.ACCEPTED, Outcome.MISTAKEN})

# Whose turn it is when the one before let the time pass. Above the administrator there is nobody.
NEXT_ROLE = {
    Role.CLERK: Role.STORE_MANAGER,
    Role.SERVICE_AGENT: Role.ADMINISTRATOR,
    Role.MERCHANDISER: Role.ADMINISTRATOR,
    Role.STORE_MANAGER: Role.ADMINISTRATOR,
    Role.ADMINISTRATOR: Role.ADMINISTRATOR,
}
_RANKS = list(Severity)


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a case that nobody settled in time."""

    role: Role
    severity: Severity
    due_at: datetime


def rank(severity: Severity | str) -> int:
    """Return how severe it is as a number that sorts: 0 is the mildest."""
    return _RANKS.index(Severity(severity))


def escalated(role: Role | str, severity: Severity | str, *, within: timedelta, at: datetime) -> Step:
    """Return the next step up: the role above, one degree more severe, and as much time again from `at` on."""
    harder = _RANKS[min(rank(severity) + 1, len(_RANKS) - 1)]
    return Step(NEXT_ROLE[Role(role)], harder, at + within)
