"""Barcodes are 14 digits with a right check digit, or they are refused with the reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commerce import gtin


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("96385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("4006381333931", "04006381333931"),
        (" 400-6381 333931 ", "04006381333931"),
        ("14006381333938", "14006381333938"),
        ("2001234000000", "02001234000000"),  # an in-store number is a code like any other
    ],
)
def test_every_length_becomes_fourteen_digits(text: str, code: str) -> None:
    assert gtin.normalise(text) == code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("4006381333932", "the check digit of this GTIN should be 1, not 2"),
        ("12345", "a GTIN has 8, 12, 13 or 14 digits"),
        ("", "a GTIN has only digits"),
        ("40063813339A1", "a GTIN has only digits"),
        ("٤٠٠٦٣٨١٣٣٣٩٣١", "a GTIN has only digits"),
    ],
)
def test_wrong_codes_say_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as fault:
        gtin.normalise(text)
    assert str(fault.value) == reason


@given(st.sampled_from([7, 11, 12, 13]).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)), st.data())
def test_one_wrong_digit_never_passes(digits: str, data: st.DataObject) -> None:
    code = gtin.with_check_digit(digits)
    assert gtin.normalise(code) == code.zfill(14)
    place = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != code[place]]))
    with pytest.raises(ValueError):
        gtin.normalise(code[:place] + other + code[place + 1 :])


def test_only_whole_codes_get_a_check_digit() -> None:
    with pytest.raises(ValueError):
        gtin.with_check_digit("12345")
