"""Another address: checked before anything goes there. The country of a sale decides its VAT, so it stays."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from commerce.actors import Actor
from inventory.places import geography, locations
from orders import errors, lifecycle
from orders.amendments import methods
from orders.fulfilment import Work
from orders.lifecycle import FETCHED, Method, State
from orders.models import Order

FIELDS = ("street", "postal_code", "city", "country")
# What is packed has its label on already.
STILL_OPEN = lifecycle.READDRESSED
# Of Germany, but outside its VAT area (§ 1 (2) UStG): goods that go there are an export.
OUTSIDE_VAT = {"DE": frozenset({"27498", "78266"}), "AT": frozenset[str](), "CH": frozenset[str]()}


def change(work: Work, ship_to: Mapping[str, Any], *, leaving: Collection[UUID] = (), by: Actor, at: datetime) -> None:
    """Send what has not left yet elsewhere in the same country; what its place may not send there goes from another place, as
    long as nobody has begun it. Parts in `leaving` get another way by the same change, which needs the address.

    Raises: CannotChange when nothing is shipped any more, or a parcel is packed; AddressNotServed when the address lies
    in another country, outside the VAT area, across customs from where the goods are, or where nobody may send them.
    """
    sent = [
        one
        for one in work.fulfilments
        if Method(one.method) not in FETCHED and State(one.state) not in lifecycle.TERMINAL
    ]
    if not sent and not leaving:
        raise errors.CannotChange(
            "No part of this order is on its way to an address any more; speak to the carrier about parcels that left."
        )
    packed = [one for one in sent if State(one.state) not in STILL_OPEN]
    if packed:
        raise errors.CannotChange(
            "A parcel of this order is packed with its label on. Cancel that part and order it anew, or stop the carrier.",
            fulfilments=[str(one.id) for one in packed],
        )
    before = work.order.ship_to or {}
    country, postal_code = str(ship_to["country"]), str(ship_to["postal_code"]).replace(" ", "")
    was = before.get("country", country)
    if country != was:
        raise errors.AddressNotServed(
            f"This order was taxed for {was}; goods to {country} take a new order with its own prices and VAT.",
            errors=[{"field": "ship_to.country", "value": country, "message": f"must stay {was}"}],
        )
    if postal_code in OUTSIDE_VAT.get(country, frozenset()):
        raise errors.AddressNotServed(
            f"{postal_code} lies outside the VAT area of {country}, so that this would be an export. Choose another address.",
            errors=[{"field": "ship_to.postal_code", "value": postal_code, "message": "outside the VAT area"}],
        )
    for one in sent:
        place = locations.by_id(one.location_id)
        if not geography.same_customs_area(place.country, country):
            raise errors.AddressNotServed(
                f"{place.name} can't send goods to {country}: customs lie between them.",
                errors=[{"field": "ship_to.country", "value": country, "message": "behind customs"}],
            )
    work.order.ship_to = {name: str(ship_to.get(name, "") or "") for name in FIELDS}
    Order.objects.filter(pk=work.order.pk).update(ship_to=work.order.ship_to)
    for one in sent:
        if one.pk not in leaving:
            methods.serve_address(work, one, by=by, at=at)
