"""Files of prices, costs and promotions: read as Excel writes them, compared, written whole or not at all, taken out again."""

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from commerce import clock, transactions
from commerce.actors import Actor
from commerce.errors import InvalidInput
from commerce.roles import Role
from inventory.places import locations
from pricing import pricelists, rulesets
from pricing.errors import PriceFileNotReady
from pricing.exchange import cells, exporting, files, tables
from pricing.file_states import Kind, State
from pricing.models import LandedCost, PriceEntry, PriceFile, RulesetDraft
from pricing.pricelists import NewPrice
from pricing.promotions import documents
from pricing.promotions.terms import BuyGet, Conditions, Content, Goods, PercentOff, Promotion
from tests.factories import commerce as ground
from tests.factories import pricing as make

BY = Actor.system("tests")
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


# --- cells ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12,50", "EUR", 1250), ("12.5", "EUR", 1250), ("1.234,56", "EUR", 123456), ("1,234.56", "EUR", 123456),
        ("1.234", "EUR", 123400), ("1'234.50", "CHF", 123450), ("€ 9,99", "EUR", 999), ("9,99 EUR", "EUR", 999),
        (12.5, "EUR", 1250),
        (19.99, "EUR", 1999), (7, "EUR", 700), ("0,990", "EUR", 99), ("1.234.567", "EUR", 123456700), ("1200", "JPY", 1200),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text, currency, minor):
    assert cells.amount_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("12,345,6", "EUR"), ("zwölf", "EUR"), ("1,999", "KWD"), ("0,995", "EUR"), ("", "EUR")],
)
def test_amounts_that_could_mean_two_things_are_refused(text, currency):
    with pytest.raises(ValueError):
        cells.amount_minor(text, currency)


def test_days_and_instants():
    midnight = datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert {
        cells.instant(text) for text in ("01.07.2026", "2026-07-01", "2026-07-01T00:00:00+02:00", "1.7.2026 00:00")
    } == {midnight}
    assert cells.instant("") is None
    for wrong in ("31.02.2026", "tomorrow", "2026-13-01"):
        with pytest.raises(ValueError):
            cells.instant(wrong)


@settings(max_examples=60)
@given(st.text(max_size=30))
def test_what_is_guarded_is_no_formula_and_comes_back(text):
    kept = cells.guarded(text)
    assert not kept.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cells.unguarded(kept) == text


@settings(max_examples=60)
@given(st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_an_amount_that_was_exported_is_read_again(minor, currency):
    assert cells.amount_minor(cells.amount_text(minor, currency), currency) == minor


# --- tables ---------------------------------------------------------------------------------------------------------------


def sheet(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


GERMAN = "Artikelnummer;Preis;gültig ab\nMUG;1.234,50;01.07.2026\n\nVASE;9,99;\n"


@pytest.mark.parametrize(
    "content",
    [
        GERMAN.encode("cp1252"), GERMAN.encode(), GERMAN.encode("utf-8-sig"), GERMAN.encode("utf-16"),
        ("sep=;\n" + GERMAN).encode(), GERMAN.replace(";", "\t").encode(),
    ],
    ids=["windows", "utf-8", "mark", "utf-16", "sep", "tabs"],
)  # fmt: skip
def test_what_excel_writes_is_read(content):
    found = [row for _line, row in tables.rows(content)]
    assert found == [["Artikelnummer", "Preis", "gültig ab"], ["MUG", "1.234,50", "01.07.2026"], ["VASE", "9,99", ""]]


def test_a_sheet_is_read_with_its_lines():
    found = list(tables.rows(sheet(["sku", "amount"], [None, None], ["MUG", 12.5], [4711, "9,99"])))
    assert found == [(1, ["sku", "amount"]), (3, ["MUG", 12.5]), (4, [4711, "9,99"])]


def bomb() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 30_000_000)
    return kept.getvalue()


def entities() -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sheet(["sku"]))) as source, zipfile.ZipFile(kept, "w") as archive:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "xl/workbook.xml":
                content = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + content.partition(b"?>")[2]
            archive.writestr(part, content)
    return kept.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04broken", bomb(), entities(), b"\xd0\xcf\x11\xe0old", b"a;b\n\x00;1\n", b'sku;amount\n"MUG;1\n'],
    ids=["empty", "broken", "bomb", "entities", "old", "binary", "quotes"],
)
def test_what_can_not_be_read_says_why(content):
    with pytest.raises(tables.UnreadableFile):
        list(tables.rows(content))


# --- prices ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shop(db) -> dict[str, int]:
    with clock.frozen(NOW):
        ids = {sku: ground.product(sku).id for sku in ("MUG", "VASE", "A+1")}
        make.standard_rates()
        make.price_list()
        make.price_list("swiss", currency="CHF")
        make.prices({ids["MUG"]: 1_000})
        yield ids


def bring(text: str | bytes, kind: Kind = Kind.PRICES, **options: Any) -> PriceFile:
    content = text.encode() if isinstance(text, str) else text
    with transactions.transaction():
        made = files.bring(
            content, name="prices.csv", kind=kind, by=options.pop("by", BY), **{"price_list": "standard"} | options
        )
    files.work(made.pk)
    return files.get(made.pk)


def confirm(file: PriceFile, **options: Any) -> PriceFile:
    with transactions.transaction():
        files.confirm(file.pk, by=BY, **options)
    files.work(file.pk)
    return files.get(file.pk)


def entries() -> list[tuple[Any, ...]]:
    rows = PriceEntry.objects.order_by("price_list__code", "product__sku", "min_quantity", "valid")
    return [
        (code, sku, quantity, amount, valid.lower, valid.upper)
        for code, sku, quantity, amount, valid in rows.values_list(
            "price_list__code", "product__sku", "min_quantity", "amount_minor", "valid"
        )
    ]


def test_a_file_is_compared_then_written_and_says_nothing_new_again(shop):
    text = (
        "SKU;Preis;ab Menge;Preisliste;gültig ab;gültig bis\nMUG;11,00;;;;\nVASE;5,00;1;;;\nVASE;4,50;10;;;\n"
        "VASE;6,00;1;swiss;01.07.2026;01.08.2026\n"
    )
    file = bring(text)
    assert (file.state, file.rows_read, file.rows_new, file.rows_changed, file.rows_wrong) == ("checked", 4, 3, 1, 0)
    assert file.differences[0] == {"line": 2, "what": "MUG · standard", "before": "10.00", "after": "11.00"}
    assert len(entries()) == 1
    done = confirm(file)
    assert (done.state, done.applied_at) == ("applied", NOW)
    assert [row[:4] for row in entries()] == [
        ("standard", "MUG", 1, 1_000), ("standard", "MUG", 1, 1_100), ("standard", "VASE", 1, 500),
        ("standard", "VASE", 10, 450), ("swiss", "VASE", 1, 600),
    ]  # fmt: skip
    before = entries()
    assert confirm(done).state == "applied"
    again = bring(text)
    assert (again.rows_new, again.rows_changed, again.rows_same) == (0, 0, 4)
    confirm(again)
    assert entries() == before


FAULTY = """sku;amount;min_quantity;price_list;currency;valid_from;valid_until
MUG;11,00;;;;;
GONE;1,00;;;;;
MUG;abc;5;;;;
MUG;-1,00;6;;;;
MUG;1,00;0;;;;
VASE;1,00;;nowhere;;;
VASE;1,00;;;CHF;;
VASE;1,00;;;;2026-07-02;2026-07-01
VASE;1,00;;;;soon;
MUG;9,00;;;;2026-05-01;
VASE;2,00;7;;;;
VASE;3,00;7;;;;
;1,00;;;;;
"""


def test_every_fault_names_line_field_value_and_way_out(shop):
    file = bring(FAULTY)
    told = {(one["line"], one["field"]) for one in file.faults}
    assert told == {
        (3, "sku"), (4, "amount"), (5, "amount"), (6, "min_quantity"), (7, "price_list"), (8, "currency"), (9, "valid_until"),
        (10, "valid_from"), (11, "valid_from"), (13, "valid_from"), (14, "sku"),
    }  # fmt: skip
    assert file.rows_wrong == 11
    assert all(one["message"].endswith(".") for one in file.faults)
    before = entries()
    with pytest.raises(PriceFileNotReady), transactions.transaction():
        files.confirm(file.pk, by=BY)
    assert entries() == before
    done = confirm(file, takes_good_rows=True)
    assert (done.state, done.rows_wrong) == ("applied", 11)
    assert ("standard", "VASE", 7, 200) in [row[:4] for row in entries()]
    assert len(files.faults_of(file.pk)) == 11


def test_what_was_changed_since_it_was_looked_at_is_asked_again(shop):
    file = bring("sku;amount;valid_from\nMUG;11,00;2026-06-01T12:00:00+00:00\n")
    assert file.rows_wrong == 0
    with clock.frozen(NOW + timedelta(hours=1)), transactions.transaction():
        pricelists.set_prices("standard", [NewPrice(shop["MUG"], 1_200)], by=BY)
    with clock.frozen(NOW + timedelta(hours=2)):
        done = confirm(file)
    assert (done.state, "faults by now" in done.failure) == ("failed", True)


def test_inverted_tiers_of_a_file_are_told(shop):
    file = bring("sku;amount;min_quantity\nVASE;10;1\nVASE;9;10\nVASE;7,50;50\n")
    assert [(one["from_quantity"], one["to_quantity"]) for one in file.warnings] == [(42, 49)]


def test_a_file_that_is_no_file_fails_with_a_sentence(shop):
    assert "heading" in bring("\n;\n").failure or bring("x").state == State.CHECKED
    assert bring(b"PK\x03\x04").failure.startswith("The workbook is broken")
    nameless = bring("a;b\n1;2\n")
    assert {one["field"] for one in nameless.faults} == {"sku", "amount"}
    with pytest.raises(InvalidInput), transactions.transaction():
        files.bring(b"x", name="x", kind="shoes", by=BY)
    with pytest.raises(InvalidInput), transactions.transaction():
        files.bring(b"x", name="x", kind=Kind.PRICES, price_list="nowhere", by=BY)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_an_export_comes_back_as_it_was(shop, ending):
    with transactions.transaction():
        pricelists.set_prices(
            "standard",
            [
                NewPrice(shop["A+1"], 333, 1, NOW, NOW + timedelta(days=3, microseconds=7)),
                NewPrice(shop["VASE"], 5, 3),
            ],
            by=BY,
        )
    taken = "".join(exporting.as_csv(Kind.PRICES)).encode() if ending == "csv" else exporting.as_sheet(Kind.PRICES)
    before = entries()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM pricing_priceentry")
    file = bring(taken, price_list="")
    assert (file.rows_wrong, file.rows_new) == (0, len(before)), file.faults
    confirm(file)
    assert entries() == before
    if ending == "csv":
        assert "".join(exporting.as_csv(Kind.PRICES)).encode() == taken


def test_many_prices_take_few_statements(shop):
    rows = "".join(f"VASE;{100 + number},00;{number}\n" for number in range(1, 2_001))
    file = bring("sku;amount;min_quantity\n" + rows)
    with transactions.transaction():
        files.confirm(file.pk, by=BY)
    with CaptureQueriesContext(connection) as spoken:
        files.work(file.pk)
    assert len(spoken) < 40
    assert PriceEntry.objects.count() == 2_001


def test_costs_come_from_files(shop):
    file = bring("sku;amount;currency\nMUG;3,10;EUR\nVASE;2;CHF\n", Kind.COSTS, price_list="")
    assert (file.rows_new, file.rows_wrong) == (2, 0)
    confirm(file)
    found = set(LandedCost.objects.values_list("product__sku", "amount_minor", "currency"))
    assert found == {("MUG", 310, "EUR"), ("VASE", 200, "CHF")}
    taken = "".join(exporting.as_csv(Kind.COSTS))
    assert bring(taken, Kind.COSTS, price_list="").rows_same == 2


# --- promotions -----------------------------------------------------------------------------------------------------------


def test_promotions_come_back_as_they_were_and_change_in_a_draft(shop):
    person = Actor.staff(ground.user())
    content = Content(
        (
            Promotion("SALE", "=Sale", PercentOff(2_000), Goods(products=("MUG",)), Conditions(valid_from=NOW)),
            Promotion("B3", "Three for two", BuyGet(2, 1), Goods(categories=("Home",))),
        )
    )
    with transactions.transaction():
        rulesets.publish(content, by=BY)
    taken = "".join(exporting.as_csv(Kind.PROMOTIONS))
    same = bring(taken, Kind.PROMOTIONS, price_list="")
    assert (same.rows_new, same.rows_changed, same.rows_same, same.rows_wrong) == (0, 0, 2, 0), same.faults
    text = (
        "id;name;kind;percent;products;valid_from;valid_until\nSALE;Sale;percent_off;12,5;;;\n"
        "NEW;New one;percent_off;10;MUG | VASE;01.07.2026;\nBAD;Bad;percent_off;120;;;\n"
    )
    file = bring(text, Kind.PROMOTIONS, price_list="", by=person)
    assert (file.rows_new, file.rows_changed, file.rows_wrong) == (1, 1, 1)
    assert file.faults[0]["line"] == 4
    with transactions.transaction():
        files.confirm(file.pk, by=person, takes_good_rows=True)
    files.work(file.pk)
    draft = RulesetDraft.objects.get(pk=files.get(file.pk).result)
    found = {one.id: one for one in documents.content_from(draft.content).promotions}
    assert (found["SALE"].benefit, found["NEW"].goods.products) == (PercentOff(1_250), ("MUG", "VASE"))
    assert found["B3"] == content.promotions[1]


# --- doors ----------------------------------------------------------------------------------------------------------------


def test_the_command_writes_or_says_why_not(shop, tmp_path: Path, capsys):
    path, rejects = tmp_path / "p.csv", tmp_path / "faults.csv"
    path.write_text(FAULTY)
    with pytest.raises(CommandError, match="11 rows have faults"):
        call_command("import_prices", str(path), "--list", "standard", "--rejects", str(rejects))
    assert rejects.read_text(encoding="utf-8-sig").count("\n") == 12
    call_command("import_prices", str(path), "--list", "standard", "--good-rows", "--dry-run")
    assert len(entries()) == 1
    call_command("import_prices", str(path), "--list", "standard", "--good-rows")
    assert "written: 2 new" in capsys.readouterr().out or len(entries()) > 1
    out = tmp_path / "out.xlsx"
    call_command("export_prices", str(out))
    assert (
        len(list(tables.rows(out.read_bytes()))) == len(entries()) + 1 - 1
    )  # the price that is over is not taken along
    with pytest.raises(CommandError, match="can't be read"):
        call_command("import_prices", str(tmp_path / "none.csv"))


def test_the_admin_brings_looks_and_writes(shop):
    person, client = ground.user(), Client()
    with transactions.transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    upload = SimpleUploadedFile("p.csv", b"sku;amount\nMUG;11,00\nGONE;1\n")
    answer = client.post(
        reverse("admin:pricing_pricefile_bring"), {"file": upload, "kind": "prices", "price_list": "standard"}
    )
    file = PriceFile.objects.get()
    page = reverse("admin:pricing_pricefile_change", args=[file.pk])
    assert (answer.status_code, answer.url) == (302, page)
    assert "waits to be looked at" in client.get(page).content.decode()
    files.work(file.pk)
    html = client.get(page).content.decode()
    assert "There is no product with this SKU" in html
    assert "Write the good rows alone" in html
    assert b"GONE" in client.get(reverse("admin:pricing_pricefile_faults", args=[file.pk])).content
    client.post(page, {"good_rows": "1"})
    files.work(file.pk)
    assert "written" in client.get(page).content.decode()
    listed = client.get(reverse("admin:pricing_pricefile_changelist"))
    assert (listed.status_code, b"p.csv" in listed.content) == (200, True)
    taken = client.get(reverse("admin:pricing_pricefile_export"), {"kind": "prices", "list": "standard"})
    assert b"MUG;1;11.00" in taken.content
    assert client.get(reverse("admin:pricing_pricefile_export"), {"kind": "shoes"}).status_code == 404
    clerk = Client()
    clerk.force_login(ground.user())
    assert clerk.get(page).status_code in (302, 403)
