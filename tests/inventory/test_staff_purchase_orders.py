"""Purchase orders as managers write, approve, order, change and end them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from commerce import catalog, clock
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import PurchaseOrder
from inventory.procurement import purchase_orders, suppliers
from inventory.procurement.suppliers import SupplierRef, Term
from inventory.purchasing import OrderTerms
from tests.factories import inventory as places
from tests.factories import supply as make
from tests.inventory.conftest import Shelf
from tests.inventory.test_staff_deliveries import signed_in, text_of

pytestmark = pytest.mark.django_db
LIST = "/staff/purchase-orders/"


@pytest.fixture
def manager(shelf: Shelf) -> Client:
    return signed_in(Role.STORE_MANAGER, shelf.store)


@pytest.fixture
def supplier(db: None) -> SupplierRef:
    return make.supplier(name="North Lamps")


def form(shelf: Shelf, quantity: object, day: str = "", **more: Any) -> dict[str, Any]:
    return {"order_id": str(uuid4()), "sku": [shelf.sku], "quantity": [quantity], "expected_on": [day]} | more


def test_an_order_is_written_approved_ordered_and_leads_to_its_delivery(
    shelf: Shelf, manager: Client, supplier: SupplierRef
) -> None:
    data = form(shelf, 12, supplier=supplier.code, reference="S-77", note="for spring")
    made = manager.post(f"{LIST}new/", data, follow=True)
    order = PurchaseOrder.objects.get()
    assert made.redirect_chain[-1][0] == f"{LIST}{order.pk}/"
    assert (order.reference, order.note, order.lines.get().quantity) == ("S-77", "for spring", 12)
    manager.post(f"{LIST}new/", data)  # the same form again
    assert PurchaseOrder.objects.count() == 1
    for action, state in (("approve", "approved"), ("order", "ordered")):
        assert manager.post(f"{LIST}{order.pk}/{action}/").status_code == 302
        assert purchase_orders.find(order.pk).state == state
    page = manager.get(f"{LIST}{order.pk}/")
    assert f'href="/staff/deliveries/{order.pk}/"' in page.content.decode()
    assert [str(step.label) for step in page.context["steps"]] == ["Ordered", "Approved", "Drafted"]
    stale = manager.post(f"{LIST}{order.pk}/change/")
    assert stale.status_code == 404


def test_lists_by_state_show_this_places_orders(shelf: Shelf, manager: Client, supplier: SupplierRef) -> None:
    draft = make.drafted(supplier, shelf.store.id, (shelf.product_id, 5))
    coming = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    make.drafted(supplier, places.store().id, (shelf.product_id, 5))
    for view, wanted in (("drafts", [draft]), ("approved", []), ("coming", [coming]), ("over", [])):
        answer = manager.get(LIST, {"show": view})
        assert [row.pk for row, *_facts in answer.context["orders"]] == [row.pk for row in wanted]
    assert {key: count for key, _label, count in answer.context["views"]} == {
        "drafts": 1, "approved": 0, "coming": 1, "over": 0,
    }  # fmt: skip
    assert "No order is over yet" in text_of(answer)
    assert manager.get(LIST, {"show": "nonsense"}).context["view"] == "drafts"


def test_the_list_takes_few_queries_however_many_orders_there_are(
    shelf: Shelf, manager: Client, supplier: SupplierRef, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make.drafted(supplier, shelf.store.id, (shelf.product_id, 5))
    manager.get(LIST)
    with django_assert_max_num_queries(14):
        manager.get(LIST)


def test_goods_are_scanned_onto_an_order_and_taken_off(shelf: Shelf, manager: Client) -> None:
    with transaction():
        catalog.add_gtin(shelf.product_id, "4006381333931", pieces=6, by=make.TESTER)
    first = manager.post(f"{LIST}scan/", {"text": "4006381333931"})
    assert [(line.quantity, line.is_fresh) for line in first.context["wanted"].lines] == [(6, True)]
    more = manager.post(f"{LIST}scan/", form(shelf, 6, text=shelf.sku))
    assert [line.quantity for line in more.context["wanted"].lines] == [7]
    assert manager.post(f"{LIST}scan/", form(shelf, 6, remove=shelf.sku)).context["wanted"].lines == ()
    assert "No product is called" in text_of(manager.post(f"{LIST}scan/", form(shelf, 6, text="NOBODY")))


@pytest.mark.parametrize(
    ("quantity", "day", "sentence"),
    [
        ("0", "", "Enter a whole number from 1"),
        ("-4", "", "Enter a whole number from 1"),
        ("many", "", "Enter a whole number from 1"),
        ("9999999", "", "check the number"),
        ("5", "soon", "Enter a day"),
        ("5", "2199-01-01", "check the year"),
    ],
)
def test_lines_that_make_no_sense_come_back_as_they_were_typed(
    shelf: Shelf, manager: Client, supplier: SupplierRef, quantity: str, day: str, sentence: str
) -> None:
    answer = manager.post(f"{LIST}new/", form(shelf, quantity, day, supplier=supplier.code))
    assert answer.status_code in (400, 422)
    assert sentence in text_of(answer)
    assert not PurchaseOrder.objects.exists()


def test_what_the_supplier_does_not_sell_is_refused_in_words(
    shelf: Shelf, manager: Client, supplier: SupplierRef
) -> None:
    with transaction():
        suppliers.set_terms(
            supplier.id, [Term(product_id=shelf.product_id, quantities=OrderTerms(case_pack=6))], by=make.TESTER
        )
    answer = manager.post(f"{LIST}new/", form(shelf, 5, supplier=supplier.code))
    assert answer.status_code == 422
    assert f"sells {shelf.sku} in other quantities: order 6 instead of 5" in text_of(answer)
    dear = make.supplier(minimum_order_minor=10_000)
    with transaction():
        suppliers.set_terms(dear.id, [Term(product_id=shelf.product_id, unit_cost_minor=999)], by=make.TESTER)
    small = make.drafted(dear, shelf.store.id, (shelf.product_id, 10))
    page = text_of(manager.post(f"{LIST}{small.pk}/approve/"))
    assert "from €100.00; this one comes to €99.90" in page
    gone = manager.post(f"{LIST}new/", form(shelf, 6, supplier="nobody"))
    assert "isn’t active any more" in text_of(gone)
    assert "Nothing is on the order yet" in text_of(manager.post(f"{LIST}new/", {"supplier": supplier.code}))


def test_an_order_on_its_way_is_changed_cancelled_or_closed_short(
    shelf: Shelf, manager: Client, supplier: SupplierRef
) -> None:
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    day = (clock.now() + timedelta(days=20)).date()
    edit = manager.get(f"{LIST}{order.pk}/edit/")
    assert edit.context["wanted"].lines[0].typed == "5"
    manager.post(f"{LIST}{order.pk}/edit/", form(shelf, 8, day.isoformat()))
    assert order.lines.values_list("quantity", "expected_on").get() == (8, day)
    without = manager.post(f"{LIST}{order.pk}/cancel/", {"reason": ""})
    assert (without.status_code, without.context["failed"]) == (422, "cancel")
    make.receive(order.pk, (shelf.product_id, 2))
    late = manager.post(f"{LIST}{order.pk}/cancel/", {"reason": "no"})
    assert late.status_code == 409
    assert "moved on" in text_of(late)
    fewer = manager.post(f"{LIST}{order.pk}/edit/", form(shelf, 1))
    assert "2 pieces of" in text_of(fewer)
    manager.post(f"{LIST}{order.pk}/close/", {"reason": "sold out"})
    assert purchase_orders.find(order.pk).state == "closed_short"
    assert "sold out" in text_of(manager.get(f"{LIST}{order.pk}/"))


def test_only_those_who_plan_supply_here_may(shelf: Shelf, supplier: SupplierRef) -> None:
    order = make.drafted(supplier, shelf.store.id, (shelf.product_id, 5))
    for role, status in (
        (Role.CLERK, 403),
        (Role.SERVICE_AGENT, 403),
        (Role.MERCHANDISER, 200),
        (Role.STORE_MANAGER, 200),
    ):
        client = signed_in(role, shelf.store)
        for path in (LIST, f"{LIST}new/", f"{LIST}{order.pk}/", f"{LIST}{order.pk}/edit/"):
            assert client.get(path).status_code == status, path
        if status == 403:
            assert client.post(f"{LIST}{order.pk}/approve/").status_code == 403
            assert client.post(f"{LIST}scan/", {"text": shelf.sku}).status_code == 403
    stranger = signed_in(Role.STORE_MANAGER, places.store())
    assert stranger.get(f"{LIST}{order.pk}/").status_code == 404
    assert stranger.post(f"{LIST}{order.pk}/approve/").status_code == 404
    assert Client().get(LIST).status_code == 302
    assert purchase_orders.find(order.pk).state == "draft"
