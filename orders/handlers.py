"""What the orders room does when something happened below it."""

from uuid import UUID

from commerce import clock, logs
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.events import Received
from commerce.transactions import savepoint
from orders import proposals, received, rerouting, shortages, waiting

log = logs.get(__name__)

FLOOR = Actor.system("shortages")
FOLLOWER = Actor.system("promises")


def place_received(messages: list[Received]) -> None:
    """Place the orders that were taken in at the door, in the order of their arrival."""
    received.place_waiting([message.payload["message_id"] for message in messages], at=clock.now())


def follow_promise(message: Received) -> None:
    """Promise an order anew when goods that it waits for come earlier or later, or are there."""
    waiting.follow(UUID(message.payload["order_line"]), by=FOLLOWER, at=clock.now())


def follow_shortage(message: Received) -> None:
    """Look for another place for pieces that could not be picked. An order that can't be changed now is looked at again later."""
    for shortage_id in shortages.open_of(UUID(message.payload["fulfilment_id"])):
        try:
            with savepoint():
                rerouting.follow(shortage_id, by=FLOOR, at=clock.now())
        except CommerceError as refusal:
            log.info("left for later", shortage=str(shortage_id), code=refusal.code)


def follow_cancelled(message: Received) -> None:
    """Give free what is kept for answers about an order that is called off."""
    proposals.follow_cancelled(UUID(message.payload["order_id"]), by=FLOOR, at=clock.now())


def reject_too(message: Received) -> None:
    """Give up on what another order wants from a shelf that was found empty."""
    shortage_id, line_id = UUID(message.payload["shortage_id"]), UUID(message.payload["line_id"])
    try:
        with savepoint():
            rerouting.reject_too(shortage_id, line_id, by=FLOOR, at=clock.now())
    except CommerceError as refusal:  # an order on hold, such as: whoever picks it later is told
        log.info("left to its picker", line=str(line_id), code=refusal.code)
