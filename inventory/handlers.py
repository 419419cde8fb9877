"""What the inventory room does when something happened."""

from commerce import catalog, clock
from commerce.actors import Actor
from commerce.events import Received
from inventory import availability, queries, stock_feed
from inventory.places import groups, locations
from inventory.promising import backorders, waiting_list
from inventory.sharing import buffers

PROMISER = Actor.system("promises")
WAITING_LIST = Actor.system("waiting list")


def feed_channels(messages: list[Received]) -> None:
    """Tell the channels about the products whose stock changed; many changes of one product are one piece of news.

    Who waits for goods is served before anyone hears of them.
    """
    products = {message.payload["product_id"] for message in messages}
    waiting_list.serve(products, by=WAITING_LIST, at=clock.now())
    stock_feed.tell(products, at=clock.now())


def feed_new_listings(messages: list[Received]) -> None:
    """Tell the channels about products that they just listed."""
    stock_feed.tell(
        {product_id for message in messages for product_id in message.payload["product_ids"]}, at=clock.now()
    )


def feed_changed_kits(messages: list[Received]) -> None:
    """Tell the channels about kits that are made of something else than before."""
    catalog.forget(message.payload["sku"] for message in messages)
    stock_feed.tell({message.payload["product_id"] for message in messages}, at=clock.now())


def feed_after_location_changed(message: Received) -> None:
    """Tell the channels about everything that lies at a location which opened, closed or moved."""
    locations.forget()
    for product_ids in queries.products_at(message.payload["location_id"], at_once=stock_feed.PRODUCTS_AT_ONCE):
        stock_feed.tell(product_ids, at=clock.now())


def feed_after_sharing_changed(message: Received) -> None:
    """Tell the channels about everything from which now another quantity is withheld."""
    buffers.forget()
    groups.forget()
    availability.forget()
    fact = message.payload
    portions = queries.products_shared(
        fact["product_ids"], fact["category"], fact["location_ids"], at_once=stock_feed.PRODUCTS_AT_ONCE
    )
    for product_ids in portions:
        stock_feed.tell(product_ids, at=clock.now())


def revise_promises(messages: list[Received]) -> None:
    """Work out again by when waiting pieces come, of products of which something else is on its way than before."""
    backorders.revise({message.payload["product_id"] for message in messages}, by=PROMISER, at=clock.now())
