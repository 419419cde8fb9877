"""Lists of the kernel for the rooms: read only."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from commerce.models import Channel, ChannelKind, Listing, Product

MOST_CATEGORIES = 1_000
NEWEST_MESSAGES = 20_000  # what is older than these tells nothing of how quick a channel is now


@dataclass(frozen=True, slots=True)
class ListingRef:
    """A product on an active channel, with what a reader needs to address it."""

    channel_id: int
    product_id: int
    sku: str
    country: str


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """A channel as other rooms read it; a till sells what stands beside it."""

    id: int
    code: str
    name: str
    kind: str
    country: str
    is_active: bool
    currency: str

    @property
    def is_till(self) -> bool:
        return self.kind == ChannelKind.POS


def channels() -> list[ChannelRef]:
    """Return all channels, also those that are closed, by code."""
    rows = Channel.objects.order_by("code").values_list(
        "id", "code", "name", "kind", "country", "is_active", "currency"
    )
    return [ChannelRef(*row) for row in rows]


def channel_name(channel_id: int) -> str:
    """Return what a channel calls itself towards people; nothing for one that never was."""
    return Channel.objects.filter(pk=channel_id).values_list("name", flat=True).first() or ""


def categories() -> list[str]:
    """Return the categories that products have, in order."""
    rows = Product.objects.exclude(category="").values_list("category", flat=True).distinct().order_by("category")
    return list(rows[:MOST_CATEGORIES])


def products_of_category(category: str, *, after: int, at_most: int) -> list[int]:
    """Return the ids of a category's products after `after`, in order (keyset paging)."""
    rows = Product.objects.filter(category=category, pk__gt=after).order_by("pk").values_list("pk", flat=True)
    return list(rows[:at_most])


_LAG = """
SELECT message.channel_id,
       extract(epoch FROM max(CASE WHEN delivery.state = 'pending' THEN %(at)s ELSE delivery.done_at END - message.occurred_at))
FROM commerce_outboxmessage message JOIN commerce_outboxdelivery delivery ON delivery.message_id = message.id
WHERE message.id > (SELECT coalesce(max(id), 0) - %(newest)s FROM commerce_outboxmessage)
  AND message.event_type = %(type)s AND message.channel_id IS NOT NULL AND delivery.subscriber LIKE 'webhook:%%'
  AND (delivery.state = 'pending' OR (delivery.state = 'done' AND delivery.done_at > %(since)s))
GROUP BY message.channel_id
"""


def webhook_lag(event_type: str, *, since: datetime, at: datetime) -> dict[int, float]:
    """Return by channel how many seconds old the news of a type were when its webhooks took them, at worst.

    Counted are those taken since `since` and those that still wait, among the newest messages. A channel without
    webhooks, or without news, is missing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LAG, {"at": at, "since": since, "type": event_type, "newest": NEWEST_MESSAGES})
        return {channel_id: max(float(seconds), 0.0) for channel_id, seconds in cursor.fetchall()}


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
