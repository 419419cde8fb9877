"""A named constraint becomes a named refusal.

Python checks first and explains kindly; when it is wrong (a race, a bug), the constraint is the law, and its name tells
which refusal the caller gets. Each writer registers its constraints here at import.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import IntegrityError, OperationalError

from commerce.errors import Busy, CommerceError

_refusals: dict[str, Callable[[], CommerceError]] = {}

LOCK_NOT_AVAILABLE = "55P03"
DEADLOCK_DETECTED = "40P01"


def refuse(constraint: str, make: Callable[[], CommerceError]) -> None:
    """Register which refusal a violation of `constraint` becomes."""
    _refusals[constraint] = make


@contextmanager
def translated() -> Iterator[None]:
    """Turn violations of registered constraints, lock timeouts and deadlocks into refusals; let the rest pass."""
    try:
        yield
    except IntegrityError as error:
        make = _refusals.get(constraint_name(error) or "")
        if make is None:
            raise
        raise make() from error
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) in (LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED):
            raise Busy("The goods or slots are being worked on by others; please send the request again.") from error
        raise


def constraint_name(error: IntegrityError) -> str | None:
    """Return the name of the constraint that PostgreSQL reports as violated."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
