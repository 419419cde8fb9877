"""Counts: what was counted is compared with the books of its own moment, and posted once."""

from datetime import timedelta
from uuid import uuid4

import pytest

from commerce import catalog, clock, gtin, ids
from commerce.errors import InvalidInput
from commerce.models import AuditEntry, OutboxMessage
from commerce.transactions import transaction
from inventory import allocations, movements, timeline, verification
from inventory.counting import CountKind, CountMode, CountState, FindingKind, ItemState, Missing
from inventory.errors import CountDiffers, CountNotFound, CountStateWrong, NotGoods, SecondPersonNeeded
from inventory.ledger import LevelKey
from inventory.models import CountFinding, CountItem, CountRecord, Discrepancy, StockLevel
from inventory.stock import Condition, EntryKind
from inventory.stocktaking import counts, lists, review  # fmt: skip
from inventory.stocktaking.figures import Figure, Outcome
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.counting import ANA, BEN, CHEF, Counting, adjust, entries

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def sell(shelf: Shelf, pieces: int) -> None:
    """Let pieces leave for a customer now."""
    allocation = shelf.allocate(pieces)
    with transaction():
        allocations.leave([(allocation, pieces)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())


def on_hand(shelf: Shelf) -> int:
    return shelf.figure().on_hand


# --- as of the moment ---------------------------------------------------------------------------------------------------


def test_a_sale_after_counting_does_not_distort_the_count(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 9)
    sell(shelf, 4)
    settled = counting.hand_in()
    assert settled.posted == 1
    assert on_hand(shelf) == 5
    item = counting.item(shelf.product_id)
    assert (item.state, item.counted, item.expected, item.posted) == (ItemState.POSTED, 9, 10, -1)
    key = LevelKey(shelf.product_id, shelf.store.id)
    assert timeline.on_hand_at([(key, item.counted_at)]) == [9]
    assert counting.ref.state is CountState.POSTED


def test_without_the_moment_the_sale_would_have_been_booked_twice(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 10)
    sell(shelf, 4)
    assert counting.hand_in().right == 1
    assert on_hand(shelf) == 6
    assert not list(entries(shelf.product_id))


def test_a_sale_reported_late_counts_where_it_belongs(shelf: Shelf) -> None:
    with clock.frozen(clock.now() + MINUTE):
        counting = Counting.begin(shelf.store.id)
    moment = clock.now() + 30 * MINUTE
    with clock.frozen(moment):
        counting.count(shelf.sku, 8)
    with clock.frozen(moment + MINUTE), transaction():
        movements.adjust(
            [movements.Adjustment(ids.new(), shelf.product_id, shelf.store.id, -2, "till")],
            by=BY, at=clock.now(), occurred_at=moment - 20 * MINUTE,
        )  # fmt: skip
    with clock.frozen(moment + 2 * MINUTE):
        assert counting.hand_in().right == 1
        assert on_hand(shelf) == 8


def test_what_moves_while_it_is_counted_says_so_and_is_not_booked_as_a_difference(shelf: Shelf) -> None:
    start = clock.now()
    with clock.frozen(start):
        counting = Counting.begin(shelf.store.id)
        counting.count(shelf.sku, 6)
    with clock.frozen(start + MINUTE):
        sell(shelf, 1)
    with clock.frozen(start + 2 * MINUTE):
        counting.count(shelf.sku, 4, by=BEN)
        assert counting.hand_in().right == 1
    assert counting.item(shelf.product_id).is_uncertain


def test_picked_goods_lie_here_until_they_are_handed_over_and_are_counted(shelf: Shelf) -> None:
    shelf.allocate(3)
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 10)
    assert counting.hand_in().right == 1


# --- never twice --------------------------------------------------------------------------------------------------------


def test_a_figure_sent_again_counts_once_whatever_happened_since(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    figure = Figure(id=uuid4(), text=shelf.sku, quantity=9, counted_at=clock.now())
    assert [one.outcome for one in counting.send([figure, figure])] == [Outcome.COUNTED, Outcome.KNOWN]
    assert [one.outcome for one in counting.send([figure])] == [Outcome.KNOWN]
    counting.hand_in()
    assert [one.outcome for one in counting.send([figure])] == [Outcome.KNOWN]
    assert CountRecord.objects.count() == 1
    assert not CountFinding.objects.exists()
    assert on_hand(shelf) == 9


def test_an_id_that_belongs_to_something_else_counts_nothing(shelf: Shelf) -> None:
    counting, other = Counting.begin(shelf.store.id), Counting.begin(shelf.store.id)
    figure = Figure(id=uuid4(), text=shelf.sku, quantity=9, counted_at=clock.now())
    counting.send([figure])
    assert [one.outcome for one in other.send([figure])] == [Outcome.DIFFERS]
    assert CountRecord.objects.count() == 1


def test_two_counts_of_the_same_goods_book_the_same_loss_once_in_either_order(shelf: Shelf) -> None:
    start = clock.now()
    with clock.frozen(start):
        first, second = Counting.begin(shelf.store.id), Counting.begin(shelf.store.id)
    with clock.frozen(start + MINUTE):
        first.count(shelf.sku, 8)
    with clock.frozen(start + 2 * MINUTE):
        second.count(shelf.sku, 8)
    with clock.frozen(start + 3 * MINUTE):
        assert second.hand_in().posted == 1
        assert first.hand_in().overtaken == 1
    assert on_hand(shelf) == 8
    assert first.item(shelf.product_id).state == ItemState.OVERTAKEN
    with clock.frozen(start + 4 * MINUTE):
        third = Counting.begin(shelf.store.id)
        third.count(shelf.sku, 7)
    with clock.frozen(start + 5 * MINUTE):
        fourth = Counting.begin(shelf.store.id)
        fourth.count(shelf.sku, 7)
        assert third.hand_in().posted == 1
        assert fourth.hand_in().right == 1
    assert on_hand(shelf) == 7


def test_a_correction_after_counting_stands(shelf: Shelf) -> None:
    """A picker did not find the piece that the counter missed: it is gone once, not twice."""
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 9)
    adjust(shelf.product_id, shelf.store.id, -1, "not_found")
    assert counting.hand_in().overtaken == 1
    assert on_hand(shelf) == 9


def test_handing_in_again_changes_nothing(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 8)
    counting.hand_in()
    assert counting.hand_in().posted == 0
    assert on_hand(shelf) == 8
    assert len(list(entries(shelf.product_id))) == 1


def test_beginning_again_returns_the_count_and_another_one_under_its_id_is_refused(shelf: Shelf) -> None:
    count_id = ids.new()
    for _ in range(2):
        with transaction():
            counts.begin(count_id, location_id=shelf.store.id, kind=CountKind.STORE, by=ANA, at=clock.now())
    assert CountItem.objects.filter(count_id=count_id).count() == 1
    with transaction(), pytest.raises(CountDiffers):
        counts.begin(count_id, location_id=shelf.store.id, kind=CountKind.FREE, by=ANA, at=clock.now())


# --- several counters ---------------------------------------------------------------------------------------------------


def test_counters_add_up_and_replace_only_their_own(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 4)
    counting.count(shelf.sku, 5, by=BEN)
    counting.count(shelf.sku, 1, by=BEN)
    counting.count(shelf.sku, 2, mode=CountMode.REPLACE)
    figures = [Figure(id=uuid4(), text=shelf.sku, quantity=1, counted_at=clock.now())]
    counting.send(figures, by=BEN, station="handheld 7")
    ana, ben = (lists.sheet(counting.ref, by=who).own[0].own for who in (ANA, BEN))
    assert (ana, ben) == (2, 6)
    counting.hand_in()
    assert counting.item(shelf.product_id).counted == 9


def test_a_case_pack_counts_its_pieces(shelf: Shelf) -> None:
    product, pack = shop.product(), gtin.with_check_digit("1400638133393")
    with transaction():
        catalog.add_gtin(product.id, pack, pieces=6, by=BY)
    make.receive(product.id, shelf.store.id, 18)
    counting = Counting.begin(shelf.store.id)
    assert counting.count(pack, 3).pieces == 18
    assert counting.hand_in().right == 1


# --- blind --------------------------------------------------------------------------------------------------------------


def test_what_a_counter_sees_holds_no_figure_of_the_books(shelf: Shelf) -> None:
    make.receive(shelf.product_id, shelf.store.id, 7391 - 10)
    counting = Counting.begin(shelf.store.id, CountKind.STORE)
    [item] = lists.sheet(counting.ref, by=ANA).left
    assert item.sku == shelf.sku
    assert "7391" not in repr(item)


# --- nothing lost -------------------------------------------------------------------------------------------------------


def test_an_unknown_barcode_is_kept_and_counts_once_somebody_says_what_it_is(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    taken = counting.count("4006381333931", 9)
    assert (taken.outcome, taken.finding, taken.product) == (Outcome.FINDING, FindingKind.UNKNOWN, None)
    counting.hand_in()
    assert counting.ref.state is CountState.IN_REVIEW
    [row] = lists.findings(counting.ref.id)
    with transaction():
        review.take_finding(row.finding.id, shelf.product_id, by=CHEF, at=clock.now())
    assert counting.item(shelf.product_id).state == ItemState.REVIEW
    counting.approve({shelf.product_id: -1})
    assert on_hand(shelf) == 9
    assert counting.ref.state is CountState.POSTED


def test_a_finding_is_its_finders_count_so_the_finder_can_not_approve_it(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count("4006381333931", 1, by=CHEF)
    counting.hand_in()
    [row] = lists.findings(counting.ref.id)
    with transaction():
        review.take_finding(row.finding.id, shelf.product_id, by=CHEF, at=clock.now())
    with pytest.raises(SecondPersonNeeded):
        counting.approve({shelf.product_id: -9})


def test_a_dismissed_finding_ends_the_count_and_stays_readable(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count("no such thing", 2)
    counting.hand_in()
    [row] = lists.findings(counting.ref.id)
    for _ in range(2):
        with transaction():
            review.dismiss_finding(row.finding.id, by=CHEF, at=clock.now())
    assert counting.look().state is CountState.POSTED
    assert CountFinding.objects.get().text == "no such thing"
    with transaction(), pytest.raises(CountStateWrong):
        review.take_finding(row.finding.id, shelf.product_id, by=CHEF, at=clock.now())


def test_what_comes_in_after_the_end_is_kept_and_books_nothing(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 8)
    moment = clock.now()
    counting.hand_in()
    taken = counting.count(shelf.sku, 1, by=BEN, at=moment)
    assert (taken.outcome, taken.finding) == (Outcome.FINDING, FindingKind.LATE)
    assert on_hand(shelf) == 8
    assert counting.look().state is CountState.POSTED


def test_a_charge_is_no_goods_and_is_kept(shelf: Shelf) -> None:
    postage = shop.product(kind="charge")
    counting = Counting.begin(shelf.store.id)
    assert counting.count(postage.sku, 1).finding is FindingKind.CHARGE
    with transaction(), pytest.raises(NotGoods):
        counts.begin(
            ids.new(),
            location_id=shelf.store.id,
            kind=CountKind.DIRECTED,
            product_ids=[postage.id],
            by=ANA,
            at=clock.now(),
        )


def test_a_phone_that_was_offline_when_others_handed_in_still_counts_while_it_is_looked_at(shelf: Shelf) -> None:
    other = shop.product()
    make.receive(other.id, shelf.store.id, 4)
    counting = Counting.begin(shelf.store.id, CountKind.STORE)
    moment = clock.now()
    counting.count(shelf.sku, 2)
    counting.hand_in()
    assert counting.item(other.id).state == ItemState.UNCOUNTED
    assert counting.count(other.sku, 3, by=BEN, at=moment).outcome is Outcome.COUNTED
    assert counting.item(other.id).state == ItemState.REVIEW
    assert counting.approve({other.id: -1, shelf.product_id: -8}).posted == 2
    assert counting.ref.state is CountState.POSTED


def test_a_figure_before_the_end_that_comes_in_during_review_changes_what_is_seen(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    moment = clock.now()
    counting.count(shelf.sku, 3)
    counting.hand_in()
    assert counting.item(shelf.product_id).state == ItemState.REVIEW
    assert counting.count(shelf.sku, 6, by=BEN, at=moment).outcome is Outcome.COUNTED
    assert counting.approve({shelf.product_id: -7}).changed == [shelf.product_id]
    assert on_hand(shelf) == 10
    counting.approve({shelf.product_id: -1})
    assert on_hand(shelf) == 9


# --- beginning and ending -------------------------------------------------------------------------------------------------


def test_items_that_nobody_counted_stay_or_count_as_not_here(shelf: Shelf) -> None:
    other = shop.product()
    make.receive(other.id, shelf.store.id, 4)
    for missing, left in ((Missing.LEAVE, 4), (Missing.NONE, 0)):
        counting = Counting.begin(shelf.store.id, CountKind.STORE)
        counting.count(shelf.sku, 10)
        counting.hand_in(missing=missing)
        key = LevelKey(other.id, shelf.store.id)
        assert timeline.on_hand_at([(key, clock.now())]) == [left]
    assert {row.state for row in CountItem.objects.filter(product_id=other.id)} == {"uncounted", "posted"}


def test_a_count_of_nothing_is_not_handed_in(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id, CountKind.STORE)
    with pytest.raises(InvalidInput, match="Nothing was counted"):
        counting.hand_in()
    counting.cancel()
    counting.cancel()
    assert counting.ref.state is CountState.CANCELLED
    with pytest.raises(CountStateWrong):
        counting.hand_in()
    assert counting.count(shelf.sku, 3).finding is FindingKind.LATE
    assert on_hand(shelf) == 10


def test_a_cancelled_review_books_nothing_and_closes_what_was_open(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 1)
    counting.hand_in()
    counting.cancel()
    assert on_hand(shelf) == 10
    assert Discrepancy.objects.get().state == "vanished"


def test_a_posted_count_is_not_cancelled(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 10)
    counting.hand_in()
    with pytest.raises(CountStateWrong):
        counting.cancel()


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (CountKind.DIRECTED, {}, "Nothing is due"),
        (CountKind.SHELF, {"shelf": "Z9"}, "No product is noted"),
        (CountKind.CATEGORY, {"category": "No such"}, "nothing of this"),
        (CountKind.CATEGORY, {}, "Say which category"),
        (CountKind.STORE, {"condition": Condition.IN_TRANSIT}, "in transit"),
    ],
)
def test_there_must_be_something_to_count(
    shelf: Shelf, kind: CountKind, options: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        Counting.begin(shelf.store.id, kind, **options)


def test_a_category_and_a_store_are_what_the_books_have_there(shelf: Shelf) -> None:
    cup, elsewhere = shop.product(category="Cups"), shop.product(category="Cups")
    make.receive(cup.id, shelf.store.id, 1)
    make.receive(elsewhere.id, make.store().id, 1)
    of_category = Counting.begin(shelf.store.id, CountKind.CATEGORY, category="Cups")
    assert [item.product_id for item in lists.sheet(of_category.ref, by=ANA).left] == [cup.id]
    whole = Counting.begin(shelf.store.id, CountKind.STORE)
    assert {item.product_id for item in lists.sheet(whole.ref, by=ANA).left} == {cup.id, shelf.product_id}
    assert counts.categories(shelf.store.id) == [("Cups", 1)]


def test_damaged_goods_are_counted_apart(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id, condition=Condition.DAMAGED)
    counting.count(shelf.sku, 2)
    assert counting.hand_in().posted == 1
    key = LevelKey(shelf.product_id, shelf.store.id, "damaged")
    assert timeline.on_hand_at([(key, clock.now())]) == [2]
    assert on_hand(shelf) == 10


def test_the_journal_the_event_and_the_audit_name_the_count(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    counting.count(shelf.sku, 8)
    counting.hand_in()
    [entry] = entries(shelf.product_id)
    assert (entry.cause_type, entry.cause_id, entry.on_hand_delta) == ("count", str(counting.ref.id), -2)
    assert entry.counterparty == "shrinkage"
    message = OutboxMessage.objects.get(event_type="inventory.count_posted")
    assert {name: message.payload[name] for name in ("counted", "differing", "found", "missing", "short")} == {
        "counted": 1, "differing": 1, "found": 0, "missing": 2, "short": 0,
    }  # fmt: skip
    verbs = AuditEntry.objects.filter(object_type="count", object_id=str(counting.ref.id)).values_list(
        "verb", flat=True
    )
    assert set(verbs) == {"inventory.counts.begin", "inventory.counts.record", "inventory.counts.hand_in"}


def test_the_ledger_is_unharmed_by_everything_above(shelf: Shelf) -> None:
    shelf.allocate(4)
    for figure in (9, 0, 12):
        counting = Counting.begin(shelf.store.id)
        counting.count(shelf.sku, figure)
        counting.count("unknown", 3)
        counting.hand_in()
        counting.approve({shelf.product_id: counting.item(shelf.product_id).counted - 9})
    level = StockLevel.objects.get(product_id=shelf.product_id)
    assert not verification.breaches([level.id], [0], [level.version])
    assert level.on_hand >= level.allocated == 4


def test_impossible_quantities_and_unknown_counts_are_refused(shelf: Shelf) -> None:
    counting = Counting.begin(shelf.store.id)
    for quantity in (-1, 1_000_001):
        with pytest.raises(InvalidInput):
            counting.count(shelf.sku, quantity)
    with transaction(), pytest.raises(CountNotFound):
        counts.hand_in(uuid4(), by=ANA, at=clock.now())
    with pytest.raises(CountNotFound):
        lists.get(counting.ref.id, location_id=make.store().id)
