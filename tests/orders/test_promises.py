"""What is promised: the same when it is asked and when it is ordered, never earlier than possible, and told when it moves."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, InternalError
from django.test import Client
from django.urls import reverse

from commerce import clock, quotas, relay
from commerce.errors import InvalidInput
from commerce.operations import checks
from commerce.transactions import savepoint, transaction
from orders import (
    cancellation,
    errors,
    holds,
    method_terms,
    pickup_moves,
    pickup_watch,
    pickup_windows,
    preparation,
    promise_history,
    promise_watch,
    promises,
    queries,
    tasks,
)
from orders.errors import WindowClosed
from orders.hold_kinds import HoldKind
from orders.method_terms import Terms
from orders.models import DeskCase, Notice, PromiseRevision
from orders.preparation import Needed, Said
from orders.promises import Basket
from orders.queries import OrderView
from orders.routing import carriers, nodes, worlds
from orders.sourcing.tariffs import Zone
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_mixed_methods import ADDRESS
from tests.orders.test_options import ask, of
from tests.orders.test_orders_api import ORDERS, Api

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pictures():
    worlds.forget()
    method_terms.forget()
    yield
    worlds.forget()
    method_terms.forget()


def agree(shop: make.Shop | None, method: str, **values: Any) -> int:
    with transaction():
        return method_terms.agree(shop.store.id if shop else None, method, Terms(**values), by=ground.TESTER)


def people(shop: make.Shop, pieces_per_hour: int) -> None:
    with transaction():
        nodes.set_node(shop.store.id, people=1, pieces_per_hour=pieces_per_hour, by=ground.TESTER)
    worlds.forget()


def ship(shop: make.Shop, quantities: dict[int, int] | None = None) -> OrderView:
    return shop.place(quantities, method="ship", ship_to=ADDRESS)


# --- time ---------------------------------------------------------------------------------------------------------------


def test_every_line_and_order_takes_its_minutes_and_the_narrowest_terms_count(shop):
    plain = promises.ready_at(shop.store, "pickup", Basket(3, 3), at=make.NOON)
    agree(None, "pickup", minutes=10, minutes_per_line=2)
    assert promises.ready_at(shop.store, "pickup", Basket(3, 3), at=make.NOON) == plain + timedelta(minutes=16)
    agree(shop, "pickup", minutes=1)
    assert promises.ready_at(shop.store, "pickup", Basket(3, 3), at=make.NOON) == plain + timedelta(minutes=1)
    assert promises.ready_at(shop.store, "curbside", Basket(3, 3), at=make.NOON) == plain


def test_only_work_that_is_due_sooner_makes_anybody_wait(shop):
    windows = pickup_windows.windows_between(shop.store, at=clock.now(), days=3)
    shop.place({0: 5}, window_starts_at=windows[-1][0])
    people(shop, 2)
    soon = promises.ready_at(shop.store, "pickup", due=windows[8][0], at=make.NOON)
    assert soon == make.NOON + timedelta(minutes=shop.store.pickup_lead_minutes + 30)
    after = promises.ready_at(shop.store, "pickup", due=windows[-1][0], at=make.NOON)
    assert after > soon, "the five pieces are picked before it"


def test_what_comes_after_the_cut_off_is_begun_tomorrow(shop):
    agree(shop, "pickup", cut_off=time(11, 30))  # it is noon
    first = promises.windows(shop.store, "pickup", at=make.NOON, days=5)[0]
    assert first.starts_at.date() > make.NOON.date()
    today = pickup_windows.windows_between(shop.store, at=make.NOON, days=1)[0][0]
    with pytest.raises(errors.WindowClosed) as refused:
        shop.place(window_starts_at=today)
    assert refused.value.detail["alternatives"][0]["id"] == first.id


def test_a_delivery_today_has_an_hour_until_which_it_is_taken(client, shop):
    place = goods.store(capabilities=["same_day"], opening_hours="Mo-Su 08:00-20:00")
    goods.receive(shop.products[0].id, place.id, 5)
    agree(None, "same_day", cut_off=time(13))
    api = Api(client, shop)
    assert of(ask(api, methods=["same_day"]), "same_day")
    with clock.frozen(make.NOON + timedelta(hours=1, minutes=5)):
        worlds.forget()
        [refused] = ask(api, methods=["same_day"])["not_offered"]
        assert refused["code"] == "too_late_today"
        assert "13:00" in refused["message"]
        told = api.post(ORDERS, api.body(method="same_day", window=None, location=None, ship_to=ADDRESS))
        assert (told.status_code, told.json()["code"]) == (409, "too_late_today")


def test_a_carrier_fetches_and_delivers_by_its_own_calendar(client, shop):
    with transaction():
        carriers.set_service(
            "slow", name="Langsam", carrier="Langsam", origin="DE", cut_off=time(10), by=ground.TESTER,
            zones=[Zone("de", frozenset({"DE"}), 2, ((31_500, 500),))], collects_on=frozenset({5}),
            delivers_on=frozenset({2}),
        )  # fmt: skip
    worlds.forget()
    api = Api(client, shop)
    offered = of(ask(api, methods=["ship"]), "ship")
    placed = api.post(ORDERS, api.body(method="ship", window=None, location=None, ship_to=ADDRESS)).json()[
        "fulfilments"
    ][0]
    assert (placed["promised_at"], placed["deliver_by"]) == (offered["ready_by"], offered["deliver_by"])
    leaves, arrives = (datetime.fromisoformat(placed[name]) for name in ("promised_at", "deliver_by"))
    assert leaves == datetime(2026, 11, 20, 9, 0, tzinfo=UTC), "Friday at ten, which is nine of UTC"
    assert arrives.date().isoformat() == "2026-12-01", "the second Tuesday after"


# --- how many a day -----------------------------------------------------------------------------------------------------


def test_a_method_has_so_many_orders_a_day_and_a_full_day_names_others(shop):
    agree(shop, "pickup", orders_per_day=1)
    first = shop.place()
    used = worlds.day_key(shop.store, at=first.fulfilments[0].window_starts_at, method="pickup")
    with pytest.raises(errors.WindowFull) as refused:
        shop.place()
    assert refused.value.detail["alternatives"][0]["starts_at"] >= "2026-11-18T23:00:00Z", "tomorrow in Berlin"
    assert shop.place(method="curbside").fulfilments
    with transaction():
        cancellation.cancel_order(first.id, by=ground.TESTER, at=clock.now())
    assert quotas.usage([used], at=clock.now())[used].used == 0
    second = shop.place().fulfilments[0]
    tomorrow = pickup_windows.windows_between(shop.store, at=clock.now(), days=3)[-1][0]
    for starts_at, on_this_day in ((tomorrow, 0), (second.window_starts_at, 1), (second.window_ends_at, 1)):
        with transaction():
            pickup_moves.move(second.id, location_id=shop.store.id, starts_at=starts_at, by=shop.by, at=clock.now())
        assert quotas.usage([used], at=clock.now())[used].used == on_this_day
    assert not checks.run()


def test_a_part_that_is_sent_claims_the_day_of_its_place_and_of_its_method(shop):
    agree(shop, "ship", orders_per_day=5)
    with transaction():
        nodes.set_node(shop.store.id, orders_per_day=9, by=ground.TESTER)
    order = ship(shop)
    keys = [worlds.day_key(shop.store, at=clock.now()), worlds.day_key(shop.store, at=clock.now(), method="ship")]
    assert [quotas.usage(keys, at=clock.now())[key].used for key in keys] == [1, 1]
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    assert [quotas.usage(keys, at=clock.now())[key].used for key in keys] == [0, 0]
    assert not checks.run()


@pytest.mark.parametrize(
    ("method", "values", "field"),
    [
        ("drone", {}, "method"),
        ("pickup", {"minutes": -1}, "minutes"),
        ("pickup", {"minutes_per_line": 241}, "minutes_per_line"),
        ("ship", {"orders_per_day": -1}, "orders_per_day"),
    ],
)
def test_terms_that_make_no_sense_are_named(shop, method, values, field):
    with pytest.raises(InvalidInput) as refused:
        agree(shop, method, **values)
    assert refused.value.errors[0]["field"] == field


# --- promises that move ---------------------------------------------------------------------------------------------------


def test_a_parcel_that_did_not_leave_is_promised_anew_told_once_and_stays_late(client, shop):
    order = ship(shop)
    first = order.fulfilments[0]
    late = first.promised_at + timedelta(hours=1)
    with clock.frozen(late):
        assert tasks.revise_promises() == 1
        assert tasks.revise_promises() == 0, "it is not due again"
        [revision] = promise_history.of_order(order.id)
        part = queries.order(order.id).fulfilments[0]
        assert (revision.before, revision.after, revision.reason) == (first.promised_at, part.promised_at, "load")
        assert part.promised_at >= late
        assert part.deliver_by > first.deliver_by
        relay.drain(within=20)
        assert [one.code for one in Notice.objects.filter(order_id=order.id, code__startswith="promise.")] == [
            "promise.revised"
        ]
        page = client.get(reverse("tracking", args=[order.tracking_token])).content.decode()
        assert "<s>" in page
        with transaction():
            pickup_watch.look(by=ground.TESTER, at=clock.now())
        assert DeskCase.objects.filter(kind=pickup_watch.LATE, subject_id=str(first.id)).exists()
    with clock.frozen(part.promised_at - timedelta(hours=1)):
        assert pickup_watch._still_late([str(first.id)]) == [str(first.id)], "a new promise makes nothing punctual"


def test_a_pickup_that_misses_its_window_says_don_t_come_yet(shop):
    order = shop.place()
    first = order.fulfilments[0]
    with clock.frozen(first.window_starts_at + timedelta(minutes=6)):
        assert tasks.revise_promises() == 1
        relay.drain(within=20)
    part = queries.order(order.id).fulfilments[0]
    assert part.window_starts_at == first.window_starts_at
    assert part.promised_at > first.window_starts_at
    assert Notice.objects.filter(order_id=order.id, code="pickup.delayed").count() == 1


def test_nobody_is_told_three_times_and_what_is_held_or_begun_is_left_alone(shop):
    order = shop.place()
    now = order.fulfilments[0].promised_at
    for _ in range(promise_watch.MOST_REVISIONS + 2):
        now = queries.order(order.id).fulfilments[0].promised_at + timedelta(minutes=10)
        with clock.frozen(now):
            tasks.revise_promises()
    assert PromiseRevision.objects.filter(order_id=order.id).count() == promise_watch.MOST_REVISIONS
    held = shop.place()
    with transaction():
        holds.place(held.id, HoldKind.OTHER, reason="Rückfrage", by=shop.by, at=clock.now())
    begun = shop.accepted()
    with clock.frozen(begun.fulfilments[0].promised_at + timedelta(minutes=20)):
        assert tasks.revise_promises() == 0


def test_a_revision_is_never_changed(shop):
    order = shop.place()
    with clock.frozen(order.fulfilments[0].promised_at + timedelta(minutes=6)):
        tasks.revise_promises()
    with pytest.raises((IntegrityError, InternalError)), savepoint():
        PromiseRevision.objects.update(reason="carrier")


# --- what goods need besides being picked -----------------------------------------------------------------------------------


def said(product_id: int | None, category: str = "", minutes: int = 0, each: int = 0, what: str = "") -> None:
    with transaction():
        preparation.say([Said(product_id, category, Needed(minutes, each, what))], by=ground.TESTER)


def test_what_a_product_needs_goes_before_its_category_and_makes_every_promise_later(shop):
    one = shop.products[0].id
    plain = promises.ready_at(shop.store, "pickup", Basket.of({one: 2}), at=make.NOON)
    said(one, minutes=15, each=10, what="engraving")
    assert promises.ready_at(shop.store, "pickup", Basket.of({one: 2}), at=make.NOON) == plain + timedelta(minutes=35)
    assert Basket.of_lines([(one, 1), (one, 1)]).minutes == 35  # of two parts of an order it is begun once
    made = ground.product(category="Bikes")
    said(None, "Bikes", minutes=60, what="assembly")
    assert [(each.sku, each.what, each.minutes) for each in preparation.of({made.id: 3})] == [
        (made.sku, "assembly", 60)
    ]
    said(made.id, each=1)
    assert preparation.minutes_of({made.id: 3}) == 3
    said(made.id)  # nothing is said of it any more
    assert preparation.minutes_of({made.id: 3, one: 1}) == 60 + 25


def test_a_window_before_goods_are_prepared_is_refused_and_a_later_one_is_promised(shop):
    first = shop.incoming().window_starts_at
    said(shop.products[0].id, each=300, what="engraving")
    with pytest.raises(WindowClosed) as refused:
        shop.place()
    later = [one["starts_at"] for one in refused.value.detail["alternatives"]]
    assert later
    assert first.isoformat() not in later
    assert shop.place({1: 1}).fulfilments[0].window_starts_at == first


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"minutes": 5}, "items[0]"),
        ({"sku": "nobody", "minutes": 5}, "items[0].sku"),
        ({"category": "Bikes", "minutes": 14_401}, "items[0].minutes"),
        ({"category": "Bikes", "minutes": -1}, "items[0].minutes"),
        ({"category": "x" * 121, "minutes": 1}, "items[0].category"),
    ],
)
def test_a_system_brings_times_at_once_or_reads_what_is_wrong_with_which(shop, item, field):
    key = ground.key(shop.channel)
    address = "/api/v1/routing/preparation-times"

    def put(number: str, *items):
        headers = {**key.headers, "HTTP_IDEMPOTENCY_KEY": number}
        return Client().put(address, {"items": list(items)}, content_type="application/json", **headers)

    right = {"sku": shop.products[0].sku, "minutes": 20, "minutes_per_piece": 5, "what": "engraving"}
    answer = put("1", item, right)
    assert answer.status_code in (400, 422)
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert Client().get(address, **key.headers).json()["items"] == []
    assert put("2", right, {"category": "Bikes", "minutes": 60}).status_code == 200
    body = {"lines": [{"sku": shop.products[0].sku, "quantity": 2}], "methods": ["pickup"]}
    told = Client().post("/api/v1/fulfilment-options", body, content_type="application/json", **key.headers).json()
    assert told["preparation"] == [{"sku": shop.products[0].sku, "what": "engraving", "minutes": 30}]
