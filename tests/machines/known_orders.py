"""What the order machine knows: the ground it stands on, the orders it placed, and what must be true of them after every step."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from hypothesis.stateful import invariant

from commerce import catalog, quotas
from commerce.actors import Actor
from commerce.channels.contracts import IncomingOrder
from commerce.models import AuditEntry, OutboxMessage, User
from commerce.transactions import transaction
from inventory import availability
from orders import pickup_windows, queries
from orders.lifecycle import TERMINAL, order_status
from orders.models import Order
from orders.placement import PlacedOrder
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.machines.examples import RolledBack
from tests.machines.order_model import Kept, Line
from tests.machines.stock_model import Stock

BY = Actor.system("machine")
CAPACITY = 2
MANAGER = 2  # of the people
CASE = 3  # pieces in a case of the first product


@dataclass(frozen=True)
class Ground:
    shop: make.Shop
    people: list[User]
    outsider: User
    case_code: str
    unknown_code: str

    @property
    def codes(self) -> list[tuple[str, int | None, int]]:
        """What can be scanned: (text, product, pieces)."""
        return [
            *((product.gtins[0], product.id, 1) for product in self.shop.products),
            (self.case_code, self.shop.products[0].id, CASE),
            (self.unknown_code, None, 0),
            ("no barcode at all", None, 0),
        ]


@dataclass(frozen=True)
class Seen:
    """A scan that was counted, and its answer."""

    order: UUID
    text: str
    outcome: str
    pieces: int


def prepare() -> Ground:
    shop = make.shop(pieces=0, pickup_slot_capacity=CAPACITY)
    case = ground.barcode()
    with transaction():
        catalog.add_gtin(shop.products[0].id, case, pieces=CASE, by=BY)
    people = [shop.clerk, make.clerk(shop.store), shop.manager]
    return Ground(shop, people, make.clerk(goods.store(capabilities=[])), case, ground.barcode())


class KnownOrders(RolledBack):
    """The state of the machine and its invariants; the rules are in `test_order_machine`."""

    ground: ClassVar[Ground]

    def __init__(self) -> None:
        super().__init__()
        self.shop = self.ground.shop
        self.store = self.shop.store
        self.stock = Stock()
        self.kept: dict[UUID, Kept] = {}
        self.incoming: dict[UUID, IncomingOrder] = {}
        self.seen: dict[UUID, Seen] = {}
        self.windows: set[datetime] = set()

    def keep(self, order: IncomingOrder, verdict: PlacedOrder) -> UUID:
        view = verdict.order
        work = view.fulfilments[0]
        product_of = {line.id: line.product_id for line in view.lines}
        window = (work.window_starts_at, work.window_ends_at) if work.window_starts_at and work.window_ends_at else None
        assert (window[0] if window else None) == order.window_starts_at
        self.incoming[view.id] = order
        self.kept[view.id] = Kept(
            view.id,
            work.id,
            self.store.id,
            order.method == "pickup",
            window,
            work.pickup_code,
            {product_of[line.order_line_id]: Line(line.id, line.quantity) for line in work.lines},
            has_slot=order.method == "pickup",
            keep_days=self.store.pickup_keep_days,
        )
        return view.id

    def used(self, start: datetime) -> int:
        return sum(one.has_slot and one.window is not None and one.window[0] == start for one in self.kept.values())

    # --- what must be true ------------------------------------------------------------------------------------------------

    @invariant()
    def orders_are_as_expected(self) -> None:
        found = {view.id: view for view in queries.views(list(queries.select(channel_id=self.shop.channel.pk)))}
        assert set(found) == set(self.kept)
        stored = dict(Order.objects.values_list("id", "status"))
        for one in self.kept.values():
            view = found[one.id]
            work = view.fulfilments[0]
            product_of = {line.id: line.product_id for line in view.lines}
            assert (work.state, view.version, view.status) == (one.state, one.version, order_status([one.state]))
            assert stored[one.id] == view.status
            assert (work.lease_holder_id, work.lease_expires_at) == (one.holder, one.lease_until)
            assert (work.failed_code_attempts, work.is_on_shelf) == (one.wrong_codes, one.is_on_shelf)
            assert work.keep_until == one.keep_until
            assert {product_of[line.order_line_id]: (line.picked, line.rejected) for line in work.lines} == {
                product: (line.picked, line.rejected) for product, line in one.lines.items()
            }
            assert {line.product_id: line.cancelled for line in view.lines} == {
                product: line.cancelled for product, line in one.lines.items()
            }
            owed = sum(line.quantity - line.cancelled for line in one.lines.values())
            assert view.total_minor == owed * make.PRICE_MINOR == sum(line.remaining_minor for line in view.lines)
            assert (view.tax_minor > 0) == (owed > 0)

    @invariant()
    def stock_is_as_expected(self) -> None:
        """On hand falls when goods leave or are missing, and at no other time."""
        for figure in availability.figures([product.id for product in self.shop.products], at=self.now):
            expected = self.stock.figure((figure.product_id, figure.location_id), self.now)
            assert (figure.on_hand, figure.allocated, figure.held, figure.available) == expected
            assert min(expected) >= 0

    @invariant()
    def only_living_orders_are_promised_goods(self) -> None:
        promised: Counter[int] = Counter()
        for one in self.kept.values():
            if one.state not in TERMINAL:
                for product, line in one.lines.items():
                    promised[product] += line.quantity - line.rejected
        assert all(
            self.stock.allocated[product.id, self.store.id] == promised[product.id] for product in self.shop.products
        )

    @invariant()
    def windows_are_as_expected(self) -> None:
        """A place in a window is given back by orders that nobody will fetch, and never given twice."""
        keys = {pickup_windows.key(self.store, start): start for start in self.windows}
        usage = quotas.usage(keys, at=self.now)
        for key, start in keys.items():
            used = usage[key].used if key in usage else 0
            assert used == self.used(start) <= CAPACITY

    def at_the_end(self) -> None:
        """Every change of every order was recorded once and told once, in order."""
        for one in self.kept.values():
            assert AuditEntry.objects.filter(object_type="order", object_id=str(one.id)).count() == one.version
            told = OutboxMessage.objects.filter(aggregate=f"order:{one.id}").order_by("id")
            assert list(told.values_list("event_type", flat=True)) == one.told
            sequences = list(told.values_list("aggregate_sequence", flat=True))
            assert sequences == sorted(set(sequences))
            assert sequences[-1] <= one.version
