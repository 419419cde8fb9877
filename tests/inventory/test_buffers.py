"""What channels don't see: from the tables to the answer, in step with them, without asking them each time."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import catalog, clock, relay
from commerce.models import OutboxMessage
from commerce.transactions import transaction
from inventory.places import groups
from inventory.sharing import buffers, times
from inventory.sharing.scopes import ScopeIds
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import activate, agreed, another_channel, categorised, drafted, holding, retire, seen

pytestmark = pytest.mark.django_db


def test_a_rule_holds_from_its_activation_to_its_end(shelf: Shelf) -> None:
    rule_id = drafted("fixed", 3)
    assert seen(shelf) == 10
    activate(rule_id)
    assert seen(shelf) == 7
    retire(rule_id)
    assert seen(shelf) == 10


def test_the_house_itself_sees_everything(shelf: Shelf) -> None:
    holding("fixed", 3)
    assert buffers.withheld(None, [(shelf.product_id, shelf.store.id, 10, 10)], at=clock.now()) == [0]
    assert buffers.explain(None, shelf.product_id, shelf.store.id, on_hand=10, free=10, at=clock.now()) == []


def test_scopes_reach_as_far_as_they_say(shelf: Shelf) -> None:
    other_channel, other_store = another_channel(), make.store()
    other = Shelf(ground.product().id, "", shelf.store, shelf.channel_id)
    categorised(shelf, "Lamps")
    rule_id = holding("fixed", 1, scope=ScopeIds(channel_id=shelf.channel_id))
    assert (seen(shelf), seen(shelf, channel_id=other_channel.pk)) == (9, 10)
    retire(rule_id)
    rule_id = holding("fixed", 2, scope=ScopeIds(location_id=shelf.store.id))
    assert (seen(shelf), seen(shelf, location_id=other_store.id)) == (8, 10)
    retire(rule_id)
    rule_id = holding("fixed", 3, scope=ScopeIds(category="Lamps"))
    assert (seen(shelf), seen(other)) == (7, 10)
    retire(rule_id)
    holding("fixed", 4, scope=ScopeIds(product_id=shelf.product_id))
    assert (seen(shelf), seen(other)) == (6, 10)


def test_a_group_is_its_places_also_when_they_change(shelf: Shelf) -> None:
    other = make.store()
    with transaction():
        group = groups.set_group("city", "City stores", [shelf.store.id], by=BY)
    holding("fixed", 4, scope=ScopeIds(group_id=group))
    assert (seen(shelf), seen(shelf, location_id=other.id)) == (6, 10)
    with transaction():
        groups.set_group("city", "City stores", [other.id], by=BY)
    as_after_a_second()
    assert (seen(shelf), seen(shelf, location_id=other.id)) == (10, 6)


def test_a_till_sees_what_is_kept_for_its_customers(shelf: Shelf) -> None:
    till = another_channel(kind="pos")
    holding("percentage", 40, purpose="holdback", scope=ScopeIds(location_id=shelf.store.id))
    assert (seen(shelf), seen(shelf, channel_id=till.pk)) == (6, 10)


def test_every_piece_is_explained(shelf: Shelf) -> None:
    holding("fixed", 2, name="Safety")
    holding("percentage", 30, name="Walk-in", purpose="holdback")
    holding("cap", 4, name="Drop")
    told = buffers.explain(shelf.channel_id, shelf.product_id, shelf.store.id, on_hand=10, free=10, at=clock.now())
    assert [(one.name, one.kind, one.quantity) for one in told] == [
        ("Walk-in", "percentage", 3), ("Safety", "fixed", 2), ("Drop", "cap", 1),
    ]  # fmt: skip
    assert [one.reason for one in told] == [
        "keeps 30 % of what is on hand back", "keeps 2 pieces back", "shows at most 4 pieces",
    ]  # fmt: skip
    assert all(one.rule_id for one in told)


def test_what_is_owed_to_another_is_explained_as_that(shelf: Shelf) -> None:
    other = another_channel()
    obligation_id = agreed(shelf, 6)
    [told] = buffers.explain(other.pk, shelf.product_id, shelf.store.id, on_hand=10, free=10, at=clock.now())
    assert (told.rule_id, told.kind, told.quantity) == (obligation_id, "obligation", 6)


def test_questions_within_a_second_cost_no_query_and_later_ones_one(shelf: Shelf) -> None:
    holding("fixed", 3)
    seen(shelf)
    with CaptureQueriesContext(
        connection,
    ) as none:
        for _ in range(50):
            seen(shelf)
    assert not none.captured_queries
    as_after_a_second()
    with CaptureQueriesContext(connection) as one:
        assert seen(shelf) == 7
    assert len(one) == 1


def test_without_any_rule_a_process_asks_for_the_token_and_nothing_else(shelf: Shelf) -> None:
    seen(shelf)
    as_after_a_second()
    with CaptureQueriesContext(connection) as queries:
        assert seen(shelf) == 10
    assert len(queries) == 1


def test_a_rule_that_another_process_activated_is_known_within_a_second(shelf: Shelf, monkeypatch) -> None:
    holding("fixed", 1)
    assert seen(shelf) == 9
    monkeypatch.setattr(buffers, "forget", lambda: None)  # another process can't make this one forget
    holding("fixed", 5)
    assert seen(shelf) == 9
    as_after_a_second()
    assert seen(shelf) == 5


def test_a_product_in_another_category_is_seen_by_the_rules_of_that_one(shelf: Shelf) -> None:
    categorised(shelf, "Lamps")
    holding("fixed", 4, scope=ScopeIds(category="Lamps"))
    assert seen(shelf) == 6
    categorised(shelf, "Cups")
    as_after_a_second()
    buffers._copy.read_at -= buffers.MOST_SECONDS + 1
    assert seen(shelf) == 10


def as_after_a_second() -> None:
    """Let this process look for news at its next question, without forgetting what it knows."""
    buffers._checked_at = time.monotonic() - buffers.FRESH_FOR_SECONDS - 0.1


# --- the channels are told ------------------------------------------------------------------------------------------------


def told() -> list[tuple[str, int, dict[str, object]]]:
    rows = OutboxMessage.objects.filter(event_type="inventory.sharing_changed").order_by("id")
    return [(row.payload["cause"], row.payload["cause_id"], row.payload) for row in rows]


def test_activation_and_retirement_are_told_with_what_they_are_about(shelf: Shelf) -> None:
    rule_id = holding("fixed", 2, scope=ScopeIds(product_id=shelf.product_id))
    retire(rule_id)
    assert [(cause, number) for cause, number, _payload in told()] == [("buffer_rule", rule_id)] * 2
    assert told()[0][2]["product_ids"] == [shelf.product_id]
    relay.drain(within=10)
    assert not OutboxMessage.objects.filter(deliveries__state__in=["pending", "parked"]).exists()


def test_starts_ends_and_hours_are_told_by_the_clock_once(shelf: Shelf) -> None:
    noon = clock.now().replace(hour=11, minute=0, second=0, microsecond=0) + timedelta(days=1)
    with clock.frozen(noon):
        box = holding("fixed", 2, starts_at=noon + timedelta(hours=1), ends_at=noon + timedelta(hours=3))
        wall = noon.astimezone(buffers.zone("Europe/Berlin"))
        daily = holding(
            "fixed", 3, daily_from=(wall + timedelta(hours=2)).time(), daily_until=(wall + timedelta(hours=5)).time()
        )
        agreed(shelf, 2, hours=4)
        holding("fixed", 4)

    def turned(hours: float) -> list[int]:
        before = len(told())
        with transaction():
            times.tell_starts_and_ends(by=BY, at=noon + timedelta(hours=hours))
        return [number for _cause, number, _payload in told()[before:]]

    assert turned(0.9) == []
    assert turned(1) == [box]
    assert turned(1) == []
    assert turned(2.5) == [daily]
    assert turned(3) == [box]
    assert len(turned(4)) == 1  # the guarantee
    assert turned(6) == [daily]


def test_the_feed_is_asked_about_the_products_that_a_change_is_about(shelf: Shelf) -> None:
    from inventory import queries

    other = ground.product(category="Cups")
    elsewhere = make.store()
    make.receive(other.id, elsewhere.id, 1)
    categorised(shelf, "Lamps")

    def about(product_ids: list[int], category: str, places: list[int] | None) -> list[int]:
        return [one for portion in queries.products_shared(product_ids, category, places, at_once=1) for one in portion]

    assert about([other.id], "", None) == [other.id]
    assert about([], "Lamps", None) == [shelf.product_id]
    assert about([], "", [elsewhere.id]) == [other.id]
    assert about([], "", None) == sorted([shelf.product_id, other.id])
    assert about([], "Lamps", [elsewhere.id]) == []
    assert catalog.products_by_id([other.id])[other.id].category == "Cups"
