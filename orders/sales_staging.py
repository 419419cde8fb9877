"""Where lines of invoice files wait until they become history: temporary tables of the importing connection.

Nothing here outlives the connection, so a killed import leaves nothing to clean up; what was loaded is in the history, and
a line that is there already is left out when it is staged again.
"""

import csv
import gzip
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from django.db import connection

from commerce.errors import InvalidInput
from commerce.transactions import transaction_required
from orders import sales_parsing
from orders.sales_figures import Figures
from orders.sales_mapping import Mapping

BLOCK_LINES = 2_000  # handed to COPY at a time
CHUNK_ROWS = 60_000  # loaded in one transaction, more or less: a killed import loses at most this much work
CHUNK_PRODUCTS = 2_000

_OPEN = """
DROP TABLE IF EXISTS pg_temp.past_sales_line, pg_temp.past_sales_product, pg_temp.past_sales_customer;
CREATE TEMP TABLE past_sales_line (
    file_id bigint, line_number bigint, id uuid, kind text, invoice text, stock_code text, sku text, description text,
    quantity integer, unit_price numeric(18, 6), customer text, country text, occurred_at timestamptz
);
CREATE TEMP TABLE past_sales_product (sku text PRIMARY KEY, product_id bigint NOT NULL);
CREATE TEMP TABLE past_sales_customer (reference text PRIMARY KEY, profile_id uuid NOT NULL);
"""
_CLOSE = "DROP TABLE IF EXISTS pg_temp.past_sales_line, pg_temp.past_sales_product, pg_temp.past_sales_customer"

# Equal rows of one file are meant (an article entered twice): the second gets an id of its own, the same in every file. Its
# first 48 bits stay those of the instant, so that it sorts by time like the others.
_TELL_EQUALS_APART = """
UPDATE pg_temp.past_sales_line line
SET id = (left(equal.digits, 12) || '8' || substr(equal.digest, 1, 3) || 'a' || substr(equal.digest, 4, 15))::uuid
FROM (
    SELECT line_number, occurrence, replace(id::text, '-', '') AS digits,
           encode(sha256(convert_to(id::text || ':' || occurrence, 'UTF8')), 'hex') AS digest
    FROM (
        SELECT line_number, id, row_number() OVER (PARTITION BY id ORDER BY line_number) AS occurrence
        FROM pg_temp.past_sales_line
        WHERE file_id = %(file_id)s AND id IN (
            SELECT id FROM pg_temp.past_sales_line WHERE file_id = %(file_id)s GROUP BY id HAVING count(*) > 1)
    ) numbered
) equal
WHERE line.file_id = %(file_id)s AND line.line_number = equal.line_number AND equal.occurrence > 1
"""
_FIGURES = """
SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT invoice FROM {lines}) i),
       (SELECT count(*) FROM (SELECT DISTINCT invoice FROM {lines} AND %(prefix)s <> '' AND starts_with(invoice, %(prefix)s)) i),
       (SELECT count(*) FROM (SELECT DISTINCT stock_code FROM {lines}) c),
       (SELECT count(*) FROM (SELECT DISTINCT {customer} FROM {lines} AND {customer} <> '') c),
       count(*) FILTER (WHERE {customer} = ''), count(*) FILTER (WHERE kind = 'sale'),
       count(*) FILTER (WHERE kind = 'return'), count(*) FILTER (WHERE kind = 'correction'),
       count(*) FILTER (WHERE kind = 'charge'), coalesce(sum(quantity * unit_price), 0),
       coalesce(sum(quantity * unit_price) FILTER (WHERE quantity > 0 AND unit_price > 0
                AND NOT (%(prefix)s <> '' AND starts_with(invoice, %(prefix)s))), 0)
FROM {lines}
"""
_COUNTED = (
    "rows", "invoices", "cancellations", "stock_codes", "customers", "rows_without_customer", "sale_rows", "return_rows",
    "correction_rows", "charge_rows", "value", "sales_value",
)  # fmt: skip

_LEAVE_OUT_DOUBLES = """
DELETE FROM pg_temp.past_sales_line later USING pg_temp.past_sales_line earlier
WHERE earlier.id = later.id AND earlier.file_id < later.file_id
"""
_LEAVE_OUT_KNOWN = "DELETE FROM pg_temp.past_sales_line line USING orders_pastsale known WHERE known.id = line.id"
_READY = "CREATE INDEX ON pg_temp.past_sales_line (sku); ANALYZE pg_temp.past_sales_line"

# The name most lines give it; notes on stock corrections ("damaged") only where nothing else is said.
_PRODUCTS = """
SELECT sku.sku, sku.is_goods, coalesce(named.description, sku.sku)
FROM (SELECT sku, bool_or(kind <> 'charge') AS is_goods FROM pg_temp.past_sales_line GROUP BY sku) sku
LEFT JOIN (
    SELECT DISTINCT ON (sku) sku, description
    FROM (SELECT sku, description, count(*) AS lines, bool_or(kind <> 'correction') AS is_name
          FROM pg_temp.past_sales_line WHERE description <> '' GROUP BY sku, description) counted
    ORDER BY sku, is_name DESC, lines DESC, description
) named ON named.sku = sku.sku
ORDER BY sku.sku
"""
_CUSTOMERS = """
SELECT DISTINCT ON (customer) customer, country
FROM (SELECT customer, country, count(*) AS lines FROM pg_temp.past_sales_line WHERE customer <> '' GROUP BY 1, 2) counted
ORDER BY customer, lines DESC, country
"""


@dataclass(frozen=True, slots=True)
class SalesFile:
    """A file to import: where it is, what it is called in reports, the digest of its content, and how long it is."""

    path: Path
    name: str
    sha256: str
    lines: int


@transaction_required
def open_tables() -> None:
    """Make the temporary tables, empty."""
    _execute(_OPEN)


@transaction_required
def drop_tables() -> None:
    """Give their space back."""
    _execute(_CLOSE)


def inspect(path: Path) -> SalesFile:
    """Read a file once for its digest and length. Raises: InvalidInput when it isn't there or is damaged."""
    digest, lines = hashlib.sha256(), 0
    try:
        with _opened(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
                lines += block.count(b"\n")
    except (OSError, EOFError) as error:
        raise InvalidInput(
            f"{path} can't be read: {error}.",
            errors=[{"field": "path", "value": str(path), "message": "not a readable .csv or .csv.gz file"}],
        ) from error
    return SalesFile(path, path.name.removesuffix(".gz"), digest.hexdigest(), lines)


@transaction_required
def read(
    file: SalesFile, file_id: int, mapping: Mapping, *, rejects: Path, at: datetime, advance: Callable[[int], None]
) -> Figures:
    """Stage the good rows of a file and write the others with their reasons to `rejects`; return the file's figures.

    Raises: InvalidInput when the header does not fit the mapping; nothing is staged then.
    """
    with _Rejects(rejects) as rejected, _opened(file.path) as raw:
        lines = _text(raw, mapping.encoding)
        rows = sales_parsing.rows(lines, mapping, at=at, reject=rejected.add)
        source = _Blocks(rows, file_id, advance)
        columns = ", ".join(("file_id", *sales_parsing.STAGED))
        with connection.cursor() as cursor:
            try:
                cursor.copy_expert(f"COPY pg_temp.past_sales_line ({columns}) FROM STDIN", source)
            except Exception:
                if source.error is not None:
                    raise source.error from None
                raise
            cursor.execute(_TELL_EQUALS_APART, {"file_id": file_id})
    return _figures(
        "pg_temp.past_sales_line WHERE file_id = %(file_id)s", "customer", rejected.count, mapping, file_id=file_id
    )


def figures_of_source(mapping: Mapping, rejected: int) -> Figures:
    """Return the figures of all history that was ever imported with this mapping."""
    lines = "orders_pastsale WHERE file_id IN (SELECT id FROM orders_pastsalesfile WHERE source = %(source)s)"
    return _figures(lines, "customer_reference", rejected, mapping, source=mapping.name)


@transaction_required
def settle() -> int:
    """Leave out lines that another file or the history has already, and return how many are left to load."""
    _execute(_LEAVE_OUT_DOUBLES)
    _execute(_LEAVE_OUT_KNOWN)
    _execute(_READY)
    return int(_rows("SELECT count(*) FROM pg_temp.past_sales_line")[0][0])


def products() -> list[tuple[str, bool, str]]:
    """Return (SKU, whether it is goods, name) of all staged lines."""
    return _rows(_PRODUCTS)


def customers() -> list[tuple[str, str]]:
    """Return (reference, the country most of their lines name) of all staged customers."""
    return _rows(_CUSTOMERS)


@transaction_required
def resolve_products(product_ids: dict[str, int]) -> None:
    """Say which product each SKU is."""
    columns = [list(product_ids), list(product_ids.values())]
    _execute("INSERT INTO pg_temp.past_sales_product SELECT * FROM unnest(%s::text[], %s::bigint[])", columns)


@transaction_required
def resolve_customers(profiles: dict[str, UUID]) -> None:
    """Say which profile each customer reference is."""
    columns = [list(profiles), list(map(str, profiles.values()))]
    _execute("INSERT INTO pg_temp.past_sales_customer SELECT * FROM unnest(%s::text[], %s::uuid[])", columns)


def chunks() -> Iterator[tuple[list[str], int]]:
    """Yield SKUs in groups of about CHUNK_ROWS staged lines, with that number. All lines of a product are in one group."""
    skus: list[str] = []
    size = 0
    for sku, lines in _rows("SELECT sku, count(*) FROM pg_temp.past_sales_line GROUP BY sku ORDER BY sku"):
        skus.append(sku)
        size += lines
        if size >= CHUNK_ROWS or len(skus) == CHUNK_PRODUCTS:
            yield skus, size
            skus, size = [], 0
    if skus:
        yield skus, size


def _figures(lines: str, customer: str, rejected: int, mapping: Mapping, **parameters: Any) -> Figures:
    sql = _FIGURES.format(lines=lines, customer=customer)
    counted = _rows(sql, {"prefix": mapping.cancellation_prefix, **parameters})[0]
    return Figures(rejected=rejected, **dict(zip(_COUNTED, counted, strict=True)))


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _text(raw: Any, encoding: str) -> Iterator[str]:
    """Yield the lines of a file. Bytes that are no text survive as surrogates, so that only their row is refused."""
    return io.TextIOWrapper(raw, encoding=encoding, errors="surrogateescape", newline="\n")


class _Blocks:
    """COPY lines as the file that COPY reads from. While the server digests one block, the next is parsed."""

    def __init__(self, rows: Iterator[str], file_id: int, advance: Callable[[int], None]) -> None:
        self.rows = rows
        self.prefix = f"{file_id}\t"
        self.advance = advance
        self.error: Exception | None = None

    def read(self, size: int = -1) -> str:
        try:
            block = list(islice(self.rows, BLOCK_LINES))
        except Exception as error:
            self.error = error
            raise
        if not block:
            return ""
        self.advance(len(block))
        return self.prefix + self.prefix.join(block)


class _Rejects:
    """The file of rejected rows: line number, reason, then the row as it was. Exists only when there is one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self.file: TextIO | None = None
        self.writer: Any = None

    def __enter__(self) -> "_Rejects":
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(self, *error: object) -> None:
        if self.file:
            self.file.close()

    def add(self, rejected: sales_parsing.Rejected) -> None:
        if self.file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = self.path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
            self.writer = csv.writer(self.file)
            self.writer.writerow(["line", "reason", "row"])
        self.count += 1
        self.writer.writerow([rejected.line_number, rejected.reason, *rejected.fields])


def _execute(sql: str, parameters: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def _rows(sql: str, parameters: Any = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
