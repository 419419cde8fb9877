"""Deliveries as clerks work on them: what is expected, counting against the order, more, fewer, other, damaged."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client

from commerce import catalog, clock
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import Discrepancy, PurchaseOrder, StockLevel
from inventory.places import locations
from inventory.procurement import purchase_orders
from tests.factories import commerce as shop
from tests.factories import inventory as places
from tests.factories import supply as make
from tests.inventory.conftest import Shelf
from tests.inventory.promises import in_days

pytestmark = pytest.mark.django_db
LIST = "/staff/deliveries/"


def signed_in(role: Role, store: locations.LocationRef) -> Client:
    person, client = shop.user(), Client()
    with transaction():
        locations.assign(person, role, store.id, by=make.TESTER)
    client.force_login(person)
    return client


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def on_hand(shelf: Shelf, condition: str = "sellable") -> int:
    level = StockLevel.objects.filter(
        product_id=shelf.product_id, location_id=shelf.store.id, condition=condition
    ).first()
    return level.on_hand if level else 0


@pytest.fixture
def order(shelf: Shelf) -> PurchaseOrder:
    return make.ordered(make.supplier(name="North Lamps"), shelf.store.id, (shelf.product_id, 6))


@pytest.fixture
def clerk(shelf: Shelf) -> Client:
    return signed_in(Role.CLERK, shelf.store)


def form(shelf: Shelf, intact: object, damaged: object = 0, **more: Any) -> dict[str, Any]:
    return {"delivery_id": str(uuid4()), "sku": [shelf.sku], "intact": [intact], "damaged": [damaged]} | more


# --- the list -------------------------------------------------------------------------------------------------------


def test_what_is_late_comes_first_and_other_places_are_left_out(shelf: Shelf, clerk: Client) -> None:
    for name, days in (("Tomorrow Ltd", 1), ("Late Ltd", -2), ("Today Ltd", 0), ("Far Ltd", 60)):
        supplier = make.supplier(name=name, lead_time_days=0)
        order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 4))
        with transaction():
            purchase_orders.change(
                order.pk,
                make.lines((shelf.product_id, 4, in_days(days))),
                by=make.TESTER,
                at=clock.now(),
            )
    make.ordered(make.supplier(name="Elsewhere Ltd", lead_time_days=0), places.store().id, (shelf.product_id, 4))
    answer = clerk.get(LIST)
    assert [(group.key, [one.supplier for one in group.deliveries]) for group in answer.context["groups"]] == [
        ("late", ["Late Ltd"]),
        ("today", ["Today Ltd"]),
        ("later", ["Tomorrow Ltd"]),
    ]
    [entry] = [room for room in answer.context["shell"].rooms_in_more if room.key == "deliveries"]
    assert entry.waiting == 2


def test_an_empty_list_says_what_to_do(clerk: Client) -> None:
    page = text_of(clerk.get(LIST))
    assert "Nothing is expected" in page
    assert "Receive without an order" in page


def test_a_scan_leads_to_the_delivery_that_it_means(shelf: Shelf, clerk: Client, order: PurchaseOrder) -> None:
    for text in (order.number.lower(), shelf.sku):
        assert clerk.get(LIST, {"q": text})["Location"] == f"{LIST}{order.pk}/"
    other = shop.product()
    with transaction():
        catalog.add_gtin(other.id, "4006381333931", by=make.TESTER)
    assert "No delivery that is expected here brings" in text_of(clerk.get(LIST, {"q": "4006381333931"}))
    assert "misread" in text_of(clerk.get(LIST, {"q": "4006381333930"}))
    second = make.ordered(make.supplier(), shelf.store.id, (shelf.product_id, 6))
    both = clerk.get(LIST, {"q": shelf.sku}).context["groups"]
    assert {one.id for group in both for one in group.deliveries} == {order.pk, second.pk}


def test_the_list_takes_few_queries_however_many_deliveries_there_are(
    shelf: Shelf, clerk: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make.ordered(make.supplier(), shelf.store.id, (shelf.product_id, 6))
    clerk.get(LIST)
    with django_assert_max_num_queries(12):
        clerk.get(LIST)


# --- counting -------------------------------------------------------------------------------------------------------


def scan(client: Client, order: PurchaseOrder, data: dict[str, Any]) -> Any:
    return client.post(f"{LIST}{order.pk}/scan/", data)


def test_scans_count_up_in_the_condition_that_was_chosen(shelf: Shelf, clerk: Client, order: PurchaseOrder) -> None:
    with transaction():
        catalog.add_gtin(shelf.product_id, "4006381333931", pieces=4, by=make.TESTER)
    case = scan(clerk, order, form(shelf, 1, text="4006381333931"))
    [line] = case.context["count"].lines
    assert (line.intact, line.damaged, line.left, line.is_fresh, case.context["sound"]) == (5, 0, 6, True, "ok")
    broken = scan(clerk, order, form(shelf, 5, 0, text=shelf.sku, **{"as": "damaged"})).context["count"].lines[0]
    assert (broken.intact, broken.damaged, broken.is_right) == (5, 1, True)
    assert "2 too many" in text_of(scan(clerk, order, form(shelf, 4, text="4006381333931")))
    assert on_hand(shelf) == 10  # nothing is booked by a scan


def test_a_wrong_item_stops_and_is_counted_only_when_it_is_wanted(
    shelf: Shelf, clerk: Client, order: PurchaseOrder
) -> None:
    stranger = shop.product()
    stop = scan(clerk, order, form(shelf, 1, text=stranger.sku))
    assert stop.context["sound"] == "stop"
    assert f"({stranger.sku}) is not on this order" in text_of(stop)
    assert len(stop.context["count"].lines) == 1
    aside = scan(clerk, order, form(shelf, 1, leave="1", pieces="1"))
    assert aside.context["count"].stranger is None
    taken = scan(clerk, order, form(shelf, 1, accept=stranger.sku, pieces="3"))
    assert [(line.product.id, line.counted, line.ordered) for line in taken.context["count"].lines] == [
        (stranger.id, 3, 0),
        (shelf.product_id, 1, 6),
    ]
    assert "not ordered" in text_of(taken)


def test_unknown_barcodes_charges_and_nothing_are_answered_in_words(
    shelf: Shelf, clerk: Client, order: PurchaseOrder
) -> None:
    with transaction():
        catalog.add_product(sku="POSTAGE-3", name="Postage", kind="charge", by=make.TESTER)
    for text, sentence in (
        ("4006381333931", "No product has the barcode"),
        ("NOBODY", "No product is called"),
        ("", "Nothing was read"),
        ("POSTAGE-3", "can’t be received"),
    ):
        answer = scan(clerk, order, form(shelf, 2, text=text))
        assert sentence in text_of(answer)
        assert answer.context["sound"] == "stop"
        assert answer.context["count"].lines[0].intact == 2


def test_everything_as_ordered_is_one_button(shelf: Shelf, clerk: Client, order: PurchaseOrder) -> None:
    make.receive(order.pk, (shelf.product_id, 2))
    [line] = scan(clerk, order, form(shelf, 0, fill="1")).context["count"].lines
    assert (line.intact, line.came, line.left) == (4, 2, 4)


# --- booking --------------------------------------------------------------------------------------------------------


def test_a_delivery_is_booked_in_parts_and_twice_changes_nothing(
    shelf: Shelf, clerk: Client, order: PurchaseOrder
) -> None:
    first = form(shelf, 3, 1)
    answer = clerk.post(f"{LIST}{order.pk}/", first, follow=True)
    assert answer.redirect_chain[-1][0] == f"{LIST}{order.pk}/"
    assert "4 pieces were booked in" in text_of(answer)
    assert (on_hand(shelf), on_hand(shelf, "damaged")) == (13, 1)
    again = clerk.post(f"{LIST}{order.pk}/", first, follow=True)
    assert "nothing was booked twice" in text_of(again)
    assert on_hand(shelf) == 13
    done = clerk.post(f"{LIST}{order.pk}/", form(shelf, 2), follow=True)
    assert done.redirect_chain[-1][0] == LIST
    assert (purchase_orders.find(order.pk).state, on_hand(shelf)) == ("received", 15)


def test_too_many_are_booked_and_said(shelf: Shelf, clerk: Client, order: PurchaseOrder) -> None:
    page = text_of(clerk.post(f"{LIST}{order.pk}/", form(shelf, 8), follow=True))
    assert "2 pieces more than ordered" in page
    assert Discrepancy.objects.get().found == 8


@pytest.mark.parametrize(
    ("intact", "damaged", "sentence"),
    [
        ("", "", "Nothing was counted yet"),
        ("0", "0", "Nothing was counted yet"),
        ("two", "0", "Enter whole numbers"),
        ("-1", "0", "Enter whole numbers"),
        ("1.5", "0", "Enter whole numbers"),
        ("99999", "1", "check the number"),
        ("9999999999", "0", "Enter whole numbers"),
    ],
)
def test_numbers_that_make_no_sense_come_back_as_they_were_typed(
    shelf: Shelf, clerk: Client, order: PurchaseOrder, intact: str, damaged: str, sentence: str
) -> None:
    answer = clerk.post(f"{LIST}{order.pk}/", form(shelf, intact, damaged))
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert on_hand(shelf) == 10


def test_closing_short_needs_a_reason(shelf: Shelf, clerk: Client, order: PurchaseOrder) -> None:
    clerk.post(f"{LIST}{order.pk}/", form(shelf, 4))
    without = clerk.post(f"{LIST}{order.pk}/close/", {"reason": " "})
    assert without.status_code == 400
    assert "Say why nothing more comes" in text_of(without)
    done = clerk.post(f"{LIST}{order.pk}/close/", {"reason": "the lorry was empty"}, follow=True)
    assert "What is missing stands under discrepancies" in text_of(done)
    assert Discrepancy.objects.get().note == "the lorry was empty"
    late = clerk.post(f"{LIST}{order.pk}/", form(shelf, 2))
    assert late.status_code == 409
    assert on_hand(shelf) == 14
    assert "Nothing more is expected of this order" in text_of(clerk.get(f"{LIST}{order.pk}/"))


# --- who may --------------------------------------------------------------------------------------------------------


def test_only_people_of_this_place_who_receive_goods_see_it(shelf: Shelf, order: PurchaseOrder) -> None:
    path = f"{LIST}{order.pk}/"
    for role, status in (
        (Role.CLERK, 200),
        (Role.STORE_MANAGER, 200),
        (Role.SERVICE_AGENT, 403),
        (Role.MERCHANDISER, 403),
    ):
        client = signed_in(role, shelf.store)
        assert client.get(path).status_code == status
        assert client.get(LIST).status_code == status
        assert scan(client, order, form(shelf, 1, text=shelf.sku)).status_code == status
    stranger = signed_in(Role.CLERK, places.store())
    assert stranger.get(path).status_code == 404
    assert stranger.post(path, form(shelf, 1)).status_code == 404
    assert stranger.post(f"{path}close/", {"reason": "x"}).status_code == 404
    assert Client().get(path).status_code == 302
    assert signed_in(Role.CLERK, shelf.store).get(f"{LIST}{uuid4()}/").status_code == 404
    assert on_hand(shelf) == 10


def test_receiving_with_and_without_an_order_lead_to_each_other(clerk: Client) -> None:
    assert 'href="/staff/deliveries/"' in clerk.get("/staff/stock/receive/").content.decode()
    assert 'href="/staff/stock/receive/"' in clerk.get(LIST).content.decode()
