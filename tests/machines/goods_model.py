"""Goods as plain values: where they lie in which condition, where they came from, and who was promised what.

Nothing here is clever. A figure of the past is the sum of all that happened until then; what is free is what is there less
what is claimed; what a channel may not see is worked out from one rule and a list of guarantees.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from inventory.cascade import RuleKind
from inventory.moving import TransferState
from inventory.purchasing import PurchaseOrderState
from inventory.stock import Condition, Counterparty, EntryKind

BOUNDARIES = tuple(side.value for side in Counterparty if side is not Counterparty.LEVEL)
CORRECTING = (EntryKind.COUNTED, EntryKind.ADJUSTED, EntryKind.CORRECTED)
LONGEST_LIFE = timedelta(hours=4)
ALONE_UP_TO = 5  # pieces that one person who counts may decide about


class Key(NamedTuple):
    product_id: int
    location_id: int
    condition: Condition = Condition.SELLABLE


@dataclass(frozen=True)
class Moved:
    """Goods that came or went, when that happened and when we heard of it."""

    key: Key
    pieces: int
    kind: EntryKind
    occurred_at: datetime
    recorded_at: datetime


@dataclass
class Booked:
    """An entry that has an id of ours, with both sides of a move. `why_not` says what keeps it from being corrected."""

    sides: list[tuple[Key, int, Counterparty]]
    why_not: str = ""


@dataclass
class Basket:
    channel_id: int
    location_id: int
    lines: dict[int, int]
    created_at: datetime
    expires_at: datetime
    ended: str = ""
    buyer: str = ""  # whose limits it counts for

    def is_active(self, at: datetime) -> bool:
        return not self.ended and self.expires_at > at

    def keys(self) -> dict[Key, int]:
        return {Key(product, self.location_id): pieces for product, pieces in self.lines.items()}


@dataclass
class Promise:
    key: Key
    open: int
    given_up: int = 0  # released or not found; what left with a customer was had


@dataclass
class Unplaced:
    """Pieces that an order was promised before anyone knew from where, and of which `open` have no place yet."""

    channel_id: int
    product_id: int
    open: int


@dataclass
class Transfer:
    origin_id: int
    destination_id: int
    condition: Condition
    lines: dict[int, int]  # pieces by product
    open: Counter[int] = field(default_factory=Counter)  # of them still on the way
    state: TransferState = TransferState.DRAFT
    expected_on: date | None = None  # nobody said another day

    def at_origin(self, product_id: int) -> Key:
        return Key(product_id, self.origin_id, self.condition)

    def on_the_way(self, product_id: int) -> Key:
        return Key(product_id, self.destination_id, Condition.IN_TRANSIT)


@dataclass
class Purchase:
    location_id: int
    ordered: dict[int, int]
    received: Counter[int] = field(default_factory=Counter)
    state: PurchaseOrderState = PurchaseOrderState.ORDERED

    @property
    def is_complete(self) -> bool:
        return all(self.received[product] >= pieces for product, pieces in self.ordered.items())


@dataclass
class Count:
    location_id: int
    opened_at: datetime
    figures: dict[int, list[tuple[int, datetime]]] = field(default_factory=lambda: defaultdict(list))  # by product
    asked: dict[int, datetime] = field(default_factory=dict)  # since when a product is counted anew
    settled: dict[int, str] = field(default_factory=dict)
    is_open: bool = True
    is_cancelled: bool = False
    has_findings: bool = False  # figures that came too late to count

    @property
    def in_review(self) -> list[int]:
        return [product for product, state in self.settled.items() if state == "review"]


@dataclass(frozen=True)
class Rule:
    """The one rule that holds."""

    id: int
    kind: RuleKind
    amount: int
    channel_id: int | None


@dataclass
class Guarantee:
    """Pieces of one product at one place that a channel was guaranteed. `takes` are the claims that count against it."""

    id: int
    channel_id: int
    key: Key
    quantity: int
    ends_at: datetime
    takes: dict[UUID, int] = field(default_factory=dict)  # pieces by claim; of promises without what was given up
    is_ended: bool = False

    def holds(self, at: datetime) -> bool:
        return not self.is_ended and at < self.ends_at


@dataclass(frozen=True)
class Stated:
    """What a source found at a level that our books did not say of that moment."""

    found: int
    as_of: datetime


@dataclass(frozen=True)
class Policy:
    id: int
    key: Key
    cap: int


@dataclass
class Dynamic:
    """The one policy by which a channel's buffers follow demand, and how far they are, by level."""

    id: int
    channel_id: int
    minimum: int
    maximum: int
    step_limit: int
    cool_down: timedelta
    kept: dict[Key, int] = field(default_factory=dict)
    stepped: dict[Key, datetime] = field(default_factory=dict)
    pinned: dict[Key, datetime] = field(default_factory=dict)
    latest: dict[Key, tuple[UUID, int]] = field(
        default_factory=dict
    )  # step that can be taken back, and what was before

    def kept_of(self, key: Key) -> int:
        return self.kept.get(key, self.minimum)

    def may_step(self, key: Key, at: datetime) -> bool:
        is_pinned = key in self.pinned and at < self.pinned[key]
        return not is_pinned and (key not in self.stepped or at - self.stepped[key] >= self.cool_down)


@dataclass
class CustomerLimit:
    """The one limit per customer. `counted` are pieces of the baskets that were filled under it."""

    id: int
    product_id: int
    quantity: int
    ends_at: datetime
    counted: dict[UUID, int] = field(default_factory=dict)


Short = dict[Key, tuple[int, int]]  # what lacks: (wanted, to be had)


@dataclass
class Goods:
    on_hand: Counter[Key] = field(default_factory=Counter)
    flows: Counter[str] = field(default_factory=Counter)  # pieces that came (less those that went) over each boundary
    history: list[Moved] = field(default_factory=list)
    booked: dict[UUID, Booked] = field(default_factory=dict)
    baskets: dict[UUID, Basket] = field(default_factory=dict)
    promises: dict[UUID, Promise] = field(default_factory=dict)
    unplaced: dict[UUID, Unplaced] = field(default_factory=dict)
    transfers: dict[UUID, Transfer] = field(default_factory=dict)
    purchases: dict[UUID, Purchase] = field(default_factory=dict)
    counts: dict[UUID, Count] = field(default_factory=dict)
    guarantees: list[Guarantee] = field(default_factory=list)
    stated: dict[Key, Stated] = field(default_factory=dict)  # what differs and nobody settled
    heard: dict[tuple[int, Condition], datetime] = field(
        default_factory=dict
    )  # of when the newest figures of a place are
    rule: Rule | None = None
    policy: Policy | None = None
    dynamic: Dynamic | None = None
    limit: CustomerLimit | None = None

    # --- what is there ------------------------------------------------------------------------------------------------

    def move(
        self,
        key: Key,
        pieces: int,
        kind: EntryKind,
        side: Counterparty,
        *,
        at: datetime,
        occurred_at: datetime | None = None,
    ) -> None:
        if not pieces:
            return
        self.on_hand[key] += pieces
        if side is not Counterparty.LEVEL:
            self.flows[side.value] += pieces
        self.history.append(Moved(key, pieces, kind, occurred_at or at, at))

    def on_hand_at(self, key: Key, moment: datetime) -> int:
        return sum(one.pieces for one in self.history if one.key == key and one.occurred_at <= moment)

    def allocated(self, key: Key) -> int:
        return sum(promise.open for promise in self.promises.values() if promise.key == key)

    def held(self, key: Key, at: datetime) -> int:
        return sum(basket.keys().get(key, 0) for basket in self.baskets.values() if basket.is_active(at))

    def free(self, key: Key, at: datetime) -> int:
        """What is there and nobody was promised; below nothing where goods to come were promised."""
        return self.on_hand[key] - self.allocated(key) - self.held(key, at)

    def without_place(self, product_id: int) -> int:
        return sum(one.open for one in self.unplaced.values() if one.product_id == product_id)

    def is_free(self, leaving: Mapping[Key, int], at: datetime) -> bool:
        return all(self.free(key, at) >= pieces for key, pieces in leaving.items())

    # --- who may see it -----------------------------------------------------------------------------------------------

    def owed(self, channel_id: int, key: Key, taken: Mapping[int, int], at: datetime) -> int:
        """What others are guaranteed of a level and have not taken yet."""
        return sum(
            max(one.quantity - taken[one.id], 0)
            for one in self.guarantees
            if one.holds(at) and one.channel_id != channel_id and one.key == key
        )

    def withheld(self, channel_id: int | None, key: Key, free: int, taken: Mapping[int, int], at: datetime) -> int:
        if channel_id is None or free <= 0:
            return 0
        rule = self.rule if self.rule and self.rule.channel_id in (None, channel_id) else None
        left = free - self.owed(channel_id, key, taken, at)
        if self.dynamic and self.dynamic.channel_id == channel_id:
            left -= self.dynamic.kept_of(key)
        if rule and rule.kind is RuleKind.FIXED:
            left -= rule.amount
        elif rule and rule.kind is RuleKind.PERCENTAGE:
            left -= -(-self.on_hand[key] * rule.amount // 100)
        if left <= 0 or (rule and rule.kind is RuleKind.CUT_OFF and left < rule.amount):
            return free
        return free - (min(left, rule.amount) if rule and rule.kind is RuleKind.CAP else left)

    def count_for_guarantee(self, channel_id: int | None, claim: UUID, key: Key, pieces: int, at: datetime) -> None:
        """A claim counts once: for the guarantee that ends first."""
        fitting = [one for one in self.guarantees if one.holds(at) and one.channel_id == channel_id and one.key == key]
        if fitting:
            first = min(fitting, key=lambda one: (one.ends_at, one.id))
            first.takes[claim] = first.takes.get(claim, 0) + pieces

    def taken(self, guarantee: Guarantee, unended: Iterable[UUID]) -> int:
        """What of a guarantee is taken by baskets that nobody ended (or swept) yet, and by promises, kept or still open."""
        alive = set(unended)
        return sum(
            pieces - self.promises[claim].given_up if claim in self.promises else pieces * (claim in alive)
            for claim, pieces in guarantee.takes.items()
        )

    # --- claims -------------------------------------------------------------------------------------------------------

    def refusal_of(self, basket_id: UUID, channel_id: int | None, at: datetime) -> str:
        """Return why a basket can't serve, or nothing when it can."""
        basket = self.baskets.get(basket_id)
        if basket is None or channel_id not in (None, basket.channel_id):
            return "hold_not_found"
        if basket.ended:
            return "hold_ended"
        return "" if basket.is_active(at) else "hold_expired"

    def counted(self, buyer: str, at: datetime) -> int:
        """What a customer has of the limited product: in baskets until their time is over, ordered or not."""
        return sum(
            pieces
            for basket_id, pieces in (self.limit.counted if self.limit else {}).items()
            if (basket := self.baskets[basket_id]).buyer == buyer
            and basket.ended != "released"
            and basket.expires_at > at
        )

    def is_over_limit(self, basket: Basket, at: datetime) -> bool:
        if not self.limit or not basket.buyer or at >= self.limit.ends_at:
            return False
        wanted = basket.lines.get(self.limit.product_id, 0)
        return wanted > 0 and self.counted(basket.buyer, at) + wanted > self.limit.quantity

    def reserve(self, basket_id: UUID, basket: Basket, room: "Room", *, at: datetime) -> Short:
        """Hold the goods of a basket or say what lacks."""
        short = {}
        for key, pieces in basket.keys().items():
            there = room.now(basket.channel_id, key)
            if there < pieces and there + room.later(key) < pieces:
                short[key] = (pieces, there + room.later(key))
        if not short:
            self.baskets[basket_id] = basket
            if self.limit and basket.buyer and at < self.limit.ends_at and self.limit.product_id in basket.lines:
                self.limit.counted[basket_id] = basket.lines[self.limit.product_id]
            for key, pieces in basket.keys().items():
                room.take(key, pieces, waiting=max(pieces - room.now(basket.channel_id, key), 0))
                self.count_for_guarantee(basket.channel_id, basket_id, key, pieces, at)
        return short

    def short_of_order(
        self,
        wanted: Mapping[Key, int],
        held: Mapping[Key, int],
        awaited: Mapping[Key, int],
        channel_id: int | None,
        room: "Room",
    ) -> Short:
        """Return what an order lacks that holds some of it, `awaited` pieces of that beyond what is there."""
        short = {}
        for key, pieces in wanted.items():
            there = room.now(channel_id, key) + held.get(key, 0) - awaited.get(key, 0)
            most = there + room.later(key) + awaited.get(key, 0)
            if there < pieces and most < pieces:
                short[key] = (pieces, most)
        return short

    # --- counts -------------------------------------------------------------------------------------------------------

    def difference(self, count: Count, product_id: int) -> tuple[int, datetime, bool]:
        """Return by how many pieces an item differs, as of when, and whether something newer put the books right since."""
        key, figures = Key(product_id, count.location_id), count.figures[product_id]
        quantity = sum(pieces for pieces, _ in figures)
        first, last = min(when for _, when in figures), max(when for _, when in figures)
        at_first, at_last = (quantity - self.on_hand_at(key, when) for when in (first, last))
        is_overtaken = any(
            one.key == key and one.kind in CORRECTING and one.recorded_at > first and one.occurred_at > last
            for one in self.history
        )
        pieces, when = (at_first, first) if abs(at_first) < abs(at_last) else (at_last, last)
        return pieces, when, is_overtaken

    def settle(self, count: Count, product_id: int, *, limit: int, seen: int | None, at: datetime) -> None:
        """Settle one item as `seen` by a second person, or, without that, as far as one person may decide."""
        key = Key(product_id, count.location_id)
        pieces, when, is_overtaken = self.difference(count, product_id)
        state = "posted"
        if not pieces:
            state = "right"
        elif is_overtaken:
            state = "overtaken"
        elif self.on_hand[key] + pieces < 0 or ((abs(pieces) > ALONE_UP_TO) if seen is None else (seen != pieces)):
            state = "review"
        else:
            room = max(self.free(key, at) + limit, 0)
            side = Counterparty.FOUND if pieces > 0 else Counterparty.SHRINKAGE
            self.move(key, max(pieces, -room), EntryKind.COUNTED, side, at=at, occurred_at=when)
        count.settled[product_id] = state


@dataclass
class Room:
    """What may be promised while a batch is decided. `waiting` pieces of a level's promises have no goods; `taken` is of
    guarantees: both as the database has them, and the batch sees guarantees as they were before it.
    """

    goods: Goods
    taken: Mapping[int, int]
    waiting: Counter[Key]
    at: datetime
    promised: Counter[Key] = field(default_factory=Counter)  # of what is there, in this batch
    before: dict[Key, int] = field(default_factory=dict)
    network: dict[tuple[int | None, int], int] = field(default_factory=dict)  # in all, by channel and product

    def now(self, channel_id: int | None, key: Key) -> int:
        """What a channel may have at a place, where demand without a place leaves some of it."""
        there = self.there(channel_id, key)
        needed = self.goods.without_place(key.product_id)
        return min(there, self.in_all(channel_id, key.product_id)) if needed else there

    def there(self, channel_id: int | None, key: Key) -> int:
        free = self._before(key) - self.promised[key]
        return max(free, 0) - self.goods.withheld(channel_id, key, free, self.taken, self.at)

    def in_all(self, channel_id: int | None, product_id: int) -> int:
        """What a channel may have anywhere: of what was there before the batch, less what the batch took for whomever."""
        asked = (channel_id, product_id)
        if asked not in self.network:
            here = {key for key in self.goods.on_hand if key[::2] == (product_id, Condition.SELLABLE)}
            self.network[asked] = sum(
                max(self._before(key), 0) - self.goods.withheld(channel_id, key, self._before(key), self.taken, self.at)
                for key in here
            )
        gone = sum(pieces for key, pieces in self.promised.items() if key.product_id == product_id)
        return max(self.network[asked] - gone - self.goods.without_place(product_id), 0)

    def _before(self, key: Key) -> int:
        if key not in self.before:
            self.before[key] = self.goods.free(key, self.at) + self.waiting[key]
        return self.before[key]

    def later(self, key: Key) -> int:
        policy = self.goods.policy
        return max(policy.cap - self.waiting[key], 0) if policy and policy.key == key else 0

    def take(self, key: Key, pieces: int, *, waiting: int) -> None:
        self.promised[key] += pieces - waiting
        self.waiting[key] += waiting
