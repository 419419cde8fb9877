"""Translators: one per platform, each turning the platform's own documents into the canonical data model.

A translator is plugged in by name where the platform's module is imported; nothing here knows any platform.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from commerce.channels.contracts import IncomingOrder, PriceUpdate, StockUpdate
from commerce.errors import NotFound

Fact = IncomingOrder | StockUpdate | PriceUpdate
ProductIds = Callable[[list[str]], Mapping[str, int]]  # the platform's SKUs → our products


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """What one document of a platform says: its own event id, by which the inbox knows it again, and the facts in it."""

    event_id: str
    facts: tuple[Fact, ...]


class Translator(Protocol):
    """What a platform's module offers."""

    def is_genuine(self, body: bytes, headers: Mapping[str, str], *, secret: str) -> bool:
        """Whether the platform itself sent this body, by its own signature scheme."""

    def translate(self, topic: str, document: Mapping[str, Any], *, products: ProductIds) -> Translation:
        """Return what the document says. Raises: InvalidInput when it is not what the platform documents."""


_translators: dict[str, Translator] = {}


def register(platform: str, translator: Translator) -> None:
    """Plug in the translator of a platform. Raises: ValueError when the platform has another one."""
    if _translators.setdefault(platform, translator) is not translator:
        raise ValueError(f"{platform!r} has a translator already.")


def translator(platform: str) -> Translator:
    """Return the translator of a platform. Raises: NotFound naming those there are."""
    if platform not in _translators:
        raise NotFound(f"There is no translator for {platform!r}.", platform=platform, platforms=platforms())
    return _translators[platform]


def platforms() -> list[str]:
    """Return the platforms that can be translated, sorted."""
    return sorted(_translators)
