"""Products from a table: added, changed or left as they are, row by row, with what they need besides being picked."""

import io

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from commerce import catalog
from orders import preparation, product_files
from orders.models import PreparationTime
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db
HEADING = "sku;name;ean;gewicht in g;preparation_minutes;preparation_minutes_per_piece;preparation_for"


def load(*rows: str, heading: str = HEADING, **options) -> product_files.Loaded:
    return product_files.load(product_files.read("\n".join([heading, *rows]).encode()), by=ground.TESTER, **options)


def sums(done: product_files.Loaded) -> tuple[int, int, int, int]:
    return done.added, done.changed, done.same, len(done.faults)


def test_products_and_their_preparation_are_added_changed_and_ended():
    code = ground.barcode()
    row = f"RING-1;Ring;{code};12;15;5;engraving"
    assert sums(load(row, "CUP-1;Cup;;300;;;")) == (2, 0, 0, 0)
    ring, cup = catalog.known(["RING-1", "CUP-1"]).values()
    assert (ring.weight_grams, len(ring.gtins), cup.gtins) == (12, 1, ())
    (told,) = preparation.of({ring.id: 2, cup.id: 1})
    assert (told.sku, told.what, told.minutes) == ("RING-1", "engraving", 25)
    assert sums(load(row, "CUP-1;Cup;;300;;;")) == (0, 0, 2, 0), "the same again changes nothing"
    assert sums(load("RING-1;;;;20;;")) == (0, 1, 0, 0), "an empty cell leaves what is known"
    assert preparation.of({ring.id: 2})[0].minutes == 30
    assert sums(load("RING-1;Golden ring;;;0;0;")) == (0, 1, 0, 0)
    assert not PreparationTime.objects.exists()
    assert catalog.products_by_sku(["RING-1"])["RING-1"].name == "Golden ring"


def test_each_fault_is_named_by_line_and_field_and_costs_its_row_alone():
    done = load(
        "A-1;Good;;10;5;;", "A-2;Bad;;ten;5;;", ";Nameless;;1;;;", "A-3;;;1;;;", "A-4;Far;;1;99999;;", "A-5;Code;123;1;;;",
        f"A-6;Long;;1;5;;{'x' * 61}", "A-1;Twice;;1;;;",
    )  # fmt: skip
    assert sums(done)[:3] == (1, 0, 0)
    assert [(fault.line, fault.field) for fault in sorted(done.faults, key=lambda one: one.line)] == [
        (3, "weight_grams"), (4, "sku"), (5, "name"), (6, "preparation_minutes"), (7, "gtin"), (8, "preparation_for"),
        (9, "sku"),
    ]  # fmt: skip
    assert set(catalog.products_by_sku([f"A-{number}" for number in range(1, 7)])) == {"A-1"}, (
        "nothing of a bad row is kept"
    )


@pytest.mark.parametrize(
    ("heading", "field"), [("name;ean", "sku"), ("sku;colour", "colour"), ("sku;artikelnummer", "sku")]
)
def test_a_heading_that_says_something_else_is_refused(heading, field):
    done = load("A-1;x", heading=heading)
    assert [(fault.line, fault.field) for fault in done.faults] == [(1, field)]
    assert sums(done)[:3] == (0, 0, 0)


def test_a_trial_keeps_nothing():
    assert sums(load("A-1;Good;;10;5;;", is_trial=True)) == (1, 0, 0, 0)
    assert not catalog.products_by_sku(["A-1"])
    assert not PreparationTime.objects.exists()


def test_the_command_reads_sheets_and_writes_down_the_faults(tmp_path, capsys):
    book = openpyxl.Workbook()
    for row in (["Artikelnummer", "Bezeichnung", "Vorbereitungszeit"], ["S-1", "Sofa", 90], ["S-2", "Sessel", "lang"]):
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    path, rejects = tmp_path / "products.xlsx", tmp_path / "rejects.csv"
    path.write_bytes(kept.getvalue())
    call_command("import_products", path, rejects=rejects)
    assert "1 new, 0 changed, 0 unchanged, 1 rows left out" in capsys.readouterr().out
    assert "3;preparation_minutes;lang;" in rejects.read_text()
    assert PreparationTime.objects.get().minutes == 90
    path.write_bytes(b"%PDF-1.4 nothing")
    with pytest.raises(CommandError, match="save it as"):
        call_command("import_products", path)
    with pytest.raises(CommandError, match="can't be read"):
        call_command("import_products", tmp_path / "none.csv")
