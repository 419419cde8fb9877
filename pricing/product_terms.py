"""What pricing needs to know of products besides their prices: families whose tiers count together, and unit prices."""

from collections.abc import Sequence
from dataclasses import dataclass

from commerce import audit, catalog, integrity
from commerce.actors import Actor
from commerce.audit import AuditRow
from commerce.errors import InvalidInput, UnknownProduct
from commerce.transactions import transaction_required
from pricing import revisions
from pricing.listing import REFERENCES, Content
from pricing.models import ProductTerms

MOST_AT_ONCE = 50_000
LARGEST_CONTENT = 10_000_000
LONGEST_FAMILY = 40


@dataclass(frozen=True, slots=True)
class Terms:
    """The family of a product ("" for none) and the content of one piece."""

    product_id: int
    family: str = ""
    content: Content | None = None


@transaction_required
def set_terms(wanted: Sequence[Terms], *, by: Actor) -> int:
    """Set family and content of products; return how many were other than before. Raises: UnknownProduct, InvalidInput."""
    _check(wanted)
    revisions.renew()
    products = [one.product_id for one in wanted]
    known = catalog.products_by_id(products)
    unknown = sorted(set(products) - set(known))
    if unknown:
        raise UnknownProduct(f"There is no product with the id {unknown[0]}.", product_ids=unknown[:100])
    stored = {row.pk: row for row in ProductTerms.objects.filter(pk__in=products)}
    rows, told = [], []
    for one in {one.product_id: one for one in wanted}.values():
        after = _plain(one)
        row = stored.get(one.product_id)
        before = (
            {"family": row.family, "content_amount": row.content_amount, "content_unit": row.content_unit}
            if row
            else None
        )
        if before != after:
            rows.append(ProductTerms(product_id=one.product_id, **after))
            told.append(AuditRow(verb="pricing.product_terms.set_terms", object_type="product",
                                 object_id=one.product_id, before=before, after=after))  # fmt: skip
    ProductTerms.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["product"],
        update_fields=["family", "content_amount", "content_unit"],
    )
    audit.record_many(told, by=by)
    return len(rows)


def _plain(one: Terms) -> dict[str, object]:
    content = one.content
    return {
        "family": one.family,
        "content_amount": content.amount if content else None,
        "content_unit": content.unit if content else "",
    }


def _check(wanted: Sequence[Terms]) -> None:
    if len(wanted) > MOST_AT_ONCE:
        raise InvalidInput(f"At most {MOST_AT_ONCE} products at once; these are {len(wanted)}. Send them in parts.")
    errors: list[dict[str, object]] = []
    for number, one in enumerate(wanted):
        if len(one.family) > LONGEST_FAMILY or one.family != one.family.strip():
            message = f"A family has a name of up to {LONGEST_FAMILY} characters."
            errors.append({"field": f"[{number}].family", "value": one.family, "message": message})
        content = one.content
        if content is not None and (content.unit not in REFERENCES or not 1 <= content.amount <= LARGEST_CONTENT):
            message = f"A content is a whole number of {', '.join(REFERENCES)}."
            errors.append({"field": f"[{number}].content", "value": str(content), "message": message})
    if errors:
        raise InvalidInput(str(errors[0]["message"]), errors=errors)


integrity.refuse(
    "product_terms_content_is_whole", lambda: InvalidInput("A content has an amount and a unit, or neither of them.")
)
