"""What a staff device shows when it rings: few words, no names, and the page to open."""

from collections.abc import Callable, Mapping
from typing import Any

Payload = Callable[[Mapping[str, Any]], dict[str, Any] | None]
_alerts: dict[str, Payload] = {}


def register(code: str, payload: Payload) -> None:
    """Let `payload` say what an alert shows: {title, body, url, tag}; None when it is no news any more."""
    _alerts[code] = payload


def payload(code: str, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the device gets, in the language at hand."""
    made = _alerts.get(code)
    return made(facts) if made else None
