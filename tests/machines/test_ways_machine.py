"""Orders that go several ways and orders without a place, through all doors: nothing ends with goods, windows or days hanging."""

from collections import Counter
from datetime import timedelta
from itertools import count
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, rule, run_state_machine_as_test

from commerce import clock, quotas
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer, IncomingLine, IncomingOrder
from commerce.errors import CommerceError
from commerce.models import QuotaHold
from commerce.transactions import transaction
from inventory import availability
from orders import (
    cancellation,
    intake_terms,
    picking,
    pickup,
    pickup_windows,
    placement,
    queries,
    received,
    unrouted,
)
from orders.intake_terms import Terms
from orders.lifecycle import OrderStatus, State
from orders.placement import PlacedOrder, Wish
from orders.routing import nodes, worlds
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.machines.examples import BEGINNING, SECONDS_TO_SHRINK, Done, RolledBack, bounded

ADDRESS = {"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
BY = Actor.system("machine")
CAPACITY, A_DAY, PIECES = 2, 3, 12
WAYS = ("pickup", "curbside", "ship", "later")
_references = count(1)

lines = st.lists(
    st.tuples(st.integers(0, 1), st.integers(1, 3), st.sampled_from(("pickup", "curbside", "ship")), st.integers(0, 1)),
    min_size=1,
    max_size=3,
)


class WaysMachine(RolledBack):
    orders = Bundle("orders")
    shop: ClassVar[make.Shop]

    @initialize(routes_later=st.booleans())
    def begin(self, routes_later: bool) -> None:
        with clock.frozen(self.now):
            for product in self.shop.products[:2]:
                goods.receive(product.id, self.shop.store.id, PIECES)
            with transaction():
                intake_terms.agree(self.shop.channel.pk, Terms(routes_later=routes_later), by=ground.TESTER)
                nodes.set_node(self.shop.store.id, orders_per_day=A_DAY, by=ground.TESTER)
        worlds.forget()

    def _incoming(self, wanted: list[tuple[int, int, str, int]]) -> IncomingOrder:
        with clock.frozen(self.now):
            windows = pickup_windows.windows_between(self.shop.store, at=self.now, days=3)
        made = tuple(
            IncomingLine(
                product_id=self.shop.products[product].id, quantity=pieces, method=method,
                location_id=None if method == "ship" else self.shop.store.id,
                window_starts_at=None if method == "ship" else windows[window][0],
            )
            for product, pieces, method, window in wanted
        )  # fmt: skip
        return IncomingOrder(
            external_reference=f"W-{next(_references)}", method="", lines=made, ship_to=ADDRESS,
            customer=IncomingCustomer(name="Erika Beispiel", email="erika@example.org"),
        )  # fmt: skip

    @rule(target=orders, several=st.lists(lines, min_size=1, max_size=3), has_twin=st.booleans())
    def place(self, several: list[list[tuple[int, int, str, int]]], has_twin: bool) -> Any:
        wanted = [self._incoming(one) for one in several]
        wishes = [Wish(order, self.shop.terms, BY) for order in [*wanted, *(wanted[:1] if has_twin else ())]]
        worlds.forget()
        came = self.attempt(placement.place_many, wishes, at=self.now)
        assert isinstance(came, Done), came
        if has_twin:
            first, twin = came.value[0], came.value[-1]
            assert isinstance(first, CommerceError) == isinstance(twin, CommerceError)
            if isinstance(first, PlacedOrder):
                assert (twin.order.id, twin.is_known) == (first.order.id, True)
        return multiple(*(one.order.id for one in came.value[: len(wanted)] if isinstance(one, PlacedOrder)))

    @rule(wanted=lines)
    def hand_in(self, wanted: list[tuple[int, int, str, int]]) -> None:
        """What the door took in is placed or refused, once."""
        reference = f"D-{next(_references)}"
        body = {
            "external_reference": reference, "ship_to": ADDRESS, "method": "ship",
            "lines": [
                {"sku": self.shop.products[product].sku, "quantity": pieces} for product, pieces, *_ in wanted
            ],
        }  # fmt: skip
        came = self.attempt(received.take_in, {reference: body}, channel=self.shop.terms, by=BY, at=self.now)
        assert came == Done({reference: True})
        waiting = received.standing(self.shop.channel.code, reference).received_as
        for _twice in range(2):
            self.attempt(received.place_waiting, [waiting], at=self.now)
        stands = queries.select(channel_id=self.shop.channel.pk, external_reference=reference).count()
        assert stands <= 1

    @rule()
    def route(self) -> None:
        worlds.forget()
        with clock.frozen(self.now):
            unrouted.route_due(at=self.now)

    @rule(order=orders)
    def cancel(self, order: UUID) -> None:
        self.attempt(cancellation.cancel_order, order, by=BY, at=self.now)

    @rule(order=orders, part=st.integers(0, 2))
    def accept_and_give_up(self, order: UUID, part: int) -> None:
        """A clerk takes a part on and finds nothing of its first line."""
        works = queries.order(order).fulfilments
        if part < len(works):
            work, user = works[part], self.shop.clerk
            by = Actor.staff(user)
            self.attempt(pickup.accept, work.id, user=user, by=by, at=self.now)
            line = work.lines[0]
            self.attempt(picking.reject_line, work.id, line.id, line.missing, "other", user=user, by=by, at=self.now)

    @rule(pause=st.sampled_from([timedelta(minutes=1), timedelta(hours=1)]))
    def wait_a_while(self, pause: timedelta) -> None:
        self.now += pause

    @invariant()
    def nothing_hangs(self) -> None:
        """What is promised is what living orders want; every claim on a window or a day belongs to a living part, or a sent one."""
        views = queries.views(list(queries.select(channel_id=self.shop.channel.pk)))
        wanted: Counter[int] = Counter()
        living = set()
        for view in views:
            assert view.status is not OrderStatus.OPEN or view.fulfilments or view.unrouted
            for one in view.fulfilments:
                if State(one.state) not in (State.CANCELLED, State.REJECTED):
                    living.add(one.id)
                    for line in one.lines:
                        wanted[line.product_id] += line.quantity - line.rejected
            if view.unrouted:
                for order_line in view.lines:
                    wanted[order_line.product_id] += order_line.quantity - order_line.cancelled
        for product in self.shop.products[:2]:
            left = availability.left_in_all(product.id, channel_id=self.shop.channel.pk, country="DE", at=self.now)
            assert left == PIECES - wanted[product.id]
        held = QuotaHold.objects.filter(state="committed", quota__key__startswith="pickup:").count()
        fetched = [one for view in views for one in view.fulfilments if one.id in living and one.window_starts_at]
        assert held == len(fetched)
        today = worlds.day_key(self.shop.store, at=self.now)
        assert sum(one.used for one in quotas.usage([today], at=self.now).values()) <= A_DAY

    def at_the_end(self) -> None:
        """When all is called off, everything is free again."""
        for row in list(queries.select(channel_id=self.shop.channel.pk)):
            came = self.attempt(cancellation.cancel_order, row["id"], by=BY, at=self.now)
            assert isinstance(came, Done) or came.code == "cannot_cancel"
        self.nothing_hangs()
        for product in self.shop.products[:2]:
            assert (
                availability.left_in_all(product.id, channel_id=self.shop.channel.pk, country="DE", at=self.now)
                == PIECES
            )


@pytest.mark.slow
@pytest.mark.timeout(SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_nothing_ends_with_goods_windows_or_days_hanging() -> None:
    with clock.frozen(BEGINNING):
        WaysMachine.shop = make.shop(pieces=0, pickup_slot_capacity=CAPACITY)
    run_state_machine_as_test(WaysMachine, settings=bounded(examples=15, steps=25))
    intake_terms.forget()
    worlds.forget()
