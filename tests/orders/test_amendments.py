"""Amendments: what the preview says is what a confirmation does, to the piece and the cent, or nothing happens."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest

from commerce import clock
from commerce.channels.contracts import IncomingLine
from commerce.errors import CommerceError, InvalidInput
from commerce.models import AuditEntry, OutboxMessage
from commerce.operations import checks
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory import availability
from inventory.errors import InsufficientStock
from orders import errors, holds, pickup, pickup_windows, queries, shipping
from orders.amendments import changing
from orders.amendments.wishes import Amendment, Division, Union
from orders.models import OrderAmendment
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import pricing as prices

pytestmark = pytest.mark.django_db
BERLIN = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def preview(order, wanted: Amendment, **options):
    with transaction():
        return changing.preview(order.id, wanted, by=ground.TESTER, at=clock.now(), **options)


def confirm(order, wanted: Amendment, basis: str | None = None, **options):
    basis = basis or preview(order, wanted).basis
    with transaction():
        changing.confirm(order.id, wanted, basis, by=ground.TESTER, at=clock.now(), **options)
    return queries.order(order.id)


def keep(order, line: int, quantity: int) -> Amendment:
    return Amendment(quantities={order.lines[line].id: quantity}, reason="customer_asked")


def figure(shop: make.Shop, product: int = 0):
    return availability.figures([shop.products[product].id], location_ids=[shop.store.id], at=clock.now())[0]


def left(shop: make.Shop, starts_at) -> int:
    windows = pickup_windows.open_windows(shop.store, at=clock.now(), days=8)
    return next(window.left for window in windows if window.starts_at == starts_at)


@pytest.fixture
def _books_agree():
    yield
    assert checks.run() == []


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_books_agree")]


# --- looking ---------------------------------------------------------------------------------------------------------


def test_a_preview_says_before_and_after_and_changes_nothing(shop):
    order = shop.place({0: 3, 1: 1})
    entries, messages = AuditEntry.objects.count(), OutboxMessage.objects.count()
    seen = preview(order, keep(order, 0, 1)).document
    assert [(one["quantity_before"], one["quantity_after"]) for one in seen["lines"]] == [(3, 1), (1, 1)]
    assert (seen["totals"]["before_minor"], seen["totals"]["after_minor"]) == (4760, 2380)
    assert seen["totals"]["back_minor"] == 2380
    assert seen["fulfilments"][0]["pieces_after"] == 2
    assert {"customer_told", "money_back"} <= set(seen["consequences"])
    assert queries.order(order.id) == order
    assert (figure(shop).allocated, AuditEntry.objects.count(), OutboxMessage.objects.count()) == (3, entries, messages)


def test_the_same_question_has_the_same_basis_and_another_state_another(shop):
    order = shop.place({0: 3})
    first = preview(order, keep(order, 0, 1)).basis
    assert preview(order, keep(order, 0, 1)).basis == first
    assert preview(order, keep(order, 0, 2)).basis != first
    shop.act(pickup.accept, order.fulfilments[0])
    with pytest.raises(errors.PreviewOutdated) as refused:
        confirm(order, keep(order, 0, 1), first)
    assert refused.value.detail["preview"]["basis"] == preview(order, keep(order, 0, 1)).basis
    assert queries.order(order.id).pieces == 3
    assert not OrderAmendment.objects.exists()


# --- fewer ------------------------------------------------------------------------------------------------------------


def test_confirmed_it_is_as_it_was_looked_at(shop):
    order = shop.place({0: 3, 1: 1})
    after = confirm(order, keep(order, 0, 1))
    assert (after.pieces, after.total_minor, figure(shop).allocated) == (2, 2380, 1)
    told = OutboxMessage.objects.get(event_type="order.changed").payload
    assert (told["pieces_cancelled"], told["difference_minor"], told["total_minor"]) == (2, -2380, 2380)
    assert OrderAmendment.objects.get().document["totals"]["after_minor"] == 2380


def test_a_line_called_off_while_it_is_picked_is_put_back(shop):
    order = shop.accepted({0: 2, 1: 1})
    part = order.fulfilments[0]
    shop.scan(part, 0)
    shop.scan(part, 0)
    seen = preview(order, keep(order, 0, 0)).document
    assert [(one["sku"], one["pieces"]) for one in seen["put_back"]] == [(shop.products[0].sku, 2)]
    assert {"picker_sees_it", "put_back"} <= set(seen["consequences"])
    after = confirm(order, keep(order, 0, 0))
    assert [(line.picked, line.rejected) for line in after.fulfilments[0].lines] == [(0, 2), (0, 0)]
    shop.scan(part, 1)
    shop.act(pickup.mark_ready, part)
    assert queries.order(order.id).status.value == "ready"


def test_pieces_called_off_after_ready_leave_the_rest_ready(shop):
    order = shop.ready({0: 3})
    after = confirm(order, keep(order, 0, 2))
    assert (after.status.value, after.pieces, figure(shop).available) == ("ready", 2, 8)
    shop.act(pickup.hand_over, after.fulfilments[0], after.fulfilments[0].pickup_code)
    assert figure(shop).on_hand == 8


def test_the_last_piece_called_off_cancels_the_order_its_window_and_its_charges(shop):
    postage = ground.product(kind="charge")
    prices.prices({postage.id: 490}, price_list=prices.price_list("postage"))
    order = shop.place(lines=(*shop.lines({0: 2}), IncomingLine(product_id=postage.id, quantity=1)))
    start = order.fulfilments[0].window_starts_at
    goods = next(line for line in order.lines if line.product_id == shop.products[0].id)
    wanted = Amendment(quantities={goods.id: 0})
    assert {"order_cancelled", "part_cancelled", "window_freed"} <= set(preview(order, wanted).document["consequences"])
    after = confirm(order, wanted)
    assert (after.status.value, after.total_minor, after.pieces) == ("cancelled", 0, 0)
    assert (left(shop, start), figure(shop).available) == (10, 10)
    assert OutboxMessage.objects.filter(event_type="order.cancelled").count() == 1


def test_what_has_left_is_not_called_off(shop):
    order = shop.ready()
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    with pytest.raises(errors.CannotChange, match="return"):
        preview(order, keep(order, 0, 0))


# --- more ------------------------------------------------------------------------------------------------------------


def test_more_of_a_line_costs_what_it_cost_on_the_day_of_the_order(shop):
    order = shop.place({0: 1})
    since = clock.now() + timedelta(minutes=5)
    prices.prices({shop.products[0].id: 1500}, price_list=prices.price_list("dearer", priority=9), valid_from=since)
    with clock.frozen(since):
        assert preview(order, Amendment(additions={shop.products[0].id: 1})).document["totals"]["more_minor"] == 1500
        assert preview(order, keep(order, 0, 3)).document["totals"]["more_minor"] == 2 * make.PRICE_MINOR
        after = confirm(order, keep(order, 0, 3))
    assert [(line.quantity, line.total_minor) for line in after.lines] == [(1, 1190), (2, 2380)]
    assert (after.total_minor, figure(shop).allocated) == (3570, 3)
    assert sum(line.quantity for line in after.fulfilments[0].lines) == 3


def test_a_product_is_added_at_todays_price_and_picked_with_the_rest(shop):
    order = shop.accepted({0: 1})
    wanted = Amendment(additions={shop.products[1].id: 2})
    after = confirm(order, wanted)
    part = after.fulfilments[0]
    assert (after.pieces, len(part.lines)) == (3, 2)
    shop.scan(part, 0)
    with pytest.raises(errors.LinesStillOpen):
        shop.act(pickup.mark_ready, part)


def test_more_beside_a_packed_order_becomes_a_part_of_its_own(shop):
    order = shop.ready()
    after = confirm(order, Amendment(additions={shop.products[1].id: 1}))
    assert sorted(one.state for one in after.fulfilments) == ["placed", "ready"]
    codes = {one.pickup_code for one in after.fulfilments}
    assert len(codes) == 2
    assert all(codes)


def test_more_than_there_is_changes_nothing(shop):
    order = shop.place({0: 1})
    with pytest.raises(InsufficientStock):
        preview(order, keep(order, 0, 50))
    with suppress(CommerceError), transaction():
        changing.confirm(
            order.id, Amendment(quantities={order.lines[0].id: 0}, additions={shop.products[1].id: 50}), "x",
            by=ground.TESTER, at=clock.now(),
        )  # fmt: skip
    assert queries.order(order.id) == order
    assert figure(shop).allocated == 1


# --- elsewhere, apart, together --------------------------------------------------------------------------------------


def test_an_address_in_the_same_country_is_changed_and_not_told_to_the_journal(shop):
    order = shop.place(method="ship", ship_to=BERLIN)
    after = confirm(order, Amendment(ship_to={**BERLIN, "street": "Geheimweg 7", "postal_code": "10117"}))
    assert (after.ship_to["street"], after.ship_to["postal_code"]) == ("Geheimweg 7", "10117")
    assert "Geheimweg" not in str(OrderAmendment.objects.get().document)
    assert "Geheimweg" not in str(list(AuditEntry.objects.values_list("after", "before")))


@pytest.mark.parametrize(
    ("change", "field"),
    [({"country": "CH", "postal_code": "8001"}, "ship_to.country"), ({"postal_code": "27498"}, "ship_to.postal_code")],
)
def test_an_address_of_another_tax_is_refused_with_the_field(shop, change, field):
    order = shop.place(method="ship", ship_to=BERLIN)
    with pytest.raises(errors.AddressNotServed) as refused:
        preview(order, Amendment(ship_to={**BERLIN, **change}))
    assert refused.value.errors[0]["field"] == field


def test_a_packed_parcel_keeps_its_address_and_a_pickup_has_none(shop):
    parcel = shop.ready(method="ship", ship_to=BERLIN)
    for order in (parcel, shop.place()):
        with pytest.raises(errors.CannotChange):
            preview(order, Amendment(ship_to={**BERLIN, "street": "Weg 2"}))
    shop.act(shipping.ship, parcel.fulfilments[0])


def test_split_and_merged_again_the_goods_are_the_same(shop):
    order = shop.place({0: 3, 1: 1}, method="ship", ship_to=BERLIN)
    one = order.fulfilments[0].id
    apart = confirm(order, Amendment(divisions=(Division(one, {order.lines[0].id: 2}),)))
    assert sorted(sum(line.quantity for line in part.lines) for part in apart.fulfilments) == [2, 2]
    assert (apart.total_minor, figure(shop).allocated) == (order.total_minor, 3)
    other = next(part.id for part in apart.fulfilments if part.id != one)
    together = confirm(apart, Amendment(unions=(Union(other, one),)))
    states = {part.id: part.state for part in together.fulfilments}
    assert (states[one], states[other]) == ("placed", "cancelled")
    assert (together.pieces, figure(shop).allocated, together.status.value) == (4, 3, "open")


def test_a_whole_line_gets_a_part_of_its_own(shop):
    order = shop.place({0: 3, 1: 1}, method="ship", ship_to=BERLIN)
    apart = confirm(order, Amendment(divisions=(Division(order.fulfilments[0].id, {order.lines[0].id: 3}),)))
    assert sorted([line.quantity for line in part.lines] for part in apart.fulfilments) == [[1], [3]]
    assert (apart.pieces, figure(shop).allocated) == (4, 3)


def test_splitting_needs_something_left_behind_and_nobody_at_work(shop):
    order = shop.place({0: 2}, method="ship", ship_to=BERLIN)
    whole = Amendment(divisions=(Division(order.fulfilments[0].id, {order.lines[0].id: 2}),))
    with pytest.raises(errors.CannotChange):
        preview(order, whole)
    shop.act(pickup.accept, order.fulfilments[0])
    with pytest.raises(errors.CannotChange, match="accepted"):
        preview(order, Amendment(divisions=(Division(order.fulfilments[0].id, {order.lines[0].id: 1}),)))


# --- guards ------------------------------------------------------------------------------------------------------------


def test_bad_wishes_name_their_field(shop):
    order = shop.place({0: 2})
    for wanted, field in (
        (Amendment(), "lines"),
        (Amendment(quantities={uuid4(): 1}), "lines"),
        (Amendment(quantities={order.lines[0].id: -1}), "lines"),
        (Amendment(additions={shop.products[1].id: 0}), "additions"),
        (Amendment(quantities={order.lines[0].id: 2}), "lines"),
        (Amendment(quantities={order.lines[0].id: 1}, reason="x" * 201), "reason"),
    ):
        with pytest.raises(InvalidInput) as refused:
            preview(order, wanted)
        assert refused.value.errors[0]["field"] == field
    with pytest.raises(errors.OrderNotFound):
        preview(order, keep(order, 0, 1), channel_id=ground.channel().pk)


def test_an_order_on_hold_can_be_changed_and_stays_on_hold(shop):
    order = shop.place({0: 2}, method="ship", ship_to=BERLIN)
    with transaction():
        holds.place(order.id, "address", by=ground.TESTER, at=clock.now())
    after = confirm(order, Amendment(ship_to={**BERLIN, "street": "Weg 99"}))
    assert after.held_for == ["address"]


# --- the API ------------------------------------------------------------------------------------------------------------


def test_a_channel_previews_and_confirms_once(shop, client):
    order = shop.place({0: 3})
    headers = ground.key(shop.channel, Scope.ORDERS_WRITE).headers
    address = f"/api/v1/orders/{order.id}/amendments"

    def post(body, **more):
        return client.post(address, body, content_type="application/json", **headers, **more)

    wish = {"lines": [{"line_number": 1, "quantity": 1}], "additions": [{"sku": shop.products[1].sku, "quantity": 1}]}
    seen = post(wish).json()
    assert seen["order"] is None
    assert seen["preview"]["totals"]["after_minor"] == 2380
    assert queries.order(order.id).version == order.version
    done = post({**wish, "basis": seen["preview"]["basis"]}, HTTP_IDEMPOTENCY_KEY="amend-1")
    assert done.status_code == 200, done.content
    assert done.json()["order"]["totals"]["total_minor"] == 2380
    assert {"change", "split", "cancel", "hold"} <= set(done.json()["order"]["allowed_actions"])
    again = post({**wish, "basis": seen["preview"]["basis"]}, HTTP_IDEMPOTENCY_KEY="amend-1")
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", done.json())
    outdated = post({"lines": [{"line_number": 1, "quantity": 0}], "basis": seen["preview"]["basis"]})
    assert (outdated.status_code, outdated.json()["code"]) == (409, "preview_outdated")
    assert outdated.json()["preview"]["totals"]["after_minor"] == 1190
    wrong = post({"lines": [{"line_number": 9, "quantity": 0}]})
    assert (wrong.status_code, wrong.json()["errors"][0]["value"]) == (400, 9)
