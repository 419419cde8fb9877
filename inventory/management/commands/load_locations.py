"""`manage.py load_locations PATH…`: stores from files of OpenStreetMap, with coordinates and opening hours."""

import csv
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from commerce import transactions
from commerce.actors import Actor
from inventory.places import files, locations
from inventory.places.files import FoundPlace, Reading, Rejected
from inventory.stock import Capability, LocationKind

AT_ONCE = 500
MOST_EXPLAINED = 5


class Command(BaseCommand):
    help = (
        "Load stores from Overpass JSON, lists of OSM nodes, or tables (.json, .csv, .gz). Read again, only what changed"
        " is written; what can't be taken goes to a rejects file with its reason."
    )
    requires_system_checks: list[str] = []  # those are about web pages

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
        parser.add_argument("--country", default="DE", help="where stores are that don't say (two letters; DE)")
        parser.add_argument("--inactive", action="store_true", help="load them switched off, to be looked at first")
        parser.add_argument("--rejects", type=Path, help="the rejects file (by default in the data folder)")

    def handle(self, *, paths: list[Path], country: str, inactive: bool, verbosity: int, **options: Any) -> None:
        country = country.strip().upper()
        if len(country) != 2 or not country.isalpha():
            raise CommandError(f"{country!r} is no country; write two letters, such as DE.")
        by = Actor.system("load_locations")
        rejects: Path = options["rejects"] or settings.DATA_DIR / "rejects" / "locations.csv"
        lines: list[tuple[str, str, str]] = []
        for path in paths:
            reading = self._read(path, country)
            sums = {"added": 0, "changed": 0, "same": 0}
            refused: list[Rejected] = []
            with tqdm(
                total=len(reading.places), desc=path.name, unit=" stores", disable=None if verbosity else True
            ) as bar:
                for start in range(0, len(reading.places), AT_ONCE):
                    batch = reading.places[start : start + AT_ONCE]
                    with transactions.transaction():
                        done = locations.load([_values(one, is_active=not inactive) for one in batch], by=by)
                    for name in sums:
                        sums[name] += getattr(done, name)
                    refused += [Rejected(code, reason) for code, reason in done.refused]
                    reading.remarks += [Rejected(code, reason) for code, reason in done.remarks]
                    bar.update(len(batch))
            self._say(path, reading, sums, refused)
            for kind, rows in (("left out", [*reading.rejected, *refused]), ("loaded without", reading.remarks)):
                lines += [(path.name, f"{row.what}: {kind}", row.reason) for row in rows]
        if lines:
            rejects.parent.mkdir(parents=True, exist_ok=True)
            with rejects.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("file", "what", "reason"), *lines])
            self.stdout.write(f"{len(lines):,} remarks are in {rejects}.")

    def _read(self, path: Path, country: str) -> Reading:
        try:
            return files.read(path, country=country)
        except (OSError, EOFError, ValueError) as error:
            raise CommandError(f"{path} can't be read: {error}.") from error

    def _say(self, path: Path, reading: Reading, sums: dict[str, int], refused: list[Rejected]) -> None:
        places = reading.places
        self.stdout.write(
            f"{path.name}: {reading.entries:,} entries, {sums['added']:,} added, {sums['changed']:,} changed,"
            f" {sums['same']:,} as they were, {len(reading.rejected) + len(refused):,} left out;"
            f" {sum(bool(one.opening_hours) for one in places):,} with opening hours"
            f" ({sum('opening_hours' in row.reason or 'opening hours' in row.reason for row in reading.remarks):,} unreadable),"
            f" {sum(bool(one.postal_code) for one in places):,} with a postal code,"
            f" {len({one.name for one in places}):,} names."
        )
        for row in [*reading.rejected, *refused][:MOST_EXPLAINED]:
            self.stdout.write(f"  {row.what} was left out: {row.reason}")


def _values(one: FoundPlace, *, is_active: bool) -> dict[str, Any]:
    return {
        "code": one.code, "name": one.name, "kind": LocationKind.STORE.value, "street": one.street,
        "postal_code": one.postal_code, "city": one.city, "country": one.country, "latitude": one.latitude,
        "longitude": one.longitude, "opening_hours": one.opening_hours,
        "time_zone": files.ZONES.get(one.country, "Europe/Berlin"),
        "capabilities": [Capability.PICKUP.value], "is_active": is_active,
    }  # fmt: skip
