"""What a change does, in words of data: every line, part and amount before and after, and who has to do or hear something."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from inventory.places import locations
from orders import lifecycle, totals
from orders.amendments.reductions import PutBack
from orders.fulfilment import Work
from orders.lifecycle import COLLECTED, Method, State

UNDER_WAY = frozenset({State.ACCEPTED, State.PICKING})


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change does. `basis` is its fingerprint: a confirmation that names it does exactly this or nothing."""

    basis: str
    document: Mapping[str, Any]

    @property
    def difference_minor(self) -> int:
        return int(self.document["totals"]["difference_minor"])


def picture(work: Work) -> dict[str, Any]:
    """Return an order as it stands now, in primitives."""
    return {
        "version": work.order.version,
        "status": work.status.value,
        "total_minor": work.order.total_minor,
        "tax_minor": work.order.tax_minor,
        "pieces": sum(line.quantity - line.cancelled for line in work.order_lines.values()),
        "ship_to": dict(work.order.ship_to) if work.order.ship_to else None,
        "lines": {
            str(line.id): {
                "line_number": line.line_number,
                "sku": line.product.sku,
                "name": line.product.name,
                "quantity": line.quantity - line.cancelled,
                "total_minor": totals.remaining_minor(line.total_minor, line.quantity, line.cancelled),
                "unit_price_minor": line.unit_price_minor,
            }
            for line in work.order_lines.values()
        },
        "fulfilments": {
            str(one.id): {
                "location": locations.by_id(one.location_id).code,
                "location_name": locations.by_id(one.location_id).name,
                "method": one.method,
                "state": one.state,
                "window_starts_at": one.window_starts_at.isoformat() if one.window_starts_at else None,
                "pieces": sum(line.quantity - line.rejected for line in work.lines_of(one)),
                "picked": sum(line.picked for line in work.lines_of(one)),
            }
            for one in work.fulfilments
        },
    }


def preview(before: dict[str, Any], after: dict[str, Any], put_back: Sequence[PutBack], currency: str) -> Preview:
    """Return what lies between two pictures of an order, with its fingerprint."""
    difference = after["total_minor"] - before["total_minor"]
    parts = _parts(before["fulfilments"], after["fulfilments"])
    document = {
        "version": before["version"],
        "currency": currency,
        "lines": _lines(before["lines"], after["lines"]),
        "fulfilments": parts,
        "totals": {
            "before_minor": before["total_minor"],
            "after_minor": after["total_minor"],
            "tax_before_minor": before["tax_minor"],
            "tax_after_minor": after["tax_minor"],
            "pieces_before": before["pieces"],
            "pieces_after": after["pieces"],
            "difference_minor": difference,
            "back_minor": max(-difference, 0),
            "more_minor": max(difference, 0),
        },
        "status_before": before["status"],
        "status_after": after["status"],
        "is_readdressed": before["ship_to"] != after["ship_to"],
        "put_back": [
            {
                "sku": one.sku,
                "name": one.name,
                "pieces": one.pieces,
                "location": locations.by_id(one.location_id).code,
                "location_name": locations.by_id(one.location_id).name,
            }
            for one in put_back
        ],
        "consequences": list(_consequences(before, after, parts, put_back, difference)),
    }
    address = after["ship_to"] if document["is_readdressed"] else None
    said = orjson.dumps([document, address], option=orjson.OPT_SORT_KEYS)
    return Preview(hashlib.sha256(said).hexdigest()[:32], document)


def _lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each line before and after. A new line has an id of its own each time, so it is named by its number."""
    return [
        {
            "id": key if key in before else None,
            "line_number": one["line_number"],
            "sku": one["sku"],
            "name": one["name"],
            "unit_price_minor": one["unit_price_minor"],
            "quantity_before": before[key]["quantity"] if key in before else 0,
            "quantity_after": one["quantity"],
            "before_minor": before[key]["total_minor"] if key in before else 0,
            "after_minor": one["total_minor"],
        }
        for key, one in sorted(after.items(), key=lambda item: item[1]["line_number"])
    ]


def _parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": key if key in before else None,
            **{name: one[name] for name in ("location", "location_name", "method", "window_starts_at")},
            "method_before": before[key]["method"] if key in before else None,
            "state_before": before[key]["state"] if key in before else None,
            "state_after": one["state"],
            "pieces_before": before[key]["pieces"] if key in before else 0,
            "pieces_after": one["pieces"],
        }
        for key, one in after.items()
    ]


def _consequences(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    parts: Sequence[Mapping[str, Any]],
    put_back: Sequence[PutBack],
    difference: int,
) -> Iterable[str]:
    """Yield what follows for people, as codes that screens say in sentences."""
    yield "customer_told"
    changed = [part for part in parts if part["pieces_before"] != part["pieces_after"]]
    if any(part["state_before"] in UNDER_WAY for part in changed):
        yield "picker_sees_it"
    if put_back:
        yield "put_back"
    for part in changed:
        if part["state_after"] == State.CANCELLED and part["state_before"] != State.CANCELLED:
            yield "part_cancelled"
            if Method(part["method"]) in COLLECTED:
                yield "window_freed"
            break
    if any(part["state_before"] is None for part in parts):
        yield "new_part"
    if all(State(part["state_after"]) in lifecycle.UNDELIVERED for part in parts):
        yield "order_cancelled"
    if any(part["method_before"] not in (None, part["method"]) for part in parts):
        yield "method_changed"
    if difference < 0:
        yield "money_back"
    if difference > 0:
        yield "money_more"
    if before["ship_to"] != after["ship_to"]:
        yield "address_changed"
