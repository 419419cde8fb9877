"""What every report of a movement says: its goods, by SKU or barcode, and when it happened."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from commerce import catalog, clock
from commerce.errors import InvalidInput, UnknownProduct

OLDEST_REPORT = timedelta(days=31)  # a movement reported later than this is an import, not a report
CLOCK_SKEW = timedelta(minutes=5)


def products(lines: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    """Return (product id, pieces per unit) of each line, named by SKU or by barcode. Raises: UnknownProduct."""
    by_sku = catalog.known([line["sku"] for line in lines if "sku" in line])
    found = []
    for number, line in enumerate(lines):
        if "sku" in line:
            found.append((by_sku[line["sku"]].id, 1))
            continue
        scanned = catalog.product_by_barcode(line["gtin"])
        if scanned is None:
            message = f"No product has the barcode {line['gtin']}; check it or add it to the catalogue."
            raise UnknownProduct(
                message,
                errors=[{"field": f"lines[{number}].gtin", "value": line["gtin"], "message": "unknown barcode"}],
            )
        found.append((scanned[0].id, scanned[1]))
    return found


def occurred_at(body: Mapping[str, Any]) -> datetime | None:
    """Return when it happened in the world, within what a clock may differ and a report may be late."""
    happened_at: datetime | None = body.get("occurred_at")
    now = clock.now()
    if happened_at is not None and not now - OLDEST_REPORT <= happened_at <= now + CLOCK_SKEW:
        way_out = "check the sender's clock" if happened_at > now else "import older movements as history"
        message = f"occurred_at lies outside the last {OLDEST_REPORT.days} days; {way_out}."
        raise InvalidInput(
            message, errors=[{"field": "occurred_at", "value": clock.utc_text(happened_at), "message": message}]
        )
    return happened_at
