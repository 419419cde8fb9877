"""Kits, exploded before anything is checked (law 6): what is promised, held, picked and counted is what is in them.

What is in a kit is known from the catalogue's memory, so where no kit is asked for nothing is read and nothing is copied.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from commerce import catalog, kits
from commerce.product_refs import ProductRef

Components = tuple[tuple[int, int], ...]  # (product id, pieces in one kit)


@dataclass(frozen=True, slots=True)
class Part:
    """Goods that a line asks for: `quantity` pieces in all, `per_unit` of them for each one of the line's product."""

    line_product_id: int
    product_id: int
    quantity: int
    per_unit: int


def among(product_ids: Iterable[int]) -> dict[int, Components]:
    """Return what is in those of the products that are kits."""
    found = catalog.products_by_id(product_ids)
    return {product_id: ref.components for product_id, ref in found.items() if ref.components}


def explode(lines: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return lines of (product id, pieces) with the components in place of each kit."""
    made = among([product_id for product_id, _ in lines])
    return exploded(lines, made) if made else lines


def exploded(lines: Iterable[tuple[int, int]], made: Mapping[int, Components]) -> list[tuple[int, int]]:
    """Return lines of (product id, pieces) with the components of the kits `made` in their place. [pure]"""
    goods: list[tuple[int, int]] = []
    for product_id, quantity in lines:
        if product_id in made:
            goods += [(component_id, pieces * quantity) for component_id, pieces in made[product_id]]
        else:
            goods.append((product_id, quantity))
    return goods


def parts(products: Mapping[int, ProductRef], quantities: Mapping[int, int]) -> list[Part]:
    """Return the goods that quantities by product ask for, kits exploded; charges ask for none."""
    found = []
    for product_id, quantity in quantities.items():
        product = products[product_id]
        if product.has_stock:
            found.append(Part(product_id, product_id, quantity, 1))
        else:
            found += [Part(product_id, one, pieces * quantity, pieces) for one, pieces in product.components]
    return found


def asking_for(component_id: int, lines: Iterable[tuple[int, int]]) -> tuple[ProductRef, int] | None:
    """Return the kit through which lines ask for a component, and how many of it: the first by id where there are several."""
    wanted = Counter[int]()
    for product_id, quantity in lines:
        wanted[product_id] += quantity
    made = among(wanted)
    for kit_id in sorted(made):
        if any(one == component_id for one, _ in made[kit_id]):
            return catalog.products_by_id([kit_id])[kit_id], wanted[kit_id]
    return None


def with_kits_of(product_ids: Iterable[int]) -> set[int]:
    """Return the products and the kits that have one of them in them, in one query."""
    products = set(product_ids)
    return products | kits.made_with(list(products))


def no_stock(product: ProductRef) -> str:
    """Say why a product can't lie anywhere, and what does in its place."""
    if product.is_kit and product.components:
        return f"{product.sku} is a kit and has no stock of its own; name what is in it instead: {kits.described(product)}."
    return f"{product.sku} is a charge and has no stock; leave it out."
