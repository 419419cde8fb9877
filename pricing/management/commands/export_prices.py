"""`manage.py export_prices`: prices, costs or promotions as a file that can be imported again."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from pricing.exchange import exporting
from pricing.file_states import Kind


class Command(BaseCommand):
    """Write what is in force and to come to a file; its ending says whether it is CSV or XLSX."""

    help = "Export prices, landed costs or promotions to CSV or XLSX."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--kind", choices=[one.value for one in Kind], default=Kind.PRICES.value)
        parser.add_argument("--list", default="", help="Only this price list.")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        kind = Kind(options["kind"])
        if path.suffix.lower() == ".xlsx":
            path.write_bytes(exporting.as_sheet(kind, options["list"]))
        else:
            with path.open("w", encoding="utf-8", newline="") as opened:
                opened.writelines(exporting.as_csv(kind, options["list"]))
        self.stdout.write(f"{path} written")
