"""Sharing through the API: a rule is drafted, seen, activated and retired; policies and guarantees likewise."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from commerce import clock
from commerce.models import Channel
from commerce.roles import Scope
from commerce.transactions import transaction
from inventory import availability
from inventory.sharing import dynamic_buffers, obligations
from inventory.sharing.obligations import Take
from tests.factories import commerce as ground
from tests.inventory.conftest import Shelf
from tests.inventory.sharing import holding

pytestmark = pytest.mark.django_db
Api = Callable[..., Any]


@pytest.fixture
def web(db: None) -> Channel:
    return ground.channel("web")


@pytest.fixture
def api(web: Channel) -> Api:
    key = ground.key(web, Scope.SHARING_WRITE)

    def call(method: str, path: str, body: Any = None, status: int = 200) -> Any:
        answer = Client().generic(
            method, f"/api/v1/sharing/{path}", "" if body is None else json.dumps(body), "application/json",
            **key.headers,
        )  # fmt: skip
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    return call


def seen(shelf: Shelf, channel: Channel) -> int:
    return availability.figures([shelf.product_id], channel_id=channel.pk, at=clock.now())[0].available


def test_a_rule_is_drafted_with_its_preview_activated_and_retired(api: Api, shelf: Shelf, web: Channel) -> None:
    body = {"name": "Keep three", "kind": "fixed", "amount": 3, "sku": shelf.sku, "location": shelf.store.code}
    draft = api("POST", "rules", body, 201)
    assert (draft["state"], draft["sku"], draft["location"], draft["needs_words"]) == (
        "draft", shelf.sku, shelf.store.code, False,
    )  # fmt: skip
    assert draft["previewed_at"]
    assert seen(shelf, web) == 10
    assert api("POST", f"rules/{draft['id']}/activate", {})["state"] == "active"
    assert seen(shelf, web) == 7
    assert [one["id"] for one in api("GET", "rules")["items"]] == [draft["id"]]
    crossing = api("POST", "rules", body | {"name": "Keep five", "amount": 5}, 201)
    assert [(one["how"], one["rule"]) for one in crossing["contradictions"]] == [("equal_rank", draft["id"])]
    assert api("POST", f"rules/{crossing['id']}/preview")["previewed_at"]
    api("DELETE", f"rules/{crossing['id']}", status=204)
    api("GET", f"rules/{crossing['id']}", status=404)
    assert api("POST", f"rules/{draft['id']}/retire", {"reason": "season is over"})["state"] == "retired"
    assert seen(shelf, web) == 10
    assert api("POST", f"rules/{draft['id']}/retire", {}, 409)["code"] == "sharing_state_wrong"


def test_a_rule_that_withholds_everything_needs_its_name_as_words(api: Api, shelf: Shelf) -> None:
    draft = api("POST", "rules", {"name": "All of it", "kind": "percentage", "amount": 100}, 201)
    assert draft["needs_words"]
    assert api("POST", f"rules/{draft['id']}/activate", {}, 409)["code"] == "confirmation_needed"
    assert api("POST", f"rules/{draft['id']}/activate", {"words": "all of it"})["state"] == "active"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "percentage", "amount": 101}, "amount"),
        ({"amount": -1}, "amount"),
        ({"kind": "most"}, "kind"),
        ({"channel": "nowhere"}, "channel"),
        ({"group": "nowhere"}, "group"),
        ({"starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}, "ends_at"),
        ({"daily_from": "10:00"}, "daily_until"),
    ],
)
def test_what_no_rule_can_say_is_refused_by_field(api: Api, shelf: Shelf, changes: dict[str, Any], field: str) -> None:
    problem = api(
        "POST", "rules", {"name": "Wrong", "kind": "fixed", "amount": 3} | changes, 400 if field != "location" else 422
    )
    assert field in [error["field"] for error in problem["errors"]]


def test_a_policy_steps_within_its_bounds_and_a_step_is_taken_back(api: Api, shelf: Shelf, web: Channel) -> None:
    draft = api("POST", "policies", {"name": "As needed", "minimum": 2, "maximum": 5, "sku": shelf.sku}, 201)
    assert api("POST", f"policies/{draft['id']}/activate")["state"] == "active"
    with transaction():
        dynamic_buffers.step_all(by=ground.TESTER, at=clock.now())
    read = api("GET", f"policies/{draft['id']}")
    assert [one["id"] for one in api("GET", "policies")["items"]] == [draft["id"]]
    for step in read["steps"][:1]:
        undone = api("POST", f"policies/{draft['id']}/steps/{step['id']}/undo")
        assert undone["steps"][0]["cause"] == "undone"
    assert api("POST", f"policies/{draft['id']}/retire", {})["state"] == "retired"
    other = api("POST", "policies", {"name": "Never", "minimum": 1, "maximum": 1}, 201)
    api("DELETE", f"policies/{other['id']}", status=204)
    assert api("POST", "policies", {"name": "Wrong", "minimum": 9, "maximum": 1}, 400)["code"] == "invalid_input"


def test_pieces_are_guaranteed_taken_and_free_again(api: Api, shelf: Shelf, web: Channel) -> None:
    start = clock.now()
    body = {
        "name": "Market day", "channel": "web", "sku": shelf.sku, "location": shelf.store.code, "quantity": 4,
        "starts_at": start.isoformat(), "ends_at": (start + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    made = api("POST", "obligations", body, 201)
    assert (made["quantity"], made["taken"], made["owed"]) == (4, 0, 4)
    figure = availability.figures([shelf.product_id], channel_id=shelf.channel_id, at=clock.now())[0]
    assert figure.available == 6
    with transaction():
        obligations.take(web.pk, [Take(uuid4(), shelf.product_id, shelf.store.id, 3)], at=clock.now())
    [listed] = api("GET", "obligations")["items"]
    assert (listed["taken"], listed["owed"]) == (3, 1)
    assert api("POST", f"obligations/{made['id']}/end", {})["owed"] == 0
    api("POST", f"obligations/{made['id'] + 1}/end", {}, 404)
    problem = api("POST", "obligations", {name: value for name, value in body.items() if name != "channel"}, 400)
    assert problem["errors"][0]["field"] == "channel"


def test_a_key_without_the_scope_is_told_which_one_it_lacks(shelf: Shelf, web: Channel) -> None:
    key = ground.key(web, Scope.STOCK_WRITE)
    holding("fixed", 1)
    for path in ("rules", "policies", "obligations"):
        answer = Client().get(f"/api/v1/sharing/{path}", **key.headers)
        assert (answer.status_code, answer.json()["scope"]) == (403, "sharing:write")
