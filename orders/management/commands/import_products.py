"""`manage.py import_products`: products from a table, with what they need besides being picked."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commerce.actors import Actor
from orders import product_files
from pricing.exchange.tables import UnreadableFile

MOST_SHOWN = 20


class Command(BaseCommand):
    """Add and change the products of a file, each row on its own merit."""

    help = "Import products from CSV or XLSX: names, measures, barcodes, preparation times. The same again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="Only say what would change.")
        parser.add_argument(
            "--rejects", type=Path, help="Where the faults are written, with line, field, value and way out."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            done = product_files.load(
                product_files.read(path.read_bytes()), by=Actor.system("import_products"), is_trial=options["dry_run"]
            )
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from error
        except UnreadableFile as error:
            raise CommandError(f"{path}: {error}") from error
        left_out = len({fault.line for fault in done.faults})
        self.stdout.write(f"{done.added} new, {done.changed} changed, {done.same} unchanged, {left_out} rows left out")
        for fault in done.faults[:MOST_SHOWN]:
            self.stdout.write(f"  line {fault.line}, {fault.field} {fault.value!r}: {fault.message}")
        if options["rejects"] and done.faults:
            with options["rejects"].open("w", newline="", encoding="utf-8") as file:
                rows = [(fault.line, fault.field, fault.value, fault.message) for fault in done.faults]
                csv.writer(file, delimiter=";").writerows([("line", "field", "value", "message"), *rows])
