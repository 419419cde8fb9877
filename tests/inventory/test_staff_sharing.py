"""The desk of sharing: what merchandisers write, see before it holds, activate, and take back."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation
from django.utils.timezone import localtime

from commerce import catalog, clock
from commerce.models import Channel
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import BufferRule, DynamicBuffer, DynamicPolicy, Obligation
from inventory.places import groups, locations
from inventory.sharing import dynamic_buffers, obligations
from inventory.sharing.scopes import ScopeIds
from inventory.staff import sharing_words
from tests.factories import commerce as ground
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import agreed, categorised, drafted, holding, seen
from tests.inventory.test_dynamic_buffers import lagging, policy, step

pytestmark = pytest.mark.django_db

SHARING = "/staff/sharing/"
NEW_RULE, NEW_POLICY, NEW_OBLIGATION = SHARING + "rules/new/", SHARING + "policies/new/", SHARING + "obligations/new/"
POLICIES, OBLIGATIONS = SHARING + "policies/", SHARING + "obligations/"


def signed_in(role: Role = Role.MERCHANDISER, location_id: int | None = None, language: str = "en") -> Client:
    person = ground.user(language=language)
    with transaction():
        locations.assign(person, role, location_id, by=BY)
    client = Client()
    client.force_login(person)
    return client


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def rule_form(**changes: Any) -> dict[str, Any]:
    return {"name": "Lag", "purpose": "buffer", "kind": "fixed", "amount": 2} | changes


def listed(shelf: Shelf) -> None:
    with transaction():
        catalog.list_products(shelf.channel_id, [shelf.product_id], by=BY)


# --- rules ----------------------------------------------------------------------------------------------------------------


def test_a_rule_is_written_seen_activated_and_retired(shelf: Shelf) -> None:
    listed(shelf)
    client = signed_in()
    answer = client.post(NEW_RULE, rule_form(place=f"place:{shelf.store.id}", sku=shelf.sku), follow=True)
    page = text_of(answer)
    assert f"Every channel sees 2 pieces fewer of Lamp at {shelf.store.name}" in page
    assert "10 → became 8" in page
    assert "Activate the rule" in page
    assert seen(shelf) == 10
    row = BufferRule.objects.get()
    client.post(f"{SHARING}rules/{row.pk}/activate/")
    assert seen(shelf) == 8
    assert "2 pieces fewer" in text_of(client.get(SHARING))
    client.post(f"{SHARING}rules/{row.pk}/retire/")
    assert seen(shelf) == 10
    assert "No rule holds" in text_of(client.get(SHARING))
    assert "Lag" in text_of(client.get(SHARING, {"state": "retired"}))


def test_a_draft_is_changed_and_thrown_away(shelf: Shelf) -> None:
    client = signed_in()
    rule_id = drafted("percentage", 20, scope=ScopeIds(location_id=shelf.store.id))
    edit = f"{SHARING}rules/{rule_id}/edit/"
    form = client.get(edit).context["form"]
    assert (form["kind"].value(), form["place"].value()) == ("percentage", f"place:{shelf.store.id}")
    client.post(edit, rule_form(kind="cap", amount=3))
    row = BufferRule.objects.get()
    assert (row.kind, row.amount, row.location_id) == ("cap", 3, None)
    assert row.preview is not None
    client.post(f"{SHARING}rules/{rule_id}/discard/")
    assert not BufferRule.objects.exists()
    assert client.get(f"{SHARING}rules/{rule_id}/").status_code == 404


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"kind": "percentage", "amount": 120}, "amount", "between 1 and 100"),
        ({"amount": 0}, "amount", "from 1"),
        ({"amount": "many"}, "amount", "whole number"),
        ({"sku": "nothing"}, "sku", "No product with stock"),
        ({"daily_from": "09:00"}, "daily_until", "both a start and an end"),
        ({"daily_from": "09:00", "daily_until": "09:00"}, "daily_until", "empty"),
        ({"starts_at": "2030-01-02T10:00", "ends_at": "2030-01-02T10:00"}, "ends_at", "after the start"),
        ({"starts_at": "2030-03-31T02:30"}, "starts_at", "may not exist"),
        ({"channel": "99999999"}, "channel", "Select a valid choice"),
    ],
)
def test_what_no_rule_can_say_is_told_beside_its_field_and_nothing_is_lost(
    shelf: Shelf, changes: dict[str, Any], field: str, sentence: str
) -> None:
    answer = signed_in().post(NEW_RULE, rule_form(**changes))
    assert answer.status_code == 422
    assert sentence in " ".join(answer.context["form"].errors[field])
    assert answer.context["form"]["name"].value() == "Lag"
    assert not BufferRule.objects.exists()


def test_a_refusal_of_the_verb_stands_beside_its_field(shelf: Shelf) -> None:
    till = ground.channel("till-1", kind="pos")
    answer = signed_in().post(NEW_RULE, rule_form(purpose="holdback", channel=till.pk))
    assert answer.status_code == 422
    assert "channel" in answer.context["form"].errors


def test_a_product_and_a_category_are_not_both_meant(shelf: Shelf) -> None:
    categorised(shelf, "Lamps")
    answer = signed_in().post(NEW_RULE, rule_form(sku=shelf.sku, category="Lamps"))
    assert "not both" in " ".join(answer.context["form"].errors["category"])


def test_withholding_everything_is_confirmed_by_its_name(shelf: Shelf) -> None:
    client = signed_in()
    with transaction():
        catalog.list_products(shelf.channel_id, [shelf.product_id], by=BY)
    rule_id = drafted("cap", 0, name="Stop")
    url = f"{SHARING}rules/{rule_id}/"
    client.post(url + "preview/")
    assert "withholds everything" in text_of(client.get(url))
    assert {one["place"] for one in client.get(url).context["biggest"]} == {shelf.store.name}, "places by their names"
    refused = client.post(url + "activate/", {"words": "yes"})
    assert refused.status_code == 409
    assert "Write “Stop” to confirm" in text_of(refused)
    assert seen(shelf) == 10
    client.post(url + "activate/", {"words": "Stop"})
    assert seen(shelf) == 0


def test_old_figures_are_measured_again_before_activation(shelf: Shelf) -> None:
    client = signed_in()
    rule_id = drafted()
    url = f"{SHARING}rules/{rule_id}/"
    assert "Measure again" in text_of(client.get(url))
    assert client.post(url + "activate/").status_code == 409
    client.post(url + "preview/")
    assert "Activate the rule" in text_of(client.get(url))
    with clock.frozen(clock.now() + timedelta(minutes=31)):
        assert "Measure again" in text_of(client.get(url))


def test_contradictions_are_warned_of_in_words(shelf: Shelf) -> None:
    holding("fixed", 5, name="Broad")
    rule_id = drafted("fixed", 1, name="Narrow", scope=ScopeIds(product_id=shelf.product_id))
    page = text_of(signed_in().get(f"{SHARING}rules/{rule_id}/"))
    assert "“Narrow” is the more special one and shows more than “Broad” meant to" in page


def test_what_an_active_rule_says_stays_also_on_the_page(shelf: Shelf) -> None:
    client = signed_in()
    rule_id = holding()
    answer = client.post(f"{SHARING}rules/{rule_id}/edit/", rule_form(amount=9))
    assert answer.status_code == 422
    assert BufferRule.objects.get().amount == 2
    client.post(f"{SHARING}rules/{rule_id}/discard/")
    client.post(f"{SHARING}rules/{rule_id}/preview/")
    assert BufferRule.objects.get().state == "active"


def test_sentences_say_for_whom_what_where_and_when(shelf: Shelf) -> None:
    categorised(shelf, "Lamps")
    with transaction():
        group = groups.set_group("berlin", "Berlin stores", [shelf.store.id], by=BY)
    ends_at = localtime(clock.now()).replace(year=2031, month=12, day=24, hour=18, minute=0)
    scope = ScopeIds(channel_id=shelf.channel_id, group_id=group, category="Lamps")
    row = BufferRule.objects.get(pk=drafted("fixed", 2, scope=scope, ends_at=ends_at))
    name = Channel.objects.get(pk=shelf.channel_id).name
    with translation.override("en"):
        said = sharing_words.rule(row)
    assert said.startswith(
        f"{name} sees 2 pieces fewer of the category Lamps at the places of Berlin stores, until 24 Dec 2031, 18:00"
    )
    with translation.override("de"):
        assert sharing_words.rule(row).startswith(f"{name} sieht 2 Stück weniger von der Kategorie Lamps")
        holdback = BufferRule.objects.get(pk=drafted("cut_off", 3, purpose="holdback"))
        assert "außer den Kassen" in sharing_words.rule(holdback)


# --- dynamic policies -----------------------------------------------------------------------------------------------------


def policy_form(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Rush", "minimum": 0, "maximum": 5, "factor_percent": 100, "step_limit": 2, "cool_down_seconds": 60,
    } | changes  # fmt: skip


def test_a_policy_is_written_activated_steps_and_is_taken_back(shelf: Shelf) -> None:
    client = signed_in()
    client.post(NEW_POLICY, policy_form())
    made = DynamicPolicy.objects.get()
    url = f"{POLICIES}{made.pk}/"
    assert "0 to 5 pieces fewer" in text_of(client.get(url))
    client.post(url + "activate/")
    lagging(shelf, 300)
    shelf.reserve(8)
    step()
    page = client.get(url)
    assert [chart.values for chart in page.context["charts"]] == ["0 → 2"]
    assert "1.6 pieces a minute" in text_of(page)
    assert "Take back" in text_of(page)
    undo = f"{url}steps/{dynamic_buffers.steps_of(made.pk)[0].pk}/undo/"
    client.post(undo, {"hours": 2})
    assert DynamicBuffer.objects.get().pieces == 0
    after = text_of(client.get(url))
    assert "stays until" in after
    assert "Take back" not in after
    client.post(url + "retire/")
    assert "Rush" in text_of(client.get(POLICIES, {"state": "retired"}))


def test_wrong_bounds_a_long_pin_and_unknown_steps_are_refused(shelf: Shelf) -> None:
    client = signed_in()
    answer = client.post(NEW_POLICY, policy_form(minimum=6))
    assert answer.status_code == 422
    assert "maximum" in answer.context["form"].errors
    made = policy()
    assert client.post(f"{POLICIES}{made}/steps/{uuid4()}/undo/").status_code == 404
    answer = client.post(f"{POLICIES}{made}/steps/{uuid4()}/undo/", {"hours": 9999}, follow=True)
    assert "up to seven days" in text_of(answer)


def test_a_draft_of_a_policy_is_thrown_away(shelf: Shelf) -> None:
    client = signed_in()
    client.post(NEW_POLICY, policy_form())
    client.post(f"{POLICIES}{DynamicPolicy.objects.get().pk}/discard/")
    assert not DynamicPolicy.objects.exists()


# --- obligations ----------------------------------------------------------------------------------------------------------


def test_a_guarantee_is_agreed_on_shown_with_its_bar_and_ended(shelf: Shelf) -> None:
    client = signed_in()
    now = localtime(clock.now())
    form = {
        "name": "Drop", "channel": shelf.channel_id, "quantity": 6, "sku": shelf.sku,
        "starts_at": (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "ends_at": (now + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip
    client.post(NEW_OBLIGATION, form)
    row = Obligation.objects.get()
    with transaction():
        obligations.take(
            shelf.channel_id, [obligations.Take(uuid4(), shelf.product_id, shelf.store.id, 2)], at=clock.now()
        )
    page = client.get(OBLIGATIONS)
    assert "2 of 6 taken" in text_of(page)
    assert "4 owed" in text_of(page)
    assert '<progress value="2" max="6"' in page.content.decode()
    client.post(f"{OBLIGATIONS}{row.pk}/end/")
    assert "Over" in text_of(client.get(OBLIGATIONS))
    wrong = client.post(NEW_OBLIGATION, form | {"sku": "", "channel": ""})
    assert set(wrong.context["form"].errors) == {"sku", "channel"}


# --- who, and how much it costs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.CLERK, Role.STORE_MANAGER, Role.SERVICE_AGENT])
def test_only_merchandisers_share(shelf: Shelf, role: Role) -> None:
    client, rule_id = signed_in(role), drafted()
    for url in (SHARING, NEW_RULE, POLICIES, NEW_POLICY, OBLIGATIONS, NEW_OBLIGATION, f"{SHARING}rules/{rule_id}/"):
        assert client.get(url).status_code == 403, url
    for url in (f"{SHARING}rules/{rule_id}/discard/", f"{SHARING}rules/{rule_id}/activate/", NEW_RULE):
        assert client.post(url, rule_form()).status_code == 403, url
    assert BufferRule.objects.get().state == "draft"


def test_rules_are_for_all_stores_so_a_merchandiser_of_one_store_does_not_write_them(shelf: Shelf) -> None:
    assert signed_in(location_id=shelf.store.id).get(SHARING).status_code == 403
    assert Client().get(SHARING).status_code == 302


def test_lists_cost_the_same_for_one_and_for_many(shelf: Shelf) -> None:
    client = signed_in()

    def cost(url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    categorised(shelf, "Lamps")
    scope = ScopeIds(channel_id=shelf.channel_id, location_id=shelf.store.id, product_id=shelf.product_id)
    holding("fixed", 1, scope=scope)
    policy(scope=scope)
    agreed(shelf, 1)
    before = {url: cost(url) for url in (SHARING, POLICIES, OBLIGATIONS)}
    for _ in range(5):
        holding("fixed", 1, scope=scope)
        policy(scope=scope)
        agreed(shelf, 1)
    assert {url: cost(url) for url in before} == before
    assert max(before.values()) <= 12


def test_pages_of_a_rule_and_a_policy_ask_a_bounded_number_of_questions(shelf: Shelf) -> None:
    client = signed_in()
    made, rule_id = policy(), drafted("fixed", 2, scope=ScopeIds(product_id=shelf.product_id))
    lagging(shelf, 300)
    shelf.reserve(8)
    for minutes in (0, 1.1, 2.2):
        step(minutes)
    for url in (
        reverse("inventory-staff:sharing-policy", args=[made]),
        reverse("inventory-staff:sharing-rule", args=[rule_id]),
    ):
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        assert len(queries) <= 12, url


def test_the_menu_leads_to_the_desk_for_those_who_may(shelf: Shelf) -> None:
    assert SHARING in signed_in().get("/staff/more/").content.decode()
    assert SHARING not in signed_in(Role.CLERK).get("/staff/more/").content.decode()
