"""From the text of an invoice file to checked lines: every good row becomes a line for COPY, every other a reason. [pure]

Memory stays bounded however long the file is: rows are streamed, and what is remembered of repeating values is capped.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import TypeVar

from commerce.errors import InvalidInput
from orders.sales_mapping import COLUMNS, LineKind, Mapping, Rule

MOST_PIECES = 10_000_000  # of one line; a total of very many of them still fits the journal
MOST_DECIMALS = 6
HIGHEST_PRICE = Decimal(10) ** 11
LONGEST = {"invoice": 64, "stock_code": 64, "description": 250, "customer": 64, "country": 60}
MOST_REMEMBERED = 50_000
FIELD_LIMIT = 20_000  # characters; a longer one is a lost quotation mark
HIGHEST_MILLISECOND = 0xFFFF_FFFF_FFFF

# The columns of a COPY line, in order.
STAGED = (
    "line_number", "id", "kind", "invoice", "stock_code", "sku", "description", "quantity", "unit_price", "customer",
    "country", "occurred_at",
)  # fmt: skip

_WHOLE = re.compile(r"[+-]?[0-9]{1,12}(?:\.0+)?")
_PRICE = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+ -]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Unreadable(Exception):
    """Why a row can't be history, as one sentence."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was left out: where it stands, what it says, and why."""

    line_number: int
    fields: list[str]
    reason: str


def rows(lines: Iterable[str], mapping: Mapping, *, at: datetime, reject: Callable[[Rejected], None]) -> Iterator[str]:
    """Yield a line for COPY (columns as in STAGED) for every good row of a file with a header; tell `reject` the others.

    A row's `id` follows from the mapping's name and the row's values, written in one way; equal rows have equal ids.
    Raises: InvalidInput when the header lacks a column.
    """
    csv.field_size_limit(FIELD_LIMIT)
    tidy = _Lines(lines, mapping.delimiter)
    reader = csv.reader(tidy, delimiter=mapping.delimiter)
    header = [name.strip() for name in next(reader, [])]
    positions = _positions(header, mapping)
    width = len(header)
    line_of = _Row(mapping, positions, at).line
    while True:
        try:
            for fields in reader:
                if len(fields) == width:
                    try:
                        yield line_of(reader.line_num, fields)
                    except Unreadable as error:
                        reject(Rejected(reader.line_num, fields, str(error)))
                elif fields:
                    reason = f"The row has {len(fields)} columns instead of {width}."
                    reject(Rejected(reader.line_num, fields, reason))
                elif tidy.lost is not None:
                    reject(Rejected(reader.line_num, [tidy.lost], "A quotation mark is opened and never closed."))
                    tidy.lost = None
            return
        except csv.Error as error:
            reject(Rejected(reader.line_num, [], f"The row can't be read: {error}."))


class _Lines:
    """Lines for the CSV reader, one row each: a lost quotation mark costs its own row only, not all that follow."""

    def __init__(self, lines: Iterable[str], delimiter: str) -> None:
        self.lines = lines
        self.delimiter = delimiter
        self.lost: str | None = None

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            if line.count('"') & 1:
                fields = next(csv.reader([line], delimiter=self.delimiter), [])
                if '"' in line[:1] or f'{self.delimiter}"' in line:
                    self.lost = line.rstrip("\r\n")
                    yield "\n"
                    continue
                line = self.delimiter.join(f'"{field.replace(chr(34), chr(34) * 2)}"' for field in fields) + "\n"
            yield line


def _positions(header: list[str], mapping: Mapping) -> list[int]:
    """Return where each of COLUMNS stands; -1 for one that the mapping does not have."""
    missing = [name for name in mapping.columns.values() if name not in header]
    if missing:
        raise InvalidInput(
            f"The file has no column {missing[0]!r}; its columns are {', '.join(header[:20]) or 'none at all'}.",
            errors=[{"field": name, "value": "", "message": "column not found in the header"} for name in missing],
        )
    return [header.index(mapping.columns[column]) if column in mapping.columns else -1 for column in COLUMNS]


class _Row:
    """Checks rows of one file. Everything that repeats from row to row is worked out once and remembered."""

    def __init__(self, mapping: Mapping, positions: list[int], at: datetime) -> None:
        self.mapping = mapping
        self.positions = positions
        self.at = at
        self.source = mapping.name
        self.rules = mapping.rules
        self.by_sign = {
            (q, p, c): self._mask(lambda rule, q=q, p=p, c=c: _signs_fit(rule, q, p, c))  # type: ignore[misc]
            for q in (-1, 1)
            for p in (-1, 0, 1)
            for c in (False, True)
        }
        self.invoices = _Remembered(self._invoice)
        self.stock_codes = _Remembered(self._stock_code)
        self.descriptions = _Remembered(self._description)
        self.quantities = _Remembered(_quantity)
        self.prices = _Remembered(lambda text: _price(text, mapping.decimal_point))
        self.instants = _Remembered(self._instant)
        self.customers = _Remembered(self._customer)
        self.countries = _Remembered(lambda text: _bounded("country", text.strip()))

    def line(self, number: int, fields: list[str]) -> str:
        """Return the COPY line of a row. Raises: Unreadable."""
        invoice, code, description, quantity, instant, price, customer, country = [
            fields[position] if position >= 0 else "" for position in self.positions
        ]
        invoice, invoice_mask = self.invoices[invoice]
        code, sku, code_mask = self.stock_codes[code]
        description, description_mask = self.descriptions[description]
        pieces = self.quantities[quantity]
        price, price_sign = self.prices[price]
        occurred_at, time_part = self.instants[instant]
        customer = self.customers[customer]
        country = self.countries[country]
        mask = (
            invoice_mask
            & code_mask
            & description_mask
            & self.by_sign[(1 if pieces > 0 else -1, price_sign, customer != "")]
        )
        if not mask:
            raise Unreadable("No rule of the mapping says what such a line is.")
        rule = self.rules[(mask & -mask).bit_length() - 1]
        kind = rule.kind
        if kind is None:
            raise Unreadable(rule.reason)
        if kind is not LineKind.CHARGE:
            _check_goods(kind, pieces, price_sign)
        content = (
            f"{self.source}\x1f{invoice}\x1f{code}\x1f{description}\x1f{pieces}\x1f{price}\x1f{customer}\x1f{country}"
        )
        digest = blake2b(content.encode(), digest_size=9).hexdigest()
        # A UUID version 8 (RFC 9562): 48 bits of the instant, so that ids sort by time, then 72 bits of the content.
        return (
            f"{number}\t{time_part}8{digest[:3]}a{digest[3:]}\t{kind.value}\t{invoice}\t{code}\t{sku}\t{description}\t{pieces}"
            f"\t{price}\t{customer}\t{country}\t{occurred_at}\n"
        )

    def _mask(self, fits: Callable[[Rule], bool]) -> int:
        """Return a bit for every rule that fits; the lowest bit is the first rule."""
        return sum(1 << number for number, rule in enumerate(self.rules) if fits(rule))

    def _matching(self, field: str, text: str) -> int:
        def fits(rule: Rule) -> bool:
            pattern: re.Pattern[str] | None = getattr(rule, field)
            return pattern is None or pattern.search(text) is not None

        return self._mask(fits)

    def _invoice(self, raw: str) -> tuple[str, int]:
        text = _bounded("invoice", raw.strip())
        if not text:
            raise Unreadable("The invoice number is empty.")
        return text, self._matching("invoice", text)

    def _stock_code(self, raw: str) -> tuple[str, str, int]:
        text = _bounded("stock_code", raw)
        sku = text.strip()
        if not sku:
            raise Unreadable("The stock code is empty.")
        if not _SKU.fullmatch(sku):
            raise Unreadable(f"The stock code {sku} would be no SKU: letters, digits, blanks and . _ / + - only.")
        return text, sku, self._matching("stock_code", text)

    def _description(self, raw: str) -> tuple[str, int]:
        text = _bounded("description", raw.strip())
        return text, self._matching("description", raw)

    def _instant(self, raw: str) -> tuple[str, str]:
        """Return an instant as PostgreSQL reads it, and its 48 bits of milliseconds as hexadecimal digits."""
        text = raw.strip()
        for pattern in self.mapping.time_formats:
            try:
                local = datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is the mapping's
            except ValueError:
                continue
            instant = (local if local.tzinfo else local.replace(tzinfo=self.mapping.zone)).astimezone(UTC)
            milliseconds = int(instant.timestamp() * 1000)
            if not 0 <= milliseconds <= HIGHEST_MILLISECOND:
                raise Unreadable(f"The date {text} is before 1970.")
            if instant > self.at:
                raise Unreadable(f"The date {text} lies in the future, so it can't be history.")
            return instant.strftime("%Y-%m-%d %H:%M:%S.%f+00"), f"{milliseconds:012x}"
        raise Unreadable(f"The date {text!r} is not written like {' or '.join(self.mapping.time_formats)}.")

    def _customer(self, raw: str) -> str:
        return _bounded("customer", raw.strip().removesuffix(self.mapping.customer_suffix))


Value = TypeVar("Value")


class _Remembered(dict[str, Value]):
    """Answers worked out once per text. Emptied when a file has so many different texts that remembering won't help."""

    def __init__(self, work_out: Callable[[str], Value]) -> None:
        super().__init__()
        self.work_out = work_out

    def __missing__(self, text: str) -> Value:
        value = self.work_out(text)
        if len(self) >= MOST_REMEMBERED:
            self.clear()
        self[text] = value
        return value


def _signs_fit(rule: Rule, quantity: int, price: int, has_customer: bool) -> bool:
    return (
        rule.quantity in (None, quantity) and rule.price in (None, price) and rule.has_customer in (None, has_customer)
    )


def _check_goods(kind: LineKind, pieces: int, price_sign: int) -> None:
    """Goods have a direction and no negative price; a rule that says otherwise for a row is not believed."""
    if price_sign < 0:
        raise Unreadable("The price of goods is below zero.")
    if kind is LineKind.SALE and pieces < 0:
        raise Unreadable(f"The line counts as a sale, but its quantity {pieces} is negative.")
    if kind is LineKind.RETURN and pieces > 0:
        raise Unreadable(f"The line counts as a return, but its quantity {pieces} is positive.")


def _bounded(field: str, text: str) -> str:
    """Return a text ready for COPY. Raises: Unreadable when it is too long or holds what no text of ours may hold."""
    if len(text) > LONGEST[field]:
        raise Unreadable(f"The {field.replace('_', ' ')} is longer than {LONGEST[field]} characters.")
    if _CONTROL.search(text):
        raise Unreadable(f"The {field.replace('_', ' ')} holds a control character.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable(
            f"The {field.replace('_', ' ')} holds bytes that are no text in the file's encoding."
        ) from None
    return text.replace("\\", "\\\\")


def _quantity(raw: str) -> int:
    text = raw.strip()
    if not _WHOLE.fullmatch(text):
        raise Unreadable(f"The quantity {text[:40]!r} is no whole number of pieces.")
    pieces = int(text.partition(".")[0])
    if pieces == 0:
        raise Unreadable("The quantity is 0: nothing moved and nothing was charged.")
    if abs(pieces) > MOST_PIECES:
        raise Unreadable(f"The quantity {pieces} is more than {MOST_PIECES} pieces in one line.")
    return pieces


def _price(raw: str, decimal_point: str) -> tuple[str, int]:
    """Return a price written in one way ("2.1" and "2.10" are equal) and its sign."""
    text = raw.strip()
    plain = text if decimal_point == "." else text.replace(".", "").replace(decimal_point, ".")
    try:
        if not _PRICE.fullmatch(plain):
            raise InvalidOperation
        price = Decimal(plain)
    except InvalidOperation:
        raise Unreadable(f"The price {text[:40]!r} is no number.") from None
    if abs(price) >= HIGHEST_PRICE:
        raise Unreadable(f"The price {text[:40]} is out of bounds.")
    if price != round(price, MOST_DECIMALS):
        raise Unreadable(f"The price {text[:40]} has more than {MOST_DECIMALS} decimal places.")
    written = format(price, "f")
    if "." in written:
        written = written.rstrip("0").rstrip(".")
    return ("0", 0) if price == 0 else (written, 1 if price > 0 else -1)
