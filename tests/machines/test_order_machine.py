"""Orders against plain values: placed, picked, collected, missed, cancelled in any sequence, by people in each other's way."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, multiple, precondition, rule, run_state_machine_as_test

from commerce import clock, ids
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer, IncomingLine, IncomingOrder
from commerce.errors import CommerceError
from inventory import reservations
from inventory.reservations import ReservationRequest
from orders import cancellation, picking, pickup, pickup_windows, placement, shipping, tasks
from orders.lifecycle import State
from orders.picking import RejectReason
from orders.placement import PlacedOrder, Wish
from tests.factories import inventory as goods
from tests.machines.examples import BEGINNING, SECONDS_TO_SHRINK, Done, bounded, outcome
from tests.machines.known_orders import BY, CAPACITY, MANAGER, KnownOrders, Seen, prepare
from tests.machines.order_model import IN_WORK, Kept
from tests.machines.stock_model import Basket

# To the minute before a lease ends and to its end; past a basket; into the next window; past the days that goods are kept.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 14, 15, 60, 24 * 60, 8 * 24 * 60))
ADDRESS = {"name": "Erika Beispiel", "street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
REASONS = tuple(reason for reason in RejectReason if reason is not RejectReason.LOST)  # only what left can be lost
_references = count(1)

people = st.integers(0, MANAGER)  # two clerks and the manager
positions = st.integers(0, 2)  # a product
pieces = st.integers(1, 4)
baskets_of = st.dictionaries(positions, pieces, min_size=1, max_size=3)


class OrderMachine(KnownOrders):
    orders = Bundle("orders")
    baskets = Bundle("baskets")

    @initialize(stocked=st.lists(st.integers(3, 20), min_size=3, max_size=3))
    def begin_with_stock(self, stocked: list[int]) -> None:
        with clock.frozen(self.now):
            for product, quantity in zip(self.shop.products, stocked, strict=True):
                goods.receive(product.id, self.store.id, quantity)
                self.stock.on_hand[product.id, self.store.id] += quantity

    # --- placing --------------------------------------------------------------------------------------------------------

    @rule(target=baskets, wanted=baskets_of)
    def reserve(self, wanted: dict[int, int]) -> Any:
        lines = {self.shop.products[position].id: quantity for position, quantity in wanted.items()}
        request = ReservationRequest(
            ids.new(), self.shop.channel.pk, self.store.id, tuple(lines.items()), self.now + timedelta(minutes=15)
        )
        came = self.attempt(reservations.reserve, [request], by=BY, at=self.now)
        assert isinstance(came, Done)
        basket = Basket(request.channel_id, self.store.id, lines, request.expires_at)
        short = self.stock.reserve(request.id, basket, at=self.now)
        assert isinstance(came.value[0], CommerceError) == bool(short)
        return multiple() if short else request.id

    @rule(target=orders, wanted=baskets_of, window=st.none() | st.integers(0, 1), customer=st.integers(0, 2))
    def place(self, wanted: dict[int, int], window: int | None, customer: int) -> Any:
        """A pickup in one of the next two windows, or a shipment."""
        return self._place([self._order(wanted, window, customer)])

    @rule(target=orders, basket=baskets, window=st.none() | st.integers(0, 1), wanted=st.none() | baskets_of)
    def place_reserved(self, basket: UUID, window: int | None, wanted: dict[int, int] | None) -> Any:
        """What the basket holds (nothing said), or something else."""
        order = self._order(wanted or {0: 1}, window, 0, reservation_id=basket)
        if wanted is None:
            held = self.stock.baskets[basket].lines
            order = replace(order, lines=tuple(IncomingLine(product_id=p, quantity=q) for p, q in held.items()))
        return self._place([order])

    @rule(
        target=orders,
        several=st.lists(st.tuples(baskets_of, st.none() | st.integers(0, 1)), min_size=2, max_size=4),
        has_twin=st.booleans(),
    )
    def place_many(self, several: list[tuple[dict[int, int], int | None]], has_twin: bool) -> Any:
        """Orders that waited at the same time are decided one after the other; a refused one fails no neighbour."""
        wanted = [self._order(lines, window, number) for number, (lines, window) in enumerate(several)]
        return self._place([*wanted, wanted[0]] if has_twin else wanted)

    @precondition(lambda self: self.kept)
    @rule(order=orders, is_changed=st.booleans())
    def place_again(self, order: UUID, is_changed: bool) -> None:
        """A reference that is known gives the order that stands, whatever became of it; or is refused to another order."""
        again = self.incoming[order]
        if is_changed:
            again = replace(again, lines=(*again.lines, IncomingLine(product_id=again.lines[0].product_id, quantity=1)))
        came = self.attempt(placement.place, again, channel=self.shop.terms, by=BY, at=self.now)
        if is_changed:
            assert outcome(came) == "duplicate_reference"
        else:
            assert isinstance(came, Done)
            assert (came.value.order.id, came.value.is_known) == (order, True)

    def _order(self, wanted: dict[int, int], window: int | None, customer: int, **values: Any) -> IncomingOrder:
        with clock.frozen(self.now):
            windows = pickup_windows.windows_between(self.store, at=self.now, days=2)
        if window is None:
            values |= {"method": "ship", "ship_to": ADDRESS}
        else:
            start = windows[window][0]
            values |= {"method": "pickup", "location_id": self.store.id, "window_starts_at": start}
            self.windows.add(start)
        return IncomingOrder(
            external_reference=f"M-{next(_references)}",
            lines=self.shop.lines(wanted),
            customer=IncomingCustomer(name="Erika Beispiel", email=f"erika{customer}@example.org"),
            **values,
        )

    def _place(self, wanted: list[IncomingOrder]) -> Any:
        wishes = [Wish(order, self.shop.terms, BY) for order in wanted]
        came = self.attempt(placement.place_many, wishes, at=self.now)
        assert isinstance(came, Done), came
        before = {product.id: self.stock.free((product.id, self.store.id), self.now) for product in self.shop.products}
        made: dict[str, UUID] = {}
        for order, verdict in zip(wanted, came.value, strict=True):
            if order.external_reference in made:  # a twin gets what the first got, and takes nothing
                assert isinstance(verdict, PlacedOrder)
                assert (verdict.order.id, verdict.is_known) == (made[order.external_reference], True)
                continue
            refusal = self._decide(order, before)
            if refusal:
                assert isinstance(verdict, CommerceError), f"{refusal} expected"
                assert verdict.code == refusal
                assert all(line["available"] >= 0 for line in verdict.detail.get("lines", []))
                continue
            assert isinstance(verdict, PlacedOrder), verdict
            assert not verdict.is_known
            made[order.external_reference] = self.keep(order, verdict)
        return multiple(*made.values())

    def _decide(self, order: IncomingOrder, before: dict[int, int]) -> str:
        """Return the code of the refusal, or take window and goods in the model.

        A shipment without a basket needs a place that had its goods when the group began: routing looks once.
        """
        start, wanted = order.window_starts_at, order.quantities()
        if start is not None and self.used(start) >= CAPACITY:
            return "window_full"
        if start is None and order.reservation_id is None and any(before[one] < wanted[one] for one in wanted):
            return "insufficient_stock"
        demands = [((product_id, self.store.id), quantity) for product_id, quantity in wanted.items()]
        refusal = self.stock.allocate(
            demands, at=self.now, basket_id=order.reservation_id, channel_id=self.shop.channel.pk
        )
        return refusal if isinstance(refusal, str) else ("insufficient_stock" if refusal else "")

    # --- working on them ------------------------------------------------------------------------------------------------

    def _do(self, verb: Any, order: Kept, *arguments: Any, person: int, **options: Any) -> Done | CommerceError:
        user = self.ground.people[person]
        return self.attempt(
            verb, order.fulfilment_id, *arguments, user=user, by=Actor.staff(user), at=self.now, **options
        )

    def _pk(self, person: int) -> int:
        return int(self.ground.people[person].pk)

    @rule(order=orders, person=people, what=st.sampled_from(["accept", "release", "take over", "mark ready"]))
    def with_the_lease(self, order: UUID, person: int, what: str) -> None:
        """Two clerks and a manager get in each other's way; only the manager may take over."""
        one, user = self.kept[order], self._pk(person)
        if what == "accept":
            came, code = self._do(pickup.accept, one, person=person), one.accept(user, self.now)
        elif what == "release":
            came, code = self._do(pickup.release, one, person=person), one.release(user, self.now)
        elif what == "take over":
            came = self._do(pickup.take_over, one, person=person)
            code = one.take_over(user, self.now, may=person == MANAGER)
        else:
            came, code = self._do(pickup.mark_ready, one, person=person), one.mark_ready(user, self.now)
        assert outcome(came) == (code or "done")

    @rule(order=orders, person=people, number=st.integers(0, 5))
    def scan(self, order: UUID, person: int, number: int) -> None:
        text, product, quantity = self.ground.codes[number]
        self._scan(self.kept[order], person, text, product, quantity)

    def _scan(self, one: Kept, person: int, text: str, product: int | None, quantity: int) -> None:
        scan_id = uuid4()
        came = self._do(picking.scan, one, scan_id, text, person=person)
        code = one.refusal_to_pick(self._pk(person), self.now)
        assert outcome(came) == (code or "done")
        if code:
            return
        assert isinstance(came, Done)
        expected = one.scan(product, quantity, self._pk(person), self.now)
        assert (came.value.outcome.value, came.value.pieces, came.value.is_replay) == (*expected, False)
        assert came.value.is_everything_done == (not any(line.missing for line in one.lines.values()))
        self.seen[scan_id] = Seen(one.id, text, *expected)

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), order=orders, person=people)
    def scan_again(self, data: Any, order: UUID, person: int) -> None:
        """A scan that a phone sends twice counts once; one that belongs to another order is refused."""
        scan_id = data.draw(st.sampled_from(list(self.seen)))
        seen = self.seen[scan_id]
        came = self._do(picking.scan, self.kept[order], scan_id, seen.text, person=person)
        if seen.order != order:
            assert outcome(came) == "invalid_input"
            return
        assert isinstance(came, Done)
        assert (came.value.outcome.value, came.value.pieces, came.value.is_replay) == (seen.outcome, seen.pieces, True)

    @rule(order=orders, person=people, data=st.data(), picked=st.integers(0, 5))
    def set_picked(self, order: UUID, person: int, data: Any, picked: int) -> None:
        one = self.kept[order]
        product = data.draw(st.sampled_from(sorted(one.lines)))
        self._set_picked(one, product, picked, person)

    def _set_picked(self, one: Kept, product: int, picked: int, person: int) -> None:
        came = self._do(picking.set_picked, one, one.lines[product].id, picked, person=person, reason="no_barcode")
        assert outcome(came) == (one.set_picked(product, picked, self._pk(person), self.now) or "done")

    @rule(order=orders, person=people, data=st.data(), quantity=pieces, reason=st.sampled_from(REASONS))
    def reject_line(self, order: UUID, person: int, data: Any, quantity: int, reason: RejectReason) -> None:
        one = self.kept[order]
        self._reject(one, data.draw(st.sampled_from(sorted(one.lines))), quantity, reason, person)

    def _reject(self, one: Kept, product: int, quantity: int, reason: RejectReason, person: int) -> None:
        came = self._do(picking.reject_line, one, one.lines[product].id, quantity, reason, person=person)
        code = one.reject_line(product, quantity, reason, self._pk(person), self.now, self.stock)
        assert outcome(came) == (code or "done")

    @rule(order=orders, steps=st.integers(1, 3), reason=st.none() | st.sampled_from(REASONS))
    def bring_along(self, order: UUID, steps: int, reason: RejectReason | None) -> None:
        """What usually happens next, so that orders get far: taken on; picked (or partly given up) and ready; collected."""
        for _ in range(steps):
            one = self.kept[order]
            if one.state is State.PLACED:
                self.with_the_lease(order, 0, "accept")
            elif one.state in IN_WORK:
                self._pick_all(one, reason)
            elif one.state in (State.READY, State.ARRIVED, State.NO_SHOW):
                self.leave(order, 1, "hand over" if one.is_pickup else "ship")

    def _pick_all(self, one: Kept, reason: RejectReason | None) -> None:
        """Pick everything as the manager; with a reason, what is still missing of the first line is given up."""
        if one.is_taken_from(self._pk(MANAGER), self.now):
            self.with_the_lease(one.id, MANAGER, "take over")
        product, line = next(iter(one.lines.items()))
        if reason is not None and line.missing:
            self._reject(one, product, line.missing, reason, MANAGER)
        codes = {product: (text, quantity) for text, product, quantity in reversed(self.ground.codes)}
        for product, line in one.lines.items():
            if line.missing == 2:  # so that by hand is tried too
                self._set_picked(one, product, line.picked + 2, MANAGER)
            while line.missing:
                text, quantity = codes[product]
                self._scan(one, MANAGER, text, product, quantity)
        self.with_the_lease(one.id, MANAGER, "mark ready")

    @rule(order=orders, reason=st.sampled_from(REASONS))
    def find_nothing(self, order: UUID, reason: RejectReason) -> None:
        """All that is still missing is given up; when that is everything, the order is rejected."""
        self.with_the_lease(order, MANAGER, "accept")
        one = self.kept[order]
        for product, line in one.lines.items():
            if one.state in IN_WORK and not one.is_taken_from(self._pk(MANAGER), self.now) and line.missing:
                self._reject(one, product, line.missing, reason, MANAGER)

    @rule(order=orders, reason=st.none() | st.sampled_from(REASONS))
    def hand_on(self, order: UUID, reason: RejectReason | None) -> None:
        """A clerk begins, gives the order back, and a colleague goes on where it was left."""
        self.with_the_lease(order, 0, "accept")
        one = self.kept[order]
        product = next(iter(one.lines))
        if reason is None:
            self._scan(one, 0, self.shop.products[0].gtins[0], self.shop.products[0].id, 1)
        else:
            self._reject(one, product, 1, reason, 0)
        self.with_the_lease(order, 0, "release")
        self.with_the_lease(order, 1, "accept")

    @rule(order=orders, person=people, what=st.sampled_from(["hand over", "hand over checked", "ship"]))
    def leave(self, order: UUID, person: int, what: str) -> None:
        one = self.kept[order]
        if what == "hand over":
            self._show_code(one, f" {one.code[:3].lower()}-{one.code[3:]} ", person)
            return
        if what == "ship":
            came, code = self._do(shipping.ship, one, person=person), one.ship(self.stock)
        else:
            came = self._do(pickup.hand_over_checked, one, person=person, reason="identity card")
            code = one.hand_over_checked(self.stock, may=person == MANAGER)
        assert outcome(came) == (code or "done")

    @rule(order=orders, person=people, times=st.sampled_from([1, 5, 6]))
    def show_wrong_codes(self, order: UUID, person: int, times: int) -> None:
        for _ in range(times):
            self._show_code(self.kept[order], "WRONG7", person)

    def _show_code(self, one: Kept, code: str, person: int) -> None:
        is_right = code != "WRONG7"
        came = self._do(pickup.hand_over, one, code, person=person)
        assert outcome(came) == (one.hand_over(is_right, self.stock) or "done")
        if isinstance(came, Done):
            assert (came.value.is_done, came.value.attempts_left) == (is_right, 5 - one.wrong_codes)

    @rule(order=orders)
    def arrive(self, order: UUID) -> None:
        one = self.kept[order]
        came = self.attempt(pickup.arrive, one.fulfilment_id, by=BY, at=self.now, bay="3")
        assert outcome(came) == (one.arrive() or "done")

    @rule(order=orders, person=people, what=st.sampled_from(["cancel", "return to stock", "put back", "mark no-show"]))
    def give_up(self, order: UUID, person: int, what: str) -> None:
        one = self.kept[order]
        if what == "cancel":
            came = self.attempt(cancellation.cancel_order, order, by=BY, at=self.now, reason="machine")
            code = one.cancel(self.stock)
        elif what == "return to stock":
            came, code = self._do(pickup.return_to_stock, one, person=person), one.return_to_stock(self.stock)
        elif what == "put back":
            came, code = self._do(pickup.put_back, one, person=person), one.put_back()
        else:
            came = self.attempt(pickup.mark_no_show, one.fulfilment_id, by=BY, at=self.now)
            code = one.mark_no_show(self.now)
        assert outcome(came) == (code or "done")

    @rule(order=orders, is_returned=st.booleans())
    def nobody_comes(self, order: UUID, is_returned: bool) -> None:
        """The whole way of an order that is picked, kept for its days and missed."""
        if self.kept[order].state is State.PLACED:
            self.bring_along(order, 2, None)
        self.wait_a_while(PAUSES[-1])
        self.run_the_periodic_tasks()
        if is_returned:
            self.give_up(order, 0, "return to stock")

    @rule(order=orders, number=st.integers(0, 5))
    def meddle_from_outside(self, order: UUID, number: int) -> None:
        """Who has no role at this store may do nothing to its orders (law 17)."""
        one, user = self.kept[order], self.ground.outsider
        attempts: list[tuple[Any, ...]] = [
            (pickup.accept,),
            (pickup.release,),
            (picking.scan, uuid4(), self.ground.case_code),
            (pickup.mark_ready,),
            (pickup.hand_over, one.code),
            (pickup.return_to_stock,),
        ]
        verb, *arguments = attempts[number]
        came = self.attempt(verb, one.fulfilment_id, *arguments, user=user, by=Actor.staff(user), at=self.now)
        assert outcome(came) == "not_allowed"

    # --- what time does -----------------------------------------------------------------------------------------------

    @rule(pause=st.sampled_from(PAUSES))
    def wait_a_while(self, pause: timedelta) -> None:
        self.now += pause

    @rule()
    def run_the_periodic_tasks(self) -> None:
        with clock.frozen(self.now):
            released, missed = tasks.release_stale_leases(), tasks.mark_no_shows()
        assert released == sum(one.release_stale(self.now) for one in self.kept.values())
        due = [one for one in self.kept.values() if one.state is State.READY]
        assert missed == sum(one.mark_no_show(self.now) == "" for one in due)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_orders_are_plain_values() -> None:
    with clock.frozen(BEGINNING):
        OrderMachine.ground = prepare()
    run_state_machine_as_test(OrderMachine, settings=bounded(examples=40, steps=50))
