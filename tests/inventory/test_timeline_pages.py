"""Timelines: what happened to a product at a place, and at a whole place, newest first and page by page."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from commerce import clock, ids
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory import movements, timeline
from inventory.movements import Receipt
from inventory.stock import Condition
from inventory.timeline import Entry, Filters, Page, Position
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf

HOUR = timedelta(hours=1)


def receive(shelf: Shelf, pieces: int, at: datetime, condition: Condition = Condition.SELLABLE) -> None:
    with transaction():
        line = Receipt(ids.new(), shelf.product_id, shelf.store.id, pieces, condition)
        movements.receive([line], by=BY, at=at, reason="", source="")


def walked(read: Any, at_most: int) -> list[Entry]:
    """Read all pages; no page is larger than asked."""
    entries: list[Entry] = []
    before, pages = None, 0
    while True:
        page: Page = read(before=before, at_most=at_most)
        assert len(page.entries) <= at_most
        entries += page.entries
        pages += 1
        assert pages < 100
        if page.older is None:
            return entries
        before = Position.parse(str(page.older))  # as it travels in an address


@pytest.fixture
def story(shelf: Shelf) -> Shelf:
    """Ten pieces from the start; then, hour by hour, a hold, a promise, damaged goods, and twelve receipts at one instant."""
    start = clock.now()
    shelf.reserve(1, at=start + HOUR, minutes=900)
    shelf.allocate(2, at=start + 2 * HOUR)
    receive(shelf, 3, start + 3 * HOUR, Condition.DAMAGED)
    for _ in range(6):
        receive(shelf, 1, start + 30 * HOUR)
        receive(shelf, 1, start + 30 * HOUR, Condition.DAMAGED)
    return shelf


@pytest.mark.parametrize("at_most", [1, 4, 50])
@pytest.mark.parametrize("whole_place", [False, True])
def test_pages_hold_every_entry_once_newest_first(story: Shelf, at_most: int, whole_place: bool) -> None:
    def read(**options: Any) -> Page:
        until = Filters(until=clock.now() + 100 * HOUR)
        if whole_place:
            return timeline.of_location(story.store.id, filters=until, **options)
        return timeline.of_product(story.product_id, story.store.id, filters=until, **options)

    entries = walked(read, at_most)
    assert len(entries) == 16
    assert len({entry.id for entry in entries}) == 16
    assert entries == sorted(entries, key=lambda entry: entry.position, reverse=True)
    assert [entry.kind for entry in entries[-4:]] == ["received", "allocated", "held", "received"]


def test_a_place_shows_its_own_entries_of_all_products(shelf: Shelf) -> None:
    other, elsewhere = shop.product(), make.store()
    make.receive(other.id, shelf.store.id, 4)
    make.receive(shelf.product_id, elsewhere.id, 5)
    assert {(entry.product_id, entry.on_hand_after) for entry in timeline.of_location(shelf.store.id).entries} == {
        (shelf.product_id, 10),
        (other.id, 4),
    }
    assert [entry.location_id for entry in timeline.of_location(elsewhere.id).entries] == [elsewhere.id]
    assert timeline.of_location(make.store().id) == Page([], None)


def test_filters_leave_what_was_asked_for(story: Shelf) -> None:
    far = clock.now() + 100 * HOUR
    now = clock.now()
    for expected, filters in [
        (1, Filters(kinds=["held"], until=far)),
        (2, Filters(kinds=["held", "allocated"], until=far)),
        (7, Filters(condition="damaged", until=far)),
        (16, Filters(actor=("system", "tests"), until=far)),
        (0, Filters(actor=("staff", "1"), until=far)),
        (3, Filters(since=now + HOUR / 2, until=now + 4 * HOUR)),
        (12, Filters(since=now + 4 * HOUR, until=far)),
    ]:
        of_product = timeline.of_product(story.product_id, story.store.id, filters=filters).entries
        of_location = timeline.of_location(story.store.id, filters=filters).entries
        assert (len(of_product), len(of_location)) == (expected, expected), filters


def test_a_long_silence_ends_a_page_and_the_next_goes_on(shelf: Shelf) -> None:
    receive(shelf, 1, clock.now() + timedelta(days=3_000))
    until = Filters(until=clock.now() + timedelta(days=3_001))
    page = timeline.of_location(shelf.store.id, filters=until)
    assert len(page.entries) == 1
    assert page.older
    assert len(walked(lambda **options: timeline.of_location(shelf.store.id, filters=until, **options), 5)) == 2


@pytest.mark.parametrize(
    "text", ["", "x", "2026-01-01~1~1", "2026-01-01T00:00:00+00:00~-1~1", "2026-01-01T00:00:00+00:00~1~9e9"]
)
def test_a_position_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^no position: {re.escape(repr(text))}$"):
        Position.parse(text)


# --- through the API ------------------------------------------------------------------------------------------------


def get(key: Any, path: str, **parameters: Any) -> Any:
    return Client().get(f"/api/v1{path}", parameters, **key.headers)


def test_the_api_tells_stock_of_the_past(shelf: Shelf) -> None:
    key, before = shop.key(shop.channel()), clock.now() - HOUR
    other = make.store()
    now = get(
        key, "/stock/history", sku=shelf.sku, location=f"{shelf.store.code},{other.code}", at=clock.now().isoformat()
    )
    assert now.status_code == 200, now.json()
    values = [(item["location"], item["on_hand"], item["version"]) for item in now.json()["items"]]
    assert values == [(shelf.store.code, 10, 1), (other.code, 0, 0)]
    then = get(key, "/stock/history", sku=shelf.sku, location=shelf.store.code, at=before.isoformat())
    assert then.json()["items"][0]["on_hand"] == 0


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"at": "2999-01-01T00:00:00Z"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({}, "at"),
        ({"at": "2020-01-01T00:00:00Z", "condition": "new"}, "condition"),
    ],
)
def test_the_api_refuses_moments_that_are_none(shelf: Shelf, parameters: dict[str, str], field: str) -> None:
    key = shop.key(shop.channel())
    answer = get(key, "/stock/history", sku=shelf.sku, location=shelf.store.code, **parameters)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_api_tells_the_journal_by_pages(shelf: Shelf) -> None:
    key = shop.key(shop.channel())
    shelf.allocate(1)
    first = get(key, "/stock/timeline", location=shelf.store.code, sku=shelf.sku, limit=1).json()
    assert [(item["kind"], item["on_hand_after"], item["allocated_after"]) for item in first["items"]] == [
        ("allocated", 10, 1)
    ]
    second = get(key, "/stock/timeline", location=shelf.store.code, limit=1, cursor=first["next_cursor"]).json()
    assert [item["kind"] for item in second["items"]] == ["received"]
    assert second["next_cursor"] is None
    only = get(key, "/stock/timeline", location=shelf.store.code, kind="received,counted").json()
    assert [item["kind"] for item in only["items"]] == ["received"]
    wrong = get(key, "/stock/timeline", location=shelf.store.code, cursor="x")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "cursor")


def test_the_journal_is_not_for_every_key(shelf: Shelf) -> None:
    key = shop.key(shop.channel(), Scope.AVAILABILITY_READ)
    assert get(key, "/stock/timeline", location=shelf.store.code).status_code == 403
