"""Coming for a pickup: on the way, here, somebody else instead, moved, reminded, not fetched, forgotten."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from commerce import audit, clock, relay
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer
from commerce.errors import CommerceError, InvalidInput
from commerce.models import Quota, User
from commerce.transactions import savepoint, transaction
from inventory.models import StockLevel
from orders import (
    errors,
    exceptions,
    pickup,
    pickup_moves,
    pickup_tasks,
    pickup_watch,
    pickup_windows,
    promise_history,
    public_views,
    queries,
    reminders,
    tracking,
    visits,
)  # fmt: skip
from orders.exceptions import cases, escalation
from orders.lifecycle import State
from orders.models import Notice, PickupVisit
from orders.queries import OrderView
from tests.factories import inventory as goods
from tests.factories import orders as make

SYSTEM = Actor.system("test")
ERIKA = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language="de")


def _kerbside(shop: make.Shop, **values: Any) -> OrderView:
    return shop.ready(method="curbside", customer=ERIKA, **values)


def _say(verb: Callable[..., Any], *args: Any, **options: Any) -> None:
    with transaction():
        verb(*args, at=clock.now(), **options)


# --- coming -----------------------------------------------------------------------------------------------------------


def test_the_store_sees_who_is_on_the_way_and_then_who_waits(
    shop: make.Shop, client: Client, signed_in: Callable[[User], Client]
) -> None:
    order = _kerbside(shop)
    part = str(order.fulfilments[0].id)
    assert (
        client.post(
            reverse("tracking-on-my-way", args=[order.tracking_token]), {"part": part, "minutes": "15"}
        ).status_code
        == 302
    )
    clerk = signed_in(shop.clerk)
    board = clerk.get(reverse("orders-staff:queue"), headers={"accept-language": "en"}).content.decode()
    assert "On the way, here at about 12:15" in board
    client.post(
        reverse("tracking-arrive", args=[order.tracking_token]),
        {"part": part, "bay": "3", "car": "blauer Kombi", "plate": "b-ko 1234"},
    )
    board = clerk.get(reverse("orders-staff:queue")).content.decode()
    assert "blauer Kombi · B-KO 1234" in board
    page = clerk.get(reverse("orders-staff:hand-over", args=[part])).content.decode()
    assert "B-KO 1234" in page
    journal = " ".join(repr((entry.before, entry.after, entry.reason)) for entry in audit.timeline("order", order.id))
    assert "KO 1234" not in journal
    assert "Kombi" not in journal


@pytest.mark.parametrize("minutes", ["0", "241", "-5", "soon", "", "9" * 30, "١٥"])
def test_a_time_that_is_none_is_refused_in_a_sentence(shop: make.Shop, client: Client, minutes: str) -> None:
    order = _kerbside(shop)
    answer = client.post(reverse("tracking-on-my-way", args=[order.tracking_token]), {"minutes": minutes})
    assert answer.status_code == 400
    assert "zwischen 1 und 240" in answer.content.decode()
    assert visits.of(order.fulfilments[0].id).eta_at is None


@pytest.mark.parametrize("plate", ["<script>", "B" * 30, "💥 1"])
def test_a_plate_that_is_none_is_refused_and_nobody_arrives(shop: make.Shop, client: Client, plate: str) -> None:
    order = _kerbside(shop)
    answer = client.post(reverse("tracking-arrive", args=[order.tracking_token]), {"bay": "3", "plate": plate})
    assert answer.status_code == 400
    assert queries.order(order.id).fulfilments[0].state == "ready"


def test_somebody_else_may_collect_and_staff_are_told_the_name(
    shop: make.Shop, client: Client, signed_in: Callable[[User], Client]
) -> None:
    order = shop.ready(customer=ERIKA)
    client.post(reverse("tracking-helper", args=[order.tracking_token]), {"name": "  Max   Muster "})
    page = signed_in(shop.clerk).get(reverse("orders-staff:hand-over", args=[order.fulfilments[0].id])).content.decode()
    assert "Max Muster" in page
    client.post(reverse("tracking-helper", args=[order.tracking_token]), {"name": ""})
    assert visits.of(order.fulfilments[0].id).helper_name == ""


def test_the_page_shows_the_code_as_a_qr_code_that_the_counter_reads(
    shop: make.Shop, client: Client, signed_in: Callable[[User], Client]
) -> None:
    order = shop.ready(customer=ERIKA)
    page = client.get(reverse("tracking", args=[order.tracking_token])).content.decode()
    code = order.fulfilments[0].pickup_code
    drawn = public_views._qr(code)
    assert drawn in page
    bars = re.search(r'viewBox="0 0 (\d+) ', drawn)
    assert bars is not None
    assert int(bars[1]) >= (21 + 2 * 2) * 6  # a full QR code, for no phone reads a micro one
    answer = signed_in(shop.clerk).post(reverse("orders-staff:find-by-code"), {"code": code.lower()})
    assert answer.status_code == 302
    assert str(order.fulfilments[0].id) in answer["Location"]


def test_who_waits_is_served_in_the_order_of_arrival(shop: make.Shop, signed_in: Callable[[User], Client]) -> None:
    first, second = _kerbside(shop), _kerbside(shop)
    with clock.frozen(clock.now() + timedelta(minutes=1)):
        _say(tracking.arrive, second.tracking_token, bay="1")
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        _say(tracking.arrive, first.tracking_token, bay="2")
        page = signed_in(shop.clerk).get(reverse("orders-staff:queue")).content.decode()
    assert page.index(second.number) < page.index(first.number)


# --- forgetting -------------------------------------------------------------------------------------------------------


def test_what_was_said_about_coming_is_forgotten_after_the_hand_over_and_that_is_proven(shop: make.Shop) -> None:
    order = _kerbside(shop)
    part = order.fulfilments[0]
    _say(tracking.on_my_way, order.tracking_token, None, minutes=10)
    _say(tracking.name_helper, order.tracking_token, None, name="Max Muster")
    _say(tracking.arrive, order.tracking_token, bay="B-KO 1234", car="Kombi", plate="B-KO 1234")
    shop.act(pickup.hand_over, part, part.pickup_code)
    assert pickup_tasks.forget_visits() == {"erased": 0, "left": 0}  # a clerk may still run after the car
    later = clock.now() + visits.KEPT_FOR
    assert visits.left_over(at=later) == 1
    with clock.frozen(later):
        assert pickup_tasks.forget_visits() == {"erased": 1, "left": 0}
        assert pickup_tasks.forget_visits() == {"erased": 0, "left": 0}
    row = PickupVisit.objects.get()
    assert (row.car, row.plate, row.helper_name, row.eta_at, row.erased_at) == ("", "", "", None, later)
    assert queries.order(order.id).fulfilments[0].bay == ""
    assert audit.timeline("order", order.id)[-1].verb == "orders.visits.erase"
    with pytest.raises(IntegrityError, match="pickup_visit_erased_is_empty"), savepoint():
        PickupVisit.objects.update(plate="B-KO 1234")


def test_where_staff_saw_somebody_wait_is_forgotten_too_and_spoils_nothing_that_the_customer_said(
    shop: make.Shop, signed_in: Callable[[User], Client]
) -> None:
    said, seen = _kerbside(shop), _kerbside(shop)
    _say(tracking.arrive, said.tracking_token, bay="2", car="Kombi", plate="B-KO 1234")
    for order in (said, seen):
        page = reverse("orders-staff:arrive", args=[order.fulfilments[0].id])
        assert signed_in(shop.clerk).post(page, {"bay": "HH-AB 77"}).status_code == 302
        assert queries.order(order.id).fulfilments[0].bay == "HH-AB 77"
    assert visits.of(said.fulfilments[0].id).plate == "B-KO 1234"
    for order in (said, seen):
        shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    with clock.frozen(clock.now() + visits.KEPT_FOR):
        assert pickup_tasks.forget_visits() == {"erased": 2, "left": 0}
    assert [queries.order(one.id).fulfilments[0].bay for one in (said, seen)] == ["", ""]


# --- moving -----------------------------------------------------------------------------------------------------------


def _window(shop: make.Shop, place: int = 3) -> datetime:
    return pickup_windows.windows_between(shop.store, at=clock.now(), days=8)[place][0]


def _allocated(shop: make.Shop, location_id: int) -> int:
    return StockLevel.objects.get(
        product_id=shop.products[0].id, location_id=location_id, condition="sellable"
    ).allocated


def _used(shop: make.Shop, starts_at: datetime) -> int:
    row = Quota.objects.filter(key=pickup_windows.key(shop.store, starts_at)).first()
    return row.held + row.committed if row else 0


def test_a_pickup_moves_to_another_window_and_its_place_is_free_again(shop: make.Shop, client: Client) -> None:
    order = shop.place(customer=ERIKA)
    old, new = order.fulfilments[0].window_starts_at, _window(shop)
    assert old is not None
    page = client.get(reverse("tracking", args=[order.tracking_token]), {"move": str(order.fulfilments[0].id)})
    name = pickup_windows.window_id(shop.store, new)
    assert name in page.content.decode()
    assert client.post(reverse("tracking-move", args=[order.tracking_token]), {"window": name}).status_code == 302
    part = queries.order(order.id).fulfilments[0]
    assert (part.window_starts_at, part.promised_at) == (new, new)
    assert (_used(shop, old), _used(shop, new)) == (0, 1)
    [revision] = promise_history.of_order(order.id)
    assert (revision.before, revision.after, revision.reason) == (old, new, "moved")
    relay.drain(within=20)
    assert Notice.objects.filter(order_id=order.id, code="pickup.moved").exists()


def test_a_pickup_moves_to_another_store_with_goods_and_a_new_code(shop: make.Shop) -> None:
    order = shop.place({0: 2}, customer=ERIKA)
    other = goods.store()
    goods.receive(shop.products[0].id, other.id, 2)
    with transaction():
        pickup_moves.move(
            order.fulfilments[0].id,
            location_id=other.id,
            starts_at=_window(shop),
            user=shop.clerk,
            by=shop.by,
            at=clock.now(),
        )
    part = queries.order(order.id).fulfilments[0]
    assert part.location_id == other.id
    assert part.pickup_code != order.fulfilments[0].pickup_code
    assert _allocated(shop, shop.store.id) == 0
    assert _allocated(shop, other.id) == 2


def test_what_lies_picked_at_its_store_is_not_handed_over_by_another(shop: make.Shop) -> None:
    """A pick that was begun and given back to the queue leaves its pieces in a bag of that store."""
    order = shop.accepted({0: 2}, customer=ERIKA)
    part = order.fulfilments[0]
    other = goods.store()
    goods.receive(shop.products[0].id, other.id, 2)
    untouched = shop.place().fulfilments[0]
    assert {one.is_same for one in pickup_moves.choices(untouched, channel_id=shop.channel.pk, at=clock.now())} == {
        True,
        False,
    }
    shop.scan(part)
    shop.act(pickup.release, part)
    begun = queries.order(order.id).fulfilments[0]
    assert (begun.state, begun.lines[0].picked) == (State.PLACED, 1)
    assert {one.is_same for one in pickup_moves.choices(begun, channel_id=shop.channel.pk, at=clock.now())} == {True}
    with pytest.raises(errors.MoveNotAllowed, match="choose another window there"), transaction():
        pickup_moves.move(part.id, location_id=other.id, starts_at=_window(shop), by=SYSTEM, at=clock.now())
    _say(pickup_moves.move, part.id, location_id=shop.store.id, starts_at=_window(shop, 5), by=SYSTEM)
    assert (_allocated(shop, other.id), queries.order(order.id).fulfilments[0].lines[0].picked) == (0, 1)


def test_a_move_that_is_refused_changes_nothing(shop: make.Shop) -> None:
    order = shop.place({0: 2}, customer=ERIKA)
    before = queries.order(order.id)
    empty = goods.store()
    refusals: list[tuple[type[CommerceError], int, datetime]] = [
        (CommerceError, empty.id, _window(shop)),
        (errors.WindowClosed, shop.store.id, clock.now() - timedelta(days=1)),
        (errors.WindowClosed, shop.store.id, clock.now() + timedelta(days=400)),
    ]
    for refusal, location_id, starts_at in refusals:
        with pytest.raises(refusal), transaction():
            pickup_moves.move(
                order.fulfilments[0].id, location_id=location_id, starts_at=starts_at, by=SYSTEM, at=clock.now()
            )
    assert queries.order(order.id) == before
    assert _allocated(shop, shop.store.id) == 2
    assert _used(shop, order.fulfilments[0].window_starts_at or clock.now()) == 1


def test_a_full_window_takes_nobody(db: None, noon: None) -> None:
    shop = make.shop(pickup_slot_capacity=1)
    target = _window(shop, 1)
    shop.place(window_starts_at=target)
    order = shop.place(customer=ERIKA)
    with pytest.raises(errors.WindowFull) as refused, transaction():
        pickup_moves.move(
            order.fulfilments[0].id, location_id=shop.store.id, starts_at=target, by=SYSTEM, at=clock.now()
        )
    assert refused.value.detail["alternatives"]
    assert queries.order(order.id).fulfilments[0].window_starts_at == order.fulfilments[0].window_starts_at


def test_customers_move_three_times_and_not_what_is_prepared_to_another_store(shop: make.Shop) -> None:
    order = shop.ready(customer=ERIKA)
    other = goods.store()
    goods.receive(shop.products[0].id, other.id, 2)
    with pytest.raises(errors.MoveNotAllowed), transaction():
        pickup_moves.move(
            order.fulfilments[0].id, location_id=other.id, starts_at=_window(shop), by=SYSTEM, at=clock.now()
        )
    for turn in range(1, 4):
        name = pickup_windows.window_id(shop.store, _window(shop, turn))
        _say(tracking.move, order.tracking_token, None, window=name)
    kept = queries.order(order.id).fulfilments[0].keep_until
    assert kept is not None
    assert kept > (order.fulfilments[0].keep_until or kept)
    with pytest.raises(errors.TooManyMoves), transaction():
        tracking.move(
            order.tracking_token, None, window=pickup_windows.window_id(shop.store, _window(shop, 5)), at=clock.now()
        )


@pytest.mark.parametrize(
    "window", ["", "nonsense", "S001:2026-13-45T00:00:00Z", "NOWHERE:2026-11-21T14:00:00Z", "x" * 300]
)
def test_nonsense_for_a_window_is_refused_on_the_page(shop: make.Shop, client: Client, window: str) -> None:
    order = shop.place(customer=ERIKA)
    answer = client.post(reverse("tracking-move", args=[order.tracking_token]), {"window": window})
    assert 400 <= answer.status_code < 500
    assert queries.order(order.id).fulfilments[0].window_starts_at == order.fulfilments[0].window_starts_at


def test_staff_move_a_pickup_on_a_page_of_its_own(shop: make.Shop, signed_in: Callable[[User], Client]) -> None:
    order = shop.place(customer=ERIKA)
    browser = signed_in(shop.clerk)
    address = reverse("orders-staff:move-pickup", args=[order.fulfilments[0].id])
    name = pickup_windows.window_id(shop.store, _window(shop))
    assert name in browser.get(address).content.decode()
    assert browser.post(address, {"window": "nonsense"}).status_code == 422
    assert browser.post(address, {"window": name, "reason": "called"}).status_code == 302
    assert queries.order(order.id).fulfilments[0].window_starts_at == _window(shop)
    assert signed_in(make.shop().clerk).get(address).status_code == 404


# --- reminding, not fetching --------------------------------------------------------------------------------------------


def test_the_ladder_reminds_once_per_step_and_not_whoever_came(shop: make.Shop) -> None:
    order, other = shop.ready(customer=ERIKA), shop.ready(customer=ERIKA)
    keep_until = order.fulfilments[0].keep_until
    assert keep_until is not None
    shop.act(pickup.hand_over, other.fulfilments[0], other.fulfilments[0].pickup_code)
    told = []
    for hours in (60, 29, 28, 7, 6):
        with clock.frozen(keep_until - timedelta(hours=hours)):
            pickup_tasks.remind_of_pickups()
        told.append(sorted(Notice.objects.filter(code__in=reminders.MESSAGES).values_list("code", "order_id")))
    assert [len(one) for one in told] == [0, 1, 1, 2, 2]
    assert {order_id for _code, order_id in told[-1]} == {order.id}


def test_the_most_special_ladder_counts(shop: make.Shop) -> None:
    by = {"by": SYSTEM}
    with transaction():
        reminders.set_step(message="pickup.reminder", hours_before=48, **by)
        reminders.set_step(message="pickup.reminder", hours_before=12, location_id=shop.store.id, **by)
        reminders.set_step(message="pickup.last_day", hours_before=3, location_id=shop.store.id, is_active=False, **by)
        reminders.set_step(message="pickup.reminder", hours_before=10, location_id=shop.store.id, **by)
        with pytest.raises(InvalidInput):
            reminders.set_step(message="pickup.reminder", hours_before=721, **by)
    rows = list(reminders.PickupReminder.objects.all())
    assert reminders.ladder(rows, location_id=shop.store.id, channel_id=shop.channel.pk) == (
        reminders.Step("pickup.reminder", 10),
    )
    assert reminders.ladder(rows, location_id=0, channel_id=shop.channel.pk) == (reminders.Step("pickup.reminder", 48),)
    assert reminders.ladder([], location_id=0, channel_id=0) == reminders.USUAL


@given(st.lists(st.integers(1, 720), max_size=5), st.integers(-800, 10))
def test_a_step_is_due_only_before_the_end_and_the_latest_counts(hours: list[int], offset: int) -> None:
    steps = [reminders.Step("pickup.reminder", one) for one in hours]
    at = make.NOON + timedelta(hours=offset)
    due = reminders.due_step(steps, keep_until=make.NOON, at=at)
    come = [one for one in hours if -one <= offset < 0]
    assert (due.hours_before if due else None) == (min(come) if come else None)


def _look() -> None:
    with transaction():
        pickup_watch.look(by=SYSTEM, at=clock.now())
    with transaction():
        escalation.clear_gone(by=SYSTEM, at=clock.now())


def _kinds(order: OrderView) -> set[str]:
    return {case.kind for case in cases.of_order(order.id)}


def test_late_waiting_locked_and_not_fetched_stand_on_the_desk_and_go_away_by_themselves(shop: make.Shop) -> None:
    order = shop.place(customer=ERIKA, method="curbside")
    part = order.fulfilments[0]
    _look()
    assert _kinds(order) == set()
    with clock.frozen(part.promised_at + timedelta(minutes=1)):
        _look()
        assert _kinds(order) == {pickup_watch.LATE}
        [case] = cases.of_order(order.id)
        with transaction():
            exceptions.act(case.id, "accept", user=shop.clerk, by=shop.by, at=clock.now())
        shop.scan(part)
        shop.act(pickup.mark_ready, part)
        _say(tracking.arrive, order.tracking_token, bay="1")
        _look()
        assert _kinds(order) == set()
    with clock.frozen(part.promised_at + timedelta(minutes=7)):
        for _ in range(pickup.MOST_CODE_ATTEMPTS):
            shop.act(pickup.hand_over, part, "WRONG1")
        _look()
        assert _kinds(order) == {pickup_watch.OUTSIDE, pickup_watch.LOCKED}
        shop.act(pickup.hand_over_checked, part, reason="saw the passport", user=shop.manager)
        _look()
        assert _kinds(order) == set()


def test_what_is_on_the_desk_already_hides_nobody_who_is_late(shop: make.Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickup_watch, "AT_ONCE", 1)
    orders = [shop.place(customer=ERIKA) for _ in range(3)]
    with clock.frozen(max(one.fulfilments[0].promised_at for one in orders) + timedelta(minutes=1)):
        for found in (1, 2, 3, 3):
            _look()
            assert sum(_kinds(one) == {pickup_watch.LATE} for one in orders) == found


def test_a_no_show_is_a_task_with_a_clock_and_one_click_back_to_stock(shop: make.Shop) -> None:
    order = shop.ready(customer=ERIKA)
    part = order.fulfilments[0]
    assert part.keep_until is not None
    with clock.frozen(part.keep_until + timedelta(minutes=1)):
        with transaction():
            pickup.mark_no_show(part.id, by=SYSTEM, at=clock.now())
        _look()
        [case] = cases.of_order(order.id)
        assert (case.kind, case.due_at) == (pickup_watch.RETURN, clock.now() + timedelta(hours=24))
        with transaction():
            exceptions.act(case.id, "return", user=shop.clerk, by=shop.by, at=clock.now())
    assert queries.order(order.id).fulfilments[0].state == "returned_to_stock"
    assert _kinds(order) == set()
    assert _allocated(shop, shop.store.id) == 0


def test_the_page_of_an_order_with_nothing_to_fetch_offers_nothing_of_it(shop: make.Shop, client: Client) -> None:
    order = shop.place(
        method="ship", ship_to={"postal_code": "10115", "city": "Berlin", "country": "DE"}, customer=ERIKA
    )
    page = client.get(reverse("tracking", args=[order.tracking_token])).content.decode()
    assert reverse("tracking-on-my-way", args=[order.tracking_token]) not in page
    assert client.post(reverse("tracking-on-my-way", args=[order.tracking_token]), {"minutes": "5"}).status_code == 409
