"""Barcodes: every GTIN is kept as 14 digits with a right check digit. [pure]"""

import re

from stdnum import ean

LENGTHS = (8, 12, 13, 14)  # GTIN-8, UPC-A, EAN-13, case packs
_SEPARATORS = re.compile(r"[\s-]+")
_DIGITS = re.compile(r"[0-9]+")


def normalise(text: str) -> str:
    """Return the GTIN in `text` as 14 digits, zeros in front. In-store numbers (prefix 2) are codes like any other.

    Raises: ValueError that says what is wrong: not digits, a wrong length, a wrong check digit.
    """
    code = _SEPARATORS.sub("", text)
    if not _DIGITS.fullmatch(code):
        raise ValueError("a GTIN has only digits")
    if len(code) not in LENGTHS:
        raise ValueError("a GTIN has 8, 12, 13 or 14 digits")
    expected = ean.calc_check_digit(code[:-1])
    if code[-1] != expected:
        raise ValueError(f"the check digit of this GTIN should be {expected}, not {code[-1]}")
    return code.zfill(14)


def with_check_digit(digits: str) -> str:
    """Return 7, 11, 12 or 13 digits completed to a valid GTIN."""
    if not _DIGITS.fullmatch(digits) or len(digits) + 1 not in LENGTHS:
        raise ValueError("a GTIN without its check digit has 7, 11, 12 or 13 digits")
    return digits + ean.calc_check_digit(digits)
