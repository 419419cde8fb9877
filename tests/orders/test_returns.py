"""Returns: each unit comes back once and is paid back once, as it was priced, wherever and in whatever order it comes."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection

from commerce import clock
from commerce.channels.contracts import IncomingLine
from commerce.errors import InvalidInput, NotAllowed
from commerce.models import OutboxMessage
from commerce.operations import checks
from commerce.roles import Permission, Scope
from commerce.transactions import savepoint, transaction
from inventory import availability
from inventory.stock import Condition
from orders import errors, pickup, queries
from orders.amendments import changing
from orders.amendments.wishes import Amendment
from orders.models import OrderRefund, ReturnLine
from orders.payments import following, refunds
from orders.return_states import RETURN_MOVES, RETURN_OVER, Origin, Reason, ReturnState, return_actions
from orders.returns import counter, files, policies, refunding
from orders.returns.counter import Brought
from orders.returns.files import Coming, Found
from orders.returns.refunding import Deduction
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import payments as money
from tests.factories import pricing as prices

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_books_agree")]
AGENT = frozenset({Permission.REFUND_ORDERS})
MANAGER = frozenset({Permission.REFUND_ORDERS, Permission.APPROVE_REFUNDS})


@pytest.fixture
def _books_agree(db):
    yield
    assert checks.run() == []


def call(verb, *args, **options):
    options = {"by": ground.TESTER, "at": clock.now()} | options
    with transaction():
        return verb(*args, **options)


def fetched(shop: make.Shop, quantities=None, **values):
    """An order that its customer has."""
    order = shop.ready(quantities, **values)
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    return queries.order(order.id)


def announce(order, quantities: dict[int, int], reason=Reason.WITHDRAWAL, **options):
    coming = [Coming(order.lines[line].id, count, reason) for line, count in quantities.items()]
    return call(files.announce, order.id, coming, origin=options.pop("origin", Origin.SERVICE), **options)


def brought(order, line: int = 0, *, deduction=None, reason=Reason.WITHDRAWAL, **counts) -> Brought:
    return Brought(order.lines[line].id, reason, deduction=deduction, **(counts or {"sellable": 1}))


def level(shop, product: int = 0, condition: Condition = Condition.SELLABLE, place=None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT on_hand FROM inventory_stocklevel WHERE product_id = %s AND location_id = %s AND condition = %s",
            [shop.products[product].id, (place or shop.store).id, condition.value],
        )
        row = cursor.fetchone()
    return row[0] if row else 0


def lines_of(return_id) -> list[ReturnLine]:
    return list(ReturnLine.objects.filter(of_return_id=return_id).order_by("id"))


def paid_back(order) -> int:
    return sum(row.amount_minor for row in OrderRefund.objects.filter(order_id=order.id, is_granted=True))


# --- the way of a return -----------------------------------------------------------------------------------------------


def test_a_parcel_comes_back_is_looked_at_booked_and_paid_back(shop):
    order = fetched(shop, {0: 3})
    return_id = announce(order, {0: 2})
    call(files.send, return_id, "DHL-77")
    call(files.receive, return_id, shop.store.id)
    assert (level(shop), paid_back(order)) == (7, 0)
    (line,) = lines_of(return_id)
    call(files.inspect, return_id, {line.pk: Found(sellable=1, damaged=1)})
    assert (level(shop), level(shop, condition=Condition.DAMAGED), paid_back(order)) == (8, 1, 0)
    done = call(refunding.refund, return_id)
    assert (done.amount_minor, paid_back(order)) == (2380, 2380)
    states = [one.payload["state"] for one in OutboxMessage.objects.filter(event_type="return.changed").order_by("pk")]
    assert states == ["announced", "in_transit", "received", "inspected", "inspected", "settled"]
    assert refunds.for_cause(("return", done.refund_id)).amount_minor == 2380


def test_restock_and_refund_are_facts_of_their_own_each_once(shop):
    order = fetched(shop, {0: 2})
    return_id = announce(order, {0: 2})
    with pytest.raises(errors.ReturnStateWrong, match="inspected first"):
        call(refunding.refund, return_id)
    call(files.receive, return_id, shop.store.id)
    (line,) = lines_of(return_id)
    call(files.inspect, return_id, {line.pk: Found(sellable=2)})
    with pytest.raises(errors.ReturnStateWrong):
        call(files.inspect, return_id, {line.pk: Found(sellable=2)})
    assert level(shop) == 10
    call(refunding.refund, return_id)
    assert call(refunding.refund, return_id).amount_minor == 0
    assert paid_back(order) == 2380
    for change in ("refund_minor = 1", "is_void = true", "damaged = 1, sellable = 0", "restocked_at = NULL"):
        with pytest.raises(IntegrityError), transaction(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE orders_returnline SET {change} WHERE id = %s", [str(line.pk)])


@pytest.mark.parametrize("order_of_units", [(1, 1, 1), (2, 1), (1, 2), (3,)])
def test_p15_in_whatever_order_they_come_back_forty_euros_are_paid_back(shop, order_of_units):
    prices.prices({shop.products[2].id: 4000}, price_list=prices.price_list("p15", priority=5))
    order = fetched(shop, {2: 1, 0: 3})
    line = next(one for one in order.lines if one.product_id == shop.products[0].id)
    with connection.cursor() as cursor:  # three for two: what three pieces cost is not a multiple of three
        cursor.execute("UPDATE orders_orderline SET total_minor = 4000 WHERE id = %s", [str(line.id)])
        cursor.execute("UPDATE orders_order SET total_minor = total_minor + 430 WHERE id = %s", [str(order.id)])
    given = []
    for count in order_of_units:
        taken = call(counter.take_back, order.id, [Brought(line.id, Reason.WITHDRAWAL, sellable=count)], shop.store.id)
        given.append(taken.refunded.amount_minor)
    assert sum(given) == 4000
    assert given[0] == {1: 1333, 2: 2666, 3: 4000}[order_of_units[0]]


def test_nothing_comes_back_twice_or_that_was_not_delivered(shop):
    order = fetched(shop, {0: 2})
    announce(order, {0: 1})
    with pytest.raises(errors.NotReturnable, match="1 of them"):
        announce(order, {0: 2})
    with pytest.raises(errors.NotReturnable):
        announce(shop.place(), {0: 1})
    first = lines_of(ReturnLine.objects.get().of_return_id)[0]
    for unit in (0, 5):  # back already; never delivered
        with pytest.raises(errors.NotReturnable), transaction(), savepoint():
            ReturnLine.objects.create(
                of_return_id=first.of_return_id, order_line_id=first.order_line_id, first_unit=unit, quantity=1,
                reason="other",
            )  # fmt: skip


def test_goods_come_back_in_any_store_of_the_customs_area(shop):
    order = fetched(shop, {0: 1})
    vienna = goods.store(country="AT", time_zone="Europe/Vienna")
    zurich = goods.store(country="CH", time_zone="Europe/Zurich")
    return_id = announce(order, {0: 1})
    with pytest.raises(errors.NotReturnable, match="customs"):
        call(files.receive, return_id, zurich.id)
    call(files.receive, return_id, vienna.id)
    call(files.inspect, return_id, {lines_of(return_id)[0].pk: Found(quality_control=1)})
    assert level(shop, condition=Condition.QUALITY_CONTROL, place=vienna) == 1


def test_what_is_not_in_the_parcel_is_neither_booked_nor_refunded_and_may_come_later(shop):
    order = fetched(shop, {0: 2, 1: 1})
    return_id = announce(order, {0: 2, 1: 1})
    call(files.receive, return_id, shop.store.id)
    first, second = sorted(lines_of(return_id), key=lambda line: -line.quantity)
    call(files.inspect, return_id, {first.pk: Found(sellable=1, missing=1), second.pk: Found(missing=1)})
    assert call(refunding.refund, return_id).amount_minor == 1190
    announce(order, {0: 1, 1: 1})


def test_refused_and_called_off_returns_free_their_units(shop):
    order = fetched(shop, {0: 1})
    first = announce(order, {0: 1})
    call(files.cancel, first, "keeps it")
    second = announce(order, {0: 1})
    call(files.receive, second, shop.store.id)
    with pytest.raises(InvalidInput):
        call(files.refuse, second, " ")
    call(files.refuse, second, "worn and washed")
    assert level(shop) == 9
    announce(order, {0: 1})


def test_every_state_of_a_return_has_an_exit():
    for state in ReturnState:
        assert bool(return_actions(state)) is (state not in RETURN_OVER)
    reachable = set(RETURN_OVER)
    for _ in ReturnState:
        reachable |= {source for (source, _action), target in RETURN_MOVES.items() if target in reachable}
    assert reachable == set(ReturnState)


# --- until when ------------------------------------------------------------------------------------------------------


def test_fourteen_days_by_law_longer_by_policy_never_for_hygiene_and_two_years_for_a_defect(shop):
    order = fetched(shop, {0: 1, 1: 1, 2: 1})
    with transaction():
        policies.set_policy(days=30, product_id=shop.products[1].id, by=ground.TESTER)
        policies.set_policy(days=0, product_id=shop.products[2].id, reason="hygiene", by=ground.TESTER)
    with pytest.raises(errors.NotReturnable, match="hygiene"):
        announce(order, {2: 1})
    with clock.frozen(clock.now() + timedelta(days=20)):
        with pytest.raises(errors.NotReturnable, match="until 2026-12-02"):
            announce(order, {0: 1})
        announce(order, {1: 1})
        announce(order, {0: 1}, reason=Reason.DEFECT)
        call(files.announce, order.id, [Coming(order.lines[2].id, 1, Reason.WITHDRAWAL)], origin=Origin.COUNTER,
             overridden="regular customer")  # fmt: skip


# --- money -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def postage(shop: make.Shop) -> IncomingLine:
    product = ground.product(kind="charge")
    prices.prices({product.id: 490}, price_list=prices.price_list("postage"))
    return IncomingLine(product_id=product.id, quantity=1)


def test_postage_comes_back_with_the_last_of_the_goods(shop, postage):
    order = shop.accepted(lines=(*shop.lines({0: 2}), postage))
    for _ in range(2):
        shop.scan(order.fulfilments[0])
    shop.act(pickup.mark_ready, order.fulfilments[0])
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    line = next(one for one in order.lines if one.product_id == shop.products[0].id)
    one = [Brought(line.id, Reason.WITHDRAWAL, sellable=1)]
    first = call(counter.take_back, order.id, one, shop.store.id).refunded
    last = call(counter.take_back, order.id, one, shop.store.id).refunded
    assert (first.amount_minor, first.charges_minor) == (1190, 0)
    assert (last.amount_minor, last.charges_minor) == (1680, 490)
    assert paid_back(order) == order.total_minor


def test_what_came_back_and_what_is_called_off_are_both_paid_back_in_full(shop):
    order = shop.ready({0: 1, 1: 1})
    money.payment(order.id, 2380, authorised=2380, captured=2380)
    with transaction():
        refunding.goodwill(order.id, 200, "late", permissions=AGENT, by=ground.TESTER, at=clock.now())
        wanted = Amendment(quantities={order.lines[1].id: 0})
        seen = changing.preview(order.id, wanted, by=ground.TESTER, at=clock.now())
        changing.confirm(order.id, wanted, seen.basis, by=ground.TESTER, at=clock.now())
        for _ in range(2):  # looked at again, nothing more is owed
            following.follow(order.id, by=ground.TESTER, at=clock.now())
    assert sorted(owed.amount_minor for owed in refunds.of_order(order.id)) == [200, 1190]


def test_a_deduction_has_a_reason_and_leaves_something(shop):
    order = fetched(shop, {0: 2})
    worn = Deduction(300, "worn")
    assert (
        call(counter.take_back, order.id, [brought(order, deduction=worn)], shop.store.id).refunded.amount_minor == 890
    )
    for wrong in (Deduction(5000, "x"), Deduction(100, " "), Deduction(-1, "x")):
        with pytest.raises(InvalidInput):
            call(counter.take_back, order.id, [brought(order, deduction=wrong)], shop.store.id)


def test_a_customer_may_keep_it_and_is_refunded_at_once(shop):
    order = fetched(shop, {0: 1})
    return_id = announce(order, {0: 1}, reason=Reason.DAMAGED, keeps_goods=True)
    done = call(refunding.refund, return_id)
    assert (done.amount_minor, level(shop)) == (1190, 9)
    assert OrderRefund.objects.get().kind == "claim"
    assert OutboxMessage.objects.filter(event_type="return.changed").last().payload["state"] == "settled"


def test_goodwill_has_a_limit_and_above_it_a_second_person(shop):
    order = fetched(shop, {0: 5})
    assert not call(refunding.goodwill, order.id, 1000, "late", permissions=AGENT).is_waiting
    big = call(refunding.goodwill, order.id, 3000, "twice late", permissions=AGENT)
    assert big.is_waiting
    assert refunds.for_cause(("goodwill", big.refund_id)) is None
    with pytest.raises(NotAllowed):
        call(refunding.decide, big.refund_id, True, permissions=MANAGER)
    with pytest.raises(NotAllowed), transaction(), connection.cursor() as cursor:  # the database says so, too
        cursor.execute(
            "UPDATE orders_orderrefund SET decided_at = asked_at, is_granted = true, decided_by_id = asked_by_id"
            " WHERE needs_second"
        )
    call(refunding.decide, big.refund_id, True, permissions=MANAGER, by=shop.by)
    assert refunds.for_cause(("goodwill", big.refund_id)).amount_minor == 3000
    with pytest.raises(errors.RefundTooHigh):
        call(refunding.goodwill, order.id, order.total_minor, "all of it", permissions=MANAGER)
    for amount, reason in ((0, "x"), (100, " ")):
        with pytest.raises(InvalidInput):
            call(refunding.goodwill, order.id, amount, reason, permissions=MANAGER)


def test_an_exchange_settles_the_difference_only(shop):
    prices.prices({shop.products[1].id: 1500, shop.products[2].id: 900}, price_list=prices.price_list("x", priority=5))
    order = fetched(shop, {0: 2})
    dearer = call(counter.exchange, order.id, [brought(order)], {shop.products[1].id: 1}, shop.store.id)
    assert (dearer.more_minor, dearer.refunded.amount_minor) == (310, 0)
    after = queries.order(order.id)
    assert (after.total_minor, level(shop)) == (1190 + 1500, 9)
    part = next(one for one in after.fulfilments if one.state == "placed")
    shop.act(pickup.accept, part)
    shop.scan(part, 1)
    shop.act(pickup.mark_ready, part)
    shop.act(pickup.hand_over, part, part.pickup_code)
    cheaper = call(counter.exchange, order.id, [brought(order)], {shop.products[2].id: 1}, shop.store.id)
    assert (cheaper.more_minor, cheaper.refunded.amount_minor) == (0, 290)
    assert queries.order(order.id).total_minor == 1500 + 900
    assert availability.figures([shop.products[2].id], location_ids=[shop.store.id], at=clock.now())[0].allocated == 1


# --- the API ------------------------------------------------------------------------------------------------------------


def test_a_channel_announces_follows_and_settles_its_returns(shop, client):
    order = fetched(shop, {0: 2})
    headers = ground.key(shop.channel, Scope.ORDERS_READ, Scope.RETURNS_WRITE).headers

    def post(address, body, **more):
        return client.post(f"/api/v1/returns{address}", body, content_type="application/json", **headers, **more)

    body = {"order": str(order.id), "lines": [{"line_number": 1, "quantity": 1, "reason": "does_not_fit"}]}
    announced = post("", body, HTTP_IDEMPOTENCY_KEY="r-1")
    assert announced.status_code == 201, announced.content
    assert post("", body, HTTP_IDEMPOTENCY_KEY="r-1").json() == announced.json()
    one = announced.json()
    assert (one["state"], one["worth_minor"], one["allowed_actions"]) == (
        "announced",
        1190,
        ["send", "receive", "cancel"],
    )
    early = post(f"/{one['id']}/refund", {})
    assert (early.status_code, early.json()["code"]) == (409, "return_state_wrong")
    post(f"/{one['id']}/send", {"label": "DHL-1"})
    received = post(f"/{one['id']}/receive", {"location": shop.store.code}).json()
    assert (received["state"], received["location"]) == ("received", shop.store.code)
    line = {"id": one["lines"][0]["id"]}
    wrong = post(f"/{one['id']}/inspect", {"lines": [{**line, "sellable": 5}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "lines")
    post(f"/{one['id']}/inspect", {"lines": [{**line, "sellable": 1}]})
    settled = post(f"/{one['id']}/refund", {"deductions": [{**line, "amount_minor": 190, "reason": "worn"}]}).json()
    assert (settled["state"], settled["refund_minor"]) == ("settled", 1000)
    listed = client.get("/api/v1/returns", {"order": str(order.id)}, **headers).json()
    assert [found["number"] for found in listed["items"]] == [one["number"]]
    assert client.get(f"/api/v1/returns/{one['id']}", **headers).json()["version"] == settled["version"]
    elsewhere = ground.key(ground.channel(), Scope.ORDERS_READ).headers
    assert client.get(f"/api/v1/returns/{one['id']}", **elsewhere).status_code == 404
    too_many = post("", {"order": str(order.id), "lines": [{"line_number": 1, "quantity": 9, "reason": "other"}]})
    assert (too_many.status_code, too_many.json()["lines"][0]["left"]) == (409, 1)
