"""`manage.py import_prices`: prices, costs or promotions from a file, compared first."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import transaction
from pricing.exchange import columns, files
from pricing.file_states import Kind, State

MOST_SHOWN = 20


class Command(BaseCommand):
    """Compare a file with what is in force, and write it where nothing is wrong with it."""

    help = "Import prices, landed costs or promotions from CSV or XLSX: a dry run first, all rows or the good ones."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--kind", choices=[one.value for one in Kind], default=Kind.PRICES.value)
        parser.add_argument("--list", default="", help="The price list of rows that name none.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would change.")
        parser.add_argument(
            "--good-rows", action="store_true", help="Write the rows without a fault, though others have one."
        )
        parser.add_argument(
            "--rejects", type=Path, help="Where the faults are written, with line, field, value and way out."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CommandError(f"{path} can't be read: {error.strerror}.") from error
        by = Actor.system("import_prices")
        try:
            with transaction():
                file = files.bring(
                    content, name=path.name, kind=options["kind"], price_list=options["list"], by=by,
                    takes_good_rows=options["good_rows"],
                )  # fmt: skip
            files.work(file.pk)
            found = self._told(file.pk, options["rejects"])
            if options["dry_run"] or found.state != State.CHECKED:
                with transaction():
                    files.discard(file.pk, by=by)
                if found.state != State.CHECKED:
                    raise CommandError(found.failure)
                return
            with transaction():
                files.confirm(file.pk, by=by)
            files.work(file.pk)
        except CommerceError as refusal:
            raise CommandError(refusal.message) from refusal
        done = files.get(file.pk)
        if done.state != State.APPLIED:
            raise CommandError(done.failure or f"The file is {done.state}.")
        self.stdout.write(f"written: {done.rows_new} new, {done.rows_changed} changed, {done.rows_same} unchanged")

    def _told(self, file_id: Any, rejects: Path | None) -> Any:
        found = files.get(file_id)
        self.stdout.write(
            f"{found.rows_read} rows: {found.rows_new} new, {found.rows_changed} changed, {found.rows_same} unchanged, "
            f"{found.rows_wrong} with faults"
        )
        for one in found.differences[:MOST_SHOWN]:
            self.stdout.write(f"  {one['what']}: {one['before'] or '–'} → {one['after']}")
        for one in found.faults[:MOST_SHOWN]:
            self.stderr.write(f"  line {one['line']}, {one['field']} {one['value']!r}: {one['message']}")
        for one in found.warnings[:MOST_SHOWN]:
            self.stderr.write(
                f"  {one['sku']}: {one['from_quantity']} to {one['to_quantity']} pieces cost more than {one['cheaper_quantity']}"
            )
        if rejects is not None:
            with rejects.open("w", newline="", encoding="utf-8-sig") as opened:
                writer = csv.writer(opened, delimiter=";")
                writer.writerow(columns.REJECTS)
                writer.writerows(columns.rejects(files.faults_of(file_id)))
        return found
