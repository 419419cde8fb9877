"""Demand counted from the journal: once per entry, by the day of the place, with corrections where they belong."""

from datetime import UTC, date, datetime, timedelta

import pytest

from commerce import ids
from commerce.transactions import transaction
from inventory import allocations, ledger
from inventory.ledger import LevelKey, Posting
from inventory.models import DemandDay, DemandMark, StockEntry, StockLevel
from inventory.replenishment import demand
from inventory.replenishment.demand import Good
from inventory.replenishment.series import Day
from inventory.stock import Counterparty, EntryKind
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.factories import past_sales
from tests.inventory.conftest import BY, Shelf

pytestmark = pytest.mark.django_db
NOON = datetime(2031, 6, 1, 12, tzinfo=UTC)  # after all that a shelf got before, as its journal never runs backwards


def count() -> int:
    with transaction():
        levels, _last = demand.count()
    return levels


def days_of(product_id: int, location_id: int) -> dict[date, Day]:
    good = Good(product_id, location_id, "")
    return demand.histories([good], first=date(2031, 1, 1), until=date(2032, 1, 1))[0].days


def leave(shelf: Shelf, pieces: int, at: datetime) -> None:
    promise = shelf.allocate(pieces, at=at)
    with transaction():
        allocations.leave([(promise, pieces)], kind=EntryKind.HANDED_OVER, by=BY, at=at)


def test_what_customers_took_is_demand_and_counts_once(shelf: Shelf) -> None:
    leave(shelf, 3, NOON)
    assert count() == 1
    leave(shelf, 2, NOON + timedelta(hours=1))
    leave(shelf, 1, NOON + timedelta(days=1))
    assert count() == 1
    assert count() == 0
    days = days_of(shelf.product_id, shelf.store.id)
    assert (days[date(2031, 6, 1)].sold, days[date(2031, 6, 2)].sold) == (5, 1)


def test_promises_and_baskets_are_no_demand(shelf: Shelf) -> None:
    shelf.reserve(2)
    shelf.allocate(3)
    count()
    assert sum(day.sold for day in days_of(shelf.product_id, shelf.store.id).values()) == 0


def test_a_sale_just_after_midnight_belongs_to_the_day_of_the_place(shelf: Shelf) -> None:
    """Half past midnight in Berlin is still yesterday in UTC, also in the night in which the clocks change."""
    leave(shelf, 1, datetime(2031, 3, 29, 23, 30, tzinfo=UTC))
    leave(shelf, 1, datetime(2031, 10, 25, 22, 30, tzinfo=UTC))
    count()
    days = days_of(shelf.product_id, shelf.store.id)
    assert days[date(2031, 3, 30)].sold == 1
    assert days[date(2031, 10, 26)].sold == 1


def test_a_corrected_sale_leaves_the_day_it_was_booked_on(shelf: Shelf) -> None:
    leave(shelf, 4, NOON)
    count()
    sale = StockEntry.objects.get(kind=EntryKind.HANDED_OVER.value, level__product_id=shelf.product_id)
    key = LevelKey(shelf.product_id, shelf.store.id)
    later = NOON + timedelta(days=5)
    with transaction():
        levels = ledger.lock([key], at=later)
        ledger.post(
            levels,
            [
                Posting(
                    ids.new(), key, EntryKind.CORRECTED, on_hand=4, counterparty=Counterparty.CUSTOMER, corrects=sale.pk
                )
            ],
            by=BY,
            at=later,
        )
    count()
    assert days_of(shelf.product_id, shelf.store.id)[date(2031, 6, 1)].sold == 0


def test_returns_are_counted_beside_sales(shelf: Shelf) -> None:
    leave(shelf, 3, NOON)
    key = LevelKey(shelf.product_id, shelf.store.id)
    with transaction():
        levels = ledger.lock([key], at=NOON)
        back = Posting(ids.new(), key, EntryKind.RETURNED, on_hand=2, counterparty=Counterparty.CUSTOMER)
        ledger.post(levels, [back], by=BY, at=NOON)
    count()
    day = days_of(shelf.product_id, shelf.store.id)[date(2031, 6, 1)]
    assert (day.sold, day.returned, day.demand) == (3, 2, 1)


def test_counting_in_portions_comes_to_the_same_as_at_once_and_equals_the_journal() -> None:
    store = make_inventory.store()
    refs = make.products(7)
    for number, ref in enumerate(refs):
        past_sales.sold(ref.id, store.id, [number, 2, 0, 5], until=NOON, left=1)
    portions, after = 0, 0
    while True:
        with transaction():
            levels, after = demand.count(after=after, at_most=3)
        if not levels:
            break
        portions += 1
    assert portions == 3
    levels_by_good = {(one.product_id, one.location_id): one for one in StockLevel.objects.all()}
    totals: dict[tuple[int, int], int] = {}
    for row in DemandDay.objects.all():
        totals[row.product_id, row.location_id] = totals.get((row.product_id, row.location_id), 0) + row.delta
    assert totals == {key: level.on_hand for key, level in levels_by_good.items()}
    assert dict(DemandMark.objects.values_list("level_id", "version")) == {
        level.pk: level.version for level in levels_by_good.values()
    }
    assert demand.behind() == 0


def test_what_was_before_the_first_day_is_the_opening(shelf: Shelf) -> None:
    product, store = make.product(), make_inventory.store()
    past_sales.sold(product.id, store.id, [2, 2, 2, 2], until=NOON, left=3)
    list(_counted())
    first = (NOON - timedelta(weeks=2)).date()
    (history,) = demand.histories([Good(product.id, store.id, "")], first=first, until=NOON.date())
    assert history.opening == 3 + 4
    assert sum(day.sold for day in history.days.values()) == 4


def test_days_with_an_empty_shelf_are_found() -> None:
    product, store = make.product(), make_inventory.store()
    past_sales.sold(product.id, store.id, [5, 5], until=NOON)
    list(_counted())
    first, until = (NOON - timedelta(weeks=2)).date(), NOON.date()
    (history,) = demand.histories([Good(product.id, store.id, "")], first=first, until=until)
    empty = demand.days_without_stock(history, first=first, until=until)
    assert empty == [until - timedelta(days=back) for back in (3, 2, 1, 0)]


def _counted() -> list[int]:
    with transaction():
        return [demand.count()[0]]
