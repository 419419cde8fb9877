"""How goods are shared, for the machine of goods: buffers that follow demand within their bounds, and limits per customer."""

from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from commerce.models import OutboxDelivery, OutboxMessage
from inventory.models import BufferStep, DynamicBuffer
from inventory.promising import purchase_limits
from inventory.sharing import dynamic_buffers
from inventory.sharing.dynamic_buffers import PolicyDraft
from inventory.sharing.scopes import ScopeIds
from tests.machines.counted_goods import CountedGoods
from tests.machines.goods_model import CustomerLimit, Dynamic, Key
from tests.machines.known_goods import needs, step
from tests.machines.moving_goods import channels, products

LATE_SECONDS = 240  # that news of a channel wait, when they do
PINNED_FOR = timedelta(hours=1)
buyers = st.sampled_from(["", "", "anna", "ben"])  # nobody names most of those who only fill a basket
_numbers = count(1)


class SharedGoods(CountedGoods):
    # --- buffers that follow demand -----------------------------------------------------------------------------------

    @step(channel=channels, minimum=st.integers(0, 2), more=st.integers(1, 4), most_at_once=st.integers(1, 3))
    def follow_demand(self, channel: int, minimum: int, more: int, most_at_once: int) -> None:
        """A policy holds instead of whatever rule or policy held: how several combine is the cascade's own proof."""
        self.hold_nothing()
        channel_id = self.ground.channels[channel]
        wanted = PolicyDraft(
            name="machine", minimum=minimum, maximum=minimum + more, step_limit=most_at_once, cool_down_seconds=60,
            scope=ScopeIds(channel_id=channel_id),
        )  # fmt: skip
        made = self.say("", dynamic_buffers.draft, wanted)
        self.say("", dynamic_buffers.activate, made)
        self.goods.dynamic = Dynamic(made, channel_id, minimum, minimum + more, most_at_once, timedelta(seconds=60))

    @needs(lambda self: self.goods.dynamic)
    @step(is_late=st.booleans())
    def measure(self, is_late: bool) -> None:
        """Each step stays in its bounds, is no larger and no sooner than allowed; where no news wait, all that can is released."""
        dynamic, known = self.goods.dynamic, set(BufferStep.objects.values_list("pk", flat=True))
        news = self._news_wait(dynamic.channel_id) if is_late else None
        too_much = {key for key, kept in dynamic.kept.items() if kept > dynamic.minimum}
        due = {key for key in too_much if dynamic.may_step(key, self.now)}
        made = self.say("", dynamic_buffers.step_all)
        if news is not None:
            OutboxMessage.objects.filter(pk=news).delete()
        fresh = [one for one in BufferStep.objects.filter(policy_id=dynamic.id) if one.pk not in known]
        assert made == len(fresh)
        for one in fresh:
            key = Key(one.product_id, one.location_id)
            assert one.before == dynamic.kept_of(key)
            assert dynamic.may_step(key, self.now)
            assert dynamic.minimum <= one.after <= dynamic.maximum
            assert 0 < abs(one.after - one.before) <= dynamic.step_limit
            assert one.cause == ("tightened" if one.after > one.before else "released")
            dynamic.kept[key], dynamic.stepped[key], dynamic.latest[key] = one.after, self.now, (one.pk, one.before)
        if not is_late:  # nobody waits for news, so there is nothing to fear
            assert {Key(one.product_id, one.location_id) for one in fresh} == due
            assert {one.cause for one in fresh} <= {"released"}

    def _news_wait(self, channel_id: int) -> int:
        """Let a webhook of a channel wait for news, as it does when the shop is slow."""
        aggregate = f"listing:{channel_id}:machine-{next(_numbers)}"
        message = OutboxMessage.objects.create(
            event_type="availability.changed", aggregate=aggregate, aggregate_sequence=1, channel_id=channel_id, payload={},
            actor_kind="system", actor_id="machine", occurred_at=self.now - timedelta(seconds=LATE_SECONDS),
        )  # fmt: skip
        OutboxDelivery.objects.create(
            message=message, subscriber="webhook:1", aggregate=aggregate, next_attempt_at=self.now
        )
        return message.pk

    @needs(lambda self: self.goods.dynamic and self.goods.dynamic.latest)
    @step(data=st.data())
    def take_a_step_back(self, data: Any) -> None:
        """A person takes the latest step of a buffer back, which stays then as it was; taken back again, nothing happens."""
        dynamic = self.goods.dynamic
        key = data.draw(st.sampled_from(sorted(dynamic.latest, key=str)))
        step_id, before = dynamic.latest.pop(key)
        self.say("", dynamic_buffers.undo, step_id, pin_for=PINNED_FOR, is_once=True)
        dynamic.kept[key], dynamic.stepped[key], dynamic.pinned[key] = before, self.now, self.now + PINNED_FOR

    def hold_nothing(self) -> None:
        """End the rule or the policy that holds."""
        super().hold_nothing()
        if self.goods.dynamic:
            self.say("", dynamic_buffers.retire, self.goods.dynamic.id)
            self.goods.dynamic = None

    # --- limits per customer ------------------------------------------------------------------------------------------

    @step(product=products, quantity=st.integers(1, 8), seconds=st.sampled_from([900, 90_000]))
    def limit_customers(self, product: int, quantity: int, seconds: int) -> None:
        """One limit at a time; who comes under a new one begins anew."""
        if self.goods.limit and self.now < self.goods.limit.ends_at:
            self.say("", purchase_limits.end, self.goods.limit.id)
        until = self.now + timedelta(seconds=seconds)
        wanted = purchase_limits.Draft(
            name="machine", product_id=self.product(product), quantity=quantity, starts_at=self.now, ends_at=until
        )
        self.goods.limit = CustomerLimit(
            self.say("", purchase_limits.make, wanted), self.product(product), quantity, until
        )

    def identities(self, buyer: str) -> tuple[str, ...]:
        return purchase_limits.identities(channel_id=self.ground.channels[0], email=f"{buyer}@example.com") * bool(
            buyer
        )

    @invariant()
    def nobody_has_more_than_a_limit_allows(self) -> None:
        limit = self.goods.limit
        for buyer in {basket.buyer for basket in self.goods.baskets.values() if basket.buyer} if limit else ():
            assert self.goods.counted(buyer, self.now) <= limit.quantity

    @invariant()
    def buffers_are_what_their_steps_say(self) -> None:
        if self.goods.dynamic:
            rows = DynamicBuffer.objects.filter(policy_id=self.goods.dynamic.id)
            stored = {Key(row.product_id, row.location_id): row.pieces for row in rows}
            assert stored == self.goods.dynamic.kept

    @rule(
        data=st.data(), what=st.sampled_from(["follow_demand", *["measure"] * 3, "take_a_step_back", "limit_customers"])
    )
    def adapt(self, data: Any, what: str) -> None:
        self.take(what, data)
