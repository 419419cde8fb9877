"""What a file of past sales says in figures, and whether that is what its publisher says it holds. [pure]"""

from collections.abc import Mapping as ReadOnlyDict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

PENNY = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts and values of lines. `value` is quantity times price over all of them, exact, in major units;
    `sales_value` the part of it that was sold: above zero and not on a cancellation."""

    rows: int = 0
    rejected: int = 0
    invoices: int = 0
    cancellations: int = 0
    stock_codes: int = 0
    customers: int = 0
    rows_without_customer: int = 0
    sale_rows: int = 0
    return_rows: int = 0
    correction_rows: int = 0
    charge_rows: int = 0
    value: Decimal = Decimal(0)
    sales_value: Decimal = Decimal(0)

    def document(self) -> dict[str, Any]:
        """Return the figures as primitives, to be stored."""
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(self).items()}

    @classmethod
    def of(cls, document: ReadOnlyDict[str, Any]) -> "Figures":
        """Return figures that were stored."""
        return cls(**{**document, "value": Decimal(document["value"]), "sales_value": Decimal(document["sales_value"])})


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure and what it should be. `expected` is None where nobody says."""

    name: str
    counted: str
    expected: str | None

    @property
    def agrees(self) -> bool:
        return self.expected is None or self.expected == self.counted


@dataclass(frozen=True, slots=True)
class Account:
    """The figures of one file, or of all files of a source together, beside what is expected of them."""

    title: str
    figures: Figures
    expected: ReadOnlyDict[str, str] = field(default_factory=dict)
    is_old: bool = False  # the file was imported before, nothing was read again

    def comparisons(self) -> list[Comparison]:
        lines = []
        for name, value in asdict(self.figures).items():
            expected = self.expected.get(name)
            lines.append(
                Comparison(name, _written(value), _written(_number(expected)) if expected is not None else None)
            )
        return lines

    @property
    def agrees(self) -> bool:
        return all(line.agrees for line in self.comparisons())


def table(accounts: Sequence[Account]) -> str:
    """Write accounts side by side as text: a row per figure, beside it whether its publisher says the same."""
    if not accounts:
        return ""
    columns = [[account.title, *(_cell(line) for line in account.comparisons())] for account in accounts]
    names = ["", *(line.name.replace("_", " ") for line in accounts[0].comparisons())]
    widths = [max(map(len, names)), *(max(map(len, column)) for column in columns)]
    lines = []
    for name, *cells in zip(names, *columns, strict=True):
        lines.append("  ".join([name.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))]))
    lines.insert(1, "  ".join("-" * width for width in widths))
    if any(account.expected for account in accounts):
        lines += [
            "",
            "✓ the publisher says the same    ≠ the publisher says what follows    no mark: the publisher says nothing",
        ]
    return "\n".join(line.rstrip() for line in lines)


def _cell(line: Comparison) -> str:
    if line.expected is None:
        return line.counted + "  "
    return f"{line.counted} ✓" if line.agrees else f"{line.counted} ≠ {line.expected}"


def _number(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)


def _written(value: int | Decimal) -> str:
    return f"{value.quantize(PENNY, ROUND_HALF_UP):,}" if isinstance(value, Decimal) else f"{value:,}"
