"""`manage.py import_sales PATH… --mapping online-retail`: invoices from before Kontor become history."""

from pathlib import Path
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from commerce.actors import Actor
from commerce.errors import CommerceError
from orders import sales_figures, sales_import, sales_mapping

MAPPINGS = Path(sales_mapping.__file__).parent / "mappings"


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # those are about web pages
    help = "Import invoice files (.csv, .csv.gz) as history: products, customers, past sales and stock movements."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a .csv or .csv.gz file with a header")
        parser.add_argument(
            "--mapping", required=True, help="the name of a mapping in orders/mappings, or a path to one"
        )
        parser.add_argument(
            "--rejects",
            type=Path,
            default=settings.DATA_DIR / "rejects",
            metavar="FOLDER",
            help="where <name>.rejects.csv is written (default: %(default)s)",
        )

    def handle(self, *, paths: list[Path], mapping: str, rejects: Path, verbosity: int, **options: Any) -> None:
        started = monotonic()
        bar = _Bar(is_silent=verbosity == 0)
        try:
            outcome = sales_import.import_files(
                paths, _mapping(mapping), by=Actor.system("import_sales"), rejects_in=rejects, watch=bar
            )
        except CommerceError as error:
            bar.close()
            raise CommandError("\n".join([error.message, *map(_explained, error.errors[:20])])) from error
        bar.close()
        self._report(outcome, monotonic() - started)

    def _report(self, outcome: sales_import.Outcome, seconds: float) -> None:
        write = self.stdout.write
        write(sales_figures.table(outcome.accounts))
        write("")
        for account in outcome.accounts:
            if account.is_old:
                write(f"{account.title} was imported before; nothing of it was read again.")
            if not account.expected:
                continue
            agrees = "agree with what its publisher says" if account.agrees else "DIFFER from what its publisher says"
            write(f"{account.title}: the figures {agrees}.")
        for path in outcome.rejects:
            write(f"Rejected rows, each with its reason: {path}")
        if not outcome.lines:
            write(f"Nothing is new: all of it is in the history already; {seconds:,.1f} s.")
            return
        rows = sum(account.figures.rows for account in outcome.accounts[:-1] if not account.is_old)
        write(
            f"{outcome.lines:,} new lines, {outcome.movements:,} movements in the journal, {outcome.opening_pieces:,} pieces in "
            f"derived openings; {seconds:,.1f} s, {rows / seconds:,.0f} rows/s."
        )


def _mapping(name: str) -> sales_mapping.Mapping:
    shipped = MAPPINGS / f"{name}.toml"
    path = shipped if shipped.is_file() else Path(name)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in MAPPINGS.glob("*.toml")))
        raise CommandError(f"There is no mapping {name!r}; shipped are {known}, or give a path to a .toml file.")
    return sales_mapping.parse(path.read_text(encoding="utf-8"))


def _explained(error: dict[str, Any]) -> str:
    return f"  {error['field']} = {error['value']!r}: {error['message']}"


class _Bar:
    """Shows each step of the import as a progress bar with its rate."""

    def __init__(self, *, is_silent: bool) -> None:
        self.is_silent = is_silent
        self.bar: tqdm | None = None

    def start(self, doing: str, total: int) -> None:
        self.close()
        self.bar = tqdm(total=total, desc=doing, unit=" rows", unit_scale=True, disable=self.is_silent or None)

    def advance(self, rows: int) -> None:
        if self.bar is not None:
            self.bar.update(rows)

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
