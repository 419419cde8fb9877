"""Reading invoice files: mappings that are understood or refused as a whole, rows that are good or get a reason."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commerce.errors import InvalidInput
from orders import sales_mapping, sales_parsing
from orders.sales_mapping import LineKind, Mapping
from orders.sales_parsing import STAGED, Rejected

SHIPPED = (Path(sales_mapping.__file__).parent / "mappings" / "online-retail.toml").read_text(encoding="utf-8")
MAPPING = sales_mapping.parse(SHIPPED)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD = "536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n"


def read(*lines: str, mapping: Mapping = MAPPING, header: str = HEADER) -> tuple[list[dict[str, str]], list[Rejected]]:
    rejected: list[Rejected] = []
    staged = list(sales_parsing.rows([header, *lines], mapping, at=NOW, reject=rejected.append))
    return [dict(zip(STAGED, line.rstrip("\n").split("\t"), strict=True)) for line in staged], rejected


def row(**changes: str) -> str:
    values = dict(zip(HEADER.strip().split(","), GOOD.strip().split(","), strict=True))
    return ",".join((values | changes).values()) + "\n"


def test_a_good_row_is_read_with_its_instant_in_utc() -> None:
    (line,), rejected = read(row(InvoiceDate="2011-06-01 09:30:00"))
    assert rejected == []
    assert line["kind"] == "sale"
    assert (line["invoice"], line["stock_code"], line["quantity"], line["unit_price"]) == (
        "536365",
        "85123A",
        "6",
        "2.55",
    )
    assert line["occurred_at"] == "2011-06-01 08:30:00.000000+00"  # summer time in London


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, LineKind.SALE),
        ({"UnitPrice": "0.0"}, LineKind.SALE),  # a gift
        ({"UnitPrice": "0.0", "CustomerID": ""}, LineKind.SALE),  # a gift on an invoice without a customer
        ({"InvoiceNo": "C536379", "Quantity": "-1"}, LineKind.RETURN),
        ({"InvoiceNo": "C536379", "Quantity": "-1", "CustomerID": ""}, LineKind.RETURN),
        ({"Quantity": "-9", "UnitPrice": "0.0", "CustomerID": "", "Description": "damages"}, LineKind.CORRECTION),
        ({"Quantity": "9", "UnitPrice": "0.0", "CustomerID": "", "Description": ""}, LineKind.CORRECTION),
        ({"Quantity": "9", "UnitPrice": "0", "CustomerID": "", "Description": "found"}, LineKind.CORRECTION),
        ({"StockCode": "POST"}, LineKind.CHARGE),
        ({"StockCode": "m"}, LineKind.CHARGE),
        ({"StockCode": "gift_0001_20"}, LineKind.CHARGE),
        ({"StockCode": "D", "InvoiceNo": "C536380", "Quantity": "-1"}, LineKind.CHARGE),
        ({"StockCode": "B", "InvoiceNo": "A563186", "UnitPrice": "-11062.06"}, LineKind.CHARGE),
        ({"StockCode": "M", "InvoiceNo": "C496350", "Quantity": "1"}, LineKind.CHARGE),
        ({"StockCode": "DCGS0058"}, LineKind.SALE),
    ],
)
def test_the_rules_of_online_retail_tell_what_a_line_is(changes: dict[str, str], kind: LineKind) -> None:
    (line,), rejected = read(row(**changes))
    assert (line["kind"], rejected) == (kind.value, [])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Quantity": "0"}, "The quantity is 0"),
        ({"Quantity": "1.5"}, "The quantity '1.5' is no whole number of pieces."),
        ({"Quantity": "many"}, "The quantity 'many' is no whole number"),
        ({"Quantity": "99999999"}, "more than 10000000 pieces"),
        ({"UnitPrice": "free"}, "The price 'free' is no number."),
        ({"UnitPrice": "NaN"}, "The price 'NaN' is no number."),
        ({"UnitPrice": "1.0000001"}, "more than 6 decimal places"),
        ({"UnitPrice": "999999999999"}, "out of bounds"),
        ({"UnitPrice": "-1"}, "The price of goods is below zero."),
        ({"InvoiceDate": "01/12/2010"}, "The date '01/12/2010' is not written like %Y-%m-%d %H:%M:%S"),
        ({"InvoiceDate": "2010-02-30 08:00:00"}, "is not written like"),
        ({"InvoiceDate": "2027-01-01 08:00:00"}, "lies in the future"),
        ({"InvoiceDate": "1950-01-01 08:00:00"}, "before 1970"),
        ({"InvoiceNo": " "}, "The invoice number is empty."),
        ({"StockCode": ""}, "The stock code is empty."),
        ({"StockCode": "<b>"}, "would be no SKU"),
        ({"Description": "x" * 251}, "The description is longer than 250 characters."),
        ({"Description": "a\x00b"}, "The description holds a control character."),
        ({"Country": "Fran\udce7e"}, "The country holds bytes that are no text"),
        ({"Quantity": "-1"}, "No rule of the mapping says what such a line is."),
    ],
)
def test_a_bad_row_gets_its_reason_and_its_neighbours_are_read(changes: dict[str, str], reason: str) -> None:
    lines, (rejected,) = read(GOOD, row(**changes), GOOD)
    assert len(lines) == 2
    assert reason in rejected.reason
    assert rejected.line_number == 3
    assert len(rejected.fields) == 8


def test_rows_of_another_width_and_lost_quotation_marks_cost_only_themselves() -> None:
    lost = '536365,85123A,"WHITE HANGING,6,2010-12-01 08:26:00,2.55,17850,United Kingdom\n'
    lines, rejected = read(GOOD, "a,b\n", lost, "\n", GOOD, GOOD)
    assert [line["line_number"] for line in lines] == ["2", "6", "7"]
    assert [(each.line_number, each.reason) for each in rejected] == [
        (3, "The row has 2 columns instead of 8."),
        (4, "A quotation mark is opened and never closed."),
    ]


def test_inches_and_quoted_commas_are_text() -> None:
    lines, rejected = read(
        row(Description='RECORD FRAME 7" SINGLE'), row(Description='"FRAME 7"", BLUE"'), row(Description="A\\B")
    )
    assert rejected == []
    assert [line["description"] for line in lines] == ['RECORD FRAME 7" SINGLE', 'FRAME 7", BLUE', "A\\\\B"]


def test_a_row_has_one_id_however_it_is_written() -> None:
    same = [
        GOOD,
        row(UnitPrice="2.550"),
        row(Description=" WHITE HANGING HEART "),
        row(CustomerID="17850.0", Quantity="6.0"),
    ]
    different = [
        row(UnitPrice="2.56"),
        row(StockCode="85123a"),
        row(InvoiceDate="2010-12-01 08:27:00"),
        row(Country="EIRE"),
    ]
    lines, rejected = read(*same, *different)
    assert rejected == []
    ids = [line["id"] for line in lines]
    assert len(set(ids[: len(same)])) == 1
    assert len(set(ids)) == 1 + len(different)
    assert ids[0] < read(row(InvoiceDate="2010-12-01 08:28:00"))[0][0]["id"]  # ids sort by time
    assert all(each[12] == "8" and each[16] == "a" for each in ids)


def test_a_file_without_a_needed_column_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"The file has no column 'InvoiceNo'; its columns are a, b\."):
        read(header="a,b\n")


def test_a_mapping_reads_another_dialect() -> None:
    text = """
    name = "kasse"
    rules = [{ kind = "sale", quantity = "positive" }, { kind = "reject", reason = "Storno ohne Bon." }]
    [file]
    delimiter = ";"
    decimal_point = ","
    [time]
    formats = ["%d.%m.%Y %H:%M"]
    zone = "Europe/Berlin"
    [columns]
    invoice = "Bon"
    stock_code = "Artikel"
    quantity = "Menge"
    occurred_at = "Zeit"
    unit_price = "Preis"
    [channel]
    code = "kasse"
    name = "Kasse"
    kind = "pos"
    country = "DE"
    currency = "EUR"
    [location]
    code = "ALT-01"
    name = "Altes Lager"
    kind = "store"
    country = "DE"
    """
    mapping = sales_mapping.parse(text)
    lines, rejected = read(
        "1.234,5;A-1;7;24.12.2023 18:00;9\n", "19,90;A-1;7;24.12.2023 18:00;2\n", "1;A-1;7;24.12.2023 18:00;-2\n",
        mapping=mapping, header="Preis;Artikel;Bon;Zeit;Menge\n",
    )  # fmt: skip
    assert [(line["unit_price"], line["customer"], line["occurred_at"][:16]) for line in lines] == [
        ("1234.5", "", "2023-12-24 17:00"),
        ("19.9", "", "2023-12-24 17:00"),
    ]
    assert rejected[0].reason == "Storno ohne Bon."


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('invoice = "InvoiceNo"\n', "", "columns.invoice is missing"),
        ('zone = "Europe/London"', 'zone = "Europe/Atlantis"', "time.zone is no time zone"),
        (
            'kind = "return"',
            'kind = "refund"',
            "rules[1].kind must be one of sale, return, correction, charge or reject",
        ),
        ('invoice = "^C"', 'invoice = "("', "rules[1].invoice is no regular expression"),
        ('quantity = "negative"', 'quantity = "minus"', "rules[1].quantity must be one of negative, zero, positive"),
        ('[channel]\ncode = "online-retail"\n', "[channel]\n", "channel.code is missing"),
        ("[report]", "[rapport]", "rapport unknown; known are"),
        ('name = "online-retail"', "name = 7 +", "not valid TOML"),
        ("rows = 525461", 'rows = "many"', "is no number"),
    ],
)
def test_a_mapping_that_is_not_understood_is_refused_as_a_whole(old: str, new: str, complaint: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        sales_mapping.parse(SHIPPED.replace(old, new, 1))
    said: Sequence[str] = [refusal.value.message, *(f"{e['field']} {e['message']}" for e in refusal.value.errors)]
    assert any(complaint in sentence for sentence in said), said
