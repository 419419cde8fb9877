"""Suppliers: the writer of who delivers what on which terms and days, and what their deliveries taught us."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError

from commerce import audit, catalog, integrity
from commerce.actors import Actor
from commerce.errors import DuplicateCode, InvalidInput, NotFound
from commerce.transactions import transaction_required
from inventory import kits
from inventory.errors import NotGoods, SupplierUnknown
from inventory.models import Supplier, SupplierClosure, SupplierTerm
from inventory.procurement import calendar as supplier_calendar
from inventory.procurement.calendar import Calendar, Delivery
from inventory.purchasing import OrderTerms

MOST_TERMS = 5_000  # in one call
MOST_CLOSURES = 200
LARGEST_QUANTITY = 1_000_000
LONGEST_LEAD_TIME = 365  # days
ANY_QUANTITY = OrderTerms()

integrity.refuse("supplier_term_once", lambda: DuplicateCode("The supplier has terms for this product already."))
integrity.refuse("inventory_supplier_code_key", lambda: DuplicateCode("There is a supplier with this code already."))


@dataclass(frozen=True, slots=True)
class SupplierRef:
    """A supplier as other modules read it. `minimum_order_minor` is the least value of an order, in its currency."""

    id: int
    code: str
    name: str
    currency: str
    minimum_order_minor: int
    is_active: bool
    calendar: Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """On which terms a supplier sells a product: pieces, and the cost of one in minor units of its currency (None: unknown)."""

    product_id: int
    quantities: OrderTerms = ANY_QUANTITY
    unit_cost_minor: int | None = None
    supplier_sku: str = ""


# --- writing --------------------------------------------------------------------------------------------------------


@transaction_required
def add_supplier(*, by: Actor, **values: Any) -> SupplierRef:
    """Add a supplier. Raises: InvalidInput naming each field that is wrong, DuplicateCode."""
    supplier = Supplier(**values)
    _validate(supplier)
    supplier.save()
    audit.record("inventory.suppliers.add_supplier", "supplier", supplier.pk, by=by, after=_facts(supplier))
    return by_id(supplier.pk)


@transaction_required
def change_supplier(supplier_id: int, *, by: Actor, **values: Any) -> SupplierRef:
    """Change a supplier's master data; its code stays. Raises: NotFound, InvalidInput naming each field that is wrong."""
    supplier = Supplier.objects.select_for_update().filter(pk=supplier_id).first()
    if supplier is None:
        raise NotFound(f"There is no supplier {supplier_id}.", supplier=supplier_id)
    before = _facts(supplier)
    for field, value in values.items():
        setattr(supplier, field, value)
    _validate(supplier)
    after = _facts(supplier)
    if after != before:
        supplier.save()
        audit.record("inventory.suppliers.change_supplier", "supplier", supplier_id, by=by, before=before, after=after)
    return by_id(supplier_id)


@transaction_required
def set_terms(supplier_id: int, terms: Sequence[Term], *, by: Actor) -> None:
    """Set on which terms a supplier sells products; terms of other products stay. Raises: InvalidInput, NotGoods."""
    _check_terms(terms)
    SupplierTerm.objects.bulk_create(
        [
            SupplierTerm(
                supplier_id=supplier_id, product_id=term.product_id, supplier_sku=term.supplier_sku,
                unit_cost_minor=term.unit_cost_minor, case_pack=term.quantities.case_pack,
                lot_size=term.quantities.lot_size, minimum_order=term.quantities.minimum_order,
            )
            for term in terms
        ],
        update_conflicts=True,
        unique_fields=["supplier", "product"],
        update_fields=["supplier_sku", "unit_cost_minor", "case_pack", "lot_size", "minimum_order"],
        batch_size=1_000,
    )  # fmt: skip
    audit.record_many(
        [
            audit.AuditRow(
                verb="inventory.suppliers.set_terms", object_type="supplier", object_id=supplier_id,
                after={
                    "product_id": term.product_id, "unit_cost_minor": term.unit_cost_minor,
                    "case_pack": term.quantities.case_pack, "lot_size": term.quantities.lot_size,
                    "minimum_order": term.quantities.minimum_order,
                },
            )
            for term in terms
        ],
        by=by,
    )  # fmt: skip


@transaction_required
def remove_terms(supplier_id: int, product_ids: Iterable[int], *, by: Actor) -> None:
    """Say that a supplier no longer sells products. Removing what is not there changes nothing."""
    gone = SupplierTerm.objects.filter(supplier_id=supplier_id, product_id__in=list(product_ids))
    removed = sorted(gone.values_list("product_id", flat=True))
    if removed:
        gone.delete()
        audit.record(
            "inventory.suppliers.remove_terms", "supplier", supplier_id, by=by, before={"product_ids": removed}
        )


@transaction_required
def set_closures(supplier_id: int, days: Iterable[tuple[date, date, str]], *, by: Actor) -> None:
    """Set when a supplier is closed: exactly these (first day, last day, reason). Raises: InvalidInput."""
    wanted = sorted(set(days))
    backwards = [(first, last) for first, last, _reason in wanted if last < first]
    if backwards:
        raise _invalid("closures", str(backwards[0][1]), "The last closed day lies before the first.")
    if len(wanted) > MOST_CLOSURES:
        raise _invalid("closures", len(wanted), f"At most {MOST_CLOSURES} closed times are kept for a supplier.")
    had = sorted(SupplierClosure.objects.filter(supplier_id=supplier_id).values_list("first_day", "last_day", "reason"))
    if had == wanted:
        return
    SupplierClosure.objects.filter(supplier_id=supplier_id).delete()
    SupplierClosure.objects.bulk_create(
        [
            SupplierClosure(supplier_id=supplier_id, first_day=first, last_day=last, reason=reason)
            for first, last, reason in wanted
        ]
    )
    audit.record(
        "inventory.suppliers.set_closures", "supplier", supplier_id, by=by, before={"closures": had},
        after={"closures": wanted},
    )  # fmt: skip


# --- reading --------------------------------------------------------------------------------------------------------


def ref(code: str) -> SupplierRef:
    """Return the active supplier with this code. Raises: SupplierUnknown."""
    found = _refs(code=code, is_active=True)
    if not found:
        raise SupplierUnknown(
            f"There is no active supplier {code!r}; GET /api/v1/suppliers lists them.",
            errors=[{"field": "supplier", "value": code, "message": "no active supplier has this code"}],
        )
    return found[0]


def by_id(supplier_id: int) -> SupplierRef:
    """Return a supplier, active or not, by its id. Raises: NotFound."""
    found = _refs(pk=supplier_id)
    if not found:
        raise NotFound(f"There is no supplier {supplier_id}.", supplier=supplier_id)
    return found[0]


def active(*, after: str = "", at_most: int = 500) -> list[SupplierRef]:
    """Return the active suppliers by code, after the code `after`."""
    return _refs(at_most=at_most, is_active=True, code__gt=after)


def names(codes: Iterable[str]) -> dict[str, str]:
    """Return the names of suppliers by code; unknown codes are missing."""
    wanted = set(codes) - {""}
    return dict(Supplier.objects.filter(code__in=wanted).values_list("code", "name")) if wanted else {}


def terms(supplier_id: int, product_ids: Iterable[int] | None = None) -> dict[int, Term]:
    """Return the terms of a supplier by product; products without any are missing."""
    rows = SupplierTerm.objects.filter(supplier_id=supplier_id)
    if product_ids is not None:
        rows = rows.filter(product_id__in=list(product_ids))
    return {
        row.product_id: Term(
            product_id=row.product_id, quantities=OrderTerms(row.case_pack, row.lot_size, row.minimum_order),
            unit_cost_minor=row.unit_cost_minor, supplier_sku=row.supplier_sku,
        )
        for row in rows
    }  # fmt: skip


def next_delivery(supplier: SupplierRef, *, at: datetime) -> Delivery | None:
    """Return when an order given now counts and is delivered; None when the supplier takes none within a year."""
    return supplier_calendar.next_delivery(supplier.calendar, at)


def _refs(*, at_most: int = 500, **condition: Any) -> list[SupplierRef]:
    rows = Supplier.objects.filter(**condition).prefetch_related("closures").order_by("code")[:at_most]
    return [
        SupplierRef(
            row.pk, row.code, row.name, row.currency, row.minimum_order_minor, row.is_active,
            Calendar(
                row.time_zone, row.country, row.region, frozenset(row.order_weekdays), frozenset(row.delivery_weekdays),
                row.cut_off, row.lead_time_days, tuple((one.first_day, one.last_day) for one in row.closures.all()),
            ),
        )
        for row in rows
    ]  # fmt: skip


# --- checks ---------------------------------------------------------------------------------------------------------


def _validate(supplier: Supplier) -> None:
    try:
        supplier.full_clean(validate_constraints=False)  # said more kindly below
        ZoneInfo(supplier.time_zone)
    except ValidationError as error:
        raise InvalidInput(
            "The supplier is not valid.",
            errors=[
                {"field": field, "value": str(getattr(supplier, field, "")), "message": " ".join(messages)}
                for field, messages in error.message_dict.items()
            ],
        ) from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        sentence = f"{supplier.time_zone!r} is no time zone; write one such as Europe/Berlin."
        raise _invalid("time_zone", supplier.time_zone, sentence) from error
    if not 0 <= supplier.lead_time_days <= LONGEST_LEAD_TIME:
        raise _invalid("lead_time_days", supplier.lead_time_days, f"A lead time is 0 to {LONGEST_LEAD_TIME} days.")
    for field in ("order_weekdays", "delivery_weekdays"):
        days = getattr(supplier, field)
        if not set(days) <= set(range(1, 8)):
            raise _invalid(field, str(days), "Weekdays are numbers from 1 (Monday) to 7 (Sunday).")
        setattr(supplier, field, sorted(set(days)))


def _check_terms(terms: Sequence[Term]) -> None:
    if len(terms) > MOST_TERMS:
        raise ValueError(f"at most {MOST_TERMS} terms at once, not {len(terms)}")
    if len({term.product_id for term in terms}) < len(terms):
        raise _invalid("terms", None, "A product is there twice.")
    products = catalog.products_by_id({term.product_id for term in terms})
    for term in terms:
        product = products.get(term.product_id)
        if product is not None and not product.has_stock:
            raise NotGoods(kits.no_stock(product))
        quantities = term.quantities
        for field in ("case_pack", "lot_size", "minimum_order"):
            if not 1 <= getattr(quantities, field) <= LARGEST_QUANTITY:
                raise _invalid(field, getattr(quantities, field), "At least one piece, and at most a million.")
        if quantities.step > LARGEST_QUANTITY:
            raise _invalid(
                "lot_size", quantities.lot_size, "Whole lots of whole cases come to more than a million pieces."
            )
        if term.unit_cost_minor is not None and term.unit_cost_minor < 0:
            raise _invalid("unit_cost_minor", term.unit_cost_minor, "A cost is not negative.")


def _invalid(field: str, value: Any, sentence: str) -> InvalidInput:
    return InvalidInput(sentence, errors=[{"field": field, "value": value, "message": sentence}])


def _facts(supplier: Supplier) -> dict[str, Any]:
    return {
        field.attname: getattr(supplier, field.attname) for field in supplier._meta.fields if field.name != "created_at"
    }
