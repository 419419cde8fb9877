"""`manage.py read_statement stock.csv --source erp --location BER01 --as-of 2026-11-21T06:00:00Z`: a file of absolute figures."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime
from tqdm import tqdm

from commerce.actors import Actor
from commerce.errors import CommerceError
from inventory.places import locations
from inventory.reconciliation import files
from inventory.reconciliation.statements import Statement
from inventory.reconciling import Meaning
from inventory.stock import Condition


class Command(BaseCommand):
    requires_system_checks: list[str] = []  # those are about web pages
    help = "Compare a file of absolute stock figures (.csv, .csv.gz) with the ledger, as of when they were true."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH", help="columns: sku or gtin, and quantity")
        parser.add_argument("--source", required=True, help="the code under which the figures were agreed on")
        parser.add_argument("--location", help="a location's code; left out: what the source's channel shows")
        parser.add_argument("--meaning", choices=[m.value for m in Meaning], default=Meaning.ON_HAND.value)
        parser.add_argument("--condition", choices=[c.value for c in Condition], default=Condition.SELLABLE.value)
        parser.add_argument("--as-of", required=True, help="when the figures were true, with offset or Z")
        parser.add_argument("--complete", action="store_true", help="what the file does not name is not there")
        parser.add_argument(
            "--rejects",
            type=Path,
            default=settings.DATA_DIR / "rejects",
            metavar="FOLDER",
            help="where <name>.rejects.csv is written (default: %(default)s)",
        )

    def handle(self, *, path: Path, verbosity: int, **options: Any) -> None:
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        try:
            as_of = parse_datetime(options["as_of"])
        except ValueError:
            as_of = None
        if as_of is None or as_of.tzinfo is None:
            raise CommandError("--as-of is an instant with its offset, such as 2026-11-21T06:00:00Z.")
        with tqdm(total=path.stat().st_size, unit="B", unit_scale=True, disable=verbosity == 0 or None) as bar:
            try:
                said = Statement(
                    source=options["source"], reference="", meaning=Meaning(options["meaning"]),
                    location_id=locations.ref(options["location"]).id if options["location"] else None,
                    condition=Condition(options["condition"]), as_of=as_of, lines=(),
                )  # fmt: skip
                outcome = files.read(
                    path, said, is_complete=options["complete"], rejects_in=options["rejects"],
                    by=Actor.system("read_statement"), watch=bar.update,
                )  # fmt: skip
            except CommerceError as refusal:
                raise CommandError(refusal.message) from refusal
        self._report(outcome)

    def _report(self, outcome: files.Outcome) -> None:
        write = self.stdout.write
        write(
            f"{outcome.lines:,} lines: {outcome.compared:,} products compared, {outcome.agreeing:,} agree, "
            f"{outcome.differing:,} differ; {outcome.settled:,} earlier differences are gone."
        )
        if outcome.not_named:
            write(f"{outcome.not_named:,} products that we have were not named.")
        if outcome.rejects:
            write(f"{outcome.rejected:,} lines could not be read, each with its reason: {outcome.rejects}")
