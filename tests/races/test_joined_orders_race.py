"""Orders that come into a waiting parcel against whoever picks it or joins it too; answers to proposals; return labels."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from commerce import clock, locks
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer
from commerce.errors import CommerceError
from commerce.operations import checks
from commerce.transactions import transaction
from inventory.places import locations
from orders import intake_terms, picking, pickup, proposals, queries, shipping, shortage_choices, tasks
from orders.carriers import dhl_double, directory
from orders.floor import ProposalState, ShortageState
from orders.intake_terms import Terms
from orders.models import ConsignmentPart, Fulfilment, Proposal, ReturnLabel, Shortage
from orders.packing import consignments
from orders.return_states import Origin, Reason
from orders.returns import files, labels
from orders.returns.chances import Coming
from orders.routing import worlds
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.orders.test_substitutions import PAID, product
from tests.races import crowds

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]
HOME = {"street": "Ackerstraße 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
WHO = IncomingCustomer(name="Erika Beispiel", email="erika@example.org", channel_customer_id="c-1")
BLOCKED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = %s"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[make.Shop]:
    with clock.frozen(make.NOON):
        double = dhl_double.Double()
        monkeypatch.setattr(directory, "double", lambda: double)
        made = make.shop(pieces=40)
        with transaction():
            intake_terms.agree(made.channel.pk, Terms(routes_later=True), by=ground.TESTER)
            locations.change_location(
                made.store.id, street="Hauptstraße 5", postal_code="10115", city="Berlin", by=ground.TESTER
            )
        worlds.forget()
        yield made
        intake_terms.forget()
        worlds.forget()


def accepted(shop: make.Shop) -> Any:
    return shop.place({0: 1}, method="ship", ship_to=HOME, customer=WHO)


def placed(shop: make.Shop) -> Any:
    order = accepted(shop)
    assert tasks.route_accepted() == 1
    return queries.order(order.id)


def in_consignments() -> list[int]:
    """Return how many shipments travel in each consignment."""
    found: dict[Any, int] = {}
    for one in ConsignmentPart.objects.filter(parted_at__isnull=True):
        found[one.consignment_id] = found.get(one.consignment_id, 0) + 1
    return sorted(found.values())


def while_held(first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
    """Do `first` in a transaction that ends only once `second`, which began meanwhile, waits for a lock of orders."""
    has_begun = threading.Event()

    def hold(_place: int) -> Any:
        with transaction():
            done = first()
            has_begun.set()
            with connection.cursor() as cursor:
                for _ in range(100_000):
                    cursor.execute(BLOCKED, [int(locks.Purpose.ORDER)])
                    if cursor.fetchone()[0]:
                        return done
        raise AssertionError("nobody waited")

    def follow(_place: int) -> Any:
        assert has_begun.wait(crowds.READY_SECONDS)
        return second()

    return crowds.run_at_once(2, lambda place: (hold, follow)[place](place))


def test_who_begins_to_pick_while_another_order_joins_has_a_parcel_of_their_own(shop: make.Shop) -> None:
    first = placed(shop)
    second = accepted(shop)
    part = first.fulfilments[0]
    outcomes = while_held(
        lambda: pickup.accept(part.id, user=shop.clerk, by=shop.by, at=clock.now()), tasks.route_accepted
    )
    assert outcomes[1] == 1
    assert in_consignments() == [], "decided under the lock: somebody picks it now"
    assert [one.state for one in queries.order(second.id).fulfilments] == ["placed"]
    assert checks.run(at=clock.now()) == []


def test_who_joins_before_somebody_picks_travels_along(shop: make.Shop) -> None:
    first = placed(shop)
    second = accepted(shop)
    part = first.fulfilments[0]
    outcomes = crowds.run_at_once(2, lambda place: tasks.route_accepted() if place else shop.act(pickup.accept, part))
    assert crowds.summary(outcomes) == {"done": 2}
    assert in_consignments() in ([], [2])
    assert queries.order(first.id).fulfilments[0].state == "accepted"
    assert queries.order(second.id).fulfilments[0].state == "placed"
    assert checks.run(at=clock.now()) == []


def test_of_two_orders_that_come_at_once_one_is_the_sixth_and_nobody_the_seventh(shop: make.Shop) -> None:
    for _ in range(consignments.MOST_JOINED - 1):
        placed(shop)
    assert in_consignments() == [5]
    late = [accepted(shop), accepted(shop)]
    outcomes = crowds.run_at_once(2, lambda _: tasks.route_accepted())
    assert set(crowds.summary(outcomes)) == {"done"}
    tasks.route_accepted()
    assert all(queries.order(one.id).fulfilments for one in late)
    assert max(in_consignments()) <= consignments.MOST_JOINED
    assert sum(in_consignments()) in (6, 7), "the other one travels alone, or waits for one of its own"
    assert checks.run(at=clock.now()) == []


def test_a_parcel_that_filled_up_meanwhile_takes_nobody_more(shop: make.Shop) -> None:
    """Whoever decided on a parcel of five finds six in it under the lock."""
    orders = [placed(shop) for _ in range(consignments.MOST_JOINED)]
    parts = [one.fulfilments[0].id for one in orders]
    alone = shop.place({0: 1}, method="ship", ship_to={**HOME, "street": "Ackerstraße 2"}, customer=WHO)
    tasks.route_accepted()
    mine = queries.order(alone.id).fulfilments[0].id
    Fulfilment.objects.get(pk=mine).order.__class__.objects.filter(pk=alone.id).update(ship_to=HOME)
    claimed = {one.id for one in orders}
    with transaction():
        joined = consignments.join_beside(
            parts[0], mine, claimed=claimed, customer_id=Fulfilment.objects.get(pk=mine).order.customer_id, at=clock.now()
        )  # fmt: skip
    assert (joined, in_consignments()) == (False, [6])


# --- answers ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(shop: make.Shop) -> tuple[Any, Any, Any]:
    """An order whose customer is asked whether other tea may come."""
    shop.products[0] = product(shop.store, PAID, pieces=10)
    other = product(shop.store, PAID - 100)
    order = shop.accepted({0: 3})
    part = order.fulfilments[0]
    proposal, _back = shop.act(proposals.propose, part, part.lines[0].id, 1, "damaged", other.sku)
    return order, proposal, other


def choose(order: Any, proposal: Any, choice: str) -> Any:
    return shortage_choices.choose(
        order.tracking_token, proposal.shortage_id, choice, proposal=str(proposal.id), at=clock.now()
    )


def test_an_answer_that_is_sent_many_times_at_once_counts_once(shop: make.Shop, asked: Any) -> None:
    order, proposal, _other = asked
    outcomes = crowds.summary(
        crowds.run_at_once(4, crowds.in_transactions(lambda _: choose(order, proposal, "accept")))
    )
    assert outcomes.pop("done") == 1
    assert set(outcomes) <= {"choice_over", "busy"}
    after = queries.order(order.id)
    assert (after.total_minor, len(after.lines)) == (3 * PAID - 100, 2)
    assert Proposal.objects.get().state == ProposalState.ACCEPTED
    assert checks.run(at=clock.now()) == []


def test_yes_no_and_the_clerk_who_takes_it_back_are_one_of_them(shop: make.Shop, asked: Any) -> None:
    order, proposal, _other = asked
    part = order.fulfilments[0]
    verbs = [
        lambda: choose(order, proposal, "accept"),
        lambda: choose(order, proposal, "refuse"),
        lambda: proposals.withdraw(part.id, proposal.id, user=shop.clerk, by=shop.by, at=clock.now()),
        lambda: choose(order, proposal, "decline"),
    ]
    outcomes = crowds.run_at_once(4, crowds.in_transactions(lambda place: verbs[place]()))
    refused = [one for one in outcomes if isinstance(one, CommerceError)]
    assert not [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, CommerceError)]
    state = Proposal.objects.get().state
    assert state != ProposalState.OPEN
    assert len(refused) >= 2, "only a no to what is asked after a no to a proposal can follow another word"
    total = queries.order(order.id).total_minor
    assert total == (3 * PAID - 100 if state == ProposalState.ACCEPTED else 2 * PAID)
    assert checks.run(at=clock.now()) == []


def test_an_answer_and_a_clerk_who_gives_up_the_rest_at_once_leave_exact_books(shop: make.Shop, asked: Any) -> None:
    order, proposal, _other = asked
    part = order.fulfilments[0]
    verbs = [
        lambda: choose(order, proposal, "accept"),
        lambda: picking.reject_line(part.id, part.lines[0].id, 2, "other", user=shop.clerk, by=shop.by, at=clock.now()),
    ]
    outcomes = crowds.run_at_once(2, crowds.in_transactions(lambda place: verbs[place]()))
    assert crowds.summary(outcomes) == {"done": 2}
    assert queries.order(order.id).total_minor == PAID - 100
    assert Shortage.objects.filter(state=ShortageState.SUBSTITUTED).count() == 1
    assert checks.run(at=clock.now()) == []


def test_a_return_label_that_two_buy_at_once_is_bought_once(shop: make.Shop) -> None:
    order = placed(shop)
    part = order.fulfilments[0]
    shop.act(pickup.accept, part)
    shop.scan(part)
    shop.act(pickup.mark_ready, part)
    shop.act(shipping.ship, part, tracking_number="X1")
    with transaction():
        return_id = files.announce(
            order.id, [Coming(order.lines[0].id, 1, Reason.WITHDRAWAL)], origin=Origin.CUSTOMER, by=ground.TESTER,
            at=clock.now(),
        )  # fmt: skip
    by = Actor.system("tester")
    outcomes = crowds.run_at_once(4, lambda _: labels.ask(return_id, "dhl", by=by))
    numbers = {one.tracking_number for one in outcomes if not isinstance(one, Exception) and one.tracking_number}
    assert len(numbers) == 1
    assert ReturnLabel.objects.count() == 1
    assert len(directory.double().made) == 1
