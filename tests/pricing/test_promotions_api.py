"""Drafts through the API: a key acts for a person, author and approver are two, a change names what it was made for."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from commerce import accounts, clock
from commerce.models import User
from commerce.roles import Role, Scope
from commerce.transactions import transaction
from inventory.places import locations
from pricing import rulesets, trade
from pricing.promotions.terms import Content
from tests.factories import commerce as ground

pytestmark = pytest.mark.django_db
SALE = {"id": "SALE", "name": "Sale", "benefit": {"kind": "percent_off", "basis_points": 2000}}


@pytest.fixture(autouse=True)
def _known_revenue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trade, "_revenue", [lambda ids, since, until: {}])


class Caller:
    """Somebody with a key."""

    def __init__(self, role: Role | None = Role.MERCHANDISER, *scopes: Scope) -> None:
        self.person: User | None = None
        if role is not None:
            with transaction():
                name = f"{role.value}-{User.objects.count()}"
                self.person = accounts.add_user(name, "quite a long one 7", name.title(), "en", by=ground.TESTER)
                locations.assign(self.person, role, None, by=ground.TESTER)
        self._key = ground.key(None, *scopes, person=self.person)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"content_type": "application/json"} | ({"data": body} if body is not None else {})
        extra = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        return getattr(Client(), method)(f"/api/v1{path}", **sent, **extra, **self._key.headers)


def drafted(caller: Caller, promotion: dict[str, Any] = SALE, **more: Any) -> tuple[str, str]:
    """Return the address of a draft with a promotion, and its tag."""
    made = caller("post", "/promotion-drafts", {"title": "Autumn"})
    assert made.status_code == 201, made.content
    path = f"/promotion-drafts/{made.json()['id']}"
    changed = caller("patch", path, {"content": {"promotions": [promotion]}, **more}, if_match=made["ETag"])
    assert changed.status_code == 200, changed.content
    return path, changed["ETag"]


def test_the_whole_way_of_a_draft_takes_two_people():
    ground.product()
    anna, bert = Caller(), Caller()
    path, tag = drafted(anna)
    beside = anna("get", f"{path}/differences").json()
    assert [(one["kind"], one["promotion"]) for one in beside["changes"]] == [("added", "SALE")]
    looked = anna("get", f"{path}/findings").json()
    assert (looked["findings"], looked["is_submittable"], looked["claims"]["left_out"]) == ([], True, 0)
    submitted = anna("post", f"{path}/submit", {}, if_match=tag)
    assert (submitted.json()["state"], submitted.json()["missing"]) == ("submitted", {"colleague": 1})
    own = anna("post", f"{path}/approve", {"submission": 1})
    assert (own.status_code, own.json()["code"]) == (403, "not_an_approver")
    approved = bert("post", f"{path}/approve", {"submission": 1})
    assert approved.json()["state"] == "approved"
    published = anna("post", f"{path}/publish", {}, if_match=approved["ETag"])
    number = published.json()["version"]
    assert anna("get", f"/ruleset-versions/{number}").json()["standing"] == "active"
    ended = bert("post", f"/ruleset-versions/{number}/withdraw", {"reason": "Wrong day"})
    assert ended.json()["standing"] == "withdrawn"
    back = anna("post", f"/ruleset-versions/{number}/roll-back", {})
    assert (back.status_code, back.json()["of_number"], back.json()["content"]["promotions"][0]["id"]) == (
        201,
        number,
        "SALE",
    )


def test_a_draft_is_scheduled_and_called_off():
    ground.product()
    anna, bert = Caller(), Caller()
    begins = (clock.now() + timedelta(days=3)).isoformat()
    path, tag = drafted(anna, effective_from=begins)
    anna("post", f"{path}/submit", {}, if_match=tag)
    approved = bert("post", f"{path}/approve", {"submission": 1})
    number = anna("post", f"{path}/publish", {}, if_match=approved["ETag"]).json()["version"]
    (row,) = anna("get", "/ruleset-versions").json()["items"]
    assert (row["number"], row["standing"]) == (number, "scheduled")


def test_who_comes_second_is_told_who_changed_what():
    ground.product()
    anna, bert = Caller(), Caller()
    path, tag = drafted(anna)
    assert bert("patch", path, {"note": "Mine"}, if_match=tag).status_code == 200
    late = anna("patch", path, {"title": "Mine"}, if_match=tag)
    problem = late.json()
    assert (late.status_code, problem["code"], problem["changes"]["note"]) == (409, "ruleset_draft_changed", "Mine")
    fresh = anna("get", path)
    assert anna("patch", path, {"title": "Mine"}, if_match=fresh["ETag"]).json()["title"] == "Mine"
    for wrong in ({}, {"if_match": "*"}, {"if_match": '"x"'}):
        assert anna("patch", path, {"title": "T"}, **wrong).status_code == 428


def test_what_is_wrong_is_named_with_its_path():
    anna = Caller()
    path, tag = drafted(anna, SALE | {"id": "A"})
    bad = {"promotions": [SALE | {"benefit": {"kind": "percent_off", "basis_points": 12_000}}]}
    answer = anna("patch", path, {"content": bad}, if_match=tag)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "promotions[0].benefit.basis_points")
    assert anna("patch", path, {"content": []}, if_match=tag).status_code == 400
    assert anna("patch", path, {"nonsense": 1}, if_match=tag).status_code == 400
    backwards = {"effective_from": "2027-02-01T00:00:00Z", "effective_to": "2027-01-01T00:00:00Z"}
    assert anna("patch", path, backwards, if_match=tag).status_code == 400
    refused = anna("post", f"{path}/submit", {}, if_match=tag)
    assert (refused.status_code, refused.json()["code"]) == (409, "ruleset_draft_conflicts")
    assert refused.json()["findings"][0]["code"] == "no_goods"


def test_a_rejection_and_a_withdrawal_need_reasons():
    ground.product()
    anna, bert = Caller(), Caller()
    path, tag = drafted(anna)
    anna("post", f"{path}/submit", {}, if_match=tag)
    assert bert("post", f"{path}/reject", {"submission": 1}).status_code == 400
    assert bert("post", f"{path}/reject", {"submission": 1, "reason": "Too deep"}).json()["state"] == "draft"
    with transaction():
        number = rulesets.publish(Content(), by=ground.TESTER)
    assert bert("post", f"/ruleset-versions/{number}/withdraw", {}).status_code == 400


def test_keys_of_nobody_read_and_simulate_but_neither_write_nor_approve():
    ground.product()
    path, _tag = drafted(Caller())
    nobody, clerk = Caller(None), Caller(Role.CLERK)
    assert nobody("get", path).status_code == 200
    assert nobody("post", f"{path}/simulations", {}).status_code == 202
    for caller in (nobody, clerk):
        assert caller("post", "/promotion-drafts", {"title": "T"}).json()["code"] == "not_an_author"
        assert caller("post", f"{path}/approve", {"submission": 1}).json()["code"] == "not_an_approver"
    reader = Caller(Role.MERCHANDISER, Scope.PROMOTIONS_READ)
    assert reader("post", "/promotion-drafts", {"title": "T"}).json()["code"] == "missing_scope"


def test_a_key_of_somebody_who_left_opens_nothing():
    anna = Caller()
    with transaction():
        accounts.set_active(anna.person.pk, False, by=ground.TESTER)  # type: ignore[union-attr]
    assert anna("get", "/promotion-drafts").status_code == 401


def test_a_simulation_is_started_once_and_found_again():
    ground.product()
    anna = Caller()
    path, _tag = drafted(anna)
    first = anna("post", f"{path}/simulations", {}, idempotency_key="try-1")
    again = anna("post", f"{path}/simulations", {}, idempotency_key="try-1")
    assert first.json() == again.json()
    one = anna("get", f"/promotion-simulations/{first.json()['id']}").json()
    assert (one["state"], one["result"]) == ("waiting", None)
    assert len(anna("get", f"{path}/simulations").json()["items"]) == 1


def test_lists_are_bounded_and_filtered():
    anna = Caller()
    drafted(anna)
    assert len(anna("get", "/promotion-drafts?state=draft").json()["items"]) == 1
    assert anna("get", "/promotion-drafts?state=approved").json()["items"] == []
    assert anna("get", "/promotion-drafts?limit=1000").status_code == 400
    assert anna("get", "/ruleset-versions/77").status_code == 404
    assert anna("get", "/promotion-drafts/00000000-0000-0000-0000-000000000000").status_code == 404


def test_a_cursor_walks_through_drafts_once_each():
    anna = Caller()
    for _ in range(3):
        drafted(anna)
    seen, cursor = [], ""
    while True:
        page = anna("get", f"/promotion-drafts?limit=2{cursor}").json()
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 3
    assert anna("get", "/promotion-drafts?cursor=made-up").status_code == 400
