"""Fifty wait, five pieces come, several serve them at once: exactly five offers, to the five who wait longest."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from commerce import clock, locks
from commerce.actors import Actor
from commerce.operations import checks
from commerce.transactions import transaction
from inventory import availability, handlers
from inventory.models import Hold, WaitingEntry, WaitingOffer
from inventory.promising import waiting_list
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.races.crowds import in_transactions, run_at_once, summary

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.races]

BY = Actor.system("race")
WAITING, PIECES, SERVERS = 50, 5, 6


def crowd() -> tuple[int, int, int, list[UUID]]:
    """A product that is sold out, and fifty who wait for it: (product, store, channel, entries in order)."""
    product, place, channel = ground.product(), goods.store(), ground.channel()
    ground.listed(channel, product)
    start, line = clock.now() - timedelta(hours=1), []
    for number in range(WAITING):
        with transaction():
            line.append(
                waiting_list.join(
                    channel_id=channel.pk, product_id=product.id, location_id=None, quantity=1,
                    subscriber=f"s{number}", by=BY, at=start + timedelta(seconds=number),
                )
            )  # fmt: skip
    goods.receive(product.id, place.id, PIECES)
    return product.id, place.id, channel.pk, line


def serve(product_id: int) -> Any:
    return in_transactions(lambda _: waiting_list.serve([product_id], by=BY, at=clock.now()))


def test_exactly_as_many_offers_as_pieces_in_the_order_of_the_line() -> None:
    product_id, place_id, _, line = crowd()
    outcomes = run_at_once(SERVERS, serve(product_id))
    assert sorted(outcomes) == [0] * (SERVERS - 1) + [PIECES]
    assert set(WaitingOffer.objects.values_list("entry_id", flat=True)) == set(line[:PIECES])
    figure = availability.figures([product_id], location_ids=[place_id], at=clock.now())[0]
    assert (figure.held, figure.available) == (PIECES, 0)
    assert checks.run() == []


def test_without_its_lock_a_line_would_be_served_twice_and_the_database_refuses_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disease: whoever reads the line at the same moment offers to the same people; a constraint stops the second."""
    product_id, place_id, _, _ = crowd()
    goods.receive(product_id, place_id, WAITING * SERVERS)  # enough for the ledger to let every server have its way
    monkeypatch.setattr(locks, "hold", lambda *_: None)
    outcomes = run_at_once(SERVERS, serve(product_id))
    assert "IntegrityError" in summary(outcomes)
    offers = list(WaitingOffer.objects.values_list("entry_id", flat=True))
    assert len(offers) == len(set(offers))  # and nobody has two


def test_leaving_and_serving_at_once_loses_nothing() -> None:
    product_id, _, channel_id, line = crowd()

    def work(number: int) -> Any:
        if number % 2:
            return waiting_list.serve([product_id], by=handlers.WAITING_LIST, at=clock.now())
        return waiting_list.leave(line[number // 2], channel_id=channel_id, by=BY, at=clock.now())

    outcomes = run_at_once(10, in_transactions(work))
    assert not [one for one in outcomes if isinstance(one, BaseException)], outcomes
    with transaction():
        waiting_list.serve([product_id], by=BY, at=clock.now())
    offered = WaitingEntry.objects.filter(state="offered").order_by("joined_at").values_list("id", flat=True)
    assert list(offered) == line[5:10]  # the first five left, whichever came first
    assert Hold.objects.filter(state="active").count() == PIECES
