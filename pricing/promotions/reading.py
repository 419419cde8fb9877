"""Reads a document field by field and notes every fault with its path, its value and the way out. [pure]"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar

from commerce.errors import InvalidInput
from pricing import rounding
from pricing.promotions import windows

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

LARGEST = 10**12
MOST_NAMES = 5_000
MOST_ERRORS = 100
_CODE = re.compile(r"[A-Za-z0-9._-]{1,40}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Faults:
    """The faults of one document."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []

    def note(self, path: str, value: object, message: str) -> None:
        """Remember a fault."""
        if len(self.errors) < MOST_ERRORS:
            shown = value if isinstance(value, str | int | float | bool) or value is None else str(value)[:200]
            self.errors.append({"field": path, "value": shown, "message": message})

    def refuse(self) -> None:
        """Raise InvalidInput with all faults, if there are any."""
        if self.errors:
            first = self.errors[0]
            raise InvalidInput(f"{first['field']}: {first['message']}", errors=self.errors)


class Reader:
    """The fields of one object of a document, at a path. What is read is taken out; `close` refuses what is left."""

    def __init__(self, document: object, path: str, faults: Faults) -> None:
        self.path, self.faults = path, faults
        self._left: dict[str, Any] = {}
        if isinstance(document, Mapping):
            self._left = dict(document)
        else:
            faults.note(path, document, "An object with named fields is expected.")

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def fault(self, name: str, value: object, message: str) -> None:
        """Note a fault of a field."""
        self.faults.note(self.at(name), value, message)

    def take(self, name: str) -> Any:
        """Return the raw value of a field; None when it is missing."""
        return self._left.pop(name, None)

    def skip(self) -> None:
        """Leave what is left unread: its kind is not known."""
        self._left.clear()

    def close(self) -> None:
        """Note every field that nobody asked for."""
        for name, value in self._left.items():
            self.fault(name, value, "There is no such field here; take it out or correct its name.")

    def whole(self, name: str, default: T, *, least: int = 0, most: int = LARGEST, is_needed: bool = False) -> int | T:
        """Return a whole number within bounds."""
        value = self.take(name)
        if value is None:
            if is_needed:
                self.fault(name, value, f"A whole number from {least} to {most} is needed here.")
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.fault(name, value, f"A whole number from {least} to {most} is expected.")
            return default
        return value

    def percentage(self, name: str, default: T, *, least: int = 0, is_needed: bool = False) -> int | T:
        """Return basis points of 0 to 100 %."""
        value = self.take(name)
        if value is None and not is_needed:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= rounding.BASIS_POINTS:
            self.fault(
                name, value, "A percentage lies between 0 and 100 %: basis points from 0 to 10000 (20 % is 2000)."
            )
            return default
        return value

    def text(self, name: str, default: str = "", *, most: int = 120, is_needed: bool = False) -> str:
        """Return a text without blanks around it."""
        value = self.take(name)
        if value is None:
            value = default
        if not isinstance(value, str) or len(value) > most or (is_needed and not value.strip()) or "\x00" in value:
            self.fault(name, value, f"A text of {1 if is_needed else 0} to {most} characters is expected.")
            return default
        return value.strip()

    def code(self, name: str, default: str = "", *, is_needed: bool = False) -> str:
        """Return a name for machines."""
        value = self.take(name)
        if value is None and not is_needed:
            return default
        if value == "" and not is_needed:
            return ""
        if not isinstance(value, str) or not _CODE.fullmatch(value):
            self.fault(name, value, "A code has 1 to 40 letters, digits, dots, hyphens or underscores.")
            return default
        return value

    def choice(self, name: str, kind: type[E], default: E) -> E:
        """Return a member of an enum."""
        value = self.take(name)
        if value is None:
            return default
        try:
            return kind(value)
        except ValueError:
            self.fault(name, value, f"One of these is expected: {', '.join(one.value for one in kind)}.")
            return default

    def flag(self, name: str) -> bool | None:
        """Return true, false or nothing."""
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            self.fault(name, value, "true or false is expected, or nothing.")
            return None
        return value

    def texts(
        self, name: str, *, most: int = MOST_NAMES, longest: int = 120, clean: Callable[[str], str] | None = None
    ) -> tuple[str, ...]:
        """Return a list of texts, sorted, twins once, so that equal terms have equal documents."""
        value = self.take(name)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or len(value) > most:
            self.fault(name, value, f"A list of up to {most} texts is expected.")
            return ()
        found = set()
        for place, one in enumerate(value):
            if not isinstance(one, str) or not 0 < len(one.strip()) <= longest or "\x00" in one:
                self.fault(f"{name}[{place}]", one, f"A text of 1 to {longest} characters is expected.")
                continue
            cleaned = clean(one) if clean else one.strip()
            if cleaned:
                found.add(cleaned)
            else:
                self.fault(f"{name}[{place}]", one, "Nothing is left of this without its blanks.")
        return tuple(sorted(found))

    def items(self, name: str, read: Callable[[Reader], T], *, least: int = 0, most: int = 100) -> tuple[T, ...]:
        """Return a list of objects."""
        value = self.take(name)
        if value is None:
            value = ()
        if not isinstance(value, list | tuple) or not least <= len(value) <= most:
            self.fault(name, value, f"A list of {least} to {most} entries is expected.")
            return ()
        found = []
        for place, one in enumerate(value):
            reader = Reader(one, self.at(f"{name}[{place}]"), self.faults)
            found.append(read(reader))
            reader.close()
        return tuple(found)

    def item(self, name: str, read: Callable[[Reader], T]) -> T | None:
        """Return an object, or None where there is none."""
        value = self.take(name)
        if value is None:
            return None
        reader = Reader(value, self.at(name), self.faults)
        found = read(reader)
        reader.close()
        return found

    def zone(self, name: str, default: str) -> str:
        """Return the name of a time zone."""
        value = self.text(name, default, most=64)
        try:
            windows.zone(value)
        except ValueError:
            self.fault(name, value, "A time zone is named as in Europe/Berlin.")
            return default
        return value

    def instant(self, name: str, zone: str) -> datetime | None:
        """Return an instant: with its offset, or as local time or day (its midnight) in a zone."""
        value = self.take(name)
        if value is None:
            return None
        if isinstance(value, datetime):
            found = value
        else:
            try:
                if isinstance(value, str) and _DAY.fullmatch(value):
                    found = datetime.combine(date.fromisoformat(value), time())
                else:
                    found = datetime.fromisoformat(value)
            except (TypeError, ValueError):
                self.fault(name, value, "An instant is expected, such as 2026-11-27T00:00:00+01:00, or a day.")
                return None
        if found.tzinfo is None:
            found = found.replace(tzinfo=windows.zone(zone))
        try:
            return found.astimezone(UTC)
        except OverflowError:
            self.fault(name, str(value), "This instant is out of the calendar.")
            return None

    def clock(self, name: str) -> time:
        """Return a time of the day, HH:MM."""
        value = self.take(name)
        if value is None:
            return time(0)
        try:
            found = value if isinstance(value, time) else time.fromisoformat(value)
        except (TypeError, ValueError):
            found = None
        if found is None or found.tzinfo is not None:
            self.fault(name, value, "A time of the day is expected, such as 18:30.")
            return time(0)
        return found
