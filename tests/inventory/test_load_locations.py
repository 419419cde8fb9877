"""Loading stores from files of OpenStreetMap: what is taken, what is left out and why, and that again changes nothing."""

import csv
import gzip
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory.models import Location
from inventory.places import files, locations
from tests.inventory.conftest import BY

NODE = {
    "type": "node", "id": 7, "lat": 52.5, "lon": 13.4,
    "tags": {
        "brand": "Kauf", "name": "Kauf Mitte", "addr:street": "Lange Straße", "addr:housenumber": "3",
        "addr:postcode": "10179", "addr:city": "Berlin", "opening_hours": "Mo-Sa 07:00-22:00; Su,PH off",
    },
}  # fmt: skip
BUILDING = {
    "type": "way",
    "id": 8,
    "center": {"lat": 48.1, "lon": 11.5},
    "tags": {"brand": "KAUF", "addr:country": "AT"},
}
THIRD = NODE | {"id": 9}
BROKEN: list[Any] = [
    {"type": "way", "id": 10, "tags": {"name": "Nowhere"}},
    {"type": "node", "id": 11, "lat": 95, "lon": 0, "tags": {"name": "Off the earth"}},
    {"type": "node", "id": 12, "lat": 1, "lon": 1},
    {"type": "node", "id": 7, "lat": 52.5, "lon": 13.4, "tags": {"name": "Twice"}},
    "nonsense",
]
UNREADABLE = {
    "type": "node",
    "id": 13,
    "lat": 50,
    "lon": 8,
    "tags": {"name": "Odd", "opening_hours": "whenever we like"},
}


def written(path: Path, data: Any) -> Path:
    text = json.dumps(data).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def loaded(*paths: Path, **options: Any) -> str:
    out = StringIO()
    call_command("load_locations", *map(str, paths), verbosity=0, stdout=out, **options)
    return out.getvalue()


def test_a_file_is_read_with_its_quirks(tmp_path: Path) -> None:
    file = written(tmp_path / "stores.json.gz", {"elements": [NODE, BUILDING, THIRD, UNREADABLE, *BROKEN]})
    reading = files.read(file, country="DE")
    first, building, *_ = reading.places
    assert (first.code, first.name, first.street, first.country) == ("OSM-N7", "Kauf", "Lange Straße 3", "DE")
    assert (building.code, building.name, building.latitude, building.country) == ("OSM-W8", "Kauf", 48.1, "AT")
    assert [(one.what, one.reason) for one in reading.rejected] == [
        ("way 10", "has neither coordinates nor a center"),
        ("node 11", "lies nowhere on earth: 95.0, 0.0"),
        ("node 12", "has neither a brand nor a name"),
        ("node 7", "is in the file twice"),
        ("row 9", "has neither coordinates nor a center"),
    ]
    assert reading.entries == 9


@pytest.mark.django_db
def test_stores_are_loaded_with_hours_and_coordinates_and_again_changes_nothing(tmp_path: Path) -> None:
    file = written(tmp_path / "stores.json", [NODE, BUILDING, THIRD, UNREADABLE, *BROKEN])
    rejects = tmp_path / "rejects" / "stores.csv"
    said = loaded(file, rejects=rejects)
    assert "9 entries, 4 added, 0 changed, 0 as they were, 5 left out; 3 with opening hours (1 unreadable)" in said
    with rejects.open() as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 6
    assert rows[-1]["what"] == "OSM-N13: loaded without"
    assert "whenever we like" in rows[-1]["reason"]
    row = Location.objects.get(code="OSM-N7")
    assert (row.opening_hours, row.latitude, row.time_zone, row.history.count()) == (
        "Mo-Sa 07:00-22:00; Su,PH off", 52.5, "Europe/Berlin", 1,
    )  # fmt: skip
    assert Location.objects.get(code="OSM-W8").time_zone == "Europe/Vienna"
    assert AuditEntry.objects.filter(verb="inventory.locations.load").count() == 4
    assert "0 added, 0 changed, 4 as they were" in loaded(file, rejects=rejects)
    assert AuditEntry.objects.filter(verb="inventory.locations.load").count() == 4
    with transaction():
        locations.change_location(row.pk, is_active=False, pickup_slot_capacity=3, by=BY)
    moved = NODE | {"lat": 52.6}
    assert "0 added, 1 changed, 0 as they were" in loaded(written(tmp_path / "new.json", [moved]), rejects=rejects)
    row.refresh_from_db()
    assert (row.latitude, row.is_active, row.pickup_slot_capacity) == (52.6, False, 3), "what was set up here stays"


@pytest.mark.django_db
def test_a_table_is_read_and_rows_without_an_id_keep_their_code(tmp_path: Path) -> None:
    file = tmp_path / "stores.csv"
    file.write_text(
        "name,street,housenumber,postcode,city,opening_hours,brand,latitude,longitude\n"
        "Netto,Alte Straße,83,10179,Berlin,Mo-Sa 07:00-24:00; Su off,Netto,52.5098189,13.4073729\n"
        "Netto,,,,,,,,\n"
    )
    assert "2 entries, 1 added" in loaded(file, inactive=True, rejects=tmp_path / "r.csv")
    assert "1 as they were" in loaded(file, rejects=tmp_path / "r.csv")
    row = Location.objects.get()
    assert (row.street, row.is_active, row.code[:4]) == ("Alte Straße 83", False, "OSM-")


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.json", "{", "the file is no JSON"),
        ("a.json", "{}", "neither a list nor `elements`"),
        ("a.csv", "shop,where\n", "needs the columns name, latitude and longitude"),
        ("a.json.gz", "plain", "can't be read"),
    ],
)
def test_what_is_no_such_file_is_refused_with_a_sentence(tmp_path: Path, name: str, text: str, sentence: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(CommandError, match=sentence):
        loaded(tmp_path / name)
    with pytest.raises(CommandError, match="can't be read"):
        loaded(tmp_path / "missing.json")


def test_a_country_is_two_letters(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="two letters"):
        loaded(written(tmp_path / "a.json", []), country="Germany")
