"""Who owns a transaction: the interface, once. Verbs join it, and say so.

`transaction()` refuses to nest, so a verb can never believe that it committed when its caller may still roll back.
(The library django-subatomic has the same idea but needs Python 3.12; see decision 0003.)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from django.conf import settings
from django.db import connection
from django.db import transaction as django_transaction

from commerce import integrity

P = ParamSpec("P")
R = TypeVar("R")


class TransactionMisuse(RuntimeError):
    """A programming error: a transaction was nested, missing, or open where it must not be."""


def _is_open() -> bool:
    """Whether the code runs inside a transaction of ours (a test's own wrapper does not count)."""
    return connection.in_atomic_block and len(connection.atomic_blocks) > _wrapping_blocks()


def _wrapping_blocks() -> int:
    return (
        sum(1 for block in connection.atomic_blocks if getattr(block, "_from_testcase", False))
        if settings.TESTING
        else 0
    )


@contextmanager
def transaction() -> Iterator[None]:
    """Open the one transaction of this request, task or command. Constraint violations leave as named refusals.

    Raises: TransactionMisuse when one is open already.
    """
    if _is_open():
        raise TransactionMisuse("A transaction is open already: verbs don't own transactions, interfaces do.")
    with integrity.translated(), django_transaction.atomic():
        yield


@contextmanager
def savepoint() -> Iterator[None]:
    """Contain a part that may be refused without losing the rest. Needs an open transaction."""
    if not connection.in_atomic_block:
        raise TransactionMisuse("A savepoint needs an open transaction.")
    with integrity.translated(), django_transaction.atomic():
        yield


def transaction_required(verb: Callable[P, R]) -> Callable[P, R]:
    """Mark a verb that writes in its caller's transaction and refuses to run without one."""

    @wraps(verb)
    def joined(*args: P.args, **kwargs: P.kwargs) -> R:
        if not connection.in_atomic_block:
            raise TransactionMisuse(f"{verb.__module__}.{verb.__name__} needs an open transaction.")
        return verb(*args, **kwargs)

    return joined


def durable(verb: Callable[P, R]) -> Callable[P, R]:
    """Mark a verb that talks to the world and owns short transactions of its own; it refuses to run inside one."""

    @wraps(verb)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        if _is_open():
            raise TransactionMisuse(f"{verb.__module__}.{verb.__name__} must not run inside a transaction.")
        return verb(*args, **kwargs)

    return alone
