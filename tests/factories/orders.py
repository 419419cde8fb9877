"""Orders for tests, placed and brought along by the verbs that the product uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from commerce import clock
from commerce.actors import Actor
from commerce.channels.contracts import IncomingCustomer, IncomingLine, IncomingOrder
from commerce.models import Channel, User
from commerce.product_refs import ProductRef
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.places import locations
from inventory.places.locations import LocationRef
from orders import picking, pickup, pickup_windows, placement, queries
from orders.queries import FulfilmentView, OrderView
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import pricing as prices

_numbers = count(1)
PRICE_MINOR = 1190
NOON = datetime(2026, 11, 18, 11, 0, tzinfo=UTC)  # a Wednesday without a holiday anywhere


@dataclass
class Shop:
    """A channel, a store with stock of a few priced products, and a clerk: all that an order needs."""

    channel: Channel
    store: LocationRef
    products: list[ProductRef]
    clerk: User
    price_minor: int = PRICE_MINOR

    @property
    def by(self) -> Actor:
        return Actor.staff(self.clerk)

    @property
    def terms(self) -> placement.Channel:
        return placement.Channel(
            self.channel.pk, self.channel.code, self.channel.country, self.channel.currency, self.channel.language
        )

    @cached_property
    def manager(self) -> User:
        """The store's manager, hired when first needed."""
        return clerk(self.store, role=Role.STORE_MANAGER)

    def lines(self, quantities: Mapping[int, int] | None = None) -> tuple[IncomingLine, ...]:
        """Return lines by the position of the product; one piece of the first when nothing is said."""
        return tuple(
            IncomingLine(product_id=self.products[position].id, quantity=quantity)
            for position, quantity in (quantities or {0: 1}).items()
        )

    def incoming(self, quantities: Mapping[int, int] | None = None, **values: Any) -> IncomingOrder:
        """Return an order for the first open window of the store."""
        defaults: dict[str, Any] = {
            "external_reference": f"R-{next(_numbers)}",
            "method": "pickup",
            "lines": self.lines(quantities),
            "customer": IncomingCustomer(name="Erika Beispiel", email=f"erika{next(_numbers)}@example.org"),
        }
        if values.get("method") != "ship":
            windows = pickup_windows.windows_between(self.store, at=clock.now(), days=8)
            defaults |= {"location_id": self.store.id, "window_starts_at": windows[0][0] if windows else None}
        return IncomingOrder(**(defaults | values))

    def place(self, quantities: Mapping[int, int] | None = None, **values: Any) -> OrderView:
        """Place an order and return it."""
        order = self.incoming(quantities, **values)
        with transaction():
            return placement.place(order, channel=self.terms, by=ground.TESTER, at=clock.now()).order

    def act(self, verb: Any, fulfilment: FulfilmentView | UUID, *arguments: Any, **options: Any) -> Any:
        """Call a floor verb as the clerk, now, in a transaction of its own."""
        fulfilment_id = fulfilment if isinstance(fulfilment, UUID) else fulfilment.id
        user = options.pop("user", self.clerk)
        with transaction():
            return verb(fulfilment_id, *arguments, user=user, by=Actor.staff(user), at=clock.now(), **options)

    def scan(self, fulfilment: FulfilmentView, product: int = 0, **options: Any) -> picking.ScanOutcome:
        """Scan a product's barcode once."""
        return self.act(picking.scan, fulfilment, uuid4(), self.products[product].gtins[0], **options)

    def accepted(self, quantities: Mapping[int, int] | None = None, **values: Any) -> OrderView:
        """An order that the clerk has taken on."""
        order = self.place(quantities, **values)
        self.act(pickup.accept, order.fulfilments[0])
        return queries.order(order.id)

    def ready(self, quantities: Mapping[int, int] | None = None, **values: Any) -> OrderView:
        """An order that is picked and waits for its customer."""
        order = self.accepted(quantities, **values)
        for position, quantity in (quantities or {0: 1}).items():
            for _ in range(quantity):
                self.scan(order.fulfilments[0], position)
        self.act(pickup.mark_ready, order.fulfilments[0])
        return queries.order(order.id)


def clerk(*places: LocationRef, role: Role = Role.CLERK) -> User:
    """A person with a role at some stores."""
    user = ground.user()
    with transaction():
        for place in places:
            locations.assign(user, role, place.id, by=ground.TESTER)
    return user


def shop(*, pieces: int = 10, products: int = 3, **store: Any) -> Shop:
    """A shop whose store has `pieces` of each product, for 11.90 EUR a piece."""
    place = goods.store(**store)
    assortment = [ground.product() for _ in range(products)]
    for product in assortment:
        if pieces:
            goods.receive(product.id, place.id, pieces)
    prices.standard_rates()
    code = prices.price_list(f"list-{next(_numbers)}")
    prices.prices({product.id: PRICE_MINOR for product in assortment}, price_list=code)
    return Shop(ground.channel(), place, assortment, clerk(place))
