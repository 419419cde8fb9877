"""The only clock. Everything that asks what time it is asks here, so that a test can answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_frozen_at: datetime | None = None


def now() -> datetime:
    """Return the current instant, aware and in UTC."""
    return _frozen_at or datetime.now(UTC)


def utc_text(at: datetime) -> str:
    """Return an instant as the API writes it: ISO 8601 in UTC, with a Z at its end."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Answer `at` to everyone in this process while the block runs (tests and the demo's history only)."""
    global _frozen_at
    if at.tzinfo is None:
        raise ValueError("An instant needs a time zone.")
    before, _frozen_at = _frozen_at, at.astimezone(UTC)
    try:
        yield
    finally:
        _frozen_at = before
