"""A hold counts until its expiry, ends once, and never passes through a moment in which the promise is wrong."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from commerce import catalog, clock, context, ids
from commerce.models import OutboxMessage
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import ledger, reservations, tasks
from inventory.errors import HoldEnded, HoldExpired, HoldNotFound, HoldTooOld, InsufficientStock
from inventory.models import Hold, StockEntry, StockLevel
from inventory.reservations import ReservationRequest, Reserved
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf


def test_a_hold_takes_from_what_is_available_not_from_what_is_on_hand(shelf: Shelf) -> None:
    held = shelf.reserve(4)
    assert isinstance(held, Reserved)
    figure = shelf.figure()
    assert (figure.on_hand, figure.held, figure.available) == (10, 4, 6)


def test_a_refusal_names_what_was_wanted_and_what_there_is(shelf: Shelf) -> None:
    shelf.reserve(8)
    refusal = shelf.reserve(3)
    assert isinstance(refusal, InsufficientStock)
    (line,) = refusal.detail["lines"]
    assert (line["product_id"], line["wanted"], line["available"]) == (shelf.product_id, 3, 2)
    assert shelf.figure().available == 2


def test_a_batch_serves_in_order_and_a_refusal_fails_no_neighbour(shelf: Shelf) -> None:
    at = clock.now()
    wants = [6, 5, 4, 1]
    requests = [
        ReservationRequest(
            ids.new(), shelf.channel_id, shelf.store.id, ((shelf.product_id, pieces),), at + timedelta(minutes=5)
        )
        for pieces in wants
    ]
    with transaction():
        verdicts = reservations.reserve(requests, by=BY, at=at)
    assert [isinstance(verdict, Reserved) for verdict in verdicts] == [True, False, True, False]
    assert shelf.figure().available == 0


def test_lines_of_one_product_are_summed_before_the_check(shelf: Shelf) -> None:
    at = clock.now()
    twice = ReservationRequest(
        ids.new(),
        shelf.channel_id,
        shelf.store.id,
        ((shelf.product_id, 6), (shelf.product_id, 5)),
        at + timedelta(minutes=5),
    )
    with transaction():
        (verdict,) = reservations.reserve([twice], by=BY, at=at)
    assert isinstance(verdict, InsufficientStock)
    assert verdict.detail["lines"][0]["wanted"] == 11


def test_an_expired_hold_counts_for_nobody_even_before_it_is_swept(shelf: Shelf) -> None:
    held = shelf.reserve(10, minutes=1)
    assert isinstance(held, Reserved)
    later = held.expires_at
    assert StockLevel.objects.get(product_id=shelf.product_id).held == 10
    assert shelf.figure(later).available == 10
    assert isinstance(shelf.reserve(10, at=later), Reserved), (
        "the next buyer gets the goods without waiting for a sweep"
    )
    kinds = list(
        StockEntry.objects.filter(level__product_id=shelf.product_id).order_by("version").values_list("kind", flat=True)
    )
    assert kinds == ["received", "held", "expired", "held"]


def test_the_sweeper_frees_expired_holds_once_and_tells(shelf: Shelf) -> None:
    held = shelf.reserve(3, minutes=1)
    assert isinstance(held, Reserved)
    with clock.frozen(held.expires_at):
        assert tasks.expire_reservations() == 1
        assert tasks.expire_reservations() == 0
    assert Hold.objects.get(reservation_id=held.id).state == "expired"
    told = OutboxMessage.objects.get(event_type="reservation.expired")
    assert told.payload["reservation_id"] == str(held.id)
    assert told.channel_id == shelf.channel_id


def test_release_gives_back_and_may_be_repeated(shelf: Shelf) -> None:
    held = shelf.reserve(4)
    for _ in range(2):
        with transaction():
            reservations.release(held.id, channel_id=shelf.channel_id, by=BY, at=clock.now())
    assert shelf.figure().available == 10
    assert StockEntry.objects.filter(level__product_id=shelf.product_id, kind="released").count() == 1


def test_another_channels_reservation_looks_as_if_it_did_not_exist(shelf: Shelf) -> None:
    held = shelf.reserve(4)
    with pytest.raises(HoldNotFound), transaction():
        reservations.release(held.id, channel_id=shelf.channel_id + 1, by=BY, at=clock.now())
    with pytest.raises(HoldNotFound), transaction():
        reservations.release(uuid4(), channel_id=shelf.channel_id, by=BY, at=clock.now())
    assert shelf.figure().available == 6


def test_extend_moves_the_expiry_and_never_shortens_or_revives(shelf: Shelf) -> None:
    held = shelf.reserve(4, minutes=10)
    assert isinstance(held, Reserved)
    with transaction():
        longer = reservations.extend(
            held.id, held.expires_at + timedelta(minutes=5), channel_id=shelf.channel_id, by=BY, at=clock.now()
        )
    assert longer.expires_at == held.expires_at + timedelta(minutes=5)
    with transaction():
        same = reservations.extend(
            held.id, clock.now() + timedelta(seconds=60), channel_id=shelf.channel_id, by=BY, at=clock.now()
        )
    assert same.expires_at == longer.expires_at
    with pytest.raises(HoldExpired), transaction():
        reservations.extend(
            held.id, longer.expires_at + timedelta(hours=1), channel_id=shelf.channel_id, by=BY, at=longer.expires_at
        )


def test_a_reservation_is_not_extended_past_its_longest_life(shelf: Shelf) -> None:
    held = shelf.reserve(4, minutes=10)
    latest = Hold.objects.get(reservation_id=held.id).created_at + reservations.LONGEST_LIFE

    def extend(until: datetime) -> Reserved:
        with transaction():
            return reservations.extend(held.id, until, channel_id=shelf.channel_id, by=BY, at=clock.now())

    assert extend(latest).expires_at == latest
    with pytest.raises(HoldTooOld) as refused:
        extend(latest + timedelta(microseconds=1))
    assert refused.value.detail["latest"] == clock.utc_text(latest)
    assert Hold.objects.get(reservation_id=held.id).expires_at == latest
    assert StockEntry.objects.filter(level__product_id=shelf.product_id, kind="extended").count() == 1


def test_news_of_a_level_names_the_last_request_that_moved_it(shelf: Shelf) -> None:
    at = clock.now()

    def wish(request_id: str, *, pieces: int = 4) -> ReservationRequest:
        lines = ((shelf.product_id, pieces),)
        return ReservationRequest(
            ids.new(), shelf.channel_id, shelf.store.id, lines, at + timedelta(minutes=5), "", request_id
        )

    with transaction(), context.bound("writer-0"):
        reservations.reserve([wish("checkout-1"), wish("checkout-2"), wish("refused-3")], by=BY, at=at)
    news = OutboxMessage.objects.filter(event_type="inventory.stock_changed").order_by("id")
    assert news.last().request_id == "checkout-2"
    with transaction(), context.bound("writer-1"):
        reservations.reserve([wish("", pieces=1)], by=BY, at=at)
    assert news.last().request_id == "writer-1"


def test_a_consumed_hold_cannot_be_released_or_used_again(shelf: Shelf) -> None:
    held = shelf.reserve(4)
    shelf.allocate(4, reservation_id=held.id)
    with pytest.raises(HoldEnded), transaction():
        reservations.release(held.id, channel_id=shelf.channel_id, by=BY, at=clock.now())
    with pytest.raises(HoldEnded):
        shelf.allocate(4, reservation_id=held.id)
    figure = shelf.figure()
    assert (figure.allocated, figure.held, figure.available) == (4, 0, 6)


def test_more_expired_holds_than_one_statement_writes_stand_in_nobodys_way(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "MOST_POSTINGS", 3)
    at = clock.now()
    for _ in range(10):
        shelf.reserve(1, minutes=1, at=at)
    later = at + timedelta(minutes=1)
    assert isinstance(shelf.reserve(9, at=later), Reserved)
    level = StockLevel.objects.get(product_id=shelf.product_id)
    entries = StockEntry.objects.filter(level=level).order_by("version")
    assert [entry.version for entry in entries] == list(range(1, 23))
    assert level.version == 22
    assert [entry.held_after for entry in entries][-11:] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 9]
    told = OutboxMessage.objects.filter(event_type="inventory.stock_changed", aggregate=f"stock_level:{level.id}")
    assert told.latest("id").aggregate_sequence == 22, "the newest news is the newest value"
    assert not list(checks.run())


def test_a_reservation_of_several_products_expires_with_one_event(shelf: Shelf) -> None:
    with transaction():
        other = catalog.add_product(sku=f"{shelf.sku}-B", name="Shade", by=BY)
    make.receive(other.id, shelf.store.id, 5)
    at = clock.now()
    wanted = ReservationRequest(
        ids.new(), shelf.channel_id, shelf.store.id, ((shelf.product_id, 1), (other.id, 1)), at + timedelta(minutes=1)
    )
    with transaction():
        reservations.reserve([wanted], by=BY, at=at)
    shelf.reserve(1, at=at + timedelta(minutes=1))  # sweeps the one product only
    with clock.frozen(at + timedelta(minutes=2)):
        tasks.expire_reservations()
    assert OutboxMessage.objects.filter(aggregate=f"reservation:{wanted.id}").count() == 1
