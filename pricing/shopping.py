"""A wish for a quote: what is asked for, by whom, and who buys as their channel says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from commerce import context
from commerce.actors import Actor
from pricing.quotes import BasketLine, ChannelTerms

USUAL = timedelta(seconds=900)


@dataclass(frozen=True, slots=True)
class Shopper:
    """Who buys, where and how, as their channel says. `customer` is how the channel names them, for limits per customer.

    `is_known`: our own profile had its say; `overruled` names what the channel said otherwise.
    """

    customer_group: str = ""
    contract: str = ""
    customer: str = ""
    segments: frozenset[str] = frozenset()
    loyalty_tier: str = ""
    is_first_order: bool | None = None
    location: str = ""
    payment_method: str = ""
    codes: tuple[str, ...] = ()
    takes_gifts: bool = False  # gifts that are earned come into the basket by themselves
    is_known: bool = False
    overruled: tuple[str, ...] = ()


NOBODY = Shopper()


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """A basket that someone wants a quote for, and the request that said so.

    `named` is the channel's code and its own id of the customer, by which our profile of them is found.
    """

    lines: Sequence[BasketLine]
    channel: ChannelTerms
    by: Actor
    shopper: Shopper = NOBODY
    ttl: timedelta = USUAL
    named: tuple[str, str] | None = None
    request_id: str = field(default_factory=context.request_id)
