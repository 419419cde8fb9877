"""The admin of supply: suppliers and terms written through verbs, refusals beside their fields, orders to read."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commerce import catalog
from commerce.models import AuditEntry
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import Supplier, SupplierTerm
from inventory.places import locations
from inventory.procurement import suppliers
from tests.factories import commerce as shop
from tests.factories import supply as make
from tests.inventory.conftest import Shelf

pytestmark = pytest.mark.django_db


def desk(role: Role) -> Client:
    person, client = shop.user(), Client()
    with transaction():
        locations.assign(person, role, None, by=make.TESTER)
    client.force_login(person)
    return client


@pytest.fixture
def merchandiser(db: None) -> Client:
    return desk(Role.MERCHANDISER)


def url(page: str, *args: object) -> str:
    return reverse(f"admin:inventory_{page}", args=args)


def supplier_form(closures: list[dict[str, str]] | None = None, initial: int = 0, **changes: Any) -> dict[str, Any]:
    rows = closures or []
    data: dict[str, Any] = {
        "code": "north", "name": "North Lamps", "country": "DE", "region": "BE", "time_zone": "Europe/Berlin",
        "currency": "EUR", "is_active": "on", "order_weekdays": ["1", "4"], "cut_off": "14:00", "lead_time_days": "5",
        "minimum_order_minor": "10000", "closures-TOTAL_FORMS": str(len(rows)), "closures-INITIAL_FORMS": str(initial),
        "closures-MIN_NUM_FORMS": "0", "closures-MAX_NUM_FORMS": "1000",
    }  # fmt: skip
    for number, row in enumerate(rows):
        data |= {f"closures-{number}-{name}": value for name, value in row.items()}
    return data | changes


def test_a_supplier_is_added_with_its_days_and_changed(merchandiser: Client) -> None:
    closed = [{"first_day": "2026-07-20", "last_day": "2026-08-02", "reason": "summer"}]
    answer = merchandiser.post(url("supplier_add"), supplier_form(closed))
    assert answer.status_code == 302, answer.context["errors"]
    made = suppliers.ref("north")
    assert (made.calendar.order_weekdays, made.calendar.delivery_weekdays) == ({1, 4}, frozenset())
    assert made.calendar.closures == ((date(2026, 7, 20), date(2026, 8, 2)),)
    row = Supplier.objects.get()
    known = closed[0] | {"id": str(row.closures.get().pk), "supplier": str(row.pk), "DELETE": "on"}
    later = {"first_day": "2026-12-24", "last_day": "2026-12-31", "reason": ""}
    data = supplier_form([known, later], initial=1, name="North Ltd", order_weekdays=["2"])
    assert merchandiser.post(url("supplier_change", row.pk), data).status_code == 302
    changed = suppliers.ref("north")
    assert (changed.name, changed.calendar.order_weekdays) == ("North Ltd", {2})
    assert changed.calendar.closures == ((date(2026, 12, 24), date(2026, 12, 31)),)
    assert {entry.verb for entry in AuditEntry.objects.filter(object_type="supplier")} == {
        "inventory.suppliers.add_supplier", "inventory.suppliers.change_supplier", "inventory.suppliers.set_closures",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lead_time_days": "-2"}, "lead_time_days"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"code": "two words"}, "code"),
    ],
)
def test_what_makes_no_sense_comes_back_at_its_field(merchandiser: Client, changes: dict[str, str], field: str) -> None:
    answer = merchandiser.post(url("supplier_add"), supplier_form(**changes))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not Supplier.objects.exists()


def test_terms_are_added_changed_and_taken_off(merchandiser: Client) -> None:
    supplier, lamp = make.supplier(), shop.product()
    data = {
        "supplier": str(supplier.id), "product": str(lamp.id), "supplier_sku": "L-1", "unit_cost_minor": "250",
        "case_pack": "6", "lot_size": "1", "minimum_order": "12",
    }  # fmt: skip
    assert merchandiser.post(url("supplierterm_add"), data).status_code == 302
    row = SupplierTerm.objects.get()
    assert merchandiser.post(url("supplierterm_change", row.pk), data | {"case_pack": "8"}).status_code == 302
    [term] = suppliers.terms(supplier.id).values()
    assert (term.quantities.case_pack, term.quantities.minimum_order, term.unit_cost_minor) == (8, 12, 250)
    wrong = merchandiser.post(url("supplierterm_change", row.pk), data | {"lot_size": "0"})
    twice = merchandiser.post(url("supplierterm_add"), data | {"unit_cost_minor": "1"})
    assert SupplierTerm.objects.count() == 1
    assert twice.status_code == 200
    assert "lot_size" in wrong.context["adminform"].form.errors
    merchandiser.post(url("supplierterm_changelist"), {"action": "take_off", "_selected_action": [str(row.pk)]})
    assert suppliers.terms(supplier.id) == {}


def test_a_charge_has_no_terms(merchandiser: Client) -> None:
    supplier = make.supplier()
    with transaction():
        postage = catalog.add_product(sku="POSTAGE-4", name="Postage", kind="charge", by=make.TESTER)
    data = {
        "supplier": str(supplier.id), "product": str(postage.id), "case_pack": "1", "lot_size": "1", "minimum_order": "1",
    }  # fmt: skip
    assert "has no stock" in merchandiser.post(url("supplierterm_add"), data).content.decode()
    assert not SupplierTerm.objects.exists()


def test_purchase_orders_are_read_with_their_lines(merchandiser: Client, shelf: Shelf) -> None:
    order = make.ordered(make.supplier(), shelf.store.id, (shelf.product_id, 5))
    assert order.number in merchandiser.get(url("purchaseorder_changelist")).content.decode()
    assert shelf.sku in merchandiser.get(url("purchaseorder_change", order.pk)).content.decode()
    assert merchandiser.get(url("purchaseorder_add")).status_code == 403


def test_lists_cost_the_same_whatever_their_length(
    merchandiser: Client, shelf: Shelf, django_assert_max_num_queries: Any
) -> None:
    supplier = make.supplier()
    for _ in range(12):
        make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    for page in ("purchaseorder_changelist", "supplier_changelist", "supplierterm_changelist"):
        with django_assert_max_num_queries(20):
            assert merchandiser.get(url(page)).status_code == 200


def test_only_desks_of_supply_may(merchandiser: Client) -> None:
    assert merchandiser.get(url("supplier_changelist")).status_code == 200
    for role in (Role.CLERK, Role.SERVICE_AGENT):
        assert desk(role).get(url("supplier_changelist")).status_code == 302  # to the sign-in, which refuses
