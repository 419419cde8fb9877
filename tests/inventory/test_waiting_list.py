"""The waiting list: in order, only what is free, each once; and what is known of people goes away."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from commerce import clock, relay
from commerce.errors import InvalidInput
from commerce.models import AuditEntry, Channel, OutboxMessage
from commerce.transactions import transaction
from inventory import reservations, tasks
from inventory.errors import WaitingEntryNotFound
from inventory.models import WaitingEntry, WaitingOffer
from inventory.promising import waiting_list
from inventory.waiting import Pick, Waiter, picks
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)


def join(
    shelf: Shelf, who: str, quantity: int = 1, *, location_id: int | None = None, at: datetime | None = None
) -> UUID:
    with transaction():
        return waiting_list.join(
            channel_id=shelf.channel_id, product_id=shelf.product_id, location_id=location_id, quantity=quantity,
            subscriber=who, by=BY, at=at or clock.now(),
        )  # fmt: skip


def serve(shelf: Shelf, *, at: datetime | None = None) -> int:
    with transaction():
        return waiting_list.serve([shelf.product_id], by=BY, at=at or clock.now())


def leave(shelf: Shelf, entry_id: UUID, *, channel_id: int | None = None) -> None:
    with transaction():
        waiting_list.leave(entry_id, channel_id=channel_id or shelf.channel_id, by=BY, at=clock.now())


def states(*entry_ids: UUID) -> list[str]:
    rows = dict(WaitingEntry.objects.values_list("id", "state"))
    return [rows[entry_id] for entry_id in entry_ids]


@pytest.fixture
def empty(shelf: Shelf) -> Shelf:
    """A shelf of which everything is promised to an order."""
    shelf.allocate(10)
    return shelf


def test_goods_are_offered_in_order_and_only_as_many_as_there_are(empty: Shelf) -> None:
    line = [join(empty, f"s{number}") for number in range(4)]
    assert serve(empty) == 0
    empty.receive(2)
    assert serve(empty) == 2
    assert states(*line) == ["offered", "offered", "waiting", "waiting"]
    assert empty.figure().available == 0
    assert serve(empty) == 0  # nothing is offered twice
    third = waiting_list.read(line[2], channel_id=empty.channel_id, at=clock.now())
    assert (third.ahead, third.offer) == (0, None)
    assert waiting_list.read(line[3], channel_id=empty.channel_id, at=clock.now()).ahead == 1


def test_an_offer_is_a_reservation_that_an_order_can_use_and_then_the_wait_is_over(empty: Shelf) -> None:
    entry = join(empty, "anna")
    empty.receive(1)
    serve(empty)
    offer = waiting_list.read(entry, channel_id=empty.channel_id, at=clock.now()).offer
    assert offer is not None
    empty.allocate(1, reservation_id=offer.reservation_id)
    serve(empty)
    assert states(entry) == ["taken"]
    assert WaitingOffer.objects.get().outcome == "taken"


def test_an_offer_nobody_takes_goes_to_the_next_without_being_swept(empty: Shelf) -> None:
    with clock.frozen(T0):
        first, second = join(empty, "a", at=T0 - timedelta(hours=1)), join(empty, "b", at=T0)
        empty.receive(1)
        serve(empty, at=T0)
    later = T0 + waiting_list.OFFER_LASTS
    with clock.frozen(later):
        assert serve(empty, at=later) == 1
    assert states(first, second) == ["missed", "offered"]
    ends = [row.payload["state"] for row in OutboxMessage.objects.filter(event_type="waiting_list.ended")]
    assert ends == ["missed"]


def test_leaving_frees_what_was_offered_for_the_next(empty: Shelf) -> None:
    first, second = join(empty, "a"), join(empty, "b")
    empty.receive(1)
    serve(empty)
    leave(empty, first)
    assert serve(empty) == 1
    assert states(first, second) == ["left", "offered"]
    leave(empty, first)  # again: nothing changes
    assert states(first, second) == ["left", "offered"]


def test_giving_the_reservation_back_is_declining(empty: Shelf) -> None:
    entry = join(empty, "a")
    empty.receive(1)
    serve(empty)
    offer = waiting_list.read(entry, channel_id=empty.channel_id, at=clock.now()).offer
    with transaction():
        reservations.release(offer.reservation_id, channel_id=empty.channel_id, by=BY, at=clock.now())  # type: ignore[union-attr]
    serve(empty)
    assert states(entry) == ["declined"]


def test_who_wants_more_than_there_is_keeps_their_place_and_stops_nobody(empty: Shelf) -> None:
    big, small = join(empty, "big", 3), join(empty, "small", 1)
    empty.receive(2)
    serve(empty)
    assert states(big, small) == ["waiting", "offered"]
    empty.receive(2)
    serve(empty)
    assert states(big) == ["offered"]


def test_who_waits_for_one_place_is_not_served_from_another(empty: Shelf) -> None:
    elsewhere = make.store()
    here, anywhere = join(empty, "here", location_id=empty.store.id), join(empty, "any")
    make.receive(empty.product_id, elsewhere.id, 2)
    serve(empty)
    assert states(here, anywhere) == ["waiting", "offered"]
    assert WaitingOffer.objects.get().location_id == elsewhere.id


def test_the_same_subscriber_has_one_place_in_a_line(empty: Shelf) -> None:
    assert join(empty, "a") == join(empty, "a", 3)
    leave(empty, join(empty, "a"))
    assert join(empty, "a") not in (None, WaitingEntry.objects.order_by("joined_at").first().id)  # type: ignore[union-attr]


def test_joining_when_there_are_goods_gets_them_at_once(shelf: Shelf) -> None:
    assert states(join(shelf, "a", 4)) == ["offered"]
    assert shelf.figure().held == 4


@pytest.mark.parametrize(("who", "quantity"), [("a@b.example", 1), ("+4930123", 1), ("", 1), ("a", 0), ("a", 101)])
def test_addresses_and_wild_quantities_are_refused(empty: Shelf, who: str, quantity: int) -> None:
    with pytest.raises(InvalidInput):
        join(empty, who, quantity)
    assert not WaitingEntry.objects.exists()


def test_another_channel_sees_and_changes_nothing(empty: Shelf) -> None:
    entry, other = join(empty, "a"), ground.channel()
    with pytest.raises(WaitingEntryNotFound):
        waiting_list.read(entry, channel_id=other.pk, at=clock.now())
    with pytest.raises(WaitingEntryNotFound):
        leave(empty, entry, channel_id=other.pk)
    with transaction():
        assert waiting_list.erase("a", channel_id=other.pk, by=BY, at=clock.now()) == 0
    assert states(entry) == ["waiting"]


def test_erasing_a_person_ends_their_waits_frees_their_goods_and_leaves_no_name(empty: Shelf) -> None:
    entry = join(empty, "secret-ref")
    empty.receive(1)
    serve(empty)
    with transaction():
        assert waiting_list.erase("secret-ref", channel_id=empty.channel_id, by=BY, at=clock.now()) == 1
    assert states(entry) == ["left"]
    assert empty.figure().available == 1
    told = str([*OutboxMessage.objects.values_list("payload"), *AuditEntry.objects.values_list("before", "after")])
    assert "secret-ref" not in told
    assert not WaitingEntry.objects.exclude(subscriber="").exists()


def test_who_it_was_is_forgotten_a_month_after_the_end_and_not_before(empty: Shelf) -> None:
    gone, waits = join(empty, "a"), join(empty, "b")
    leave(empty, gone)
    with clock.frozen(clock.now() + timedelta(days=29)):
        assert tasks.forget_waiting() == 0
    with clock.frozen(clock.now() + timedelta(days=31)):
        assert tasks.forget_waiting() == 1
    assert WaitingEntry.objects.get(id=waits).subscriber == "b"


@pytest.mark.django_db(transaction=True)
def test_when_goods_come_those_who_wait_are_served_before_the_channels_are_told(empty: Shelf) -> None:
    ground.listed(Channel.objects.get(pk=empty.channel_id), _ref(empty))
    relay.drain()
    entry = join(empty, "a")
    empty.receive(1)
    relay.drain()
    assert states(entry) == ["offered"]
    figures = OutboxMessage.objects.filter(event_type="availability.changed").order_by("id")
    assert {row.payload["available"] for row in figures} == {0}
    offered = OutboxMessage.objects.get(event_type="waiting_list.offered")
    assert (offered.payload["entry_id"], offered.channel_id) == (str(entry), empty.channel_id)


def test_the_periodic_round_serves_what_no_news_spoke_of(empty: Shelf) -> None:
    entry = join(empty, "a")
    empty.receive(1)
    assert tasks.serve_waiting_list() == 1
    assert states(entry) == ["offered"]


def test_lines_say_how_many_wait_for_what(empty: Shelf) -> None:
    join(empty, "a"), join(empty, "b", 3)
    (line,) = waiting_list.lines(at=clock.now())
    assert (line.product_id, line.waiting, line.pieces, line.supply_on) == (empty.product_id, 2, 4, None)


def test_picks_never_give_away_more_than_is_free_to_a_channel_or_at_all() -> None:
    from uuid import uuid4

    def waiter(channel: int, quantity: int = 1) -> Waiter:
        return Waiter(uuid4(), channel, 1, None, quantity)

    one, two, three = waiter(1, 2), waiter(2, 2), waiter(1, 1)
    assert picks([one, two, three], {(1, 1, 7): 3, (2, 1, 7): 3}) == [Pick(one, 7), Pick(three, 7)]
    assert picks([two], {(1, 1, 7): 3}) == []
    assert picks([one], {(1, 1, 7): 2, (1, 1, 8): 5}) == [Pick(one, 8)]


# --- the API ---------------------------------------------------------------------------------------------------------

API = "/api/v1/waiting-list"


def test_the_list_over_the_api(empty: Shelf) -> None:
    key = ground.key(Channel.objects.get(pk=empty.channel_id))

    def call(method: str, path: str = "", body: object = None, **headers: str) -> Any:
        options: dict[str, Any] = {"content_type": "application/json"} | key.headers | headers
        return getattr(Client(), method)(API + path, body, **options)

    wanted = {"sku": empty.sku, "quantity": 1, "subscriber": "c-1", "location": empty.store.code}
    first = call("post", "", wanted, HTTP_IDEMPOTENCY_KEY="k1")
    assert first.status_code == 201, first.content
    entry = first.json()
    assert call("post", "", wanted, HTTP_IDEMPOTENCY_KEY="k1").json() == entry
    assert (entry["state"], entry["ahead"], entry["location"], entry["offer"]) == ("waiting", 0, empty.store.code, None)
    empty.receive(1)
    serve(empty)
    offered = call("get", f"/{entry['id']}").json()
    assert offered["state"] == "offered"
    assert offered["offer"]["location"] == empty.store.code
    assert [one["id"] for one in Client().get(f"{API}?subscriber=c-1", **key.headers).json()["items"]] == [entry["id"]]
    assert call("delete", f"/{entry['id']}").status_code == 204
    assert call("get", f"/{entry['id']}").json()["state"] == "left"
    assert call("post", "/erase", {"subscriber": "c-1"}).json() == {"erased": 1}
    assert Client().get(f"{API}?subscriber=c-1", **key.headers).json()["items"] == []
    refused = call("post", "", wanted | {"subscriber": "a@b.example"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "subscriber")
    assert call("get", "/00000000-0000-4000-8000-000000000000").json()["code"] == "waiting_entry_not_found"


def _ref(shelf: Shelf) -> Any:
    from commerce import catalog

    return catalog.products_by_id([shelf.product_id])[shelf.product_id]
