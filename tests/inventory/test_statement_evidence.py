"""What speaks for a cause is read from the books: deliveries, sales, case packs, earlier losses, goods on their way."""

from datetime import timedelta

from commerce import clock, ids
from commerce.transactions import transaction
from inventory import allocations
from inventory.reconciliation import discrepancies, evidence
from inventory.reconciliation.discrepancies import NewDiscrepancy
from inventory.reconciling import Difference, DiscrepancyKind
from inventory.stock import EntryKind
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf


def gathered(shelf: Shelf, theirs: int) -> Difference:
    [one] = evidence.gathered(
        [(shelf.product_id, shelf.figure().on_hand, theirs)],
        location_id=shelf.store.id,
        condition="sellable",
        as_of=clock.now(),
    )
    return one


def test_deliveries_and_departures_of_the_last_days_are_counted(shelf: Shelf) -> None:
    for pieces in (1, 2):
        allocation = shelf.allocate(pieces)
        with transaction():
            allocations.leave([(allocation, pieces)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())
    found = gathered(shelf, 5)
    assert (found.arrived, found.left, round(found.sold_a_day * 7), found.sku) == (10, 3, 3, shelf.sku)
    assert 0 <= found.hours_unreported < 1


def test_what_came_longer_ago_explains_nothing_any_more(shelf: Shelf) -> None:
    with clock.frozen(clock.now() + timedelta(days=3)):
        assert gathered(shelf, 5).arrived == 0


def test_goods_on_their_way_case_packs_and_earlier_losses_are_known(shelf: Shelf) -> None:
    origin = make.store()
    make.receive(shelf.product_id, origin.id, 6)
    make.transfer(origin.id, shelf.store.id, (shelf.product_id, 6))
    for found in (9, 8):
        row = NewDiscrepancy(
            id=ids.new(),
            kind=DiscrepancyKind.STATEMENT_DIFFERENCE,
            product_id=shelf.product_id,
            location_id=shelf.store.id,
            expected=found + 1,
            found=found,
            source=f"till-{found}",
            as_of=clock.now(),
        )
        with transaction():
            discrepancies.record([row], by=BY, at=clock.now())
        with transaction():
            discrepancies.repair([row.id], reason="missing", by=BY, at=clock.now())
    found_facts = gathered(shelf, 5)
    assert (found_facts.on_the_way, found_facts.losses) == (6, 2)
    packed = shop.product(gtins=[(shop.barcode(4711), 12), (shop.barcode(4712), 6)])
    [one] = evidence.gathered(
        [(packed.id, 0, 5)], location_id=None, condition="sellable", as_of=clock.now(), told_at={}
    )
    assert (one.packs, one.minutes_since_told) == ((6, 12), None)


def test_facts_take_the_same_number_of_queries_for_many(shelf: Shelf, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    figures = [(product.id, 0, 1) for product in shop.products(40)]
    with django_assert_max_num_queries(5):
        found = evidence.gathered(figures, location_id=shelf.store.id, condition="sellable", as_of=clock.now())
    assert [one.product_id for one in found] == [product_id for product_id, _, _ in figures]
