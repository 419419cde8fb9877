"""The replenishment part of the API: proposals with their inputs, deciding on them, rules, promotions."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from commerce import clock
from commerce.product_refs import ProductRef
from commerce.roles import Scope
from inventory.models import PromotionUplift, ReplenishmentProposal, ReplenishmentRule
from inventory.places.locations import LocationRef
from inventory.replenishment import demand, forecasts, proposals, rules
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.factories import past_sales
from tests.inventory.conftest import BY

pytestmark = pytest.mark.django_db
PROPOSALS, RULES = "/api/v1/replenishment/proposals", "/api/v1/replenishment/rules"


@pytest.fixture
def lamp() -> ProductRef:
    return make.product()


@pytest.fixture
def store() -> LocationRef:
    return make_inventory.store()


@pytest.fixture
def api() -> "Api":
    return Api(make.key(None, Scope.SUPPLY_WRITE).headers)


class Api:
    """A client of the API with one key."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.client, self.headers = Client(), headers

    def get(self, address: str, **parameters: str) -> Any:
        return self.client.get(address, parameters, **self.headers)

    def send(self, method: str, address: str, body: object, key: str = "") -> Any:
        more = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
        return self.client.generic(method, address, json.dumps(body), "application/json", **self.headers, **more)


@pytest.fixture
def proposal(lamp: ProductRef, store: LocationRef, api: Api) -> ReplenishmentProposal:
    assert api.send("POST", RULES, {"name": "Weekly", "location": store.code, "supplier": "lampco"}).status_code == 201
    past_sales.sold(lamp.id, store.id, [7, 6, 8, 7] * 8, until=clock.now(), left=3)
    list(demand.count_all())
    forecasts.run(at=clock.now(), uplifts=rules.Book().uplifts)
    proposals.run(by=BY, at=clock.now())
    return ReplenishmentProposal.objects.get()


def test_proposals_are_listed_with_their_inputs(
    api: Api, proposal: ReplenishmentProposal, lamp: ProductRef, store: LocationRef
) -> None:
    (item,) = api.get(PROPOSALS, location=store.code, kind="purchase").json()["items"]
    assert (item["sku"], item["location"], item["supplier"]) == (lamp.sku, store.code, "lampco")
    assert item["inputs"]["position"] == 3
    assert api.get(PROPOSALS, state="dismissed").json()["items"] == []
    assert api.get(PROPOSALS, state="nonsense").status_code == 400


def test_approving_once_is_approving_once(api: Api, proposal: ReplenishmentProposal) -> None:
    body = {"items": [{"id": str(proposal.pk), "quantity": 60}]}
    first = api.send("POST", f"{PROPOSALS}/approve", body, key="k-1")
    again = api.send("POST", f"{PROPOSALS}/approve", body, key="k-1")
    assert (first.status_code, again.json()) == (200, first.json())
    assert first.json()["items"][0]["quantity"] == 60
    assert first.json()["items"][0]["state"] == "approved"
    ordered = api.send("POST", f"{PROPOSALS}/ordered", {"items": [{"id": str(proposal.pk), "reference": "ERP-7"}]})
    assert ordered.json()["items"][0]["state"] == "ordered"


def test_dismissing_and_then_approving_is_a_conflict(api: Api, proposal: ReplenishmentProposal) -> None:
    body = {"ids": [str(proposal.pk)], "reason": "delisted"}
    assert api.send("POST", f"{PROPOSALS}/dismiss", body).json()["items"][0]["reason"] == "delisted"
    refused = api.send("POST", f"{PROPOSALS}/approve", {"items": [{"id": str(proposal.pk)}]})
    assert (refused.status_code, refused.json()["code"], refused.json()["state"]) == (
        409, "proposal_not_open", "dismissed",
    )  # fmt: skip
    unknown = api.send("POST", f"{PROPOSALS}/approve", {"items": [{"id": str(uuid4())}]})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "proposal_unknown")


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"lead_time_days": -3}, 400, "lead_time_days"), ({"lead_time_days": "3"}, 400, "lead_time_days"),
        ({"service_level_percent": 130}, 400, "service_level_percent"), ({"review_days": 0}, 400, "review_days"),
        ({"reorder_point": 9, "target_level": 4}, 422, "target_level"), ({"name": ""}, 400, "name"),
        ({"sku": "unheard-of"}, 422, "sku"), ({"location": "NOWHERE"}, 422, "location"), ({"more": 1}, 400, "more"),
        ({"order_weekdays": [0]}, 400, "order_weekdays[0]"), ({"channel_priorities": {"web": 0}}, 400, "channel_priorities.web"),
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused_by_field(
    wrong: dict[str, Any], status: int, field: str, api: Api
) -> None:
    answer = api.send("POST", RULES, {"name": "Weekly"} | wrong)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)
    assert not ReplenishmentRule.objects.exists()


def test_a_rule_is_read_changed_and_retired(api: Api, lamp: ProductRef) -> None:
    made = api.send("POST", RULES, {"name": "Lamps", "sku": lamp.sku, "lead_time_days": 4.5}).json()
    address = f"{RULES}/{made['id']}"
    assert (made["sku"], made["lead_time_days"]) == (lamp.sku, 4.5)
    assert api.send("PATCH", address, {"case_pack": 6}).json()["case_pack"] == 6
    assert api.send("PATCH", address, {"is_active": False}).json()["is_active"] is False
    assert api.get(address).json()["case_pack"] == 6
    assert [rule["id"] for rule in api.get(RULES).json()["items"]] == [made["id"]]
    assert api.get(f"{RULES}/{made['id'] + 9}").json()["code"] == "rule_unknown"
    twin = {"name": "Lamps", "sku": lamp.sku}
    api.send("PATCH", address, {"is_active": True})
    assert api.send("POST", RULES, twin).json()["code"] == "rule_contradicts"


def test_promotions_are_noted(api: Api, lamp: ProductRef) -> None:
    day = clock.now().date()
    body = {"name": "Summer", "sku": lamp.sku, "factor": 2.5, "first_day": str(day), "last_day": str(day)}
    assert api.send("POST", "/api/v1/replenishment/promotions", body).status_code == 201
    assert PromotionUplift.objects.get().factor == 2.5
    body["last_day"] = str(day - timedelta(days=1))
    assert api.send("POST", "/api/v1/replenishment/promotions", body).status_code == 400


def test_another_scope_is_not_enough(proposal: ReplenishmentProposal) -> None:
    other = Api(make.key(None, Scope.STOCK_WRITE).headers)
    assert other.get(PROPOSALS).status_code == 403
    assert other.send("POST", f"{PROPOSALS}/approve", {"items": [{"id": str(proposal.pk)}]}).status_code == 403
