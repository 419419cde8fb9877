"""What a method takes at a place: how long besides picking, until when it is begun today, how many orders a day.

The narrowest counts: the place and the method, then the method at every place; where nothing is said, nothing is added.
"""

import time
from dataclasses import asdict, dataclass
from datetime import time as clock_time
from typing import Any

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotFound
from commerce.transactions import transaction_required
from inventory.places import locations
from orders.lifecycle import Method
from orders.models import MethodTerms

FRESH_FOR_SECONDS = 5.0  # how long a process may go by its own copy
_BOUNDS = {"minutes": (0, 1_440), "minutes_per_line": (0, 240), "orders_per_day": (0, 1_000_000)}


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one method; as it is written here where nothing was said."""

    cut_off: clock_time | None = None
    minutes: int = 0
    minutes_per_line: int = 0
    orders_per_day: int | None = None


USUAL = Terms()
_cached: tuple[float, dict[tuple[int | None, str], Terms]] = (0.0, {})


def of(location_id: int, method: str) -> Terms:
    """Return what holds for a method at a place, at most a few seconds old."""
    global _cached
    read_at, found = _cached
    if not read_at or time.monotonic() - read_at > FRESH_FOR_SECONDS:
        rows = MethodTerms.objects.values_list("location_id", "method", *Terms.__dataclass_fields__)
        found = {(location, name): Terms(*values) for location, name, *values in rows}
        _cached = (time.monotonic(), found)
    return found.get((location_id, method)) or found.get((None, method), USUAL)


def forget() -> None:
    """Drop this process's copy, after a write."""
    global _cached
    _cached = (0.0, {})


@transaction_required
def agree(location_id: int | None, method: str, terms: Terms, *, by: Actor) -> int:
    """Say what holds for a method at a place, or at every place that says nothing of its own; return the row's id.

    Said again changes nothing. Raises: InvalidInput naming each field that is wrong, LocationUnknown.
    """
    wrong = []
    if method not in {one.value for one in Method}:
        wrong.append({"field": "method", "value": method, "message": f"methods are {', '.join(Method)}"})
    for name, (least, most) in _BOUNDS.items():
        value = getattr(terms, name)
        if value is not None and not least <= value <= most:
            wrong.append({"field": name, "value": value, "message": f"a whole number from {least} to {most}"})
    if wrong:
        raise InvalidInput("These terms can't hold; nothing was kept.", errors=wrong)
    if location_id is not None:
        locations.by_id(location_id)
    row = MethodTerms.objects.select_for_update().filter(location_id=location_id, method=method).order_by("pk").first()
    before = _facts(row) if row else None
    after = {"location_id": location_id, "method": method, **_told(terms)}
    if before != after:
        row, _made = MethodTerms.objects.update_or_create(
            location_id=location_id, method=method, defaults=asdict(terms)
        )
        audit.record("orders.method_terms.agree", "method_terms", row.pk, by=by, before=before, after=after)
    forget()
    if row is None:  # pragma: no cover (either it was there or it was made)
        raise LookupError(method)
    return int(row.pk)


@transaction_required
def end(terms_id: int, *, by: Actor) -> None:
    """Let what is said of every place hold again. Raises: NotFound."""
    row = MethodTerms.objects.select_for_update().filter(pk=terms_id).order_by("pk").first()
    if row is None:
        raise NotFound("There are no such terms.", terms=terms_id)
    before = _facts(row)
    row.delete()
    audit.record("orders.method_terms.end", "method_terms", terms_id, by=by, before=before)
    forget()


def _facts(row: MethodTerms) -> dict[str, Any]:
    terms = Terms(*(getattr(row, name) for name in Terms.__dataclass_fields__))
    return {"location_id": row.location_id, "method": row.method, **_told(terms)}


def _told(terms: Terms) -> dict[str, Any]:
    told: dict[str, Any] = asdict(terms)
    told["cut_off"] = f"{terms.cut_off:%H:%M}" if terms.cut_off else None
    return told
