"""What can go wrong: each kind says how bad it is, whose turn it is, by when, in which words, and what helps.

A topic registers its kinds in `apps.ready`. What a kind's `remains` no longer names is settled by itself; what its actions do is
done by the verbs of the topic.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.contrib.auth.models import AbstractUser

from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.roles import Permission, Role
from orders.desk import Severity
from orders.exceptions.cases import Case

LONGEST_CODE = 60
MOST_ACTIONS = 6


class Perform(Protocol):
    """What an action does: one verb of its topic, in the caller's transaction. Raises what that verb raises."""

    def __call__(self, case: Case, *, user: AbstractUser, by: Actor, at: datetime) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A way out that the desk offers: a verb that runs at one click (`perform`), or the page where it is done (`page`).

    `settles` says that the case is over once the verb has run; else its cause has to go.
    """

    code: str
    label: Any
    icon: str
    perform: Perform | None = None
    page: Callable[[Case], str] | None = None
    permission: Permission = Permission.WORK_EXCEPTIONS
    settles: bool = True
    is_offered: Callable[[Case], bool] = lambda case: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of exception. `sentence` is a lazy text whose placeholders are filled from the case's facts.

    `within` is the time from opening to deadline, and again after each escalation. `remains` gets subject ids and returns those
    whose cause is still there; without it only verbs and people settle a case.
    """

    code: str
    title: Any
    sentence: Any
    severity: Severity
    role: Role
    within: timedelta
    icon: str = "triangle-alert"
    actions: tuple[Suggestion, ...] = field(default=())
    remains: Callable[[Sequence[str]], Collection[str]] | None = None

    def says(self, facts: dict[str, Any]) -> str:
        """Return the sentence with the facts of a case; a fact that is missing leaves the bare title."""
        try:
            return str(self.sentence) % facts
        except (KeyError, TypeError, ValueError):
            return str(self.title)

    def action(self, code: str) -> Suggestion | None:
        """Return the action of this name."""
        return next((one for one in self.actions if one.code == code), None)


class UnknownKind(LookupError):
    """A programming error: a case of a kind that nobody registered."""


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Make a kind known, or replace the one of the same code. Raises: ValueError for one that is out of bounds."""
    if not kind.code or len(kind.code) > LONGEST_CODE or len(kind.actions) > MOST_ACTIONS:
        raise ValueError(f"{kind.code!r} can't be a kind of exception.")
    if kind.within <= timedelta(0):
        raise ValueError(f"{kind.code!r} needs a deadline after its opening.")
    _kinds[kind.code] = kind
    return kind


def get(code: str) -> Kind:
    """Return a registered kind. Raises: UnknownKind."""
    try:
        return _kinds[code]
    except KeyError:
        raise UnknownKind(f"No kind of exception is called {code!r}.") from None


def known(code: str) -> Kind | None:
    """Return a kind, or None when its topic is not there any more."""
    return _kinds.get(code)


def every() -> list[Kind]:
    """Return all kinds by their code."""
    return [_kinds[code] for code in sorted(_kinds)]


def refused(error: CommerceError) -> dict[str, Any]:
    """Return what a case may keep of a refusal: its code and its plain facts."""
    return {"code": error.code, "message": error.message[:200]}
