"""Absolute figures from outside: compared with our books as of their moment, never older than the last, replayed alike."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection

from commerce import catalog, clock, ids
from commerce.errors import CommerceError, InvalidInput
from commerce.transactions import transaction
from inventory import movements, reservations, stock_feed, tasks
from inventory.errors import NotGoods, StatementDiffers, StatementNotAgreed, StatementOutdated
from inventory.models import Discrepancy, FeedFigure, StockStatement
from inventory.movements import Adjustment
from inventory.places import groups
from inventory.reconciliation import discrepancies, mending, sources, statements
from inventory.reconciliation.sources import Policy, SourceTerms
from inventory.reconciliation.statements import Statement
from inventory.reconciling import Decision, Meaning, SourceKind
from inventory.stock import Condition
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf

HOUR = timedelta(hours=1)


def agree(code: str = "till-1", decision: Decision = Decision.ASK, **values: Any) -> None:
    """Agree with a source that its figures mean what is on hand, unless said otherwise."""
    defaults: dict[str, Any] = {
        "name": "Till 1",
        "kind": SourceKind.TILL,
        "policies": {Meaning.ON_HAND: Policy(decision, values.pop("tolerance", 0))},
    }
    with transaction():
        sources.set_source(code, SourceTerms(**(defaults | values)), by=BY, at=clock.now())


def take(shelf: Shelf, *lines: tuple[int, int], **values: Any) -> dict[str, Any]:
    now = clock.now()
    defaults: dict[str, Any] = {
        "source": "till-1",
        "reference": str(ids.new()),
        "location_id": shelf.store.id,
        "meaning": Meaning.ON_HAND,
        "as_of": now,
        "lines": lines,
    }
    channel_id = values.pop("channel_id", None)
    with transaction():
        return statements.take(Statement(**(defaults | values)), by=BY, at=now, channel_id=channel_id)


def open_rows() -> list[Discrepancy]:
    return list(Discrepancy.objects.filter(state="open").order_by("product_id"))


def adjust(shelf: Shelf, delta: int, occurred_at: datetime | None = None) -> None:
    line = Adjustment(ids.new(), shelf.product_id, shelf.store.id, delta, "other")
    with transaction():
        movements.adjust([line], by=BY, at=clock.now(), occurred_at=occurred_at)


# --- comparing -------------------------------------------------------------------------------------------------------


def test_what_agrees_is_counted_and_what_differs_is_kept_open(shelf: Shelf) -> None:
    agree()
    other = shop.product()
    make.receive(other.id, shelf.store.id, 4)
    answer = take(shelf, (shelf.product_id, 8), (other.id, 4))
    assert (answer["compared"], answer["agreeing"], answer["settled"]) == (2, 1, 0)
    [listed] = answer["differences"]
    assert (listed["sku"], listed["ours"], listed["theirs"], listed["difference"]) == (shelf.sku, 10, 8, -2)
    [row] = open_rows()
    assert (str(row.id), row.expected, row.found, row.source) == (listed["discrepancy"], 10, 8, "till-1")
    assert shelf.figure().on_hand == 10  # a figure never overwrites ours


def test_figures_are_compared_with_the_moment_they_speak_of(shelf: Shelf) -> None:
    agree()
    then = clock.now()
    shelf.receive(5)
    assert take(shelf, (shelf.product_id, 10), as_of=then)["agreeing"] == 1
    adjust(shelf, -2, occurred_at=then)  # reported late: it was 8 then
    assert take(shelf, (shelf.product_id, 8), as_of=then)["agreeing"] == 1


def test_available_means_less_what_is_promised_and_in_baskets(shelf: Shelf) -> None:
    agree(policies={Meaning.AVAILABLE: Policy(Decision.ASK)})
    shelf.allocate(3)
    shelf.reserve(2)
    assert take(shelf, (shelf.product_id, 5), meaning=Meaning.AVAILABLE)["agreeing"] == 1
    assert take(shelf, (shelf.product_id, 7), meaning=Meaning.AVAILABLE)["differences"][0]["ours"] == 5


def test_other_conditions_are_compared_with_their_own_level(shelf: Shelf) -> None:
    agree()
    assert take(shelf, (shelf.product_id, 0), condition=Condition.DAMAGED)["agreeing"] == 1
    with pytest.raises(StatementNotAgreed, match="known by their transfer"):
        take(shelf, (shelf.product_id, 0), condition=Condition.IN_TRANSIT)


def test_the_next_statement_moves_a_difference_on_or_lets_it_vanish(shelf: Shelf) -> None:
    agree()
    start = clock.now()
    take(shelf, (shelf.product_id, 8), as_of=start)
    [row] = open_rows()
    take(shelf, (shelf.product_id, 7))
    [moved] = open_rows()
    assert (moved.id, moved.found, moved.since, moved.due_at) == (row.id, 7, start, row.due_at)
    answer = take(shelf, (shelf.product_id, 10))
    assert (answer["settled"], answer["agreeing"], open_rows()) == (1, 1, [])
    assert Discrepancy.objects.get(pk=row.id).state == "vanished"
    take(shelf, (shelf.product_id, 9))
    assert open_rows()[0].id != row.id  # it came back: that is a new one


def test_sources_and_places_do_not_settle_each_other(shelf: Shelf) -> None:
    agree()
    agree("erp")
    take(shelf, (shelf.product_id, 8))
    assert take(shelf, (shelf.product_id, 10), source="erp")["settled"] == 0
    assert take(shelf, (shelf.product_id, 0), location_id=make.store().id)["settled"] == 0
    assert len(open_rows()) == 1


# --- order and replay ------------------------------------------------------------------------------------------------


def test_the_same_statement_again_gets_the_same_answer_and_changes_nothing(shelf: Shelf) -> None:
    agree()
    said = {"reference": "S-1", "as_of": clock.now(), "sequence": 4}
    first = take(shelf, (shelf.product_id, 8), **said)
    with transaction():
        discrepancies.repair([open_rows()[0].id], reason="missing", by=BY, at=clock.now())
    take(shelf, (shelf.product_id, 8))
    assert take(shelf, (shelf.product_id, 8), **said) == first
    assert (StockStatement.objects.count(), open_rows()) == (2, [])


def test_another_statement_under_the_same_id_is_refused(shelf: Shelf) -> None:
    agree()
    said = {"reference": "S-1", "as_of": clock.now()}
    take(shelf, (shelf.product_id, 8), **said)
    with pytest.raises(StatementDiffers, match="sent before with other figures"):
        take(shelf, (shelf.product_id, 7), **said)
    assert open_rows()[0].found == 8


def test_a_feed_older_than_the_last_one_is_refused_and_changes_nothing(shelf: Shelf) -> None:
    agree()
    start = clock.now() - HOUR
    take(shelf, (shelf.product_id, 8), as_of=start, sequence=7)
    with pytest.raises(StatementOutdated, match=r"but newer ones of .* were read already") as refusal:
        take(shelf, (shelf.product_id, 3), as_of=start - timedelta(seconds=1))
    assert refusal.value.detail["last_as_of"] == clock.utc_text(start)
    with pytest.raises(StatementOutdated, match="Sequence 7 comes after 7"):
        take(shelf, (shelf.product_id, 3), sequence=7)
    assert (open_rows()[0].found, StockStatement.objects.count()) == (8, 1)
    elsewhere = make.store()
    assert take(shelf, (shelf.product_id, 0), as_of=start - HOUR, location_id=elsewhere.id)["agreeing"] == 1


def test_figures_of_tomorrow_and_of_last_month_are_refused(shelf: Shelf) -> None:
    agree(most_hours_old=48)
    with pytest.raises(InvalidInput, match="lies in the future"):
        take(shelf, (shelf.product_id, 8), as_of=clock.now() + HOUR)
    with pytest.raises(StatementOutdated, match="48 hours"):
        take(shelf, (shelf.product_id, 8), as_of=clock.now() - 49 * HOUR)


# --- what is agreed --------------------------------------------------------------------------------------------------


def test_only_what_is_agreed_with_a_source_may_be_said(shelf: Shelf) -> None:
    mine, channel = shop.channel(), shop.channel()
    west = make.store()
    with transaction():
        group = groups.set_group("west", "West", [west.id], by=BY)
    agree(channel_id=mine.pk, group_id=group)
    line = (shelf.product_id, 8)
    with pytest.raises(StatementNotAgreed, match="doesn't speak of this place"):
        take(shelf, line)
    with pytest.raises(StatementNotAgreed, match="mean on_hand, not available"):
        take(shelf, line, location_id=west.id, meaning=Meaning.AVAILABLE)
    with pytest.raises(StatementNotAgreed, match="Nothing is agreed"):
        take(shelf, line, location_id=west.id, channel_id=channel.pk)
    with pytest.raises(StatementNotAgreed, match="Nothing is agreed"):
        take(shelf, line, source="nobody")
    assert take(shelf, line, location_id=west.id, channel_id=mine.pk)["compared"] == 1
    agree(channel_id=mine.pk, is_active=False)
    with pytest.raises(StatementNotAgreed, match="switched off"):
        take(shelf, line)


def test_charges_have_no_figure(shelf: Shelf) -> None:
    agree()
    with pytest.raises(NotGoods):
        take(shelf, (shop.product(kind="charge").id, 1))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"policies": {}}, "policies"),
        ({"repair_hours": 0}, "repair_hours"),
        ({"patience_minutes": -1}, "patience_minutes"),
        ({"location_id": 1, "group_id": 1}, "group"),
        ({"tolerance": -1}, "policies.on_hand"),
    ],
)
def test_terms_that_make_no_sense_are_refused_by_field(db: None, values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        agree(**values)
    assert refusal.value.errors[0]["field"] == field


# --- complete statements ---------------------------------------------------------------------------------------------


def test_with_the_last_part_what_nobody_named_is_not_there(shelf: Shelf) -> None:
    agree(decision=Decision.THEIRS)
    first, second, forgotten = shop.products(3)
    for one in (first, second, forgotten):
        make.receive(one.id, shelf.store.id, 3)
    now = clock.now()
    take(shelf, (shelf.product_id, 10), (first.id, 3), as_of=now)
    answer = take(shelf, (second.id, 3), as_of=now, is_last=True)
    assert (answer["not_named"], [one["sku"] for one in answer["differences"]]) == (1, [forgotten.sku])
    [row] = open_rows()
    assert (row.found, row.repair_at) == (0, None)  # nobody said so: a person looks


def test_a_statement_that_broke_off_empties_no_shelves(shelf: Shelf) -> None:
    agree(decision=Decision.THEIRS)
    for one in shop.products(12):
        make.receive(one.id, shelf.store.id, 3)
    with pytest.raises(InvalidInput, match="12 of 13 products that are here were not named"):
        take(shelf, (shelf.product_id, 10), is_last=True)
    assert (open_rows(), StockStatement.objects.count()) == ([], 0)


# --- who is right ----------------------------------------------------------------------------------------------------


def mend(after: timedelta = 2 * HOUR) -> int:
    with transaction():
        return mending.mend_due(by=BY, at=clock.now() + after, at_most=100)


@pytest.mark.parametrize(
    ("decision", "theirs", "on_hand"),
    [
        (Decision.OURS, 8, 10),
        (Decision.ASK, 8, 10),
        (Decision.THEIRS, 8, 8),
        (Decision.THEIRS, 14, 14),
        (Decision.TOLERANCE, 8, 8),
        (Decision.TOLERANCE, 7, 10),  # three is more than the two agreed on
        (Decision.THEIRS, -10, 10),  # a sign is wrong: a slip of the source is never taken over
        (Decision.THEIRS, 100, 10),  # ten times as much: a wrong unit
    ],
)
def test_the_policy_says_who_is_right(shelf: Shelf, decision: Decision, theirs: int, on_hand: int) -> None:
    agree(decision=decision, tolerance=2)
    take(shelf, (shelf.product_id, theirs))
    assert mend(timedelta(0)) == 0  # patience first: it may vanish
    mend()
    assert shelf.figure().on_hand == on_hand
    assert Discrepancy.objects.get().state == ("open" if on_hand == 10 else "repaired")


def test_promised_pieces_are_not_taken_over_and_tried_again_later(shelf: Shelf) -> None:
    agree(decision=Decision.THEIRS)
    shelf.allocate(9)
    take(shelf, (shelf.product_id, 6))
    assert (mend(), shelf.figure().on_hand) == (1, 9)
    assert mend() == 0
    assert mend(4 * HOUR) == 1
    assert (open_rows()[0].repaired, open_rows()[0].found) == (-1, 6)


def test_a_difference_is_repaired_in_parts_while_statements_go_on(shelf: Shelf) -> None:
    agree()
    shelf.allocate(8)
    as_of = clock.now()
    for theirs, on_hand in ((6, 9), (5, 8), (4, 8)):
        take(shelf, (shelf.product_id, theirs), as_of=as_of)
        if on_hand == 9:
            held = shelf.reserve(1)
        with transaction():
            done = discrepancies.repair([open_rows()[0].id], reason="missing", by=BY, at=clock.now())
        assert shelf.figure().on_hand == on_hand
        if on_hand == 9:
            with transaction():
                reservations.release(held.id, channel_id=shelf.channel_id, by=BY, at=clock.now())  # type: ignore[union-attr]
    assert next(iter(done.values())).left == -4


def test_after_a_repair_the_same_figure_agrees(shelf: Shelf) -> None:
    agree(decision=Decision.THEIRS)
    as_of = clock.now()
    take(shelf, (shelf.product_id, 8), as_of=as_of)
    shelf.receive(5)
    mend()
    assert shelf.figure().on_hand == 13
    assert take(shelf, (shelf.product_id, 8), as_of=as_of)["agreeing"] == 1
    assert take(shelf, (shelf.product_id, 13))["agreeing"] == 1


# --- what a channel shows --------------------------------------------------------------------------------------------


@pytest.fixture
def shown(shelf: Shelf) -> Shelf:
    """The shelf's product is listed on its channel, which was told that there are ten."""
    with transaction():
        catalog.list_products(shelf.channel_id, [shelf.product_id], by=BY)
    agree("shop", channel_id=shelf.channel_id, policies={Meaning.AVAILABLE: Policy(Decision.OURS)})
    with transaction():
        stock_feed.tell([shelf.product_id], at=clock.now())
    return shelf


def read_back(shelf: Shelf, pieces: int, **values: Any) -> dict[str, Any]:
    said = {"source": "shop", "location_id": None, "meaning": Meaning.AVAILABLE}
    return take(shelf, (shelf.product_id, pieces), **(said | values))


def test_drift_is_measured_against_what_the_channel_was_told_and_told_again(shown: Shelf) -> None:
    assert read_back(shown, 10)["agreeing"] == 1
    shown.allocate(3)  # not told yet: the channel can't know
    answer = read_back(shown, 12)
    assert (answer["differences"][0]["ours"], answer["differences"][0]["suggested_cause"]) == (10, "news_on_the_way")
    [row] = open_rows()
    assert (row.location_id, row.owner_role) == (None, "merchandiser")
    version = FeedFigure.objects.get().version
    assert mend() == 1
    figure = FeedFigure.objects.get()
    assert (figure.version, figure.available) == (version + 1, 7)
    assert shown.figure().on_hand == 10
    assert read_back(shown, 7, as_of=clock.now())["too_early"] == 1  # told two hours from now in this test


def test_a_channel_alone_speaks_of_all_places_together(shown: Shelf) -> None:
    agree()
    with pytest.raises(StatementNotAgreed, match="has no channel"):
        take(shown, (shown.product_id, 10), location_id=None)
    with pytest.raises(StatementNotAgreed, match="mean available, not on_hand"):
        read_back(shown, 10, meaning=Meaning.ON_HAND)


def test_a_product_that_was_never_told_shows_nothing(shown: Shelf) -> None:
    unknown = shop.product()
    answer = take(shown, (unknown.id, 2), source="shop", location_id=None, meaning=Meaning.AVAILABLE)
    assert answer["differences"][0]["ours"] == 0


# --- housekeeping ----------------------------------------------------------------------------------------------------


def test_old_statements_are_forgotten_but_the_newest_of_a_place_still_bars_older_ones(shelf: Shelf) -> None:
    agree()
    start = clock.now()
    for hour in (3, 2, 1):
        take(shelf, (shelf.product_id, 10), as_of=start - hour * HOUR)
    with transaction():
        assert statements.forget(at=start, at_most=10) == 0
    with transaction():
        assert statements.forget(at=start + timedelta(days=91), at_most=10) == 2
    with pytest.raises(StatementOutdated):
        take(shelf, (shelf.product_id, 10), as_of=start - 2 * HOUR)


# --- at the same time ------------------------------------------------------------------------------------------------


def at_once(*works: Callable[[], object]) -> list[object]:
    """Do all works in threads of their own, started together, and return what each came to (a refusal as itself)."""
    start, done = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            done.append(work())
        except CommerceError as refusal:
            done.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return done


@pytest.mark.django_db(transaction=True)
@pytest.mark.races
def test_the_same_statement_sent_several_times_at_once_has_one_effect(shelf: Shelf) -> None:
    agree()
    said = {"reference": "S-1", "as_of": clock.now()}
    answers = at_once(*[lambda: take(shelf, (shelf.product_id, 8), **said)] * 4)
    assert len(answers) == 4
    assert all(answer == answers[0] for answer in answers)
    assert (StockStatement.objects.count(), Discrepancy.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.races
def test_repairs_and_promises_at_the_same_time_never_pass_what_is_there(shelf: Shelf) -> None:
    agree(decision=Decision.THEIRS, patience_minutes=0)
    take(shelf, (shelf.product_id, 4))
    outcomes = at_once(mend, mend, *[lambda: shelf.allocate(2)] * 5)
    assert len(outcomes) == 7
    figure = shelf.figure()
    promised = 2 * sum(isinstance(outcome, UUID) for outcome in outcomes)
    assert figure.allocated == promised <= figure.on_hand
    assert figure.on_hand == max(4, promised)


def test_the_worker_mends_and_forgets(shelf: Shelf) -> None:
    agree(decision=Decision.THEIRS, patience_minutes=0)
    take(shelf, (shelf.product_id, 4))
    assert (tasks.mend_discrepancies(), shelf.figure().on_hand) == (1, 4)
    assert tasks.mend_discrepancies() == 0
    take(shelf, (shelf.product_id, 4))
    with clock.frozen(clock.now() + timedelta(days=91)):
        assert tasks.forget_statements() == 1
