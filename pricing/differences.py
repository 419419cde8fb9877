"""What a draft changes: promotions that come, go, or say something else, field by field. [pure]"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pricing.promotions import documents
from pricing.promotions.terms import Content


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Field:
    """A field that says something else: its path ("conditions.minimum.amount_minor"), before and after; None is absent."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """A promotion that comes, goes or changes. `name` is the newer one."""

    kind: Kind
    promotion_id: str
    name: str
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs from one content to another: promotions by id, and the rules of stacking, choosing and rounding."""

    changes: tuple[Change, ...]
    settings: tuple[Field, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.settings)


def between(before: Content, after: Content) -> Difference:
    """Return what differs, in the order of the promotions' ids."""
    old = {one.id: one for one in before.promotions}
    new = {one.id: one for one in after.promotions}
    changes = []
    for identifier in sorted(old.keys() | new.keys()):
        if identifier not in old:
            changes.append(Change(Kind.ADDED, identifier, new[identifier].name))
        elif identifier not in new:
            changes.append(Change(Kind.REMOVED, identifier, old[identifier].name))
        elif old[identifier] != new[identifier]:
            fields = _fields(documents.document(old[identifier]), documents.document(new[identifier]))
            changes.append(Change(Kind.CHANGED, identifier, new[identifier].name, fields))
    settings = _fields(_settings(before), _settings(after))
    return Difference(tuple(changes), settings)


def _settings(content: Content) -> dict[str, Any]:
    return {name: value for name, value in documents.document(content).items() if name != "promotions"}


def _fields(before: Mapping[str, Any], after: Mapping[str, Any], path: str = "") -> tuple[Field, ...]:
    found: list[Field] = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found.extend(_fields(old, new, f"{path}{name}."))
        else:
            found.append(Field(f"{path}{name}", old, new))
    return tuple(found)
