"""Files of absolute figures: streamed in parts, faults named line by line, read again without effect."""

import csv
import gzip
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from commerce import clock
from commerce.catalog import ProductRef
from commerce.transactions import transaction
from inventory.models import Discrepancy, StockStatement
from inventory.places import locations
from inventory.reconciliation import sources, statements
from inventory.reconciliation.sources import Policy, SourceTerms
from inventory.reconciling import Decision, Meaning, SourceKind
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY


@pytest.fixture
def goods(db: None) -> list[ProductRef]:
    """Five products with four pieces each at BER, and an ERP whose figures are agreed on."""
    products = shop.products(5)
    store = make.store("BER")
    for product in products:
        make.receive(product.id, store.id, 4)
    terms = SourceTerms(name="ERP", kind=SourceKind.ERP, policies={Meaning.ON_HAND: Policy(Decision.ASK)})
    with transaction():
        sources.set_source("erp", terms, by=BY, at=clock.now())
    return products


def read(path: Path, **options: Any) -> str:
    out = io.StringIO()
    said = {
        "source": "erp",
        "location": "BER",
        "as_of": clock.utc_text(clock.now()),
        "rejects": path.parent / "rejects",
    }
    call_command("read_statement", path, verbosity=0, stdout=out, **(said | options))
    return out.getvalue()


def written(folder: Path, *lines: str, header: str = "sku,quantity", name: str = "stock.csv") -> Path:
    path = folder / name
    text = "\n".join([header, *lines]) + "\n"
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def test_a_file_is_compared_in_parts_and_again_without_effect(
    goods: list[ProductRef], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST_LINES", 2)
    as_of = clock.utc_text(clock.now())
    path = written(
        tmp_path, *(f"{product.sku},{pieces}" for product, pieces in zip(goods, (4, 3, 4, 4, 5), strict=True))
    )
    assert "5 lines: 5 products compared, 3 agree, 2 differ" in read(path, as_of=as_of)
    assert (StockStatement.objects.count(), Discrepancy.objects.count()) == (3, 2)
    assert "3 agree, 2 differ" in read(path, as_of=as_of)
    assert (StockStatement.objects.count(), Discrepancy.objects.count()) == (3, 2)


def test_the_same_file_on_another_day_is_another_statement(goods: list[ProductRef], tmp_path: Path) -> None:
    path = written(tmp_path, f"{goods[0].sku},4")
    read(path)
    make.receive(goods[0].id, locations.ref("BER").id, 1)
    assert "0 agree, 1 differ" in read(path)


def test_a_file_that_breaks_off_is_refused_at_that_point(goods: list[ProductRef], tmp_path: Path) -> None:
    path = written(tmp_path, f"{goods[0].sku},4", name="stock.csv.gz")
    path.write_bytes(path.read_bytes()[:-6])
    with pytest.raises(CommandError, match="can't be read to its end"):
        read(path)


def test_lines_that_cannot_be_read_are_named_and_the_others_count(goods: list[ProductRef], tmp_path: Path) -> None:
    path = written(
        tmp_path, f"{goods[0].sku};3", "NOBODY;1", f"{goods[1].sku};4.5", ";7", f"{goods[0].sku};2", f"{goods[2].sku};4;9",
        header="SKU;Quantity",
    )  # fmt: skip
    said = read(path)
    assert "6 lines: 1 products compared, 0 agree, 1 differ" in said
    assert "5 lines could not be read" in said
    with (tmp_path / "rejects" / "stock.csv.rejects.csv").open() as file:
        rows = {row["line"]: row["reason"] for row in csv.DictReader(file)}
    assert rows == {
        "3": "no product has this SKU",
        "4": "'4.5' is no whole number of pieces",
        "5": "names no product",
        "6": "was named before in this statement",
        "7": "has more columns than the first line",
    }


def test_a_product_named_in_two_parts_keeps_its_first_figure(
    goods: list[ProductRef], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "MOST_LINES", 1)
    said = read(written(tmp_path, f"{goods[0].sku},4", f"{goods[1].sku},4", f"{goods[0].sku},1"))
    assert "2 agree, 0 differ" in said
    assert "was named before in this file" in (tmp_path / "rejects" / "stock.csv.rejects.csv").read_text()


def test_a_complete_packed_file_says_what_is_not_there(goods: list[ProductRef], tmp_path: Path) -> None:
    path = written(tmp_path, *(f"{product.sku},4" for product in goods[:4]), name="stock.csv.gz")
    assert "1 products that we have were not named" in read(path, complete=True)
    assert Discrepancy.objects.get().product_id == goods[4].id


@pytest.mark.parametrize(
    ("lines", "header", "options", "sentence"),
    [
        (["X,1"], "article,count", {}, "has to name the columns"),
        (["X,1"], "sku,quantity", {}, "names nothing that we know"),
        (["X,1"], "sku,quantity", {"as_of": "yesterday"}, "an instant with its offset"),
        (["X,1"], "sku,quantity", {"as_of": "2026-13-45T99:00:00Z"}, "an instant with its offset"),
        (["X,1"], "sku,quantity", {"location": "NOWHERE"}, "no active location"),
        (["{sku},1"], "sku,quantity", {"source": "nobody"}, "Nothing is agreed"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    goods: list[ProductRef], tmp_path: Path, lines: list[str], header: str, options: dict[str, str], sentence: str
) -> None:
    path = written(tmp_path, *(line.format(sku=goods[0].sku) for line in lines), header=header)
    with pytest.raises(CommandError, match=sentence):
        read(path, **options)
    assert StockStatement.objects.count() == 0


def test_an_older_file_is_refused(goods: list[ProductRef], tmp_path: Path) -> None:
    read(written(tmp_path, f"{goods[0].sku},4"))
    older = clock.utc_text(clock.now() - timedelta(hours=1))
    with pytest.raises(CommandError, match="newer ones"):
        read(written(tmp_path, f"{goods[0].sku},1"), as_of=older)
    with pytest.raises(CommandError, match="There is no file"):
        read(tmp_path / "gone.csv")
