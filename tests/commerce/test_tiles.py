"""The tile of a product: one rule for letters and tint on every screen."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from commerce.templatetags.tiles import TINTS, tile


@pytest.mark.parametrize(
    ("name", "sku", "letters"),
    [
        ("Becher Steinzeug Salbei", "TASS-02", "BS"),
        ("Bio-Saatgut Tomate", "SAAT-04", "BS"),
        ("Kerze", "KERZ-01", "K"),
        ("– 8 l –", "GIES-02", "8L"),
        ("***", "zz-9", "ZZ"),
        ("<b> & Co", "B-1", "C"),
    ],
)
def test_letters_come_from_the_first_two_words_or_the_sku(name, sku, letters):
    assert re.fullmatch(rf'<span class="tile tint-\d+" aria-hidden="true">{letters}</span>', tile(name, sku))


def test_a_product_has_the_same_tint_everywhere_and_its_style_exists():
    tints = {re.search(r"tint-(\d+)", tile("Kerze", f"SKU-{number}"))[1] for number in range(200)}
    assert tints == {str(number) for number in range(TINTS)}
    style = Path(str(finders.find("css/kontor.css"))).read_text(encoding="utf-8")
    assert all(f".tint-{number} " in style for number in tints)
    assert "tile-big" in tile("Kerze", "SKU-1", big=True)
    assert re.search(r"tint-\d+", tile("Kerze", "SKU-1", big=True))[0] in tile("Andere", "SKU-1")


def test_what_a_name_holds_stays_text():
    assert "<i>" not in tile("<i>", "<i>")
