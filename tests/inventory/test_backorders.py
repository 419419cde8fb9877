"""Promises from goods to come: capped, first come first served, with dates that follow the supply, and never handed over early."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection
from django.db import transaction as database

from commerce import clock, ids, relay
from commerce.errors import InvalidInput
from commerce.models import OutboxMessage
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import allocations, availability, movements, reservations, tasks
from inventory.allocations import Demand, Promises, Wish
from inventory.errors import GoodsAwaited, InsufficientStock, SharingStateWrong
from inventory.models import Allocation, Backorder, PromisedDate, StockLevel
from inventory.movements import Adjustment
from inventory.procurement import goods_in, purchase_orders
from inventory.promising import backorders, policies
from inventory.reservations import Reserved
from inventory.stock import EntryKind
from tests.factories import inventory as make
from tests.factories import supply
from tests.inventory import promises
from tests.inventory.conftest import BY, Shelf
from tests.inventory.promises import expected, in_days, policy, today
from tests.inventory.sharing import holding

pytestmark = pytest.mark.django_db


def seen(shelf: Shelf) -> availability.Figure:
    return availability.figures([shelf.product_id], channel_id=shelf.channel_id, at=clock.now())[0]


def level(shelf: Shelf) -> StockLevel:
    return StockLevel.objects.get(product_id=shelf.product_id, location_id=shelf.store.id, condition="sellable")


def order(shelf: Shelf, pieces: int, **values: object) -> tuple[UUID, backorders.Waiting | None]:
    """Promise pieces to an order line; return its allocation and what of it waits."""
    demand = Demand(uuid4(), shelf.product_id, shelf.store.id, pieces, **values)  # type: ignore[arg-type]
    wish = Wish([demand], BY, None, shelf.channel_id)
    with transaction():
        decided = Promises([wish], at=clock.now())
        allocated = decided.make(wish)[demand.demand_id]
        decided.write()
    return allocated, decided.waiting.get(demand.demand_id)


def waits(allocation: UUID) -> tuple[int, object]:
    row = Backorder.objects.get(claim_id=allocation)
    return row.quantity - row.filled - row.released, row.promised_on


def handed_over(allocation: UUID, pieces: int) -> None:
    with transaction():
        allocations.leave([(allocation, pieces)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())


def books_are_clean() -> bool:
    return not list(checks.run())


def test_a_policy_lets_so_many_be_promised_as_it_says_and_no_piece_more(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=7)
    figure = seen(shelf)
    assert (figure.available, figure.backorderable, figure.orderable) == (10, 5, 15)
    assert level(shelf).backorder_limit == 5
    refusal = shelf.reserve(16)
    assert isinstance(refusal, InsufficientStock)
    assert refusal.detail["lines"][0]["available"] == 15
    _, waiting = order(shelf, 15)
    assert waiting == backorders.Waiting(5, in_days(7))
    with pytest.raises(InsufficientStock):
        order(shelf, 1)
    figure = seen(shelf)
    assert (figure.on_hand, figure.allocated, figure.waiting, figure.free, figure.orderable) == (10, 15, 5, 0, 0)


def test_the_database_holds_the_cap_when_python_is_wrong(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=7)
    with (
        pytest.raises(IntegrityError, match="stock_level_not_oversold"),
        database.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE inventory_stocklevel SET allocated = 16 WHERE id = %s", [level(shelf).pk])


def test_dates_come_first_come_first_served_from_dated_deliveries_less_safety(shelf: Shelf) -> None:
    policy(shelf, 50, safety=2)
    assert seen(shelf).backorderable == 0, "nothing is on its way, and the policy names no other day"
    expected(shelf, 10, 10)
    expected(shelf, 10, 20)
    assert seen(shelf).backorderable == 18
    order(shelf, 10)
    first, second, third = order(shelf, 8), order(shelf, 1), order(shelf, 9)
    assert [one[1].promised_on for one in (first, second, third) if one[1]] == [in_days(10), in_days(20), in_days(20)]
    with pytest.raises(InsufficientStock):
        order(shelf, 1)


def test_a_hold_may_wait_too_becomes_an_order_without_a_gap_and_gives_back_what_it_leaves(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=7)
    held = shelf.reserve(13)
    assert (seen(shelf).waiting, seen(shelf).backorderable) == (3, 2)
    shelf.allocate(12, reservation_id=held.id)
    assert (seen(shelf).waiting, seen(shelf).backorderable, seen(shelf).free) == (2, 3, 0)
    short_lived = shelf.reserve(3, minutes=1)
    assert isinstance(shelf.reserve(1), InsufficientStock)
    later = clock.now() + timedelta(minutes=2)
    assert availability.figures([shelf.product_id], at=later)[0].backorderable == 3, "an expired hold never counts"
    with transaction():
        reservations.release(short_lived.id, channel_id=shelf.channel_id, by=BY, at=clock.now())
    assert seen(shelf).backorderable == 3
    assert books_are_clean()


def test_goods_that_arrive_go_to_those_who_wait_in_order_and_are_told(shelf: Shelf) -> None:
    policy(shelf, 10, lead_days=7)
    order(shelf, 10)
    first, second = order(shelf, 3)[0], order(shelf, 4)[0]
    shelf.receive(5)
    assert (waits(first)[0], waits(second)[0]) == (0, 2)
    assert seen(shelf).available == 0, "what came is for those who waited"
    told = OutboxMessage.objects.filter(event_type="promise.revised").order_by("id")
    assert [(one.payload["reason"], one.payload["waiting"]) for one in told] == [("goods_arrived", 0)]
    assert told[0].channel_id == shelf.channel_id
    shelf.receive(5)
    assert (waits(second)[0], seen(shelf).available) == (0, 3)
    assert books_are_clean()


def test_a_cancelled_order_frees_goods_for_who_waits_longest(shelf: Shelf) -> None:
    policy(shelf, 10, lead_days=7)
    real, waiting = order(shelf, 10)[0], order(shelf, 4)[0]
    with transaction():
        allocations.release([(real, 3)], by=BY, at=clock.now(), reason="cancelled")
    assert waits(waiting)[0] == 1
    with transaction():
        allocations.release([(waiting, 2)], by=BY, at=clock.now(), reason="cancelled")
    assert waits(waiting)[0] == 0, "what waits goes first"
    assert (seen(shelf).waiting, seen(shelf).free, seen(shelf).available) == (0, 1, 1)


def test_goods_that_are_not_there_are_never_handed_over(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=7)
    allocation = order(shelf, 12)[0]
    with pytest.raises(GoodsAwaited, match="2 of 12 pieces are not there yet; they are expected on") as refused:
        handed_over(allocation, 12)
    assert refused.value.detail == {"waiting": 2, "promised_on": in_days(7).isoformat()}
    handed_over(allocation, 10)
    assert level(shelf).on_hand == 0
    with pytest.raises(GoodsAwaited):
        handed_over(allocation, 1)
    shelf.receive(2)
    handed_over(allocation, 2)
    assert level(shelf).on_hand == 0


def test_what_never_came_is_not_booked_off_when_it_is_not_found(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=7)
    allocation = order(shelf, 12)[0]
    with transaction():
        allocations.not_found([(allocation, 12)], by=BY, at=clock.now())
    row = level(shelf)
    assert (row.on_hand, row.allocated) == (0, 0)
    assert seen(shelf).waiting == 0
    policy(shelf, 5, lead_days=7, name="Newer")
    only_waiting = order(shelf, 2)[0]
    shelf_before = level(shelf).on_hand
    with transaction():
        allocations.not_found([(only_waiting, 2)], by=BY, at=clock.now())
    assert level(shelf).on_hand == shelf_before == 0
    assert books_are_clean()


def test_promises_follow_the_supply_honestly_and_every_revision_stays(shelf: Shelf) -> None:
    policy(shelf, 10)
    delivery = expected(shelf, 6, 12)
    order(shelf, 10)
    allocation = order(shelf, 6)[0]
    assert waits(allocation) == (6, in_days(12))

    def moved(*lines: tuple[int, int]) -> None:
        with transaction():
            purchase_orders.change(
                delivery.pk,
                supply.lines(*((shelf.product_id, pieces, in_days(days)) for pieces, days in lines)),
                by=BY,
                at=clock.now(),
            )
        relay.drain(within=10)

    moved((6, 15))
    assert waits(allocation) == (6, in_days(15))
    moved((6, -1))  # late: nobody believes that day any more
    assert waits(allocation) == (6, None)
    moved((6, 3))
    assert waits(allocation) == (6, in_days(3))
    moved((4, 3))
    assert waits(allocation) == (6, None), "two of its pieces have no day"
    backorder = Backorder.objects.get(claim_id=allocation)
    dates = PromisedDate.objects.filter(backorder=backorder).order_by("revision")
    assert [one.promised_on for one in dates] == [in_days(12), in_days(15), None, in_days(3), None]
    assert [one.revision for one in dates] == [1, 2, 3, 4, 5]
    told = OutboxMessage.objects.filter(event_type="promise.revised").order_by("id")
    assert [one.payload["promised_on"] for one in told] == [
        one.promised_on.isoformat() if one.promised_on else None for one in list(dates)[1:]
    ]
    assert told[0].payload["promised_before"] == in_days(12).isoformat()
    with pytest.raises(IntegrityError, match="journal"), database.atomic():
        PromisedDate.objects.filter(backorder=backorder).update(promised_on=today())


def test_goods_received_on_their_order_are_handed_to_who_waits(shelf: Shelf) -> None:
    policy(shelf, 10)
    delivery = expected(shelf, 6, 12)
    order(shelf, 10)
    first, second = order(shelf, 4)[0], order(shelf, 2)[0]
    with transaction():
        goods_in.receive(delivery.pk, [goods_in.ReceivedLine(uuid4(), shelf.product_id, 5)], by=BY, at=clock.now())
    relay.drain(within=10)
    assert (waits(first)[0], waits(second)[0]) == (0, 1)
    assert waits(second)[1] == in_days(12)
    assert seen(shelf).backorderable == 0


def test_a_preorder_is_promised_for_its_release_and_never_before(shelf: Shelf) -> None:
    new = make.store()
    policy(shelf, 100, kind="preorder", release_on=in_days(30), location_id=new.id)
    there = Shelf(shelf.product_id, shelf.sku, new, shelf.channel_id)
    assert order(there, 40)[1] == backorders.Waiting(40, in_days(30)), "the level was made, nothing is on hand"
    expected(there, 50, 3)
    assert order(there, 5)[1] == backorders.Waiting(5, in_days(30)), "early goods are not released early"
    expected(there, 30, 45)
    late = order(there, 30)[1]
    assert late is not None
    assert late.promised_on == in_days(45)


def test_channels_that_a_policy_does_not_name_have_no_part_in_it(shelf: Shelf) -> None:
    other = promises.another_channel()
    policy(shelf, 5, lead_days=3, channel_ids=(other.pk,))
    assert seen(shelf).backorderable == 0
    assert isinstance(shelf.reserve(11), InsufficientStock)
    assert availability.figures([shelf.product_id], channel_id=other.pk, at=clock.now())[0].backorderable == 5


def test_pickups_get_goods_to_come_only_if_those_are_there_in_time(shelf: Shelf) -> None:
    policy(shelf, 10, lead_days=4)
    with pytest.raises(InsufficientStock) as refused:
        order(shelf, 11, needed_by=in_days(3))
    assert refused.value.detail["lines"][0]["available"] == 10
    assert order(shelf, 11, needed_by=in_days(4))[1] == backorders.Waiting(1, in_days(4))


def test_what_is_withheld_from_a_channel_is_not_taken_by_its_backorders(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=4)
    holding("fixed", 4)
    assert (seen(shelf).available, seen(shelf).backorderable) == (6, 5)
    allocation, waiting = order(shelf, 8)
    assert waiting is not None
    assert waiting.pieces == 2
    assert shelf.figure().available == 4, "the pieces that were kept back are still there for others"
    shelf.receive(1)
    assert waits(allocation)[0] == 1


def test_goods_that_vanish_let_the_youngest_promise_wait(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=4)
    old, young = order(shelf, 6)[0], order(shelf, 4)[0]
    with transaction():
        movements.adjust([Adjustment(ids.new(), shelf.product_id, shelf.store.id, -3, "broken")], by=BY, at=clock.now())
    assert waits(young) == (3, in_days(4))
    assert not Backorder.objects.filter(claim_id=old).exists()
    told = OutboxMessage.objects.get(event_type="promise.revised")
    assert (told.payload["reason"], told.payload["waiting"]) == ("goods_missing", 3)
    handed_over(old, 6)
    assert Allocation.objects.get(pk=young).shipped == 0


def test_goods_that_vanish_let_a_basket_wait_too_and_its_order_hears_an_honest_date(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=4)
    order(shelf, 6)
    basket = shelf.reserve(4)
    assert isinstance(basket, Reserved)
    with transaction():
        movements.adjust([Adjustment(ids.new(), shelf.product_id, shelf.store.id, -3, "broken")], by=BY, at=clock.now())
    assert not Backorder.objects.filter(claim_kind="allocation").exists(), "the basket is younger than the order"
    demand = Demand(uuid4(), shelf.product_id, shelf.store.id, 4)
    wish = Wish([demand], BY, basket.id, shelf.channel_id)
    with transaction():
        decided = Promises([wish], at=clock.now())
        decided.make(wish)
        decided.write()
    assert decided.waiting[demand.demand_id] == backorders.Waiting(3, in_days(4))
    assert not OutboxMessage.objects.filter(event_type="promise.revised").exists(), "it was told with the order already"
    assert books_are_clean()


def test_a_basket_whose_time_is_over_takes_no_goods_from_promises(shelf: Shelf) -> None:
    """Nobody swept it: it still stands in the level, and all that waited for it counts for nothing."""
    policy(shelf, 5, lead_days=4)
    old, _ = order(shelf, 10)
    shelf.reserve(2)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        shelf.receive(1)
        assert not Backorder.objects.filter(claim_id=old).exists()
        assert not OutboxMessage.objects.filter(event_type="promise.revised").exists()
        assert seen(shelf).available == 1


def test_a_policy_ends_and_what_it_promised_stays(shelf: Shelf) -> None:
    made = policy(shelf, 5, lead_days=4, until=clock.now() + timedelta(hours=1))
    order(shelf, 12)
    later = clock.now() + timedelta(hours=2)
    assert availability.figures([shelf.product_id], at=later)[0].backorderable == 0, "at once, whoever swept"
    with transaction():
        assert policies.apply_due(by=BY, at=later) == 1
    assert level(shelf).backorder_limit == 2, "as many as wait"
    with transaction():
        policies.end(made, by=BY, at=clock.now())
    with pytest.raises(SharingStateWrong), transaction():
        policies.end(made, by=BY, at=clock.now())
    shelf.receive(2)
    with transaction():
        policies.apply_due(by=BY, at=later)
    assert level(shelf).backorder_limit == 0


def test_promises_whose_day_passed_are_looked_at_again(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=2)
    allocation = order(shelf, 12)[0]
    later: datetime = clock.now() + timedelta(days=4)
    assert backorders.late(at=later, at_most=10) == [shelf.product_id]
    with transaction():
        assert backorders.revise([shelf.product_id], by=BY, at=later) == 1
    assert waits(allocation) == (2, None), "honest: nobody knows"
    assert backorders.late(at=later, at_most=10) == []


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("cap", {"cap": 0}),
        ("cap", {"cap": -4}),
        ("safety", {"safety": -1}),
        ("lead_days", {"lead_days": -3}),
        ("kind", {"kind": "later"}),
        ("release_on", {"kind": "preorder"}),
        ("product", {"category": "Lamps"}),
        ("product", {"product_id": 0}),
        ("location", {"location_id": 0}),
        ("channels", {"channel_ids": (0,)}),
        ("name", {"name": "  "}),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_field(shelf: Shelf, field: str, values: dict[str, object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        policy(shelf, **{"cap": 5, **values})  # type: ignore[arg-type]
    assert field in {error["field"] for error in refused.value.errors}
    assert level(shelf).backorder_limit == 0


def test_the_periodic_task_meets_new_levels_and_what_ended(shelf: Shelf) -> None:
    with transaction():
        made = policies.make(
            policies.Draft(name="All of it", kind="backorder", cap=3, lead_days=2, product_id=shelf.product_id),
            by=BY,
            at=clock.now(),
        )
    other = make.store()
    make.receive(shelf.product_id, other.id, 1)
    assert tasks.follow_promises() == 1
    figures = availability.figures([shelf.product_id], channel_id=shelf.channel_id, at=clock.now())
    assert [figure.backorderable for figure in figures] == [3, 3]
    with transaction():
        policies.end(made, by=BY, at=clock.now())
    assert not StockLevel.objects.filter(backorder_limit__gt=0).exists()
    assert tasks.follow_promises() == 0


def test_the_proof_finds_promises_that_nobody_waits_for_and_waits_without_a_promise(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=2)
    allocation = order(shelf, 12)[0]
    assert books_are_clean()
    Backorder.objects.filter(claim_id=allocation).update(filled=1)
    assert "waits for goods" in str(checks.run()[0])
    Backorder.objects.filter(claim_id=allocation).update(filled=0, quantity=30)
    assert len(checks.run()) == 2
