"""A service's zones and rates as text that people type or paste from a table: one line for each zone and weight. [pure]

`zone; countries; up to km; days; up to g; price` such as `de; DE; ; 2; 2000; 4,29`. The lines of a zone after its first may leave
out countries, km and days. Two more columns may follow: the price of each started kilogram, and the least charge of the zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from orders.sourcing.tariffs import Zone

COLUMNS, ALL_COLUMNS = 6, 8
MOST_LINES = 1_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line, the first being 1. `what` names a column: countries, km, days, grams, price,
    per_kg, minimum, columns or zone."""

    line: int
    what: str
    value: str


@dataclass(slots=True)
class _Draft:
    countries: frozenset[str]
    up_to_km: int | None
    days: int
    bands: list[tuple[int, int]]
    per_kg: list[int]
    minimum_minor: int


def write(zones: Sequence[Zone], *, digits: int = 2) -> str:
    """Return zones as text, their rates by weight."""
    lines = []
    has_more = any(zone.minimum_minor or any(zone.per_kg) for zone in zones)
    for zone in zones:
        for number, (grams, minor) in enumerate(zone.bands):
            facts = ("", "", "")
            if not number:
                km = "" if zone.up_to_km is None else str(zone.up_to_km)
                facts = (" ".join(sorted(zone.countries)), km, str(zone.days))
            cells = [zone.code, *facts, str(grams), _price(minor, digits)]
            if has_more:
                cells.append(_price(zone.per_kg[number] if zone.per_kg else 0, digits))
                cells.append("" if number else _price(zone.minimum_minor, digits))
            lines.append("; ".join(cells))
    return "\n".join(lines)


def _price(minor: int, digits: int) -> str:
    return f"{Decimal(minor).scaleb(-digits):.{digits}f}".replace(".", ",")


def read(text: str, *, digits: int = 2) -> tuple[list[Zone], list[Fault]]:
    """Return the zones that a text says, in its order, and what is wrong with its lines; with a fault there are no zones."""
    found: dict[str, _Draft] = {}
    faults: list[Fault] = []
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        return [], [Fault(MOST_LINES + 1, "columns", "")]
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t" if "\t" in line else ";")]
        if len(cells) not in (COLUMNS, ALL_COLUMNS):
            faults.append(Fault(number, "columns", line.strip()))
            continue
        code, countries, km, days, grams, price = cells[:COLUMNS]
        by_kg, least = cells[COLUMNS:] or ("", "")
        minor, more, minimum = (_minor(one or "0", digits) for one in (price or "-", by_kg, least))
        for what, value, is_wrong in (
            ("zone", code, not code),
            ("km", km, bool(km) and not km.isdecimal()),
            ("days", days, bool(days) and not days.isdecimal()),
            ("grams", grams, not grams.isdecimal() or len(grams) > 9),
            ("price", price, minor is None),
            ("per_kg", by_kg, more is None),
            ("minimum", least, minimum is None),
        ):
            if is_wrong:
                faults.append(Fault(number, what, value))
        if faults and faults[-1].line == number:
            continue
        known = found.get(code)
        if known is None:
            if not countries:
                faults.append(Fault(number, "countries", ""))
                continue
            if not days:
                faults.append(Fault(number, "days", ""))
                continue
            places = frozenset(countries.upper().replace(",", " ").split())
            known = found[code] = _Draft(places, int(km) if km else None, int(days), [], [], 0)
        known.bands.append((int(grams), minor or 0))
        known.per_kg.append(more or 0)
        known.minimum_minor = max(known.minimum_minor, minimum or 0)
    if faults:
        return [], faults
    zones = [
        Zone(
            code, one.countries, one.days, tuple(one.bands), one.up_to_km, one.minimum_minor,
            tuple(one.per_kg) if any(one.per_kg) else (),
        )
        for code, one in found.items()
    ]  # fmt: skip
    return zones, []


def _minor(text: str, digits: int) -> int | None:
    plain = text.replace(" ", "")
    if "," in plain:
        plain = plain.replace(".", "").replace(",", ".")
    try:
        amount = Decimal(plain).scaleb(digits)
    except InvalidOperation:
        return None
    return int(amount) if amount.is_finite() and amount == amount.to_integral_value() and abs(amount) < 10**9 else None
