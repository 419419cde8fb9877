"""Codes stay in one piece on a page, whatever stands around them."""

import pytest
from django.template import Context, Template

KEPT = '<span class="nowrap">{}</span>'


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("MESS-01", KEPT.format("MESS-01")),
        ("20 of FEUE-03 at Kassel", f"20 of {KEPT.format('FEUE-03')} at Kassel"),
        ("PO-10002, A-03-2.", f"{KEPT.format('PO-10002')}, {KEPT.format('A-03-2')}."),
        ("Click-and-collect", "Click-and-collect"),
        ("-28", "-28"),
        ("9520000000011", "9520000000011"),
        ("A-1 <b>", f"{KEPT.format('A-1')} &lt;b&gt;"),
        ("X" * 20 + "-12345", "X" * 20 + "-12345"),
        (None, "None"),
    ],
)
def test_codes_with_a_hyphen_are_kept_whole(text: object, shown: str) -> None:
    assert Template("{{ text|whole }}").render(Context({"text": text})) == shown
