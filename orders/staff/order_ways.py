"""The ways that a part of an order could go out instead, as the form for a change offers them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from commerce.errors import CommerceError, InvalidInput
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.stock import Capability
from orders import pickup_windows, promises
from orders.amendments.wishes import MethodChange
from orders.lifecycle import Method, State
from orders.promises import Basket
from orders.queries import FulfilmentView, OrderView
from orders.staff import board, words

MOST_STORES = 5  # besides its own
WINDOWS_OWN, WINDOWS_ELSEWHERE = 6, 1


def offered(order: OrderView, typed: QueryDict, *, at: datetime) -> list[dict[str, Any]]:
    """Return the parts that nobody has begun, each with where and how it could go out instead."""
    found = []
    for number, part in enumerate(order.fulfilments, start=1):
        if part.state != State.PLACED.value or any(line.picked for line in part.lines):
            continue
        name = f"way-{number}"
        found.append(
            {
                "name": name, "now": words.word(words.METHODS, part.method).text, "place": part.meeting_place.name,
                "value": typed.get(name, ""), "choices": _choices(part, at=at),
            }
        )  # fmt: skip
    return found


def chosen(fulfilment_id: UUID, text: str) -> MethodChange | None:
    """Return what a choice of the form means; None for leaving it as it is. Raises: InvalidInput for a choice it never offered."""
    if not text:
        return None
    method, _colon, where = text.partition(":")
    try:
        if method in (Method.PICKUP, Method.CURBSIDE):
            code, starts_at = pickup_windows.parse_id(where)
            return MethodChange(fulfilment_id, method, code, starts_at)
        return MethodChange(fulfilment_id, Method(method).value, locations.ref(where).code if where else "")
    except (ValueError, CommerceError) as error:
        raise InvalidInput(_("Choose one of the ways that are offered.")) from error


def _choices(part: FulfilmentView, *, at: datetime) -> list[tuple[str, str]]:
    own = part.meeting_place
    basket = Basket.of_lines((line.product_id, line.missing) for line in part.lines if line.missing)
    found: list[tuple[str, str]] = []
    if part.method != Method.SHIP:
        found.append((Method.SHIP.value, str(words.word(words.METHODS, Method.SHIP.value).text)))
    if part.method != Method.SAME_DAY and any(
        Capability.SAME_DAY in place.capabilities for place in locations.active()
    ):
        found.append((Method.SAME_DAY.value, str(words.word(words.METHODS, Method.SAME_DAY.value).text)))
    stores = _stores(own)
    for method in (Method.PICKUP, Method.CURBSIDE):
        if method == part.method:
            continue  # another window or store of the same way is a move
        for place in stores:
            if method.value not in place.capabilities:
                continue
            most = WINDOWS_OWN if place.id == own.id else WINDOWS_ELSEWHERE
            windows = promises.windows(place, method, basket, at=at, days=place.pickup_horizon_days + 1)
            for window in [one for one in windows if one.left][:most]:
                said = {
                    "way": words.word(words.METHODS, method.value).text, "place": place.name,
                    "window": board.window_text(window.starts_at, window.ends_at),
                }  # fmt: skip
                found.append((f"{method.value}:{window.id}", _("%(way)s, %(place)s: %(window)s") % said))
    for place in stores:
        if Capability.PICKUP in place.capabilities and place.id != part.store_id:
            said = {"place": place.name}
            found.append((f"{Method.SHIP_TO_STORE.value}:{place.code}", _("To the store: %(place)s") % said))
    return found


def _stores(own: LocationRef) -> list[LocationRef]:
    origin = (own.latitude, own.longitude) if own.latitude is not None and own.longitude is not None else None
    far = float("inf")

    def distance(place: LocationRef) -> float:
        measured = place.distance_to(*origin) if origin else None
        return far if measured is None else measured

    others = [
        place
        for place in locations.active()
        if place.id != own.id and place.country == own.country and Capability.PICKUP in place.capabilities
    ]
    return [own, *sorted(others, key=lambda place: (distance(place), place.code))[:MOST_STORES]]
