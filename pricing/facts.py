"""What other rooms know that prices depend on: what a piece costs us, and how much of it there is.

Rooms above register who can be asked; nobody is asked unless the rules in force need it, and answers are remembered for a
few seconds, so that a price on the hot path costs no query for them.
"""

import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import TypeVar

from commerce import catalog
from pricing import costs as own_costs
from pricing import floors
from pricing.promotions.basket import StockFacts
from pricing.quotes import ChannelTerms, Facts, Ruleset

FRESH_FOR_SECONDS = 5.0
MOST_REMEMBERED = 50_000

Costs = Callable[[list[int], ChannelTerms, datetime], Mapping[int, int]]
Stock = Callable[[list[int], ChannelTerms, datetime], Mapping[int, StockFacts]]
T = TypeVar("T")

_costs: list[Costs] = []
_stock: list[Stock] = []
_memory: dict[tuple[str, int, str, int], tuple[float, object]] = {}


def register_costs(reader: Costs) -> None:
    """Let `reader(product_ids, channel, at)` say what a piece costs, net and landed, in minor units of the channel's currency."""
    _costs[:] = [reader]


def register_stock(reader: Stock) -> None:
    """Let `reader(product_ids, channel, at)` say what there is of products, and for how long it lasts."""
    _stock[:] = [reader]


def known(ruleset: Ruleset, channel: ChannelTerms, product_ids: Collection[int], at: datetime) -> Facts:
    """Return what the rules in force need to know of products; what nobody knows is missing."""
    costs: Mapping[int, int] = {}
    stock: Mapping[int, StockFacts] = {}
    margins: dict[int, int] = {}
    floor = floors.known(_revision(ruleset)) if ruleset.has_floors else floors.NONE
    if floor.rules:
        for product_id, product in catalog.products_by_id(product_ids).items():
            least = floor.rules.minimum(product_id, product.category, channel.channel_id)
            if least is not None:
                margins[product_id] = least
    if margins or ruleset.promotions.stacking.minimum_margin_basis_points is not None:
        costs = _remembered("cost", _what_pieces_cost, channel, product_ids, at)
    if _stock and ruleset.promotions.needs_stock:
        stock = _remembered("stock", _stock[0], channel, product_ids, at)
    return Facts(costs, stock, margins, floor.fee(channel.channel_id, at))


def _what_pieces_cost(product_ids: list[int], channel: ChannelTerms, at: datetime) -> Mapping[int, int]:
    """Return landed costs; where none was set, what rooms above know."""
    told = _costs[0](product_ids, channel, at) if _costs else {}
    return {**told, **own_costs.latest(product_ids, channel.currency, at)}


def _revision(ruleset: Ruleset) -> int:
    """Return the revision of prices that a ruleset is of: prices:7+rules:2 is of 7."""
    return int(ruleset.version.partition("+")[0].removeprefix("prices:") or 0)


def costs(channel: ChannelTerms, product_ids: Collection[int], at: datetime) -> Mapping[int, int]:
    """Return what a piece of products costs us, net and landed, whether the rules in force ask for it or not."""
    return _remembered("cost", _what_pieces_cost, channel, product_ids, at)


def stock(channel: ChannelTerms, product_ids: Collection[int], at: datetime) -> Mapping[int, StockFacts]:
    """Return what there is of products, whether the rules in force ask for it or not."""
    return _remembered("stock", _stock[0], channel, product_ids, at) if _stock else {}


def forget() -> None:
    """Drop what this process remembers."""
    _memory.clear()


def _remembered(
    kind: str,
    reader: Callable[[list[int], ChannelTerms, datetime], Mapping[int, T]],
    channel: ChannelTerms,
    product_ids: Collection[int],
    at: datetime,
) -> dict[int, T]:
    now = time.monotonic()
    found: dict[int, T] = {}
    missing = []
    for product_id in product_ids:
        remembered = _memory.get((kind, channel.channel_id, channel.currency, product_id))
        if remembered is None or remembered[0] < now:
            missing.append(product_id)
        elif remembered[1] is not None:
            found[product_id] = remembered[1]  # type: ignore[assignment]
    if missing:
        fresh = reader(missing, channel, at)
        if len(_memory) > MOST_REMEMBERED:
            _memory.clear()
        for product_id in missing:
            one = fresh.get(product_id)
            _memory[kind, channel.channel_id, channel.currency, product_id] = (now + FRESH_FOR_SECONDS, one)
            if one is not None:
                found[product_id] = one
    return found
