"""Purchase orders from draft to the last piece: what is allowed when, what comes of it, and what is told of it."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.db import transaction as django_transaction

from commerce import catalog, clock, ids
from commerce.errors import InvalidInput
from commerce.models import AuditEntry, OutboxMessage
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import incoming, valuation
from inventory.errors import (
    NotGoods,
    OrderTermsMissed,
    PurchaseOrderNotFound,
    PurchaseOrderStateWrong,
    ReceivedAlready,
    ReferenceTaken,
)
from inventory.models import Discrepancy, PurchaseOrder, StockEntry, StockLevel
from inventory.procurement import goods_in, purchase_orders, suppliers, unit_costs
from inventory.procurement.goods_in import ReceivedLine
from inventory.procurement.purchase_orders import OrderLine
from inventory.procurement.suppliers import SupplierRef, Term
from inventory.purchasing import MOVES, OrderTerms, PurchaseOrderState
from inventory.stock import Condition
from tests.factories import commerce as shop
from tests.factories import supply as make
from tests.inventory.conftest import Shelf

pytestmark = pytest.mark.django_db
BY = make.TESTER


@pytest.fixture
def supplier(db: None) -> SupplierRef:
    return make.supplier()


def on_hand(shelf: Shelf, condition: Condition = Condition.SELLABLE) -> int:
    level = StockLevel.objects.filter(
        product_id=shelf.product_id, location_id=shelf.store.id, condition=condition.value
    ).first()
    return level.on_hand if level else 0


def told(order: PurchaseOrder) -> list[tuple[dict[str, int], dict[str, int]]]:
    rows = OutboxMessage.objects.filter(event_type="inventory.incoming_changed", payload__reference=str(order.pk))
    return [(row.payload["before"], row.payload["after"]) for row in rows.order_by("id")]


def proven() -> list[checks.Finding]:
    return checks.run()


# --- the way of an order --------------------------------------------------------------------------------------------


def test_an_order_is_drafted_approved_ordered_and_received_in_parts(shelf: Shelf, supplier: SupplierRef) -> None:
    day = clock.now().date() + timedelta(days=20)
    order = make.drafted(supplier, shelf.store.id, (shelf.product_id, 12, day))
    assert (order.state, order.number[:3]) == ("draft", "PO-")
    assert incoming.expected([shelf.product_id]) == []
    with transaction():
        purchase_orders.approve(order.pk, by=BY, at=clock.now())
    assert incoming.expected([shelf.product_id]) == []  # approved is not on its way
    with transaction():
        purchase_orders.order(order.pk, by=BY, at=clock.now())
    [coming] = incoming.expected([shelf.product_id])
    assert (coming.quantity, coming.expected_on, coming.reference) == (12, day, str(order.pk))
    first = make.receive(order.pk, (shelf.product_id, 5))
    assert (first.order.state, first.booked_lines, on_hand(shelf)) == ("partly_received", 1, 15)
    assert incoming.expected([shelf.product_id])[0].quantity == 7
    last = make.receive(order.pk, (shelf.product_id, 7))
    assert (last.order.state, on_hand(shelf)) == ("received", 22)
    assert last.order.closed_at is not None
    assert incoming.expected([shelf.product_id]) == []
    entry = StockEntry.objects.filter(cause_type="purchase_order", cause_id=str(order.pk)).latest("version")
    assert (entry.kind, entry.counterparty, entry.reason) == ("received", "supplier", order.number)
    assert [
        verb.rpartition(".")[2]
        for verb in AuditEntry.objects.filter(object_type="purchase_order", object_id=str(order.pk))
        .order_by("id")
        .values_list("verb", flat=True)
    ] == ["draft", "approve", "order", "receive", "receive"]
    text = day.isoformat()
    assert told(order) == [({}, {text: 12}), ({text: 12}, {text: 7}), ({text: 7}, {})]
    assert not Discrepancy.objects.exists()
    assert proven() == []


def test_every_move_that_is_not_in_the_table_is_refused(shelf: Shelf, supplier: SupplierRef) -> None:
    now = clock.now()
    verbs = {
        "change": lambda pk: purchase_orders.change(pk, make.lines((shelf.product_id, 4)), by=BY, at=now),
        "approve": lambda pk: purchase_orders.approve(pk, by=BY, at=now),
        "order": lambda pk: purchase_orders.order(pk, by=BY, at=now),
        "cancel": lambda pk: purchase_orders.cancel(pk, reason="test", by=BY, at=now),
        "close": lambda pk: goods_in.close(pk, reason="test", by=BY, at=now),
        "receive": lambda pk: goods_in.receive(pk, [ReceivedLine(ids.new(), shelf.product_id, 1)], by=BY, at=now),
    }
    way_to = {
        PurchaseOrderState.DRAFT: [],
        PurchaseOrderState.APPROVED: ["approve"],
        PurchaseOrderState.ORDERED: ["approve", "order"],
        PurchaseOrderState.PARTLY_RECEIVED: ["approve", "order", "receive"],
        PurchaseOrderState.RECEIVED: ["approve", "order", "receive", "receive"],
        PurchaseOrderState.CLOSED_SHORT: ["approve", "order", "close"],
        PurchaseOrderState.CANCELLED: ["cancel"],
    }
    again = {"approve": "approved", "cancel": "cancelled", "close": "closed_short"}
    for state, way in way_to.items():
        for action, verb in verbs.items():
            if again.get(action) == state or (action == "order" and state in ("ordered", "partly_received")):
                continue  # said again, it changes nothing: tested below
            order = make.drafted(supplier, shelf.store.id, (shelf.product_id, 2))
            with transaction():
                for step in way:
                    verbs[step](order.pk)
                assert purchase_orders.find(order.pk).state == state
            if (state, action) in MOVES:
                with transaction():
                    verb(order.pk)
            else:
                with pytest.raises(PurchaseOrderStateWrong) as refused, transaction():
                    verb(order.pk)
                assert refused.value.detail["state"] == state
                assert purchase_orders.find(order.pk).state == state


def test_saying_it_again_changes_nothing(shelf: Shelf, supplier: SupplierRef) -> None:
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    version = purchase_orders.find(order.pk).version
    with transaction():
        again = purchase_orders.draft(
            order.pk, supplier_id=supplier.id, location_id=shelf.store.id, lines=make.lines((shelf.product_id, 99)),
            by=BY, at=clock.now(),
        )  # fmt: skip
        purchase_orders.order(order.pk, by=BY, at=clock.now())
    assert (again.number, again.lines.get().quantity) == (order.number, 5)
    booking = [ids.new()]
    assert make.receive(order.pk, (shelf.product_id, 2), booking_ids=booking).booked_lines == 1
    assert make.receive(order.pk, (shelf.product_id, 2), booking_ids=booking).booked_lines == 0
    assert on_hand(shelf) == 12
    with transaction():
        goods_in.close(order.pk, reason="nothing more", by=BY, at=clock.now())
        goods_in.close(order.pk, reason="nothing more", by=BY, at=clock.now())
    assert make.receive(order.pk, (shelf.product_id, 2), booking_ids=booking).booked_lines == 0  # also when it is over
    assert Discrepancy.objects.count() == 1
    assert purchase_orders.find(order.pk).version == version + 2


def test_a_booking_id_of_something_else_is_refused_and_nothing_moves(shelf: Shelf, supplier: SupplierRef) -> None:
    first = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    second = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    booking = [ids.new()]
    make.receive(first.pk, (shelf.product_id, 1), booking_ids=booking)
    with pytest.raises(PurchaseOrderStateWrong, match="something else"):
        make.receive(second.pk, (shelf.product_id, 1), booking_ids=booking)
    assert on_hand(shelf) == 11


# --- more, fewer, other, damaged ------------------------------------------------------------------------------------


def test_more_than_was_ordered_is_booked_and_becomes_a_discrepancy(shelf: Shelf, supplier: SupplierRef) -> None:
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    done = make.receive(order.pk, (shelf.product_id, 8))
    assert (done.order.state, done.over, on_hand(shelf)) == ("received", {shelf.product_id: 3}, 18)
    found = Discrepancy.objects.get()
    assert (found.kind, found.expected, found.found, found.cause_id) == ("over_delivery", 5, 8, str(order.pk))
    make.receive(order.pk, (shelf.product_id, 2))  # and two more in another box
    assert [(row.expected, row.found) for row in Discrepancy.objects.order_by("recorded_at")] == [(5, 8), (8, 10)]
    assert purchase_orders.find(order.pk).lines.get().received == 10
    assert proven() == []


def test_what_nobody_ordered_comes_in_too_and_is_said(shelf: Shelf, supplier: SupplierRef) -> None:
    stranger = shop.product()
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    done = make.receive(order.pk, (stranger.id, 2))
    assert (done.order.state, done.over) == ("partly_received", {stranger.id: 2})
    found = Discrepancy.objects.get()
    assert (found.kind, found.product_id, found.expected, found.found) == ("over_delivery", stranger.id, 0, 2)
    assert incoming.expected([stranger.id]) == []
    assert proven() == []


def test_closing_short_makes_a_discrepancy_of_each_product_that_is_missing(shelf: Shelf, supplier: SupplierRef) -> None:
    other = shop.product()
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5), (other.id, 3))
    make.receive(order.pk, (shelf.product_id, 2), (other.id, 3))
    with pytest.raises(InvalidInput, match="Say why"), transaction():
        goods_in.close(order.pk, reason=" ", by=BY, at=clock.now())
    with transaction():
        closed = goods_in.close(order.pk, reason="supplier is out of it", by=BY, at=clock.now())
    assert (closed.state, closed.reason) == ("closed_short", "supplier is out of it")
    found = Discrepancy.objects.get()
    assert (found.kind, found.product_id, found.expected, found.found) == ("under_delivery", shelf.product_id, 5, 2)
    assert incoming.expected([shelf.product_id, other.id]) == []
    assert told(order)[-1][1] == {}
    assert proven() == []


def test_damaged_pieces_count_as_received_but_are_not_for_sale(shelf: Shelf, supplier: SupplierRef) -> None:
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    make.receive(order.pk, (shelf.product_id, 2), condition=Condition.DAMAGED)
    done = make.receive(order.pk, (shelf.product_id, 3))
    assert (done.order.state, on_hand(shelf), on_hand(shelf, Condition.DAMAGED)) == ("received", 13, 2)
    assert shelf.figure().available == 13
    with pytest.raises(InvalidInput, match="in transit"):
        make.receive(order.pk, (shelf.product_id, 1), condition=Condition.IN_TRANSIT)


def test_lines_of_one_product_fill_in_the_order_of_their_days(shelf: Shelf, supplier: SupplierRef) -> None:
    early, late = (clock.now().date() + timedelta(days=days) for days in (20, 30))
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 4, late), (shelf.product_id, 6, early))
    make.receive(order.pk, (shelf.product_id, 7))
    assert [(line.expected_on, line.received) for line in order.lines.order_by("number")] == [(late, 1), (early, 6)]
    assert [(one.expected_on, one.quantity) for one in incoming.expected([shelf.product_id])] == [(late, 3)]


# --- changing -------------------------------------------------------------------------------------------------------


def test_a_changed_order_is_told_with_its_dates_before_and_after(shelf: Shelf, supplier: SupplierRef) -> None:
    first, second = (clock.now().date() + timedelta(days=days) for days in (20, 27))
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 10, first))
    make.receive(order.pk, (shelf.product_id, 4))
    with transaction():
        purchase_orders.change(
            order.pk, make.lines((shelf.product_id, 6, first), (shelf.product_id, 6, second)), by=BY, at=clock.now()
        )
    assert [(line.quantity, line.received) for line in order.lines.order_by("number")] == [(6, 4), (6, 0)]
    assert told(order)[-1] == ({first.isoformat(): 6}, {first.isoformat(): 2, second.isoformat(): 6})
    with pytest.raises(ReceivedAlready) as refused, transaction():
        purchase_orders.change(order.pk, make.lines((shelf.product_id, 3)), by=BY, at=clock.now())
    assert (refused.value.detail["wanted"], refused.value.detail["received"]) == (3, 4)
    with transaction():
        done = purchase_orders.change(order.pk, make.lines((shelf.product_id, 4)), by=BY, at=clock.now())
    assert (done.state, told(order)[-1][1]) == ("received", {})
    assert proven() == []


def test_an_approved_order_that_changes_needs_a_new_approval(shelf: Shelf, supplier: SupplierRef) -> None:
    order = make.drafted(supplier, shelf.store.id, (shelf.product_id, 5))
    with transaction():
        purchase_orders.approve(order.pk, by=BY, at=clock.now())
        changed = purchase_orders.change(order.pk, make.lines((shelf.product_id, 50)), by=BY, at=clock.now())
    assert (changed.state, changed.approver, changed.approved_at) == ("draft", "", None)
    with pytest.raises(PurchaseOrderStateWrong), transaction():
        purchase_orders.order(order.pk, by=BY, at=clock.now())


def test_what_came_unordered_stays_on_a_changed_order(shelf: Shelf, supplier: SupplierRef) -> None:
    stranger = shop.product()
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    make.receive(order.pk, (stranger.id, 2))
    with transaction():
        purchase_orders.change(order.pk, make.lines((shelf.product_id, 8)), by=BY, at=clock.now())
    assert sorted(order.lines.values_list("product_id", "quantity", "received")) == sorted(
        [(shelf.product_id, 8, 0), (stranger.id, 0, 2)]
    )
    assert proven() == []


def test_what_came_unordered_counts_against_the_line_that_orders_it_later(shelf: Shelf, supplier: SupplierRef) -> None:
    stranger = shop.product()
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    make.receive(order.pk, (stranger.id, 2))
    wanted = make.lines((shelf.product_id, 5), (stranger.id, 3))
    with transaction():
        purchase_orders.change(order.pk, wanted, by=BY, at=clock.now())
    assert sorted(order.lines.values_list("product_id", "quantity", "received")) == sorted(
        [(shelf.product_id, 5, 0), (stranger.id, 3, 2)]
    )
    with pytest.raises(ReceivedAlready), transaction():
        purchase_orders.change(order.pk, make.lines((stranger.id, 1)), by=BY, at=clock.now())
    assert proven() == []


# --- terms ----------------------------------------------------------------------------------------------------------


def test_quantities_that_the_supplier_does_not_sell_are_refused_with_those_that_fit(
    shelf: Shelf, supplier: SupplierRef
) -> None:
    with transaction():
        suppliers.set_terms(
            supplier.id,
            [Term(product_id=shelf.product_id, quantities=OrderTerms(6, 4, 20), unit_cost_minor=250)],
            by=BY,
        )
    with pytest.raises(OrderTermsMissed) as refused:
        make.drafted(supplier, shelf.store.id, (shelf.product_id, 5))
    assert refused.value.detail["lines"] == [{"sku": shelf.sku, "quantity": 5, "fitting": 24}]
    order = make.drafted(supplier, shelf.store.id, (shelf.product_id, 24))
    assert order.lines.get().unit_cost_minor == 250


def test_an_order_below_the_least_value_is_not_approved(shelf: Shelf) -> None:
    dear = make.supplier(minimum_order_minor=10_000)
    with transaction():
        suppliers.set_terms(dear.id, [Term(product_id=shelf.product_id, unit_cost_minor=999)], by=BY)
    order = make.drafted(dear, shelf.store.id, (shelf.product_id, 10))
    with pytest.raises(OrderTermsMissed, match=r"from 100\.00 EUR; this one comes to 99\.90"), transaction():
        purchase_orders.approve(order.pk, by=BY, at=clock.now())
    with transaction():
        purchase_orders.change(order.pk, make.lines((shelf.product_id, 11)), by=BY, at=clock.now())
        assert purchase_orders.approve(order.pk, by=BY, at=clock.now()).state == "approved"


def test_costs_of_what_came_value_discrepancies(shelf: Shelf, supplier: SupplierRef) -> None:
    assert valuation.COSTS < valuation.PRICES
    assert unit_costs.latest([shelf.product_id], clock.now()) == {}
    with transaction():
        suppliers.set_terms(supplier.id, [Term(product_id=shelf.product_id, unit_cost_minor=300)], by=BY)
    assert unit_costs.latest([shelf.product_id], clock.now())[shelf.product_id] == (300, "EUR")
    with transaction():
        order = purchase_orders.draft(
            ids.new(), supplier_id=supplier.id, location_id=shelf.store.id, by=BY, at=clock.now(),
            lines=[OrderLine(product_id=shelf.product_id, quantity=1, unit_cost_minor=280)],
        )  # fmt: skip
        purchase_orders.approve(order.pk, by=BY, at=clock.now())
        purchase_orders.order(order.pk, by=BY, at=clock.now())
    make.receive(order.pk, (shelf.product_id, 2))
    assert (Discrepancy.objects.get().unit_value_minor, Discrepancy.objects.get().currency) == (280, "EUR")


# --- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quantity", "days", "cost", "field"),
    [
        (0, 1, None, "quantity"),
        (-3, 1, None, "quantity"),
        (1_000_001, 1, None, "quantity"),
        (1, 3_000, None, "expected_on"),
        (1, -200, None, "expected_on"),
        (1, 1, -5, "unit_cost_minor"),
    ],
)
def test_lines_that_make_no_sense_are_refused_by_field(
    shelf: Shelf, supplier: SupplierRef, quantity: int, days: int, cost: int | None, field: str
) -> None:
    line = OrderLine(
        product_id=shelf.product_id, quantity=quantity, unit_cost_minor=cost,
        expected_on=clock.now().date() + timedelta(days=days),
    )  # fmt: skip
    with pytest.raises(InvalidInput) as refused, transaction():
        purchase_orders.draft(
            ids.new(), supplier_id=supplier.id, location_id=shelf.store.id, lines=[line], by=BY, at=clock.now()
        )
    assert refused.value.errors[0]["field"] == f"lines[0].{field}"
    assert not PurchaseOrder.objects.exists()


def test_charges_empty_orders_and_unknown_ones_are_refused(shelf: Shelf, supplier: SupplierRef) -> None:
    with transaction():
        postage = catalog.add_product(sku="POSTAGE-1", name="Postage", kind="charge", by=BY)
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    with pytest.raises(NotGoods):
        make.drafted(supplier, shelf.store.id, (postage.id, 1))
    with pytest.raises(NotGoods):
        make.receive(order.pk, (postage.id, 1))
    with pytest.raises(InvalidInput):
        make.drafted(supplier, shelf.store.id)
    with pytest.raises(InvalidInput):
        make.receive(order.pk, (shelf.product_id, 0))
    with pytest.raises(PurchaseOrderNotFound):
        make.receive(uuid4(), (shelf.product_id, 1))
    assert on_hand(shelf) == 10


def test_a_reference_names_one_order(shelf: Shelf, supplier: SupplierRef) -> None:
    def draft() -> PurchaseOrder:
        with transaction():
            return purchase_orders.draft(
                ids.new(), supplier_id=supplier.id, location_id=shelf.store.id, lines=make.lines((shelf.product_id, 1)),
                reference="A-1", by=BY, at=clock.now(),
            )  # fmt: skip

    first = draft()
    with pytest.raises(ReferenceTaken) as refused:
        draft()
    assert refused.value.detail["number"] == first.number


# --- the database says no -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE inventory_purchaseorder SET state = 'lost'", "purchase_order_state_known"),
        ("UPDATE inventory_purchaseorder SET state = 'cancelled'", "purchase_order_closed_when_over"),
        ("UPDATE inventory_purchaseorder SET source = 'announced'", "purchase_order_announced_has_a_reference"),
        ("UPDATE inventory_purchaseorderline SET received = -1", "purchase_order_line_not_negative"),
        ("UPDATE inventory_purchaseorderline SET quantity = 0", "purchase_order_line_says_something"),
    ],
)
def test_laws_hold_against_code_that_is_wrong(
    shelf: Shelf, supplier: SupplierRef, statement: str, constraint: str
) -> None:
    make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    with pytest.raises(IntegrityError, match=constraint), django_transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_proof_finds_a_line_and_a_state_that_the_journal_does_not_bear_out(
    shelf: Shelf, supplier: SupplierRef
) -> None:
    order = make.ordered(supplier, shelf.store.id, (shelf.product_id, 5))
    make.receive(order.pk, (shelf.product_id, 2))
    assert proven() == []
    with connection.cursor() as cursor:
        cursor.execute("UPDATE inventory_purchaseorderline SET received = 5")
    found = {finding.check: (finding.expected, finding.found) for finding in proven()}
    assert found == {
        "inventory: what came on a purchase order is what the journal booked for it (law 2)": (
            "2 received",
            "5 received",
        ),
        "inventory: a purchase order's state is what its lines say": ("received", "partly_received"),
    }
