"""Counts, for the machine of goods: what people saw is compared with the books of that moment, not with those of now."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import rule

from commerce import ids
from inventory.counting import CountKind
from inventory.models import CountItem
from inventory.stocktaking import counts, review
from inventory.stocktaking import figures as count_figures
from inventory.stocktaking.figures import Figure
from tests.machines.awaited_goods import AwaitedGoods
from tests.machines.examples import Done, outcome
from tests.machines.goods_model import Count, Key
from tests.machines.known_goods import CHIEF, COUNTERS, needs, step
from tests.machines.moving_goods import places, products, rarely


class CountedGoods(AwaitedGoods):
    @step(
        place=places, product=products, off=st.integers(-7, 4), is_right=st.booleans(), counter=st.integers(0, 1),
        ago=st.sampled_from([0, 0, 1, 60, 900]),
    )  # fmt: skip
    def count(self, place: int, product: int, off: int, is_right: bool, counter: int, ago: int) -> None:
        """A phone may have counted a while ago, but not before there was a count. Two people add up."""
        count_id = self._open_count(place) or self._begin_count(place)
        count = self.goods.counts[count_id]
        key = Key(self.product(product), count.location_id)
        when = max(self.now - timedelta(seconds=ago), count.opened_at)
        is_late = key.product_id in count.settled or when < count.asked.get(key.product_id, when)
        known = sum(quantity for quantity, _ in count.figures[key.product_id])
        quantity = max(self.goods.on_hand[key] - known + (0 if is_right else off), 0)
        text = self.ground.products[product].gtins[0]
        figure = Figure(id=uuid4(), text=text, quantity=quantity, counted_at=self.now - timedelta(seconds=ago))
        self.say("", count_figures.record, count_id, [figure], by=COUNTERS[counter], is_once=True)
        if is_late:
            count.has_findings = True
        else:
            count.figures[key.product_id].append((quantity, when))

    def _open_count(self, place: int) -> UUID | None:
        opened = (
            one for one, count in self.goods.counts.items() if count.is_open and count.location_id == self.place(place)
        )
        return next(opened, None)

    def _begin_count(self, place: int) -> UUID:
        count_id = ids.new()
        self.say(
            "", counts.begin, count_id, location_id=self.place(place), kind=CountKind.FREE, by=COUNTERS[0], is_once=True
        )
        self.goods.counts[count_id] = Count(self.place(place), self.now)
        return count_id

    @step(place=places)
    def hand_in_count(self, place: int) -> None:
        """What one person may decide is booked; the count of that place that began before is the one."""
        count_id = self._open_count(place)
        if (
            count_id is None
        ):  # nothing to hand in yet: it is begun, and the same is refused as long as nothing is counted
            self.say("invalid_input", counts.hand_in, self._begin_count(place), by=COUNTERS[0])
            return
        count = self.goods.counts[count_id]
        counted = [product for product, figures in count.figures.items() if figures and product not in count.settled]
        code = "" if counted or count.settled or count.has_findings else "invalid_input"
        self.say(code, counts.hand_in, count_id, by=COUNTERS[0], is_once=True)
        if not code:
            count.is_open = False
            count.settled |= {one: "uncounted" for one in count.asked if not count.figures[one]}
            self._settle(count_id, dict.fromkeys(counted))

    @needs(lambda self: any(count.in_review for count in self.goods.counts.values()))
    @step(data=st.data(), is_own=rarely)
    def approve_count(self, data: Any, is_own: bool) -> None:
        """A second person posts what is as they saw it."""
        waiting = [count_id for count_id, count in self.goods.counts.items() if count.in_review]
        count_id = data.draw(st.sampled_from(waiting))
        items = CountItem.objects.filter(count_id=count_id, state="review")
        seen = {item.product_id: (item.counted or 0) - (item.expected or 0) for item in items}
        assert set(seen) == set(self.goods.counts[count_id].in_review)
        if is_own:
            came = self.attempt(review.approve, count_id, seen, by=COUNTERS[0], at=self.now)
            assert outcome(came) in ("done", "second_person_needed")
            if outcome(came) != "done":
                return
        else:
            self.say("", review.approve, count_id, seen, by=CHIEF)
        self._settle(count_id, seen)

    @needs(lambda self: any(count.in_review for count in self.goods.counts.values()))
    @step(data=st.data(), is_left=st.booleans(), is_own=rarely)
    def decide_count(self, data: Any, is_left: bool, is_own: bool) -> None:
        """The books stand, if somebody else says so; or it is counted anew, from nothing."""
        waiting = [count_id for count_id, count in self.goods.counts.items() if count.in_review]
        count_id = data.draw(st.sampled_from(waiting))
        count = self.goods.counts[count_id]
        asked = count.in_review
        if is_left and is_own:
            came = self.attempt(review.leave, count_id, asked, note="machine", by=COUNTERS[0], at=self.now)
            assert outcome(came) in ("done", "second_person_needed")
            is_left = isinstance(came, Done)
            if not is_left:
                return
        elif is_left:
            self.say("", review.leave, count_id, asked, note="machine", by=CHIEF)
        if is_left:
            count.settled |= dict.fromkeys(asked, "left")
            return
        self.say("", review.recount, count_id, asked, by=CHIEF)
        self.unsay(counts.hand_in, count_id)
        count.is_open = True
        for product in asked:
            del count.settled[product]
            count.figures[product], count.asked[product] = [], self.now

    @needs(lambda self: self.goods.counts)
    @step(data=st.data())
    def cancel_count(self, data: Any) -> None:
        """What was not booked yet is not booked."""
        count_id = data.draw(st.sampled_from(list(self.goods.counts)))
        count = self.goods.counts[count_id]
        is_over = not count.is_open and not count.in_review and not count.has_findings and not count.is_cancelled
        self.say("count_state_wrong" if is_over else "", counts.cancel, count_id, is_once=True)
        if is_over or count.is_cancelled:
            return
        self.unsay(counts.hand_in, count_id)
        counted = [product for product in count.figures if product not in count.settled]
        count.settled |= dict.fromkeys([*counted, *count.in_review], "uncounted")
        count.is_open, count.is_cancelled = False, True

    def _settle(self, count_id: UUID, seen: dict[int, int | None]) -> None:
        """Let the model settle items as well: compared all at once, before anything is booked."""
        count = self.goods.counts[count_id]
        for product, pieces_seen in sorted(seen.items()):
            limit = self.limit(Key(product, count.location_id))
            self.goods.settle(count, product, limit=limit, seen=pieces_seen, at=self.now)
        stored = dict(CountItem.objects.filter(count_id=count_id).values_list("product_id", "state"))
        assert stored == count.settled

    @rule(
        data=st.data(),
        what=st.sampled_from(
            [*["count"] * 4, "hand_in_count", "hand_in_count", "approve_count", "decide_count", "cancel_count"]
        ),
    )
    def look_after_counts(self, data: Any, what: str) -> None:
        self.take(what, data)
