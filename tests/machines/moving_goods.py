"""How goods move, for the machine of goods: received, returned, adjusted, written off, reclassified, corrected, transferred."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from commerce import ids
from inventory import conditions, corrections, movements, returns, write_offs
from inventory.conditions import Reclassification
from inventory.movements import Adjustment, Receipt
from inventory.moving import ON_THE_WAY, DifferenceReason, TransferState, WriteOffReason
from inventory.returns import ReturnLine
from inventory.stock import Condition, Counterparty, EntryKind
from inventory.transport import transfers
from inventory.transport.transfers import Arrival, Wanted
from inventory.write_offs import WriteOff
from tests.machines import goods_laws as laws
from tests.machines.goods_model import Booked, Key, Transfer
from tests.machines.known_goods import EXPECTED_ON, KnownGoods, needs, step

HERE = (Condition.SELLABLE, Condition.DAMAGED, Condition.QUALITY_CONTROL)

products, places, channels = st.integers(0, 1), st.integers(0, 2), st.integers(0, 1)
pieces = st.integers(1, 6)
mostly_sellable = st.sampled_from((Condition.SELLABLE,) * 4 + HERE)
rarely = st.sampled_from([False] * 7 + [True])
late = st.sampled_from((None, None, None, 30, 300, 3_000))  # seconds before now
of_products = st.lists(st.tuples(products, pieces), min_size=1, max_size=2)
lines = st.lists(st.tuples(products, places, mostly_sellable, pieces), min_size=1, max_size=3)


def key_of(line: Any) -> Key:
    return Key(line.product_id, line.location_id, line.condition)


class MovingGoods(KnownGoods):
    @initialize(
        stocked=st.lists(st.integers(0, 20), min_size=6, max_size=6),
        sent=st.lists(st.tuples(places, st.integers(1, 2), products, pieces), max_size=2),
    )
    def begin_with_stock(self, stocked: list[int], sent: list[tuple[int, int, int, int]]) -> None:
        """Some levels may not exist yet, and some goods may be on their way already."""
        wanted = [
            (number % 2, number // 2, Condition.SELLABLE, quantity)
            for number, quantity in enumerate(stocked)
            if quantity
        ]
        if wanted:
            self._receive(wanted, None)
        for origin, turn, product, quantity in sent:
            self.draft_transfer(origin, turn, [(product, quantity)], Condition.SELLABLE, True)

    # --- what comes and goes ------------------------------------------------------------------------------------------

    @step(wanted=lines, seconds=late, is_returned=st.booleans())
    def bring(self, wanted: list[tuple[int, int, Condition, int]], seconds: int | None, is_returned: bool) -> None:
        """From a supplier, or back from a customer."""
        (self._give_back if is_returned else self._receive)(wanted, seconds)

    def _receive(self, wanted: list[tuple[int, int, Condition, int]], seconds: int | None) -> None:
        made = [
            Receipt(ids.new(), self.product(product), self.place(place), quantity, condition)
            for product, place, condition, quantity in wanted
        ]
        self.say("", movements.receive, made, occurred_at=self.earlier(seconds), is_once=True)
        for line in made:
            self.book(
                line.id,
                [(key_of(line), line.quantity, Counterparty.SUPPLIER)],
                EntryKind.RECEIVED,
                occurred_at=self.earlier(seconds),
            )

    def _give_back(self, wanted: list[tuple[int, int, Condition, int]], seconds: int | None) -> None:
        made = [
            ReturnLine(ids.new(), self.product(product), self.place(place), quantity, condition)
            for product, place, condition, quantity in wanted
        ]
        self.say("", returns.return_to_stock, made, occurred_at=self.earlier(seconds), is_once=True)
        for line in made:
            self.book(
                line.id,
                [(key_of(line), line.quantity, Counterparty.CUSTOMER)],
                EntryKind.RETURNED,
                occurred_at=self.earlier(seconds),
            )

    @step(
        wanted=st.lists(
            st.tuples(products, places, mostly_sellable, st.integers(-8, 8).filter(bool)), min_size=1, max_size=3
        ),
        seconds=late,
    )
    def adjust(self, wanted: list[tuple[int, int, Condition, int]], seconds: int | None) -> None:
        made = [
            Adjustment(ids.new(), self.product(product), self.place(place), delta, "machine", condition)
            for product, place, condition, delta in wanted
        ]
        left: dict[Key, int] = {}
        there: Counter[Key] = Counter()
        code = ""
        for line in made:
            key = key_of(line)
            left[key] = left.get(key, self.goods.free(key, self.now) + self.limit(key)) + line.delta
            there[key] += line.delta
            if left[key] < 0 or self.goods.on_hand[key] + there[key] < 0:
                code = "stock_rule_violated"
        self.say(code, movements.adjust, made, occurred_at=self.earlier(seconds), is_once=True)
        for line in made if not code else ():
            side = Counterparty.FOUND if line.delta > 0 else Counterparty.SHRINKAGE
            self.book(
                line.id,
                [(key_of(line), line.delta, side)],
                EntryKind.ADJUSTED,
                occurred_at=self.earlier(seconds),
            )

    @step(wanted=lines, reason=st.sampled_from(WriteOffReason), seconds=late)
    def write_off(
        self, wanted: list[tuple[int, int, Condition, int]], reason: WriteOffReason, seconds: int | None
    ) -> None:
        made = [
            WriteOff(ids.new(), self.product(product), self.place(place), quantity, reason, condition)
            for product, place, condition, quantity in wanted
        ]
        leaving: Counter[Key] = Counter()
        for line in made:
            leaving[key_of(line)] += line.quantity
        code = "" if self.goods.is_free(leaving, self.now) else "not_free_to_move"
        self.say(code, write_offs.write_off, made, occurred_at=self.earlier(seconds), is_once=True)
        for line in made if not code else ():
            self.book(
                line.id,
                [(key_of(line), -line.quantity, Counterparty.SHRINKAGE)],
                EntryKind.WRITTEN_OFF,
                occurred_at=self.earlier(seconds),
            )

    @step(wanted=lines, turn=st.integers(1, 2), seconds=late)
    def reclassify(self, wanted: list[tuple[int, int, Condition, int]], turn: int, seconds: int | None) -> None:
        made = [
            Reclassification(
                ids.new(),
                self.product(product),
                self.place(place),
                quantity,
                condition,
                HERE[HERE.index(condition) - turn],
            )
            for product, place, condition, quantity in wanted
        ]
        leaving: Counter[Key] = Counter()
        for line in made:
            leaving[key_of(line)] += line.quantity
        code = "" if self.goods.is_free(leaving, self.now) else "not_free_to_move"
        self.say(code, conditions.reclassify, made, reason="machine", occurred_at=self.earlier(seconds), is_once=True)
        for line in made if not code else ():
            self.book(
                line.id,
                [
                    (key_of(line), -line.quantity, Counterparty.LEVEL),
                    (Key(line.product_id, line.location_id, line.to), line.quantity, Counterparty.LEVEL),
                ],
                EntryKind.MOVED_IN,
                occurred_at=self.earlier(seconds),
            )

    @needs(lambda self: self.goods.booked)
    @step(data=st.data())
    def correct(self, data: Any) -> None:
        entry_id = data.draw(st.sampled_from(list(self.goods.booked)))
        known, own = self.goods.booked[entry_id], ids.new()
        leaving = {key: quantity for key, quantity, _ in known.sides if quantity > 0}
        code = "not_correctable" if known.why_not else ""
        if not code and not self.goods.is_free(leaving, self.now):
            code = "not_free_to_move"
        self.say(code, corrections.correct, entry_id, id=own, reason="machine", is_once=True)
        if not code:
            known.why_not = "corrected"
            sides = [(key, -quantity, side) for key, quantity, side in known.sides]
            self.book(own, sides, EntryKind.CORRECTED, why_not="is a correction")

    # --- transfers ----------------------------------------------------------------------------------------------------

    @step(
        origin=places, turn=st.integers(1, 2), wanted=st.lists(st.tuples(products, pieces), min_size=1, max_size=3),
        condition=mostly_sellable, is_sent=st.booleans(),
    )  # fmt: skip
    def draft_transfer(
        self, origin: int, turn: int, wanted: list[tuple[int, int]], condition: Condition, is_sent: bool
    ) -> None:
        transfer_id, summed = ids.new(), Counter[int]()
        for product, quantity in wanted:
            summed[self.product(product)] += quantity
        made = Transfer(self.place(origin), self.place((origin + turn) % 3), condition, dict(summed))
        self.say(
            "", transfers.draft, transfer_id, origin_id=made.origin_id, destination_id=made.destination_id,
            lines=[Wanted(self.product(product), quantity) for product, quantity in wanted], condition=condition,
            expected_on=EXPECTED_ON, is_once=True,
        )  # fmt: skip
        self.goods.transfers[transfer_id] = made
        if is_sent:
            self._send(transfer_id)

    @needs(lambda self: self.goods.transfers)
    @step(data=st.data(), product=products, quantity=pieces, is_scan=st.booleans())
    def change_transfer(self, data: Any, product: int, quantity: int, is_scan: bool) -> None:
        """A draft gets a line more by a scan, which counts once, or other lines; what left is what it is."""
        transfer_id = data.draw(st.sampled_from(list(self.goods.transfers)))
        transfer, product_id = self.goods.transfers[transfer_id], self.product(product)
        code = "" if transfer.state is TransferState.DRAFT else "transfer_state_wrong"
        if not is_scan:
            self.say(code, transfers.change, transfer_id, lines=[Wanted(product_id, quantity)])
            transfer.lines = transfer.lines if code else {product_id: quantity}
            return
        scan_id = ids.new()
        for _ in range(2):
            self.say(code, transfers.scan, transfer_id, scan_id, product_id, quantity)
        if not code:
            transfer.lines[product_id] = transfer.lines.get(product_id, 0) + quantity

    @needs(lambda self: self.goods.transfers)
    @step(data=st.data())
    def send_or_cancel_transfer(self, data: Any) -> None:
        transfer_id = self._transfer(data)
        if data.draw(st.sampled_from([True, True, False]), label="is_sent"):
            self._send(transfer_id)
        else:
            self._cancel(transfer_id)

    @needs(lambda self: self.goods.transfers)
    @step(data=st.data(), days=st.sampled_from([-1, 0, 1, 7]))
    def expect_transfer(self, data: Any, days: int) -> None:
        """Goods on the way come on another day, but not on one that has passed."""
        transfer_id = self._transfer(data)
        transfer, day = self.goods.transfers[transfer_id], self.now.date() + timedelta(days=days)
        code = "" if transfer.state in ON_THE_WAY else "transfer_state_wrong"
        if not code and days < 0:
            code = "invalid_input"
        self.say(code, transfers.expect, transfer_id, day, reason="machine")
        if not code:
            transfer.expected_on = day

    def _transfer(self, data: Any) -> UUID:
        """Draw a transfer, mostly one that is on the way."""
        under_way = [one for one, transfer in self.goods.transfers.items() if transfer.state in ON_THE_WAY]
        is_any = not under_way or data.draw(rarely, label="any transfer")
        return data.draw(st.sampled_from(list(self.goods.transfers) if is_any else under_way))

    def _send(self, transfer_id: UUID) -> None:
        transfer = self.goods.transfers[transfer_id]
        if transfer.state is not TransferState.DRAFT:
            before = laws.state()
            self.say("transfer_state_wrong" * (transfer.state is TransferState.CANCELLED), transfers.send, transfer_id)
            assert laws.state() == before
            return
        leaving = {transfer.at_origin(product): quantity for product, quantity in transfer.lines.items()}
        code = "" if self.goods.is_free(leaving, self.now) else "not_free_to_move"
        self.say(code, transfers.send, transfer_id)
        if not code:
            transfer.state, transfer.open = TransferState.SENT, Counter(transfer.lines)
            for product, quantity in transfer.lines.items():
                self._shift(transfer.at_origin(product), transfer.on_the_way(product), quantity)

    def _shift(self, away: Key, into: Key, quantity: int, seconds: int | None = None) -> None:
        for key, moved, kind in ((away, -quantity, EntryKind.MOVED_OUT), (into, quantity, EntryKind.MOVED_IN)):
            self.goods.move(key, moved, kind, Counterparty.LEVEL, at=self.now, occurred_at=self.earlier(seconds))

    @needs(lambda self: self.goods.transfers)
    @step(
        data=st.data(), wanted=st.lists(st.tuples(products, pieces, st.none() | mostly_sellable), min_size=1, max_size=2),
        is_all=st.booleans(), seconds=late,
    )  # fmt: skip
    def receive_transfer(
        self, data: Any, wanted: list[tuple[int, int, Condition | None]], is_all: bool, seconds: int | None
    ) -> None:
        """All that is on the way, or whatever: some of it, too much, or what nobody sent."""
        transfer_id = self._transfer(data)
        transfer = self.goods.transfers[transfer_id]
        made = [
            Arrival(ids.new(), self.product(product), quantity, condition) for product, quantity, condition in wanted
        ]
        if is_all and +transfer.open:
            made = [Arrival(ids.new(), product, quantity) for product, quantity in (+transfer.open).items()]
        arrived: Counter[int] = Counter()
        for line in made:
            arrived[line.product_id] += line.quantity
        code = ""
        if transfer.state not in ON_THE_WAY:
            code = "transfer_state_wrong"
        elif set(arrived) - set(transfer.lines):
            code = "not_on_transfer"
        elif any(quantity > transfer.open[product] for product, quantity in arrived.items()):
            code = "more_than_sent"
        self.say(code, transfers.receive, transfer_id, made, occurred_at=self.earlier(seconds), is_once=True)
        if code:
            return
        for line in made:
            into = Key(line.product_id, transfer.destination_id, line.condition or transfer.condition)
            self._shift(transfer.on_the_way(line.product_id), into, line.quantity, seconds)
            self.goods.booked[line.id] = Booked([(into, line.quantity, Counterparty.LEVEL)], "belongs to a transfer")
        transfer.open -= arrived
        transfer.state = TransferState.PARTLY_RECEIVED if +transfer.open else TransferState.RECEIVED

    @needs(lambda self: self.goods.transfers)
    @step(data=st.data(), reason=st.sampled_from(DifferenceReason), is_explained=st.sampled_from([True] * 4 + [False]))
    def close_transfer(self, data: Any, reason: DifferenceReason, is_explained: bool) -> None:
        transfer_id = self._transfer(data)
        transfer = self.goods.transfers[transfer_id]
        code = ""
        if transfer.state in (TransferState.DRAFT, TransferState.CANCELLED):
            code = "transfer_state_wrong"
        elif +transfer.open and not is_explained:
            code = "difference_unexplained"
        reasons = dict.fromkeys(+transfer.open, reason) if is_explained else {}
        self.say(code, transfers.close, transfer_id, reasons, is_once=True)
        if code or transfer.state is TransferState.RECEIVED:
            return
        for product, quantity in (+transfer.open).items():
            key = transfer.on_the_way(product)
            if reason.goods_are_gone:
                self.goods.move(key, -quantity, EntryKind.WRITTEN_OFF, Counterparty.SHRINKAGE, at=self.now)
            else:
                self._shift(key, transfer.at_origin(product), quantity)
        transfer.open, transfer.state = Counter(), TransferState.RECEIVED

    def _cancel(self, transfer_id: UUID) -> None:
        transfer = self.goods.transfers[transfer_id]
        has_come = transfer.state in (TransferState.PARTLY_RECEIVED, TransferState.RECEIVED)
        self.say("transfer_state_wrong" if has_come else "", transfers.cancel, transfer_id, is_once=True)
        if not has_come:
            for product, quantity in (+transfer.open).items():
                self._shift(transfer.on_the_way(product), transfer.at_origin(product), quantity)
            transfer.open, transfer.state = Counter(), TransferState.CANCELLED

    # --- what the machine does ----------------------------------------------------------------------------------------

    @step(place=places)
    def bring_a_kit(self, place: int) -> None:
        """A kit has no stock of its own."""
        line = Receipt(ids.new(), self.ground.kit.id, self.place(place), 1)
        self.say("not_goods", movements.receive, [line])

    @rule(
        data=st.data(),
        what=st.sampled_from(["bring", "bring", "bring_a_kit", "adjust", "write_off", "reclassify", "correct"]),
    )
    def move(self, data: Any, what: str) -> None:
        self.take(what, data)

    @rule(
        data=st.data(),
        what=st.sampled_from(
            [
                "draft_transfer",
                "change_transfer",
                *["send_or_cancel_transfer"] * 2,
                *["receive_transfer"] * 3,
                "close_transfer",
                "expect_transfer",
            ]
        ),
    )
    def transfer(self, data: Any, what: str) -> None:
        self.take(what, data)
