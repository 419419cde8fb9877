"""Cancelling: goods, window and bill are as if nothing had been ordered; what has left can't be cancelled."""

from uuid import uuid4

import pytest

from commerce import clock
from commerce.channels.contracts import IncomingLine
from commerce.models import OutboxMessage
from commerce.transactions import transaction
from inventory import availability
from orders import cancellation, errors, picking, pickup, pickup_windows, queries, tasks
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import pricing as prices

pytestmark = pytest.mark.django_db


def cancel(order_id, **options) -> None:
    with transaction():
        cancellation.cancel_order(order_id, by=ground.TESTER, at=clock.now(), **options)


def figure(shop: make.Shop, product: int = 0):
    return availability.figures([shop.products[product].id], location_ids=[shop.store.id], at=clock.now())[0]


def left(shop: make.Shop, starts_at) -> int:
    windows = pickup_windows.open_windows(shop.store, at=clock.now(), days=8)
    return next(window.left for window in windows if window.starts_at == starts_at)


def test_cancelling_frees_goods_and_window_and_owes_nothing(shop):
    order = shop.place({0: 3, 1: 1})
    start = order.fulfilments[0].window_starts_at
    assert (figure(shop).available, left(shop, start)) == (7, 9)
    cancel(order.id, reason="customer_asked")
    assert (figure(shop).available, figure(shop).allocated, left(shop, start)) == (10, 0, 10)
    after = queries.order(order.id)
    assert (after.status.value, after.total_minor, after.tax_minor, after.pieces) == ("cancelled", 0, 0, 0)
    told = OutboxMessage.objects.get(event_type="order.cancelled")
    assert (told.payload["status"], told.aggregate_sequence) == ("cancelled", after.version)
    assert queries.order_page(order.id).timeline[-1].reason == "customer_asked"


@pytest.fixture
def postage(shop: make.Shop) -> IncomingLine:
    """Money without goods, for 4.90."""
    product = ground.product(kind="charge")
    prices.prices({product.id: 490}, price_list=prices.price_list("postage"))
    return IncomingLine(product_id=product.id, quantity=1)


def owed(order_id) -> tuple[str, int, int, int]:
    view = queries.order(order_id)
    return view.status.value, view.total_minor, view.tax_minor, view.pieces


def test_a_cancelled_order_owes_no_charges_either(shop, postage):
    order = shop.place(lines=(*shop.lines({0: 2}), postage))
    assert order.total_minor == 2 * make.PRICE_MINOR + 490
    cancel(order.id)
    assert owed(order.id) == ("cancelled", 0, 0, 0)


def test_an_order_of_which_nothing_is_found_owes_no_charges(shop, postage):
    order = shop.accepted(lines=(*shop.lines({0: 2}), postage))
    line = order.fulfilments[0].lines[0].id
    shop.act(picking.reject_line, order.fulfilments[0], line, 1, "not_found")
    assert queries.order(order.id).total_minor == make.PRICE_MINOR + 490  # the rest still comes, and so do its charges
    shop.act(picking.reject_line, order.fulfilments[0], line, 1, "not_found")
    assert owed(order.id) == ("rejected", 0, 0, 0)


def test_an_order_that_nobody_fetched_owes_no_charges(shop, postage):
    order = shop.ready(lines=(*shop.lines(), postage))
    with clock.frozen(order.fulfilments[0].keep_until):
        assert tasks.mark_no_shows() == 1
        assert queries.order(order.id).total_minor == make.PRICE_MINOR + 490
        shop.act(pickup.return_to_stock, order.fulfilments[0])
    assert owed(order.id) == ("returned", 0, 0, 0)


def test_cancelling_again_changes_nothing(shop):
    order = shop.place()
    cancel(order.id)
    version = queries.order(order.id).version
    cancel(order.id)
    assert queries.order(order.id).version == version
    assert OutboxMessage.objects.filter(event_type="order.cancelled").count() == 1


def test_picked_goods_of_a_cancelled_order_wait_to_be_put_back(shop):
    order = shop.ready({0: 2})
    cancel(order.id)
    assert figure(shop).available == 10
    assert queries.order(order.id).fulfilments[0].is_on_shelf
    shop.act(pickup.put_back, order.fulfilments[0])
    assert not queries.order(order.id).fulfilments[0].is_on_shelf
    with pytest.raises(errors.MoveNotAllowed):
        shop.act(pickup.put_back, order.fulfilments[0])


def test_after_a_rejection_only_the_rest_is_given_back(shop):
    order = shop.accepted({0: 3})
    shop.act(picking.reject_line, order.fulfilments[0], order.fulfilments[0].lines[0].id, 1, "damaged")
    cancel(order.id)
    assert (figure(shop).on_hand, figure(shop).allocated, figure(shop).available) == (9, 0, 9)
    assert queries.order(order.id).total_minor == 0


def test_what_was_handed_over_is_refused_with_the_way_out(shop):
    order = shop.ready()
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    with pytest.raises(errors.CannotCancel, match="return"):
        cancel(order.id)
    assert figure(shop).on_hand == 9


def test_a_rejected_order_has_nothing_to_cancel(shop):
    order = shop.accepted()
    shop.act(picking.reject_line, order.fulfilments[0], order.fulfilments[0].lines[0].id, 1, "other")
    with pytest.raises(errors.CannotCancel):
        cancel(order.id)


def test_an_order_of_another_channel_does_not_exist(shop):
    order = shop.place()
    with pytest.raises(errors.OrderNotFound):
        cancel(order.id, channel_id=ground.channel().pk)
    with pytest.raises(errors.OrderNotFound):
        cancel(uuid4())
    assert queries.order(order.id).status.value == "open"
