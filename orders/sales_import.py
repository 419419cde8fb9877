"""Invoices from before Kontor become history: past sales, and every movement of goods in the stock journal.

An import may be killed at any moment and started again, given the same file twice, or the files in any order: the end state
is the same. A line's id follows from its content, so the history itself is the record of progress; lines are loaded product
by product in transactions of about `sales_staging.CHUNK_ROWS` lines, and after each the books are exact.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from django.db import connection

from commerce import audit, catalog, clock, integrity, locks, queries, transactions
from commerce.actors import Actor
from commerce.catalog import ProductSpec
from commerce.errors import Busy, InvalidInput
from customers import profiles
from inventory import history
from inventory.errors import LocationUnknown
from inventory.places import locations
from inventory.stock import Counterparty, EntryKind
from orders import sales_staging
from orders.models import PastSalesFile
from orders.sales_figures import Account, Figures
from orders.sales_mapping import LineKind, Mapping
from orders.sales_staging import SalesFile

MOST_FILES = 100
WAIT_SECONDS = 20  # for another import: a killed one may still hold the lock for a moment
PRODUCTS_AT_ONCE = 5_000
CUSTOMERS_AT_ONCE = 5_000

_KEEP = """
INSERT INTO orders_pastsale (id, file_id, line_number, kind, invoice, stock_code, description, product_id, customer_id,
                             customer_reference, country, quantity, unit_price, occurred_at)
SELECT line.id, line.file_id, line.line_number, line.kind, line.invoice, line.stock_code, line.description,
       product.product_id, customer.profile_id, line.customer, line.country, line.quantity, line.unit_price, line.occurred_at
FROM pg_temp.past_sales_line line
JOIN pg_temp.past_sales_product product ON product.sku = line.sku
LEFT JOIN pg_temp.past_sales_customer customer ON customer.reference = line.customer
WHERE line.sku = ANY(%s)
ORDER BY product.product_id, line.occurred_at, line.file_id, line.line_number
"""

# The whole history of the chunk's goods, earlier imports included. Within a minute the order of the file holds.
_MOVE = f"""
INSERT INTO {history.INBOX} ({", ".join(history.INBOX_COLUMNS)})
SELECT sale.id, sale.product_id, %(location_id)s, 'sellable',
       CASE sale.kind WHEN '{LineKind.SALE}' THEN '{EntryKind.SHIPPED}' WHEN '{LineKind.RETURN}' THEN '{EntryKind.RETURNED}'
                      ELSE '{EntryKind.ADJUSTED}' END,
       CASE sale.kind WHEN '{LineKind.CORRECTION}' THEN sale.quantity ELSE -sale.quantity END,
       CASE WHEN sale.kind <> '{LineKind.CORRECTION}' THEN '{Counterparty.CUSTOMER}'
            WHEN sale.quantity < 0 THEN '{Counterparty.SHRINKAGE}' ELSE '{Counterparty.FOUND}' END,
       CASE sale.kind WHEN '{LineKind.SALE}' THEN '' WHEN '{LineKind.RETURN}' THEN 'cancellation'
                      ELSE 'stock_correction' END,
       'invoice', sale.invoice, sale.occurred_at, sale.file_id << 40 | sale.line_number
FROM orders_pastsale sale
JOIN orders_pastsalesfile file ON file.id = sale.file_id AND file.source = %(source)s
WHERE sale.product_id = ANY(%(products)s) AND sale.kind <> '{LineKind.CHARGE}'
"""


class Watch(Protocol):
    """Is told how the import gets on."""

    def start(self, doing: str, total: int) -> None: ...

    def advance(self, rows: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import found and wrote. `accounts` are one per file and one for all of the source together."""

    accounts: tuple[Account, ...]
    rejects: tuple[Path, ...]
    lines: int
    movements: int
    opening_pieces: int


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the import stands on: who acts, for which channel, at which location, as of when."""

    mapping: Mapping
    channel_code: str
    location_id: int
    by: Actor
    at: datetime

    @property
    def source(self) -> str:
        return f"import:{self.mapping.name}"


@transactions.durable
def import_files(paths: Sequence[Path], mapping: Mapping, *, by: Actor, rejects_in: Path, watch: Watch) -> Outcome:
    """Import invoice files as history. Good rows are imported; every other gets a reason in `<name>.rejects.csv`.

    Guarantees that no line counts twice, whatever was imported before, and that stock levels and journal agree after
    every transaction. Owns many short transactions; only one import runs at a time.
    Raises: InvalidInput (file, header or mapping can't be used), Busy (another import is running).
    """
    if not 1 <= len(paths) <= MOST_FILES:
        raise InvalidInput(f"Give 1 to {MOST_FILES} files, not {len(paths)}.")
    files = [sales_staging.inspect(path) for path in paths]
    with _alone():
        ground = _prepare(mapping, by)
        records = {file.sha256: _record(file, ground) for file in files}
        fresh = {file.sha256: file for file in files if records[file.sha256].finished_at is None}
        rejects = {sha256: rejects_in / f"{Path(file.name).stem}.rejects.csv" for sha256, file in fresh.items()}
        loaded = (0, 0, 0)
        if fresh:
            with transactions.transaction():
                sales_staging.open_tables()
            for sha256, file in fresh.items():
                watch.start(f"reading {file.name}", file.lines)
                with transactions.transaction():
                    figures = sales_staging.read(
                        file, records[sha256].pk, mapping, rejects=rejects[sha256], at=ground.at, advance=watch.advance
                    )
                records[sha256].figures = figures.document()
            loaded = _load(ground, watch)
            _finish([records[sha256] for sha256 in fresh], ground)
        accounts = _accounts(files, records, fresh.keys(), mapping)
    return Outcome(accounts, tuple(path for path in rejects.values() if path.exists()), *loaded)


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other imports out and this connection patient for as long as the import runs."""
    lock = [int(locks.Purpose.IMPORT), locks.number("past sales")]
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{WAIT_SECONDS}s'; SET statement_timeout = 0")
        cursor.execute("SET idle_in_transaction_session_timeout = 0; SET work_mem = '64MB'")
        try:
            with integrity.translated():
                cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock)
        except Busy as error:
            raise Busy("Another import is running; start this one again when it has finished.") from error
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)
                cursor.execute("RESET lock_timeout; RESET statement_timeout; RESET idle_in_transaction_session_timeout")
                cursor.execute("RESET work_mem")
            with transactions.transaction():
                sales_staging.drop_tables()


def _prepare(mapping: Mapping, by: Actor) -> _Ground:
    """Open the mapping's channel and location unless they are there."""
    with transactions.transaction():
        code = mapping.channel["code"]
        if not queries.has_channel(code):
            catalog.add_channel(**{"language": "en", **mapping.channel}, by=by)
        locations.forget()
        try:
            location = locations.ref(mapping.location["code"])
        except LocationUnknown:
            location = locations.add_location(by=by, **mapping.location)
    return _Ground(mapping, code, location.id, by, clock.now())


def _record(file: SalesFile, ground: _Ground) -> PastSalesFile:
    """Return the record of a file; it counts as finished only for the mapping that it was read with."""
    with transactions.transaction():
        record, _ = PastSalesFile.objects.get_or_create(
            source=ground.mapping.name,
            sha256=file.sha256,
            defaults={"name": file.name, "mapping_sha256": ground.mapping.digest, "started_at": ground.at},
        )
        if record.mapping_sha256 != ground.mapping.digest:
            record.mapping_sha256 = ground.mapping.digest
            record.finished_at = None
            record.save()
    return record


def _load(ground: _Ground, watch: Watch) -> tuple[int, int, int]:
    """Load what is staged and new; return lines, movements and pieces of derived openings that were written."""
    with transactions.transaction():
        left = sales_staging.settle()
    watch.start("writing history", left)
    if not left:
        return 0, 0, 0
    _add_products(ground)
    _add_customers(ground)
    movements = opened = 0
    for skus, lines in sales_staging.chunks():
        with transactions.transaction():
            recorded = _load_chunk(skus, lines, ground)
        movements += recorded.movements
        opened += recorded.opening_pieces
        watch.advance(lines)
    return left, movements, opened


def _add_products(ground: _Ground) -> None:
    """Have a product for every SKU. One that exists stays as it is, but must be goods where goods moved."""
    wanted = sales_staging.products()
    for start in range(0, len(wanted), PRODUCTS_AT_ONCE):
        batch = wanted[start : start + PRODUCTS_AT_ONCE]
        specs = [
            ProductSpec(
                sku=sku, name=name, kind=str(catalog.ProductKind.GOODS if is_goods else catalog.ProductKind.CHARGE)
            )
            for sku, is_goods, name in batch
        ]
        with transactions.transaction():
            refs = catalog.add_products(specs, by=ground.by, skip_existing=True)
            charges = [sku for sku, is_goods, _ in batch if is_goods and not refs[sku].has_stock]
            if charges:
                raise InvalidInput(
                    f"{charges[0]} is a charge here, but goods in the file; change the mapping's rules or the product.",
                    errors=[
                        {"field": "stock_code", "value": sku, "message": "a charge has no stock"} for sku in charges
                    ],
                )
            sales_staging.resolve_products({sku: ref.id for sku, ref in refs.items()})


def _add_customers(ground: _Ground) -> None:
    """Have a profile for every customer number of the channel."""
    wanted = sales_staging.customers()
    for start in range(0, len(wanted), CUSTOMERS_AT_ONCE):
        batch = wanted[start : start + CUSTOMERS_AT_ONCE]
        people = [
            profiles.Person(
                channel_code=ground.channel_code,
                channel_customer_id=reference,
                language=ground.mapping.channel.get("language", "en"),
                country=ground.mapping.countries.get(country, ""),
            )
            for reference, country in batch
        ]
        with transactions.transaction():
            found = profiles.recognise_many(people, by=[ground.by] * len(people), at=ground.at)
            sales_staging.resolve_customers(
                {reference: profile for (reference, _), profile in zip(batch, found, strict=True) if profile}
            )


@transactions.transaction_required
def _load_chunk(skus: list[str], lines: int, ground: _Ground) -> history.Recorded:
    """Keep the staged lines of some products as past sales and write their movements."""
    history.open_inbox()
    with connection.cursor() as cursor:
        cursor.execute("SELECT product_id FROM pg_temp.past_sales_product WHERE sku = ANY(%s)", [skus])
        products = [row[0] for row in cursor.fetchall()]
        cursor.execute(_KEEP, [skus])
        if cursor.rowcount != lines:
            raise RuntimeError(f"{lines} lines were staged, but {cursor.rowcount} were kept.")
        cursor.execute(_MOVE, {"products": products, "source": ground.mapping.name, "location_id": ground.location_id})
    recorded = history.record(source=ground.source, by=ground.by, at=ground.at)
    audit.record(
        "orders.sales_import.import_files",
        "past_sales",
        ground.mapping.name,
        by=ground.by,
        after={
            "products": len(products),
            "lines": lines,
            "movements": recorded.movements,
            "opening_pieces": recorded.opening_pieces,
        },
    )
    return recorded


def _finish(records: Sequence[PastSalesFile], ground: _Ground) -> None:
    with transactions.transaction():
        for record in records:
            record.finished_at = clock.now()
            record.save()
        audit.record_many(
            [
                audit.AuditRow(
                    verb="orders.sales_import.import_files",
                    object_type="past_sales_file",
                    object_id=record.pk,
                    after={"name": record.name, "sha256": record.sha256, **record.figures},
                )
                for record in records
            ],
            by=ground.by,
        )


def _accounts(
    files: Sequence[SalesFile], records: dict[str, PastSalesFile], read: Collection[str], mapping: Mapping
) -> tuple[Account, ...]:
    """Return the figures per file and for all of the source, beside what the mapping expects of them."""
    accounts = [
        Account(
            file.name,
            Figures.of(records[file.sha256].figures),
            mapping.expected.get(file.name, {}),
            is_old=file.sha256 not in read,
        )
        for file in files
    ]
    finished = PastSalesFile.objects.filter(source=mapping.name, finished_at__isnull=False)
    rejected = sum(figures["rejected"] for figures in finished.values_list("figures", flat=True))
    is_complete = set(finished.values_list("name", flat=True)) == mapping.together
    together = sales_staging.figures_of_source(mapping, rejected)
    accounts.append(Account("all together", together, mapping.expected_together if is_complete else {}))
    return tuple(accounts)
