"""Reservation bodies without surprises, read in microseconds.

A batch of 100 reservations spent more time in its serializers than in its transaction. What is exactly as documented is
taken as it is; for everything else the answer is None, and the serializer decides and explains. A property test holds
both against each other: what this accepts, the serializer accepts with the same values.
"""

import re
from typing import Any

from commerce.api.bodies import MOST_PIECES
from inventory import reservations

_BODY = frozenset({"location", "lines", "ttl_seconds", "reference"})
_LINE = frozenset({"sku", "quantity"})
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?")  # printable ASCII without outer blanks: nothing to trim or refuse


def reservation(data: Any) -> dict[str, Any] | None:
    """Return the values of a reservation's body, or None when a serializer has to look at it."""
    if type(data) is not dict or not _BODY.issuperset(data):
        return None
    location, lines = data.get("location"), data.get("lines")
    seconds = data.get("ttl_seconds", reservations.DEFAULT_SECONDS)
    reference = data.get("reference", "")
    if (
        not _is_plain(location, 20)
        or type(lines) is not list
        or not 1 <= len(lines) <= reservations.MOST_LINES
        or type(seconds) is not int
        or not reservations.SHORTEST_SECONDS <= seconds <= reservations.LONGEST_SECONDS
        or not (reference == "" or _is_plain(reference, 120))
    ):
        return None
    for line in lines:
        if type(line) is not dict or line.keys() != _LINE:
            return None
        quantity = line["quantity"]
        if type(quantity) is not int or not 1 <= quantity <= MOST_PIECES or not _is_plain(line["sku"], 64):
            return None
    return {"location": location, "lines": lines, "ttl_seconds": seconds, "reference": reference}


def batch(data: Any) -> list[dict[str, Any]] | None:
    """Return the items of a batch's body, or None when a serializer has to look at it."""
    if type(data) is not dict or data.keys() != {"items"} or type(data["items"]) is not list:
        return None
    if not 1 <= len(data["items"]) <= reservations.MOST_REQUESTS:
        return None
    items = []
    for item in data["items"]:
        values = reservation(item)
        if values is None:
            return None
        items.append(values)
    return items


def _is_plain(value: Any, longest: int) -> bool:
    return type(value) is str and len(value) <= longest and _PLAIN.fullmatch(value) is not None
