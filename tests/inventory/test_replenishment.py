"""From sales to proposals: rules, the nightly run, approving and dismissing, and what misfires."""

from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.db import transaction as django_transaction

from commerce import clock
from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory.errors import ProposalNotOpen, ProposalUnknown
from inventory.models import DemandForecast, ReplenishmentAlert, ReplenishmentProposal
from inventory.places import groups
from inventory.places.locations import LocationRef
from inventory.procurement import lead_times, purchase_orders, suppliers
from inventory.procurement.suppliers import SupplierRef
from inventory.purchasing import OrderTerms
from inventory.replenishment import demand, forecasts, proposals, rules
from inventory.replenishment.proposals import Decision, Made
from inventory.tasks import reorder
from inventory.transport import transfers  # fmt: skip
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.factories import past_sales
from tests.factories import supply as make_supply
from tests.inventory.conftest import BY

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STEADY = [7, 6, 8, 7] * 10


def add_rule(**values: Any) -> int:
    facts = {"name": "Weekly", "lead_time_days": 7.0, "review_days": 7} | values
    with transaction():
        return rules.add_rule(by=BY, at=NOON - timedelta(days=90), **facts)


def change_rule(rule_id: int, **values: Any) -> None:
    with transaction():
        rules.change_rule(rule_id, by=BY, at=NOON, **values)


def night(at: datetime = NOON) -> Made:
    list(demand.count_all())
    forecasts.run(at=at, uplifts=rules.Book().uplifts)
    return proposals.run(by=BY, at=at)


def opened() -> list[ReplenishmentProposal]:
    return list(ReplenishmentProposal.objects.filter(state="proposed").order_by("location_id", "from_location_id"))


@pytest.fixture
def lamp() -> int:
    return make.product(category="lamps").id


@pytest.fixture
def store() -> LocationRef:
    return make_inventory.store()


def test_what_runs_low_is_proposed_with_every_number_behind_it(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id, case_pack=6, supplier_code="LAMPCO")
    assert night() == Made(1, 0, 0)
    (proposal,) = opened()
    inputs = proposal.inputs
    assert (proposal.kind, proposal.supplier_code) == ("purchase", "LAMPCO")
    assert inputs["per_week"] == pytest.approx(7, abs=1)
    assert (inputs["on_hand"], inputs["position"], inputs["cover_days"]) == (5, 5, 14)
    assert inputs["expected"] == pytest.approx(2 * inputs["per_week"], abs=0.2)
    assert inputs["target_level"] >= inputs["expected"] + inputs["safety_stock"] - 1
    assert proposal.quantity % 6 == 0
    assert 5 + proposal.quantity >= inputs["target_level"] > 5 + proposal.quantity - 6
    assert proposal.expected_on - proposal.order_on == timedelta(days=7)
    assert len(inputs["weeks"]) == forecasts.SHOWN_WEEKS


def test_the_same_night_twice_keeps_the_proposal_and_a_delivery_supersedes_it(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id)
    night()
    (first,) = opened()
    assert night() == Made(0, 1, 0)
    assert [row.pk for row in opened()] == [first.pk]
    make_inventory.receive(lamp, store.id, 200)
    assert night() == Made(0, 0, 1)
    first.refresh_from_db()
    assert first.state == "superseded"
    assert night() == Made(0, 0, 0)


@pytest.mark.parametrize("weeks", [[0, 0, 1, 2, 0], [1, 1, 1], []])
def test_three_sales_or_none_are_forecast_honestly_and_never_crash(
    weeks: list[float], lamp: int, store: LocationRef
) -> None:
    past_sales.sold(lamp, store.id, weeks, until=NOON, left=0, received=int(sum(weeks)) or 4)
    add_rule(location_id=store.id)
    night()
    said = DemandForecast.objects.filter(product_id=lamp).first()
    if not weeks:
        assert said is None
        assert opened() == []
        return
    assert said is not None
    assert (said.method, said.evidence["note"]) == ("mean", "short")
    (proposal,) = opened()
    assert proposal.inputs["note"] == "short"


def test_without_rules_nothing_is_proposed(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON)
    assert night() == Made(0, 0, 0)


def test_a_store_that_has_too_much_helps_the_nearest_that_has_too_little(lamp: int) -> None:
    short = make_inventory.store()
    near = make_inventory.store(latitude=52.40, longitude=13.07)
    abroad = make_inventory.store(country="CH", latitude=52.53, longitude=13.39)
    past_sales.sold(lamp, short.id, STEADY, until=NOON, left=1)
    for place in (near, abroad):
        past_sales.sold(lamp, place.id, [1] * 40, until=NOON, left=60)
    add_rule(transfer_radius_km=100)
    night()
    moves = [row for row in opened() if row.kind == "transfer"]
    assert [(row.from_location_id, row.location_id) for row in moves] == [(near.id, short.id)]
    assert moves[0].inputs["distance_km"] == pytest.approx(25, abs=5)
    assert moves[0].quantity <= moves[0].inputs["giver_spare"]
    assert [row for row in opened() if row.kind == "purchase" and row.location_id == short.id] == []


def test_goods_on_the_way_and_approved_ones_count_towards_the_position(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id)
    night()
    (proposal,) = opened()
    with transaction():
        proposals.approve([Decision(proposal.pk)], by=BY, at=NOON)
    assert night() == Made(0, 0, 0)


def test_a_promotion_ahead_raises_what_is_ordered(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id)
    night()
    (usual,) = opened()
    with transaction():
        rules.add_uplift(
            "Summer",
            factor=3.0,
            first_day=NOON.date(),
            last_day=NOON.date() + timedelta(days=6),
            product_id=lamp,
            by=BY,
        )
    night()
    (raised,) = opened()
    assert raised.inputs["expected"] == pytest.approx(2 * usual.inputs["expected"], rel=0.05)
    assert raised.quantity > usual.quantity


def test_approving_is_signed_takes_another_quantity_and_happens_once(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id)
    night()
    (proposal,) = opened()
    for _ in range(2):
        with transaction():
            proposals.approve([Decision(proposal.pk, 40)], by=BY, at=NOON)
    proposal.refresh_from_db()
    assert proposal.quantity == 40
    assert proposal.state in {"approved", "ordered"}
    verbs = AuditEntry.objects.filter(object_type="replenishment_proposal", verb__endswith=".approve")
    assert verbs.count() == 1
    with pytest.raises(ProposalNotOpen), transaction():
        proposals.approve([Decision(_superseded(proposal))], by=BY, at=NOON)
    with pytest.raises(ProposalUnknown), transaction():
        proposals.approve([Decision(uuid4())], by=BY, at=NOON)


@pytest.mark.parametrize("quantity", [0, -3, 1_000_001])
def test_a_quantity_that_is_none_is_refused_and_nothing_is_approved(
    quantity: int, lamp: int, store: LocationRef
) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id)
    night()
    (proposal,) = opened()
    with pytest.raises(InvalidInput), transaction():
        proposals.approve([Decision(proposal.pk, quantity)], by=BY, at=NOON)
    assert [row.pk for row in opened()] == [proposal.pk]


def test_what_was_dismissed_stays_quiet_for_a_while_and_needs_a_reason(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id)
    night()
    (proposal,) = opened()
    with pytest.raises(InvalidInput), transaction():
        proposals.dismiss([proposal.pk], reason=" ", by=BY, at=NOON)
    with transaction():
        proposals.dismiss([proposal.pk], reason="being delisted", by=BY, at=NOON)
    assert night(NOON + timedelta(days=1)) == Made(0, 0, 0)
    assert night(NOON + timedelta(days=proposals.QUIET_DAYS + 1)).proposed == 1


def test_the_day_of_ordering_follows_the_suppliers_calendar(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id, order_weekdays=[4])
    night()
    (proposal,) = opened()
    assert proposal.order_on == date(2026, 6, 4)  # 1 June 2026 is a Monday
    assert proposal.inputs["waiting_days"] == 3


def test_a_known_suppliers_calendar_counts_in_the_day_of_ordering_and_in_the_lead_time(
    lamp: int, store: LocationRef
) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    north = make_supply.supplier(
        "north", order_weekdays=[2, 5], delivery_weekdays=[1, 2, 3, 4, 5], lead_time_days=4, cut_off=time(10)
    )
    add_rule(location_id=store.id, supplier_code=north.code, lead_time_days=30.0)
    night()
    (usual,) = opened()
    # 1 June 2026 is a Monday. Ordered on Tuesday it comes on Monday, the 8th, as the supplier doesn't deliver on weekends.
    assert (usual.order_on, usual.expected_on) == (date(2026, 6, 2), date(2026, 6, 8))
    assert usual.inputs["usual_days"] == 5.0, "six days from Tuesdays, four from Fridays; not what the rule says"
    assert (usual.inputs["closed_days"], usual.inputs["next_order_on"]) == (0, "2026-06-09")
    with transaction():
        suppliers.set_closures(north.id, [(date(2026, 6, 13), date(2026, 6, 28), "summer")], by=BY)
    night(NOON + timedelta(hours=1))
    (closed,) = opened()
    assert (closed.inputs["closed_days"], closed.inputs["lead_time_days"]) == (14, 19.0), (
        "the order of the 9th comes on the 29th"
    )
    assert closed.quantity > usual.quantity, "these goods have to last longer"
    with transaction():
        suppliers.set_closures(north.id, [(date(2026, 6, 1), date(2026, 6, 4), "stocktaking")], by=BY)
    night(NOON + timedelta(hours=2))
    assert opened()[0].order_on == date(2026, 6, 5), "the first order day on which somebody is there"


def test_the_cut_off_of_a_known_supplier_moves_the_day_of_ordering(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    north = make_supply.supplier("north", order_weekdays=[1, 4], cut_off=time(10))
    rule = add_rule(location_id=store.id, supplier_code=north.code)
    night()  # at 14:00 in Berlin, on a Monday
    assert opened()[0].order_on == date(2026, 6, 4)
    change_rule(rule, order_weekdays=[1])
    night(NOON + timedelta(hours=1))
    assert opened()[0].order_on == date(2026, 6, 8), "a rule may leave out order days"
    change_rule(rule, order_weekdays=[3])
    night(NOON + timedelta(hours=2))
    assert opened()[0].order_on == date(2026, 6, 4), "on Wednesdays nobody takes it"


def test_lead_times_are_learned_from_what_was_received(lamp: int, store: LocationRef) -> None:
    slow = make_supply.supplier("slow")
    add_rule(location_id=store.id, supplier_code=slow.code, lead_time_days=3.0)
    for took in (18, 20, 22, 20):
        _ordered_and_received(slow, lamp, store, took)
    assert lead_times.learned(at=NOON) == {}  # four deliveries say too little
    _ordered_and_received(slow, lamp, store, 20)
    (learned,) = lead_times.learned(at=NOON).values()
    assert (learned.deliveries, learned.days) == (5, pytest.approx(20))
    assert learned.deviation_days == pytest.approx(1.41, abs=0.05)
    past_sales.sold(lamp, store.id, [week * 2 for week in STEADY], until=NOON)
    night()
    newest = ReplenishmentProposal.objects.filter(state="proposed").get()
    assert newest.inputs["lead_time_days"] == 20
    assert newest.inputs["deliveries"] == 5


def test_an_approved_proposal_becomes_an_order_that_is_received_against(lamp: int, store: LocationRef) -> None:
    supplier = make_supply.supplier("lampco")
    with transaction():
        terms = [suppliers.Term(product_id=lamp, quantities=OrderTerms(case_pack=12))]
        suppliers.set_terms(supplier.id, terms, by=BY)
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id, supplier_code=supplier.code)
    night()
    (proposal,) = opened()
    with transaction():
        (approved,) = proposals.approve([Decision(proposal.pk)], by=BY, at=NOON)
    assert (approved.state, approved.quantity % 12) == ("approved", 0)
    assert proposal.quantity <= approved.quantity < proposal.quantity + 12
    order = purchase_orders.find(UUID(approved.order_reference))
    assert [(line.product_id, line.quantity) for line in order.lines.all()] == [(lamp, approved.quantity)]
    assert (order.state, order.supplier_id, order.location_id) == ("draft", supplier.id, store.id)
    with transaction():
        purchase_orders.approve(order.pk, by=BY, at=NOON)
        purchase_orders.order(order.pk, by=BY, at=NOON)
    assert night() == Made(0, 0, 0)
    proposal.refresh_from_db()
    assert proposal.state == "ordered"
    make_supply.receive(order.pk, (lamp, approved.quantity))
    assert night() == Made(0, 0, 0)


def test_an_order_that_is_called_off_dismisses_its_proposal(lamp: int, store: LocationRef) -> None:
    supplier = make_supply.supplier("lampco")
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id, supplier_code=supplier.code)
    night()
    (proposal,) = opened()
    with transaction():
        (approved,) = proposals.approve([Decision(proposal.pk)], by=BY, at=NOON)
        purchase_orders.cancel(UUID(approved.order_reference), reason="too dear", by=BY, at=NOON)
    night()
    proposal.refresh_from_db()
    assert (proposal.state, proposal.reason) == ("dismissed", "called off")


def test_an_approved_transfer_is_drafted_between_the_stores(lamp: int) -> None:
    short, near = make_inventory.store(), make_inventory.store(latitude=52.40, longitude=13.07)
    past_sales.sold(lamp, short.id, STEADY, until=NOON, left=1)
    past_sales.sold(lamp, near.id, [1] * 40, until=NOON, left=60)
    add_rule(transfer_radius_km=100)
    night()
    (proposal,) = opened()
    with transaction():
        (approved,) = proposals.approve([Decision(proposal.pk)], by=BY, at=NOON)
    transfer = transfers.get(UUID(approved.order_reference))
    assert (transfer.origin_id, transfer.destination_id) == (near.id, short.id)
    assert (transfer.state, transfer.pieces) == ("draft", proposal.quantity)
    with transaction():
        transfers.send(transfer.id, by=BY, at=NOON)
    assert night().proposed == 0
    proposal.refresh_from_db()
    assert proposal.state == "ordered"


def test_without_a_known_supplier_someone_orders_by_hand(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id, supplier_code="unheard-of")
    night()
    (proposal,) = opened()
    with transaction():
        (approved,) = proposals.approve([Decision(proposal.pk)], by=BY, at=NOON)
        assert (approved.state, approved.order_reference) == ("approved", "")
        proposals.mark_ordered({proposal.pk: "by phone, 1 June"}, by=BY, at=NOON)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.order_reference) == ("ordered", "by phone, 1 June")


def test_rules_that_misfire_are_on_the_list(lamp: int, store: LocationRef) -> None:
    full = make_inventory.store()
    with transaction():
        west = groups.set_group("west", "West", [store.id], by=BY)
        city = groups.set_group("city", "City", [store.id], by=BY)
    add_rule(name="west", group_id=west)
    add_rule(name="city", group_id=city)
    add_rule(name="full", location_id=full.id)
    past_sales.sold(lamp, store.id, [*STEADY, 0, 0], until=NOON)  # sold out for two weeks
    past_sales.sold(lamp, full.id, [1] * 40, until=NOON, left=500)
    night()
    found = {(alert.kind, alert.rule.name) for alert in ReplenishmentAlert.objects.select_related("rule")}
    assert found == {("contradiction", "west"), ("stock_out", "west"), ("overstock", "full")}
    for at in (NOON, NOON + timedelta(days=8), NOON + timedelta(days=16)):
        night(at)
        with transaction():
            proposals.dismiss([row.pk for row in opened()], reason="no", by=BY, at=at)
    night(NOON + timedelta(days=17))
    assert ReplenishmentAlert.objects.filter(kind="dismissed", rule__name="west").exists()


def test_retiring_a_rule_withdraws_what_it_proposed(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    rule_id = add_rule(location_id=store.id)
    night()
    change_rule(rule_id, is_active=False)
    assert night().superseded == 1
    assert opened() == []


def test_the_command_says_what_it_did_and_the_task_does_the_same(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    out = StringIO()
    with clock.frozen(NOON):
        call_command("forecast", "--quiet", stdout=out)
        assert "no replenishment rules yet" in out.getvalue()
        add_rule(location_id=store.id)
        assert reorder() == 1
        assert reorder() == 0
        call_command("forecast", "--quiet", stdout=out)
    assert "0 new proposals, 1 as before" in out.getvalue()


def test_the_database_refuses_half_a_proposal(lamp: int, store: LocationRef) -> None:
    past_sales.sold(lamp, store.id, STEADY, until=NOON, left=5)
    add_rule(location_id=store.id)
    night()
    (proposal,) = opened()
    for values in ({"quantity": 0}, {"kind": "transfer"}, {"from_location_id": store.id}, {"state": "ordered"}):
        with pytest.raises(IntegrityError), django_transaction.atomic():
            ReplenishmentProposal.objects.filter(pk=proposal.pk).update(**values)


def _superseded(like: ReplenishmentProposal) -> Any:
    like.pk, like.state, like.order_reference = uuid4(), "superseded", ""
    like.save(force_insert=True)
    return like.pk


def _ordered_and_received(supplier: SupplierRef, product_id: int, store: LocationRef, took_days: int) -> None:
    ordered_at = NOON - timedelta(days=100)
    with clock.frozen(ordered_at):
        order = make_supply.ordered(supplier, store.id, (product_id, 1))
    with clock.frozen(ordered_at + timedelta(days=took_days)):
        make_supply.receive(order.pk, (product_id, 1))
