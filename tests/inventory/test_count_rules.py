"""What the rules want counted: not found when picking, surprises, each value class in its turn; days are the place's."""

from datetime import UTC, date, datetime, timedelta

import pytest

from commerce import clock
from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory import allocations
from inventory.counting import CountKind, CountReason, ValueClass
from inventory.replenishment import demand
from inventory.stock import EntryKind
from inventory.stocktaking import rules
from inventory.stocktaking.rules import Due, Policy
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.counting import ANA, Counting, adjust

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def due(shelf: Shelf, *, after: timedelta = timedelta(0)) -> list[Due]:
    return rules.due(shelf.store.id, at=clock.now() + after)


def test_nothing_is_due_at_first_and_everything_never_counted_after_half_its_days(shelf: Shelf) -> None:
    assert due(shelf) == []
    assert due(shelf, after=89 * DAY) == []
    [one] = due(shelf, after=91 * DAY)
    assert (one.product_id, one.reason, one.value_class) == (shelf.product_id, CountReason.DUE, ValueClass.C)


def test_what_pickers_did_not_find_comes_first_then_surprises(shelf: Shelf) -> None:
    surprise, seen = shop.product(), shop.product()
    for product in (surprise, seen):
        make.receive(product.id, shelf.store.id, 9)
    adjust(surprise.id, shelf.store.id, -2, "missing")
    adjust(seen.id, shelf.store.id, -2, "damaged")  # somebody saw it happen
    allocation = shelf.allocate(1)
    with transaction():
        allocations.not_found([(allocation, 1)], by=BY, at=clock.now())
    assert [(one.product_id, one.reason) for one in due(shelf)] == [
        (shelf.product_id, CountReason.NOT_FOUND),
        (surprise.id, CountReason.SURPRISE),
    ]


def test_what_was_counted_since_or_is_being_counted_is_not_due(shelf: Shelf) -> None:
    adjust(shelf.product_id, shelf.store.id, -2)
    counting = Counting.begin(shelf.store.id, CountKind.DIRECTED)
    assert due(shelf) == []
    counting.count(shelf.sku, 8)
    counting.hand_in()
    assert due(shelf) == []
    assert due(shelf, after=178 * DAY) == []  # days of the place: late in the evening an hour of summer is a day
    assert len(due(shelf, after=181 * DAY)) == 1
    adjust(shelf.product_id, shelf.store.id, -1)
    assert len(due(shelf)) == 1


def test_a_directed_count_says_why_its_items_are_wanted(shelf: Shelf) -> None:
    adjust(shelf.product_id, shelf.store.id, -2)
    item = Counting.begin(shelf.store.id, CountKind.DIRECTED).item(shelf.product_id)
    assert (item.is_directed, item.reason, item.value_class) == (True, "surprise", "C")


def test_a_count_that_was_impossible_is_a_surprise(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 3)
    allocation = shelf.allocate(6)
    with transaction():
        allocations.leave([(allocation, 6)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())
    counting.hand_in()
    assert due(shelf) == []  # it is being looked at
    counting.leave(shelf.product_id)
    assert due(shelf) == []


def test_what_sells_for_most_is_due_first(shelf: Shelf) -> None:
    slow = shop.product()
    make.receive(slow.id, shelf.store.id, 10)
    allocation = shelf.allocate(5)
    with transaction():
        allocations.leave([(allocation, 5)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())
        demand.count()
    assert [(one.product_id, one.value_class) for one in due(shelf, after=16 * DAY)] == [
        (shelf.product_id, ValueClass.A)
    ]


def test_days_are_those_of_the_place_also_when_its_clocks_change(db: None) -> None:
    """Fourteen local days lie between two counts although the night between them had an hour more."""
    store = make.store(time_zone="Europe/Berlin")
    product = shop.product()
    with transaction():
        rules.set_policy(store.id, Policy(a_days=1, b_days=1, c_days=1), by=BY, at=clock.now())
    before = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # 0:30 on the 25th in Berlin, before clocks go back
    with clock.frozen(before):
        make.receive(product.id, store.id, 4)
        counting = Counting.begin(store.id)
        counting.count(product.sku, 4)
        counting.hand_in()
    at = datetime(2026, 10, 25, 22, 59, tzinfo=UTC)  # 23:59 on the 25th, 24 and a half hours later
    assert rules.due(store.id, at=at) == []
    [one] = rules.due(store.id, at=at + timedelta(minutes=2))
    assert one.days == (date(2026, 10, 26) - date(2026, 10, 25)).days


def test_only_so_many_at_once_and_never_those_of_another_place(shelf: Shelf) -> None:
    other = make.store()
    for _ in range(3):
        product = shop.product()
        make.receive(product.id, shelf.store.id, 1)
    with transaction():
        rules.set_policy(None, Policy(items_at_once=2), by=BY, at=clock.now())
    assert len(due(shelf, after=400 * DAY)) == 2
    assert rules.due(other.id, at=clock.now() + 400 * DAY) == []


@pytest.mark.parametrize(
    "wrong",
    [
        Policy(a_days=0),
        Policy(a_days=90, b_days=30),
        Policy(c_days=10),
        Policy(items_at_once=0),
        Policy(approve_above_pieces=-1),
        Policy(approve_above_minor=-1),
    ],
)
def test_rules_that_contradict_themselves_are_refused_with_a_sentence(db: None, wrong: Policy) -> None:
    with transaction(), pytest.raises(InvalidInput) as refusal:
        rules.set_policy(None, wrong, by=ANA, at=clock.now())
    assert refusal.value.errors
    assert rules.policy(None) == Policy()


def test_changed_rules_stand_in_the_audit(db: None) -> None:
    for days in (10, 20):
        with transaction():
            rules.set_policy(None, Policy(a_days=days), by=ANA, at=clock.now())
    entry = AuditEntry.objects.filter(verb="inventory.count_rules.set_policy").latest("id")
    assert (entry.before["a_days"], entry.after["a_days"]) == (10, 20)
    assert rules.policy(4711).a_days == 20
