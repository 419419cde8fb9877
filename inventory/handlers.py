"""What the inventory room does when something happened."""

from commerce import clock
from commerce.events import Received
from inventory import stock_feed


def feed_channels(messages: list[Received]) -> None:
    """Tell the channels about the products whose stock changed; many changes of one product are one piece of news."""
    stock_feed.tell({message.payload["product_id"] for message in messages}, at=clock.now())
