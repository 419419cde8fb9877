"""Priorities of channels: when goods are scarce, whose number is lower is served first, and every page says why."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from commerce import clock, ids
from commerce.errors import InvalidInput
from commerce.models import OutboxMessage
from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.models import Backorder, PromotionUplift, ReplenishmentRule, WaitingEntry
from inventory.places import locations
from inventory.promising import backorders, demands, waiting_list
from inventory.promising.demands import Accepted
from inventory.replenishment import rules
from inventory.sharing import channel_priorities
from tests.factories import commerce as ground
from tests.inventory.conftest import BY, Shelf
from tests.inventory.promises import another_channel, expected, in_days, policy
from tests.inventory.test_backorders import order, waits

pytestmark = pytest.mark.django_db


def rule(priorities: dict[str, int], **scope: Any) -> int:
    with transaction():
        return rules.add_rule(
            name=f"Rule {len(priorities)} {scope}", channel_priorities=priorities, by=BY, at=clock.now(), **scope
        )


@pytest.fixture
def vip(shelf: Shelf) -> Shelf:
    """The same goods as a second channel sees them; a rule for all goods puts it first."""
    channel = another_channel()
    rule({channel.code: 1})
    return replace(shelf, channel_id=channel.pk)


def test_the_narrowest_rule_that_names_channels_decides(shelf: Shelf) -> None:
    assert channel_priorities.ranking(shelf.product_id, shelf.store.id) is None
    channel = another_channel()
    rule({channel.code: 5})
    rule({}, location_id=shelf.store.id)  # says nothing of channels, so it changes nothing
    assert channel_priorities.rank(channel.pk, shelf.product_id, shelf.store.id) == 5
    narrow = rule({channel.code: 2}, product_id=shelf.product_id)
    assert channel_priorities.rank(channel.pk, shelf.product_id, shelf.store.id) == 2
    assert channel_priorities.rank(channel.pk, shelf.product_id + 1, shelf.store.id) == 5
    assert channel_priorities.rank(shelf.channel_id, shelf.product_id, shelf.store.id) == channel_priorities.LAST
    with transaction():
        rules.change_rule(narrow, is_active=False, by=BY, at=clock.now())
    assert channel_priorities.rank(channel.pk, shelf.product_id, shelf.store.id) == 5


def test_a_rule_may_not_name_a_channel_that_there_is_none_of(shelf: Shelf) -> None:
    with pytest.raises(InvalidInput, match="no channel 'nowhere'") as refused:
        rule({"nowhere": 1})
    assert refused.value.errors[0]["field"] == "channel_priorities"


def test_backorders_are_filled_by_priority_and_the_overtaken_are_told_the_truth(shelf: Shelf, vip: Shelf) -> None:
    policy(shelf, 50)
    expected(shelf, 5, 10)
    expected(shelf, 5, 20)
    order(shelf, 10)
    first, told_first = order(shelf, 5)
    assert told_first is not None
    assert told_first.promised_on == in_days(10)
    second, told_second = order(vip, 5)
    assert told_second is not None
    assert told_second.promised_on == in_days(10), "it comes before who waits already"
    with transaction():
        backorders.revise([shelf.product_id], by=BY, at=clock.now())
    assert waits(first) == (5, in_days(20))
    revised = OutboxMessage.objects.filter(event_type="promise.revised").latest("id")
    assert (revised.payload["reason"], revised.channel_id) == ("overtaken", shelf.channel_id)
    listed = backorders.listed_at(shelf.product_id, shelf.store.id, at=clock.now())
    assert [(claim.claim_id, claim.rank) for claim in listed] == [(second, 1), (first, 9)]
    shelf.receive(5)
    assert (waits(first)[0], waits(second)[0]) == (5, 0)


def test_without_priorities_the_oldest_comes_first(shelf: Shelf) -> None:
    policy(shelf, 50, lead_days=7)
    other = replace(shelf, channel_id=another_channel().pk)
    order(shelf, 10)
    first, second = order(shelf, 3)[0], order(other, 3)[0]
    shelf.receive(4)
    assert (waits(first)[0], waits(second)[0]) == (0, 2)
    assert Backorder.objects.count() == 2


def test_the_waiting_list_goes_by_priority_and_says_how_many_come_before(shelf: Shelf, vip: Shelf) -> None:
    shelf.allocate(10)

    def join(of: Shelf, who: str, location_id: int | None = None) -> Any:
        with transaction():
            return waiting_list.join(
                channel_id=of.channel_id, product_id=of.product_id, location_id=location_id, quantity=1, subscriber=who,
                by=BY, at=clock.now(),
            )  # fmt: skip

    early, late, here = join(shelf, "early"), join(vip, "late"), join(vip, "here", shelf.store.id)

    def ahead(entry: Any, of: Shelf) -> int:
        return waiting_list.read(entry, channel_id=of.channel_id, at=clock.now()).ahead

    assert (ahead(early, shelf), ahead(late, vip), ahead(here, vip)) == (2, 0, 1)
    shelf.receive(2)
    with transaction():
        assert waiting_list.serve([shelf.product_id], by=BY, at=clock.now()) == 2
    assert dict(WaitingEntry.objects.values_list("id", "state")) == {early: "waiting", late: "offered", here: "offered"}


def test_demand_without_a_place_gets_its_places_by_priority(shelf: Shelf, vip: Shelf) -> None:
    lines = [Accepted(ids.new(), of.channel_id, of.product_id, "DE", 1) for of in (shelf, vip, shelf)]
    for line in lines:
        with transaction():
            demands.accept([line], by=BY, at=clock.now())
    assert [turn.demand.id for turn in demands.in_line([shelf.product_id])] == [lines[1].id, lines[0].id, lines[2].id]


def test_the_page_behind_the_number_says_who_comes_first_and_by_which_rule(shelf: Shelf, vip: Shelf) -> None:
    policy(shelf, 50, lead_days=7)
    order(shelf, 12)
    order(vip, 1)
    person, client = ground.user(), Client()
    with transaction():
        locations.assign(person, Role.STORE_MANAGER, shelf.store.id, by=BY)
    client.force_login(person)
    page = client.get(reverse("inventory-staff:why"), {"sku": shelf.sku}).content.decode()
    assert page.index("priority 1") < page.index("priority 9")
    assert "Channels with a lower number are served first, as the rule “Rule 1 {}” says" in page


# --- the desk and the API --------------------------------------------------------------------------------------------


@pytest.fixture
def desk(db: None) -> Client:
    person, client = ground.user(), Client()
    with transaction():
        locations.assign(person, Role.MERCHANDISER, None, by=BY)
    client.force_login(person)
    return client


def rule_form(**values: Any) -> dict[str, Any]:
    return {
        "name": "All goods", "place": "", "service_level_percent": "95", "review_days": "7", "lead_time_days": "7",
        "lead_time_deviation_days": "0", "safety_stock": "0", "case_pack": "1", "lot_size": "1", "minimum_order": "1",
        "transfer_radius_km": "0", "is_active": "on",
    } | values  # fmt: skip


def test_priorities_are_chosen_on_the_form_of_a_rule(desk: Client, shelf: Shelf) -> None:
    channel = another_channel()
    new = reverse("inventory-staff:replenishment-rule-new")
    assert f"Priority of {channel.name} when goods are scarce" in desk.get(new).content.decode()
    assert desk.post(new, rule_form(**{f"priority_{channel.pk}": "1"})).status_code == 302
    row = ReplenishmentRule.objects.get()
    assert row.channel_priorities == {channel.code: 1}
    change = reverse("inventory-staff:replenishment-rule", args=[row.pk])
    assert desk.get(change).context["form"].initial[f"priority_{channel.pk}"] == 1
    assert desk.post(change, rule_form(**{f"priority_{channel.pk}": "10"})).status_code == 422
    assert desk.post(change, rule_form(**{f"priority_{channel.pk}": "9"})).status_code == 302
    row.refresh_from_db()
    assert row.channel_priorities == {}
    assert channel.code not in desk.get(reverse("inventory-staff:replenishment-rules")).content.decode()


def test_promotions_are_noted_and_removed_at_the_desk(desk: Client, shelf: Shelf) -> None:
    new = reverse("inventory-staff:replenishment-promotion-new")
    form = {"name": "Summer", "sku": shelf.sku, "first_day": "2026-07-01", "last_day": "2026-07-14", "factor": "2.5"}
    for wrong, sentence in [
        ({"last_day": "2026-06-01"}, "The last day is not before the first."),
        ({"category": "Lamps"}, "Name either a product or a category."),
        ({"sku": ""}, "Name either a product or a category."),
        ({"factor": "-1"}, "greater than or equal to 0.01"),
    ]:
        refused = desk.post(new, form | wrong)
        assert refused.status_code == 422
        assert sentence in refused.content.decode()
    assert desk.post(new, form).status_code == 302
    row = PromotionUplift.objects.get()
    assert (row.product_id, row.factor) == (shelf.product_id, 2.5)
    assert "Summer" in desk.get(reverse("inventory-staff:replenishment-rules")).content.decode()
    remove = reverse("inventory-staff:replenishment-promotion-remove", args=[row.pk])
    assert desk.post(remove).status_code == desk.post(remove).status_code == 302
    assert not PromotionUplift.objects.exists()


def test_the_api_lists_and_forgets_promotions(shelf: Shelf) -> None:
    key = ground.key(ground.channel(), Scope.SUPPLY_WRITE)
    body = {"name": "Summer", "sku": shelf.sku, "factor": 2, "first_day": "2026-07-01", "last_day": "2026-07-14"}
    address = "/api/v1/replenishment/promotions"
    made = Client().post(address, body, "application/json", **key.headers).json()["id"]
    [listed] = Client().get(address, **key.headers).json()["items"]
    assert (listed["id"], listed["sku"], listed["factor"]) == (made, shelf.sku, 2.0)
    assert Client().delete(f"{address}/{made}", **key.headers).status_code == 204
    assert Client().delete(f"{address}/{made}", **key.headers).status_code == 204
    assert Client().get(address, **key.headers).json() == {"items": []}
