"""What places can do and goods may do: the writer of routing's facts about locations, and of restrictions."""

from typing import Any

from commerce import audit
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotFound
from commerce.transactions import transaction_required
from inventory.places import locations
from orders.models import RoutingNode, RoutingRestriction
from orders.routing import standing
from orders.routing.carriers import COUNTRIES
from orders.routing.standing import Node
from orders.sourcing.standing import RestrictionKind

LONGEST_NOTE = 200
_BOUNDS = {
    "orders_per_day": (0, 1_000_000),
    "people": (1, 10_000),
    "pieces_per_hour": (1, 10_000),
    "handling_minor": (0, 1_000_000),
    "handling_piece_minor": (0, 1_000_000),
    "partner_basis_points": (0, 10_000),
}


@transaction_required
def set_node(location_id: int, *, by: Actor, **values: Any) -> None:
    """Write down what routing has to know of a location; what isn't named stays. Said again changes nothing.

    Raises: InvalidInput naming each field that is wrong.
    """
    wrong = [
        {"field": name, "value": value, "message": "no fact of a place"}
        for name, value in values.items()
        if name not in Node.__dataclass_fields__
    ]
    for name, (least, most) in _BOUNDS.items():
        value = values.get(name)
        if value is not None and not least <= value <= most:
            wrong.append({"field": name, "value": value, "message": f"a whole number from {least} to {most}"})
    if wrong:
        raise InvalidInput("The place can't be used like this; nothing was kept.", errors=wrong)
    place = locations.by_id(location_id)
    row, made = RoutingNode.objects.select_for_update().get_or_create(location_id=place.id)
    before = {name: getattr(row, name) for name in Node.__dataclass_fields__}
    after = {**before, **values}
    if after != before:
        for name, value in values.items():
            setattr(row, name, value)
        row.save()
    if made or after != before:
        changed = {name for name in after if made or after[name] != before[name]}
        audit.record(
            "orders.routing.nodes.set_node", "location", place.id, by=by,
            before=None if made else {name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )  # fmt: skip
    standing.forget()


@transaction_required
def restrict(
    kind: RestrictionKind,
    *,
    product_id: int | None = None,
    category: str = "",
    country: str = "",
    location_id: int | None = None,
    note: str = "",
    by: Actor,
) -> int:
    """Keep goods from being sent to a country or from a place, or say that they are hazardous; return the rule's id.

    Said again changes nothing. Raises: InvalidInput when it says nothing, or both a product and a category.
    """
    if not (product_id or category or country or location_id) or (product_id and category):
        raise InvalidInput(
            "A restriction names a product or a category, a country or a place.",
            errors=[{"field": "product", "value": product_id, "message": "one of these is needed, not both goods"}],
        )
    if country and country not in COUNTRIES:
        raise InvalidInput(
            f"{country} is no country; write two letters, such as CH.",
            errors=[{"field": "country", "value": country, "message": "two letters of a country"}],
        )
    if len(note) > LONGEST_NOTE:
        raise InvalidInput(
            f"A note has at most {LONGEST_NOTE} characters.",
            errors=[{"field": "note", "value": note, "message": "too long"}],
        )
    values = {"kind": kind.value, "product_id": product_id, "category": category, "country": country,
              "location_id": location_id}  # fmt: skip
    row, made = RoutingRestriction.objects.get_or_create(**values, defaults={"note": note})
    if made:
        audit.record("orders.routing.nodes.restrict", "routing_restriction", row.pk, by=by, reason=note, after=values)
    standing.forget()
    return int(row.pk)


@transaction_required
def lift(restriction_id: int, *, by: Actor, reason: str = "") -> None:
    """Take a restriction away. Raises: NotFound."""
    row = RoutingRestriction.objects.filter(pk=restriction_id).first()
    if row is None:
        raise NotFound("There is no such restriction.", restriction=restriction_id)
    before = {"kind": row.kind, "product_id": row.product_id, "category": row.category, "country": row.country,
              "location_id": row.location_id}  # fmt: skip
    RoutingRestriction.objects.filter(pk=restriction_id).delete()
    audit.record(
        "orders.routing.nodes.lift", "routing_restriction", restriction_id, by=by, reason=reason, before=before
    )
    standing.forget()
