"""Picking over HTTP: right and wrong scans, counting by hand, missing pieces, replays of a phone that was offline."""

import uuid
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from commerce import clock
from inventory import availability
from orders import queries
from orders.lifecycle import State
from orders.models import PickScan
from orders.queries import OrderView
from tests.factories import commerce as ground
from tests.factories import orders as factory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]


@pytest.fixture
def client(shop: factory.Shop) -> Client:
    client = Client()
    client.force_login(shop.clerk)
    return client


def page(order: OrderView) -> str:
    return reverse("orders-staff:pick", args=[order.fulfilments[0].id])


def scan(client: Client, order: OrderView, text: str, scan_id: uuid.UUID | None = None, **more: str) -> HttpResponse:
    address = reverse("orders-staff:scan", args=[order.fulfilments[0].id])
    headers = {"HX-Request": "true", **({"X-Kontor-Replay": "true"} if more.pop("replay", "") else {})}
    return client.post(address, {"text": text, "scan_id": scan_id or uuid.uuid4(), **more}, headers=headers)


def on_line(name: str, order: OrderView, position: int = 0) -> str:
    fulfilment = order.fulfilments[0]
    return reverse(f"orders-staff:{name}", args=[fulfilment.id, fulfilment.lines[position].id])


def line(order: OrderView, position: int = 0) -> queries.FulfilmentLineView:
    return queries.order(order.id).fulfilments[0].lines[position]


def test_one_item_at_a_time_until_all_is_picked_and_marked_ready(shop, client):
    order = shop.accepted({0: 2, 1: 1})
    first, second = shop.products[0], shop.products[1]
    text = client.get(page(order)).content.decode()
    assert text.index(first.name) < text.index(second.name)
    answer = scan(client, order, first.gtins[0])
    assert answer.status_code == 200
    assert 'data-sound="ok"' in answer.content.decode()
    assert "<html" not in answer.content.decode()
    scan(client, order, first.sku)  # the label on the shelf carries the SKU
    text = scan(client, order, second.gtins[0].lstrip("0")).content.decode()
    assert "Everything is picked" in text
    ready = reverse("orders-staff:ready", args=[order.fulfilments[0].id])
    assert f'formaction="{ready}"' in text
    answer = client.post(ready, follow=True)
    assert f"{order.number} is ready." in answer.content.decode()
    assert queries.order(order.id).fulfilments[0].state == State.READY


def test_a_wrong_item_is_a_hard_stop_that_says_what_was_scanned_and_what_is_wanted(shop, client):
    order = shop.accepted()
    answer = scan(client, order, shop.products[2].gtins[0])
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Wrong item" in text
    assert 'role="alertdialog"' in text
    assert 'data-sound="stop"' in text
    assert text.index("Wrong item") < text.rindex(shop.products[2].sku) < text.rindex(shop.products[0].sku)
    assert line(order).picked == 0


def test_one_too_many_and_an_unknown_barcode_stop_too(shop, client):
    order = shop.accepted({0: 1, 1: 1})
    scan(client, order, shop.products[0].gtins[0])
    assert "One too many" in scan(client, order, shop.products[0].gtins[0]).content.decode()
    assert "Unknown barcode" in scan(client, order, ground.barcode(999_999)).content.decode()
    assert line(order).picked == 1


def test_a_scan_sent_twice_counts_once(shop, client):
    order = shop.accepted({0: 2})
    scan_id = uuid.uuid4()
    for _ in range(3):
        assert scan(client, order, shop.products[0].gtins[0], scan_id).status_code == 200
    assert line(order).picked == 1
    assert PickScan.objects.count() == 1


def test_scans_kept_offline_are_counted_with_their_own_time_and_wrong_ones_are_told(shop, client):
    order = shop.accepted({0: 2})
    at = factory.NOON - timedelta(minutes=4)
    right = scan(client, order, shop.products[0].gtins[0], replay="1", scanned_at=at.isoformat().replace("+00:00", "Z"))
    assert right.status_code == 200
    assert PickScan.objects.get().scanned_at == at
    wrong = scan(client, order, shop.products[1].gtins[0], replay="1")
    assert wrong.status_code == 422


@pytest.mark.parametrize("given", ["2031-01-01T00:00:00Z", "1999-01-01T00:00:00Z", "yesterday", ""])
def test_a_device_with_a_wrong_clock_does_not_bend_time(shop, client, given):
    order = shop.accepted()
    assert scan(client, order, shop.products[0].gtins[0], scanned_at=given).status_code == 200
    at = PickScan.objects.get().scanned_at
    assert clock.now() - timedelta(hours=24) <= at <= clock.now()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"text": "", "scan_id": str(uuid.uuid4())}, "This field is required."),
        ({"text": "x" * 81, "scan_id": str(uuid.uuid4())}, "at most 80 characters"),
        ({"text": "4006381333931", "scan_id": "not a uuid"}, "Enter a valid UUID."),
    ],
)
def test_a_scan_that_cannot_be_read_stops_and_changes_nothing(shop, client, values, sentence):
    order = shop.accepted()
    answer = client.post(reverse("orders-staff:scan", args=[order.fulfilments[0].id]), values)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert "Understood" in answer.content.decode()
    assert not PickScan.objects.exists()


def test_only_who_holds_the_order_picks_it(shop, client):
    order = shop.accepted()
    other = Client()
    other.force_login(factory.clerk(shop.store))
    text = other.get(page(order)).content.decode()
    assert f"{shop.clerk.get_full_name()} is picking this order" in text
    assert "data-scan-input" not in text
    answer = scan(other, order, shop.products[0].gtins[0])
    assert answer.status_code == 409
    assert line(order).picked == 0
    with clock.frozen(factory.NOON + timedelta(hours=1)):  # the lease ran out: anyone may go on
        assert scan(other, order, shop.products[0].gtins[0]).status_code == 200
    assert line(order).picked == 1


def test_an_unreadable_barcode_is_counted_by_hand(shop, client):
    order = shop.accepted({0: 3})
    assert client.post(on_line("count", order), {"quantity": "3", "reason": "no_barcode"})["Location"] == page(order)
    assert line(order).picked == 3
    client.post(on_line("count", order), {"quantity": "1", "reason": "put_back"})  # two of them were put back
    assert line(order).picked == 1


@pytest.mark.parametrize(
    ("quantity", "sentence"),
    [
        ("4", "That is more than the order still needs."),
        ("", "Enter how many pieces you picked."),
        ("1.5", "Enter a whole number."),
    ],
)
def test_a_wrong_count_is_said_in_the_dialog(shop, client, quantity, sentence):
    order = shop.accepted({0: 3})
    answer = client.post(on_line("count", order), {"quantity": quantity, "reason": "no_barcode"})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert "data-show" in answer.content.decode()
    assert line(order).picked == 0


def test_missing_pieces_are_reported_with_a_reason_and_the_order_costs_less(shop, client):
    order = shop.accepted({0: 3, 1: 1})
    scan(client, order, shop.products[0].gtins[0])
    client.post(on_line("missing", order), {"quantity": "2", "reason": "not_found"})
    now = queries.order(order.id)
    assert (line(order).picked, line(order).rejected, line(order).reject_reason) == (1, 2, "not_found")
    assert now.total_minor == order.total_minor - 2 * order.lines[0].unit_price_minor
    figure = availability.figures([shop.products[0].id], location_ids=[shop.store.id], at=clock.now())[0]
    assert figure.available == 0  # what can't be found isn't sold to the next one
    assert "2 pieces missing" in client.get(page(order)).content.decode()


def test_the_dialog_says_how_many_free_pieces_not_found_takes_off_the_books(shop, client):
    order = shop.accepted({0: 3})
    text = client.get(page(order)).content.decode()
    assert "also takes off 7 more pieces that nobody was promised" in text
    client.post(on_line("missing", order), {"quantity": "1", "reason": "not_found"})
    figure = availability.figures([shop.products[0].id], location_ids=[shop.store.id], at=clock.now())[0]
    assert (figure.on_hand, figure.available) == (2, 0)
    assert "also takes off" not in client.get(page(order)).content.decode()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"quantity": "1"}, "Choose why the pieces are missing."),
        ({"quantity": "0", "reason": "damaged"}, "At least one piece must be missing."),
        ({"quantity": "4", "reason": "damaged"}, "That is more than the order still needs."),
    ],
)
def test_an_incomplete_report_is_said_in_the_dialog(shop, client, values, sentence):
    order = shop.accepted({0: 3})
    answer = client.post(on_line("missing", order), values)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert line(order).rejected == 0


def test_when_nothing_is_left_the_order_is_not_deliverable(shop, client):
    order = shop.accepted()
    answer = client.post(on_line("missing", order), {"quantity": "1", "reason": "damaged"}, follow=True)
    assert "Not deliverable" in answer.content.decode()
    assert queries.order(order.id).fulfilments[0].state == State.REJECTED


@pytest.mark.parametrize("name", ["count", "missing"])
def test_lines_of_another_store_do_not_exist(shop, client, name):
    order = factory.shop().accepted()
    assert client.post(on_line(name, order), {"quantity": "1", "reason": "damaged"}).status_code == 404
    answer = scan(client, order, "4006381333931")
    assert answer.status_code == 404
    assert "HX-Redirect" not in answer.headers  # a phone that replays its scans goes on to the next


def test_a_line_of_another_order_is_refused(shop, client):
    order, other = shop.accepted(), shop.accepted()
    address = reverse("orders-staff:count", args=[order.fulfilments[0].id, other.fulfilments[0].lines[0].id])
    answer = client.post(address, {"quantity": "1"})
    assert answer.status_code == 422
    assert line(other).picked == 0
