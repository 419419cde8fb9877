"""Goods whose reductions need name no prior price (§ 11 (4) PAngV): dated, with a reason, remembered by revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from psycopg2.extras import DateTimeTZRange

from commerce import audit, catalog, clock, integrity
from commerce.actors import Actor
from commerce.errors import InvalidInput, UnknownProduct
from commerce.transactions import transaction_required
from pricing import revisions
from pricing.claims import Exemption, ExemptionKind, Exemptions
from pricing.errors import ExemptionNotFound
from pricing.models import PriorPriceExemption

LONGEST_CATEGORY, LONGEST_REASON = 120, 200
MOST_EXEMPT = 50_000  # in force or to come, like products that a process remembers

_KNOWN = """
SELECT product_id, category, kind, lower(valid), upper(valid), reason FROM pricing_priorpriceexemption
WHERE NOT isempty(valid) ORDER BY id
"""
_COUNT = "SELECT count(*) FROM pricing_priorpriceexemption WHERE upper_inf(valid) OR upper(valid) > %s"
_END = "UPDATE pricing_priorpriceexemption SET valid = tstzrange(lower(valid), %s) WHERE id = %s"

NONE = Exemptions()
_known: tuple[int, Exemptions] = (0, NONE)


@dataclass(frozen=True, slots=True)
class Named:
    """The goods that are exempt: a product, or a category with all below it."""

    product_id: int | None = None
    category: str = ""


def known(revision: int) -> Exemptions:
    """Return what is exempt at a revision of prices; no query while it stays the same. Numbers never come again."""
    global _known
    number, found = _known
    if number == revision:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN)
        rows = [
            (product_id, category, Exemption(ExemptionKind(kind), starts_at, ends_at, reason))
            for product_id, category, kind, starts_at, ends_at, reason in cursor.fetchall()
        ]
    fresh = Exemptions(rows)
    _known = (revision, fresh)
    return fresh


def current() -> Exemptions:
    """Return what is exempt at the revision in force."""
    return known(revisions.current()[0])


def forget() -> None:
    """Drop what this process remembers."""
    global _known
    _known = (0, NONE)


@transaction_required
def exempt(
    named: Named,
    kind: ExemptionKind,
    *,
    reason: str,
    by: Actor,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> PriorPriceExemption:
    """Let reductions of goods name no prior price, from now or an instant to come on, with the reason that the law asks for.

    Raises: UnknownProduct, InvalidInput (no reason, no goods, a time that is over, goods that are exempt already then).
    """
    at = clock.now()
    starts_at = valid_from or at
    _check(named, reason, starts_at, valid_until, at)
    revisions.renew()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [at])
        (count,) = cursor.fetchone()
    if count >= MOST_EXEMPT:
        message = f"{MOST_EXEMPT} exemptions are in force or to come; name a category instead of its products."
        raise _invalid("category", named.category, message)
    if named.product_id is not None and not catalog.products_by_id([named.product_id]):
        raise UnknownProduct(f"There is no product with the id {named.product_id}.", product_ids=[named.product_id])
    with integrity.translated():
        row = PriorPriceExemption.objects.create(
            product_id=named.product_id, category=named.category, kind=kind.value, reason=reason.strip(),
            valid=DateTimeTZRange(starts_at, valid_until, "[)"), set_by=by.label, set_at=at,
        )  # fmt: skip
    audit.record(
        "pricing.exemptions.exempt", "prior_price_exemption", row.pk, by=by, after=_told(row), reason=reason.strip()
    )
    return row


@transaction_required
def end(exemption_id: int, *, reason: str, by: Actor, ends_at: datetime | None = None) -> PriorPriceExemption:
    """End an exemption now or at an instant to come; one that has not begun is called off. What it covered stays on record.

    Raises: ExemptionNotFound, InvalidInput (no reason, an end that is past, or later than it would end anyway).
    """
    revisions.renew()
    row = PriorPriceExemption.objects.select_for_update().filter(pk=exemption_id).first()
    if row is None:
        raise ExemptionNotFound(f"There is no exemption {exemption_id}.", exemption=exemption_id)
    at = clock.now()
    if not 1 <= len(reason.strip()) <= LONGEST_REASON:
        raise _invalid("reason", reason, f"Say why it ends, in up to {LONGEST_REASON} characters.")
    if row.valid.isempty or (row.valid.upper is not None and row.valid.upper <= at):
        raise _invalid("ends_at", None, "This exemption is over already; nothing is left to end.")
    until = max(ends_at or at, row.valid.lower or at)
    if ends_at is not None and ends_at < at:
        raise _invalid(
            "ends_at", ends_at.isoformat(), "What was exempt until now stays so; choose an end to come, or none."
        )
    if row.valid.upper is not None and until > row.valid.upper:
        raise _invalid("ends_at", until.isoformat(), "It would end before that anyway; set a new exemption for later.")
    before = _told(row)
    with connection.cursor() as cursor:
        cursor.execute(_END, [until, row.pk])
    row.refresh_from_db()
    audit.record(
        "pricing.exemptions.end", "prior_price_exemption", row.pk, by=by, before=before, after=_told(row),
        reason=reason.strip(),
    )  # fmt: skip
    return row


def of_products(products: Mapping[int, str], at: datetime) -> dict[int, Exemption]:
    """Return the exemptions that products (with their categories) have at an instant."""
    held = current()
    if not held:
        return {}
    found = ((product_id, held.of(product_id, category, at)) for product_id, category in products.items())
    return {product_id: one for product_id, one in found if one is not None}


def is_taken(named: Named, starts_at: datetime, ends_at: datetime | None) -> bool:
    """Whether goods are exempt already at some instant of a time."""
    span = DateTimeTZRange(starts_at, ends_at, "[)")
    return PriorPriceExemption.objects.filter(
        product_id=named.product_id, category=named.category, valid__overlap=span
    ).exists()


def listed(*, before: int | None, at_most: int) -> Sequence[PriorPriceExemption]:
    """Return exemptions, the newest first, those that are over included; from the one `before` an id on."""
    rows = PriorPriceExemption.objects.select_related("product").order_by("-pk")
    return rows[:at_most] if before is None else rows.filter(pk__lt=before)[:at_most]


def _told(row: PriorPriceExemption) -> dict[str, Any]:
    valid = row.valid
    return {
        "product_id": row.product_id, "category": row.category, "kind": row.kind,
        "from": None if valid.isempty or valid.lower is None else valid.lower.isoformat(),
        "until": None if valid.isempty or valid.upper is None else valid.upper.isoformat(),
        "called_off": bool(valid.isempty),
    }  # fmt: skip


def _check(named: Named, reason: str, starts_at: datetime, ends_at: datetime | None, at: datetime) -> None:
    if (named.product_id is None) == (not named.category):
        raise _invalid("category", named.category, "An exemption is for a product or for a category: name one of them.")
    if named.category != named.category.strip() or len(named.category) > LONGEST_CATEGORY:
        raise _invalid("category", named.category, f"A category has a name of up to {LONGEST_CATEGORY} characters.")
    if not 1 <= len(reason.strip()) <= LONGEST_REASON:
        message = f"Say why the law exempts these goods, in up to {LONGEST_REASON} characters; it is kept as evidence."
        raise _invalid("reason", reason, message)
    if starts_at < at:
        message = "What was announced before can't be exempt afterwards; choose a beginning to come, or none for now."
        raise _invalid("valid_from", starts_at.isoformat(), message)
    if ends_at is not None and ends_at <= starts_at:
        raise _invalid("valid_until", ends_at.isoformat(), "It ends after it begins; choose a later end, or none.")


def _invalid(name: str, value: object, message: str) -> InvalidInput:
    return InvalidInput(f"{name}: {message}", errors=[{"field": name, "value": value, "message": message}])


def _twice() -> InvalidInput:
    return _invalid("valid_from", None, "These goods are exempt already within that time; end that exemption first.")


integrity.refuse("prior_price_exemption_product_once", _twice)
integrity.refuse("prior_price_exemption_category_once", _twice)
