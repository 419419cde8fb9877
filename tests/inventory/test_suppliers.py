"""Suppliers: master data and terms, what is refused of them, and the lead times that deliveries teach."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from commerce import catalog, clock
from commerce.errors import InvalidInput, NotFound
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory.errors import NotGoods, SupplierUnknown
from inventory.models import Supplier
from inventory.procurement import goods_in, lead_times, suppliers
from inventory.procurement.suppliers import Term
from inventory.purchasing import OrderTerms
from tests.factories import commerce as shop
from tests.factories import inventory as places
from tests.factories import supply as make
from tests.inventory.conftest import Shelf

pytestmark = pytest.mark.django_db
BY = make.TESTER


def test_a_supplier_is_added_changed_and_audited() -> None:
    made = make.supplier("north", order_weekdays=[4, 1], cut_off=time(14))
    assert suppliers.ref("north") == made
    assert made.calendar.order_weekdays == {1, 4}
    with transaction():
        changed = suppliers.change_supplier(made.id, name="North Ltd", is_active=False, by=BY)
        suppliers.change_supplier(made.id, name="North Ltd", by=BY)  # nothing new
    assert changed.name == "North Ltd"
    with pytest.raises(SupplierUnknown):
        suppliers.ref("north")
    assert suppliers.by_id(made.id).is_active is False
    assert AuditEntry.objects.filter(object_type="supplier", object_id=str(made.id)).count() == 2
    assert Supplier.objects.get().history.count() == 2
    assert suppliers.active() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"lead_time_days": -1}, "lead_time_days"),
        ({"lead_time_days": 366}, "lead_time_days"),
        ({"order_weekdays": [0, 3]}, "order_weekdays"),
        ({"delivery_weekdays": [8]}, "delivery_weekdays"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"name": ""}, "name"),
        ({"code": "no spaces please"}, "code"),
    ],
)
def test_what_makes_no_sense_is_refused_by_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        make.supplier(**values)
    assert refused.value.errors[0]["field"] == field
    assert not Supplier.objects.exists()


def test_a_code_names_one_supplier_and_unknown_ones_are_not_found() -> None:
    make.supplier("north")
    with pytest.raises(InvalidInput) as refused:
        make.supplier("north")
    assert refused.value.errors[0]["field"] == "code"
    with pytest.raises(NotFound):
        suppliers.by_id(0)
    with pytest.raises(NotFound), transaction():
        suppliers.change_supplier(0, name="x", by=BY)


def test_closed_days_move_the_next_delivery() -> None:
    made = make.supplier(lead_time_days=1)
    now = datetime.fromisoformat("2026-07-20T10:00:00+00:00")
    days = [(date(2026, 7, 20), date(2026, 7, 24), "summer")]
    with transaction():
        suppliers.set_closures(made.id, days, by=BY)
        suppliers.set_closures(made.id, days, by=BY)
    following = suppliers.next_delivery(suppliers.by_id(made.id), at=now)
    assert following is not None
    assert following.delivered_on == date(2026, 7, 26)
    assert AuditEntry.objects.filter(verb="inventory.suppliers.set_closures").count() == 1
    with pytest.raises(InvalidInput), transaction():
        suppliers.set_closures(made.id, [(date(2026, 7, 24), date(2026, 7, 20), "")], by=BY)


def test_terms_are_set_replaced_and_removed_by_product() -> None:
    made, lamp, vase = make.supplier(), shop.product(), shop.product()
    first = Term(product_id=lamp.id, quantities=OrderTerms(6, 12, 24), unit_cost_minor=250, supplier_sku="L-1")
    with transaction():
        suppliers.set_terms(made.id, [first, Term(product_id=vase.id)], by=BY)
        suppliers.set_terms(made.id, [replace(first, unit_cost_minor=240)], by=BY)
    assert suppliers.terms(made.id)[lamp.id] == replace(first, unit_cost_minor=240)
    assert set(suppliers.terms(made.id, [vase.id, 0])) == {vase.id}
    with transaction():
        suppliers.remove_terms(made.id, [vase.id, 0], by=BY)
        suppliers.remove_terms(made.id, [vase.id], by=BY)
    assert set(suppliers.terms(made.id)) == {lamp.id}
    assert AuditEntry.objects.filter(verb="inventory.suppliers.remove_terms").count() == 1


def test_terms_that_make_no_sense_are_refused() -> None:
    made, lamp = make.supplier(), shop.product()
    with transaction():
        postage = catalog.add_product(sku="POSTAGE-2", name="Postage", kind="charge", by=BY)
    wrong = [
        [Term(product_id=lamp.id, quantities=OrderTerms(case_pack=0))],
        [Term(product_id=lamp.id, quantities=OrderTerms(lot_size=-5))],
        [Term(product_id=lamp.id, quantities=OrderTerms(minimum_order=2_000_000))],
        [Term(product_id=lamp.id, quantities=OrderTerms(case_pack=999_983, lot_size=999_979))],  # primes: no common lot
        [Term(product_id=lamp.id, unit_cost_minor=-1)],
        [Term(product_id=lamp.id), Term(product_id=lamp.id)],
    ]
    for terms in wrong:
        with pytest.raises(InvalidInput), transaction():
            suppliers.set_terms(made.id, terms, by=BY)
    with pytest.raises(NotGoods), transaction():
        suppliers.set_terms(made.id, [Term(product_id=postage.id)], by=BY)
    assert suppliers.terms(made.id) == {}


# --- what deliveries teach ------------------------------------------------------------------------------------------


def test_lead_times_are_learned_from_the_order_to_the_last_ordered_piece(shelf: Shelf) -> None:
    made, now = make.supplier(), clock.now()
    for days in (4, 8):
        order = make.ordered(made, shelf.store.id, (shelf.product_id, 10), at=now - timedelta(days=days))
        make.receive(order.pk, (shelf.product_id, 6), at=now - timedelta(days=1))
        make.receive(order.pk, (shelf.product_id, 4), at=now)
        make.receive(order.pk, (shelf.product_id, 1), at=now + timedelta(days=9))  # more than ordered: no lead time
    learned = lead_times.of_suppliers([made.id], at=now)[made.id]
    assert (learned.days, learned.deliveries) == (pytest.approx(6), 2)
    assert learned.deviation_days == pytest.approx(8**0.5)


def test_what_teaches_nothing_is_left_out(shelf: Shelf) -> None:
    made, now = make.supplier(), clock.now()
    half = make.ordered(made, shelf.store.id, (shelf.product_id, 10), at=now - timedelta(days=5))
    make.receive(half.pk, (shelf.product_id, 9))
    before_it_was_ordered = make.ordered(made, shelf.store.id, (shelf.product_id, 1), at=now)
    make.receive(before_it_was_ordered.pk, (shelf.product_id, 1), at=now - timedelta(days=3))
    long_ago = make.ordered(made, shelf.store.id, (shelf.product_id, 1), at=now - timedelta(days=400))
    make.receive(long_ago.pk, (shelf.product_id, 1))
    never = make.ordered(made, shelf.store.id, (shelf.product_id, 5), at=now - timedelta(days=5))
    with transaction():
        goods_in.close(never.pk, reason="bankrupt", by=BY, at=now)
    assert lead_times.of_suppliers([made.id], at=now) == {}
    with transaction():
        goods_in.close(half.pk, reason="the tenth is lost", by=BY, at=now)
    assert lead_times.of_suppliers([made.id], at=now)[made.id].deliveries == 1


def test_lead_times_can_be_asked_for_a_product_or_a_place(shelf: Shelf) -> None:
    made, now, other = make.supplier(), clock.now(), places.store()
    for place, days in ((shelf.store.id, 2), (other.id, 9)):
        order = make.ordered(made, place, (shelf.product_id, 1), at=now - timedelta(days=days))
        make.receive(order.pk, (shelf.product_id, 1), at=now)
    assert lead_times.of_suppliers([made.id], at=now, location_id=other.id)[made.id].days == pytest.approx(9)
    assert lead_times.of_suppliers([made.id], at=now, product_id=shelf.product_id)[made.id].deliveries == 2
    assert lead_times.of_suppliers([made.id], at=now, product_id=0) == {}
