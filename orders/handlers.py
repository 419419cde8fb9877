"""What the orders room does when something happened below it."""

from uuid import UUID

from commerce import clock
from commerce.actors import Actor
from commerce.events import Received
from orders import waiting

FOLLOWER = Actor.system("promises")


def follow_promise(message: Received) -> None:
    """Promise an order anew when goods that it waits for come earlier or later, or are there."""
    waiting.follow(UUID(message.payload["order_line"]), by=FOLLOWER, at=clock.now())
