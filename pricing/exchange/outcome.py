"""What a file would change, or did: counts, differences, faults and warnings. [pure]"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pricing.exchange.columns import Fault


@dataclass(frozen=True, slots=True)
class Difference:
    """What a row changes, in words that stand beside each other: before is empty for what is new."""

    line: int
    what: str
    before: str
    after: str


@dataclass(slots=True)
class Outcome:
    """Counts are of rows; `result` names what was made of the file as a whole, such as a draft."""

    rows_read: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_same: int = 0
    rows_wrong: int = 0
    differences: list[Difference] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Mapping[str, object]] = field(default_factory=list)
    result: str = ""
