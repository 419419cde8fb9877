"""Two orders in one parcel: whatever becomes of one, each is captured, let go and given back by itself, to the cent."""

from uuid import uuid4

import pytest

from commerce import clock
from commerce.operations import checks
from commerce.transactions import transaction
from orders import cancellation, picking, pickup, queries, shipping, shortage_choices
from orders.models import ConsignmentPart
from orders.packing import parcels
from orders.paying import PayMethod
from orders.payments import ledger
from orders.return_states import Reason
from orders.returns import counter
from orders.returns.counter import Brought
from orders.waves import lists as waves
from orders.waves import rounds, totes
from tests.factories import commerce as ground
from tests.orders import test_consignments as together
from tests.orders.test_money_follows_goods import settle, take
from tests.orders.test_open_parcels import placed

pytestmark = pytest.mark.django_db(transaction=True)
_agreed = together._agreed
BY = ground.TESTER


@pytest.fixture
def joined(shop):
    """An order of two pieces, and a later one of two other products that came into its parcel; both paid by card, not captured."""
    first, second = placed(shop, {0: 2}), placed(shop, {1: 1, 2: 1})
    assert ConsignmentPart.objects.count() == 2
    for order in (first, second):
        take(order.id, PayMethod.CARD)
    return first, second


def money(*orders) -> list[tuple[int, int, int]]:
    """Return of each order what was captured, let go and given back."""
    settle()
    found = []
    for order in orders:
        [paid] = ledger.of_order(order.id)
        found.append((paid.amounts.captured, paid.amounts.released, paid.amounts.refunded))
    return found


def leave(shop, *orders) -> None:
    """Pack all of them into one parcel, which leaves."""
    together.packed(shop, orders[0])
    shop.act(shipping.ship, together.work_of(orders[0]))


def test_a_wave_takes_both_and_each_is_captured_when_their_parcel_leaves(shop, joined):
    suggestion = waves.suggest(shop.store.id)
    assert set(suggestion.fulfilment_ids) == {together.work_of(one) for one in joined}
    with transaction():
        who = {"user": shop.clerk, "by": shop.by, "at": clock.now()}
        wave = rounds.begin(uuid4(), shop.store.id, suggestion.fulfilment_ids, **who).wave
    for product in (0, 0, 1, 2):
        with transaction():
            assert totes.scan(wave.pk, uuid4(), shop.products[product].gtins[0], **who).placed
    with transaction():
        assert rounds.finish(wave.pk, **who) == {"ready": 2, "back": 0}
    assert money(*joined) == [(0, 0, 0), (0, 0, 0)], "nothing is captured before it leaves"
    leave(shop, *joined)
    assert money(*joined) == [(2380, 0, 0), (2380, 0, 0)]
    assert checks.run() == []


def test_a_short_pick_of_one_costs_that_order_alone(shop, joined):
    first, second = joined
    together.picked(shop, first)
    part = second.fulfilments[0]
    shop.act(pickup.accept, part)
    short = next(line for line in part.lines if line.sku == shop.products[2].sku)
    shop.act(picking.reject_line, part, short.id, 1, "damaged")
    shop.scan(part, 1)
    shop.act(pickup.mark_ready, part)
    settle()  # nobody else has it, so the customer is asked
    [asked] = shortage_choices.asked(second.id, at=clock.now())
    with transaction():
        shortage_choices.choose(second.tracking_token, asked.id, "decline", at=clock.now())
    leave(shop, first, second)
    assert money(first, second) == [(2380, 0, 0), (1190, 1190, 0)]
    assert together.states(first, second) == ["shipped", "shipped"]
    assert [queries.order(one.id).total_minor for one in joined] == [2380, 1190]
    assert checks.run() == []


@pytest.mark.parametrize("which", [0, 1], ids=["the one that waited", "the one that came in"])
@pytest.mark.parametrize("is_packed", [False, True], ids=["before it is packed", "when it is packed"])
def test_a_cancelled_order_is_let_go_and_the_other_captured(shop, joined, which, is_packed):
    off, on = joined[which], joined[1 - which]
    if is_packed:
        for order in joined:
            together.picked(shop, order)
        together.packed(shop, off)
    with transaction():
        cancellation.cancel_order(off.id, by=BY, at=clock.now())
    if is_packed:
        shop.act(parcels.take_out, together.work_of(on))
        parcel = parcels.of_table([together.work_of(on)])[0]
        together.act(shop, parcels.close, parcel.id, weight_grams=900)
    else:
        together.picked(shop, on)
        together.packed(shop, on)
    shop.act(shipping.ship, together.work_of(on))
    assert money(off, on) == [(0, 2380, 0), (2380, 0, 0)]
    assert (queries.order(off.id).total_minor, queries.order(on.id).total_minor) == (0, 2380)
    assert checks.run() == []


def test_what_comes_back_of_one_is_refunded_to_that_order_alone(shop, joined):
    first, second = joined
    for order in joined:
        together.picked(shop, order)
    leave(shop, *joined)
    settle()
    with transaction():
        taken = counter.take_back(
            second.id,
            [Brought(second.lines[0].id, Reason.WITHDRAWAL, sellable=1)],
            shop.store.id,
            by=BY,
            at=clock.now(),
        )
    assert taken.refunded.amount_minor == 1190
    assert money(first, second) == [(2380, 0, 0), (2380, 0, 1190)]
    with transaction():
        counter.take_back(
            first.id, [Brought(first.lines[0].id, Reason.DAMAGED, damaged=2)], shop.store.id, by=BY, at=clock.now()
        )
    assert money(first, second) == [(2380, 0, 2380), (2380, 0, 1190)]
    assert checks.run() == []
