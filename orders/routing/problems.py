"""Makes the problems that routing solves, from what was ordered and what holds for it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from commerce import catalog
from commerce.product_refs import ProductRef
from inventory.kits import Part
from inventory.places import geography
from orders.lifecycle import Method
from orders.routing.standing import Rule
from orders.sourcing.criteria import Reason
from orders.sourcing.problem import Line, OpenParcel, Problem, Restriction
from orders.sourcing.standing import RestrictionKind
from orders.sourcing.tariffs import UNKNOWN_GRAMS, Bulk

EXPRESS = frozenset({Method.SAME_DAY.value})
PRIORITY = {Method.SAME_DAY.value: 2}  # how much sooner counts, by method; 1 for all others


def lines(
    parts: Sequence[Part],
    values: Mapping[int, int],
    products: Mapping[int, ProductRef],
    rules: Sequence[Rule],
    risks: Mapping[int, int] | None = None,
) -> tuple[Line, ...]:
    """Return what was ordered as lines: one for each product, kits whole. `values` are amounts by product.

    `risks` say how many of a thousand pieces come back, by the products of the shelf.
    """
    returns = risks or {}
    by_product: dict[int, list[Part]] = {}
    for part in parts:
        by_product.setdefault(part.line_product_id, []).append(part)
    hazards = [rule for rule in rules if rule.kind == RestrictionKind.HAZARDOUS.value]
    found = []
    for product_id, group in by_product.items():
        goods: dict[int, int] = {}
        for part in group:
            goods[part.product_id] = goods.get(part.product_id, 0) + part.quantity
        is_hazardous = bool(hazards) and any(_is_about(rule, products.get(one)) for rule in hazards for one in goods)
        bulk = _bulk(goods, products)
        found.append(
            Line(
                str(product_id), tuple(sorted(goods.items())), bulk.grams, values.get(product_id, 0),
                return_permille=max((returns.get(one, 0) for one in goods), default=0),
                is_hazardous=is_hazardous, is_kit=len(goods) > 1 or product_id not in goods, mm3=bulk.mm3,
            )
        )  # fmt: skip
    return tuple(found)


def products_of(parts: Iterable[Part]) -> dict[int, ProductRef]:
    """Return the goods of an order."""
    return catalog.products_by_id({part.product_id for part in parts})


def _bulk(goods: Mapping[int, int], products: Mapping[int, ProductRef]) -> Bulk:
    total = Bulk()
    for product_id, pieces in goods.items():
        ref = products.get(product_id)
        weight = ref.weight_grams if ref is not None else None
        volume = ref.volume_mm3 if ref is not None else None
        total += Bulk(pieces * (UNKNOWN_GRAMS if weight is None else weight), pieces * (volume or 0))
    return total


def _is_about(rule: Rule, product: ProductRef | None) -> bool:
    if rule.product_id is not None:
        return product is not None and rule.product_id == product.id
    return not rule.category or (product is not None and rule.category == product.category)


def restrictions(rules: Sequence[Rule], products: Mapping[int, ProductRef]) -> tuple[Restriction, ...]:
    """Return the embargoes that are about some goods."""
    found = []
    for rule in rules:
        if rule.kind != RestrictionKind.EMBARGO.value:
            continue
        met = frozenset(one.id for one in products.values() if _is_about(rule, one))
        if met:
            found.append(
                Restriction(
                    Reason.EMBARGO, met, frozenset({rule.country}) if rule.country else frozenset(),
                    frozenset({rule.location_id}) if rule.location_id else frozenset(),
                )
            )  # fmt: skip
    return tuple(found)


def problem(
    found: tuple[Line, ...],
    *,
    method: str,
    country: str,
    point: tuple[float, float] | None,
    countries: frozenset[str],
    asked_on: date,
    value_minor: int,
    restricted: Sequence[Restriction] = (),
    only: frozenset[int] | None = None,
    rejected: Mapping[str, frozenset[int]] | None = None,
    due_on: date | None = None,
    judges_stock: bool = True,
    sooner: int = 0,
    name: str = "",
    recipient: str = "",
    open_parcels: tuple[OpenParcel, ...] = (),
) -> Problem:
    """Return the problem of something to be sent to a country; `countries` are those in which places are."""
    area = frozenset(one for one in countries if geography.same_customs_area(one, country))
    return Problem(
        found, country, asked_on, method, point, value_minor,
        due_on=due_on,
        priority=PRIORITY.get(method, 1) + sooner,
        area=area or frozenset({country}),
        only=only,
        rejected=rejected or {},
        restrictions=restricted,
        judges_stock=judges_stock,
        is_express=method in EXPRESS,
        leave_on=asked_on if method in EXPRESS else None,
        recipient=recipient,
        open_parcels=open_parcels,
        id=name,
    )  # fmt: skip
