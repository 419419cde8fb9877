"""What Ackerblau sells: some four hundred products for house and garden, by combination. [pure]

The families are in `assortment.csv`: one row per family, a product per variant. Barcodes use GS1 prefix 952, which is
set aside for demonstrations: no real product can have one of them.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from commerce import gtin

GTIN_PREFIX = "952"
CASE_PACK_INDICATOR = "1"  # the first digit of a GTIN-14 that stands for a case of the product
EUR_TO_CHF = 1.12  # demo prices only: Swiss shelf prices are a little higher
BRAND = "Ackerblau"
BOOKS = "Bücher"


@dataclass(frozen=True, slots=True)
class Kit:
    """Several articles that are sold as one: `parts` are (SKU, pieces). Its price is a little below theirs together."""

    sku: str
    name: str
    category: str
    parts: tuple[tuple[str, int], ...]


KITS = (
    Kit("SET-BACKEN", "Backset Anthrazit", "Küche/Backen", (("SCHU-01", 1), ("SCHU-02", 1), ("BACK-01", 1))),
    Kit("SET-TISCH", "Tischset Salbei für vier", "Küche/Tisch", (("TASS-02", 4), ("TELL-02", 4))),
)
KIT_PERCENT = 90


@dataclass(frozen=True, slots=True)
class Article:
    """One product with its barcodes and its gross shelf prices."""

    sku: str
    name: str
    category: str
    tax_class: str
    weight_grams: int
    size_mm: tuple[int, int, int]
    gtin: str
    case_gtin: str
    case_of: int
    euro_cents: int
    swiss_rappen: int
    is_bulky: bool


def articles() -> Iterator[Article]:
    """Yield the whole assortment, always the same."""
    number = 0
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        for family in csv.DictReader(file, delimiter=";"):
            for place, variant in enumerate(family["variants"].split("|")):
                number += 1
                yield _article(family, place, variant, number)


def _article(family: dict[str, str], place: int, variant: str, number: int) -> Article:
    body = f"{GTIN_PREFIX}{number:09d}"
    price = int(family["euro_cents"]) + place * int(family["step"])
    grams, case_of = int(family["grams"]), int(family["case_of"])
    return Article(
        sku=f"{family['code']}-{place + 1:02d}",
        name=f"{variant} (Buch)" if family["category"] == BOOKS else f"{family['name']} {variant}",
        category=family["category"],
        tax_class=family["tax_class"],
        weight_grams=grams + grams * place // 12,
        size_mm=(int(family["length_mm"]), int(family["width_mm"]), int(family["height_mm"])),
        gtin=gtin.with_check_digit(body),
        case_gtin=gtin.with_check_digit(CASE_PACK_INDICATOR + body) if case_of else "",
        case_of=case_of,
        euro_cents=price,
        swiss_rappen=_swiss(price),
        is_bulky=family["is_bulky"] == "1",
    )


def _swiss(euro_cents: int) -> int:
    """Swiss shelf prices end in 5 or 0 Rappen: there is no smaller coin."""
    return round(euro_cents * EUR_TO_CHF / 5) * 5
