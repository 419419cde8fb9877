"""The stock pages as staff use them: looking up, receiving, correcting, and what they are told when it can't be."""

import re
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client

from commerce import clock
from commerce.models import AuditEntry, ProductKind, User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import availability, queries
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.staff.forms import MOST_PIECES_PER_LINE
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.inventory.conftest import Shelf

pytestmark = pytest.mark.django_db

STOCK, RECEIVE, SCAN, ADJUST = (
    "/staff/stock/",
    "/staff/stock/receive/",
    "/staff/stock/receive/scan/",
    "/staff/stock/adjust/",
)


def staff(role: Role, store: LocationRef) -> User:
    person = make.user()
    with transaction():
        locations.assign(person, role, store.id, by=make.TESTER)
    return person


def signed_in(role: Role, store: LocationRef) -> Client:
    client = Client()
    client.force_login(staff(role, store))
    return client


def on_hand(product_id: int, store: LocationRef) -> int:
    figures = availability.figures([product_id], location_ids=[store.id], at=clock.now())
    return figures[0].on_hand if figures else 0


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


# --- looking up --------------------------------------------------------------------------------------------------------


def test_a_product_shows_its_numbers_here_and_elsewhere_nearest_first(shelf: Shelf) -> None:
    shelf.allocate(3)
    shelf.reserve(2)
    far = make_inventory.store(name="Far store", latitude=48.137, longitude=11.575)
    near = make_inventory.store(name="Near store", latitude=52.50, longitude=13.40)
    abroad = make_inventory.store(name="Swiss store", country="CH", latitude=47.37, longitude=8.54)
    for store, pieces in ((far, 5), (near, 4), (abroad, 9)):
        make_inventory.receive(shelf.product_id, store.id, pieces)
    answer = signed_in(Role.CLERK, shelf.store).get(STOCK, {"q": shelf.sku})
    card = answer.context["card"]
    assert (card.here.on_hand, card.here.allocated, card.here.held, card.here.available) == (10, 3, 2, 5)
    assert [other.location.name for other in card.elsewhere] == ["Near store", "Far store"]
    assert card.elsewhere_total == 9
    page = text_of(answer)
    assert "Near store" in page
    assert "Swiss store" not in page


def test_times_are_those_of_the_store() -> None:
    far = make_inventory.store(time_zone="Europe/Lisbon", country="PT", region="")
    product = make.product()
    make_inventory.receive(product.id, far.id, 1)
    answer = signed_in(Role.CLERK, far).get(STOCK, {"q": product.sku})
    recorded = answer.context["card"].movements[0].recorded_at
    assert f"{recorded.astimezone(ZoneInfo('Europe/Lisbon')):%Y, %H:%M}<" in answer.content.decode()


def test_the_last_movements_say_who_what_and_from_what_to_what(shelf: Shelf) -> None:
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    person = User.objects.latest("pk")
    client.post(
        ADJUST,
        {"adjustment_id": uuid4(), "sku": shelf.sku, "direction": "fewer", "quantity": 2, "reason": "damaged"},
    )
    movement = client.get(STOCK, {"q": shelf.sku}).context["card"].movements[0]
    assert (str(movement.label), str(movement.reason), movement.who) == ("Corrected", "Damaged", person.get_full_name())
    assert [(change.what, change.before, change.after) for change in movement.changes] == [("on_hand", 10, 8)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("4006381333930", "was misread"),  # a wrong check digit
        ("4006381333931", "No product has the barcode"),  # right, but nobody's
        ("12345", "No product has the number"),
        ("no such lamp", "No product is called"),
        ("<script>alert(1)</script>", "No product is called"),
    ],
)
def test_an_unknown_scan_says_what_is_wrong_and_the_way_out(shelf: Shelf, text: str, sentence: str) -> None:
    answer = signed_in(Role.CLERK, shelf.store).get(STOCK, {"q": text})
    assert answer.status_code == 200
    assert sentence in text_of(answer)
    assert "<script>alert" not in answer.content.decode()


def test_a_search_finds_all_words_in_any_order_and_signs_are_only_signs(shelf: Shelf) -> None:
    make.product(sku="CUP-1", name="Enamel cup, blue, 100% lead free")
    make.product(sku="CUP-2", name="Enamel cup, red")
    client = signed_in(Role.CLERK, shelf.store)

    def found(text: str) -> set[str]:
        return {hit.sku for hit in client.get(STOCK, {"q": text}).context["hits"]}

    assert found("blue enamel") == {"CUP-1"}
    assert found("cup") == {"CUP-1", "CUP-2"}
    assert found("100%") == {"CUP-1"}
    assert found("%") == {"CUP-1"}
    assert found("_") == set()
    assert found("\\") == set()


def test_an_expired_basket_frees_its_pieces_on_the_page_at_once(shelf: Shelf) -> None:
    shelf.reserve(10, minutes=-1, at=clock.now())
    client = signed_in(Role.CLERK, shelf.store)
    assert client.get(STOCK, {"q": shelf.sku}).context["card"].here.available == 10
    assert client.get(STOCK, {"q": "Lamp"}).context["hits"][0].available == 10


def test_a_case_pack_and_a_charge_say_what_they_are(shelf: Shelf) -> None:
    case = make.barcode(777)
    make.product(sku="CASED", gtins=[(case, 12)])
    make.product(sku="POST", name="Postage", kind=ProductKind.CHARGE.value)
    client = signed_in(Role.CLERK, shelf.store)
    assert "case of 12 pieces" in text_of(client.get(STOCK, {"q": case}))
    assert "it has no stock" in text_of(client.get(STOCK, {"q": "POST"}))


# --- receiving ---------------------------------------------------------------------------------------------------------


def delivery(*lines: tuple[str, object], note: str = "D-4711", delivery_id: object = None) -> dict[str, object]:
    return {
        "delivery_id": delivery_id or uuid4(),
        "note": note,
        "sku": [sku for sku, _quantity in lines],
        "quantity": [quantity for _sku, quantity in lines],
    }


def test_scans_count_up_and_nothing_is_booked_before_the_confirmation(shelf: Shelf) -> None:
    case = make.barcode(778)
    product = make.product(gtins=[make.barcode(779), (case, 6)])
    client = signed_in(Role.CLERK, shelf.store)
    one = client.post(SCAN, {"text": product.gtins[0]}).context["delivery"]
    assert [(line.product.sku, line.quantity, line.is_fresh) for line in one.lines] == [(product.sku, 1, True)]
    form = delivery((product.sku, 1), (shelf.sku, 3))
    more = client.post(SCAN, form | {"text": case}).context["delivery"]
    assert [(line.product.sku, line.quantity) for line in more.lines] == [(product.sku, 7), (shelf.sku, 3)]
    assert (more.pieces, more.note) == (10, "D-4711")
    assert on_hand(product.id, shelf.store) == 0


def test_a_confirmed_delivery_is_in_the_books_with_its_note_and_its_person(shelf: Shelf) -> None:
    client = signed_in(Role.CLERK, shelf.store)
    person = User.objects.latest("pk")
    answer = client.post(RECEIVE, delivery((shelf.sku, 4), note="D-4711"), follow=True)
    assert "4 pieces were booked in" in text_of(answer)
    assert on_hand(shelf.product_id, shelf.store) == 14
    entry = queries.journal_of(shelf.product_id, shelf.store.id)[0]
    assert (entry.kind, entry.on_hand_delta, entry.reason, entry.actor_id) == ("received", 4, "D-4711", str(person.pk))
    assert AuditEntry.objects.filter(verb="inventory.movements.receive", actor_id=str(person.pk)).count() == 1


def test_a_delivery_that_is_sent_twice_is_booked_once(shelf: Shelf) -> None:
    client = signed_in(Role.CLERK, shelf.store)
    form = delivery((shelf.sku, 4))
    client.post(RECEIVE, form)
    again = client.post(RECEIVE, form, follow=True)
    assert "nothing was booked twice" in text_of(again)
    assert on_hand(shelf.product_id, shelf.store) == 14
    more = client.post(
        RECEIVE, delivery((shelf.sku, 4), (make.product().sku, 1), delivery_id=form["delivery_id"]), follow=True
    )
    assert "Only the new lines" in text_of(more)
    assert on_hand(shelf.product_id, shelf.store) == 14


@pytest.mark.parametrize("quantity", ["0", "-3", "1.5", "", "many", "١٢", str(MOST_PIECES_PER_LINE + 1), "9" * 40])
def test_a_quantity_that_cannot_be_books_nothing_and_loses_nothing(shelf: Shelf, quantity: str) -> None:
    other = make.product()
    client = signed_in(Role.CLERK, shelf.store)
    answer = client.post(RECEIVE, delivery((shelf.sku, quantity), (other.sku, 2), note="D-1"))
    assert answer.status_code == 422
    kept = answer.context["delivery"]
    assert kept.note == "D-1"
    assert [(line.product.sku, line.typed) for line in kept.lines] == [(shelf.sku, quantity), (other.sku, "2")]
    assert kept.lines[0].error
    assert not kept.lines[1].error
    assert on_hand(other.id, shelf.store) == 0


def test_an_empty_delivery_and_an_unknown_scan_are_refused_in_words(shelf: Shelf) -> None:
    client = signed_in(Role.CLERK, shelf.store)
    empty = client.post(RECEIVE, delivery())
    assert empty.status_code == 422
    assert "Nothing was scanned yet" in text_of(empty)
    unknown = client.post(SCAN, delivery((shelf.sku, 2)) | {"text": "4006381333931"})
    assert "No product has the barcode" in text_of(unknown)
    assert 'data-sound="stop"' in unknown.content.decode()
    assert unknown.context["delivery"].lines[0].quantity == 2


def test_a_line_can_be_removed(shelf: Shelf) -> None:
    other = make.product()
    client = signed_in(Role.CLERK, shelf.store)
    answer = client.post(SCAN, delivery((shelf.sku, 2), (other.sku, 1)) | {"remove": shelf.sku})
    assert [line.product.sku for line in answer.context["delivery"].lines] == [other.sku]


def test_a_charge_is_neither_received_nor_corrected(shelf: Shelf) -> None:
    fee = make.product(sku="FEE", name="Service fee", kind=ProductKind.CHARGE.value)
    answer = signed_in(Role.CLERK, shelf.store).post(SCAN, {"text": "FEE"})
    assert "is a charge, not goods" in text_of(answer)
    forged = signed_in(Role.CLERK, shelf.store).post(RECEIVE, delivery(("FEE", 1)))
    assert forged.status_code == 422
    signed_in(Role.STORE_MANAGER, shelf.store).post(ADJUST, correction(shelf, sku="FEE", direction="more"))
    assert on_hand(fee.id, shelf.store) == 0


def test_who_may_not_receive_books_nothing(shelf: Shelf) -> None:
    client = signed_in(Role.SERVICE_AGENT, shelf.store)
    assert client.get(RECEIVE).status_code == 403
    assert client.post(RECEIVE, delivery((shelf.sku, 4))).status_code == 403
    assert client.post(SCAN, {"text": shelf.sku}).status_code == 403
    assert on_hand(shelf.product_id, shelf.store) == 10


# --- correcting --------------------------------------------------------------------------------------------------------


def correction(shelf: Shelf, **changes: object) -> dict[str, object]:
    return {
        "adjustment_id": uuid4(),
        "sku": shelf.sku,
        "direction": "fewer",
        "quantity": 3,
        "reason": "missing",
    } | changes


def test_a_correction_is_booked_once_with_its_reason(shelf: Shelf) -> None:
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    form = correction(shelf)
    assert client.post(ADJUST, form).status_code == 302
    assert "nothing was booked twice" in text_of(client.post(ADJUST, form, follow=True))
    assert on_hand(shelf.product_id, shelf.store) == 7
    client.post(ADJUST, correction(shelf, direction="more", quantity=5, reason="found"))
    assert on_hand(shelf.product_id, shelf.store) == 12


def test_promised_pieces_cannot_be_corrected_away(shelf: Shelf) -> None:
    shelf.allocate(6)
    shelf.reserve(2)
    answer = signed_in(Role.STORE_MANAGER, shelf.store).post(ADJUST, correction(shelf, quantity=3))
    assert answer.status_code == 409
    page = text_of(answer)
    assert "Of the 10 pieces on hand 6 are promised to orders and 2 are in baskets" in page
    assert 'value="3"' in answer.content.decode()  # nothing typed is lost
    assert on_hand(shelf.product_id, shelf.store) == 10


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", "0"), ("quantity", ""), ("reason", ""), ("reason", "because"), ("direction", "up")],
)
def test_a_correction_with_a_gap_is_explained_beside_the_field(shelf: Shelf, field: str, value: str) -> None:
    answer = signed_in(Role.STORE_MANAGER, shelf.store).post(ADJUST, correction(shelf) | {field: value})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert on_hand(shelf.product_id, shelf.store) == 10


def test_a_clerk_can_neither_see_nor_send_a_correction(shelf: Shelf) -> None:
    client = signed_in(Role.CLERK, shelf.store)
    assert ADJUST not in client.get(STOCK, {"q": shelf.sku}).content.decode()
    assert client.post(ADJUST, correction(shelf)).status_code == 403
    assert on_hand(shelf.product_id, shelf.store) == 10


def test_the_product_page_asks_few_questions_however_much_there_is(shelf: Shelf, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    for _ in range(5):
        make_inventory.receive(shelf.product_id, make_inventory.store().id, 3)
        shelf.receive(1)
    client = signed_in(Role.CLERK, shelf.store)
    client.get(STOCK, {"q": shelf.sku})
    with django_assert_max_num_queries(13):  # one of them counts what stands on the exceptions desk
        client.get(STOCK, {"q": shelf.sku})
