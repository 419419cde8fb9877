"""Who buys: a channel's word about its customer, and our own profile of them, which decides where it says something.

The room above knows the profiles and registers how they are asked; a basket without a customer asks nobody.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pricing.promotions.asked import Asked
from pricing.quoted import Buyer
from pricing.shopping import Shopper, Wish

Name = tuple[str, str]  # the code of a channel, and how it names its customer


@dataclass(frozen=True, slots=True)
class Kept:
    """What our profile of a customer says. "" and None are not kept: there the channel's word stands."""

    customer_group: str = ""
    loyalty_tier: str = ""
    segments: frozenset[str] | None = None
    has_ordered: bool = False


Profiles = Callable[[Collection[Name]], Mapping[Name, Kept]]

_profiles: list[Profiles] = []


def reckons_by(profiles: Profiles) -> None:
    """Let `profiles` say what is kept of customers."""
    _profiles[:] = [profiles]


def recognised(wishes: Sequence[Wish]) -> list[Shopper]:
    """Return who buys of each wish, with what our profiles say of the customers that are named; asked once for all."""
    named = {wish.named for wish in wishes if wish.named is not None}
    kept = _profiles[0](named) if named and _profiles else {}
    return [
        merged(wish.shopper, kept[wish.named]) if wish.named is not None and wish.named in kept else wish.shopper
        for wish in wishes
    ]


def merged(said: Shopper, kept: Kept) -> Shopper:
    """Return a shopper as our profile has them. What the channel said and the profile denies is noted, not refused."""
    tier, group = kept.loyalty_tier or said.loyalty_tier, kept.customer_group or said.customer_group
    segments = said.segments if kept.segments is None else kept.segments
    first = False if kept.has_ordered else said.is_first_order is not False
    overruled = [
        ("customer_group", said.customer_group not in ("", group)),
        ("is_first_order", said.is_first_order not in (None, first)),
        ("loyalty_tier", said.loyalty_tier not in ("", tier)),
        ("segments", not said.segments <= segments),
    ]
    return replace(
        said, customer_group=group, loyalty_tier=tier, segments=segments, is_first_order=first, is_known=True,
        overruled=tuple(name for name, is_so in overruled if is_so),
    )  # fmt: skip


def told(shopper: Shopper, asked: Asked, *, has_groups: bool) -> Buyer | None:
    """Return what prices asked of a shopper, as the quote keeps it; None where they asked nothing that is known.

    Segments and tiers that no rule asks for are nobody's business, and stay out of the quote and of orders by it.
    """
    group = shopper.customer_group if has_groups or asked.groups else ""
    tier = shopper.loyalty_tier if asked.tiers else ""
    segments = tuple(sorted(shopper.segments & asked.segments))
    first = shopper.is_first_order if asked.is_first_order else None
    overruled = shopper.overruled
    if not (group or tier or segments or overruled) and first is None:
        return None
    return Buyer(
        customer_group=group, is_first_order=first, is_from_profile=shopper.is_known, loyalty_tier=tier,
        overruled=overruled, segments=segments,
    )  # fmt: skip
