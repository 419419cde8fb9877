"""How goods are bought, for the machine of goods: ordered by the house or announced by a supplier, changed, received, given up."""

from collections import Counter
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from commerce import ids
from inventory import incoming
from inventory.procurement import goods_in, purchase_orders
from inventory.procurement.goods_in import ReceivedLine
from inventory.procurement.purchase_orders import OrderLine
from inventory.purchasing import COMING, PurchaseOrderState
from inventory.stock import Condition, Counterparty, EntryKind
from tests.machines.goods_model import Booked, Key, Purchase
from tests.machines.known_goods import EXPECTED_ON, needs, step
from tests.machines.moving_goods import (
    MovingGoods,
    late,
    mostly_sellable,
    of_products,
    pieces,
    places,
    products,
    rarely,
)

State = PurchaseOrderState
# Where each decision leads from where it may be made; the same again, where it changes nothing.
DECISIONS = {
    "approve": ({State.DRAFT: State.APPROVED}, {State.APPROVED}),
    "order": ({State.APPROVED: State.ORDERED}, {*COMING}),
    "cancel": (
        {State.DRAFT: State.CANCELLED, State.APPROVED: State.CANCELLED, State.ORDERED: State.CANCELLED},
        {State.CANCELLED},
    ),
}


class BoughtGoods(MovingGoods):
    @step(place=places, wanted=of_products)
    def draft_purchase(self, place: int, wanted: list[tuple[int, int]]) -> None:
        """Nothing of it is on its way yet."""
        order_id, summed = ids.new(), self._summed(wanted)
        self.say(
            "", purchase_orders.draft, order_id, supplier_id=self.ground.supplier.id, location_id=self.place(place),
            lines=self._lines(summed), is_once=True,
        )  # fmt: skip
        self.goods.purchases[order_id] = Purchase(self.place(place), dict(summed), state=State.DRAFT)

    @needs(lambda self: self.goods.purchases)
    @step(data=st.data(), what=st.sampled_from([*DECISIONS, "change"]), wanted=of_products)
    def decide_purchase(self, data: Any, what: str, wanted: list[tuple[int, int]]) -> None:
        """Approve, order, cancel or change any order, also where that can't be done any more."""
        order_id = data.draw(st.sampled_from(list(self.goods.purchases)))
        purchase = self.goods.purchases[order_id]
        if what == "change":
            self._change(order_id, self._summed(wanted))
            return
        leads, done = DECISIONS[what]
        code = "" if purchase.state in leads or purchase.state in done else "purchase_order_state_wrong"
        said = {"reason": "machine"} if what == "cancel" else {}
        self.say(code, getattr(purchase_orders, what), order_id, **said)
        purchase.state = leads.get(purchase.state, purchase.state)

    def _change(self, order_id: UUID, wanted: Counter[int]) -> None:
        """An order gets other lines, but none that say less than has come; what was approved is a draft again."""
        purchase = self.goods.purchases[order_id]
        code = ""
        if purchase.state not in (State.DRAFT, State.APPROVED, *COMING):
            code = "purchase_order_state_wrong"
        elif any(
            came > wanted[product]
            for product, came in purchase.received.items()
            if product in wanted or purchase.ordered.get(product)
        ):
            code = "received_already"
        elif any(came and product not in wanted for product, came in purchase.received.items()):
            return  # what came unordered stays on the order beside its lines: said in its own tests
        self.say(code, purchase_orders.change, order_id, self._lines(wanted))
        if code:
            return
        purchase.ordered = dict(wanted)
        if purchase.state is State.APPROVED:
            purchase.state = State.DRAFT
        elif purchase.state in COMING and purchase.is_complete:
            purchase.state = State.RECEIVED

    def _summed(self, wanted: list[tuple[int, int]]) -> Counter[int]:
        summed = Counter[int]()
        for product, quantity in wanted:
            summed[self.product(product)] += quantity
        return summed

    def _lines(self, wanted: Counter[int]) -> list[OrderLine]:
        return [OrderLine(product_id=one, quantity=many, expected_on=EXPECTED_ON) for one, many in wanted.items()]

    @step(place=places, wanted=of_products)
    def announce_delivery(self, place: int, wanted: list[tuple[int, int]]) -> None:
        order_id, summed = ids.new(), self._summed(wanted)
        self.say(
            "", purchase_orders.announce, order_id, supplier_id=self.ground.supplier.id, reference=str(order_id),
            location_id=self.place(place), lines=self._lines(summed),
        )  # fmt: skip
        self.goods.purchases[order_id] = Purchase(self.place(place), dict(summed))

    @needs(lambda self: self.goods.purchases)
    @step(
        data=st.data(),
        came=st.lists(st.tuples(products, pieces, mostly_sellable), min_size=1, max_size=2),
        seconds=late,
    )
    def receive_delivery(self, data: Any, came: list[tuple[int, int, Condition]], seconds: int | None) -> None:
        """What was ordered, fewer, more, or something else: it is there, so it is booked. Or the rest is given up."""
        order_id = data.draw(st.sampled_from(list(self.goods.purchases)))
        if data.draw(rarely, label="is closed short"):
            self._close_short(order_id)
            return
        purchase = self.goods.purchases[order_id]
        made = [
            ReceivedLine(ids.new(), self.product(product), quantity, condition) for product, quantity, condition in came
        ]
        is_expected = purchase.state in (*COMING, State.RECEIVED)
        code = "" if is_expected else "purchase_order_state_wrong"
        self.say(code, goods_in.receive, order_id, made, occurred_at=self.earlier(seconds), is_once=True)
        if code:
            return
        for line in made:
            key = Key(line.product_id, purchase.location_id, line.condition)
            self.goods.move(
                key, line.quantity, EntryKind.RECEIVED, Counterparty.SUPPLIER, at=self.now,
                occurred_at=self.earlier(seconds),
            )  # fmt: skip
            self.goods.booked[line.id] = Booked([(key, line.quantity, Counterparty.SUPPLIER)], "came on an order")
            purchase.received[line.product_id] += line.quantity
        purchase.state = State.RECEIVED if purchase.is_complete else State.PARTLY_RECEIVED

    def _close_short(self, order_id: UUID) -> None:
        purchase = self.goods.purchases[order_id]
        code = "" if purchase.state in (*COMING, State.CLOSED_SHORT) else "purchase_order_state_wrong"
        self.say(code, goods_in.close, order_id, reason="machine", is_once=True)
        if not code:
            purchase.state = State.CLOSED_SHORT

    @invariant()
    def what_is_bought_is_on_its_way(self) -> None:
        """What was ordered and has not come, and nothing of what is merely drafted, given up or called off."""
        coming: Counter[Key] = Counter()
        for purchase in self.goods.purchases.values():
            for product, quantity in purchase.ordered.items() if purchase.state in COMING else ():
                coming[Key(product, purchase.location_id)] += max(quantity - purchase.received[product], 0)
        told: Counter[Key] = Counter()
        for one in incoming.expected([product.id for product in self.ground.products]):
            if one.source == incoming.PURCHASE_ORDER:
                told[Key(one.product_id, one.location_id)] += one.quantity
        assert +told == +coming

    @rule(
        data=st.data(),
        what=st.sampled_from(
            ["announce_delivery", "draft_purchase", *["decide_purchase"] * 2, *["receive_delivery"] * 2]
        ),
    )
    def buy(self, data: Any, what: str) -> None:
        self.take(what, data)
