"""Stores from files of OpenStreetMap: Overpass answers, lists of its nodes, and tables with a row per store. [pure]

A building has a `center` instead of coordinates of its own; addresses are often missing; a brand is spelt now "Lidl", now
"LIDL": the spelling that the file uses most is taken. What lies nowhere, or has no name, can't be loaded and says why.
"""

import csv
import gzip
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

LARGEST_FILE = 200_000_000  # bytes of plain text: a country's stores, many times over
LONGEST = {"name": 120, "street": 160, "postal_code": 12, "city": 80, "opening_hours": 300}
ZONES = {"DE": "Europe/Berlin", "AT": "Europe/Vienna", "CH": "Europe/Zurich", "LI": "Europe/Vaduz"}


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """A store as the file has it. `code` is the same every time the file, or a newer one, is read."""

    code: str
    name: str
    latitude: float
    longitude: float
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    opening_hours: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something of the file that could not be taken: which (its OSM id, or the number of its row), and why."""

    what: str
    reason: str


@dataclass(slots=True)
class Reading:
    """What a file held: stores, what was left out, and what was left out of stores that were taken (`remarks`)."""

    places: list[FoundPlace] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    remarks: list[Rejected] = field(default_factory=list)
    entries: int = 0


def read(path: Path, *, country: str) -> Reading:
    """Read a .json, .json.gz, .csv or .csv.gz file; `country` is where stores are that don't say.

    Raises: OSError; ValueError with a sentence when it is none of these.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        text = stream.read(LARGEST_FILE + 1)
    if len(text) > LARGEST_FILE:
        raise ValueError(f"the file is larger than {LARGEST_FILE:,} bytes")
    name = path.name.removesuffix(".gz")
    entries = _table(text) if name.endswith(".csv") else _elements(text)
    reading, known = Reading(), Counter[str]()
    for number, entry in enumerate(entries, start=1):
        reading.entries += 1
        what = _identity(entry) or f"row {number}"
        found = _place(entry, what, country, reading)
        if isinstance(found, Rejected):
            reading.rejected.append(found)
        elif known[found.code]:
            reading.rejected.append(Rejected(what, "is in the file twice"))
        else:
            known[found.code] += 1
            reading.places.append(found)
    reading.places = _spelt_alike(reading.places)
    return reading


def _elements(text: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ValueError(f"the file is no JSON: {error}") from error
    elements = data.get("elements") if isinstance(data, dict) else data
    if not isinstance(elements, list):
        raise ValueError("the file has neither a list nor `elements`, as Overpass writes them")
    for element in elements:
        yield element if isinstance(element, dict) else {}


def _table(text: bytes) -> Iterator[Mapping[str, Any]]:
    rows = csv.DictReader(io.StringIO(text.decode("utf-8-sig", errors="replace")))
    if not {"name", "latitude", "longitude"} <= set(rows.fieldnames or ()):
        raise ValueError("the table needs the columns name, latitude and longitude")
    for row in rows:
        tags = {
            "name": row.get("name"), "brand": row.get("brand"), "addr:street": row.get("street"),
            "addr:housenumber": row.get("housenumber"), "addr:postcode": row.get("postcode"),
            "addr:city": row.get("city"), "opening_hours": row.get("opening_hours"),
        }  # fmt: skip
        yield {"lat": row.get("latitude"), "lon": row.get("longitude"), "tags": tags}


def _identity(entry: Mapping[str, Any]) -> str:
    kind, number = entry.get("type", "node"), entry.get("id")
    return f"{kind} {number}" if isinstance(number, int) else ""


def _place(entry: Mapping[str, Any], what: str, country: str, reading: Reading) -> FoundPlace | Rejected:
    said = entry.get("tags")
    tags: Mapping[str, Any] = said if isinstance(said, dict) else {}
    point = entry if "lat" in entry else entry.get("center")
    try:
        latitude, longitude = float(point["lat"]), float(point["lon"])  # type: ignore[index]
    except (TypeError, KeyError, ValueError):
        return Rejected(what, "has neither coordinates nor a center")
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return Rejected(what, f"lies nowhere on earth: {latitude}, {longitude}")
    values = {
        "name": _text(tags.get("brand")) or _text(tags.get("name")),
        "street": " ".join(filter(None, (_text(tags.get("addr:street")), _text(tags.get("addr:housenumber"))))),
        "postal_code": _text(tags.get("addr:postcode")),
        "city": _text(tags.get("addr:city")),
        "opening_hours": _text(tags.get("opening_hours")),
    }
    if not values["name"]:
        return Rejected(what, "has neither a brand nor a name")
    for name, most in LONGEST.items():
        if len(values[name]) > most:
            reading.remarks.append(Rejected(what, f"{name} is longer than {most} characters and was left out"))
            values[name] = values[name][:most] if name == "name" else ""
    of = _text(tags.get("addr:country")).upper()
    return FoundPlace(
        _code(entry, values["name"], latitude, longitude), latitude=latitude, longitude=longitude,
        country=of if len(of) == 2 else country, **values,
    )  # fmt: skip


def _code(entry: Mapping[str, Any], name: str, latitude: float, longitude: float) -> str:
    """Return OSM's own id, or for a row without one a digest of what it is and where it lies."""
    if isinstance(entry.get("id"), int):
        return f"OSM-{str(entry.get('type', 'node'))[:1].upper()}{entry['id']}"[:20]
    digest = hashlib.sha256(f"{name.casefold()}|{latitude:.5f}|{longitude:.5f}".encode()).hexdigest()
    return f"OSM-{digest[:14].upper()}"


def _spelt_alike(places: Iterable[FoundPlace]) -> list[FoundPlace]:
    """Give every name the spelling that the file uses most for it; of equals the first by letters."""
    found = list(places)
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        spellings[one.name.casefold()][one.name] += 1
    usual = {key: min(counts, key=lambda name: (-counts[name], name)) for key, counts in spellings.items()}
    return [replace(one, name=usual[one.name.casefold()]) for one in found]


def _text(value: object) -> str:
    return " ".join(value.split()).replace("\x00", "") if isinstance(value, str) else ""
