"""import_sales: real invoice lines become history, once, exactly, and whatever interrupts it."""

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import RFC_4122

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from commerce import catalog
from commerce.actors import Actor
from commerce.errors import Busy, InvalidInput
from commerce.models import AuditEntry, Channel, Product
from commerce.operations import checks
from commerce.transactions import transaction
from customers.models import Identifier, Profile
from inventory.models import StockEntry, StockLevel
from orders import sales_import, sales_mapping, sales_staging
from orders.models import PastSale, PastSalesFile
from orders.sales_import import Outcome

HEADER = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
SHIPPED = Path(sales_mapping.__file__).parent / "mappings" / "online-retail.toml"
MAPPING = sales_mapping.parse(SHIPPED.read_text(encoding="utf-8"))
BY = Actor.system("tests")

FIRST = [
    ["500001", "MUG", "RED MUG", "12", "2010-01-04 09:00:00", "2.5", "1001", "United Kingdom"],
    ["500001", "MUG", "RED MUG", "12", "2010-01-04 09:00:00", "2.5", "1001", "United Kingdom"],  # entered twice
    ["500001", "POST", "POSTAGE", "1", "2010-01-04 09:00:00", "7.95", "1001", "United Kingdom"],
    ["C500002", "MUG", "RED MUG", "-4", "2010-01-05 10:00:00", "2.5", "1001", "United Kingdom"],
    ["500003", "mug", "RED MUG SMALL ", "5", "2010-01-05 11:00:00", "0.001", "1002", "EIRE"],
    ["500004", "MUG", "damaged", "-3", "2010-01-06 12:00:00", "0.0", "", "United Kingdom"],
    ["500005", "MUG", "", "2", "2010-01-06 13:00:00", "0.0", "", "United Kingdom"],
]
SECOND = [
    FIRST[6],
    ["500006", "MUG", "MUG RED", "20", "2010-02-01 09:00:00", "2.75", "1003", "Utopia"],
    ["500006", "MUG", "MUG RED", "1", "2010-02-01 09:00:00", "2.75", "1003", "Utopia"],
    ["500007", "TEA", "", "1", "2010-02-02 09:00:00", "9.99", "1001", "United Kingdom"],
]


class Silence:
    """Watches an import and says nothing; may be told to fail when so many rows were written."""

    def __init__(self, fails_after: int | None = None) -> None:
        self.fails_after = fails_after
        self.doing = ""
        self.done = 0

    def start(self, doing: str, total: int) -> None:
        self.doing, self.done = doing, 0

    def advance(self, rows: int) -> None:
        self.done += rows
        if self.doing == "writing history" and self.fails_after is not None and self.done >= self.fails_after:
            raise KeyboardInterrupt


Importer = Callable[..., Outcome]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def written(name: str, rows: list[list[str]]) -> Path:
        path = tmp_path / name
        opened: Any = gzip.open if path.suffix == ".gz" else open
        with opened(path, "wt", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
        return path

    return written


@pytest.fixture
def import_rows(db: None, write: Callable[..., Path], tmp_path: Path) -> Importer:
    """Import files given as name=rows."""

    def run(watch: Silence | None = None, **files: list[list[str]]) -> Outcome:
        paths = [write(f"{name}.csv", rows) for name, rows in files.items()]
        return sales_import.import_files(
            paths, MAPPING, by=BY, rejects_in=tmp_path / "rejects", watch=watch or Silence()
        )

    return run


def on_hand() -> dict[str, int]:
    return dict(StockLevel.objects.values_list("product__sku", "on_hand"))


def state() -> object:
    """What an import leaves, without ids and times of recording."""
    sales = PastSale.objects.order_by("id").values_list("id", "kind", "product__sku", "quantity", "unit_price")
    movements = StockEntry.objects.exclude(reason="derived_opening").order_by("id")
    return (
        list(sales),
        list(movements.values_list("id", "kind", "on_hand_delta", "occurred_at", "cause_id")),
        on_hand(),
        sorted(Identifier.objects.values_list("value", "profile__country")),
    )


def test_every_line_finds_its_place(import_rows: Importer) -> None:
    outcome = import_rows(first=FIRST)
    assert (outcome.lines, outcome.movements) == (7, 6)
    assert Channel.objects.get(code="online-retail").currency == "GBP"
    assert dict(Product.objects.values_list("sku", "kind")) == {"MUG": "goods", "mug": "goods", "POST": "charge"}
    assert dict(Product.objects.values_list("sku", "name"))["mug"] == "RED MUG SMALL"
    assert dict(Profile.objects.values_list("identifiers__value", "country")) == {"1001": "GB", "1002": "IE"}
    entries = StockEntry.objects.filter(level__product__sku="MUG").order_by("version")
    assert [(e.kind, e.counterparty, e.on_hand_delta, e.on_hand_after) for e in entries] == [
        ("received", "supplier", 24, 24),
        ("shipped", "customer", -12, 12),
        ("shipped", "customer", -12, 0),
        ("returned", "customer", 4, 4),
        ("adjusted", "shrinkage", -3, 1),
        ("adjusted", "found", 2, 3),
    ]
    assert {(e.cause_type, e.cause_id) for e in entries[1:4]} == {("invoice", "500001"), ("invoice", "C500002")}
    assert not StockLevel.objects.filter(product__sku="POST").exists()
    postage = PastSale.objects.get(product__sku="POST")
    assert (postage.kind, postage.unit_price, postage.customer_reference) == ("charge", Decimal("7.95"), "1001")
    assert PastSale.objects.get(product__sku="mug").unit_price == Decimal("0.001")
    assert AuditEntry.objects.filter(verb="orders.sales_import.import_files", object_type="past_sales").exists()
    assert checks.run() == []


def test_the_figures_are_counted_per_file_and_together(import_rows: Importer) -> None:
    first, second, together = (account.figures for account in import_rows(first=FIRST, second=SECOND).accounts)
    assert (first.rows, first.invoices, first.cancellations, first.stock_codes, first.customers) == (7, 5, 1, 3, 2)
    assert (first.rows_without_customer, first.correction_rows, first.charge_rows) == (2, 2, 1)
    assert first.value == Decimal("57.955")  # 60 + 7.95 - 10 + 0.005
    assert first.sales_value == Decimal("67.955")
    assert (second.rows, second.value) == (4, Decimal("67.74"))
    assert (together.rows, together.invoices, together.stock_codes, together.customers) == (10, 7, 4, 3)
    assert together.value == first.value + second.value


def test_the_same_line_in_two_files_counts_once_and_twice_in_one_file_twice(import_rows: Importer) -> None:
    import_rows(first=FIRST, second=SECOND)
    assert PastSale.objects.filter(invoice="500005").count() == 1
    assert PastSale.objects.filter(invoice="500001", product__sku="MUG").count() == 2
    import_rows(third=[FIRST[0], FIRST[0], FIRST[0]])
    assert PastSale.objects.filter(invoice="500001", product__sku="MUG").count() == 3
    import_rows(fourth=[FIRST[0], FIRST[0], FIRST[0], FIRST[-1]])
    assert PastSale.objects.filter(invoice="500001", product__sku="MUG").count() == 3
    assert checks.run() == []


def test_ids_begin_with_their_instant_so_that_history_sorts_by_time(import_rows: Importer) -> None:
    """Rows entered twice and derived openings included; UUIDs of a version that the standard has for it."""
    import_rows(first=FIRST, second=SECOND)
    entries = [*PastSale.objects.all(), *StockEntry.objects.all()]
    assert len(entries) == 10 + 9 + 3
    for entry in entries:
        assert entry.id.int >> 80 == int(entry.occurred_at.timestamp() * 1000)
        assert (entry.id.version, entry.id.variant) in {(7, RFC_4122), (8, RFC_4122)}
    assert [sale.occurred_at for sale in PastSale.objects.order_by("id")] == sorted(
        PastSale.objects.values_list("occurred_at", flat=True)
    )


@pytest.mark.parametrize(
    "runs",
    [
        [{"second": SECOND, "first": FIRST}],
        [{"first": FIRST}, {"second": SECOND}],
        [{"second": SECOND}, {"first": FIRST}],
        [{"first": FIRST}, {"first": FIRST}, {"second": SECOND}, {"first": FIRST, "second": SECOND}],
        [{"part": FIRST[:3]}, {"second": SECOND, "first": FIRST}],
    ],
)
def test_the_end_is_the_same_whatever_the_order(import_rows: Importer, runs: list[dict[str, list[list[str]]]]) -> None:
    """The smallest opening of MUG is 42: 24 left, 4 and 2 came back, 3 broke, then 21 left. Nothing is there after."""
    for run in runs:
        import_rows(**run)
    assert on_hand() == {"MUG": 0, "mug": 0, "TEA": 0}
    openings = StockEntry.objects.filter(level__product__sku="MUG", reason="derived_opening")
    assert sum(openings.values_list("on_hand_delta", flat=True)) == 42
    assert PastSale.objects.count() == 10
    assert Profile.objects.count() == 3
    assert checks.run() == []


def test_the_same_file_again_is_not_read_again(import_rows: Importer) -> None:
    import_rows(first=FIRST)
    before = state(), StockEntry.objects.count(), AuditEntry.objects.count()
    again = import_rows(renamed=FIRST)
    assert (again.lines, again.movements, again.accounts[0].is_old) == (0, 0, True)
    assert again.accounts[0].figures.rows == 7
    assert (state(), StockEntry.objects.count(), AuditEntry.objects.count()) == before


def test_a_product_that_is_known_stays_as_it_is(import_rows: Importer) -> None:
    with transaction():
        catalog.add_product(sku="MUG", name="Our mug", by=BY)
    import_rows(first=FIRST)
    assert Product.objects.get(sku="MUG").name == "Our mug"


def test_goods_that_are_a_charge_here_are_refused_before_anything_is_written(import_rows: Importer) -> None:
    with transaction():
        catalog.add_product(sku="MUG", name="Mug fee", kind="charge", by=BY)
    with pytest.raises(InvalidInput, match="MUG is a charge here, but goods in the file"):
        import_rows(first=FIRST)
    assert not PastSale.objects.exists()


def test_bad_rows_are_explained_and_the_good_ones_imported(import_rows: Importer) -> None:
    broken = [
        ["500009", "MUG", "RED MUG", "two", "2010-01-04 09:00:00", "2.5", "", "France"],
        ["500009", "MUG", "RED MUG", "2"],
    ]
    outcome = import_rows(first=[FIRST[0], *broken, FIRST[3]])
    assert outcome.lines == 2
    assert outcome.accounts[0].figures.rejected == 2
    (path,) = outcome.rejects
    assert path.name == "first.rejects.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "reason", "row"]
    assert rows == [
        ["3", "The quantity 'two' is no whole number of pieces.", *broken[0]],
        ["4", "The row has 4 columns instead of 8.", *broken[1]],
    ]


def test_an_interrupted_import_leaves_exact_books_and_goes_on(
    import_rows: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sales_staging, "CHUNK_ROWS", 2)
    with pytest.raises(KeyboardInterrupt):
        import_rows(Silence(fails_after=1), first=FIRST)
    assert 0 < PastSale.objects.count() < len(FIRST)
    assert PastSalesFile.objects.get().finished_at is None
    assert checks.run() == []
    rest = import_rows(first=FIRST)
    assert 0 < rest.lines < len(FIRST)
    assert (PastSale.objects.count(), on_hand()["MUG"]) == (7, 3)
    assert PastSalesFile.objects.get().finished_at is not None
    assert checks.run() == []


def test_past_sales_are_never_changed_but_for_their_customer(import_rows: Importer) -> None:
    import_rows(first=FIRST)
    PastSale.objects.update(customer=None)
    with pytest.raises(Exception, match="is a journal"), transaction():
        PastSale.objects.update(quantity=1)


def test_a_file_that_is_not_there_or_damaged_is_refused(db: None, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.csv.gz"
    damaged.write_bytes(gzip.compress(b"InvoiceNo,StockCode\n" * 9_000)[:-20])
    for path in (tmp_path / "missing.csv", damaged):
        with pytest.raises(CommandError, match="can't be read"):
            call_command("import_sales", str(path), mapping="online-retail", verbosity=0)


def test_the_command_reports_and_refuses_in_words(db: None, write: Callable[..., Path], tmp_path: Path) -> None:
    path = write("first.csv.gz", FIRST)
    mapping = tmp_path / "mine.toml"
    mapping.write_text(
        SHIPPED.read_text(encoding="utf-8") + '\n[expected."first.csv"]\nrows = 7\nvalue = "57.96"\ninvoices = 9\n',
        encoding="utf-8",
    )
    output = StringIO()
    options = {"mapping": str(mapping), "rejects": tmp_path, "verbosity": 0, "stdout": output}
    call_command("import_sales", str(path), **options)
    report = output.getvalue()
    assert "7 ✓" in report
    assert "✓ the publisher says the same" in report
    assert "57.96 ✓" in report
    assert "5 ≠ 9" in report
    assert "first.csv: the figures DIFFER from what its publisher says." in report
    call_command("import_sales", str(path), **options)
    assert "Nothing is new" in output.getvalue()
    with pytest.raises(CommandError, match="There is no mapping 'sap'; shipped are ackerblau, online-retail"):
        call_command("import_sales", str(path), mapping="sap")
    headless = tmp_path / "headless.csv"
    headless.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CommandError, match="The file has no column 'InvoiceNo'"):
        call_command("import_sales", str(headless), **options)


@pytest.mark.django_db(transaction=True)
def test_two_imports_never_run_at_once(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sales_import, "WAIT_SECONDS", 1)
    path = write("first.csv", FIRST)
    other = connection.copy()
    with other.cursor() as cursor:
        lock = [int(sales_import.locks.Purpose.IMPORT), sales_import.locks.number("past sales")]
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock)
        try:
            with pytest.raises(Busy, match="Another import is running"):
                sales_import.import_files([path], MAPPING, by=BY, rejects_in=tmp_path, watch=Silence())
        finally:
            other.close()
    sales_import.import_files([path], MAPPING, by=BY, rejects_in=tmp_path, watch=Silence())
    assert PastSale.objects.count() == 7


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_killed_import_finishes_when_it_is_started_again(
    write: Callable[..., Path], tmp_path: Path, eventually: Callable[..., object]
) -> None:
    """SIGKILL after the first transaction of several; the second run brings what one run alone would have brought."""
    rows = [
        [str(600_000 + n // 10), f"P{n % 100:03}", f"PRODUCT {n % 100}", str(1 + n % 7), f"2010-03-{1 + n // 6000:02} 10:00:00",
         "1.25", str(n % 50), "France"]
        for n in range(90_000)
    ]  # fmt: skip
    path = write("large.csv", rows)
    settings = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{settings['USER'] or 'postgres'}@/{settings['NAME']}?host={settings['HOST']}",
    }
    command = [
        sys.executable,
        "manage.py",
        "import_sales",
        str(path),
        "--mapping",
        "online-retail",
        "--rejects",
        str(tmp_path),
    ]
    root = Path(sales_import.__file__).parent.parent
    running = subprocess.Popen(command, env=environment, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: PastSale.objects.exists() or running.poll() is not None, within=90)
    finally:
        running.kill()
        running.wait()
    half = PastSale.objects.count()
    assert 0 < half < len(rows), "the import was to be killed in its middle"
    assert checks.run() == []
    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert PastSale.objects.count() == len(rows)
    assert set(on_hand().values()) == {0}
    assert StockEntry.objects.exclude(reason="derived_opening").count() == len(rows)
    assert PastSalesFile.objects.get().figures["rows"] == len(rows)
    assert checks.run() == []
