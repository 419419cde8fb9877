"""Kits: products that stand for others, which are promised, picked and handed over in their place.

A kit is sold and priced as one, and has no stock of its own. It is made of goods only, so nothing is ever exploded twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from commerce import audit, catalog, clock, events, integrity, outbox
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotFound
from commerce.models import KitComponent, Product, ProductKind
from commerce.product_refs import ProductRef
from commerce.transactions import transaction_required

MOST_COMPONENTS = 50
MOST_PIECES = 1_000  # of one component in one kit

integrity.refuse("kit_has_components", lambda: InvalidInput("A kit that is active needs at least one component."))


@transaction_required
def add_kit(*, sku: str, name: str, components: Sequence[tuple[str, int]], by: Actor, **values: Any) -> ProductRef:
    """Add a kit with its components (SKU, pieces in one kit), ready to be sold; `values` are as of `catalog.add_product`.

    Raises: InvalidInput, DuplicateCode.
    """
    kit = catalog.add_product(sku=sku, name=name, kind=str(ProductKind.KIT), by=by, **values)
    set_components(kit.id, components, by=by)
    return catalog.change_product(kit.id, is_active=True, by=by)


@transaction_required
def set_components(kit_id: int, components: Sequence[tuple[str, int]], *, by: Actor) -> None:
    """Say anew what is in a kit: (SKU, pieces in one kit). The same again changes nothing.

    What was ordered or reserved before keeps the goods it was promised; what comes now gets the new ones.
    Raises: NotFound; InvalidInput for what is no kit, no component at all, one named twice, one that is not goods, too many.
    """
    kit = Product.objects.select_for_update().filter(pk=kit_id).first()
    if kit is None:
        raise NotFound(f"There is no product {kit_id}.", product=kit_id)
    if kit.kind != ProductKind.KIT:
        raise _invalid("kit", kit.sku, f"{kit.sku} is not a kit, so nothing can be in it.")
    wanted = _checked(kit, components)
    before = dict(KitComponent.objects.filter(kit=kit).values_list("component__sku", "quantity"))
    after = dict(components)
    if before == after:
        return
    KitComponent.objects.filter(kit=kit).delete()
    KitComponent.objects.bulk_create(
        [KitComponent(kit=kit, component_id=wanted[sku], quantity=pieces) for sku, pieces in components]
    )
    at = clock.now()
    catalog.touch(kit_id)
    catalog.forget([kit.sku])
    audit.record(
        "commerce.kits.set_components", "product", kit_id, by=by,
        before={"components": before} if before else None, after={"components": after},
    )  # fmt: skip
    changed = events.KitChanged(
        aggregate_sequence=int(at.timestamp() * 1_000), occurred_at=at, product_id=kit_id, sku=kit.sku
    )
    outbox.publish([changed], by=by)


def made_with(product_ids: Sequence[int]) -> set[int]:
    """Return the kits that have one of the products in them, in one query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT kit_id FROM commerce_kitcomponent WHERE component_id = ANY(%s)", [product_ids])
        return {kit_id for (kit_id,) in cursor.fetchall()}


def described(kit: ProductRef) -> str:
    """Return what is in a kit, as a sentence names it: "2 × MUG (Mug), 1 × TRAY (Tray)"."""
    parts = catalog.products_by_id([component_id for component_id, _ in kit.components])
    return ", ".join(f"{pieces} × {parts[one].sku} ({parts[one].name})" for one, pieces in kit.components)


def _checked(kit: Product, components: Sequence[tuple[str, int]]) -> Mapping[str, int]:
    """Return the components' ids by SKU; their rows stay goods until this transaction ends."""
    if not 1 <= len(components) <= MOST_COMPONENTS:
        raise _invalid("components", len(components), f"A kit is made of 1 to {MOST_COMPONENTS} different products.")
    skus = [sku for sku, _ in components]
    rows = Product.objects.select_for_update(of=("self",)).filter(sku__in=skus).order_by("pk")
    found = {row.sku: row for row in rows}
    for sku, pieces in components:
        if skus.count(sku) > 1:
            raise _invalid("components", sku, f"{sku} is named twice; name it once with all its pieces.")
        if sku not in found:
            raise _invalid("components", sku, f"There is no product {sku}.")
        if found[sku].kind == ProductKind.KIT:
            raise _invalid("components", sku, f"{sku} is a kit itself; name what is in it instead.")
        if found[sku].kind != ProductKind.GOODS:
            raise _invalid("components", sku, f"{sku} is a charge; only goods can be in a kit.")
        if not 1 <= pieces <= MOST_PIECES:
            raise _invalid("components", sku, f"{kit.sku} has 1 to {MOST_PIECES} pieces of {sku} in it, not {pieces}.")
    return {sku: row.pk for sku, row in found.items()}


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(message, errors=[{"field": name, "value": value, "message": message}])
