"""What others say lies here, for the machine of goods: statements of a source, and the repair of what differs."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from commerce import clock, ids
from commerce.transactions import transaction
from inventory.models import Discrepancy
from inventory.reconciliation import discrepancies, sources, statements
from inventory.reconciliation.sources import Policy, SourceTerms
from inventory.reconciliation.statements import Statement
from inventory.reconciling import Decision, DiscrepancyKind, DiscrepancyState, Meaning, SourceKind
from inventory.stock import Counterparty, EntryKind
from tests.machines.bought_goods import BoughtGoods
from tests.machines.examples import BEGINNING
from tests.machines.goods_model import Key, Stated
from tests.machines.known_goods import BY, needs, step
from tests.machines.moving_goods import HERE, mostly_sellable, places, products

SOURCE = "machine"


def agree() -> None:
    """Agree with a source that a person decides about what differs."""
    terms = SourceTerms(
        name="Machine", kind=SourceKind.ERP, policies={Meaning.ON_HAND: Policy(Decision.ASK)}, most_hours_old=24
    )
    with clock.frozen(BEGINNING), transaction():
        sources.set_source(SOURCE, terms, by=BY, at=BEGINNING)


class StatedGoods(BoughtGoods):
    @step(
        place=places,
        wanted=st.lists(st.tuples(products, st.integers(-5, 5)), min_size=1, max_size=2, unique_by=lambda one: one[0]),
        condition=mostly_sellable, ago=st.sampled_from([0, 0, 1, 60, 900]),
    )  # fmt: skip
    def state(self, place: int, wanted: list[tuple[int, int]], condition: Any, ago: int) -> None:
        """A figure of a while ago, right or off; one that is older than the last is refused. It moves nothing by itself."""
        where, when = (self.place(place), condition), self.now - timedelta(seconds=ago)
        keys = {Key(self.product(one), *where): off for one, off in wanted}
        said = {key: max(self.goods.on_hand_at(key, when) + off, 0) for key, off in keys.items()}
        statement = Statement(
            source=SOURCE, reference=str(ids.new()), location_id=where[0], meaning=Meaning.ON_HAND, as_of=when,
            lines=[(key.product_id, pieces) for key, pieces in said.items()], condition=condition,
        )  # fmt: skip
        last: datetime = self.goods.heard.get(where, when)
        answer = self.say("statement_outdated" if when < last else "", statements.take, statement, is_once=when >= last)
        if answer is None:
            return
        self.goods.heard[where] = when
        differing = {key: pieces for key, pieces in said.items() if pieces != self.goods.on_hand_at(key, when)}
        assert (answer["compared"], len(answer["differences"])) == (len(said), len(differing))
        for key in said:
            self.goods.stated.pop(key, None)
        self.goods.stated |= {key: Stated(pieces, when) for key, pieces in differing.items()}

    @needs(lambda self: self.goods.stated)
    @step(data=st.data())
    def repair(self, data: Any) -> None:
        """What was found is booked as of its moment, but nothing that is promised is booked away: that rest stays open."""
        key = data.draw(st.sampled_from(list(self.goods.stated)))
        stated = self.goods.stated[key]
        left = stated.found - self.goods.on_hand_at(key, stated.as_of)
        booked = left if left > 0 else -min(-left, max(self.goods.free(key, self.now), 0))
        row = self._open()[key]
        came = self.say("", discrepancies.repair, [row.id], reason="machine")
        assert (came[row.id].booked, came[row.id].left) == (booked, left - booked)
        side = Counterparty.FOUND if booked > 0 else Counterparty.SHRINKAGE
        self.goods.move(key, booked, EntryKind.ADJUSTED, side, at=self.now, occurred_at=stated.as_of)
        if booked == left:
            del self.goods.stated[key]
            self.say("discrepancy_settled", discrepancies.repair, [row.id], reason="machine")

    @needs(lambda self: self.goods.stated)
    @step(data=st.data())
    def accept(self, data: Any) -> None:
        """The books stand."""
        key = data.draw(st.sampled_from(list(self.goods.stated)))
        self.say(
            "", discrepancies.settle, self._open()[key].id, how=DiscrepancyState.ACCEPTED, note="machine", is_once=True
        )
        del self.goods.stated[key]

    def _open(self) -> dict[Key, Discrepancy]:
        rows = Discrepancy.objects.filter(source=SOURCE, kind=DiscrepancyKind.STATEMENT_DIFFERENCE.value, state="open")
        conditions = {one.value: one for one in HERE}
        return {Key(row.product_id, row.location_id or 0, conditions[row.condition]): row for row in rows}

    @invariant()
    def what_differs_is_open_once(self) -> None:
        found = {key: Stated(row.found, row.as_of) for key, row in self._open().items()}
        assert found == self.goods.stated

    @rule(data=st.data(), what=st.sampled_from([*["state"] * 3, "repair", "repair", "accept"]))
    def reconcile(self, data: Any, what: str) -> None:
        self.take(what, data)
