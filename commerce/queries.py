"""Lists of the kernel for the rooms: read only."""

from collections.abc import Iterable
from dataclasses import dataclass

from commerce.models import Channel, Listing, Product


@dataclass(frozen=True, slots=True)
class ListingRef:
    """A product on an active channel, with what a reader needs to address it."""

    channel_id: int
    product_id: int
    sku: str
    country: str


def listings_of(product_ids: Iterable[int]) -> list[ListingRef]:
    """Return the listings of the products on all active channels, in one query."""
    rows = Listing.objects.filter(product_id__in=set(product_ids), channel__is_active=True).values_list(
        "channel_id", "product_id", "product__sku", "channel__country"
    )
    return [ListingRef(*row) for row in rows]


def has_channel(code: str) -> bool:
    """Say whether there is a channel of that code, active or not."""
    return Channel.objects.filter(code=code).exists()


def is_empty() -> bool:
    """Say whether this installation has neither a channel nor a product yet."""
    return not (Channel.objects.exists() or Product.objects.exists())
