"""People who count at a store, for the tests of counts."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from commerce import clock, ids
from commerce.actors import Actor, ActorKind
from commerce.transactions import transaction
from inventory import movements
from inventory.counting import CountKind, CountMode, Missing
from inventory.models import CountItem, StockEntry
from inventory.movements import Adjustment
from inventory.stocktaking import counts, lists, review
from inventory.stocktaking import figures as count_figures
from inventory.stocktaking.figures import Figure, Taken
from inventory.stocktaking.lists import CountRef
from inventory.stocktaking.settlement import Settled
from tests.inventory.conftest import BY

ANA, BEN, CHEF = (
    Actor(ActorKind.STAFF, str(number), name) for number, name in ((901, "Ana"), (902, "Ben"), (903, "Chef"))
)


@dataclass
class Counting:
    """A count, and short words for what people do with it."""

    ref: CountRef
    _figures: dict[UUID, Figure] = field(default_factory=dict)

    @classmethod
    def begin(cls, location_id: int, kind: CountKind = CountKind.FREE, **options: object) -> "Counting":
        with transaction():
            ref = counts.begin(
                ids.new(),
                location_id=location_id,
                kind=kind,
                by=ANA,
                at=clock.now(),
                **options,  # type: ignore[arg-type]
            )
        return cls(ref)

    def count(
        self, text: str, quantity: int, *, by: Actor = ANA, at: datetime | None = None, mode: CountMode = CountMode.ADD
    ) -> Taken:
        [taken] = self.send(
            [Figure(id=uuid4(), text=text, quantity=quantity, counted_at=at or clock.now(), mode=mode)], by=by
        )
        return taken

    def send(self, figures: list[Figure], *, by: Actor = ANA, station: str = "") -> list[Taken]:
        with transaction():
            return count_figures.record(self.ref.id, figures, station=station, by=by, at=clock.now())

    def hand_in(self, *, missing: Missing = Missing.LEAVE, by: Actor = ANA) -> Settled:
        with transaction():
            self.ref, settled = counts.hand_in(self.ref.id, missing=missing, by=by, at=clock.now())
        return settled

    def approve(self, seen: dict[int, int], *, by: Actor = CHEF) -> Settled:
        with transaction():
            settled = review.approve(self.ref.id, seen, by=by, at=clock.now())
        self.look()
        return settled

    def recount(self, *product_ids: int) -> int:
        with transaction():
            done = review.recount(self.ref.id, product_ids, by=CHEF, at=clock.now())
        self.look()
        return done

    def leave(self, *product_ids: int, note: str = "The books are right.", by: Actor = CHEF) -> int:
        with transaction():
            done = review.leave(self.ref.id, product_ids, note=note, by=by, at=clock.now())
        self.look()
        return done

    def cancel(self) -> None:
        with transaction():
            self.ref = counts.cancel(self.ref.id, reason="a mistake", by=ANA, at=clock.now())

    def look(self) -> CountRef:
        self.ref = lists.get(self.ref.id)
        return self.ref

    def item(self, product_id: int) -> CountItem:
        return CountItem.objects.get(count_id=self.ref.id, product_id=product_id)


def adjust(product_id: int, location_id: int, delta: int, reason: str = "missing") -> None:
    with transaction():
        movements.adjust(
            [Adjustment(ids.new(), product_id, location_id, delta, reason)], by=BY, at=clock.now(), source="tests"
        )


def entries(product_id: int, kind: str = "counted") -> Iterator[StockEntry]:
    return StockEntry.objects.filter(level__product_id=product_id, kind=kind).order_by("version").iterator()
