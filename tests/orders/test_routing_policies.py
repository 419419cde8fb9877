"""Policies of routing: versions that never change, tried before they go live, followed in the shadow, gone back to."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from commerce import clock
from commerce.audit import timeline
from commerce.errors import Conflict, InvalidInput
from commerce.transactions import transaction
from inventory.places import locations
from orders import errors, queries, tasks
from orders.models import RoutingDecision, RoutingPolicy, RoutingSimulation, RoutingSwitch
from orders.routing import carriers, nodes, policies, simulations, standing, worlds
from orders.sourcing.criteria import Criterion
from orders.sourcing.policy import BALANCED, FIRST, Mode, Policy, Term
from orders.sourcing.standing import RestrictionKind, SimulationState
from orders.sourcing.tariffs import Zone
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make

pytestmark = pytest.mark.django_db
BY = ground.TESTER
MUNICH = {"street": "Marienplatz 1", "postal_code": "80331", "city": "München", "country": "DE"}
DEAREST_FIRST = Policy(Mode.RANKED, (Term(Criterion.SPARE),))  # where most is left, however far


@pytest.fixture
def shop(noon):
    """A store with ten pieces in Berlin, and another with three near Munich; Munich's postal code is known."""
    found = make.shop(latitude=52.5, longitude=13.4)
    with transaction():
        locations.set_places([("DE", "80331", "München", 48.137, 11.576)])
    found.near = goods.store(latitude=48.4, longitude=11.0)
    for product in found.products:
        goods.receive(product.id, found.near.id, 3)
    return found


def draft(policy: Policy = BALANCED, **more) -> policies.PolicyRef:
    with transaction():
        return policies.draft("Careful", policy.document(), by=BY, at=clock.now(), **more)


def tried(number: int) -> simulations.SimulationRef:
    now = clock.now()
    with transaction():
        asked = simulations.ask(number, since=now - timedelta(days=7), until=now + timedelta(minutes=1), by=BY, at=now)
    assert tasks.try_routing_policies() == 1
    return simulations.get(asked.id)


def live(policy: Policy) -> policies.PolicyRef:
    made = draft(policy)
    tried(made.number)
    with transaction():
        return policies.activate(made.number, by=BY, at=clock.now())


def shipped(shop, quantities=None):
    return shop.place(quantities, method="ship", ship_to=MUNICH)


# --- versions -----------------------------------------------------------------------------------------------------------


def test_a_version_is_numbered_signed_and_never_changes(shop):
    first, second = draft(), draft(FIRST, based_on=1, note="simpler")
    assert (first.number, second.number, second.based_on) == (1, 2, 1)
    assert first.author == BY.label
    assert second.policy == FIRST
    assert [entry.verb for entry in timeline("routing_policy", 1)] == ["orders.routing.policies.draft"]
    for bent in ("UPDATE orders_routingpolicy SET name = 'x'", "DELETE FROM orders_routingpolicy WHERE number = 2"):
        with pytest.raises(Exception, match="journal"), transaction():
            connection.cursor().execute(bent)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mode": "guess"}, "mode"),
        ({"terms": []}, "terms"),
        ({"terms": [{"criterion": "colour", "rate": 1}]}, "terms[0].criterion"),
        ({"terms": [{"criterion": "cost", "rate": 1.5}]}, "terms[0].rate"),
        ({"terms": [{"criterion": "cost", "rate": True}]}, "terms[0].rate"),
        ({"terms": [{"criterion": "cost", "rate": 10**12}]}, "terms[0].rate"),
        ({"terms": [{"criterion": "cost", "step": 1}]}, "terms[0].step"),
        ({"terms": [{"criterion": "cost", "rate": 1}, {"criterion": "cost", "rate": 2}]}, "terms"),
        ({"most_parts": 9}, "most_parts"),
        ({"split_from_minor": -1}, "split_from_minor"),
        ({"may_divide_lines": "yes"}, "may_divide_lines"),
        ({"favourite": 1}, "favourite"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_field_and_value(shop, change, field):
    with pytest.raises(InvalidInput) as refused, transaction():
        policies.draft("Wrong", BALANCED.document() | change, by=BY, at=clock.now())
    assert field in {one["field"] for one in refused.value.errors}
    assert RoutingPolicy.objects.count() == 0


def test_a_version_goes_live_only_after_it_was_tried_and_the_database_says_so_too(shop):
    made = draft()
    with pytest.raises(errors.PolicyUntried), transaction():
        policies.activate(made.number, by=BY, at=clock.now())
    with pytest.raises(errors.PolicyUntried), transaction():
        RoutingSwitch.objects.create(role="live", policy_id=1, switched_by="x", switched_at=clock.now())
    assert shipped(shop).fulfilments[0].location_id == shop.near.id
    tried(made.number)
    with transaction():
        assert policies.activate(made.number, by=BY, at=clock.now()).is_live
    order = shipped(shop)
    assert RoutingDecision.objects.get(order_id=order.id).policy_version == "v1"


def test_whoever_activates_says_what_was_live_then(shop):
    live(BALANCED)
    second = draft(FIRST)
    tried(second.number)
    with pytest.raises(Conflict), transaction():
        policies.activate(second.number, expected_live=0, by=BY, at=clock.now())
    with transaction():
        assert policies.activate(second.number, expected_live=1, by=BY, at=clock.now()).is_live


def test_going_back_is_a_new_version_with_the_old_content(shop):
    live(FIRST)
    live(DEAREST_FIRST)
    assert shipped(shop).fulfilments[0].location_id == shop.store.id
    with pytest.raises(InvalidInput), transaction():
        policies.restore(1, reason=" ", by=BY, at=clock.now())
    with transaction():
        back = policies.restore(1, reason="too far", by=BY, at=clock.now())
    assert (back.number, back.restores, back.is_live, back.policy) == (3, 1, True, FIRST)
    assert shipped(shop).fulfilments[0].location_id == shop.near.id
    untried = draft(DEAREST_FIRST)
    with pytest.raises(errors.PolicyUntried), transaction():
        policies.restore(untried.number, reason="never was", by=BY, at=clock.now())


# --- shadow -------------------------------------------------------------------------------------------------------------


def test_a_policy_in_the_shadow_is_asked_and_its_differences_are_kept(shop):
    other = draft(DEAREST_FIRST)
    with transaction():
        policies.follow(other.number, by=BY, at=clock.now())
    order = shipped(shop)
    assert order.fulfilments[0].location_id == shop.near.id
    kept = RoutingDecision.objects.get(order_id=order.id)
    assert kept.shadow_differs
    assert kept.shadow["policy_version"] == "v1"
    assert [share["location"] for share in kept.shadow["shares"]] == [shop.store.code]
    with transaction():
        policies.follow(None, reason="seen enough", by=BY, at=clock.now())
    assert RoutingDecision.objects.get(order_id=shipped(shop).id).shadow is None


def test_what_is_live_is_not_followed(shop):
    live(BALANCED)
    with pytest.raises(Conflict), transaction():
        policies.follow(1, by=BY, at=clock.now())


# --- simulations --------------------------------------------------------------------------------------------------------


def test_a_simulation_says_what_each_policy_comes_to_and_where_they_differ(shop):
    orders = [shipped(shop) for _ in range(3)]
    done = tried(draft(DEAREST_FIRST).number)
    assert (done.state, done.total, done.done, done.percent) == (SimulationState.DONE, 3, 3, 100)
    assert done.result["beside"]["places"] == {shop.near.code: 3}
    assert done.result["candidate"]["places"] == {shop.store.code: 3}
    assert done.result["differing"] == 3
    assert {one["number"] for one in done.result["differences"]} == {order.number for order in orders}
    assert done.result["candidate"]["km_per_parcel"] > done.result["beside"]["km_per_parcel"]
    with pytest.raises(Exception, match="journal"), transaction():
        RoutingSimulation.objects.update(done=0)


def test_a_simulation_takes_from_the_shelves_and_begins_with_what_the_orders_took(shop):
    shipped(shop, {0: 3})
    done = tried(draft(replace(FIRST, most_attempts=2)).number)
    assert done.result["candidate"]["places"] == {shop.near.code: 1}  # its own three pieces are there again
    assert done.result["same"] == 1


def test_a_span_that_cannot_be_and_too_many_at_once_are_refused(shop):
    number, now = draft().number, clock.now()
    with pytest.raises(InvalidInput), transaction():
        simulations.ask(number, since=now, until=now, by=BY, at=now)
    with pytest.raises(errors.PolicyNotFound), transaction():
        simulations.ask(99, since=now - timedelta(days=1), until=now, by=BY, at=now)
    for _ in range(simulations.MOST_OPEN):
        with transaction():
            simulations.ask(number, since=now - timedelta(days=1), until=now, by=BY, at=now)
    with pytest.raises(errors.TooManySimulations), transaction():
        simulations.ask(number, since=now - timedelta(days=1), until=now, by=BY, at=now)


def test_a_simulation_that_a_killed_worker_left_is_taken_up_again(shop):
    now, number = clock.now(), draft().number
    with transaction():
        asked = simulations.ask(number, since=now - timedelta(days=1), until=now, by=BY, at=now)
        RoutingSimulation.objects.filter(pk=asked.id).update(state="running", started_at=now)
    assert not simulations.run_next(at=now + timedelta(minutes=1))
    assert simulations.run_next(at=now + simulations.GIVEN_UP_AFTER + timedelta(minutes=1))
    assert simulations.get(asked.id).state is SimulationState.DONE


# --- carriers, places, restrictions -------------------------------------------------------------------------------------


def carry(code: str = "standard", **more) -> None:
    zones = [Zone("de", frozenset({"DE"}), 2, ((2_000, 490), (31_500, 990)))]
    with transaction():
        carriers.set_service(code, name="Standard", carrier="Parcels", origin="DE", by=BY, **({"zones": zones} | more))


def test_a_carrier_s_price_and_day_stand_in_the_decision(shop):
    carry()
    kept = RoutingDecision.objects.get(order_id=shipped(shop).id)
    winner = kept.outcome["shares"][0]["winner"]
    assert (winner["service"], winner["values"]["cost"], winner["arrives_on"]) == ("standard", 490, "2026-11-20")


def test_said_again_a_service_changes_nothing_and_wrong_ones_are_refused(shop):
    carry()
    carry()
    assert len(timeline("shipping_service", 1)) <= 1
    for wrong in ({"zones": []}, {"collects_on": frozenset()}, {"methods": frozenset({"pigeon"})}):
        with pytest.raises(InvalidInput):
            carry("wrong", **wrong)
    falling = [Zone("de", frozenset({"DE"}), 2, ((2_000, 490), (1_000, 990)))]
    with pytest.raises(InvalidInput) as refused:
        carry("wrong", zones=falling)
    assert refused.value.errors[0]["field"] == "zones.de.rates"


def test_a_place_that_is_paused_is_passed_over_and_an_embargo_stops_the_goods(shop):
    with transaction():
        nodes.set_node(shop.near.id, is_paused=True, by=BY)
    kept = RoutingDecision.objects.get(order_id=(order := shipped(shop)).id)
    assert order.fulfilments[0].location_id == shop.store.id
    assert kept.outcome["excluded"]["paused"]["locations"] == [shop.near.code]
    with transaction():
        rule = nodes.restrict(RestrictionKind.EMBARGO, product_id=shop.products[0].id, country="DE", by=BY)
    with pytest.raises(errors.NoAbleLocation):
        shipped(shop)
    with transaction():
        nodes.lift(rule, by=BY)
    assert shipped(shop)


def test_hazardous_goods_need_a_place_that_handles_them(shop):
    with transaction():
        nodes.restrict(RestrictionKind.HAZARDOUS, product_id=shop.products[0].id, by=BY)
        nodes.set_node(shop.near.id, takes_hazardous=False, by=BY)
    assert shipped(shop).fulfilments[0].location_id == shop.store.id
    assert shipped(shop, {1: 1}).fulfilments[0].location_id == shop.near.id


def test_an_order_is_split_when_nobody_has_all_of_it_and_the_policy_allows_it(shop):
    live(replace(BALANCED, split_from_minor=0))
    apart = goods.store(latitude=48.0, longitude=11.5)
    rare = ground.product()
    goods.receive(rare.id, apart.id, 2)
    from tests.factories import pricing as prices

    prices.prices({rare.id: 990}, price_list=prices.price_list("rare"))
    shop.products.append(rare)
    order = shipped(shop, {0: 2, 3: 1})
    sent = {view.location_id: [line.product_id for line in view.lines] for view in order.fulfilments}
    assert sent == {shop.near.id: [shop.products[0].id], apart.id: [rare.id]}
    [kept] = queries.decisions(order.id)
    assert [len(share["lines"]) for share in kept.outcome["shares"]] == [1, 1]


def test_the_copy_of_what_holds_is_dropped_with_a_change(shop):
    assert standing.now().label == standing.BUILT_IN
    live(BALANCED)
    assert standing.now().label == "v1"
    worlds.forget()
    assert worlds.network(at=clock.now()).size == 2
