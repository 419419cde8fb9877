"""`manage.py load_postal_codes [PATH…]`: where postal codes lie, so that distances to stores can be told."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from commerce import transactions
from inventory.places import locations, postal_codes

AT_ONCE = 2_000
MOST_EXPLAINED = 5


class Command(BaseCommand):
    help = (
        "Load GeoNames postal code files (.txt, .txt.gz); without a path, the few that come with Kontor. Newest wins."
    )
    requires_system_checks: list[str] = []  # those are about web pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a country's file, such as DE.txt.gz")

    def handle(self, *, paths: list[Path], verbosity: int, **options: Any) -> None:
        readings = [(path.name, self._read(path)) for path in paths]
        if not paths:
            codes = postal_codes.shipped()
            readings = [(postal_codes.SHIPPED.name, postal_codes.Reading(codes, len(codes)))]
        total = sum(len(reading.codes) for _, reading in readings)
        with tqdm(total=total, desc="postal codes", unit=" codes", disable=None if verbosity else True) as bar:
            for _, reading in readings:
                for start in range(0, len(reading.codes), AT_ONCE):
                    batch = reading.codes[start : start + AT_ONCE]
                    with transactions.transaction():
                        locations.set_places(list(batch))
                    bar.update(len(batch))
        for name, reading in readings:
            self.stdout.write(f"{name}: {len(reading.codes):,} postal codes from {reading.lines:,} lines.")
            for number, reason in reading.rejected[:MOST_EXPLAINED]:
                self.stdout.write(f"  line {number} was left out: {reason}")
            if len(reading.rejected) > MOST_EXPLAINED:
                self.stdout.write(f"  and {len(reading.rejected) - MOST_EXPLAINED:,} more lines were left out.")

    def _read(self, path: Path) -> postal_codes.Reading:
        try:
            return postal_codes.read(path)
        except (OSError, EOFError) as error:
            raise CommandError(f"{path} can't be read: {error}.") from error
