"""The counter: ready, waiting outside, handed over against the code, not collected, back to stock."""

from datetime import timedelta

import pytest

from commerce import clock
from commerce.errors import InvalidInput, NotAllowed
from commerce.models import OutboxMessage
from commerce.transactions import transaction
from inventory import availability
from orders import errors, lifecycle, pickup, queries, shipping, tasks
from orders.pickup import HandoverOutcome
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
WRONG = "000000"


def figure(shop: make.Shop, product: int = 0):
    return availability.figures([shop.products[product].id], location_ids=[shop.store.id], at=clock.now())[0]


def code(order) -> str:
    return order.fulfilments[0].pickup_code


# --- handover -------------------------------------------------------------------------------------------------------


def test_goods_leave_the_books_when_they_leave_the_store(shop):
    order = shop.ready({0: 2})
    assert (figure(shop).on_hand, figure(shop).allocated) == (10, 2)
    done = shop.act(pickup.hand_over, order.fulfilments[0], code(order))
    assert done.is_done
    assert (figure(shop).on_hand, figure(shop).allocated, figure(shop).available) == (8, 0, 8)
    after = queries.order(order.id)
    assert (after.status.value, after.fulfilments[0].is_on_shelf) == ("completed", False)
    assert OutboxMessage.objects.get(event_type="fulfilment.handed_over").payload["status"] == "completed"


def test_a_code_is_read_as_people_type_it(shop):
    order = shop.ready()
    typed = f" {code(order)[:3].lower()}-{code(order)[3:].lower()} "
    assert shop.act(pickup.hand_over, order.fulfilments[0], typed).outcome is HandoverOutcome.HANDED_OVER


def test_a_wrong_code_is_counted_and_five_lock_it(shop):
    order = shop.ready()
    left = [shop.act(pickup.hand_over, order.fulfilments[0], WRONG).attempts_left for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    with pytest.raises(errors.TooManyCodeAttempts):
        shop.act(pickup.hand_over, order.fulfilments[0], code(order))
    assert (queries.order(order.id).status.value, figure(shop).on_hand) == ("ready", 10)


def test_someone_with_more_rights_hands_over_without_the_code_and_says_why(shop):
    order = shop.ready()
    with pytest.raises(NotAllowed):
        shop.act(pickup.hand_over_checked, order.fulfilments[0], reason="saw an identity card")
    with pytest.raises(InvalidInput):
        shop.act(pickup.hand_over_checked, order.fulfilments[0], reason=" ", user=shop.manager)
    shop.act(pickup.hand_over_checked, order.fulfilments[0], reason="saw an identity card", user=shop.manager)
    assert queries.order_page(order.id).timeline[-1].reason == "saw an identity card"
    assert figure(shop).on_hand == 9


def test_what_is_not_ready_is_not_handed_over_and_nothing_twice(shop):
    order = shop.accepted()
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(pickup.hand_over, order.fulfilments[0], code(order))
    order = shop.ready({1: 1})
    shop.act(pickup.hand_over, order.fulfilments[0], code(order))
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(pickup.hand_over, order.fulfilments[0], code(order))
    assert figure(shop, 1).on_hand == 9


def test_a_short_order_hands_over_what_was_picked(shop):
    from orders import picking

    order = shop.accepted({0: 3})
    shop.scan(order.fulfilments[0])
    shop.act(picking.reject_line, order.fulfilments[0], order.fulfilments[0].lines[0].id, 2, "other")
    shop.act(pickup.mark_ready, order.fulfilments[0])
    shop.act(pickup.hand_over, order.fulfilments[0], code(order))
    assert (figure(shop).on_hand, figure(shop).allocated) == (9, 0)


# --- outside --------------------------------------------------------------------------------------------------------


def test_a_customer_waits_outside_in_a_bay(shop):
    order = shop.ready(method="curbside")
    work = order.fulfilments[0]
    for bay in ("P3", "P4"):
        with transaction():
            pickup.arrive(work.id, by=ground.TESTER, at=clock.now(), bay=bay)
    after = queries.order(order.id).fulfilments[0]
    assert (after.state, after.bay, after.arrived_at) == ("arrived", "P4", make.NOON)
    assert OutboxMessage.objects.filter(event_type="fulfilment.arrived").count() == 1
    assert shop.act(pickup.hand_over, work, code(order)).is_done


def test_nobody_arrives_before_the_order_is_ready(shop):
    order = shop.place(method="curbside")
    with pytest.raises(errors.MoveNotAllowed), transaction():
        pickup.arrive(order.fulfilments[0].id, by=ground.TESTER, at=clock.now())


def test_nobody_arrives_for_a_shipment(shop):
    order = shop.ready(method="ship", ship_to={"postal_code": "10115", "city": "Berlin", "country": "DE"})
    with pytest.raises(errors.MoveNotAllowed), transaction():
        pickup.arrive(order.fulfilments[0].id, by=ground.TESTER, at=clock.now())
    assert [str(action) for action in order.fulfilments[0].allowed_actions] == ["ship", "cancel"]


# --- nobody comes ---------------------------------------------------------------------------------------------------


def test_an_order_is_kept_for_its_days_then_noted_and_returned(shop):
    order = shop.ready({0: 2})
    kept_until = order.fulfilments[0].keep_until
    assert kept_until == order.fulfilments[0].window_ends_at + timedelta(days=shop.store.pickup_keep_days)
    with clock.frozen(kept_until - timedelta(seconds=1)):
        assert tasks.mark_no_shows() == 0
        with pytest.raises(errors.StillKept), transaction():
            pickup.mark_no_show(order.fulfilments[0].id, by=ground.TESTER, at=clock.now())
    with clock.frozen(kept_until):
        assert tasks.mark_no_shows() == 1
        assert tasks.mark_no_shows() == 0
        assert queries.order(order.id).status.value == "not_collected"
        assert figure(shop).available == 8  # still theirs until someone puts it back
        shop.act(pickup.return_to_stock, order.fulfilments[0])
        assert (figure(shop).on_hand, figure(shop).allocated, figure(shop).available) == (10, 0, 10)
    after = queries.order(order.id)
    assert (after.status.value, after.total_minor, after.pieces) == ("returned", 0, 0)
    assert not after.fulfilments[0].is_on_shelf


def test_a_late_customer_still_gets_goods_that_are_there(shop):
    order = shop.ready()
    with clock.frozen(order.fulfilments[0].keep_until):
        tasks.mark_no_shows()
        assert shop.act(pickup.hand_over, order.fulfilments[0], code(order)).is_done
    assert figure(shop).on_hand == 9


def test_keeping_counts_days_on_the_calendar_not_hours(shop):
    from datetime import UTC, datetime

    before_the_change = datetime(2026, 10, 23, 16, tzinfo=UTC)  # 18:00 in Berlin
    kept = lifecycle.kept_until(before_the_change, 3, "Europe/Berlin")
    assert kept == datetime(2026, 10, 26, 17, tzinfo=UTC)  # 18:00 in Berlin, an hour later in the world


# --- by carrier -----------------------------------------------------------------------------------------------------

ADDRESS = {"street": "Marienplatz 1", "postal_code": "80331", "city": "München", "country": "DE"}


def test_a_shipment_leaves_by_carrier_not_over_the_counter(shop):
    order = shop.ready(method="ship", ship_to=ADDRESS)
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(pickup.hand_over, order.fulfilments[0], "")
    shop.act(shipping.ship, order.fulfilments[0], tracking_number="TN1")
    assert (queries.order(order.id).status.value, figure(shop).on_hand) == ("completed", 9)
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(shipping.ship, order.fulfilments[0])
    pickup_order = shop.ready({1: 1})
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(shipping.ship, pickup_order.fulfilments[0])
