"""Changes and returns in any order: no unit comes back twice, no cent is lost or made, nothing is left hanging."""

from collections import Counter
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from django.db import connection
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from commerce import clock
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.roles import Permission
from commerce.transactions import transaction
from inventory.stock import Condition
from orders import cancellation, holds, picking, pickup, queries, totals
from orders.amendments import changing
from orders.amendments.wishes import Amendment, Division, Union
from orders.lifecycle import TERMINAL, State
from orders.models import OrderRefund, OwedRefund, ReturnLine
from orders.payments import following
from orders.return_states import Origin, Reason
from orders.returns import counter, files, lists, refunding
from orders.returns.chances import Coming
from orders.returns.counter import Brought
from orders.returns.files import Found
from tests.factories import orders as make
from tests.factories import payments as money
from tests.factories import pricing as prices
from tests.machines.examples import BEGINNING, SECONDS_TO_SHRINK, Done, RolledBack, bounded

BY = Actor.system("machine")
PIECES = 30
PRICES = [1333, 999, 7]  # a few cents less on a line, and its units don’t divide it
RIGHTS = frozenset({Permission.REFUND_ORDERS, Permission.APPROVE_REFUNDS})

lines = st.integers(0, 5)
counts = st.integers(0, 6)
some = st.integers(1, 3)
conditions = st.sampled_from(["sellable", "quality_control", "damaged"])


class AfterSaleMachine(RolledBack):
    """One paid order of three lines, whose amounts don't divide by their units."""

    shop: ClassVar[make.Shop]

    @initialize(
        wanted=st.lists(st.integers(1, 5), min_size=3, max_size=3),
        cents=st.lists(st.integers(0, 4), min_size=3, max_size=3),
    )
    def place_and_pay(self, wanted: list[int], cents: list[int]) -> None:
        with clock.frozen(self.now):
            order = self.shop.place(dict(enumerate(wanted)))
            with connection.cursor() as cursor:  # a discount of a few cents on each line
                for line, less in zip(order.lines, cents, strict=True):
                    cursor.execute(
                        "UPDATE orders_orderline SET total_minor = total_minor - %s WHERE id = %s", [less, str(line.id)]
                    )
                cursor.execute(
                    "UPDATE orders_order SET total_minor = total_minor - %s WHERE id = %s", [sum(cents), str(order.id)]
                )
            self.id = order.id
            self.paid = order.total_minor - sum(cents)
            money.payment(order.id, self.paid, authorised=self.paid, captured=self.paid)
        self.back: Counter[str] = Counter()

    @property
    def order(self) -> queries.OrderView:
        return queries.order(self.id)

    def line(self, number: int) -> queries.LineView:
        found = self.order.lines
        return found[number % len(found)]

    # --- changes --------------------------------------------------------------------------------------------------------

    @rule(number=lines, quantity=counts)
    def want_other_pieces(self, number: int, quantity: int) -> None:
        self.change(Amendment(quantities={self.line(number).id: quantity}))

    @rule(number=st.integers(0, 2), quantity=some)
    def add_goods(self, number: int, quantity: int) -> None:
        self.change(Amendment(additions={self.shop.products[number].id: quantity}))

    @rule(number=lines, part=st.integers(0, 3), quantity=some)
    def split(self, number: int, part: int, quantity: int) -> None:
        parts = self.order.fulfilments
        self.change(Amendment(divisions=(Division(parts[part % len(parts)].id, {self.line(number).id: quantity}),)))

    @rule(first=st.integers(0, 3), second=st.integers(0, 3))
    def merge(self, first: int, second: int) -> None:
        parts = self.order.fulfilments
        self.change(Amendment(unions=(Union(parts[first % len(parts)].id, parts[second % len(parts)].id),)))

    def change(self, wanted: Amendment) -> None:
        """What a preview says is what a confirmation does, and a refusal of the one is a refusal of the other."""
        before = self.order
        seen = self.attempt(changing.preview, self.id, wanted, by=BY, at=self.now)
        assert self.order == before
        if isinstance(seen, CommerceError):
            again = self.attempt(changing.confirm, self.id, wanted, "none", by=BY, at=self.now)
            assert isinstance(again, CommerceError)
            assert again.code == seen.code
            return
        came = self.attempt(changing.confirm, self.id, wanted, seen.value.basis, by=BY, at=self.now)
        assert isinstance(came, Done)
        sums, after = seen.value.document["totals"], self.order
        assert (after.total_minor, after.tax_minor, after.pieces) == (
            sums["after_minor"], sums["tax_after_minor"], sums["pieces_after"]
        )  # fmt: skip

    @rule()
    def cancel_all(self) -> None:
        self.attempt(cancellation.cancel_order, self.id, by=BY, at=self.now)

    @rule(kind=st.sampled_from(["payment", "address"]), is_end=st.booleans())
    def hold(self, kind: str, is_end: bool) -> None:
        self.attempt(holds.release if is_end else holds.place, self.id, kind, by=BY, at=self.now)

    # --- work -----------------------------------------------------------------------------------------------------------

    @rule(part=st.integers(0, 3), pieces=counts)
    def work_on(self, part: int, pieces: int) -> None:
        """Accept and pick some of a part; hand over what is ready."""
        one = self.order.fulfilments[part % len(self.order.fulfilments)]
        user = self.shop.clerk
        who: dict[str, Any] = {"user": user, "by": Actor.staff(user), "at": self.now}
        self.attempt(pickup.accept, one.id, **who)
        for line in one.lines:
            code = next(product.gtins[0] for product in self.shop.products if product.id == line.product_id)
            for _ in range(min(pieces, max(line.missing, 0))):
                self.attempt(picking.scan, one.id, uuid4(), code, **who)
        self.attempt(pickup.mark_ready, one.id, **who)

    @rule(part=st.integers(0, 3))
    def hand_over(self, part: int) -> None:
        one = self.order.fulfilments[part % len(self.order.fulfilments)]
        user = self.shop.clerk
        self.attempt(pickup.hand_over, one.id, one.pickup_code, user=user, by=Actor.staff(user), at=self.now)

    # --- after the sale -------------------------------------------------------------------------------------------------

    @rule(number=lines, quantity=some, condition=conditions)
    def take_back(self, number: int, quantity: int, condition: str) -> None:
        brought = [Brought(self.line(number).id, Reason.WITHDRAWAL, **{condition: quantity})]
        came = self.attempt(counter.take_back, self.id, brought, self.shop.store.id, by=BY, at=self.now)
        if isinstance(came, Done):
            self.back[condition] += quantity

    @rule(number=lines, quantity=some, instead=st.integers(0, 2))
    def exchange(self, number: int, quantity: int, instead: int) -> None:
        brought = [Brought(self.line(number).id, Reason.DOES_NOT_FIT, sellable=quantity)]
        wanted = {self.shop.products[instead].id: 1}
        came = self.attempt(counter.exchange, self.id, brought, wanted, self.shop.store.id, by=BY, at=self.now)
        if isinstance(came, Done):
            self.back["sellable"] += quantity

    @rule(number=lines, quantity=some, keeps=st.booleans())
    def announce(self, number: int, quantity: int, keeps: bool) -> None:
        coming = [Coming(self.line(number).id, quantity, Reason.DAMAGED)]
        self.attempt(files.announce, self.id, coming, origin=Origin.CHANNEL, keeps_goods=keeps, by=BY, at=self.now)

    @precondition(lambda self: lists.of_order(self.id))
    @rule(
        number=st.integers(0, 4),
        step=st.sampled_from(["receive", "inspect", "refund", "refuse", "cancel"]),
        lost=st.booleans(),
    )
    def go_on_with_a_return(self, number: int, step: str, lost: bool) -> None:
        found = lists.of_order(self.id)
        one = found[number % len(found)]
        match step:
            case "receive":
                self.attempt(files.receive, one.id, self.shop.store.id, by=BY, at=self.now)
            case "inspect":
                seen = {line.id: Found(sellable=line.quantity - lost, missing=int(lost)) for line in one.live}
                came = self.attempt(files.inspect, one.id, seen, by=BY, at=self.now)
                if isinstance(came, Done):
                    self.back["sellable"] += sum(each.sellable for each in seen.values())
            case "refund":
                self.attempt(refunding.refund, one.id, by=BY, at=self.now)
            case "refuse":
                self.attempt(files.refuse, one.id, "worn", by=BY, at=self.now)
            case "cancel":
                self.attempt(files.cancel, one.id, by=BY, at=self.now)

    @rule(amount=st.integers(1, 200))
    def give_goodwill(self, amount: int) -> None:
        self.attempt(refunding.goodwill, self.id, amount, "sorry", permissions=RIGHTS, by=BY, at=self.now)

    # --- laws -----------------------------------------------------------------------------------------------------------

    @invariant()
    def money_is_what_the_units_cost(self) -> None:
        if not hasattr(self, "id"):
            return
        order = self.order
        assert order.total_minor == sum(line.remaining_minor for line in order.lines)
        returned: dict[Any, list[ReturnLine]] = {}
        for row in ReturnLine.objects.filter(of_return__order_id=self.id, is_void=False, is_exchanged=False):
            returned.setdefault(row.order_line_id, []).append(row)
        for line in order.lines:
            shares = totals.unit_shares(line.total_minor, line.quantity)
            units = [
                unit
                for row in returned.get(line.id, [])
                for unit in range(row.first_unit, row.first_unit + row.quantity)
            ]
            assert len(units) == len(set(units))
            assert all(unit < line.quantity - line.cancelled for unit in units)
            for row in returned.get(line.id, []):
                if row.refund_minor is not None:
                    assert row.refund_minor == sum(shares[row.first_unit : row.first_unit + row.quantity])

    @invariant()
    def goods_are_where_they_went(self) -> None:
        if not hasattr(self, "id"):
            return
        gone = sum(
            line.quantity - line.rejected
            for part in self.order.fulfilments
            if part.state == State.HANDED_OVER.value
            for line in part.lines
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT condition, sum(on_hand), sum(allocated), sum(held) FROM inventory_stocklevel"
                " WHERE location_id = %s GROUP BY condition",
                [self.shop.store.id],
            )
            found = {row[0]: row[1:] for row in cursor.fetchall()}
        kept = PIECES * len(self.shop.products) - gone
        assert found[Condition.SELLABLE.value][0] == kept + self.back["sellable"]
        for condition in ("quality_control", "damaged"):
            assert found.get(condition, (0,))[0] == self.back[condition]
        owed = sum(
            line.quantity - line.rejected
            for part in self.order.fulfilments
            if State(part.state) not in TERMINAL
            for line in part.lines
        )
        assert found[Condition.SELLABLE.value][1:] == (owed, 0)

    def at_the_end(self) -> None:
        """What was paid and not given back is what the goods cost that the customer keeps, or still gets."""
        with clock.frozen(self.now), transaction():
            following.follow(self.id, by=BY, at=self.now)
        order = self.order
        refunded = sum(row.amount_minor for row in OrderRefund.objects.filter(order_id=self.id, is_granted=True))
        owed = OwedRefund.objects.filter(order_id=self.id)
        given = sum(row.amount_minor - row.uncovered_minor for row in owed)
        kept = max(order.total_minor - refunded, 0)  # goodwill may be more than what is kept in the end
        assert self.paid - given <= kept
        if order.total_minor <= self.paid:
            assert self.paid - given == kept
        if all(State(part.state) in TERMINAL for part in order.fulfilments):
            assert order.held_for == []


@pytest.mark.slow
@pytest.mark.timeout(SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_changes_and_returns_in_any_order_lose_nothing() -> None:
    with clock.frozen(BEGINNING):
        shop = make.shop(pieces=PIECES)
        for product, price in zip(shop.products, PRICES, strict=True):
            prices.prices({product.id: price}, price_list=prices.price_list(f"after-{product.id}", priority=9))
        AfterSaleMachine.shop = shop
    run_state_machine_as_test(AfterSaleMachine, settings=bounded(examples=12, steps=20))
