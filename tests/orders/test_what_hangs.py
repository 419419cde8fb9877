"""What an order holds of scarce things is free when it comes to less: windows, days, limits of promotions and per customer."""

from datetime import timedelta

import pytest

from commerce import clock, quotas, relay
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.promising import purchase_limits
from orders import cancellation, limits, picking, pickup, pickup_moves, pickup_windows, placement, queries
from orders.amendments import changing
from orders.amendments.wishes import Amendment, Division, Union
from orders.lifecycle import State
from orders.payments import following
from pricing import facts, quoting, rulesets
from pricing import limits as promotion_limits
from tests.factories import commerce as ground
from tests.factories import orders as make

pytestmark = pytest.mark.django_db


def change(order, **wanted):
    with transaction():
        seen = changing.preview(order.id, Amendment(**wanted), by=ground.TESTER, at=clock.now())
    with transaction():
        changing.confirm(order.id, Amendment(**wanted), seen.basis, by=ground.TESTER, at=clock.now())
    return queries.order(order.id)


def split(order, pieces: int = 1):
    [part] = order.fulfilments
    return change(order, divisions=(Division(part.id, {order.lines[0].id: pieces}),))


def used(shop, starts_at) -> int:
    return quotas.usage([key := pickup_windows.key(shop.store, starts_at)], at=clock.now())[key].used


@pytest.fixture
def limited(shop):
    """A shop with a coupon that ten may use and a product of which each customer gets three."""
    with transaction():
        purchase_limits.make(
            purchase_limits.Draft(
                name="Three", product_id=shop.products[0].id, quantity=3, starts_at=clock.now() - timedelta(days=1),
                ends_at=clock.now() + timedelta(days=90),
            ),
            by=ground.TESTER, at=clock.now(),
        )  # fmt: skip
        rulesets.publish(
            {"promotions": [{"id": "TEN", "name": "Ten", "benefit": {"kind": "percent_off", "basis_points": 1000},
                             "conditions": {"coupon": {"codes": ["ZEHN"]}}, "limits": {"uses": 10}}]},
            by=ground.TESTER,
        )  # fmt: skip
    facts.forget()
    yield shop
    facts.forget()


def buy(shop, pieces: int):
    terms = quoting.ChannelTerms(shop.terms.channel_id, shop.terms.currency, shop.terms.country)
    with transaction():
        given = quoting.give(
            [quoting.BasketLine(shop.products[0].id, pieces)], channel=terms, at=clock.now(), by=ground.TESTER,
            shopper=quoting.Shopper(codes=("ZEHN",)),
        )  # fmt: skip
    wish = placement.Wish(shop.incoming({0: pieces}, quote_id=given.id), shop.terms, ground.TESTER)
    with transaction():
        [made] = placement.place_many([wish], at=clock.now())
    return made.order


def counted(shop, order) -> tuple[int, int]:
    """Return how often the coupon is used and how many pieces count for the customer of an order."""
    uses = promotion_limits.usage("TEN", at=clock.now())["uses"].used
    with transaction():
        keys = [use.key for use in purchase_limits._uses([order.id])[order.id]]
    return uses, sum(one.used for one in quotas.usage(keys, at=clock.now()).values())


def settle(order) -> None:
    with transaction():
        limits.settle(order.id, at=clock.now())


# --- windows ----------------------------------------------------------------------------------------------------------


def test_two_parts_of_one_window_are_one_visit_and_the_last_one_frees_it(shop):
    order = split(shop.place({0: 3}))
    first, second = order.fulfilments
    start = first.window_starts_at
    for position in (0, 1):  # the part that held the place goes first, then the one that took it over
        part = (first, second)[position]
        line = part.lines[0]
        shop.act(pickup.accept, part)
        shop.act(picking.reject_line, part, line.id, line.quantity, "other")
        assert used(shop, start) == 1 - position
    assert checks.run() == []


def test_the_place_of_a_moved_part_stays_with_those_that_are_not_moved(shop):
    order = split(shop.place({0: 3}))
    start = order.fulfilments[0].window_starts_at
    later = pickup_windows.windows_between(shop.store, at=clock.now(), days=8)[3][0]
    with transaction():
        pickup_moves.move(
            order.fulfilments[0].id, location_id=shop.store.id, starts_at=later, by=ground.TESTER, at=clock.now()
        )
    assert (used(shop, start), used(shop, later)) == (1, 1)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    assert (used(shop, start), used(shop, later)) == (0, 0)
    assert checks.run() == []


def test_a_part_that_joins_another_brings_its_place_along(shop):
    order = split(shop.place({0: 3}))
    first, second = order.fulfilments
    start = first.window_starts_at
    merged = change(order, unions=(Union(first.id, second.id),))
    assert used(shop, start) == 1
    [left] = [one for one in merged.fulfilments if one.state == State.PLACED]
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    assert (left.id, used(shop, start)) == (second.id, 0)
    assert checks.run() == []


# --- limits -----------------------------------------------------------------------------------------------------------


def test_an_order_of_which_nothing_is_found_counts_for_nobody(limited):
    order = buy(limited, 2)
    assert counted(limited, order) == (1, 2)
    [part] = order.fulfilments
    limited.act(pickup.accept, part)
    limited.act(picking.reject_line, part, part.lines[0].id, 1, "other")
    settle(order)
    assert counted(limited, order) == (1, 2)  # another place may still serve it
    limited.act(picking.reject_line, part, part.lines[0].id, 1, "other")
    from orders.models import Shortage

    Shortage.objects.filter(order_id=order.id).update(state="ended", settled_at=clock.now(), next_attempt_at=None)
    settle(order)
    settle(order)
    assert counted(limited, order) == (0, 0)


def test_who_never_came_may_buy_again(limited):
    order = buy(limited, 3)
    [part] = order.fulfilments
    limited.act(pickup.accept, part)
    for _ in range(3):
        limited.scan(part)
    limited.act(pickup.mark_ready, part)
    with clock.frozen(make.NOON + timedelta(days=20)):
        with transaction():
            pickup.mark_no_show(part.id, by=ground.TESTER, at=clock.now())
        limited.act(pickup.return_to_stock, part)
        assert counted(limited, order) == (1, 3)
        relay.drain(within=10)
        assert counted(limited, order) == (0, 0)


def test_pieces_called_off_are_counted_anew(limited):
    order = buy(limited, 3)
    order = change(order, quantities={order.lines[0].id: 1})
    assert counted(limited, order) == (1, 1)
    order = change(order, quantities={order.lines[0].id: 3})  # a line of its own
    assert counted(limited, order) == (1, 3)
    order = change(order, quantities={one.id: 0 for one in order.lines})
    settle(order)
    assert counted(limited, order) == (0, 0)


# --- money ------------------------------------------------------------------------------------------------------------


def test_the_first_units_leave_first_and_cost_what_they_were_priced_at(shop):
    order = shop.place({0: 3})
    from orders.models import Order, OrderLine

    OrderLine.objects.filter(order_id=order.id).update(total_minor=3569)  # 1189, 1190, 1190: the first is cheaper
    Order.objects.filter(pk=order.id).update(total_minor=3569)
    order = split(queries.order(order.id), 2)
    part = next(one for one in order.fulfilments if sum(line.quantity for line in one.lines) == 1)
    shop.act(pickup.accept, part)
    shop.scan(part)
    shop.act(pickup.mark_ready, part)
    shop.act(pickup.hand_over, part, part.pickup_code)
    assert following.delivered_minor(queries.order(order.id)) == 1189
