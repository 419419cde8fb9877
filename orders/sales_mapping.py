"""How the columns and rows of a foreign invoice file become history: a mapping file, read and checked. [pure]

The format is explained in `orders/mappings/README.md`. A mapping that can't be understood is refused as a whole, with the
name of each entry that is wrong, before any row is read.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping as ReadOnlyDict
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from commerce.errors import InvalidInput


class LineKind(StrEnum):
    """What an invoice line was."""

    SALE = "sale"  # goods that left
    RETURN = "return"  # goods that came back
    CORRECTION = "correction"  # stock written up or down, nobody bought anything
    CHARGE = "charge"  # postage, fees, vouchers: money without goods


COLUMNS = ("invoice", "stock_code", "description", "quantity", "occurred_at", "unit_price", "customer", "country")
REQUIRED_COLUMNS = frozenset({"invoice", "stock_code", "quantity", "occurred_at", "unit_price"})
SIGNS = {"negative": -1, "zero": 0, "positive": 1}
REJECT = "reject"
MOST_RULES = 60

_TOP = {
    "name", "file", "columns", "time", "customers", "countries", "channel", "location", "rules", "report", "expected"
}  # fmt: skip
_CHANNEL = {"code", "name", "kind", "country", "currency", "language"}
_LOCATION = {"code", "name", "kind", "country", "time_zone", "capabilities", "street", "postal_code", "city"}
_RULE = {"name", "kind", "reason", "invoice", "stock_code", "description", "quantity", "price", "customer"}
FIGURES = (
    "rows",
    "invoices",
    "cancellations",
    "stock_codes",
    "customers",
    "rows_without_customer",
    "value",
    "sales_value",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A row that meets all conditions is of this kind. Patterns are searched, so anchor them; None means any."""

    name: str
    kind: LineKind | None  # None: the row is rejected, with `reason`
    reason: str = ""
    invoice: re.Pattern[str] | None = None
    stock_code: re.Pattern[str] | None = None
    description: re.Pattern[str] | None = None
    quantity: int | None = None  # sign
    price: int | None = None  # sign
    has_customer: bool | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. `name` is the source that the journals show; `digest` changes with every change of the file."""

    name: str
    digest: str
    columns: ReadOnlyDict[str, str]
    time_formats: tuple[str, ...]
    zone: ZoneInfo
    channel: ReadOnlyDict[str, str]
    location: ReadOnlyDict[str, Any]
    rules: tuple[Rule, ...]
    encoding: str = "utf-8-sig"
    delimiter: str = ","
    decimal_point: str = "."
    customer_suffix: str = ""
    countries: ReadOnlyDict[str, str] = field(default_factory=dict)
    cancellation_prefix: str = ""
    expected: ReadOnlyDict[str, ReadOnlyDict[str, str]] = field(default_factory=dict)
    expected_together: ReadOnlyDict[str, str] = field(default_factory=dict)
    together: frozenset[str] = frozenset()


def parse(text: str) -> Mapping:
    """Read a mapping file. Raises: InvalidInput naming each entry that is missing, unknown or not understood."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"The mapping is not valid TOML: {error}.") from error
    wrong: list[dict[str, Any]] = []

    def complain(where: str, value: object, message: str) -> None:
        wrong.append({"field": where, "value": str(value)[:80], "message": message})

    def known(table: object, names: set[str], where: str) -> dict[str, Any]:
        if not isinstance(table, dict):
            complain(where, table, "must be a table")
            return {}
        for key in table.keys() - names:
            complain(f"{where}.{key}" if where else key, table[key], f"unknown; known are {', '.join(sorted(names))}")
        return table

    known(document, _TOP, "")
    name = document.get("name", "")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,32}", name):
        complain("name", name, "must be a short name of small letters, digits and hyphens")
    file = known(document.get("file", {}), {"encoding", "delimiter", "decimal_point"}, "file")
    columns = known(document.get("columns", {}), set(COLUMNS), "columns")
    for column in REQUIRED_COLUMNS - columns.keys():
        complain(f"columns.{column}", "", "is missing: say which column of the file it is")
    time = known(document.get("time", {}), {"formats", "zone"}, "time")
    customers = known(document.get("customers", {}), {"strip_suffix"}, "customers")
    channel = known(document.get("channel", {}), _CHANNEL, "channel")
    for key in {"code", "name", "kind", "country", "currency"} - channel.keys():
        complain(f"channel.{key}", "", "is missing")
    location = known(document.get("location", {}), _LOCATION, "location")
    for key in {"code", "name", "kind", "country"} - location.keys():
        complain(f"location.{key}", "", "is missing")
    report = known(document.get("report", {}), {"cancellation_prefix"}, "report")
    rules = [_rule(index, rule, known, complain) for index, rule in enumerate(_tables(document.get("rules"), complain))]
    expected, expected_together, together = _expected(document.get("expected", {}), known, complain)
    zone = _zone(time.get("zone", "UTC"), complain)
    if wrong:
        first = wrong[0]
        raise InvalidInput(
            f"The mapping is not valid: {first['field']} {first['message']}"
            + (f" (and {len(wrong) - 1} more)." if len(wrong) > 1 else "."),
            errors=wrong,
        )
    return Mapping(
        name=name,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        columns=columns,
        time_formats=tuple(time.get("formats", ["%Y-%m-%d %H:%M:%S"])),
        zone=zone,
        channel=channel,
        location=location,
        rules=tuple(rule for rule in rules if rule),
        encoding=file.get("encoding", "utf-8-sig"),
        delimiter=file.get("delimiter", ","),
        decimal_point=file.get("decimal_point", "."),
        customer_suffix=customers.get("strip_suffix", ""),
        countries=document.get("countries", {}),
        cancellation_prefix=report.get("cancellation_prefix", ""),
        expected=expected,
        expected_together=expected_together,
        together=together,
    )


def _tables(value: object, complain: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        complain("rules", value, "at least one rule is needed: it says what kind of line a row is")
        return []
    if len(value) > MOST_RULES:
        complain("rules", len(value), f"at most {MOST_RULES} rules")
        return []
    return value


def _rule(index: int, table: Any, known: Any, complain: Any) -> Rule | None:
    where = f"rules[{index}]"
    table = known(table, _RULE, where)
    kind = table.get("kind")
    if kind not in {*LineKind, REJECT}:
        complain(f"{where}.kind", kind, f"must be one of {', '.join(LineKind)} or {REJECT}")
        return None
    if kind == REJECT and not table.get("reason"):
        complain(f"{where}.reason", "", "is missing: it is what the rejects file will say")
    signs = {}
    for key in ("quantity", "price"):
        value = table.get(key)
        if value is not None and value not in SIGNS:
            complain(f"{where}.{key}", value, f"must be one of {', '.join(SIGNS)}")
        signs[key] = SIGNS.get(value) if value is not None else None
    customer = table.get("customer")
    if customer not in (None, "given", "empty"):
        complain(f"{where}.customer", customer, "must be given or empty")
    return Rule(
        name=str(table.get("name", where)),
        kind=None if kind == REJECT else LineKind(kind),
        reason=str(table.get("reason", "")),
        invoice=_pattern(f"{where}.invoice", table.get("invoice"), complain),
        stock_code=_pattern(f"{where}.stock_code", table.get("stock_code"), complain),
        description=_pattern(f"{where}.description", table.get("description"), complain),
        quantity=signs["quantity"],
        price=signs["price"],
        has_customer=None if customer is None else customer == "given",
    )


def _pattern(where: str, text: object, complain: Any) -> re.Pattern[str] | None:
    if text is None:
        return None
    try:
        return re.compile(str(text))
    except re.error as error:
        complain(where, text, f"is no regular expression: {error}")
        return None


def _zone(name: object, complain: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        complain("time.zone", name, "is no time zone; write one such as Europe/London")
        return ZoneInfo("UTC")


def _expected(
    table: Any, known: Any, complain: Any
) -> tuple[dict[str, dict[str, str]], dict[str, str], frozenset[str]]:
    """Read what the files' publisher says they hold: per file by its name, and for all of them together."""
    if not isinstance(table, dict):
        complain("expected", table, "must be a table")
        return {}, {}, frozenset()
    per_file = {}
    for name, figures in table.items():
        figures = known(figures, {*FIGURES, "files"} if name == "together" else set(FIGURES), f"expected.{name}")
        per_file[name] = {key: str(value) for key, value in figures.items() if key != "files"}
        for key, value in per_file[name].items():
            try:
                Decimal(value)
            except InvalidOperation:
                complain(f"expected.{name}.{key}", value, "is no number")
    raw = table.get("together", {})
    together = frozenset(raw.get("files", ())) if isinstance(raw, dict) else frozenset()
    return per_file, per_file.pop("together", {}), together
