"""What decides besides goods and distance: returns of the past, customers whom we let down, days that were told; full places."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from commerce import clock, quotas
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import kits
from orders import errors, intake, intake_terms, promise_history, routing, tasks
from orders.amendments.wishes import Amendment, Division, Union
from orders.intake_terms import Terms
from orders.models import Fulfilment, RoutingDecision
from orders.promise_reasons import PromiseReason
from orders.routing import importance, nodes, policies, return_risk, simulations, standing, worlds
from orders.sourcing.criteria import Criterion
from orders.sourcing.policy import Mode, Policy, Term
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.orders.test_amendments import confirm, preview
from tests.orders.test_mixed_methods import ADDRESS
from tests.orders.test_orders_api import ORDERS, Api
from tests.orders.test_returns import announce, fetched

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _pictures():
    for one in (worlds, standing, return_risk, intake_terms):
        one.forget()
    yield
    for one in (worlds, standing, return_risk, intake_terms):
        one.forget()


def ship(shop: make.Shop, quantities: dict[int, int] | None = None, **values: Any) -> Any:
    worlds.forget()
    return shop.place(quantities, method="ship", ship_to=ADDRESS, **values)


def test_a_full_place_names_when_and_where_else(client: Client, shop):
    other = goods.store(latitude=48.1, longitude=11.6)
    goods.receive(shop.products[0].id, other.id, 5)
    with transaction():
        nodes.set_node(shop.store.id, orders_per_day=0, by=ground.TESTER)
        intake_terms.agree(shop.channel.pk, Terms(may_choose_place=True), by=ground.TESTER)
    worlds.forget()
    api = Api(client, shop)
    body = api.body(method="ship", window=None, location=shop.store.code, ship_to=ADDRESS)
    refused = api.post(ORDERS, body).json()
    assert refused["code"] == "no_able_location"
    assert refused["alternatives"] == [
        {"location": other.code, "from": "2026-11-18"}, {"location": shop.store.code, "from": "2026-11-19"},
    ]  # fmt: skip


def test_a_part_that_is_split_off_claims_a_turn_of_the_day(shop):
    with transaction():
        nodes.set_node(shop.store.id, orders_per_day=2, by=ground.TESTER)
    worlds.forget()
    order = ship(shop, {0: 4})
    key = worlds.day_key(shop.store, at=clock.now())
    part = order.fulfilments[0].id

    def apart() -> Amendment:
        return Amendment(divisions=(Division(part, {order.lines[0].id: 1}),))

    order = confirm(order, apart())
    assert quotas.usage([key], at=clock.now())[key].used == 2
    with pytest.raises(errors.CannotChange, match="no more parcels today"):
        preview(order, apart())
    other = next(one.id for one in order.fulfilments if one.id != part)
    confirm(order, Amendment(unions=(Union(other, part),)))
    assert quotas.usage([key], at=clock.now())[key].used == 1
    assert not checks.run()


def test_customers_whom_we_let_down_come_sooner_and_the_decision_says_so(shop):
    first = shop.place()
    row = Fulfilment.objects.get(pk=first.fulfilments[0].id)
    with transaction():
        later = row.promised_at + timedelta(hours=2)
        promise_history.keep(row, row.promised_at, later, PromiseReason.LOAD, by=ground.TESTER, at=clock.now())
        intake_terms.agree(shop.channel.pk, Terms(routes_later=True), by=ground.TESTER)
    assert importance.of({first.customer_id}, at=clock.now()) == {first.customer_id: (1, "let_down")}
    assert importance.of({first.customer_id}, at=clock.now() + timedelta(days=91)) == {}
    again = ship(shop, customer=shop.incoming().customer.__class__(name="E", email=first.contact_email))
    other = ship(shop)
    assert tasks.route_accepted() == 2
    told = {one.order_id: one.inputs.get("sooner") for one in RoutingDecision.objects.filter(occasion="batched")}
    assert told == {again.id: {"by": 1, "why": "let_down"}, other.id: None}


def test_the_day_that_a_channel_told_is_what_is_late(client, shop):
    api = Api(client, shop)
    body = api.body(method="ship", window=None, location=None, ship_to=ADDRESS)
    placed = api.post(ORDERS, body | {"deliver_by": "2026-11-20"}).json()
    assert RoutingDecision.objects.get(order_id=placed["id"]).inputs["due_on"] == "2026-11-20"
    past = api.post(ORDERS, body | {"external_reference": "later", "deliver_by": "2026-11-01"})
    assert (past.status_code, past.json()["errors"][0]["field"]) == (400, "deliver_by")


def follow(policy: Policy, *, live: bool = False) -> None:
    with transaction():
        made = policies.draft("Retouren", policy.document(), by=ground.TESTER, at=clock.now())
        if live:
            asked = simulations.ask(
                made.number, since=clock.now() - timedelta(days=1), until=clock.now(), by=ground.TESTER, at=clock.now()
            )
            simulations.carry_out(asked.id, at=clock.now())
            policies.activate(made.number, by=ground.TESTER, at=clock.now())
        else:
            policies.follow(made.number, by=ground.TESTER, at=clock.now())
    standing.forget()


CAREFUL = Policy(Mode.WEIGHED, (Term(Criterion.DISTANCE, 1), Term(Criterion.RETURNS, 1_000_000)))


def test_goods_that_come_back_often_are_sent_from_where_they_can_come_back(shop):
    far = goods.store(latitude=48.1, longitude=11.6)
    goods.receive(shop.products[0].id, far.id, 20)
    goods.receive(shop.products[0].id, shop.store.id, 50)
    with transaction():
        nodes.set_node(shop.store.id, takes_returns=False, pieces_per_hour=9_999, by=ground.TESTER)
    follow(CAREFUL, live=True)
    first = ship(shop)
    told = RoutingDecision.objects.get(order_id=first.id).inputs["return_permille"]
    assert told == {shop.products[0].sku: None}, "not enough data"
    assert first.fulfilments[0].location_id == shop.store.id
    order = fetched(shop, {0: return_risk.LEAST_DELIVERED})
    announce(order, {0: 40})
    return_risk.forget()
    second = ship(shop)
    assert RoutingDecision.objects.get(order_id=second.id).inputs["return_permille"] == {shop.products[0].sku: 800}
    assert second.fulfilments[0].location_id == far.id
    assert return_risk.of(shop.channel.pk + 1, "", at=clock.now()) == return_risk.NO_DATA, (
        "another channel's are its own"
    )


def test_what_is_decided_together_is_decided_by_the_shadow_too(shop):
    near, far = shop.store, goods.store(latitude=48.1, longitude=11.6)
    goods.receive(shop.products[0].id, far.id, 50)
    with transaction():
        intake_terms.agree(shop.channel.pk, Terms(routes_later=True), by=ground.TESTER)
    follow(Policy(Mode.RANKED, (Term(Criterion.PARTS),)))  # all are alike for it, so the first by its code
    orders = [ship(shop) for _ in range(3)]
    assert tasks.route_accepted() == 3
    kept = list(RoutingDecision.objects.filter(order_id__in=[one.id for one in orders]))
    assert {one.chosen_id for one in kept} == {far.id}, "it can spare most"
    assert all(one.shadow_differs and one.shadow["shares"][0]["location"] == near.code for one in kept)


def ask(shop: make.Shop, name: str, quantity: int, *, channel: Any = None, **values: Any) -> routing.Ask:
    order = shop.incoming({0: quantity}, external_reference=name, method="ship", ship_to=ADDRESS, **values)
    (portion,) = order.portions()
    return routing.Ask(order, portion, kits.parts(intake.products(order.quantities()), portion.quantities), shop.terms)


def test_together_no_piece_is_given_twice_and_each_order_is_served_whole(shop):
    other = goods.store(latitude=48.1, longitude=11.6)
    goods.receive(shop.products[0].id, other.id, 6)
    worlds.forget()
    asks = [ask(shop, f"R{number}", quantity) for number, quantity in enumerate((6, 4, 6))]
    known = routing.survey([(one.order, one.channel) for one in asks], at=clock.now())
    found = routing.route_together(asks, known)
    assert all(found), "six at one place, six and four at the other: one by one the four would have stood in the way"
    given: dict[int, int] = {}
    for routes in found:
        for route in routes or ():
            given[route.location.id] = given.get(route.location.id, 0) + sum(route.goods.values())
            assert route.verdict.occasion == "batched"
    assert given == {shop.store.id: 10, other.id: 6}
    assert known.routed[shop.products[0].id] == given, "the next batch sees what is taken"


def test_together_leaves_alone_what_is_better_decided_alone(shop):
    pickup = shop.incoming()
    (portion,) = pickup.portions()
    parts = kits.parts(intake.products(pickup.quantities()), portion.quantities)
    asks = [routing.Ask(pickup, portion, parts, shop.terms), ask(shop, "too many", 11), ask(shop, "fits", 1)]
    known = routing.survey([(one.order, one.channel) for one in asks], at=clock.now())
    assert [one is not None for one in routing.route_together(asks, known)] == [False, False, True]
