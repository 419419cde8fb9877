"""The pages on which goods move: transfers at both ends, shelves, returns, write-offs, conditions, bookings taken back."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from commerce import catalog, clock
from commerce.models import User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import queries, reservations, shelves
from inventory.models import StockEntry, Transfer
from inventory.moving import TransferState
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.transport import records
from inventory.transport.records import TransferRef
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.inventory.conftest import BY, Shelf

pytestmark = pytest.mark.django_db

TRANSFERS, SHELVES = "/staff/transfers/", "/staff/stock/shelves/"
NOBODYS = "00000000-0000-4000-8000-000000000000"  # workers name tests alike only with a fixed id
REPLAY = {"HTTP_X_KONTOR_REPLAY": "true"}


def signed_in(store: LocationRef, role: Role = Role.CLERK) -> Client:
    person: User = make.user()
    with transaction():
        locations.assign(person, role, store.id, by=make.TESTER)
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def other(db: None) -> LocationRef:
    return make_inventory.store(name="Far store")


@pytest.fixture
def case(shelf: Shelf) -> str:
    """The barcode of a case of six."""
    code = make.barcode()
    with transaction():
        catalog.add_gtin(shelf.product_id, code, pieces=6, by=BY)
    return code


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def on_hand(product_id: int, store: LocationRef) -> dict[str, int]:
    rows = queries.levels(product_ids=[product_id], location_ids=[store.id])
    return {row["condition"]: row["on_hand"] for row in rows if row["on_hand"]}


def draft(shelf: Shelf, other: LocationRef) -> TransferRef:
    return make_inventory.transfer(shelf.store.id, other.id, is_sent=False)


def scan(client: Client, transfer: TransferRef, text: str, scan_id: object = None, **headers: str) -> Any:
    values = {"text": text, "scan_id": str(scan_id or uuid4()), "scanned_at": clock.now().isoformat()}
    return client.post(f"{TRANSFERS}{transfer.id}/scan/", values, **headers)


# --- making and sending ---------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do_next_and_a_transfer_begins_once(shelf: Shelf, other: LocationRef) -> None:
    client = signed_in(shelf.store)
    assert "Choose a store, then scan what goes there." in text_of(client.get(TRANSFERS))
    values = {"transfer_id": str(uuid4()), "destination": other.code, "condition": "sellable", "note": "for the window"}
    answers = [client.post(TRANSFERS, values) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    made = Transfer.objects.get()
    assert (made.destination_id, made.note, made.source) == (other.id, "for the window", "staff")
    page = text_of(client.get(TRANSFERS))
    assert "to Far store" in page
    assert made.number in page


def test_a_transfer_needs_another_store(shelf: Shelf, other: LocationRef) -> None:
    client = signed_in(shelf.store)
    for destination in ("", shelf.store.code, "NOWHERE"):
        values = {"transfer_id": str(uuid4()), "destination": destination, "condition": "sellable"}
        assert client.post(TRANSFERS, values).status_code == 422
    assert not Transfer.objects.exists()


def test_scans_fill_a_draft_by_piece_and_by_case_and_count_once(shelf: Shelf, other: LocationRef, case: str) -> None:
    client, transfer = signed_in(shelf.store), draft(shelf, other)
    scan_id = uuid4()
    for text, id in ((case, scan_id), (case, scan_id), (shelf.sku, None)):
        answer = scan(client, transfer, text, id)
        assert answer.status_code == 200
        assert 'data-sound="ok"' in answer.content.decode()
    assert "1 × 6 + 1" in text_of(answer)
    [line] = records.get(transfer.id).lines
    assert (line.quantity, line.pack) == (7, 6)


def test_a_scan_that_means_nothing_is_a_hard_stop_and_a_replayed_one_says_so_by_status(
    shelf: Shelf, other: LocationRef
) -> None:
    client, transfer = signed_in(shelf.store), draft(shelf, other)
    answer = scan(client, transfer, make.barcode())
    assert answer.status_code == 200
    assert "Unknown barcode" in text_of(answer)
    assert 'data-sound="stop"' in answer.content.decode()
    assert scan(client, transfer, make.barcode(), **REPLAY).status_code == 422
    assert scan(client, transfer, shelf.sku, "no uuid", **REPLAY).status_code == 422
    assert records.get(transfer.id).lines == ()


def test_quantities_of_a_draft_are_taken_over_and_lines_taken_out(shelf: Shelf, other: LocationRef) -> None:
    client = signed_in(shelf.store)
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 2), is_sent=False)
    lines = f"{TRANSFERS}{transfer.id}/lines/"
    client.post(lines, {"sku": [shelf.sku], "quantity": ["5"]})
    assert records.get(transfer.id).pieces == 5
    answer = client.post(lines, {"sku": [shelf.sku], "quantity": ["-1"]}, follow=True)
    assert "Enter whole numbers" in text_of(answer)
    assert records.get(transfer.id).pieces == 5
    client.post(lines, {"sku": [shelf.sku], "quantity": ["5"], "remove": shelf.sku})
    assert records.get(transfer.id).lines == ()


def test_sending_needs_a_day_and_free_goods(shelf: Shelf, other: LocationRef) -> None:
    client = signed_in(shelf.store)
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 9), is_sent=False)
    send, tomorrow = f"{TRANSFERS}{transfer.id}/send/", timezone.localdate() + timedelta(days=1)
    assert client.post(send, {"expected_on": ""}).status_code == 422
    past = client.post(send, {"expected_on": "2020-01-01"})
    assert (past.status_code, "This day has passed" in text_of(past)) == (422, True)
    shelf.allocate(2)
    refusal = client.post(send, {"expected_on": tomorrow.isoformat()})
    assert refusal.status_code == 409
    assert "of 10 on hand 2 are promised to orders and 0 are in baskets, so 8 can leave, not 9" in text_of(refusal)
    client.post(f"{TRANSFERS}{transfer.id}/lines/", {"sku": [shelf.sku], "quantity": ["8"]})
    answer = client.post(send, {"expected_on": tomorrow.isoformat()}, follow=True)
    assert "on their way" in text_of(answer)
    assert on_hand(shelf.product_id, other) == {"in_transit": 8}


# --- receiving ------------------------------------------------------------------------------------------------------


def test_what_comes_is_scanned_against_what_was_sent(shelf: Shelf, other: LocationRef, case: str) -> None:
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 7))
    client = signed_in(other)
    page = text_of(client.get(TRANSFERS))
    assert "from Store" in page
    assert "expected" in page
    scan_id = uuid4()
    for id in (scan_id, scan_id):
        answer = scan(client, transfer, case, id)
    assert "6 / 7 pieces" in text_of(answer)
    assert on_hand(shelf.product_id, other) == {"in_transit": 1, "sellable": 6}
    many = scan(client, transfer, case)
    assert "Too many" in text_of(many)
    assert scan(client, transfer, case, **REPLAY).status_code == 409
    wrong = scan(client, transfer, make.product().sku)
    assert "Wrong item" in text_of(wrong)
    scan(client, transfer, shelf.sku)
    assert records.get(transfer.id).state is TransferState.RECEIVED
    assert on_hand(shelf.product_id, other) == {"sellable": 7}


def test_damaged_pieces_are_booked_by_hand_once(shelf: Shelf, other: LocationRef) -> None:
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    client = signed_in(other)
    values = {"arrival_id": str(uuid4()), "sku": shelf.sku, "quantity": "1", "condition": "damaged"}
    for _ in range(2):
        assert client.post(f"{TRANSFERS}{transfer.id}/book/", values).status_code == 302
    assert on_hand(shelf.product_id, other) == {"in_transit": 3, "damaged": 1}
    for wrong in ({"quantity": "0"}, {"quantity": "x"}, {"condition": "in_transit"}, {"sku": "NOBODY"}):
        answer = client.post(f"{TRANSFERS}{transfer.id}/book/", values | {"arrival_id": str(uuid4())} | wrong)
        assert answer.status_code == 422, wrong


def test_a_difference_asks_for_reasons_and_ends_the_transfer(shelf: Shelf, other: LocationRef) -> None:
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    client, close = signed_in(other), f"{TRANSFERS}{transfer.id}/close/"
    scan(client, transfer, shelf.sku)
    refusal = client.post(close, {f"reason-{shelf.sku}": ""})
    assert refusal.status_code == 409
    assert "Choose a reason for every product." in text_of(refusal)
    client.post(close, {f"reason-{shelf.sku}": "left_behind", "note": "box stayed on the ramp"})
    assert on_hand(shelf.product_id, shelf.store) == {"sellable": 9}
    assert on_hand(shelf.product_id, other) == {"sellable": 1}
    assert "3 pieces back" in text_of(client.get(f"{TRANSFERS}{transfer.id}/"))


def test_goods_on_the_way_are_taken_back_with_a_reason_and_a_draft_without(shelf: Shelf, other: LocationRef) -> None:
    client = signed_in(shelf.store)
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    assert client.post(f"{TRANSFERS}{transfer.id}/cancel/", {"reason": ""}).status_code == 422
    assert on_hand(shelf.product_id, other) == {"in_transit": 4}
    client.post(f"{TRANSFERS}{transfer.id}/cancel/", {"reason": "wrong store"})
    assert on_hand(shelf.product_id, shelf.store) == {"sellable": 10}
    begun = draft(shelf, other)
    client.post(f"{TRANSFERS}{begun.id}/cancel/")
    assert records.get(begun.id).state is TransferState.CANCELLED


def test_each_end_does_its_own_part_and_others_see_nothing(shelf: Shelf, other: LocationRef) -> None:
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    sender, receiver, stranger = signed_in(shelf.store), signed_in(other), signed_in(make_inventory.store())
    for verb in ("book", "close"):
        assert sender.post(f"{TRANSFERS}{transfer.id}/{verb}/").status_code == 404
    for verb in ("lines", "send", "cancel"):
        assert receiver.post(f"{TRANSFERS}{transfer.id}/{verb}/").status_code == 404
    for path in ("", "note/"):
        assert stranger.get(f"{TRANSFERS}{transfer.id}/{path}").status_code == 404
        assert receiver.get(f"{TRANSFERS}{transfer.id}/{path}").status_code == 200
    assert scan(stranger, transfer, shelf.sku).status_code == 404
    assert stranger.get(f"{TRANSFERS}{uuid4()}/").status_code == 404
    assert on_hand(shelf.product_id, other) == {"in_transit": 4}


def test_the_note_names_both_places_and_every_line(shelf: Shelf, other: LocationRef) -> None:
    transfer = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    page = text_of(signed_in(shelf.store).get(f"{TRANSFERS}{transfer.id}/note/"))
    for words in (transfer.number, shelf.store.name, "Far store", "Lamp", shelf.sku, "Packed by", "Received by"):
        assert words in page


def test_the_lists_take_the_same_number_of_queries_for_many(
    shelf: Shelf, other: LocationRef, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 1))
    transfer = draft(shelf, other)
    client = signed_in(shelf.store)
    client.get(TRANSFERS)
    with django_assert_max_num_queries(16):
        client.get(TRANSFERS)
    with django_assert_max_num_queries(16):
        client.get(f"{TRANSFERS}{transfer.id}/")
    with django_assert_max_num_queries(16):
        client.get(SHELVES)


# --- shelves --------------------------------------------------------------------------------------------------------


def test_goods_are_put_away_by_scanning_the_shelf_and_then_them(shelf: Shelf) -> None:
    client = signed_in(shelf.store)
    assert "Scan the label on a shelf" in text_of(client.get(SHELVES))
    alone = client.post(f"{SHELVES}scan/", {"text": shelf.sku})
    assert "lies on no shelf yet" in text_of(alone)
    new = client.post(f"{SHELVES}scan/", {"text": "a-03-2"})
    assert "Shelf A-03-2" in text_of(new)
    assert "Nothing lies on A-03-2 yet" in text_of(new)
    put = client.post(f"{SHELVES}scan/", {"text": shelf.sku, "shelf": "A-03-2"})
    assert 'data-sound="ok"' in put.content.decode()
    client.post(f"{SHELVES}scan/", {"text": shelf.sku, "shelf": "B-1", "is_primary": "on"})
    assert shelves.of(shelf.store.id, [shelf.product_id]) == {shelf.product_id: ["B-1", "A-03-2"]}
    assert "lies on B-1, A-03-2" in text_of(client.post(f"{SHELVES}scan/", {"text": shelf.sku}))
    assert "also on A-03-2" in text_of(client.get(SHELVES, {"shelf": "b-1"}))
    assert "shelf B-1, A-03-2" in text_of(client.get("/staff/stock/", {"q": shelf.sku}))
    client.post(f"{SHELVES}take-off/", {"shelf": "B-1", "sku": shelf.sku})
    assert shelves.of(shelf.store.id, [shelf.product_id]) == {shelf.product_id: ["A-03-2"]}


@pytest.mark.parametrize("text", ["", "4006381333931", "<A>", "A" * 30])
def test_what_is_neither_shelf_nor_goods_is_said_so_and_the_shelf_stays(shelf: Shelf, text: str) -> None:
    answer = signed_in(shelf.store).post(f"{SHELVES}scan/", {"text": text, "shelf": "A-1"})
    assert 'data-sound="stop"' in answer.content.decode()
    assert "Shelf A-1" in text_of(answer)


# --- from the product's page ----------------------------------------------------------------------------------------


def move(client: Client, path: str, shelf: Shelf, **values: str) -> str:
    sent = {"move_id": str(uuid4()), "sku": shelf.sku, "quantity": "2"} | values
    return text_of(client.post(f"/staff/stock/{path}/", sent, follow=True))


def test_goods_come_back_and_change_their_condition(shelf: Shelf) -> None:
    client, id = signed_in(shelf.store), str(uuid4())
    back = {"condition": "quality_control", "reason": "faulty", "move_id": id}
    assert "Booked." in move(client, "return", shelf, **back)
    assert "booked already" in move(client, "return", shelf, **back)
    over = {"condition": "quality_control", "to": "damaged", "reason": "found_damaged", "quantity": "1"}
    assert "Booked." in move(client, "reclassify", shelf, **over)
    assert on_hand(shelf.product_id, shelf.store) == {"sellable": 10, "quality_control": 1, "damaged": 1}
    page = text_of(client.get("/staff/stock/", {"q": shelf.sku}))
    assert "Being checked: 1" in page
    assert "Damaged goods: 1" in page
    assert "another condition" in move(client, "reclassify", shelf, **(over | {"to": "quality_control"}))
    assert "so 1 can leave, not 5" in move(client, "reclassify", shelf, **(over | {"quantity": "5"}))


def test_goods_are_written_off_with_a_reason_by_those_who_may(shelf: Shelf) -> None:
    manager = signed_in(shelf.store, Role.STORE_MANAGER)
    gone = {"condition": "sellable", "reason": "disposed"}
    assert "Booked." in move(manager, "write-off", shelf, **gone)
    assert on_hand(shelf.product_id, shelf.store) == {"sellable": 8}
    move(manager, "write-off", shelf, condition="sellable", reason="")
    shelf.allocate(7)
    assert "7 are promised to orders" in move(manager, "write-off", shelf, **gone)
    assert on_hand(shelf.product_id, shelf.store) == {"sellable": 8}
    assert "isn’t known any more" in move(manager, "write-off", shelf, **gone, sku="NOBODY")


def test_a_wrong_booking_is_taken_back_from_its_line_once(shelf: Shelf) -> None:
    manager, entry = signed_in(shelf.store, Role.STORE_MANAGER), StockEntry.objects.get()
    address = f"/staff/stock/entries/{entry.id}/correct/"
    assert address in manager.get("/staff/stock/", {"q": shelf.sku}).content.decode()
    assert address in manager.get("/staff/stock/timeline/").content.decode()
    assert address not in signed_in(shelf.store).get("/staff/stock/", {"q": shelf.sku}).content.decode()
    assert "-10 pieces" in text_of(manager.get(address))
    values = {"correction_id": str(uuid4()), "reason": "typed twice"}
    assert manager.post(address, values | {"reason": ""}).status_code == 422
    hold = shelf.reserve(1)
    refusal = manager.post(address, values)
    assert (refusal.status_code, "1 are in baskets" in text_of(refusal)) == (409, True)
    with transaction():
        reservations.release(hold.id, channel_id=shelf.channel_id, by=BY, at=clock.now())  # type: ignore[union-attr]
    for _ in range(2):
        assert manager.post(address, values).status_code == 302
    assert on_hand(shelf.product_id, shelf.store) == {}
    again = manager.post(address, values | {"correction_id": str(uuid4())})
    assert again.status_code == 409


def test_a_booking_of_another_place_or_of_a_document_is_not_taken_back(shelf: Shelf, other: LocationRef) -> None:
    manager = signed_in(shelf.store, Role.STORE_MANAGER)
    entry = StockEntry.objects.get()
    elsewhere = signed_in(other, Role.STORE_MANAGER).get(f"/staff/stock/entries/{entry.id}/correct/")
    assert elsewhere.status_code == 404
    assert manager.get(f"/staff/stock/entries/{uuid4()}/correct/").status_code == 404
    make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    left = StockEntry.objects.get(kind="moved_out")
    page = text_of(manager.get(f"/staff/stock/entries/{left.id}/correct/"))
    assert "belongs to a transfer" in page
    assert "Book the opposite" not in page
    assert left.reason in text_of(manager.get("/staff/stock/timeline/"))


@pytest.mark.parametrize(
    ("path", "role"),
    [
        *((path, Role.SERVICE_AGENT) for path in ("transfers/", "stock/shelves/")),
        ("stock/return/", Role.SERVICE_AGENT),
        ("stock/reclassify/", Role.SERVICE_AGENT),
        ("stock/write-off/", Role.CLERK),
        (f"stock/entries/{NOBODYS}/correct/", Role.CLERK),
        *((f"transfers/{NOBODYS}/{verb}/", Role.SERVICE_AGENT) for verb in ("scan", "lines", "send", "book", "close", "cancel")),
        ("stock/shelves/scan/", Role.SERVICE_AGENT),
        ("stock/shelves/take-off/", Role.SERVICE_AGENT),
    ],
)  # fmt: skip
def test_pages_and_moves_need_their_permission(shelf: Shelf, path: str, role: Role) -> None:
    client = signed_in(shelf.store, role)
    answer = client.get(f"/staff/{path}") if path in ("transfers/", "stock/shelves/") else client.post(f"/staff/{path}")
    assert answer.status_code == 403
    assert on_hand(shelf.product_id, shelf.store) == {"sellable": 10}


def test_goods_move_to_another_shelf_in_one_step(shelf: Shelf) -> None:
    client = signed_in(shelf.store)
    client.post(f"{SHELVES}scan/", {"text": shelf.sku, "shelf": "A-03-2"})
    values = {"shelf": "A-03-2", "sku": shelf.sku, "to": "b-1"}
    moved = client.post(f"{SHELVES}move/", values, follow=True)
    assert "Shelf B-1" in text_of(moved)
    assert shelves.of(shelf.store.id, [shelf.product_id]) == {shelf.product_id: ["B-1"]}
    refused = client.post(f"{SHELVES}move/", values | {"to": "<A>"})
    assert (refused.status_code, "has up to 20 letters" in text_of(refused)) == (400, True)
    assert client.post(f"{SHELVES}move/", values | {"sku": "NOTHING"}).status_code == 302
    assert shelves.of(shelf.store.id, [shelf.product_id]) == {shelf.product_id: ["B-1"]}


def test_why_goods_lie_elsewhere_now_stands_in_their_timeline(shelf: Shelf) -> None:
    client = signed_in(shelf.store)
    put = client.post(f"{SHELVES}scan/", {"text": shelf.sku, "shelf": "A-1", "reason": "Change of season"})
    assert 'value="Change of season"' in put.content.decode(), "the next piece has the same reason"
    client.post(f"{SHELVES}move/", {"sku": shelf.sku, "shelf": "A-1", "to": "B-2", "reason": "wet floor"})
    client.post(f"{SHELVES}take-off/", {"sku": shelf.sku, "shelf": "B-2", "reason": "y" * 300})
    page = text_of(client.get("/staff/stock/timeline/", {"sku": shelf.sku}))
    assert "On which shelves, and why" in page
    told = [one for one in ("Taken off a shelf", "wet floor", "Change of season") if one in page]
    assert told == ["Taken off a shelf", "wet floor", "Change of season"]
    assert page.index("Taken off a shelf") < page.index("wet floor") < page.index("Change of season")
    assert "yyy" in page
    elsewhere = signed_in(make_inventory.store())
    assert "On which shelves" not in text_of(elsewhere.get("/staff/stock/timeline/", {"sku": shelf.sku}))


def test_goods_on_the_way_come_on_another_day_and_both_ends_may_say_so(shelf: Shelf, other: LocationRef) -> None:
    sent = make_inventory.transfer(shelf.store.id, other.id, (shelf.product_id, 4))
    expect, later = f"{TRANSFERS}{sent.id}/expect/", sent.expected_on + timedelta(days=3)
    for store in (shelf.store, other):
        client = signed_in(store)
        assert "Comes on another day" in text_of(client.get(f"{TRANSFERS}{sent.id}/"))
        answer = client.post(expect, {"expected_on": later.isoformat(), "reason": "the van broke down"}, follow=True)
        assert "The goods are expected on another day" in text_of(answer)
        assert records.get(sent.id).expected_on == later
    assert client.post(expect, {"expected_on": later.isoformat(), "reason": ""}).status_code == 422
    past = client.post(expect, {"expected_on": "2020-01-01", "reason": "so they say"})
    assert (past.status_code, "This day has passed" in text_of(past)) == (422, True)
    assert signed_in(make_inventory.store()).post(expect, {}).status_code == 404
    make_inventory.transfer(shelf.store.id, other.id, is_sent=False)
    assert records.get(sent.id).expected_on == later
