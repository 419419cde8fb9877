"""What belongs to the request at hand and is wanted far below it: its id."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

_request_id: ContextVar[str] = ContextVar("request_id", default="")


def request_id() -> str:
    """Return the id of the request or task at hand, or an empty text outside of one."""
    return _request_id.get()


def bind(identifier: str) -> None:
    """Set the id for everything this thread does from now on, log lines included."""
    _request_id.set(identifier)
    structlog.contextvars.bind_contextvars(request_id=identifier)


@contextmanager
def bound(identifier: str) -> Iterator[None]:
    """Set the id while the block runs, for who answers the request of another thread."""
    before = request_id()
    bind(identifier)
    try:
        yield
    finally:
        bind(before)
