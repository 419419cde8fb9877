"""Scopes of rules, policies and obligations: checked when they are written, read for the cascade, and put into SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commerce import catalog, queries
from commerce.errors import InvalidInput
from inventory import ledger
from inventory.cascade import Scope
from inventory.places import groups as location_groups
from inventory.places import locations


@dataclass(frozen=True, slots=True)
class ScopeIds:
    """A scope as it is stored. Nothing given means all."""

    channel_id: int | None = None
    location_id: int | None = None
    group_id: int | None = None
    product_id: int | None = None
    category: str = ""


def of(row: Any) -> ScopeIds:
    """Return the scope of a stored rule, policy or obligation."""
    return ScopeIds(row.channel_id, row.location_id, row.group_id, row.product_id, row.category)


def resolved(scope: ScopeIds, groups: Mapping[int, frozenset[int]] | None = None) -> Scope:
    """Return the scope with the places that its group has now."""
    places: frozenset[int] | None = None
    if scope.location_id is not None:
        places = frozenset({scope.location_id})
    elif scope.group_id is not None:
        places = (location_groups.members() if groups is None else groups).get(scope.group_id, frozenset())
    return Scope(scope.channel_id, places, scope.group_id is not None, scope.product_id, scope.category)


def problems(scope: ScopeIds) -> list[dict[str, Any]]:
    """Return what is wrong with a scope, field by field."""
    found = []
    if scope.location_id is not None and scope.group_id is not None:
        found.append(_problem("group", scope.group_id, "A rule is about a place or about a group of places, not both."))
    if scope.product_id is not None and scope.category:
        found.append(_problem("category", scope.category, "A rule is about a product or about a category, not both."))
    if scope.product_id is not None:
        product = catalog.products_by_id([scope.product_id]).get(scope.product_id)
        if product is None or not product.has_stock:
            found.append(_problem("product", scope.product_id, "This is no product that has stock."))
    if scope.category and scope.category not in queries.categories():
        found.append(_problem("category", scope.category, "No product is of this category."))
    if scope.channel_id is not None and scope.channel_id not in {channel.id for channel in queries.channels()}:
        found.append(_problem("channel", scope.channel_id, "There is no such channel."))
    if scope.location_id is not None and scope.location_id not in {place.id for place in locations.active()}:
        found.append(_problem("location", scope.location_id, "There is no such active location."))
    if scope.group_id is not None and not location_groups.members().get(scope.group_id):
        found.append(_problem("group", scope.group_id, "This group has no places."))
    return found


def check(found: list[dict[str, Any]]) -> None:
    """Refuse what has problems, all of them at once. Raises: InvalidInput."""
    if found:
        raise InvalidInput(found[0]["message"], errors=found)


def levels_in(scope: Scope) -> tuple[str, list[Any]]:
    """Return the condition, on the aliases l (level) and p (product), that a sellable level lies in the scope."""
    sql = "l.condition = 'sellable'"
    parameters: list[Any] = []
    if scope.product_id is not None:
        sql, parameters = sql + " AND l.product_id = %s", [*parameters, scope.product_id]
    if scope.category:
        sql, parameters = sql + " AND p.category = %s", [*parameters, scope.category]
    if scope.location_ids is not None:
        sql += " AND l.location_id = ANY(%s::bigint[])"
        parameters.append(ledger.numbers(sorted(scope.location_ids)))
    return sql, parameters


def _problem(field: str, value: object, message: str) -> dict[str, Any]:
    return {"field": field, "value": str(value), "message": message}
