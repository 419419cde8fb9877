"""One machine over all doors: whatever is done with orders, in any sequence, in the end nothing is left hanging.

Placing by every way and several in one order, kits, coupons and limits, parcels to a store, two kinds of payments and
chargebacks, picking, waves, packing, handing over, moves, no-shows, changes, holds, returns, exchanges, refunds, a provider that
is late, doubled and out of order. After every step the product's own proofs hold (`the_books_are_right`); when all is driven to
its exit no goods, windows, days, limits or money hang (`nothing_hangs`). `KONTOR_MACHINE=250x60` runs as many examples of as many
steps by hand.
"""

import os
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from commerce import clock, ids
from commerce.roles import Permission
from inventory.promising import purchase_limits
from orders import (
    arrivals,
    cancellation,
    holds,
    intake_terms,
    picking,
    pickup,
    pickup_moves,
    pickup_windows,
    shortage_choices,
    to_store,
    visits,
)
from orders.amendments import changing
from orders.amendments.wishes import Amendment, Division, MethodChange, Union
from orders.floor import Choice
from orders.hold_kinds import HoldKind
from orders.lifecycle import COLLECTED, Method, State
from orders.paying import PaymentVerb
from orders.payments import asking, errands, ledger
from orders.picking import RejectReason
from orders.return_states import Origin, Reason
from orders.returns import counter, files, lists, refunding
from orders.returns.chances import Coming
from orders.returns.counter import Brought
from orders.returns.files import Found
from orders.routing import worlds
from orders.waves import rounds, totes
from pricing import facts
from tests.machines.doors import BY, CARDS, EveryDoor, prepare, provider, routes_later
from tests.machines.examples import BEGINNING, SECONDS_TO_SHRINK, Done, bounded

RIGHTS = frozenset({Permission.REFUND_ORDERS, Permission.APPROVE_REFUNDS})
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 20, 24 * 60, 8 * 24 * 60))
MOST_ORDERS = 4

some = st.integers(0, 5)  # which one
few = st.integers(1, 3)
ways = st.sampled_from(("pickup", "curbside", "ship", "same_day", "ship_to_store"))
lines = st.lists(st.tuples(st.integers(0, 3), few, ways, st.integers(0, 1)), min_size=1, max_size=3)
payments = st.sampled_from(("card", "card", "gift card", "demo", "cash", *CARDS))
conditions = st.sampled_from(("sellable", "quality_control", "damaged"))
there_are_orders = precondition(lambda self: self.orders)


class EveryDoorMachine(EveryDoor):
    @initialize(is_later=st.booleans())
    def begin(self, is_later: bool) -> None:
        routes_later(self, is_later)

    # --- placing and paying -------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.orders) < MOST_ORDERS)
    @rule(wanted=lines, customer=st.integers(0, 1), has_coupon=st.booleans(), paid=st.lists(payments, max_size=2))
    def order_and_pay(self, wanted: Any, customer: int, has_coupon: bool, paid: list[str]) -> None:
        made = self.place(wanted, customer=customer, has_coupon=has_coupon)
        for how in paid if made else ():
            self.pay(made.id, how)

    @there_are_orders
    @rule(order=some, how=payments, amount=st.none() | st.integers(1, 900))
    def pay_more(self, order: int, how: str, amount: int | None) -> None:
        self.pay(self.order(order).id, how, amount)

    @there_are_orders
    @rule(
        order=some,
        number=some,
        verb=st.sampled_from(["capture", "void", "extend"]),
        amount=st.none() | st.integers(1, 500),
    )
    def ask_the_provider(self, order: int, number: int, verb: str, amount: int | None) -> None:
        found = ledger.of_order(self.order(order).id)
        if found:
            came = self.attempt(
                asking.ask, found[number % len(found)].id, PaymentVerb(verb), amount, by=BY, at=self.now
            )
            if isinstance(came, Done):
                self.alone(errands.carry_out, came.value.id)

    @precondition(lambda self: self.stripe.intents)
    @rule(numbers=st.lists(st.integers(0, 30), min_size=1, max_size=4))
    def deliver_webhooks(self, numbers: list[int]) -> None:
        """Late, doubled, out of order, or never."""
        for number in numbers:
            self.tell(number)

    @precondition(lambda self: self.stripe.intents)
    @rule(number=some, what=st.sampled_from(["confirm", "refund", "charge back"]))
    def act_at_the_provider(self, number: int, what: str) -> None:
        """The customer confirms in the browser; somebody refunds past us; the customer's bank takes it back."""
        found = list(self.stripe.intents.values())
        intent = found[number % len(found)]
        paid = ledger.by_reference("stripe", intent["id"])
        if what == "confirm" and intent["status"] == "requires_payment_method" and not intent["last_payment_error"]:
            self.stripe.confirm(intent["id"])
        elif what == "refund" and intent["amount_received"] - self.stripe.refunded(intent["id"]) >= 5 and paid:
            self.stripe.refund_in_dashboard(intent["id"], 5)
            self.past_us.add(paid.order_id)
        elif what == "charge back" and intent["amount_received"] and paid and not self.stripe.refunded(intent["id"]):
            self.stripe.dispute(intent["id"])
            self.past_us.add(paid.order_id)

    @rule(fault=st.sampled_from(["429", "500", "500_done", "lost", "cut"]))
    def let_the_provider_misbehave(self, fault: str) -> None:
        self.stripe.misbehave(fault)

    # --- work ---------------------------------------------------------------------------------------------------------

    @there_are_orders
    @rule(order=some, steps=few, packs=st.booleans())
    def bring_orders_along(self, order: int, steps: int, packs: bool) -> None:
        for _ in range(steps):
            for one in self.order(order).fulfilments:
                self.bring_along(one, packs=packs)

    @there_are_orders
    @rule(order=some, part=some, number=some,
          what=st.sampled_from(["pack apart", "send", "arrive", "arrive", "lose", "give out", "all here"]))  # fmt: skip
    def follow_parcels(self, order: int, part: int, number: int, what: str) -> None:
        """Parcels to a store: packed apart, taken in one by one, lost, given out in part."""
        one = self.part(order, part)
        if one is None:
            return
        rows = self.parcels_of(one)
        parcel = rows[number % len(rows)] if rows else uuid4()
        if what == "pack apart":
            self.pack_apart(one)
        elif what == "send":
            self.act(to_store.send, one.id)
        elif what == "arrive":
            self.act(arrivals.arrive, parcel)
        elif what == "lose":
            self.act(arrivals.lose, parcel, reason="the carrier found nothing")
        elif what == "give out":
            self.act(arrivals.give_out, one.id)
        else:
            self.act(arrivals.receive, one.id)

    @there_are_orders
    @rule(order=some, part=some, reason=st.sampled_from(RejectReason), pieces=few, is_shelf_empty=st.booleans())
    def find_too_little(self, order: int, part: int, reason: RejectReason, pieces: int, is_shelf_empty: bool) -> None:
        one = self.part(order, part)
        if one is None:
            return
        self.act(pickup.accept, one.id)
        line = next((line for line in one.lines if line.missing), None)
        if line is not None:
            self.act(
                picking.reject_line, one.id, line.id, min(pieces, line.missing), reason, is_shelf_empty=is_shelf_empty
            )

    @there_are_orders
    @rule(store=st.integers(0, 1), is_whole=st.booleans(), rejects=st.booleans())
    def walk_a_wave(self, store: int, is_whole: bool, rejects: bool) -> None:
        place = self.ground.stores[store]
        waiting = [
            one.id
            for view in self.every_order()
            for one in view.fulfilments
            if one.location_id == place.id and one.state in (State.PLACED, State.ACCEPTED, State.PICKING)
        ]
        came = self.act(rounds.begin, ids.new(), place.id, waiting[:12])
        if not isinstance(came, Done):
            return
        wave = came.value.wave.id
        self.waves.append(wave)
        for product in self.shop.products:
            if rejects and product is self.shop.products[0]:
                self.act(totes.reject, wave, product.id, 1, "damaged")
            for _ in range(8 if is_whole else 1):
                self.act(totes.scan, wave, uuid4(), product.gtins[0])
        if is_whole:
            self.act(rounds.finish, wave)

    @there_are_orders
    @rule(
        order=some, part=some, what=st.sampled_from(["release", "here", "on the way", "helper", "put back", "to stock"])
    )
    def do_small_things(self, order: int, part: int, what: str) -> None:
        one = self.part(order, part)
        if one is None:
            return
        if what == "release":
            self.act(pickup.release, one.id)
        elif what == "put back":
            self.act(pickup.put_back, one.id)
        elif what == "to stock":
            self.act(pickup.return_to_stock, one.id)
        elif what == "here":
            self.attempt(visits.here, one.id, bay="3", by=BY, at=self.now)
        elif what == "on the way":
            self.attempt(visits.on_my_way, one.id, minutes=10, by=BY, at=self.now)
        else:
            self.attempt(visits.name_helper, one.id, name="Max", by=BY, at=self.now)

    @there_are_orders
    @rule(order=some, part=some, store=st.integers(0, 1), window=st.integers(0, 3))
    def move_a_pickup(self, order: int, part: int, store: int, window: int) -> None:
        one, place = self.part(order, part), self.ground.stores[store]
        with clock.frozen(self.now):
            windows = pickup_windows.windows_between(place, at=self.now, days=3)
        if one is not None:
            starts_at = windows[window % len(windows)][0]
            self.attempt(pickup_moves.move, one.id, location_id=place.id, starts_at=starts_at, by=BY, at=self.now)

    @there_are_orders
    @rule(order=some, choice=st.sampled_from(Choice), store=st.integers(0, 1))
    def let_the_customer_choose(self, order: int, choice: Choice, store: int) -> None:
        view = self.order(order)
        for one in shortage_choices.asked(view.id, at=self.now):
            self.attempt(
                shortage_choices.choose, view.tracking_token, one.id, choice,
                location=self.ground.stores[store].code if choice is Choice.ELSEWHERE else "", at=self.now,
            )  # fmt: skip

    # --- changes ------------------------------------------------------------------------------------------------------

    @there_are_orders
    @rule(order=some)
    def cancel(self, order: int) -> None:
        self.attempt(cancellation.cancel_order, self.order(order).id, by=BY, at=self.now)

    @there_are_orders
    @rule(order=some, kind=st.sampled_from(HoldKind), is_end=st.booleans())
    def hold(self, order: int, kind: HoldKind, is_end: bool) -> None:
        self.attempt(holds.release if is_end else holds.place, self.order(order).id, kind, by=BY, at=self.now)

    @there_are_orders
    @rule(order=some, line=some, part=some, other=some, pieces=st.integers(0, 4),
          what=st.sampled_from(["quantity", "nothing left", "addition", "address", "split", "merge", *Method]))  # fmt: skip
    def change(self, order: int, line: int, part: int, other: int, pieces: int, what: str) -> None:
        view = self.order(order)
        parts, found = view.fulfilments, view.lines[line % len(view.lines)]
        if what in ("split", "merge", *Method) and not parts:
            return
        with clock.frozen(self.now):
            windows = pickup_windows.windows_between(self.shop.store, at=self.now, days=3)
        wanted = {
            **{method.value: lambda method=method: self.another_way(parts[part % len(parts)].id, method, windows, other)
               for method in Method},
            "quantity": lambda: Amendment(quantities={found.id: pieces}),
            "nothing left": lambda: Amendment(quantities={one.id: 0 for one in view.lines}),
            "addition": lambda: Amendment(additions={self.shop.products[line % 3].id: max(pieces, 1)}),
            "address": lambda: Amendment(ship_to={"street": "Weg 2", "postal_code": "10117", "city": "Berlin", "country": "DE"}),
            "split": lambda: Amendment(divisions=(Division(parts[part % len(parts)].id, {found.id: max(pieces, 1)}),)),
            "merge": lambda: Amendment(unions=(Union(parts[part % len(parts)].id, parts[other % len(parts)].id),)),
        }[what]()  # fmt: skip
        seen = self.attempt(changing.preview, view.id, wanted, by=BY, at=self.now)
        if isinstance(seen, Done):
            came = self.attempt(changing.confirm, view.id, wanted, seen.value.basis, by=BY, at=self.now)
            assert isinstance(came, Done), came

    def another_way(self, part_id: Any, method: Method, windows: Any, number: int) -> Amendment:
        """One part goes out by another method, fetched at the first store or sent to the second."""
        stores = self.ground.stores
        if method in COLLECTED:
            way = MethodChange(part_id, method, stores[0].code, windows[number % len(windows)][0])
        else:
            way = MethodChange(part_id, method, stores[1].code if method is Method.SHIP_TO_STORE else "")
        return Amendment(methods=(way,))

    # --- after the sale -----------------------------------------------------------------------------------------------

    @there_are_orders
    @rule(order=some, line=some, pieces=few, condition=conditions, how=st.sampled_from(["counter", "exchange", "parcel", "keeps"]),
          instead=st.integers(0, 2))  # fmt: skip
    def bring_back(self, order: int, line: int, pieces: int, condition: str, how: str, instead: int) -> None:
        view, here = self.order(order), self.ground.stores[instead % 2].id
        found = view.lines[line % len(view.lines)]
        if how == "counter":
            brought = [Brought(found.id, Reason.WITHDRAWAL, **{condition: pieces})]
            self.attempt(counter.take_back, view.id, brought, here, by=BY, at=self.now)
        elif how == "exchange":
            brought = [Brought(found.id, Reason.DOES_NOT_FIT, sellable=pieces)]
            self.attempt(
                counter.exchange, view.id, brought, {self.shop.products[instead].id: 1}, here, by=BY, at=self.now
            )
        else:
            coming = [Coming(found.id, pieces, Reason.DAMAGED)]
            self.attempt(
                files.announce, view.id, coming, origin=Origin.CUSTOMER, keeps_goods=how == "keeps", by=BY, at=self.now
            )

    @there_are_orders
    @rule(order=some, number=some, step=st.sampled_from(["receive", "inspect", "refund", "refuse", "cancel"]),
          lost=st.booleans())  # fmt: skip
    def go_on_with_a_return(self, order: int, number: int, step: str, lost: bool) -> None:
        found = lists.of_order(self.order(order).id)
        if not found:
            return
        one = found[number % len(found)]
        match step:
            case "receive":
                self.attempt(files.receive, one.id, self.shop.store.id, by=BY, at=self.now)
            case "inspect":
                seen = {line.id: Found(sellable=line.quantity - lost, missing=int(lost)) for line in one.live}
                self.attempt(files.inspect, one.id, seen, by=BY, at=self.now)
            case "refund":
                self.attempt(refunding.refund, one.id, by=BY, at=self.now)
            case "refuse":
                self.attempt(files.refuse, one.id, "worn", by=BY, at=self.now)
            case "cancel":
                self.attempt(files.cancel, one.id, by=BY, at=self.now)

    @there_are_orders
    @rule(order=some, amount=st.integers(1, 200), is_goodwill=st.booleans())
    def give_something_back(self, order: int, amount: int, is_goodwill: bool) -> None:
        view = self.order(order)
        if is_goodwill:
            self.attempt(refunding.goodwill, view.id, amount, "sorry", permissions=RIGHTS, by=BY, at=self.now)
        else:
            self.attempt(asking.refund, view.id, amount, reason="agreed", by=BY, at=self.now)

    # --- time ---------------------------------------------------------------------------------------------------------

    @rule(pause=st.sampled_from(PAUSES))
    def wait_a_while(self, pause: timedelta) -> None:
        self.now += pause
        self.run_the_clock()

    @there_are_orders
    @rule()
    def let_events_arrive(self) -> None:
        self.let_handlers_work()
        self.run_the_clock()


@pytest.mark.slow
@pytest.mark.timeout(0 if "KONTOR_MACHINE" in os.environ else SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_nothing_ends_with_goods_windows_limits_or_money_hanging() -> None:
    with clock.frozen(BEGINNING), provider() as stripe:
        EveryDoorMachine.stripe, EveryDoorMachine.ground = stripe, prepare()
        examples, steps = (int(one) for one in os.environ.get("KONTOR_MACHINE", "6x30").split("x"))
        run_state_machine_as_test(EveryDoorMachine, settings=bounded(examples=examples, steps=steps))
    for memory in (intake_terms, worlds, facts, purchase_limits):
        memory.forget()
