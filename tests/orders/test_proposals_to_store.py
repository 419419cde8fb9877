"""Other goods for an order that travels to a store: they come along, follow in a parcel of their own, or never left the shelf."""

import pytest

from commerce.operations import checks
from orders import arrivals, picking, pickup, proposals, queries, to_store
from orders.floor import ProposalState, ShortageState
from orders.lifecycle import State
from orders.models import Proposal, Shortage
from orders.routing import worlds
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_proposals import answer, level, page
from tests.orders.test_substitutions import PAID, product
from tests.orders.test_to_store import place

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(shop):
    """The first product of the shop is tea."""
    shop.products[0] = product(shop.store, PAID, pieces=10)
    worlds.forget()
    yield shop
    worlds.forget()


@pytest.fixture
def store(shop) -> make.Shop:
    """A store without any of the goods, to which they are sent."""
    found = goods.store(latitude=52.4, longitude=13.1, postal_code="14467", city="Potsdam")
    worlds.forget()
    return make.Shop(shop.channel, found, shop.products, make.clerk(found))


@pytest.fixture
def asked(shop, store):
    """An order of two pieces of which one is broken; its customer is asked about Assam, which costs a Euro less."""
    order = place(shop, store, {0: 2})
    part, other = order.fulfilments[0], product(shop.store, PAID - 100, name="Assam")
    shop.act(pickup.accept, part)
    shop.scan(part)
    proposal, _back = shop.act(proposals.propose, part, part.lines[0].id, 1, "damaged", other.sku)
    return order, proposal, other


def fetched(store, order):
    """All that is on its way arrives at the store and is handed out."""
    for one in queries.order(order.id).fulfilments:
        store.act(arrivals.receive, one)
    for one in queries.order(order.id).fulfilments:
        assert store.act(pickup.hand_over, one, one.pickup_code).is_done
    return queries.order(order.id)


def test_a_yes_while_it_is_picked_lets_them_travel_along(shop, store, asked):
    order, proposal, other = asked
    assert "Assam" in page(order)
    assert answer(order, proposal, "accept") == 302
    [part] = queries.order(order.id).fulfilments
    assert sum(line.quantity - line.rejected for line in part.lines) == 2
    shop.products[1] = other
    shop.scan(part, 1)
    shop.act(to_store.finish, part)
    shop.act(to_store.send, part)
    done = fetched(store, order)
    assert (done.status.value, done.total_minor, level(other, shop.store)) == ("completed", 2 * PAID - 100, (0, 0))
    assert checks.run() == []


@pytest.mark.parametrize("is_gone", [False, True], ids=["packed", "on its way"])
def test_a_yes_that_comes_later_lets_them_follow_to_the_same_store(shop, store, asked, is_gone):
    order, proposal, other = asked
    shop.act(to_store.finish, order.fulfilments[0])
    if is_gone:
        shop.act(to_store.send, order.fulfilments[0])
    assert answer(order, proposal, "accept") == 302
    first, second = sorted(queries.order(order.id).fulfilments, key=lambda one: one.state != State.PLACED)
    assert (first.state, first.method, first.location_id) == ("placed", "ship_to_store", shop.store.id)
    assert first.store_id == second.store_id == store.store.id
    shop.products[1] = other
    shop.act(pickup.accept, first)
    shop.scan(first, 1)
    shop.act(to_store.send, first)
    if not is_gone:
        shop.act(to_store.send, second)
    done = fetched(store, order)
    assert (done.status.value, done.total_minor) == ("completed", 2 * PAID - 100)
    assert checks.run() == []


@pytest.mark.parametrize("given", ["refuse", "withdraw"])
def test_a_no_frees_them_and_the_rest_travels_alone(shop, store, asked, given):
    order, proposal, other = asked
    if given == "refuse":
        assert answer(order, proposal, "refuse") == 302
    else:
        shop.act(proposals.withdraw, order.fulfilments[0], proposal.id)
    assert level(other, shop.store) == (0, 0)
    assert Proposal.objects.get().state in (ProposalState.REFUSED, ProposalState.WITHDRAWN)
    shop.act(to_store.finish, order.fulfilments[0])
    shop.act(to_store.send, order.fulfilments[0])
    [travels] = [one for one in queries.order(order.id).fulfilments if one.state == State.UNDER_WAY]
    assert sum(line.picked for line in travels.lines) == 1
    assert checks.run() == []


def test_a_yes_after_everything_was_missing_opens_the_work_again(shop, store):
    order = place(shop, store, {0: 1})
    part, other = order.fulfilments[0], product(shop.store, PAID)
    shop.act(pickup.accept, part)
    proposal, _back = shop.act(proposals.propose, part, part.lines[0].id, 1, "damaged", other.sku)
    assert queries.order(order.id).total_minor == 0
    assert answer(order, proposal, "accept") == 302
    assert Shortage.objects.get().state == ShortageState.SUBSTITUTED
    open_now = next(one for one in queries.order(order.id).fulfilments if one.state == State.PLACED)
    shop.products[1] = other
    shop.act(pickup.accept, open_now)
    assert shop.scan(open_now, 1).outcome is picking.Outcome.PICKED
    shop.act(to_store.send, open_now)
    store.act(arrivals.receive, open_now)
    assert queries.order(order.id).total_minor == PAID
    assert checks.run() == []
