"""Cells of files as people write them: German and English numbers, dates, encodings, and text that is no formula. [pure]"""

import re
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from commerce import money

ZONE = ZoneInfo("Europe/Berlin")
# Spreadsheets run what begins so; an apostrophe before it makes it text again (OWASP, "CSV injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

_NUMBER = re.compile(r"[+-]?\d{1,3}(?:[.,'’\u00a0\u202f ]\d{3})*(?:[.,]\d+)?|[+-]?\d+(?:[.,]\d+)?")
_GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def decoded(content: bytes) -> str:
    """Return the text of a file: UTF-8 or UTF-16 by its mark, UTF-8 without one, else Windows-1252 as old Excels write it.

    Raises: ValueError when it is none of them.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def amount_minor(cell: object, currency: str) -> int:
    """Return an amount in minor units: 12.50, 12,50, 1.234,56, 1'234.50 or a number. Raises: ValueError with the way out."""
    places = money.exponent(currency)
    text = str(cell if not isinstance(cell, float) else repr(cell)).strip()
    for sign in (currency, currency.lower(), "€", "CHF", "Fr.", "EUR"):
        text = text.removeprefix(sign).removesuffix(sign).strip()
    if not text or not _NUMBER.fullmatch(text):
        raise ValueError("Write an amount as 12.50 or 12,50.")
    plain = re.sub(r"['’\u00a0\u202f ]", "", text)
    whole, fraction = _parts(plain, places)
    if len(fraction) > places:
        if fraction[places:].strip("0"):
            raise ValueError(f"{currency} has {places} decimal places; round the amount.")
        fraction = fraction[:places]
    return int(whole + fraction.ljust(places, "0"))


def _parts(plain: str, places: int) -> tuple[str, str]:
    """Split a number at its decimal sign. One sign before three digits groups thousands, unless decimals can be three."""
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return plain, ""
    sign, other = plain[last], "," if plain[last] == "." else "."
    head, tail = plain[:last], plain[last + 1 :]
    if other in head:
        return head.replace(other, ""), tail
    if sign in head:  # 1.234.567
        if len(tail) != 3:
            raise ValueError("Write an amount as 1234.50 or 1.234,50.")
        return plain.replace(sign, ""), ""
    if len(tail) == 3 and head.lstrip("+-") not in ("", "0"):
        if places >= 3:
            raise ValueError("That may be thousands or decimals; write it without a sign for thousands.")
        return head + tail, ""
    return head or "0", tail


def whole(cell: object) -> int:
    """Return a whole number. Raises: ValueError."""
    text = str(cell).strip()
    if isinstance(cell, float) and cell.is_integer():
        text = str(int(cell))
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError("Write a whole number, such as 10.")
    return int(text)


def instant(cell: object, zone: ZoneInfo = ZONE) -> datetime | None:
    """Return an instant: ISO with its offset, or a local day or time (2026-12-01, 01.12.2026 08:00); None where empty.

    Raises: ValueError.
    """
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo else cell.replace(tzinfo=zone)).astimezone(UTC)
    if isinstance(cell, date):
        return datetime.combine(cell, time(), tzinfo=zone).astimezone(UTC)
    text = str(cell or "").strip()
    if not text:
        return None
    try:
        if german := _GERMAN.fullmatch(text):
            day, month, year, hour, minute, second = (int(part or 0) for part in german.groups())
            found = datetime(year, month, day, hour, minute, second, tzinfo=zone)
        elif _ISO_DAY.fullmatch(text):
            found = datetime.combine(date.fromisoformat(text), time(), tzinfo=zone)
        else:
            found = datetime.fromisoformat(text)
            found = found if found.tzinfo else found.replace(tzinfo=zone)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Write a day as 2026-12-01 or 01.12.2026, an instant as 2026-12-01T08:00:00+01:00.") from None


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula. What begins with an apostrophe gets one more, to come back."""
    return f"'{text}" if text.startswith((*FORMULA, "'")) else text


def unguarded(text: str) -> str:
    """Return a text as it was before it was guarded."""
    return text[1:] if text.startswith("'") and text[1:].startswith((*FORMULA, "'")) else text


def amount_text(minor: int, currency: str) -> str:
    """Return an amount as files carry it, with a point; a fourth decimal keeps three from being thousands."""
    places = money.exponent(currency)
    sign, digits = "-" if minor < 0 else "", str(abs(minor)).rjust(places + 1, "0")
    if not places:
        return f"{sign}{digits}"
    return f"{sign}{digits[:-places]}.{digits[-places:]}{'0' if places == 3 else ''}"


def instant_text(at: datetime | None) -> str:
    """Return an instant as files carry it, in UTC and to the microsecond."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else ""
