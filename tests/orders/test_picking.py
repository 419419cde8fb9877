"""Picking: leases, scans that count once, wrong items, pieces that can't be found."""

from datetime import timedelta
from uuid import uuid4

import pytest

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.errors import InvalidInput, NotAllowed
from commerce.models import OutboxMessage
from commerce.transactions import transaction
from inventory import availability
from orders import errors, picking, pickup, pickup_windows, queries, tasks
from orders.models import Fulfilment, PickScan
from orders.picking import Outcome
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = pytest.mark.django_db


def figure(shop: make.Shop, product: int = 0):
    return availability.figures([shop.products[product].id], location_ids=[shop.store.id], at=clock.now())[0]


def state(order) -> str:
    return Fulfilment.objects.get(order_id=order.id).state


def told(order) -> list[str]:
    return list(
        OutboxMessage.objects.filter(aggregate=f"order:{order.id}").order_by("id").values_list("event_type", flat=True)
    )


# --- leases ---------------------------------------------------------------------------------------------------------


def test_two_clerks_can_not_take_the_same_order(shop):
    order = shop.accepted()
    other = make.clerk(shop.store)
    with pytest.raises(errors.AlreadyTaken) as refused:
        shop.act(pickup.accept, order.fulfilments[0], user=other)
    assert refused.value.detail == {
        "holder": shop.clerk.get_full_name() or shop.clerk.username,
        "until": "2026-11-18T11:15:00Z",
    }
    with pytest.raises(errors.AlreadyTaken):
        shop.scan(order.fulfilments[0], user=other)
    with pytest.raises(errors.AlreadyTaken):
        shop.act(pickup.release, order.fulfilments[0], user=other)


def test_accepting_again_and_scanning_extend_the_lease(shop):
    order = shop.accepted({0: 2})
    with clock.frozen(make.NOON + timedelta(minutes=10)):
        shop.act(pickup.accept, order.fulfilments[0])
        assert Fulfilment.objects.get().lease_expires_at == make.NOON + timedelta(minutes=25)
    with clock.frozen(make.NOON + timedelta(minutes=20)):
        shop.scan(order.fulfilments[0])
        assert Fulfilment.objects.get().lease_expires_at == make.NOON + timedelta(minutes=35)


def test_a_lease_that_ran_out_can_be_taken_by_anyone(shop):
    order = shop.accepted({0: 2})
    shop.scan(order.fulfilments[0])
    other = make.clerk(shop.store)
    with clock.frozen(make.NOON + timedelta(minutes=16)):
        shop.act(pickup.accept, order.fulfilments[0], user=other)
        assert shop.scan(order.fulfilments[0], user=other).picked == 2  # the progress is kept
    assert Fulfilment.objects.get().lease_holder_id == other.pk


def test_only_those_who_may_take_over(shop):
    order = shop.accepted()
    with pytest.raises(NotAllowed):
        shop.act(pickup.take_over, order.fulfilments[0], user=make.clerk(shop.store))
    shop.act(pickup.take_over, order.fulfilments[0], user=shop.manager)
    assert Fulfilment.objects.get().lease_holder_id == shop.manager.pk
    with pytest.raises(errors.AlreadyTaken):
        shop.scan(order.fulfilments[0])


def test_someone_from_another_store_may_nothing_here(shop):
    stranger = make.clerk(goods.store())
    order = shop.place()
    for verb in (pickup.accept, pickup.release, pickup.mark_ready):
        with pytest.raises(NotAllowed):
            shop.act(verb, order.fulfilments[0], user=stranger)
    with pytest.raises(NotAllowed):
        shop.scan(order.fulfilments[0], user=stranger)


def test_stale_leases_go_back_to_the_queue_and_begun_ones_keep_their_progress(shop):
    accepted, begun, fresh = shop.accepted(), shop.accepted({1: 2}), None
    shop.scan(begun.fulfilments[0], 1)
    with clock.frozen(make.NOON + timedelta(minutes=14)):
        fresh = shop.accepted({2: 1})
    with clock.frozen(make.NOON + timedelta(minutes=16)):
        assert tasks.release_stale_leases() == 2
        assert tasks.release_stale_leases() == 0
    found = {one.order_id: one for one in Fulfilment.objects.all()}
    assert (found[accepted.id].state, found[accepted.id].lease_holder_id) == ("placed", None)
    assert (found[begun.id].state, found[begun.id].lease_holder_id) == ("picking", None)
    assert (found[fresh.id].state, found[fresh.id].lease_holder_id) == ("accepted", shop.clerk.pk)
    assert told(accepted)[-1] == "fulfilment.released"
    shop.act(pickup.accept, begun.fulfilments[0], user=shop.manager)
    assert shop.scan(begun.fulfilments[0], 1, user=shop.manager).is_everything_done


def test_a_released_order_that_was_picked_goes_on_where_it_was(shop):
    order = shop.accepted({0: 1})
    shop.scan(order.fulfilments[0])
    shop.act(pickup.release, order.fulfilments[0])
    assert state(order) == "placed"
    shop.act(pickup.accept, order.fulfilments[0], user=shop.manager)
    shop.act(pickup.mark_ready, order.fulfilments[0], user=shop.manager)
    assert state(order) == "ready"


# --- scans ----------------------------------------------------------------------------------------------------------


def test_scanning_what_is_wanted_counts_it(shop):
    order = shop.accepted({0: 2, 1: 1})
    first = shop.scan(order.fulfilments[0])
    assert (first.outcome, first.picked, first.quantity, first.is_everything_done) == (Outcome.PICKED, 1, 2, False)
    assert [(wanted.sku, wanted.missing) for wanted in first.wanted] == [
        (shop.products[0].sku, 1),
        (shop.products[1].sku, 1),
    ]
    shop.scan(order.fulfilments[0], 1)
    assert shop.scan(order.fulfilments[0]).is_everything_done
    assert told(order) == ["order.placed", "fulfilment.accepted", "fulfilment.picking"]


def test_a_scan_counts_once_however_often_it_is_sent(shop):
    order, scan_id = shop.accepted({0: 2}), uuid4()
    code = shop.products[0].gtins[0]
    first = shop.act(picking.scan, order.fulfilments[0], scan_id, code)
    again = shop.act(picking.scan, order.fulfilments[0], scan_id, code)
    assert (first.is_replay, again.is_replay) == (False, True)
    assert (again.outcome, again.pieces, again.picked) == (Outcome.PICKED, 1, 1)
    assert PickScan.objects.count() == 1
    shop.scan(order.fulfilments[0])
    shop.act(pickup.mark_ready, order.fulfilments[0])
    assert shop.act(picking.scan, order.fulfilments[0], scan_id, code).is_replay  # a late replay is no refusal


def test_a_scan_id_belongs_to_one_order(shop):
    one, other, scan_id = shop.accepted({0: 1}), shop.accepted({0: 1}), uuid4()
    shop.act(picking.scan, one.fulfilments[0], scan_id, shop.products[0].gtins[0])
    with pytest.raises(InvalidInput):
        shop.act(picking.scan, other.fulfilments[0], scan_id, shop.products[0].gtins[0])


def test_a_wrong_item_stops_and_says_what_is_wanted(shop):
    order = shop.accepted({0: 1})
    outcome = shop.scan(order.fulfilments[0], 2)
    assert (outcome.outcome, outcome.pieces) == (Outcome.WRONG_ITEM, 0)
    assert (outcome.sku, outcome.wanted[0].sku) == (shop.products[2].sku, shop.products[0].sku)


def test_an_unknown_code_and_one_too_many_change_nothing(shop):
    order = shop.accepted({0: 1})
    unknown = shop.act(picking.scan, order.fulfilments[0], uuid4(), "4006381333931")
    assert unknown.outcome is Outcome.UNKNOWN_BARCODE
    shop.scan(order.fulfilments[0])
    assert shop.scan(order.fulfilments[0]).outcome is Outcome.ALREADY_COMPLETE
    assert queries.order(order.id).fulfilments[0].lines[0].picked == 1


def test_a_case_counts_its_pieces_but_never_more_than_wanted(shop):
    case = ground.barcode()
    with transaction():
        catalog.add_gtin(shop.products[0].id, case, pieces=6, by=ground.TESTER)
    order = shop.accepted({0: 8})
    assert shop.act(picking.scan, order.fulfilments[0], uuid4(), case).pieces == 6
    assert shop.act(picking.scan, order.fulfilments[0], uuid4(), case).pieces == 2


@pytest.mark.parametrize("text", ["", "   ", "9" * 81])
def test_a_scan_has_a_sane_length(shop, text):
    order = shop.accepted()
    with pytest.raises(InvalidInput):
        shop.act(picking.scan, order.fulfilments[0], uuid4(), text)


def test_nothing_is_picked_before_it_is_accepted(shop):
    order = shop.place()
    with pytest.raises(errors.MoveNotAllowed) as refused:
        shop.scan(order.fulfilments[0])
    assert refused.value.detail["allowed_actions"] == ["accept", "cancel"]


def test_pieces_can_be_counted_by_hand_within_what_is_wanted(shop):
    order = shop.accepted({0: 3})
    line = order.fulfilments[0].lines[0]
    shop.act(picking.set_picked, order.fulfilments[0], line.id, 3, reason="no_barcode")
    shop.act(picking.set_picked, order.fulfilments[0], line.id, 1, reason="no_barcode")
    assert queries.order(order.id).fulfilments[0].lines[0].picked == 1
    with pytest.raises(errors.MoreThanWanted):
        shop.act(picking.set_picked, order.fulfilments[0], line.id, 4, reason="no_barcode")
    with pytest.raises(InvalidInput):
        shop.act(picking.set_picked, order.fulfilments[0], line.id, -1, reason="no_barcode")
    with pytest.raises(errors.FulfilmentNotFound):
        shop.act(picking.set_picked, order.fulfilments[0], uuid4(), 1, reason="no_barcode")


# --- what can't be found --------------------------------------------------------------------------------------------


def test_missing_pieces_leave_the_books_the_order_and_the_bill(shop):
    order = shop.accepted({0: 3, 1: 1})
    line = order.fulfilments[0].lines[0]
    shop.scan(order.fulfilments[0])
    shop.act(picking.reject_line, order.fulfilments[0], line.id, 2, "not_found")
    after = queries.order(order.id)
    assert after.fulfilments[0].lines[0].rejected == 2
    assert after.lines[0].cancelled == 2
    assert (after.total_minor, after.pieces) == (4760 - 2380, 2)
    assert sum(one.remaining_minor for one in after.lines) == after.total_minor
    # One piece is in the clerk's hand; the shelf is as empty as the clerk says.
    assert (figure(shop).on_hand, figure(shop).allocated, figure(shop).available) == (1, 1, 0)
    rejected = OutboxMessage.objects.get(event_type="fulfilment.line_rejected")
    assert (rejected.payload["sku"], rejected.payload["rejected"]) == (shop.products[0].sku, 2)
    assert rejected.payload["total_minor"] == 2380
    shop.scan(order.fulfilments[0], 1)
    shop.act(pickup.mark_ready, order.fulfilments[0])
    assert state(order) == "ready"


def test_damaged_pieces_leave_the_books_and_others_become_free(shop):
    order = shop.accepted({0: 2, 1: 2})
    damaged, other = order.fulfilments[0].lines
    shop.act(picking.reject_line, order.fulfilments[0], damaged.id, 1, "damaged")
    shop.act(picking.reject_line, order.fulfilments[0], other.id, 1, "other")
    assert (figure(shop, 0).on_hand, figure(shop, 0).available) == (9, 8)
    assert (figure(shop, 1).on_hand, figure(shop, 1).available) == (10, 9)


def test_nothing_left_rejects_the_order(shop):
    order = shop.accepted({0: 2})
    shop.act(picking.reject_line, order.fulfilments[0], order.fulfilments[0].lines[0].id, 2, "not_found")
    after = queries.order(order.id)
    assert (after.status.value, after.total_minor, after.tax_minor, after.pieces) == ("rejected", 0, 0, 0)
    assert told(order)[-2:] == ["fulfilment.line_rejected", "fulfilment.rejected"]
    (window,) = [
        one
        for one in pickup_windows.open_windows(shop.store, at=clock.now(), days=2)
        if one.starts_at == order.fulfilments[0].window_starts_at
    ]
    assert window.left == window.capacity, "nobody comes, so there is room for another"
    assert (figure(shop).on_hand, figure(shop).allocated) == (0, 0)


def test_a_late_scan_does_not_turn_the_order_back(shop):
    order = shop.accepted({0: 2})
    scan, code = uuid4(), shop.products[0].gtins[0]
    with transaction():
        late = make.NOON - timedelta(minutes=2)
        picking.scan(order.fulfilments[0].id, scan, code, user=shop.clerk, by=shop.by, at=late)
    assert queries.order(order.id).changed_at == order.changed_at == make.NOON
    assert PickScan.objects.get(pk=scan).scanned_at == late


def test_no_more_is_rejected_than_is_missing(shop):
    order = shop.accepted({0: 2})
    line = order.fulfilments[0].lines[0]
    shop.scan(order.fulfilments[0])
    for quantity in (0, 2, -1):
        with pytest.raises(errors.MoreThanWanted):
            shop.act(picking.reject_line, order.fulfilments[0], line.id, quantity, "not_found")
    with pytest.raises(InvalidInput):
        shop.act(picking.reject_line, order.fulfilments[0], line.id, 1, "no idea")


def test_an_order_is_not_ready_while_pieces_are_open(shop):
    order = shop.accepted({0: 2})
    shop.scan(order.fulfilments[0])
    with pytest.raises(errors.LinesStillOpen) as refused:
        shop.act(pickup.mark_ready, order.fulfilments[0])
    assert refused.value.detail["lines"][0]["missing"] == 1


def test_who_did_what_is_on_the_timeline(shop):
    order = shop.ready({0: 1})
    entries = queries.order_page(order.id).timeline
    assert [entry.verb.rpartition(".")[2] for entry in entries] == ["place", "accept", "scan", "mark_ready"]
    assert {entry.actor_id for entry in entries[1:]} == {Actor.staff(shop.clerk).id}
    assert (entries[1].before, entries[1].after) == ({"state": "placed"}, {"state": "accepted"})
