"""Where postal codes lie, from GeoNames' files: one point per code, the mean of all places that share it. [pure]

GeoNames' columns, separated by tabs, without a header: country, postal code, place, three pairs of administrative name and
code, latitude, longitude, accuracy. The shipped file is the same data cut down to a few cities.
"""

import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SHIPPED = (
    Path(__file__).parents[1] / "data" / "postal_codes.csv"
)  # the cities of the demo's stores; CC BY 4.0, GeoNames
GEONAMES_COLUMNS = 12
DECIMALS = 4  # 11 m: the files are no more exact than that
LONGEST_CODE = 12
LONGEST_PLACE = 120


class PostalCode(NamedTuple):
    """A postal code and its point."""

    country: str
    postal_code: str
    place: str
    latitude: float
    longitude: float


@dataclass(slots=True)
class Reading:
    """What a file held: a point per postal code, how many lines they came from, and which lines made no sense."""

    codes: list[PostalCode] = field(default_factory=list)
    lines: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)


def shipped() -> list[PostalCode]:
    """Return the postal codes that come with Kontor."""
    with SHIPPED.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        next(rows)
        return [PostalCode(row[0], row[1], row[2], float(row[3]), float(row[4])) for row in rows]


def read(path: Path) -> Reading:
    """Read a GeoNames file (.txt or .txt.gz). Raises: OSError, EOFError when it can't be read."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        return average(file)


def average(lines: Iterable[str]) -> Reading:
    """Return one point per postal code: the mean of its places; it is called what its first place is called."""
    reading = Reading()
    sums: dict[tuple[str, str], list[float]] = {}
    names: dict[tuple[str, str], str] = {}
    for place in _places(lines, reading):
        key = (place.country, place.postal_code)
        total = sums.setdefault(key, [0.0, 0.0, 0.0])
        total[0] += place.latitude
        total[1] += place.longitude
        total[2] += 1
        names.setdefault(key, place.place)
    reading.codes = [
        PostalCode(*key, names[key], round(latitude / count, DECIMALS), round(longitude / count, DECIMALS))
        for key, (latitude, longitude, count) in sums.items()
    ]
    return reading


def _places(lines: Iterable[str], reading: Reading) -> Iterator[PostalCode]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        columns = line.rstrip("\r\n").split("\t")
        reading.lines += 1
        try:
            yield _place(columns)
        except ValueError as error:
            reading.rejected.append((number, str(error)))


def _place(columns: list[str]) -> PostalCode:
    """Return a line's place. Raises: ValueError with the reason as a sentence."""
    if len(columns) != GEONAMES_COLUMNS:
        raise ValueError(f"The line has {len(columns)} columns instead of {GEONAMES_COLUMNS}.")
    country, code, place = (text.strip() for text in columns[:3])
    if len(country) != 2 or not country.isascii() or not country.isupper():
        raise ValueError(f"The country {country[:20]!r} is no two-letter ISO code.")
    if not 1 <= len(code) <= LONGEST_CODE:
        raise ValueError(f"The postal code {code[:20]!r} is empty or longer than {LONGEST_CODE} characters.")
    try:
        latitude, longitude = float(columns[9]), float(columns[10])
    except ValueError:
        raise ValueError(f"The coordinates {columns[9][:20]!r}, {columns[10][:20]!r} are no numbers.") from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(f"The coordinates {latitude}, {longitude} are not on earth.")
    return PostalCode(country, code, place[:LONGEST_PLACE], latitude, longitude)
