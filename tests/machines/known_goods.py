"""What the machine of goods knows: its ground, what it did so far, and what must be true after every step."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from hypothesis.stateful import invariant

from commerce import clock, kits
from commerce.actors import Actor, ActorKind
from commerce.errors import CommerceError
from commerce.product_refs import ProductRef
from commerce.transactions import transaction
from inventory import availability, incoming
from inventory.availability import Figure
from inventory.places.locations import LocationRef
from inventory.procurement.suppliers import SupplierRef
from inventory.promising import purchase_limits
from inventory.sharing import buffer_rules, buffers
from inventory.stock import Condition, Counterparty, EntryKind
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import supply
from tests.machines import goods_laws as laws
from tests.machines.examples import Done, RolledBack, outcome
from tests.machines.goods_model import BOUNDARIES, Booked, Goods, Key, Room

BY = Actor.system("machine")
COUNTERS = [Actor(ActorKind.STAFF, str(number), f"counter {number}") for number in (901, 902)]
CHIEF = Actor(ActorKind.STAFF, "903", "chief")
IN_A_KIT = (2, 1)  # pieces of each product
EXPECTED_ON = date(2027, 3, 1)  # later than any example goes on


Step = TypeVar("Step", bound=Callable[..., Any])


@dataclass(frozen=True)
class Ground:
    products: list[ProductRef]
    kit: ProductRef
    places: list[LocationRef]
    channels: list[int]
    supplier: SupplierRef


def prepare() -> Ground:
    products = [ground.product() for _ in range(2)]
    with transaction():
        parts = [(product.sku, pieces) for product, pieces in zip(products, IN_A_KIT, strict=True)]
        kit = kits.add_kit(sku="KIT", name="Kit", components=parts, by=BY)
    return Ground(
        products,
        kit,
        [goods.store() for _ in range(3)],
        [ground.channel().pk for _ in range(2)],
        supply.supplier(),
    )


def step(**strategies: Any) -> Callable[[Step], Step]:
    """Mark a method as something that a rule of the machine may do, with what it takes.

    Hypothesis leaves rules out of examples at random. What depends on each other is one rule, so that an example without it
    is about something else, and one with it goes deep.
    """

    def mark(method: Step) -> Step:
        method.strategies = strategies  # type: ignore[attr-defined]
        return method

    return mark


def needs(condition: Callable[[Any], Any]) -> Callable[[Step], Step]:
    """Let a step be left out as long as there is nothing to do it with."""

    def mark(method: Step) -> Step:
        method.condition = condition  # type: ignore[attr-defined]
        return method

    return mark


@dataclass(frozen=True)
class Said:
    """A verb that was done, and may be said again at any time without doing anything."""

    verb: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]


class KnownGoods(RolledBack):
    """The state of the machine and its invariants; the rules are in `test_conservation_machine`."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.goods = Goods()
        self.said: list[Said] = []
        self.forget()

    def take(self, name: str, data: Any) -> None:
        """Take a step, if it can be taken."""
        method = getattr(self, name)
        if getattr(method, "condition", bool)(self):
            method(**{
                what: data if what == "data" else data.draw(strategy, label=what)
                for what, strategy in method.strategies.items()
            })  # fmt: skip

    # --- saying verbs -------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Let this process read anew what it remembers for a second: examples take no time."""
        buffers.forget()
        availability.forget()
        purchase_limits.forget()

    def hold_nothing(self) -> None:
        """End the rule that holds."""
        if self.goods.rule:
            self.say("", buffer_rules.retire, self.goods.rule.id)
            self.goods.rule = None

    def attempt(self, verb: Callable[..., Any], *arguments: Any, **options: Any) -> Done | CommerceError:
        self.forget()
        return super().attempt(verb, *arguments, **options)

    def say(self, code: str, verb: Callable[..., Any], *arguments: Any, is_once: bool = False, **options: Any) -> Any:
        """Say a verb that is done, or refused with a code and then changes nothing; return what came of it.

        What `is_once` may be said again later.
        """
        options = {"by": BY, "at": self.now} | options
        before = laws.state() if code else None
        came = self.attempt(verb, *arguments, **options)
        assert outcome(came) == (code or "done"), f"{verb.__name__}: {came!r}"
        if code:
            assert laws.state() == before
            return None
        assert isinstance(came, Done)
        if is_once:
            self.said.append(Said(verb, arguments, options))
        return came.value

    def unsay(self, verb: Callable[..., Any], key: Any) -> None:
        """Don't say a verb about something again: since then it would be another thing to say."""
        self.said = [one for one in self.said if one.verb != verb or one.arguments[0] != key]

    def earlier(self, seconds: int | None) -> datetime | None:
        return None if seconds is None else self.now - timedelta(seconds=seconds)

    def book(
        self,
        entry_id: Any,
        sides: list[tuple[Key, int, Counterparty]],
        kind: EntryKind,
        *,
        occurred_at: datetime | None = None,
        why_not: str = "",
    ) -> None:
        """Let the model know of an entry that has an id of ours."""
        for key, pieces, side in sides:
            self.goods.move(key, pieces, kind, side, at=self.now, occurred_at=occurred_at)
        self.goods.booked[entry_id] = Booked(sides, why_not)

    def room(self) -> Room:
        return Room(self.goods, laws.taken(), laws.waiting(at=self.now), self.now)

    def limit(self, key: Key) -> int:
        """Return how many pieces of a level may be promised beyond what is there."""
        return laws.levels().get(key, (0, 0, 0))[2]

    def product(self, number: int) -> int:
        """Return the id of a product; the kit's after the others."""
        return [*self.ground.products, self.ground.kit][number].id

    def exploded(self, product_id: int, pieces: int) -> Counter[int]:
        """Return what is asked for with pieces of a product, or of the kit."""
        if product_id != self.ground.kit.id:
            return Counter({product_id: pieces})
        return Counter({self.product(number): each * pieces for number, each in enumerate(IN_A_KIT)})

    def place(self, number: int) -> int:
        return self.ground.places[number].id

    def keys(self, *conditions: Condition) -> list[Key]:
        return [
            Key(product.id, place.id, condition)
            for product in self.ground.products
            for place in self.ground.places
            for condition in conditions
        ]

    # --- what must be true ------------------------------------------------------------------------------------------------

    @invariant()
    def no_law_is_broken(self) -> None:
        assert laws.broken(at=self.now) == []

    @invariant()
    def levels_are_as_expected(self) -> None:
        found = laws.levels()
        for key in self.keys(*Condition):
            on_hand, allocated, _ = found.get(key, (0, 0, 0))
            assert (on_hand, allocated) == (self.goods.on_hand[key], self.goods.allocated(key)), key

    @invariant()
    def goods_are_conserved(self) -> None:
        """All that is anywhere, on the way too, came over a boundary and did not go over one."""
        flows = laws.flows()
        assert all(flows[boundary] == self.goods.flows[boundary] for boundary in BOUNDARIES)
        assert sum(level[0] for level in laws.levels().values()) == sum(flows.values())

    @invariant()
    def what_is_in_transit_is_what_open_transfers_bring(self) -> None:
        coming, days = Counter[Key](), Counter[tuple[Key, date]]()
        for transfer in self.goods.transfers.values():
            for product, pieces in transfer.open.items():
                coming[transfer.on_the_way(product)] += pieces
                days[transfer.on_the_way(product), transfer.expected_on or EXPECTED_ON] += pieces
        assert all(self.goods.on_hand[key] == coming[key] for key in self.keys(Condition.IN_TRANSIT))
        told = Counter[tuple[Key, date]]()
        for one in incoming.expected([product.id for product in self.ground.products]):
            if one.source == incoming.TRANSFER:
                told[Key(one.product_id, one.location_id, Condition.IN_TRANSIT), one.expected_on] += one.quantity
        assert +told == +days

    @invariant()
    def figures_are_what_each_may_see(self) -> None:
        """Baskets whose time is over hold nothing, and nobody sees more than is free, or less than nothing."""
        room = self.room()
        for channel_id in (None, *self.ground.channels):
            found = self._figures(channel_id)
            for key in self.keys(Condition.SELLABLE):
                if key not in found:
                    assert not self.goods.on_hand[key]
                    continue
                figure = found[key]
                assert (figure.on_hand, figure.allocated) == (self.goods.on_hand[key], self.goods.allocated(key))
                assert figure.held == self.goods.held(key, self.now)
                assert figure.free == max(self.goods.free(key, self.now) + room.waiting[key], 0)
                left = figure.free if figure.left_in_all is None else figure.left_in_all
                assert figure.available == room.now(channel_id, key) == min(figure.free - figure.withheld, left)
                assert 0 <= figure.available <= figure.free
                assert figure.backorderable == room.later(key)
            for place in self.ground.places:
                parts = [found.get(Key(product.id, place.id)) for product in self.ground.products]
                kit = found.get(Key(self.ground.kit.id, place.id))
                assert (kit is None) == (None in parts)
                if kit is not None:  # as many as its scarcest component makes, and nothing of its own
                    assert kit.available == min(
                        part.available // each for part, each in zip(parts, IN_A_KIT, strict=True) if part
                    )

    @invariant()
    def guarantees_are_taken_exactly(self) -> None:
        stored, unended = laws.taken(), laws.unended_baskets() if self.goods.guarantees else []
        for one in self.goods.guarantees:
            if one.holds(self.now):
                assert stored[one.id] == self.goods.taken(one, unended)

    def _figures(self, channel_id: int | None) -> dict[Key, Figure]:
        self.forget()
        with clock.frozen(self.now):
            found = availability.figures(
                [product.id for product in [*self.ground.products, self.ground.kit]], channel_id=channel_id, at=self.now
            )
        return {Key(figure.product_id, figure.location_id): figure for figure in found}

    def at_the_end(self) -> None:
        """Everything that was done once is said again, after all that came since."""
        for said in self.said:
            self.again(said)

    def again(self, said: Said) -> None:
        before = laws.state()
        came = self.attempt(said.verb, *said.arguments, **said.options)
        assert outcome(came) == "done", f"{said.verb.__name__} again: {came!r}"
        assert laws.state() == before, f"{said.verb.__name__} again did something"
