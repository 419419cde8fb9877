"""The ledger against a dictionary: any sequence of movements, baskets, promises and time gives the same verdicts and figures."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, initialize, invariant, multiple, precondition, rule, run_state_machine_as_test

from commerce import ids
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from inventory import allocations, availability, expiry, movements, reservations
from inventory.allocations import Demand
from inventory.errors import InsufficientStock
from inventory.movements import Adjustment, Receipt
from inventory.places.locations import LocationRef
from inventory.reservations import ReservationRequest, Reserved
from inventory.stock import EntryKind
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.machines.examples import SECONDS_TO_SHRINK, Done, RolledBack, bounded, outcome
from tests.machines.stock_model import Basket, Key, Promise, Stock, short_of

BY = Actor.system("machine")
TTL_SECONDS = (60, 120, 900)
PAUSES_SECONDS = (1, 59, 60, 61, 840, 900)  # some of them end exactly when a basket does


@dataclass(frozen=True)
class Ground:
    products: list[ProductRef]
    places: list[LocationRef]
    channels: list[int]
    kit: ProductRef  # of the first two products

    def exploded(self, lines: Iterable[tuple[int, int]]) -> Counter[int]:
        """Return the pieces by product that lines (product, quantity) come to, with what is in kits in their place."""
        pieces: Counter[int] = Counter()
        for product_id, quantity in lines:
            parts = self.kit.components if product_id == self.kit.id else ((product_id, 1),)
            for component_id, in_one in parts:
                pieces[component_id] += in_one * quantity
        return pieces

    def key(self, number: int) -> Key:
        return self.products[number % 3].id, self.places[number // 3].id


numbers = st.integers(0, 5)  # a product at a place
pieces = st.integers(1, 6)
quantities = st.lists(st.tuples(numbers, pieces), min_size=1, max_size=3)
checkouts = st.tuples(
    st.integers(0, 1),  # the place
    st.integers(0, 1),  # the channel
    st.lists(
        st.tuples(st.integers(0, 3), pieces), min_size=1, max_size=3
    ),  # products may repeat; the fourth is the kit
    st.sampled_from(TTL_SECONDS),
)
rarely = st.sampled_from([False] * 7 + [True])


class LedgerMachine(RolledBack):
    ground: ClassVar[Ground]
    baskets = Bundle("baskets")
    promises = Bundle("promises")

    def __init__(self) -> None:
        super().__init__()
        self.model = Stock()
        self.promised: dict[UUID, Promise] = {}
        self.receipts: list[Receipt] = []

    @initialize(stocked=st.lists(st.integers(0, 24), min_size=6, max_size=6))
    def begin_with_stock(self, stocked: list[int]) -> None:
        """Some levels may not exist yet."""
        self.receive([(number, quantity) for number, quantity in enumerate(stocked) if quantity])

    # --- what comes and goes ------------------------------------------------------------------------------------------

    @rule(lines=quantities)
    def receive(self, lines: list[tuple[int, int]]) -> None:
        fresh = [Receipt(ids.new(), *self.ground.key(number), quantity) for number, quantity in lines]
        came = self.attempt(movements.receive, fresh, by=BY, at=self.now, source="machine")
        assert came == Done(len(fresh))
        for line in fresh:
            self.model.on_hand[line.product_id, line.location_id] += line.quantity
        self.receipts += fresh

    @precondition(lambda self: self.receipts)
    @rule(data=st.data())
    def repeat_a_receipt(self, data: Any) -> None:
        """A report that is sent again books nothing, alone or beside something new."""
        known = data.draw(st.sampled_from(self.receipts))
        assert self.attempt(movements.receive, [known], by=BY, at=self.now) == Done(0)

    @rule(lines=st.lists(st.tuples(numbers, st.integers(-8, 8).filter(bool)), min_size=1, max_size=3))
    def adjust(self, lines: list[tuple[int, int]]) -> None:
        changes = [Adjustment(ids.new(), *self.ground.key(number), delta, "machine") for number, delta in lines]
        left: dict[Key, int] = {}
        is_refused = False
        for change in changes:
            key = change.product_id, change.location_id
            left[key] = left.get(key, self.model.free(key, self.now)) + change.delta
            is_refused = is_refused or left[key] < 0
        came = self.attempt(movements.adjust, changes, by=BY, at=self.now)
        assert outcome(came) == ("stock_rule_violated" if is_refused else "done")
        if not is_refused:
            for change in changes:
                self.model.on_hand[change.product_id, change.location_id] += change.delta

    @precondition(lambda self: self.promised)
    @rule(
        chosen=st.lists(
            st.tuples(promises, st.none() | pieces), min_size=1, max_size=3, unique_by=lambda part: part[0]
        ),
        what=st.sampled_from(["release", "hand over", "ship", "not found"]),
    )
    def end_promises(self, chosen: list[tuple[UUID, int | None]], what: str) -> None:
        """All that is owed (nothing said), or so many pieces, of several promises at once."""
        parts = [(one, quantity or max(self.promised[one].open, 1)) for one, quantity in chosen]
        if what == "release":
            came = self.attempt(allocations.release, parts, by=BY, at=self.now, reason="machine")
        elif what == "not found":
            came = self.attempt(allocations.not_found, parts, by=BY, at=self.now)
        else:
            kind = EntryKind.HANDED_OVER if what == "hand over" else EntryKind.SHIPPED
            came = self.attempt(allocations.leave, parts, kind=kind, by=BY, at=self.now)
        if any(quantity > self.promised[one].open for one, quantity in parts):
            assert outcome(came) == "allocation_overdrawn"
            return
        assert outcome(came) == "done"
        going: Counter[Key] = Counter()
        for one, quantity in parts:
            self.promised[one].open -= quantity
            going[self.promised[one].key] += quantity
        if what == "release":
            self.model.allocated.subtract(going)
        elif what == "not found":
            self.model.not_found(going, at=self.now)
        else:
            self.model.leave(going)

    # --- what is claimed ----------------------------------------------------------------------------------------------

    @rule(target=baskets, wanted=st.lists(checkouts, min_size=1, max_size=3))
    def reserve(self, wanted: list[tuple[int, int, list[tuple[int, int]], int]]) -> Any:
        """A batch is served in its order, each all or nothing, and no one fails a neighbour."""
        requests = [
            ReservationRequest(
                ids.new(),
                self.ground.channels[channel],
                self.ground.places[place].id,
                tuple(([*self.ground.products, self.ground.kit][product].id, quantity) for product, quantity in lines),
                self.now + timedelta(seconds=seconds),
                f"basket {number}",
            )
            for number, (place, channel, lines, seconds) in enumerate(wanted)
        ]
        came = self.attempt(reservations.reserve, requests, by=BY, at=self.now)
        assert isinstance(came, Done)
        granted = []
        for request, verdict in zip(requests, came.value, strict=True):
            summed = self.ground.exploded(request.lines)
            basket = Basket(request.channel_id, request.location_id, dict(summed), request.expires_at)
            short = self.model.reserve(request.id, basket, at=self.now)
            if short:
                assert isinstance(verdict, InsufficientStock)
                assert short_of(verdict) == short
            else:
                granted.append(request.id)
                assert verdict == Reserved(
                    request.id, request.location_id, tuple(summed.items()), request.expires_at, request.reference
                )
        return multiple(*granted)

    @rule(basket=baskets, by_another=rarely, seconds=st.sampled_from(TTL_SECONDS))
    def extend(self, basket: UUID, by_another: bool, seconds: int) -> None:
        channel_id, until = self._channel(basket, by_another), self.now + timedelta(seconds=seconds)
        came = self.attempt(reservations.extend, basket, until, channel_id=channel_id, by=BY, at=self.now)
        code = self.model.refusal_of(basket, channel_id, self.now)
        assert outcome(came) == (code or "done")
        if not code:
            kept = self.model.baskets[basket]
            kept.expires_at = max(kept.expires_at, until)  # never shorter than promised
            assert isinstance(came, Done)
            assert came.value.expires_at == kept.expires_at

    @rule(basket=baskets, by_another=rarely)
    def release(self, basket: UUID, by_another: bool) -> None:
        channel_id = self._channel(basket, by_another)
        came = self.attempt(reservations.release, basket, channel_id=channel_id, by=BY, at=self.now)
        code = self.model.refusal_of(basket, channel_id, self.now)
        known = self.model.baskets[basket]
        if code == "hold_not_found" or known.ended == "consumed":
            assert outcome(came) == code
            return
        assert outcome(came) == "done"  # releasing what is over changes nothing
        if not code:
            known.ended = "released"

    @rule(basket=baskets, by_another=rarely)
    def read(self, basket: UUID, by_another: bool) -> None:
        channel_id = self._channel(basket, by_another)
        came = self.attempt(reservations.read, basket, channel_id=channel_id, at=self.now)
        known = self.model.baskets[basket]
        if by_another:
            assert outcome(came) == "hold_not_found"
            return
        assert isinstance(came, Done)
        assert (came.value.state, came.value.expires_at) == (known.state(self.now), known.expires_at)
        assert dict(came.value.lines) == known.lines

    @rule(target=promises, lines=quantities)
    def allocate(self, lines: list[tuple[int, int]]) -> Any:
        return self._allocate(lines, None, None)

    @rule(target=promises, place=st.integers(0, 1), kits=pieces, basket=st.none() | baskets)
    def allocate_kits(self, place: int, kits: int, basket: UUID | None) -> Any:
        """One order line, owed in each of its components; perhaps from a basket."""
        line = uuid4()
        demands = [
            Demand(line, component_id, self.ground.places[place].id, in_one * kits, uuid4())
            for component_id, in_one in self.ground.kit.components
        ]
        return self._promise(demands, basket, None)

    @rule(target=promises, lines=quantities, basket=baskets, by_another=rarely)
    def allocate_from_a_basket(self, lines: list[tuple[int, int]], basket: UUID, by_another: bool) -> Any:
        """The order may want less than the basket holds, more, or something else."""
        return self._allocate(lines, basket, self._channel(basket, by_another))

    @rule(target=promises, basket=baskets, split=st.booleans())
    def allocate_exactly_a_basket(self, basket: UUID, split: bool) -> Any:
        """The usual checkout, sometimes with a product on two lines."""
        known = self.model.baskets[basket]
        places = {place.id: number for number, place in enumerate(self.ground.places)}
        products = {product.id: number for number, product in enumerate(self.ground.products)}
        lines = []
        for product_id, quantity in known.lines.items():
            number = products[product_id] + 3 * places[known.location_id]
            first = quantity // 2 if split else 0
            lines += [(number, part) for part in (first, quantity - first) if part]
        return self._allocate(lines, basket, None)

    def _channel(self, basket: UUID, by_another: bool) -> int:
        """Return whose basket it is, or the other channel."""
        own = self.ground.channels.index(self.model.baskets[basket].channel_id)
        return self.ground.channels[1 - own if by_another else own]

    def _allocate(self, lines: list[tuple[int, int]], basket: UUID | None, channel_id: int | None) -> Any:
        demands = [Demand(uuid4(), *self.ground.key(number), quantity) for number, quantity in lines]
        return self._promise(demands, basket, channel_id)

    def _promise(self, demands: list[Demand], basket: UUID | None, channel_id: int | None) -> Any:
        wanted = [((demand.product_id, demand.location_id), demand.quantity) for demand in demands]
        came = self.attempt(
            allocations.allocate, demands, by=BY, at=self.now, reservation_id=basket, channel_id=channel_id
        )
        expected = self.model.allocate(wanted, at=self.now, basket_id=basket, channel_id=channel_id)
        if expected:
            assert isinstance(came, CommerceError), f"{expected} expected"
            if isinstance(expected, str):
                assert came.code == expected
            else:
                assert isinstance(came, InsufficientStock)
                assert short_of(came) == expected
            return multiple()
        assert isinstance(came, Done), came
        assert set(came.value) == {demand.id or demand.demand_id for demand in demands}
        for demand in demands:
            self.promised[came.value[demand.id or demand.demand_id]] = Promise(
                (demand.product_id, demand.location_id), demand.quantity
            )
        return multiple(*came.value.values())

    @rule()
    def ask_for_a_basket_that_never_was(self) -> None:
        channel_id = self.ground.channels[0]
        for came in (
            self.attempt(reservations.read, uuid4(), channel_id=channel_id, at=self.now),
            self.attempt(reservations.release, uuid4(), channel_id=None, by=BY, at=self.now),
            self.attempt(reservations.extend, uuid4(), self.now, channel_id=channel_id, by=BY, at=self.now),
        ):
            assert outcome(came) == "hold_not_found"
        self._allocate([(0, 1)], uuid4(), None)

    # --- what time does -----------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from(PAUSES_SECONDS))
    def wait_a_while(self, seconds: int) -> None:
        self.wait(seconds)

    @rule(at_most=st.sampled_from([1, 200]))
    def sweep(self, at_most: int) -> None:
        """Sweeping changes nothing that anyone can see."""
        assert isinstance(self.attempt(expiry.expire_due, by=BY, at=self.now, at_most=at_most), Done)

    # --- what must be true after every step -----------------------------------------------------------------------------

    @invariant()
    def figures_are_those_of_the_dictionary(self) -> None:
        found = {
            (figure.product_id, figure.location_id): (figure.on_hand, figure.allocated, figure.held, figure.available)
            for figure in availability.figures([product.id for product in self.ground.products], at=self.now)
        }
        for number in range(6):
            key = self.ground.key(number)
            figure = self.model.figure(key, self.now)
            assert found.get(key, (0, 0, 0, 0)) == figure
            assert min(figure) >= 0

    @invariant()
    def kits_are_what_their_components_make(self) -> None:
        figures = availability.figures([self.ground.kit.id], at=self.now)
        found = {figure.location_id: (figure.on_hand, figure.available) for figure in figures}
        for place in self.ground.places:
            levels = [
                (self.model.figure((component_id, place.id), self.now), in_one)
                for component_id, in_one in self.ground.kit.components
            ]
            on_hand = min(figure[0] // in_one for figure, in_one in levels)
            free = min(figure[3] // in_one for figure, in_one in levels)
            assert found.get(place.id, (0, 0)) == (on_hand, free)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_the_ledger_is_a_dictionary() -> None:
    products = [ground.product() for _ in range(3)]
    LedgerMachine.ground = Ground(
        products,
        [goods.store() for _ in range(2)],
        [ground.channel().pk for _ in range(2)],
        ground.kit((products[0], 2), (products[1], 1)),
    )
    run_state_machine_as_test(LedgerMachine, settings=bounded(examples=120, steps=50))
