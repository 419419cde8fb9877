"""Channels that list a product hear of every change, once, with versions that only grow."""

from commerce import catalog, clock, relay
from commerce.models import OutboxMessage
from commerce.transactions import transaction
from inventory import stock_feed
from inventory.places import locations
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf


def tell(shelf: Shelf) -> int:
    with transaction():
        return stock_feed.tell([shelf.product_id], at=clock.now())


def list_product(shelf: Shelf) -> None:
    with transaction():
        catalog.list_products(shelf.channel_id, [shelf.product_id], by=BY)


def test_a_channel_that_lists_the_product_is_told_and_no_other(shelf: Shelf) -> None:
    assert tell(shelf) == 0
    list_product(shelf)
    shelf.reserve(4)
    assert tell(shelf) == 1
    told = OutboxMessage.objects.get(event_type="availability.changed")
    assert told.channel_id == shelf.channel_id
    assert told.payload["available"] == 6
    assert told.payload["locations"] == {shelf.store.code: 6}
    assert told.payload["version"] == told.aggregate_sequence == 1


def test_what_did_not_change_is_not_told_again(shelf: Shelf) -> None:
    list_product(shelf)
    assert tell(shelf) == 1
    assert tell(shelf) == 0
    shelf.receive(1)
    assert tell(shelf) == 1
    newest = OutboxMessage.objects.filter(event_type="availability.changed").latest("id")
    assert (newest.payload["version"], newest.payload["available"]) == (2, 11)


def test_goods_across_a_customs_border_are_not_counted(shelf: Shelf) -> None:
    list_product(shelf)
    make.receive(shelf.product_id, make.store(country="CH", region="ZH").id, 50)
    make.receive(shelf.product_id, make.store(country="AT", region="9").id, 5)
    tell(shelf)
    assert OutboxMessage.objects.get(event_type="availability.changed").payload["available"] == 15


def test_goods_at_a_place_that_another_process_just_added_count_at_once(shelf: Shelf, monkeypatch) -> None:
    list_product(shelf)
    locations.active()
    as_another_process_knows_them = locations._cached
    new_store = make.store()
    make.receive(shelf.product_id, new_store.id, 5)
    monkeypatch.setattr(locations, "_cached", as_another_process_knows_them)
    tell(shelf)
    told = OutboxMessage.objects.filter(event_type="availability.changed").latest("id")
    assert told.payload["locations"] == {shelf.store.code: 10, new_store.code: 5}
    assert locations.by_id(new_store.id).code == new_store.code


def test_listing_a_product_and_closing_a_place_are_told_without_any_movement(shelf: Shelf) -> None:
    other = make.store()
    make.receive(shelf.product_id, other.id, 5)
    relay.drain(within=10)
    list_product(shelf)
    relay.drain(within=10)
    assert newest().payload["available"] == 15
    with transaction():
        locations.change_location(other.id, is_active=False, by=BY)
    relay.drain(within=10)
    assert newest().payload["locations"] == {shelf.store.code: 10}
    with transaction():
        locations.change_location(other.id, is_active=True, by=BY)
    relay.drain(within=10)
    assert newest().payload["available"] == 15


def newest() -> OutboxMessage:
    return OutboxMessage.objects.filter(event_type="availability.changed").latest("id")
