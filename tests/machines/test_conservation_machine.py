"""Goods against a plain model: whatever is received, moved, counted, stated, promised, withheld or put right, none appears from
nowhere and none gets lost, no one is promised what is not there, and what is said twice is done once (laws 1 to 8 and 14).
"""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from commerce import clock, ids
from commerce.errors import CommerceError
from commerce.transactions import transaction
from inventory import allocations, expiry, reservations, timeline
from inventory.allocations import Demand
from inventory.cascade import Purpose, RuleKind
from inventory.errors import InsufficientStock, PurchaseLimitReached
from inventory.ledger import LevelKey
from inventory.promise_dates import PolicyKind
from inventory.promising import demands, policies
from inventory.reservations import ReservationRequest, Reserved
from inventory.sharing import buffer_rules, obligations
from inventory.sharing.scopes import ScopeIds
from inventory.stock import Condition, Counterparty, EntryKind
from tests.machines import goods_laws as laws
from tests.machines.examples import SECONDS_TO_SHRINK, Done, bounded, outcome
from tests.machines.goods_model import (
    LONGEST_LIFE,
    Basket,
    Guarantee,
    Key,
    Policy,
    Promise,
    Rule,
    Short,
)
from tests.machines.known_goods import BY, needs, prepare, step
from tests.machines.moving_goods import channels, of_products, pieces, places, products, rarely
from tests.machines.shared_goods import SharedGoods, buyers
from tests.machines.stated_goods import agree

TTL_SECONDS = (60, 120, 900, 3600)
PAUSES_SECONDS = (1, 59, 60, 61, 840, 900, 5_000)
KIT = 2  # the number of the kit, after the products
LEAD_DAYS = 300  # further than any example goes on: a policy always has a day to promise


def short_of(refusal: CommerceError) -> Short:
    return {
        Key(line["product_id"], line["location_id"]): (line["wanted"], line["available"])
        for line in refusal.detail["lines"]
    }


class ConservationMachine(SharedGoods):
    # --- claims -------------------------------------------------------------------------------------------------------

    @step(
        wanted=st.lists(
            st.tuples(
                places, channels, st.lists(st.tuples(st.integers(0, KIT), pieces), min_size=1, max_size=3),
                st.sampled_from(TTL_SECONDS), buyers,
            ),
            min_size=1, max_size=3,
        )
    )  # fmt: skip
    def reserve(self, wanted: list[tuple[int, int, list[tuple[int, int]], int, str]]) -> None:
        """A batch is served in its order, each all or nothing, and no one fails a neighbour. Of a kit, its components are held.

        Who is named has no more of a limited product than the limit allows, in whatever baskets.
        """
        requests = [
            ReservationRequest(
                ids.new(), self.ground.channels[channel], self.place(place),
                tuple((self.product(product), quantity) for product, quantity in basket),
                self.now + timedelta(seconds=seconds), identities=self.identities(buyer),
            )
            for place, channel, basket, seconds, buyer in wanted
        ]  # fmt: skip
        room = self.room()
        verdicts = self.say("", reservations.reserve, requests)
        for (*_, buyer), request, verdict in zip(wanted, requests, verdicts, strict=True):
            summed: Counter[int] = Counter()
            for product_id, quantity in request.lines:
                summed += self.exploded(product_id, quantity)
            basket = Basket(
                request.channel_id, request.location_id, dict(summed), self.now, request.expires_at, buyer=buyer
            )
            if self.goods.is_over_limit(basket, self.now):
                assert isinstance(verdict, PurchaseLimitReached), verdict
            elif short := self.goods.reserve(request.id, basket, room, at=self.now):
                assert isinstance(verdict, InsufficientStock), short
                assert short_of(verdict) == short
            else:
                assert isinstance(verdict, Reserved), verdict

    @needs(lambda self: self.goods.baskets)
    @step(data=st.data(), by_another=rarely, seconds=st.none() | st.sampled_from(TTL_SECONDS))
    def extend_or_release(self, data: Any, by_another: bool, seconds: int | None) -> None:
        """Extended by so many seconds; released without."""
        basket_id, channel_id = self._basket(data, by_another)
        basket, code = self.goods.baskets[basket_id], self.goods.refusal_of(basket_id, channel_id, self.now)
        if seconds is None:
            if basket.ended != "consumed" and code != "hold_not_found":
                code = ""  # releasing what is over changes nothing
            self.say(code, reservations.release, basket_id, channel_id=channel_id)
            if not code and basket.is_active(self.now):
                basket.ended = "released"
            return
        until = self.now + timedelta(seconds=seconds)
        if not code and until > basket.created_at + LONGEST_LIFE:
            code = "hold_too_old"
        self.say(code, reservations.extend, basket_id, until, channel_id=channel_id)
        if not code:
            basket.expires_at = max(basket.expires_at, until)

    @step(data=st.data(), wanted=of_products, place=places, from_basket=st.booleans(), channel=st.none() | channels)
    def allocate(
        self, data: Any, wanted: list[tuple[int, int]], place: int, from_basket: bool, channel: int | None
    ) -> None:
        """The order may want what its basket holds, less, more, or something else; perhaps it has none."""
        basket_id = None
        channel_id = None if channel is None else self.ground.channels[channel]
        demands = [Demand(uuid4(), self.product(one), self.place(place), quantity) for one, quantity in wanted]
        if from_basket and self.goods.baskets:
            basket_id, own = self._basket(data, False)
            channel_id = self.ground.channels[channel] if channel is not None and data.draw(rarely) else own
            basket = self.goods.baskets[basket_id]
            if data.draw(st.booleans(), label="exactly the basket"):
                demands = [Demand(uuid4(), one, basket.location_id, many) for one, many in basket.lines.items()]
        summed: Counter[Key] = Counter()
        for demand in demands:
            summed[Key(demand.product_id, demand.location_id)] += demand.quantity
        code, short = self._refusal(basket_id, channel_id, summed)
        came = self.attempt(
            allocations.allocate, demands, by=BY, at=self.now, reservation_id=basket_id, channel_id=channel_id
        )
        assert outcome(came) == (code or "done"), came
        if isinstance(came, InsufficientStock):
            assert short_of(came) == short
        if not isinstance(came, Done):
            return
        if basket_id is not None:
            self.goods.baskets[basket_id].ended = "consumed"
        for demand in demands:
            key, claim = Key(demand.product_id, demand.location_id), came.value[demand.demand_id]
            self.goods.promises[claim] = Promise(key, demand.quantity)
            self.goods.count_for_guarantee(channel_id, claim, key, demand.quantity, self.now)

    def _refusal(self, basket_id: UUID | None, channel_id: int | None, wanted: Counter[Key]) -> tuple[str, Short]:
        held: dict[Key, int] = {}
        awaited: Counter[Key] = Counter()
        if basket_id is not None:
            if code := self.goods.refusal_of(basket_id, channel_id, self.now):
                return code, {}
            held = self.goods.baskets[basket_id].keys()
            awaited = laws.waiting(at=self.now, of_basket=basket_id)
            if not {key.location_id for key in wanted} & {key.location_id for key in held}:
                return "hold_elsewhere", {}
        short = self.goods.short_of_order(wanted, held, awaited, channel_id, self.room())
        return ("insufficient_stock" if short else ""), short

    def _basket(self, data: Any, by_another: bool) -> tuple[UUID, int]:
        """Draw a basket, and say whose it is (or the other channel)."""
        basket_id = data.draw(st.sampled_from(list(self.goods.baskets)))
        own = self.ground.channels.index(self.goods.baskets[basket_id].channel_id)
        return basket_id, self.ground.channels[1 - own if by_another else own]

    @needs(lambda self: self.goods.promises)
    @step(data=st.data(), many=st.none() | pieces, what=st.sampled_from(["release", "hand over", "ship", "not found"]))
    def end_promise(self, data: Any, many: int | None, what: str) -> None:
        """All that is owed (nothing said), or so many pieces."""
        opened = [one for one, promise in self.goods.promises.items() if promise.open]
        claim = data.draw(st.sampled_from(opened or list(self.goods.promises)))
        promise = self.goods.promises[claim]
        quantity = many or max(promise.open, 1)
        options: dict[str, Any] = {"by": BY, "at": self.now}
        verb: Any = {"release": allocations.release, "not found": allocations.not_found}.get(what, allocations.leave)
        if what == "release":
            options["reason"] = "machine"
        elif verb == allocations.leave:
            options["kind"] = EntryKind.HANDED_OVER if what == "hand over" else EntryKind.SHIPPED
        awaited = laws.waiting_of(claim)
        code = ""
        if quantity > promise.open:
            code = "allocation_overdrawn"
        elif verb == allocations.leave and quantity > promise.open - awaited:
            code = "goods_awaited"
        there = min(quantity, promise.open - awaited)
        rest = max(self.goods.free(promise.key, self.now) + laws.waiting(at=self.now)[promise.key], 0)
        self.say(code, verb, [(claim, quantity)], **options)
        if code:
            return
        promise.open -= quantity
        promise.given_up += quantity if verb != allocations.leave else 0
        if what == "not found":
            # What is missing goes, and with it whatever of its shelf nobody was promised.
            gone = there + (min(rest, self.goods.on_hand[promise.key] - there) if there else 0)
            self.goods.move(promise.key, -gone, EntryKind.ADJUSTED, Counterparty.SHRINKAGE, at=self.now)
        elif verb == allocations.leave:
            self.goods.move(promise.key, -quantity, options["kind"], Counterparty.CUSTOMER, at=self.now)

    # --- what is withheld, guaranteed, or promised from goods to come ---------------------------------------------------

    @step(kind=st.sampled_from(RuleKind), amount=st.integers(1, 12), channel=st.none() | channels)
    def hold_a_rule(self, kind: RuleKind, amount: int, channel: int | None) -> None:
        """One rule at a time: how several combine is the cascade's own proof."""
        self.hold_nothing()
        amount = amount * 8 if kind is RuleKind.PERCENTAGE else amount
        channel_id = None if channel is None else self.ground.channels[channel]
        wanted = buffer_rules.Draft(
            name="machine", purpose=Purpose.BUFFER.value, kind=kind.value, amount=amount,
            scope=ScopeIds(channel_id=channel_id),
        )  # fmt: skip
        came = self.attempt(buffer_rules.propose, wanted, by=BY, at=self.now)
        assert isinstance(came, Done), came
        self.say("", buffer_rules.activate, came.value, words="machine")
        self.goods.rule = Rule(came.value, kind, amount, channel_id)

    @step(
        channel=channels,
        product=products,
        place=places,
        quantity=st.integers(1, 10),
        seconds=st.sampled_from([900, 90_000]),
    )
    def guarantee(self, channel: int, product: int, place: int, quantity: int, seconds: int) -> None:
        key, channel_id = Key(self.product(product), self.place(place)), self.ground.channels[channel]
        until = self.now + timedelta(seconds=seconds)
        agreement = obligations.Agreement(
            name="machine", quantity=quantity, starts_at=self.now, ends_at=until,
            scope=ScopeIds(channel_id=channel_id, product_id=key.product_id, location_id=key.location_id),
        )  # fmt: skip
        made = self.say("", obligations.agree, agreement)
        self.goods.guarantees.append(Guarantee(made, channel_id, key, quantity, until))

    @needs(lambda self: self.goods.guarantees)
    @step(data=st.data())
    def end_guarantee(self, data: Any) -> None:
        one = data.draw(st.sampled_from(self.goods.guarantees))
        self.say("" if one.holds(self.now) else "sharing_state_wrong", obligations.end, one.id)
        one.is_ended = True

    @step(cap=st.integers(0, 10))
    def promise_goods_to_come(self, cap: int) -> None:
        """So many pieces; none any more with 0. What was promised stays."""
        if self.goods.policy:
            self.say("", policies.end, self.goods.policy.id)
            self.goods.policy = None
        if not cap:
            return
        key = Key(self.product(0), self.place(0))
        wanted = policies.Draft(
            name="machine", kind=PolicyKind.BACKORDER.value, cap=cap, product_id=key.product_id,
            location_id=key.location_id, lead_days=LEAD_DAYS,
        )  # fmt: skip
        self.goods.policy = Policy(self.say("", policies.make, wanted), key, cap)

    # --- time, and what is said again ---------------------------------------------------------------------------------

    @step(seconds=st.sampled_from(PAUSES_SECONDS))
    def wait_a_while(self, seconds: int) -> None:
        self.wait(seconds)

    @step()
    def sweep(self) -> None:
        """Sweeping changes nothing that anyone can see; limits follow what still waits."""
        self.say("", expiry.expire_due)
        self.say("", policies.apply_due)
        with clock.frozen(self.now), transaction():
            demands.unmark_done(at=self.now)

    @needs(lambda self: self.said)
    @step(data=st.data())
    def say_again(self, data: Any) -> None:
        self.again(data.draw(st.sampled_from(self.said)))

    @needs(lambda self: self.goods.history)
    @step(data=st.data(), off=st.sampled_from([-1, 0, 0, 1]))
    def look_back(self, data: Any, off: int) -> None:
        """At every level, at moments around what happened: late reports count where they belong."""
        happened = sorted(
            {one.occurred_at for one in self.goods.history} | {one.recorded_at for one in self.goods.history}
        )
        moments = [
            (key, data.draw(st.sampled_from(happened)) + timedelta(seconds=off)) for key in self.keys(*Condition)
        ]
        found = timeline.on_hand_at([(LevelKey(*key[:2], key.condition.value), when) for key, when in moments])
        assert found == [self.goods.on_hand_at(key, when) for key, when in moments]

    # --- what the machine does, besides moving goods --------------------------------------------------------------------

    @rule(data=st.data(), what=st.sampled_from(["reserve", "reserve", "extend_or_release", "allocate", "allocate"]))
    def claim(self, data: Any, what: str) -> None:
        self.take(what, data)

    @rule(data=st.data(), what=st.sampled_from(["reserve", "allocate", "end_promise", "end_promise"]))
    def serve(self, data: Any, what: str) -> None:
        self.take(what, data)

    @rule(data=st.data(), what=st.sampled_from(["hold_a_rule", "guarantee", "end_guarantee", "promise_goods_to_come"]))
    def share(self, data: Any, what: str) -> None:
        self.take(what, data)

    @rule(data=st.data(), what=st.sampled_from(["wait_a_while", "wait_a_while", "sweep", "say_again", "look_back"]))
    def go_on(self, data: Any, what: str) -> None:
        self.take(what, data)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS_TO_SHRINK)
@pytest.mark.django_db
def test_goods_are_conserved() -> None:
    ConservationMachine.ground = prepare()
    agree()
    run_state_machine_as_test(ConservationMachine, settings=bounded(examples=50, steps=60))
