"""The world as it is for a group of orders, read at once: places, shelves by channel, where customers live, what is held."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from commerce.channels.contracts import IncomingOrder
from inventory import availability, kits, reservations
from inventory.places import locations
from orders.lifecycle import COLLECTED
from orders.routing import standing, worlds
from orders.routing.standing import Standing
from orders.sourcing.measuring import World
from orders.sourcing.network import Network, Shelf

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class OrderingChannel(Protocol):
    """What of a channel decides an order; a `commerce.api.authentication.Credential` is one."""

    @property
    def channel_id(self) -> int: ...
    @property
    def channel_code(self) -> str: ...
    @property
    def country(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def language(self) -> str: ...


Shelves = Mapping[int, Shelf]  # by product


@dataclass(frozen=True, slots=True)
class Survey:
    """What routing has to know of the world for some orders.

    `points` are the coordinates of postal codes, `holding` the locations of reservations, `shelves` what each channel may have
    by product, `coming` what it may promise from goods to come besides, and `routed` the pieces by product and location that
    earlier orders of the group will take if they come to stand.
    """

    at: datetime = _NEVER
    known: Standing = field(default_factory=Standing)
    network: Network = field(default_factory=lambda: Network(()))
    points: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    holding: Mapping[UUID, frozenset[int]] = field(default_factory=dict)
    shelves: Mapping[int, Shelves] = field(default_factory=dict)
    coming: Mapping[int, Mapping[int, Mapping[int, int]]] = field(default_factory=dict)
    routed: dict[int, dict[int, int]] = field(default_factory=dict)

    def count(self, location_id: int, goods: Mapping[int, int]) -> None:
        """Have the next orders look elsewhere for what this one takes."""
        for product_id, pieces in goods.items():
            there = self.routed.setdefault(product_id, {})
            there[location_id] = there.get(location_id, 0) + pieces

    def there(self, channel_id: int, products: Iterable[int]) -> World:
        """Return the world with what a channel may have now of some products."""
        shelves = self.shelves.get(channel_id, {})
        return World(self.network, {one: shelves[one] for one in products if one in shelves})

    def left(self, channel_id: int, products: Iterable[int]) -> World:
        """Return the world with what a channel may have once the earlier orders are served."""
        return self._but(channel_id, products, self.routed, -1)

    def in_time(self, channel_id: int, products: Iterable[int]) -> World:
        """Return the world with what a channel may have, now and from goods to come, once the earlier orders are served."""
        left = self._but(channel_id, products, self.routed, -1)
        return World(
            self.network, {**left.shelves, **_moved(left.shelves, self.coming.get(channel_id, {}), self.network, 1)}
        )

    def _but(
        self, channel_id: int, products: Iterable[int], pieces: Mapping[int, Mapping[int, int]], sign: int
    ) -> World:
        there = self.there(channel_id, products).shelves
        return World(self.network, {**there, **_moved(there, pieces, self.network, sign)})


def _moved(shelves: Shelves, pieces: Mapping[int, Mapping[int, int]], network: Network, sign: int) -> dict[int, Shelf]:
    """Return the shelves on which pieces come or go, as they are then; none has less than nothing."""
    found = {}
    for product, old in shelves.items():
        if product in pieces:
            available = old.available.copy()
            for location_id, count in pieces[product].items():
                if location_id in network.index:
                    number = network.index[location_id]
                    available[number] = max(int(available[number]) + sign * count, 0)
            found[product] = Shelf(available, old.guaranteed, old.ahead, old.enough)
    return found


def survey(
    orders: Sequence[tuple[IncomingOrder, OrderingChannel]], *, counts_unrouted: bool = True, at: datetime
) -> Survey:
    """Read what routing needs for orders, each with its channel: nothing for pickups, else a few queries for all of them.

    Without `counts_unrouted` demand without a place takes nothing away: so it is read for those who are given their places.
    """
    known = standing.now()
    sent = [[portion for portion in order.portions() if portion.method not in COLLECTED] for order, _ in orders]
    shipments = [asked for asked, portions in zip(orders, sent, strict=True) if portions]
    if not shipments:
        return Survey(at, known)
    net = worlds.network(at=at, known=known)
    reserved = [order.reservation_id for order, _ in shipments if order.reservation_id]
    holds = reservations.holds_of(reserved) if reserved else {}
    asked = [
        line
        for (order, _), portions in zip(orders, sent, strict=True)
        if not order.reservation_id
        for portion in portions
        for line in portion.quantities.items()
    ]
    free = {product_id for product_id, _ in kits.explode(asked)}
    channels = {channel.channel_id for _, channel in shipments}
    shelves, coming = look(net, known, free, channels, counts_unrouted=counts_unrouted, at=at) if free else ({}, {})
    return Survey(
        at, known, net, locations.places([destination(order, channel.country) for order, channel in shipments]),
        {reservation_id: frozenset(hold.key.location_id for hold in found) for reservation_id, found in holds.items()},
        shelves, coming,
    )  # fmt: skip


def look(
    net: Network,
    known: Standing,
    products: Iterable[int],
    channels: Iterable[int],
    *,
    counts_unrouted: bool = True,
    at: datetime,
) -> tuple[dict[int, Shelves], dict[int, dict[int, dict[int, int]]]]:
    """Return what each channel may have of products at all active places, and what it may promise from goods to come."""
    places = [place.id for place in locations.active()]
    available: dict[int | None, dict[int, dict[int, int]]] = {}
    coming: dict[int, dict[int, dict[int, int]]] = {}
    seen = availability.figures_of_channels(
        products, channels, location_ids=places, counts_unrouted=counts_unrouted, at=at
    )
    for channel_id, figures in seen.items():
        there = available.setdefault(channel_id, {})
        for figure in figures:
            there.setdefault(figure.product_id, {})[figure.location_id] = figure.available
            if figure.backorderable:
                later = coming.setdefault(channel_id, {}).setdefault(figure.product_id, {})
                later[figure.location_id] = figure.backorderable
    asking = [known.policy, *([known.shadow] if known.shadow is not None else [])]
    made = worlds.shelves_of_channels(net, available, asking, at=at)
    return {channel_id: found for channel_id, found in made.items() if channel_id is not None}, coming


def destination(order: IncomingOrder, country: str) -> tuple[str, str]:
    """Return country and postal code of where an order goes; the channel's country where it says none."""
    ship_to = order.ship_to or {}
    return ship_to.get("country") or country, ship_to.get("postal_code", "")
