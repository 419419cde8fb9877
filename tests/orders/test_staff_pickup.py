"""The pickup counter over HTTP: the queue, its steps, the hand-over, and who may see what."""

import uuid
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import formats

from commerce import clock
from commerce.models import AuditEntry
from commerce.roles import Role
from commerce.transactions import transaction
from orders import cancellation, pickup, pickup_windows, queries
from orders.lifecycle import State
from orders.queries import OrderView
from orders.staff import board
from tests.factories import commerce as ground
from tests.factories import orders as factory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]

QUEUE = reverse("orders-staff:queue")
BOARD = reverse("orders-staff:board")


def url(name: str, order: OrderView) -> str:
    return reverse(f"orders-staff:{name}", args=[order.fulfilments[0].id])


def state(order: OrderView) -> str:
    return queries.order(order.id).fulfilments[0].state


# --- the queue ------------------------------------------------------------------------------------------------------


def test_a_new_order_stands_in_the_queue_of_its_store_with_clock_and_one_next_action(shop, signed_in):
    order = shop.place({0: 2, 1: 1})
    page = signed_in(shop.clerk).get(QUEUE)
    text = page.content.decode()
    assert page.status_code == 200
    assert order.number in text
    assert "Erika Beispiel" in text
    assert "2 items, 3 pieces" in " ".join(text.split())
    assert f'formaction="{url("accept", order)}"' in text
    assert f'data-clock="{order.fulfilments[0].promised_at.isoformat()}"' in text


def test_the_board_is_sorted_by_promise_and_never_shows_another_store(shop, signed_in):
    other = factory.shop()
    later = shop.place(window_starts_at=window(shop, 3))
    sooner = shop.place()
    foreign = other.place()
    text = signed_in(shop.clerk).get(QUEUE).content.decode()
    assert text.index(sooner.number) < text.index(later.number)
    assert foreign.number not in text


def window(shop: factory.Shop, position: int) -> datetime:
    return pickup_windows.windows_between(shop.store, at=clock.now(), days=8)[position][0]


def test_the_clock_turns_amber_then_red(shop, signed_in):
    order = shop.place()
    promised = order.fulfilments[0].promised_at
    client = signed_in(shop.clerk)
    for at, shown in [
        (promised - timedelta(minutes=31), ["31 min"]),
        (promised - timedelta(minutes=29), ["clock-soon", "29 min"]),
        (promised + timedelta(minutes=3), ["clock-late", "3 min late"]),
    ]:
        with clock.frozen(at):
            text = client.get(BOARD).content.decode()
        assert all(words in text for words in shown)
    assert board.Clock.of(promised, at=promised - timedelta(hours=26, minutes=10)).text == "1 d 2 h"


def test_the_board_is_sent_again_only_when_it_changed(shop, signed_in):
    shop.place()
    client = signed_in(shop.clerk)
    first = client.get(BOARD)
    etag = first["ETag"]
    assert client.get(BOARD, headers={"If-None-Match": etag}).status_code == 304
    shop.place()
    again = client.get(BOARD, headers={"If-None-Match": etag})
    assert again.status_code == 200
    assert again["ETag"] != etag
    assert "<html" not in again.content.decode()


@pytest.mark.parametrize("change", ["accept", "scan", "cancel", "lapse"])
def test_every_change_that_shows_makes_a_new_version(shop, change):
    order = shop.accepted({0: 2})
    before = board.version(shop.store.id, at=clock.now())
    at = clock.now()
    if change == "accept":
        shop.accepted()
    elif change == "scan":
        shop.scan(order.fulfilments[0])
    elif change == "cancel":
        with transaction():
            cancellation.cancel_order(order.id, by=shop.by, at=at)
    else:
        at += timedelta(hours=1)
    assert board.version(shop.store.id, at=at) != before


def test_a_long_queue_shows_its_first_cards_and_how_many_more_in_the_same_number_of_queries(
    shop, signed_in, monkeypatch
):
    client = signed_in(shop.clerk)
    monkeypatch.setattr(board, "FIRST_SHOWN", 2)
    shop.place()
    client.get(BOARD)  # what is asked once per process
    with CaptureQueriesContext(connection) as few:
        client.get(BOARD)
    orders = [shop.place() for _ in range(5)]
    with CaptureQueriesContext(connection) as many:
        text = client.get(BOARD).content.decode()
    assert len(many) == len(few)
    assert text.count("data-card=") == 2
    assert "Show more (4)" in text
    more = client.get(BOARD, {"new": "50"}).content.decode()
    assert all(order.number in more for order in orders)


def test_a_column_grows_to_a_limit_and_then_says_how_to_find_the_rest(shop, signed_in, monkeypatch):
    monkeypatch.setattr(board, "FIRST_SHOWN", 1)
    monkeypatch.setattr(board, "STEP", 1)
    monkeypatch.setattr(board, "MOST_SHOWN", 2)
    for _ in range(4):
        shop.place()
    client = signed_in(shop.clerk)
    first = client.get(QUEUE).content.decode()
    assert 'href="?new=2#column-new"' in first
    assert "Show more (3)" in first
    for wanted in ("2", "3", "9999999999"):
        last = client.get(QUEUE, {"new": wanted}).content.decode()
        assert last.count("data-card=") == 2
        assert "#column-new" not in last
        assert "Due later: 2 more." in last


def test_a_promise_of_another_day_names_the_day_and_a_new_day_changes_the_board(shop, signed_in):
    order = shop.place(window_starts_at=window(shop, 30))
    promised = order.fulfilments[0].promised_at.astimezone(ZoneInfo("Europe/Berlin"))
    client = signed_in(shop.clerk)
    text = client.get(BOARD).content.decode()
    assert f"by {formats.date_format(promised, 'D j M, H:i')}</time>" in " ".join(text.split())
    before = board.version(shop.store.id, at=clock.now())
    assert board.version(shop.store.id, at=clock.now() + timedelta(hours=1)) == before
    with clock.frozen(promised - timedelta(hours=1)):
        assert board.version(shop.store.id, at=clock.now()) != before
        text = client.get(BOARD).content.decode()
    assert f"by {promised:%H:%M}</time>" in " ".join(text.split())


def test_an_empty_queue_says_so_and_shows_the_next_windows_with_their_load(shop, signed_in):
    text = signed_in(shop.clerk).get(QUEUE).content.decode()
    assert "All done. Nobody is waiting." in text
    assert "0 of 10 booked" in text


def test_goods_of_a_cancelled_order_are_a_task_until_they_are_put_back(shop, signed_in):
    order = shop.ready()
    with transaction():
        cancellation.cancel_order(order.id, by=shop.by, at=clock.now())
    client = signed_in(shop.clerk)
    text = client.get(QUEUE).content.decode()
    assert "Put back: nobody collects these" in text
    assert url("put-back", order) in text
    assert client.post(url("put-back", order)).status_code == 302
    assert order.number not in client.get(BOARD).content.decode()


def test_a_missed_order_is_put_back_on_sale(shop, signed_in):
    order = shop.ready()
    late = order.fulfilments[0].keep_until + timedelta(minutes=1)
    client = signed_in(shop.clerk)
    with clock.frozen(late):
        assert client.post(url("no-show", order)).status_code == 302
        assert state(order) == State.NO_SHOW
        assert url("return-to-stock", order) in client.get(BOARD).content.decode()
        client.post(url("return-to-stock", order))
    assert state(order) == State.RETURNED_TO_STOCK


# --- steps ----------------------------------------------------------------------------------------------------------


def test_accepting_leads_to_picking_and_the_colleague_sees_who_picks(shop, signed_in):
    order = shop.place()
    answer = signed_in(shop.clerk).post(url("accept", order))
    assert answer.status_code == 302
    assert answer["Location"] == url("pick", order)
    assert state(order) == State.ACCEPTED
    colleague = factory.clerk(shop.store)
    text = signed_in(colleague).get(QUEUE).content.decode()
    assert shop.clerk.get_full_name() in text
    assert url("pick", order) not in text


def test_two_clerks_cannot_take_the_same_order(shop, signed_in):
    order = shop.place()
    signed_in(shop.clerk).post(url("accept", order))
    second = signed_in(factory.clerk(shop.store))
    answer = second.post(url("accept", order), follow=True)
    assert f"{shop.clerk.get_full_name()} is working on this order" in answer.content.decode()
    held = queries.order(order.id).fulfilments[0]
    assert held.lease_holder_id == shop.clerk.pk


def test_a_manager_takes_over_and_a_clerk_may_not(shop, signed_in):
    order = shop.accepted()
    clerk = signed_in(factory.clerk(shop.store))
    assert url("take-over", order) not in clerk.get(QUEUE).content.decode()
    clerk.post(url("take-over", order))
    assert queries.order(order.id).fulfilments[0].lease_holder_id == shop.clerk.pk
    manager = signed_in(shop.manager)
    assert url("take-over", order) in manager.get(QUEUE).content.decode()
    assert manager.post(url("take-over", order))["Location"] == url("pick", order)
    assert queries.order(order.id).fulfilments[0].lease_holder_id == shop.manager.pk


def test_giving_an_order_back_puts_it_into_the_queue_again(shop, signed_in):
    order = shop.accepted()
    answer = signed_in(shop.clerk).post(url("release", order), follow=True)
    assert f"{order.number} is back in the queue." in answer.content.decode()
    assert state(order) == State.PLACED


def test_the_customer_outside_is_noted_with_the_bay(shop, signed_in):
    order = shop.ready()
    client = signed_in(shop.clerk)
    assert client.get(url("arrive", order)).status_code == 200
    client.post(url("arrive", order), {"bay": "P2"})
    text = client.get(BOARD).content.decode()
    assert "P2" in text
    assert "waiting 0 min" in text
    assert client.post(url("arrive", order), {"bay": "x" * 41}).status_code == 422  # said in the form, nothing is lost
    assert queries.order(order.id).fulfilments[0].bay == "P2"


# --- hand-over ------------------------------------------------------------------------------------------------------


def test_goods_leave_against_the_code_and_the_page_says_what_is_next(shop, signed_in):
    order = shop.ready({0: 2})
    other = shop.place()
    client = signed_in(shop.clerk)
    text = client.get(url("hand-over", order)).content.decode()
    assert shop.products[0].sku in text
    code = queries.order(order.id).fulfilments[0].pickup_code
    assert code not in text
    answer = client.post(url("hand-over", order), {"code": f" {code[:3].lower()}-{code[3:].lower()} "}, follow=True)
    text = answer.content.decode()
    assert f"{order.number} is handed over" in text
    assert "2 pieces have left the store." in text
    assert state(order) == State.HANDED_OVER
    assert other.number not in text


def test_a_wrong_code_is_counted_and_the_manager_helps_after_five(shop, signed_in):
    order = shop.ready()
    client = signed_in(shop.clerk)
    answer = client.post(url("hand-over", order), {"code": "WRONG1"})
    assert answer.status_code == 422
    assert "4 tries are left" in answer.content.decode()
    for _ in range(4):
        answer = client.post(url("hand-over", order), {"code": "WRONG1"})
    assert "Let a store manager check who is collecting it." in answer.content.decode()
    code = queries.order(order.id).fulfilments[0].pickup_code
    assert "Let a store manager check" in client.post(url("hand-over", order), {"code": code}).content.decode()
    assert state(order) == State.READY
    assert "The customer has no code" not in client.get(url("hand-over", order)).content.decode()

    manager = signed_in(shop.manager)
    assert "The customer has no code" in manager.get(url("hand-over", order)).content.decode()
    refused = manager.post(url("hand-over", order), {"checked": "1", "reason": ""})
    assert refused.status_code == 422
    assert "Say how you made sure" in refused.content.decode()
    manager.post(url("hand-over", order), {"checked": "1", "reason": "Identity card and order confirmation seen"})
    assert state(order) == State.HANDED_OVER
    entry = AuditEntry.objects.filter(verb="orders.pickup.hand_over_checked").get()
    assert entry.reason == "Identity card and order confirmation seen"


def test_the_clerk_cannot_hand_over_without_the_code(shop, signed_in):
    order = shop.ready()
    signed_in(shop.clerk).post(url("hand-over", order), {"checked": "1", "reason": "I know her"})
    assert state(order) == State.READY


@pytest.mark.parametrize("written", ["{}", " {} ", "https://shop.example/pickup?code={}"])
def test_a_code_finds_its_order_however_it_is_shown(shop, signed_in, written):
    order = shop.ready()
    code = queries.order(order.id).fulfilments[0].pickup_code
    client = signed_in(shop.clerk)
    answer = client.post(reverse("orders-staff:find-by-code"), {"code": written.format(code)})
    assert answer["Location"] == f"{url('hand-over', order)}?code={code}"
    assert code in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("nothing", ["-", " . ", "–"])
def test_signs_without_a_code_never_open_a_parcel_that_has_none(shop, signed_in, nothing):
    parcel = shop.ready(
        method="ship", ship_to={"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    )
    assert parcel.fulfilments[0].pickup_code == ""
    client = signed_in(shop.clerk)
    assert client.post(reverse("orders-staff:find-by-code"), {"code": nothing}).status_code == 422
    assert "Nothing found" in client.get(reverse("staff:find"), {"q": nothing}).content.decode()


def test_a_code_of_another_store_is_not_found(shop, signed_in):
    order = factory.shop().ready()
    code = queries.order(order.id).fulfilments[0].pickup_code
    answer = signed_in(shop.clerk).post(reverse("orders-staff:find-by-code"), {"code": code})
    assert answer.status_code == 422
    assert "No order at this store waits for this code." in answer.content.decode()


def test_an_order_that_is_not_ready_says_what_to_do_first(shop, signed_in):
    order = shop.place()
    text = signed_in(shop.clerk).get(url("hand-over", order)).content.decode()
    assert "It has to be picked and marked ready first." in text
    assert 'name="code"' not in text


# --- who may what ---------------------------------------------------------------------------------------------------

STEPS = ["accept", "take-over", "release", "ready", "no-show", "return-to-stock", "put-back"]
PAGES = ["pick", "arrive", "hand-over", "ship"]


@pytest.mark.parametrize("name", [*STEPS, *PAGES])
def test_work_of_another_store_does_not_exist(shop, signed_in, name):
    order = factory.shop().place()
    client = signed_in(shop.clerk)
    ask = client.post if name in STEPS else client.get
    answer = ask(url(name, order))
    assert answer.status_code == 404
    assert "This order isn’t at this store" in answer.content.decode()
    assert state(order) == State.PLACED


@pytest.mark.parametrize("name", STEPS)
def test_steps_are_posts_with_a_token(shop, name):
    order = shop.place()
    client = Client(enforce_csrf_checks=True)
    client.force_login(shop.clerk)
    assert client.get(url(name, order)).status_code == 405
    assert client.post(url(name, order)).status_code == 403
    assert state(order) == State.PLACED


def test_who_may_not_work_pickups_is_told_so(shop, signed_in):
    agent = factory.clerk(shop.store, role=Role.SERVICE_AGENT)
    answer = signed_in(agent).get(QUEUE)
    assert answer.status_code == 403
    assert "Pickup" not in [room.label for room in answer.context["shell"].rooms]


def test_nobody_sees_anything_without_signing_in(shop):
    order = shop.place()
    client = Client()
    assert client.get(QUEUE).status_code == 302
    answer = client.get(BOARD, headers={"HX-Request": "true"})
    assert "HX-Redirect" in answer.headers
    assert client.post(url("accept", order)).status_code == 302
    assert state(order) == State.PLACED


def test_a_person_without_a_store_is_told_so(signed_in):
    assert signed_in(ground.user()).get(QUEUE).status_code == 403


def test_the_menu_counts_new_orders(shop, signed_in):
    shop.place()
    shop.accepted()
    answer = signed_in(shop.clerk).get(QUEUE)
    rooms = {room.key: room for room in answer.context["shell"].rooms}
    assert rooms["pickup"].waiting == 1
    assert rooms["pickup"].is_current


def test_the_search_field_knows_codes_numbers_and_references(shop, signed_in):
    order = shop.ready()
    client = signed_in(shop.clerk)
    code = queries.order(order.id).fulfilments[0].pickup_code
    find = reverse("staff:find")
    assert client.get(find, {"q": code})["Location"] == f"{url('hand-over', order)}?code={code}"
    assert client.get(find, {"q": order.number.lower()})["Location"] == reverse("orders-staff:order", args=[order.id])
    assert client.get(find, {"q": order.external_reference})["Location"] == reverse(
        "orders-staff:order", args=[order.id]
    )


def test_a_store_manager_changes_the_store_and_sees_its_queue(signed_in):
    one, two = factory.shop(), factory.shop()
    manager = factory.clerk(one.store, two.store, role=Role.STORE_MANAGER)
    order = two.place()
    client = signed_in(manager)
    assert client.get(url("pick", order)).status_code == 404
    client.post(reverse("staff:store"), {"store": two.store.code})
    assert order.number in client.get(QUEUE).content.decode()


def test_times_are_those_of_the_store(signed_in):
    far = factory.shop(time_zone="Europe/Lisbon", country="PT", region="")
    order = far.place()
    with clock.frozen(factory.NOON):
        text = signed_in(far.clerk).get(BOARD).content.decode()
    local = order.fulfilments[0].promised_at.astimezone(ZoneInfo("Europe/Lisbon"))
    berlin = order.fulfilments[0].promised_at.astimezone(ZoneInfo("Europe/Berlin"))
    assert formats.time_format(local) in text
    assert formats.time_format(berlin) not in text


def test_an_unknown_fulfilment_is_not_here(shop, signed_in):
    answer = signed_in(shop.clerk).get(reverse("orders-staff:pick", args=[uuid.uuid4()]))
    assert answer.status_code == 404


def test_a_refused_step_keeps_the_order_and_says_why(shop, signed_in):
    order = shop.accepted({0: 2})
    shop.scan(order.fulfilments[0])
    answer = signed_in(shop.clerk).post(url("ready", order), follow=True)
    assert "Some pieces are still open." in answer.content.decode()
    assert state(order) == State.PICKING
    shop.act(pickup.release, order.fulfilments[0])
    assert state(order) == State.PLACED
