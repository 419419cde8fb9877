"""Goods that are few, for the machine of goods: orders accepted before anyone knows from where, and people who wait in line."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from commerce.actors import Actor
from inventory import allocations
from inventory.allocations import Demand, Promises
from inventory.models import WaitingEntry, WaitingOffer
from inventory.promising import demands, waiting_list
from inventory.promising.demands import Accepted
from inventory.promising.waiting_list import OFFER_LASTS
from inventory.waiting import RUNNING, WaitingState
from tests.machines.goods_model import Basket, Key, Promise, Room, Unplaced
from tests.machines.known_goods import needs, step
from tests.machines.moving_goods import channels, of_products, pieces, places, rarely
from tests.machines.shelved_goods import KIT, ShelvedGoods


@dataclass
class Waiter:
    """Someone in line. `offer` is the basket that was made for them."""

    channel_id: int
    product_id: int
    location_id: int | None
    quantity: int
    subscriber: str
    joined_at: datetime
    state: WaitingState = WaitingState.WAITING
    offer: UUID | None = None

    @property
    def line(self) -> tuple[int, int, int | None, str]:
        return self.channel_id, self.product_id, self.location_id, self.subscriber


def give_place(demand: Demand, channel_id: int, *, by: Actor, at: datetime) -> dict[UUID, UUID]:
    """Give pieces a place as orders do, in one transaction: first they have one, then they are promised there."""
    ahead = demands.ahead_of({demand.demand_id: demand.product_id})
    demands.route({demand.demand_id: demand.quantity}, by=by, at=at)
    wish = allocations.Wish([demand], by, None, channel_id, ahead)
    promises = Promises([wish], at=at)
    made = promises.make(wish)
    promises.write()
    return made


class AwaitedGoods(ShelvedGoods):
    def __init__(self) -> None:
        super().__init__()
        self.waiters: dict[UUID, Waiter] = {}

    # --- accepted without a place -------------------------------------------------------------------------------------

    @step(wanted=of_products, channel=channels)
    def accept_order(self, wanted: list[tuple[int, int]], channel: int) -> None:
        """Less for everyone from now on, at no place in particular."""
        channel_id, room = self.ground.channels[channel], self.room()
        rows = [Accepted(uuid4(), channel_id, self.product(one), "DE", many) for one, many in wanted]
        summed = Counter[int]()
        for row in rows:
            summed[row.product_id] += row.quantity
        is_short = any(room.in_all(channel_id, product) < many for product, many in summed.items())
        self.say("insufficient_stock" if is_short else "", demands.accept, rows, is_once=True)
        if not is_short:
            self.goods.unplaced |= {row.id: Unplaced(channel_id, row.product_id, row.quantity) for row in rows}

    @needs(lambda self: self.goods.unplaced)
    @step(data=st.data(), place=places, many=st.none() | pieces, is_withdrawn=rarely)
    def give_a_place(self, data: Any, place: int, many: int | None, is_withdrawn: bool) -> None:
        """What waits for a place may have what others may not take from it, wherever it is; or it is not wanted any more."""
        opened = [one for one, demand in self.goods.unplaced.items() if demand.open]
        demand_id = data.draw(st.sampled_from(opened or list(self.goods.unplaced)))
        demand = self.goods.unplaced[demand_id]
        quantity = many or max(demand.open, 1)
        code = "demand_overdrawn" if quantity > demand.open else ""
        if is_withdrawn:
            self.say(code, demands.withdraw, {demand_id: quantity}, reason="machine")
        else:
            key, room = Key(demand.product_id, self.place(place)), self.room()
            if not code and room.there(demand.channel_id, key) + room.later(key) < quantity:
                code = "insufficient_stock"
            made = self.say(code, give_place, Demand(demand_id, *key[:2], quantity), demand.channel_id)
            if not code:
                claim = made[demand_id]
                self.goods.promises[claim] = Promise(key, quantity)
                self.goods.count_for_guarantee(demand.channel_id, claim, key, quantity, self.now)
        if not code:
            demand.open -= quantity

    # --- in line ------------------------------------------------------------------------------------------------------

    @step(
        channel=channels, product=st.integers(0, KIT), place=st.none() | places, quantity=pieces,
        subscriber=st.sampled_from(["anna", "ben", "cem"]),
    )  # fmt: skip
    def get_in_line(self, channel: int, product: int, place: int | None, quantity: int, subscriber: str) -> None:
        """Who is in this line keeps their place; whose goods are there is offered them at once, if nobody is before them."""
        waiter = Waiter(
            self.ground.channels[channel], self.product(product), None if place is None else self.place(place), quantity,
            subscriber, self.now,
        )  # fmt: skip
        twin = next(
            (one for one, who in self.waiters.items() if who.line == waiter.line and who.state in RUNNING), None
        )
        room, then = self.room(), self.room()
        entry_id = self.say(
            "", waiting_list.join, channel_id=waiter.channel_id, product_id=waiter.product_id,
            location_id=waiter.location_id, quantity=quantity, subscriber=subscriber,
        )  # fmt: skip
        if twin is not None:
            assert entry_id == twin
            return
        self.waiters[entry_id] = waiter
        if any(self._makes(waiter, one, room) >= quantity for one in self._places(waiter)):
            self._served(room, then)

    @needs(lambda self: self.waiters)
    @step(product=st.integers(0, KIT))
    def serve_the_line(self, product: int) -> None:
        """As the stock feed does whenever goods moved, before it tells anyone."""
        room, then = self.room(), self.room()
        made = self.say("", waiting_list.serve, [self.product(product)])
        assert made == self._served(room, then)

    @needs(lambda self: self.waiters)
    @step(data=st.data(), by_another=rarely, is_erased=rarely)
    def leave_the_line(self, data: Any, by_another: bool, is_erased: bool) -> None:
        """What was offered is free again, unless it was ordered. Who is erased leaves every line of the channel."""
        entry_id = data.draw(st.sampled_from(list(self.waiters)))
        waiter = self.waiters[entry_id]
        if is_erased:
            whose = (waiter.channel_id, waiter.subscriber)
            self.say("", waiting_list.erase, waiter.subscriber, channel_id=waiter.channel_id)
            for one in self.waiters.values() if waiter.subscriber else ():
                if (one.channel_id, one.subscriber) == whose:
                    self._left(one)
                    one.subscriber = ""
            return
        own = self.ground.channels.index(waiter.channel_id)
        channel_id = self.ground.channels[1 - own if by_another else own]
        self.say("waiting_entry_not_found" if by_another else "", waiting_list.leave, entry_id, channel_id=channel_id)
        if not by_another:
            self._left(waiter)

    def _left(self, waiter: Waiter) -> None:
        if waiter.state not in RUNNING:
            return
        basket = self.goods.baskets[waiter.offer] if waiter.offer else None
        if basket is not None and basket.is_active(self.now):
            basket.ended = "released"
        is_had = basket is not None and basket.ended == "consumed"
        waiter.state = WaitingState.TAKEN if is_had else WaitingState.LEFT

    def _places(self, waiter: Waiter) -> list[int]:
        """Return where someone would have it."""
        return [one.id for one in self.ground.places if waiter.location_id in (None, one.id)]

    def _makes(self, waiter: Waiter, place: int, room: Room, taken: Counter[Key] | None = None) -> int:
        """Return how many of what someone wants there are for them at a place."""
        keys = [(Key(one, place), each) for one, each in self.exploded(waiter.product_id, 1).items()]
        return min((room.now(waiter.channel_id, key) - (taken or {}).get(key, 0)) // each for key, each in keys)

    def _served(self, room: Room, then: Room) -> int:
        """Let the model settle what was offered, and offer what is free to each in turn; return how many got something.

        Whom the line chose is decided from what was free before; the ledger decides again, one after the other.
        """
        for waiter in self.waiters.values():
            basket = self.goods.baskets[waiter.offer] if waiter.offer else None
            if waiter.state is WaitingState.OFFERED and basket is not None and not basket.is_active(self.now):
                ends = {"consumed": WaitingState.TAKEN, "released": WaitingState.DECLINED}
                waiter.state = ends.get(basket.ended, WaitingState.MISSED)
        in_line = [one for one in self.waiters.items() if one[1].state is WaitingState.WAITING]
        taken, chosen = Counter[Key](), []
        for entry_id, waiter in sorted(in_line, key=lambda one: (one[1].joined_at, one[0])):
            most, place_id = max((self._makes(waiter, one, room, taken), -one) for one in self._places(waiter))
            if most >= waiter.quantity:
                lines = self.exploded(waiter.product_id, waiter.quantity)
                taken += Counter({Key(one, -place_id): many for one, many in lines.items()})
                chosen.append(
                    (entry_id, Basket(waiter.channel_id, -place_id, dict(lines), self.now, self.now + OFFER_LASTS))
                )
        offers = dict(WaitingOffer.objects.filter(outcome="offered").values_list("entry_id", "id"))
        made = 0
        for entry_id, basket in chosen:
            if not self.goods.reserve(offers.get(entry_id, entry_id), basket, then, at=self.now):
                self.waiters[entry_id].state, self.waiters[entry_id].offer = WaitingState.OFFERED, offers[entry_id]
                made += 1
        return made

    @invariant()
    def everyone_stands_where_they_should(self) -> None:
        stored = dict(WaitingEntry.objects.values_list("id", "state"))
        assert stored == {entry_id: waiter.state.value for entry_id, waiter in self.waiters.items()}
        offers = dict(WaitingOffer.objects.filter(outcome="offered").values_list("entry_id", "id"))
        assert offers == {
            entry_id: waiter.offer for entry_id, waiter in self.waiters.items() if waiter.state is WaitingState.OFFERED
        }

    @rule(data=st.data(), what=st.sampled_from(["accept_order", "give_a_place", "give_a_place"]))
    def promise_without_a_place(self, data: Any, what: str) -> None:
        self.take(what, data)

    @rule(data=st.data(), what=st.sampled_from([*["get_in_line"] * 3, *["serve_the_line"] * 2, "leave_the_line"]))
    def wait_for_goods(self, data: Any, what: str) -> None:
        self.take(what, data)
