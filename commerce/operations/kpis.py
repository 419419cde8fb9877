"""Key figures: a registry that rooms fill and an engine that asks them; the numbers are the rooms' own.

A room registers what it can say in `apps.ready`; screens, exports and reports ask by code and never know where it comes from.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LONGEST_CODE = 60
MOST_ROWS = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is of, its value in the unit of its KPI, and the counts behind it, so that nobody trusts 1 of 1."""

    label: str
    value: float
    of: int = 0
    facts: dict[str, Any] = field(default_factory=dict)


Compute = Callable[[datetime, datetime], Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """A key figure over a period [since, until). `unit` is percent, minor (money), count or days."""

    code: str
    title: Any
    unit: str
    compute: Compute
    more_is_better: bool | None = None


_kpis: dict[str, Kpi] = {}


def register(kpi: Kpi) -> Kpi:
    """Make a key figure known. Raises: ValueError when another one has taken the code, or the code is too long."""
    known = _kpis.get(kpi.code)
    if len(kpi.code) > LONGEST_CODE or (known is not None and known != kpi):
        raise ValueError(f"{kpi.code!r} can't be a key figure's code.")
    _kpis[kpi.code] = kpi
    return kpi


def every(prefix: str = "") -> list[Kpi]:
    """Return the key figures whose code begins with `prefix`, in the order in which they were registered."""
    return [kpi for code, kpi in _kpis.items() if code.startswith(prefix)]


def ask(code: str, *, since: datetime, until: datetime) -> list[Row]:
    """Return a key figure's rows over a period. Raises: KeyError for one that nobody registered; ValueError for a period
    that ends before it begins.
    """
    if until <= since:
        raise ValueError("a period ends after it begins")
    return list(_kpis[code].compute(since, until))[:MOST_ROWS]
