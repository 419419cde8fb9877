"""A day is the house's: between midnight in Berlin and midnight UTC yesterday is over."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from commerce import clock, ids
from commerce.errors import InvalidInput
from commerce.transactions import transaction
from inventory.models import DemandForecast, ScarcityClaim
from inventory.promising import backorders
from inventory.replenishment import demand, forecasts, rules
from inventory.scarcity import messages
from inventory.transport import transfers
from inventory.transport.transfers import Wanted
from tests.factories import inventory as make
from tests.factories import past_sales
from tests.inventory.conftest import BY, Shelf
from tests.inventory.promises import policy
from tests.inventory.test_backorders import order
from tests.inventory.test_scarcity import texts

NIGHT = datetime(2026, 7, 14, 22, 30, tzinfo=UTC)  # half past midnight in Berlin
YESTERDAY, TODAY = date(2026, 7, 14), date(2026, 7, 15)


@pytest.fixture(autouse=True)
def _night() -> Iterator[None]:
    with clock.frozen(NIGHT):
        yield


def test_a_preorder_is_not_released_yesterday(shelf: Shelf) -> None:
    with pytest.raises(InvalidInput, match="lies in the past"):
        policy(shelf, kind="preorder", release_on=YESTERDAY)
    policy(shelf, kind="preorder", release_on=TODAY)


def test_a_promise_for_yesterday_is_late(shelf: Shelf) -> None:
    policy(shelf, 5, lead_days=0)
    order(shelf, 12)
    assert backorders.late(at=NIGHT, at_most=10) == []
    assert backorders.late(at=NIGHT + timedelta(hours=1), at_most=10) == [], "UTC has a new day, Berlin has not"
    assert backorders.late(at=NIGHT + timedelta(days=1), at_most=10) == [shelf.product_id]


def test_goods_that_leave_now_or_are_on_their_way_do_not_come_yesterday(shelf: Shelf) -> None:
    there = make.store()
    with transaction():
        draft = transfers.draft(
            ids.new(), origin_id=shelf.store.id, destination_id=there.id, lines=[Wanted(shelf.product_id, 1)],
            by=BY, at=NIGHT,
        )  # fmt: skip
    with pytest.raises(InvalidInput, match="name 2026-07-15 or a later day"), transaction():
        transfers.send(draft.id, expected_on=YESTERDAY, by=BY, at=NIGHT)
    with transaction():
        transfers.send(draft.id, expected_on=TODAY, by=BY, at=NIGHT)
    with pytest.raises(InvalidInput, match="not expected in the past"), transaction():
        transfers.expect(draft.id, YESTERDAY, reason="so they say", by=BY, at=NIGHT)


def test_a_forecast_knows_the_day_that_just_ended(shelf: Shelf) -> None:
    past_sales.sold(shelf.product_id, shelf.store.id, [7, 6, 8, 7] * 4, until=NIGHT, left=5)
    list(demand.count_all())
    forecasts.run(at=NIGHT, uplifts=rules.Book().uplifts)
    assert set(DemandForecast.objects.values_list("until", flat=True)) == {YESTERDAY}


def test_what_is_said_at_night_is_said_today(shelf: Shelf) -> None:
    shelf.allocate(7)
    assert texts(shelf) == ["Only 3 left in Berlin"]
    assert [claim.said_on for claim in ScarcityClaim.objects.all()] == [TODAY]
    assert len(messages.latest()) == 1
