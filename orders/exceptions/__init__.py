"""The exceptions desk: what goes wrong and needs a person, so that nothing waits unseen.

`exceptions.open(...)` and `exceptions.resolve(...)` are called by the verb that sees a cause come or go, in its transaction;
`exceptions.register(Kind(...))` in `apps.ready` makes a kind known. People work on it through `take`, `snooze`, `act`, `settle`.
"""

from orders.desk import Outcome, Severity
from orders.exceptions.cases import Case
from orders.exceptions.casework import act, clear, give_back, key_of, open, resolve, settle, snooze, take
from orders.exceptions.kinds import Kind, Suggestion, register

__all__ = [
    "Case",
    "Kind",
    "Outcome",
    "Severity",
    "Suggestion",
    "act",
    "clear",
    "give_back",
    "key_of",
    "open",
    "register",
    "resolve",
    "settle",
    "snooze",
    "take",
]
